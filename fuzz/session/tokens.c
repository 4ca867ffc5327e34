/* tokens.c: the tokens of a slot: which comes next, and which it has. See play.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/session/play.h"
#include "planner/hash.h"

uint32_t session_next_token(struct attn_player *p, int slot)
{
    return (uint32_t)(attn_hash_u64(p->s.seed, (uint64_t)slot << 32 | p->slot[slot].drawn++) >> 32);
}

void session_draw_token(struct attn_player *p, int slot)
{
    struct session_slot *s = &p->slot[slot];
    s->token[s->n++] = session_next_token(p, slot);
}

int32_t session_room(const struct attn_player *p, int slot) { return p->s.cells - p->slot[slot].n; }

uint32_t session_token_of(const struct attn_player *p, int slot, int32_t node, int32_t pos)
{
    const struct session_tree *t = &p->tree[slot];
    if (node < 0 || pos < t->root)
        return p->slot[slot].token[pos];
    while (t->node[node].depth > pos - t->root)
        node = t->node[node].parent;
    return t->node[node].token;
}
