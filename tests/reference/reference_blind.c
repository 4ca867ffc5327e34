/* Blind: a judge that would accept a wrong row says so. With arithmetic of which nothing is known every row is one;
 * with that of kernels none is, whatever single components are; and rows that must be zeros are not counted. What the
 * reference knows of a row keeps its limit narrow: a key that stands out, K as f16 has it.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/reference/reference_support.h"

static const struct attn_arithmetic plain = { .k_type = ATTN_F16, .v_type = ATTN_F16, .kv_tile = 32 };
/* Q as a type that no route narrows it to: nothing is known of how far off it is. */
static const struct attn_arithmetic hopeless = { .q_type = ATTN_Q4_0, .k_type = ATTN_F16, .v_type = ATTN_F16 };

enum { ROWS = 6 * 2, KEYS = 40 };

static struct data filled(bool sinks)
{
    const struct shape shape = { .d_k = 16,
                                 .n_q = ROWS / 2,
                                 .n_kv = KEYS,
                                 .n_head = 2,
                                 .n_head_kv = 2,
                                 .type_k = ATTN_F16,
                                 .type_v = ATTN_F16,
                                 .mask_heads = 2,
                                 .sinks = sinks };
    const struct attn_problem p = problem_of(&shape);
    struct data d = data_of(&p);
    uint64_t rng = 1;
    float row[16];
    for (int o = ATTN_Q; o <= ATTN_V; o++) {
        const struct attn_tensor *t = &p.t[o];
        for (int64_t i = 0; i < t->ne[1] * t->ne[2]; i++) {
            for (int64_t e = 0; e < t->ne[0]; e++) {
                row[e] = rng_float(&rng, -1.0f, 1.0f);
            }
            attn_row_encode(t->type, row, t->ne[0], row_of(&d, o, i % t->ne[1], i / t->ne[1], 0));
        }
    }
    for (int64_t i = 0; i < ROWS; i++) {
        for (int64_t key = 0; key < KEYS; key++) {
            mask_set(&d, key, i % (ROWS / 2), i / (ROWS / 2), 0, 0.0f);
        }
    }
    return d;
}

/* The reference's own values, judged. */
static struct attn_judgement judge_truth(const struct data *d, const struct attn_arithmetic *arithmetic)
{
    struct attn_reference *r = reference_of(d);
    struct attn_judgement j;
    for (int64_t i = 0; i < ROWS * 16; i++) {
        const int64_t h = i / 16 % 2, iq = i / 32;
        const float value = (float)attn_reference_value(r, i % 16, h, iq, 0);
        memcpy(row_of(d, ATTN_DST, h, iq, 0) + i % 16 * 4, &value, 4);
    }
    assert_true(attn_judge(r, arithmetic, d->base[ATTN_DST], &j));
    attn_reference_free(r);
    return j;
}

static void a_judge_that_accepts_anything_is_blind(void **state)
{
    (void)state;
    struct data d = filled(false);
    const struct attn_judgement j = judge_truth(&d, &hopeless);
    assert_int_equal(j.rows, ROWS);
    assert_int_equal(j.blind, ROWS);
    assert_true(attn_judgement_blind(&j));
    data_free(&d);
}

static void single_components_near_zero_blind_nobody(void **state)
{
    (void)state;
    struct data d = filled(false);
    for (int64_t key = 0; key < KEYS; key++) { /* V cancels in all components but the last */
        for (int64_t h = 0; h < 2; h++) {
            float row[16];
            for (int i = 0; i < 16; i++) {
                row[i] = i == 15 ? 1.0f : key % 2 ? 1.0f : -1.0f;
            }
            attn_row_encode(ATTN_F16, row, 16, row_of(&d, ATTN_V, key, h, 0));
            memset(row, 0, sizeof row);
            attn_row_encode(ATTN_F16, row, 16, row_of(&d, ATTN_K, key, h, 0));
        }
    }
    const struct attn_judgement j = judge_truth(&d, &plain);
    assert_int_equal(j.rows, ROWS);
    assert_int_equal(j.blind, 0);
    assert_false(attn_judgement_blind(&j));
    data_free(&d);
}

static void rows_that_must_be_zeros_are_not_counted(void **state)
{
    (void)state;
    struct data d = filled(true);
    float sinks[2] = { 0.0f, 40.0f }; /* the second head's has all weight, to a float */
    memcpy(d.base[ATTN_SINKS], sinks, sizeof sinks);
    for (int64_t key = 0; key < KEYS; key++) {
        mask_set(&d, key, 3, 0, 0, -INFINITY);
    }
    const struct attn_judgement j = judge_truth(&d, &plain), other = judge_truth(&d, &hopeless);
    assert_int_equal(j.rows, ROWS / 2 - 1);
    assert_int_equal(j.blind, 0);
    assert_int_equal(other.blind, ROWS / 2 - 1);
    data_free(&d);
}

/* One key of one head: all of K's elements x, of V's y. */
static void set_key(struct data *d, int64_t key, float x, float y)
{
    float row[64];
    for (int operand = ATTN_K; operand <= ATTN_V; operand++) {
        for (int i = 0; i < 64; i++) {
            row[i] = operand == ATTN_K ? x : i % 2 ? y : -y;
        }
        attn_row_encode(d->problem.t[operand].type, row, 64, row_of(d, operand, key, 0, 0));
    }
}

static double limit_of_row(const struct data *d, const struct attn_arithmetic *arithmetic, double *value)
{
    struct attn_reference *r = reference_of(d);
    const double limit = attn_reference_limit(r, arithmetic, 1, 0, 0, 0);
    *value = attn_reference_value(r, 1, 0, 0, 0);
    attn_reference_free(r);
    return limit;
}

