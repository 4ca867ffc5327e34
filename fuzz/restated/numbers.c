/* numbers.c: floats as text, by the C library: strtof of decimals and printf round correctly, and no locale is set. See
 * restated.h.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/restated/say.h"
#include "planner/random.h"

enum { TEXT_MAX = 512 };

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Bits of a float: any, or near an end of its exponent's range or of the fraction's. */
static uint32_t draw_bits(uint64_t *state)
{
    static const uint32_t fractions[] = { 0, 1, 2, 3, 0x3fffff, 0x400000, 0x7ffffe, 0x7fffff };
    static const uint32_t exponents[] = { 0, 1, 2, 23, 104, 117, 126, 127, 130, 150, 151, 156, 157, 253, 254, 255 };
    uint32_t bits = (uint32_t)attn_random(state);
    if (attn_random_below(state, 2))
        bits = (bits & 0xff800000) | fractions[attn_random_below(state, 8)];
    if (attn_random_below(state, 4) == 0)
        bits = (bits & 0x807fffff) | exponents[attn_random_below(state, 16)] << 23;
    if (attn_random_below(state, 8) == 0)
        bits &= 0x80000fff;
    return bits;
}

/* ---- Printing -------------------------------------------------------------------------------------------- */

/* A positive number's digits and the exponent of the first one. */
struct decimal {
    int64_t digits;
    int n, exponent;
};

static struct decimal rounded(float value, int n)
{
    char text[40], *end;
    struct decimal d = { 0, n, 0 };
    snprintf(text, sizeof text, "%.*e", n - 1, (double)value);
    d.digits = text[0] - '0';
    for (end = text + 1; *end != 'e'; end++)
        if (*end != '.')
            d.digits = d.digits * 10 + (*end - '0');
    d.exponent = atoi(end + 1);
    return d;
}

static bool reads_back(const struct decimal *d, float value)
{
    char text[40];
    snprintf(text, sizeof text, "%llde%d", (long long)d->digits, d->exponent - d->n + 1);
    return bits_of(strtof(text, NULL)) == bits_of(value);
}

/* The nearest decimal of the fewest digits that reads back. Where the float below is half as far as the one above, one
 * that is not the nearest may do. */
static struct decimal shortest(float value)
{
    for (int n = 1;; n++) {
        struct decimal d = rounded(value, n);
        if (n == 9 || reads_back(&d, value))
            return d;
        struct decimal up = d;
        up.digits++;
        if (bits_of(value) << 9 == 0 && reads_back(&up, value))
            return up;
    }
}

/* As attn_float_print is to print it. */
static void expected_text(float value, char text[40])
{
    size_t at = signbit(value) ? 1 : 0;
    char digits[24];
    if (value != value) {
        snprintf(text, 40, "nan");
        return;
    }
    text[0] = '-';
    value = fabsf(value);
    if (isinf(value) || value == 0) {
        snprintf(text + at, 40 - at, "%s", value == 0 ? "0" : "inf");
        return;
    }
    const struct decimal d = shortest(value);
    const int n = snprintf(digits, sizeof digits, "%lld", (long long)d.digits), x = d.exponent;
    if (x < -5 || x >= 9)
        snprintf(text + at, 40 - at, "%.1s%s%se%d", digits, n > 1 ? "." : "", digits + 1, x);
    else if (x < 0)
        snprintf(text + at, 40 - at, "0.%.*s%s", -x - 1, "0000", digits);
    else if (n <= x + 1)
        snprintf(text + at, 40 - at, "%s%.*s", digits, x + 1 - n, "00000000");
    else
        snprintf(text + at, 40 - at, "%.*s.%s", x + 1, digits, digits + x + 1);
}

static bool check_print(const struct attn_restated *said, uint64_t *state, struct attn_restated_fault *fault)
{
    char want[40], got[40], cut[40];
    const float value = float_of(draw_bits(state));
    const size_t cap = attn_random_below(state, 20);
    expected_text(value, want);
    const size_t length = said->float_print(value, got, sizeof got);
    if (length != strlen(want) || strcmp(want, got) != 0)
        return attn_differs(fault, "the float %08x is printed as '%s', not '%s'", bits_of(value), got, want);
    memset(cut, 'x', sizeof cut);
    const size_t kept = length < cap ? length : cap ? cap - 1 : 0;
    if (said->float_print(value, cut, cap) != length || memcmp(cut, want, kept) != 0 || (cap && cut[kept] != 0) ||
        cut[cap] != 'x')
        return attn_differs(fault, "the float %s is printed wrong into %zu bytes", want, cap);
    return true;
}

