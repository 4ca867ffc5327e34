/* combine.hip: merges the partial results of a split main launch into dst, and adds the heads' sinks.
 *
 * A workgroup takes a piece of one dst row at a time, so that few long rows make enough of them. Splits come in chunks
 * of one for each thread: a thread works out the weight of its split, then all threads add up the chunk's partial
 * outputs, each for its own two elements. A split without any live key has maximum -inf; its partial output was perhaps
 * never written and is not read.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/work.h"
#include "planner/contracts/shapes.h"

namespace
{

constexpr int THREADS = ATTN_COMBINE_THREADS, OWN = ATTN_COMBINE_PIECE / THREADS;
/* Splits whose partial results are loaded together: one by one is a memory's latency each. With eight, AMD's compiler
 * runs out of scalar registers; NVIDIA's keeps them together only where it need not leave room for many workgroups. */
#if defined(__HIP__)
constexpr int AT_ONCE = 4;
[[maybe_unused]] constexpr int RESIDENT = 1;
#else
constexpr int AT_ONCE = 32;
[[maybe_unused]] constexpr int RESIDENT = 4; /* the host does not ask */
#endif

constexpr float EMPTY = -__builtin_inff();

struct alignas(16) combine_lds {
    float scale[THREADS]; /* of each split of the chunk, relative to the row's maximum; before, maxima */
    float sum[THREADS];   /* its share of the row's sum of weights */
};

/* What a split says of a row: the largest score and the sum of weights relative to it. */
struct combine_meta {
    float max, sum;
};

__device__ __forceinline__ combine_meta combine_meta_of(const float *meta, int32_t split)
{
    const simt_f32x2 both = simt_load<simt_f32x2>(meta + 2 * split);
    return { both.x, both.y };
}

/* The largest of the splits' maxima and `from`; own: of the thread's split of the first chunk. A barrier must follow
 * before lds changes. */
__device__ __forceinline__ float combine_max(combine_lds &lds, const float *meta, int32_t splits, float from,
                                             combine_meta &own)
{
    const int thread = (int)threadIdx.x;
    own = { EMPTY, 0.0f };
    if (thread < splits)
        own = combine_meta_of(meta, thread);
    float most = own.max;
    for (int32_t s = thread + THREADS; s < splits; s += THREADS)
        most = simt_max(most, meta[2 * s]);
    lds.scale[thread] = most;
    __syncthreads();
    /* All of them, and vectors, so that they are on their way together. */
    simt_f32x4 top = simt_load<simt_f32x4>(lds.scale);
#pragma unroll
    for (int t = 4; t < THREADS; t += 4) {
        const simt_f32x4 four = simt_load<simt_f32x4>(lds.scale + t);
        top = simt_make_f32x4(simt_max(top.x, four.x), simt_max(top.y, four.y), simt_max(top.z, four.z),
                              simt_max(top.w, four.w));
    }
    return simt_max(simt_max(simt_max(top.x, top.y), simt_max(top.z, top.w)), from);
}

/* Adds a chunk's splits to the thread's elements, from `partial` on, and to the sum of weights. */
__device__ __forceinline__ void combine_chunk(const combine_lds &lds, const float *partial, int64_t d_v, int32_t chunk,
                                              bool exists, simt_f32x2 &out, float &total)
{
    for (int32_t s = 0; s < chunk; s += AT_ONCE) {
        simt_f32x2 part[AT_ONCE];
        float scale[AT_ONCE];
#pragma unroll
        for (int j = 0; j < AT_ONCE; j += 4) {
            const simt_f32x4 four = simt_load<simt_f32x4>(lds.scale + s + j);
            scale[j] = four.x;
            scale[j + 1] = four.y;
            scale[j + 2] = four.z;
            scale[j + 3] = four.w;
        }
#pragma unroll
        for (int j = 0; j < AT_ONCE; j++) {
            part[j] = simt_f32x2{};
            if (exists && scale[j] != EMPTY)
                part[j] = simt_load<simt_f32x2>(partial);
            partial += d_v;
        }
#pragma unroll
        for (int j = 0; j < AT_ONCE; j += 4) {
            const simt_f32x4 four = simt_load<simt_f32x4>(lds.sum + s + j);
            total = total + four.x + four.y + four.z + four.w;
        }
#pragma unroll
        for (int j = 0; j < AT_ONCE; j++) {
            if (scale[j] == EMPTY)
                continue;
            out.x += scale[j] * part[j].x;
            out.y += scale[j] * part[j].y;
        }
    }
}

__global__ __launch_bounds__(THREADS, RESIDENT) void combine_kernel(const attn_args a)
{
    static_assert(OWN == 2 && THREADS % AT_ONCE == 0, "two elements are a vector; a chunk's splits, in whole groups");
    static_assert(sizeof(combine_lds) == ATTN_COMBINE_LDS, "what contracts ask for");
    SIMT_LDS(combine_lds, lds);
    const int thread = (int)threadIdx.x;
    const int64_t pieces = attn_combine_pieces(a.d_v), items = attn_rows(a) * pieces;

    for (int64_t item = attn_first_item(items); item < items; item = attn_next_item(item, items)) {
        int64_t number, piece;
        attn_divide(item, pieces, number, piece);
        const attn_row row = attn_row_at(a, number);
        const int64_t first = attn_part_at(a, row.at, row.seq, 0);
        const int64_t d = piece * ATTN_COMBINE_PIECE + OWN * thread;
        const bool exists = d < a.d_v; /* a head is a multiple of eight elements */
        const float *const meta = a.meta + first * 2;
        const float *const partial = a.partial + first * a.d_v + d;

        const float sink = a.sinks == nullptr ? EMPTY : a.sinks[row.at.head];
        combine_meta own;
        const float max = combine_max(lds, meta, a.splits, sink, own);
        float total = sink == EMPTY ? 0.0f : simt_exp(sink - max);
        simt_f32x2 out = {};
        for (int32_t s0 = 0; s0 < a.splits; s0 += THREADS) {
            const int32_t chunk = a.splits - s0 < THREADS ? a.splits - s0 : THREADS;
            __syncthreads(); /* nobody reads what was there any more */
            if (s0 > 0)
                own = thread < chunk ? combine_meta_of(meta, s0 + thread) : combine_meta{ EMPTY, 0.0f };
            const float scale = own.max == EMPTY ? 0.0f : simt_exp(own.max - max);
            lds.scale[thread] = own.max == EMPTY ? EMPTY : scale; /* also where there is no split */
            lds.sum[thread] = own.max == EMPTY ? 0.0f : scale * own.sum;
            __syncthreads();
            combine_chunk(lds, partial + s0 * a.d_v, a.d_v, chunk, exists, out, total);
        }
        __syncthreads(); /* the next item's maxima */
        if (!exists)
            continue;
        /* No live key in any split and no sink: zeros. */
        const float divisor = total == 0.0f ? 1.0f : total;
        float *const dst = attn_dst_row(a, row.at, row.seq) + d;
        dst[0] = out.x / divisor;
        dst[1] = out.y / divisor;
    }
}

} // namespace

extern "C" attn_entry SIMT_ENTRY(combine)(const struct attn_plan *plan)
{
    return plan->splits > 1 ? combine_kernel : nullptr;
}
