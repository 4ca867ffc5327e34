/* batch.c: a server's batches: tokens of slots become ubatches, find their cells, and each ubatch is a step. See
 * play.h.
 *
 * The rules are those of llama.cpp: src/llama-batch.cpp and the caches' init_batch for ubatches, llama_decode and
 * tools/server/server-context.cpp for batches that find no cells; the function is named at each.
 *
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "fuzz/session/play.h"
#include "planner/arith.h"

/* ---- Open and close -------------------------------------------------------------------------------------- */

static int cache_of_layer(const struct attn_session_layer *l)
{
    if (l->cross)
        return SESSION_NO_CACHE;
    return session_who_has(l) == SESSION_DRAFTS ? SESSION_DRAFTER : l->window ? SESSION_SWA : SESSION_FULL;
}

/* llama_kv_cache_iswa: the cache of the layers with a window has room for the windows and one ubatch, padded, at most
 * as many cells as the full one; swa_full: just as many. Unified, the windows of all sequences share it. */
static int32_t cells_of(const struct attn_session *s, int cache, int32_t window)
{
    if (cache != SESSION_SWA || s->swa_full)
        return s->cells;
    int64_t n = (int64_t)window * (s->unified ? s->slots : 1) + s->ubatch;
    return (int32_t)attn_min(attn_round_up(n, s->pad), s->cells);
}

static bool open_caches(struct attn_player *p)
{
    const struct attn_session *s = &p->s;
    for (int i = 0; i < s->n_layers; i++) {
        int cache = p->cache_of[i] = cache_of_layer(&s->layer[i]);
        int32_t window = cache == SESSION_SWA ? s->layer[i].window : 0;
        if (cache != SESSION_NO_CACHE && p->cache[cache].n_cells == 0 &&
            !session_cache_open(&p->cache[cache], cells_of(s, cache, window), s->unified ? 1 : s->slots, s->slots,
                                window))
            return false;
        for (int device = 0; device < s->split; device++)
            session_share_of(s, i, device, &p->share[i][device]);
    }
    return true;
}

struct attn_player *attn_player_open(const struct attn_session *session, bool data, int64_t max_bytes)
{
    struct attn_player *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->s = *session;
    p->data = data;
    size_t n = (size_t)session->ubatch;
    p->u.slot = malloc(n * sizeof *p->u.slot);
    p->u.pos = malloc(n * sizeof *p->u.pos);
    p->u.cell = malloc(2 * n * sizeof *p->u.cell); /* a place for each of two caches */
    p->u.node = malloc(n * sizeof *p->u.node);
    p->u.token = malloc(n * sizeof *p->u.token);
    p->u.branches = malloc(n * sizeof *p->u.branches);
    bool good = p->u.slot && p->u.pos && p->u.cell && p->u.node && p->u.token && p->u.branches && open_caches(p);
    for (int i = 0; good && i < session->slots; i++) {
        p->slot[i].token = malloc((size_t)session->cells * sizeof *p->slot[i].token);
        p->slot[i].age = calloc(2 * (size_t)session->cells, sizeof *p->slot[i].age);
        good = p->slot[i].token && p->slot[i].age;
    }
    if (good && data)
        good = session_memory_open(p, max_bytes);
    if (good)
        return p;
    attn_player_close(p);
    return NULL;
}

void session_drop_checkpoint(struct session_slot *slot, int i)
{
    free(slot->checkpoint[i].token);
    slot->n_checkpoints--;
    memmove(&slot->checkpoint[i], &slot->checkpoint[i + 1],
            (size_t)(slot->n_checkpoints - i) * sizeof slot->checkpoint[0]);
}

void attn_player_close(struct attn_player *p)
{
    if (!p)
        return;
    for (int i = 0; i < ATTN_SESSION_SLOTS_MAX; i++) {
        while (p->slot[i].n_checkpoints)
            session_drop_checkpoint(&p->slot[i], 0);
        free(p->slot[i].token);
        free(p->slot[i].age);
    }
    for (int i = 0; i < SESSION_CACHE_COUNT; i++)
        session_cache_close(&p->cache[i]);
    session_memory_close(p);
    free(p->u.slot);
    free(p->u.pos);
    free(p->u.cell);
    free(p->u.node);
    free(p->u.token);
    free(p->u.branches);
    session_ages_free(&p->ages);
    free(p);
}

