/* function.c: attributes of functions, and the occupancy that programs ask for.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "subjects/null/entries.h"
#include "subjects/null/error.h"
#include "subjects/null/occupancy.h"

/* ---- Occupancy ------------------------------------------------------------------------------------------- */

/* The kernel and its code on the current device, for an entry point that needs both. Trusting, code may be NULL.
 * Locked; says what is wrong. */
static int find(const char *entry, const void *function, struct null_kernel **kernel, const struct null_code **code)
{
    int device = null_current();
    *kernel = null_map_get(&null_runtime.functions, function);
    if (!*kernel)
        return null_wrong(hipErrorInvalidDeviceFunction, entry, "no kernel is registered for %p", function);
    *code = null_code_of(*kernel, device);
    if (!*code && !null_runtime.trusting)
        return null_wrong(hipErrorNoBinaryForGpu, entry, "the program has no code of %s for %s", (*kernel)->name,
                          null_runtime.device[device].arch);
    return hipSuccess;
}

static int active_blocks(const char *entry, int *blocks, const void *function, int block, size_t lds)
{
    struct null_kernel *kernel;
    const struct null_code *code;
    if (!blocks || block <= 0)
        return null_result(hipErrorInvalidValue);
    null_lock();
    int error = find(entry, function, &kernel, &code);
    if (!error)
        *blocks = null_occupancy(&null_runtime.device[null_current()].row, code, (uint32_t)block, lds);
    null_unlock();
    return null_result(error);
}

int hipOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *function, int block, size_t lds)
{
    return active_blocks("hipOccupancyMaxActiveBlocksPerMultiprocessor", blocks, function, block, lds);
}

int hipOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, const void *function, int block, size_t lds,
                                                          unsigned flags)
{
    return flags > 1
               ? null_result(hipErrorInvalidValue)
               : active_blocks("hipOccupancyMaxActiveBlocksPerMultiprocessorWithFlags", blocks, function, block, lds);
}

int hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void *function, int block, size_t lds)
{
    return active_blocks("hipModuleOccupancyMaxActiveBlocksPerMultiprocessor", blocks, function, block, lds);
}

int hipModuleOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, void *function, int block, size_t lds,
                                                                unsigned flags)
{
    return flags > 1 ? null_result(hipErrorInvalidValue)
                     : active_blocks("hipModuleOccupancyMaxActiveBlocksPerMultiprocessorWithFlags", blocks, function,
                                     block, lds);
}

/* The block with most threads in flight, the largest of equals; the grid that fills the device with it. */
static int potential(const char *entry, int *grid, int *block, const void *function, size_t lds, int limit)
{
    struct null_kernel *kernel;
    const struct null_code *code;
    if (!grid || !block || limit < 0)
        return null_result(hipErrorInvalidValue);
    null_lock();
    int error = find(entry, function, &kernel, &code);
    const struct attn_device *row = &null_runtime.device[null_current()].row;
    int most = 0, units = null_multiprocessors(row);
    int top = limit && limit < row->max_threads ? limit : row->max_threads;
    *block = *grid = 0;
    for (int b = top; !error && b > 0; b -= b % row->wave_size ? b % row->wave_size : row->wave_size) {
        int blocks = null_occupancy(row, code, (uint32_t)b, lds);
        if (blocks * b > most) {
            most = blocks * b;
            *block = b;
            *grid = blocks * units;
        }
    }
    if (!error && !most)
        error = hipErrorInvalidValue;
    null_unlock();
    return null_result(error);
}

int hipOccupancyMaxPotentialBlockSize(int *grid, int *block, const void *function, size_t lds, int limit)
{
    return potential("hipOccupancyMaxPotentialBlockSize", grid, block, function, lds, limit);
}

int hipModuleOccupancyMaxPotentialBlockSize(int *grid, int *block, void *function, size_t lds, int limit)
{
    return potential("hipModuleOccupancyMaxPotentialBlockSize", grid, block, function, lds, limit);
}

/* ---- Attributes ------------------------------------------------------------------------------------------ */

