/* tile.h: the kernel of tile.hip as a template. Attention for every known head size with LDS tiles, f32 arithmetic
 * and no matrix core.
 *
 * A workgroup computes COLUMNS columns (see row.h) of one KV head against its split of the keys, KV_TILE keys at a
 * time. Threads form groups of 16; group g owns columns g * PER_GROUP ..., in both halves of the work:
 *   scores: a thread has KEYS keys (lane, lane + 16, ...) x PER_GROUP columns, Q and K come from LDS, K in chunks of
 *           K_WIDTH elements of the head;
 *   output: a thread has four elements of the head at a time (4 * lane, 4 * (lane + 16), ...) x PER_GROUP columns;
 *           V comes from LDS, V_KEYS rows at a time.
 * So the running maximum of a column and the factors that rescale its output are in the registers of the threads
 * that need them: 16 lanes share them by one reduction a tile, and nothing here depends on the wave size.
 * K and V pass through one LDS buffer, decoded to f32 on the way (stage_rows), so each element is decoded once
 * for all columns.
 *
 * Excluded keys (mask -inf, past the end of the split) get weight zero by selection. Rows of V that are excluded for
 * all of the workgroup's columns are replaced by zeros, so that what dead cells hold is never multiplied.
 *
 * A head that is smaller than the instance's has zeros behind each row: nothing is read or stored past its end.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_TILE_H
#define ATTN_TILE_H

#include "kernels/dequant.h"
#include "kernels/work.h"
#include "kernels/helpers/scanned.h"
#include "planner/contracts/shapes.h"

constexpr int TILE_LANES = ATTN_TILE_LANES;

__host__ __device__ constexpr int tile_ceil(int a, int b) { return (a + b - 1) / b; }
__host__ __device__ constexpr int tile_min(int a, int b) { return a < b ? a : b; }

template <int D_K, int D_V, int TILE_COLUMNS> struct tile_shape {
    static constexpr int DK = D_K, DV = D_V, COLUMNS = TILE_COLUMNS;
    static constexpr int THREADS = attn_tile_threads(COLUMNS);
    static constexpr int KV_TILE = attn_tile_kv_tile(COLUMNS);
    static constexpr int GROUPS = THREADS / TILE_LANES;
    static constexpr int PER_GROUP = attn_tile_columns_of_thread(COLUMNS);
    static constexpr int KEYS = KV_TILE / TILE_LANES;           /* keys of a thread */
    static constexpr int QUADS = tile_ceil(DV, 4 * TILE_LANES); /* fours of output elements of a thread */

    static constexpr int Q_PITCH = DK + ATTN_TILE_PAD;
    static constexpr int BUFFER = attn_tile_buffer(DV, COLUMNS);
    static constexpr int K_CHUNKS = tile_ceil(DK, ATTN_TILE_CHUNK);
    static constexpr int K_WIDTH = 8 * tile_ceil(DK / 8, K_CHUNKS);
    static constexpr int K_PITCH = K_WIDTH + ATTN_TILE_PAD;
    static constexpr int V_PITCH = DV + ATTN_TILE_PAD;
    static constexpr int V_KEYS = tile_min(KV_TILE, BUFFER / V_PITCH / 4 * 4);
    static constexpr int P_PITCH = attn_tile_weights(COLUMNS);

    static_assert(DK % 8 == 0 && DV % 8 == 0, "rows are read by eight elements");
    static_assert(PER_GROUP * GROUPS == COLUMNS, "columns are shared out evenly");
    static_assert(V_KEYS >= 4, "weights are read four keys at a time");
};

template <class S> struct alignas(16) tile_lds {
    float q[S::COLUMNS * S::Q_PITCH];
    float kv[S::BUFFER];
    float p[S::COLUMNS * S::P_PITCH]; /* weights, keys side by side */
    /* For each lane and group a byte: bit i says that key lane + 16 * i lives for one of the group's columns. Two, by
     * turns: one tile's may still be read while the next one's is written. */
    uint8_t live[2][TILE_LANES * S::GROUPS];
};

/* Does key number `key` of the tile live for any column of the workgroup? */
template <int GROUPS> static __device__ __forceinline__ bool tile_key_lives(const uint8_t *live, int key)
{
    const uint8_t *flags = live + key % TILE_LANES * GROUPS;
    if constexpr (GROUPS == 8)
        return (simt_load<uint64_t>(flags) >> (key / TILE_LANES) & 0x0101010101010101u) != 0;
    else
        return (simt_load<uint32_t>(flags) >> (key / TILE_LANES) & 0x01010101u) != 0;
}

