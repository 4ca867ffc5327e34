/* play.h: what the parts of a player share: server.c plays events, batch.c makes steps of them,
 * emit.c the steps' problems; memory.c holds the caches' bytes, judge.c knows the logical history's
 * results.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SESSION_PLAY_H
#define ATTN_SESSION_PLAY_H

#include "fuzz/properties/runner.h"
#include "fuzz/session/cache.h"
#include "fuzz/session/session.h"

/* The caches of a player: of layers that see everything, of layers with a window, and the drafter's. */
enum session_cache_id { SESSION_FULL, SESSION_SWA, SESSION_DRAFTER, SESSION_CACHE_COUNT };
enum { SESSION_NO_CACHE = SESSION_CACHE_COUNT }; /* of a layer whose keys are there from the beginning */

/* The heads of a layer that a device has. */
struct session_share {
    int32_t first, n_head;        /* query heads */
    int32_t first_kv, n_head_kv;  /* n_head_kv 0: the device has none of them */
    int32_t row_first, row_heads; /* KV heads in a cell's row on the device: its own, or all */
};

/* The bytes of a layer's cache on a device: for each stream its cells, for each cell a row of KV heads. */
struct session_store {
    uint8_t *k, *v; /* v is NULL when V is a view of K */
    int64_t bytes_k, bytes_v;
    int32_t
        reached[ATTN_SESSION_SLOTS_MAX]; /* cells of each stream that have bytes: those behind nobody has looked at */
};

/* Bytes of a share's tensors. */
struct session_layout {
    int64_t head_k, head_v;     /* a head's part of a cell's row */
    int64_t cell_k, cell_v;     /* a cell's row */
    int64_t stream_k, stream_v; /* all cells of a stream */
    int64_t base_k, base_v;     /* before the first cell */
    int64_t own_k, own_v;       /* in a cell's row before the device's first head */
};

struct session_checkpoint {
    int32_t first, n;      /* positions first <= p < first + n */
    uint32_t *token, *age; /* of their keys */
};

enum { SESSION_CHECKPOINTS_MAX = 4, SESSION_CIRCLE = 1021 }; /* a prime: turns of all positions within it differ */

struct session_turn {
    float cosine, sine;
};

/* What a key's bytes go by. */
struct session_key {
    uint32_t token;
    int32_t pos;
    uint32_t age;
};

/* What a slot is to the server: its tokens, independent of any cache. */
struct session_slot {
    uint32_t *token; /* of each position; `cells` of them fit */
    uint32_t *age;   /* of their keys in the target's caches, then of those in the drafter's */
    int32_t n;
    uint32_t drawn; /* tokens made so far: new ones are a function of this count */
    int32_t request;
    int n_checkpoints;
    struct session_checkpoint checkpoint[SESSION_CHECKPOINTS_MAX]; /* oldest first */
};

/* The step at hand: `streams` streams from first_stream on with n / streams tokens each. */
struct session_ubatch {
    int32_t n;
    int first_stream, streams;
    int32_t *slot, *pos, *cell, *node; /* ubatch of each; node: of the slot's tree of drafts, -1: of none */
    uint32_t *token, *branches;
    int32_t end[ATTN_SESSION_SLOTS_MAX]; /* of a drafter that reads the target's cache: tokens of each slot in it */
};

/* Drafts that are a tree: token 0 is the sampled one, each other comes after its parent, in the order of their depths;
 * of those of one depth the ones that have a child come first. */
struct session_node {
    int32_t parent, depth;
    uint32_t token;
    uint32_t branches; /* a bit for each leaf that it leads to */
};
struct session_tree {
    int32_t root; /* position of token 0 */
    int32_t n, leaves;
    int32_t first[ATTN_SESSION_DRAFT_MAX + 2],
        open[ATTN_SESSION_DRAFT_MAX + 1]; /* of each depth: first node, parents */
    struct session_node node[ATTN_SESSION_DRAFT_MAX + 1];
};

struct session_hook {
    struct attn_player *player;
    int cache;
};

