/* The launches before the main one, each alone: convert's dense copies and scan's flags, element by element, and the
 * arguments that launches are given.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/entries.h"
#include "tests/kernels/kernels_common.h"
#include "kernels/host/launch.h"

/* A problem in the host backend's memory. */
struct setup {
    struct attn_problem problem;
    struct attn_plan plan;
    struct attn_image image;
    struct attn_backend *backend;
    struct attn_memory *memory;
};

static void plan_of(const struct kernel_case *c, struct attn_problem *p, struct attn_plan *plan)
{
    struct attn_key key;
    kernel_problem(c, p);
    assert_int_equal(attn_problem_check(p, NULL), ATTN_E_OK);
    attn_key_of(p, &key);
    assert_true(attn_plan_kernel(attn_device_find("gfx1100"), &key, ATTN_KERNEL_tile, plan, NULL));
    /* Only what a test adds. */
    plan->scan = 0;
    plan->convert_k = plan->convert_v = -1;
    plan->steps = 1u << ATTN_STEP_MAIN;
    plan->splits = 1;
    plan->workspace_bytes = 0;
    memset(plan->region_bytes, 0, sizeof plan->region_bytes);
}

static void open_setup(const struct kernel_case *c, struct setup *s)
{
    struct attn_host_options options = { .checked = true, .schedule = c->seed };
    struct attn_failure failure;
    assert_true(attn_image_create(&s->problem, 1 << 28, &s->image));
    kernel_fill(c, &s->problem, &s->image);
    s->backend = attn_host_open(&options);
    assert_non_null(s->backend);
    s->memory = s->backend->ops->alloc(s->backend, &s->problem, &s->image, s->plan.workspace_bytes, &failure);
    assert_non_null(s->memory);
    assert_true(s->backend->ops->upload(s->backend, s->memory, &s->image, &failure));
    attn_host_begin(s->memory, &s->plan);
}

static void close_setup(struct setup *s)
{
    s->backend->ops->free(s->backend, s->memory);
    s->backend->ops->close(s->backend);
    attn_image_free(&s->image);
}

static void launch(struct setup *s, int step)
{
    struct attn_args args;
    struct attn_failure failure;
    void *base[ATTN_OPERAND_COUNT];
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        base[o] = attn_host_at(s->memory, o);
    attn_args_build(&s->problem, &s->plan, step, base, attn_host_workspace(s->memory), &args);
    struct simt_launch l = {
        attn_entry_find_checked(&s->plan, step), &args, s->plan.launch[step], &s->plan.device, step, NULL
    };
    if (!attn_host_launch(s->backend, s->memory, &l, &failure))
        fail_msg("%s: %s", attn_failure_name(failure.code), failure.text);
}

static float narrowed(float x)
{
    return attn_f16_to_f32(attn_f32_to_f16(x > 65504.0f ? 65504.0f : x < -65504.0f ? -65504.0f : x));
}

/* Every live element of the copy is the decoded element, rounded once; what is broadcast is there once. */
static void convert_copies_every_element_of_every_type_and_layout(void **state)
{
    (void)state;
    for (int type = ATTN_Q8_0; type < ATTN_TYPE_COUNT; type++)
        for (int layout = 0; layout < KERNEL_LAYOUT_COUNT; layout++) {
            struct kernel_case c = { .d_k = 96,
                                     .d_v = 96,
                                     .n_q = 1,
                                     .n_kv = 7,
                                     .n_head = 3,
                                     .n_head_kv = 3,
                                     .n_seq = 2,
                                     .type_k = type,
                                     .type_v = type,
                                     .layout = (enum kernel_layout)layout,
                                     .data = type % 2 ? KERNEL_DATA_WIDE : KERNEL_DATA_UNIFORM,
                                     .seed = (uint64_t)layout };
            struct setup s;
            plan_of(&c, &s.problem, &s.plan);
            bool once = layout == KERNEL_BROADCAST;
            int64_t heads = once ? 1 : c.n_head_kv, seqs = once ? 1 : c.n_seq;
            int64_t elements = c.d_v * c.n_kv * heads * seqs;
            s.plan.convert_v = ATTN_F16;
            kernel_region(&s.plan, ATTN_REGION_K, 256); /* so that V's copy does not lie first */
            kernel_region(&s.plan, ATTN_REGION_V, 2 * elements);
            kernel_launch(&s.plan, ATTN_STEP_CONVERT_V, 2, 64);
            open_setup(&c, &s);
            launch(&s, ATTN_STEP_CONVERT_V);

            const uint16_t *copy = (const uint16_t *)(const void *)((char *)attn_host_workspace(s.memory) +
                                                                    s.plan.region_offset[ATTN_REGION_V]);
            float row[96];
            for (int64_t seq = 0; seq < seqs; seq++)
                for (int64_t h = 0; h < heads; h++)
                    for (int64_t key = 0; key < c.n_kv; key++) {
                        attn_row_decode(type, kernel_at(&s.image, &s.problem, ATTN_V, key, h, seq), c.d_v, row);
                        for (int64_t d = 0; d < c.d_v; d++)
                            assert_true(attn_f16_to_f32(copy[((seq * heads + h) * c.n_kv + key) * c.d_v + d]) ==
                                        narrowed(row[d]));
                    }
            close_setup(&s);
        }
}

