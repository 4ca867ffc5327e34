/* occupancy.h: how many blocks a multiprocessor has room for.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_OCCUPANCY_H
#define ATTN_NULL_OCCUPANCY_H

#include "subjects/null/image.h"

/* Blocks of a kernel that a multiprocessor (a workgroup processor on wave32 devices) has room for; 0: it cannot run.
 * block: threads; lds: bytes of dynamic LDS. */
int null_occupancy(const struct attn_device *device, const struct null_code *code, uint32_t block, uint64_t lds);
/* Threads and LDS bytes of such a multiprocessor. */
int null_multiprocessor_threads(const struct attn_device *device);
int64_t null_multiprocessor_lds(const struct attn_device *device);

/* Multiprocessors of a device: its compute units, or half of them. */
int null_multiprocessors(const struct attn_device *device);

#endif
