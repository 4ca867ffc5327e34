/* distinct.h: how many different ones there were, of things that are known by a hash, in memory that does not grow.
 *
 * Flajolet, Fusy, Gandouet and Meunier, "HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm"
 * (2007): with 2^14 registers the standard error is 0.8%. Below 2.5 * 2^14 it is linear counting's, 0.7% and less.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_DISTINCT_H
#define ATTNFUZZ_CHECK_DISTINCT_H

#include <stdint.h>

enum { DISTINCT_LOG2 = 14, DISTINCT_REGISTERS = 1 << DISTINCT_LOG2 };

/* All zero: nothing was counted yet. */
struct distinct {
    uint8_t most[DISTINCT_REGISTERS]; /* of each register's hashes: zeros before the first one, and one */
};

/* Counts a thing of that hash, all bits of which are used. */
static inline void distinct_add(struct distinct *d, uint64_t hash)
{
    const uint64_t rest = hash << DISTINCT_LOG2 | UINT64_C(1) << (DISTINCT_LOG2 - 1);
    const uint8_t zeros = (uint8_t)(__builtin_clzll(rest) + 1);
    uint8_t *most = &d->most[hash >> (64 - DISTINCT_LOG2)];
    if (zeros > *most)
        *most = zeros;
}

/* About how many different ones were counted. */
uint64_t distinct_count(const struct distinct *d);

#endif
