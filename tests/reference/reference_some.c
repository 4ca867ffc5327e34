/* A reference of some rows: they are spread over all, have the very values and limits that the whole reference has,
 * and judge what is theirs.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/reference/reference_support.h"

static void fill(struct data *d, uint64_t seed)
{
    uint64_t rng = seed;
    float row[64];
    for (int o = ATTN_Q; o <= ATTN_V; o++) {
        const struct attn_tensor *t = &d->problem.t[o];
        for (int64_t i = 0; i < t->ne[1] * t->ne[2] * t->ne[3]; i++) {
            for (int64_t e = 0; e < t->ne[0]; e++) {
                row[e] = rng_float(&rng, -1.0f, 1.0f);
            }
            attn_row_encode(t->type, row, t->ne[0],
                            row_of(d, o, i % t->ne[1], i / t->ne[1] % t->ne[2], i / t->ne[1] / t->ne[2]));
        }
    }
    const struct attn_tensor *m = &d->problem.t[ATTN_MASK];
    for (int64_t i = 0; m->present && i < m->ne[1] * m->ne[2] * m->ne[3]; i++) {
        for (int64_t key = 0; key < m->ne[0]; key++) {
            mask_set(d, key, i % m->ne[1], i / m->ne[1] % m->ne[2], i / m->ne[1] / m->ne[2],
                     rng_below(&rng, 3) ? rng_float(&rng, -1.0f, 0.0f) : -INFINITY);
        }
    }
    float *sinks = (float *)(void *)d->base[ATTN_SINKS];
    for (int64_t h = 0; sinks && h < d->problem.t[ATTN_SINKS].ne[0]; h++) {
        sinks[h] = rng_float(&rng, -1.0f, 1.0f);
    }
}

static struct attn_reference *some_of(const struct data *d, int64_t work, uint64_t seed)
{
    struct attn_reference *r = attn_reference_compute_some(&d->problem, (const void *const *)d->base, work, seed, NULL);
    assert_non_null(r);
    return r;
}

static const struct shape shapes[] = {
    { .d_k = 32,
      .n_q = 9,
      .n_kv = 70,
      .n_head = 6,
      .n_head_kv = 2,
      .n_seq = 3,
      .type_k = ATTN_F16,
      .type_v = ATTN_Q8_0,
      .mask_heads = 2,
      .mask_seqs = 3,
      .sinks = true },
    { .d_k = 16,
      .n_q = 40,
      .n_kv = 33,
      .n_head = 4,
      .n_head_kv = 4,
      .n_seq = 2,
      .type_k = ATTN_F32,
      .type_v = ATTN_BF16,
      .mask_heads = 1,
      .max_bias = 4.0f },
    { .d_k = 8, .d_v = 16, .n_q = 1, .n_kv = 5, .n_head = 200, .n_head_kv = 1, .type_k = ATTN_F16, .type_v = ATTN_F16 },
};

/* Compares with the whole reference; returns how many rows the other one has. */
static int64_t compare(const struct attn_problem *p, const struct attn_reference *whole,
                       const struct attn_reference *some)
{
    const struct attn_arithmetic arithmetic = { .q_type = ATTN_F16,
                                                .k_type = p->t[ATTN_K].type,
                                                .v_type = p->t[ATTN_V].type,
                                                .p_type = ATTN_F32,
                                                .kv_tile = 32,
                                                .merges = 4 };
    int64_t there = 0;
    for (int64_t s = 0; s < attn_n_seq(p); s++) {
        for (int64_t iq = 0; iq < attn_n_q(p); iq++) {
            for (int64_t h = 0; h < attn_n_head(p); h++) {
                const bool left_out = isnan(attn_reference_value(some, 0, h, iq, s));
                there += !left_out;
                for (int64_t d = 0; d < attn_d_v(p); d++) {
                    const double limit = attn_reference_limit(some, &arithmetic, d, h, iq, s);
                    if (left_out) {
                        assert_true(isnan(attn_reference_value(some, d, h, iq, s)) && isinf(limit));
                        continue;
                    }
                    assert_true(attn_reference_value(some, d, h, iq, s) == attn_reference_value(whole, d, h, iq, s));
                    assert_true(limit == attn_reference_limit(whole, &arithmetic, d, h, iq, s));
                }
            }
        }
    }
    assert_false(isnan(attn_reference_value(some, 0, 0, 0, 0)));
    assert_false(isnan(attn_reference_value(some, 0, attn_n_head(p) - 1, attn_n_q(p) - 1, attn_n_seq(p) - 1)));
    return there;
}

