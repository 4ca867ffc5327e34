/* types.h: the types that a ggml knows and the planner's table lacks, as its own functions describe them.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_GGML_TYPES_H
#define ATTN_GGML_TYPES_H

#include "subjects/ggml/abi.h"
#include "subjects/trap.h"

struct ggml_types {
    struct attn_foreign_type type[ATTN_FOREIGN_MAX];
    char name[ATTN_FOREIGN_MAX][ATTN_FOREIGN_NAME_MAX + 1];
    char number[ATTN_FOREIGN_MAX][32]; /* "(enum ggml_type)42", which a program of any version can say */
    struct attn_foreign_types list;
};

/* Reads them: every number whose name is a word, unlike any other, and whose block has elements and bytes. Each of the
 * library's functions that turn values into blocks and back is tried on one first, under the trap, and left out where
 * that fails. */
void ggml_types_read(const struct ggml_abi *abi, struct attn_trap *trap, struct ggml_types *types);

#endif
