/* kernels_common.h: runs one kernel on one problem on the checked host executor and holds the result against the
 * reference. For the tests of single kernels: problems are described by what a test varies, data are made here.
 *
 * SPDX-License-Identifier: MIT */
#ifndef KERNELS_COMMON_H
#define KERNELS_COMMON_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/attn_backend.h"
#include "planner/attn_planner.h"
#include "reference/attn_reference.h"

enum kernel_mask {
    KERNEL_MASK_ABSENT,
    KERNEL_MASK_CAUSAL,   /* query i sees keys up to n_kv - n_q + i */
    KERNEL_MASK_OPEN,     /* all zero */
    KERNEL_MASK_RANDOM,   /* half of the keys, a bias on the others */
    KERNEL_MASK_LATE,     /* the first two thirds of the keys are excluded: whole tiles */
    KERNEL_MASK_ROWS,     /* every other row excludes everything */
    KERNEL_MASK_NEGATIVE, /* biases around -1000, as padding is often masked */
    KERNEL_MASK_ALL,      /* nothing is attended to */
    KERNEL_MASK_COUNT
};

enum kernel_layout {
    KERNEL_CONTIGUOUS,
    KERNEL_PERMUTED,  /* heads inside of keys and query rows, as a server's cache and its Q are */
    KERNEL_GAPS,      /* gaps behind every row and an odd offset: the least alignment a type allows */
    KERNEL_BROADCAST, /* one KV head and one sequence of K and V for all, one mask plane */
    KERNEL_V_OF_K,    /* V is the first D_V elements of K's rows */
    KERNEL_FLIPPED,   /* sequences inside of rows, rows inside of heads */
    KERNEL_LAYOUT_COUNT
};

enum kernel_data {
    KERNEL_DATA_UNIFORM,
    KERNEL_DATA_RISING,   /* scores grow along n_kv: every tile moves the maximum */
    KERNEL_DATA_NEGATIVE, /* scores far below zero */
    KERNEL_DATA_WIDE,     /* K and V beyond f16's range where the type has one */
    KERNEL_DATA_COUNT
};

struct kernel_case {
    int64_t d_k, d_v, n_q, n_kv, n_head, n_head_kv, n_seq;
    int type_k, type_v;
    enum kernel_mask mask;
    int64_t mask_heads, mask_seqs;   /* 0: 1 */
    int64_t mask_wider, mask_taller; /* extents beyond n_kv, n_q */
    enum kernel_layout layout;
    enum kernel_data data;
    float softcap, max_bias;
    int64_t head_first, head_total; /* total 0: all of them */
    bool sinks;
    uint64_t seed;
};

/* Two sequences of six heads in twos or threes, with a mask on a layout: of it planes, width and height vary too. */
static inline void kernel_put_mask_on_layout(struct kernel_case *c, int mask, int layout, int64_t n_q, int64_t n_kv)
{
    c->mask = (enum kernel_mask)mask;
    c->layout = (enum kernel_layout)layout;
    c->n_q = n_q;
    c->n_kv = n_kv;
    c->n_head = 6;
    c->n_head_kv = 2;
    c->n_seq = 2;
    c->mask_heads = layout % 2 ? 3 : 1;
    c->mask_seqs = layout % 3 ? 2 : 1;
    c->mask_wider = layout % 2 * 42;
    c->mask_taller = layout % 3 * 3;
}

/* ---- Problem ------------------------------------------------------------------------------------------- */

/* Strides with dimension order[0] innermost, each step `gap` blocks longer than it must be. */
static inline void kernel_strides(struct attn_tensor *t, const int order[3], int64_t gap)
{
    const struct attn_type_info *info = attn_type_info(t->type);
    int64_t bytes = t->ne[0] / info->block_elems * info->block_bytes;
    t->nb[0] = info->block_bytes;
    for (int i = 0; i < 3; i++) {
        bytes += gap * info->block_bytes;
        t->nb[order[i]] = bytes;
        bytes *= t->ne[order[i]];
    }
}

static inline struct attn_tensor kernel_tensor(int type, int64_t a, int64_t b, int64_t c, int64_t d, const int order[3],
                                               int64_t gap, int64_t offset)
{
    struct attn_tensor t = { .ne = { a, b, c, d }, .type = (uint8_t)type, .present = 1 };
    kernel_strides(&t, order, gap);
    t.offset = offset * attn_type_info(type)->block_bytes;
    return t;
}

