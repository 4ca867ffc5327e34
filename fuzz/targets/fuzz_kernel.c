/* fuzz_kernel.c: runs every able kernel of a problem on the host executor, on devices of both wave sizes, judges each
 * result, and checks that a run touches nothing but its own, does not depend on the schedule, and agrees with that of a
 * twin of the problem.
 *
 * SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "fuzz/domain/domain.h"
#include "fuzz/properties/properties.h"
#include "fuzz/shrink/shrink.h"
#include "fuzz/targets/backend.h"
#include "fuzz/targets/execution.h"
#include "fuzz/targets/feedback.h"
#include "fuzz/targets/target.h"

#define AGAINST_TWINS 4  /* one execution in so many is held against a twin */
#define SHRINK_TRIES 600 /* of a finding: some seconds */

static const char *line_of(const uint8_t *data, size_t size)
{
    static struct attn_genome genome;
    static struct attn_case c;
    static char line[ATTN_CASE_LINE_MAX];
    attn_genome_decode(data, size, &genome);
    const struct attn_domain_limits limits = execution_limits(&genome);
    execution_case(&genome, &limits, &c);
    attn_case_print(&c, line, sizeof line);
    return line;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    begin_target("fuzz_kernel", line_of, true);
    open_backend();
    if (runs_files(*argc, *argv))
        attn_feedback_run_all();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct attn_genome genome;
    struct attn_case c;
    struct attn_outcome outcome;
    struct attn_finding finding;

    attn_crash_begin(data, size);
    attn_feedback_begin(data, size);
    attn_genome_decode(data, size, &genome);
    const struct attn_domain_limits limits = execution_limits(&genome);
    execution_case(&genome, &limits, &c);
    attn_host_budget(backend, execution_sampled(&c) ? EXEC_SAMPLED_STEPS : BACKEND_STEPS);
    struct attn_run_limits run_limits = { .work = limits.work,
                                          .bytes = EXEC_WORKSPACE,
                                          .schedules = limits.work == EXEC_WORK && (c.run.seed & 7) == 0,
                                          .trying = attn_crash_trying,
                                          .watch = attn_feedback_watch() };
    if (limits.work == EXEC_WORK && (c.run.seed & 7) % AGAINST_TWINS == 1)
        run_limits.twins = attn_run_one_twin(&c);
    if (attn_check_run(backend, &c, &run_limits, &outcome, &finding) == ATTN_OUTCOME_FAILED) {
        struct attn_shrink_how how = { .backend = backend, .limits = run_limits, .max_tries = SHRINK_TRIES };
        attn_finding_print(stderr, &finding);
        attn_crash_named();
        attn_stats_write(&stats);
        how.limits.watch = NULL;
        attn_shrink_print(stderr, &how, &finding);
        abort();
    }
    stats.plans += 1 + ATTN_KERNEL_COUNT;
    if (outcome.chosen >= 0)
        stats.chosen[outcome.chosen][attn_fleet_find(&stats.fleet, c.run.device, c.run.weakening)]++;
    attn_stats_outcome(&stats, attn_fleet_find(&stats.fleet, c.run.device, c.run.weakening), &outcome);
    attn_stats_tick(&stats);
    return 0;
}
