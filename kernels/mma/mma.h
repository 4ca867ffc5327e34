/* mma.h: attention on matrix cores, the kernel of mma_*.hip as a template. f16 or bf16 operands, f32 sums.
 *
 * A workgroup computes COLUMNS = 16 * GROUPS columns (see row.h) of one KV head against its split of the keys, KV_TILE
 * keys at a time. Its waves form GROUPS groups of SPLIT members; group g owns columns 16 * g .., and in it
 *   scores:  each member has its own part of the head's D_K elements, in steps of 16, and holds that part of Q in
 *            registers all the time; where SPLIT > 1 the members add up their parts through LDS;
 *   softmax: each member has all scores of its 16 columns, in the accumulator's layout, and does the same with them;
 *   output:  each member has its own part of the D_V elements, in units of 32.
 * So large heads are split over waves, both the registers of Q and those of the output, and nothing but the partial
 * scores crosses from wave to wave. Of a head that is smaller than the instance's, Q has
 * zeros behind it.
 *
 * K and V pass through LDS. While a tile's scores are computed its V is on the way, while its output is, the next
 * tile's K: one buffer each, and two barriers a tile.
 *
 * A fragment class F (mfma.h, wmma11.h, wmma12.h, sm80.h, what they share: fragment.h) hides the instruction, its
 * layout, and whether scores are Q K^T or K Q^T. A block is 16 keys x 16 columns of scores, a tile 16 columns x 16
 * elements of the output; a lane has ACC registers of each.
 *   WAVE, SLOTS, ACC           lanes, query columns that a lane has registers of, registers of a block or tile
 *   column(lane, slot)         which column of the wave's 16 that is
 *   slot(i), key(lane, i)      slot and key of register i of a block
 *   output_d(lane, i, t)       element of the head, of a unit's 32, of register i of tile t; its slot is slot(i), too
 *   KEY_PAIRS                  keys of registers i and i + 1 are neighbours, i even
 *   SHARE_FIRST, SHARE_LAST    lanes that differ in these bits have the same columns and different keys
 *   operand                    16 x 16 elements of K, V, Q or weights
 *   q_slot(w), q_d(lane, w)    word w of an operand of Q is elements q_d and the next of that slot's column
 *   load_k, load_v             operands from LDS rows: 16 keys x 16 elements; 16 keys x 32 elements
 *   load_k_swizzled, load_v_swizzled   the same from a panel of swizzled rows (stage.h), of sm80.h alone
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

template <class FRAGMENT, int D_K, int D_V, int N_GROUPS, int MEMBERS, int TILE> struct mma_shape {
    using F = FRAGMENT;
    static constexpr int DK = D_K, DV = D_V, GROUPS = N_GROUPS, SPLIT = MEMBERS, KV_TILE = TILE;
    static constexpr int WAVES = GROUPS * SPLIT;
    static constexpr int THREADS = WAVES * F::WAVE;
    static constexpr int COLUMNS = ATTN_MMA_COLUMNS * GROUPS;
    static constexpr int BLOCKS = KV_TILE / 16;
    static constexpr int STEPS = DK / 16, OWN_STEPS = (STEPS + SPLIT - 1) / SPLIT;
    static constexpr int UNITS = (DV + 31) / 32, OWN_UNITS = (UNITS + SPLIT - 1) / SPLIT;
    static constexpr int K_PITCH = DK + ATTN_MMA_PAD, V_PITCH = 32 * UNITS + ATTN_MMA_PAD;
    static constexpr int K_OWN = (KV_TILE * DK / 8 + THREADS - 1) / THREADS,
                         V_OWN = (KV_TILE * 4 * UNITS + THREADS - 1) / THREADS;
    static constexpr int PARTS = SPLIT > 1 ? WAVES * BLOCKS * 256 : 4;
    static_assert(DK % 16 == 0 && KV_TILE % 16 == 0 && KV_TILE <= 64, "whole blocks, and a tile's keys are bits of 64");
};

template <class S> struct alignas(16) mma_lds {
    uint16_t k[S::KV_TILE * S::K_PITCH];
    uint16_t v[S::KV_TILE * S::V_PITCH];
    float parts[S::PARTS];                  /* of the scores: [wave][block][register / 4][lane][register % 4] */
    uint64_t live[S::WAVES + S::WAVES % 2]; /* of each wave: bit k says that key k lives for one of its columns */
};

/* The first tile from key0 on that was not found dead, and whether its mask has to be read. */
template <class S>
static __device__ __forceinline__ int64_t mma_live_tile(const attn_args &a, const attn_work &work, const mma_span &span,
                                                        int64_t key0, int64_t end, bool &masked)
{
    masked = a.mask.data;
    for (; a.scan && key0 < end; key0 += S::KV_TILE) {
        const int found =
            attn_scanned_tile(a, work.kv_head, work.seq, span.first / a.gqa, span.last / a.gqa, key0 / S::KV_TILE);
        masked = found != ATTN_SCANNED_ZERO;
        if (found != ATTN_SCANNED_DEAD)
            break;
    }
    return key0;
}

/* Overwrites with zeros the rows of V that no wave found a use for. All threads arrive, after a barrier. */
template <class S>
static __device__ __forceinline__ void mma_clear_dead(const mma_tile v_tile, uint16_t *v, const uint64_t *live,
                                                      int keys)
{
    uint64_t any = 0;
    SIMT_UNROLL
    for (int g = 0; g < S::GROUPS; g++)
        any |= live[g * S::SPLIT];
    const uint64_t exist = mma_existing(keys);
    if (any != exist && any != 0) {
        mma_clear(v_tile, v, exist & ~any);
        __syncthreads();
    }
}

