/* instance.c: all keys of a class of head sizes have one instance of mma, whichever are left (proof/head_size.h).
 *
 * SPDX-License-Identifier: MIT */
#include "proof/head_size.h"
#include "proof/proof.h"

int64_t nondet_number(void);

void proof_instance(void)
{
    const int64_t d_k = nondet_number(), d_v = nondet_number(), left = nondet_number();
    proof_assume(d_k >= 1 && d_v >= 1 && (left & ~proof_instances()) == 0);
    const int class = attn_head_size_instance(d_k, d_v, proof_instances());
    proof_assert(class == -1 || (class >= 0 && class < ATTN_HEAD_SIZE_COUNT && (proof_instances() >> class & 1)),
                 "there is a class for each instance, and one without");
    proof_assert(proof_may_be_of(class, d_k, d_v),
                 "the instance holds the heads; where there is none they are not its own");
    proof_assert(attn_head_size_instance(d_k, d_v, left) == proof_instance_of(class, left),
                 "of those left all of a class have the same");
}
