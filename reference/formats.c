/* formats.c: the element types, each with a decoder and an encoder.
 *
 * Block layouts and quantisers: ggml, src/ggml-common.h (block_q8_0, block_q4_0, block_q4_1, block_q5_0,
 * block_q5_1, block_iq4_nl) and src/ggml-quants.c (quantize_row_*_ref, dequantize_row_*). A block holds 32 elements;
 * its scale d and offset m are binary16. In the 4 and 5 bit types the low nibble of byte j is element j, the high
 * nibble is element j + 16; bit i of the 32-bit word qh (little endian) is the fifth bit of element i.
 *
 * ggml's conversions from float to a small integer are undefined in C where the value does not fit, which finite
 * input reaches when 1/d overflows (all of a block below about 1e-37). Here they saturate and NaN becomes 0;
 * everywhere else the result is ggml's, bit for bit, but for the numbers of an iq4_nl block of zeros (all below 1e-15),
 * which ggml leaves as they were in its memory; here they are 0. Nothing may be contracted into a fused multiply-add:
 * the rounding between product and sum is part of the format.
 *
 * SPDX-License-Identifier: MIT */
#include "reference/attn_reference.h"

#include "planner/bits.h"

#include <float.h>
#include <math.h>
#include <string.h>

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

_Static_assert(sizeof(float) == 4 && FLT_MANT_DIG == 24, "float is IEEE binary32");

/* ---- 16-bit floating point --------------------------------------------------------------------------- */

float attn_f16_to_f32(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    const uint32_t exponent = (h >> 10) & 0x1Fu, fraction = h & 0x3FFu;
    if (exponent == 31) {
        return attn_float_of_bits(sign | 0x7F800000u | fraction << 13);
    }
    if (exponent == 0) { /* zero and subnormals: fraction * 2^-24, exact in float */
        return attn_float_of_bits(sign | attn_float_bits((float)fraction * 0x1p-24f));
    }
    return attn_float_of_bits(sign | (exponent + (127 - 15)) << 23 | fraction << 13);
}

uint16_t attn_f32_to_f16(float f)
{
    const uint32_t bits = attn_float_bits(f), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u) { /* NaN: keep what fits of the payload, and quiet it so that it stays a NaN */
        return (uint16_t)(sign | 0x7E00u | (magnitude >> 13 & 0x1FFu));
    }
    if (magnitude >= 0x477FF000u) { /* 65520 = 65504 + half a step and above */
        return (uint16_t)(sign | 0x7C00u);
    }
    uint32_t shift = 13, kept = magnitude - ((127u - 15u) << 23); /* rebias; rounding may carry into the exponent */
    if (magnitude < 0x38800000u) {                                /* below 2^-14: a subnormal of step 2^-24 */
        if (magnitude < 0x33000000u) {                            /* below 2^-25: half a step or less, to even: 0 */
            return (uint16_t)sign;
        }
        kept = (magnitude & 0x7FFFFFu) | 0x800000u;
        shift = 126 - (magnitude >> 23);
    }
    const uint32_t lost = kept & ((1u << shift) - 1), half = 1u << (shift - 1);
    uint32_t result = kept >> shift;
    result += lost > half || (lost == half && (result & 1));
    return (uint16_t)(sign | result);
}

float attn_bf16_to_f32(uint16_t b) { return attn_float_of_bits((uint32_t)b << 16); }

uint16_t attn_f32_to_bf16(float f)
{
    const uint32_t bits = attn_float_bits(f);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u) {
        return (uint16_t)(bits >> 16 | 0x40u); /* quiet: the payload's low half is cut off */
    }
    return (uint16_t)((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16); /* to nearest, ties to even; may carry to inf */
}

/* ---- Blocks ------------------------------------------------------------------------------------------ */

enum { BLOCK = 32, HALF = BLOCK / 2 };

struct block_f32 {
    float x;
};
struct block_f16 {
    uint16_t x;
};
struct block_bf16 {
    uint16_t x;
};
struct block_q8_0 {
    uint16_t d;
    int8_t qs[BLOCK];
};
struct block_q4_0 {
    uint16_t d;
    uint8_t qs[HALF];
};
struct block_q4_1 {
    uint16_t d, m;
    uint8_t qs[HALF];
};
struct block_q5_0 {
    uint16_t d;
    uint8_t qh[4], qs[HALF];
};
struct block_q5_1 {
    uint16_t d, m;
    uint8_t qh[4], qs[HALF];
};

