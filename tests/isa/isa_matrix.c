/* isa_matrix.c: matrix instructions: every row multiplies matrices that lie where AMD's documents say, and a layout
 * that is changed in isa/fragment.h (which the source executor's emulation uses too) does not. Then what they do with
 * values: order, rounding, flushing, signs, modifiers.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/fragment.h"
#include "isa/narrow.h"
#include "tests/isa/one_wave.h"

#include <math.h>

/* ---- The documents' table -------------------------------------------------------------------------------- */

/* Where an element lies: its register from the operand's first, its first bit there, its lane. i: row of A, of D, or
 * column of B; j: column of D; k, b: block.
 *
 * Source: AMD Matrix Instruction Calculator, "Matrix element to register mapping with no modifiers", of the
 * architectures CDNA1, CDNA2, CDNA3, RDNA3 and RDNA4 in the formulas that it prints; for gfx950's names CDNA4
 * Instruction Set Architecture, "Matrix Arithmetic Instructions". B lies as A does, with columns for rows.
 *
 * TABLE(X): X(id, bits of an element, A's register, bit, lane; bits of a result, D's register, bit, lane) */
#define TABLE(X)                                                                                                      \
    X(m32x32x1b2, 32, 0, 0, 32 * b + i, 32, 16 * b + 4 * (i / 8) + i % 4, 0, (32 * (i / 4)) % 64 + j)                 \
    X(m16x16x1b4, 32, 0, 0, 16 * b + i, 32, 4 * b + i % 4, 0, 16 * (i / 4) + j)                                       \
    X(m4x4x1b16, 32, 0, 0, 4 * b + i, 32, i, 0, 4 * b + j)                                                            \
    X(m32x32x2, 32, 0, 0, 32 * k + i, 32, 4 * (i / 8) + i % 4, 0, (32 * (i / 4)) % 64 + j)                            \
    X(m16x16x4, 32, 0, 0, 16 * k + i, 32, i % 4, 0, 16 * (i / 4) + j)                                                 \
    X(m16x16x8x, 32, k % 2, 0, 16 * (k / 2) + i, 32, i % 4, 0, 16 * (i / 4) + j)                                      \
    X(m32x32x4x, 32, k % 2, 0, 32 * (k / 2) + i, 32, 4 * (i / 8) + i % 4, 0, (32 * (i / 4)) % 64 + j)                 \
    X(m32x32x4b2h, 16, k / 2, 16 * (k % 2), 32 * b + i, 32, 16 * b + 4 * (i / 8) + i % 4, 0, (32 * (i / 4)) % 64 + j) \
    X(m16x16x4b4h, 16, k / 2, 16 * (k % 2), 16 * b + i, 32, 4 * b + i % 4, 0, 16 * (i / 4) + j)                       \
    X(m4x4x4b16h, 16, k / 2, 16 * (k % 2), 4 * b + i, 32, i, 0, 4 * b + j)                                            \
    X(m32x32x8h, 16, k / 2 % 2, 16 * (k % 2), 32 * (k / 4) + i, 32, 4 * (i / 8) + i % 4, 0, (32 * (i / 4)) % 64 + j)  \
    X(m16x16x16h, 16, k / 2 % 2, 16 * (k % 2), 16 * (k / 4) + i, 32, i % 4, 0, 16 * (i / 4) + j)                      \
    X(m32x32x16h, 16, k / 2 % 4, 16 * (k % 2), 32 * (k / 8) + i, 32, 4 * (i / 8) + i % 4, 0, (32 * (i / 4)) % 64 + j) \
    X(m16x16x32h, 16, k / 2 % 4, 16 * (k % 2), 16 * (k / 8) + i, 32, i % 4, 0, 16 * (i / 4) + j)                      \
    X(m32x32x2b2h, 16, 0, 16 * k, 32 * b + i, 32, 16 * b + 4 * (i / 8) + i % 4, 0, (32 * (i / 4)) % 64 + j)           \
    X(m16x16x2b4h, 16, 0, 16 * k, 16 * b + i, 32, 4 * b + i % 4, 0, 16 * (i / 4) + j)                                 \
    X(m4x4x2b16h, 16, 0, 16 * k, 4 * b + i, 32, i, 0, 4 * b + j)                                                      \
    X(m32x32x4h, 16, 0, 16 * (k % 2), 32 * (k / 2) + i, 32, 4 * (i / 8) + i % 4, 0, (32 * (i / 4)) % 64 + j)          \
    X(m16x16x8h, 16, 0, 16 * (k % 2), 16 * (k / 2) + i, 32, i % 4, 0, 16 * (i / 4) + j)                               \
    X(m16x16x32q, 8, k / 4 % 2, 8 * (k % 4), 16 * (k / 8) + i, 32, i % 4, 0, 16 * (i / 4) + j)                        \
    X(m32x32x16q, 8, k / 4 % 2, 8 * (k % 4), 32 * (k / 8) + i, 32, 4 * (i / 8) + i % 4, 0, (32 * (i / 4)) % 64 + j)   \
    X(m32x32x4b2q, 8, 0, 8 * k, 32 * b + i, 32, 16 * b + 4 * (i / 8) + i % 4, 0, (32 * (i / 4)) % 64 + j)             \
    X(m16x16x4b4q, 8, 0, 8 * k, 16 * b + i, 32, 4 * b + i % 4, 0, 16 * (i / 4) + j)                                   \
    X(m4x4x4b16q, 8, 0, 8 * k, 4 * b + i, 32, i, 0, 4 * b + j)                                                        \
    X(m32x32x8q, 8, 0, 8 * (k % 4), 32 * (k / 4) + i, 32, 4 * (i / 8) + i % 4, 0, (32 * (i / 4)) % 64 + j)            \
    X(m16x16x16q, 8, 0, 8 * (k % 4), 16 * (k / 4) + i, 32, i % 4, 0, 16 * (i / 4) + j)                                \
    X(m32x32x32q, 8, k / 4 % 4, 8 * (k % 4), 32 * (k / 16) + i, 32, 4 * (i / 8) + i % 4, 0, (32 * (i / 4)) % 64 + j)  \
    X(m16x16x64q, 8, k / 4 % 4, 8 * (k % 4), 16 * (k / 16) + i, 32, i % 4, 0, 16 * (i / 4) + j)                       \
    X(m16x16x4d, 64, 0, 0, 16 * k + i, 64, 2 * (i / 4), 0, 16 * (i % 4) + j)                                          \
    X(m4x4x4b4d, 64, 0, 0, 4 * b + 16 * k + i, 64, 0, 0, 16 * (i % 4) + 4 * b + j)                                    \
    X(w11h, 16, k / 2, 16 * (k % 2), i, 32, i / 2, 0, 16 * (i % 2) + j)                                               \
    X(w11hh, 16, k / 2, 16 * (k % 2), i, 16, i / 2, 0, 16 * (i % 2) + j)                                              \
    X(w11q, 8, k / 4, 8 * (k % 4), i, 32, i / 2, 0, 16 * (i % 2) + j)                                                 \
    X(w11n, 4, k / 8, 4 * (k % 8), i, 32, i / 2, 0, 16 * (i % 2) + j)                                                 \
    X(w11h64, 16, k / 2, 16 * (k % 2), i, 32, i / 4, 0, 16 * (i % 4) + j)                                             \
    X(w11hh64, 16, k / 2, 16 * (k % 2), i, 16, i / 4, 0, 16 * (i % 4) + j)                                            \
    X(w11q64, 8, k / 4, 8 * (k % 4), i, 32, i / 4, 0, 16 * (i % 4) + j)                                               \
    X(w11n64, 4, k / 8, 4 * (k % 8), i, 32, i / 4, 0, 16 * (i % 4) + j)                                               \
    X(w12h, 16, 2 * (k / 8) + k / 2 % 2, 16 * (k % 2), 16 * (k / 4 % 2) + i, 32, i % 8, 0, 16 * (i / 8) + j)          \
    X(w12hh, 16, 2 * (k / 8) + k / 2 % 2, 16 * (k % 2), 16 * (k / 4 % 2) + i, 16, i / 2 % 4, 16 * (i % 2),            \
      16 * (i / 8) + j)                                                                                               \
    X(w12q, 8, k / 4 % 2, 8 * (k % 4), 16 * (k / 8) + i, 32, i % 8, 0, 16 * (i / 8) + j)                              \
    X(w12n, 4, 0, 4 * (k % 8), 16 * (k / 8) + i, 32, i % 8, 0, 16 * (i / 8) + j)                                      \
    X(w12n32, 4, k / 8 % 2, 4 * (k % 8), 16 * (k / 16) + i, 32, i % 8, 0, 16 * (i / 8) + j)                           \
    X(w12h64, 16, k / 2 % 2, 16 * (k % 2), 32 * (k / 8 % 2) + 16 * (k / 4 % 2) + i, 32, i % 4, 0,                     \
      32 * (i / 4 % 2) + 16 * (i / 8) + j)                                                                            \
    X(w12hh64, 16, k / 2 % 2, 16 * (k % 2), 32 * (k / 8 % 2) + 16 * (k / 4 % 2) + i, 16, i / 2 % 2, 16 * (i % 2),     \
      32 * (i / 4 % 2) + 16 * (i / 8) + j)                                                                            \
    X(w12q64, 8, 0, 8 * (k % 4), 32 * (k / 4 % 2) + 16 * (k / 8 % 2) + i, 32, i % 4, 0,                               \
      32 * (i / 4 % 2) + 16 * (i / 8) + j)                                                                            \
    X(w12n3264, 4, 0, 4 * (k % 8), 32 * (k / 8 % 2) + 16 * (k / 16 % 2) + i, 32, i % 4, 0,                            \
      32 * (i / 4 % 2) + 16 * (i / 8) + j)

