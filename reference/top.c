/* top.c: how much weight is on keys whose V is another than that of the key with the highest score. Where it is next to
 * none, wrong weights can do nothing, however wrong they are: bound.c, 1.
 *
 * SPDX-License-Identifier: MIT */
#include "reference/internal.h"

#include <string.h>

/* At most how far two keys' V are apart, in any component. The same bits: not at all. */
static double apart(const float *v, double v_max, const float *other, double other_max, int64_t d_v)
{
    return memcmp(v, other, (size_t)d_v * sizeof *v) == 0 ? 0.0 : v_max + other_max;
}

void attn_top_rise(struct attn_row *row, struct attn_top *top, double sum, const float *v, double v_max, int64_t d_v)
{
    if (sum > 0.0) {
        row->apart += sum * apart(v, v_max, top->v, top->v_max, d_v);
    }
    memcpy(top->v, v, (size_t)d_v * sizeof *v);
    top->v_max = v_max;
}

void attn_top_add(struct attn_row *row, const struct attn_top *top, double weight, const float *v, double v_max,
                  int64_t d_v)
{
    row->apart += weight * apart(v, v_max, top->v, top->v_max, d_v);
}
