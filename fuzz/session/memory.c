/* memory.c: the bytes of a player's caches. A cell that holds nothing holds NaN, in all of its bytes' patterns: what
 * was there is stale. See play.h.
 *
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "fuzz/session/play.h"
#include "planner/arith.h"
#include "reference/attn_reference.h"

enum { STALE = 0xff }; /* a NaN as f32, f16, bf16 and as the scale of every quantised block */

/* ---- Cells ----------------------------------------------------------------------------------------------- */

/* llama_kv_cache::cpy_k, cpy_v: rows go to stream * kv_size + cell (set_input_k_idxs). */
static int64_t cell_at(const struct attn_player *p, int cache, int stream, int32_t cell)
{
    return (int64_t)stream * p->cache[cache].n_cells + cell;
}

/* A server's cache is as large as its context allows and mostly empty: cells get their bytes, those of stale ones, when
 * one of them or behind them is first written or looked at. */
static void reach(struct attn_player *p, int layer, int share, int stream, int32_t end)
{
    struct session_store *store = &p->store[layer][share];
    const int32_t from = store->reached[stream];
    struct session_layout o;
    if (end <= from)
        return;
    session_layout_of(p, layer, share, &o);
    const int64_t at = cell_at(p, p->cache_of[layer], stream, from);
    memset(store->k + o.base_k + at * o.cell_k, STALE, (size_t)((end - from) * o.cell_k));
    if (store->v)
        memset(store->v + o.base_v + at * o.cell_v, STALE, (size_t)((end - from) * o.cell_v));
    store->reached[stream] = end;
}

/* Between the streams of one view all cells are within it. */
void session_memory_reach(struct attn_player *p, int layer, int share, int64_t n_kv)
{
    const struct session_ubatch *u = &p->u;
    for (int s = u->first_stream; s < u->first_stream + u->streams; s++)
        reach(p, layer, share, s, u->streams > 1 ? p->cache[p->cache_of[layer]].n_cells : (int32_t)n_kv);
}

/* llama_kv_cache::cpy_k: keys as they are computed. A cell that a checkpoint fills gets back the bytes that were saved,
 * those of keys that may have been shifted since they were. */
static void write_keys(struct attn_player *p, int layer, int share, int stream, int32_t cell)
{
    const struct session_cell *held = &p->cache[p->cache_of[layer]].stream[stream].cell[cell];
    const struct session_share *heads = &p->share[layer][share];
    struct session_layout o;
    session_layout_of(p, layer, share, &o);
    uint8_t *row = p->store[layer][share].k + o.base_k + cell_at(p, p->cache_of[layer], stream, cell) * o.cell_k;
    const struct session_key key = { held->token, held->pos, held->age };
    for (int32_t h = 0; h < heads->row_heads; h++)
        session_key_bytes(p, layer, heads->row_first + h, &key, row + h * o.head_k);
}

static void write_values(struct attn_player *p, int layer, int share, int stream, int32_t cell)
{
    const struct attn_session_layer *l = &p->s.layer[layer];
    const struct session_cell *held = &p->cache[p->cache_of[layer]].stream[stream].cell[cell];
    const struct session_share *heads = &p->share[layer][share];
    struct session_layout o;
    if (l->view)
        return;
    session_layout_of(p, layer, share, &o);
    uint8_t *row = p->store[layer][share].v + o.base_v + cell_at(p, p->cache_of[layer], stream, cell) * o.cell_v;
    for (int32_t h = 0; h < heads->row_heads; h++) {
        session_row_v(p, layer, heads->row_first + h, held->token, p->row);
        attn_row_encode(l->type_v, p->row, l->d_v, row + h * o.head_v);
    }
}

/* Calls for every layer and share of a cache. */
#define EACH_STORE(p, cache, layer, share)                 \
    for (int layer = 0; layer < (p)->s.n_layers; layer++)  \
        for (int share = 0; share < (p)->s.split; share++) \
            if ((p)->cache_of[layer] == (cache) && !(p)->s.layer[layer].reads && (p)->share[layer][share].row_heads > 0)

