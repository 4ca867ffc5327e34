/* columns.h: what the vec kernels (vec.h, staged.h) share: query columns, their floats in LDS, the merge of a
 * workgroup's waves.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_VEC_COLUMNS_H
#define ATTN_VEC_COLUMNS_H

#include "kernels/work.h"
#include "planner/contracts/shapes.h"

namespace
{

constexpr int WAVES = ATTN_VEC_WAVES;

/* A score that takes no part. Compared with ==, never computed with. */
constexpr float EXCLUDED = -__builtin_inff();

template <int WAVE> struct wave_slots {
    typedef uint64_t type;
};
template <> struct wave_slots<32> {
    typedef uint32_t type;
};

template <int HEAD, int TILE_COLUMNS, int LANES_OF_WAVE> struct vec_shape {
    static constexpr int D = HEAD, COLUMNS = TILE_COLUMNS, WAVE = LANES_OF_WAVE;
    typedef typename wave_slots<WAVE>::type slots; /* a bit for each lane of a wave */
    static constexpr int THREADS = WAVES * WAVE;
    static constexpr int LANES = D / 8 < WAVE ? D / 8 : WAVE;     /* that hold one row of K or V */
    static constexpr int GROUPS = WAVE / LANES;                   /* rows read at once */
    static constexpr int PIECES = D / (8 * LANES);                /* of eight elements a lane holds of a row */
    static constexpr int STEPS = (COLUMNS <= 4 ? 4 : 2) / PIECES; /* rows in flight for each group */
    static constexpr int ROUND = attn_vec_round(COLUMNS);         /* columns merged at once */
    static constexpr int WEIGHTS = WAVE * COLUMNS;                /* softmax weights of one tile */
    static constexpr int FLOATS = attn_vec_wave_floats(WAVE, D, COLUMNS);
    static_assert(ROUND * GROUPS * D <= FLOATS, "a wave's part of a merge");
    static_assert(LANES % STEPS == 0 && STEPS * COLUMNS <= 16 && LANES * GROUPS == WAVE && LANES * PIECES * 8 == D,
                  "rows are cut evenly");
};

/* What a lane holds of a column of Q or of the output. */
template <int PIECES> struct column_part {
    simt_f32x4 v[2 * PIECES];
};

/* One for each column, by four where that divides. p is a multiple of 16 then. */
template <int N> __device__ __forceinline__ void load_floats(const float *p, float (&out)[N])
{
    if constexpr (N % 4 == 0) {
#pragma unroll
        for (int i = 0; i < N; i += 4) {
            const simt_f32x4 v = simt_load<simt_f32x4>(p + i);
            out[i] = v.x;
            out[i + 1] = v.y;
            out[i + 2] = v.z;
            out[i + 3] = v.w;
        }
    } else {
#pragma unroll
        for (int i = 0; i < N; i++)
            out[i] = p[i];
    }
}

template <int N> __device__ __forceinline__ void store_floats(float *p, const float (&in)[N])
{
    if constexpr (N % 4 == 0) {
#pragma unroll
        for (int i = 0; i < N; i += 4)
            simt_store<simt_f32x4>(p + i, simt_make_f32x4(in[i], in[i + 1], in[i + 2], in[i + 3]));
    } else {
#pragma unroll
        for (int i = 0; i < N; i++)
            p[i] = in[i];
    }
}

/* Rescaling from one maximum to another that is at least as large; nothing was summed up below EXCLUDED. */
__device__ __forceinline__ float rescale(float from, float to) { return from == EXCLUDED ? 0.0f : simt_exp(from - to); }

/* A walk over consecutive columns of one KV head: query rows outside, heads inside. */
struct column_walk : attn_column {
    int64_t first, last;

    __device__ __forceinline__ column_walk(const attn_args &a, int64_t kv_head, int64_t number)
        : attn_column(attn_column_at(a, kv_head, number)), first(kv_head * a.gqa), last(first + a.gqa - 1)
    {
    }
    __device__ __forceinline__ void next()
    {
        iq += head == last;
        head = head == last ? first : head + 1;
    }
};

/* An empty split says so, and leaves its partial output unwritten. */
template <int COLUMNS>
__device__ __forceinline__ void store_empty(const attn_args &a, const attn_work &work, int64_t columns, int64_t split)
{
    const int thread = (int)threadIdx.x;
    if (thread < COLUMNS && work.first + thread < columns) {
        const attn_column at = attn_column_at(a, work.kv_head, work.first + thread);
        float *meta = a.meta + attn_part_at(a, at, work.seq, split) * 2;
        meta[0] = EXCLUDED;
        meta[1] = 0.0f;
    }
}

/* Merges a column and stores it: into dst, or, when n_kv is split, as the split's partial output, relative to the
 * split's maximum. Each wave's maximum, its sum of weights relative to that, and its output, as every group has it
 * ([group][d], waves `stride` apart), lie in LDS. */
