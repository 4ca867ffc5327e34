/* reference.c: attention in double precision, with the gauges that the bound needs.
 *
 * For each sequence and KV head, tiles of keys are decoded once and used by all query rows of all query heads
 * that read that KV head. A row keeps a running maximum and sums relative to it (online softmax); in double that
 * costs some 1e-16 a tile, next to 6e-8 for one operation of a kernel (bound.c counts it). Memory is the
 * results, three numbers a component, and one tile.
 *
 * SPDX-License-Identifier: MIT */
#include "reference/attn_reference.h"
#include "reference/gauges.h"
#include "reference/internal.h"
#include "reference/rows.h"

#include "planner/arith.h"
#include "planner/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    TILE_KEYS = 64,      /* keys decoded at a time, at most */
    TILE_ELEMENTS = 8192 /* and elements of K and V of the tile, so that it stays in a core's cache */
};
static const uint16_t F16_MINUS_INF = 0xFC00u;

/* What a row needs while it runs, besides its gauges. */
struct running {
    double max, min; /* of the scores so far; -inf, +inf before the first */
    double sum;      /* of weights exp(score - max) */
    double x1;       /* of weight * (max - score) */
    struct attn_sampled sampled;
};

/* A row that reads the KV head at work: query row iq of its query head number j, and where its results go. */
struct place {
    int64_t group; /* s * n_head_kv + KV head */
    int64_t j, iq, index;
    struct running running;
    struct attn_top top;
};

/* A head's ALiBi slope, and how far a kernel's may be off. */
struct slope {
    double value, error;
};

struct work {
    const struct attn_problem *p;
    const char *base[ATTN_OPERAND_COUNT];
    struct attn_reference *r;
    int64_t d_k, d_v, d_pad, n_q, n_kv, ratio, tile;
    int64_t head;         /* KV heads of sequences before the one at work */
    bool watched;         /* some key of the tile is */
    struct place *places; /* of the KV head at work, or of all rows where some were chosen */
    double *k, *v, *q;    /* the tile and the query row, in double and in float */
    float *k_float, *v_float, *q_float;
    float *top_v;  /* of each place */
    bool narrowed; /* K is of a type that some routes narrow to f16: */
    double *k_off; /* by what that changes it, for the tile; */
    float *k_off_float;
    double narrow[TILE_KEYS];                  /* and what that does to the score at work */
    double k_sum[TILE_KEYS], v_max[TILE_KEYS]; /* sum |k_d| and max |v_d| of a key */
    int64_t v_pairs, v_same;                   /* of the tile: struct attn_row */
    double v_min[TILE_KEYS], k_small[TILE_KEYS];
    bool v_small[TILE_KEYS];  /* struct attn_row */
    uint8_t alive[TILE_KEYS]; /* some row of this KV head attends to the key */
    /* live keys of the row at work */
    int32_t key[TILE_KEYS];
    double bias[TILE_KEYS], score[TILE_KEYS], gauge[TILE_KEYS], extra[TILE_KEYS], weight[TILE_KEYS];
};

static const char *row_at(const struct work *w, int operand, int64_t i1, int64_t i2, int64_t i3)
{
    const struct attn_tensor *t = &w->p->t[operand];
    return w->base[operand] + i1 * t->nb[1] + i2 * t->nb[2] + i3 * t->nb[3];
}

/* The mask row of query row iq, head h, sequence s. */
static const char *mask_row(const struct work *w, int64_t iq, int64_t h, int64_t s)
{
    const struct attn_tensor *m = &w->p->t[ATTN_MASK];
    return row_at(w, ATTN_MASK, iq, h % m->ne[2], s % m->ne[3]);
}

static uint16_t mask_value(const char *row, int64_t key)
{
    uint16_t bits;
    memcpy(&bits, row + key * 2, sizeof bits);
    return bits;
}

/* Marks which of the n keys from `first` on some of the rows attends to. Returns how many. */
static int64_t find_alive(struct work *w, int64_t first, int64_t n, const struct place *places, int64_t n_places,
                          int64_t kv_head, int64_t s)
{
    if (!w->p->t[ATTN_MASK].present) {
        memset(w->alive, 1, (size_t)n);
        return n;
    }
    memset(w->alive, 0, (size_t)n);
    int64_t found = 0;
    for (int64_t at = n_places - 1; at >= 0; at--) { /* the last row of a causal mask sees most */
        if (!w->r->chosen && places[at].j >= w->p->t[ATTN_MASK].ne[2]) {
            continue; /* the same mask row as an earlier head's */
        }
        const char *row = mask_row(w, places[at].iq, kv_head * w->ratio + places[at].j, s) + first * 2;
        for (int64_t i = 0; i < n; i++) {
            const uint8_t live = !w->alive[i] && mask_value(row, i) != F16_MINUS_INF;
            w->alive[i] |= live;
            found += live;
        }
        if (found == n) {
            return n;
        }
    }
    return found;
}

