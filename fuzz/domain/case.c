/* case.c: a genome to a legal case within limits. See domain.h.
 *
 * First the shape (extents), then the layout (strides, offsets, buffers), whose byte count decides whether the shape
 * has to become smaller; types and switches that do not change sizes come last.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/domain/domain.h"

#include <math.h>
#include <string.h>

#include "planner/arith.h"
#include "planner/random.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

/* n_kv: edges of tiles (32, 64 keys) and of the planner's buckets, then lengths of real caches. */
static const int32_t kv_edges[] = { 32,   64,   96,   128,   160,   192,   224,    256,    288,    320,    384,
                                    448,  512,  576,  640,   768,   896,   1024,   1280,   1536,   2048,   3072,
                                    4096, 6144, 8192, 16384, 32768, 65536, 131072, 262144, 524288, 1048576 };
static const int8_t kv_deltas[] = { 0, 1, -1, 2, -2, 3, -3, 5, 7, -8, 15, 16, 17, -15, -16, -17 };
/* n_q: decode, MTP drafts, edges of column tiles, ubatches. */
static const int32_t q_edges[] = { 2,  3,  4,  5,  6,  7,  8,  9,   10,  11,  12,  13,  15,  16,  17,   23,
                                   31, 32, 33, 48, 63, 64, 65, 100, 127, 128, 129, 256, 512, 513, 2048, 8192 };
static const int32_t ratios[] = { 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 24, 32, 40, 64, 71, 128 };
static const int32_t kv_heads[] = { 2, 3, 4, 5, 6, 8, 10, 16, 32, 40 };
static const int32_t seqs[] = { 2, 3, 4, 5, 8, 16 };

static const int32_t units[16] = { 0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 32, 33, 64, 128 };
static const uint8_t orders[6][3] = { { 1, 2, 3 }, { 2, 1, 3 }, { 1, 3, 2 }, { 3, 1, 2 }, { 2, 3, 1 }, { 3, 2, 1 } };

static const float softcaps[] = { 50.0f, 30.0f, 15.0f, 1.0f, 10.0f, 0.5f, 100.0f };
static const float max_biases[] = { 8.0f, 4.0f, 1.0f, 16.0f, 0.5f, 2.0f };

/* The dimensions that limits act on. */
enum { DIM_KV, DIM_Q, DIM_HEADS, DIM_SEQS, DIM_COUNT };

struct shape {
    int64_t d_k, d_v, n_q, n_kv, ratio, kv_heads, seqs;
    int kv_level, q_level, ratio_level, heads_level, seqs_level; /* index into the tables above, -1: below them */
    int64_t kv_few;
    int kv_delta;
    bool huge_kv, huge_q, huge_heads, huge_seqs;
    bool same_q;     /* n_q == n_kv */
    bool plain_mask; /* a mask no larger than it must be */
};

static bool on(const struct attn_genome *g, int feature) { return g->features >> feature & 1; }
#define GENE(g, name) ((g)->gene[ATTN_GENE_##name])

/* ---- Shape ----------------------------------------------------------------------------------------------- */

static void choose_types(const struct attn_genome *g, int *type_k, int *type_v)
{
    *type_k = on(g, ATTN_FEATURE_TYPES) ? (int)GENE(g, type_k) : ATTN_F16;
    *type_v = on(g, ATTN_FEATURE_MIXED) ? (int)GENE(g, type_v) : *type_k;
    if (on(g, ATTN_FEATURE_ALIAS)) {
        uint32_t alias = GENE(g, alias);
        if (alias == 4)
            *type_k = ATTN_F32; /* Q, K and V interleaved */
        if (alias <= 2 || alias == 4 || alias == 5)
            *type_v = *type_k;
    }
}

/* A head size that is no whole number of blocks takes the type's plain cousin instead. */
static int type_for(int type, int64_t d)
{
    enum { PLAIN_TYPES = 3 }; /* the first rows of the table */
    return d % attn_type_info(type)->block_elems == 0 ? type : type % PLAIN_TYPES;
}

