/* parse_operand.c: an operand of a printed instruction: a register, a constant, off.
 *
 * Source: LLVM documentation, "Syntax of AMDGPU Instruction Operands".
 *
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "isa/parse.h"

/* Registers with a name: X(name, register, words). */
#define NAMED(X)                                      \
    X(vcc, ISA_VCC, 2)                                \
    X(vcc_lo, ISA_VCC, 1)                             \
    X(vcc_hi, ISA_VCC + 1, 1)                         \
    X(exec, ISA_EXEC, 2)                              \
    X(exec_lo, ISA_EXEC, 1)                           \
    X(exec_hi, ISA_EXEC + 1, 1)                       \
    X(m0, ISA_M0, 1)                                  \
    X(null, ISA_NULL, 1)                              \
    X(scc, ISA_SCC, 1)                                \
    X(src_scc, ISA_SCC, 1)                            \
    X(vccz, ISA_VCCZ, 1)                              \
    X(src_vccz, ISA_VCCZ, 1)                          \
    X(execz, ISA_EXECZ, 1)                            \
    X(src_execz, ISA_EXECZ, 1)                        \
    X(flat_scratch, ISA_FLAT_SCRATCH, 2)              \
    X(flat_scratch_lo, ISA_FLAT_SCRATCH, 1)           \
    X(flat_scratch_hi, ISA_FLAT_SCRATCH + 1, 1)       \
    X(xnack_mask, ISA_XNACK_MASK, 2)                  \
    X(xnack_mask_lo, ISA_XNACK_MASK, 1)               \
    X(xnack_mask_hi, ISA_XNACK_MASK + 1, 1)           \
    X(src_shared_base, ISA_SHARED_BASE, 2)            \
    X(src_shared_base_lo, ISA_SHARED_BASE, 1)         \
    X(src_shared_base_hi, ISA_SHARED_BASE + 1, 1)     \
    X(src_shared_limit, ISA_SHARED_LIMIT, 2)          \
    X(src_shared_limit_lo, ISA_SHARED_LIMIT, 1)       \
    X(src_shared_limit_hi, ISA_SHARED_LIMIT + 1, 1)   \
    X(src_private_base, ISA_PRIVATE_BASE, 2)          \
    X(src_private_base_lo, ISA_PRIVATE_BASE, 1)       \
    X(src_private_base_hi, ISA_PRIVATE_BASE + 1, 1)   \
    X(src_private_limit, ISA_PRIVATE_LIMIT, 2)        \
    X(src_private_limit_lo, ISA_PRIVATE_LIMIT, 1)     \
    X(src_private_limit_hi, ISA_PRIVATE_LIMIT + 1, 1) \
    X(lds_direct, ISA_LDS_DIRECT, 1)                  \
    X(src_lds_direct, ISA_LDS_DIRECT, 1)

static const struct {
    const char *name;
    uint16_t reg;
    uint8_t words;
} named[] = {
#define X(name, reg, words) { #name, reg, words },
    NAMED(X)
#undef X
};

/* Files of registers: X(prefix, place, first, how many). Longer prefixes first. */
#define FILES(X)                          \
    X("ttmp", ISA_P_SCALAR, ISA_TTMP, 16) \
    X("v", ISA_P_VECTOR, 0, 256)          \
    X("a", ISA_P_VECTOR, ISA_ACC, 256)    \
    X("s", ISA_P_SCALAR, 0, 106)

static const struct {
    const char *prefix;
    uint8_t place;
    uint16_t first, count;
} files[] = {
#define X(prefix, place, first, count) { prefix, place, first, count },
    FILES(X)
#undef X
};

static const struct {
    const char *text;
    uint64_t f16, bf16, f32, f64;
} floats[] = {
#define X(text, f16, bf16, f32, f64) { text, f16, bf16, f32, f64 },
    ISA_FLOATS(X)
#undef X
};

static size_t word_length(const char *text)
{
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '_') {
        n++;
    }
    return n;
}

static bool take(const char **text, const char *what)
{
    const size_t n = strlen(what);
    if (strncmp(*text, what, n) != 0) {
        return false;
    }
    *text += n;
    return true;
}

bool isa_read_number(const char **text, int64_t *number)
{
    const char *p = *text;
    const bool negative = *p == '-';
    p += negative;
    if (!isdigit((unsigned char)*p)) {
        return false;
    }
    const bool hex = p[0] == '0' && p[1] == 'x';
    p += hex ? 2 : 0;
    uint64_t value = 0;
    const char *first = p;
    for (; hex ? isxdigit((unsigned char)*p) : isdigit((unsigned char)*p); p++) {
        if (value >> 59) { /* more than any constant has */
            if (!hex || value >> 60) {
                return false;
            }
        }
        const int digit = isdigit((unsigned char)*p) ? *p - '0' : tolower((unsigned char)*p) - 'a' + 10;
        value = value * (hex ? 16 : 10) + (uint64_t)digit;
    }
    if (p == first) {
        return false;
    }
    *number = (int64_t)(negative ? 0 - value : value);
    *text = p;
    return true;
}

