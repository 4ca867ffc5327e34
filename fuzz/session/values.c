/* values.c: what rows hold: known functions of layer, head, token and position, so that a result can be judged without
 * looking at a cache. See play.h.
 *
 * A key is its token's row, turned by its position as a rotary embedding turns it (RoPE, NEOX's pairs): shifted keys
 * are turned on. Angles are whole parts of a circle, others for each pair, so that turns add up and all that differ
 * show.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/session/play.h"
#include "planner/hash.h"
#include "reference/attn_reference.h"

static uint64_t row_seed(const struct attn_player *p, int what, int layer, int32_t head, uint32_t token)
{
    uint64_t h = attn_hash_u64(0, p->s.seed * 8 + (uint64_t)what);
    h = attn_hash_u64(h, (uint64_t)(uint32_t)head << 8 | (uint64_t)layer);
    return attn_hash_u64(h, (uint64_t)token << 32);
}

/* n values in (-1, 1), times `scale`. */
static void draw_row(uint64_t state, int32_t n, float scale, float *row)
{
    for (int32_t i = 0; i < n; i++)
        row[i] = scale * ((float)(int32_t)(attn_random(&state) >> 40) * 0x1p-23f - 1.0f + 0x1p-24f);
}

enum { ROW_Q, ROW_K, ROW_V, ROW_SINK };

void session_row_q(const struct attn_player *p, int layer, int32_t head, uint32_t token, int32_t pos, float *row)
{
    draw_row(attn_hash_u64(row_seed(p, ROW_Q, layer, head, token), (uint32_t)pos), p->s.layer[layer].d_k, 1.0f, row);
}

/* Of a key the part that V is a view of does not depend on its position (MLA rotates only the rest). */
static int32_t still_of(const struct attn_session_layer *l) { return l->view ? l->d_v : 0; }

/* Turns n values by as many positions. */
static void turn(const struct attn_player *p, int32_t n, int32_t by, float *row)
{
    const int32_t half = n / 2;
    const uint32_t turns = (uint32_t)((by % SESSION_CIRCLE + SESSION_CIRCLE) % SESSION_CIRCLE);
    for (int32_t i = 0; i < half; i++) {
        const uint32_t step = 1 + ((uint32_t)i * UINT32_C(0x9e3779b1) >> 12) % (SESSION_CIRCLE - 1);
        const uint32_t part = step * turns % SESSION_CIRCLE;
        const float c = p->circle[part].cosine, s = p->circle[part].sine, x = row[i], y = row[i + half];
        row[i] = c * x - s * y;
        row[i + half] = s * x + c * y;
    }
}

void session_row_k(const struct attn_player *p, int layer, int32_t head, uint32_t token, int32_t pos, float *row)
{
    const struct attn_session_layer *l = &p->s.layer[layer];
    const int32_t still = still_of(l);
    draw_row(row_seed(p, ROW_V, layer, head, token), still, 1.0f, row);
    draw_row(row_seed(p, ROW_K, layer, head, token), l->d_k - still, 2.0f, row + still);
    turn(p, l->d_k - still, pos, row + still);
}

void session_key_turn(const struct attn_player *p, int layer, int32_t by, uint8_t *bytes)
{
    const struct attn_session_layer *l = &p->s.layer[layer];
    const int32_t still = still_of(l), n = l->d_k - still;
    uint8_t *at = bytes + attn_row_bytes(l->type_k, still);
    attn_row_decode(l->type_k, at, n, p->row);
    turn(p, n, -by, p->row);
    attn_row_encode(l->type_k, p->row, n, at);
}

void session_key_bytes(const struct attn_player *p, int layer, int32_t head, const struct session_key *key,
                       uint8_t *bytes)
{
    const struct attn_session_layer *l = &p->s.layer[layer];
    int32_t pos = key->pos, shifts = 0;
    for (uint32_t a = key->age; a; a = p->ages.age[a - 1].before, shifts++)
        pos += p->ages.age[a - 1].by;
    session_row_k(p, layer, head, key->token, pos, p->row);
    attn_row_encode(l->type_k, p->row, l->d_k, bytes);
    for (; shifts > 0; shifts--) { /* the oldest first */
        uint32_t a = key->age;
        for (int32_t i = 1; i < shifts; i++)
            a = p->ages.age[a - 1].before;
        session_key_turn(p, layer, p->ages.age[a - 1].by, bytes);
    }
}

void session_row_v(const struct attn_player *p, int layer, int32_t head, uint32_t token, float *row)
{
    draw_row(row_seed(p, ROW_V, layer, head, token), p->s.layer[layer].d_v, 1.0f, row);
}

void session_cross_k(const struct attn_player *p, int layer, int32_t head, int32_t i, float *row)
{
    if (i < p->s.layer[layer].cross)
        session_row_k(p, layer, head, (uint32_t)i, i, row);
    else
        memset(row, 0, (size_t)p->s.layer[layer].d_k * sizeof *row);
}

void session_cross_v(const struct attn_player *p, int layer, int32_t head, int32_t i, float *row)
{
    if (i < p->s.layer[layer].cross)
        session_row_v(p, layer, head, (uint32_t)i, row);
    else
        memset(row, 0, (size_t)p->s.layer[layer].d_v * sizeof *row);
}

float session_sink(const struct attn_player *p, int layer, int32_t head)
{
    float sink;
    draw_row(row_seed(p, ROW_SINK, layer, head, 0), 1, 2.0f, &sink);
    return sink;
}

/* ---- Open and close -------------------------------------------------------------------------------------- */

bool session_values_open(struct attn_player *p)
{
    p->row = malloc(ATTN_SESSION_HEAD_SIZE_MAX * sizeof *p->row);
    p->circle = malloc(SESSION_CIRCLE * sizeof *p->circle);
    for (int i = 0; i < SESSION_CIRCLE && p->circle; i++) {
        const double angle = 6.283185307179586 * i / SESSION_CIRCLE;
        p->circle[i] = (struct session_turn){ (float)cos(angle), (float)sin(angle) };
    }
    return p->row && p->circle;
}

void session_values_close(struct attn_player *p)
{
    free(p->row);
    free(p->circle);
}
