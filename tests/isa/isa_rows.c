/* isa_rows.c: every row of the scalar, vector and compare sets on drawn operands, against what its name says: an oracle
 * that takes the mnemonic apart and works in wider types, one value at a time. What it does not know by its name must
 * be a case of isa_alu.c: a row that nothing tests is named.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "isa/narrow.h"
#include "isa/vector.h"
#include "tests/isa/one_wave.h"

enum { ROUNDS = 24, DST = 20 };

/* ---- Operands ------------------------------------------------------------------------------------------------------
 */

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

/* ---- The oracle ----------------------------------------------------------------------------------------------------
 */

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

static bool integers(const struct question *q, struct answer *r)
{
    const wide a = q->x[0], b = q->x[1], c = q->x[2];
    const int width = q->width;
    const unsigned by = (unsigned)wrap(a, 31) % (unsigned)width, by_b = (unsigned)wrap(b, 31) % (unsigned)width;
    wide v;
    if (is(q, "add add_nc add_co"))
        v = a + b;
    else if (is(q, "sub sub_nc sub_co"))
        v = a - b;
    else if (is(q, "subrev subrev_nc subrev_co"))
        v = b - a;
    else if (is(q, "add_co_ci addc_co addc"))
        v = a + b + (q->row->src[2] ? (q->s[2] & 1) : q->scc);
    else if (is(q, "sub_co_ci subb_co subb"))
        v = a - b - (q->row->src[2] ? (q->s[2] & 1) : q->scc);
    else if (is(q, "subrev_co_ci subbrev_co"))
        v = b - a - (wide)(q->s[2] & 1);
    else if (is(q, "mul_lo mul"))
        v = product(a, b);
    else if (is(q, "mul_hi"))
        v = product(a, b) >> width;
    else if (is(q, "mad mad_legacy"))
        v = product(a, b) + c;
    else if (is(q, "min"))
        v = least(a, b);
    else if (is(q, "max"))
        v = most(a, b);
    else if (is(q, "min3"))
        v = least(a, least(b, c));
    else if (is(q, "max3"))
        v = most(a, most(b, c));
    else if (is(q, "med3"))
        v = middle(a, b, c);
    else if (is(q, "minmax"))
        v = most(least(a, b), c);
    else if (is(q, "maxmin"))
        v = least(most(a, b), c);
    else if (is(q, "and"))
        v = a & b;
    else if (is(q, "or"))
        v = a | b;
    else if (is(q, "xor"))
        v = (a | b) - (a & b);
    else if (is(q, "xnor"))
        v = ~((a | b) - (a & b));
    else if (is(q, "nand"))
        v = ~(a & b);
    else if (is(q, "nor"))
        v = ~(a | b);
    else if (is(q, "andn2 and_not1"))
        v = a - (a & b);
    else if (is(q, "orn2 or_not1"))
        v = ~(b - (a & b));
    else if (is(q, "not"))
        v = -a - 1;
    else if (is(q, "mov movk"))
        v = a;
    else if (is(q, "cndmask"))
        v = q->s[2] & 1 ? b : a;
    else if (is(q, "cselect cmov"))
        v = q->scc ? a : b;
    else if (is(q, "lshlrev"))
        v = b * ((wide)1 << by);
    else if (is(q, "lshrrev ashrrev"))
        v = b >> by;
    else if (is(q, "lshl"))
        v = a * ((wide)1 << by_b);
    else if (is(q, "lshr ashr"))
        v = a >> by_b;
    else if (is(q, "lshl_or"))
        v = wrap(a * ((wide)1 << by_b), 32) | c;
    else if (is(q, "lshl1_add lshl2_add lshl3_add lshl4_add"))
        v = a * (1 << (q->op[4] - '0')) + b;
    else if (is(q, "add3"))
        v = a + b + c;
    else if (is(q, "add_lshl"))
        v = (a + b) * ((wide)1 << wrap(c, 5));
    else if (is(q, "and_or"))
        v = (a & b) | c;
    else if (is(q, "or3"))
        v = a | b | c;
    else if (is(q, "xor3"))
        v = a ^ b ^ c;
    else
        return false;
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
    if (is(q, "add"))
        v = a + b;
    else if (is(q, "sub"))
        v = a - b;
    else if (is(q, "subrev"))
        v = b - a;
    else if (is(q, "mul"))
        v = a * b;
    else if (is(q, "mul_legacy mul_dx9_zero"))
        v = zero ? 0 : a * b;
    else if (is(q, "mad mac madmk madak mad_legacy mac_legacy"))
        v = twice_rounded(q, type);
    else if (is(q, "min min_num"))
        v = lesser(a, b);
    else if (is(q, "max max_num"))
        v = greater(a, b);
    else if (is(q, "minimum"))
        v = lesser_or_nan(a, b);
    else if (is(q, "maximum"))
        v = greater_or_nan(a, b);
    else if (is(q, "min3 min3_num"))
        v = lesser(lesser(a, b), c);
    else if (is(q, "max3 max3_num"))
        v = greater(greater(a, b), c);
    else if (is(q, "minmax minmax_num"))
        v = greater(lesser(a, b), c);
    else if (is(q, "maxmin maxmin_num"))
        v = lesser(greater(a, b), c);
    else if (is(q, "minimum3"))
        v = lesser_or_nan(lesser_or_nan(a, b), c);
    else if (is(q, "maximum3"))
        v = greater_or_nan(greater_or_nan(a, b), c);
    else if (is(q, "minimummaximum"))
        v = greater_or_nan(lesser_or_nan(a, b), c);
    else if (is(q, "maximumminimum"))
        v = lesser_or_nan(greater_or_nan(a, b), c);
    else if (is(q, "med3 med3_num"))
        v = isnan(a) || isnan(b) || isnan(c) ? lesser(lesser(a, b), c)
                                             : lesser(greater(a, b), greater(lesser(a, b), c));
    else if (is(q, "floor"))
        v = floor(a);
    else if (is(q, "ceil"))
        v = ceil(a);
    else if (is(q, "trunc"))
        v = trunc(a);
    else if (is(q, "rndne"))
        v = nearbyint(a);
    else if (is(q, "fract") && type != ISA_T_F32) {
        const double below = type == ISA_T_F16 ? 1 - 0x1p-11 : 1 - 0x1p-53;
        v = real_of(rounded(a - floor(a), type), type);
        v = v > below ? below : v;
    } else if (is(q, "rcp rcp_iflag"))
        v = 1 / in;
    else if (is(q, "sqrt"))
        v = sqrt(in);
    else if (is(q, "rsq"))
        v = 1 / sqrt(in);
    else if (is(q, "exp exp_legacy"))
        v = exp2(in);
    else if (is(q, "log log_legacy"))
        v = log2(in);
    else if (is(q, "sin"))
        v = isinf(a) ? (double)NAN : sin(6.283185307179586476925 * (a - rint(a)));
    else if (is(q, "cos"))
        v = isinf(a) ? (double)NAN : cos(6.283185307179586476925 * (a - rint(a)));
    else
        return false;
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
    if (!strstr(row->name, "_cvt_") || strstr(row->name, "pk") || strstr(row->name, "norm") ||
        strstr(row->name, "off") || strstr(row->name, "ubyte") || strstr(row->name, "_hi_") || row->src[1])
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

/* ---- Asking --------------------------------------------------------------------------------------------------------
 */

/* "v_dual_add_nc_u32": op and the last word. */
static void take_apart(struct question *q)
{
    const char *name = q->row->name + 2;
    if (!strncmp(name, "dual_", 5))
        name += 5;
    if (!strncmp(name, "s_", 2))
        name += 2;
    const char *last = strrchr(name, '_');
    const size_t n = last ? (size_t)(last - name) : strlen(name);
    snprintf(q->op, sizeof q->op, "%.*s", (int)n, name);
    snprintf(q->type, sizeof q->type, "%s", last ? last + 1 : "");
    q->width = q->type[0] && q->type[1] ? atoi(q->type + 1) : 0;
    if (q->row->dst[0] && q->row->dst[0] != ISA_T_MASK && q->width < 32 && width_of(q->row->dst[0]) != q->width)
        q->width = 0; /* v_mul_i32_i24 and the like */
}

static bool ask(const struct question *q, struct answer *r)
{
    memset(r, 0, sizeof *r);
    const bool real = is_float(q->row->dst[0]) && is_float(q->row->src[0]);
    if (strstr(q->row->name, "_cmp"))
        return compares(q, r);
    if (real && q->type[0] == 'f' && reals(q, r))
        return true;
    if (q->width && q->type[0] != 'f' && !strstr(q->row->name, "cvt") && integers(q, r))
        return true;
    return conversions(q, r);
}

static void fill_question(struct question *q, const struct isa_row *row, uint64_t *seed)
{
    q->row = row;
    for (int k = 0; k < 4; k++) {
        const int type = row->src[k];
        q->s[k] = !type ? 0 : type == ISA_T_MASK ? draw(seed) & 1 : draw_value(seed, type);
        if (k && type && draw(seed) % 6 == 0 && type == row->src[0])
            q->s[k] = q->s[0];
        const int width = type && type != ISA_T_MASK ? width_of(type) : 64;
        const bool is_signed = type == ISA_T_I16 || type == ISA_T_I32 || type == ISA_T_I64;
        q->x[k] = is_signed && q->s[k] >> (width - 1) & 1 ? (wide)q->s[k] - ((wide)1 << width) : (wide)q->s[k];
        q->r[k] = is_float(type) ? real_of(q->s[k], type) : 0;
    }
    q->scc = draw(seed) & 1;
}

/* Is it a case of the other test? */
static bool named_elsewhere(const char *name)
{
    static char *text;
    if (!text) {
        FILE *f = fopen("tests/isa/isa_alu.c", "rb");
        assert_non_null(f);
        text = calloc(1, 1 << 17);
        assert_non_null(text);
        assert_true(fread(text, 1, (1 << 17) - 1, f) > 0);
        fclose(f);
    }
    const size_t n = strlen(name);
    for (const char *at = text; (at = strstr(at, name)); at += n)
        if (at[-1] == '"' &&
            (at[n] == ' ' || at[n] == '"' || !strncmp(at + n, "_e", 2) || !strncmp(at + n, "_sdwa", 5)))
            return true;
    return false;
}

static bool same(uint64_t is, const struct answer *r, int type)
{
    if (is_float(type) && isnan(real_of(r->bits, type)))
        return isnan(real_of(is, type));
    const int64_t apart = (int64_t)(is - r->bits);
    const double small = type == ISA_T_F16 ? 0x1p-13 : 0x1p-28; /* sine and cosine near 0 */
    return is == r->bits ||
           (r->near && (llabs(apart) <= 1 || fabs(real_of(is, type) - real_of(r->bits, type)) < small));
}

static void set_operand(struct isa_wave *w, struct isa_operand *o, int type, bool scalar, int reg, uint64_t value)
{
    o->place = scalar || type == ISA_T_MASK ? ISA_P_SCALAR : ISA_P_VECTOR;
    o->reg = (uint16_t)reg;
    for (int word = 0; word < 2; word++)
        for (int l = 0; l < ISA_LANES; l++)
            w->v[reg + word][l] = (uint32_t)(value >> 32 * word);
    if (type == ISA_T_MASK)
        value = value ? UINT64_MAX : 0;
    w->s[reg] = (uint32_t)value, w->s[reg + 1] = (uint32_t)(value >> 32);
}

static bool try_row(struct isa_wave *w, const struct isa_row *row, uint64_t *seed)
{
    const bool scalar = row->class == ISA_CLASS_SCALAR || !strncmp(row->name, "v_s_", 4);
    struct question q = { .row = row };
    take_apart(&q);
    for (int round = 0; round < ROUNDS; round++) {
        struct isa_instr i = { .row = row };
        struct answer r;
        fill_question(&q, row, seed);
        const bool immediate = scalar && strstr(row->name, "k_") && !strstr(row->name, "pk_");
        if (immediate) { /* SOPK */
            i.immediate = draw(seed) & 0xffff;
            const int at = row->src[0] ? 1 : 0;
            q.x[at] = strstr(row->name, "_u32") ? (wide)i.immediate : (int16_t)i.immediate;
            q.s[at] = (uint64_t)q.x[at];
            char *k = strstr(q.op, "k");
            if (k && !strstr(q.op, "mov"))
                memmove(k, k + 1, strlen(k));
        }
        if (!ask(&q, &r))
            return false;
        isa_set_scalar(w, ISA_EXEC, 2, UINT64_MAX);
        for (int k = 0; k < 4 && row->src[k]; k++)
            set_operand(w, &i.src[k], row->src[k], scalar, 2 * k, q.s[k]);
        for (int k = 0; k < 2 && row->dst[k]; k++)
            set_operand(w, &i.dst[k], row->dst[k], scalar, DST + 2 * k, 0);
        w->s[ISA_SCC] = (uint32_t)q.scc;
        assert_int_equal(row->run(w, &i), ISA_GO);
        const int type = row->dst[0];
        const uint32_t *at[2] = { scalar ? &w->s[DST] : &w->v[DST][63], scalar ? &w->s[DST + 1] : &w->v[DST + 1][63] };
        const uint64_t is = *at[0] | (width_of(type) == 64 ? (uint64_t)*at[1] << 32 : 0);
        const bool good = !type || type == ISA_T_MASK || same(is, &r, type);
        const uint64_t carry = scalar ? w->s[ISA_SCC] : type == ISA_T_MASK ? isa_s64(w, DST) : isa_s64(w, DST + 2);
        const bool carry_good = !r.has_carry ||
                                carry == (scalar    ? r.carry
                                          : r.carry ? UINT64_MAX
                                                    : 0) ||
                                (row->flags & ISA_WRITES_EXEC && w->exec == (r.carry ? UINT64_MAX : 0));
        if (!good || !carry_good)
            fail_msg("%s of %llx %llx %llx %llx, scc %d: %llx, carry %llx; not %llx, %llx", row->name,
                     (unsigned long long)q.s[0], (unsigned long long)q.s[1], (unsigned long long)q.s[2],
                     (unsigned long long)q.s[3], (int)q.scc, (unsigned long long)is, (unsigned long long)carry,
                     (unsigned long long)r.bits, (unsigned long long)r.carry);
    }
    return true;
}

/* s_X_saveexec, s_X_wrexec: X of the source and EXEC, which becomes that */
static bool saves_exec(const struct question *q, uint64_t exec, uint64_t *now)
{
    const char *end = strstr(q->op, "_saveexec") ? strstr(q->op, "_saveexec") : strstr(q->op, "_wrexec");
    if (!end)
        return false;
    const uint64_t a = q->s[0], all = q->width == 64 ? UINT64_MAX : UINT32_MAX;
    const size_t n = (size_t)(end - q->op);
    static const char *const ops[] = { "and",   "or",       "xor",  "andn2",   "and_not1", "orn2", "or_not1",
                                       "andn1", "and_not0", "orn1", "or_not0", "nand",     "nor",  "xnor" };
    const uint64_t is[] = { a & exec,  a | exec,  a ^ exec,  a & ~exec, a & ~exec,   a | ~exec,   a | ~exec,
                            ~a & exec, ~a & exec, ~a | exec, ~a | exec, ~(a & exec), ~(a | exec), ~(a ^ exec) };
    for (size_t k = 0; k < sizeof ops / sizeof *ops; k++)
        if (strlen(ops[k]) == n && !strncmp(ops[k], q->op, n)) {
            *now = (is[k] & all) | (exec & ~all);
            return true;
        }
    return false;
}

static bool try_exec(struct isa_wave *w, const struct isa_row *row, uint64_t *seed)
{
    struct question q = { .row = row };
    take_apart(&q);
    for (int round = 0; round < ROUNDS; round++) {
        struct isa_instr i = { .row = row };
        const uint64_t exec = draw_value(seed, ISA_T_B64);
        uint64_t now = 0;
        fill_question(&q, row, seed);
        if (!saves_exec(&q, exec, &now))
            return false;
        isa_set_scalar(w, ISA_EXEC, 2, exec);
        set_operand(w, &i.src[0], row->src[0], true, 0, q.s[0]);
        set_operand(w, &i.dst[0], row->dst[0], true, DST, 0);
        assert_int_equal(row->run(w, &i), ISA_GO);
        const uint64_t all = q.width == 64 ? UINT64_MAX : UINT32_MAX;
        const uint64_t result = (strstr(row->name, "_wrexec") ? now : exec) & all;
        if (w->exec != now || (isa_s64(w, DST) & all) != result || w->s[ISA_SCC] != ((now & all) != 0))
            fail_msg("%s of %llx, EXEC %llx: %llx, EXEC %llx", row->name, (unsigned long long)q.s[0],
                     (unsigned long long)exec, (unsigned long long)isa_s64(w, DST), (unsigned long long)w->exec);
    }
    return true;
}

static void test_rows(void **state)
{
    (void)state;
    const struct isa_row_set *const sets[] = { &isa_rows_vector, &isa_rows_compare, &isa_rows_scalar };
    struct isa_wave *w = new_wave("gfx90a", 64);
    uint64_t seed = 11;
    size_t judged = 0, elsewhere = 0, nowhere = 0;
    for (int k = 0; k < 3; k++) {
        for (size_t n = 0; n < sets[k]->count; n++) {
            const struct isa_row *row = &sets[k]->row[n];
            if (try_row(w, row, &seed) || try_exec(w, row, &seed))
                judged++;
            else if (named_elsewhere(row->name))
                elsewhere++;
            else
                nowhere++, print_message("no test has %s\n", row->name);
        }
    }
    print_message("%zu rows judged by their names, %zu by cases\n", judged, elsewhere);
    free(w);
    assert_int_equal(nowhere, 0);
}

/* The lane functions for any processor and those for AVX2 give the same bits (a NaN is a NaN). */
static void test_levels(void **state)
{
    (void)state;
    static isa_lanes *const *const level[2][ISA_LANE_SET_COUNT] = {
#define X(SET, set, rows) isa_lanes_##set##_base,
        { ISA_LANE_SETS(X) },
#undef X
#define X(SET, set, rows) isa_lanes_##set##_v3,
        { ISA_LANE_SETS(X) },
#undef X
    };
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("f16c") ||
        !__builtin_cpu_supports("bmi2"))
        skip();
    const struct isa_row_set *const sets[] = { &isa_rows_vector, &isa_rows_compare };
    static uint32_t source[4][2][ISA_LANES], result[2][3][ISA_LANES];
    uint64_t seed = 3;
    for (int k = 0; k < 2; k++) {
        for (size_t n = 0; n < sets[k]->count; n++) {
            const struct isa_row *row = &sets[k]->row[n];
            if (!strncmp(row->name, "v_swap", 6))
                continue;
            struct isa_vector x = { .lanes = 64, .ieee = draw(&seed) & 1, .clamp = draw(&seed) & 1, .table = 0xd8 };
            for (int at = 0; at < 4; at++) {
                for (int l = 0; l < ISA_LANES; l++) {
                    const int type = row->src[at] && row->src[at] != ISA_T_MASK ? row->src[at] : ISA_T_B32;
                    const uint64_t u = draw_value(&seed, type);
                    source[at][0][l] = (uint32_t)u, source[at][1][l] = (uint32_t)(u >> 32);
                }
                x.s[at][0] = source[at][0], x.s[at][1] = source[at][1];
            }
            for (int at = 0; at < 2; at++) {
                x.d[0] = result[at][0], x.d[1] = result[at][1], x.carry = result[at][2];
                memset(result[at], 0, sizeof result[at]);
                level[at][row->op.number >> 16][row->op.number & 0xffff](&x);
            }
            for (int l = 0; l < ISA_LANES; l++) {
                const uint64_t a = result[0][0][l] | (uint64_t)result[0][1][l] << 32;
                const struct answer r = { .bits = result[1][0][l] | (uint64_t)result[1][1][l] << 32 };
                if (!same(a, &r, row->dst[0]) || result[0][2][l] != result[1][2][l])
                    fail_msg("%s: %llx here, %llx there", row->name, (unsigned long long)a, (unsigned long long)r.bits);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_levels) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
