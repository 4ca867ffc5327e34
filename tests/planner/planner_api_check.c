/* planner_api_check.c: attn_problem_check says legal exactly for legal problems, and of an illegal one it names a
 * broken rule with the values that broke it. Each rule has a problem that breaks it by one and a near miss that
 * does not. planner_api_judge.c has random ones.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/planner/planner_api.h"

/* ---- Off by one ------------------------------------------------------------------------------------------ */

#define Q " q=f32[64,3,8,2]"
#define K " k=f16[64,7,4,2]"
#define V " v=f16[32,7,4,2]"
#define M " mask=f16[7,3,8,2]"
#define BASE "fa1" Q K V M " sinks"

struct near_miss {
    const char *legal, *illegal;
    struct attn_error error;
};

static const struct near_miss near_misses[] = {
    { BASE, "fa1 q=f32[64,0,8,2]" K V M, { ATTN_E_EXTENT, ATTN_Q, 1, 0, 0 } },
    { BASE, "fa1" Q K V " mask=f16[7,3,8,0]", { ATTN_E_EXTENT, ATTN_MASK, 3, 0, 0 } },
    { BASE, "fa1" Q " k=f16[64,-1,4,2]" V, { ATTN_E_EXTENT, ATTN_K, 1, -1, 0 } },
    { BASE, "fa1" Q K V " dst=f32[0,8,3,2]", { ATTN_E_EXTENT, ATTN_DST, 0, 0, 0 } },
    { BASE, "fa1 q=f16[64,3,8,2]" K V, { ATTN_E_TYPE, ATTN_Q, 0, ATTN_F16, 0 } },
    { BASE, "fa1" Q K V " mask=f32[7,3,8,2]", { ATTN_E_TYPE, ATTN_MASK, 0, ATTN_F32, 0 } },
    { BASE, "fa1" Q K V " sinks=f16[8,1,1,1]", { ATTN_E_TYPE, ATTN_SINKS, 0, ATTN_F16, 0 } },
    { BASE, "fa1" Q K V " dst=bf16[32,8,3,2]", { ATTN_E_TYPE, ATTN_DST, 0, ATTN_BF16, 0 } },
    { BASE, "fa1" Q " k=f16[65,7,4,2]" V, { ATTN_E_D_K, ATTN_K, 0, 65, 64 } },
    { BASE, "fa1" Q K " v=f16[32,8,4,2]", { ATTN_E_N_KV, ATTN_V, 1, 8, 7 } },
    { BASE, "fa1" Q K " v=f16[32,7,5,2]", { ATTN_E_N_HEAD_KV, ATTN_V, 2, 5, 4 } },
    { BASE, "fa1" Q " k=f16[64,7,4,1]" V, { ATTN_E_N_SEQ, ATTN_K, 3, 1, 2 } },
    { BASE, "fa1" Q K " v=f16[32,7,4,3]", { ATTN_E_N_SEQ, ATTN_V, 3, 3, 2 } },
    { BASE, "fa1" Q " k=f16[64,7,3,2] v=f16[32,7,3,2]", { ATTN_E_GQA, ATTN_Q, 2, 8, 3 } },
    { "fa1" Q " k=f16[64,7,8,2] v=f16[32,7,8,2]",
      "fa1" Q " k=f16[64,7,9,2] v=f16[32,7,9,2]",
      { ATTN_E_GQA, ATTN_Q, 2, 8, 9 } },
    { BASE, "fa1" Q K V " mask=f16[6,3,8,2]", { ATTN_E_MASK_KV, ATTN_MASK, 0, 6, 7 } },
    { BASE, "fa1" Q K V " mask=f16[7,2,8,2]", { ATTN_E_MASK_Q, ATTN_MASK, 1, 2, 3 } },
    { "fa1" Q K V " mask=f16[8,4,4,1]", "fa1" Q K V " mask=f16[8,4,5,1]", { ATTN_E_MASK_HEADS, ATTN_MASK, 2, 5, 8 } },
    { BASE, "fa1" Q K V " mask=f16[7,3,16,2]", { ATTN_E_MASK_HEADS, ATTN_MASK, 2, 16, 8 } },
    { BASE, "fa1" Q K V " mask=f16[7,3,8,3]", { ATTN_E_MASK_SEQ, ATTN_MASK, 3, 3, 2 } },
    { BASE, "fa1" Q K V " sinks=f32[7,1,1,1]", { ATTN_E_SINKS_SHAPE, ATTN_SINKS, 0, 7, 8 } },
    { BASE, "fa1" Q K V " sinks=f32[8,1,2,1]", { ATTN_E_SINKS_SHAPE, ATTN_SINKS, 2, 2, 1 } },
    { "fa1" Q K V " dst=f32[32,8,3,2]", "fa1" Q K V " dst=f32[33,8,3,2]", { ATTN_E_DST_SHAPE, ATTN_DST, 0, 33, 32 } },
    { "fa1" Q K V " dst=f32[32,8,3,2]", "fa1" Q K V " dst=f32[32,3,8,2]", { ATTN_E_DST_SHAPE, ATTN_DST, 1, 3, 8 } },
    { "fa1" Q " k=q4_0[64,7,4,2]" V, "fa1 q=f32[63,3,8,2] k=q4_0[63,7,4,2]" V, { ATTN_E_BLOCK, ATTN_K, 0, 63, 32 } },
    { "fa1" Q K " v=q8_0[32,7,4,2]", "fa1" Q K " v=q8_0[31,7,4,2]", { ATTN_E_BLOCK, ATTN_V, 0, 31, 32 } },
    { "fa1" Q K "+2" V, "fa1" Q K "+1" V, { ATTN_E_OFFSET, ATTN_K, 0, 1, 2 } },
    { "fa1" Q K " v=q5_0[32,7,4,2]+22", "fa1" Q K " v=q5_0[32,7,4,2]+20", { ATTN_E_OFFSET, ATTN_V, 0, 20, 22 } },
    { "fa1" Q K V " mask=f16[7,3,8,2]+2", "fa1" Q K V " mask=f16[7,3,8,2]+-2", { ATTN_E_OFFSET, ATTN_MASK, 0, -2, 2 } },
    { "fa1" Q K ":128,896,3586" V, "fa1" Q K ":128,896,3585" V, { ATTN_E_STRIDE, ATTN_K, 3, 3585, 2 } },
    { "fa1" Q K " v=q8_0[32,7,4,2]:34,238,952",
      "fa1" Q K " v=q8_0[32,7,4,2]:36,238,952",
      { ATTN_E_STRIDE, ATTN_V, 1, 36, 34 } },
    { "fa1" Q ":256,768,0" K V, "fa1" Q ":256,768,-4" K V, { ATTN_E_STRIDE, ATTN_Q, 3, -4, 4 } },
    { "fa1" Q ":0,0,0" K ":0,0,0" V ":0,0,0" M ":0,0,0",
      "fa1" Q K V " dst=f32[32,8,3,2]:128,0,3072",
      { ATTN_E_BROADCAST, ATTN_DST, 2, 0, 0 } },
    { "fa1" Q K V " dst=f32[32,8,3,2]:128,1024,3072",
      "fa1" Q K V " dst=f32[32,8,3,2]:128,1024,3068",
      { ATTN_E_OVERLAP, ATTN_DST, 3, 3068, 3072 } },
    { "fa1" Q K ":128,896,3584" V, "fa1" Q K ":126,896,3584" V, { ATTN_E_OVERLAP, ATTN_K, 1, 126, 128 } },
    { "fa1" Q K ":512,128,3584" V, "fa1" Q K ":510,128,3584" V, { ATTN_E_OVERLAP, ATTN_K, 1, 510, 512 } },
    /* a gap at each row's end may hold another dimension: rows of 128 at 0, 256, ..., the second head between them */
    { "fa1" Q " k=f16[64,7,2,2]:256,128,1792 v=f16[32,7,2,2]",
      "fa1" Q " k=f16[64,7,2,2]:254,128,1792 v=f16[32,7,2,2]",
      { ATTN_E_OVERLAP, ATTN_K, 1, 254, 256 } },
    /* 2^61 f32 are 2^63 bytes: one too many */
    { "fa1 q=f32[1,2305843009213693951,1,1]:4,0,0 k=f16[1,1,1,1] v=f16[1,1,1,1] "
      "dst=f32[1,1,2305843009213693951,1]:0,4,0",
      "fa1 q=f32[1,2305843009213693952,1,1]:4,0,0 k=f16[1,1,1,1] v=f16[1,1,1,1] "
      "dst=f32[1,1,2305843009213693952,1]:0,4,0",
      { ATTN_E_OVERFLOW, ATTN_Q, 1, INT64_C(2305843009213693952), 4 } },
    { "fa1 q=f32[2305843009213693951,1,1,1] k=f16[2305843009213693951,1,1,1] v=f16[1,1,1,1]",
      "fa1 q=f32[2305843009213693952,1,1,1] k=f16[2305843009213693952,1,1,1] v=f16[1,1,1,1]",
      { ATTN_E_OVERFLOW, ATTN_Q, 0, INT64_C(2305843009213693952), 4 } },
    { "fa1 q=f32[1,1,1,1] k=f16[1,1,1,1] v=f16[1,1,1,1]+9223372036854775804",
      "fa1 q=f32[1,1,1,1] k=f16[1,1,1,1] v=f16[1,1,1,1]+9223372036854775806",
      { ATTN_E_OVERFLOW, ATTN_V, 0, INT64_C(9223372036854775806), 2 } },
    /* q has 2304 floats in all, dst as many bytes at its end */
    { "fa1 q=f32[64,3,4,1]@a k=f16[64,7,4,1] v=f16[64,7,4,1] dst=f32[64,4,3,1]@a+3072",
      "fa1 q=f32[64,3,4,1]@a k=f16[64,7,4,1] v=f16[64,7,4,1] dst=f32[64,4,3,1]@a+3068",
      { ATTN_E_ALIAS_DST, ATTN_Q, 0, 3068, 3072 } },
    { "fa1 q=f32[64,3,4,1] k=f16[64,7,4,1] v=f16[64,7,4,1]@b dst=f32[64,4,3,1]@a",
      "fa1 q=f32[64,3,4,1] k=f16[64,7,4,1] v=f16[64,7,4,1]@a dst=f32[64,4,3,1]@a",
      { ATTN_E_ALIAS_DST, ATTN_V, 0, 0, 3072 } },
    { "fa1 q=f32[64,3,4,1]@a k=f16[64,7,4,1]@a+3072 v=f16[64,7,4,1]@a+3072",
      "fa1 q=f32[64,3,4,1]@a k=f16[64,7,4,1]@a+3070 v=f16[64,7,4,1]@a+3072",
      { ATTN_E_ALIAS_INPUT, ATTN_K, 0, 3070, 3072 } },
    { "fa1 q=f32[64,3,4,1]@a k=f32[64,7,4,1]@a v=f32[64,7,4,1]@a+256 mask=f16[7,3,1,1]@b",
      "fa1 q=f32[64,3,4,1]@a k=f32[64,7,4,1]@a v=bf16[64,7,4,1]@a mask=f16[7,3,1,1]@b",
      { ATTN_E_ALIAS_INPUT, ATTN_V, 0, 0, 3072 } },
    { "fa1 q=f32[64,3,4,1] k=f16[64,7,4,1]@c v=f16[64,7,4,1] mask=f16[7,3,1,1]@c+3584",
      "fa1 q=f32[64,3,4,1] k=f16[64,7,4,1]@c v=f16[64,7,4,1] mask=f16[7,3,1,1]@c+3582",
      { ATTN_E_ALIAS_INPUT, ATTN_MASK, 0, 3582, 3584 } },
    { BASE " scale=3.4028235e38", BASE " scale=inf", { ATTN_E_SCALE, 0, 0, 0, 0 } },
    { BASE " scale=-1", BASE " scale=nan", { ATTN_E_SCALE, 0, 0, 0, 0 } },
    { BASE " softcap=-0", BASE " softcap=-1e-45", { ATTN_E_SOFTCAP, 0, 0, 0, 0 } },
    { BASE " softcap=1e-45", BASE " softcap=inf", { ATTN_E_SOFTCAP, 0, 0, 0, 0 } },
    { BASE " max_bias=1e-45", BASE " max_bias=-1e-45", { ATTN_E_MAX_BIAS, 0, 0, 0, 0 } },
    { BASE " max_bias=-0", BASE " max_bias=nan", { ATTN_E_MAX_BIAS, 0, 0, 0, 0 } },
    { "fa1" Q K V " max_bias=0", "fa1" Q K V " max_bias=1e-45", { ATTN_E_MAX_BIAS_MASK, ATTN_MASK, 0, 0, 0 } },
    { BASE " heads=4/12", BASE " heads=4/11", { ATTN_E_HEADS, 0, 0, 4, 11 } },
    { BASE " heads=0/8", BASE " heads=-1/8", { ATTN_E_HEADS, 0, 0, -1, 8 } },
    { BASE " heads=9223372036854775799/9223372036854775807",
      BASE " heads=9223372036854775800/9223372036854775807",
      { ATTN_E_HEADS, 0, 0, INT64_C(9223372036854775800), INT64_MAX } },
};

