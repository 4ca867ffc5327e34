/* total.c: what the results of a run add up to, and the words that every report uses for one.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/input/interrupt.h"
#include "cli/run/tasks.h"
#include "cli/run/total.h"
#include "planner/arith.h"

static bool died(const struct run_result *r) { return r->end == RUN_TIMEOUT || r->end == RUN_CRASHED; }

bool run_failed(const struct run_result *r) { return died(r) || r->plan_failed || r->run_failed; }

const struct attn_finding *run_finding(const struct run_job *job, int64_t task, int which)
{
    const struct run_findings *f = &job->findings[task];
    return job->result[task].shrunk[which] ? &f->small[which] : &f->at[which];
}

bool run_ran(const struct run_result *r)
{
    return r->end != RUN_PENDING && (r->end != RUN_ENDED || r->outcome.status != ATTN_OUTCOME_SKIPPED);
}

static bool is_suspect(const struct attn_kernel_outcome *one) { return one->ran && one->judgement.suspect > 0; }

static int first_unsupported(const struct run_result *r)
{
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++)
        if (*r->outcome.kernel[k].unsupported)
            return k;
    return -1;
}

int run_doubt(const struct run_result *r, int *kernel)
{
    *kernel = -1;
    if (r->end != RUN_ENDED || run_failed(r) || !run_ran(r))
        return RUN_NO_DOUBT;
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++)
        if (is_suspect(&r->outcome.kernel[k])) {
            *kernel = k;
            return RUN_SUSPECT;
        }
    *kernel = attn_outcome_blind(&r->outcome);
    if (*kernel >= 0)
        return RUN_BLIND;
    *kernel = first_unsupported(r);
    return *kernel >= 0 ? RUN_UNSUPPORTED : RUN_NO_DOUBT;
}

const char *run_doubt_name(int doubt)
{
    static const char *const names[] = { "none", "suspect", "blind", "unsupported" };
    return names[doubt];
}

const char *run_doubt_text(const struct run_result *r, char *text, size_t cap)
{
    int kernel, doubt = run_doubt(r, &kernel);
    if (doubt == RUN_NO_DOUBT)
        return NULL;
    const struct attn_judgement *j = &r->outcome.kernel[kernel].judgement;
    if (doubt == RUN_UNSUPPORTED)
        snprintf(text, cap, "%s: %s", attn_kernel(kernel)->name, r->outcome.kernel[kernel].unsupported);
    else if (doubt == RUN_SUSPECT)
        snprintf(text, cap,
                 "suspect: %" PRId64 " of %" PRId64 " components of %s are further off than is accepted at once",
                 j->suspect, j->components, attn_kernel(kernel)->name);
    else
        snprintf(text, cap,
                 "blind: %" PRId64 " of %" PRId64
                 " rows of %s would be accepted as zeros, 5%% too large or without a witness",
                 j->blind, j->rows, attn_kernel(kernel)->name);
    return text;
}

bool run_is_sampled(const struct run_result *r) { return r->end == RUN_ENDED && run_ran(r) && r->outcome.all_rows > 0; }

double run_share(int64_t part, int64_t whole) { return whole ? (double)part / (double)whole : 0; }

static void add_compared(const struct attn_kernel_outcome *one, struct run_kernel_total *sum)
{
    sum->compared += one->compared == ATTN_COMPARED_DONE;
    sum->not_compared += one->compared == ATTN_COMPARED_TOO_LARGE;
    if (one->compared != ATTN_COMPARED_DONE)
        return;
    sum->compared_components += one->judgement.components;
    sum->equal += one->equal;
    if (one->apart > sum->apart)
        sum->apart = one->apart;
}

/* Is it the kernel that a failure of the task names? */
static bool kernel_failed(const struct run_job *job, int64_t t, int kernel)
{
    const struct run_result *r = &job->result[t];
    if (died(r))
        return r->trying == kernel;
    return (r->plan_failed && job->findings[t].at[0].kernel == kernel) ||
           (r->run_failed && job->findings[t].at[1].kernel == kernel);
}

/* Of a task that died with its worker, which may have written anything last: the kernel that it was at. */
static void add_death(const struct run_job *job, int64_t t, struct run_total *total)
{
    const struct run_result *r = &job->result[t];
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
        struct run_kernel_total *sum = &total->kernel[k];
        if (!kernel_failed(job, t, k))
            continue;
        sum->able++;
        sum->chosen += r->outcome.kernel[k].able && r->outcome.chosen == k;
        sum->ran++;
        sum->failed++;
    }
}

