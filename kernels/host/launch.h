/* launch.h: single launches on the host backend, below plans: for tests of the executor and for measuring it.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_HOST_LAUNCH_H
#define ATTN_HOST_LAUNCH_H

#include "kernels/args.h"
#include "kernels/attn_backend.h"

#ifdef __cplusplus
extern "C" {
#endif

struct simt_items;

struct simt_launch {
    attn_entry entry;
    const struct attn_args *args;
    struct attn_launch shape;
    const struct attn_device *device;
    int step;                       /* enum attn_step, for messages */
    const struct simt_items *items; /* that are run; NULL: all */
};

/* Runs one launch; true when all went well, else *failure says what did not. memory may be NULL. */
bool attn_host_launch(struct attn_backend *backend, struct attn_memory *memory, const struct simt_launch *launch,
                      struct attn_failure *failure);

/* What `run` does before the launches of a plan and after them: dst and workspace count as unwritten, and the
 * plan's regions are the workspace's elements; is dst whole? */
void attn_host_begin(struct attn_memory *memory, const struct attn_plan *plan);
bool attn_host_dst_whole(const struct attn_memory *memory, struct attn_failure *failure);

/* Addresses of an operand's first element (NULL when absent) and of the workspace. */
void *attn_host_at(const struct attn_memory *memory, int operand);
void *attn_host_workspace(const struct attn_memory *memory);

/* How many operations the LDS clock counts before it restarts: at least 8. Small values make tests restart it. */
void attn_host_clock_limit(struct attn_backend *backend, uint32_t limit);

#ifdef __cplusplus
}
#endif
#endif