static struct data of_few_keys(int64_t n_kv, int type, float q, bool sinks)
{
    const struct shape shape = {
        .d_k = 64, .n_q = 1, .n_kv = n_kv, .type_k = type, .type_v = ATTN_F16, .sinks = sinks, .scale = 1.0f
    };
    const struct attn_problem p = problem_of(&shape);
    struct data d = data_of(&p);
    float row[64];
    for (int i = 0; i < 64; i++) {
        row[i] = q;
    }
    memcpy(d.base[ATTN_Q], row, sizeof row);
    return d;
}

/* Errors of scores of hundreds do not matter where the next key is thousands away, nor between keys of the same V. */
static void a_key_that_stands_out_is_judged_however_deep_scores_are(void **state)
{
    const struct attn_arithmetic narrow = { .q_type = ATTN_F16, .k_type = ATTN_F16, .v_type = ATTN_F16, .kv_tile = 32 };
    double value;
    (void)state;
    struct data d = of_few_keys(3, ATTN_F16, 1000.0f, false);
    set_key(&d, 0, -2.0f, 1.0f);
    set_key(&d, 1, -1.0f, 0.5f); /* -64,000 */
    set_key(&d, 2, -1.0f, 0.5f);
    assert_true(limit_of_row(&d, &narrow, &value) < 0.001);
    assert_true(fabs(value - 0.5) < 1e-6);
    set_key(&d, 2, -1.0f, 0.25f); /* another V: which of the two it is depends on the last bits */
    assert_true(limit_of_row(&d, &narrow, &value) > 0.1);
    set_key(&d, 2, -1.0f, 0.5f);
    set_key(&d, 0, -1.0005f, 1.0f); /* 32 away: as far as scores may be off */
    assert_true(limit_of_row(&d, &narrow, &value) > 0.1);
    data_free(&d);
}

/* What is known of K rounded to f16 counts, not what it could be at worst. */
static void a_quantised_k_is_rounded_to_what_it_is_rounded_to(void **state)
{
    const struct attn_arithmetic narrow = { .k_type = ATTN_F16, .v_type = ATTN_F16, .kv_tile = 32 };
    const float none = 0.0f;
    double value;
    (void)state;
    struct data d = of_few_keys(1, ATTN_Q8_0, 10.0f, true);
    memcpy(d.base[ATTN_SINKS], &none, sizeof none);
    set_key(&d, 0, 127.0f / 1024.0f, 1.0f); /* a scale of 2^-10: all f16 as they are; score 79 */
    assert_true(limit_of_row(&d, &narrow, &value) < 0.002);
    memcpy(d.base[ATTN_SINKS], &(float){ 79.0f }, sizeof none);
    assert_true(limit_of_row(&d, &narrow, &value) < 0.002); /* 2^-11 of 79 would be 0.04 */
    double most = 0.0; /* other scales lose something, up to half of a unit in the last place */
    for (int i = 0; i < 50; i++) {
        const float x = 0.12f + 0.0001f * (float)i, sink = x * 640.0f;
        memcpy(d.base[ATTN_SINKS], &sink, sizeof sink);
        set_key(&d, 0, x, 1.0f);
        most = fmax(most, limit_of_row(&d, &narrow, &value));
    }
    assert_true(most > 0.004 && most < 0.03);
    data_free(&d);
}

/* Numbers that f16 has as subnormals only may be flushed; where there are none, nothing is. */
static void what_is_not_there_is_not_flushed(void **state)
{
    const struct attn_arithmetic keeps = { .k_type = ATTN_F16, .v_type = ATTN_F16, .kv_tile = 32 };
    struct attn_arithmetic flushes = keeps;
    double value;
    (void)state;
    flushes.flush = 1;
    struct data d = of_few_keys(2, ATTN_F16, 1.0f, false);
    set_key(&d, 0, 0.0f, 1.0f);
    set_key(&d, 1, 0x1p-14f, 0.5f);
    assert_true(limit_of_row(&d, &flushes, &value) == limit_of_row(&d, &keeps, &value));
    set_key(&d, 1, 0x1p-15f, 0.5f);
    assert_true(limit_of_row(&d, &flushes, &value) > limit_of_row(&d, &keeps, &value) + 0x1p-14);
    set_key(&d, 1, 0.0f, 0x1p-15f);
    assert_true(limit_of_row(&d, &flushes, &value) > limit_of_row(&d, &keeps, &value) + 0x1p-15);
    data_free(&d);
}

static void one_row_in_a_hundred_is_too_many(void **state)
{
    (void)state;
    assert_false(attn_judgement_blind(&(struct attn_judgement){ .rows = 100, .blind = 1 }));
    assert_true(attn_judgement_blind(&(struct attn_judgement){ .rows = 99, .blind = 1 }));
    assert_false(attn_judgement_blind(&(struct attn_judgement){ .rows = 0, .blind = 0 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_judge_that_accepts_anything_is_blind),
        cmocka_unit_test(single_components_near_zero_blind_nobody),
        cmocka_unit_test(rows_that_must_be_zeros_are_not_counted),
        cmocka_unit_test(a_key_that_stands_out_is_judged_however_deep_scores_are),
        cmocka_unit_test(a_quantised_k_is_rounded_to_what_it_is_rounded_to),
        cmocka_unit_test(what_is_not_there_is_not_flushed),
        cmocka_unit_test(one_row_in_a_hundred_is_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
