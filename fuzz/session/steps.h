/* steps.h: what the parts of a session's check share: check.c plans its steps, steps.c runs them, suspect.c asks
 * further seeds about what is suspect. See session.h.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SESSION_STEPS_H
#define ATTN_SESSION_STEPS_H

#include "fuzz/session/kept.h"
#include "fuzz/session/play.h"

/* A result that is suspect: of which kernel, in which problem, and the rows that were run of it. */
struct session_suspect {
    struct attn_session_at at;
    struct attn_problem problem;
    int kernel;
    bool sampled;
    struct attn_sample sample;
    struct attn_judgement judgement;
};

struct session_steps {
    const struct attn_session *s;
    const struct attn_session_options *o;
    struct attn_session_outcome *outcome;
    struct attn_session_finding *f;
    session_answer *answer; /* told each result; NULL: nobody */
    void *context;
    struct attn_device device; /* the backend's own, else the session's */
    bool data;                 /* the session has data, its problems are run */
    struct attn_case c;        /* of the problem at hand */
    struct session_plans plans;
    int64_t work, sampled_work; /* multiply-adds of the problems run so far: whole, and in some rows */
    struct attn_sweep sweep;
    struct session_references references;
    struct session_suspect *suspect; /* the first ones */
    int n_suspects;
};

/* Counts a problem that is not run. */
static inline void session_skip(struct session_steps *k, const char *why)
{
    k->outcome->skipped++;
    if (!k->outcome->skipped_for)
        k->outcome->skipped_for = why;
}

/* ---- found.c */

/* Fills *k->f; false. */
__attribute__((format(printf, 5, 6))) bool session_found(struct session_steps *k, const struct attn_session_at *at,
                                                         int property, int kernel, const char *format, ...);

/* Remembers it, if there is room. */
void session_note_suspect(struct session_steps *k, const struct attn_session_at *at, int kernel,
                          const struct attn_sample *sample, const struct attn_judgement *judgement);

/* ---- steps.c */

/* The kept plan, and every other able kernel, on the bytes that the cache has. False with a finding. */
bool session_run_problem(struct session_steps *k, const struct attn_player *player, const struct attn_session_at *at,
                         const struct attn_plan *kept);
/* What a runner of the problem at hand needs, its case, device, limits and sample set: bytes, references, memory. NULL,
 * or why there is none; both are to be freed in any case. */
const char *session_prepare(const struct attn_player *player, const struct attn_session_at *at, int64_t workspace_bytes,
                            struct session_references *references, struct attn_runner *runner);

/* ---- suspect.c */

/* Plays the session with the further seeds (attn_further_seed) and runs what was suspect: false with a finding when one
 * of those results is, too. */
bool session_ask_further(struct session_steps *k);

#endif
