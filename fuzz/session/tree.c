/* tree.c: drafts that are trees: several continuations of a slot's tokens, verified in one batch, in which a token sees
 * those that it comes after and not what lies beside it. See play.h.
 *
 * The rules are those of llama.cpp's examples/speculative (-np, --draft-p-split): a branch is a sequence, a token
 * belongs to all branches that it leads to, tokens of one depth have one position. What a tree looks like is drawn.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "fuzz/session/play.h"
#include "planner/hash.h"

/* A tree of n tokens in the order in which they are drawn: each comes behind a leaf, or, as long as there are fewer
 * branches than wanted, beside what comes behind any token. */
struct shape {
    int32_t n, parent[ATTN_SESSION_DRAFT_MAX + 1], depth[ATTN_SESSION_DRAFT_MAX + 1],
        children[ATTN_SESSION_DRAFT_MAX + 1];
};

static void draw_shape(struct shape *s, int32_t n, int32_t branches, int32_t deepest, uint64_t state)
{
    int32_t leaves = 1;
    memset(s, 0, sizeof *s);
    s->n = 1;
    for (int32_t tries = 0; s->n < n && tries < 4 * n; tries++) {
        const int32_t parent = (int32_t)attn_random_below(&state, (uint64_t)s->n);
        const bool forks = s->children[parent] > 0;
        if (s->depth[parent] == deepest || (forks && leaves == branches))
            continue;
        leaves += forks;
        s->children[parent]++;
        s->parent[s->n] = parent;
        s->depth[s->n++] = s->depth[parent] + 1;
    }
}

/* In the order of a batch: by depth, of one depth those that have a child first. */
static void put_in_order(const struct shape *s, struct session_tree *t)
{
    int32_t at[ATTN_SESSION_DRAFT_MAX + 1];
    t->n = 0;
    for (int32_t depth = 0; depth <= ATTN_SESSION_DRAFT_MAX; depth++) {
        t->first[depth] = t->n;
        t->open[depth] = 0;
        for (int leaf = 0; leaf < 2; leaf++)
            for (int32_t i = 0; i < s->n; i++) {
                if (s->depth[i] != depth || (s->children[i] == 0) != leaf)
                    continue;
                t->open[depth] += !leaf;
                at[i] = t->n;
                t->node[t->n++] = (struct session_node){ .parent = i ? at[s->parent[i]] : -1, .depth = depth };
            }
    }
    t->first[ATTN_SESSION_DRAFT_MAX + 1] = t->n;
}

void session_tree_grow(struct attn_player *p, int slot, int32_t n, int32_t branches)
{
    struct session_tree *t = &p->tree[slot];
    struct shape shape;
    t->root = p->slot[slot].n;
    /* As deep as there are positions left. */
    draw_shape(&shape, n + 1, branches, session_room(p, slot) - 1,
               attn_hash_u64(p->s.seed, ~((uint64_t)slot << 32 | p->slot[slot].drawn)));
    put_in_order(&shape, t);
    t->leaves = 0;
    for (int32_t i = t->n - 1; i >= 0; i--) {
        struct session_node *node = &t->node[i];
        if (node->branches == 0)
            node->branches = 1u << t->leaves++;
        if (node->parent >= 0)
            t->node[node->parent].branches |= node->branches;
    }
    for (int32_t i = 0; i < t->n; i++)
        t->node[i].token = session_next_token(p, slot);
    for (int c = 0; c < SESSION_CACHE_COUNT; c++)
        if (p->cache[c].n_cells)
            session_cache_plant(&p->cache[c], slot, t->root);
}

static void settle(struct attn_player *p, int slot, uint32_t branches, int32_t end)
{
    for (int c = 0; c < SESSION_CACHE_COUNT; c++)
        if (p->cache[c].n_cells)
            session_cache_settle(&p->cache[c], slot, branches, end);
}

void session_tree_refuse(struct attn_player *p, int slot) { settle(p, slot, 0, 0); }

void session_tree_accept(struct attn_player *p, int slot, int32_t accepted)
{
    const struct session_tree *t = &p->tree[slot];
    struct session_slot *s = &p->slot[slot];
    const uint64_t drawn = attn_hash_u64(p->s.seed + 1, (uint64_t)slot << 32 | s->drawn);
    const uint32_t branch = 1u << drawn % (uint64_t)t->leaves;
    for (int32_t i = 0; i < t->n; i++) {
        const struct session_node *node = &t->node[i];
        if (!(node->branches & branch) || node->depth > accepted)
            continue;
        s->n = t->root + node->depth + 1;
        s->token[s->n - 1] = node->token;
        *session_age_of(p, slot, SESSION_TARGET, s->n - 1) = *session_age_of(p, slot, SESSION_DRAFTS, s->n - 1) = 0;
    }
    settle(p, slot, branch, s->n);
}
