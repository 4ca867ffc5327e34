/* spread.h: a workspace whose regions have room between them, for backends: what is written past the end of a region
 * is then no other one's.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SPREAD_H
#define ATTN_SPREAD_H

#include "planner/attn_planner.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Moves the regions of a plan's workspace apart: `guard` bytes (a multiple of 256) or more lie before each. */
void attn_plan_spread(struct attn_plan *plan, int64_t guard);
/* The most that the workspace of such a plan takes, of so many bytes as it was. */
static inline int64_t attn_spread_bytes(int64_t workspace_bytes, int64_t guard)
{
    return workspace_bytes + ATTN_REGION_COUNT * (guard + 256);
}

#ifdef __cplusplus
}
#endif
#endif
