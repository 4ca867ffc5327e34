/* memory.c: what kernels may touch: areas by address, and the shadows that say who touched which byte.
 *
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

#include "isa/machine.h"

/* ---- Sparse memory --------------------------------------------------------------------------------------- */

enum { PAGE = 4096 };

static uint64_t pages(uint64_t bytes) { return (bytes + PAGE - 1) / PAGE * PAGE; }

void *isa_sparse(uint64_t bytes)
{
    if (bytes == 0 || bytes > UINT64_C(1) << 46)
        return NULL;
    void *p = mmap(NULL, pages(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void isa_sparse_free(void *p, uint64_t bytes)
{
    if (p)
        munmap(p, pages(bytes));
}

/* Back to zero: small ones by hand, of large ones the pages are given back. */
static void forget(void *p, uint64_t bytes)
{
    if (!p)
        return;
    if (bytes <= 16 * PAGE || madvise(p, pages(bytes), MADV_DONTNEED) != 0)
        memset(p, 0, bytes);
}

/* ---- Areas ----------------------------------------------------------------------------------------------- */

/* The first area that ends behind an address. */
static size_t first_behind(const struct isa_machine *m, uint64_t address)
{
    size_t low = 0, high = m->n_areas;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (m->area[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

struct isa_area *isa_area_find(struct isa_machine *m, uint64_t address, uint64_t bytes)
{
    for (size_t i = 0; i < ISA_HOT_AREAS; i++) {
        struct isa_area *a = m->hot[i] < m->n_areas ? &m->area[m->hot[i]] : NULL;
        if (a && address >= a->begin && address < a->end && bytes <= a->end - address)
            return a;
    }
    size_t k = first_behind(m, address);
    if (k == m->n_areas || address < m->area[k].begin || bytes > m->area[k].end - address)
        return NULL;
    m->hot[m->next_hot] = k;
    m->next_hot = (m->next_hot + 1) % ISA_HOT_AREAS;
    return &m->area[k];
}

static void area_free(struct isa_area *a)
{
    uint64_t bytes = a->end - a->begin;
    isa_sparse_free(a->written, bytes);
    isa_sparse_free(a->writer, bytes * sizeof *a->writer);
    isa_sparse_free(a->reader, bytes * sizeof *a->reader);
}

static bool area_add(struct isa_machine *m, const struct isa_region *region, bool own)
{
    uint64_t begin = (uint64_t)(uintptr_t)region->bytes;
    if (region->size == 0)
        return true;
    if (!region->bytes || region->size > UINT64_C(1) << 46 || begin > UINT64_MAX - region->size)
        return false;
    size_t k = first_behind(m, begin);
    if (k < m->n_areas && m->area[k].begin < begin + region->size)
        return false;
    if (m->n_areas == m->cap_areas) {
        size_t cap = m->cap_areas ? 2 * m->cap_areas : 32;
        struct isa_area *more = realloc(m->area, cap * sizeof *more);
        if (!more)
            return false;
        m->area = more;
        m->cap_areas = cap;
    }
    struct isa_area a = { .region = *region, .begin = begin, .end = begin + region->size, .own = own };
    if (region->role) { /* each byte says for itself */
        a.region.writable = true;
        a.region.written = false;
    }
    if ((region->role || !region->written) && !(a.written = isa_sparse(region->size)))
        return false;
    memmove(m->area + k + 1, m->area + k, (m->n_areas - k) * sizeof *m->area);
    m->area[k] = a;
    m->n_areas++;
    for (size_t i = 0; i < ISA_HOT_AREAS; i++)
        m->hot[i] = SIZE_MAX;
    return true;
}

static void area_remove(struct isa_machine *m, const void *bytes, bool own)
{
    uint64_t begin = (uint64_t)(uintptr_t)bytes;
    size_t k = first_behind(m, begin);
    if (k == m->n_areas || m->area[k].begin != begin || m->area[k].own != own)
        return;
    area_free(&m->area[k]);
    m->n_areas--;
    memmove(m->area + k, m->area + k + 1, (m->n_areas - k) * sizeof *m->area);
    for (size_t i = 0; i < ISA_HOT_AREAS; i++)
        m->hot[i] = SIZE_MAX;
}

bool isa_memory_add(struct isa_machine *machine, const struct isa_region *region)
{
    return area_add(machine, region, false);
}

void isa_memory_remove(struct isa_machine *machine, const void *bytes) { area_remove(machine, bytes, false); }
bool isa_area_add(struct isa_machine *m, const struct isa_region *region) { return area_add(m, region, true); }
void isa_area_remove(struct isa_machine *m, const void *bytes) { area_remove(m, bytes, true); }

void isa_memory_clear(struct isa_machine *machine)
{
    for (size_t k = machine->n_areas; k-- > 0;)
        if (!machine->area[k].own)
            area_remove(machine, machine->area[k].region.bytes, false);
}

void isa_memory_reset(struct isa_machine *machine)
{
    for (size_t k = 0; k < machine->n_areas; k++) {
        struct isa_area *a = &machine->area[k];
        if (!a->own)
            forget(a->written, a->end - a->begin);
    }
    isa_stamp_next(machine);
    machine->launch_first = machine->stamp;
}

bool isa_memory_written(struct isa_machine *machine, const void *bytes, uint64_t size, uint64_t *at)
{
    uint64_t begin = (uint64_t)(uintptr_t)bytes;
    for (uint64_t k = 0; k < size;) {
        const struct isa_area *a = isa_area_find(machine, begin + k, 1);
        *at = k;
        if (!a)
            return false;
        for (; k < size && begin + k < a->end; k++) {
            uint64_t offset = begin + k - a->begin;
            bool written = !a->written || a->written[offset] || (a->region.role && a->region.role[offset] == 1);
            *at = k;
            if (!written)
                return false;
        }
    }
    return true;
}

/* ---- Stamps ---------------------------------------------------------------------------------------------- */

void isa_stamp_next(struct isa_machine *m)
{
    m->stamp += 1u << ISA_STAMP_SHIFT;
    if (m->stamp < UINT32_MAX - (2u << ISA_STAMP_SHIFT))
        return;
    /* They ran out, once in 16 M barriers: what was touched before is forgotten, and that of this launch with it. */
    for (size_t k = 0; k < m->n_areas; k++) {
        struct isa_area *a = &m->area[k];
        forget(a->writer, (a->end - a->begin) * sizeof *a->writer);
        forget(a->reader, (a->end - a->begin) * sizeof *a->reader);
    }
    if (m->group && m->group->lds_writer) {
        /* What is written of LDS stays so: as by somebody of the first stretch. */
        for (uint32_t k = 0; k < m->group->cap_lds; k++) {
            uint32_t was = m->group->lds_writer[k];
            m->group->lds_writer[k] = was >= m->group_first ? 1u << ISA_STAMP_SHIFT : 0;
            m->group->lds_reader[k] = 0;
        }
    }
    m->launch_first = m->group_first = 1u << ISA_STAMP_SHIFT;
    m->stamp = 2u << ISA_STAMP_SHIFT;
}

void isa_areas_free(struct isa_machine *m)
{
    for (size_t k = 0; k < m->n_areas; k++)
        area_free(&m->area[k]);
    free(m->area);
    m->area = NULL;
    m->n_areas = m->cap_areas = 0;
}
