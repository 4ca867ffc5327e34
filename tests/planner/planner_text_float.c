/* planner_text_float.c: floats are printed as the shortest decimal that reads back, and read correctly rounded. The
 * judges are libc's strtof and printf (both exact in glibc) in the C locale, never the code under test.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/planner/planner_text.h"

/* strtof sees a terminated copy; ours sees exactly len bytes. Same value, same number of bytes. */
static void check_parse(const char *text)
{
    size_t len = strlen(text);
    char *exact = exact_copy(text, len);
    char *end;
    float want = strtof(text, &end), got = 77.0f;
    size_t used = attn_float_parse(exact, len, &got);
    free(exact);
    if (used != (size_t)(end - text) ||
        (used && attn_float_bits(got) != attn_float_bits(want) && !(got != got && want != want)))
        fail_msg("'%.60s': read %zu bytes as %08x, strtof %zu as %08x", text, used, attn_float_bits(got),
                 (size_t)(end - text), attn_float_bits(want));
}

/* The n digits of "d.ddde-xx", as an integer, and the exponent after them. */
static void split_digits(const char *scientific, long *digits, int *exponent)
{
    *digits = 0;
    int after_point = 0;
    const char *s = scientific;
    for (bool point = false; *s != 'e'; s++) {
        if (*s == '.') {
            point = true;
        } else {
            *digits = *digits * 10 + (*s - '0');
            after_point += point;
        }
    }
    *exponent = atoi(s + 1) - after_point;
}

static int significant_digits(const char *text)
{
    int n = 0, zeros = 0;
    for (const char *s = text; *s && *s != 'e'; s++) {
        if (*s < '0' || *s > '9' || (n == 0 && *s == '0'))
            continue;
        n += *s == '0' ? 0 : 1 + zeros;
        zeros = *s == '0' ? zeros + 1 : 0;
    }
    return n;
}

static float read_scaled(long digits, int exponent)
{
    char text[64];
    snprintf(text, sizeof text, "%lde%d", digits, exponent);
    return strtof(text, NULL);
}

/* Everything that a positive, finite float's text must be. */
static void check_print(uint32_t bits)
{
    char text[20], negative[20], nearest[32];
    float f = attn_float_of_bits(bits), back;
    size_t len = attn_float_print(f, text, sizeof text);
    assert_true(len < sizeof text);
    assert_int_equal(strlen(text), len);
    if (attn_float_bits(strtof(text, NULL)) != bits)
        fail_msg("%08x is printed as %s", bits, text);
    assert_int_equal(attn_float_parse(text, len, &back), len);
    assert_int_equal(attn_float_bits(back), bits);
    assert_int_equal(attn_float_print(-f, negative, sizeof negative), len + 1);
    assert_int_equal(negative[0], '-');
    assert_string_equal(negative + 1, text);
    if (bits == 0)
        return;

    long digits;
    int exponent, n = significant_digits(text);
    assert_in_range(n, 1, 9);
    if (n > 1) { /* no shorter one reads back: neither of the two around the float */
        snprintf(nearest, sizeof nearest, "%.*e", n - 2, (double)f);
        split_digits(nearest, &digits, &exponent);
        for (long d = digits - 1; d <= digits + 1; d++)
            if (attn_float_bits(read_scaled(d, exponent)) == bits)
                fail_msg("%08x is printed as %s, but %lde%d is shorter", bits, text, d, exponent);
    }
    snprintf(nearest, sizeof nearest, "%.*e", n - 1, (double)f); /* and of that length the nearest that reads back */
    if (attn_float_bits(strtof(nearest, NULL)) == bits && strtod(nearest, NULL) != strtod(text, NULL))
        fail_msg("%08x is printed as %s, but %s is nearer", bits, text, nearest);
}

static void every_exponent_prints_shortest_and_reads_back(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (uint32_t exponent = 0; exponent < 255; exponent++) {
        uint32_t base = exponent << 23;
        static const uint32_t fractions[] = { 0, 1, 2, 3, 0x3fffff, 0x400000, 0x400001, 0x7ffffe, 0x7fffff };
        for (size_t i = 0; i < sizeof fractions / sizeof fractions[0]; i++)
            check_print(base | fractions[i]);
        for (int i = 0; i < 200; i++)
            check_print(base | (uint32_t)attn_random_below(&seed, 1 << 23));
    }
}

