/* wmma12.h: fragments of AMD's WMMA instructions on RDNA4 (wave32): V_WMMA_F32_16X16X16_F16 and _BF16. mma.h says
 * what each member means.
 *
 * Layout, of lane l (AMD RDNA4 Instruction Set Architecture, section Wave Matrix Multiply Accumulate): A holds row
 * l % 16, k = 8 * (l / 16) + j; B the same of column l % 16; register i of the accumulator is row 8 * (l / 16) + i,
 * column l % 16. Nothing is repeated, unlike RDNA3.
 *
 * Scores are computed transposed, K Q^T, so that a lane has one query column, and the accumulator of weights is the
 * operand B of V^T P^T as it stands.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_WMMA12_H
#define ATTN_MMA_WMMA12_H

#include "kernels/mma/element.h"
#if SIMT_HOST
#include "kernels/host/matrix.h"
#endif

template <class E> struct mma_wmma12 : E {
    static constexpr int WAVE = 32, SLOTS = 1, ACC = 8, Q_WORDS = 4, SHARE_FIRST = 16, SHARE_LAST = 16;
    static constexpr bool KEY_PAIRS = true;
    static constexpr bool ASYNC = false;

    struct operand {
        uint32_t w[4];
    };

    static __device__ __forceinline__ int column(int lane, int) { return lane % 16; }
    static __device__ __forceinline__ int slot(int) { return 0; }
    static __device__ __forceinline__ int key(int lane, int i) { return lane / 16 * 8 + i; }
    static __device__ __forceinline__ int output_d(int lane, int i, int t) { return 2 * key(lane, i) + t; }
    static __device__ __forceinline__ int q_slot(int) { return 0; }
    static __device__ __forceinline__ int q_d(int lane, int word) { return lane / 16 * 8 + 2 * word; }

    static __device__ __forceinline__ operand load_k(const uint16_t *rows, int pitch, int lane)
    {
        const simt_u32x4 v = simt_load<simt_u32x4>(rows + lane % 16 * pitch + lane / 16 * 8);
        return { { v.x, v.y, v.z, v.w } };
    }
    static __device__ __forceinline__ void load_v(const uint16_t *rows, int pitch, int lane, operand (&v)[2])
    {
        SIMT_UNROLL
        for (int j = 0; j < 4; j++) {
            const uint16_t *at = rows + (lane / 16 * 8 + 2 * j) * pitch + 2 * (lane % 16);
            const uint32_t first = simt_load<uint32_t>(at), second = simt_load<uint32_t>(at + pitch);
            v[0].w[j] = mma_join_low(first, second);
            v[1].w[j] = mma_join_high(first, second);
        }
    }
    static __device__ __forceinline__ void weights(int, const float (&p)[ACC], operand (&out)[E::P_PARTS])
    {
        SIMT_UNROLL
        for (int j = 0; j < 4; j++) {
            out[0].w[j] = E::pack(p[2 * j], p[2 * j + 1]);
            if constexpr (E::P_PARTS > 1)
                out[1].w[j] = mma_pack_rest<E>(p[2 * j], p[2 * j + 1], out[0].w[j]);
        }
    }

    static __device__ __forceinline__ void multiply(float (&acc)[ACC], const operand &a, const operand &b)
    {
#if SIMT_HOST
        simt_host_matrix(E::BF16 ? SIMT_WMMA12_BF16 : SIMT_WMMA12_F16, a.w, b.w, acc, __LINE__);
#elif defined(__gfx1200__) || defined(__gfx1201__)
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
#else /* the host's side of a HIP program */
        (void)acc;
        (void)a;
        (void)b;
#endif
    }
    static __device__ __forceinline__ void scores(float (&acc)[ACC], const operand &k, const operand &q)
    {
        multiply(acc, k, q);
    }
    static __device__ __forceinline__ void output(float (&acc)[ACC], const operand &v, const operand &p)
    {
        multiply(acc, v, p);
    }
};

#endif
