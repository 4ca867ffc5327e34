/* handle.c: what programs hold handles of. A handle is the object's address, and is believed only when the table
 * has it: a program's stale or invented handle is an error, not a crash.
 *
 * SPDX-License-Identifier: MIT */
#include "subjects/null/handle.h"

#include <stdlib.h>

#include "subjects/null/runtime.h"

void *null_handle_new(enum null_kind kind, size_t bytes)
{
    struct null_handle *handle = calloc(1, bytes);
    if (handle && !null_map_put(&null_runtime.handles, handle, handle)) {
        free(handle);
        return NULL;
    }
    if (handle)
        handle->kind = kind;
    return handle;
}

void *null_handle_get(const void *handle, enum null_kind kind)
{
    struct null_handle *h = null_map_get(&null_runtime.handles, handle);
    return h && h->kind == kind ? h : NULL;
}

void null_handle_free(void *handle)
{
    null_map_remove(&null_runtime.handles, handle);
    free(handle);
}
