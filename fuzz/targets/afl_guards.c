/* afl_guards.c: keeps AFL++'s map within the size that all of its tools take without being told (MAP_SIZE, 65536:
 * afl-cmin, afl-tmin and afl-showmap end over a larger one unless AFL_MAP_SIZE says it). Linked in before AFL++'s
 * runtime numbers the guards of the edges (-Wl,--wrap): what is past the map shares numbers with what lies as far from
 * the end of it, all of it code of the kernels, whose instances are much the same and seldom run together.
 *
 * SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>

enum {
    MAP = 65536 - 64, /* numbers there are */
    OWN = 36 * 1024   /* of them for the first guards, which no others share: the target's, harness and planner */
};

void __real___sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *stop);
void __wrap___sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *stop);

void __wrap___sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *stop)
{
    const size_t n = (size_t)(stop - start);
    if (start == stop || *start) /* each object of the program asks for it, about all of them */
        return;
    __real___sanitizer_cov_trace_pc_guard_init(start, n < MAP ? stop : start + MAP);
    for (size_t i = MAP; i < n; i++)
        start[i] = start[OWN + (i - OWN) % (MAP - OWN)];
}
