/* host.cc: the backend `host` of attn_backend.h: plans of any device, run by the SIMT executor.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/entries.h"
#include "kernels/host/executor.h"
#include "kernels/spread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct host_backend {
    struct attn_backend base;
    struct simt_executor *executor;
    struct attn_memory *live;
    const struct attn_sample *sample; /* rows that are run; NULL: all */
    struct attn_memory *spare;        /* freed; their address space, where they have one, serves the next problem */
};

static struct host_backend *host_of(struct attn_backend *backend)
{
    return reinterpret_cast<struct host_backend *>(backend);
}

static void runtime_failure(struct attn_failure *failure, const char *text)
{
    memset(failure, 0, sizeof *failure);
    failure->code = ATTN_F_RUNTIME;
    failure->operand = -1;
    snprintf(failure->text, sizeof failure->text, "%s", text);
}

static bool host_describe(struct attn_backend *, struct attn_device *) { return false; }

static struct attn_memory *host_alloc(struct attn_backend *backend, const struct attn_problem *problem,
                                      const struct attn_image *image, int64_t workspace_bytes,
                                      struct attn_failure *failure)
{
    struct host_backend *host = host_of(backend);
    const bool passing = simt_memory_passing(image, workspace_bytes);
    struct attn_memory **spare = &host->spare;
    while (*spare && !(*spare)->region.bytes != passing)
        spare = &(*spare)->next;
    struct attn_memory *memory = *spare;
    if (memory)
        *spare = memory->next;
    else
        memory = static_cast<struct attn_memory *>(calloc(1, sizeof *memory));
    if (memory)
        memory->passing = passing;
    if (!memory || !simt_memory_create(memory, problem, image, workspace_bytes)) {
        if (memory) {
            memory->next = host->spare;
            host->spare = memory;
        }
        runtime_failure(failure, "runtime: no memory for the problem's buffers and workspace");
        return nullptr;
    }
    memory->next = host->live;
    host->live = memory;
    return memory;
}

static bool host_upload(struct attn_backend *, struct attn_memory *memory, const struct attn_image *image,
                        struct attn_failure *)
{
    simt_memory_upload(memory, image);
    return simt_memory_begin(memory, nullptr, nullptr);
}

static bool dst_whole(const struct attn_memory *memory, const struct attn_sample *sample, struct attn_failure *failure)
{
    size_t at;
    if (sample ? simt_memory_rows_written(memory, sample, &at) : simt_memory_dst_written(memory, &at))
        return true;
    char place[128];
    memset(failure, 0, sizeof *failure);
    failure->code = ATTN_F_DST_UNWRITTEN;
    failure->step = ATTN_STEP_MAIN;
    failure->bytes = sizeof(float);
    simt_memory_describe(memory, at, failure, place, sizeof place);
    snprintf(failure->text, sizeof failure->text, "%s: %s was not written", attn_failure_name(failure->code), place);
    return false;
}

/* What of a plan is run, where not all is: items of each step, and what they write of each region. */
struct sampled {
    struct simt_items items[ATTN_STEP_COUNT], written[ATTN_REGION_COUNT];
};

static void args_of(const struct attn_memory *memory, const struct attn_problem *problem, const struct attn_plan *plan,
                    int step, struct attn_args *args)
{
    void *base[ATTN_OPERAND_COUNT];
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        base[o] = simt_memory_at(memory, o);
    attn_args_build(problem, plan, step, base, memory->region.bytes + memory->workspace_start, args);
}

/* False when memory runs out. */
static bool find_items(const struct attn_memory *memory, const struct attn_problem *problem,
                       const struct attn_plan *plan, const struct attn_sample *sample, struct sampled *s)
{
    bool found = true;
    for (int step = 0; step < ATTN_STEP_COUNT && found; step++) {
        struct attn_args args;
        if (!(plan->steps & 1u << step))
            continue;
        args_of(memory, problem, plan, step, &args);
        simt_items_of(&args, plan, step, problem, sample, &s->items[step]);
        simt_items_write(&args, plan, step, problem, sample, &s->items[step], s->written);
        found = !s->items[step].failed;
        for (int r = 0; r < ATTN_REGION_COUNT; r++)
            found = found && !s->written[r].failed;
    }
    return found;
}

static void free_items(struct sampled *s)
{
    for (int step = 0; step < ATTN_STEP_COUNT; step++)
        simt_items_free(&s->items[step]);
    for (int r = 0; r < ATTN_REGION_COUNT; r++)
        simt_items_free(&s->written[r]);
}

/* One launch of a plan, in these items; NULL: whole. */
static bool run_step(struct host_backend *host, struct attn_memory *memory, const struct attn_problem *problem,
                     const struct attn_plan *plan, int step, const struct simt_items *items,
                     struct attn_failure *failure)
{
    struct simt_executor *ex = host->executor;
    struct attn_args args;
    args_of(memory, problem, plan, step, &args);
    struct simt_launch launch;
    launch.entry = ex->options.checked ? attn_entry_find_checked(plan, step) : attn_entry_find_plain(plan, step);
    launch.args = &args;
    launch.shape = plan->launch[step];
    launch.device = &plan->device;
    launch.step = step;
    launch.items = items;
    return simt_executor_launch(ex, memory, &launch, failure);
}

