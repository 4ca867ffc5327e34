/* memory_ds.c: LDS: loads, stores, atomics, and what moves values between lanes on LDS' way.
 *
 * Sources: AMD, "RDNA 3 Instruction Set Architecture", "LDS Instructions", and the Vega and MI300 documents' "DS
 * Instructions".
 *
 * Alignment: LDS works at any address (unaligned-access-mode), atomics at multiples of their size.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/memory.h"
#include "isa/rows/ds.h"

/* ---- Banks ----------------------------------------------------------------------------------------------- */

enum { BANKS = 32 };

/* Passes over the banks: lanes go in groups that together want each bank once at best; in a group, a bank gives one
 * word a pass, to all that want it. */
static void count_banks(struct isa_wave *w, const uint32_t address[ISA_LANES], int bytes, bool stores)
{
    struct isa_counts *c = w->machine->counts;
    int words = bytes < 4 ? 1 : bytes / 4, group = BANKS / words;
    uint64_t all = (uint64_t)__builtin_popcountll(w->exec) * (uint64_t)bytes;
    if (stores)
        c->lds_written += all;
    else
        c->lds_read += all;
    for (int first = 0; first < w->lanes; first += group) {
        uint32_t wanted[BANKS][BANKS], n[BANKS] = { 0 }, most = 0;
        uint64_t mask = w->exec >> first & ((UINT64_C(1) << group) - 1);
        ISA_EACH_LANE(lane, mask)
        {
            for (int k = 0; k < words; k++) {
                uint32_t word = address[first + lane] / 4 + (uint32_t)k, bank = word % BANKS, at = 0;
                while (at < n[bank] && wanted[bank][at] != word)
                    at++;
                if (at == n[bank] && at < BANKS)
                    wanted[bank][n[bank]++] = word;
                most = n[bank] > most ? n[bank] : most;
            }
        }
        c->lds_passes += most;
        c->lds_passes_least += most > 0;
    }
}

/* ---- Loads and stores ------------------------------------------------------------------------------------ */

static void addresses(const struct isa_wave *w, const struct isa_instr *i, int second, uint32_t to[ISA_LANES])
{
    uint32_t offset = (uint32_t)i->offset[second];
    if (isa_m(i, ISA_M_TWO))
        offset *= (uint32_t)isa_m_bytes(i) * (isa_m(i, ISA_M_ST64) ? 64 : 1);
    const uint32_t *from = w->v[i->src[0].reg];
    for (int lane = 0; lane < ISA_LANES; lane++)
        to[lane] = from[lane] + offset;
}

/* Are all active lanes' accesses inside? */
static bool all_inside(const struct isa_wave *w, const uint32_t address[ISA_LANES], int bytes)
{
    uint32_t most = 0;
    for (int lane = 0; lane < ISA_LANES; lane++) {
        uint32_t a = address[lane] & w->mask[lane];
        most = a > most ? a : most;
    }
    return most <= w->group->lds_bytes && (uint32_t)bytes <= w->group->lds_bytes - most;
}

/* Registers that nobody wrote may go to LDS and back, as to scratch (memory_scratch.c). */
static void know(struct isa_wave *w, const struct isa_instr *i, const uint32_t address[ISA_LANES],
                 const struct isa_operand *data)
{
    struct isa_group *g = w->group;
    int bytes = isa_m_bytes(i);
    uint64_t known = UINT64_MAX;
    for (int k = 0; k < (bytes + 3) / 4; k++)
        known &= w->v_written[data->reg + k];
    if (!(w->exec & ~known) && !g->any_unknown)
        return;
    g->any_unknown = true;
    ISA_EACH_LANE(lane, w->exec)
    for (int k = 0; k < bytes; k++)
        g->lds_unknown[address[lane] + (uint32_t)k] = !(w->v_written[data->reg + k / 4] >> lane & 1);
}

void isa_lds_learn(struct isa_wave *w, const struct isa_instr *i, int lane, uint32_t address, int word)
{
    for (int k = 0; k < isa_m_bytes(i) && w->checked && w->group->any_unknown; k++)
        if (w->group->lds_unknown[address + (uint32_t)k])
            isa_taint(w, word + k / 4, UINT64_C(1) << lane);
}

