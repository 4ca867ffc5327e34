/* vec and combine compute attention: every instance, pair of types, mask, layout, GQA ratio, modifier and number of
 * splits, at small sizes, on waves of 32 and 64, under several schedules that must not matter.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/kernels/kernel_vec.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const char *const devices[] = { "gfx1100", "gfx942", "sm_90" }; /* waves of 32 and of 64; rows through LDS */
static const int64_t head_sizes[] = { 64, 128, 256, 512 };
static const int32_t columns[] = { 1, 2, 4, 8 };

static bool has_instance(int64_t d, int32_t n_columns, const struct attn_plan *plan)
{
    return !(d == 512 && n_columns == 8 && plan->wave_size == 32);
}

/* As planned and with every number of columns, one and three splits. */
static void run_all_ways(struct attn_case *c, const char *what)
{
    char text[160];
    for (int i = 0; i < COUNT(devices); i++) {
        struct attn_plan planned = kernel_plan(c, devices[i]);
        kernel_run(c, &planned, 2, what);
        for (int j = 0; j < COUNT(columns); j++) {
            struct attn_plan plan = planned;
            if (!has_instance(attn_d_k(&c->problem), columns[j], &plan))
                continue;
            kernel_plan_splits(&plan, &c->problem, j % 2 ? 3 : 1);
            kernel_plan_columns(&plan, &c->problem, columns[j]);
            snprintf(text, sizeof text, "%s, %d columns, %d splits", what, columns[j], plan.splits);
            kernel_run(c, &plan, 2, text);
        }
    }
}

static void test_every_instance_and_pair_of_types(void **state)
{
    (void)state;
    int turn = 0;
    for (int i = 0; i < COUNT(devices); i++)
        for (int h = 0; h < COUNT(head_sizes); h++)
            for (int k = 0; k < ATTN_TYPE_COUNT; k++)
                for (int v = 0; v < ATTN_TYPE_COUNT; v++) {
                    struct attn_case c = kernel_case(head_sizes[h], 2, 37, 3, 1, 1, k, v);
                    c.run.seed = (uint64_t)++turn;
                    c.run.mask = turn % ATTN_MASK_CONTENT_COUNT;
                    struct attn_plan plan = kernel_plan(&c, devices[i]);
                    int32_t n_columns = columns[turn % COUNT(columns)];
                    if (has_instance(head_sizes[h], n_columns, &plan))
                        kernel_plan_columns(&plan, &c.problem, n_columns);
                    kernel_run(&c, &plan, 2, "types");
                }
}

static void test_tile_edges(void **state)
{
    (void)state;
    static const int64_t n_kv[] = { 1, 2, 31, 32, 33, 63, 64, 65, 127, 129, 257, 320 };
    for (int i = 0; i < COUNT(devices); i++)
        for (int h = 0; h < COUNT(head_sizes); h++)
            for (int n = 0; n < COUNT(n_kv); n++)
                for (int mask = 0; mask < 2; mask++) {
                    struct attn_case c = kernel_case(head_sizes[h], 1, n_kv[n], 1, 1, 2, ATTN_F16, ATTN_F16);
                    c.problem.t[ATTN_MASK].present = (uint8_t)mask;
                    c.run.mask = ATTN_MASK_RANDOM;
                    c.run.data = n % ATTN_DATA_COUNT;
                    struct attn_plan plan = kernel_plan(&c, devices[i]);
                    kernel_run(&c, &plan, 2, "tile edges");
                    kernel_plan_splits(&plan, &c.problem, 1);
                    kernel_run(&c, &plan, 1, "tile edges, unsplit");
                }
}

static void test_gqa_ratios(void **state)
{
    (void)state;
    static const int64_t ratios[] = { 1, 2, 3, 5, 7, 8, 16 };
    for (int r = 0; r < COUNT(ratios); r++)
        for (int64_t n_q = 1; n_q <= 3; n_q++) {
            struct attn_case c = kernel_case(64, n_q, 45, 2 * ratios[r], 2, 1, ATTN_F16, ATTN_Q8_0);
            c.problem.t[ATTN_MASK].ne[2] = n_q == 2 ? ratios[r] : 1; /* masks that differ between heads */
            attn_tensor_contiguous(&c.problem.t[ATTN_MASK]);
            c.run.mask = n_q == 2 ? ATTN_MASK_RANDOM : ATTN_MASK_CAUSAL;
            c.run.seed = (uint64_t)r;
            run_all_ways(&c, "gqa");
        }
}

