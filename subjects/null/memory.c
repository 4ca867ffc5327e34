/* memory.c: device memory, which is host memory here, with its extent known and a red zone on either side.
 *
 * Device, managed and pinned memory are one thing with different labels. Fresh memory below a megabyte is filled, so
 * that a program that reads what nobody wrote does the same each time; larger memory is untouched pages, which cost
 * nothing until somebody writes.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "subjects/null/entries.h"
#include "subjects/null/memory.h"
#include "subjects/null/state.h"

enum { ZONE = 256, ZONE_BYTE = 0xb5, FRESH_BYTE = 0xa5, MAPPED_BYTES = 1 << 20 };

/* All allocations, by address. A program has few compared with its calls. */
static struct null_memory *table;
static size_t n_table, cap_table;
static uint64_t allocated;

/* Index of the first allocation that ends after the address (and so may hold it). Locked. */
static size_t lower(uintptr_t address)
{
    size_t low = 0, high = n_table;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table[middle].begin + (table[middle].bytes ? table[middle].bytes : 1) <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct null_memory *null_memory_at(const void *address)
{
    size_t i = lower((uintptr_t)address);
    return i < n_table && table[i].begin <= (uintptr_t)address ? &table[i] : NULL;
}

static bool insert(const struct null_memory *m)
{
    if (n_table == cap_table) {
        size_t cap = cap_table ? 2 * cap_table : 64;
        struct null_memory *larger = realloc(table, cap * sizeof *larger);
        if (!larger)
            return false;
        table = larger;
        cap_table = cap;
    }
    size_t i = lower(m->begin);
    memmove(&table[i + 1], &table[i], (n_table - i) * sizeof *table);
    table[i] = *m;
    n_table++;
    return true;
}

static void forget(const struct null_memory *m)
{
    size_t i = (size_t)(m - table);
    memmove(&table[i], &table[i + 1], (n_table - i - 1) * sizeof *table);
    n_table--;
}

static size_t whole_bytes(const struct null_memory *m) { return (m->bytes + 2 * ZONE + 4095) & ~(size_t)4095; }

static void give_back(const struct null_memory *m)
{
    char *start = (char *)m->begin - ZONE;
    if (m->bytes >= MAPPED_BYTES)
        munmap(start, whole_bytes(m));
    else
        free(start);
}

void *null_memory_new(size_t bytes, int kind, int device, unsigned flags)
{
    struct null_memory m = { .bytes = bytes, .kind = kind, .device = device, .flags = flags };
    struct null_device *d = &null_runtime.device[device];
    char *start = NULL;
    if (kind != HIP_MEMORY_HOST && bytes > ((uint64_t)1 << NULL_DEVICE_BYTES_LOG2) - d->allocated)
        return NULL;
    if (bytes > SIZE_MAX / 4)
        return NULL;
    if (bytes >= MAPPED_BYTES) {
        start = mmap(NULL, whole_bytes(&m), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (start == MAP_FAILED)
            return NULL;
    } else if (posix_memalign((void **)&start, ZONE, bytes + 2 * ZONE)) {
        return NULL;
    } else {
        memset(start + ZONE, FRESH_BYTE, bytes);
    }
    m.begin = (uintptr_t)(start + ZONE);
    if (!insert(&m)) {
        give_back(&m);
        return NULL;
    }
    memset(start, ZONE_BYTE, ZONE);
    memset(start + ZONE + bytes, ZONE_BYTE, ZONE);
    allocated += bytes;
    if (kind != HIP_MEMORY_HOST)
        d->allocated += bytes;
    return start + ZONE;
}

/* Offset of the first byte of a red zone that is not as it was, counted from the start of the memory; false when all
 * are. */
static bool zone_broken(const struct null_memory *m, ptrdiff_t *offset)
{
    const unsigned char *data = (const unsigned char *)m->begin;
    if (m->registered)
        return false;
    for (ptrdiff_t i = 0; i < 2 * ZONE; i++) {
        *offset = i < ZONE ? i - ZONE : (ptrdiff_t)m->bytes + i - ZONE;
        if (data[*offset] != ZONE_BYTE)
            return true;
    }
    return false;
}

bool null_memory_free(void *memory, const char *entry)
{
    const struct null_memory *m = null_memory_at(memory);
    struct null_memory copy = *m;
    ptrdiff_t offset;
    bool broken = zone_broken(m, &offset);
    if (broken)
        null_wrong(hipErrorIllegalAddress, entry, "byte %td of %zu bytes of memory at %p was written, outside of it",
                   offset, m->bytes, memory);
    forget(m);
    allocated -= copy.bytes;
    if (copy.kind != HIP_MEMORY_HOST)
        null_runtime.device[copy.device].allocated -= copy.bytes;
    give_back(&copy);
    return !broken;
}

bool null_hip_memory_intact(char *text, size_t cap)
{
    ptrdiff_t offset;
    bool good = true;
    null_lock();
    for (size_t i = 0; i < n_table && good; i++) {
        good = !zone_broken(&table[i], &offset);
        if (!good)
            snprintf(text, cap, "byte %td of %zu bytes of memory at %p was written, outside of it", offset,
                     table[i].bytes, (void *)table[i].begin);
    }
    null_unlock();
    return good;
}

uint64_t null_hip_allocated(uint64_t *allocations)
{
    null_lock();
    uint64_t bytes = allocated, n = 0;
    for (size_t i = 0; i < n_table; i++)
        n += !table[i].registered;
    null_unlock();
    if (allocations)
        *allocations = n;
    return bytes;
}

/* ---- Entry points: allocation ---------------------------------------------------------------------------- */

static int allocate(void **memory, size_t bytes, int kind, unsigned flags)
{
    if (!memory)
        return null_result(hipErrorInvalidValue);
    *memory = NULL;
    if (bytes == 0)
        return hipSuccess; /* as HIP documents: success, and NULL */
    null_lock();
    *memory = null_memory_new(bytes, kind, null_current(), flags);
    null_unlock();
    return null_result(*memory ? hipSuccess : hipErrorOutOfMemory);
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
int hipMallocAsync(void **memory, size_t bytes, void *stream)
{
    struct null_stream *s;
    null_lock();
    bool good = null_stream_get(stream, &s), capturing = good && s && s->capture;
    null_unlock();
    if (!good)
        return null_result(hipErrorInvalidHandle);
    return capturing ? null_refuse("hipMallocAsync", "not provided by the null runtime while a stream is capturing")
                     : allocate(memory, bytes, HIP_MEMORY_DEVICE, 0);
}

static int release(void *memory, bool host, const char *entry)
{
    if (!memory)
        return hipSuccess;
    null_lock();
    const struct null_memory *m = null_memory_at(memory);
    int error = hipSuccess;
    if (!m || m->begin != (uintptr_t)memory || m->registered)
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
    struct null_stream *s;
    null_lock();
    bool good = null_stream_get(stream, &s), capturing = good && s && s->capture;
    null_unlock();
    if (!good)
        return null_result(hipErrorInvalidHandle);
    return capturing ? null_refuse("hipFreeAsync", "not provided by the null runtime while a stream is capturing")
                     : release(memory, false, "hipFreeAsync");
}

/* ---- Entry points: host memory, and questions ------------------------------------------------------------ */

int hipHostRegister(void *memory, size_t bytes, unsigned flags)
{
    if (!memory || !bytes || (uintptr_t)memory > UINTPTR_MAX - bytes)
        return null_result(hipErrorInvalidValue);
    struct null_memory m = { (uintptr_t)memory, bytes, HIP_MEMORY_HOST, null_current(), flags, true };
    null_lock();
    size_t i = lower((uintptr_t)memory);
    int error = hipSuccess;
    if (i < n_table && table[i].begin < (uintptr_t)memory + bytes)
        error = hipErrorHostMemoryAlreadyRegistered;
    else if (!insert(&m))
        error = hipErrorOutOfMemory;
    null_unlock();
    return null_result(error);
}

int hipHostUnregister(void *memory)
{
    null_lock();
    const struct null_memory *m = null_memory_at(memory);
    bool good = m && m->registered && m->begin == (uintptr_t)memory;
    if (good)
        forget(m);
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
