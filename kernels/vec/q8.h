/* q8.h: scores and output of vec from rows of q8_0 in LDS.
 *
 * A block is a scale (f16) and 32 signed bytes, 34 bytes together. Two blocks are 17 words of 32 bits, of which each
 * holds bytes of one block only, and perhaps a scale:
 *
 *     word       0          1 .. 7      8               9 .. 16
 *     bytes      s s 0 1    2 .. 29     30 31 S S       0 .. 31      (s: scale of the first block, S: of the second)
 *
 * Scores are products of bytes, which the matrix instruction for them sums up exactly, a block at once. It takes eight
 * words of a block as they lie in LDS: of the second block words 9..16, of the first 1..7 and, before them, one that is
 * put together of bytes 0, 1, 30 and 31. Q is quantised once, block by block, to 16 bits: q = step * (256 high + low),
 * high and low signed bytes and columns of their own of the matrix, in the order of K's words. What that makes of the
 * error bound: reference/bound.c, 5.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_VEC_Q8_H
#define ATTN_VEC_Q8_H

#include "kernels/vec/columns.h"

namespace
{

constexpr float Q8_LARGEST = 32639.0f; /* 256 * 127 + 127 */

/* Q of a workgroup's columns. Whose word i of block b holds elements 32 b + ...: 4 i ... + 3 when b is odd, else
 * 4 i - 2 ... + 1, or 0, 1, 30, 31. */
template <int D, int COLUMNS> struct q8_query {
    uint32_t word[D / 32][8][COLUMNS][ATTN_VEC_Q8_PARTS]; /* high and low parts, four elements each */
    float step[D / 32][COLUMNS];
};

/* Quantises Q, by all threads of the workgroup, eight lanes for each block of a column. A barrier must follow. */
template <int D, int COLUMNS>
__device__ __forceinline__ void q8_quantise(const attn_args &a, q8_query<D, COLUMNS> &q, const attn_work &work,
                                            int64_t columns)
{
    constexpr int BLOCKS = D / 32, AT_ONCE = WAVES * 4;
    const int i = (int)threadIdx.x % 8; /* the lane's word */
#pragma unroll 1
    for (int n0 = 0; n0 < BLOCKS * COLUMNS; n0 += AT_ONCE) {
        const int n = n0 + (int)threadIdx.x / 8, b = n % BLOCKS, c = n / BLOCKS;
        const bool exists = n < BLOCKS * COLUMNS;
        const attn_column at =
            attn_column_at(a, work.kv_head, work.first + (exists && work.first + c < columns ? c : 0));
        const float *from = reinterpret_cast<const float *>(attn_q_row(a, at, work.seq)) + 32 * b;
        float x[4], most = 0.0f;
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const int element = b % 2 ? 4 * i + j : i > 0 ? 4 * i - 2 + j : j < 2 ? j : 28 + j;
            x[j] = exists ? from[element] : 0.0f;
            most = simt_max(most, simt_abs(x[j]));
        }
        most = simt_reduce_max<8>(most);
        /* Blocks below 2^-110 count as zeros: their step would be no normal number. */
        const float inverse = most > 0x1p-110f ? Q8_LARGEST / most : 0.0f;
        uint32_t high = 0, low = 0;
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const float y = x[j] * inverse;
            const int v = (int)(y + (y < 0.0f ? -0.5f : 0.5f));
            const int upper = (v + 128) >> 8;
            high |= ((uint32_t)upper & 255u) << (8 * j);
            low |= ((uint32_t)(v - 256 * upper) & 255u) << (8 * j);
        }
        if (exists) {
            q.word[b][i][c][0] = high;
            q.word[b][i][c][1] = low;
            if (i == 0)
                q.step[b][c] = most * (1.0f / Q8_LARGEST);
        }
    }
}

/* Makes logits of what the mask adds to the scores of a chunk's keys ([key][column]). With g = lane / 4 and t = lane %
 * 4, a lane has words t and t + 4 of keys g and g + 8 of 16, and gets the products of these keys with column t (and t +
 * 4). Fewer than four columns are repeated. */
