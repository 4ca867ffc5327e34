/* executor_kernels.hip: small kernels that each commit one failure, and for each its near miss. Compiled for the host
 * only, with the options of the checked kernels (kernels/CMakeLists.txt).
 *
 * Memory, laid out by executor_failures.c:
 *   q    f32[7,4], rows 48 bytes apart: 28 bytes of elements, 20 of gap
 *   k    f16[7,8], rows 16 bytes apart: 14 bytes of elements, 2 of gap
 *   v    f16[8,8], dense
 *   dst  f32[8,1,4], rows 40 bytes apart: 32 bytes of elements, 8 of gap
 *   partial 512 bytes of workspace, meta the 64 bytes behind it
 * Waves have 32 lanes.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/kernels/executor_kernels.h"

#include "kernels/host/matrix.h"
#include "kernels/simt/simt.h"

namespace
{

struct lds_words {
    uint32_t word[64];
};
enum { LDS = sizeof(lds_words) };

#define KERNEL(name) __global__ void name(struct attn_args a)
#define T (static_cast<int>(threadIdx.x))
#define B (static_cast<int>(blockIdx.x))

__device__ float *dst_row(const struct attn_args &a, int row)
{
    return reinterpret_cast<float *>(a.dst.data + 40 * row);
}

/* Makes a value count without storing it anywhere that matters. */
__device__ void use(uint32_t v) { __asm__ volatile("" : : "r"(v)); }
__device__ void use(float v) { __asm__ volatile("" : : "x"(v)); }
__device__ int hidden(int v)
{
    __asm__ volatile("" : "+r"(v));
    return v;
}

/* ---- LDS nobody wrote ---- */
KERNEL(lds_unwritten)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    if (T != 3)
        s.word[T] = 1;
    __syncthreads();
    if (T == 5)
        use(s.word[3]);
}
KERNEL(lds_unwritten_byte)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    uint8_t *bytes = reinterpret_cast<uint8_t *>(&s);
    bytes[4 * T] = bytes[4 * T + 1] = bytes[4 * T + 3] = 1;
    __syncthreads();
    if (T == 5)
        use(s.word[5]);
}
KERNEL(lds_left_by_other_block)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    if (B == 0)
        s.word[T] = 1;
    __syncthreads();
    if (B == 1)
        use(s.word[T]);
}
KERNEL(lds_written)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    uint8_t *bytes = reinterpret_cast<uint8_t *>(&s);
    if (T < 32)
        s.word[2 * T] = 1;
    else
        for (int i = 0; i < 4; i++)
            bytes[8 * (T - 32) + 4 + i] = 2;
    __syncthreads();
    use(s.word[63 - T]);
    use(simt_load<simt_u32x4>(&s.word[T / 4 * 4]).x);
}
KERNEL(lds_conditional) /* a read that the source does not make must not be made early */
{
    SIMT_LDS(lds_words, s);
    const uint32_t v = a.n_q != 4 ? s.word[T] : 7u;
    use(v);
    s.word[T] = v;
}

