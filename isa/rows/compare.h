/* rows/compare.h: v_cmp_* and v_cmpx_*: a table of conditions for each type. X as in rows/vector_float.h.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_ROWS_COMPARE_H
#define ATTN_ISA_ROWS_COMPARE_H

/* clang-format off */
#define ISA_ROWS_COMPARE_INTEGER(X, v, t, T)                                                                           \
    X(v##_f_##t, MASK, NONE, T, T, NONE, NONE, 0, false)                                                               \
    X(v##_lt_##t, MASK, NONE, T, T, NONE, NONE, 0, a < b)                                                              \
    X(v##_eq_##t, MASK, NONE, T, T, NONE, NONE, 0, a == b)                                                             \
    X(v##_le_##t, MASK, NONE, T, T, NONE, NONE, 0, a <= b)                                                             \
    X(v##_gt_##t, MASK, NONE, T, T, NONE, NONE, 0, a > b)                                                              \
    X(v##_ne_##t, MASK, NONE, T, T, NONE, NONE, 0, a != b)                                                             \
    X(v##_ge_##t, MASK, NONE, T, T, NONE, NONE, 0, a >= b)                                                             \
    X(v##_t_##t, MASK, NONE, T, T, NONE, NONE, 0, true)
#define ISA_ROWS_COMPARE_FLOAT(X, v, t, T, as, B)                                                                      \
    X(v##_f_##t, MASK, NONE, T, T, NONE, NONE, 0, false)                                                               \
    X(v##_lt_##t, MASK, NONE, T, T, NONE, NONE, 0, (as)a < (as)b)                                                      \
    X(v##_eq_##t, MASK, NONE, T, T, NONE, NONE, 0, (as)a == (as)b)                                                     \
    X(v##_le_##t, MASK, NONE, T, T, NONE, NONE, 0, (as)a <= (as)b)                                                     \
    X(v##_gt_##t, MASK, NONE, T, T, NONE, NONE, 0, (as)a > (as)b)                                                      \
    X(v##_lg_##t, MASK, NONE, T, T, NONE, NONE, 0, (as)a < (as)b || (as)a > (as)b)                                     \
    X(v##_ge_##t, MASK, NONE, T, T, NONE, NONE, 0, (as)a >= (as)b)                                                     \
    X(v##_o_##t, MASK, NONE, T, T, NONE, NONE, 0, !nan_##T(a) && !nan_##T(b))                                          \
    X(v##_u_##t, MASK, NONE, T, T, NONE, NONE, 0, nan_##T(a) || nan_##T(b))                                            \
    X(v##_nge_##t, MASK, NONE, T, T, NONE, NONE, 0, !((as)a >= (as)b))                                                 \
    X(v##_nlg_##t, MASK, NONE, T, T, NONE, NONE, 0, !((as)a < (as)b || (as)a > (as)b))                                 \
    X(v##_ngt_##t, MASK, NONE, T, T, NONE, NONE, 0, !((as)a > (as)b))                                                  \
    X(v##_nle_##t, MASK, NONE, T, T, NONE, NONE, 0, !((as)a <= (as)b))                                                 \
    X(v##_neq_##t, MASK, NONE, T, T, NONE, NONE, 0, !((as)a == (as)b))                                                 \
    X(v##_nlt_##t, MASK, NONE, T, T, NONE, NONE, 0, !((as)a < (as)b))                                                  \
    X(v##_tru_##t, MASK, NONE, T, T, NONE, NONE, 0, true)                                                              \
    X(v##_t_##t, MASK, NONE, T, T, NONE, NONE, 0, true)                                                                \
    X(v##_class_##t, MASK, NONE, T, B, NONE, NONE, 0, class_##T(a, b))
#define ISA_ROWS_COMPARE_AS(X, v)                                                                                      \
    ISA_ROWS_COMPARE_INTEGER(X, v, i16, I16)                                                                           \
    ISA_ROWS_COMPARE_INTEGER(X, v, u16, U16)                                                                           \
    ISA_ROWS_COMPARE_INTEGER(X, v, i32, I32)                                                                           \
    ISA_ROWS_COMPARE_INTEGER(X, v, u32, U32)                                                                           \
    ISA_ROWS_COMPARE_INTEGER(X, v, i64, I64)                                                                           \
    ISA_ROWS_COMPARE_INTEGER(X, v, u64, U64)                                                                           \
    ISA_ROWS_COMPARE_FLOAT(X, v, f16, F16, float, B16)                                                                 \
    ISA_ROWS_COMPARE_FLOAT(X, v, f32, F32, float, B32)                                                                 \
    ISA_ROWS_COMPARE_FLOAT(X, v, f64, F64, double, B32)
#define ISA_ROWS_COMPARE(X) ISA_ROWS_COMPARE_AS(X, v_cmp)
/* clang-format on */

#endif
