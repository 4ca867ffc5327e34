/* matrix_s8.cc: the matrix instruction of sm_80 and later for signed bytes, simt_matrix_s8 in simt.h.
 *
 * Layout: PTX ISA, "Matrix Fragments for mma.m16n8k32" (integer types): with g = lane / 4 and t = lane % 4, word w of A
 * is row g + 8 * (w % 2), columns 16 * (w / 2) + 4 t ... + 3; word w of B is rows 16 w + 4 t ... + 3 of column g;
 * number i of the product is row g + 8 * (i / 2), column 2 t + i % 2.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/host/executor.h"

#include <string.h>

SIMT_HOT_FUNCTION simt_u32x4 simt_host_matrix_s8(simt_u32x4 a, simt_u32x2 b, int line)
{
    struct simt_executor *ex = simt_hot.executor;
    const struct simt_fiber *self = simt_hot.fiber;
    float (*in)[64] = ex->in[self->wave->number];
    const uint32_t words[6] = { a.x, a.y, a.z, a.w, b.x, b.y };
    for (int i = 0; i < 6; i++)
        memcpy(&in[i][self->lane], &words[i], 4);
    simt_arrive(simt_key(SIMT_OP_MATRIX_S8, 32, 0, line));
    return __builtin_bit_cast(simt_u32x4, ex->out[self->thread][0]);
}

SIMT_HOT_FUNCTION void simt_matrix_s8(struct simt_executor *ex, struct simt_wave *wave)
{
    const struct attn_device *device = ex->launch->device;
    if (!attn_matrix_runs(device->matrix, ATTN_MATRIX_MMA_SM80) || wave->lanes != 32)
        simt_fail(ATTN_F_MATRIX, 0, 0, 0, "a matrix instruction that %s does not have, or with %u lanes of 32",
                  device->name, wave->lanes);
    const float (*in)[64] = ex->in[wave->number];
    int16_t a[16][32], b[8][32];
    for (uint32_t lane = 0; lane < 32; lane++)
        for (uint32_t w = 0; w < 6; w++) {
            int8_t bytes[4];
            memcpy(bytes, &in[w][lane], 4);
            int16_t *to = w < 4 ? &a[lane / 4 + 8 * (w % 2)][16 * (w / 2) + 4 * (lane % 4)]
                                : &b[lane / 4][16 * (w - 4) + 4 * (lane % 4)];
            for (int i = 0; i < 4; i++)
                to[i] = bytes[i];
        }
    for (uint32_t lane = 0; lane < 32; lane++) {
        int32_t product[4];
        for (uint32_t i = 0; i < 4; i++) {
            const int16_t *row = a[lane / 4 + 8 * (i / 2)], *column = b[2 * (lane % 4) + i % 2];
            int32_t sum = 0;
            for (int k = 0; k < 32; k++)
                sum += row[k] * column[k];
            product[i] = sum;
        }
        memcpy(&ex->out[wave->first + lane][0], product, 16);
    }
}
