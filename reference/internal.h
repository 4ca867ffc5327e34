/* internal.h: what the computation leaves behind for bound.c and judge.c, and its own parts.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_REFERENCE_INTERNAL_H
#define ATTN_REFERENCE_INTERNAL_H

#include <stdlib.h>

#include "reference/attn_reference.h"

#define ATTN_U32 0x1p-24 /* unit roundoff of binary32 */

/* Gauges of one row (one query row of one head of one sequence). p_k are the softmax weights, the sink's
 * included where there is one, so that they sum to 1; score_k the logit of key k; all over the row's live keys.
 *
 * G_k = |scale| * sum_d |q_d k_kd| is what rounding and narrowing of the dot product scale with, times the slope of
 * the softcap where there is one.
 * h_k is what the steps from the dot product to the logit add in a kernel computing in f32 (derived where it
 * is computed, score_of in score.c).
 * x_k = max score - score_k is what the exponential is taken of. */
struct attn_row {
    double g2, g_max; /* sum p G^2 and max G */
    double h2, h_max; /* sum p h^2 and max h */
    double x2, x_max; /* sum p x^2 and max x */
    double x_keys;    /* max x without the sink */
    double n2, n_max; /* sum p N^2 and max N, N = |scale sum q (f16(k) - k)|, as G: quantised K as f16 (0 for others) */
    double v_max;     /* max |V| over live keys and all d */
    double k_sum;     /* max over live keys of sum_d |k_d| */
    double
        k_sloped;   /* max over live keys of sum_d |k_d| times the softcap's slope, see ATTN_Q_OFF; without one k_sum */
    double k_small; /* max over live keys of the sum of |k_d| below ATTN_SMALL */
    double partial; /* max over live keys of (G + |score|) / 2 G before a softcap and mask: see bound.c, 1 */
    double q_sum;   /* sum_d |q_d| */
    double q_max;   /* max_d |q_d| */
    double keys;    /* their part of all weight; below 1 where there is a sink */
    /* Keys that are at most ATTN_FAR below the maximum so far, and the rest. */
    double g_near, h_near, n_near, k_near; /* max G, max h, max N, and k_sloped, of those near */
    double rest, rest_g, rest_h, rest_n;   /* sum p, and of p G, p h, p N of the others */
    int64_t beside;                        /* how many are near */
    double v_small; /* sum p of keys with an element of V that is not zero and below ATTN_SMALL */
    double tile_v;  /* max over tiles of sum p max_d |V_d|: keys in their order, attn_reference.tile at a time */
    /* Keys that a sum of weights does not notice, p < 2 u S with S the sum of p up to the key: adding such a one is off
     * by no more than p. */
    double lost;       /* sum p of them */
    int64_t kept;      /* the others */
    int64_t kept_most; /* of ATTN_WINDOW keys one after the other, from a multiple of that on */
    double apart;      /* sum p (max|V| + max|V of the top key|) over keys whose V is not that of the top one (top.c) */
    /* For what is likely (chance.c), over live keys. */
    double top;              /* max p */
    double pg2_top, ph2_top; /* max p G^2 and max p h^2 */
    double pv_top;           /* max p max_d |V_d| */
    double
        fine; /* sum p max_d |V_d| of keys with an element of V other than zero of which p |V| < 2 u S max |V| so far */
    double rough;            /* with S the sum of p up to a key: over kept ones sum S^2 / p */
    int64_t pairs;           /* of near keys drawn from all over the row, */
    int64_t same, near;      /* of which the scores are ATTN_SAME_SCORE, ATTN_NEAR_SCORE apart at most */
    int64_t v_pairs, v_same; /* pairs of elements of V, of one d; of which both are the same, and not zero */
    int64_t live;            /* live keys; 0: the row is zeros */
    int64_t near_max; /* of which, in their order, are above the maximum of those before, or no more than ATTN_NEAR_MAX
                         below it */
};

/* V of the key with the highest score so far. */
struct attn_top {
    float *v;
    double v_max;
};

/* Keeps row->apart, in units of the row's weights so far: their sum before a key with a higher score; a key's weight.
 */
