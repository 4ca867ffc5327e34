/* arith.c: the planner's arithmetic is defined behaviour, and does what proof/arith.h says.
 *
 * SPDX-License-Identifier: MIT */
#include "planner/arith.h"
#include "proof/arith.h"

int64_t nondet_number(void);

static int64_t number(int64_t least)
{
    const int64_t n = nondet_number();
    __CPROVER_assume(n >= least);
    return n;
}

void proof_product(void)
{
    const int64_t a = number(0), b = number(0);
    int64_t product;
    const bool fits = attn_mul(a, b, &product);
    __CPROVER_assert(proof_is_product(a, b, product, fits), "a product is one");
}

/* As many bits as the numbers have: products that fit are exact. */
void proof_exact(void)
{
    const int64_t a = number(0), b = number(0);
    int64_t product;
    if (attn_mul(a, b, &product))
        __CPROVER_assert((uint64_t)product == (uint64_t)a * (uint64_t)b, "a product that fits is exact");
}

void proof_sum(void)
{
    const int64_t a = number(0), b = number(0);
    int64_t sum;
    const bool fits = attn_add(a, b, &sum);
    __CPROVER_assert(sum >= a && sum >= b, "a sum is no less than its parts");
    __CPROVER_assert(fits ? sum - a == b : sum == INT64_MAX, "it is exact, or INT64_MAX");
}

void proof_quotient(void)
{
    const int64_t a = number(0), b = number(1);
    __CPROVER_assert(proof_is_quotient(a, b, attn_div(a, b)), "a quotient is one");
    __CPROVER_assert(proof_is_ceiling(a, b, attn_ceil_div(a, b)), "and one rounded up");
}
