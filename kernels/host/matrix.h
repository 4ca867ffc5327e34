/* matrix.h: matrix instructions on the host executor. A kernel's fragment header (mma_*.h) calls these where a GPU has
 * the instruction: every lane of the wave hands in its registers, matrix.cc places them in the operands by the layout
 * that the instruction set's document gives, multiplies, and puts each lane's accumulator back. A device without the
 * instruction is a named failure.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_HOST_MATRIX_H
#define ATTN_HOST_MATRIX_H

#include <stdint.h>

enum simt_matrix {
    SIMT_MFMA_F16,   /* 16 x 16 x 16, wave64; lanes hand in A: 2 words, B: 2, accumulator: 4 */
    SIMT_MFMA_BF16,  /* the same; on gfx908 the two instructions of half the depth that it takes there */
    SIMT_WMMA11_F16, /* 16 x 16 x 16, wave32; A: 8, B: 8, accumulator: 8 */
    SIMT_WMMA11_BF16,
    SIMT_WMMA12_F16, /* 16 x 16 x 16, wave32; A: 4, B: 4, accumulator: 8 */
    SIMT_WMMA12_BF16,
    SIMT_SM80_F16, /* m16n8k16; A: 4, B: 2, accumulator: 4 */
    SIMT_SM80_BF16,
    SIMT_MATRIX_COUNT
};

extern "C" {
/* acc += A B. The three point to the calling lane's registers. */
void simt_host_matrix(int what, const uint32_t *a, const uint32_t *b, float *acc, int line)
    __attribute__((noduplicate));
/* ldmatrix.x4: own is the 16 bytes at the address that the lane gives, out its words of the four matrices. */
void simt_host_matrix_load(bool transposed, const uint32_t *own, uint32_t *out, int line) __attribute__((noduplicate));

/* wgmma, one wave's part: acc += A B with the wave's 16 rows of A, n columns of B (16 x n elements in LDS, where its
 * descriptor says; transposed: read across its rows), acc of n / 2 numbers a lane. A is 4 words of each lane, in
 * registers (rows is 0) or in LDS (rows is its descriptor). Of what is in LDS the wave reads its part together, before
 * the call and as ordinary accesses: of A lane l the 16-byte piece l, of B the pieces l, l + 32, ... below 2 n; they
 * are a's and b's words. */
void simt_host_wgmma(bool bf16, bool transposed, int n, uint64_t rows, uint64_t columns, const uint32_t *a,
                     const uint32_t *b, float *acc, int line) __attribute__((noduplicate));
/* Where a piece of A, of B lies. */
const void *simt_host_wgmma_row(uint64_t rows, int piece);
const void *simt_host_wgmma_piece(uint64_t columns, bool transposed, int n, int piece);
/* A place's address in LDS, as descriptors have it. */
uint32_t simt_host_lds_offset(const void *p);
/* What the thread wrote to LDS so far may be read by wgmma, after a barrier. */
void simt_host_publish(void);
}

#endif