/* Decodes the keys that are alive; the others' bytes are not looked at. */
static void load_tile(struct work *w, int64_t first, int64_t n, int64_t kv_head, int64_t s)
{
    const float *before = NULL;
    w->v_pairs = w->v_same = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!w->alive[i]) {
            continue;
        }
        float *k_float = w->k_float + i * w->d_pad, *v_float = w->v_float + i * w->d_v;
        double *k = w->k + i * w->d_pad, *v = w->v + i * w->d_v;
        attn_row_decode(w->p->t[ATTN_K].type, row_at(w, ATTN_K, first + i, kv_head, s), w->d_k, k_float);
        attn_row_decode(w->p->t[ATTN_V].type, row_at(w, ATTN_V, first + i, kv_head, s), w->d_v, v_float);
        w->k_sum[i] = w->k_small[i] = 0.0;
        for (int64_t d = 0; d < w->d_k; d++) {
            k[d] = (double)k_float[d];
            w->k_sum[i] += fabs(k[d]);
            w->k_small[i] += fabs(k[d]) < ATTN_SMALL ? fabs(k[d]) : 0.0;
        }
        for (int64_t d = 0; w->narrowed && d < w->d_k; d++) {
            const float as_f16 = attn_f16_to_f32(attn_f32_to_f16(k_float[d]));
            w->k_off[i * w->d_pad + d] = (double)as_f16 - k[d];
            w->k_off_float[i * w->d_pad + d] = as_f16 - k_float[d];
        }
        float v_max = 0.0f, v_min = INFINITY;
        bool small = false;
        for (int64_t d = 0; d < w->d_v; d++) {
            v[d] = (double)v_float[d];
            v_max = fmaxf(v_max, fabsf(v_float[d]));
            v_min = v_float[d] != 0.0f ? fminf(v_min, fabsf(v_float[d])) : v_min;
            small = small || (v_float[d] != 0.0f && fabsf(v_float[d]) < (float)ATTN_SMALL);
        }
        w->v_max[i] = (double)v_max;
        w->v_min[i] = (double)v_min;
        w->v_small[i] = small;
        if (w->watched) {
            attn_watch_values(w->r, w->head, first + i, v_float);
        }
        if (before) {
            attn_gauge_values(w->d_v, i, before, v_float, &w->v_pairs, &w->v_same);
        }
        /* And beside one from anywhere before: V may come again and again without standing side by side. */
        const int64_t other = i > 0 ? (int64_t)(attn_mix((uint64_t)(first + i)) % (uint64_t)i) : 0;
        if (other < i && w->alive[other]) {
            attn_gauge_values(w->d_v, i, w->v_float + other * w->d_v, v_float, &w->v_pairs, &w->v_same);
        }
        before = v_float;
    }
}

static void load_query(struct work *w, int64_t iq, int64_t h, int64_t s, struct attn_row *row)
{
    memcpy(w->q_float, row_at(w, ATTN_Q, iq, h, s), (size_t)w->d_k * sizeof(float));
    row->q_sum = row->q_max = 0.0;
    for (int64_t d = 0; d < w->d_k; d++) {
        w->q[d] = (double)w->q_float[d];
        row->q_sum += fabs(w->q[d]);
        row->q_max = fmax(row->q_max, fabs(w->q[d]));
    }
}

/* Lists the keys of the tile that the row attends to, with their mask values. Returns how many. */
static int64_t list_live(struct work *w, int64_t first, int64_t n, int64_t iq, int64_t h, int64_t s)
{
    if (!w->p->t[ATTN_MASK].present) {
        for (int64_t i = 0; i < n; i++) {
            w->key[i] = (int32_t)i;
            w->bias[i] = 0.0;
        }
        return n;
    }
    const char *row = mask_row(w, iq, h, s) + first * 2;
    int64_t live = 0;
    for (int64_t i = 0; i < n; i++) {
        const uint16_t bits = mask_value(row, i);
        if (bits != F16_MINUS_INF) {
            w->key[live] = (int32_t)i;
            w->bias[live++] = bits == 0 ? 0.0 : (double)attn_f16_to_f32(bits);
        }
    }
    return live;
}

