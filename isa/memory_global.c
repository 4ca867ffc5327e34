/* memory_global.c: global loads, stores and atomics.
 *
 * Where all lanes' addresses lie in one area, and nothing about them is to be checked, they are gone through in one
 * plain loop. Else each lane is checked by itself (access.c).
 *
 * Alignment: loads and stores may be at any address (LLVM, "User Guide for AMDGPU Backend": unaligned-access-mode is on
 * for HSA), atomics at multiples of their size.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/memory.h"

/* ---- Addresses ------------------------------------------------------------------------------------------- */

/* src[at]: the vector address; src[base]: a scalar base, or off. */
static void addresses(const struct isa_wave *w, const struct isa_instr *i, int at, int base, uint64_t to[ISA_LANES])
{
    const struct isa_operand *v = &i->src[at];
    const uint32_t *low = w->v[v->reg];
    uint64_t offset = (uint64_t)i->offset[0];
    if (base < i->n_src && i->src[base].place == ISA_P_SCALAR && i->src[base].reg != ISA_NULL) {
        offset += isa_s64(w, i->src[base].reg);
        for (int lane = 0; lane < ISA_LANES; lane++)
            to[lane] = offset + low[lane];
        return;
    }
    const uint32_t *high = w->v[v->reg + 1];
    for (int lane = 0; lane < ISA_LANES; lane++)
        to[lane] = ((uint64_t)high[lane] << 32 | low[lane]) + offset;
}

/* The area that all active lanes' accesses lie in; NULL when there is no such one. */
static struct isa_area *common_area(struct isa_wave *w, const uint64_t address[ISA_LANES], int bytes)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (int lane = 0; lane < ISA_LANES; lane++) {
        uint64_t active = (uint64_t)(int64_t)(int32_t)w->mask[lane];
        uint64_t low = address[lane] | ~active, high = address[lane] & active;
        least = low < least ? low : least;
        most = high > most ? high : most;
    }
    if (most > UINT64_MAX - 16)
        return NULL;
    return isa_area_find(w->machine, least, most - least + (uint64_t)bytes);
}

/* Nothing to check there but what common_area did? */
static bool plain(const struct isa_wave *w, const struct isa_area *a, bool writes)
{
    if (!a || (writes && !a->region.writable))
        return false;
    return !w->checked || (!a->written && !a->region.writable);
}

/* ---- Loads and stores ------------------------------------------------------------------------------------ */

static void load_plain(struct isa_wave *w, const struct isa_instr *i, const uint64_t address[ISA_LANES])
{
    int bytes = isa_m_bytes(i), reg = i->dst[0].reg;
    if (bytes < 4) {
        ISA_EACH_LANE(lane, w->exec)
        isa_deliver(w, i, reg, lane, (const uint8_t *)(uintptr_t)address[lane]);
        return;
    }
    ISA_EACH_LANE(lane, w->exec)
    {
        const uint8_t *from = (const uint8_t *)(uintptr_t)address[lane];
        for (int k = 0; k < bytes / 4; k++)
            memcpy(&w->v[reg + k][lane], from + 4 * k, 4);
    }
}

static enum isa_next load(struct isa_wave *w, const struct isa_instr *i)
{
    uint64_t address[ISA_LANES];
    int bytes = isa_m_bytes(i);
    addresses(w, i, 0, 1, address);
    isa_count_global(w, true, false, bytes);
    struct isa_area *a = w->exec ? common_area(w, address, bytes) : NULL;
    if (w->exec && plain(w, a, false)) {
        load_plain(w, i, address);
    } else {
        uint8_t got[16];
        ISA_EACH_LANE(lane, w->exec)
        {
            if (!isa_global_check(w, i, lane, address[lane], bytes, ISA_READ, a))
                return ISA_FAIL;
            memcpy(got, (const void *)(uintptr_t)address[lane], (size_t)bytes);
            isa_deliver(w, i, i->dst[0].reg, lane, got);
        }
    }
    isa_issue(w, i, ISA_C_LOAD);
    return ISA_GO;
}

static enum isa_next store(struct isa_wave *w, const struct isa_instr *i)
{
    uint64_t address[ISA_LANES];
    int bytes = isa_m_bytes(i);
    addresses(w, i, 0, 2, address);
    isa_count_global(w, false, true, bytes);
    struct isa_area *a = w->exec ? common_area(w, address, bytes) : NULL;
    bool free = plain(w, a, true);
    ISA_EACH_LANE(lane, w->exec)
    {
        if (!free && !isa_global_check(w, i, lane, address[lane], bytes, ISA_WRITE, a))
            return ISA_FAIL;
        isa_collect(w, i, &i->src[1], lane, bytes, (uint8_t *)(uintptr_t)address[lane]);
    }
    isa_issue(w, i, ISA_C_STORE);
    return ISA_GO;
}

