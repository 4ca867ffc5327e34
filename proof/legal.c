/* legal.c: the check of a problem is defined behaviour for any bits, and the key of one that it lets through is what
 * the other proofs take a key to be (proof_is_key).
 *
 * SPDX-License-Identifier: MIT */
#include "proof/proof.h"

void proof_legal(void)
{
    struct attn_problem p; /* any bits, but for types that are a library's own */
    struct attn_key key;
    struct attn_error error;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        proof_assume(p.t[o].type < ATTN_TYPE_FOREIGN);
    proof_assume(p.further.type < ATTN_TYPE_FOREIGN);
    if (attn_problem_check(&p, &error) != ATTN_E_OK)
        return;
    attn_key_of(&p, &key);
    proof_assert(proof_is_key(&key), "a legal problem's key is one");
}
