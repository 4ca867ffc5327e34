/* kept.c: a hash table of plans by their keys. See kept.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/session/kept.h"

#include <stdlib.h>
#include <string.h>

/* Where a key is, or the empty place where it belongs. */
static int64_t find_place(const struct session_plans *plans, const struct attn_key *key, uint64_t hash)
{
    int64_t at = (int64_t)(hash & (uint64_t)(plans->n_places - 1));
    while (plans->place[at] >= 0 && !attn_key_equal(&plans->kept[plans->place[at]].key, key))
        at = (at + 1) & (plans->n_places - 1);
    return at;
}

const struct session_kept *session_plans_find(const struct session_plans *plans, const struct attn_key *key,
                                              uint64_t hash)
{
    if (plans->n == 0)
        return NULL;
    int32_t index = plans->place[find_place(plans, key, hash)];
    return index < 0 ? NULL : &plans->kept[index];
}

struct session_kept *session_plans_room(struct session_plans *plans)
{
    if (2 * (plans->n + 1) <= plans->n_places)
        return &plans->kept[plans->n];
    int64_t n_places = plans->n_places ? 2 * plans->n_places : 64;
    int32_t *place = malloc((size_t)n_places * sizeof *place);
    struct session_kept *kept = realloc(plans->kept, (size_t)n_places / 2 * sizeof *kept);
    if (kept)
        plans->kept = kept;
    if (!place || !kept) {
        free(place);
        return NULL;
    }
    free(plans->place);
    plans->place = place;
    plans->n_places = n_places;
    memset(place, 0xff, (size_t)n_places * sizeof *place);
    for (int64_t i = 0; i < plans->n; i++)
        place[find_place(plans, &kept[i].key, attn_key_hash(&kept[i].key))] = (int32_t)i;
    return &kept[plans->n];
}

void session_plans_add(struct session_plans *plans)
{
    const struct attn_key *key = &plans->kept[plans->n].key;
    plans->place[find_place(plans, key, attn_key_hash(key))] = (int32_t)plans->n;
    plans->n++;
}

void session_plans_free(struct session_plans *plans)
{
    free(plans->kept);
    free(plans->place);
}
