/* program.h: what generated programs (isa_programs.py) are written with, for an AMD GPU and for the CPU.
 *
 * A program is a workgroup of THREADS. Between what crosses lanes it is a sequence of EACH blocks, which each thread
 * runs by itself: on the GPU they are blocks, on the CPU loops over the threads; a variable is an array there.
 * Nothing of it has undefined behaviour: shifts are masked, divisions guarded, conversions saturate, NaNs get into
 * integers only through what makes them all the same.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_PROGRAM_H
#define ATTN_ISA_PROGRAM_H

typedef signed char i8;
typedef unsigned char u8;
typedef short i16;
typedef unsigned short u16;
typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;
typedef _Float16 f16;
typedef float f32;
typedef double f64;
typedef f16 h2 __attribute__((ext_vector_type(2)));
typedef u16 s2 __attribute__((ext_vector_type(2)));
typedef f32 f2 __attribute__((ext_vector_type(2)));

enum { THREADS = 128, INPUTS = 16, OUTPUTS = 16 };

#ifdef ON_CPU
#define FN static __attribute__((noinline))
#define HELP static inline __attribute__((always_inline, unused))
#define PROGRAM(name) extern "C" void name(const u64 *in, u64 *out, int wave)
#define BEGIN (void)wave;
#define VAR(T, x) T x[THREADS]
#define V(x) x[t]
#define EACH for (int t = 0; t < THREADS; t++)
#define SHARED(T, x) static T x[THREADS]
#define BARRIER
#define CROSS(T, to, from, lane)                                  \
    {                                                             \
        T crossed[THREADS];                                       \
        for (int t = 0; t < THREADS; t++)                         \
            crossed[t] = from[t / wave * wave + ((lane) % wave)]; \
        for (int t = 0; t < THREADS; t++)                         \
            to[t] = crossed[t];                                   \
    }
#define SHUFFLE(T, to, from, lane) CROSS(T, to, from, (lane) & (wave - 1))
#define SWIZZLE(T, to, from, mask) CROSS(T, to, from, t ^ (mask))
#define FROM_LANE(T, to, from, lane) CROSS(T, to, from, lane)
#define FROM_FIRST(T, to, from) CROSS(T, to, from, 0)
#define BALLOT(to, condition)                                          \
    {                                                                  \
        u64 votes[THREADS] = { 0 };                                    \
        for (int t = 0; t < THREADS; t++)                              \
            votes[t / wave] |= (u64)((condition) ? 1 : 0) << t % wave; \
        for (int t = 0; t < THREADS; t++)                              \
            to[t] = votes[t / wave];                                   \
    }
/* The lane of the row of 16 that a DPP control takes from; -1: none. */
static inline int dpp_lane(int lane, int control)
{
    const int row = lane & ~15, in_row = lane & 15, n = control & 15;
    if (control < 0x100)
        return (lane & ~3) | (control >> 2 * (lane & 3) & 3);
    if (control == 0x140)
        return row | (15 - in_row);
    if (control == 0x141)
        return lane ^ 7;
    if (control >> 4 == 0x12)
        return row | ((in_row - n) & 15);
    const int from = control >> 4 == 0x10 ? in_row + n : in_row - n;
    return from < 0 || from > 15 ? -1 : row | from;
}
#define DPP(to, old, from, control, rows, banks, bounded)                                          \
    {                                                                                              \
        u32 crossed[THREADS];                                                                      \
        for (int t = 0; t < THREADS; t++) {                                                        \
            const int lane = dpp_lane(t, control);                                                 \
            const int on = ((rows) >> (t / 16 % (wave / 16)) & 1) && ((banks) >> (t / 4 % 4) & 1); \
            crossed[t] = !on ? old[t] : lane >= 0 ? from[lane] : (bounded) ? 0u : old[t];          \
        }                                                                                          \
        for (int t = 0; t < THREADS; t++)                                                          \
            to[t] = crossed[t];                                                                    \
    }
#define ATOMIC(operation, place, value) operation##_plain(&(place), value)
#else
#define FN static __attribute__((device, noinline))
#define HELP static inline __attribute__((device, always_inline, unused))
#define PROGRAM(name) extern "C" __attribute__((global)) void name(const u64 *in, u64 *out)
#define BEGIN const int t = __builtin_amdgcn_workitem_id_x();
#define VAR(T, x) T x
#define V(x) x
#define EACH
#define SHARED(T, x) static __attribute__((shared)) T x[THREADS]
#define BARRIER                                            \
    __builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup"); \
    __builtin_amdgcn_s_barrier();                          \
    __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
