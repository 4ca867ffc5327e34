/* session.h: sessions of a server: the events of its slots, turned into attention problems by a model of a
 * llama.cpp-like KV cache and scheduler. Real shapes come from histories: a slot reused, a checkpoint restored, drafts
 * rolled back.
 *
 * A session is data: the server (layers, cache, policies) and its events. It is read from and printed as a script,
 * decoded from any bytes, and played: each ubatch is a *step*, and each step is one problem for each kind of layer and
 * each device that the heads are split over. Playing with data keeps the bytes of every cache as a server would have
 * them, and beside them the *logical* history: which tokens each sequence holds. Keys and values are known functions of
 * (token, position), so that a step's result can be judged by a reference that never sees the cache.
 *
 * What real servers do, and where, is cited at each rule in cache.c, batch.c, server.c and emit.c.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SESSION_H
#define ATTN_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/attn_backend.h"
#include "planner/attn_planner.h"
#include "fuzz/properties/properties.h"

/* ---- The session as data --------------------------------------------------------------------------------- */

/* A macro, for messages. */
#define ATTN_SESSION_EVENTS_MAX 512
#define ATTN_SESSION_DIGITS(number) ATTN_SESSION_DIGITS_(number)
#define ATTN_SESSION_DIGITS_(number) #number

enum {
    ATTN_SESSION_LAYERS_MAX = 4,
    ATTN_SESSION_SLOTS_MAX = 8,
    ATTN_SESSION_SPLIT_MAX = 8,
    ATTN_SESSION_CELLS_MAX = 65536,
    ATTN_SESSION_CROSS_PAD = 256, /* keys that are there from the beginning are padded to a multiple of it */
    ATTN_SESSION_UBATCH_MAX = 2048,
    ATTN_SESSION_UBATCH = 512, /* where a script does not say */
    ATTN_SESSION_HEADS_MAX = 1024,
    ATTN_SESSION_HEAD_SIZE_MAX = 2048,
    ATTN_SESSION_DRAFT_MAX = 64,    /* tokens of a draft */
    ATTN_SESSION_BRANCHES_MAX = 32, /* of one that is a tree */
    ATTN_SESSION_NAME_MAX = 16,     /* bytes of a layer's name, with its end */
    ATTN_SESSION_TEXT_MAX = 1 << 16 /* bytes of a script */
};

/* One kind of layer: all layers of a model that have the same shapes. */
struct attn_session_layer {
    char name[ATTN_SESSION_NAME_MAX];
    int32_t d_k, d_v, n_head, n_head_kv; /* of the whole layer, all devices together */
    uint8_t type_k, type_v;              /* enum attn_type */
    uint8_t view;                        /* 1: V is a view of K's first d_v elements (MLA) */
    uint8_t draft;                       /* 1: the drafter's, with a cache of its own */
    uint8_t sinks;                       /* 1: a sink a head */
    uint8_t reads;  /* 1 + index of the target's layer whose K and V the drafter's reads; 0: none */
    int32_t cross;  /* keys that are there from the beginning, all seen by all; 0: the cache's */
    int32_t window; /* keys a query sees, itself included; 0: all before it */
    float scale, softcap, max_bias;
};

/* X(NAME, name, meaning): how wide the mask is. */
#define ATTN_SESSION_MASKS(X)                               \
    X(EXACT, exact, "as wide as n_kv")                      \
    X(PADDED, padded, "n_kv rounded up to a multiple of N") \
    X(KEPT, kept, "a drafter's reused graph keeps the widest mask it had; others are exact")

enum attn_session_mask {
#define X(NAME, name, text) ATTN_SESSION_MASK_##NAME,
    ATTN_SESSION_MASKS(X)
#undef X
        ATTN_SESSION_MASK_COUNT
};

/* X(NAME, name, meaning): how heads are dealt out to the devices of a split. */
#define ATTN_SESSION_DEALS(X)                                                                               \
    X(DOWN, down, "whole KV heads, bounds rounded down; of a single KV head its query heads")               \
    X(NEAREST, nearest, "the same, each device's number of heads rounded to the nearest")                   \
    X(SINGLE, single, "bounds rounded down; a single KV head is on one device, with all its query heads")   \
    X(REPEATED, repeated, "with more devices than KV heads several have one, its query heads between them") \
    X(MIRRORED, mirrored, "as down; each device has the rows of all KV heads, and views of its own in them")

enum attn_session_deal {
#define X(NAME, name, text) ATTN_SESSION_DEAL_##NAME,
    ATTN_SESSION_DEALS(X)
#undef X
        ATTN_SESSION_DEAL_COUNT
};