/* What the code does not say is 0 on AMD: constant bytes are part of global memory, there is no PTX. */
int hipFuncGetAttributes(struct hip_function_attributes *attributes, const void *function)
{
    static const char entry[] = "hipFuncGetAttributes";
    struct null_kernel *kernel;
    const struct null_code *code;
    if (!attributes)
        return null_result(hipErrorInvalidValue);
    memset(attributes, 0, sizeof *attributes);
    null_lock();
    int error = find(entry, function, &kernel, &code);
    if (!error && !code)
        error = null_wrong(hipErrorNoBinaryForGpu, entry, "the program has no code of %s", kernel->name);
    if (!error) {
        const struct attn_device *row = &null_runtime.device[null_current()].row;
        attributes->scratch_bytes = code->scratch > 0 ? (size_t)code->scratch : 0;
        attributes->lds_static = code->lds > 0 ? (size_t)code->lds : 0;
        attributes->lds_dynamic_max = row->lds_bytes - (int)attributes->lds_static;
        attributes->max_threads = code->max_threads;
        attributes->registers = code->vgprs;
        attributes->binary_version = attributes->ptx_version = 0;
    }
    null_unlock();
    return null_result(error);
}

int hipFuncGetAttribute(int *value, int attribute, void *function)
{
    struct hip_function_attributes a;
    if (!value)
        return null_result(hipErrorInvalidValue);
    int error = hipFuncGetAttributes(&a, function);
    if (error)
        return error;
    switch ((enum hip_function_attribute)attribute) {
    case HIP_FUNCTION_MAX_THREADS: *value = a.max_threads; return hipSuccess;
    case HIP_FUNCTION_LDS: *value = (int)a.lds_static; return hipSuccess;
    case HIP_FUNCTION_CONST: *value = (int)a.const_bytes; return hipSuccess;
    case HIP_FUNCTION_SCRATCH: *value = (int)a.scratch_bytes; return hipSuccess;
    case HIP_FUNCTION_REGISTERS: *value = a.registers; return hipSuccess;
    case HIP_FUNCTION_PTX_VERSION: *value = a.ptx_version; return hipSuccess;
    case HIP_FUNCTION_BINARY_VERSION: *value = a.binary_version; return hipSuccess;
    case HIP_FUNCTION_CACHE_MODE: *value = a.cache_mode; return hipSuccess;
    case HIP_FUNCTION_LDS_DYNAMIC_MAX: *value = a.lds_dynamic_max; return hipSuccess;
    case HIP_FUNCTION_CARVEOUT: *value = a.carveout; return hipSuccess;
    }
    return null_result(hipErrorInvalidValue);
}

/* Dynamic LDS needs no permission on AMD; more than there is cannot be had. The carve-out is a hint. */
int hipFuncSetAttribute(const void *function, int attribute, int value)
{
    enum { MAX_DYNAMIC_LDS = 8, CARVEOUT = 9 };
    null_lock();
    bool known = null_map_get(&null_runtime.functions, function);
    int most = null_runtime.device[null_current()].row.lds_bytes;
    null_unlock();
    if (!known)
        return null_wrong(hipErrorInvalidDeviceFunction, "hipFuncSetAttribute", "no kernel is registered for %p",
                          function);
    if ((attribute != MAX_DYNAMIC_LDS && attribute != CARVEOUT) || (attribute == MAX_DYNAMIC_LDS && value < 0))
        return null_result(hipErrorInvalidValue);
    if (attribute == MAX_DYNAMIC_LDS && value > most)
        return null_wrong(hipErrorInvalidValue, "hipFuncSetAttribute", "%d bytes of LDS, and the device has %d", value,
                          most);
    return hipSuccess;
}

/* Hints that AMD hardware has no choice about, as for the device. */
int hipFuncSetCacheConfig(const void *function, int preference)
{
    (void)function;
    return null_result(preference < 0 || preference > 3 ? hipErrorInvalidValue : hipSuccess);
}

int hipFuncSetSharedMemConfig(const void *function, int preference)
{
    (void)function;
    return null_result(preference < 0 || preference > 2 ? hipErrorInvalidValue : hipSuccess);
}
