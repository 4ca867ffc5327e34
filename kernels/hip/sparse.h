/* sparse.h: an arena of address space, of which ranges are memory: the runtime's virtual memory calls.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_HIP_SPARSE_H
#define ATTN_HIP_SPARSE_H

#include "kernels/hip/memory.h"

/* Makes the arena of a memory that is laid out: reserves addresses for all of it and maps memory of the GPU of that
 * number, which is the current one, into memory->present. NULL, or the call that failed; nothing is kept then. */
const char *hip_sparse_open(struct attn_memory *memory, const struct attn_image *image, int gpu);
/* Gives such an arena back. */
void hip_sparse_close(struct attn_memory *memory);

#endif
