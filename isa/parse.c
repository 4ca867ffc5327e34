/* parse.c: a printed instruction becomes a struct isa_instr.
 *
 * Order: the mnemonic's row, the operands, which of them are what (the row says how many destinations and sources there
 * are, and which of them the text may leave out), the modifiers, and last the constants, which depend on all of it.
 * What is not understood is an error.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/parse.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_OPERANDS = ISA_SOURCES + ISA_DESTINATIONS, NAME_BYTES = 64 };

struct parse {
    const struct isa_row_index *index; /* NULL: none */
    const struct isa_target *target;
    int lanes;
    const char *text; /* all of it, for messages */
    const char *p;    /* what is next */
    char name[NAME_BYTES];
    struct isa_said_operand said[TEXT_OPERANDS];
    int n_said;
    bool symbolic;              /* it had names whose number is the encoding's */
    int8_t of_src[ISA_SOURCES]; /* which of said[] a source is; -1: none */
    char *error;
    size_t cap;
};

static bool wrong(struct parse *t, const char *what, const char *at)
{
    snprintf(t->error, t->cap, "%s \"%.60s\" in \"%.100s\"", what, at, t->text);
    return false;
}

static bool begins(const char *text, const char *with) { return !strncmp(text, with, strlen(with)); }

static void skip_blanks(struct parse *t)
{
    while (*t->p == ' ' || *t->p == '\t') {
        t->p++;
    }
}

/* ---- Mnemonic -------------------------------------------------------------------------------------------- */

static bool drop_suffix(char *name, const char *suffix)
{
    const size_t n = strlen(name), k = strlen(suffix);
    if (n <= k || strcmp(name + n - k, suffix) != 0) {
        return false;
    }
    name[n - k] = 0;
    return true;
}

static bool read_name(struct parse *t, struct isa_instr *i)
{
    skip_blanks(t);
    const size_t length = strcspn(t->p, " \t");
    if (!length || length >= NAME_BYTES) {
        return wrong(t, "no mnemonic", t->p);
    }
    memcpy(t->name, t->p, length);
    t->name[length] = 0;
    t->p += length;
    if (drop_suffix(t->name, "_sdwa")) {
        i->sdwa = true;
    } else {
        (void)(drop_suffix(t->name, "_dpp8") || drop_suffix(t->name, "_dpp"));
        (void)(drop_suffix(t->name, "_e32") || drop_suffix(t->name, "_e64"));
    }
    i->row = t->index ? isa_row_index_find(t->index, t->name) : isa_row_find(t->name);
    return i->row || wrong(t, "no row for", t->name);
}

/* ---- Operands -------------------------------------------------------------------------------------------- */

static bool is_modifier(const struct parse *t, const struct isa_instr *i)
{
    const size_t word = strspn(t->p, "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (t->p[word] == ',' || t->p[word] == '[') { /* most are registers */
        return false;
    }
    struct isa_instr copy = *i;
    struct isa_lists lists;
    const char *p = t->p;
    return isa_read_modifier(&p, &copy, &lists) && (*p == 0 || *p == ' ');
}

/* "vmcnt(0) lgkmcnt(1)", "instid0(..) | instskip(..)". */
static bool read_symbolic(struct parse *t)
{
    if (!isa_skip_symbolic(&t->p)) {
        return false;
    }
    t->symbolic = true;
    for (;;) {
        const char *p = t->p;
        while (*p == ' ' || *p == '&' || *p == '|') {
            p++;
        }
        if (!isa_skip_symbolic(&p)) {
            return true;
        }
        t->p = p;
    }
}

static bool read_operands(struct parse *t, const struct isa_instr *i)
{
    skip_blanks(t);
    if (!*t->p || is_modifier(t, i)) {
        return true;
    }
    for (;;) {
        if (!read_symbolic(t)) {
            if (t->n_said == TEXT_OPERANDS || !isa_read_operand(&t->p, &t->said[t->n_said])) {
                return wrong(t, "not an operand:", t->p);
            }
            t->n_said++;
        }
        if (*t->p != ',') {
            return *t->p == 0 || *t->p == ' ' || wrong(t, "not an operand's end:", t->p);
        }
        t->p++;
        skip_blanks(t);
    }
}

