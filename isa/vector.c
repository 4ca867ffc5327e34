/* vector.c: runs the rows of vector instructions: sources, the lane function, results. The operations themselves are in
 * rows/vector_*.h.
 *
 * SPDX-License-Identifier: MIT */
#include <fenv.h>
#include <string.h>

#include "isa/level.h"
#include "isa/vector.h"

isa_lanes *isa_lanes_of(const struct isa_row *row)
{
    static isa_lanes *const *const base[] = {
#define X(SET, set, rows) isa_lanes_##set##_base,
        ISA_LANE_SETS(X)
#undef X
    };
    static isa_lanes *const *const v3[] = {
#define X(SET, set, rows) isa_lanes_##set##_v3,
        ISA_LANE_SETS(X)
#undef X
    };
    return (isa_wide() ? v3 : base)[row->op.number >> 16][row->op.number & 0xffff];
}

static bool is_pair(int type)
{
    return type == ISA_T_B64 || type == ISA_T_U64 || type == ISA_T_I64 || type == ISA_T_F64;
}

/* MODE's rounding for the destination's type: f32 by itself, f16 and f64 together. The lane functions round as the
 * processor's own mode says. */
static int rounding(const struct isa_wave *w, const struct isa_row *row)
{
    static const int modes[] = { FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };
    const int type = row->dst[0];
    if (!(w->mode & 15) || (type != ISA_T_F32 && type != ISA_T_F16 && type != ISA_T_F64))
        return FE_TONEAREST;
    return modes[type == ISA_T_F32 ? w->mode & 3 : w->mode >> 2 & 3];
}

/* ---- Off within the documented error ----------------------------------------------------------------------------- */

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

/* Transcendental instructions in f32 and f16 are within one unit of the last place: any of the two numbers beside the
 * exact result, each lane's drawn. Code relies on it (a division of integers starts from v_rcp_f32 and takes no more).
 * Those in f64 are first approximations, within 2^29 units: some of the last bits are drawn. */
static void perturbed(struct isa_wave *w, const struct isa_row *row, struct isa_vector *x)
{
    uint32_t result[2][2][ISA_LANES];
    for (int up = 0; up < 2; up++) {
        struct isa_vector other = *x;
        other.d[0] = result[up][0], other.d[1] = result[up][1];
        fesetround(up ? FE_UPWARD : FE_DOWNWARD);
        isa_lanes_of(row)(&other);
    }
    fesetround(FE_TONEAREST);
    for (int l = 0; l < x->lanes; l++) {
        const uint64_t drawn = draw(&w->random);
        const int up = drawn >> 40 & 1;
        x->d[0][l] = result[up][0][l];
        if (row->dst[0] != ISA_T_F64)
            continue;
        const uint32_t high = result[up][1][l], exponent = high >> 20 & 0x7ff;
        x->d[1][l] = high;
        if (exponent && exponent != 0x7ff)
            x->d[0][l] ^= (uint32_t)(drawn >> 36);
    }
}

/* ---- Computing --------------------------------------------------------------------------------------------------- */

void isa_vector_compute(struct isa_wave *w, const struct isa_instr *i, struct isa_vector *x,
                        struct isa_vector_buffers *tmp)
{
    const struct isa_row *row = i->row;
    for (int k = 0; k < ISA_SOURCES && row->src[k]; k++) {
        if (is_pair(row->src[k])) {
            isa_source_pair(w, i, k, tmp->source[k], x->s[k]);
        } else {
            x->s[k][0] = isa_source(w, i, k, tmp->source[k][0]);
            x->s[k][1] = x->s[k][0];
        }
    }
    if (!x->d[0])
        x->d[0] = tmp->result[0], x->d[1] = tmp->result[1];
    x->carry = tmp->carry;
    x->lanes = w->lanes;
    x->ieee = w->target->generation < ISA_GFX12 && w->mode >> 9 & 1;
    x->clamp = i->clamp;
    x->table = (uint32_t)i->immediate;
    x->byte = i->byte_sel ? i->byte_sel : i->op_sel >> 2 & 3; /* gfx9 has op_sel's last two for it */
    x->fnuz = w->target->fp8_fnuz;
    x->saturates = w->mode >> 23 & 1;
    if (w->random && row->class == ISA_CLASS_TRANSCENDENTAL) {
        perturbed(w, row, x);
        return;
    }
    const int mode = rounding(w, row);
    if (mode != FE_TONEAREST)
        fesetround(mode);
    isa_lanes_of(row)(x);
    if (mode != FE_TONEAREST)
        fesetround(FE_TONEAREST);
}

/* ---- Results ----------------------------------------------------------------------------------------------------- */

static uint64_t bits_of(const uint32_t lane[ISA_LANES], int lanes)
{
    uint64_t bits = 0;
    for (int l = 0; l < lanes; l++)
        bits |= (uint64_t)(lane[l] & 1) << l;
    return bits;
}

