/* head_size.h: proofs of mma are made a class of keys at a time (PROOF_CASE): those whose head sizes would run on one
 * instance of mma, if a device ran all of them; below 0: on none. Whichever instances are left to choose from, all keys
 * of a class have the same one. That is proved in proof/instance.c, and assumed where attn_head_size_instance is
 * replaced by attn_head_size_instance_is.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_PROOF_HEAD_SIZE_H
#define ATTN_PROOF_HEAD_SIZE_H

#include "planner/attn_planner.h"
#include "planner/contracts/shapes.h"

static inline int64_t proof_instances(void)
{
    int64_t set = 0;
#define X(d_k, d_v) set |= (int64_t)1 << ATTN_HEAD_SIZE_##d_k##_##d_v;
    ATTN_MMA_HEAD_SIZES(X)
#undef X
    return set;
}

/* Of `left`, a part of mma's instances, the one that heads of the class run on. */
static inline int proof_instance_of(int class, int64_t left)
{
    for (int i = 0; i < ATTN_HEAD_SIZE_COUNT && class >= 0; i++)
        if ((left >> i & 1) && attn_head_size(i)->d_k >= attn_head_size(class)->d_k &&
            attn_head_size(i)->d_v >= attn_head_size(class)->d_v)
            return i;
    return -1;
}

/* Heads of a class are no larger than its instance; those of the one without are none of mma's. */
static inline bool proof_may_be_of(int class, int64_t d_k, int64_t d_v)
{
    if (class >= 0)
        return d_k <= attn_head_size(class)->d_k && d_v <= attn_head_size(class)->d_v;
#define X(own_k, own_v)               \
    if (d_k == own_k && d_v == own_v) \
        return false;
    ATTN_MMA_HEAD_SIZES(X)
#undef X
    return true;
}

#if defined(PROOF_CASE)
enum {
#define X(d_k, d_v) +1
    PROOF_CLASSES = 1 ATTN_MMA_HEAD_SIZES(X)
#undef X
};
_Static_assert(PROOF_CLASSES == PROOF_CASES, "all classes are proved, a statement each (proof/prove.py)");

static int64_t proof_d_k, proof_d_v; /* of the key that the proof is about */

static inline void proof_is_of_class(const struct attn_key *key)
{
    __CPROVER_assume(proof_may_be_of(PROOF_CASE, key->d_k, key->d_v));
    proof_d_k = key->d_k;
    proof_d_v = key->d_v;
}

int attn_head_size_instance_is(int64_t d_k, int64_t d_v, int64_t left)
{
    __CPROVER_assert(d_k == proof_d_k && d_v == proof_d_v, "the key's head sizes are asked about");
    __CPROVER_assert((left & ~proof_instances()) == 0, "mma asks about its own instances");
    return proof_instance_of(PROOF_CASE, left);
}
#endif

#endif
