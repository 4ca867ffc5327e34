/* parse.h: an instruction's printed text, in pieces: what parse.c is made of.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_PARSE_H
#define ATTN_ISA_PARSE_H

#include "isa/internal.h"

/* The table by name: open addressing, made once for a code. */
enum { ISA_INDEX_ROWS = 1 << 13 };
struct isa_row_index {
    const struct isa_row *row[ISA_INDEX_ROWS];
};
/* False when the table has outgrown it. */
bool isa_row_index_make(struct isa_row_index *index);
const struct isa_row *isa_row_index_find(const struct isa_row_index *index, const char *name);
/* isa_parse, with rows found by the index. */
bool isa_parse_indexed(const struct isa_row_index *index, const struct isa_target *target, int lanes, const char *text,
                       struct isa_instr *i, char *error, size_t cap);

/* Constants of the encoding, in its order: code 240 is 0.5. X(text, f16, bf16, f32, f64) */
#define ISA_FLOATS(X)                                               \
    X("0.5", 0x3800, 0x3f00, 0x3f000000, 0x3fe0000000000000)        \
    X("-0.5", 0xb800, 0xbf00, 0xbf000000, 0xbfe0000000000000)       \
    X("1.0", 0x3c00, 0x3f80, 0x3f800000, 0x3ff0000000000000)        \
    X("-1.0", 0xbc00, 0xbf80, 0xbf800000, 0xbff0000000000000)       \
    X("2.0", 0x4000, 0x4000, 0x40000000, 0x4000000000000000)        \
    X("-2.0", 0xc000, 0xc000, 0xc0000000, 0xc000000000000000)       \
    X("4.0", 0x4400, 0x4080, 0x40800000, 0x4010000000000000)        \
    X("-4.0", 0xc400, 0xc080, 0xc0800000, 0xc010000000000000)       \
    X("0.15915494", 0x3118, 0x3e22, 0x3e22f983, 0x3fc45f306dc9c882) \
    X("0.15915494309189532", 0x3118, 0x3e22, 0x3e22f983, 0x3fc45f306dc9c882)

enum isa_said { ISA_SAID_REGISTER, ISA_SAID_INTEGER, ISA_SAID_HEX, ISA_SAID_FLOAT, ISA_SAID_OFF };

/* An operand as the text has it: its constant has no type yet. */
struct isa_said_operand {
    struct isa_operand o;
    enum isa_said what;
    int64_t number; /* INTEGER, HEX; FLOAT: row of ISA_FLOATS */
};
/* Reads one operand at *text and goes behind it. */
bool isa_read_operand(const char **text, struct isa_said_operand *out);
/* The constant's bits for a type. False when what the hardware makes of it is not known. */
bool isa_make_constant(const struct isa_said_operand *said, int type, uint64_t *value);
/* Reads a number: decimal or 0x, with a sign. */
bool isa_read_number(const char **text, int64_t *number);

/* Entries of the lists that were there, for what they mean by place. */
struct isa_lists {
    int op_sel, op_sel_hi;
};
/* Reads one modifier ("offset:16", "clamp") at *text into i and goes behind it. False when it is none that is known. */
bool isa_read_modifier(const char **text, struct isa_instr *i, struct isa_lists *lists);
/* "vmcnt(0)", "instid0(VALU_DEP_1)", "hwreg(HW_REG_MODE, 0, 4)": names whose numbers the encoding has. */
bool isa_skip_symbolic(const char **text);

#endif
