/* judge.c: holds a result against the reference and the limit of its route.
 *
 * SPDX-License-Identifier: MIT */
#include "reference/internal.h"

#include <math.h>
#include <string.h>

/* |got - want| in units of the limit; infinite for what no limit allows, NaN included. */
static double ratio_of(double got, double want, double limit)
{
    const double off = fabs(got - want);
    if (off == 0.0) {
        return 0.0;
    }
    return isfinite(got) && limit > 0.0 && off < INFINITY ? off / limit : INFINITY;
}

static void judge_component(struct attn_judgement *j, double got, double want, double limit, int64_t d, int64_t h,
                            int64_t iq, int64_t s)
{
    const double ratio = ratio_of(got, want, limit);
    j->components++;
    j->failed += !(ratio <= 1.0);
    j->unjudged += want != 0.0 && fabs(want) <= limit;
    if (j->components == 1 || ratio > j->worst) {
        j->worst = ratio;
        j->d = d;
        j->h = h;
        j->iq = iq;
        j->s = s;
        j->got = got;
        j->want = want;
        j->limit = limit;
    }
}

bool attn_judge(const struct attn_reference *r, const struct attn_arithmetic *arithmetic, const void *dst,
                struct attn_judgement *judgement)
{
    const struct attn_tensor *t = &r->problem.t[ATTN_DST];
    struct attn_judgement j = { 0 };
    for (int64_t s = 0; s < r->n_seq; s++) {
        for (int64_t iq = 0; iq < r->n_q; iq++) {
            for (int64_t h = 0; h < r->n_head; h++) {
                const char *row = (const char *)dst + h * t->nb[1] + iq * t->nb[2] + s * t->nb[3];
                const int64_t index = attn_row_index(r, h, iq, s);
                struct attn_row_limit limit;
                if (index < 0) {
                    j.left_out += r->d_v;
                    continue;
                }
                attn_row_limit_of(r, arithmetic, &r->rows[index], &limit);
                for (int64_t d = 0; d < r->d_v; d++) {
                    const int64_t component = index * r->d_v + d;
                    float got;
                    memcpy(&got, row + d * (int64_t)sizeof got, sizeof got);
                    judge_component(&j, (double)got, r->value[component], attn_component_limit(r, &limit, component), d,
                                    h, iq, s);
                }
            }
        }
    }
    if (judgement) {
        *judgement = j;
    }
    return j.failed == 0;
}
