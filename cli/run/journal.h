/* journal.h: the file that lets a run go on after its process was killed.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_RUN_JOURNAL_H
#define ATTNFUZZ_RUN_JOURNAL_H

#include "cli/run/job.h"

struct run_journal;

/* Opens or makes the journal of this very job and takes its results over: job->result, job->findings, job->resumed. A
 * record that was cut off is dropped with all that follows. NULL, with a message, when it belongs to another job, is in
 * use, or cannot be read or written. */
struct run_journal *run_journal_open(const char *path, struct run_job *job);
/* Appends the result of a task: it is there when this process is killed. False, with a message, when it cannot be
 * written. */
bool run_journal_add(struct run_journal *journal, const struct run_job *job, int64_t task);
/* What was added is on the disk when this returns true: it is there when the machine stops. */
bool run_journal_sync(struct run_journal *journal);
void run_journal_close(struct run_journal *journal);

#endif