/* Does any key of the tile? */
template <int GROUPS> static __device__ __forceinline__ bool tile_any_lives(const uint8_t *live)
{
    uint32_t any = 0;
#pragma unroll
    for (int i = 0; i < TILE_LANES * GROUPS; i += 16) {
        const simt_u32x4 flags = simt_load<simt_u32x4>(live + i);
        any |= flags.x | flags.y | flags.z | flags.w;
    }
    return any != 0;
}

/* Decodes rows first .. first + rows - 1 of a tile, the elements from d on that `pieces` times eight are, to LDS rows
 * `pitch` floats apart. most: pieces of a full row, what the threads are dealt out by. A row that does not exist (from
 * `exist` on) or, given live flags, does not live becomes zeros, and so does what is past the end of a row, whose
 * elements are `width`. */
template <int THREADS, int GROUPS, class LOADER>
static __device__ __forceinline__ void tile_stage(float *buffer, int pitch, const char *tile, int64_t row_bytes,
                                                  int first, int rows, int exist, int d, int width, int pieces,
                                                  int most, const uint8_t *live)
{
    const int all = rows * most, real = (width - d) / 8; /* pieces before the row's end */
    /* Else the offsets of every type's first row are computed ahead of all loops and fill the registers. */
    const int thread = simt_opaque((int)threadIdx.x);
#pragma unroll 2
    for (int i = thread; i < all; i += THREADS) {
        const int row = i / most, piece = i % most;
        if (piece >= pieces)
            continue;
        const int key = first + row;
        float out[8] = { 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f };
        if (key < exist && piece < real && (!live || tile_key_lives<GROUPS>(live, key)))
            LOADER::decode(LOADER::fetch(tile + key * row_bytes, d + 8 * piece), out);
        float *to = buffer + row * pitch + 8 * piece;
        simt_store<simt_f32x4>(to, simt_make_f32x4(out[0], out[1], out[2], out[3]));
        simt_store<simt_f32x4>(to + 4, simt_make_f32x4(out[4], out[5], out[6], out[7]));
    }
}

/* The same for the run-time type. */
template <int THREADS, int GROUPS>
static __device__ SIMT_GPU_INLINE void tile_stage_any(int type, bool wide, float *buffer, int pitch, const char *tile,
                                                      int64_t row_bytes, int first, int rows, int exist, int d,
                                                      int width, int pieces, int most, const uint8_t *live)
{
    attn_with_loader(type, wide, [&](auto loader) {
        tile_stage<THREADS, GROUPS, decltype(loader)>(buffer, pitch, tile, row_bytes, first, rows, exist, d, width,
                                                      pieces, most, live);
    });
}

static __device__ __forceinline__ float tile_dot(simt_f32x4 a, simt_f32x4 b, float sum)
{
    sum = simt_fma(a.x, b.x, sum);
    sum = simt_fma(a.y, b.y, sum);
    sum = simt_fma(a.z, b.z, sum);
    return simt_fma(a.w, b.w, sum);
}

/* Scores of the thread's keys FIRST .. LAST - 1, from one chunk of K. k: the row of its first key. */
template <class S, int FIRST, int LAST>
static __device__ __forceinline__ void tile_scores(const float *q, const float *k, int width,
                                                   float (&s)[S::KEYS][S::PER_GROUP])
{
#pragma unroll 2
    for (int d = 0; d < width; d += 4) {
        simt_f32x4 qd[S::PER_GROUP];
#pragma unroll
        for (int c = 0; c < S::PER_GROUP; c++)
            qd[c] = simt_load<simt_f32x4>(q + c * S::Q_PITCH + d);
#pragma unroll
        for (int i = FIRST; i < LAST; i++) {
            const simt_f32x4 kd = simt_load<simt_f32x4>(k + i * TILE_LANES * S::K_PITCH + d);
#pragma unroll
            for (int c = 0; c < S::PER_GROUP; c++)
                s[i][c] = tile_dot(kd, qd[c], s[i][c]);
        }
    }
}

/* The columns of a thread's group. */
template <class S> struct tile_columns {
    attn_column at[S::PER_GROUP];
    const char *mask[S::PER_GROUP];
    float slope[S::PER_GROUP];
};

