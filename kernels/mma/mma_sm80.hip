/* mma_sm80.hip: the instances of the mma kernel (mma.h) for NVIDIA, sm_80 and later.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/mma/ahead.h"
#include "kernels/mma/instances.h"
#include "kernels/mma/sm80.h"

extern "C" attn_entry SIMT_ENTRY(mma_mma_sm80)(const struct attn_plan *plan);

#if SIMT_HOST || defined(__CUDACC__)
/* The instances with tiles ahead (ahead.h), for plans with dynamic LDS. */
template <class F> static attn_entry mma_ahead_instance(const struct attn_plan *plan)
{
    const struct attn_head_size *size = attn_head_size(plan->head_size);
    if (!size)
        return nullptr;
#define X(dk, dv)                                                             \
    if constexpr ((dk) > ATTN_MMA_WHOLE_MOST)                                 \
        if (size->d_k == (dk) && size->d_v == (dv)) {                         \
            constexpr attn_mma_shape S = attn_mma_ahead(dk);                  \
            return mma_ahead_kernel<F, dk, dv, S.groups, S.split, S.kv_tile>; \
        }
    ATTN_MMA_HEAD_SIZES(X)
#undef X
    return nullptr;
}
#endif

extern "C" attn_entry SIMT_ENTRY(mma_mma_sm80)(const struct attn_plan *plan)
{
#if SIMT_HOST || defined(__CUDACC__)
    if (plan->launch[ATTN_STEP_MAIN].lds_dynamic_bytes > 0)
        return plan->arithmetic.p_type == ATTN_BF16 ? mma_ahead_instance<mma_sm80<mma_bf16>>(plan)
                                                    : mma_ahead_instance<mma_sm80<mma_f16>>(plan);
    return mma_instance<mma_sm80, ATTN_MATRIX_MMA_SM80>(plan);
#else
    return plan ? nullptr : nullptr; /* no NVIDIA GPU */
#endif
}
