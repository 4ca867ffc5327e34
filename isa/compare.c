/* compare.c: runs v_cmp_* and v_cmpx_*: a bit a lane, 0 where EXEC is.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/vector.h"

/* The lanes' answers as bits. */
static uint64_t gather(const uint32_t lane[ISA_LANES], int lanes)
{
    uint64_t bits = 0;
    for (int l = 0; l < lanes; l++)
        bits |= (uint64_t)(lane[l] & 1) << l;
    return bits;
}

static uint64_t compare(struct isa_wave *w, const struct isa_instr *i)
{
    struct isa_vector_buffers tmp;
    struct isa_vector x = { .d = { NULL, NULL } };
    isa_vector_compute(w, i, &x, &tmp);
    const uint64_t active = i->dpp ? w->exec & isa_dpp_written(w, i) : w->exec;
    return gather(x.d[0], w->lanes) & active;
}

static enum isa_next index_mode(struct isa_wave *w, const struct isa_instr *i)
{
    return isa_fail(w, i, ISA_STOP_UNSUPPORTED, -1, "a compare in index mode");
}

enum isa_next isa_run_compare(struct isa_wave *w, const struct isa_instr *i)
{
    if (w->mode & ISA_INDEX_MODE)
        return index_mode(w, i);
    const uint64_t bits = compare(w, i);
    if (i->dst[0].place == ISA_P_SCALAR)
        isa_set_lane_mask(w, i->dst[0].reg, bits);
    return ISA_GO;
}

/* v_cmpx: EXEC gets the answer too; before gfx10 the destination that is named besides. */
static enum isa_next run_compare_exec(struct isa_wave *w, const struct isa_instr *i)
{
    if (w->mode & ISA_INDEX_MODE)
        return index_mode(w, i);
    const uint64_t bits = compare(w, i);
    if (w->target->generation == ISA_GFX9 && i->dst[0].place == ISA_P_SCALAR)
        isa_set_lane_mask(w, i->dst[0].reg, bits);
    isa_set_lane_mask(w, ISA_EXEC, bits);
    return ISA_GO;
}

#define X_NUMBER(name, ...) NUMBER_##name,
enum { ISA_ROWS_COMPARE_AS(X_NUMBER, v_cmp) };
enum { ISA_ROWS_COMPARE_AS(X_NUMBER, v_cmpx) };

#define ROW(mnemonic, A, B, row_flags, function) \
    { .name = #mnemonic,                         \
      .class = ISA_CLASS_COMPARE,                \
      .dst = { ISA_T_MASK },                     \
      .src = { ISA_T_##A, ISA_T_##B },           \
      .flags = (row_flags),                      \
      .run = function,                           \
      .op.number = (uint64_t)ISA_LANES_COMPARE << 16 | NUMBER_##mnemonic },
#define CMP(name, D, D2, A, B, C, E, flags, ...) ROW(name, A, B, 0, isa_run_compare)
#define CMPX(name, D, D2, A, B, C, E, flags, ...) ROW(name, A, B, ISA_WRITES_EXEC, run_compare_exec)
static const struct isa_row rows[] = { ISA_ROWS_COMPARE_AS(CMP, v_cmp) ISA_ROWS_COMPARE_AS(CMPX, v_cmpx) };
const struct isa_row_set isa_rows_compare = { rows, sizeof rows / sizeof rows[0] };
