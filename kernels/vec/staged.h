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

/* planner/contracts/kernel_vec.c computes its size. Dynamic LDS: SLOTS slots of each wave, at the end its output. */
template <int D, int COLS> struct alignas(16) vec_staged_lds {
    float max[COLS][WAVES]; /* of each wave, and */
    float sum[COLS][WAVES]; /* the sum of weights relative to it */
    /* Each wave's own, [key][column]: what the mask adds, then logits, then weights, of a tile and of the next. */
    float wave[WAVES][2][32 * COLS];
    q8_query<D, COLS> q;
    const char *mask[COLS]; /* of each column: its mask's first value, and what to multiply them by */
    float slope[COLS];
};

/* The tiles of a wave that have a live key, one after another, with what the mask makes of their keys. */
template <int D, int COLS> struct tile_walk {
    vec_staged_lds<D, COLS> &lds;
    float *bias; /* a tile's, and behind it another's, in turn */
    int64_t k0, k_end;
    uint32_t live;        /* keys of the tile at hand */
    int found;            /* tiles so far */
    uint16_t ahead[COLS]; /* mask values of the tile at k0, on their way before they are needed */

    __device__ __forceinline__ tile_walk(vec_staged_lds<D, COLS> &l, int wave, int64_t begin, int64_t end)
        : lds(l), bias(l.wave[wave][0]), k0(begin), k_end(end), live(0), found(0)
    {
    }

    __device__ __forceinline__ void read_mask(bool masked, int lane)
    {
        if (!masked)
            return;
        const char *last = nullptr;
#pragma unroll
        for (int c = 0; c < COLS; c++) {
            const char *const mask = lds.mask[c];
            ahead[c] = ATTN_MASK_EXCLUDES;
            if (k0 + lane < k_end) /* heads often share one mask row: read it once */
                ahead[c] =
                    c > 0 && mask == last ? ahead[c > 0 ? c - 1 : 0] : simt_load<uint16_t>(mask + 2 * (k0 + lane));
            last = mask;
        }
    }

    /* Returns the first key of the first tile with a live key at k0 or behind it, and leaves k0 one tile further; k_end
     * when there is none. */
    __device__ __forceinline__ int64_t next(bool masked, int lane)
    {
        while (k0 < k_end) {
            bool alive = k0 + lane < k_end;
            float value[COLS];
#pragma unroll
            for (int c = 0; c < COLS; c++)
                value[c] = alive ? 0.0f : EXCLUDED;
            if (masked) {
                alive = false;
#pragma unroll
                for (int c = 0; c < COLS; c++) {
                    const float mask = simt_f16_to_f32(ahead[c]);
                    value[c] = mask == EXCLUDED ? EXCLUDED : lds.slope[c] * mask;
                    alive = alive || mask != EXCLUDED;
                }
            }
            live = (uint32_t)simt_ballot<32>(alive);
            k0 += WAVES * 32;
            read_mask(masked, lane);
            if (live != 0) {
                store_floats(bias + (found & 1) * 32 * COLS + lane * COLS, value);
                found++;
                return k0 - WAVES * 32;
            }
        }
        return k_end;
    }
};

/* Makes logits of what the mask adds to the scores of a chunk's keys ([key][column]). */
template <class S, int COLS, class LOADER>
__device__ __forceinline__ void staged_dot(const attn_args &a, const LOADER &loader, const char *rows,
                                           const staged_rows &t, const column_part<1> *q, int lane, float *logits)
{
    constexpr int STEPS = S::STEPS, N = STEPS * COLS, LANES = S::LANES;
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
            for (int c = 0; c < COLS; c++)
                dot[s * COLS + c] = simt_dot(low, high, q[c].v[0], q[c].v[1]) * loader.scale(raw[s]);
        }
        simt_reduce_add_apart<LANES>(dot);
        if (member % COPIES != 0)
            continue;
#pragma unroll
        for (int e = 0; e < EACH; e++) {
            const int n = member / COPIES * EACH + e;
            float *const logit = logits + ((i + n / COLS) * S::GROUPS + group) * COLS + n % COLS;
            *logit = *logit == EXCLUDED ? EXCLUDED : attn_score(dot[e], a.scale, a.softcap) + *logit;
        }
    }
}

