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
    IMPORT_TYPE,  /* it has a type that does not exist here: type */
    IMPORT_BAD    /* it has the format's mark but cannot be read: column, why */
};

struct import_found {
    struct attn_problem problem;
    char type[32];
    size_t column; /* from 1 */
    char why[160];
};

struct import_field {
    const char *key, *value;
    size_t key_len, value_len;
};

/* Takes the next key=value from text[*at..len); values may be lists in brackets. A field ends at any byte of `ends`
 * outside brackets, which is read past. False at the end, or when there is no key=value: then *at < len. */
bool import_field_next(const char *text, size_t len, size_t *at, const char *ends, struct import_field *field);
bool import_key_is(const struct import_field *field, const char *key);
/* The value as a whole number, as [n,n,...] with exactly n numbers, as a number, as a type. */
bool import_integer(const struct import_field *field, int64_t *value);
bool import_list(const struct import_field *field, int n, int64_t *values);
bool import_float(const struct import_field *field, float *value);
/* Type's index, -1 when no type here has that name; the name is kept in found->type then. */
int import_type(const struct import_field *field, struct import_found *found);
/* IMPORT_BAD with the place (an address inside text) and why. */
enum import_result import_bad(struct import_found *found, const char *text, const char *place, const char *why);
/* Where `mark` begins in text, NULL: nowhere. */
const char *import_mark(const char *text, size_t len, const char *mark);
/* a * b for factors >= 0; false when the product passes 2^62. */
bool import_product(int64_t a, int64_t b, int64_t *product);

#endif
