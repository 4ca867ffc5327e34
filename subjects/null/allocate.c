/* allocate.c: entry points: allocating memory, and asking about it.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "subjects/null/entries.h"
#include "subjects/null/error.h"
#include "subjects/null/memory.h"
#include "subjects/null/record.h"
#include "subjects/null/runtime.h"
#include "subjects/null/stream.h"

/* ---- Allocation -------------------------------------------------------------------------------------------- */

/* May memory be allocated and released now? A capture that is not relaxed forbids it (CUDA C++ Programming Guide,
 * "Stream Capture", and cudaThreadExchangeStreamCaptureMode: what is potentially unsafe; HIP's modes are the same).
 * Locked. */
static bool may(const char *entry)
{
    const bool barred = null_stream_barred();
    if (barred)
        null_record_forbidden(entry);
    return !barred;
}

static int allocate(void **memory, size_t bytes, int kind, unsigned flags)
{
    if (!memory)
        return null_result(hipErrorInvalidValue);
    *memory = NULL;
    if (bytes == 0)
        return hipSuccess; /* as HIP documents: success, and NULL */
    null_lock();
    int error =
        may(kind == HIP_MEMORY_HOST ? "hipHostMalloc" : "hipMalloc") ? hipSuccess : hipErrorStreamCaptureUnsupported;
    if (!error) {
        *memory = null_memory_new(bytes, kind, null_current(), flags);
        error = *memory ? hipSuccess : hipErrorOutOfMemory;
    }
    null_unlock();
    return null_result(error);
}

int hipMalloc(void **memory, size_t bytes) { return allocate(memory, bytes, HIP_MEMORY_DEVICE, 0); }
int hipExtMallocWithFlags(void **memory, size_t bytes, unsigned flags)
{
    return allocate(memory, bytes, HIP_MEMORY_DEVICE, flags);
}
int hipMallocManaged(void **memory, size_t bytes, unsigned flags)
{
    return allocate(memory, bytes, HIP_MEMORY_MANAGED, flags);
}
int hipHostMalloc(void **memory, size_t bytes, unsigned flags)
{
    return allocate(memory, bytes, HIP_MEMORY_HOST, flags);
}
int hipHostAlloc(void **memory, size_t bytes, unsigned flags)
{
    return allocate(memory, bytes, HIP_MEMORY_HOST, flags);
}
int hipMallocHost(void **memory, size_t bytes) { return allocate(memory, bytes, HIP_MEMORY_HOST, 0); }
int hipMemAllocHost(void **memory, size_t bytes) { return allocate(memory, bytes, HIP_MEMORY_HOST, 0); }

int hipMallocPitch(void **memory, size_t *pitch, size_t width, size_t height)
{
    if (!pitch || width > SIZE_MAX / 2)
        return null_result(hipErrorInvalidValue);
    *pitch = (width + 255) & ~(size_t)255;
    if (height && *pitch > SIZE_MAX / height)
        return null_result(hipErrorOutOfMemory);
    return allocate(memory, *pitch * height, HIP_MEMORY_DEVICE, 0);
}

/* In order with the stream: nothing is in flight here, so at once. In a graph it would be a node of its own. */
static int now(const char *entry, void *stream)
{
    struct null_stream *s;
    null_lock();
    bool good = null_stream_get(stream, &s), capturing = good && s && s->capture;
    null_unlock();
    return !good       ? null_result(hipErrorInvalidHandle)
           : capturing ? null_refuse(entry, "not provided by the null runtime while a stream is capturing")
                       : hipSuccess;
}

int hipMallocAsync(void **memory, size_t bytes, void *stream)
{
    int error = now("hipMallocAsync", stream);
    return error ? error : allocate(memory, bytes, HIP_MEMORY_DEVICE, 0);
}

static int release(void *memory, bool host, const char *entry)
{
    if (!memory)
        return hipSuccess;
    null_lock();
    const struct null_memory *m = null_memory_at(memory);
    int error = hipSuccess;
    if (!may(entry))
        error = hipErrorStreamCaptureUnsupported;
    else if (!m || m->begin != (uintptr_t)memory || m->registered)
        error = null_wrong(hipErrorInvalidValue, entry, "%p is not the start of memory that was allocated", memory);
    else if ((m->kind == HIP_MEMORY_HOST) != host)
        error = null_wrong(hipErrorInvalidValue, entry, "%p is %s memory", memory, host ? "device" : "pinned host");
    else if (!null_memory_free(memory, entry))
        error = hipErrorIllegalAddress;
    null_unlock();
    return null_result(error);
}

int hipFree(void *memory) { return release(memory, false, "hipFree"); }
int hipHostFree(void *memory) { return release(memory, true, "hipHostFree"); }
int hipFreeHost(void *memory) { return release(memory, true, "hipFreeHost"); }

