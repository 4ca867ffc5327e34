/* group.h: the mma kernel (mma.h) where four waves multiply together, with operands in LDS: Hopper's wgmma, heads up to
 * 256, many columns. What a wave does with its scores is the same, steps.h.
 *
 * A workgroup is two groups of four waves and computes 128 columns of one KV head, 64 keys at a time; a wave has 16
 * columns and, of those, all scores and all of the output. Q, in its parts, stays in LDS. While a tile's scores become
 * weights, the products of the next tile's are under way. K and V have two buffers each, and the copies of the K after
 * that and of the next V are under way as well; so a tile has one barrier, and where it has a mask, two more. Of heads
 * above 192 there is room for one buffer each: V comes while the next tile is multiplied with Q, the K after that while
 * V is with its weights, and a barrier more is between them.
 *
 * F is a fragment class of mma.h and has in addition what sm90.h describes.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_GROUP_H
#define ATTN_MMA_GROUP_H

#include "kernels/mma/feed.h"
#include "kernels/mma/steps.h"
#include "kernels/helpers/scanned.h"

template <class FRAGMENT, int D_K, int D_V> struct mma_group_shape {
    using F = FRAGMENT;
    static constexpr attn_mma_shape SHAPE = attn_mma_group(D_K);
    static constexpr int DK = D_K, DV = D_V, BUFFERS = SHAPE.stages;
    static constexpr int WAVES = SHAPE.groups * SHAPE.split, THREADS = WAVES * F::WAVE;
    static constexpr int COLUMNS = ATTN_MMA_COLUMNS * SHAPE.groups, KV_TILE = SHAPE.kv_tile, BLOCKS = KV_TILE / 16;
    static constexpr int STEPS = DK / 16, UNITS = (DV + 31) / 32;
    static constexpr int K_PANELS = (DK + F::PANEL - 1) / F::PANEL, V_PANELS = (DV + F::PANEL - 1) / F::PANEL;
    static constexpr int K_TILE = K_PANELS * KV_TILE * F::PANEL, V_TILE = V_PANELS * KV_TILE * F::PANEL; /* elements */
    static constexpr int Q_LANES = mma_row_lanes(DK);
    static_assert(DK % 16 == 0 && DK <= ATTN_MMA_GROUP_MOST && F::PANEL == ATTN_MMA_PANEL && WAVES % F::GROUP == 0,
                  "whole steps, a head that registers hold, whole groups");
};

template <class S> struct alignas(1024) mma_group_lds {
    uint16_t q[MMA_Q_PARTS][S::K_PANELS * S::COLUMNS * S::F::PANEL];
    uint16_t k[S::BUFFERS][S::K_TILE];
    uint16_t v[S::BUFFERS][S::V_TILE];
    float inverse[S::COLUMNS]; /* of the power of two that a column's Q is multiplied by */
    uint64_t live[S::WAVES];   /* of each wave: bit k says that key k lives for one of its columns */
};

/* Brings the wave's 16 columns of Q, whose lanes know where they are, to LDS, in parts: some columns at once, and all
 * that is read of four such passes asked for together. */
