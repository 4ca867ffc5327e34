/* memory_scratch.c: scratch instructions, and flat ones, whose addresses fall into LDS, scratch or global memory.
 *
 * A lane's scratch is its own: addresses count from its first byte. What nobody wrote may be read (a register is saved
 * before it is used), but what comes of it counts as a register that nobody wrote.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/memory.h"

/* ---- Scratch --------------------------------------------------------------------------------------------- */

static uint8_t *written_at(const struct isa_wave *w, int lane, uint32_t address)
{
    return w->scratch_written + (size_t)lane * w->scratch_bytes + address;
}

static bool load_lane(struct isa_wave *w, const struct isa_instr *i, int lane, uint32_t address, int bytes)
{
    uint8_t got[16];
    if (!isa_scratch_load(w, i, lane, address, bytes, got))
        return false;
    isa_deliver(w, i, i->dst[0].reg, lane, got);
    if (w->checked)
        for (int k = 0; k < bytes; k++)
            if (!written_at(w, lane, address)[k])
                isa_taint(w, k / 4, UINT64_C(1) << lane);
    return true;
}

static bool store_lane(struct isa_wave *w, const struct isa_instr *i, int lane, uint32_t address, int bytes,
                       const struct isa_operand *data)
{
    uint8_t put[16];
    isa_collect(w, i, data, lane, bytes, put);
    if (!isa_scratch_store(w, i, lane, address, bytes, put))
        return false;
    for (int k = 0; k < bytes && w->checked; k++)
        written_at(w, lane, address)[k] = w->v_written[data->reg + k / 4] >> lane & 1;
    return true;
}

static bool scratch_lane(struct isa_wave *w, const struct isa_instr *i, int lane, uint32_t address,
                         const struct isa_operand *data)
{
    int bytes = isa_m_bytes(i);
    if (isa_m(i, ISA_M_ATOMIC)) {
        isa_fail(w, i, ISA_STOP_UNSUPPORTED, lane, "an atomic on scratch");
        return false;
    }
    return data ? store_lane(w, i, lane, address, bytes, data) : load_lane(w, i, lane, address, bytes);
}

enum isa_next isa_scratch_access(struct isa_wave *w, const struct isa_instr *i, const uint32_t address[ISA_LANES],
                                 uint64_t lanes, const struct isa_operand *data)
{
    if (w->machine->counts) {
        uint64_t bytes = (uint64_t)__builtin_popcountll(lanes) * (uint64_t)isa_m_bytes(i);
        if (data)
            w->machine->counts->scratch_written += bytes;
        else
            w->machine->counts->scratch_read += bytes;
    }
    ISA_EACH_LANE(lane, lanes)
    {
        if (!scratch_lane(w, i, lane, address[lane], data))
            return ISA_FAIL;
    }
    return ISA_GO;
}

enum isa_next isa_run_scratch(struct isa_wave *w, const struct isa_instr *i)
{
    bool stores = isa_m(i, ISA_M_STORE);
    const struct isa_operand *v = &i->src[0], *s = &i->src[stores ? 2 : 1];
    bool has_scalar = (stores ? 2 : 1) < i->n_src && s->place == ISA_P_SCALAR && s->reg != ISA_NULL;
    uint32_t address[ISA_LANES], base = (uint32_t)i->offset[0] + (has_scalar ? w->s[s->reg] : 0);
    for (int lane = 0; lane < ISA_LANES; lane++)
        address[lane] = base + (v->place == ISA_P_VECTOR ? w->v[v->reg][lane] : 0);
    enum isa_next next = isa_scratch_access(w, i, address, w->exec, stores ? &i->src[1] : NULL);
    if (next == ISA_GO)
        isa_issue(w, i, stores ? ISA_C_STORE : ISA_C_LOAD);
    return next;
}

/* ---- Flat ------------------------------------------------------------------------------------------------ */

static bool lds_lane(struct isa_wave *w, const struct isa_instr *i, int lane, uint32_t address,
                     const struct isa_operand *data)
{
    int bytes = isa_m_bytes(i);
    uint8_t moved[16];
    if (isa_m(i, ISA_M_ATOMIC)) {
        if (!isa_lds_check(w, i, lane, address, bytes, ISA_READ_WRITE))
            return false;
        uint64_t old = isa_atomic_at(w, i, data, lane, bytes, w->group->lds + address);
        for (int k = 0; k < bytes / 4 && i->n_dst; k++)
            w->v[i->dst[0].reg + k][lane] = (uint32_t)(old >> (32 * k));
        return true;
    }
    if (data) {
        isa_collect(w, i, data, lane, bytes, moved);
        return isa_lds_store(w, i, lane, address, bytes, moved);
    }
    if (!isa_lds_load(w, i, lane, address, bytes, moved))
        return false;
    isa_deliver(w, i, i->dst[0].reg, lane, moved);
    isa_lds_learn(w, i, lane, address, 0);
    return true;
}

