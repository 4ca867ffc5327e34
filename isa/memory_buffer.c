/* memory_buffer.c: buffer instructions, through a description of 128 bits (V#).
 *
 * Two kinds: the private segment's buffer that a dispatch makes (scratch of gfx9 and gfx10: launch.c), whose lanes are
 * swizzled, and a program's own: base 0..47, stride 48..61, records 64..95. Of the latter, loads from outside give 0
 * and stores there do nothing, as hardware has it; what is inside is checked as a global access is.
 *
 * Source: AMD, "RDNA 2 Instruction Set Architecture", "Buffer Addressing", "Range Checking", "Swizzled Buffer
 * Addressing".
 *
 * SPDX-License-Identifier: MIT */
#include "isa/memory.h"

enum { TH_RETURN = 1 }; /* gfx12's temporal hint of an atomic: TH_ATOMIC_RETURN is bit 0 */

struct buffer {
    uint64_t base, size;
    uint32_t stride;
    bool structured;
};

/* Operands behind the data: vaddr, description, scalar offset. */
struct places {
    const struct isa_operand *data, *vaddr, *soffset;
    int reg; /* of the description */
};

static struct places places_of(const struct isa_instr *i)
{
    int n = i->n_dst ? 0 : 1; /* of a store the data comes first */
    struct places p = { .data = i->n_dst ? NULL : &i->src[0], .vaddr = &i->src[n] };
    if (isa_m(i, ISA_M_ATOMIC)) /* the text has data and result once, whether there is a result or not */
        p.data = &i->dst[0];
    p.reg = i->src[n + 1].reg;
    p.soffset = &i->src[n + 2];
    return p;
}

static uint32_t soffset_of(const struct isa_wave *w, const struct isa_operand *o)
{
    return o->place == ISA_P_SCALAR     ? (o->reg == ISA_NULL ? 0 : w->s[o->reg])
           : o->place == ISA_P_CONSTANT ? (uint32_t)o->value
                                        : 0;
}

static bool returns(const struct isa_instr *i) { return i->glc || i->sc0 || (i->th & TH_RETURN); }

/* ---- Scratch --------------------------------------------------------------------------------------------- */

/* The lanes' words lie side by side: what is added to the base, and the scalar offset, count for all lanes together. */
static enum isa_next scratch(struct isa_wave *w, const struct isa_instr *i, const struct places *p, uint64_t base)
{
    uint64_t lanes = (uint64_t)w->lanes;
    uint64_t own = w->group->kernel->rsrc2 & 1 ? (uint64_t)w->number * w->scratch_bytes * lanes : 0;
    uint64_t behind = base - ISA_SCRATCH_BUFFER - own + soffset_of(w, p->soffset);
    uint32_t address[ISA_LANES];
    bool offen = i->offen && p->vaddr->place == ISA_P_VECTOR;
    if (behind % lanes || behind / lanes > UINT32_MAX)
        return isa_fail(w, i, ISA_STOP_SCRATCH_BOUNDS, -1, "the scratch of another wave, 0x%llx bytes from its own",
                        (unsigned long long)behind);
    for (int lane = 0; lane < ISA_LANES; lane++)
        address[lane] = (uint32_t)(behind / lanes) + (uint32_t)i->offset[0] + (offen ? w->v[p->vaddr->reg][lane] : 0);
    bool stores = isa_m(i, ISA_M_STORE | ISA_M_ATOMIC);
    enum isa_next next = isa_scratch_access(w, i, address, w->exec, stores ? p->data : NULL);
    if (next == ISA_GO)
        isa_issue(w, i, stores ? ISA_C_STORE : ISA_C_LOAD);
    return next;
}

/* ---- A program's own ------------------------------------------------------------------------------------- */

/* The address of a lane; false when it is outside. */
static bool place(const struct isa_wave *w, const struct isa_instr *i, const struct places *p, const struct buffer *b,
                  int lane, uint64_t *address)
{
    int at = p->vaddr->reg;
    uint64_t index = i->idxen ? w->v[at][lane] : 0;
    uint64_t offset = (uint64_t)i->offset[0] + (i->offen ? w->v[at + (i->idxen ? 1 : 0)][lane] : 0);
    uint64_t scalar = soffset_of(w, p->soffset), bytes = (uint64_t)isa_m_bytes(i);
    *address = b->base + scalar + offset + index * b->stride;
    if (b->structured) /* records are counted; within one of them the offset is */
        return index < b->size && (!i->idxen || offset + bytes <= b->stride || b->stride == 0);
    return offset + index * b->stride + bytes + (w->target->generation >= ISA_GFX10 ? scalar : 0) <= b->size;
}

