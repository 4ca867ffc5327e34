/* steps.h: what a wave of the mma kernel (mma.h) does with one tile of keys, step by step. F is a fragment class, as
 * mma.h describes.
 *
 * What the functions below are given as numbers (tiles, steps, units, waves of a group) are constants of the instance:
 * a GPU compiler inlines and unrolls all of it, the host's instances share the code.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_STEPS_H
#define ATTN_MMA_STEPS_H

#include "kernels/mma/columns.h"

constexpr float MMA_LOG2E = 1.44269504f;
constexpr int MMA_SPLIT_MOST = 8; /* waves of a group; their number is a power of two */

/* A bit for each key of a tile. */
template <bool MANY> struct mma_key_bits_;
template <> struct mma_key_bits_<false> {
    using type = uint32_t;
};
template <> struct mma_key_bits_<true> {
    using type = uint64_t;
};
template <int BLOCKS> using mma_key_bits = typename mma_key_bits_<(BLOCKS > 2)>::type;

/* The keys that live for any lane of the wave. */
template <int WAVE, class BITS> static __device__ __forceinline__ BITS mma_any(BITS keys)
{
    SIMT_UNROLL
    for (int bit = 1; bit < WAVE; bit *= 2)
        keys |= simt_shfl_xor<WAVE>(keys, bit);
    return keys;
}

/* Rescaling from one maximum to another that is at least as large; nothing was summed up below -inf. */
static __device__ __forceinline__ float mma_rescale(float from, float to)
{
    return from == -SIMT_INFINITY ? 0.0f : simt_exp2_fast((from - to) * MMA_LOG2E);
}

