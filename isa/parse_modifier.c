/* parse_modifier.c: what stands behind the operands of a printed instruction.
 *
 * Source: LLVM documentation, "Syntax of AMDGPU Instruction Modifiers".
 *
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>

#include "isa/parse.h"

/* Words by themselves: X(word, field, value). */
#define FLAGS(X)                           \
    X(clamp, clamp, 1)                     \
    X(glc, glc, true)                      \
    X(slc, slc, true)                      \
    X(dlc, dlc, true)                      \
    X(nt, nt, true)                        \
    X(sc0, sc0, true)                      \
    X(sc1, sc1, true)                      \
    X(lds, lds, true)                      \
    X(gds, gds, true)                      \
    X(offen, offen, true)                  \
    X(idxen, idxen, true)                  \
    X(addr64, addr64, true)                \
    X(tfe, tfe, true)                      \
    X(row_mirror, dpp, ISA_DPP_ROW_MIRROR) \
    X(row_half_mirror, dpp, ISA_DPP_ROW_HALF_MIRROR)

/* name:number: X(name, field, from, to). */
#define NUMBERS(X)                                  \
    X(row_mask, row_mask, 0, 15)                    \
    X(bank_mask, bank_mask, 0, 15)                  \
    X(fi, fi, 0, 1)                                 \
    X(cbsz, cbsz, 0, 7)                             \
    X(abid, abid, 0, 15)                            \
    X(blgp, blgp, 0, 7)                             \
    X(bitop3, immediate, 0, 255)                    \
    X(byte_sel, byte_sel, 0, 3)                     \
    X(offset, offset[0], -(1 << 23), (1 << 24) - 1) \
    X(offset0, offset[0], 0, 255)                   \
    X(offset1, offset[1], 0, 255)

/* DPP controls with a count: X(name, control, from, to). */
#define CONTROLS(X)                              \
    X(row_shl, ISA_DPP_ROW_SHL, 1, 15)           \
    X(row_shr, ISA_DPP_ROW_SHR, 1, 15)           \
    X(row_ror, ISA_DPP_ROW_ROR, 1, 15)           \
    X(wave_shl, ISA_DPP_WAVE_SHL, 1, 1)          \
    X(wave_rol, ISA_DPP_WAVE_ROL, 1, 1)          \
    X(wave_shr, ISA_DPP_WAVE_SHR, 1, 1)          \
    X(wave_ror, ISA_DPP_WAVE_ROR, 1, 1)          \
    X(row_newbcast, ISA_DPP_ROW_NEWBCAST, 0, 15) \
    X(row_share, ISA_DPP_ROW_SHARE, 0, 15)       \
    X(row_xmask, ISA_DPP_ROW_XMASK, 0, 15)

/* name:WORD: X(name, word, field, value). Cache policies say nothing about what is computed, but for an atomic's
 * return. */
