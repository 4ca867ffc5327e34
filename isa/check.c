/* check.c: registers around each instruction: were they given to the kernel, did somebody write them, is what is on its
 * way to them there yet.
 *
 * Waits: operations of one counter come back in order, but for scalar loads, which may come back in any: of them a wait
 * for none left is the only one that says something. Stores do not hold the registers that they read.
 *
 * What nobody wrote may be moved, computed with, and go to scratch and back (compilers do that with values that are
 * never used): what comes of it stays unwritten. Every use that others can see fails.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "isa/memory.h"

/* ---- Waits ----------------------------------------------------------------------------------------------- */

static enum isa_counter counter_of(const struct isa_wave *w, enum isa_counter counter)
{
    return counter == ISA_C_STORE && w->target->generation < ISA_GFX10 ? ISA_C_LOAD : counter;
}

/* Halves of its registers that an operand is, that an instruction of 16 bits loads: each has its own wait. */
static uint8_t halves_of(const struct isa_operand *o) { return o->half == ISA_LOW ? 1 : o->half == ISA_HIGH ? 2 : 3; }

static uint8_t halves_written(const struct isa_instr *i, const struct isa_operand *o)
{
    if (i->row->class < ISA_CLASS_DS)
        return halves_of(o);
    return isa_m(i, ISA_M_HIGH) ? 2 : isa_m(i, ISA_M_LOW) ? 1 : halves_of(o);
}

/* A store of 16 bits or fewer reads one half of its data. */
static uint8_t halves_read(const struct isa_instr *i, int source)
{
    const int data = i->row->class == ISA_CLASS_BUFFER ? 0 : 1;
    if (i->row->class < ISA_CLASS_DS || source != data || !isa_m(i, ISA_M_STORE) || isa_m_bytes(i) >= 4)
        return halves_of(&i->src[source]);
    return isa_m(i, ISA_M_HIGH) || i->src[source].half == ISA_HIGH ? 2 : 1;
}

static void mark(struct isa_wave *w, const struct isa_instr *i, struct isa_pending pending)
{
    w->any_pending = true;
    for (int k = 0; k < i->n_dst; k++) {
        const struct isa_operand *o = &i->dst[k];
        bool vector = o->place == ISA_P_VECTOR;
        struct isa_pending *p = vector ? w->v_pending : w->s_pending;
        int most = vector ? ISA_VECTORS : ISA_SCALARS;
        pending.halves = halves_written(i, o);
        for (int r = o->reg; (vector || o->place == ISA_P_SCALAR) && r < o->reg + o->words && r < most; r++)
            p[r] = pending;
    }
}

void isa_issue(struct isa_wave *w, const struct isa_instr *i, enum isa_counter counter)
{
    enum isa_counter c = counter_of(w, counter);
    uint32_t number = ++w->issued[c];
    if (!w->checked)
        return;
    mark(w, i, (struct isa_pending){ .counter = (uint8_t)(c + 1), .number = number });
    if (c == ISA_C_DS && (i->row->flags & ISA_NO_DST))
        w->group->stored[w->number] = number;
}

void isa_issue_flat(struct isa_wave *w, const struct isa_instr *i, bool stores, bool lds, bool other)
{
    enum isa_counter c = counter_of(w, stores ? ISA_C_STORE : ISA_C_LOAD);
    uint32_t number = ++w->issued[c], ds = ++w->issued[ISA_C_DS];
    if (w->checked)
        mark(w, i,
             (struct isa_pending){ .counter = (uint8_t)(c + 1), .number = other ? number : 0, .ds = lds ? ds : 0 });
}

void isa_wait(struct isa_wave *w, enum isa_counter counter, uint32_t at_most)
{
    enum isa_counter c = counter_of(w, counter);
    if (c == ISA_C_KM && at_most > 0)
        return;
    uint32_t covered = w->issued[c] > at_most ? w->issued[c] - at_most : 0;
    if (covered > w->done[c])
        w->done[c] = covered;
    w->any_pending = memcmp(w->done, w->issued, sizeof w->done) != 0;
}

static bool on_its_way(const struct isa_wave *w, const struct isa_pending *p, uint8_t halves)
{
    return p->counter && (p->halves & halves) && (p->number > w->done[p->counter - 1] || p->ds > w->done[ISA_C_DS]);
}

/* ---- Before ---------------------------------------------------------------------------------------------- */

