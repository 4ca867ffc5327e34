/* ahead.h: the mma kernel (mma.h) with tiles of K and V copied ahead, where global memory can be copied to LDS without
 * passing through registers and there is much LDS: NVIDIA, heads above 128, more than 16 columns. What a wave has and
 * does with its scores is mma.h's; other than there
 *   - LDS holds ATTN_MMA_STAGES tiles, of which one is worked on while the others are on their way: a tile's copies are
 *     started two tiles before, and it has a barrier when it has arrived and one for the waves' parts of the scores;
 *   - each wave reads its own part of Q alone, and once; the waves of a group tell each other its largest element;
 *   - V that is K's first elements, as in MLA, is not copied: its operands are read from the tile of K;
 *   - rows are swizzled and not padded, so that what a copy moves lies in lines of LDS (ATTN_COPY_LINE);
 *   - the mask is read before the scores are there, so that one barrier does for them and for the keys that live;
 *   - there is code of its own for what is common (mma_ahead_common), without the rest: with two waves for each
 * scheduler every instruction that is only jumped over counts.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_AHEAD_H
#define ATTN_MMA_AHEAD_H

#include "kernels/mma/ahead_copies.h"

/* The lane's words of Q, as mma_load_q; tops: a float for each wave and column, of LDS. WHOLE: as mma_q_pair's. All
 * threads arrive; what follows may overwrite tops after a barrier. */
template <class F, bool WHOLE, int OWN>
static __device__ SIMT_GPU_INLINE void mma_load_own_q(const attn_args &a, float *tops, int steps, int split, int lane,
                                                      int wave, mma_columns<F> &at,
                                                      typename F::operand (&q)[OWN][MMA_Q_PARTS])
{
    const int member = wave % split;
    float x[OWN][F::Q_WORDS][2] = {};
    float factor[F::SLOTS] = {};
    SIMT_UNROLL
    for (int i = 0; i < OWN; i++) {
        const int step = member + i * split;
        if (steps % split != 0 && step >= steps)
            break;
        SIMT_UNROLL
        for (int w = 0; w < F::Q_WORDS; w++) {
            float (&own)[2] = x[i][w];
            mma_q_pair<WHOLE>(at.q[F::q_slot(w)], 16 * step + F::q_d(lane, w), a.d_k, own);
            float &top = factor[F::q_slot(w)];
            top = simt_max(top, simt_max(simt_abs(own[0]), simt_abs(own[1])));
        }
    }
    SIMT_UNROLL
    for (int slot = 0; slot < F::SLOTS; slot++) {
        factor[slot] = mma_share_max<F>(factor[slot]);
        if (F::key(lane, 0) == 0)
            tops[16 * wave + F::column(lane, slot)] = factor[slot];
    }
    __syncthreads();
    SIMT_UNROLL
    for (int slot = 0; slot < F::SLOTS; slot++) {
        SIMT_UNROLL
        for (int w = 0; w < split; w++)
            factor[slot] = simt_max(factor[slot], tops[16 * (wave - member + w) + F::column(lane, slot)]);
        factor[slot] = mma_q_factor<F>(a, factor[slot], at.inverse[slot]);
    }
    mma_find_scale<F>(a, at);
    SIMT_UNROLL
    for (int i = 0; i < OWN; i++) {
        SIMT_UNROLL
        for (int w = 0; w < F::Q_WORDS; w++) {
            const float f = factor[F::q_slot(w)];
            mma_cut_q<F>(x[i][w][0] * f, x[i][w][1] * f, w, q[i]);
        }
    }
}

