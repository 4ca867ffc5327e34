/* shapes.h: the shapes of the kernels' tiles, once: contracts (kernel_*.c) plan with them, kernels (kernels/, C++ for
 * host and GPUs) are made of them, and hold the sizes of LDS below against sizeof of what they declare.
 *
 * The words are the plan's: a column is a (query row, query head) pair of one KV head, a KV tile so many keys.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SHAPES_H
#define ATTN_SHAPES_H

#include "planner/attn_planner.h"

#if defined(__CUDACC__)
#define ATTN_SHAPE __host__ __device__ constexpr
#elif defined(__cplusplus)
#define ATTN_SHAPE constexpr
#else
#define ATTN_SHAPE static inline
#endif

ATTN_SHAPE int64_t attn_shape_ceil(int64_t a, int64_t b) { return (a + b - 1) / b; }
ATTN_SHAPE int64_t attn_shape_round_up(int64_t a, int64_t to) { return attn_shape_ceil(a, to) * to; }
ATTN_SHAPE int64_t attn_shape_min(int64_t a, int64_t b) { return a < b ? a : b; }
ATTN_SHAPE int64_t attn_shape_max(int64_t a, int64_t b) { return a > b ? a : b; }

/* ---- Helpers and naive: threads of a workgroup, LDS, query rows of a scan block --------------------------------- */

enum {
    ATTN_CONVERT_THREADS = 256,
    ATTN_SCAN_THREADS = 64,
    ATTN_SCAN_LANES = 32, /* that find a flag together */
    ATTN_SCAN_Q = 16,
    ATTN_COPY_LINE = 128, /* bytes: what NVIDIA's copies to LDS fetch at once, see below */
    ATTN_COMBINE_THREADS = 64,
    ATTN_COMBINE_PIECE = 2 * ATTN_COMBINE_THREADS, /* elements of a row that a workgroup merges */
    ATTN_COMBINE_LDS = 2 * 4 * ATTN_COMBINE_THREADS,
    ATTN_NAIVE_THREADS = 64,
    ATTN_NAIVE_LDS = 2 * 4 * ATTN_NAIVE_THREADS
};

ATTN_SHAPE int64_t attn_combine_pieces(int64_t d_v) { return attn_shape_ceil(d_v, ATTN_COMBINE_PIECE); }

/* ATTN_COPY_LINE: where 128 bytes of global memory come to lie across a boundary of 128 bytes in LDS, they are asked
 * for in several parts, and those 32 of them that lie across one of 32 bytes twice: with rows 16 bytes off, an H200's
 * L2 moved the double of what was read. In any order within a line of LDS they are one request. */

/* ---- tile -------------------------------------------------------------------------------------------------------- */

enum {
    ATTN_TILE_COLUMNS_FEW = 4,
    ATTN_TILE_LANES = 16, /* threads that share a column */
    ATTN_TILE_CHUNK = 64, /* elements of K's rows that are in LDS at once, at most */
    ATTN_TILE_PAD = 4     /* floats more than a row has: rows read at one offset then hit different banks */
};

/* The most columns that there is an instance with. */
ATTN_SHAPE int32_t attn_tile_columns_most(int64_t d_k) { return d_k > 320 ? 8 : 16; }
ATTN_SHAPE int32_t attn_tile_threads(int64_t columns) { return columns == 16 ? 128 : 64; }
ATTN_SHAPE int32_t attn_tile_kv_tile(int64_t columns) { return columns == ATTN_TILE_COLUMNS_FEW ? 32 : 64; }
ATTN_SHAPE int32_t attn_tile_columns_of_thread(int64_t columns)
{
    return (int32_t)(columns * ATTN_TILE_LANES / attn_tile_threads(columns));
}
/* Floats of the buffer that K and V pass through (of V four rows at least), and from one column's weights to the next
 * one's. */
ATTN_SHAPE int32_t attn_tile_buffer(int64_t d_v, int64_t columns)
{
    return (int32_t)attn_shape_max(attn_tile_kv_tile(columns) * (ATTN_TILE_CHUNK + ATTN_TILE_PAD),
                                   4 * (d_v + ATTN_TILE_PAD));
}
ATTN_SHAPE int32_t attn_tile_weights(int64_t columns)
{
    return attn_tile_kv_tile(columns) + 16 / attn_tile_columns_of_thread(columns);
}
/* Static LDS: Q, the buffer, weights, live flags. */
ATTN_SHAPE int64_t attn_tile_lds(int64_t d_k, int64_t d_v, int64_t columns)
{
    return 4 * (columns * (d_k + ATTN_TILE_PAD) + attn_tile_buffer(d_v, columns) +
                columns * attn_tile_weights(columns)) +
           2 * attn_tile_threads(columns);
}

/* ---- vec --------------------------------------------------------------------------------------------------------- */

