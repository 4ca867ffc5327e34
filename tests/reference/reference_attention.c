/* The reference against the definition, written down a second time in long double, plainly and slowly; and the
 * parts of the definition one by one, with values known beforehand.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/reference/reference_support.h"

#include <float.h>

/* ---- The definition ------------------------------------------------------------------------------------- */

static void element_row(const struct data *d, int operand, int64_t i1, int64_t i2, int64_t i3, float *row)
{
    const struct attn_tensor *t = &d->problem.t[operand];
    attn_row_decode(t->type, row_of(d, operand, i1, i2, i3), t->ne[0], row);
}

/* The slope as ggml has it: m0^(h+1) or m1^(2(h-n)+1). */
static long double slope_by_powers(const struct attn_problem *p, int64_t head)
{
    if (p->max_bias <= 0.0f) {
        return 1.0L;
    }
    int64_t n = 1;
    while (n * 2 <= p->head_total) {
        n *= 2;
    }
    const long double m0 = powl(2.0L, -(long double)p->max_bias / (long double)n);
    const long double m1 = powl(2.0L, -(long double)p->max_bias / 2.0L / (long double)n);
    return head < n ? powl(m0, (long double)(head + 1)) : powl(m1, (long double)(2 * (head - n) + 1));
}

static void attention_by_definition(const struct data *d, int64_t h, int64_t iq, int64_t s, long double *out)
{
    const struct attn_problem *p = &d->problem;
    const int64_t n_kv = attn_n_kv(p), d_k = attn_d_k(p), d_v = attn_d_v(p);
    const int64_t kvh = h / (attn_n_head(p) / attn_n_head_kv(p));
    float *q = malloc((size_t)d_k * 4), *k = malloc((size_t)d_k * 4), *v = malloc((size_t)d_v * 4);
    long double *score = malloc((size_t)n_kv * sizeof *score), max = -INFINITY, sum = 0.0L;
    element_row(d, ATTN_Q, iq, h, s, q);
    for (int64_t j = 0; j < n_kv; j++) {
        const float mask = mask_get(d, j, iq, h, s);
        score[j] = -INFINITY;
        if (mask == -INFINITY) {
            continue;
        }
        long double dot = 0.0L;
        element_row(d, ATTN_K, j, kvh, s, k);
        for (int64_t i = 0; i < d_k; i++) {
            dot += (long double)q[i] * (long double)k[i];
        }
        dot *= (long double)p->scale;
        if (p->softcap > 0.0f) {
            dot = (long double)p->softcap * tanhl(dot / (long double)p->softcap);
        }
        score[j] = dot + slope_by_powers(p, p->head_first + h) * (long double)mask;
        max = score[j] > max ? score[j] : max;
    }
    for (int64_t i = 0; i < d_v; i++) {
        out[i] = 0.0L;
    }
    if (max > -INFINITY) {
        if (p->t[ATTN_SINKS].present) {
            float sink;
            memcpy(&sink, d->base[ATTN_SINKS] + 4 * h, 4);
            max = (long double)sink > max ? (long double)sink : max;
            sum += expl((long double)sink - max);
        }
        for (int64_t j = 0; j < n_kv; j++) {
            if (score[j] > -INFINITY) {
                const long double w = expl(score[j] - max);
                sum += w;
                element_row(d, ATTN_V, j, kvh, s, v);
                for (int64_t i = 0; i < d_v; i++) {
                    out[i] += w * (long double)v[i];
                }
            }
        }
        for (int64_t i = 0; i < d_v; i++) {
            out[i] /= sum;
        }
    }
    free(q);
    free(k);
    free(v);
    free(score);
}

