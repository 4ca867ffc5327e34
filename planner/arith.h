/* arith.h: the one non-negative 64-bit arithmetic that is checked or saturates, for sizes that come from outside.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ARITH_H
#define ATTN_ARITH_H

#include <stdbool.h>
#include <stdint.h>

/* a * b for a, b >= 0; false, and *out = INT64_MAX, when it does not fit. By halves of 32 bits: without a division, and
 * so that a solver can follow it (proof/arith.c). */
static inline bool attn_mul(int64_t a, int64_t b, int64_t *out)
{
    const uint64_t a_high = (uint64_t)a >> 32, a_low = (uint64_t)a & UINT32_MAX;
    const uint64_t b_high = (uint64_t)b >> 32, b_low = (uint64_t)b & UINT32_MAX;
    const uint64_t low = a_low * b_low;
    if (a_high == 0 || b_high == 0) {
        /* One of the two is 0, the other below 2^31 * 2^32. */
        const uint64_t cross = a_high * b_low + b_high * a_low;
        if (cross >> 31 == 0 && low <= INT64_MAX && cross << 32 <= INT64_MAX - low) {
            *out = (int64_t)((cross << 32) + low);
            return true;
        }
    }
    *out = INT64_MAX;
    return false;
}

/* a + b for a, b >= 0; false, and *out = INT64_MAX, when it does not fit. */
static inline bool attn_add(int64_t a, int64_t b, int64_t *out)
{
    if (b <= INT64_MAX - a) {
        *out = a + b;
        return true;
    }
    *out = INT64_MAX;
    return false;
}

static inline int64_t attn_mul_sat(int64_t a, int64_t b)
{
    int64_t out;
    attn_mul(a, b, &out);
    return out;
}

static inline int64_t attn_add_sat(int64_t a, int64_t b)
{
    int64_t out;
    attn_add(a, b, &out);
    return out;
}

/* floor(a / b) for a >= 0, b > 0, where b is no constant: by name, so that proofs can do with what is known of it. */
static inline int64_t attn_div(int64_t a, int64_t b) { return a / b; }

/* ceil(a / b) for a >= 0, b > 0. */
static inline int64_t attn_ceil_div(int64_t a, int64_t b) { return a / b + (a % b != 0); }

/* n rounded up to a multiple of `to`, for n >= 0, to > 0; saturates. */
static inline int64_t attn_round_up(int64_t n, int64_t to) { return attn_mul_sat(attn_ceil_div(n, to), to); }

static inline int64_t attn_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t attn_max(int64_t a, int64_t b) { return a > b ? a : b; }

#endif
