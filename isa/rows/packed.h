/* rows/packed.h: packed and dot instructions (VOP3P and their VOP2 forms), one row a mnemonic.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_ROWS_PACKED_H
#define ATTN_ISA_ROWS_PACKED_H

/* X(mnemonic, sources, flags, expression): of each half; a, b, c are bits of f16, F(a) is its value, and so is the
 * result. */
#define ISA_PACKED_F16(X)                                                                          \
    X(v_pk_add_f16, 2, 0, isa_f32_to_f16(F(a) + F(b)))                                             \
    X(v_pk_mul_f16, 2, 0, isa_f32_to_f16(F(a) * F(b)))                                             \
    X(v_pk_fma_f16, 3, 0, isa_f64_to_f16((double)F(a) * (double)F(b) + (double)F(c)))              \
    X(v_pk_fmac_f16, 3, ISA_READS_DST, isa_f64_to_f16((double)F(a) * (double)F(b) + (double)F(c))) \
    X(v_pk_min_f16, 2, 0, pick_number(a, b, false, ieee))                                          \
    X(v_pk_max_f16, 2, 0, pick_number(a, b, true, ieee))                                           \
    X(v_pk_min_num_f16, 2, 0, pick_number(a, b, false, false))                                     \
    X(v_pk_max_num_f16, 2, 0, pick_number(a, b, true, false))                                      \
    X(v_pk_minimum_f16, 2, 0, pick(a, b, false))                                                   \
    X(v_pk_maximum_f16, 2, 0, pick(a, b, true))                                                    \
    X(v_pk_minimum3_f16, 3, 0, pick(pick(a, b, false), c, false))                                  \
    X(v_pk_maximum3_f16, 3, 0, pick(pick(a, b, true), c, true))

/* X(mnemonic, type, sources, expression): of each half, extended to 64 bits; clamp saturates what saturates. */
#define ISA_PACKED_INTEGER(X)                           \
    X(v_pk_add_u16, U16, 2, a + b)                      \
    X(v_pk_sub_u16, U16, 2, a - b)                      \
    X(v_pk_mad_u16, U16, 3, a *b + c)                   \
    X(v_pk_mul_lo_u16, U16, 2, (a * b) & 0xFFFF)        \
    X(v_pk_min_u16, U16, 2, a < b ? a : b)              \
    X(v_pk_max_u16, U16, 2, a > b ? a : b)              \
    X(v_pk_lshlrev_b16, U16, 2, b << (a & 15) & 0xFFFF) \
    X(v_pk_lshrrev_b16, U16, 2, b >> (a & 15))          \
    X(v_pk_add_i16, I16, 2, a + b)                      \
    X(v_pk_sub_i16, I16, 2, a - b)                      \
    X(v_pk_mad_i16, I16, 3, a *b + c)                   \
    X(v_pk_min_i16, I16, 2, a < b ? a : b)              \
    X(v_pk_max_i16, I16, 2, a > b ? a : b)              \
    X(v_pk_ashrrev_i16, I16, 2, b >> (a & 15))

/* X(mnemonic, sources, expression): of each word, as f32. */
#define ISA_PACKED_F32(X)     \
    X(v_pk_add_f32, 2, a + b) \
    X(v_pk_mul_f32, 2, a *b)  \
    X(v_pk_fma_f32, 3, fmaf(a, b, c))

/* X(mnemonic, flags, type of a and b, type of c and the result, expression): of whole registers. c is what is added
 * to: of the forms with "c" or "acc" in their names the destination. */
#define ISA_DOT(X)                                                                      \
    X(v_dot2_f32_f16, 0, PK_F16, F32, dot2_f16(a, b, c))                                \
    X(v_dot2c_f32_f16, ISA_READS_DST, PK_F16, F32, dot2_f16(a, b, c))                   \
    X(v_dot2acc_f32_f16, ISA_READS_DST, PK_F16, F32, dot2_f16(a, b, c))                 \
    X(v_dual_dot2acc_f32_f16, ISA_READS_DST, PK_F16, F32, dot2_f16(a, b, c))            \
    X(v_dot2_f32_bf16, 0, PK_BF16, F32, dot2_bf16(a, b, c))                             \
    X(v_dot2c_f32_bf16, ISA_READS_DST, PK_BF16, F32, dot2_bf16(a, b, c))                \
    X(v_dot4_f32_fp8_fp8, 0, B32, F32, dot4_f8(a, 3, b, 3, c))                          \
    X(v_dot4_f32_fp8_bf8, 0, B32, F32, dot4_f8(a, 3, b, 2, c))                          \
    X(v_dot4_f32_bf8_fp8, 0, B32, F32, dot4_f8(a, 2, b, 3, c))                          \
    X(v_dot4_f32_bf8_bf8, 0, B32, F32, dot4_f8(a, 2, b, 2, c))                          \
    X(v_dot2_i32_i16, 0, PK_I16, I32, dot(a, true, b, true, 16, c, clamp))              \
    X(v_dot2c_i32_i16, ISA_READS_DST, PK_I16, I32, dot(a, true, b, true, 16, c, clamp)) \
    X(v_dot2_u32_u16, 0, PK_U16, U32, dot(a, false, b, false, 16, c, clamp))            \
    X(v_dot4_i32_i8, 0, B32, I32, dot(a, true, b, true, 8, c, clamp))                   \
    X(v_dot4c_i32_i8, ISA_READS_DST, B32, I32, dot(a, true, b, true, 8, c, clamp))      \
    X(v_dot4_u32_u8, 0, B32, U32, dot(a, false, b, false, 8, c, clamp))                 \
    X(v_dot4_i32_iu8, 0, B32, I32, dot(a, neg & 1, b, neg & 2, 8, c, clamp))            \
    X(v_dot8_i32_i4, 0, B32, I32, dot(a, true, b, true, 4, c, clamp))                   \
    X(v_dot8c_i32_i4, ISA_READS_DST, B32, I32, dot(a, true, b, true, 4, c, clamp))      \
    X(v_dot8_u32_u4, 0, B32, U32, dot(a, false, b, false, 4, c, clamp))                 \
    X(v_dot8_i32_iu4, 0, B32, I32, dot(a, neg & 1, b, neg & 2, 4, c, clamp))

/* X(mnemonic, type, expression): a, b pairs of 16 bits; c and the result are halves of registers that op_sel names. */
#define ISA_DOT_HALF(X)                          \
    X(v_dot2_f16_f16, F16, dot2_to_f16(a, b, c)) \
    X(v_dot2_bf16_bf16, BF16, dot2_to_bf16(a, b, c))

/* X(mnemonic, type of the result, the half of the destination that is written; ISA_WHOLE) */
#define ISA_MIX(X)                   \
    X(v_fma_mix_f32, F32, ISA_WHOLE) \
    X(v_fma_mixlo_f16, F16, ISA_LOW) \
    X(v_fma_mixhi_f16, F16, ISA_HIGH)

#endif