static void on_written(void *context, int stream, int32_t cell)
{
    const struct session_hook *hook = context;
    EACH_STORE(hook->player, hook->cache, layer, share)
    {
        reach(hook->player, layer, share, stream, cell + 1);
        write_keys(hook->player, layer, share, stream, cell);
        write_values(hook->player, layer, share, stream, cell);
    }
}

/* llama_kv_cache::build_graph_shift: keys are decoded, rotated and encoded again where they are. */
static void on_shifted(void *context, int stream, int32_t cell, int32_t by)
{
    const struct session_hook *hook = context;
    struct attn_player *p = hook->player;
    EACH_STORE(p, hook->cache, layer, share)
    {
        struct session_layout o;
        session_layout_of(p, layer, share, &o);
        uint8_t *row = p->store[layer][share].k + o.base_k + cell_at(p, hook->cache, stream, cell) * o.cell_k;
        for (int32_t h = 0; h < p->share[layer][share].row_heads; h++)
            session_key_turn(p, layer, by, row + h * o.head_k);
    }
}

static void on_freed(void *context, int stream, int32_t cell)
{
    const struct session_hook *hook = context;
    struct attn_player *p = hook->player;
    EACH_STORE(p, hook->cache, layer, share)
    {
        struct session_layout o;
        session_layout_of(p, layer, share, &o);
        int64_t at = cell_at(p, hook->cache, stream, cell);
        memset(p->store[layer][share].k + o.base_k + at * o.cell_k, STALE, (size_t)o.cell_k);
        if (!p->s.layer[layer].view)
            memset(p->store[layer][share].v + o.base_v + at * o.cell_v, STALE, (size_t)o.cell_v);
    }
}

static void on_copied(void *context, int from_stream, int32_t from, int to_stream, int32_t to)
{
    const struct session_hook *hook = context;
    struct attn_player *p = hook->player;
    EACH_STORE(p, hook->cache, layer, share)
    {
        struct session_layout o;
        session_layout_of(p, layer, share, &o);
        int64_t a = cell_at(p, hook->cache, from_stream, from), b = cell_at(p, hook->cache, to_stream, to);
        struct session_store *store = &p->store[layer][share];
        reach(p, layer, share, to_stream, to + 1);
        memcpy(store->k + o.base_k + b * o.cell_k, store->k + o.base_k + a * o.cell_k, (size_t)o.cell_k);
        if (!p->s.layer[layer].view)
            memcpy(store->v + o.base_v + b * o.cell_v, store->v + o.base_v + a * o.cell_v, (size_t)o.cell_v);
    }
}

/* The keys that are there from the beginning, as of tokens 0, 1, ... at those positions; rows that pad hold zeros,
 * which every query sees (whisper.cpp, n_audio_ctx_pad). */
static void fill_cross(struct attn_player *p, int layer, int share)
{
    const struct attn_session_layer *l = &p->s.layer[layer];
    const struct session_share *heads = &p->share[layer][share];
    const struct session_store *store = &p->store[layer][share];
    struct session_layout o;
    session_layout_of(p, layer, share, &o);
    for (int32_t i = 0; i < attn_round_up(l->cross, ATTN_SESSION_CROSS_PAD); i++)
        for (int32_t h = 0; h < heads->row_heads; h++) {
            session_cross_k(p, layer, heads->row_first + h, i, p->row);
            attn_row_encode(l->type_k, p->row, l->d_k, store->k + o.base_k + i * o.cell_k + h * o.head_k);
            if (l->view)
                continue;
            session_cross_v(p, layer, heads->row_first + h, i, p->row);
            attn_row_encode(l->type_v, p->row, l->d_v, store->v + o.base_v + i * o.cell_v + h * o.head_v);
        }
}

/* ---- Open and close -------------------------------------------------------------------------------------- */

/* Those before the first cell are stale; the others are set as they are reached. */
static uint8_t *bytes_of(int64_t n, int64_t base)
{
    uint8_t *bytes = malloc((size_t)n);
    if (bytes)
        memset(bytes, STALE, (size_t)base);
    return bytes;
}

