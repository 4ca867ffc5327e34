/* fuzz_machine.c: runs a problem's kernels by their machine code for AMD GPUs, executed on the CPU: device, order of
 * waves and checks as the input says, each result judged, and the same bits under another order.
 *
 * SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "fuzz/domain/domain.h"
#include "fuzz/properties/properties.h"
#include "fuzz/shrink/shrink.h"
#include "fuzz/targets/execution.h"
#include "fuzz/targets/feedback.h"
#include "fuzz/targets/target.h"
#include "isa/isa.h"
#include "kernels/machine/attn_machine.h"
#include "planner/hash.h"

#define SHRINK_TRIES 300 /* of a finding: some seconds */
#define LARGE_EVERY 8
#define BUDGET UINT64_C(20000000) /* wave instructions of a launch */

static struct attn_backend *backend;
static int16_t targets[ATTN_FLEET_MAX];
static int n_targets;

static void close_at_exit(void) { backend->ops->close(backend); }

static struct attn_domain_limits case_of(const uint8_t *data, size_t size, struct attn_case *c)
{
    static struct attn_genome genome;
    attn_genome_decode(data, size, &genome);
    /* Most are small: dozens of them a second. Some are as large as their gene asks for. */
    struct attn_domain_limits limits = execution_limits(&genome);
    if (attn_hash(ATTN_HASH_START, data, size) % LARGE_EVERY != 0)
        limits = (struct attn_domain_limits){ EXEC_WORK / 2, EXEC_BYTES / 2, EXEC_COMPONENTS / 2, ATTN_REACH_MOST };
    attn_genome_case(&genome, &limits, c);
    c->run.device = targets[(uint64_t)(c->run.device + attn_device_count()) % (uint64_t)n_targets];
    c->run.weakening = -1;
    return limits;
}

static const char *line_of(const uint8_t *data, size_t size)
{
    static struct attn_case c;
    static char line[ATTN_CASE_LINE_MAX];
    case_of(data, size, &c);
    attn_case_print(&c, line, sizeof line);
    return line;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char error[512] = "no code objects";
    begin_target("fuzz_machine", line_of, false);
    n_targets = attn_machine_targets(targets, ATTN_FLEET_MAX, error, sizeof error);
    backend = n_targets > 0 ? attn_machine_open(NULL, error, sizeof error) : NULL;
    if (!backend) {
        fprintf(stderr, "fuzz_machine: %s\n", error);
        exit(3);
    }
    atexit(close_at_exit);
    if (runs_files(*argc, *argv))
        attn_feedback_run_all();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct attn_case c;
    struct attn_outcome outcome;
    struct attn_finding finding;

    attn_crash_begin(data, size);
    attn_feedback_begin(data, size);
    const struct attn_domain_limits limits = case_of(data, size, &c);
    const struct isa_options options = { .schedule = c.run.schedule, .checked = true, .budget = BUDGET };
    attn_machine_options(backend, &options);
    const struct attn_run_limits run_limits = { .work = limits.work,
                                                .bytes = EXEC_WORKSPACE,
                                                .schedules = (c.run.seed & 3) == 0,
                                                .trying = attn_crash_trying,
                                                .watch = attn_feedback_watch() };
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