/* ---- Reading --------------------------------------------------------------------------------------------- */

struct draft {
    char text[TEXT_MAX];
    size_t n;
    uint64_t *state;
};

static size_t below(struct draft *d, size_t n) { return (size_t)attn_random_below(d->state, n); }

__attribute__((format(printf, 2, 3))) static void add(struct draft *d, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(d->text + d->n, sizeof d->text - d->n, format, args);
    va_end(args);
    d->n = d->n + (size_t)n < sizeof d->text ? d->n + (size_t)n : sizeof d->text - 1;
}

static void add_sign(struct draft *d)
{
    static const char *const signs[] = { "", "", "-", "+" };
    add(d, "%s", signs[below(d, 4)]);
}

/* Digits of a base with a point somewhere, or none; now and then many, and zeros before or behind. */
static void add_digits(struct draft *d, bool hex)
{
    static const char all[] = "0123456789abcdefABCDEF";
    const size_t n = below(d, 4) ? below(d, 12) : below(d, 180), point = below(d, 4) ? below(d, n + 4) : n + 4;
    const size_t zeros = below(d, 4) ? 0 : below(d, 60), trailing = below(d, 4) ? n : below(d, n + 1);
    for (size_t i = 0; i < zeros; i++)
        add(d, "%s", i == point ? ".0" : "0");
    for (size_t i = 0; i < n; i++) {
        if (i == point && zeros <= point)
            add(d, ".");
        add(d, "%c", i >= trailing ? '0' : all[below(d, hex ? 22 : 10)]);
    }
}

static void add_exponent(struct draft *d, bool hex)
{
    static const char *const ends[] = { "",
                                        "-",
                                        "+",
                                        "x",
                                        "99999999999999999999",
                                        "-99999999999999999999",
                                        "100000000000000000",
                                        "00000000000000000000007" };
    if (below(d, 3) == 0)
        return;
    add(d, "%c", (hex ? "pP" : "eE")[below(d, 2)]);
    if (below(d, 12) == 0) {
        add(d, "%s", ends[below(d, 8)]);
        return;
    }
    add_sign(d);
    add(d, "%zu", below(d, hex ? 200 : 60));
}

/* Exactly between two floats, or one digit to either side of that; or a float itself, all of its digits. */
static void add_halfway(struct draft *d)
{
    const uint32_t bits = draw_bits(d->state) & 0x7fffffff;
    if (bits >= 0x7f800000) { /* between the largest float and 2^128 */
        add(d, "%s", below(d, 2) ? "340282356779733661637539395458142568447" : "0x1.ffffffp127");
        return;
    }
    double value = (double)float_of(bits), next = bits == 0x7f7fffff ? 0x1p128 : (double)float_of(bits + 1);
    if (below(d, 4))
        value = (value + next) / 2; /* exact: one bit more */
    if (below(d, 4) == 0) {
        add(d, "%a", value);
        return;
    }
    const int digits = below(d, 2) ? 112 + (int)below(d, 20) : (int)below(d, 30); /* 112 behind the point are all */
    add(d, "%.*e", digits, value);
    char *e = strchr(d->text, 'e');
    if (e && below(d, 2)) { /* more digits, mostly zeros */
        char tail[24];
        snprintf(tail, sizeof tail, "%s", e);
        d->n = (size_t)(e - d->text);
        for (size_t zeros = below(d, 3) ? 0 : below(d, 40); zeros; zeros--)
            add(d, "0");
        add(d, "%zu%s", below(d, 10), tail);
    }
}