/* ---- LDS races ---- */
KERNEL(race_read_after_write)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 0;
    __syncthreads();
    s.word[T] = static_cast<uint32_t>(T);
    use(s.word[T ^ 1] + 1);
}
KERNEL(race_other_wave)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 0;
    __syncthreads();
    s.word[T] = 1;
    simt_wave_sync<32>();
    use(s.word[T ^ 32]);
}
KERNEL(race_own_wave_sync) /* a wave's operation orders nothing that another wave did */
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 0;
    __syncthreads();
    if (T == 0)
        s.word[0] = 1;
    if (T >= 32) {
        simt_wave_sync<32>();
        if (T == 40)
            use(s.word[0]);
    }
}
KERNEL(race_long_ago) /* and so it stays, however many operations follow */
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 0;
    __syncthreads();
    if (T == 0)
        s.word[0] = 1;
    if (T < 32)
        for (int i = 0; i < 30; i++)
            simt_wave_sync<32>();
    if (T == 40)
        use(s.word[0]);
}
KERNEL(race_two_readers) /* of one wave; the second of them writes */
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 0;
    __syncthreads();
    if (T == 1 || T == 2)
        use(s.word[0]);
    if (T == 2)
        s.word[0] = 1;
}
KERNEL(race_two_reading_waves)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 0;
    __syncthreads();
    if (T == 1 || T == 33)
        use(s.word[0]);
    if (T == 33)
        s.word[0] = 1;
}
KERNEL(race_write_write)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    if (T == 2 || T == 9)
        s.word[7] = static_cast<uint32_t>(T);
}
KERNEL(race_write_after_read)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 1;
    __syncthreads();
    use(s.word[0]);
    if (T == 40)
        s.word[0] = 2;
}
KERNEL(race_bytes)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    uint8_t *bytes = reinterpret_cast<uint8_t *>(&s);
    s.word[T] = 0;
    __syncthreads();
    bytes[T] = 1;
    if (T == 9)
        use(static_cast<uint32_t>(*reinterpret_cast<uint16_t *>(bytes + 10)));
}
KERNEL(race_atomic_and_plain)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 0;
    __syncthreads();
    atomicAdd(&s.word[0], 1u);
    if (T == 33)
        use(s.word[0]);
}
KERNEL(race_after_copy) /* a block copy is an access */
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 1;
    __syncthreads();
    struct part {
        uint32_t word[20];
    };
    part copy;
    if (T == 1)
        copy = *reinterpret_cast<part *>(&s.word[4]);
    else
        copy.word[3] = 0;
    use(copy.word[hidden(3)]);
    if (T == 50)
        s.word[9] = 2;
}
KERNEL(ordered_by_barrier)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 1;
    __syncthreads();
    use(s.word[T ^ 33]);
    __syncthreads();
    s.word[63 - T] = 2;
    __syncthreads();
    use(s.word[0]);
}
KERNEL(ordered_by_wave)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    for (int i = 0; i < 5; i++) {
        s.word[T] = 1;
        simt_wave_sync<32>();
        use(s.word[T ^ 1]);
        use(s.word[T / 32 * 32]);
        const float sum = simt_reduce_add<32>(1.0f);
        s.word[T ^ 2] = static_cast<uint32_t>(sum);
        use(static_cast<uint32_t>(simt_ballot<32>(T & 1)));
    }
}
KERNEL(broadcast_read)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    if (T == 0)
        s.word[0] = 1;
    __syncthreads();
    for (int i = 0; i < 3; i++)
        use(s.word[0]);
}
KERNEL(adjacent_bytes)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    uint8_t *bytes = reinterpret_cast<uint8_t *>(&s);
    uint16_t *halves = reinterpret_cast<uint16_t *>(&s) + 64;
    bytes[T] = 1;
    halves[T] = 2;
    use(static_cast<uint32_t>(bytes[T]));
    __syncthreads();
    use(s.word[T % 16]);
    __syncthreads();
    s.word[T] = 3;
}
KERNEL(own_rewrites)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    for (uint32_t i = 0; i < 4; i++) {
        s.word[T] = i;
        use(s.word[T]);
    }
}
KERNEL(atomics)
{
    SIMT_LDS(lds_words, s);
    s.word[T] = 0;
    __syncthreads();
    atomicAdd(&s.word[0], 1u);
    atomicMax(&s.word[1], static_cast<uint32_t>(T));
    atomicOr(&s.word[2], 1u << (T & 31));
    __syncthreads();
    if (T < 8)
        for (int row = 0; row < 4; row++)
            dst_row(a, row)[T] = s.word[0] == 64 && s.word[1] == 63 && s.word[2] == 0xFFFFFFFFu ? 1.0f : 0.0f;
}

