/* handle.h: what programs hold handles of.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_HANDLE_H
#define ATTN_NULL_HANDLE_H

#include <stddef.h>

enum null_kind { NULL_STREAM = 1, NULL_EVENT, NULL_GRAPH, NULL_NODE, NULL_EXEC, NULL_MODULE };

/* The first member of everything a program has a handle of. */
struct null_handle {
    enum null_kind kind;
};

/* Zeroed memory of bytes with a handle in front, known by its address; NULL when memory runs out. Locked. */
void *null_handle_new(enum null_kind kind, size_t bytes);
/* The object when it is one of that kind, else NULL. Locked. */
void *null_handle_get(const void *handle, enum null_kind kind);
void null_handle_free(void *handle);

#endif
