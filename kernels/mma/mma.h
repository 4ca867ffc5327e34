/* mma.h: attention on matrix cores, the kernel of mma_*.hip as a template. f16 or bf16 operands, f32 sums.
 *
 * A workgroup computes COLUMNS = 16 * WQ columns (see row.h) of one KV head against its split of the keys, KT keys at a
 * time. Its waves form WQ groups of WD; group w owns columns 16 * w .., and in it
 *   scores: each wave has its own part of the head's D_K elements, in steps of 16, and holds that part of Q in
 * registers all the time; where WD > 1 the waves add up their parts through LDS; softmax: each wave has all scores of
 * its 16 columns, in the accumulator's layout, and does the same with them; output: each wave has its own part of the
 * D_V elements, in units of 32. So large heads are split over waves, both the registers of Q and those of the output,
 * and nothing but the partial scores crosses from wave to wave.
 *
 * K and V pass through LDS. While a tile's scores are computed its V is on the way, while its output is, the next
 * tile's K: one buffer each, and two barriers a tile.
 *
 * A fragment class F (mfma.h, wmma11.h, wmma12.h, sm80.h) hides the instruction, its layout, and whether
 * scores are Q K^T or K Q^T. A block is 16 keys x 16 columns of scores, a tile 16 columns x 16 elements of the output;
 * a lane has ACC registers of each. WAVE, SLOTS, ACC           lanes, query columns that a lane has registers of,
 * registers of a block or tile column(lane, slot)         which column of the wave's 16 that is slot(i), key(lane, i)
 * slot and key of register i of a block output_d(lane, i, t)       element of the head, of a unit's 32, of register i
 * of tile t; its slot is slot(i), too KEY_PAIRS                  keys of registers i and i + 1 are neighbours, i even
 *   SHARE_FIRST, SHARE_LAST    lanes that differ in these bits have the same columns and different keys
 *   operand                    16 x 16 elements of K, V, Q or weights
 *   q_slot(w), q_d(lane, w)    word w of an operand of Q is elements q_d and the next of that slot's column
 *   load_k, load_v             operands from LDS rows: 16 keys x 16 elements; 16 keys x 32 elements
 *   weights                    operands from a block of softmax weights
 *   scores, output             the two products
 *   ASYNC                      global memory can be copied to LDS without passing through registers
 * and, from element.h, what f16 and bf16 differ in.
 *
 * Excluded keys (mask -inf, past the end of the split) get weight zero by selection. Rows of V that are excluded for
 * all of the workgroup's columns are overwritten with zeros in LDS: what dead cells hold is never multiplied by a
 * weight. Columns past the last repeat it and are not stored.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_H
#define ATTN_MMA_H

#include "kernels/mma/stage.h"
#include "kernels/mma/steps.h"
#include "kernels/helpers/scanned.h"

/* planner/contracts/kernel_mma.c computes the same numbers and LDS bytes. */
template <class F, int DK, int DV, int WQ, int WD, int KT> struct mma_shape {
    static constexpr int WAVES = WQ * WD;
    static constexpr int THREADS = WAVES * F::WAVE;
    static constexpr int COLUMNS = 16 * WQ;
    static constexpr int BLOCKS = KT / 16;
    static constexpr int STEPS = DK / 16, OWN_STEPS = (STEPS + WD - 1) / WD;
    static constexpr int UNITS = (DV + 31) / 32, OWN_UNITS = (UNITS + WD - 1) / WD;
    /* Eight elements more than a row has: neighbouring rows start in different banks. */
    static constexpr int K_PITCH = DK + 8, V_PITCH = 32 * UNITS + 8;
    static constexpr int K_OWN = (KT * DK / 8 + THREADS - 1) / THREADS,
                         V_OWN = (KT * 4 * UNITS + THREADS - 1) / THREADS;
    static constexpr int PARTS = WD > 1 ? WAVES * BLOCKS * 256 : 4;
    static_assert(DK % 16 == 0 && KT % 16 == 0 && KT <= 64, "whole blocks, and a tile's keys are bits of 64");
};

