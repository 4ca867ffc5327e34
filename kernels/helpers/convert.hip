/* convert.hip: a quantised K or V as a dense f16 copy, for main kernels that would decode each element many times.
 *
 * Eight elements a thread at a time, in the order of the copy, so that stores are coalesced; the source may have any
 * strides. What the source broadcasts is extent 1 here and in the copy. Blocks whose scale is so large that an
 * element passes f16's range saturate at its ends.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/dequant.h"
#include "kernels/row.h"
#include "planner/contracts/shapes.h"

namespace
{

__device__ __forceinline__ uint32_t narrow(float x)
{
    return simt_f32_to_f16(simt_min(simt_max(x, -65504.0f), 65504.0f));
}

__global__ __launch_bounds__(ATTN_CONVERT_THREADS) void convert_kernel(const attn_args a)
{
    const int64_t row_pieces = a.source_ne[0] / 8;
    const int64_t pieces = row_pieces * a.source_ne[1] * a.source_ne[2] * a.source_ne[3];
    const int64_t step = (int64_t)gridDim.x * blockDim.x;

    attn_with_loader(a.source_type, false, [&](auto loader) {
        using LOADER = decltype(loader);
        for (int64_t i = simt_next_item((int64_t)blockIdx.x * blockDim.x + threadIdx.x, step, pieces); i < pieces;
             i = simt_next_item(i + step, step, pieces)) {
            int64_t piece, row, head, seq, rest;
            attn_divide(i, row_pieces, rest, piece);
            attn_divide(rest, a.source_ne[1], rest, row);
            attn_divide(rest, a.source_ne[2], seq, head);
            const char *from = a.source.data + row * a.source.nb1 + head * a.source.nb2 + seq * a.source.nb3;
            float x[8];
            LOADER::decode(LOADER::fetch(from, 8 * piece), x);
            simt_u32x4 out;
            out.x = narrow(x[0]) | narrow(x[1]) << 16;
            out.y = narrow(x[2]) | narrow(x[3]) << 16;
            out.z = narrow(x[4]) | narrow(x[5]) << 16;
            out.w = narrow(x[6]) | narrow(x[7]) << 16;
            simt_store<simt_u32x4>(a.target + 16 * i, out);
        }
    });
}

} /* namespace */

extern "C" attn_entry SIMT_ENTRY(convert)(const struct attn_plan *) { return convert_kernel; }
