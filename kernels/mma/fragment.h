/* fragment.h: what the fragment classes of the matrix core families (mfma.h, wmma11.h, wmma12.h, sm80.h) share. mma.h
 * says what each member means.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_FRAGMENT_H
#define ATTN_MMA_FRAGMENT_H

#include "kernels/mma/element.h"
#if SIMT_HOST
#include "kernels/host/matrix.h"
#endif

/* WORDS: of a lane's operand; REGISTERS: of its accumulator. */
template <class E, int LANES, int WORDS, int REGISTERS> struct mma_fragment : E {
    static constexpr int WAVE = LANES, ACC = REGISTERS, Q_WORDS = WORDS;

    struct operand {
        uint32_t w[WORDS];
    };

    /* Weights in the order of the accumulator's registers, by two. */
    template <int N>
    static __device__ __forceinline__ void pack_weights(const float (&p)[ACC], uint32_t (&high)[N], uint32_t (&low)[N])
    {
        static_assert(2 * N == ACC, "pairs");
        SIMT_UNROLL
        for (int j = 0; j < N; j++) {
            high[j] = E::pack(p[2 * j], p[2 * j + 1]);
            if constexpr (E::P_PARTS > 1)
                low[j] = mma_pack_rest<E>(p[2 * j], p[2 * j + 1], high[j]);
        }
    }
    /* Where the accumulator of weights is an operand as it stands. */
    static __device__ __forceinline__ void weights(int, const float (&p)[ACC], operand (&out)[E::P_PARTS])
    {
        pack_weights(p, out[0].w, out[E::P_PARTS - 1].w);
    }
};

/* AMD's: scores are computed transposed, K Q^T, so that a lane has one query column, lane % 16; of the keys 16 lanes
 * have ACC neighbouring ones. FAMILY is the class that derives from this one and has multiply(acc, a, b). */
template <class FAMILY, class E, int LANES, int WORDS, int REGISTERS>
struct mma_transposed : mma_fragment<E, LANES, WORDS, REGISTERS> {
    using base = mma_fragment<E, LANES, WORDS, REGISTERS>;
    using base::ACC;
    using typename base::operand;
    static constexpr int SLOTS = 1, SHARE_FIRST = 16, SHARE_LAST = LANES / 2;
    static constexpr bool KEY_PAIRS = true, ASYNC = false;

    static __device__ __forceinline__ int column(int lane, int) { return lane % 16; }
    static __device__ __forceinline__ int slot(int) { return 0; }
    static __device__ __forceinline__ int key(int lane, int i) { return lane / 16 * ACC + i; }
    static __device__ __forceinline__ int output_d(int lane, int i, int t) { return 2 * FAMILY::key(lane, i) + t; }
    static __device__ __forceinline__ int q_slot(int) { return 0; }
    static __device__ __forceinline__ int q_d(int lane, int word) { return lane / 16 * ACC + 2 * word; }

    /* Words of V^T from pairs of rows first, first + 1 and so on, of one pair of columns. */
    static __device__ __forceinline__ void load_v_rows(const uint16_t *rows, int pitch, int lane, int first,
                                                       operand (&v)[2])
    {
        SIMT_UNROLL
        for (int j = 0; j < WORDS; j++) {
            const uint16_t *at = rows + (first + 2 * j) * pitch + 2 * (lane % 16);
            const uint32_t one = simt_load<uint32_t>(at), two = simt_load<uint32_t>(at + pitch);
            v[0].w[j] = mma_join_low(one, two);
            v[1].w[j] = mma_join_high(one, two);
        }
    }
    static __device__ __forceinline__ void load_v(const uint16_t *rows, int pitch, int lane, operand (&v)[2])
    {
        load_v_rows(rows, pitch, lane, lane / 16 * ACC, v);
    }
    static __device__ __forceinline__ void scores(float (&acc)[ACC], const operand &k, const operand &q)
    {
        FAMILY::multiply(acc, k, q);
    }
    static __device__ __forceinline__ void output(float (&acc)[ACC], const operand &v, const operand &p)
    {
        FAMILY::multiply(acc, v, p);
    }
};

#endif
