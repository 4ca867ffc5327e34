/* rates.h: how fast a GPU decodes and prefills.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_BENCH_RATES_H
#define ATTNFUZZ_BENCH_RATES_H

#include "cli/bench/measure.h"

/* An exit code. */
int bench_rates(struct bench_gpu *b);

#endif
