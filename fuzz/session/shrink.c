/* shrink.c: makes a failing session smaller while it fails in the same way. See session.h.
 *
 * Greedy, in rounds: events are dropped (long stretches first), layers are dropped, settings go to their defaults,
 * numbers go down; a change stays when the session still fails. It ends when a round changes nothing, or tries or time
 * run out.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fuzz/session/session.h"
#include "fuzz/shrink/shrink.h"

struct search {
    struct attn_session_options options;
    struct attn_session best, candidate;
    struct attn_session_finding *found; /* of best */
    int64_t tries, max_tries, steps;
    double until; /* of this process's CPU time, seconds; 0: no end */
};

static double cpu_seconds(void) { return (double)clock() / CLOCKS_PER_SEC; }

static bool over(const struct search *x)
{
    return x->tries >= x->max_tries || (x->until > 0 && cpu_seconds() > x->until);
}

/* A layer that reads another's cache goes with it. */
static void follow(struct attn_session *s)
{
    for (int i = 0; i < s->n_layers; i++) {
        struct attn_session_layer *l = &s->layer[i];
        if (!l->reads)
            continue;
        const struct attn_session_layer *read = &s->layer[l->reads - 1];
        const int32_t ratio = l->n_head / l->n_head_kv;
        l->n_head_kv = read->n_head_kv;
        l->n_head = ratio * l->n_head_kv;
        l->type_k = read->type_k;
        l->type_v = read->type_v;
        l->window = read->window;
    }
}

/* Does the candidate fail in the same way? Then it is the best so far. */
static bool try_candidate(struct search *x)
{
    struct attn_session_outcome outcome;
    struct attn_session_finding f;
    bool compared;
    follow(&x->candidate);
    if (over(x) || memcmp(&x->candidate, &x->best, sizeof x->best) == 0 || attn_session_check(&x->candidate))
        return false;
    x->tries++;
    if (attn_session_orders(&x->candidate, &x->options, &outcome, &compared, &f) ||
        !attn_finding_same(&f.finding, &x->found->finding))
        return false;
    x->best = x->candidate;
    *x->found = f;
    x->steps++;
    if (x->options.smaller)
        x->options.smaller(x->options.context, &x->best, &f.finding);
    return true;
}

static bool drop_events(struct search *x)
{
    bool changed = false;
    for (int n = x->best.n_events / 2; n >= 1; n /= 2)
        for (int at = 0; at < x->best.n_events;) {
            struct attn_session *s = &x->candidate;
            int cut = at + n < x->best.n_events ? n : x->best.n_events - at;
            *s = x->best;
            memmove(&s->event[at], &s->event[at + cut], (size_t)(s->n_events - at - cut) * sizeof s->event[0]);
            s->n_events -= cut;
            memset(&s->event[s->n_events], 0, (size_t)cut * sizeof s->event[0]);
            if (try_candidate(x))
                changed = true;
            else
                at += n;
        }
    return changed;
}

static bool drop_layers(struct search *x)
{
    bool changed = false;
    for (int i = 0; i < x->best.n_layers;) {
        struct attn_session *s = &x->candidate;
        *s = x->best;
        s->n_layers--;
        memmove(&s->layer[i], &s->layer[i + 1], (size_t)(s->n_layers - i) * sizeof s->layer[0]);
        memset(&s->layer[s->n_layers], 0, sizeof s->layer[0]);
        for (int k = i; k < s->n_layers; k++) /* who reads the one that is gone gets a cache of its own */
            if (s->layer[k].reads > i)
                s->layer[k].reads = s->layer[k].reads == i + 1 ? 0 : (uint8_t)(s->layer[k].reads - 1);
        if (try_candidate(x))
            changed = true;
        else
            i++;
    }
    return changed;
}

/* Tries a value for a number of the candidate; the number is one of its own. */
static bool set_number(struct search *x, int32_t *of_candidate, int64_t value)
{
    x->candidate = x->best;
    if (*of_candidate <= value)
        return false;
    *of_candidate = (int32_t)value;
    return try_candidate(x);
}

/* As small as it goes, from `least` up: that, then halves, then one less. */
static bool lower(struct search *x, int32_t *of_candidate, int32_t least)
{
    bool changed = set_number(x, of_candidate, least);
    for (;;) {
        x->candidate = x->best;
        int64_t now = *of_candidate;
        if (!set_number(x, of_candidate, least + (now - least) / 2) && !set_number(x, of_candidate, now - 1))
            return changed;
        changed = true;
    }
}