static void assert_follows_definition(const struct data *d)
{
    const struct attn_problem *p = &d->problem;
    struct attn_reference *r = reference_of(d);
    const int64_t d_v = attn_d_v(p);
    long double *want = malloc((size_t)d_v * sizeof *want);
    for (int64_t s = 0; s < attn_n_seq(p); s++) {
        for (int64_t iq = 0; iq < attn_n_q(p); iq++) {
            for (int64_t h = 0; h < attn_n_head(p); h++) {
                attention_by_definition(d, h, iq, s, want);
                for (int64_t i = 0; i < d_v; i++) {
                    const double got = attn_reference_value(r, i, h, iq, s);
                    if (!(fabsl((long double)got - want[i]) <= 1e-11L * (1.0L + fabsl(want[i])))) {
                        fail_msg("d=%d h=%d iq=%d s=%d: %.17g, must be %.17Lg", (int)i, (int)h, (int)iq, (int)s, got,
                                 want[i]);
                    }
                }
            }
        }
    }
    free(want);
    attn_reference_free(r);
}

/* ---- Data ----------------------------------------------------------------------------------------------- */

static void fill_tensor(struct data *d, uint64_t *rng, int operand, float size)
{
    const struct attn_tensor *t = &d->problem.t[operand];
    float *row = malloc((size_t)t->ne[0] * sizeof *row);
    for (int64_t i3 = 0; i3 < t->ne[3]; i3++) {
        for (int64_t i2 = 0; i2 < t->ne[2]; i2++) {
            for (int64_t i1 = 0; i1 < t->ne[1]; i1++) {
                for (int64_t i = 0; i < t->ne[0]; i++) {
                    row[i] = rng_float(rng, -size, size);
                }
                attn_row_encode(t->type, row, t->ne[0], row_of(d, operand, i1, i2, i3));
            }
        }
    }
    free(row);
}

static void fill(struct data *d, uint64_t *rng, float q, float excluded)
{
    fill_tensor(d, rng, ATTN_Q, q);
    fill_tensor(d, rng, ATTN_K, 1.0f);
    fill_tensor(d, rng, ATTN_V, 1.0f);
    if (d->problem.t[ATTN_SINKS].present) {
        fill_tensor(d, rng, ATTN_SINKS, 3.0f);
    }
    const struct attn_tensor *m = &d->problem.t[ATTN_MASK];
    for (int64_t i3 = 0; m->present && i3 < m->ne[3]; i3++) {
        for (int64_t i2 = 0; i2 < m->ne[2]; i2++) {
            for (int64_t i1 = 0; i1 < m->ne[1]; i1++) {
                for (int64_t i = 0; i < m->ne[0]; i++) {
                    mask_set(d, i, i1, i2, i3,
                             rng_float(rng, 0, 1) < excluded ? -INFINITY : rng_float(rng, -2.0f, 2.0f));
                }
            }
        }
    }
}

/* ---- Tests ---------------------------------------------------------------------------------------------- */

static void random_problems_follow_the_definition(void **state)
{
    (void)state;
    uint64_t rng = 1;
    for (int round = 0; round < 400; round++) {
        const int64_t n_head_kv = 1 + rng_below(&rng, 3), ratio = 1 + rng_below(&rng, 7);
        const int64_t n_head = n_head_kv * ratio, n_seq = 1 + rng_below(&rng, 3);
        const int type_k = (int)rng_below(&rng, ATTN_TYPE_COUNT), type_v = (int)rng_below(&rng, ATTN_TYPE_COUNT);
        const int64_t block_k = attn_type_info(type_k)->block_elems, block_v = attn_type_info(type_v)->block_elems;
        struct shape shape = { .d_k = block_k * (1 + rng_below(&rng, block_k > 1 ? 3 : 70)),
                               .d_v = block_v * (1 + rng_below(&rng, block_v > 1 ? 3 : 70)),
                               .n_q = 1 + rng_below(&rng, 5),
                               .n_kv = 1 + rng_below(&rng, 200),
                               .n_head = n_head,
                               .n_head_kv = n_head_kv,
                               .n_seq = n_seq,
                               .type_k = type_k,
                               .type_v = type_v,
                               .sinks = rng_below(&rng, 2) != 0,
                               .head_total = n_head };
        if (rng_below(&rng, 4) != 0) { /* any divisor of the heads and of the sequences */
            do {
                shape.mask_heads = 1 + rng_below(&rng, n_head);
            } while (n_head % shape.mask_heads != 0);
            shape.mask_seqs = rng_below(&rng, 2) ? 1 : n_seq;
            if (rng_below(&rng, 2)) {
                shape.max_bias = rng_float(&rng, 0.5f, 16.0f);
                shape.head_first = rng_below(&rng, 5);
                shape.head_total = n_head + shape.head_first + rng_below(&rng, 5);
            }
        }
        shape.softcap = rng_below(&rng, 3) == 0 ? rng_float(&rng, 0.5f, 60.0f) : 0.0f;
        const struct attn_problem p = problem_of(&shape);
        struct data d = data_of(&p);
        fill(&d, &rng, rng_below(&rng, 2) ? 1.0f : 40.0f, rng_below(&rng, 3) ? 0.5f : 0.95f);
        assert_follows_definition(&d);
        data_free(&d);
    }
}

