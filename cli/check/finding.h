/* finding.h: from calls that broke something to findings.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_FINDING_H
#define ATTNFUZZ_CHECK_FINDING_H

#include "cli/check/state.h"

/* Shrinks what was noted to distinct findings. */
void check_find(struct check *check);
/* Sorts them: unknown ones first, then by kind, then group. */
void check_sort(struct check *check);

#endif