/* ALiBi: slope = 2^-e. Kernels compute e in float (max_bias / n is exact, times a whole number, at most three
 * roundings with the number's own), then exp2f at most 2 ulp off (bound.c): 2^(3 u e) and 4 u relative, two more
 * for a slope kept in base 2; and 2^-126 where it underflows. */
static struct slope slope_of(const struct attn_problem *p, int64_t h)
{
    struct slope slope = { 1.0, 0.0 };
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

/* From the dot product of live key number i of the row to its logit, and h_k: what a kernel working in float may
 * add to the logit's error on that way, besides the error of the dot product itself. That one passes through the
 * softcap, c * tanh(s / c), with its slope there, which is small where the logit is near c: at most
 * 1 - tanh(s / c)^2 at the point nearest to zero that is within the error, and bound.c allows no error of
 * more than G / 64. u = 2^-24, every operation off by at most a factor 1 + u unless said:
 *   softcap  s / c may be made of a reciprocal (4 u), which moves the result by at most
 *            4 u * min(|s|, c / 2) <= 4.4 u |capped|; tanhf is at most 2 ulp = 4 u off, times c once more: 10 u
 *   bias     slope * mask: the slope's error times |mask|, and 1 u
 *   base 2   logits kept as multiples of log2(e): its own rounding and the product's: 2 u |capped| + 2 u |bias|
 *   sum      capped + bias: 1 u |score|, and 1 u for its difference to the maximum being rounded again
 *   tiny     float operands and products below 2^-126 may be flushed to zero: 2^-126 for each product, times the
 *            other factor for an operand (with q scaled before or after the product) */
static void score_of(struct work *w, int64_t i, struct attn_row *row, struct slope slope)
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
    if (c > 0.0) {
        const double nearest = tanh(fmax(fabs(raw) - w->gauge[i] / 64.0, 0.0) / c);
        w->gauge[i] *= 1.0 - nearest * nearest + 0x1p-48;
        w->narrow[i] *= 1.0 - nearest * nearest + 0x1p-48;
    }
    w->extra[i] = ATTN_U32 * ((c > 0.0 ? 12.0 : 2.0) * fabs(capped) + 3.0 * fabs(bias) + 2.0 * fabs(w->score[i])) +
                  fabs(w->bias[i]) * slope.error +
                  0x1p-126 * (fabs(scale) * (row->q_sum + k_sum + elements) + k_sum + elements + c + 4.0);
}

/* Makes a row's sums relative to a new, larger maximum. */
static void raise_max(struct attn_reference *r, int64_t index, struct running *run, double max)
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

/* One row against one tile. */
static void row_tile(struct work *w, int64_t first, int64_t n, struct place *place, int64_t h, int64_t s,
                     struct slope slope)
{
    struct running *run = &place->running;
    const int64_t iq = place->iq, index = place->index;
    const int64_t live = list_live(w, first, n, iq, h, s);
    if (live == 0) {
        return;
    }
    struct attn_reference *r = w->r;
    struct attn_row *row = &r->rows[index];
    load_query(w, iq, h, s, row);
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
            attn_gauge_key(row, weight, x, w->gauge[i], w->extra[i], w->narrow[i], w->k_sum[w->key[i]]);
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
        row->k_small = fmax(row->k_small, w->k_small[w->key[i]]);
    }
    row->live += live;
    row->tile_v = fmax(row->tile_v, tile_v);
    attn_rows_add(live, w->weight, w->key, w->v, w->v_float, w->d_v, w->d_v, r->value + index * r->d_v,
                  r->square + index * r->d_v, r->magnitude + index * r->d_v);
    attn_rows_peak(w->d_v, r->value + index * r->d_v, r->prefix + index * r->d_v);
}

