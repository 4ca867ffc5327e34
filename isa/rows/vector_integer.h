/* rows/vector_integer.h: moves, bits, integers, carries. X(mnemonic, destination, second destination, sources a, b, c,
 * e, flags, the operation); `carry` is the second destination.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_ROWS_VECTOR_INTEGER_H
#define ATTN_ISA_ROWS_VECTOR_INTEGER_H

/* clang-format off */
#define ISA_ADD_U32(x, y) (clamp ? saturate_U32((int64_t)(x) + (y)) : (x) + (y))
#define ISA_SUB_U32(x, y) (clamp ? saturate_U32((int64_t)(x) - (y)) : (x) - (y))
#define ISA_ADD_I32(x, y) (clamp ? saturate_I32((int64_t)(x) + (y)) : (uint32_t)(x) + (uint32_t)(y))
#define ISA_SUB_I32(x, y) (clamp ? saturate_I32((int64_t)(x) - (y)) : (uint32_t)(x) - (uint32_t)(y))
#define ISA_U16(v) (clamp ? saturate_U16(v) : (uint16_t)(v))
#define ISA_I16(v) (clamp ? saturate_I16(v) : (uint16_t)(v))
#define ISA_U32(v) (clamp ? ((v) > UINT32_MAX ? UINT32_MAX : (uint32_t)(v)) : (uint32_t)(v))
#define ISA_I32(v) (clamp ? saturate_I32(v) : (uint32_t)(v))
#define ISA_CARRY_ADD(x, y, z)                                                                                         \
    (carry = (uint64_t)(x) + (y) + (z) > UINT32_MAX, clamp && carry ? UINT32_MAX : (x) + (y) + (z))
#define ISA_BORROW(x, y, z) (carry = (uint64_t)(x) < (uint64_t)(y) + (z), clamp && carry ? 0 : (x) - (y) - (z))