bool session_memory_open(struct attn_player *p, int64_t max_bytes)
{
    int64_t bytes = 0;
    if (!session_values_open(p))
        return false;
    for (int cache = 0; cache <= SESSION_NO_CACHE; cache++) {
        const int streams = cache == SESSION_NO_CACHE ? 1 : p->cache[cache].n_streams;
        EACH_STORE(p, cache, layer, share)
        {
            struct session_store *store = &p->store[layer][share];
            struct session_layout o;
            session_layout_of(p, layer, share, &o);
            bool view = p->s.layer[layer].view;
            store->bytes_k = o.base_k + o.stream_k * streams;
            store->bytes_v = view ? 0 : o.base_v + o.stream_v * streams;
            bytes += store->bytes_k + store->bytes_v;
            if (bytes > max_bytes)
                return false;
            store->k = bytes_of(store->bytes_k, o.base_k);
            store->v = view ? NULL : bytes_of(store->bytes_v, o.base_v);
            if (!store->k || (!view && !store->v))
                return false;
            if (cache == SESSION_NO_CACHE)
                fill_cross(p, layer, share);
        }
        if (cache == SESSION_NO_CACHE)
            break;
        p->hook[cache] = (struct session_hook){ p, cache };
        p->cache[cache].ages = &p->ages;
        p->cache[cache].hooks =
            (struct session_cache_hooks){ on_written, on_freed, on_copied, on_shifted, &p->hook[cache] };
    }
    return true;
}

void session_memory_close(struct attn_player *p)
{
    for (int layer = 0; layer < ATTN_SESSION_LAYERS_MAX; layer++)
        for (int share = 0; share < ATTN_SESSION_SPLIT_MAX; share++) {
            free(p->store[layer][share].k);
            free(p->store[layer][share].v);
        }
    session_values_close(p);
}

/* ---- The bytes of a problem ------------------------------------------------------------------------------ */

static void put_f16(uint8_t *at, uint16_t bits) { memcpy(at, &bits, sizeof bits); }

/* llama_kv_cache::set_input_kq_mask: a key is seen when its cell holds a token of the row's sequence, at a position not
 * after the row's and within the window; of a tree of drafts, when it is in the row's first branch (as when each branch
 * is a sequence: llama.cpp, examples/speculative); ALiBi's distances where the layer has them; rows and columns that
 * pad are excluded. */
static void fill_mask(const struct attn_player *p, int layer, const struct attn_problem *problem,
                      const struct attn_box *box, uint8_t *mask)
{
    const struct attn_session_layer *l = &p->s.layer[layer];
    const struct session_cache *cache = &p->cache[p->cache_of[layer]];
    const struct attn_tensor *m = &problem->t[ATTN_MASK];
    const int64_t n_kv = attn_n_kv(problem), per = attn_n_q(problem);
    const uint16_t excluded = 0xfc00; /* -inf */
    for (int64_t i = box->first[3]; i < box->end[3]; i++) {
        const struct session_stream *stream = &cache->stream[p->u.first_stream + i];
        for (int64_t r = box->first[1]; r < box->end[1]; r++) {
            uint8_t *row = mask + i * m->nb[3] + r * m->nb[1];
            for (int64_t j = 0; j < m->ne[0]; j++)
                put_f16(row + 2 * j, excluded);
            for (int64_t j = 0; r < per && j < n_kv; j++) {
                const struct session_cell *cell = &stream->cell[p->from[layer] + j];
                int32_t pos = p->u.pos[i * per + r];
                const uint32_t branches = p->u.branches[i * per + r];
                bool seen = cell->pos >= 0 && (cell->slots >> p->u.slot[i * per + r] & 1) && cell->pos <= pos &&
                            (l->window == 0 || pos - cell->pos < l->window) &&
                            (cell->branches == 0 || (cell->branches & branches & (~branches + 1)));
                if (seen)
                    put_f16(row + 2 * j, l->max_bias > 0 ? attn_f32_to_f16(-(float)(pos - cell->pos)) : 0);
            }
        }
    }
}

