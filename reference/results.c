/* results.c: the memory of a reference, and its values.
 *
 * SPDX-License-Identifier: MIT */
#include "reference/internal.h"

#include "planner/arith.h"

#include <math.h>
#include <stdlib.h>

bool attn_allocate_results(struct attn_reference *r)
{
    const int64_t components = attn_mul_sat(r->n_rows, r->d_v);
    if (components > ATTN_MAX_ELEMENTS) {
        return false;
    }
    r->rows = attn_zeros(r->n_rows, sizeof *r->rows);
    r->value = attn_zeros(components, sizeof *r->value);
    r->square = attn_zeros(components, sizeof *r->square);
    r->magnitude = attn_zeros(components, sizeof *r->magnitude);
    r->prefix = attn_zeros(components, sizeof *r->prefix);
    return r->rows && r->value && r->square && r->magnitude && r->prefix;
}

void attn_reference_free(struct attn_reference *reference)
{
    if (reference) {
        free(reference->chosen);
        free(reference->rows);
        free(reference->value);
        free(reference->square);
        free(reference->magnitude);
        free(reference->prefix);
        attn_watch_close(reference);
        free(reference);
    }
}

void attn_reference_shuffle(struct attn_reference *reference) { reference->shuffled = true; }

double attn_reference_value(const struct attn_reference *r, int64_t d, int64_t h, int64_t iq, int64_t s)
{
    const int64_t index = attn_row_index(r, h, iq, s);
    return index < 0 ? (double)NAN : r->value[index * r->d_v + d];
}
