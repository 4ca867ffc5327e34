/* server.c: a server's slots: what each event does. See session.h.
 *
 * The rules are those of llama.cpp: tools/server/server-context.cpp (examples/server/server.cpp before) for slots and
 * checkpoints, common/speculative.cpp for drafts; the function is named at each.
 *
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "fuzz/session/play.h"
#include "planner/arith.h"

/* ---- Events ---------------------------------------------------------------------------------------------- */

static bool prefill(struct attn_player *p, int slot, int32_t n)
{
    struct session_part part = { slot, p->slot[slot].n, 0, false };
    n = n < session_room(p, slot) ? n : session_room(p, slot);
    if (part.from == 0)
        p->slot[slot].request++;
    for (; part.n < n; part.n++)
        session_draw_token(p, slot);
    return session_evaluate(p, &part, 1);
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
        struct session_part part[ATTN_SESSION_SLOTS_MAX];
        int n = 0, slots = slots_in_use(p, all, slot);
        for (int i = 0; i < slots; i++) {
            if (session_room(p, slot[i]) == 0)
                continue;
            part[n++] = (struct session_part){ slot[i], p->slot[slot[i]].n, 1, false };
            if (p->slot[slot[i]].n == 0)
                p->slot[slot[i]].request++;
            session_draw_token(p, slot[i]);
        }
        int64_t refused = p->counts.refused;
        if (n > 0 && !session_evaluate(p, part, n))
            return false;
        if (n == 0 || p->counts.refused > refused)
            break;
    }
    return true;
}

/* The position of the sampled token of a slot that drafts. */
static int32_t begin_of(const struct attn_player *p, const struct session_part *part)
{
    return part->tree ? p->tree[part->slot].root : part->from;
}

/* What the drafter evaluates in its step k: a token, or those of a tree's depth k that others come after. */
static struct session_part step_of(const struct attn_player *p, const struct session_part *part, int32_t k)
{
    const struct session_tree *tree = &p->tree[part->slot];
    if (part->tree)
        return (struct session_part){ part->slot, tree->first[k], tree->open[k], true };
    return (struct session_part){ part->slot, part->from + k, k < part->n - 1, false };
}

/* One token, or depth, a step of each slot that drafts. A slot whose first token this is has nothing that could be
 * read. */
static enum session_result draft_steps(struct attn_player *p, const struct session_part *part, int n,
                                       enum session_who who)
{
    enum session_result result = SESSION_DONE;
    for (int32_t k = 0; k < ATTN_SESSION_DRAFT_MAX && result == SESSION_DONE; k++) {
        struct session_part one[ATTN_SESSION_SLOTS_MAX];
        int m = 0;
        for (int i = 0; i < n; i++) {
            p->u.end[part[i].slot] = begin_of(p, &part[i]);
            one[m] = step_of(p, &part[i], k);
            m += one[m].n > 0 && (who != SESSION_READS || begin_of(p, &part[i]) > 0);
        }
        if (m == 0)
            break;
        result = session_decode(p, one, m, who);
    }
    return result;
}

/* common_speculative_impl_draft_mtp: a drafter with a cache of its own first evaluates the tokens it lacks, then drafts
 * one token a step, each step over what it has drafted. One that reads the target's (is_mem_shared: Gemma 4's
 * assistant) evaluates nothing before and writes nothing: each of its tokens is at the position of the first. */
static enum session_result run_drafter(struct attn_player *p, const struct session_part *part, int n)
{
    struct session_part lacking[ATTN_SESSION_SLOTS_MAX];
    enum session_result result = SESSION_DONE;
    for (int i = 0; i < n && p->cache[SESSION_DRAFTER].n_cells; i++) {
        int32_t from = session_cache_last(&p->cache[SESSION_DRAFTER], part[i].slot) + 1;
        lacking[i] = (struct session_part){ part[i].slot, from, begin_of(p, &part[i]) - from, false };
    }
    if (p->cache[SESSION_DRAFTER].n_cells)
        result = session_decode(p, lacking, n, SESSION_DRAFTS);
    if (p->cache[SESSION_DRAFTER].n_cells && result == SESSION_DONE)
        result = draft_steps(p, part, n, SESSION_DRAFTS);
    return result == SESSION_STOPPED ? result : draft_steps(p, part, n, SESSION_READS);
}

