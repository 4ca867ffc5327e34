/* packed.c: the class of packed instructions (VOP3P, and the VOP2 forms of them): two halves, or two words, at once;
 * dot products; multiply-adds of mixed widths.
 *
 * op_sel and op_sel_hi say which half of a source the low and the high result is made of, neg_lo and neg_hi negate
 * them.
 *
 * Sources: "Vega" 7nm, CDNA2, RDNA3, RDNA4 Instruction Set Architecture, "VOP3P Instructions" and "Packed Math".
 *
 * SPDX-License-Identifier: MIT */
#include "isa/packed.h"
#include "isa/raw.h"

enum { HALF = 0xFFFF, FLUSHED_F32_IN = 1 << 4, FLUSHED_F32_OUT = 1 << 5, F16_IN = 1 << 6, F16_OUT = 1 << 7 };

/* ---- Operands -------------------------------------------------------------------------------------------- */

/* Source k as pairs of 16 bits. A constant's high half is what its 32 bits have there. */
static const uint32_t *halves(const struct isa_wave *w, const struct isa_instr *i, int k, uint32_t tmp[ISA_LANES])
{
    const int type = i->row->src[k];
    const uint32_t *from = isa_raw(w, i, k, 0, tmp);
    const int low = i->op_sel >> k & 1 ? 16 : 0, high = i->op_sel_hi >> k & 1 ? 16 : 0;
    const bool is_float = type == ISA_T_PK_F16 || type == ISA_T_PK_BF16;
    const uint32_t flip = is_float ? (i->neg_lo >> k & 1) << 15 | (uint32_t)(i->neg_hi >> k & 1) << 31 : 0;
    const bool flush = type == ISA_T_PK_F16 && !(w->mode & F16_IN);
    if (low == 0 && high == 16 && flip == 0 && !flush)
        return from;
    for (int l = 0; l < ISA_LANES; l++) {
        uint32_t first = from[l] >> low & HALF, second = from[l] >> high & HALF;
        first = flush ? isa_flush_f16(first) : first;
        second = flush ? isa_flush_f16(second) : second;
        tmp[l] = (first | second << 16) ^ flip;
    }
    return tmp;
}

static bool clamps_nan(const struct isa_wave *w) { return w->target->generation >= ISA_GFX12 || (w->mode >> 8 & 1); }

static uint32_t clamp_f16(uint32_t half, bool nan_too)
{
    if (isa_nan_f16(half))
        return nan_too ? 0 : half;
    return half & 0x8000 ? 0 : half > 0x3C00 ? 0x3C00 : half;
}

static uint32_t clamp_f32(uint32_t x, bool nan_too)
{
    const float f = isa_f32(x);
    if (f != f)
        return nan_too ? 0 : x;
    return x >> 31 ? 0 : f > 1 ? 0x3F800000 : x;
}

/* Results of f16 in both halves: subnormals by MODE, clamp. */
static void finish_f16(const struct isa_wave *w, const struct isa_instr *i, uint32_t *value)
{
    if (!(w->mode & F16_OUT))
        for (int l = 0; l < ISA_LANES; l++)
            value[l] = isa_flush_f16(value[l] & HALF) | isa_flush_f16(value[l] >> 16) << 16;
    if (i->clamp)
        for (int l = 0; l < ISA_LANES; l++)
            value[l] = clamp_f16(value[l] & HALF, clamps_nan(w)) | clamp_f16(value[l] >> 16, clamps_nan(w)) << 16;
}

static void finish_f32(const struct isa_wave *w, const struct isa_instr *i, uint32_t *value)
{
    if (!(w->mode & FLUSHED_F32_OUT))
        for (int l = 0; l < ISA_LANES; l++)
            value[l] = isa_flush_f32(value[l]);
    if (i->clamp)
        for (int l = 0; l < ISA_LANES; l++)
            value[l] = clamp_f32(value[l], clamps_nan(w));
}

/* Directed roundings have no row here; nobody's code was seen to ask for one around packed instructions. */
static bool rounds_otherwise(const struct isa_wave *w, int type)
{
    return type == ISA_T_PK_F16 || type == ISA_T_F16
               ? (w->mode & 0xC) != 0
               : (type == ISA_T_PK_F32 || type == ISA_T_F32) && (w->mode & 3) != 0;
}

