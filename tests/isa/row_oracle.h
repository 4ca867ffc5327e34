/* row_oracle.h: what a row's result is, from its mnemonic alone: taken apart and worked out in wider types, one value
 * at a time, by nothing of the machine's.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_TESTS_ISA_ROW_ORACLE_H
#define ATTN_TESTS_ISA_ROW_ORACLE_H

#include <math.h>

#include "isa/narrow.h"
#include "tests/isa/one_wave.h"

/* ---- Operands ---------------------------------------------------------------------------------------------------- */

static int width_of(int type)
{
    static const uint8_t bytes[] = {
#define X(NAME, size, is_float) size,
        ISA_TYPES(X)
#undef X
    };
    return 8 * bytes[type];
}

static bool is_float(int type) { return type == ISA_T_F16 || type == ISA_T_F32 || type == ISA_T_F64; }

/* Edges as often as anything: of a float never a signalling NaN (isa_alu.c has those). */
static uint64_t draw_value(uint64_t *seed, int type)
{
    static const double reals[] = { 0, -0.0, 1, -1, 0.5, 1.5, -2.5, 3, 1e-7, 6e-8, 65504, 65520, -1e30, 3e9, 7, 255.5 };
    const uint32_t pick = draw(seed) % 8;
    uint64_t u = (uint64_t)draw(seed) << 33 ^ (uint64_t)draw(seed) << 11 ^ draw(seed);
    const int width = width_of(type);
    if (is_float(type)) {
        const double d = pick < 4   ? reals[draw(seed) % (sizeof reals / sizeof *reals)]
                         : pick < 6 ? (double)(int32_t)u / 1024
                         : pick < 7 ? ldexp((double)(int32_t)u, (int)(draw(seed) % 64) - 60)
                                    : (draw(seed) & 1 ? (double)INFINITY : (double)NAN);
        return type == ISA_T_F16 ? isa_f64_to_f16(d) : type == ISA_T_F32 ? isa_f32_bits((float)d) : isa_f64_bits(d);
    }
    if (pick < 2)
        u = (uint64_t)(int64_t)((int)(draw(seed) % 5) - 2);
    else if (pick < 4)
        u = UINT64_C(1) << draw(seed) % (unsigned)width;
    else if (pick < 5)
        u &= 63;
    return width < 64 ? u & ((UINT64_C(1) << width) - 1) : u;
}

static double real_of(uint64_t u, int type)
{
    return type == ISA_T_F16   ? (double)isa_f16_to_f32((uint32_t)u)
           : type == ISA_T_F32 ? (double)isa_f32((uint32_t)u)
                               : isa_f64(u);
}

/* ---- The oracle -------------------------------------------------------------------------------------------------- */

struct answer {
    uint64_t bits, carry;
    bool has_carry, near; /* near: the last place may differ by one */
};
typedef __int128 wide;

struct question {
    const struct isa_row *row;
    char op[48], type[8]; /* v_add_nc_u32: "add_nc" and "u32" */
    uint64_t s[4];
    uint64_t scc;
    wide x[4];   /* as integers of the row's types */
    double r[4]; /* as reals */
    int width;   /* of the type in the name */
};

static bool is(const struct question *q, const char *names)
{
    const size_t n = strlen(q->op);
    for (const char *at = names; (at = strstr(at, q->op)); at += n)
        if ((at == names || at[-1] == ' ') && (at[n] == 0 || at[n] == ' '))
            return true;
    return false;
}

static wide middle(wide a, wide b, wide c) { return a > b ? (b > c ? b : a > c ? c : a) : (a > c ? a : b > c ? c : b); }
static wide least(wide a, wide b) { return a < b ? a : b; }
static wide most(wide a, wide b) { return a > b ? a : b; }
static wide product(wide a, wide b) { return (wide)((unsigned __int128)a * (unsigned __int128)b); }
static wide wrap(wide v, int width) { return v & ((((wide)1) << width) - 1); }

