/* suspect.c: what a session's steps leave suspect is asked again with further seeds, as of a case. The same events make
 * the same problems under any seed; tokens and values are others. See session.h.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/session/steps.h"

/* The session once more, with another seed. */
struct further {
    struct session_steps *k;
    uint64_t seed;
    int left; /* suspects to come */
};

static bool is_there(const struct session_suspect *one, const struct attn_session_at *at,
                     const struct attn_problem *problem)
{
    return one->at.step == at->step && one->at.layer == at->layer && one->at.share == at->share &&
           attn_problem_equal(&one->problem, problem);
}

/* The suspect's kernel on the other values. False with a finding. */
static bool run_again(struct further *f, const struct attn_player *player, const struct session_suspect *one)
{
    struct session_steps *k = f->k;
    struct attn_case c = k->c;
    struct attn_key key;
    struct attn_plan plan;
    struct attn_kernel_outcome outcome = { .able = 1 };
    struct attn_runner runner = { .backend = k->o->backend, .c = &c, .device = &k->device, .limits = &k->o->limits };
    bool held = true;
    c.problem = one->problem;
    c.run.schedule = k->s->schedule ? k->s->schedule ^ (uint64_t)one->at.step : 0;
    runner.sample = one->sampled ? &one->sample : NULL;
    attn_key_of(&c.problem, &key);
    if (!attn_plan_kernel(&k->device, &key, one->kernel, &plan, NULL))
        return true;
    k->c = c; /* findings carry it */
    if (!session_prepare(player, &one->at, plan.workspace_bytes, &k->references, &runner))
        held = attn_runner_try(&runner, &plan, ", with a further seed", &outcome, &k->f->finding);
    session_references_free(&k->references);
    attn_runner_close(&runner);
    if (!held)
        k->f->at = one->at;
    const struct attn_judgement *j = &one->judgement;
    return held && (outcome.judgement.suspect == 0 ||
                    session_found(k, &one->at, ATTN_P_SOUND, one->kernel,
                                  "%s on %s: %" PRId64 " of %" PRId64
                                  " components are further off than is likely, the worst by a factor of %.3g, and with "
                                  "the further seed %" PRIu64 " so are %" PRId64,
                                  attn_kernel(one->kernel)->name, k->device.name, j->suspect, j->components,
                                  j->unlikely, f->seed, outcome.judgement.suspect));
}

static bool visit(void *context, const struct attn_player *player, const struct attn_session_at *at,
                  const struct attn_problem *problem)
{
    struct further *f = context;
    for (int i = 0; i < f->k->n_suspects; i++)
        if (is_there(&f->k->suspect[i], at, problem)) {
            f->left--;
            if (!run_again(f, player, &f->k->suspect[i]))
                return false;
        }
    return f->left > 0;
}

bool session_ask_further(struct session_steps *k)
{
    struct attn_session *other = k->n_suspects > 0 ? malloc(sizeof *other) : NULL;
    for (int i = 0; other && i < ATTN_FURTHER_SEEDS && k->f->finding.property == ATTN_P_NONE; i++) {
        struct further f = { .k = k, .seed = attn_further_seed(k->s->seed, i), .left = k->n_suspects };
        *other = *k->s;
        other->seed = f.seed;
        struct attn_player *player = attn_player_open(other, true, k->o->cache_bytes);
        if (player)
            attn_player_play(player, visit, &f);
        attn_player_close(player);
    }
    free(other);
    return k->f->finding.property == ATTN_P_NONE;
}
