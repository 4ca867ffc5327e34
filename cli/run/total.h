/* total.h: what the results of a run add up to, and the words that every report uses for one.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_RUN_TOTAL_H
#define ATTNFUZZ_RUN_TOTAL_H

#include "cli/run/job.h"

struct run_kernel_total {
    int64_t able, ran, chosen, failed; /* tasks */
    int64_t unsupported;               /* tasks that the backend could not execute on it: no verdict */
    int64_t blind, suspect;            /* tasks that held, though nothing says they are right */
    int64_t missed; /* tasks that ran, though not on this able kernel: another one failed before, or a
                       column tile of it alone is too much work */
    int64_t components, unjudged, left_out;
    double worst;                   /* largest error / limit */
    int64_t worst_task;             /* where; -1: nowhere */
    int64_t compared, not_compared; /* with the host executor; too large for it */
    int64_t compared_components, equal;
    double apart; /* largest difference from it / both limits */
};

enum {
    RUN_DEVICE_ROWS = 0
#define X(...) +1
    ATTN_DEVICES(X)
#undef X
};

struct run_total {
    int64_t problems, ran, failed, skipped, needs_naive, plans, constant_v;
    int64_t blind, suspect; /* problems that have not failed, and not passed either; one may be both */
    int64_t unsupported;    /* problems that have not failed, of which some kernel could not be executed */
    int64_t sampled;        /* problems that were too much work to be run whole, and were run in some rows of dst */
    int64_t sampled_rows, sampled_of; /* by tasks: rows that were run, of so many */
    int64_t components, unjudged, left_out;
    struct run_kernel_total kernel[ATTN_KERNEL_COUNT];
    int64_t device[RUN_DEVICE_ROWS]; /* tasks run, by row of the device table */
};

enum { RUN_REASONS_MAX = 16, RUN_WHY_MAX = 200, RUN_COMMAND_MAX = 320 };

void run_add_up(const struct run_job *job, struct run_total *total);
bool run_failed(const struct run_result *r);
/* What was found about plans (0) or runs (1), in its smallest form. */
const struct attn_finding *run_finding(const struct run_job *job, int64_t task, int which);
bool run_ran(const struct run_result *r);
/* Was it run in some rows of dst alone? */
bool run_is_sampled(const struct run_result *r);
/* What keeps a result that has not failed from being good. */
enum run_doubt { RUN_NO_DOUBT, RUN_SUSPECT, RUN_BLIND, RUN_UNSUPPORTED };
/* The first there is, and the kernel it is about. */
int run_doubt(const struct run_result *r, int *kernel);
const char *run_doubt_name(int doubt);
/* The same in words; NULL when there is none. */
const char *run_doubt_text(const struct run_result *r, char *text, size_t cap);
/* Tasks skipped for each reason, in the order the reasons first appear; returns how many reasons there are. */
int run_skip_reasons(const struct run_job *job, const char *reason[RUN_REASONS_MAX], int64_t n[RUN_REASONS_MAX]);
/* Why a task has failed though no property says so; NULL when one does. */
const char *run_death(const struct run_job *job, const struct run_result *r, char *text, size_t cap);
/* The case that such a task died of: the task's, with the kernel that it was at. */
void run_death_case(const struct run_job *job, int64_t task, struct attn_case *c);
/* The command that shows a failure again when it is given its line: what was found about plans (0), or about runs and
 * deaths (1), with the options that decide it; on the backend of the run, or on the host. */
const char *run_replay(const struct run_job *job, int64_t task, int which, bool on_host, char *text, size_t cap);
/* Why tasks are left. */
void run_left_text(const struct run_job *job, char *text, size_t cap);
/* What a failure's line does on the host executor; NULL: not tried. */
const char *run_host_text(int host);
double run_share(int64_t part, int64_t whole);

#endif