struct block_iq4_nl {
    uint16_t d;
    uint8_t qs[HALF];
};

/* A whole number for a float, toward zero, into [low, high]. */
static int saturate(float x, int low, int high)
{
    if (!(x > (float)low)) {
        return x <= (float)low ? low : 0; /* NaN: 0 */
    }
    return x < (float)high ? (int)x : high;
}

static float reciprocal(float d) { return d != 0.0f ? 1.0f / d : 0.0f; }

/* The element farthest from zero, the first of equals, with its sign. */
static float farthest(const float x[BLOCK])
{
    float value = 0.0f;
    for (int j = 0; j < BLOCK; j++) {
        value = fabsf(value) < fabsf(x[j]) ? x[j] : value;
    }
    return value;
}

static void range(const float x[BLOCK], float *low, float *high)
{
    *low = FLT_MAX;
    *high = -FLT_MAX;
    for (int j = 0; j < BLOCK; j++) {
        *low = x[j] < *low ? x[j] : *low;
        *high = x[j] > *high ? x[j] : *high;
    }
}

static uint32_t high_bits(const uint8_t qh[4])
{
    return (uint32_t)qh[0] | (uint32_t)qh[1] << 8 | (uint32_t)qh[2] << 16 | (uint32_t)qh[3] << 24;
}

/* Spreads 32 numbers of 4 or 5 bits over nibbles and, where there is a qh, fifth bits. */
static void pack(const uint8_t number[BLOCK], uint8_t qs[HALF], uint8_t *qh)
{
    uint32_t fifth = 0;
    for (int j = 0; j < HALF; j++) {
        qs[j] = (uint8_t)((number[j] & 15) | (number[j + HALF] & 15) << 4);
        fifth |= (uint32_t)(number[j] >> 4 & 1) << j | (uint32_t)(number[j + HALF] >> 4 & 1) << (j + HALF);
    }
    for (int i = 0; qh && i < 4; i++) {
        qh[i] = (uint8_t)(fifth >> 8 * i);
    }
}

static void decode_f32(const void *src, float *dst) { memcpy(dst, src, sizeof *dst); }

static void encode_f32(const float *src, void *dst) { memcpy(dst, src, sizeof *src); }

static void decode_f16(const void *src, float *dst)
{
    uint16_t h;
    memcpy(&h, src, sizeof h);
    *dst = attn_f16_to_f32(h);
}

static void encode_f16(const float *src, void *dst)
{
    const uint16_t h = attn_f32_to_f16(*src);
    memcpy(dst, &h, sizeof h);
}

static void decode_bf16(const void *src, float *dst)
{
    uint16_t b;
    memcpy(&b, src, sizeof b);
    *dst = attn_bf16_to_f32(b);
}

static void encode_bf16(const float *src, void *dst)
{
    const uint16_t b = attn_f32_to_bf16(*src);
    memcpy(dst, &b, sizeof b);
}

static void decode_q8_0(const void *src, float *dst)
{
    struct block_q8_0 b;
    memcpy(&b, src, sizeof b);
    const float d = attn_f16_to_f32(b.d);
    for (int j = 0; j < BLOCK; j++) {
        dst[j] = (float)b.qs[j] * d;
    }
}

static void encode_q8_0(const float *x, void *dst)
{
    struct block_q8_0 b;
    const float d = fabsf(farthest(x)) / 127.0f, inverse = reciprocal(d);
    b.d = attn_f32_to_f16(d);
    for (int j = 0; j < BLOCK; j++) {
        b.qs[j] = (int8_t)saturate(roundf(x[j] * inverse), -128, 127);
    }
    memcpy(dst, &b, sizeof b);
}

static void decode_q4_0(const void *src, float *dst)
{
    struct block_q4_0 b;
    memcpy(&b, src, sizeof b);
    const float d = attn_f16_to_f32(b.d);
    for (int j = 0; j < HALF; j++) {
        dst[j] = (float)((b.qs[j] & 15) - 8) * d;
        dst[j + HALF] = (float)((b.qs[j] >> 4) - 8) * d;
    }
}