static void choose_head_sizes(const struct attn_genome *g, int type_k, int type_v, struct shape *s)
{
    const struct attn_head_size *known = attn_head_size((int)GENE(g, head_size));
    s->d_k = known->d_k;
    s->d_v = known->d_v;
    if (on(g, ATTN_FEATURE_ANY_SIZE)) {
        s->d_k = 1 + GENE(g, d_k);
        s->d_v = GENE(g, d_v) == 0 ? s->d_k : 1 + GENE(g, d_v);
        s->d_k = attn_round_up(s->d_k, attn_type_info(type_k)->block_elems);
        s->d_v = attn_round_up(s->d_v, attn_type_info(type_v)->block_elems);
    }
}

/* Extents from levels, those that are huge apart. */
static void settle(struct shape *s)
{
    if (!s->huge_kv) {
        s->n_kv = s->kv_level < 0 ? s->kv_few : kv_edges[s->kv_level] + s->kv_delta;
        if (s->n_kv < 1)
            s->n_kv = 1;
    }
    if (!s->huge_q)
        s->n_q = s->q_level < 0 ? 1 : q_edges[s->q_level];
    s->ratio = s->ratio_level < 0 ? 1 : ratios[s->ratio_level];
    if (!s->huge_heads)
        s->kv_heads = s->heads_level < 0 ? 1 : kv_heads[s->heads_level];
    if (!s->huge_seqs)
        s->seqs = s->seqs_level < 0 ? 1 : seqs[s->seqs_level];
    if (s->same_q)
        s->n_q = s->n_kv;
}

static int64_t huge_value(uint32_t exponent, uint32_t low)
{
    int64_t base = (int64_t)1 << exponent;
    int64_t value = low & 1 ? base + (low >> 1) : base - (low >> 9);
    return value < 1 ? 1 : value;
}

static void choose_extents(const struct attn_genome *g, const struct attn_domain_limits *limits, struct shape *s)
{
    s->kv_few = 1 + GENE(g, kv_few);
    s->kv_level = on(g, ATTN_FEATURE_LONG_KV) ? (int)GENE(g, kv_edge) : -1;
    s->kv_delta = kv_deltas[GENE(g, kv_delta)];
    s->q_level = on(g, ATTN_FEATURE_MANY_Q) ? (int)GENE(g, q_edge) : -1;
    s->ratio_level = on(g, ATTN_FEATURE_GQA) ? (int)GENE(g, ratio) : -1;
    s->heads_level = on(g, ATTN_FEATURE_KV_HEADS) ? (int)GENE(g, kv_heads) : -1;
    s->seqs_level = on(g, ATTN_FEATURE_SEQS) ? (int)GENE(g, seqs) : -1;
    /* A larger budget goes to what needs one: many rows against several KV tiles. */
    if (GENE(g, effort) == ATTN_EFFORT_MOST) {
        enum { Q_16 = 13, KV_96 = 2 }; /* levels */
        if (s->q_level < Q_16)
            s->q_level = Q_16 + (s->q_level + 1) % 6;
        if (s->kv_level < KV_96)
            s->kv_level = KV_96 + s->kv_level + 1;
    }
    if (GENE(g, effort) == ATTN_EFFORT_COLUMNS) {
        enum { Q_17 = 14 };
        if (s->q_level < Q_17)
            s->q_level = Q_17 + (s->q_level + 1) % 8;
        s->kv_level = s->heads_level = s->seqs_level = -1;
    }

    /* Both top bits: huge extents stay rarer than other features when inputs are random. */
    uint32_t which = GENE(g, huge_which), low = GENE(g, huge_low);
    if (on(g, ATTN_FEATURE_HUGE) && which >= 0xc0 && limits->work >= (int64_t)1 << 40) {
        if ((s->huge_kv = which & 1))
            s->n_kv = huge_value(GENE(g, huge_kv), low);
        if ((s->huge_q = which >> 1 & 1))
            s->n_q = huge_value(GENE(g, huge_q), low >> 3);
        if ((s->huge_heads = which >> 2 & 1))
            s->kv_heads = huge_value(GENE(g, huge_heads), low >> 5);
        if ((s->huge_seqs = which >> 3 & 1))
            s->seqs = huge_value(GENE(g, huge_seqs), low >> 7);
    }
    s->same_q = on(g, ATTN_FEATURE_ALIAS) && GENE(g, alias) == 4;
    if (s->same_q) { /* n_q has no length of its own to give way with */
        s->huge_q = false;
        s->q_level = -1;
    }
    settle(s);
}

