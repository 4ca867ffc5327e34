/* forced.h: a kernel's plan by its configuration alone, whether or not its rules hold. Selection (select.c) asks the
 * rules first; P4 (fuzz/properties/tight.c) leaves one out, to see what it is there for. No part of the library.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_FORCED_H
#define ATTN_FORCED_H

#include <string.h>

#include "planner/attn_planner.h"

/* Fills the plan of kernel number id, whose structural rules hold: else there is no instance to configure. */
static inline void attn_plan_configure(const struct attn_device *device, const struct attn_key *key, int id,
                                       struct attn_plan *plan)
{
    memset(plan, 0, sizeof *plan);
    plan->kernel = id;
    plan->head_size = attn_head_size_find(key->d_k, key->d_v);
    plan->wave_size = device->wave_size;
    plan->convert_k = plan->convert_v = -1;
    plan->splits = 1;
    plan->arithmetic.q_type = ATTN_F32;
    plan->arithmetic.k_type = key->type_k;
    plan->arithmetic.v_type = key->type_v;
    plan->arithmetic.p_type = ATTN_F32;
    plan->device = *device;
    plan->key = *key;
    attn_kernel(id)->configure(device, key, plan);
    plan->cost = attn_kernel(id)->cost(device, key, plan);
}

#endif
