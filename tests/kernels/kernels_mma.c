/* mma against the reference on the checked executor: every fragment layout, head size and operand type, both instances
 * of each, every mask, layout and modifier, splits and scanned plans; and what Q's power of two and the sums in the
 * matrix cores must survive.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/kernels/kernels_common.h"

/* One device of each family, and those whose matrix cores are peculiar: gfx908 has bf16 in instructions of half the
 * depth, gfx90a flushes subnormals. */
static const char *const devices[] = { "gfx942", "gfx1100", "gfx1201", "sm_80", "sm_90", "gfx908", "gfx90a" };
enum { FAMILIES = 5, DEVICES = 7 };

static struct kernel_case simple(int64_t d_k, int64_t d_v) { return kernel_simple(d_k, d_v, 5, 70, 2, 2); }

static void check_on(int device, const struct kernel_case *c, void (*change)(struct attn_plan *))
{
    kernel_check(c, devices[device % DEVICES], ATTN_KERNEL_mma, change);
}

static void check(const struct kernel_case *c, void (*change)(struct attn_plan *))
{
    for (int i = 0; i < FAMILIES; i++)
        check_on(i, c, change);
}

/* The known head sizes of the kernel, f16 and bf16, on every device; 5 columns take the small instance, 42 the large.
 */
static void every_instance_computes(void **state)
{
    (void)state;
    for (int i = 0; i < ATTN_HEAD_SIZE_COUNT; i++) {
        const struct attn_head_size *s = attn_head_size(i);
        for (int device = 0; device < DEVICES; device++) {
            struct kernel_case c = simple(s->d_k, s->d_v);
            struct attn_problem p;
            kernel_problem(&c, &p);
            struct attn_key key;
            attn_key_of(&p, &key);
            const bool able = attn_plan_kernel(attn_device_find(devices[device]), &key, ATTN_KERNEL_mma, NULL, NULL);
            assert_int_equal(able, s->d_v <= 512); /* 40 and 72 padded */
            for (int type = ATTN_F16; able && type <= ATTN_BF16; type++) {
                c.type_k = c.type_v = type;
                c.seed = (uint64_t)i;
                c.n_q = 5;
                check_on(device, &c, NULL);
                c.n_q = s->d_k <= 128 ? 70 : 42;
                c.n_head_kv = 1;
                c.n_head = 1;
                if (s->d_k <= 256)
                    check_on(device, &c, NULL);
            }
        }
    }
}

/* f32 and mixtures with bf16 are refused, quantised types converted. */
static void every_pair_of_types_is_read_or_refused(void **state)
{
    (void)state;
    for (int k = 0; k < ATTN_TYPE_COUNT; k++)
        for (int v = 0; v < ATTN_TYPE_COUNT; v++) {
            struct kernel_case c = simple(64, 64);
            c.type_k = k;
            c.type_v = v;
            c.n_q = 3;
            c.seed = (uint64_t)(k * 8 + v);
            c.layout = (enum kernel_layout)((k + v) % 3);
            struct attn_problem p;
            struct attn_key key;
            kernel_problem(&c, &p);
            attn_key_of(&p, &key);
            const bool wide = k == ATTN_F32 || v == ATTN_F32 || (k == ATTN_BF16) != (v == ATTN_BF16);
            const struct attn_device *device = attn_device_find(devices[(k + v) % FAMILIES]);
            assert_int_equal(attn_plan_kernel(device, &key, ATTN_KERNEL_mma, NULL, NULL), !wide);
            if (!wide)
                check_on((k + v) % FAMILIES, &c, NULL);
        }
}

static void every_mask_on_every_layout(void **state)
{
    (void)state;
    for (int mask = 0; mask < KERNEL_MASK_COUNT; mask++)
        for (int layout = 0; layout < KERNEL_LAYOUT_COUNT; layout++) {
            struct kernel_case c = simple(80, 80);
            kernel_put_mask_on_layout(&c, mask, layout, 9, 150);
            c.type_k = c.type_v = layout == KERNEL_GAPS ? ATTN_BF16 : ATTN_F16;
            check_on((mask + layout) % FAMILIES, &c, NULL);
        }
}

static void every_gqa_ratio_packs(void **state)
{
    (void)state;
    for (int64_t gqa = 1; gqa <= 18; gqa++) {
        struct kernel_case c = simple(64, 64);
        kernel_put_ratio(&c, gqa);
        check_on((int)gqa, &c, NULL);
    }
}

static void softcap_alibi_and_sinks_in_every_combination(void **state)
{
    (void)state;
    for (int bits = 0; bits < 32; bits++) {
        struct kernel_case c = simple(96, 96);
        kernel_put_modifiers(&c, bits);
        c.type_k = c.type_v = bits % 3 ? ATTN_F16 : ATTN_BF16;
        check_on(bits % 5, &c, bits & 16 ? kernel_split_in_two : NULL);
    }
}

static void every_length_of_the_last_tile(void **state)
{
    (void)state;
    static const int64_t lengths[] = { 1, 2, 3, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 127, 128, 129 };
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (int device = 0; device < FAMILIES; device++) {
            struct kernel_case c = simple(112, 112);
            c.n_kv = lengths[i];
            c.n_q = 1 + (int64_t)i % 19;
            c.n_head = c.n_head_kv = 1;
            c.mask = KERNEL_MASK_ABSENT;
            c.data = KERNEL_DATA_NEGATIVE;
            c.seed = i;
            check_on(device, &c, NULL);
        }
}

