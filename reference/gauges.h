/* gauges.h: what the reference notes of a row beside its values, for what is likely of roundings (chance.c).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_REFERENCE_GAUGES_H
#define ATTN_REFERENCE_GAUGES_H

#include "reference/internal.h"

#include <math.h>

/* A key that later ones are held against. */
struct attn_sampled {
    double score;
    int64_t tiles;        /* with live keys, so far */
    int64_t window, kept; /* number of the last one, and its keys that are kept: struct attn_row */
};

/* Makes the gauges that go by weights relative to others. */
static inline void attn_gauge_scale(struct attn_row *row, double factor)
{
    row->apart *= factor;
    row->g2 *= factor;
    row->h2 *= factor;
    row->n2 *= factor;
    row->tile_v *= factor;
    row->pg2_top *= factor;
    row->ph2_top *= factor;
    row->lost *= factor;
    row->v_small *= factor;
    row->rest *= factor;
    row->rest_g *= factor;
    row->rest_h *= factor;
    row->rest_n *= factor;
    row->pv_top *= factor;
    row->fine *= factor;
    row->rough *= factor;
}

/* How many of a tile's scores are as good as the same? Each near the maximum is held against another one of the tile,
 * further on by a step that changes from tile to tile, and against one of an earlier tile, which stays for as many
 * tiles as came before it, so that no period hides. */
static inline void attn_gauge_scores(struct attn_row *row, struct attn_sampled *sampled, int64_t n, const double *score,
                                     double max)
{
    const int64_t step = n > 1 ? 1 + sampled->tiles % (n - 1) : 0;
    const double least = max - ATTN_FAR;
    const bool sample = sampled->tiles > 0 && sampled->score >= least;
    double first = sampled->score;
    bool found = false;
    for (int64_t i = 0; i < n; i++) {
        if (score[i] < least) {
            continue;
        }
        const double other = score[i + step < n ? i + step : i + step - n];
        const double apart = fabs(score[i] - other), from_sample = fabs(score[i] - sampled->score);
        const bool pair = step > 0 && other >= least;
        row->pairs += pair + sample;
        row->same += (pair && apart <= ATTN_SAME_SCORE) + (sample && from_sample <= ATTN_SAME_SCORE);
        row->near += (pair && apart <= ATTN_NEAR_SCORE) + (sample && from_sample <= ATTN_NEAR_SCORE);
        first = found ? first : score[i];
        found = true;
    }
    if (found && (!sample || (sampled->tiles & (sampled->tiles - 1)) == 0)) {
        sampled->score = first;
    }
    sampled->tiles += found;
}

/* A sum of weights that has come to `sum` with this one, of key number `key`. */
static inline void attn_gauge_weight(struct attn_row *row, struct attn_sampled *sampled, int64_t key, double weight,
                                     double sum)
{
    if (weight < 2.0 * ATTN_U32 * sum) {
        row->lost += weight;
    } else {
        sampled->kept = key / ATTN_WINDOW == sampled->window ? sampled->kept + 1 : 1;
        sampled->window = key / ATTN_WINDOW;
        row->kept++;
        row->kept_most = row->kept_most > sampled->kept ? row->kept_most : sampled->kept;
        row->rough += sum * sum / weight;
    }
}

/* A key x below the maximum so far. */
static inline void attn_gauge_key(struct attn_row *row, double weight, double x, double g, double h, double narrow,
                                  double k_sloped)
{
    row->pg2_top = fmax(row->pg2_top, weight * g * g);
    row->ph2_top = fmax(row->ph2_top, weight * h * h);
    row->n2 += weight * narrow * narrow;
    if (x <= ATTN_FAR) {
        row->g_near = fmax(row->g_near, g);
        row->h_near = fmax(row->h_near, h);
        row->n_near = fmax(row->n_near, narrow);
        row->k_near = fmax(row->k_near, k_sloped);
        row->beside++;
    } else {
        row->rest += weight;
        row->rest_g += weight * g;
        row->rest_h += weight * h;
        row->rest_n += weight * narrow;
    }
}

/* Its V, of which least is the smallest that is not zero; sum: of weights so far, with this one. */
static inline void attn_gauge_v(struct attn_row *row, double weight, double sum, double least, double most)
{
    row->pv_top = fmax(row->pv_top, weight * most);
    if (weight * least < 2.0 * ATTN_U32 * sum * row->v_max) {
        row->fine += weight * most;
    }
}

/* Some elements of row number `number` of V beside those of another. */
static inline void attn_gauge_values(int64_t d_v, int64_t number, const float *before, const float *v, int64_t *pairs,
                                     int64_t *same)
{
    enum { ELEMENTS = 4 };
    const int64_t step = d_v > ELEMENTS ? d_v / ELEMENTS : 1;
    for (int64_t d = number % step; d < d_v; d += step) {
        ++*pairs;
        *same += v[d] != 0.0f && v[d] == before[d];
    }
}

#endif
