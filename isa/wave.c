/* wave.c: the run loop of a wave.
 *
 * SPDX-License-Identifier: MIT */

#include "isa/machine.h"

uint32_t isa_next_number(struct isa_wave *w, const struct isa_instr *i)
{
    struct isa_stop found = { 0 };
    uint32_t next = isa_code_at(w->code, i->at + i->bytes, &found);
    if (next == ISA_NO_CODE)
        isa_fail(w, NULL, found.code ? found.code : ISA_STOP_CODE_BOUNDS, -1, "%s", found.text);
    return next;
}

static void count(const struct isa_wave *w, const struct isa_instr *i)
{
    struct isa_counts *c = w->machine->counts;
    c->instructions[i->row->class]++;
    if (i->row->class > ISA_CLASS_WAIT) {
        c->lanes_active += (uint64_t)__builtin_popcountll(w->exec);
        c->lanes_there += (uint64_t)w->lanes;
    }
}

static inline __attribute__((always_inline)) enum isa_next loop(struct isa_wave *w, uint64_t *left, bool turns,
                                                                bool checked, bool counted)
{
    while (*left > 0) {
        const struct isa_instr *i = isa_code_instr(w->code, w->next);
        --*left;
        if (!i->row)
            return isa_fail(w, i, ISA_STOP_UNSUPPORTED, -1, "%s", isa_code_why(w->code, i));
        uint64_t exec = w->exec;
        if (checked && !isa_check_before(w, i))
            return ISA_FAIL;
        if (counted)
            count(w, i);
        w->next = i->next;
        uint8_t class = i->row->class;
        enum isa_next next = i->row->run(w, i);
        if (next == ISA_FAIL)
            return next;
        if (checked)
            isa_check_after(w, i, exec);
        if (w->next == ISA_NO_CODE && next != ISA_END) {
            w->next = isa_next_number(w, i);
            if (w->next == ISA_NO_CODE)
                return ISA_FAIL;
        }
        if (next > ISA_JUMP)
            return next;
        if (turns && (class == ISA_CLASS_LANE || class == ISA_CLASS_DS || class == ISA_CLASS_MATRIX))
            return ISA_YIELD;
    }
    return ISA_YIELD;
}

enum isa_next isa_wave_run(struct isa_wave *w, uint32_t quantum, bool turns)
{
    struct isa_machine *m = w->machine;
    uint64_t left = quantum, allowed;
    if (m->options.budget && m->options.budget - m->spent < left)
        left = m->options.budget - m->spent;
    allowed = left;
    enum isa_next next;
    if (w->checked)
        next = m->counts ? loop(w, &left, turns, true, true) : loop(w, &left, turns, true, false);
    else
        next = m->counts ? loop(w, &left, turns, false, true) : loop(w, &left, turns, false, false);
    m->spent += allowed - left;
    if (next == ISA_YIELD && m->options.budget && m->spent >= m->options.budget)
        return isa_fail(w, isa_code_instr(w->code, w->next), ISA_STOP_RUNAWAY, -1, "%llu wave instructions",
                        (unsigned long long)m->spent);
    return next;
}