void isa_check_start(struct isa_wave *w)
{
    memset(w->v_written, 0, sizeof w->v_written);
    memset(w->s_defined, 0, sizeof w->s_defined);
    memset(w->s_defined + ISA_FLAT_SCRATCH, 0xff, (ISA_SCALARS - ISA_FLAT_SCRATCH) * sizeof w->s_defined[0]);
    memset(w->v_pending, 0, sizeof w->v_pending);
    memset(w->s_pending, 0, sizeof w->s_pending);
    memset(w->issued, 0, sizeof w->issued);
    memset(w->done, 0, sizeof w->done);
    w->any_pending = false;
    w->machine->tainted = w->machine->partly = false;
    memset(w->machine->taint, 0, sizeof w->machine->taint);
}

static const char *register_name(int reg, bool vector, char name[16])
{
    char letter = !vector ? 's' : reg >= ISA_ACC ? 'a' : 'v';
    int n = vector && reg >= ISA_ACC ? reg - ISA_ACC : reg, at = 0;
    name[at++] = letter;
    if (n >= 100)
        name[at++] = (char)('0' + n / 100);
    if (n >= 10)
        name[at++] = (char)('0' + n / 10 % 10);
    name[at++] = (char)('0' + n % 10);
    name[at] = 0;
    return name;
}

static bool hazard(struct isa_wave *w, const struct isa_instr *i, int reg, bool vector, bool reads)
{
    char name[16];
    isa_fail(w, i, ISA_STOP_HAZARD, -1, "%s is %s before the wait for what is on its way to it",
             register_name(reg, vector, name), reads ? "read" : "written");
    return false;
}

static bool unwritten(struct isa_wave *w, const struct isa_instr *i, int reg, bool vector, uint64_t lanes)
{
    char name[16];
    const struct isa_group *g = w->group;
    int lane = vector ? __builtin_ctzll(lanes) : -1;
    if (g->read_unwritten)
        isa_fail(w, i, ISA_STOP_LDS_UNWRITTEN, lane,
                 "nothing wrote %s; or it comes of LDS byte %u, which was read and "
                 "nobody had written",
                 register_name(reg, vector, name), g->unwritten_at);
    else
        isa_fail(w, i, ISA_STOP_REGISTER_UNWRITTEN, lane, "nothing wrote %s", register_name(reg, vector, name));
    return false;
}

/* Does what nobody wrote only pass through? Compilers leave it in halves and words whose results are not used, and save
 * registers that hold nothing; so a result of it counts as not written, and what fails is an address, what is
 * stored in global memory, a comparison, a branch, EXEC, a product of matrices. */
static bool passes(const struct isa_instr *i)
{
    switch (i->row->class) {
    case ISA_CLASS_COMPARE:
    case ISA_CLASS_VECTOR:
    case ISA_CLASS_TRANSCENDENTAL:
    case ISA_CLASS_PACKED:
    case ISA_CLASS_LANE:
        return i->n_dst > 0 && !(i->row->flags & ISA_WRITES_EXEC) &&
               !(i->dst[0].place == ISA_P_SCALAR && i->dst[0].reg >= ISA_M0);
    case ISA_CLASS_MATRIX: return !(i->row->flags & ISA_IGNORES_EXEC); /* accumulators are moved */
    default: return false;
    }
}

/* What a store puts into LDS or scratch may be what nobody wrote, and what goes from lane to lane by LDS' way; where it
 * goes, may not. The instruction itself says of which lanes of its result. */
static bool saves(const struct isa_wave *w, const struct isa_instr *i, int source)
{
    if (i->row->class == ISA_CLASS_DS && isa_m(i, ISA_M_PERMUTES))
        return source == 1;
    if (!(i->row->flags & ISA_NO_DST))
        return false;
    if (i->row->class == ISA_CLASS_DS)
        return source > 0 && isa_m(i, ISA_M_STORE);
    if (i->row->class == ISA_CLASS_SCRATCH)
        return source == 1;
    return i->row->class == ISA_CLASS_BUFFER && source == 0 && i->n_src > 2 &&
           (isa_s64(w, i->src[2].reg) & ISA_SCRATCH_BUFFER) != 0;
}

/* Which words of a result come of a source's word: a bit each. Where words go up by carries only, those from there on;
 * of packed ones, those whose op_sel says so; else all. */