static bool names_operand(int code)
{
    return code != ATTN_E_SCALE && code != ATTN_E_SOFTCAP && code != ATTN_E_MAX_BIAS && code != ATTN_E_HEADS &&
           code != ATTN_E_GQA && code != ATTN_E_PREC;
}

static void check_one(const struct attn_problem *p, const struct attn_error *want, const char *line)
{
    struct attn_error got;
    char got_text[256], want_text[256];
    memset(&got, '#', sizeof got);
    assert_int_equal(attn_problem_check(p, NULL), attn_problem_check(p, &got));
    attn_error_text(&got, got_text, sizeof got_text);
    attn_error_text(want, want_text, sizeof want_text);
    if (got.code != want->code || strcmp(got_text, want_text) != 0 ||
        (names_operand(want->code) && got.operand != want->operand))
        fail_msg("%s\nwanted %s\ngot    %s", line, want_text, got_text);
}

static void each_rule_has_a_legal_neighbour_and_an_illegal_one(void **state)
{
    (void)state;
    const struct attn_error legal = { ATTN_E_OK, 0, 0, 0, 0 };
    uint64_t seen = 0;
    for (size_t i = 0; i < sizeof near_misses / sizeof near_misses[0]; i++) {
        struct attn_problem good = parse(near_misses[i].legal), bad = parse(near_misses[i].illegal);
        check_one(&good, &legal, near_misses[i].legal);
        check_one(&bad, &near_misses[i].error, near_misses[i].illegal);
        seen |= UINT64_C(1) << near_misses[i].error.code;
    }
    /* What a line cannot say. */
    struct attn_problem p = parse(BASE), base = p;
    static const int needed[] = { ATTN_Q, ATTN_K, ATTN_V, ATTN_DST };
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        p = base;
        p.t[needed[i]].present = 0;
        check_one(&p, &(struct attn_error){ ATTN_E_ABSENT, needed[i], 0, 0, 0 }, BASE);
    }
    p = base;
    p.t[ATTN_K].buffer = 26;
    check_one(&p, &legal, BASE);
    p.t[ATTN_K].buffer = 27;
    check_one(&p, &(struct attn_error){ ATTN_E_BUFFER, ATTN_K, 0, 27, 0 }, BASE);
    for (int delta = -1; delta <= 1; delta += 2) {
        p = base;
        p.t[ATTN_V].nb[0] += delta;
        check_one(&p, &(struct attn_error){ ATTN_E_ROW_DENSE, ATTN_V, 0, 2 + delta, 2 }, BASE);
    }
    p = base;
    p.t[ATTN_V].type = ATTN_TYPE_COUNT;
    check_one(&p, &(struct attn_error){ ATTN_E_TYPE, ATTN_V, 0, ATTN_TYPE_COUNT, 0 }, BASE);
    p = base;
    p.n_kv_max = INT32_MAX;
    check_one(&p, &legal, BASE);
    p.n_kv_max = -1;
    check_one(&p, &(struct attn_error){ ATTN_E_N_KV_MAX, ATTN_MASK, 0, -1, 0 }, BASE);
    p = base;
    p.prec = ATTN_PREC_F32;
    check_one(&p, &legal, BASE);
    p.prec = ATTN_PREC_F32 + 1;
    check_one(&p, &(struct attn_error){ ATTN_E_PREC, 0, 0, ATTN_PREC_F32 + 1, 0 }, BASE);
    seen |= UINT64_C(1) << ATTN_E_N_KV_MAX | UINT64_C(1) << ATTN_E_PREC | UINT64_C(1) << ATTN_E_ABSENT |
            UINT64_C(1) << ATTN_E_BUFFER | UINT64_C(1) << ATTN_E_ROW_DENSE | UINT64_C(1) << ATTN_E_OK;
    assert_int_equal(seen, (UINT64_C(1) << ATTN_ERROR_COUNT) - 1); /* no rule was left out */
}