static void encode_q4_0(const float *x, void *dst)
{
    struct block_q4_0 b;
    uint8_t number[BLOCK];
    const float d = farthest(x) / -8.0f, inverse = reciprocal(d);
    b.d = attn_f32_to_f16(d);
    for (int j = 0; j < BLOCK; j++) {
        const float scaled = x[j] * inverse;
        number[j] = (uint8_t)saturate(scaled + 8.5f, 0, 15);
    }
    pack(number, b.qs, NULL);
    memcpy(dst, &b, sizeof b);
}

static void decode_q4_1(const void *src, float *dst)
{
    struct block_q4_1 b;
    memcpy(&b, src, sizeof b);
    const float d = attn_f16_to_f32(b.d), m = attn_f16_to_f32(b.m);
    for (int j = 0; j < HALF; j++) {
        dst[j] = (float)(b.qs[j] & 15) * d + m;
        dst[j + HALF] = (float)(b.qs[j] >> 4) * d + m;
    }
}

static void encode_q4_1(const float *x, void *dst)
{
    struct block_q4_1 b;
    uint8_t number[BLOCK];
    float low, high;
    range(x, &low, &high);
    const float d = (high - low) / 15.0f, inverse = reciprocal(d);
    b.d = attn_f32_to_f16(d);
    b.m = attn_f32_to_f16(low);
    for (int j = 0; j < BLOCK; j++) {
        const float scaled = (x[j] - low) * inverse;
        number[j] = (uint8_t)saturate(scaled + 0.5f, 0, 15);
    }
    pack(number, b.qs, NULL);
    memcpy(dst, &b, sizeof b);
}

static void decode_q5_0(const void *src, float *dst)
{
    struct block_q5_0 b;
    memcpy(&b, src, sizeof b);
    const float d = attn_f16_to_f32(b.d);
    const uint32_t fifth = high_bits(b.qh);
    for (int j = 0; j < HALF; j++) {
        const int first = (b.qs[j] & 15) | (int)(fifth >> j & 1) << 4;
        const int second = b.qs[j] >> 4 | (int)(fifth >> (j + HALF) & 1) << 4;
        dst[j] = (float)(first - 16) * d;
        dst[j + HALF] = (float)(second - 16) * d;
    }
}

static void encode_q5_0(const float *x, void *dst)
{
    struct block_q5_0 b;
    uint8_t number[BLOCK];
    const float d = farthest(x) / -16.0f, inverse = reciprocal(d);
    b.d = attn_f32_to_f16(d);
    for (int j = 0; j < BLOCK; j++) {
        const float scaled = x[j] * inverse;
        number[j] = (uint8_t)saturate(scaled + 16.5f, 0, 31);
    }
    pack(number, b.qs, b.qh);
    memcpy(dst, &b, sizeof b);
}

static void decode_q5_1(const void *src, float *dst)
{
    struct block_q5_1 b;
    memcpy(&b, src, sizeof b);
    const float d = attn_f16_to_f32(b.d), m = attn_f16_to_f32(b.m);
    const uint32_t fifth = high_bits(b.qh);
    for (int j = 0; j < HALF; j++) {
        const int first = (b.qs[j] & 15) | (int)(fifth >> j & 1) << 4;
        const int second = b.qs[j] >> 4 | (int)(fifth >> (j + HALF) & 1) << 4;
        dst[j] = (float)first * d + m;
        dst[j + HALF] = (float)second * d + m;
    }
}

static void encode_q5_1(const float *x, void *dst)
{
    struct block_q5_1 b;
    uint8_t number[BLOCK];
    float low, high;
    range(x, &low, &high);
    const float d = (high - low) / 31.0f, inverse = reciprocal(d);
    b.d = attn_f32_to_f16(d);
    b.m = attn_f32_to_f16(low);
    for (int j = 0; j < BLOCK; j++) {
        const float scaled = (x[j] - low) * inverse;
        number[j] = (uint8_t)saturate(scaled + 0.5f, 0, 31);
    }
    pack(number, b.qs, b.qh);
    memcpy(dst, &b, sizeof b);
}

/* What the numbers 0..15 of iq4_nl stand for (ggml-common.h, kvalues_iq4nl). */
static const int8_t iq4_nl_values[16] = { -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 };

