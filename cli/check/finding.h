/* finding.h: from calls that broke something to findings.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_FINDING_H
#define ATTNFUZZ_CHECK_FINDING_H

#include "cli/check/state.h"

/* Shrinks what was noted to distinct findings. */
void check_find(struct check *check);
/* Sorts them: what is not known first, far ones behind the others, then by kind, reach and cause. */
void check_sort(struct check *check);
/* Leaves out what is farther than check->most_reach, and counts it. Returns how many of the others are not known. */
int check_leave_beyond(struct check *check);

#endif
