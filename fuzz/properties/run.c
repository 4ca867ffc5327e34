/* run.c: a case on a backend: which plans are run, on what bytes, and held against what. See properties.h.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fuzz/properties/sample.h"
#include "fuzz/properties/trial.h"
#include "fuzz/properties/tight.h"
#include "planner/arith.h"
#include "planner/random.h"

static bool judge_case(const void *what, const struct attn_problem *problem, const struct attn_arithmetic *arithmetic,
                       const void *dst, struct attn_judgement *judgement)
{
    (void)problem;
    return attn_judge(what, arithmetic, dst, judgement);
}

static double limit_of_case(const void *what, const struct attn_arithmetic *arithmetic, int64_t d, int64_t h,
                            int64_t iq, int64_t s)
{
    return attn_reference_limit(what, arithmetic, d, h, iq, s);
}

int attn_outcome_blind(const struct attn_outcome *outcome)
{
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++)
        if (outcome->kernel[k].blind)
            return k;
    return -1;
}

static int skip(struct attn_outcome *outcome, const char *why)
{
    outcome->skipped = why;
    return outcome->status = ATTN_OUTCOME_SKIPPED;
}

/* The plans that are to be run: the kernel that the case forces, or every able one. */
struct plans {
    struct attn_plan plan[ATTN_KERNEL_COUNT];
    int n;
    int64_t workspace; /* the largest, bytes */
};

static void make_plans(const struct attn_case *c, const struct attn_device *device, const struct attn_key *key,
                       const struct attn_run_limits *limits, struct attn_outcome *outcome, struct plans *plans)
{
    const struct attn_forced *forced = limits->forced;
    plans->n = 0;
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
        struct attn_plan *plan = &plans->plan[plans->n];
        const int only = forced ? forced->kernel : c->run.kernel;
        if ((only >= 0 && only != k) ||
            !(forced ? attn_tight_plan(forced, key, plan, NULL) : attn_plan_kernel(device, key, k, plan, NULL)))
            continue;
        outcome->kernel[k].able = 1;
        plans->n++;
    }
}

enum { WATCHED = 32 }; /* keys, of those that bear witness */

/* How each plan is run, as the caller says. */
static void choose_how(const struct attn_case *c, const struct attn_run_limits *limits, const struct plans *plans,
                       uint8_t how[ATTN_KERNEL_COUNT])
{
    const struct attn_plan *plan[ATTN_KERNEL_COUNT];
    for (int i = 0; i < plans->n; i++) {
        plan[i] = &plans->plan[i];
        how[i] = ATTN_RUN_CHECKED;
    }
    if (limits->watch)
        limits->watch->choose(limits->watch->context, c, plan, plans->n, how);
}

/* Image, data, reference and device memory; NULL when all is there, else why not. */
static const char *prepare(struct attn_runner *r, int64_t workspace_bytes, struct attn_reference **reference)
{
    const int64_t limit = r->limits->reference_work > 0 ? r->limits->reference_work : ATTN_RUN_REFERENCE_WORK;
    const void *base[ATTN_OPERAND_COUNT];
    const char *why = attn_runner_image(r);
    if (why)
        return why;
    attn_data_fill_sample(r->c, r->sample, &r->before);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        base[o] = attn_image_at(&r->before, &r->c->problem, o);
    int64_t keys[WATCHED];
    struct attn_watch watch = { .key = keys };
    watch.n = attn_data_witnesses(r->c, keys, WATCHED, &watch.least);
    *reference = r->sample
                     ? attn_reference_compute_rows(&r->c->problem, base, r->sample->row, r->sample->n_rows, &watch)
                     : attn_reference_compute_some(&r->c->problem, base, limit, r->c->run.seed, &watch);
    r->expected = (struct attn_expected){ *reference, judge_case, limit_of_case, "" };
    r->reference = *reference;
    r->metamorphic = r->sample ? NULL : attn_twins_agree; /* a twin has no such rows */
    return *reference ? attn_runner_open(r, workspace_bytes) : "out of memory";
}

static int64_t workspace_of(const struct attn_runner *r, const struct attn_plan *plan)
{
    (void)r;
    return plan->workspace_bytes;
}

static int64_t tile_of(const struct attn_runner *r, const struct attn_plan *plan)
{
    return attn_sample_tile_work(&r->c->problem, plan);
}

/* Keeps the plans that need no more than `most`. */
static void keep_plans(struct plans *plans, const struct attn_runner *r,
                       int64_t (*need)(const struct attn_runner *r, const struct attn_plan *plan), int64_t most)
{
    int n = 0;
    plans->workspace = 0;
    for (int i = 0; i < plans->n; i++)
        if (need(r, &plans->plan[i]) <= most) {
            plans->workspace = attn_max(plans->workspace, plans->plan[i].workspace_bytes);
            plans->plan[n++] = plans->plan[i];
        }
    plans->n = n;
}

/* Multiply-adds that one tile of a sampled plan may have: see sample_work. */
static int64_t most_of_a_tile(const struct attn_runner *r, const struct plans *plans)
{
    const int64_t most = attn_mul_sat(r->limits->work, ATTN_SAMPLE_TILE_MORE);
    int64_t least = INT64_MAX;
    if (r->limits->sample_work == 0)
        return most;
    for (int i = 0; i < plans->n; i++)
        least = attn_min(least, tile_of(r, &plans->plan[i]));
    return attn_min(most, attn_max(r->limits->sample_work, least));
}

/* Of a case beyond the limit of the work: the rows that are run, and the plans that can be run in some rows alone. Of
 * their workspace these touch a part. NULL, or why there are none. */
