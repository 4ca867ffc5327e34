/* distinct.c: see distinct.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/check/distinct.h"

#include <math.h>

uint64_t distinct_count(const struct distinct *d)
{
    const double m = DISTINCT_REGISTERS, alpha = 0.7213 / (1 + 1.079 / m);
    double sum = 0;
    int empty = 0;
    for (int i = 0; i < DISTINCT_REGISTERS; i++) {
        sum += ldexp(1, -d->most[i]);
        empty += d->most[i] == 0;
    }
    const double estimate = alpha * m * m / sum;
    return (uint64_t)llround(estimate <= 2.5 * m && empty ? m * log(m / empty) : estimate);
}
