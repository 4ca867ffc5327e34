/* cause.h: what in a problem's data explains a result that is off: rows without a key, numbers past f16.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_CAUSE_H
#define ATTNFUZZ_CHECK_CAUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "planner/attn_planner.h"

/* Has the row a key that its mask does not exclude, or a sink? Where it has neither this project defines zeros; ggml
 * says nothing, and its backends differ. base[o]: first element of operand o. */
bool check_cause_row_has_key(const struct attn_problem *p, const void *const base[ATTN_OPERAND_COUNT], int64_t h,
                             int64_t iq, int64_t s);

/* Is any number past f16's largest, 65504, that a kernel with f16 inside may come to: an element of K or V, a product
 * of a row of Q and a key, n_kv times the largest element of V (weights are at most 1 and not normalised before the
 * end), the scale, the softcap? Cells that hold no finite number are left out. */
bool check_cause_beyond_f16(const struct attn_problem *p, const void *const base[ATTN_OPERAND_COUNT]);

/* The largest finite element of V, by magnitude. */
double check_cause_largest_v(const struct attn_problem *problem, const void *const base[ATTN_OPERAND_COUNT]);

#endif
