/* job.h: what attnfuzz run works on: options, problems, tasks, results.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_RUN_JOB_H
#define ATTNFUZZ_RUN_JOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/input/backend.h"
#include "cli/input/device.h"
#include "cli/input/lines.h"
#include "fuzz/case/attn_case.h"
#include "fuzz/properties/properties.h"

enum { RUN_JOBS_MAX = 256, RUN_GENERATE_MAX = 10000000, RUN_TIMEOUT_S = 300 };

enum run_devices_mode {
    RUN_DEVICES_AUTO,  /* one device a line, of either wave size, chosen by a hash of the line */
    RUN_DEVICES_WAVES, /* two: one of wave size 32, one of 64 */
    RUN_DEVICES_GIVEN
};

struct run_options {
    struct cli_backend backend;
    enum run_devices_mode mode;
    struct cli_devices devices;
    int kernel;            /* -1: every able one */
    int64_t jobs;          /* 0: the default */
    int64_t shard, shards; /* shard of shards, from 1 */
    int64_t timeout_s;     /* of one problem on one device; 0: none */
    int64_t schedule;      /* schedule seed for lines that name none; -1: theirs */
    int64_t perturb;       /* seed by which the machine's transcendentals are off; 0: correctly rounded */
    int64_t generate;      /* problems to generate after those of the input */
    int64_t seed;          /* of them */
    int64_t generate_work; /* multiply-adds of the largest that is run whole */
    const char *inputs;    /* folder of fuzzing inputs, each a problem; NULL: none */
    bool constant_v;       /* each problem again with a constant V */
    bool beside;           /* compare with the host executor */
    int64_t shrink;        /* findings of one property and kernel to shrink */
    int64_t seconds;       /* as much as fits, in an order that `seed` draws; 0: all */
    struct attn_run_limits limits;
    bool work_said;                             /* limits.work is not the default of the backend */
    const char *json, *junit, *html, *failures; /* paths, "-" for standard output (not html), NULL: not wanted */
    const char *resume;                         /* journal; NULL: none */
    bool strict;                                /* blind and suspect problems end with exit code 1 too */
    bool list;                                  /* say what would run, run nothing */
};

/* ---- Problems and tasks ----------------------------------------------------------------------------------- */

enum { RUN_GENERATED = -1 };

struct run_problem {
    int64_t line;    /* of its source; of a generated one its number, from 0 */
    int32_t source;  /* of the lines it came from, or RUN_GENERATED */
    int32_t at;      /* of job->given; -1 for a generated one, which is made anew each time it is looked at */
    int32_t session; /* of job->session; -1: a case of its own. job->given then has its first problem */
};

/* A problem on one device. */
struct run_task {
    int32_t problem;
    int16_t row, weakening; /* row -1: the backend's own device */
    bool plan;              /* the first task of its problem: checks the plan properties on the whole fleet */
};

enum run_end {
    RUN_PENDING,
    RUN_ENDED,   /* outcome and findings are set */
    RUN_TIMEOUT, /* killed after timeout_s */
    RUN_CRASHED  /* the worker died */
};

/* How the case of a failure on a device fares on the host executor. */
enum run_host {
    RUN_HOST_NOT,       /* not tried */
    RUN_HOST_SAME,      /* it fails there too, same property and kernel */
    RUN_HOST_OTHERWISE, /* it fails there in another way */
    RUN_HOST_HOLDS,     /* it holds there */
    RUN_HOST_TOO_LARGE
};

struct run_result {
    _Atomic int32_t end; /* enum run_end */
    int32_t signal;      /* that the worker died of, 0: it exited */
    int32_t trying;      /* kernel it was at then, -1: none yet */
    int16_t device;      /* row it ran on, counted from 1; 0: it did not get that far */
    int16_t host;        /* enum run_host of the run finding */
    bool plan_failed;    /* findings.at[0] is set */
    bool run_failed;     /* findings.at[1] is set */
    bool needs_naive;    /* on a device of the table naive alone is able */
    bool constant_v;     /* also run with a constant V */
    bool tried;          /* to shrink it */
    bool shrunk[2];      /* findings.small[i] is a smaller case of findings.at[i] */
    char skipped[48];    /* why it was not run; empty: it was */
    int64_t plans;
    int64_t ns; /* it took */
    struct attn_outcome outcome;
};

struct run_findings {
    struct attn_finding at[2]; /* of plans, of runs */
    struct attn_finding small[2];
};

struct run_job {
    const struct run_options *options;
    const struct lines *lines; /* names of the sources */
    struct attn_case *given;   /* cases that were read */
    int64_t n_given;
    char **session; /* scripts of the sessions that were read */
    int64_t n_sessions;
    char **input; /* paths of fuzzing inputs: sources from lines->n_sources on */
    int n_inputs;
    struct run_problem *problem;
    int64_t n_problems;
    int64_t n_read; /* in all shards */
    struct run_task *task;
    int64_t n_tasks;
    struct run_result *result;     /* one a task, shared with the workers */
    struct run_findings *findings; /* one a task, shared; only touched when something is found */
    int64_t resumed;               /* results that came from the journal */
    int64_t left;                  /* tasks that were not run: */
    int stopped;                   /* a signal asked to end; 0: none */
    bool over;                     /* options->seconds were over: what is left was not drawn */
    char gone[256];                /* else no device is left: what the last one said */
    double seconds;
};

#endif