/* The workgroup's items. COMMON: mma_ahead_common says so. */
template <class S, bool COMMON>
static __device__ SIMT_GPU_INLINE void mma_ahead_items(const attn_args &a, mma_ahead_lds<S> &lds)
{
    using F = typename S::F;
    constexpr int BLOCKS = S::BLOCKS, SLOTS = F::SLOTS, ACC = F::ACC, SPLIT = S::SPLIT, KV_TILE = S::KV_TILE;
    constexpr mma_tile V_TILE = { S::THREADS, KV_TILE, S::DV, 32 * S::UNITS, S::V_PITCH, ATTN_MMA_PANEL };
    constexpr mma_tile V_IN_K_TILE = { S::THREADS, KV_TILE, S::DV, 32 * S::UNITS, S::K_PITCH, ATTN_MMA_PANEL };
    static_assert(32 * S::UNITS == S::DV, "no zeros behind a row of V");

    const int thread = (int)threadIdx.x;
    const int lane = thread % F::WAVE, wave = thread / F::WAVE;
    const int group = wave / SPLIT, member = wave % SPLIT;
    const bool v_in_k = COMMON ? S::MLA : mma_v_in_k(a);
    const attn_keys range = attn_keys_of_split(a);
    const int64_t end = range.end;

#pragma unroll 1
    for (int64_t number = attn_first_item(a.work); number < a.work; number = attn_next_item(number, a.work)) {
        const attn_work work = attn_work_at(a, number, S::COLUMNS);
        const int64_t first = work.first + 16 * group;
        const bool busy = first < attn_columns(a); /* has the wave any column? */
        mma_ahead_way<S, COMMON> way(a, work, end);

        __syncthreads(); /* nobody reads the item's before any more */
        mma_ahead_tile now = {}, next = { range.begin - KV_TILE, false };
#pragma unroll 1
        for (int to = 0; to < S::STAGES - 1; to++) {
            now = next;
            next = way.after(next);
            way.start(next, lds, to);
        }

        mma_columns<F> at;
        typename F::operand q[S::OWN_STEPS][MMA_Q_PARTS];
        mma_find_columns<F>(a, work, first, lane, at);
        /* A common launch's masks are read a tile ahead, and only asked whether they are all zeros, which changes
         * nothing; where they are not they are read again. */
        mma_mask_held<F, BLOCKS> ahead;
        const auto whole = [&](const mma_ahead_tile &t) {
            return COMMON && busy && t.masked && t.key0 + KV_TILE <= end;
        };
        if (whole(now))
            ahead.read_pairs(at, lane, now.key0);
        if (now.key0 < end)
            mma_load_own_q<F, COMMON>(a, lds.parts, S::STEPS, SPLIT, lane, wave, at, q);
        bool zeros = !now.masked || (whole(now) && ahead.zeros());

        float max[SLOTS], sum[SLOTS];
        float acc[S::OWN_UNITS][2][ACC] = {};
        SIMT_UNROLL
        for (int slot = 0; slot < SLOTS; slot++) {
            max[slot] = -SIMT_INFINITY;
            sum[slot] = 0.0f;
        }

        int stage = 0;
#pragma unroll 1
        while (now.key0 < end) {
            const int keys = end - now.key0 < KV_TILE ? (int)(end - now.key0) : KV_TILE;
            const bool masked = now.masked;
            const int64_t key0 = now.key0;
            uint16_t *const k = lds.k[stage], *const v = v_in_k ? k : lds.v[stage];
            const int v_pitch = v_in_k ? S::K_PITCH : S::V_PITCH;
            simt_copy_wait<S::STAGES - 2>();
            __syncthreads(); /* the tile is there, and nobody reads the one before any more */
            if (!COMMON && masked)
                mma_expect_mask<F>(at, key0);
            const bool ask = whole(next);
            if (ask)
                ahead.read_pairs(at, lane, next.key0);
            const mma_ahead_tile later = way.after(next);
            way.start(later, lds, stage == 0 ? S::STAGES - 1 : stage - 1);

            /* The mask is on its way while scores are computed, where registers are left. */
            constexpr bool EARLY = !COMMON && S::DK <= 256;
            mma_mask_held<F, BLOCKS> mask;
            if (EARLY && masked && busy)
                mask.read({ at, lane, key0, keys });
            float score[BLOCKS][ACC] = {};
            if (busy)
                mma_dot<F, true>(k, S::K_PITCH, S::STEPS, SPLIT, lane, member, q, score);
            uint64_t live = busy ? mma_existing(keys) : 0; /* not 0: some key lives for the wave */
            if (simt_rarely(busy && !zeros)) {
                if (!EARLY)
                    mask.read({ at, lane, key0, keys });
                live = mma_live<F, BLOCKS>(lane, mma_open<F, BLOCKS>(mask));
            }
            if (masked && lane == 0)
                lds.live[wave] = live;
            mma_add_parts<F>(lds.parts, SPLIT, wave, lane, busy, score); /* a barrier */

            const bool plain = at.plain && zeros && keys == KV_TILE;
            if (simt_rarely(busy && !plain))
                mma_finish_scores<F, !COMMON>(a, at, !zeros, lane, keys, mask, score);
            if (masked)
                mma_clear_dead<S>(v_in_k ? V_IN_K_TILE : V_TILE, v, lds.live, keys);
            zeros = !next.masked || (ask && ahead.zeros());
            now = next;
            next = later;
            stage = stage == S::STAGES - 1 ? 0 : stage + 1;
            if (live == 0)
                continue;

            float factor[SLOTS];
            if (mma_softmax<F>(at, plain, score, max, sum, factor))
                mma_scale<F>(acc, factor);
            mma_output<F, true>(v, v_pitch, S::UNITS, SPLIT, lane, member, score, acc);
        }
        if (busy)
            mma_store<F, COMMON>(a, SPLIT, work, first, lane, member, range, max, sum, acc);
    }
}

template <class S> static __device__ __forceinline__ void mma_ahead_attention(const attn_args &a)
{
    using LDS = mma_ahead_lds<S>;
    static_assert(sizeof(LDS) == attn_mma_lds(attn_mma_ahead(S::DK), S::DK, S::DV), "what the contract asks for");
    SIMT_LDS_DYNAMIC_ALIGNED(LDS, lds, 16); /* in fact on a line's boundary: there is no static object */
    /* Asked twice, so that a compiler leaves the two in this order and the first one in one piece. */
    if (simt_opaque(mma_ahead_common<S>(a)))
        mma_ahead_items<S, true>(a, *lds);
    if (!simt_opaque(mma_ahead_common<S>(a)))
        mma_ahead_items<S, false>(a, *lds);
}

template <class F, int DK, int DV, int GROUPS, int SPLIT, int KV_TILE>
__global__ __launch_bounds__(GROUPS * SPLIT * F::WAVE) void mma_ahead_kernel(const attn_args a)
{
    mma_ahead_attention<mma_ahead_shape<F, DK, DV, GROUPS, SPLIT, KV_TILE>>(a);
}

#endif
