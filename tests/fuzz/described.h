/* described.h: devices as a caller may describe them.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_TESTS_DESCRIBED_H
#define ATTN_TESTS_DESCRIBED_H

#include "planner/attn_planner.h"
#include "planner/random.h"

/* Some of the device's numbers anew: sizes from 20 KiB of LDS on, families of matrix cores, grids. */
static inline void describe_device(struct attn_device *d, uint64_t *state)
{
#define BELOW(n) ((int32_t)(attn_random(state) % (n)))
    if (BELOW(2))
        d->n_cu = 1 + (BELOW(2) ? BELOW(16) : BELOW(400));
    if (BELOW(2))
        d->max_threads = 256 << BELOW(3);
    if (BELOW(2))
        d->lds_bytes = d->lds_static_bytes = 1024 * (20 + BELOW(60));
    if (BELOW(2))
        d->max_grid[1] = 1024 + (uint32_t)BELOW(300); /* as many splits as there are */
    if (BELOW(4) == 0)
        d->matrix = BELOW(ATTN_MATRIX_COUNT);
    if (BELOW(4) == 0)
        d->async_copy = !d->async_copy;
#undef BELOW
}

#endif