struct where {
    int reg, bit, lane;
};
typedef struct where place(int i, int j, int k, int b);

#define X(id, bits, reg, bit, lane, dbits, dreg, dbit, dlane) \
    static struct where a_##id(int i, int j, int k, int b)    \
    {                                                         \
        (void)j, (void)k, (void)b;                            \
        return (struct where){ reg, bit, lane };              \
    }                                                         \
    static struct where d_##id(int i, int j, int k, int b)    \
    {                                                         \
        (void)k, (void)b;                                     \
        return (struct where){ dreg, dbit, dlane };           \
    }
TABLE(X)
#undef X

struct document {
    const char *id;
    int bits, result_bits;
    place *a, *d;
};
static const struct document documents[] = {
#define X(id, bits, reg, bit, lane, dbits, dreg, dbit, dlane) { #id, bits, dbits, a_##id, d_##id },
    TABLE(X)
#undef X
};

/* Instructions: X(target, lanes, mnemonic, edge, depth, blocks, row of the table, elements, results).
 * Elements: f, x (xf32), h, y (bf16), p (f8), g (bf8), d, i (signed), u (signed where neg_lo says). */
#define INSTRUCTIONS(X)                                                  \
    X(gfx908, 64, v_mfma_f32_32x32x1f32, 32, 1, 2, m32x32x1b2, f)        \
    X(gfx942, 64, v_mfma_f32_32x32x1_2b_f32, 32, 1, 2, m32x32x1b2, f)    \
    X(gfx908, 64, v_mfma_f32_16x16x1f32, 16, 1, 4, m16x16x1b4, f)        \
    X(gfx942, 64, v_mfma_f32_16x16x1_4b_f32, 16, 1, 4, m16x16x1b4, f)    \
    X(gfx908, 64, v_mfma_f32_4x4x1f32, 4, 1, 16, m4x4x1b16, f)           \
    X(gfx942, 64, v_mfma_f32_4x4x1_16b_f32, 4, 1, 16, m4x4x1b16, f)      \
    X(gfx908, 64, v_mfma_f32_32x32x2f32, 32, 2, 1, m32x32x2, f)          \
    X(gfx942, 64, v_mfma_f32_32x32x2_f32, 32, 2, 1, m32x32x2, f)         \
    X(gfx908, 64, v_mfma_f32_16x16x4f32, 16, 4, 1, m16x16x4, f)          \
    X(gfx942, 64, v_mfma_f32_16x16x4_f32, 16, 4, 1, m16x16x4, f)         \
    X(gfx942, 64, v_mfma_f32_16x16x8_xf32, 16, 8, 1, m16x16x8x, x)       \
    X(gfx942, 64, v_mfma_f32_16x16x8xf32, 16, 8, 1, m16x16x8x, x)        \
    X(gfx942, 64, v_mfma_f32_32x32x4_xf32, 32, 4, 1, m32x32x4x, x)       \
    X(gfx942, 64, v_mfma_f32_32x32x4xf32, 32, 4, 1, m32x32x4x, x)        \
    X(gfx908, 64, v_mfma_f32_32x32x4f16, 32, 4, 2, m32x32x4b2h, h)       \
    X(gfx942, 64, v_mfma_f32_32x32x4_2b_f16, 32, 4, 2, m32x32x4b2h, h)   \
    X(gfx908, 64, v_mfma_f32_16x16x4f16, 16, 4, 4, m16x16x4b4h, h)       \
    X(gfx942, 64, v_mfma_f32_16x16x4_4b_f16, 16, 4, 4, m16x16x4b4h, h)   \
    X(gfx908, 64, v_mfma_f32_4x4x4f16, 4, 4, 16, m4x4x4b16h, h)          \
    X(gfx942, 64, v_mfma_f32_4x4x4_16b_f16, 4, 4, 16, m4x4x4b16h, h)     \
    X(gfx908, 64, v_mfma_f32_32x32x8f16, 32, 8, 1, m32x32x8h, h)         \
    X(gfx942, 64, v_mfma_f32_32x32x8_f16, 32, 8, 1, m32x32x8h, h)        \
    X(gfx908, 64, v_mfma_f32_16x16x16f16, 16, 16, 1, m16x16x16h, h)      \
    X(gfx942, 64, v_mfma_f32_16x16x16_f16, 16, 16, 1, m16x16x16h, h)     \
    X(gfx950, 64, v_mfma_f32_32x32x16_f16, 32, 16, 1, m32x32x16h, h)     \
    X(gfx950, 64, v_mfma_f32_32x32x16f16, 32, 16, 1, m32x32x16h, h)      \
    X(gfx950, 64, v_mfma_f32_16x16x32_f16, 16, 32, 1, m16x16x32h, h)     \
    X(gfx950, 64, v_mfma_f32_16x16x32f16, 16, 32, 1, m16x16x32h, h)      \
    X(gfx908, 64, v_mfma_f32_32x32x2bf16, 32, 2, 2, m32x32x2b2h, y)      \
    X(gfx908, 64, v_mfma_f32_16x16x2bf16, 16, 2, 4, m16x16x2b4h, y)      \
    X(gfx908, 64, v_mfma_f32_4x4x2bf16, 4, 2, 16, m4x4x2b16h, y)         \
    X(gfx908, 64, v_mfma_f32_32x32x4bf16, 32, 4, 1, m32x32x4h, y)        \
    X(gfx908, 64, v_mfma_f32_16x16x8bf16, 16, 8, 1, m16x16x8h, y)        \
    X(gfx90a, 64, v_mfma_f32_32x32x4bf16_1k, 32, 4, 2, m32x32x4b2h, y)   \
    X(gfx942, 64, v_mfma_f32_32x32x4_2b_bf16, 32, 4, 2, m32x32x4b2h, y)  \
    X(gfx90a, 64, v_mfma_f32_16x16x4bf16_1k, 16, 4, 4, m16x16x4b4h, y)   \
    X(gfx942, 64, v_mfma_f32_16x16x4_4b_bf16, 16, 4, 4, m16x16x4b4h, y)  \
    X(gfx90a, 64, v_mfma_f32_4x4x4bf16_1k, 4, 4, 16, m4x4x4b16h, y)      \
    X(gfx942, 64, v_mfma_f32_4x4x4_16b_bf16, 4, 4, 16, m4x4x4b16h, y)    \
    X(gfx90a, 64, v_mfma_f32_32x32x8bf16_1k, 32, 8, 1, m32x32x8h, y)     \
    X(gfx942, 64, v_mfma_f32_32x32x8_bf16, 32, 8, 1, m32x32x8h, y)       \
    X(gfx90a, 64, v_mfma_f32_16x16x16bf16_1k, 16, 16, 1, m16x16x16h, y)  \
    X(gfx942, 64, v_mfma_f32_16x16x16_bf16, 16, 16, 1, m16x16x16h, y)    \
    X(gfx950, 64, v_mfma_f32_32x32x16_bf16, 32, 16, 1, m32x32x16h, y)    \
    X(gfx950, 64, v_mfma_f32_32x32x16bf16, 32, 16, 1, m32x32x16h, y)     \
    X(gfx950, 64, v_mfma_f32_16x16x32_bf16, 16, 32, 1, m16x16x32h, y)    \
    X(gfx950, 64, v_mfma_f32_16x16x32bf16, 16, 32, 1, m16x16x32h, y)     \
    X(gfx942, 64, v_mfma_f32_16x16x32_fp8_fp8, 16, 32, 1, m16x16x32q, p) \
    X(gfx942, 64, v_mfma_f32_16x16x32_fp8_bf8, 16, 32, 1, m16x16x32q, p) \
    X(gfx942, 64, v_mfma_f32_16x16x32_bf8_fp8, 16, 32, 1, m16x16x32q, g) \
    X(gfx950, 64, v_mfma_f32_16x16x32_bf8_bf8, 16, 32, 1, m16x16x32q, g) \
    X(gfx942, 64, v_mfma_f32_32x32x16_fp8_fp8, 32, 16, 1, m32x32x16q, p) \
    X(gfx950, 64, v_mfma_f32_32x32x16_fp8_bf8, 32, 16, 1, m32x32x16q, p) \
    X(gfx942, 64, v_mfma_f32_32x32x16_bf8_fp8, 32, 16, 1, m32x32x16q, g) \
    X(gfx942, 64, v_mfma_f32_32x32x16_bf8_bf8, 32, 16, 1, m32x32x16q, g) \
    X(gfx90a, 64, v_mfma_f64_16x16x4f64, 16, 4, 1, m16x16x4d, d)         \
    X(gfx942, 64, v_mfma_f64_16x16x4_f64, 16, 4, 1, m16x16x4d, d)        \
    X(gfx90a, 64, v_mfma_f64_4x4x4f64, 4, 4, 4, m4x4x4b4d, d)            \
    X(gfx942, 64, v_mfma_f64_4x4x4_4b_f64, 4, 4, 4, m4x4x4b4d, d)        \
    X(gfx908, 64, v_mfma_i32_32x32x4i8, 32, 4, 2, m32x32x4b2q, i)        \
    X(gfx942, 64, v_mfma_i32_32x32x4_2b_i8, 32, 4, 2, m32x32x4b2q, i)    \
    X(gfx908, 64, v_mfma_i32_16x16x4i8, 16, 4, 4, m16x16x4b4q, i)        \
    X(gfx942, 64, v_mfma_i32_16x16x4_4b_i8, 16, 4, 4, m16x16x4b4q, i)    \
    X(gfx908, 64, v_mfma_i32_4x4x4i8, 4, 4, 16, m4x4x4b16q, i)           \
    X(gfx942, 64, v_mfma_i32_4x4x4_16b_i8, 4, 4, 16, m4x4x4b16q, i)      \
    X(gfx908, 64, v_mfma_i32_32x32x8i8, 32, 8, 1, m32x32x8q, i)          \
    X(gfx908, 64, v_mfma_i32_16x16x16i8, 16, 16, 1, m16x16x16q, i)       \
    X(gfx942, 64, v_mfma_i32_32x32x16_i8, 32, 16, 1, m32x32x16q, i)      \
    X(gfx942, 64, v_mfma_i32_32x32x16i8, 32, 16, 1, m32x32x16q, i)       \
    X(gfx942, 64, v_mfma_i32_16x16x32_i8, 16, 32, 1, m16x16x32q, i)      \
    X(gfx942, 64, v_mfma_i32_16x16x32i8, 16, 32, 1, m16x16x32q, i)       \
    X(gfx950, 64, v_mfma_i32_32x32x32_i8, 32, 32, 1, m32x32x32q, i)      \
    X(gfx950, 64, v_mfma_i32_32x32x32i8, 32, 32, 1, m32x32x32q, i)       \
    X(gfx950, 64, v_mfma_i32_16x16x64_i8, 16, 64, 1, m16x16x64q, i)      \
    X(gfx950, 64, v_mfma_i32_16x16x64i8, 16, 64, 1, m16x16x64q, i)       \
    X(gfx1100, 32, v_wmma_f32_16x16x16_f16, 16, 16, 1, w11h, h)          \
    X(gfx1100, 32, v_wmma_f32_16x16x16_bf16, 16, 16, 1, w11h, y)         \
    X(gfx1100, 32, v_wmma_f16_16x16x16_f16, 16, 16, 1, w11hh, h)         \
    X(gfx1100, 32, v_wmma_bf16_16x16x16_bf16, 16, 16, 1, w11hh, y)       \
    X(gfx1100, 32, v_wmma_i32_16x16x16_iu8, 16, 16, 1, w11q, u)          \
    X(gfx1100, 32, v_wmma_i32_16x16x16_iu4, 16, 16, 1, w11n, u)          \
    X(gfx1100, 64, v_wmma_f32_16x16x16_f16, 16, 16, 1, w11h64, h)        \
    X(gfx1100, 64, v_wmma_f16_16x16x16_f16, 16, 16, 1, w11hh64, h)       \
    X(gfx1100, 64, v_wmma_i32_16x16x16_iu8, 16, 16, 1, w11q64, u)        \
    X(gfx1100, 64, v_wmma_i32_16x16x16_iu4, 16, 16, 1, w11n64, u)        \
    X(gfx1201, 32, v_wmma_f32_16x16x16_f16, 16, 16, 1, w12h, h)          \
    X(gfx1201, 32, v_wmma_f32_16x16x16_bf16, 16, 16, 1, w12h, y)         \
    X(gfx1201, 32, v_wmma_f16_16x16x16_f16, 16, 16, 1, w12hh, h)         \
    X(gfx1201, 32, v_wmma_bf16_16x16x16_bf16, 16, 16, 1, w12hh, y)       \
    X(gfx1201, 32, v_wmma_f32_16x16x16_fp8_fp8, 16, 16, 1, w12q, p)      \
    X(gfx1201, 32, v_wmma_f32_16x16x16_fp8_bf8, 16, 16, 1, w12q, p)      \
    X(gfx1201, 32, v_wmma_f32_16x16x16_bf8_fp8, 16, 16, 1, w12q, g)      \
    X(gfx1201, 32, v_wmma_f32_16x16x16_bf8_bf8, 16, 16, 1, w12q, g)      \
    X(gfx1201, 32, v_wmma_i32_16x16x16_iu8, 16, 16, 1, w12q, u)          \
    X(gfx1201, 32, v_wmma_i32_16x16x16_iu4, 16, 16, 1, w12n, u)          \
    X(gfx1201, 32, v_wmma_i32_16x16x32_iu4, 16, 32, 1, w12n32, u)        \
    X(gfx1201, 64, v_wmma_f32_16x16x16_f16, 16, 16, 1, w12h64, h)        \
    X(gfx1201, 64, v_wmma_f16_16x16x16_f16, 16, 16, 1, w12hh64, h)       \
    X(gfx1201, 64, v_wmma_f32_16x16x16_fp8_fp8, 16, 16, 1, w12q64, p)    \
    X(gfx1201, 64, v_wmma_i32_16x16x16_iu8, 16, 16, 1, w12q64, u)        \
    X(gfx1201, 64, v_wmma_i32_16x16x32_iu4, 16, 32, 1, w12n3264, u)

