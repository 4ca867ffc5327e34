/* clock.c: nanoseconds that only ever go on.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/run/clock.h"

#include <time.h>

int64_t run_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}
