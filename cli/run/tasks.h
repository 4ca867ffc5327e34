/* tasks.h: the problems of a run and the tasks they make.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_RUN_TASKS_H
#define ATTNFUZZ_RUN_TASKS_H

#include "cli/input/corpus.h"
#include "cli/run/job.h"

enum { RUN_PLACE_MAX = 4160 };

/* Reads all input before anything runs and makes the tasks. False, with a message, when memory runs out or the folder
 * of inputs cannot be read; lines that cannot be read are counted in *errors. */
bool run_tasks_load(struct run_job *job, struct corpus *corpus);
void run_tasks_free(struct run_job *job);
/* The problem's case as it was read or generated. */
void run_problem_case(const struct run_job *job, int64_t problem, struct attn_case *c);
/* The task's case: with the device (where it is known), kernel and schedule that it is run with. */
void run_task_case(const struct run_job *job, int64_t task, struct attn_case *c);
/* The line that replays a finding or death of a task: the case's, or the script of the session that the task is.
 * Returns text, which has room for ATTN_CASE_LINE_MAX bytes, or the script. */
const char *run_task_line(const struct run_job *job, int64_t task, const struct attn_case *c, char *text);
/* Is the task a session? */
bool run_task_is_session(const struct run_job *job, int64_t task);
/* FILE:LINE of a task, or generated/SEED:NUMBER. */
void run_task_place(const struct run_job *job, int64_t task, char *text, size_t cap);
/* Its source: FILE, or generated/SEED. */
void run_task_source(const struct run_job *job, int64_t task, char *text, size_t cap);
/* Hash of all that decides what results are: the program itself, the options, every problem. */
uint64_t run_tasks_hash(const struct run_job *job);

#endif
