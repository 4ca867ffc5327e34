/* foreign.h: what a subject's calls may have that no gene says: types that it knows and our table lacks, and what only
 * a node of its library says.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_DOMAIN_FOREIGN_H
#define ATTN_DOMAIN_FOREIGN_H

#include "planner/attn_planner.h"

/* X(NAME, ne0, ne1, ne2, ne3): extents that a source behind the sinks is tried with: a value for each head, key or
 * element, a matrix that turns rows, a value for each score. */
#define ATTN_FURTHER_FORMS(X)                 \
    X(HEADS, attn_n_head(p), 1, 1, 1)         \
    X(KEYS, attn_n_kv(p), 1, 1, 1)            \
    X(ELEMENTS, attn_d_k(p), 1, 1, 1)         \
    X(MATRIX, attn_d_k(p), attn_d_k(p), 1, 1) \
    X(SCORES, attn_n_kv(p), attn_n_q(p), 1, attn_n_seq(p))

enum attn_further_form {
#define X(NAME, ...) ATTN_FURTHER_##NAME,
    ATTN_FURTHER_FORMS(X)
#undef X
        ATTN_FURTHER_FORM_COUNT
};
enum { ATTN_FURTHER_TYPES_MAX = 8 };

/* A type that it is tried with, and in which forms. */
struct attn_further_draw {
    uint8_t type;                            /* as attn_tensor has it */
    uint8_t forms;                           /* bit set of enum attn_further_form */
    const struct attn_foreign_type *foreign; /* where type >= ATTN_TYPE_FOREIGN */
};

/* What is drawn for a subject. */
struct attn_foreign_draw {
    const struct attn_foreign_type *type[ATTN_FOREIGN_MAX];
    int n_types;
    bool prec, n_kv_max;
    struct attn_further_draw further[ATTN_FURTHER_TYPES_MAX];
    int n_further; /* 0: no further source */
};

/* Gives a legal problem what a number draws; most numbers leave it as it is, and so does one that does not fit. The
 * same number gives the same. */
void attn_foreign_apply(const struct attn_foreign_draw *draw, uint64_t number, struct attn_problem *problem);

/* K or V or both (bits 1 and 2 of which) of another type: head sizes become whole blocks, and the layout is kept as far
 * as that goes. False, with the problem as it was, where what comes of it is not legal. */
bool attn_foreign_retype(struct attn_problem *problem, const struct attn_foreign_type *type, unsigned which);

/* Gives it a further source, contiguous and in memory of its own. False, with the problem as it was, where what comes
 * of it is not legal. */
bool attn_foreign_further(struct attn_problem *problem, const struct attn_further_draw *type,
                          enum attn_further_form form);

#endif