void attn_top_rise(struct attn_row *row, struct attn_top *top, double sum, const float *v, double v_max, int64_t d_v);
void attn_top_add(struct attn_row *row, const struct attn_top *top, double weight, const float *v, double v_max,
                  int64_t d_v);

/* k_sloped is for a Q that is off by so much of its row's largest element in each, at most. */
#define ATTN_Q_OFF 0x1p-10

/* A score so near to another's in exact arithmetic may be on its other side in a kernel's. */
#define ATTN_NEAR_MAX 0x1p-6

/* Watched keys: see struct attn_watch. */
struct attn_watched {
    int n;
    double least;
    int64_t *key;   /* [n] */
    int64_t *head;  /* [row]: which of the KV heads of sequences that were computed, in their order */
    double *weight; /* [row * n + i]: p; 0 where the row does not see the key */
    float *v;       /* [(head * n + i) * d_v + d] */
};

#define ATTN_FAR 12.0

#define ATTN_WINDOW 1024

#define ATTN_SMALL 0x1p-14 /* the smallest normal number of f16 */

#define ATTN_SAME_SCORE 0x1p-26
#define ATTN_NEAR_SCORE 0x1p-12

struct attn_reference {
    struct attn_problem problem;
    int64_t d_v, n_head, n_q, n_seq;
    int64_t n_rows;        /* that are computed */
    int64_t *chosen;       /* NULL: all rows; else the numbers (s * n_q + iq) * n_head + h of those, ascending */
    struct attn_row *rows; /* [n_rows]: see attn_row_index */
    double *value;         /* [row * d_v + d] */
    double *square;        /* sum p V_d^2 */
    float *magnitude;      /* A_d = sum p |V_d|, in float: a little low at worst, bound.c makes up for it */
    float *prefix;         /* P_d = max |sum p V_d| over the keys of the first tiles, be it however many: likewise */
    int64_t tile;          /* keys of a tile */
    bool shuffled;         /* whoever is judged gets the keys in another order than this reference has */
    struct attn_watched watched;
};

/* Place of a row in `rows`; -1 when it was left out. */
static inline int64_t attn_row_index(const struct attn_reference *r, int64_t h, int64_t iq, int64_t s)
{
    const int64_t row = (s * r->n_q + iq) * r->n_head + h;
    if (!r->chosen) {
        return row;
    }
    int64_t low = 0, high = r->n_rows;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (r->chosen[middle] < row) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < r->n_rows && r->chosen[low] == row ? low : -1;
}

/* Sets n_rows and, where all rows of the problem cost more than `work` multiply-adds, chosen. False when memory runs
 * out or there are more rows than can be counted. */
bool attn_choose_rows(struct attn_reference *r, int64_t work, uint64_t seed);

/* Elements of one array: more than any problem that is run has (fuzz/: 20 M multiply-adds, so no more components or
 * elements of a row). */
#define ATTN_MAX_ELEMENTS (INT64_C(1) << 28)

/* Zeroed memory for n elements; NULL when there is none. */
static inline void *attn_zeros(int64_t n, size_t size) { return calloc((size_t)n, size); }

/* Memory for n_rows rows; false when there is none or they are too large. */
bool attn_allocate_results(struct attn_reference *r);

/* Roundings, in units of u, on the way from a term to a row's result, at most. */
struct attn_paths {
    double weights;      /* of a weight into the sum of weights */
    double values;       /* of w V in a workgroup, where partial sums are rounded; */
    double weights_lost; /* of either, those that need not be counted where for each of the keys that are lost its */
    double values_lost;  /* weight is: struct attn_row */
    double combined;     /* where those of splits are, added up one after the other; */
    double each;         /* and where the term itself is rounded */
    double rescales, factors; /* exponentials that a weight is a product of: rescales, and all */
    double block;             /* partial sums go past a sum of the reference's whole tiles by so many of them at most;
                                 infinite: the keys' order is not known */
};

/* Roundings of a dot product of d_k elements by the route. rest: Q's second part beside its first, at most. */
double attn_dot_roundings(const struct attn_arithmetic *a, double d_k, double rest);