template <class S>
__device__ __forceinline__ void store_column(const attn_args &a, const float (&maxima)[WAVES],
                                             const float (&sums)[WAVES], const float *parts, int stride,
                                             const attn_column &at, int64_t seq, int64_t split)
{
    const bool whole = a.splits == 1;
    float wave_max[WAVES], wave_sum[WAVES], scale[WAVES];
    load_floats(maxima, wave_max);
    load_floats(sums, wave_sum);

    const float sink = whole && a.sinks != nullptr ? a.sinks[at.head] : EXCLUDED;
    float max = sink;
#pragma unroll
    for (int w = 0; w < WAVES; w++)
        max = simt_max(max, wave_max[w]);
    float sum = rescale(sink, max);
#pragma unroll
    for (int w = 0; w < WAVES; w++) {
        scale[w] = rescale(wave_max[w], max);
        sum += wave_sum[w] * scale[w];
    }

    float *target;
    float divisor = 1.0f;
    if (whole) {
        target = attn_dst_row(a, at, seq);
        divisor = sum == 0.0f ? 1.0f : sum; /* no live key and no sink: zeros */
    } else {
        const int64_t part = attn_part_at(a, at, seq, split);
        target = a.partial + part * S::D;
        if (threadIdx.x == 0) {
            a.meta[2 * part] = max;
            a.meta[2 * part + 1] = sum;
        }
    }
    for (int d = (int)threadIdx.x; d < S::D; d += S::THREADS) {
        float value = 0.0f;
#pragma unroll
        for (int w = 0; w < WAVES; w++) {
            float part = 0.0f;
#pragma unroll
            for (int g = 0; g < S::GROUPS; g++)
                part += parts[w * stride + g * S::D + d];
            value += part * scale[w];
        }
        target[d] = value / divisor;
    }
}

/* Stores a lane's part of the output of the columns c0 ... of a round, as store_column reads it. */
template <class S>
__device__ __forceinline__ void put_columns(const column_part<S::PIECES> (&out)[S::COLUMNS], float *to, int c0,
                                            int lane)
{
    const int group = lane / S::LANES, lane_d = lane % S::LANES * 8;
#pragma unroll
    for (int c = 0; c < S::COLUMNS; c++) {
        if (c / S::ROUND * S::ROUND != c0)
            continue;
#pragma unroll
        for (int j = 0; j < 2 * S::PIECES; j++)
            simt_store<simt_f32x4>(to + (c % S::ROUND * S::GROUPS + group) * S::D + lane_d + j / 2 * S::LANES * 8 +
                                       j % 2 * 4,
                                   out[c].v[j]);
    }
}

/* The end of a workgroup's columns: the lanes' sums are added up in each wave, then waves and groups are merged through
 * LDS. max is the wave's, sum a lane's part; `output` is LDS for ROUND columns of each wave's output, waves `stride`
 * apart, which no lane of the wave reads any more; put(to, c0, lane) stores the lane's part of a round's there. */
template <class S, class PUT>
__device__ __forceinline__ void merge_waves(const attn_args &a, float (&lds_max)[S::COLUMNS][WAVES],
                                            float (&lds_sum)[S::COLUMNS][WAVES], float *output, int stride,
                                            const float (&max)[S::COLUMNS], float (&sum)[S::COLUMNS], const PUT &put,
                                            const attn_work &work, int64_t columns, int64_t split)
{
    constexpr int D = S::D, COLUMNS = S::COLUMNS, WAVE = S::WAVE;
    const int thread = (int)threadIdx.x, wave = thread / WAVE, lane = thread % WAVE;
    simt_reduce_add<WAVE>(sum);
    simt_wave_sync<WAVE>();
    if (lane == 0) {
#pragma unroll
        for (int c = 0; c < COLUMNS; c++) {
            lds_max[c][wave] = max[c];
            lds_sum[c][wave] = sum[c];
        }
    }
    column_walk at(a, work.kv_head, work.first);
#pragma unroll 1
    for (int c0 = 0; c0 < COLUMNS; c0 += S::ROUND) {
        put(output + wave * stride, c0, lane);
        __syncthreads();
#pragma unroll 1
        for (int r = 0; r < S::ROUND; r++, at.next())
            if (thread < D && work.first + c0 + r < columns)
                store_column<S>(a, lds_max[c0 + r], lds_sum[c0 + r], output + r * S::GROUPS * D, stride, at, work.seq,
                                split);
        __syncthreads();
    }
}

/* CUDA's compiler is held to registers for so many workgroups a compute unit. HIP's second argument means another
 * thing. */
#if defined(__CUDACC__) && !defined(__HIP__)
#define VEC_BOUNDS(threads, blocks) __launch_bounds__(threads, blocks)
#else
#define VEC_BOUNDS(threads, blocks) __launch_bounds__(threads)
#endif

} // namespace

#endif
