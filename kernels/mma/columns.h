/* columns.h: the columns of a wave of the mma kernel (mma.h): where they are, and their Q as operands. F is a fragment
 * class, as mma.h describes.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_COLUMNS_H
#define ATTN_MMA_COLUMNS_H

#include "kernels/mma/element.h"
#include "kernels/work.h"

/* Sum or maximum over the lanes that share a column. */
template <class F, class T, class USE> static __device__ __forceinline__ void mma_share(T &value, const USE &use)
{
    SIMT_UNROLL
    for (int bit = F::SHARE_FIRST; bit <= F::SHARE_LAST; bit *= 2)
        value = use(value, simt_shfl_xor<F::WAVE>(value, bit));
}

template <class F> static __device__ __forceinline__ float mma_share_max(float value)
{
    mma_share<F>(value, [](float a, float b) { return simt_max(a, b); });
    return value;
}

template <class F> static __device__ __forceinline__ float mma_share_sum(float value)
{
    mma_share<F>(value, [](float a, float b) { return a + b; });
    return value;
}

/* The columns of a lane. Of which row and head they are is worked out again at the end. */
template <class F> struct mma_columns {
    const char *q[F::SLOTS];
    const char *mask[F::SLOTS];
    float slope[F::SLOTS];
    float inverse[F::SLOTS]; /* of the power of two that the column's Q is multiplied by, */
    float scale[F::SLOTS];   /* and that times |a.scale|: a dot product times it is a score */
    bool plain;              /* it is as good as both one after the other, for all lanes, and there is no softcap */
};

/* The sign of a.scale, which Q takes on. */
static __device__ __forceinline__ float mma_sign(const attn_args &a) { return a.scale < 0.0f ? -1.0f : 1.0f; }
/* Not simt_abs: of a scalar it costs AMD's compiler seven registers that are kept in lanes. */
static __device__ __forceinline__ float mma_scale_of(const attn_args &a) { return a.scale < 0.0f ? -a.scale : a.scale; }

/* Once the inverse of a lane's columns is there. All lanes arrive. */
template <class F> static __device__ __forceinline__ void mma_find_scale(const attn_args &a, mma_columns<F> &at)
{
    const float scale = mma_scale_of(a);
    bool exact = !(a.softcap > 0.0f);
    SIMT_UNROLL
    for (int slot = 0; slot < F::SLOTS; slot++) {
        at.scale[slot] = at.inverse[slot] * scale;
        /* a power of two changes no digit of a normal number */
        exact = exact && ((at.scale[slot] >= 0x1p-126f && at.scale[slot] < SIMT_INFINITY) || scale == 0.0f);
    }
    at.plain = simt_ballot<F::WAVE>(!exact) == 0;
}

/* Where the lane's columns are; first: the wave's first column in the KV head. */
template <class F>
static __device__ SIMT_GPU_INLINE void mma_find_columns(const attn_args &a, const attn_work &work, int64_t first,
                                                        int lane, mma_columns<F> &at)
{
    SIMT_UNROLL
    for (int slot = 0; slot < F::SLOTS; slot++) {
        const int64_t last = attn_columns(a) - 1, own = first + F::column(lane, slot);
        const attn_column column = attn_column_at(a, work.kv_head, own < last ? own : last);
        at.q[slot] = attn_q_row(a, column, work.seq);
        at.mask[slot] = attn_mask_row(a, column, work.seq);
        at.slope[slot] = attn_slope(a, column.head);
    }
}

/* The power of two, with the sign of a.scale, for a column whose largest magnitude is top, and its inverse. */
template <class F> static __device__ __forceinline__ float mma_q_factor(const attn_args &a, float top, float &inverse)
{
    const uint32_t bits = F::factor_bits(top);
    inverse = attn_float_of_bits((254u << 23) - bits);
    return mma_sign(a) * attn_float_of_bits(bits);
}

/* Does element d of a head exist, which is smaller than the instance's where it has fewer than those? Asked of its
 * eight neighbours, which exist or not together: many lanes and registers are one question then. */
static __device__ __forceinline__ bool mma_exists(int d, int64_t head) { return (d & ~7) < head; }

/* Two elements of a lane's column of Q, from d on; zeros past the head. WHOLE: there is no past, and rows begin at
 * multiples of eight bytes. */
template <bool WHOLE = false>
static __device__ __forceinline__ void mma_q_pair(const char *row, int d, int64_t head, float (&x)[2])
{
    const float *from = reinterpret_cast<const float *>(row) + d;
    if constexpr (WHOLE) {
        const simt_f32x2 both = simt_load<simt_f32x2>(from);
        x[0] = both.x;
        x[1] = both.y;
        return;
    }
    x[0] = x[1] = 0.0f;
    if (mma_exists(d, head)) {
        x[0] = from[0];
        x[1] = from[1];
    }
}

/* Two elements of Q as word w of its parts. */
template <class F>
static __device__ __forceinline__ void mma_cut_q(float first, float second, int w,
                                                 typename F::operand (&parts)[MMA_Q_PARTS])
{
    parts[0].w[w] = F::pack(first, second);
    parts[1].w[w] = mma_pack_rest<F>(first, second, parts[0].w[w]);
}

/* The lane's words of Q: of steps member, member + split, ... Each column is multiplied by a power of two first. */
template <class F, int OWN>
static __device__ SIMT_GPU_INLINE void mma_load_q(const attn_args &a, int steps, int split, int lane, int member,
                                                  mma_columns<F> &at, typename F::operand (&q)[OWN][MMA_Q_PARTS])
{
    float factor[F::SLOTS];
    SIMT_UNROLL
    for (int slot = 0; slot < F::SLOTS; slot++)
        factor[slot] = 0.0f;
#pragma unroll 1
    for (int step = 0; step < steps; step++) {
        SIMT_UNROLL
        for (int w = 0; w < F::Q_WORDS; w++) {
            float x[2];
            mma_q_pair(at.q[F::q_slot(w)], 16 * step + F::q_d(lane, w), a.d_k, x);
            float &top = factor[F::q_slot(w)];
            top = simt_max(top, simt_max(simt_abs(x[0]), simt_abs(x[1])));
        }
    }
    SIMT_UNROLL
    for (int slot = 0; slot < F::SLOTS; slot++)
        factor[slot] = mma_q_factor<F>(a, mma_share_max<F>(factor[slot]), at.inverse[slot]);
    mma_find_scale<F>(a, at);
    SIMT_UNROLL
    for (int i = 0; i < OWN; i++) {
        const int step = member + i * split;
        if (steps % split != 0 && step >= steps)
            break;
        SIMT_UNROLL
        for (int w = 0; w < F::Q_WORDS; w++) {
            const int slot = F::q_slot(w);
            float x[2];
            mma_q_pair(at.q[slot], 16 * step + F::q_d(lane, w), a.d_k, x);
            mma_cut_q<F>(x[0] * factor[slot], x[1] * factor[slot], w, q[i]);
        }
    }
}

#endif
