/* wgmma.cc: emulates wgmma.mma_async.m64nNk16 (sm_90a), wave by wave: of the 64 rows that a warpgroup multiplies each
 * of its waves has 16, and operand B is the same for all. See matrix.h; layouts from the PTX ISA, "Asynchronous
 * warpgroup-level matrix instructions", written down here from the operands' side: Register fragments        A and the
 * accumulator: quadrants of 8 x 8 as of mma.m16n8k16, one pair after another along N Matrix descriptor         bits
 * 0..13 start address / 16, 16..29 leading dimension byte offset / 16 (along N, from panel to panel, where B is read
 * across its rows), 32..45 stride dimension byte offset / 16 (from eight rows to the next eight), 49..51 base
 * offset, 62..63 swizzling mode, 1: 128 bytes Swizzling modes           of 128 bytes: bits 4..6 of an address are
 * exclusive-or'ed with bits 7..9
 *
 * What hardware leaves undefined is a named failure here: waves of a warpgroup that multiply other things than each
 * other, a descriptor that lanes do not agree on, and data in LDS that its writer has not passed on to the asynchronous
 * proxy (PTX ISA, "Async proxy": fence.proxy.async).
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/host/matrix.h"

#include "kernels/host/executor.h"
#include "planner/hash.h"

#include <initializer_list>
#include <string.h>

namespace
{

enum { GROUP_WAVES = 4, DEPTH = 16, ROWS = 16, COLUMNS_MAX = 256 };

struct matrix_descriptor {
    uint32_t start, panel, eight_rows; /* bytes */
    uint32_t base, swizzle;
};

matrix_descriptor fields_of(uint64_t bits)
{
    const auto field = [bits](int first, int count) {
        return static_cast<uint32_t>(bits >> first) & ((1u << count) - 1);
    };
    return { field(0, 14) << 4, field(16, 14) << 4, field(32, 14) << 4, field(49, 3), field(62, 2) };
}

/* One multiplication, of a wave's 16 rows. */
struct product {
    float a[ROWS][DEPTH];
    float b[DEPTH][COLUMNS_MAX];
    float c[ROWS][COLUMNS_MAX];
};

SIMT_HOT_FUNCTION float widen(bool bf16, uint32_t bits)
{
    return bf16 ? simt_bf16_to_f32(static_cast<uint16_t>(bits)) : simt_f16_to_f32(static_cast<uint16_t>(bits));
}

/* Has whoever wrote the 16 bytes at LDS offset `at` passed them on since? Who reads an LDS that nobody wrote is told
 * so by the access itself. */
SIMT_HOT_FUNCTION void check_passed_on(const struct simt_executor *ex, uint32_t at)
{
    for (uint32_t byte = at; byte < at + 16; byte += 2) {
        const uint32_t tag = simt_lds_written(ex, byte), who = tag & 4095u;
        if (tag >= simt_hot.block_start && who < SIMT_MAX_THREADS && ex->published[who] < tag >> 12)
            simt_fail(
                ATTN_F_MATRIX, byte, 2, who,
                "a warpgroup multiplies what thread %u wrote to LDS and has not passed on to the asynchronous proxy",
                who);
    }
}

} // namespace

uint32_t simt_host_lds_offset(const void *p)
{
    return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(p) - simt_hot.lds);
}

void simt_host_publish(void) { simt_hot.executor->published[simt_hot.fiber->thread] = simt_hot.fiber->wave->sync; }

/* The place of 16 bytes at an address that a descriptor leads to. */
SIMT_HOT_FUNCTION static const void *place_of(const matrix_descriptor &d, uint32_t at)
{
    if (d.swizzle != 1 || d.base != 0)
        simt_fail(ATTN_F_MATRIX, 0, 0, 0,
                  "a matrix descriptor with swizzling mode %u and base offset %u, only 128 bytes and 0 are known",
                  d.swizzle, d.base);
    at ^= at >> 3 & 0x70u;
    if (at + 16 <= simt_hot.lds_bytes)
        check_passed_on(simt_hot.executor, at);
    return reinterpret_cast<const void *>(simt_hot.lds + at); /* out of bounds: the access says so */
}

/* Eight elements of a row, from element k on. */
SIMT_HOT_FUNCTION static uint32_t address_in_row(const matrix_descriptor &d, uint32_t row, uint32_t k)
{
    return d.start + row / 8 * d.eight_rows + row % 8 * 128 + k * 2;
}

SIMT_HOT_FUNCTION const void *simt_host_wgmma_row(uint64_t rows, int piece)
{
    const matrix_descriptor d = fields_of(rows);
    const uint32_t row = simt_hot.fiber->wave->number % GROUP_WAVES * ROWS + static_cast<uint32_t>(piece) / 2;
    return place_of(d, address_in_row(d, row, static_cast<uint32_t>(piece) % 2 * 8));
}

