/* mma in warpgroups (sm_90's wgmma, kernels/mma/group.h) against the reference on the checked executor: every head size
 * and type that it has, every mask and layout, lengths around its tiles of 64 keys and 128 columns, splits and scanned
 * plans; and what the device and, for large heads, the problem must have for it.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/kernels/kernels_common.h"

enum { GROUP_COLUMNS = 128 };

static const struct {
    int64_t d_k, d_v;
} sizes[] = {
    { 64, 64 }, { 80, 80 }, { 96, 96 }, { 112, 112 }, { 128, 128 }, { 192, 128 }, { 192, 192 }, { 256, 256 }
};
enum { SIZES = sizeof sizes / sizeof sizes[0], WHOLE = 5 /* of them, as are never copied ahead */ };

/* More than 16 columns, so that they are taken in groups. */
static struct kernel_case simple(int n) { return kernel_simple(sizes[n].d_k, sizes[n].d_v, 19, 150, 1, 1); }

/* That takes so few columns in groups: of large heads, one that cannot copy tiles ahead. */
static const char *device_for(int64_t d_k) { return d_k > sizes[WHOLE - 1].d_k ? "sm_90~async_copy" : "sm_90"; }

static bool in_groups(const struct attn_plan *plan)
{
    return plan->columns == GROUP_COLUMNS && plan->launch[ATTN_STEP_MAIN].lds_dynamic_bytes > 0;
}

static void check(const struct kernel_case *c, void (*change)(struct attn_plan *))
{
    const char *name = device_for(c->d_k);
    const struct attn_device device = kernel_device(name);
    struct attn_plan plan;
    kernel_mma_plan(c, &device, &plan);
    assert_true(in_groups(&plan));
    kernel_check(c, name, ATTN_KERNEL_mma, change);
}

static void every_instance_computes(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++)
        for (int type = ATTN_F16; type <= ATTN_BF16; type++)
            for (int data = 0; data < KERNEL_DATA_COUNT; data++) {
                struct kernel_case c = simple(i);
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
            struct kernel_case c = simple((mask + layout) % SIZES);
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
        struct kernel_case c = simple(i % SIZES);
        c.n_kv = keys[i];
        c.mask = i % 2 ? KERNEL_MASK_ABSENT : KERNEL_MASK_RANDOM;
        c.data = KERNEL_DATA_NEGATIVE;
        check(&c, NULL);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kernel_case c = simple(i % SIZES);
        c.n_q = rows[i];
        c.n_kv = 70;
        check(&c, NULL);
    }
}

static void modifiers_in_every_combination(void **state)
{
    (void)state;
    for (int bits = 0; bits < 16; bits++) {
        struct kernel_case c = simple(bits % SIZES);
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
            struct kernel_case c = simple((mask + how) % SIZES);
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

/* A tile, the next and the one after it are under way at once; where LDS has one buffer each, of large heads, too. */
static void many_tiles_in_one_workgroup(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++)
        for (int mask = 0; mask < KERNEL_MASK_COUNT; mask++) {
            struct kernel_case c = simple(i);
            c.mask = (enum kernel_mask)mask;
            c.n_kv = 64 * 4 + 9;
            check(&c, kernel_do_not_split);
        }
}

/* More tiles than the lanes of a wave look ahead for. */
static void a_scan_of_many_tiles(void **state)
{
    (void)state;
    for (int mask = KERNEL_MASK_CAUSAL; mask < KERNEL_MASK_COUNT; mask++) {
        struct kernel_case c = simple(0);
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
        struct kernel_case c = simple(0);
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
        kernel_mma_needs(simple(i), device_for(sizes[i].d_k), in_groups, false);
}

/* What could be copied ahead begins and ends sooner so. */
static void large_heads_are_worth_it(void **state)
{
    (void)state;
    static const struct {
        int64_t n_q, n_kv;
        bool groups;
    } problems[] = { { 64, 512, true }, { 32, 512, false }, { 64, 256, false }, { 4096, 65536, true } };
    for (int i = WHOLE; i < SIZES; i++)
        for (size_t n = 0; n < sizeof problems / sizeof problems[0]; n++) {
            struct kernel_case c = kernel_simple(sizes[i].d_k, sizes[i].d_v, problems[n].n_q, problems[n].n_kv, 8, 2);
            struct attn_plan plan;
            kernel_mma_plan(&c, attn_device_find("sm_90"), &plan);
            assert_int_equal(in_groups(&plan), problems[n].groups);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_instance_computes),       cmocka_unit_test(every_mask_on_every_layout),
        cmocka_unit_test(lengths_around_tiles),          cmocka_unit_test(modifiers_in_every_combination),
        cmocka_unit_test(splits_and_scanned_plans),      cmocka_unit_test(a_scan_of_many_tiles),
        cmocka_unit_test(quantised_types_are_converted), cmocka_unit_test(without_the_means_others_stand_in),
        cmocka_unit_test(large_heads_are_worth_it),      cmocka_unit_test(many_tiles_in_one_workgroup),
    };
    return cmocka_run_group_tests_name("mma in groups", tests, NULL, NULL);
}