template <class S>
static __device__ SIMT_GPU_INLINE void mma_group_load_q(const attn_args &a, mma_group_lds<S> &lds,
                                                        const mma_columns<typename S::F> &at, int wave, int lane)
{
    using F = typename S::F;
    constexpr mma_tile TILE = { S::THREADS, S::COLUMNS, S::DK, S::DK, ATTN_MMA_PANEL, S::COLUMNS * ATTN_MMA_PANEL };
    constexpr int EACH = F::WAVE / S::Q_LANES, PASSES = 16 / EACH, TOGETHER = 4;
    constexpr int OF_SLOT = 16 / F::SLOTS, SHARE = F::WAVE / OF_SLOT; /* columns, and lanes that share one */
    static_assert(PASSES % TOGETHER == 0 && OF_SLOT % EACH == 0, "passes alike, of columns of one slot each");
    const int piece = lane % S::Q_LANES;
    const bool holds = 8 * piece < S::DK;
#pragma unroll 1
    for (int pass = 0; pass < PASSES; pass += TOGETHER) {
        float x[TOGETHER][8];
        SIMT_UNROLL
        for (int n = 0; n < TOGETHER; n++) {
            const int first = (pass + n) * EACH, slot = first / OF_SLOT;
            uint64_t own = (uint64_t)(uintptr_t)at.q[0];
            SIMT_UNROLL
            for (int other = 1; other < F::SLOTS; other++)
                own = slot == other ? (uint64_t)(uintptr_t)at.q[other] : own;
            const uint64_t row = simt_shfl<F::WAVE>(own, (first % OF_SLOT + lane / S::Q_LANES) * SHARE);
            SIMT_UNROLL
            for (int i = 0; i < 8; i++)
                x[n][i] = holds ? reinterpret_cast<const float *>((uintptr_t)row)[8 * piece + i] : 0.0f;
        }
        SIMT_UNROLL
        for (int n = 0; n < TOGETHER; n++) {
            float top = 0.0f;
            SIMT_UNROLL
            for (int i = 0; i < 8; i++)
                top = simt_max(top, simt_abs(x[n][i]));
            float inverse;
            const float factor = mma_q_factor<F>(a, simt_reduce_max<S::Q_LANES>(top), inverse);
            const int column = 16 * wave + (pass + n) * EACH + lane / S::Q_LANES;
            if (piece == 0)
                lds.inverse[column] = inverse;
            uint32_t high[4], low[4];
            SIMT_UNROLL
            for (int i = 0; i < 4; i++) {
                const float first_of_two = x[n][2 * i] * factor, second = x[n][2 * i + 1] * factor;
                high[i] = F::pack(first_of_two, second);
                low[i] = mma_pack_rest<F>(first_of_two, second, high[i]);
            }
            if (!holds)
                continue;
            simt_store<simt_u32x4>(lds.q[0] + TILE.at(column, piece), simt_u32x4{ high[0], high[1], high[2], high[3] });
            simt_store<simt_u32x4>(lds.q[1] + TILE.at(column, piece), simt_u32x4{ low[0], low[1], low[2], low[3] });
        }
    }
}

/* Starts the dot products of a tile: of q, the group's rows, and k, its keys. Both are descriptors of the first panel.
 * Q's second part comes first: a score is one chain here, and so half of it has small sums, that hardly round. */
template <class S>
static __device__ __forceinline__ void mma_group_dot(uint64_t q, uint64_t k, int lane,
                                                     float (&score)[S::BLOCKS][S::F::ACC])
{
    using F = typename S::F;
    F::begin();
    SIMT_UNROLL
    for (int n = 0; n < MMA_Q_PARTS; n++) {
        const int part = MMA_Q_PARTS - 1 - n;
        SIMT_UNROLL
        for (int step = 0; step < S::STEPS; step++) {
            const int panel = step / 4, inside = step % 4 * 16;
            const uint64_t b = F::further(k, panel * S::KV_TILE * F::PANEL + inside);
            const uint64_t rows = F::further(q, (part * S::K_PANELS + panel) * S::COLUMNS * F::PANEL + inside);
            if (n == 0 && step == 0)
                F::template multiply_rows<S::KV_TILE, false>(&score[0][0], rows, b, lane);
            else
                F::template multiply_rows<S::KV_TILE, true>(&score[0][0], rows, b, lane);
        }
    }
    F::commit();
}

/* 16 keys of that, from unit FIRST on: an instruction has at most 128 elements of the output. */
template <class S, int FIRST>
static __device__ __forceinline__ void mma_group_weigh(const typename S::F::operand &weights, uint64_t rows, int lane,
                                                       float (&acc)[S::UNITS][2][S::F::ACC])
{
    constexpr int NOW = S::UNITS - FIRST < 4 ? S::UNITS - FIRST : 4;
    S::F::template multiply_weights<32 * NOW>(&acc[FIRST][0][0], weights,
                                              S::F::further(rows, FIRST / 2 * S::KV_TILE * S::F::PANEL), lane);
    if constexpr (FIRST + NOW < S::UNITS)
        mma_group_weigh<S, FIRST + NOW>(weights, rows, lane, acc);
}

/* Starts adding a tile's weighted rows of V, of which v is the descriptor, to the output. */
template <class S>
static __device__ __forceinline__ void mma_group_output(uint64_t v, int lane,
                                                        const float (&weight)[S::BLOCKS][S::F::ACC],
                                                        float (&acc)[S::UNITS][2][S::F::ACC])
{
    using F = typename S::F;
    constexpr int BLOCKS = S::BLOCKS;
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
            mma_group_weigh<S, 0>(p[b][part], rows, lane, acc);
    }
    F::commit();
}

/* A tile of keys on its way: the first, whether the mask has to be read. */
struct mma_group_tile {
    int64_t key0;
    bool masked;
};

