/* fuzz_kernel.c: runs every able kernel of a problem on the host executor, on devices of both wave sizes, judges each
 * result, and checks that a run touches nothing but its own, does not depend on the schedule, and agrees with that of a
 * twin of the problem.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/domain/domain.h"
#include "fuzz/properties/properties.h"
#include "fuzz/shrink/shrink.h"
#include "fuzz/targets/backend.h"
#include "fuzz/targets/target.h"

/* What one execution may cost, so that there are hundreds of them a second. */
#define EXEC_WORK INT64_C(60000)         /* multiply-adds of the problem */
#define EXEC_BYTES INT64_C(393216)       /* of its tensors */
#define EXEC_COMPONENTS INT64_C(20480)   /* of dst */
#define EXEC_MORE 16                     /* times as much for some: what scan and convert need to be planned */
#define EXEC_COLUMNS 4                   /* and for those with many columns */
#define EXEC_WORKSPACE INT64_C(16777216) /* of a plan */
#define EXEC_STEPS UINT64_C(200000000)   /* accesses and wave operations of a launch */
#define AGAINST_TWINS 4                  /* one execution in so many is held against a twin */
#define SHRINK_TRIES 600                 /* of a finding: some seconds */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    begin_target("fuzz_kernel");
    open_backend(EXEC_STEPS);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct attn_genome genome;
    struct attn_case c;
    struct attn_outcome outcome;
    struct attn_finding finding;

    attn_genome_decode(data, size, &genome);
    const uint32_t effort = genome.gene[ATTN_GENE_effort];
    int64_t more = effort == ATTN_EFFORT_MOST ? EXEC_MORE : effort == ATTN_EFFORT_COLUMNS ? EXEC_COLUMNS : 1;
    struct attn_domain_limits limits = { EXEC_WORK * more, EXEC_BYTES * more, EXEC_COMPONENTS * more, ATTN_REACH_MOST };
    attn_genome_case(&genome, &limits, &c);
    struct attn_run_limits run_limits = { .work = limits.work,
                                          .bytes = EXEC_WORKSPACE,
                                          .schedules = more == 1 && (c.run.seed & 7) == 0 };
    if (more == 1 && (c.run.seed & 7) % AGAINST_TWINS == 1)
        run_limits.twins = attn_run_one_twin(&c);
    if (attn_check_run(backend, &c, &run_limits, &outcome, &finding) == ATTN_OUTCOME_FAILED) {
        struct attn_shrink_how how = { .backend = backend, .limits = run_limits, .max_tries = SHRINK_TRIES };
        attn_finding_print(stderr, &finding);
        attn_stats_write(&stats);
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
