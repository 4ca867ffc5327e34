/* orders.c: two orders of the same requests give the same answers (P7). See session.h.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/session/play.h"

/* Results of the last row that a slot had in a layer on a device, and how far they may be off. */
struct answer {
    int32_t pos;
    int64_t n;
    double *value, *limit; /* n each */
};

struct answers {
    struct answer at[ATTN_SESSION_SLOTS_MAX][ATTN_SESSION_LAYERS_MAX][ATTN_SESSION_SPLIT_MAX];
    bool lost; /* memory ran out: nothing is compared */
};

static void keep_answer(void *context, const struct attn_player *p, const struct attn_session_at *at,
                        const struct attn_problem *problem, const struct session_references *references,
                        const struct attn_plan *plan, const void *dst)
{
    struct answers *all = context;
    const struct attn_tensor *d = &problem->t[ATTN_DST];
    const int64_t n = d->ne[0] * d->ne[1];
    for (int i = 0; i < references->n && !at->draft; i++) {
        const struct session_run *run = &references->run[i];
        struct answer *a = &all->at[run->slot][at->layer][at->share];
        if (!a->value) {
            a->value = malloc((size_t)n * 2 * sizeof *a->value);
            if (!a->value) {
                all->lost = true;
                return;
            }
            a->limit = a->value + n;
            a->n = n;
        }
        a->pos = p->u.pos[run->stream * (p->u.n / p->u.streams) + run->row + run->n - 1];
        for (int64_t c = 0; c < n; c++) {
            int64_t h = c / d->ne[0], at_d = c % d->ne[0];
            float got;
            memcpy(&got,
                   (const char *)dst + run->stream * d->nb[3] + (run->row + run->n - 1) * d->nb[2] + h * d->nb[1] +
                       at_d * d->nb[0],
                   sizeof got);
            /* Of a step that was run in some rows the limit of others has no end, and they have no value. */
            a->limit[c] = attn_reference_limit(references->reference[i], &plan->arithmetic, at_d, h, run->n - 1, 0);
            a->value[c] = isinf(a->limit[c]) ? 0.0 : (double)got;
        }
    }
}

static void free_answers(struct answers *all)
{
    for (int slot = 0; all && slot < ATTN_SESSION_SLOTS_MAX; slot++)
        for (int layer = 0; layer < ATTN_SESSION_LAYERS_MAX; layer++)
            for (int share = 0; share < ATTN_SESSION_SPLIT_MAX; share++)
                free(all->at[slot][layer][share].value);
    free(all);
}

/* The same events with the slots' turns one after another, the last slot's first. False when there is nothing to
 * change, or events are about several slots. */
static bool reorder(const struct attn_session *s, struct attn_session *other)
{
    int slot = 0;
    uint32_t used = 0;
    /* A window of 1 lets other slots take a slot's last cell, and with it what a checkpoint would save. */
    for (int i = 0; i < s->n_layers; i++)
        if (s->layer[i].window == 1)
            return false;
    for (int i = 0; i < s->n_events; i++) {
        const struct attn_session_event *e = &s->event[i];
        if (e->op == ATTN_SESSION_TOGETHER || e->op == ATTN_SESSION_DRAFTS || e->op == ATTN_SESSION_COPY ||
            e->op == ATTN_SESSION_DEFRAG || e->op == ATTN_SESSION_MIXED)
            return false;
        slot = e->op == ATTN_SESSION_SLOT ? e->slot : slot;
        used |= e->op == ATTN_SESSION_SLOT ? 0 : 1u << slot;
    }
    if ((used & (used - 1)) == 0)
        return false;
    *other = *s;
    other->n_events = 0;
    for (int which = s->slots - 1; which >= 0; which--) {
        if (other->n_events == ATTN_SESSION_EVENTS_MAX)
            return false;
        other->event[other->n_events++] = (struct attn_session_event){ .op = ATTN_SESSION_SLOT, .slot = which };
        slot = 0;
        for (int i = 0; i < s->n_events; i++) {
            const struct attn_session_event *e = &s->event[i];
            slot = e->op == ATTN_SESSION_SLOT ? e->slot : slot;
            if (e->op == ATTN_SESSION_SLOT || slot != which)
                continue;
            if (other->n_events == ATTN_SESSION_EVENTS_MAX)
                return false;
            other->event[other->n_events++] = *e;
        }
    }
    return true;
}

