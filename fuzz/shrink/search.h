/* search.h: what the shrinker's parts share: measure.c, search.c, the moves.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SHRINK_SEARCH_H
#define ATTN_SHRINK_SEARCH_H

#include "fuzz/shrink/shrink.h"

enum { SHRINK_SEEN = 1 << 14 }; /* cases remembered; a power of two */

struct search {
    struct attn_case best;
    struct attn_shrink_size size; /* of best */
    attn_shrink_fails *fails;
    void *context;
    int64_t tries, max_tries, steps;
    uint64_t seen[SHRINK_SEEN]; /* hashes of the cases asked about; a later one takes an older one's place */
};

/* ---- search.c */

/* Asks about a candidate, when it is legal, smaller than the best, and was not asked about before; takes it when it
 * fails. */
bool shrink_offer(struct search *search, const struct attn_case *candidate);
bool shrink_tired(const struct search *search); /* no tries left */

/* Sets the number that is being lowered in a case that is the best one so far otherwise. */
typedef void shrink_set(struct attn_case *c, int64_t value, int which);
bool shrink_offer_number(struct search *search, shrink_set *set, int which, int64_t value);
/* From `value` down to `low` at least, in steps of `unit`: the least first, then by halves, then, for failures that
 * come and go, by powers of two and at the edges that kernels and planners have. */
bool shrink_lower(struct search *search, shrink_set *set, int which, int64_t value, int64_t low, int64_t unit);

/* ---- measure.c */

/* The stride of dimension dim (1 to 3) that goes on where the ones before it end. */
int64_t shrink_next_stride(const struct attn_tensor *tensor, int dim);

/* ---- Moves: each offers what it knows, and is true when something was taken. */

bool shrink_extents(struct search *search); /* extents.c */
bool shrink_head_size(struct search *search);
bool shrink_layout(struct search *search); /* layout.c */
bool shrink_strides(struct search *search);
bool shrink_types(struct search *search);
/* All of them once (moves.c). */
bool shrink_moves(struct search *search);

/* Other extents for a tensor that is present: what was contiguous stays so, other strides stay as they are. */
void shrink_set_ne(struct attn_tensor *tensor, int64_t ne0, int64_t ne1, int64_t ne2, int64_t ne3);

#endif