/* ---- Atomics --------------------------------------------------------------------------------------------- */

bool isa_global_atomic(struct isa_wave *w, const struct isa_instr *i, int lane, uint64_t address,
                       const struct isa_operand *data)
{
    int bytes = isa_m_bytes(i);
    if (address % (uint64_t)bytes) {
        w->machine->stop->address = address;
        isa_fail(w, i, ISA_STOP_ALIGNMENT, lane, "an atomic of %d bytes at 0x%llx", bytes, (unsigned long long)address);
        return false;
    }
    if (!isa_global_check(w, i, lane, address, bytes, ISA_READ_WRITE, NULL))
        return false;
    uint64_t old = isa_atomic_at(w, i, data, lane, bytes, (void *)(uintptr_t)address);
    for (int k = 0; k < bytes / 4 && i->n_dst; k++)
        w->v[i->dst[0].reg + k][lane] = (uint32_t)(old >> (32 * k));
    return true;
}

static enum isa_next atomic(struct isa_wave *w, const struct isa_instr *i)
{
    uint64_t address[ISA_LANES];
    addresses(w, i, 0, 2, address);
    isa_count_global(w, true, true, isa_m_bytes(i));
    ISA_EACH_LANE(lane, w->exec)
    {
        if (!isa_global_atomic(w, i, lane, address[lane], &i->src[1]))
            return ISA_FAIL;
    }
    isa_issue(w, i, i->n_dst ? ISA_C_LOAD : ISA_C_STORE);
    return ISA_GO;
}

enum isa_next isa_run_global(struct isa_wave *w, const struct isa_instr *i)
{
    if (isa_m(i, ISA_M_ATOMIC))
        return atomic(w, i);
    return isa_m(i, ISA_M_STORE) ? store(w, i) : load(w, i);
}

enum isa_next isa_run_cache(struct isa_wave *w, const struct isa_instr *i)
{
    if (i->row->op.number) /* a write-back: it comes back under the stores' counter */
        isa_issue(w, i, ISA_C_STORE);
    return ISA_GO;
}

/* ---- Rows ------------------------------------------------------------------------------------------------ */

#define NUMBER(what) { .number = (what) }
#define LOAD(name, type, bytes, what)                      \
    { "global_" #name,                                     \
      ISA_CLASS_GLOBAL,                                    \
      { ISA_T_##type },                                    \
      { ISA_T_B64, ISA_T_B64 },                            \
      (what) & (ISA_M_LOW | ISA_M_HIGH) ? ISA_PARTIAL : 0, \
      isa_run_global,                                      \
      NUMBER((bytes) | (what)) },
#define STORE(name, type, bytes, what)        \
    { "global_" #name,                        \
      ISA_CLASS_GLOBAL,                       \
      { 0 },                                  \
      { ISA_T_B64, ISA_T_##type, ISA_T_B64 }, \
      ISA_NO_DST,                             \
      isa_run_global,                         \
      NUMBER((bytes) | (what) | ISA_M_STORE) },
#define ATOMIC(name, type, data, operation)   \
    { "global_" #name,                        \
      ISA_CLASS_GLOBAL,                       \
      { ISA_T_##type },                       \
      { ISA_T_B64, ISA_T_##data, ISA_T_B64 }, \
      ISA_ATOMIC,                             \
      isa_run_global,                         \
      NUMBER((ISA_T_##type == ISA_T_B64 ? 8 : 4) | ISA_M_ATOMIC | (uint64_t)ISA_ATOMIC_##operation << ISA_M_SHIFT) },

static const struct isa_row rows[] = {
#define X(old, new, type, bytes, what) LOAD(old, type, bytes, what) LOAD(new, type, bytes, what)
    ISA_MEMORY_LOADS(X)
#undef X
#define X(old, new, type, bytes, what) STORE(old, type, bytes, what) STORE(new, type, bytes, what)
        ISA_MEMORY_STORES(X)
#undef X
#define X(old, new, type, data, operation) ATOMIC(old, type, data, operation) ATOMIC(new, type, data, operation)
            ISA_MEMORY_ATOMICS(X)
#undef X
                ISA_MEMORY_ATOMICS_ONE(ATOMIC){
                    "global_inv", ISA_CLASS_GLOBAL, { 0 }, { 0 }, 0, isa_run_cache, NUMBER(0) },
    { "global_wb", ISA_CLASS_GLOBAL, { 0 }, { 0 }, 0, isa_run_cache, NUMBER(1) },
    { "global_wbinv", ISA_CLASS_GLOBAL, { 0 }, { 0 }, 0, isa_run_cache, NUMBER(1) },
};
const struct isa_row_set isa_rows_global = { rows, sizeof rows / sizeof rows[0] };