static void add_kernels(const struct run_job *job, int64_t t, struct run_total *total)
{
    const struct run_result *r = &job->result[t];
    const struct attn_outcome *outcome = &r->outcome;
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
        const struct attn_kernel_outcome *one = &outcome->kernel[k];
        struct run_kernel_total *sum = &total->kernel[k];
        const bool failed = kernel_failed(job, t, k);
        sum->able += one->able;
        sum->chosen += one->able && outcome->chosen == k; /* not where it was not asked for (--kernel) */
        sum->failed += failed;
        sum->missed += one->able && !one->ran && !failed && run_ran(r) && !run_is_sampled(r) && !*one->unsupported;
        sum->unsupported += *one->unsupported != 0;
        sum->ran += one->ran || (failed && r->run_failed); /* it may have ended before it had a result */
        if (!one->ran)
            continue;
        sum->components += one->judgement.components;
        sum->unjudged += one->judgement.unjudged;
        const int64_t left_out = run_is_sampled(r) ? 0 : one->judgement.left_out; /* its rows are counted apart */
        sum->left_out += left_out;
        sum->blind += one->blind;
        sum->suspect += is_suspect(one);
        add_compared(one, sum);
        if (one->judgement.worst > sum->worst) {
            sum->worst = one->judgement.worst;
            sum->worst_task = t;
        }
        total->components += one->judgement.components;
        total->unjudged += one->judgement.unjudged;
        total->left_out += left_out;
    }
}

void run_add_up(const struct run_job *job, struct run_total *total)
{
    memset(total, 0, sizeof *total);
    total->problems = job->n_problems;
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++)
        total->kernel[k].worst_task = -1;
    for (int64_t t = 0; t < job->n_tasks;) {
        bool any_failed = false, any_ran = false, any_left = false, any_blind = false, any_suspect = false;
        bool any_sampled = false, any_unsupported = false;
        int32_t problem = job->task[t].problem;
        for (; t < job->n_tasks && job->task[t].problem == problem; t++) {
            const struct run_result *r = &job->result[t];
            any_left |= r->end == RUN_PENDING;
            any_failed |= run_failed(r);
            any_ran |= run_ran(r);
            int kernel;
            any_suspect |= run_doubt(r, &kernel) == RUN_SUSPECT;
            any_blind |= run_doubt(r, &kernel) != RUN_NO_DOUBT && attn_outcome_blind(&r->outcome) >= 0;
            any_sampled |= run_is_sampled(r);
            any_unsupported |= run_doubt(r, &kernel) != RUN_NO_DOUBT && first_unsupported(r) >= 0;
            if (run_is_sampled(r)) {
                total->sampled_rows = attn_add_sat(total->sampled_rows, r->outcome.rows);
                total->sampled_of = attn_add_sat(total->sampled_of, r->outcome.all_rows);
            }
            total->plans += r->plans;
            total->needs_naive += r->needs_naive;
            total->constant_v += r->constant_v;
            if (died(r))
                add_death(job, t, total);
            else if (r->end == RUN_ENDED)
                add_kernels(job, t, total);
            if (r->device > 0 && run_ran(r))
                total->device[r->device - 1]++;
        }
        total->failed += any_failed;
        total->blind += any_blind && !any_failed;
        total->suspect += any_suspect && !any_failed;
        total->unsupported += any_unsupported && !any_failed;
        total->sampled += any_sampled;
        total->ran += any_ran;
        total->skipped += !any_ran && !any_left;
    }
}

int run_skip_reasons(const struct run_job *job, const char *reason[RUN_REASONS_MAX], int64_t n[RUN_REASONS_MAX])
{
    int reasons = 0;
    for (int64_t t = 0; t < job->n_tasks; t++) {
        const struct run_result *r = &job->result[t];
        if (run_ran(r) || r->end == RUN_PENDING)
            continue;
        const char *why = *r->skipped ? r->skipped : "no reason given";
        int i = 0;
        while (i < reasons && strcmp(reason[i], why))
            i++;
        if (i == RUN_REASONS_MAX)
            i--;
        if (i == reasons) {
            reason[reasons] = why;
            n[reasons++] = 0;
        }
        n[i]++;
    }
    return reasons;
}

