/* change.h: what two subjects say differently, each kind once.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_DIFF_CHANGE_H
#define ATTNFUZZ_DIFF_CHANGE_H

#include "cli/diff/answer.h"
#include "fuzz/case/attn_case.h"

enum { DIFF_CHANGES_MAX = 2048 };

/* A kind of change: what one said and what the other says, the words of both; of what is worse also what its smallest
 * call has that a plain one has not. */
struct diff_change {
    char words[2][DIFF_KERNEL_MAX + 40]; /* "runs flash_attn_tile", "hole", "abort" */
    bool worse;                          /* the second breaks what the first did not */
    uint32_t devices;                    /* bit set of the first side's */
    uint64_t calls;
    uint32_t sign;                /* of what is worse, before it is shrunk: bit set of what routers look at */
    int32_t reach;                /* enum check_reach (cli/check/reach.h) of the problem */
    char needs[128];              /* "gqa+mask"; known when it was shrunk */
    struct attn_problem problem;  /* the simplest of the nearest reach; shrunk at the end */
    int device;                   /* of it, by the first side's number */
    struct diff_answer answer[2]; /* about it */
};

struct diff {
    struct diff_side side[2];
    struct diff_types types;       /* of both */
    struct attn_foreign_draw draw; /* what generated calls have beyond the domain */
    int other[DIFF_DEVICES_MAX];   /* the second side's number of the first one's device; -1: it has none */
    int n_devices;                 /* that both have */
    uint64_t problems, calls, not_legal, lost;
    struct diff_change *change; /* DIFF_CHANGES_MAX */
    struct diff_reply *reply;   /* of both sides, 2 * DIFF_BATCH_MAX */
    int n_changes;
    double seconds;
    int stopped; /* by a signal */
};

/* Finds the devices that both have; how many. */
int diff_match_devices(struct diff *diff);
/* Asks both about n (1..DIFF_BATCH_MAX) problems and notes what differs. How many are problems of both. */
int diff_ask(struct diff *diff, const struct attn_problem *p, int n);
/* Makes each change's problem smaller, and the same ones one; sorts them: what is worse first, then by reach. */
void diff_shrink(struct diff *diff);

#endif