static uint32_t words_of(const struct isa_instr *i, int source, int word)
{
    static const char *const upward[] = { "v_mad_u64", "v_mad_i64", "v_mad_co_", "v_lshl_add_u64", "v_lshlrev_b64" };
    uint32_t all = i->dst[0].words < 16 ? (1u << i->dst[0].words) - 1 : 0xffff;
    if (i->dst[0].words != 2 || i->src[source].words != 2)
        return all;
    if (i->row->class == ISA_CLASS_PACKED) {
        bool low = (i->op_sel >> source & 1) == word, high = (i->op_sel_hi >> source & 1) == word;
        if (strncmp(i->row->name, "v_pk_mov", 8) == 0)
            return low ? 1u << source : 0;
        return (low ? 1 : 0) | (high ? 2 : 0);
    }
    if (strncmp(i->row->name + 1, "_mov_b64", 8) == 0)
        return 1u << word;
    for (size_t k = 0; k < sizeof upward / sizeof upward[0]; k++)
        if (strncmp(i->row->name, upward[k], strlen(upward[k])) == 0)
            return all & ~((1u << word) - 1);
    return all;
}

/* Does an instruction only put parts of registers beside each other? A half that somebody wrote, beside one that nobody
 * did: it is taken to be known, of which half each use is cannot be said. */
static bool arranges(const struct isa_instr *i)
{
    static const char *const names[] = { "v_lshl_or_", "v_and_or_",  "v_or_b",      "v_or3_", "v_perm_",
                                         "v_bfi_",     "v_alignbit", "v_alignbyte", "v_pack_" };
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
        if (strncmp(i->row->name, names[k], strlen(names[k])) == 0)
            return true;
    return false;
}

static void pass(struct isa_wave *w, const struct isa_instr *i, int source, int word, uint64_t lanes, int base)
{
    /* Of two that are chosen from, the one that is taken counts: the second where the mask's bit is set. */
    if (source < 2 && i->n_src > 2 && strstr(i->row->name, "_cndmask_") && i->src[2].place == ISA_P_SCALAR) {
        uint64_t second = isa_lane_mask(w, i->src[2].reg);
        lanes &= source ? second : ~second;
    }
    for (int k = 0; k < i->n_src && arranges(i); k++)
        if (i->src[k].place == ISA_P_VECTOR)
            lanes &= ~w->v_written[i->src[k].reg];
    uint32_t words = words_of(i, source, word);
    for (int k = 0; k < ISA_TAINT_WORDS / 2; k++)
        if (words >> k & 1)
            isa_taint(w, base + k, lanes);
}

/* Lanes of a vector register that the instruction reads. */
static uint64_t lanes_read(const struct isa_wave *w, const struct isa_instr *i)
{
    uint64_t all = w->lanes == 64 ? UINT64_MAX : UINT32_MAX;
    if (i->row->class != ISA_CLASS_LANE || !(i->row->flags & ISA_IGNORES_EXEC))
        return i->row->flags & ISA_IGNORES_EXEC ? all : w->exec;
    if (strncmp(i->row->name, "v_readfirst", 11) == 0)
        return w->exec ? w->exec & -w->exec : 1;
    if (strncmp(i->row->name, "v_readlane", 10) == 0)
        return UINT64_C(1) << (isa_scalar_source(w, i, 1) & (uint64_t)(w->lanes - 1));
    return strncmp(i->row->name, "v_writelane", 11) == 0 ? 0 : all;
}

static bool vector_source(struct isa_wave *w, const struct isa_instr *i, int source, uint64_t lanes, int base)
{
    const struct isa_operand *o = &i->src[source];
    const struct isa_kernel *k = w->group->kernel;
    uint32_t past = (uint32_t)o->reg + o->words;
    char name[16];
    if (past > (o->reg >= ISA_ACC ? ISA_ACC + k->agprs : k->vgprs)) {
        isa_fail(w, i, ISA_STOP_REGISTER_BOUNDS, -1, "%s; the kernel has %u vector registers, %u accumulators",
                 register_name((int)past - 1, true, name), k->vgprs, k->agprs);
        return false;
    }
    for (uint32_t r = o->reg; r < past; r++) {
        uint64_t missing = lanes & ~w->v_written[r];
        if (w->any_pending && on_its_way(w, &w->v_pending[r], halves_read(i, source)))
            return hazard(w, i, (int)r, true, true);
        if (!missing || saves(w, i, source))
            continue;
        if (!passes(i))
            return unwritten(w, i, (int)r, true, missing);
        pass(w, i, source, (int)(r - o->reg), missing, base);
    }
    return true;
}

/* Does a branch depend on bits of VCC that nobody wrote? Not when a known one is set. */
static bool branch_known(const struct isa_wave *w)
{
    uint64_t known = w->s_defined[ISA_VCC] | (uint64_t)w->s_defined[ISA_VCC + 1] << 32;
    uint64_t lanes = w->lanes == 64 ? UINT64_MAX : UINT32_MAX;
    return (known & lanes) == lanes || (isa_s64(w, ISA_VCC) & known & lanes) != 0;
}

