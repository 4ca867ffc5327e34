/* group.h: the mma kernel (mma.h) where four waves multiply together, with operands in LDS: Hopper's wgmma, heads up to
 * 128, many columns. What a wave does with its scores is the same, steps.h.
 *
 * A workgroup is two groups of four waves and computes 128 columns of one KV head, 64 keys at a time; a wave has 16
 * columns and, of those, all scores and all of the output. Q, in its parts, stays in LDS. K and V have two buffers
 * each: while a tile's scores become weights, the products of the next tile's are under way, and so are the copies of
 * the K after that and of the next V. So a tile has one barrier; where it has a mask, two more.
 *
 * F is a fragment class of mma.h and has in addition what sm90.h describes.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_GROUP_H
#define ATTN_MMA_GROUP_H

#include "kernels/mma/feed.h"
#include "kernels/mma/steps.h"
#include "kernels/helpers/scanned.h"

/* planner/contracts/kernel_mma.c computes the same numbers and LDS bytes. */
template <class F, int DK, int DV> struct mma_group_shape {
    static constexpr int WAVES = 8, THREADS = WAVES * F::WAVE, COLUMNS = 16 * WAVES;
    static constexpr int KT = 64, BLOCKS = KT / 16;
    static constexpr int STEPS = DK / 16, UNITS = (DV + 31) / 32;
    static constexpr int K_PANELS = (DK + F::PANEL - 1) / F::PANEL, V_PANELS = (DV + F::PANEL - 1) / F::PANEL;
    static constexpr int K_TILE = K_PANELS * KT * F::PANEL, V_TILE = V_PANELS * KT * F::PANEL; /* elements */
    static constexpr int Q_LANES = DK <= 64 ? 8 : 16; /* that read a row of Q, eight elements each */
    static_assert(DK % 16 == 0 && DK <= 128 && WAVES % F::GROUP == 0,
                  "whole steps, a head that registers hold, whole groups");
};

template <class F, int DK, int DV> struct alignas(1024) mma_group_lds {
    using S = mma_group_shape<F, DK, DV>;
    uint16_t q[MMA_Q_PARTS][S::K_PANELS * S::COLUMNS * F::PANEL];
    uint16_t k[2][S::K_TILE];
    uint16_t v[2][S::V_TILE];
    float inverse[S::COLUMNS]; /* of the power of two that a column's Q is multiplied by */
    uint64_t live[S::WAVES];   /* of each wave: bit k says that key k lives for one of its columns */
};

/* Brings the wave's 16 columns of Q to LDS, in parts. */
template <class F, int DK, int DV>
static __device__ SIMT_GPU_INLINE void mma_group_load_q(const attn_args &a, mma_group_lds<F, DK, DV> &lds,
                                                        int64_t kv_head, int64_t s, int64_t first, int wave, int lane)
{
    using S = mma_group_shape<F, DK, DV>;
    constexpr mma_tile TILE = { S::THREADS, S::COLUMNS, DK, DK, 0, true };
    constexpr int EACH = F::WAVE / S::Q_LANES; /* columns at once */
    const int64_t last = a.n_q * a.gqa - 1;
    const int piece = lane % S::Q_LANES;
    const bool holds = 8 * piece < DK;
#pragma unroll 1
    for (int c = lane / S::Q_LANES; c < 16; c += EACH) {
        int64_t iq, head;
        attn_divide(first + c < last ? first + c : last, a.gqa, iq, head);
        head += kv_head * a.gqa;
        const char *row = a.q.data + iq * a.q.nb1 + head * a.q.nb2 + s * a.q.nb3;
        float x[8], top = 0.0f;
        SIMT_UNROLL
        for (int i = 0; i < 8; i++) {
            x[i] = holds ? reinterpret_cast<const float *>(row)[8 * piece + i] : 0.0f;
            top = simt_max(top, x[i] < 0.0f ? -x[i] : x[i]);
        }
        const uint32_t bits = F::factor_bits(simt_reduce_max<S::Q_LANES>(top));
        const float factor = mma_sign(a) * attn_float_of_bits(bits);
        const int column = 16 * wave + c;
        if (piece == 0)
            lds.inverse[column] = attn_float_of_bits((254u << 23) - bits);
        if (!holds)
            continue;
        uint32_t high[4], low[4];
        SIMT_UNROLL
        for (int i = 0; i < 4; i++) {
            const float first_of_two = x[2 * i] * factor, second = x[2 * i + 1] * factor;
            high[i] = F::pack(first_of_two, second);
            low[i] = mma_pack_rest<F>(first_of_two, second, high[i]);
        }
        simt_store<simt_u32x4>(lds.q[0] + TILE.at(column, piece), simt_u32x4{ high[0], high[1], high[2], high[3] });
        simt_store<simt_u32x4>(lds.q[1] + TILE.at(column, piece), simt_u32x4{ low[0], low[1], low[2], low[3] });
    }
}

/* Starts the dot products of a tile: of q, the group's rows, and k, its keys. Both are descriptors of the first panel.
 */
