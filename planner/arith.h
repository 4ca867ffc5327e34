/* arith.h: the one non-negative 64-bit arithmetic that is checked or saturates, for sizes that come from outside.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ARITH_H
#define ATTN_ARITH_H

#include <stdbool.h>
#include <stdint.h>

/* a * b for a, b >= 0; false, and *out = INT64_MAX, when it does not fit. */
static inline bool attn_mul(int64_t a, int64_t b, int64_t *out)
{
    /* Extents and strides are nearly always small: no division for them. */
    if (((uint64_t)a | (uint64_t)b) >> 31 == 0 || a == 0 || b <= INT64_MAX / a) {
        *out = a * b;
        return true;
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

/* ceil(a / b) for a >= 0, b > 0. */
static inline int64_t attn_ceil_div(int64_t a, int64_t b) { return a / b + (a % b != 0); }

/* n rounded up to a multiple of `to`, for n >= 0, to > 0; saturates. */
static inline int64_t attn_round_up(int64_t n, int64_t to) { return attn_mul_sat(attn_ceil_div(n, to), to); }

static inline int64_t attn_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t attn_max(int64_t a, int64_t b) { return a > b ? a : b; }

#endif