/* A block whose scale is f16's largest decodes to more than f16 holds: the copy stays finite. */
static void convert_saturates(void **state)
{
    (void)state;
    struct kernel_case c = { .d_k = 64,
                             .d_v = 64,
                             .n_q = 1,
                             .n_kv = 1,
                             .n_head = 1,
                             .n_head_kv = 1,
                             .n_seq = 1,
                             .type_k = ATTN_Q8_0,
                             .type_v = ATTN_Q8_0 };
    struct setup s;
    plan_of(&c, &s.problem, &s.plan);
    s.plan.convert_k = ATTN_F16;
    kernel_region(&s.plan, ATTN_REGION_K, 128);
    kernel_launch(&s.plan, ATTN_STEP_CONVERT_K, 1, 64);
    open_setup(&c, &s);
    char *block = attn_host_at(s.memory, ATTN_K);
    const uint16_t largest = 0x7BFF;
    memcpy(block, &largest, 2);
    block[2] = 127;
    block[3] = -127;
    launch(&s, ATTN_STEP_CONVERT_K);
    const uint16_t *copy = attn_host_workspace(s.memory);
    assert_int_equal(copy[0], 0x7BFF);
    assert_int_equal(copy[1], 0xFBFF);
    close_setup(&s);
}

/* A flag is 0 where none of its rows has an open key in its tile, 2 where all mask values are zero, else 1 (enum
 * attn_scanned, kernels/helpers/scanned.h). */
static void scan_flags_are_what_the_mask_says(void **state)
{
    (void)state;
    for (int mask = KERNEL_MASK_CAUSAL; mask < KERNEL_MASK_COUNT; mask++)
        for (int variant = 0; variant < 8; variant++) {
            struct kernel_case c = { .d_k = 40,
                                     .d_v = 40,
                                     .n_q = 11,
                                     .n_kv = 70 + 13 * variant,
                                     .n_head = 4,
                                     .n_head_kv = 2,
                                     .n_seq = 2,
                                     .mask = (enum kernel_mask)mask,
                                     .mask_heads = variant & 1 ? 4 : 1,
                                     .mask_seqs = variant & 2 ? 2 : 1,
                                     .mask_wider = 40,
                                     .mask_taller = 3,
                                     .layout = variant & 4 ? KERNEL_GAPS : KERNEL_CONTIGUOUS,
                                     .type_k = ATTN_F16,
                                     .type_v = ATTN_F16,
                                     .seed = (uint64_t)variant };
            struct setup s;
            plan_of(&c, &s.problem, &s.plan);
            const int64_t rows = 4, tile = s.plan.kv_tile, blocks = 3, tiles = (c.n_kv + tile - 1) / tile;
            s.plan.scan = 1;
            s.plan.scan_q = (int32_t)rows;
            kernel_region(&s.plan, ATTN_REGION_SCAN, c.mask_heads * c.mask_seqs * blocks * tiles);
            kernel_launch(&s.plan, ATTN_STEP_SCAN, 1 + (uint32_t)variant % 3, 64);
            open_setup(&c, &s);
            launch(&s, ATTN_STEP_SCAN);

            const uint8_t *flag = attn_host_workspace(s.memory);
            for (int64_t seq = 0; seq < c.mask_seqs; seq++)
                for (int64_t h = 0; h < c.mask_heads; h++)
                    for (int64_t block = 0; block < blocks; block++)
                        for (int64_t t = 0; t < tiles; t++) {
                            bool open = false, other = false;
                            for (int64_t iq = block * rows; iq < (block + 1) * rows && iq < c.n_q; iq++)
                                for (int64_t key = t * tile; key < (t + 1) * tile && key < c.n_kv; key++) {
                                    uint16_t bits;
                                    memcpy(&bits, kernel_at(&s.image, &s.problem, ATTN_MASK, iq, h, seq) + 2 * key, 2);
                                    open |= bits != 0xFC00;
                                    other |= bits != 0;
                                }
                            assert_int_equal(*flag++, !open ? 0 : other ? 1 : 2);
                        }
            close_setup(&s);
        }
}