/* The rows of a box, which may be some heads of each cell's. */
static void copy_rows(const struct attn_tensor *t, const uint8_t *from, uint8_t *to)
{
    const size_t bytes = (size_t)attn_row_bytes(t->type, t->ne[0]);
    for (int64_t i = 0; i < t->ne[3]; i++)
        for (int64_t j = 0; j < t->ne[2]; j++)
            for (int64_t k = 0; k < t->ne[1]; k++) {
                const int64_t at = t->offset + i * t->nb[3] + j * t->nb[2] + k * t->nb[1];
                memcpy(to + at, from + at, bytes);
            }
}

static void copy_view(const struct attn_problem *problem, const struct attn_sample *sample, int operand,
                      const uint8_t *from, struct attn_image *image)
{
    const struct attn_tensor *t = &problem->t[operand];
    uint8_t *to = image->buffer[image->buffer_of[operand]].bytes;
    struct attn_box box[ATTN_SAMPLE_BOXES_MAX];
    if (!sample) {
        memcpy(to + t->offset, from + t->offset, (size_t)attn_tensor_span(t));
        return;
    }
    for (int n = attn_sample_boxes(sample, problem, operand, box); n > 0; n--) {
        const struct attn_tensor part = attn_box_tensor(t, &box[n - 1]);
        copy_rows(&part, from, to);
    }
}

static void fill_q(const struct attn_player *p, const struct attn_session_at *at, const struct attn_tensor *q,
                   const struct attn_box *box, uint8_t *base)
{
    const struct session_share *heads = &p->share[at->layer][at->share];
    for (int64_t s = box->first[3]; s < box->end[3]; s++)
        for (int64_t r = box->first[1]; r < box->end[1]; r++) {
            const int64_t i = s * q->ne[1] + r;
            for (int64_t h = box->first[2]; h < box->end[2]; h++) {
                session_row_q(p, at->layer, heads->first + (int32_t)h, p->u.token[i], p->u.pos[i], p->row);
                memcpy(base + s * q->nb[3] + r * q->nb[1] + h * q->nb[2], p->row, (size_t)q->ne[0] * sizeof(float));
            }
        }
}

void attn_player_fill(const struct attn_player *p, const struct attn_session_at *at, const struct attn_problem *problem,
                      struct attn_image *image)
{
    attn_player_fill_sample(p, at, problem, NULL, image);
}

void attn_player_fill_sample(const struct attn_player *p, const struct attn_session_at *at,
                             const struct attn_problem *problem, const struct attn_sample *sample,
                             struct attn_image *image)
{
    struct attn_box box[ATTN_SAMPLE_BOXES_MAX];
    const struct session_share *heads = &p->share[at->layer][at->share];
    const struct session_store *store = &p->store[session_kv_layer(p, at->layer)][at->share];
    for (int n = attn_sample_boxes(sample, problem, ATTN_Q, box); n > 0; n--)
        fill_q(p, at, &problem->t[ATTN_Q], &box[n - 1], attn_image_at(image, problem, ATTN_Q));
    copy_view(problem, sample, ATTN_K, store->k, image);
    if (!p->s.layer[at->layer].view)
        copy_view(problem, sample, ATTN_V, store->v, image);
    for (int n = problem->t[ATTN_MASK].present ? attn_sample_boxes(sample, problem, ATTN_MASK, box) : 0; n > 0; n--)
        fill_mask(p, at->layer, problem, &box[n - 1], attn_image_at(image, problem, ATTN_MASK));
    for (int32_t h = 0; h < heads->n_head && problem->t[ATTN_SINKS].present; h++) {
        float sink = session_sink(p, at->layer, heads->first + h);
        memcpy((uint8_t *)attn_image_at(image, problem, ATTN_SINKS) + h * (int64_t)sizeof sink, &sink, sizeof sink);
    }
}