/* X(NAME, name, operands of its statement, meaning). Amounts are tokens unless said. */
#define ATTN_SESSION_OPS(X)                                                                                     \
    X(SLOT, slot, "N", "the events after it are about slot N")                                                  \
    X(PREFILL, prefill, "N", "N new tokens of a prompt, in ubatches")                                           \
    X(DECODE, decode, "N", "N tokens, one a step")                                                              \
    X(MIXED, mixed, "N [draft K accept M [branches B]]",                                                        \
      "N tokens of a prompt, in ubatches that have a token or draft of each other slot")                        \
    X(TOGETHER, together, "N", "N steps that decode one token of every slot in use")                            \
    X(DRAFT, draft, "N accept M [branches B] [times K]",                                                        \
      "N drafted tokens, a chain or a tree, verified in one batch, M of them accepted")                         \
    X(DRAFTS, drafts, "N accept M [branches B] [times K]", "the same for every slot in use, in one batch")      \
    X(CHECKPOINT, checkpoint, "", "saves the slot's part of the sliding-window cache")                          \
    X(RESTORE, restore, "", "back to the slot's last checkpoint")                                               \
    X(REUSE, reuse, "lcp=SHARE [prompt=N]", "a request whose first tokens, SHARE of its N, are the slot's own") \
    X(COPY, copy, "N", "slot N becomes a copy of this one")                                                     \
    X(SHIFT, shift, "keep=N", "half of what follows the first N tokens is dropped, the rest moves down")        \
    X(DEFRAG, defrag, "", "cells in use move into holes before them")                                           \
    X(CLEAR, clear, "", "the slot forgets its tokens")

enum attn_session_op {
#define X(NAME, name, operands, text) ATTN_SESSION_##NAME,
    ATTN_SESSION_OPS(X)
#undef X
        ATTN_SESSION_OP_COUNT
};

/* X(NAME, field, least, most): the fields that an event of an op has; the others are 0. */
#define ATTN_SESSION_FIELDS(X)                        \
    X(SLOT, slot, 0, ATTN_SESSION_SLOTS_MAX - 1)      \
    X(PREFILL, tokens, 1, ATTN_SESSION_CELLS_MAX)     \
    X(DECODE, tokens, 1, ATTN_SESSION_CELLS_MAX)      \
    X(MIXED, tokens, 1, ATTN_SESSION_CELLS_MAX)       \
    X(MIXED, drafted, 0, ATTN_SESSION_DRAFT_MAX)      \
    X(MIXED, accepted, 0, ATTN_SESSION_DRAFT_MAX)     \
    X(MIXED, branches, 0, ATTN_SESSION_BRANCHES_MAX)  \
    X(TOGETHER, tokens, 1, ATTN_SESSION_CELLS_MAX)    \
    X(DRAFT, drafted, 1, ATTN_SESSION_DRAFT_MAX)      \
    X(DRAFT, accepted, 0, ATTN_SESSION_DRAFT_MAX)     \
    X(DRAFT, branches, 0, ATTN_SESSION_BRANCHES_MAX)  \
    X(DRAFT, times, 0, ATTN_SESSION_CELLS_MAX)        \
    X(DRAFTS, drafted, 1, ATTN_SESSION_DRAFT_MAX)     \
    X(DRAFTS, accepted, 0, ATTN_SESSION_DRAFT_MAX)    \
    X(DRAFTS, branches, 0, ATTN_SESSION_BRANCHES_MAX) \
    X(DRAFTS, times, 0, ATTN_SESSION_CELLS_MAX)       \
    X(REUSE, prompt, 0, ATTN_SESSION_CELLS_MAX)       \
    X(REUSE, share, 0, 1000)                          \
    X(COPY, slot, 0, ATTN_SESSION_SLOTS_MAX - 1)      \
    X(SHIFT, keep, 0, ATTN_SESSION_CELLS_MAX)

struct attn_session_event {
    int32_t op;       /* enum attn_session_op */
    int32_t slot;     /* the one that events are about from here on; that becomes a copy */
    int32_t tokens;   /* of a prompt; one a step */
    int32_t drafted;  /* tokens, */
    int32_t accepted; /* so many of them, */
    int32_t branches; /* in a tree of so many; 0 and 1: one after the other */
    int32_t times;    /* so often; 0 is once */
    int32_t prompt;   /* tokens; 0: as long as the share asks for */
    int32_t share;    /* of the prompt, that the slot has: in 1/1000 */
    int32_t keep;     /* tokens at the beginning that stay */
};

