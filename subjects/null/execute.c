/* execute.c: see execute.h.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code/lines.h"
#include "code/object.h"
#include "isa/isa.h"
#include "subjects/null/error.h"
#include "subjects/null/execute.h"
#include "subjects/null/hip_abi.h"
#include "subjects/null/log.h"
#include "subjects/null/memory.h"
#include "subjects/null/record.h"

/* What was loaded of an image for a device. */
struct loaded {
    const struct null_image *image;
    char *target; /* of the code object; the bundle may have several that run there */
    struct isa_object *object;
    uint8_t *lines; /* the code object as it was, where it says which source lines its instructions are from */
    size_t lines_bytes;
    struct loaded *next;
};

static struct {
    struct isa_machine *machine;
    struct loaded *loaded;
    uint64_t memory; /* state of memory that the machine knows (null_memory_changes) */
    struct known {
        uintptr_t begin;
        uint64_t version;
    } *known; /* the allocations that it has, in the order of their addresses */
    size_t n_known;
} on[NULL_DEVICES_MAX];

bool null_executing(void) { return null_runtime.executing != NULL_HIP_NOT; }

/* ---- Machines -------------------------------------------------------------------------------------------- */

static struct isa_machine *machine_of(const char *entry, int device)
{
    struct isa_error error;
    if (!on[device].machine) {
        on[device].machine = isa_machine_open(null_runtime.device[device].arch, &error);
        if (!on[device].machine)
            null_wrong(hipErrorNotInitialized, entry, "no machine for %s: %s", null_runtime.device[device].arch,
                       error.text);
    }
    return on[device].machine;
}

static const struct known *find(int device, uintptr_t begin)
{
    size_t low = 0, high = on[device].n_known;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (on[device].known[middle].begin < begin)
            low = middle + 1;
        else
            high = middle;
    }
    const struct known *k = &on[device].known[low];
    return low < on[device].n_known && k->begin == begin ? k : NULL;
}

/* Takes away what is there no more, or with other roles. */
static void hide_memory(int device)
{
    for (size_t i = 0; i < on[device].n_known; i++) {
        const struct known *k = &on[device].known[i];
        const struct null_memory *m = null_memory_at((void *)k->begin);
        if (!m || m->begin != k->begin || m->version != k->version)
            isa_memory_remove(on[device].machine, (void *)k->begin);
    }
}

/* What the program has allocated is what its kernels may touch. Copies and fills write it as well, unseen by the
 * machine: all of it counts as written, but for what has roles. What the machine has it keeps, with what was written
 * there: a program allocates between two launches, too. */
static bool show_memory(int device)
{
    const struct null_memory *m;
    size_t n = 0;
    if (on[device].memory == null_memory_changes())
        return true;
    while (null_memory_number(n))
        n++;
    struct known *now = malloc((n ? n : 1) * sizeof *now);
    if (!now)
        return false;
    hide_memory(device);
    bool good = true;
    n = 0;
    for (size_t i = 0; good && (m = null_memory_number(i)); i++) {
        const struct known *before = find(device, m->begin);
        const struct isa_region region = { .bytes = (uint8_t *)m->begin,
                                           .size = m->bytes,
                                           .writable = true,
                                           .written = true,
                                           .role = m->role,
                                           .number = (int32_t)i };
        if (!m->bytes || m->in_code)
            continue;
        good = (before && before->version == m->version) || isa_memory_add(on[device].machine, &region);
        now[n++] = (struct known){ m->begin, m->version };
    }
    free(on[device].known);
    on[device].known = now;
    on[device].n_known = good ? n : 0;
    if (good)
        on[device].memory = null_memory_changes();
    else
        isa_memory_clear(on[device].machine);
    return good;
}

/* ---- Code ------------------------------------------------------------------------------------------------ */

struct loading {
    struct isa_machine *machine;
    const char *target;
    struct isa_object *object;
    struct isa_error error;
    uint8_t *lines;
    size_t lines_bytes;
};

static void load_object(void *context, const char *target, const void *bytes, size_t size)
{
    struct loading *l = context;
    if (l->object || strcmp(target, l->target))
        return;
    l->object = isa_object_load(l->machine, bytes, size, &l->error);
    if (l->object && attn_code_has_lines(bytes, size) && (l->lines = malloc(size))) {
        memcpy(l->lines, bytes, size);
        l->lines_bytes = size;
    }
}

