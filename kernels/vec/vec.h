/* vec.h: attention for few query columns (decode, drafts): K and V are read once, straight from their type.
 *
 * A workgroup is four waves. A column is a (query row, query head) pair of one KV head; a workgroup handles COLS of
 * them, so that query heads which share a KV head share its reads. Each wave walks over its own KV tiles (wave w of
 * a split takes tiles w, w + 4, ...) with its own online softmax, and the four results are merged through LDS.
 *
 * A tile has one key for each lane of the wave. LANES lanes hold one row together, eight elements (16 bytes of f16)
 * in each piece, so that GROUPS rows are read by one load instruction, and STEPS of them are in flight before the
 * first is used. Slot i of a group is the tile's key i * GROUPS + group: rows that are read together are neighbours,
 * and a tile that is not full ends early. The lane number group * LANES + i is the slot's place in ballots and in
 * LDS, and that lane keeps its score.
 *
 * Keys excluded for every column of the workgroup, and those past the end, are dead: in place of their rows the
 * first live row is read, with weight zero. So no byte of a dead cell is ever read, NaN cannot spread, and the
 * inner loops have no branch for it.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_VEC_H
#define ATTN_VEC_H

#include "kernels/vec/rows.h"

#ifndef VEC_STAGES /* 1: with instances of staged.h */
#define VEC_STAGES 0
#endif
#if VEC_STAGES
#include "kernels/vec/staged.h"
#endif

namespace
{

/* planner/contracts/kernel_vec.c computes its size. */
template <int D, int COLS, int WAVE> struct alignas(16) vec_lds {
    float max[COLS][WAVES]; /* of each wave, and */
    float sum[COLS][WAVES]; /* the sum of weights relative to it */
    /* Each wave's own: what the mask adds, then weights, and scores of the tile at hand ([2][place][column]), at the
     * end its output, as every group has it ([column of the round][group][d]). */
    float wave[WAVES][vec_shape<D, COLS, WAVE>::FLOATS];
};

template <int D, int COLS, int WAVE> __global__ VEC_BOUNDS(WAVES *WAVE, 3) void vec_kernel(const attn_args a)
{
    using S = vec_shape<D, COLS, WAVE>;
    using LDS = vec_lds<D, COLS, WAVE>;
    typedef typename S::slots slots;
    SIMT_LDS(LDS, lds);

    const int thread = (int)threadIdx.x;
    const int wave = thread / WAVE, lane = thread % WAVE;
    const int group = lane / S::LANES, member = lane % S::LANES;
    const int lane_key = member * S::GROUPS + group; /* the tile's key whose score this lane keeps */
    const int lane_d = member * 8;                   /* first element of its first piece of a row */
    float *const own = lds.wave[wave];

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
        column_part<S::PIECES> q[COLS];
        const char *mask[COLS];
        float slope[COLS];
        {
            column_walk at(a, kv_head, column);
#pragma unroll
            for (int c = 0; c < COLS; c++) {
                const char *row = a.q.data + seq * a.q.nb3 + at.head * a.q.nb2 + at.iq * a.q.nb1;
#pragma unroll
                for (int i = 0; i < 2 * S::PIECES; i++) {
                    const float *from =
                        reinterpret_cast<const float *>(row) + lane_d + i / 2 * S::LANES * 8 + i % 2 * 4;
                    q[c].v[i] = simt_make_f32x4(from[0], from[1], from[2], from[3]);
                }
                mask[c] = attn_mask_row(a, at.iq, at.head, seq);
                slope[c] = attn_slope(a, at.head);
                if (column + c + 1 < columns)
                    at.next();
            }
        }
        const char *const k_base = a.k.data + seq * a.k.nb3 + kv_head * a.k.nb2;
        const char *const v_base = a.v.data + seq * a.v.nb3 + kv_head * a.v.nb2;

        float max[COLS], sum[COLS]; /* max is the wave's, sum this lane's part */
        column_part<S::PIECES> out[COLS];
#pragma unroll
        for (int c = 0; c < COLS; c++) {
            max[c] = EXCLUDED;
            sum[c] = 0.0f;
#pragma unroll
            for (int i = 0; i < 2 * S::PIECES; i++)
                out[c].v[i] = simt_splat_f32x4(0.0f);
        }

        float *const weights = own, *const scores = own + S::WEIGHTS;
#pragma unroll 1
        for (int64_t k0 = k_begin + wave * WAVE; k0 < k_end; k0 += WAVES * WAVE) {
            const bool inside = k0 + lane_key < k_end;
            float bias[COLS];
            bool live = inside;
            if (a.mask.data == nullptr) {
#pragma unroll
                for (int c = 0; c < COLS; c++)
                    bias[c] = inside ? 0.0f : EXCLUDED;
            } else {
                float value = EXCLUDED; /* heads often share one mask row: read it once */
                live = false;
#pragma unroll
                for (int c = 0; c < COLS; c++) {
                    if (inside && (c == 0 || mask[c] != mask[c - 1]))
                        value = simt_f16_to_f32(simt_load<uint16_t>(mask[c] + 2 * (k0 + lane_key)));
                    bias[c] = value == EXCLUDED ? EXCLUDED : slope[c] * value;
                    live = live || value != EXCLUDED;
                }
            }
            const slots live_slots = (slots)simt_ballot<WAVE>(live);
            if (live_slots == 0)
                continue;
            store_floats(weights + lane * COLS, bias); /* out of the way until the scores are there */

            int first = 0;
            while ((live_slots >> first & 1u) == 0)
                first++;
            row_walk<S> walk;
            walk.base = k_base + k0 * a.k.nb1;
            walk.nb1 = a.k.nb1;
            walk.own = live_slots >> (group * S::LANES);
            walk.any = 0;
#pragma unroll
            for (int g = 0; g < S::GROUPS; g++)
                walk.any |= live_slots >> (g * S::LANES);
            walk.group = group;
            walk.spare = (uint32_t)(first % S::LANES * S::GROUPS + first / S::LANES);
            walk.d = lane_d;

            float dot[S::STEPS * COLS];
            walk_rows<S>(
                a.type_k, a.load_k == 16, walk,
                [&](int, int s, const row_part<S::PIECES> &k) __attribute__((always_inline)) {
#pragma unroll
                    for (int c = 0; c < COLS; c++) {
                        float sum = 0.0f;
#pragma unroll
                        for (int p = 0; p < S::PIECES; p++) {
                            const float part =
                                simt_dot(k.v[2 * p], k.v[2 * p + 1], q[c].v[2 * p], q[c].v[2 * p + 1]) * k.factor[p];
                            sum = p == 0 ? part : sum + part;
                        }
                        dot[s * COLS + c] = sum;
                    }
                },
                [&](int slot) __attribute__((always_inline)) { store_scores<S, COLS>(dot, slot, lane, scores); });
            simt_wave_sync<WAVE>();

            load_floats(weights + lane * COLS, bias);
            float score[COLS], top[COLS];
#pragma unroll
            for (int c = 0; c < COLS; c++)
                score[c] = 0.0f;
            if (live) /* else its slot may have been passed over */
                load_floats(scores + lane * COLS, score);
#pragma unroll
            for (int c = 0; c < COLS; c++) {
                score[c] = bias[c] == EXCLUDED ? EXCLUDED : attn_score(score[c], a.scale, a.softcap) + bias[c];
                top[c] = score[c];
            }
            simt_reduce_max<WAVE>(top);
            float weight[COLS];
#pragma unroll
            for (int c = 0; c < COLS; c++) {
                const float to = simt_max(max[c], top[c]);
                const float scale = rescale(max[c], to);
                weight[c] = score[c] == EXCLUDED ? 0.0f : simt_exp(score[c] - to);
                sum[c] = sum[c] * scale + weight[c];
                max[c] = to;
#pragma unroll
                for (int j = 0; j < 2 * S::PIECES; j++)
                    out[c].v[j] = simt_mul(out[c].v[j], scale);
            }
            store_floats(weights + lane * COLS, weight);
            simt_wave_sync<WAVE>();

            walk.base = v_base + k0 * a.v.nb1;
            walk.nb1 = a.v.nb1;
            walk_rows<S>(
                a.type_v, a.load_v == 16, walk,
                [&](int slot, int, const row_part<S::PIECES> &v) __attribute__((always_inline)) {
                    float w[COLS];
                    load_floats(weights + (group * S::LANES + slot) * COLS, w);
#pragma unroll
                    for (int c = 0; c < COLS; c++)
#pragma unroll
                        for (int p = 0; p < S::PIECES; p++) {
                            const float factor = w[c] * v.factor[p];
                            out[c].v[2 * p] = simt_fma(v.v[2 * p], factor, out[c].v[2 * p]);
                            out[c].v[2 * p + 1] = simt_fma(v.v[2 * p + 1], factor, out[c].v[2 * p + 1]);
                        }
                },
                [](int) {});
            simt_wave_sync<WAVE>(); /* before the next tile's scores and weights */
        }

        merge_waves<S, D, COLS, WAVE>(a, lds.max, lds.sum, lds.wave[0], S::FLOATS, max, sum, out, kv_head, column,
                                      columns, seq, split);
    }
}

} // namespace

