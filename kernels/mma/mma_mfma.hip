/* mma_mfma.hip: the instances of the mma kernel (mma.h) for CDNA: MFMA.
 *
 * SPDX-License-Identifier: MIT */
#define ATTN_FOR_MFMA 1
#include "kernels/mma/instances.h"
#include "kernels/mma/mfma.h"

extern "C" attn_entry SIMT_ENTRY(mma_mfma)(const struct attn_plan *plan);

extern "C" attn_entry SIMT_ENTRY(mma_mfma)(const struct attn_plan *plan)
{
#if MMA_COMPILE_AMD
    return mma_instance<mma_mfma, ATTN_MATRIX_MFMA>(plan);
#else
    return plan ? nullptr : nullptr; /* code for another GPU */
#endif
}
