/* reference_data.h: problems at random, and data in regimes that make a kernel's faults visible, or hard to see.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_TESTS_REFERENCE_DATA_H
#define ATTN_TESTS_REFERENCE_DATA_H

#include "tests/reference/reference_support.h"

#define REGIMES(X) X(UNIFORM) X(RISING) X(LARGE) X(NEGATIVE) X(CONSTANT_V) X(PEAK) X(ZEROS) X(SPREAD)
enum regime {
#define X(name) REGIME_##name,
    REGIMES(X)
#undef X
        REGIME_COUNT
};

#define MASKS(X) X(OPEN) X(CAUSAL) X(WINDOW) X(RANDOM) X(TILES) X(BIAS)
enum mask {
#define X(name) MASK_##name,
    MASKS(X)
#undef X
        MASK_COUNT
};

static inline float regime_value(uint64_t *rng, enum regime regime, int operand, int64_t i, int64_t key, int64_t n_kv)
{
    const float x = rng_float(rng, -1.0f, 1.0f);
    switch (regime) {
    case REGIME_RISING: /* scores rise along n_kv by some tens, so the running maximum keeps moving */
        return operand == ATTN_Q   ? fabsf(x)
               : operand == ATTN_K ? (0.1f * x + 1.0f) * 8.0f * (float)key / (float)n_kv
                                   : x;
    case REGIME_LARGE: return operand == ATTN_V ? x * 60000.0f : x * 16.0f;
    case REGIME_NEGATIVE: return operand == ATTN_Q ? 4.0f + x : operand == ATTN_K ? -4.0f + x : x;
    case REGIME_CONSTANT_V: return operand == ATTN_V ? 0.25f + (float)(i % 7) : x;
    case REGIME_PEAK: return operand == ATTN_Q ? 2.0f + x : operand == ATTN_K ? (key == n_kv / 2 ? 3.0f : x) : x;
    case REGIME_ZEROS: return rng_below(rng, 3) == 0 ? (x < 0.0f ? -0.0f : 0.0f) : x;
    case REGIME_SPREAD: /* all orders of magnitude */
        return x * exp2f(rng_float(rng, -20.0f, operand == ATTN_V ? 14.0f : 1.0f));
    default: return x;
    }
}

/* A sink about as large as the scores; one far above them takes all weight, and nothing is left to judge. */
static inline float sink_value(uint64_t *rng, enum regime regime, const struct attn_problem *p)
{
    const float x = rng_float(rng, -2.0f, 4.0f);
    if (regime != REGIME_NEGATIVE) {
        return x;
    }
    const float s = -16.0f * p->scale * (float)attn_d_k(p);
    return x + (p->softcap > 0.0f ? p->softcap * tanhf(s / p->softcap) : s);
}

static inline void fill_regime(struct data *d, uint64_t *rng, enum regime regime)
{
    static const int filled[] = { ATTN_Q, ATTN_K, ATTN_V, ATTN_SINKS };
    const int64_t n_kv = attn_n_kv(&d->problem);
    for (int o = 0; o < 4; o++) {
        const struct attn_tensor *t = &d->problem.t[filled[o]];
        if (!t->present) {
            continue;
        }
        float *row = malloc((size_t)t->ne[0] * sizeof *row);
        for (int64_t i3 = 0; i3 < t->ne[3]; i3++) {
            for (int64_t i2 = 0; i2 < t->ne[2]; i2++) {
                for (int64_t i1 = 0; i1 < t->ne[1]; i1++) {
                    for (int64_t i = 0; i < t->ne[0]; i++) {
                        row[i] = filled[o] == ATTN_SINKS ? sink_value(rng, regime, &d->problem)
                                                         : regime_value(rng, regime, filled[o], i, i1, n_kv);
                    }
                    attn_row_encode(t->type, row, t->ne[0], row_of(d, filled[o], i1, i2, i3));
                }
            }
        }
        free(row);
    }
}

static inline float mask_content(uint64_t *rng, enum mask mask, int64_t key, int64_t iq, int64_t n_kv, int64_t n_q)
{
    const int64_t edge = n_kv - n_q + iq;
    switch (mask) {
    case MASK_CAUSAL: return key <= edge ? 0.0f : -INFINITY;
    case MASK_WINDOW: return key <= edge && key > edge - 40 ? 0.0f : -INFINITY;
    case MASK_RANDOM: return rng_below(rng, 2) ? 0.0f : -INFINITY;
    case MASK_TILES: return (key / 32 + iq) % 3 ? 0.0f : -INFINITY;
    case MASK_BIAS:
        return rng_below(rng, 5) ? -1000.0f * rng_float(rng, 0.0f, 1.0f) * rng_float(rng, 0.0f, 1.0f) : -INFINITY;
    default: return 0.0f;
    }
}

static inline void fill_mask(struct data *d, uint64_t *rng, enum mask mask)
{
    const struct attn_tensor *t = &d->problem.t[ATTN_MASK];
    for (int64_t i3 = 0; t->present && i3 < t->ne[3]; i3++) {
        for (int64_t i2 = 0; i2 < t->ne[2]; i2++) {
            for (int64_t i1 = 0; i1 < t->ne[1]; i1++) {
                for (int64_t i = 0; i < t->ne[0]; i++) {
                    mask_set(d, i, i1, i2, i3, mask_content(rng, mask, i, i1, t->ne[0], t->ne[1]));
                }
            }
        }
    }
}

/* A problem at random, small enough to simulate; all features, all types. */
static inline struct attn_problem random_problem(uint64_t *rng)
{
    static const int64_t sizes[] = { 1, 8, 40, 64, 72, 80, 96, 112, 128, 192, 256 };
    const int type_k = (int)rng_below(rng, ATTN_TYPE_COUNT);
    const int type_v = rng_below(rng, 2) ? type_k : (int)rng_below(rng, ATTN_TYPE_COUNT);
    const bool blocks = attn_type_info(type_k)->block_elems > 1 || attn_type_info(type_v)->block_elems > 1;
    const int64_t n_head_kv = 1 + rng_below(rng, 2), n_head = n_head_kv * (1 + rng_below(rng, 3));
    struct shape shape = { .n_q = 1 + rng_below(rng, 3),
                           .n_head = n_head,
                           .n_head_kv = n_head_kv,
                           .n_kv = 1 + rng_below(rng, rng_below(rng, 4) ? 300 : 40),
                           .type_k = type_k,
                           .type_v = type_v,
                           .n_seq = 1 + (rng_below(rng, 4) == 0),
                           .sinks = rng_below(rng, 4) == 0 };
    shape.d_k = blocks ? 32 * (1 + rng_below(rng, 4)) : sizes[rng_below(rng, 11)];
    shape.d_v = rng_below(rng, 4) ? shape.d_k : blocks ? 32 * (1 + rng_below(rng, 4)) : sizes[rng_below(rng, 8)];
    shape.softcap = rng_below(rng, 4) == 0 ? rng_float(rng, 1.0f, 60.0f) : 0.0f;
    if (rng_below(rng, 4)) {
        shape.mask_heads = rng_below(rng, 3) ? 1 : n_head;
        shape.mask_seqs = rng_below(rng, 2) ? 1 : shape.n_seq;
        if (rng_below(rng, 3) == 0) {
            shape.max_bias = rng_float(rng, 1.0f, 16.0f);
            shape.head_first = rng_below(rng, 3);
            shape.head_total = n_head + shape.head_first + rng_below(rng, 4);
        }
    }
    return problem_of(&shape);
}

#endif