static void any_strides_follow_the_definition(void **state)
{
    (void)state;
    uint64_t rng = 2;
    const struct shape shape = { .d_k = 33,
                                 .d_v = 17,
                                 .n_q = 4,
                                 .n_kv = 70,
                                 .n_head = 6,
                                 .n_head_kv = 2,
                                 .n_seq = 3,
                                 .type_k = ATTN_F16,
                                 .type_v = ATTN_BF16,
                                 .mask_heads = 3,
                                 .mask_seqs = 3,
                                 .sinks = true };
    for (int round = 0; round < 60; round++) {
        struct attn_problem p = problem_of(&shape);
        for (int o = 0; o < ATTN_OPERAND_COUNT; o++) { /* a random order of dimensions, with gaps between rows */
            struct attn_tensor *t = &p.t[o];
            if (o == ATTN_SINKS) {
                continue;
            }
            int order[3] = { 1, 2, 3 };
            for (int i = 2; i > 0; i--) {
                const int j = (int)rng_below(&rng, i + 1), kept = order[i];
                order[i] = order[j];
                order[j] = kept;
            }
            int64_t stride = t->ne[0] * t->nb[0] + 4 * rng_below(&rng, 4);
            for (int i = 0; i < 3; i++) {
                t->nb[order[i]] = stride;
                stride = stride * t->ne[order[i]] + 4 * rng_below(&rng, 4);
            }
            if (o != ATTN_DST && rng_below(&rng, 3) == 0) { /* broadcast; the outer strides stay legal */
                t->nb[1 + rng_below(&rng, 3)] = 0;
            }
        }
        struct data d = data_of(&p);
        fill(&d, &rng, 2.0f, 0.4f);
        assert_follows_definition(&d);
        data_free(&d);
    }
}

static void v_may_be_a_view_of_k(void **state)
{
    (void)state;
    uint64_t rng = 3;
    const struct shape shape = {
        .d_k = 72, .d_v = 64, .n_q = 3, .n_kv = 40, .n_head = 4, .n_head_kv = 1, .type_k = ATTN_F16, .type_v = ATTN_F16
    };
    struct attn_problem p = problem_of(&shape);
    for (int i = 1; i < 4; i++) {
        p.t[ATTN_V].nb[i] = p.t[ATTN_K].nb[i];
    }
    struct data d = data_of(&p);
    fill(&d, &rng, 1.0f, 0.0f);
    free(d.base[ATTN_V]);
    d.base[ATTN_V] = d.base[ATTN_K];
    assert_follows_definition(&d);
    d.base[ATTN_V] = NULL;
    data_free(&d);
}

