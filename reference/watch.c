/* watch.c: what a reference remembers of watched keys: their weight in each row and their V, so that the judge can say
 * what a row would be without one of them.
 *
 * SPDX-License-Identifier: MIT */
#include "reference/internal.h"

#include "planner/arith.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool attn_watch_open(struct attn_reference *r, const struct attn_watch *watch, int64_t n_heads)
{
    struct attn_watched *w = &r->watched;
    if (!watch || watch->n == 0) {
        return true;
    }
    const int64_t weights = attn_mul_sat(r->n_rows, watch->n);
    const int64_t values = attn_mul_sat(attn_mul_sat(n_heads, watch->n), r->d_v);
    if (weights > ATTN_MAX_ELEMENTS || values > ATTN_MAX_ELEMENTS) {
        return true; /* more than it is worth: nothing is watched */
    }
    w->n = watch->n;
    w->least = watch->least;
    w->key = attn_zeros(w->n, sizeof *w->key);
    w->head = attn_zeros(r->n_rows, sizeof *w->head);
    w->weight = attn_zeros(weights, sizeof *w->weight);
    w->v = attn_zeros(values, sizeof *w->v);
    if (!w->key || !w->head || !w->weight || !w->v) {
        return false;
    }
    memcpy(w->key, watch->key, (size_t)w->n * sizeof *w->key);
    for (int64_t i = 0; i < weights; i++) {
        w->weight[i] = -INFINITY; /* a score, until the row is finished */
    }
    return true;
}

void attn_watch_close(struct attn_reference *r)
{
    free(r->watched.key);
    free(r->watched.head);
    free(r->watched.weight);
    free(r->watched.v);
}

void attn_watch_values(struct attn_reference *r, int64_t head, int64_t key, const float *v)
{
    struct attn_watched *w = &r->watched;
    for (int i = 0; i < w->n; i++) {
        if (w->key[i] == key) {
            memcpy(w->v + (head * w->n + i) * r->d_v, v, (size_t)r->d_v * sizeof *v);
        }
    }
}

void attn_watch_score(struct attn_reference *r, int64_t index, int64_t key, double score)
{
    struct attn_watched *w = &r->watched;
    for (int i = 0; i < w->n; i++) {
        if (w->key[i] == key) {
            w->weight[index * w->n + i] = score;
        }
    }
}

void attn_watch_finish(struct attn_reference *r, int64_t index, int64_t head, double max, double sum)
{
    struct attn_watched *w = &r->watched;
    for (int i = 0; i < w->n; i++) {
        double *weight = &w->weight[index * w->n + i];
        *weight = exp(*weight - max) / sum;
    }
    if (w->n > 0) {
        w->head[index] = head;
    }
}

/* Would the row without a watched key be accepted? o without k is (o - p V) / (1 - p), which differs from o by
 * p / (1 - p) (o - V). Where a key has all weight but a rounding, the row without it is of keys of which nothing is
 * known here: zeros and a gain tell then. */
static bool is_missed(const struct attn_reference *r, const struct attn_row_limit *limit, int64_t index, int i)
{
    const struct attn_watched *w = &r->watched;
    const double p = w->weight[index * w->n + i], rest = 1.0 - p;
    const float *v = w->v + (w->head[index] * w->n + i) * r->d_v;
    if (p < w->least || rest < ATTN_U32) {
        return true;
    }
    for (int64_t d = 0; d < r->d_v; d++) {
        const int64_t component = index * r->d_v + d;
        const double off = p / rest * fabs(r->value[component] - (double)v[d]);
        if (off > attn_component_accept(r, limit, component, attn_component_limit(r, limit, component))) {
            return true;
        }
    }
    return false;
}

bool attn_watch_missed(const struct attn_reference *r, const struct attn_row_limit *limit, int64_t index)
{
    for (int i = 0; i < r->watched.n; i++) {
        if (!is_missed(r, limit, index, i)) {
            return false;
        }
    }
    return true;
}
