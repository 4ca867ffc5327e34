/* layout.c: strides, offsets and buffers of a genome's tensors. See shape.h.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "fuzz/domain/shape.h"
#include "planner/arith.h"

static const int32_t units[16] = { 0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 32, 33, 64, 128 };
static const uint8_t orders[6][3] = { { 1, 2, 3 }, { 2, 1, 3 }, { 1, 3, 2 }, { 3, 1, 2 }, { 2, 3, 1 }, { 3, 2, 1 } };

/* What of a tensor lies far away. */
enum far_where { FAR_NOTHING, FAR_OFFSET, FAR_INNER, FAR_OUTER };
struct far {
    enum far_where where; /* the first or last stride in the tensor's order; the offset, also where it has no stride */
    int64_t bytes;        /* at least */
    bool last;            /* as far is the last index of the dimension, else the second */
    uint32_t more;        /* units further, index into the table */
};

struct layout {
    int order;         /* index into orders */
    uint32_t pad;      /* low nibble: gap after a row; high nibble: after a plane */
    uint32_t zero;     /* bit d - 1: dimension d is broadcast */
    bool tight;        /* a plane begins where the last element of the one before ends, not its padding */
    int64_t row_extra; /* bytes after a row that another tensor uses */
    uint32_t offset;   /* units, 0 or index into the table */
    struct far far;
};

static bool has_stride(const struct attn_tensor *t, const struct layout *l, int i)
{
    const int d = orders[l->order][i];
    return t->ne[d] > 1 && !(l->zero >> (d - 1) & 1);
}

/* The place in the tensor's order of the stride that is far; -1: none. */
static int far_place(const struct attn_tensor *t, const struct layout *l)
{
    for (int n = 0; n < 3 && l->far.where >= FAR_INNER; n++) {
        const int i = l->far.where == FAR_INNER ? n : 2 - n;
        if (has_stride(t, l, i))
            return i;
    }
    return -1;
}

/* The stride of a dimension of so many indices that is far. */
static int64_t far_stride(const struct far *far, int64_t n, int64_t unit)
{
    int64_t bytes =
        far->last || n - 1 > ATTN_REACH_MOST / 2 / far->bytes ? attn_ceil_div(far->bytes, n - 1) : far->bytes;
    return attn_round_up(bytes, unit) + unit * units[far->more];
}

/* Strides of one tensor whose extents and type are set. Returns the bytes from its first to its last one. */
static int64_t lay_out(struct attn_tensor *t, const struct layout *l)
{
    const struct attn_type_info *type = attn_type_info(t->type);
    int64_t unit = type->block_bytes, row = attn_row_bytes(t->type, t->ne[0]);
    int64_t span = attn_add_sat(row, l->row_extra), next = span;
    const int far = far_place(t, l);
    t->nb[0] = unit;
    for (int i = 0; i < 3; i++) {
        int d = orders[l->order][i];
        int64_t gap = unit * units[i == 0 ? l->pad & 15 : l->pad >> 4];
        if (t->ne[d] == 1) {
            t->nb[d] = next;
        } else if (l->zero >> (d - 1) & 1) {
            t->nb[d] = 0;
            continue;
        } else {
            t->nb[d] = attn_add_sat(next, gap);
            if (i == far)
                t->nb[d] = attn_max(t->nb[d], far_stride(&l->far, t->ne[d], unit));
            span = attn_add_sat(span, attn_mul_sat(t->ne[d] - 1, t->nb[d]));
        }
        next = l->tight || i == far ? span : attn_mul_sat(t->nb[d], t->ne[d]);
    }
    return span;
}

/* Lays Q, K, V interleaved: each token has all its heads of Q, then K, then V. */
static int64_t interleave(struct attn_problem *p, uint32_t gap)
{
    static const int operands[3] = { ATTN_Q, ATTN_K, ATTN_V };
    int64_t token = 0, end = 0;
    for (int i = 0; i < 3; i++) {
        struct attn_tensor *t = &p->t[operands[i]];
        t->offset = token;
        t->nb[0] = 4;
        t->nb[2] = attn_mul_sat(t->ne[0], 4);
        token = attn_add_sat(token, attn_mul_sat(t->nb[2], t->ne[2]));
    }
    token = attn_add_sat(token, 4 * (int64_t)units[gap]);
    for (int i = 0; i < 3; i++) {
        struct attn_tensor *t = &p->t[operands[i]];
        t->nb[1] = token;
        t->nb[3] = attn_mul_sat(token, t->ne[1]);
        end = attn_mul_sat(t->nb[3], t->ne[3]);
    }
    return end;
}

static int64_t at_offset(struct attn_tensor *t, const struct layout *l, int64_t span)
{
    const int64_t unit = attn_type_info(t->type)->block_bytes;
    t->offset = l->offset ? unit * (1 + units[l->offset]) : 0;
    if (l->far.where != FAR_NOTHING && far_place(t, l) < 0)
        t->offset += attn_round_up(l->far.bytes, unit) + unit * units[l->far.more];
    return attn_add_sat(span, t->offset);
}

