/* matrix.c: the class of matrix instructions: MFMA (CDNA), WMMA (RDNA3, RDNA4), and the accumulator moves.
 *
 * An instruction gathers A, B and C by its layout (fragment.h), multiplies, and puts D back. All lanes take part,
 * whatever EXEC says (CDNA3 and RDNA3 Instruction Set Architecture, the chapters that fragment.h names).
 *
 * What is documented: products of 16 and 8 bits are exact in f32; gfx90a takes f16 and bf16 subnormals of A and B as
 * zero (target.c). What is assumed, as no document says it: sums are rounded to nearest after each k, in the order of k
 * (hardware adds several at once and may keep more, or fewer, bits); f32 and f64 are fused multiply-adds; xf32 operands
 * are rounded to nearest; f16 and bf16 results are rounded once, from f32; MODE has no say.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/fragment.h"
#include "isa/narrow.h"
#include "isa/raw.h"
#include "isa/rows/matrix.h"

#include <math.h>

enum element {
#define X(NAME, bits) NAME,
    ISA_MATRIX_ELEMENTS(X)
#undef X
};
static const uint8_t bits_of[] = {
#define X(NAME, bits) [NAME] = (bits),
    ISA_MATRIX_ELEMENTS(X)
#undef X
};

enum row_number {
#define X(name, ...) ROW_##name,
    ISA_MATRIX_ROWS(X)
#undef X
};

struct shape {
    uint8_t layout, edge, depth, blocks, a, b, result;
};
static const struct shape shapes[] = {
#define X(name, layout, edge, depth, blocks, a, b, result) \
    [ROW_##name] = { ISA_LAYOUT_##layout, edge, depth, blocks, a, b, result },
    ISA_MATRIX_ROWS(X)
#undef X
};

enum {
    INPUTS = 64 * 16,     /* elements of A, of B: at most 16 a lane (i8, 128 bits); 16 x 16 of wmma */
    RESULTS = 32 * 32 * 2 /* at most 32 registers */
};

struct product {
    struct isa_fragment fragment;
    const struct shape *shape;
    uint64_t a[INPUTS], b[INPUTS]; /* bits of elements, [block][k][line] */
    uint64_t c[RESULTS];           /* bits of results, [block][row][column] */
};

/* The lane whose operand B a lane takes (CDNA3 ISA, table of BLGP). */
static uint32_t patterned(uint32_t lane, int blgp)
{
    switch (blgp) {
    case 1:
    case 2: return lane % 32 + 32 * (uint32_t)(blgp - 1);
    case 3: return (lane + 16) % 64;
    case 4:
    case 5:
    case 6:
    case 7: return lane % 16 + 16 * (uint32_t)(blgp - 4);
    default: return lane;
    }
}

static void gather(const struct isa_wave *w, const struct isa_operand *o, const struct product *p, enum element type,
                   int blgp, uint64_t *to)
{
    const struct isa_fragment *f = &p->fragment;
    const uint32_t own = isa_fragment_elements(f), bits = bits_of[type];
    for (uint32_t lane = 0; lane < f->lanes; lane++) {
        const uint32_t from = patterned(lane, blgp);
        for (uint32_t e = 0; e < own; e++) {
            const struct isa_element at = isa_fragment_element(f, lane, e);
            const uint32_t bit = e * bits;
            uint64_t value = w->v[o->reg + bit / 32][from];
            if (bits == 64)
                value |= (uint64_t)w->v[o->reg + bit / 32 + 1][from] << 32;
            else if (bits < 32)
                value = value >> bit % 32 & ((1u << bits) - 1);
            to[(at.block * f->depth + at.k) * f->edge + at.line] = value;
        }
    }
}

/* Where result r of a lane lies: register and, of 16 bits, first bit. */
static uint32_t place(const struct product *p, const struct isa_instr *i, uint32_t r, uint32_t *shift)
{
    const uint32_t bits = bits_of[p->shape->result];
    *shift = 0;
    if (bits == 64)
        return 2 * r;
    if (bits == 32)
        return r;
    if (p->fragment.layout == ISA_LAYOUT_WMMA12) { /* packed */
        *shift = r % 2 * 16;
        return r / 2;
    }
    *shift = i->op_sel & 4 ? 16 : 0; /* RDNA3: one half of each register, the other is kept */
    return r;
}

