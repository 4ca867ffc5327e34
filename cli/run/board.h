/* board.h: what the parent of a run and its worker processes share, and how a worker ends.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_RUN_BOARD_H
#define ATTNFUZZ_RUN_BOARD_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/run/job.h"

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

#endif
