/* mma.hip: which instance of the mma kernel (mma.h) a plan runs. The instances are compiled apart, by matrix core
 * family.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/args.h"
#include "kernels/simt/simt.h"

extern "C" attn_entry SIMT_ENTRY(mma_mfma)(const struct attn_plan *plan);
extern "C" attn_entry SIMT_ENTRY(mma_wmma11)(const struct attn_plan *plan);
extern "C" attn_entry SIMT_ENTRY(mma_wmma12)(const struct attn_plan *plan);
extern "C" attn_entry SIMT_ENTRY(mma_sm80)(const struct attn_plan *plan);
extern "C" attn_entry SIMT_ENTRY(mma_sm90)(const struct attn_plan *plan);

extern "C" attn_entry SIMT_ENTRY(mma)(const struct attn_plan *plan)
{
    switch (plan->device.matrix) {
    case ATTN_MATRIX_MFMA: return SIMT_ENTRY(mma_mfma)(plan);
    case ATTN_MATRIX_WMMA_GFX11: return SIMT_ENTRY(mma_wmma11)(plan);
    case ATTN_MATRIX_WMMA_GFX12: return SIMT_ENTRY(mma_wmma12)(plan);
    case ATTN_MATRIX_MMA_SM80: return SIMT_ENTRY(mma_sm80)(plan);
    case ATTN_MATRIX_WGMMA_SM90:
        if (const attn_entry entry = SIMT_ENTRY(mma_sm90)(plan))
            return entry;
        return SIMT_ENTRY(mma_sm80)(plan);
    default: return nullptr;
    }
}