static void subnormals_print_shortest_and_read_back(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 3000; bits++)
        check_print(bits);
    for (int bit = 0; bit < 23; bit++)
        check_print(1u << bit);
}

static void random_bit_patterns_print_shortest_and_read_back(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int i = 0; i < 200000; i++)
        check_print((uint32_t)(attn_random(&seed) % 0x7f800000u));
}

static void printf_with_nine_digits_reads_as_strtof_reads_it(void **state)
{
    (void)state;
    uint64_t seed = 3;
    char text[64];
    for (int i = 0; i < 300000; i++) {
        float f = attn_float_of_bits((uint32_t)attn_random(&seed));
        snprintf(text, sizeof text, i % 3 == 0 ? "%.9g" : i % 3 == 1 ? "%.17g" : "%a", (double)f);
        if (f == f)
            check_parse(text);
    }
}

static void well_known_texts_are_printed_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        uint32_t bits;
        const char *text;
    } cases[] = {
        { 0x00000000, "0" },
        { 0x80000000, "-0" },
        { 0x3f800000, "1" },
        { 0xbf800000, "-1" },
        { 0x3d800000, "0.0625" },
        { 0x3db504f3, "0.088388346" },
        { 0x7f7fffff, "3.4028235e38" },
        { 0x00800000, "1.1754944e-38" },
        { 0x00000001, "1e-45" },
        { 0x7f800000, "inf" },
        { 0xff800000, "-inf" },
        { 0x7fc00000, "nan" },
        { 0xffc00001, "nan" },
        { 0x3a83126f, "0.001" },
        { 0x4b800000, "16777216" },
        { 0x4cbebc20, "100000000" },
        { 0x4e6e6b28, "1e9" },
        { 0x38d1b717, "0.0001" },
        { 0x3727c5ac, "0.00001" },
        { 0x358637bd, "1e-6" },
        { 0x3dcccccd, "0.1" },
        { 0x42480000, "50" },
        { 0x41dd5000, "27.664062" },
    };
    char text[20];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        attn_float_print(attn_float_of_bits(cases[i].bits), text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}

/* The midpoint of two neighbouring floats is exact in double, and glibc prints a double exactly. */
static void halfway_texts_go_to_the_even_neighbour_and_the_least_bit_decides(void **state)
{
    (void)state;
    uint64_t seed = 4;
    static char text[4096];
    for (int i = 0; i < 20000; i++) {
        uint32_t bits = i < 500 ? (uint32_t)i : (uint32_t)(attn_random(&seed) % 0x7f7fffffu);
        double mid = ((double)attn_float_of_bits(bits) + (double)attn_float_of_bits(bits + 1)) / 2;
        float got;
        int len = snprintf(text, sizeof text, "%.1100f", mid); /* exact: 2^-150 has 150 places */
        assert_int_equal(attn_float_parse(text, (size_t)len, &got), len);
        assert_int_equal(attn_float_bits(got), bits + (bits & 1));
        text[len - 1] = '1';
        assert_int_equal(attn_float_parse(text, (size_t)len, &got), len);
        assert_int_equal(attn_float_bits(got), bits + 1);
        /* A hair below: the text of the next double down, exact again. */
        uint64_t u;
        memcpy(&u, &mid, sizeof u);
        u--;
        memcpy(&mid, &u, sizeof mid);
        len = snprintf(text, sizeof text, "%.1100f", mid);
        assert_int_equal(attn_float_parse(text, (size_t)len, &got), len);
        assert_int_equal(attn_float_bits(got), bits);
    }
}

