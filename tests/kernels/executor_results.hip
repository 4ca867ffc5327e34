/* executor_results.hip: kernels that work out something.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/kernels/executor_small.h"

namespace
{

/* ---- Results ---- */

/* Row 0..7 of dst get, for block 0, what lane l of the last wave got from each operation; see executor_results.c. */
template <int WAVE> KERNEL(wave_results)
{
    float *out = a.partial;
    const int lane = T % WAVE;
    if (T >= static_cast<int>(blockDim.x) - WAVE) {
        float v[5];
        for (int i = 0; i < 5; i++)
            v[i] = static_cast<float>((lane * 7 + i * 3) % 11) + 0.1f * static_cast<float>(lane);
        float most[5];
        for (int i = 0; i < 5; i++)
            most[i] = v[i];
        simt_reduce_add<WAVE>(v);
        simt_reduce_max<4>(most);
        const float single = simt_reduce_add<8>(0.1f * static_cast<float>(lane));
        const uint64_t other = simt_shfl<WAVE>(static_cast<uint64_t>(lane) << 33, (lane + 5) % WAVE);
        const float across = simt_shfl_xor<WAVE>(static_cast<float>(lane), 3);
        const uint64_t votes = simt_ballot<WAVE>(lane % 3 == 0);
        if (lane == a.n_q) {
            for (int i = 0; i < 5; i++) {
                out[i] = v[i];
                out[5 + i] = most[i];
            }
            out[10] = single;
            out[11] = static_cast<float>(other >> 33);
            out[12] = across;
            out[13] = static_cast<float>(static_cast<uint32_t>(votes));
            out[14] = static_cast<float>(static_cast<uint32_t>(votes >> 32));
        }
    }
}

/* Every lane's value through one sum: partial[T] = sum over its group of WIDTH of v's elements. */
template <int WIDTH> KERNEL(sum_results)
{
    const float v = simt_f16_to_f32(reinterpret_cast<const uint16_t *>(a.v.data)[T]);
    a.partial[T] = simt_reduce_add<WIDTH>(v);
}

/* All 65,536 values of f16, 64 at a time from n_q: there, and back again. */
KERNEL(f16_results)
{
    const uint16_t h = static_cast<uint16_t>(a.n_q + T);
    const float f = simt_f16_to_f32(h);
    reinterpret_cast<uint32_t *>(a.partial)[T] = __builtin_bit_cast(uint32_t, f);
    reinterpret_cast<uint16_t *>(a.partial)[128 + T] = simt_f32_to_f16(f);
}

KERNEL(where)
{
    const uint32_t t = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    const uint32_t b = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    reinterpret_cast<uint32_t *>(a.partial)[b * blockDim.x * blockDim.y * blockDim.z + t] = 1000 * b + t;
}

} // namespace

extern "C" {

attn_entry executor_wave_entry(int wave_size) { return wave_size == 32 ? wave_results<32> : wave_results<64>; }

attn_entry executor_sum_entry(int width)
{
    switch (width) {
    case 1: return sum_results<1>;
    case 2: return sum_results<2>;
    case 4: return sum_results<4>;
    case 8: return sum_results<8>;
    case 16: return sum_results<16>;
    case 32: return sum_results<32>;
    default: return sum_results<64>;
    }
}

attn_entry executor_f16_entry(void) { return f16_results; }
attn_entry executor_where_entry(void) { return where; }
}
