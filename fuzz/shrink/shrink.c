/* shrink.c: a case made as small as it goes. See shrink.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/shrink/shrink.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/shrink/search.h"

bool attn_shrink(struct attn_case *c, attn_shrink_fails *fails, void *context, int64_t max_tries,
                 struct attn_shrink_report *report)
{
    struct attn_shrink_report own;
    struct search *s = calloc(1, sizeof *s);
    report = report ? report : &own;
    memset(report, 0, sizeof *report);
    if (!s)
        return false;
    attn_shrink_measure(c, &report->before);
    report->after = report->before;
    report->tries = 1;
    bool failed = fails(c, context);
    if (failed) {
        s->best = *c;
        s->size = report->before;
        s->fails = fails;
        s->context = context;
        s->tries = 1;
        s->max_tries = max_tries;
        while (!shrink_tired(s) && shrink_moves(s))
            continue;
        *c = s->best;
        report->tries = s->tries;
        report->steps = s->steps;
        report->minimal = !shrink_tired(s);
        attn_shrink_measure(c, &report->after);
        /* What was offered and taken: legal, and smaller with each step. */
        assert(attn_problem_check(&c->problem, NULL) == ATTN_E_OK);
        assert(attn_shrink_compare(&report->after, &s->size) == 0);
        assert(s->steps == 0 || attn_shrink_compare(&report->after, &report->before) < 0);
    }
    free(s);
    return failed;
}