__attribute__((format(printf, 3, 4))) static bool differ(struct attn_session_finding *f, const struct attn_session *s,
                                                         const char *format, ...)
{
    va_list args;
    f->finding.property = ATTN_P_REUSABLE;
    f->finding.kernel = f->finding.rule = -1;
    f->at.event = s->n_events - 1;
    va_start(args, format);
    vsnprintf(f->finding.text, sizeof f->finding.text, format, args);
    va_end(args);
    return false;
}

static bool same_tokens(const struct attn_session *s, const struct attn_player *a, const struct attn_player *b,
                        struct attn_session_finding *f)
{
    for (int slot = 0; slot < s->slots; slot++) {
        int32_t n = attn_player_length(a, slot);
        if (n != attn_player_length(b, slot))
            return differ(f, s, "slot %d ends with %d tokens, and in another order of the slots' turns with %d", slot,
                          n, attn_player_length(b, slot));
        for (int32_t i = 0; i < n; i++)
            if (attn_player_token(a, slot, i) != attn_player_token(b, slot, i))
                return differ(f, s, "token %d of slot %d is another one when the slots' turns come in another order", i,
                              slot);
    }
    return true;
}

static bool same_answers(const struct attn_session *s, const struct answers *a, const struct answers *b,
                         struct attn_session_finding *f)
{
    for (int slot = 0; slot < s->slots; slot++)
        for (int layer = 0; layer < s->n_layers; layer++)
            for (int share = 0; share < s->split; share++) {
                const struct answer *x = &a->at[slot][layer][share], *y = &b->at[slot][layer][share];
                for (int64_t c = 0; x->value && y->value && x->pos == y->pos && c < x->n; c++)
                    if (!(fabs(x->value[c] - y->value[c]) <= x->limit[c] + y->limit[c]))
                        return differ(
                            f, s,
                            "slot %d, layer %s, position %d, value %" PRId64 ": %.9g, and %.9g when the slots' "
                            "turns come in another order, more than %.3g apart",
                            slot, s->layer[layer].name, x->pos, c, x->value[c], y->value[c], x->limit[c] + y->limit[c]);
            }
    return true;
}

static bool compare_orders(const struct attn_session *s, const struct attn_session_options *options,
                           const struct attn_session *other, const struct attn_player *first,
                           const struct answers *answers, bool *compared, struct attn_session_finding *f)
{
    struct attn_session_options once = *options;
    struct attn_session_outcome outcome;
    struct attn_player *second = NULL;
    struct answers *its = calloc(1, sizeof *its);
    bool held = true;
    once.limits.schedules = 0;
    once.limits.beside = NULL;
    if (its)
        held = session_check(other, &once, keep_answer, its, &outcome, f, &second);
    *compared = held && its && second && !answers->lost && !its->lost && outcome.counts.refused == 0;
    if (*compared)
        held = same_tokens(s, first, second, f) && same_answers(s, answers, its, f);
    attn_player_close(second);
    free_answers(its);
    return held;
}

bool attn_session_orders(const struct attn_session *session, const struct attn_session_options *options,
                         struct attn_session_outcome *outcome, bool *compared, struct attn_session_finding *f)
{
    struct attn_session *other = malloc(sizeof *other);
    struct answers *answers = calloc(1, sizeof *answers);
    struct attn_player *player = NULL;
    bool two = other && answers && reorder(session, other);

    *compared = false;
    bool held = session_check(session, options, two ? keep_answer : NULL, answers, outcome, f, &player);
    if (held && two && player && outcome->ran > 0 && outcome->counts.refused == 0)
        held = compare_orders(session, options, other, player, answers, compared, f);
    attn_player_close(player);
    free_answers(answers);
    free(other);
    return held;
}

bool attn_session_play(const struct attn_session *session, struct attn_session_options *options,
                       struct attn_session_outcome *outcome, struct attn_session_finding *finding)
{
    struct attn_session_options as = *options;
    struct attn_session_outcome again;
    bool compared;
    if (!attn_session_orders(session, options, outcome, &compared, finding))
        return false;
    attn_session_limit_long(&as);
    if (outcome->kernels.rows == 0 || attn_session_run(session, &as, &again, finding))
        return true;
    *options = as;
    return false;
}