const struct attn_session_counts *attn_player_counts(const struct attn_player *p) { return &p->counts; }
int32_t attn_player_length(const struct attn_player *p, int slot) { return p->slot[slot].n; }
uint32_t attn_player_token(const struct attn_player *p, int slot, int32_t position)
{
    return p->slot[slot].token[position];
}

/* ---- Tokens ---------------------------------------------------------------------------------------------- */

/* seq_rm from n on. */
void session_truncate(struct attn_player *p, int slot, int32_t n)
{
    struct session_slot *s = &p->slot[slot];
    s->n = n < s->n ? n : s->n;
    for (int c = 0; c < SESSION_CACHE_COUNT; c++)
        if (p->cache[c].n_cells)
            session_cache_remove(&p->cache[c], slot, n, INT32_MAX);
    /* A checkpoint of tokens that are no more is none. */
    for (int i = s->n_checkpoints - 1; i >= 0; i--)
        if (s->checkpoint[i].first + s->checkpoint[i].n > n)
            session_drop_checkpoint(s, i);
}

/* ---- Steps ----------------------------------------------------------------------------------------------- */

/* The next one of a part. */
static void add_token(struct attn_player *p, struct session_part *part)
{
    struct session_ubatch *u = &p->u;
    const struct session_tree *tree = &p->tree[part->slot];
    const int32_t node = part->tree ? part->from : -1;
    u->slot[u->n] = part->slot;
    u->node[u->n] = node;
    u->branches[u->n] = part->tree ? tree->node[node].branches : 0;
    u->pos[u->n] = part->tree ? tree->root + tree->node[node].depth : part->from;
    u->token[u->n] = session_token_of(p, part->slot, node, u->pos[u->n]);
    u->n++;
    part->from++;
    part->n--;
}

/* llama_batch_allocr::split_simple: the next tokens in their order, whatever their sequences. */
static bool split_simple(struct attn_player *p, struct session_part *part, int n_parts)
{
    p->u.n = p->u.first_stream = 0;
    p->u.streams = 1;
    for (int i = 0; i < n_parts; i++)
        while (part[i].n > 0 && p->u.n < p->s.ubatch)
            add_token(p, &part[i]);
    return p->u.n > 0;
}

/* llama_batch_allocr::split_equal, sequential: the same number of tokens of each of some sequences, in the order of the
 * batch, of which each has the number after the one before it, so that a view of their streams is one tensor. */
static bool split_equal(struct attn_player *p, struct session_part *part, int n_parts)
{
    struct session_part *taken[ATTN_SESSION_SLOTS_MAX];
    int streams = 0;
    int32_t n = p->s.ubatch;
    for (int i = 0; i < n_parts && streams < p->s.ubatch; i++) {
        if (part[i].n == 0 || (streams > 0 && part[i].slot != taken[streams - 1]->slot + 1))
            continue;
        taken[streams++] = &part[i];
        n = part[i].n < n ? part[i].n : n;
    }
    if (streams == 0)
        return false;
    n = n < p->s.ubatch / streams ? n : p->s.ubatch / streams;
    p->u.n = 0;
    p->u.first_stream = taken[0]->slot;
    p->u.streams = streams;
    for (int i = 0; i < streams; i++)
        for (int32_t k = 0; k < n; k++)
            add_token(p, taken[i]);
    return true;
}

/* llama_kv_cache(_iswa)::init_batch: cells are looked for in every cache before any is changed. */
static bool place(struct attn_player *p, const int *caches, int n_caches, enum session_who who)
{
    struct session_ubatch *u = &p->u;
    int32_t per = u->n / u->streams;
    for (int c = 0; c < n_caches; c++)
        for (int i = 0; i < u->streams; i++)
            if (!session_cache_find(&p->cache[caches[c]], u->first_stream + i, per,
                                    u->cell + c * p->s.ubatch + i * per))
                return false;
    for (int c = 0; c < n_caches; c++)
        for (int i = 0; i < u->streams; i++) {
            const int32_t at = i * per;
            const struct session_tokens tokens = { u->slot + at, u->pos + at, u->token + at, u->branches + at, NULL };
            session_cache_place(&p->cache[caches[c]], u->first_stream + i, per, u->cell + c * p->s.ubatch + at,
                                &tokens);
        }
    for (int32_t i = 0; i < u->n && n_caches > 0; i++)
        if (u->node[i] < 0)
            *session_age_of(p, u->slot[i], who, u->pos[i]) = 0; /* its keys are computed */
    return true;
}

