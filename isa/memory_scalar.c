/* memory_scalar.c: scalar loads, the clock, caches.
 *
 * Alignment: of words, to four bytes. Hardware ignores the low bits of such an address, so that whoever has them set
 * gets something else than what lies there: it fails.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/memory.h"

static enum isa_next words(struct isa_wave *w, const struct isa_instr *i, uint64_t address, int bytes)
{
    const struct isa_operand *d = &i->dst[0];
    if (bytes >= 4 && (address & 3)) {
        w->machine->stop->address = address;
        return isa_fail(w, i, ISA_STOP_ALIGNMENT, -1, "a scalar load at 0x%llx", (unsigned long long)address);
    }
    uint8_t got[64] = { 0 };
    for (int at = 0; at < bytes; at += 16) {
        int piece = bytes - at < 16 ? bytes - at : 16;
        if (!isa_global_load(w, i, -1, address + (uint64_t)at, piece, got + at))
            return ISA_FAIL;
    }
    if (w->machine->counts)
        w->machine->counts->scalar_read += (uint64_t)bytes;
    if (bytes < 4) {
        uint32_t value = bytes == 1 ? got[0] : (uint32_t)(got[0] | got[1] << 8);
        if (isa_m(i, ISA_M_SIGNED))
            value = bytes == 1 ? (uint32_t)(int32_t)(int8_t)value : (uint32_t)(int32_t)(int16_t)value;
        isa_set_scalar(w, d->reg, 1, value);
    } else if (d->reg != ISA_NULL) {
        uint32_t word[16];
        memcpy(word, got, sizeof word);
        for (int k = 0; k < bytes / 4; k++)
            isa_set_scalar(w, d->reg + k, 1, word[k]);
    }
    isa_issue(w, i, ISA_C_KM);
    return ISA_GO;
}

/* The offset that the text has behind the base, and offset: besides. */
static uint64_t offset_of(const struct isa_wave *w, const struct isa_instr *i)
{
    uint64_t offset = (uint64_t)i->offset[0];
    if (i->n_src > 1 && i->src[1].place == ISA_P_SCALAR)
        offset += (uint32_t)isa_scalar_source(w, i, 1);
    else if (i->n_src > 1 && i->src[1].place == ISA_P_CONSTANT)
        offset += (uint64_t)(int64_t)(int32_t)i->src[1].value;
    return offset;
}

enum isa_next isa_run_scalar_load(struct isa_wave *w, const struct isa_instr *i)
{
    return words(w, i, isa_s64(w, i->src[0].reg) + offset_of(w, i), isa_m_bytes(i));
}

/* Through a buffer's description: base 0..47, stride 48..61, records 64..95. What lies outside reads 0. */
static enum isa_next buffer_load(struct isa_wave *w, const struct isa_instr *i)
{
    int reg = i->src[0].reg, bytes = isa_m_bytes(i);
    uint64_t base = isa_s64(w, reg) & ((UINT64_C(1) << 48) - 1), offset = offset_of(w, i);
    uint64_t stride = w->s[reg + 1] >> 16 & 0x3fff, size = (uint64_t)w->s[reg + 2] * (stride ? stride : 1);
    if (offset + (uint64_t)bytes <= size)
        return words(w, i, base + offset, bytes);
    for (int k = 0; k < (bytes + 3) / 4; k++) {
        uint64_t at = offset + 4 * (uint64_t)k;
        uint32_t word = 0;
        if (at + 4 <= size && !isa_global_load(w, i, -1, base + at, 4, &word))
            return ISA_FAIL;
        isa_set_scalar(w, i->dst[0].reg + k, 1, word);
    }
    isa_issue(w, i, ISA_C_KM);
    return ISA_GO;
}