enum {
    ATTN_VEC_WAVES = 4,
    ATTN_VEC_STAGED_MOST = 256, /* the largest head whose rows go through LDS: a lane holds eight elements */
    ATTN_VEC_SLOTS = 2,         /* chunks of rows of a wave that are on their way or in use */
    ATTN_VEC_SLOT_BYTES = 32 * 8 * 34,
    ATTN_VEC_Q8_PARTS = 2 /* in which Q goes where bytes are multiplied */
};

/* X(D): the head sizes, of K and V alike, that there are instances for. */
#define ATTN_VEC_HEAD_SIZES(X) X(64) X(128) X(256) X(512)
/* X(COLUMNS): of an instance. */
#define ATTN_VEC_COLUMNS(X) X(1) X(2) X(4) X(8)

/* The most columns of an instance: where a row of K has 16 elements for each lane, eight would leave no registers. */
ATTN_SHAPE int32_t attn_vec_columns_most(int64_t wave_size, int64_t d) { return d > 8 * wave_size ? 4 : 8; }

/* Columns that are merged at once. */
ATTN_SHAPE int32_t attn_vec_round(int64_t columns) { return columns < 2 ? 1 : 2; }

/* Floats of a wave: the weights of two tiles or, later, its part of the output of a round's columns. A wave has at
 * least eight elements of the output for each lane: short rows are held several times. */
ATTN_SHAPE int64_t attn_vec_wave_floats(int64_t wave_size, int64_t d, int64_t columns)
{
    return attn_shape_max(2 * wave_size * columns, attn_vec_round(columns) * attn_shape_max(8 * wave_size, d));
}

/* Static LDS: maximum and sum of each wave and column; what waves have. */
ATTN_SHAPE int64_t attn_vec_lds(int64_t wave_size, int64_t d, int64_t columns)
{
    return 4 * (2 * ATTN_VEC_WAVES * columns + ATTN_VEC_WAVES * attn_vec_wave_floats(wave_size, d, columns));
}

/* The same where rows go through LDS: of each wave and column maximum, sum, and one number for each key of two tiles;
 * for each column Q in 16 bits, which is eight words of either part and a step for each block of 32, a slope and a
 * pointer. The rows follow, on a line's boundary. */
ATTN_SHAPE int64_t attn_vec_staged_lds(int64_t d, int64_t columns)
{
    return attn_shape_round_up(
        attn_shape_round_up(
            4 * columns * (2 * ATTN_VEC_WAVES + ATTN_VEC_WAVES * 2 * 32 + d / 32 * (ATTN_VEC_Q8_PARTS * 8 + 1) + 1),
            8) +
            8 * columns,
        ATTN_COPY_LINE);
}

/* What multiplies the rows there: lanes, the matrix instruction for bytes, or that for 16 bits. */
enum attn_vec_staged { ATTN_VEC_BY_LANES, ATTN_VEC_BY_BYTES, ATTN_VEC_BY_MATRIX };

/* Workgroups of a compute unit that their instances are held to, by registers. */
ATTN_SHAPE int32_t attn_vec_resident(enum attn_vec_staged by, int64_t d, int64_t columns)
{
    return by == ATTN_VEC_BY_BYTES && columns <= 4 ? 4 : by == ATTN_VEC_BY_MATRIX && columns > 4 && d > 128 ? 2 : 3;
}

/* Rows of a chunk that is copied to LDS at once. */
ATTN_SHAPE int32_t attn_vec_chunk_rows(int64_t row_bytes)
{
    int32_t rows = 32;
    while (rows * row_bytes > ATTN_VEC_SLOT_BYTES)
        rows /= 2;
    return rows;
}

/* ---- mma --------------------------------------------------------------------------------------------------------- */

enum {
    ATTN_MMA_COLUMNS = 16,     /* of a group of waves */
    ATTN_MMA_GROUP_MOST = 256, /* the largest head of warpgroups */
    ATTN_MMA_WHOLE_MOST = 128, /* and of those that mma.sync does not split over waves */
    ATTN_MMA_PANEL = 64,       /* elements of panels of rows in LDS */
    ATTN_MMA_STAGES = 3,       /* tiles that are in use or on their way, where they are copied ahead */
    ATTN_MMA_STEP = 16,        /* elements of a head, or keys, that are multiplied in one step */
    ATTN_MMA_PAD = 8,     /* elements more than a row has, where rows are padded: neighbours start in different banks */
    ATTN_MMA_Q_PARTS = 2, /* how Q and the softmax weights are cut: kernels/mma/element.h */
    ATTN_MMA_Q_SHIFT_F16 = 14,
    ATTN_MMA_P_SHIFT_F16 = 15,
    ATTN_MMA_P_PARTS_BF16 = 2
};

/* X(D_K, D_V): the head sizes that there are instances for. */
#define ATTN_MMA_HEAD_SIZES(X) \
    X(64, 64)                  \
    X(80, 80)                  \
    X(96, 96)                  \
    X(112, 112) X(128, 128) X(192, 128) X(192, 192) X(256, 256) X(320, 256) X(512, 512) X(576, 512)

