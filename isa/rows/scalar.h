/* rows/scalar.h: the scalar ALU. X(mnemonic, destination, sources a, b, c, flags, the operation). `k` is SOPK's
 * immediate, sign-extended; `scc` is read and written; `pc` is the address behind the instruction. NONZERO(v) is v, and
 * sets scc where v is not 0. EXEC is `exec`, of the wave's size.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_ROWS_SCALAR_H
#define ATTN_ISA_ROWS_SCALAR_H

/* clang-format off */
/* The compiler's own flags of what touches scc. */
#define ISA_SCC_IN ISA_READS_SCC
#define ISA_SCC_OUT ISA_WRITES_SCC
#define ISA_SCC_BOTH (ISA_READS_SCC | ISA_WRITES_SCC)
#define ISA_SAVEEXEC_FLAGS (ISA_WRITES_SCC | ISA_WRITES_EXEC | ISA_READS_EXEC)

/* Both widths of a bitwise operation. */
#define ISA_ROWS_BITWISE(X, name, ...)                                                                                 \
    X(s_##name##_b32, B32, B32, B32, NONE, ISA_SCC_OUT, NONZERO(B32, __VA_ARGS__))                                     \
    X(s_##name##_b64, B64, B64, B64, NONE, ISA_SCC_OUT, NONZERO(B64, __VA_ARGS__))
/* s_X_saveexec: the old EXEC is the result, EXEC becomes the operation's; s_X_wrexec: both are the new one. */
#define ISA_ROWS_SAVEEXEC(X, name, ...)                                                                                \
    X(s_##name##_saveexec_b32, B32, B32, NONE, NONE, ISA_SAVEEXEC_FLAGS, SAVEEXEC(B32, __VA_ARGS__))                   \
    X(s_##name##_saveexec_b64, B64, B64, NONE, NONE, ISA_SAVEEXEC_FLAGS, SAVEEXEC(B64, __VA_ARGS__))
#define ISA_ROWS_WREXEC(X, name, ...)                                                                                  \
    X(s_##name##_wrexec_b32, B32, B32, NONE, NONE, ISA_SAVEEXEC_FLAGS, WREXEC(B32, __VA_ARGS__))                       \
    X(s_##name##_wrexec_b64, B64, B64, NONE, NONE, ISA_SAVEEXEC_FLAGS, WREXEC(B64, __VA_ARGS__))
#define ISA_ROWS_SCALAR_COMPARE(X, op, name)                                                                           \
    X(s_cmp_##name##_i32, NONE, I32, I32, NONE, ISA_SCC_OUT, scc = a op b)                                             \
    X(s_cmp_##name##_u32, NONE, U32, U32, NONE, ISA_SCC_OUT, scc = a op b)                                             \
    X(s_cmpk_##name##_i32, NONE, I32, NONE, NONE, ISA_SCC_OUT, scc = a op k)                                           \
    X(s_cmpk_##name##_u32, NONE, U32, NONE, NONE, ISA_SCC_OUT, scc = a op (uint32_t)(uint16_t)k)
#define ISA_ROWS_SCALAR_COMPARE_FLOAT(X, name, ...)                                                                    \
    X(s_cmp_##name##_f32, NONE, F32, F32, NONE, ISA_SCC_OUT, scc = (__VA_ARGS__))                                      \
    X(s_cmp_##name##_f16, NONE, F16, F16, NONE, ISA_SCC_OUT, scc = (__VA_ARGS__))
#define ISA_SHIFT_ADD(X, n)                                                                                            \
    X(s_lshl##n##_add_u32, U32, U32, U32, NONE, ISA_SCC_OUT, (scc = ((uint64_t)a << n) + b > UINT32_MAX, (a << n) + b))

#define ISA_ROWS_SCALAR(X)                                                                                             \
    X(s_mov_b32, B32, B32, NONE, NONE, 0, a)                                                                           \
    X(s_mov_b64, B64, B64, NONE, NONE, 0, a)                                                                           \
    X(s_movk_i32, I32, NONE, NONE, NONE, 0, k)                                                                         \
    X(s_cmov_b32, B32, B32, B32, NONE, ISA_SCC_IN | ISA_READS_DST, scc ? a : b)                                        \
    X(s_cmov_b64, B64, B64, B64, NONE, ISA_SCC_IN | ISA_READS_DST, scc ? a : b)                                        \
    X(s_cmovk_i32, I32, I32, NONE, NONE, ISA_SCC_IN | ISA_READS_DST, scc ? k : a)                                      \
    X(s_cselect_b32, B32, B32, B32, NONE, ISA_SCC_IN, scc ? a : b)                                                     \
    X(s_cselect_b64, B64, B64, B64, NONE, ISA_SCC_IN, scc ? a : b)                                                     \
    X(s_add_u32, U32, U32, U32, NONE, ISA_SCC_OUT, (scc = a + b < a, a + b))                                           \
    X(s_add_co_u32, U32, U32, U32, NONE, ISA_SCC_OUT, (scc = a + b < a, a + b))                                        \
    X(s_sub_u32, U32, U32, U32, NONE, ISA_SCC_OUT, (scc = a < b, a - b))                                               \
    X(s_sub_co_u32, U32, U32, U32, NONE, ISA_SCC_OUT, (scc = a < b, a - b))                                            \
    X(s_add_i32, I32, I32, I32, NONE, ISA_SCC_OUT, ADD_I32(a, b))                                                      \
    X(s_add_co_i32, I32, I32, I32, NONE, ISA_SCC_OUT, ADD_I32(a, b))                                                   \
    X(s_addk_i32, I32, I32, NONE, NONE, ISA_SCC_OUT | ISA_READS_DST, ADD_I32(a, k))                                    \
    X(s_addk_co_i32, I32, I32, NONE, NONE, ISA_SCC_OUT | ISA_READS_DST, ADD_I32(a, k))                                 \
    X(s_sub_i32, I32, I32, I32, NONE, ISA_SCC_OUT, SUB_I32(a, b))                                                      \
    X(s_sub_co_i32, I32, I32, I32, NONE, ISA_SCC_OUT, SUB_I32(a, b))                                                   \
    X(s_addc_u32, U32, U32, U32, NONE, ISA_SCC_BOTH, ADD_CARRY(a, b))                                                  \
    X(s_add_co_ci_u32, U32, U32, U32, NONE, ISA_SCC_BOTH, ADD_CARRY(a, b))                                             \
    X(s_subb_u32, U32, U32, U32, NONE, ISA_SCC_BOTH, SUB_BORROW(a, b))                                                 \
    X(s_sub_co_ci_u32, U32, U32, U32, NONE, ISA_SCC_BOTH, SUB_BORROW(a, b))                                            \
    X(s_add_nc_u64, U64, U64, U64, NONE, 0, a + b)                                                                     \
    X(s_add_u64, U64, U64, U64, NONE, 0, a + b)                                                                        \
    X(s_sub_nc_u64, U64, U64, U64, NONE, 0, a - b)                                                                     \
    X(s_sub_u64, U64, U64, U64, NONE, 0, a - b)                                                                        \
    X(s_mul_i32, I32, U32, U32, NONE, 0, a * b)                                                                        \
    X(s_mulk_i32, I32, U32, NONE, NONE, ISA_READS_DST, a * (uint32_t)k)                                                \
    X(s_mul_hi_u32, U32, U32, U32, NONE, 0, (uint64_t)a * b >> 32)                                                     \
    X(s_mul_hi_i32, I32, I32, I32, NONE, 0, (int64_t)a * b >> 32)                                                      \
    X(s_mul_u64, U64, U64, U64, NONE, 0, a * b)                                                                        \
    X(s_absdiff_i32, I32, I32, I32, NONE, ISA_SCC_OUT, NONZERO(I32, ABS_I32((uint32_t)a - (uint32_t)b)))               \
    X(s_abs_i32, I32, I32, NONE, NONE, ISA_SCC_OUT, NONZERO(I32, ABS_I32((uint32_t)a)))                                \
    X(s_min_i32, I32, I32, I32, NONE, ISA_SCC_OUT, (scc = a < b, scc ? a : b))                                         \
    X(s_min_u32, U32, U32, U32, NONE, ISA_SCC_OUT, (scc = a < b, scc ? a : b))                                         \
    X(s_max_i32, I32, I32, I32, NONE, ISA_SCC_OUT, (scc = a >= b, scc ? a : b))                                        \
    X(s_max_u32, U32, U32, U32, NONE, ISA_SCC_OUT, (scc = a >= b, scc ? a : b))                                        \
    ISA_SHIFT_ADD(X, 1)                                                                                                \
    ISA_SHIFT_ADD(X, 2)                                                                                                \
    ISA_SHIFT_ADD(X, 3)                                                                                                \
    ISA_SHIFT_ADD(X, 4)                                                                                                \
    X(s_not_b32, B32, B32, NONE, NONE, ISA_SCC_OUT, NONZERO(B32, ~a))                                                  \
    X(s_not_b64, B64, B64, NONE, NONE, ISA_SCC_OUT, NONZERO(B64, ~a))                                                  \
    ISA_ROWS_BITWISE(X, and, a & b)                                                                                    \
    ISA_ROWS_BITWISE(X, or, a | b)                                                                                     \
    ISA_ROWS_BITWISE(X, xor, a ^ b)                                                                                    \
    ISA_ROWS_BITWISE(X, andn2, a & ~b)                                                                                 \
    ISA_ROWS_BITWISE(X, and_not1, a & ~b)                                                                              \
    ISA_ROWS_BITWISE(X, orn2, a | ~b)                                                                                  \
    ISA_ROWS_BITWISE(X, or_not1, a | ~b)                                                                               \
    ISA_ROWS_BITWISE(X, nand, ~(a & b))                                                                                \
    ISA_ROWS_BITWISE(X, nor, ~(a | b))                                                                                 \
    ISA_ROWS_BITWISE(X, xnor, ~(a ^ b))                                                                                \
    X(s_lshl_b32, B32, B32, B32, NONE, ISA_SCC_OUT, NONZERO(B32, a << (b & 31)))                                       \
    X(s_lshl_b64, B64, B64, B32, NONE, ISA_SCC_OUT, NONZERO(B64, a << (b & 63)))                                       \
    X(s_lshr_b32, B32, B32, B32, NONE, ISA_SCC_OUT, NONZERO(B32, a >> (b & 31)))                                       \
    X(s_lshr_b64, B64, B64, B32, NONE, ISA_SCC_OUT, NONZERO(B64, a >> (b & 63)))                                       \
    X(s_ashr_i32, I32, I32, B32, NONE, ISA_SCC_OUT, NONZERO(I32, a >> (b & 31)))                                       \
    X(s_ashr_i64, I64, I64, B32, NONE, ISA_SCC_OUT, NONZERO(I64, a >> (b & 63)))                                       \
    X(s_bfm_b32, B32, B32, B32, NONE, 0, ((UINT32_C(1) << (a & 31)) - 1) << (b & 31))                                  \
    X(s_bfm_b64, B64, B32, B32, NONE, 0, ((UINT64_C(1) << (a & 63)) - 1) << (b & 63))                                  \
    X(s_bfe_u32, U32, U32, U32, NONE, ISA_SCC_OUT, NONZERO(U32, field(a, b & 31, b >> 16 & 0x7f, false)))              \
    X(s_bfe_i32, U32, I32, U32, NONE, ISA_SCC_OUT,                                                                     \
          NONZERO(U32, field((uint64_t)a << 32 >> 32, b & 31, within(b >> 16 & 0x7f, 32 - (b & 31)), true)))           \
    X(s_bfe_u64, U64, U64, U32, NONE, ISA_SCC_OUT, NONZERO(U64, field(a, b & 63, b >> 16 & 0x7f, false)))              \
    X(s_bfe_i64, U64, U64, U32, NONE, ISA_SCC_OUT,                                                                     \
          NONZERO(U64, field(a, b & 63, within(b >> 16 & 0x7f, 64 - (b & 63)), true)))                                 \
    X(s_pack_ll_b32_b16, B32, B32, B32, NONE, 0, (a & 0xffff) | b << 16)                                               \
    X(s_pack_lh_b32_b16, B32, B32, B32, NONE, 0, (a & 0xffff) | (b & UINT32_C(0xffff0000)))                            \
    X(s_pack_hl_b32_b16, B32, B32, B32, NONE, 0, a >> 16 | b << 16)                                                    \
    X(s_pack_hh_b32_b16, B32, B32, B32, NONE, 0, a >> 16 | (b & UINT32_C(0xffff0000)))                                 \
    X(s_brev_b32, B32, B32, NONE, NONE, 0, reverse_bits(a))                                                            \
    X(s_brev_b64, B64, B64, NONE, NONE, 0,                                                                             \
          (uint64_t)reverse_bits((uint32_t)a) << 32 | reverse_bits((uint32_t)(a >> 32)))                               \
    X(s_sext_i32_i8, I32, B32, NONE, NONE, 0, (int8_t)a)                                                               \
    X(s_sext_i32_i16, I32, B32, NONE, NONE, 0, (int16_t)a)                                                             \
    X(s_bitset0_b32, B32, B32, B32, NONE, ISA_READS_DST, b & ~(UINT32_C(1) << (a & 31)))                               \
    X(s_bitset1_b32, B32, B32, B32, NONE, ISA_READS_DST, b | UINT32_C(1) << (a & 31))                                  \
    X(s_bitset0_b64, B64, B32, B64, NONE, ISA_READS_DST, b & ~(UINT64_C(1) << (a & 63)))                               \
    X(s_bitset1_b64, B64, B32, B64, NONE, ISA_READS_DST, b | UINT64_C(1) << (a & 63))                                  \
    X(s_bitreplicate_b64_b32, B64, B32, NONE, NONE, 0, replicate(a))                                                   \
    X(s_quadmask_b32, B32, B32, NONE, NONE, ISA_SCC_OUT, NONZERO(B32, quads(a)))                                       \
    X(s_quadmask_b64, B64, B64, NONE, NONE, ISA_SCC_OUT, NONZERO(B64, quads(a)))                                       \
    X(s_wqm_b32, B32, B32, NONE, NONE, ISA_SCC_OUT, NONZERO(B32, whole_quads(a)))                                      \
    X(s_wqm_b64, B64, B64, NONE, NONE, ISA_SCC_OUT, NONZERO(B64, whole_quads(a)))                                      \
    X(s_bcnt0_i32_b32, I32, B32, NONE, NONE, ISA_SCC_OUT, NONZERO(I32, 32 - __builtin_popcount(a)))                    \
    X(s_bcnt0_i32_b64, I32, B64, NONE, NONE, ISA_SCC_OUT, NONZERO(I32, 64 - __builtin_popcountll(a)))                  \
    X(s_bcnt1_i32_b32, I32, B32, NONE, NONE, ISA_SCC_OUT, NONZERO(I32, __builtin_popcount(a)))                         \
    X(s_bcnt1_i32_b64, I32, B64, NONE, NONE, ISA_SCC_OUT, NONZERO(I32, __builtin_popcountll(a)))                       \
    X(s_ff0_i32_b32, I32, B32, NONE, NONE, 0, lowest((uint32_t)~a))                                                    \
    X(s_ff0_i32_b64, I32, B64, NONE, NONE, 0, lowest(~a))                                                              \
    X(s_ff1_i32_b32, I32, B32, NONE, NONE, 0, lowest(a))                                                               \
    X(s_ff1_i32_b64, I32, B64, NONE, NONE, 0, lowest(a))                                                               \
    X(s_ctz_i32_b32, I32, B32, NONE, NONE, 0, lowest(a))                                                               \
    X(s_ctz_i32_b64, I32, B64, NONE, NONE, 0, lowest(a))                                                               \
    X(s_flbit_i32_b32, I32, B32, NONE, NONE, 0, highest(a, 32))                                                        \
    X(s_flbit_i32_b64, I32, B64, NONE, NONE, 0, highest(a, 64))                                                        \
    X(s_clz_i32_u32, I32, B32, NONE, NONE, 0, highest(a, 32))                                                          \
    X(s_clz_i32_u64, I32, B64, NONE, NONE, 0, highest(a, 64))                                                          \
    X(s_flbit_i32, I32, I32, NONE, NONE, 0, highest((uint32_t)(a ^ a >> 31), 32))                                      \
    X(s_flbit_i32_i64, I32, I64, NONE, NONE, 0, highest((uint64_t)(a ^ a >> 63), 64))                                  \
    X(s_cls_i32, I32, I32, NONE, NONE, 0, highest((uint32_t)(a ^ a >> 31), 32))                                        \
    X(s_cls_i32_i64, I32, I64, NONE, NONE, 0, highest((uint64_t)(a ^ a >> 63), 64))                                    \
    ISA_ROWS_SAVEEXEC(X, and, a & exec)                                                                                \
    ISA_ROWS_SAVEEXEC(X, or, a | exec)                                                                                 \
    ISA_ROWS_SAVEEXEC(X, xor, a ^ exec)                                                                                \
    ISA_ROWS_SAVEEXEC(X, andn2, a & ~exec)                                                                             \
    ISA_ROWS_SAVEEXEC(X, and_not1, a & ~exec)                                                                          \
    ISA_ROWS_SAVEEXEC(X, orn2, a | ~exec)                                                                              \
    ISA_ROWS_SAVEEXEC(X, or_not1, a | ~exec)                                                                           \
    ISA_ROWS_SAVEEXEC(X, andn1, ~a & exec)                                                                             \
    ISA_ROWS_SAVEEXEC(X, and_not0, ~a & exec)                                                                          \
    ISA_ROWS_SAVEEXEC(X, orn1, ~a | exec)                                                                              \
    ISA_ROWS_SAVEEXEC(X, or_not0, ~a | exec)                                                                           \
    ISA_ROWS_SAVEEXEC(X, nand, ~(a & exec))                                                                            \
    ISA_ROWS_SAVEEXEC(X, nor, ~(a | exec))                                                                             \
    ISA_ROWS_SAVEEXEC(X, xnor, ~(a ^ exec))                                                                            \
    ISA_ROWS_WREXEC(X, andn1, ~a & exec)                                                                               \
    ISA_ROWS_WREXEC(X, and_not0, ~a & exec)                                                                            \
    ISA_ROWS_WREXEC(X, andn2, a & ~exec)                                                                               \
    ISA_ROWS_WREXEC(X, and_not1, a & ~exec)                                                                            \
    ISA_ROWS_SCALAR_COMPARE(X, ==, eq)                                                                                 \
    ISA_ROWS_SCALAR_COMPARE(X, !=, lg)                                                                                 \
    ISA_ROWS_SCALAR_COMPARE(X, >, gt)                                                                                  \
    ISA_ROWS_SCALAR_COMPARE(X, >=, ge)                                                                                 \
    ISA_ROWS_SCALAR_COMPARE(X, <, lt)                                                                                  \
    ISA_ROWS_SCALAR_COMPARE(X, <=, le)                                                                                 \
    X(s_cmp_eq_u64, NONE, U64, U64, NONE, ISA_SCC_OUT, scc = a == b)                                                   \
    X(s_cmp_lg_u64, NONE, U64, U64, NONE, ISA_SCC_OUT, scc = a != b)                                                   \
    X(s_bitcmp0_b32, NONE, B32, B32, NONE, ISA_SCC_OUT, scc = !(a >> (b & 31) & 1))                                    \
    X(s_bitcmp1_b32, NONE, B32, B32, NONE, ISA_SCC_OUT, scc = a >> (b & 31) & 1)                                       \
    X(s_bitcmp0_b64, NONE, B64, B32, NONE, ISA_SCC_OUT, scc = !(a >> (b & 63) & 1))                                    \
    X(s_bitcmp1_b64, NONE, B64, B32, NONE, ISA_SCC_OUT, scc = a >> (b & 63) & 1)                                       \
    ISA_ROWS_SCALAR_FLOAT(X)

/* gfx11.5 on. */
#define ISA_ROWS_SCALAR_FLOAT(X)                                                                                       \
    X(s_add_f32, F32, F32, F32, NONE, 0, a + b)                                                                        \
    X(s_sub_f32, F32, F32, F32, NONE, 0, a - b)                                                                        \
    X(s_mul_f32, F32, F32, F32, NONE, 0, a * b)                                                                        \
    X(s_fmac_f32, F32, F32, F32, F32, ISA_READS_DST, fmaf(a, b, c))                                                    \
    X(s_fmaak_f32, F32, F32, F32, F32, 0, fmaf(a, b, c))                                                               \
    X(s_fmamk_f32, F32, F32, F32, F32, 0, fmaf(a, b, c))                                                               \
    X(s_min_f32, F32, F32, F32, NONE, 0, min_F32(a, b, ieee))                                                          \
    X(s_max_f32, F32, F32, F32, NONE, 0, max_F32(a, b, ieee))                                                          \
    X(s_min_num_f32, F32, F32, F32, NONE, 0, min_F32(a, b, false))                                                     \
    X(s_max_num_f32, F32, F32, F32, NONE, 0, max_F32(a, b, false))                                                     \
    X(s_minimum_f32, F32, F32, F32, NONE, 0, minimum_F32(a, b))                                                        \
    X(s_maximum_f32, F32, F32, F32, NONE, 0, maximum_F32(a, b))                                                        \
    X(s_ceil_f32, F32, F32, NONE, NONE, 0, ceilf(a))                                                                   \
    X(s_floor_f32, F32, F32, NONE, NONE, 0, floorf(a))                                                                 \
    X(s_trunc_f32, F32, F32, NONE, NONE, 0, truncf(a))                                                                 \
    X(s_rndne_f32, F32, F32, NONE, NONE, 0, __builtin_roundevenf(a))                                                   \
    X(s_cvt_f32_i32, F32, I32, NONE, NONE, 0, (float)a)                                                                \
    X(s_cvt_f32_u32, F32, U32, NONE, NONE, 0, (float)a)                                                                \
    X(s_cvt_i32_f32, I32, F32, NONE, NONE, 0, int_of_F32(a))                                                           \
    X(s_cvt_u32_f32, U32, F32, NONE, NONE, 0, uint_of_F32(a))                                                          \
    X(s_cvt_f32_f16, F32, F16, NONE, NONE, 0, (float)a)                                                                \
    X(s_cvt_hi_f32_f16, F32, B32, NONE, NONE, 0, (float)from_F16((uint16_t)(a >> 16)))                                 \
    X(s_cvt_f16_f32, F16, F32, NONE, NONE, 0, (_Float16)a)                                                             \
    X(s_cvt_pk_rtz_f16_f32, B32, F32, F32, NONE, 0, half_rtz(a) | (uint32_t)half_rtz(b) << 16)                         \
    X(s_add_f16, F16, F16, F16, NONE, 0, (_Float16)((float)a + (float)b))                                              \
    X(s_sub_f16, F16, F16, F16, NONE, 0, (_Float16)((float)a - (float)b))                                              \
    X(s_mul_f16, F16, F16, F16, NONE, 0, (_Float16)((float)a * (float)b))                                              \
    X(s_fmac_f16, F16, F16, F16, F16, ISA_READS_DST, fma_F16(a, b, c))                                                 \
    X(s_min_f16, F16, F16, F16, NONE, 0, min_F16(a, b, ieee))                                                          \
    X(s_max_f16, F16, F16, F16, NONE, 0, max_F16(a, b, ieee))                                                          \
    X(s_min_num_f16, F16, F16, F16, NONE, 0, min_F16(a, b, false))                                                     \
    X(s_max_num_f16, F16, F16, F16, NONE, 0, max_F16(a, b, false))                                                     \
    X(s_minimum_f16, F16, F16, F16, NONE, 0, minimum_F16(a, b))                                                        \
    X(s_maximum_f16, F16, F16, F16, NONE, 0, maximum_F16(a, b))                                                        \
    X(s_ceil_f16, F16, F16, NONE, NONE, 0, (_Float16)ceilf((float)a))                                                  \
    X(s_floor_f16, F16, F16, NONE, NONE, 0, (_Float16)floorf((float)a))                                                \
    X(s_trunc_f16, F16, F16, NONE, NONE, 0, (_Float16)truncf((float)a))                                                \
    X(s_rndne_f16, F16, F16, NONE, NONE, 0, (_Float16)__builtin_roundevenf((float)a))                                  \
    ISA_ROWS_SCALAR_COMPARE_FLOAT(X, lt, a < b)                                                                        \
    ISA_ROWS_SCALAR_COMPARE_FLOAT(X, eq, a == b)                                                                       \
    ISA_ROWS_SCALAR_COMPARE_FLOAT(X, le, a <= b)                                                                       \
    ISA_ROWS_SCALAR_COMPARE_FLOAT(X, gt, a > b)                                                                        \
    ISA_ROWS_SCALAR_COMPARE_FLOAT(X, lg, a < b || a > b)                                                               \
    ISA_ROWS_SCALAR_COMPARE_FLOAT(X, ge, a >= b)                                                                       \
    ISA_ROWS_SCALAR_COMPARE_FLOAT(X, o, a == a && b == b)                                                              \
    ISA_ROWS_SCALAR_COMPARE_FLOAT(X, u, a != a || b != b)                                                              \
    ISA_ROWS_SCALAR_COMPARE_FLOAT(X, nge, !(a >= b))                                                                   \
    ISA_ROWS_SCALAR_COMPARE_FLOAT(X, nlg, !(a < b || a > b))                                                           \
    ISA_ROWS_SCALAR_COMPARE_FLOAT(X, ngt, !(a > b))                                                                    \
    ISA_ROWS_SCALAR_COMPARE_FLOAT(X, nle, !(a <= b))                                                                   \
    ISA_ROWS_SCALAR_COMPARE_FLOAT(X, neq, !(a == b))                                                                   \
    ISA_ROWS_SCALAR_COMPARE_FLOAT(X, nlt, !(a < b))
/* clang-format on */

#endif
