/* twin.h: twins of a case (ATTN_TWINS): other problems, on other bytes, made from it value by value.
 *
 * The bytes of a row of K, V and Q are moved as they are, so blocks of quantised types stay what they are. What a twin
 * does not change stays, but where a tensor lies: each is in a buffer of its own, its rows aligned as they were.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_TWIN_H
#define ATTN_TWIN_H

#include "fuzz/case/attn_case.h"

enum { ATTN_TWIN_PARTS = 2 }; /* HALVES are two problems, others one */

struct attn_twin {
    struct attn_case c;      /* its problem; run part and device as the case's, but WAVE's device */
    struct attn_image image; /* filled */
    int64_t head, seq;       /* of the case, that head and sequence 0 of the twin are */
    int64_t *row;            /* of the case, that each query row of the twin is */
    bool exact;              /* the same sums in the same order, where the plans cut both problems in the same way */
};

/* How many problems a twin of that kind is. */
int attn_twin_parts(int kind);

/* A kind of twin that the problem has, drawn by the seed. */
int attn_twin_draw(const struct attn_problem *problem, uint64_t seed);

/* Makes part `part` of the twin of a case whose bytes are in `image`; what is drawn is drawn from the case's data seed.
 * NULL, or why the case has no such twin; then there is nothing to free. */
const char *attn_twin_make(const struct attn_case *c, const struct attn_image *image, int kind, int part,
                           int64_t max_bytes, struct attn_twin *twin);
void attn_twin_free(struct attn_twin *twin);

/* Has the row (head, query row, sequence) a key that its mask does not exclude? */
bool attn_twin_row_live(const struct attn_problem *problem, const struct attn_image *image, int64_t h, int64_t iq,
                        int64_t s);

#endif
