/* objects.c: the kernels' code objects: attn_amd.so, found and read; each target's objects are loaded into a machine.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/beside.h"
#include "kernels/machine/machine.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code/object.h"

static const char name[] = "attn_amd.so";

enum { OBJECTS_MAX = 64, CACHED = 256 };

struct machine_objects {
    const struct attn_amd_plugin *plugin;
    struct isa_machine *machine;
    const char *target;
    struct isa_object *object[OBJECTS_MAX];
    int n;
    bool failed; /* error says why */
    struct isa_error error;
    /* Kernels that were asked for, by the name's address, which lives as long as the library. */
    struct {
        const char *name;
        struct isa_kernel *kernel;
    } cache[CACHED];
};

/* Where the library is: what the environment says, else beside the running program. */
static bool place(char *path, size_t cap)
{
    const char *said = getenv("ATTN_AMD");
    if (said)
        return (size_t)snprintf(path, cap, "%s", said) < cap;
    return attn_beside(name, path, cap);
}

static const struct attn_amd_plugin *load(char *path, size_t path_cap, char *error, size_t cap)
{
    if (!place(path, path_cap) || access(path, R_OK)) {
        snprintf(error, cap,
                 "no code objects for AMD GPUs (%s is neither beside the program nor where ATTN_AMD says; "
                 "./dev amd builds it)",
                 name);
        return NULL;
    }
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* never closed: kernels' names lie in it */
    if (!library) {
        snprintf(error, cap, "the code objects cannot be loaded: %s", dlerror());
        return NULL;
    }
    attn_amd_plugin_function function;
    void *symbol = dlsym(library, "attn_amd_plugin");
    memcpy(&function, &symbol, sizeof function); /* ISO C has no conversion between the two kinds of pointers */
    const struct attn_amd_plugin *plugin = symbol ? function() : NULL;
    if (!plugin || strcmp(plugin->abi, ATTN_HIP_ABI)) {
        snprintf(error, cap, "%s is of another build", path);
        return NULL;
    }
    return plugin;
}

static void load_object(void *context, const char *target, const void *bytes, size_t size)
{
    struct machine_objects *objects = context;
    if (objects->failed || !attn_code_runs_on(target, objects->target))
        return;
    if (objects->n == OBJECTS_MAX) {
        objects->failed = true;
        snprintf(objects->error.text, sizeof objects->error.text, "more than %d code objects", OBJECTS_MAX);
        return;
    }
    objects->object[objects->n] = isa_object_load(objects->machine, bytes, size, &objects->error);
    if (!objects->object[objects->n])
        objects->failed = true;
    else
        objects->n++;
}

struct machine_objects *machine_objects_open(struct isa_machine *machine, const char *target, char *error, size_t cap)
{
    char path[PATH_MAX];
    struct attn_code_error wrong;
    const struct attn_amd_plugin *plugin = load(path, sizeof path, error, cap);
    struct machine_objects *objects = plugin ? calloc(1, sizeof *objects) : NULL;
    if (!objects) {
        if (plugin)
            snprintf(error, cap, "out of memory");
        return NULL;
    }
    objects->plugin = plugin;
    objects->machine = machine;
    objects->target = target;
    struct attn_code *code = attn_code_open_each(path, NULL, load_object, objects, &wrong);
    attn_code_close(code);
    if (!code)
        snprintf(error, cap, "%s: %s", path, wrong.text);
    else if (objects->failed)
        snprintf(error, cap, "%s, %s: %s", path, target, objects->error.text);
    else if (objects->n == 0)
        snprintf(error, cap, "%s has no code for %s", path, target);
    if (code && !objects->failed && objects->n > 0)
        return objects;
    free(objects);
    return NULL;
}

void machine_objects_close(struct machine_objects *objects)
{
    for (int i = 0; objects && i < objects->n; i++)
        machine_log_reached(objects->object[i]);
    free(objects);
}

struct isa_kernel *machine_objects_kernel(struct machine_objects *objects, const struct attn_plan *plan, int step)
{
    const char *kernel_name = objects->plugin->name(plan, step);
    if (!kernel_name)
        return NULL;
    const size_t slot = ((uintptr_t)kernel_name >> 4) % CACHED;
    if (objects->cache[slot].name == kernel_name)
        return objects->cache[slot].kernel;
    struct isa_kernel *kernel = NULL;
    for (int i = 0; i < objects->n && !kernel; i++)
        kernel = isa_object_kernel(objects->object[i], kernel_name);
    objects->cache[slot].name = kernel_name;
    objects->cache[slot].kernel = kernel;
    return kernel;
}

/* ---- Which targets there are ----------------------------------------------------------------------------- */

int attn_machine_targets(int16_t target[], int most, char *error, size_t cap)
{
    char path[PATH_MAX];
    struct attn_code_error wrong;
    int n = 0;
    if (!load(path, sizeof path, error, cap))
        return -1;
    struct attn_code *code = attn_code_open(path, NULL, &wrong);
    if (!code) {
        snprintf(error, cap, "%s: %s", path, wrong.text);
        return -1;
    }
    for (int row = 0; row < attn_device_count() && n < most; row++)
        if (attn_code_has_device(code, attn_device(row)->name))
            target[n++] = (int16_t)row;
    attn_code_close(code);
    return n;
}
