/* code.h: code that is being executed, as those know it who do not decode: its instructions so far, and whom to ask for
 * more.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_CODE_H
#define ATTN_ISA_CODE_H

#include "isa/internal.h"

enum { ISA_CODE_WORD = 4 };

struct isa_code {
    const struct isa_instr **instr; /* by number; NULL: not reached yet */
    uint32_t count;
    const uint8_t *bytes;
    uint64_t size;
    /* The decoder's (decode.c): it knows the table of rows, which knows all classes; they know code, and not it. */
    const struct isa_instr *(*reach)(struct isa_code *code, uint32_t number);
    size_t (*print)(struct isa_code *code, uint64_t at, char *text, size_t cap);
    const char *(*why)(const struct isa_instr *i);
};

/* The number of the instruction at a byte; ISA_NO_CODE when none can be there. */
static inline uint32_t isa_code_number(const struct isa_code *code, uint64_t at)
{
    return at % ISA_CODE_WORD == 0 && at < (uint64_t)code->count * ISA_CODE_WORD ? (uint32_t)(at / ISA_CODE_WORD)
                                                                                 : ISA_NO_CODE;
}

#endif
