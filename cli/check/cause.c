/* cause.c: see cause.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/check/cause.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reference/attn_reference.h"

#define F16_MOST 65504.0

static const uint8_t *row_of(const struct attn_tensor *t, const void *base, int64_t i1, int64_t i2, int64_t i3)
{
    return (const uint8_t *)base + i1 * t->nb[1] + i2 * t->nb[2] + i3 * t->nb[3];
}

bool check_cause_row_has_key(const struct attn_problem *p, const void *const base[ATTN_OPERAND_COUNT], int64_t h,
                             int64_t iq, int64_t s)
{
    const struct attn_tensor *mask = &p->t[ATTN_MASK];
    if (!mask->present || p->t[ATTN_SINKS].present)
        return true;
    const uint8_t *row = row_of(mask, base[ATTN_MASK], iq, h % mask->ne[2], s % mask->ne[3]);
    for (int64_t k = 0; k < attn_n_kv(p); k++) {
        uint16_t value;
        memcpy(&value, row + 2 * k, sizeof value);
        if (value != 0xfc00) /* -inf */
            return true;
    }
    return false;
}

/* The largest finite element of a tensor, by magnitude; and the largest length (the root of the sum of squares) of its
 * rows. */
static double largest(const struct attn_tensor *t, const void *base, float *row, double *longest)
{
    double most = 0;
    *longest = 0;
    for (int64_t i3 = 0; i3 < t->ne[3]; i3++)
        for (int64_t i2 = 0; i2 < t->ne[2]; i2++)
            for (int64_t i1 = 0; i1 < t->ne[1]; i1++) {
                double square = 0;
                attn_tensor_decode(t, row_of(t, base, i1, i2, i3), t->ne[0], row);
                for (int64_t d = 0; d < t->ne[0]; d++)
                    if (isfinite(row[d])) {
                        most = fmax(most, fabs((double)row[d]));
                        square += (double)row[d] * (double)row[d];
                    }
                *longest = fmax(*longest, sqrt(square));
            }
    return most;
}

double check_cause_largest_v(const struct attn_problem *p, const void *const base[ATTN_OPERAND_COUNT])
{
    float *row = calloc((size_t)attn_d_v(p), sizeof *row);
    double longest;
    const double most = row ? largest(&p->t[ATTN_V], base[ATTN_V], row, &longest) : 0;
    free(row);
    return most;
}

bool check_cause_beyond_f16(const struct attn_problem *p, const void *const base[ATTN_OPERAND_COUNT])
{
    const int64_t width = attn_d_k(p) > attn_d_v(p) ? attn_d_k(p) : attn_d_v(p);
    float *row = calloc((size_t)width, sizeof *row);
    double q_longest, k_longest, v_longest;
    if (!row)
        return false;
    largest(&p->t[ATTN_Q], base[ATTN_Q], row, &q_longest);
    const double k = largest(&p->t[ATTN_K], base[ATTN_K], row, &k_longest);
    const double v = largest(&p->t[ATTN_V], base[ATTN_V], row, &v_longest);
    free(row);
    /* No product of rows is larger than that of their lengths. */
    const double scale = fmax(1, fabs((double)p->scale));
    return scale > F16_MOST || p->softcap > F16_MOST || k > F16_MOST || v * (double)attn_n_kv(p) > F16_MOST ||
           q_longest * k_longest * scale > F16_MOST;
}