static void test_masks_and_data(void **state)
{
    (void)state;
    for (int mask = 0; mask < ATTN_MASK_CONTENT_COUNT; mask++)
        for (int data = 0; data < ATTN_DATA_COUNT; data++)
            for (int shape = 0; shape < 2; shape++) {
                struct attn_case c = kernel_case(64, 2, 300, 4, 2, 2, ATTN_BF16, ATTN_F32);
                struct attn_tensor *m = &c.problem.t[ATTN_MASK];
                if (shape == 1) {
                    m->ne[0] += 7;
                    m->ne[1] += 3;
                    m->ne[2] = 2;
                    m->ne[3] = 2;
                }
                attn_tensor_contiguous(m);
                c.problem.t[ATTN_SINKS].present = (uint8_t)(data % 2);
                c.run.mask = mask;
                c.run.data = data;
                c.run.seed = (uint64_t)(100 * mask + data);
                for (int i = 0; i < COUNT(devices); i++) {
                    struct attn_plan plan = kernel_plan(&c, devices[i]);
                    kernel_run(&c, &plan, 2, "masks");
                    kernel_plan_splits(&plan, &c.problem, shape == 0 ? 1 : 2);
                    kernel_run(&c, &plan, 1, "masks, other splits");
                }
            }
}

static void test_softcap_alibi_sinks(void **state)
{
    (void)state;
    for (int bits = 0; bits < 8; bits++)
        for (int h = 0; h < COUNT(head_sizes); h++) {
            struct attn_case c = kernel_case(head_sizes[h], 2, 70, 6, 2, 1, ATTN_F16, ATTN_F16);
            c.problem.softcap = bits & 1 ? 5.0f : 0.0f;
            c.problem.max_bias = bits & 2 ? 8.0f : 0.0f;
            c.problem.t[ATTN_SINKS].present = bits & 4 ? 1 : 0;
            c.problem.head_first = 3;
            c.problem.head_total = 11;
            c.run.mask = ATTN_MASK_BIAS;
            c.run.seed = (uint64_t)bits;
            run_all_ways(&c, "modifiers");
        }
}

/* K or V as a slice of a larger cache: rows of all heads side by side, sequences apart, an offset. */
static void spread(struct attn_tensor *t, int64_t gap, int64_t offset)
{
    const struct attn_type_info *type = attn_type_info(t->type);
    int64_t row = t->ne[0] / type->block_elems * type->block_bytes + gap * type->block_bytes;
    t->nb[2] = row;
    t->nb[1] = row * t->ne[2] + gap * type->block_bytes;
    t->nb[3] = t->nb[1] * t->ne[1] + 3 * type->block_bytes;
    t->offset = offset * type->block_bytes;
}

