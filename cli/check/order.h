/* order.h: calls in a drawn order over one backend: what a call computes is the same to the bit whatever was called
 * before it (P5).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_ORDER_H
#define ATTNFUZZ_CHECK_ORDER_H

#include "cli/check/call.h"

struct check_order; /* the calls that were computed last, and pairs of them that depend on each other */

/* NULL when memory runs out. */
struct check_order *check_order_new(uint64_t seed);
void check_order_free(struct check_order *order);

/* A call computed v->bits. Where something is wrong with them and alone it computes others, v->kind becomes STATE. Now
 * and then an earlier call is computed again; other bits are a sign of kind STATE. */
void check_order_next(struct check *check, int device, const struct attn_problem *p, struct check_verdict *v);

/* The call that sign or finding number `before` of kind STATE needs before it; NULL: none, it is computed twice. */
const struct attn_problem *check_order_before(const struct check *check, int32_t before);

/* Computes p on a backend made anew, then, on another one, after `before` (NULL: after itself): v->kind is STATE where
 * the bits differ. */
void check_order_call(struct check *check, int device, const struct attn_problem *p, const struct attn_problem *before,
                      struct check_verdict *v);

#endif
