/* mma_wmma12.hip: the instances of the mma kernel (mma.h) for RDNA4: WMMA of gfx12.
 *
 * SPDX-License-Identifier: MIT */
#define ATTN_FOR_WMMA_GFX12 1
#include "kernels/mma/instances.h"
#include "kernels/mma/wmma12.h"

extern "C" attn_entry SIMT_ENTRY(mma_wmma_gfx12)(const struct attn_plan *plan);

extern "C" attn_entry SIMT_ENTRY(mma_wmma_gfx12)(const struct attn_plan *plan)
{
#if MMA_COMPILE_AMD
    return mma_instance<mma_wmma12, ATTN_MATRIX_WMMA_GFX12>(plan);
#else
    return plan ? nullptr : nullptr; /* code for another GPU */
#endif
}
