/* score.c: a row's scores against a tile of keys, its sums, and the gauges that go with them.
 *
 * SPDX-License-Identifier: MIT */
#include "reference/rows.h"
#include "reference/work.h"

#include "planner/arith.h"

#include <math.h>
#include <string.h>

/* ALiBi: slope = 2^-e. Kernels compute e in float (max_bias / n is exact, times a whole number, at most three
 * roundings with the number's own), then exp2f at most 2 ulp off (bound.c): 2^(3 u e) and 4 u relative, two more
 * for a slope kept in base 2; and 2^-126 where it underflows. */
struct attn_slope attn_slope_of(const struct attn_problem *p, int64_t h)
{
    struct attn_slope slope = { 1.0, 0.0 };
    if (p->max_bias > 0.0f) {
        const double e = attn_alibi_exponent(p, p->head_first + h);
        slope.value = exp2(-e);
        slope.error = 0x1p-126;
        if (e < 200.0) {
            slope.error += slope.value * (expm1(3.0 * ATTN_U32 * e * log(2.0)) + 6.0 * ATTN_U32);
        }
    }
    return slope;
}

/* The largest slope of c * tanh(s / c) where |s| >= least. */
static double slope_of_softcap(double least, double c)
{
    const double nearest = tanh(fmax(least, 0.0) / c);
    return 1.0 - nearest * nearest + 0x1p-48;
}

/* From the dot product of live key number i of the row to its logit, and h_k: what a kernel working in float may
 * add to the logit's error on that way, besides the error of the dot product itself. That one passes through the
 * softcap, c * tanh(s / c), with its slope there, which is small where the logit is near c: at most
 * 1 - tanh(s / c)^2 at the point nearest to zero that is within the error, and bound.c allows no error of
 * more than G / 64. What Q is off by in absolute terms moves the score from there, so at the slope of a point that much
 * nearer to zero (ATTN_Q_OFF). u = 2^-24, every operation off by at most a factor 1 + u unless said:
 *   softcap  s / c may be made of a reciprocal (4 u), which moves the result by at most
 *            4 u * min(|s|, c / 2) <= 4.4 u |capped|; tanhf is at most 2 ulp = 4 u off, times c once more: 10 u
 *   bias     slope * mask: the slope's error times |mask|, and 1 u
 *   base 2   logits kept as multiples of log2(e): its own rounding and the product's: 2 u |capped| + 2 u |bias|
 *   sum      capped + bias: 1 u |score|, and 1 u for its difference to the maximum being rounded again
 *   tiny     float operands and products below 2^-126 may be flushed to zero: 2^-126 for each product, times the
 *            other factor for an operand (with q scaled before or after the product) */
static void score_of(struct attn_work *w, int64_t i, struct attn_row *row, struct attn_slope slope)
{
    const struct attn_problem *p = w->p;
    const double scale = (double)p->scale, c = (double)p->softcap;
    const int64_t key = w->key[i];
    double dot, gauge;
    attn_rows_dot(w->d_pad, w->q, w->q_float, w->k + key * w->d_pad, w->k_float + key * w->d_pad, &dot, &gauge);
    const double raw = scale * dot, capped = c > 0.0 ? c * tanh(raw / c) : raw;
    const double bias = slope.value * w->bias[i];
    const double elements = (double)w->d_k, k_sum = w->k_sum[key];
    w->score[i] = capped + bias;
    w->gauge[i] = fabs(scale) * gauge * (1.0 + (elements + 8.0) * ATTN_U32); /* summed in float */
    row->partial = fmax(row->partial, w->gauge[i] > fabs(raw) ? 0.5 + 0.5 * fabs(raw) / w->gauge[i] : 1.0);
    w->narrow[i] = 0.0;
    if (w->narrowed) {
        attn_rows_dot(w->d_pad, w->q, w->q_float, w->k_off + key * w->d_pad, w->k_off_float + key * w->d_pad, &dot,
                      &gauge);
        w->narrow[i] = fabs(scale) * (fabs(dot) + gauge * 0x1p-40);
    }
    w->sloped[i] = k_sum;
    if (c > 0.0) {
        const double least = fabs(raw) - w->gauge[i] / 64.0;
        const double slope_here = slope_of_softcap(least, c);
        w->sloped[i] *= slope_of_softcap(least - ATTN_Q_OFF * fabs(scale) * row->q_max * k_sum, c);
        w->gauge[i] *= slope_here;
        w->narrow[i] *= slope_here;
    }
    w->extra[i] = ATTN_U32 * ((c > 0.0 ? 12.0 : 2.0) * fabs(capped) + 3.0 * fabs(bias) + 2.0 * fabs(w->score[i])) +
                  fabs(w->bias[i]) * slope.error +
                  0x1p-126 * (fabs(scale) * (row->q_sum + k_sum + elements) + k_sum + elements + c + 4.0);
}

/* Makes a row's sums relative to a new, larger maximum. */
static void raise_max(struct attn_reference *r, int64_t index, struct attn_running *run, double max)
{
    struct attn_row *row = &r->rows[index];
    if (run->sum > 0.0) {
        const double step = max - run->max, factor = exp(-step);
        row->x2 = factor > 0.0 ? factor * (row->x2 + step * (2.0 * run->x1 + step * run->sum)) : 0.0;
        run->x1 = factor > 0.0 ? factor * (run->x1 + step * run->sum) : 0.0;
        run->sum *= factor;
        attn_gauge_scale(row, factor);
        attn_rows_scale(factor, r->d_v, r->value + index * r->d_v, r->square + index * r->d_v,
                        r->magnitude + index * r->d_v, r->prefix + index * r->d_v);
    }
    run->max = max;
}

