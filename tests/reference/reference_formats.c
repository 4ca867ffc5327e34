/* The KV formats against values worked out from their definitions (IEEE 754; ggml's block layouts).
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "planner/bits.h"
#include "planner/random.h"
#include "reference/attn_reference.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* The value of a binary format with 1 sign bit, so many exponent and fraction bits, by its definition. */
static double value_of(uint32_t bits, int exponent_bits, int fraction_bits)
{
    const int bias = (1 << (exponent_bits - 1)) - 1;
    const int exponent = (int)(bits >> fraction_bits) & ((1 << exponent_bits) - 1);
    const double fraction = (double)(bits & ((1u << fraction_bits) - 1)) / (double)(1 << fraction_bits);
    const double sign = bits >> (exponent_bits + fraction_bits) & 1 ? -1.0 : 1.0;
    if (exponent == (1 << exponent_bits) - 1) {
        return fraction == 0.0 ? sign * INFINITY : (double)NAN;
    }
    return exponent == 0 ? sign * ldexp(fraction, 1 - bias) : sign * ldexp(1.0 + fraction, exponent - bias);
}

static void every_f16_has_its_defined_value(void **state)
{
    (void)state;
    for (uint32_t h = 0; h <= 0xFFFF; h++) {
        const float got = attn_f16_to_f32((uint16_t)h);
        const double want = value_of(h, 5, 10);
        if (isnan(want)) {
            assert_true(isnan(got));
            assert_int_equal(attn_float_bits(got), (h & 0x8000u) << 16 | 0x7F800000u | (h & 0x3FFu) << 13);
        } else {
            assert_true((double)got == want);
            assert_int_equal(signbit(got) != 0, h >> 15);
        }
    }
}

static void every_bf16_has_its_defined_value(void **state)
{
    (void)state;
    for (uint32_t b = 0; b <= 0xFFFF; b++) {
        const float got = attn_bf16_to_f32((uint16_t)b);
        const double want = value_of(b, 8, 7);
        assert_true(isnan(want) ? isnan(got) : (double)got == want);
        assert_int_equal(attn_float_bits(got), b << 16);
    }
}

typedef uint16_t (*narrow)(float);

/* Rounding to nearest even is monotone, so it is right everywhere when it is right at every value, at every
 * midpoint between two, and at the floats next to every midpoint. */
static void check_narrowing(narrow to, int exponent_bits, int fraction_bits)
{
    const uint32_t infinity = ((1u << exponent_bits) - 1) << fraction_bits;
    for (uint32_t low = 0; low < infinity; low++) {
        const double a = value_of(low, exponent_bits, fraction_bits);
        /* the step after the largest value is where infinity would be, were it a number */
        const double b = low + 1 < infinity ? value_of(low + 1, exponent_bits, fraction_bits)
                                            : 2.0 * a - value_of(low - 1, exponent_bits, fraction_bits);
        const double middle = (a + b) / 2.0;
        const float exact = (float)a, half = (float)middle;
        const uint32_t even = low & 1 ? low + 1 : low;
        assert_int_equal(to(exact), low);
        assert_int_equal(to(-exact), low | 0x8000u);
        if ((double)half == middle) { /* all midpoints are floats, but bf16's lowest at the edge of float itself */
            assert_int_equal(to(half), even);
            assert_int_equal(to(-half), even | 0x8000u);
            assert_int_equal(to(nextafterf(half, 0.0f)), low);
            assert_int_equal(to(nextafterf(half, INFINITY)), low + 1);
        } else {
            assert_true(low + 1 == infinity);
        }
    }
    assert_int_equal(to(INFINITY), infinity);
    assert_int_equal(to(-INFINITY), infinity | 0x8000u);
    assert_int_equal(to(FLT_MAX), infinity);
}

static void f16_rounds_to_nearest_even(void **state)
{
    (void)state;
    check_narrowing(attn_f32_to_f16, 5, 10);
    assert_int_equal(attn_f32_to_f16(65504.0f), 0x7BFF);
    assert_int_equal(attn_f32_to_f16(65519.996f), 0x7BFF);
    assert_int_equal(attn_f32_to_f16(65520.0f), 0x7C00);
    assert_int_equal(attn_f32_to_f16(0x1p-24f), 0x0001);
    assert_int_equal(attn_f32_to_f16(0x1p-25f), 0x0000);
    assert_int_equal(attn_f32_to_f16(0x1.000002p-25f), 0x0001);
    assert_int_equal(attn_f32_to_f16(-0.0f), 0x8000);
    assert_int_equal(attn_f32_to_f16(0x1p-149f), 0x0000);
}

