/* launch.h: a launch, made and held against device and code.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_LAUNCH_H
#define ATTN_NULL_LAUNCH_H

#include "subjects/null/hip_abi.h"
#include "subjects/null/null_hip.h"
#include "subjects/null/operation.h"

/* Makes *op a launch of a registered function on the current device, held against the device and the code, with its
 * arguments where launches run (values, or extra, as hipModuleLaunchKernel has them); one owner. A HIP error,
 * said on stderr and recorded with its flag, when it cannot be. */
int null_launch_make(struct null_op *op, const char *entry, const void *function, struct hip_dim3 grid,
                     struct hip_dim3 block, size_t lds, void **values, void **extra);

#endif
