/* executor_wgmma.hip: see executor_wgmma.h. Compiled for the host only, with the options of the checked kernels.
 * Operands in LDS are laid out by what the PTX ISA says of its 128-byte swizzle, element by element, apart from the
 * kernels' own code.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/kernels/executor_wgmma.h"

#include "kernels/mma/element.h"
#include "kernels/mma/sm90.h"

namespace
{

using F = mma_sm90<mma_f16>;

struct alignas(1024) lds_tiles {
    uint16_t a[64 * 64];     /* 64 rows of one panel */
    uint16_t b[2 * 64 * 64]; /* two panels of 64 rows */
    uint16_t unused[64 * 64];
};
static_assert(sizeof(lds_tiles) == WGMMA_LDS_BYTES, "as the launch says");

#define KERNEL(name) __global__ void name(struct attn_args a)

__device__ int thread() { return static_cast<int>(threadIdx.x); }
__device__ int hidden(int v)
{
    __asm__ volatile("" : "+r"(v));
    return v;
}

/* Element `column` of row `row` of a panel of 64: its 16-byte pieces are exchanged within eight rows. */
__device__ int swizzled(int row, int column) { return row * 64 + ((column / 8) ^ (row % 8)) * 8 + column % 8; }

/* Small whole numbers, so that every sum is exact. */
__device__ float value_a(int row, int k) { return static_cast<float>((row * 7 + k * 3) % 11 - 5); }
__device__ float value_b(int row, int k) { return static_cast<float>((row * 5 + k * 2) % 13 - 6); }

/* Every thread writes a part of both operands. */
__device__ void fill(lds_tiles &s)
{
    for (int i = thread(); i < 64 * 64; i += static_cast<int>(blockDim.x)) {
        const int row = i / 64, k = i % 64;
        s.a[swizzled(row, k)] = simt_f32_to_f16(value_a(row, k));
        for (int panel = 0; panel < 2; panel++)
            s.b[panel * 64 * 64 + swizzled(row, k)] = simt_f32_to_f16(value_b(row, 64 * panel + k));
    }
}

/* A wrong result writes to an address that the executor reports. */
__device__ void expect(const attn_args &a, float got, float want)
{
    if (got != want)
        *reinterpret_cast<float *>(a.dst.data + 4096) = got;
}

__device__ void check_rows(const attn_args &a, const float (&c)[32], int step)
{
    const int lane = thread() % 32, wave = thread() / 32 % 4;
    for (int i = 0; i < 32; i++) {
        const int row = 16 * wave + lane / 4 + i / 2 % 2 * 8, column = i / 4 * 8 + lane % 4 * 2 + i % 2;
        float sum = 0.0f;
        for (int k = 16 * step; k < 16 * step + 16; k++)
            sum += value_a(row, k) * value_b(column, k);
        expect(a, c[i], sum);
    }
}

/* A from LDS, B along its rows: step 2 of four. */
KERNEL(rows_by_rows)
{
    SIMT_LDS(lds_tiles, s);
    fill(s);
    F::publish();
    __syncthreads();
    float c[32] = {};
    F::multiply_rows<64, false>(c, F::descriptor(s.a + 32, 8192), F::descriptor(s.b + 32, 8192), thread() % 32);
    check_rows(a, c, 2);
}

/* A from registers, B across its rows, over both panels: rows 16 .. 31 are the k of the product. */
KERNEL(registers_by_columns)
{
    SIMT_LDS(lds_tiles, s);
    fill(s);
    F::publish();
    __syncthreads();
    const int lane = thread() % 32, wave = thread() / 32 % 4;
    F::operand own;
    for (int w = 0; w < 4; w++) {
        const int row = 16 * wave + lane / 4 + w % 2 * 8, k = lane % 4 * 2 + w / 2 * 8;
        own.w[w] = F::pack(value_a(row, k), value_a(row, k + 1));
    }
    float c[64] = {};
    F::multiply_weights<128>(c, own, F::descriptor(s.b + 16 * 64, 8192), lane);
    for (int i = 0; i < 64; i++) {
        const int row = 16 * wave + lane / 4 + i / 2 % 2 * 8, column = i / 4 * 8 + lane % 4 * 2 + i % 2;
        float sum = 0.0f;
        for (int k = 0; k < 16; k++)
            sum += value_a(row, k) * value_b(16 + k, column);
        expect(a, c[i], sum);
    }
}

