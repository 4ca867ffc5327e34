/* identity.h: what a finding is called: the same in every run, of any seed, and in every version of the subject in
 * which it is.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_IDENTITY_H
#define ATTNFUZZ_CHECK_IDENTITY_H

#include "cli/check/state.h"

/* What a problem has that a plain call has not, as one word: "gqa+mask"; "plain" when nothing. Extents vary from run to
 * run: what must not is asked for without. */
void check_needs(const struct attn_problem *p, bool extents, char *word, size_t cap);
/* Names a finding that is no hole, from its fields: group (kind and cause, with the line in the subject's source), id
 * (kind, cause without numbers of lines, what of `needed` is no extent, head size), needs, key. `needed` is f->problem
 * without what it fails without as well. */
void check_identity(const struct check *check, struct check_finding *f, int unfit, const struct attn_problem *needed);
/* The same of a hole that was put down to f->field. */
void check_identity_hole(const struct check *check, struct check_finding *f);
/* Of one that there was no time to look at again. */
void check_identity_noted(const struct check *check, struct check_finding *f);
/* Where several places of one source say the same, their ids are numbered in the order of their lines. The first has no
 * number: whether a place is called " no.2" depends on whether the run met both. */
void check_identity_number(struct check *check);

#endif
