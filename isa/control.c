/* control.c: branches and calls, waits, barriers, the end; MODE and the other hardware registers.
 *
 * Sources: AMD's instruction set documents, "Program Flow Control" and the SOPP and SOPK instructions; the fields of
 * s_waitcnt by generation as LLVM's AMDGPUBaseInfo has them; numbers of hardware registers as its SIDefines.h.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/machine.h"
#include "isa/rows/control.h"

static enum isa_next run_nothing(struct isa_wave *w, const struct isa_instr *i) { return (void)w, (void)i, ISA_GO; }
static enum isa_next run_end(struct isa_wave *w, const struct isa_instr *i) { return (void)w, (void)i, ISA_END; }
static enum isa_next run_sleep(struct isa_wave *w, const struct isa_instr *i) { return (void)w, (void)i, ISA_YIELD; }

static enum isa_next run_no_code(struct isa_wave *w, const struct isa_instr *i)
{
    return isa_fail(w, i, ISA_STOP_CODE_BOUNDS, -1, "padding was reached");
}

static enum isa_next run_trap(struct isa_wave *w, const struct isa_instr *i)
{
    return isa_fail(w, i, ISA_STOP_TRAP, -1, "trap %u", (unsigned)(i->immediate & 0xff));
}

static enum isa_next run_halt(struct isa_wave *w, const struct isa_instr *i)
{
    return i->immediate & 1 ? isa_fail(w, i, ISA_STOP_TRAP, -1, "the wave was halted") : ISA_GO;
}

/* ---- Branches and calls ------------------------------------------------------------------------------------------ */

static enum isa_next go(struct isa_wave *w, const struct isa_instr *i)
{
    if (i->target == ISA_NO_CODE)
        return isa_fail(w, i, ISA_STOP_CODE_BOUNDS, -1, "a branch to outside of the code");
    w->next = i->target;
    return ISA_JUMP;
}

#define BRANCH(name, flags, condition)                                             \
    static enum isa_next run_##name(struct isa_wave *w, const struct isa_instr *i) \
    {                                                                              \
        (void)w;                                                                   \
        return (condition) ? go(w, i) : ISA_GO;                                    \
    }
ISA_ROWS_BRANCH(BRANCH)

static uint64_t behind(const struct isa_wave *w, const struct isa_instr *i)
{
    return isa_code_base(w->code) + i->at + i->bytes;
}

static enum isa_next run_getpc(struct isa_wave *w, const struct isa_instr *i)
{
    isa_set_scalar(w, i->dst[0].reg, 2, behind(w, i));
    return ISA_GO;
}

static enum isa_next go_to(struct isa_wave *w, const struct isa_instr *i, uint64_t address)
{
    struct isa_stop stop = { .code = ISA_STOP_NONE };
    const uint32_t number = isa_code_at(w->code, address - isa_code_base(w->code), &stop);
    if (number == ISA_NO_CODE)
        return isa_fail(w, i, stop.code ? stop.code : ISA_STOP_CODE_BOUNDS, -1, "a jump to %#llx: %s",
                        (unsigned long long)address, stop.text);
    w->next = number;
    return ISA_JUMP;
}

static enum isa_next run_setpc(struct isa_wave *w, const struct isa_instr *i)
{
    return go_to(w, i, isa_scalar_source(w, i, 0));
}

static enum isa_next run_swappc(struct isa_wave *w, const struct isa_instr *i)
{
    const uint64_t to = isa_scalar_source(w, i, 0);
    isa_set_scalar(w, i->dst[0].reg, 2, behind(w, i));
    return go_to(w, i, to);
}

static enum isa_next run_call(struct isa_wave *w, const struct isa_instr *i)
{
    isa_set_scalar(w, i->dst[0].reg, 2, behind(w, i));
    return go_to(w, i, behind(w, i) + (uint64_t)((int64_t)(int16_t)i->immediate * 4));
}

/* ---- Waits ------------------------------------------------------------------------------------------------------- */

/* s_waitcnt's fields: first bit and width; vmcnt of gfx9 and gfx10 has two parts. */
struct fields {
    uint8_t load, load_bits, load_high, load_high_bits, export, export_bits, lgkm, lgkm_bits;
};

static uint32_t bits(uint64_t value, unsigned at, unsigned width)
{
    return (uint32_t)(value >> at) & ((UINT32_C(1) << width) - 1);
}

static void wait_lgkm(struct isa_wave *w, uint32_t at_most)
{
    isa_wait(w, ISA_C_DS, at_most);
    isa_wait(w, ISA_C_KM, at_most);
}

