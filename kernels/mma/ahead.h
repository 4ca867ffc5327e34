/* ahead.h: the mma kernel (mma.h) with tiles of K and V copied ahead, where global memory can be copied to LDS without
 * passing through registers and there is much LDS: NVIDIA, heads above 128, more than 16 columns. What a wave has and
 * does with its scores is mma.h's; other than there
 *   - LDS holds ATTN_MMA_STAGES tiles, of which one is worked on while the others are on their way: a tile's copies are
 *     started two tiles before, and it has a barrier when it has arrived and one for the waves' parts of the scores;
 *   - each wave reads its own part of Q alone, and once; the waves of a group tell each other its largest element;
 *   - V that is K's first elements, as in MLA, is not copied: its operands are read from the tile of K;
 *   - rows are swizzled and not padded, so that what a copy moves lies in lines of LDS (ATTN_COPY_LINE);
 *   - the mask is read before the scores are there, so that one barrier does for them and for the keys that live.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_AHEAD_H
#define ATTN_MMA_AHEAD_H

#include "kernels/mma/mma.h"

template <class FRAGMENT, int D_K, int D_V, int N_GROUPS, int MEMBERS, int TILE>
struct mma_ahead_shape : mma_shape<FRAGMENT, D_K, D_V, N_GROUPS, MEMBERS, TILE> {
    static constexpr int STAGES = ATTN_MMA_STAGES;
    static constexpr int K_PITCH = D_K, V_PITCH = D_V; /* swizzled, not padded */
    static_assert(FRAGMENT::ASYNC && STAGES == 3, "tiles now, next and later");
    static_assert(MEMBERS == 2 || MEMBERS == 4, "Q's largest by the parts; a panel is four steps and two units");
};

template <class S> struct alignas(16) mma_ahead_lds {
    uint16_t k[S::STAGES][S::KV_TILE * S::K_PITCH];
    uint16_t v[S::STAGES][S::KV_TILE * S::V_PITCH];
    float parts[S::PARTS];                  /* as in mma_lds; before the first tile, largest elements of Q */
    uint64_t live[S::WAVES + S::WAVES % 2]; /* as in mma_lds */
};

/* Copies of rows of ELEMENTS elements: a wave takes one row after another, WAVES apart. */
template <int WAVES, int ROWS, int ELEMENTS, int PITCH> struct mma_ahead_feed {
    static constexpr int PIECES = ELEMENTS / 8, TURNS = (PIECES + 31) / 32;
    static_assert(ROWS % WAVES == 0 && ELEMENTS % ATTN_MMA_PANEL == 0, "all waves alike, whole panels");
    static_assert(WAVES == 4 || WAVES == 8, "a wave's rows have its number in the lower bits of theirs");

    /* tile: its first row; exist: rows from there on, perhaps more than the tile's: others become zeros. head: elements
     * that a row has in memory, perhaps fewer than ELEMENTS: in place of the others its last eight are there once more.
     * wide: rows start at multiples of 16 bytes. */
    static __device__ SIMT_GPU_INLINE void start(uint16_t *lds, const char *tile, int64_t row_bytes, bool wide,
                                                 int64_t exist, int head)
    {
        const int wave = (int)threadIdx.x / 32, lane = (int)threadIdx.x % 32, last = head / 8 - 1;
        const char *row = tile + wave * row_bytes;
        uint16_t *const to = lds + wave * PITCH;
        const uint32_t own = 8 * ((uint32_t)lane ^ (uint32_t)wave); /* swizzled; rows of other turns differ in bit 2 */
        if (wide && exist >= ROWS && head == ELEMENTS) {            /* as below, without its questions: most tiles */
            row += 16 * lane;
            SIMT_UNROLL
            for (int r = 0; r < ROWS; r += WAVES) {
                SIMT_UNROLL
                for (int i = 0; i < TURNS; i++)
                    if (PIECES % 32 == 0 || lane + 32 * i < PIECES)
                        simt_copy_async<16>(to + (own ^ 8u * (r % 8)) + r * PITCH + 256 * i, row + 512 * i);
                row += WAVES * row_bytes;
            }
            return;
        }
        int from[TURNS];
        SIMT_UNROLL
        for (int i = 0; i < TURNS; i++)
            from[i] = 16 * (lane + 32 * i < last ? lane + 32 * i : last);
        if (wide) {
            SIMT_UNROLL
            for (int r = 0; r < ROWS; r += WAVES) {
                const bool exists = r + wave < exist;
                SIMT_UNROLL
                for (int i = 0; i < TURNS; i++)
                    if (PIECES % 32 == 0 || lane + 32 * i < PIECES)
                        simt_copy_async_or_zero<16>(to + (own ^ 8u * (r % 8)) + r * PITCH + 256 * i,
                                                    exists ? row + from[i] : tile, exists);
                row += WAVES * row_bytes;
            }
            return;
        }
#pragma unroll 1
        for (int r = 0; r < ROWS; r += WAVES) {
            SIMT_UNROLL
            for (int i = 0; i < TURNS; i++) {
                simt_u32x4 value = {};
                if (r + wave < exist)
                    value = mma_load_narrow(row + from[i]);
                if (PIECES % 32 == 0 || lane + 32 * i < PIECES)
                    simt_store<simt_u32x4>(to + (own ^ 8u * (r % 8)) + r * PITCH + 256 * i, value);
            }
            row += WAVES * row_bytes;
        }
    }
};