/* The way of K and V to LDS. */
template <class S> struct mma_group_feeds {
    mma_feed<S::THREADS, S::KV_TILE, S::DK, S::DK> k;
    mma_feed<S::THREADS, S::KV_TILE, S::DV, 32 * S::UNITS> v;
    int64_t end;

    __device__ __forceinline__ void open(const attn_args &a, const attn_work &work, int64_t keys_end)
    {
        k.open(attn_head_rows(a.k, work), a.k.nb1, a.load_k >= 16);
        v.open(attn_head_rows(a.v, work), a.v.nb1, a.load_v >= 16);
        end = keys_end;
    }
    __device__ __forceinline__ void start_k(mma_group_lds<S> &lds, int buffer, const mma_group_tile &t) const
    {
        if (t.key0 < end)
            k.start(lds.k[buffer], t.key0, end - t.key0);
    }
    __device__ __forceinline__ void start_v(mma_group_lds<S> &lds, int buffer, const mma_group_tile &t) const
    {
        if (t.key0 < end)
            v.start(lds.v[buffer], t.key0, end - t.key0);
    }
};

/* What was started is in LDS, for all threads and for wgmma. */
template <class F> static __device__ __forceinline__ void mma_group_arrive()
{
    simt_copy_wait_all();
    F::publish();
    __syncthreads();
}

/* The first tile from key0 on that was not found dead. */
template <class S>
static __device__ __forceinline__ mma_group_tile mma_group_live_tile(const attn_args &a, const attn_work &work,
                                                                     const mma_span &span, int lane, int64_t key0,
                                                                     int64_t end,
                                                                     attn_scanned_ahead<S::F::WAVE> &scanned)
{
    constexpr int KV_TILE = S::KV_TILE;
    mma_group_tile t = { key0, a.mask.data != nullptr };
    if (a.scan && key0 < end) {
        bool zero = false;
        t.key0 = KV_TILE * scanned.find(a, work.kv_head, work.seq, span.first / a.gqa, span.last / a.gqa, lane,
                                        key0 / KV_TILE, (end + KV_TILE - 1) / KV_TILE, zero);
        t.masked = !zero;
    }
    return t;
}

/* The waves tell each other which keys live for them, and clear the rows of V that live for none. Returns the keys that
 * live. All threads arrive; there are two barriers. */
template <class S>
static __device__ __forceinline__ uint64_t mma_group_clear_dead(mma_group_lds<S> &lds, int buffer, int wave, int lane,
                                                                uint32_t open, int keys)
{
    using F = typename S::F;
    constexpr mma_tile V_TILE = { S::THREADS,    S::KV_TILE,     S::DV,
                                  32 * S::UNITS, ATTN_MMA_PANEL, S::KV_TILE * ATTN_MMA_PANEL };
    const uint64_t mine = mma_live<F, S::BLOCKS>(lane, open);
    if (lane == 0)
        lds.live[wave] = mine;
    __syncthreads();
    uint64_t live = 0;
    SIMT_UNROLL
    for (int w = 0; w < S::WAVES; w++)
        live |= lds.live[w];
    const uint64_t exist = mma_existing(keys);
    if (live != exist && live != 0)
        mma_clear(V_TILE, lds.v[buffer], exist & ~live);
    F::publish();
    __syncthreads();
    return live;
}

