/* hash.h: the one hash: of bytes FNV-1a of 64 bits (Fowler, Noll, Vo; RFC 9923), of numbers splitmix64's finaliser. Not
 * against an adversary.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_HASH_H
#define ATTN_HASH_H

#include "planner/random.h"

#include <stddef.h>
#include <stdint.h>

#define ATTN_HASH_START UINT64_C(0xcbf29ce484222325)

/* h with n bytes more; begin with ATTN_HASH_START. */
static inline uint64_t attn_hash(uint64_t h, const void *bytes, size_t n)
{
    const unsigned char *at = (const unsigned char *)bytes;
    for (size_t i = 0; i < n; i++)
        h = (h ^ at[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* h with a text more, without its terminator. */
static inline uint64_t attn_hash_text(uint64_t h, const char *text)
{
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return h;
}

/* h with a number more, the same on every machine. */
static inline uint64_t attn_hash_u64(uint64_t h, uint64_t value) { return attn_mix((h ^ value) + ATTN_RANDOM_STEP); }

#endif