/* Drafts that took more than one ubatch may have overwritten cells that only the drafts' windows no longer saw
 * (find_slot goes by the last position placed): rolled back, the slot lacks keys. A server with an ubatch shorter than
 * its drafts would go on and answer wrongly; here the slot begins anew. */
static void give_up_lost(struct attn_player *p, int slot)
{
    const struct session_cache *swa = &p->cache[SESSION_SWA];
    int32_t n = p->slot[slot].n, first = session_cache_first(swa, slot);
    if (swa->n_cells && n > 0 && (first < 0 || first > (n + 1 > swa->window ? n + 1 - swa->window : 0))) {
        session_truncate(p, slot, 0);
        p->counts.refused++;
    }
}

/* The sampled token and the drafted ones of each slot that has room; returns how many parts there are. */
static int draw_drafts(struct attn_player *p, const int *slot, int slots, const struct attn_session_event *e,
                       struct session_part *part)
{
    int n = 0;
    for (int i = 0; i < slots; i++) {
        const int32_t room = session_room(p, slot[i]), most = room < e->drafted + 1 ? room : e->drafted + 1;
        if (most == 0)
            continue;
        if (p->slot[slot[i]].n == 0)
            p->slot[slot[i]].request++;
        part[n] = (struct session_part){ slot[i], p->slot[slot[i]].n, most, e->branches > 1 && e->drafted > 0 };
        if (part[n].tree) {
            session_tree_grow(p, slot[i], e->drafted, e->branches);
            part[n].from = 0;
            part[n].n = p->tree[slot[i]].n;
        }
        for (int32_t k = 0; k < most && !part[n].tree; k++)
            session_draw_token(p, slot[i]);
        n++;
    }
    return n;
}

/* What was not accepted is removed from all caches (seq_rm from n_past on); `refused`: so was the batch. */
static void roll_back(struct attn_player *p, const struct session_part *part, int n, int32_t accept, bool refused)
{
    for (int i = 0; i < n; i++) {
        int32_t accepted = part[i].from + 1 + (accept < part[i].n - 1 ? accept : part[i].n - 1);
        if (part[i].tree && !refused)
            session_tree_accept(p, part[i].slot, accept);
        else if (part[i].tree)
            session_tree_refuse(p, part[i].slot);
        else if (!refused || accepted < p->slot[part[i].slot].n)
            session_truncate(p, part[i].slot, accepted);
        give_up_lost(p, part[i].slot);
    }
}

/* server update_slots, with speculation: the sampled token and the drafts are one batch of the target. */
static bool draft(struct attn_player *p, const struct attn_session_event *e, bool all)
{
    int slot[ATTN_SESSION_SLOTS_MAX];
    struct session_part part[ATTN_SESSION_SLOTS_MAX];
    int n = draw_drafts(p, slot, slots_in_use(p, all, slot), e, part);
    if (n > 0 && run_drafter(p, part, n) == SESSION_STOPPED)
        return false;
    int64_t refused = p->counts.refused;
    if (n > 0 && !session_evaluate(p, part, n))
        return false;
    roll_back(p, part, n, e->accepted, p->counts.refused != refused);
    return true;
}

/* server update_slots: the batch has the sampled tokens (and drafts) of the slots that generate first, then, as many as
 * it still takes, those of a slot's prompt. Here a batch is an ubatch, or a prompt token more than what generates. */
