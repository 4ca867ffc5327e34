/* attn_hip.h: what a GPU backend can do beyond attn_backend.h: time launches and copies. And how a program finds the
 * backend, which is a shared object of its own (attn_hip.so): the program must start on machines without a GPU's
 * runtime, and the object may come from another compiler (nvcc with its host compiler).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_HIP_H
#define ATTN_HIP_H

#include "kernels/attn_backend.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The operations of a backend whose ops->name is "hip". */
struct attn_hip_ops {
    struct attn_backend_ops base; /* first: attn_backend.ops points here */
    /* Milliseconds on the device of each launch of the last run, by enum attn_step; 0 for a launch it had not. */
    void (*step_milliseconds)(struct attn_backend *, double milliseconds[ATTN_STEP_COUNT]);
    /* Runs a plan `repeats` times, back to back, taking the n_memories memories of that problem in turn (so that
     * caches are as cold as those are large); *milliseconds* gets the device time of each repeat, all its launches
     * together. Nothing is checked but statuses: run the plan once before. */
    bool (*time)(struct attn_backend *, struct attn_memory *const memories[], int n_memories,
                 const struct attn_problem *, const struct attn_plan *, int repeats, double milliseconds[],
                 struct attn_failure *);
    /* Times copies of so many bytes from device memory to device memory, `repeats` times. */
    bool (*time_copy)(struct attn_backend *, int64_t bytes, int repeats, double milliseconds[], struct attn_failure *);
    /* The GPU's name as its runtime gives it. */
    const char *(*card)(struct attn_backend *);
};

static inline const struct attn_hip_ops *attn_hip_ops_of(const struct attn_backend *backend)
{
    return (const struct attn_hip_ops *)(const void *)backend->ops;
}

/* What attn_hip.so exports. abi is ATTN_HIP_ABI, made of the headers that both sides were compiled with: with another
 * one nothing else of it may be used. */
struct attn_hip_plugin {
    char abi[65];
    struct attn_backend *(*open)(int index, char *error, size_t cap);
};
typedef const struct attn_hip_plugin *(*attn_hip_plugin_function)(void);
const struct attn_hip_plugin *attn_hip_plugin(void);

#ifdef __cplusplus
}
#endif
#endif
