/* field.h: key=value lists as other people's logs have them, and what is found in one.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_IMPORT_FIELD_H
#define ATTNFUZZ_IMPORT_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/attn_planner.h"

enum import_result {
    IMPORT_OTHER, /* the text has nothing of this format */
    IMPORT_FOUND, /* problem is set (its legality is not checked) */
    IMPORT_MORE,  /* it may go on in the next line */
    IMPORT_TYPE,  /* it has a type that does not exist here: type */
    IMPORT_LEFT,  /* it is about attention and no problem: why */
    IMPORT_BAD    /* it has the format's mark but cannot be read: column, why */
};

/* What a problem needs and a text may not say. X(NAME, what is taken then) */
#define IMPORT_GIVEN(X)                                    \
    X(TYPES, "K and V are f16")                            \
    X(V, "V has K's shape and type")                       \
    X(HEADS_KV, "K and V have as many heads as Q")         \
    X(VIEWS, "Q, K and V are views as llama.cpp has them") \
    X(DENSE, "Q, K and V are contiguous")                  \
    X(MASK, "there is a mask of n_kv x n_q")               \
    X(NO_MASK, "there is no mask")                         \
    X(SCALE, "the scale is 1/sqrt(D_K)")

enum import_given {
#define X(NAME, text) IMPORT_GIVEN_##NAME,
    IMPORT_GIVEN(X)
#undef X
        IMPORT_GIVEN_COUNT
};

enum { IMPORT_DROPPED_MAX = 12, IMPORT_NAME_MAX = 24 };

struct import_found {
    const struct attn_foreign_types *types; /* of the subject that was named; may be NULL */
    struct attn_problem problem;
    char type[32];
    size_t column; /* from 1 */
    char why[320];
    uint32_t given; /* bits by enum import_given: taken, as the text does not say it */
    /* Keys that were read past. */
    int n_dropped, n_unknown; /* unknown: they come first; the rest are known to say nothing about the problem */
    char dropped[IMPORT_DROPPED_MAX][IMPORT_NAME_MAX];
};

struct import_field {
    const char *key, *value;
    size_t key_len, value_len;
};

/* Takes the next key=value from text[*at..len); values may be lists in brackets, blanks may stand around the sign. A
 * field ends at any byte of `ends` outside brackets, which is read past. False at the end, or when there is no
 * key=value: then *at < len. */
bool import_field_next(const char *text, size_t len, size_t *at, const char *ends, struct import_field *field);
bool import_key_is(const struct import_field *field, const char *key);
/* The value as a whole number, as [n,n,...] with exactly n numbers (commas or blanks between), as a number, as a type.
 */
bool import_integer(const struct import_field *field, int64_t *value);
bool import_list(const struct import_field *field, int n, int64_t *values);
bool import_float(const struct import_field *field, float *value);
/* Type's index, -1 when no type here has that name (in small or large letters); the name is kept in found->type then.
 */
int import_type(const struct import_field *field, struct import_found *found);
/* The same as a tensor's, of found->types too; false when there is none. */
bool import_type_of(const struct import_field *field, struct import_found *found, struct attn_tensor *as);
/* The same of a type's number in ggml. */
bool import_type_number(int64_t number, const struct attn_foreign_types *types, struct attn_tensor *as);
/* Notes a key that is read past. */
void import_drop(struct import_found *found, const char *key, size_t len, bool unknown);
/* IMPORT_BAD with the place (an address inside text) and why. */
enum import_result import_bad(struct import_found *found, const char *text, const char *place, const char *why);
/* IMPORT_LEFT with why. */
enum import_result import_left(struct import_found *found, const char *why);
/* Where `mark` begins in text, NULL: nowhere. */
const char *import_mark(const char *text, size_t len, const char *mark);
/* a * b for factors >= 0; false when the product passes 2^62. */
bool import_product(int64_t a, int64_t b, int64_t *product);
/* Sets a tensor: contiguous, or with the strides of ne permuted as `order` says: order[i] is the dimension that is the
 * i-th in memory. False when it is too large or an extent is below 1. */
bool import_tensor(struct attn_tensor *t, int type, const int64_t ne[4], const int order[4]);
/* The same with the type of `as`, which may be a library's own (import_type_of). */
bool import_tensor_as(struct attn_tensor *t, const struct attn_tensor *as, const int64_t ne[4], const int order[4]);
/* Letter, digit or underscore. */
bool import_is_word(char c);

#endif
