/* kernel.c: what a program registers when it is loaded, and launches.
 *
 * The entry points that begin with two underscores are what clang's code calls (LLVM, clang/lib/CodeGen/CGCUDANV.cpp):
 * a constructor of each translation unit registers its fat binary, kernels and variables; a kernel<<<...>>> pushes its
 * configuration, and the stub it calls pops it and calls hipLaunchKernel.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "subjects/null/entries.h"
#include "subjects/null/state.h"

/* ---- Launch configurations ------------------------------------------------------------------------------- */

struct configuration {
    struct hip_dim3 grid, block;
    size_t lds;
    void *stream;
};

/* Configurations pushed and not popped: arguments of a launch may hold launches themselves. */
enum { CONFIGURATIONS = 32 };
static _Thread_local struct configuration configurations[CONFIGURATIONS];
static _Thread_local int n_configurations;

int __hipPushCallConfiguration(struct hip_dim3 grid, struct hip_dim3 block, size_t lds, void *stream)
{
    if (n_configurations == CONFIGURATIONS)
        return null_wrong(hipErrorInvalidValue, "__hipPushCallConfiguration", "%d launches within each other",
                          CONFIGURATIONS);
    configurations[n_configurations++] = (struct configuration){ grid, block, lds, stream };
    return hipSuccess;
}

int __hipPopCallConfiguration(struct hip_dim3 *grid, struct hip_dim3 *block, size_t *lds, void **stream)
{
    if (!n_configurations)
        return null_wrong(hipErrorMissingConfiguration, "__hipPopCallConfiguration", "no launch was begun");
    const struct configuration *c = &configurations[--n_configurations];
    *grid = c->grid;
    *block = c->block;
    *lds = c->lds;
    *stream = c->stream;
    return hipSuccess;
}

/* ---- Registration ---------------------------------------------------------------------------------------- */

