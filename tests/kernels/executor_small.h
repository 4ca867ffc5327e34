/* executor_small.h: what the files of small kernels (executor_*.hip) share. They are compiled for the host only, with
 * the options of the checked kernels (kernels/CMakeLists.txt).
 *
 * Memory, laid out by executor_support.h:
 *   q    f32[7,4], rows 48 bytes apart: 28 bytes of elements, 20 of gap
 *   k    f16[7,8], rows 16 bytes apart: 14 bytes of elements, 2 of gap
 *   v    f16[8,8], dense
 *   dst  f32[8,1,4], rows 40 bytes apart: 32 bytes of elements, 8 of gap
 *   partial 512 bytes of workspace, meta the 64 bytes behind it
 * Waves have 32 lanes.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_TESTS_EXECUTOR_SMALL_H
#define ATTN_TESTS_EXECUTOR_SMALL_H

#include "kernels/host/matrix.h"
#include "kernels/simt/simt.h"
#include "tests/kernels/executor_kernels.h"

namespace
{

struct lds_words {
    uint32_t word[64];
};
enum { LDS = sizeof(lds_words) };

#define KERNEL(name) __global__ void name(struct attn_args a)
#define T (static_cast<int>(threadIdx.x))
#define B (static_cast<int>(blockIdx.x))

[[maybe_unused]] __device__ float *dst_row(const struct attn_args &a, int row)
{
    return reinterpret_cast<float *>(a.dst.data + 40 * row);
}

/* Makes a value count without storing it anywhere that matters. */
[[maybe_unused]] __device__ void use(uint32_t v) { __asm__ volatile("" : : "r"(v)); }
[[maybe_unused]] __device__ void use(float v) { __asm__ volatile("" : : "x"(v)); }
[[maybe_unused]] __device__ int hidden(int v)
{
    __asm__ volatile("" : "+r"(v));
    return v;
}

} // namespace

/* A table's rows. AFTER keeps what the case before it wrote. */
#define ROW(kernel, code, blocks, lds, says, thread, operand, offset) \
    { #kernel, ATTN_F_##code, kernel, blocks, lds, says, thread, operand, offset, 0 }
#define AFTER(kernel, code, blocks, lds, says, thread, operand, offset) \
    { #kernel, ATTN_F_##code, kernel, blocks, lds, says, thread, operand, offset, 1 }
#define CASES(name, table)                                                                         \
    extern "C" const struct executor_case *name(int index)                                         \
    {                                                                                              \
        return index < static_cast<int>(sizeof table / sizeof table[0]) ? &table[index] : nullptr; \
    }

#endif
