/* group.h: findings that are shown together.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_GROUP_H
#define ATTNFUZZ_CHECK_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/check/state.h"

/* The finding that stands for its group: the first of it that is not known, else the first. Number of groups in *n. */
const struct check_finding *check_group(const struct check *check, int number, int *n, uint64_t *calls, int *members);
/* Head sizes of a group and, for holes that are about them, types K/V: words, each list into cap bytes. */
void check_particulars(const struct check *check, int number, char *heads, char *types, size_t cap);
/* Every device on which a finding of the same group shows. */
uint32_t check_group_devices(const struct check *check, const struct check_finding *of);

/* Are both of one group? */
bool check_same_group(const struct check_finding *a, const struct check_finding *b);

#endif
