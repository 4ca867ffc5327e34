/* narrow.h: floats of 16 and 8 bits from and to f32, on their bits, without branches so that loops over lanes become
 * vector code. NaNs keep what of their payload fits.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_NARROW_H
#define ATTN_ISA_NARROW_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline float isa_f32(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

static inline uint32_t isa_f32_bits(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, 4);
    return bits;
}

static inline double isa_f64(uint64_t bits)
{
    double f;
    memcpy(&f, &bits, 8);
    return f;
}

static inline uint64_t isa_f64_bits(double f)
{
    uint64_t bits;
    memcpy(&bits, &f, 8);
    return bits;
}

/* The low 16 bits count. The exponent is moved by a multiplication, which makes subnormals right as well. */
static inline float isa_f16_to_f32(uint32_t h)
{
    const uint32_t magnitude = (h & 0x7FFF) << 13;
    const uint32_t moved = isa_f32_bits(isa_f32(magnitude) * 0x1p112f);
    return isa_f32(moved | (magnitude >= 0x7C00u << 13 ? 0x7F800000u : 0) | (h & 0x8000) << 16);
}

/* To nearest, ties to even. A sum with one half puts a subnormal's last place at f32's last place. */
static inline uint32_t isa_f32_to_f16(float f)
{
    const uint32_t bits = isa_f32_bits(f), sign = bits >> 16 & 0x8000, x = bits & 0x7FFFFFFF;
    const uint32_t normal = (x - 0x38000000u + 0xFFF + (x >> 13 & 1)) >> 13;
    const uint32_t tiny = isa_f32_bits(isa_f32(x) + 0.5f) - 0x3F000000u;
    uint32_t h = x < 0x38800000u ? tiny : normal;
    h = x >= 0x47800000u ? 0x7C00 : h;
    h = x > 0x7F800000u ? 0x7E00 | (x >> 13 & 0x1FF) : h;
    return h | sign;
}

/* To nearest, ties to even, in one step. */
static inline uint32_t isa_f64_to_f16(double d)
{
    const uint64_t bits = isa_f64_bits(d);
    /* Rounded to odd at f32's 24 bits, of which f16's 11 are less than half: the second rounding is then right. */
    const float nearest = (float)d;
    uint32_t f = isa_f32_bits(nearest);
    const double back = nearest;
    const bool inexact = back != d && d == d && (f & 0x7F800000) != 0x7F800000;
    const bool away = (back > d) == !(bits >> 63);
    f -= inexact && away; /* towards zero */
    f |= inexact;
    return isa_f32_to_f16(isa_f32(f));
}

static inline float isa_bf16_to_f32(uint32_t h) { return isa_f32(h << 16); }

/* To nearest, ties to even. */
static inline uint32_t isa_f32_to_bf16(float f)
{
    const uint32_t x = isa_f32_bits(f);
    const uint32_t rounded = (x + 0x7FFF + (x >> 16 & 1)) >> 16;
    return (x & 0x7FFFFFFF) > 0x7F800000u ? x >> 16 | 0x40 : rounded;
}

/* f8 with `mantissa` bits (3: E4M3, 2: E5M2). OCP 8-bit Floating Point Specification: E4M3 has no infinity and is NaN
 * where all bits below the sign are set; E5M2 is as IEEE 754. fnuz (gfx942; CDNA3 ISA, "Data types"): bias one more, no
 * negative zero, whose bits are the only NaN. */
static inline float isa_f8_to_f32(uint32_t b, int mantissa, bool fnuz)
{
    b &= 0xFF;
    const uint32_t magnitude = b & 0x7F;
    /* The exponent of four or five bits is moved to f16's or f32's place and its bias made good by a factor. */
    const float scale = mantissa == 3 ? fnuz ? 0x1p119f : 0x1p120f : fnuz ? 0x1p111f : 0x1p112f;
    float f = isa_f32(magnitude << (23 - mantissa)) * scale;
    if (fnuz ? b == 0x80 : mantissa == 3 ? magnitude == 0x7F : magnitude > 0x7C)
        return isa_f32(0x7FC00000u);
    if (!fnuz && mantissa == 2 && magnitude == 0x7C)
        f = isa_f32(0x7F800000u);
    return isa_f32(isa_f32_bits(f) | (b & 0x80) << 24);
}

#endif
