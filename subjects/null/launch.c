/* launch.c: launches.
 *
 * A kernel<<<...>>> pushes its configuration, and the stub it calls pops it and calls hipLaunchKernel (LLVM,
 * clang/lib/CodeGen/CGCUDANV.cpp).
 *
 * SPDX-License-Identifier: MIT */
#include "subjects/null/entries.h"
#include "subjects/null/error.h"
#include "subjects/null/execute.h"
#include "subjects/null/intern.h"
#include "subjects/null/launch.h"
#include "subjects/null/occupancy.h"
#include "subjects/null/record.h"
#include "subjects/null/stream.h"

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
        uint64_t room = (uint64_t)null_occupancy(row, code, (uint32_t)threads, l->lds_dynamic) *
                        (uint64_t)null_multiprocessors(row);
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

/* The arguments of a launch that was made, where launches run. Locked. */
static int take(struct null_op *op, const char *entry, void **values, void **extra)
{
    op->arguments = NULL;
    if (!null_executing())
        return hipSuccess;
    return null_arguments_new(entry, null_map_get(&null_runtime.functions, op->launch.function), op->launch.device,
                              values, extra, &op->arguments);
}

int null_launch_make(struct null_op *op, const char *entry, const void *function, struct hip_dim3 grid,
                     struct hip_dim3 block, size_t lds, void **values, void **extra)
{
    null_lock();
    int error = make(&op->launch, entry, function, grid, block, lds, NULL, 0);
    if (!error)
        error = take(op, entry, values, extra);
    null_unlock();
    return error;
}

static int launch(const char *entry, const void *function, struct hip_dim3 grid, struct hip_dim3 block, size_t lds,
                  void *stream, uint32_t flags, void **values, void **extra)
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
        error = take(&op, entry, values, extra);
    if (!error)
        error = null_submit(s, &op);
    null_op_drop(&op);
    null_unlock();
    return null_result(error);
}

int hipLaunchKernel(const void *function, struct hip_dim3 grid, struct hip_dim3 block, void **arguments, size_t lds,
                    void *stream)
{
    return launch("hipLaunchKernel", function, grid, block, lds, stream, 0, arguments, NULL);
}

int hipLaunchCooperativeKernel(const void *function, struct hip_dim3 grid, struct hip_dim3 block, void **arguments,
                               unsigned lds, void *stream)
{
    return launch("hipLaunchCooperativeKernel", function, grid, block, lds, stream, NULL_HIP_COOPERATIVE, arguments,
                  NULL);
}

int hipExtLaunchKernel(const void *function, struct hip_dim3 grid, struct hip_dim3 block, void **arguments, size_t lds,
                       void *stream, void *start, void *stop, int flags)
{
    (void)flags;
    int error = start ? hipEventRecord(start, stream) : hipSuccess;
    if (!error)
        error = launch("hipExtLaunchKernel", function, grid, block, lds, stream, 0, arguments, NULL);
    return error || !stop ? error : hipEventRecord(stop, stream);
}

int hipLaunchKernelExC(const struct hip_launch_config *c, const void *function, void **arguments)
{
    uint32_t flags = 0;
    if (!c || (c->n_attributes && !c->attributes))
        return null_result(hipErrorInvalidValue);
    for (unsigned i = 0; i < c->n_attributes; i++)
        if (c->attributes[i].id != HIP_LAUNCH_COOPERATIVE)
            return null_refuse("hipLaunchKernelExC",
                               "launch attributes other than cooperative are not provided by the null runtime");
        else if (c->attributes[i].value.cooperative)
            flags |= NULL_HIP_COOPERATIVE;
    return launch("hipLaunchKernelExC", function, c->grid, c->block, c->lds, c->stream, flags, arguments, NULL);
}

/* ---- Modules --------------------------------------------------------------------------------------------- */

int hipModuleLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                          unsigned lds, void *stream, void **arguments, void **extra)
{
    return launch("hipModuleLaunchKernel", function, (struct hip_dim3){ gx, gy, gz }, (struct hip_dim3){ bx, by, bz },
                  lds, stream, NULL_HIP_MODULE, arguments, extra);
}

int hipModuleLaunchCooperativeKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                                     unsigned bz, unsigned lds, void *stream, void **arguments)
{
    return launch("hipModuleLaunchCooperativeKernel", function, (struct hip_dim3){ gx, gy, gz },
                  (struct hip_dim3){ bx, by, bz }, lds, stream, NULL_HIP_MODULE | NULL_HIP_COOPERATIVE, arguments,
                  NULL);
}

/* hipExtModuleLaunchKernel, a C++ function with the global size in work items (hip_ext.h). */
int _Z24hipExtModuleLaunchKernelP18ihipModuleSymbol_tjjjjjjmP12ihipStream_tPPvS4_P11ihipEvent_tS6_j(
    void *function, uint32_t x, uint32_t y, uint32_t z, uint32_t bx, uint32_t by, uint32_t bz, size_t lds, void *stream,
    void **arguments, void **extra, void *start, void *stop, uint32_t flags)
{
    static const char entry[] = "hipExtModuleLaunchKernel";
    (void)flags;
    if (!bx || !by || !bz || x % bx || y % by || z % bz)
        return null_refuse(entry, "a global size that is no multiple of the block is not provided by the null runtime");
    int error = start ? hipEventRecord(start, stream) : hipSuccess;
    if (!error)
        error = launch(entry, function, (struct hip_dim3){ x / bx, y / by, z / bz }, (struct hip_dim3){ bx, by, bz },
                       lds, stream, NULL_HIP_MODULE, arguments, extra);
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
    if (!error && null_executing()) {
        null_unlock();
        return null_refuse(name, "what a BLAS library computes is not executed");
    }
    if (!error)
        error = op.launch.kernel ? null_submit(s, &op) : hipErrorOutOfMemory;
    null_unlock();
    return null_result(error);
}