const char *run_death(const struct run_job *job, const struct run_result *r, char *text, size_t cap)
{
    const struct attn_kernel *kernel = r->trying >= 0 ? attn_kernel(r->trying) : NULL;
    char at[40] = "";
    if (kernel)
        snprintf(at, sizeof at, ", while it ran %s", kernel->name);
    if (r->end == RUN_TIMEOUT)
        snprintf(text, cap, "no result within %" PRId64 " s%s", job->options->timeout_s, at);
    else if (r->end == RUN_CRASHED && r->signal)
        snprintf(text, cap, "the worker died of signal %d%s", r->signal, at);
    else if (r->end == RUN_CRASHED)
        snprintf(text, cap, "the worker ended before it had a result%s", at);
    else
        return NULL;
    return text;
}

void run_death_case(const struct run_job *job, int64_t task, struct attn_case *c)
{
    run_task_case(job, task, c);
    if (job->result[task].trying >= 0)
        c->run.kernel = job->result[task].trying;
}

struct command {
    char *text;
    size_t cap, used;
};

static void add_words(struct command *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_words(struct command *c, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (c->used < c->cap)
        c->used += (size_t)vsnprintf(c->text + c->used, c->cap - c->used, format, list);
    va_end(list);
}

/* What a line says of where and how it is run, and a session does not. */
static void add_session_words(struct command *c, const struct run_job *job, int64_t task)
{
    const struct run_options *o = job->options;
    char device[40];
    if (!o->backend.device && !o->backend.machine && o->mode != RUN_DEVICES_AUTO) {
        cli_device_name(job->task[task].row, job->task[task].weakening, device, sizeof device);
        add_words(c, " --device %s", device);
    }
    if (o->kernel >= 0)
        add_words(c, " --kernel %s", attn_kernel(o->kernel)->name);
    if (o->schedule >= 0)
        add_words(c, " --schedule %" PRId64, o->schedule);
}

/* Which line a death came of is known, not which of its runs: all are asked for again that there were. */
static void add_death_words(struct command *c, const struct run_options *o)
{
    if (o->timeout_s != RUN_TIMEOUT_S)
        add_words(c, " --timeout %" PRId64, o->timeout_s);
    if (o->limits.schedules == ATTN_RUN_ALL_SCHEDULES)
        add_words(c, " --all-schedules");
    if (o->limits.twins)
        add_words(c, " --all-twins");
    if (o->constant_v && !o->backend.device)
        add_words(c, " --constant-v");
}

const char *run_replay(const struct run_job *job, int64_t task, int which, bool on_host, char *text, size_t cap)
{
    const struct run_options *o = job->options;
    const bool session = run_task_is_session(job, task), dead = died(&job->result[task]);
    const bool elsewhere = !on_host && (o->backend.device || o->backend.machine);
    struct command c = { .text = text, .cap = cap };
    add_words(&c, "attnfuzz run");
    if (!which && !session && !dead)
        return text; /* plans are the same everywhere */
    if (elsewhere && o->backend.machine)
        add_words(&c, " --backend %s:%s", o->backend.name, attn_device(job->task[task].row)->name);
    else if (elsewhere)
        add_words(&c, " --backend %s", o->backend.name);
    if (elsewhere && o->perturb)
        add_words(&c, " --perturb %" PRId64, o->perturb);
    if (elsewhere && o->limits.beside_work != ATTN_RUN_WORK_LIMIT)
        add_words(&c, " --host-work %" PRId64, o->limits.beside_work);
    if (o->work_said)
        add_words(&c, " --max-work %" PRId64, o->limits.work);
    if (session)
        add_session_words(&c, job, task);
    if (dead)
        add_death_words(&c, o);
    return text;
}

void run_left_text(const struct run_job *job, char *text, size_t cap)
{
    if (job->stopped)
        snprintf(text, cap, "interrupted by %s", cli_interrupt_name(job->stopped));
    else if (job->over)
        snprintf(text, cap, "not drawn for these %" PRId64 " s", job->options->seconds);
    else
        snprintf(text, cap, "%s", *job->gone ? job->gone : "no device");
}

const char *run_host_text(int host)
{
    switch (host) {
    case RUN_HOST_SAME: return "the line fails on the host executor too";
    case RUN_HOST_OTHERWISE: return "the line fails on the host executor too, in another way";
    case RUN_HOST_HOLDS: return "the line holds on the host executor";
    case RUN_HOST_TOO_LARGE: return "the line is too large for the host executor";
    default: return NULL;
    }
}
