/* fuzz_session.c: plays sessions of a server. Every step is planned with the plans that a server would have kept, and
 * all plan properties are checked for each new key on the whole fleet; sessions of half of the inputs hold data, are
 * small, and are run by every able kernel against the logical history. One in 32 of these has a long context, of which
 * steps are run in some rows.
 *
 * ATTNFUZZ_SESSION=plan plans all of them (large ones), ATTNFUZZ_SESSION=run runs all of them.
 *
 * SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include <string.h>

#include "fuzz/session/session.h"
#include "fuzz/targets/backend.h"
#include "fuzz/targets/feedback.h"
#include "fuzz/targets/history.h"
#include "fuzz/targets/target.h"

#define RUN_BYTES INT64_C(4194304)    /* of a problem's tensors, of a workspace */
#define CACHE_BYTES INT64_C(16777216) /* of a session's caches */
#define SHRINK_TRIES 600              /* of a finding, */
#define SHRINK_SECONDS 6.0            /* and for how long */

static struct attn_session_memo memo, memo_before; /* this input's session */
static enum { MIXED, PLAN_ALL, RUN_ALL } mode;

static enum attn_session_kind kind_of(const uint8_t *data, size_t size)
{
    const enum attn_session_kind asked = attn_session_bytes_kind(data, size);
    return mode == PLAN_ALL                                   ? ATTN_SESSION_PLANNED
           : mode == RUN_ALL && asked == ATTN_SESSION_PLANNED ? ATTN_SESSION_RUN
                                                              : asked;
}

static const char *line_of(const uint8_t *data, size_t size)
{
    static struct attn_session s;
    static char script[ATTN_SESSION_TEXT_MAX];
    struct attn_session_limits limits;
    attn_session_limits_for(kind_of(data, size), &limits);
    attn_session_decode(data, size, &limits, &s);
    attn_session_print(&s, script, sizeof script);
    return script;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *asked = getenv("ATTNFUZZ_SESSION");
    begin_target("fuzz_session", line_of, true);
    mode = !asked ? MIXED : strcmp(asked, "plan") == 0 ? PLAN_ALL : strcmp(asked, "run") == 0 ? RUN_ALL : MIXED;
    open_backend();
    if (runs_files(*argc, *argv))
        attn_feedback_run_all();
    return 0;
}

static void count(const struct attn_session *s, const struct attn_session_outcome *o)
{
    int member = attn_fleet_find(&stats.fleet, s->device, s->weakening);
    stats.plans += (uint64_t)o->plans;
    stats.steps += (uint64_t)o->counts.steps;
    stats.step_problems += (uint64_t)o->planned;
    stats.reused += (uint64_t)o->reused;
    stats.keys += (uint64_t)o->keys;
    stats.refused += (uint64_t)o->counts.refused;
    stats.problems += (uint64_t)o->ran;
    stats.skipped += (uint64_t)o->skipped;
    stats.blind += attn_outcome_blind(&o->kernels) >= 0;
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
        const struct attn_kernel_outcome *kernel = &o->kernels.kernel[k];
        stats.chosen[k][member] += (uint64_t)o->chosen[k];
        stats.ran[k][member] += kernel->ran;
        stats.components += (uint64_t)kernel->judgement.components;
        stats.unjudged_components += (uint64_t)kernel->judgement.unjudged;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct attn_session s;
    struct attn_session_limits limits;
    struct attn_session_finding finding;
    struct attn_session_outcome outcome;
    struct attn_session_options options = { .fleet = &stats.fleet,
                                            .memo = &memo,
                                            .kernel = -1,
                                            .cache_bytes = CACHE_BYTES,
                                            .limits = { .work = ATTN_SESSION_SMALL_WORK, .bytes = RUN_BYTES } };
    const enum attn_session_kind kind = kind_of(data, size);
    const bool run = kind != ATTN_SESSION_PLANNED;
    bool compared;

    attn_crash_begin(data, size);
    if (attn_feedback_begin(data, size))
        memo = memo_before;
    else if (attn_feedback_may_repeat())
        memo_before = memo;
    if (kind == ATTN_SESSION_RUN_LONG)
        attn_session_limit_long(&options);
    attn_session_limits_for(kind, &limits);
    attn_session_decode(data, size, &limits, &s);
    options.backend = run ? backend : NULL;
    options.limits.trying = attn_crash_trying;
    options.limits.watch = attn_feedback_watch();
    /* A second run of every step, and a second order of the requests, for some: they cost as much as the session. */
    options.limits.schedules = (s.seed & 15) == 1;
    bool held = run && (s.seed & 3) == 0 ? attn_session_orders(&s, &options, &outcome, &compared, &finding)
                                         : attn_session_run(&s, &options, &outcome, &finding);
    if (!held) {
        attn_session_finding_print(stderr, &s, &finding);
        attn_crash_named();
        attn_stats_write(&stats);
        options.limits.watch = NULL;
        options.memo = NULL; /* keys that were checked before count as new */
        attn_session_shrink_print(stderr, &s, &options, SHRINK_TRIES, SHRINK_SECONDS, &finding);
        abort();
    }
    count(&s, &outcome);
    attn_history_ran(&s, kind);
    attn_stats_tick(&stats);
    return 0;
}