static enum isa_next run_waitcnt(struct isa_wave *w, const struct isa_instr *i)
{
    static const struct fields of[] = {
        [ISA_GFX9] = { 0, 4, 14, 2, 4, 3, 8, 4 },
        [ISA_GFX10] = { 0, 4, 14, 2, 4, 3, 8, 6 },
        [ISA_GFX11] = { 10, 6, 0, 0, 0, 3, 4, 6 },
        [ISA_GFX12] = { 10, 6, 0, 0, 0, 3, 4, 6 },
    };
    const struct fields *f = &of[w->target->generation];
    const uint64_t k = i->immediate;
    const uint32_t load = bits(k, f->load, f->load_bits) | bits(k, f->load_high, f->load_high_bits) << f->load_bits;
    const uint32_t lgkm = bits(k, f->lgkm, f->lgkm_bits), exports = bits(k, f->export, f->export_bits);
    /* All of a field's bits set is no wait. */
    if (load != (UINT32_C(1) << (f->load_bits + f->load_high_bits)) - 1)
        isa_wait(w, ISA_C_LOAD, load);
    if (lgkm != (UINT32_C(1) << f->lgkm_bits) - 1)
        wait_lgkm(w, lgkm);
    if (exports != (UINT32_C(1) << f->export_bits) - 1)
        isa_wait(w, ISA_C_EXP, exports);
    return ISA_GO;
}

/* Those of one counter: the number is the immediate, plus that of an SGPR where there is one (null mostly). */
static uint32_t number(const struct isa_wave *w, const struct isa_instr *i)
{
    const uint32_t more = i->row->src[0] ? (uint32_t)isa_scalar_source(w, i, 0) : 0;
    return (uint32_t)(i->immediate & 0xffff) + more;
}

static enum isa_next run_wait_load(struct isa_wave *w, const struct isa_instr *i)
{
    return isa_wait(w, ISA_C_LOAD, number(w, i)), ISA_GO;
}

static enum isa_next run_wait_store(struct isa_wave *w, const struct isa_instr *i)
{
    return isa_wait(w, ISA_C_STORE, number(w, i)), ISA_GO;
}

static enum isa_next run_wait_ds(struct isa_wave *w, const struct isa_instr *i)
{
    return isa_wait(w, ISA_C_DS, number(w, i)), ISA_GO;
}

static enum isa_next run_wait_km(struct isa_wave *w, const struct isa_instr *i)
{
    return isa_wait(w, ISA_C_KM, number(w, i)), ISA_GO;
}

static enum isa_next run_wait_lgkm(struct isa_wave *w, const struct isa_instr *i)
{
    return wait_lgkm(w, number(w, i)), ISA_GO;
}

static enum isa_next run_wait_export(struct isa_wave *w, const struct isa_instr *i)
{
    return isa_wait(w, ISA_C_EXP, number(w, i)), ISA_GO;
}

/* gfx12's pairs: DS in bits 0..5, the other in 8..13. */
static enum isa_next run_wait_load_ds(struct isa_wave *w, const struct isa_instr *i)
{
    isa_wait(w, ISA_C_DS, bits(i->immediate, 0, 6));
    isa_wait(w, ISA_C_LOAD, bits(i->immediate, 8, 6));
    return ISA_GO;
}

static enum isa_next run_wait_store_ds(struct isa_wave *w, const struct isa_instr *i)
{
    isa_wait(w, ISA_C_DS, bits(i->immediate, 0, 6));
    isa_wait(w, ISA_C_STORE, bits(i->immediate, 8, 6));
    return ISA_GO;
}

/* ---- Barriers ---------------------------------------------------------------------------------------------------- */

static enum isa_next run_barrier(struct isa_wave *w, const struct isa_instr *i) { return isa_barrier(w, i); }

/* Only the workgroup's own barrier, -1. */
static enum isa_next run_signal(struct isa_wave *w, const struct isa_instr *i)
{
    if ((uint32_t)isa_scalar_source(w, i, 0) != UINT32_MAX)
        return isa_fail(w, i, ISA_STOP_UNSUPPORTED, -1, "a barrier other than the workgroup's");
    return isa_barrier_signal(w, i);
}

/* Tells the first that comes to the barrier. */
static enum isa_next run_signal_first(struct isa_wave *w, const struct isa_instr *i)
{
    w->s[ISA_SCC] = w->group->arrived == 0;
    return run_signal(w, i);
}

static enum isa_next run_barrier_wait(struct isa_wave *w, const struct isa_instr *i)
{
    if ((i->immediate & 0xffff) != 0xffff)
        return isa_fail(w, i, ISA_STOP_UNSUPPORTED, -1, "a barrier other than the workgroup's");
    return isa_barrier_wait(w, i);
}