/* The instance for a head size and a number of columns; NULL when there is none. */
template <int WAVE> static attn_entry vec_instance(const struct attn_plan *plan)
{
    const struct attn_head_size *size = attn_head_size(plan->head_size);
    if (size == nullptr || size->d_k != size->d_v)
        return nullptr;
#if VEC_STAGES
    if constexpr (WAVE == 32) {
        const bool integer = plan->arithmetic.q_type == ATTN_Q8_0;
#define VEC(D, COLS)                                                      \
    if (plan->stage_k > 0 && size->d_k == (D) && plan->columns == (COLS)) \
        return integer ? vec_staged_kernel<D, COLS, true> : vec_staged_kernel<D, COLS, false>;
        VEC(64, 1)
        VEC(64, 2)
        VEC(64, 4)
        VEC(64, 8) VEC(128, 1) VEC(128, 2) VEC(128, 4) VEC(128, 8) VEC(256, 1) VEC(256, 2) VEC(256, 4) VEC(256, 8)
#undef VEC
    }
#endif
#define VEC(D, COLS)                                 \
    if (size->d_k == (D) && plan->columns == (COLS)) \
        return vec_kernel<D, COLS, WAVE>;
    VEC(64, 1)
    VEC(64, 2)
    VEC(64, 4)
    VEC(64, 8)
    VEC(128, 1)
    VEC(128, 2)
    VEC(128, 4)
    VEC(128, 8)
    VEC(256, 1) VEC(256, 2) VEC(256, 4) VEC(256, 8) VEC(512, 1) VEC(512, 2) VEC(512, 4) if constexpr (WAVE == 64)
    { /* 512 elements on 32 lanes leave no registers for eight columns */
        VEC(512, 8)
    }
#undef VEC
    return nullptr;
}

#endif
