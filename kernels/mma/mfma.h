/* mfma.h: fragments of AMD's MFMA instructions on CDNA (wave64): V_MFMA_F32_16X16X16_F16 and its bf16 form.
 * mma.h says what each member means.
 *
 * Layout, of lane l (AMD Instinct MI100, MI200, MI300 Instruction Set Architecture documents, chapter Matrix Arithmetic
 * Instructions; AMD Matrix Instruction Calculator): A holds row l % 16, k = 4 * (l / 16) + j; B the same of column
 * l % 16; register i of the accumulator is row 4 * (l / 16) + i, column l % 16. gfx908 has bf16 with k = 2 * (l / 16)
 * + j only, 8 in one instruction: two of them take the two words of a lane one after the other.
 *
 * Scores are computed transposed, K Q^T, so that a lane has one query column, and the accumulator of weights is the
 * operand B of V^T P^T as it stands.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_MFMA_H
#define ATTN_MMA_MFMA_H

#include "kernels/mma/element.h"
#if SIMT_HOST
#include "kernels/host/matrix.h"
#endif

template <class E> struct mma_mfma : E {
    static constexpr int WAVE = 64, SLOTS = 1, ACC = 4, Q_WORDS = 2, SHARE_FIRST = 16, SHARE_LAST = 32;
    static constexpr bool KEY_PAIRS = true;
    static constexpr bool ASYNC = false;

    struct operand {
        uint32_t w[2];
    };

    static __device__ __forceinline__ int column(int lane, int) { return lane % 16; }
    static __device__ __forceinline__ int slot(int) { return 0; }
    static __device__ __forceinline__ int key(int lane, int i) { return lane / 16 * 4 + i; }
    static __device__ __forceinline__ int output_d(int lane, int i, int t) { return 2 * key(lane, i) + t; }
    static __device__ __forceinline__ int q_slot(int) { return 0; }
    static __device__ __forceinline__ int q_d(int lane, int word) { return lane / 16 * 4 + 2 * word; }

    static __device__ __forceinline__ operand load_k(const uint16_t *rows, int pitch, int lane)
    {
        const simt_u32x2 pair = simt_load<simt_u32x2>(rows + lane % 16 * pitch + lane / 16 * 4);
        return { { pair.x, pair.y } };
    }
    static __device__ __forceinline__ void load_v(const uint16_t *rows, int pitch, int lane, operand (&v)[2])
    {
        uint32_t pair[4];
        SIMT_UNROLL
        for (int j = 0; j < 4; j++)
            pair[j] = simt_load<uint32_t>(rows + (lane / 16 * 4 + j) * pitch + 2 * (lane % 16));
        SIMT_UNROLL
        for (int j = 0; j < 2; j++) {
            v[0].w[j] = mma_join_low(pair[2 * j], pair[2 * j + 1]);
            v[1].w[j] = mma_join_high(pair[2 * j], pair[2 * j + 1]);
        }
    }
    static __device__ __forceinline__ void weights(int, const float (&p)[ACC], operand (&out)[E::P_PARTS])
    {
        SIMT_UNROLL
        for (int j = 0; j < 2; j++) {
            out[0].w[j] = E::pack(p[2 * j], p[2 * j + 1]);
            if constexpr (E::P_PARTS > 1)
                out[1].w[j] = mma_pack_rest<E>(p[2 * j], p[2 * j + 1], out[0].w[j]);
        }
    }

    static __device__ __forceinline__ void multiply(float (&acc)[ACC], const operand &a, const operand &b)
    {
#if SIMT_HOST
        simt_host_matrix(E::BF16 ? SIMT_MFMA_BF16 : SIMT_MFMA_F16, a.w, b.w, acc, __LINE__);
#elif defined(__gfx908__) || defined(__gfx90a__) || defined(__gfx942__) || defined(__gfx950__)
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