static bool lower_settings(struct search *x)
{
    struct attn_session *s = &x->candidate;
    bool changed = false;
    changed |= set_number(x, &s->weakening, -1);
    x->candidate = x->best;
    memset(s->weight, 0, sizeof s->weight);
    changed |= try_candidate(x);
    changed |= set_number(x, &s->deal, ATTN_SESSION_DEAL_DOWN);
    changed |= set_number(x, &s->grain, 1);
    changed |= set_number(x, &s->turn, 0);
    changed |= lower(x, &s->split, 1);
    changed |= set_number(x, &s->pad, 1);
    changed |= set_number(x, &s->mask, ATTN_SESSION_MASK_EXACT);
    changed |= set_number(x, &s->mask_pad, 1);
    changed |= set_number(x, &s->rows, 1);
    changed |= set_number(x, &s->shared, 0);
    changed |= set_number(x, &s->swa_full, 0);
    changed |= set_number(x, &s->narrow, 0);
    changed |= lower(x, &s->base, 0);
    changed |= lower(x, &s->slots, 1);
    changed |= lower(x, &s->cells, 1);
    x->candidate = x->best;
    if (!s->unified) {
        s->unified = 1;
        changed |= try_candidate(x);
    }
    x->candidate = x->best;
    s->schedule = 0;
    changed |= try_candidate(x);
    x->candidate = x->best;
    s->seed = 0;
    changed |= try_candidate(x);
    x->candidate = x->best;
    s->ubatch = ATTN_SESSION_UBATCH;
    changed |= s->ubatch != x->best.ubatch && try_candidate(x);
    return changed;
}

static bool lower_layers(struct search *x)
{
    bool changed = false;
    for (int i = 0; i < x->best.n_layers; i++) {
        struct attn_session_layer *l = &x->candidate.layer[i];
        x->candidate = x->best;
        l->n_head = l->n_head_kv;
        changed |= try_candidate(x);
        x->candidate = x->best;
        l->n_head /= l->n_head_kv;
        l->n_head_kv = 1;
        changed |= try_candidate(x);
        x->candidate = x->best;
        l->type_k = l->type_v = ATTN_F16;
        changed |= try_candidate(x);
        x->candidate = x->best;
        l->softcap = l->max_bias = 0.0f;
        l->sinks = 0;
        changed |= try_candidate(x);
        changed |= set_number(x, &l->window, 0);
        changed |= set_number(x, &l->cross, 0);
    }
    return changed;
}

static bool lower_events(struct search *x)
{
    bool changed = false;
    for (int i = 0; i < x->best.n_events; i++) {
        struct attn_session_event *e = &x->candidate.event[i];
#define X(NAME, field, low, high)                 \
    if (e->op == ATTN_SESSION_##NAME && e->field) \
        changed |= lower(x, &e->field, low);
        x->candidate = x->best;
        ATTN_SESSION_FIELDS(X)
#undef X
    }
    return changed;
}

void attn_session_shrink(struct attn_session *session, const struct attn_session_options *options, int64_t max_tries,
                         double max_seconds, struct attn_session_finding *finding,
                         struct attn_session_shrink_report *report)
{
    struct search *x = calloc(1, sizeof *x);
    memset(report, 0, sizeof *report);
    report->events_before = report->events = session->n_events;
    if (!x)
        return;
    *x = (struct search){ .options = *options,
                          .best = *session,
                          .found = finding,
                          .max_tries = max_tries,
                          .until = max_seconds > 0 ? cpu_seconds() + max_seconds : 0 };
    /* A second run of each step is asked about where it is what fails. */
    x->options.limits.schedules = finding->finding.property == ATTN_P_SCHEDULE_FREE;
    bool changed = true;
    while (changed && !over(x)) {
        changed = drop_events(x);
        changed |= drop_layers(x);
        changed |= lower_settings(x);
        changed |= lower_layers(x);
        changed |= lower_events(x);
    }
    *session = x->best;
    report->events = x->best.n_events;
    report->tries = x->tries;
    report->steps = x->steps;
    report->minimal = !changed && !over(x);
    free(x);
}

void attn_session_shrink_print(FILE *out, const struct attn_session *session,
                               const struct attn_session_options *options, int64_t max_tries, double max_seconds,
                               const struct attn_session_finding *finding)
{
    struct attn_session *small = malloc(sizeof *small);
    struct attn_session_finding f = *finding;
    struct attn_session_shrink_report r;
    if (!small)
        return;
    *small = *session;
    attn_session_shrink(small, options, max_tries, max_seconds, &f, &r);
    fprintf(out, "shrunk in %" PRId64 " steps (%" PRId64 " tries%s) from %d events to %d:\n", r.steps, r.tries,
            r.minimal ? "" : ", no more allowed", r.events_before, r.events);
    attn_session_finding_print(out, small, &f);
    free(small);
}
