/* vec.h: attention for few query columns (decode, drafts): K and V are read once, straight from their type.
 *
 * A workgroup is four waves. A column is a (query row, query head) pair of one KV head; a workgroup handles COLUMNS of
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

template <class S> struct alignas(16) vec_lds {
    float max[S::COLUMNS][WAVES]; /* of each wave, and */
    float sum[S::COLUMNS][WAVES]; /* the sum of weights relative to it */
    /* Each wave's own: what the mask adds, then weights, and scores of the tile at hand ([2][place][column]), at the
     * end its output, as every group has it ([column of the round][group][d]). */
    float wave[WAVES][S::FLOATS];
};

/* Where a lane stands in its wave. */
template <class S> struct vec_lane {
    int lane, group, member;
    int key; /* the tile's key whose score the lane keeps */
    int d;   /* first element of its first piece of a row */

    __device__ __forceinline__ explicit vec_lane(int l)
        : lane(l), group(l / S::LANES), member(l % S::LANES), key(member * S::GROUPS + group), d(member * 8)
    {
    }
};

/* What the columns need. Columns past the last repeat it and are not stored. */
template <class S> struct vec_columns {
    column_part<S::PIECES> q[S::COLUMNS];
    const char *mask[S::COLUMNS];
    float slope[S::COLUMNS];
};

template <class S>
__device__ __forceinline__ void load_columns(const attn_args &a, const attn_work &work, int64_t columns, int lane_d,
                                             vec_columns<S> &own)
{
    column_walk at(a, work.kv_head, work.first);
#pragma unroll
    for (int c = 0; c < S::COLUMNS; c++) {
        const char *row = attn_q_row(a, at, work.seq);
#pragma unroll
        for (int i = 0; i < 2 * S::PIECES; i++) {
            const float *from = reinterpret_cast<const float *>(row) + lane_d + i / 2 * S::LANES * 8 + i % 2 * 4;
            own.q[c].v[i] = simt_make_f32x4(from[0], from[1], from[2], from[3]);
        }
        own.mask[c] = attn_mask_row(a, at, work.seq);
        own.slope[c] = attn_slope(a, at.head);
        if (work.first + c + 1 < columns)
            at.next();
    }
}

/* What masks add to the scores of a key of the split; returns whether it lives for any column. inside: it exists. */
template <class S>
__device__ __forceinline__ bool find_bias(const attn_args &a, const vec_columns<S> &own, int64_t key, bool inside,
                                          float (&bias)[S::COLUMNS])
{
    if (a.mask.data == nullptr) {
#pragma unroll
        for (int c = 0; c < S::COLUMNS; c++)
            bias[c] = inside ? 0.0f : EXCLUDED;
        return inside;
    }
    float value = EXCLUDED; /* heads often share one mask row: read it once */
    bool live = false;
#pragma unroll
    for (int c = 0; c < S::COLUMNS; c++) {
        if (inside && (c == 0 || own.mask[c] != own.mask[c - 1]))
            value = simt_f16_to_f32(simt_load<uint16_t>(own.mask[c] + 2 * key));
        bias[c] = value == EXCLUDED ? EXCLUDED : own.slope[c] * value;
        live = live || value != EXCLUDED;
    }
    return live;
}

/* A walk over a tile's rows, some of whose slots are live. */
template <class S> __device__ __forceinline__ row_walk<S> walk_over(typename S::slots live, const vec_lane<S> &me)
{
    int first = 0;
    while ((live >> first & 1u) == 0)
        first++;
    row_walk<S> walk;
    walk.own = live >> (me.group * S::LANES);
    walk.any = 0;
#pragma unroll
    for (int g = 0; g < S::GROUPS; g++)
        walk.any |= live >> (g * S::LANES);
    walk.group = me.group;
    walk.spare = (uint32_t)(first % S::LANES * S::GROUPS + first / S::LANES);
    walk.d = me.d;
    return walk;
}

