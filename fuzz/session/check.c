/* check.c: what must hold of every step of a session: P1 and P7 of its plans, and what the runner checks of their runs
 * (P2, P9, P10). See session.h.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/session/steps.h"

/* Planned only, a kept plan is held against a fresh one at every so many problems: it costs more than all else. */
enum { FRESH_EVERY = 8 };

/* ---- One session ----------------------------------------------------------------------------------------- */

/* A finding's text begins with where in the session it is. */
static void place(const struct attn_session *s, struct attn_session_finding *f)
{
    char text[sizeof f->finding.text];
    memcpy(text, f->finding.text, sizeof text);
    int n = snprintf(f->finding.text, sizeof text,
                     "step %" PRId64 " (event %d, request %d of slot %d, layer %s%s): ", f->at.step, f->at.event + 1,
                     f->at.request, f->at.slot, s->layer[f->at.layer].name, f->at.draft ? ", draft" : "");
    if (n > 0 && (size_t)n < sizeof text) {
        size_t room = sizeof text - (size_t)n - 1, length = strlen(text);
        length = length < room ? length : room;
        memcpy(f->finding.text + n, text, length);
        f->finding.text[(size_t)n + length] = 0;
    }
}

/* A key that is new to this session: planned, and the plan properties checked on the fleet. NULL with a finding. */
static const struct session_kept *plan_new(struct session_steps *k, const struct attn_session_at *at,
                                           const struct attn_key *key, uint64_t hash)
{
    struct attn_session_memo *memo = k->o->memo;
    struct session_kept *kept = session_plans_room(&k->plans);
    bool known = memo && memo->hash[hash % ATTN_SESSION_MEMO] == (hash ^ (uint64_t)k->s->device << 56);
    if (!kept)
        abort(); /* a few megabytes */
    k->outcome->plans++;
    kept->key = *key;
    int chosen = attn_plan(&k->device, &k->c.problem, &kept->plan, NULL);
    if (chosen < 0 || !known) {
        if (!attn_check_plan(k->o->fleet, &k->c, true, &k->sweep, &k->f->finding)) {
            k->f->at = *at;
            return NULL;
        }
        k->outcome->plans += k->sweep.plans;
        if (memo)
            memo->hash[hash % ATTN_SESSION_MEMO] = hash ^ (uint64_t)k->s->device << 56;
    }
    if (chosen < 0) {
        session_found(k, at, ATTN_P_TOTAL, -1, "no kernel is able on %s", k->device.name);
        return NULL;
    }
    session_plans_add(&k->plans);
    k->outcome->keys++;
    return kept;
}

/* The plan under the problem's key: kept, or made now. NULL with a finding. */
static const struct attn_plan *plan_of(struct session_steps *k, const struct attn_session_at *at)
{
    struct attn_key key;
    attn_key_of(&k->c.problem, &key);
    uint64_t hash = attn_key_hash(&key);
    const struct session_kept *kept = session_plans_find(&k->plans, &key, hash);
    if (kept)
        k->outcome->reused++;
    else if (!(kept = plan_new(k, at, &key, hash)))
        return NULL;
    const struct attn_plan *plan = &kept->plan;
    if (!k->data ? k->outcome->planned % FRESH_EVERY == 0 : k->outcome->reused > 0) {
        struct attn_plan fresh;
        k->outcome->plans++;
        if (attn_plan(&k->device, &k->c.problem, &fresh, NULL) != plan->kernel || !attn_plan_equal(&fresh, plan)) {
            session_found(k, at, ATTN_P_REUSABLE, plan->kernel,
                          "planned again, the problem gets another plan than the one kept under its key");
            return NULL;
        }
    }
    k->outcome->planned++;
    k->outcome->chosen[plan->kernel]++;
    const char *wrong = attn_plan_serves(plan, &k->c.problem);
    if (wrong) {
        char text[ATTN_LINE_MAX];
        attn_key_text(&plan->key, text, sizeof text);
        session_found(k, at, ATTN_P_REUSABLE, plan->kernel, "the plan kept under %s does not serve the problem: %s",
                      text, wrong);
        return NULL;
    }
    return plan;
}

