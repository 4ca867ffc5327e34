/* kept.h: the plans that a server keeps under their keys. Part of a session's check.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SESSION_KEPT_H
#define ATTN_SESSION_KEPT_H

#include "planner/attn_planner.h"

struct session_kept {
    struct attn_key key;
    struct attn_plan plan;
};

/* A table of n kept plans. All zero: empty. */
struct session_plans {
    struct session_kept *kept;
    int32_t *place; /* of a power of two, at least twice as many as kept: an index into kept; -1: none */
    int64_t n, n_places;
};

/* The plan kept under a key, whose hash (attn_key_hash) is given; NULL: none. */
const struct session_kept *session_plans_find(const struct session_plans *plans, const struct attn_key *key,
                                              uint64_t hash);
/* Room for one more, after the last: it counts when session_plans_add is called, at once. NULL when memory runs out.
 * What was found before may have moved. */
struct session_kept *session_plans_room(struct session_plans *plans);
void session_plans_add(struct session_plans *plans);
void session_plans_free(struct session_plans *plans);

#endif
