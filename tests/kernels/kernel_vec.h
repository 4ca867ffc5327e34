/* kernel_vec.h: runs vec's plans on the host executor and holds the results against the reference. For the
 * tests of vec and combine: plans can be bent (more splits, another number of columns) to reach what the planner would
 * choose on other devices only.
 *
 * SPDX-License-Identifier: MIT */
#ifndef KERNEL_VEC_H
#define KERNEL_VEC_H

#include "fuzz/case/attn_case.h"
#include "planner/contracts/shapes.h"
#include "tests/kernels/kernel_drive.h"

#define KERNEL_BYTES_MAX ((int64_t)1 << 28)

/* A case with contiguous tensors, a mask of n_q rows for all heads and sequences, dead cells that hold NaN. */
static inline struct attn_case kernel_case(int64_t d, int64_t n_q, int64_t n_kv, int64_t n_head, int64_t n_head_kv,
                                           int64_t n_seq, int type_k, int type_v)
{
    struct attn_case c;
    memset(&c, 0, sizeof c);
    attn_run_default(&c.run);
    struct attn_problem *p = &c.problem;
    const struct attn_tensor shape[ATTN_OPERAND_COUNT] = {
        [ATTN_Q] = { .type = ATTN_F32, .present = 1, .ne = { d, n_q, n_head, n_seq } },
        [ATTN_K] = { .type = (uint8_t)type_k, .present = 1, .ne = { d, n_kv, n_head_kv, n_seq } },
        [ATTN_V] = { .type = (uint8_t)type_v, .present = 1, .ne = { d, n_kv, n_head_kv, n_seq } },
        [ATTN_MASK] = { .type = ATTN_F16, .present = 1, .ne = { n_kv, n_q, 1, 1 } },
        [ATTN_SINKS] = { .type = ATTN_F32, .present = 0, .ne = { n_head, 1, 1, 1 } },
        [ATTN_DST] = { .type = ATTN_F32, .present = 1, .ne = { d, n_head, n_q, n_seq } },
    };
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        p->t[o] = shape[o];
        attn_tensor_contiguous(&p->t[o]);
    }
    p->scale = 0.125f;
    p->head_total = n_head;
    return c;
}

/* vec's plan on a device; fails the test when the problem is not legal or vec not able. */
static inline struct attn_plan kernel_plan(struct attn_case *c, const char *device)
{
    struct attn_plan plan;
    kernel_plan_of(&c->problem, device, ATTN_KERNEL_vec, &plan);
    for (int i = 0; i < attn_device_count(); i++)
        if (strcmp(attn_device(i)->name, device) == 0)
            c->run.device = i;
    c->run.kernel = ATTN_KERNEL_vec;
    assert_null(attn_plan_check(&plan));
    return plan;
}

/* Another instance: so many columns. */
static inline void kernel_plan_columns(struct attn_plan *plan, const struct attn_problem *p, int32_t columns)
{
    int64_t tiles = (attn_n_q(p) * attn_n_head(p) / attn_n_head_kv(p) + columns - 1) / columns;
    plan->columns = columns;
    if (plan->stage_k)
        plan->arithmetic.weights.lanes = plan->wave_size / columns;
    plan->launch[ATTN_STEP_MAIN].lds_static_bytes =
        (uint32_t)(plan->stage_k ? attn_vec_staged_lds(attn_d_v(p), columns)
                                 : attn_vec_lds(plan->wave_size, attn_d_v(p), columns));
    plan->launch[ATTN_STEP_MAIN].grid[0] = (uint32_t)(tiles * attn_n_head_kv(p) * attn_n_seq(p));
    assert_null(attn_plan_check(plan));
}

/* Cuts the plan's n_kv into so many splits, whatever the planner thought of it. More than there are tiles leave the
 * last ones empty. */
static inline void kernel_plan_splits(struct attn_plan *plan, const struct attn_problem *problem, int32_t splits)
{
    int64_t parts = attn_n_head(problem) * attn_n_q(problem) * attn_n_seq(problem) * splits;
    plan->splits = splits;
    plan->launch[ATTN_STEP_MAIN].grid[1] = (uint32_t)splits;
    plan->steps &= ~(1u << ATTN_STEP_COMBINE);
    plan->region_bytes[ATTN_REGION_PARTIAL] = plan->region_bytes[ATTN_REGION_META] = 0;
    if (splits > 1) {
        struct attn_launch *combine = &plan->launch[ATTN_STEP_COMBINE];
        plan->steps |= 1u << ATTN_STEP_COMBINE;
        memset(combine, 0, sizeof *combine);
        combine->grid[0] = 3;
        combine->grid[1] = combine->grid[2] = combine->block[1] = combine->block[2] = 1;
        combine->block[0] = ATTN_COMBINE_THREADS;
        combine->lds_static_bytes = ATTN_COMBINE_LDS;
        kernel_region(plan, ATTN_REGION_PARTIAL, parts * attn_d_v(problem) * 4);
        kernel_region(plan, ATTN_REGION_META, parts * 8);
    }
    plan->arithmetic.splits = splits;
    assert_null(attn_plan_check(plan));
}

/* Runs the plan under so many schedules and judges it. */
static inline void kernel_run(const struct attn_case *c, const struct attn_plan *plan, int schedules, const char *what)
{
    const uint64_t seeds[] = { 0, UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0x3c6ef372fe94f82a) };
    char line[ATTN_CASE_LINE_MAX], text[512];
    struct attn_image image;
    struct attn_judgement j;
    assert_true(schedules <= 3 && attn_image_create(&c->problem, KERNEL_BYTES_MAX, &image));
    attn_data_fill(c, &image);
    if (!kernel_drive(&c->problem, &image, plan, seeds, schedules, &j, text, sizeof text)) {
        attn_case_print(c, line, sizeof line);
        fail_msg("%s\n%s: %s", line, what, text);
    }
    attn_image_free(&image);
}

#endif
