/* stage.h: rows of K and V on their way into LDS, by copies that need no registers while they are under way.
 *
 * A tile's rows are copied in chunks of up to 32 rows and 8704 bytes (32 rows of q8_0 at head size 256), one chunk
 * ahead of the one that is computed with: the two slots of a wave. They lie in LDS without gaps. Rows that are not live
 * are not read; zeros stand for them.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_VEC_STAGE_H
#define ATTN_VEC_STAGE_H

#include "kernels/vec/columns.h"

namespace
{

constexpr int SLOTS = ATTN_VEC_SLOTS;

/* K or V of one KV head. */
struct staged_rows {
    const char *base; /* row 0 */
    int64_t nb1;
    int bytes; /* of a row */
    int rows;  /* of a chunk */
    int piece; /* bytes that start and length of every row are a multiple of: 4, 8 or 16 */

    __device__ __forceinline__ staged_rows(const attn_view &view, const attn_work &work, int row_bytes, int piece_bytes)
        : base(attn_head_rows(view, work)), nb1(view.nb1), bytes(row_bytes), rows(attn_vec_chunk_rows(row_bytes)),
          piece(piece_bytes)
    {
    }
    /* Member by member, which leaves both in registers. */
    static __device__ __forceinline__ staged_rows either(bool first, const staged_rows &a, const staged_rows &b)
    {
        staged_rows t = b;
        t.base = first ? a.base : b.base;
        t.nb1 = first ? a.nb1 : b.nb1;
        t.bytes = first ? a.bytes : b.bytes;
        t.rows = first ? a.rows : b.rows;
        t.piece = first ? a.piece : b.piece;
        return t;
    }
    __device__ __forceinline__ int chunk_bytes() const { return rows * bytes; }
};

static __device__ __forceinline__ int staged_row_bytes(int type, int d)
{
    switch (type) {
#define X(NAME, name, elems, bytes, align, ggml) \
    case ATTN_##NAME: return d / (elems) * (bytes);
        ATTN_TYPES(X)
#undef X
    default: return 0;
    }
}

/* The bytes from `from` to `to`, the lanes side by side. */
template <int PIECE> __device__ __forceinline__ void stage_bytes(char *to, const char *from, int bytes, int lane)
{
#pragma unroll 4
    for (int n = lane * PIECE; n < bytes; n += 32 * PIECE)
        simt_copy_async<PIECE>(to + n, from + n);
}

/* WIDTH pieces of every row, from byte `at` of it on: as many rows at once as there are lanes for. */
template <int PIECE, int WIDTH>
__device__ __forceinline__ void stage_columns(char *to, const char *from, const staged_rows &t, int at, uint32_t live,
                                              int lane)
{
    constexpr int AT_ONCE = 32 / WIDTH;
    const int row = lane / WIDTH;
    at += lane % WIDTH * PIECE;
    to += row * t.bytes + at;
    from += row * t.nb1 + at;
    live >>= row;
#pragma unroll 4
    for (int r = row; r < t.rows; r += AT_ONCE) {
        simt_copy_async_or_zero<PIECE>(to, from, live & 1);
        to += AT_ONCE * t.bytes;
        from += AT_ONCE * t.nb1;
        live >>= AT_ONCE - 1;
        live >>= 1;
    }
}

/* The pieces of all rows from number `at` on: fewer than 2 * WIDTH, whose lower bits are those of `pieces`. */
template <int PIECE, int WIDTH>
__device__ __forceinline__ void stage_rest(char *to, const char *from, const staged_rows &t, int at, int pieces,
                                           uint32_t live, int lane)
{
    if constexpr (WIDTH > 0) {
        if (pieces & WIDTH)
            stage_columns<PIECE, WIDTH>(to, from, t, at * PIECE, live, lane);
        stage_rest<PIECE, WIDTH / 2>(to, from, t, at + (pieces & WIDTH), pieces, live, lane);
    }
}

/* Row by row: dead ones are bits that are not set in live. A row is cut into powers of two of its pieces: 17 of them,
 * as q8_0 has, into 16 of two rows each and one of 32 rows. */
template <int PIECE>
__device__ __forceinline__ void stage_rows(char *to, const char *from, const staged_rows &t, uint32_t live, int lane)
{
    const int pieces = t.bytes / PIECE;
    int at = 0;
#pragma unroll 1
    for (; at + 32 <= pieces; at += 32)
        stage_columns<PIECE, 32>(to, from, t, at * PIECE, live, lane);
    stage_rest<PIECE, 16>(to, from, t, at, pieces, live, lane);
}

/* A number of bytes as a type. */
template <int BYTES> struct piece_of {
    static constexpr int value = BYTES;
};

/* Starts the copy of a chunk, whose first row is number `first` of its KV head. Bit i of live: its row i is read. */
static __device__ SIMT_GPU_INLINE void stage_chunk(char *to, const staged_rows &t, int64_t first, uint32_t live,
                                                   int lane)
{
    const uint32_t all = ~0u >> (32 - t.rows);
    const char *from = t.base + first * t.nb1;
    const bool one_piece = (live & all) == all && t.nb1 == t.bytes; /* of memory, all rows */
    const uintptr_t aligned = one_piece ? (uintptr_t)from : (uintptr_t)t.piece;
    const auto start = [&](auto bytes) __attribute__((always_inline)) {
        constexpr int PIECE = decltype(bytes)::value;
        if (one_piece)
            stage_bytes<PIECE>(to, from, t.rows * t.bytes, lane);
        else
            stage_rows<PIECE>(to, from, t, live, lane);
    };
    if (aligned % 16 == 0)
        start(piece_of<16>());
    else if (aligned % 8 == 0)
        start(piece_of<8>());
    else
        start(piece_of<4>());
}

} // namespace

#endif
