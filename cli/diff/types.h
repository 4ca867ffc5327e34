/* types.h: the types that two subjects know and our table lacks, as their processes tell of them.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_DIFF_TYPES_H
#define ATTNFUZZ_DIFF_TYPES_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/check/state.h"

/* A type that further sources are drawn of, and in which forms. */
struct diff_further {
    char name[ATTN_FOREIGN_NAME_MAX + 1];
    uint8_t forms;
};

/* What a side has of its own; nothing of it is read or written here. */
struct diff_types {
    struct attn_foreign_type type[ATTN_FOREIGN_MAX];
    char name[ATTN_FOREIGN_MAX][ATTN_FOREIGN_NAME_MAX + 1];
    bool drawn[ATTN_FOREIGN_MAX];
    struct attn_foreign_types list;
    bool says_prec, says_n_kv_max;
    struct diff_further further[ATTN_FURTHER_TYPES_MAX];
    int n_further;
};

/* One line, with its newline: "prec n_kv_max NAME:NUMBER:ELEMENTS:BYTES:DRAWN ... src5=NAME:FORMS ..." of what
 * check->draw says. */
void diff_types_put(FILE *out, const struct check *check);
/* Reads it; false when it is none. */
bool diff_types_get(char *line, struct diff_types *types);
/* Those of both, a name once, as the first has it; what is drawn by one of them is drawn, what both can say is said,
 * further sources that both take with it. */
void diff_types_join(const struct diff_types *a, const struct diff_types *b, struct diff_types *both,
                     struct attn_foreign_draw *draw);
/* Does a side know the types of K and V? */
bool diff_types_known(const struct diff_types *types, const struct attn_problem *p);

#endif
