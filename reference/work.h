/* work.h: what the parts of the computation share: reference.c says which rows meet which keys, load.c reads them,
 * score.c adds them up.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_REFERENCE_WORK_H
#define ATTN_REFERENCE_WORK_H

#include "reference/gauges.h"
#include "reference/internal.h"

enum { ATTN_TILE_KEYS = 64 }; /* keys decoded at a time, at most */

/* What a row needs while it runs, besides its gauges. */
struct attn_running {
    double max, min; /* of the scores so far; -inf, +inf before the first */
    double sum;      /* of weights exp(score - max) */
    double x1;       /* of weight * (max - score) */
    struct attn_sampled sampled;
};

/* A row that reads the KV head at work: query row iq of its query head number j, and where its results go. */
struct attn_place {
    int64_t group; /* s * n_head_kv + KV head */
    int64_t j, iq, index;
    struct attn_running running;
    struct attn_top top;
};

/* A head's ALiBi slope, and how far a kernel's may be off. */
struct attn_slope {
    double value, error;
};

struct attn_work {
    const struct attn_problem *p;
    const char *base[ATTN_OPERAND_COUNT];
    struct attn_reference *r;
    int64_t d_k, d_v, d_pad, n_q, n_kv, ratio, tile;
    int64_t head;              /* KV heads of sequences before the one at work */
    bool watched;              /* some key of the tile is */
    struct attn_place *places; /* of the KV head at work, or of all rows where some were chosen */
    double *k, *v, *q;         /* the tile and the query row, in double and in float */
    float *k_float, *v_float, *q_float;
    float *top_v;  /* of each place */
    bool narrowed; /* K is of a type that some routes narrow to f16: */
    double *k_off; /* by what that changes it, for the tile; */
    float *k_off_float;
    double narrow[ATTN_TILE_KEYS];                       /* and what that does to the score at work */
    double k_sum[ATTN_TILE_KEYS], v_max[ATTN_TILE_KEYS]; /* sum |k_d| and max |v_d| of a key */
    int64_t v_pairs, v_same;                             /* of the tile: struct attn_row */
    double v_min[ATTN_TILE_KEYS], k_small[ATTN_TILE_KEYS];
    bool v_small[ATTN_TILE_KEYS];  /* struct attn_row */
    uint8_t alive[ATTN_TILE_KEYS]; /* some row of this KV head attends to the key */
    /* live keys of the row at work */
    int32_t key[ATTN_TILE_KEYS];
    double bias[ATTN_TILE_KEYS], score[ATTN_TILE_KEYS], gauge[ATTN_TILE_KEYS], extra[ATTN_TILE_KEYS],
        weight[ATTN_TILE_KEYS], sloped[ATTN_TILE_KEYS];
};

/* ---- load.c */

/* Marks which of the n keys from `first` on some of the rows attends to. Returns how many. */
int64_t attn_find_alive(struct attn_work *w, int64_t first, int64_t n, const struct attn_place *places,
                        int64_t n_places, int64_t kv_head, int64_t s);
/* Decodes the keys that are alive; the others' bytes are not looked at. */
void attn_load_tile(struct attn_work *w, int64_t first, int64_t n, int64_t kv_head, int64_t s);
/* The query row, and the gauges of it alone. */
void attn_load_query(struct attn_work *w, int64_t iq, int64_t h, int64_t s, struct attn_row *row);
/* Lists the keys of the tile that the row attends to, with their mask values. Returns how many. */
int64_t attn_list_live(struct attn_work *w, int64_t first, int64_t n, int64_t iq, int64_t h, int64_t s);

/* ---- score.c */

struct attn_slope attn_slope_of(const struct attn_problem *p, int64_t h);
/* One row against the tile of n keys from `first` on, which is loaded. */
void attn_row_tile(struct attn_work *w, int64_t first, int64_t n, struct attn_place *place, int64_t h, int64_t s,
                   struct attn_slope slope);
/* Adds the sink, a logit without a value, and divides by the sum of weights. */
void attn_finish_row(struct attn_work *w, int64_t h, struct attn_place *place);

#endif
