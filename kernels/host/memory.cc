/* memory.cc: global memory of a problem: one reserved region of address space with a byte shadow beside it.
 *
 * Buffers start on addresses that are multiples of 256 and of nothing larger, with a red zone on both sides. What is no
 * element holds NaN patterns (0xFF), has the class SIMT_GAP, and is poisoned for AddressSanitizer where whole groups
 * of eight bytes belong to no element. A region is reused for the next problem: setting up costs time in
 * proportion to the bytes of the problem, not of the region.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/host/executor.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#if SIMT_ASAN
#include <sanitizer/asan_interface.h>
#endif

enum : size_t {
    ALIGN = 256,
    RED_ZONE = 4096,                     /* before, between and after buffers */
    LEAST_CAPACITY = size_t{ 64 } << 20, /* address space, not memory */
    MOST_CAPACITY = size_t{ 1 } << 34
};

/* Bytes of address space a region of that capacity takes: bytes, classes (with room to look past the end), tags. */
static size_t map_bytes(size_t capacity) { return capacity * 6 + 2 * RED_ZONE; }

static bool region_map(struct simt_region *region, size_t need)
{
    size_t capacity = LEAST_CAPACITY;
    while (capacity < need && capacity < MOST_CAPACITY)
        capacity *= 2;
    if (capacity < need)
        return false;
    void *map =
        mmap(nullptr, map_bytes(capacity), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        return false;
    memset(region, 0, sizeof *region);
    region->bytes = static_cast<uint8_t *>(map);
    region->tag = reinterpret_cast<uint32_t *>(region->bytes + capacity);
    region->kind = region->bytes + capacity * 5 + RED_ZONE;
    region->capacity = capacity;
    region->serial = 1;
    return true;
}

static void unpoison(struct simt_region *region, size_t bytes)
{
#if SIMT_ASAN
    __asan_unpoison_memory_region(region->bytes, bytes);
#else
    (void)region;
    (void)bytes;
#endif
}

void simt_memory_unmap(struct attn_memory *memory)
{
    if (!memory->region.bytes)
        return;
    unpoison(&memory->region, memory->region.used);
    munmap(memory->region.bytes, map_bytes(memory->region.capacity));
    memory->region.bytes = nullptr;
    memory->region.used = 0;
}

/* From start to end there is no element. */
static void make_gap(struct simt_region *region, size_t start, size_t end)
{
    memset(region->kind + start, SIMT_GAP, end - start);
    memset(region->bytes + start, 0xFF, end - start);
}

/* Poisons what the classes say is a gap, in whole groups of eight bytes. */
static void poison(const struct simt_region *region)
{
#if SIMT_ASAN
    size_t run = SIZE_MAX; /* where the current gap began */
    for (size_t i = 0; i < region->used; i += 8) {
        uint64_t kinds;
        memcpy(&kinds, region->kind + i, 8);
        if (kinds == 0) {
            run = run == SIZE_MAX ? i : run;
        } else if (run != SIZE_MAX) {
            __asan_poison_memory_region(region->bytes + run, i - run);
            run = SIZE_MAX;
        }
    }
    if (run != SIZE_MAX)
        __asan_poison_memory_region(region->bytes + run, region->used - run);
#else
    (void)region;
#endif
}

/* Where the next buffer starts after `at`: a red zone further, at an odd multiple of 256. */
static size_t next_start(size_t at) { return (at + RED_ZONE + 2 * ALIGN - 1) / (2 * ALIGN) * (2 * ALIGN) + ALIGN; }

bool simt_memory_create(struct attn_memory *memory, const struct attn_problem *problem, const struct attn_image *image,
                        int64_t workspace_bytes)
{
    struct simt_region *region = &memory->region;
    memory->problem = *problem;
    memory->n_buffers = image->n_buffers;
    memory->n_places = 0;
    if (workspace_bytes < 0 || static_cast<uint64_t>(workspace_bytes) > MOST_CAPACITY)
        return false;
    size_t at = 0;
    for (int b = 0; b < image->n_buffers; b++) {
        if (image->buffer[b].size < 0 || static_cast<uint64_t>(image->buffer[b].size) > MOST_CAPACITY)
            return false;
        memory->buffer_start[b] = next_start(at);
        memory->buffer_bytes[b] = image->buffer[b].size;
        at = memory->buffer_start[b] + static_cast<size_t>(image->buffer[b].size);
    }
    memory->workspace_start = next_start(at);
    memory->workspace_bytes = workspace_bytes;
    const size_t used = (memory->workspace_start + static_cast<size_t>(workspace_bytes) + RED_ZONE + 7) / 8 * 8;
    if (!region->bytes || used + RED_ZONE > region->capacity) {
        simt_memory_unmap(memory);
        if (!region_map(region, used + RED_ZONE))
            return false;
    }
    unpoison(region, region->used > used ? region->used : used);
    size_t end = 0;
    for (int b = 0; b < image->n_buffers; b++) {
        make_gap(region, end, memory->buffer_start[b]);
        end = memory->buffer_start[b] + static_cast<size_t>(memory->buffer_bytes[b]);
        memcpy(region->kind + memory->buffer_start[b], image->buffer[b].role,
               static_cast<size_t>(memory->buffer_bytes[b]));
    }
    make_gap(region, end, used);
    if (region->used > used)
        memset(region->kind + used, SIMT_GAP, region->used - used);
    region->used = used;
    poison(region);
#if SIMT_ASAN
    /* Which of its bytes are elements is for a plan to say (simt_memory_begin). */
    __asan_unpoison_memory_region(region->bytes + memory->workspace_start, static_cast<size_t>(workspace_bytes));
#endif
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        const int b = image->buffer_of[o];
        memory->buffer_of[o] = b;
        if (b < 0)
            continue;
        struct simt_place *place = &memory->place[memory->n_places++];
        place->operand = o;
        place->start = memory->buffer_start[b] + static_cast<size_t>(problem->t[o].offset);
        place->bytes = static_cast<size_t>(attn_tensor_span(&problem->t[o]));
    }
    return true;
}

