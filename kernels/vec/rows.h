/* rows.h: how vec reads rows of K and V where no copy of them is made.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_VEC_ROWS_H
#define ATTN_VEC_ROWS_H

#include "kernels/dequant.h"
#include "kernels/vec/columns.h"

namespace
{

/* What a lane holds of a row: PIECES times eight elements, LANES * 8 apart, each piece to be multiplied by its factor.
 */
template <int PIECES> struct row_part {
    simt_f32x4 v[2 * PIECES];
    float factor[PIECES];
};

/* The rows of a tile as one group of lanes reads them: in slot i its key i * GROUPS + group, or a live key in its
 * place. */
template <class S> struct row_walk {
    typedef typename S::slots slots;
    const char *base; /* the tile's first row */
    int64_t nb1;
    slots own, any; /* slots of this group that are live, and of all groups */
    int group;
    uint32_t spare; /* a live key of the tile */
    int d;          /* the lane's first element of a row */

    __device__ __forceinline__ const char *row(int slot) const
    {
        return base + (own >> slot & 1u ? (uint32_t)(slot * S::GROUPS + group) : spare) * nb1;
    }
    template <int N> __device__ __forceinline__ bool dead(int slot) const
    {
        return (any >> slot & ((slots(1) << N) - 1)) == 0;
    }
};

/* Calls use(slot, s, part) for the rows of all slots but those that are dead for every group, and after each STEPS of
 * them (s = 0 .. STEPS-1) done(slot of the first). Several rows are fetched before the first is used: as many as make
 * 64 bytes for a lane or a little more. The using code is compiled for each type, so that at most one row is held
 * decoded. */
template <class S, class USE, class DONE>
__device__ __forceinline__ void walk_rows(int type, bool wide, const row_walk<S> &walk, const USE &use,
                                          const DONE &done)
{
    constexpr int STEPS = S::STEPS, PIECES = S::PIECES;
    attn_with_row_loader(type, wide, [&](auto loader) __attribute__((always_inline)) {
        typedef typename decltype(loader)::raw raw_type;
        constexpr int BYTES = sizeof(raw_type) < 16 ? 8 : sizeof(raw_type) > 16 ? 32 : 16;
        constexpr int FETCH = STEPS * 16 > BYTES ? STEPS * 16 / BYTES : 1;
        constexpr int BATCH = FETCH > STEPS ? FETCH : STEPS;
        static_assert(BATCH % FETCH == 0 && S::LANES % BATCH == 0, "slots are cut evenly");
#pragma unroll 1
        for (int i = 0; i < S::LANES; i += BATCH) {
            if (walk.template dead<BATCH>(i))
                continue;
            const int d = simt_opaque(walk.d);
#pragma unroll
            for (int f = 0; f < BATCH; f += FETCH) {
                raw_type raw[FETCH * PIECES];
#pragma unroll
                for (int n = 0; n < FETCH * PIECES; n++)
                    raw[n] = loader.fetch(walk.row(i + f + n / PIECES), d + n % PIECES * S::LANES * 8);
#pragma unroll
                for (int r = 0; r < FETCH; r++) {
                    row_part<PIECES> part;
#pragma unroll
                    for (int p = 0; p < PIECES; p++) {
                        float x[8];
                        loader.decode_unscaled(raw[r * PIECES + p], x);
                        part.v[2 * p] = simt_make_f32x4(x[0], x[1], x[2], x[3]);
                        part.v[2 * p + 1] = simt_make_f32x4(x[4], x[5], x[6], x[7]);
                        part.factor[p] = loader.scale(raw[r * PIECES + p]);
                    }
                    use(i + f + r, (f + r) % STEPS, part);
                    if ((f + r) % STEPS == STEPS - 1)
                        done(i + f + r - (STEPS - 1));
                }
            }
        }
    });
}

/* Sums dot[s * COLUMNS + c] over the lanes of a row, for the STEPS rows that begin with `slot`, each lane a part of the
 * sums, and stores them: scores[place][c], places as lanes are numbered. */
template <class S>
__device__ __forceinline__ void store_scores(float (&dot)[S::STEPS * S::COLUMNS], int slot, int lane, float *scores)
{
    constexpr int COLUMNS = S::COLUMNS, N = S::STEPS * COLUMNS, LANES = S::LANES;
    constexpr int EACH = N > LANES ? N / LANES : 1;   /* sums that a lane ends up with, */
    constexpr int COPIES = N > LANES ? 1 : LANES / N; /* and lanes that have the same */
    const int group = lane / LANES, member = lane % LANES;
    simt_reduce_add_apart<LANES>(dot);
    if (member % COPIES != 0)
        return;
#pragma unroll
    for (int e = 0; e < EACH; e++)
        scores[(group * LANES + slot) * COLUMNS + member / COPIES * EACH + e] = dot[e];
}

} // namespace

#endif