struct instruction {
    const char *target;
    int lanes;
    const char *name;
    int edge, depth, blocks;
    const char *document;
    char elements;
};
static const struct instruction instructions[] = {
#define X(target, lanes, name, edge, depth, blocks, document, elements) \
    { #target, lanes, #name, edge, depth, blocks, #document, #elements[0] },
    INSTRUCTIONS(X)
#undef X
};

enum { EDGE = 32, DEPTH = 64, BLOCKS = 16 };
struct matrices {
    double a[BLOCKS][EDGE][DEPTH], b[BLOCKS][EDGE][DEPTH]; /* b: [column][k] */
    double c[BLOCKS][EDGE][EDGE], d[BLOCKS][EDGE][EDGE];
};

static const struct document *document_of(const struct instruction *t)
{
    for (size_t n = 0; n < sizeof documents / sizeof *documents; n++)
        if (strcmp(documents[n].id, t->document) == 0)
            return &documents[n];
    fail_msg("no row %s", t->document);
    return NULL;
}

/* The letter of an operand's elements: what the name ends in, where A and B are of two kinds. */
static char letter(const struct instruction *t, int operand)
{
    const char *end = t->name + strlen(t->name) - 3;
    if (t->elements != 'p' && t->elements != 'g')
        return t->elements;
    return strncmp(operand ? end : end - 4, "fp8", 3) == 0 ? 'p' : 'g';
}

/* The small numbers -3 .. 3 in f8, E4M3 and E5M2 of OCP; fnuz has a bias of one more. */
static uint64_t f8_of(double x, bool e5m2, bool fnuz)
{
    static const uint8_t e4m3[] = { 0x00, 0x38, 0x40, 0x44 }, e5m2_bits[] = { 0x00, 0x3C, 0x40, 0x42 };
    const int n = (int)fabs(x);
    if (n == 0)
        return 0;
    const uint8_t magnitude = e5m2 ? (uint8_t)(e5m2_bits[n] + (fnuz ? 4 : 0)) : (uint8_t)(e4m3[n] + (fnuz ? 8 : 0));
    return magnitude | (x < 0 ? 0x80 : 0);
}

static uint64_t bits_of(const struct isa_wave *w, double x, char letter)
{
    switch (letter) {
    case 'h': return isa_f32_to_f16((float)x);
    case 'y': return isa_f32_to_bf16((float)x);
    case 'p':
    case 'g': return f8_of(x, letter == 'g', w->target->fp8_fnuz);
    case 'd': return isa_f64_bits(x);
    case 'i':
    case 'u': return (uint32_t)(int32_t)x;
    default: return isa_f32_bits((float)x);
    }
}

static void put_bits(struct isa_wave *w, int base, struct where at, int bits, uint64_t value)
{
    uint32_t *to = &w->v[base + at.reg][at.lane];
    if (bits >= 32) {
        to[0] = (uint32_t)value;
        if (bits == 64)
            to[ISA_LANES] = (uint32_t)(value >> 32);
        return;
    }
    const uint32_t mask = ((1u << bits) - 1) << at.bit;
    *to = (*to & ~mask) | ((uint32_t)value << at.bit & mask);
}

static double result_of(const struct isa_wave *w, int base, struct where at, const struct instruction *t, int bits)
{
    const uint32_t low = w->v[base + at.reg][at.lane];
    if (bits == 64)
        return isa_f64(low | (uint64_t)w->v[base + at.reg + 1][at.lane] << 32);
    if (bits == 16)
        return t->elements == 'h' ? isa_f16_to_f32(low >> at.bit & 0xFFFF) : isa_bf16_to_f32(low >> at.bit & 0xFFFF);
    return strchr("iu", t->elements) ? (double)(int32_t)low : (double)isa_f32(low);
}

enum { A_AT = 0, B_AT = 16, C_AT = 32, D_AT = 128 };

static void draw_matrices(const struct instruction *t, struct matrices *m)
{
    uint64_t state = 12;
    for (int b = 0; b < t->blocks; b++)
        for (int i = 0; i < t->edge; i++) {
            for (int k = 0; k < t->depth; k++) {
                m->a[b][i][k] = (int)(draw(&state) % 7) - 3;
                m->b[b][i][k] = (int)(draw(&state) % 7) - 3;
            }
            for (int j = 0; j < t->edge; j++)
                m->c[b][i][j] = (int)(draw(&state) % 9) - 4;
        }
}

static void load(struct isa_wave *w, const struct instruction *t, const struct document *f, const struct matrices *m)
{
    /* RDNA3 wants A and B in each group of 16 lanes. */
    const int copies = strncmp(t->document, "w11", 3) == 0 ? t->lanes / 16 : 1;
    const char c_letter = t->elements == 'i' || t->elements == 'u' ? 'i'
                          : f->result_bits == 64                   ? 'd'
                          : f->result_bits == 16                   ? t->elements
                                                                   : 'f';
    for (int b = 0; b < t->blocks; b++)
        for (int i = 0; i < t->edge; i++) {
            for (int k = 0; k < t->depth; k++)
                for (int copy = 0; copy < copies; copy++) {
                    struct where at = f->a(i, 0, k, b);
                    at.lane += 16 * copy;
                    put_bits(w, A_AT, at, f->bits, bits_of(w, m->a[b][i][k], letter(t, 0)));
                    put_bits(w, B_AT, at, f->bits, bits_of(w, m->b[b][i][k], letter(t, 1)));
                }
            for (int j = 0; j < t->edge; j++)
                put_bits(w, C_AT, f->d(i, j, 0, b), f->result_bits, bits_of(w, m->c[b][i][j], c_letter));
        }
}

static const char *registers(char *text, char kind, int first, int count)
{
    if (count == 1)
        snprintf(text, 24, "%c%d", kind, first);
    else
        snprintf(text, 24, "%c[%d:%d]", kind, first, first + count - 1);
    return text;
}

static void run_instruction(struct isa_wave *w, const struct instruction *t, const struct document *f,
                            const char *c_or_null, const char *modifiers)
{
    const int cells = t->edge * t->edge * t->blocks / t->lanes;
    const bool w11 = strncmp(t->document, "w11", 3) == 0;
    const int own = w11 ? t->depth : t->depth * t->edge * t->blocks / t->lanes;
    const int operand = (own * f->bits + 31) / 32;
    const int result = f->result_bits == 64 ? 2 * cells : f->result_bits == 16 && !w11 ? cells / 2 : cells;
    char text[256], d[24], a[24], b[24], c[24];
    snprintf(text, sizeof text, "%s %s, %s, %s, %s%s%s", t->name, registers(d, 'v', D_AT, result),
             registers(a, 'v', A_AT, operand), registers(b, 'v', B_AT, operand),
             c_or_null ? c_or_null : registers(c, 'v', C_AT, result), *modifiers ? " " : "", modifiers);
    run_to_go(w, text);
}

static void check_products(const struct isa_wave *w, const struct instruction *t, const struct document *f,
                           const struct matrices *m)
{
    for (int b = 0; b < t->blocks; b++)
        for (int i = 0; i < t->edge; i++)
            for (int j = 0; j < t->edge; j++) {
                double want = m->c[b][i][j];
                for (int k = 0; k < t->depth; k++)
                    want += m->a[b][i][k] * m->b[b][j][k];
                const double got = result_of(w, D_AT, f->d(i, j, 0, b), t, f->result_bits);
                if (got != want)
                    fail_msg("%s %s, %d lanes: block %d row %d column %d is %g, not %g", t->target, t->name, t->lanes,
                             b, i, j, got, want);
            }
}

static void test_layouts(void **state)
{
    (void)state;
    static struct matrices m;
    for (size_t n = 0; n < sizeof instructions / sizeof *instructions; n++) {
        const struct instruction *t = &instructions[n];
        const struct document *f = document_of(t);
        struct isa_wave *w = new_wave(t->target, t->lanes);
        set_exec(w, 0); /* no lane is active: it has no say */
        draw_matrices(t, &m);
        load(w, t, f, &m);
        run_instruction(w, t, f, NULL, t->elements == 'u' ? "neg_lo:[1,1,0]" : "");
        check_products(w, t, f, &m);
        free(w);
    }
}

/* k is numbered as the table does, too, which a product alone does not show: the order of sums follows from it. RDNA4's
 * 16-bit operands are the exception that isa/fragment.h names. */
static void test_numbering(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof instructions / sizeof *instructions; n++) {
        const struct instruction *t = &instructions[n];
        const struct document *f = document_of(t);
        const bool w11 = strncmp(t->document, "w11", 3) == 0, w12 = strncmp(t->document, "w12", 3) == 0;
        const struct isa_fragment shape = { w11                    ? ISA_LAYOUT_WMMA11
                                            : w12                  ? ISA_LAYOUT_WMMA12
                                            : f->result_bits == 64 ? ISA_LAYOUT_MFMA_WIDE
                                                                   : ISA_LAYOUT_MFMA,
                                            (uint32_t)t->lanes, (uint32_t)t->edge, (uint32_t)t->depth,
                                            (uint32_t)t->blocks };
        for (int b = 0; b < t->blocks; b++)
            for (int i = 0; i < t->edge; i++)
                for (int k = 0; k < t->depth; k++) {
                    if ((w12 && f->bits == 16) || (w12 && t->lanes == 64 && t->depth == 16 && f->bits == 4))
                        continue;
                    const struct where at = f->a(i, 0, k, b);
                    const uint32_t e = (uint32_t)(at.reg * 32 + at.bit) / (uint32_t)f->bits;
                    const struct isa_element got = isa_fragment_element(&shape, (uint32_t)at.lane, e);
                    if ((int)got.block != b || (int)got.line != i || (int)got.k != k)
                        fail_msg("%s: lane %d, element %u is not row %d, k %d of block %d", t->name, at.lane, e, i, k,
                                 b);
                }
    }
}

