/* properties.h: what must hold of every legal case, one row and one function a property.
 *
 * The numbers are those of the design: P1 total, P2 sound, P3 explained, P5 pure, P6 monotone, P7 reusable,
 * P8 metamorphic, P9 contained, P10 schedule-free, P11 priced. Plan properties look at plans alone and are checked on a
 * whole fleet of devices; run properties execute every able kernel on a backend; P7 is one of sessions (session.h). A
 * broken property is a finding: data that names the property, the kernel, the rule or failure, and carries the case
 * that shows it.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_PROPERTIES_H
#define ATTN_PROPERTIES_H

#include <stdio.h>

#include "kernels/attn_backend.h"
#include "fuzz/case/attn_case.h"
#include "planner/attn_planner.h"
#include "reference/attn_reference.h"

/* X(number, NAME, name, PLAN, RUN or SESSION, what must hold), in the order in which they are checked. A property is
 * one row here and one function check_name() beside the others of its kind: plan.c, runner.c (P8: metamorphic.c);
 * session/check.c. */
#define ATTN_PROPERTIES(X)                                                                                            \
    X(1, TOTAL, total, PLAN, "a kernel is able, for known head sizes one other than naive, and its plan is in order") \
    X(3, EXPLAINED, explained, PLAN,                                                                                  \
      "each kernel not chosen has one cause, false on its recorded operands, and text for it")                        \
    X(5, PURE, pure, PLAN, "the same problem gives the same plan, whatever is irrelevant to it")                      \
    X(6, MONOTONE, monotone, PLAN, "a more capable device or better alignment takes no able kernel away")             \
    X(11, PRICED, priced, PLAN,                                                                                       \
      "the cheapest kernel is chosen, never naive for a known head size, and costs have no steps but those named")    \
    X(9, CONTAINED, contained, RUN, "only elements are read, all of dst and nothing else is written")                 \
    X(2, SOUND, sound, RUN, "every able kernel runs within the limits and its result within the bound")               \
    X(8, METAMORPHIC, metamorphic, RUN,                                                                               \
      "a problem made from another, with a result that follows from the other's, has it")                             \
    X(7, REUSABLE, reusable, SESSION,                                                                                 \
      "a plan kept under its key serves every problem of that key, in any order of requests")                         \
    X(10, SCHEDULE_FREE, schedule_free, RUN, "no race, and the result is bitwise the same under another schedule")

/* Their numbers; ATTN_P_NONE: none, or a session that made an illegal problem. */
enum attn_property {
    ATTN_P_NONE,
#define X(number, NAME, name, kind, text) ATTN_P_##NAME = (number),
    ATTN_PROPERTIES(X)
#undef X
};

/* ---- Findings -------------------------------------------------------------------------------------------- */

struct attn_finding {
    int32_t property;    /* enum attn_property; ATTN_P_NONE: nothing found */
    int32_t kernel;      /* enum attn_kernel_id it is about, -1: none */
    int32_t rule;        /* index of the kernel's rule it is about, -1: none */
    int32_t failure;     /* enum attn_failure_code of a run, ATTN_F_NONE: none */
    struct attn_case at; /* shows it: the case with device and weakening, and the kernel where it is about a run */
    char text[640];      /* one sentence with the values */
};

/* Name of a property ("total"); "unknown" for other numbers. */
const char *attn_property_name(int number);
/* What it demands, one phrase. */
const char *attn_property_meaning(int number);

/* The property that a failure of a backend (enum attn_failure_code) breaks. */
int attn_failure_property(int failure);

/* The finding as three lines: what, the case's line, and the command that replays it. */
void attn_finding_print(FILE *out, const struct attn_finding *finding);
/* The same with another line (the script of the session that it was found in), and the command that it is given to. */
void attn_finding_print_as(FILE *out, const struct attn_finding *finding, const char *line, const char *command);

/* ---- Fleet: every device of the table and every weakening of one ----------------------------------------- */

enum { ATTN_FLEET_MAX = 192, ATTN_FLEET_PAIRS_MAX = 192 * 192 };

