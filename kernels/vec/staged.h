/* staged.h: vec where the device copies from memory to LDS by itself. As vec.h does it, but for this: every wave's rows
 * go through LDS (stage.h), so that many are on their way and none of them takes a register; and there they can be read
 * in any order, which q8_0 makes use of (q8.h).
 *
 * A wave's chunks of K and V make one sequence: all of a tile's K, all of its V, then the next tile that has a live
 * key. Two are on their way or in use at any time; what lies in LDS of a tile's keys, weights and the like, is in the
 * order of keys.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_VEC_STAGED_H
#define ATTN_VEC_STAGED_H

#include "kernels/dequant.h"
#include "kernels/vec/q8.h"
#include "kernels/vec/stage.h"

namespace
{

/* Dynamic LDS: SLOTS slots of each wave, at the end its output. */
template <int D, int COLUMNS> struct alignas(16) vec_staged_lds {
    float max[COLUMNS][WAVES]; /* of each wave, and */
    float sum[COLUMNS][WAVES]; /* the sum of weights relative to it */
    /* Each wave's own, [key][column]: what the mask adds, then logits, then weights, of a tile and of the next. */
    float wave[WAVES][2][32 * COLUMNS];
    q8_query<D, COLUMNS> q;
    const char *mask[COLUMNS]; /* of each column: its mask's first value, and what to multiply them by */
    float slope[COLUMNS];
};

/* The tiles of a wave that have a live key, one after another, with what the mask makes of their keys. */
template <int D, int COLUMNS> struct tile_walk {
    vec_staged_lds<D, COLUMNS> &lds;
    float *bias;             /* a tile's, and behind it another's, in turn */
    int64_t at, end;         /* the first key of the next tile, and of what is not the walk's */
    uint32_t live;           /* keys of the tile at hand */
    int found;               /* tiles so far */
    uint16_t ahead[COLUMNS]; /* mask values of the tile at `at`, on their way before they are needed */

    __device__ __forceinline__ tile_walk(vec_staged_lds<D, COLUMNS> &l, int wave, int64_t begin, int64_t end)
        : lds(l), bias(l.wave[wave][0]), at(begin), end(end), live(0), found(0)
    {
    }

    __device__ __forceinline__ void read_mask(bool masked, int lane)
    {
        if (!masked)
            return;
        const char *last = nullptr;
#pragma unroll
        for (int c = 0; c < COLUMNS; c++) {
            const char *const mask = lds.mask[c];
            ahead[c] = ATTN_MASK_EXCLUDES;
            if (at + lane < end) /* heads often share one mask row: read it once */
                ahead[c] =
                    c > 0 && mask == last ? ahead[c > 0 ? c - 1 : 0] : simt_load<uint16_t>(mask + 2 * (at + lane));
            last = mask;
        }
    }

    /* Returns the first key of the first tile with a live key, from `at` on, and leaves `at` one tile further; `end`
     * when there is none. */
    __device__ __forceinline__ int64_t next(bool masked, int lane)
    {
        while (at < end) {
            bool alive = at + lane < end;
            float value[COLUMNS];
#pragma unroll
            for (int c = 0; c < COLUMNS; c++)
                value[c] = alive ? 0.0f : EXCLUDED;
            if (masked) {
                alive = false;
#pragma unroll
                for (int c = 0; c < COLUMNS; c++) {
                    const float mask = simt_f16_to_f32(ahead[c]);
                    value[c] = mask == EXCLUDED ? EXCLUDED : lds.slope[c] * mask;
                    alive = alive || mask != EXCLUDED;
                }
            }
            live = (uint32_t)simt_ballot<32>(alive);
            at += WAVES * 32;
            read_mask(masked, lane);
            if (live != 0) {
                store_floats(bias + (found & 1) * 32 * COLUMNS + lane * COLUMNS, value);
                found++;
                return at - WAVES * 32;
            }
        }
        return end;
    }
};

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