static inline void kernel_problem(const struct kernel_case *c, struct attn_problem *p)
{
    static const int straight[3] = { 1, 2, 3 }, permuted[3] = { 2, 1, 3 }, flipped[3] = { 3, 1, 2 };
    const int *order = c->layout == KERNEL_PERMUTED ? permuted : c->layout == KERNEL_FLIPPED ? flipped : straight;
    int64_t gap = c->layout == KERNEL_GAPS ? 1 : 0, offset = c->layout == KERNEL_GAPS ? 3 : 0;
    memset(p, 0, sizeof *p);
    p->t[ATTN_Q] = kernel_tensor(ATTN_F32, c->d_k, c->n_q, c->n_head, c->n_seq, order, gap, offset);
    p->t[ATTN_K] = kernel_tensor(c->type_k, c->d_k, c->n_kv, c->n_head_kv, c->n_seq, order, gap, offset);
    p->t[ATTN_V] = kernel_tensor(c->type_v, c->d_v, c->n_kv, c->n_head_kv, c->n_seq, order, gap, offset);
    p->t[ATTN_DST] = kernel_tensor(ATTN_F32, c->d_v, c->n_head, c->n_q, c->n_seq, order, gap, offset);
    if (c->layout == KERNEL_V_OF_K) {
        p->t[ATTN_K].buffer = p->t[ATTN_V].buffer = 1;
        memcpy(p->t[ATTN_V].nb, p->t[ATTN_K].nb, sizeof p->t[ATTN_V].nb);
    }
    if (c->mask != KERNEL_MASK_ABSENT)
        p->t[ATTN_MASK] =
            kernel_tensor(ATTN_F16, c->n_kv + c->mask_wider, c->n_q + c->mask_taller, c->mask_heads ? c->mask_heads : 1,
                          c->mask_seqs ? c->mask_seqs : 1, order, gap, offset);
    if (c->sinks)
        p->t[ATTN_SINKS] = kernel_tensor(ATTN_F32, c->n_head, 1, 1, 1, straight, 0, offset);
    if (c->layout == KERNEL_BROADCAST) {
        for (int d = 2; d < 4; d++)
            p->t[ATTN_K].nb[d] = p->t[ATTN_V].nb[d] = 0;
        if (c->mask != KERNEL_MASK_ABSENT)
            p->t[ATTN_MASK].nb[2] = p->t[ATTN_MASK].nb[3] = 0;
    }
    p->scale = 1.0f / sqrtf((float)c->d_k);
    p->softcap = c->softcap;
    p->max_bias = c->max_bias;
    p->head_first = c->head_first;
    p->head_total = c->head_total ? c->head_total : c->n_head;
}

/* ---- Data ---------------------------------------------------------------------------------------------- */

static inline uint64_t kernel_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* Uniform in (-1, 1). */
static inline float kernel_uniform(uint64_t *state)
{
    return (float)((double)(kernel_random(state) >> 11) * 0x1p-52 - 1.0);
}

static inline char *kernel_at(const struct attn_image *image, const struct attn_problem *p, int o, int64_t i1,
                              int64_t i2, int64_t i3)
{
    const struct attn_tensor *t = &p->t[o];
    return (char *)attn_image_at(image, p, o) + i1 * t->nb[1] + i2 * t->nb[2] + i3 * t->nb[3];
}

static inline float kernel_mask_value(const struct kernel_case *c, int64_t key, int64_t iq, uint64_t *state)
{
    float bias = kernel_uniform(state);
    switch (c->mask) {
    case KERNEL_MASK_CAUSAL: return key <= c->n_kv - c->n_q + iq ? 0.0f : -INFINITY;
    case KERNEL_MASK_RANDOM: return bias < 0 ? -INFINITY : 2 * bias - 1;
    case KERNEL_MASK_LATE: return key < c->n_kv * 2 / 3 ? -INFINITY : 0.0f;
    case KERNEL_MASK_ROWS: return iq % 2 ? -INFINITY : 0.0f;
    case KERNEL_MASK_NEGATIVE: return -1000.0f + 2 * bias;
    case KERNEL_MASK_ALL: return -INFINITY;
    default: return 0.0f;
    }
}

