/* again.c: looking for a run property's finding again, so that whoever replays the line sees it. See shrink.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/properties/sample.h"
#include "fuzz/shrink/shrink.h"

bool attn_finding_same(const struct attn_finding *a, const struct attn_finding *b)
{
    return a->property == b->property && a->kernel == b->kernel && a->rule == b->rule && a->failure == b->failure;
}

static bool sampled(const struct attn_run_limits *limits, const struct attn_case *c)
{
    return attn_problem_work(&c->problem) > limits->work;
}

static bool fails_under(const struct attn_again *again, const struct attn_run_limits *given, const struct attn_case *c,
                        struct attn_finding *found)
{
    const struct attn_finding *wanted = again->wanted;
    struct attn_run_limits limits = *given;
    struct attn_outcome outcome;
    /* What breaks under one schedule, or for one twin, is asked about under that one alone: the line names it. */
    limits.schedules = wanted->property == ATTN_P_SCHEDULE_FREE && wanted->at.run.again == 0;
    limits.twins = 0;
    return attn_check_run(again->backend, c, &limits, &outcome, found) == ATTN_OUTCOME_FAILED &&
           attn_finding_same(found, wanted);
}

/* A run of the whole takes long and need not be asked: no element is nobody's there. */
static bool may_fail_by_others(const struct attn_case *c)
{
    return attn_problem_work(&c->problem) > ATTN_SAMPLE_TILES_MORE * ATTN_RUN_WORK_LIMIT;
}

static bool fails_by_others(const struct attn_again *again, const struct attn_case *c, struct attn_finding *found)
{
    const struct attn_run_limits limits = { .work = ATTN_RUN_WORK_LIMIT, .bytes = ATTN_RUN_BYTES_LIMIT };
    return fails_under(again, &limits, c, found);
}

void attn_again_begin(struct attn_again *again, struct attn_backend *backend, const struct attn_run_limits *limits,
                      const struct attn_finding *wanted)
{
    struct attn_finding found;
    *again = (struct attn_again){ .backend = backend, .limits = *limits, .wanted = wanted };
    again->by_others = wanted->property == ATTN_P_CONTAINED && sampled(limits, &wanted->at) &&
                       limits->work < ATTN_RUN_WORK_LIMIT && may_fail_by_others(&wanted->at) &&
                       fails_by_others(again, &wanted->at, &found);
}

bool attn_again_fails(const struct attn_again *again, const struct attn_case *c, struct attn_finding *found)
{
    const bool others = again->by_others && sampled(&again->limits, c);
    return (!others || may_fail_by_others(c)) && fails_under(again, &again->limits, c, found) &&
           (!others || fails_by_others(again, c, found));
}