/* ---- Arguments ------------------------------------------------------------------------------------------ */

static char at[ATTN_OPERAND_COUNT + 1][1 << 16];

static void build(const struct kernel_case *c, void (*change)(struct attn_plan *, struct attn_problem *), int step,
                  struct attn_problem *p, struct attn_args *args)
{
    struct attn_plan plan;
    void *base[ATTN_OPERAND_COUNT];
    plan_of(c, p, &plan);
    if (change)
        change(&plan, p);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        base[o] = p->t[o].present ? at[o] : NULL;
    attn_args_build(p, &plan, step, base, at[ATTN_OPERAND_COUNT], args);
}

static void strides_of_single_extents_are_zero(void **state)
{
    (void)state;
    struct kernel_case c = kernel_unmasked(64, 1, 5, 6, 1);
    struct attn_problem p;
    struct attn_args args;
    build(&c, NULL, ATTN_STEP_MAIN, &p, &args);
    assert_int_equal(args.q.nb1, 0);
    assert_int_equal(args.q.nb2, 256);
    assert_int_equal(args.k.nb1, 128);
    assert_int_equal(args.k.nb2 | args.k.nb3 | args.q.nb3, 0);
    assert_int_equal(args.dst.nb1, 256);
    assert_int_equal(args.gqa, 6);
    assert_null(args.mask.data);
    assert_null(args.sinks);
    assert_true(args.mask_heads == 1 && args.mask_seqs == 1); /* nothing is divided by zero */
    assert_true(args.k.data == at[ATTN_K] && args.dst.data == at[ATTN_DST]);
}

static int forced_splits;

static void force_splits(struct attn_plan *plan, struct attn_problem *p)
{
    const int64_t parts = attn_n_q(p) * attn_n_head(p) * forced_splits;
    plan->splits = forced_splits;
    kernel_region(plan, ATTN_REGION_PARTIAL, 4 * parts * attn_d_v(p));
    kernel_region(plan, ATTN_REGION_META, 8 * parts);
}

/* Splits are whole tiles and together all keys, also when there are more splits than tiles. */
static void splits_cover_the_keys_in_whole_tiles(void **state)
{
    (void)state;
    for (int64_t n_kv = 1; n_kv < 700; n_kv += 23)
        for (forced_splits = 1; forced_splits < 12; forced_splits++) {
            struct kernel_case c = kernel_unmasked(64, 7, n_kv, 1, 1);
            struct attn_problem p;
            struct attn_args args;
            build(&c, force_splits, ATTN_STEP_MAIN, &p, &args);
            assert_true(args.split_keys > 0);
            assert_int_equal(args.split_keys % args.kv_tile, 0);
            assert_true(args.split_keys * forced_splits >= n_kv);
            assert_true((args.split_keys - args.kv_tile) * forced_splits < n_kv);
        }
}

static void convert_both(struct attn_plan *plan, struct attn_problem *p)
{
    (void)p;
    plan->convert_k = plan->convert_v = ATTN_F16;
    kernel_region(plan, ATTN_REGION_K, 4096);
    kernel_region(plan, ATTN_REGION_V, 4096);
}

