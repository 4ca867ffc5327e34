/* tile.hip: the instances of the tile kernel (tile.h) and which of them a plan runs.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/tile.h"

/* The most columns of an instance: as many as its Q leaves room for in LDS. planner/contracts/kernel_tile.c chooses by
 * the same numbers. */
static constexpr int most_columns(int dk) { return dk > 320 ? 8 : 16; }

template <int DK, int DV> static attn_entry instance(int columns)
{
    if (columns == 4)
        return tile_kernel<DK, DV, 4>;
    if (columns == most_columns(DK))
        return tile_kernel<DK, DV, most_columns(DK)>;
    return nullptr;
}

extern "C" attn_entry SIMT_ENTRY(tile)(const struct attn_plan *plan)
{
    const struct attn_head_size *size = attn_head_size(plan->head_size);
    if (!size)
        return nullptr;
#define X(dk, dv)                           \
    if (size->d_k == dk && size->d_v == dv) \
        return instance<dk, dv>(plan->columns);
    ATTN_HEAD_SIZES(X)
#undef X
    return nullptr;
}
