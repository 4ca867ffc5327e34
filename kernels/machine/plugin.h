/* plugin.h: attn_amd.so, the kernels' code objects for AMD GPUs: what a program asks of it. The objects themselves are
 * in its section .hip_fatbin, as in any HIP library (code/object.h reads them).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MACHINE_PLUGIN_H
#define ATTN_MACHINE_PLUGIN_H

#include "planner/attn_planner.h"

#ifdef __cplusplus
extern "C" {
#endif

/* abi is ATTN_HIP_ABI (hip/abi.cmake); with another one nothing else may be used. */
struct attn_amd_plugin {
    char abi[65];
    /* The device function that a step of the plan launches, mangled, as the code objects name it; NULL when no instance
     * was built. */
    const char *(*name)(const struct attn_plan *plan, int step);
};
typedef const struct attn_amd_plugin *(*attn_amd_plugin_function)(void);
const struct attn_amd_plugin *attn_amd_plugin(void);

#ifdef __cplusplus
}
#endif
#endif