/* Every row is among the instructions. */
static void test_all_rows(void **state)
{
    (void)state;
    for (size_t r = 0; r < isa_row_count(); r++) {
        const struct isa_row *row = isa_row(r);
        bool found = row->class != ISA_CLASS_MATRIX || strncmp(row->name, "v_accvgpr", 9) == 0;
        for (size_t n = 0; n < sizeof instructions / sizeof *instructions; n++)
            found = found || strcmp(row->name, instructions[n].name) == 0;
        if (!found)
            fail_msg("%s has no row in the table of documents", row->name);
    }
}

static const struct instruction *instruction_of(const char *target, const char *name)
{
    for (size_t n = 0; n < sizeof instructions / sizeof *instructions; n++)
        if (strcmp(instructions[n].name, name) == 0 && strcmp(instructions[n].target, target) == 0)
            return &instructions[n];
    fail_msg("no %s", name);
    return NULL;
}

/* ---- Values ---------------------------------------------------------------------------------------------- */

/* Runs one instruction on A, B and C that are the same everywhere: bits of an element, twice or four times a word. */
static struct isa_wave *run_uniform(const char *target, int lanes, const char *text, uint32_t a, uint32_t b, uint32_t c)
{
    struct isa_wave *w = new_wave(target, lanes);
    for (int r = 0; r < 16; r++)
        for (int l = 0; l < ISA_LANES; l++) {
            w->v[A_AT + r][l] = a;
            w->v[B_AT + r][l] = b;
            w->v[C_AT + r][l] = c;
        }
    set_exec(w, 1);
    run_to_go(w, text);
    return w;
}