/* ---- Hardware registers ------------------------------------------------------------------------------------------ */

enum {
    MODE = 1,
    STATUS = 2,
    TRAP_STATUS = 3,
    HW_ID = 4,
    LDS_ALLOC = 6,
    SH_MEM_BASES = 15,
    FLAT_LOW = 20,
    FLAT_HIGH = 21,
    XNACK = 22,
    HW_ID1 = 23,
    HW_ID2 = 24,
    SCHED_MODE = 26,
    SHADER_CYCLES = 29,
    SHADER_CYCLES_HIGH = 30
};

/* hwreg(number, first bit, bits). */
static unsigned hw_number(const struct isa_instr *i) { return i->immediate & 63; }
static unsigned hw_at(const struct isa_instr *i) { return i->immediate >> 6 & 31; }
static uint32_t hw_bits(const struct isa_instr *i)
{
    const unsigned width = (i->immediate >> 11 & 31) + 1;
    return width == 32 ? UINT32_MAX : (UINT32_C(1) << width) - 1;
}

/* Instructions so far, at four cycles each: time as the wave can see it. */
static uint64_t cycles(const struct isa_wave *w) { return w->machine->spent * 4; }

static bool read_hw(const struct isa_wave *w, unsigned which, uint32_t *value)
{
    switch (which) {
    case MODE: *value = w->mode; return true;
    case STATUS: *value = w->status; return true;
    /* Nothing is trapped here; waves are all on one unit. */
    case TRAP_STATUS:
    case HW_ID:
    case HW_ID1:
    case HW_ID2: *value = 0; return true;
    case SH_MEM_BASES:
        *value = w->s[ISA_PRIVATE_BASE + 1] >> 16 | (w->s[ISA_SHARED_BASE + 1] & UINT32_C(0xffff0000));
        return true;
    case FLAT_LOW: *value = w->s[ISA_FLAT_SCRATCH]; return w->target->generation >= ISA_GFX10;
    case FLAT_HIGH: *value = w->s[ISA_FLAT_SCRATCH + 1]; return w->target->generation >= ISA_GFX10;
    case XNACK: *value = 0; return true;
    /* Its size in granules from bit 12; where it begins is 0. */
    case LDS_ALLOC:
        *value = (w->group->lds_bytes + (1u << w->target->lds_granule_log2) - 1) >> w->target->lds_granule_log2 << 12;
        return true;
    case SHADER_CYCLES: /* 20 bits before gfx12 */
        *value = (uint32_t)cycles(w) & (w->target->generation < ISA_GFX12 ? 0xfffff : UINT32_MAX);
        return true;
    case SHADER_CYCLES_HIGH: *value = (uint32_t)(cycles(w) >> 32); return w->target->generation >= ISA_GFX12;
    default: return false;
    }
}

static enum isa_next run_getreg(struct isa_wave *w, const struct isa_instr *i)
{
    uint32_t value = 0;
    if (!read_hw(w, hw_number(i), &value))
        return isa_fail(w, i, ISA_STOP_UNSUPPORTED, -1, "hardware register %u", hw_number(i));
    isa_set_scalar(w, i->dst[0].reg, 1, value >> hw_at(i) & hw_bits(i));
    return ISA_GO;
}

static enum isa_next run_setreg(struct isa_wave *w, const struct isa_instr *i)
{
    const uint32_t mask = hw_bits(i) << hw_at(i), value = (uint32_t)isa_scalar_source(w, i, 0) << hw_at(i) & mask;
    switch (hw_number(i)) {
    case MODE: w->mode = (w->mode & ~mask) | value; return ISA_GO;
    case TRAP_STATUS:
    case SCHED_MODE: return ISA_GO;
    case FLAT_LOW:
    case FLAT_HIGH:
        if (w->target->generation >= ISA_GFX10) {
            uint32_t *s = &w->s[ISA_FLAT_SCRATCH + (hw_number(i) == FLAT_HIGH)];
            *s = (*s & ~mask) | value;
            return ISA_GO;
        }
        break;
    default: break;
    }
    return isa_fail(w, i, ISA_STOP_UNSUPPORTED, -1, "a write to hardware register %u", hw_number(i));
}

static enum isa_next run_round_mode(struct isa_wave *w, const struct isa_instr *i)
{
    w->mode = (w->mode & ~UINT32_C(0xf)) | (uint32_t)(i->immediate & 0xf);
    return ISA_GO;
}