#define ISA_ROWS_VECTOR_INTEGER(X)                                                                                     \
    X(v_mov_b32, B32, NONE, B32, NONE, NONE, NONE, 0, a)                                                               \
    X(v_mov_b64, B64, NONE, B64, NONE, NONE, NONE, 0, a)                                                               \
    X(v_mov_b16, B16, NONE, B16, NONE, NONE, NONE, 0, a)                                                               \
    X(v_dual_mov_b32, B32, NONE, B32, NONE, NONE, NONE, 0, a)                                                          \
    X(v_cndmask_b32, B32, NONE, B32, B32, MASK, NONE, ISA_READS_VCC, c ? b : a)                                        \
    X(v_cndmask_b16, B16, NONE, B16, B16, MASK, NONE, ISA_READS_VCC, c ? b : a)                                        \
    X(v_dual_cndmask_b32, B32, NONE, B32, B32, MASK, NONE, ISA_READS_VCC, c ? b : a)                                   \
    X(v_not_b32, B32, NONE, B32, NONE, NONE, NONE, 0, ~a)                                                              \
    X(v_not_b16, B16, NONE, B16, NONE, NONE, NONE, 0, ~a)                                                              \
    X(v_bfrev_b32, B32, NONE, B32, NONE, NONE, NONE, 0, reverse_bits(a))                                               \
    X(v_ffbh_u32, U32, NONE, B32, NONE, NONE, NONE, 0, a ? (uint32_t)__builtin_clz(a | !a) : UINT32_MAX)               \
    X(v_clz_i32_u32, U32, NONE, B32, NONE, NONE, NONE, 0, a ? (uint32_t)__builtin_clz(a | !a) : UINT32_MAX)            \
    X(v_ffbl_b32, U32, NONE, B32, NONE, NONE, NONE, 0, a ? (uint32_t)__builtin_ctz(a | !a << 31) : UINT32_MAX)         \
    X(v_ctz_i32_b32, U32, NONE, B32, NONE, NONE, NONE, 0, a ? (uint32_t)__builtin_ctz(a | !a << 31) : UINT32_MAX)      \
    X(v_ffbh_i32, U32, NONE, I32, NONE, NONE, NONE, 0, first_change(a))                                                \
    X(v_cls_i32, U32, NONE, I32, NONE, NONE, NONE, 0, first_change(a))                                                 \
    X(v_bcnt_u32_b32, U32, NONE, B32, U32, NONE, NONE, 0, (uint32_t)__builtin_popcount(a) + b)                         \
    X(v_and_b32, B32, NONE, B32, B32, NONE, NONE, 0, a & b)                                                            \
    X(v_or_b32, B32, NONE, B32, B32, NONE, NONE, 0, a | b)                                                             \
    X(v_xor_b32, B32, NONE, B32, B32, NONE, NONE, 0, a ^ b)                                                            \
    X(v_xnor_b32, B32, NONE, B32, B32, NONE, NONE, 0, ~(a ^ b))                                                        \
    X(v_dual_and_b32, B32, NONE, B32, B32, NONE, NONE, 0, a & b)                                                       \
    X(v_and_b16, B16, NONE, B16, B16, NONE, NONE, 0, a & b)                                                            \
    X(v_or_b16, B16, NONE, B16, B16, NONE, NONE, 0, a | b)                                                             \
    X(v_xor_b16, B16, NONE, B16, B16, NONE, NONE, 0, a ^ b)                                                            \
    X(v_and_or_b32, B32, NONE, B32, B32, B32, NONE, 0, (a & b) | c)                                                    \
    X(v_or3_b32, B32, NONE, B32, B32, B32, NONE, 0, a | b | c)                                                         \
    X(v_xor3_b32, B32, NONE, B32, B32, B32, NONE, 0, a ^ b ^ c)                                                        \
    X(v_bfi_b32, B32, NONE, B32, B32, B32, NONE, 0, (a & b) | (~a & c))                                                \
    X(v_bfm_b32, B32, NONE, B32, B32, NONE, NONE, 0, ((UINT32_C(1) << (a & 31)) - 1) << (b & 31))                      \
    X(v_bfe_u32, U32, NONE, U32, U32, U32, NONE, 0, bfe_U32(a, b, c))                                                  \
    X(v_bfe_i32, I32, NONE, U32, U32, U32, NONE, 0, bfe_I32(a, b, c))                                                  \
    X(v_perm_b32, B32, NONE, B32, B32, B32, NONE, 0, perm(a, b, c))                                                    \
    X(v_alignbit_b32, B32, NONE, B32, B32, B32, NONE, 0, ((uint64_t)a << 32 | b) >> (c & 31))                          \
    X(v_alignbyte_b32, B32, NONE, B32, B32, B32, NONE, 0, ((uint64_t)a << 32 | b) >> (c & 3) * 8)                      \
    X(v_lshlrev_b32, B32, NONE, B32, B32, NONE, NONE, 0, b << (a & 31))                                                \
    X(v_lshrrev_b32, B32, NONE, B32, B32, NONE, NONE, 0, b >> (a & 31))                                                \
    X(v_ashrrev_i32, I32, NONE, B32, I32, NONE, NONE, 0, b >> (a & 31))                                                \
    X(v_dual_lshlrev_b32, B32, NONE, B32, B32, NONE, NONE, 0, b << (a & 31))                                           \
    X(v_lshlrev_b64, B64, NONE, B32, B64, NONE, NONE, 0, b << (a & 63))                                                \
    X(v_lshrrev_b64, B64, NONE, B32, B64, NONE, NONE, 0, b >> (a & 63))                                                \
    X(v_ashrrev_i64, I64, NONE, B32, I64, NONE, NONE, 0, b >> (a & 63))                                                \
    X(v_lshlrev_b16, B16, NONE, B16, B16, NONE, NONE, 0, (uint32_t)b << (a & 15))                                      \
    X(v_lshrrev_b16, B16, NONE, B16, B16, NONE, NONE, 0, b >> (a & 15))                                                \
    X(v_ashrrev_i16, I16, NONE, B16, I16, NONE, NONE, 0, b >> (a & 15))                                                \
    X(v_lshl_or_b32, B32, NONE, B32, B32, B32, NONE, 0, a << (b & 31) | c)                                             \
    X(v_lshl_add_u32, U32, NONE, U32, U32, U32, NONE, 0, (a << (b & 31)) + c)                                          \
    X(v_add_lshl_u32, U32, NONE, U32, U32, U32, NONE, 0, (a + b) << (c & 31))                                          \
    X(v_lshl_add_u64, U64, NONE, U64, U32, U64, NONE, 0, (a << (b & 7)) + c)                                           \
    X(v_add3_u32, U32, NONE, U32, U32, U32, NONE, 0, a + b + c)                                                        \
    X(v_xad_u32, U32, NONE, U32, U32, U32, NONE, 0, (a ^ b) + c)                                                       \
    X(v_bitop3_b32, B32, NONE, B32, B32, B32, NONE, 0, bitop3(a, b, c, v.table))                                       \
    X(v_bitop3_b16, B16, NONE, B16, B16, B16, NONE, 0, bitop3(a, b, c, v.table))                                       \
    X(v_add_u32, U32, NONE, U32, U32, NONE, NONE, 0, ISA_ADD_U32(a, b))                                                \
    X(v_sub_u32, U32, NONE, U32, U32, NONE, NONE, 0, ISA_SUB_U32(a, b))                                                \
    X(v_subrev_u32, U32, NONE, U32, U32, NONE, NONE, 0, ISA_SUB_U32(b, a))                                             \
    X(v_add_nc_u32, U32, NONE, U32, U32, NONE, NONE, 0, ISA_ADD_U32(a, b))                                             \
    X(v_sub_nc_u32, U32, NONE, U32, U32, NONE, NONE, 0, ISA_SUB_U32(a, b))                                             \
    X(v_subrev_nc_u32, U32, NONE, U32, U32, NONE, NONE, 0, ISA_SUB_U32(b, a))                                          \
    X(v_dual_add_nc_u32, U32, NONE, U32, U32, NONE, NONE, 0, a + b)                                                    \
    X(v_add_i32, I32, NONE, I32, I32, NONE, NONE, 0, ISA_ADD_I32(a, b))                                                \
    X(v_sub_i32, I32, NONE, I32, I32, NONE, NONE, 0, ISA_SUB_I32(a, b))                                                \
    X(v_add_nc_i32, I32, NONE, I32, I32, NONE, NONE, 0, ISA_ADD_I32(a, b))                                             \
    X(v_sub_nc_i32, I32, NONE, I32, I32, NONE, NONE, 0, ISA_SUB_I32(a, b))                                             \
    X(v_add_co_u32, U32, MASK, U32, U32, NONE, NONE, ISA_WRITES_VCC, ISA_CARRY_ADD(a, b, 0))                           \
    X(v_sub_co_u32, U32, MASK, U32, U32, NONE, NONE, ISA_WRITES_VCC, ISA_BORROW(a, b, 0))                              \
    X(v_subrev_co_u32, U32, MASK, U32, U32, NONE, NONE, ISA_WRITES_VCC, ISA_BORROW(b, a, 0))                           \
    X(v_addc_co_u32, U32, MASK, U32, U32, MASK, NONE, ISA_READS_VCC | ISA_WRITES_VCC,                                  \
          ISA_CARRY_ADD(a, b, (uint32_t)c))                                                                            \
    X(v_add_co_ci_u32, U32, MASK, U32, U32, MASK, NONE, ISA_READS_VCC | ISA_WRITES_VCC,                                \
          ISA_CARRY_ADD(a, b, (uint32_t)c))                                                                            \
    X(v_subb_co_u32, U32, MASK, U32, U32, MASK, NONE, ISA_READS_VCC | ISA_WRITES_VCC, ISA_BORROW(a, b, (uint32_t)c))   \
    X(v_sub_co_ci_u32, U32, MASK, U32, U32, MASK, NONE, ISA_READS_VCC | ISA_WRITES_VCC, ISA_BORROW(a, b, (uint32_t)c)) \
    X(v_subbrev_co_u32, U32, MASK, U32, U32, MASK, NONE, ISA_READS_VCC | ISA_WRITES_VCC,                               \
          ISA_BORROW(b, a, (uint32_t)c))                                                                               \
    X(v_subrev_co_ci_u32, U32, MASK, U32, U32, MASK, NONE, ISA_READS_VCC | ISA_WRITES_VCC,                             \
          ISA_BORROW(b, a, (uint32_t)c))                                                                               \
    X(v_add_u16, U16, NONE, U16, U16, NONE, NONE, 0, ISA_U16(a + b))                                                   \
    X(v_sub_u16, U16, NONE, U16, U16, NONE, NONE, 0, ISA_U16(a - b))                                                   \
    X(v_subrev_u16, U16, NONE, U16, U16, NONE, NONE, 0, ISA_U16(b - a))                                                \
    X(v_add_nc_u16, U16, NONE, U16, U16, NONE, NONE, 0, ISA_U16(a + b))                                                \
    X(v_sub_nc_u16, U16, NONE, U16, U16, NONE, NONE, 0, ISA_U16(a - b))                                                \
    X(v_add_i16, I16, NONE, I16, I16, NONE, NONE, 0, ISA_I16(a + b))                                                   \
    X(v_sub_i16, I16, NONE, I16, I16, NONE, NONE, 0, ISA_I16(a - b))                                                   \
    X(v_add_nc_i16, I16, NONE, I16, I16, NONE, NONE, 0, ISA_I16(a + b))                                                \
    X(v_sub_nc_i16, I16, NONE, I16, I16, NONE, NONE, 0, ISA_I16(a - b))                                                \
    X(v_mul_lo_u16, U16, NONE, U16, U16, NONE, NONE, 0, (uint32_t)a * b)                                               \
    X(v_mad_u16, U16, NONE, U16, U16, U16, NONE, ISA_PARTIAL, ISA_U16_WIDE((int64_t)a * b + c))                        \
    X(v_mad_i16, I16, NONE, I16, I16, I16, NONE, ISA_PARTIAL, ISA_I16_WIDE((int64_t)a * b + c))                        \
    X(v_mad_legacy_u16, U16, NONE, U16, U16, U16, NONE, 0, ISA_U16_WIDE((int64_t)a * b + c))                           \
    X(v_mad_legacy_i16, I16, NONE, I16, I16, I16, NONE, 0, ISA_I16_WIDE((int64_t)a * b + c))                           \
    X(v_mad_u32_u16, U32, NONE, U16, U16, U32, NONE, 0, ISA_U32((uint64_t)((uint32_t)a * b) + c))                      \
    X(v_mad_i32_i16, I32, NONE, I16, I16, I32, NONE, 0, ISA_I32((int64_t)a * b + c))                                   \
    X(v_mul_lo_u32, U32, NONE, U32, U32, NONE, NONE, 0, a * b)                                                         \
    X(v_mul_lo_i32, U32, NONE, U32, U32, NONE, NONE, 0, a * b)                                                         \
    X(v_mul_hi_u32, U32, NONE, U32, U32, NONE, NONE, 0, (uint64_t)a * b >> 32)                                         \
    X(v_mul_hi_i32, I32, NONE, I32, I32, NONE, NONE, 0, (int64_t)a * b >> 32)                                          \
    X(v_mul_i32_i24, U32, NONE, U32, U32, NONE, NONE, 0, (uint32_t)i24(a) * (uint32_t)i24(b))                          \
    X(v_mul_hi_i32_i24, I32, NONE, U32, U32, NONE, NONE, 0, (int64_t)i24(a) * i24(b) >> 32)                            \
    X(v_mul_u32_u24, U32, NONE, U32, U32, NONE, NONE, 0, u24(a) * u24(b))                                              \
    X(v_mul_hi_u32_u24, U32, NONE, U32, U32, NONE, NONE, 0, (uint64_t)u24(a) * u24(b) >> 32)                           \
    X(v_mad_i32_i24, I32, NONE, U32, U32, I32, NONE, 0, ISA_I32((int64_t)i24(a) * i24(b) + c))                         \
    X(v_mad_u32_u24, U32, NONE, U32, U32, U32, NONE, 0, ISA_U32((uint64_t)u24(a) * u24(b) + c))                        \
    X(v_mad_u64_u32, U64, MASK, U32, U32, U64, NONE, 0, (carry = (uint64_t)a * b + c < c, (uint64_t)a * b + c))        \
    X(v_mad_co_u64_u32, U64, MASK, U32, U32, U64, NONE, 0, (carry = (uint64_t)a * b + c < c, (uint64_t)a * b + c))     \
    X(v_mad_i64_i32, I64, MASK, I32, I32, I64, NONE, 0,                                                                \
          (carry = overflow_add((int64_t)a * b, c), (uint64_t)((int64_t)a * b) + (uint64_t)c))                         \
    X(v_mad_co_i64_i32, I64, MASK, I32, I32, I64, NONE, 0,                                                             \
          (carry = overflow_add((int64_t)a * b, c), (uint64_t)((int64_t)a * b) + (uint64_t)c))                         \
    X(v_min_u32, U32, NONE, U32, U32, NONE, NONE, 0, a < b ? a : b)                                                    \
    X(v_max_u32, U32, NONE, U32, U32, NONE, NONE, 0, a > b ? a : b)                                                    \
    X(v_min_i32, I32, NONE, I32, I32, NONE, NONE, 0, a < b ? a : b)                                                    \
    X(v_max_i32, I32, NONE, I32, I32, NONE, NONE, 0, a > b ? a : b)                                                    \
    X(v_min_u16, U16, NONE, U16, U16, NONE, NONE, 0, a < b ? a : b)                                                    \
    X(v_max_u16, U16, NONE, U16, U16, NONE, NONE, 0, a > b ? a : b)                                                    \
    X(v_min_i16, I16, NONE, I16, I16, NONE, NONE, 0, a < b ? a : b)                                                    \
    X(v_max_i16, I16, NONE, I16, I16, NONE, NONE, 0, a > b ? a : b)                                                    \
    ISA_ROWS_THREE(X, u32, U32, 0)                                                                                     \
    ISA_ROWS_THREE(X, i32, I32, 0)                                                                                     \
    ISA_ROWS_THREE(X, u16, U16, ISA_PARTIAL)                                                                           \
    ISA_ROWS_THREE(X, i16, I16, ISA_PARTIAL)                                                                           \
    X(v_sad_u8, U32, NONE, U32, U32, U32, NONE, 0, ISA_U32((uint64_t)sad_bytes(a, b, false) + c))                      \
    X(v_msad_u8, U32, NONE, U32, U32, U32, NONE, 0, ISA_U32((uint64_t)sad_bytes(a, b, true) + c))                      \
    X(v_sad_hi_u8, U32, NONE, U32, U32, U32, NONE, 0, ISA_U32(((uint64_t)sad_bytes(a, b, false) << 16) + c))           \
    X(v_sad_u16, U32, NONE, U32, U32, U32, NONE, 0,                                                                    \
          ISA_U32((uint64_t)distance(a & 0xffff, b & 0xffff) + distance(a >> 16, b >> 16) + c))                        \
    X(v_sad_u32, U32, NONE, U32, U32, U32, NONE, 0, ISA_U32((uint64_t)distance(a, b) + c))                             \
    X(v_lerp_u8, U32, NONE, U32, U32, U32, NONE, 0, lerp_bytes(a, b, c))                                               \
    X(v_mbcnt_lo_u32_b32, U32, NONE, B32, U32, NONE, NONE, 0,                                                          \
          b + (uint32_t)__builtin_popcount(a & (l < 32 ? (UINT32_C(1) << (l & 31)) - 1 : UINT32_MAX)))                 \
    X(v_mbcnt_hi_u32_b32, U32, NONE, B32, U32, NONE, NONE, 0,                                                          \
          b + (uint32_t)__builtin_popcount(a & (l < 32 ? 0 : (UINT32_C(1) << (l & 31)) - 1)))

