/* arith.h: what the proofs know of the planner's products and quotients (planner/arith.h): proved of them in arith.c,
 * and all that is assumed where they are replaced (abstract/arith/).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_PROOF_ARITH_H
#define ATTN_PROOF_ARITH_H

#include <stdbool.h>
#include <stdint.h>

/* Of two numbers below PROOF_SMALL the product is at most PROOF_SMALL_PRODUCT (and less than that by far, which takes a
 * solver longer to see). */
#define PROOF_SMALL 4096
#define PROOF_SMALL_PRODUCT ((int64_t)1 << 30)

/* For a, b >= 0: no product is negative; with 0 it is 0; else it is no less than either; what does not fit is
 * INT64_MAX; of small numbers it is small. */
static inline bool proof_is_product(int64_t a, int64_t b, int64_t product, bool fits)
{
    if (product < 0 || (!fits && product != INT64_MAX))
        return false;
    if (a == 0 || b == 0)
        return product == 0 && fits;
    if (a < PROOF_SMALL && b < PROOF_SMALL)
        return fits && product >= a && product >= b && product <= PROOF_SMALL_PRODUCT;
    return product >= a && product >= b;
}

/* For a >= 0, b > 0. */
static inline bool proof_is_quotient(int64_t a, int64_t b, int64_t quotient)
{
    return quotient >= 0 && quotient <= a && (quotient > 0) == (a >= b);
}

static inline bool proof_is_ceiling(int64_t a, int64_t b, int64_t ceiling)
{
    (void)b;
    return ceiling >= 0 && ceiling <= a && (ceiling > 0) == (a > 0);
}

#endif