/* The gaps between are poisoned, the sanitizer's own memcpy would object. */
SIMT_HOT_FUNCTION static void copy_bytes(uint8_t *to, const uint8_t *from, size_t bytes)
{
    size_t i = 0;
    for (; i + 16 <= bytes; i += 16) {
        simt_u32x4 v;
        __builtin_memcpy_inline(&v, from + i, 16);
        __builtin_memcpy_inline(to + i, &v, 16);
    }
    for (; i < bytes; i++)
        *const_cast<volatile uint8_t *>(to + i) = from[i];
}

void simt_memory_upload(struct attn_memory *memory, const struct attn_image *image)
{
    for (int b = 0; b < memory->n_buffers; b++)
        copy_bytes(memory->region.bytes + memory->buffer_start[b], image->buffer[b].bytes,
                   static_cast<size_t>(memory->buffer_bytes[b]));
}

void simt_memory_download(const struct attn_memory *memory, struct attn_image *image)
{
    for (int b = 0; b < memory->n_buffers; b++)
        copy_bytes(image->buffer[b].bytes, memory->region.bytes + memory->buffer_start[b],
                   static_cast<size_t>(memory->buffer_bytes[b]));
}

/* Tags have 31 bits of serial number less one: long before they are used up, all are forgotten. */
static void renew_serials(struct simt_region *region)
{
    for (size_t i = 0; i < region->used; i++)
        if (region->kind[i] & SIMT_WRITABLE)
            region->tag[i] = 0;
    region->serial = 1;
}

void simt_memory_begin(struct attn_memory *memory, const struct attn_plan *plan)
{
    struct simt_region *region = &memory->region;
    if (region->serial > UINT32_C(1) << 29)
        renew_serials(region);
    region->run_serial = ++region->serial;
    while (memory->n_places > 0 && memory->place[memory->n_places - 1].operand >= ATTN_OPERAND_COUNT) {
        const struct simt_place *place = &memory->place[--memory->n_places];
        memset(region->kind + place->start, SIMT_GAP, place->bytes);
    }
    for (int r = 0; plan && r < ATTN_REGION_COUNT; r++) {
        if (plan->region_bytes[r] <= 0)
            continue;
        struct simt_place *place = &memory->place[memory->n_places++];
        place->operand = ATTN_OPERAND_COUNT + r;
        place->start = memory->workspace_start + static_cast<size_t>(plan->region_offset[r]);
        place->bytes = static_cast<size_t>(plan->region_bytes[r]);
        memset(region->kind + place->start, SIMT_WORKSPACE, place->bytes);
    }
}

void *simt_memory_at(const struct attn_memory *memory, int operand)
{
    const int b = memory->buffer_of[operand];
    return b < 0 ? nullptr : memory->region.bytes + memory->buffer_start[b] + memory->problem.t[operand].offset;
}

/* Is a row of dst, the one of these indices, written? */
static bool row_written(const struct attn_memory *memory, int64_t i1, int64_t i2, int64_t i3, size_t *at)
{
    const struct simt_region *region = &memory->region;
    const struct attn_tensor *dst = &memory->problem.t[ATTN_DST];
    const uint32_t run = region->run_serial << 1;
    const size_t first = memory->buffer_start[memory->buffer_of[ATTN_DST]] + static_cast<size_t>(dst->offset);
    const int64_t skip = (dst->ne[1] > 1 ? i1 * dst->nb[1] : 0) + (dst->ne[2] > 1 ? i2 * dst->nb[2] : 0) +
                         (dst->ne[3] > 1 ? i3 * dst->nb[3] : 0);
    const size_t start = first + static_cast<size_t>(skip);
    uint32_t oldest = UINT32_MAX;
    for (size_t i = start; i < start + static_cast<size_t>(dst->ne[0]) * sizeof(float); i++)
        oldest = region->tag[i] < oldest ? region->tag[i] : oldest;
    if (oldest >= run)
        return true;
    *at = start;
    while (region->tag[*at] >= run)
        ++*at;
    return false;
}