/* The image goes: what was loaded of it too. */
static void forget(struct null_image *image)
{
    for (int device = 0; device < NULL_DEVICES_MAX; device++)
        for (struct loaded **at = &on[device].loaded; *at;) {
            struct loaded *l = *at;
            if (l->image != image) {
                at = &l->next;
                continue;
            }
            *at = l->next;
            isa_object_unload(on[device].machine, l->object);
            free(l->target);
            free(l->lines);
            free(l);
        }
}

static struct loaded *loaded_of(const struct null_image *image, int device, const char *target)
{
    for (struct loaded *l = on[device].loaded; l; l = l->next)
        if (l->image == image && !strcmp(l->target, target))
            return l;
    return NULL;
}

/* The image's object for that target, on the device's machine. */
static struct isa_object *object_of(const char *entry, struct null_image *image, int device, const char *target)
{
    struct loaded *l = loaded_of(image, device, target);
    if (l)
        return l->object;
    struct loading loading = { .machine = machine_of(entry, device), .target = target };
    struct attn_code_error error;
    size_t size;
    const void *bytes = null_image_bytes(image, &size);
    l = loading.machine ? calloc(1, sizeof *l) : NULL;
    if (!l)
        return NULL;
    hide_memory(device); /* what was freed since the last launch is where the code may come to lie */
    attn_code_close(attn_code_read_each(bytes, size, NULL, load_object, &loading, &error));
    l->target = strdup(target);
    if (!loading.object || !l->target) {
        null_wrong(hipErrorInvalidImage, entry, "the code for %s cannot be loaded: %s", target, loading.error.text);
        free(l->target);
        free(l);
        return NULL;
    }
    *l = (struct loaded){ image, l->target, loading.object, loading.lines, loading.lines_bytes, on[device].loaded };
    on[device].loaded = l;
    null_image_at_end(image, forget);
    return l->object;
}

void *null_execute_global(struct null_image *image, int device, const char *name, size_t bytes)
{
    uint64_t size;
    const char *target = null_image_target(image, device);
    struct isa_object *object = target ? object_of("a variable of a kernel", image, device, target) : NULL;
    void *at = object ? isa_object_global(object, name, &size) : NULL;
    return at && size >= bytes ? at : NULL;
}

/* ---- Arguments ------------------------------------------------------------------------------------------- */

/* hip_runtime_api.h: a list of names and values. */
enum { EXTRA_POINTER = 1, EXTRA_SIZE = 2, EXTRA_END = 3 };

static bool take_extra(void **extra, struct null_arguments *a)
{
    const void *bytes = NULL;
    size_t size = 0;
    for (; (uintptr_t)*extra != EXTRA_END; extra += 2)
        if ((uintptr_t)*extra == EXTRA_POINTER)
            bytes = extra[1];
        else if ((uintptr_t)*extra == EXTRA_SIZE)
            size = *(const size_t *)extra[1];
        else
            return false;
    if (!bytes)
        return size == 0;
    memcpy(a->value, bytes, size < a->bytes ? size : a->bytes);
    return true;
}

int null_arguments_new(const char *entry, struct null_kernel *kernel, int device, void **values, void **extra,
                       struct null_arguments **arguments)
{
    const char *target = null_kernel_target(kernel, device);
    struct isa_object *object = target ? object_of(entry, kernel->image, device, target) : NULL;
    struct isa_kernel *code = object ? isa_object_kernel(object, kernel->name) : NULL;
    *arguments = NULL;
    if (!code)
        return object ? null_wrong(hipErrorInvalidDeviceFunction, entry, "%s: its code has no descriptor", kernel->name)
                      : hipErrorInvalidImage;
    const uint32_t bytes = isa_kernel_arguments(code);
    struct null_arguments *a = calloc(1, sizeof *a + bytes);
    if (!a)
        return hipErrorOutOfMemory;
    *a = (struct null_arguments){ .owners = 1, .bytes = bytes, .kernel = code };
    uint32_t offset, size;
    bool good = true;
    if (values)
        for (uint32_t i = 0; isa_kernel_argument(code, i, &offset, &size); i++)
            memcpy(a->value + offset, values[i], size);
    else if (extra)
        good = take_extra(extra, a);
    else
        good = bytes == 0;
    if (!good) {
        free(a);
        return null_wrong(hipErrorInvalidValue, entry, "%s takes %u bytes of arguments, which are not given",
                          kernel->name, bytes);
    }
    *arguments = a;
    return hipSuccess;
}