static void gather_results(const struct isa_wave *w, const struct isa_instr *i, struct product *p)
{
    const struct isa_fragment *f = &p->fragment;
    const struct isa_operand *o = &i->src[2];
    const uint32_t own = isa_fragment_cells(f), bits = bits_of[p->shape->result];
    for (uint32_t lane = 0; lane < f->lanes; lane++)
        for (uint32_t r = 0; r < own; r++) {
            const struct isa_cell at = isa_fragment_cell(f, lane, r);
            uint64_t value = o->value;
            if (o->place == ISA_P_VECTOR) {
                uint32_t shift;
                const uint32_t reg = o->reg + place(p, i, r, &shift);
                value = w->v[reg][lane] >> shift;
                if (bits == 64)
                    value |= (uint64_t)w->v[reg + 1][lane] << 32;
            }
            p->c[(at.block * f->edge + at.row) * f->edge + at.column] = value;
        }
}

static void put_results(struct isa_wave *w, const struct isa_instr *i, const struct product *p)
{
    const struct isa_fragment *f = &p->fragment;
    const uint32_t own = isa_fragment_cells(f), bits = bits_of[p->shape->result];
    for (uint32_t lane = 0; lane < f->lanes; lane++)
        for (uint32_t r = 0; r < own; r++) {
            const struct isa_cell at = isa_fragment_cell(f, lane, r);
            const uint64_t value = p->c[(at.block * f->edge + at.row) * f->edge + at.column];
            uint32_t shift;
            uint32_t *to = &w->v[i->dst[0].reg + place(p, i, r, &shift)][lane];
            if (bits == 16) {
                *to = (*to & ~(0xFFFFu << shift)) | (uint32_t)value << shift;
                continue;
            }
            to[0] = (uint32_t)value;
            if (bits == 64)
                to[ISA_LANES] = (uint32_t)(value >> 32); /* the same lane of the next register */
        }
}

/* f32 with 10 bits of mantissa, to nearest, ties to even. */
static float to_xf32(uint32_t bits)
{
    const uint32_t rounded = (bits + 0xFFF + (bits >> 13 & 1)) & ~0x1FFFu;
    return isa_f32((bits & 0x7F800000) == 0x7F800000 ? bits : rounded);
}

/* Elements as f32. neg: bits 0 and 1, of even and of odd k. */
static void widen(const struct isa_wave *w, const struct product *p, enum element type, int neg, const uint64_t *bits,
                  float *to)
{
    const struct isa_fragment *f = &p->fragment;
    const uint32_t count = f->blocks * f->depth * f->edge;
    const bool flush = w->target->mfma_flushes && (type == F16 || type == BF16);
    const bool fnuz = w->target->fp8_fnuz;
    for (uint32_t n = 0; n < count; n++) {
        uint32_t x = (uint32_t)bits[n];
        if (flush && (x & (type == F16 ? 0x7C00u : 0x7F80u)) == 0)
            x &= 0x8000u;
        to[n] = type == F16    ? isa_f16_to_f32(x)
                : type == BF16 ? isa_bf16_to_f32(x)
                : type == F8   ? isa_f8_to_f32(x, 3, fnuz)
                : type == BF8  ? isa_f8_to_f32(x, 2, fnuz)
                : type == XF32 ? to_xf32(x)
                               : isa_f32(x);
    }
    for (uint32_t n = 0; neg && n < count; n++)
        if (neg >> (n / f->edge % f->depth % 2) & 1)
            to[n] = -to[n];
}

/* The block of A that a block of the product is made with: CBSZ says how many share one, ABID which. */
static uint32_t shared_block(const struct isa_instr *i, uint32_t block)
{
    return (block >> i->cbsz << i->cbsz) + (i->cbsz ? i->abid : 0);
}

static int neg_of(const struct isa_instr *i, int k) { return (i->neg_lo >> k & 1) | (i->neg_hi >> k & 1) << 1; }

