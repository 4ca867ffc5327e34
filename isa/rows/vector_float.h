/* rows/vector_float.h: f32, f64 and f16 arithmetic. X(mnemonic, destination, second destination, sources a, b, c, e,
 * flags, the operation). Types are ISA_T_*.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_ROWS_VECTOR_FLOAT_H
#define ATTN_ISA_ROWS_VECTOR_FLOAT_H

/* clang-format off */
#define ISA_ROWS_VECTOR_FLOAT(X)                                                                                       \
    X(v_add_f32, F32, NONE, F32, F32, NONE, NONE, 0, a + b)                                                            \
    X(v_sub_f32, F32, NONE, F32, F32, NONE, NONE, 0, a - b)                                                            \
    X(v_subrev_f32, F32, NONE, F32, F32, NONE, NONE, 0, b - a)                                                         \
    X(v_mul_f32, F32, NONE, F32, F32, NONE, NONE, 0, a * b)                                                            \
    X(v_mul_legacy_f32, F32, NONE, F32, F32, NONE, NONE, 0, a == 0 || b == 0 ? 0 : a * b)                              \
    X(v_mul_dx9_zero_f32, F32, NONE, F32, F32, NONE, NONE, 0, a == 0 || b == 0 ? 0 : a * b)                            \
    X(v_fma_f32, F32, NONE, F32, F32, F32, NONE, 0, __builtin_fmaf(a, b, c))                                           \
    X(v_fmac_f32, F32, NONE, F32, F32, F32, NONE, ISA_READS_DST, __builtin_fmaf(a, b, c))                              \
    X(v_fmamk_f32, F32, NONE, F32, F32, F32, NONE, 0, __builtin_fmaf(a, b, c))                                         \
    X(v_fmaak_f32, F32, NONE, F32, F32, F32, NONE, 0, __builtin_fmaf(a, b, c))                                         \
    X(v_fma_legacy_f32, F32, NONE, F32, F32, F32, NONE, 0,                                                             \
          __builtin_fmaf(a == 0 || b == 0 ? 0 : a, a == 0 || b == 0 ? 0 : b, c))                                       \
    X(v_fma_dx9_zero_f32, F32, NONE, F32, F32, F32, NONE, 0,                                                           \
          __builtin_fmaf(a == 0 || b == 0 ? 0 : a, a == 0 || b == 0 ? 0 : b, c))                                       \
    X(v_fmac_legacy_f32, F32, NONE, F32, F32, F32, NONE, ISA_READS_DST,                                                \
          __builtin_fmaf(a == 0 || b == 0 ? 0 : a, a == 0 || b == 0 ? 0 : b, c))                                       \
    X(v_fmac_dx9_zero_f32, F32, NONE, F32, F32, F32, NONE, ISA_READS_DST,                                              \
          __builtin_fmaf(a == 0 || b == 0 ? 0 : a, a == 0 || b == 0 ? 0 : b, c))                                       \
    /* mad and mac round the product, and know no subnormals. */                                                       \
    X(v_mad_f32, F32, NONE, F32, F32, F32, NONE, 0, ftz(ftz(ftz(a) * ftz(b)) + ftz(c)))                                \
    X(v_mac_f32, F32, NONE, F32, F32, F32, NONE, ISA_READS_DST, ftz(ftz(ftz(a) * ftz(b)) + ftz(c)))                    \
    X(v_madmk_f32, F32, NONE, F32, F32, F32, NONE, 0, ftz(ftz(ftz(a) * ftz(b)) + ftz(c)))                              \
    X(v_madak_f32, F32, NONE, F32, F32, F32, NONE, 0, ftz(ftz(ftz(a) * ftz(b)) + ftz(c)))                              \
    X(v_mad_legacy_f32, F32, NONE, F32, F32, F32, NONE, 0,                                                             \
          ftz((ftz(a) == 0 || ftz(b) == 0 ? 0 : ftz(ftz(a) * ftz(b))) + ftz(c)))                                       \
    X(v_mac_legacy_f32, F32, NONE, F32, F32, F32, NONE, ISA_READS_DST,                                                 \
          ftz((ftz(a) == 0 || ftz(b) == 0 ? 0 : ftz(ftz(a) * ftz(b))) + ftz(c)))                                       \
    X(v_min_f32, F32, NONE, F32, F32, NONE, NONE, 0, min_F32(a, b, ieee))                                              \
    X(v_max_f32, F32, NONE, F32, F32, NONE, NONE, 0, max_F32(a, b, ieee))                                              \
    X(v_min_num_f32, F32, NONE, F32, F32, NONE, NONE, 0, min_F32(a, b, false))                                         \
    X(v_max_num_f32, F32, NONE, F32, F32, NONE, NONE, 0, max_F32(a, b, false))                                         \
    X(v_minimum_f32, F32, NONE, F32, F32, NONE, NONE, 0, minimum_F32(a, b))                                            \
    X(v_maximum_f32, F32, NONE, F32, F32, NONE, NONE, 0, maximum_F32(a, b))                                            \
    X(v_min3_f32, F32, NONE, F32, F32, F32, NONE, 0, min_F32(min_F32(a, b, ieee), c, ieee))                            \
    X(v_max3_f32, F32, NONE, F32, F32, F32, NONE, 0, max_F32(max_F32(a, b, ieee), c, ieee))                            \
    X(v_med3_f32, F32, NONE, F32, F32, F32, NONE, 0, med_F32(a, b, c, ieee))                                           \
    X(v_minmax_f32, F32, NONE, F32, F32, F32, NONE, 0, max_F32(min_F32(a, b, ieee), c, ieee))                          \
    X(v_maxmin_f32, F32, NONE, F32, F32, F32, NONE, 0, min_F32(max_F32(a, b, ieee), c, ieee))                          \
    X(v_min3_num_f32, F32, NONE, F32, F32, F32, NONE, 0, min_F32(min_F32(a, b, false), c, false))                      \
    X(v_max3_num_f32, F32, NONE, F32, F32, F32, NONE, 0, max_F32(max_F32(a, b, false), c, false))                      \
    X(v_med3_num_f32, F32, NONE, F32, F32, F32, NONE, 0, med_F32(a, b, c, false))                                      \
    X(v_minmax_num_f32, F32, NONE, F32, F32, F32, NONE, 0, max_F32(min_F32(a, b, false), c, false))                    \
    X(v_maxmin_num_f32, F32, NONE, F32, F32, F32, NONE, 0, min_F32(max_F32(a, b, false), c, false))                    \
    X(v_minimum3_f32, F32, NONE, F32, F32, F32, NONE, 0, minimum_F32(minimum_F32(a, b), c))                            \
    X(v_maximum3_f32, F32, NONE, F32, F32, F32, NONE, 0, maximum_F32(maximum_F32(a, b), c))                            \
    X(v_minimummaximum_f32, F32, NONE, F32, F32, F32, NONE, 0, maximum_F32(minimum_F32(a, b), c))                      \
    X(v_maximumminimum_f32, F32, NONE, F32, F32, F32, NONE, 0, minimum_F32(maximum_F32(a, b), c))                      \
    X(v_floor_f32, F32, NONE, F32, NONE, NONE, NONE, 0, __builtin_floorf(a))                                           \
    X(v_ceil_f32, F32, NONE, F32, NONE, NONE, NONE, 0, __builtin_ceilf(a))                                             \
    X(v_trunc_f32, F32, NONE, F32, NONE, NONE, NONE, 0, __builtin_truncf(a))                                           \
    X(v_rndne_f32, F32, NONE, F32, NONE, NONE, NONE, 0, __builtin_roundevenf(a))                                       \
    X(v_fract_f32, F32, NONE, F32, NONE, NONE, NONE, 0, fract_F32(a))                                                  \
    X(v_ldexp_f32, F32, NONE, F32, I32, NONE, NONE, 0, ldexp_F32(a, b))                                                \
    X(v_frexp_mant_f32, F32, NONE, F32, NONE, NONE, NONE, 0, mantissa_F32(a))                                          \
    X(v_frexp_exp_i32_f32, I32, NONE, F32, NONE, NONE, NONE, 0, exponent_F32(a))                                       \
    X(v_div_scale_f32, F32, MASK, F32, F32, F32, NONE, 0, div_scale_F32(a, b, c, &carry))                              \
    X(v_div_fmas_f32, F32, NONE, F32, F32, F32, MASK, ISA_READS_VCC, div_fmas_F32(a, b, c, e))                         \
    X(v_div_fixup_f32, F32, NONE, F32, F32, F32, NONE, 0, div_fixup_F32(a, b, c))                                      \
    X(v_dual_add_f32, F32, NONE, F32, F32, NONE, NONE, 0, a + b)                                                       \
    X(v_dual_sub_f32, F32, NONE, F32, F32, NONE, NONE, 0, a - b)                                                       \
    X(v_dual_subrev_f32, F32, NONE, F32, F32, NONE, NONE, 0, b - a)                                                    \
    X(v_dual_mul_f32, F32, NONE, F32, F32, NONE, NONE, 0, a * b)                                                       \
    X(v_dual_mul_dx9_zero_f32, F32, NONE, F32, F32, NONE, NONE, 0, a == 0 || b == 0 ? 0 : a * b)                       \
    X(v_dual_fmac_f32, F32, NONE, F32, F32, F32, NONE, ISA_READS_DST, __builtin_fmaf(a, b, c))                         \
    X(v_dual_fmamk_f32, F32, NONE, F32, F32, F32, NONE, 0, __builtin_fmaf(a, b, c))                                    \
    X(v_dual_fmaak_f32, F32, NONE, F32, F32, F32, NONE, 0, __builtin_fmaf(a, b, c))                                    \
    X(v_dual_min_f32, F32, NONE, F32, F32, NONE, NONE, 0, min_F32(a, b, ieee))                                         \
    X(v_dual_max_f32, F32, NONE, F32, F32, NONE, NONE, 0, max_F32(a, b, ieee))                                         \
    X(v_dual_min_num_f32, F32, NONE, F32, F32, NONE, NONE, 0, min_F32(a, b, false))                                    \
    X(v_dual_max_num_f32, F32, NONE, F32, F32, NONE, NONE, 0, max_F32(a, b, false))                                    \
    X(v_add_f64, F64, NONE, F64, F64, NONE, NONE, 0, a + b)                                                            \
    X(v_mul_f64, F64, NONE, F64, F64, NONE, NONE, 0, a * b)                                                            \
    X(v_fma_f64, F64, NONE, F64, F64, F64, NONE, 0, __builtin_fma(a, b, c))                                            \
    X(v_fmac_f64, F64, NONE, F64, F64, F64, NONE, ISA_READS_DST, __builtin_fma(a, b, c))                               \
    X(v_min_f64, F64, NONE, F64, F64, NONE, NONE, 0, min_F64(a, b, ieee))                                              \
    X(v_max_f64, F64, NONE, F64, F64, NONE, NONE, 0, max_F64(a, b, ieee))                                              \
    X(v_min_num_f64, F64, NONE, F64, F64, NONE, NONE, 0, min_F64(a, b, false))                                         \
    X(v_max_num_f64, F64, NONE, F64, F64, NONE, NONE, 0, max_F64(a, b, false))                                         \
    X(v_minimum_f64, F64, NONE, F64, F64, NONE, NONE, 0, minimum_F64(a, b))                                            \
    X(v_maximum_f64, F64, NONE, F64, F64, NONE, NONE, 0, maximum_F64(a, b))                                            \
    X(v_floor_f64, F64, NONE, F64, NONE, NONE, NONE, 0, __builtin_floor(a))                                            \
    X(v_ceil_f64, F64, NONE, F64, NONE, NONE, NONE, 0, __builtin_ceil(a))                                              \
    X(v_trunc_f64, F64, NONE, F64, NONE, NONE, NONE, 0, __builtin_trunc(a))                                            \
    X(v_rndne_f64, F64, NONE, F64, NONE, NONE, NONE, 0, __builtin_roundeven(a))                                        \
    X(v_fract_f64, F64, NONE, F64, NONE, NONE, NONE, 0, fract_F64(a))                                                  \
    X(v_ldexp_f64, F64, NONE, F64, I32, NONE, NONE, 0, ldexp_F64(a, b))                                                \
    X(v_frexp_mant_f64, F64, NONE, F64, NONE, NONE, NONE, 0, mantissa_F64(a))                                          \
    X(v_frexp_exp_i32_f64, I32, NONE, F64, NONE, NONE, NONE, 0, exponent_F64(a))                                       \
    X(v_div_scale_f64, F64, MASK, F64, F64, F64, NONE, 0, div_scale_F64(a, b, c, &carry))                              \
    X(v_div_fmas_f64, F64, NONE, F64, F64, F64, MASK, ISA_READS_VCC, div_fmas_F64(a, b, c, e))                         \
    X(v_div_fixup_f64, F64, NONE, F64, F64, F64, NONE, 0, div_fixup_F64(a, b, c))                                      \
    X(v_add_f16, F16, NONE, F16, F16, NONE, NONE, 0, (float)a + (float)b)                                              \
    X(v_sub_f16, F16, NONE, F16, F16, NONE, NONE, 0, (float)a - (float)b)                                              \
    X(v_subrev_f16, F16, NONE, F16, F16, NONE, NONE, 0, (float)b - (float)a)                                           \
    X(v_mul_f16, F16, NONE, F16, F16, NONE, NONE, 0, (float)a * (float)b)                                              \
    X(v_fma_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL, fma_F16(a, b, c))                                        \
    X(v_fmac_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL | ISA_READS_DST, fma_F16(a, b, c))                       \
    X(v_fmamk_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL, fma_F16(a, b, c))                                      \
    X(v_fmaak_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL, fma_F16(a, b, c))                                      \
    X(v_fma_legacy_f16, F16, NONE, F16, F16, F16, NONE, 0, fma_F16(a, b, c))                                           \
    X(v_mad_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL, (float)(_Float16)((float)a * (float)b) + (float)c)       \
    X(v_mad_legacy_f16, F16, NONE, F16, F16, F16, NONE, 0, (float)(_Float16)((float)a * (float)b) + (float)c)          \
    X(v_mac_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL | ISA_READS_DST,                                          \
          (float)(_Float16)((float)a * (float)b) + (float)c)                                                           \
    X(v_madmk_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL, (float)(_Float16)((float)a * (float)b) + (float)c)     \
    X(v_madak_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL, (float)(_Float16)((float)a * (float)b) + (float)c)     \
    X(v_min_f16, F16, NONE, F16, F16, NONE, NONE, 0, min_F16(a, b, ieee))                                              \
    X(v_max_f16, F16, NONE, F16, F16, NONE, NONE, 0, max_F16(a, b, ieee))                                              \
    X(v_min_num_f16, F16, NONE, F16, F16, NONE, NONE, 0, min_F16(a, b, false))                                         \
    X(v_max_num_f16, F16, NONE, F16, F16, NONE, NONE, 0, max_F16(a, b, false))                                         \
    X(v_minimum_f16, F16, NONE, F16, F16, NONE, NONE, 0, minimum_F16(a, b))                                            \
    X(v_maximum_f16, F16, NONE, F16, F16, NONE, NONE, 0, maximum_F16(a, b))                                            \
    X(v_min3_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL, min_F16(min_F16(a, b, ieee), c, ieee))                  \
    X(v_max3_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL, max_F16(max_F16(a, b, ieee), c, ieee))                  \
    X(v_med3_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL, med_F16(a, b, c, ieee))                                 \
    X(v_minmax_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL, max_F16(min_F16(a, b, ieee), c, ieee))                \
    X(v_maxmin_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL, min_F16(max_F16(a, b, ieee), c, ieee))                \
    X(v_min3_num_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL, min_F16(min_F16(a, b, false), c, false))            \
    X(v_max3_num_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL, max_F16(max_F16(a, b, false), c, false))            \
    X(v_med3_num_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL, med_F16(a, b, c, false))                            \
    X(v_minmax_num_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL, max_F16(min_F16(a, b, false), c, false))          \
    X(v_maxmin_num_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL, min_F16(max_F16(a, b, false), c, false))          \
    X(v_minimum3_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL, minimum_F16(minimum_F16(a, b), c))                  \
    X(v_maximum3_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL, maximum_F16(maximum_F16(a, b), c))                  \
    X(v_minimummaximum_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL, maximum_F16(minimum_F16(a, b), c))            \
    X(v_maximumminimum_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL, minimum_F16(maximum_F16(a, b), c))            \
    X(v_floor_f16, F16, NONE, F16, NONE, NONE, NONE, 0, __builtin_floorf((float)a))                                    \
    X(v_ceil_f16, F16, NONE, F16, NONE, NONE, NONE, 0, __builtin_ceilf((float)a))                                      \
    X(v_trunc_f16, F16, NONE, F16, NONE, NONE, NONE, 0, __builtin_truncf((float)a))                                    \
    X(v_rndne_f16, F16, NONE, F16, NONE, NONE, NONE, 0, __builtin_roundevenf((float)a))                                \
    X(v_fract_f16, F16, NONE, F16, NONE, NONE, NONE, 0, fract_F16(a))                                                  \
    X(v_ldexp_f16, F16, NONE, F16, I16, NONE, NONE, 0, ldexp_F16(a, b))                                                \
    X(v_frexp_mant_f16, F16, NONE, F16, NONE, NONE, NONE, 0, mantissa_F32((float)a))                                   \
    X(v_frexp_exp_i16_f16, I16, NONE, F16, NONE, NONE, NONE, 0, exponent_F32((float)a))                                \
    X(v_div_fixup_f16, F16, NONE, F16, F16, F16, NONE, ISA_PARTIAL, div_fixup_F16(a, b, c))                            \
    X(v_div_fixup_legacy_f16, F16, NONE, F16, F16, F16, NONE, 0, div_fixup_F16(a, b, c))
/* clang-format on */

#endif