/* An instance: groups of 16 columns, waves that each group's head is split over, keys of a tile; where LDS is dynamic,
 * tiles of K, and of V, in LDS or on their way there. Dynamic it is of warpgroups (kernels/mma/group.h) and with tiles
 * copied ahead (kernels/mma/ahead.h). */
struct attn_mma_shape {
    int32_t groups, split, kv_tile;
    bool warpgroups;
    int32_t stages;
};

ATTN_SHAPE bool attn_mma_dynamic(struct attn_mma_shape s) { return s.stages > 0; }
ATTN_SHAPE bool attn_mma_is_ahead(struct attn_mma_shape s) { return s.stages > 0 && !s.warpgroups; }

/* Few columns: 16, and the head is split over four waves, eight for heads above 256. */
ATTN_SHAPE struct attn_mma_shape attn_mma_few(int64_t d_k)
{
    struct attn_mma_shape few = { 1, d_k > 256 ? 8 : 4, d_k > 256 ? 16 : 32, false, 0 };
    return few;
}

/* Many columns, by the family's row; heads above 256 have few columns only. */
ATTN_SHAPE struct attn_mma_shape attn_mma_many(int matrix, int64_t d_k)
{
    struct attn_mma_shape s = attn_mma_few(d_k);
    if (d_k > 256)
        return s;
#define X(NAME, name, wave, base, rate, share, groups_128, split_128, kv_tile_128, groups_256, split_256, kv_tile_256) \
    if (matrix == ATTN_MATRIX_##NAME) {                                                                                \
        s.groups = d_k <= 128 ? groups_128 : groups_256;                                                               \
        s.split = d_k <= 128 ? split_128 : split_256;                                                                  \
        s.kv_tile = d_k <= 128 ? kv_tile_128 : kv_tile_256;                                                            \
    }
    ATTN_MATRICES(X)
#undef X
    return s;
}

/* In warpgroups: two of four waves. The largest heads leave LDS for one tile of K and one of V. */
ATTN_SHAPE struct attn_mma_shape attn_mma_group(int64_t d_k)
{
    struct attn_mma_shape s = { 8, 1, 64, true, d_k > 192 ? 1 : 2 };
    return s;
}

/* On NVIDIA, of heads that are split over waves, with tiles ahead: 32 columns, so that K and V are read half as
 * often as by 16, and two tiles on their way while a third is worked on. */
ATTN_SHAPE struct attn_mma_shape attn_mma_ahead(int64_t d_k)
{
    struct attn_mma_shape s = { 2, d_k > 256 ? 4 : 2, 32, false, ATTN_MMA_STAGES };
    return s;
}

/* Lanes that share a column of scores. */
ATTN_SHAPE int32_t attn_mma_share(int matrix)
{
    int32_t lanes = 1;
#define X(NAME, name, wave, base, rate, share, ...) \
    if (matrix == ATTN_MATRIX_##NAME)               \
        lanes = share;
    ATTN_MATRICES(X)
#undef X
    return lanes;
}

/* Products that one instruction adds up: a step's, but for bf16 of waves of 64, which gfx908 multiplies in two. */
ATTN_SHAPE int32_t attn_mma_depth(int64_t wave_size, bool bf16)
{
    return bf16 && wave_size == 64 ? ATTN_MMA_STEP / 2 : ATTN_MMA_STEP;
}

/* LDS. Of waves, static: K and V with padded rows, V's to a multiple of 32 first; the waves' parts of the scores; the
 * keys that live for each wave. With tiles ahead, dynamic: the same with more tiles, whose rows are not padded. Of
 * warpgroups, dynamic: Q in its parts, tiles of K and of V, all in panels; a number for each column; those keys. */
ATTN_SHAPE int64_t attn_mma_lds(struct attn_mma_shape s, int64_t d_k, int64_t d_v)
{
    return s.warpgroups
               ? attn_shape_round_up(
                     2 * (ATTN_MMA_Q_PARTS * ATTN_MMA_COLUMNS * s.groups * attn_shape_round_up(d_k, ATTN_MMA_PANEL) +
                          s.stages * s.kv_tile *
                              (attn_shape_round_up(d_k, ATTN_MMA_PANEL) + attn_shape_round_up(d_v, ATTN_MMA_PANEL))) +
                         4 * ATTN_MMA_COLUMNS * s.groups + 8 * s.groups * s.split,
                     1024)
               : attn_shape_max(s.stages, 1) * 2 * s.kv_tile *
                         (d_k + attn_shape_round_up(d_v, 32) + (s.stages > 0 ? 0 : 2 * ATTN_MMA_PAD)) +
                     4 * (s.split > 1 ? s.groups * s.split * s.kv_tile * ATTN_MMA_COLUMNS : 4) +
                     8 * attn_shape_round_up(s.groups * s.split, 2);
}

#endif
