/* session_server.c: a server's slots: events become batches, batches ubatches, and each ubatch a step. See session.h.
 *
 * The rules are those of llama.cpp: tools/server/server-context.cpp (examples/server/server.cpp before) for slots,
 * src/llama-batch.cpp and the caches' init_batch for ubatches, common/speculative.cpp for drafts; the function is named
 * at each.
 *
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "session_play.h"

/* ---- Open and close ------------------------------------------------------------------------------------------------- */

static int cache_of_layer(const struct attn_session_layer *l)
{
    return l->draft ? SESSION_DRAFTER : l->window ? SESSION_SWA : SESSION_FULL;
}

/* llama_kv_cache_iswa: the cache of the layers with a window has room for the windows and one ubatch, padded, at most as
 * many cells as the full one; swa_full: just as many. Unified, the windows of all sequences share it. */
static int32_t cells_of(const struct attn_session *s, int cache, int32_t window)
{
    if (cache != SESSION_SWA || s->swa_full)
        return s->cells;
    int64_t n = (int64_t)window * (s->unified ? s->slots : 1) + s->ubatch;
    n = (n + s->pad - 1) / s->pad * s->pad;
    return n < s->cells ? (int32_t)n : s->cells;
}

static bool open_caches(struct attn_player *p)
{
    const struct attn_session *s = &p->s;
    for (int i = 0; i < s->n_layers; i++) {
        int cache = p->cache_of[i] = cache_of_layer(&s->layer[i]);
        int32_t window = cache == SESSION_SWA ? s->layer[i].window : 0;
        if (p->cache[cache].n_cells == 0 &&
            !session_cache_open(&p->cache[cache], cells_of(s, cache, window), s->unified ? 1 : s->slots, s->slots, window))
            return false;
        for (int device = 0; device < s->split; device++)
            session_share_of(&s->layer[i], s->split, device, &p->share[i][device]);
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
    p->u.token = malloc(n * sizeof *p->u.token);
    bool good = p->u.slot && p->u.pos && p->u.cell && p->u.token && open_caches(p);
    for (int i = 0; good && i < session->slots; i++)
        good = (p->slot[i].token = malloc((size_t)session->cells * sizeof *p->slot[i].token)) != NULL;
    if (good && data)
        good = session_memory_open(p, max_bytes);
    if (good)
        return p;
    attn_player_close(p);
    return NULL;
}

static void drop_checkpoint(struct session_slot *slot, int i)
{
    free(slot->checkpoint[i].token);
    slot->n_checkpoints--;
    memmove(&slot->checkpoint[i], &slot->checkpoint[i + 1], (size_t)(slot->n_checkpoints - i) * sizeof slot->checkpoint[0]);
}

void attn_player_close(struct attn_player *p)
{
    if (!p)
        return;
    for (int i = 0; i < ATTN_SESSION_SLOTS_MAX; i++) {
        while (p->slot[i].n_checkpoints)
            drop_checkpoint(&p->slot[i], 0);
        free(p->slot[i].token);
    }
    for (int i = 0; i < SESSION_CACHE_COUNT; i++)
        session_cache_close(&p->cache[i]);
    session_memory_close(p);
    free(p->u.slot);
    free(p->u.pos);
    free(p->u.cell);
    free(p->u.token);
    free(p);
}

const struct attn_session_counts *attn_player_counts(const struct attn_player *p) { return &p->counts; }
int32_t attn_player_length(const struct attn_player *p, int slot) { return p->slot[slot].n; }
uint32_t attn_player_token(const struct attn_player *p, int slot, int32_t position) { return p->slot[slot].token[position]; }

/* ---- Tokens ----------------------------------------------------------------------------------------------------------- */

/* A slot's next token: a function of the seed, the slot and how many it had, whatever other slots do. */
static void draw_token(struct attn_player *p, int slot)
{
    struct session_slot *s = &p->slot[slot];
    uint64_t x = p->s.seed ^ ((uint64_t)slot << 32 | s->drawn++);
    x = (x + UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9);
    s->token[s->n++] = (uint32_t)(x >> 32);
}

static int32_t room(const struct attn_player *p, int slot) { return p->s.cells - p->slot[slot].n; }

/* The slot keeps its first n tokens, in all caches (seq_rm from n on). */
static void truncate_slot(struct attn_player *p, int slot, int32_t n)
{
    struct session_slot *s = &p->slot[slot];
    s->n = n < s->n ? n : s->n;
    for (int c = 0; c < SESSION_CACHE_COUNT; c++)
        if (p->cache[c].n_cells)
            session_cache_remove(&p->cache[c], slot, n, INT32_MAX);
    /* A checkpoint of tokens that are no more is none. */
    for (int i = s->n_checkpoints - 1; i >= 0; i--)
        if (s->checkpoint[i].first + s->checkpoint[i].n > n)
            drop_checkpoint(s, i);
}

/* ---- Steps ------------------------------------------------------------------------------------------------------------ */

/* Tokens of a slot that are to be evaluated: positions from <= p < from + n. */
struct part {
    int slot;
    int32_t from, n;
};

static void add_token(struct attn_player *p, int slot, int32_t pos)
{
    struct session_ubatch *u = &p->u;
    u->slot[u->n] = slot;
    u->pos[u->n] = pos;
    u->token[u->n++] = p->slot[slot].token[pos];
}

/* llama_batch_allocr::split_simple: the next tokens in their order, whatever their sequences. */
static bool split_simple(struct attn_player *p, struct part *part, int n_parts)
{
    p->u.n = p->u.first_stream = 0;
    p->u.streams = 1;
    for (int i = 0; i < n_parts; i++)
        for (; part[i].n > 0 && p->u.n < p->s.ubatch; part[i].from++, part[i].n--)
            add_token(p, part[i].slot, part[i].from);
    return p->u.n > 0;
}

/* llama_batch_allocr::split_equal, sequential: the same number of tokens of each of some sequences whose numbers follow one
 * another, so that a view of their streams is one tensor. */
static bool split_equal(struct attn_player *p, struct part *part, int n_parts)
{
    int first = 0;
    while (first < n_parts && part[first].n == 0)
        first++;
    if (first == n_parts)
        return false;
    int end = first + 1;
    int32_t n = part[first].n;
    for (; end < n_parts && part[end].n > 0 && part[end].slot == part[end - 1].slot + 1 && end - first < p->s.ubatch; end++)
        n = part[end].n < n ? part[end].n : n;
    int32_t most = p->s.ubatch / (end - first);
    n = n < most ? n : most;
    p->u.n = 0;
    p->u.first_stream = part[first].slot;
    p->u.streams = end - first;
    for (int i = first; i < end; i++)
        for (int32_t k = 0; k < n; k++, part[i].from++, part[i].n--)
            add_token(p, part[i].slot, part[i].from);
    return true;
}

/* llama_kv_cache(_iswa)::init_batch: cells are looked for in every cache before any is changed. */
static bool place(struct attn_player *p, const int *caches, int n_caches)
{
    struct session_ubatch *u = &p->u;
    int32_t per = u->n / u->streams;
    for (int c = 0; c < n_caches; c++)
        for (int i = 0; i < u->streams; i++)
            if (!session_cache_find(&p->cache[caches[c]], u->first_stream + i, per, u->cell + c * p->s.ubatch + i * per))
                return false;
    for (int c = 0; c < n_caches; c++)
        for (int i = 0; i < u->streams; i++)
            session_cache_place(&p->cache[caches[c]], u->first_stream + i, per, u->cell + c * p->s.ubatch + i * per,
                                u->slot + i * per, u->pos + i * per, u->token + i * per);
    return true;
}

/* A device whose part of a layer is as large as the one before it has the same shapes; of such, the first and the last
 * device are looked at. */
static bool stands_for_another(const struct attn_player *p, int layer, int share)
{
    const struct session_share *own = &p->share[layer][share];
    if (own->n_head_kv == 0)
        return true;
    return share > 0 && share + 1 < p->s.split && own->n_head == own[-1].n_head && own->n_head_kv == own[-1].n_head_kv;
}

static bool visit_step(struct attn_player *p, bool draft)
{
    struct attn_problem problem;
    p->counts.steps++;
    p->at.step = p->counts.steps;
    p->at.slot = p->u.slot[0];
    p->at.request = p->slot[p->at.slot].request;
    p->at.draft = draft;
    for (int layer = 0; layer < p->s.n_layers; layer++) {
        if ((p->s.layer[layer].draft != 0) != draft)
            continue;
        for (int share = 0; share < p->s.split; share++) {
            if (stands_for_another(p, layer, share))
                continue;
            session_emit(p, layer, share, draft, &problem);
            p->at.layer = layer;
            p->at.share = share;
            p->counts.problems++;
            if (!p->visit(p->context, p, &p->at, &problem))
                return false;
        }
    }
    return true;
}

enum result { STOPPED, DONE, REFUSED };

/* llama_decode of one batch, by the target or the drafter. REFUSED: there were no cells for some ubatch. The server then
 * tries smaller batches and in the end gives the requests up (update_slots: "failed to find free space in the KV
 * cache"); here it gives up at once, and the slots keep what was placed. */
static enum result decode_batch(struct attn_player *p, struct part *part, int n_parts, bool draft)
{
    int caches[2], n_caches = 0;
    for (int c = 0; c < SESSION_CACHE_COUNT; c++)
        if (p->cache[c].n_cells && (c == SESSION_DRAFTER) == draft)
            caches[n_caches++] = c;
    if (n_caches == 0)
        return DONE;
    while (p->s.unified ? split_simple(p, part, n_parts) : split_equal(p, part, n_parts)) {
        if (!place(p, caches, n_caches)) {
            p->counts.refused++;
            return REFUSED;
        }
        p->counts.tokens += draft ? 0 : p->u.n;
        if (!visit_step(p, draft))
            return STOPPED;
    }
    return DONE;
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

/* Evaluates the tokens that the target lacks of some slots. Slots that could not be placed keep what they have. */
static bool evaluate(struct attn_player *p, struct part *part, int n)
{
    struct part left[ATTN_SESSION_SLOTS_MAX];
    memcpy(left, part, (size_t)n * sizeof *part);
    enum result result = decode_batch(p, left, n, false);
    for (int i = 0; i < n && result == REFUSED; i++)
        truncate_slot(p, part[i].slot, held(p, part[i].slot));
    return result != STOPPED;
}

/* ---- Events ----------------------------------------------------------------------------------------------------------- */

static bool prefill(struct attn_player *p, int slot, int32_t n)
{
    struct part part = { slot, p->slot[slot].n, 0 };
    n = n < room(p, slot) ? n : room(p, slot);
    if (part.from == 0)
        p->slot[slot].request++;
    for (; part.n < n; part.n++)
        draw_token(p, slot);
    return evaluate(p, &part, 1);
}

/* Slots an event is about: the current one, or all that hold tokens. */
static int slots_in_use(const struct attn_player *p, bool all, int *slot)
{
    int n = 0;
    for (int i = 0; i < p->s.slots; i++)
        if (all ? p->slot[i].n > 0 : i == p->current)
            slot[n++] = i;
    return n;
}

/* server update_slots: the sampled token of each generating slot goes into one batch. A full context ends the slot's
 * turn (context shift is an event of its own). */
static bool generate(struct attn_player *p, int32_t steps, bool all)
{
    int slot[ATTN_SESSION_SLOTS_MAX];
    for (int32_t k = 0; k < steps; k++) {
        struct part part[ATTN_SESSION_SLOTS_MAX];
        int n = 0, slots = slots_in_use(p, all, slot);
        for (int i = 0; i < slots; i++) {
            if (room(p, slot[i]) == 0)
                continue;
            part[n++] = (struct part){ slot[i], p->slot[slot[i]].n, 1 };
            if (p->slot[slot[i]].n == 0)
                p->slot[slot[i]].request++;
            draw_token(p, slot[i]);
        }
        int64_t refused = p->counts.refused;
        if (n > 0 && !evaluate(p, part, n))
            return false;
        if (n == 0 || p->counts.refused > refused)
            break;
    }
    return true;
}

/* common_speculative, draft-mtp: the drafter first evaluates the tokens it lacks, then drafts one token a step, each step
 * over what it has drafted. */
static enum result run_drafter(struct attn_player *p, const struct part *part, int n)
{
    struct part lacking[ATTN_SESSION_SLOTS_MAX];
    int32_t most = 0;
    enum result result;
    if (p->cache[SESSION_DRAFTER].n_cells == 0)
        return DONE;
    for (int i = 0; i < n; i++) {
        int32_t from = session_cache_last(&p->cache[SESSION_DRAFTER], part[i].slot) + 1;
        lacking[i] = (struct part){ part[i].slot, from, part[i].from - from };
        most = part[i].n - 1 > most ? part[i].n - 1 : most;
    }
    result = decode_batch(p, lacking, n, true);
    for (int32_t k = 0; k < most && result == DONE; k++) {
        struct part one[ATTN_SESSION_SLOTS_MAX];
        int m = 0;
        for (int i = 0; i < n; i++)
            if (k < part[i].n - 1)
                one[m++] = (struct part){ part[i].slot, part[i].from + k, 1 };
        result = decode_batch(p, one, m, true);
    }
    return result;
}

/* Drafts that took more than one ubatch may have overwritten cells that only the drafts' windows no longer saw
 * (find_slot goes by the last position placed): rolled back, the slot lacks keys. A server with an ubatch shorter than its
 * drafts would go on and answer wrongly; here the slot begins anew. */
static void give_up_lost(struct attn_player *p, int slot)
{
    const struct session_cache *swa = &p->cache[SESSION_SWA];
    int32_t n = p->slot[slot].n, first = session_cache_first(swa, slot);
    if (swa->n_cells && n > 0 && (first < 0 || first > (n + 1 > swa->window ? n + 1 - swa->window : 0))) {
        truncate_slot(p, slot, 0);
        p->counts.refused++;
    }
}

/* server update_slots, with speculation: the sampled token and the drafts are one batch of the target; what was not
 * accepted is removed from all caches (seq_rm from n_past on). */
static bool draft(struct attn_player *p, const struct attn_session_event *e, bool all)
{
    int slot[ATTN_SESSION_SLOTS_MAX];
    struct part part[ATTN_SESSION_SLOTS_MAX];
    int n = 0, slots = slots_in_use(p, all, slot);
    for (int i = 0; i < slots; i++) {
        int32_t most = room(p, slot[i]) < e->n + 1 ? room(p, slot[i]) : e->n + 1;
        if (most == 0)
            continue;
        part[n] = (struct part){ slot[i], p->slot[slot[i]].n, most };
        if (part[n].from == 0)
            p->slot[slot[i]].request++;
        for (int32_t k = 0; k < most; k++)
            draw_token(p, slot[i]);
        n++;
    }
    enum result drafted = n > 0 ? run_drafter(p, part, n) : DONE;
    if (drafted == STOPPED)
        return false;
    int64_t refused = p->counts.refused;
    if (n > 0 && !evaluate(p, part, n))
        return false;
    for (int i = 0; i < n; i++) {
        int32_t accepted = part[i].from + 1 + (e->m < part[i].n - 1 ? e->m : part[i].n - 1);
        if (p->counts.refused == refused || accepted < p->slot[part[i].slot].n)
            truncate_slot(p, part[i].slot, accepted);
        give_up_lost(p, part[i].slot);
    }
    return true;
}

/* ---- Checkpoints and reuse --------------------------------------------------------------------------------------------- */

/* create_checkpoint: the state of the sliding-window cache alone (LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY); the oldest makes
 * room. A model without such layers needs none. */
static void save_checkpoint(struct attn_player *p, int slot)
{
    struct session_slot *s = &p->slot[slot];
    const struct session_cache *swa = &p->cache[SESSION_SWA];
    if (swa->n_cells == 0 || session_cache_first(swa, slot) < 0)
        return;
    int32_t first = session_cache_first(swa, slot), n = session_cache_last(swa, slot) + 1 - first;
    uint32_t *token = malloc((size_t)n * sizeof *token);
    if (!token)
        return;
    for (int32_t i = 0; i < n; i++)
        token[i] = s->token[first + i];
    if (s->n_checkpoints == SESSION_CHECKPOINTS_MAX)
        drop_checkpoint(s, 0);
    s->checkpoint[s->n_checkpoints++] = (struct session_checkpoint){ first, n, token };
}

/* llama_kv_cache::state_read of one sequence: its cells are given up, new ones are found and filled. False: there were no
 * cells, and the sequence is gone from this cache. */
static bool load_checkpoint(struct attn_player *p, int slot, const struct session_checkpoint *saved)
{
    struct session_cache *swa = &p->cache[SESSION_SWA];
    int stream = session_cache_stream(swa, slot);
    int32_t n = saved->n;
    int32_t *cell = malloc((size_t)n * 3 * sizeof *cell), *pos = cell ? cell + n : NULL, *of = cell ? pos + n : NULL;
    if (!cell)
        return false;
    session_cache_remove(swa, slot, 0, INT32_MAX);
    bool found = session_cache_find(swa, stream, n, cell);
    for (int32_t i = 0; i < n; i++) {
        pos[i] = saved->first + i;
        of[i] = slot;
    }
    if (found) {
        session_cache_place(swa, stream, n, cell, of, pos, saved->token);
        p->counts.restored++;
    } else {
        p->counts.refused++;
    }
    free(cell);
    return found;
}

/* server update_slots, a prompt's first n_past tokens are the slot's: with a window, the cache must still hold what the next
 * token sees (pos_min_thold), or the newest checkpoint that does is restored, or everything is evaluated again. Returns
 * how many tokens are kept. */
static int32_t keep_prefix(struct attn_player *p, int slot, int32_t n_past)
{
    struct session_slot *s = &p->slot[slot];
    const struct session_cache *swa = &p->cache[SESSION_SWA];
    if (swa->n_cells == 0 || n_past == 0)
        return n_past;
    int32_t threshold = n_past > swa->window ? n_past - swa->window : 0;
    int32_t first = session_cache_first(swa, slot);
    if (first >= 0 && first <= threshold)
        return n_past;
    for (int i = s->n_checkpoints - 1; i >= 0; i--) {
        const struct session_checkpoint *saved = &s->checkpoint[i];
        if (saved->first > threshold)
            continue;
        if (!load_checkpoint(p, slot, saved))
            return 0;
        return n_past < saved->first + saved->n ? n_past : saved->first + saved->n;
    }
    return 0;
}

static bool reuse(struct attn_player *p, int slot, const struct attn_session_event *e)
{
    struct session_slot *s = &p->slot[slot];
    int32_t prompt = e->n;
    if (prompt == 0) /* as many as make what the slot has the share that was asked for */
        prompt = e->m == 0 ? s->n : (int32_t)(((int64_t)s->n * 1000 + e->m - 1) / e->m);
    prompt = prompt < 1 ? 1 : prompt < p->s.cells ? prompt : p->s.cells;
    int32_t same = (int32_t)((int64_t)prompt * e->m / 1000);
    same = same < s->n ? same : s->n;
    int32_t kept = keep_prefix(p, slot, same);
    kept = kept == prompt ? kept - 1 : kept; /* the last token is evaluated again, for its logits */
    truncate_slot(p, slot, kept);
    s->request++;
    s->n = same; /* the prompt has these tokens, evaluated again or not */
    while (s->n < prompt)
        draw_token(p, slot);
    struct part part = { slot, kept, prompt - kept };
    return evaluate(p, &part, 1);
}

static void restore(struct attn_player *p, int slot)
{
    struct session_slot *s = &p->slot[slot];
    if (s->n_checkpoints == 0)
        return;
    const struct session_checkpoint *saved = &s->checkpoint[s->n_checkpoints - 1];
    int32_t n = saved->first + saved->n;
    truncate_slot(p, slot, load_checkpoint(p, slot, saved) ? n : 0);
}

/* server update_slots, context shift: half of what follows the first tokens is dropped, what is behind moves down. Caches of
 * different sizes cannot be shifted (llama_kv_cache_iswa::get_can_shift); a sliding-window cache may have given up cells that
 * the shift would bring back into the window, and is left alone from then on. */
static void shift(struct attn_player *p, int slot, int32_t keep)
{
    struct session_slot *s = &p->slot[slot];
    const struct session_cache *swa = &p->cache[SESSION_SWA];
    int32_t dropped = (s->n - keep) / 2;
    if (s->n <= keep || dropped == 0)
        return;
    if (swa->n_cells && (swa->n_cells != p->s.cells || s->n >= swa->window))
        return;
    if (swa->n_cells && session_cache_first(swa, slot) != 0) {
        p->counts.refused++;
        return;
    }
    for (int c = 0; c < SESSION_CACHE_COUNT; c++)
        if (p->cache[c].n_cells && session_cache_shares(&p->cache[c], slot))
            return;
    for (int c = 0; c < SESSION_CACHE_COUNT; c++)
        if (p->cache[c].n_cells) {
            session_cache_remove(&p->cache[c], slot, keep, keep + dropped);
            session_cache_shift(&p->cache[c], slot, keep + dropped, dropped);
        }
    memmove(s->token + keep, s->token + keep + dropped, (size_t)(s->n - keep - dropped) * sizeof *s->token);
    s->n -= dropped;
    while (s->n_checkpoints)
        drop_checkpoint(s, 0);
}

/* server: a task with several completions copies the parent's slot to the children (seq_cp). */
static void copy_slot(struct attn_player *p, int from, int to)
{
    if (from == to)
        return;
    truncate_slot(p, to, 0);
    for (int c = 0; c < SESSION_CACHE_COUNT; c++)
        if (p->cache[c].n_cells)
            session_cache_copy(&p->cache[c], from, to);
    memcpy(p->slot[to].token, p->slot[from].token, (size_t)p->slot[from].n * sizeof *p->slot[to].token);
    p->slot[to].n = p->slot[from].n;
    p->slot[to].request++;
}

static bool play_event(struct attn_player *p, const struct attn_session_event *e)
{
    int slot = p->current;
    switch (e->op) {
    case ATTN_SESSION_SLOT: p->current = e->n; return true;
    case ATTN_SESSION_PREFILL: return prefill(p, slot, e->n);
    case ATTN_SESSION_DECODE: return generate(p, e->n, false);
    case ATTN_SESSION_TOGETHER: return generate(p, e->n, true);
    case ATTN_SESSION_DRAFT: return draft(p, e, false);
    case ATTN_SESSION_DRAFTS: return draft(p, e, true);
    case ATTN_SESSION_CHECKPOINT: save_checkpoint(p, slot); return true;
    case ATTN_SESSION_RESTORE: restore(p, slot); return true;
    case ATTN_SESSION_REUSE: return reuse(p, slot, e);
    case ATTN_SESSION_COPY: copy_slot(p, slot, e->n); return true;
    case ATTN_SESSION_SHIFT: shift(p, slot, e->n); return true;
    case ATTN_SESSION_DEFRAG:
        for (int c = 0; c < SESSION_CACHE_COUNT; c++)
            if (p->cache[c].n_cells)
                session_cache_defrag(&p->cache[c]);
        return true;
    case ATTN_SESSION_CLEAR: truncate_slot(p, slot, 0); return true;
    default: return true;
    }
}

bool attn_player_play(struct attn_player *p, attn_session_visit *visit, void *context)
{
    p->visit = visit;
    p->context = context;
    for (int i = 0; i < p->s.n_events; i++) {
        p->at.event = i;
        for (int32_t k = 0; k == 0 || k < p->s.event[i].k; k++)
            if (!play_event(p, &p->s.event[i]))
                return false;
    }
    return true;
}