#define WORDS(X)                                             \
    X(dst_sel, DWORD, dst_sel, ISA_DWORD)                    \
    X(dst_sel, BYTE_0, dst_sel, ISA_BYTE_0)                  \
    X(dst_sel, BYTE_1, dst_sel, ISA_BYTE_1)                  \
    X(dst_sel, BYTE_2, dst_sel, ISA_BYTE_2)                  \
    X(dst_sel, BYTE_3, dst_sel, ISA_BYTE_3)                  \
    X(dst_sel, WORD_0, dst_sel, ISA_WORD_0)                  \
    X(dst_sel, WORD_1, dst_sel, ISA_WORD_1)                  \
    X(src0_sel, DWORD, src[0].sel, ISA_DWORD)                \
    X(src0_sel, BYTE_0, src[0].sel, ISA_BYTE_0)              \
    X(src0_sel, BYTE_1, src[0].sel, ISA_BYTE_1)              \
    X(src0_sel, BYTE_2, src[0].sel, ISA_BYTE_2)              \
    X(src0_sel, BYTE_3, src[0].sel, ISA_BYTE_3)              \
    X(src0_sel, WORD_0, src[0].sel, ISA_WORD_0)              \
    X(src0_sel, WORD_1, src[0].sel, ISA_WORD_1)              \
    X(src1_sel, DWORD, src[1].sel, ISA_DWORD)                \
    X(src1_sel, BYTE_0, src[1].sel, ISA_BYTE_0)              \
    X(src1_sel, BYTE_1, src[1].sel, ISA_BYTE_1)              \
    X(src1_sel, BYTE_2, src[1].sel, ISA_BYTE_2)              \
    X(src1_sel, BYTE_3, src[1].sel, ISA_BYTE_3)              \
    X(src1_sel, WORD_0, src[1].sel, ISA_WORD_0)              \
    X(src1_sel, WORD_1, src[1].sel, ISA_WORD_1)              \
    X(dst_unused, UNUSED_PAD, dst_unused, ISA_PAD)           \
    X(dst_unused, UNUSED_SEXT, dst_unused, ISA_SEXT)         \
    X(dst_unused, UNUSED_PRESERVE, dst_unused, ISA_PRESERVE) \
    X(mul, 2, omod, 1)                                       \
    X(mul, 4, omod, 2)                                       \
    X(div, 2, omod, 3)                                       \
    X(bound_ctrl, 0, bound_ctrl, true) /* older printers */  \
    X(bound_ctrl, 1, bound_ctrl, true)                       \
    X(row_bcast, 15, dpp, ISA_DPP_ROW_BCAST15)               \
    X(row_bcast, 31, dpp, ISA_DPP_ROW_BCAST31)               \
    X(scope, SCOPE_CU, scope, 0)                             \
    X(scope, SCOPE_SE, scope, 1)                             \
    X(scope, SCOPE_DEV, scope, 2)                            \
    X(scope, SCOPE_SYS, scope, 3)                            \
    X(th, TH_LOAD_NT, th, 1)                                 \
    X(th, TH_LOAD_HT, th, 2)                                 \
    X(th, TH_LOAD_LU, th, 3)                                 \
    X(th, TH_LOAD_BYPASS, th, 3)                             \
    X(th, TH_LOAD_NT_RT, th, 4)                              \
    X(th, TH_LOAD_RT_NT, th, 5)                              \
    X(th, TH_LOAD_NT_HT, th, 6)                              \
    X(th, TH_STORE_NT, th, 1)                                \
    X(th, TH_STORE_HT, th, 2)                                \
    X(th, TH_STORE_WB, th, 3)                                \
    X(th, TH_STORE_RT_WB, th, 3)                             \
    X(th, TH_STORE_BYPASS, th, 3)                            \
    X(th, TH_STORE_NT_RT, th, 4)                             \
    X(th, TH_STORE_RT_NT, th, 5)                             \
    X(th, TH_STORE_NT_HT, th, 6)                             \
    X(th, TH_STORE_NT_WB, th, 7)                             \
    X(th, TH_ATOMIC_RETURN, th, 1)                           \
    X(th, TH_ATOMIC_NT, th, 2)                               \
    X(th, TH_ATOMIC_NT_RETURN, th, 3)                        \
    X(th, TH_ATOMIC_CASCADE_RT, th, 4)                       \
    X(th, TH_ATOMIC_CASCADE_NT, th, 6)

/* The name at *text (letters, digits, _), compared whole; goes behind it. */
static bool word(const char **text, const char *name)
{
    const size_t n = strlen(name);
    if (strncmp(*text, name, n) != 0 || isalnum((unsigned char)(*text)[n]) || (*text)[n] == '_') {
        return false;
    }
    *text += n;
    return true;
}

static bool named(const char **text, const char *name)
{
    const char *p = *text;
    if (!word(&p, name) || *p != ':') {
        return false;
    }
    *text = p + 1;
    return true;
}

/* "[1,0,3,2]": entries up to `most` into list, their number to *count. */
static bool read_list(const char **text, int largest, int most, uint8_t *list, int *count)
{
    const char *p = *text;
    if (*p++ != '[') {
        return false;
    }
    for (*count = 0; *count < most; ++*count) {
        int64_t n;
        if (!isa_read_number(&p, &n) || n < 0 || n > largest) {
            return false;
        }
        list[*count] = (uint8_t)n;
        if (*p == ']') {
            ++*count;
            *text = p + 1;
            return true;
        }
        if (*p++ != ',') {
            return false;
        }
    }
    return false;
}

/* A bit a source. */
static bool read_bits(const char **text, uint8_t *bits, int *count)
{
    uint8_t list[4];
    if (!read_list(text, 1, 4, list, count)) {
        return false;
    }
    *bits = 0;
    for (int i = 0; i < *count; i++) {
        *bits |= (uint8_t)(list[i] << i);
    }
    return true;
}

