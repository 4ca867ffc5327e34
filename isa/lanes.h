/* lanes.h: what lane functions are written with: the types of lanes, and the operations of the manuals that C has no
 * operator for. Everything is inline and without branches on data where that can be, so that loops over it vectorise.
 *
 * Sources: AMD's instruction set documents ("Vega" 7nm, CDNA3, RDNA2, RDNA3, RDNA4): pseudocode of the VOP
 * instructions.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_LANES_H
#define ATTN_ISA_LANES_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "isa/narrow.h"
#include "isa/vector.h"

#define LANE_INLINE static inline __attribute__((always_inline, unused))

/* ---- Types: ct_T is the C type of ISA_T_T; get_T, put_T move it between lane arrays and values ------------------- */

typedef uint16_t ct_B16, ct_U16;
typedef int16_t ct_I16;
typedef _Float16 ct_F16;
typedef uint32_t ct_B32, ct_U32;
typedef int32_t ct_I32;
typedef float ct_F32;
typedef uint64_t ct_B64, ct_U64;
typedef int64_t ct_I64;
typedef double ct_F64;
typedef bool ct_MASK;
typedef int ct_NONE;

#define LANE_BITS(from, to, name) \
    LANE_INLINE to name(from v)   \
    {                             \
        to r;                     \
        memcpy(&r, &v, sizeof r); \
        return r;                 \
    }
LANE_BITS(float, uint32_t, bits_F32)
LANE_BITS(uint32_t, float, from_F32)
LANE_BITS(double, uint64_t, bits_F64)
LANE_BITS(uint64_t, double, from_F64)
LANE_BITS(_Float16, uint16_t, bits_F16)
LANE_BITS(uint16_t, _Float16, from_F16)

typedef const uint32_t *const lane_source[2];
LANE_INLINE uint16_t get_U16(lane_source s, int l) { return (uint16_t)s[0][l]; }
LANE_INLINE uint16_t get_B16(lane_source s, int l) { return (uint16_t)s[0][l]; }
LANE_INLINE int16_t get_I16(lane_source s, int l) { return (int16_t)s[0][l]; }
LANE_INLINE _Float16 get_F16(lane_source s, int l) { return from_F16((uint16_t)s[0][l]); }
LANE_INLINE uint32_t get_U32(lane_source s, int l) { return s[0][l]; }
LANE_INLINE uint32_t get_B32(lane_source s, int l) { return s[0][l]; }
LANE_INLINE int32_t get_I32(lane_source s, int l) { return (int32_t)s[0][l]; }
LANE_INLINE float get_F32(lane_source s, int l) { return from_F32(s[0][l]); }
LANE_INLINE uint64_t get_U64(lane_source s, int l) { return s[0][l] | (uint64_t)s[1][l] << 32; }
LANE_INLINE uint64_t get_B64(lane_source s, int l) { return get_U64(s, l); }
LANE_INLINE int64_t get_I64(lane_source s, int l) { return (int64_t)get_U64(s, l); }
LANE_INLINE double get_F64(lane_source s, int l) { return from_F64(get_U64(s, l)); }
LANE_INLINE bool get_MASK(lane_source s, int l) { return s[0][l] != 0; }
LANE_INLINE int get_NONE(lane_source s, int l) { return (void)s, (void)l, 0; }

typedef uint32_t *const lane_result[2];
LANE_INLINE void put_U32(lane_result d, int l, uint32_t v) { d[0][l] = v; }
LANE_INLINE void put_B32(lane_result d, int l, uint32_t v) { d[0][l] = v; }
LANE_INLINE void put_I32(lane_result d, int l, int32_t v) { d[0][l] = (uint32_t)v; }
LANE_INLINE void put_F32(lane_result d, int l, float v) { d[0][l] = bits_F32(v); }
LANE_INLINE void put_U16(lane_result d, int l, uint16_t v) { d[0][l] = v; }
LANE_INLINE void put_B16(lane_result d, int l, uint16_t v) { d[0][l] = v; }
LANE_INLINE void put_I16(lane_result d, int l, int16_t v) { d[0][l] = (uint16_t)v; }
LANE_INLINE void put_F16(lane_result d, int l, _Float16 v) { d[0][l] = bits_F16(v); }
LANE_INLINE void put_U64(lane_result d, int l, uint64_t v)
{
    d[0][l] = (uint32_t)v;
    d[1][l] = (uint32_t)(v >> 32);
}
LANE_INLINE void put_B64(lane_result d, int l, uint64_t v) { put_U64(d, l, v); }
LANE_INLINE void put_I64(lane_result d, int l, int64_t v) { put_U64(d, l, (uint64_t)v); }
LANE_INLINE void put_F64(lane_result d, int l, double v) { put_U64(d, l, bits_F64(v)); }
LANE_INLINE void put_MASK(lane_result d, int l, bool v) { d[0][l] = v ? UINT32_MAX : 0; }

