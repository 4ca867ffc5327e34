/* planner_api_tensor.c: the one tensor algebra, and equality and hash of problems, keys and plans; the one generator,
 * hash and arithmetic.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/planner/planner_api.h"

#include "planner/arith.h"
#include "planner/hash.h"

/* ---- Tensors --------------------------------------------------------------------------------------------- */

static void a_tensor_that_is_set_is_contiguous_at_the_start_of_its_own_buffer(void **state)
{
    (void)state;
    const struct attn_tensor want = { { 64, 3, 5, 7 }, { 34, 68, 204, 1020 }, 0, ATTN_Q8_0, 0, 1, NULL };
    struct attn_tensor t;
    memset(&t, '#', sizeof t);
    attn_tensor_set(&t, ATTN_Q8_0, 64, 3, 5, 7);
    assert_true(attn_tensor_equal(&t, &want));
    assert_int_equal(t.nb[0], 34);
    assert_true(attn_tensor_is_contiguous(&t) && attn_tensor_has_default_strides(&t));
    assert_int_equal(attn_tensor_span(&t), 7 * 1020);
    assert_int_equal(attn_row_bytes(ATTN_Q8_0, 64), 68);
    assert_int_equal(attn_row_bytes(ATTN_F32, INT64_MAX), INT64_MAX);
}

static void strides_of_extent_one_are_not_looked_at_but_written(void **state)
{
    (void)state;
    struct attn_tensor t;
    attn_tensor_set(&t, ATTN_F16, 8, 1, 5, 1);
    t.nb[1] = 2;
    t.nb[3] = INT64_MIN;
    assert_true(attn_tensor_is_contiguous(&t));
    assert_false(attn_tensor_has_default_strides(&t));
    t.nb[2] = 18;
    assert_false(attn_tensor_is_contiguous(&t));
    t.type = ATTN_TYPE_COUNT;
    assert_false(attn_tensor_has_default_strides(&t));
    t.nb[1] = t.nb[2] = t.nb[3] = 0;
    assert_true(attn_tensor_has_default_strides(&t));
}

static void dimensions_are_ordered_by_stride_and_then_by_number(void **state)
{
    (void)state;
    for (int n = 0; n < 27; n++) {
        const struct attn_tensor t = { .nb = { 2, n % 3 - 1, n / 3 % 3 - 1, n / 9 - 1 } };
        int order[3];
        attn_tensor_order(&t, order);
        assert_int_equal(1 << order[0] | 1 << order[1] | 1 << order[2], 14);
        for (int i = 1; i < 3; i++) {
            const int64_t before = t.nb[order[i - 1]], here = t.nb[order[i]];
            assert_true(before < here || (before == here && order[i - 1] < order[i]));
        }
    }
}

/* ---- Equality and hash ----------------------------------------------------------------------------------- */

/* One thing of the problem is another, or, now and then, nothing is. */
static void change_one_thing(uint64_t *seed, struct attn_problem *p)
{
    struct attn_tensor *t = &p->t[attn_random_below(seed, ATTN_OPERAND_COUNT)];
    const int d = (int)attn_random_below(seed, 4);
    switch (attn_random_below(seed, 10)) {
    case 0: t->ne[d]++; break;
    case 1: t->nb[d] += d > 0; break; /* nb[0] has no text */
    case 2: t->offset ^= 64; break;
    case 3: t->buffer ^= 1; break;
    case 4: p->t[d % 2 ? ATTN_MASK : ATTN_SINKS].present ^= 1; break; /* without the others it is no problem */
    case 5: t->type = (uint8_t)attn_random_below(seed, ATTN_TYPE_COUNT); break;
    case 6: *(d == 0 ? &p->scale : d == 1 ? &p->softcap : &p->max_bias) *= -1.0f; break;
    case 7: p->head_first++; break;
    case 8: p->head_total++; break;
    default: break;
    }
}

static void equal_problems_are_those_of_one_line_and_have_one_hash(void **state)
{
    (void)state;
    uint64_t seed = 1;
    int equal = 0;
    for (int i = 0; i < 100000; i++) {
        struct attn_problem a, b;
        char line_a[ATTN_LINE_MAX], line_b[ATTN_LINE_MAX];
        random_legal(&seed, true, &a);
        b = a;
        for (uint64_t n = attn_random_below(&seed, 3); n > 0; n--)
            change_one_thing(&seed, &b);
        attn_problem_print(&a, line_a, sizeof line_a);
        attn_problem_print(&b, line_b, sizeof line_b);
        const bool same = strcmp(line_a, line_b) == 0;
        if (attn_problem_equal(&a, &b) != same || attn_problem_equal(&b, &a) != same ||
            (attn_problem_hash(&a) == attn_problem_hash(&b)) != same)
            fail_msg("%s\n%s", line_a, line_b);
        equal += same;
    }
    assert_in_range(equal, 30000, 70000);
}

