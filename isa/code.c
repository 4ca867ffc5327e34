/* code.c: the instructions of code: those that were reached, and the way to others.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "isa/code.h"

uint64_t isa_code_base(const struct isa_code *code) { return (uint64_t)(uintptr_t)code->bytes; }

const struct isa_instr *isa_code_instr(struct isa_code *code, uint32_t number)
{
    const struct isa_instr *i = code->instr[number];
    return i ? i : code->reach(code, number);
}

uint32_t isa_code_at(struct isa_code *code, uint64_t at, struct isa_stop *stop)
{
    const uint32_t number = isa_code_number(code, at);
    if (number == ISA_NO_CODE) {
        stop->code = ISA_STOP_CODE_BOUNDS;
        snprintf(stop->text, sizeof stop->text, "byte %lld is %s %llu bytes of code", (long long)at,
                 at < code->size ? "no instruction's address in the" : "outside of the",
                 (unsigned long long)code->size);
    }
    return number;
}

const char *isa_code_why(struct isa_code *code, const struct isa_instr *i) { return code->why(i); }

void isa_code_text(struct isa_code *code, const struct isa_instr *i, char *text, size_t cap)
{
    if (!code->print(code, i->at, text, cap))
        snprintf(text, cap, "(0x%08x)", i->encoding[0]);
}
