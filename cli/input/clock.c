/* clock.c: see clock.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/input/clock.h"

#include <time.h>

static int64_t ns_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int64_t cli_now_ns(void) { return ns_of(CLOCK_MONOTONIC); }

double cli_now(void) { return (double)ns_of(CLOCK_MONOTONIC) / 1e9; }

double cli_cpu_now(void) { return (double)ns_of(CLOCK_PROCESS_CPUTIME_ID) / 1e9; }