static uint32_t uniform(const char *target, int lanes, const char *text, uint32_t a, uint32_t b, uint32_t c)
{
    struct isa_wave *w = run_uniform(target, lanes, text, a, b, c);
    const uint32_t first = w->v[D_AT][0];
    for (int l = 1; l < lanes; l++)
        assert_int_equal(w->v[D_AT][l], first);
    free(w);
    return first;
}

#define MFMA_F16 "v_mfma_f32_16x16x16f16 v[128:131], v[0:1], v[16:17], "
#define WMMA_F32 "v_wmma_f32_16x16x16_f16 v[128:135], v[0:7], v[16:23], "
#define WMMA_F16 "v_wmma_f16_16x16x16_f16 v[128:135], v[0:7], v[16:23], "
#define WMMA_IU8 "v_wmma_i32_16x16x16_iu8 v[128:135], v[0:3], v[16:19], "

static void test_values(void **state)
{
    (void)state;
    const uint32_t one = 0x3C003C00, tiny = 0x00010001; /* f16: 1, 2^-24 */
    /* C is a constant. */
    assert_int_equal(uniform("gfx942", 64, "v_mfma_f32_16x16x16_f16 v[128:131], v[0:1], v[16:17], 1.0", one, one, 0),
                     isa_f32_bits(17));
    assert_int_equal(uniform("gfx1100", 32, WMMA_F32 "2.0", one, one, 0), isa_f32_bits(18));
    assert_int_equal(uniform("gfx1100", 32, WMMA_IU8 "3", 0x01010101, 0x02020202, 0), 35);
    assert_int_equal(uniform("gfx1100", 32, WMMA_F16 "-4.0", one, one, 0) & 0xFFFF, isa_f32_to_f16(12));
    /* Subnormals count, but on gfx90a. */
    assert_int_equal(uniform("gfx908", 64, MFMA_F16 "0", tiny, one, 0), isa_f32_bits(0x1p-20f));
    assert_int_equal(uniform("gfx90a", 64, MFMA_F16 "0", tiny, one, 0), 0);
    assert_int_equal(uniform("gfx942", 64, "v_mfma_f32_16x16x16_f16 v[128:131], v[0:1], v[16:17], 0", tiny, one, 0),
                     isa_f32_bits(0x1p-20f));
    assert_int_equal(
        uniform("gfx90a", 64, "v_mfma_f32_16x16x16bf16_1k v[128:131], v[0:1], v[16:17], 0", 0x00400040, 0x7F007F00, 0),
        0);
    assert_int_equal(uniform("gfx1100", 32, WMMA_F32 "0", tiny, one, 0), isa_f32_bits(0x1p-20f));
    /* Sums are of f32, in the order of k: 2^24 + 1 + ... + 1 stays where 1s come one by one. */
    assert_int_equal(uniform("gfx1100", 32, WMMA_F32 "v[32:39]", one, one, isa_f32_bits(0x1p24f)),
                     isa_f32_bits(0x1p24f));
    /* neg_lo and neg_hi: even and odd k of A and B; sign and magnitude of C. */
    assert_int_equal(uniform("gfx1100", 32, WMMA_F32 "v[32:39] neg_lo:[1,0,0] neg_hi:[1,0,0]", one, one, 0),
                     isa_f32_bits(-16));
    assert_int_equal(uniform("gfx1100", 32, WMMA_F32 "v[32:39] neg_lo:[0,1,1]", one, one, isa_f32_bits(3)),
                     isa_f32_bits(-3));
    assert_int_equal(uniform("gfx1100", 32, WMMA_F32 "v[32:39] neg_hi:[0,0,1]", one, one, isa_f32_bits(-3)),
                     isa_f32_bits(19));
    /* iu8: which operand is signed, and clamp. */
    assert_int_equal((int32_t)uniform("gfx1100", 32, WMMA_IU8 "0", 0xFFFFFFFF, 0x01010101, 0), 16 * 255);
    assert_int_equal((int32_t)uniform("gfx1100", 32, WMMA_IU8 "0 neg_lo:[1,0,0]", 0xFFFFFFFF, 0x01010101, 0), -16);
    assert_int_equal((int32_t)uniform("gfx1100", 32, WMMA_IU8 "0 neg_lo:[0,1,0]", 0x01010101, 0xFFFFFFFF, 0), -16);
    assert_int_equal(uniform("gfx1100", 32, WMMA_IU8 "v[32:39]", 0x01010101, 0x01010101, INT32_MAX), 0x8000000F);
    assert_int_equal(uniform("gfx1100", 32, WMMA_IU8 "v[32:39] clamp", 0x01010101, 0x01010101, INT32_MAX), INT32_MAX);
}

