/* run.h: the parts of attnfuzz run: options and tasks (run.c), worker processes (run_pool.c), reports (run_report.c).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_RUN_H
#define ATTNFUZZ_RUN_H

#include "cli.h"
#include "lines.h"

enum run_devices_mode {
    RUN_DEVICES_AUTO, /* one device a line, of either wave size, chosen by a hash of the line */
    RUN_DEVICES_WAVES, /* two: one of wave size 32, one of 64 */
    RUN_DEVICES_GIVEN
};

struct run_options {
    enum run_devices_mode mode;
    struct cli_devices devices;
    int kernel; /* -1: every able one */
    int64_t jobs;
    int64_t shard, shards; /* shard of shards, from 1 */
    int64_t timeout_s;     /* of one problem on one device; 0: none */
    int64_t schedule;      /* schedule seed for lines that name none; -1: theirs */
    struct attn_run_limits limits;
    const char *json, *junit; /* paths, "-" for standard output, NULL: not wanted */
    bool list;             /* say what would run, run nothing */
};

/* A line of the corpus. */
struct run_problem {
    struct attn_case c;
    int32_t source; /* of the lines it came from */
    int64_t line;
};

/* A problem on one device. */
struct run_task {
    int32_t problem;
    int16_t row, weakening;
    bool plan; /* the first task of its problem: checks the plan properties on the whole fleet */
};

enum run_end {
    RUN_PENDING,
    RUN_ENDED,   /* plan, outcome and findings are set */
    RUN_TIMEOUT, /* killed after timeout_s */
    RUN_CRASHED  /* the worker died */
};

struct run_result {
    _Atomic int32_t end;    /* enum run_end */
    int32_t signal;         /* that the worker died of, 0: it exited */
    bool plan_failed;       /* finding[0] is set */
    bool run_failed;        /* finding[1] is set */
    bool needs_naive;       /* on a device of the table naive alone is able */
    int64_t plans;
    struct attn_outcome outcome;
};

struct run_findings {
    struct attn_finding at[2];
};

struct run_job {
    const struct run_options *options;
    const struct lines *lines; /* names of the sources */
    struct run_problem *problem;
    int64_t n_problems;
    struct run_task *task;
    int64_t n_tasks;
    struct run_result *result;     /* one a task, shared with the workers */
    struct run_findings *findings; /* one a task, shared; only touched when something is found */
    double seconds;
};

/* The task's case: the line with the device, kernel and schedule that it is run with. */
void run_task_case(const struct run_job *job, const struct run_task *task, struct attn_case *c);
/* FILE:LINE of a task. */
void run_task_place(const struct run_job *job, const struct run_task *task, char *text, size_t cap);

/* Runs all tasks in options->jobs worker processes. A worker that dies or takes too long is replaced; its problem has
 * failed. Results do not depend on how many workers there are. False when processes or memory cannot be had. */
bool run_pool(struct run_job *job);

struct run_kernel_total {
    int64_t able, ran, chosen, failed; /* tasks */
    int64_t missed; /* tasks that ran, though not on this able kernel: another one failed before */
    int64_t components, unjudged;
    double worst;       /* largest error / limit */
    int64_t worst_task; /* where; -1: nowhere */
};

struct run_total {
    int64_t problems, ran, failed, skipped, needs_naive, plans;
    int64_t components, unjudged;
    struct run_kernel_total kernel[ATTN_KERNEL_COUNT];
    int64_t device[64]; /* tasks run, by row of the device table */
};

void run_add_up(const struct run_job *job, struct run_total *total);
void run_report_text(FILE *out, const struct run_job *job, const struct run_total *total);
void run_report_json(FILE *out, const struct run_job *job, const struct run_total *total);
void run_report_junit(FILE *out, const struct run_job *job, const struct run_total *total);

#endif
