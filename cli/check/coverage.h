/* coverage.h: which kernels and rules the calls reached, for the page's heat map.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_COVERAGE_H
#define ATTNFUZZ_CHECK_COVERAGE_H

#include <stdio.h>

#include "cli/check/call.h"

/* Begins to count; false, with a message, when there is no memory. */
bool check_coverage_open(struct check *check);
/* Counts a call: the attention kernel that it launched (NULL: none), of our own planner each kernel's verdict. Does
 * nothing where counting was not begun. */
void check_coverage_note(struct check *check, int device, const struct attn_problem *p, const char *kernel,
                         const struct check_verdict *verdict);
/* Which kernel is chosen for the head sizes, ratios and types of the findings, asked now, and what was counted. */
void check_report_pictures(FILE *out, const struct check *check);

#endif