/* "5", "[5]", "[4:7]" behind a file's prefix. */
static bool read_range(const char **text, int64_t *first, int64_t *last)
{
    const bool range = take(text, "[");
    if (!isa_read_number(text, first)) {
        return false;
    }
    *last = *first;
    return !range || ((!take(text, ":") || isa_read_number(text, last)) && take(text, "]"));
}

static bool read_register(const char **text, struct isa_operand *o)
{
    const size_t length = word_length(*text);
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        if (strlen(named[i].name) == length && !memcmp(named[i].name, *text, length)) {
            o->place = ISA_P_SCALAR;
            o->reg = named[i].reg;
            o->words = named[i].words;
            *text += length;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *p = *text;
        int64_t first, last;
        if (!take(&p, files[i].prefix) || !read_range(&p, &first, &last)) {
            continue;
        }
        if (first < 0 || last < first || last >= files[i].count || last - first >= 64) {
            return false;
        }
        o->place = files[i].place;
        o->reg = (uint16_t)(files[i].first + first);
        o->words = (uint8_t)(last - first + 1);
        if (take(&p, ".l")) {
            o->half = ISA_LOW;
        } else if (take(&p, ".h")) {
            o->half = ISA_HIGH;
        }
        *text = p;
        return true;
    }
    return false;
}

static bool read_constant(const char **text, struct isa_said_operand *out)
{
    const char *p = *text;
    size_t length = *p == '-';
    while (isdigit((unsigned char)p[length]) || p[length] == '.') {
        length++;
    }
    if (memchr(p, '.', length)) {
        for (size_t i = 0; i < sizeof floats / sizeof *floats; i++) {
            if (strlen(floats[i].text) == length && !memcmp(floats[i].text, p, length)) {
                out->what = ISA_SAID_FLOAT;
                out->number = (int64_t)i;
                *text += length;
                return true;
            }
        }
        return false;
    }
    out->what = p[*p == '-'] == '0' && p[(*p == '-') + 1] == 'x' ? ISA_SAID_HEX : ISA_SAID_INTEGER;
    return isa_read_number(text, &out->number);
}

static bool read_plain(const char **text, struct isa_said_operand *out)
{
    if (word_length(*text) == 3 && take(text, "off")) {
        out->what = ISA_SAID_OFF;
        out->o.place = ISA_P_OFF;
        return true;
    }
    if (**text == '-' || isdigit((unsigned char)**text)) {
        out->o.place = ISA_P_CONSTANT;
        return read_constant(text, out);
    }
    if (take(text, "lit(")) {
        out->o.place = ISA_P_CONSTANT;
        return read_constant(text, out) && take(text, ")");
    }
    out->what = ISA_SAID_REGISTER;
    return read_register(text, &out->o);
}

bool isa_read_operand(const char **text, struct isa_said_operand *out)
{
    memset(out, 0, sizeof *out);
    const char *p = *text;
    const char *close = "";
    if (take(&p, "neg(")) {
        out->o.neg = true;
        close = ")";
    } else if (take(&p, "sext(")) {
        out->o.sext = true;
        close = ")";
    } else if (*p == '-' && !isdigit((unsigned char)p[1])) {
        out->o.neg = true;
        p++;
    }
    const bool bars = take(&p, "|");
    out->o.abs = bars;
    if (!read_plain(&p, out) || (bars && !take(&p, "|")) || !take(&p, close)) {
        return false;
    }
    *text = p;
    return true;
}

/* What an encoded float constant is for a type. Of 16-bit integers LLVM and the documents do not agree. */
static bool float_constant(int64_t row, int type, uint64_t *value)
{
    switch (type) {
    case ISA_T_F16:
    case ISA_T_PK_F16: *value = floats[row].f16; return true;
    case ISA_T_BF16:
    case ISA_T_PK_BF16: *value = floats[row].bf16; return true;
    case ISA_T_B64:
    case ISA_T_U64:
    case ISA_T_I64:
    case ISA_T_F64: *value = floats[row].f64; return true;
    case ISA_T_B16:
    case ISA_T_U16:
    case ISA_T_I16: return false;
    default: *value = floats[row].f32; return true;
    }
}

bool isa_make_constant(const struct isa_said_operand *said, int type, uint64_t *value)
{
    static const uint8_t bytes[] = {
#define X(name, size, is_float) size,
        ISA_TYPES(X)
#undef X
    };
    if (said->what == ISA_SAID_FLOAT) {
        return float_constant(said->number, type, value);
    }
    const uint64_t n = (uint64_t)said->number;
    if (bytes[type] == 2) {
        *value = n & 0xffff;
    } else if (bytes[type] == 4) {
        *value = n & 0xffffffff;
    } else if (said->what == ISA_SAID_INTEGER || n >> 32) {
        *value = n;
    } else if (type == ISA_T_F64) { /* a literal is the high half */
        *value = n << 32;
    } else { /* and signed integers are extended with their sign */
        *value = type == ISA_T_I64 ? (uint64_t)(int64_t)(int32_t)n : n;
    }
    return true;
}