#define SHUFFLE(T, to, from, lane) \
    to = by_words(from, [=](u32 x) { return (u32)__builtin_amdgcn_ds_bpermute(((lane) & (WAVE - 1)) * 4, (int)x); });
#define SWIZZLE(T, to, from, mask) \
    to = by_words(from, [](u32 x) { return (u32)__builtin_amdgcn_ds_swizzle((int)x, 0x1f | (mask) << 10); });
#define FROM_LANE(T, to, from, lane) \
    to = by_words(from, [](u32 x) { return (u32)__builtin_amdgcn_readlane((int)x, lane); });
#define FROM_FIRST(T, to, from) to = by_words(from, [](u32 x) { return (u32)__builtin_amdgcn_readfirstlane((int)x); });
#if WAVE == 64
#define BALLOT(to, condition) to = __builtin_amdgcn_ballot_w64(condition);
#else
#define BALLOT(to, condition) to = __builtin_amdgcn_ballot_w32(condition);
#endif
#define DPP(to, old, from, control, rows, banks, bounded) \
    to = (u32)__builtin_amdgcn_update_dpp((int)old, (int)from, control, rows, banks, bounded);
#define ATOMIC(operation, place, value) \
    __hip_atomic_fetch_##operation(&(place), value, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_AGENT)
#endif

#define IN(k) in[t * INPUTS + (k)]
#define OUT(k) out[t * OUTPUTS + (k)]
/* Behind the threads' own: one for all, that atomics may add to. */
#define COMMON(k) out[THREADS * OUTPUTS + (k)]

template <class To, class From> HELP To bits(From from)
{
    static_assert(sizeof(To) == sizeof(From), "as many bits");
    return __builtin_bit_cast(To, from);
}

#ifdef ON_CPU
template <class T> HELP void add_plain(T *at, T value) { *at = (T)(*at + value); }
template <class T> HELP void or_plain(T *at, T value) { *at |= value; }
template <class T> HELP void xor_plain(T *at, T value) { *at ^= value; }
template <class T> HELP void and_plain(T *at, T value) { *at &= value; }
template <class T> HELP void max_plain(T *at, T value) { *at = *at > value ? *at : value; }
template <class T> HELP void min_plain(T *at, T value) { *at = *at < value ? *at : value; }
#else
template <class T, class F> HELP T by_words(T value, F f)
{
    if constexpr (sizeof(T) == 8) {
        const u64 v = bits<u64>(value);
        return bits<T>((u64)f((u32)v) | (u64)f((u32)(v >> 32)) << 32);
    } else if constexpr (sizeof(T) == 4) {
        return bits<T>(f(bits<u32>(value)));
    } else if constexpr (sizeof(T) == 2) {
        return bits<T>((u16)f(bits<u16>(value)));
    } else {
        return bits<T>((u8)f(bits<u8>(value)));
    }
}
#endif

/* ---- What a thread computes with --------------------------------------------------------------------------- */

template <class T> HELP T of(u64 v) { return (T)v; }
template <> HELP f16 of<f16>(u64 v)
{
    const f16 x = bits<f16>((u16)v);
    return x != x ? bits<f16>((u16)0x7e00) : x;
}
template <> HELP f32 of<f32>(u64 v)
{
    const f32 x = bits<f32>((u32)v);
    return x != x ? bits<f32>(0x7fc00000u) : x;
}
template <> HELP f64 of<f64>(u64 v)
{
    const f64 x = bits<f64>(v);
    return x != x ? bits<f64>(0x7ff8000000000000ull) : x;
}
template <> HELP h2 of<h2>(u64 v) { return (h2){ of<f16>(v), of<f16>(v >> 16) }; }
template <> HELP s2 of<s2>(u64 v) { return (s2){ (u16)v, (u16)(v >> 16) }; }
template <> HELP f2 of<f2>(u64 v) { return (f2){ of<f32>(v), of<f32>(v >> 32) }; }

/* A value for comparing: all NaNs are one. */
template <class T> HELP u64 seen(T v) { return (u64)v; }
template <> HELP u64 seen<f16>(f16 x) { return x != x ? 0x7e00 : bits<u16>(x); }
template <> HELP u64 seen<f32>(f32 x) { return x != x ? 0x7fc00000u : bits<u32>(x); }
template <> HELP u64 seen<f64>(f64 x) { return x != x ? 0x7ff8000000000000ull : bits<u64>(x); }
template <> HELP u64 seen<h2>(h2 x) { return seen<f16>(x.x) | seen<f16>(x.y) << 16; }
template <> HELP u64 seen<s2>(s2 x) { return (u64)x.x | (u64)x.y << 16; }
template <> HELP u64 seen<f2>(f2 x) { return seen<f32>(x.x) | seen<f32>(x.y) << 32; }

