/* baseline.h: findings that are known and accepted.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_BASELINE_H
#define ATTNFUZZ_CHECK_BASELINE_H

#include <stdint.h>

#include "cli/check/state.h"

struct check_baseline {
    int n;
    struct {
        char *pattern;
        int64_t line;
        uint64_t used;
    } *entry;
};
/* Reads a file of patterns (fnmatch), one a line, '#' begins a comment. CLI_GOOD, or CLI_USAGE with a message. */
int check_baseline_read(const char *path, struct check_baseline *baseline);
/* Marks the known findings; returns how many are not known. */
int check_baseline_apply(struct check_baseline *baseline, struct check *check);
void check_baseline_free(struct check_baseline *baseline);

#endif