/* The tensor comes after `end` in its buffer; returns the new end. */
static int64_t place_after(struct attn_tensor *t, int64_t end, uint32_t gap, int64_t span)
{
    int64_t unit = attn_type_info(t->type)->block_bytes;
    int64_t start = attn_add_sat(end, unit - 1) / unit * unit;
    t->offset = attn_add_sat(start, unit * units[gap]);
    return attn_add_sat(t->offset, span);
}

/* The operands in the order that an arena has them. */
static const int operands[ATTN_OPERAND_COUNT] = { ATTN_Q, ATTN_K, ATTN_V, ATTN_MASK, ATTN_SINKS, ATTN_DST };

static void choose_layouts(const struct attn_genome *g, struct layout l[ATTN_OPERAND_COUNT])
{
    memset(l, 0, ATTN_OPERAND_COUNT * sizeof *l);
    l[ATTN_Q] = (struct layout){ (int)GENE(g, order_q), GENE(g, pad_q),          GENE(g, zero_q), GENE(g, tight) & 1, 0,
                                 GENE(g, offset_q),     { FAR_NOTHING, 0, 0, 0 } };
    l[ATTN_K] =
        (struct layout){ (int)GENE(g, order_k), GENE(g, pad_k),          GENE(g, zero_k), GENE(g, tight) >> 1 & 1, 0,
                         GENE(g, offset_k),     { FAR_NOTHING, 0, 0, 0 } };
    l[ATTN_V] =
        (struct layout){ (int)GENE(g, order_v), GENE(g, pad_v),          GENE(g, zero_v), GENE(g, tight) >> 2 & 1, 0,
                         GENE(g, offset_v),     { FAR_NOTHING, 0, 0, 0 } };
    l[ATTN_MASK] = (struct layout){
        (int)GENE(g, order_mask), GENE(g, pad_mask),       GENE(g, zero_mask), GENE(g, tight) >> 3 & 1, 0,
        GENE(g, offset_mask),     { FAR_NOTHING, 0, 0, 0 }
    };
    l[ATTN_SINKS].offset = GENE(g, offset_sinks);
    l[ATTN_DST] = (struct layout){ (int)GENE(g, order_dst), GENE(g, pad_dst),        0, false, 0,
                                   GENE(g, offset_dst),     { FAR_NOTHING, 0, 0, 0 } };
    if (l[ATTN_V].order == 6) { /* just as K */
        l[ATTN_V] = l[ATTN_K];
        l[ATTN_V].offset = GENE(g, offset_v);
    }
}

/* How far away is what is far, bytes: powers of two that overflow numbers of bytes, of elements of two and of four. */
static int far_power(const struct attn_genome *g)
{
    static const uint8_t powers[8] = { 31, 31, 32, 32, 33, 34, 40, 40 };
    return powers[GENE(g, far_how) & 7];
}

/* Rarer than other features when inputs are random: such a case costs more, and shapes that others try. */
static bool is_far(const struct attn_genome *g) { return domain_on(g, ATTN_FEATURE_FAR) && GENE(g, far_what) >= 0xd0; }

static void choose_far(const struct attn_genome *g, int power, struct layout l[ATTN_OPERAND_COUNT])
{
    static const uint8_t tensors[8] = { 1u << ATTN_K,
                                        1u << ATTN_V,
                                        1u << ATTN_MASK,
                                        1u << ATTN_Q,
                                        1u << ATTN_DST,
                                        1u << ATTN_K | 1u << ATTN_V,
                                        1u << ATTN_SINKS | 1u << ATTN_MASK,
                                        (1u << ATTN_OPERAND_COUNT) - 1 };
    static const uint8_t where[4] = { FAR_INNER, FAR_OUTER, FAR_OFFSET, FAR_OUTER };
    const uint32_t what = GENE(g, far_what), how = GENE(g, far_how);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        if (tensors[what & 7] >> o & 1)
            l[o].far = (struct far){ o == ATTN_SINKS ? FAR_OFFSET : (enum far_where)where[what >> 3 & 3],
                                     (int64_t)1 << power, how >> 3 & 1, how >> 4 };
}

/* What a head size or a type does not allow becomes two tensors one after the other. */
static int choose_alias(const struct attn_genome *g, const struct attn_problem *p)
{
    const struct attn_tensor *q = &p->t[ATTN_Q], *k = &p->t[ATTN_K], *v = &p->t[ATTN_V];
    int alias = domain_on(g, ATTN_FEATURE_ALIAS) ? (int)GENE(g, alias) : -1;
    if ((alias == ALIAS_V_FIRST_OF_K || alias == ALIAS_V_LAST_OF_K) && v->ne[0] > k->ne[0])
        alias = ALIAS_V_AFTER_K;
    if (alias == ALIAS_V_IS_K && v->ne[0] != k->ne[0])
        alias = ALIAS_V_AFTER_K;
    if ((alias == ALIAS_V_FIRST_OF_K || alias == ALIAS_V_LAST_OF_K || alias == ALIAS_ROWS_IN_TURN) &&
        v->type != k->type)
        alias = ALIAS_V_AFTER_K;
    if (alias == ALIAS_INTERLEAVED && (k->type != ATTN_F32 || v->type != ATTN_F32 || q->ne[1] != k->ne[1]))
        alias = ALIAS_V_AFTER_K;
    return alias;
}

