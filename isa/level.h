/* level.h: which of the two sets of lane functions is taken: those for any x86-64, or those for x86-64-v3.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_LEVEL_H
#define ATTN_ISA_LEVEL_H

#include <stdbool.h>

/* A look at a word that the run-time library filled in at the program's start. */
static inline bool isa_wide(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c") &&
           __builtin_cpu_supports("bmi2");
}

#endif