template <class S>
static __device__ __forceinline__ void tile_find_columns(const attn_args &a, const attn_work &work, int group,
                                                         int count, tile_columns<S> &own)
{
#pragma unroll
    for (int c = 0; c < S::PER_GROUP; c++) {
        const int column = group * S::PER_GROUP + c;
        own.at[c] = attn_column_at(a, work.kv_head, work.first + (column < count ? column : 0));
        own.mask[c] = attn_mask_row(a, own.at[c], work.seq);
        own.slope[c] = attn_slope(a, own.at[c].head);
    }
}

/* Q to LDS: THREADS / COLUMNS neighbouring threads read one column. */
template <class S>
static __device__ __forceinline__ void tile_load_q(const attn_args &a, const attn_work &work, int thread, int count,
                                                   float *lds)
{
    using LOADER = attn_loader<ATTN_F32, false>;
    constexpr int SHARE = S::THREADS / S::COLUMNS;
    const int column = thread / SHARE;
    const attn_column at = attn_column_at(a, work.kv_head, work.first + (column < count ? column : 0));
    const char *q = attn_q_row(a, at, work.seq);
    for (int d = thread % SHARE * 8; d < S::DK; d += SHARE * 8) {
        float out[8] = { 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f };
        if (column < count && d < a.d_k)
            LOADER::decode(LOADER::fetch(q, d), out);
        float *to = lds + column * S::Q_PITCH + d;
        simt_store<simt_f32x4>(to, simt_make_f32x4(out[0], out[1], out[2], out[3]));
        simt_store<simt_f32x4>(to + 4, simt_make_f32x4(out[4], out[5], out[6], out[7]));
    }
}

/* Which of the thread's keys of a tile are open: bit i * PER_GROUP + c, and what their masks add. lives: bit i for a
 * key that is for any column. */
template <class S>
static __device__ __forceinline__ uint32_t tile_open(const attn_args &a, const tile_columns<S> &own, int lane,
                                                     int group, int count, int64_t key0, int keys,
                                                     float (&bias)[S::KEYS][S::PER_GROUP], uint32_t &lives)
{
    constexpr int PER_GROUP = S::PER_GROUP;
    uint32_t open = 0;
    lives = 0;
#pragma unroll
    for (int i = 0; i < S::KEYS; i++) {
        const int key = lane + TILE_LANES * i;
#pragma unroll
        for (int c = 0; c < PER_GROUP; c++) {
            bias[i][c] = 0.0f;
            if (key >= keys || group * PER_GROUP + c >= count)
                continue;
            if (a.mask.data) {
                const uint16_t bits = simt_load<uint16_t>(own.mask[c] + 2 * (key0 + key));
                if (bits == ATTN_MASK_EXCLUDES)
                    continue;
                bias[i][c] = own.slope[c] * simt_f16_to_f32(bits);
            }
            open |= 1u << (i * PER_GROUP + c);
            lives |= 1u << i;
        }
    }
    return open;
}

/* Dot products of a tile, of which `keys` keys exist: K passes through LDS chunk by chunk. q: the group's first column.
 * All threads arrive. */
template <class S>
static __device__ __forceinline__ void tile_dot_products(const attn_args &a, const char *k_tile, int keys, int lane,
                                                         bool busy, const float *q, float *buffer,
                                                         float (&score)[S::KEYS][S::PER_GROUP])
{
    constexpr int KEYS = S::KEYS;
#pragma unroll
    for (int i = 0; i < KEYS; i++)
#pragma unroll
        for (int c = 0; c < S::PER_GROUP; c++)
            score[i][c] = 0.0f;
    const int k_rows = tile_ceil(keys, TILE_LANES) * TILE_LANES;
    for (int d = 0; d < S::DK; d += S::K_WIDTH) {
        const int width = tile_min(S::K_WIDTH, S::DK - d);
        if (d > 0)
            __syncthreads();
        tile_stage_any<S::THREADS, S::GROUPS>(a.type_k, a.load_k >= 16, buffer, S::K_PITCH, k_tile, a.k.nb1, 0, k_rows,
                                              keys, d, (int)a.d_k, width / 8, S::K_WIDTH / 8, 0);
        __syncthreads();
        if (!busy)
            continue;
        const float *k = buffer + lane * S::K_PITCH;
        if (k_rows == S::KV_TILE) {
            tile_scores<S, 0, KEYS>(q + d, k, width, score);
        } else {
            tile_scores<S, 0, 1>(q + d, k, width, score);
            if constexpr (KEYS > 2) {
                if (k_rows > TILE_LANES)
                    tile_scores<S, 1, 2>(q + d, k, width, score);
                if (k_rows > 2 * TILE_LANES)
                    tile_scores<S, 2, 3>(q + d, k, width, score);
            }
        }
    }
}

