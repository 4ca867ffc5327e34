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

ISA_LANE_TABLE(special, ISA_ROWS_VECTOR_SPECIAL);
