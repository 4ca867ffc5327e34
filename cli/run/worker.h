/* worker.h: a child process of a run.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_RUN_WORKER_H
#define ATTNFUZZ_RUN_WORKER_H

#include "cli/run/board.h"

/* The child's whole life: opens its device, takes tasks order[next] until there are none, writes results to shared
 * memory and a message for each task it ended to `done`. Does not return. */
_Noreturn void run_worker(const struct run_job *job, struct run_board *board, const int64_t *order, int64_t n_order,
                          int w, int done);

#endif
