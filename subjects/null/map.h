/* map.h: a hash table from addresses to objects.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_MAP_H
#define ATTN_NULL_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct null_map {
    struct null_slot {
        uintptr_t key;
        void *value;
    } *slots;
    size_t used, cap;
};
/* NULL when there is no such key. */
void *null_map_get(const struct null_map *map, const void *key);
/* False when memory runs out. value is not NULL, key not 0. */
bool null_map_put(struct null_map *map, const void *key, void *value);
void null_map_remove(struct null_map *map, const void *key);

#endif
