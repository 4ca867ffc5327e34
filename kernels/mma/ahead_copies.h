/* ahead_copies.h: how the mma kernel with tiles copied ahead (ahead.h) gets its tiles of K and V to LDS: which tile is
 * next, and the copies of its rows.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_AHEAD_COPIES_H
#define ATTN_MMA_AHEAD_COPIES_H

#include "kernels/mma/mma.h"

template <class FRAGMENT, int D_K, int D_V, int N_GROUPS, int MEMBERS, int TILE>
struct mma_ahead_shape : mma_shape<FRAGMENT, D_K, D_V, N_GROUPS, MEMBERS, TILE> {
    static constexpr int STAGES = ATTN_MMA_STAGES;
    static constexpr int K_PITCH = D_K, V_PITCH = D_V;        /* swizzled, not padded */
    static constexpr bool MLA = D_K == D_V + 64 && D_V > 128; /* whose V is in K: 64 elements are of the position */
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

    /* Where the lane's piece of its wave's row r goes in turn i, swizzled; r is a multiple of WAVES: such rows differ
     * in bit 2 of those that count. */
    static __device__ __forceinline__ uint16_t *place(uint16_t *lds, int r, int i)
    {
        const uint32_t wave = threadIdx.x / 32, own = 8 * ((threadIdx.x ^ wave) % 32);
        return lds + wave * PITCH + (own ^ 8u * (r % 8)) + r * PITCH + 256 * i;
    }
    static __device__ __forceinline__ bool has(int i)
    {
        return PIECES % 32 == 0 || (int)threadIdx.x % 32 + 32 * i < PIECES;
    }

    /* Where the lane's first piece of a tile is, which start_whole goes by. */
    static __device__ __forceinline__ const char *first(const char *tile, int64_t row_bytes)
    {
        return tile + (int)threadIdx.x / 32 * row_bytes + 16 * ((int)threadIdx.x % 32);
    }

    /* Of rows with all the ELEMENTS, at multiples of 16 bytes. exist: rows from the tile's first one on, perhaps more
     * than the tile's: others become zeros. */
    static __device__ SIMT_GPU_INLINE void start_whole(uint16_t *lds, const char *first, int64_t row_bytes,
                                                       int64_t exist)
    {
        const int rows = (exist < ROWS ? (int)exist : ROWS) - (int)threadIdx.x / 32;
        SIMT_UNROLL
        for (int r = 0; r < ROWS; r += WAVES) {
            SIMT_UNROLL
            for (int i = 0; i < TURNS; i++)
                if (has(i))
                    simt_copy_async_or_zero<16>(place(lds, r, i), first + 512 * i, r < rows);
            first += WAVES * row_bytes;
        }
    }

    /* Of any rows. tile: its first one; exist: as above. head: elements that a row has in memory, perhaps fewer than
     * ELEMENTS: in place of the others its last eight are there once more. wide: rows start at multiples of 16
     * bytes. */
    static __device__ SIMT_GPU_INLINE void start(uint16_t *lds, const char *tile, int64_t row_bytes, bool wide,
                                                 int64_t exist, int head)
    {
        const int wave = (int)threadIdx.x / 32, lane = (int)threadIdx.x % 32, last = head / 8 - 1;
        const char *row = tile + wave * row_bytes;
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
                    if (has(i))
                        simt_copy_async_or_zero<16>(place(lds, r, i), exists ? row + from[i] : tile, exists);
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
                if (has(i))
                    simt_store<simt_u32x4>(place(lds, r, i), value);
            }
            row += WAVES * row_bytes;
        }
    }
};

/* Are the rows of V the first elements of K's? */
static __device__ __forceinline__ bool mma_v_in_k(const attn_args &a)
{
    return a.k.data == a.v.data && a.k.nb1 == a.v.nb1 && a.k.nb2 == a.v.nb2 && a.k.nb3 == a.v.nb3 && a.d_v <= a.d_k;
}

/* Is the launch like most: whole heads, rows of K and V that are copied 16 bytes at a time, V in K where it is MLA's, a
 * mask whose keys lie by two, Q and results by two as well, no softcap? */
