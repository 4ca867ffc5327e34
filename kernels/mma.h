/* mma.h: attention on matrix cores, the kernel of mma_*.hip as a template. f16 or bf16 operands, f32 sums.
 *
 * A workgroup computes COLUMNS = 16 * WQ columns (see row.h) of one KV head against its split of the keys, KT keys at a
 * time. Its waves form WQ groups of WD; group w owns columns 16 * w .., and in it
 *   scores: each wave has its own part of the head's D_K elements, in steps of 16, and holds that part of Q in registers
 *           all the time; where WD > 1 the waves add up their parts through LDS;
 *   softmax: each wave has all scores of its 16 columns, in the accumulator's layout, and does the same with them;
 *   output: each wave has its own part of the D_V elements, in units of 32.
 * So large heads are split over waves, both the registers of Q and those of the output, and nothing but the partial
 * scores crosses from wave to wave.
 *
 * K and V pass through LDS. While a tile's scores are computed its V is on the way, while its output is, the next
 * tile's K: one buffer each, and two barriers a tile.
 *
 * A fragment class F (mma_mfma.h, mma_wmma11.h, mma_wmma12.h, mma_sm80.h) hides the instruction, its layout, and whether
 * scores are Q K^T or K Q^T. A block is 16 keys x 16 columns of scores, a tile 16 columns x 16 elements of the output; a
 * lane has ACC registers of each.
 *   WAVE, SLOTS, ACC           lanes, query columns that a lane has registers of, registers of a block or tile
 *   column(lane, slot)         which column of the wave's 16 that is
 *   slot(i), key(lane, i)      slot and key of register i of a block
 *   output_d(lane, i, t)       element of the head, of a unit's 32, of register i of tile t; its slot is slot(i), too
 *   SHARE_FIRST, SHARE_LAST    lanes that differ in these bits have the same columns and different keys
 *   operand                    16 x 16 elements of K, V, Q or weights
 *   q_slot(w), q_d(lane, w)    word w of an operand of Q is elements q_d and the next of that slot's column
 *   load_k, load_v             operands from LDS rows: 16 keys x 16 elements; 16 keys x 32 elements
 *   weights                    operands from a block of softmax weights
 *   scores, output             the two products
 *   ASYNC                      global memory can be copied to LDS without passing through registers
 * and, from mma_element.h, what f16 and bf16 differ in.
 *
 * Excluded keys (mask -inf, past the end of the split) get weight zero by selection. Rows of V that are excluded for all
 * of the workgroup's columns are overwritten with zeros in LDS: what dead cells hold is never multiplied by a weight.
 * Columns past the last repeat it and are not stored.
 *
 * What the functions below are given as numbers (tiles, steps, units, waves of a group) are constants of the instance: a
 * GPU compiler inlines and unrolls all of it, the host's instances share the code.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_H
#define ATTN_MMA_H

#include "mma_element.h"
#include "mma_stage.h"
#include "row.h"
#include "scanned.h"

constexpr float MMA_LOG2E = 1.44269504f;

/* planner/kernel_mma.c computes the same numbers and LDS bytes. */
template <class F, int DK, int DV, int WQ, int WD, int KT> struct mma_shape {
    static constexpr int WAVES = WQ * WD;
    static constexpr int THREADS = WAVES * F::WAVE;
    static constexpr int COLUMNS = 16 * WQ;
    static constexpr int BLOCKS = KT / 16;
    static constexpr int STEPS = DK / 16, OWN_STEPS = (STEPS + WD - 1) / WD;
    static constexpr int UNITS = (DV + 31) / 32, OWN_UNITS = (UNITS + WD - 1) / WD;
    /* Eight elements more than a row has: neighbouring rows start in different banks. */
    static constexpr int K_PITCH = DK + 8, V_PITCH = 32 * UNITS + 8;
    static constexpr int K_OWN = (KT * DK / 8 + THREADS - 1) / THREADS, V_OWN = (KT * 4 * UNITS + THREADS - 1) / THREADS;
    static constexpr int PARTS = WD > 1 ? WAVES * BLOCKS * 256 : 4;
    static_assert(DK % 16 == 0 && KT % 16 == 0 && KT <= 64, "whole blocks, and a tile's keys are bits of 64");
};

