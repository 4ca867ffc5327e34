/* mma with tiles copied ahead (kernels/mma/ahead.h: NVIDIA, heads above 128, more than 16 columns) against the
 * reference on the checked executor: every head size and type that it has, every mask on every layout, lengths around
 * its tiles of 32 keys and 32 columns and its three tiles in LDS, splits and scanned plans; what the device must have
 * for it.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/kernels/kernels_common.h"

static const struct {
    int64_t d_k, d_v;
} sizes[] = { { 192, 128 }, { 192, 192 }, { 256, 256 }, { 320, 256 }, { 512, 512 }, { 576, 512 } };
enum { SIZES = sizeof sizes / sizeof sizes[0], COLUMNS = 32, KEYS = 32, SMALL = 3 /* of them, as sm_80 has LDS for */ };

/* More than 16 columns. */
static struct kernel_case simple(int n) { return kernel_simple(sizes[n].d_k, sizes[n].d_v, 18, 70, 1, 1); }

static bool ahead(const struct attn_plan *plan)
{
    return plan->columns == COLUMNS && plan->kv_tile == KEYS && plan->launch[ATTN_STEP_MAIN].lds_dynamic_bytes > 0;
}

static void check(const struct kernel_case *c, void (*change)(struct attn_plan *))
{
    struct attn_plan plan;
    kernel_mma_plan(c, attn_device_find("sm_90"), &plan);
    assert_true(ahead(&plan));
    kernel_check(c, "sm_90", ATTN_KERNEL_mma, change);
}

static void every_instance_computes(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++)
        for (int type = ATTN_F16; type <= ATTN_BF16; type++) {
            struct kernel_case c = simple(i);
            c.type_k = c.type_v = type;
            c.data = i % 2 ? KERNEL_DATA_RISING : KERNEL_DATA_NEGATIVE;
            check(&c, NULL);
            if (sizes[i].d_k != sizes[i].d_v)
                continue;
            c.d_k = c.d_v -= 8; /* a head that is smaller than the instance's */
            c.mask = KERNEL_MASK_ABSENT;
            check(&c, NULL);
        }
}

static void every_mask_on_every_layout(void **state)
{
    (void)state;
    for (int mask = 0; mask < KERNEL_MASK_COUNT; mask++)
        for (int layout = 0; layout < KERNEL_LAYOUT_COUNT; layout++) {
            struct kernel_case c = simple((mask + layout) % SMALL);
            kernel_put_mask_on_layout(&c, mask, layout, 7, 70);
            c.n_head = 3;
            c.n_head_kv = 1;
            check(&c, NULL);
        }
}

/* V in K's rows is read from the tile of K, whose dead rows are cleared then. */
static void v_within_k(void **state)
{
    (void)state;
    for (int mask = 0; mask < KERNEL_MASK_COUNT; mask++) {
        struct kernel_case c = simple(mask % 2 ? SIZES - 1 : 2);
        c.layout = KERNEL_V_OF_K;
        c.mask = (enum kernel_mask)mask;
        c.n_kv = 32 * 4 + mask;
        check(&c, mask % 3 ? NULL : kernel_split_in_two);
    }
}

static void lengths_around_tiles(void **state)
{
    (void)state;
    static const int64_t keys[] = { 1, 31, 32, 33, 64, 65, 95, 96, 97, 128, 129 };
    static const int64_t rows[] = { 17, 31, 32, 33, 64, 65 };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct kernel_case c = simple((int)i % SMALL);
        c.n_kv = keys[i];
        c.mask = i % 2 ? KERNEL_MASK_ABSENT : KERNEL_MASK_RANDOM;
        check(&c, NULL);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kernel_case c = simple((int)i % SMALL);
        c.n_q = rows[i];
        c.n_kv = 40;
        check(&c, i % 2 ? kernel_use_two_workgroups : NULL);
    }
}

static void splits_and_scanned_plans(void **state)
{
    (void)state;
    for (int mask = 1; mask < KERNEL_MASK_COUNT; mask++) {
        struct kernel_case c = simple(mask % SMALL);
        c.mask = (enum kernel_mask)mask;
        c.n_kv = 200;
        c.n_head = 2;
        c.mask_wider = 31;
        c.sinks = mask % 2;
        check(&c, kernel_add_scan);
        check(&c, mask % 2 ? kernel_add_scan_and_splits : kernel_split_in_seven);
    }
}

static void modifiers_in_every_combination(void **state)
{
    (void)state;
    for (int bits = 0; bits < 8; bits++) {
        struct kernel_case c = simple(bits % SMALL);
        c.n_q = 7;
        kernel_put_modifiers(&c, bits);
        check(&c, NULL);
    }
}

static void without_the_means_others_stand_in(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++)
        kernel_mma_needs(simple(i), "sm_90", ahead, true);
}

/* A device without copies that need no registers, as all of AMD's. */
static void without_copies_there_is_nothing_ahead(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++) {
        const struct kernel_case c = simple(i);
        struct attn_device weak = *attn_device_find("sm_90");
        struct attn_plan plan;
        weak.async_copy = 0;
        kernel_mma_plan(&c, &weak, &plan);
        assert_false(ahead(&plan));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_instance_computes),
        cmocka_unit_test(every_mask_on_every_layout),
        cmocka_unit_test(v_within_k),
        cmocka_unit_test(without_copies_there_is_nothing_ahead),
        cmocka_unit_test(lengths_around_tiles),
        cmocka_unit_test(splits_and_scanned_plans),
        cmocka_unit_test(modifiers_in_every_combination),
        cmocka_unit_test(without_the_means_others_stand_in),
    };
    return cmocka_run_group_tests_name("mma with tiles ahead", tests, NULL, NULL);
}
