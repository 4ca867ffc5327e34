/* lanes.h: scores and output of vec from rows in LDS, by the lanes' own multiply-adds: of every type, and, for scores
 * of q8_0, by the matrix instruction for bytes (q8.h).
 *
 * A lane has eight elements of a row, of Q and of the output.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_VEC_LANES_H
#define ATTN_VEC_LANES_H

#include "kernels/dequant.h"
#include "kernels/vec/q8.h"
#include "kernels/vec/stage.h"

namespace
{

/* Makes logits of what the mask adds to the scores of a chunk's keys ([key][column]). */
template <class S, class LOADER>
__device__ __forceinline__ void staged_dot(const attn_args &a, const LOADER &loader, const char *rows,
                                           const staged_rows &t, const column_part<1> *q, int lane, float *logits)
{
    constexpr int COLUMNS = S::COLUMNS, STEPS = S::STEPS, N = STEPS * COLUMNS, LANES = S::LANES;
    constexpr int EACH = N > LANES ? N / LANES : 1;   /* sums that a lane ends up with, */
    constexpr int COPIES = N > LANES ? 1 : LANES / N; /* and lanes that have the same */
    const int group = lane / LANES, member = lane % LANES;
#pragma unroll 1
    for (int i = 0; i < t.rows / S::GROUPS; i += STEPS) {
        typename LOADER::raw raw[STEPS];
        float dot[N];
#pragma unroll
        for (int s = 0; s < STEPS; s++)
            raw[s] = loader.fetch(rows + ((i + s) * S::GROUPS + group) * t.bytes, member * 8);
#pragma unroll
        for (int s = 0; s < STEPS; s++) {
            float x[8];
            loader.decode_unscaled(raw[s], x);
            const simt_f32x4 low = simt_make_f32x4(x[0], x[1], x[2], x[3]),
                             high = simt_make_f32x4(x[4], x[5], x[6], x[7]);
#pragma unroll
            for (int c = 0; c < COLUMNS; c++)
                dot[s * COLUMNS + c] = simt_dot(low, high, q[c].v[0], q[c].v[1]) * loader.scale(raw[s]);
        }
        simt_reduce_add_apart<LANES>(dot);
        if (member % COPIES != 0)
            continue;
#pragma unroll
        for (int e = 0; e < EACH; e++) {
            const int n = member / COPIES * EACH + e;
            float *const logit = logits + ((i + n / COLUMNS) * S::GROUPS + group) * COLUMNS + n % COLUMNS;
            *logit = *logit == EXCLUDED ? EXCLUDED : attn_score(dot[e], a.scale, a.softcap) + *logit;
        }
    }
}

/* Adds weights ([key][column]) times the rows of a chunk to the output. */
template <class S, class LOADER>
__device__ __forceinline__ void staged_weigh(const LOADER &loader, const char *rows, const staged_rows &t,
                                             const float *weights, int lane, column_part<1> (&out)[S::COLUMNS])
{
    constexpr int COLUMNS = S::COLUMNS, STEPS = S::STEPS;
    const int group = lane / S::LANES, member = lane % S::LANES;
#pragma unroll 1
    for (int i = 0; i < t.rows / S::GROUPS; i += STEPS) {
        typename LOADER::raw raw[STEPS];
#pragma unroll
        for (int s = 0; s < STEPS; s++)
            raw[s] = loader.fetch(rows + ((i + s) * S::GROUPS + group) * t.bytes, member * 8);
#pragma unroll
        for (int s = 0; s < STEPS; s++) {
            float x[8], w[COLUMNS];
            loader.decode_unscaled(raw[s], x);
            load_floats(weights + ((i + s) * S::GROUPS + group) * COLUMNS, w);
            const simt_f32x4 low = simt_make_f32x4(x[0], x[1], x[2], x[3]),
                             high = simt_make_f32x4(x[4], x[5], x[6], x[7]);
            const float scale = loader.scale(raw[s]);
#pragma unroll
            for (int c = 0; c < COLUMNS; c++) {
                const float factor = w[c] * scale;
                out[c].v[0] = simt_fma(low, factor, out[c].v[0]);
                out[c].v[1] = simt_fma(high, factor, out[c].v[1]);
            }
        }
    }
}