struct attn_session {
    int32_t device, weakening;              /* row of the device table, index of a weakening (-1: none) */
    int32_t split;                          /* devices that heads are split over, */
    uint8_t weight[ATTN_SESSION_SPLIT_MAX]; /* in these proportions; all 0: evenly; */
    int32_t deal, grain, turn; /* enum attn_session_deal; in multiples of; this device's bounds come first */
    int32_t slots;
    int32_t cells;          /* of the full cache: in all when unified, else a slot */
    int32_t unified;        /* 1: all slots in one stream of cells; 0: a stream each */
    int32_t ubatch;         /* most tokens of a step */
    int32_t pad;            /* n_kv is padded to a multiple of it */
    int32_t mask, mask_pad; /* enum attn_session_mask; multiple for PADDED */
    int32_t rows;           /* mask rows are padded to a multiple of it */
    int32_t shared;         /* 1: sequences whose masks are equal share one */
    int32_t swa_full;       /* 1: the sliding-window cache is as large as the full one */
    int32_t narrow;         /* 1: layers with a window view only the cells that it sees, in whole paddings */
    int32_t base;           /* elements (blocks) before the first cell of each cache tensor */
    uint64_t seed;          /* of tokens and values */
    uint64_t schedule;      /* of the executor */
    int32_t n_layers, n_events;
    struct attn_session_layer layer[ATTN_SESSION_LAYERS_MAX];
    struct attn_session_event event[ATTN_SESSION_EVENTS_MAX];
};

/* The defaults of every statement that a script may leave out: one slot, 256 cells, unified, ATTN_SESSION_UBATCH, pad
 * 1, exact masks, gfx906; no layers, no events. */
void attn_session_default(struct attn_session *session);

/* NULL when the session is one that can be played, else what is wrong with it. */
const char *attn_session_check(const struct attn_session *session);

/* ---- Script (text.c, print.c) ---------------------------------------------------------------------------- */

struct attn_session_error {
    int64_t line;  /* from 1, within the text */
    size_t column; /* from 1 */
    char message[128];
};

/* Reads `session { STATEMENT; ... }` from text[0..len); *used gets the bytes read, up to and with the closing brace.
 * Blanks and newlines are free, `#` starts a comment up to the end of its line. Statements about the server come in any
 * order, each at most once (`layer`: up to 4 times), before the first event:
 *   layer NAME heads=N/M d=D[/DV] [type=T[/TV]] [window=N] [scale=F] [softcap=F] [max_bias=F] [sinks] [view] [draft]
 *     [reads=NAME] [cross=N]
 *   device NAME[~WEAKENING]   split N   slots N   cells N   cache unified|streams   ubatch N   pad N
 *   weights N/N/... (one a device)   deal down|nearest|single|repeated|mirrored   grain N   turn N
 *   mask exact|padded=N|kept   rows N   masks each|shared   swa window|full   views whole|narrow   base N   seed N
 *   schedule N
 * Events are those of ATTN_SESSION_OPS. Returns true, or false with *error. Needs no memory besides its arguments. */
bool attn_session_parse(const char *text, size_t len, struct attn_session *session, size_t *used,
                        struct attn_session_error *error);

/* The canonical script, on one line, defaults left out; parsing it gives the same session. Returns the length the whole
 * text has; writes at most cap bytes with the terminator. ATTN_SESSION_TEXT_MAX bytes are always enough. */
size_t attn_session_print(const struct attn_session *session, char *text, size_t cap);

/* ---- Bytes (bytes.c) ------------------------------------------------------------------- */

/* How large a decoded session may become. */
struct attn_session_limits {
    int32_t cells, ubatch, steps; /* steps: of all events together, about */
    int32_t heads;                /* query heads of a layer */
    int64_t elements;             /* of the K rows of all KV heads of a layer, of one cell */
    int64_t work;                 /* multiply-adds of the step that is dearest */
    int32_t prompt;               /* of so many tokens or more is a first prompt, in whole ubatches; 0: there is none */
};

enum { ATTN_SESSION_HEADER = 32, ATTN_SESSION_EVENT_BYTES = 4, ATTN_SESSION_BYTES_MAX = 32 + 4 * 96 };

/* What an input asks for: a session without data, large and planned only; one with data, small and run whole; or one
 * with data whose context is long enough for many splits, of which some steps are run, in some rows. */
enum attn_session_kind { ATTN_SESSION_PLANNED, ATTN_SESSION_RUN, ATTN_SESSION_RUN_LONG };
enum attn_session_kind attn_session_bytes_kind(const uint8_t *bytes, size_t size);