template <class S> static __device__ __forceinline__ void mma_attention(const attn_args &a)
{
    using F = typename S::F;
    using LDS = mma_lds<S>;
    constexpr int BLOCKS = S::BLOCKS, SLOTS = F::SLOTS, ACC = F::ACC, SPLIT = S::SPLIT, KV_TILE = S::KV_TILE;
    constexpr mma_tile K_TILE = { S::THREADS, KV_TILE, S::DK, S::DK, S::K_PITCH, 0 };
    constexpr mma_tile V_TILE = { S::THREADS, KV_TILE, S::DV, 32 * S::UNITS, S::V_PITCH, 0 };
    static_assert(sizeof(LDS) == attn_mma_lds({ S::GROUPS, SPLIT, KV_TILE, false, 0 }, S::DK, S::DV),
                  "what the contract asks for");
    SIMT_LDS(LDS, lds);

    const int thread = (int)threadIdx.x;
    const int lane = thread % F::WAVE, wave = thread / F::WAVE;
    const int group = wave / SPLIT, member = wave % SPLIT;
    const int d_k = (int)a.d_k, d_v = (int)a.d_v;
    const attn_keys range = attn_keys_of_split(a);

    for (int64_t number = attn_first_item(a.work); number < a.work; number = attn_next_item(number, a.work)) {
        const attn_work work = attn_work_at(a, number, S::COLUMNS);
        const mma_span span = mma_span_of(a, work, S::COLUMNS);
        const int64_t first = work.first + 16 * group;
        const bool busy = first < attn_columns(a); /* has the wave any column? */
        const char *const k_head = attn_head_rows(a.k, work), *const v_head = attn_head_rows(a.v, work);
        mma_stage<S::K_OWN, F::ASYNC> k_stage;
        mma_stage<S::V_OWN, F::ASYNC> v_stage;

        bool masked;
        int64_t key0 = mma_live_tile<S>(a, work, span, range.begin, range.end, masked);
        if (key0 < range.end)
            k_stage.start(K_TILE, lds.k, k_head + key0 * a.k.nb1, a.k.nb1, a.load_k >= 16, range.end - key0, d_k);

        mma_columns<F> at;
        typename F::operand q[S::OWN_STEPS][MMA_Q_PARTS];
        mma_find_columns<F>(a, work, first, lane, at);
        if (key0 < range.end)
            mma_load_q<F>(a, S::STEPS, SPLIT, lane, member, at, q);

        float max[SLOTS], sum[SLOTS];
        float acc[S::OWN_UNITS][2][ACC] = {};
        SIMT_UNROLL
        for (int slot = 0; slot < SLOTS; slot++) {
            max[slot] = -SIMT_INFINITY;
            sum[slot] = 0.0f;
        }

#pragma unroll 1
        while (key0 < range.end) {
            const int keys = range.end - key0 < KV_TILE ? (int)(range.end - key0) : KV_TILE;
            k_stage.finish(K_TILE, lds.k);
            __syncthreads(); /* K is there, and nobody reads the V before any more */
            v_stage.start(V_TILE, lds.v, v_head + key0 * a.v.nb1, a.v.nb1, a.load_v >= 16, keys, d_v);

            bool next_masked;
            const int64_t next = mma_live_tile<S>(a, work, span, key0 + KV_TILE, range.end, next_masked);
            if (masked)
                mma_expect_mask<F>(at, key0);
            float score[BLOCKS][ACC] = {};
            if (busy)
                mma_dot<F>(lds.k, S::K_PITCH, S::STEPS, SPLIT, lane, member, q, score);
            if constexpr (SPLIT > 1)
                mma_add_parts<F>(lds.parts, SPLIT, wave, lane, busy, score);

            uint64_t live = 0; /* not 0: some key lives for the wave */
            const bool plain = at.plain && !masked && keys == KV_TILE;
            if (busy && plain) {
                live = 1;
            } else if (busy) {
                const mma_mask_reader<F, BLOCKS> mask(at, lane, key0, keys);
                const uint32_t open = mma_finish_scores<F>(a, at, masked, lane, keys, mask, score);
                live = masked ? mma_live<F, BLOCKS>(lane, open) : 1;
            }
            if (masked && lane == 0)
                lds.live[wave] = live;
            v_stage.finish(V_TILE, lds.v);
            __syncthreads(); /* V is there, and nobody reads K any more */

            if (next < range.end)
                k_stage.start(K_TILE, lds.k, k_head + next * a.k.nb1, a.k.nb1, a.load_k >= 16, range.end - next, d_k);
            if (masked)
                mma_clear_dead<S>(V_TILE, lds.v, lds.live, keys);
            key0 = next;
            masked = next_masked;
            if (live == 0)
                continue;

            float factor[SLOTS];
            if (mma_softmax<F>(at, plain, score, max, sum, factor))
                mma_scale<F>(acc, factor);
            mma_output<F>(lds.v, S::V_PITCH, S::UNITS, SPLIT, lane, member, score, acc);
        }
        if (busy)
            mma_store<F>(a, SPLIT, work, first, lane, member, range, max, sum, acc);
    }
}

template <class F, int DK, int DV, int GROUPS, int SPLIT, int KV_TILE>
__global__ __launch_bounds__(GROUPS * SPLIT * F::WAVE) void mma_kernel(const attn_args a)
{
    mma_attention<mma_shape<F, DK, DV, GROUPS, SPLIT, KV_TILE>>(a);
}

#endif
