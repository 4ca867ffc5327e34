/* memory.cc: global memory of a problem: one reserved region of address space with a byte shadow beside it.
 *
 * Buffers start on addresses that are multiples of 256 and of nothing larger, with a red zone on both sides. What is no
 * element holds NaN patterns (0xFF), has the class SIMT_GAP, and is poisoned for AddressSanitizer where whole groups
 * of eight bytes belong to no element. A region is reused for the next problem: setting up costs time in
 * proportion to the bytes of the problem, not of the region.
 *
 * Where an image is sparse the region is: pages and their shadow come into being in its stretches alone, when they are
 * laid out, and in the workspace, when they are written. Elsewhere the shadow reads as zero, which is SIMT_GAP. Such a
 * region is not kept, so that what a process has touched does not add up; and regions of the workspace lie more than
 * 2^31 bytes apart in it.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/host/executor.h"

#include "kernels/spread.h"
#include "planner/arith.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if SIMT_ASAN
#include <sanitizer/asan_interface.h>
#endif

enum : size_t {
    ALIGN = 256,
    RED_ZONE = 4096,              /* a page: before, between and after buffers, and between regions of the workspace */
    FAR_ZONE = size_t{ 1 } << 31, /* between regions where memory is sparse */
    LEAST_CAPACITY = size_t{ 64 } << 20, /* address space, not memory */
    MOST_WORKSPACE = size_t{ 1 } << 40   /* as the planner's; a plan that is run whole has less by the caller's limit */
};
constexpr int64_t MOST_KEPT = INT64_C(1) << 30; /* bytes of a buffer in memory that serves the next problem too */

/* Bytes of address space a region of that capacity takes: bytes, classes (with room to look past the end), tags. */
static size_t map_bytes(size_t capacity) { return capacity * 6 + 2 * RED_ZONE; }

