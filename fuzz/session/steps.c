/* steps.c: runs a session's steps: the plan kept under a problem's key and every other able kernel, on the bytes that
 * the cache has, whole or, beyond the limit of the work, in some rows. See session.h.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "fuzz/properties/sample.h"
#include "fuzz/session/steps.h"
#include "planner/arith.h"
#include "planner/random.h"

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
    j->unlikely = fmax(j->unlikely, one->judgement.unlikely);
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
static void choose_how(const struct session_steps *k, const struct attn_plan *kept, struct step_plans *p)
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

static void choose_plans(struct session_steps *k, const struct attn_plan *kept, struct step_plans *p)
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

/* ---- Steps beyond the limit ------------------------------------------------------------------------------ */

static int64_t tile_of(const struct session_steps *k, const struct attn_plan *plan)
{
    return attn_sample_tile_work(&k->c.problem, plan);
}

/* Is it this step's turn? Sampled steps have as much work in all as those that are run whole. Of that each quarter is
 * for one in eight times as many steps as the one before, and of a step on one of the devices, so that a long session's
 * are spread over all of it. */
static bool is_drawn(const struct session_steps *k, const struct attn_session_at *at)
{
    enum { PARTS = 4, BITS = 3 };
    const int64_t part = k->o->session_work / PARTS + 1;
    if (k->o->session_work == 0)
        return true;
    const int64_t spent = k->sampled_work / part;
    return spent < PARTS && k->c.run.seed % (UINT64_C(1) << (BITS * spent)) == 0 &&
           at->share == (int)(attn_mix(k->c.run.seed) % (uint64_t)k->s->split);
}

/* What was run of the plans: all of a tile, however few rows of it are judged. */
static int64_t work_of(const struct session_steps *k, const struct step_plans *p, const struct attn_sample *sample)
{
    int64_t work = 0;
    for (int i = 0; i < ATTN_KERNEL_COUNT; i++) {
        struct attn_sample tiles = { .n_rows = sample->n_rows };
        if (!p->plan[i])
            continue;
        memcpy(tiles.row, sample->row, sizeof tiles.row);
        attn_sample_add(&tiles, &k->c.problem, p->plan[i]);
        work = attn_add_sat(work, attn_mul_sat(tiles.n_parts, tile_of(k, p->plan[i])));
    }
    return work;
}

/* Beside the plan that was kept one other kernel, whose tiles are no more work than `most`: these take turns. */
static void keep_two(const struct session_steps *k, const struct attn_plan *kept, int64_t most, struct step_plans *p)
{
    int other[ATTN_KERNEL_COUNT], n = 0;
    for (int i = 0; i < ATTN_KERNEL_COUNT; i++)
        if (p->plan[i] && p->plan[i] != kept && tile_of(k, p->plan[i]) <= most)
            other[n++] = i;
    const int turn = n > 0 ? other[attn_mix(k->c.run.seed) % (uint64_t)n] : -1;
    for (int i = 0; i < ATTN_KERNEL_COUNT; i++)
        if (p->plan[i] != kept && i != turn)
            p->plan[i] = NULL;
}

/* Of a step beyond the limit of the work: the rows that are run. NULL, or why there are none. */
static const char *make_sample(struct session_steps *k, const struct attn_session_at *at, const struct attn_plan *kept,
                               struct step_plans *p, struct attn_sample *sample)
{
    const struct attn_run_limits *limits = &k->o->limits;
    const int64_t tile = attn_mul_sat(limits->work, ATTN_SAMPLE_TILE_MORE);
    const int64_t most = limits->sample_work > 0 ? limits->sample_work : tile;
    struct attn_plan plan[ATTN_KERNEL_COUNT];
    int n = 0;
    k->c.run.seed = attn_mix(k->s->seed ^ attn_mix((uint64_t)at->step * ATTN_SESSION_LAYERS_MAX + (uint64_t)at->layer));
    if (!k->o->backend->ops->executor || tile_of(k, kept) > tile)
        return "more multiply-adds than the limit";
    if (!is_drawn(k, at))
        return "more multiply-adds than the limit in all";
    keep_two(k, kept, most, p);
    for (int i = 0; i < ATTN_KERNEL_COUNT; i++)
        if (p->plan[i])
            plan[n++] = *p->plan[i];
    if (n == 0)
        return "more multiply-adds than the limit";
    const char *why = attn_sample_choose(&k->c, limits, plan, n, sample);
    if (why)
        return why;
    k->sampled_work =
        attn_add_sat(k->sampled_work, sample->n_rows > 0 ? work_of(k, p, sample) : attn_problem_work(&k->c.problem));
    return NULL;
}

