/* clock.h: nanoseconds that only ever go on.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_RUN_CLOCK_H
#define ATTNFUZZ_RUN_CLOCK_H

#include <stdint.h>

int64_t run_now_ns(void);

#endif
