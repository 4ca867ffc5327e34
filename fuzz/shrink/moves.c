/* moves.c: what a case could be made smaller by. Each move offers candidates made from the best case so far, the
 * boldest first; whether one is smaller, legal and worth asking about is shrink_offer's to say.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/shrink/search.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* ---- Shape ----------------------------------------------------------------------------------------------- */

static struct shrink_shape shape_of(const struct attn_problem *p)
{
    const struct attn_tensor *mask = &p->t[ATTN_MASK];
    struct shrink_shape s = { .d_k = attn_d_k(p),
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

static void set_ne(struct attn_tensor *t, int64_t a, int64_t b, int64_t c, int64_t d)
{
    bool contiguous = shrink_is_contiguous(t);
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

/* Gives the problem another shape. Extents only ever become smaller, so that no product overflows. */
static void put_shape(struct attn_problem *p, const struct shrink_shape *s)
{
    int64_t before = attn_n_head(p), heads = s->kv_heads * s->ratio, seqs = attn_n_seq(p);
    set_ne(&p->t[ATTN_Q], s->d_k, s->n_q, heads, s->seqs);
    set_ne(&p->t[ATTN_K], s->d_k, s->n_kv, s->kv_heads, s->seqs);
    set_ne(&p->t[ATTN_V], s->d_v, s->n_kv, s->kv_heads, s->seqs);
    set_ne(&p->t[ATTN_MASK], s->n_kv + s->mask_kv, s->n_q + s->mask_q, planes(s->mask_heads, before, heads),
           planes(s->mask_seqs, seqs, s->seqs));
    set_ne(&p->t[ATTN_SINKS], heads, 1, 1, 1);
    set_ne(&p->t[ATTN_DST], s->d_v, heads, s->n_q, s->seqs);
    if (p->head_first == 0 && p->head_total == before)
        p->head_total = heads;
}

/* ---- A number made smaller ------------------------------------------------------------------------------- */

/* Sets the number that is being lowered in a case that is the best one so far otherwise. */
typedef void set_number(struct attn_case *c, int64_t value, int which);

static bool offer_number(struct search *s, set_number *set, int which, int64_t value)
{
    struct attn_case c = s->best;
    set(&c, value, which);
    return shrink_offer(s, &c);
}

/* From `value` down to `low` at least, in steps of `unit`: the least first, then by halves, then, for failures that
 * come and go, by powers of two and at the edges that kernels and planners have. */
static bool lower(struct search *s, set_number *set, int which, int64_t value, int64_t low, int64_t unit)
{
    static const int32_t edges[] = { 2,  3,  4,  5,   7,   8,   9,   15,  16,  17,  31,  32,  33,   48,   63,
                                     64, 65, 96, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025 };
    if (value <= low)
        return false;
    if (offer_number(s, set, which, low))
        return true;
    int64_t good = low / unit, bad = value / unit;
    bool any = false;
    while (bad - good > 1 && !shrink_tired(s)) {
        int64_t middle = good + (bad - good) / 2;
        if (offer_number(s, set, which, middle * unit)) {
            any = true;
            bad = middle;
        } else {
            good = middle;
        }
    }
    /* What is left of a division by a tile may be what matters: off by powers of two. */
    for (int64_t step = INT64_C(1) << 62; step > 0; step /= 2)
        while (step < bad && (bad - step) * unit >= low && offer_number(s, set, which, (bad - step) * unit)) {
            any = true;
            bad -= step;
        }
    for (size_t i = 0; i < COUNT(edges) && edges[i] * unit < bad * unit; i++)
        if (edges[i] * unit > low && offer_number(s, set, which, edges[i] * unit))
            return true;
    return any;
}

/* ---- Extents --------------------------------------------------------------------------------------------- */

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

static int64_t *extent_at(struct shrink_shape *s, int which)
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
    struct shrink_shape s = shape_of(&c->problem);
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
        set_ne(mask, mask->ne[0], mask->ne[1], s.mask_heads, s.mask_seqs);
}

static int64_t unit_of(const struct attn_problem *p, int which)
{
    int64_t k = attn_type_info(p->t[ATTN_K].type)->block_elems, v = attn_type_info(p->t[ATTN_V].type)->block_elems;
    switch (which) {
    case D_BOTH: return k > v ? k : v;
    case D_K: return k;
    case D_V: return v;
    default: return 1;
    }
}

static bool lower_extents(struct search *s)
{
    bool any = false;
    for (int which = 0; which < EXTENTS; which++) {
        struct shrink_shape shape = shape_of(&s->best.problem);
        bool of_mask = which == MASK_KV || which == MASK_Q || which == MASK_HEADS || which == MASK_SEQS ||
                       which == N_KV_MASK_STAYS || which == N_Q_MASK_STAYS;
        if ((of_mask && !s->best.problem.t[ATTN_MASK].present) || (which == D_BOTH && shape.d_k != shape.d_v))
            continue;
        int64_t unit = unit_of(&s->best.problem, which), low = which == MASK_KV || which == MASK_Q ? 0 : unit;
        any |= lower(s, set_extent, which, *extent_at(&shape, which), low, unit);
    }
    return any;
}

/* Known head sizes, by their sum: another pair than by halves, and one that is often needed. */
static bool lower_head_size(struct search *s)
{
    for (int64_t sum = 0; sum < attn_d_k(&s->best.problem) + attn_d_v(&s->best.problem);) {
        int64_t next = INT64_MAX;
        for (int i = 0; i < ATTN_HEAD_SIZE_COUNT; i++) {
            const struct attn_head_size *known = attn_head_size(i);
            int64_t its = (int64_t)known->d_k + known->d_v;
            if (its == sum) {
                struct attn_case c = s->best;
                struct shrink_shape shape = shape_of(&c.problem);
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

/* ---- Layout ---------------------------------------------------------------------------------------------- */

/* Dense, in the order that its dimensions have in memory; what is broadcast stays so. */
static void make_compact(struct attn_tensor *t)
{
    const struct attn_type_info *type = attn_type_info(t->type);
    int64_t next = t->ne[0] / type->block_elems * type->block_bytes;
    int order[3] = { 1, 2, 3 };
    for (int i = 1; i < 3; i++)
        for (int j = i; j > 0 && t->nb[order[j - 1]] > t->nb[order[j]]; j--) {
            int swap = order[j];
            order[j] = order[j - 1];
            order[j - 1] = swap;
        }
    t->nb[0] = type->block_bytes;
    for (int i = 0; i < 3; i++) {
        int d = order[i];
        if (t->ne[d] > 1 && t->nb[d] == 0)
            continue;
        t->nb[d] = next;
        if (__builtin_mul_overflow(next, t->ne[d], &next))
            next = INT64_MAX; /* cannot be: the tensor is legal with larger strides; such a candidate would not be */
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

static bool simplify_layout(struct search *s)
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

static bool lower_layout(struct search *s)
{
    bool any = false;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        const struct attn_tensor *t = &s->best.problem.t[o];
        int64_t unit = t->present ? attn_type_info(t->type)->block_bytes : 1;
        if (!t->present)
            continue;
        any |= lower(s, set_offset, o, t->offset, 0, unit);
        any |= t->buffer > 1 && offer_number(s, set_buffer, o, 1);
        for (int d = 1; d < 4; d++)
            if (!shrink_is_contiguous(t) && t->ne[d] > 1 && t->nb[d] > unit)
                any |= lower(s, set_stride, 4 * o + d, t->nb[d], unit, unit);
    }
    return any;
}

/* ---- Types ----------------------------------------------------------------------------------------------- */

/* Another type with the strides and the offset as they are, in bytes. */
static void set_type_bytes(struct attn_tensor *t, int type)
{
    bool contiguous = shrink_is_contiguous(t);
    t->type = (uint8_t)type;
    t->nb[0] = attn_type_info(type)->block_bytes;
    if (contiguous)
        attn_tensor_contiguous(t);
}

/* The same layout, counted in elements, in another type; dense where that does not work out. */
static void set_type_elements(struct attn_tensor *t, int type)
{
    const struct attn_type_info *from = attn_type_info(t->type), *to = attn_type_info(type);
    bool contiguous = shrink_is_contiguous(t), fits = true;
    for (int d = 1; d < 4; d++) {
        int64_t blocks = t->nb[d] / from->block_bytes;
        fits = fits && t->nb[d] % from->block_bytes == 0 && blocks < INT64_MAX / 64 / to->block_bytes &&
               blocks * from->block_elems % to->block_elems == 0;
        if (fits)
            t->nb[d] = blocks * from->block_elems / to->block_elems * to->block_bytes;
    }
    int64_t blocks = t->offset / from->block_bytes;
    bool moves = t->offset % from->block_bytes == 0 && blocks < INT64_MAX / 64 / to->block_bytes &&
                 blocks * from->block_elems % to->block_elems == 0;
    t->offset = moves ? blocks * from->block_elems / to->block_elems * to->block_bytes : 0;
    t->type = (uint8_t)type;
    t->nb[0] = to->block_bytes;
    if (contiguous)
        attn_tensor_contiguous(t);
    else if (!fits)
        make_compact(t);
}

static bool simplify_types(struct search *s)
{
    bool any = false;
    /* f16 first; a plain type before a quantised one; the order of enum attn_type is the measure's. */
    static const int types[] = { ATTN_F16, ATTN_F32, ATTN_BF16, ATTN_Q8_0, ATTN_Q4_0, ATTN_Q4_1, ATTN_Q5_0 };
    for (size_t i = 0; i < COUNT(types); i++)
        for (int which = 0; which < 6; which++) { /* K and V, K, V, in two ways */
            void (*set_type)(struct attn_tensor *, int) = which < 3 ? set_type_elements : set_type_bytes;
            struct attn_case c = s->best;
            if (which % 3 != 2 && c.problem.t[ATTN_K].type != types[i])
                set_type(&c.problem.t[ATTN_K], types[i]);
            if (which % 3 != 1 && c.problem.t[ATTN_V].type != types[i])
                set_type(&c.problem.t[ATTN_V], types[i]);
            any |= shrink_offer(s, &c);
        }
    struct attn_case swapped = s->best;
    int k = swapped.problem.t[ATTN_K].type, v = swapped.problem.t[ATTN_V].type;
    set_type_elements(&swapped.problem.t[ATTN_K], v);
    set_type_elements(&swapped.problem.t[ATTN_V], k);
    any |= shrink_offer(s, &swapped);
    return any;
}

/* ---- Switches -------------------------------------------------------------------------------------------- */

static void drop_tensor(struct attn_problem *p, int operand) { memset(&p->t[operand], 0, sizeof p->t[operand]); }

static void drop_mask(struct attn_case *c)
{
    drop_tensor(&c->problem, ATTN_MASK);
    c->problem.max_bias = 0;
    c->run.mask = ATTN_MASK_CAUSAL;
}
static void drop_sinks(struct attn_case *c) { drop_tensor(&c->problem, ATTN_SINKS); }
static void drop_softcap(struct attn_case *c) { c->problem.softcap = 0; }
static void drop_bias(struct attn_case *c) { c->problem.max_bias = 0; }
static void drop_subset(struct attn_case *c)
{
    c->problem.head_first = 0;
    c->problem.head_total = attn_n_head(&c->problem);
}
static void drop_scale(struct attn_case *c) { c->problem.scale = 1; }
static void drop_mask_room(struct attn_case *c)
{
    struct attn_tensor *mask = &c->problem.t[ATTN_MASK];
    set_ne(mask, attn_n_kv(&c->problem), attn_n_q(&c->problem), 1, 1);
}
static void drop_weakening(struct attn_case *c) { c->run.weakening = -1; }
static void drop_profile(struct attn_case *c) { c->run.data = ATTN_DATA_UNIFORM; }
static void drop_content(struct attn_case *c) { c->run.mask = ATTN_MASK_CAUSAL; }
static void drop_dead(struct attn_case *c) { c->run.dead = 1; }
static void drop_schedule(struct attn_case *c) { c->run.schedule = 0; }
static void drop_seed(struct attn_case *c) { c->run.seed = 0; }

static void (*const drops[])(struct attn_case *) = { drop_mask,    drop_sinks,   drop_softcap,   drop_bias,
                                                     drop_subset,  drop_scale,   drop_mask_room, drop_weakening,
                                                     drop_profile, drop_content, drop_dead,      drop_schedule,
                                                     drop_seed };

static bool drop_features(struct search *s)
{
    bool any = false;
    struct attn_case all = s->best;
    for (size_t i = 0; i < COUNT(drops); i++)
        drops[i](&all);
    if (shrink_offer(s, &all))
        return true;
    for (size_t i = 0; i < COUNT(drops); i++) {
        struct attn_case c = s->best;
        drops[i](&c);
        any |= shrink_offer(s, &c);
    }
    return any;
}

/* ---- Numbers --------------------------------------------------------------------------------------------- */

enum number { SEED, SCHEDULE, HEAD_FIRST, HEAD_TOTAL, NUMBERS };

static void set_plain(struct attn_case *c, int64_t value, int which)
{
    switch (which) {
    case SEED: c->run.seed = (uint64_t)value; break;
    case SCHEDULE: c->run.schedule = (uint64_t)value; break;
    case HEAD_FIRST: c->problem.head_first = value; break;
    default: c->problem.head_total = value; break;
    }
}

static int64_t plain_at(const struct attn_case *c, int which)
{
    switch (which) {
    case SEED: return c->run.seed > INT64_MAX ? INT64_MAX : (int64_t)c->run.seed;
    case SCHEDULE: return c->run.schedule > INT64_MAX ? INT64_MAX : (int64_t)c->run.schedule;
    case HEAD_FIRST: return c->problem.head_first;
    default: return c->problem.head_total;
    }
}

/* Fewer digits, and numbers that people use. */
static bool simplify_float(struct search *s, size_t offset)
{
    static const float usual[] = { 1, 2, 0.5f, 0.25f, 0.125f, 8, 10 };
    float value;
    bool any = false;
    for (size_t i = 0; i < COUNT(usual); i++) {
        struct attn_case c = s->best;
        memcpy((char *)&c.problem + offset, &usual[i], sizeof usual[i]);
        memcpy(&value, (char *)&s->best.problem + offset, sizeof value);
        any |= value != 0 && shrink_offer(s, &c);
    }
    for (int digits = 1; digits <= 4; digits++) {
        struct attn_case c = s->best;
        char text[32];
        memcpy(&value, (char *)&s->best.problem + offset, sizeof value);
        int len = snprintf(text, sizeof text, "%.*e", digits - 1, (double)value);
        if (len < 0 || (size_t)len >= sizeof text || !attn_float_parse(text, (size_t)len, &value))
            continue;
        memcpy((char *)&c.problem + offset, &value, sizeof value);
        any |= shrink_offer(s, &c);
    }
    return any;
}

static bool lower_numbers(struct search *s)
{
    bool any = false;
    for (int which = 0; which < NUMBERS; which++)
        any |= lower(s, set_plain, which, plain_at(&s->best, which), 0, 1);
    any |= simplify_float(s, offsetof(struct attn_problem, scale));
    any |= simplify_float(s, offsetof(struct attn_problem, softcap));
    any |= simplify_float(s, offsetof(struct attn_problem, max_bias));
    return any;
}

/* Lower rows of the tables of devices, data profiles and mask contents; a device with no weakening before one with. */
static bool lower_choices(struct search *s)
{
    bool any = false;
    for (int row = 0; row < s->best.run.device; row++) {
        struct attn_case c = s->best;
        struct attn_device weaker;
        c.run.device = row;
        any |= (c.run.weakening < 0 || attn_device_weaken(attn_device(row), c.run.weakening, &weaker, NULL)) &&
               shrink_offer(s, &c);
    }
    for (int w = 0; w < s->best.run.weakening; w++) {
        struct attn_case c = s->best;
        struct attn_device weaker;
        c.run.weakening = w;
        any |= attn_device_weaken(attn_device(c.run.device), w, &weaker, NULL) && shrink_offer(s, &c);
    }
    for (int data = 0; data < s->best.run.data; data++) {
        struct attn_case c = s->best;
        c.run.data = data;
        any |= shrink_offer(s, &c);
    }
    for (int mask = 0; mask < s->best.run.mask; mask++) {
        struct attn_case c = s->best;
        c.run.mask = mask;
        any |= shrink_offer(s, &c);
    }
    return any;
}

/* ---- All ------------------------------------------------------------------------------------------------- */

bool shrink_moves(struct search *s)
{
    static bool (*const moves[])(struct search *) = { drop_features, simplify_layout, simplify_types, lower_head_size,
                                                      lower_extents, lower_choices,   lower_layout,   lower_numbers };
    bool any = false;
    for (size_t i = 0; i < COUNT(moves) && !shrink_tired(s); i++)
        any |= moves[i](s);
    return any;
}