/* A scalar source of which not all bits are known. */
static bool unknown_scalar(struct isa_wave *w, const struct isa_instr *i, int source, int base)
{
    const struct isa_operand *o = &i->src[source];
    if (i->row->class == ISA_CLASS_SCALAR && i->n_dst > 0) {
        uint64_t lanes = w->lanes == 64 ? UINT64_MAX : UINT32_MAX;
        bool to_exec = (i->row->flags & ISA_WRITES_EXEC) || i->dst[0].reg == ISA_EXEC;
        w->machine->known = isa_scalar_known(w, i);
        w->machine->partly = !(i->row->flags & ISA_WRITES_EXEC); /* else the result is the old EXEC */
        return (!to_exec && i->dst[0].reg != ISA_M0) || (w->machine->known & lanes) == lanes ||
               unwritten(w, i, o->reg, false, 0);
    }
    if (i->row->class == ISA_CLASS_CONTROL && (i->row->flags & ISA_READS_VCC))
        return branch_known(w) || unwritten(w, i, o->reg, false, 0);
    if (!passes(i))
        return unwritten(w, i, o->reg, false, 0);
    uint64_t lanes = UINT64_MAX, any = 0;
    for (int k = 0; k < o->words; k++)
        any |= (uint64_t)w->s_defined[o->reg + k] << (32 * (k & 1));
    if (i->row->src[source] == ISA_T_MASK)
        lanes = ~any;
    else if (i->row->class == ISA_CLASS_LANE && any) /* a mask that is saved, of which some lanes are known */
        return true;
    for (int k = 0; k < o->words; k++)
        if (w->s_defined[o->reg + k] != UINT32_MAX)
            pass(w, i, source, k, lanes, base);
    return true;
}

static bool scalar_source(struct isa_wave *w, const struct isa_instr *i, int source, int base)
{
    const struct isa_operand *o = &i->src[source];
    const struct isa_kernel *k = w->group->kernel;
    uint32_t past = (uint32_t)o->reg + o->words;
    char name[16];
    if (o->reg < ISA_VCC && past > k->sgprs) {
        isa_fail(w, i, ISA_STOP_REGISTER_BOUNDS, -1, "%s; the kernel has %u scalar registers",
                 register_name((int)past - 1, false, name), k->sgprs);
        return false;
    }
    uint32_t known = UINT32_MAX;
    for (uint32_t r = o->reg; r < past && r < ISA_FLAT_SCRATCH; r++) {
        if (w->any_pending && on_its_way(w, &w->s_pending[r], halves_of(o)))
            return hazard(w, i, (int)r, false, true);
        known &= w->s_defined[r];
    }
    return known == UINT32_MAX || unknown_scalar(w, i, source, base);
}

/* Loads from memory write their registers in order (LLVM: FeatureVmemWriteVgprInOrder, up to gfx11): what is loaded
 * later comes later. */
static bool in_order(const struct isa_wave *w, const struct isa_instr *i, const struct isa_pending *p)
{
    uint8_t class = i->row->class;
    bool loads = class == ISA_CLASS_GLOBAL || class == ISA_CLASS_SCRATCH || class == ISA_CLASS_BUFFER;
    return loads && p->counter == ISA_C_LOAD + 1 && p->ds == 0 && w->target->generation < ISA_GFX12;
}

static bool destination(struct isa_wave *w, const struct isa_instr *i, const struct isa_operand *o)
{
    bool vector = o->place == ISA_P_VECTOR;
    const struct isa_kernel *k = w->group->kernel;
    uint32_t past = (uint32_t)o->reg + o->words;
    uint32_t most = vector ? (o->reg >= ISA_ACC ? ISA_ACC + k->agprs : k->vgprs) : ISA_SCALARS;
    char name[16];
    if (!vector && o->reg < ISA_VCC)
        most = k->sgprs;
    if (past > most) {
        isa_fail(w, i, ISA_STOP_REGISTER_BOUNDS, -1, "%s is none of the kernel's registers",
                 register_name((int)past - 1, vector, name));
        return false;
    }
    if (!w->any_pending)
        return true;
    for (uint32_t r = o->reg; r < past; r++) {
        const struct isa_pending *p = vector ? &w->v_pending[r] : &w->s_pending[r];
        if (on_its_way(w, p, halves_written(i, o)) && !in_order(w, i, p))
            return hazard(w, i, (int)r, vector, false);
    }
    return true;
}

