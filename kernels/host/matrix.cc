/* matrix.cc: emulates matrix instructions lane by lane. See matrix.h; the layouts of AMD's are isa/fragment.h's, which
 * the machine uses too and a test holds against AMD's documents; those of sm_80 are written down here, from the
 * operands' side: which element is in which lane and word.
 *
 * Products of f16 and bf16 are exact in f32; sums are rounded to nearest, in the order of k. Hardware may add in
 * another order and truncate: the error bound allows for that (reference/bound.c).
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/host/matrix.h"

#include "isa/fragment.h"
#include "kernels/host/executor.h"

#include <string.h>

namespace
{

struct product {
    float a[16][16]; /* [row][k] */
    float b[16][16]; /* [k][column] */
    float c[16][16]; /* [row][column] */
};

struct place {
    uint32_t row, column;
};

/* What an instruction's registers hold. Functions of lane and word give the first of a word's two elements; the second
 * is the next k. */
struct layout {
    int family; /* enum attn_matrix */
    bool bf16;
    uint32_t lanes, depth, columns;
    uint32_t words_a, words_b, registers;
    place (*a)(uint32_t lane, uint32_t word); /* row, k */
    place (*b)(uint32_t lane, uint32_t word); /* k, column */
    place (*c)(uint32_t lane, uint32_t i);
};

/* A word of A and of B, and an accumulator's number, by AMD's layouts. */
template <isa_layout LAYOUT, uint32_t LANES, uint32_t DEPTH> struct fragment {
    static constexpr isa_fragment shape = { LAYOUT, LANES, 16, DEPTH, 1 };
    static place a(uint32_t lane, uint32_t word)
    {
        const isa_element at = isa_fragment_element(&shape, lane, 2 * word);
        return { at.line, at.k };
    }
    static place b(uint32_t lane, uint32_t word)
    {
        const isa_element at = isa_fragment_element(&shape, lane, 2 * word);
        return { at.k, at.line };
    }
    static place c(uint32_t lane, uint32_t i)
    {
        const isa_cell at = isa_fragment_cell(&shape, lane, i);
        return { at.row, at.column };
    }
};
using mfma = fragment<ISA_LAYOUT_MFMA, 64, 16>;
using mfma8 = fragment<ISA_LAYOUT_MFMA, 64, 8>; /* gfx908, bf16 */
using wmma11 = fragment<ISA_LAYOUT_WMMA11, 32, 16>;
using wmma12 = fragment<ISA_LAYOUT_WMMA12, 32, 16>;

/* sm_80: quadrants of 8 x 8, in each of which four lanes hold a row (a column of B), two elements each. */
place sm80_a(uint32_t lane, uint32_t word)
{
    return { (lane >> 2) + (word & 1) * 8, (lane & 3) * 2 + (word >> 1) * 8 };
}
place sm80_b(uint32_t lane, uint32_t word) { return { (lane & 3) * 2 + word * 8, lane >> 2 }; }
place sm80_c(uint32_t lane, uint32_t i) { return { (lane >> 2) + (i >> 1) * 8, (lane & 3) * 2 + (i & 1) }; }

const layout layouts[SIMT_MATRIX_COUNT] = {
    { ATTN_MATRIX_MFMA, false, 64, 16, 16, 2, 2, 4, mfma::a, mfma::b, mfma::c },
    { ATTN_MATRIX_MFMA, true, 64, 16, 16, 2, 2, 4, mfma::a, mfma::b, mfma::c },
    { ATTN_MATRIX_WMMA_GFX11, false, 32, 16, 16, 8, 8, 8, wmma11::a, wmma11::b, wmma11::c },
    { ATTN_MATRIX_WMMA_GFX11, true, 32, 16, 16, 8, 8, 8, wmma11::a, wmma11::b, wmma11::c },
    { ATTN_MATRIX_WMMA_GFX12, false, 32, 16, 16, 4, 4, 8, wmma12::a, wmma12::b, wmma12::c },
    { ATTN_MATRIX_WMMA_GFX12, true, 32, 16, 16, 4, 4, 8, wmma12::a, wmma12::b, wmma12::c },
    { ATTN_MATRIX_MMA_SM80, false, 32, 16, 8, 4, 2, 4, sm80_a, sm80_b, sm80_c },
    { ATTN_MATRIX_MMA_SM80, true, 32, 16, 8, 4, 2, 4, sm80_a, sm80_b, sm80_c },
};
const layout mfma_bf16_of_8 = { ATTN_MATRIX_MFMA, true, 64, 8, 16, 1, 1, 4, mfma8::a, mfma8::b, mfma8::c };

SIMT_HOT_FUNCTION float widen(bool bf16, bool flush, uint32_t bits)
{
    if (flush && (bits & (bf16 ? 0x7F80u : 0x7C00u)) == 0)
        bits &= 0x8000u;
    return bf16 ? simt_bf16_to_f32(static_cast<uint16_t>(bits)) : simt_f16_to_f32(static_cast<uint16_t>(bits));
}

SIMT_HOT_FUNCTION void put(const layout &l, float (&to)[16][16], bool flush, place at, bool rows, uint32_t word)
{
    to[at.row][at.column] = widen(l.bf16, flush, word & 0xFFFFu);
    to[at.row + !rows][at.column + rows] = widen(l.bf16, flush, word >> 16);
}