/* Adds the sink, a logit without a value, and divides by the sum of weights. */
static void finish_row(struct work *w, int64_t h, struct place *place)
{
    struct attn_reference *r = w->r;
    struct running *run = &place->running;
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

/* Is one of these keys watched? */
static bool any_watched(const struct attn_watched *w, int64_t first, int64_t n)
{
    for (int i = 0; i < w->n; i++) {
        if (w->key[i] >= first && w->key[i] < first + n) {
            return true;
        }
    }
    return false;
}

/* The rows, all of one KV head of one sequence, those of one query head together. */
static void compute_head(struct work *w, struct place *places, int64_t n_places)
{
    const int64_t n_head_kv = attn_n_head_kv(w->p), s = places[0].group / n_head_kv,
                  kv_head = places[0].group % n_head_kv;
    for (int64_t at = 0; at < n_places; at++) {
        places[at].running = (struct running){ .max = -INFINITY, .min = INFINITY };
        places[at].top = (struct attn_top){ .v = w->top_v + at * w->d_v };
    }
    for (int64_t first = 0; first < w->n_kv; first += w->tile) {
        const int64_t n = w->n_kv - first < w->tile ? w->n_kv - first : w->tile;
        if (find_alive(w, first, n, places, n_places, kv_head, s) == 0) {
            continue;
        }
        w->watched = any_watched(&w->r->watched, first, n);
        load_tile(w, first, n, kv_head, s);
        struct slope slope = { 1.0, 0.0 };
        for (int64_t at = 0; at < n_places; at++) {
            const int64_t h = kv_head * w->ratio + places[at].j;
            if (at == 0 || places[at].j != places[at - 1].j) {
                slope = slope_of(w->p, h);
            }
            row_tile(w, first, n, &places[at], h, s, slope);
        }
    }
    for (int64_t at = 0; at < n_places; at++) {
        finish_row(w, kv_head * w->ratio + places[at].j, &places[at]);
    }
    w->head++;
}

static void compute_all(struct work *w)
{
    for (int64_t group = 0; group < w->r->n_seq * attn_n_head_kv(w->p); group++) {
        const int64_t n_head_kv = attn_n_head_kv(w->p), s = group / n_head_kv, kv_head = group % n_head_kv;
        struct place *place = w->places;
        for (int64_t j = 0; j < w->ratio; j++) {
            for (int64_t iq = 0; iq < w->n_q; iq++) {
                *place++ = (struct place){
                    .group = group, .j = j, .iq = iq, .index = attn_row_index(w->r, kv_head * w->ratio + j, iq, s)
                };
            }
        }
        compute_head(w, w->places, w->n_q * w->ratio);
    }
}

static int compare_places(const void *x, const void *y)
{
    const struct place *a = x, *b = y;
    const int64_t order[3] = { a->group - b->group, a->j - b->j, a->iq - b->iq };
    for (int i = 0; i < 3; i++) {
        if (order[i] != 0) {
            return order[i] < 0 ? -1 : 1;
        }
    }
    return 0;
}

static void compute_chosen(struct work *w)
{
    const struct attn_reference *r = w->r;
    for (int64_t index = 0; index < r->n_rows; index++) {
        const int64_t row = r->chosen[index], h = row % r->n_head, q = row / r->n_head;
        w->places[index] = (struct place){ .group = q / r->n_q * attn_n_head_kv(w->p) + h / w->ratio,
                                           .j = h % w->ratio,
                                           .iq = q % r->n_q,
                                           .index = index };
    }
    qsort(w->places, (size_t)r->n_rows, sizeof *w->places, compare_places);
    for (int64_t begin = 0, end; begin < r->n_rows; begin = end) {
        for (end = begin + 1; end < r->n_rows && w->places[end].group == w->places[begin].group; end++) {
        }
        compute_head(w, w->places + begin, end - begin);
    }
}

static bool allocate_work(struct work *w)
{
    if (w->d_k > ATTN_MAX_ELEMENTS || w->d_v > ATTN_MAX_ELEMENTS) {
        return false;
    }
    w->d_pad = attn_round_up(w->d_k, ATTN_ROWS_LANES);
    w->tile = TILE_ELEMENTS / (w->d_pad + w->d_v);
    w->tile = w->tile < 1 ? 1 : w->tile > TILE_KEYS ? TILE_KEYS : w->tile;
    w->tile = w->tile < w->n_kv ? w->tile : w->n_kv;
    w->r->tile = w->tile;
    const int64_t k = attn_mul_sat(w->tile, w->d_pad), v = attn_mul_sat(w->tile, w->d_v);
    const int64_t rows = w->r->chosen ? w->r->n_rows : attn_mul_sat(w->n_q, w->ratio);
    if (k > ATTN_MAX_ELEMENTS || v > ATTN_MAX_ELEMENTS || rows > ATTN_MAX_ELEMENTS) {
        return false;
    }
    w->places = attn_zeros(rows, sizeof *w->places);
    w->k = attn_zeros(k, sizeof *w->k);
    w->v = attn_zeros(v, sizeof *w->v);
    w->q = attn_zeros(w->d_pad, sizeof *w->q);
    w->k_float = attn_zeros(k, sizeof *w->k_float);
    w->v_float = attn_zeros(v, sizeof *w->v_float);
    w->q_float = attn_zeros(w->d_pad, sizeof *w->q_float);
    w->top_v = attn_zeros(attn_mul_sat(rows, w->d_v), sizeof *w->top_v);
    w->narrowed = attn_type_info(w->p->t[ATTN_K].type)->block_elems > 1;
    w->k_off = attn_zeros(w->narrowed ? k : 1, sizeof *w->k_off);
    w->k_off_float = attn_zeros(w->narrowed ? k : 1, sizeof *w->k_off_float);
    return w->places && w->k_off && w->k_off_float && w->top_v && w->k && w->v && w->q && w->k_float && w->v_float &&
           w->q_float;
}

static void free_work(struct work *w)
{
    if (w) {
        free(w->places);
        free(w->k);
        free(w->v);
        free(w->q);
        free(w->k_float);
        free(w->v_float);
        free(w->q_float);
        free(w->top_v);
        free(w->k_off);
        free(w->k_off_float);
        free(w);
    }
}

/* A reference that nothing is computed of yet. NULL: no memory. */
static struct attn_reference *begin(const struct attn_problem *problem)
{
    struct attn_reference *r = calloc(1, sizeof *r);
    if (!r) {
        return NULL;
    }
    r->problem = *problem;
    r->d_v = attn_d_v(problem);
    r->n_head = attn_n_head(problem);
    r->n_q = attn_n_q(problem);
    r->n_seq = attn_n_seq(problem);
    return r;
}

/* Computes the rows that were chosen, or all. Returns r; NULL, and it is freed, when memory runs out. */
static struct attn_reference *compute(struct attn_reference *r, const void *const base[ATTN_OPERAND_COUNT],
                                      const struct attn_watch *watch)
{
    struct work *w = calloc(1, sizeof *w);
    if (!w) {
        attn_reference_free(r);
        return NULL;
    }
    w->p = &r->problem;
    w->r = r;
    w->d_k = attn_d_k(w->p);
    w->d_v = r->d_v;
    w->n_q = r->n_q;
    w->n_kv = attn_n_kv(w->p);
    w->ratio = r->n_head / attn_n_head_kv(w->p);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        w->base[o] = base[o];
        for (int d = 1; d < 4; d++) { /* strides that mean nothing must not be multiplied with an index */
            if (r->problem.t[o].ne[d] == 1) {
                r->problem.t[o].nb[d] = 0;
            }
        }
    }
    const int64_t heads = attn_n_head_kv(w->p) * r->n_seq;
    if (!attn_allocate_results(r) || !allocate_work(w) ||
        !attn_watch_open(r, watch, heads < r->n_rows ? heads : r->n_rows)) {
        free_work(w);
        attn_reference_free(r);
        return NULL;
    }
    if (r->chosen) {
        compute_chosen(w);
    } else {
        compute_all(w);
    }
    free_work(w);
    return r;
}

