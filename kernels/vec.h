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

#include "attn_args.h"
#include "dequant.h"
#include "row.h"
#include "simt.h"

/* 1: rows are decoded in one place for all types, and every lane gets every sum, which the executor does fastest. 0: as on a
 * GPU; a host build with -DVEC_HOST_PATH=0 tests that way through the kernel. */
#ifndef VEC_HOST_PATH
#define VEC_HOST_PATH SIMT_HOST
#endif

namespace {

constexpr int WAVES = 4;

/* A score that takes no part. Compared with ==, never computed with. */
constexpr float EXCLUDED = -__builtin_inff();

template <int WAVE> struct wave_slots {
    typedef uint64_t type;
};
template <> struct wave_slots<32> {
    typedef uint32_t type;
};

template <int D, int COLS, int WAVE> struct vec_shape {
    typedef typename wave_slots<WAVE>::type slots; /* a bit for each lane of a wave */
    static constexpr int THREADS = WAVES * WAVE;
    static constexpr int LANES = D / 8 < WAVE ? D / 8 : WAVE; /* that hold one row of K or V */
    static constexpr int GROUPS = WAVE / LANES;               /* rows read at once */
    static constexpr int PIECES = D / (8 * LANES);            /* of eight elements a lane holds of a row */
    static constexpr int STEPS = (COLS <= 4 ? 4 : 2) / PIECES; /* rows in flight for each group */
    static constexpr int ROUND = COLS < 2 ? COLS : 2;         /* columns merged at once */
    static constexpr int WEIGHTS = WAVE * COLS;               /* softmax weights of one tile */
    static constexpr int OUTPUT = ROUND * GROUPS * D;         /* a wave's part of a merge */
    static constexpr int FLOATS = 2 * WEIGHTS > OUTPUT ? 2 * WEIGHTS : OUTPUT;
    static_assert(LANES % STEPS == 0 && STEPS * COLS <= 16 && LANES * GROUPS == WAVE && LANES * PIECES * 8 == D, "rows are cut evenly");
};

/* planner/kernel_vec.c computes its size. */
template <int D, int COLS, int WAVE> struct alignas(16) vec_lds {
    float max[COLS][WAVES]; /* of each wave, and */
    float sum[COLS][WAVES]; /* the sum of weights relative to it */
    /* Each wave's own: weights of the tile at hand and of the one before ([2][slot][column]), at the end its
     * output, as every group has it ([column of the round][group][d]). */
    float wave[WAVES][vec_shape<D, COLS, WAVE>::FLOATS];
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
__device__ __forceinline__ float rescale(float from, float to)
{
    return from == EXCLUDED ? 0.0f : simt_exp(from - to);
}

/* A walk over consecutive columns of one KV head: query rows outside, heads inside. */
struct column_walk {
    int64_t iq, head, first, last;

    __device__ __forceinline__ column_walk(const attn_args &a, int64_t kv_head, int64_t column)
        : first(kv_head * a.gqa), last(first + a.gqa - 1)
    {
        attn_divide(column, a.gqa, iq, head);
        head += first;
    }
    __device__ __forceinline__ void next()
    {
        iq += head == last;
        head = head == last ? first : head + 1;
    }
};

/* What a lane holds of a row: PIECES times eight elements, LANES * 8 apart, each piece to be multiplied by its factor. */
template <int PIECES> struct row_part {
    simt_f32x4 v[2 * PIECES];
    float factor[PIECES];
};

template <int PIECES> struct column_part {
    simt_f32x4 v[2 * PIECES];
};

struct eight {
    simt_f32x4 low, high;
};

/* The sum of eight products: four lanes of a vector at once on the host, one chain on a GPU, which has others beside it. */
__device__ __forceinline__ float dot_eight(simt_f32x4 a, simt_f32x4 b, simt_f32x4 x, simt_f32x4 y)
{
    if constexpr (VEC_HOST_PATH) {
        const simt_f32x4 sums = simt_fma(b, y, simt_mul(a, x));
        return sums.x + sums.y + (sums.z + sums.w);
    } else {
        float sum = a.x * x.x;
        sum = simt_fma(a.y, x.y, sum);
        sum = simt_fma(a.z, x.z, sum);
        sum = simt_fma(a.w, x.w, sum);
        sum = simt_fma(b.x, y.x, sum);
        sum = simt_fma(b.y, y.y, sum);
        sum = simt_fma(b.z, y.z, sum);
        return simt_fma(b.w, y.w, sum);
    }
}

/* Elements d .. d+7 of a row. */
template <class LOADER> __device__ SIMT_OUTLINE eight read_eight(const char *row, int64_t d)
{
    float x[8];
    LOADER::decode(LOADER::fetch(row, d), x);
    return { simt_make_f32x4(x[0], x[1], x[2], x[3]), simt_make_f32x4(x[4], x[5], x[6], x[7]) };
}

/* The rows of a tile as one group of lanes reads them: in slot i its key i * GROUPS + group, or a live key in its place. */
template <class S> struct row_walk {
    typedef typename S::slots slots;
    const char *base; /* the tile's first row */
    int64_t nb1;
    slots own, any; /* slots of this group that are live, and of all groups */
    int group;
    uint32_t spare; /* a live key of the tile */
    int d;          /* the lane's first element of a row */

    __device__ __forceinline__ const char *row(int slot) const
    {
        return base + (own >> slot & 1u ? (uint32_t)(slot * S::GROUPS + group) : spare) * nb1;
    }
    template <int N> __device__ __forceinline__ bool dead(int slot) const { return (any >> slot & ((slots(1) << N) - 1)) == 0; }
};

/* Calls use(slot, s, part) for the rows of all slots but those that are dead for every group, and after each STEPS of
 * them (s = 0 .. STEPS-1) done(slot of the first). Several rows are fetched before the first is used: as many as make 64
 * bytes for a lane or a little more. On a GPU the using code is compiled for each type, so that at most one row is held
 * decoded; the host compiles it once. */
template <class S, class USE, class DONE>
__device__ __forceinline__ void walk_rows(int type, bool wide, const row_walk<S> &walk, const USE &use, const DONE &done)
{
    constexpr int STEPS = S::STEPS, PIECES = S::PIECES;
    if constexpr (VEC_HOST_PATH) {
        for (int i = 0; i < S::LANES; i += STEPS) {
            if (walk.template dead<STEPS>(i))
                continue;
            row_part<PIECES> part[STEPS];
            attn_with_loader(type, wide, [&](auto loader) __attribute__((always_inline)) {
#pragma unroll
                for (int n = 0; n < STEPS * PIECES; n++) {
                    const eight x = read_eight<decltype(loader)>(walk.row(i + n / PIECES), walk.d + n % PIECES * S::LANES * 8);
                    part[n / PIECES].v[n % PIECES * 2] = x.low;
                    part[n / PIECES].v[n % PIECES * 2 + 1] = x.high;
                    part[n / PIECES].factor[n % PIECES] = 1.0f;
                }
            });
#pragma unroll
            for (int s = 0; s < STEPS; s++)
                use(i + s, s, part[s]);
            done(i);
        }
    } else {
        attn_with_loader(type, wide, [&](auto loader) __attribute__((always_inline)) {
            using LOADER = decltype(loader);
            typedef typename LOADER::raw raw_type;
            constexpr int FETCH = STEPS * 16 / (sizeof(raw_type) < 16 ? 8 : (int)sizeof(raw_type));
            constexpr int BATCH = FETCH > STEPS ? FETCH : STEPS;
            static_assert(BATCH % FETCH == 0 && S::LANES % BATCH == 0, "slots are cut evenly");
#pragma unroll 1
            for (int i = 0; i < S::LANES; i += BATCH) {
                if (walk.template dead<BATCH>(i))
                    continue;
                const int d = simt_opaque(walk.d);
#pragma unroll
                for (int f = 0; f < BATCH; f += FETCH) {
                    raw_type raw[FETCH * PIECES];
#pragma unroll
                    for (int n = 0; n < FETCH * PIECES; n++)
                        raw[n] = LOADER::fetch(walk.row(i + f + n / PIECES), d + n % PIECES * S::LANES * 8);
#pragma unroll
                    for (int r = 0; r < FETCH; r++) {
                        row_part<PIECES> part;
#pragma unroll
                        for (int p = 0; p < PIECES; p++) {
                            float x[8];
                            LOADER::decode_unscaled(raw[r * PIECES + p], x);
                            part.v[2 * p] = simt_make_f32x4(x[0], x[1], x[2], x[3]);
                            part.v[2 * p + 1] = simt_make_f32x4(x[4], x[5], x[6], x[7]);
                            part.factor[p] = LOADER::scale(raw[r * PIECES + p]);
                        }
                        use(i + f + r, (f + r) % STEPS, part);
                        if ((f + r) % STEPS == STEPS - 1)
                            done(i + f + r - (STEPS - 1));
                    }
                }
            }
        });
    }
}

/* Sums LEFT values over 2 * STEP lanes. Each step halves what a lane still adds up, down to one value, in place of all
 * lanes adding up everything. The order of additions is simt_reduce_add's. */
template <int WAVE, int STEP, int LEFT, int N> __device__ __forceinline__ void reduce_apart(float (&v)[N], int lane)
{
    if constexpr (STEP > 0 && LEFT > 1) {
        constexpr int HALF = LEFT / 2;
        const bool upper = (lane & STEP) != 0;
#pragma unroll
        for (int n = 0; n < HALF; n++) {
            const float given = upper ? v[n] : v[n + HALF], kept = upper ? v[n + HALF] : v[n];
            v[n] = kept + simt_shfl_xor<WAVE>(given, STEP);
        }
        reduce_apart<WAVE, STEP / 2, HALF>(v, lane);
    } else if constexpr (STEP > 0) {
        v[0] = v[0] + simt_shfl_xor<WAVE>(v[0], STEP);
        reduce_apart<WAVE, STEP / 2, 1>(v, lane);
    }
}

/* Sums dot[s * COLS + c] over the lanes of a row, for STEPS rows that begin with `slot`, and keeps a row's sums in the lane
 * of its slot. A GPU spends on that a third of the exchanges that it takes to give every lane every sum. */
template <class S, int COLS, int WAVE>
__device__ __forceinline__ void keep_scores(float (&dot)[S::STEPS * COLS], int slot, int lane, float (&score)[COLS])
{
    constexpr int N = S::STEPS * COLS, LANES = S::LANES;
    const int member = lane % LANES;
    if constexpr (VEC_HOST_PATH) {
        simt_reduce_add<LANES>(dot);
#pragma unroll
        for (int n = 0; n < N; n++)
            score[n % COLS] = member == slot + n / COLS ? dot[n] : score[n % COLS];
    } else {
        constexpr int EACH = N > LANES ? N / LANES : 1;   /* sums that a lane ends up with, */
        constexpr int COPIES = N > LANES ? 1 : LANES / N; /* and lanes that have the same */
        static_assert(EACH <= COLS && N * COPIES == LANES * EACH, "powers of two");
        reduce_apart<WAVE, LANES / 2, N>(dot, lane);
        const int row = member % S::STEPS;
        const bool mine = member - row == slot;
#pragma unroll
        for (int c = 0; c < COLS; c++) {
            const float sum = simt_shfl<WAVE>(dot[c % EACH], lane - member + (row * COLS + c) / EACH * COPIES);
            score[c] = mine ? sum : score[c];
        }
    }
}

/* Merges column c, which is number r of the round in LDS, and stores it: into dst, or, when n_kv is split, as the
 * split's partial output, relative to the split's maximum. */
template <int D, int COLS, int WAVE>
__device__ __forceinline__ void store_column(const attn_args &a, const vec_lds<D, COLS, WAVE> &lds, int c, int r,
                                             const column_walk &at, int64_t seq, int64_t split)
{
    using S = vec_shape<D, COLS, WAVE>;
    const bool whole = a.splits == 1;
    float wave_max[WAVES], wave_sum[WAVES], scale[WAVES];
    load_floats(lds.max[c], wave_max);
    load_floats(lds.sum[c], wave_sum);

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
        target = reinterpret_cast<float *>(a.dst.data + seq * a.dst.nb3 + at.iq * a.dst.nb2 + at.head * a.dst.nb1);
        divisor = sum == 0.0f ? 1.0f : sum; /* no live key and no sink: zeros */
    } else {
        const int64_t part = ((seq * a.n_q + at.iq) * a.n_head + at.head) * a.splits + split;
        target = a.partial + part * D;
        if (threadIdx.x == 0) {
            a.meta[2 * part] = max;
            a.meta[2 * part + 1] = sum;
        }
    }
    for (int d = (int)threadIdx.x; d < D; d += S::THREADS) {
        float value = 0.0f;
#pragma unroll
        for (int w = 0; w < WAVES; w++) {
            float part = 0.0f;
#pragma unroll
            for (int g = 0; g < S::GROUPS; g++)
                part += lds.wave[w][(r * S::GROUPS + g) * D + d];
            value += part * scale[w];
        }
        target[d] = value / divisor;
    }
}

/* CUDA's compiler is held to registers for three workgroups a compute unit. HIP's second argument means another thing. */
#if defined(__CUDACC__) && !defined(__HIP__)
#define VEC_BOUNDS(threads) __launch_bounds__(threads, 3)
#else
#define VEC_BOUNDS(threads) __launch_bounds__(threads)
#endif

template <int D, int COLS, int WAVE> __global__ VEC_BOUNDS(WAVES *WAVE) void vec_kernel(const attn_args a)
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
            /* An empty split says so, and leaves its partial output unwritten. */
            if (thread < COLS && column + thread < columns) {
                const column_walk at(a, kv_head, column + thread);
                float *meta = a.meta + (((seq * a.n_q + at.iq) * a.n_head + at.head) * a.splits + split) * 2;
                meta[0] = EXCLUDED;
                meta[1] = 0.0f;
            }
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
                    const float *from = reinterpret_cast<const float *>(row) + lane_d + i / 2 * S::LANES * 8 + i % 2 * 4;
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