int hipFreeAsync(void *memory, void *stream)
{
    int error = now("hipFreeAsync", stream);
    return error ? error : release(memory, false, "hipFreeAsync");
}

/* ---- Host memory, and questions -------------- ------------------------------------------------------------ */

int hipHostRegister(void *memory, size_t bytes, unsigned flags)
{
    if (!memory || !bytes || (uintptr_t)memory > UINTPTR_MAX - bytes)
        return null_result(hipErrorInvalidValue);
    null_lock();
    int error = null_memory_register(memory, bytes, null_current(), flags);
    null_unlock();
    return null_result(error);
}

int hipHostUnregister(void *memory)
{
    null_lock();
    bool good = null_memory_unregister(memory);
    null_unlock();
    return null_result(good ? hipSuccess : hipErrorHostMemoryNotRegistered);
}

int hipHostGetDevicePointer(void **device, void *host, unsigned flags)
{
    if (!device || flags)
        return null_result(hipErrorInvalidValue);
    null_lock();
    const struct null_memory *m = null_memory_at(host);
    *device = m ? host : NULL;
    null_unlock();
    return null_result(*device ? hipSuccess : hipErrorInvalidValue);
}

int hipHostGetFlags(unsigned *flags, void *host)
{
    null_lock();
    const struct null_memory *m = flags ? null_memory_at(host) : NULL;
    if (m)
        *flags = m->flags;
    null_unlock();
    return null_result(m ? hipSuccess : hipErrorInvalidValue);
}

int hipMemGetInfo(size_t *free_bytes, size_t *total_bytes)
{
    null_lock();
    uint64_t used = null_runtime.device[null_current()].allocated;
    null_unlock();
    if (free_bytes)
        *free_bytes = ((size_t)1 << NULL_DEVICE_BYTES_LOG2) - used;
    if (total_bytes)
        *total_bytes = (size_t)1 << NULL_DEVICE_BYTES_LOG2;
    return hipSuccess;
}

int hipMemPtrGetInfo(void *memory, size_t *bytes)
{
    null_lock();
    const struct null_memory *m = bytes ? null_memory_at(memory) : NULL;
    if (m)
        *bytes = m->bytes;
    null_unlock();
    return null_result(m ? hipSuccess : hipErrorInvalidValue);
}

int hipMemGetAddressRange(void **begin, size_t *bytes, void *memory)
{
    null_lock();
    const struct null_memory *m = null_memory_at(memory);
    if (m && begin)
        *begin = (void *)m->begin;
    if (m && bytes)
        *bytes = m->bytes;
    null_unlock();
    return null_result(m ? hipSuccess : hipErrorNotFound);
}

int hipPointerGetAttributes(struct hip_pointer_attributes *attributes, const void *memory)
{
    if (!attributes || !memory)
        return null_result(hipErrorInvalidValue);
    memset(attributes, 0, sizeof *attributes);
    null_lock();
    const struct null_memory *m = null_memory_at(memory);
    if (m) {
        attributes->type = m->kind;
        attributes->device = m->device;
        attributes->device_pointer = (void *)(uintptr_t)memory;
        attributes->host_pointer = m->kind == HIP_MEMORY_DEVICE ? NULL : (void *)(uintptr_t)memory;
        attributes->is_managed = m->kind == HIP_MEMORY_MANAGED;
        attributes->flags = m->flags;
    } else { /* as HIP 6 has it: success, an unregistered host pointer */
        attributes->type = HIP_MEMORY_UNREGISTERED;
        attributes->device = -2;
    }
    null_unlock();
    return hipSuccess;
}

/* Where pages are wanted: hints that change no result; that the range is the program's is checked. */
static int hint(const void *memory, size_t bytes, int device, const char *entry)
{
    if (device != -1 && !null_is_device(device)) /* -1: the host (hipCpuDeviceId) */
        return null_result(hipErrorInvalidDevice);
    null_lock();
    const struct null_memory *m = null_memory_at(memory);
    bool good = m && bytes <= m->begin + m->bytes - (uintptr_t)memory;
    if (!good)
        null_wrong(hipErrorInvalidValue, entry, "%zu bytes at %p are not within memory that was allocated", bytes,
                   memory);
    null_unlock();
    return good ? hipSuccess : hipErrorInvalidValue;
}

int hipMemAdvise(const void *memory, size_t bytes, int advice, int device)
{
    bool known = (advice >= 1 && advice <= 6) || advice == 100 || advice == 101;
    return known ? hint(memory, bytes, device, "hipMemAdvise") : null_result(hipErrorInvalidValue);
}

int hipMemPrefetchAsync(const void *memory, size_t bytes, int device, void *stream)
{
    struct null_stream *s;
    null_lock();
    bool good = null_stream_get(stream, &s);
    null_unlock();
    return good ? hint(memory, bytes, device, "hipMemPrefetchAsync") : null_result(hipErrorInvalidHandle);
}