void null_arguments_keep(struct null_arguments *arguments)
{
    if (arguments)
        arguments->owners++;
}

void null_arguments_drop(struct null_arguments *arguments)
{
    if (arguments && --arguments->owners == 0)
        free(arguments);
}

/* ---- Running --------------------------------------------------------------------------------------------- */

static int hip_error(const struct isa_stop *stop)
{
    switch (stop->code) {
    case ISA_STOP_UNSUPPORTED: return hipErrorNotSupported;
    case ISA_STOP_GLOBAL_BOUNDS:
    case ISA_STOP_GLOBAL_READONLY:
    case ISA_STOP_LDS_BOUNDS:
    case ISA_STOP_SCRATCH_BOUNDS:
    case ISA_STOP_ALIGNMENT: return hipErrorIllegalAddress;
    case ISA_STOP_MEMORY: return hipErrorOutOfMemory;
    default: return hipErrorLaunchFailure;
    }
}

/* "FILE:LINE" of a kernel's instruction, where its code has it. */
static void say_source(const struct null_hip_launch *launch, const struct isa_kernel *code, uint64_t at,
                       struct null_hip_stop *stop)
{
    struct attn_code_line line;
    struct null_kernel *kernel = null_map_get(&null_runtime.functions, launch->function);
    const char *target = kernel ? null_kernel_target(kernel, launch->device) : NULL;
    const struct loaded *l = target ? loaded_of(kernel->image, launch->device, target) : NULL;
    stop->source[0] = 0;
    if (l && l->lines && attn_code_line_of(l->lines, l->lines_bytes, isa_kernel_entry(code) + at, &line))
        snprintf(stop->source, sizeof stop->source, "%s:%" PRIu32, line.file, line.line);
}

static void note(const struct null_hip_launch *launch, const struct isa_kernel *code, const struct isa_stop *stop,
                 uint64_t *n, struct null_hip_stop *first)
{
    if ((*n)++ > 0)
        return;
    first->code = stop->code;
    first->launch = *launch;
    first->number = null_runtime.n_launches + null_runtime.lost;
    first->at = stop->at;
    say_source(launch, code, stop->at, first);
    snprintf(first->instruction, sizeof first->instruction, "%s", stop->instruction);
    snprintf(first->text, sizeof first->text, "%s", stop->text);
}

int null_execute(const struct null_hip_launch *launch, const struct null_arguments *arguments)
{
    /* A program that was made for GPUs may count on a barrier that does not wait for ended waves. */
    static const struct isa_options options = { .checked = true, .ended_arrive = true };
    struct isa_stop stop;
    struct isa_dispatch dispatch = { .lds_dynamic = launch->lds_dynamic,
                                     .arguments = arguments->value,
                                     .argument_bytes = arguments->bytes };
    memcpy(dispatch.grid, launch->grid, sizeof dispatch.grid);
    memcpy(dispatch.block, launch->block, sizeof dispatch.block);
    if (!show_memory(launch->device))
        return hipErrorOutOfMemory;
    struct null_hip_ran *ran = &null_runtime.ran;
    if (isa_launch(on[launch->device].machine, arguments->kernel, &dispatch, &options, &ran->counts, &stop)) {
        ran->whole++;
        return hipSuccess;
    }
    const int error = hip_error(&stop);
    const bool unknown = error == hipErrorNotSupported;
    note(launch, arguments->kernel, &stop, unknown ? &ran->unsupported : &ran->stopped,
         unknown ? &ran->unknown : &ran->first);
    if (null_runtime.executing == NULL_HIP_NOTE)
        return hipSuccess;
    if (unknown)
        null_record_refusal(stop.text);
    return null_wrong(error, launch->kernel, "on %s: %s", null_runtime.device[launch->device].name, stop.text);
}