static inline bool kernel_cell_lives(const struct kernel_case *c, const struct attn_problem *p,
                                     const struct attn_image *image, int64_t key, int64_t s)
{
    const struct attn_tensor *mask = &p->t[ATTN_MASK];
    if (!mask->present)
        return true;
    for (int64_t h = 0; h < mask->ne[2]; h++)
        for (int64_t iq = 0; iq < c->n_q; iq++) {
            uint16_t bits;
            memcpy(&bits, kernel_at(image, p, ATTN_MASK, iq, h, s % mask->ne[3]) + 2 * key, 2);
            if (bits != 0xFC00)
                return true;
        }
    return false;
}

/* Fills an image; cells of K and V that nothing attends to keep the NaN that images are made with, and so do mask
 * elements outside n_q x n_kv. */
static inline void kernel_fill(const struct kernel_case *c, const struct attn_problem *p, struct attn_image *image)
{
    uint64_t state = c->seed * 77 + 1;
    const struct attn_tensor *mask = &p->t[ATTN_MASK];
    if (mask->present)
        for (int64_t s = 0; s < mask->ne[3]; s++)
            for (int64_t h = 0; h < mask->ne[2]; h++)
                for (int64_t iq = 0; iq < c->n_q; iq++)
                    for (int64_t key = 0; key < c->n_kv; key++) {
                        uint16_t bits = attn_f32_to_f16(kernel_mask_value(c, key, iq, &state));
                        memcpy(kernel_at(image, p, ATTN_MASK, iq, h, s) + 2 * key, &bits, 2);
                    }
    if (p->t[ATTN_SINKS].present)
        for (int64_t h = 0; h < c->n_head; h++) {
            float sink = 2 * kernel_uniform(&state);
            memcpy((char *)attn_image_at(image, p, ATTN_SINKS) + 4 * h, &sink, 4);
        }

    float *row = malloc((size_t)(c->d_k > c->d_v ? c->d_k : c->d_v) * sizeof *row);
    assert_non_null(row);
    for (int64_t s = 0; s < c->n_seq; s++)
        for (int64_t h = 0; h < c->n_head; h++)
            for (int64_t iq = 0; iq < c->n_q; iq++) {
                for (int64_t d = 0; d < c->d_k; d++) {
                    row[d] = kernel_uniform(&state);
                    if (c->data == KERNEL_DATA_RISING || c->data == KERNEL_DATA_NEGATIVE)
                        row[d] = 0.75f + 0.25f * row[d];
                    if (c->data == KERNEL_DATA_WIDE)
                        row[d] *= 0x1p-20f;
                }
                memcpy(kernel_at(image, p, ATTN_Q, iq, h, s), row, (size_t)c->d_k * 4);
            }
    for (int o = ATTN_K; o <= ATTN_V; o++) {
        const struct attn_tensor *t = &p->t[o];
        bool narrow = t->type != ATTN_F32 && t->type != ATTN_BF16;
        if (o == ATTN_V && c->layout == KERNEL_V_OF_K)
            continue;
        for (int64_t s = 0; s < c->n_seq; s++)
            for (int64_t key = 0; key < c->n_kv; key++) {
                bool lives = kernel_cell_lives(c, p, image, key, s);
                for (int64_t h = 0; h < c->n_head_kv; h++) {
                    for (int64_t d = 0; d < t->ne[0]; d++) {
                        float x = kernel_uniform(&state);
                        if (o == ATTN_K && c->data == KERNEL_DATA_RISING)
                            x = (0.6f + 0.4f * x) * (0.2f + 1.5f * (float)key / (float)c->n_kv);
                        if (o == ATTN_K && c->data == KERNEL_DATA_NEGATIVE)
                            x = -8.0f + x;
                        if (c->data == KERNEL_DATA_WIDE)
                            x *= narrow ? 16384.0f : 0x1p20f;
                        row[d] = x;
                    }
                    if (lives)
                        attn_row_encode(t->type, row, t->ne[0], kernel_at(image, p, o, key, h, s));
                }
            }
    }
    free(row);
}

/* ---- Run ----------------------------------------------------------------------------------------------- */

struct kernel_result {
    struct attn_judgement judgement;
    struct attn_failure failure;
    bool ran, passed;
};

