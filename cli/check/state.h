/* state.h: what attnfuzz check knows while it goes on: counts, what calls looked like, findings.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_STATE_H
#define ATTNFUZZ_CHECK_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/check/distinct.h"
#include "cli/check/kind.h"
#include "cli/picture/heat.h"
#include "fuzz/domain/foreign.h"
#include "cli/check/reach.h"
#include "planner/attn_planner.h"
#include "subjects/attn_subject.h"

enum { CHECK_KEY_MAX = 256, CHECK_FINDINGS_MAX = 4096, CHECK_SIGNS = 1 << 16 };

/* How a subject answered one call in two ways: kind IMPURE. */
struct check_impure {
    bool strides;     /* to the usual strides of dimensions of extent 1; false: when it was asked again */
    bool refused;     /* one of the answers was that it is refused; false: other launches */
    uint64_t answers; /* hash of what the two answers were */
};

/* The field that a hole is put down to: one of those that hole.c changes, or */
enum {
    CHECK_FIELD_SEVERAL = -1,  /* no one field alone makes the call a supported one */
    CHECK_FIELD_HEAD_SIZE = -2 /* no call of its head size is supported */
};

/* One distinct finding. */
struct check_finding {
    int32_t kind;
    int32_t reach;               /* enum check_reach: the nearest at which it was seen */
    int32_t group_reach;         /* the nearest of its group; for sorting */
    char id[CHECK_KEY_MAX];      /* what it is, in every run and version: words without blanks, joined by one */
    char group[CHECK_KEY_MAX];   /* kind and cause, with the line in the subject's source: what is shown together */
    char needs[128];             /* what its problem has that a plain call has not */
    char key[CHECK_KEY_MAX];     /* what baselines of version 0.1 call it */
    int32_t number;              /* among those of its id, by the line in the subject's source; from 1 */
    struct attn_problem problem; /* the simplest of the nearest reach that shows it */
    int32_t device;              /* number of a device that shows it */
    uint32_t devices;            /* every device on which the problem shows it */
    char message[ATTN_SUBJECT_MESSAGE_MAX]; /* the subject's own, or what is wrong with the launch */
    struct attn_subject_why why;            /* what the subject's answer said */
    struct attn_subject_launch launch;      /* of kinds UNFIT, STOPPED, WRONG, LOOSE; else kernel NULL */
    uint64_t launch_number;                 /* kind STOPPED: which of the call's it is, from 1 */
    char source[ATTN_SUBJECT_SOURCE_MAX];   /* kind STOPPED: "FILE:LINE" of the instruction; "": it is not known */
    struct check_impure impure;             /* kind IMPURE */
    char detail[128];                       /* kinds STOPPED to STATE: how, and the kernel */
    bool has_before;                        /* kind STATE: it shows after another call, before */
    struct attn_problem before;
    bool has_neighbour;
    struct attn_problem neighbour; /* holes: the nearest problem that is supported */
    int32_t field;                 /* holes: the field in which the two differ, or CHECK_FIELD_...: hole.h */
    char fields[128];              /* holes: every field that alone would do, commas between them */
    uint64_t calls;                /* that fell into it */
    bool known;                    /* the baseline has it */
    uint32_t fresh;                /* devices on which the baseline has it not */
};

/* What a call looked like before it was shrunk: calls of one sign are counted together and looked at once. */
struct check_sign {
    uint64_t hash; /* 0: free */
    uint64_t calls;
    int32_t kind;
    int32_t device;
    int32_t reach;               /* of the problem */
    int32_t before;              /* kind STATE: the call before it (order.h) */
    struct attn_problem problem; /* the simplest of the nearest reach */
};

/* Two devices of a family that were given different kernels: information. */
enum { CHECK_DIFFERENCES_MAX = 256 };
struct check_difference {
    int32_t a, b;                    /* devices */
    char kernel_a[64], kernel_b[64]; /* "refused" where it was */
    uint64_t calls;
    struct attn_problem problem; /* an example, the smallest seen */
};

struct check_baseline;
struct check_order; /* order.h */

struct check {
    struct attn_subject *subject;
    struct attn_foreign_draw draw; /* what calls have beyond the domain (foreign.h) */
    /* options */
    uint32_t devices; /* bit set of the subject's */
    uint64_t seed;
    int64_t max_calls; /* 0: no limit */
    double seconds;    /* 0: no limit */
    bool prec_default; /* nodes that do not say it keep ggml's default precision; else they have GGML_PREC_F32 */
    /* counts: calls are pairs of a problem and a device; `again` of them were made a second time (P5) */
    uint64_t problems, calls, again, supported, refused, launches, too_big, not_legal;
    uint64_t beyond;          /* of calls that compute: launched alone, being larger than what is computed here */
    struct distinct distinct; /* calls, but for strides of dimensions of extent 1 */
    bool by_name;         /* launches are told apart by their kernels' names, not by where those are in this process */
    int64_t execute_work; /* multiply-adds of the largest that is */
    bool execute;         /* calls compute */
    bool graphs;          /* calls are captured and replayed */
    uint64_t repeated, replays;                 /* calls made again at the same place; graphs replayed in them */
    uint64_t executed, executed_launches;       /* calls; launches in them */
    uint64_t unsupported, unsupported_launches; /* of which something was not to be executed */
    uint64_t blind;                             /* computed, and nobody can say what of */
    char unsupported_text[384];                 /* the last */
    double execute_seconds;                     /* of CPU */
    uint64_t pairs;                             /* (attention kernel, device) seen */
    uint64_t shrink_calls;                      /* made to shrink what was noted; not among calls */
    double elapsed_seconds, cpu_seconds;
    int stopped;                                 /* by a signal, before it was over; 0: it was not */
    char too_big_text[ATTN_SUBJECT_MESSAGE_MAX]; /* of the last such call that said something */
    char not_legal_text[160];                    /* why the last one was left out, where lines were given */
    struct check_order *order;                   /* NULL: calls are not computed again */
    struct check_sign *sign;                     /* CHECK_SIGNS */
    uint64_t n_signs, lost_signs;
    struct check_finding *finding; /* CHECK_FINDINGS_MAX */
    int n_findings;
    uint64_t lost_findings;
    const struct check_baseline *baseline; /* what is known (baseline.h); not NULL */
    int32_t most_reach;                    /* enum check_reach: what is farther is left out of the findings */
    int n_beyond;                          /* so many were */
    struct heat *coverage;                 /* NULL: not counted */
    struct check_difference difference[CHECK_DIFFERENCES_MAX];
    int n_differences;
    /* the simplest supported problem of each head size of the planner's table (last: any other) on each device */
    struct attn_problem works[ATTN_HEAD_SIZE_COUNT + 1][ATTN_SUBJECT_DEVICES_MAX];
    bool has_works[ATTN_HEAD_SIZE_COUNT + 1][ATTN_SUBJECT_DEVICES_MAX];
};

/* How many calls were different ones: about, and no more than there were. */
static inline uint64_t check_distinct(const struct check *check)
{
    const uint64_t n = distinct_count(&check->distinct);
    return n < check->calls ? n : check->calls;
}

/* Different calls for a second of one core; 0 where no time has passed. */
static inline double check_distinct_rate(const struct check *check)
{
    return check->cpu_seconds > 0 ? (double)check_distinct(check) / check->cpu_seconds : 0;
}

/* Calls a second, those that were made again with them; 0 where no time has passed. */
static inline double check_rate(const struct check *check, double seconds)
{
    return seconds > 0 ? (double)(check->calls + check->again) / seconds : 0;
}

#endif
