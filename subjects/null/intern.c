/* intern.c: see intern.h.
 *
 * SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "planner/hash.h"
#include "subjects/null/intern.h"
#include "subjects/null/map.h"

const char *null_intern(const char *name)
{
    static struct null_map names; /* hash of a name, as a key -> chain of names */
    struct entry {
        struct entry *next;
        char name[];
    } *first;
    const uint64_t hash = attn_hash_text(ATTN_HASH_START, name);
    const void *key = (const void *)(uintptr_t)(hash | 1);
    first = null_map_get(&names, key);
    for (struct entry *e = first; e; e = e->next)
        if (!strcmp(e->name, name))
            return e->name;
    size_t len = strlen(name);
    struct entry *e = malloc(sizeof *e + len + 1);
    if (!e)
        return NULL;
    e->next = first;
    memcpy(e->name, name, len + 1);
    if (!null_map_put(&names, key, e)) {
        free(e);
        return NULL;
    }
    return e->name;
}
