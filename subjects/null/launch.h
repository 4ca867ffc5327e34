/* launch.h: a launch, made and held against device and code.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_LAUNCH_H
#define ATTN_NULL_LAUNCH_H

#include "subjects/null/hip_abi.h"
#include "subjects/null/null_hip.h"

/* Fills *launch for a registered function on the current device, held against the device and the code. A HIP error,
 * said on stderr and recorded with its flag, when it cannot be. */
int null_launch_make(struct null_hip_launch *launch, const char *entry, const void *function, struct hip_dim3 grid,
                     struct hip_dim3 block, size_t lds, uint32_t flags);

#endif
