/* mma_wmma12.hip: the instances of the mma kernel (mma.h) for RDNA4: WMMA of gfx12.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/mma/instances.h"
#include "kernels/mma/wmma12.h"

extern "C" attn_entry SIMT_ENTRY(mma_wmma12)(const struct attn_plan *plan);

extern "C" attn_entry SIMT_ENTRY(mma_wmma12)(const struct attn_plan *plan)
{
#if SIMT_HOST || (defined(__HIP__) && !defined(__HIP_DEVICE_COMPILE__)) || defined(__gfx1200__) || defined(__gfx1201__)
    return mma_instance<mma_wmma12, ATTN_MATRIX_WMMA_GFX12>(plan);
#else
    return plan ? nullptr : nullptr; /* code for another GPU */
#endif
}