/* Any bytes to a session that can be played: a header (what is switched on, the server), then 4 bytes an event. Bytes
 * that are missing are zero. The empty input is the simplest: one layer, one slot, one prompt. */
void attn_session_decode(const uint8_t *bytes, size_t size, const struct attn_session_limits *limits,
                         struct attn_session *session);
/* The limits that fuzz_session uses for an input. */
void attn_session_limits_for(enum attn_session_kind kind, struct attn_session_limits *limits);

/* Steps of an event that mixes slots, at most, when all other slots are in use. */
int32_t attn_session_mixed_steps(const struct attn_session *session, const struct attn_session_event *event);

/* Mutation and crossover on such inputs; out may be in (a). Return the size, at most cap. */
size_t attn_session_mutate(const uint8_t *in, size_t size, uint8_t *out, size_t cap, uint64_t seed);
size_t attn_session_cross(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out, size_t cap,
                          uint64_t seed);
/* Random bytes of an input, at most ATTN_SESSION_BYTES_MAX; returns how many. */
size_t attn_session_random(uint8_t out[ATTN_SESSION_BYTES_MAX], uint64_t seed);

/* ---- Playing (batch.c, server.c, emit.c) ----------------------------------------------------------------- */

struct attn_player;

/* Where a problem comes from. */
struct attn_session_at {
    int32_t event;   /* index */
    int32_t request; /* of its slot, from 1: a prompt after a clear or at the beginning, or a reuse */
    int32_t slot;    /* the first of the step */
    int64_t step;    /* number of the step in the session, from 1 */
    int32_t layer;   /* kind of layer */
    int32_t share;   /* device of the split, from 0 */
    bool draft;      /* a step of the drafter */
};

/* One problem of a step. Returns false to stop the session. */
typedef bool attn_session_visit(void *context, const struct attn_player *player, const struct attn_session_at *at,
                                const struct attn_problem *problem);

/* A player of a session that can be played; with data when `data`. NULL when memory runs out, or when the cache would
 * have more than max_bytes. */
struct attn_player *attn_player_open(const struct attn_session *session, bool data, int64_t max_bytes);
void attn_player_close(struct attn_player *player);

/* Plays all events. Returns false when the visitor stopped it. */
bool attn_player_play(struct attn_player *player, attn_session_visit *visit, void *context);

/* What a session came to. */
struct attn_session_counts {
    int64_t steps, problems;
    int64_t tokens;   /* evaluated by the target */
    int64_t refused;  /* batches for which the cache had no cells */
    int64_t restored; /* checkpoints */
};
const struct attn_session_counts *attn_player_counts(const struct attn_player *player);

/* Tokens that a slot holds, and the one at a position. */
int32_t attn_player_length(const struct attn_player *player, int slot);
uint32_t attn_player_token(const struct attn_player *player, int slot, int32_t position);

/* Fills the image of the problem that is being visited: Q, K and V out of the cache, mask, sinks. Only with data. */
void attn_player_fill(const struct attn_player *player, const struct attn_session_at *at,
                      const struct attn_problem *problem, struct attn_image *image);
/* The same of what a sample touches alone; NULL: all. */
void attn_player_fill_sample(const struct attn_player *player, const struct attn_session_at *at,
                             const struct attn_problem *problem, const struct attn_sample *sample,
                             struct attn_image *image);

/* ---- Properties over a session (check.c, serves.c) -----------------------------------------------------------------
 */

/* NULL when a plan made for another problem of the same key serves this one, else what of it does not: sizes that its
 * workspace was made for, alignment that its loads count on, types, parameters that its kernel was chosen by. Looks at
 * the problem alone and never at its key. */
const char *attn_plan_serves(const struct attn_plan *plan, const struct attn_problem *problem);

/* Keys whose plans were checked on the whole fleet, as hashes: what several sessions of one process need not check
 * twice. All zero at first. */
enum { ATTN_SESSION_MEMO = 1 << 14 };
struct attn_session_memo {
    uint64_t hash[ATTN_SESSION_MEMO];
};

/* Multiply-adds of a problem that is run however much was run before it: the largest that fuzz_session runs, so that
 * what it finds in a long session is found again by whoever has a limit for all of one. */
#define ATTN_SESSION_SMALL_WORK INT64_C(600000)