#define LANE_CARRY_MASK v.carry[l] = carry
#define LANE_CARRY_NONE (void)carry

/* A row's lane function: a, b, c, e are the sources, `carry` the second destination, the last argument the result. */
#define ISA_LANE_FUNCTION(name, D, D2, A, B, C, E, flags, ...)                     \
    static void lanes_##name(const struct isa_vector *x)                           \
    {                                                                              \
        const struct isa_vector v = *x;                                            \
        const bool ieee = v.ieee, clamp = v.clamp;                                 \
        (void)ieee, (void)clamp;                                                   \
        const int n = v.lanes & (32 | 64);                                         \
        _Pragma("clang loop vectorize(assume_safety)") for (int l = 0; l < n; l++) \
        {                                                                          \
            const ct_##A a = get_##A(v.s[0], l);                                   \
            const ct_##B b = get_##B(v.s[1], l);                                   \
            const ct_##C c = get_##C(v.s[2], l);                                   \
            const ct_##E e = get_##E(v.s[3], l);                                   \
            uint32_t carry = 0;                                                    \
            (void)a, (void)b, (void)c, (void)e;                                    \
            const ct_##D r = (ct_##D)(__VA_ARGS__);                                \
            put_##D(v.d, l, r);                                                    \
            LANE_CARRY_##D2;                                                       \
        }                                                                          \
    }
