/* run.h: the parts of attnfuzz run: options (run.c), problems and tasks (tasks.c), the parent that hands them out
 * (pool.c), the child processes that run them (worker.c), what survives the parent (journal.c), reports
 * (total.c and run_report_*.c).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_RUN_H
#define ATTNFUZZ_RUN_H

#include <semaphore.h>
#include <stdatomic.h>

#include "cli/cli.h"
#include "cli/input/lines.h"
#include "cli/run/backend.h"

enum { RUN_JOBS_MAX = 256, RUN_GENERATE_MAX = 10000000 };

enum run_devices_mode {
    RUN_DEVICES_AUTO,  /* one device a line, of either wave size, chosen by a hash of the line */
    RUN_DEVICES_WAVES, /* two: one of wave size 32, one of 64 */
    RUN_DEVICES_GIVEN
};

struct run_options {
    struct run_backend backend;
    enum run_devices_mode mode;
    struct cli_devices devices;
    int kernel;            /* -1: every able one */
    int64_t jobs;          /* 0: the default */
    int64_t shard, shards; /* shard of shards, from 1 */
    int64_t timeout_s;     /* of one problem on one device; 0: none */
    int64_t schedule;      /* schedule seed for lines that name none; -1: theirs */
    int64_t generate;      /* problems to generate after those of the input */
    int64_t seed;          /* of them */
    int64_t generate_work; /* multiply-adds of the largest */
    const char *inputs;    /* folder of fuzzing inputs, each a problem; NULL: none */
    bool constant_v;       /* each problem again with a constant V */
    bool beside;           /* compare with the host executor */
    int64_t shrink;        /* findings of one property and kernel to shrink */
    struct attn_run_limits limits;
    const char *json, *junit, *html, *failures; /* paths, "-" for standard output (not html), NULL: not wanted */
    const char *resume;                         /* journal; NULL: none */
    bool list;                                  /* say what would run, run nothing */
};

/* ---- Problems and tasks (tasks.c) ------------------------------------------------------------------------ */

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
    char **input; /* names of fuzzing inputs: sources from lines->n_sources on */
    int n_inputs;
    struct run_problem *problem;
    int64_t n_problems;
    int64_t n_read; /* in all shards */
    struct run_task *task;
    int64_t n_tasks;
    struct run_result *result;     /* one a task, shared with the workers */
    struct run_findings *findings; /* one a task, shared; only touched when something is found */
    int64_t resumed;               /* results that came from the journal */
    int64_t left;                  /* tasks that could not be run: no device is left */
    char gone[256];                /* left: what the last device said */
    double seconds;
};

/* Reads all input before anything runs and makes the tasks. False, with a message, when memory runs out or the folder
 * of inputs cannot be read; lines that cannot be read are counted in *errors. */
struct corpus;
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
uint64_t run_hash(uint64_t h, const void *bytes, size_t n); /* FNV-1a, going on from h */
#define RUN_HASH_START UINT64_C(14695981039346656037)

/* ---- Workers (worker.c) and the pool (pool.c) ------------------------------------------------------------ */

enum run_stage {
    RUN_OPENING,
    RUN_WAITING,
    RUN_TRYING,
    RUN_AFTERWARDS /* its finding is there; more is found out about it */
};

struct run_worker {
    _Atomic int32_t stage;    /* enum run_stage */
    _Atomic int32_t kernel;   /* it tries, -1: none */
    _Atomic int64_t task;     /* at work on it; -1: on none */
    _Atomic int64_t began_ns; /* with the task, or with opening */
    _Atomic int64_t ended;    /* tasks, since it was started */
    sem_t recorded;           /* posted when the parent has recorded what it ended */
    char error[256];          /* why it could not open its device */
};

/* What a worker says when it has ended a task. */
struct run_message {
    int64_t task;
    int64_t worker;
};

/* Shared by the parent and all workers. */
struct run_board {
    _Atomic int64_t next; /* place in the order, to hand out */
    bool shrinking;       /* the tasks have results: their findings are to be shrunk. Set while no worker is there */
    struct run_worker worker[RUN_JOBS_MAX];
};

/* How a worker ends. */
enum { RUN_EXIT_DONE = 0, RUN_EXIT_NO_DEVICE = 70, RUN_EXIT_LOST = 71, RUN_EXIT_MEMORY = 72 };

/* The child's whole life: opens its device, takes tasks order[next] until there are none, writes results to shared
 * memory and a message for each task it ended to `done`. Does not return. */
_Noreturn void run_worker(const struct run_job *job, struct run_board *board, const int64_t *order, int64_t n_order,
                          int w, int done);
int64_t run_now_ns(void);

struct run_journal;

/* Runs all tasks that have no result in worker processes. A worker that dies or takes too long is replaced; its problem
 * has failed. Each result is written to the journal (NULL: none) before the next is waited for, and failures are
 * appended to `failures` (NULL: none). Results do not depend on how many workers there are. CLI_GOOD, or CLI_LACKS with
 * a message when processes cannot be had or no device can be opened; job->left then says what is still to do. */
int run_pool(struct run_job *job, struct run_journal *journal, FILE *failures);
/* job->result and job->findings, shared. False when there is no memory. */
bool run_pool_memory(struct run_job *job);

/* ---- Journal (journal.c) --------------------------------------------------------------------------------- */

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

/* ---- Reports --------------------------------------------------------------------------------------------- */

struct run_kernel_total {
    int64_t able, ran, chosen, failed; /* tasks */
    int64_t missed;                    /* tasks that ran, though not on this able kernel: another one failed before */
    int64_t components, unjudged, left_out;
    double worst;                   /* largest error / limit */
    int64_t worst_task;             /* where; -1: nowhere */
    int64_t compared, not_compared; /* with the host executor; too large for it */
    int64_t compared_components, equal;
    double apart; /* largest difference from it / both limits */
};

struct run_total {
    int64_t problems, ran, failed, skipped, needs_naive, plans, constant_v;
    int64_t components, unjudged, left_out;
    struct run_kernel_total kernel[ATTN_KERNEL_COUNT];
    int64_t device[64]; /* tasks run, by row of the device table */
};

enum { RUN_REASONS_MAX = 16, RUN_PLACE_MAX = 4160, RUN_WHY_MAX = 160 };

void run_add_up(const struct run_job *job, struct run_total *total);
bool run_failed(const struct run_result *r);
/* What was found about plans (0) or runs (1), in its smallest form. */
const struct attn_finding *run_finding(const struct run_job *job, int64_t task, int which);
bool run_ran(const struct run_result *r);
/* Tasks skipped for each reason, in the order the reasons first appear; returns how many reasons there are. */
int run_skip_reasons(const struct run_job *job, const char *reason[RUN_REASONS_MAX], int64_t n[RUN_REASONS_MAX]);
/* Why a task has failed though no property says so; NULL when one does. */
const char *run_death(const struct run_job *job, const struct run_result *r, char *text, size_t cap);
/* What a failure's line does on the host executor; NULL: not tried. */
const char *run_host_text(int host);
double run_share(int64_t part, int64_t whole);

void run_report_text(FILE *out, const struct run_job *job, const struct run_total *total);
void run_report_json(FILE *out, const struct run_job *job, const struct run_total *total);
void run_report_junit(FILE *out, const struct run_job *job, const struct run_total *total);
void run_report_html(FILE *out, const struct run_job *job, const struct run_total *total);
/* The failing lines of a task, if it has any: comments that say what is wrong, then the line. */
void run_report_failure_lines(FILE *out, const struct run_job *job, int64_t task);

#endif
