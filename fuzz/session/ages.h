/* ages.h: how a key came to the place it has. A context shift rotates keys where they are, in the cache's type, and
 * rounds them again (llama_kv_cache::build_rope_shift): a key's bytes go by its token, the position it was computed at
 * and each shift since. An age stands for the shifts, 0 for none.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SESSION_AGES_H
#define ATTN_SESSION_AGES_H

#include <stdint.h>

struct session_age {
    uint32_t before; /* the age that was shifted, */
    int32_t by;      /* by so much */
};

struct session_ages {
    struct session_age *age; /* of number 1 on */
    uint32_t n, room;
};

/* The age of what had `age` and was shifted. */
uint32_t session_ages_after(struct session_ages *ages, uint32_t age, int32_t by);
void session_ages_free(struct session_ages *ages);

#endif