static void every_field_of_a_key_and_a_plan_counts(void **state)
{
    (void)state;
    const struct attn_problem p =
        parse("fa1 q=f32[96,600,4,1] k=q4_0[96,1000,4,1] v=q8_0[96,1000,4,1] mask=f16[1000,600,1,1]");
    struct attn_plan plan, other;
    attn_plan(attn_device_find("gfx942"), &p, &plan, NULL);
    other = plan;
    assert_true(attn_plan_equal(&plan, &other));
    size_t ignored = 0;
    for (size_t i = 0; i < sizeof plan; i++) {
        const bool device = i >= offsetof(struct attn_plan, device) && i < offsetof(struct attn_plan, key);
        ((unsigned char *)&other)[i] ^= 1;
        ignored += !device && attn_plan_equal(&plan, &other);
        ((unsigned char *)&other)[i] ^= 1;
    }
    assert_in_range(ignored, 0, 6); /* padding */
    other.device.name[4]++;
    assert_false(attn_plan_equal(&plan, &other));

    struct attn_key key = plan.key;
    assert_true(attn_key_equal(&key, &plan.key));
    for (size_t i = 0; i < offsetof(struct attn_key, reserved); i++) {
        ((unsigned char *)&key)[i] ^= 1;
        assert_false(attn_key_equal(&key, &plan.key));
        assert_true(attn_key_hash(&key) != attn_key_hash(&plan.key));
        ((unsigned char *)&key)[i] ^= 1;
    }
    assert_true(attn_key_hash(&key) == attn_key_hash(&plan.key));
}

/* ---- What all of it is made of --------------------------------------------------------------------------- */

static void numbers_and_hashes_are_the_published_ones(void **state)
{
    (void)state;
    uint64_t seed = 1234567; /* as Vigna's splitmix64.c gives them */
    assert_true(attn_random(&seed) == UINT64_C(6457827717110365317));
    assert_true(attn_random(&seed) == UINT64_C(3203168211198807973));
    assert_true(attn_random(&seed) == UINT64_C(9817491932198370423));
    /* RFC 9923's test vectors of FNV-1a, 64 bits */
    assert_true(attn_hash(ATTN_HASH_START, "", 0) == UINT64_C(0xcbf29ce484222325));
    assert_true(attn_hash(ATTN_HASH_START, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(attn_hash_text(ATTN_HASH_START, "foobar") == UINT64_C(0x85944171f73967e8));
    assert_true(attn_hash_u64(attn_hash_u64(1, 2), 3) != attn_hash_u64(attn_hash_u64(1, 3), 2));
}

static void random_numbers_are_below_their_limit_and_reach_it(void **state)
{
    (void)state;
    static const uint64_t limits[] = { 1, 2, 7, UINT32_MAX, UINT64_C(1) << 32, UINT64_C(1) << 63, UINT64_MAX };
    uint64_t seed = 2;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        uint64_t most = 0;
        for (int n = 0; n < 1000; n++) {
            const uint64_t x = attn_random_below(&seed, limits[i]);
            assert_true(x < limits[i]);
            most = x > most ? x : most;
        }
        assert_true(most >= limits[i] - 1 - limits[i] / 100);
    }
}

static void arithmetic_saturates(void **state)
{
    (void)state;
    const int64_t max = INT64_MAX;
    int64_t out;
    assert_true(attn_mul(INT64_C(3037000499), INT64_C(3037000499), &out) && out == INT64_C(9223372030926249001));
    assert_false(attn_mul(INT64_C(3037000500), INT64_C(3037000500), &out) || out != max);
    assert_true(attn_add(max - 1, 1, &out) && out == max);
    assert_false(attn_add(max, 1, &out) || out != max);
    assert_int_equal(attn_mul_sat(max, 0), 0);
    assert_int_equal(attn_mul_sat(max, 2), max);
    assert_int_equal(attn_add_sat(max, max), max);
    assert_int_equal(attn_ceil_div(max, 2), max / 2 + 1);
    assert_int_equal(attn_round_up(0, 8), 0);
    assert_int_equal(attn_round_up(9, 8), 16);
    assert_int_equal(attn_round_up(max - 7, 8), max - 7);
    assert_int_equal(attn_round_up(max, 8), max);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tensor_that_is_set_is_contiguous_at_the_start_of_its_own_buffer),
        cmocka_unit_test(strides_of_extent_one_are_not_looked_at_but_written),
        cmocka_unit_test(dimensions_are_ordered_by_stride_and_then_by_number),
        cmocka_unit_test(equal_problems_are_those_of_one_line_and_have_one_hash),
        cmocka_unit_test(every_field_of_a_key_and_a_plan_counts),
        cmocka_unit_test(numbers_and_hashes_are_the_published_ones),
        cmocka_unit_test(random_numbers_are_below_their_limit_and_reach_it),
        cmocka_unit_test(arithmetic_saturates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
