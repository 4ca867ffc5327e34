/* scan.hip: which KV tiles hold an open key for a block of query rows, so that main kernels can pass over the rest
 * without reading the mask once for each head; and which hold nothing but zeros, so that they need not read it at all.
 *
 * A flag a group of 32 lanes: scan_out[mask sequence][mask head][query block][KV tile]. Lanes read neighbouring
 * keys. The mask may be larger than n_q x n_kv; what lies beyond is not looked at.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/helpers/scanned.h"
#include "planner/contracts/shapes.h"

namespace
{

constexpr int LANES = ATTN_SCAN_LANES;

__global__ __launch_bounds__(ATTN_SCAN_THREADS) void scan_kernel(const attn_args a)
{
    const int groups = (int)blockDim.x / LANES;
    const int group = (int)threadIdx.x / LANES, lane = (int)threadIdx.x % LANES;
    const int64_t flags = a.mask_seqs * a.mask_heads * a.scan_q_blocks * a.scan_kv_tiles;

    const int64_t step = (int64_t)gridDim.x * groups;

    for (int64_t first = simt_next_item((int64_t)blockIdx.x * groups, step, flags); first < flags;
         first = simt_next_item(first + step, step, flags)) {
        const int64_t flag = first + group;
        const bool mine = flag < flags && simt_is_item(flag);
        bool open = false, other = false; /* other: anything but zero */
        if (mine) {
            int64_t tile, block, head, seq, rest;
            attn_divide(flag, a.scan_kv_tiles, rest, tile);
            attn_divide(rest, a.scan_q_blocks, rest, block);
            attn_divide(rest, a.mask_heads, seq, head);
            const int64_t q_begin = block * a.scan_q, begin = tile * a.kv_tile;
            const int64_t q_end = q_begin + a.scan_q < a.n_q ? q_begin + a.scan_q : a.n_q;
            const int64_t end = begin + a.kv_tile < a.n_kv ? begin + a.kv_tile : a.n_kv;
            const char *plane = a.mask.data + head * a.mask.nb2 + seq * a.mask.nb3;
            for (int64_t iq = q_begin; iq < q_end && !(open && other); iq++)
                for (int64_t key = begin + lane; key < end; key += LANES) {
                    const uint16_t bits = simt_load<uint16_t>(plane + iq * a.mask.nb1 + 2 * key);
                    open |= bits != ATTN_MASK_EXCLUDES;
                    other |= bits != 0;
                }
        }
        float any[2] = { open ? 1.0f : 0.0f, other ? 1.0f : 0.0f };
        simt_reduce_max<LANES>(any);
        if (lane == 0 && mine)
            a.scan_out[flag] = any[0] == 0.0f  ? ATTN_SCANNED_DEAD
                               : any[1] > 0.0f ? ATTN_SCANNED_MIXED
                                               : ATTN_SCANNED_ZERO;
    }
}

} /* namespace */

extern "C" attn_entry SIMT_ENTRY(scan)(const struct attn_plan *) { return scan_kernel; }