/* The operation of integers a, b, c: X(names, result). */
#define INTEGERS(X)                                                                \
    X("add add_nc add_co", a + b)                                                  \
    X("sub sub_nc sub_co", a - b)                                                  \
    X("subrev subrev_nc subrev_co", b - a)                                         \
    X("add_co_ci addc_co addc", a + b + (q->row->src[2] ? (q->s[2] & 1) : q->scc)) \
    X("sub_co_ci subb_co subb", a - b - (q->row->src[2] ? (q->s[2] & 1) : q->scc)) \
    X("subrev_co_ci subbrev_co", b - a - (wide)(q->s[2] & 1))                      \
    X("mul_lo mul", product(a, b))                                                 \
    X("mul_hi", product(a, b) >> width)                                            \
    X("mad mad_legacy", product(a, b) + c)                                         \
    X("min", least(a, b))                                                          \
    X("max", most(a, b))                                                           \
    X("min3", least(a, least(b, c)))                                               \
    X("max3", most(a, most(b, c)))                                                 \
    X("med3", middle(a, b, c))                                                     \
    X("minmax", most(least(a, b), c))                                              \
    X("maxmin", least(most(a, b), c))                                              \
    X("and", a &b)                                                                 \
    X("or", a | b)                                                                 \
    X("xor", (a | b) - (a & b))                                                    \
    X("xnor", ~((a | b) - (a & b)))                                                \
    X("nand", ~(a & b))                                                            \
    X("nor", ~(a | b))                                                             \
    X("andn2 and_not1", a - (a & b))                                               \
    X("orn2 or_not1", ~(b - (a & b)))                                              \
    X("not", -a - 1)                                                               \
    X("mov movk", a)                                                               \
    X("cndmask", q->s[2] & 1 ? b : a)                                              \
    X("cselect cmov", q->scc ? a : b)                                              \
    X("lshlrev", b *((wide)1 << by))                                               \
    X("lshrrev ashrrev", b >> by)                                                  \
    X("lshl", a *((wide)1 << by_b))                                                \
    X("lshr ashr", a >> by_b)                                                      \
    X("lshl_or", wrap(a *((wide)1 << by_b), 32) | c)                               \
    X("lshl1_add lshl2_add lshl3_add lshl4_add", a * (1 << (q->op[4] - '0')) + b)  \
    X("add3", a + b + c)                                                           \
    X("add_lshl", (a + b) * ((wide)1 << wrap(c, 5)))                               \
    X("and_or", (a & b) | c)                                                       \
    X("or3", a | b | c)                                                            \
    X("xor3", a ^ b ^ c)

static bool integers(const struct question *q, struct answer *r)
{
    const wide a = q->x[0], b = q->x[1], c = q->x[2];
    const int width = q->width;
    const unsigned by = (unsigned)wrap(a, 31) % (unsigned)width, by_b = (unsigned)wrap(b, 31) % (unsigned)width;
    wide v;
#define X(names, result) \
    if (is(q, names))    \
        v = result;      \
    else
    INTEGERS(X) return false;
#undef X
    r->bits = (uint64_t)wrap(v, width);
    if (is(q, "add_co sub_co subrev_co add_co_ci addc_co addc sub_co_ci subb_co subb subrev_co_ci subbrev_co") ||
        (q->row->class == ISA_CLASS_SCALAR && is(q, "add sub lshl1_add lshl2_add lshl3_add lshl4_add"))) {
        const bool is_signed = q->type[0] == 'i';
        r->has_carry = q->width == 32;
        const wide half = (wide)1 << (width - 1);
        r->carry = is_signed ? v < -half || v >= half : v < 0 || v >> width;
    } else if (q->row->class == ISA_CLASS_SCALAR && q->row->flags & ISA_WRITES_SCC && !is(q, "min max")) {
        r->has_carry = true;
        r->carry = r->bits != 0;
    }
    return true;
}

/* A real, rounded to the type. */
static uint64_t rounded(double v, int type)
{
    return type == ISA_T_F16 ? isa_f64_to_f16(v) : type == ISA_T_F32 ? isa_f32_bits((float)v) : isa_f64_bits(v);
}

static double lesser(double a, double b)
{
    return isnan(a) ? b : isnan(b) ? a : a < b || (a == b && signbit(a)) ? a : b;
}
static double greater(double a, double b) { return -lesser(-a, -b); }
static double lesser_or_nan(double a, double b) { return isnan(a) || isnan(b) ? (double)NAN : lesser(a, b); }
static double greater_or_nan(double a, double b) { return -lesser_or_nan(-a, -b); }

