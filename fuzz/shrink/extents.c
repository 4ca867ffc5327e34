/* extents.c: smaller extents: of all tensors together, as the problem is shaped. See search.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/shrink/search.h"

/* Extents of a problem as a caller thinks of them. */
struct shape {
    int64_t d_k, d_v, n_q, n_kv, kv_heads, ratio, seqs;
    int64_t mask_kv, mask_q; /* beyond n_kv and n_q */
    int64_t mask_heads, mask_seqs;
};

static struct shape shape_of(const struct attn_problem *p)
{
    const struct attn_tensor *mask = &p->t[ATTN_MASK];
    struct shape s = { .d_k = attn_d_k(p),
                       .d_v = attn_d_v(p),
                       .n_q = attn_n_q(p),
                       .n_kv = attn_n_kv(p),
                       .kv_heads = attn_n_head_kv(p),
                       .ratio = attn_n_head(p) / attn_n_head_kv(p),
                       .seqs = attn_n_seq(p),
                       .mask_heads = 1,
                       .mask_seqs = 1 };
    if (mask->present) {
        s.mask_kv = mask->ne[0] - s.n_kv;
        s.mask_q = mask->ne[1] - s.n_q;
        s.mask_heads = mask->ne[2];
        s.mask_seqs = mask->ne[3];
    }
    return s;
}

void shrink_set_ne(struct attn_tensor *t, int64_t a, int64_t b, int64_t c, int64_t d)
{
    bool contiguous = attn_tensor_has_default_strides(t);
    if (!t->present)
        return;
    t->ne[0] = a;
    t->ne[1] = b;
    t->ne[2] = c;
    t->ne[3] = d;
    if (contiguous)
        attn_tensor_contiguous(t); /* what was contiguous stays so; other strides stay as they are */
}