struct attn_player {
    struct attn_session s;
    bool data;
    struct session_cache cache[SESSION_CACHE_COUNT]; /* n_cells 0: there is none */
    struct session_hook hook[SESSION_CACHE_COUNT];
    int cache_of[ATTN_SESSION_LAYERS_MAX];
    struct session_share share[ATTN_SESSION_LAYERS_MAX][ATTN_SESSION_SPLIT_MAX];
    struct session_store store[ATTN_SESSION_LAYERS_MAX][ATTN_SESSION_SPLIT_MAX];
    struct session_slot slot[ATTN_SESSION_SLOTS_MAX];
    struct session_ubatch u;
    struct session_tree tree[ATTN_SESSION_SLOTS_MAX];
    int32_t kept[ATTN_SESSION_LAYERS_MAX]; /* widest mask of a drafter's layer so far */
    int32_t from[ATTN_SESSION_LAYERS_MAX]; /* the cell that the layer's view begins at, of the step at hand */
    float *row;                            /* a head's row while it is written */
    struct session_turn *circle;           /* SESSION_CIRCLE of them */
    struct session_ages ages;              /* of keys, with data */
    int current;                           /* slot that events are about */
    struct attn_session_counts counts;
    struct attn_session_at at;
    attn_session_visit *visit;
    void *context;
};

/* ---- tokens.c */

/* A slot's next token: a function of the seed, the slot and how many it had, whatever other slots do. */
uint32_t session_next_token(struct attn_player *p, int slot);
/* The slot has it. */
void session_draw_token(struct attn_player *p, int slot);
/* Tokens that a slot can still take. */
int32_t session_room(const struct attn_player *p, int slot);
/* The token that a slot has at a position, in a branch that node is in (-1: it has no tree). */
uint32_t session_token_of(const struct attn_player *p, int slot, int32_t node, int32_t pos);

/* ---- batch.c */

/* Tokens of a slot that are to be evaluated: positions from <= p < from + n, or such nodes of its tree. */
struct session_part {
    int slot;
    int32_t from, n;
    bool tree;
};

/* Who evaluates a batch: the target; the drafter, with a cache of its own; the drafter's layers that read the target's.
 */
enum session_who { SESSION_TARGET, SESSION_DRAFTS, SESSION_READS };

/* STOPPED: the visitor wants no more. REFUSED: there were no cells for some ubatch; what was placed stays. */
enum session_result { SESSION_STOPPED, SESSION_DONE, SESSION_REFUSED };

/* The slot keeps its first n tokens, in all caches, and the checkpoints of them. */
void session_truncate(struct attn_player *p, int slot, int32_t n);
void session_drop_checkpoint(struct session_slot *slot, int i);
/* The layer in whose cache a layer's K and V are: itself, or the one that it reads. */
static inline int session_kv_layer(const struct attn_player *p, int layer)
{
    return p->s.layer[layer].reads ? p->s.layer[layer].reads - 1 : layer;
}
/* The age of a token's keys in the caches of one who evaluates. */
static inline uint32_t *session_age_of(const struct attn_player *p, int slot, enum session_who who, int32_t pos)
{
    return &p->slot[slot].age[(who == SESSION_DRAFTS ? p->s.cells : 0) + pos];
}
/* Who has a layer? */
static inline enum session_who session_who_has(const struct attn_session_layer *l)
{
    return l->reads ? SESSION_READS : l->draft ? SESSION_DRAFTS : SESSION_TARGET;
}
/* One batch. Parts are in the order of the batch, one a slot; their numbers are changed.
 */
enum session_result session_decode(struct attn_player *p, struct session_part *part, int n, enum session_who who);
/* Evaluates the tokens that the target lacks of some slots; slots that could not be placed are cut to what they have.
 * False when the visitor wants no more. */
bool session_evaluate(struct attn_player *p, struct session_part *part, int n);

/* ---- tree.c */

/* Draws the slot's tree of up to n drafts and so many branches, behind what it has. */
void session_tree_grow(struct attn_player *p, int slot, int32_t n, int32_t branches);
/* One of its branches is accepted, at most so many drafts of it, and becomes what the slot has; or nothing of it. */
void session_tree_accept(struct attn_player *p, int slot, int32_t accepted);
void session_tree_refuse(struct attn_player *p, int slot);