static enum isa_next refuse_rounding(struct isa_wave *w, const struct isa_instr *i)
{
    return isa_fail(w, i, ISA_STOP_UNSUPPORTED, -1, "a packed instruction with MODE's rounding not to nearest");
}

/* ---- Classes --------------------------------------------------------------------------------------------- */

/* Two results of 16 bits. */
enum isa_next isa_run_packed(struct isa_wave *w, const struct isa_instr *i)
{
    const struct isa_row *row = i->row;
    if (rounds_otherwise(w, row->dst[0]))
        return refuse_rounding(w, i);
    uint32_t tmp[3][ISA_LANES], out[ISA_LANES];
    const uint32_t *a = halves(w, i, 0, tmp[0]), *b = halves(w, i, 1, tmp[1]);
    const uint32_t *c = row->src[2] ? halves(w, i, 2, tmp[2]) : b;
    const struct isa_packed_how how = { (w->mode >> 9 & 1) != 0, i->clamp, i->neg_lo };
    isa_packed_of(row->op.number)(&how, a, b, c, out);
    if (row->dst[0] == ISA_T_PK_F16)
        finish_f16(w, i, out);
    isa_raw_put(w, i, 0, out);
    return ISA_GO;
}

/* Source k's word for the low result (half 0) or the high one. A constant's high word, of which the documents do not
 * say what it holds, the parser refuses. */
static const uint32_t *word(const struct isa_wave *w, const struct isa_instr *i, int k, int half, uint32_t *tmp)
{
    const int which = (half ? i->op_sel_hi : i->op_sel) >> k & 1;
    const uint32_t flip = (uint32_t)((half ? i->neg_hi : i->neg_lo) >> k & 1) << 31;
    const bool flush = !(w->mode & FLUSHED_F32_IN);
    const uint32_t *from = isa_raw(w, i, k, which, tmp);
    if (!flip && !flush)
        return from;
    for (int l = 0; l < ISA_LANES; l++)
        tmp[l] = (flush ? isa_flush_f32(from[l]) : from[l]) ^ flip;
    return tmp;
}

/* Two results of f32. Both are made before one is put away: the destination may be a source. */
static enum isa_next run_words(struct isa_wave *w, const struct isa_instr *i)
{
    const struct isa_row *row = i->row;
    if (rounds_otherwise(w, row->dst[0]))
        return refuse_rounding(w, i);
    const struct isa_packed_how how = { 0 };
    uint32_t tmp[3][ISA_LANES], out[2][ISA_LANES];
    for (int half = 0; half < 2; half++) {
        const uint32_t *a = word(w, i, 0, half, tmp[0]), *b = word(w, i, 1, half, tmp[1]);
        const uint32_t *c = row->src[2] ? word(w, i, 2, half, tmp[2]) : b;
        isa_packed_of(row->op.number)(&how, a, b, c, out[half]);
        finish_f32(w, i, out[half]);
    }
    isa_raw_put(w, i, 0, out[0]);
    isa_raw_put(w, i, 1, out[1]);
    return ISA_GO;
}

/* v_pk_mov_b32: the low result is of source 0, the high one of source 1; op_sel alone says which words. */
static enum isa_next run_move(struct isa_wave *w, const struct isa_instr *i)
{
    uint32_t tmp[2][ISA_LANES], out[2][ISA_LANES];
    for (int k = 0; k < 2; k++) {
        const uint32_t *from = isa_raw(w, i, k, i->op_sel >> k & 1, tmp[k]);
        for (int l = 0; l < ISA_LANES; l++)
            out[k][l] = from[l];
    }
    isa_raw_put(w, i, 0, out[0]);
    isa_raw_put(w, i, 1, out[1]);
    return ISA_GO;
}

