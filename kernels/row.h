/* row.h: what one query column is, for the kernels that compute attention: where it lies, its mask, its slope.
 *
 * In one KV head, column j is query row j / gqa of query head kvh * gqa + j % gqa.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ROW_H
#define ATTN_ROW_H

#include "kernels/args.h"
#include "kernels/simt/simt.h"

/* Division of non-negative numbers: 64-bit division costs a GPU a hundred instructions, and rarely is one needed. */
static __device__ __forceinline__ void attn_divide(int64_t a, int64_t b, int64_t &quotient, int64_t &remainder)
{
    if (((uint64_t)a | (uint64_t)b) >> 32 == 0) {
        const uint32_t q = (uint32_t)a / (uint32_t)b;
        quotient = q;
        remainder = (uint32_t)a - q * (uint32_t)b;
    } else {
        quotient = a / b;
        remainder = a - quotient * b;
    }
}

static __device__ __forceinline__ int64_t attn_modulo(int64_t a, int64_t b)
{
    int64_t quotient, remainder;
    attn_divide(a, b, quotient, remainder);
    return remainder;
}

/* ALiBi slope of local query head h; 1 without ALiBi. Source: see attn_alibi_exponent. The exponent is formed in
 * double and its rounding error made good, so that the slope is right to an ulp or two however large it is. */
static __device__ __forceinline__ float attn_slope(const struct attn_args &a, int64_t h)
{
    if (!(a.alibi_scale > 0.0f))
        return 1.0f;
    const int64_t head = a.head_first + h;
    const double steps = head < a.alibi_n ? (double)(head + 1) : (double)(head - a.alibi_n) + 0.5;
    const double exponent = (double)a.alibi_scale * steps;
    if (exponent > 200.0)
        return 0.0f;
    const float rounded = (float)exponent;
    const float rest = (float)(exponent - (double)rounded);
    return simt_exp2(-rounded) * (1.0f - 0.693147181f * rest);
}

/* The mask values of a query row, key 0 first; NULL without a mask. */
static __device__ __forceinline__ const char *attn_mask_row(const struct attn_args &a, int64_t iq, int64_t h, int64_t s)
{
    if (!a.mask.data)
        return 0;
    return a.mask.data + iq * a.mask.nb1 + attn_modulo(h, a.mask_heads) * a.mask.nb2 +
           attn_modulo(s, a.mask_seqs) * a.mask.nb3;
}

/* A mask value that excludes its key: -inf, as f16 bits. */
enum { ATTN_MASK_EXCLUDES = 0xFC00 };

/* The score of a key before its mask. */
static __device__ __forceinline__ float attn_score(float dot, float scale, float softcap)
{
    const float s = dot * scale;
    return softcap > 0.0f ? softcap * simt_tanh(s / softcap) : s;
}

#endif
