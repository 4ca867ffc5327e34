/* worker.c: a child process of attnfuzz run: opens its device and runs tasks until there are none.
 *
 * Everything that may crash, hang or lose a device happens here. What the parent must know if this process ends without
 * another word stands in shared memory before it can happen: the task, the kernel, the stage.
 *
 * SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/input/clock.h"
#include "cli/run/shrink.h"
#include "cli/run/tasks.h"
#include "cli/run/worker.h"
#include "fuzz/session/session.h"
#include "isa/isa.h"
#include "kernels/machine/attn_machine.h"
#include "planner/arith.h"
#include "planner/random.h"

struct tools {
    const struct run_job *job;
    struct run_board *board;
    struct run_worker *self;
    struct attn_fleet fleet;
    struct attn_sweep sweep;
    struct attn_backend *backend;
    struct attn_backend *host; /* beside a device, NULL: the backend is the host's */
    struct attn_run_limits limits;
    int16_t row; /* of the backend's own device, -1: it has none */
};

/* ---- Opening --------------------------------------------------------------------------------------------- */

static void trying(void *context, int kernel)
{
    struct tools *tools = context;
    atomic_store(&tools->self->kernel, kernel);
}

static struct tools *open_tools(const struct run_job *job, struct run_board *board, int w)
{
    static const struct attn_host_options host = { .schedule = 0, .checked = true, .budget = 0 };
    const struct cli_backend *backend = &job->options->backend;
    struct run_worker *self = &board->worker[w];
    struct tools *tools = calloc(1, sizeof *tools);
    struct attn_device device;
    if (!tools)
        _exit(RUN_EXIT_MEMORY);
    tools->job = job;
    tools->board = board;
    tools->self = self;
    attn_fleet_init(&tools->fleet);
    tools->limits = job->options->limits;
    tools->limits.trying = trying;
    tools->limits.context = tools;
    tools->row = -1;
    tools->backend = cli_backend_open(backend, w % backend->n, self->error, sizeof self->error);
    if (!tools->backend)
        _exit(RUN_EXIT_NO_DEVICE);
    if (!backend->device && !backend->machine)
        return tools;
    if (backend->machine) {
        const struct isa_options options = { .checked = true, .perturb = (uint64_t)job->options->perturb };
        attn_machine_options(tools->backend, &options);
    }
    if (tools->backend->ops->describe(tools->backend, &device))
        tools->row = (int16_t)cli_device_row(device.name);
    if (!(tools->host = attn_host_open(&host)))
        _exit(RUN_EXIT_MEMORY);
    if (job->options->beside)
        tools->limits.beside = tools->host;
    return tools;
}

/* ---- One task -------------------------------------------------------------------------------------------- */

/* Is naive alone able on some device of the table? */
static bool needs_naive(const struct attn_sweep *sweep)
{
    for (int m = sweep->first; m < sweep->last; m++)
        if (sweep->fleet->weakening[m] < 0 && sweep->able[m] == 1u << ATTN_KERNEL_naive)
            return true;
    return false;
}

static void check_plans(struct tools *tools, const struct attn_case *c, struct run_result *result,
                        struct attn_finding *out)
{
    struct attn_finding finding;
    if (!attn_check_plan(&tools->fleet, c, true, &tools->sweep, &finding)) {
        result->plan_failed = true;
        *out = finding;
    } else {
        result->needs_naive = needs_naive(&tools->sweep);
    }
    result->plans = tools->sweep.plans;
}

/* Does the case that a device failed on fail on the host executor too? */
static int host_verdict(struct tools *tools, const struct attn_finding *finding)
{
    struct attn_run_limits limits = tools->job->options->limits;
    struct attn_outcome outcome;
    struct attn_finding there;
    limits.work = limits.beside_work;
    limits.bytes = ATTN_RUN_BYTES_LIMIT;
    switch (attn_check_run(tools->host, &finding->at, &limits, &outcome, &there)) {
    case ATTN_OUTCOME_HELD: return RUN_HOST_HOLDS;
    case ATTN_OUTCOME_SKIPPED: return RUN_HOST_TOO_LARGE;
    default:
        return there.property == finding->property && there.kernel == finding->kernel ? RUN_HOST_SAME
                                                                                      : RUN_HOST_OTHERWISE;
    }
}