/* RDNA3: op_sel says which half of C and D holds them; the other half is kept. */
static void test_halves(void **state)
{
    (void)state;
    const uint32_t one = 0x3C003C00, c = 0x40004400; /* high 2, low 4 */
    struct isa_wave *w = run_uniform("gfx1100", 32, WMMA_F16 "v[32:39]", one, one, c);
    assert_int_equal(w->v[D_AT][5], 0xDEAD0000u | isa_f32_to_f16(20));
    free(w);
    w = run_uniform("gfx1100", 32, WMMA_F16 "v[32:39] op_sel:[0,0,1]", one, one, c);
    assert_int_equal(w->v[D_AT][5], isa_f32_to_f16(18) << 16 | D_AT);
    free(w);
}

/* cbsz and abid: 2^cbsz neighbouring blocks are made with one block of A. blgp: lanes of B. (CDNA3 ISA, tables of CBSZ,
 * ABID and BLGP.) */
static void test_broadcasts(void **state)
{
    (void)state;
    static struct matrices m, changed;
    const struct instruction *t = instruction_of("gfx908", "v_mfma_f32_4x4x1f32");
    const struct document *f = document_of(t);
    draw_matrices(t, &m);
    static const char *const text[] = { "cbsz:1 abid:1", "cbsz:2 abid:3", "cbsz:4 abid:9" };
    static const int shared[][3] = { { 2, 1 }, { 4, 3 }, { 16, 9 } };
    for (int n = 0; n < 3; n++) {
        struct isa_wave *w = new_wave(t->target, t->lanes);
        load(w, t, f, &m);
        run_instruction(w, t, f, NULL, text[n]);
        changed = m;
        for (int b = 0; b < t->blocks; b++)
            memcpy(changed.a[b], m.a[b / shared[n][0] * shared[n][0] + shared[n][1]], sizeof m.a[b]);
        check_products(w, t, f, &changed);
        free(w);
    }
    /* Lane l of B is in block l / 4: the patterns as the document's table has them, 16 lanes a column. */
    static const uint8_t patterns[8][4] = { { 0, 1, 2, 3 }, { 0, 1, 0, 1 }, { 2, 3, 2, 3 }, { 1, 2, 3, 0 },
                                            { 0, 0, 0, 0 }, { 1, 1, 1, 1 }, { 2, 2, 2, 2 }, { 3, 3, 3, 3 } };
    for (int n = 1; n < 8; n++) {
        char blgp[16];
        struct isa_wave *w = new_wave(t->target, t->lanes);
        load(w, t, f, &m);
        snprintf(blgp, sizeof blgp, "blgp:%d", n);
        run_instruction(w, t, f, NULL, blgp);
        changed = m;
        for (int b = 0; b < t->blocks; b++)
            memcpy(changed.b[b], m.b[patterns[n][b / 4] * 4 + b % 4], sizeof m.b[b]);
        check_products(w, t, f, &changed);
        free(w);
    }
}