/* Dot products. Of floats neg_lo negates c too, and clamp is to 0..1. */
static enum isa_next run_dot(struct isa_wave *w, const struct isa_instr *i)
{
    const struct isa_row *row = i->row;
    const bool is_float = row->dst[0] == ISA_T_F32;
    uint32_t tmp[3][ISA_LANES], out[ISA_LANES];
    const uint32_t *a = row->src[0] == ISA_T_B32 ? isa_raw(w, i, 0, 0, tmp[0]) : halves(w, i, 0, tmp[0]);
    const uint32_t *b = row->src[1] == ISA_T_B32 ? isa_raw(w, i, 1, 0, tmp[1]) : halves(w, i, 1, tmp[1]);
    const uint32_t *c = isa_raw(w, i, 2, 0, tmp[2]);
    if (is_float && i->neg_lo & 4) {
        for (int l = 0; l < ISA_LANES; l++)
            tmp[2][l] = c[l] ^ 0x80000000;
        c = tmp[2];
    }
    const struct isa_packed_how how = { false, !i->clamp ? 0 : row->dst[0] == ISA_T_U32 ? 2 : 1, i->neg_lo };
    isa_packed_of(row->op.number)(&how, a, b, c, out);
    for (int l = 0; is_float && i->clamp && l < ISA_LANES; l++)
        out[l] = clamp_f32(out[l], clamps_nan(w));
    /* Dual issue: both read before either writes. */
    const enum isa_next next = i->second ? i->second->row->run(w, i->second) : ISA_GO;
    if (next == ISA_GO)
        isa_raw_put(w, i, 0, out);
    return next;
}

/* v_dot2_f16_f16, v_dot2_bf16_bf16: VOP3, whose op_sel has one bit for c and one for the half that is written. */
static enum isa_next run_dot_half(struct isa_wave *w, const struct isa_instr *i)
{
    if (i->op_sel & 3 || i->clamp || i->src[0].neg || i->src[1].neg || i->src[2].neg || i->src[0].abs ||
        i->src[1].abs || i->src[2].abs)
        return isa_fail(w, i, ISA_STOP_UNSUPPORTED, -1, "a modifier of a dot product of 16 bits");
    uint32_t tmp[3][ISA_LANES], out[ISA_LANES];
    const uint32_t *a = isa_raw(w, i, 0, 0, tmp[0]), *b = isa_raw(w, i, 1, 0, tmp[1]);
    const uint32_t *from = isa_raw(w, i, 2, 0, tmp[2]), *old = w->v[i->dst[0].reg];
    const bool c_high = i->op_sel & 4 || i->src[2].half == ISA_HIGH;
    const bool high = i->op_sel & 8 || i->dst[0].half == ISA_HIGH;
    uint32_t c[ISA_LANES];
    for (int l = 0; l < ISA_LANES; l++)
        c[l] = from[l] >> (c_high ? 16 : 0) & HALF;
    const struct isa_packed_how how = { 0 };
    isa_packed_of(i->row->op.number)(&how, a, b, c, out);
    for (int l = 0; l < ISA_LANES; l++)
        out[l] = high ? (old[l] & HALF) | out[l] << 16 : (old[l] & ~(uint32_t)HALF) | out[l];
    isa_raw_put(w, i, 0, out);
    return ISA_GO;
}

/* Source k of a mixed multiply-add: f16 where op_sel_hi says so, of the half that op_sel names; else f32. The parser
 * makes a constant as what it is here. */
static void mixed(const struct isa_wave *w, const struct isa_instr *i, int k, uint32_t out[ISA_LANES])
{
    const struct isa_operand *o = &i->src[k];
    uint32_t tmp[ISA_LANES];
    const uint32_t *from = isa_raw(w, i, k, 0, tmp);
    if (i->op_sel_hi >> k & 1) {
        const int shift = i->op_sel >> k & 1 ? 16 : 0;
        const bool flush = !(w->mode & F16_IN);
        for (int l = 0; l < ISA_LANES; l++) {
            const uint32_t half = from[l] >> shift & HALF;
            out[l] = isa_f32_bits(isa_f16_to_f32(flush ? isa_flush_f16(half) : half));
        }
    } else {
        const bool flush = !(w->mode & FLUSHED_F32_IN);
        for (int l = 0; l < ISA_LANES; l++)
            out[l] = flush ? isa_flush_f32(from[l]) : from[l];
    }
    /* The text writes neg and abs at the operand; the encoding has them in neg_lo and neg_hi. */
    const bool abs = o->abs || (i->neg_hi >> k & 1), neg = o->neg || (i->neg_lo >> k & 1);
    const uint32_t keep = abs ? 0x7FFFFFFF : 0xFFFFFFFF, flip = neg ? 0x80000000 : 0;
    for (int l = 0; l < ISA_LANES; l++)
        out[l] = (out[l] & keep) ^ flip;
}