/* RDNA3 wants both half-waves to hold the same operands. */
SIMT_HOT_FUNCTION bool repeated(const layout &l, const simt_operands *lanes)
{
    for (uint32_t lane = 0; lane < 16; lane++)
        if (memcmp(lanes[lane].a, lanes[lane + 16].a, 4 * l.words_a) != 0 ||
            memcmp(lanes[lane].b, lanes[lane + 16].b, 4 * l.words_b) != 0)
            return false;
    return true;
}

/* One instruction on words first_word .. of the operands. */
SIMT_HOT_FUNCTION void multiply(const layout &l, bool flush, uint32_t first_word, const simt_operands *lanes)
{
    product p;
    for (uint32_t lane = 0; lane < l.lanes; lane++) {
        for (uint32_t w = 0; w < l.words_a; w++)
            put(l, p.a, flush, l.a(lane, w), true, lanes[lane].a[first_word + w]);
        for (uint32_t w = 0; w < l.words_b; w++)
            put(l, p.b, flush, l.b(lane, w), false, lanes[lane].b[first_word + w]);
        for (uint32_t i = 0; i < l.registers; i++) {
            const place at = l.c(lane, i);
            p.c[at.row][at.column] = lanes[lane].acc[i];
        }
    }
    for (uint32_t row = 0; row < 16; row++)
        for (uint32_t k = 0; k < l.depth; k++) {
            const float x = p.a[row][k];
            for (uint32_t column = 0; column < l.columns; column++)
                p.c[row][column] += x * p.b[k][column];
        }
    for (uint32_t lane = 0; lane < l.lanes; lane++)
        for (uint32_t i = 0; i < l.registers; i++) {
            const place at = l.c(lane, i);
            lanes[lane].acc[i] = p.c[at.row][at.column];
        }
}

} // namespace

/* Word m of the result is row lane / 4 of matrix m, elements 2 * (lane % 4) and the next; transposed: those two rows'
 * element lane / 4. Lane 8 * m + r handed in row r of matrix m. */
SIMT_HOT_FUNCTION static void load_matrices(bool transposed, const simt_operands *lanes)
{
    uint16_t element[4][8][8];
    uint32_t words[32][4];
    for (uint32_t lane = 0; lane < 32; lane++)
        memcpy(element[lane / 8][lane % 8], lanes[lane].a, 16);
    for (uint32_t lane = 0; lane < 32; lane++)
        for (uint32_t m = 0; m < 4; m++) {
            const uint32_t major = lane / 4, minor = lane % 4 * 2;
            const uint16_t first = transposed ? element[m][minor][major] : element[m][major][minor];
            const uint16_t second = transposed ? element[m][minor + 1][major] : element[m][major][minor + 1];
            words[lane][m] = first | static_cast<uint32_t>(second) << 16;
        }
    for (uint32_t lane = 0; lane < 32; lane++)
        memcpy(lanes[lane].out, words[lane], 16);
}

void simt_matrix(struct simt_executor *ex, struct simt_wave *wave, int what)
{
    const struct attn_device *device = ex->launch->device;
    const simt_operands *lanes = ex->operands + wave->first;
    const bool loading = what >= SIMT_MATRIX_COUNT;
    const layout &l = layouts[loading ? SIMT_SM80_F16 : what];
    if (!attn_matrix_runs(device->matrix, l.family) || wave->lanes != l.lanes)
        simt_fail(ATTN_F_MATRIX, 0, 0, 0, "a matrix instruction that %s does not have, or with %u lanes of %u",
                  device->name, wave->lanes, l.lanes);
    if (loading) {
        load_matrices(what > SIMT_MATRIX_COUNT, lanes);
        return;
    }
    if (l.family == ATTN_MATRIX_WMMA_GFX11 && !repeated(l, lanes))
        simt_fail(ATTN_F_MATRIX, 0, 0, 0, "the half-waves hold different operands, %s wants them repeated",
                  device->name);
    const bool flush = device->matrix_flush != 0;
    if (what == SIMT_MFMA_BF16 && strcmp(device->name, "gfx908") == 0) {
        multiply(mfma_bf16_of_8, flush, 0, lanes);
        multiply(mfma_bf16_of_8, flush, 1, lanes);
    } else {
        multiply(l, flush, 0, lanes);
    }
}

SIMT_HOT_FUNCTION void simt_host_matrix(int what, const uint32_t *a, const uint32_t *b, float *acc, int line)
{
    simt_hot.executor->operands[simt_hot.fiber->thread] = { a, b, nullptr, acc, 0, 0 };
    simt_arrive(simt_key(SIMT_OP_MATRIX, what, 0, line));
}

SIMT_HOT_FUNCTION void simt_host_matrix_load(bool transposed, const uint32_t *own, uint32_t *out, int line)
{
    simt_hot.executor->operands[simt_hot.fiber->thread] = { own, nullptr, out, nullptr, 0, 0 };
    simt_arrive(simt_key(SIMT_OP_MATRIX, SIMT_MATRIX_COUNT + transposed, 0, line));
}
