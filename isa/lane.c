/* lane.c: the class of instructions that read or write one lane, or permute lanes by a table.
 *
 * Sources: RDNA3 and RDNA4 Instruction Set Architecture, the entries of V_READFIRSTLANE_B32, V_READLANE_B32,
 * V_WRITELANE_B32, V_PERMLANE16_B32, V_PERMLANEX16_B32, V_PERMLANE64_B32, V_PERMLANE16_VAR_B32; LLVM documentation,
 * "User Guide for AMDGPU Backend", llvm.amdgcn.permlane16.swap and llvm.amdgcn.permlane32.swap.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/raw.h"
#include "isa/rows/lane.h"

#include <string.h>

/* The first active lane; lane 0 when none is. */
static enum isa_next read_first(struct isa_wave *w, const struct isa_instr *i)
{
    uint32_t tmp[ISA_LANES];
    const int lane = w->exec ? __builtin_ctzll(w->exec) : 0;
    isa_set_scalar(w, i->dst[0].reg, 1, isa_raw(w, i, 0, 0, tmp)[lane]);
    return ISA_GO;
}

/* The lane that source 1 names, of those that the wave has. */
static int lane_of(const struct isa_wave *w, const struct isa_instr *i)
{
    uint32_t tmp[ISA_LANES];
    return (int)(isa_raw(w, i, 1, 0, tmp)[0] & (uint32_t)(w->lanes - 1));
}

static enum isa_next read_lane(struct isa_wave *w, const struct isa_instr *i)
{
    if (i->src[1].place == ISA_P_VECTOR)
        return isa_fail(w, i, ISA_STOP_UNSUPPORTED, -1, "a lane number in a vector register");
    uint32_t tmp[ISA_LANES];
    isa_set_scalar(w, i->dst[0].reg, 1, isa_raw(w, i, 0, 0, tmp)[lane_of(w, i)]);
    return ISA_GO;
}

static enum isa_next write_lane(struct isa_wave *w, const struct isa_instr *i)
{
    if (i->src[0].place == ISA_P_VECTOR || i->src[1].place == ISA_P_VECTOR)
        return isa_fail(w, i, ISA_STOP_UNSUPPORTED, -1, "a value or lane number in a vector register");
    uint32_t tmp[ISA_LANES];
    w->v[i->dst[0].reg][lane_of(w, i)] = isa_raw(w, i, 0, 0, tmp)[0];
    return ISA_GO;
}

/* Each lane takes one of a row of 16: op_sel bit 0 is "fetch inactive", bit 1 "bound control": what comes of an
 * inactive lane without the first is 0, or, without the second, what the destination held. */
static enum isa_next permute(struct isa_wave *w, const struct isa_instr *i, const uint8_t from[ISA_LANES])
{
    const bool inactive_too = i->op_sel & 1 || i->fi, zeros = i->op_sel & 2 || i->bound_ctrl;
    uint32_t tmp[ISA_LANES], out[ISA_LANES];
    const uint32_t *source = isa_raw(w, i, 0, 0, tmp), *old = w->v[i->dst[0].reg];
    memcpy(out, old, sizeof out);
    for (int lane = 0; lane < w->lanes; lane++)
        out[lane] = inactive_too || (w->exec >> from[lane] & 1) ? source[from[lane]] : zeros ? 0 : old[lane];
    isa_raw_put(w, i, 0, out);
    return ISA_GO;
}

/* Sources 1 and 2 hold 16 numbers of 4 bits, one for each lane of a row; other: 16 for the row beside. */
static enum isa_next permute_by_table(struct isa_wave *w, const struct isa_instr *i, int other)
{
    uint32_t tmp[ISA_LANES];
    const uint64_t low = isa_raw(w, i, 1, 0, tmp)[0], high = isa_raw(w, i, 2, 0, tmp)[0], table = low | high << 32;
    uint8_t from[ISA_LANES] = { 0 };
    for (int lane = 0; lane < w->lanes; lane++)
        from[lane] = (uint8_t)(((lane & ~15) ^ other) | (int)(table >> 4 * (lane & 15) & 15));
    return permute(w, i, from);
}

static enum isa_next permute_row(struct isa_wave *w, const struct isa_instr *i) { return permute_by_table(w, i, 0); }

static enum isa_next permute_other_row(struct isa_wave *w, const struct isa_instr *i)
{
    return permute_by_table(w, i, 16);
}

/* The same where each lane has its number in source 1. */
static enum isa_next permute_by_lane(struct isa_wave *w, const struct isa_instr *i, int other)
{
    uint32_t tmp[ISA_LANES];
    const uint32_t *number = isa_raw(w, i, 1, 0, tmp);
    uint8_t from[ISA_LANES] = { 0 };
    for (int lane = 0; lane < w->lanes; lane++)
        from[lane] = (uint8_t)(((lane & ~15) ^ other) | (int)(number[lane] & 15));
    return permute(w, i, from);
}

static enum isa_next permute_row_by_lane(struct isa_wave *w, const struct isa_instr *i)
{
    return permute_by_lane(w, i, 0);
}

static enum isa_next permute_other_row_by_lane(struct isa_wave *w, const struct isa_instr *i)
{
    return permute_by_lane(w, i, 16);
}

/* A wave of 32 lanes has no halves to swap: nothing happens. Inactive lanes are read as well. */
static enum isa_next swap_halves(struct isa_wave *w, const struct isa_instr *i)
{
    if (w->lanes != 64)
        return ISA_GO;
    uint32_t tmp[ISA_LANES], out[ISA_LANES];
    const uint32_t *source = isa_raw(w, i, 0, 0, tmp);
    for (int lane = 0; lane < ISA_LANES; lane++)
        out[lane] = source[lane ^ 32];
    isa_raw_put(w, i, 0, out);
    return ISA_GO;
}

/* The odd parts of the destination, of `part` lanes, change places with the even ones of the source. */
static enum isa_next swap_parts(struct isa_wave *w, const struct isa_instr *i, int part)
{
    if (w->exec != UINT64_MAX || i->src[0].place != ISA_P_VECTOR)
        return isa_fail(w, i, ISA_STOP_UNSUPPORTED, -1, "a swap of lanes with inactive ones");
    uint32_t *a = w->v[i->dst[0].reg], *b = w->v[i->src[0].reg];
    for (int lane = 0; lane < ISA_LANES; lane++)
        if (!(lane & part)) {
            const uint32_t kept = b[lane];
            b[lane] = a[lane + part];
            a[lane + part] = kept;
        }
    return ISA_GO;
}

static enum isa_next swap_rows(struct isa_wave *w, const struct isa_instr *i) { return swap_parts(w, i, 16); }
static enum isa_next swap_half(struct isa_wave *w, const struct isa_instr *i) { return swap_parts(w, i, 32); }

static const struct isa_row rows[] = {
#define X(name, dst, src0, src1, src2, flags, run)                                                   \
    {                                                                                                \
        #name, ISA_CLASS_LANE, { ISA_T_##dst }, { ISA_T_##src0, ISA_T_##src1, ISA_T_##src2 }, flags, \
        run,   { .number = 0 }                                                                       \
    },
    ISA_LANE_ROWS(X)
#undef X
};

const struct isa_row_set isa_rows_lane = { rows, sizeof rows / sizeof *rows };