struct attn_fleet {
    int n;
    struct attn_device device[ATTN_FLEET_MAX];
    int16_t row[ATTN_FLEET_MAX];       /* index into the device table */
    int16_t weakening[ATTN_FLEET_MAX]; /* index of attn_device_weaken, -1: the device itself */
    const char *what[ATTN_FLEET_MAX];  /* name of the weakening, NULL: none */
    int n_pairs;
    struct {
        uint8_t covers, covered;
    } pair[ATTN_FLEET_PAIRS_MAX]; /* members: one covers the other (P6) */
};

void attn_fleet_init(struct attn_fleet *fleet);
/* The member of that device and weakening; -1 when there is none. */
int attn_fleet_find(const struct attn_fleet *fleet, int row, int weakening);

/* ---- Plan properties ------------------------------------------------------------------------------------- */

/* One problem's plans over a fleet. */
struct attn_sweep {
    const struct attn_fleet *fleet;
    const struct attn_case *c;
    struct attn_key key;
    int first, last;                         /* members planned: first <= m < last */
    int probe;                               /* the member on which the dearer checks are made */
    uint32_t able[ATTN_FLEET_MAX];           /* bit set of able kernels */
    struct attn_trace trace[ATTN_FLEET_MAX]; /* verdicts, and the kernel chosen */
    struct attn_plan plan;                   /* of the probe */
    int64_t plans;                           /* planner calls made, all checks together */
};

/* Plans the case's legal problem on the whole fleet, or on the case's device alone where `whole` is false, and checks
 * every plan property. The dearer checks are made on the case's device (on the first member when it has none).
 * Returns true when all hold, else false with *finding. */
bool attn_check_plan(const struct attn_fleet *fleet, const struct attn_case *c, bool whole, struct attn_sweep *sweep,
                     struct attn_finding *finding);

/* ---- Run properties -------------------------------------------------------------------------------------- */

/* P4 (tight.h): one kernel is run on a device though a rule of its contract refuses the problem there. */
struct attn_forced {
    int32_t kernel, rule;
    struct attn_device device; /* in place of the one that the case names */
};

/* How a plan is run. UNCHECKED is for the host executor, and for who runs many: the kernels run without a look at their
 * accesses (P9) and at races (P10), in half the time; the result is judged as ever, and when anything is wrong with it,
 * or the kernel faults, the plan is run again with all checks, whose finding it then is.
 * Where `schedules` or `twins` asks for further runs it counts as CHECKED. */
enum attn_run_how { ATTN_RUN_NOT, ATTN_RUN_UNCHECKED, ATTN_RUN_CHECKED };

/* A caller that has a say in what is run, and is told what was. */
struct attn_run_watch {
    void *context;
    /* Sets how[i], which is ATTN_RUN_CHECKED, for each of n plans of a case. Of a session's step the plan kept under
     * its key, which comes first, is run in any case. */
    void (*choose)(void *context, const struct attn_case *c, const struct attn_plan *const *plan, int n, uint8_t *how);
    /* A plan was run, and all held. */
    void (*ran)(void *context, const struct attn_case *c, const struct attn_plan *plan, int how,
                const struct attn_judgement *judgement);
};

/* Limits of one run, numbers of the caller. Beyond them a case is planned and counted as skipped; beyond that of the
 * work, on the host executor, run and judged in some rows of dst (sample.h) if these are within the limits. */
struct attn_run_limits {
    int64_t work; /* multiply-adds, see attn_problem_work */
    /* Of a sampled case: multiply-adds of a plan's tiles. A plan of which one tile alone is more is left out where
     * another's is not; where all are, those with the smallest are run. 0: ATTN_SAMPLE_TILE_MORE times `work`. */
    int64_t sample_work;
    int64_t bytes; /* of the image (attn_image_bytes; where memory is not sparse its reach) and of a workspace */
    int64_t reference_work; /* multiply-adds of the reference: beyond them it computes rows drawn by the data's seed,
                               and the others are judged by P9 and P10 alone; 0: ATTN_RUN_REFERENCE_WORK */
    /* Run again and compare bit by bit (P10): the host backend under so many schedules, each of another kind
     * (ATTN_SCHEDULES), any other backend once. A case that names a second schedule is run again under that one alone.
     * 0: not. */
    int schedules;
    uint32_t
        twins; /* bit set of enum attn_twin_kind: hold the case against its twins (P8); one that it names is alone */
    /* NULL, or a host backend that runs the same plan of each kernel beside the backend under test: its result must be
     * within the bound too, and no further from the other one than both bounds together (P2). */
    struct attn_backend *beside;
    int64_t beside_work;              /* for cases of up to so many multiply-adds; others are counted */
    const struct attn_forced *forced; /* NULL, or the one plan that is run */
    /* Called with each kernel's number before it is run (a caller whose process may die then knows it); may be NULL. */
    void (*trying)(void *context, int kernel);
    void *context;
    const struct attn_run_watch *watch; /* NULL: every able kernel is run, and every access checked */
};

