/* fragment.h: which element of a matrix lies in which lane and register: the layouts of AMD's matrix instructions, said
 * once for the machine (isa/matrix.c) and for the source executor's emulation (kernels/host/matrix.cc).
 *
 * Sources: AMD Matrix Instruction Calculator (its formulas "Register to matrix element mapping"); AMD Instinct MI100,
 * MI200 and MI300 Instruction Set Architecture, "Matrix Arithmetic Instructions"; RDNA3 and RDNA4 Instruction Set
 * Architecture, "Wave Matrix Multiply Accumulate". k is numbered alike in A and B, and any other numbering that both
 * share gives the same product: for gfx12 the one taken is that in which a lane's elements follow one another.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_FRAGMENT_H
#define ATTN_ISA_FRAGMENT_H

#include <stdint.h>

enum isa_layout {
    ISA_LAYOUT_MFMA,      /* CDNA: a lane has a line of one block and some of its k */
    ISA_LAYOUT_MFMA_WIDE, /* the same with results of 64 bits, whose rows lie otherwise */
    ISA_LAYOUT_WMMA11,    /* RDNA3: a lane has a whole line; lanes 16 apart have the same */
    ISA_LAYOUT_WMMA12     /* RDNA4: the lanes of a line have its k in parts */
};

struct isa_fragment {
    enum isa_layout layout;
    uint32_t lanes;
    uint32_t edge; /* rows of A, columns of B */
    uint32_t depth;
    uint32_t blocks; /* products that the instruction makes side by side */
};

/* An element of A or B: its row (of A) or column (of B) is `line`. */
struct isa_element {
    uint32_t block, line, k;
};
/* An element of C and D. */
struct isa_cell {
    uint32_t block, row, column;
};

/* Elements of A, and of B, that a lane has. */
static inline uint32_t isa_fragment_elements(const struct isa_fragment *f)
{
    return f->layout == ISA_LAYOUT_WMMA11 ? f->depth : f->depth * f->edge * f->blocks / f->lanes;
}

/* Element number e of a lane, counted from the low bits of its first register. */
static inline struct isa_element isa_fragment_element(const struct isa_fragment *f, uint32_t lane, uint32_t e)
{
    const uint32_t line = lane % f->edge, part = lane / (f->edge * f->blocks), own = isa_fragment_elements(f);
    switch (f->layout) {
    case ISA_LAYOUT_WMMA11: return (struct isa_element){ 0, line, e };
    case ISA_LAYOUT_WMMA12: /* of wave64 the upper half has the second half of each part */
        return (struct isa_element){ 0, line, part % 2 * (f->depth / 2) + part / 2 * own + e };
    default: return (struct isa_element){ lane / f->edge % f->blocks, line, part * own + e };
    }
}

/* Results that a lane has: registers, or pairs of them, or their halves where results are of 16 bits. */
static inline uint32_t isa_fragment_cells(const struct isa_fragment *f)
{
    return f->edge * f->edge * f->blocks / f->lanes;
}

/* Result number r of a lane. */
static inline struct isa_cell isa_fragment_cell(const struct isa_fragment *f, uint32_t lane, uint32_t r)
{
    const uint32_t column = lane % f->edge, part = lane / f->edge;
    switch (f->layout) {
    case ISA_LAYOUT_WMMA11: return (struct isa_cell){ 0, r * (f->lanes / 16) + part, column };
    case ISA_LAYOUT_WMMA12: return (struct isa_cell){ 0, part % 2 * 8 + part / 2 * isa_fragment_cells(f) + r, column };
    default: break;
    }
    /* MFMA: `height` rows lie in a lane one after the other, and `groups` lanes share a column of a block. */
    const uint32_t height = f->layout == ISA_LAYOUT_MFMA ? 4 : 1;
    const uint32_t in_a_register = f->lanes * height / (f->edge * f->edge);
    const uint32_t beside = in_a_register > 1 ? in_a_register : 1; /* blocks in one register */
    const uint32_t groups = f->lanes / (f->edge * beside);
    const uint32_t own = isa_fragment_cells(f) * beside / f->blocks; /* results of one block in a lane */
    const uint32_t block = beside > 1 ? part % beside : r / own, at = r % own;
    return (struct isa_cell){ block, at / height * (height * groups) + part / beside * height + at % height, column };
}

#endif