static void test_moves(void **state)
{
    (void)state;
    struct isa_wave *w = new_wave("gfx908", 64);
    set_exec(w, 0xF0);
    run_to_go(w, "v_accvgpr_write_b32 a3, 2.0");
    assert_int_equal(w->v[ISA_ACC + 3][4], isa_f32_bits(2));
    assert_int_equal(w->v[ISA_ACC + 3][3], 0xDEAD0000u + ISA_ACC + 3);
    w->v[ISA_ACC + 3][5] = 77;
    run_to_go(w, "v_accvgpr_read_b32 v9, a3");
    assert_int_equal(w->v[9][5], 77);
    assert_int_equal(w->v[9][0], 0xDEAD0009u);
    free(w);
    w = new_wave("gfx90a", 64);
    set_exec(w, ~UINT64_C(0));
    run_to_go(w, "v_accvgpr_mov_b32 a1, a3");
    assert_int_equal(w->v[ISA_ACC + 1][63], 0xDEAD0000u + ISA_ACC + 3);
    free(w);
}

/* Every f16 and every f8 to f32 by the definition of the format, and f32 near every f16 back. */
static double by_definition(uint32_t bits, int exponent_bits, int mantissa_bits, int bias)
{
    const uint32_t mantissa = bits & ((1u << mantissa_bits) - 1);
    const int exponent = (int)(bits >> mantissa_bits & ((1u << exponent_bits) - 1));
    const double value = exponent ? ldexp(mantissa + (double)(1 << mantissa_bits), exponent - bias - mantissa_bits)
                                  : ldexp(mantissa, 1 - bias - mantissa_bits);
    return bits >> (exponent_bits + mantissa_bits) & 1 ? -value : value;
}