/* A tile's step of the online softmax: the weights go to LDS (p: the thread's key of the group's first column), max,
 * sum (of the thread's own keys) and acc move on to the new maximum. */
template <class S>
static __device__ __forceinline__ void
tile_softmax(const attn_args &a, uint32_t open, const float (&bias)[S::KEYS][S::PER_GROUP],
             float (&score)[S::KEYS][S::PER_GROUP], float (&max)[S::PER_GROUP], float (&sum)[S::PER_GROUP],
             simt_f32x4 (&acc)[S::QUADS][S::PER_GROUP], float *p)
{
    constexpr int PER_GROUP = S::PER_GROUP, KEYS = S::KEYS;
    float top[PER_GROUP], factor[PER_GROUP];
#pragma unroll
    for (int c = 0; c < PER_GROUP; c++) {
        top[c] = max[c];
#pragma unroll
        for (int i = 0; i < KEYS; i++) {
            const float value = attn_score(score[i][c], a.scale, a.softcap) + bias[i][c];
            score[i][c] = open >> (i * PER_GROUP + c) & 1u ? value : -SIMT_INFINITY;
            top[c] = simt_max(top[c], score[i][c]);
        }
    }
    simt_reduce_max<TILE_LANES>(top);
#pragma unroll
    for (int c = 0; c < PER_GROUP; c++) {
        factor[c] = max[c] == -SIMT_INFINITY ? 0.0f : simt_exp(max[c] - top[c]);
        max[c] = top[c];
        sum[c] *= factor[c];
#pragma unroll
        for (int i = 0; i < KEYS; i++) {
            const float weight = open >> (i * PER_GROUP + c) & 1u ? simt_exp(score[i][c] - top[c]) : 0.0f;
            sum[c] += weight;
            p[c * S::P_PITCH + TILE_LANES * i] = weight;
        }
#pragma unroll
        for (int i = 0; i < S::QUADS; i++)
            acc[i][c] = simt_mul(acc[i][c], factor[c]);
    }
}

/* Adds a tile's weighted rows of V to the output. p: weights of the group's first column. All threads arrive. */
template <class S>
static __device__ __forceinline__ void tile_output(const attn_args &a, const char *v_tile, int keys, int lane,
                                                   bool busy, const uint8_t *live, const float *p, float *buffer,
                                                   simt_f32x4 (&acc)[S::QUADS][S::PER_GROUP])
{
    constexpr int PER_GROUP = S::PER_GROUP, DV = S::DV;
    for (int k0 = 0; k0 < keys; k0 += S::V_KEYS) {
        const int rows = tile_ceil(tile_min(S::V_KEYS, keys - k0), 4) * 4;
        __syncthreads();
        tile_stage_any<S::THREADS, S::GROUPS>(a.type_v, a.load_v >= 16, buffer, S::V_PITCH, v_tile, a.v.nb1, k0, rows,
                                              keys, 0, (int)a.d_v, DV / 8, DV / 8, live);
        __syncthreads();
        if (!busy)
            continue;
        for (int k = 0; k < rows; k += 4) {
            simt_f32x4 weights[PER_GROUP];
#pragma unroll
            for (int c = 0; c < PER_GROUP; c++)
                weights[c] = simt_load<simt_f32x4>(p + c * S::P_PITCH + k0 + k);
#pragma unroll
            for (int i = 0; i < S::QUADS; i++) {
                const int d = 4 * (lane + TILE_LANES * i);
                if (DV % (4 * TILE_LANES) != 0 && d >= DV)
                    continue;
                const float *v = buffer + k * S::V_PITCH + d;
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    const simt_f32x4 vd = simt_load<simt_f32x4>(v + j * S::V_PITCH);
#pragma unroll
                    for (int c = 0; c < PER_GROUP; c++)
                        acc[i][c] = simt_fma(vd, weights[c][j], acc[i][c]);
                }
            }
        }
    }
}

