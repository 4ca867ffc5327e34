/* mma in warpgroups (sm_90's wgmma, kernels/mma/group.h) against the reference on the checked executor: every head size
 * and type that it has, every mask and layout, lengths around its tiles of 64 keys and 128 columns, splits and scanned
 * plans; and what the device must have for it.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/kernels/kernels_common.h"

enum { GROUP_COLUMNS = 128 };

/* More than 16 columns, so that they are taken in groups. */
static struct kernel_case simple(int64_t d) { return kernel_simple(d, d, 19, 150, 1, 1); }

static bool in_groups(const struct attn_plan *plan)
{
    return plan->columns == GROUP_COLUMNS && plan->launch[ATTN_STEP_MAIN].lds_dynamic_bytes > 0;
}

static void check(const struct kernel_case *c, void (*change)(struct attn_plan *))
{
    struct attn_plan plan;
    kernel_mma_plan(c, attn_device_find("sm_90"), &plan);
    assert_true(in_groups(&plan));
    kernel_check(c, "sm_90", ATTN_KERNEL_mma, change);
}

static const int64_t sizes[] = { 64, 80, 96, 112, 128 };
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void every_instance_computes(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++)
        for (int type = ATTN_F16; type <= ATTN_BF16; type++)
            for (int data = 0; data < KERNEL_DATA_COUNT; data++) {
                struct kernel_case c = simple(sizes[i]);
                c.type_k = c.type_v = type;
                c.data = (enum kernel_data)data;
                if (data == KERNEL_DATA_WIDE && type == ATTN_F16)
                    continue; /* what f16 cannot hold */
                check(&c, NULL);
            }
}

static void every_mask_on_every_layout(void **state)
{
    (void)state;
    for (int mask = 0; mask < KERNEL_MASK_COUNT; mask++)
        for (int layout = 0; layout < KERNEL_LAYOUT_COUNT; layout++) {
            struct kernel_case c = simple(sizes[(mask + layout) % SIZES]);
            kernel_put_mask_on_layout(&c, mask, layout, 9, 150);
            c.type_k = c.type_v = layout == KERNEL_GAPS ? ATTN_BF16 : ATTN_F16;
            check(&c, NULL);
        }
}

static void lengths_around_tiles(void **state)
{
    (void)state;
    static const int64_t keys[] = { 1, 16, 63, 64, 65, 127, 128, 129, 191, 192, 193, 257 };
    static const int64_t rows[] = { 17, 63, 64, 65, 127, 128, 129 };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct kernel_case c = simple(sizes[i % SIZES]);
        c.n_kv = keys[i];
        c.mask = i % 2 ? KERNEL_MASK_ABSENT : KERNEL_MASK_RANDOM;
        c.data = KERNEL_DATA_NEGATIVE;
        check(&c, NULL);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kernel_case c = simple(sizes[i % SIZES]);
        c.n_q = rows[i];
        c.n_kv = 70;
        check(&c, NULL);
    }
}

static void modifiers_in_every_combination(void **state)
{
    (void)state;
    for (int bits = 0; bits < 16; bits++) {
        struct kernel_case c = simple(sizes[bits % SIZES]);
        c.n_q = 7;
        c.n_head = 12;
        c.n_head_kv = 4;
        c.mask = KERNEL_MASK_RANDOM;
        c.softcap = bits & 1 ? 1.5f : 0.0f;
        c.max_bias = bits & 2 ? 8.0f : 0.0f;
        c.sinks = bits & 4;
        check(&c, bits & 8 ? kernel_split_in_two : NULL);
    }
}

static void splits_and_scanned_plans(void **state)
{
    (void)state;
    for (int mask = 0; mask < KERNEL_MASK_COUNT; mask++)
        for (int how = 0; how < 4; how++) {
            struct kernel_case c = simple(sizes[(mask + how) % SIZES]);
            c.mask = (enum kernel_mask)mask;
            c.n_kv = 290;
            c.n_head = 4;
            c.n_head_kv = 2;
            c.n_seq = 2;
            c.mask_heads = how & 1 ? 4 : 1;
            c.mask_seqs = how & 2 ? 2 : 1;
            c.mask_wider = 31;
            c.sinks = how & 1;
            if (mask != KERNEL_MASK_ABSENT)
                check(&c, how & 2 ? kernel_add_scan_and_splits : kernel_add_scan);
            check(&c, how & 1 ? kernel_split_in_seven : kernel_use_two_workgroups);
        }
}

/* More tiles than the lanes of a wave look ahead for. */
static void a_scan_of_many_tiles(void **state)
{
    (void)state;
    for (int mask = KERNEL_MASK_CAUSAL; mask < KERNEL_MASK_COUNT; mask++) {
        struct kernel_case c = simple(64);
        c.mask = (enum kernel_mask)mask;
        c.n_kv = 64 * 32 + 65;
        check(&c, kernel_add_scan);
        check(&c, kernel_add_scan_and_splits);
    }
}

static void quantised_types_are_converted(void **state)
{
    (void)state;
    for (int type = ATTN_Q8_0; type < ATTN_TYPE_COUNT; type++) {
        struct kernel_case c = simple(64);
        c.type_k = type;
        c.type_v = type + 1 < ATTN_TYPE_COUNT ? type + 1 : ATTN_Q8_0;
        check(&c, NULL);
    }
}

/* What it needs and what stands in for it: half of the LDS may be too little, and sm_80 has no warpgroups. */
static void without_the_means_others_stand_in(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++)
        kernel_mma_needs(simple(sizes[i]), in_groups, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_instance_computes),       cmocka_unit_test(every_mask_on_every_layout),
        cmocka_unit_test(lengths_around_tiles),          cmocka_unit_test(modifiers_in_every_combination),
        cmocka_unit_test(splits_and_scanned_plans),      cmocka_unit_test(a_scan_of_many_tiles),
        cmocka_unit_test(quantised_types_are_converted), cmocka_unit_test(without_the_means_others_stand_in),
    };
    return cmocka_run_group_tests_name("mma in groups", tests, NULL, NULL);
}