static void bf16_rounds_to_nearest_even(void **state)
{
    (void)state;
    check_narrowing(attn_f32_to_bf16, 8, 7);
    assert_int_equal(attn_f32_to_bf16(attn_float_of_bits(0x3F808000)), 0x3F80); /* tie, to even */
    assert_int_equal(attn_f32_to_bf16(attn_float_of_bits(0x3F818000)), 0x3F82);
    assert_int_equal(attn_f32_to_bf16(attn_float_of_bits(0x00000001)), 0x0000);
}

static void narrowing_keeps_nan(void **state)
{
    (void)state;
    const uint32_t nans[] = { 0x7FC00000, 0xFFC00000, 0x7F800001, 0xFF800001, 0x7FFFFFFF, 0xFFFFFFFF, 0x7F801FFF };
    for (size_t i = 0; i < sizeof nans / sizeof nans[0]; i++) {
        const uint16_t h = attn_f32_to_f16(attn_float_of_bits(nans[i])),
                       b = attn_f32_to_bf16(attn_float_of_bits(nans[i]));
        assert_true(isnan(attn_f16_to_f32(h)));
        assert_true(isnan(attn_bf16_to_f32(b)));
        assert_int_equal(h >> 15, nans[i] >> 31);
        assert_int_equal(b >> 15, nans[i] >> 31);
    }
}

/* ---- Blocks, byte by byte ------------------------------------------------------------------------------ */

/* At an odd address, since neither side needs alignment. */
static void encode(int type, const float x[32], uint8_t *bytes)
{
    unsigned char source[32 * sizeof(float) + 1], target[64];
    memcpy(source + 1, x, 32 * sizeof(float));
    float aligned[32];
    memcpy(aligned, source + 1, sizeof aligned);
    attn_row_encode(type, aligned, 32, target + 1);
    memcpy(bytes, target + 1, (size_t)attn_type_info(type)->block_bytes);
}

static void decode(int type, const uint8_t *bytes, float x[32])
{
    unsigned char source[64];
    memcpy(source + 1, bytes, (size_t)attn_type_info(type)->block_bytes);
    attn_row_decode(type, source + 1, 32, x);
}

static void q8_0_by_hand(void **state)
{
    (void)state;
    float x[32] = { -127.0f, 127.0f, 0.5f, -0.5f, 2.5f, 63.49f, -64.5f };
    uint8_t want[34] = { 0x00, 0x3C,                                 /* d = 127 / 127 = 1 */
                         0x81, 0x7F, 0x01, 0xFF, 0x03, 0x3F, 0xBF }; /* halves go away from zero */
    uint8_t got[34];
    encode(ATTN_Q8_0, x, got);
    assert_memory_equal(got, want, sizeof want);

    /* d = 1/127 is rounded to f16 (1.0078125 * 2^-7), the numbers are made with the unrounded one */
    float y[32] = { [31] = -1.0f, [3] = 0.25f };
    uint8_t small[34] = { 0x08, 0x20, [2 + 3] = 32 /* 31.75 */, [2 + 31] = 0x81 };
    encode(ATTN_Q8_0, y, got);
    assert_memory_equal(got, small, sizeof small);

    uint8_t block[34] = { 0x00, 0xB8, [2] = 0x80, [3] = 0x7F, [33] = 0x05 }; /* d = -0.5 */
    float z[32];
    decode(ATTN_Q8_0, block, z);
    assert_true(z[0] == 64.0f && z[1] == -63.5f && z[2] == 0.0f && z[31] == -2.5f);
}

