/* memory.h: device memory, and what is known of a piece of it.
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
    unsigned flags;            /* that it was asked for with */
    bool registered;           /* the program's own host memory (hipHostRegister): no red zones, never freed here */
    const unsigned char *role; /* null_hip_roles; NULL: none was given */
    uint64_t version;          /* another number for another allocation, and for each call that gave it roles */
    bool in_code;              /* a variable in loaded code: its machine knows it already */
};

/* The memory that an address lies in; NULL: none of the runtime's. Valid until the next allocation or release. Locked.
 */
const struct null_memory *null_memory_at(const void *address);

/* The allocations by number, in the order of addresses; NULL past the last. And a number that changes whenever they do.
 * Locked. */
const struct null_memory *null_memory_number(size_t index);
uint64_t null_memory_changes(void);

/* Memory of that kind; NULL when there is none. Locked. */
void *null_memory_new(size_t bytes, int kind, int device, unsigned flags);
/* False, with a message, when something wrote before or after it. Locked. */
bool null_memory_free(void *memory, const char *entry);
/* The program's own host memory as pinned; a HIP error. And back: false when it is not. Locked. */
int null_memory_register(void *memory, size_t bytes, int device, unsigned flags);
bool null_memory_unregister(void *memory);
/* The place of a variable in loaded code as device memory. False when memory runs out. Locked. */
bool null_memory_in_code(void *memory, size_t bytes, int device);

#endif