/* What absent tensors hold does not matter. */
static void absent_tensors_are_not_looked_at(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 1000; i++) {
        struct attn_problem p = parse("fa1" Q K V);
        for (int o = ATTN_MASK; o <= ATTN_SINKS; o++) {
            for (size_t j = 0; j < sizeof p.t[o]; j++)
                ((unsigned char *)&p.t[o])[j] = (unsigned char)attn_random(&seed);
            p.t[o].present = 0;
        }
        assert_int_equal(attn_problem_check(&p, NULL), ATTN_E_OK);
    }
}

static void work_saturates_instead_of_wrapping(void **state)
{
    (void)state;
    struct attn_problem p = parse("fa1 q=f32[64,3,8,2] k=f16[64,7,4,2] v=f16[32,7,4,2]");
    assert_int_equal(attn_problem_work(&p), 3 * 7 * 8 * 2 * 96);
    p = parse("fa1 q=f32[1,2147483648,1,1] k=f16[1,2147483647,1,1] v=f16[1,2147483647,1,1]");
    assert_int_equal(attn_problem_work(&p), INT64_C(2147483648) * 2147483647 * 2);
    p = parse("fa1 q=f32[1,2147483648,1,1] k=f16[1,2147483648,1,1] v=f16[1,2147483648,1,1]");
    assert_int_equal(attn_problem_work(&p), INT64_MAX); /* 2^63 exactly */
    p = parse("fa1 q=f32[1,1,1,1] k=f16[1,9223372036854775807,1,1]:0,0,0 v=f16[1,9223372036854775807,1,1]:0,0,0");
    assert_int_equal(attn_problem_check(&p, NULL), ATTN_E_OK);
    assert_int_equal(attn_problem_work(&p), INT64_MAX);
}