template <class F, int DK, int DV, int WQ, int WD, int KT> struct alignas(16) mma_lds {
    using S = mma_shape<F, DK, DV, WQ, WD, KT>;
    uint16_t k[KT * S::K_PITCH];
    uint16_t v[KT * S::V_PITCH];
    float parts[S::PARTS]; /* of the scores: [wave][block][register / 4][lane][register % 4] */
    uint64_t live[S::WAVES + S::WAVES % 2]; /* of each wave: bit k says that key k lives for one of its columns */
};

/* Sum or maximum over the lanes that share a column. */
template <class F, class T, class USE> static __device__ __forceinline__ void mma_share(T &value, const USE &use)
{
    SIMT_UNROLL
    for (int bit = F::SHARE_FIRST; bit <= F::SHARE_LAST; bit *= 2)
        value = use(value, simt_shfl_xor<F::WAVE>(value, bit));
}

template <class F> static __device__ __forceinline__ float mma_share_max(float value)
{
    mma_share<F>(value, [](float a, float b) { return mma_max(a, b); });
    return value;
}

template <class F> static __device__ __forceinline__ float mma_share_sum(float value)
{
    mma_share<F>(value, [](float a, float b) { return a + b; });
    return value;
}

/* The keys that live for any lane of the wave. */
template <int WAVE> static __device__ __forceinline__ uint64_t mma_any(uint64_t keys)
{
    SIMT_UNROLL
    for (int bit = 1; bit < WAVE; bit *= 2)
        keys |= simt_shfl_xor<WAVE>(keys, bit);
    return keys;
}

/* Rescaling from one maximum to another that is at least as large; nothing was summed up below -inf. */
static __device__ __forceinline__ float mma_rescale(float from, float to)
{
    return from == -SIMT_INFINITY ? 0.0f : mma_exp2((from - to) * MMA_LOG2E);
}

/* The columns of a lane. Of which row and head they are is worked out again at the end. */
template <class F> struct mma_columns {
    const char *q[F::SLOTS];
    const char *mask[F::SLOTS];
    float slope[F::SLOTS];
    float inverse[F::SLOTS]; /* of the power of two that the column's Q is multiplied by */
};

/* Where the lane's columns are; first: the wave's first column in the KV head. */
template <class F>
static __device__ SIMT_GPU_INLINE void mma_find_columns(const attn_args &a, int64_t kv_head, int64_t s, int64_t first, int lane,
                                                        mma_columns<F> &at)
{
    SIMT_UNROLL
    for (int slot = 0; slot < F::SLOTS; slot++) {
        const int64_t last = a.n_q * a.gqa - 1, own = first + F::column(lane, slot);
        int64_t iq, head;
        attn_divide(own < last ? own : last, a.gqa, iq, head);
        head += kv_head * a.gqa;
        at.q[slot] = a.q.data + iq * a.q.nb1 + head * a.q.nb2 + s * a.q.nb3;
        at.mask[slot] = attn_mask_row(a, iq, head, s);
        at.slope[slot] = attn_slope(a, head);
    }
}

/* The lane's words of Q: of steps wd, wd + split, ... Each column is multiplied by a power of two first. */
template <class F, int OWN>
static __device__ SIMT_GPU_INLINE void mma_load_q(int steps, int split, int lane, int wd, mma_columns<F> &at,
                                                  typename F::operand (&q)[OWN][MMA_Q_PARTS])
{
    float factor[F::SLOTS];
    SIMT_UNROLL
    for (int slot = 0; slot < F::SLOTS; slot++)
        factor[slot] = 0.0f;
#pragma unroll 1
    for (int step = 0; step < steps; step++) {
        SIMT_UNROLL
        for (int w = 0; w < F::Q_WORDS; w++) {
            const float *from = reinterpret_cast<const float *>(at.q[F::q_slot(w)]) + 16 * step + F::q_d(lane, w);
            const float x = from[0], y = from[1];
            float &top = factor[F::q_slot(w)];
            top = mma_max(top, mma_max(x < 0.0f ? -x : x, y < 0.0f ? -y : y));
        }
    }
    SIMT_UNROLL
    for (int slot = 0; slot < F::SLOTS; slot++) {
        const uint32_t bits = F::factor_bits(mma_share_max<F>(factor[slot]));
        factor[slot] = attn_float_of_bits(bits);
        at.inverse[slot] = attn_float_of_bits((254u << 23) - bits);
    }
    SIMT_UNROLL
    for (int i = 0; i < OWN; i++) {
        const int step = wd + i * split;
        if (steps % split != 0 && step >= steps)
            break;
        SIMT_UNROLL
        for (int w = 0; w < F::Q_WORDS; w++) {
            const int slot = F::q_slot(w);
            const float *from = reinterpret_cast<const float *>(at.q[slot]) + 16 * step + F::q_d(lane, w);
            const float x = from[0] * factor[slot], y = from[1] * factor[slot];
            q[i][0].w[w] = F::pack(x, y);
            q[i][1].w[w] = mma_pack_rest<F>(x, y, q[i][0].w[w]);
        }
    }
}