/* Masks and slopes of the columns to LDS, and Q there (INTEGER) or to registers. Columns past the last repeat it and
 * are not stored. A barrier must follow. */
template <class S, bool INTEGER, class LDS, int N>
__device__ __forceinline__ void staged_columns(const attn_args &a, const attn_work &work, int64_t columns, LDS &lds,
                                               column_part<1> (&q)[N])
{
    const int thread = (int)threadIdx.x, lane = thread % 32;
    if (thread < S::COLUMNS) {
        const int64_t number = work.first + thread;
        const attn_column at = attn_column_at(a, work.kv_head, number < columns ? number : columns - 1);
        lds.mask[thread] = attn_mask_row(a, at, work.seq);
        lds.slope[thread] = attn_slope(a, at.head);
    }
    if constexpr (INTEGER) {
        q8_quantise(a, lds.q, work, columns);
    } else {
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
}

/* Makes weights of a tile's logits ([key][column]). A lane works out those of one column, lane % COLUMNS; max is the
 * wave's, of that column, sum the lane's part. */
template <class S>
__device__ __forceinline__ void staged_softmax(float *weights, int lane, float &max, float &sum,
                                               column_part<1> (&out)[S::COLUMNS])
{
    constexpr int COLUMNS = S::COLUMNS;
    float weight[COLUMNS], top = EXCLUDED;
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) {
        weight[i] = weights[lane + 32 * i];
        top = simt_max(top, weight[i]);
    }
#pragma unroll
    for (int step = COLUMNS; step < 32; step *= 2)
        top = simt_max(top, simt_shfl_xor<32>(top, step));
    if (simt_ballot<32>(top > max) != 0) { /* rarely, after the first tiles */
        const float to = simt_max(max, top), scale = rescale(max, to);
        sum *= scale;
        max = to;
#pragma unroll
        for (int c = 0; c < COLUMNS; c++) {
            const float of_column = simt_shfl<32>(scale, c);
            out[c].v[0] = simt_mul(out[c].v[0], of_column);
            out[c].v[1] = simt_mul(out[c].v[1], of_column);
        }
    }
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) {
        const float w = weight[i] == EXCLUDED ? 0.0f : simt_exp(weight[i] - max);
        sum += w;
        weights[lane + 32 * i] = w;
    }
}

