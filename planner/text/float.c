/* float.c: float32 to the shortest decimal that reads back to the same bits, and text to the nearest float32.
 * Both are exact: they compare integers of a few hundred bits. No locale, no libc.
 *
 * Printing follows Burger and Dybvig, "Printing Floating-Point Numbers Quickly and Accurately" (PLDI 1996), the
 * free-format algorithm. Reading keeps as many digits as can matter and divides bit by bit.
 * Part of planner.c.
 *
 * SPDX-License-Identifier: MIT */

/* ---- Unsigned integers of up to 768 bits ------------------------------------------------------------ */

/* The largest value that arises is the reader's divisor, shifted by 25 bits for the division: below 2^580 for
 * decimal digits (10^(BIG_DIGITS + 46)), below 2^664 for hexadecimal ones (2^(4 * (BIG_DIGITS + 1) + 150)). The
 * printer's values stay below 2^300. */
enum { BIG_LIMBS = 24, BIG_DIGITS = 120 };

struct big {
    int n; /* limbs in use; the highest is not 0 */
    uint32_t limb[BIG_LIMBS];
};

static void big_set(struct big *x, uint32_t value)
{
    x->n = value != 0;
    x->limb[0] = value;
}

/* x = x * factor + addend */
static void big_mul_add(struct big *x, uint32_t factor, uint32_t addend)
{
    uint64_t carry = addend;
    for (int i = 0; i < x->n; i++) {
        carry += (uint64_t)x->limb[i] * factor;
        x->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry)
        x->limb[x->n++] = (uint32_t)carry;
}

static void big_mul_pow10(struct big *x, int64_t power)
{
    for (; power >= 9; power -= 9)
        big_mul_add(x, 1000000000u, 0);
    for (; power > 0; power--)
        big_mul_add(x, 10, 0);
}

static void big_shift_left(struct big *x, int64_t bits)
{
    if (x->n == 0)
        return;
    int limbs = (int)(bits / 32);
    if (limbs) {
        for (int i = x->n - 1; i >= 0; i--)
            x->limb[i + limbs] = x->limb[i];
        for (int i = 0; i < limbs; i++)
            x->limb[i] = 0;
        x->n += limbs;
    }
    if (bits % 32)
        big_mul_add(x, (uint32_t)1 << (bits % 32), 0);
}

static void big_halve(struct big *x)
{
    for (int i = 0; i < x->n; i++) {
        uint32_t above = i + 1 < x->n ? x->limb[i + 1] : 0;
        x->limb[i] = x->limb[i] >> 1 | above << 31;
    }
    if (x->n && x->limb[x->n - 1] == 0)
        x->n--;
}

static int big_compare(const struct big *x, const struct big *y)
{
    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    for (int i = x->n - 1; i >= 0; i--)
        if (x->limb[i] != y->limb[i])
            return x->limb[i] < y->limb[i] ? -1 : 1;
    return 0;
}