        /* Weights of a tile lie where the tile before last had its own: no lane can still be reading those. */
        int phase = 0;
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
            float *const weights = own + phase * S::WEIGHTS;
            phase ^= 1;
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

            float score[COLS], dot[S::STEPS * COLS];
#pragma unroll
            for (int c = 0; c < COLS; c++)
                score[c] = 0.0f;
            walk_rows<S>(
                a.type_k, a.load_k == 16, walk,
                [&](int, int s, const row_part<S::PIECES> &k) __attribute__((always_inline)) {
#pragma unroll
                    for (int c = 0; c < COLS; c++) {
                        float sum = 0.0f;
#pragma unroll
                        for (int p = 0; p < S::PIECES; p++) {
                            const float part = dot_eight(k.v[2 * p], k.v[2 * p + 1], q[c].v[2 * p], q[c].v[2 * p + 1]) * k.factor[p];
                            sum = p == 0 ? part : sum + part;
                        }
                        dot[s * COLS + c] = sum;
                    }
                },
                [&](int slot) __attribute__((always_inline)) { keep_scores<S, COLS, WAVE>(dot, slot, lane, score); });

            load_floats(weights + lane * COLS, bias);
            float top[COLS];
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
        }

        /* The merge: of the lanes' sums in the wave, of groups and waves through LDS. */
        simt_reduce_add<WAVE>(sum);
        simt_wave_sync<WAVE>();
        if (lane == 0) {
#pragma unroll
            for (int c = 0; c < COLS; c++) {
                lds.max[c][wave] = max[c];
                lds.sum[c][wave] = sum[c];
            }
        }
        column_walk at(a, kv_head, column);
