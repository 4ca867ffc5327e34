/* shadow.h: between the files that check memory accesses: access.cc (the callbacks and their usual cases), lds.cc and
 * global.cc (all others). Tags are theirs to explain.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_HOST_SHADOW_H
#define ATTN_HOST_SHADOW_H

#include "kernels/host/executor.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define HOT SIMT_HOT_FUNCTION
#define COLD SIMT_HOT_FUNCTION __attribute__((noinline))

enum access : int { READ, WRITE, ATOMIC };

/* Who made the accesses that a tag of LDS stands for, in its low bits: a thread, from WHO_WAVE on (lds.cc) several
 * lanes of a wave, several waves; and whether by an atomic operation. */
enum : uint32_t { WHO_ALL = 2047, WHO_ATOMIC = 2048, WHO_MASK = 4095 };

/* Any access to LDS, `at` bytes from its start; to global memory, from the region's start. */
void simt_lds_access(const struct simt_hot *hot, size_t at, size_t bytes, enum access access);
void simt_global_access(const struct simt_hot *hot, size_t at, size_t bytes, enum access access);

#endif
