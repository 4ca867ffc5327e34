/* filler.c: what all parts of data.c use: where a row is, and rows of independent numbers. See filler.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/case/filler.h"

char *data_at(const struct filler *f, int operand, int64_t i1, int64_t i2, int64_t i3)
{
    const struct attn_tensor *t = &f->p->t[operand];
    /* An extent of 1 has a stride that means nothing; its index is 0. */
    return (char *)attn_image_at(f->image, f->p, operand) + (i1 ? i1 * t->nb[1] : 0) + (i2 ? i2 * t->nb[2] : 0) +
           (i3 ? i3 * t->nb[3] : 0);
}

void data_fill_uniform(float *row, int64_t n, uint64_t state, float magnitude)
{
    for (int64_t i = 0; i < n; i++)
        row[i] = data_signed_unit(attn_random(&state)) * magnitude;
}

void data_fill_positive(float *row, int64_t n, uint64_t state, float magnitude)
{
    for (int64_t i = 0; i < n; i++)
        row[i] = (0.5f + 0.5f * data_unit(attn_random(&state))) * magnitude;
}
