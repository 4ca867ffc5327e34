/* items.h: the items of a launch that are run, where not all are: what a launch's loop counts (simt.h), in ranges.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_HOST_ITEMS_H
#define ATTN_HOST_ITEMS_H

#include "kernels/args.h"
#include "kernels/sample.h"

/* From begin on, before end. */
struct simt_range {
    int64_t begin, end;
};

struct simt_items {
    struct simt_range *range; /* ascending and apart */
    int64_t n, room;
    int64_t side;  /* so many items side by side are one step of a thread's loop */
    int64_t block; /* and so many one of a block's */
    bool failed;   /* memory ran out */
};

/* Sets *items to the items of a launch that the sample's rows need; free with simt_items_free. */
void simt_items_of(const struct attn_args *args, const struct attn_plan *plan, int step,
                   const struct attn_problem *problem, const struct attn_sample *sample, struct simt_items *items);
/* Adds the bytes of each region of the workspace that these items of a step write for those that come after. */
void simt_items_write(const struct attn_args *args, const struct attn_plan *plan, int step,
                      const struct attn_problem *problem, const struct attn_sample *sample,
                      const struct simt_items *items, struct simt_items region[ATTN_REGION_COUNT]);
void simt_items_free(struct simt_items *items);

/* The first of item, item + step, ... that is run, alone or with those at its side; `end` or more when none is. */
int64_t simt_items_next(const struct simt_items *items, int64_t item, int64_t step, int64_t end);
/* Is that item run? */
bool simt_items_has(const struct simt_items *items, int64_t item);
/* The blocks of a row of so many that have items: their number, and blocks[i] of each, ascending. NULL: no memory. */
uint32_t *simt_items_blocks(const struct simt_items *items, uint32_t blocks, uint32_t *n);

#endif
