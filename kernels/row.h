/* row.h: what one query column is, for the kernels that compute attention: where it lies, its mask, its slope.
 *
 * In one KV head, column j is query row j / gqa of query head kv_head * gqa + j % gqa. Of a sequence's columns each has
 * a row in dst, and, where n_kv is split, as many parts of it.
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

/* A column of a sequence: its query row and its (local) query head. */
struct attn_column {
    int64_t iq, head;
};

static __device__ __forceinline__ attn_column attn_column_at(const attn_args &a, int64_t kv_head, int64_t number)
{
    attn_column at;
    attn_divide(number, a.gqa, at.iq, at.head);
    at.head += kv_head * a.gqa;
    return at;
}

static __device__ __forceinline__ const char *attn_q_row(const attn_args &a, const attn_column &at, int64_t s)
{
    return a.q.data + at.iq * a.q.nb1 + at.head * a.q.nb2 + s * a.q.nb3;
}

static __device__ __forceinline__ float *attn_dst_row(const attn_args &a, const attn_column &at, int64_t s)
{
    return reinterpret_cast<float *>(a.dst.data + at.head * a.dst.nb1 + at.iq * a.dst.nb2 + s * a.dst.nb3);
}

/* Which of the partial results is a split's of that column. */
static __device__ __forceinline__ int64_t attn_part_at(const attn_args &a, const attn_column &at, int64_t s,
                                                       int64_t split)
{
    return ((s * a.n_q + at.iq) * a.n_head + at.head) * a.splits + split;
}

/* ALiBi slope of local query head h; 1 without ALiBi. Source: see attn_alibi_exponent. The exponent is formed in
 * double and its rounding error made good, so that the slope is right to an ulp or two however large it is. */
static __device__ __forceinline__ float attn_slope(const attn_args &a, int64_t h)
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
static __device__ __forceinline__ const char *attn_mask_row(const attn_args &a, const attn_column &at, int64_t s)
{
    if (!a.mask.data)
        return 0;
    return a.mask.data + at.iq * a.mask.nb1 + attn_modulo(at.head, a.mask_heads) * a.mask.nb2 +
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

/* Takes a row's sink into its sum of weights, which is relative to max. Returns what the row's output is to be
 * multiplied by: zero where there is no live key. */
static __device__ __forceinline__ float attn_finish_row(const attn_args &a, int64_t head, float max, float sum)
{
    float factor = 1.0f;
    if (a.sinks) {
        const float sink = a.sinks[head], top = simt_max(max, sink);
        factor = max == -SIMT_INFINITY ? 0.0f : simt_exp(max - top);
        sum = sum * factor + simt_exp(sink - top);
    }
    return sum > 0.0f ? factor / sum : 0.0f;
}

#endif
