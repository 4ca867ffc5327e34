/* tally.h: how often each of a few names came.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_IMPORT_TALLY_H
#define ATTNFUZZ_IMPORT_TALLY_H

#include <stdint.h>
#include <stdio.h>

enum { TALLY_NAMES_MAX = 96, TALLY_NAME_MAX = 160 };

struct tally {
    int n;         /* names; those past the last place are counted as "others" */
    int64_t total; /* of all counts */
    struct {
        char name[TALLY_NAME_MAX];
        int64_t n;
    } at[TALLY_NAMES_MAX];
};

/* Counts a name; returns how often it has come now. */
int64_t tally_count(struct tally *tally, const char *name);
/* A comment "# WHAT: NAME N, NAME N", the most frequent first, wrapped; nothing when nothing was counted. */
void tally_put(FILE *out, const char *what, struct tally *tally);

#endif
