/* kernels_common.h: runs one kernel on one kernel_case and fails the test with its description.
 *
 * SPDX-License-Identifier: MIT */
#ifndef KERNELS_COMMON_H
#define KERNELS_COMMON_H

#include "tests/kernels/kernel_drive.h"
#include "tests/kernels/kernels_case.h"
#include "tests/kernels/kernels_data.h"

static inline void kernel_describe(const struct kernel_case *c, const struct attn_problem *p,
                                   const struct attn_plan *plan)
{
    char line[ATTN_LINE_MAX];
    attn_problem_print(p, line, sizeof line);
    print_error("%s\nmask %d layout %d data %d seed %llu on %s: %s, columns %d, splits %d, scan %d, convert %d %d\n",
                line, c->mask, c->layout, c->data, (unsigned long long)c->seed, plan->device.name,
                attn_kernel(plan->kernel)->name, plan->columns, plan->splits, plan->scan, plan->convert_k,
                plan->convert_v);
}

/* Runs a case on a kernel of the list for a device of the table; `change` (may be NULL) may edit the plan. Any failure
 * fails the test with the case's description. */
static inline void kernel_check(const struct kernel_case *c, const char *device, int kernel,
                                void (*change)(struct attn_plan *))
{
    struct attn_problem p;
    struct attn_plan plan;
    struct attn_image image;
    struct attn_judgement j;
    char text[512];
    kernel_problem(c, &p);
    kernel_plan_of(&p, device, kernel, &plan);
    if (change)
        change(&plan);
    const char *wrong = attn_plan_check(&plan);
    if (wrong)
        fail_msg("the plan is not sound: %s", wrong);
    assert_true(attn_image_create(&p, (int64_t)1 << 30, &image));
    kernel_fill(c, &p, &image);
    if (!kernel_drive(&p, &image, &plan, &c->seed, 1, &j, text, sizeof text)) {
        kernel_describe(c, &p, &plan);
        fail_msg("%s", text);
    }
    attn_image_free(&image);
}

/* ---- Changes to a plan that tests of several kernels run it with ---- */

/* Cuts a plan into n splits, however many it had. The combine launch is the planner's: asked for with a longer n_kv. */
static inline void kernel_force_splits(struct attn_plan *plan, int n)
{
    struct attn_key longer = plan->key;
    struct attn_plan split;
    longer.n_kv = 1 << 20;
    longer.n_q = longer.n_seq = 1;
    assert_true(attn_plan_kernel(&plan->device, &longer, plan->kernel, &split, NULL));
    assert_true(split.splits > 1);
    int64_t rows = plan->key.n_head * plan->key.n_q * plan->key.n_seq;
    kernel_region(plan, ATTN_REGION_PARTIAL, rows * n * plan->key.d_v * 4);
    kernel_region(plan, ATTN_REGION_META, rows * n * 8);
    plan->arithmetic.splits = n;
    plan->splits = n;
    plan->launch[ATTN_STEP_MAIN].grid[1] = (uint32_t)n;
    plan->steps |= 1u << ATTN_STEP_COMBINE;
    plan->launch[ATTN_STEP_COMBINE] = split.launch[ATTN_STEP_COMBINE];
    plan->launch[ATTN_STEP_COMBINE].grid[0] = (uint32_t)(rows < 5 ? rows : 5);
}

static inline void kernel_split_in_two(struct attn_plan *plan) { kernel_force_splits(plan, 2); }
static inline void kernel_split_in_seven(struct attn_plan *plan) { kernel_force_splits(plan, 7); }

/* All tiles of keys one after the other in one workgroup: a device as large as those of the table would split them. */
static inline void kernel_do_not_split(struct attn_plan *plan)
{
    plan->splits = plan->arithmetic.splits = 1;
    plan->launch[ATTN_STEP_MAIN].grid[1] = 1;
    plan->steps &= ~(1u << ATTN_STEP_COMBINE);
}

/* Fewer workgroups than work items. */
static inline void kernel_use_two_workgroups(struct attn_plan *plan)
{
    for (int s = 0; s < ATTN_STEP_COUNT; s++)
        if (plan->launch[s].grid[0] > 2)
            plan->launch[s].grid[0] = 2;
}

static inline void kernel_add_scan(struct attn_plan *plan)
{
    const struct attn_key *k = &plan->key;
    plan->scan = 1;
    plan->scan_q = 3;
    kernel_region(plan, ATTN_REGION_SCAN,
                  k->mask_heads * k->mask_seqs * ((k->n_q + 2) / 3) * ((k->n_kv + plan->kv_tile - 1) / plan->kv_tile));
    kernel_launch(plan, ATTN_STEP_SCAN, 2, 64);
}

static inline void kernel_add_scan_and_splits(struct attn_plan *plan)
{
    kernel_add_scan(plan);
    kernel_force_splits(plan, 3);
}

/* How mma is planned for a case. */
static inline void kernel_mma_plan(const struct kernel_case *c, const struct attn_device *device,
                                   struct attn_plan *plan)
{
    struct attn_problem p;
    struct attn_key key;
    kernel_problem(c, &p);
    attn_key_of(&p, &key);
    assert_true(attn_plan_kernel(device, &key, ATTN_KERNEL_mma, plan, NULL));
}

/* mma has a plan of a kind on the device, down to the LDS that it takes and for more than 16 columns; on_sm_80: there
 * too, where its LDS is enough. */
static inline void kernel_mma_needs(struct kernel_case c, const char *device, bool (*kind)(const struct attn_plan *),
                                    bool on_sm_80)
{
    const struct attn_device *older = attn_device_find("sm_80");
    struct attn_plan plan;
    const struct attn_device whole = kernel_device(device);
    struct attn_device weak = whole;
    kernel_mma_plan(&c, &weak, &plan);
    assert_true(kind(&plan));
    const int32_t needed = (int32_t)plan.launch[ATTN_STEP_MAIN].lds_dynamic_bytes;
    weak.lds_bytes = needed;
    kernel_mma_plan(&c, &weak, &plan);
    assert_true(kind(&plan));
    weak.lds_bytes = needed - 1;
    kernel_mma_plan(&c, &weak, &plan);
    assert_false(kind(&plan));
    kernel_mma_plan(&c, older, &plan);
    assert_int_equal(kind(&plan), on_sm_80 && needed <= older->lds_bytes);
    c.n_q = 16;
    kernel_mma_plan(&c, &whole, &plan);
    assert_false(kind(&plan));
}

#endif
