/* map.c: a hash table from addresses to objects: open addressing, linear probing, never more than half full.
 *
 * SPDX-License-Identifier: MIT */
#include "subjects/null/map.h"

#include <stdlib.h>

#include "planner/random.h"

/* cap is a power of two. */
static size_t place(const struct null_map *map, uintptr_t key)
{
    return (size_t)attn_mix((uint64_t)key) & (map->cap - 1);
}

static struct null_slot *find(const struct null_map *map, uintptr_t key)
{
    size_t i = place(map, key);
    while (map->slots[i].key && map->slots[i].key != key)
        i = (i + 1) & (map->cap - 1);
    return &map->slots[i];
}

void *null_map_get(const struct null_map *map, const void *key)
{
    return map->cap && key ? find(map, (uintptr_t)key)->value : NULL;
}

bool null_map_put(struct null_map *map, const void *key, void *value)
{
    if (2 * (map->used + 1) > map->cap) {
        struct null_map larger = { .cap = map->cap ? 2 * map->cap : 64 };
        larger.slots = calloc(larger.cap, sizeof *larger.slots);
        if (!larger.slots)
            return false;
        for (size_t i = 0; i < map->cap; i++)
            if (map->slots[i].key)
                *find(&larger, map->slots[i].key) = map->slots[i];
        larger.used = map->used;
        free(map->slots);
        *map = larger;
    }
    struct null_slot *slot = find(map, (uintptr_t)key);
    map->used += !slot->key;
    *slot = (struct null_slot){ (uintptr_t)key, value };
    return true;
}

/* Removal by moving back what probing had pushed over the slot, so that no tombstones gather. */
void null_map_remove(struct null_map *map, const void *key)
{
    if (!map->cap || !key)
        return;
    struct null_slot *hole = find(map, (uintptr_t)key);
    if (!hole->key)
        return;
    map->used--;
    size_t h = (size_t)(hole - map->slots);
    for (size_t i = (h + 1) & (map->cap - 1); map->slots[i].key; i = (i + 1) & (map->cap - 1)) {
        size_t home = place(map, map->slots[i].key);
        /* It may move to h when its home does not lie cyclically in (h, i]. */
        if (((i - home) & (map->cap - 1)) >= ((i - h) & (map->cap - 1))) {
            map->slots[h] = map->slots[i];
            h = i;
        }
    }
    map->slots[h] = (struct null_slot){ 0, NULL };
}