KERNEL(not_passed_on)
{
    (void)a;
    SIMT_LDS(lds_tiles, s);
    fill(s);
    if (thread() != 77)
        F::publish();
    __syncthreads();
    float c[32] = {};
    F::multiply_rows<64, false>(c, F::descriptor(s.a, 8192), F::descriptor(s.b, 8192), thread() % 32);
}

KERNEL(not_written)
{
    (void)a;
    SIMT_LDS(lds_tiles, s);
    F::publish();
    __syncthreads();
    float c[32] = {};
    F::multiply_rows<64, false>(c, F::descriptor(s.a, 8192), F::descriptor(s.b, 8192), thread() % 32);
}

KERNEL(a_wave_stays_away)
{
    (void)a;
    SIMT_LDS(lds_tiles, s);
    fill(s);
    F::publish();
    __syncthreads();
    float c[32] = {};
    if (hidden(thread() / 32) != 6)
        F::multiply_rows<64, false>(c, F::descriptor(s.a, 8192), F::descriptor(s.b, 8192), thread() % 32);
    __syncthreads();
}

KERNEL(waves_multiply_other_things)
{
    (void)a;
    SIMT_LDS(lds_tiles, s);
    fill(s);
    F::publish();
    __syncthreads();
    float c[32] = {};
    const int other = hidden(thread() / 32) == 2 ? 16 : 0;
    F::multiply_rows<64, false>(c, F::descriptor(s.a, 8192), F::descriptor(s.b + other, 8192), thread() % 32);
}

KERNEL(lanes_give_other_descriptors)
{
    (void)a;
    SIMT_LDS(lds_tiles, s);
    fill(s);
    F::publish();
    __syncthreads();
    float c[32] = {};
    const int other = hidden(thread()) == 40 ? 16 : 0;
    F::multiply_rows<64, false>(c, F::descriptor(s.a, 8192), F::descriptor(s.b + other, 8192), thread() % 32);
}

KERNEL(another_swizzle)
{
    (void)a;
    SIMT_LDS(lds_tiles, s);
    fill(s);
    F::publish();
    __syncthreads();
    float c[32] = {};
    F::multiply_rows<64, false>(c, F::descriptor(s.a, 8192), F::descriptor(s.b, 8192) ^ (uint64_t)3 << 62,
                                thread() % 32);
}

const struct wgmma_case cases[] = {
    { "rows_by_rows", rows_by_rows, 256, nullptr },
    { "registers_by_columns", registers_by_columns, 256, nullptr },
    { "not_passed_on", not_passed_on, 256, "thread 77 wrote to LDS and has not passed on" },
    { "not_written", not_written, 256, "which no thread of the block wrote" },
    { "a_wave_stays_away", a_wave_stays_away, 256, "takes part in other products" },
    { "waves_multiply_other_things", waves_multiply_other_things, 256,
      "wave 2 takes part in other products than wave 0" },
    { "three_waves", rows_by_rows, 96, "takes part in other products" },
    { "lanes_give_other_descriptors", lanes_give_other_descriptors, 256, "different matrix descriptors" },
    { "another_swizzle", another_swizzle, 256, "swizzling mode 2" },
};

} // namespace

extern "C" const struct wgmma_case *wgmma_case(int index)
{
    return index >= 0 && index < static_cast<int>(sizeof cases / sizeof cases[0]) ? &cases[index] : nullptr;
}
