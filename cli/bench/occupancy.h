/* occupancy.h: attnfuzz bench --occupancy.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_BENCH_OCCUPANCY_H
#define ATTNFUZZ_BENCH_OCCUPANCY_H

#include <stdbool.h>

/* Prints a line for each kernel in the GPU code of n files: registers, LDS, scratch, spills, and the occupancy for
 * workgroups as large as the kernel allows and no dynamic LDS. Returns an exit code. */
int bench_occupancy(int n, char **files, bool json);

#endif
