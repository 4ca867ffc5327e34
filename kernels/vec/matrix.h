/* matrix.h: scores and output of vec from rows of f16 or bf16 in LDS, by mma.sync.m16n8k16 (kernels/mma/sm80.h).
 *
 * Rows of K, and of V transposed, are the operand of sixteen rows; the columns are the one of eight. Q and the softmax
 * weights go in two parts each (kernels/mma/element.h): four columns or fewer have both in one instruction, eight take
 * two. So what a lane has of either product is rows g and g + 8 of sixteen, columns 2 t and 2 t + 1 of eight, with g =
 * lane / 4 and t = lane % 4; of four columns and fewer, the high part's first, then the low part's.
 *
 * A row's pieces of 16 bytes lie in LDS in an order of its own, or the eight rows that are loaded at once would be in
 * the same banks.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_VEC_MATRIX_H
#define ATTN_VEC_MATRIX_H

#include "kernels/mma/sm80.h"
#include "kernels/vec/stage.h"

namespace
{

/* One float, or two that are a multiple of 8 bytes into LDS. */
__device__ __forceinline__ void load_pair(const float *p, float (&v)[1]) { v[0] = *p; }
__device__ __forceinline__ void store_pair(float *p, const float (&v)[1]) { *p = v[0]; }
__device__ __forceinline__ void load_pair(const float *p, float (&v)[2])
{
    const simt_f32x2 both = simt_load<simt_f32x2>(p);
    v[0] = both.x;
    v[1] = both.y;
}
__device__ __forceinline__ void store_pair(float *p, const float (&v)[2])
{
    simt_f32x2 both;
    both.x = v[0];
    both.y = v[1];
    simt_store<simt_f32x2>(p, both);
}

