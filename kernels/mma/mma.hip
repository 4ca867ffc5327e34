/* mma.hip: which instance of the mma kernel (mma.h) a plan runs. The instances are compiled apart, by matrix core
 * family.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/args.h"
#include "kernels/simt/simt.h"

#define X(NAME, name, ...) extern "C" attn_entry SIMT_ENTRY(mma_##name)(const struct attn_plan *plan);
ATTN_MATRICES(X)
#undef X

extern "C" attn_entry SIMT_ENTRY(mma_none)(const struct attn_plan *) { return nullptr; }

static attn_entry of_family(int matrix, const struct attn_plan *plan)
{
    switch (matrix) {
#define X(NAME, name, ...) \
    case ATTN_MATRIX_##NAME: return SIMT_ENTRY(mma_##name)(plan);
        ATTN_MATRICES(X)
#undef X
    default: return nullptr;
    }
}

/* What a family leaves is for the one that it runs too. */
extern "C" attn_entry SIMT_ENTRY(mma)(const struct attn_plan *plan)
{
    const attn_entry own = of_family(plan->device.matrix, plan);
    return own ? own : of_family(attn_matrix_base(plan->device.matrix), plan);
}