static bool global_lane(struct isa_wave *w, const struct isa_instr *i, int lane, uint64_t address,
                        const struct isa_operand *data)
{
    int bytes = isa_m_bytes(i);
    uint8_t moved[16];
    if (isa_m(i, ISA_M_ATOMIC))
        return isa_global_atomic(w, i, lane, address, data);
    if (data) {
        isa_collect(w, i, data, lane, bytes, moved);
        return isa_global_store(w, i, lane, address, bytes, moved);
    }
    if (!isa_global_load(w, i, lane, address, bytes, moved))
        return false;
    isa_deliver(w, i, i->dst[0].reg, lane, moved);
    return true;
}

enum isa_next isa_run_flat(struct isa_wave *w, const struct isa_instr *i)
{
    bool atomic = isa_m(i, ISA_M_ATOMIC), stores = isa_m(i, ISA_M_STORE), lds = false, other = false;
    const struct isa_operand *v = &i->src[0], *data = atomic || stores ? &i->src[1] : NULL;
    int base = data ? 2 : 1;
    uint64_t offset = (uint64_t)i->offset[0];
    bool has_scalar = base < i->n_src && i->src[base].place == ISA_P_SCALAR && i->src[base].reg != ISA_NULL;
    if (has_scalar)
        offset += isa_s64(w, i->src[base].reg);
    isa_count_global(w, !stores, stores || atomic, isa_m_bytes(i));
    ISA_EACH_LANE(lane, w->exec)
    {
        uint64_t address = w->v[v->reg][lane];
        if (!has_scalar)
            address |= (uint64_t)w->v[v->reg + 1][lane] << 32;
        uint64_t aperture = address & ~(uint64_t)UINT32_MAX;
        address += offset;
        lds |= aperture == ISA_SHARED_APERTURE;
        other |= aperture != ISA_SHARED_APERTURE;
        bool good = aperture == ISA_SHARED_APERTURE    ? lds_lane(w, i, lane, (uint32_t)address, data)
                    : aperture == ISA_PRIVATE_APERTURE ? scratch_lane(w, i, lane, (uint32_t)address, data)
                                                       : global_lane(w, i, lane, address, data);
        if (!good)
            return ISA_FAIL;
    }
    isa_issue_flat(w, i, stores || (atomic && !i->n_dst), lds, other);
    return ISA_GO;
}

/* ---- Rows ------------------------------------------------------------------------------------------------ */

#define PART(what) ((what) & (ISA_M_LOW | ISA_M_HIGH) ? ISA_PARTIAL : 0)
/* Scratch: a vector address, a scalar one. Flat: one address. */
#define BASE_SCRATCH ISA_T_B64
#define BASE_FLAT ISA_T_NONE
#define LOAD(prefix, NAME, run, name, type, bytes, what) \
    { #prefix #name,                                     \
      ISA_CLASS_##NAME,                                  \
      { ISA_T_##type },                                  \
      { ISA_T_B64, BASE_##NAME },                        \
      PART(what),                                        \
      run,                                               \
      { .number = (bytes) | (what) } },
#define STORE(prefix, NAME, run, name, type, bytes, what) \
    { #prefix #name,                                      \
      ISA_CLASS_##NAME,                                   \
      { 0 },                                              \
      { ISA_T_B64, ISA_T_##type, BASE_##NAME },           \
      ISA_NO_DST,                                         \
      run,                                                \
      { .number = (bytes) | (what) | ISA_M_STORE } },
#define ATOMIC(name, type, data, operation) \
    { "flat_" #name,                        \
      ISA_CLASS_FLAT,                       \
      { ISA_T_##type },                     \
      { ISA_T_B64, ISA_T_##data },          \
      ISA_ATOMIC,                           \
      isa_run_flat,                         \
      { .number =                           \
            (ISA_T_##type == ISA_T_B64 ? 8 : 4) | ISA_M_ATOMIC | (uint64_t)ISA_ATOMIC_##operation << ISA_M_SHIFT } },

static const struct isa_row rows[] = {
#define X(old, new, type, bytes, what)                               \
    LOAD(scratch_, SCRATCH, isa_run_scratch, old, type, bytes, what) \
    LOAD(scratch_, SCRATCH, isa_run_scratch, new, type, bytes, what) \
    LOAD(flat_, FLAT, isa_run_flat, old, type, bytes, what) LOAD(flat_, FLAT, isa_run_flat, new, type, bytes, what)
    ISA_MEMORY_LOADS(X)
#undef X
#define X(old, new, type, bytes, what)                                \
    STORE(scratch_, SCRATCH, isa_run_scratch, old, type, bytes, what) \
    STORE(scratch_, SCRATCH, isa_run_scratch, new, type, bytes, what) \
    STORE(flat_, FLAT, isa_run_flat, old, type, bytes, what) STORE(flat_, FLAT, isa_run_flat, new, type, bytes, what)
        ISA_MEMORY_STORES(X)
#undef X
#define X(old, new, type, data, operation) ATOMIC(old, type, data, operation) ATOMIC(new, type, data, operation)
            ISA_MEMORY_ATOMICS(X)
#undef X
                ISA_MEMORY_ATOMICS_ONE(ATOMIC)
};
const struct isa_row_set isa_rows_scratch = { rows, sizeof rows / sizeof rows[0] };
