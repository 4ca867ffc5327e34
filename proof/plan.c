/* plan.c: the plan that a kernel makes fits the device, and making it is defined behaviour.
 *
 * SPDX-License-Identifier: MIT */
#include "proof/proof.h"

/* For each kernel (PROOF_KERNEL), if all its rules hold: its configuration and its cost. */
void proof_plan(void)
{
    const struct attn_device device = proof_device();
    const struct attn_key key = proof_key();
    struct attn_plan plan;
    if (attn_plan_kernel(&device, &key, PROOF_KERNEL, &plan, NULL))
        proof_assert(attn_plan_check(&plan) == NULL, "the plan fits the device");
}