static void draw_text(struct draft *d)
{
    static const char *const words[] = { "inf", "infinity",  "INF", "Infinity", "nan", "NaN", "infinit", "in",
                                         "na",  "infinityx", "0x",  "0x.",      "0xg", "0x1", "0X1p",    "0x.8",
                                         ".",   "-",         "",    "e5",       ".e5", "1e",  "1e+",     "-0" };
    static const char salad[] = "0123456789.eE+-xXpPaAfFiInNtTyYgG/:@`[{";
    switch (below(d, 6)) {
    case 0:
        add_sign(d);
        add_digits(d, false);
        add_exponent(d, false);
        return;
    case 1:
        add_sign(d);
        add(d, "0%c", "xX"[below(d, 2)]);
        add_digits(d, true);
        add_exponent(d, true);
        return;
    case 2:
    case 3:
        add_sign(d);
        add_halfway(d);
        return;
    case 4:
        add_sign(d);
        add(d, "%s%s", words[below(d, 24)], below(d, 2) ? "" : "z");
        return;
    default:
        for (size_t n = below(d, 12); n; n--)
            add(d, "%c", salad[below(d, sizeof salad - 1)]);
    }
}

/* The float nearest to m * 2^e, ties to even. */
static float nearest(uint64_t m, int64_t e)
{
    int64_t length = 0;
    while (length < 64 && m >> length)
        length++;
    const int64_t top = length - 1 + e, unit = top - 23 > -149 ? top - 23 : -149, less = unit - e;
    if (m == 0 || less > length || top > 200)
        return m && top > 0 ? INFINITY : 0.0f;
    if (less <= 0)
        return ldexpf((float)m, (int)e); /* of 24 bits at most */
    uint64_t kept = less == 64 ? 0 : m >> less;
    const uint64_t half = UINT64_C(1) << (less - 1), rest = m - (less == 64 ? 0 : kept << less);
    kept += rest > half || (rest == half && kept % 2);
    return ldexpf((float)kept, (int)unit);
}

/* A hexadecimal number that strtof reads all of. glibc 2.36 does not round it right where it is subnormal: it reads
 * 0x33e3a06p-152, which is 0x67c740.c units, as 0x67c740. */
static float hexadecimal(const char *text)
{
    const bool negative = text[0] == '-';
    bool point = false;
    uint64_t m = 0;
    int64_t e = 0;
    for (text += strcspn(text, "xX") + 1; *text && !strchr("pP", *text); text++) {
        if (*text == '.') {
            point = true;
            continue;
        }
        const char digit[] = { *text, 0 };
        const uint64_t value = strtoul(digit, NULL, 16);
        if (m >> 56) { /* the rest says only whether there is one */
            m |= value != 0;
            e += 4;
        } else {
            m = m << 4 | value;
        }
        e -= point ? 4 : 0;
    }
    if (*text) {
        const double exponent = strtod(text + 1, NULL); /* however long */
        e += exponent > 1e6 ? 1000000 : exponent < -1e6 ? -1000000 : (int64_t)exponent;
    }
    const float value = nearest(m, e);
    return negative ? -value : value;
}

/* strtof sees a terminated copy, the function exactly its bytes: what lies behind them is a digit. */
static bool check_parse(const struct attn_restated *said, uint64_t *state, struct attn_restated_fault *fault)
{
    struct draft d = { .n = 0, .state = state };
    char *end;
    d.text[0] = 0;
    draw_text(&d);
    if (below(&d, 8) == 0)
        d.n = below(&d, d.n + 1);
    d.text[d.n] = 0;
    float want = strtof(d.text, &end);
    const size_t read = (size_t)(end - d.text), zero = strcspn(d.text, "xX");
    if (zero < read) {
        const char behind = d.text[read];
        d.text[read] = 0;
        want = hexadecimal(d.text);
        d.text[read] = behind;
    }
    d.text[d.n] = "7fy"[below(&d, 3)];
    float got = 0;
    const size_t used = said->float_parse(d.text, d.n, &got);
    d.text[d.n] = 0;
    if (used != read || (used && bits_of(got) != bits_of(want) && !(got != got && want != want)))
        return attn_differs(fault, "of '%s' %zu bytes are read as %08x; strtof: %zu as %08x", d.text, used,
                            bits_of(got), read, bits_of(want));
    return true;
}

bool attn_restate_number(const struct attn_restated *said, uint64_t seed, struct attn_restated_fault *fault)
{
    return check_print(said, &seed, fault) && check_parse(said, &seed, fault) && check_parse(said, &seed, fault);
}
