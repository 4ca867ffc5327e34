/* arith.h as the proofs see it, where the planner's own would be too much for a solver: what is proved of that one
 * (proof/arith.c) is all that is known of products and quotients here. Sums are the planner's.
 *
 * With PROOF_SAME the results are the same for the same numbers; without it not even that is known.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ARITH_H
#define ATTN_ARITH_H

#include <stdbool.h>
#include <stdint.h>

#include "proof/arith.h"

#if defined(PROOF_SAME)
int64_t __CPROVER_uninterpreted_product(int64_t, int64_t);
bool __CPROVER_uninterpreted_fits(int64_t, int64_t);
int64_t __CPROVER_uninterpreted_quotient(int64_t, int64_t);
int64_t __CPROVER_uninterpreted_ceiling(int64_t, int64_t);
#define PROOF_RESULT(name, a, b) __CPROVER_uninterpreted_##name(a, b)
#else
int64_t nondet_product(void);
bool nondet_fits(void);
int64_t nondet_quotient(void);
int64_t nondet_ceiling(void);
#define PROOF_RESULT(name, a, b) nondet_##name()
#endif

static inline bool attn_mul(int64_t a, int64_t b, int64_t *out)
{
    __CPROVER_assert(a >= 0 && b >= 0, "attn_mul is asked about numbers from 0 up");
    const int64_t product = PROOF_RESULT(product, a, b);
    const bool fits = PROOF_RESULT(fits, a, b);
    __CPROVER_assume(proof_is_product(a, b, product, fits));
    *out = product;
    return fits;
}

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

static inline int64_t attn_div(int64_t a, int64_t b)
{
    __CPROVER_assert(a >= 0 && b > 0, "attn_div is asked about numbers from 0 up, by one from 1 up");
    const int64_t quotient = PROOF_RESULT(quotient, a, b);
    __CPROVER_assume(proof_is_quotient(a, b, quotient));
    return quotient;
}

static inline int64_t attn_ceil_div(int64_t a, int64_t b)
{
    __CPROVER_assert(a >= 0 && b > 0, "attn_ceil_div is asked about numbers from 0 up, by one from 1 up");
    const int64_t ceiling = PROOF_RESULT(ceiling, a, b);
    __CPROVER_assume(proof_is_ceiling(a, b, ceiling));
    return ceiling;
}

static inline int64_t attn_round_up(int64_t n, int64_t to) { return attn_mul_sat(attn_ceil_div(n, to), to); }

static inline int64_t attn_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t attn_max(int64_t a, int64_t b) { return a > b ? a : b; }

#endif
