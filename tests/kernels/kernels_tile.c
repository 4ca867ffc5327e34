/* tile against the reference on the checked executor: every known head size, type, mask, layout and modifier, both
 * instances of each head size, splits, scanned and converted plans, on devices of both wave sizes.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/kernels/kernels_common.h"

static const char *const devices[] = { "gfx1100", "gfx942" };

static struct kernel_case simple(int size)
{
    const struct attn_head_size *s = attn_head_size(size);
    return kernel_simple(s->d_k, s->d_v, 5, 70, 2, 2);
}

static int index_of(int64_t d_k, int64_t d_v)
{
    int index = attn_head_size_find(d_k, d_v);
    assert_true(index >= 0);
    return index;
}

static void check(const struct kernel_case *c, void (*change)(struct attn_plan *))
{
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
        kernel_check(c, devices[i], ATTN_KERNEL_tile, change);
}

static void use_four_columns(struct attn_plan *plan)
{
    struct attn_device small = plan->device;
    small.lds_bytes = small.lds_static_bytes = 20 << 10;
    struct attn_plan other;
    assert_true(attn_plan_kernel(&small, &plan->key, ATTN_KERNEL_tile, &other, NULL));
    assert_int_equal(other.columns, 4);
    *plan = other;
}

static void add_conversions(struct attn_plan *plan)
{
    const struct attn_key *k = &plan->key;
    if (plan->convert_k < 0 && attn_type_info(k->type_k)->block_elems > 1) {
        plan->convert_k = plan->arithmetic.k_type = ATTN_F16;
        plan->load_k = 16;
        kernel_region(plan, ATTN_REGION_K, 2 * k->d_k * k->k_copy[0] * k->k_copy[1] * k->k_copy[2]);
        kernel_launch(plan, ATTN_STEP_CONVERT_K, 2, 256);
    }
    if (plan->convert_v < 0 && attn_type_info(k->type_v)->block_elems > 1) {
        plan->convert_v = plan->arithmetic.v_type = ATTN_F16;
        plan->load_v = 16;
        kernel_region(plan, ATTN_REGION_V, 2 * k->d_v * k->v_copy[0] * k->v_copy[1] * k->v_copy[2]);
        kernel_launch(plan, ATTN_STEP_CONVERT_V, 3, 256);
    }
}

static void every_head_size_has_both_instances(void **state)
{
    (void)state;
    for (int i = 0; i < ATTN_HEAD_SIZE_COUNT; i++) {
        struct kernel_case c = simple(i);
        c.seed = (uint64_t)i;
        check(&c, NULL);
        check(&c, use_four_columns);
    }
}

static void every_pair_of_types_is_read(void **state)
{
    (void)state;
    for (int k = 0; k < ATTN_TYPE_COUNT; k++)
        for (int v = 0; v < ATTN_TYPE_COUNT; v++) {
            struct kernel_case c = simple(index_of(64, 64));
            c.type_k = k;
            c.type_v = v;
            c.n_q = 3;
            c.seed = (uint64_t)(k * 8 + v);
            c.layout = (enum kernel_layout)((k + v) % 3);
            kernel_check(&c, devices[v % 2], ATTN_KERNEL_tile, NULL);
        }
}

/* Blocks of 32 elements, three and eighteen of them a row. */
static void quantised_rows_of_many_blocks_are_read(void **state)
{
    (void)state;
    static const int sizes[][2] = { { 96, 96 }, { 576, 512 } };
    for (int i = 0; i < 2; i++)
        for (int type = ATTN_Q8_0; type < ATTN_TYPE_COUNT; type++) {
            struct kernel_case c = simple(index_of(sizes[i][0], sizes[i][1]));
            c.type_k = c.type_v = type;
            c.n_head_kv = 1;
            kernel_check(&c, devices[i], ATTN_KERNEL_tile, NULL);
        }
}

static void every_mask_on_every_layout(void **state)
{
    (void)state;
    for (int mask = 0; mask < KERNEL_MASK_COUNT; mask++)
        for (int layout = 0; layout < KERNEL_LAYOUT_COUNT; layout++) {
            struct kernel_case c = simple(index_of(72, 72));
            kernel_put_mask_on_layout(&c, mask, layout, 9, 150);
            c.type_k = layout == KERNEL_GAPS ? ATTN_BF16 : ATTN_F16;
            c.type_v = layout == KERNEL_V_OF_K ? c.type_k : ATTN_F32;
            kernel_check(&c, devices[layout % 2], ATTN_KERNEL_tile, NULL);
        }
}

static void every_gqa_ratio_packs(void **state)
{
    (void)state;
    for (int64_t gqa = 1; gqa <= 18; gqa++) {
        struct kernel_case c = simple(index_of(40, 40));
        kernel_put_ratio(&c, gqa);
        kernel_check(&c, devices[gqa % 2], ATTN_KERNEL_tile, gqa % 5 == 0 ? use_four_columns : NULL);
    }
}

static void softcap_alibi_and_sinks_in_every_combination(void **state)
{
    (void)state;
    for (int bits = 0; bits < 32; bits++) {
        struct kernel_case c = simple(index_of(80, 80));
        kernel_put_modifiers(&c, bits);
        kernel_check(&c, devices[bits & 1], ATTN_KERNEL_tile, bits & 16 ? kernel_split_in_two : NULL);
    }
}