/* A device whose part of a layer is as large as the one before it has the same shapes, and views that begin at the same
 * place of its own cells; of such, the first and the last device are looked at. */
static bool stands_for_another(const struct attn_player *p, int layer, int share)
{
    const struct session_share *own = &p->share[layer][share];
    if (own->n_head == 0)
        return true;
    return share > 0 && share + 1 < p->s.split && own->n_head == own[-1].n_head &&
           own->n_head_kv == own[-1].n_head_kv && own->row_heads == own->n_head_kv;
}

static bool visit_step(struct attn_player *p, enum session_who who)
{
    const bool draft = who != SESSION_TARGET;
    struct attn_problem problem;
    p->counts.steps++;
    p->at.step = p->counts.steps;
    p->at.slot = p->u.slot[0];
    p->at.request = p->slot[p->at.slot].request;
    p->at.draft = draft;
    for (int layer = 0; layer < p->s.n_layers; layer++) {
        if (session_who_has(&p->s.layer[layer]) != who)
            continue;
        for (int share = 0; share < p->s.split; share++) {
            if (stands_for_another(p, layer, share))
                continue;
            session_emit(p, layer, share, draft, &problem);
            if (p->data && !p->s.layer[layer].cross)
                session_memory_reach(p, session_kv_layer(p, layer), share, p->from[layer] + attn_n_kv(&problem));
            p->at.layer = layer;
            p->at.share = share;
            p->counts.problems++;
            if (!p->visit(p->context, p, &p->at, &problem))
                return false;
        }
    }
    return true;
}

/* llama_decode of one batch. Without cells the server tries smaller batches and in the end gives the requests up
 * (update_slots: "failed to find free space in the KV cache"); here it gives up at once. */
enum session_result session_decode(struct attn_player *p, struct session_part *part, int n_parts, enum session_who who)
{
    int caches[2], n_caches = 0;
    bool any = false;
    for (int i = 0; i < p->s.n_layers; i++)
        any |= session_who_has(&p->s.layer[i]) == who;
    for (int c = 0; c < SESSION_CACHE_COUNT && who != SESSION_READS; c++)
        if (p->cache[c].n_cells && (c == SESSION_DRAFTER) == (who == SESSION_DRAFTS))
            caches[n_caches++] = c;
    if (!any)
        return SESSION_DONE;
    while (p->s.unified ? split_simple(p, part, n_parts) : split_equal(p, part, n_parts)) {
        if (!place(p, caches, n_caches, who)) {
            p->counts.refused++;
            return SESSION_REFUSED;
        }
        p->counts.tokens += who == SESSION_TARGET ? p->u.n : 0;
        for (int32_t i = 0; i < p->u.n && who == SESSION_READS; i++)
            p->u.pos[i] = p->u.end[p->u.slot[i]];
        if (!visit_step(p, who))
            return SESSION_STOPPED;
    }
    return SESSION_DONE;
}

/* Positions that a target's caches hold of a slot: what survives a batch that was refused. */
static int32_t held(const struct attn_player *p, int slot)
{
    int32_t n = p->slot[slot].n;
    for (int c = 0; c < SESSION_DRAFTER; c++)
        if (p->cache[c].n_cells && session_cache_last(&p->cache[c], slot) + 1 < n)
            n = session_cache_last(&p->cache[c], slot) + 1;
    return n;
}

bool session_evaluate(struct attn_player *p, struct session_part *part, int n)
{
    struct session_part left[ATTN_SESSION_SLOTS_MAX];
    memcpy(left, part, (size_t)n * sizeof *part);
    enum session_result result = session_decode(p, left, n, SESSION_TARGET);
    for (int i = 0; i < n && result == SESSION_REFUSED; i++)
        session_truncate(p, part[i].slot, held(p, part[i].slot));
    return result != SESSION_STOPPED;
}
