/* Blind: a judge that would accept a wrong row says so. With arithmetic of which nothing is known every row is one;
 * with that of kernels none is, whatever single components are; and rows that must be zeros are not counted.
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
        cmocka_unit_test(one_row_in_a_hundred_is_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
