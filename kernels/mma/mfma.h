/* mfma.h: fragments of AMD's MFMA instructions on CDNA (wave64): V_MFMA_F32_16X16X16_F16 and its bf16 form.
 * mma.h says what each member means.
 *
 * Layout, of lane l (AMD Instinct MI100, MI200, MI300 Instruction Set Architecture documents, chapter Matrix Arithmetic
 * Instructions; AMD Matrix Instruction Calculator): A holds row l % 16, k = 4 * (l / 16) + j; B the same of column
 * l % 16; register i of the accumulator is row 4 * (l / 16) + i, column l % 16. gfx908 has bf16 with k = 2 * (l / 16)
 * + j only, 8 in one instruction: two of them take the two words of a lane one after the other.
 *
 * The accumulator of weights is the operand B of V^T P^T as it stands.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_MFMA_H
#define ATTN_MMA_MFMA_H

#include "kernels/mma/fragment.h"

template <class E> struct mma_mfma : mma_transposed<mma_mfma<E>, E, 64, 2, 4> {
    using base = mma_transposed<mma_mfma<E>, E, 64, 2, 4>;
    using base::ACC;
    using typename base::operand;

    static __device__ __forceinline__ operand load_k(const uint16_t *rows, int pitch, int lane)
    {
        const simt_u32x2 pair = simt_load<simt_u32x2>(rows + lane % 16 * pitch + lane / 16 * 4);
        return { { pair.x, pair.y } };
    }

    static __device__ __forceinline__ void
    multiply([[maybe_unused]] float (&acc)[ACC], [[maybe_unused]] const operand &a, [[maybe_unused]] const operand &b)
    {
#if SIMT_HOST
        simt_host_matrix(E::BF16 ? SIMT_MFMA_BF16 : SIMT_MFMA_F16, a.w, b.w, acc, __LINE__);
#elif MMA_ON_GPU
        typedef float f32x4 __attribute__((ext_vector_type(4)));
        f32x4 c = { acc[0], acc[1], acc[2], acc[3] };
        if constexpr (E::BF16) {
#if defined(__gfx908__)
            typedef short s16x2 __attribute__((ext_vector_type(2)));
            c = __builtin_amdgcn_mfma_f32_16x16x8bf16(__builtin_bit_cast(s16x2, a.w[0]),
                                                      __builtin_bit_cast(s16x2, b.w[0]), c, 0, 0, 0);
            c = __builtin_amdgcn_mfma_f32_16x16x8bf16(__builtin_bit_cast(s16x2, a.w[1]),
                                                      __builtin_bit_cast(s16x2, b.w[1]), c, 0, 0, 0);
#else
            typedef short s16x4 __attribute__((ext_vector_type(4)));
            c = __builtin_amdgcn_mfma_f32_16x16x16bf16_1k(__builtin_bit_cast(s16x4, a), __builtin_bit_cast(s16x4, b), c,
                                                          0, 0, 0);
#endif
        } else {
            typedef _Float16 f16x4 __attribute__((ext_vector_type(4)));
            c = __builtin_amdgcn_mfma_f32_16x16x16f16(__builtin_bit_cast(f16x4, a), __builtin_bit_cast(f16x4, b), c, 0,
                                                      0, 0);
        }
        acc[0] = c.x;
        acc[1] = c.y;
        acc[2] = c.z;
        acc[3] = c.w;
#endif /* else the host's side of a HIP program */
    }
};

#endif
