/* rows/memory.h: loads, stores and atomics that global, flat, scratch and buffer instructions have in common: the name
 * behind the prefix, up to gfx10 and from gfx11 on.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_ROWS_MEMORY_H
#define ATTN_ISA_ROWS_MEMORY_H

/* clang-format off */

/* X(old name, new name, type of the registers, bytes, what: memory.h) */
#define ISA_MEMORY_LOADS(X)                                                  \
    X(load_ubyte, load_u8, B32, 1, 0)                                        \
    X(load_sbyte, load_i8, B32, 1, ISA_M_SIGNED)                             \
    X(load_ushort, load_u16, B32, 2, 0)                                      \
    X(load_sshort, load_i16, B32, 2, ISA_M_SIGNED)                           \
    X(load_dword, load_b32, B32, 4, 0)                                       \
    X(load_dwordx2, load_b64, B64, 8, 0)                                     \
    X(load_dwordx3, load_b96, B96, 12, 0)                                    \
    X(load_dwordx4, load_b128, B128, 16, 0)                                  \
    X(load_ubyte_d16, load_d16_u8, B32, 1, ISA_M_LOW)                        \
    X(load_ubyte_d16_hi, load_d16_hi_u8, B32, 1, ISA_M_HIGH)                 \
    X(load_sbyte_d16, load_d16_i8, B32, 1, ISA_M_LOW | ISA_M_SIGNED)         \
    X(load_sbyte_d16_hi, load_d16_hi_i8, B32, 1, ISA_M_HIGH | ISA_M_SIGNED)  \
    X(load_short_d16, load_d16_b16, B32, 2, ISA_M_LOW)                       \
    X(load_short_d16_hi, load_d16_hi_b16, B32, 2, ISA_M_HIGH)

#define ISA_MEMORY_STORES(X)                                  \
    X(store_byte, store_b8, B32, 1, 0)                        \
    X(store_byte_d16_hi, store_d16_hi_b8, B32, 1, ISA_M_HIGH) \
    X(store_short, store_b16, B32, 2, 0)                      \
    X(store_short_d16_hi, store_d16_hi_b16, B32, 2, ISA_M_HIGH) \
    X(store_dword, store_b32, B32, 4, 0)                      \
    X(store_dwordx2, store_b64, B64, 8, 0)                    \
    X(store_dwordx3, store_b96, B96, 12, 0)                   \
    X(store_dwordx4, store_b128, B128, 16, 0)

/* X(old name, new name, type of what is in memory, of the data, operation). Where both names are one, NAME stands in
 * ISA_MEMORY_ATOMICS_ONE. */
#define ISA_MEMORY_ATOMICS(X)                                \
    X(atomic_swap, atomic_swap_b32, B32, B32, SWAP)          \
    X(atomic_swap_x2, atomic_swap_b64, B64, B64, SWAP)       \
    X(atomic_cmpswap, atomic_cmpswap_b32, B32, B64, CMPSWAP) \
    X(atomic_cmpswap_x2, atomic_cmpswap_b64, B64, B128, CMPSWAP) \
    X(atomic_add, atomic_add_u32, B32, B32, ADD)             \
    X(atomic_add_x2, atomic_add_u64, B64, B64, ADD)          \
    X(atomic_sub, atomic_sub_u32, B32, B32, SUB)             \
    X(atomic_sub_x2, atomic_sub_u64, B64, B64, SUB)          \
    X(atomic_smin, atomic_min_i32, B32, B32, MIN_I)          \
    X(atomic_smin_x2, atomic_min_i64, B64, B64, MIN_I)       \
    X(atomic_umin, atomic_min_u32, B32, B32, MIN_U)          \
    X(atomic_umin_x2, atomic_min_u64, B64, B64, MIN_U)       \
    X(atomic_smax, atomic_max_i32, B32, B32, MAX_I)          \
    X(atomic_smax_x2, atomic_max_i64, B64, B64, MAX_I)       \
    X(atomic_umax, atomic_max_u32, B32, B32, MAX_U)          \
    X(atomic_umax_x2, atomic_max_u64, B64, B64, MAX_U)       \
    X(atomic_and, atomic_and_b32, B32, B32, AND)             \
    X(atomic_and_x2, atomic_and_b64, B64, B64, AND)          \
    X(atomic_or, atomic_or_b32, B32, B32, OR)                \
    X(atomic_or_x2, atomic_or_b64, B64, B64, OR)             \
    X(atomic_xor, atomic_xor_b32, B32, B32, XOR)             \
    X(atomic_xor_x2, atomic_xor_b64, B64, B64, XOR)          \
    X(atomic_inc, atomic_inc_u32, B32, B32, INC)             \
    X(atomic_inc_x2, atomic_inc_u64, B64, B64, INC)          \
    X(atomic_dec, atomic_dec_u32, B32, B32, DEC)             \
    X(atomic_dec_x2, atomic_dec_u64, B64, B64, DEC)          \
    X(atomic_csub, atomic_csub_u32, B32, B32, SUB_CLAMP)     \
    X(atomic_fmin, atomic_min_f32, B32, B32, MIN_F)          \
    X(atomic_fmax, atomic_max_f32, B32, B32, MAX_F)          \
    X(atomic_fcmpswap, atomic_cmpswap_f32, B32, B64, CMPSWAP_F)

#define ISA_MEMORY_ATOMICS_ONE(X)                   \
    X(atomic_sub_clamp_u32, B32, B32, SUB_CLAMP)    \
    X(atomic_cond_sub_u32, B32, B32, COND_SUB)      \
    X(atomic_min_num_f32, B32, B32, MIN_F)          \
    X(atomic_max_num_f32, B32, B32, MAX_F)          \
    X(atomic_add_f32, B32, B32, ADD_F)              \
    X(atomic_add_f64, B64, B64, ADD_F)              \
    X(atomic_min_f64, B64, B64, MIN_F)              \
    X(atomic_max_f64, B64, B64, MAX_F)              \
    X(atomic_min_num_f64, B64, B64, MIN_F)          \
    X(atomic_max_num_f64, B64, B64, MAX_F)          \
    X(atomic_pk_add_f16, B32, B32, PK_ADD_F16)      \
    X(atomic_pk_add_bf16, B32, B32, PK_ADD_BF16)

#endif
