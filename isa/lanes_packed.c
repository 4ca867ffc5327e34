/* lanes_packed.c: the lane functions of rows/packed.h. Compiled once for any x86-64 and once for x86-64-v3, as
 * lanes_*.c are; packed.h says how they are found.
 *
 * What is assumed, as no document says it: a dot product of floats adds to c in the order of the parts, rounding each
 * time to nearest; those with f32 results take subnormals of c, and give theirs, as zero whatever MODE says (LLVM says
 * so of v_dot2_f32_f16: SIISelLowering, the combine of fma to fdot2).
 *
 * SPDX-License-Identifier: MIT */
#include "isa/packed.h"

#include <math.h>

enum { HALF = 0xFFFF };

static inline float F(uint32_t half) { return isa_f16_to_f32(half); }
/* ---- Operations ------------------------------------------------------------------------------------------ */

/* Greater bits for a greater number; -0 is below +0. */
static inline uint32_t order(uint32_t half) { return half ^ (half & 0x8000 ? HALF : 0x8000); }

static inline uint32_t larger(uint32_t a, uint32_t b, bool wanted) { return (order(a) > order(b)) == wanted ? a : b; }

/* A NaN is passed on. */
static inline uint32_t pick(uint32_t a, uint32_t b, bool wanted)
{
    return isa_nan_f16(a) ? a | 0x200 : isa_nan_f16(b) ? b | 0x200 : larger(a, b, wanted);
}

/* A number is taken before a NaN; in IEEE mode a signalling NaN before all. */
static inline uint32_t pick_number(uint32_t a, uint32_t b, bool wanted, bool ieee)
{
    const bool a_signals = isa_nan_f16(a) && !(a & 0x200), b_signals = isa_nan_f16(b) && !(b & 0x200);
    if (ieee && (a_signals || b_signals))
        return (a_signals ? a : b) | 0x200;
    return isa_nan_f16(a) ? isa_nan_f16(b) ? a | 0x200 : b : isa_nan_f16(b) ? a : larger(a, b, wanted);
}

static inline uint32_t dot2_f16(uint32_t a, uint32_t b, uint32_t c)
{
    float sum = isa_f32(isa_flush_f32(c));
    sum += F(a) * F(b);
    sum += F(a >> 16) * F(b >> 16);
    return isa_flush_f32(isa_f32_bits(sum));
}

static inline uint32_t dot2_bf16(uint32_t a, uint32_t b, uint32_t c)
{
    float sum = isa_f32(isa_flush_f32(c));
    sum += isa_bf16_to_f32(a & HALF) * isa_bf16_to_f32(b & HALF);
    sum += isa_bf16_to_f32(a >> 16) * isa_bf16_to_f32(b >> 16);
    return isa_flush_f32(isa_f32_bits(sum));
}

static inline uint32_t dot4_f8(uint32_t a, int a_mantissa, uint32_t b, int b_mantissa, uint32_t c)
{
    float sum = isa_f32(isa_flush_f32(c));
    for (int bit = 0; bit < 32; bit += 8)
        sum += isa_f8_to_f32(a >> bit, a_mantissa, false) * isa_f8_to_f32(b >> bit, b_mantissa, false);
    return isa_flush_f32(isa_f32_bits(sum));
}

static inline uint32_t dot2_to_f16(uint32_t a, uint32_t b, uint32_t c)
{
    const uint32_t first = isa_f64_to_f16((double)F(a) * (double)F(b) + (double)F(c));
    return isa_f64_to_f16((double)F(a >> 16) * (double)F(b >> 16) + (double)F(first));
}

static inline uint32_t dot2_to_bf16(uint32_t a, uint32_t b, uint32_t c)
{
    const float first = isa_bf16_to_f32(a & HALF) * isa_bf16_to_f32(b & HALF) + isa_bf16_to_f32(c & HALF);
    const float low = isa_bf16_to_f32(isa_f32_to_bf16(first));
    return isa_f32_to_bf16(isa_bf16_to_f32(a >> 16) * isa_bf16_to_f32(b >> 16) + low);
}

/* The part of x that begins at `bit`. */
static inline int64_t part_of(uint32_t x, int bit, int bits, bool is_signed)
{
    const uint32_t high = x << (32 - bits - bit);
    return is_signed ? (int32_t)high >> (32 - bits) : (int64_t)(high >> (32 - bits));
}

/* Integers: the sum is exact; it wraps, or saturates with clamp. c is signed when either operand may be. */
static inline uint32_t dot(uint32_t a, bool a_signed, uint32_t b, bool b_signed, int bits, int64_t c, int clamp)
{
    int64_t sum = c;
    for (int bit = 0; bit < 32; bit += bits)
        sum += part_of(a, bit, bits, a_signed) * part_of(b, bit, bits, b_signed);
    if (clamp == 1)
        sum = sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum;
    else if (clamp == 2)
        sum = sum > UINT32_MAX ? UINT32_MAX : sum;
    return (uint32_t)sum;
}