/* The wave's part of a tile's dot products. */
template <class F, int BLOCKS, int OWN>
static __device__ SIMT_GPU_INLINE void mma_dot(const uint16_t *k, int pitch, int steps, int split, int lane, int wd,
                                               const typename F::operand (&q)[OWN][MMA_Q_PARTS], float (&score)[BLOCKS][F::ACC])
{
    SIMT_UNROLL
    for (int i = 0; i < OWN; i++) {
        const int step = wd + i * split;
        if (steps % split != 0 && step >= steps)
            break;
        SIMT_UNROLL
        for (int b = 0; b < BLOCKS; b++) {
            const typename F::operand rows = F::load_k(k + 16 * b * pitch + 16 * step, pitch, lane);
            SIMT_UNROLL
            for (int part = 0; part < MMA_Q_PARTS; part++)
                F::scores(score[b], rows, q[i][part]);
        }
    }
}

/* Adds up the waves' parts of the scores of their column group. All threads arrive; only busy waves' parts count. */
template <class F, int BLOCKS>
static __device__ SIMT_GPU_INLINE void mma_add_parts(float *parts, int split, int wave, int lane, bool busy,
                                                     float (&score)[BLOCKS][F::ACC])
{
    constexpr int QUADS = F::ACC / 4;
    if (busy) {
        SIMT_UNROLL
        for (int n = 0; n < BLOCKS * QUADS; n++) {
            const float *own = &score[n / QUADS][n % QUADS * 4];
            simt_store<simt_f32x4>(parts + ((wave * BLOCKS * QUADS + n) * F::WAVE + lane) * 4,
                                   simt_make_f32x4(own[0], own[1], own[2], own[3]));
        }
    }
    __syncthreads();
    if (!busy)
        return;
    /* All waves of the group add in the same order and get the same sums. */
    SIMT_UNROLL
    for (int n = 0; n < BLOCKS * QUADS; n++) {
        simt_f32x4 sum = simt_splat_f32x4(0.0f);
        SIMT_UNROLL
        for (int w = 0; w < split; w++) {
            const int from = (((wave - wave % split + w) * BLOCKS * QUADS + n) * F::WAVE + lane) * 4;
            const simt_f32x4 part = simt_load<simt_f32x4>(parts + from);
            sum = simt_make_f32x4(sum.x + part.x, sum.y + part.y, sum.z + part.z, sum.w + part.w);
        }
        float *own = &score[n / QUADS][n % QUADS * 4];
        own[0] = sum.x;
        own[1] = sum.y;
        own[2] = sum.z;
        own[3] = sum.w;
    }
}

/* Scores from dot products, -inf where a key is excluded; of the tile's keys only the first `keys` exist. With a mask,
 * returns the keys that live for one of the lane's columns. */
