/* random.h: the one generator of random numbers, splitmix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number
 * Generators", OOPSLA 2014). Any 64 bits are a good state; the same state gives the same numbers everywhere.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_RANDOM_H
#define ATTN_RANDOM_H

#include <stdint.h>

/* What is added to the state for each number: 2^64 divided by the golden ratio. */
#define ATTN_RANDOM_STEP UINT64_C(0x9e3779b97f4a7c15)

/* The generator's finaliser: a bijection of 64 bits, of which each depends on all. 0 stays 0. */
static inline uint64_t attn_mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* The next number. */
static inline uint64_t attn_random(uint64_t *state) { return attn_mix(*state += ATTN_RANDOM_STEP); }

/* The next number, 0 <= result < n, for n >= 1. Some results are likelier than others by one in 2^32 / n at most (in
 * 2^64 / n for n of 2^32 and more). */
static inline uint64_t attn_random_below(uint64_t *state, uint64_t n)
{
    const uint64_t x = attn_random(state);
    return n <= UINT32_MAX ? (x >> 32) * n >> 32 : x % n;
}

#endif