static void q4_0_by_hand(void **state)
{
    (void)state;
    float x[32], back[32];
    uint8_t want[18] = { 0x00, 0x3C }, got[18]; /* farthest from zero is -8: d = -8 / -8 = 1 */
    for (int j = 0; j < 16; j++) {
        x[j] = (float)(j - 8);      /* number j */
        x[j + 16] = (float)(7 - j); /* number 15 - j */
        want[2 + j] = (uint8_t)(j | (15 - j) << 4);
    }
    encode(ATTN_Q4_0, x, got);
    assert_memory_equal(got, want, sizeof want);
    decode(ATTN_Q4_0, got, back);
    assert_memory_equal(back, x, sizeof x);

    /* +8 first: d = -1; -8 then is number 16.5 -> 15; +-0.5 are 8 and 9 */
    float y[32] = { 8.0f, -8.0f, 0.5f, -0.5f, [16] = 7.0f };
    uint8_t edge[18] = { 0x00, 0xBC, 0x10, 0x8F, 0x88, 0x89 };
    memset(edge + 6, 0x88, 12);
    encode(ATTN_Q4_0, y, got);
    assert_memory_equal(got, edge, sizeof edge);

    float zero[32] = { 0 };
    uint8_t none[18] = { 0x00, 0x80 }; /* 0 / -8 is -0 */
    memset(none + 2, 0x88, 16);
    encode(ATTN_Q4_0, zero, got);
    assert_memory_equal(got, none, sizeof none);
}

static void q4_1_by_hand(void **state)
{
    (void)state;
    float x[32], back[32];
    uint8_t want[20] = { 0x00, 0x34, 0x00, 0x3C }, got[20]; /* d = 0.25, m = 1 */
    for (int j = 0; j < 16; j++) {
        x[j] = 1.0f + 0.25f * (float)j;
        x[j + 16] = 1.0f + 0.25f * (float)(15 - j);
        want[4 + j] = (uint8_t)(j | (15 - j) << 4);
    }
    encode(ATTN_Q4_1, x, got);
    assert_memory_equal(got, want, sizeof want);
    decode(ATTN_Q4_1, got, back);
    assert_memory_equal(back, x, sizeof x);

    float same[32];
    for (int j = 0; j < 32; j++) {
        same[j] = -3.0f;
    }
    uint8_t flat[20] = { 0x00, 0x00, 0x00, 0xC2 }; /* d = 0, m = -3 */
    encode(ATTN_Q4_1, same, got);
    assert_memory_equal(got, flat, sizeof flat);
}

static void q5_0_by_hand(void **state)
{
    (void)state;
    float x[32], back[32];
    uint8_t want[22] = { 0x00, 0x3C, 0x00, 0x00, 0xFF, 0xFF }, got[22]; /* d = 1; elements 16.. have the fifth bit */
    for (int j = 0; j < 32; j++) {
        x[j] = (float)(j - 16); /* number j */
    }
    for (int j = 0; j < 16; j++) {
        want[6 + j] = (uint8_t)(j | j << 4);
    }
    encode(ATTN_Q5_0, x, got);
    assert_memory_equal(got, want, sizeof want);
    decode(ATTN_Q5_0, got, back);
    assert_memory_equal(back, x, sizeof x);

    uint8_t block[22] = { 0x00, 0x40, 0x01, 0x80, 0x02, 0x00 }; /* d = 2; fifth bits of elements 0, 15 and 17 */
    block[6 + 0] = 0x0F;
    block[6 + 1] = 0x30;
    decode(ATTN_Q5_0, block, back);
    assert_true(back[0] == 30.0f && back[15] == 0.0f && back[16] == -32.0f && back[17] == 6.0f && back[1] == -32.0f);
}

static void q5_1_by_hand(void **state)
{
    (void)state;
    float x[32], back[32];
    uint8_t want[24] = { 0x00, 0x38, 0x00, 0x40, 0xFF, 0xFF, 0x00, 0x00 }, got[24]; /* d = 0.5, m = 2 */
    for (int j = 0; j < 32; j++) {
        x[j] = 2.0f + 0.5f * (float)(31 - j); /* number 31 - j */
    }
    for (int j = 0; j < 16; j++) {
        want[8 + j] = (uint8_t)((15 - j) * 17);
    }
    encode(ATTN_Q5_1, x, got);
    assert_memory_equal(got, want, sizeof want);
    decode(ATTN_Q5_1, got, back);
    assert_memory_equal(back, x, sizeof x);
}

