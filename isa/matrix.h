/* matrix.h: a product of matrices of f32, between the class of matrix instructions (matrix.c), which knows lanes and
 * registers, and the file that multiplies (lanes_matrix.c), which is compiled twice (level.h).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_MATRIX_H
#define ATTN_ISA_MATRIX_H

#include <stdbool.h>
#include <stdint.h>

#include "isa/level.h"
#include "isa/rows/matrix.h"

enum isa_matrix_element {
#define X(NAME, bits) ISA_E_##NAME,
    ISA_MATRIX_ELEMENTS(X)
#undef X
};

enum {
    ISA_MATRIX_INPUTS = 64 * 16,     /* elements of A, of B: at most 16 a lane (i8, 128 bits); 16 x 16 of WMMA */
    ISA_MATRIX_RESULTS = 32 * 32 * 2 /* at most 32 registers */
};

struct isa_matrix_product {
    uint32_t edge, depth, blocks;
    enum isa_matrix_element a_type, b_type, result;
    uint32_t a_neg, b_neg; /* bit 0: of even k, bit 1: of odd k */
    bool c_neg, c_abs;
    bool flush;          /* subnormals of f16 and bf16 count as zero */
    bool fnuz;           /* what f8 is: narrow.h */
    uint32_t cbsz, abid; /* 2^cbsz neighbouring blocks are made with block abid of A among them */
    /* Bits: [block][k][line]; c, which becomes the result, [block][row][column]. [1]: the high words of f64. */
    uint32_t a[2][ISA_MATRIX_INPUTS], b[2][ISA_MATRIX_INPUTS], c[2][ISA_MATRIX_RESULTS];
};

/* The block of A that a block of the product is made with. */
static inline uint32_t isa_matrix_block(const struct isa_matrix_product *p, uint32_t block)
{
    return (block >> p->cbsz << p->cbsz) + (p->cbsz ? p->abid : 0);
}

/* Of elements and results that f32 holds. */
typedef void isa_matrix_multiply(struct isa_matrix_product *p);
isa_matrix_multiply isa_matrix_multiply_base, isa_matrix_multiply_v3;

#endif