static void decode_iq4_nl(const void *src, float *dst)
{
    struct block_iq4_nl b;
    memcpy(&b, src, sizeof b);
    const float d = attn_f16_to_f32(b.d);
    for (int j = 0; j < HALF; j++) {
        dst[j] = d * (float)iq4_nl_values[b.qs[j] & 15];
        dst[j + HALF] = d * (float)iq4_nl_values[b.qs[j] >> 4];
    }
}

/* The number whose value is nearest to x, of two the greater. */
static uint8_t nearest_iq4_nl(float x)
{
    uint8_t number = 0;
    while (number < 15 && !(x - (float)iq4_nl_values[number] < (float)iq4_nl_values[number + 1] - x)) {
        number++;
    }
    return number;
}

/* Numbers for the scale that makes the element farthest from zero -127; then the scale with which these numbers come
 * nearest, each weighted by its element's square. */
static void encode_iq4_nl(const float *x, void *dst)
{
    struct block_iq4_nl b = { 0 };
    uint8_t number[BLOCK] = { 0 };
    const float top = farthest(x);
    if (fabsf(top) >= 1e-15f) {
        const float inverse = 1.0f / (top / (float)iq4_nl_values[0]);
        float sum_qx = 0.0f, sum_q2 = 0.0f;
        for (int j = 0; j < BLOCK; j++) {
            number[j] = nearest_iq4_nl(inverse * x[j]);
            const float q = (float)iq4_nl_values[number[j]], weight = x[j] * x[j];
            sum_qx += weight * q * x[j];
            sum_q2 += weight * q * q;
        }
        b.d = attn_f32_to_f16(sum_qx / sum_q2);
    }
    pack(number, b.qs, NULL);
    memcpy(dst, &b, sizeof b);
}

/* ---- The table: a type in ATTN_TYPES that has no decoder, encoder and block struct here does not compile --- */

struct codec {
    void (*decode)(const void *src, int64_t n, float *dst);
    void (*encode)(const float *src, int64_t n, void *dst);
};

/* Whole rows, so that the loop over blocks is compiled for each type. */
#define X(NAME, name, elems, bytes, align, ggml)                                      \
    _Static_assert(sizeof(struct block_##name) == (bytes), "block layout of " #name); \
    _Static_assert((elems) == 1 || (elems) == BLOCK, "block of " #name);              \
    static void decode_row_##name(const void *src, int64_t n, float *dst)             \
    {                                                                                 \
        const char *from = src;                                                       \
        for (int64_t i = 0; i < n; i += (elems), from += (bytes)) {                   \
            decode_##name(from, dst + i);                                             \
        }                                                                             \
    }                                                                                 \
    static void encode_row_##name(const float *src, int64_t n, void *dst)             \
    {                                                                                 \
        char *to = dst;                                                               \
        for (int64_t i = 0; i < n; i += (elems), to += (bytes)) {                     \
            encode_##name(src + i, to);                                               \
        }                                                                             \
    }
ATTN_TYPES(X)
#undef X

static const struct codec codecs[] = {
#define X(NAME, name, elems, bytes, align, ggml) [ATTN_##NAME] = { decode_row_##name, encode_row_##name },
    ATTN_TYPES(X)
#undef X
};
_Static_assert(sizeof codecs / sizeof codecs[0] == ATTN_TYPE_COUNT, "one row a type");

void attn_row_decode(int type, const void *src, int64_t n, float *dst) { codecs[type].decode(src, n, dst); }

void attn_row_encode(int type, const float *src, int64_t n, void *dst) { codecs[type].encode(src, n, dst); }

/* ---- Types of others ----------------------------------------------------------------------------------- */

void attn_tensor_decode(const struct attn_tensor *t, const void *src, int64_t n, float *dst)
{
    if (t->type < ATTN_TYPE_FOREIGN) {
        attn_row_decode(t->type, src, n, dst);
    } else if (t->foreign->to_float) {
        t->foreign->to_float(src, dst, n);
    } else {
        for (int64_t i = 0; i < n; i++) {
            dst[i] = NAN;
        }
    }
}

bool attn_tensor_encode(const struct attn_tensor *t, const float *src, int64_t n, void *dst)
{
    if (t->type < ATTN_TYPE_FOREIGN) {
        attn_row_encode(t->type, src, n, dst);
    } else if (t->foreign->from_float) {
        t->foreign->from_float(src, dst, n);
    } else {
        return false;
    }
    return true;
}