static bool mixed(struct attn_player *p, const struct attn_session_event *e)
{
    const int own = p->current;
    int32_t left = e->tokens < session_room(p, own) ? e->tokens : session_room(p, own);
    if (left > 0 && p->slot[own].n == 0)
        p->slot[own].request++;
    while (left > 0) {
        struct session_part part[ATTN_SESSION_SLOTS_MAX];
        int slot[ATTN_SESSION_SLOTS_MAX], slots = 0;
        for (int i = 0; i < p->s.slots; i++)
            if (i != own && p->slot[i].n > 0)
                slot[slots++] = i;
        const int n = draw_drafts(p, slot, slots, e, part);
        if (n > 0 && e->drafted && run_drafter(p, part, n) == SESSION_STOPPED)
            return false;
        int32_t taken = p->s.ubatch;
        for (int i = 0; i < n; i++)
            taken -= part[i].n;
        taken = taken < 1 ? 1 : taken < left ? taken : left;
        part[n] = (struct session_part){ own, p->slot[own].n, taken, false };
        for (int32_t k = 0; k < taken; k++)
            session_draw_token(p, own);
        const int64_t refused = p->counts.refused;
        if (!session_evaluate(p, part, n + 1))
            return false;
        const bool was_refused = p->counts.refused != refused;
        roll_back(p, part, n, e->accepted, was_refused);
        if (was_refused)
            break;
        left -= taken;
    }
    return true;
}

/* ---- Checkpoints and reuse ------------------------------------------------------------------------------- */

/* create_checkpoint: the state of the sliding-window cache alone (LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY); the oldest makes
 * room. A model without such layers needs none. */
static void save_checkpoint(struct attn_player *p, int slot)
{
    struct session_slot *s = &p->slot[slot];
    const struct session_cache *swa = &p->cache[SESSION_SWA];
    if (swa->n_cells == 0 || session_cache_first(swa, slot) < 0)
        return;
    int32_t first = session_cache_first(swa, slot), n = session_cache_last(swa, slot) + 1 - first;
    uint32_t *token = malloc(2 * (size_t)n * sizeof *token), *age = token ? token + n : NULL;
    if (!token)
        return;
    for (int32_t i = 0; i < n; i++) {
        token[i] = s->token[first + i];
        age[i] = *session_age_of(p, slot, SESSION_TARGET, first + i);
    }
    if (s->n_checkpoints == SESSION_CHECKPOINTS_MAX)
        session_drop_checkpoint(s, 0);
    s->checkpoint[s->n_checkpoints++] = (struct session_checkpoint){ first, n, token, age };
}

/* llama_kv_cache::state_read of one sequence: its cells are given up, new ones are found and filled. False: there were
 * no cells, and the sequence is gone from this cache. */
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
        const struct session_tokens tokens = { of, pos, saved->token, NULL, saved->age };
        session_cache_place(swa, stream, n, cell, &tokens);
        p->counts.restored++;
    } else {
        p->counts.refused++;
    }
    free(cell);
    return found;
}

/* server update_slots, a prompt's first n_past tokens are the slot's: with a window, the cache must still hold what the
 * next token sees (pos_min_thold), or the newest checkpoint that does is restored, or everything is evaluated again.
 * Returns how many tokens are kept. */
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
    int32_t prompt = e->prompt;
    if (prompt == 0) /* as many as make what the slot has the share that was asked for */
        prompt = e->share == 0 ? s->n : (int32_t)attn_ceil_div((int64_t)s->n * 1000, e->share);
    prompt = prompt < 1 ? 1 : prompt < p->s.cells ? prompt : p->s.cells;
    int32_t same = (int32_t)((int64_t)prompt * e->share / 1000);
    same = same < s->n ? same : s->n;
    int32_t kept = keep_prefix(p, slot, same);
    kept = kept == prompt ? kept - 1 : kept; /* the last token is evaluated again, for its logits */
    session_truncate(p, slot, kept);
    s->request++;
    s->n = same; /* the prompt has these tokens, evaluated again or not */
    while (s->n < prompt)
        session_draw_token(p, slot);
    struct session_part part = { slot, kept, prompt - kept, false };
    return session_evaluate(p, &part, 1);
}