/* INTEGER: K is q8_0, and the matrix instruction for bytes multiplies it. */
template <int D, int COLUMNS, bool INTEGER>
__global__ VEC_BOUNDS(WAVES * 32, (INTEGER && COLUMNS <= 4 ? 4 : 3)) void vec_staged_kernel(const attn_args a)
{
    using S = vec_shape<D, COLUMNS, 32>;
    using LDS = vec_staged_lds<D, COLUMNS>;
    static_assert(S::PIECES == 1, "a lane holds eight elements of a row");
    static_assert(sizeof(LDS) == attn_vec_staged_lds(D, COLUMNS), "what the contract asks for");
    SIMT_LDS(LDS, lds);
    SIMT_LDS_DYNAMIC(char, slots);

    const int thread = (int)threadIdx.x;
    const int wave = thread / 32, lane = thread % 32;
    const bool masked = a.mask.data != nullptr;
    const int64_t columns = attn_columns(a);
    const attn_keys keys = attn_keys_of_split(a);

    for (int64_t number = attn_first_item(a.work); number < a.work; number = attn_next_item(number, a.work)) {
        const attn_work work = attn_work_at(a, number, COLUMNS);
        if (keys.empty()) {
            store_empty<COLUMNS>(a, work, columns, keys.split);
            continue;
        }
        column_part<1> q[INTEGER ? 1 : COLUMNS];
        staged_columns<S, INTEGER>(a, work, columns, lds, q);
        __syncthreads();

        float max = EXCLUDED, sum = 0.0f; /* of the wave's keys; the lane's part */
        column_part<1> out[COLUMNS];
#pragma unroll
        for (int c = 0; c < COLUMNS; c++)
            out[c].v[0] = out[c].v[1] = simt_splat_f32x4(0.0f);

        const staged_rows k_rows(a.k, work, staged_row_bytes(a.type_k, D), a.stage_k);
        const staged_rows v_rows(a.v, work, staged_row_bytes(a.type_v, D), a.stage_v);
        const int k_chunks = 32 / k_rows.rows, chunks = k_chunks + 32 / v_rows.rows;
        const int slot_bytes =
            k_rows.chunk_bytes() > v_rows.chunk_bytes() ? k_rows.chunk_bytes() : v_rows.chunk_bytes();
        char *const own = slots + wave * SLOTS * slot_bytes;

        tile_walk<D, COLUMNS> walk(lds, wave, keys.begin + wave * 32, keys.end);
        walk.read_mask(masked, lane);
        int64_t staged = walk.next(masked, lane); /* tile and chunk to be copied next */
        int staged_chunk = 0;
        int tile = 0, chunk = -SLOTS; /* to be computed with; below 0 copies have only to be started */
        int turn = 0;
#pragma unroll 1
        while (tile < walk.found) {
            char *const slot = own + turn * slot_bytes;
            if (chunk >= 0) {
                float *const weights = walk.bias + (tile & 1) * 32 * COLUMNS;
                simt_copy_wait<SLOTS - 1>();
                simt_wave_sync<32>();
                if (chunk < k_chunks) {
                    float *const logits = weights + chunk * k_rows.rows * COLUMNS;
                    if constexpr (INTEGER)
                        q8_dot<D, COLUMNS>(a, slot, k_rows.rows, lds.q, simt_opaque(lane), logits);
                    else
                        attn_with_row_loader(a.type_k, true, [&](auto loader) __attribute__((always_inline)) {
                            staged_dot<S>(a, loader, slot, k_rows, q, simt_opaque(lane), logits);
                        });
                    if (chunk == k_chunks - 1) {
                        simt_wave_sync<32>();
                        staged_softmax<S>(weights, lane, max, sum, out);
                    }
                } else if (a.type_v == ATTN_Q8_0) {
                    q8_weigh<S>(slot, v_rows.rows, weights + (chunk - k_chunks) * v_rows.rows * COLUMNS,
                                simt_opaque(lane), out);
                } else {
                    attn_with_row_loader(a.type_v, true, [&](auto loader) __attribute__((always_inline)) {
                        staged_weigh<S>(loader, slot, v_rows, weights + (chunk - k_chunks) * v_rows.rows * COLUMNS,
                                        simt_opaque(lane), out);
                    });
                }
                simt_wave_sync<32>();
            }
            if (staged < keys.end) {
                const bool is_k = staged_chunk < k_chunks;
                const staged_rows rows = staged_rows::either(is_k, k_rows, v_rows);
                const int first = (is_k ? staged_chunk : staged_chunk - k_chunks) * rows.rows;
                stage_chunk(slot, rows, staged + first, walk.live >> first, simt_opaque(lane));
                if (++staged_chunk == chunks) {
                    staged_chunk = 0;
                    staged = walk.next(masked, lane);
                }
            }
            simt_copy_commit();
            turn ^= 1;
            if (++chunk == chunks) {
                chunk = 0;
                tile++;
            }
        }

        float maxima[COLUMNS], sums[COLUMNS];
#pragma unroll
        for (int c = 0; c < COLUMNS; c++) {
            maxima[c] = simt_shfl<32>(max, c);
            sums[c] = lane % COLUMNS == c ? sum : 0.0f;
        }
        merge_waves<S>(a, lds.max, lds.sum, reinterpret_cast<float *>(slots), SLOTS * slot_bytes / 4, maxima, sums, out,
                       work, columns, keys.split);
    }
}

} // namespace

#endif
