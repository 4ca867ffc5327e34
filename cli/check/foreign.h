/* foreign.h: what a subject's calls may have that our own types and lines lack.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_FOREIGN_H
#define ATTNFUZZ_CHECK_FOREIGN_H

#include "cli/check/state.h"

/* Sets check->draw: of the subject's own types those that a cache may be of and that it supports in a plain call on one
 * of check->devices; what its callers can say; and the further sources that it supports in one. A type that it refuses
 * in each of them is named in the report. */
void check_foreign_choose(struct check *check);

/* Plain call number i with K and V of a type that is drawn, two for each head size; false past the last. *legal:
 * whether it is one. */
bool check_foreign_call(const struct check *check, int i, struct attn_problem *p, bool *legal);

/* Can what was computed be held against the reference: does somebody read every source? */
bool check_foreign_readable(const struct attn_problem *p);
/* Were its data written as numbers, so that they are what a caller could have? */
bool check_foreign_writable(const struct attn_problem *p);

/* "tq4_x, vq2_x; in no plain call: q2_K, q3_K" into text[0..cap); false when the subject has none of its own. */
bool check_foreign_text(const struct check *check, char *text, size_t cap);

#endif