static void put_result(struct isa_wave *w, const struct isa_instr *i, struct isa_vector *x)
{
    if (is_pair(i->row->dst[0]))
        isa_put_pair(w, i, x->d[0], x->d[1]);
    else
        isa_put(w, i, x->d[0]);
    if (i->row->dst[1] == ISA_T_MASK && i->dst[1].place == ISA_P_SCALAR)
        isa_set_lane_mask(w, i->dst[1].reg, bits_of(x->carry, w->lanes) & w->exec);
}

/* A result that goes to whole registers as it is, in every lane: the lane function may write it there itself. */
static bool is_direct(const struct isa_wave *w, const struct isa_instr *i)
{
    const int type = i->row->dst[0];
    const bool all = w->exec == (w->lanes == 64 ? UINT64_MAX : UINT32_MAX);
    const bool plain = !i->dpp && !i->sdwa && !i->clamp && !i->omod && i->dst[0].place == ISA_P_VECTOR;
    if (!all || !plain || i->row->dst[1] || i->dst[0].reg + 1 >= ISA_VECTORS)
        return false;
    return (type >= ISA_T_B32 && type <= ISA_T_I32) || (type >= ISA_T_B64 && type <= ISA_T_I64) ||
           (type == ISA_T_F32 && w->mode & 0x20) || (type == ISA_T_F64 && w->mode & 0x80);
}

/* Two operations in one: both read before either writes. */
static enum isa_next run_dual(struct isa_wave *w, const struct isa_instr *i)
{
    struct isa_vector_buffers tmp;
    struct isa_vector x = { .d = { NULL, NULL } };
    isa_vector_compute(w, i, &x, &tmp);
    const enum isa_next next = i->second->row->run(w, i->second);
    if (next == ISA_GO)
        put_result(w, i, &x);
    return next;
}

static enum isa_next run_vector(struct isa_wave *w, const struct isa_instr *i)
{
    struct isa_vector_buffers tmp;
    struct isa_vector x = { .d = { NULL, NULL } };
    if (is_direct(w, i)) {
        x.d[0] = w->v[i->dst[0].reg], x.d[1] = w->v[i->dst[0].reg + 1];
        isa_vector_compute(w, i, &x, &tmp);
        return ISA_GO;
    }
    isa_vector_compute(w, i, &x, &tmp);
    put_result(w, i, &x);
    return ISA_GO;
}

/* ---- Registers by number ----------------------------------------------------------------------------------------- */

/* The instruction with its registers moved by those numbers. */
static enum isa_next run_moved(struct isa_wave *w, const struct isa_instr *i, const uint32_t by[4])
{
    struct isa_instr moved = *i;
    struct isa_operand *const operand[4] = { &moved.src[0], &moved.src[1], &moved.src[2], &moved.dst[0] };
    for (int k = 0; k < 4; k++) {
        if (operand[k]->place != ISA_P_VECTOR || !by[k])
            continue;
        if (by[k] >= ISA_ACC || operand[k]->reg + by[k] >= ISA_ACC)
            return isa_fail(w, i, ISA_STOP_REGISTER_BOUNDS, -1, "v%u and %u more by M0", operand[k]->reg, by[k]);
        operand[k]->reg = (uint16_t)(operand[k]->reg + by[k]);
    }
    return run_vector(w, &moved);
}

/* gfx9's index mode (control.c): M0's low byte, for the operands that its bits 12..15 name. */
static enum isa_next run_indexed(struct isa_wave *w, const struct isa_instr *i)
{
    const uint32_t m0 = w->s[ISA_M0], index = m0 & 0xff;
    const uint32_t by[4] = { m0 >> 12 & 1 ? index : 0, m0 >> 13 & 1 ? index : 0, m0 >> 14 & 1 ? index : 0,
                             m0 >> 15 & 1 ? index : 0 };
    return run_moved(w, i, by);
}

enum isa_next isa_run_vector(struct isa_wave *w, const struct isa_instr *i)
{
    if (i->second)
        return run_dual(w, i);
    return w->mode & ISA_INDEX_MODE ? run_indexed(w, i) : run_vector(w, i);
}

static enum isa_next run_movrels(struct isa_wave *w, const struct isa_instr *i)
{
    return run_moved(w, i, (const uint32_t[4]){ w->s[ISA_M0], 0, 0, 0 });
}

static enum isa_next run_movreld(struct isa_wave *w, const struct isa_instr *i)
{
    return run_moved(w, i, (const uint32_t[4]){ 0, 0, 0, w->s[ISA_M0] });
}

static enum isa_next run_movrelsd(struct isa_wave *w, const struct isa_instr *i)
{
    return run_moved(w, i, (const uint32_t[4]){ w->s[ISA_M0], 0, 0, w->s[ISA_M0] });
}

