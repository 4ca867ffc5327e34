/* backend.c: the backends amd:TARGET of attn_backend.h: plans for one device, run by the kernels' machine code on the
 * machine that executes it.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/args.h"
#include "isa/count.h"
#include "kernels/machine/machine.h"
#include "kernels/spread.h"
#include "planner/random.h"

enum { TARGETS_MAX = 32 };

struct target {
    const char *name; /* of its row */
    struct isa_machine *machine;
    struct machine_objects *objects;
};

struct machine_backend {
    struct attn_backend base;         /* first: callers see this */
    const struct attn_device *device; /* NULL: plans of any */
    struct target target[TARGETS_MAX];
    int n_targets;
    struct isa_options options;
    struct isa_counts *counts;
    struct attn_memory *live;
};

static struct machine_backend *machine_of(struct attn_backend *backend) { return (struct machine_backend *)backend; }

static bool machine_describe(struct attn_backend *backend, struct attn_device *device)
{
    const struct attn_device *own = machine_of(backend)->device;
    if (own)
        *device = *own;
    return own != NULL;
}

/* ---- Memory ---------------------------------------------------------------------------------------------- */

static struct attn_memory *machine_alloc(struct attn_backend *backend, const struct attn_problem *problem,
                                         const struct attn_image *image, int64_t workspace_bytes,
                                         struct attn_failure *failure)
{
    struct machine_backend *my = machine_of(backend);
    struct attn_memory *memory = machine_memory_new(problem, image, workspace_bytes);
    if (!memory) {
        machine_refuse(failure, ATTN_F_RUNTIME, ATTN_STEP_MAIN,
                       "runtime: no memory for the problem's buffers and workspace");
        return NULL;
    }
    memory->next = my->live;
    my->live = memory;
    return memory;
}

static bool machine_upload(struct attn_backend *backend, struct attn_memory *memory, const struct attn_image *image,
                           struct attn_failure *failure)
{
    (void)backend, (void)failure;
    machine_memory_upload(memory, image);
    return true;
}

static bool machine_download(struct attn_backend *backend, struct attn_memory *memory, struct attn_image *image,
                             struct attn_failure *failure)
{
    (void)backend, (void)failure;
    machine_memory_download(memory, image);
    return true;
}

static void machine_free(struct attn_backend *backend, struct attn_memory *memory)
{
    struct machine_backend *my = machine_of(backend);
    if (!memory)
        return;
    struct attn_memory **link = &my->live;
    while (*link != memory)
        link = &(*link)->next;
    *link = memory->next;
    machine_memory_free(memory);
}

/* ---- Targets --------------------------------------------------------------------------------------------- */

static void close_target(struct target *target)
{
    machine_objects_close(target->objects);
    isa_machine_close(target->machine);
}

/* The machine for a device, opened when there is none yet. NULL, with why. */
static struct target *target_of(struct machine_backend *my, const char *device, char *error, size_t cap)
{
    struct isa_error wrong;
    for (int i = 0; i < my->n_targets; i++)
        if (!strcmp(my->target[i].name, device))
            return &my->target[i];
    const struct attn_device *row = attn_device_find(device);
    struct target target = { .name = row ? row->name : NULL };
    if (!row || my->n_targets == TARGETS_MAX) {
        snprintf(error, cap, "%s is not in the device table", device);
        return NULL;
    }
    target.machine = isa_machine_open(target.name, &wrong);
    if (!target.machine)
        snprintf(error, cap, "the machine for %s: %s", target.name, wrong.text);
    else
        target.objects = machine_objects_open(target.machine, target.name, error, cap);
    if (target.objects) {
        my->target[my->n_targets] = target;
        return &my->target[my->n_targets++];
    }
    close_target(&target);
    return NULL;
}

/* ---- Running --------------------------------------------------------------------------------------------- */

/* The instance is what the plan thinks it is. */
static bool instance_fits(const struct isa_kernel *kernel, const struct attn_plan *plan, int step,
                          struct attn_failure *failure)
{
    const struct attn_launch *l = &plan->launch[step];
    if (!kernel)
        return machine_refuse(failure, ATTN_F_NO_INSTANCE, step,
                              "no_instance: the code objects have none of %s for this plan's %s launch",
                              attn_kernel(plan->kernel)->name, attn_step_name(step));
    if (isa_kernel_lds(kernel) != l->lds_static_bytes)
        return machine_refuse(failure, ATTN_F_LDS_SIZE, step,
                              "lds_size: the kernel declares %u bytes of static LDS, the plan says %u",
                              isa_kernel_lds(kernel), l->lds_static_bytes);
    if (isa_kernel_wave_size(kernel) != plan->device.wave_size)
        return machine_refuse(failure, ATTN_F_WAVE_SIZE, step,
                              "wave_size: the kernel was built for waves of %d lanes, the plan is for %d",
                              isa_kernel_wave_size(kernel), plan->device.wave_size);
    return true;
}

/* Wave instructions after which a launch counts as endless, where the options name none: many times what kernels take,
 * whose work grows with multiply-adds, or where there are few of them with waves. */
static uint64_t budget_of(const struct attn_memory *memory, const struct attn_plan *plan, const struct attn_launch *l)
{
    const uint64_t lanes = (uint64_t)plan->device.wave_size, work = (uint64_t)attn_problem_work(&memory->problem);
    uint64_t waves = 1, items = 1;
    for (int i = 0; i < 3; i++) {
        waves *= (uint64_t)l->grid[i];
        items *= (uint64_t)l->block[i];
    }
    waves *= (items + lanes - 1) / lanes;
    return (UINT64_C(1) << 22) + 64 * work + (waves << 16);
}

