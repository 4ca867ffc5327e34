/* planner_api.h: random legal problems and random devices for the tests of the planner's core. Made by construction,
 * from the definition of a legal problem; it asks the planner nothing.
 *
 * SPDX-License-Identifier: MIT */
#ifndef PLANNER_API_H
#define PLANNER_API_H

#include "tests/planner/planner_text.h"

/* Fails a test about a problem on a device. */
static inline void fail_line(const struct attn_problem *p, const struct attn_device *d, const char *why)
{
    char line[ATTN_LINE_MAX];
    attn_problem_print(p, line, sizeof line);
    fail_msg("%s\non %s (wave %d, %d CUs, LDS %d/%d, %d threads, grid %u,%u,%u): %s", line, d->name, d->wave_size,
             d->n_cu, d->lds_bytes, d->lds_static_bytes, d->max_threads, d->max_grid[0], d->max_grid[1], d->max_grid[2],
             why);
}

static inline bool one_in(uint64_t *seed, uint64_t n) { return attn_random_below(seed, n) == 0; }

/* 1 <= result <= most, small ones as likely as large ones. */
static inline int64_t random_extent(uint64_t *seed, int64_t most)
{
    int64_t limit = INT64_C(1) << attn_random_below(seed, 12);
    return 1 + (int64_t)attn_random_below(seed, (uint64_t)(limit < most ? limit : most));
}

/* A pair of head sizes: mostly a known one, `any` allows others. */
static inline void random_head_size(uint64_t *seed, bool any, int64_t *d_k, int64_t *d_v)
{
    const struct attn_head_size *s = attn_head_size((int)attn_random_below(seed, ATTN_HEAD_SIZE_COUNT));
    bool other = any && one_in(seed, 4);
    *d_k = other ? random_extent(seed, 700) : s->d_k;
    *d_v = other ? random_extent(seed, 700) : s->d_v;
}

static inline uint8_t random_kv_type(uint64_t *seed, int64_t d)
{
    uint8_t type;
    do
        type = (uint8_t)attn_random_below(seed, ATTN_TYPE_COUNT);
    while (d % attn_type_info(type)->block_elems != 0);
    return type;
}

/* Lays a tensor's dimensions 1..3 out in a random order with random gaps; some broadcast where it may. Strides of
 * extent-1 dimensions get any bits. */