static void restore(struct attn_player *p, int slot)
{
    struct session_slot *s = &p->slot[slot];
    if (s->n_checkpoints == 0)
        return;
    const struct session_checkpoint *saved = &s->checkpoint[s->n_checkpoints - 1];
    int32_t n = saved->first + saved->n;
    session_truncate(p, slot, load_checkpoint(p, slot, saved) ? n : 0);
}

/* server update_slots, context shift: half of what follows the first tokens is dropped, what is behind moves down.
 * Caches of different sizes cannot be shifted (llama_kv_cache_iswa::get_can_shift); a sliding-window cache may have
 * given up cells that the shift would bring back into the window, and is left alone from then on. */
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
    s->n -= dropped;
    memmove(s->token + keep, s->token + keep + dropped, (size_t)(s->n - keep) * sizeof *s->token);
    for (int32_t pos = keep; pos < s->n && p->data; pos++)
        for (int who = SESSION_TARGET; who <= SESSION_DRAFTS; who++)
            *session_age_of(p, slot, who, pos) =
                session_ages_after(&p->ages, *session_age_of(p, slot, who, pos + dropped), dropped);
    while (s->n_checkpoints)
        session_drop_checkpoint(s, 0);
}

/* server: a task with several completions copies the parent's slot to the children (seq_cp). */
static void copy_slot(struct attn_player *p, int from, int to)
{
    if (from == to)
        return;
    session_truncate(p, to, 0);
    for (int c = 0; c < SESSION_CACHE_COUNT; c++)
        if (p->cache[c].n_cells)
            session_cache_copy(&p->cache[c], from, to);
    memcpy(p->slot[to].token, p->slot[from].token, (size_t)p->slot[from].n * sizeof *p->slot[to].token);
    memcpy(p->slot[to].age, p->slot[from].age, 2 * (size_t)p->s.cells * sizeof *p->slot[to].age);
    p->slot[to].n = p->slot[from].n;
    p->slot[to].request++;
}

static bool play_event(struct attn_player *p, const struct attn_session_event *e)
{
    int slot = p->current;
    switch (e->op) {
    case ATTN_SESSION_SLOT: p->current = e->slot; return true;
    case ATTN_SESSION_PREFILL: return prefill(p, slot, e->tokens);
    case ATTN_SESSION_DECODE: return generate(p, e->tokens, false);
    case ATTN_SESSION_TOGETHER: return generate(p, e->tokens, true);
    case ATTN_SESSION_DRAFT: return draft(p, e, false);
    case ATTN_SESSION_DRAFTS: return draft(p, e, true);
    case ATTN_SESSION_MIXED: return mixed(p, e);
    case ATTN_SESSION_CHECKPOINT: save_checkpoint(p, slot); return true;
    case ATTN_SESSION_RESTORE: restore(p, slot); return true;
    case ATTN_SESSION_REUSE: return reuse(p, slot, e);
    case ATTN_SESSION_COPY: copy_slot(p, slot, e->slot); return true;
    case ATTN_SESSION_SHIFT: shift(p, slot, e->keep); return true;
    case ATTN_SESSION_DEFRAG:
        for (int c = 0; c < SESSION_CACHE_COUNT; c++)
            if (p->cache[c].n_cells)
                session_cache_defrag(&p->cache[c]);
        return true;
    case ATTN_SESSION_CLEAR: session_truncate(p, slot, 0); return true;
    default: return true;
    }
}

bool attn_player_play(struct attn_player *p, attn_session_visit *visit, void *context)
{
    p->visit = visit;
    p->context = context;
    for (int i = 0; i < p->s.n_events; i++) {
        p->at.event = i;
        for (int32_t k = 0; k == 0 || k < p->s.event[i].times; k++)
            if (!play_event(p, &p->s.event[i]))
                return false;
    }
    return true;
}