template <class S> static __device__ __forceinline__ bool mma_ahead_common(const attn_args &a)
{
    const auto places = [](const attn_view &view) {
        return reinterpret_cast<uintptr_t>(view.data) | (uintptr_t)view.nb1 | (uintptr_t)view.nb2 | (uintptr_t)view.nb3;
    };
    const uintptr_t out = a.splits > 1 ? reinterpret_cast<uintptr_t>(a.partial) : places(a.dst);
    return a.d_k == S::DK && a.d_v == S::DV && a.load_k >= 16 && a.load_v >= 16 && mma_v_in_k(a) == S::MLA &&
           !(a.softcap > 0.0f) && (!a.mask.data || places(a.mask) % 4 == 0) && (places(a.q) | out) % 8 == 0;
}

/* A tile of keys: the first, whether the mask has to be read. */
struct mma_ahead_tile {
    int64_t key0;
    bool masked;
};

/* The tiles of an item, in their order. COMMON: mma_ahead_common says so. */
template <class S, bool COMMON> struct mma_ahead_way {
    using F = typename S::F;
    using K_FEED = mma_ahead_feed<S::WAVES, S::KV_TILE, S::DK, S::K_PITCH>;
    using V_FEED = mma_ahead_feed<S::WAVES, S::KV_TILE, S::DV, S::V_PITCH>;

    const attn_args &a;
    const attn_work &work;
    int64_t end; /* of the keys */
    int64_t q_first, q_last;
    const char *k, *v; /* the heads' rows; COMMON: the lane's first piece of them */
    attn_scanned_ahead<F::WAVE> scanned;

    __device__ __forceinline__ mma_ahead_way(const attn_args &args, const attn_work &item, int64_t keys_end)
        : a(args), work(item), end(keys_end), k(attn_head_rows(args.k, item)), v(attn_head_rows(args.v, item))
    {
        const mma_span span = mma_span_of(a, work, S::COLUMNS);
        q_first = span.first / a.gqa;
        q_last = span.last / a.gqa;
        if constexpr (COMMON) {
            k = K_FEED::first(k, a.k.nb1);
            v = V_FEED::first(v, a.v.nb1);
        }
    }

    /* The first tile from key0 on that was not found dead. All threads of a wave arrive. */
    __device__ __forceinline__ mma_ahead_tile from(int64_t key0)
    {
        mma_ahead_tile t = { key0, a.mask.data != nullptr };
        if (a.scan) {
            bool zeros = false;
            t.key0 = S::KV_TILE * scanned.find(a, work.kv_head, work.seq, q_first, q_last, (int)threadIdx.x % F::WAVE,
                                               key0 / S::KV_TILE, (end + S::KV_TILE - 1) / S::KV_TILE, zeros);
            t.masked = !zeros;
        }
        return t;
    }
    __device__ __forceinline__ mma_ahead_tile after(const mma_ahead_tile &t)
    {
        return t.key0 < end ? from(t.key0 + S::KV_TILE) : t;
    }

    /* Starts its copies, which are a group, of none where there is no tile. All threads arrive. */
    __device__ __forceinline__ void start(const mma_ahead_tile &t, mma_ahead_lds<S> &lds, int stage) const
    {
        if (t.key0 < end) {
            const int64_t exist = end - t.key0;
            const char *const k_tile = k + t.key0 * a.k.nb1, *const v_tile = v + t.key0 * a.v.nb1;
            if constexpr (COMMON) {
                K_FEED::start_whole(lds.k[stage], k_tile, a.k.nb1, exist);
                if constexpr (!S::MLA)
                    V_FEED::start_whole(lds.v[stage], v_tile, a.v.nb1, exist);
            } else {
                K_FEED::start(lds.k[stage], k_tile, a.k.nb1, a.load_k >= 16, exist, (int)a.d_k);
                if (!mma_v_in_k(a))
                    V_FEED::start(lds.v[stage], v_tile, a.v.nb1, a.load_v >= 16, exist, (int)a.d_v);
            }
        }
        simt_copy_commit();
    }
};

#endif