/* The lane's words of Q, as mma_load_q; tops: a float for each wave and column, of LDS. All threads arrive; what
 * follows may overwrite tops after a barrier. */
template <class F, int OWN>
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
            mma_q_pair(a, at.q[F::q_slot(w)], 16 * step + F::q_d(lane, w), own);
            float &top = factor[F::q_slot(w)];
            top = simt_max(top, simt_max(own[0] < 0.0f ? -own[0] : own[0], own[1] < 0.0f ? -own[1] : own[1]));
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
            const float f = factor[F::q_slot(w)], first = x[i][w][0] * f, second = x[i][w][1] * f;
            q[i][0].w[w] = F::pack(first, second);
            q[i][1].w[w] = mma_pack_rest<F>(first, second, q[i][0].w[w]);
        }
    }
}

/* Are the rows of V the first elements of K's? */
static __device__ __forceinline__ bool mma_v_in_k(const attn_args &a)
{
    return a.k.data == a.v.data && a.k.nb1 == a.v.nb1 && a.k.nb2 == a.v.nb2 && a.k.nb3 == a.v.nb3 && a.d_v <= a.d_k;
}

/* A tile of keys: the first, whether the mask has to be read. */
struct mma_ahead_tile {
    int64_t key0;
    bool masked;
};

template <class S> static __device__ __forceinline__ void mma_ahead_attention(const attn_args &a)
{
    using F = typename S::F;
    using LDS = mma_ahead_lds<S>;
    constexpr int BLOCKS = S::BLOCKS, SLOTS = F::SLOTS, ACC = F::ACC, SPLIT = S::SPLIT, KV_TILE = S::KV_TILE;
    constexpr mma_tile V_TILE = { S::THREADS, KV_TILE, S::DV, 32 * S::UNITS, S::V_PITCH, ATTN_MMA_PANEL };
    constexpr mma_tile V_IN_K_TILE = { S::THREADS, KV_TILE, S::DV, 32 * S::UNITS, S::K_PITCH, ATTN_MMA_PANEL };
    static_assert(sizeof(LDS) == attn_mma_lds(attn_mma_ahead(S::DK), S::DK, S::DV), "what the contract asks for");
    static_assert(32 * S::UNITS == S::DV, "no zeros behind a row of V");
    SIMT_LDS_DYNAMIC_ALIGNED(LDS, all, 16); /* in fact on a line's boundary: there is no static object */
    LDS &lds = *all;

    const int thread = (int)threadIdx.x;
    const int lane = thread % F::WAVE, wave = thread / F::WAVE;
    const int group = wave / SPLIT, member = wave % SPLIT;
    const bool v_in_k = mma_v_in_k(a);
    const attn_keys range = attn_keys_of_split(a);
    const int64_t end = range.end;

#pragma unroll 1
    for (int64_t number = attn_first_item(a.work); number < a.work; number = attn_next_item(number, a.work)) {
        const attn_work work = attn_work_at(a, number, S::COLUMNS);
        const mma_span span = mma_span_of(a, work, S::COLUMNS);
        const int64_t first = work.first + 16 * group;
        const bool busy = first < attn_columns(a); /* has the wave any column? */
        const char *const k_head = attn_head_rows(a.k, work), *const v_head = attn_head_rows(a.v, work);

        const auto live_tile = [&](int64_t key0) {
            mma_ahead_tile t;
            t.key0 = mma_live_tile<S>(a, work, span, key0, end, t.masked);
            return t;
        };
        const auto start = [&](const mma_ahead_tile &t, int stage) {
            if (t.key0 < end) {
                mma_ahead_feed<S::WAVES, KV_TILE, S::DK, S::K_PITCH>::start(
                    lds.k[stage], k_head + t.key0 * a.k.nb1, a.k.nb1, a.load_k >= 16, end - t.key0, (int)a.d_k);
                if (!v_in_k)
                    mma_ahead_feed<S::WAVES, KV_TILE, S::DV, S::V_PITCH>::start(
                        lds.v[stage], v_head + t.key0 * a.v.nb1, a.v.nb1, a.load_v >= 16, end - t.key0, (int)a.d_v);
            }
            simt_copy_commit();
        };

        __syncthreads(); /* nobody reads the item's before any more */
        mma_ahead_tile now = live_tile(range.begin);
        start(now, 0);
        mma_ahead_tile next = now.key0 < end ? live_tile(now.key0 + KV_TILE) : now;
        start(next, 1);

        mma_columns<F> at;
        typename F::operand q[S::OWN_STEPS][MMA_Q_PARTS];
        mma_find_columns<F>(a, work, first, lane, at);
        if (now.key0 < end)
            mma_load_own_q<F>(a, lds.parts, S::STEPS, SPLIT, lane, wave, at, q);

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
            if (masked)
                mma_expect_mask<F>(at, key0);
            const mma_ahead_tile later = next.key0 < end ? live_tile(next.key0 + KV_TILE) : next;
            start(later, stage == 0 ? S::STAGES - 1 : stage - 1);

            /* The mask is on its way while scores are computed, where registers are left. */
            constexpr bool EARLY = S::DK <= 256;
            mma_mask_held<F, BLOCKS> mask;
            if (EARLY && masked && busy)
                mask.read({ at, lane, key0, keys });
            float score[BLOCKS][ACC] = {};
            if (busy)
                mma_dot<F, true>(k, S::K_PITCH, S::STEPS, SPLIT, lane, member, q, score);
            uint64_t live = busy ? 1 : 0; /* not 0: some key lives for the wave */
            if (masked) {
                if (!EARLY && busy)
                    mask.read({ at, lane, key0, keys });
                if (busy)
                    live = mma_live<F, BLOCKS>(lane, mma_open<F, BLOCKS>(mask));
                if (lane == 0)
                    lds.live[wave] = live;
            }
            mma_add_parts<F>(lds.parts, SPLIT, wave, lane, busy, score); /* a barrier */

            const bool plain = at.plain && !masked && keys == KV_TILE;
            if (busy && !plain)
                mma_finish_scores<F>(a, at, masked, lane, keys, mask, score);
            if (masked)
                mma_clear_dead<S>(v_in_k ? V_IN_K_TILE : V_TILE, v, lds.live, keys);
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
            mma_store<F>(a, SPLIT, work, first, lane, member, range, max, sum, acc);
    }
}

template <class F, int DK, int DV, int GROUPS, int SPLIT, int KV_TILE>
__global__ __launch_bounds__(GROUPS * SPLIT * F::WAVE) void mma_ahead_kernel(const attn_args a)
{
    mma_ahead_attention<mma_ahead_shape<F, DK, DV, GROUPS, SPLIT, KV_TILE>>(a);
}

#endif