/* Time is the number of instructions so far: the same on every run. */
static enum isa_next clock_of(struct isa_wave *w, const struct isa_instr *i)
{
    isa_set_scalar(w, i->dst[0].reg, 2, w->machine->spent * 4 + w->issued[ISA_C_KM]);
    isa_issue(w, i, ISA_C_KM);
    return ISA_GO;
}

static enum isa_next nothing(struct isa_wave *w, const struct isa_instr *i)
{
    (void)w;
    (void)i;
    return ISA_GO;
}

/* X(old name, new name, type, bytes) */
#define LOADS(X)                         \
    X(load_dword, load_b32, B32, 4)      \
    X(load_dwordx2, load_b64, B64, 8)    \
    X(load_dwordx3, load_b96, B96, 12)   \
    X(load_dwordx4, load_b128, B128, 16) \
    X(load_dwordx8, load_b256, B256, 32) \
    X(load_dwordx16, load_b512, B512, 64)
#define NARROW(X)               \
    X(load_u8, 1, 0)            \
    X(load_i8, 1, ISA_M_SIGNED) \
    X(load_u16, 2, 0)           \
    X(load_i16, 2, ISA_M_SIGNED)
/* clang-format off */
#define NOTHING(X) X(s_dcache_inv) X(s_dcache_inv_vol) X(s_dcache_wb) X(s_dcache_wb_vol) X(s_gl1_inv)
/* X(name, type of the base): with an offset, a register and a length behind it */
#define PREFETCHES(X)                                                                 \
    X(s_prefetch_inst, B64) X(s_prefetch_data, B64) X(s_buffer_prefetch_data, B128)
/* clang-format on */

#define ROW(name, type, base, how, n) \
    { #name, ISA_CLASS_SCALAR_MEMORY, { ISA_T_##type }, { ISA_T_##base, ISA_T_B32 }, 0, how, { .number = (n) } },

static const struct isa_row rows[] = {
#define X(old, new, type, bytes)                        \
    ROW(s_##old, type, B64, isa_run_scalar_load, bytes) \
    ROW(s_##new, type, B64, isa_run_scalar_load, bytes) \
    ROW(s_buffer_##old, type, B128, buffer_load, bytes) ROW(s_buffer_##new, type, B128, buffer_load, bytes)
    LOADS(X)
#undef X
#define X(name, bytes, what)                                       \
    ROW(s_##name, B32, B64, isa_run_scalar_load, (bytes) | (what)) \
    ROW(s_buffer_##name, B32, B128, buffer_load, (bytes) | (what))
        NARROW(X)
#undef X
#define X(name) { #name, ISA_CLASS_SCALAR_MEMORY, { 0 }, { 0 }, 0, nothing, { .number = 0 } },
            NOTHING(X)
#undef X
#define X(name, base)                                                                                \
    { #name,   ISA_CLASS_SCALAR_MEMORY, { 0 }, { ISA_T_##base, ISA_T_B32, ISA_T_B32, ISA_T_B32 }, 0, \
      nothing, { .number = 0 } },
                PREFETCHES(X)
#undef X
                    { "s_prefetch_inst_pc_rel",
                      ISA_CLASS_SCALAR_MEMORY,
                      { 0 },
                      { ISA_T_B32, ISA_T_B32, ISA_T_B32 },
                      0,
                      nothing,
                      { .number = 0 } },
    { "s_prefetch_data_pc_rel",
      ISA_CLASS_SCALAR_MEMORY,
      { 0 },
      { ISA_T_B32, ISA_T_B32, ISA_T_B32 },
      0,
      nothing,
      { .number = 0 } },
    { "s_memtime", ISA_CLASS_SCALAR_MEMORY, { ISA_T_B64 }, { 0 }, 0, clock_of, { .number = 8 } },
    { "s_memrealtime", ISA_CLASS_SCALAR_MEMORY, { ISA_T_B64 }, { 0 }, 0, clock_of, { .number = 8 } },
};
const struct isa_row_set isa_rows_scalar_memory = { rows, sizeof rows / sizeof rows[0] };