static enum isa_next run_mix(struct isa_wave *w, const struct isa_instr *i)
{
    if (rounds_otherwise(w, ISA_T_F32) || rounds_otherwise(w, i->row->dst[0]))
        return refuse_rounding(w, i);
    uint32_t a[ISA_LANES], b[ISA_LANES], c[ISA_LANES], out[ISA_LANES];
    mixed(w, i, 0, a);
    mixed(w, i, 1, b);
    mixed(w, i, 2, c);
    const struct isa_packed_how how = { 0 };
    isa_packed_of(ISA_PACKED_FUSED)(&how, a, b, c, out);
    const int half = (int)i->row->op.number;
    if (half == ISA_WHOLE) {
        finish_f32(w, i, out);
    } else {
        const int shift = half == ISA_HIGH ? 16 : 0;
        const uint32_t *old = w->v[i->dst[0].reg];
        for (int l = 0; l < ISA_LANES; l++)
            out[l] = isa_f32_to_f16(isa_f32(out[l]));
        finish_f16(w, i, out);
        for (int l = 0; l < ISA_LANES; l++)
            out[l] = (old[l] & ~((uint32_t)HALF << shift)) | (out[l] & HALF) << shift;
    }
    isa_raw_put(w, i, 0, out);
    return ISA_GO;
}

/* ---- The rows -------------------------------------------------------------------------------------------- */

#define TYPES_2(type) { ISA_T_##type, ISA_T_##type }
#define TYPES_3(type) { ISA_T_##type, ISA_T_##type, ISA_T_##type }
#define OP(name) { .number = ISA_PACKED_##name }

static const struct isa_row rows[] = {
#define X(name, sources, flags, expression) \
    { #name, ISA_CLASS_PACKED, { ISA_T_PK_F16 }, TYPES_##sources(PK_F16), flags, isa_run_packed, OP(name) },
    ISA_PACKED_F16(X)
#undef X
#define X(name, type, sources, expression) \
    { #name, ISA_CLASS_PACKED, { ISA_T_PK_##type }, TYPES_##sources(PK_##type), 0, isa_run_packed, OP(name) },
        ISA_PACKED_INTEGER(X)
#undef X
#define X(name, sources, expression) \
    { #name, ISA_CLASS_PACKED, { ISA_T_PK_F32 }, TYPES_##sources(PK_F32), 0, run_words, OP(name) },
            ISA_PACKED_F32(X)
#undef X
#define X(name, flags, type, result, expression)                                                            \
    { #name,   ISA_CLASS_PACKED, { ISA_T_##result }, { ISA_T_##type, ISA_T_##type, ISA_T_##result }, flags, \
      run_dot, OP(name) },
                ISA_DOT(X)
#undef X
#define X(name, type, expression)                                                                          \
    { #name,       ISA_CLASS_PACKED, { ISA_T_##type }, { ISA_T_PK_##type, ISA_T_PK_##type, ISA_T_##type }, \
      ISA_PARTIAL, run_dot_half,     OP(name) },
                    ISA_DOT_HALF(X)
#undef X
#define X(name, type, half)                                                                                \
    { #name,   ISA_CLASS_PACKED,    { ISA_T_##type }, TYPES_3(F32), (half) == ISA_WHOLE ? 0 : ISA_PARTIAL, \
      run_mix, { .number = (half) } },
                        ISA_MIX(X)
#undef X
                            { "v_pk_mov_b32",
                              ISA_CLASS_PACKED,
                              { ISA_T_PK_B32 },
                              TYPES_2(PK_B32),
                              0,
                              run_move,
                              { .number = 0 } },
};

const struct isa_row_set isa_rows_packed = { rows, sizeof rows / sizeof *rows };
