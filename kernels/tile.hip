/* tile.hip: the instances of the tile kernel (tile.h) and which of them a plan runs.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/tile.h"

template <int DK, int DV> static attn_entry instance(int columns)
{
    if (columns == ATTN_TILE_COLUMNS_FEW)
        return tile_kernel<DK, DV, ATTN_TILE_COLUMNS_FEW>;
    if (columns == attn_tile_columns_most(DK))
        return tile_kernel<DK, DV, attn_tile_columns_most(DK)>;
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
