/* mma_instances.h: which instances of the mma kernel (mma.h) there are, for the files that compile one family each.
 * planner/kernel_mma.c chooses by the same numbers.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_INSTANCES_H
#define ATTN_MMA_INSTANCES_H

#include "mma.h"

/* Few columns: 16, and the head is split over four waves, eight for the largest. */
template <class F, int DK, int DV> constexpr attn_entry mma_few()
{
    if constexpr (DK >= 512)
        return mma_kernel<F, DK, DV, 1, 8, 16>;
    else
        return mma_kernel<F, DK, DV, 1, 4, 32>;
}

/* Many columns: MANY groups of 16 for heads up to 128, two groups of two waves up to 256, none above. */
template <class F, int DK, int DV, int MANY, int KT> constexpr attn_entry mma_many()
{
    if constexpr (DK <= 128)
        return mma_kernel<F, DK, DV, MANY, 1, KT>;
    else if constexpr (DK <= 256)
        return mma_kernel<F, DK, DV, 2, 2, 32>;
    else
        return nullptr;
}

/* X(D_K, D_V): the known head sizes that there are instances for, those of 64 and more. */
#define MMA_HEAD_SIZES(X)                                                                                              \
    X(64, 64) X(80, 80) X(96, 96) X(112, 112) X(128, 128) X(192, 128) X(192, 192) X(256, 256) X(320, 256) X(512, 512)  \
    X(576, 512)

template <class F, int MANY, int KT> static attn_entry mma_instance_of(const struct attn_plan *plan)
{
    const struct attn_head_size *size = attn_head_size(plan->head_size);
    if (!size)
        return nullptr;
#define X(dk, dv)                                                                                                      \
    if (size->d_k == dk && size->d_v == dv)                                                                            \
        return plan->columns == 16 ? mma_few<F, dk, dv>() : mma_many<F, dk, dv, MANY, KT>();
    MMA_HEAD_SIZES(X)
#undef X
    return nullptr;
}

template <template <class> class FAMILY, int MANY, int KT> static attn_entry mma_instance(const struct attn_plan *plan)
{
    return plan->arithmetic.p_type == ATTN_BF16 ? mma_instance_of<FAMILY<mma_bf16>, MANY, KT>(plan)
                                                : mma_instance_of<FAMILY<mma_f16>, MANY, KT>(plan);
}

#endif