template <class S> static __device__ __forceinline__ void mma_group_attention(const attn_args &a)
{
    using F = typename S::F;
    using LDS = mma_group_lds<S>;
    constexpr int KV_TILE = S::KV_TILE, BLOCKS = S::BLOCKS, SLOTS = F::SLOTS, ACC = F::ACC;
    constexpr bool DOUBLE = S::BUFFERS == 2;
    static_assert(sizeof(LDS) == attn_mma_lds(S::SHAPE, S::DK, S::DV), "what the contract asks for");
    SIMT_LDS_DYNAMIC_ALIGNED(LDS, all, 1024);
    LDS &lds = *all;

    const int thread = (int)threadIdx.x;
    const int lane = thread % F::WAVE, wave = thread / F::WAVE, group = wave / F::GROUP;
    const uint64_t q_rows = F::descriptor(lds.q[0] + 16 * F::GROUP * group * F::PANEL, S::COLUMNS * F::ROW_BYTES);
    const uint64_t k_rows = F::descriptor(lds.k[0], KV_TILE * F::ROW_BYTES),
                   v_rows = F::descriptor(lds.v[0], KV_TILE * F::ROW_BYTES);
    const attn_keys range = attn_keys_of_split(a);
    const int64_t end = range.end;

#pragma unroll 1
    for (int64_t number = attn_first_item(a.work); number < a.work; number = attn_next_item(number, a.work)) {
        const attn_work work = attn_work_at(a, number, S::COLUMNS);
        const mma_span span = mma_span_of(a, work, S::COLUMNS);
        const int64_t first = work.first + 16 * wave;
        attn_scanned_ahead<F::WAVE> scanned;
        const auto live_tile = [&](int64_t key0) {
            return mma_group_live_tile<S>(a, work, span, lane, key0, end, scanned);
        };
        mma_group_feeds<S> feeds;
        feeds.open(a, work, end);

        float max[SLOTS], sum[SLOTS];
        float acc[S::UNITS][2][ACC] = {};
        SIMT_UNROLL
        for (int slot = 0; slot < SLOTS; slot++) {
            max[slot] = -SIMT_INFINITY;
            sum[slot] = 0.0f;
        }
        mma_columns<F> at;
        mma_group_tile now = live_tile(range.begin), next = now, later = now;
        float score[2][BLOCKS][ACC] = {};
        if (now.key0 < end) {
            next = later = live_tile(now.key0 + KV_TILE);
            feeds.start_k(lds, 0, now);
            SIMT_UNROLL
            for (int i = 0; i < S::BUFFERS; i++)
                feeds.v.pad(lds.v[i]);
            mma_find_columns<F>(a, work, first, lane, at);
            mma_group_load_q<S>(a, lds, at, wave, lane);
            mma_group_arrive<F>();
            if (DOUBLE) {
                feeds.start_k(lds, 1, next);
                feeds.start_v(lds, 0, now);
            }
            SIMT_UNROLL
            for (int slot = 0; slot < SLOTS; slot++)
                at.inverse[slot] = lds.inverse[16 * wave + F::column(lane, slot)];
            mma_find_scale<F>(a, at);
            mma_group_dot<S>(q_rows, k_rows, lane, score[0]);
            F::wait();
            if (!DOUBLE) {
                __syncthreads(); /* nobody reads K any more */
                feeds.start_k(lds, 0, next);
            }
            mma_group_arrive<F>();
        }

        /* The tile `now`, number i modulo 2, whose dot products are there, and its V, or on its way. Those of the next
         * tile may be on their way. */
        const auto finish = [&](int i, float (&own)[BLOCKS][ACC]) {
            const int keys = end - now.key0 < KV_TILE ? (int)(end - now.key0) : KV_TILE;
            const bool plain = at.plain && !now.masked && keys == KV_TILE;
            uint32_t open = 0;
            uint64_t live = 1; /* not 0: some key lives for the workgroup */
            if (!plain) {
                const mma_mask_reader<F, BLOCKS> mask(at, lane, now.key0, keys);
                open = mma_finish_scores<F>(a, at, now.masked, lane, keys, mask, own);
                if (DOUBLE && now.masked)
                    live = mma_group_clear_dead<S>(lds, i, wave, lane, open, keys);
            }
            float factor[SLOTS];
            bool moved = false;
            if (live != 0)
                moved = mma_softmax<F>(at, plain, own, max, sum, factor);
            F::wait(); /* no register of a product may change while another is under way, or ptxas makes them wait at
                          once */
            if (!DOUBLE) {
                mma_group_arrive<F>(); /* V is there, and nobody reads K any more */
                feeds.start_k(lds, 0, later);
                if (now.masked)
                    live = mma_group_clear_dead<S>(lds, 0, wave, lane, open, keys);
            }
            if (moved)
                mma_scale<F>(acc, factor);
            if (live != 0) {
                mma_group_output<S>(F::further(v_rows, DOUBLE ? i * S::V_TILE : 0), lane, own, acc);
                F::wait();
            }
            mma_group_arrive<F>();
            now = next;
            next = later;
        };
        /* The same with a next tile, whose K is there. A product that is under way must not meet a branch around its
         * start, or ptxas makes it wait at once: so the last tile is a case of its own. */
        const auto step = [&](int i, float (&own)[BLOCKS][ACC], float (&others)[BLOCKS][ACC]) {
            if (now.masked)
                mma_expect_mask<F>(at, now.key0);
            later = live_tile(next.key0 + KV_TILE);
            if (!DOUBLE)
                feeds.start_v(lds, 0, now);
            mma_group_dot<S>(q_rows, F::further(k_rows, DOUBLE ? (1 - i) * S::K_TILE : 0), lane, others);
            if (DOUBLE) {
                feeds.start_k(lds, i, later);
                feeds.start_v(lds, 1 - i, next);
            }
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
            if (!DOUBLE)
                feeds.start_v(lds, 0, now);
            finish(i, score[0]);
        }
        mma_store<F>(a, 1, work, first, lane, 0, range, max, sum, acc);
    }
}

template <class F, int DK, int DV>
__global__ __launch_bounds__((mma_group_shape<F, DK, DV>::THREADS)) void mma_group_kernel(const attn_args a)
{
    mma_group_attention<mma_group_shape<F, DK, DV>>(a);
}

#endif
