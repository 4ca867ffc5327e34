/* pool.h: the parent of a run: hands tasks to worker processes and records what they find.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_RUN_POOL_H
#define ATTNFUZZ_RUN_POOL_H

#include <stdio.h>

#include "cli/run/journal.h"

/* Runs all tasks that have no result in worker processes. A worker that dies or takes too long is replaced; its problem
 * has failed. Each result is written to the journal (NULL: none) before the next is waited for, and failures are
 * appended to `failures` (NULL: none). Results do not depend on how many workers there are. CLI_GOOD, or CLI_LACKS with
 * a message when processes cannot be had or no device can be opened; job->left then says what is still to do. */
int run_pool(struct run_job *job, struct run_journal *journal, FILE *failures);
/* job->result and job->findings, shared. False when there is no memory. */
bool run_pool_memory(struct run_job *job);

#endif
