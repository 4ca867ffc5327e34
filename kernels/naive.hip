/* naive.hip: the last resort. Any head size, any stride, any type: correct first, and simple.
 *
 * A workgroup computes one row of dst at a time. Keys go by in tiles of one for each thread, which computes its
 * key's whole score; the scores meet in LDS, every thread finds the tile's maximum in the same order, and then
 * accumulates its own elements of the output over the tile's keys, eight consecutive ones a thread. Head sizes
 * above 512 take several passes. Nothing depends on the wave size.
 *
 * A key whose weight is zero is passed over, so what excluded cells of V hold is never read.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/dequant.h"
#include "kernels/work.h"
#include "planner/contracts/shapes.h"

namespace
{

constexpr int THREADS = ATTN_NAIVE_THREADS;

struct alignas(16) naive_lds {
    float score[THREADS];
    float weight[THREADS];
};

/* Dot product of n elements of a row of Q with a row of K. */
template <class LOADER> __device__ __forceinline__ float dot(const char *q, const char *k, int64_t n)
{
    float sum = 0.0f;
    int64_t d = 0;
    for (; d + 8 <= n; d += 8) {
        float qd[8], kd[8];
        attn_loader<ATTN_F32, false>::decode(attn_loader<ATTN_F32, false>::fetch(q, d), qd);
        LOADER::decode(LOADER::fetch(k, d), kd);
#pragma unroll
        for (int i = 0; i < 8; i++)
            sum = simt_fma(qd[i], kd[i], sum);
    }
    for (; d < n; d++)
        sum = simt_fma(simt_load<float>(q + 4 * d), LOADER::at(k, d), sum);
    return sum;
}

/* acc += weight[key] * V for the elements d .. d + count - 1 of `keys` rows. Returns the sum of weights. */
template <class LOADER>
__device__ __forceinline__ float accumulate(const float *weight, const char *v, int64_t row_bytes, int keys, int64_t d,
                                            int count, float (&acc)[8])
{
    float sum = 0.0f;
    for (int k = 0; k < keys; k++) {
        const float p = weight[k];
        if (p == 0.0f)
            continue;
        sum += p;
        const char *row = v + k * row_bytes;
        if (count == 8) {
            float vd[8];
            LOADER::decode(LOADER::fetch(row, d), vd);
#pragma unroll
            for (int i = 0; i < 8; i++)
                acc[i] = simt_fma(p, vd[i], acc[i]);
        } else {
#pragma unroll
            for (int i = 0; i < 8; i++)
                if (i < count)
                    acc[i] = simt_fma(p, LOADER::at(row, d + i), acc[i]);
        }
    }
    return sum;
}

/* What a thread knows of the row that its workgroup computes. */
struct naive_row {
    const char *q, *k_head, *v_head, *mask;
    float slope;
};

/* Goes over all keys for the elements d .. d + count - 1 of the row's output. Returns the sum of weights, relative to
 * max. All threads arrive. */
__device__ __forceinline__ float pass(const attn_args &a, const naive_row &row, naive_lds &lds, int thread, int64_t d,
                                      int count, float &max, float (&acc)[8])
{
    float sum = 0.0f;
    for (int64_t key0 = 0; key0 < a.n_kv; key0 += THREADS) {
        const int keys = a.n_kv - key0 < THREADS ? (int)(a.n_kv - key0) : THREADS;
        bool open = thread < keys;
        float bias = 0.0f;
        if (open && row.mask) {
            const uint16_t bits = simt_load<uint16_t>(row.mask + 2 * (key0 + thread));
            open = bits != ATTN_MASK_EXCLUDES;
            if (open)
                bias = row.slope * simt_f16_to_f32(bits);
        }
        float score = -SIMT_INFINITY;
        if (open) {
            float product = 0.0f;
            attn_with_loader(a.type_k, false, [&](auto loader) {
                product = dot<decltype(loader)>(row.q, row.k_head + (key0 + thread) * a.k.nb1, a.d_k);
            });
            score = attn_score(product, a.scale, a.softcap) + bias;
        }
        /* Both barriers also keep the tile before from being overwritten while it is read: its scores were read before
         * its second one, its weights are read before this first one. */
        lds.score[thread] = score;
        __syncthreads();
        float top = max;
        for (int i = 0; i < THREADS; i += 4) {
            const simt_f32x4 four = simt_load<simt_f32x4>(lds.score + i);
            top = simt_max(top, simt_max(simt_max(four.x, four.y), simt_max(four.z, four.w)));
        }
        lds.weight[thread] = open ? simt_exp(score - top) : 0.0f;
        __syncthreads();

        const float factor = max == -SIMT_INFINITY ? 0.0f : simt_exp(max - top);
        max = top;
        sum *= factor;
#pragma unroll
        for (int i = 0; i < 8; i++)
            acc[i] *= factor;
        if (count == 0)
            continue;
        float weights = 0.0f;
        attn_with_loader(a.type_v, false, [&](auto loader) {
            weights =
                accumulate<decltype(loader)>(lds.weight, row.v_head + key0 * a.v.nb1, a.v.nb1, keys, d, count, acc);
        });
        sum += weights;
    }
    return sum;
}

__global__ __launch_bounds__(THREADS) void naive_kernel(const attn_args a)
{
    static_assert(sizeof(naive_lds) == ATTN_NAIVE_LDS, "what the contract asks for");
    SIMT_LDS(naive_lds, lds);
    const int thread = (int)threadIdx.x;

    for (int64_t number = attn_first_item(a.work); number < a.work; number = attn_next_item(number, a.work)) {
        const attn_work work = attn_work_at(a, number, 1);
        const attn_column at = attn_column_at(a, work.kv_head, work.first);
        const naive_row own = { attn_q_row(a, at, work.seq), attn_head_rows(a.k, work), attn_head_rows(a.v, work),
                                attn_mask_row(a, at, work.seq), attn_slope(a, at.head) };
        float *const dst = attn_dst_row(a, at, work.seq);

        for (int64_t d0 = 0; d0 < a.d_v; d0 += 8 * THREADS) {
            const int64_t d = d0 + 8 * thread;
            const int count = d >= a.d_v ? 0 : a.d_v - d < 8 ? (int)(a.d_v - d) : 8;
            float max = -SIMT_INFINITY;
            float acc[8] = { 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f };
            const float sum = pass(a, own, lds, thread, d, count, max, acc);
            const float factor = attn_finish_row(a, at.head, max, sum);
#pragma unroll
            for (int i = 0; i < 8; i++)
                if (i < count)
                    simt_store<float>(dst + d + i, acc[i] * factor);
        }
    }
}

} /* namespace */

extern "C" attn_entry SIMT_ENTRY(naive)(const struct attn_plan *) { return naive_kernel; }
