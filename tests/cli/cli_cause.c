/* cli_cause.c: what attnfuzz check puts a result down to, of data made for it; and how many different calls it counts.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/check/cause.h"
#include "cli/check/distinct.h"
#include "planner/random.h"

enum { D = 4, N_KV = 6, ROWS = 3, MINUS_INF = 0xfc00 };

/* Three rows, two heads, a mask for each; K and V in f32. */
static struct data {
    float q[2 * ROWS * D], k[2 * N_KV * D], v[2 * N_KV * D], sinks[2];
    uint16_t mask[2 * ROWS * N_KV];
} data;

static void problem(struct attn_problem *p, const void *base[ATTN_OPERAND_COUNT])
{
    memset(p, 0, sizeof *p);
    attn_tensor_set(&p->t[ATTN_Q], ATTN_F32, D, ROWS, 2, 1);
    attn_tensor_set(&p->t[ATTN_K], ATTN_F32, D, N_KV, 2, 1);
    attn_tensor_set(&p->t[ATTN_V], ATTN_F32, D, N_KV, 2, 1);
    attn_tensor_set(&p->t[ATTN_MASK], ATTN_F16, N_KV, ROWS, 2, 1);
    attn_tensor_set(&p->t[ATTN_DST], ATTN_F32, D, 2, ROWS, 1);
    p->scale = 0.5f;
    p->head_total = 2;
    assert_int_equal(attn_problem_check(p, NULL), ATTN_E_OK);
    memset(&data, 0, sizeof data);
    const void *const bases[ATTN_OPERAND_COUNT] = {
        [ATTN_Q] = data.q, [ATTN_K] = data.k, [ATTN_V] = data.v, [ATTN_MASK] = data.mask, [ATTN_SINKS] = data.sinks
    };
    memcpy(base, bases, sizeof bases);
}

static void test_rows_without_a_key(void **state)
{
    struct attn_problem p;
    const void *base[ATTN_OPERAND_COUNT];
    (void)state;
    problem(&p, base);
    for (int k = 0; k < N_KV; k++) /* row 2 of head 1 */
        data.mask[(1 * ROWS + 2) * N_KV + k] = MINUS_INF;
    for (int h = 0; h < 2; h++)
        for (int iq = 0; iq < ROWS; iq++)
            assert_int_equal(check_cause_row_has_key(&p, base, h, iq, 0), h != 1 || iq != 2);
    data.mask[(1 * ROWS + 2) * N_KV + 3] = 0x8000; /* -0: that key counts */
    assert_true(check_cause_row_has_key(&p, base, 1, 2, 0));
    data.mask[(1 * ROWS + 2) * N_KV + 3] = MINUS_INF;
    attn_tensor_set(&p.t[ATTN_SINKS], ATTN_F32, 2, 1, 1, 1);
    assert_true(check_cause_row_has_key(&p, base, 1, 2, 0));
    memset(&p.t[ATTN_SINKS], 0, sizeof p.t[ATTN_SINKS]);
    memset(&p.t[ATTN_MASK], 0, sizeof p.t[ATTN_MASK]);
    assert_true(check_cause_row_has_key(&p, base, 1, 2, 0));
}

static void test_numbers_past_f16(void **state)
{
    struct attn_problem p;
    const void *base[ATTN_OPERAND_COUNT];
    (void)state;
    problem(&p, base);
    assert_false(check_cause_beyond_f16(&p, base));
    data.v[7] = 10000; /* six of them are below 65504 */
    data.k[5] = -65504;
    data.q[3] = 0.9f;
    assert_false(check_cause_beyond_f16(&p, base));
    data.v[7] = -11000;
    assert_true(check_cause_beyond_f16(&p, base));
    data.v[7] = 0;
    data.k[5] = 65536;
    assert_true(check_cause_beyond_f16(&p, base));
    data.k[5] = 300;
    data.q[3] = 300; /* their product is too large */
    assert_true(check_cause_beyond_f16(&p, base));
    data.q[3] = 200;
    assert_false(check_cause_beyond_f16(&p, base));
    p.scale = 2;
    assert_true(check_cause_beyond_f16(&p, base));
    data.q[3] = 0;
    assert_false(check_cause_beyond_f16(&p, base));
    p.scale = 1e20f;
    assert_true(check_cause_beyond_f16(&p, base));
    p.scale = 1;
    data.v[0] = __builtin_inff(); /* a dead cell's */
    assert_false(check_cause_beyond_f16(&p, base));
}

/* Four standard errors. */
static void test_distinct(void **state)
{
    static const uint64_t counts[] = { 0, 1, 100, 5000, 40000, 41000, 100000, 1000000 };
    struct distinct *d = calloc(1, sizeof *d);
    (void)state;
    assert_non_null(d);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        memset(d, 0, sizeof *d);
        for (int again = 0; again < 2; again++) {
            for (uint64_t k = 0; k < counts[i]; k++)
                distinct_add(d, attn_mix(k + 1000 * i));
            const double n = (double)distinct_count(d), most = 0.033 * (double)counts[i] + 1;
            if (n > (double)counts[i] + most || n < (double)counts[i] - most)
                fail_msg("%llu of %llu", (unsigned long long)n, (unsigned long long)counts[i]);
        }
    }
    free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows_without_a_key),
                                        cmocka_unit_test(test_numbers_past_f16), cmocka_unit_test(test_distinct) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