#pragma unroll 1
        for (int c0 = 0; c0 < COLS; c0 += S::ROUND) {
#pragma unroll
            for (int c = 0; c < COLS; c++) {
                if (c / S::ROUND * S::ROUND != c0)
                    continue;
#pragma unroll
                for (int j = 0; j < 2 * S::PIECES; j++)
                    simt_store<simt_f32x4>(own + (c % S::ROUND * S::GROUPS + group) * D + lane_d + j / 2 * S::LANES * 8 + j % 2 * 4,
                                           out[c].v[j]);
            }
            __syncthreads();
#pragma unroll 1
            for (int r = 0; r < S::ROUND; r++, at.next())
                if (thread < D && column + c0 + r < columns)
                    store_column<D, COLS, WAVE>(a, lds, c0 + r, r, at, seq, split);
            __syncthreads();
        }
    }
}

} // namespace

/* The instance for a head size and a number of columns; NULL when there is none. */
template <int WAVE> static attn_entry vec_instance(const struct attn_plan *plan)
{
    const struct attn_head_size *size = attn_head_size(plan->head_size);
    if (size == nullptr || size->d_k != size->d_v)
        return nullptr;
#define VEC(D, COLS)                                                                                                   \
    if (size->d_k == (D) && plan->columns == (COLS))                                                                   \
        return vec_kernel<D, COLS, WAVE>;
    VEC(64, 1) VEC(64, 2) VEC(64, 4) VEC(64, 8)
    VEC(128, 1) VEC(128, 2) VEC(128, 4) VEC(128, 8)
    VEC(256, 1) VEC(256, 2) VEC(256, 4) VEC(256, 8)
    VEC(512, 1) VEC(512, 2) VEC(512, 4)
    if constexpr (WAVE == 64) { /* 512 elements on 32 lanes leave no registers for eight columns */
        VEC(512, 8)
    }
#undef VEC
    return nullptr;
}

#endif
