/* rank.h: the planner's cost against the clock.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_BENCH_RANK_H
#define ATTNFUZZ_BENCH_RANK_H

#include "cli/bench/measure.h"

/* An exit code. */
int bench_rank(struct bench_gpu *b);

#endif
