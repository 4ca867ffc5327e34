/* baseline.h: findings that are known and accepted.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_BASELINE_H
#define ATTNFUZZ_CHECK_BASELINE_H

#include <stdint.h>
#include <stdio.h>

#include "cli/check/state.h"

/* One line: a pattern (fnmatch) of ids, and behind " @ " the devices on which it is known, with commas; without them on
 * all. Patterns of the keys of version 0.1, which had devices, features and lines of the subject's source in them, are
 * read too. */
struct check_baseline_entry {
    char *pattern;
    const char *devices; /* in `pattern`; NULL: all */
    int64_t line;
    uint64_t used;
};
struct check_baseline {
    int n;
    struct check_baseline_entry *entry;
};
/* Reads a file of them, '#' begins a comment. CLI_GOOD, or CLI_USAGE with a message. */
int check_baseline_read(const char *path, struct check_baseline *baseline);
/* Marks the known findings: those that are known on all of their devices. */
void check_baseline_apply(struct check_baseline *baseline, struct check *check);
/* Writes all findings as a baseline. */
void check_baseline_write(FILE *out, const struct check *check);
void check_baseline_free(struct check_baseline *baseline);

#endif