/* ---- Which operand is what ------------------------------------------------------------------------------- */

static int kinds(const uint8_t *type, int most)
{
    int n = 0;
    while (n < most && type[n] != ISA_T_NONE) {
        n++;
    }
    return n;
}

static struct isa_operand scalar(int reg, int words)
{
    return (struct isa_operand){ .place = ISA_P_SCALAR, .reg = (uint16_t)reg, .words = (uint8_t)words };
}

static bool is_constant(const struct isa_said_operand *said)
{
    return said->what == ISA_SAID_INTEGER || said->what == ISA_SAID_HEX;
}

/* SOPP and SOPK have a number of 16 bits. */
static bool has_simm16(uint32_t word)
{
    const uint32_t sop1 = 0x17d, sopc = 0x17e;
    return word >> 28 == 0xb && word >> 23 != sop1 && word >> 23 != sopc;
}

/* The scalar instructions whose number is no source but the immediate. */
static bool number_is_immediate(const char *name)
{
    static const char *const k[] = { "s_movk_", "s_cmovk_", "s_cmpk_", "s_addk_", "s_mulk_" };
    for (size_t i = 0; i < sizeof k / sizeof *k; i++) {
        if (begins(name, k[i])) {
            return true;
        }
    }
    return false;
}

static bool take_immediate(struct parse *t, struct isa_instr *i, int expected)
{
    const bool last_is_number = t->n_said && is_constant(&t->said[t->n_said - 1]);
    if (last_is_number && (t->n_said > expected || number_is_immediate(t->name))) {
        i->immediate = (uint64_t)t->said[--t->n_said].number;
    }
    if (i->bytes && has_simm16(i->encoding[0])) {
        i->immediate = i->encoding[0] & 0xffff;
    } else if (t->symbolic && i->bytes && i->encoding[0] >> 23 == 0x17e) { /* SOPC: s_set_gpr_idx_on */
        i->immediate = i->encoding[0] >> 8 & 0xff;
    } else if (t->symbolic && i->bytes) { /* SOP1: s_sendmsg_rtn */
        i->immediate = i->encoding[0] & 0xff;
    } else if (t->symbolic) {
        return wrong(t, "a number that only the encoding has:", t->text);
    }
    return true;
}

/* What the text may leave out, in the order in which it is looked for. */
static int fill_destinations(struct parse *t, struct isa_instr *i, int missing)
{
    const struct isa_row *row = i->row;
    const int mask_words = t->lanes / 32;
    if (missing && (row->flags & ISA_ATOMIC)) {
        i->n_dst = 0;
        return missing - 1;
    }
    const bool lone_mask = i->n_dst == 1 && row->dst[0] == ISA_T_MASK;
    if (missing && lone_mask && (row->flags & (ISA_WRITES_EXEC | ISA_WRITES_VCC))) {
        i->dst[0] = scalar(row->flags & ISA_WRITES_EXEC ? ISA_EXEC : ISA_VCC, mask_words);
        return missing - 1;
    }
    if (missing && i->n_dst == 2 && (row->flags & ISA_WRITES_VCC)) {
        i->dst[1] = scalar(ISA_VCC, mask_words);
        return missing - 1;
    }
    return missing;
}

/* v_swap: both are read, both are written. */
static void exchange(struct parse *t, struct isa_instr *i)
{
    i->n_dst = i->n_src = 2;
    for (int k = 0; k < 2; k++) {
        i->dst[k] = t->said[k].o;
        i->src[k] = t->said[1 - k].o;
    }
}

