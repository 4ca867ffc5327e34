/* layout.c: plainer strides, offsets, buffers and types. See search.h.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "fuzz/shrink/search.h"
#include "planner/arith.h"

/* Dense, in the order that its dimensions have in memory; what is broadcast stays so. */
static void make_compact(struct attn_tensor *t)
{
    int64_t next = attn_tensor_row_bytes(t);
    int order[3];
    attn_tensor_order(t, order);
    t->nb[0] = attn_tensor_info(t)->block_bytes;
    for (int i = 0; i < 3; i++) {
        int d = order[i];
        if (t->ne[d] > 1 && t->nb[d] == 0)
            continue;
        t->nb[d] = next;
        /* Fits: the tensor is legal with larger strides, or the candidate is not. */
        next = attn_mul_sat(next, t->ne[d]);
    }
}

enum layout { PLAIN, CONTIGUOUS, AT_START, OWN_BUFFER, NO_BROADCAST, STILL_DIMENSIONS, COMPACT, LAYOUTS };

static void change_layout(struct attn_tensor *t, int how)
{
    struct attn_tensor plain = *t;
    attn_tensor_contiguous(&plain);
    switch (how) {
    case PLAIN:
        t->buffer = 0;
        t->offset = 0;
        /* fall through */
    case CONTIGUOUS: memcpy(t->nb, plain.nb, sizeof t->nb); break;
    case AT_START: t->offset = 0; break;
    case OWN_BUFFER: t->buffer = 0; break;
    case NO_BROADCAST:
        for (int d = 1; d < 4; d++)
            if (t->nb[d] == 0)
                t->nb[d] = 1; /* the fastest of its dimensions, for make_compact */
        make_compact(t);
        break;
    case STILL_DIMENSIONS:
        for (int d = 1; d < 4; d++)
            if (t->ne[d] == 1)
                t->nb[d] = shrink_next_stride(t, d);
        break;
    default: make_compact(t); break;
    }
}

bool shrink_layout(struct search *s)
{
    bool any = false;
    struct attn_case all = s->best;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        if (all.problem.t[o].present)
            change_layout(&all.problem.t[o], PLAIN);
    if (shrink_offer(s, &all))
        return true;
    /* Tensors that share a buffer, together: one alone would leave the other. */
    for (int how = 0; how < LAYOUTS; how++) {
        struct attn_case kv = s->best;
        change_layout(&kv.problem.t[ATTN_K], how);
        change_layout(&kv.problem.t[ATTN_V], how);
        any |= shrink_offer(s, &kv);
    }
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        for (int how = 0; how < LAYOUTS && s->best.problem.t[o].present; how++) {
            struct attn_case c = s->best;
            change_layout(&c.problem.t[o], how);
            any |= shrink_offer(s, &c);
        }
    return any;
}

static void set_offset(struct attn_case *c, int64_t value, int which) { c->problem.t[which].offset = value; }
static void set_stride(struct attn_case *c, int64_t value, int which) { c->problem.t[which / 4].nb[which % 4] = value; }
static void set_buffer(struct attn_case *c, int64_t value, int which)
{
    uint8_t from = c->problem.t[which].buffer;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        if (c->problem.t[o].present && c->problem.t[o].buffer == from)
            c->problem.t[o].buffer = (uint8_t)value;
}

bool shrink_strides(struct search *s)
{
    bool any = false;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        const struct attn_tensor *t = &s->best.problem.t[o];
        int64_t unit = t->present ? attn_tensor_info(t)->block_bytes : 1;
        if (!t->present)
            continue;
        any |= shrink_lower(s, set_offset, o, t->offset, 0, unit);
        any |= t->buffer > 1 && shrink_offer_number(s, set_buffer, o, 1);
        for (int d = 1; d < 4; d++)
            if (!attn_tensor_has_default_strides(t) && t->ne[d] > 1 && t->nb[d] > unit)
                any |= shrink_lower(s, set_stride, 4 * o + d, t->nb[d], unit, unit);
    }
    return any;
}

/* ---- Types ----------------------------------------------------------------------------------------------- */

/* The type of another tensor with the strides and the offset as they are, in bytes. */
static void set_type_bytes(struct attn_tensor *t, const struct attn_tensor *as)
{
    bool contiguous = attn_tensor_has_default_strides(t);
    t->type = as->type;
    t->foreign = as->foreign;
    t->nb[0] = attn_tensor_info(t)->block_bytes;
    if (contiguous)
        attn_tensor_contiguous(t);
}

/* The same layout, counted in elements, in the type of another tensor; dense where that does not work out. */
static void set_type_elements(struct attn_tensor *t, const struct attn_tensor *as)
{
    bool contiguous = attn_tensor_has_default_strides(t);
    bool fits = attn_tensor_recount(t, as);
    if (contiguous)
        attn_tensor_contiguous(t);
    else if (!fits)
        make_compact(t);
}

static bool same_type(const struct attn_tensor *a, const struct attn_tensor *b) { return a->type == b->type; }

/* K, V or both in the type of a tensor, in two ways. */
static bool offer_type(struct search *s, const struct attn_tensor *as)
{
    bool any = false;
    for (int which = 0; which < 6; which++) { /* K and V, K, V, in two ways */
        void (*set_type)(struct attn_tensor *, const struct attn_tensor *) =
            which < 3 ? set_type_elements : set_type_bytes;
        struct attn_case c = s->best;
        if (which % 3 != 2 && !same_type(&c.problem.t[ATTN_K], as))
            set_type(&c.problem.t[ATTN_K], as);
        if (which % 3 != 1 && !same_type(&c.problem.t[ATTN_V], as))
            set_type(&c.problem.t[ATTN_V], as);
        any |= shrink_offer(s, &c);
    }
    return any;
}

bool shrink_types(struct search *s)
{
    bool any = false;
    /* f16 first; the order of enum attn_type is the measure's. */
    for (int i = -1; i < ATTN_TYPE_COUNT; i++)
        any |= offer_type(s, &(struct attn_tensor){ .type = (uint8_t)(i < 0 ? ATTN_F16 : i) });
    struct attn_case swapped = s->best;
    const struct attn_tensor k = swapped.problem.t[ATTN_K], v = swapped.problem.t[ATTN_V];
    set_type_elements(&swapped.problem.t[ATTN_K], &v);
    set_type_elements(&swapped.problem.t[ATTN_V], &k);
    any |= shrink_offer(s, &swapped);
    return any;
}