/* Strides of dimensions of one element are not looked at. */
static void strides_of_single_elements_mean_nothing(void **state)
{
    (void)state;
    uint64_t rng = 4;
    const struct shape shape = {
        .d_k = 8, .n_q = 1, .n_kv = 5, .type_k = ATTN_F32, .type_v = ATTN_F32, .mask_heads = 1
    };
    struct attn_problem p = problem_of(&shape);
    struct data d = data_of(&p);
    fill(&d, &rng, 1.0f, 0.0f);
    struct attn_reference *plain = reference_of(&d);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        for (int i = 1; i < 4; i++) {
            if (p.t[o].ne[i] == 1) {
                d.problem.t[o].nb[i] = INT64_MAX - 3;
            }
        }
    }
    struct attn_reference *odd = reference_of(&d);
    float out[8];
    for (int64_t i = 0; i < 8; i++) {
        assert_true(attn_reference_value(plain, i, 0, 0, 0) == attn_reference_value(odd, i, 0, 0, 0));
        out[i] = (float)attn_reference_value(plain, i, 0, 0, 0);
    }
    const struct attn_arithmetic f32 = { .k_type = ATTN_F32, .v_type = ATTN_F32, .kv_tile = 32, .merges = 1 };
    assert_true(attn_judge(odd, &f32, out, NULL));
    attn_reference_free(plain);
    attn_reference_free(odd);
    data_free(&d);
}

/* Dead cells hold NaN and Inf, and lie in poisoned memory as far as the sanitizer can tell: every read of K and V
 * goes to a cell that some row attends to. Here cell j of KV head g is live for the one row of head g only. */
static void dead_cells_do_not_matter(void **state)
{
    (void)state;
    uint64_t rng = 5;
    const struct shape shape = { .d_k = 64,
                                 .n_q = 3,
                                 .n_kv = 300,
                                 .n_head = 4,
                                 .n_head_kv = 2,
                                 .n_seq = 2,
                                 .type_k = ATTN_F16,
                                 .type_v = ATTN_Q8_0,
                                 .mask_heads = 1,
                                 .mask_seqs = 2,
                                 .sinks = true };
    const struct attn_problem p = problem_of(&shape);
    struct data d = data_of(&p);
    fill(&d, &rng, 1.0f, 0.0f);
    for (int64_t s = 0; s < 2; s++) {
        for (int64_t j = 0; j < 300; j++) {
            const bool dead = rng_below(&rng, 3) != 0 || (s == 1 && j >= 100);
            for (int64_t iq = 0; iq < 3; iq++) {
                mask_set(&d, j, iq, 0, s, dead || rng_below(&rng, 4) == 0 ? -INFINITY : 0.5f);
            }
        }
    }
    struct attn_reference *clean = reference_of(&d);
    for (int64_t s = 0; s < 2; s++) {
        for (int64_t j = 0; j < 300; j++) {
            bool dead = true;
            for (int64_t iq = 0; iq < 3; iq++) {
                dead = dead && mask_get(&d, j, iq, 0, s) == -INFINITY;
            }
            for (int64_t g = 0; dead && g < 2; g++) {
                memset(row_of(&d, ATTN_K, j, g, s), 0x7C, (size_t)p.t[ATTN_K].nb[1]);
                memset(row_of(&d, ATTN_V, j, g, s), 0xFF, (size_t)p.t[ATTN_V].nb[1]);
            }
        }
    }
    struct attn_reference *poisoned = reference_of(&d);
    const struct attn_arithmetic f32 = { .k_type = ATTN_F16, .v_type = ATTN_Q8_0, .kv_tile = 32, .merges = 1 };
    for (int64_t s = 0; s < 2; s++) {
        for (int64_t iq = 0; iq < 3; iq++) {
            for (int64_t h = 0; h < 4; h++) {
                for (int64_t i = 0; i < 64; i++) {
                    assert_true(attn_reference_value(clean, i, h, iq, s) ==
                                attn_reference_value(poisoned, i, h, iq, s));
                    assert_true(attn_reference_limit(clean, &f32, i, h, iq, s) ==
                                attn_reference_limit(poisoned, &f32, i, h, iq, s));
                }
            }
        }
    }
    attn_reference_free(clean);
    attn_reference_free(poisoned);
    data_free(&d);
}