static bool run_steps(struct host_backend *host, struct attn_memory *memory, const struct attn_problem *problem,
                      const struct attn_plan *plan, struct attn_failure *failure)
{
    const struct attn_sample *sample = host->sample;
    struct sampled s = {};
    bool ran = (!sample || find_items(memory, problem, plan, sample, &s)) &&
               simt_memory_begin(memory, plan, sample ? s.written : nullptr);
    if (!ran)
        runtime_failure(failure, "runtime: no memory for what is run");
    for (int step = 0; step < ATTN_STEP_COUNT && ran; step++)
        if (plan->steps & 1u << step)
            ran = run_step(host, memory, problem, plan, step, sample ? &s.items[step] : nullptr, failure);
    free_items(&s);
    return ran && (!host->executor->options.checked || dst_whole(memory, sample, failure));
}

static bool host_run(struct attn_backend *backend, struct attn_memory *memory, const struct attn_problem *problem,
                     const struct attn_plan *plan, struct attn_failure *failure)
{
    memset(failure, 0, sizeof *failure);
    failure->operand = -1;
    const char *wrong = attn_plan_check(plan);
    if (wrong || plan->workspace_bytes > memory->workspace_bytes) {
        runtime_failure(failure, "");
        snprintf(failure->text, sizeof failure->text, "runtime: the plan cannot be run: %s",
                 wrong ? wrong : "its workspace is larger than what was allocated");
        return false;
    }
    struct attn_plan apart = *plan; /* what is written past a region's end is no other one's */
    attn_plan_spread(&apart, memory->workspace_guard);
    return run_steps(host_of(backend), memory, problem, &apart, failure);
}

bool attn_host_launch(struct attn_backend *backend, struct attn_memory *memory, const struct simt_launch *launch,
                      struct attn_failure *failure)
{
    return simt_executor_launch(host_of(backend)->executor, memory, launch, failure);
}

void attn_host_begin(struct attn_memory *memory, const struct attn_plan *plan)
{
    simt_memory_begin(memory, plan, nullptr);
}

bool attn_host_dst_whole(const struct attn_memory *memory, struct attn_failure *failure)
{
    return dst_whole(memory, nullptr, failure);
}

void attn_host_budget(struct attn_backend *backend, uint64_t budget)
{
    host_of(backend)->executor->options.budget = budget;
}

void attn_host_sample(struct attn_backend *backend, const struct attn_sample *sample)
{
    host_of(backend)->sample = sample;
}

void *attn_host_at(const struct attn_memory *memory, int operand) { return simt_memory_at(memory, operand); }

void *attn_host_workspace(const struct attn_memory *memory) { return memory->region.bytes + memory->workspace_start; }

void attn_host_clock_limit(struct attn_backend *backend, uint32_t limit)
{
    host_of(backend)->executor->clock_limit = limit;
}

static bool host_download(struct attn_backend *, struct attn_memory *memory, struct attn_image *image,
                          struct attn_failure *)
{
    simt_memory_download(memory, image);
    return true;
}

static void host_free(struct attn_backend *backend, struct attn_memory *memory)
{
    if (!memory)
        return;
    struct host_backend *host = host_of(backend);
    struct attn_memory **link = &host->live;
    while (*link != memory)
        link = &(*link)->next;
    *link = memory->next;
    if (memory->passing)
        simt_memory_unmap(memory);
    memory->next = host->spare;
    host->spare = memory;
}

static void free_list(struct attn_memory *memory)
{
    while (memory) {
        struct attn_memory *next = memory->next;
        simt_memory_unmap(memory);
        free(memory);
        memory = next;
    }
}

static void host_close(struct attn_backend *backend)
{
    if (!backend)
        return;
    struct host_backend *host = host_of(backend);
    free_list(host->live);
    free_list(host->spare);
    simt_executor_destroy(host->executor);
    free(host);
}

static const struct attn_backend_ops host_ops = { "host",        host_describe, host_alloc, host_upload, host_run,
                                                  host_download, host_free,     host_close, true,        true };

struct attn_backend *attn_host_open(const struct attn_host_options *options)
{
    static const struct attn_host_options usual = { 0, true, 0 };
    struct host_backend *host = static_cast<struct host_backend *>(calloc(1, sizeof *host));
    if (!host)
        return nullptr;
    host->base.ops = &host_ops;
    host->executor = simt_executor_create(options ? options : &usual);
    if (!host->executor) {
        free(host);
        return nullptr;
    }
    return &host->base;
}

void attn_host_schedule(struct attn_backend *backend, uint64_t schedule)
{
    host_of(backend)->executor->options.schedule = schedule;
}

void attn_host_checked(struct attn_backend *backend, bool checked)
{
    host_of(backend)->executor->options.checked = checked;
}

void attn_host_fault(void)
{
    const struct simt_hot *hot = &simt_hot;
    if (hot->executor && hot->fiber && !hot->executor->options.checked)
        simt_fail(ATTN_F_GLOBAL_BOUNDS, 0, 0, 0, "touches an address that there is not");
}