/* Of the lines that do not ask for more, one in eight is run under a second schedule, and one in eight against a twin:
 * together a sixth of what the rest of a line costs. */
static struct attn_run_limits limits_of(const struct tools *tools, int64_t t, const struct attn_case *c)
{
    enum { SHARE = 8, SAMPLE_PART = 8, SAMPLE_WHOLE = 64, GENERATED_PART = 8 };
    const struct run_job *job = tools->job;
    struct attn_run_limits limits = tools->limits;
    const uint64_t hash = attn_mix(attn_case_hash(c)), drawn = hash % SHARE;
    if (job->options->backend.device || job->options->backend.machine)
        return limits;
    /* What is generated costs no more than it may, however large it is. */
    if (job->problem[job->task[t].problem].source == RUN_GENERATED &&
        attn_problem_work(&c->problem) > job->options->generate_work) {
        limits.work = attn_min(limits.work, job->options->generate_work);
        limits.sample_work = job->options->generate_work / GENERATED_PART;
        return limits;
    }
    /* Lines that are sampled cost as much as others in the mean; wide tiles of long contexts come one in so many. */
    if (c->run.kernel < 0 && limits.work < INT64_MAX / 2)
        limits.sample_work = hash / SHARE % SAMPLE_WHOLE == 0 ? 2 * limits.work + 1 : limits.work / SAMPLE_PART + 1;
    if (limits.schedules == 0 && c->run.again == 0 && drawn == 0)
        limits.schedules = 1;
    if (limits.twins == 0 && drawn == 1)
        limits.twins = attn_run_one_twin(c);
    return limits;
}

/* The run properties, of the case and of the same with a constant V: weights sum to one, so the constant comes back
 * within a bound that has no room for wrong weights (reference/bound.c: the spread of V is zero). */
static bool check_runs(struct tools *tools, int64_t t, struct attn_case *c, struct run_result *result,
                       struct attn_finding *finding)
{
    struct attn_outcome constant;
    struct attn_run_limits limits = limits_of(tools, t, c);
    int status = attn_check_run(tools->backend, c, &limits, &result->outcome, finding);
    if (result->outcome.skipped)
        snprintf(result->skipped, sizeof result->skipped, "%s", result->outcome.skipped);
    result->outcome.skipped = NULL; /* a pointer of this process */
    if (status != ATTN_OUTCOME_HELD)
        return status == ATTN_OUTCOME_SKIPPED;
    if (!tools->job->options->constant_v || c->run.data == ATTN_DATA_CONSTANT_V)
        return true;
    limits.beside = NULL;
    limits.schedules = 0;
    limits.twins = 0;
    c->run.data = ATTN_DATA_CONSTANT_V;
    result->constant_v = true;
    return attn_check_run(tools->backend, c, &limits, &constant, finding) != ATTN_OUTCOME_FAILED;
}

static void add_outcome(const struct attn_session_outcome *o, struct run_result *result)
{
    result->plans = o->plans;
    result->outcome = o->kernels;
    if (o->ran == 0)
        snprintf(result->skipped, sizeof result->skipped, "%s", o->skipped_for ? o->skipped_for : "no step");
    result->outcome.status = o->ran ? ATTN_OUTCOME_HELD : ATTN_OUTCOME_SKIPPED;
}

/* Plays a session, and once more with its slots' turns in another order. */
static void run_session(struct tools *tools, int64_t t)
{
    const struct run_job *job = tools->job;
    const struct run_task *task = &job->task[t];
    struct run_result *result = &job->result[t];
    const char *script = job->session[job->problem[task->problem].session];
    struct attn_session *s = malloc(sizeof *s);
    struct attn_session_finding finding;
    struct attn_session_outcome outcome;
    struct attn_session_error error;
    struct attn_session_options options = {
        .fleet = &tools->fleet, .backend = tools->backend, .kernel = job->options->kernel, .limits = tools->limits
    };
    size_t used;
    attn_session_limit_work(&options);
    if (!s || !attn_session_parse(script, strlen(script), s, &used, &error)) {
        snprintf(result->skipped, sizeof result->skipped, "out of memory");
        free(s);
        return;
    }
    if (task->row >= 0) {
        s->device = task->row;
        s->weakening = task->weakening;
    }
    if (job->options->schedule >= 0 && s->schedule == 0)
        s->schedule = (uint64_t)job->options->schedule;
    bool held = attn_session_play(s, &options, &outcome, &finding);
    add_outcome(&outcome, result);
    if (!held) {
        job->findings[t].at[0] = finding.finding;
        result->plan_failed = true;
    }
    free(s);
}