static void the_edge_to_infinity_and_to_zero_is_exact(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "340282356779733661637539395458142568447",
        "340282356779733661637539395458142568448",
        "340282356779733661637539395458142568447.99999999999999999999999999999999999999999999999999999999999999999",
        "3.4028235677973366e38",
        "3.4028235677973367e38",
        "1e39",
        "1e38",
        "0x1.fffffep127",
        "0x1.ffffffp127",
        "0x1.fffffefffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffp127",
        "0x1p128",
        "0x1p-149",
        "0x1p-150",
        "0x1.0000000000000000000000000000000000000000000000000000000000001p-150",
        "0x1p-151",
        "7.0064923216240853546186479164495806564013097093825788587853e-46",
        "7.0064923216240853546186479164495806564013097093825788587854e-46",
        "7.00649232162408535461864791644958065640130970938257885878534141944895541342930300743319094181060791015"
        "625e-46",
        "7.00649232162408535461864791644958065640130970938257885878534141944895541342930300743319094181060791015"
        "626e-46",
        "1e-45",
        "1e-46",
        "1e-400",
        "1e400",
        "1e99999999999999999999999",
        "1e-99999999999999999999999",
        "0e99999999999999999999999",
        "-0e-99999999999999999999999",
        "0x0p99999999999999999999999",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_parse(texts[i]);
}

static void the_longest_number_at_the_start_is_read(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "-",
        "+",
        ".",
        "-.",
        "e5",
        ".e5",
        "0x",
        "0x.",
        "0xg",
        "0x.p1",
        "0x1p",
        "0x1p+",
        "1e",
        "1e+",
        "1e-x",
        "1.",
        ".5",
        "+.5",
        "-.5e1",
        "1..2",
        "1.2.3",
        "1e5.5",
        "1e5e5",
        "00012",
        "0.0000",
        "0x1.8",
        "0X1.8P1",
        "0xA.Bp-3",
        "0x.8",
        "inf",
        "INF",
        "-Inf",
        "+infinity",
        "infinit",
        "INFINITYx",
        "in",
        "nan",
        "-NaN",
        "na",
        "1 ",
        "1|",
        "1,5",
        "0b1",
        "1f",
        "0x1.p1",
        "0x00000000000000000000000000000000000001",
        "0x.00000000000000000000000000000000000000000000000001p200",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_parse(texts[i]);
    float f;
    assert_int_equal(attn_float_parse(" 1", 2, &f), 0);     /* unlike strtof: no leading space, */
    assert_int_equal(attn_float_parse("nan(1)", 6, &f), 3); /* and nan has nothing after it */
    assert_int_equal(attn_float_parse("1\0005", 3, &f), 1);
}

static void random_number_like_text_reads_as_strtof_reads_it(void **state)
{
    (void)state;
    static const char alphabet[] = "0123456789012345678900..eE+-xXpPaAfFiInNtTyY";
    uint64_t seed = 5;
    char text[24];
    for (int i = 0; i < 500000; i++) {
        size_t n = attn_random_below(&seed, sizeof text);
        for (size_t j = 0; j < n; j++)
            text[j] = alphabet[attn_random_below(&seed, sizeof alphabet - 1)];
        text[n] = '\0';
        check_parse(text);
    }
}

static void random_long_decimals_and_hex_read_as_strtof_reads_them(void **state)
{
    (void)state;
    uint64_t seed = 6;
    char text[700];
    for (int i = 0; i < 100000; i++) {
        bool hex = i % 4 == 0;
        size_t digits = 1 + attn_random_below(&seed, attn_random_below(&seed, 8) ? 40 : 400), n = 0;
        size_t point = attn_random_below(&seed, 3) ? attn_random_below(&seed, digits + 1) : digits + 1;
        n += (size_t)snprintf(text, sizeof text, hex ? "0x" : "");
        for (size_t j = 0; j < digits; j++) {
            if (j == point)
                text[n++] = '.';
            text[n++] = hex ? "0123456789abcdefABCDEF"[attn_random_below(&seed, 22)]
                            : (char)('0' + attn_random_below(&seed, 10));
        }
        int64_t balance = -(int64_t)(point < digits ? point : digits) * (hex ? 4 : 1);
        int64_t exponent = balance + (int64_t)attn_random_below(&seed, hex ? 320 : 100) - (hex ? 165 : 52);
        snprintf(text + n, sizeof text - n, "%c%lld", hex ? 'p' : 'e', (long long)exponent);
        check_parse(text);
    }
}

