/* rows/ds.h: LDS instructions, each under the name up to gfx10 and the one from gfx11 on.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_ROWS_DS_H
#define ATTN_ISA_ROWS_DS_H

/* clang-format off */

/* X(old name, new name, type of the registers, bytes, what: memory.h) */
#define ISA_DS_LOADS(X)                                                    \
    X(read_b32, load_b32, B32, 4, 0)                                       \
    X(read_b64, load_b64, B64, 8, 0)                                       \
    X(read_b96, load_b96, B96, 12, 0)                                      \
    X(read_b128, load_b128, B128, 16, 0)                                   \
    X(read_u8, load_u8, B32, 1, 0)                                         \
    X(read_i8, load_i8, B32, 1, ISA_M_SIGNED)                              \
    X(read_u16, load_u16, B32, 2, 0)                                       \
    X(read_i16, load_i16, B32, 2, ISA_M_SIGNED)                            \
    X(read_u8_d16, load_u8_d16, B32, 1, ISA_M_LOW)                         \
    X(read_u8_d16_hi, load_u8_d16_hi, B32, 1, ISA_M_HIGH)                  \
    X(read_i8_d16, load_i8_d16, B32, 1, ISA_M_LOW | ISA_M_SIGNED)          \
    X(read_i8_d16_hi, load_i8_d16_hi, B32, 1, ISA_M_HIGH | ISA_M_SIGNED)   \
    X(read_u16_d16, load_u16_d16, B32, 2, ISA_M_LOW)                       \
    X(read_u16_d16_hi, load_u16_d16_hi, B32, 2, ISA_M_HIGH)                \
    X(read2_b32, load_2addr_b32, B64, 4, ISA_M_TWO)                        \
    X(read2_b64, load_2addr_b64, B128, 8, ISA_M_TWO)                       \
    X(read2st64_b32, load_2addr_stride64_b32, B64, 4, ISA_M_TWO | ISA_M_ST64) \
    X(read2st64_b64, load_2addr_stride64_b64, B128, 8, ISA_M_TWO | ISA_M_ST64)

#define ISA_DS_STORES(X)                                                     \
    X(write_b8, store_b8, B32, 1, 0)                                         \
    X(write_b16, store_b16, B32, 2, 0)                                       \
    X(write_b32, store_b32, B32, 4, 0)                                       \
    X(write_b64, store_b64, B64, 8, 0)                                       \
    X(write_b96, store_b96, B96, 12, 0)                                      \
    X(write_b128, store_b128, B128, 16, 0)                                   \
    X(write_b8_d16_hi, store_b8_d16_hi, B32, 1, ISA_M_HIGH)                  \
    X(write_b16_d16_hi, store_b16_d16_hi, B32, 2, ISA_M_HIGH)                \
    X(write2_b32, store_2addr_b32, B32, 4, ISA_M_TWO)                        \
    X(write2_b64, store_2addr_b64, B64, 8, ISA_M_TWO)                        \
    X(write2st64_b32, store_2addr_stride64_b32, B32, 4, ISA_M_TWO | ISA_M_ST64) \
    X(write2st64_b64, store_2addr_stride64_b64, B64, 8, ISA_M_TWO | ISA_M_ST64)

/* X(name before _rtn, name behind it, bytes, operation, what) */
#define ISA_DS_ATOMICS(X)                                       \
    X(add, u32, 4, ADD, 0)                                      \
    X(sub, u32, 4, SUB, 0)                                      \
    X(rsub, u32, 4, RSUB, 0)                                    \
    X(inc, u32, 4, INC, 0)                                      \
    X(dec, u32, 4, DEC, 0)                                      \
    X(min, i32, 4, MIN_I, 0)                                    \
    X(max, i32, 4, MAX_I, 0)                                    \
    X(min, u32, 4, MIN_U, 0)                                    \
    X(max, u32, 4, MAX_U, 0)                                    \
    X(and, b32, 4, AND, 0)                                      \
    X(or, b32, 4, OR, 0)                                        \
    X(xor, b32, 4, XOR, 0)                                      \
    X(mskor, b32, 4, MSKOR, 0)                                  \
    X(cmpst, b32, 4, CMPSWAP, ISA_M_COMPARED_FIRST)             \
    X(cmpst, f32, 4, CMPSWAP_F, ISA_M_COMPARED_FIRST)           \
    X(cmpstore, b32, 4, CMPSWAP, 0)                             \
    X(cmpstore, f32, 4, CMPSWAP_F, 0)                           \
    X(min, f32, 4, MIN_F, 0)                                    \
    X(max, f32, 4, MAX_F, 0)                                    \
    X(min_num, f32, 4, MIN_F, 0)                                \
    X(max_num, f32, 4, MAX_F, 0)                                \
    X(add, f32, 4, ADD_F, 0)                                    \
    X(pk_add, f16, 4, PK_ADD_F16, 0)                            \
    X(pk_add, bf16, 4, PK_ADD_BF16, 0)                          \
    X(sub_clamp, u32, 4, SUB_CLAMP, 0)                          \
    X(cond_sub, u32, 4, COND_SUB, 0)                            \
    X(add, u64, 8, ADD, 0)                                      \
    X(sub, u64, 8, SUB, 0)                                      \
    X(rsub, u64, 8, RSUB, 0)                                    \
    X(inc, u64, 8, INC, 0)                                      \
    X(dec, u64, 8, DEC, 0)                                      \
    X(min, i64, 8, MIN_I, 0)                                    \
    X(max, i64, 8, MAX_I, 0)                                    \
    X(min, u64, 8, MIN_U, 0)                                    \
    X(max, u64, 8, MAX_U, 0)                                    \
    X(and, b64, 8, AND, 0)                                      \
    X(or, b64, 8, OR, 0)                                        \
    X(xor, b64, 8, XOR, 0)                                      \
    X(mskor, b64, 8, MSKOR, 0)                                  \
    X(cmpst, b64, 8, CMPSWAP, ISA_M_COMPARED_FIRST)             \
    X(cmpst, f64, 8, CMPSWAP_F, ISA_M_COMPARED_FIRST)           \
    X(cmpstore, b64, 8, CMPSWAP, 0)                             \
    X(cmpstore, f64, 8, CMPSWAP_F, 0)                           \
    X(min, f64, 8, MIN_F, 0)                                    \
    X(max, f64, 8, MAX_F, 0)                                    \
    X(min_num, f64, 8, MIN_F, 0)                                \
    X(max_num, f64, 8, MAX_F, 0)                                \
    X(add, f64, 8, ADD_F, 0)

/* Only with a result: X(name, bytes) */
#define ISA_DS_EXCHANGES(X) \
    X(wrxchg_rtn_b32, 4) X(storexchg_rtn_b32, 4) X(wrxchg_rtn_b64, 8) X(storexchg_rtn_b64, 8)

#endif