/* Makes one dimension smaller; false when it is as small as it gets. */
static bool shrink_huge(bool *huge, int64_t *value)
{
    if (!*huge)
        return false;
    *value /= 2;
    if (*value < 1 << 20) {
        *value = 1;
        *huge = false;
    }
    return true;
}

static bool shrink(struct shape *s, int dim)
{
    switch (dim) {
    case DIM_KV:
        if (shrink_huge(&s->huge_kv, &s->n_kv))
            return true;
        if (s->kv_level >= 0) {
            s->kv_level--;
            return true;
        }
        if (s->kv_few == 1)
            return false;
        s->kv_few = s->kv_few > 8 ? s->kv_few - 5 : s->kv_few - 1;
        return true;
    case DIM_Q:
        if (shrink_huge(&s->huge_q, &s->n_q))
            return true;
        if (s->q_level < 0)
            return false;
        s->q_level--;
        return true;
    case DIM_HEADS:
        if (shrink_huge(&s->huge_heads, &s->kv_heads))
            return true;
        if (s->ratio_level < 0 && s->heads_level < 0)
            return false;
        if (s->ratio_level / 2 > s->heads_level || s->heads_level < 0)
            s->ratio_level--;
        else
            s->heads_level--;
        return true;
    default:
        if (shrink_huge(&s->huge_seqs, &s->seqs))
            return true;
        if (s->seqs_level < 0)
            return false;
        s->seqs_level--;
        return true;
    }
}

/* The first two dimensions of the order give way in turns, then the third, then the last. */
static bool shrink_next(struct shape *s, uint32_t squeeze, int round)
{
    int order[DIM_COUNT], left[DIM_COUNT] = { DIM_KV, DIM_Q, DIM_HEADS, DIM_SEQS };
    for (int i = 0, n = DIM_COUNT; i < DIM_COUNT; i++, n--) {
        int pick = (int)(squeeze % (uint32_t)n);
        squeeze /= (uint32_t)n;
        order[i] = left[pick];
        for (int j = pick; j + 1 < n; j++)
            left[j] = left[j + 1];
    }
    int first = round & 1;
    return shrink(s, order[first]) || shrink(s, order[!first]) || shrink(s, order[2]) || shrink(s, order[3]);
}

/* ---- Layout ---------------------------------------------------------------------------------------------- */

struct layout {
    int order;         /* index into orders */
    uint32_t pad;      /* low nibble: gap after a row; high nibble: after a plane */
    uint32_t zero;     /* bit d - 1: dimension d is broadcast */
    bool tight;        /* a plane begins where the last element of the one before ends, not its padding */
    int64_t row_extra; /* bytes after a row that another tensor uses */
    uint32_t offset;   /* units, 0 or index into the table */
};

/* Strides of one tensor whose extents and type are set. Returns the bytes from its first to its last one. */
static int64_t lay_out(struct attn_tensor *t, const struct layout *l)
{
    const struct attn_type_info *type = attn_type_info(t->type);
    int64_t unit = type->block_bytes, row = attn_mul_sat(t->ne[0] / type->block_elems, unit);
    int64_t span = attn_add_sat(row, l->row_extra), next = span;
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
            span = attn_add_sat(span, attn_mul_sat(t->ne[d] - 1, t->nb[d]));
        }
        next = l->tight ? span : attn_mul_sat(t->nb[d], t->ne[d]);
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

static int64_t smallest_divisor(int64_t n)
{
    for (int64_t d = 2; d <= 13; d++)
        if (n % d == 0)
            return d;
    return n;
}

