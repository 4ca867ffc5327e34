/* reference_support.h: problems with data for the reference's tests, and random numbers.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_TESTS_REFERENCE_SUPPORT_H
#define ATTN_TESTS_REFERENCE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "planner/random.h"
#include "reference/attn_reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static inline int64_t rng_below(uint64_t *rng, int64_t n) { return (int64_t)attn_random_below(rng, (uint64_t)n); }

static inline float rng_float(uint64_t *rng, float low, float high)
{
    return low + (high - low) * ((float)(attn_random(rng) >> 40) * 0x1p-24f);
}

/* What a problem is made of; zeros are filled in with the plainest choice. */
struct shape {
    int64_t d_k, d_v, n_q, n_kv, n_head, n_head_kv, n_seq;
    int type_k, type_v;
    int64_t mask_heads, mask_seqs; /* 0: no mask */
    bool sinks;
    float scale, softcap, max_bias;
    int64_t head_first, head_total;
};

struct data {
    struct attn_problem problem;
    char *base[ATTN_OPERAND_COUNT];
};

static inline struct attn_problem problem_of(const struct shape *s)
{
    struct attn_problem p = { .scale = s->scale != 0.0f ? s->scale : 1.0f / sqrtf((float)s->d_k),
                              .softcap = s->softcap,
                              .max_bias = s->max_bias,
                              .head_first = s->head_first };
    const int64_t n_seq = s->n_seq ? s->n_seq : 1, n_head = s->n_head ? s->n_head : 1;
    const int64_t n_head_kv = s->n_head_kv ? s->n_head_kv : 1, d_v = s->d_v ? s->d_v : s->d_k;
    p.head_total = s->head_total ? s->head_total : n_head;
    attn_tensor_set(&p.t[ATTN_Q], ATTN_F32, s->d_k, s->n_q, n_head, n_seq);
    attn_tensor_set(&p.t[ATTN_K], s->type_k, s->d_k, s->n_kv, n_head_kv, n_seq);
    attn_tensor_set(&p.t[ATTN_V], s->type_v, d_v, s->n_kv, n_head_kv, n_seq);
    attn_tensor_set(&p.t[ATTN_DST], ATTN_F32, d_v, n_head, s->n_q, n_seq);
    if (s->mask_heads) {
        attn_tensor_set(&p.t[ATTN_MASK], ATTN_F16, s->n_kv, s->n_q, s->mask_heads, s->mask_seqs ? s->mask_seqs : 1);
    }
    if (s->sinks) {
        attn_tensor_set(&p.t[ATTN_SINKS], ATTN_F32, n_head, 1, 1, 1);
    }
    return p;
}

/* Allocates every tensor by its span, exactly, so that a read past it is seen; all bytes 0xFF, a NaN. */
static inline struct data data_of(const struct attn_problem *p)
{
    struct data d = { .problem = *p };
    struct attn_error error;
    if (attn_problem_check(p, &error) != ATTN_E_OK) {
        char text[256];
        attn_error_text(&error, text, sizeof text);
        fail_msg("illegal test problem: %s", text);
    }
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        if (p->t[o].present || o == ATTN_Q || o == ATTN_K || o == ATTN_V || o == ATTN_DST) {
            const size_t bytes = (size_t)attn_tensor_span(&p->t[o]);
            d.base[o] = malloc(bytes);
            assert_non_null(d.base[o]);
            memset(d.base[o], 0xFF, bytes);
        }
    }
    return d;
}

static inline void data_free(struct data *d)
{
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        free(d->base[o]);
    }
}

static inline char *row_of(const struct data *d, int operand, int64_t i1, int64_t i2, int64_t i3)
{
    const struct attn_tensor *t = &d->problem.t[operand];
    return d->base[operand] + (t->ne[1] > 1 ? i1 * t->nb[1] : 0) + (t->ne[2] > 1 ? i2 * t->nb[2] : 0) +
           (t->ne[3] > 1 ? i3 * t->nb[3] : 0);
}

static inline void mask_set(struct data *d, int64_t key, int64_t iq, int64_t mh, int64_t ms, float value)
{
    const uint16_t bits = attn_f32_to_f16(value);
    memcpy(row_of(d, ATTN_MASK, iq, mh, ms) + 2 * key, &bits, 2);
}

static inline float mask_get(const struct data *d, int64_t key, int64_t iq, int64_t h, int64_t s)
{
    const struct attn_tensor *m = &d->problem.t[ATTN_MASK];
    if (!m->present) {
        return 0.0f;
    }
    uint16_t bits;
    memcpy(&bits, row_of(d, ATTN_MASK, iq, h % m->ne[2], s % m->ne[3]) + 2 * key, 2);
    return attn_f16_to_f32(bits);
}

static inline struct attn_reference *reference_of(const struct data *d)
{
    const void *base[ATTN_OPERAND_COUNT];
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        base[o] = d->base[o];
    }
    struct attn_reference *r = attn_reference_compute(&d->problem, base);
    assert_non_null(r);
    return r;
}

#endif