template <class F, int BLOCKS>
static __device__ SIMT_GPU_INLINE uint64_t mma_finish_scores(const attn_args &a, const mma_columns<F> &at, int lane,
                                                             int64_t key0, int keys, float (&score)[BLOCKS][F::ACC])
{
    SIMT_UNROLL
    for (int n = 0; n < BLOCKS * F::ACC; n++)
        score[n / F::ACC][n % F::ACC] *= at.inverse[F::slot(n % F::ACC)];
    SIMT_UNROLL
    for (int n = 0; n < BLOCKS * F::ACC; n++)
        score[n / F::ACC][n % F::ACC] *= a.scale;
    if (a.softcap > 0.0f) {
        SIMT_UNROLL
        for (int n = 0; n < BLOCKS * F::ACC; n++)
            score[n / F::ACC][n % F::ACC] = a.softcap * simt_tanh(score[n / F::ACC][n % F::ACC] / a.softcap);
    }
    uint64_t live = 0;
    if (a.mask.data) {
        SIMT_UNROLL
        for (int n = 0; n < BLOCKS * F::ACC; n++) {
            const int i = n % F::ACC, key = n / F::ACC * 16 + F::key(lane, i), slot = F::slot(i);
            uint16_t bits = ATTN_MASK_EXCLUDES;
            if (key < keys)
                bits = simt_load<uint16_t>(at.mask[slot] + 2 * (key0 + key));
            const bool open = bits != ATTN_MASK_EXCLUDES;
            float &x = score[n / F::ACC][i];
            x = open ? x + at.slope[slot] * simt_f16_to_f32(bits) : -SIMT_INFINITY;
            live |= (uint64_t)open << key;
        }
    } else if (keys < 16 * BLOCKS) {
        SIMT_UNROLL
        for (int n = 0; n < BLOCKS * F::ACC; n++)
            if (n / F::ACC * 16 + F::key(lane, n % F::ACC) >= keys)
                score[n / F::ACC][n % F::ACC] = -SIMT_INFINITY;
    }
    return live;
}

/* One tile's step of the online softmax: scores become weights, times 2^P_SHIFT, and so is sum, of the lane's own keys.
 * Returns whether a maximum has moved, for any lane; then the output so far is to be multiplied by factor. */
template <class F, int BLOCKS>
static __device__ SIMT_GPU_INLINE bool mma_softmax(float (&score)[BLOCKS][F::ACC], float (&max)[F::SLOTS],
                                                   float (&sum)[F::SLOTS], float (&factor)[F::SLOTS])
{
    float base[F::SLOTS]; /* a number also where all is excluded: 2^-inf is 0, the weight of what is excluded */
    bool moved = false;
    SIMT_UNROLL
    for (int slot = 0; slot < F::SLOTS; slot++) {
        float top = max[slot];
        SIMT_UNROLL
        for (int b = 0; b < BLOCKS; b++) {
            SIMT_UNROLL
            for (int i = 0; i < F::ACC; i++)
                if (F::slot(i) == slot)
                    top = mma_max(top, score[b][i]);
        }
        top = mma_share_max<F>(top);
        factor[slot] = mma_rescale(max[slot], top);
        moved = moved || top != max[slot];
        max[slot] = top;
        base[slot] = top == -SIMT_INFINITY ? 0.0f : top;
        sum[slot] *= factor[slot];
    }
    SIMT_UNROLL
    for (int b = 0; b < BLOCKS; b++) {
        SIMT_UNROLL
        for (int i = 0; i < F::ACC; i++) {
            score[b][i] = mma_exp2(simt_fma(score[b][i] - base[F::slot(i)], MMA_LOG2E, F::P_SHIFT));
            sum[F::slot(i)] += score[b][i];
        }
    }
    return simt_ballot<F::WAVE>(moved) != 0;
}

/* Adds a tile's weighted rows of V to the wave's units of the output: wd, wd + split, ... */
template <class F, int BLOCKS, int OWN>
static __device__ SIMT_GPU_INLINE void mma_output(const uint16_t *rows, int pitch, int units, int split, int lane, int wd,
                                                  const float (&weight)[BLOCKS][F::ACC], float (&acc)[OWN][2][F::ACC])
{
    SIMT_UNROLL
    for (int b = 0; b < BLOCKS; b++) {
        typename F::operand p[F::P_PARTS];
        F::weights(lane, weight[b], p);
        SIMT_UNROLL
        for (int u = 0; u < OWN; u++) {
            const int unit = wd + u * split;
            if (units % split != 0 && unit >= units)
                break;
            typename F::operand v[2];
            F::load_v(rows + 16 * b * pitch + 32 * unit, pitch, lane, v);
            SIMT_UNROLL
            for (int t = 0; t < 2; t++) {
                SIMT_UNROLL
                for (int part = 0; part < F::P_PARTS; part++)
                    F::output(acc[u][t], v[t], p[part]);
            }
        }
    }
}

