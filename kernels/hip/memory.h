/* memory.h: device memory of one problem. One allocation, the arena, holds the buffers and the workspace, each
 * between guards, and so are the regions of the workspace. Guards, the gaps inside buffers and the workspace hold 0xFF
 * bytes, a NaN in f16, bf16 and f32, before a run: a kernel that reads there computes NaN, one that writes there is
 * seen when the bytes come back. Where rows lie so far apart that the arena would be larger than a GPU's memory it is
 * address space (sparse.h), of which ranges are memory: those around what a run has a right to. Elsewhere an access
 * ends the run.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_HIP_MEMORY_H
#define ATTN_HIP_MEMORY_H

#include "kernels/attn_backend.h"

#include <vector>

/* A range of the arena that belongs to no element, and what it follows, for messages. */
struct hip_gap {
    int64_t begin, end;
    const char *after; /* "start", "buffer", "rows of buffer", "workspace's start" or "region" */
    int number;        /* of the buffer or region */
    int64_t past = 0;  /* bytes from there to begin */
};

/* Bytes of the arena, from begin to before end. */
struct hip_range {
    int64_t begin, end;
};

struct attn_memory {
    char *arena;
    int64_t capacity; /* bytes that the arena has */
    int64_t end;      /* and that this problem uses, guards included */
    int n_buffers;
    int64_t start[ATTN_OPERAND_COUNT]; /* of each buffer in the arena; multiples of 256 */
    int64_t size[ATTN_OPERAND_COUNT];
    int buffer_of[ATTN_OPERAND_COUNT];
    int64_t dst_offset;                       /* of dst's first element in its buffer */
    int64_t workspace_start, workspace_bytes; /* of the largest plan, without what lies between its regions */
    std::vector<hip_gap> between;             /* stretches of sparse buffers */
    std::vector<hip_range> present;           /* what is memory, ascending; empty: all of the arena */
    int runs;                                 /* since upload */
    int64_t region_offset[ATTN_REGION_COUNT], region_bytes[ATTN_REGION_COUNT]; /* of the last run's plan */
};

/* Fills *failure, with a text made like printf's. Returns false. */
bool hip_fail(struct attn_failure *failure, int code, int step, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Lays a problem's memory out in *memory; its arena is not touched. False when it is absurdly large. */
bool hip_memory_layout(struct attn_memory *memory, const struct attn_problem *problem, const struct attn_image *image,
                       int64_t workspace_bytes);

/* Sets memory->present: stretches, guards and the workspace, in multiples of a granule. */
void hip_memory_present(struct attn_memory *memory, const struct attn_image *image, int64_t granule);

/* Bytes of a guard: a multiple of the 256 on which buffers and regions start, and more than a row of most tensors. */
enum { HIP_GUARD = 4096 };

/* All guards, and what the workspace's regions leave over when one plan ran since upload; of that what is memory. */
void hip_memory_gaps(const struct attn_memory *memory, std::vector<hip_gap> &gaps);

/* False, with *failure, when an element of dst in a downloaded image is the pattern that it was uploaded with. */
bool hip_dst_written(const struct attn_memory *memory, const struct attn_image *image, struct attn_failure *failure);

#endif