template <class F, int DK, int DV, int BLOCKS>
static __device__ __forceinline__ void mma_group_dot(uint64_t q, uint64_t k, int lane, float (&score)[BLOCKS][F::ACC])
{
    using S = mma_group_shape<F, DK, DV>;
    F::begin();
    SIMT_UNROLL
    for (int step = 0; step < S::STEPS; step++) {
        const int panel = step / 4, inside = step % 4 * 16;
        const uint64_t b = F::further(k, panel * S::KT * F::PANEL + inside);
        SIMT_UNROLL
        for (int part = 0; part < MMA_Q_PARTS; part++) {
            const uint64_t rows = F::further(q, (part * S::K_PANELS + panel) * S::COLUMNS * F::PANEL + inside);
            if (step == 0 && part == 0)
                F::template multiply_rows<S::KT, false>(&score[0][0], rows, b, lane);
            else
                F::template multiply_rows<S::KT, true>(&score[0][0], rows, b, lane);
        }
    }
    F::commit();
}

/* Starts adding a tile's weighted rows of V, of which v is the descriptor, to the output. */
template <class F, int DK, int DV, int BLOCKS>
static __device__ __forceinline__ void mma_group_output(uint64_t v, int lane, const float (&weight)[BLOCKS][F::ACC],
                                                        float (&acc)[mma_group_shape<F, DK, DV>::UNITS][2][F::ACC])
{
    using S = mma_group_shape<F, DK, DV>;
    typename F::operand p[BLOCKS][F::P_PARTS];
    SIMT_UNROLL
    for (int b = 0; b < BLOCKS; b++)
        F::weights(lane, weight[b], p[b]);
    F::begin();
    SIMT_UNROLL
    for (int b = 0; b < BLOCKS; b++) {
        const uint64_t rows = F::further(v, 16 * b * F::PANEL);
        SIMT_UNROLL
        for (int part = 0; part < F::P_PARTS; part++)
            F::template multiply_weights<32 * S::UNITS>(&acc[0][0][0], p[b][part], rows, lane);
    }
    F::commit();
}

/* A tile of keys on its way: the first, whether the mask has to be read. */
struct mma_group_tile {
    int64_t key0;
    bool masked;
};