static void test_layouts(void **state)
{
    (void)state;
    static const int types[] = { ATTN_F16, ATTN_Q8_0, ATTN_Q5_1, ATTN_F32 };
    for (int t = 0; t < COUNT(types); t++)
        for (int layout = 0; layout < 6; layout++) {
            struct attn_case c = kernel_case(128, 3, 40, 4, 2, 2, types[t], types[t]);
            struct attn_tensor *x = c.problem.t;
            switch (layout) {
            case 0: /* heads inside rows, odd row starts */
                spread(&x[ATTN_K], 1, 1);
                spread(&x[ATTN_V], 3, 5);
                break;
            case 1: /* aligned slices */
                spread(&x[ATTN_K], 8, 8);
                spread(&x[ATTN_V], 16, 0);
                break;
            case 2: /* V is K */
                spread(&x[ATTN_K], 1, 2);
                x[ATTN_V] = x[ATTN_K];
                x[ATTN_K].buffer = x[ATTN_V].buffer = 1;
                break;
            case 3: /* one sequence, one head for all */
                x[ATTN_K].nb[3] = x[ATTN_V].nb[3] = 0;
                x[ATTN_V].nb[2] = 0;
                x[ATTN_Q].nb[1] = 0;
                x[ATTN_MASK].nb[1] = 0;
                break;
            case 4: /* Q and dst permuted and apart, mask rows apart */
                spread(&x[ATTN_Q], 1, 3);
                spread(&x[ATTN_DST], 5, 1);
                x[ATTN_MASK].ne[3] = 2;
                x[ATTN_MASK].nb[1] = 2 * 51;
                x[ATTN_MASK].nb[3] = 2 * 51 * 4;
                x[ATTN_MASK].offset = 2;
                break;
            case 5: /* keys in the reverse role: rows far apart, heads farther */
                x[ATTN_K].nb[3] = x[ATTN_K].nb[1];
                x[ATTN_K].nb[1] *= 2;
                x[ATTN_K].nb[2] = x[ATTN_K].nb[1] * 40;
                break;
            }
            c.run.seed = (uint64_t)layout;
            c.run.mask = ATTN_MASK_RANDOM;
            run_all_ways(&c, "layouts");
        }
}

/* Splits that are empty because n_kv ends early, or hold no live key, first and last; more of them than threads or
 * elements of the head; with and without sinks. */
static void test_splits(void **state)
{
    (void)state;
    static const int32_t splits[] = { 2, 3, 8, 33, 41, 70, 130 };
    static const int masks[] = { ATTN_MASK_NONE, ATTN_MASK_WINDOW, ATTN_MASK_PREFIX, ATTN_MASK_TILES, ATTN_MASK_ALL };
    for (int s = 0; s < COUNT(splits); s++)
        for (int m = 0; m < COUNT(masks); m++)
            for (int i = 0; i < COUNT(devices); i++) {
                int64_t wave = attn_device_find(devices[i])->wave_size;
                int64_t n_kv = s % 2 ? 200 : 64 * wave + 9; /* a few tiles, or enough for most splits */
                struct attn_case c = kernel_case(64, 1, n_kv, 2, 1, s % 2 ? 3 : 1, ATTN_F16, ATTN_Q4_0);
                c.problem.t[ATTN_MASK].ne[3] = attn_n_seq(&c.problem);
                attn_tensor_contiguous(&c.problem.t[ATTN_MASK]);
                c.problem.t[ATTN_SINKS].present = (uint8_t)((s + m) % 2);
                c.run.mask = masks[m];
                c.run.data = ATTN_DATA_RISING;
                c.run.seed = (uint64_t)(10 * s + m);
                struct attn_plan plan = kernel_plan(&c, devices[i]);
                kernel_plan_splits(&plan, &c.problem, splits[s]);
                kernel_run(&c, &plan, 2, "splits");
            }
}

/* A grid smaller than the work: workgroups go on to their next tile with the same LDS. */
static void test_few_workgroups(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(devices); i++)
        for (int j = 0; j < COUNT(columns); j++) {
            struct attn_case c = kernel_case(128, 5, 140, 6, 2, 3, ATTN_Q5_0, ATTN_Q4_1);
            struct attn_plan plan = kernel_plan(&c, devices[i]);
            kernel_plan_splits(&plan, &c.problem, j % 2 + 1);
            kernel_plan_columns(&plan, &c.problem, columns[j]);
            plan.launch[ATTN_STEP_MAIN].grid[0] = 2;
            plan.launch[ATTN_STEP_COMBINE].grid[0] = plan.splits > 1 ? 2 : 0;
            kernel_run(&c, &plan, 3, "few workgroups");
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_instance_and_pair_of_types),
        cmocka_unit_test(test_tile_edges),
        cmocka_unit_test(test_gqa_ratios),
        cmocka_unit_test(test_masks_and_data),
        cmocka_unit_test(test_softcap_alibi_sinks),
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_splits),
        cmocka_unit_test(test_few_workgroups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
