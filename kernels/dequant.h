/* dequant.h: reading elements of every KV type as f32, the one loader table that all kernels share.
 *
 * A type is one struct, attn_loader<TYPE, WIDE>, with these functions:
 *   raw fetch(row, d)        the bytes of elements d .. d+7 (d a multiple of 8), without using them, so that
 *                            several fetches can be in flight before the first one is decoded
 *   decode(raw, out)         those eight elements as f32
 *   decode_unscaled(raw, out)   the same without the factor that scale(raw) gives, for who multiplies sums of them
 *                            instead; the factor is 1 where SCALED is false
 *   float at(row, d)         one element at any index; loads no more than the element's own block needs
 * WIDE: every row starts at a multiple of 16 bytes (plans with load_k, load_v == 16), so that rows of the plain
 * types are read 16 bytes at once. Otherwise, and always for the quantised types, whose blocks are multiples
 * of 2 or 4 bytes only, loads are declared with the alignment they have: the compiler makes one wide load of it
 * where the hardware allows that (AMD, x86) and small ones where it does not (NVIDIA).
 *
 * attn_with_loader turns the run-time type into a loader: a branch that is the same for the whole grid, around
 * code that is specialised for the type.
 *
 * Block layouts: ggml, ggml-common.h (block_q4_0, block_q4_1, block_q5_0, block_q5_1, block_q8_0, block_iq4_nl). In
 * the 4 and 5 bit types the low nibbles are elements 0..15, the high nibbles 16..31 and bit e of `qh` is the fifth bit
 * of element e.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_DEQUANT_H
#define ATTN_DEQUANT_H

#include "planner/attn_planner.h"
#include "kernels/simt/simt.h"

/* A load of T from an address that is a multiple of ALIGN only. */
template <class T, int ALIGN> static __device__ __forceinline__ T attn_load_aligned(const char *p)
{
    struct __attribute__((packed, aligned(ALIGN))) place {
        T value;
    };
    return reinterpret_cast<const place *>(p)->value;
}

/* A store of four floats to an address that is a multiple of 4 only, as dst's are. */
static __device__ __forceinline__ void attn_store_f32x4(float *p, simt_f32x4 value)
{
    struct __attribute__((packed, aligned(4))) place {
        simt_f32x4 value;
    };
    reinterpret_cast<place *>(p)->value = value;
}