/* ---- Lane functions, made of the rows -------------------------------------------------------------------- */

#define LANES(name)                                                                                 \
    static void op_##name(const struct isa_packed_how *how, const uint32_t *as, const uint32_t *bs, \
                          const uint32_t *cs, uint32_t *to)

#define X(name, sources, flags, expression)                                              \
    static inline uint32_t half_##name(uint32_t a, uint32_t b, uint32_t c, bool ieee)    \
    {                                                                                    \
        (void)c, (void)ieee;                                                             \
        return (expression) & HALF;                                                      \
    }                                                                                    \
    LANES(name)                                                                          \
    {                                                                                    \
        for (int l = 0; l < ISA_LANES; l++)                                              \
            to[l] = half_##name(as[l] & HALF, bs[l] & HALF, cs[l] & HALF, how->ieee) |   \
                    half_##name(as[l] >> 16, bs[l] >> 16, cs[l] >> 16, how->ieee) << 16; \
    }
ISA_PACKED_F16(X)
#undef X

enum { U16_MIN = 0, U16_MAX = UINT16_MAX, I16_MIN = INT16_MIN, I16_MAX = INT16_MAX };
static inline int64_t from_U16(uint32_t half) { return half & HALF; }
static inline int64_t from_I16(uint32_t half) { return (int16_t)(uint16_t)half; }

#define X(name, TYPE, sources, expression)                                                                     \
    static inline uint32_t half_##name(int64_t a, int64_t b, int64_t c, bool clamp)                            \
    {                                                                                                          \
        (void)c;                                                                                               \
        const int64_t exact = (expression);                                                                    \
        const int64_t bounded = exact < TYPE##_MIN ? TYPE##_MIN : exact > TYPE##_MAX ? TYPE##_MAX : exact;     \
        return (uint32_t)(clamp ? bounded : exact) & HALF;                                                     \
    }                                                                                                          \
    LANES(name)                                                                                                \
    {                                                                                                          \
        for (int l = 0; l < ISA_LANES; l++)                                                                    \
            to[l] = half_##name(from_##TYPE(as[l]), from_##TYPE(bs[l]), from_##TYPE(cs[l]), how->clamp != 0) | \
                    half_##name(from_##TYPE(as[l] >> 16), from_##TYPE(bs[l] >> 16), from_##TYPE(cs[l] >> 16),  \
                                how->clamp != 0)                                                               \
                        << 16;                                                                                 \
    }
ISA_PACKED_INTEGER(X)
#undef X

#define X(name, sources, expression)                                                \
    LANES(name)                                                                     \
    {                                                                               \
        (void)how;                                                                  \
        for (int l = 0; l < ISA_LANES; l++) {                                       \
            const float a = isa_f32(as[l]), b = isa_f32(bs[l]), c = isa_f32(cs[l]); \
            (void)c;                                                                \
            to[l] = isa_f32_bits(expression);                                       \
        }                                                                           \
    }
ISA_PACKED_F32(X)
#undef X

typedef uint32_t c_F32, c_U32;
typedef int32_t c_I32;
#define X(name, flags, type, result, expression)      \
    LANES(name)                                       \
    {                                                 \
        const int clamp = how->clamp, neg = how->neg; \
        (void)clamp, (void)neg;                       \
        for (int l = 0; l < ISA_LANES; l++) {         \
            const uint32_t a = as[l], b = bs[l];      \
            const c_##result c = (c_##result)cs[l];   \
            to[l] = expression;                       \
        }                                             \
    }
ISA_DOT(X)
#undef X
#define X(name, type, expression)                           \
    LANES(name)                                             \
    {                                                       \
        (void)how;                                          \
        for (int l = 0; l < ISA_LANES; l++) {               \
            const uint32_t a = as[l], b = bs[l], c = cs[l]; \
            to[l] = expression;                             \
        }                                                   \
    }
ISA_DOT_HALF(X)
#undef X

/* v_fma_mix: the fused multiply-add of f32. */
static void op_fused(const struct isa_packed_how *how, const uint32_t *as, const uint32_t *bs, const uint32_t *cs,
                     uint32_t *to)
{
    op_v_pk_fma_f32(how, as, bs, cs, to);
}

#define ISA_PASTE_(a, b) a##b
#define ISA_PASTE(a, b) ISA_PASTE_(a, b)
isa_packed_lanes *const ISA_PASTE(isa_packed_, ISA_LEVEL)[] = {
#define X(name, ...) op_##name,
    ISA_PACKED_ALL(X)
#undef X
        op_fused
};