/* Stores the group's columns into dst, or as the split's partial result. */
template <class S>
static __device__ __forceinline__ void tile_store(const attn_args &a, const tile_columns<S> &own, const attn_keys &keys,
                                                  int64_t seq, int lane, int group, int count,
                                                  const float (&max)[S::PER_GROUP], float (&sum)[S::PER_GROUP],
                                                  const simt_f32x4 (&acc)[S::QUADS][S::PER_GROUP])
{
    simt_reduce_add<TILE_LANES>(sum);
#pragma unroll
    for (int c = 0; c < S::PER_GROUP; c++) {
        if (group * S::PER_GROUP + c >= count)
            continue;
        float factor = 1.0f;
        float *out;
        if (a.splits > 1) {
            const int64_t part = attn_part_at(a, own.at[c], seq, keys.split);
            if (lane == 0) {
                a.meta[2 * part] = max[c];
                a.meta[2 * part + 1] = sum[c];
            }
            if (keys.empty())
                continue;
            out = a.partial + part * a.d_v;
        } else {
            factor = attn_finish_row(a, own.at[c].head, max[c], sum[c]);
            out = attn_dst_row(a, own.at[c], seq);
        }
#pragma unroll
        for (int i = 0; i < S::QUADS; i++) {
            const int d = 4 * (lane + TILE_LANES * i);
            if (d < a.d_v)
                attn_store_f32x4(out + d, simt_mul(acc[i][c], factor));
        }
    }
}

template <int DK, int DV, int COLUMNS>
__global__ __launch_bounds__(attn_tile_threads(COLUMNS)) void tile_kernel(const attn_args a)
{
    using S = tile_shape<DK, DV, COLUMNS>;
    using LDS = tile_lds<S>;
    constexpr int PER_GROUP = S::PER_GROUP;
    static_assert(sizeof(LDS) == attn_tile_lds(DK, DV, COLUMNS), "what the contract asks for");
    SIMT_LDS(LDS, lds);

    const int thread = (int)threadIdx.x;
    const int lane = thread % TILE_LANES, group = thread / TILE_LANES;
    const int64_t columns = attn_columns(a);
    const attn_keys range = attn_keys_of_split(a);
    int turn = 0;

    for (int64_t number = attn_first_item(a.work); number < a.work; number = attn_next_item(number, a.work)) {
        const attn_work work = attn_work_at(a, number, COLUMNS);
        const int count = columns - work.first < COLUMNS ? (int)(columns - work.first) : COLUMNS;
        const bool busy = group * PER_GROUP < count; /* has the thread any column? */
        tile_columns<S> own;
        tile_find_columns<S>(a, work, group, count, own);
        if (!range.empty()) /* its last readers are behind a barrier */
            tile_load_q<S>(a, work, thread, count, lds.q);

        const char *k_head = attn_head_rows(a.k, work), *v_head = attn_head_rows(a.v, work);
        float max[PER_GROUP], sum[PER_GROUP]; /* sum: of the thread's own keys */
        simt_f32x4 acc[S::QUADS][PER_GROUP];
#pragma unroll
        for (int c = 0; c < PER_GROUP; c++) {
            max[c] = -SIMT_INFINITY;
            sum[c] = 0.0f;
#pragma unroll
            for (int i = 0; i < S::QUADS; i++)
                acc[i][c] = simt_splat_f32x4(0.0f);
        }

        for (int64_t key0 = range.begin; key0 < range.end; key0 += S::KV_TILE) {
            if (a.scan && attn_scanned_tile(a, work.kv_head, work.seq, work.first / a.gqa,
                                            (work.first + count - 1) / a.gqa, key0 / S::KV_TILE) == ATTN_SCANNED_DEAD)
                continue;
            const int keys = range.end - key0 < S::KV_TILE ? (int)(range.end - key0) : S::KV_TILE;
            uint32_t lives;
            float bias[S::KEYS][PER_GROUP], score[S::KEYS][PER_GROUP];
            const uint32_t open = tile_open<S>(a, own, lane, group, count, key0, keys, bias, lives);

            /* The barrier also says that all threads are done with the tile before. */
            uint8_t *live = 0;
            if (a.mask.data) {
                live = lds.live[turn];
                live[lane * S::GROUPS + group] = (uint8_t)lives;
                turn ^= 1;
            }
            __syncthreads();
            if (live && !tile_any_lives<S::GROUPS>(live))
                continue;

            tile_dot_products<S>(a, k_head + key0 * a.k.nb1, keys, lane, busy, lds.q + group * PER_GROUP * S::Q_PITCH,
                                 lds.kv, score);
            float *const p = lds.p + group * PER_GROUP * S::P_PITCH;
            tile_softmax<S>(a, open, bias, score, max, sum, acc, p + lane);
            tile_output<S>(a, v_head + key0 * a.v.nb1, keys, lane, busy, live, p, lds.kv, acc);
        }
        tile_store<S>(a, own, range, work.seq, lane, group, count, max, sum, acc);
    }
}

#endif