/* acc *= factor of each register's slot. */
template <class F, int OWN>
static __device__ SIMT_GPU_INLINE void mma_scale(float (&acc)[OWN][2][F::ACC], const float (&factor)[F::SLOTS])
{
    SIMT_UNROLL
    for (int u = 0; u < OWN; u++) {
        SIMT_UNROLL
        for (int t = 0; t < 2; t++) {
            SIMT_UNROLL
            for (int i = 0; i < F::ACC; i++)
                acc[u][t][i] *= factor[F::slot(i)];
        }
    }
}

/* Stores a wave's units of the output of its columns, into dst or as the split's partial result. */
template <class F, int OWN>
static __device__ SIMT_GPU_INLINE void mma_store(const attn_args &a, int dv, int split, int64_t kv_head, int64_t s, int64_t first,
                                                 int lane, int wd, int64_t part_of_keys, bool empty, const float (&max)[F::SLOTS],
                                                 const float (&sums)[F::SLOTS], const float (&acc)[OWN][2][F::ACC])
{
    SIMT_UNROLL
    for (int slot = 0; slot < F::SLOTS; slot++) {
        float sum = mma_share_sum<F>(sums[slot]);
        const int64_t column = first + F::column(lane, slot);
        if (column >= a.n_q * a.gqa)
            continue;
        int64_t iq, head;
        attn_divide(column, a.gqa, iq, head);
        head += kv_head * a.gqa;
        float factor;
        float *out;
        if (a.splits > 1) {
            const int64_t part = ((s * a.n_q + iq) * a.n_head + head) * a.splits + part_of_keys;
            if (wd == 0 && F::key(lane, 0) == 0) {
                a.meta[2 * part] = max[slot];
                a.meta[2 * part + 1] = sum * F::P_UNSHIFT;
            }
            if (empty)
                continue;
            factor = F::P_UNSHIFT;
            out = a.partial + part * dv;
        } else {
            factor = 1.0f;
            if (a.sinks) {
                const float sink = a.sinks[head], top = mma_max(max[slot], sink);
                factor = mma_rescale(max[slot], top);
                sum = sum * factor + mma_exp2(simt_fma(sink - top, MMA_LOG2E, F::P_SHIFT));
            }
            factor = sum > 0.0f ? factor / sum : 0.0f;
            out = reinterpret_cast<float *>(a.dst.data + head * a.dst.nb1 + iq * a.dst.nb2 + s * a.dst.nb3);
        }
        SIMT_UNROLL
        for (int u = 0; u < OWN; u++) {
            SIMT_UNROLL
            for (int t = 0; t < 2; t++) {
                SIMT_UNROLL
                for (int i = 0; i < F::ACC; i++) {
                    const int d = 32 * (wd + u * split) + F::output_d(lane, i, t);
                    if (F::slot(i) == slot && (dv % (32 * split) == 0 || d < dv))
                        out[d] = acc[u][t][i] * factor;
                }
            }
        }
    }
}