template <class T> HELP T shl(T a, u32 n) { return (T)(a << (n & (sizeof(T) * 8 - 1))); }
template <class T> HELP T shr(T a, u32 n) { return (T)(a >> (n & (sizeof(T) * 8 - 1))); }
template <class T> HELP T quotient(T a, T b) { return b == 0 || b == (T)-1 ? a : (T)(a / b); }
template <class T> HELP T rest(T a, T b) { return b == 0 || b == (T)-1 ? b : (T)(a % b); }
template <class T> HELP T turn(T a, u32 n)
{
    const u32 size = sizeof(T) * 8, k = n & (size - 1);
    const u64 all = sizeof(T) == 8 ? ~0ull : (1ull << (size & 63)) - 1, v = (u64)a & all;
    return (T)(k ? v << k | v >> (size - k) : v);
}
template <class T> HELP T leading(T a)
{
    const u64 all = sizeof(T) == 8 ? ~0ull : (1ull << (sizeof(T) * 8 & 63)) - 1, v = (u64)a & all;
    return (T)(v ? __builtin_clzll(v) - (64 - (int)sizeof(T) * 8) : (int)sizeof(T) * 8);
}
template <class T> HELP T leading32(T a) { return (T)((u32)a ? __builtin_clz((u32)a) : 32); }
template <class T> HELP T trailing(T a) { return (T)((u32)a ? __builtin_ctz((u32)a) : 32); }
template <class T> HELP T mulhi(T a, T b) { return (T)((i64)a * (i64)b >> sizeof(T) * 8); }
template <> HELP u32 mulhi<u32>(u32 a, u32 b) { return (u32)((u64)a * b >> 32); }
template <> HELP u64 mulhi<u64>(u64 a, u64 b) { return (u64)((unsigned __int128)a * b >> 64); }
template <> HELP i64 mulhi<i64>(i64 a, i64 b) { return (i64)((__int128)a * b >> 64); }
template <class T> HELP T field(T a, u32 from, u32 size)
{
    return (T)((u32)a >> (from & 31) & ((1u << (size & 31)) - 1));
}
template <class T> HELP T choose(bool c, T a, T b) { return c ? a : b; }

/* Minimum and maximum; of zeros of both signs the positive one. */
template <class T> HELP T least(T a, T b) { return __builtin_elementwise_min(a, b); }
template <class T> HELP T most(T a, T b) { return __builtin_elementwise_max(a, b); }
template <> HELP f16 least<f16>(f16 a, f16 b) { return __builtin_elementwise_min(a, b) + (f16)0; }
template <> HELP f16 most<f16>(f16 a, f16 b) { return __builtin_elementwise_max(a, b) + (f16)0; }
template <> HELP f32 least<f32>(f32 a, f32 b) { return __builtin_elementwise_min(a, b) + 0.0f; }
template <> HELP f32 most<f32>(f32 a, f32 b) { return __builtin_elementwise_max(a, b) + 0.0f; }
template <> HELP f64 least<f64>(f64 a, f64 b) { return __builtin_elementwise_min(a, b) + 0.0; }
template <> HELP f64 most<f64>(f64 a, f64 b) { return __builtin_elementwise_max(a, b) + 0.0; }
template <> HELP h2 least<h2>(h2 a, h2 b) { return __builtin_elementwise_min(a, b) + (h2)0; }
template <> HELP h2 most<h2>(h2 a, h2 b) { return __builtin_elementwise_max(a, b) + (h2)0; }

template <class T> HELP T signed_as(T a, T b) { return __builtin_elementwise_copysign(a, b != b ? (T)1 : b); }
HELP f32 fused(f32 a, f32 b, f32 c) { return __builtin_fmaf(a, b, c); }
HELP f64 fused(f64 a, f64 b, f64 c) { return __builtin_fma(a, b, c); }
HELP f32 root(f32 a) { return __builtin_sqrtf(a); }
HELP f64 root(f64 a) { return __builtin_sqrt(a); }

/* To an integer: toward zero, to the nearest that there is, NaN to 0. */
template <class T, class F> HELP T whole(F x)
{
    const F bound = (F)(1ull << (sizeof(T) * 8 - 2)) * (F)((T)-1 < 0 ? 2 : 4);
    const T least_of = (T)-1 < 0 ? (T)(1ull << (sizeof(T) * 8 - 1)) : 0, most_of = (T)~least_of;
    if (!(x > ((T)-1 < 0 ? -bound : (F)-1)))
        return x != x ? (T)0 : least_of;
    return x < bound ? (T)x : most_of;
}
template <class T> HELP T whole_f16(f16 x) { return sizeof(T) < 2 ? whole<T>(x) : whole<T>((f32)x); }

#endif
