/* planner_api_parts.c: relations, look-ups by name and number, and the guard that sees a plan beyond its device.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/planner/planner_api.h"

static void relations_are_what_they_are_called(void **state)
{
    (void)state;
    assert_true(attn_relation_holds(ATTN_REL_EQ, INT64_MIN, INT64_MIN));
    assert_false(attn_relation_holds(ATTN_REL_EQ, 1, 2));
    assert_true(attn_relation_holds(ATTN_REL_LE, 2, 2));
    assert_false(attn_relation_holds(ATTN_REL_LE, 3, 2));
    assert_true(attn_relation_holds(ATTN_REL_GE, 2, 2));
    assert_false(attn_relation_holds(ATTN_REL_GE, 1, 2));
    assert_true(attn_relation_holds(ATTN_REL_MEMBER, 0, 1));
    assert_true(attn_relation_holds(ATTN_REL_MEMBER, 62, INT64_C(1) << 62));
    assert_false(attn_relation_holds(ATTN_REL_MEMBER, 62, INT64_MAX >> 1));
    assert_false(attn_relation_holds(ATTN_REL_MEMBER, 63, -1));
    assert_false(attn_relation_holds(ATTN_REL_MEMBER, -1, -1));
    assert_false(attn_relation_holds(ATTN_REL_MEMBER, INT64_MIN, -1));
    assert_false(attn_relation_holds(ATTN_REL_MEMBER, INT64_MAX, -1));
    assert_false(attn_relation_holds(ATTN_REL_COUNT, 0, 0));
    assert_false(attn_relation_holds(-1, 0, 0));
}

static void kernels_types_and_head_sizes_are_found_by_name_and_number(void **state)
{
    (void)state;
    for (int i = 0; i < ATTN_KERNEL_COUNT; i++) {
        const struct attn_kernel *k = attn_kernel(i);
        assert_int_equal(attn_kernel_find(k->name), i);
        for (int a = 0; a < k->n_rules; a++)
            for (int b = 0; b < a; b++)
                assert_string_not_equal(k->rules[a].name, k->rules[b].name);
    }
    assert_string_equal(attn_kernel(ATTN_KERNEL_COUNT - 1)->name, "naive");
    assert_null(attn_kernel(-1));
    assert_null(attn_kernel(ATTN_KERNEL_COUNT));
    assert_int_equal(attn_kernel_find("nave"), -1);
    assert_null(attn_type_info(-1));
    assert_null(attn_type_info(ATTN_TYPE_COUNT));
    assert_int_equal(ATTN_HEAD_SIZE_COUNT, 14);
    for (int i = 1; i < ATTN_HEAD_SIZE_COUNT; i++) /* by size: the first that is large enough is the smallest */
        assert_true(attn_head_size(i)->d_k >= attn_head_size(i - 1)->d_k &&
                    attn_head_size(i)->d_v >= attn_head_size(i - 1)->d_v);
    for (int64_t d = 0; d < 700; d++)
        assert_int_equal(attn_head_size_known(d, d), d > 0 && d % 8 == 0 && d <= 576);
    assert_false(attn_head_size_known(INT64_MAX, INT64_MAX));
    assert_false(attn_head_size_known(88, 96));
    assert_true(attn_head_size_known(192, 128));
    assert_int_equal(attn_head_size_instance(88, 88, -1), attn_head_size_find(96, 96));
    assert_int_equal(attn_head_size_instance(160, 160, -1), attn_head_size_find(192, 192));
    assert_int_equal(attn_head_size_instance(568, 568, -1), attn_head_size_find(576, 576));
    assert_int_equal(attn_head_size_instance(96, 96, -1), attn_head_size_find(96, 96)); /* its own */
    assert_int_equal(attn_head_size_instance(96, 96, 1 << ATTN_HEAD_SIZE_128_128), ATTN_HEAD_SIZE_128_128);
    assert_int_equal(attn_head_size_instance(192, 128, 1 << ATTN_HEAD_SIZE_192_192), ATTN_HEAD_SIZE_192_192);
    assert_int_equal(attn_head_size_instance(576, 512, 1 << ATTN_HEAD_SIZE_512_512), -1);
    assert_int_equal(attn_head_size_instance(88, 88, 1 << ATTN_HEAD_SIZE_64_64), -1);
    assert_int_equal(attn_head_size_instance(88, 96, -1), -1);
    assert_null(attn_head_size(-1));
    assert_null(attn_head_size(ATTN_HEAD_SIZE_COUNT));
    assert_int_equal(attn_head_size_find(128, 192), -1);
    for (int64_t d_k = 1; d_k < 700; d_k += 13)
        for (int64_t d_v = 1; d_v < 700; d_v += 11) {
            int64_t operand = attn_head_size_operand(d_k, d_v);
            assert_true((operand >= 0) == (attn_head_size_find(d_k, d_v) >= 0));
            assert_int_equal(attn_head_size_pair(operand).d_k, d_k);
            assert_int_equal(attn_head_size_pair(operand).d_v, d_v);
        }
    assert_int_equal(attn_head_size_pair(attn_head_size_operand(INT64_MAX, 5)).d_k, INT32_MAX);
    assert_int_equal(attn_head_size_pair(attn_head_size_operand(5, INT64_MAX)).d_v, INT32_MAX);
}