static enum isa_next run_denorm_mode(struct isa_wave *w, const struct isa_instr *i)
{
    w->mode = (w->mode & ~UINT32_C(0xf0)) | (uint32_t)(i->immediate & 0xf) << 4;
    return ISA_GO;
}

/* Of the messages with an answer the doorbell's number, which a trap's way out asks for, and the time. Answers come
 * under lgkmcnt. */
static enum isa_next run_message(struct isa_wave *w, const struct isa_instr *i)
{
    const unsigned message = i->immediate & 0xff, doorbell = 128, realtime = 131;
    if (message != doorbell && message != realtime)
        return isa_fail(w, i, ISA_STOP_UNSUPPORTED, -1, "message %u", message);
    const int words = i->row->dst[0] == ISA_T_B64 ? 2 : 1;
    isa_set_scalar(w, i->dst[0].reg, words, message == realtime ? cycles(w) : 0);
    isa_issue(w, i, ISA_C_KM);
    return ISA_GO;
}

/* ---- Relative registers ------------------------------------------------------------------------------------------ */

/* gfx9's index mode: M0 has the index in 0..7 and which operands it moves in 12..15 (vector.c). */

static void set_index(struct isa_wave *w, uint32_t mask, uint32_t value)
{
    w->s[ISA_M0] = (w->s[ISA_M0] & ~mask) | (value & mask);
}

static enum isa_next run_index_on(struct isa_wave *w, const struct isa_instr *i)
{
    w->mode |= ISA_INDEX_MODE;
    set_index(w, 0xf0ff, ((uint32_t)isa_scalar_source(w, i, 0) & 0xff) | (uint32_t)(i->immediate & 15) << 12);
    return ISA_GO;
}

static enum isa_next run_index_off(struct isa_wave *w, const struct isa_instr *i)
{
    (void)i;
    w->mode &= ~(uint32_t)ISA_INDEX_MODE;
    return ISA_GO;
}

static enum isa_next run_index_mode(struct isa_wave *w, const struct isa_instr *i)
{
    return set_index(w, 0xf000, (uint32_t)(i->immediate & 15) << 12), ISA_GO;
}

static enum isa_next run_index(struct isa_wave *w, const struct isa_instr *i)
{
    return set_index(w, 0xff, (uint32_t)isa_scalar_source(w, i, 0)), ISA_GO;
}

static enum isa_next move_scalar(struct isa_wave *w, const struct isa_instr *i, uint64_t from, uint64_t to)
{
    const int words = i->row->dst[0] == ISA_T_B64 ? 2 : 1;
    const uint64_t most = ISA_VCC - (uint64_t)words;
    if (from > most || to > most)
        return isa_fail(w, i, ISA_STOP_REGISTER_BOUNDS, -1, "M0 is %u", w->s[ISA_M0]);
    isa_set_scalar(w, (int)to, words, words == 2 ? isa_s64(w, (int)from) : w->s[from]);
    return ISA_GO;
}

static enum isa_next run_movrels(struct isa_wave *w, const struct isa_instr *i)
{
    return move_scalar(w, i, (uint64_t)i->src[0].reg + w->s[ISA_M0], i->dst[0].reg);
}

static enum isa_next run_movreld(struct isa_wave *w, const struct isa_instr *i)
{
    return move_scalar(w, i, i->src[0].reg, (uint64_t)i->dst[0].reg + w->s[ISA_M0]);
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

#define ROW_BRANCH(mnemonic, row_flags, condition) \
    { .name = #mnemonic, .class = ISA_CLASS_CONTROL, .flags = (row_flags), .run = run_##mnemonic },
#define ROW_NOTHING(mnemonic) { .name = #mnemonic, .class = ISA_CLASS_CONTROL, .run = run_nothing },
#define ROW_WAIT(mnemonic, function, S) \
    { .name = #mnemonic, .class = ISA_CLASS_WAIT, .src = { ISA_T_##S }, .run = function },
#define ROW(mnemonic, function, D, A, B, row_flags) \
    { .name = #mnemonic,                            \
      .class = ISA_CLASS_CONTROL,                   \
      .dst = { ISA_T_##D },                         \
      .src = { ISA_T_##A, ISA_T_##B },              \
      .flags = (row_flags),                         \
      .run = function },
static const struct isa_row rows[] = { ISA_ROWS_BRANCH(ROW_BRANCH) ISA_ROWS_NOTHING(ROW_NOTHING) ISA_ROWS_WAIT(ROW_WAIT)
                                           ISA_ROWS_CONTROL(ROW) };
const struct isa_row_set isa_rows_control = { rows, sizeof rows / sizeof rows[0] };