static __device__ __forceinline__ float attn_float_of_bits(uint32_t bits)
{
    float value;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- Plain types: eight elements are 16 or 32 consecutive bytes ---------------------------------------- */

/* N 32-bit words from p, 16 bytes at once when WIDE, else by 8 with the type's alignment. */
template <int N, bool WIDE, int ALIGN>
static __device__ __forceinline__ void attn_load_words(const char *p, uint32_t (&w)[N])
{
    if constexpr (WIDE) {
#pragma unroll
        for (int i = 0; i < N; i += 4) {
            const simt_u32x4 v = simt_load<simt_u32x4>(p + 4 * i);
            w[i] = v[0];
            w[i + 1] = v[1];
            w[i + 2] = v[2];
            w[i + 3] = v[3];
        }
    } else {
#pragma unroll
        for (int i = 0; i < N; i += 2) {
            const uint64_t v = attn_load_aligned<uint64_t, ALIGN>(p + 4 * i);
            w[i] = (uint32_t)v;
            w[i + 1] = (uint32_t)(v >> 32);
        }
    }
}

template <int TYPE, bool WIDE> struct attn_loader;

/* What loaders share whose elements have no common factor. */
template <class LOADER> struct attn_loader_unscaled {
    static constexpr bool SCALED = false;
    template <class RAW> static __device__ __forceinline__ void decode_unscaled(const RAW &r, float (&out)[8])
    {
        LOADER::decode(r, out);
    }
    template <class RAW> static __device__ __forceinline__ float scale(const RAW &) { return 1.0f; }
};

template <bool WIDE> struct attn_loader<ATTN_F32, WIDE> : attn_loader_unscaled<attn_loader<ATTN_F32, WIDE>> {
    struct raw {
        uint32_t w[8];
    };
    static __device__ __forceinline__ raw fetch(const char *row, int64_t d)
    {
        raw r;
        attn_load_words<8, WIDE, 4>(row + 4 * d, r.w);
        return r;
    }
    static __device__ __forceinline__ void decode(const raw &r, float (&out)[8])
    {
#pragma unroll
        for (int i = 0; i < 8; i++)
            out[i] = attn_float_of_bits(r.w[i]);
    }
    static __device__ __forceinline__ float at(const char *row, int64_t d) { return simt_load<float>(row + 4 * d); }
};

/* f16 and bf16 differ in the widening of one element only. */
template <bool WIDE, bool BF16> struct attn_loader_half : attn_loader_unscaled<attn_loader_half<WIDE, BF16>> {
    struct raw {
        uint32_t w[4];
    };
    static __device__ __forceinline__ float widen(uint32_t bits)
    {
        if constexpr (BF16)
            return simt_bf16_to_f32((uint16_t)bits);
        else
            return simt_f16_to_f32((uint16_t)bits);
    }
    static __device__ __forceinline__ raw fetch(const char *row, int64_t d)
    {
        raw r;
        attn_load_words<4, WIDE, 2>(row + 2 * d, r.w);
        return r;
    }
    static __device__ __forceinline__ void decode(const raw &r, float (&out)[8])
    {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            out[2 * i] = widen(r.w[i] & 0xffffu);
            out[2 * i + 1] = widen(r.w[i] >> 16);
        }
    }
    static __device__ __forceinline__ float at(const char *row, int64_t d)
    {
        return widen(simt_load<uint16_t>(row + 2 * d));
    }
};

template <bool WIDE> struct attn_loader<ATTN_F16, WIDE> : attn_loader_half<WIDE, false> {
};
template <bool WIDE> struct attn_loader<ATTN_BF16, WIDE> : attn_loader_half<WIDE, true> {
};

/* ---- Quantised types: blocks of 32 elements ------------------------------------------------------------ */

template <bool WIDE> struct attn_loader<ATTN_Q8_0, WIDE> {
    enum { BYTES = 34, QUANTS = 2 };
    static constexpr bool SCALED = true;
    struct raw {
        uint32_t low, high; /* eight signed bytes */
        uint16_t scale;
    };
    static __device__ __forceinline__ raw fetch(const char *row, int64_t d)
    {
        const char *block = row + (d >> 5) * BYTES;
        raw r;
        const uint64_t quants = attn_load_aligned<uint64_t, 2>(block + QUANTS + (d & 31));
        r.scale = simt_load<uint16_t>(block);
        r.low = (uint32_t)quants;
        r.high = (uint32_t)(quants >> 32);
        return r;
    }
    static __device__ __forceinline__ float quant(const raw &r, int i)
    {
        return (float)(int8_t)(uint8_t)((i < 4 ? r.low : r.high) >> (8 * (i & 3)));
    }
    static __device__ __forceinline__ float scale(const raw &r) { return simt_f16_to_f32(r.scale); }
    static __device__ __forceinline__ void decode_unscaled(const raw &r, float (&out)[8])
    {
#pragma unroll
        for (int i = 0; i < 8; i++)
            out[i] = quant(r, i);
    }
    static __device__ __forceinline__ void decode(const raw &r, float (&out)[8])
    {
        const float factor = scale(r);
#pragma unroll
        for (int i = 0; i < 8; i++)
            out[i] = factor * quant(r, i);
    }
    static __device__ __forceinline__ float at(const char *row, int64_t d)
    {
        const char *block = row + (d >> 5) * BYTES;
        return simt_f16_to_f32(simt_load<uint16_t>(block)) * (float)simt_load<int8_t>(block + QUANTS + (d & 31));
    }
};

