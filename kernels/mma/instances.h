/* instances.h: which instances of the mma kernel (mma.h) there are, for the files that compile one family each: those
 * of planner/contracts/shapes.h.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_INSTANCES_H
#define ATTN_MMA_INSTANCES_H

#include "kernels/mma/mma.h"

/* Is code of the family at hand (who includes this defines ATTN_FOR_<FAMILY> before) to be compiled: for the host's
 * executor, for a GPU that has the family, for the host's side of a HIP program? MMA_ON_GPU: for a GPU. */
#if 0 ATTN_DEVICES(ATTN_TARGET_HAS)
#define MMA_ON_GPU 1
#else
#define MMA_ON_GPU 0
#endif
#if MMA_ON_GPU || SIMT_HOST || (defined(__HIP__) && !defined(__HIP_DEVICE_COMPILE__))
#define MMA_COMPILE_AMD 1
#else
#define MMA_COMPILE_AMD 0
#endif

template <class F, int MATRIX, int DK, int DV> static attn_entry mma_instance_of_columns(int columns)
{
    static_assert(2 * F::SHARE_LAST / F::SHARE_FIRST == attn_mma_share(MATRIX), "what the error bound is told");
    constexpr attn_mma_shape FEW = attn_mma_few(DK), MANY = attn_mma_many(MATRIX, DK);
    if (columns == ATTN_MMA_COLUMNS * FEW.groups)
        return mma_kernel<F, DK, DV, FEW.groups, FEW.split, FEW.kv_tile>;
    if (columns == ATTN_MMA_COLUMNS * MANY.groups)
        return mma_kernel<F, DK, DV, MANY.groups, MANY.split, MANY.kv_tile>;
    return nullptr;
}

template <class F, int MATRIX> static attn_entry mma_instance_of(const struct attn_plan *plan)
{
    const struct attn_head_size *size = attn_head_size(plan->head_size);
    if (!size)
        return nullptr;
#define X(dk, dv)                           \
    if (size->d_k == dk && size->d_v == dv) \
        return mma_instance_of_columns<F, MATRIX, dk, dv>(plan->columns);
    ATTN_MMA_HEAD_SIZES(X)
#undef X
    return nullptr;
}

/* The instance of a family, MATRIX of enum attn_matrix, that a plan runs. */
template <template <class> class FAMILY, int MATRIX> static attn_entry mma_instance(const struct attn_plan *plan)
{
    return plan->arithmetic.p_type == ATTN_BF16 ? mma_instance_of<FAMILY<mma_bf16>, MATRIX>(plan)
                                                : mma_instance_of<FAMILY<mma_f16>, MATRIX>(plan);
}

#endif
