/* rows/matrix.h: the matrix instructions: what their names say, as data.
 *
 * ISA_MATRIX_ROWS(X): X(mnemonic, layout, edge, depth, blocks, elements of A, of B, results)
 * Old and new names of one instruction (gfx90a, gfx942) are two rows. Sources as in fragment.h, and LLVM's
 * documentation "Syntax of AMDGPU Instruction Operands" for the names.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_ROWS_MATRIX_H
#define ATTN_ISA_ROWS_MATRIX_H

/* Elements: X(NAME, bits). XF32 is f32 of which 10 bits of mantissa count; F8 is E4M3, BF8 E5M2. */
#define ISA_MATRIX_ELEMENTS(X) \
    X(F32, 32) X(XF32, 32) X(F16, 16) X(BF16, 16) X(F8, 8) X(BF8, 8) X(F64, 64) X(I32, 32) X(I8, 8) X(IU8, 8) X(IU4, 4)

#define ISA_MATRIX_ROWS(X)                                            \
    X(v_mfma_f32_32x32x1f32, MFMA, 32, 1, 2, F32, F32, F32)           \
    X(v_mfma_f32_32x32x1_2b_f32, MFMA, 32, 1, 2, F32, F32, F32)       \
    X(v_mfma_f32_16x16x1f32, MFMA, 16, 1, 4, F32, F32, F32)           \
    X(v_mfma_f32_16x16x1_4b_f32, MFMA, 16, 1, 4, F32, F32, F32)       \
    X(v_mfma_f32_4x4x1f32, MFMA, 4, 1, 16, F32, F32, F32)             \
    X(v_mfma_f32_4x4x1_16b_f32, MFMA, 4, 1, 16, F32, F32, F32)        \
    X(v_mfma_f32_32x32x2f32, MFMA, 32, 2, 1, F32, F32, F32)           \
    X(v_mfma_f32_32x32x2_f32, MFMA, 32, 2, 1, F32, F32, F32)          \
    X(v_mfma_f32_16x16x4f32, MFMA, 16, 4, 1, F32, F32, F32)           \
    X(v_mfma_f32_16x16x4_f32, MFMA, 16, 4, 1, F32, F32, F32)          \
    X(v_mfma_f32_16x16x8xf32, MFMA, 16, 8, 1, XF32, XF32, F32)        \
    X(v_mfma_f32_16x16x8_xf32, MFMA, 16, 8, 1, XF32, XF32, F32)       \
    X(v_mfma_f32_32x32x4xf32, MFMA, 32, 4, 1, XF32, XF32, F32)        \
    X(v_mfma_f32_32x32x4_xf32, MFMA, 32, 4, 1, XF32, XF32, F32)       \
    X(v_mfma_f32_32x32x4f16, MFMA, 32, 4, 2, F16, F16, F32)           \
    X(v_mfma_f32_32x32x4_2b_f16, MFMA, 32, 4, 2, F16, F16, F32)       \
    X(v_mfma_f32_16x16x4f16, MFMA, 16, 4, 4, F16, F16, F32)           \
    X(v_mfma_f32_16x16x4_4b_f16, MFMA, 16, 4, 4, F16, F16, F32)       \
    X(v_mfma_f32_4x4x4f16, MFMA, 4, 4, 16, F16, F16, F32)             \
    X(v_mfma_f32_4x4x4_16b_f16, MFMA, 4, 4, 16, F16, F16, F32)        \
    X(v_mfma_f32_32x32x8f16, MFMA, 32, 8, 1, F16, F16, F32)           \
    X(v_mfma_f32_32x32x8_f16, MFMA, 32, 8, 1, F16, F16, F32)          \
    X(v_mfma_f32_16x16x16f16, MFMA, 16, 16, 1, F16, F16, F32)         \
    X(v_mfma_f32_16x16x16_f16, MFMA, 16, 16, 1, F16, F16, F32)        \
    X(v_mfma_f32_32x32x16f16, MFMA, 32, 16, 1, F16, F16, F32)         \
    X(v_mfma_f32_32x32x16_f16, MFMA, 32, 16, 1, F16, F16, F32)        \
    X(v_mfma_f32_16x16x32f16, MFMA, 16, 32, 1, F16, F16, F32)         \
    X(v_mfma_f32_16x16x32_f16, MFMA, 16, 32, 1, F16, F16, F32)        \
    X(v_mfma_f32_32x32x2bf16, MFMA, 32, 2, 2, BF16, BF16, F32)        \
    X(v_mfma_f32_16x16x2bf16, MFMA, 16, 2, 4, BF16, BF16, F32)        \
    X(v_mfma_f32_4x4x2bf16, MFMA, 4, 2, 16, BF16, BF16, F32)          \
    X(v_mfma_f32_32x32x4bf16, MFMA, 32, 4, 1, BF16, BF16, F32)        \
    X(v_mfma_f32_16x16x8bf16, MFMA, 16, 8, 1, BF16, BF16, F32)        \
    X(v_mfma_f32_32x32x4bf16_1k, MFMA, 32, 4, 2, BF16, BF16, F32)     \
    X(v_mfma_f32_32x32x4_2b_bf16, MFMA, 32, 4, 2, BF16, BF16, F32)    \
    X(v_mfma_f32_16x16x4bf16_1k, MFMA, 16, 4, 4, BF16, BF16, F32)     \
    X(v_mfma_f32_16x16x4_4b_bf16, MFMA, 16, 4, 4, BF16, BF16, F32)    \
    X(v_mfma_f32_4x4x4bf16_1k, MFMA, 4, 4, 16, BF16, BF16, F32)       \
    X(v_mfma_f32_4x4x4_16b_bf16, MFMA, 4, 4, 16, BF16, BF16, F32)     \
    X(v_mfma_f32_32x32x8bf16_1k, MFMA, 32, 8, 1, BF16, BF16, F32)     \
    X(v_mfma_f32_32x32x8_bf16, MFMA, 32, 8, 1, BF16, BF16, F32)       \
    X(v_mfma_f32_16x16x16bf16_1k, MFMA, 16, 16, 1, BF16, BF16, F32)   \
    X(v_mfma_f32_16x16x16_bf16, MFMA, 16, 16, 1, BF16, BF16, F32)     \
    X(v_mfma_f32_32x32x16bf16, MFMA, 32, 16, 1, BF16, BF16, F32)      \
    X(v_mfma_f32_32x32x16_bf16, MFMA, 32, 16, 1, BF16, BF16, F32)     \
    X(v_mfma_f32_16x16x32bf16, MFMA, 16, 32, 1, BF16, BF16, F32)      \
    X(v_mfma_f32_16x16x32_bf16, MFMA, 16, 32, 1, BF16, BF16, F32)     \
    X(v_mfma_f32_16x16x32_fp8_fp8, MFMA, 16, 32, 1, F8, F8, F32)      \
    X(v_mfma_f32_16x16x32_fp8_bf8, MFMA, 16, 32, 1, F8, BF8, F32)     \
    X(v_mfma_f32_16x16x32_bf8_fp8, MFMA, 16, 32, 1, BF8, F8, F32)     \
    X(v_mfma_f32_16x16x32_bf8_bf8, MFMA, 16, 32, 1, BF8, BF8, F32)    \
    X(v_mfma_f32_32x32x16_fp8_fp8, MFMA, 32, 16, 1, F8, F8, F32)      \
    X(v_mfma_f32_32x32x16_fp8_bf8, MFMA, 32, 16, 1, F8, BF8, F32)     \
    X(v_mfma_f32_32x32x16_bf8_fp8, MFMA, 32, 16, 1, BF8, F8, F32)     \
    X(v_mfma_f32_32x32x16_bf8_bf8, MFMA, 32, 16, 1, BF8, BF8, F32)    \
    X(v_mfma_f64_16x16x4f64, MFMA_WIDE, 16, 4, 1, F64, F64, F64)      \
    X(v_mfma_f64_16x16x4_f64, MFMA_WIDE, 16, 4, 1, F64, F64, F64)     \
    X(v_mfma_f64_4x4x4f64, MFMA_WIDE, 4, 4, 4, F64, F64, F64)         \
    X(v_mfma_f64_4x4x4_4b_f64, MFMA_WIDE, 4, 4, 4, F64, F64, F64)     \
    X(v_mfma_i32_32x32x4i8, MFMA, 32, 4, 2, I8, I8, I32)              \
    X(v_mfma_i32_32x32x4_2b_i8, MFMA, 32, 4, 2, I8, I8, I32)          \
    X(v_mfma_i32_16x16x4i8, MFMA, 16, 4, 4, I8, I8, I32)              \
    X(v_mfma_i32_16x16x4_4b_i8, MFMA, 16, 4, 4, I8, I8, I32)          \
    X(v_mfma_i32_4x4x4i8, MFMA, 4, 4, 16, I8, I8, I32)                \
    X(v_mfma_i32_4x4x4_16b_i8, MFMA, 4, 4, 16, I8, I8, I32)           \
    X(v_mfma_i32_32x32x8i8, MFMA, 32, 8, 1, I8, I8, I32)              \
    X(v_mfma_i32_16x16x16i8, MFMA, 16, 16, 1, I8, I8, I32)            \
    X(v_mfma_i32_32x32x16i8, MFMA, 32, 16, 1, I8, I8, I32)            \
    X(v_mfma_i32_32x32x16_i8, MFMA, 32, 16, 1, I8, I8, I32)           \
    X(v_mfma_i32_16x16x32i8, MFMA, 16, 32, 1, I8, I8, I32)            \
    X(v_mfma_i32_16x16x32_i8, MFMA, 16, 32, 1, I8, I8, I32)           \
    X(v_mfma_i32_32x32x32i8, MFMA, 32, 32, 1, I8, I8, I32)            \
    X(v_mfma_i32_32x32x32_i8, MFMA, 32, 32, 1, I8, I8, I32)           \
    X(v_mfma_i32_16x16x64i8, MFMA, 16, 64, 1, I8, I8, I32)            \
    X(v_mfma_i32_16x16x64_i8, MFMA, 16, 64, 1, I8, I8, I32)           \
    X(v_wmma_f32_16x16x16_f16, WMMA11, 16, 16, 1, F16, F16, F32)      \
    X(v_wmma_f32_16x16x16_bf16, WMMA11, 16, 16, 1, BF16, BF16, F32)   \
    X(v_wmma_f16_16x16x16_f16, WMMA11, 16, 16, 1, F16, F16, F16)      \
    X(v_wmma_bf16_16x16x16_bf16, WMMA11, 16, 16, 1, BF16, BF16, BF16) \
    X(v_wmma_i32_16x16x16_iu8, WMMA11, 16, 16, 1, IU8, IU8, I32)      \
    X(v_wmma_i32_16x16x16_iu4, WMMA11, 16, 16, 1, IU4, IU4, I32)      \
    X(v_wmma_i32_16x16x32_iu4, WMMA12, 16, 32, 1, IU4, IU4, I32)      \
    X(v_wmma_f32_16x16x16_fp8_fp8, WMMA12, 16, 16, 1, F8, F8, F32)    \
    X(v_wmma_f32_16x16x16_fp8_bf8, WMMA12, 16, 16, 1, F8, BF8, F32)   \
    X(v_wmma_f32_16x16x16_bf8_fp8, WMMA12, 16, 16, 1, BF8, F8, F32)   \
    X(v_wmma_f32_16x16x16_bf8_bf8, WMMA12, 16, 16, 1, BF8, BF8, F32)

#endif