/* Which of its sixteen values (ggml-common.h, kvalues_iq4nl: -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38,
 * 53, 69, 89, 113) a number of iq4_nl stands for, out of two constants of eight bytes: no memory is read. */
static __device__ __forceinline__ int attn_iq4_nl_value(uint32_t number)
{
    const uint64_t values = number & 8u ? UINT64_C(0x7159453526190D01) : UINT64_C(0xF6EADDCFBFAD9881);
    return (int8_t)(uint8_t)(values >> (8 * (number & 7u)));
}

/* The five types of nibbles. HAS_MIN: x = scale * quant + min, else x = scale * (quant - middle), where middle is
 * 8, or 16 with the fifth bits (HAS_HIGH), or, with a TABLE, x = scale * attn_iq4_nl_value(quant). A block is scale,
 * [min,] [fifth bits,] 16 bytes of nibbles, so where there is a minimum blocks are multiples of 4 bytes long, but they
 * start at multiples of 2. */
template <bool HAS_MIN, bool HAS_HIGH, bool TABLE = false> struct attn_loader_nibbles {
    enum {
        HIGH = HAS_MIN ? 4 : 2,
        QUANTS = HIGH + (HAS_HIGH ? 4 : 0),
        BYTES = QUANTS + 16,
        MIDDLE = HAS_HIGH ? 16 : 8
    };
    static constexpr bool SCALED = !HAS_MIN;
    struct raw {
        uint64_t quants; /* the eight nibbles in the low halves of its bytes; the high halves are others' */
        uint32_t high;   /* the eight fifth bits, lowest first; the rest is others' */
        uint16_t scale, min;
    };
    static __device__ __forceinline__ raw fetch(const char *row, int64_t d)
    {
        const char *block = row + (d >> 5) * BYTES;
        const int e = (int)(d & 31);
        raw r;
        if constexpr (HAS_MIN) {
            const uint32_t both = attn_load_aligned<uint32_t, 2>(block);
            r.scale = (uint16_t)both;
            r.min = (uint16_t)(both >> 16);
        } else {
            r.scale = simt_load<uint16_t>(block);
            r.min = 0;
        }
        r.high = 0;
        if constexpr (HAS_HIGH)
            r.high = attn_load_aligned<uint32_t, 2>(block + HIGH) >> e;
        r.quants = attn_load_aligned<uint64_t, 2>(block + QUANTS + (e & 15)) >> ((e & 16) >> 2);
        return r;
    }
    static __device__ __forceinline__ int centred(uint32_t quant)
    {
        if constexpr (TABLE)
            return attn_iq4_nl_value(quant);
        else
            return (int)quant - (int)MIDDLE;
    }
    static __device__ __forceinline__ float value(uint32_t quant, float scale, float min)
    {
        if constexpr (HAS_MIN)
            return scale * (float)quant + min;
        else
            return scale * (float)centred(quant);
    }
    static __device__ __forceinline__ float scale(const raw &r) { return SCALED ? simt_f16_to_f32(r.scale) : 1.0f; }
    static __device__ __forceinline__ uint32_t quant(const raw &r, int i)
    {
        uint32_t quant = (uint32_t)(r.quants >> (8 * i)) & 15u;
        if constexpr (HAS_HIGH)
            quant |= ((r.high >> i) & 1u) << 4;
        return quant;
    }
    static __device__ __forceinline__ void decode_unscaled(const raw &r, float (&out)[8])
    {
        if constexpr (SCALED) {
#pragma unroll
            for (int i = 0; i < 8; i++)
                out[i] = (float)centred(quant(r, i));
        } else {
            decode(r, out);
        }
    }
    static __device__ __forceinline__ void decode(const raw &r, float (&out)[8])
    {
        const float scale = simt_f16_to_f32(r.scale);
        const float min = HAS_MIN ? simt_f16_to_f32(r.min) : 0.0f;
#pragma unroll
        for (int i = 0; i < 8; i++)
            out[i] = value(quant(r, i), scale, min);
    }
    static __device__ __forceinline__ float at(const char *row, int64_t d)
    {
        const char *block = row + (d >> 5) * BYTES;
        const int e = (int)(d & 31);
        uint32_t quant = (uint32_t)simt_load<uint8_t>(block + QUANTS + (e & 15)) >> ((e & 16) >> 2) & 15u;
        if constexpr (HAS_HIGH)
            quant |= ((uint32_t)simt_load<uint8_t>(block + HIGH + (e >> 3)) >> (e & 7) & 1u) << 4;
        const float scale = simt_f16_to_f32(simt_load<uint16_t>(block));
        const float min = HAS_MIN ? simt_f16_to_f32(simt_load<uint16_t>(block + 2)) : 0.0f;
        return value(quant, scale, min);
    }
};

