/* stats.h: what a target's process has done, as JSON for whoever watches it. A target owns one of these as static
 * state; nothing in the libraries knows it.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_STATS_H
#define ATTN_STATS_H

#include "fuzz/properties/properties.h"

enum { ATTN_STATS_RULES_MAX = 64 };

struct attn_stats {
    const char *target;
    const char *path;         /* from ATTNFUZZ_STATS, %p the process's number; NULL: nothing is written */
    int64_t started, written; /* monotonic clock, ns */
    uint64_t executions;
    uint64_t plans;                                          /* planner calls */
    uint64_t chosen[ATTN_KERNEL_COUNT][ATTN_FLEET_MAX];      /* planned, by fleet member */
    uint64_t ran[ATTN_KERNEL_COUNT][ATTN_FLEET_MAX];         /* run to the end */
    uint64_t rules[ATTN_KERNEL_COUNT][ATTN_STATS_RULES_MAX]; /* fired: kept the kernel out */
    uint64_t problems;                                       /* run */
    uint64_t unjudged_problems;                              /* of which no component could be judged */
    uint64_t components, unjudged_components;
    uint64_t blind;                /* problems whose result held but could not be judged; sessions of such a step */
    uint64_t skipped;              /* too large to run */
    uint64_t sampled;              /* run in some rows alone */
    uint64_t steps, step_problems; /* fuzz_session: steps played, their problems, */
    uint64_t keys, reused;         /* the keys among them in each session, problems served by a kept plan, */
    uint64_t refused;              /* batches without cells */
    uint64_t read, unread;         /* fuzz_text: texts that were a case, and others */
    struct attn_fleet fleet;
};

/* Begins: reads ATTNFUZZ_STATS. */
void attn_stats_begin(struct attn_stats *stats, const char *target);
/* Counts one execution; now and then writes the file. */
void attn_stats_tick(struct attn_stats *stats);
/* Counts the plans of a sweep, the kernels of an outcome. */
void attn_stats_sweep(struct attn_stats *stats, const struct attn_sweep *sweep);
void attn_stats_outcome(struct attn_stats *stats, int member, const struct attn_outcome *outcome);
/* Writes the file, whole or not at all. */
void attn_stats_write(struct attn_stats *stats);

#endif