static void excluded_rows_are_zeros_and_nothing_else_passes(void **state)
{
    (void)state;
    for (int sinks = 0; sinks < 2; sinks++) {
        uint64_t rng = 6;
        const struct shape shape = {
            .d_k = 16, .n_q = 2, .n_kv = 7, .type_k = ATTN_F32, .type_v = ATTN_F32, .mask_heads = 1, .sinks = sinks != 0
        };
        const struct attn_problem p = problem_of(&shape);
        struct data d = data_of(&p);
        fill(&d, &rng, 1.0f, 0.0f);
        for (int64_t j = 0; j < 7; j++) {
            mask_set(&d, j, 1, 0, 0, -INFINITY);
        }
        struct attn_reference *r = reference_of(&d);
        const struct attn_arithmetic f32 = { .k_type = ATTN_F32, .v_type = ATTN_F32, .kv_tile = 32, .merges = 1 };
        float out[2][16];
        for (int64_t i = 0; i < 16; i++) {
            assert_true(attn_reference_value(r, i, 0, 0, 0) != 0.0);
            assert_true(attn_reference_value(r, i, 0, 1, 0) == 0.0);
            assert_true(attn_reference_limit(r, &f32, i, 0, 1, 0) == 0.0);
            out[0][i] = (float)attn_reference_value(r, i, 0, 0, 0);
            out[1][i] = i & 1 ? -0.0f : 0.0f;
        }
        struct attn_judgement j;
        assert_true(attn_judge(r, &f32, out, &j));
        out[1][5] = 0x1p-149f;
        assert_false(attn_judge(r, &f32, out, &j));
        assert_true(j.failed == 1 && j.d == 5 && j.iq == 1 && j.worst == INFINITY && j.limit == 0.0);
        attn_reference_free(r);
        data_free(&d);
    }
}

static void known_answers(void **state)
{
    (void)state;
    /* two keys, D 1: scores 0 and ln 3, so weights 1/4 and 3/4 */
    const struct shape shape = { .d_k = 1,
                                 .n_q = 1,
                                 .n_kv = 2,
                                 .type_k = ATTN_F32,
                                 .type_v = ATTN_F32,
                                 .mask_heads = 1,
                                 .scale = 1.0f,
                                 .sinks = true };
    struct attn_problem p = problem_of(&shape);
    struct data d = data_of(&p);
    const float q = 1.0f, k[2] = { 0.0f, logf(3.0f) }, v[2] = { 8.0f, 4.0f };
    float sink = -INFINITY;
    memcpy(d.base[ATTN_Q], &q, 4);
    memcpy(d.base[ATTN_K], k, 8);
    memcpy(d.base[ATTN_V], v, 8);
    mask_set(&d, 0, 0, 0, 0, 0.0f);
    mask_set(&d, 1, 0, 0, 0, 0.0f);

    sink = logf(4.0f); /* as much weight as both keys */
    memcpy(d.base[ATTN_SINKS], &sink, 4);
    struct attn_reference *r = reference_of(&d);
    assert_true(fabs(attn_reference_value(r, 0, 0, 0, 0) - 2.5) < 1e-6);
    attn_reference_free(r);

    sink = 1000.0f; /* all weight, and larger than any score: nothing overflows */
    memcpy(d.base[ATTN_SINKS], &sink, 4);
    r = reference_of(&d);
    assert_true(attn_reference_value(r, 0, 0, 0, 0) == 0.0);
    attn_reference_free(r);

    d.problem.t[ATTN_SINKS].present = 0;
    r = reference_of(&d);
    assert_true(fabs(attn_reference_value(r, 0, 0, 0, 0) - 5.0) < 1e-6);
    attn_reference_free(r);

    d.problem.softcap = 0.5f; /* 0.5 * tanh(2 ln 3) */
    r = reference_of(&d);
    const double weight = exp(0.5 * tanh((double)k[1] / 0.5)), want = (8.0 + 4.0 * weight) / (1.0 + weight);
    assert_true(fabs(attn_reference_value(r, 0, 0, 0, 0) - want) < 1e-12);
    attn_reference_free(r);
    d.problem.softcap = 0.0f;

    d.problem.max_bias = 2.0f; /* slope of head 0 of 1: 2^-2; of head 2 of 3, n = 2: 2^-(2 * 1 / 4) */
    mask_set(&d, 0, 0, 0, 0, 4.0f);
    d.problem.head_total = 1;
    r = reference_of(&d);
    assert_true(fabs(attn_reference_value(r, 0, 0, 0, 0) - (8.0 * exp(1.0) + 12.0) / (exp(1.0) + 3.0)) < 1e-6);
    attn_reference_free(r);
    d.problem.head_first = 2;
    d.problem.head_total = 3;
    r = reference_of(&d);
    const double first = exp(4.0 * exp2(-0.5));
    assert_true(fabs(attn_reference_value(r, 0, 0, 0, 0) - (8.0 * first + 12.0) / (first + 3.0)) < 1e-6);
    attn_reference_free(r);
    data_free(&d);
}

