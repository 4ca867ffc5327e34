/* shrink.c: a worker makes what was found smaller, on the backend that it was found on.
 *
 * This happens when all problems have a result, for the first few findings of each kind in the order of the input, so
 * that what is shrunk does not depend on who found it. Whatever happens to the process meanwhile, the finding stays as
 * it was. Deaths and lost devices are not shrunk: every try would cost a process.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/input/clock.h"
#include "cli/run/shrink.h"

#include <stdlib.h>
#include <string.h>

#include "cli/run/tasks.h"

enum { TRIES_MAX = 1500, DEADLINE_S = 60 };

struct question {
    const struct run_shrink *how;
    struct attn_finding wanted, found;
    struct attn_again again;
    int64_t until_ns;
    bool lost; /* the device, while it was asked */
};

static bool fails(const struct attn_case *c, void *context)
{
    struct question *q = context;
    /* A device is what it is: the line keeps naming it. */
    if (q->lost || cli_now_ns() > q->until_ns || (q->how->row >= 0 && c->run.device != q->how->row))
        return false;
    const bool same = attn_again_fails(&q->again, c, &q->found);
    q->lost = q->found.failure == ATTN_F_DEVICE_LOST;
    return same;
}

static bool shrink_run(const struct run_shrink *how, struct attn_finding *finding, bool *lost)
{
    struct question *q = calloc(1, sizeof *q);
    struct attn_case c = finding->at;
    if (!q)
        return false;
    int64_t limit_s = how->timeout_s && how->timeout_s / 2 < DEADLINE_S ? how->timeout_s / 2 : DEADLINE_S;
    q->how = how;
    q->wanted = *finding;
    q->until_ns = cli_now_ns() + limit_s * INT64_C(1000000000);
    attn_again_begin(&q->again, how->backend, &how->limits, &q->wanted);
    bool good = attn_shrink(&c, fails, q, TRIES_MAX, NULL);
    q->until_ns = INT64_MAX;
    /* Once more, for the text of the smallest case. */
    good = good && fails(&c, q);
    if (good)
        *finding = q->found;
    *lost = q->lost;
    free(q);
    return good;
}

bool run_shrink(const struct run_shrink *how, struct run_result *result, struct run_findings *findings)
{
    bool lost = false;
    if (result->plan_failed) {
        struct attn_shrink_how plans = { .fleet = how->fleet, .max_tries = TRIES_MAX };
        findings->small[0] = findings->at[0];
        result->shrunk[0] = attn_shrink_finding(&plans, &findings->small[0], NULL);
    }
    if (result->run_failed && findings->at[1].failure != ATTN_F_DEVICE_LOST) {
        findings->small[1] = findings->at[1];
        result->shrunk[1] = shrink_run(how, &findings->small[1], &lost);
    }
    return !lost;
}

/* ---- Which ----------------------------------------------------------------------------------------------- */

/* Place of a property in the table of properties. */
enum {
    PROPERTIES = 0
#define X(number, NAME, name, kind, text) +1
    ATTN_PROPERTIES(X)
#undef X
};

static int place_of(int property)
{
    static const int numbers[PROPERTIES] = {
#define X(number, NAME, name, kind, text) ATTN_P_##NAME,
        ATTN_PROPERTIES(X)
#undef X
    };
    int place = 0;
    while (place < PROPERTIES && numbers[place] != property)
        place++;
    return place;
}

int64_t run_shrink_pick(const struct run_job *job, int64_t *order)
{
    int64_t n = 0, taken[PROPERTIES][ATTN_KERNEL_COUNT + 1];
    memset(taken, 0, sizeof taken);
    for (int64_t t = 0; t < job->n_tasks; t++) {
        const struct run_result *r = &job->result[t];
        /* A session is what it is: its step alone is not what fails. */
        if (r->end != RUN_ENDED || (!r->plan_failed && !r->run_failed) || run_task_is_session(job, t))
            continue;
        const struct attn_finding *f =
            &job->findings[t].at[r->run_failed]; /* not the smaller one: the kind is the same */
        int property = place_of(f->property);
        if (property == PROPERTIES || f->kernel < -1 || f->kernel >= ATTN_KERNEL_COUNT ||
            f->failure == ATTN_F_DEVICE_LOST || taken[property][f->kernel + 1]++ >= job->options->shrink || r->tried)
            continue;
        order[n++] = t;
    }
    return n;
}
