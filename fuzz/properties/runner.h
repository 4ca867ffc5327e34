/* runner.h: runs plans of one problem on a backend and judges what each of them leaves behind. It is the only place
 * where P2, P8, P9 and P10 are checked: for cases (run.c), for the steps of sessions (session/check.c), on the host
 * executor as on a GPU.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_RUNNER_H
#define ATTN_RUNNER_H

#include "fuzz/properties/properties.h"

/* What results are held against: the reference of a case, or the logical history of a session. */
struct attn_expected {
    const void *what;
    bool (*judge)(const void *what, const struct attn_problem *problem, const struct attn_arithmetic *arithmetic,
                  const void *dst, struct attn_judgement *judgement);
    /* How far a component may be off; infinity for one that is not judged. */
    double (*limit)(const void *what, const struct attn_arithmetic *arithmetic, int64_t d, int64_t h, int64_t iq,
                    int64_t s);
    const char *by; /* who says so, in a finding's text: "", or a few words and a blank */
};

struct trial; /* trial.h */
struct attn_twins;

/* One problem on one backend. */
struct attn_runner {
    /* The caller's, set before anything else. */
    struct attn_backend *backend;
    const struct attn_case *c; /* the problem; its run part has the schedule, and findings carry it */
    const struct attn_device *device;
    const struct attn_run_limits *limits;
    struct attn_expected expected;    /* set before the first plan is tried */
    const struct attn_sample *sample; /* rows of dst that are run, on a host backend; NULL: all. Set before the image */
    /* P8, which runs other problems and so knows the runner (metamorphic.c), and what it needs; NULL: not checked. */
    bool (*metamorphic)(struct trial *trial, struct attn_finding *finding);
    const struct attn_reference *reference;
    int how; /* enum attn_run_how of the next plan; 0: with all checks */

    /* The runner's. */
    bool host;                /* schedules mean something, and the backend sees every access itself */
    struct attn_image before; /* as the caller filled it */
    struct attn_image after;  /* as a run left it; shares roles with before */
    struct attn_image other;  /* as the backend beside left it; shares roles with before; made when first needed */
    uint8_t *first_dst;       /* of the first of two runs, the stretches of the buffer that dst is in */
    struct attn_memory *memory;
    struct attn_twins *twins; /* what metamorphic.c keeps: its, and the caller's to free (attn_twins_free) */
};

/* The device that plans for a backend are made for: its own where it has one, less what the weakening takes from it if
 * it has that; else that row and weakening of the table. The backend may be NULL. False when the row is none, or has no
 * such weakening. */
bool attn_run_device(struct attn_backend *backend, int row, int weakening, struct attn_device *device);

/* NULL, or why the problem's buffers are beyond the limits. The memory of a GPU is not sparse: there gaps count. */
const char *attn_runner_fits(const struct attn_runner *runner);
/* Lays out runner->before, for the caller to fill. NULL, or why there is none. */
const char *attn_runner_image(struct attn_runner *runner);
/* Takes memory for the filled image, its copies and a workspace. NULL, or why there is none. */
const char *attn_runner_open(struct attn_runner *runner, int64_t workspace_bytes);
/* Runs a plan of the problem and checks every run property; within limits->beside_work also beside. `how` says in a
 * finding's text what plan it is: "", or a comma and a few words. Adds nothing to *outcome but sets all of it save
 * `able`. True when all held, else false with *finding. */
bool attn_runner_try(struct attn_runner *runner, const struct attn_plan *plan, const char *how,
                     struct attn_kernel_outcome *outcome, struct attn_finding *finding);
/* First element of dst as the last plan that was tried left it. */
const void *attn_runner_dst(const struct attn_runner *runner);
/* Frees what there is, however far it came. */
void attn_runner_close(struct attn_runner *runner);

#endif
