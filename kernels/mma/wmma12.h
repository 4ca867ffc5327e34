/* wmma12.h: fragments of AMD's WMMA instructions on RDNA4 (wave32): V_WMMA_F32_16X16X16_F16 and _BF16. mma.h says
 * what each member means.
 *
 * Layout, of lane l (AMD RDNA4 Instruction Set Architecture, section Wave Matrix Multiply Accumulate): A holds row
 * l % 16, k = 8 * (l / 16) + j; B the same of column l % 16; register i of the accumulator is row 8 * (l / 16) + i,
 * column l % 16. Nothing is repeated, unlike RDNA3.
 *
 * The accumulator of weights is the operand B of V^T P^T as it stands.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_WMMA12_H
#define ATTN_MMA_WMMA12_H

#include "kernels/mma/fragment.h"

template <class E> struct mma_wmma12 : mma_transposed<mma_wmma12<E>, E, 32, 4, 8> {
    using base = mma_transposed<mma_wmma12<E>, E, 32, 4, 8>;
    using base::ACC;
    using typename base::operand;

    static __device__ __forceinline__ operand load_k(const uint16_t *rows, int pitch, int lane)
    {
        const simt_u32x4 v = simt_load<simt_u32x4>(rows + lane % 16 * pitch + lane / 16 * 8);
        return { { v.x, v.y, v.z, v.w } };
    }

    static __device__ __forceinline__ void
    multiply([[maybe_unused]] float (&acc)[ACC], [[maybe_unused]] const operand &a, [[maybe_unused]] const operand &b)
    {
#if SIMT_HOST
        simt_host_matrix(E::BF16 ? SIMT_WMMA12_BF16 : SIMT_WMMA12_F16, a.w, b.w, acc, __LINE__);
#elif MMA_ON_GPU
        typedef float f32x8 __attribute__((ext_vector_type(8)));
        f32x8 c = { acc[0], acc[1], acc[2], acc[3], acc[4], acc[5], acc[6], acc[7] };
        if constexpr (E::BF16) {
            typedef short s16x8 __attribute__((ext_vector_type(8)));
            c = __builtin_amdgcn_wmma_f32_16x16x16_bf16_w32_gfx12(__builtin_bit_cast(s16x8, a),
                                                                  __builtin_bit_cast(s16x8, b), c);
        } else {
            typedef _Float16 f16x8 __attribute__((ext_vector_type(8)));
            c = __builtin_amdgcn_wmma_f32_16x16x16_f16_w32_gfx12(__builtin_bit_cast(f16x8, a),
                                                                 __builtin_bit_cast(f16x8, b), c);
        }
        SIMT_UNROLL
        for (int i = 0; i < ACC; i++)
            acc[i] = c[i];
#endif /* else the host's side of a HIP program */
    }
};

#endif