static void converted_tensors_are_dense_and_broadcasts_stay(void **state)
{
    (void)state;
    struct kernel_case c = { .d_k = 64,
                             .d_v = 32,
                             .n_q = 1,
                             .n_kv = 5,
                             .n_head = 2,
                             .n_head_kv = 2,
                             .n_seq = 3,
                             .type_k = ATTN_Q8_0,
                             .type_v = ATTN_Q4_0,
                             .layout = KERNEL_GAPS };
    struct attn_problem p;
    struct attn_args args;
    c.d_k = c.d_v = 64;
    build(&c, convert_both, ATTN_STEP_CONVERT_V, &p, &args);
    char *workspace = at[ATTN_OPERAND_COUNT];
    assert_int_equal(args.type_k, ATTN_F16);
    assert_ptr_equal(args.k.data, workspace);
    assert_ptr_equal(args.v.data, workspace + 4096);
    assert_ptr_equal(args.target, workspace + 4096);
    assert_ptr_equal(args.source.data, at[ATTN_V]);
    assert_int_equal(args.source_type, ATTN_Q4_0);
    assert_int_equal(args.source.nb1, p.t[ATTN_V].nb[1]);
    assert_int_equal(args.v.nb1, 128);
    assert_int_equal(args.v.nb2, 128 * 5);
    assert_int_equal(args.v.nb3, 128 * 5 * 2);
    c.layout = KERNEL_BROADCAST;
    build(&c, convert_both, ATTN_STEP_CONVERT_K, &p, &args);
    assert_ptr_equal(args.target, workspace);
    assert_int_equal(args.source_ne[1], 5);
    assert_true(args.source_ne[2] == 1 && args.source_ne[3] == 1);
    assert_int_equal(args.k.nb1, 128);
    assert_true(args.k.nb2 == 0 && args.k.nb3 == 0);
}

static void broadcast_everything(struct attn_plan *plan, struct attn_problem *p)
{
    for (int d = 1; d < 4; d++)
        p->t[ATTN_Q].nb[d] = 0;
    p->t[ATTN_Q].ne[1] = p->t[ATTN_DST].ne[2] = (int64_t)1 << 50;
    attn_tensor_contiguous(&p->t[ATTN_DST]);
    assert_int_equal(attn_problem_check(p, NULL), ATTN_E_OK);
    attn_key_of(p, &plan->key);
}

/* dst, which cannot be broadcast, bounds the work: 2^50 rows are counted exactly. */
static void work_of_the_largest_problem_does_not_overflow(void **state)
{
    (void)state;
    struct kernel_case c = { .d_k = 64,
                             .d_v = 64,
                             .n_q = 40,
                             .n_kv = 5,
                             .n_head = 6,
                             .n_head_kv = 2,
                             .n_seq = 3,
                             .type_k = ATTN_F16,
                             .type_v = ATTN_F16 };
    struct attn_problem p;
    struct attn_args args;
    build(&c, broadcast_everything, ATTN_STEP_MAIN, &p, &args);
    assert_int_equal(args.row_tiles, ((int64_t)3 << 50) / 16);
    assert_int_equal(args.work, ((int64_t)3 << 50) / 16 * 6);
}

static void alibi_scale_gives_the_planners_exponents(void **state)
{
    (void)state;
    for (int64_t total = 1; total < 70; total++) {
        struct kernel_case c = { .d_k = 64,
                                 .d_v = 64,
                                 .n_q = 1,
                                 .n_kv = 5,
                                 .n_head = total,
                                 .n_head_kv = total,
                                 .n_seq = 1,
                                 .type_k = ATTN_F16,
                                 .type_v = ATTN_F16,
                                 .mask = KERNEL_MASK_OPEN,
                                 .max_bias = 5.3f };
        struct attn_problem p;
        struct attn_args args;
        build(&c, NULL, ATTN_STEP_MAIN, &p, &args);
        for (int64_t h = 0; h < total; h++) {
            double steps = h < args.alibi_n ? (double)(h + 1) : (double)(h - args.alibi_n) + 0.5;
            assert_float_equal((double)args.alibi_scale * steps, attn_alibi_exponent(&p, h), 1e-12);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convert_copies_every_element_of_every_type_and_layout),
        cmocka_unit_test(convert_saturates),
        cmocka_unit_test(scan_flags_are_what_the_mask_says),
        cmocka_unit_test(strides_of_single_extents_are_zero),
        cmocka_unit_test(splits_cover_the_keys_in_whole_tiles),
        cmocka_unit_test(converted_tensors_are_dense_and_broadcasts_stay),
        cmocka_unit_test(work_of_the_largest_problem_does_not_overflow),
        cmocka_unit_test(alibi_scale_gives_the_planners_exponents),
    };
    return cmocka_run_group_tests_name("helpers", tests, NULL, NULL);
}
