/* stage.h: a tile of rows of 16-bit elements on its way from global memory to LDS, in two steps between which other
 * work is done. `start` may write the LDS already (it does where the hardware copies by itself), `finish` has written
 * all of it; a barrier must come after. Both are for all threads of the workgroup.
 *
 * A thread moves pieces of eight elements, pieces thread, thread + threads, ... of the tile. Rows that do not exist
 * become zeros.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_STAGE_H
#define ATTN_MMA_STAGE_H

#include "kernels/dequant.h"

/* Eight elements at any multiple of an element's size. */
static __device__ __forceinline__ simt_u32x4 mma_load_narrow(const char *p)
{
    uint32_t w[4];
    attn_load_words<4, false, 2>(p, w);
    simt_u32x4 out;
    out.x = w[0];
    out.y = w[1];
    out.z = w[2];
    out.w = w[3];
    return out;
}

/* A tile in LDS: rows of `elements`, `width` of them with the zeros; dealt out to `threads`. Both counts are multiples
 * of eight. Rows lie `pitch` apart, and where `panel` is not 0 they are cut into pieces of 64 elements that lie `panel`
 * apart and are swizzled as sm90.h describes. Constants, once all is inlined. */
struct mma_tile {
    int threads, rows, elements, width, pitch, panel;

    /* Where eight elements of a row begin. */
    __device__ __forceinline__ int at(int row, int piece) const
    {
        return row * pitch + (panel != 0 ? piece / 8 * panel + ((piece ^ row) & 7) * 8 : 8 * piece);
    }
};

/* OWN: pieces of a thread, at most. */
template <int OWN, bool ASYNC> struct mma_stage {
    /* More pieces than this would cost too many registers: they are copied when they are started. */
    static constexpr bool HELD = !ASYNC && OWN <= 4;

    simt_u32x4 held[HELD ? OWN : 1];

    /* tile: its first row; exist: rows from there on, perhaps more than the tile's. head: elements that a row
     * has in memory, perhaps fewer than the tile's: in place of the others its last eight are there once more, which Q
     * has zeros for. wide: rows start at multiples of 16 bytes. */
    __device__ SIMT_GPU_INLINE void start(const mma_tile t, uint16_t *lds, const char *tile, int64_t row_bytes,
                                          bool wide, int64_t exist, int head)
    {
        const int rows = exist < t.rows ? (int)exist : t.rows;
        const int most = t.width / 8, all = t.rows * most, last = head / 8 - 1;
        /* Else the offsets of all pieces are worked out ahead of all loops and fill the registers. */
        const int thread = simt_opaque((int)threadIdx.x);
        if constexpr (ASYNC) {
            if (wide) {
                SIMT_UNROLL
                for (int i = 0; i < OWN; i++) {
                    const int n = thread + i * t.threads, row = n / most, piece = n % most;
                    if (n >= all)
                        break;
                    const bool exists = row < rows && 8 * piece < t.elements;
                    simt_copy_async_or_zero<16>(
                        lds + t.at(row, piece),
                        exists ? tile + row * row_bytes + 16 * (piece < last ? piece : last) : tile, exists);
                }
                return;
            }
        }
        SIMT_UNROLL
        for (int i = 0; i < OWN; i++) {
            const int n = thread + i * t.threads, row = n / most, piece = n % most;
            simt_u32x4 value = {};
            if (n < all && row < rows && 8 * piece < t.elements) {
                const char *from = tile + row * row_bytes + 16 * (piece < last ? piece : last);
                value = wide ? simt_load<simt_u32x4>(from) : mma_load_narrow(from);
            }
            if constexpr (HELD)
                held[i] = value;
            else if (n < all)
                simt_store<simt_u32x4>(lds + t.at(row, piece), value);
        }
    }

    __device__ SIMT_GPU_INLINE void finish(const mma_tile t, uint16_t *lds)
    {
        if constexpr (ASYNC)
            simt_copy_wait_all();
        if constexpr (HELD) {
            const int most = t.width / 8, all = t.rows * most;
            SIMT_UNROLL
            for (int i = 0; i < OWN; i++) {
                const int n = (int)threadIdx.x + i * t.threads;
                if (n < all)
                    simt_store<simt_u32x4>(lds + t.at(n / most, n % most), held[i]);
            }
        }
    }
};

/* Overwrites the rows of a tile that are bits of `dead` with zeros. */
static __device__ SIMT_GPU_INLINE void mma_clear(const mma_tile t, uint16_t *lds, uint64_t dead)
{
    const int most = t.width / 8, all = t.rows * most;
#pragma unroll 1
    for (int n = (int)threadIdx.x; n < all; n += t.threads)
        if (dead >> (n / most) & 1)
            simt_store<simt_u32x4>(lds + t.at(n / most, n % most), simt_u32x4{});
}

#endif