/* a * b + c rounded once; the products of f16 and f32 are exact in a double or long double. */
static uint64_t fused(double a, double b, double c, int type)
{
    if (type == ISA_T_F64)
        return isa_f64_bits(fma(a, b, c));
    return type == ISA_T_F32 ? isa_f32_bits(fmaf((float)a, (float)b, (float)c)) : isa_f64_to_f16(fma(a, b, c));
}

static double flush(double v) { return fabs(v) < 0x1p-126 ? copysign(0, v) : v; }

static double twice_rounded(const struct question *q, int type)
{
    const bool legacy = strstr(q->op, "legacy") && type == ISA_T_F32, whole = type == ISA_T_F32;
    const double a = whole ? flush(q->r[0]) : q->r[0], b = whole ? flush(q->r[1]) : q->r[1];
    const double c = whole ? flush(q->r[2]) : q->r[2];
    double product = legacy && (a == 0 || b == 0) ? 0 : real_of(rounded(a * b, type), type);
    product = whole ? flush(product) : product;
    const double sum = real_of(rounded(product + c, type), type);
    return whole ? flush(sum) : sum;
}

/* The operation of reals a, b, c; `in` is a, without the subnormals that transcendental instructions do not know. */
#define REALS(X)                                                                                                    \
    X("add", a + b)                                                                                                 \
    X("sub", a - b)                                                                                                 \
    X("subrev", b - a)                                                                                              \
    X("mul", a *b)                                                                                                  \
    X("mul_legacy mul_dx9_zero", zero ? 0 : a *b)                                                                   \
    X("mad mac madmk madak mad_legacy mac_legacy", twice_rounded(q, type))                                          \
    X("min min_num", lesser(a, b))                                                                                  \
    X("max max_num", greater(a, b))                                                                                 \
    X("minimum", lesser_or_nan(a, b))                                                                               \
    X("maximum", greater_or_nan(a, b))                                                                              \
    X("min3 min3_num", lesser(lesser(a, b), c))                                                                     \
    X("max3 max3_num", greater(greater(a, b), c))                                                                   \
    X("minmax minmax_num", greater(lesser(a, b), c))                                                                \
    X("maxmin maxmin_num", lesser(greater(a, b), c))                                                                \
    X("minimum3", lesser_or_nan(lesser_or_nan(a, b), c))                                                            \
    X("maximum3", greater_or_nan(greater_or_nan(a, b), c))                                                          \
    X("minimummaximum", greater_or_nan(lesser_or_nan(a, b), c))                                                     \
    X("maximumminimum", lesser_or_nan(greater_or_nan(a, b), c))                                                     \
    X("med3 med3_num",                                                                                              \
      isnan(a) || isnan(b) || isnan(c) ? lesser(lesser(a, b), c) : lesser(greater(a, b), greater(lesser(a, b), c))) \
    X("floor", floor(a))                                                                                            \
    X("ceil", ceil(a))                                                                                              \
    X("trunc", trunc(a))                                                                                            \
    X("rndne", nearbyint(a))                                                                                        \
    X("rcp rcp_iflag", 1 / in)                                                                                      \
    X("sqrt", sqrt(in))                                                                                             \
    X("rsq", 1 / sqrt(in))                                                                                          \
    X("exp exp_legacy", exp2(in))                                                                                   \
    X("log log_legacy", log2(in))                                                                                   \
    X("sin", isinf(a) ? (double)NAN : sin(6.283185307179586476925 * (a - rint(a))))                                 \
    X("cos", isinf(a) ? (double)NAN : cos(6.283185307179586476925 * (a - rint(a))))

