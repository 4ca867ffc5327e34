/* check.c: what must hold of every step of a session: P1 and P7 of its plans, and what the runner checks of their runs
 * (P2, P9, P10). See session.h.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/session/kept.h"
#include "fuzz/session/play.h"

/* Planned only, a kept plan is held against a fresh one at every so many problems: it costs more than all else. */
enum { FRESH_EVERY = 8 };

/* ---- One session ----------------------------------------------------------------------------------------- */

struct check {
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
    int64_t work; /* multiply-adds of the problems run so far */
    struct attn_sweep sweep;
    struct session_references references;
};

__attribute__((format(printf, 5, 6))) static bool found(struct check *k, const struct attn_session_at *at, int property,
                                                        int kernel, const char *format, ...)
{
    va_list args;
    k->f->at = *at;
    k->f->finding = (struct attn_finding){ .property = property, .kernel = kernel, .rule = -1, .at = k->c };
    k->f->finding.at.run.kernel = kernel;
    va_start(args, format);
    vsnprintf(k->f->finding.text, sizeof k->f->finding.text, format, args);
    va_end(args);
    return false;
}

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

static void skip(struct check *k, const char *why)
{
    k->outcome->skipped++;
    if (!k->outcome->skipped_for)
        k->outcome->skipped_for = why;
}

/* A key that is new to this session: planned, and the plan properties checked on the fleet. NULL with a finding. */
static const struct session_kept *plan_new(struct check *k, const struct attn_session_at *at,
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
        found(k, at, ATTN_P_TOTAL, -1, "no kernel is able on %s", k->device.name);
        return NULL;
    }
    session_plans_add(&k->plans);
    k->outcome->keys++;
    return kept;
}

/* The plan under the problem's key: kept, or made now. NULL with a finding. */
static const struct attn_plan *plan_of(struct check *k, const struct attn_session_at *at)
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
            found(k, at, ATTN_P_REUSABLE, plan->kernel,
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
        found(k, at, ATTN_P_REUSABLE, plan->kernel, "the plan kept under %s does not serve the problem: %s", text,
              wrong);
        return NULL;
    }
    return plan;
}

/* ---- Running --------------------------------------------------------------------------------------------- */

static void add_outcome(struct attn_kernel_outcome *sum, const struct attn_kernel_outcome *one)
{
    struct attn_judgement *j = &sum->judgement;
    sum->ran |= one->ran;
    if (j->components == 0 || one->judgement.worst > j->worst)
        j->worst = one->judgement.worst;
    j->components += one->judgement.components;
    j->unjudged += one->judgement.unjudged;
    j->failed += one->judgement.failed;
    j->suspect += one->judgement.suspect;
    j->rows += one->judgement.rows;
    j->blind += one->judgement.blind;
    sum->blind |= one->blind;
    if (one->compared == ATTN_COMPARED_DONE || sum->compared == ATTN_COMPARED_NOT)
        sum->compared = one->compared;
    if (one->apart > sum->apart)
        sum->apart = one->apart;
    sum->equal += one->equal;
}

/* The plans that are run of a step: the one kept under its key, and one of every other able kernel. */
struct step_plans {
    struct attn_plan own[ATTN_KERNEL_COUNT];
    const struct attn_plan *plan[ATTN_KERNEL_COUNT]; /* NULL: not run */
    uint8_t how[ATTN_KERNEL_COUNT];                  /* enum attn_run_how */
    int64_t workspace;                               /* the largest, bytes */
};

/* How each is run, as the caller says; the kept one is. */
static void choose_how(const struct check *k, const struct attn_plan *kept, struct step_plans *p)
{
    const struct attn_run_watch *watch = k->o->limits.watch;
    const struct attn_plan *plan[ATTN_KERNEL_COUNT];
    uint8_t how[ATTN_KERNEL_COUNT];
    int kernel[ATTN_KERNEL_COUNT], n = 0;
    memset(p->how, ATTN_RUN_CHECKED, sizeof p->how);
    if (!watch || !p->plan[kept->kernel])
        return;
    kernel[n] = kept->kernel;
    plan[n++] = kept;
    for (int i = 0; i < ATTN_KERNEL_COUNT; i++) {
        if (!p->plan[i] || i == kept->kernel)
            continue;
        kernel[n] = i;
        plan[n++] = p->plan[i];
    }
    memset(how, ATTN_RUN_CHECKED, sizeof how);
    watch->choose(watch->context, &k->c, plan, n, how);
    for (int i = 0; i < n; i++)
        p->how[kernel[i]] = how[i];
    if (p->how[kept->kernel] == ATTN_RUN_NOT)
        p->how[kept->kernel] = ATTN_RUN_UNCHECKED;
}

