/* wmma11.h: fragments of AMD's WMMA instructions on RDNA3 (wave32): V_WMMA_F32_16X16X16_F16 and _BF16. mma.h says
 * what each member means.
 *
 * Layout, of lane l (AMD RDNA3 Instruction Set Architecture, section Wave Matrix Multiply Accumulate): A holds row
 * l % 16, all 16 k, and lanes 16 .. 31 repeat lanes 0 .. 15; B the same of column l % 16; register i of the accumulator
 * is row 2 * i + l / 16, column l % 16.
 *
 * A half-wave has every other key of a column; to become an operand of V^T P^T the two halves exchange their weights.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_WMMA11_H
#define ATTN_MMA_WMMA11_H

#include "kernels/mma/fragment.h"

template <class E> struct mma_wmma11 : mma_transposed<mma_wmma11<E>, E, 32, 8, 8> {
    using base = mma_transposed<mma_wmma11<E>, E, 32, 8, 8>;
    using base::ACC;
    using typename base::operand;
    static constexpr bool KEY_PAIRS = false;

    static __device__ __forceinline__ int key(int lane, int i) { return 2 * i + lane / 16; }
    static __device__ __forceinline__ int q_d(int, int word) { return 2 * word; }

    static __device__ __forceinline__ operand load_k(const uint16_t *rows, int pitch, int lane)
    {
        const uint16_t *row = rows + lane % 16 * pitch;
        const simt_u32x4 low = simt_load<simt_u32x4>(row), high = simt_load<simt_u32x4>(row + 8);
        return { { low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w } };
    }
    static __device__ __forceinline__ void load_v(const uint16_t *rows, int pitch, int lane, operand (&v)[2])
    {
        base::load_v_rows(rows, pitch, lane, 0, v);
    }
    /* own: this lane's weights of keys 2i + half, packed by two; the other half-wave has those between. */
    static __device__ __forceinline__ void interleave(int lane, const uint32_t (&own)[4], operand &out)
    {
        SIMT_UNROLL
        for (int j = 0; j < 4; j++) {
            const uint32_t other = simt_shfl_xor<base::WAVE>(own[j], 16);
            const uint32_t even = lane < 16 ? own[j] : other, odd = lane < 16 ? other : own[j];
            out.w[2 * j] = mma_join_low(even, odd);
            out.w[2 * j + 1] = mma_join_high(even, odd);
        }
    }
    static __device__ __forceinline__ void weights(int lane, const float (&p)[ACC], operand (&out)[E::P_PARTS])
    {
        uint32_t own[4], rest[4];
        base::pack_weights(p, own, rest);
        interleave(lane, own, out[0]);
        if constexpr (E::P_PARTS > 1)
            interleave(lane, rest, out[1]);
    }

    static __device__ __forceinline__ void
    multiply([[maybe_unused]] float (&acc)[ACC], [[maybe_unused]] const operand &a, [[maybe_unused]] const operand &b)
    {
#if SIMT_HOST
        simt_host_matrix(E::BF16 ? SIMT_WMMA11_BF16 : SIMT_WMMA11_F16, a.w, b.w, acc, __LINE__);
#elif MMA_ON_GPU
        typedef float f32x8 __attribute__((ext_vector_type(8)));
        f32x8 c = { acc[0], acc[1], acc[2], acc[3], acc[4], acc[5], acc[6], acc[7] };
        if constexpr (E::BF16) {
            typedef short s16x16 __attribute__((ext_vector_type(16)));
            c = __builtin_amdgcn_wmma_f32_16x16x16_bf16_w32(__builtin_bit_cast(s16x16, a),
                                                            __builtin_bit_cast(s16x16, b), c);
        } else {
            typedef _Float16 f16x16 __attribute__((ext_vector_type(16)));
            c = __builtin_amdgcn_wmma_f32_16x16x16_f16_w32(__builtin_bit_cast(f16x16, a), __builtin_bit_cast(f16x16, b),
                                                           c);
        }
        SIMT_UNROLL
        for (int i = 0; i < ACC; i++)
            acc[i] = c[i];
#endif /* else the host's side of a HIP program */
    }
};

#endif
