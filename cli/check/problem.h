/* problem.h: what is asked of a problem, whatever the subject.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_PROBLEM_H
#define ATTNFUZZ_CHECK_PROBLEM_H

#include <stdbool.h>

#include "planner/attn_planner.h"

/* Index into check->works: of a head size of the planner's table, ATTN_HEAD_SIZE_COUNT for any other. */
int check_head_size(const struct attn_problem *p);
/* The strides of extent-1 dimensions as ggml's own operations leave them. */
void check_plain_strides(struct attn_problem *p);
/* As callers of ggml can make it, where that takes a change of layout only: mask and dst contiguous in memory of their
 * own, nothing of Q, K and V broadcast, all heads of the layer. It may not be legal then. */
void check_usual_layout(struct attn_problem *p);
/* Is problem a a simpler example than b: fewer things that a plain call has not, then less work? */
bool check_simpler(const struct attn_problem *a, const struct attn_problem *b);
/* Is the tensor contiguous, at the start of a buffer of its own? */
bool check_tensor_is_plain(const struct attn_tensor *t);
/* Is every tensor contiguous, at the start of a buffer of its own? */
bool check_is_plain(const struct attn_problem *p);

/* Plain calls of every head size of the planner's table, as servers make them: so that for each there is one that is
 * supported, if any. Number i of CHECK_PLAIN_CALLS; false where it is not legal. */
enum { CHECK_PLAIN_CALLS = ATTN_HEAD_SIZE_COUNT * 64 };
bool check_plain_call(int i, struct attn_problem *p);

#endif