#define LANE_PASTE_(a, b) a##_##b
#define LANE_PASTE(a, b) LANE_PASTE_(a, b)
#define ISA_LANE_POINTER(name, ...) lanes_##name,
/* Defines a set's functions and its table, for the level that this file is being compiled for. */
#define ISA_LANE_TABLE(set, rows) \
    rows(ISA_LANE_FUNCTION) isa_lanes *const LANE_PASTE(isa_lanes_##set, ISA_LEVEL)[] = { rows(ISA_LANE_POINTER) }

/* ---- Floating point ---------------------------------------------------------------------------------------------- */

LANE_INLINE bool nan_F32(float a) { return a != a; }
LANE_INLINE bool nan_F64(double a) { return a != a; }
LANE_INLINE bool nan_F16(_Float16 a) { return (bits_F16(a) & 0x7fff) > 0x7c00; }
LANE_INLINE float quiet_F32(float a) { return from_F32(bits_F32(a) | UINT32_C(0x00400000)); }
LANE_INLINE double quiet_F64(double a) { return from_F64(bits_F64(a) | UINT64_C(0x0008000000000000)); }
LANE_INLINE _Float16 quiet_F16(_Float16 a) { return from_F16((uint16_t)(bits_F16(a) | 0x0200)); }
LANE_INLINE bool signalling_F32(float a) { return nan_F32(a) && !(bits_F32(a) & UINT32_C(0x00400000)); }
LANE_INLINE bool signalling_F64(double a) { return nan_F64(a) && !(bits_F64(a) & UINT64_C(0x0008000000000000)); }
LANE_INLINE bool signalling_F16(_Float16 a) { return nan_F16(a) && !(bits_F16(a) & 0x0200); }
LANE_INLINE bool minus_F32(float a) { return bits_F32(a) >> 31; }
LANE_INLINE bool minus_F64(double a) { return bits_F64(a) >> 63; }
LANE_INLINE bool minus_F16(_Float16 a) { return bits_F16(a) >> 15; }

/* A subnormal as the zero of its sign: for instructions that know none, whatever MODE says. */
LANE_INLINE float ftz(float a)
{
    const uint32_t u = bits_F32(a);
    return from_F32(u & (u & UINT32_C(0x7f800000) ? UINT32_MAX : UINT32_C(0x80000000)));
}

/* min and max of the manuals: a number wins over a NaN, -0 is less than +0; with MODE.ieee a signalling NaN wins, made
 * quiet. min_num, max_num of gfx12 are the same without MODE.ieee; minimum and maximum give a NaN where one is. */
#define LANE_MIN_MAX(T)                                                                                          \
    LANE_INLINE bool less_##T(ct_##T a, ct_##T b) { return a < b || (a == b && minus_##T(a) && !minus_##T(b)); } \
    LANE_INLINE ct_##T min_##T(ct_##T a, ct_##T b, bool ieee)                                                    \
    {                                                                                                            \
        ct_##T r = less_##T(b, a) ? b : a;                                                                       \
        r = nan_##T(a) ? b : nan_##T(b) ? a : r;                                                                 \
        r = ieee && signalling_##T(b) ? b : r;                                                                   \
        r = ieee && signalling_##T(a) ? a : r;                                                                   \
        return nan_##T(r) ? quiet_##T(r) : r;                                                                    \
    }                                                                                                            \
    LANE_INLINE ct_##T max_##T(ct_##T a, ct_##T b, bool ieee)                                                    \
    {                                                                                                            \
        ct_##T r = less_##T(a, b) ? b : a;                                                                       \
        r = nan_##T(a) ? b : nan_##T(b) ? a : r;                                                                 \
        r = ieee && signalling_##T(b) ? b : r;                                                                   \
        r = ieee && signalling_##T(a) ? a : r;                                                                   \
        return nan_##T(r) ? quiet_##T(r) : r;                                                                    \
    }                                                                                                            \
    LANE_INLINE ct_##T minimum_##T(ct_##T a, ct_##T b)                                                           \
    {                                                                                                            \
        const ct_##T r = less_##T(b, a) ? b : a;                                                                 \
        return nan_##T(a) ? quiet_##T(a) : nan_##T(b) ? quiet_##T(b) : r;                                        \
    }                                                                                                            \
    LANE_INLINE ct_##T maximum_##T(ct_##T a, ct_##T b)                                                           \
    {                                                                                                            \
        const ct_##T r = less_##T(a, b) ? b : a;                                                                 \
        return nan_##T(a) ? quiet_##T(a) : nan_##T(b) ? quiet_##T(b) : r;                                        \
    }                                                                                                            \
    /* The middle of three; of what is left when one is a NaN, the least. */                                     \
    LANE_INLINE ct_##T med_##T(ct_##T a, ct_##T b, ct_##T c, bool ieee)                                          \
    {                                                                                                            \
        const ct_##T low = min_##T(a, b, ieee), high = max_##T(a, b, ieee);                                      \
        const ct_##T middle = max_##T(low, min_##T(high, c, ieee), ieee);                                        \
        return nan_##T(a) || nan_##T(b) || nan_##T(c) ? min_##T(low, c, ieee) : middle;                          \
    }
LANE_MIN_MAX(F32)
LANE_MIN_MAX(F64)
LANE_MIN_MAX(F16)

/* v_cmp_class: which of the ten classes (bits of `classes`) the value is of. */
#define LANE_CLASS(T, U, mantissa)                                                                            \
    LANE_INLINE bool class_##T(ct_##T a, uint32_t classes)                                                    \
    {                                                                                                         \
        const U u = bits_##T(a), sign = (U)(u >> (sizeof(U) * 8 - 1)), m = (U)(u & (((U)1 << mantissa) - 1)); \
        const U top = ((U)1 << (sizeof(U) * 8 - 1 - mantissa)) - 1, exponent = (U)(u >> mantissa & top);      \
        uint32_t at = exponent == top ? (sign ? 2 : 9)                                                        \
                      : exponent      ? (sign ? 3 : 8)                                                        \
                      : m             ? (sign ? 4 : 7)                                                        \
                      : sign          ? 5                                                                     \
                                      : 6;                                                                    \
        at = exponent == top && m ? (uint32_t)(m >> (mantissa - 1) & 1) : at;                                 \
        return classes >> at & 1;                                                                             \
    }
LANE_CLASS(F32, uint32_t, 23)
LANE_CLASS(F64, uint64_t, 52)
LANE_CLASS(F16, uint16_t, 10)

/* A double rounded once to half: by way of a float rounded to odd, which no tie of a half can fool. */
LANE_INLINE float odd_F32(double a)
{
    const float f = (float)a;
    const uint32_t u = bits_F32(f);
    const double back = f, above = fabs(back) - fabs(a);
    /* Towards zero, then the last bit set, wherever the double lies between two floats. */
    const uint32_t odd = (u - (above > 0)) | 1;
    return back == a || nan_F64(a) || (u & UINT32_C(0x7fffffff)) == UINT32_C(0x7f800000) ? f : from_F32(odd);
}
LANE_INLINE _Float16 half_of(double a) { return (_Float16)odd_F32(a); }
LANE_INLINE _Float16 fma_F16(_Float16 a, _Float16 b, _Float16 c)
{
    return half_of((double)(float)a * (double)(float)b + (double)(float)c);
}
/* A float as a half, rounded towards zero. */
LANE_INLINE uint16_t half_rtz(float a)
{
    const uint16_t h = bits_F16((_Float16)a);
    const float more = fabsf((float)from_F16(h)) - fabsf(a);
    return (uint16_t)(h - (more > 0 && !nan_F32(a)));
}
LANE_INLINE double power_F64(int32_t by) { return from_F64((uint64_t)(1023 + (int64_t)by) << 52); }

/* A float as an 8-bit one of `mantissa` bits (3: E4M3, 2: E5M2; narrow.h has their kinds): to nearest even, or, with
 * `chance`, up when the part that is cut off and chance's high bits make a whole. */
LANE_INLINE uint32_t f8_of(float v, int mantissa, bool fnuz, bool saturates, const uint32_t *chance)
{
    const uint32_t sign = bits_F32(v) >> 24 & 0x80, special = fnuz ? 0x80 : mantissa == 3 ? 0x7f | sign : 0;
    const uint32_t largest = fnuz ? 0x7f : mantissa == 3 ? 0x7e : 0x7b;
    if (nan_F32(v))
        return special ? special : 0x7f | sign;
    const int32_t lowest = (mantissa == 3 ? -6 : -14) - fnuz, own = (int32_t)(bits_F32(v) >> 23 & 0xff) - 127;
    const int32_t exponent = own > lowest ? own : lowest;
    const double units = fabs((double)v) * power_F64(mantissa - exponent);
    const double more = chance ? (double)(*chance >> (9 + mantissa)) : 0;
    const double whole = chance ? __builtin_floor(units + more * power_F64(mantissa - 23)) : __builtin_roundeven(units);
    if (own > 15 || (uint32_t)((exponent - lowest) << mantissa) + (uint32_t)whole > largest)
        return saturates ? largest | sign : special ? special : 0x7c | sign;
    const uint32_t code = (uint32_t)((exponent - lowest) << mantissa) + (uint32_t)whole;
    return fnuz && !code ? 0 : code | sign;
}

LANE_INLINE float ldexp_F32(float a, int32_t by)
{
    /* Exact in double; the conversion rounds, once. */
    const int32_t in = by < -300 ? -300 : by > 300 ? 300 : by;
    return (float)((double)a * from_F64((uint64_t)(1023 + (int64_t)in) << 52));
}
LANE_INLINE double ldexp_F64(double a, int32_t by) { return scalbn(a, by); }
LANE_INLINE _Float16 ldexp_F16(_Float16 a, int32_t by)
{
    const int32_t in = by < -80 ? -80 : by > 80 ? 80 : by;
    return half_of((double)(float)a * power_F64(in));
}

/* Mantissa in [0.5, 1) and exponent of v_frexp: an infinity and a NaN stay, with exponent 0. */
LANE_INLINE float mantissa_F32(float a)
{
    const bool subnormal = !(bits_F32(a) & UINT32_C(0x7f800000));
    const uint32_t u = bits_F32(subnormal ? a * 0x1p25f : a);
    const float m = from_F32((u & UINT32_C(0x807fffff)) | UINT32_C(0x3f000000));
    return nan_F32(a) ? quiet_F32(a) : a == 0 || fabsf(a) == INFINITY ? a : m;
}
LANE_INLINE int32_t exponent_F32(float a)
{
    const bool subnormal = !(bits_F32(a) & UINT32_C(0x7f800000));
    const uint32_t u = bits_F32(subnormal ? a * 0x1p25f : a);
    const int32_t at = (int32_t)(u >> 23 & 0xff) - 126 - (subnormal ? 25 : 0);
    return nan_F32(a) || a == 0 || fabsf(a) == INFINITY ? 0 : at;
}
LANE_INLINE double mantissa_F64(double a)
{
    const bool subnormal = !(bits_F64(a) & UINT64_C(0x7ff0000000000000));
    const uint64_t u = bits_F64(subnormal ? a * 0x1p54 : a);
    const double m = from_F64((u & UINT64_C(0x800fffffffffffff)) | UINT64_C(0x3fe0000000000000));
    return nan_F64(a) ? quiet_F64(a) : a == 0 || fabs(a) == INFINITY ? a : m;
}
LANE_INLINE int32_t exponent_F64(double a)
{
    const bool subnormal = !(bits_F64(a) & UINT64_C(0x7ff0000000000000));
    const uint64_t u = bits_F64(subnormal ? a * 0x1p54 : a);
    const int32_t at = (int32_t)(u >> 52 & 0x7ff) - 1022 - (subnormal ? 54 : 0);
    return nan_F64(a) || a == 0 || fabs(a) == INFINITY ? 0 : at;
}

/* What is left above the floor: below 1 always. */
LANE_INLINE float fract_F32(float a)
{
    const float r = a - __builtin_floorf(a);
    return r > 0x1.fffffep-1f ? 0x1.fffffep-1f : r;
}
LANE_INLINE double fract_F64(double a)
{
    const double r = a - __builtin_floor(a);
    return r > 0x1.fffffffffffffp-1 ? 0x1.fffffffffffffp-1 : r;
}
LANE_INLINE _Float16 fract_F16(_Float16 a)
{
    const float r = (float)a - __builtin_floorf((float)a);
    return (_Float16)(r > 0x1.ffcp-1f ? 0x1.ffcp-1f : r);
}

/* ---- Conversions to integers: towards zero, what is outside becomes the nearest there is, NaN 0 ------------------ */

LANE_INLINE int32_t int_of(double a)
{
    const double in = a < -2147483648.0 ? -2147483648.0 : a > 2147483647.0 ? 2147483647.0 : a;
    return nan_F64(a) ? 0 : (int32_t)(nan_F64(a) ? 0 : in);
}
LANE_INLINE uint32_t uint_of(double a)
{
    const double in = a < 0 ? 0 : a > 4294967295.0 ? 4294967295.0 : a;
    return (uint32_t)(int64_t)(nan_F64(a) ? 0 : in);
}
LANE_INLINE int32_t int_of_F32(float a)
{
    const float in = a < -0x1p31f ? -0x1p31f : a > 0x1.fffffep30f ? 0x1.fffffep30f : a;
    const int32_t r = (int32_t)(nan_F32(a) ? 0 : in);
    return a >= 0x1p31f ? INT32_MAX : r;
}
LANE_INLINE uint32_t uint_of_F32(float a)
{
    /* Half of the range is what the signed conversion has. */
    const bool high = a >= 0x1p31f;
    const float in = a > 0 ? (high ? a - 0x1p31f : a) : 0;
    const uint32_t r = (uint32_t)int_of_F32(in) + (high ? UINT32_C(0x80000000) : 0);
    return a >= 0x1p32f ? UINT32_MAX : r;
}
LANE_INLINE int32_t between(int32_t a, int32_t low, int32_t high) { return a < low ? low : a > high ? high : a; }
LANE_INLINE uint16_t snorm16(float a)
{
    const float in = nan_F32(a) ? 0 : a < -1 ? -1 : a > 1 ? 1 : a;
    return (uint16_t)(int16_t)__builtin_roundeven((double)in * 32767);
}
LANE_INLINE uint16_t unorm16(float a)
{
    const float in = nan_F32(a) ? 0 : a < 0 ? 0 : a > 1 ? 1 : a;
    return (uint16_t)(uint32_t)__builtin_roundeven((double)in * 65535);
}

/* ---- Integers ---------------------------------------------------------------------------------------------------- */

LANE_INLINE uint32_t saturate_U32(int64_t a) { return a < 0 ? 0 : a > UINT32_MAX ? UINT32_MAX : (uint32_t)a; }
LANE_INLINE uint32_t saturate_I32(int64_t a)
{
    return (uint32_t)(int32_t)(a < INT32_MIN ? INT32_MIN : a > INT32_MAX ? INT32_MAX : a);
}
LANE_INLINE uint16_t saturate_U16(int32_t a) { return (uint16_t)between(a, 0, UINT16_MAX); }
LANE_INLINE uint16_t saturate_I16(int32_t a) { return (uint16_t)between(a, INT16_MIN, INT16_MAX); }
LANE_INLINE int32_t i24(uint32_t a) { return (int32_t)(a << 8) >> 8; }
LANE_INLINE uint32_t u24(uint32_t a) { return a & UINT32_C(0xffffff); }
LANE_INLINE uint32_t distance(uint32_t a, uint32_t b) { return a > b ? a - b : b - a; }
LANE_INLINE uint32_t bfe_U32(uint32_t a, uint32_t at, uint32_t width)
{
    return (a >> (at & 31)) & ((UINT32_C(1) << (width & 31)) - 1);
}
LANE_INLINE int32_t bfe_I32(uint32_t a, uint32_t at, uint32_t width)
{
    const uint32_t part = bfe_U32(a, at, width), sign = (UINT32_C(1) << (width & 31)) >> 1;
    return (int32_t)((part ^ sign) - sign);
}
/* Bits from the top down to the first that differs from the sign; all ones where none does. */
LANE_INLINE uint32_t first_change(int32_t a)
{
    const uint32_t u = (uint32_t)(a ^ a >> 31);
    return u ? (uint32_t)__builtin_clz(u | !u) : UINT32_MAX;
}
LANE_INLINE uint32_t overflow_add(int64_t a, int64_t b)
{
    const uint64_t r = (uint64_t)a + (uint64_t)b;
    return (uint32_t)((((uint64_t)a ^ r) & ((uint64_t)b ^ r)) >> 63);
}
LANE_INLINE uint32_t lerp_bytes(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t r = 0;
    for (int k = 0; k < 32; k += 8)
        r |= ((a >> k & 0xff) + (b >> k & 0xff) + (c >> k & 1)) >> 1 << k;
    return r;
}
LANE_INLINE uint32_t reverse_bits(uint32_t a)
{
    a = (a >> 1 & UINT32_C(0x55555555)) | (a & UINT32_C(0x55555555)) << 1;
    a = (a >> 2 & UINT32_C(0x33333333)) | (a & UINT32_C(0x33333333)) << 2;
    a = (a >> 4 & UINT32_C(0x0f0f0f0f)) | (a & UINT32_C(0x0f0f0f0f)) << 4;
    return __builtin_bswap32(a);
}
/* One byte of v_perm: of the eight in b:a, or a sign, or a constant. */
LANE_INLINE uint32_t perm_byte(uint64_t data, uint32_t select)
{
    const uint32_t byte = (uint32_t)(data >> (select & 7) * 8) & 0xff;
    const uint32_t sign = (uint32_t)(data >> ((select & 3) * 16 + 15)) & 1 ? 0xff : 0;
    return select >= 13 ? 0xff : select == 12 ? 0 : select >= 8 ? sign : byte;
}
LANE_INLINE uint32_t perm(uint32_t a, uint32_t b, uint32_t select)
{
    const uint64_t data = (uint64_t)a << 32 | b;
    uint32_t r = 0;
    for (int k = 0; k < 4; k++)
        r |= perm_byte(data, select >> 8 * k & 0xff) << 8 * k;
    return r;
}
/* A function of three bits, as a table of eight, on every bit. */
LANE_INLINE uint32_t bitop3(uint32_t a, uint32_t b, uint32_t c, uint32_t table)
{
    uint32_t r = 0;
    for (uint32_t k = 0; k < 8; k++)
        r |= table >> k & 1 ? (k & 4 ? a : ~a) & (k & 2 ? b : ~b) & (k & 1 ? c : ~c) : 0;
    return r;
}
LANE_INLINE uint32_t sad_bytes(uint32_t a, uint32_t b, bool masked)
{
    uint32_t r = 0;
    for (int k = 0; k < 32; k += 8)
        r += masked && !(b >> k & 0xff) ? 0 : distance(a >> k & 0xff, b >> k & 0xff);
    return r;
}

/* ---- Division ---------------------------------------------------------------------------------------------------- */

/* v_div_scale, v_div_fmas, v_div_fixup: the steps of a division that is right for every pair of numbers: numerator or
 * denominator are scaled so that no step of the iteration between leaves the normal numbers; what was scaled is taken
 * back by v_div_fmas. Written for the width: exponent's bias and the mantissa's bits, the scale. */
#define LANE_DIVISION(T, U, FRACTION, TOP, NEAR, SCALE, TINY, LDEXP)                                                   \
    LANE_INLINE int32_t raw_exponent_##T(ct_##T a) { return (int32_t)(bits_##T(a) >> FRACTION & TOP); }                \
    LANE_INLINE ct_##T div_scale_##T(ct_##T a, ct_##T den, ct_##T num, uint32_t *scaled)                               \
    {                                                                                                                  \
        const int32_t n = raw_exponent_##T(num), d = raw_exponent_##T(den);                                            \
        const bool zero = num == 0 || den == 0, is_den = bits_##T(a) == bits_##T(den);                                 \
        const bool is_num = bits_##T(a) == bits_##T(num), tiny_den = d == 0;                                           \
        /* 1 / den and num / den below the normal numbers; a quotient whose exponent is at the border counts by value. \
         */                                                                                                            \
        const bool tiny_rcp =                                                                                          \
            d >= TOP - 2 && d < TOP && (d > TOP - 2 || (bits_##T(den) << (sizeof(U) * 8 - FRACTION)));                 \
        const bool tiny_quotient = num != 0 && below_normal_##T(num, den);                                             \
        *scaled = !zero && (n - d >= NEAR || (!tiny_den && tiny_quotient));                                            \
        int32_t by = 0;                                                                                                \
        if (n - d >= NEAR)                                                                                             \
            by = is_den ? SCALE : 0;                                                                                   \
        else if (tiny_den)                                                                                             \
            by = SCALE;                                                                                                \
        else if (tiny_rcp && tiny_quotient)                                                                            \
            by = is_den ? -SCALE : 0;                                                                                  \
        else if (tiny_rcp)                                                                                             \
            by = -SCALE;                                                                                               \
        else if (tiny_quotient)                                                                                        \
            by = is_num ? SCALE : 0;                                                                                   \
        else if (n <= TINY)                                                                                            \
            by = SCALE;                                                                                                \
        return zero ? (ct_##T)NAN : LDEXP(a, by);                                                                      \
    }                                                                                                                  \
    LANE_INLINE ct_##T div_fixup_##T(ct_##T q, ct_##T den, ct_##T num)                                                 \
    {                                                                                                                  \
        const bool minus = minus_##T(den) != minus_##T(num);                                                           \
        const bool num_inf = raw_exponent_##T(num) == TOP, den_inf = raw_exponent_##T(den) == TOP;                     \
        ct_##T r = q < 0 || minus_##T(q) ? -q : q;                                                                     \
        r = raw_exponent_##T(num) - raw_exponent_##T(den) < -(TOP / 2 + FRACTION) ? 0 : r;                             \
        /* The steps between give a NaN where they overflow. */                                                        \
        r = nan_##T(q) ? (ct_##T)INFINITY : r;                                                                         \
        r = den_inf || num == 0 ? 0 : r;                                                                               \
        r = den == 0 || num_inf ? (ct_##T)INFINITY : r;                                                                \
        r = minus ? -r : r;                                                                                            \
        r = (den == 0 && num == 0) || (den_inf && num_inf) ? (ct_##T)NAN : r;                                          \
        r = nan_##T(den) ? quiet_##T(den) : r;                                                                         \
        return nan_##T(num) ? quiet_##T(num) : r;                                                                      \
    }
LANE_INLINE bool below_normal_F32(float num, float den) { return fabs((double)num / (double)den) < 0x1p-126; }
LANE_INLINE bool below_normal_F64(double num, double den)
{
    /* In a format of wider exponents: the quotient's exponent, then mantissas where it is at the border. */
    const int32_t at = exponent_F64(num) - exponent_F64(den);
    const bool less = fabs(mantissa_F64(num)) < fabs(mantissa_F64(den));
    return fabs(num) < INFINITY && fabs(den) < INFINITY && (at - less) < -1022;
}
LANE_DIVISION(F32, uint32_t, 23, 0xff, 96, 64, 23, ldexp_F32)
LANE_INLINE double scale_F64(double a, int32_t by) { return a * power_F64(by); }
LANE_DIVISION(F64, uint64_t, 52, 0x7ff, 768, 128, 53, scale_F64)

/* What v_div_scale scaled, taken back: the exponent of the third operand, the quotient so far, says which way. There is
 * one rounding, that of the scaled result: it may be subnormal. */
LANE_INLINE float div_fmas_F32(float a, float b, float c, bool scaled)
{
    const double product = (double)a * (double)b, sum = product + (double)c, low = sum - product;
    const double lost = (product - (sum - low)) + ((double)c - low); /* what the sum's rounding took */
    /* The sum rounded to odd, which a second rounding cannot be misled by. */
    const uint64_t u = bits_F64(sum);
    const uint64_t odd = u & 1 ? u : (lost > 0) == (sum > 0) ? u + 1 : u - 1;
    const double exact = lost == 0 || nan_F64(lost) ? sum : from_F64(odd);
    const float r = (float)(exact * (raw_exponent_F32(c) > 127 ? 0x1p64 : 0x1p-64));
    return scaled ? r : __builtin_fmaf(a, b, c);
}
LANE_INLINE double div_fmas_F64(double a, double b, double c, bool scaled)
{
    const double r = __builtin_fma(a, b, c);
    if (!scaled)
        return r;
    if (raw_exponent_F64(c) > 1023)
        return r * 0x1p128;
    /* The error of the fma (Boldo and Muller), and what scaling to a subnormal takes: where that is a tie, the error's
     * sign decides. */
    const double u = a * b, u_low = __builtin_fma(a, b, -u);
    const double t = c + u_low, t1 = t - c, t_low = (c - (t - t1)) + (u_low - t1);
    const double s = u + t, s1 = s - u, s_low = (u - (s - s1)) + (t - s1);
    const double error = ((s - r) + s_low) + t_low;
    const double small = r * 0x1p-128, rest = r - small * 0x1p128;
    if (rest == 0x1p-947 && error > 0)
        return small + 0x1p-1074;
    if (rest == -0x1p-947 && error < 0)
        return small - 0x1p-1074;
    return small;
}
LANE_INLINE _Float16 div_fixup_F16(_Float16 q, _Float16 den, _Float16 num)
{
    const bool minus = minus_F16(den) != minus_F16(num);
    const float n = (float)num, d = (float)den, size = fabsf((float)q);
    float r = d == 0 || fabsf(n) == INFINITY   ? INFINITY
              : fabsf(d) == INFINITY || n == 0 ? 0
              : size != size                   ? INFINITY
                                               : size;
    r = (d == 0 && n == 0) || (fabsf(d) == INFINITY && fabsf(n) == INFINITY) ? NAN : minus ? -r : r;
    return nan_F16(num) ? quiet_F16(num) : nan_F16(den) ? quiet_F16(den) : (_Float16)r;
}

#endif
