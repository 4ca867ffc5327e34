/* kernel_vec.h: runs vec's plans on the host executor and holds the results against the reference. For the
 * tests of vec and combine: plans can be bent (more splits, another number of columns) to reach what the planner would
 * choose on other devices only.
 *
 * SPDX-License-Identifier: MIT */
#ifndef KERNEL_VEC_H
#define KERNEL_VEC_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/attn_backend.h"
#include "fuzz/case/attn_case.h"
#include "planner/attn_planner.h"
#include "reference/attn_reference.h"

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
    struct attn_key key;
    struct attn_plan plan;
    struct attn_error error;
    char text[256];
    if (attn_problem_check(&c->problem, &error) != ATTN_E_OK) {
        attn_error_text(&error, text, sizeof text);
        fail_msg("%s", text);
    }
    attn_key_of(&c->problem, &key);
    for (int i = 0; i < attn_device_count(); i++)
        if (strcmp(attn_device(i)->name, device) == 0)
            c->run.device = i;
    c->run.kernel = ATTN_KERNEL_vec;
    if (!attn_plan_kernel(attn_device_find(device), &key, ATTN_KERNEL_vec, &plan, NULL))
        fail_msg("vec is not able on %s", device);
    assert_null(attn_plan_check(&plan));
    return plan;
}

/* Another instance: so many columns. */
static inline void kernel_plan_columns(struct attn_plan *plan, const struct attn_problem *p, int32_t columns)
{
    int64_t wave = plan->wave_size, d = attn_d_v(p), weights = 2 * wave * columns;
    int64_t output = (columns < 2 ? 1 : 2) * (d > 8 * wave ? d : 8 * wave);
    int64_t tiles = (attn_n_q(p) * attn_n_head(p) / attn_n_head_kv(p) + columns - 1) / columns;
    int64_t staged =
        (4 * columns * (8 + 4 * 2 * 32 + d / 32 * 17 + 1) + 7) / 8 * 8 + 8 * columns; /* struct vec_staged_lds */
    plan->columns = columns;
    plan->launch[ATTN_STEP_MAIN].lds_static_bytes =
        (uint32_t)(plan->stage_k ? (staged + 15) / 16 * 16
                                 : 4 * (8 * columns + 4 * (weights > output ? weights : output)));
    plan->launch[ATTN_STEP_MAIN].grid[0] = (uint32_t)(tiles * attn_n_head_kv(p) * attn_n_seq(p));
    assert_null(attn_plan_check(plan));
}

static inline void kernel_plan_region(struct attn_plan *plan, int region, int64_t bytes)
{
    plan->region_offset[region] = plan->workspace_bytes;
    plan->region_bytes[region] = bytes;
    plan->workspace_bytes += (bytes + 255) & ~(int64_t)255;
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
        combine->block[0] = 64;
        combine->lds_static_bytes = 512; /* struct combine_lds */
        kernel_plan_region(plan, ATTN_REGION_PARTIAL, parts * attn_d_v(problem) * 4);
        kernel_plan_region(plan, ATTN_REGION_META, parts * 8);
    }
    plan->arithmetic.merges += splits;
    assert_null(attn_plan_check(plan));
}

/* Runs the plan under each of `schedules` schedule seeds and judges it: no failure, every component within the bound,
 * every byte that is not dst's as it was, and the same bits under every schedule. */
static inline void kernel_run(const struct attn_case *c, const struct attn_plan *plan, int schedules, const char *what)
{
    char line[ATTN_CASE_LINE_MAX];
    struct attn_host_options options = { .checked = true };
    struct attn_image image, out, first;
    struct attn_failure failure = { 0 };
    const void *base[ATTN_OPERAND_COUNT];

    attn_case_print(c, line, sizeof line);
    assert_true(attn_image_create(&c->problem, KERNEL_BYTES_MAX, &image));
    assert_true(attn_image_create(&c->problem, KERNEL_BYTES_MAX, &out));
    assert_true(attn_image_create(&c->problem, KERNEL_BYTES_MAX, &first));
    attn_data_fill(c, &image);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        base[o] = attn_image_at(&image, &c->problem, o);
    struct attn_reference *reference = attn_reference_compute(&c->problem, base);
    struct attn_backend *backend = attn_host_open(&options);
    assert_non_null(reference);
    assert_non_null(backend);
    struct attn_memory *memory = backend->ops->alloc(backend, &c->problem, &image, plan->workspace_bytes, &failure);
    if (!memory)
        fail_msg("%s", failure.text);

    for (int s = 0; s < schedules; s++) {
        attn_host_schedule(backend, (uint64_t)s * UINT64_C(0x9e3779b97f4a7c15));
        struct attn_image *to = s == 0 ? &first : &out;
        if (!backend->ops->upload(backend, memory, &image, &failure) ||
            !backend->ops->run(backend, memory, &c->problem, plan, &failure) ||
            !backend->ops->download(backend, memory, to, &failure))
            fail_msg("%s\n%s, schedule %d: %s", line, what, s, failure.text);
        for (int b = 0; b < image.n_buffers; b++)
            for (int64_t i = 0; i < image.buffer[b].size; i++) {
                if (image.buffer[b].role[i] != ATTN_ROLE_DST && image.buffer[b].bytes[i] != to->buffer[b].bytes[i])
                    fail_msg("%s\n%s changed byte %lld of buffer %d", line, what, (long long)i, b);
                if (first.buffer[b].bytes[i] != to->buffer[b].bytes[i])
                    fail_msg("%s\n%s: byte %lld of buffer %d differs under schedule %d", line, what, (long long)i, b,
                             s);
            }
    }
    struct attn_judgement j;
    if (!attn_judge(reference, &plan->arithmetic, attn_image_at(&first, &c->problem, ATTN_DST), &j))
        fail_msg("%s\n%s: d=%lld head=%lld row=%lld seq=%lld is %.9g, must be %.9g within %.3g (%lld of %lld)", line,
                 what, (long long)j.d, (long long)j.h, (long long)j.iq, (long long)j.s, j.got, j.want, j.limit,
                 (long long)j.failed, (long long)j.components);

    backend->ops->free(backend, memory);
    backend->ops->close(backend);
    attn_reference_free(reference);
    attn_image_free(&image);
    attn_image_free(&out);
    attn_image_free(&first);
}

#endif
