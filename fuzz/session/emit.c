/* emit.c: the problems of a step: the views of the cache that a server's graph makes, with their strides and
 * offsets, and the mask. See play.h.
 *
 * The rules are those of llama.cpp; the function is named at each.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "fuzz/session/play.h"
#include "planner/arith.h"

/* llama_kv_cache's tensors: [n_embd_k_gqa, kv_size, n_stream], the KV heads of a cell in a row. V is not transposed, as
 * with flash attention (v_trans false). A base before the first cell is what a tensor has that is itself a view. */
void session_layout_of(const struct attn_player *p, int layer, int share, struct session_layout *o)
{
    const struct attn_session_layer *l = &p->s.layer[layer];
    const struct session_share *heads = &p->share[layer][share];
    const int64_t cells =
        l->cross ? attn_round_up(l->cross, ATTN_SESSION_CROSS_PAD) : p->cache[p->cache_of[layer]].n_cells;
    o->head_k = attn_row_bytes(l->type_k, l->d_k);
    o->head_v = l->view ? o->head_k : attn_row_bytes(l->type_v, l->d_v);
    o->cell_k = o->head_k * heads->row_heads;
    o->cell_v = o->head_v * heads->row_heads;
    o->stream_k = o->cell_k * cells;
    o->stream_v = o->cell_v * cells;
    o->base_k = (int64_t)p->s.base * attn_type_info(l->type_k)->block_bytes;
    o->base_v = l->view ? o->base_k : (int64_t)p->s.base * attn_type_info(l->type_v)->block_bytes;
    o->own_k = o->head_k * (heads->first_kv - heads->row_first);
    o->own_v = o->head_v * (heads->first_kv - heads->row_first);
}

/* llama_kv_cache::get_k, get_v: views [head size, KV heads, n_kv, streams] from the first stream of the step on, here
 * with dimensions 1 and 2 changed as build_attn_mha permutes them. */
static void set_view(struct attn_tensor *t, int type, int64_t d, int64_t n_kv, int64_t heads, int64_t streams,
                     int64_t cell, int64_t head, int64_t stream, int64_t offset)
{
    attn_tensor_set(t, type, d, n_kv, heads, streams);
    t->nb[1] = cell;
    t->nb[2] = head;
    t->nb[3] = stream;
    t->offset = offset;
}

/* Do all streams of the step have the same cells in use, at the same positions, for the same rows? */
static bool masks_equal(const struct attn_player *p, const struct session_cache *cache)
{
    const struct session_ubatch *u = &p->u;
    int32_t per = u->n / u->streams;
    for (int i = 1; i < u->streams; i++) {
        if (cache->stream[u->first_stream + i].layout != cache->stream[u->first_stream].layout)
            return false;
        for (int32_t r = 0; r < per; r++)
            if (u->pos[i * per + r] != u->pos[r])
                return false;
    }
    return true;
}

struct view {
    int32_t from, n; /* cells */
};

/* Of a layer with a window the cells from the first to the last that some row sees, in whole paddings. ik_llama.cpp
 * (llama_swa_calc_window_view; ggml_cuda_flash_attn_ext's op_params[4]) takes the last ones of all cells, as many as
 * the window and the step have, which is right where one sequence's cells are in the order of their positions. Where
 * several lie between each other, or a ring has begun anew, it takes what is seen. */
static struct view seen_by_window(const struct attn_player *p, int layer, const struct session_cache *cache,
                                  struct view all)
{
    const struct session_ubatch *u = &p->u;
    const int32_t window = p->s.layer[layer].window;
    int32_t least[ATTN_SESSION_SLOTS_MAX], most[ATTN_SESSION_SLOTS_MAX], first = all.n, end = 0;
    for (int i = 0; i < ATTN_SESSION_SLOTS_MAX; i++) {
        least[i] = INT32_MAX;
        most[i] = -1;
    }
    for (int32_t i = 0; i < u->n; i++) {
        least[u->slot[i]] = u->pos[i] < least[u->slot[i]] ? u->pos[i] : least[u->slot[i]];
        most[u->slot[i]] = u->pos[i] > most[u->slot[i]] ? u->pos[i] : most[u->slot[i]];
    }
    for (int s = u->first_stream; s < u->first_stream + u->streams; s++)
        for (int32_t i = 0; i < cache->stream[s].end; i++) {
            const struct session_cell *cell = &cache->stream[s].cell[i];
            bool seen = false;
            for (int slot = 0; slot < p->s.slots && cell->pos >= 0; slot++)
                seen |= (cell->slots >> slot & 1) && cell->pos <= most[slot] && cell->pos > least[slot] - window;
            first = seen && i < first ? i : first;
            end = seen && i + 1 > end ? i + 1 : end;
        }
    if (end == 0)
        return all;
    first -= first % p->s.pad;
    return (struct view){ first, (int32_t)attn_min(attn_round_up(end, p->s.pad), all.n) - first };
}

