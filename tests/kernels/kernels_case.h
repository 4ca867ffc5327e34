/* kernels_case.h: problems for tests of single kernels, described by what a test varies.
 *
 * SPDX-License-Identifier: MIT */
#ifndef KERNELS_CASE_H
#define KERNELS_CASE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "planner/attn_planner.h"

enum kernel_mask {
    KERNEL_MASK_ABSENT,
    KERNEL_MASK_CAUSAL,   /* query i sees keys up to n_kv - n_q + i */
    KERNEL_MASK_OPEN,     /* all zero */
    KERNEL_MASK_RANDOM,   /* half of the keys, a bias on the others */
    KERNEL_MASK_LATE,     /* the first two thirds of the keys are excluded: whole tiles */
    KERNEL_MASK_ROWS,     /* every other row excludes everything */
    KERNEL_MASK_NEGATIVE, /* biases around -1000, as padding is often masked */
    KERNEL_MASK_ALL,      /* nothing is attended to */
    KERNEL_MASK_COUNT
};

enum kernel_layout {
    KERNEL_CONTIGUOUS,
    KERNEL_PERMUTED,  /* heads inside of keys and query rows, as a server's cache and its Q are */
    KERNEL_GAPS,      /* gaps behind every row and an odd offset: the least alignment a type allows */
    KERNEL_BROADCAST, /* one KV head and one sequence of K and V for all, one mask plane */
    KERNEL_V_OF_K,    /* V is the first D_V elements of K's rows */
    KERNEL_FLIPPED,   /* sequences inside of rows, rows inside of heads */
    KERNEL_LAYOUT_COUNT
};

enum kernel_data {
    KERNEL_DATA_UNIFORM,
    KERNEL_DATA_RISING,   /* scores grow along n_kv: every tile moves the maximum */
    KERNEL_DATA_NEGATIVE, /* scores far below zero */
    KERNEL_DATA_WIDE,     /* K and V beyond f16's range where the type has one */
    KERNEL_DATA_COUNT
};

struct kernel_case {
    int64_t d_k, d_v, n_q, n_kv, n_head, n_head_kv, n_seq;
    int type_k, type_v;
    enum kernel_mask mask;
    int64_t mask_heads, mask_seqs;   /* 0: 1 */
    int64_t mask_wider, mask_taller; /* extents beyond n_kv, n_q */
    enum kernel_layout layout;
    enum kernel_data data;
    float softcap, max_bias;
    int64_t head_first, head_total; /* total 0: all of them */
    bool sinks;
    uint64_t seed;
};

/* Two sequences of six heads in twos or threes, with a mask on a layout: of it planes, width and height vary too. */
static inline void kernel_put_mask_on_layout(struct kernel_case *c, int mask, int layout, int64_t n_q, int64_t n_kv)
{
    c->mask = (enum kernel_mask)mask;
    c->layout = (enum kernel_layout)layout;
    c->n_q = n_q;
    c->n_kv = n_kv;
    c->n_head = 6;
    c->n_head_kv = 2;
    c->n_seq = 2;
    c->mask_heads = layout % 2 ? 3 : 1;
    c->mask_seqs = layout % 3 ? 2 : 1;
    c->mask_wider = layout % 2 * 42;
    c->mask_taller = layout % 3 * 3;
}

/* One sequence of f16 under a causal mask. */
static inline struct kernel_case kernel_simple(int64_t d_k, int64_t d_v, int64_t n_q, int64_t n_kv, int64_t n_head,
                                               int64_t n_head_kv)
{
    struct kernel_case c = { .d_k = d_k,
                             .d_v = d_v,
                             .n_q = n_q,
                             .n_kv = n_kv,
                             .n_head = n_head,
                             .n_head_kv = n_head_kv,
                             .n_seq = 1,
                             .type_k = ATTN_F16,
                             .type_v = ATTN_F16,
                             .mask = KERNEL_MASK_CAUSAL };
    return c;
}

/* The same without a mask. */
static inline struct kernel_case kernel_unmasked(int64_t d, int64_t n_q, int64_t n_kv, int64_t n_head,
                                                 int64_t n_head_kv)
{
    struct kernel_case c = kernel_simple(d, d, n_q, n_kv, n_head, n_head_kv);
    c.mask = KERNEL_MASK_ABSENT;
    return c;
}

/* Three KV heads of so many query heads each. */
static inline void kernel_put_ratio(struct kernel_case *c, int64_t gqa)
{
    c->n_head_kv = 3;
    c->n_head = 3 * gqa;
    c->n_q = 1 + gqa % 4;
    c->n_kv = 33;
    c->mask_heads = gqa % 2 ? c->n_head : gqa;
    c->mask = KERNEL_MASK_RANDOM;
    c->max_bias = gqa % 3 ? 0.0f : 8.0f;
}