static bool distribute(struct parse *t, struct isa_instr *i)
{
    const struct isa_row *row = i->row;
    if (begins(t->name, "v_swap_") && t->n_said == 2) {
        exchange(t, i);
        return true;
    }
    i->n_dst = (uint8_t)kinds(row->dst, ISA_DESTINATIONS);
    int sources = kinds(row->src, ISA_SOURCES);
    if (!take_immediate(t, i, i->n_dst + sources)) {
        return false;
    }
    int missing = i->n_dst + sources - t->n_said;
    if (missing < 0) {
        return wrong(t, "more operands than its row has:", t->name);
    }
    /* A last source that is the destination may stand in the row, or not. */
    const bool reads_dst = row->flags & ISA_READS_DST;
    if (reads_dst && missing) {
        missing--;
        sources--;
    }
    if (missing && (row->flags & ISA_READS_VCC)) {
        missing--;
        sources--;
        i->src[sources] = scalar(ISA_VCC, t->lanes / 32);
        i->n_src = (uint8_t)(sources + 1);
    } else {
        i->n_src = (uint8_t)sources;
    }
    const int dst_before = i->n_dst;
    if (fill_destinations(t, i, missing)) {
        return wrong(t, "fewer operands than its row has:", t->name);
    }
    const int dst_said = dst_before - missing;
    for (int k = 0; k < t->n_said; k++) {
        if (k < dst_said) {
            i->dst[k] = t->said[k].o;
        } else {
            i->src[k - dst_said] = t->said[k].o;
            t->of_src[k - dst_said] = (int8_t)k;
        }
    }
    if (reads_dst) {
        if (i->n_src == ISA_SOURCES) {
            return wrong(t, "too many sources:", t->name);
        }
        i->src[i->n_src++] = i->dst[0];
    }
    return true;
}

/* ---- Modifiers ------------------------------------------------------------------------------------------- */

static bool is_mix(const char *name) { return begins(name, "v_fma_mix") || begins(name, "v_mad_mix"); }

/* VOP3's list ends with the destination's bit: that is bit 3 whatever the number of sources. */
static void place_op_sel(const struct parse *t, struct isa_instr *i, int entries)
{
    int sources = 0;
    for (int k = 0; k < ISA_SOURCES; k++) {
        sources += t->of_src[k] >= 0;
    }
    if (i->row->flags & ISA_READS_DST) { /* v_fmac has it among them */
        sources++;
    }
    const int last = entries - 1;
    if (entries && entries == sources + 1 && last < 3) {
        const uint8_t bit = (uint8_t)(i->op_sel >> last & 1);
        i->op_sel = (uint8_t)((i->op_sel & ~(1u << last)) | bit << 3);
    }
}

static bool read_modifiers(struct parse *t, struct isa_instr *i)
{
    struct isa_lists lists = { 0, 0 };
    i->row_mask = i->bank_mask = 0xf;
    for (skip_blanks(t); *t->p; skip_blanks(t)) {
        if (!isa_read_modifier(&t->p, i, &lists)) {
            return wrong(t, "not a modifier:", t->p);
        }
        if (*t->p && *t->p != ' ') {
            return wrong(t, "not a modifier's end:", t->p);
        }
    }
    const bool packed = i->row->class == ISA_CLASS_PACKED || i->row->class == ISA_CLASS_MATRIX || is_mix(t->name);
    if (!packed) {
        place_op_sel(t, i, lists.op_sel);
    } else if (!lists.op_sel_hi && !is_mix(t->name)) {
        i->op_sel_hi = 7;
    }
    return true;
}

/* ---- Constants ------------------------------------------------------------------------------------------- */

/* Source k's code in VOP3P: what the text says of a packed integer's constant is its low half only. */
static void read_encoded(const struct isa_instr *i, int k, struct isa_said_operand *said)
{
    const bool vop3p = i->bytes >= 8 && (i->encoding[0] >> 24 == 0xcc || i->encoding[0] >> 23 == 0x1a7);
    if (!vop3p || k > 2) {
        return;
    }
    const uint32_t code = i->encoding[1] >> (9 * k) & 0x1ff, half = 240, inverse_of_2_pi = 248;
    if (code >= half && code <= inverse_of_2_pi) {
        said->what = ISA_SAID_FLOAT;
        said->number = code - half;
    }
}

