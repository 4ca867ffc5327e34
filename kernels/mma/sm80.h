/* sm80.h: fragments of NVIDIA's mma.sync.m16n8k16 (sm_80 and later), loaded with ldmatrix. mma.h says what each
 * member means.
 *
 * Layout, of lane l with g = l / 4 and t = l % 4 (PTX ISA, Matrix Fragments for mma.m16n8k16 with floating point type;
 * Warp-level matrix load instruction: ldmatrix): word w of A is row g + 8 * (w % 2), k = 2 * t + 8 * (w / 2) and the
 * next; word w of B is column g, k = 2 * t + 8 * w and the next; register i of the accumulator is row g + 8 * (i / 2),
 * column 2 * t + i % 2. ldmatrix: lane 8 * m + r gives the address of row r of 8x8 matrix m, word m of the result is
 * row g, columns 2 * t and the next; with .trans rows 2 * t and the next, column g.
 *
 * Scores are Q K^T: two such products make a block of 16 keys, a lane has rows of two query columns, and the
 * accumulator of weights is the operand A of P V as it stands.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_SM80_H
#define ATTN_MMA_SM80_H

#include "kernels/mma/fragment.h"

template <class E> struct mma_sm80 : mma_fragment<E, 32, 4, 8> {
    using base = mma_fragment<E, 32, 4, 8>;
    using base::ACC;
    using typename base::operand;
    static constexpr int SLOTS = 2, SHARE_FIRST = 1, SHARE_LAST = 2;
    static constexpr bool KEY_PAIRS = true, ASYNC = true;

    static __device__ __forceinline__ int column(int lane, int slot) { return lane / 4 + 8 * slot; }
    static __device__ __forceinline__ int slot(int i) { return i / 2 % 2; }
    static __device__ __forceinline__ int key(int lane, int i) { return i / 4 * 8 + lane % 4 * 2 + i % 2; }
    static __device__ __forceinline__ int output_d(int lane, int i, int t) { return 16 * t + key(lane, i); }
    static __device__ __forceinline__ int q_slot(int word) { return word % 2; }
    static __device__ __forceinline__ int q_d(int lane, int word) { return lane % 4 * 2 + word / 2 * 8; }

    template <bool TRANSPOSED> static __device__ __forceinline__ operand load_matrices(const uint16_t *row)
    {
        operand out;
#if SIMT_HOST
        const simt_u32x4 bytes = simt_load<simt_u32x4>(row);
        const uint32_t own[4] = { bytes.x, bytes.y, bytes.z, bytes.w };
        simt_host_matrix_load(TRANSPOSED, own, out.w, __LINE__);
#elif defined(__CUDA_ARCH__)
        const uint32_t at = (uint32_t)__cvta_generic_to_shared(row);
        if constexpr (TRANSPOSED)
            asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                         : "=r"(out.w[0]), "=r"(out.w[1]), "=r"(out.w[2]), "=r"(out.w[3])
                         : "r"(at)
                         : "memory");
        else
            asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                         : "=r"(out.w[0]), "=r"(out.w[1]), "=r"(out.w[2]), "=r"(out.w[3])
                         : "r"(at)
                         : "memory");
#else
        (void)row;
        out = {};
#endif
        return out;
    }
    static __device__ __forceinline__ operand load_k(const uint16_t *rows, int pitch, int lane)
    {
        return load_matrices<false>(rows + (lane % 8 + lane / 16 * 8) * pitch + lane / 8 % 2 * 8);
    }
    static __device__ __forceinline__ void load_v(const uint16_t *rows, int pitch, int lane, operand (&v)[2])
    {
        const uint16_t *row = rows + lane % 16 * pitch + lane / 16 * 8;
        v[0] = load_matrices<true>(row);
        v[1] = load_matrices<true>(row + 16);
    }
    /* Of one panel of rows: its elements from 16 * quarter on, and from 32 * half on. */
    static __device__ __forceinline__ operand load_k_swizzled(const uint16_t *panel, int pitch, int lane, int quarter)
    {
        const int piece = 2 * quarter + lane / 8 % 2;
        return load_matrices<false>(panel + (lane % 8 + lane / 16 * 8) * pitch + 8 * (piece ^ lane % 8));
    }
    static __device__ __forceinline__ void load_v_swizzled(const uint16_t *panel, int pitch, int lane, int half,
                                                           operand (&v)[2])
    {
        const uint16_t *const row = panel + lane % 16 * pitch;
        const int piece = 4 * half + lane / 16;
        v[0] = load_matrices<true>(row + 8 * (piece ^ lane % 8));
        v[1] = load_matrices<true>(row + 8 * ((piece + 2) ^ lane % 8));
    }

    /* c += a b, b of eight columns: two words. */
    static __device__ __forceinline__ void product(float *c, const operand &a, const uint32_t *b)
    {
#if SIMT_HOST
        simt_host_matrix(E::BF16 ? SIMT_SM80_BF16 : SIMT_SM80_F16, a.w, b, c, __LINE__);
#elif defined(__CUDA_ARCH__)
        if constexpr (E::BF16)
            asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                "{%0, %1, %2, %3};"
                : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                : "r"(a.w[0]), "r"(a.w[1]), "r"(a.w[2]), "r"(a.w[3]), "r"(b[0]), "r"(b[1]));
        else
            asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                "{%0, %1, %2, %3};"
                : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                : "r"(a.w[0]), "r"(a.w[1]), "r"(a.w[2]), "r"(a.w[3]), "r"(b[0]), "r"(b[1]));
#else
        (void)c;
        (void)a;
        (void)b;
#endif
    }
    /* Columns FIRST .. FIRST + 7 of a product with 16. */
    template <int FIRST>
    static __device__ __forceinline__ void multiply(float (&acc)[ACC], const operand &a, const operand &b)
    {
        product(acc + FIRST / 2, a, b.w + FIRST / 4);
    }
    static __device__ __forceinline__ void scores(float (&acc)[ACC], const operand &k, const operand &q)
    {
        multiply<0>(acc, q, k);
        multiply<8>(acc, q, k);
    }
    static __device__ __forceinline__ void output(float (&acc)[ACC], const operand &v, const operand &p)
    {
        multiply<0>(acc, p, v);
        multiply<8>(acc, p, v);
    }
};

#endif