static void set_mask(const struct attn_genome *g, const struct shape *s, struct attn_tensor *mask)
{
    static const int32_t extra_kv[12] = { 0, 1, 7, 8, 16, 31, 32, 33, 64, 100, 225, 1024 };
    int64_t heads = 1, mask_seqs = 1, n_kv = s->n_kv, n_q = s->n_q;
    int64_t n_head = attn_mul_sat(s->kv_heads, s->ratio);
    if (on(g, ATTN_FEATURE_MASK_WIDE) && !s->plain_mask) {
        uint32_t kv = GENE(g, mask_extra_kv), q = GENE(g, mask_extra_q);
        n_kv = kv == 0 ? attn_add_sat(n_kv, 256 - n_kv % 256) : attn_add_sat(n_kv, extra_kv[kv]);
        switch (q) {
        case 0: break;
        case 1: n_q = attn_add_sat(n_q, 1); break;
        case 2: n_q = attn_add_sat(n_q, 5); break;
        case 3: n_q = attn_add_sat(n_q, 7 - (n_q - 1) % 8); break;
        case 4: n_q = attn_add_sat(n_q, 31 - (n_q - 1) % 32); break;
        default: n_q = attn_add_sat(n_q, 63 - (n_q - 1) % 64); break;
        }
    }
    if (on(g, ATTN_FEATURE_MASK_MULTI)) {
        switch (GENE(g, mask_heads)) {
        case 0: heads = n_head; break;
        case 1: heads = s->kv_heads; break;
        case 2: heads = s->ratio; break;
        case 3: heads = smallest_divisor(n_head); break;
        default: break;
        }
        switch (GENE(g, mask_seqs)) {
        case 0: mask_seqs = s->seqs; break;
        case 1: mask_seqs = smallest_divisor(s->seqs); break;
        default: break;
        }
    }
    attn_tensor_set(mask, ATTN_F16, n_kv, n_q, heads, mask_seqs);
}

static void set_extents(const struct attn_genome *g, const struct shape *s, int type_k, int type_v,
                        struct attn_problem *p)
{
    int64_t n_head = attn_mul_sat(s->kv_heads, s->ratio);
    memset(p, 0, sizeof *p);
    attn_tensor_set(&p->t[ATTN_Q], ATTN_F32, s->d_k, s->n_q, n_head, s->seqs);
    attn_tensor_set(&p->t[ATTN_K], type_k, s->d_k, s->n_kv, s->kv_heads, s->seqs);
    attn_tensor_set(&p->t[ATTN_V], type_v, s->d_v, s->n_kv, s->kv_heads, s->seqs);
    attn_tensor_set(&p->t[ATTN_DST], ATTN_F32, s->d_v, n_head, s->n_q, s->seqs);
    if (on(g, ATTN_FEATURE_MASK) || on(g, ATTN_FEATURE_ALIBI))
        set_mask(g, s, &p->t[ATTN_MASK]);
    if (on(g, ATTN_FEATURE_SINKS))
        attn_tensor_set(&p->t[ATTN_SINKS], ATTN_F32, n_head, 1, 1, 1);
}

