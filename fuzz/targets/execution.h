/* execution.h: what one execution of fuzz_kernel may cost, so that there are hundreds of them a second.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_EXECUTION_H
#define ATTN_EXECUTION_H

#include "fuzz/domain/domain.h"

#define EXEC_WORK INT64_C(60000)       /* multiply-adds of the problem */
#define EXEC_BYTES INT64_C(393216)     /* of its tensors */
#define EXEC_COMPONENTS INT64_C(20480) /* of dst */
#define EXEC_MORE 16                   /* times as much for some: what scan and convert need to be planned */
#define EXEC_COLUMNS 4                 /* and for those with many columns */
#define EXEC_FULL 2                    /* and for those that fill a device, of whose tiles that is the size */
#define EXEC_SPLITS 24 /* and for those with many splits, a scan of many blocks, or large heads in warpgroups */
/* Accesses and wave operations of a launch that is sampled. A tile of 131,087 keys and one column, which matrix cores
 * fill up to sixteen, took 210,000,000; of small heads there may be six times as many keys. */
#define EXEC_SAMPLED_STEPS UINT64_C(4000000000)
#define EXEC_WORKSPACE INT64_C(16777216) /* of a plan */

/* The limits of a genome's case: what it asks for by its gene `effort`. */
static inline struct attn_domain_limits execution_limits(const struct attn_genome *genome)
{
    const uint32_t effort = genome->gene[ATTN_GENE_effort];
    const int64_t more = attn_genome_groups(genome)                                          ? EXEC_SPLITS
                         : effort == ATTN_EFFORT_MOST                                        ? EXEC_MORE
                         : effort == ATTN_EFFORT_COLUMNS || attn_genome_full_columns(genome) ? EXEC_COLUMNS
                         : attn_effort_fills(effort)                                         ? EXEC_FULL
                         : effort == ATTN_EFFORT_SPLITS || effort == ATTN_EFFORT_SCAN        ? EXEC_SPLITS
                                                                                             : 1;
    return (struct attn_domain_limits){ EXEC_WORK * more, EXEC_BYTES * more, EXEC_COMPONENTS * more, ATTN_REACH_MOST };
}

/* The genome's case within these limits, or one of which some rows alone are run. */
static inline void execution_case(const struct attn_genome *genome, const struct attn_domain_limits *limits,
                                  struct attn_case *c)
{
    attn_genome_case_sampled(genome, limits, ATTN_SAMPLED_TILE * limits->work, c);
}

/* Is it one? It is past the largest limit then. */
static inline bool execution_sampled(const struct attn_case *c)
{
    return attn_problem_work(&c->problem) > EXEC_WORK * EXEC_SPLITS;
}

#endif