static void every_length_of_the_last_tile(void **state)
{
    (void)state;
    static const int64_t lengths[] = {
        1, 2, 3, 4, 5, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 127, 128, 129, 193
    };
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct kernel_case c = simple(index_of(112, 112));
        c.n_kv = lengths[i];
        c.n_q = 1 + (int64_t)i % 19;
        c.mask = KERNEL_MASK_ABSENT;
        c.data = KERNEL_DATA_NEGATIVE;
        c.seed = i;
        kernel_check(&c, devices[i % 2], ATTN_KERNEL_tile, i % 3 ? NULL : use_four_columns);
    }
}

static void splits_merge_also_when_parts_are_empty_or_masked(void **state)
{
    (void)state;
    for (int mask = 0; mask < KERNEL_MASK_COUNT; mask++)
        for (int sinks = 0; sinks < 2; sinks++) {
            struct kernel_case c = simple(index_of(192, 128));
            c.mask = (enum kernel_mask)mask;
            c.sinks = sinks;
            c.n_kv = 200;
            c.data = KERNEL_DATA_RISING;
            check(&c, kernel_split_in_two);
            check(&c, kernel_split_in_seven);
        }
}

static void scanned_plans_skip_only_masked_tiles(void **state)
{
    (void)state;
    for (int mask = KERNEL_MASK_CAUSAL; mask < KERNEL_MASK_COUNT; mask++)
        for (int plane = 0; plane < 4; plane++) {
            struct kernel_case c = simple(index_of(40, 40));
            kernel_put_planes(&c, mask, plane);
            kernel_check(&c, devices[plane & 1], ATTN_KERNEL_tile,
                         plane & 2 ? kernel_add_scan_and_splits : kernel_add_scan);
        }
}

static void converted_copies_honour_strides_heads_and_sequences(void **state)
{
    (void)state;
    for (int layout = 0; layout < KERNEL_LAYOUT_COUNT; layout++)
        for (int type = ATTN_Q8_0; type < ATTN_TYPE_COUNT; type++) {
            struct kernel_case c = simple(index_of(64, 64));
            c.layout = (enum kernel_layout)layout;
            c.type_k = type;
            c.type_v = layout == KERNEL_V_OF_K ? type : ATTN_Q8_0 + (type + 1) % 5;
            c.n_seq = 3;
            c.n_head = 4;
            c.mask = KERNEL_MASK_LATE;
            kernel_check(&c, devices[type % 2], ATTN_KERNEL_tile, add_conversions);
        }
}

static void values_outside_f16_pass(void **state)
{
    (void)state;
    static const int types[] = { ATTN_F32, ATTN_BF16 };
    for (int i = 0; i < 4; i++) {
        struct kernel_case c = simple(index_of(128, 128));
        c.type_k = types[i & 1];
        c.type_v = types[i >> 1];
        c.data = KERNEL_DATA_WIDE;
        check(&c, NULL);
    }
}

static void few_workgroups_do_all_the_work(void **state)
{
    (void)state;
    for (int mask = 0; mask < KERNEL_MASK_COUNT; mask++) {
        struct kernel_case c = simple(index_of(64, 64));
        c.n_q = 40;
        c.n_seq = 2;
        c.mask = (enum kernel_mask)mask;
        c.mask_seqs = 2;
        check(&c, kernel_use_two_workgroups);
    }
}

static void rising_keys_keep_moving_the_maximum(void **state)
{
    (void)state;
    struct kernel_case c = simple(index_of(128, 128));
    c.n_kv = 300;
    c.n_q = 17;
    c.data = KERNEL_DATA_RISING;
    check(&c, NULL);
    check(&c, use_four_columns);
}

static void v_may_be_the_head_of_k(void **state)
{
    (void)state;
    static const int types[] = { ATTN_F16, ATTN_Q8_0, ATTN_Q4_0 };
    for (int i = 0; i < 3; i++) {
        struct kernel_case c = simple(index_of(576, 512));
        c.layout = KERNEL_V_OF_K;
        c.type_k = c.type_v = types[i];
        c.n_head = 16;
        c.n_head_kv = 1;
        c.n_q = 2;
        check(&c, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_head_size_has_both_instances),
        cmocka_unit_test(every_pair_of_types_is_read),
        cmocka_unit_test(quantised_rows_of_many_blocks_are_read),
        cmocka_unit_test(every_mask_on_every_layout),
        cmocka_unit_test(every_gqa_ratio_packs),
        cmocka_unit_test(softcap_alibi_and_sinks_in_every_combination),
        cmocka_unit_test(every_length_of_the_last_tile),
        cmocka_unit_test(splits_merge_also_when_parts_are_empty_or_masked),
        cmocka_unit_test(scanned_plans_skip_only_masked_tiles),
        cmocka_unit_test(converted_copies_honour_strides_heads_and_sequences),
        cmocka_unit_test(values_outside_f16_pass),
        cmocka_unit_test(few_workgroups_do_all_the_work),
        cmocka_unit_test(rising_keys_keep_moving_the_maximum),
        cmocka_unit_test(v_may_be_the_head_of_k),
    };
    return cmocka_run_group_tests_name("tile", tests, NULL, NULL);
}