/* ---- LDS bounds and size ---- */
KERNEL(lds_past_end)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    uint32_t *words = s.word;
    words[hidden(T == 7 ? 64 : T)] = 1;
}
KERNEL(lds_half_past_end)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    if (T == 1)
        simt_store<simt_u32x2>(reinterpret_cast<char *>(&s) + hidden(LDS - 8), simt_u32x2{ 1, 2 });
    struct __attribute__((packed)) place {
        uint16_t half;
    };
    if (T == 0)
        reinterpret_cast<place *>(reinterpret_cast<char *>(&s) + hidden(LDS - 1))->half = 1;
}
KERNEL(lds_before_start)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    reinterpret_cast<volatile uint32_t *>(&s)[hidden(T == 9 ? -2 : T)] = 1;
}
KERNEL(lds_other_size)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 1;
}
KERNEL(lds_not_declared) { use(static_cast<uint32_t>(a.n_q)); }
KERNEL(lds_dynamic)
{
    (void)a;
    SIMT_LDS_DYNAMIC(uint32_t, words);
    words[T] = 1;
    __syncthreads();
    use(words[63 - T]);
}

/* ---- Global bounds ---- */
KERNEL(global_gap_of_two)
{
    use(static_cast<uint32_t>(reinterpret_cast<const uint16_t *>(a.k.data)[hidden(T == 4 ? 15 : T % 7)]));
}
KERNEL(global_vector_over_gap)
{
    if (T == 6)
        use(simt_load<simt_u32x4>(a.k.data + hidden(16)).x);
}
KERNEL(global_past_end)
{
    if (T == 6)
        use(reinterpret_cast<const float *>(a.q.data + 3 * 48)[hidden(7)]);
}
KERNEL(global_before_start)
{
    if (T == 6)
        use(static_cast<uint32_t>(reinterpret_cast<const uint16_t *>(a.v.data)[hidden(-1)]));
}
KERNEL(global_write_to_gap)
{
    if (T == 6)
        dst_row(a, 1)[hidden(8)] = 1.0f;
}
KERNEL(global_workspace_past_end)
{
    if (T == 6)
        a.meta[hidden(16)] = 1.0f;
}
KERNEL(global_copy_over_gap) /* a struct copy, which the compiler makes a block copy */
{
    struct rows {
        char bytes[32];
    };
    if (T == 2)
        *reinterpret_cast<rows *>(a.partial) = *reinterpret_cast<const rows *>(a.k.data + 32);
}
KERNEL(global_set_over_gap)
{
    if (T == 2)
        __builtin_memset(a.dst.data, 0, static_cast<size_t>(hidden(72)));
}
#if defined(__x86_64__)
struct __attribute__((packed)) ten_bytes { /* what a load of x87's format takes */
    long double value;
};
KERNEL(global_odd_size)
{
    if (T == 2)
        use(static_cast<float>(reinterpret_cast<const ten_bytes *>(a.k.data + hidden(16 + 8))->value));
}
#endif
KERNEL(global_null)
{
    const uintptr_t address = hidden(T) == 3 ? 64 : reinterpret_cast<uintptr_t>(a.v.data);
    use(*reinterpret_cast<const uint32_t *>(address));
}
KERNEL(global_others_private) /* the address of another thread's variable */
{
    (void)a;
    SIMT_LDS(lds_words, s);
    uint64_t mine = 1;
    uint64_t *const addresses = reinterpret_cast<uint64_t *>(&s);
    if (T < 32)
        addresses[T] = reinterpret_cast<uint64_t>(&mine);
    __syncthreads();
    if (T < 32)
        use(static_cast<uint32_t>(*reinterpret_cast<volatile uint64_t *>(addresses[(T + 1) % 32])));
    __syncthreads();
    use(static_cast<uint32_t>(mine));
}
KERNEL(global_elements)
{
    for (int row = 0; row < 8; row++) {
        for (int d = 0; d < 7; d++)
            use(static_cast<uint32_t>(reinterpret_cast<const uint16_t *>(a.k.data + 16 * row)[hidden(d)]));
        use(simt_load<simt_u32x2>(a.k.data + 16 * row).x);
        use(simt_load<uint32_t>(a.k.data + 16 * row + 8));
        use(simt_load<simt_u32x4>(a.v.data + 16 * row).y);
    }
#if defined(__x86_64__)
    use(static_cast<float>(reinterpret_cast<const ten_bytes *>(a.k.data + hidden(16 + 4))->value));
#endif
    if (T == 0)
        for (int row = 0; row < 4; row++)
            __builtin_memset(dst_row(a, row), 0, static_cast<size_t>(hidden(32)));
}
__device__ const uint32_t table[8] = { 3, 1, 4, 1, 5, 9, 2, 6 };
KERNEL(private_memory)
{
    uint32_t mine[16];
    for (int i = 0; i < 16; i++)
        mine[hidden(i)] = table[hidden(i) % 8] + static_cast<uint32_t>(a.n_q);
    use(mine[hidden(T) % 16]);
}

