/* staged.h: vec where the device copies from memory to LDS by itself. As vec.h does it, but for this: every wave's rows
 * go through LDS (stage.h), so that many are on their way and none of them takes a register; and there they can be read
 * in any order, which matrix instructions make use of (q8.h, matrix.h). How rows are multiplied is a class's: vec_by_*.
 *
 * A wave's chunks of K and V make one sequence: all of a tile's K, all of its V, then the next tile that has a live
 * key. Two are on their way or in use at any time; what lies in LDS of a tile's keys, weights and the like, is in the
 * order of keys.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_VEC_STAGED_H
#define ATTN_VEC_STAGED_H

#include "kernels/vec/lanes.h"
#include "kernels/vec/matrix.h"

namespace
{

/* Dynamic LDS: SLOTS slots of each wave, at the end its output. */
template <int D, int COLUMNS> struct alignas(ATTN_COPY_LINE) vec_staged_lds {
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
    uint32_t own;            /* bit c: column c's mask row is not that of the column before it */
    uint16_t ahead[COLUMNS]; /* mask values of the tile at `at`, on their way before they are needed */

    __device__ __forceinline__ tile_walk(vec_staged_lds<D, COLUMNS> &l, int wave, int64_t begin, int64_t end)
        : lds(l), bias(l.wave[wave][0]), at(begin), end(end), live(0), found(0), own(1)
    {
#pragma unroll
        for (int c = 1; c < COLUMNS; c++)
            own |= lds.mask[c] != lds.mask[c - 1] ? 1u << c : 0u;
    }

    /* Heads often share one mask row: it is read once. */
    __device__ __forceinline__ void read_mask(bool masked, int lane)
    {
        if (!masked)
            return;
        const bool inside = at + lane < end;
#pragma unroll
        for (int c = 0; c < COLUMNS; c++) {
            if ((own >> c & 1u) != 0)
                ahead[c] = inside ? simt_load<uint16_t>(lds.mask[c] + 2 * (at + lane)) : ATTN_MASK_EXCLUDES;
            else
                ahead[c] = ahead[c > 0 ? c - 1 : 0];
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

/* Makes weights of a tile's logits ([key][column]). A lane works out those of one column, lane % COLUMNS; max is the
 * wave's, of that column, sum the lane's part. */
template <class BY>
__device__ __forceinline__ void staged_softmax(float *weights, int lane, float &max, float &sum, BY &by)
{
    constexpr int COLUMNS = BY::S::COLUMNS;
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
        by.rescale(scale);
    }
    const float from = max == EXCLUDED ? 0.0f : max; /* an excluded key's weight is zero then too */
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) {
        const float w = simt_exp(weight[i] - from);
        sum += w;
        weights[lane + 32 * i] = w;
    }
}

/* Masks and slopes of the columns to LDS. Columns past the last repeat it and are not stored. A barrier must follow. */
template <int COLUMNS, class LDS>
__device__ __forceinline__ void staged_masks(const attn_args &a, const attn_work &work, int64_t columns, LDS &lds)
{
    const int thread = (int)threadIdx.x;
    if (thread < COLUMNS) {
        const int64_t number = work.first + thread;
        const attn_column at = attn_column_at(a, work.kv_head, number < columns ? number : columns - 1);
        lds.mask[thread] = attn_mask_row(a, at, work.seq);
        lds.slope[thread] = attn_slope(a, at.head);
    }
}

template <class BY> __global__ VEC_BOUNDS(WAVES * 32, BY::RESIDENT) void vec_staged_kernel(const attn_args a)
{
    using S = typename BY::S;
    constexpr int D = S::D, COLUMNS = S::COLUMNS;
    using LDS = vec_staged_lds<D, COLUMNS>;
    static_assert(sizeof(LDS) == attn_vec_staged_lds(D, COLUMNS), "what the contract asks for");
    static_assert(sizeof(LDS) % ATTN_COPY_LINE == 0, "rows follow on a line's boundary");
    SIMT_LDS(LDS, lds);
    SIMT_LDS_DYNAMIC(char, slots); /* on a line's boundary, as the static object's size is */

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
        BY by;
        staged_masks<COLUMNS>(a, work, columns, lds);
        by.load(a, work, columns, lds);
        by.clear();
        __syncthreads();

        float max = EXCLUDED, sum = 0.0f; /* of the wave's keys; the lane's part */
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
                    by.dot(a, lds, slot, k_rows, simt_opaque(lane), weights + chunk * k_rows.rows * COLUMNS);
                    if (chunk == k_chunks - 1) {
                        simt_wave_sync<32>();
                        staged_softmax(weights, lane, max, sum, by);
                    }
                } else {
                    by.weigh(a, slot, v_rows, weights + (chunk - k_chunks) * v_rows.rows * COLUMNS, simt_opaque(lane));
                }
                simt_wave_sync<32>();
            }
            if (staged < keys.end) {
                const bool is_k = staged_chunk < k_chunks;
                const staged_rows rows = staged_rows::either(is_k, k_rows, v_rows);
                const int first = (is_k ? staged_chunk : staged_chunk - k_chunks) * rows.rows;
                BY::stage(slot, rows, staged + first, walk.live >> first, simt_opaque(lane));
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
        merge_waves<S>(
            a, lds.max, lds.sum, reinterpret_cast<float *>(slots), SLOTS * slot_bytes / 4, maxima, sums,
            [&](float *to, int c0, int l) __attribute__((always_inline)) { by.put(to, c0, l); }, work, columns,
            keys.split);
    }
}

} // namespace

/* Of a plan that stages. */
template <int D, int COLUMNS> static attn_entry vec_staged_instance(const struct attn_plan *plan)
{
    if (plan->arithmetic.matrix)
        return plan->key.type_k == ATTN_BF16 ? vec_staged_kernel<vec_by_matrix<mma_bf16, D, COLUMNS>>
                                             : vec_staged_kernel<vec_by_matrix<mma_f16, D, COLUMNS>>;
    return plan->arithmetic.q_type == ATTN_Q8_0 ? vec_staged_kernel<vec_by_bytes<D, COLUMNS>>
                                                : vec_staged_kernel<vec_by_lanes<D, COLUMNS>>;
}

#endif
