/* mma_sm80.hip: the instances of the mma kernel (mma.h) for NVIDIA, sm_80 and later.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/mma/instances.h"
#include "kernels/mma/sm80.h"

extern "C" attn_entry SIMT_ENTRY(mma_mma_sm80)(const struct attn_plan *plan);

extern "C" attn_entry SIMT_ENTRY(mma_mma_sm80)(const struct attn_plan *plan)
{
#if SIMT_HOST || defined(__CUDACC__)
    return mma_instance<mma_sm80, ATTN_MATRIX_MMA_SM80>(plan);
#else
    return plan ? nullptr : nullptr; /* no NVIDIA GPU */
#endif
}
