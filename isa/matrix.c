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
#include "isa/matrix.h"
#include "isa/narrow.h"
#include "isa/raw.h"

#include <math.h>
#include <string.h>

static const uint8_t bits_of[] = {
#define X(NAME, bits) [ISA_E_##NAME] = (bits),
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
    [ROW_##name] = { ISA_LAYOUT_##layout, edge, depth, blocks, ISA_E_##a, ISA_E_##b, ISA_E_##result },
    ISA_MATRIX_ROWS(X)
#undef X
};

/* What is being computed: its matrices, and where in the lanes they lie. */
struct product {
    struct isa_fragment fragment;
    const struct shape *shape;
    struct isa_matrix_product m;
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

/* Lines follow one another in the lanes, as do columns of results: what lies in a group of `edge` lanes is moved at
 * once. A lane that repeats another's is not looked at (RDNA3 wants them alike). */
static uint32_t groups_of(const struct isa_fragment *f)
{
    return f->layout == ISA_LAYOUT_WMMA11 ? 1 : f->lanes / f->edge;
}

static void gather(const struct isa_wave *w, const struct isa_operand *o, const struct product *p, int type, int blgp,
                   uint32_t to[2][ISA_MATRIX_INPUTS])
{
    const struct isa_fragment *f = &p->fragment;
    const uint32_t own = isa_fragment_elements(f), bits = bits_of[type];
    const uint32_t mask = bits < 32 ? (1u << bits) - 1 : UINT32_MAX;
    for (uint32_t lane = 0; lane < groups_of(f) * f->edge; lane += f->edge)
        for (uint32_t e = 0; e < own; e++) {
            const struct isa_element at = isa_fragment_element(f, lane, e);
            const uint32_t first = (at.block * f->depth + at.k) * f->edge, bit = e * bits, shift = bit % 32;
            const uint32_t *from = w->v[o->reg + bit / 32];
            if (blgp)
                for (uint32_t n = 0; n < f->edge; n++)
                    to[0][first + n] = from[patterned(lane + n, blgp)] >> shift & mask;
            else
                for (uint32_t n = 0; n < f->edge; n++)
                    to[0][first + n] = from[lane + n] >> shift & mask;
            if (bits == 64)
                memcpy(&to[1][first], &from[ISA_LANES + lane], 4 * f->edge); /* the next register */
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
    for (uint32_t lane = 0; lane < f->lanes; lane += f->edge)
        for (uint32_t r = 0; r < own; r++) {
            const struct isa_cell at = isa_fragment_cell(f, lane, r);
            uint32_t shift, *to = &p->m.c[0][(at.block * f->edge + at.row) * f->edge];
            const uint32_t reg = o->reg + place(p, i, r, &shift);
            if (o->place != ISA_P_VECTOR) {
                for (uint32_t n = 0; n < f->edge; n++) {
                    to[n] = (uint32_t)o->value;
                    to[n + ISA_MATRIX_RESULTS] = (uint32_t)(o->value >> 32);
                }
                continue;
            }
            for (uint32_t n = 0; n < f->edge; n++)
                to[n] = w->v[reg][lane + n] >> shift & (bits == 16 ? 0xFFFF : UINT32_MAX);
            if (bits == 64)
                memcpy(to + ISA_MATRIX_RESULTS, &w->v[reg + 1][lane], 4 * f->edge);
        }
}

static void put_results(struct isa_wave *w, const struct isa_instr *i, const struct product *p)
{
    const struct isa_fragment *f = &p->fragment;
    const uint32_t own = isa_fragment_cells(f), bits = bits_of[p->shape->result];
    for (uint32_t lane = 0; lane < f->lanes; lane += f->edge)
        for (uint32_t r = 0; r < own; r++) {
            const struct isa_cell at = isa_fragment_cell(f, lane, r);
            const uint32_t *from = &p->m.c[0][(at.block * f->edge + at.row) * f->edge];
            uint32_t shift;
            const uint32_t reg = i->dst[0].reg + place(p, i, r, &shift);
            const uint32_t keep = bits == 16 ? ~(0xFFFFu << shift) : 0;
            for (uint32_t n = 0; n < f->edge; n++)
                w->v[reg][lane + n] = (w->v[reg][lane + n] & keep) | from[n] << shift;
            if (bits == 64)
                memcpy(&w->v[reg + 1][lane], from + ISA_MATRIX_RESULTS, 4 * f->edge);
        }
}

static double wide(uint32_t low, uint32_t high) { return isa_f64(low | (uint64_t)high << 32); }

static void multiply_f64(const struct isa_instr *i, struct product *p)
{
    const struct isa_fragment *f = &p->fragment;
    struct isa_matrix_product *m = &p->m;
    /* gfx942: neg of A, B and C, in BLGP's place. */
    const int neg = i->neg_lo | i->blgp;
    for (uint32_t block = 0; block < f->blocks; block++)
        for (uint32_t row = 0; row < f->edge; row++)
            for (uint32_t column = 0; column < f->edge; column++) {
                const uint32_t at = (block * f->edge + row) * f->edge + column;
                double c = wide(m->c[0][at], m->c[1][at]);
                c = neg & 4 ? -c : c;
                for (uint32_t k = 0; k < f->depth; k++) {
                    const uint32_t x = (isa_matrix_block(m, block) * f->depth + k) * f->edge + row;
                    const uint32_t y = (block * f->depth + k) * f->edge + column;
                    const double a = wide(m->a[0][x], m->a[1][x]), b = wide(m->b[0][y], m->b[1][y]);
                    c = fma(neg & 1 ? -a : a, neg & 2 ? -b : b, c);
                }
                m->c[0][at] = (uint32_t)isa_f64_bits(c);
                m->c[1][at] = (uint32_t)(isa_f64_bits(c) >> 32);
            }
}

static int32_t integer(int type, bool is_signed, uint32_t bits)
{
    const int above = 32 - bits_of[type];
    const uint32_t high = bits << above;
    return is_signed ? (int32_t)high >> above : (int32_t)(high >> above);
}

static void multiply_i32(const struct isa_instr *i, struct product *p)
{
    const struct isa_fragment *f = &p->fragment;
    struct isa_matrix_product *m = &p->m;
    /* IU: neg_lo says which of A and B are signed. */
    const bool always = p->shape->a == ISA_E_I8, a_signed = always || i->neg_lo & 1, b_signed = always || i->neg_lo & 2;
    for (uint32_t block = 0; block < f->blocks; block++)
        for (uint32_t row = 0; row < f->edge; row++)
            for (uint32_t column = 0; column < f->edge; column++) {
                uint32_t *to = &m->c[0][(block * f->edge + row) * f->edge + column];
                int64_t c = (int32_t)*to;
                for (uint32_t k = 0; k < f->depth; k++) {
                    const uint32_t x = m->a[0][(isa_matrix_block(m, block) * f->depth + k) * f->edge + row];
                    const uint32_t y = m->b[0][(block * f->depth + k) * f->edge + column];
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
    if (wmma && w->lanes == 64 && s->a == ISA_E_IU4 && s->depth == 16 && w->target->generation >= ISA_GFX12)
        return "iu4 with 16 columns in a wave of 64 lanes";
    return NULL;
}

/* RDNA3 wants each half-wave (each quarter of a wave of 64 lanes) to hold the same A and B: the first lane that does
 * not, or -1. */
static int not_repeated(const struct isa_wave *w, const struct isa_operand *o)
{
    for (int r = o->reg; r < o->reg + o->words; r++)
        for (int lane = 16; lane < w->lanes; lane++)
            if (w->v[r][lane] != w->v[r][lane % 16])
                return lane;
    return -1;
}

static uint32_t neg_of(const struct isa_instr *i, int k)
{
    return (uint32_t)(i->neg_lo >> k & 1) | (uint32_t)(i->neg_hi >> k & 1) << 1;
}

static void describe(const struct isa_wave *w, const struct isa_instr *i, const struct shape *s,
                     struct isa_matrix_product *m)
{
    m->edge = s->edge;
    m->depth = s->depth;
    m->blocks = s->blocks;
    m->a_type = s->a;
    m->b_type = s->b;
    m->result = s->result;
    m->a_neg = neg_of(i, 0);
    m->b_neg = neg_of(i, 1);
    m->c_neg = i->neg_lo & 4; /* of C, neg_hi is the absolute value (RDNA3 ISA, WMMA) */
    m->c_abs = i->neg_hi & 4;
    m->flush = w->target->mfma_flushes && (s->a == ISA_E_F16 || s->a == ISA_E_BF16);
    m->fnuz = w->target->fp8_fnuz;
    m->cbsz = i->cbsz;
    m->abid = i->abid;
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
    for (int k = 0; w->checked && p.fragment.layout == ISA_LAYOUT_WMMA11 && k < 2; k++) {
        const int lane = not_repeated(w, &i->src[k]);
        if (lane >= 0)
            return isa_fail(w, i, ISA_STOP_MATRIX, lane, "%c in this lane is not as in lane %d", "AB"[k], lane % 16);
    }
    describe(w, i, s, &p.m);
    gather(w, &i->src[0], &p, s->a, 0, p.m.a);
    gather(w, &i->src[1], &p, s->b, s->a == ISA_E_F64 ? 0 : i->blgp, p.m.b);
    gather_results(w, i, &p);
    if (s->result == ISA_E_F64)
        multiply_f64(i, &p);
    else if (s->result == ISA_E_I32)
        multiply_i32(i, &p);
    else
        (isa_wide() ? isa_matrix_multiply_v3 : isa_matrix_multiply_base)(&p.m);
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
