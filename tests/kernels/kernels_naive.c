/* naive against the reference on the checked executor: it runs what no other kernel does, so head sizes are odd, and
 * every type, mask, layout and modifier is met.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/kernels/kernels_common.h"

static struct kernel_case simple(int64_t d_k, int64_t d_v) { return kernel_simple(d_k, d_v, 3, 67, 2, 1); }

static void check(const struct kernel_case *c, void (*change)(struct attn_plan *))
{
    kernel_check(c, "gfx1100", ATTN_KERNEL_naive, change);
    kernel_check(c, "gfx942", ATTN_KERNEL_naive, change);
}

static void use_one_workgroup(struct attn_plan *plan) { plan->launch[ATTN_STEP_MAIN].grid[0] = 1; }

static void any_head_size_is_run(void **state)
{
    (void)state;
    static const int64_t sizes[][2] = { { 1, 1 },    { 7, 7 },     { 8, 8 },    { 33, 1 },  { 1, 33 },
                                        { 600, 3 },  { 3, 600 },   { 5, 512 },  { 5, 513 }, { 5, 1031 },
                                        { 9, 4099 }, { 127, 129 }, { 128, 64 }, { 64, 72 }, { 2049, 17 } };
    static const int types[] = { ATTN_F32, ATTN_F16, ATTN_BF16 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct kernel_case c = simple(sizes[i][0], sizes[i][1]);
        c.type_k = types[i % 3];
        c.type_v = types[i / 3 % 3];
        c.seed = i;
        check(&c, NULL);
    }
}

static void every_pair_of_types_is_read(void **state)
{
    (void)state;
    for (int k = 0; k < ATTN_TYPE_COUNT; k++)
        for (int v = 0; v < ATTN_TYPE_COUNT; v++) {
            struct kernel_case c = simple(32, 96);
            c.type_k = k;
            c.type_v = v;
            c.layout = (enum kernel_layout)((k + v) % 3);
            c.seed = (uint64_t)(k * 8 + v);
            kernel_check(&c, k % 2 ? "gfx1100" : "gfx942", ATTN_KERNEL_naive, NULL);
        }
}

static void every_mask_on_every_layout(void **state)
{
    (void)state;
    for (int mask = 0; mask < KERNEL_MASK_COUNT; mask++)
        for (int layout = 0; layout < KERNEL_LAYOUT_COUNT; layout++) {
            struct kernel_case c = simple(20, layout == KERNEL_V_OF_K ? 13 : 20);
            kernel_put_mask_on_layout(&c, mask, layout, 5, 130);
            c.type_v = layout == KERNEL_V_OF_K ? c.type_k : ATTN_F32;
            kernel_check(&c, mask % 2 ? "gfx1100" : "gfx942", ATTN_KERNEL_naive, NULL);
        }
}

static void softcap_alibi_and_sinks_in_every_combination(void **state)
{
    (void)state;
    for (int bits = 0; bits < 16; bits++) {
        struct kernel_case c = simple(24, 24);
        kernel_put_modifiers(&c, bits);
        check(&c, NULL);
    }
}

static void every_length_of_the_last_tile(void **state)
{
    (void)state;
    for (int64_t n_kv = 1; n_kv < 140; n_kv += n_kv < 6 || (n_kv > 61 && n_kv < 66) ? 1 : 7) {
        struct kernel_case c = simple(12, 12);
        c.n_kv = n_kv;
        c.mask = KERNEL_MASK_ABSENT;
        c.data = KERNEL_DATA_NEGATIVE;
        check(&c, NULL);
    }
}

static void one_workgroup_does_all_the_work(void **state)
{
    (void)state;
    for (int mask = 0; mask < KERNEL_MASK_COUNT; mask++) {
        struct kernel_case c = simple(10, 10);
        c.mask = (enum kernel_mask)mask;
        c.n_seq = 2;
        c.data = KERNEL_DATA_RISING;
        check(&c, use_one_workgroup);
    }
}

static void values_outside_f16_pass(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct kernel_case c = simple(50, 50);
        c.type_k = i & 1 ? ATTN_BF16 : ATTN_F32;
        c.type_v = i & 2 ? ATTN_BF16 : ATTN_F32;
        c.data = KERNEL_DATA_WIDE;
        check(&c, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_head_size_is_run),          cmocka_unit_test(every_pair_of_types_is_read),
        cmocka_unit_test(every_mask_on_every_layout),    cmocka_unit_test(softcap_alibi_and_sinks_in_every_combination),
        cmocka_unit_test(every_length_of_the_last_tile), cmocka_unit_test(one_workgroup_does_all_the_work),
        cmocka_unit_test(values_outside_f16_pass),
    };
    return cmocka_run_group_tests_name("naive", tests, NULL, NULL);
}