struct attn_session_options {
    const struct attn_fleet *fleet; /* plan properties are checked on all of it, for each new key */
    struct attn_session_memo *memo; /* NULL: none */
    struct attn_backend *backend;   /* NULL: planned only; one with a device of its own: plans are for that one */
    int kernel;                     /* run only this one; -1: the chosen one and all others that are able */
    struct attn_run_limits limits;  /* of one problem; reference_work is not looked at */
    int64_t cache_bytes;            /* of all caches of a session that is run; beyond it is planned only */
    /* Multiply-adds of all problems run whole; of what comes then, problems of more than ATTN_SESSION_SMALL_WORK are
     * planned only. Those beyond limits.work, of which some rows are run, come to as much again, the later the fewer of
     * them. 0: no limit. */
    int64_t session_work;
    /* attn_session_shrink: told of each smaller session, as soon as there is one; NULL: nobody. */
    void (*smaller)(void *context, const struct attn_session *session, const struct attn_finding *finding);
    void *context;
};

/* Sets what a tool for people spends on a session, and no more than that on a step: a session has hundreds of them, so
 * that is less than a line may cost. */
void attn_session_limit_work(struct attn_session_options *options);
/* Sets what fuzz_session spends on a long one. */
void attn_session_limit_long(struct attn_session_options *options);

struct attn_session_finding {
    struct attn_finding finding; /* property 7: reuse, or an order that matters; 0: the model made an illegal problem */
    struct attn_session_at at;
};

struct attn_session_outcome {
    struct attn_session_counts counts;
    int64_t planned;             /* problems */
    int64_t keys;                /* different keys among them */
    int64_t reused;              /* problems served by a plan that was kept */
    int64_t ran, skipped;        /* problems run, and not */
    const char *skipped_for;     /* why the first of those was not; NULL: all ran */
    int64_t plans;               /* planner calls */
    struct attn_outcome kernels; /* sums over all problems run; chosen is -1 */
    int64_t chosen[ATTN_KERNEL_COUNT];
};

/* Plays a session on its device: every problem must be legal; P1 for every new key; P7: the plan kept under a problem's
 * key serves it and equals a fresh one; with a backend also P2, P9, and P10 where limits.schedules asks for it, for the
 * kept plan and every other able kernel, on the bytes that the cache has, against the logical history. Returns true
 * when all held; else *finding. A suspect result is asked about with further seeds, as attn_check_run does: P2 when
 * the same step's is suspect with one of them. Without memory for the caches a session is planned only, and
 * outcome->skipped_for says so. */
bool attn_session_run(const struct attn_session *session, const struct attn_session_options *options,
                      struct attn_session_outcome *outcome, struct attn_session_finding *finding);

/* attn_session_run, and P7 for two orders of the same requests: plays the same events once more with the slots' turns
 * taken in another order (each slot's own events stay in order), and demands that every slot ends with the same tokens
 * and that the results of each slot's last step agree within their limits. Sessions whose slots have to do with each
 * other (copies, common steps, defragmentation, a cache that ran full), and those of which nothing was run, are not
 * compared: *compared says. The second order is run once, and not beside. */
bool attn_session_orders(const struct attn_session *session, const struct attn_session_options *options,
                         struct attn_session_outcome *outcome, bool *compared, struct attn_session_finding *finding);

/* attn_session_orders and, of a session of which steps were run in some rows, it once more as fuzz_session spends on
 * it: which rows those are goes by the limits, and a byte that belongs to no row of one sample may belong to one of
 * another. *options are those it failed with. */
bool attn_session_play(const struct attn_session *session, struct attn_session_options *options,
                       struct attn_session_outcome *outcome, struct attn_session_finding *finding);

/* Finding, script and the line of the step that failed. */
void attn_session_finding_print(FILE *out, const struct attn_session *session, const struct attn_session_finding *f);

/* ---- Shrinking (shrink.c) -------------------------------------------------------------------------------- */

struct attn_session_shrink_report {
    int events_before, events;
    int64_t steps, tries; /* changes that stayed, sessions played */
    bool minimal;         /* no further change would stay */
};

/* Makes a session that fails smaller: fewer events and layers, plainer settings, smaller numbers, as long as the same
 * property breaks on the same kernel for the same rule or failure. *finding goes with it. It ends after max_tries
 * sessions played, or max_seconds of CPU time (0: no end). */
void attn_session_shrink(struct attn_session *session, const struct attn_session_options *options, int64_t max_tries,
                         double max_seconds, struct attn_session_finding *finding,
                         struct attn_session_shrink_report *report);
/* The same on a copy, printed. */
void attn_session_shrink_print(FILE *out, const struct attn_session *session,
                               const struct attn_session_options *options, int64_t max_tries, double max_seconds,
                               const struct attn_session_finding *finding);

#endif
