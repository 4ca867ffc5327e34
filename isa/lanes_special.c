/* lanes_special.c: the lane functions of rows/vector_special.h, and the functions in double precision that they round.
 * These are ours rather than libm's so that they vectorise and give the same bits everywhere.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/lanes.h"

/* 2^a, for what floats hold: 2^whole, exact, times e^(ln 2 * part), the exponential's series to its 13th power (|part|
 * is at most a half: what is left out is below 2^-57 of it). */
LANE_INLINE double exp2_of(double a)
{
    const double in = a < -400 ? -400 : a > 400 ? 400 : a; /* beyond is 0 or infinity in f32, also so */
    const double whole = __builtin_roundeven(in), x = (in - whole) * 0x1.62e42fefa39efp-1;
    double p = 1.0 / 6227020800;
    p = p * x + 1.0 / 479001600;
    p = p * x + 1.0 / 39916800;
    p = p * x + 1.0 / 3628800;
    p = p * x + 1.0 / 362880;
    p = p * x + 1.0 / 40320;
    p = p * x + 1.0 / 5040;
    p = p * x + 1.0 / 720;
    p = p * x + 1.0 / 120;
    p = p * x + 1.0 / 24;
    p = p * x + 1.0 / 6;
    p = p * x + 0.5;
    p = p * x + 1.0;
    p = p * x + 1.0;
    const double r = p * power_F64((int32_t)(nan_F64(whole) ? 0 : whole));
    return nan_F64(a) ? a : r;
}

/* log2 of what floats hold: exponent, and the series of the area hyperbolic tangent for a mantissa within sqrt(2) of 1.
 */
LANE_INLINE double log2_of(double a)
{
    const uint64_t u = bits_F64(a), sqrt_half = UINT64_C(0x3fe6a09e667f3bcd);
    const int64_t exponent = (int64_t)(u - sqrt_half) >> 52;
    const double m = from_F64(u - ((uint64_t)exponent << 52)), s = (m - 1) / (m + 1), z = s * s;
    double p = 1.0 / 23;
    p = p * z + 1.0 / 21;
    p = p * z + 1.0 / 19;
    p = p * z + 1.0 / 17;
    p = p * z + 1.0 / 15;
    p = p * z + 1.0 / 13;
    p = p * z + 1.0 / 11;
    p = p * z + 1.0 / 9;
    p = p * z + 1.0 / 7;
    p = p * z + 1.0 / 5;
    p = p * z + 1.0 / 3;
    p = p * z * s + s;
    const double r = (double)(int32_t)exponent + p * 0x1.71547652b82fep+1;
    return nan_F64(a) ? a : a < 0 ? (double)NAN : a == 0 ? -(double)INFINITY : a == (double)INFINITY ? a : r;
}

/* Sine and cosine of a number of turns. */
LANE_INLINE double sin_turns(double a)
{
    const double part = a - __builtin_roundeven(a), half = copysign(0.5, part);
    const double quarter = fabs(part) > 0.25 ? half - part : part;
    return fabs(a) == (double)INFINITY ? (double)NAN
           : quarter == 0              ? copysign(0, a)
                                       : sin(quarter * 0x1.921fb54442d18p+2);
}
LANE_INLINE double cos_turns(double a)
{
    const double part = fabs(a - __builtin_roundeven(a));
    return fabs(a) == (double)INFINITY ? (double)NAN : sin((0.25 - part) * 0x1.921fb54442d18p+2);
}

/* 53 bits of 2 / pi, those that a reduction of a by the quarter turn needs: part k of them, at their own exponent. Bits
 * below the table's (1201 by the manuals) are 0. */
LANE_INLINE double two_over_pi(double a, uint32_t k)
{
    static const uint64_t bits[20] = {
        UINT64_C(0xa2f9836e4e441529), UINT64_C(0xfc2757d1f534ddc0), UINT64_C(0xdb6295993c439041),
        UINT64_C(0xfe5163abdebbc561), UINT64_C(0xb7246e3a424dd2e0), UINT64_C(0x06492eea09d1921c),
        UINT64_C(0xfe1deb1cb129a73e), UINT64_C(0xe88235f52ebb4484), UINT64_C(0xe99c7026b45f7e41),
        UINT64_C(0x3991d639835339f4), UINT64_C(0x9c845f8bbdf9283b), UINT64_C(0x1ff897ffde05980f),
        UINT64_C(0xef2f118b5a0a6d1f), UINT64_C(0x6d367ecf27cb09b7), UINT64_C(0x4f463f669e5fea2d),
        UINT64_C(0x7527bac7ebe5f17b), UINT64_C(0x3d0739f78a5292ea), UINT64_C(0x6bfb5fb11f8d5d08),
        UINT64_C(0x56033046fc7b6bab),
    };
    const int32_t raw = (int32_t)(bits_F64(a) >> 52 & 0x7ff);
    const int32_t shift = (int32_t)(k & 31) * 53 + (raw > 1077 ? raw - 1077 : 0);
    if (shift > 1201)
        return 0;
    const int32_t word = shift / 64, in = shift % 64;
    const uint64_t next = word < 19 ? bits[word + 1] : 0, top = in ? bits[word] << in | next >> (64 - in) : bits[word];
    return scalbn((double)(top >> 11), -53 - shift + (raw >= 1968 ? 128 : 0));
}

ISA_LANE_TABLE(special, ISA_ROWS_VECTOR_SPECIAL);