/* ---- deal.c */

/* Needs the session alone. */
void session_share_of(const struct attn_session *session, int layer, int device, struct session_share *share);

/* ---- emit.c */

/* Rows of a layer's sequence in the step at hand: a stream's, or all of them where all see the same keys. */
static inline int32_t session_rows(const struct attn_player *p, int layer)
{
    return p->s.layer[layer].cross ? p->u.n : p->u.n / p->u.streams;
}

void session_layout_of(const struct attn_player *p, int layer, int share, struct session_layout *layout);
/* The problem of the step at hand; sets where its view begins, and widens what KEPT masks keep. */
void session_emit(struct attn_player *p, int layer, int share, bool draft, struct attn_problem *problem);

/* ---- memory.c */

bool session_memory_open(struct attn_player *p, int64_t max_bytes);
void session_memory_close(struct attn_player *p);
/* The cells that the problem at hand looks at have bytes. */
void session_memory_reach(struct attn_player *p, int layer, int share, int64_t n_kv);

/* ---- values.c */

bool session_values_open(struct attn_player *p);
void session_values_close(struct attn_player *p);

/* What a row holds: n values of a head (of all heads of the layer) for a token at a position. Values are in (-1, 1),
 * those of keys come out of twice that, turned. */
void session_row_q(const struct attn_player *p, int layer, int32_t head, uint32_t token, int32_t pos, float *row);
void session_row_k(const struct attn_player *p, int layer, int32_t head, uint32_t token, int32_t pos, float *row);
void session_row_v(const struct attn_player *p, int layer, int32_t head, uint32_t token, float *row);
/* Key i of those that are there from the beginning; what pads is 0. */
void session_cross_k(const struct attn_player *p, int layer, int32_t head, int32_t i, float *row);
void session_cross_v(const struct attn_player *p, int layer, int32_t head, int32_t i, float *row);
/* The bytes of a key that was computed, and those of one that is shifted where it is. */
void session_key_bytes(const struct attn_player *p, int layer, int32_t head, const struct session_key *key,
                       uint8_t *bytes);
void session_key_turn(const struct attn_player *p, int layer, int32_t by, uint8_t *bytes);
float session_sink(const struct attn_player *p, int layer, int32_t head);

/* ---- judge.c */

/* Rows of the step at hand that are of one slot, in one stream (counted from the step's first), at positions that
 * follow each other; of a tree of drafts each row is a run. */
struct session_run {
    int32_t stream, row, n, slot;
};
/* The run that begins at row `from` of a stream of the step; n is 0 past the last. */
struct session_run session_run_at(const struct attn_player *p, int layer, int32_t stream, int32_t from);
/* The references of all runs of the step at hand: a row each at most. Each is made from its slot's tokens alone; its
 * rows are 0..n-1, its dst has the strides of the problem's. */
struct session_references {
    int n;
    struct session_run run[ATTN_SESSION_UBATCH_MAX];
    struct attn_reference *reference[ATTN_SESSION_UBATCH_MAX];
};
/* Of a sample's rows, and the runs that these are in; NULL: of all. False when memory runs out; free what there is in
 * any case. */
bool session_references(const struct attn_player *p, const struct attn_session_at *at,
                        const struct attn_problem *problem, const struct attn_sample *sample,
                        struct session_references *all);
void session_references_free(struct session_references *all);
/* What a step's results are held against: a judgement sums up all rows, its place is one of the problem's. */
struct attn_expected session_expected(const struct session_references *all);

/* ---- check.c */

/* Told of each result of a kept plan that is right. */
typedef void session_answer(void *context, const struct attn_player *player, const struct attn_session_at *at,
                            const struct attn_problem *problem, const struct session_references *references,
                            const struct attn_plan *plan, const void *dst);

/* attn_session_run; the player as the session left it goes to *left, if that is not NULL (NULL: memory ran out). */
bool session_check(const struct attn_session *session, const struct attn_session_options *options,
                   session_answer *answer, void *context, struct attn_session_outcome *outcome,
                   struct attn_session_finding *finding, struct attn_player **left);

#endif
