/* reference.c: attention in double precision, with the gauges that the bound needs.
 *
 * For each sequence and KV head, tiles of keys are decoded once and used by all query rows of all query heads
 * that read that KV head. A row keeps a running maximum and sums relative to it (online softmax); in double that
 * costs some 1e-16 a tile, next to 6e-8 for one operation of a kernel (bound.c counts it). Memory is the
 * results, three numbers a component, and one tile.
 *
 * SPDX-License-Identifier: MIT */
#include "reference/attn_reference.h"
#include "reference/rows.h"
#include "reference/work.h"

#include "planner/arith.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TILE_ELEMENTS = 8192 }; /* of K and V of a tile, at most, so that it stays in a core's cache */

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
static void compute_head(struct attn_work *w, struct attn_place *places, int64_t n_places)
{
    const int64_t n_head_kv = attn_n_head_kv(w->p), s = places[0].group / n_head_kv,
                  kv_head = places[0].group % n_head_kv;
    for (int64_t at = 0; at < n_places; at++) {
        places[at].running = (struct attn_running){ .max = -INFINITY, .min = INFINITY };
        places[at].top = (struct attn_top){ .v = w->top_v + at * w->d_v };
    }
    for (int64_t first = 0; first < w->n_kv; first += w->tile) {
        const int64_t n = w->n_kv - first < w->tile ? w->n_kv - first : w->tile;
        if (attn_find_alive(w, first, n, places, n_places, kv_head, s) == 0) {
            continue;
        }
        w->watched = any_watched(&w->r->watched, first, n);
        attn_load_tile(w, first, n, kv_head, s);
        struct attn_slope slope = { 1.0, 0.0 };
        for (int64_t at = 0; at < n_places; at++) {
            const int64_t h = kv_head * w->ratio + places[at].j;
            if (at == 0 || places[at].j != places[at - 1].j) {
                slope = attn_slope_of(w->p, h);
            }
            attn_row_tile(w, first, n, &places[at], h, s, slope);
        }
    }
    for (int64_t at = 0; at < n_places; at++) {
        attn_finish_row(w, kv_head * w->ratio + places[at].j, &places[at]);
    }
    w->head++;
}

static void compute_all(struct attn_work *w)
{
    for (int64_t group = 0; group < w->r->n_seq * attn_n_head_kv(w->p); group++) {
        const int64_t n_head_kv = attn_n_head_kv(w->p), s = group / n_head_kv, kv_head = group % n_head_kv;
        struct attn_place *place = w->places;
        for (int64_t j = 0; j < w->ratio; j++) {
            for (int64_t iq = 0; iq < w->n_q; iq++) {
                *place++ = (struct attn_place){
                    .group = group, .j = j, .iq = iq, .index = attn_row_index(w->r, kv_head * w->ratio + j, iq, s)
                };
            }
        }
        compute_head(w, w->places, w->n_q * w->ratio);
    }
}

static int compare_places(const void *x, const void *y)
{
    const struct attn_place *a = x, *b = y;
    const int64_t order[3] = { a->group - b->group, a->j - b->j, a->iq - b->iq };
    for (int i = 0; i < 3; i++) {
        if (order[i] != 0) {
            return order[i] < 0 ? -1 : 1;
        }
    }
    return 0;
}

static void compute_chosen(struct attn_work *w)
{
    const struct attn_reference *r = w->r;
    for (int64_t index = 0; index < r->n_rows; index++) {
        const int64_t row = r->chosen[index], h = row % r->n_head, q = row / r->n_head;
        w->places[index] = (struct attn_place){ .group = q / r->n_q * attn_n_head_kv(w->p) + h / w->ratio,
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

static bool allocate_work(struct attn_work *w)
{
    if (w->d_k > ATTN_MAX_ELEMENTS || w->d_v > ATTN_MAX_ELEMENTS) {
        return false;
    }
    w->d_pad = attn_round_up(w->d_k, ATTN_ROWS_LANES);
    w->tile = TILE_ELEMENTS / (w->d_pad + w->d_v);
    w->tile = w->tile < 1 ? 1 : w->tile > ATTN_TILE_KEYS ? ATTN_TILE_KEYS : w->tile;
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
    w->narrowed = attn_tensor_info(&w->p->t[ATTN_K])->block_elems > 1;
    w->k_off = attn_zeros(w->narrowed ? k : 1, sizeof *w->k_off);
    w->k_off_float = attn_zeros(w->narrowed ? k : 1, sizeof *w->k_off_float);
    return w->places && w->k_off && w->k_off_float && w->top_v && w->k && w->v && w->q && w->k_float && w->v_float &&
           w->q_float;
}

static void free_work(struct attn_work *w)
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
    struct attn_work *w = calloc(1, sizeof *w);
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