/* Adds weights ([key][column]) times the rows of a chunk to the output. */
template <class S, int COLS, class LOADER>
__device__ __forceinline__ void staged_weigh(const LOADER &loader, const char *rows, const staged_rows &t,
                                             const float *weights, int lane, column_part<1> (&out)[COLS])
{
    constexpr int STEPS = S::STEPS;
    const int group = lane / S::LANES, member = lane % S::LANES;
#pragma unroll 1
    for (int i = 0; i < t.rows / S::GROUPS; i += STEPS) {
        typename LOADER::raw raw[STEPS];
#pragma unroll
        for (int s = 0; s < STEPS; s++)
            raw[s] = loader.fetch(rows + ((i + s) * S::GROUPS + group) * t.bytes, member * 8);
#pragma unroll
        for (int s = 0; s < STEPS; s++) {
            float x[8], w[COLS];
            loader.decode_unscaled(raw[s], x);
            load_floats(weights + ((i + s) * S::GROUPS + group) * COLS, w);
            const simt_f32x4 low = simt_make_f32x4(x[0], x[1], x[2], x[3]),
                             high = simt_make_f32x4(x[4], x[5], x[6], x[7]);
            const float scale = loader.scale(raw[s]);
#pragma unroll
            for (int c = 0; c < COLS; c++) {
                const float factor = w[c] * scale;
                out[c].v[0] = simt_fma(low, factor, out[c].v[0]);
                out[c].v[1] = simt_fma(high, factor, out[c].v[1]);
            }
        }
    }
}