/* A source of v_fma_mix is f16 where op_sel_hi says so, else f32. */
static int type_of(const struct parse *t, const struct isa_instr *i, int k)
{
    if (is_mix(t->name)) {
        return i->op_sel_hi >> k & 1 ? ISA_T_F16 : ISA_T_F32;
    }
    return i->row->src[k];
}

static bool make_constants(struct parse *t, struct isa_instr *i)
{
    for (int k = 0; k < i->n_src; k++) {
        struct isa_operand *o = &i->src[k];
        if (o->place != ISA_P_CONSTANT || t->of_src[k] < 0) {
            continue;
        }
        struct isa_said_operand *said = &t->said[t->of_src[k]];
        const int type = type_of(t, i, k);
        if (i->row->class == ISA_CLASS_PACKED) {
            read_encoded(i, k, said);
        }
        if (i->row->class == ISA_CLASS_SCALAR_MEMORY && said->what != ISA_SAID_FLOAT) {
            o->value = (uint64_t)said->number; /* an offset, with its sign */
            continue;
        }
        if (!isa_make_constant(said, type, &o->value)) {
            return wrong(t, "a constant whose bits are not known:", t->text);
        }
        o->words = o->value >> 32 ? 2 : 1;
        const bool pair = type == ISA_T_PK_F32 || type == ISA_T_PK_B32;
        const bool same_in_both = said->what == ISA_SAID_INTEGER && (said->number == 0 || said->number == -1);
        if (pair && !same_in_both && ((i->op_sel | i->op_sel_hi) >> k & 1)) {
            return wrong(t, "the second word of a constant:", t->text);
        }
    }
    return true;
}

/* ---- All of it ------------------------------------------------------------------------------------------- */

static bool parse_one(struct parse *t, struct isa_instr *i)
{
    memset(t->of_src, -1, sizeof t->of_src);
    /* The modifiers' fields of a source (SDWA's selection) come after the operands. */
    return read_name(t, i) && read_operands(t, i) && distribute(t, i) && read_modifiers(t, i) && make_constants(t, i);
}

static bool parse_dual(struct parse *t, const char *between, struct isa_instr *i)
{
    static const struct isa_instr zero;
    struct isa_instr *second = i->second;
    char first[128];
    const size_t length = (size_t)(between - t->text);
    if (!second || length >= sizeof first) {
        return wrong(t, "no place for a dual instruction", between);
    }
    memcpy(first, t->text, length);
    first[length] = 0;
    while (length && first[strlen(first) - 1] == ' ') {
        first[strlen(first) - 1] = 0;
    }
    struct parse x = { .index = t->index, .target = t->target, .lanes = t->lanes, .text = first, .p = first };
    struct parse y = {
        .index = t->index, .target = t->target, .lanes = t->lanes, .text = between + 2, .p = between + 2
    };
    x.error = y.error = t->error;
    x.cap = y.cap = t->cap;
    *second = zero;
    return parse_one(&x, i) && parse_one(&y, second);
}

bool isa_parse_indexed(const struct isa_row_index *index, const struct isa_target *target, int lanes, const char *text,
                       struct isa_instr *i, char *error, size_t cap)
{
    struct parse t = {
        .index = index, .target = target, .lanes = lanes, .text = text, .p = text, .error = error, .cap = cap
    };
    if (cap) {
        *error = 0;
    }
    const char *comment = strstr(text, "/*"); /* the printer's complaint of an encoding */
    if (comment) {
        return wrong(&t, "the disassembler says", comment);
    }
    const char *between = strstr(text, "::");
    if (between) {
        return parse_dual(&t, between, i);
    }
    i->second = NULL;
    return parse_one(&t, i);
}

bool isa_parse(const struct isa_target *target, int lanes, const char *text, struct isa_instr *i, char *error,
               size_t cap)
{
    return isa_parse_indexed(NULL, target, lanes, text, i, error, cap);
}