static void multiply_f32(const struct isa_wave *w, const struct isa_instr *i, struct product *p)
{
    const struct isa_fragment *f = &p->fragment;
    const enum element result = p->shape->result;
    const bool fused = p->shape->a == F32;
    float a[INPUTS], b[INPUTS], c[32];
    widen(w, p, p->shape->a, neg_of(i, 0), p->a, a);
    widen(w, p, p->shape->b, neg_of(i, 1), p->b, b);
    for (uint32_t block = 0; block < f->blocks; block++) {
        const float *ours = a + shared_block(i, block) * f->depth * f->edge;
        const float *theirs = b + block * f->depth * f->edge;
        for (uint32_t row = 0; row < f->edge; row++) {
            uint64_t *to = p->c + (block * f->edge + row) * f->edge;
            for (uint32_t n = 0; n < f->edge; n++) {
                const uint32_t x = (uint32_t)to[n];
                c[n] = result == F16 ? isa_f16_to_f32(x) : result == BF16 ? isa_bf16_to_f32(x) : isa_f32(x);
                /* Of C, neg_hi is the absolute value (RDNA3 ISA, WMMA). */
                c[n] = i->neg_hi & 4 ? fabsf(c[n]) : c[n];
                c[n] = i->neg_lo & 4 ? -c[n] : c[n];
            }
            for (uint32_t k = 0; k < f->depth; k++) {
                const float x = ours[k * f->edge + row], *y = theirs + k * f->edge;
                if (fused)
                    for (uint32_t n = 0; n < f->edge; n++)
                        c[n] = fmaf(x, y[n], c[n]);
                else
                    for (uint32_t n = 0; n < f->edge; n++)
                        c[n] += x * y[n];
            }
            for (uint32_t n = 0; n < f->edge; n++)
                to[n] = result == F16    ? isa_f32_to_f16(c[n])
                        : result == BF16 ? isa_f32_to_bf16(c[n])
                                         : isa_f32_bits(c[n]);
        }
    }
}

static void multiply_f64(const struct isa_instr *i, struct product *p)
{
    const struct isa_fragment *f = &p->fragment;
    /* gfx942: neg of A, B and C, in BLGP's place. */
    const int neg = i->neg_lo | i->blgp;
    for (uint32_t block = 0; block < f->blocks; block++)
        for (uint32_t row = 0; row < f->edge; row++)
            for (uint32_t column = 0; column < f->edge; column++) {
                uint64_t *to = &p->c[(block * f->edge + row) * f->edge + column];
                double c = isa_f64(*to);
                c = neg & 4 ? -c : c;
                for (uint32_t k = 0; k < f->depth; k++) {
                    const double x = isa_f64(p->a[(shared_block(i, block) * f->depth + k) * f->edge + row]);
                    const double y = isa_f64(p->b[(block * f->depth + k) * f->edge + column]);
                    c = fma(neg & 1 ? -x : x, neg & 2 ? -y : y, c);
                }
                *to = isa_f64_bits(c);
            }
}

static int32_t integer(enum element type, bool is_signed, uint64_t bits)
{
    const int above = 32 - bits_of[type];
    const uint32_t high = (uint32_t)bits << above;
    return is_signed ? (int32_t)high >> above : (int32_t)(high >> above);
}

static void multiply_i32(const struct isa_instr *i, struct product *p)
{
    const struct isa_fragment *f = &p->fragment;
    /* IU: neg_lo says which of A and B are signed. */
    const bool always = p->shape->a == I8, a_signed = always || i->neg_lo & 1, b_signed = always || i->neg_lo & 2;
    for (uint32_t block = 0; block < f->blocks; block++)
        for (uint32_t row = 0; row < f->edge; row++)
            for (uint32_t column = 0; column < f->edge; column++) {
                uint64_t *to = &p->c[(block * f->edge + row) * f->edge + column];
                int64_t c = (int32_t)(uint32_t)*to;
                for (uint32_t k = 0; k < f->depth; k++) {
                    const uint64_t x = p->a[(shared_block(i, block) * f->depth + k) * f->edge + row];
                    const uint64_t y = p->b[(block * f->depth + k) * f->edge + column];
                    c += (int64_t)integer(p->shape->a, a_signed, x) * integer(p->shape->b, b_signed, y);
                }
                if (i->clamp)
                    c = c > INT32_MAX ? INT32_MAX : c < INT32_MIN ? INT32_MIN : c;
                *to = (uint32_t)c;
            }
}