/* One arena for all. */
static void place_in_turn(struct attn_problem *p, uint32_t gap, const int64_t *span, int64_t *end)
{
    for (int i = 0; i < ATTN_OPERAND_COUNT; i++) {
        int o = operands[i];
        if (!p->t[o].present)
            continue;
        p->t[o].buffer = 1;
        if (i > 0) {
            int before = i - 1;
            while (!p->t[operands[before]].present)
                before--;
            end[o] = place_after(&p->t[o], end[operands[before]], gap, span[o]);
        }
    }
}

/* Brings tensors into one buffer; `end` is what each takes of its own. */
static void place(struct attn_problem *p, int alias, uint32_t gap, const int64_t *span, int64_t *end)
{
    struct attn_tensor *q = &p->t[ATTN_Q], *k = &p->t[ATTN_K], *v = &p->t[ATTN_V];
    switch (alias) {
    case ALIAS_V_FIRST_OF_K:
    case ALIAS_V_LAST_OF_K:
    case ALIAS_ROWS_IN_TURN:
    case ALIAS_V_IS_K:
        k->buffer = v->buffer = 1;
        memcpy(v->nb, k->nb, sizeof v->nb);
        v->offset = k->offset;
        if (alias == ALIAS_V_LAST_OF_K)
            v->offset += attn_row_bytes(k->type, k->ne[0]) - attn_row_bytes(v->type, v->ne[0]);
        if (alias == ALIAS_ROWS_IN_TURN)
            v->offset += attn_row_bytes(k->type, k->ne[0]);
        end[ATTN_V] = 0;
        break;
    case ALIAS_V_AFTER_K:
        k->buffer = v->buffer = 1;
        end[ATTN_V] = place_after(v, end[ATTN_K], gap, span[ATTN_V]);
        break;
    case ALIAS_INTERLEAVED:
        q->buffer = k->buffer = v->buffer = 1;
        end[ATTN_Q] = interleave(p, gap);
        end[ATTN_K] = end[ATTN_V] = 0;
        break;
    case ALIAS_DST_AFTER_Q:
        q->buffer = p->t[ATTN_DST].buffer = 1;
        end[ATTN_DST] = place_after(&p->t[ATTN_DST], end[ATTN_Q], gap, span[ATTN_DST]);
        if (p->t[ATTN_MASK].present && p->t[ATTN_SINKS].present) {
            p->t[ATTN_MASK].buffer = p->t[ATTN_SINKS].buffer = 2;
            end[ATTN_SINKS] = place_after(&p->t[ATTN_SINKS], end[ATTN_MASK], gap, span[ATTN_SINKS]);
        }
        break;
    case ALIAS_ARENA: place_in_turn(p, gap, span, end); break;
    default: break;
    }
}

/* One try, with what is far as far away as 2^power bytes; 0: nothing is. one_row: all rows of the mask are the same.
 * Returns the reach of all. */
static int64_t lay_out_all(const struct attn_genome *g, int power, bool one_row, struct attn_problem *p)
{
    struct layout l[ATTN_OPERAND_COUNT];
    int64_t span[ATTN_OPERAND_COUNT] = { 0 }, end[ATTN_OPERAND_COUNT] = { 0 }, reach = 0;
    const int alias = choose_alias(g, p);

    choose_layouts(g, l);
    if (power)
        choose_far(g, power, l);
    if (one_row)
        l[ATTN_MASK].zero |= 1;
    if (alias == ALIAS_ROWS_IN_TURN)
        l[ATTN_K].row_extra = attn_row_bytes(p->t[ATTN_V].type, p->t[ATTN_V].ne[0]);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        if (!p->t[o].present)
            continue;
        span[o] = lay_out(&p->t[o], &l[o]);
        end[o] = at_offset(&p->t[o], &l[o], span[o]);
    }
    place(p, alias, GENE(g, alias_gap), span, end);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        reach = attn_add_sat(reach, end[o]);
    return reach;
}

int64_t domain_lay_out(const struct attn_genome *g, const struct attn_domain_limits *limits,
                       const struct domain_shape *s, struct attn_problem *p)
{
    const bool allowed = limits->reach > limits->bytes || limits->reach == INT64_MAX;
    const bool sampled = s->sampled && domain_is_huge(s);
    /* Else the mask of so many rows would leave no room for them. */
    const bool one_row = sampled && s->huge_q && GENE(g, huge_low) >> 15 == 0;
    int power = is_far(g) && !s->near && !sampled && allowed ? far_power(g) : 0;
    int64_t reach = lay_out_all(g, power, one_row, p);
    while (power && reach > limits->reach) {
        power = power > 34 ? 34 : power > 31 ? power - 1 : 0;
        reach = lay_out_all(g, power, one_row, p);
    }
    return power && reach < INT64_MAX ? attn_image_bytes(p) : reach;
}