static bool access(struct isa_wave *w, const struct isa_instr *i, const struct places *p, int lane, uint64_t address,
                   bool inside)
{
    int bytes = isa_m_bytes(i);
    uint8_t moved[16] = { 0 };
    if (isa_m(i, ISA_M_ATOMIC)) {
        uint32_t kept[2] = { w->v[p->data->reg][lane], bytes == 8 ? w->v[p->data->reg + 1][lane] : 0 };
        if (inside && !isa_global_atomic(w, i, lane, address, p->data))
            return false;
        for (int k = 0; k < bytes / 4 && !returns(i); k++)
            w->v[p->data->reg + k][lane] = kept[k];
        return true;
    }
    if (isa_m(i, ISA_M_STORE)) {
        isa_collect(w, i, p->data, lane, bytes, moved);
        return !inside || isa_global_store(w, i, lane, address, bytes, moved);
    }
    if (inside && !isa_global_load(w, i, lane, address, bytes, moved))
        return false;
    isa_deliver(w, i, i->dst[0].reg, lane, moved);
    return true;
}

enum isa_next isa_run_buffer(struct isa_wave *w, const struct isa_instr *i)
{
    struct places p = places_of(i);
    uint64_t base = isa_s64(w, p.reg) & ((UINT64_C(1) << 48) - 1);
    if (i->lds || i->tfe || i->addr64)
        return isa_fail(w, i, ISA_STOP_UNSUPPORTED, -1, "lds, tfe or addr64 of a buffer");
    if (base & ISA_SCRATCH_BUFFER)
        return scratch(w, i, &p, base);
    uint32_t second = w->s[p.reg + 1];
    struct buffer b = { base, w->s[p.reg + 2], second >> 16 & 0x3fff, false };
    b.structured = b.stride && i->idxen;
    if (second >> 31)
        return isa_fail(w, i, ISA_STOP_UNSUPPORTED, -1, "a swizzled buffer");
    isa_count_global(w, !isa_m(i, ISA_M_STORE), isa_m(i, ISA_M_STORE | ISA_M_ATOMIC), isa_m_bytes(i));
    ISA_EACH_LANE(lane, w->exec)
    {
        uint64_t address;
        bool inside = place(w, i, &p, &b, lane, &address);
        if (!access(w, i, &p, lane, address, inside))
            return ISA_FAIL;
    }
    struct isa_instr stores = *i;
    stores.n_dst = 0;
    bool result = i->n_dst && (!isa_m(i, ISA_M_ATOMIC) || returns(i));
    isa_issue(w, result ? i : &stores, result ? ISA_C_LOAD : ISA_C_STORE);
    return ISA_GO;
}

/* ---- Rows ------------------------------------------------------------------------------------------------ */

#define SOURCES ISA_T_B64, ISA_T_B128, ISA_T_B32
#define LOAD(name, type, bytes, what)                      \
    { "buffer_" #name,                                     \
      ISA_CLASS_BUFFER,                                    \
      { ISA_T_##type },                                    \
      { SOURCES },                                         \
      (what) & (ISA_M_LOW | ISA_M_HIGH) ? ISA_PARTIAL : 0, \
      isa_run_buffer,                                      \
      { .number = (bytes) | (what) } },
#define STORE(name, type, bytes, what) \
    { "buffer_" #name,                 \
      ISA_CLASS_BUFFER,                \
      { 0 },                           \
      { ISA_T_##type, SOURCES },       \
      ISA_NO_DST,                      \
      isa_run_buffer,                  \
      { .number = (bytes) | (what) | ISA_M_STORE } },
/* With a result, it is the data too: the text has it once. */
#define ATOMIC(name, type, data, operation) \
    { "buffer_" #name,                      \
      ISA_CLASS_BUFFER,                     \
      { ISA_T_##data },                     \
      { SOURCES },                          \
      ISA_READS_DST,                        \
      isa_run_buffer,                       \
      { .number =                           \
            (ISA_T_##type == ISA_T_B64 ? 8 : 4) | ISA_M_ATOMIC | (uint64_t)ISA_ATOMIC_##operation << ISA_M_SHIFT } },
#define CACHES(X)        \
    X(buffer_gl0_inv, 0) \
    X(buffer_gl1_inv, 0) \
    X(buffer_wbinvl1, 0) X(buffer_wbinvl1_vol, 0) X(buffer_invl2, 0) X(buffer_inv, 0) X(buffer_wbl2, 1)

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
                ISA_MEMORY_ATOMICS_ONE(ATOMIC)
#define X(name, counted) { #name, ISA_CLASS_BUFFER, { 0 }, { 0 }, 0, isa_run_cache, { .number = (counted) } },
                    CACHES(X)
#undef X
};
const struct isa_row_set isa_rows_buffer = { rows, sizeof rows / sizeof rows[0] };