/* Compares x + y with z. */
static int big_compare_sum(const struct big *x, const struct big *y, const struct big *z)
{
    struct big sum;
    uint64_t carry = 0;
    int n = x->n > y->n ? x->n : y->n;
    for (int i = 0; i < n; i++) {
        carry += (uint64_t)(i < x->n ? x->limb[i] : 0) + (i < y->n ? y->limb[i] : 0);
        sum.limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    sum.n = n;
    if (carry)
        sum.limb[sum.n++] = (uint32_t)carry;
    return big_compare(&sum, z);
}

/* x -= y, for x >= y */
static void big_subtract(struct big *x, const struct big *y)
{
    uint32_t borrow = 0;
    for (int i = 0; i < x->n; i++) {
        uint64_t take = (uint64_t)(i < y->n ? y->limb[i] : 0) + borrow;
        borrow = x->limb[i] < take;
        x->limb[i] = (uint32_t)(x->limb[i] - take);
    }
    while (x->n && x->limb[x->n - 1] == 0)
        x->n--;
}

static int big_bits(const struct big *x)
{
    if (x->n == 0)
        return 0;
    int bits = 32 * (x->n - 1);
    for (uint32_t top = x->limb[x->n - 1]; top; top >>= 1)
        bits++;
    return bits;
}

/* ---- Printing ---------------------------------------------------------------------------------------- */

enum { FLOAT_DIGITS_MAX = 9 }; /* nine significant digits tell any two float32 apart */

/* The shortest digits d1 d2 ... dn with 0.d1d2...dn * 10^*point closest to the finite, positive float of these bits
 * among all that read back to it. Returns n. */
static int float_shortest(uint32_t bits, char digits[FLOAT_DIGITS_MAX], int *point)
{
    uint32_t fraction = bits & 0x7fffff;
    int biased = (int)(bits >> 23 & 0xff);
    uint32_t m = biased ? fraction | 0x800000 : fraction; /* value = m * 2^e */
    int e = (biased ? biased : 1) - 150;
    bool even = m % 2 == 0;                        /* then a tie reads back to it: the bounds themselves will do */
    bool uneven_gap = fraction == 0 && biased > 1; /* the float below is half as far as the one above */

    /* value = r / s; half the gaps above and below are up / s and down / s. */
    struct big r, s, up, down;
    big_set(&r, m);
    big_set(&s, 1);
    big_set(&up, 1);
    big_set(&down, 1);
    int twice = uneven_gap ? 2 : 1;
    big_shift_left(&r, (e > 0 ? e : 0) + twice);
    big_shift_left(&s, (e < 0 ? -e : 0) + twice);
    big_shift_left(&up, (e > 0 ? e : 0) + twice - 1);
    big_shift_left(&down, e > 0 ? e : 0);

    int log2 = e - 1;
    for (uint32_t top = m; top; top >>= 1)
        log2++;
    /* The power of ten above the value: 1 + floor(log10(2) * log2), or one more than that. */
    int k = ((100 * 4096 + log2 * 1233) >> 12) - 99;
    if (k >= 0) {
        big_mul_pow10(&s, k);
    } else {
        big_mul_pow10(&r, -k);
        big_mul_pow10(&up, -k);
        big_mul_pow10(&down, -k);
    }
    int top = big_compare_sum(&r, &up, &s);
    if (top > 0 || (top == 0 && even)) {
        k++;
    } else {
        big_mul_add(&r, 10, 0);
        big_mul_add(&up, 10, 0);
        big_mul_add(&down, 10, 0);
    }
    *point = k;

    for (int n = 0;;) {
        int digit = 0;
        for (; big_compare(&r, &s) >= 0; digit++)
            big_subtract(&r, &s);
        int low = big_compare(&r, &down);
        int high = big_compare_sum(&r, &up, &s);
        bool stop_low = low < 0 || (low == 0 && even);    /* the digits so far read back */
        bool stop_high = high > 0 || (high == 0 && even); /* they do with the last one raised */
        if (stop_low || stop_high) {
            int half = big_compare_sum(&r, &r, &s); /* of two as near the even digit, as printf has it */
            bool raise = stop_high && (!stop_low || half > 0 || (half == 0 && digit % 2));
            digits[n++] = (char)('0' + digit + raise);
            return n;
        }
        digits[n++] = (char)('0' + digit);
        big_mul_add(&r, 10, 0);
        big_mul_add(&up, 10, 0);
        big_mul_add(&down, 10, 0);
    }
}

static void text_float(struct text *t, float value)
{
    uint32_t bits = attn_float_bits(value);
    if ((bits & 0x7fffffff) > 0x7f800000) {
        text_put(t, "nan");
        return;
    }
    if (bits >> 31)
        text_char(t, '-');
    bits &= 0x7fffffff;
    if (bits == 0x7f800000) {
        text_put(t, "inf");
        return;
    }
    if (bits == 0) {
        text_char(t, '0');
        return;
    }
    char digits[FLOAT_DIGITS_MAX];
    int point;
    int n = float_shortest(bits, digits, &point);
    if (point > FLOAT_DIGITS_MAX || point < -4) { /* d.ddde-7 */
        for (int i = 0; i < n; i++) {
            if (i == 1)
                text_char(t, '.');
            text_char(t, digits[i]);
        }
        text_char(t, 'e');
        text_i64(t, point - 1);
        return;
    }
    if (point <= 0)
        text_put(t, "0.");
    for (int i = point; i < 0; i++)
        text_char(t, '0');
    for (int i = 0; i < n || i < point; i++) {
        if (i == point && i > 0)
            text_char(t, '.');
        text_char(t, i < n ? digits[i] : '0');
    }
}

size_t attn_float_print(float value, char *text, size_t cap)
{
    struct text t = { text, cap, 0 };
    text_float(&t, value);
    return text_end(&t);
}

/* ---- Reading ----------------------------------------------------------------------------------------- */

/* The float nearest to num / den, ties to even; num is not 0. *den is used up. */
static uint32_t float_nearest(struct big *num, struct big *den)
{
    int log2 = big_bits(num) - big_bits(den);      /* of the quotient, or one above it */
    int lsb = log2 - 24 > -149 ? log2 - 24 : -149; /* the quotient is below 2^(log2 + 1): 25 bits hold it */
    big_shift_left(num, lsb < 0 ? -lsb : 0);
    big_shift_left(den, lsb > 0 ? lsb : 0);
    uint32_t q = 0;
    big_shift_left(den, 25);
    for (int bit = 24; bit >= 0; bit--) {
        big_halve(den);
        q <<= 1;
        if (big_compare(num, den) >= 0) {
            big_subtract(num, den);
            q |= 1;
        }
    }
    bool exact = num->n == 0;
    int half = big_compare_sum(num, num, den); /* the rest against half a unit of q */
    if (q >> 24) {                             /* one bit more than fits: the last one is the half */
        half = (q & 1) == 0 ? -1 : exact ? 0 : 1;
        q >>= 1;
        lsb++;
    }
    if (half > 0 || (half == 0 && q & 1))
        q++;
    /* q may be 2^24 now. With the exponent's field added, a carry out of the fraction goes where it should. */
    if (q < 0x800000)
        return q; /* subnormal, and lsb is -149 */
    int64_t biased = (int64_t)lsb + 149;
    if (biased >= 254)
        return 0x7f800000;
    uint32_t bits = ((uint32_t)biased << 23) + q;
    return bits < 0x7f800000 ? bits : 0x7f800000;
}

static int text_lower(char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c; }

static int hex_value(char c)
{
    int lower = text_lower(c);
    if (lower >= '0' && lower <= '9')
        return lower - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool text_has_word(const char *text, size_t len, const char *word)
{
    for (size_t i = 0; word[i]; i++)
        if (i >= len || text_lower(text[i]) != word[i])
            return false;
    return true;
}

/* An exponent part after its letter: [+-]digits. Saturates far outside of what a text of any length can balance.
 * Returns bytes read, 0 when there is none. */
static size_t exponent_parse(const char *text, size_t len, int64_t *exponent)
{
    const int64_t limit = 100000000000000000; /* more than any text has digits */
    size_t i = 0;
    bool negative = len > 0 && text[0] == '-';
    if (len > 0 && (text[0] == '-' || text[0] == '+'))
        i++;
    size_t first = i;
    int64_t value = 0;
    for (; i < len && text[i] >= '0' && text[i] <= '9'; i++)
        if (value < limit)
            value = value * 10 + (text[i] - '0');
    if (i == first)
        return 0;
    *exponent = negative ? -value : value;
    return i;
}

/* The digits of a number, decimal or hexadecimal, with at most one point. */
struct mantissa {
    struct big digits; /* the significant digits that can matter, as an integer */
    int64_t exponent;  /* in digits: value = digits * base^exponent */
    int64_t kept;      /* significant digits in `digits` */
    size_t used;       /* bytes; 0: there is no digit */
};

static void mantissa_parse(const char *text, size_t len, uint32_t base, struct mantissa *out)
{
    bool point = false, any = false, rest = false;
    size_t i = 0;
    big_set(&out->digits, 0);
    out->exponent = out->kept = 0;
    for (; i < len; i++) {
        if (text[i] == '.' && !point) {
            point = true;
            continue;
        }
        int digit = hex_value(text[i]);
        if (digit < 0 || (uint32_t)digit >= base)
            break;
        any = true;
        if (point)
            out->exponent--;
        if (digit == 0 && out->kept == 0)
            continue; /* leading zeros */
        if (out->kept < BIG_DIGITS) {
            big_mul_add(&out->digits, base, (uint32_t)digit);
            out->kept++;
        } else {
            out->exponent++;
            rest |= digit != 0;
        }
    }
    /* A halfway point between two float32 has at most 113 significant digits ((2 m + 1) * 5^150), so after the
     * digits kept all that matters of the others is whether they are all zero: one more digit says it. */
    if (rest) {
        big_mul_add(&out->digits, base, 1);
        out->exponent--;
        out->kept++;
    }
    out->used = any ? i : 0;
}

static uint32_t decimal_bits(struct mantissa *m, int64_t exponent)
{
    exponent += m->exponent;
    int64_t magnitude = exponent + m->kept; /* value < 10^magnitude, value >= 10^(magnitude - 1) */
    if (m->kept == 0 || magnitude < -45)
        return 0; /* below 10^-46 < 2^-150, half the least subnormal */
    if (magnitude > 40)
        return 0x7f800000;
    struct big den;
    big_set(&den, 1);
    if (exponent >= 0)
        big_mul_pow10(&m->digits, exponent);
    else
        big_mul_pow10(&den, -exponent);
    return float_nearest(&m->digits, &den);
}

static uint32_t hex_bits(struct mantissa *m, int64_t exponent)
{
    exponent += 4 * m->exponent;
    int64_t log2 = exponent + big_bits(&m->digits); /* value < 2^log2, value >= 2^(log2 - 1) */
    if (m->kept == 0 || log2 < -150)
        return 0;
    if (log2 > 129)
        return 0x7f800000;
    struct big den;
    big_set(&den, 1);
    if (exponent >= 0)
        big_shift_left(&m->digits, exponent);
    else
        big_shift_left(&den, -exponent);
    return float_nearest(&m->digits, &den);
}

/* Takes what C99's strtof takes, without leading space and without nan(...): the longest prefix that is a number. */
size_t attn_float_parse(const char *text, size_t len, float *value)
{
    size_t i = 0;
    uint32_t sign = 0, bits;
    if (len == 0)
        return 0;
    if (text[0] == '-' || text[0] == '+') {
        sign = text[0] == '-' ? 0x80000000u : 0;
        i = 1;
    }
    const char *rest = text + i;
    size_t left = len - i, used;
    if (text_has_word(rest, left, "inf")) {
        bits = 0x7f800000;
        used = text_has_word(rest, left, "infinity") ? 8 : 3;
    } else if (text_has_word(rest, left, "nan")) {
        bits = 0x7fc00000;
        used = 3;
    } else {
        struct mantissa m;
        m.used = 0;
        bool hex = text_has_word(rest, left, "0x");
        if (hex)
            mantissa_parse(rest + 2, left - 2, 16, &m);
        hex = hex && m.used > 0; /* "0x" alone is the number 0 and an x */
        if (!hex)
            mantissa_parse(rest, left, 10, &m);
        if (m.used == 0)
            return 0;
        used = m.used + (hex ? 2 : 0);
        int64_t exponent = 0;
        if (used < left && text_lower(rest[used]) == (hex ? 'p' : 'e')) {
            size_t more = exponent_parse(rest + used + 1, left - used - 1, &exponent);
            if (more)
                used += 1 + more;
        }
        bits = hex ? hex_bits(&m, exponent) : decimal_bits(&m, exponent);
    }
    *value = attn_float_of_bits(bits | sign);
    return i + used;
}