SIMT_HOT_FUNCTION const void *simt_host_wgmma_piece(uint64_t columns, bool transposed, int n, int number)
{
    const matrix_descriptor d = fields_of(columns);
    const uint32_t piece = static_cast<uint32_t>(number), eighths = static_cast<uint32_t>(n) / 8;
    if (!transposed)
        return place_of(d, address_in_row(d, piece / 2, piece % 2 * 8));
    const uint32_t k = piece / eighths, first = piece % eighths * 8; /* of row k eight elements along N */
    return place_of(d, d.start + first / 64 * d.panel + k / 8 * d.eight_rows + k % 8 * 128 + first % 64 * 2);
}

SIMT_HOT_FUNCTION void simt_host_wgmma(bool bf16, bool transposed, int n, uint64_t rows, uint64_t columns,
                                       const uint32_t *a, const uint32_t *b, float *acc, int line)
{
    simt_hot.executor->operands[simt_hot.fiber->thread] = { a, b, nullptr, acc, rows, columns };
    simt_arrive(simt_key(SIMT_OP_WGMMA, bf16 | transposed << 1, n / 8, line));
}

SIMT_HOT_FUNCTION void simt_wgmma(struct simt_executor *ex, struct simt_wave *wave, int what, int eighths)
{
    const struct attn_device *device = ex->launch->device;
    const bool bf16 = what & 1, transposed = what & 2;
    const uint32_t n = static_cast<uint32_t>(eighths) * 8;
    const simt_operands *lanes = ex->operands + wave->first;
    if (device->matrix != ATTN_MATRIX_WGMMA_SM90 || wave->lanes != 32 || n == 0 || n > COLUMNS_MAX)
        simt_fail(ATTN_F_MATRIX, 0, 0, 0,
                  "a warpgroup's matrix instruction of %u columns that %s does not have, or with %u lanes of 32", n,
                  device->name, wave->lanes);
    product p;
    for (uint32_t lane = 0; lane < 32; lane++) {
        if (lanes[lane].rows != lanes[0].rows || lanes[lane].columns != lanes[0].columns)
            simt_fail(ATTN_F_MATRIX, 0, 0, wave->first + lane, "lanes give different matrix descriptors");
        for (uint32_t w = 0; w < 4; w++) {
            const bool in_lds = lanes[0].rows != 0;
            const uint32_t row = in_lds ? lane / 2 : lane / 4 + w % 2 * 8, word = lanes[lane].a[w];
            const uint32_t k = in_lds ? lane % 2 * 8 + w * 2 : lane % 4 * 2 + w / 2 * 8;
            p.a[row][k] = widen(bf16, word & 0xFFFFu);
            p.a[row][k + 1] = widen(bf16, word >> 16);
        }
        for (uint32_t i = 0; i < n / 4; i++) { /* words, of pieces lane, lane + 32, ... */
            const uint32_t piece = lane + i / 4 * 32, inner = i % 4 * 2, word = lanes[lane].b[i];
            const uint32_t k = transposed ? piece / (n / 8) : piece % 2 * 8 + inner;
            const uint32_t column = transposed ? piece % (n / 8) * 8 + inner : piece / 2;
            p.b[k][column] = widen(bf16, word & 0xFFFFu);
            p.b[k + !transposed][column + transposed] = widen(bf16, word >> 16);
        }
        for (uint32_t i = 0; i < n / 2; i++)
            p.c[lane / 4 + i / 2 % 2 * 8][i / 4 * 8 + lane % 4 * 2 + i % 2] = lanes[lane].acc[i];
    }
    for (uint32_t row = 0; row < ROWS; row++)
        for (uint32_t k = 0; k < DEPTH; k++) {
            const float x = p.a[row][k];
            for (uint32_t column = 0; column < n; column++)
                p.c[row][column] += x * p.b[k][column];
        }
    for (uint32_t lane = 0; lane < 32; lane++)
        for (uint32_t i = 0; i < n / 2; i++)
            lanes[lane].acc[i] = p.c[lane / 4 + i / 2 % 2 * 8][i / 4 * 8 + lane % 4 * 2 + i % 2];
    /* What the wave has taken part in since the last barrier. */
    ex->grouped = true;
    for (const uint64_t word : { lanes[0].rows, lanes[0].columns, wave->key })
        wave->group = attn_hash_u64(wave->group, word);
}

void simt_wgmma_agree(struct simt_executor *ex)
{
    if (!ex->grouped)
        return;
    ex->grouped = false;
    for (uint32_t w = 0; w < ex->waves; w++) {
        const uint32_t first = w / GROUP_WAVES * GROUP_WAVES;
        if (ex->waves < first + GROUP_WAVES || ex->wave[w].group != ex->wave[first].group)
            simt_fail(ATTN_F_MATRIX, 0, 0, ex->wave[w].first,
                      "wave %u takes part in other products than wave %u of its warpgroup", w, first);
    }
    for (uint32_t w = 0; w < ex->waves; w++)
        ex->wave[w].group = 0;
}
