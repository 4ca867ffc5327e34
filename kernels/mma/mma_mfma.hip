/* mma_mfma.hip: the instances of the mma kernel (mma.h) for CDNA: MFMA.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/mma/instances.h"
#include "kernels/mma/mfma.h"

extern "C" attn_entry SIMT_ENTRY(mma_mfma)(const struct attn_plan *plan);

extern "C" attn_entry SIMT_ENTRY(mma_mfma)(const struct attn_plan *plan)
{
#if SIMT_HOST || (defined(__HIP__) && !defined(__HIP_DEVICE_COMPILE__)) || defined(__gfx908__) || \
    defined(__gfx90a__) || defined(__gfx942__) || defined(__gfx950__)
    return mma_instance<mma_mfma, ATTN_MATRIX_MFMA>(plan);
#else
    return plan ? nullptr : nullptr; /* code for another GPU */
#endif
}
