/* attn_plugin.h: a planner of your own as a subject, without a change to attnfuzz: a shared library that exports one
 * symbol, `attn_plugin`, described here. attnfuzz check --subject plugin=LIBRARY asks it, as do diff and map.
 *
 * The library's functions are called in attnfuzz's process, by one thread. A call that crashes, aborts or does not come
 * back is a finding; in `device` it is an error, and the library is not used. examples/subject is one.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_PLUGIN_H
#define ATTN_PLUGIN_H

#include "planner/attn_planner.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ATTN_PLUGIN_VERSION = 1, ATTN_PLUGIN_LAUNCHES_MAX = 16 };

/* One kernel launch. */
struct attn_plugin_launch {
    const char *kernel; /* its name; valid as long as the library is loaded, and the same pointer for the same kernel */
    uint32_t grid[3];   /* workgroups */
    uint32_t block[3];  /* threads */
    uint32_t lds_bytes; /* of a workgroup, static and dynamic together */
};

struct attn_plugin {
    uint32_t version;       /* ATTN_PLUGIN_VERSION */
    uint32_t problem_bytes; /* sizeof(struct attn_problem) and sizeof(struct attn_device), as they were compiled: */
    uint32_t device_bytes;  /* another number is another version of attn_planner.h, and the library is not used */
    const char *name;       /* what it is, with its version */
    /* Describes device number `index`; false past the last. A device may be a row of the table (attn_device_find) or
     * one of its own. */
    bool (*device)(int index, struct attn_device *device);
    /* Can the planner's own callers make this call, which is legal (attn_problem_check)? *why gets a short phrase where
     * they cannot. NULL: they can make all. */
    bool (*legal)(const struct attn_problem *problem, const char **why);
    /* Does it say that it runs the call on that device? */
    bool (*supports)(int device, const struct attn_problem *problem);
    /* What it launches for a call that it supports: fills launch[0 .. most) and returns how many there are; -1 with a
     * short phrase in *why when it finds that it cannot. */
    int (*dispatch)(int device, const struct attn_problem *problem, struct attn_plugin_launch *launch, int most,
                    const char **why);
    /* Does a kernel of that name compute attention (as opposed to helping: conversions, merging)? NULL: each does. */
    bool (*is_attention)(const char *kernel);
};

#ifdef __cplusplus
}
#endif
#endif
