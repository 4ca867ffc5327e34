/* memory.h: what is known of a piece of memory. Part of state.h for the files that copy.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_MEMORY_H
#define ATTN_NULL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct null_memory {
    uintptr_t begin;
    size_t bytes;
    int kind; /* HIP_MEMORY_HOST: pinned, HIP_MEMORY_DEVICE, HIP_MEMORY_MANAGED */
    int device;
    unsigned flags;  /* that it was asked for with */
    bool registered; /* the program's own host memory (hipHostRegister): no red zones, never freed here */
};

/* The memory that an address lies in; NULL: none of the runtime's. Valid until the next allocation or release. Locked.
 */
const struct null_memory *null_memory_at(const void *address);

#endif
