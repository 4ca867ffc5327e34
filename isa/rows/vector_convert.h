/* rows/vector_convert.h: conversions and packing. X(mnemonic, destination, second destination, sources a, b, c, e,
 * flags, the operation).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_ROWS_VECTOR_CONVERT_H
#define ATTN_ISA_ROWS_VECTOR_CONVERT_H

/* clang-format off */
#define ISA_PACK(low, high) ((uint32_t)(uint16_t)(low) | (uint32_t)(uint16_t)(high) << 16)

#define ISA_ROWS_VECTOR_CONVERT(X)                                                                                     \
    X(v_cvt_f32_i32, F32, NONE, I32, NONE, NONE, NONE, 0, (float)a)                                                    \
    X(v_cvt_f32_u32, F32, NONE, U32, NONE, NONE, NONE, 0, (float)a)                                                    \
    X(v_cvt_i32_f32, I32, NONE, F32, NONE, NONE, NONE, 0, int_of_F32(a))                                               \
    X(v_cvt_u32_f32, U32, NONE, F32, NONE, NONE, NONE, 0, uint_of_F32(a))                                              \
    X(v_cvt_rpi_i32_f32, I32, NONE, F32, NONE, NONE, NONE, 0, int_of(__builtin_floor((double)a + 0.5)))                \
    X(v_cvt_nearest_i32_f32, I32, NONE, F32, NONE, NONE, NONE, 0, int_of(__builtin_floor((double)a + 0.5)))            \
    X(v_cvt_flr_i32_f32, I32, NONE, F32, NONE, NONE, NONE, 0, int_of_F32(__builtin_floorf(a)))                         \
    X(v_cvt_floor_i32_f32, I32, NONE, F32, NONE, NONE, NONE, 0, int_of_F32(__builtin_floorf(a)))                       \
    X(v_cvt_off_f32_i4, F32, NONE, U32, NONE, NONE, NONE, 0, (float)((int32_t)(a << 28) >> 28) * 0x1p-4f)              \
    X(v_cvt_f32_ubyte0, F32, NONE, U32, NONE, NONE, NONE, 0, (float)(int32_t)(a & 0xff))                               \
    X(v_cvt_f32_ubyte1, F32, NONE, U32, NONE, NONE, NONE, 0, (float)(int32_t)(a >> 8 & 0xff))                          \
    X(v_cvt_f32_ubyte2, F32, NONE, U32, NONE, NONE, NONE, 0, (float)(int32_t)(a >> 16 & 0xff))                         \
    X(v_cvt_f32_ubyte3, F32, NONE, U32, NONE, NONE, NONE, 0, (float)(int32_t)(a >> 24))                                \
    X(v_cvt_f32_f16, F32, NONE, F16, NONE, NONE, NONE, 0, (float)a)                                                    \
    X(v_cvt_f16_f32, F16, NONE, F32, NONE, NONE, NONE, 0, (_Float16)a)                                                 \
    X(v_cvt_f32_bf16, F32, NONE, B16, NONE, NONE, NONE, 0, from_F32((uint32_t)a << 16))                                \
    X(v_cvt_f32_f64, F32, NONE, F64, NONE, NONE, NONE, 0, (float)a)                                                    \
    X(v_cvt_f64_f32, F64, NONE, F32, NONE, NONE, NONE, 0, (double)a)                                                   \
    X(v_cvt_f64_i32, F64, NONE, I32, NONE, NONE, NONE, 0, (double)a)                                                   \
    X(v_cvt_f64_u32, F64, NONE, U32, NONE, NONE, NONE, 0, (double)a)                                                   \
    X(v_cvt_i32_f64, I32, NONE, F64, NONE, NONE, NONE, 0, int_of(a))                                                   \
    X(v_cvt_u32_f64, U32, NONE, F64, NONE, NONE, NONE, 0, uint_of(a))                                                  \
    X(v_cvt_f16_u16, F16, NONE, U16, NONE, NONE, NONE, 0, (float)(int32_t)a)                                           \
    X(v_cvt_f16_i16, F16, NONE, I16, NONE, NONE, NONE, 0, (float)(int32_t)a)                                           \
    X(v_cvt_u16_f16, U16, NONE, F16, NONE, NONE, NONE, 0, between(int_of_F32((float)a), 0, UINT16_MAX))                \
    X(v_cvt_i16_f16, I16, NONE, F16, NONE, NONE, NONE, 0, between(int_of_F32((float)a), INT16_MIN, INT16_MAX))         \
    X(v_cvt_norm_i16_f16, I16, NONE, F16, NONE, NONE, NONE, 0, snorm16((float)a))                                      \
    X(v_cvt_norm_u16_f16, U16, NONE, F16, NONE, NONE, NONE, 0, unorm16((float)a))                                      \
    X(v_cvt_i32_i16, I32, NONE, I16, NONE, NONE, NONE, 0, a)                                                           \
    X(v_cvt_u32_u16, U32, NONE, U16, NONE, NONE, NONE, 0, a)                                                           \
    X(v_cvt_pknorm_i16_f32, B32, NONE, F32, F32, NONE, NONE, 0, ISA_PACK(snorm16(a), snorm16(b)))                      \
    X(v_cvt_pknorm_u16_f32, B32, NONE, F32, F32, NONE, NONE, 0, ISA_PACK(unorm16(a), unorm16(b)))                      \
    X(v_cvt_pk_norm_i16_f32, B32, NONE, F32, F32, NONE, NONE, 0, ISA_PACK(snorm16(a), snorm16(b)))                     \
    X(v_cvt_pk_norm_u16_f32, B32, NONE, F32, F32, NONE, NONE, 0, ISA_PACK(unorm16(a), unorm16(b)))                     \
    X(v_cvt_pknorm_i16_f16, B32, NONE, F16, F16, NONE, NONE, 0, ISA_PACK(snorm16((float)a), snorm16((float)b)))        \
    X(v_cvt_pknorm_u16_f16, B32, NONE, F16, F16, NONE, NONE, 0, ISA_PACK(unorm16((float)a), unorm16((float)b)))        \
    X(v_cvt_pk_norm_i16_f16, B32, NONE, F16, F16, NONE, NONE, 0, ISA_PACK(snorm16((float)a), snorm16((float)b)))       \
    X(v_cvt_pk_norm_u16_f16, B32, NONE, F16, F16, NONE, NONE, 0, ISA_PACK(unorm16((float)a), unorm16((float)b)))       \
    X(v_cvt_pkrtz_f16_f32, B32, NONE, F32, F32, NONE, NONE, 0, ISA_PACK(half_rtz(a), half_rtz(b)))                     \
    X(v_cvt_pk_rtz_f16_f32, B32, NONE, F32, F32, NONE, NONE, 0, ISA_PACK(half_rtz(a), half_rtz(b)))                    \
    X(v_cvt_pk_f16_f32, B32, NONE, F32, F32, NONE, NONE, 0, ISA_PACK(bits_F16((_Float16)a), bits_F16((_Float16)b)))    \
    X(v_cvt_pk_bf16_f32, B32, NONE, F32, F32, NONE, NONE, 0,                                                           \
          ISA_PACK(isa_f32_to_bf16(a), isa_f32_to_bf16(b)))                                                            \
    X(v_cvt_pk_u16_u32, B32, NONE, U32, U32, NONE, NONE, 0,                                                            \
          ISA_PACK(a > UINT16_MAX ? UINT16_MAX : a, b > UINT16_MAX ? UINT16_MAX : b))                                  \
    X(v_cvt_pk_i16_i32, B32, NONE, I32, I32, NONE, NONE, 0,                                                            \
          ISA_PACK(between(a, INT16_MIN, INT16_MAX), between(b, INT16_MIN, INT16_MAX)))                                \
    X(v_cvt_pk_i16_f32, B32, NONE, F32, F32, NONE, NONE, 0,                                                            \
          ISA_PACK(between(int_of_F32(a), INT16_MIN, INT16_MAX), between(int_of_F32(b), INT16_MIN, INT16_MAX)))        \
    X(v_cvt_pk_u16_f32, B32, NONE, F32, F32, NONE, NONE, 0,                                                            \
          ISA_PACK(between(int_of_F32(a), 0, UINT16_MAX), between(int_of_F32(b), 0, UINT16_MAX)))                      \
    X(v_sat_pk_u8_i16, B16, NONE, B32, NONE, NONE, NONE, 0,                                                            \
          (uint32_t)between((int16_t)a, 0, 255) | (uint32_t)between((int16_t)(a >> 16), 0, 255) << 8)                  \
    X(v_cvt_f32_fp8, F32, NONE, B32, NONE, NONE, NONE, 0, isa_f8_to_f32(a >> 8 * v.byte, 3, v.fnuz))                   \
    X(v_cvt_pk_f32_fp8, B64, NONE, B16, NONE, NONE, NONE, 0,                                                           \
      bits_F32(isa_f8_to_f32(a, 3, v.fnuz)) | (uint64_t)bits_F32(isa_f8_to_f32((uint32_t)a >> 8, 3, v.fnuz)) << 32)    \
    X(v_cvt_pk_fp8_f32, B16, NONE, F32, F32, NONE, NONE, ISA_PARTIAL,                                                  \
      f8_of(a, 3, v.fnuz, v.saturates, NULL) | f8_of(b, 3, v.fnuz, v.saturates, NULL) << 8)                            \
    X(v_cvt_sr_fp8_f32, B32, NONE, F32, B32, B32, NONE, ISA_READS_DST,                                                 \
      (c & ~(UINT32_C(0xff) << 8 * v.byte)) | f8_of(a, 3, v.fnuz, v.saturates, &b) << 8 * v.byte)                      \
    X(v_cvt_f32_bf8, F32, NONE, B32, NONE, NONE, NONE, 0, isa_f8_to_f32(a >> 8 * v.byte, 2, v.fnuz))                   \
    X(v_cvt_pk_f32_bf8, B64, NONE, B16, NONE, NONE, NONE, 0,                                                           \
      bits_F32(isa_f8_to_f32(a, 2, v.fnuz)) | (uint64_t)bits_F32(isa_f8_to_f32((uint32_t)a >> 8, 2, v.fnuz)) << 32)    \
    X(v_cvt_pk_bf8_f32, B16, NONE, F32, F32, NONE, NONE, ISA_PARTIAL,                                                  \
      f8_of(a, 2, v.fnuz, v.saturates, NULL) | f8_of(b, 2, v.fnuz, v.saturates, NULL) << 8)                            \
    X(v_cvt_sr_bf8_f32, B32, NONE, F32, B32, B32, NONE, ISA_READS_DST,                                                 \
      (c & ~(UINT32_C(0xff) << 8 * v.byte)) | f8_of(a, 2, v.fnuz, v.saturates, &b) << 8 * v.byte)                      \
    X(v_pack_b32_f16, B32, NONE, F16, F16, NONE, NONE, 0, ISA_PACK(bits_F16(a), bits_F16(b)))
/* clang-format on */

#endif
