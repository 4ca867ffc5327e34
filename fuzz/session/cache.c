/* cache.c: the cells of a KV cache. See cache.h.
 *
 * The rules are those of llama.cpp, src/llama-kv-cache.cpp (llama-kv-cache-unified.cpp before) and llama-kv-cells.h;
 * the function is named at each. What is left out: cells of recurrent state, positions of more than one dimension.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/session/cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "planner/hash.h"

bool session_cache_open(struct session_cache *c, int32_t n_cells, int n_streams, int n_slots, int32_t window)
{
    memset(c, 0, sizeof *c);
    c->n_cells = n_cells;
    c->n_streams = n_streams;
    c->n_slots = n_slots;
    c->window = window;
    for (int s = 0; s < n_streams; s++) {
        struct session_stream *stream = &c->stream[s];
        stream->cell = malloc((size_t)n_cells * sizeof *stream->cell);
        if (!stream->cell)
            return false;
        for (int32_t i = 0; i < n_cells; i++)
            stream->cell[i] = (struct session_cell){ .pos = -1 };
        for (int i = 0; i < ATTN_SESSION_SLOTS_MAX; i++)
            stream->first[i] = stream->last[i] = -1;
    }
    for (int i = 0; i < ATTN_SESSION_SLOTS_MAX; i++)
        c->root[i] = -1;
    return true;
}

int session_cache_stream(const struct session_cache *c, int slot) { return c->n_streams == 1 ? 0 : slot; }

int32_t session_cache_first(const struct session_cache *c, int slot)
{
    return c->stream[session_cache_stream(c, slot)].first[slot];
}

int32_t session_cache_last(const struct session_cache *c, int slot)
{
    return c->stream[session_cache_stream(c, slot)].last[slot];
}

/* llama_hparams::is_masked_swa, LLAMA_SWA_TYPE_STANDARD: a window of w sees p1 - w < p0 <= p1. */
bool session_cache_masked(const struct session_cache *c, int32_t p0, int32_t p1)
{
    return c->window > 0 && p1 - p0 >= c->window;
}

/* ---- Cells ----------------------------------------------------------------------------------------------- */

static uint64_t place_hash(int32_t i, const struct session_cell *cell)
{
    const uint64_t h = attn_hash_u64(0, (uint64_t)(uint32_t)i << 32 | (uint32_t)cell->pos);
    return cell->branches ? attn_hash_u64(h, cell->branches) : h;
}

/* The earliest position at which a token of the slot may come next: a tree's tokens do not come in the order of their
 * positions. */
static int32_t next_of(const struct session_cache *c, const struct session_stream *stream, int slot)
{
    return c->root[slot] >= 0 ? c->root[slot] : stream->last[slot] + 1;
}

static void empty_cell(struct session_cache *c, int s, int32_t i)
{
    struct session_stream *stream = &c->stream[s];
    assert(i >= 0 && i < c->n_cells && stream->cell[i].pos >= 0 && stream->used > 0);
    stream->layout ^= place_hash(i, &stream->cell[i]);
    stream->cell[i] = (struct session_cell){ .pos = -1 };
    stream->used--;
    while (stream->end > 0 && stream->cell[stream->end - 1].pos < 0)
        stream->end--;
    if (c->hooks.freed)
        c->hooks.freed(c->hooks.context, s, i);
}

static void fill_cell(struct session_cache *c, int s, int32_t i, const struct session_cell *cell)
{
    struct session_stream *stream = &c->stream[s];
    assert(i >= 0 && i < c->n_cells && stream->cell[i].pos < 0); /* a cell is emptied before it is filled */
    assert(cell->pos >= 0 && cell->slots != 0 && cell->slots >> c->n_slots == 0);
    stream->cell[i] = *cell;
    stream->layout ^= place_hash(i, cell);
    stream->used++;
    if (i >= stream->end)
        stream->end = i + 1;
}

/* The positions that a slot holds, looked up anew. */
static void find_range(struct session_cache *c, int slot)
{
    struct session_stream *stream = &c->stream[session_cache_stream(c, slot)];
    int32_t first = -1, last = -1;
    for (int32_t i = 0; i < stream->end; i++) {
        const struct session_cell *cell = &stream->cell[i];
        if (cell->pos < 0 || !(cell->slots >> slot & 1))
            continue;
        if (first < 0 || cell->pos < first)
            first = cell->pos;
        if (cell->pos > last)
            last = cell->pos;
    }
    stream->first[slot] = first;
    stream->last[slot] = last;
}

/* ---- Placing tokens -------------------------------------------------------------------------------------- */

static int only_slot(uint32_t slots)
{
    int slot = 0;
    if (slots == 0 || (slots & (slots - 1)) != 0)
        return -1;
    while (!(slots >> slot & 1))
        slot++;
    return slot;
}

/* llama_kv_cache::find_slot: from the head on, around the end, any cells that are empty, or that one sequence alone
 * holds and its next token's window no longer sees. The search begins at cell 0 when enough cells before the head are
 * unused. */
