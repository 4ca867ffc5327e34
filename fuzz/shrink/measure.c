/* measure.c: how small a case is. See shrink.h.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "fuzz/shrink/search.h"
#include "planner/arith.h"

static void add(uint64_t *sum, int64_t value)
{
    uint64_t v = value < 0 ? UINT64_MAX : (uint64_t)value;
    *sum = *sum > UINT64_MAX - v ? UINT64_MAX : *sum + v;
}

static void add_u64(uint64_t *sum, uint64_t v) { *sum = *sum > UINT64_MAX - v ? UINT64_MAX : *sum + v; }

/* How far a factor is from 1. */
static void add_float(uint64_t *sum, float value)
{
    double far = value > 1 ? (double)value - 1 : 1 - (double)value;
    add(sum, far < 1e9 ? (int64_t)(far * 1024) : INT64_MAX);
}

int64_t shrink_next_stride(const struct attn_tensor *t, int dim)
{
    int64_t next = attn_tensor_row_bytes(t), end;
    for (int d = 1; d < dim; d++)
        if (t->ne[d] > 1 && attn_mul(t->ne[d], t->nb[d], &end) && end > next)
            next = end;
    return next;
}

static void measure_tensor(const struct attn_tensor *t, struct attn_shrink_size *size)
{
    size->features += (t->offset != 0) + (t->buffer != 0);
    add(&size->rest, t->offset);
    add(&size->rest, t->buffer);
    if (attn_tensor_has_default_strides(t))
        return;
    size->features++;
    for (int d = 1; d < 4; d++) {
        size->features += t->ne[d] > 1 && t->nb[d] == 0;
        /* A dimension that does not move is as it should be where it goes on from those before. */
        add(&size->rest, t->ne[d] > 1 ? t->nb[d] : t->nb[d] != shrink_next_stride(t, d));
    }
}

static int type_rank(int type) { return type == ATTN_F16 ? 0 : 1 + type; }

static void measure_problem(const struct attn_problem *p, struct attn_shrink_size *size)
{
    static const int sized[] = { ATTN_Q, ATTN_K, ATTN_V, ATTN_MASK };
    const int64_t *mask = p->t[ATTN_MASK].ne;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        if (p->t[o].present)
            measure_tensor(&p->t[o], size);
    for (size_t i = 0; i < sizeof sized / sizeof sized[0]; i++)
        for (int d = 0; d < 4 && p->t[sized[i]].present; d++)
            add(&size->extents, p->t[sized[i]].ne[d]);
    for (int d = 0; d < 4 && p->further.present; d++)
        add(&size->extents, p->further.ne[d]);
    if (p->t[ATTN_MASK].present)
        size->features += 1u + (mask[0] > attn_n_kv(p)) + (mask[1] > attn_n_q(p)) + (mask[2] > 1) + (mask[3] > 1);
    size->features += p->t[ATTN_SINKS].present != 0;
    size->features += (p->t[ATTN_K].type != ATTN_F16) + (p->t[ATTN_V].type != ATTN_F16);
    size->features += (p->scale != 1.0f) + (p->softcap != 0.0f) + (p->max_bias != 0.0f);
    size->features += (p->prec != ATTN_PREC_UNSAID) + (p->n_kv_max != 0) + (p->further.present != 0);
    size->features += p->head_first != 0 || p->head_total != attn_n_head(p);
    add(&size->rest, 2 * type_rank(p->t[ATTN_K].type)); /* a type of V's own before one of K's own */
    add(&size->rest, type_rank(p->t[ATTN_V].type));
    add_float(&size->rest, p->scale);
    add_float(&size->rest, p->softcap);
    add(&size->rest, p->n_kv_max);
    add(&size->rest, p->prec);
    add_float(&size->rest, p->max_bias);
    add(&size->rest, p->head_first);
    add(&size->rest, p->head_total);
}

void attn_shrink_measure(const struct attn_case *c, struct attn_shrink_size *size)
{
    const struct attn_run *run = &c->run;
    memset(size, 0, sizeof *size);
    measure_problem(&c->problem, size);
    size->features += (run->weakening >= 0) + (run->data != ATTN_DATA_UNIFORM) + (run->mask != ATTN_MASK_CAUSAL) +
                      (run->dead != 1) + (run->schedule != 0) + (run->again != 0) + (run->twin >= 0);
    /* A lower row of the table, whatever weakening there is on it. */
    add(&size->rest, (run->device + 1) * (int64_t)(attn_weakening_count() + 1));
    add(&size->rest, run->weakening + 1);
    add(&size->rest, run->data);
    add(&size->rest, run->mask);
    add_u64(&size->rest, run->seed);
    add_u64(&size->rest, run->schedule);
    add_u64(&size->rest, run->again);
    /* Names of devices are not of one length, which says nothing about them. */
    struct attn_case anywhere = *c;
    char line[1];
    anywhere.run.device = -1;
    size->length = (uint32_t)attn_case_print(&anywhere, line, sizeof line);
}

int attn_shrink_compare(const struct attn_shrink_size *a, const struct attn_shrink_size *b)
{
    if (a->features != b->features)
        return a->features < b->features ? -1 : 1;
    if (a->extents != b->extents)
        return a->extents < b->extents ? -1 : 1;
    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    return (a->rest > b->rest) - (a->rest < b->rest);
}