/* The output's part. */
template <int HEAD, int TILE_COLUMNS> struct vec_lanes_output {
    using S = vec_shape<HEAD, TILE_COLUMNS, 32>;
    static_assert(S::PIECES == 1, "a lane holds eight elements of a row");
    column_part<1> out[S::COLUMNS];

    __device__ __forceinline__ void clear()
    {
#pragma unroll
        for (int c = 0; c < S::COLUMNS; c++)
            out[c].v[0] = out[c].v[1] = simt_splat_f32x4(0.0f);
    }
    static __device__ __forceinline__ void stage(char *to, const staged_rows &t, int64_t first, uint32_t live, int lane)
    {
        stage_chunk(to, t, first, live, lane);
    }
    /* scale: of the column lane % COLUMNS. */
    __device__ __forceinline__ void rescale(float scale)
    {
#pragma unroll
        for (int c = 0; c < S::COLUMNS; c++) {
            const float of_column = simt_shfl<32>(scale, c);
            out[c].v[0] = simt_mul(out[c].v[0], of_column);
            out[c].v[1] = simt_mul(out[c].v[1], of_column);
        }
    }
    __device__ __forceinline__ void weigh(const attn_args &a, const char *rows, const staged_rows &t,
                                          const float *weights, int lane)
    {
        if (a.type_v == ATTN_Q8_0)
            q8_weigh<S>(rows, t.rows, weights, lane, out);
        else
            attn_with_row_loader(a.type_v, true, [&](auto loader) __attribute__((always_inline)) {
                staged_weigh<S>(loader, rows, t, weights, lane, out);
            });
    }
    /* As merge_waves wants it. */
    __device__ __forceinline__ void put(float *to, int c0, int lane) const { put_columns<S>(out, to, c0, lane); }
};

template <int HEAD, int TILE_COLUMNS> struct vec_by_lanes : vec_lanes_output<HEAD, TILE_COLUMNS> {
    using S = typename vec_lanes_output<HEAD, TILE_COLUMNS>::S;
    static constexpr int RESIDENT = attn_vec_resident(ATTN_VEC_BY_LANES, HEAD, TILE_COLUMNS);
    column_part<1> q[S::COLUMNS];

    template <class LDS>
    __device__ __forceinline__ void load(const attn_args &a, const attn_work &work, int64_t columns, LDS &)
    {
        const int lane = (int)threadIdx.x % 32;
        column_walk at(a, work.kv_head, work.first);
#pragma unroll
        for (int c = 0; c < S::COLUMNS; c++) {
            const float *const from =
                reinterpret_cast<const float *>(attn_q_row(a, at, work.seq)) + lane % S::LANES * 8;
            q[c].v[0] = simt_make_f32x4(from[0], from[1], from[2], from[3]);
            q[c].v[1] = simt_make_f32x4(from[4], from[5], from[6], from[7]);
            if (work.first + c + 1 < columns)
                at.next();
        }
    }
    template <class LDS>
    __device__ __forceinline__ void dot(const attn_args &a, const LDS &, const char *rows, const staged_rows &t,
                                        int lane, float *logits) const
    {
        attn_with_row_loader(a.type_k, true, [&](auto loader) __attribute__((always_inline)) {
            staged_dot<S>(a, loader, rows, t, q, lane, logits);
        });
    }
};

/* K is q8_0: Q in LDS. */
template <int HEAD, int TILE_COLUMNS> struct vec_by_bytes : vec_lanes_output<HEAD, TILE_COLUMNS> {
    static constexpr int RESIDENT = attn_vec_resident(ATTN_VEC_BY_BYTES, HEAD, TILE_COLUMNS);

    template <class LDS>
    __device__ __forceinline__ void load(const attn_args &a, const attn_work &work, int64_t columns, LDS &lds)
    {
        q8_quantise(a, lds.q, work, columns);
    }
    template <class LDS>
    __device__ __forceinline__ void dot(const attn_args &a, const LDS &lds, const char *rows, const staged_rows &t,
                                        int lane, float *logits) const
    {
        q8_dot<HEAD, TILE_COLUMNS>(a, rows, t.rows, lds.q, lane, logits);
    }
};

} // namespace

#endif