static void choose_plans(struct check *k, const struct attn_plan *kept, struct step_plans *p)
{
    p->workspace = kept->workspace_bytes;
    for (int i = 0; i < ATTN_KERNEL_COUNT; i++) {
        bool able = i == kept->kernel || (attn_plan_kernel(&k->device, &kept->key, i, &p->own[i], NULL) &&
                                          p->own[i].workspace_bytes <= k->o->limits.bytes);
        k->outcome->kernels.kernel[i].able |= able;
        able = able && (k->o->kernel < 0 || k->o->kernel == i);
        p->plan[i] = !able ? NULL : i == kept->kernel ? kept : &p->own[i];
        if (able && p->plan[i]->workspace_bytes > p->workspace)
            p->workspace = p->plan[i]->workspace_bytes;
    }
}

static bool run_plans(struct check *k, const struct attn_player *player, const struct attn_session_at *at,
                      const struct attn_plan *kept, const struct step_plans *p, struct attn_runner *runner)
{
    for (int i = 0; i < ATTN_KERNEL_COUNT; i++) {
        struct attn_kernel_outcome one = { .able = 1 };
        if (!p->plan[i] || p->how[i] == ATTN_RUN_NOT)
            continue;
        runner->how = p->how[i];
        bool held = attn_runner_try(
            runner, p->plan[i], p->plan[i] == kept ? ", with the plan kept under its key" : ", with a plan of its own",
            &one, &k->f->finding);
        add_outcome(&k->outcome->kernels.kernel[i], &one);
        if (!held) {
            k->f->at = *at;
            return false;
        }
        if (p->plan[i] == kept && k->answer)
            k->answer(k->context, player, at, &k->c.problem, &k->references, kept, attn_runner_dst(runner));
    }
    return true;
}

/* The kept plan, and every other able kernel, on the bytes that the cache has. */
static bool run_problem(struct check *k, const struct attn_player *player, const struct attn_session_at *at,
                        const struct attn_plan *kept)
{
    const int64_t work = attn_problem_work(&k->c.problem);
    struct attn_runner runner = { .backend = k->o->backend, .c = &k->c, .device = &k->device, .limits = &k->o->limits };
    struct step_plans plans;
    bool held = true;

    if (work > k->o->limits.work) {
        skip(k, "more multiply-adds than the limit");
        return true;
    }
    if (k->o->session_work && work > ATTN_SESSION_SMALL_WORK && k->work > k->o->session_work - work) {
        skip(k, "more multiply-adds than the limit in all");
        return true;
    }
    const char *why =
        kept->workspace_bytes > k->o->limits.bytes ? "a larger workspace than the limit" : attn_runner_fits(&runner);
    if (why) {
        skip(k, why);
        return true;
    }
    choose_plans(k, kept, &plans);
    choose_how(k, kept, &plans);
    k->references.n = 0;
    why = attn_runner_image(&runner);
    if (!why) {
        attn_player_fill(player, at, &k->c.problem, &runner.before);
        why = session_references(player, at, &k->c.problem, &k->references) ? attn_runner_open(&runner, plans.workspace)
                                                                            : "out of memory";
    }
    if (why) {
        skip(k, why);
    } else {
        runner.expected = session_expected(&k->references);
        k->outcome->ran++;
        k->work += work;
        held = run_plans(k, player, at, kept, &plans, &runner);
    }
    session_references_free(&k->references);
    attn_runner_close(&runner);
    return held;
}

static bool visit(void *context, const struct attn_player *player, const struct attn_session_at *at,
                  const struct attn_problem *problem)
{
    struct check *k = context;
    struct attn_error error;
    k->c.problem = *problem;
    k->c.run.schedule = 0;
    if (attn_problem_check(problem, &error) != ATTN_E_OK) {
        char text[256];
        attn_error_text(&error, text, sizeof text);
        return found(k, at, ATTN_P_NONE, -1, "the session made an illegal problem: %s", text);
    }
    const struct attn_plan *plan = plan_of(k, at);
    if (!plan)
        return false;
    if (!player->data) {
        if (k->o->backend)
            skip(k, "its caches have more bytes than the limit");
        return true;
    }
    /* Each step in an order of its own, where the session asks for another than in order. */
    k->c.run.schedule = k->s->schedule ? k->s->schedule ^ (uint64_t)at->step : 0;
    return run_problem(k, player, at, plan);
}

bool session_check(const struct attn_session *session, const struct attn_session_options *options,
                   session_answer *answer, void *context, struct attn_session_outcome *outcome,
                   struct attn_session_finding *f, struct attn_player **left)
{
    struct check *k = calloc(1, sizeof *k);
    struct attn_player *player = NULL;
    bool held = true;

    memset(outcome, 0, sizeof *outcome);
    memset(f, 0, sizeof *f);
    outcome->kernels.chosen = -1;
    if (!k)
        return true;
    *k = (struct check){ .s = session, .o = options, .outcome = outcome, .f = f, .answer = answer, .context = context };
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
        held = attn_player_play(player, visit, k);
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
    free(k);
    return held;
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
    attn_finding_print_as(out, &f->finding, script);
    attn_case_print(&f->finding.at, line, sizeof line);
    fprintf(out, "  step:   %s\n", line);
    free(script);
}
