/* regions.h: is each region of a plan's workspace as large as what its launches will write and read there? Worked out
 * from the launches and the key, not from how contracts lay regions out.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_REGIONS_H
#define ATTN_REGIONS_H

#include "planner/attn_planner.h"

/* A region that is not: what it has, and what the launches address, bytes. */
struct attn_region_size {
    int32_t region; /* enum attn_region */
    int64_t has, needs;
};

/* True when every region is as large as it must be, and no larger; else the first that is not. */
bool attn_regions_fit(const struct attn_plan *plan, struct attn_region_size *wrong);

#endif