/* Dot products of a tile's rows of K, to LDS. */
template <class S>
__device__ __forceinline__ void dot_rows(const attn_args &a, const row_walk<S> &walk, const vec_columns<S> &own,
                                         int lane, float *scores)
{
    constexpr int COLUMNS = S::COLUMNS;
    float dot[S::STEPS * COLUMNS];
    walk_rows<S>(
        a.type_k, a.load_k == 16, walk,
        [&](int, int s, const row_part<S::PIECES> &k) __attribute__((always_inline)) {
#pragma unroll
            for (int c = 0; c < COLUMNS; c++) {
                const column_part<S::PIECES> &q = own.q[c];
                float sum = 0.0f;
#pragma unroll
                for (int p = 0; p < S::PIECES; p++) {
                    const float part = simt_dot(k.v[2 * p], k.v[2 * p + 1], q.v[2 * p], q.v[2 * p + 1]) * k.factor[p];
                    sum = p == 0 ? part : sum + part;
                }
                dot[s * COLUMNS + c] = sum;
            }
        },
        [&](int slot) __attribute__((always_inline)) { store_scores<S>(dot, slot, lane, scores); });
}

/* Adds a tile's weighted rows of V to the output. weights: of slots. */
template <class S>
__device__ __forceinline__ void weigh_rows(const attn_args &a, const row_walk<S> &walk, const float *weights,
                                           column_part<S::PIECES> (&out)[S::COLUMNS])
{
    constexpr int COLUMNS = S::COLUMNS;
    walk_rows<S>(
        a.type_v, a.load_v == 16, walk,
        [&](int slot, int, const row_part<S::PIECES> &v) __attribute__((always_inline)) {
            float w[COLUMNS];
            load_floats(weights + (walk.group * S::LANES + slot) * COLUMNS, w);
#pragma unroll
            for (int c = 0; c < COLUMNS; c++)
#pragma unroll
                for (int p = 0; p < S::PIECES; p++) {
                    const float factor = w[c] * v.factor[p];
                    out[c].v[2 * p] = simt_fma(v.v[2 * p], factor, out[c].v[2 * p]);
                    out[c].v[2 * p + 1] = simt_fma(v.v[2 * p + 1], factor, out[c].v[2 * p + 1]);
                }
        },
        [](int) {});
}

/* One tile's step of the online softmax. score: dot products of the lane's key, which become its weights; max, sum (the
 * lane's part) and out move on to the new maximum. */
template <class S>
__device__ __forceinline__ void soften(const attn_args &a, const float (&bias)[S::COLUMNS], float (&score)[S::COLUMNS],
                                       float (&max)[S::COLUMNS], float (&sum)[S::COLUMNS],
                                       column_part<S::PIECES> (&out)[S::COLUMNS])
{
    float top[S::COLUMNS];
#pragma unroll
    for (int c = 0; c < S::COLUMNS; c++) {
        score[c] = bias[c] == EXCLUDED ? EXCLUDED : attn_score(score[c], a.scale, a.softcap) + bias[c];
        top[c] = score[c];
    }
    simt_reduce_max<S::WAVE>(top);
#pragma unroll
    for (int c = 0; c < S::COLUMNS; c++) {
        const float to = simt_max(max[c], top[c]);
        const float scale = rescale(max[c], to);
        score[c] = score[c] == EXCLUDED ? 0.0f : simt_exp(score[c] - to);
        sum[c] = sum[c] * scale + score[c];
        max[c] = to;
#pragma unroll
        for (int j = 0; j < 2 * S::PIECES; j++)
            out[c].v[j] = simt_mul(out[c].v[j], scale);
    }
}