static bool region_map(struct simt_region *region, size_t need, bool sparse)
{
    size_t capacity = sparse ? (need + RED_ZONE - 1) / RED_ZONE * RED_ZONE : LEAST_CAPACITY;
    while (capacity < need)
        capacity *= 2;
    void *map =
        mmap(nullptr, map_bytes(capacity), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        return false;
    if (sparse)
        madvise(map, map_bytes(capacity), MADV_NOHUGEPAGE); /* a row would take two megabytes */
    region->bytes = static_cast<uint8_t *>(map);
    region->tag = reinterpret_cast<uint32_t *>(region->bytes + capacity);
    region->kind = region->bytes + capacity * 5 + RED_ZONE;
    region->capacity = capacity;
    region->serial = 1;
    region->sparse = sparse;
    return true;
}

static void unpoison(struct simt_region *region)
{
#if SIMT_ASAN
    for (int32_t i = 0; i < region->n_stretches; i++) {
        const struct attn_stretch s = region->stretch[i];
        __asan_unpoison_memory_region(region->bytes + s.start, static_cast<size_t>(s.end - s.start));
    }
#else
    (void)region;
#endif
}

void simt_memory_unmap(struct attn_memory *memory)
{
    struct simt_region *region = &memory->region;
    if (region->bytes) {
        unpoison(region);
        munmap(region->bytes, map_bytes(region->capacity));
    }
    free(region->stretch);
    free(memory->marked);
    memory->marked = nullptr;
    memory->n_marked = memory->most_marked = 0;
    memset(region, 0, sizeof *region);
}

/* From start to end there is no element. */
static void make_gap(struct simt_region *region, size_t start, size_t end)
{
    memset(region->kind + start, SIMT_GAP, end - start);
    memset(region->bytes + start, 0xFF, end - start);
}

/* Poisons what the classes say is a gap, in whole groups of eight bytes. Stretches begin at such groups. */
static void poison(const struct simt_region *region, struct attn_stretch s)
{
#if SIMT_ASAN
    const size_t end = static_cast<size_t>(s.end);
    size_t run = SIZE_MAX; /* where the current gap began */
    for (size_t i = static_cast<size_t>(s.start); i < end; i += 8) {
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
        __asan_poison_memory_region(region->bytes + run, end - run);
#else
    (void)region;
    (void)s;
#endif
}

/* ---- Layout ---------------------------------------------------------------------------------------------- */

/* Where the next buffer starts after `at`: a red zone further, at an odd multiple of 256. */
static size_t next_start(size_t at) { return (at + RED_ZONE + 2 * ALIGN - 1) / (2 * ALIGN) * (2 * ALIGN) + ALIGN; }

bool simt_memory_passing(const struct attn_image *image, int64_t workspace_bytes)
{
    bool passing = workspace_bytes > MOST_KEPT;
    for (int b = 0; b < image->n_buffers; b++)
        passing |= image->buffer[b].sparse || image->buffer[b].size > MOST_KEPT;
    return passing;
}

/* Adds a stretch of the region, which starts no earlier than the last one. */
static bool add_stretch(struct simt_region *region, size_t start, size_t end)
{
    const struct attn_stretch s = { static_cast<int64_t>(start / 8 * 8), static_cast<int64_t>((end + 7) / 8 * 8) };
    struct attn_stretch *last = region->n_stretches ? &region->stretch[region->n_stretches - 1] : nullptr;
    if (last && s.start <= last->end) {
        last->end = attn_max(last->end, s.end);
        return true;
    }
    if (region->n_stretches == region->most_stretches) {
        const int32_t most = region->most_stretches ? 2 * region->most_stretches : 64;
        void *more = realloc(region->stretch, static_cast<size_t>(most) * sizeof *region->stretch);
        if (!more)
            return false;
        region->stretch = static_cast<struct attn_stretch *>(more);
        region->most_stretches = most;
    }
    region->stretch[region->n_stretches++] = s;
    return true;
}

/* A buffer's stretches, where it lies; a red zone goes with its first and last byte. */
static bool add_buffer(struct simt_region *region, const struct attn_buffer *buffer, size_t start)
{
    for (int32_t i = 0; i < buffer->n_stretches; i++) {
        const struct attn_stretch s = buffer->stretch[i];
        if (!add_stretch(region, start + static_cast<size_t>(s.start) - (s.start == 0 ? RED_ZONE : 0),
                         start + static_cast<size_t>(s.end) + (s.end == buffer->size ? RED_ZONE : 0)))
            return false;
    }
    return true;
}

/* Where buffers and workspace lie; returns the bytes of all, 0 when there is no room for them. */
static size_t place_buffers(struct attn_memory *memory, const struct attn_image *image, int64_t workspace_bytes)
{
    size_t at = 0;
    int64_t reach = 0;
    memory->n_buffers = image->n_buffers;
    memory->workspace_guard = workspace_bytes > MOST_KEPT ? FAR_ZONE : RED_ZONE;
    for (int b = 0; b < image->n_buffers; b++) {
        if (image->buffer[b].size < 0 || image->buffer[b].size > ATTN_REACH_MOST - reach)
            return 0;
        reach += image->buffer[b].size;
        memory->buffer_start[b] = next_start(at);
        memory->buffer_bytes[b] = image->buffer[b].size;
        at = memory->buffer_start[b] + static_cast<size_t>(image->buffer[b].size);
        if (image->buffer[b].sparse)
            memory->workspace_guard = FAR_ZONE;
    }
    memory->workspace_start = next_start(at);
    memory->workspace_bytes = workspace_bytes;
    const int64_t workspace = attn_spread_bytes(workspace_bytes, memory->workspace_guard);
    return (memory->workspace_start + static_cast<size_t>(workspace) + RED_ZONE + 7) / 8 * 8;
}

/* Classes of all stretches, and the pattern where no buffer's bytes will be. */
static void lay_out(struct attn_memory *memory, const struct attn_image *image)
{
    struct simt_region *region = &memory->region;
    const struct attn_stretch *r = region->stretch, *const end = r + region->n_stretches;
    size_t at = static_cast<size_t>(r->start);
    for (int b = 0; b < image->n_buffers; b++)
        for (int32_t i = 0; i < image->buffer[b].n_stretches; i++) {
            const struct attn_stretch s = image->buffer[b].stretch[i];
            const size_t start = memory->buffer_start[b] + static_cast<size_t>(s.start);
            const size_t bytes = static_cast<size_t>(s.end - s.start);
            while (start >= static_cast<size_t>(r->end)) {
                make_gap(region, at, static_cast<size_t>(r->end));
                at = static_cast<size_t>((++r)->start);
            }
            make_gap(region, at, start);
            memcpy(region->kind + start, image->buffer[b].role + s.start, bytes);
            at = start + bytes;
        }
    for (;;) {
        make_gap(region, at, static_cast<size_t>(r->end));
        if (++r == end)
            break;
        at = static_cast<size_t>(r->start);
    }
}

/* Which operands lie where. */
static void name_places(struct attn_memory *memory, const struct attn_image *image)
{
    memory->n_places = 0;
    memory->n_marked = 0;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        const int b = image->buffer_of[o];
        memory->buffer_of[o] = b;
        if (b < 0)
            continue;
        struct simt_place *place = &memory->place[memory->n_places++];
        place->operand = o;
        place->start = memory->buffer_start[b] + static_cast<size_t>(memory->problem.t[o].offset);
        place->bytes = static_cast<size_t>(attn_tensor_span(&memory->problem.t[o]));
    }
}

bool simt_memory_create(struct attn_memory *memory, const struct attn_problem *problem, const struct attn_image *image,
                        int64_t workspace_bytes)
{
    struct simt_region *region = &memory->region;
    if (workspace_bytes < 0 || static_cast<uint64_t>(workspace_bytes) > MOST_WORKSPACE)
        return false;
    memory->problem = *problem;
    const size_t used = place_buffers(memory, image, workspace_bytes);
    const bool sparse = memory->workspace_guard == FAR_ZONE;
    if (used == 0)
        return false;
    if (!region->bytes || used + RED_ZONE > region->capacity || sparse || region->sparse) {
        simt_memory_unmap(memory);
        if (!region_map(region, used + RED_ZONE, sparse))
            return false;
    }
    unpoison(region);
    region->n_stretches = 0;
    bool listed = true;
    for (int b = 0; b < image->n_buffers && listed; b++)
        listed = add_buffer(region, &image->buffer[b], memory->buffer_start[b]);
    /* The workspace of sparse memory has no stretch: its regions come into being as they are written. */
    if (listed && !sparse)
        listed = add_stretch(region, memory->workspace_start - RED_ZONE, used);
    if (!listed)
        return false;
    lay_out(memory, image);
    if (region->used > used)
        memset(region->kind + used, SIMT_GAP, region->used - used);
    region->used = used;
    for (int32_t i = 0; i < region->n_stretches; i++)
        poison(region, region->stretch[i]);
#if SIMT_ASAN
    /* Which of its bytes are elements is for a plan to say (simt_memory_begin). */
    if (!sparse)
        __asan_unpoison_memory_region(region->bytes + memory->workspace_start,
                                      used - RED_ZONE - memory->workspace_start);
#endif
    name_places(memory, image);
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
        for (int32_t i = 0; i < image->buffer[b].n_stretches; i++) {
            const struct attn_stretch s = image->buffer[b].stretch[i];
            copy_bytes(memory->region.bytes + memory->buffer_start[b] + s.start, image->buffer[b].bytes + s.start,
                       static_cast<size_t>(s.end - s.start));
        }
}

void simt_memory_download(const struct attn_memory *memory, struct attn_image *image)
{
    for (int b = 0; b < memory->n_buffers; b++)
        for (int32_t i = 0; i < image->buffer[b].n_stretches; i++) {
            const struct attn_stretch s = image->buffer[b].stretch[i];
            copy_bytes(image->buffer[b].bytes + s.start, memory->region.bytes + memory->buffer_start[b] + s.start,
                       static_cast<size_t>(s.end - s.start));
        }
}

/* Tags have 31 bits of serial number less one: long before they are used up, all are forgotten, those of earlier and
 * larger problems too. */
static void renew_serials(struct simt_region *region)
{
    madvise(region->tag, region->capacity * sizeof *region->tag, MADV_DONTNEED);
    region->serial = 1;
}

static bool mark(struct attn_memory *memory, size_t begin, size_t end)
{
    if (memory->n_marked == memory->most_marked) {
        const int64_t most = memory->most_marked ? 2 * memory->most_marked : 16;
        void *more = realloc(memory->marked, static_cast<size_t>(most) * sizeof *memory->marked);
        if (!more)
            return false;
        memory->marked = static_cast<struct simt_range *>(more);
        memory->most_marked = most;
    }
    memset(memory->region.kind + begin, SIMT_WORKSPACE, end - begin);
    memory->marked[memory->n_marked++] = { static_cast<int64_t>(begin), static_cast<int64_t>(end) };
    return true;
}

bool simt_memory_begin(struct attn_memory *memory, const struct attn_plan *plan,
                       const struct simt_items written[ATTN_REGION_COUNT])
{
    struct simt_region *region = &memory->region;
    if (region->serial > UINT32_C(1) << 29)
        renew_serials(region);
    region->run_serial = ++region->serial;
    while (memory->n_places > 0 && memory->place[memory->n_places - 1].operand >= ATTN_OPERAND_COUNT)
        memory->n_places--;
    for (; memory->n_marked > 0; memory->n_marked--) {
        const struct simt_range last = memory->marked[memory->n_marked - 1];
        memset(region->kind + last.begin, SIMT_GAP, static_cast<size_t>(last.end - last.begin));
    }
    bool marked = true;
    for (int r = 0; plan && marked && r < ATTN_REGION_COUNT; r++) {
        if (plan->region_bytes[r] <= 0)
            continue;
        struct simt_place *place = &memory->place[memory->n_places++];
        place->operand = ATTN_OPERAND_COUNT + r;
        place->start = memory->workspace_start + static_cast<size_t>(plan->region_offset[r]);
        place->bytes = static_cast<size_t>(plan->region_bytes[r]);
        if (!written)
            marked = mark(memory, place->start, place->start + place->bytes);
        for (int64_t i = 0; written && marked && i < written[r].n; i++)
            marked = mark(memory, place->start + static_cast<size_t>(written[r].range[i].begin),
                          place->start + static_cast<size_t>(written[r].range[i].end));
    }
    return marked;
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
