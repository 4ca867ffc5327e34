/* clock.h: time that only ever goes on.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CLOCK_H
#define ATTNFUZZ_CLOCK_H

#include <stdint.h>

/* Nanoseconds, seconds; of no moment in particular. */
int64_t cli_now_ns(void);
double cli_now(void);
/* Seconds of CPU time that this process has taken. */
double cli_cpu_now(void);

#endif
