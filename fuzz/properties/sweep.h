/* sweep.h: what the files of the plan properties share: findings about a member of the fleet, and P11, which has a file
 * of its own.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SWEEP_H
#define ATTN_SWEEP_H

#include "fuzz/properties/properties.h"

/* Fills *f with a finding about a property on a member of the fleet, kernel and rule (-1: none); returns false. */
__attribute__((format(printf, 7, 8))) bool attn_sweep_found(const struct attn_sweep *s, int property, int member,
                                                            int kernel, int rule, struct attn_finding *f,
                                                            const char *format, ...);

/* "gfx942~lds/2" */
struct attn_member_name {
    char text[48];
};
struct attn_member_name attn_member_name(const struct attn_fleet *fleet, int member);

/* P11 on a sweep (price.c). True when it holds, else false with *f. */
bool attn_sweep_priced(struct attn_sweep *s, struct attn_finding *f);

/* A key one step away in one extent, with no less work to do: neither fewer multiply-adds nor fewer bytes of K, V or
 * mask. */
struct attn_neighbour {
    struct attn_key key;
    const char *step; /* "n_q to the next bucket" */
};
enum { ATTN_NEIGHBOURS_MAX = 32 };

/* All neighbours of a key whose extents stay in range; how many. */
int attn_neighbours(const struct attn_key *key, struct attn_neighbour neighbour[ATTN_NEIGHBOURS_MAX]);

/* An hour, as costs are stated: of what takes longer none is asked. Sums of such sizes saturate, and say nothing of one
 * another then. */
#define ATTN_PRICED_MOST (UINT64_C(3600) * 1000000000 * 16)

/* What a problem may cost, as a multiple of what a neighbour costs: 3, or what a contract's named step between the two
 * allows. 0: any. */
uint32_t attn_price_limit(const struct attn_device *device, const struct attn_key *key, const struct attn_key *than);

#endif
