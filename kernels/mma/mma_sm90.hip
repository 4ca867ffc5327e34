/* mma_sm90.hip: the instances of the mma kernel for Hopper's warpgroups (group.h). What they leave is mma_sm80's.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/mma/group.h"
#include "kernels/mma/instances.h"
#include "kernels/mma/sm90.h"

extern "C" attn_entry SIMT_ENTRY(mma_wgmma_sm90)(const struct attn_plan *plan);

#if SIMT_HOST || defined(__CUDACC__)
template <class F> static attn_entry mma_sm90_instance(const struct attn_plan *plan)
{
    const struct attn_head_size *size = attn_head_size(plan->head_size);
    if (!size || plan->launch[ATTN_STEP_MAIN].lds_dynamic_bytes == 0)
        return nullptr;
#define X(dk, dv)                                                                                                    \
    if constexpr ((dk) <= ATTN_MMA_GROUP_MOST)                                                                       \
        if (size->d_k == (dk) && size->d_v == (dv) && plan->columns == ATTN_MMA_COLUMNS * attn_mma_group(dk).groups) \
            return mma_group_kernel<F, dk, dv>;
    ATTN_MMA_HEAD_SIZES(X)
#undef X
    return nullptr;
}
#endif

extern "C" attn_entry SIMT_ENTRY(mma_wgmma_sm90)(const struct attn_plan *plan)
{
#if SIMT_HOST || defined(__CUDACC__)
    return plan->arithmetic.p_type == ATTN_BF16 ? mma_sm90_instance<mma_sm90<mma_bf16>>(plan)
                                                : mma_sm90_instance<mma_sm90<mma_f16>>(plan);
#else
    return plan ? nullptr : nullptr; /* no NVIDIA GPU */
#endif
}