static void test_formats(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x10000; h++) {
        if ((h & 0x7C00) == 0x7C00)
            continue;
        const float x = isa_f16_to_f32(h);
        assert_true((double)x == by_definition(h, 5, 10, 15) && signbit(x) == (int)(h >> 15) * signbit(-1.f));
        assert_int_equal(isa_f32_to_f16(x), h);
        /* Half a step up goes to the even neighbour, a little less stays. */
        const uint32_t next = h + 1;
        const double middle = (x + ((next & 0x7FFF) == 0x7C00 ? copysign(65536, x) : isa_f16_to_f32(next))) / 2.0;
        assert_int_equal(isa_f32_to_f16((float)middle), h & 1 ? next : h);
        assert_int_equal(isa_f64_to_f16(middle), h & 1 ? next : h);
        assert_int_equal(isa_f64_to_f16(nextafter(middle, 0)), h);
        assert_int_equal(isa_f64_to_f16(nextafter(middle, 2 * middle)), next);
    }
    assert_int_equal(isa_f32_to_f16(INFINITY), 0x7C00);
    assert_int_equal(isa_f64_to_f16(-1e300), 0xFC00);
    assert_true(isnan(isa_f16_to_f32(isa_f32_to_f16(NAN))) && isnan(isa_f16_to_f32(isa_f64_to_f16((double)NAN))));
    assert_true(isinf(isa_f16_to_f32(0x7C00)));
    for (uint32_t b = 0; b < 256; b++) {
        const uint32_t low = b & 0x7F;
        if (low != 0x7F)
            assert_true(isa_f8_to_f32(b, 3, false) == (float)by_definition(b, 4, 3, 7));
        if (low < 0x7C)
            assert_true(isa_f8_to_f32(b, 2, false) == (float)by_definition(b, 5, 2, 15));
        if (b != 0x80) {
            assert_true(isa_f8_to_f32(b, 3, true) == (float)by_definition(b, 4, 3, 8));
            assert_true(isa_f8_to_f32(b, 2, true) == (float)by_definition(b, 5, 2, 16));
        }
    }
    assert_true(isnan(isa_f8_to_f32(0xFF, 3, false)) && isnan(isa_f8_to_f32(0x7D, 2, false)));
    assert_true(isinf(isa_f8_to_f32(0x7C, 2, false)) && isnan(isa_f8_to_f32(0x80, 3, true)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts), cmocka_unit_test(test_numbering), cmocka_unit_test(test_all_rows),
        cmocka_unit_test(test_values),  cmocka_unit_test(test_halves),    cmocka_unit_test(test_broadcasts),
        cmocka_unit_test(test_moves),   cmocka_unit_test(test_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