template <class F, int DK, int DV> static __device__ __forceinline__ void mma_group_attention(const attn_args &a)
{
    using S = mma_group_shape<F, DK, DV>;
    using LDS = mma_group_lds<F, DK, DV>;
    constexpr int KT = S::KT, BLOCKS = S::BLOCKS, SLOTS = F::SLOTS, ACC = F::ACC;
    constexpr mma_tile V_TILE = { S::THREADS, KT, DV, 32 * S::UNITS, 0, true };
    SIMT_LDS_DYNAMIC_ALIGNED(LDS, all, 1024);
    LDS &lds = *all;

    const int thread = (int)threadIdx.x;
    const int lane = thread % F::WAVE, wave = thread / F::WAVE, group = wave / F::GROUP;
    const uint64_t q_rows = F::descriptor(lds.q[0] + 16 * F::GROUP * group * F::PANEL, S::COLUMNS * F::ROW_BYTES);
    const uint64_t k_rows = F::descriptor(lds.k[0], KT * F::ROW_BYTES),
                   v_rows = F::descriptor(lds.v[0], KT * F::ROW_BYTES);
    const int64_t columns = a.n_q * a.gqa;
    const int64_t split = blockIdx.y;
    const int64_t begin = split * a.split_keys;
    const int64_t end = begin + a.split_keys < a.n_kv ? begin + a.split_keys : a.n_kv;

#pragma unroll 1
    for (int64_t work = blockIdx.x; work < a.work; work += gridDim.x) {
        int64_t row_tile, kv_head, s, rest;
        attn_divide(work, a.row_tiles, rest, row_tile);
        attn_divide(rest, a.n_head_kv, s, kv_head);
        const int64_t block_first = row_tile * S::COLUMNS, first = block_first + 16 * wave;
        const int64_t block_last = block_first + S::COLUMNS < columns ? block_first + S::COLUMNS - 1 : columns - 1;

        /* The first tile from key0 on that was not found dead. */
        attn_scanned_ahead<F::WAVE> scanned;
        const auto live_tile = [&](int64_t key0) {
            mma_group_tile t = { key0, a.mask.data != nullptr };
            if (a.scan && key0 < end) {
                bool zero = false;
                t.key0 = KT * scanned.find(a, kv_head, s, block_first / a.gqa, block_last / a.gqa, lane, key0 / KT,
                                           (end + KT - 1) / KT, zero);
                t.masked = !zero;
            }
            return t;
        };
        mma_feed<S::THREADS, KT, DK, DK> k_feed;
        mma_feed<S::THREADS, KT, DV, 32 * S::UNITS> v_feed;
        k_feed.open(a.k.data + kv_head * a.k.nb2 + s * a.k.nb3, a.k.nb1, a.load_k >= 16);
        v_feed.open(a.v.data + kv_head * a.v.nb2 + s * a.v.nb3, a.v.nb1, a.load_v >= 16);
        const auto start_k = [&](int buffer, const mma_group_tile &t) {
            if (t.key0 < end)
                k_feed.start(lds.k[buffer], t.key0, end - t.key0);
        };
        const auto start_v = [&](int buffer, const mma_group_tile &t) {
            if (t.key0 < end)
                v_feed.start(lds.v[buffer], t.key0, end - t.key0);
        };
        /* What was started is in LDS, for all threads and for wgmma. */
        const auto arrive = [&]() {
            simt_copy_wait_all();
            F::publish();
            __syncthreads();
        };

        float max[SLOTS], sum[SLOTS];
        float acc[S::UNITS][2][ACC] = {};
        SIMT_UNROLL
        for (int slot = 0; slot < SLOTS; slot++) {
            max[slot] = -SIMT_INFINITY;
            sum[slot] = 0.0f;
        }
        mma_columns<F> at;
        mma_group_tile now = live_tile(begin), next = now, later = now;
        float score[2][BLOCKS][ACC] = {};
        if (now.key0 < end) {
            next = live_tile(now.key0 + KT);
            start_k(0, now);
            v_feed.pad(lds.v[0]);
            v_feed.pad(lds.v[1]);
            mma_find_columns<F>(a, kv_head, s, first, lane, at);
            mma_group_load_q<F, DK, DV>(a, lds, kv_head, s, first, wave, lane);
            arrive();
            start_k(1, next);
            start_v(0, now);
            SIMT_UNROLL
            for (int slot = 0; slot < SLOTS; slot++)
                at.inverse[slot] = lds.inverse[16 * wave + F::column(lane, slot)];
            mma_find_scale<F>(a, at);
            mma_group_dot<F, DK, DV>(q_rows, k_rows, lane, score[0]);
            F::wait();
            arrive();
        }

        /* The tile `now`, number i modulo 2, whose dot products are there, and its V. Those of the next tile may be on
         * their way. */
        const auto finish = [&](int i, float (&own)[BLOCKS][ACC]) {
            const int keys = end - now.key0 < KT ? (int)(end - now.key0) : KT;
            const bool plain = at.plain && !now.masked && keys == KT;
            uint64_t live = 1; /* not 0: some key lives for the workgroup */
            if (!plain) {
                const uint32_t open = mma_finish_scores<F>(a, at, now.masked, lane, now.key0, keys, own);
                if (now.masked) {
                    const uint64_t mine = mma_live<F, BLOCKS>(lane, open);
                    if (lane == 0)
                        lds.live[wave] = mine;
                    __syncthreads();
                    live = 0;
                    SIMT_UNROLL
                    for (int w = 0; w < S::WAVES; w++)
                        live |= lds.live[w];
                    const uint64_t exist = keys < 64 ? ((uint64_t)1 << keys) - 1 : ~(uint64_t)0;
                    if (live != exist && live != 0)
                        mma_clear(V_TILE, lds.v[i], exist & ~live);
                    F::publish();
                    __syncthreads();
                }
            }
            float factor[SLOTS];
            bool moved = false;
            if (live != 0)
                moved = mma_softmax<F>(at, plain, own, max, sum, factor);
            F::wait(); /* no register of a product may change while another is under way, or ptxas makes them wait at
                          once */
            if (moved)
                mma_scale<F>(acc, factor);
            if (live != 0) {
                mma_group_output<F, DK, DV>(F::further(v_rows, i * S::V_TILE), lane, own, acc);
                F::wait();
            }
            arrive();
            now = next;
            next = later;
        };
        /* The same with a next tile, whose K is there. A product that is under way must not meet a branch around its
         * start, or ptxas makes it wait at once: so the last tile is a case of its own. */
        const auto step = [&](int i, float (&own)[BLOCKS][ACC], float (&others)[BLOCKS][ACC]) {
            if (now.masked)
                mma_expect_mask<F>(at, now.key0);
            later = live_tile(next.key0 + KT);
            mma_group_dot<F, DK, DV>(q_rows, F::further(k_rows, (1 - i) * S::K_TILE), lane, others);
            start_k(i, later);
            start_v(1 - i, next);
            finish(i, own);
        };
        int i = 0;
#pragma unroll 1
        while (next.key0 < end) {
            step(0, score[0], score[1]);
            i = 1;
            if (next.key0 >= end)
                break;
            step(1, score[1], score[0]);
            i = 0;
        }
        if (now.key0 < end) {
            if (i == 1) {
                SIMT_UNROLL
                for (int n = 0; n < BLOCKS * ACC; n++)
                    score[0][n / ACC][n % ACC] = score[1][n / ACC][n % ACC];
            }
            finish(i, score[0]);
        }
        mma_store<F>(a, DV, 1, kv_head, s, first, lane, 0, split, begin >= end, max, sum, acc);
    }
}

template <class F, int DK, int DV> __global__ __launch_bounds__(8 * F::WAVE) void mma_group_kernel(const attn_args a)
{
    mma_group_attention<F, DK, DV>(a);
}

#endif