static void run_task(struct tools *tools, int64_t t)
{
    const struct run_job *job = tools->job;
    const struct run_task *task = &job->task[t];
    struct run_result *result = &job->result[t];
    struct attn_finding finding;
    struct attn_case c;
    result->device = (int16_t)(1 + (task->row < 0 ? tools->row : task->row));
    if (run_task_is_session(job, t)) {
        run_session(tools, t);
        return;
    }
    run_task_case(job, t, &c);
    if (task->plan)
        check_plans(tools, &c, result, &job->findings[t].at[0]);
    if (check_runs(tools, t, &c, result, &finding))
        return;
    job->findings[t].at[1] = finding;
    result->run_failed = true;
    if (!tools->host || finding.failure == ATTN_F_DEVICE_LOST)
        return;
    /* From here on the finding stands even if this process does not end the task. */
    atomic_store(&tools->self->stage, RUN_AFTERWARDS);
    result->host = (int16_t)host_verdict(tools, &finding);
}

/* The findings of a task are made smaller; a smaller one counts once it is whole. False when the device was lost over
 * it. */
static bool shrink_task(struct tools *tools, int64_t t)
{
    const struct run_job *job = tools->job;
    struct run_shrink how = { .fleet = &tools->fleet,
                              .backend = tools->backend,
                              .limits = tools->limits,
                              .row = tools->row,
                              .timeout_s = job->options->timeout_s };
    struct run_result *result = &job->result[t];
    result->tried = true;
    bool good = run_shrink(&how, result, &job->findings[t]);
    if (result->shrunk[1] && tools->host)
        result->host = (int16_t)host_verdict(tools, &job->findings[t].small[1]);
    return good;
}

/* Of a session a run finding stands in place of the plan's. */
static bool lost_device(const struct run_result *result, const struct run_findings *findings)
{
    return (result->plan_failed && findings->at[0].failure == ATTN_F_DEVICE_LOST) ||
           (result->run_failed && findings->at[1].failure == ATTN_F_DEVICE_LOST);
}

/* ---- The child's life ------------------------------------------------------------------------------------ */

_Noreturn void run_worker(const struct run_job *job, struct run_board *board, const int64_t *order, int64_t n_order,
                          int w, int done)
{
    struct run_worker *self = &board->worker[w];
    bool lost = false;
    struct tools *tools = open_tools(job, board, w);
    atomic_store(&self->stage, RUN_WAITING);
    while (!lost) {
        int64_t next = atomic_fetch_add(&board->next, 1);
        if (next >= n_order)
            break;
        int64_t t = order[next], began = cli_now_ns();
        assert(t >= 0 && t < job->n_tasks);
        atomic_store(&self->kernel, -1);
        atomic_store(&self->began_ns, began);
        struct run_result *result = &job->result[t];
        atomic_store(&self->stage, board->shrinking ? RUN_AFTERWARDS : RUN_TRYING);
        atomic_store(&self->task, t);
        if (board->shrinking) {
            lost = !shrink_task(tools, t);
        } else {
            run_task(tools, t);
            result->ns = cli_now_ns() - began;
            lost = lost_device(result, &job->findings[t]);
        }
        int32_t pending = RUN_PENDING;
        if (!atomic_compare_exchange_strong(&result->end, &pending, RUN_ENDED))
            for (;;)
                pause(); /* the parent has found it late and is about to kill this process */
        atomic_fetch_add(&self->ended, 1);
        atomic_store(&self->task, -1);
        atomic_store(&self->stage, RUN_WAITING);
        struct run_message message = { .task = t, .worker = w };
        if (write(done, &message, sizeof message) < 0)
            break; /* nobody is listening any more */
        while (sem_wait(&self->recorded) && errno == EINTR)
            continue;
    }
    if (lost)
        _exit(RUN_EXIT_LOST); /* what is left of the device is not touched again */
    if (tools->host)
        tools->host->ops->close(tools->host);
    tools->backend->ops->close(tools->backend);
    free(tools);
    fflush(stderr);
    _exit(RUN_EXIT_DONE);
}