bool session_cache_find(const struct session_cache *c, int s, int32_t n, int32_t *cell)
{
    const struct session_stream *stream = &c->stream[s];
    int32_t at = stream->head > stream->used + 2 * n ? 0 : stream->head, found = 0;
    for (int32_t tested = 0; tested < c->n_cells && found < n; tested++, at++) {
        if (at >= c->n_cells)
            at = 0;
        const struct session_cell *one = &stream->cell[at];
        bool free = one->pos < 0;
        if (!free) {
            int slot = only_slot(one->slots);
            free = slot >= 0 && session_cache_masked(c, one->pos, next_of(c, stream, slot));
        }
        if (free)
            cell[found++] = at;
    }
    return found == n;
}

/* llama_kv_cache::apply_ubatch: what is overwritten takes all earlier positions of its sequence with it, so that a
 * sequence holds every position from its first to its last. */
void session_cache_place(struct session_cache *c, int s, int32_t n, const int32_t *cell, const struct session_tokens *t)
{
    struct session_stream *stream = &c->stream[s];
    const int32_t *slot = t->slot, *pos = t->pos;
    int32_t purge[ATTN_SESSION_SLOTS_MAX];
    for (int i = 0; i < ATTN_SESSION_SLOTS_MAX; i++)
        purge[i] = -1;
    for (int32_t i = 0; i < n; i++) {
        const struct session_cell *old = &stream->cell[cell[i]];
        if (old->pos >= 0) {
            int owner = only_slot(old->slots);
            assert(owner >= 0 &&
                   session_cache_masked(c, old->pos, next_of(c, stream, owner))); /* as session_cache_find says */
            if (old->pos > purge[owner])
                purge[owner] = old->pos;
            if (old->pos == stream->first[owner] && ++stream->first[owner] > stream->last[owner])
                stream->first[owner] = stream->last[owner] = -1;
            empty_cell(c, s, cell[i]);
        }
        const struct session_cell new = { pos[i], 1u << slot[i], t->token[i], t->branches ? t->branches[i] : 0,
                                          t->age ? t->age[i] : 0 };
        fill_cell(c, s, cell[i], &new);
        if (stream->last[slot[i]] < pos[i])
            stream->last[slot[i]] = pos[i];
        if (stream->first[slot[i]] < 0 || stream->first[slot[i]] > pos[i])
            stream->first[slot[i]] = pos[i];
        if (c->hooks.written)
            c->hooks.written(c->hooks.context, s, cell[i]);
    }
    for (int i = 0; i < c->n_slots; i++)
        if (purge[i] >= 0 && stream->first[i] <= purge[i])
            session_cache_remove(c, i, stream->first[i], purge[i] + 1);
    stream->head = cell[n - 1] + 1;
}

/* llama_kv_cache::seq_rm: cells that no sequence holds any more become empty, and the head goes back to the first. */
void session_cache_remove(struct session_cache *c, int slot, int32_t from, int32_t to)
{
    int s = session_cache_stream(c, slot);
    struct session_stream *stream = &c->stream[s];
    int32_t freed = c->n_cells;
    if (stream->first[slot] < 0 || from > stream->last[slot] || to <= stream->first[slot])
        return;
    for (int32_t i = 0; i < stream->end; i++) {
        struct session_cell *cell = &stream->cell[i];
        if (cell->pos < from || cell->pos >= to || !(cell->slots >> slot & 1))
            continue;
        cell->slots &= ~(1u << slot);
        if (cell->slots == 0) {
            freed = i < freed ? i : freed;
            empty_cell(c, s, i);
        }
    }
    if (freed < stream->head)
        stream->head = freed;
    find_range(c, slot);
}

void session_cache_plant(struct session_cache *c, int slot, int32_t root) { c->root[slot] = root; }

/* seq_keep of the branch that was accepted: its cells stay where they are, those between them become empty. */
void session_cache_settle(struct session_cache *c, int slot, uint32_t branches, int32_t end)
{
    const int s = session_cache_stream(c, slot);
    struct session_stream *stream = &c->stream[s];
    int32_t freed = c->n_cells;
    if (c->root[slot] < 0)
        return;
    c->root[slot] = -1;
    for (int32_t i = 0; i < stream->end; i++) {
        struct session_cell *cell = &stream->cell[i];
        if (cell->pos < 0 || cell->slots != 1u << slot || !cell->branches)
            continue;
        if ((cell->branches & branches) && cell->pos < end) {
            stream->layout ^= place_hash(i, cell);
            cell->branches = 0;
            stream->layout ^= place_hash(i, cell);
            continue;
        }
        freed = i < freed ? i : freed;
        empty_cell(c, s, i);
    }
    if (freed < stream->head)
        stream->head = freed;
    find_range(c, slot);
}