template <bool WIDE> struct attn_loader<ATTN_Q4_0, WIDE> : attn_loader_nibbles<false, false> {
};
template <bool WIDE> struct attn_loader<ATTN_Q4_1, WIDE> : attn_loader_nibbles<true, false> {
};
template <bool WIDE> struct attn_loader<ATTN_Q5_0, WIDE> : attn_loader_nibbles<false, true> {
};
template <bool WIDE> struct attn_loader<ATTN_Q5_1, WIDE> : attn_loader_nibbles<true, true> {
};
template <bool WIDE> struct attn_loader<ATTN_IQ4_NL, WIDE> : attn_loader_nibbles<false, false, true> {
};

/* ---- Run-time type -> loader --------------------------------------------------------------------------- */

/* Calls use(attn_loader<type, wide>()) for the run-time type; `wide` only makes a difference to the plain types. */
template <class USE> static __device__ __forceinline__ void attn_with_loader(int type, bool wide, const USE &use)
{
    switch (type) {
#define X(NAME, name, elems, bytes, align, ggml)           \
    case ATTN_##NAME:                                      \
        if ((elems) == 1 && wide)                          \
            use(attn_loader<ATTN_##NAME, (elems) == 1>()); \
        else                                               \
            use(attn_loader<ATTN_##NAME, false>());        \
        break;
        ATTN_TYPES(X)
#undef X
    default: break;
    }
}

/* attn_with_row_loader is the same for code that would be long once for each type, with two functions of the loader
 * called as its members: fetch, and decode_unscaled with scale. A GPU compiles it for each type all the same; on the
 * host, where that takes minutes, the loader is one for all types and decodes what it fetches. */
#if SIMT_HOST
struct attn_any_loader {
    int type;
    bool wide;
    struct raw {
        simt_f32x4 low, high, factor;
    };
    static __device__ SIMT_OUTLINE raw read(int type, bool wide, const char *row, int64_t d)
    {
        raw r = {};
        attn_with_loader(type, wide, [&](auto loader) __attribute__((always_inline)) {
            using LOADER = decltype(loader);
            const typename LOADER::raw fetched = LOADER::fetch(row, d);
            float x[8];
            LOADER::decode_unscaled(fetched, x);
            r.low = simt_make_f32x4(x[0], x[1], x[2], x[3]);
            r.high = simt_make_f32x4(x[4], x[5], x[6], x[7]);
            r.factor.x = LOADER::scale(fetched);
        });
        return r;
    }
    __device__ __forceinline__ raw fetch(const char *row, int64_t d) const { return read(type, wide, row, d); }
    static __device__ __forceinline__ void decode_unscaled(const raw &r, float (&out)[8])
    {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            out[i] = r.low[i];
            out[4 + i] = r.high[i];
        }
    }
    static __device__ __forceinline__ float scale(const raw &r) { return r.factor.x; }
};

template <class USE> static __device__ __forceinline__ void attn_with_row_loader(int type, bool wide, const USE &use)
{
    use(attn_any_loader{ type, wide });
}
#else
template <class USE> static __device__ __forceinline__ void attn_with_row_loader(int type, bool wide, const USE &use)
{
    attn_with_loader(type, wide, use);
}
#endif

#endif