/* ---- Inputs, blocks, unwritten ---- */
KERNEL(write_to_input)
{
    if (T == 11)
        reinterpret_cast<uint16_t *>(a.v.data)[3 * 8 + hidden(2)] = 0;
}
KERNEL(blocks_write_same)
{
    if (T == 0)
        dst_row(a, 2)[3] = static_cast<float>(B);
}
KERNEL(blocks_write_and_read)
{
    if (T == 0 && B == 0)
        a.meta[1] = 1.0f;
    if (T == 0 && B == 1)
        use(a.meta[1]);
}
KERNEL(blocks_read_and_write)
{
    if (T != 0)
        return;
    if (B < 2)
        use(a.meta[1]);
    else
        a.meta[1] = 2.0f;
}
KERNEL(blocks_read_one_writes) /* the last to read, then to write, is the same block */
{
    if (T != 0)
        return;
    use(*static_cast<volatile float *>(&a.meta[1]));
    if (B == static_cast<int>(gridDim.x) - 1)
        a.meta[1] = 2.0f;
}
KERNEL(blocks_apart)
{
    uint8_t *bytes = reinterpret_cast<uint8_t *>(a.partial);
    bytes[64 * B + T] = static_cast<uint8_t>(T);
    use(static_cast<uint32_t>(bytes[64 * B + T]));
    bytes[64 * B + T] = 1;
    use(static_cast<uint32_t>(reinterpret_cast<const uint16_t *>(a.v.data)[T]));
}
KERNEL(blocks_adjacent_bytes)
{
    if (T == 0)
        reinterpret_cast<uint8_t *>(a.partial)[B] = 1;
}
KERNEL(blocks_read_same) { use(a.meta[T % 16]); }
KERNEL(write_meta)
{
    if (T < 16)
        a.meta[T] = 1.0f;
}
KERNEL(blocks_atomics)
{
    if (T == 0)
        atomicAdd(&a.meta[2], 1.0f);
}
KERNEL(dst_read_unwritten)
{
    if (T == 5)
        use(dst_row(a, 3)[hidden(4)]);
}
KERNEL(dst_all_but_one)
{
    if (T < 8)
        for (int row = 0; row < 4; row++)
            if (row != 2 || T != 3)
                dst_row(a, row)[T] = 1.0f;
}
KERNEL(workspace_read_unwritten)
{
    if (T < 8)
        a.partial[T] = 1.0f;
    if (T == 9)
        use(a.partial[8]);
}
KERNEL(dst_written_then_read)
{
    if (T < 8)
        for (int row = 0; row < 4; row++) {
            dst_row(a, row)[T] = 1.0f;
            use(*static_cast<volatile float *>(&dst_row(a, row)[T]));
        }
}

/* ---- Alignment ---- */
KERNEL(misaligned_global) { use(simt_load<simt_u32x4>(a.v.data + hidden(T == 3 ? 8 : 16)).x); }
KERNEL(misaligned_lds)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    if (T == 3)
        simt_store<simt_u32x2>(&s.word[hidden(5)], simt_u32x2{ 1, 2 });
}
KERNEL(aligned_enough)
{
    SIMT_LDS(lds_words, s);
    use(simt_load<simt_u32x2>(a.v.data + hidden(8)).x);
    use(static_cast<uint32_t>(simt_load<uint16_t>(a.v.data + hidden(6))));
    if (T == 3)
        simt_store<simt_u32x2>(&s.word[hidden(6)], simt_u32x2{ 1, 2 });
}