static bool reals(const struct question *q, struct answer *r)
{
    const double a = q->r[0], b = q->r[1], c = q->r[2];
    const int type = q->row->dst[0];
    const bool zero = a == 0 || b == 0, is_special = q->row->class == ISA_CLASS_TRANSCENDENTAL;
    const double in = is_special && type == ISA_T_F32 ? flush(a) : a;
    double v;
    if (is(q, "fma fmac fmamk fmaak") || (is(q, "fma_legacy") && type == ISA_T_F16)) {
        r->bits = fused(a, b, c, type);
        return true;
    }
    if (is(q, "fma_legacy fma_dx9_zero fmac_legacy fmac_dx9_zero")) {
        r->bits = fused(zero ? 0 : a, zero ? 0 : b, c, type);
        return true;
    }
    if (is(q, "fract") && type != ISA_T_F32) {
        const double below = type == ISA_T_F16 ? 1 - 0x1p-11 : 1 - 0x1p-53;
        v = real_of(rounded(a - floor(a), type), type);
        v = v > below ? below : v;
    } else
#define X(names, result) \
    if (is(q, names))    \
        v = result;      \
    else
        REALS(X) return false;
#undef X
    if (is_special && type == ISA_T_F32)
        v = flush(real_of(rounded(v, type), type));
    r->near = is(q, "sin cos");
    r->bits = rounded(v, type);
    return true;
}

static bool compares(const struct question *q, struct answer *r)
{
    static const char *const ops[] = { "f", "lt",  "eq",  "le",  "gt",  "ne",  "lg",  "ge",  "o",
                                       "u", "nge", "nlg", "ngt", "nle", "neq", "nlt", "tru", "t" };
    const char *name = q->row->name;
    const char *const prefix[] = { "v_cmp_", "v_cmpx_", "s_cmp_", "s_cmpk_" };
    const char *op = NULL;
    for (int k = 0; k < 4; k++)
        if (!strncmp(name, prefix[k], strlen(prefix[k])))
            op = name + strlen(prefix[k]);
    if (!op)
        return false;
    const size_t n = (size_t)(strrchr(op, '_') - op);
    size_t which = 0;
    while (which < sizeof ops / sizeof *ops && (strlen(ops[which]) != n || strncmp(ops[which], op, n)))
        which++;
    const bool real = q->type[0] == 'f';
    const wide x = q->x[0], y = q->x[1];
    const double a = q->r[0], b = q->r[1];
    const bool nan = real && (isnan(a) || isnan(b));
    const bool less = real ? a < b : x < y, equal = real ? a == b : x == y, more = real ? a > b : x > y;
    const bool answers[] = {
        false, less, equal,       less || equal, more,  !equal,           less || more, more || equal,
        !nan,  nan,  nan || less, nan || equal,  !more, !(less || equal), !equal,       nan || more || equal,
        true,  true
    };
    if (which == sizeof ops / sizeof *ops)
        return false;
    r->carry = answers[which];
    r->has_carry = true;
    return true;
}

/* Results of conversions, by their two types. */
static bool conversions(const struct question *q, struct answer *r)
{
    const struct isa_row *row = q->row;
    if (!strstr(row->name, "_cvt_") || strstr(row->name, "p8") || strstr(row->name, "bf8") || strstr(row->name, "pk") ||
        strstr(row->name, "norm") || strstr(row->name, "off") || strstr(row->name, "ubyte") ||
        strstr(row->name, "_hi_") || row->src[1])
        return false;
    double v = is_float(row->src[0]) ? q->r[0] : (double)q->x[0];
    if (strstr(row->name, "rpi") || strstr(row->name, "nearest"))
        v = floor(v + 0.5);
    if (strstr(row->name, "flr") || strstr(row->name, "floor"))
        v = floor(v);
    if (strstr(row->name, "_f32_bf16"))
        r->bits = q->s[0] << 16;
    else if (is_float(row->dst[0]))
        r->bits = rounded(v, row->dst[0]);
    else {
        const int width = width_of(row->dst[0]);
        const bool is_signed = row->dst[0] == ISA_T_I32 || row->dst[0] == ISA_T_I16;
        const double low = is_signed ? -ldexp(1, width - 1) : 0, high = ldexp(1, is_signed ? width - 1 : width) - 1;
        const double in = isnan(v) ? 0 : v < low ? low : v > high ? high : v;
        r->bits = (uint64_t)(int64_t)trunc(in) & ((UINT64_C(1) << width) - 1);
    }
    return true;
}

#endif
