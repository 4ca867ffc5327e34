/* snippet_compute.h: what a finding's program has more where the finding is about what was computed: data, attention in
 * double precision, and a comparison.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_SNIPPET_COMPUTE_H
#define ATTNFUZZ_CHECK_SNIPPET_COMPUTE_H

#include <stdbool.h>
#include <stdio.h>

#include "planner/attn_planner.h"

/* Before main: functions, and the tensors' bytes. False where those are too many: the program draws others. */
bool check_snippet_functions(FILE *out, const struct attn_problem *problem);
/* In main, where the tensors have their memory: fills them. drawn: as check_snippet_functions returned, negated. */
void check_snippet_fill(FILE *out, const struct attn_problem *problem, bool drawn);
/* In main, where the graph was computed: compares, and returns. */
void check_snippet_compare(FILE *out, const struct attn_problem *problem);

#endif