static bool load_one(struct isa_wave *w, const struct isa_instr *i, const uint32_t address[ISA_LANES], int reg)
{
    int bytes = isa_m_bytes(i);
    const uint8_t *lds = w->group->lds;
    bool free = !w->checked && all_inside(w, address, bytes);
    if (w->machine->counts)
        count_banks(w, address, bytes, false);
    if (free && bytes >= 4) {
        ISA_EACH_LANE(lane, w->exec)
        for (int k = 0; k < bytes / 4; k++)
            memcpy(&w->v[reg + k][lane], lds + address[lane] + 4 * k, 4);
        return true;
    }
    ISA_EACH_LANE(lane, w->exec)
    {
        if (!free && !isa_lds_check(w, i, lane, address[lane], bytes, ISA_READ))
            return false;
        isa_deliver(w, i, reg, lane, lds + address[lane]);
        isa_lds_learn(w, i, lane, address[lane], reg - i->dst[0].reg);
    }
    return true;
}

static bool store_one(struct isa_wave *w, const struct isa_instr *i, const uint32_t address[ISA_LANES],
                      const struct isa_operand *data)
{
    int bytes = isa_m_bytes(i);
    bool free = !w->checked && all_inside(w, address, bytes);
    if (w->machine->counts)
        count_banks(w, address, bytes, true);
    ISA_EACH_LANE(lane, w->exec)
    {
        if (!free && !isa_lds_check(w, i, lane, address[lane], bytes, ISA_WRITE))
            return false;
        isa_collect(w, i, data, lane, bytes, w->group->lds + address[lane]);
    }
    if (w->checked)
        know(w, i, address, data);
    return true;
}

static enum isa_next move(struct isa_wave *w, const struct isa_instr *i)
{
    uint32_t first[ISA_LANES], second[ISA_LANES];
    bool two = isa_m(i, ISA_M_TWO), good;
    addresses(w, i, 0, first);
    if (two)
        addresses(w, i, 1, second);
    if (isa_m(i, ISA_M_STORE)) {
        good = store_one(w, i, first, &i->src[1]) && (!two || store_one(w, i, second, &i->src[2]));
    } else {
        int reg = i->dst[0].reg;
        good = load_one(w, i, first, reg) && (!two || load_one(w, i, second, reg + isa_m_bytes(i) / 4));
    }
    if (!good)
        return ISA_FAIL;
    isa_issue(w, i, ISA_C_DS);
    return ISA_GO;
}

/* ---- Atomics --------------------------------------------------------------------------------------------- */

static bool atomic_lane(struct isa_wave *w, const struct isa_instr *i, int lane, uint32_t address)
{
    int bytes = isa_m_bytes(i), operation = isa_m_operation(i);
    uint64_t m = 0, d = isa_words(w, &i->src[1], 0, lane, bytes), c = 0;
    if (address % (uint32_t)bytes) {
        w->machine->stop->address = address;
        isa_fail(w, i, ISA_STOP_ALIGNMENT, lane, "an atomic of %d bytes at LDS byte %u", bytes, address);
        return false;
    }
    if (i->n_src > 2 && i->src[2].place == ISA_P_VECTOR)
        c = isa_words(w, &i->src[2], 0, lane, bytes);
    if (!isa_lds_check(w, i, lane, address, bytes, ISA_READ_WRITE))
        return false;
    memcpy(&m, w->group->lds + address, (size_t)bytes);
    uint64_t value = isa_m(i, ISA_M_COMPARED_FIRST) ? isa_atomic_value(operation, bytes, m, c, d)
                                                    : isa_atomic_value(operation, bytes, m, d, c);
    memcpy(w->group->lds + address, &value, (size_t)bytes);
    for (int k = 0; k < bytes / 4 && i->n_dst; k++)
        w->v[i->dst[0].reg + k][lane] = (uint32_t)(m >> (32 * k));
    return true;
}

static enum isa_next atomic(struct isa_wave *w, const struct isa_instr *i)
{
    uint32_t address[ISA_LANES];
    addresses(w, i, 0, address);
    if (w->machine->counts)
        count_banks(w, address, isa_m_bytes(i), true);
    ISA_EACH_LANE(lane, w->exec)
    {
        if (!atomic_lane(w, i, lane, address[lane]))
            return ISA_FAIL;
    }
    isa_issue(w, i, ISA_C_DS);
    return ISA_GO;
}

enum isa_next isa_run_ds(struct isa_wave *w, const struct isa_instr *i)
{
    if (i->gds)
        return isa_fail(w, i, ISA_STOP_UNSUPPORTED, -1, "global data share");
    return isa_m(i, ISA_M_ATOMIC) ? atomic(w, i) : move(w, i);
}