static enum isa_next run_movrelsd_2(struct isa_wave *w, const struct isa_instr *i)
{
    return run_moved(w, i, (const uint32_t[4]){ w->s[ISA_M0] & 0xff, 0, 0, w->s[ISA_M0] >> 16 & 0xff });
}

/* v_s_*: of a scalar, for a scalar, whatever EXEC is. */
static enum isa_next run_on_scalar(struct isa_wave *w, const struct isa_instr *i)
{
    struct isa_vector_buffers tmp;
    struct isa_vector x = { .d = { NULL, NULL } };
    isa_vector_compute(w, i, &x, &tmp);
    uint32_t r = x.d[0][0];
    if (i->row->dst[0] == ISA_T_F16)
        r &= 0xffff;
    if (i->dst[0].place == ISA_P_SCALAR)
        isa_set_scalar(w, i->dst[0].reg, 1, r);
    return ISA_GO;
}

/* v_swap: both sources are both destinations. */
static enum isa_next run_swap(struct isa_wave *w, const struct isa_instr *i)
{
    uint32_t *a = w->v[i->dst[0].reg % ISA_VECTORS], *b = w->v[i->src[0].reg % ISA_VECTORS];
    const bool halves = i->row->dst[0] == ISA_T_B16;
    const int at = i->dst[0].half == ISA_HIGH ? 16 : 0, from = i->src[0].half == ISA_HIGH ? 16 : 0;
    for (int l = 0; l < w->lanes; l++) {
        if (!w->mask[l])
            continue;
        if (!halves) {
            const uint32_t t = a[l];
            a[l] = b[l];
            b[l] = t;
            continue;
        }
        const uint32_t x = a[l] >> at & 0xffff, y = b[l] >> from & 0xffff;
        a[l] = (a[l] & ~(UINT32_C(0xffff) << at)) | y << at;
        b[l] = (b[l] & ~(UINT32_C(0xffff) << from)) | x << from;
    }
    return ISA_GO;
}

#define ROW(CLASS, SET, mnemonic, D, D2, A, B, C, E, row_flags)               \
    { .name = #mnemonic,                                                      \
      .class = ISA_CLASS_##CLASS,                                             \
      .dst = { ISA_T_##D, ISA_T_##D2 },                                       \
      .src = { ISA_T_##A, ISA_T_##B, ISA_T_##C, ISA_T_##E },                  \
      .flags = (row_flags),                                                   \
      .run = (row_flags) & ISA_IGNORES_EXEC ? run_on_scalar : isa_run_vector, \
      .op.number = (uint64_t)ISA_LANES_##SET << 16 | ISA_LANE_##mnemonic },
#define FLOAT(name, D, D2, A, B, C, E, flags, ...) ROW(VECTOR, FLOAT, name, D, D2, A, B, C, E, flags)
#define INTEGER(name, D, D2, A, B, C, E, flags, ...) ROW(VECTOR, INTEGER, name, D, D2, A, B, C, E, flags)
#define CONVERT(name, D, D2, A, B, C, E, flags, ...) ROW(VECTOR, CONVERT, name, D, D2, A, B, C, E, flags)
#define SPECIAL(name, D, D2, A, B, C, E, flags, ...) ROW(TRANSCENDENTAL, SPECIAL, name, D, D2, A, B, C, E, flags)
#define SWAP(mnemonic, T)              \
    { .name = #mnemonic,               \
      .class = ISA_CLASS_VECTOR,       \
      .dst = { ISA_T_##T, ISA_T_##T }, \
      .src = { ISA_T_##T, ISA_T_##T }, \
      .run = run_swap },
#define MOVREL(mnemonic, function) \
    { .name = #mnemonic,           \
      .class = ISA_CLASS_VECTOR,   \
      .dst = { ISA_T_B32 },        \
      .src = { ISA_T_B32 },        \
      .flags = ISA_READS_M0,       \
      .run = function,             \
      .op.number = (uint64_t)ISA_LANES_INTEGER << 16 | ISA_LANE_v_mov_b32 },
static const struct isa_row rows[] = { ISA_ROWS_VECTOR_FLOAT(FLOAT) ISA_ROWS_VECTOR_INTEGER(INTEGER)
                                           ISA_ROWS_VECTOR_CONVERT(CONVERT) ISA_ROWS_VECTOR_SPECIAL(SPECIAL)
                                               SWAP(v_swap_b32, B32) SWAP(v_swap_b16, B16)
                                                   MOVREL(v_movrels_b32, run_movrels) MOVREL(v_movreld_b32, run_movreld)
                                                       MOVREL(v_movrelsd_b32, run_movrelsd)
                                                           MOVREL(v_movrelsd_2_b32, run_movrelsd_2) };
const struct isa_row_set isa_rows_vector = { rows, sizeof rows / sizeof rows[0] };