/* ALiBi's slopes of the published head counts (Press et al., "Train Short, Test Long", and its code): for 8 heads
 * 2^-1 .. 2^-8; for 12 the eight, then 2^-0.5, 2^-1.5, 2^-2.5, 2^-3.5. */
static void alibi_exponents_are_the_published_ones(void **state)
{
    (void)state;
    struct attn_problem p = parse("fa1 q=f32[64,1,8,1] k=f16[64,1,8,1] v=f16[64,1,8,1] mask=f16[1,1,1,1] max_bias=8");
    for (int h = 0; h < 8; h++)
        assert_true(attn_alibi_exponent(&p, h) == h + 1.0);
    p.head_total = 12;
    for (int h = 0; h < 12; h++)
        assert_true(attn_alibi_exponent(&p, h) == (h < 8 ? h + 1.0 : h - 8 + 0.5));
    p.head_total = 1;
    assert_true(attn_alibi_exponent(&p, 0) == 8.0);
    p.head_total = 71; /* Falcon-7B: n is 64 */
    assert_true(attn_alibi_exponent(&p, 63) == 8.0);
    assert_true(attn_alibi_exponent(&p, 64) == 8.0 / 128);
    assert_true(attn_alibi_exponent(&p, 70) == 8.0 * 13 / 128);
    p.head_total = INT64_MAX;
    assert_true(attn_alibi_exponent(&p, 0) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_has_a_legal_neighbour_and_an_illegal_one),
        cmocka_unit_test(absent_tensors_are_not_looked_at),
        cmocka_unit_test(work_saturates_instead_of_wrapping),
        cmocka_unit_test(alibi_exponents_are_the_published_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
