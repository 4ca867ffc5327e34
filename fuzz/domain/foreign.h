/* foreign.h: what a subject's calls may have that no gene says: types that it knows and our table lacks, and what only
 * a node of its library says.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_DOMAIN_FOREIGN_H
#define ATTN_DOMAIN_FOREIGN_H

#include "planner/attn_planner.h"

/* What is drawn for a subject. */
struct attn_foreign_draw {
    const struct attn_foreign_type *type[ATTN_FOREIGN_MAX];
    int n_types;
    bool prec, n_kv_max;
};

/* Gives a legal problem what a number draws; most numbers leave it as it is, and so does one that does not fit. The
 * same number gives the same. */
void attn_foreign_apply(const struct attn_foreign_draw *draw, uint64_t number, struct attn_problem *problem);

/* K or V or both (bits 1 and 2 of which) of another type: head sizes become whole blocks, and the layout is kept as far
 * as that goes. False, with the problem as it was, where what comes of it is not legal. */
bool attn_foreign_retype(struct attn_problem *problem, const struct attn_foreign_type *type, unsigned which);

#endif