static struct view view_of(const struct attn_player *p, int layer, const struct session_cache *cache)
{
    const struct attn_session_layer *l = &p->s.layer[layer];
    const struct session_ubatch *u = &p->u;
    struct view all = { 0, (int32_t)attn_round_up(l->cross, ATTN_SESSION_CROSS_PAD) };
    if (!cache) /* whisper.cpp's cross attention: one block of keys for all rows, a padded number of them, no mask */
        return all;
    all.n = session_cache_n_kv(cache, u->first_stream, u->first_stream + u->streams, p->s.pad);
    return p->s.narrow && l->window ? seen_by_window(p, layer, cache, all) : all;
}

/* The mask's width. Servers make it as wide as n_kv (build_attn_inp_kq_mask); a padded one stands for backends that ask
 * for it. KEPT: a graph is used again when its inputs still fit (llm_graph_input_attn_kv::can_reuse), and a drafter
 * whose graph keeps a mask tensor wider than the K view that shrank is how a reused context can leave mask.ne[0] above
 * n_kv. The seed's report says only that drafts over a reused context failed while the count of reused graphs rose;
 * that this is the reason is an inference. */
static int64_t mask_width(struct attn_player *p, int layer, bool draft, int32_t n_kv)
{
    if (p->s.mask == ATTN_SESSION_MASK_PADDED)
        return attn_round_up(n_kv, p->s.mask_pad);
    if (p->s.mask == ATTN_SESSION_MASK_KEPT && draft) {
        if (n_kv > p->kept[layer])
            p->kept[layer] = n_kv;
        return p->kept[layer];
    }
    return n_kv;
}

void session_emit(struct attn_player *p, int layer, int share, bool draft, struct attn_problem *problem)
{
    const struct attn_session_layer *l = &p->s.layer[layer];
    const struct session_share *heads = &p->share[layer][share];
    const struct session_cache *cache = l->cross ? NULL : &p->cache[p->cache_of[layer]];
    const struct session_ubatch *u = &p->u;
    const int64_t per = session_rows(p, layer);
    const struct view view = view_of(p, layer, cache);
    const int32_t n_kv = view.n;
    const int streams = cache ? u->streams : 1, first_stream = cache ? u->first_stream : 0;
    struct attn_tensor *t = problem->t;
    struct session_layout o;

    p->from[layer] = view.from;
    session_layout_of(p, layer, share, &o);
    memset(problem, 0, sizeof *problem);
    /* Q is [head size, heads, tokens] in memory, permuted like K; streams follow each other (build_attn_mha). */
    attn_tensor_set(&t[ATTN_Q], ATTN_F32, l->d_k, per, heads->n_head, streams);
    t[ATTN_Q].nb[1] = 4 * (int64_t)l->d_k * heads->n_head;
    t[ATTN_Q].nb[2] = 4 * (int64_t)l->d_k;
    t[ATTN_Q].nb[3] = per * t[ATTN_Q].nb[1];
    set_view(&t[ATTN_K], l->type_k, l->d_k, n_kv, heads->n_head_kv, streams, o.cell_k, o.head_k, o.stream_k,
             o.base_k + o.own_k + first_stream * o.stream_k + view.from * o.cell_k);
    set_view(&t[ATTN_V], l->type_v, l->d_v, n_kv, heads->n_head_kv, streams, o.cell_v, o.head_v, o.stream_v,
             o.base_v + o.own_v + first_stream * o.stream_v + view.from * o.cell_v);
    /* MLA: V is the first elements of K's rows (llama.cpp, build_attn for MLA with flash attention). */
    if (l->view)
        t[ATTN_K].buffer = t[ATTN_V].buffer = 1;
    /* Rows padded as GGML_KQ_MASK_PAD asked for; a mask for each stream (ne[3]), or one for all. */
    bool one = cache && p->s.shared && u->streams > 1 && masks_equal(p, cache);
    if (cache)
        attn_tensor_set(&t[ATTN_MASK], ATTN_F16, mask_width(p, layer, draft, n_kv), attn_round_up(per, p->s.rows), 1,
                        one ? 1 : u->streams);
    if (l->sinks)
        attn_tensor_set(&t[ATTN_SINKS], ATTN_F32, heads->n_head, 1, 1, 1);
    attn_tensor_set(&t[ATTN_DST], ATTN_F32, l->d_v, heads->n_head, per, streams);
    problem->scale = l->scale;
    problem->softcap = l->softcap;
    problem->max_bias = l->max_bias;
    problem->head_first = heads->first;
    problem->head_total = l->n_head;
}