/* ---- Running ---------------------------------------------------------------------------------------------- */

static bool run_plans(struct session_steps *k, const struct attn_player *player, const struct attn_session_at *at,
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
        if (one.judgement.suspect > 0)
            session_note_suspect(k, at, i, runner->sample, &one.judgement);
        if (p->plan[i] == kept && k->answer)
            k->answer(k->context, player, at, &k->c.problem, &k->references, kept, attn_runner_dst(runner));
    }
    return true;
}

const char *session_prepare(const struct attn_player *player, const struct attn_session_at *at, int64_t workspace_bytes,
                            struct session_references *references, struct attn_runner *runner)
{
    const struct attn_problem *problem = &runner->c->problem;
    const char *why = attn_runner_image(runner);
    references->n = 0;
    if (why)
        return why;
    attn_player_fill_sample(player, at, problem, runner->sample, &runner->before);
    if (!session_references(player, at, problem, runner->sample, references))
        return "out of memory";
    runner->expected = session_expected(references);
    return attn_runner_open(runner, workspace_bytes);
}

/* NULL, or why the problem is not run; *sample: of which rows it is, none: all. */
static const char *choose_run(struct session_steps *k, const struct attn_session_at *at, const struct attn_plan *kept,
                              struct step_plans *plans, struct attn_sample *sample)
{
    const int64_t work = attn_problem_work(&k->c.problem);
    if (kept->workspace_bytes > k->o->limits.bytes)
        return "a larger workspace than the limit";
    choose_plans(k, kept, plans);
    if (work > k->o->limits.work)
        return make_sample(k, at, kept, plans, sample);
    if (k->o->session_work && work > ATTN_SESSION_SMALL_WORK && k->work > k->o->session_work - work)
        return "more multiply-adds than the limit in all";
    k->work += work;
    return NULL;
}

bool session_run_problem(struct session_steps *k, const struct attn_player *player, const struct attn_session_at *at,
                         const struct attn_plan *kept)
{
    const struct attn_problem *problem = &k->c.problem;
    struct attn_runner runner = { .backend = k->o->backend, .c = &k->c, .device = &k->device, .limits = &k->o->limits };
    struct attn_sample sample = { .n_rows = 0 };
    struct step_plans plans;
    bool held = true;

    const char *why = choose_run(k, at, kept, &plans, &sample);
    runner.sample = sample.n_rows > 0 ? &sample : NULL;
    if (!why)
        why = attn_runner_fits(&runner);
    if (why) {
        session_skip(k, why);
        return true;
    }
    choose_how(k, kept, &plans);
    why = session_prepare(player, at, plans.workspace, &k->references, &runner);
    if (why) {
        session_skip(k, why);
    } else {
        k->outcome->ran++;
        if (runner.sample) {
            k->outcome->kernels.rows += sample.n_rows;
            k->outcome->kernels.all_rows = attn_add_sat(k->outcome->kernels.all_rows,
                                                        attn_n_head(problem) * attn_n_q(problem) * attn_n_seq(problem));
        }
        held = run_plans(k, player, at, kept, &plans, &runner);
    }
    session_references_free(&k->references);
    attn_runner_close(&runner);
    return held;
}
