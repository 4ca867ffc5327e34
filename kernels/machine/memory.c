/* memory.c: memory of one problem on the machine: its buffers, with the roles of their bytes, and a workspace of which
 * only the regions of the plan that runs are elements.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/machine/machine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kernels/spread.h"

/* Numbers of regions, for messages: buffers first, then regions of the workspace. */
enum { FIRST_WORKSPACE_REGION = ATTN_OPERAND_COUNT };

static int64_t round_up(int64_t n) { return (n + 255) & ~INT64_C(255); }

struct attn_memory *machine_memory_new(const struct attn_problem *problem, const struct attn_image *image,
                                       int64_t workspace_bytes)
{
    struct attn_memory *memory = calloc(1, sizeof *memory);
    if (!memory)
        return NULL;
    memory->image = *image;
    memory->problem = *problem;
    int64_t at = MACHINE_GUARD;
    for (int i = 0; i < image->n_buffers; i++) {
        memory->start[i] = at;
        at = round_up(at + image->buffer[i].size) + MACHINE_GUARD;
    }
    memory->workspace_start = at;
    memory->workspace_bytes = workspace_bytes;
    memory->arena_bytes = at + attn_spread_bytes(workspace_bytes, MACHINE_GUARD) + MACHINE_GUARD;
    void *arena = mmap(NULL, (size_t)memory->arena_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    memory->arena = arena;
    if (arena == MAP_FAILED) {
        free(memory);
        return NULL;
    }
    return memory;
}

void machine_memory_free(struct attn_memory *memory)
{
    munmap(memory->arena, (size_t)memory->arena_bytes);
    free(memory);
}

void machine_memory_upload(struct attn_memory *memory, const struct attn_image *image)
{
    memory->runs = 0;
    for (int i = 0; i < image->n_buffers; i++)
        for (int32_t s = 0; s < image->buffer[i].n_stretches; s++) {
            const struct attn_stretch at = image->buffer[i].stretch[s];
            memcpy(memory->arena + memory->start[i] + at.start, image->buffer[i].bytes + at.start,
                   (size_t)(at.end - at.start));
        }
}

void machine_memory_download(const struct attn_memory *memory, struct attn_image *image)
{
    for (int i = 0; i < image->n_buffers; i++)
        for (int32_t s = 0; s < image->buffer[i].n_stretches; s++) {
            const struct attn_stretch at = image->buffer[i].stretch[s];
            memcpy(image->buffer[i].bytes + at.start, memory->arena + memory->start[i] + at.start,
                   (size_t)(at.end - at.start));
        }
    machine_log_results(image);
}

void *machine_memory_at(const struct attn_memory *memory, int operand)
{
    const int buffer = memory->image.buffer_of[operand];
    return buffer < 0 ? NULL : memory->arena + memory->start[buffer] + memory->problem.t[operand].offset;
}

/* Region number i of a run: the buffers, then those of the plan's workspace. False: there is none of that number. */
static bool region_of(const struct attn_memory *memory, const struct attn_plan *plan, int i, struct isa_region *region)
{
    const int r = i - FIRST_WORKSPACE_REGION;
    *region = (struct isa_region){ .number = i };
    if (r < 0 && i < memory->image.n_buffers) {
        region->bytes = memory->arena + memory->start[i];
        region->size = (uint64_t)memory->image.buffer[i].size;
        region->role = memory->image.buffer[i].role;
    } else if (r >= 0) {
        region->bytes = memory->arena + memory->workspace_start + plan->region_offset[r];
        region->size = (uint64_t)plan->region_bytes[r];
        region->writable = true;
    }
    return region->size > 0;
}

enum { REGIONS = FIRST_WORKSPACE_REGION + ATTN_REGION_COUNT };

static void remove_regions(struct isa_machine *machine, const struct attn_memory *memory, const struct attn_plan *plan,
                           int n)
{
    struct isa_region region;
    for (int i = 0; i < n; i++)
        if (region_of(memory, plan, i, &region))
            isa_memory_remove(machine, region.bytes);
}

bool machine_memory_begin(struct isa_machine *machine, const struct attn_memory *memory, const struct attn_plan *plan)
{
    struct isa_region region;
    for (int i = 0; i < REGIONS; i++) {
        if (!region_of(memory, plan, i, &region))
            continue;
        if (!region.role)
            memset(region.bytes, 0xFF, region.size); /* NaN: what a run before left must not look right */
        if (!isa_memory_add(machine, &region)) {
            remove_regions(machine, memory, plan, i);
            return false;
        }
    }
    return true;
}

void machine_memory_end(struct isa_machine *machine, const struct attn_memory *memory, const struct attn_plan *plan)
{
    remove_regions(machine, memory, plan, REGIONS);
}

/* The first byte from `from` on in a stretch whose role is dst's, or is not. */
static int64_t run_of(const struct attn_buffer *buffer, int64_t from, int64_t end, bool dst)
{
    while (from < end && (buffer->role[from] == ATTN_ROLE_DST) != dst)
        from++;
    return from;
}

bool machine_memory_dst_whole(struct isa_machine *machine, const struct attn_memory *memory,
                              struct attn_failure *failure)
{
    const int b = memory->image.buffer_of[ATTN_DST];
    const struct attn_buffer *buffer = &memory->image.buffer[b];
    for (int32_t s = 0; s < buffer->n_stretches; s++) {
        const int64_t end = buffer->stretch[s].end;
        for (int64_t at = run_of(buffer, buffer->stretch[s].start, end, true); at < end;) {
            const int64_t past = run_of(buffer, at, end, false);
            uint64_t first = 0;
            if (!isa_memory_written(machine, memory->arena + memory->start[b] + at, (uint64_t)(past - at), &first)) {
                const int64_t offset = at + (int64_t)first - memory->problem.t[ATTN_DST].offset;
                machine_refuse(failure, ATTN_F_DST_UNWRITTEN, ATTN_STEP_MAIN,
                               "dst_unwritten: byte %lld of dst was not written", (long long)offset);
                failure->operand = ATTN_DST;
                failure->offset = offset;
                failure->bytes = sizeof(float);
                return false;
            }
            at = run_of(buffer, past, end, true);
        }
    }
    return true;
}