template <class F, int DK, int DV, int WQ, int WD, int KT>
static __device__ __forceinline__ void mma_attention(const attn_args &a)
{
    using S = mma_shape<F, DK, DV, WQ, WD, KT>;
    using LDS = mma_lds<F, DK, DV, WQ, WD, KT>;
    constexpr int BLOCKS = S::BLOCKS, SLOTS = F::SLOTS, ACC = F::ACC;
    constexpr mma_tile K_TILE = { S::THREADS, KT, DK, DK, S::K_PITCH };
    constexpr mma_tile V_TILE = { S::THREADS, KT, DV, 32 * S::UNITS, S::V_PITCH };
    SIMT_LDS(LDS, lds);

    const int thread = (int)threadIdx.x;
    const int lane = thread % F::WAVE, wave = thread / F::WAVE;
    const int wq = wave / WD, wd = wave % WD;
    const int64_t columns = a.n_q * a.gqa;
    const int64_t split = blockIdx.y;
    const int64_t begin = split * a.split_keys;
    const int64_t end = begin + a.split_keys < a.n_kv ? begin + a.split_keys : a.n_kv;

    for (int64_t work = blockIdx.x; work < a.work; work += gridDim.x) {
        int64_t row_tile, kv_head, s, rest;
        attn_divide(work, a.row_tiles, rest, row_tile);
        attn_divide(rest, a.n_head_kv, s, kv_head);
        const int64_t block_first = row_tile * S::COLUMNS, first = block_first + 16 * wq;
        const int64_t block_last = block_first + S::COLUMNS < columns ? block_first + S::COLUMNS - 1 : columns - 1;
        const bool busy = first < columns; /* has the wave any column? */

        const auto live_tile = [&](int64_t key0) {
            while (a.scan && key0 < end &&
                   !attn_scanned_live(a, kv_head, s, block_first / a.gqa, block_last / a.gqa, key0 / KT))
                key0 += KT;
            return key0;
        };
        const char *const k_head = a.k.data + kv_head * a.k.nb2 + s * a.k.nb3;
        const char *const v_head = a.v.data + kv_head * a.v.nb2 + s * a.v.nb3;
        mma_stage<S::K_OWN, F::ASYNC> k_stage;
        mma_stage<S::V_OWN, F::ASYNC> v_stage;

        int64_t key0 = live_tile(begin);
        if (key0 < end)
            k_stage.start(K_TILE, lds.k, k_head + key0 * a.k.nb1, a.k.nb1, a.load_k >= 16, end - key0);

        mma_columns<F> at;
        typename F::operand q[S::OWN_STEPS][MMA_Q_PARTS];
        mma_find_columns<F>(a, kv_head, s, first, lane, at);
        if (key0 < end)
            mma_load_q<F>(S::STEPS, WD, lane, wd, at, q);

        float max[SLOTS], sum[SLOTS];
        float acc[S::OWN_UNITS][2][ACC] = {};
        SIMT_UNROLL
        for (int slot = 0; slot < SLOTS; slot++) {
            max[slot] = -SIMT_INFINITY;
            sum[slot] = 0.0f;
        }

#pragma unroll 1
        while (key0 < end) {
            const int keys = end - key0 < KT ? (int)(end - key0) : KT;
            k_stage.finish(K_TILE, lds.k);
            __syncthreads(); /* K is there, and nobody reads the V before any more */
            v_stage.start(V_TILE, lds.v, v_head + key0 * a.v.nb1, a.v.nb1, a.load_v >= 16, keys);

            float score[BLOCKS][ACC] = {};
            if (busy)
                mma_dot<F>(lds.k, S::K_PITCH, S::STEPS, WD, lane, wd, q, score);
            if constexpr (WD > 1)
                mma_add_parts<F>(lds.parts, WD, wave, lane, busy, score);

            uint64_t live = 0; /* the same for all lanes, from here on */
            if (busy)
                live = mma_finish_scores<F>(a, at, lane, key0, keys, score);
            if (!a.mask.data) {
                live = busy; /* the tile has a key at least */
            } else {
                if (busy)
                    live = mma_any<F::WAVE>(live);
                if (lane == 0)
                    lds.live[wave] = live;
            }
            v_stage.finish(V_TILE, lds.v);
            __syncthreads(); /* V is there, and nobody reads K any more */

            const int64_t next = live_tile(key0 + KT);
            if (next < end)
                k_stage.start(K_TILE, lds.k, k_head + next * a.k.nb1, a.k.nb1, a.load_k >= 16, end - next);
            if (a.mask.data) {
                uint64_t any = 0;
                SIMT_UNROLL
                for (int w = 0; w < WQ; w++)
                    any |= lds.live[w * WD];
                const uint64_t exist = keys < 64 ? ((uint64_t)1 << keys) - 1 : ~(uint64_t)0;
                if (any != exist && any != 0) {
                    mma_clear(V_TILE, lds.v, exist & ~any);
                    __syncthreads();
                }
            }
            key0 = next;
            if (live == 0)
                continue;

            float factor[SLOTS];
            if (mma_softmax<F>(score, max, sum, factor))
                mma_scale<F>(acc, factor);
            mma_output<F>(lds.v, S::V_PITCH, S::UNITS, WD, lane, wd, score, acc);
        }
        if (busy)
            mma_store<F>(a, DV, WD, kv_head, s, first, lane, wd, split, begin >= end, max, sum, acc);
    }
}

template <class F, int DK, int DV, int WQ, int WD, int KT>
__global__ __launch_bounds__(WQ *WD *F::WAVE) void mma_kernel(const attn_args a)
{
    mma_attention<F, DK, DV, WQ, WD, KT>(a);
}

#endif
