/* rows/vector_special.h: transcendental instructions, correctly rounded (but for what a double's own last bit decides,
 * one value in 2^28). The f32 ones know no subnormals, going in or coming out, whatever MODE says. X as in the others;
 * v_s_* work on scalars.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_ROWS_VECTOR_SPECIAL_H
#define ATTN_ISA_ROWS_VECTOR_SPECIAL_H

/* clang-format off */
#define ISA_ROWS_VECTOR_SPECIAL(X)                                                                                     \
    ISA_ROWS_SPECIAL(X, v, 0)                                                                                          \
    ISA_ROWS_SPECIAL(X, v_s, ISA_IGNORES_EXEC)                                                                         \
    X(v_rcp_iflag_f32, F32, NONE, F32, NONE, NONE, NONE, 0, ftz(1.0f / ftz(a)))                                        \
    X(v_exp_legacy_f32, F32, NONE, F32, NONE, NONE, NONE, 0, ftz((float)exp2_of((double)ftz(a))))                      \
    X(v_log_legacy_f32, F32, NONE, F32, NONE, NONE, NONE, 0, (float)log2_of((double)ftz(a)))                           \
    X(v_sin_f32, F32, NONE, F32, NONE, NONE, NONE, 0, (float)sin_turns((double)a))                                     \
    X(v_cos_f32, F32, NONE, F32, NONE, NONE, NONE, 0, (float)cos_turns((double)a))                                     \
    X(v_sin_f16, F16, NONE, F16, NONE, NONE, NONE, 0, half_of(sin_turns((double)(float)a)))                            \
    X(v_cos_f16, F16, NONE, F16, NONE, NONE, NONE, 0, half_of(cos_turns((double)(float)a)))                            \
    X(v_trig_preop_f64, F64, NONE, F64, U32, NONE, NONE, 0, two_over_pi(a, b))                                         \
    X(v_rcp_f64, F64, NONE, F64, NONE, NONE, NONE, 0, 1.0 / a)                                                         \
    X(v_rsq_f64, F64, NONE, F64, NONE, NONE, NONE, 0, 1.0 / sqrt(a))                                                   \
    X(v_sqrt_f64, F64, NONE, F64, NONE, NONE, NONE, 0, sqrt(a))
#define ISA_ROWS_SPECIAL(X, v, flags)                                                                                  \
    X(v##_exp_f32, F32, NONE, F32, NONE, NONE, NONE, flags, ftz((float)exp2_of((double)ftz(a))))                       \
    X(v##_log_f32, F32, NONE, F32, NONE, NONE, NONE, flags, (float)log2_of((double)ftz(a)))                            \
    X(v##_rcp_f32, F32, NONE, F32, NONE, NONE, NONE, flags, ftz(1.0f / ftz(a)))                                        \
    X(v##_rsq_f32, F32, NONE, F32, NONE, NONE, NONE, flags, (float)(1.0 / sqrt((double)ftz(a))))                       \
    X(v##_sqrt_f32, F32, NONE, F32, NONE, NONE, NONE, flags, sqrtf(ftz(a)))                                            \
    X(v##_exp_f16, F16, NONE, F16, NONE, NONE, NONE, flags, half_of(exp2_of((double)(float)a)))                        \
    X(v##_log_f16, F16, NONE, F16, NONE, NONE, NONE, flags, half_of(log2_of((double)(float)a)))                        \
    X(v##_rcp_f16, F16, NONE, F16, NONE, NONE, NONE, flags, 1.0f / (float)a)                                           \
    X(v##_rsq_f16, F16, NONE, F16, NONE, NONE, NONE, flags, half_of(1.0 / sqrt((double)(float)a)))                     \
    X(v##_sqrt_f16, F16, NONE, F16, NONE, NONE, NONE, flags, sqrtf((float)a))
/* clang-format on */

#endif