/* Of three integers: the least, the greatest, the middle, and gfx11's pairs. */
#define ISA_LEAST(x, y) ((x) < (y) ? (x) : (y))
#define ISA_MOST(x, y) ((x) > (y) ? (x) : (y))
#define ISA_ROWS_THREE(X, t, T, flags)                                                                                 \
    X(v_min3_##t, T, NONE, T, T, T, NONE, flags, ISA_LEAST(ISA_LEAST(a, b), c))                                        \
    X(v_max3_##t, T, NONE, T, T, T, NONE, flags, ISA_MOST(ISA_MOST(a, b), c))                                          \
    X(v_med3_##t, T, NONE, T, T, T, NONE, flags, ISA_MOST(ISA_LEAST(a, b), ISA_LEAST(ISA_MOST(a, b), c)))              \
    X(v_minmax_##t, T, NONE, T, T, T, NONE, flags, ISA_MOST(ISA_LEAST(a, b), c))                                       \
    X(v_maxmin_##t, T, NONE, T, T, T, NONE, flags, ISA_LEAST(ISA_MOST(a, b), c))
#define ISA_U16_WIDE(v) (clamp ? (uint16_t)saturate_U32(v) | ((v) > UINT16_MAX ? UINT16_MAX : 0) : (uint16_t)(v))
#define ISA_I16_WIDE(v)                                                                                                \
    (clamp ? (uint16_t)((v) < INT16_MIN ? INT16_MIN : (v) > INT16_MAX ? INT16_MAX : (v)) : (uint16_t)(v))
/* clang-format on */

#endif