/* ggml-common.h, kvalues_iq4nl */
static const float iq4_nl[16] = { -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 };

static void iq4_nl_by_hand(void **state)
{
    (void)state;
    float x[32], back[32];
    uint8_t want[18] = { 0x00, 0x3C }, got[18]; /* farthest from zero is -127: every element is a value, d = 1 */
    for (int j = 0; j < 16; j++) {
        x[j] = iq4_nl[j];
        x[j + 16] = iq4_nl[15 - j];
        want[2 + j] = (uint8_t)(j | (15 - j) << 4);
    }
    encode(ATTN_IQ4_NL, x, got);
    assert_memory_equal(got, want, sizeof want);
    decode(ATTN_IQ4_NL, got, back);
    assert_memory_equal(back, x, sizeof x);

    /* 100 is nearest to 89, number 14. d = (127^4 + 100^3 * 89) / (127^4 + 100^2 * 89^2) = 1.02885, as f16 1054 / 1024.
     * Zeros are nearest to 1, number 8. */
    float y[32] = { [5] = -127.0f, [30] = 100.0f };
    uint8_t refit[18] = { 0x1E, 0x3C };
    memset(refit + 2, 0x88, 16);
    refit[2 + 5] = 0x80;
    refit[2 + 14] = 0xE8;
    encode(ATTN_IQ4_NL, y, got);
    assert_memory_equal(got, refit, sizeof refit);

    /* the first of equals is the farthest: it gets -127, with d below zero, and its negative the nearest, 113; half way
     * between two values the greater one is taken */
    float z[32] = { 127.0f, -127.0f, 115.5f, 19.0f };
    encode(ATTN_IQ4_NL, z, got);
    assert_int_equal(got[2] & 15, 0);
    assert_int_equal(got[3] & 15, 15);
    assert_int_equal(got[4] & 15, 1); /* -115.5, of -127 and -104: half way */
    assert_int_equal(got[5] & 15, 6); /* -19 */
    assert_int_equal(got[1] >> 7, 1);

    float tiny[32] = { 0x1p-60f, -0x1p-55f };
    uint8_t none[18] = { 0 };
    encode(ATTN_IQ4_NL, tiny, got);
    assert_memory_equal(got, none, sizeof none);
}

/* Each element has the number whose value is nearest for the first scale, and the block has the scale that fits these
 * numbers best: both by search, in double. */
static void iq4_nl_numbers_are_nearest_and_their_scale_fits(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int round = 0; round < 2000; round++) {
        float x[32], back[32];
        double top = 0.0, sum_qx = 0.0, sum_q2 = 0.0;
        uint8_t bytes[18];
        for (int j = 0; j < 32; j++) {
            x[j] = ldexpf((float)(attn_random(&seed) >> 40) * 0x1p-23f - 1.0f, round % 21 - 10);
            top = fabs((double)x[j]) > fabs(top) ? (double)x[j] : top;
        }
        encode(ATTN_IQ4_NL, x, bytes);
        for (int j = 0; j < 32; j++) {
            const double wanted = -127.0 * (double)x[j] / top;
            const int number = j < 16 ? bytes[2 + j] & 15 : bytes[2 + j - 16] >> 4;
            const double weight = (double)x[j] * (double)x[j], value = (double)iq4_nl[number];
            for (int other = 0; other < 16; other++) {
                assert_true(fabs(wanted - value) <= fabs(wanted - (double)iq4_nl[other]) + 1e-4);
            }
            sum_qx += weight * value * (double)x[j];
            sum_q2 += weight * value * value;
        }
        const uint16_t d = (uint16_t)(bytes[0] | bytes[1] << 8);
        const double best = sum_qx / sum_q2, got = value_of(d, 5, 10);
        assert_true(fabs(best - got) <= fabs(best) * 0x1.01p-11 + 0x1p-25);
        decode(ATTN_IQ4_NL, bytes, back);
        for (int j = 0; j < 32; j++) {
            const int number = j < 16 ? bytes[2 + j] & 15 : bytes[2 + j - 16] >> 4;
            assert_true((double)back[j] == got * (double)iq4_nl[number]);
        }
    }
}