/* ds_append, ds_consume: a counter at M0 + offset goes by the number of active lanes; all get what it was. */
static enum isa_next run_append(struct isa_wave *w, const struct isa_instr *i)
{
    uint32_t address = (w->s[ISA_M0] & 0xffff) + (uint32_t)i->offset[0], was;
    uint32_t n = (uint32_t)__builtin_popcountll(w->exec);
    int lane = w->exec ? __builtin_ctzll(w->exec) : 0;
    if (i->gds)
        return isa_fail(w, i, ISA_STOP_UNSUPPORTED, -1, "global data share");
    if (!isa_lds_check(w, i, lane, address, 4, ISA_READ_WRITE))
        return ISA_FAIL;
    memcpy(&was, w->group->lds + address, 4);
    uint32_t now = i->row->op.number ? was - n : was + n;
    memcpy(w->group->lds + address, &now, 4);
    ISA_EACH_LANE(each, w->exec)
    w->v[i->dst[0].reg][each] = was;
    isa_issue(w, i, ISA_C_DS);
    return ISA_GO;
}

/* ---- Between lanes --------------------------------------------------------------------------------------- */

/* Lanes that reach each other: a wave; from gfx10 on 32 (ds_bpermute of wave64 does not cross its halves). */
static int reach(const struct isa_wave *w) { return w->target->generation >= ISA_GFX10 ? 32 : w->lanes; }

/* ds_bpermute: each lane fetches from another; from one that is inactive, 0. ds_permute: each sends to another; of
 * several the last one counts, whom nobody sends to gets 0. */
static enum isa_next run_permute(struct isa_wave *w, const struct isa_instr *i)
{
    bool fetches = (i->row->op.number & 1) != 0;
    uint32_t result[ISA_LANES] = { 0 };
    const uint32_t *at = w->v[i->src[0].reg], *data = w->v[i->src[1].reg];
    int span = reach(w);
    ISA_EACH_LANE(lane, w->exec)
    {
        uint32_t other = (at[lane] + (uint32_t)i->offset[0]) / 4 % (uint32_t)span + (uint32_t)(lane / span * span);
        if (!fetches)
            result[other] = data[lane];
        else if (w->exec >> other & 1)
            result[lane] = data[other];
        /* What is not known goes the same way. */
        bool sent = fetches ? w->exec >> other & 1 : true;
        uint64_t known = w->v_written[i->src[1].reg];
        if (w->checked && sent && !(known >> (fetches ? other : (uint32_t)lane) & 1))
            isa_taint(w, 0, UINT64_C(1) << (fetches ? (uint32_t)lane : other));
    }
    ISA_EACH_LANE(lane, w->exec)
    w->v[i->dst[0].reg][lane] = result[lane];
    isa_issue(w, i, ISA_C_DS);
    return ISA_GO;
}

/* The lane, of 32, that a lane's value comes from: the offset's bits. 1.......: rotation (gfx9 on: 0xc000..) or quads;
 * else and, or, xor masks of five bits. */
static int swizzled(uint32_t offset, int lane)
{
    int low = lane & 31, half = lane & 32;
    if (offset >= 0xe000)
        return -1;
    if (offset >= 0xc000) {
        int turn = (int)(offset >> 5 & 31), keep = (int)(offset & 31);
        int to = offset >> 10 & 1 ? low - turn : low + turn;
        return half | ((low & keep) | (to & 31 & ~keep));
    }
    if (offset >> 15)
        return half | (low & 28) | (int)(offset >> (2 * (low & 3)) & 3);
    return half | ((((low & (int)(offset & 31)) | (int)(offset >> 5 & 31)) ^ (int)(offset >> 10 & 31)) & 31);
}

static enum isa_next run_swizzle(struct isa_wave *w, const struct isa_instr *i)
{
    uint32_t result[ISA_LANES] = { 0 }, offset = i->encoding[0] & 0xffff;
    const uint32_t *data = w->v[i->src[0].reg];
    ISA_EACH_LANE(lane, w->exec)
    {
        int from = swizzled(offset, lane);
        if (from < 0)
            return isa_fail(w, i, ISA_STOP_UNSUPPORTED, -1, "the FFT mode of ds_swizzle");
        result[lane] = w->exec >> from & 1 ? data[from] : 0;
    }
    ISA_EACH_LANE(lane, w->exec)
    w->v[i->dst[0].reg][lane] = result[lane];
    isa_issue(w, i, ISA_C_DS);
    return ISA_GO;
}

