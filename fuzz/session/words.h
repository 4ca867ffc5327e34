/* words.h: the words of session scripts, for their reader and printer.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SESSION_WORDS_H
#define ATTN_SESSION_WORDS_H

#include "fuzz/session/session.h"

static const char *const mask_names[] = {
#define X(NAME, name, text) #name,
    ATTN_SESSION_MASKS(X)
#undef X
};
static const char *const deal_names[] = {
#define X(NAME, name, text) #name,
    ATTN_SESSION_DEALS(X)
#undef X
};
static const char *const op_names[] = {
#define X(NAME, name, operands, text) #name,
    ATTN_SESSION_OPS(X)
#undef X
};

/* Statements with one number. */
static const struct {
    const char *name;
    size_t at;
    int32_t low, high;
} numbers[] = {
    { "split", offsetof(struct attn_session, split), 1, ATTN_SESSION_SPLIT_MAX },
    { "grain", offsetof(struct attn_session, grain), 1, ATTN_SESSION_HEADS_MAX },
    { "turn", offsetof(struct attn_session, turn), 0, ATTN_SESSION_SPLIT_MAX - 1 },
    { "slots", offsetof(struct attn_session, slots), 1, ATTN_SESSION_SLOTS_MAX },
    { "cells", offsetof(struct attn_session, cells), 1, ATTN_SESSION_CELLS_MAX },
    { "ubatch", offsetof(struct attn_session, ubatch), 1, ATTN_SESSION_UBATCH_MAX },
    { "pad", offsetof(struct attn_session, pad), 1, 1024 },
    { "rows", offsetof(struct attn_session, rows), 1, 256 },
    { "base", offsetof(struct attn_session, base), 0, 1024 },
};
enum { N_NUMBERS = sizeof numbers / sizeof numbers[0] };

static inline int32_t *field(struct attn_session *s, int i) { return (int32_t *)(void *)((char *)s + numbers[i].at); }

/* Statements with one of two words. */
static const struct {
    const char *name, *zero, *one;
    size_t at;
} choices[] = {
    { "cache", "streams", "unified", offsetof(struct attn_session, unified) },
    { "masks", "each", "shared", offsetof(struct attn_session, shared) },
    { "swa", "window", "full", offsetof(struct attn_session, swa_full) },
    { "views", "whole", "narrow", offsetof(struct attn_session, narrow) },
};
enum { N_CHOICES = sizeof choices / sizeof choices[0] };

static inline int32_t *choice(struct attn_session *s, int i) { return (int32_t *)(void *)((char *)s + choices[i].at); }

#endif