void attn_row_tile(struct attn_work *w, int64_t first, int64_t n, struct attn_place *place, int64_t h, int64_t s,
                   struct attn_slope slope)
{
    struct attn_running *run = &place->running;
    const int64_t iq = place->iq, index = place->index;
    const int64_t live = attn_list_live(w, first, n, iq, h, s);
    if (live == 0) {
        return;
    }
    struct attn_reference *r = w->r;
    struct attn_row *row = &r->rows[index];
    attn_load_query(w, iq, h, s, row);
    double max = run->max;
    int64_t top = 0;
    for (int64_t i = 0; i < live; i++) {
        score_of(w, i, row, slope);
        row->near_max += !(w->score[i] < max - ATTN_NEAR_MAX);
        if (w->watched) {
            attn_watch_score(r, index, first + w->key[i], w->score[i]);
        }
        top = w->score[i] > max ? w->key[i] : top;
        max = w->score[i] > max ? w->score[i] : max;
    }
    if (max > run->max) {
        raise_max(r, index, run, max);
        attn_top_rise(row, &place->top, run->sum, w->v_float + top * w->d_v, w->v_max[top], w->d_v);
    }
    attn_gauge_scores(row, &run->sampled, live, w->score, run->max);
    row->v_pairs += w->v_pairs;
    row->v_same += w->v_same;
    double tile_v = 0.0;
    for (int64_t i = 0; i < live; i++) {
        const double x = run->max - w->score[i], weight = exp(-x);
        w->weight[i] = weight;
        run->min = fmin(run->min, w->score[i]);
        row->v_max = fmax(row->v_max, w->v_max[w->key[i]]);
        run->sum += weight;
        if (weight > 0.0) {
            run->x1 += weight * x;
            row->x2 += weight * x * x;
            row->g2 += weight * w->gauge[i] * w->gauge[i];
            row->h2 += weight * w->extra[i] * w->extra[i];
            attn_gauge_key(row, weight, x, w->gauge[i], w->extra[i], w->narrow[i], w->sloped[i]);
            attn_gauge_v(row, weight, run->sum, w->v_min[w->key[i]], w->v_max[w->key[i]]);
            attn_gauge_weight(row, &run->sampled, first + w->key[i], weight, run->sum);
            attn_top_add(row, &place->top, weight, w->v_float + w->key[i] * w->d_v, w->v_max[w->key[i]], w->d_v);
        }
        row->g_max = fmax(row->g_max, w->gauge[i]);
        row->h_max = fmax(row->h_max, w->extra[i]);
        row->n_max = fmax(row->n_max, w->narrow[i]);
        tile_v += weight * w->v_max[w->key[i]];
        row->v_small += w->v_small[w->key[i]] ? weight : 0.0;
        row->k_sum = fmax(row->k_sum, w->k_sum[w->key[i]]);
        row->k_sloped = fmax(row->k_sloped, w->sloped[i]);
        row->k_small = fmax(row->k_small, w->k_small[w->key[i]]);
    }
    row->live += live;
    row->tile_v = fmax(row->tile_v, tile_v);
    attn_rows_add(live, w->weight, w->key, w->v, w->v_float, w->d_v, w->d_v, r->value + index * r->d_v,
                  r->square + index * r->d_v, r->magnitude + index * r->d_v);
    attn_rows_peak(w->d_v, r->value + index * r->d_v, r->prefix + index * r->d_v);
}

void attn_finish_row(struct attn_work *w, int64_t h, struct attn_place *place)
{
    struct attn_reference *r = w->r;
    struct attn_running *run = &place->running;
    const int64_t index = place->index;
    struct attn_row *row = &r->rows[index];
    if (row->live == 0) {
        return; /* zeros, as allocated; with a sink, all weight is on it */
    }
    row->keys = 1.0;
    const double top = run->max, least = run->min; /* of the keys */
    if (w->p->t[ATTN_SINKS].present) {
        float sink;
        memcpy(&sink, w->base[ATTN_SINKS] + h * (int64_t)sizeof sink, sizeof sink);
        if ((double)sink > run->max) {
            raise_max(r, index, run, (double)sink);
            row->apart = run->sum * row->v_max; /* the top one's V is zero */
        }
        const double x = run->max - (double)sink, weight = exp(-x);
        const double extra = ATTN_U32 * 4.0 * fabs((double)sink); /* base 2, and rounded differences */
        run->min = fmin(run->min, (double)sink);
        row->keys = run->sum / (run->sum + weight);
        row->apart += (double)sink <= top ? weight * place->top.v_max : 0.0;
        run->sum += weight;
        if (weight > 0.0) {
            row->x2 += weight * x * x;
            row->h2 += weight * extra * extra;
        }
        row->h_max = fmax(row->h_max, extra);
    }
    attn_watch_finish(r, index, w->head, run->max, run->sum);
    row->x_max = run->max - run->min;
    row->x_keys = run->max - least;
    row->top = exp(top - run->max) / run->sum;
    row->x2 /= run->sum;
    attn_gauge_scale(row, 1.0 / run->sum);
    attn_rows_scale(1.0 / run->sum, r->d_v, r->value + index * r->d_v, r->square + index * r->d_v,
                    r->magnitude + index * r->d_v, r->prefix + index * r->d_v);
}
