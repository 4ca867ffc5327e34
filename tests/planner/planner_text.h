/* planner_text.h: what the planner's tests share: a line's problem, and buffers that end where
 * they say, so that AddressSanitizer sees a byte too many.
 *
 * SPDX-License-Identifier: MIT */
#ifndef PLANNER_TEXT_H
#define PLANNER_TEXT_H

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "planner/attn_planner.h"
#include "planner/bits.h"
#include "planner/random.h"

/* A heap copy of exactly len bytes (one for none), without a terminator. */
static inline char *exact_copy(const char *text, size_t len)
{
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    if (len)
        memcpy(copy, text, len);
    return copy;
}

/* A line that must be readable. */
static inline struct attn_problem parse(const char *line)
{
    struct attn_problem p;
    struct attn_text_error error;
    if (!attn_problem_parse(line, strlen(line), &p, NULL, &error))
        fail_msg("%s\ncolumn %zu: %s", line, error.column, error.message);
    return p;
}

/* Checks snprintf's contract of one print function for every capacity from 0 past the whole text. */
typedef size_t print_fn(const void *what, char *text, size_t cap);

static inline void check_capacities(print_fn *print, const void *what)
{
    size_t len = print(what, NULL, 0);
    char *whole = malloc(len + 1);
    assert_non_null(whole);
    assert_int_equal(print(what, whole, len + 1), len);
    assert_int_equal(strlen(whole), len);
    for (size_t cap = 0; cap <= len + 2; cap++) {
        char *part = malloc(cap ? cap : 1);
        assert_non_null(part);
        memset(part, '#', cap ? cap : 1);
        assert_int_equal(print(what, part, cap), len);
        if (cap == 0) {
            assert_int_equal(part[0], '#');
        } else {
            size_t fits = cap - 1 < len ? cap - 1 : len;
            assert_memory_equal(part, whole, fits);
            assert_int_equal(part[fits], '\0');
        }
        free(part);
    }
    free(whole);
}

#endif