bool simt_memory_dst_written(const struct attn_memory *memory, size_t *at)
{
    const struct attn_tensor *dst = &memory->problem.t[ATTN_DST];
    for (int64_t i3 = 0; i3 < dst->ne[3]; i3++)
        for (int64_t i2 = 0; i2 < dst->ne[2]; i2++)
            for (int64_t i1 = 0; i1 < dst->ne[1]; i1++)
                if (!row_written(memory, i1, i2, i3, at))
                    return false;
    return true;
}

bool simt_memory_rows_written(const struct attn_memory *memory, const struct attn_sample *sample, size_t *at)
{
    for (int r = 0; r < sample->n_rows; r++) {
        const struct attn_sample_row row = attn_sample_row_at(&memory->problem, sample->row[r]);
        if (!row_written(memory, row.head, row.iq, row.seq, at))
            return false;
    }
    return true;
}

/* ---- Names of places ------------------------------------------------------------------------------------- */

/* Coordinates of the element that byte `offset` of a tensor belongs to, or would: largest strides first. */
static bool coordinates(const struct attn_tensor *t, int64_t offset, int64_t at[4])
{
    const struct attn_type_info *info = attn_type_info(t->type);
    int order[3];
    attn_tensor_order(t, order);
    for (int i = 2; i >= 0; i--) {
        const int d = order[i];
        at[d] = 0;
        if (t->ne[d] <= 1 || t->nb[d] <= 0)
            continue;
        at[d] = offset / t->nb[d];
        at[d] = at[d] >= t->ne[d] ? t->ne[d] - 1 : at[d];
        offset -= at[d] * t->nb[d];
    }
    at[0] = offset / info->block_bytes * info->block_elems;
    return at[0] < t->ne[0];
}

void simt_memory_describe(const struct attn_memory *memory, size_t at, struct attn_failure *failure, char *text,
                          size_t cap)
{
    /* The tensor or region that has the byte in its extent, one that has it as an element first; else the one
     * that ends closest before it, else the first. */
    const struct simt_place *best = nullptr;
    uint64_t best_rank = UINT64_MAX;
    for (int p = 0; p < memory->n_places; p++) {
        const struct simt_place *place = &memory->place[p];
        const bool inside = at >= place->start && at - place->start < place->bytes;
        int64_t c[4];
        uint64_t rank;
        if (inside)
            rank = place->operand < ATTN_OPERAND_COUNT &&
                           !coordinates(&memory->problem.t[place->operand], static_cast<int64_t>(at - place->start), c)
                       ? 1
                       : 0;
        else if (at >= place->start)
            rank = 2 + 2 * (at - (place->start + place->bytes));
        else
            rank = 3 + 2 * (place->start - at);
        if (rank < best_rank) {
            best_rank = rank;
            best = place;
        }
    }
    if (!best) {
        failure->offset = static_cast<int64_t>(at);
        snprintf(text, cap, "byte %zu of a region without tensors", at);
        return;
    }
    failure->operand = best->operand;
    failure->offset = static_cast<int64_t>(at) - static_cast<int64_t>(best->start);
    char name[32];
    if (best->operand < ATTN_OPERAND_COUNT)
        snprintf(name, sizeof name, "%s", attn_operand_name(best->operand));
    else
        snprintf(name, sizeof name, "workspace %s", attn_region_name(best->operand - ATTN_OPERAND_COUNT));
    const long long offset = static_cast<long long>(failure->offset);
    if (best->operand >= ATTN_OPERAND_COUNT || best_rank >= 2) {
        if (best_rank < 2)
            snprintf(text, cap, "%s+%lld", name, offset);
        else if (offset < 0)
            snprintf(text, cap, "%s-%lld, before its start", name, -offset);
        else
            snprintf(text, cap, "%s+%lld, past its end (%zu bytes)", name, offset, best->bytes);
        return;
    }
    int64_t c[4];
    const bool element = coordinates(&memory->problem.t[best->operand], failure->offset, c);
    snprintf(text, cap, "%s[%lld,%lld,%lld,%lld]%s (+%lld)", name, static_cast<long long>(c[0]),
             static_cast<long long>(c[1]), static_cast<long long>(c[2]), static_cast<long long>(c[3]),
             element ? "" : ", past its row", offset);
}