static void chosen_rows_are_those_of_the_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const struct attn_problem p = problem_of(&shapes[i]);
        struct data d = data_of(&p);
        fill(&d, i);
        struct attn_reference *whole = reference_of(&d);
        const int64_t rows = attn_n_q(&p) * attn_n_head(&p) * attn_n_seq(&p), row = attn_problem_work(&p) / rows;
        const int64_t wanted[] = { 1, 16, 23, rows - 1, rows };
        for (size_t k = 0; k < sizeof wanted / sizeof wanted[0]; k++) {
            struct attn_reference *some = some_of(&d, wanted[k] * row, 7 + k);
            assert_int_equal(compare(&p, whole, some), wanted[k] < 16 ? 16 : wanted[k]);
            attn_reference_free(some);
        }
        attn_reference_free(whole);
        data_free(&d);
    }
}

static void rows_that_are_given_are_those_of_the_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const struct attn_problem p = problem_of(&shapes[i]);
        struct data d = data_of(&p);
        fill(&d, i);
        struct attn_reference *whole = reference_of(&d);
        const int64_t rows[] = { 0, 7, 11, attn_n_q(&p) * attn_n_head(&p) * attn_n_seq(&p) - 1 };
        struct attn_reference *some =
            attn_reference_compute_rows(&p, (const void *const *)d.base, rows, sizeof rows / sizeof rows[0], NULL);
        assert_non_null(some);
        assert_int_equal(compare(&p, whole, some), sizeof rows / sizeof rows[0]);
        const int64_t h = rows[1] % attn_n_head(&p), q = rows[1] / attn_n_head(&p);
        assert_false(isnan(attn_reference_value(some, 0, h, q % attn_n_q(&p), q / attn_n_q(&p))));
        attn_reference_free(some);
        attn_reference_free(whole);
        data_free(&d);
    }
}

/* The rows depend on the seed, and every part of all rows has one. */
static void seeds_draw_other_rows(void **state)
{
    (void)state;
    const struct attn_problem p = problem_of(&shapes[1]);
    struct data d = data_of(&p);
    fill(&d, 3);
    enum { SEEDS = 40, CHOSEN = 16 };
    const int64_t rows = attn_n_q(&p) * attn_n_head(&p) * attn_n_seq(&p);
    int64_t ever = 0;
    uint8_t *seen = calloc((size_t)rows, 1);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct attn_reference *some = some_of(&d, 1, seed);
        int64_t part[CHOSEN] = { 0 };
        for (int64_t r = 0; r < rows; r++) {
            const int64_t h = r % attn_n_head(&p), q = r / attn_n_head(&p);
            if (!isnan(attn_reference_value(some, 0, h, q % attn_n_q(&p), q / attn_n_q(&p)))) {
                ever += !seen[r];
                seen[r] = 1;
                part[r * CHOSEN / rows]++;
            }
        }
        for (int i = 0; i < CHOSEN; i++) {
            assert_int_equal(part[i], 1);
        }
        attn_reference_free(some);
    }
    assert_true(ever > rows / 2);
    free(seen);
    data_free(&d);
}

static void judges_its_rows_and_counts_the_others(void **state)
{
    (void)state;
    const struct attn_problem p = problem_of(&shapes[0]);
    struct data d = data_of(&p);
    fill(&d, 5);
    struct attn_reference *whole = reference_of(&d), *some = some_of(&d, 1, 9);
    const struct attn_arithmetic arithmetic = { .k_type = p.t[ATTN_K].type, .v_type = p.t[ATTN_V].type, .kv_tile = 32 };
    const int64_t all = attn_n_q(&p) * attn_n_head(&p) * attn_n_seq(&p) * attn_d_v(&p);
    struct attn_judgement j;
    for (int64_t s = 0; s < attn_n_seq(&p); s++) {
        for (int64_t iq = 0; iq < attn_n_q(&p); iq++) {
            for (int64_t h = 0; h < attn_n_head(&p); h++) {
                for (int64_t i = 0; i < attn_d_v(&p); i++) {
                    const float value = (float)attn_reference_value(whole, i, h, iq, s);
                    memcpy(row_of(&d, ATTN_DST, h, iq, s) + 4 * i, &value, 4);
                }
            }
        }
    }
    assert_true(attn_judge(some, &arithmetic, d.base[ATTN_DST], &j));
    assert_int_equal(j.components, 16 * attn_d_v(&p));
    assert_int_equal(j.left_out, all - j.components);
    const float wrong = 1e6f;
    memcpy(row_of(&d, ATTN_DST, 0, 0, 0) + 4 * 3, &wrong, 4);
    assert_false(attn_judge(some, &arithmetic, d.base[ATTN_DST], &j));
    assert_int_equal(j.failed, 1);
    assert_int_equal(j.left_out, all - j.components);
    assert_int_equal(j.d, 3);
    attn_reference_free(whole);
    attn_reference_free(some);
    data_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chosen_rows_are_those_of_the_whole),
        cmocka_unit_test(rows_that_are_given_are_those_of_the_whole),
        cmocka_unit_test(seeds_draw_other_rows),
        cmocka_unit_test(judges_its_rows_and_counts_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