static bool visit(void *context, const struct attn_player *player, const struct attn_session_at *at,
                  const struct attn_problem *problem)
{
    struct session_steps *k = context;
    struct attn_error error;
    k->c.problem = *problem;
    k->c.run.schedule = 0;
    if (attn_problem_check(problem, &error) != ATTN_E_OK) {
        char text[256];
        attn_error_text(&error, text, sizeof text);
        return session_found(k, at, ATTN_P_NONE, -1, "the session made an illegal problem: %s", text);
    }
    const struct attn_plan *plan = plan_of(k, at);
    if (!plan)
        return false;
    if (!player->data) {
        if (k->o->backend)
            session_skip(k, "its caches have more bytes than the limit");
        return true;
    }
    /* Each step in an order of its own, where the session asks for another than in order. */
    k->c.run.schedule = k->s->schedule ? k->s->schedule ^ (uint64_t)at->step : 0;
    return session_run_problem(k, player, at, plan);
}

bool session_check(const struct attn_session *session, const struct attn_session_options *options,
                   session_answer *answer, void *context, struct attn_session_outcome *outcome,
                   struct attn_session_finding *f, struct attn_player **left)
{
    struct session_steps *k = calloc(1, sizeof *k);
    struct attn_player *player = NULL;
    bool held = true;

    memset(outcome, 0, sizeof *outcome);
    memset(f, 0, sizeof *f);
    outcome->kernels.chosen = -1;
    if (!k)
        return true;
    *k = (struct session_steps){
        .s = session, .o = options, .outcome = outcome, .f = f, .answer = answer, .context = context
    };
    attn_run_device(options->backend, session->device, session->weakening, &k->device);
    attn_run_default(&k->c.run);
    k->c.run.device = session->device;
    k->c.run.weakening = session->weakening;
    if (options->backend)
        player = attn_player_open(session, true, options->cache_bytes);
    k->data = player != NULL;
    if (!player)
        player = attn_player_open(session, false, 0);
    if (player) {
        held = attn_player_play(player, visit, k) && session_ask_further(k);
        if (!held)
            place(session, f);
        outcome->counts = *attn_player_counts(player);
    } else {
        outcome->skipped_for = "out of memory";
    }
    if (left)
        *left = player;
    else
        attn_player_close(player);
    session_plans_free(&k->plans);
    free(k->suspect);
    free(k);
    return held;
}

void attn_session_limit_work(struct attn_session_options *options)
{
    const int64_t step = 2000000;
    if (options->limits.work > step)
        options->limits.work = options->limits.sample_work = step;
    options->session_work = 30000000;
    options->cache_bytes = INT64_C(1) << 30; /* of which what the session's tokens take is touched */
}

void attn_session_limit_long(struct attn_session_options *options)
{
    options->limits.work = options->limits.sample_work = 200000;
    options->limits.bytes = INT64_C(16) << 20;
    options->session_work = 12000000;
    options->cache_bytes = INT64_C(64) << 20;
}

bool attn_session_run(const struct attn_session *session, const struct attn_session_options *options,
                      struct attn_session_outcome *outcome, struct attn_session_finding *finding)
{
    return session_check(session, options, NULL, NULL, outcome, finding, NULL);
}

void attn_session_finding_print(FILE *out, const struct attn_session *session, const struct attn_session_finding *f)
{
    char *script = malloc(ATTN_SESSION_TEXT_MAX), line[ATTN_CASE_LINE_MAX];
    if (!script)
        return;
    attn_session_print(session, script, ATTN_SESSION_TEXT_MAX);
    attn_finding_print_as(out, &f->finding, script, "attnfuzz run");
    attn_case_print(&f->finding.at, line, sizeof line);
    fprintf(out, "  step:   %s\n", line);
    free(script);
}