/* Lanes of `bits` bits each, exactly `most` of them. */
static bool read_lanes(const char **text, int bits, int most, uint32_t *value)
{
    uint8_t list[8];
    int count;
    if (!read_list(text, (1 << bits) - 1, most, list, &count) || count != most) {
        return false;
    }
    *value = 0;
    for (int i = 0; i < most; i++) {
        *value |= (uint32_t)list[i] << (bits * i);
    }
    return true;
}

static bool read_lists(const char **text, struct isa_instr *i, struct isa_lists *lists, bool *found)
{
    int ignored;
    *found = true;
    if (named(text, "op_sel")) {
        return read_bits(text, &i->op_sel, &lists->op_sel);
    }
    if (named(text, "op_sel_hi")) {
        return read_bits(text, &i->op_sel_hi, &lists->op_sel_hi);
    }
    if (named(text, "neg_lo") || named(text, "neg")) { /* neg: MFMA of f64 on gfx942 */
        return read_bits(text, &i->neg_lo, &ignored);
    }
    if (named(text, "neg_hi")) {
        return read_bits(text, &i->neg_hi, &ignored);
    }
    if (named(text, "quad_perm")) {
        i->dpp = ISA_DPP_QUAD_PERM;
        return read_lanes(text, 2, 4, &i->dpp_value);
    }
    if (named(text, "dpp8")) {
        i->dpp = ISA_DPP8;
        return read_lanes(text, 3, 8, &i->dpp_value);
    }
    *found = false;
    return false;
}

static bool read_count(const char **text, int64_t from, int64_t to, int64_t *number)
{
    return isa_read_number(text, number) && *number >= from && *number <= to;
}

/* "offset:swizzle(...)": the number that it stands for is the encoding's. */
static bool read_swizzle(const char **text, struct isa_instr *i)
{
    const char *p = *text;
    if (!i->bytes || !named(&p, "offset") || strncmp(p, "swizzle(", 8) != 0) {
        return false;
    }
    p = strchr(p, ')');
    if (!p) {
        return false;
    }
    i->offset[0] = i->encoding[0] & 0xffff;
    *text = p + 1;
    return true;
}

static bool read_numbers(const char **text, struct isa_instr *i, bool *found)
{
    int64_t n;
    *found = true;
#define X(name, field, from, to)               \
    if (named(text, #name)) {                  \
        if (!read_count(text, from, to, &n)) { \
            return false;                      \
        }                                      \
        i->field = (__typeof__(i->field))n;    \
        return true;                           \
    }
    NUMBERS(X)
#undef X
#define X(name, control, from, to)             \
    if (named(text, #name)) {                  \
        if (!read_count(text, from, to, &n)) { \
            return false;                      \
        }                                      \
        i->dpp = control;                      \
        i->dpp_value = (uint32_t)n;            \
        return true;                           \
    }
    CONTROLS(X)
#undef X
    *found = false;
    return false;
}

static bool read_words(const char **text, struct isa_instr *i)
{
#define X(name, field, value) \
    if (word(text, #name)) {  \
        i->field = value;     \
        return true;          \
    }
    FLAGS(X)
#undef X
    const char *p;
#define X(name, said, field, value)            \
    p = *text;                                 \
    if (named(&p, #name) && word(&p, #said)) { \
        i->field = value;                      \
        *text = p;                             \
        return true;                           \
    }
    WORDS(X)
#undef X
    return false;
}

bool isa_read_modifier(const char **text, struct isa_instr *i, struct isa_lists *lists)
{
    if (read_swizzle(text, i)) {
        return true;
    }
    bool found;
    const bool in_list = read_lists(text, i, lists, &found);
    if (found) {
        return in_list;
    }
    const bool is_number = read_numbers(text, i, &found);
    return found ? is_number : read_words(text, i);
}

bool isa_skip_symbolic(const char **text)
{
    static const char *const names[] = { "vmcnt",   "expcnt", "lgkmcnt", "vscnt",   "instid0", "instskip",
                                         "instid1", "hwreg",  "sendmsg", "gpr_idx", NULL };
    const char *p = *text;
    size_t length = 0;
    while (isalnum((unsigned char)p[length]) || p[length] == '_') {
        length++;
    }
    bool known = length > 7 && !memcmp(p, "depctr_", 7);
    for (size_t i = 0; names[i] && !known; i++) {
        known = strlen(names[i]) == length && !memcmp(p, names[i], length);
    }
    if (!known || p[length] != '(') {
        return false;
    }
    p = strchr(p, ')');
    if (!p) {
        return false;
    }
    *text = p + 1;
    return true;
}