/* llama_kv_cache::seq_cp: within a stream the cells get one holder more; between streams everything is copied. */
void session_cache_copy(struct session_cache *c, int from, int to)
{
    int s = session_cache_stream(c, from), d = session_cache_stream(c, to);
    struct session_stream *source = &c->stream[s], *target = &c->stream[d];
    for (int32_t i = 0; i < source->end; i++) {
        struct session_cell *cell = &source->cell[i];
        if (cell->pos < 0 || !(cell->slots >> from & 1))
            continue;
        if (s == d) {
            cell->slots |= 1u << to;
            continue;
        }
        const struct session_cell copy = { cell->pos, 1u << to, cell->token, cell->branches, cell->age };
        fill_cell(c, d, i, &copy);
        if (c->hooks.copied)
            c->hooks.copied(c->hooks.context, s, i, d, i);
    }
    target->first[to] = source->first[from];
    target->last[to] = source->last[from];
    if (s != d)
        target->head = source->head;
}

/* llama_kv_cache::seq_add, and the K-shift graph (build_graph_shift): keys are rotated to their new place, values stay.
 * The head goes to cell 0. */
void session_cache_shift(struct session_cache *c, int slot, int32_t from, int32_t by)
{
    int s = session_cache_stream(c, slot);
    struct session_stream *stream = &c->stream[s];
    for (int32_t i = 0; i < stream->end; i++) {
        struct session_cell *cell = &stream->cell[i];
        if (cell->pos < from || !(cell->slots >> slot & 1))
            continue;
        stream->layout ^= place_hash(i, cell);
        cell->pos -= by;
        cell->age = c->ages ? session_ages_after(c->ages, cell->age, by) : 0;
        stream->layout ^= place_hash(i, cell);
        if (c->hooks.shifted)
            c->hooks.shifted(c->hooks.context, s, i, by);
    }
    stream->head = 0;
    find_range(c, slot);
}

/* llama_kv_cache_unified::defrag_prepare: each hole below the number of used cells takes cells from the end. (Later
 * versions have no defragmentation; forks and older servers do.) */
void session_cache_defrag(struct session_cache *c)
{
    for (int s = 0; s < c->n_streams; s++) {
        struct session_stream *stream = &c->stream[s];
        for (int32_t hole = 0; hole < stream->used; hole++) {
            if (stream->cell[hole].pos >= 0)
                continue;
            int32_t last = stream->end - 1;
            struct session_cell moved = stream->cell[last];
            fill_cell(c, s, hole, &moved);
            if (c->hooks.copied)
                c->hooks.copied(c->hooks.context, s, last, s, hole);
            empty_cell(c, s, last);
        }
        stream->head = stream->used;
    }
}

/* What is kept beside the cells is what the cells say: how many are used, where the last one is, their layout, and the
 * range of each slot. */
static void check_stream(const struct session_cache *c, int s)
{
    const struct session_stream *stream = &c->stream[s];
    int32_t used = 0, end = 0, first[ATTN_SESSION_SLOTS_MAX], last[ATTN_SESSION_SLOTS_MAX];
    uint64_t layout = 0;
    memset(first, 0xff, sizeof first);
    memset(last, 0xff, sizeof last);
    for (int32_t i = 0; i < c->n_cells; i++) {
        const struct session_cell *cell = &stream->cell[i];
        if (cell->pos < 0)
            continue;
        used++;
        end = i + 1;
        layout ^= place_hash(i, cell);
        for (int slot = 0; slot < c->n_slots; slot++) {
            if (!(cell->slots >> slot & 1))
                continue;
            first[slot] = first[slot] < 0 || cell->pos < first[slot] ? cell->pos : first[slot];
            last[slot] = cell->pos > last[slot] ? cell->pos : last[slot];
        }
    }
    assert(used == stream->used && end == stream->end && layout == stream->layout && stream->head <= c->n_cells);
    for (int slot = 0; slot < c->n_slots; slot++)
        assert(session_cache_stream(c, slot) != s ||
               (first[slot] == stream->first[slot] && last[slot] == stream->last[slot]));
}

void session_cache_close(struct session_cache *c)
{
    for (int s = 0; s < c->n_streams; s++)
        if (c->stream[s].cell)
            check_stream(c, s);
    for (int s = 0; s < ATTN_SESSION_SLOTS_MAX; s++)
        free(c->stream[s].cell);
}

bool session_cache_shares(const struct session_cache *c, int slot)
{
    const struct session_stream *stream = &c->stream[session_cache_stream(c, slot)];
    for (int32_t i = 0; i < stream->end; i++)
        if (stream->cell[i].pos >= 0 && (stream->cell[i].slots >> slot & 1) && stream->cell[i].slots != 1u << slot)
            return true;
    return false;
}

/* llama_kv_cache::get_n_kv: of each stream the cells up to the last used one, padded, at most all and at least one
 * padding; of several streams the most. */
int32_t session_cache_n_kv(const struct session_cache *c, int first, int end, int32_t pad)
{
    int32_t most = 1;
    for (int s = first; s < end; s++) {
        int32_t n = (c->stream[s].end + pad - 1) / pad * pad;
        n = n < pad ? pad : n;
        n = n < c->n_cells ? n : c->n_cells;
        most = n > most ? n : most;
    }
    return most;
}