template <class E, int HEAD, int TILE_COLUMNS> struct vec_by_matrix {
    struct S : vec_shape<HEAD, TILE_COLUMNS, 32> {
        static constexpr int GROUPS = 1; /* a wave has its output once */
    };
    using F = mma_sm80<E>;
    static constexpr int COLUMNS = TILE_COLUMNS, ROW = 2 * HEAD, PIECES = HEAD / 8, STEPS = HEAD / 16;
    static constexpr int ROWS = attn_vec_chunk_rows(ROW), BLOCKS = ROWS / 16;
    static constexpr bool APART = COLUMNS > 4; /* an instruction for either part */
    static constexpr int WORDS = APART ? 4 : 2;
    static constexpr int RESIDENT = attn_vec_resident(ATTN_VEC_BY_MATRIX, HEAD, COLUMNS);
    static_assert(MMA_Q_PARTS == 2 && ROWS % 16 == 0 && PIECES <= 32 && PIECES % 8 == 0, "what this is made for");

    uint32_t q[STEPS][WORDS];
    float inverse[2]; /* of what Q was multiplied by: the lane's two columns */
    float out[STEPS][4];

    static __device__ __forceinline__ uint32_t at(uint32_t row, uint32_t piece)
    {
        return row * ROW + (piece ^ row % 8) * 16;
    }

    /* Words of one part: of the lane's column where an instruction has both, zeros past them. */
    static __device__ __forceinline__ void cut(int lane, float first, float second, uint32_t (&words)[WORDS], int w)
    {
        const uint32_t high = E::pack(first, second), low = mma_pack_rest<E>(first, second, high);
        if constexpr (APART) {
            words[w] = high;
            words[2 + w] = low;
        } else {
            const uint32_t part = (uint32_t)lane / 4 / COLUMNS;
            words[w] = part == 0 ? high : part == 1 ? low : 0u;
        }
    }
    static __device__ __forceinline__ void multiply(float (&c)[2][4], uint32_t step, const typename F::operand &rows,
                                                    const uint32_t (&words)[WORDS])
    {
        if constexpr (APART) {
            F::product(c[0], rows, words);
            F::product(c[1], rows, words + 2);
        } else {
            F::product(c[step % 2], rows, words);
        }
    }
    /* Adds the low part's products to the high part's: of columns 2 t and 2 t + 1, modulo COLUMNS. */
    static __device__ __forceinline__ void join(float (&c)[4])
    {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            if constexpr (COLUMNS == 1)
                c[i] += i % 2 == 0 ? c[i + 1] : 0.0f;
            else if constexpr (!APART)
                c[i] += simt_shfl_xor<32>(c[i], COLUMNS / 2);
        }
    }

    template <class LDS>
    __device__ __forceinline__ void load(const attn_args &a, const attn_work &work, int64_t columns, LDS &)
    {
        const int lane = (int)threadIdx.x % 32, t = lane % 4;
        const int64_t number = work.first + lane / 4 % COLUMNS;
        const attn_column column = attn_column_at(a, work.kv_head, number < columns ? number : columns - 1);
        const float *const row = reinterpret_cast<const float *>(attn_q_row(a, column, work.seq)) + 2 * t;
        float top = 0.0f;
#pragma unroll 4
        for (int i = 0; i < 2 * STEPS; i++) {
            const float x = row[8 * i], y = row[8 * i + 1];
            top = simt_max(top, simt_max(simt_abs(x), simt_abs(y)));
        }
        top = simt_max(top, simt_shfl_xor<32>(top, 1));
        top = simt_max(top, simt_shfl_xor<32>(top, 2));
        const uint32_t bits = E::factor_bits(top);
        const float factor = attn_float_of_bits(bits), back = attn_float_of_bits((254u << 23) - bits);
#pragma unroll
        for (int i = 0; i < STEPS; i++)
#pragma unroll
            for (int w = 0; w < 2; w++)
                cut(lane, row[16 * i + 8 * w] * factor, row[16 * i + 8 * w + 1] * factor, q[i], w);
#pragma unroll
        for (int j = 0; j < 2; j++)
            inverse[j] = simt_shfl<32>(back, (2 * t + j) % COLUMNS * 4);
    }
    __device__ __forceinline__ void clear()
    {
#pragma unroll
        for (int m = 0; m < STEPS; m++)
#pragma unroll
            for (int i = 0; i < 4; i++)
                out[m][i] = 0.0f;
    }
    /* Starts the copy of a chunk, as stage_chunk does. The lane's pieces are AT_ONCE rows apart: where the first one's
     * place is known, that of another takes an exclusive or. */
    static __device__ __forceinline__ void stage(char *to, const staged_rows &t, int64_t first, uint32_t live, int lane)
    {
        constexpr uint32_t AT_ONCE = 32 / PIECES, ALL = ~0u >> (32 - ROWS);
        const uint32_t row = (uint32_t)lane / PIECES, piece = (uint32_t)lane % PIECES, own = at(row, piece);
        const char *from = t.base + (first + row) * t.nb1 + 16 * piece;
        const int64_t step = AT_ONCE * t.nb1;
        if ((live & ALL) == ALL) {
#pragma unroll
            for (uint32_t r = 0; r < ROWS; r += AT_ONCE) {
                simt_copy_async<16>(to + (own ^ r % 8 * 16) + r * ROW, from);
                from += step;
            }
        } else {
            live >>= row;
#pragma unroll
            for (uint32_t r = 0; r < ROWS; r += AT_ONCE) {
                simt_copy_async_or_zero<16>(to + (own ^ r % 8 * 16) + r * ROW, from, live >> r & 1u);
                from += step;
            }
        }
    }
    template <class LDS>
    __device__ __forceinline__ void dot(const attn_args &a, const LDS &, const char *rows, const staged_rows &,
                                        int lane, float *logits) const
    {
        const uint32_t l = (uint32_t)lane, g = l / 4, t = l % 4, own = at(l % 16, l / 16);
        float c[BLOCKS][2][4] = {};
#pragma unroll
        for (uint32_t step = 0; step < STEPS; step++)
#pragma unroll
            for (uint32_t b = 0; b < BLOCKS; b++)
                multiply(c[b], step,
                         F::template load_matrices<false>(
                             reinterpret_cast<const uint16_t *>(rows + (own ^ step * 32) + 16 * b * ROW)),
                         q[step]);
#pragma unroll
        for (uint32_t b = 0; b < BLOCKS; b++) {
#pragma unroll
            for (int i = 0; i < 4; i++)
                c[b][0][i] += c[b][1][i];
            join(c[b][0]);
        }
        if (2 * t >= COLUMNS)
            return;
        float *const first = logits + g * COLUMNS + 2 * t;
        if (a.softcap > 0.0f)
            add_scores<true>(a, c, first);
        else
            add_scores<false>(a, c, first);
    }
    /* Of keys 8 apart, two columns each. */
    template <bool CAPPED>
    __device__ __forceinline__ void add_scores(const attn_args &a, const float (&c)[BLOCKS][2][4], float *logits) const
    {
        constexpr int N = COLUMNS < 2 ? 1 : 2;
#pragma unroll
        for (int n = 0; n < 2 * BLOCKS; n++) {
            float own[N];
            load_pair(logits + n * 8 * COLUMNS, own);
#pragma unroll
            for (int j = 0; j < N; j++) {
                const float dot = c[n / 2][0][n % 2 * 2 + j] * inverse[j];
                const float score = attn_score(dot, a.scale, CAPPED ? a.softcap : 0.0f) + own[j];
                own[j] = own[j] == EXCLUDED ? EXCLUDED : score;
            }
            store_pair(logits + n * 8 * COLUMNS, own);
        }
    }
    __device__ __forceinline__ void rescale(float scale)
    {
        const int t = (int)threadIdx.x % 4;
        float of_column[2];
#pragma unroll
        for (int j = 0; j < 2; j++)
            of_column[j] = simt_shfl<32>(scale, (2 * t + j) % COLUMNS);
#pragma unroll
        for (int m = 0; m < STEPS; m++)
#pragma unroll
            for (int i = 0; i < 4; i++)
                out[m][i] *= of_column[i % 2];
    }
    __device__ __forceinline__ void weigh(const attn_args &, const char *rows, const staged_rows &,
                                          const float *weights, int lane)
    {
        constexpr float SHIFT = 1u << (int)E::P_SHIFT;
        const uint32_t l = (uint32_t)lane, t = l % 4, column = l / 4 % COLUMNS;
        const uint32_t own = at(l % 8 + l / 16 * 8, l / 8 % 2);
#pragma unroll
        for (uint32_t b = 0; b < BLOCKS; b++) {
            uint32_t words[WORDS];
#pragma unroll
            for (int w = 0; w < 2; w++) {
                const float *const of = weights + (16 * b + 2 * t + 8 * w) * COLUMNS + column;
                cut(lane, of[0] * SHIFT, of[COLUMNS] * SHIFT, words, w);
            }
#pragma unroll
            for (uint32_t m = 0; m < STEPS; m++) {
                const typename F::operand v = F::template load_matrices<true>(
                    reinterpret_cast<const uint16_t *>(rows + (own ^ m * 32) + 16 * b * ROW));
                F::product(out[m], v, words);
                if constexpr (APART)
                    F::product(out[m], v, words + 2);
            }
        }
    }
    /* As merge_waves wants it. */
    __device__ __forceinline__ void put(float *to, int c0, int lane) const
    {
        const int g = lane / 4, t = lane % 4;
#pragma unroll
        for (int m = 0; m < STEPS; m++) {
            float c[4] = { out[m][0], out[m][1], out[m][2], out[m][3] };
            join(c);
#pragma unroll
            for (int i = 0; i < 4; i++)
                if (2 * t == c0 && i % 2 < COLUMNS)
                    to[i % 2 * HEAD + 16 * m + g + i / 2 * 8] = c[i] * E::P_UNSHIFT;
        }
    }
};

} // namespace

#endif