static void splits_merge_also_when_parts_are_empty_or_masked(void **state)
{
    (void)state;
    for (int mask = 0; mask < KERNEL_MASK_COUNT; mask++)
        for (int sinks = 0; sinks < 2; sinks++) {
            struct kernel_case c = simple(192, 128);
            c.mask = (enum kernel_mask)mask;
            c.sinks = sinks;
            c.n_kv = 200;
            c.data = KERNEL_DATA_RISING;
            check_on(mask + sinks, &c, kernel_split_in_two);
            check_on(mask + 2 * sinks + 1, &c, kernel_split_in_seven);
        }
}

static void scanned_plans_skip_only_masked_tiles(void **state)
{
    (void)state;
    for (int mask = KERNEL_MASK_CAUSAL; mask < KERNEL_MASK_COUNT; mask++)
        for (int plane = 0; plane < 4; plane++) {
            struct kernel_case c = simple(64, 64);
            kernel_put_planes(&c, mask, plane);
            check_on(plane, &c, plane & 2 ? kernel_add_scan_and_splits : kernel_add_scan);
        }
}

/* bf16's range is f32's: K and V are used as they are. */
static void values_outside_f16_pass(void **state)
{
    (void)state;
    struct kernel_case c = simple(128, 128);
    c.type_k = c.type_v = ATTN_BF16;
    c.data = KERNEL_DATA_WIDE;
    check(&c, NULL);
}

static void few_workgroups_do_all_the_work(void **state)
{
    (void)state;
    for (int mask = 0; mask < KERNEL_MASK_COUNT; mask++) {
        struct kernel_case c = simple(64, 64);
        c.n_q = 19;
        c.n_seq = 3;
        c.mask = (enum kernel_mask)mask;
        c.mask_seqs = 3;
        check_on(mask, &c, kernel_use_two_workgroups);
    }
}

static void rising_keys_keep_moving_the_maximum(void **state)
{
    (void)state;
    for (int large = 0; large < 2; large++) {
        struct kernel_case c = simple(128, 128);
        c.n_kv = 300;
        c.n_q = large ? 70 : 8;
        c.n_head = c.n_head_kv = 1;
        c.data = KERNEL_DATA_RISING;
        check(&c, NULL);
    }
}

static void v_may_be_the_head_of_k(void **state)
{
    (void)state;
    static const int types[] = { ATTN_F16, ATTN_Q8_0, ATTN_Q4_0 };
    for (int i = 0; i < 3; i++) {
        struct kernel_case c = simple(576, 512);
        c.layout = KERNEL_V_OF_K;
        c.type_k = c.type_v = types[i];
        c.n_head = 16;
        c.n_head_kv = 1;
        c.n_q = 2;
        check_on(i, &c, NULL);
        check_on(i + 1, &c, NULL);
    }
}

/* ---- Q of any magnitude ---------------------------------------------------------------------------------- */

/* Runs a case whose Q is `magnitude` times one without, and whose scale makes up for it. */
static void check_magnitude(const char *device, int type, float magnitude)
{
    struct kernel_case c = simple(64, 64);
    struct attn_problem p;
    struct attn_plan plan;
    struct attn_image image;
    struct attn_judgement j;
    char text[512];
    c.type_k = c.type_v = type;
    kernel_problem(&c, &p);
    p.scale = 0.125f / magnitude;
    kernel_plan_of(&p, device, ATTN_KERNEL_mma, &plan);
    assert_true(attn_image_create(&p, 1 << 24, &image));
    kernel_fill(&c, &p, &image);
    float *q = attn_image_at(&image, &p, ATTN_Q);
    for (int64_t i = 0; i < c.d_k * c.n_q * c.n_head; i++)
        q[i] *= magnitude;
    if (!kernel_drive(&p, &image, &plan, &c.seed, 1, &j, text, sizeof text))
        fail_msg("%s, magnitude %g: %s", device, (double)magnitude, text);
    /* And the limit is of use: it is far below what is judged. */
    assert_true(j.unjudged * 20 < j.components);
    attn_image_free(&image);
}

static void q_may_have_any_magnitude(void **state)
{
    (void)state;
    static const float magnitudes[] = { 0x1p-100f, 0x1p-30f, 1.0f, 70000.0f, 0x1p100f };
    for (size_t i = 0; i < sizeof magnitudes / sizeof magnitudes[0]; i++)
        for (int device = 0; device < DEVICES; device++) {
            check_magnitude(devices[device], ATTN_F16, magnitudes[i]);
            check_magnitude(devices[device], ATTN_BF16, magnitudes[i]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_instance_computes),
        cmocka_unit_test(every_pair_of_types_is_read_or_refused),
        cmocka_unit_test(every_mask_on_every_layout),
        cmocka_unit_test(every_gqa_ratio_packs),
        cmocka_unit_test(softcap_alibi_and_sinks_in_every_combination),
        cmocka_unit_test(every_length_of_the_last_tile),
        cmocka_unit_test(splits_merge_also_when_parts_are_empty_or_masked),
        cmocka_unit_test(scanned_plans_skip_only_masked_tiles),
        cmocka_unit_test(values_outside_f16_pass),
        cmocka_unit_test(few_workgroups_do_all_the_work),
        cmocka_unit_test(rising_keys_keep_moving_the_maximum),
        cmocka_unit_test(v_may_be_the_head_of_k),
        cmocka_unit_test(q_may_have_any_magnitude),
    };
    return cmocka_run_group_tests_name("mma", tests, NULL, NULL);
}