template <int D, int COLUMNS, int WAVE> __global__ VEC_BOUNDS((WAVES * WAVE), 3) void vec_kernel(const attn_args a)
{
    using S = vec_shape<D, COLUMNS, WAVE>;
    using LDS = vec_lds<S>;
    static_assert(sizeof(LDS) == attn_vec_lds(WAVE, D, COLUMNS), "what the contract asks for");
    SIMT_LDS(LDS, lds);

    const int wave = (int)threadIdx.x / WAVE;
    const vec_lane<S> me((int)threadIdx.x % WAVE);
    float *const weights = lds.wave[wave], *const scores = weights + S::WEIGHTS;
    const int64_t columns = attn_columns(a);
    const attn_keys keys = attn_keys_of_split(a);

    for (int64_t number = attn_first_item(a.work); number < a.work; number = attn_next_item(number, a.work)) {
        const attn_work work = attn_work_at(a, number, COLUMNS);
        if (keys.empty()) {
            store_empty<COLUMNS>(a, work, columns, keys.split);
            continue;
        }
        vec_columns<S> own;
        load_columns<S>(a, work, columns, me.d, own);
        const char *const k_head = attn_head_rows(a.k, work), *const v_head = attn_head_rows(a.v, work);

        float max[COLUMNS], sum[COLUMNS]; /* max is the wave's, sum this lane's part */
        column_part<S::PIECES> out[COLUMNS];
#pragma unroll
        for (int c = 0; c < COLUMNS; c++) {
            max[c] = EXCLUDED;
            sum[c] = 0.0f;
#pragma unroll
            for (int i = 0; i < 2 * S::PIECES; i++)
                out[c].v[i] = simt_splat_f32x4(0.0f);
        }

#pragma unroll 1
        for (int64_t key0 = keys.begin + wave * WAVE; key0 < keys.end; key0 += WAVES * WAVE) {
            float bias[COLUMNS], score[COLUMNS];
            const bool live = find_bias<S>(a, own, key0 + me.key, key0 + me.key < keys.end, bias);
            const typename S::slots live_slots = (typename S::slots)simt_ballot<WAVE>(live);
            if (live_slots == 0)
                continue;
            store_floats(weights + me.lane * COLUMNS, bias); /* out of the way until the scores are there */

            row_walk<S> walk = walk_over<S>(live_slots, me);
            walk.base = k_head + key0 * a.k.nb1;
            walk.nb1 = a.k.nb1;
            dot_rows<S>(a, walk, own, me.lane, scores);
            simt_wave_sync<WAVE>();

            load_floats(weights + me.lane * COLUMNS, bias);
#pragma unroll
            for (int c = 0; c < COLUMNS; c++)
                score[c] = 0.0f;
            if (live) /* else its slot may have been passed over */
                load_floats(scores + me.lane * COLUMNS, score);
            soften<S>(a, bias, score, max, sum, out);
            store_floats(weights + me.lane * COLUMNS, score);
            simt_wave_sync<WAVE>();

            walk.base = v_head + key0 * a.v.nb1;
            walk.nb1 = a.v.nb1;
            weigh_rows<S>(a, walk, weights, out);
            simt_wave_sync<WAVE>(); /* before the next tile's scores and weights */
        }
        merge_waves<S>(
            a, lds.max, lds.sum, lds.wave[0], S::FLOATS, max, sum,
            [&](float *to, int c0, int lane) __attribute__((always_inline)) { put_columns<S>(out, to, c0, lane); },
            work, columns, keys.split);
    }
}

} // namespace

/* The instance for a number of columns; NULL when there is none. */
template <int D, int WAVE, int COLUMNS> static attn_entry vec_instance_of(const struct attn_plan *plan)
{
    if constexpr (COLUMNS <= attn_vec_columns_most(WAVE, D)) {
        if (plan->columns != COLUMNS)
            return nullptr;
#if VEC_STAGES
        if constexpr (WAVE == 32 && D <= ATTN_VEC_STAGED_MOST)
            if (plan->stage_k > 0)
                return vec_staged_instance<D, COLUMNS>(plan);
#endif
        return vec_kernel<D, COLUMNS, WAVE>;
    }
    return nullptr;
}

/* The same for a head size, too. */
template <int WAVE> static attn_entry vec_instance(const struct attn_plan *plan)
{
    const struct attn_head_size *size = attn_head_size(plan->head_size);
    attn_entry entry = nullptr;
    if (size == nullptr || size->d_k != size->d_v)
        return nullptr;
#define VEC_COLUMNS(COLUMNS) \
    if (entry == nullptr)    \
        entry = vec_instance_of<HEAD_SIZE, WAVE, COLUMNS>(plan);
#define VEC_HEAD_SIZE(D)              \
    if (size->d_k == (D)) {           \
        constexpr int HEAD_SIZE = D;  \
        ATTN_VEC_COLUMNS(VEC_COLUMNS) \
    }
    ATTN_VEC_HEAD_SIZES(VEC_HEAD_SIZE)
#undef VEC_HEAD_SIZE
#undef VEC_COLUMNS
    return entry;
}

#endif
