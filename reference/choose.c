/* choose.c: which rows the reference computes where all of them are too much work.
 *
 * SPDX-License-Identifier: MIT */
#include "reference/internal.h"

#include "planner/arith.h"
#include "planner/random.h"

#include <stdlib.h>

enum { LEAST_ROWS = 16, MOST_ROWS = 1 << 16 }; /* that are chosen */

/* A random number of a number. */
static uint64_t random_of(uint64_t seed, uint64_t number) { return attn_mix(seed + (number + 1) * ATTN_RANDOM_STEP); }

bool attn_choose_rows(struct attn_reference *r, int64_t work, uint64_t seed)
{
    int64_t heads, rows;
    if (!attn_mul(r->n_head, r->n_q, &heads) || !attn_mul(heads, r->n_seq, &rows)) {
        return false;
    }
    r->n_rows = rows;
    if (attn_problem_work(&r->problem) <= work) {
        return true;
    }
    const int64_t n_kv = attn_n_kv(&r->problem), size = attn_d_k(&r->problem) + r->d_v;
    int64_t n = work / n_kv / size;
    n = n < LEAST_ROWS ? LEAST_ROWS : n > MOST_ROWS ? MOST_ROWS : n;
    if (n >= rows) {
        return true;
    }
    r->n_rows = n;
    r->chosen = calloc((size_t)n, sizeof *r->chosen);
    for (int64_t i = 0; r->chosen && i < n; i++) {
        /* Part number i of rows: no overflow, as i * (rows % n) is below n^2. */
        const int64_t begin = rows / n * i + rows % n * i / n, end = rows / n * (i + 1) + rows % n * (i + 1) / n;
        r->chosen[i] = i == 0       ? 0
                       : i == n - 1 ? rows - 1
                                    : begin + (int64_t)(random_of(seed, (uint64_t)i) % (uint64_t)(end - begin));
    }
    return r->chosen != NULL;
}