struct attn_reference *attn_reference_compute_some(const struct attn_problem *problem,
                                                   const void *const base[ATTN_OPERAND_COUNT], int64_t work,
                                                   uint64_t seed, const struct attn_watch *watch)
{
    struct attn_reference *r = begin(problem);
    if (r && !attn_choose_rows(r, work, seed)) {
        attn_reference_free(r);
        return NULL;
    }
    return r ? compute(r, base, watch) : NULL;
}

struct attn_reference *attn_reference_compute_rows(const struct attn_problem *problem,
                                                   const void *const base[ATTN_OPERAND_COUNT], const int64_t *rows,
                                                   int64_t n_rows, const struct attn_watch *watch)
{
    struct attn_reference *r = begin(problem);
    if (!r) {
        return NULL;
    }
    r->n_rows = n_rows;
    r->chosen = attn_zeros(n_rows, sizeof *r->chosen);
    if (!r->chosen) {
        attn_reference_free(r);
        return NULL;
    }
    memcpy(r->chosen, rows, (size_t)n_rows * sizeof *rows);
    return compute(r, base, watch);
}

struct attn_reference *attn_reference_compute(const struct attn_problem *problem,
                                              const void *const base[ATTN_OPERAND_COUNT])
{
    return attn_reference_compute_some(problem, base, INT64_MAX, 0, NULL);
}
