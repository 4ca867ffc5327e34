/* finding.c: shrinking a finding with its property, kernel, rule and failure held fixed. See shrink.h.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/shrink/shrink.h"

bool attn_property_is_plan(int number)
{
    enum { PLAN, RUN, SESSION };
    switch (number) {
#define X(number, NAME, name, kind, text) \
    case number: return kind == PLAN;
        ATTN_PROPERTIES(X)
#undef X
    default: return false;
    }
}

struct question {
    const struct attn_shrink_how *how;
    const struct attn_finding *wanted;
    struct attn_finding found;
    struct attn_sweep *sweep; /* of plan properties */
    struct attn_again again;  /* of run properties */
};

static bool breaks_plan(const struct attn_case *c, struct question *q)
{
    /* P6 compares devices with one another; every other property is broken on one. */
    bool whole = q->wanted->property == ATTN_P_MONOTONE;
    return !attn_check_plan(q->how->fleet, c, whole, q->sweep, &q->found);
}

static bool fails(const struct attn_case *c, void *context)
{
    struct question *q = context;
    const bool same = attn_property_is_plan(q->wanted->property)
                          ? breaks_plan(c, q) && attn_finding_same(&q->found, q->wanted)
                          : attn_again_fails(&q->again, c, &q->found);
    if (!same)
        return false;
    if (q->how->smaller) /* nothing else is ever offered */
        q->how->smaller(q->how->context, &q->found);
    return true;
}

bool attn_shrink_finding(const struct attn_shrink_how *how, struct attn_finding *finding,
                         struct attn_shrink_report *report)
{
    struct attn_finding wanted = *finding;
    struct question q = { .how = how, .wanted = &wanted };
    struct attn_case c = finding->at;
    bool plan = attn_property_is_plan(finding->property);
    if (report)
        memset(report, 0, sizeof *report);
    if (plan ? !how->fleet : !how->backend)
        return false;
    if (plan && !(q.sweep = malloc(sizeof *q.sweep)))
        return false;
    if (!plan)
        attn_again_begin(&q.again, how->backend, &how->limits, &wanted);
    /* Once more at the end, for the finding of the smallest case: its text, and whether it still stands. */
    bool good =
        attn_shrink(&c, fails, &q, how->max_tries ? how->max_tries : ATTN_SHRINK_TRIES, report) && fails(&c, &q);
    if (good)
        *finding = q.found;
    free(q.sweep);
    return good;
}

void attn_shrink_print(FILE *out, const struct attn_shrink_how *how, const struct attn_finding *finding)
{
    struct attn_shrink_report report;
    struct attn_finding small = *finding;
    if (!attn_shrink_finding(how, &small, &report)) {
        fprintf(out, "not shrunk: tried again by itself, the line does not fail in the same way\n");
        return;
    }
    fprintf(out,
            "shrunk in %" PRId64 " steps (%" PRId64 " tries%s) from %" PRIu32 " features and extents of %" PRIu64
            " to %" PRIu32 " and %" PRIu64 ":\n",
            report.steps, report.tries, report.minimal ? "" : ", no more allowed", report.before.features,
            report.before.extents, report.after.features, report.after.extents);
    attn_finding_print(out, &small);
}
