/* shrink.h: smaller cases for the findings of a run.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_RUN_SHRINK_H
#define ATTNFUZZ_RUN_SHRINK_H

#include "cli/run/job.h"
#include "fuzz/shrink/shrink.h"

/* With what. */
struct run_shrink {
    const struct attn_fleet *fleet;
    struct attn_backend *backend;
    struct attn_run_limits limits;
    int row;           /* of the backend's own device; -1: any */
    int64_t timeout_s; /* of the task: shrinking takes at most half of it, and at most a minute; 0: none */
};

/* Shrinks the findings of one result: result->shrunk, findings->small. False when the device was lost over it. */
bool run_shrink(const struct run_shrink *how, struct run_result *result, struct run_findings *findings);

/* The tasks whose findings are to be shrunk: of each property and kernel the first options->shrink, without those that
 * were tried already. order has room for all tasks; returns how many. */
int64_t run_shrink_pick(const struct run_job *job, int64_t *order);

#endif
