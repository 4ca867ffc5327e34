/* say.h: how a check of this room says what differs.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_RESTATED_SAY_H
#define ATTN_RESTATED_SAY_H

#include "fuzz/restated/restated.h"

/* Fills the fault's sentence; false. */
__attribute__((format(printf, 2, 3))) bool attn_differs(struct attn_restated_fault *fault, const char *format, ...);

static inline bool is_quantised(int type) { return attn_type_info(type)->block_bytes > 4; }

/* Of a plan of tile: is K or V of blocks, with rows of so many elements, to be decoded once, into a copy? (costs.c) */
bool attn_restated_decodes_once(const struct attn_plan *plan, int64_t head);

/* Does a plan of naive, vec or tile cost what their model says? (costs.c) */
bool attn_restated_cost(const struct attn_plan *plan, struct attn_restated_fault *fault);

#endif