static const char *make_sample(const struct attn_runner *r, struct plans *plans, struct attn_sample *sample,
                               struct attn_outcome *outcome)
{
    const struct attn_problem *p = &r->c->problem;
    keep_plans(plans, r, tile_of, most_of_a_tile(r, plans));
    if (plans->n == 0 || !r->backend->ops->executor)
        return "more multiply-adds than the limit";
    const char *why = attn_sample_choose(r->c, r->limits, plans->plan, plans->n, sample);
    if (why || sample->n_rows == 0)
        return why;
    outcome->rows = sample->n_rows;
    outcome->all_rows = attn_n_head(p) * attn_n_q(p) * attn_n_seq(p);
    return NULL;
}

uint64_t attn_further_seed(uint64_t seed, int number) { return attn_mix(seed ^ attn_mix((uint64_t)number + 1)); }

/* One plan of the case with data of another seed. False with *f when something does not hold; *suspect: how many
 * components are. */
static bool hold_further(const struct attn_runner *first, const struct attn_plan *plan, uint64_t seed, int64_t *suspect,
                         struct attn_finding *f)
{
    struct attn_case c = *first->c;
    struct attn_runner runner = {
        .backend = first->backend, .c = &c, .device = first->device, .limits = first->limits, .sample = first->sample
    };
    struct attn_reference *reference = NULL;
    struct attn_kernel_outcome outcome = { .able = 1 };
    c.run.seed = seed;
    const bool held = prepare(&runner, plan->workspace_bytes, &reference) != NULL ||
                      attn_runner_try(&runner, plan, ", with a further seed", &outcome, f);
    *suspect = outcome.judgement.suspect;
    attn_twins_free(runner.twins);
    attn_runner_close(&runner);
    attn_reference_free(reference);
    return held;
}

/* A plan whose result was suspect, with further seeds: see attn_check_run. */
static bool check_suspect(const struct attn_runner *first, const struct attn_plan *plan,
                          const struct attn_kernel_outcome *outcome, struct attn_finding *f)
{
    const struct attn_judgement *j = &outcome->judgement;
    for (int i = 0; i < ATTN_FURTHER_SEEDS; i++) {
        const uint64_t seed = attn_further_seed(first->c->run.seed, i);
        int64_t suspect;
        if (!hold_further(first, plan, seed, &suspect, f))
            return false;
        if (suspect == 0)
            continue;
        memset(f, 0, sizeof *f);
        f->property = ATTN_P_SOUND;
        f->kernel = plan->kernel;
        f->rule = -1;
        f->at = *first->c;
        f->at.run.kernel = plan->kernel;
        snprintf(f->text, sizeof f->text,
                 "%s on %s: %" PRId64 " of %" PRId64
                 " components are further off than is likely, the worst by a factor "
                 "of %.3g, and with the further seed %" PRIu64 " so are %" PRId64,
                 attn_kernel(plan->kernel)->name, first->device->name, j->suspect, j->components, j->unlikely, seed,
                 suspect);
        return false;
    }
    return true;
}

int attn_check_run(struct attn_backend *backend, const struct attn_case *c, const struct attn_run_limits *limits,
                   struct attn_outcome *outcome, struct attn_finding *f)
{
    struct attn_device device;
    struct attn_runner runner = { .backend = backend, .c = c, .device = &device, .limits = limits };
    struct attn_reference *reference = NULL;
    struct attn_sample sample = { .n_rows = 0 };
    struct attn_key key;
    struct attn_plan chosen;
    struct plans plans;
    uint8_t how[ATTN_KERNEL_COUNT];

    memset(outcome, 0, sizeof *outcome);
    outcome->status = ATTN_OUTCOME_HELD;
    f->property = ATTN_P_NONE;
    if (limits->forced)
        device = limits->forced->device;
    else if (!attn_run_device(backend, c->run.device, c->run.weakening, &device))
        return skip(outcome, "no device is named");
    attn_key_of(&c->problem, &key);
    outcome->chosen = attn_plan_key(&device, &key, &chosen, NULL);
    if (outcome->chosen >= 0) {
        outcome->splits = chosen.splits;
        outcome->kv_tile = chosen.kv_tile;
    }
    make_plans(c, &device, &key, limits, outcome, &plans);
    if (plans.n == 0)
        return skip(outcome, c->run.kernel >= 0 ? "the kernel named is not able" : "no kernel is able");
    const char *why = NULL;
    if (attn_problem_work(&c->problem) > limits->work)
        why = make_sample(&runner, &plans, &sample, outcome);
    if (sample.n_rows > 0)
        runner.sample = &sample;
    else
        keep_plans(&plans, &runner, workspace_of, limits->bytes);
    if (!why)
        why = attn_runner_fits(&runner);
    if (why)
        return skip(outcome, why);
    if (plans.n == 0)
        return skip(outcome, "a larger workspace than the limit");

    choose_how(c, limits, &plans, how);
    why = prepare(&runner, plans.workspace, &reference);
    for (int i = 0; i < plans.n && !why && outcome->status == ATTN_OUTCOME_HELD; i++)
        if ((runner.how = how[i]) != ATTN_RUN_NOT &&
            !attn_runner_try(&runner, &plans.plan[i], "", &outcome->kernel[plans.plan[i].kernel], f))
            outcome->status = ATTN_OUTCOME_FAILED;
    attn_twins_free(runner.twins);
    attn_runner_close(&runner);
    attn_reference_free(reference);
    for (int i = 0; i < plans.n && !why && outcome->status == ATTN_OUTCOME_HELD; i++) {
        const struct attn_kernel_outcome *one = &outcome->kernel[plans.plan[i].kernel];
        if (one->judgement.suspect > 0 && !check_suspect(&runner, &plans.plan[i], one, f))
            outcome->status = ATTN_OUTCOME_FAILED;
    }
    return why ? skip(outcome, why) : outcome->status;
}
