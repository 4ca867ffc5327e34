/* answer.h: one subject's answers about problems, in a process of its own: two libraries of one name do not live in
 * one.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_DIFF_ANSWER_H
#define ATTNFUZZ_DIFF_ANSWER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/check/kind.h"
#include "cli/check/open.h"
#include "cli/diff/types.h"
#include "planner/attn_planner.h"

enum { DIFF_DEVICES_MAX = 16, DIFF_KERNEL_MAX = 64, DIFF_TEXT_MAX = 320, DIFF_BATCH_MAX = 256 };

/* What is said of a problem on one device. */
struct diff_answer {
    int32_t kind; /* enum check_kind that it broke; -1: it is supported, and nothing is wrong; -2: too large to say */
    uint64_t launch;              /* hash of its launches: kernels, grids, blocks, LDS */
    char kernel[DIFF_KERNEL_MAX]; /* the attention kernel; "" where none is launched */
    bool last_resort;             /* it is the side's that runs what no other does */
    char text[DIFF_TEXT_MAX];     /* of what it broke */
};

/* What one side says of a problem. */
struct diff_reply {
    int said; /* 0: its callers cannot make it; -1: its process ended over it, or cannot be had any more. Else 1 */
    struct diff_answer answer[DIFF_DEVICES_MAX]; /* a device of the side, in its order */
};

struct diff_side {
    const char *subject; /* as --subject has it */
    const char *program; /* another build of the command, which answers; NULL: this one */
    const char *name;    /* of the subject as it calls itself */
    char *argument[16];  /* of the process, from the verb on; NULL ends it */
    int n_devices;
    char device[DIFF_DEVICES_MAX][40];
    int pid, to; /* of the process; 0: none */
    FILE *from;
    uint64_t restarts;
    char said[200]; /* memory of name */
    struct diff_types types;
    char last_resort[DIFF_KERNEL_MAX]; /* its kernel that runs what no other does; "": none is known as such */
};

/* Sets subject, program and arguments of a side: own=PATH may name another build of the command as well. CLI_GOOD, or
 * an exit code after a message. */
int diff_side_prepare(struct diff_side *side, const struct check_subject_options *options, bool execute);
/* Starts the process, which opens the subject. CLI_GOOD, or an exit code after a message: the process's own where it
 * says whose fault it is. */
int diff_side_start(struct diff_side *side);
void diff_side_stop(struct diff_side *side);
/* Asks one side about a problem. */
void diff_side_ask(struct diff_side *side, const struct attn_problem *p, struct diff_reply *reply);
/* Asks both sides about n (1..DIFF_BATCH_MAX) problems: reply[0] and reply[1] have a reply to each. The two work at the
 * same time. A process that ends is started again, and asked about them one by one. */
void diff_sides_ask(struct diff_side side[2], const struct attn_problem *p, int n, struct diff_reply *const reply[2]);

/* The process's own part: answers what comes on standard input until it ends. Returns an exit code. */
int diff_answer_all(const struct check_subject_options *options, bool execute, char **argv);

#endif