/* ---- Rendezvous ---- */
KERNEL(barrier_skipped)
{
    (void)a;
    if (T == 37)
        return;
    __syncthreads();
}
KERNEL(barrier_skipped_by_wave)
{
    (void)a;
    if (T < 32)
        __syncthreads();
}
KERNEL(barrier_two_places)
{
    (void)a;
    if (T < 32)
        __syncthreads();
    else
        __syncthreads();
}
KERNEL(barrier_with_shuffle)
{
    (void)a;
    if (T == 5)
        use(simt_shfl<32>(1u, 0));
    else
        __syncthreads();
}
KERNEL(wave_half)
{
    (void)a;
    if (T % 32 < 16)
        use(simt_shfl<32>(1u, 0));
}
KERNEL(wave_two_operations)
{
    (void)a;
    if (T % 32 < 16)
        use(simt_shfl<32>(1u, 0));
    else
        simt_wave_sync<32>();
}
KERNEL(wave_two_widths)
{
    (void)a;
    if (T % 32 < 16)
        use(simt_reduce_add<16>(1.0f));
    else
        use(simt_reduce_add<8>(1.0f));
}
KERNEL(wave_no_such_lane)
{
    (void)a;
    use(simt_shfl<32>(1u, hidden(T == 40 ? 32 : 0)));
}
/* The driver's device is gfx1100. */
static void multiply(int what, uint32_t word)
{
    uint32_t a[8], b[8];
    float acc[8];
    for (int i = 0; i < 8; i++) {
        a[i] = word;
        b[i] = 0x3C003C00u;
        acc[i] = 0.0f;
    }
    simt_host_matrix(what, a, b, acc, __LINE__);
    use(acc[0]);
}
KERNEL(matrix_half_waves_alike)
{
    (void)a;
    multiply(SIMT_WMMA11_F16, T % 16);
}
KERNEL(matrix_half_waves_differ)
{
    (void)a;
    multiply(SIMT_WMMA11_F16, T % 32 == 20 ? 5 : 4);
}
KERNEL(matrix_of_another_family)
{
    (void)a;
    multiply(SIMT_WMMA12_F16, 4);
}
KERNEL(matrix_in_half_a_wave)
{
    (void)a;
    if (hidden(T % 32) < 16)
        multiply(SIMT_WMMA11_F16, 4);
    else
        simt_wave_sync<32>();
}
KERNEL(wave_of_64)
{
    (void)a;
    simt_wave_sync<64>();
}
KERNEL(wave_reduce_64)
{
    (void)a;
    use(simt_reduce_max<64>(1.0f));
}
KERNEL(uniform_branches) /* whole waves and whole blocks may go their own way */
{
    (void)a;
    for (int i = 0; i < (T < 32 ? 3 : 7); i++)
        use(simt_reduce_add<32>(1.0f));
    if (T < 32)
        use(simt_shfl_xor<32>(static_cast<uint32_t>(T), 5));
    __syncthreads();
    if (B == 1) {
        __syncthreads();
        simt_wave_sync<32>();
    }
    if (simt_syncthreads_or(T == 63))
        __syncthreads();
}

/* ---- Runaway ---- */
KERNEL(forever_reading)
{
    const volatile uint32_t *v = reinterpret_cast<const volatile uint32_t *>(a.v.data);
    while (v[0] != 0x12345678u) {
    }
}
KERNEL(forever_waiting)
{
    while (hidden(1) + a.n_q > 0)
        __syncthreads();
}
KERNEL(not_forever)
{
    const volatile uint32_t *v = reinterpret_cast<const volatile uint32_t *>(a.v.data);
    for (int i = 0; i < 100; i++) {
        use(v[0]);
        __syncthreads();
    }
}

/* ---- Deep in the stack when another thread fails ---- */
__device__ __attribute__((noinline)) uint32_t deep(const struct attn_args &a, int level)
{
    uint32_t frame[32];
    for (int i = 0; i < 32; i++)
        frame[hidden(i)] = static_cast<uint32_t>(level + i);
    if (level > 0)
        return deep(a, level - 1) + frame[hidden(3)];
    __syncthreads();
    if (T == 63)
        use(reinterpret_cast<const float *>(a.q.data)[hidden(8)]);
    return frame[hidden(5)];
}
KERNEL(fails_deep) { use(deep(a, 20)); }

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

/* ---- The table ---- */

