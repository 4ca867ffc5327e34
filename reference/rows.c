/* rows.c: see rows.h. Fixed-size local arrays keep the lanes in vector registers.
 *
 * SPDX-License-Identifier: MIT */
#include "reference/rows.h"

#include <math.h>

enum { LANES = ATTN_ROWS_LANES };

void attn_rows_dot(int64_t n, const double *restrict q, const float *restrict q_float, const double *restrict k,
                   const float *restrict k_float, double *dot, double *gauge)
{
    double sum[LANES] = { 0 };
    float magnitude[LANES] = { 0 };
    for (int64_t d = 0; d < n; d += LANES) {
        for (int j = 0; j < LANES; j++) {
            sum[j] += q[d + j] * k[d + j];
            magnitude[j] += fabsf(q_float[d + j] * k_float[d + j]);
        }
    }
    *dot = ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
    *gauge = 0.0;
    for (int j = 0; j < LANES; j++) {
        *gauge += (double)magnitude[j];
    }
}

void attn_rows_add(int64_t n, const double *restrict weight, const int32_t *restrict key, const double *restrict v,
                   const float *restrict v_float, int64_t stride, int64_t d_v, double *restrict value,
                   double *restrict square, float *restrict magnitude)
{
    int64_t d = 0;
    for (; d + LANES <= d_v; d += LANES) {
        double first[LANES], second[LANES];
        float absolute[LANES];
        for (int j = 0; j < LANES; j++) {
            first[j] = value[d + j];
            second[j] = square[d + j];
            absolute[j] = magnitude[d + j];
        }
        for (int64_t i = 0; i < n; i++) {
            const double w = weight[i];
            const float w_float = (float)w;
            const double *const at = v + key[i] * stride + d;
            const float *const at_float = v_float + key[i] * stride + d;
            for (int j = 0; j < LANES; j++) {
                const double weighted = w * at[j];
                first[j] += weighted;
                second[j] += weighted * at[j];
                absolute[j] += w_float * fabsf(at_float[j]);
            }
        }
        for (int j = 0; j < LANES; j++) {
            value[d + j] = first[j];
            square[d + j] = second[j];
            magnitude[d + j] = absolute[j];
        }
    }
    for (; d < d_v; d++) {
        for (int64_t i = 0; i < n; i++) {
            const double at = v[key[i] * stride + d], weighted = weight[i] * at;
            value[d] += weighted;
            square[d] += weighted * at;
            magnitude[d] += (float)weight[i] * fabsf(v_float[key[i] * stride + d]);
        }
    }
}

void attn_rows_peak(int64_t d_v, const double *restrict value, float *restrict prefix)
{
    for (int64_t d = 0; d < d_v; d++) {
        const float now = (float)fabs(value[d]);
        prefix[d] = prefix[d] > now ? prefix[d] : now;
    }
}

void attn_rows_scale(double factor, int64_t d_v, double *restrict value, double *restrict square,
                     float *restrict magnitude, float *restrict prefix)
{
    const float factor_float = (float)factor;
    for (int64_t d = 0; d < d_v; d++) {
        value[d] *= factor;
        square[d] *= factor;
        magnitude[d] *= factor_float;
        prefix[d] *= factor_float;
    }
}