/* The paths of a row. score_error: how far a score may be off. */
struct attn_paths attn_paths_of(const struct attn_arithmetic *a, const struct attn_reference *r,
                                const struct attn_row *row, double score_error);

/* How far the scores of a row may be off, in the parts of which each behaves in its own way; see bound.c, 1. */
struct attn_score_errors {
    double dot, q, k;        /* relative to G: of the dot product's roundings, Q narrowed, K narrowed */
    double known, known_max; /* of K narrowed, where the reference knows it: sqrt(sum p N^2) and max N */
    double same;             /* c, of which all or many keys have the same; */
    double same_near;        /* and of keys near the maximum */
    double roundings;        /* that `dot` is made of */
    double relative;         /* a: dot, q and k together */
    bool sound;              /* relative errors are no more than G allows for */
    double exponential;      /* of x, at most */
    double eta, most;        /* of all parts together: N, and at most */
};

/* What roundings can do, in proportion to what a component has. */
struct attn_rounding {
    /* Wrong weights: | change of a weighted mean | / its standard deviation; or / A_d from keys near the maximum, / |o|
     * from their mean, and / (max |V| + |o|) from the rest of them. */
    double shift, near, mean, rest;
    double weights; /* relative error of the sum of weights */
    /* Of a sum of w V: relative to its largest partial sum where a workgroup adds, or less and something for keys that
     * are lost; relative to it where splits are added up; to A_d where terms are rounded. */
    double values, values_kept, values_lost, values_fine, combined,
        each; /* fine: more, where few keys have most of V */
    /* Where weights, or V, are narrowed for it: relative to A_d; or less, and relative to how large terms are where
     * they are taken for independent (limit_of). */
    double p_round, p_mean, p_spread, v_round, v_spread;
};

/* The parts of a limit that are the same for all components of a row. */
struct attn_row_limit {
    const struct attn_row *row;
    struct attn_rounding proven, likely; /* the worst, and the worst that may be expected: chance.c */
    double prefixes, tiles; /* a workgroup's partial sums are at most so many P_d and tile_v; 0: nothing is known */
    bool in_order;          /* those of splits are P_d + tile_v at most */
    double apart;           /* no wrong weights move a component by more */
    double fixed;           /* absolute: underflow and flushed subnormals */
    double magnitude;       /* what attn_reference.magnitude must be multiplied with to be no less than A_d */
    double square;          /* relative error of attn_reference.square and value in double */
};

/* What rounding by `arithmetic` can do to the row. */
void attn_row_limit_of(const struct attn_reference *r, const struct attn_arithmetic *arithmetic,
                       const struct attn_row *row, struct attn_row_limit *limit);

/* The same where roundings that are not all alike average out: likely, from what is proven. */
void attn_chance(const struct attn_reference *r, const struct attn_arithmetic *arithmetic, const struct attn_row *row,
                 const struct attn_score_errors *errors, const struct attn_paths *paths,
                 const struct attn_rounding *proven, struct attn_rounding *likely);

/* The limit of component number `component` (an index into value, square, magnitude) of that row. */
double attn_component_limit(const struct attn_reference *r, const struct attn_row_limit *limit, int64_t component);

/* Watching (watch.c). Opened once rows are chosen, for so many KV heads of sequences; false when memory runs out. */
bool attn_watch_open(struct attn_reference *r, const struct attn_watch *watch, int64_t n_heads);
void attn_watch_close(struct attn_reference *r);
/* V of a key of a head; a row's score of it; that all scores of a row are there. Other keys are not remembered. */
void attn_watch_values(struct attn_reference *r, int64_t head, int64_t key, const float *v);
void attn_watch_score(struct attn_reference *r, int64_t index, int64_t key, double score);
void attn_watch_finish(struct attn_reference *r, int64_t index, int64_t head, double max, double sum);
/* Would the row be rejected without any one of its watched keys? */
bool attn_watch_missed(const struct attn_reference *r, const struct attn_row_limit *limit, int64_t index);

/* How far it may be off and be accepted; between that and its limit `proven` it is suspect. */
double attn_component_accept(const struct attn_reference *r, const struct attn_row_limit *limit, int64_t component,
                             double proven);

#endif
