/* chance.c: how far a correct kernel's result is likely to be from the reference, where roundings average out.
 *
 * Roundings to nearest of numbers that have nothing to do with each other are off up and down alike: taken as
 * independent and of mean zero, each of at most r_i (Higham and Mary, A new approach to probabilistic rounding error
 * analysis, SIAM J. Sci. Comput. 41, 2019), their sum passes
 *
 *     L sqrt(sum r_i^2)       with a probability of at most 2 exp(-L^2 / 2)      (Hoeffding's inequality,
 *
 * and so does the largest of their partial sums), where n of at most r would be n r at worst. L = 8: 2.6e-14; a
 * component has seven such sums, so 100 million healthy components exceed what is said here with a probability below
 * 2e-5.
 *
 * That holds of data that look like chance, and only there. Where two keys have the same score or the same V, their
 * roundings are the same too, and where numbers are smaller than what a sum rounds to, all of them are lost. So
 * everything here is measured on the data, and where they are not varied, what is proven stays. Sum by sum:
 *
 * - Equal terms. Of all pairs of keys near the maximum the part s has the same score (`same`, counted on some). Keys
 * with equal scores make groups of n_g, sum n_g^2 = n^2 s, whose errors are the same: sum r_i^2 becomes r^2 sum n_g^2,
 * so each sum over n keys counts with n (1 + n s) for n. All equal: n^2, the worst case. Keys far below the maximum
 * (ATTN_FAR) are left out, and for them the worst case is added.
 * - Dot products: r = u G sqrt(m), over keys by sum p^2 G^2 (V - o)^2 <= max(p G^2) sigma^2 (in place of 1. in bound.c,
 *   where all keys conspire). K narrowed: u_k G likewise. Q narrowed is the same for all keys: worst case. Rounding a
 *   score and adding the mask, likewise with h, but for softcap and ALiBi, whose functions may be off in one direction.
 *   So may exponentials: x and c stay.
 *   To first order in t; of the second, sum p (e^t - 1 - t) (V - o) <= eta_max / 2 e^eta_max N sigma.
 * - A chain that sums up n terms: r = u times the largest partial sum. A term is rounded to a multiple of what the sum
 * so far, S, has for an ulp, 2 u S at most. It is off by chance where the terms' fractions of that are spread evenly.
 * With a density f of scores the mean of what a term w loses is at most 2 u S f / w of u S (the share that the ends of
 * a density cut into ulps can have; twice that is taken). f: the part of pairs of keys that are near is 2 d int f^2,
 * and three standard deviations are added to how many were counted. So these losses add up to 4 u^2 int f^2 sum S^2 /
 * w; terms below an ulp are lost as a whole. With V the sum is smaller in the same measure as the terms are, or
 * smaller. Where few keys have most of V, (sum p |V|)^2 < sum p V^2 / 16, that is not so, and terms
 *   that are small beside what max |V| would make of them count as lost.
 * - Weights narrowed before they are multiplied: u_p p |V| each, by sum p^2 V^2 <= max(p) sum p V^2; the mean as above,
 *   with the type's ulps for S's. V narrowed: likewise, with pairs of the same V in place of the same score.
 * - Matrix cores truncate, and all in one direction: worst case. So are joins, merges and the combine: they are few.
 *
 * SPDX-License-Identifier: MIT */
#include "reference/internal.h"

#include <math.h>

static const double U = ATTN_U32;
static const double L = 8.0;

/* Part of all pairs, from some: with what chance may have hidden. */
static double part_of(int64_t found, int64_t pairs)
{
    if (pairs == 0) {
        return 1.0;
    }
    const double n = (double)found;
    return fmin((n + 3.0 * sqrt(n) + 3.0) / (double)pairs, 1.0);
}

/* How often a term counts, of n of which so many pairs are equal: 1 where all are different. */
static double grouped(double n, int64_t same, int64_t pairs)
{
    return same == 0 && pairs > 0 ? 1.0 : 1.0 + n * part_of(same, pairs);
}

static double likely_shift(const struct attn_reference *r, const struct attn_arithmetic *arithmetic,
                           const struct attn_row *row, const struct attn_score_errors *e, double groups)
{
    const double spread = L * sqrt(groups);
    const double dot = arithmetic->matrix
                           ? e->dot * sqrt(row->g2)
                           : fmin(e->dot * sqrt(row->g2), spread * U * sqrt(e->roundings * row->pg2_top));
    const double k = fmin(e->k * sqrt(row->g2), spread * e->k * sqrt(row->pg2_top));
    const bool steps = !(r->problem.softcap > 0.0f) && !(r->problem.max_bias > 0.0f);
    const double h = steps ? fmin(sqrt(row->h2), spread * sqrt(row->ph2_top)) : sqrt(row->h2);
    /* Of keys far below the maximum nothing is known but their weight. */
    const double far = (e->dot + e->k) * row->g_max * sqrt(row->rest) + row->h_max * sqrt(row->rest);
    const double first = dot + k + far + e->known + e->q * sqrt(row->g2) + h + 6.0 * U * sqrt(row->x2) + e->same;
    return e->most < 1.0 ? exp(e->eta) * (first + 0.5 * e->most * exp(e->most) * e->eta) : INFINITY;
}

void attn_chance(const struct attn_reference *r, const struct attn_arithmetic *arithmetic, const struct attn_row *row,
                 const struct attn_score_errors *errors, const struct attn_paths *paths,
                 const struct attn_rounding *proven, struct attn_rounding *likely)
{
    const double n = (double)row->beside, groups = grouped(n, row->same, row->pairs);
    const double density = part_of(row->near, row->pairs) / (2.0 * ATTN_NEAR_SCORE);
    const double mean = 4.0 * U * U * density * row->rough;
    const double weights = L * U * sqrt((paths->weights - paths->weights_lost) * groups) + mean + row->lost;
    const double values = L * U * sqrt((paths->values - paths->values_lost) * groups) + 2.0 * mean;

    *likely = *proven;
    likely->shift = fmin(proven->shift, likely_shift(r, arithmetic, row, errors, groups));
    likely->weights = fmin(proven->weights, weights);
    if (!arithmetic->matrix && errors->most < 1.0) {
        likely->values_kept = fmin(proven->values_kept, values * (1.0 + likely->weights));
        likely->values_lost = row->lost * exp(2.0 * errors->most) * row->v_max;
        likely->values_fine = row->fine * exp(2.0 * errors->most);
    }
    likely->p_mean = fmin(8.0 * proven->p_round * density, 1.0) * proven->p_round;
    likely->p_spread = L * sqrt(groups) * proven->p_round;
    likely->v_spread = L * sqrt(grouped(n, row->v_same, row->v_pairs)) * proven->v_round;
}
