/* judge.c: holds a result against the reference and the limit of its route; and what that says of the judge itself: is
 * there a wrong row that it would accept?
 *
 * SPDX-License-Identifier: MIT */
#include "reference/internal.h"

#include "planner/arith.h"

#include <math.h>
#include <string.h>

static const double LEAST = 0x1p-126; /* what is below may be zero in float */
static const double GAIN = 0.05;      /* what a row is too large by, to see whether that is accepted */
enum { BLIND_SHARE = 100 };           /* a problem is blind when more than one row in so many is */

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

/* Is a result within its limit `proven` beyond what is likely? Most are nearer than any limit is narrow: 4 u A_d and 8
 * u |o| are in each (bound.c, 2), so that one need not be worked out. */
static void suspect_component(const struct attn_reference *r, const struct attn_row_limit *limit, int64_t component,
                              double got, double proven, struct attn_judgement *j)
{
    const double want = r->value[component], off = fabs(got - want);
    if (off <= 3.0 * ATTN_U32 * ((double)r->magnitude[component] + fabs(want))) {
        return;
    }
    const double accept = attn_component_accept(r, limit, component, proven);
    if (off > accept && off <= proven) {
        j->suspect++;
        j->unlikely = fmax(j->unlikely, off / accept);
    }
}

/* Would the component, 1.05 times as large, be rejected? Where it is, so is zero, which is further away. */
static bool is_seen(double want, double accept) { return GAIN * fabs(want) > accept; }

bool attn_judgement_blind(const struct attn_judgement *j) { return j->blind * BLIND_SHARE > j->rows; }

static void judge_row(const struct attn_reference *r, const struct attn_arithmetic *arithmetic, const char *row,
                      int64_t index, struct attn_judgement *j, int64_t h, int64_t iq, int64_t s)
{
    struct attn_row_limit limit;
    bool seen = false, zeros = true;
    attn_row_limit_of(r, arithmetic, &r->rows[index], &limit);
    for (int64_t d = 0; d < r->d_v; d++) {
        const int64_t component = index * r->d_v + d;
        const double want = r->value[component], proven = attn_component_limit(r, &limit, component);
        float got;
        memcpy(&got, row + d * (int64_t)sizeof got, sizeof got);
        judge_component(j, (double)got, want, proven, d, h, iq, s);
        suspect_component(r, &limit, component, (double)got, proven, j);
        seen = seen || is_seen(want, attn_component_accept(r, &limit, component, proven));
        zeros = zeros && fabs(want) < LEAST && (double)r->magnitude[component] < LEAST;
    }
    /* Zeros are what a row must be that has no live key, or V of zeros, or a sink beside which its keys do not change
     * the sum of weights in float. */
    if (!zeros && r->rows[index].keys >= ATTN_U32) {
        j->rows++;
        j->blind += !seen || !attn_watch_missed(r, &limit, index);
    }
}

bool attn_judge(const struct attn_reference *r, const struct attn_arithmetic *arithmetic, const void *dst,
                struct attn_judgement *judgement)
{
    const struct attn_tensor *t = &r->problem.t[ATTN_DST];
    struct attn_judgement j = { 0 };
    /* The rows that there are a reference for: all may be too many to be walked over. */
    for (int64_t index = 0; index < r->n_rows; index++) {
        const int64_t number = r->chosen ? r->chosen[index] : index;
        const int64_t h = number % r->n_head, iq = number / r->n_head % r->n_q, s = number / r->n_head / r->n_q;
        judge_row(r, arithmetic, (const char *)dst + h * t->nb[1] + iq * t->nb[2] + s * t->nb[3], index, &j, h, iq, s);
    }
    j.left_out = attn_mul_sat(r->n_seq * r->n_q * r->n_head - r->n_rows, r->d_v);
    if (judgement) {
        *judgement = j;
    }
    return j.failed == 0;
}