/* Quadratic time on these would take hours, an overflow would give another value. */
static void ten_million_digits_are_read_at_once(void **state)
{
    (void)state;
    enum { N = 10000000 };
    char *text = malloc(N + 32);
    assert_non_null(text);
    float f;

    memset(text, '0', N);
    text[0] = '1';
    int tail = snprintf(text + N, 32, "e-%d", N - 1);
    assert_int_equal(attn_float_parse(text, N + (size_t)tail, &f), N + tail);
    assert_true(f == 1.0f);
    assert_int_equal(attn_float_parse(text, N, &f), N);
    assert_int_equal(attn_float_bits(f), 0x7f800000);

    text[0] = '0';
    text[1] = '.';
    text[N - 1] = '7';
    tail = snprintf(text + N, 32, "e%d", N - 2);
    assert_int_equal(attn_float_parse(text, N + (size_t)tail, &f), N + tail);
    assert_true(f == 7.0f);

    memset(text, '9', N);
    assert_int_equal(attn_float_parse(text, N, &f), N);
    assert_int_equal(attn_float_bits(f), 0x7f800000);
    tail = snprintf(text + N, 32, "e-%d", N);
    assert_int_equal(attn_float_parse(text, N + (size_t)tail, &f), N + tail);
    assert_true(f == 1.0f);

    /* 1 + 2^-24 is halfway; the last of ten million digits decides. */
    memset(text, '0', N);
    memcpy(text, "1.000000059604644775390625", 26);
    assert_int_equal(attn_float_parse(text, N, &f), N);
    assert_int_equal(attn_float_bits(f), 0x3f800000);
    text[N - 1] = '1';
    assert_int_equal(attn_float_parse(text, N, &f), N);
    assert_int_equal(attn_float_bits(f), 0x3f800001);

    memset(text, '0', N);
    memcpy(text, "0x1.000001", 10);
    assert_int_equal(attn_float_parse(text, N, &f), N);
    assert_int_equal(attn_float_bits(f), 0x3f800000);
    text[N - 1] = '1';
    assert_int_equal(attn_float_parse(text, N, &f), N);
    assert_int_equal(attn_float_bits(f), 0x3f800001);

    memset(text, '9', N);
    memcpy(text, "1e", 2);
    assert_int_equal(attn_float_parse(text, N, &f), N);
    assert_int_equal(attn_float_bits(f), 0x7f800000);
    free(text);
}

static size_t print_float(const void *what, char *text, size_t cap)
{
    return attn_float_print(*(const float *)what, text, cap);
}

static void every_capacity_is_respected(void **state)
{
    (void)state;
    static const uint32_t patterns[] = { 0,          0x80000000, 0xff800000, 0x7fc00000,
                                         0x80000001, 0xff7fffff, 0xbdb504f3, 0xcb7fffff };
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        float f = attn_float_of_bits(patterns[i]);
        check_capacities(print_float, &f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_exponent_prints_shortest_and_reads_back),
        cmocka_unit_test(subnormals_print_shortest_and_read_back),
        cmocka_unit_test(random_bit_patterns_print_shortest_and_read_back),
        cmocka_unit_test(printf_with_nine_digits_reads_as_strtof_reads_it),
        cmocka_unit_test(well_known_texts_are_printed_as_people_write_them),
        cmocka_unit_test(halfway_texts_go_to_the_even_neighbour_and_the_least_bit_decides),
        cmocka_unit_test(the_edge_to_infinity_and_to_zero_is_exact),
        cmocka_unit_test(the_longest_number_at_the_start_is_read),
        cmocka_unit_test(random_number_like_text_reads_as_strtof_reads_it),
        cmocka_unit_test(random_long_decimals_and_hex_read_as_strtof_reads_them),
        cmocka_unit_test(ten_million_digits_are_read_at_once),
        cmocka_unit_test(every_capacity_is_respected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