static bool launch(struct machine_backend *my, struct target *target, struct attn_memory *memory,
                   const struct attn_plan *plan, int step, const struct isa_options *asked,
                   struct attn_failure *failure)
{
    const struct attn_launch *l = &plan->launch[step];
    struct isa_options options = *asked;
    struct isa_kernel *kernel = machine_objects_kernel(target->objects, plan, step);
    void *base[ATTN_OPERAND_COUNT];
    struct attn_args args;
    struct isa_stop stop;
    if (!instance_fits(kernel, plan, step, failure))
        return false;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        base[o] = machine_memory_at(memory, o);
    attn_args_build(&memory->problem, plan, step, base, memory->arena + memory->workspace_start, &args);
    struct isa_dispatch dispatch = { .lds_dynamic = l->lds_dynamic_bytes,
                                     .arguments = &args,
                                     .argument_bytes = sizeof args };
    memcpy(dispatch.grid, l->grid, sizeof dispatch.grid);
    memcpy(dispatch.block, l->block, sizeof dispatch.block);
    if (options.budget == 0)
        options.budget = budget_of(memory, plan, l);
    if (isa_launch(target->machine, kernel, &dispatch, &options, my->counts ? &my->counts[step] : NULL, &stop))
        return true;
    machine_failure(&stop, memory, plan, step, failure);
    return false;
}

/* The first run of a problem goes by the seed that was asked for; a second one by another kind of order: what two
 * runs give must be the same bits. */
static uint64_t schedule_of(const struct machine_backend *my, int run)
{
    uint64_t seed = my->options.schedule;
    return run == 0
               ? seed
               : attn_schedule_of(run % ATTN_SCHEDULE_KINDS == 0 ? ATTN_SCHEDULE_RANDOM : run % ATTN_SCHEDULE_KINDS,
                                  attn_mix(seed + (uint64_t)run));
}

static bool machine_run(struct attn_backend *backend, struct attn_memory *memory, const struct attn_problem *problem,
                        const struct attn_plan *plan, struct attn_failure *failure)
{
    struct machine_backend *my = machine_of(backend);
    memset(failure, 0, sizeof *failure);
    failure->operand = -1;
    (void)problem;
    const char *wrong = attn_plan_check(plan);
    if (!wrong && plan->workspace_bytes > memory->workspace_bytes)
        wrong = "its workspace is larger than what was allocated";
    if (wrong)
        return machine_refuse(failure, ATTN_F_RUNTIME, ATTN_STEP_MAIN, "runtime: the plan cannot be run: %s", wrong);
    char error[256];
    struct target *target = target_of(my, plan->device.name, error, sizeof error);
    if (!target)
        return machine_refuse(failure, ATTN_F_UNSUPPORTED, ATTN_STEP_MAIN, "unsupported: %s", error);
    struct attn_plan apart = *plan;
    attn_plan_spread(&apart, MACHINE_GUARD);
    if (!machine_memory_begin(target->machine, memory, &apart))
        return machine_refuse(failure, ATTN_F_RUNTIME, ATTN_STEP_MAIN, "runtime: no memory for the launches' checks");
    struct isa_options options = my->options;
    options.schedule = schedule_of(my, memory->runs++);
    bool ran = true;
    for (int step = 0; step < ATTN_STEP_COUNT && ran; step++)
        if (plan->steps & 1u << step)
            ran = launch(my, target, memory, &apart, step, &options, failure);
    ran = ran && (!options.checked || machine_memory_dst_whole(target->machine, memory, failure));
    machine_memory_end(target->machine, memory, &apart);
    return ran;
}

/* ---- Opening --------------------------------------------------------------------------------------------- */

static void machine_close(struct attn_backend *backend)
{
    struct machine_backend *my = machine_of(backend);
    if (!my)
        return;
    while (my->live)
        machine_free(backend, my->live);
    for (int i = 0; i < my->n_targets; i++)
        close_target(&my->target[i]);
    free(my);
}

static const struct attn_backend_ops machine_ops = { "amd",         machine_describe,
                                                     machine_alloc, machine_upload,
                                                     machine_run,   machine_download,
                                                     machine_free,  machine_close,
                                                     false,         true };

struct attn_backend *attn_machine_open(const char *target, char *error, size_t cap)
{
    int16_t any;
    struct machine_backend *my = calloc(1, sizeof *my);
    if (!my) {
        snprintf(error, cap, "out of memory");
        return NULL;
    }
    my->base.ops = &machine_ops;
    my->options.checked = true;
    if (target) {
        struct target *own = target_of(my, target, error, cap);
        my->device = own ? attn_device_find(own->name) : NULL;
    }
    if (target ? my->device != NULL : attn_machine_targets(&any, 1, error, cap) >= 0)
        return &my->base;
    free(my);
    return NULL;
}

bool attn_machine_is(const struct attn_backend *backend) { return backend->ops == &machine_ops; }

void attn_machine_options(struct attn_backend *backend, const struct isa_options *options)
{
    machine_of(backend)->options = *options;
}

void attn_machine_count(struct attn_backend *backend, struct isa_counts *counts)
{
    machine_of(backend)->counts = counts;
}