template <int D, int COLUMNS>
__device__ __forceinline__ void q8_dot(const attn_args &a, const char *rows, int n_rows, const q8_query<D, COLUMNS> &q,
                                       int lane, float *logits)
{
    constexpr int ROW = D / 32 * 34;
    constexpr int HALVES = COLUMNS > 4 ? 2 : 1;      /* matrices of four columns */
    constexpr int WIDTH = COLUMNS > 4 ? 4 : COLUMNS; /* columns of one */
    const int g = lane / 4, t = lane % 4, part = g % (2 * WIDTH), column = t % WIDTH;
#pragma unroll 1
    for (int m = 0; m < n_rows; m += 16) {
        float sum[HALVES][2] = {};
#pragma unroll
        for (int pair = 0; pair < D / 64; pair++) {
            uint32_t k[2][4]; /* of either block */
            float scale[2][2];
#pragma unroll
            for (int h = 0; h < 2; h++) {
                const char *const row = rows + (m + g + 8 * h) * ROW + pair * 68;
                const uint32_t head = simt_load<uint32_t>(row), middle = simt_load<uint32_t>(row + 32);
                const uint32_t own = simt_load<uint32_t>(row + 4 * t);
                k[0][h] = t == 0 ? middle << 16 | head >> 16 : own;
                k[0][2 + h] = simt_load<uint32_t>(row + 16 + 4 * t);
                k[1][h] = simt_load<uint32_t>(row + 36 + 4 * t);
                k[1][2 + h] = simt_load<uint32_t>(row + 52 + 4 * t);
                scale[0][h] = simt_f16_to_f32((uint16_t)head);
                scale[1][h] = simt_f16_to_f32((uint16_t)(middle >> 16));
            }
#pragma unroll
            for (int b = 0; b < 2; b++)
#pragma unroll
                for (int half = 0; half < HALVES; half++) {
                    const int block = 2 * pair + b;
                    const uint32_t (*const words)[2] = &q.word[block][0][half * WIDTH + part / 2];
                    const uint32_t parts[2] = { words[t * COLUMNS][part % 2], words[(t + 4) * COLUMNS][part % 2] };
                    const float step = q.step[block][half * WIDTH + column];
                    int32_t product[4];
                    simt_matrix_s8(product, k[b], parts);
#pragma unroll
                    for (int h = 0; h < 2; h++)
                        sum[half][h] = simt_fma((float)(256 * product[2 * h] + product[2 * h + 1]) * scale[b][h], step,
                                                sum[half][h]);
                }
        }
        if (t < WIDTH) {
#pragma unroll
            for (int half = 0; half < HALVES; half++)
#pragma unroll
                for (int h = 0; h < 2; h++) {
                    float *const logit = logits + (m + g + 8 * h) * COLUMNS + half * WIDTH + column;
                    *logit = *logit == EXCLUDED ? EXCLUDED : attn_score(sum[half][h], a.scale, a.softcap) + *logit;
                }
        }
    }
}

/* Adds weights ([key][column]) times the rows of a chunk to the output. */
template <class S>
__device__ __forceinline__ void q8_weigh(const char *rows, int n_rows, const float *weights, int lane,
                                         column_part<1> (&out)[S::COLUMNS])
{
    constexpr int ROW = S::D / 32 * 34, COLUMNS = S::COLUMNS;
    const int group = lane / S::LANES, member = lane % S::LANES;
    const int block = member / 4, element = member % 4 * 8, odd = block % 2;
    /* Two words hold the eight elements, or, where they begin in the middle of one, three. */
    const char *const row = rows + group * ROW + block / 2 * 68;
    const char *const first = row + (odd ? 36 : 0) + element, *const last = first + (odd ? 4 : 8);
    const char *const scales = row + odd * 34;
    const int shift = odd ? 0 : 16;
#pragma unroll 4
    for (int i = 0; i < n_rows / S::GROUPS; i++) {
        const int at = i * S::GROUPS * ROW;
        const uint32_t a = simt_load<uint32_t>(first + at), b = simt_load<uint32_t>(first + at + 4);
        const uint32_t c = simt_load<uint32_t>(last + at);
        const simt_f32x4 low = simt_bytes_to_f32x4((uint32_t)(((uint64_t)b << 32 | a) >> shift));
        const simt_f32x4 high = simt_bytes_to_f32x4((uint32_t)(((uint64_t)c << 32 | b) >> shift));
        const float scale = simt_f16_to_f32(simt_load<uint16_t>(scales + at));
        float w[COLUMNS];
        load_floats(weights + (i * S::GROUPS + group) * COLUMNS, w);
#pragma unroll
        for (int n = 0; n < COLUMNS; n++) {
            const float factor = w[n] * scale;
            out[n].v[0] = simt_fma(low, factor, out[n].v[0]);
            out[n].v[1] = simt_fma(high, factor, out[n].v[1]);
        }
    }
}

} // namespace

#endif