static const struct executor_case cases[] = {
#define ROW(kernel, code, blocks, lds, says, thread, operand, offset) \
    { #kernel, ATTN_F_##code, kernel, blocks, lds, says, thread, operand, offset, 0 },
#define AFTER(kernel, code, blocks, lds, says, thread, operand, offset) /* keeps what the one before wrote */ \
    { #kernel, ATTN_F_##code, kernel, blocks, lds, says, thread, operand, offset, 1 },
    ROW(lds_unwritten, LDS_UNWRITTEN, 1, LDS, "reads 12+4", 5, -1,
        12) ROW(lds_unwritten_byte, LDS_UNWRITTEN, 1, LDS, "reads 20+4", 5, -1,
                20) ROW(lds_left_by_other_block, LDS_UNWRITTEN, 2, LDS, "reads", -1, -1, -1)
        ROW(lds_written, NONE, 2, LDS, nullptr, -1, -1, -1) ROW(lds_conditional, NONE, 2, LDS, nullptr, -1, -1, -1) ROW(
            race_read_after_write, LDS_RACE, 1, LDS, "writes 4+4 which thread 0 read",
            1, -1, 4) ROW(race_other_wave, LDS_RACE, 1, LDS, "writes 128+4 which thread 0 read", 32, -1,
                          128) ROW(race_own_wave_sync, LDS_RACE, 1, LDS, "reads 0+4 which thread 0 wrote", 40, -1,
                                   0) ROW(race_long_ago, LDS_RACE, 1, LDS, "reads 0+4 which thread 0 wrote", 40, -1,
                                          0) ROW(race_two_readers, LDS_RACE, 1, LDS, "read", 2, -1, 0)
            ROW(race_two_reading_waves, LDS_RACE, 1, LDS, "read", 33, -1,
                0) ROW(race_write_write, LDS_RACE, 1, LDS, "writes 28+4 which thread 2 wrote", 9, -1,
                       28) ROW(race_write_after_read, LDS_RACE, 1, LDS, "read", 40, -1,
                               0) ROW(race_bytes, LDS_RACE, 1, LDS, nullptr, -1, -1, -1)
                ROW(race_atomic_and_plain, LDS_RACE, 1, LDS, nullptr, 33, -1,
                    0) ROW(race_after_copy, LDS_RACE, 1, LDS, nullptr, 50, -1,
                           36) ROW(ordered_by_barrier, NONE, 2, LDS, nullptr, -1, -1,
                                   -1) ROW(ordered_by_wave, NONE, 2, LDS, nullptr, -1, -1,
                                           -1) ROW(broadcast_read, NONE, 2, LDS, nullptr, -1, -1,
                                                   -1) ROW(adjacent_bytes, NONE, 2, LDS, nullptr, -1, -1, -1)
                    ROW(own_rewrites, NONE, 2, LDS, nullptr, -1, -1, -1) ROW(
                        atomics, NONE, 1, LDS,
                        nullptr, -1, -1, -1) ROW(lds_past_end, LDS_BOUNDS, 1, LDS, "writes 256+4", 7, -1,
                                                 256) ROW(lds_half_past_end, LDS_BOUNDS, 1, LDS, "writes 255+2", 0, -1,
                                                          255)
                        ROW(lds_before_start, LDS_BOUNDS, 1, LDS, "before its start",
                            9, -1, -8) ROW(lds_other_size, LDS_SIZE, 1, LDS + 4,
                                           "declares 256 bytes, the launch says 260",
                                           0, -1, 0) ROW(lds_not_declared, LDS_SIZE, 1, LDS, "declares no LDS", -1, -1,
                                                         0) ROW(lds_dynamic, NONE, 2, 0, nullptr, -1, -1, -1)
                            ROW(global_gap_of_two, GLOBAL_BOUNDS, 1, 0, "k[7,1,0,0], past its row", 4, ATTN_K, 30) ROW(
                                global_vector_over_gap,
                                GLOBAL_BOUNDS, 1, 0, "reads 16 bytes at k[0,1,0,0]", 6, ATTN_K,
                                16) ROW(global_past_end, GLOBAL_BOUNDS, 1, 0, "q+172, past its end", 6, ATTN_Q, 172)
                                ROW(global_before_start, GLOBAL_BOUNDS, 1, 0, "v-2, before its start", 6, ATTN_V, -2) ROW(
                                    global_write_to_gap,
                                    GLOBAL_BOUNDS, 1, 0,
                                    "writes 4 bytes at dst",
                                    6,
                                    ATTN_DST, 72) ROW(global_workspace_past_end, GLOBAL_BOUNDS, 1, 0, "workspace meta+64, past its end",
                                                      6,
                                                      ATTN_OPERAND_COUNT +
                                                          ATTN_REGION_META,
                                                      64) ROW(global_copy_over_gap, GLOBAL_BOUNDS, 1, 0, "k[", 2,
                                                              ATTN_K,
                                                              -1) ROW(global_set_over_gap, GLOBAL_BOUNDS, 1, 0, "dst[", 2, ATTN_DST, -1)
#if defined(__x86_64__)
                                    ROW(global_odd_size, GLOBAL_BOUNDS, 1, 0, "k[4,1,0,0]", 2, ATTN_K, 24)
#endif
                                        ROW(global_null, GLOBAL_BOUNDS, 1, 0, "in no buffer", 3, -1,
                                            0) ROW(global_others_private, GLOBAL_BOUNDS, 1, LDS, "not the thread's own",
                                                   -1,
                                                   -1,
                                                   0) ROW(global_elements, NONE, 1, 0, nullptr, -1, -1,
                                                          -1) ROW(private_memory, NONE, 1, 0, nullptr, -1, -1, -1)
                                            ROW(write_to_input, GLOBAL_READONLY, 1, 0, "writes 2 bytes at v[2,3,0,0]",
                                                11,
                                                ATTN_V,
                                                52) ROW(blocks_write_same, GLOBAL_RACE, 2, 0, "dst[3,0,2,0]", 0, ATTN_DST, 92)
                                                ROW(write_meta, NONE, 1, 0, nullptr, -1, -1, -1) AFTER(
                                                    blocks_write_and_read, GLOBAL_RACE,
                                                    2,
                                                    0, "workspace meta+4", 0,
                                                    ATTN_OPERAND_COUNT + ATTN_REGION_META,
                                                    4) ROW(write_meta, NONE, 1, 0, nullptr, -1, -1, -1)
                                                    AFTER(blocks_read_and_write, GLOBAL_RACE, 3, 0, "workspace meta+4",
                                                          0,
                                                          ATTN_OPERAND_COUNT + ATTN_REGION_META, 4)
                                                        ROW(write_meta, NONE, 1, 0, nullptr, -1, -1, -1) AFTER(
                                                            blocks_read_one_writes,
                                                            GLOBAL_RACE, 2,
                                                            0, "workspace meta+4",
                                                            0,
                                                            ATTN_OPERAND_COUNT + ATTN_REGION_META,
                                                            4) ROW(write_meta, NONE, 1, 0, nullptr, -1, -1,
                                                                   -1) AFTER(blocks_read_same, NONE, 5, 0, nullptr, -1,
                                                                             -1,
                                                                             -1)
                                                            AFTER(blocks_atomics, NONE, 5, 0, nullptr, -1, -1,
                                                                  -1) ROW(blocks_apart, NONE, 5, 0, nullptr, -1, -1,
                                                                          -1) ROW(blocks_adjacent_bytes, NONE, 5,
                                                                                  0, nullptr,
                                                                                  -1,
                                                                                  -1,
                                                                                  -1)
                                                                ROW(dst_read_unwritten, GLOBAL_UNWRITTEN, 1,
                                                                    0, "dst[4,0,3,0]", 5, ATTN_DST,
                                                                    136) ROW(workspace_read_unwritten, GLOBAL_UNWRITTEN,
                                                                             1,
                                                                             0,
                                                                             "workspace partial+32",
                                                                             9,
                                                                             ATTN_OPERAND_COUNT + ATTN_REGION_PARTIAL,
                                                                             32) ROW(dst_all_but_one, DST_UNWRITTEN, 1,
                                                                                     0,
                                                                                     "dst[3,0,2,0]",
                                                                                     -1,
                                                                                     ATTN_DST, 92)
                                                                    ROW(dst_written_then_read, NONE, 1, 0, nullptr, -1, -1, -1) ROW(
                                                                        misaligned_global,
                                                                        ALIGNMENT, 1, 0, "v[4,0,0,0]", 3,
                                                                        ATTN_V,
                                                                        8) ROW(misaligned_lds, ALIGNMENT, 1, LDS,
                                                                               "no multiple of 8",
                                                                               3, -1,
                                                                               20) ROW(aligned_enough, NONE, 1, LDS,
                                                                                       nullptr,
                                                                                       -1,
                                                                                       -1,
                                                                                       -1) ROW(barrier_skipped, BARRIER,
                                                                                               1, 0, "end of the kernel",
                                                                                               -1,
                                                                                               -1,
                                                                                               0) ROW(barrier_skipped_by_wave,
                                                                                                      BARRIER,
                                                                                                      1, 0, "end of the kernel",
                                                                                                      -1,
                                                                                                      -1,
                                                                                                      0)
                                                                        ROW(barrier_two_places, BARRIER, 1, 0,
                                                                            "barrier (line", -1, -1,
                                                                            0) ROW(barrier_with_shuffle, WAVE,
                                                                                   1, 0, "shuffle",
                                                                                   -1,
                                                                                   -1,
                                                                                   0) ROW(wave_half, WAVE, 1, 0, "shuffle",
                                                                                          -1,
                                                                                          -1,
                                                                                          0)
                                                                            ROW(wave_two_operations, WAVE, 1, 0,
                                                                                "wave sync", -1, -1,
                                                                                0) ROW(wave_two_widths, WAVE,
                                                                                       1, 0, "sum over lanes",
                                                                                       -1,
                                                                                       -1,
                                                                                       0)
                                                                                ROW(wave_no_such_lane, WAVE, 1,
                                                                                    0, "lane 32", 40, -1,
                                                                                    0) ROW(wave_of_64, WAVE_SIZE,
                                                                                           1, 0, "waves of 64, the device has 32",
                                                                                           -1,
                                                                                           -1,
                                                                                           0)
                                                                                    ROW(wave_reduce_64, WAVE_SIZE, 1, 0,
                                                                                        "64", -1, -1,
                                                                                        0) ROW(matrix_half_waves_alike,
                                                                                               NONE,
                                                                                               1, 0, nullptr, -1,
                                                                                               -1,
                                                                                               -1) ROW(matrix_half_waves_differ,
                                                                                                       MATRIX,
                                                                                                       1, 0, "half-waves",
                                                                                                       -1,
                                                                                                       -1,
                                                                                                       0)
                                                                                        ROW(matrix_of_another_family,
                                                                                            MATRIX,
                                                                                            1, 0,
                                                                                            "gfx1100 does not have", -1,
                                                                                            -1,
                                                                                            0)
                                                                                            ROW(matrix_in_half_a_wave,
                                                                                                WAVE, 1, 0,
                                                                                                "matrix instruction",
                                                                                                -1,
                                                                                                -1,
                                                                                                0) ROW(uniform_branches,
                                                                                                       NONE, 3, 0,
                                                                                                       nullptr, -1, -1,
                                                                                                       -1)
                                                                                                ROW(forever_reading,
                                                                                                    RUNAWAY, 1, 0,
                                                                                                    "budget", -1, -1,
                                                                                                    0) ROW(forever_waiting,
                                                                                                           RUNAWAY,
                                                                                                           1, 0, "budget",
                                                                                                           -1, -1, 0)
                                                                                                    ROW(not_forever,
                                                                                                        NONE, 1, 0,
                                                                                                        nullptr, -1, -1,
                                                                                                        -1)
                                                                                                        ROW(fails_deep,
                                                                                                            GLOBAL_BOUNDS,
                                                                                                            1, 0, "q[",
                                                                                                            63, ATTN_Q,
                                                                                                            32)
#undef ROW
#undef AFTER
};

extern "C" {

const struct executor_case *executor_case(int index)
{
    return index >= 0 && index < static_cast<int>(sizeof cases / sizeof cases[0]) ? &cases[index] : nullptr;
}

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
