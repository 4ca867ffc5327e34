/* check.c: registers around each instruction: were they given to the kernel, did somebody write them, is what is on its
 * way to them there yet.
 *
 * Waits: operations of one counter come back in order, but for scalar loads, which may come back in any: of them a wait
 * for none left is the only one that says something. Stores do not hold the registers that they read.
 *
 * A register that nobody wrote may be moved, and go to scratch and back (compilers do that with values that are never
 * used): what is moved stays unwritten. Every other use fails.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "isa/machine.h"

/* ---- Waits ----------------------------------------------------------------------------------------------- */

static enum isa_counter counter_of(const struct isa_wave *w, enum isa_counter counter)
{
    return counter == ISA_C_STORE && w->target->generation < ISA_GFX10 ? ISA_C_LOAD : counter;
}

static void mark(struct isa_wave *w, const struct isa_operand *o, uint8_t counter, uint32_t number, bool flat)
{
    struct isa_pending *p = o->place == ISA_P_VECTOR ? w->v_pending : w->s_pending;
    int most = o->place == ISA_P_VECTOR ? ISA_VECTORS : ISA_SCALARS;
    for (int r = o->reg; r < o->reg + o->words && r < most; r++) {
        if (flat)
            p[r].ds = number;
        else
            p[r] = (struct isa_pending){ counter, number, 0 };
    }
}

void isa_issue(struct isa_wave *w, const struct isa_instr *i, enum isa_counter counter)
{
    if (!w->checked)
        return;
    enum isa_counter c = counter_of(w, counter);
    uint32_t number = ++w->issued[c];
    /* Flat loads come twice: under LOAD, then under DS. */
    bool flat = c == ISA_C_DS && i->row->class == ISA_CLASS_FLAT;
    w->any_pending = true;
    for (int k = 0; k < i->n_dst; k++)
        if (i->dst[k].place == ISA_P_VECTOR || i->dst[k].place == ISA_P_SCALAR)
            mark(w, &i->dst[k], (uint8_t)(c + 1), number, flat);
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

static bool on_its_way(const struct isa_wave *w, const struct isa_pending *p)
{
    return p->counter && (p->number > w->done[p->counter - 1] || p->ds > w->done[ISA_C_DS]);
}

/* ---- Before ---------------------------------------------------------------------------------------------- */

void isa_check_start(struct isa_wave *w)
{
    memset(w->v_written, 0, sizeof w->v_written);
    memset(w->s_written, 0, sizeof w->s_written);
    memset(w->v_pending, 0, sizeof w->v_pending);
    memset(w->s_pending, 0, sizeof w->s_pending);
    memset(w->issued, 0, sizeof w->issued);
    memset(w->done, 0, sizeof w->done);
    w->any_pending = false;
    w->machine->tainted = false;
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
    isa_fail(w, i, ISA_STOP_REGISTER_UNWRITTEN, vector ? __builtin_ctzll(lanes) : -1, "nothing wrote %s",
             register_name(reg, vector, name));
    return false;
}

/* Is it an instruction that only moves its sources? By name: it is asked only when one of them is unwritten. */
static bool moves(const struct isa_instr *i)
{
    static const char *const names[] = { "v_mov_b",    "v_accvgpr_", "v_cndmask_",     "v_pk_mov_", "s_mov_b",
                                         "s_cselect_", "v_dual_mov", "v_dual_cndmask", "v_swap_b" };
    if (i->row->class == ISA_CLASS_SCRATCH && (i->row->flags & ISA_NO_DST))
        return true;
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
        if (strncmp(i->row->name, names[k], strlen(names[k])) == 0)
            return true;
    return false;
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

static bool vector_source(struct isa_wave *w, const struct isa_instr *i, const struct isa_operand *o, uint64_t lanes)
{
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
        if (w->any_pending && on_its_way(w, &w->v_pending[r]))
            return hazard(w, i, (int)r, true, true);
        if (!missing)
            continue;
        if (!moves(i))
            return unwritten(w, i, (int)r, true, missing);
        isa_taint(w, (int)(r - o->reg), missing);
    }
    return true;
}

static bool scalar_source(struct isa_wave *w, const struct isa_instr *i, const struct isa_operand *o)
{
    const struct isa_kernel *k = w->group->kernel;
    uint32_t past = (uint32_t)o->reg + o->words;
    char name[16];
    if (o->reg < ISA_VCC && past > k->sgprs) {
        isa_fail(w, i, ISA_STOP_REGISTER_BOUNDS, -1, "%s; the kernel has %u scalar registers",
                 register_name((int)past - 1, false, name), k->sgprs);
        return false;
    }
    for (uint32_t r = o->reg; r < past && r < ISA_FLAT_SCRATCH; r++) {
        if (w->any_pending && on_its_way(w, &w->s_pending[r]))
            return hazard(w, i, (int)r, false, true);
        if (w->s_written[r / 64] >> (r % 64) & 1)
            continue;
        if (!moves(i))
            return unwritten(w, i, (int)r, false, 0);
        isa_taint(w, (int)(r - o->reg), UINT64_MAX);
    }
    return true;
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
    for (uint32_t r = o->reg; r < past; r++)
        if (on_its_way(w, vector ? &w->v_pending[r] : &w->s_pending[r]))
            return hazard(w, i, (int)r, vector, false);
    return true;
}

static bool before_one(struct isa_wave *w, const struct isa_instr *i)
{
    uint64_t lanes = lanes_read(w, i);
    int sources = i->n_src;
    /* What keeps a part of its destination leaves the rest as it was, written or not. */
    if ((i->row->flags & ISA_PARTIAL) && (i->row->flags & ISA_READS_DST))
        sources--;
    for (int k = 0; k < sources; k++) {
        const struct isa_operand *o = &i->src[k];
        if (o->place == ISA_P_VECTOR ? !vector_source(w, i, o, lanes)
                                     : o->place == ISA_P_SCALAR && !scalar_source(w, i, o))
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
    return before_one(w, i) && (!i->second || before_one(w, i->second));
}

/* ---- After ----------------------------------------------------------------------------------------------- */

static void after_vector(struct isa_wave *w, const struct isa_instr *i, const struct isa_operand *o, uint64_t exec)
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
            w->v_written[r] &= ~(w->machine->taint[n % ISA_TAINT_WORDS] & lanes);
    }
}

static void after_one(struct isa_wave *w, const struct isa_instr *i, uint64_t exec)
{
    for (int k = 0; k < i->n_dst; k++) {
        const struct isa_operand *o = &i->dst[k];
        if (o->place == ISA_P_VECTOR)
            after_vector(w, i, o, exec);
        if (o->place != ISA_P_SCALAR)
            continue;
        for (uint32_t r = o->reg, n = 0; n < o->words && r < ISA_SCALARS; r++, n++) {
            uint64_t bit = UINT64_C(1) << (r % 64);
            w->s_written[r / 64] |= bit;
            if (w->machine->tainted && w->machine->taint[n % ISA_TAINT_WORDS] && r < ISA_VCC)
                w->s_written[r / 64] &= ~bit;
        }
    }
}

void isa_check_after(struct isa_wave *w, const struct isa_instr *i, uint64_t exec)
{
    after_one(w, i, exec);
    if (i->second)
        after_one(w, i->second, exec);
    if (w->machine->tainted) {
        w->machine->tainted = false;
        memset(w->machine->taint, 0, sizeof w->machine->taint);
    }
}
