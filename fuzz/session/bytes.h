/* bytes.h: what the bytes of an input are; bytes.c makes a session of them, mutate.c others of them. Part of sessions.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SESSION_BYTES_H
#define ATTN_SESSION_BYTES_H

#include "fuzz/session/session.h"

/* Features: bits of the header's first three bytes, then of AT_MORE, which inputs of earlier versions have as 0.
 * X(NAME, what it switches on) */
#define FEATURES(X)                                   \
    X(KV_HEADS, "several KV heads")                   \
    X(GQA, "several query heads a KV head")           \
    X(SLOTS, "several slots")                         \
    X(STREAMS, "a stream of cells a slot")            \
    X(PAD, "n_kv padded")                             \
    X(MASK, "wide masks")                             \
    X(ROWS, "mask rows padded")                       \
    X(TYPES, "K and V of other types")                \
    X(MIXED, "V of a type of its own")                \
    X(WINDOW, "a second layer with a window")         \
    X(DRAFTER, "a layer of the drafter's")            \
    X(SPLIT, "heads split over devices")              \
    X(BASE, "cells begin anywhere")                   \
    X(SINKS, "sinks")                                 \
    X(SOFTCAP, "softcap")                             \
    X(ALIBI, "ALiBi")                                 \
    X(VIEW, "MLA")                                    \
    X(SHARED, "one mask for equal sequences")         \
    X(SWA_FULL, "a large sliding-window cache")       \
    X(WEAKENED, "a weakened device")                  \
    X(SCHEDULE, "another schedule")                   \
    X(ANY_SIZE, "head sizes that are not known ones") \
    X(UBATCH, "short ubatches")                       \
    X(SCALE, "a scale of 1")                          \
    X(BESIDE, "prompts beside other slots' tokens")   \
    X(READER, "drafters read the target's cache")     \
    X(UNEVEN, "devices of several weights")           \
    X(CROSS, "a layer of keys from the beginning")    \
    X(NARROW, "views of what windows see")            \
    X(TREES, "drafts that are trees")

enum feature {
#define X(NAME, text) HAS_##NAME,
    FEATURES(X)
#undef X
        N_FEATURES
};

/* Bytes of the header. */
enum {
    AT_FEATURES = 0,
    AT_RUN = 3,
    AT_SIZE,
    AT_DEVICE,
    AT_KV_HEADS,
    AT_RATIO,
    AT_SLOTS,
    AT_CELLS,
    AT_UBATCH,
    AT_PAD,
    AT_MASK,
    AT_ROWS,
    AT_TYPE_K,
    AT_TYPE_V,
    AT_WINDOW,
    AT_SIZE_2,
    AT_SPLIT,
    AT_BASE,
    AT_NUMBERS,
    AT_D_K,
    AT_D_V,
    AT_WEAKENING,
    AT_SCHEDULE,
    AT_SEED,
    AT_DRAFT_SIZE = AT_SEED + 2,
    AT_MORE,
    AT_DEAL, /* 0 in inputs of earlier versions, too */
    AT_END
};
_Static_assert(AT_END <= ATTN_SESSION_HEADER, "the header has room");

/* The bytes of the header that are drawn as wholes. */
enum { DRAWN_BYTES = AT_END - AT_RUN - 1 };
static inline uint64_t drawn_byte(uint64_t i) { return AT_RUN + i + (AT_RUN + i >= AT_MORE); }

/* The byte that a feature is a bit of. */
static inline int feature_byte(int feature) { return feature < 24 ? feature / 8 : AT_MORE; }

#endif