/* A number of mask planes that divides the new extent: all of them stay all, else the largest common divisor. */
static int64_t planes(int64_t now, int64_t before, int64_t after)
{
    if (now == before)
        return after;
    int64_t a = now, b = after;
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* An extent of a further source that is as one of the problem's stays as it is. */
static void put_further(struct attn_tensor *further, const struct shape *before, const struct shape *s)
{
    const int64_t from[] = { before->n_kv, before->n_q, before->kv_heads * before->ratio, before->d_k, before->seqs };
    const int64_t to[] = { s->n_kv, s->n_q, s->kv_heads * s->ratio, s->d_k, s->seqs };
    int64_t ne[4];
    for (int d = 0; d < 4; d++) {
        ne[d] = further->ne[d];
        for (int i = 0; i < 5; i++)
            if (further->ne[d] == from[i] && to[i] < ne[d]) {
                ne[d] = to[i];
                break;
            }
    }
    shrink_set_ne(further, ne[0], ne[1], ne[2], ne[3]);
}

/* Gives the problem another shape. Extents only ever become smaller, so that no product overflows. */
static void put_shape(struct attn_problem *p, const struct shape *s)
{
    const struct shape now = shape_of(p);
    int64_t before = attn_n_head(p), heads = s->kv_heads * s->ratio, seqs = attn_n_seq(p);
    put_further(&p->further, &now, s);
    shrink_set_ne(&p->t[ATTN_Q], s->d_k, s->n_q, heads, s->seqs);
    shrink_set_ne(&p->t[ATTN_K], s->d_k, s->n_kv, s->kv_heads, s->seqs);
    shrink_set_ne(&p->t[ATTN_V], s->d_v, s->n_kv, s->kv_heads, s->seqs);
    shrink_set_ne(&p->t[ATTN_MASK], s->n_kv + s->mask_kv, s->n_q + s->mask_q, planes(s->mask_heads, before, heads),
                  planes(s->mask_seqs, seqs, s->seqs));
    shrink_set_ne(&p->t[ATTN_SINKS], heads, 1, 1, 1);
    shrink_set_ne(&p->t[ATTN_DST], s->d_v, heads, s->n_q, s->seqs);
    if (p->head_first == 0 && p->head_total == before)
        p->head_total = heads;
}

enum extent {
    N_KV,
    N_KV_MASK_STAYS,
    N_Q,
    N_Q_MASK_STAYS,
    SEQS,
    RATIO,
    KV_HEADS,
    KV_HEADS_Q_STAYS,
    MASK_KV,
    MASK_Q,
    MASK_HEADS,
    MASK_SEQS,
    D_BOTH,
    D_K,
    D_V,
    EXTENTS
};

static int64_t *extent_at(struct shape *s, int which)
{
    switch (which) {
    case N_KV:
    case N_KV_MASK_STAYS: return &s->n_kv;
    case N_Q:
    case N_Q_MASK_STAYS: return &s->n_q;
    case SEQS: return &s->seqs;
    case RATIO: return &s->ratio;
    case KV_HEADS:
    case KV_HEADS_Q_STAYS: return &s->kv_heads;
    case MASK_KV: return &s->mask_kv;
    case MASK_Q: return &s->mask_q;
    case MASK_HEADS: return &s->mask_heads;
    case MASK_SEQS: return &s->mask_seqs;
    case D_V: return &s->d_v;
    default: return &s->d_k;
    }
}

static void set_extent(struct attn_case *c, int64_t value, int which)
{
    struct shape s = shape_of(&c->problem);
    int64_t *at = extent_at(&s, which), less = *at - value;
    *at = value;
    if (which == KV_HEADS_Q_STAYS)
        s.ratio = attn_n_head(&c->problem) / value;
    if (which == N_KV_MASK_STAYS)
        s.mask_kv += less;
    if (which == N_Q_MASK_STAYS)
        s.mask_q += less;
    if (which == D_BOTH)
        s.d_v = value;
    put_shape(&c->problem, &s);
    /* Planes of the mask are its own extents; put_shape has kept them in step with heads and sequences. */
    struct attn_tensor *mask = &c->problem.t[ATTN_MASK];
    if (which == MASK_HEADS || which == MASK_SEQS)
        shrink_set_ne(mask, mask->ne[0], mask->ne[1], s.mask_heads, s.mask_seqs);
}

static int64_t unit_of(const struct attn_problem *p, int which)
{
    int64_t k = attn_tensor_info(&p->t[ATTN_K])->block_elems, v = attn_tensor_info(&p->t[ATTN_V])->block_elems;
    switch (which) {
    case D_BOTH: return k > v ? k : v;
    case D_K: return k;
    case D_V: return v;
    default: return 1;
    }
}

static void set_further(struct attn_case *c, int64_t value, int dim)
{
    struct attn_tensor *t = &c->problem.further;
    const int64_t ne[4] = { dim == 0 ? value : t->ne[0], dim == 1 ? value : t->ne[1], dim == 2 ? value : t->ne[2],
                            dim == 3 ? value : t->ne[3] };
    shrink_set_ne(t, ne[0], ne[1], ne[2], ne[3]);
}

bool shrink_extents(struct search *s)
{
    bool any = false;
    for (int which = 0; which < EXTENTS; which++) {
        struct shape shape = shape_of(&s->best.problem);
        bool of_mask = which == MASK_KV || which == MASK_Q || which == MASK_HEADS || which == MASK_SEQS ||
                       which == N_KV_MASK_STAYS || which == N_Q_MASK_STAYS;
        if ((of_mask && !s->best.problem.t[ATTN_MASK].present) || (which == D_BOTH && shape.d_k != shape.d_v))
            continue;
        int64_t unit = unit_of(&s->best.problem, which), low = which == MASK_KV || which == MASK_Q ? 0 : unit;
        any |= shrink_lower(s, set_extent, which, *extent_at(&shape, which), low, unit);
    }
    for (int d = 0; d < 4 && s->best.problem.further.present; d++) {
        const int64_t unit = d == 0 ? attn_tensor_info(&s->best.problem.further)->block_elems : 1;
        any |= shrink_lower(s, set_further, d, s->best.problem.further.ne[d], unit, unit);
    }
    return any;
}

/* Known head sizes, by their sum: another pair than by halves, and one that is often needed. */
bool shrink_head_size(struct search *s)
{
    for (int64_t sum = 0; sum < attn_d_k(&s->best.problem) + attn_d_v(&s->best.problem);) {
        int64_t next = INT64_MAX;
        for (int i = 0; i < ATTN_HEAD_SIZE_COUNT; i++) {
            const struct attn_head_size *known = attn_head_size(i);
            int64_t its = (int64_t)known->d_k + known->d_v;
            if (its == sum) {
                struct attn_case c = s->best;
                struct shape shape = shape_of(&c.problem);
                shape.d_k = known->d_k;
                shape.d_v = known->d_v;
                put_shape(&c.problem, &shape);
                if (shrink_offer(s, &c))
                    return true;
            }
            if (its > sum && its < next)
                next = its;
        }
        if (next == INT64_MAX)
            break;
        sum = next;
    }
    return false;
}
