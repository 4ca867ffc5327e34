/* tree.c: how long the chains of a route's sums are, from the tree that its contract states (struct attn_arithmetic).
 *
 * A row's keys are cut into splits of whole tiles, a split's tiles are dealt out to waves, a tile's keys to lanes; what
 * a lane adds is a chain, and above it are joins. Keys that the row does not attend to have weight zero: adding zero
 * rounds nothing. So a chain is never longer than the row's live keys, and a row of a plan for many keys, that has
 * few, has short chains.
 *
 * Matrix cores: see bound.c, 4. An instruction's products may be added up in four parts one after the other.
 *
 * SPDX-License-Identifier: MIT */
#include "reference/internal.h"

#include <math.h>

enum { PARTS_OF_INSTRUCTION = 4 };

static double at_least_one(int32_t n) { return n > 1 ? (double)n : 1.0; }

/* Roundings by u that the truncating sum of n products counts for, of instructions of so many products each. */
static double truncating(double n, double depth)
{
    const double part = fmax(depth / PARTS_OF_INSTRUCTION, 1.0);
    return 2.0 * n + 4.0 * fmin(ceil(n / part), n);
}

/* Rescales of a wave's results: no more than its tiles, or than it has live keys. Where one wave takes all keys in
 * their order, no more than keys that come near the maximum so far, if what scores are off by is less than how near. */
static double rescales_of(const struct attn_arithmetic *a, const struct attn_reference *r, const struct attn_row *row,
                          double tiles, double score_error)
{
    const double most = fmin(tiles, (double)row->live);
    const bool in_order = !r->shuffled && a->splits <= 1 && a->waves <= 1;
    return in_order && 2.0 * score_error < ATTN_NEAR_MAX ? fmin(most, (double)row->near_max) : most;
}

/* Keys that are kept of a split of n, at most. */
static double kept_of(const struct attn_reference *r, const struct attn_row *row, double n)
{
    const double windows = ceil(n / ATTN_WINDOW) + 1.0;
    return r->shuffled ? (double)row->kept : fmin((double)row->kept, windows * (double)row->kept_most);
}

double attn_dot_roundings(const struct attn_arithmetic *a, double d_k, double rest)
{
    const double parts = at_least_one(a->q_parts);
    if (!a->matrix) {
        return (a->dot_chain > 0 ? fmin((double)a->dot_chain, d_k) : d_k) + (double)a->dot_joins + 8.0;
    }
    const double depth = a->depth > 0 ? (double)a->depth : 1.0;
    const double products = a->dot_chain > 0 ? fmin((double)a->dot_chain * depth, parts * d_k) : parts * d_k;
    const double sums =
        a->q_rest_first ? truncating(products / parts, depth) * (1.0 + 4.0 * rest) : truncating(products, depth);
    return sums + (double)a->dot_joins + 8.0;
}

struct attn_paths attn_paths_of(const struct attn_arithmetic *a, const struct attn_reference *r,
                                const struct attn_row *row, double score_error)
{
    const double n_kv = (double)attn_n_kv(&r->problem), live = (double)row->live;
    const double splits = at_least_one(a->splits), tile = at_least_one(a->kv_tile);
    const double tiles = ceil(ceil(ceil(n_kv / tile) / splits) / at_least_one(a->waves)); /* of a wave */
    const double combined = splits > 1.0 ? fmin(splits, live) : 0.0;
    const double merges = (double)a->merges + (splits > 1.0);
    struct attn_paths p = { .block = INFINITY };

    p.rescales = rescales_of(a, r, row, tiles, score_error);
    p.factors = p.rescales + 1.0 + merges;
    const double weights = fmin(tiles * ceil(tile / at_least_one(a->weights.lanes)), live);
    const double values = fmin(tiles * ceil(tile / at_least_one(a->values.lanes)), live);
    /* Matrix cores: an instruction may still be off where all of its products are lost. */
    const double kept = kept_of(r, row, ceil(ceil(n_kv / tile) / splits) * tile);
    p.weights_lost = fmax(weights - kept, 0.0);
    p.values_lost = fmax(values - kept, 0.0) * (a->matrix ? 2.0 * at_least_one(a->p_parts) : 1.0);
    p.weights = weights + p.rescales + (double)a->weights.joins + combined + merges + 4.0;
    p.values = (a->matrix ? truncating(values * at_least_one(a->p_parts), at_least_one(a->depth)) : values) +
               p.rescales + (double)a->values.joins;
    p.combined = combined;
    p.each = 2.0 * merges + 4.0;
    if (a->values.block > 0 && a->values.lanes <= 1 && a->waves <= 1 && !r->shuffled) {
        p.block = 1.0 + ceil((double)(a->values.block - 1) / (double)r->tile);
    }
    return p;
}
