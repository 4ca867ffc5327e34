/* instances.h: which instances of the mma kernel (mma.h) there are, for the files that compile one family each.
 * planner/contracts/kernel_mma.c chooses by the same numbers.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_INSTANCES_H
#define ATTN_MMA_INSTANCES_H

#include "kernels/mma/mma.h"

/* Few columns: 16, and the head is split over four waves, eight for heads above 256. */
template <class F, int DK, int DV> constexpr attn_entry mma_few()
{
    if constexpr (DK > 256)
        return mma_kernel<F, DK, DV, 1, 8, 16>;
    else
        return mma_kernel<F, DK, DV, 1, 4, 32>;
}

/* How a family cuts many columns: groups of 16 columns, waves a group, keys of a tile, for heads up to 128; waves of
 * each of two groups and keys for those up to 256. Larger heads have few columns only. */
template <int GROUPS, int SPLIT, int KEYS, int SPLIT_256, int KEYS_256> struct mma_shapes {
    template <class F, int DK, int DV> static constexpr attn_entry many()
    {
        if constexpr (DK <= 128)
            return mma_kernel<F, DK, DV, GROUPS, SPLIT, KEYS>;
        else if constexpr (DK <= 256)
            return mma_kernel<F, DK, DV, 2, SPLIT_256, KEYS_256>;
        else
            return nullptr;
    }
};
/* A lane of CDNA has 512 registers, and NVIDIA's operands are compact; RDNA has 256, which Q and the output of a whole
 * head would fill. */
using mma_shapes_cdna = mma_shapes<4, 1, 32, 2, 32>;
using mma_shapes_rdna = mma_shapes<4, 2, 32, 4, 16>;
using mma_shapes_sm80 = mma_shapes<8, 1, 64, 2, 32>;

/* X(D_K, D_V): the known head sizes that there are instances for, those of 64 and more. */
#define MMA_HEAD_SIZES(X) \
    X(64, 64)             \
    X(80, 80) X(96, 96) X(112, 112) X(128, 128) X(192, 128) X(192, 192) X(256, 256) X(320, 256) X(512, 512) X(576, 512)

template <class F, class SHAPES> static attn_entry mma_instance_of(const struct attn_plan *plan)
{
    const struct attn_head_size *size = attn_head_size(plan->head_size);
    if (!size)
        return nullptr;
#define X(dk, dv)                           \
    if (size->d_k == dk && size->d_v == dv) \
        return plan->columns == 16 ? mma_few<F, dk, dv>() : SHAPES::template many<F, dk, dv>();
    MMA_HEAD_SIZES(X)
#undef X
    return nullptr;
}

template <template <class> class FAMILY, class SHAPES> static attn_entry mma_instance(const struct attn_plan *plan)
{
    return plan->arithmetic.p_type == ATTN_BF16 ? mma_instance_of<FAMILY<mma_bf16>, SHAPES>(plan)
                                                : mma_instance_of<FAMILY<mma_f16>, SHAPES>(plan);
}

#endif
