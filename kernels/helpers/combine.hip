/* combine.hip: merges the partial results of a split main launch into dst, and adds the heads' sinks.
 *
 * A workgroup takes one dst row at a time. Splits come in chunks of one for each thread: a thread works out the
 * weight of its split, then all threads add up the chunk's partial outputs, each for its own elements. A split
 * without any live key has maximum -inf; its partial output was perhaps never written and is not read.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/work.h"
#include "planner/contracts/shapes.h"

namespace
{

constexpr int THREADS = ATTN_COMBINE_THREADS;
constexpr int ELEMENTS = 4; /* of dst for each thread in one pass over the splits */
/* Splits whose partial results are loaded together: one by one is a memory's latency each. With eight, AMD's compiler
 * runs out of scalar registers. */
#if defined(__HIP__)
constexpr int AT_ONCE = 4;
#else
constexpr int AT_ONCE = 8;
#endif

constexpr float EMPTY = -__builtin_inff();

struct combine_lds {
    float scale[THREADS]; /* of each split of the chunk, relative to the row's maximum */
    float sum[THREADS];   /* its share of the row's sum of weights */
};

__global__ __launch_bounds__(THREADS) void combine_kernel(const attn_args a)
{
    static_assert(THREADS % AT_ONCE == 0, "a chunk's splits, in whole groups");
    static_assert(sizeof(combine_lds) == ATTN_COMBINE_LDS, "what contracts ask for");
    SIMT_LDS(combine_lds, lds);
    const int thread = (int)threadIdx.x;
    const int64_t rows = attn_rows(a);

    for (int64_t number = attn_first_item(rows); number < rows; number = attn_next_item(number, rows)) {
        const attn_row row = attn_row_at(a, number);
        const int64_t first = attn_part_at(a, row.at, row.seq, 0);
        const float *const meta = a.meta + first * 2;
        const float *const partial = a.partial + first * a.d_v;
        float *const dst = attn_dst_row(a, row.at, row.seq);

        const float sink = a.sinks == nullptr ? EMPTY : a.sinks[row.at.head];
        float max = sink;
        for (int32_t s = 0; s < a.splits; s++)
            max = simt_max(max, meta[2 * s]);

        for (int64_t d0 = thread; d0 - thread < a.d_v; d0 += THREADS * ELEMENTS) {
            float total = sink == EMPTY ? 0.0f : simt_exp(sink - max);
            float out[ELEMENTS] = {};
            for (int32_t s0 = 0; s0 < a.splits; s0 += THREADS) {
                const int32_t chunk = a.splits - s0 < THREADS ? a.splits - s0 : THREADS;
                if (thread < chunk) {
                    const float split_max = meta[2 * (s0 + thread)];
                    const float scale = split_max == EMPTY ? 0.0f : simt_exp(split_max - max);
                    lds.scale[thread] = split_max == EMPTY ? EMPTY : scale;
                    lds.sum[thread] = scale * meta[2 * (s0 + thread) + 1];
                }
                __syncthreads();
                for (int32_t s = 0; s < chunk; s += AT_ONCE) {
                    float part[AT_ONCE][ELEMENTS];
#pragma unroll
                    for (int j = 0; j < AT_ONCE; j++) {
                        const bool any = s + j < chunk && lds.scale[s + j] != EMPTY;
#pragma unroll
                        for (int e = 0; e < ELEMENTS; e++)
                            part[j][e] = any && d0 + e * THREADS < a.d_v
                                             ? partial[(s0 + s + j) * a.d_v + d0 + e * THREADS]
                                             : 0.0f;
                    }
#pragma unroll
                    for (int j = 0; j < AT_ONCE; j++) {
                        if (s + j >= chunk || lds.scale[s + j] == EMPTY)
                            continue;
                        total += lds.sum[s + j];
#pragma unroll
                        for (int e = 0; e < ELEMENTS; e++)
                            out[e] += lds.scale[s + j] * part[j][e];
                    }
                }
                __syncthreads();
            }
            /* No live key in any split and no sink: zeros. */
            const float divisor = total == 0.0f ? 1.0f : total;
#pragma unroll
            for (int e = 0; e < ELEMENTS; e++)
                if (d0 + e * THREADS < a.d_v)
                    dst[d0 + e * THREADS] = out[e] / divisor;
        }
    }
}

} // namespace

extern "C" attn_entry SIMT_ENTRY(combine)(const struct attn_plan *plan)
{
    return plan->splits > 1 ? combine_kernel : nullptr;
}
