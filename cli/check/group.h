/* group.h: findings that are shown together.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_GROUP_H
#define ATTNFUZZ_CHECK_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/check/state.h"

struct check_group {
    const struct check_finding *stands; /* for all of them: the simplest of the nearest reach */
    const struct check_finding *first;  /* members lie in a row from here on */
    int members;
    uint64_t calls;              /* that fell into one of them */
    uint32_t devices;            /* on which one of them shows */
    char heads[512], types[512]; /* head sizes, and types K/V of holes that are about them: words, each once */
    char needs[512]; /* what their problems have that plain calls have not; of holes the fields that matter */
};
/* Are two findings of one group: one cause, both far or neither, both known or neither? */
bool check_group_same(const struct check_finding *a, const struct check_finding *b);

int check_group_count(const struct check *check);
/* Group number 0 and on; false when there is none. */
bool check_group_get(const struct check *check, int number, struct check_group *group);
/* Is the group of that number one of those that are far? */
bool check_group_far(const struct check *check, int number);

#endif
