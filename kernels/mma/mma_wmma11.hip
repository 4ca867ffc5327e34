/* mma_wmma11.hip: the instances of the mma kernel (mma.h) for RDNA3: WMMA of gfx11.
 *
 * SPDX-License-Identifier: MIT */
#define ATTN_FOR_WMMA_GFX11 1
#include "kernels/mma/instances.h"
#include "kernels/mma/wmma11.h"

extern "C" attn_entry SIMT_ENTRY(mma_wmma_gfx11)(const struct attn_plan *plan);

extern "C" attn_entry SIMT_ENTRY(mma_wmma_gfx11)(const struct attn_plan *plan)
{
#if MMA_COMPILE_AMD
    return mma_instance<mma_wmma11, ATTN_MATRIX_WMMA_GFX11>(plan);
#else
    return plan ? nullptr : nullptr; /* code for another GPU */
#endif
}