static int64_t at_offset(struct attn_tensor *t, uint32_t offset, int64_t span)
{
    t->offset = offset ? (int64_t)attn_type_info(t->type)->block_bytes * (1 + units[offset]) : 0;
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

/* Strides, offsets and buffers of all tensors. Returns the bytes of all, INT64_MAX when too many. */
static int64_t lay_out_all(const struct attn_genome *g, struct attn_problem *p)
{
    static const int operands[ATTN_OPERAND_COUNT] = { ATTN_Q, ATTN_K, ATTN_V, ATTN_MASK, ATTN_SINKS, ATTN_DST };
    struct layout l[ATTN_OPERAND_COUNT];
    int64_t span[ATTN_OPERAND_COUNT] = { 0 }, end[ATTN_OPERAND_COUNT] = { 0 };
    int alias = on(g, ATTN_FEATURE_ALIAS) ? (int)GENE(g, alias) : -1;
    uint32_t gap = GENE(g, alias_gap);
    struct attn_tensor *q = &p->t[ATTN_Q], *k = &p->t[ATTN_K], *v = &p->t[ATTN_V];

    memset(l, 0, sizeof l);
    l[ATTN_Q] = (struct layout){ (int)GENE(g, order_q), GENE(g, pad_q), GENE(g, zero_q), GENE(g, tight) & 1, 0,
                                 GENE(g, offset_q) };
    l[ATTN_K] = (struct layout){ (int)GENE(g, order_k), GENE(g, pad_k), GENE(g, zero_k), GENE(g, tight) >> 1 & 1, 0,
                                 GENE(g, offset_k) };
    l[ATTN_V] = (struct layout){ (int)GENE(g, order_v), GENE(g, pad_v), GENE(g, zero_v), GENE(g, tight) >> 2 & 1, 0,
                                 GENE(g, offset_v) };
    l[ATTN_MASK] =
        (struct layout){ (int)GENE(g, order_mask), GENE(g, pad_mask), GENE(g, zero_mask), GENE(g, tight) >> 3 & 1, 0,
                         GENE(g, offset_mask) };
    l[ATTN_SINKS].offset = GENE(g, offset_sinks);
    l[ATTN_DST] = (struct layout){ (int)GENE(g, order_dst), GENE(g, pad_dst), 0, false, 0, GENE(g, offset_dst) };
    if (l[ATTN_V].order == 6) { /* just as K */
        l[ATTN_V] = l[ATTN_K];
        l[ATTN_V].offset = GENE(g, offset_v);
    }

    int64_t row_k = k->ne[0] / attn_type_info(k->type)->block_elems * attn_type_info(k->type)->block_bytes;
    int64_t row_v = v->ne[0] / attn_type_info(v->type)->block_elems * attn_type_info(v->type)->block_bytes;
    /* What a head size does not allow becomes two tensors one after the other. */
    if ((alias == 0 || alias == 1) && v->ne[0] > k->ne[0])
        alias = 3;
    if (alias == 5 && v->ne[0] != k->ne[0])
        alias = 3;
    if (alias >= 0 && alias <= 2 && v->type != k->type)
        alias = 3;
    if (alias == 4 && (k->type != ATTN_F32 || v->type != ATTN_F32 || q->ne[1] != k->ne[1]))
        alias = 3;
    if (alias == 2)
        l[ATTN_K].row_extra = row_v;

    for (int i = 0; i < ATTN_OPERAND_COUNT; i++) {
        int o = operands[i];
        if (!p->t[o].present)
            continue;
        span[o] = lay_out(&p->t[o], &l[o]);
        end[o] = at_offset(&p->t[o], l[o].offset, span[o]);
    }

    switch (alias) {
    case 0: /* V the first columns of K */
    case 1: /* V the last columns of K */
    case 2: /* a row of K, a row of V, and so on */
    case 5: /* V is K */
        k->buffer = v->buffer = 1;
        memcpy(v->nb, k->nb, sizeof v->nb);
        v->offset = k->offset + (alias == 1 ? row_k - row_v : alias == 2 ? row_k : 0);
        end[ATTN_V] = 0;
        break;
    case 3:
        k->buffer = v->buffer = 1;
        end[ATTN_V] = place_after(v, end[ATTN_K], gap, span[ATTN_V]);
        break;
    case 4:
        q->buffer = k->buffer = v->buffer = 1;
        end[ATTN_Q] = interleave(p, gap);
        end[ATTN_K] = end[ATTN_V] = 0;
        break;
    case 6: /* dst after Q, sinks after the mask */
        q->buffer = p->t[ATTN_DST].buffer = 1;
        end[ATTN_DST] = place_after(&p->t[ATTN_DST], end[ATTN_Q], gap, span[ATTN_DST]);
        if (p->t[ATTN_MASK].present && p->t[ATTN_SINKS].present) {
            p->t[ATTN_MASK].buffer = p->t[ATTN_SINKS].buffer = 2;
            end[ATTN_SINKS] = place_after(&p->t[ATTN_SINKS], end[ATTN_MASK], gap, span[ATTN_SINKS]);
        }
        break;
    case 7: /* one arena for all */
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
        break;
    default: break;
    }

    int64_t bytes = 0;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        bytes = attn_add_sat(bytes, end[o]);
    return bytes;
}

static void put_junk(const struct attn_genome *g, struct attn_problem *p)
{
    uint64_t state = GENE(g, junk);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        if (!p->t[o].present)
            continue;
        for (int d = 1; d < 4; d++) {
            if (p->t[o].ne[d] != 1)
                continue;
            uint64_t junk = attn_random(&state);
            if (junk >> 63)
                p->t[o].nb[d] = (int64_t)(junk >> (8 + (junk >> 40 & 31)) & 0x7fffffff);
        }
    }
}

