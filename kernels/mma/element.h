/* element.h: the two element types of the matrix cores' operands, and how Q and the softmax weights, which are f32,
 * are cut to them. Pairs of elements are 32-bit words, the first in the low half.
 *
 * Q goes in two parts, high = rounded(q) and low = rounded(q - high), each multiplied with K: one part alone would
 * cost 2^-11 (2^-8) of sum |q k| in every score, which is more than some faults. The
 * numbers are planner/contracts/shapes.h's: the error bound goes by them (struct attn_arithmetic).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_ELEMENT_H
#define ATTN_MMA_ELEMENT_H

#include "kernels/dequant.h"
#include "planner/contracts/shapes.h"

constexpr int MMA_Q_PARTS = ATTN_MMA_Q_PARTS;

static __device__ __forceinline__ uint32_t mma_bits(float x)
{
    uint32_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* A row of Q is multiplied by a power of two that lifts its largest element to 2^14 .. 2^15: nothing overflows, and
 * what becomes subnormal is tiny beside it. Weights are multiplied by 2^15 for the same reason. */
struct mma_f16 {
    static constexpr bool BF16 = false;
    static constexpr int P_PARTS = 1;
    static constexpr float P_SHIFT = ATTN_MMA_P_SHIFT_F16;
    static constexpr float P_UNSHIFT = 1.0f / (1 << ATTN_MMA_P_SHIFT_F16);

    /* Bits of the power of two for a row whose largest magnitude is top: 2^(14 - its exponent), as far as the inverse
     * stays a normal number. */
    static __device__ __forceinline__ uint32_t factor_bits(float top)
    {
        const uint32_t exponent = mma_bits(top) >> 23;
        const uint32_t biased = 254u + ATTN_MMA_Q_SHIFT_F16 - exponent;
        return (biased < 253u ? biased : 253u) << 23;
    }
    static __device__ __forceinline__ uint32_t pack(float first, float second) { return simt_pack_f16(first, second); }
    static __device__ __forceinline__ float widen(uint32_t bits) { return simt_f16_to_f32((uint16_t)bits); }
};

/* bf16 has f32's range: only a row with elements that would round to infinity is halved. Weights go in two parts. */
struct mma_bf16 {
    static constexpr bool BF16 = true;
    static constexpr int P_PARTS = ATTN_MMA_P_PARTS_BF16;
    static constexpr float P_SHIFT = 0.0f;
    static constexpr float P_UNSHIFT = 1.0f;

    static __device__ __forceinline__ uint32_t factor_bits(float top)
    {
        return (mma_bits(top) >> 23 >= 254u ? 126u : 127u) << 23;
    }
    static __device__ __forceinline__ uint32_t pack(float first, float second) { return simt_pack_bf16(first, second); }
    static __device__ __forceinline__ float widen(uint32_t bits) { return simt_bf16_to_f32((uint16_t)bits); }
};

/* What is left of two numbers once their packed form is taken off; exact. */
template <class E> static __device__ __forceinline__ uint32_t mma_pack_rest(float first, float second, uint32_t packed)
{
    return E::pack(first - E::widen(packed & 0xFFFFu), second - E::widen(packed >> 16));
}

/* Rows of 16-bit elements in LDS, row r at rows + r * pitch; pitch is a multiple of 8. The words of one column pair of
 * two rows, as pairs of one column: what a transposed operand is made of. */
static __device__ __forceinline__ uint32_t mma_join_low(uint32_t first, uint32_t second)
{
    return (first & 0xFFFFu) | second << 16;
}
static __device__ __forceinline__ uint32_t mma_join_high(uint32_t first, uint32_t second)
{
    return first >> 16 | (second & 0xFFFF0000u);
}

#endif