static inline void random_layout(uint64_t *seed, struct attn_tensor *t, bool may_broadcast)
{
    const struct attn_type_info *type = attn_type_info(t->type);
    int order[3] = { 1, 2, 3 };
    for (int i = 2; i > 0; i--) {
        int j = (int)attn_random_below(seed, (uint64_t)i + 1), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    bool plain = one_in(seed, 3);
    if (plain)
        order[0] = 1, order[1] = 2, order[2] = 3;
    int64_t span = attn_row_bytes(t->type, t->ne[0]);
    t->nb[0] = type->block_bytes;
    for (int i = 0; i < 3; i++) {
        int d = order[i];
        if (t->ne[d] == 1 && one_in(seed, 2)) {
            t->nb[d] = (int64_t)attn_random(seed);
            continue;
        }
        if (may_broadcast && t->ne[d] > 1 && one_in(seed, 12)) {
            t->nb[d] = 0;
            continue;
        }
        int64_t gap = plain || one_in(seed, 2) ? 0 : (int64_t)attn_random_below(seed, one_in(seed, 2) ? 4 : 300);
        t->nb[d] = span + gap * type->block_bytes;
        span = t->nb[d] * (t->ne[d] - 1) + span;
    }
    t->offset = one_in(seed, 2) ? 0 : (int64_t)attn_random_below(seed, 100) * type->block_bytes;
    t->buffer = 0;
}

static inline int64_t random_divisor(uint64_t *seed, int64_t n)
{
    if (one_in(seed, 2))
        return one_in(seed, 2) ? n : 1;
    int64_t d = 1 + (int64_t)attn_random_below(seed, (uint64_t)n);
    while (n % d)
        d--;
    return d;
}

/* A legal problem; of known head sizes only unless `any`. */
static inline void random_legal(uint64_t *seed, bool any, struct attn_problem *p)
{
    int64_t d_k, d_v;
    memset(p, 0, sizeof *p);
    random_head_size(seed, any, &d_k, &d_v);
    int64_t n_q = one_in(seed, 2) ? 1 + (int64_t)attn_random_below(seed, 16) : random_extent(seed, 2048);
    int64_t n_kv = random_extent(seed, 2048) * (one_in(seed, 4) ? 32 : 1);
    int64_t n_head_kv = random_extent(seed, 32), n_seq = one_in(seed, 3) ? random_extent(seed, 8) : 1;
    int64_t n_head = n_head_kv * random_extent(seed, 16);
    attn_tensor_set(&p->t[ATTN_Q], ATTN_F32, d_k, n_q, n_head, n_seq);
    attn_tensor_set(&p->t[ATTN_K], random_kv_type(seed, d_k), d_k, n_kv, n_head_kv, n_seq);
    attn_tensor_set(&p->t[ATTN_V], random_kv_type(seed, d_v), d_v, n_kv, n_head_kv, n_seq);
    attn_tensor_set(&p->t[ATTN_DST], ATTN_F32, d_v, n_head, n_q, n_seq);
    if (!one_in(seed, 3))
        attn_tensor_set(&p->t[ATTN_MASK], ATTN_F16,
                        n_kv + (one_in(seed, 2) ? (int64_t)attn_random_below(seed, 300) : 0),
                        n_q + (one_in(seed, 2) ? (int64_t)attn_random_below(seed, 70) : 0),
                        random_divisor(seed, n_head), random_divisor(seed, n_seq));
    if (one_in(seed, 3))
        attn_tensor_set(&p->t[ATTN_SINKS], ATTN_F32, n_head, 1, 1, 1);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        if (p->t[o].present)
            random_layout(seed, &p->t[o], o != ATTN_DST && o != ATTN_SINKS);
    p->scale = 0.125f;
    p->softcap = one_in(seed, 3) ? 30.0f : 0.0f;
    p->max_bias = p->t[ATTN_MASK].present && one_in(seed, 3) ? 8.0f : 0.0f;
    p->head_first = one_in(seed, 2) ? (int64_t)attn_random_below(seed, 5) : 0;
    p->head_total = p->head_first + n_head + (one_in(seed, 2) ? (int64_t)attn_random_below(seed, 5) : 0);
}

static inline int64_t edge_extent(uint64_t *seed, int64_t most)
{
    int64_t n = (int64_t)(attn_random(seed) >> 1 >> attn_random_below(seed, 63));
    if (attn_random_below(seed, 4) == 0)
        n = most;
    return n < 1 ? 1 : n > most ? most : n;
}

/* A problem with extents as large as legality lets them be: broadcasts cost no bytes. False when it came out illegal
 * all the same. */
static inline bool huge_problem(uint64_t *seed, struct attn_problem *p)
{
    int64_t room = INT64_C(1) << 60, d_v = edge_extent(seed, room);
    room /= d_v;
    int64_t n_head = edge_extent(seed, room);
    room /= n_head;
    int64_t n_seq = edge_extent(seed, room);
    room /= n_seq;
    int64_t n_q = edge_extent(seed, room), n_head_kv = attn_random_below(seed, 2) ? n_head : 1;
    int64_t d_k = edge_extent(seed, (INT64_C(1) << 61) - 1), n_kv = edge_extent(seed, (INT64_C(1) << 62) - 1);
    const struct attn_tensor q = { { d_k, n_q, n_head, n_seq }, { 4, 0, 0, 0 }, 0, ATTN_F32, 0, 1, NULL };
    const struct attn_tensor k = { { d_k, n_kv, n_head_kv, n_seq }, { 4, 0, 0, 0 }, 0, ATTN_F32, 0, 1, NULL };
    const struct attn_tensor v = { { d_v, n_kv, n_head_kv, n_seq }, { 2, 0, 0, 0 }, 0, ATTN_BF16, 0, 1, NULL };
    const struct attn_tensor mask = { { n_kv, n_q, n_head, n_seq }, { 2, 0, 0, 0 }, 0, ATTN_F16, 0, 1, NULL };
    const struct attn_tensor sinks = { { n_head, 1, 1, 1 }, { 4, 0, 0, 0 }, 0, ATTN_F32, 0, 1, NULL };
    struct attn_tensor dst = { { d_v, n_head, n_q, n_seq }, { 0, 0, 0, 0 }, 0, ATTN_F32, 0, 1, NULL };
    attn_tensor_contiguous(&dst);
    memset(p, 0, sizeof *p);
    p->t[ATTN_Q] = q;
    p->t[ATTN_K] = k;
    p->t[ATTN_V] = v;
    p->t[ATTN_MASK] = mask;
    p->t[ATTN_SINKS] = sinks;
    p->t[ATTN_DST] = dst;
    p->scale = p->softcap = p->max_bias = 1.0f;
    p->head_total = n_head;
    return attn_problem_check(p, NULL) == ATTN_E_OK;
}

/* A valid device, its limits anywhere from the least allowed up. */
static inline void random_device(uint64_t *seed, struct attn_device *d)
{
    memset(d, 0, sizeof *d);
    memcpy(d->name, "random", 7);
    d->wave_size = one_in(seed, 2) ? 32 : 64;
    d->n_cu = 1 + (int32_t)attn_random_below(seed, one_in(seed, 2) ? 4 : 400);
    d->lds_static_bytes = 20480 + (int32_t)attn_random_below(seed, one_in(seed, 2) ? 3000 : 150000);
    d->lds_bytes = d->lds_static_bytes + (one_in(seed, 2) ? 0 : (int32_t)attn_random_below(seed, 100000));
    d->max_threads = 256 + (int32_t)(one_in(seed, 2) ? 0 : attn_random_below(seed, 769));
    d->max_grid[0] = 1024 + (uint32_t)(one_in(seed, 2) ? 0 : attn_random_below(seed, 2147482624));
    d->max_grid[1] = 1 + (uint32_t)(one_in(seed, 2) ? 0 : attn_random_below(seed, 65535));
    d->max_grid[2] = 1 + (uint32_t)(one_in(seed, 2) ? 0 : attn_random_below(seed, 65535));
    d->matrix = (int32_t)attn_random_below(seed, ATTN_MATRIX_COUNT);
    d->dot_f16 = (uint8_t)attn_random_below(seed, 2);
    d->async_copy = (uint8_t)attn_random_below(seed, 2);
}

/* A device at every limit. */
static inline struct attn_device least_device(int wave_size)
{
    const struct attn_device d = { .name = "least",
                                   .wave_size = wave_size,
                                   .n_cu = 1,
                                   .lds_bytes = 20480,
                                   .lds_static_bytes = 20480,
                                   .max_threads = 256,
                                   .max_grid = { 1024, 1, 1 } };
    return d;
}

#endif