const char *null_intern(const char *name)
{
    static struct null_map names; /* hash of a name, as a key -> chain of names */
    struct entry {
        struct entry *next;
        char name[];
    } *first;
    uint64_t hash = 1469598103934665603u; /* FNV-1a */
    for (const char *c = name; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    const void *key = (const void *)(uintptr_t)(hash | 1);
    first = null_map_get(&names, key);
    for (struct entry *e = first; e; e = e->next)
        if (!strcmp(e->name, name))
            return e->name;
    size_t len = strlen(name);
    struct entry *e = malloc(sizeof *e + len + 1);
    if (!e)
        return NULL;
    e->next = first;
    memcpy(e->name, name, len + 1);
    if (!null_map_put(&names, key, e)) {
        free(e);
        return NULL;
    }
    return e->name;
}

/* A constructor has nobody to tell: the program could only go on wrongly. */
static void die(const char *entry, const char *why)
{
    fprintf(stderr, "null-hip: %s: %s\n", entry, why);
    abort();
}

void **__hipRegisterFatBinary(const void *data)
{
    const struct hip_fat_wrapper *wrapper = data;
    if (!wrapper || wrapper->magic != HIP_FAT_MAGIC || !wrapper->binary)
        die("__hipRegisterFatBinary", "what the program registers is no HIP fat binary");
    null_lock();
    struct null_image *image = null_image_new(wrapper->binary, null_image_size(wrapper->binary));
    null_unlock();
    if (!image)
        die("__hipRegisterFatBinary", "out of memory");
    return (void **)image;
}

void __hipRegisterFunction(void **image, const void *host, char *device_function, const char *name,
                           unsigned thread_limit, void *thread, void *block, void *block_size, void *grid_size,
                           int *wave_size)
{
    (void)device_function, (void)thread_limit, (void)thread, (void)block, (void)block_size, (void)grid_size,
        (void)wave_size;
    null_lock();
    if (!null_image_kernel((struct null_image *)image, name, host))
        die("__hipRegisterFunction", "out of memory");
    null_unlock();
}

void __hipRegisterVar(void **image, void *host, char *host_name, char *name, int external, size_t bytes, int constant,
                      int global)
{
    (void)host_name, (void)external, (void)constant, (void)global;
    null_lock();
    if (!null_image_symbol((struct null_image *)image, name, host, bytes))
        die("__hipRegisterVar", "out of memory");
    null_unlock();
}

/* A managed variable is a pointer in the program, which gets memory with the initial value. */
void __hipRegisterManagedVar(void **image, void **pointer, void *initial, const char *name, size_t bytes,
                             unsigned align)
{
    (void)align; /* all memory is aligned to 256 */
    null_lock();
    struct null_symbol *s = null_image_symbol((struct null_image *)image, name, pointer, bytes);
    *pointer = s ? null_memory_new(bytes, HIP_MEMORY_MANAGED, 0, 0) : NULL;
    if (!*pointer)
        die("__hipRegisterManagedVar", "out of memory");
    memcpy(*pointer, initial, bytes);
    for (int i = 0; i < NULL_DEVICES_MAX; i++) /* one memory for all devices, released once (null_image_free) */
        s->memory[i] = *pointer;
    s->written = ~0u;
    null_unlock();
}

void __hipUnregisterFatBinary(void **image)
{
    null_lock();
    null_image_free((struct null_image *)image);
    null_unlock();
}

/* ---- Launches -------------------------------------------------------------------------------------------- */

/* HIP_ERROR and a flag when a launch is beyond what the device or the kernel's code allows. Locked. */
static int hold(struct null_kernel *kernel, struct null_hip_launch *l)
{
    const struct attn_device *row = &null_runtime.device[l->device].row;
    uint64_t threads = (uint64_t)l->block[0] * l->block[1] * l->block[2];
    l->flags |= NULL_HIP_BEYOND;
    for (int i = 0; i < 3; i++) {
        /* HIP, hipModuleLaunchKernel: "HIP does not support kernel launch with total work items defined in dimension
         * with size gridDim x blockDim >= 2^32". */
        if (!l->grid[i] || !l->block[i] || l->grid[i] > row->max_grid[i] || l->block[i] > (uint32_t)row->max_threads ||
            (uint64_t)l->grid[i] * l->block[i] > UINT32_MAX)
            return hipErrorInvalidConfiguration;
    }
    if (threads > (uint64_t)row->max_threads)
        return hipErrorInvalidConfiguration;
    if (l->lds_dynamic > (uint32_t)row->lds_bytes)
        return hipErrorInvalidValue;
    l->flags &= ~(uint32_t)NULL_HIP_BEYOND;
    if (null_runtime.trusting)
        return hipSuccess;
    const struct null_code *code = null_code_of(kernel, l->device);
    if (!code) {
        l->flags |= NULL_HIP_NO_CODE;
        return hipErrorNoBinaryForGpu;
    }
    if ((code->max_threads > 0 && threads > (uint64_t)code->max_threads) ||
        (code->lds > 0 && code->lds + l->lds_dynamic > row->lds_bytes)) {
        l->flags |= NULL_HIP_BEYOND;
        return threads > (uint64_t)code->max_threads ? hipErrorLaunchFailure : hipErrorInvalidValue;
    }
    if (l->flags & NULL_HIP_COOPERATIVE) {
        uint64_t blocks = (uint64_t)l->grid[0] * l->grid[1] * l->grid[2];
        uint64_t room = (uint64_t)null_occupancy(row, code, (uint32_t)threads, l->lds_dynamic) * (uint64_t)row->n_cu;
        if (row->wave_size == 32)
            room /= 2; /* a multiprocessor is two compute units */
        if (blocks > room) {
            l->flags |= NULL_HIP_BEYOND;
            return hipErrorCooperativeLaunchTooLarge;
        }
    }
    return hipSuccess;
}

/* Locked. */
static int make(struct null_hip_launch *l, const char *entry, const void *function, struct hip_dim3 grid,
                struct hip_dim3 block, size_t lds, const void *stream, uint32_t flags)
{
    struct null_kernel *kernel = null_map_get(&null_runtime.functions, function);
    *l = (struct null_hip_launch){ .kernel = kernel ? kernel->name : "?",
                                   .function = function,
                                   .stream = stream,
                                   .grid = { grid.x, grid.y, grid.z },
                                   .block = { block.x, block.y, block.z },
                                   .lds_dynamic = lds > UINT32_MAX ? UINT32_MAX : (uint32_t)lds,
                                   .device = null_current(),
                                   .flags = flags | (kernel && kernel->module ? NULL_HIP_MODULE : 0) };
    int error;
    if (!kernel) {
        l->flags |= NULL_HIP_UNKNOWN;
        error = null_wrong(hipErrorInvalidDeviceFunction, entry, "no kernel is registered for %p", function);
    } else {
        error = hold(kernel, l);
        if (error == hipErrorNoBinaryForGpu)
            null_wrong(error, entry, "the program has no code of %s for %s", l->kernel,
                       null_runtime.device[l->device].arch);
        else if (error)
            null_wrong(error, entry, "%s: grid %u %u %u, block %u %u %u, %zu bytes of dynamic LDS are beyond %s",
                       l->kernel, grid.x, grid.y, grid.z, block.x, block.y, block.z, lds,
                       null_runtime.device[l->device].name);
    }
    if (error)
        null_record(l);
    return error;
}

int null_launch_make(struct null_hip_launch *launch, const char *entry, const void *function, struct hip_dim3 grid,
                     struct hip_dim3 block, size_t lds, uint32_t flags)
{
    null_lock();
    int error = make(launch, entry, function, grid, block, lds, NULL, flags);
    null_unlock();
    return error;
}

static int launch(const char *entry, const void *function, struct hip_dim3 grid, struct hip_dim3 block, size_t lds,
                  void *stream, uint32_t flags)
{
    struct null_op op = { .kind = NULL_OP_LAUNCH };
    struct null_stream *s;
    null_lock();
    int error =
        null_stream_get(stream, &s) ? hipSuccess : null_wrong(hipErrorInvalidHandle, entry, "%p is no stream", stream);
    if (!error)
        error = make(&op.launch, entry, function, grid, block, lds, stream, flags);
    if (!error && s && op.launch.device != s->device)
        error = null_wrong(hipErrorInvalidHandle, entry, "the stream is device %d's, the current device is %d",
                           s->device, op.launch.device);
    if (!error)
        error = null_submit(s, &op);
    null_unlock();
    return null_result(error);
}

int hipLaunchKernel(const void *function, struct hip_dim3 grid, struct hip_dim3 block, void **arguments, size_t lds,
                    void *stream)
{
    (void)arguments;
    return launch("hipLaunchKernel", function, grid, block, lds, stream, 0);
}

int hipLaunchCooperativeKernel(const void *function, struct hip_dim3 grid, struct hip_dim3 block, void **arguments,
                               unsigned lds, void *stream)
{
    (void)arguments;
    return launch("hipLaunchCooperativeKernel", function, grid, block, lds, stream, NULL_HIP_COOPERATIVE);
}

int hipExtLaunchKernel(const void *function, struct hip_dim3 grid, struct hip_dim3 block, void **arguments, size_t lds,
                       void *stream, void *start, void *stop, int flags)
{
    (void)arguments, (void)flags;
    int error = start ? hipEventRecord(start, stream) : hipSuccess;
    if (!error)
        error = launch("hipExtLaunchKernel", function, grid, block, lds, stream, 0);
    return error || !stop ? error : hipEventRecord(stop, stream);
}

int hipLaunchKernelExC(const struct hip_launch_config *c, const void *function, void **arguments)
{
    (void)arguments;
    uint32_t flags = 0;
    if (!c || (c->n_attributes && !c->attributes))
        return null_result(hipErrorInvalidValue);
    for (unsigned i = 0; i < c->n_attributes; i++)
        if (c->attributes[i].id != HIP_LAUNCH_COOPERATIVE)
            return null_refuse("hipLaunchKernelExC",
                               "launch attributes other than cooperative are not provided by the null runtime");
        else if (c->attributes[i].value.cooperative)
            flags |= NULL_HIP_COOPERATIVE;
    return launch("hipLaunchKernelExC", function, c->grid, c->block, c->lds, c->stream, flags);
}

/* ---- Modules --------------------------------------------------------------------------------------------- */

int hipModuleLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                          unsigned lds, void *stream, void **arguments, void **extra)
{
    (void)arguments, (void)extra;
    return launch("hipModuleLaunchKernel", function, (struct hip_dim3){ gx, gy, gz }, (struct hip_dim3){ bx, by, bz },
                  lds, stream, NULL_HIP_MODULE);
}

int hipModuleLaunchCooperativeKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                                     unsigned bz, unsigned lds, void *stream, void **arguments)
{
    (void)arguments;
    return launch("hipModuleLaunchCooperativeKernel", function, (struct hip_dim3){ gx, gy, gz },
                  (struct hip_dim3){ bx, by, bz }, lds, stream, NULL_HIP_MODULE | NULL_HIP_COOPERATIVE);
}

/* hipExtModuleLaunchKernel, a C++ function with the global size in work items (hip_ext.h). */
int _Z24hipExtModuleLaunchKernelP18ihipModuleSymbol_tjjjjjjmP12ihipStream_tPPvS4_P11ihipEvent_tS6_j(
    void *function, uint32_t x, uint32_t y, uint32_t z, uint32_t bx, uint32_t by, uint32_t bz, size_t lds, void *stream,
    void **arguments, void **extra, void *start, void *stop, uint32_t flags)
{
    static const char entry[] = "hipExtModuleLaunchKernel";
    (void)arguments, (void)extra, (void)flags;
    if (!bx || !by || !bz || x % bx || y % by || z % bz)
        return null_refuse(entry, "a global size that is no multiple of the block is not provided by the null runtime");
    int error = start ? hipEventRecord(start, stream) : hipSuccess;
    if (!error)
        error = launch(entry, function, (struct hip_dim3){ x / bx, y / by, z / bz }, (struct hip_dim3){ bx, by, bz },
                       lds, stream, NULL_HIP_MODULE);
    return error || !stop ? error : hipEventRecord(stop, stream);
}

/* ---- Calls of the BLAS stand-ins ------------------------------------------------------------------------- */

int null_hip_library_call(const char *name, void *stream)
{
    struct null_op op = { .kind = NULL_OP_LAUNCH };
    struct null_stream *s;
    null_lock();
    int error = null_stream_get(stream, &s) ? hipSuccess : hipErrorInvalidHandle;
    op.launch.kernel = null_intern(name);
    op.launch.device = null_current();
    op.launch.flags = NULL_HIP_LIBRARY;
    if (!error)
        error = op.launch.kernel ? null_submit(s, &op) : hipErrorOutOfMemory;
    null_unlock();
    return null_result(error);
}
