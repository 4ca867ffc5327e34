/* spread.c: see spread.h.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/spread.h"

#include "planner/arith.h"

void attn_plan_spread(struct attn_plan *plan, int64_t guard)
{
    int64_t at = 0;
    for (int r = 0; r < ATTN_REGION_COUNT; r++) {
        if (plan->region_bytes[r] <= 0)
            continue;
        plan->region_offset[r] = at + guard;
        at = attn_round_up(plan->region_offset[r] + plan->region_bytes[r], 256);
    }
    plan->workspace_bytes = at;
}
