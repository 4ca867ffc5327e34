/* cache.h: the cells of a KV cache: which cell holds which token of which sequence. Part of sessions; what
 * the cells' bytes are is memory.c's.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SESSION_CACHE_H
#define ATTN_SESSION_CACHE_H

#include "fuzz/session/ages.h"
#include "fuzz/session/session.h"

/* One cell. Several sequences can hold it (a shared prefix): bit s of `slots` is slot s. */
struct session_cell {
    int32_t pos; /* -1: empty */
    uint32_t slots;
    uint32_t token;
    uint32_t branches; /* of a tree of drafts that is being verified: those that it is in; 0: not of a tree */
    uint32_t age;      /* of its key (ages.h) */
};

/* A stream: cells in which sequences are placed; all slots in one (unified), or one for each slot. */
struct session_stream {
    struct session_cell *cell;
    int32_t head;    /* where the search for cells begins */
    int32_t used;    /* cells that are not empty */
    int32_t end;     /* index past the last used cell */
    uint64_t layout; /* of index and position of all used cells: equal streams have equal ones */
    int32_t first[ATTN_SESSION_SLOTS_MAX], last[ATTN_SESSION_SLOTS_MAX]; /* positions held of a slot, -1: none */
};

/* What the owner of the cells' bytes is told. NULL functions are not called. */
struct session_cache_hooks {
    void (*written)(void *context, int stream, int32_t cell); /* holds pos and token now */
    void (*freed)(void *context, int stream, int32_t cell);   /* is empty now: its bytes are stale */
    void (*copied)(void *context, int from_stream, int32_t from, int to_stream, int32_t to);
    void (*shifted)(void *context, int stream, int32_t cell, int32_t by); /* its position is smaller by so much */
    void *context;
};

struct session_cache {
    int32_t n_cells; /* of a stream */
    int n_streams, n_slots;
    int32_t window;                       /* 0: none */
    int32_t root[ATTN_SESSION_SLOTS_MAX]; /* position at which a slot's tree begins, -1: it has none */
    struct session_ages *ages;            /* NULL: keys have none */
    struct session_stream stream[ATTN_SESSION_SLOTS_MAX];
    struct session_cache_hooks hooks;
};

bool session_cache_open(struct session_cache *cache, int32_t n_cells, int n_streams, int n_slots, int32_t window);
void session_cache_close(struct session_cache *cache);

int session_cache_stream(const struct session_cache *cache, int slot);
/* Smallest and largest position that a slot has in the cache; -1: none. */
int32_t session_cache_first(const struct session_cache *cache, int slot);
int32_t session_cache_last(const struct session_cache *cache, int slot);

/* Is position p0 outside of the window of a query at p1? */
bool session_cache_masked(const struct session_cache *cache, int32_t p0, int32_t p1);

/* Finds n cells in a stream; false when there are not so many to be had. */
bool session_cache_find(const struct session_cache *cache, int stream, int32_t n, int32_t *cell);
/* Tokens on their way into cells. */
struct session_tokens {
    const int32_t *slot, *pos;
    const uint32_t *token, *branches, *age; /* NULL branches, age: 0 */
};
/* Places n tokens there. */
void session_cache_place(struct session_cache *cache, int stream, int32_t n, const int32_t *cell,
                         const struct session_tokens *tokens);
/* From here on the slot's tokens are those of a tree, from a position on. */
void session_cache_plant(struct session_cache *cache, int slot, int32_t root);
/* Of the slot's tree what is in one of the branches and before position `end` stays; the others are given up. */
void session_cache_settle(struct session_cache *cache, int slot, uint32_t branches, int32_t end);
/* The slot gives up positions from <= p < to. */
void session_cache_remove(struct session_cache *cache, int slot, int32_t from, int32_t to);
/* Slot `to`, which must be empty, gets all positions of slot `from`. */
void session_cache_copy(struct session_cache *cache, int from, int to);
/* Positions from <= p of the slot, which shares no cell, become p - by. */
void session_cache_shift(struct session_cache *cache, int slot, int32_t from, int32_t by);
/* Cells in use move from the end into holes. */
void session_cache_defrag(struct session_cache *cache);
/* Does another slot hold one of this slot's cells? */
bool session_cache_shares(const struct session_cache *cache, int slot);

/* Cells that attention of the streams first <= s < end has to look at, padded as servers do. */
int32_t session_cache_n_kv(const struct session_cache *cache, int first, int end, int32_t pad);

#endif