/* Runs a case by the given plan on the executor, under a schedule. */
static inline void kernel_run_plan(const struct kernel_case *c, const struct attn_problem *p,
                                   const struct attn_plan *plan, uint64_t schedule, struct kernel_result *result)
{
    struct attn_image image;
    assert_true(attn_image_create(p, (int64_t)1 << 30, &image));
    kernel_fill(c, p, &image);
    const void *base[ATTN_OPERAND_COUNT];
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        base[o] = attn_image_at(&image, p, o);
    struct attn_reference *reference = attn_reference_compute(p, base);
    assert_non_null(reference);

    struct attn_host_options options = { .schedule = schedule, .checked = true };
    struct attn_backend *backend = attn_host_open(&options);
    assert_non_null(backend);
    memset(result, 0, sizeof *result);
    struct attn_memory *memory = backend->ops->alloc(backend, p, &image, plan->workspace_bytes, &result->failure);
    assert_non_null(memory);
    assert_true(backend->ops->upload(backend, memory, &image, &result->failure));
    result->ran = backend->ops->run(backend, memory, p, plan, &result->failure);
    if (result->ran) {
        assert_true(backend->ops->download(backend, memory, &image, &result->failure));
        result->passed = attn_judge(reference, &plan->arithmetic, base[ATTN_DST], &result->judgement);
    }
    backend->ops->free(backend, memory);
    backend->ops->close(backend);
    attn_reference_free(reference);
    attn_image_free(&image);
}

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
    struct attn_error error;
    struct attn_key key;
    struct attn_plan plan;
    struct kernel_result result;
    kernel_problem(c, &p);
    if (attn_problem_check(&p, &error) != ATTN_E_OK) {
        char text[256];
        attn_error_text(&error, text, sizeof text);
        fail_msg("the test's problem is not legal: %s", text);
    }
    attn_key_of(&p, &key);
    if (!attn_plan_kernel(attn_device_find(device), &key, kernel, &plan, NULL))
        fail_msg("%s is not able on %s for %lld/%lld", attn_kernel(kernel)->name, device, (long long)c->d_k,
                 (long long)c->d_v);
    if (change)
        change(&plan);
    const char *wrong = attn_plan_check(&plan);
    if (wrong)
        fail_msg("the plan is not sound: %s", wrong);
    kernel_run_plan(c, &p, &plan, c->seed, &result);
    if (result.passed)
        return;
    kernel_describe(c, &p, &plan);
    if (!result.ran)
        fail_msg("%s: %s", attn_failure_name(result.failure.code), result.failure.text);
    const struct attn_judgement *j = &result.judgement;
    fail_msg(
        "%lld of %lld components failed; worst %g times its limit: d %lld h %lld iq %lld s %lld: got %.9g, want %.9g +- %g",
        (long long)j->failed, (long long)j->components, j->worst, (long long)j->d, (long long)j->h, (long long)j->iq,
        (long long)j->s, j->got, j->want, j->limit);
}

/* ---- Plans edited by tests ------------------------------------------------------------------------------- */

/* Gives a plan a new region at the end of its workspace. */
static inline void kernel_region(struct attn_plan *plan, int region, int64_t bytes)
{
    plan->region_offset[region] = plan->workspace_bytes;
    plan->region_bytes[region] = bytes;
    plan->workspace_bytes += (bytes + 255) & ~(int64_t)255;
}

static inline void kernel_launch(struct attn_plan *plan, int step, uint32_t x, uint32_t threads)
{
    struct attn_launch launch = { .grid = { x, 1, 1 }, .block = { threads, 1, 1 } };
    plan->steps |= 1u << step;
    plan->launch[step] = launch;
}

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
    plan->arithmetic.merges += n - plan->splits;
    plan->splits = n;
    plan->launch[ATTN_STEP_MAIN].grid[1] = (uint32_t)n;
    plan->steps |= 1u << ATTN_STEP_COMBINE;
    plan->launch[ATTN_STEP_COMBINE] = split.launch[ATTN_STEP_COMBINE];
    plan->launch[ATTN_STEP_COMBINE].grid[0] = (uint32_t)(rows < 5 ? rows : 5);
}

/* ---- Changes to a plan that tests of several kernels run it with ---- */

static inline void kernel_split_in_two(struct attn_plan *plan) { kernel_force_splits(plan, 2); }
static inline void kernel_split_in_seven(struct attn_plan *plan) { kernel_force_splits(plan, 7); }

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

#endif
