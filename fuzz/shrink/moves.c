/* moves.c: what a case could be made smaller by. Each move offers candidates made from the best case so far, the
 * boldest first; whether one is smaller, legal and worth asking about is shrink_offer's to say. Here are features that
 * are dropped, numbers and choices; extents.c and layout.c have the others.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "fuzz/shrink/search.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

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
    shrink_set_ne(&c->problem.t[ATTN_MASK], attn_n_kv(&c->problem), attn_n_q(&c->problem), 1, 1);
}
static void drop_prec(struct attn_case *c) { c->problem.prec = ATTN_PREC_UNSAID; }
static void drop_n_kv_max(struct attn_case *c) { c->problem.n_kv_max = 0; }
static void drop_further(struct attn_case *c) { memset(&c->problem.further, 0, sizeof c->problem.further); }
static void drop_weakening(struct attn_case *c) { c->run.weakening = -1; }
static void drop_profile(struct attn_case *c) { c->run.data = ATTN_DATA_UNIFORM; }
static void drop_content(struct attn_case *c) { c->run.mask = ATTN_MASK_CAUSAL; }
static void drop_dead(struct attn_case *c) { c->run.dead = 1; }
static void drop_schedule(struct attn_case *c) { c->run.schedule = 0; }
static void drop_again(struct attn_case *c) { c->run.again = 0; }
static void drop_twin(struct attn_case *c) { c->run.twin = -1; }
static void drop_seed(struct attn_case *c) { c->run.seed = 0; }

static void (*const drops[])(struct attn_case *) = { drop_mask,     drop_sinks,   drop_softcap,   drop_bias,
                                                     drop_subset,   drop_scale,   drop_mask_room, drop_weakening,
                                                     drop_profile,  drop_content, drop_dead,      drop_schedule,
                                                     drop_again,    drop_twin,    drop_seed,      drop_prec,
                                                     drop_n_kv_max, drop_further };

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

enum number { SEED, SCHEDULE, AGAIN, HEAD_FIRST, HEAD_TOTAL, N_KV_MAX, NUMBERS };

static void set_plain(struct attn_case *c, int64_t value, int which)
{
    switch (which) {
    case SEED: c->run.seed = (uint64_t)value; break;
    case SCHEDULE: c->run.schedule = (uint64_t)value; break;
    case AGAIN: c->run.again = (uint64_t)value; break;
    case HEAD_FIRST: c->problem.head_first = value; break;
    case N_KV_MAX: c->problem.n_kv_max = (int32_t)value; break;
    default: c->problem.head_total = value; break;
    }
}

static int64_t plain_at(const struct attn_case *c, int which)
{
    switch (which) {
    case SEED: return c->run.seed > INT64_MAX ? INT64_MAX : (int64_t)c->run.seed;
    case SCHEDULE: return c->run.schedule > INT64_MAX ? INT64_MAX : (int64_t)c->run.schedule;
    case AGAIN: return c->run.again > INT64_MAX ? INT64_MAX : (int64_t)c->run.again;
    case HEAD_FIRST: return c->problem.head_first;
    case N_KV_MAX: return c->problem.n_kv_max;
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
        any |= shrink_lower(s, set_plain, which, plain_at(&s->best, which), 0, 1);
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
        if (c.run.weakening < 0 || attn_device_weaken(attn_device(row), c.run.weakening, &weaker, NULL)) {
            any |= shrink_offer(s, &c);
            continue;
        }
        /* That device lacks what is taken away: another weakening with it. */
        for (c.run.weakening = 0; c.run.weakening < attn_weakening_count(); c.run.weakening++)
            if (attn_device_weaken(attn_device(row), c.run.weakening, &weaker, NULL) && shrink_offer(s, &c)) {
                any = true;
                break;
            }
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
    static bool (*const moves[])(struct search *) = { drop_features,  shrink_layout, shrink_types,   shrink_head_size,
                                                      shrink_extents, lower_choices, shrink_strides, lower_numbers };
    bool any = false;
    for (size_t i = 0; i < COUNT(moves) && !shrink_tired(s); i++)
        any |= moves[i](s);
    return any;
}