static enum isa_next run_nop(struct isa_wave *w, const struct isa_instr *i)
{
    (void)w;
    (void)i;
    return ISA_GO;
}

/* ---- Rows ------------------------------------------------------------------------------------------------ */

#define PART(what) ((what) & (ISA_M_LOW | ISA_M_HIGH) ? ISA_PARTIAL : 0)
#define LOAD(name, type, bytes, what)  \
    {                                  \
        "ds_" #name,                   \
        ISA_CLASS_DS,                  \
        { ISA_T_##type },              \
        { ISA_T_B32 },                 \
        PART(what),                    \
        isa_run_ds,                    \
        { .number = (bytes) | (what) } \
    },
#define STORE(name, type, bytes, what)                                    \
    { "ds_" #name,                                                        \
      ISA_CLASS_DS,                                                       \
      { 0 },                                                              \
      { ISA_T_B32, ISA_T_##type, (what) & ISA_M_TWO ? ISA_T_##type : 0 }, \
      ISA_NO_DST,                                                         \
      isa_run_ds,                                                         \
      { .number = (bytes) | (what) | ISA_M_STORE } },
#define COMPARES(operation)                                                                            \
    (ISA_ATOMIC_##operation == ISA_ATOMIC_CMPSWAP || ISA_ATOMIC_##operation == ISA_ATOMIC_CMPSWAP_F || \
     ISA_ATOMIC_##operation == ISA_ATOMIC_MSKOR)
#define TYPE(bytes) ((bytes) == 8 ? ISA_T_B64 : ISA_T_B32)
#define ATOMIC(name, bytes, operation, what, result, flags)              \
    { name,                                                              \
      ISA_CLASS_DS,                                                      \
      { result },                                                        \
      { ISA_T_B32, TYPE(bytes), COMPARES(operation) ? TYPE(bytes) : 0 }, \
      flags,                                                             \
      isa_run_ds,                                                        \
      { .number = (bytes) | (what) | ISA_M_ATOMIC | (uint64_t)ISA_ATOMIC_##operation << ISA_M_SHIFT } },

static const struct isa_row rows[] = {
#define X(old, new, type, bytes, what) LOAD(old, type, bytes, what) LOAD(new, type, bytes, what)
    ISA_DS_LOADS(X)
#undef X
#define X(old, new, type, bytes, what) STORE(old, type, bytes, what) STORE(new, type, bytes, what)
        ISA_DS_STORES(X)
#undef X
#define X(name, end, bytes, operation, what)                                     \
    ATOMIC("ds_" #name "_" #end, bytes, operation, what, ISA_T_NONE, ISA_NO_DST) \
    ATOMIC("ds_" #name "_rtn_" #end, bytes, operation, what, TYPE(bytes), 0)
            ISA_DS_ATOMICS(X)
#undef X
#define X(name, bytes) ATOMIC("ds_" #name, bytes, SWAP, 0, TYPE(bytes), 0)
                ISA_DS_EXCHANGES(X)
#undef X
                    { "ds_append", ISA_CLASS_DS, { ISA_T_B32 }, { 0 }, ISA_READS_M0, run_append, { .number = 0 } },
    { "ds_consume", ISA_CLASS_DS, { ISA_T_B32 }, { 0 }, ISA_READS_M0, run_append, { .number = 1 } },
    { "ds_bpermute_b32",
      ISA_CLASS_DS,
      { ISA_T_B32 },
      { ISA_T_B32, ISA_T_B32 },
      0,
      run_permute,
      { .number = ISA_M_PERMUTES | 1 } },
    { "ds_permute_b32",
      ISA_CLASS_DS,
      { ISA_T_B32 },
      { ISA_T_B32, ISA_T_B32 },
      0,
      run_permute,
      { .number = ISA_M_PERMUTES } },
    { "ds_swizzle_b32", ISA_CLASS_DS, { ISA_T_B32 }, { ISA_T_B32 }, 0, run_swizzle, { .number = 0 } },
    { "ds_nop", ISA_CLASS_DS, { 0 }, { 0 }, 0, run_nop, { .number = 0 } },
};
const struct isa_row_set isa_rows_ds = { rows, sizeof rows / sizeof rows[0] };
