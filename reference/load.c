/* load.c: reads what a reference is computed of, keys of a tile, query rows, masks, and notes what is to be known of
 * them by themselves.
 *
 * SPDX-License-Identifier: MIT */
#include "reference/work.h"

#include "planner/random.h"

#include <math.h>
#include <string.h>

static const uint16_t F16_MINUS_INF = 0xFC00u;

static const char *row_at(const struct attn_work *w, int operand, int64_t i1, int64_t i2, int64_t i3)
{
    const struct attn_tensor *t = &w->p->t[operand];
    return w->base[operand] + i1 * t->nb[1] + i2 * t->nb[2] + i3 * t->nb[3];
}

/* The mask row of query row iq, head h, sequence s. */
static const char *mask_row(const struct attn_work *w, int64_t iq, int64_t h, int64_t s)
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

int64_t attn_find_alive(struct attn_work *w, int64_t first, int64_t n, const struct attn_place *places,
                        int64_t n_places, int64_t kv_head, int64_t s)
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

void attn_load_tile(struct attn_work *w, int64_t first, int64_t n, int64_t kv_head, int64_t s)
{
    const float *before = NULL;
    w->v_pairs = w->v_same = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!w->alive[i]) {
            continue;
        }
        float *k_float = w->k_float + i * w->d_pad, *v_float = w->v_float + i * w->d_v;
        double *k = w->k + i * w->d_pad, *v = w->v + i * w->d_v;
        attn_tensor_decode(&w->p->t[ATTN_K], row_at(w, ATTN_K, first + i, kv_head, s), w->d_k, k_float);
        attn_tensor_decode(&w->p->t[ATTN_V], row_at(w, ATTN_V, first + i, kv_head, s), w->d_v, v_float);
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

void attn_load_query(struct attn_work *w, int64_t iq, int64_t h, int64_t s, struct attn_row *row)
{
    memcpy(w->q_float, row_at(w, ATTN_Q, iq, h, s), (size_t)w->d_k * sizeof(float));
    row->q_sum = row->q_max = 0.0;
    for (int64_t d = 0; d < w->d_k; d++) {
        w->q[d] = (double)w->q_float[d];
        row->q_sum += fabs(w->q[d]);
        row->q_max = fmax(row->q_max, fabs(w->q[d]));
    }
}

int64_t attn_list_live(struct attn_work *w, int64_t first, int64_t n, int64_t iq, int64_t h, int64_t s)
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