static void plain_types_round_each_element(void **state)
{
    (void)state;
    const float x[5] = { 1.0f, -0.0f, 0x1.006p0f, 65520.0f, 0x1p-149f };
    uint16_t h[5], b[5];
    float f[5];
    attn_row_encode(ATTN_F16, x, 5, h);
    attn_row_encode(ATTN_BF16, x, 5, b);
    attn_row_encode(ATTN_F32, x, 5, f);
    const uint16_t want_h[5] = { 0x3C00, 0x8000, 0x3C02, 0x7C00, 0x0000 };
    const uint16_t want_b[5] = { 0x3F80, 0x8000, 0x3F80, 0x4780, 0x0000 };
    assert_memory_equal(h, want_h, sizeof h);
    assert_memory_equal(b, want_b, sizeof b);
    assert_memory_equal(f, x, sizeof f);
    attn_row_decode(ATTN_F16, h, 3, f);
    assert_true(f[0] == 1.0f && signbit(f[1]) && f[2] == 0x1.008p0f);
    attn_row_decode(ATTN_BF16, b, 5, f);
    assert_true(f[3] == 65536.0f);
}

/* A quantised element is within half a step of what it was, plus what rounding d and m to f16 does. */
static void quantised_rows_are_near(void **state)
{
    (void)state;
    static const struct {
        int type;
        float steps;
    } types[] = {
        { ATTN_Q8_0, 127.0f }, { ATTN_Q4_0, 8.0f }, { ATTN_Q4_1, 7.5f }, { ATTN_Q5_0, 16.0f }, { ATTN_Q5_1, 15.5f }
    };
    uint64_t seed = 1;
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        for (int round = 0; round < 200; round++) {
            float x[96], y[96];
            uint8_t bytes[3 * 34];
            for (int i = 0; i < 96; i++) {
                const float unit = (float)(attn_random(&seed) >> 40) * 0x1p-23f - 1.0f;
                x[i] = unit * (float)(1 + i / 32); /* each block its own size */
            }
            attn_row_encode(types[t].type, x, 96, bytes);
            attn_row_decode(types[t].type, bytes, 96, y);
            for (int i = 0; i < 96; i++) {
                const float most = (float)(1 + i / 32), step = most / types[t].steps;
                const bool clipped = types[t].type == ATTN_Q4_0 || types[t].type == ATTN_Q5_0; /* +8, +16 do not fit */
                assert_true(fabsf(x[i] - y[i]) <= step * (clipped ? 1.0f : 0.5f) * 1.01f + most * 0x1p-10f);
            }
        }
    }
}

/* 1/d overflows: ggml's conversion is undefined there, ours saturates; every block can be encoded. */
static void extreme_blocks_encode(void **state)
{
    (void)state;
    const float extremes[] = { 0x1p-149f, -0x1p-149f, 1e-40f, FLT_MAX, -FLT_MAX, FLT_MIN };
    for (int type = 0; type < ATTN_TYPE_COUNT; type++) {
        for (size_t e = 0; e < sizeof extremes / sizeof extremes[0]; e++) {
            float x[32] = { extremes[e], 0.0f, -extremes[e], extremes[(e + 1) % 6] };
            uint8_t bytes[32 * 4];
            attn_row_encode(type, x, 32, bytes);
            attn_row_decode(type, bytes, 32, x);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_f16_has_its_defined_value),
        cmocka_unit_test(every_bf16_has_its_defined_value),
        cmocka_unit_test(f16_rounds_to_nearest_even),
        cmocka_unit_test(bf16_rounds_to_nearest_even),
        cmocka_unit_test(narrowing_keeps_nan),
        cmocka_unit_test(q8_0_by_hand),
        cmocka_unit_test(q4_0_by_hand),
        cmocka_unit_test(q4_1_by_hand),
        cmocka_unit_test(q5_0_by_hand),
        cmocka_unit_test(q5_1_by_hand),
        cmocka_unit_test(iq4_nl_by_hand),
        cmocka_unit_test(iq4_nl_numbers_are_nearest_and_their_scale_fits),
        cmocka_unit_test(plain_types_round_each_element),
        cmocka_unit_test(quantised_rows_are_near),
        cmocka_unit_test(extreme_blocks_encode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