/* What ggml has for each: ggml.h (enum ggml_type) and ggml-common.h (struct block_*). */
static void types_are_those_of_ggml(void **state)
{
    (void)state;
    static const struct {
        const char *name, *ggml_name;
        int number, elems, bytes;
    } types[] = {
        { "f32", "GGML_TYPE_F32", 0, 1, 4 },          { "f16", "GGML_TYPE_F16", 1, 1, 2 },
        { "bf16", "GGML_TYPE_BF16", 30, 1, 2 },       { "q8_0", "GGML_TYPE_Q8_0", 8, 32, 34 },
        { "q4_0", "GGML_TYPE_Q4_0", 2, 32, 18 },      { "q4_1", "GGML_TYPE_Q4_1", 3, 32, 20 },
        { "q5_0", "GGML_TYPE_Q5_0", 6, 32, 22 },      { "q5_1", "GGML_TYPE_Q5_1", 7, 32, 24 },
        { "iq4_nl", "GGML_TYPE_IQ4_NL", 20, 32, 18 },
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const struct attn_type_info *info = NULL;
        for (int t = 0; t < ATTN_TYPE_COUNT; t++)
            if (strcmp(attn_type_info(t)->name, types[i].name) == 0)
                info = attn_type_info(t);
        assert_non_null(info);
        assert_string_equal(info->ggml_name, types[i].ggml_name);
        assert_int_equal(info->ggml, types[i].number);
        assert_int_equal(info->block_elems, types[i].elems);
        assert_int_equal(info->block_bytes, types[i].bytes);
    }
}

/* attn_plan_check is a guard of its own: it must see a plan that was tampered with. */
static void a_plan_beyond_its_device_is_noticed(void **state)
{
    (void)state;
    struct attn_problem p =
        parse("fa1 q=f32[96,600,2,1] k=q4_0[96,1000,2,1] v=q8_0[96,1000,2,1] mask=f16[1000,600,1,1]");
    struct attn_key key;
    struct attn_plan good, bad;
    attn_key_of(&p, &key);
    assert_true(attn_plan_kernel(attn_device_find("sm_90"), &key, ATTN_KERNEL_tile, &good, NULL));
    assert_null(attn_plan_check(&good));
    assert_true(good.splits > 1 && good.scan && good.convert_k >= 0 && good.convert_v >= 0); /* every region is used */
#define SPOILT(change)                 \
    bad = good;                        \
    change;                            \
    if (attn_plan_check(&bad) == NULL) \
        fail_msg("not noticed: %s", #change);
    struct attn_launch *m = &bad.launch[ATTN_STEP_MAIN];
    SPOILT(bad.kernel = -1)
    SPOILT(bad.kernel = ATTN_KERNEL_COUNT)
    SPOILT(bad.steps &= ~(1u << ATTN_STEP_MAIN))
    SPOILT(bad.steps &= ~(1u << ATTN_STEP_COMBINE))
    SPOILT(bad.steps |= 1u << ATTN_STEP_COUNT)
    SPOILT(bad.splits = 0)
    SPOILT(bad.splits = 1)
    SPOILT(m->grid[0] = 0)
    SPOILT(m->grid[2] = 0)
    SPOILT(m->grid[1] = bad.device.max_grid[1] + 1)
    SPOILT(m->block[1] = 0)
    SPOILT(m->block[0] = 1025)
    SPOILT(m->block[1] = 1024)
    SPOILT(m->lds_static_bytes = (uint32_t)bad.device.lds_static_bytes + 1)
    SPOILT(m->lds_dynamic_bytes = (uint32_t)bad.device.lds_bytes - m->lds_static_bytes + 1)
    SPOILT(m->lds_dynamic_bytes = UINT32_MAX)
    SPOILT(bad.launch[ATTN_STEP_COMBINE].block[0] = 0)
    SPOILT(bad.workspace_bytes -= 256)
    SPOILT(bad.region_bytes[ATTN_REGION_K] += 256)
    SPOILT(bad.region_bytes[ATTN_REGION_META] = -1)
    SPOILT(bad.region_offset[ATTN_REGION_V] += 1)
    SPOILT(bad.region_offset[ATTN_REGION_V] = -256)
    SPOILT(bad.region_offset[ATTN_REGION_META] = INT64_MAX - 255)
    SPOILT(bad.region_offset[ATTN_REGION_PARTIAL] = bad.region_offset[ATTN_REGION_SCAN])
#undef SPOILT
    bad = good;
    m->lds_dynamic_bytes = (uint32_t)bad.device.lds_bytes - m->lds_static_bytes;
    assert_null(attn_plan_check(&bad)); /* the limits themselves are within the limits */
    uint64_t seed = 10;
    for (int i = 0; i < 200000; i++) { /* and any bits are judged without harm */
        bad = good;
        for (int n = 0; n < (i % 2 ? 3 : 200); n++)
            ((unsigned char *)&bad)[attn_random_below(&seed, sizeof bad)] = (unsigned char)attn_random(&seed);
        attn_plan_check(&bad);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relations_are_what_they_are_called),
        cmocka_unit_test(kernels_types_and_head_sizes_are_found_by_name_and_number),
        cmocka_unit_test(types_are_those_of_ggml),
        cmocka_unit_test(a_plan_beyond_its_device_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
