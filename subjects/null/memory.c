/* memory.c: device memory, which is host memory here, with its extent known and a red zone on either side. Its entry
 * points: allocate.c.
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

#include "subjects/null/memory.h"
#include "subjects/null/error.h"
#include "subjects/null/runtime.h"

enum { ZONE = 256, ZONE_BYTE = 0xb5, FRESH_BYTE = 0xa5, MAPPED_BYTES = 1 << 20 };

/* All allocations, by address. A program has few compared with its calls. */
static struct null_memory *table;
static size_t n_table, cap_table;
static uint64_t allocated;
static uint64_t changes = 1;

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

const struct null_memory *null_memory_number(size_t index) { return index < n_table ? &table[index] : NULL; }
uint64_t null_memory_changes(void) { return changes; }

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
    changes++;
    size_t i = lower(m->begin);
    memmove(&table[i + 1], &table[i], (n_table - i) * sizeof *table);
    table[i] = *m;
    table[i].version = changes;
    n_table++;
    return true;
}

static void forget(const struct null_memory *m)
{
    size_t i = (size_t)(m - table);
    changes++;
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
    if (copy.in_code) /* the code's to free */
        return true;
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

int null_memory_register(void *memory, size_t bytes, int device, unsigned flags)
{
    struct null_memory m = { (uintptr_t)memory, bytes, HIP_MEMORY_HOST, device, flags, true, NULL, 0, false };
    size_t i = lower((uintptr_t)memory);
    if (i < n_table && table[i].begin < (uintptr_t)memory + bytes)
        return hipErrorHostMemoryAlreadyRegistered;
    return insert(&m) ? hipSuccess : hipErrorOutOfMemory;
}

bool null_memory_unregister(void *memory)
{
    const struct null_memory *m = null_memory_at(memory);
    bool good = m && m->registered && m->begin == (uintptr_t)memory;
    if (good)
        forget(m);
    return good;
}

bool null_memory_in_code(void *memory, size_t bytes, int device)
{
    const struct null_memory m = { .begin = (uintptr_t)memory,
                                   .bytes = bytes,
                                   .kind = HIP_MEMORY_DEVICE,
                                   .device = device,
                                   .registered = true,
                                   .in_code = true };
    return null_memory_at(memory) || insert(&m);
}

bool null_hip_roles(void *memory, const unsigned char *role)
{
    null_lock();
    struct null_memory *m = (struct null_memory *)(uintptr_t)null_memory_at(memory);
    const bool found = m && m->begin == (uintptr_t)memory;
    if (found) {
        m->role = role;
        m->version = ++changes;
    }
    null_unlock();
    return found;
}
