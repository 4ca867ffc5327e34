/* rows.h: the inner loops of the reference. They touch nothing but the arrays given, all of them the
 * reference's own, so rows.c is compiled for speed in every build (reference/CMakeLists.txt).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_REFERENCE_ROWS_H
#define ATTN_REFERENCE_ROWS_H

#include <stdint.h>

enum { ATTN_ROWS_LANES = 8 }; /* rows handed to attn_rows_dot are padded to a multiple, with zeros */

/* *dot = sum q_d k_d and *gauge = sum |q_d k_d| over n elements, n a multiple of ATTN_ROWS_LANES. q and k are given in
 * both precisions; the gauge is summed in float. */
void attn_rows_dot(int64_t n, const double *q, const float *q_float, const double *k, const float *k_float, double *dot,
                   double *gauge);

/* For every d < d_v: adds, over n keys, weight[i] * V to value[d], weight[i] * V^2 to square[d] and weight[i] * |V|
 * to magnitude[d], V being element key[i] * stride + d of v (and of v_float, the same in float). */
void attn_rows_add(int64_t n, const double *weight, const int32_t *key, const double *v, const float *v_float,
                   int64_t stride, int64_t d_v, double *value, double *square, float *magnitude);

/* prefix[d] = max(prefix[d], |value[d]|) for every d < d_v. */
void attn_rows_peak(int64_t d_v, const double *value, float *prefix);

/* Multiplies the four arrays of d_v elements by factor. */
void attn_rows_scale(double factor, int64_t d_v, double *value, double *square, float *magnitude, float *prefix);

#endif