template <class F, int DK, int DV, int WQ, int WD, int KT> struct alignas(16) mma_lds {
    using S = mma_shape<F, DK, DV, WQ, WD, KT>;
    uint16_t k[KT * S::K_PITCH];
    uint16_t v[KT * S::V_PITCH];
    float parts[S::PARTS];                  /* of the scores: [wave][block][register / 4][lane][register % 4] */
    uint64_t live[S::WAVES + S::WAVES % 2]; /* of each wave: bit k says that key k lives for one of its columns */
};

template <class F, int DK, int DV, int WQ, int WD, int KT>
static __device__ __forceinline__ void mma_attention(const attn_args &a)
{
    using S = mma_shape<F, DK, DV, WQ, WD, KT>;
    using LDS = mma_lds<F, DK, DV, WQ, WD, KT>;
    constexpr int BLOCKS = S::BLOCKS, SLOTS = F::SLOTS, ACC = F::ACC;
    constexpr mma_tile K_TILE = { S::THREADS, KT, DK, DK, S::K_PITCH, false };
    constexpr mma_tile V_TILE = { S::THREADS, KT, DV, 32 * S::UNITS, S::V_PITCH, false };
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

        /* The first tile from key0 on that was not found dead, and whether its mask has to be read. */
        const auto live_tile = [&](int64_t key0, bool &masked) {
            masked = a.mask.data;
            for (; a.scan && key0 < end; key0 += KT) {
                const int found = attn_scanned_tile(a, kv_head, s, block_first / a.gqa, block_last / a.gqa, key0 / KT);
                masked = found != ATTN_SCANNED_ZERO;
                if (found != ATTN_SCANNED_DEAD)
                    break;
            }
            return key0;
        };
        const char *const k_head = a.k.data + kv_head * a.k.nb2 + s * a.k.nb3;
        const char *const v_head = a.v.data + kv_head * a.v.nb2 + s * a.v.nb3;
        mma_stage<S::K_OWN, F::ASYNC> k_stage;
        mma_stage<S::V_OWN, F::ASYNC> v_stage;

        bool masked;
        int64_t key0 = live_tile(begin, masked);
        if (key0 < end)
            k_stage.start(K_TILE, lds.k, k_head + key0 * a.k.nb1, a.k.nb1, a.load_k >= 16, end - key0);

        mma_columns<F> at;
        typename F::operand q[S::OWN_STEPS][MMA_Q_PARTS];
        mma_find_columns<F>(a, kv_head, s, first, lane, at);
        if (key0 < end)
            mma_load_q<F>(a, S::STEPS, WD, lane, wd, at, q);

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

            bool next_masked;
            const int64_t next = live_tile(key0 + KT, next_masked);
            if (masked)
                mma_expect_mask<F>(at, key0);
            float score[BLOCKS][ACC] = {};
            if (busy)
                mma_dot<F>(lds.k, S::K_PITCH, S::STEPS, WD, lane, wd, q, score);
            if constexpr (WD > 1)
                mma_add_parts<F>(lds.parts, WD, wave, lane, busy, score);

            uint64_t live = 0; /* not 0: some key lives for the wave */
            const bool plain = at.plain && !masked && keys == KT;
            if (busy && plain) {
                live = 1;
            } else if (busy) {
                const uint32_t open = mma_finish_scores<F>(a, at, masked, lane, key0, keys, score);
                live = masked ? mma_live<F, BLOCKS>(lane, open) : 1;
            }
            if (masked && lane == 0)
                lds.live[wave] = live;
            v_stage.finish(V_TILE, lds.v);
            __syncthreads(); /* V is there, and nobody reads K any more */

            if (next < end)
                k_stage.start(K_TILE, lds.k, k_head + next * a.k.nb1, a.k.nb1, a.load_k >= 16, end - next);
            if (masked) {
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
            masked = next_masked;
            if (live == 0)
                continue;

            float factor[SLOTS];
            if (mma_softmax<F>(at, plain, score, max, sum, factor))
                mma_scale<F>(acc, factor);
            mma_output<F>(lds.v, S::V_PITCH, S::UNITS, WD, lane, wd, score, acc);
        }
        if (busy)
            mma_store<F>(a, DV, WD, kv_head, s, first, lane, wd, split, begin >= end, max, sum, acc);
    }
}

template <class F, int DK, int DV, int WQ, int WD, int KT>
__global__ __launch_bounds__(WQ * WD * F::WAVE) void mma_kernel(const attn_args a)
{
    mma_attention<F, DK, DV, WQ, WD, KT>(a);
}

#endif
