/* Head sizes without an instance of their own, on the next larger one, against the reference on the checked executor:
 * by every kernel that takes them, on devices of each matrix core family and both wave sizes. Behind every row lies a
 * gap of one element or block, or the next row, whose elements are no zeros: who reads or stores past a row is found.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/kernels/kernels_common.h"

static const int64_t sizes[] = { 8, 16, 32, 48, 56, 88, 104, 120, 136, 160, 200, 248, 264, 320, 392, 504, 520, 568 };
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static const char *const devices[] = { "gfx1100", "gfx942", "gfx1200", "sm_80", "sm_90", "gfx908" };
enum { DEVICES = sizeof devices / sizeof devices[0] };

/* By a kernel where it is able, and that it is where it must be. */
static void check(struct kernel_case *c, const char *device, int kernel, bool must, void (*change)(struct attn_plan *))
{
    struct attn_problem p;
    struct attn_key key;
    struct attn_plan plan;
    kernel_problem(c, &p);
    attn_key_of(&p, &key);
    const bool able = attn_plan_kernel(attn_device_find(device), &key, kernel, &plan, NULL);
    if (must && !able)
        fail_msg("%s is not able on %s for %lld", attn_kernel(kernel)->name, device, (long long)c->d_k);
    if (!able)
        return;
    const struct attn_head_size *size = attn_head_size(plan.head_size);
    assert_true(size && size->d_k > c->d_k && size->d_v > c->d_v);
    kernel_check(c, device, kernel, change);
}

static void tile_takes_all_of_them(void **state)
{
    (void)state;
    static const int types[] = { ATTN_F16, ATTN_BF16, ATTN_F32 };
    for (int i = 0; i < SIZES; i++)
        for (int n = 0; n < 4; n++) {
            struct kernel_case c = kernel_simple(sizes[i], sizes[i], n % 2 ? 1 : 17, 37, 2, n % 2 ? 2 : 1);
            c.layout = n / 2 ? KERNEL_GAPS : KERNEL_PERMUTED;
            c.type_k = types[(i + n) % 3];
            c.type_v = types[(i + n / 2) % 3];
            c.seed = (uint64_t)(10 * i + n);
            if (attn_head_size_find(sizes[i], sizes[i]) < 0)
                check(&c, devices[n % 2], ATTN_KERNEL_tile, true, n % 2 ? kernel_split_in_two : NULL);
        }
}

static void mma_takes_those_that_fit_its_instances(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++)
        for (int n = 0; n < 2 * DEVICES; n++) {
            struct kernel_case c = kernel_simple(sizes[i], sizes[i], n % 2 ? 5 : 37, 70, 2, 1);
            c.layout = (i + n / 2) % 2 ? KERNEL_GAPS : KERNEL_PERMUTED;
            c.type_k = c.type_v = (i + n) % 3 ? ATTN_F16 : ATTN_BF16;
            c.seed = (uint64_t)(20 * i + n);
            check(&c, devices[n / 2], ATTN_KERNEL_mma, sizes[i] <= 512, (i + n) % 4 ? NULL : kernel_split_in_two);
        }
}

/* Rows are whole blocks. */
static void quantised_rows_end_in_a_gap_too(void **state)
{
    (void)state;
    static const int64_t whole[] = { 32, 160, 224, 288, 544 };
    for (int i = 0; i < 5; i++)
        for (int type = ATTN_Q8_0; type < ATTN_TYPE_COUNT; type++) {
            struct kernel_case c = kernel_simple(whole[i], whole[i], 1 + type % 2 * 20, 37, 2, 1);
            c.layout = KERNEL_GAPS;
            c.type_k = type;
            c.type_v = ATTN_Q8_0 + (type + i) % (ATTN_TYPE_COUNT - ATTN_Q8_0);
            for (int kernel = 0; kernel < ATTN_KERNEL_naive; kernel++)
                check(&c, devices[(i + type) % DEVICES], kernel, kernel == ATTN_KERNEL_tile, NULL);
        }
}

/* V is a part of K's rows: what lies behind V's are elements. */
static void v_may_be_the_head_of_k(void **state)
{
    (void)state;
    for (int n = 0; n < 4; n++) {
        struct kernel_case c = kernel_simple(88, 88, n % 2 ? 3 : 40, 50, 2, 1);
        c.layout = KERNEL_V_OF_K;
        c.mask = KERNEL_MASK_LATE;
        check(&c, devices[n / 2], ATTN_KERNEL_tile, true, NULL);
        check(&c, devices[n], ATTN_KERNEL_mma, true, NULL);
    }
}

static void others_stay_with_naive(void **state)
{
    (void)state;
    static const int64_t pairs[][2] = { { 4, 4 }, { 12, 12 }, { 100, 100 }, { 584, 584 }, { 88, 96 }, { 128, 64 } };
    for (int i = 0; i < 6; i++)
        for (int d = 0; d < attn_device_count(); d++)
            for (int kernel = 0; kernel < ATTN_KERNEL_COUNT; kernel++) {
                struct kernel_case c = kernel_simple(pairs[i][0], pairs[i][1], 3, 40, 2, 1);
                struct attn_problem p;
                struct attn_key key;
                kernel_problem(&c, &p);
                attn_key_of(&p, &key);
                assert_int_equal(attn_plan_kernel(attn_device(d), &key, kernel, NULL, NULL),
                                 kernel == ATTN_KERNEL_naive);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tile_takes_all_of_them),          cmocka_unit_test(mma_takes_those_that_fit_its_instances),
        cmocka_unit_test(quantised_rows_end_in_a_gap_too), cmocka_unit_test(v_may_be_the_head_of_k),
        cmocka_unit_test(others_stay_with_naive),
    };
    return cmocka_run_group_tests_name("padded", tests, NULL, NULL);
}