/* The numbers that a tool for people uses. */
#define ATTN_RUN_WORK_LIMIT INT64_C(20000000)
#define ATTN_RUN_REFERENCE_WORK INT64_C(100000000)
/* K and V of 128 MiB each, and the rest. A run takes five times as much memory. */
#define ATTN_RUN_BYTES_LIMIT INT64_C(301989888)

/* For attn_run_limits.schedules: under schedules of all kinds but its own. */
enum { ATTN_RUN_ALL_SCHEDULES = ATTN_SCHEDULE_KINDS - 1 };
/* For attn_run_limits.twins: all that a case has, or one of them, drawn by the case. */
#define ATTN_RUN_ALL_TWINS ((UINT32_C(1) << ATTN_TWIN_COUNT) - 1)
uint32_t attn_run_one_twin(const struct attn_case *c);

enum attn_compared { ATTN_COMPARED_NOT, ATTN_COMPARED_DONE, ATTN_COMPARED_TOO_LARGE };
enum attn_outcome_status { ATTN_OUTCOME_HELD, ATTN_OUTCOME_FAILED, ATTN_OUTCOME_SKIPPED };

struct attn_kernel_outcome {
    uint8_t able;
    uint8_t ran;
    struct attn_judgement judgement; /* when it ran to the end */
    uint8_t blind;                   /* held, but could not be judged (attn_judgement_blind; of a session a step) */
    uint8_t compared;                /* enum attn_compared */
    uint16_t twins;                  /* bit set of those that it was held against */
    uint16_t same_twins;             /* of which those that had to give the same bits */
    char unsupported[160];           /* why the backend could not execute it: no verdict; empty: it could */
    double apart;                    /* compared: largest difference / sum of both limits */
    int64_t equal;                   /* compared: components with the same bits */
};

struct attn_outcome {
    int32_t status;      /* enum attn_outcome_status */
    const char *skipped; /* why, NULL: it was not */
    int32_t chosen;      /* the planner's kernel */
    int32_t splits;      /* of the planner's plan */
    int32_t kv_tile;
    int64_t rows, all_rows; /* of dst: run and judged, of so many; 0: all were, the case was not sampled */
    struct attn_kernel_outcome kernel[ATTN_KERNEL_COUNT];
};

/* The first kernel whose result held but could not be judged: the case is neither good nor failed. -1: none. */
int attn_outcome_blind(const struct attn_outcome *outcome);

/* Seeds beside a case's own that a suspect result is run with: with number 0 .. ATTN_FURTHER_SEEDS - 1 in place of it.
 */
enum { ATTN_FURTHER_SEEDS = 4 };
uint64_t attn_further_seed(uint64_t seed, int number);

/* Runs a legal case on a backend: the kernel that the case forces, or every able one, on the case's device (which it
 * must say, unless the backend describes its own), judges each result, and checks every run property. The backend's
 * schedule is set from the case when it is the host's. A kernel whose result is suspect
 * (attn_judgement) runs with the further seeds as well, all checks with it: P2 when one of those results is suspect,
 * too; else the outcome stands, suspect. After a failure ATTN_F_DEVICE_LOST the backend is of no more use
 * in this process. Returns outcome->status; *finding when it is ATTN_OUTCOME_FAILED. A forced kernel that is not
 * able is skipped, with that reason. */
int attn_check_run(struct attn_backend *backend, const struct attn_case *c, const struct attn_run_limits *limits,
                   struct attn_outcome *outcome, struct attn_finding *finding);

#endif