/* v_cndmask: a lane reads the source that its mask chooses. */
static uint64_t lanes_chosen(const struct isa_wave *w, const struct isa_instr *i, int source)
{
    const struct isa_operand *mask = &i->src[2];
    if (source > 1 || i->dpp || i->n_src != 3 || i->row->src[2] != ISA_T_MASK || i->row->dst[1] != ISA_T_NONE ||
        mask->place != ISA_P_SCALAR)
        return UINT64_MAX;
    uint64_t chosen = isa_lane_mask(w, mask->reg);
    return source ? chosen : ~chosen;
}

static bool before_one(struct isa_wave *w, const struct isa_instr *i, int base)
{
    uint64_t lanes = lanes_read(w, i);
    int sources = i->n_src;
    /* What keeps a part of its destination leaves the rest as it was, written or not. */
    if ((i->row->flags & ISA_PARTIAL) && (i->row->flags & ISA_READS_DST))
        sources--;
    for (int k = 0; k < sources; k++) {
        const struct isa_operand *o = &i->src[k];
        if (o->place == ISA_P_VECTOR ? !vector_source(w, i, k, lanes & lanes_chosen(w, i, k), base)
                                     : o->place == ISA_P_SCALAR && !scalar_source(w, i, k, base))
            return false;
    }
    for (int k = 0; k < i->n_dst; k++) {
        const struct isa_operand *o = &i->dst[k];
        if ((o->place == ISA_P_VECTOR || o->place == ISA_P_SCALAR) && !destination(w, i, o))
            return false;
    }
    return true;
}

bool isa_check_before(struct isa_wave *w, const struct isa_instr *i)
{
    return before_one(w, i, 0) && (!i->second || before_one(w, i->second, ISA_TAINT_WORDS / 2));
}

/* ---- After ----------------------------------------------------------------------------------------------- */

static void after_vector(struct isa_wave *w, const struct isa_instr *i, const struct isa_operand *o, uint64_t exec,
                         int base)
{
    uint64_t lanes = exec;
    if (i->row->flags & ISA_IGNORES_EXEC) {
        lanes = w->lanes == 64 ? UINT64_MAX : UINT32_MAX;
        if (i->row->class == ISA_CLASS_LANE && strncmp(i->row->name, "v_writelane", 11) == 0)
            lanes = UINT64_C(1) << (isa_scalar_source(w, i, 1) & (uint64_t)(w->lanes - 1));
    }
    for (uint32_t r = o->reg, n = 0; n < o->words; r++, n++) {
        w->v_written[r] |= lanes;
        if (w->machine->tainted && o == &i->dst[0])
            w->v_written[r] &= ~(w->machine->taint[base + (int)(n % (ISA_TAINT_WORDS / 2))] & lanes);
    }
}

static void after_scalar(struct isa_wave *w, const struct isa_instr *i, int k, int base)
{
    const struct isa_machine *m = w->machine;
    const struct isa_operand *o = &i->dst[k];
    uint64_t known = UINT64_MAX, lanes = 0;
    if (m->partly && k == 0)
        known = m->known;
    for (int n = 0; m->tainted && n < ISA_TAINT_WORDS / 2; n++)
        lanes |= m->taint[base + n];
    if (lanes)
        known = i->row->dst[k] == ISA_T_MASK ? ~lanes : 0;
    for (uint32_t r = o->reg, n = 0; n < o->words && r < ISA_FLAT_SCRATCH; r++, n++)
        if (r != ISA_NULL) /* it reads 0, whatever is written there */
            w->s_defined[r] = (uint32_t)(known >> (32 * (n & 1)));
}

static void after_one(struct isa_wave *w, const struct isa_instr *i, uint64_t exec, int base)
{
    for (int k = 0; k < i->n_dst; k++) {
        if (i->dst[k].place == ISA_P_VECTOR)
            after_vector(w, i, &i->dst[k], exec, base);
        else if (i->dst[k].place == ISA_P_SCALAR)
            after_scalar(w, i, k, base);
    }
}

void isa_check_after(struct isa_wave *w, const struct isa_instr *i, uint64_t exec)
{
    after_one(w, i, exec, 0);
    if (i->second)
        after_one(w, i->second, exec, ISA_TAINT_WORDS / 2);
    w->machine->partly = false;
    if (w->machine->tainted) {
        w->machine->tainted = false;
        memset(w->machine->taint, 0, sizeof w->machine->taint);
    }
}