/* Softcap, ALiBi, sinks, a part of a layer's heads: a bit each. */
static inline void kernel_put_modifiers(struct kernel_case *c, int bits)
{
    c->n_head = 12;
    c->n_head_kv = 4;
    c->mask = KERNEL_MASK_RANDOM;
    c->softcap = bits & 1 ? 1.5f : 0.0f;
    c->max_bias = bits & 2 ? 8.0f : 0.0f;
    c->sinks = bits & 4;
    c->head_first = bits & 8 ? 5 : 0;
    c->head_total = bits & 8 ? 23 : 0;
}

/* A mask that is larger than the problem, with a plane for each head, each sequence (a bit each). */
static inline void kernel_put_planes(struct kernel_case *c, int mask, int planes)
{
    c->mask = (enum kernel_mask)mask;
    c->n_q = 13;
    c->n_kv = 290;
    c->n_head = 4;
    c->n_head_kv = 2;
    c->n_seq = 2;
    c->mask_heads = planes & 1 ? 4 : 1;
    c->mask_seqs = planes & 2 ? 2 : 1;
    c->mask_wider = 31;
    c->mask_taller = 5;
}

/* ---- Problem ------------------------------------------------------------------------------------------- */

/* Strides with dimension order[0] innermost, each step `gap` blocks longer than it must be. */
static inline void kernel_strides(struct attn_tensor *t, const int order[3], int64_t gap)
{
    const struct attn_type_info *info = attn_type_info(t->type);
    int64_t bytes = t->ne[0] / info->block_elems * info->block_bytes;
    t->nb[0] = info->block_bytes;
    for (int i = 0; i < 3; i++) {
        bytes += gap * info->block_bytes;
        t->nb[order[i]] = bytes;
        bytes *= t->ne[order[i]];
    }
}

static inline struct attn_tensor kernel_tensor(int type, int64_t a, int64_t b, int64_t c, int64_t d, const int order[3],
                                               int64_t gap, int64_t offset)
{
    struct attn_tensor t = { .ne = { a, b, c, d }, .type = (uint8_t)type, .present = 1 };
    kernel_strides(&t, order, gap);
    t.offset = offset * attn_type_info(type)->block_bytes;
    return t;
}

static inline void kernel_problem(const struct kernel_case *c, struct attn_problem *p)
{
    static const int straight[3] = { 1, 2, 3 }, permuted[3] = { 2, 1, 3 }, flipped[3] = { 3, 1, 2 };
    const int *order = c->layout == KERNEL_PERMUTED ? permuted : c->layout == KERNEL_FLIPPED ? flipped : straight;
    int64_t gap = c->layout == KERNEL_GAPS ? 1 : 0, offset = c->layout == KERNEL_GAPS ? 3 : 0;
    memset(p, 0, sizeof *p);
    p->t[ATTN_Q] = kernel_tensor(ATTN_F32, c->d_k, c->n_q, c->n_head, c->n_seq, order, gap, offset);
    p->t[ATTN_K] = kernel_tensor(c->type_k, c->d_k, c->n_kv, c->n_head_kv, c->n_seq, order, gap, offset);
    p->t[ATTN_V] = kernel_tensor(c->type_v, c->d_v, c->n_kv, c->n_head_kv, c->n_seq, order, gap, offset);
    p->t[ATTN_DST] = kernel_tensor(ATTN_F32, c->d_v, c->n_head, c->n_q, c->n_seq, order, gap, offset);
    if (c->layout == KERNEL_V_OF_K) {
        p->t[ATTN_K].buffer = p->t[ATTN_V].buffer = 1;
        memcpy(p->t[ATTN_V].nb, p->t[ATTN_K].nb, sizeof p->t[ATTN_V].nb);
    }
    if (c->mask != KERNEL_MASK_ABSENT)
        p->t[ATTN_MASK] =
            kernel_tensor(ATTN_F16, c->n_kv + c->mask_wider, c->n_q + c->mask_taller, c->mask_heads ? c->mask_heads : 1,
                          c->mask_seqs ? c->mask_seqs : 1, order, gap, offset);
    if (c->sinks)
        p->t[ATTN_SINKS] = kernel_tensor(ATTN_F32, c->n_head, 1, 1, 1, straight, 0, offset);
    if (c->layout == KERNEL_BROADCAST) {
        for (int d = 2; d < 4; d++)
            p->t[ATTN_K].nb[d] = p->t[ATTN_V].nb[d] = 0;
        if (c->mask != KERNEL_MASK_ABSENT)
            p->t[ATTN_MASK].nb[2] = p->t[ATTN_MASK].nb[3] = 0;
    }
    p->scale = 1.0f / sqrtf((float)c->d_k);
    p->softcap = c->softcap;
    p->max_bias = c->max_bias;
    p->head_first = c->head_first;
    p->head_total = c->head_total ? c->head_total : c->n_head;
}

#endif
