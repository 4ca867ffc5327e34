/* scanned.h: what the scan launch (scan.hip) found out about the mask, as main kernels ask for it.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SCANNED_H
#define ATTN_SCANNED_H

#include "kernels/row.h"

/* What a block of query rows sees of a KV tile. */
enum attn_scanned {
    ATTN_SCANNED_DEAD,  /* every key is excluded */
    ATTN_SCANNED_MIXED, /* some key lives */
    ATTN_SCANNED_ZERO   /* every key lives, and all mask values are zero */
};

/* A flag's place: of a plane (mask sequence and mask head), a block of query rows and a KV tile. */
static __device__ __forceinline__ int64_t attn_scanned_at(const attn_args &a, int64_t plane, int64_t block,
                                                          int64_t kv_tile)
{
    return (plane * a.scan_q_blocks + block) * a.scan_kv_tiles + kv_tile;
}

/* The same for query rows from .. to of the KV head's heads. */
static __device__ __forceinline__ int attn_scanned_tile(const attn_args &a, int64_t kv_head, int64_t s, int64_t from,
                                                        int64_t to, int64_t kv_tile)
{
    const int64_t seq = attn_modulo(s, a.mask_seqs) * a.mask_heads;
    const int64_t heads = a.gqa < a.mask_heads ? a.gqa : a.mask_heads;
    bool dead = true, zero = true;
    for (int64_t h = 0; h < heads; h++) {
        const int64_t plane = seq + attn_modulo(kv_head * a.gqa + h, a.mask_heads);
        for (int64_t qb = from / a.scan_q; qb <= to / a.scan_q; qb++) {
            const int flag = a.scan[attn_scanned_at(a, plane, qb, kv_tile)];
            dead &= flag == ATTN_SCANNED_DEAD;
            zero &= flag == ATTN_SCANNED_ZERO;
        } /* flags of several blocks are on their way together */
        if (!dead && !zero)
            return ATTN_SCANNED_MIXED;
    }
    return dead ? ATTN_SCANNED_DEAD : ATTN_SCANNED_ZERO;
}

/* The same of WAVE tiles ahead at once, a tile a lane: asked for tile after tile, each wave keeps the answers. */
template <int WAVE> struct attn_scanned_ahead {
    int64_t first = -WAVE; /* of the tiles that the bits are of */
    uint64_t dead, zero;

    /* The first tile from `tile` on that is not dead, or `end` or a later one if there is none before; zero: of that
     * tile's mask all values are. All lanes of the wave arrive. */
    __device__ __forceinline__ int64_t find(const attn_args &a, int64_t kv_head, int64_t s, int64_t from, int64_t to,
                                            int lane, int64_t tile, int64_t end, bool &all_zero)
    {
        while (tile < end) {
            if (tile - first >= WAVE) {
                const int found =
                    tile + lane < end ? attn_scanned_tile(a, kv_head, s, from, to, tile + lane) : ATTN_SCANNED_DEAD;
                dead = simt_ballot<WAVE>(found == ATTN_SCANNED_DEAD);
                zero = simt_ballot<WAVE>(found == ATTN_SCANNED_ZERO);
                first = tile;
            }
            const int at = (int)(tile - first);
            const uint64_t live = ~dead >> at & (~(uint64_t)0 >> (64 - WAVE + at));
            if (live != 0) {
                const int bit = at + simt_first_bit(live);
                all_zero = zero >> bit & 1;
                return first + bit;
            }
            tile = first + WAVE;
        }
        return end;
    }
};

#endif