/* What of the modifiers an instruction does not have; NULL: all is well. */
static const char *misused(const struct isa_wave *w, const struct isa_instr *i, const struct shape *s)
{
    const bool wmma = s->layout == ISA_LAYOUT_WMMA11 || s->layout == ISA_LAYOUT_WMMA12;
    if (i->src[0].place != ISA_P_VECTOR || i->src[1].place != ISA_P_VECTOR)
        return "A and B are in vector registers";
    if (i->src[2].place != ISA_P_VECTOR && i->src[2].place != ISA_P_CONSTANT)
        return "C is in vector registers, or a constant";
    if (!wmma && w->lanes != 64)
        return "MFMA in a wave of 32 lanes";
    if (!wmma && i->cbsz && (1u << i->cbsz > s->blocks || i->abid >= 1u << i->cbsz))
        return "cbsz or abid beyond the blocks";
    if (wmma && s->layout == ISA_LAYOUT_WMMA12 && w->target->generation < ISA_GFX12)
        return "an instruction of gfx12";
    if (wmma && w->lanes == 64 && s->a == IU4 && s->depth == 16 && w->target->generation >= ISA_GFX12)
        return "iu4 with 16 columns in a wave of 64 lanes";
    return NULL;
}

enum isa_next isa_run_matrix(struct isa_wave *w, const struct isa_instr *i)
{
    const struct shape *s = &shapes[i->row->op.number];
    const char *wrong = misused(w, i, s);
    if (wrong)
        return isa_fail(w, i, ISA_STOP_UNSUPPORTED, -1, "%s", wrong);
    struct product p;
    p.shape = s;
    p.fragment = (struct isa_fragment){ (enum isa_layout)s->layout, (uint32_t)w->lanes, s->edge, s->depth, s->blocks };
    /* gfx12 has gfx11's names with its own layout. */
    if (s->layout == ISA_LAYOUT_WMMA11 && w->target->generation >= ISA_GFX12)
        p.fragment.layout = ISA_LAYOUT_WMMA12;
    gather(w, &i->src[0], &p, s->a, 0, p.a);
    gather(w, &i->src[1], &p, s->b, s->a == F64 ? 0 : i->blgp, p.b);
    gather_results(w, i, &p);
    if (s->result == F64)
        multiply_f64(i, &p);
    else if (s->result == I32)
        multiply_i32(i, &p);
    else
        multiply_f32(w, i, &p);
    put_results(w, i, &p);
    return ISA_GO;
}

/* v_accvgpr_read, _write, _mov: a register of the one kind to one of the other, in the active lanes. */
static enum isa_next run_move(struct isa_wave *w, const struct isa_instr *i)
{
    uint32_t tmp[ISA_LANES];
    isa_raw_put(w, i, 0, isa_raw(w, i, 0, 0, tmp));
    return ISA_GO;
}

/* Types: what a constant C is made as; how many registers an operand has its text says. */
#define TYPE_F32 ISA_T_F32
#define TYPE_F16 ISA_T_F16
#define TYPE_BF16 ISA_T_BF16
#define TYPE_F64 ISA_T_F64
#define TYPE_I32 ISA_T_I32

static const struct isa_row rows[] = {
#define X(name, layout, edge, depth, blocks, a, b, result) \
    { #name,                                               \
      ISA_CLASS_MATRIX,                                    \
      { TYPE_##result },                                   \
      { ISA_T_B128, ISA_T_B128, TYPE_##result },           \
      ISA_IGNORES_EXEC,                                    \
      isa_run_matrix,                                      \
      { .number = ROW_##name } },
    ISA_MATRIX_ROWS(X)
#undef X
#define X(name) { #name, ISA_CLASS_MATRIX, { ISA_T_B32 }, { ISA_T_B32 }, 0, run_move, { .number = 0 } },
        X(v_accvgpr_read_b32) X(v_accvgpr_write_b32) X(v_accvgpr_mov_b32)
#undef X
};

const struct isa_row_set isa_rows_matrix = { rows, sizeof rows / sizeof *rows };