/* INTEGER: K is q8_0, and the matrix instruction for bytes multiplies it. */
template <int D, int COLS, bool INTEGER>
__global__ VEC_BOUNDS(WAVES * 32, INTEGER &&COLS <= 4 ? 4 : 3) void vec_staged_kernel(const attn_args a)
{
    using S = vec_shape<D, COLS, 32>;
    using LDS = vec_staged_lds<D, COLS>;
    static_assert(S::PIECES == 1, "a lane holds eight elements of a row");
    SIMT_LDS(LDS, lds);
    SIMT_LDS_DYNAMIC(char, slots);

    const int thread = (int)threadIdx.x;
    const int wave = thread / 32, lane = thread % 32;
    const bool masked = a.mask.data != nullptr;

    const int64_t columns = a.n_q * a.gqa;
    const int64_t split = blockIdx.y;
    const int64_t k_begin = split * a.split_keys;
    const int64_t k_end = k_begin + a.split_keys < a.n_kv ? k_begin + a.split_keys : a.n_kv;

    for (int64_t work = blockIdx.x; work < a.work; work += gridDim.x) {
        int64_t rest, column, seq, kv_head;
        attn_divide(work, a.row_tiles, rest, column);
        attn_divide(rest, a.n_head_kv, seq, kv_head);
        column *= COLS;

        if (k_begin >= a.n_kv) {
            store_empty<COLS>(a, kv_head, column, columns, seq, split);
            continue;
        }

        /* What the columns need. Columns past the last repeat it and are not stored. */
        if (thread < COLS) {
            const column_walk at(a, kv_head, column + thread < columns ? column + thread : columns - 1);
            lds.mask[thread] = attn_mask_row(a, at.iq, at.head, seq);
            lds.slope[thread] = attn_slope(a, at.head);
        }
        column_part<1> q[INTEGER ? 1 : COLS];
        if constexpr (INTEGER) {
            q8_quantise<D, COLS>(a, lds.q, kv_head, column, columns, seq);
        } else {
            column_walk at(a, kv_head, column);
#pragma unroll
            for (int c = 0; c < COLS; c++) {
                const char *const row = a.q.data + seq * a.q.nb3 + at.head * a.q.nb2 + at.iq * a.q.nb1;
                const float *const from = reinterpret_cast<const float *>(row) + lane % S::LANES * 8;
                q[c].v[0] = simt_make_f32x4(from[0], from[1], from[2], from[3]);
                q[c].v[1] = simt_make_f32x4(from[4], from[5], from[6], from[7]);
                if (column + c + 1 < columns)
                    at.next();
            }
        }
        __syncthreads();

        /* A lane works out weights of one column, lane % COLS. */
        float max = EXCLUDED, sum = 0.0f; /* of the wave's keys; the lane's part */
        column_part<1> out[COLS];
#pragma unroll
        for (int c = 0; c < COLS; c++)
            out[c].v[0] = out[c].v[1] = simt_splat_f32x4(0.0f);

        const staged_rows k_rows(a.k, seq, kv_head, staged_row_bytes(a.type_k, D), a.stage_k);
        const staged_rows v_rows(a.v, seq, kv_head, staged_row_bytes(a.type_v, D), a.stage_v);
        const int k_chunks = 32 / k_rows.rows, chunks = k_chunks + 32 / v_rows.rows;
        const int slot_bytes =
            k_rows.chunk_bytes() > v_rows.chunk_bytes() ? k_rows.chunk_bytes() : v_rows.chunk_bytes();
        char *const own = slots + wave * SLOTS * slot_bytes;

        tile_walk<D, COLS> walk(lds, wave, k_begin + wave * 32, k_end);
        walk.read_mask(masked, lane);
        int64_t staged = walk.next(masked, lane); /* tile and chunk to be copied next */
        int staged_chunk = 0;
        int tile = 0, chunk = -SLOTS; /* to be computed with; below 0 copies have only to be started */
        int turn = 0;
#pragma unroll 1
        while (tile < walk.found) {
            char *const slot = own + turn * slot_bytes;
            if (chunk >= 0) {
                float *const weights = walk.bias + (tile & 1) * 32 * COLS;
                simt_copy_wait<SLOTS - 1>();
                simt_wave_sync<32>();
                if (chunk < k_chunks) {
                    float *const logits = weights + chunk * k_rows.rows * COLS;
                    if constexpr (INTEGER)
                        q8_dot<D, COLS>(a, slot, k_rows.rows, lds.q, simt_opaque(lane), logits);
                    else
                        attn_with_row_loader(a.type_k, true, [&](auto loader) __attribute__((always_inline)) {
                            staged_dot<S, COLS>(a, loader, slot, k_rows, q, simt_opaque(lane), logits);
                        });
                    if (chunk == k_chunks - 1) {
                        simt_wave_sync<32>();
                        float weight[COLS], top = EXCLUDED;
#pragma unroll
                        for (int i = 0; i < COLS; i++) {
                            weight[i] = weights[lane + 32 * i];
                            top = simt_max(top, weight[i]);
                        }
#pragma unroll
                        for (int step = COLS; step < 32; step *= 2)
                            top = simt_max(top, simt_shfl_xor<32>(top, step));
                        if (simt_ballot<32>(top > max) != 0) { /* rarely, after the first tiles */
                            const float to = simt_max(max, top), scale = rescale(max, to);
                            sum *= scale;
                            max = to;
#pragma unroll
                            for (int c = 0; c < COLS; c++) {
                                const float of_column = simt_shfl<32>(scale, c);
                                out[c].v[0] = simt_mul(out[c].v[0], of_column);
                                out[c].v[1] = simt_mul(out[c].v[1], of_column);
                            }
                        }
#pragma unroll
                        for (int i = 0; i < COLS; i++) {
                            const float w = weight[i] == EXCLUDED ? 0.0f : simt_exp(weight[i] - max);
                            sum += w;
                            weights[lane + 32 * i] = w;
                        }
                    }
                } else if (a.type_v == ATTN_Q8_0) {
                    q8_weigh<S, D, COLS>(slot, v_rows.rows, weights + (chunk - k_chunks) * v_rows.rows * COLS,
                                         simt_opaque(lane), out);
                } else {
                    attn_with_row_loader(a.type_v, true, [&](auto loader) __attribute__((always_inline)) {
                        staged_weigh<S, COLS>(loader, slot, v_rows, weights + (chunk - k_chunks) * v_rows.rows * COLS,
                                              simt_opaque(lane), out);
                    });
                }
                simt_wave_sync<32>();
            }
            if (staged < k_end) {
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

        float maxima[COLS], sums[COLS];
#pragma unroll
        for (int c = 0; c < COLS; c++) {
            maxima[c] = simt_shfl<32>(max, c);
            sums[c] = lane % COLS == c ? sum : 0.0f;
        }
        merge_waves<S, D, COLS, 32>(a, lds.max, lds.sum, reinterpret_cast<float *>(slots), SLOTS * slot_bytes / 4,
                                    maxima, sums, out, kv_head, column, columns, seq, split);
    }
}

} // namespace

#endif
