/* feed.h: how a workgroup of the mma kernel in groups (group.h) brings tiles of K or V to LDS: rows of `ELEMENTS`
 * 16-bit elements, in panels of 64 as sm90.h describes. What a thread copies stays the same from tile to tile, eight
 * elements of each of some rows, so that its addresses are worked out once.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_FEED_H
#define ATTN_MMA_FEED_H

#include "planner/contracts/shapes.h"
#include "kernels/mma/stage.h"

/* Lanes that bring a row of so many elements, eight each. */
constexpr int mma_row_lanes(int width) { return width <= 64 ? 8 : width <= 128 ? 16 : 32; }

/* WIDTH: elements of a row that are read from LDS; those past ELEMENTS are zeros. */
template <int THREADS, int ROWS, int ELEMENTS, int WIDTH> struct mma_feed {
    static constexpr int LANES = mma_row_lanes(WIDTH);
    static constexpr int EACH = THREADS / LANES; /* rows at once */
    static constexpr int PASSES = ROWS / EACH;
    static_assert(ROWS % EACH == 0 && EACH % 8 == 0 && WIDTH <= 256,
                  "all passes alike, and their pieces exchanged alike");

    const char *from; /* the thread's piece of its first row of tile 0 */
    int64_t nb1;
    int to, piece;
    bool wide;

    /* head: the first row; wide: all rows start at multiples of 16 bytes. */
    __device__ __forceinline__ void open(const char *head, int64_t row_bytes, bool wide_rows)
    {
        const int row = (int)threadIdx.x / LANES;
        piece = (int)threadIdx.x % LANES;
        from = head + row * row_bytes + 16 * piece;
        nb1 = row_bytes;
        constexpr mma_tile tile = { THREADS, ROWS, ELEMENTS, WIDTH, ATTN_MMA_PANEL, ROWS * ATTN_MMA_PANEL };
        to = tile.at(row, piece);
        wide = wide_rows;
    }
    /* Copies rows key0 .. of the tile at `lds`, of which the first `exist` exist; the others become zeros. */
    __device__ __forceinline__ void start(uint16_t *lds, int64_t key0, int64_t exist) const
    {
        const char *source = from + key0 * nb1;
        uint16_t *target = lds + to;
        if (8 * piece >= ELEMENTS)
            return;
        if (wide && exist >= ROWS) {
            SIMT_UNROLL
            for (int i = 0; i < PASSES; i++) {
                simt_copy_async<16>(target + i * EACH * 64, source);
                source += EACH * nb1;
            }
            return;
        }
        const int row = (int)threadIdx.x / LANES;
#pragma unroll 1
        for (int i = 0; i < PASSES; i++) {
            simt_u32x4 value = {};
            if (row + i * EACH < exist)
                value = wide ? simt_load<simt_u32x4>(source) : mma_load_narrow(source);
            simt_store<simt_u32x4>(target + i * EACH * 64, value);
            source += EACH * nb1;
        }
    }
    /* Zeros past ELEMENTS. */
    __device__ __forceinline__ void pad(uint16_t *lds) const
    {
        if constexpr (WIDTH > ELEMENTS)
            if (8 * piece >= ELEMENTS && 8 * piece < WIDTH)
                for (int i = 0; i < PASSES; i++)
                    simt_store<simt_u32x4>(lds + to + i * EACH * 64, simt_u32x4{});
    }
};

#endif