/* ---- The rest -------------------------------------------------------------------------------------------- */

static float choose_scale(const struct attn_genome *g, int64_t d_k)
{
    float usual = (float)(1.0 / sqrt((double)d_k));
    if (!on(g, ATTN_FEATURE_SCALE))
        return usual;
    switch (GENE(g, scale)) {
    case 0: return 1.0f;
    case 1: return 0.0625f;
    case 2: return 0.125f;
    case 3: return 0.0f;
    case 4: return -usual;
    case 5: return 0.0417f;
    case 6: return 0.0009765625f;
    case 7: return 8.0f;
    case 8: return 1.0f / (float)d_k;
    case 9: return 1e-6f;
    case 10: return 100.0f;
    default: return 1e20f;
    }
}

static void choose_run(const struct attn_genome *g, struct attn_run *run)
{
    attn_run_default(run);
    run->device = (int32_t)(GENE(g, device) % (uint32_t)attn_device_count());
    if (on(g, ATTN_FEATURE_WEAKENED)) {
        struct attn_device weaker;
        int w = (int)(GENE(g, weakening) % (uint32_t)attn_weakening_count());
        if (attn_device_weaken(attn_device(run->device), w, &weaker, NULL))
            run->weakening = w;
    }
    if (on(g, ATTN_FEATURE_MASK))
        run->mask = (int32_t)GENE(g, mask_content);
    if (on(g, ATTN_FEATURE_DATA)) {
        run->data = (int32_t)GENE(g, profile);
        run->dead = GENE(g, live) != 3;
    }
    run->seed = GENE(g, seed);
    run->schedule = GENE(g, schedule);
}

void attn_genome_case(const struct attn_genome *g, const struct attn_domain_limits *limits, struct attn_case *c)
{
    struct attn_problem *p = &c->problem;
    struct shape s = { 0 };
    int type_k, type_v;

    memset(c, 0, sizeof *c);
    choose_types(g, &type_k, &type_v);
    choose_head_sizes(g, type_k, type_v, &s);
    type_k = type_for(type_k, s.d_k);
    type_v = type_for(type_v, s.d_v);
    choose_extents(g, limits, &s);
    for (int round = 0;; round++) {
        set_extents(g, &s, type_k, type_v, p);
        int64_t bytes = lay_out_all(g, p);
        const int64_t *dst = p->t[ATTN_DST].ne;
        int64_t components = attn_mul_sat(attn_mul_sat(dst[0], dst[1]), attn_mul_sat(dst[2], dst[3]));
        if (bytes <= limits->bytes && bytes < INT64_MAX && attn_problem_work(p) <= limits->work &&
            components <= limits->components)
            break;
        if (!shrink_next(&s, GENE(g, squeeze), round)) {
            if (s.plain_mask)
                break;
            s.plain_mask = true;
        }
        settle(&s);
    }
    if (on(g, ATTN_FEATURE_JUNK))
        put_junk(g, p);

    p->scale = choose_scale(g, s.d_k);
    p->softcap = on(g, ATTN_FEATURE_SOFTCAP) ? softcaps[GENE(g, softcap)] : 0.0f;
    p->max_bias = on(g, ATTN_FEATURE_ALIBI) ? max_biases[GENE(g, max_bias)] : 0.0f;
    p->head_first = on(g, ATTN_FEATURE_SUBSET) ? GENE(g, head_first) : 0;
    p->head_total = attn_n_head(p) + p->head_first + (on(g, ATTN_FEATURE_SUBSET) ? GENE(g, head_rest) : 0);
    choose_run(g, &c->run);
}
