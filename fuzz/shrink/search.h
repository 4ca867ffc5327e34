/* search.h: what the shrinker's parts share: shrink.c (measure, search), moves.c (what it tries).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SHRINK_SEARCH_H
#define ATTN_SHRINK_SEARCH_H

#include "fuzz/shrink/shrink.h"

enum { SHRINK_SEEN = 1 << 14 }; /* lines remembered; a power of two */

struct search {
    struct attn_case best;
    struct attn_shrink_size size; /* of best */
    attn_shrink_fails *fails;
    void *context;
    int64_t tries, max_tries, steps;
    uint64_t seen[SHRINK_SEEN]; /* hashes of the lines asked about; a later one takes an older one's place */
};

/* Asks about a candidate, when it is legal, smaller than the best, and was not asked about before; takes it when it
 * fails. */
bool shrink_offer(struct search *search, const struct attn_case *candidate);
bool shrink_tired(const struct search *search); /* no tries left */

/* Tries everything once. True when something was taken. */
bool shrink_moves(struct search *search);

/* Extents of a problem as a caller thinks of them. */
struct shrink_shape {
    int64_t d_k, d_v, n_q, n_kv, kv_heads, ratio, seqs;
    int64_t mask_kv, mask_q; /* beyond n_kv and n_q */
    int64_t mask_heads, mask_seqs;
};
bool shrink_is_contiguous(const struct attn_tensor *tensor);
/* The stride of dimension dim (1 to 3) that goes on where the ones before it end. */
int64_t shrink_next_stride(const struct attn_tensor *tensor, int dim);

#endif