/* Scores of 1e30 and their differences stay ordered; values near float's end do not overflow. */
static void extreme_magnitudes_stay_finite(void **state)
{
    (void)state;
    const struct shape shape = { .d_k = 2, .n_q = 1, .n_kv = 3, .type_k = ATTN_F32, .type_v = ATTN_F32, .scale = 1.0f };
    const struct attn_problem p = problem_of(&shape);
    struct data d = data_of(&p);
    const float q[2] = { 1e38f, 1e38f }, k[6] = { -1e38f, 0.0f, 1e30f, 0.0f, 1e30f, 0.0f };
    const float v[6] = { 1.0f, 1.0f, FLT_MAX, -FLT_MAX, FLT_MAX, FLT_MAX };
    memcpy(d.base[ATTN_Q], q, sizeof q);
    memcpy(d.base[ATTN_K], k, sizeof k);
    memcpy(d.base[ATTN_V], v, sizeof v);
    struct attn_reference *r = reference_of(&d);
    const struct attn_arithmetic f32 = { .k_type = ATTN_F32, .v_type = ATTN_F32, .kv_tile = 32, .merges = 1 };
    assert_true(attn_reference_value(r, 0, 0, 0, 0) == (double)FLT_MAX);
    assert_true(attn_reference_value(r, 1, 0, 0, 0) == 0.0);
    assert_false(isnan(attn_reference_limit(r, &f32, 0, 0, 0, 0)));
    attn_reference_free(r);
    data_free(&d);
}

static void sizes_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const struct shape shape = { .d_k = 4, .n_q = 1, .n_kv = 1, .type_k = ATTN_F32, .type_v = ATTN_F32 };
    struct attn_problem p = problem_of(&shape);
    const void *base[ATTN_OPERAND_COUNT] = { 0 };
    p.t[ATTN_Q].ne[1] = p.t[ATTN_DST].ne[2] = INT64_C(1) << 50; /* broadcast rows: legal, and far too many */
    p.t[ATTN_Q].nb[1] = 0;
    assert_null(attn_reference_compute(&p, base));
    p.t[ATTN_Q].ne[1] = INT64_MAX;
    assert_null(attn_reference_compute(&p, base));
    attn_reference_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_problems_follow_the_definition),
        cmocka_unit_test(any_strides_follow_the_definition),
        cmocka_unit_test(v_may_be_a_view_of_k),
        cmocka_unit_test(strides_of_single_elements_mean_nothing),
        cmocka_unit_test(dead_cells_do_not_matter),
        cmocka_unit_test(excluded_rows_are_zeros_and_nothing_else_passes),
        cmocka_unit_test(known_answers),
        cmocka_unit_test(extreme_magnitudes_stay_finite),
        cmocka_unit_test(sizes_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
