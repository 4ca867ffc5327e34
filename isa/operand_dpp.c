/* operand_dpp.c: the two modifiers that move data on their way to an instruction: DPP (between lanes) and SDWA (within
 * a register).
 *
 * Sources: "Vega" 7nm Instruction Set Architecture, 12.x "Data Parallel Primitives" and "SDWA"; RDNA2, RDNA3 and RDNA4
 * Instruction Set Architecture, "Data Parallel Processing (DPP)": the table of controls, bound_ctrl and fetch-inactive;
 * CDNA2 for row_newbcast. DPP8 has neither masks nor bound_ctrl: a lane that reads an inactive one without fi gets 0.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/internal.h"

enum { ROW = 16, QUAD = 4, OCTET = 8, NO_LANE = -1 };

/* The lane whose value `lane` gets; NO_LANE outside of the row. */
static int dpp_lane(const struct isa_instr *i, int lane, int lanes)
{
    const int value = (int)i->dpp_value, row = lane & ~(ROW - 1), in = lane & (ROW - 1);
    switch (i->dpp) {
    case ISA_DPP_QUAD_PERM: return (lane & ~(QUAD - 1)) | (value >> 2 * (lane & (QUAD - 1)) & 3);
    case ISA_DPP_ROW_SHL: return in + value < ROW ? lane + value : NO_LANE;
    case ISA_DPP_ROW_SHR: return in >= value ? lane - value : NO_LANE;
    case ISA_DPP_ROW_ROR: return row | ((in - value) & (ROW - 1));
    case ISA_DPP_WAVE_SHL: return lane + 1 < lanes ? lane + 1 : NO_LANE;
    case ISA_DPP_WAVE_ROL: return lane + 1 < lanes ? lane + 1 : 0;
    case ISA_DPP_WAVE_SHR: return lane > 0 ? lane - 1 : NO_LANE;
    case ISA_DPP_WAVE_ROR: return lane > 0 ? lane - 1 : lanes - 1;
    case ISA_DPP_ROW_MIRROR: return row | (ROW - 1 - in);
    case ISA_DPP_ROW_HALF_MIRROR: return (lane & ~(OCTET - 1)) | (OCTET - 1 - (lane & (OCTET - 1)));
    case ISA_DPP_ROW_BCAST15: /* the last lane of each row goes to the whole next one */
        return lane >= ROW ? row - 1 : NO_LANE;
    case ISA_DPP_ROW_BCAST31: /* lane 31 goes to the upper half */ return lane >= 32 ? 31 : NO_LANE;
    case ISA_DPP_ROW_NEWBCAST:
    case ISA_DPP_ROW_SHARE: return row | (value & (ROW - 1));
    case ISA_DPP_ROW_XMASK: return row | (in ^ (value & (ROW - 1)));
    case ISA_DPP8: return (lane & ~(OCTET - 1)) | (value >> 3 * (lane & (OCTET - 1)) & 7);
    default: return lane;
    }
}

/* The same, NO_LANE too where the source is not active. */
static int source_lane(const struct isa_wave *w, const struct isa_instr *i, int lane)
{
    const int from = dpp_lane(i, lane, w->lanes);
    return from != NO_LANE && (i->fi || (w->exec >> from & 1)) ? from : NO_LANE;
}

void isa_dpp_source(const struct isa_wave *w, const struct isa_instr *i, const uint32_t *from, uint32_t *to)
{
    for (int lane = 0; lane < w->lanes; lane++) {
        const int at = source_lane(w, i, lane);
        to[lane] = at == NO_LANE ? 0 : from[at];
    }
    for (int lane = w->lanes; lane < ISA_LANES; lane++)
        to[lane] = 0;
}

uint64_t isa_dpp_written(const struct isa_wave *w, const struct isa_instr *i)
{
    uint64_t written = 0;
    for (int lane = 0; lane < w->lanes; lane++) {
        bool writes = true;
        if (i->dpp != ISA_DPP8) {
            writes = (i->row_mask >> lane / ROW & 1) && (i->bank_mask >> lane % ROW / QUAD & 1);
            writes = writes && (i->bound_ctrl || source_lane(w, i, lane) != NO_LANE);
        }
        written |= (uint64_t)writes << lane;
    }
    return written;
}

/* Of a selection: its first bit and its width. */
static int shift_of(int sel)
{
    return sel >= ISA_WORD_0 ? 16 * (sel - ISA_WORD_0) : sel >= ISA_BYTE_0 ? 8 * (sel - ISA_BYTE_0) : 0;
}

static int bits_of(int sel) { return sel >= ISA_WORD_0 ? 16 : sel >= ISA_BYTE_0 ? 8 : 32; }

void isa_sdwa_source(const struct isa_operand *o, const uint32_t *from, uint32_t *to)
{
    const int shift = shift_of(o->sel), above = 32 - bits_of(o->sel);
    if (o->sext)
        for (int lane = 0; lane < ISA_LANES; lane++)
            to[lane] = (uint32_t)((int32_t)(from[lane] >> shift << above) >> above);
    else
        for (int lane = 0; lane < ISA_LANES; lane++)
            to[lane] = from[lane] >> shift << above >> above;
}

void isa_sdwa_result(const struct isa_instr *i, const uint32_t *old, uint32_t *value)
{
    if (i->dst_sel == ISA_DWORD)
        return;
    const int shift = shift_of(i->dst_sel), bits = bits_of(i->dst_sel);
    const uint32_t part = ((UINT32_C(1) << bits) - 1) << shift;
    const uint32_t keep = i->dst_unused == ISA_PRESERVE ? ~part : 0;
    for (int lane = 0; lane < ISA_LANES; lane++) {
        const uint32_t moved = value[lane] << shift & part;
        const int32_t top = (int32_t)(value[lane] << (32 - bits)) >> 31; /* copies of the result's sign */
        /* Copies go above the part; below it are zeros. */
        const uint32_t sign = i->dst_unused == ISA_SEXT ? (uint32_t)top & ~part & ~((UINT32_C(1) << shift) - 1) : 0;
        value[lane] = moved | sign | (old[lane] & keep);
    }
}