/* The wave's part of a tile's dot products. SWIZZLED: rows as mma_tile describes with panels side by side. */
template <class F, bool SWIZZLED = false, int BLOCKS, int OWN>
static __device__ SIMT_GPU_INLINE void mma_dot(const uint16_t *k, int pitch, int steps, int split, int lane, int member,
                                               const typename F::operand (&q)[OWN][MMA_Q_PARTS],
                                               float (&score)[BLOCKS][F::ACC])
{
    SIMT_UNROLL
    for (int i = 0; i < OWN; i++) {
        const int step = member + i * split;
        if (steps % split != 0 && step >= steps)
            break;
        SIMT_UNROLL
        for (int b = 0; b < BLOCKS; b++) {
            typename F::operand rows;
            if constexpr (SWIZZLED) /* a step is a quarter of a panel; split is 1, 2 or 4 */
                rows = F::load_k_swizzled(k + 16 * b * pitch + i * split / 4 * ATTN_MMA_PANEL, pitch, lane,
                                          member + i * split % 4);
            else
                rows = F::load_k(k + 16 * b * pitch + 16 * step, pitch, lane);
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
    /* A wave's own part and its neighbour's, that pair's and the next one's and so on: a + b is b + a, so all waves of
     * the group get the same sums. */
    SIMT_UNROLL
    for (int n = 0; n < BLOCKS * QUADS; n++) {
        float *own = &score[n / QUADS][n % QUADS * 4];
        simt_f32x4 sum[MMA_SPLIT_MOST];
        sum[0] = simt_make_f32x4(own[0], own[1], own[2], own[3]);
        SIMT_UNROLL
        for (int w = 1; w < split; w++)
            sum[w] = simt_load<simt_f32x4>(parts + (((wave ^ w) * BLOCKS * QUADS + n) * F::WAVE + lane) * 4);
        SIMT_UNROLL
        for (int step = 1; step < split; step *= 2) {
            SIMT_UNROLL
            for (int w = 0; w < split; w += 2 * step) {
                const simt_f32x4 x = sum[w], y = sum[w + step];
                sum[w] = simt_make_f32x4(x.x + y.x, x.y + y.y, x.z + y.z, x.w + y.w);
            }
        }
        own[0] = sum[0].x;
        own[1] = sum[0].y;
        own[2] = sum[0].z;
        own[3] = sum[0].w;
    }
}

/* Asks for the lane's part of the mask of a tile, which is read after some other work. */
template <class F> static __device__ __forceinline__ void mma_expect_mask(const mma_columns<F> &at, int64_t key0)
{
    SIMT_UNROLL
    for (int slot = 0; slot < F::SLOTS; slot++)
        simt_prefetch(at.mask[slot] + 2 * key0);
}

/* What the mask says of the lane's scores of a tile, as it lies in memory, two to a word; keys past the tile's first
 * `keys`, which do not exist, are excluded. */
template <class F, int BLOCKS> struct mma_mask_reader {
    const mma_columns<F> &at;
    int lane;
    int64_t key0;
    int keys;
    bool by_two; /* do they lie so that a word is one access? */

    __device__ __forceinline__ mma_mask_reader(const mma_columns<F> &c, int l, int64_t k, int n)
        : at(c), lane(l), key0(k), keys(n)
    {
        uintptr_t places = 0;
        SIMT_UNROLL
        for (int slot = 0; slot < F::SLOTS; slot++)
            places |= reinterpret_cast<uintptr_t>(at.mask[slot]) + (uintptr_t)(2 * key0);
        by_two = F::KEY_PAIRS && keys == 16 * BLOCKS && places % 4 == 0;
    }

    /* Of registers n and n + 1, n even. */
    __device__ __forceinline__ uint32_t operator()(int n) const
    {
        const int i = n % F::ACC, first = n / F::ACC * 16 + F::key(lane, i);
        const int second = n / F::ACC * 16 + F::key(lane, i + 1);
        const char *from = at.mask[F::slot(i)] + 2 * key0;
        if (by_two)
            return simt_load<uint32_t>(from + 2 * first);
        uint32_t bits[2] = { ATTN_MASK_EXCLUDES, ATTN_MASK_EXCLUDES };
        if (first < keys)
            bits[0] = simt_load<uint16_t>(from + 2 * first);
        if (second < keys)
            bits[1] = simt_load<uint16_t>(from + 2 * second);
        return bits[0] | bits[1] << 16;
    }
};

/* All of them, ahead of their use. */
template <class F, int BLOCKS> struct mma_mask_held {
    uint32_t w[BLOCKS * F::ACC / 2];

    __device__ __forceinline__ void read(const mma_mask_reader<F, BLOCKS> &reader)
    {
        SIMT_UNROLL
        for (int n = 0; n < BLOCKS * F::ACC; n += 2)
            w[n / 2] = reader(n);
    }
    /* Of a whole tile whose keys lie by two. */
    __device__ __forceinline__ void read_pairs(const mma_columns<F> &at, int lane, int64_t key0)
    {
        const char *from[F::SLOTS];
        SIMT_UNROLL
        for (int slot = 0; slot < F::SLOTS; slot++)
            from[slot] = at.mask[slot] + 2 * (key0 + F::key(lane, 0));
        SIMT_UNROLL
        for (int n = 0; n < BLOCKS * F::ACC; n += 2) {
            const int i = n % F::ACC, key = n / F::ACC * 16 + F::key(0, i); /* from the lane's first one */
            w[n / 2] = simt_load<uint32_t>(from[F::slot(i)] + 2 * key);
        }
    }
    /* Are all of them zeros, of all lanes? */
    __device__ __forceinline__ bool zeros() const
    {
        uint32_t any = 0;
        SIMT_UNROLL
        for (int n = 0; n < BLOCKS * F::ACC / 2; n++)
            any |= w[n];
        return simt_ballot<F::WAVE>(any != 0) == 0;
    }
    __device__ __forceinline__ uint32_t operator()(int n) const { return w[n / 2]; }
};

/* A bit for each register, block after block: is its key not excluded? */
template <class F, int BLOCKS> static __device__ __forceinline__ uint32_t mma_open(const mma_mask_held<F, BLOCKS> &mask)
{
    static_assert(BLOCKS * F::ACC <= 32, "a bit for each");
    uint32_t open = 0;
    SIMT_UNROLL
    for (int n = 0; n < BLOCKS * F::ACC; n++)
        open |= (mask(n) >> n % 2 * 16 & 0xFFFFu) != ATTN_MASK_EXCLUDES ? 1u << n : 0u;
    return open;
}

/* Scores from dot products, -inf where a key is excluded; of the tile's keys only the first `keys` exist. mask: a
 * reader of it, or what is held. CAPPED: a softcap is possible. Returns mma_open of it: asked for apart, AMD's compiler
 * keeps all comparisons in between. */
template <class F, bool CAPPED = true, int BLOCKS, class MASK>
static __device__ SIMT_GPU_INLINE uint32_t mma_finish_scores(const attn_args &a, const mma_columns<F> &at, bool masked,
                                                             int lane, int keys, const MASK &mask,
                                                             float (&score)[BLOCKS][F::ACC])
{
    constexpr int ALL = BLOCKS * F::ACC;
    uint32_t open = 0;
    SIMT_UNROLL
    for (int n = 0; n < ALL; n++)
        score[n / F::ACC][n % F::ACC] *= at.inverse[F::slot(n % F::ACC)];
    SIMT_UNROLL
    for (int n = 0; n < ALL; n++)
        score[n / F::ACC][n % F::ACC] *= mma_scale_of(a);
    if (CAPPED && a.softcap > 0.0f) {
        SIMT_UNROLL
        for (int n = 0; n < ALL; n++)
            score[n / F::ACC][n % F::ACC] = a.softcap * simt_tanh(score[n / F::ACC][n % F::ACC] / a.softcap);
    }
    if (masked) {
        SIMT_UNROLL
        for (int n = 0; n < ALL; n += 2) {
            const uint32_t both = mask(n), bits[2] = { both & 0xFFFFu, both >> 16 };
            SIMT_UNROLL
            for (int j = 0; j < 2; j++) {
                float &x = score[n / F::ACC][n % F::ACC + j];
                x += at.slope[F::slot(n % F::ACC)] * simt_f16_to_f32((uint16_t)bits[j]);
                if (bits[j] == ATTN_MASK_EXCLUDES)
                    x = -SIMT_INFINITY;
                else
                    open |= 1u << (n + j);
            }
        }
    } else if (keys < 16 * BLOCKS) {
        SIMT_UNROLL
        for (int n = 0; n < ALL; n++)
            if (n / F::ACC * 16 + F::key(lane, n % F::ACC) >= keys)
                score[n / F::ACC][n % F::ACC] = -SIMT_INFINITY;
    }
    return open;
}

/* The keys that live for any column of the wave, from each lane's bits. */
template <class F, int BLOCKS> static __device__ SIMT_GPU_INLINE uint64_t mma_live(int lane, uint32_t open)
{
    constexpr int ALL = BLOCKS * F::ACC;
    if (simt_ballot<F::WAVE>(open != 0) == 0)
        return 0;
    if (simt_ballot<F::WAVE>(open != ~0u >> (32 - ALL)) == 0)
        return ~(uint64_t)0 >> (64 - 16 * BLOCKS);
    /* A lane's keys are lane 0's, and as many further as its first one is. */
    using bits = mma_key_bits<BLOCKS>;
    bits keys = 0;
    SIMT_UNROLL
    for (int n = 0; n < ALL; n++)
        keys |= (bits)(open >> n & 1) << (n / F::ACC * 16 + F::key(0, n % F::ACC));
    return mma_any<F::WAVE>(keys << F::key(lane, 0));
}

/* The keys that exist of a tile's `keys`, as bits. */
static __device__ __forceinline__ uint64_t mma_existing(int keys)
{
    return keys < 64 ? ((uint64_t)1 << keys) - 1 : ~(uint64_t)0;
}

/* The first and the last column of a workgroup's tile. */
struct mma_span {
    int64_t first, last;
};

static __device__ __forceinline__ mma_span mma_span_of(const attn_args &a, const attn_work &work, int columns)
{
    const int64_t all = attn_columns(a);
    return { work.first, work.first + columns < all ? work.first + columns - 1 : all - 1 };
}

/* One tile's step of the online softmax: scores (plain: dot products, of which at.scale makes scores) become weights,
 * times 2^P_SHIFT, and so is sum, of the lane's own keys. Returns whether a maximum has moved, for any lane; then the
 * output so far is to be multiplied by factor. */
template <class F, int BLOCKS>
static __device__ SIMT_GPU_INLINE bool mma_softmax(const mma_columns<F> &at, bool plain, float (&score)[BLOCKS][F::ACC],
                                                   float (&max)[F::SLOTS], float (&sum)[F::SLOTS],
                                                   float (&factor)[F::SLOTS])
{
    float scale[F::SLOTS]; /* not negative */
    float base[F::SLOTS];  /* a number also where all is excluded: 2^-inf is 0, the weight of what is excluded */
    bool moved = false;
    SIMT_UNROLL
    for (int slot = 0; slot < F::SLOTS; slot++) {
        float top = -SIMT_INFINITY;
        SIMT_UNROLL
        for (int b = 0; b < BLOCKS; b++) {
            SIMT_UNROLL
            for (int i = 0; i < F::ACC; i++)
                if (F::slot(i) == slot)
                    top = simt_max(top, score[b][i]);
        }
        scale[slot] = plain ? at.scale[slot] : 1.0f;
        top = mma_share_max<F>(top) * scale[slot];
        /* The product is rounded here and not below: a reference that is no less than any of the scores, or weights
         * could pass f16's range. */
        if (plain)
            top = simt_fma(simt_abs(top), 0x1p-23f, top);
        top = simt_max(max[slot], top);
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
            score[b][i] = simt_exp2_fast(
                simt_fma(simt_fma(score[b][i], scale[F::slot(i)], -base[F::slot(i)]), MMA_LOG2E, F::P_SHIFT));
            sum[F::slot(i)] += score[b][i];
        }
    }
    return simt_ballot<F::WAVE>(moved) != 0;
}

/* Adds a tile's weighted rows of V to the wave's units of the output: member, member + split, ... */
template <class F, bool SWIZZLED = false, int BLOCKS, int OWN>
static __device__ SIMT_GPU_INLINE void mma_output(const uint16_t *rows, int pitch, int units, int split, int lane,
                                                  int member, const float (&weight)[BLOCKS][F::ACC],
                                                  float (&acc)[OWN][2][F::ACC])
{
    SIMT_UNROLL
    for (int b = 0; b < BLOCKS; b++) {
        typename F::operand p[F::P_PARTS];
        F::weights(lane, weight[b], p);
        SIMT_UNROLL
        for (int u = 0; u < OWN; u++) {
            const int unit = member + u * split;
            if (units % split != 0 && unit >= units)
                break;
            typename F::operand v[2];
            if constexpr (SWIZZLED) /* a unit is half of a panel; split is 2 or 4 */
                F::load_v_swizzled(rows + 16 * b * pitch + (member / 2 + u * split / 2) * ATTN_MMA_PANEL, pitch, lane,
                                   member % 2, v);
            else
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

/* Stores a wave's units of the output of its columns, into dst or as the split's partial result. WHOLE: all units
 * have all their elements, and every two, neighbours in the accumulator, lie at a multiple of eight bytes. */
template <class F, bool WHOLE = false, int OWN>
static __device__ SIMT_GPU_INLINE void mma_store(const attn_args &a, int split, const attn_work &work, int64_t first,
                                                 int lane, int member, const attn_keys &keys,
                                                 const float (&max)[F::SLOTS], const float (&sums)[F::SLOTS],
                                                 const float (&acc)[OWN][2][F::ACC])
{
    SIMT_UNROLL
    for (int slot = 0; slot < F::SLOTS; slot++) {
        float sum = mma_share_sum<F>(sums[slot]);
        const int64_t column = first + F::column(lane, slot);
        if (column >= attn_columns(a))
            continue;
        const attn_column own = attn_column_at(a, work.kv_head, column);
        float factor;
        float *out;
        if (a.splits > 1) {
            const int64_t part = attn_part_at(a, own, work.seq, keys.split);
            if (member == 0 && F::key(lane, 0) == 0) {
                a.meta[2 * part] = max[slot];
                a.meta[2 * part + 1] = sum * F::P_UNSHIFT;
            }
            if (keys.empty())
                continue;
            factor = F::P_UNSHIFT;
            out = a.partial + part * a.d_v;
        } else {
            factor = 1.0f;
            if (a.sinks) {
                const float sink = a.sinks[own.head], top = simt_max(max[slot], sink);
                factor = mma_rescale(max[slot], top);
                sum = sum * factor + simt_exp2_fast(simt_fma(sink - top, MMA_LOG2E, F::P_SHIFT));
            }
            factor = sum > 0.0f ? factor / sum : 0.0f;
            out = attn_dst_row(a, own, work.seq);
        }
        SIMT_UNROLL
        for (int u = 0; u < OWN; u++) {
            SIMT_UNROLL
            for (int t = 0; t < 2; t++) {
                SIMT_UNROLL
                for (int i = 0; i < F::ACC; i++) {
                    const int d = 32 * (member + u * split) + F::output_d(lane, i, t);
                    if (F::slot(i) != slot)
                        continue;
                    if (WHOLE && i % 2 == 0) {
                        simt_f32x2 two;
                        two.x = acc[u][t][i] * factor;
                        two.y = acc[u][t][i + 1] * factor;
                        simt_store<simt_f32x2>(out + d, two);
                    } else if (!WHOLE && mma_exists(d, a.d_v))
                        out[d] = acc[u][t][i] * factor;
                }
            }
        }
    }
}

#endif
