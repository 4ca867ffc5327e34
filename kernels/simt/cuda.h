/* cuda.h: simt.h for NVIDIA GPUs, on CUDA itself. Included by simt.h only, which documents the interface.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SIMT_CUDA_H
#define ATTN_SIMT_CUDA_H

#include <cuda_fp16.h>
#include <cuda_runtime.h>

/* Vectors with names and indices for their elements; indices are constants once loops are unrolled. */
template <class T> struct __align__(8) simt_vector2 {
    T x, y;
    __host__ __device__ __forceinline__ T operator[](int i) const { return i == 0 ? x : y; }
    __host__ __device__ __forceinline__ T &operator[](int i) { return i == 0 ? x : y; }
};
template <class T> struct __align__(16) simt_vector4 {
    T x, y, z, w;
    __host__ __device__ __forceinline__ T operator[](int i) const { return i == 0 ? x : i == 1 ? y : i == 2 ? z : w; }
    __host__ __device__ __forceinline__ T &operator[](int i) { return i == 0 ? x : i == 1 ? y : i == 2 ? z : w; }
};
typedef simt_vector2<uint32_t> simt_u32x2;
typedef simt_vector4<uint32_t> simt_u32x4;
typedef simt_vector2<float> simt_f32x2;
typedef simt_vector4<float> simt_f32x4;

template <int WAVE> static __device__ __forceinline__ void simt_wave_sync()
{
    static_assert(WAVE == 32, "a warp has 32 lanes");
    __syncwarp();
}

template <int WAVE, class T> static __device__ __forceinline__ T simt_shfl(T v, int lane)
{
    static_assert(WAVE == 32, "a warp has 32 lanes");
    return __shfl_sync(0xFFFFFFFFu, v, lane, WAVE);
}

template <int WIDTH, class T> static __device__ __forceinline__ T simt_shfl_xor_width_(T v, int mask)
{
    static_assert(WIDTH <= 32, "a warp has 32 lanes");
    return __shfl_xor_sync(0xFFFFFFFFu, v, mask, WIDTH);
}

template <int WAVE> static __device__ __forceinline__ uint64_t simt_ballot(bool pred)
{
    static_assert(WAVE == 32, "a warp has 32 lanes");
    return __ballot_sync(0xFFFFFFFFu, pred);
}

/* One machine access of sizeof(T) bytes, whatever T is made of. */
template <int BYTES> struct simt_access_;
template <> struct simt_access_<1> {
    typedef uint8_t type;
};
template <> struct simt_access_<2> {
    typedef uint16_t type;
};
template <> struct simt_access_<4> {
    typedef uint32_t type;
};
template <> struct simt_access_<8> {
    typedef uint2 type;
};
template <> struct simt_access_<16> {
    typedef uint4 type;
};

template <class T> static __device__ __forceinline__ T simt_load(const void *p)
{
    typedef typename simt_access_<sizeof(T)>::type word;
    const word bits = *reinterpret_cast<const word *>(p);
    T v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

template <class T> static __device__ __forceinline__ void simt_store(void *p, T v)
{
    typedef typename simt_access_<sizeof(T)>::type word;
    word bits;
    memcpy(&bits, &v, sizeof v);
    *reinterpret_cast<word *>(p) = bits;
}

template <int BYTES> static __device__ __forceinline__ void simt_copy_async(void *lds, const void *from)
{
    const uint32_t to = (uint32_t)__cvta_generic_to_shared(lds);
    if constexpr (BYTES == 16)
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(from) : "memory");
    else
        asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(to), "l"(from), "n"(BYTES) : "memory");
}

template <int BYTES>
static __device__ __forceinline__ void simt_copy_async_or_zero(void *lds, const void *from, bool exists)
{
    const uint32_t to = (uint32_t)__cvta_generic_to_shared(lds);
    const int bytes = exists ? BYTES : 0;
    if constexpr (BYTES == 16)
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes) : "memory");
    else
        asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(to), "l"(from), "n"(BYTES), "r"(bytes)
                     : "memory");
}

static __device__ __forceinline__ void simt_copy_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

static __device__ __forceinline__ void simt_copy_wait_all() { asm volatile("cp.async.wait_all;" ::: "memory"); }
template <int N> static __device__ __forceinline__ void simt_copy_wait()
{
    asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}

static __device__ __forceinline__ void simt_matrix_s8(int32_t (&product)[4], const uint32_t (&a)[4],
                                                      const uint32_t (&b)[2])
{
    asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, "
                 "%10, %10, %10};"
                 : "=r"(product[0]), "=r"(product[1]), "=r"(product[2]), "=r"(product[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(0));
}

/* A byte plus 2^23 is a float's bits: faster than conversions, which a multiprocessor does at half its rate or less. */
static __device__ __forceinline__ simt_f32x4 simt_bytes_to_f32x4(uint32_t bytes)
{
    simt_f32x4 v;
    const uint32_t b = bytes ^ 0x80808080u;
    v.x = __uint_as_float(__byte_perm(b, 0x4B000000u, 0x7650)) - 8388736.0f;
    v.y = __uint_as_float(__byte_perm(b, 0x4B000000u, 0x7651)) - 8388736.0f;
    v.z = __uint_as_float(__byte_perm(b, 0x4B000000u, 0x7652)) - 8388736.0f;
    v.w = __uint_as_float(__byte_perm(b, 0x4B000000u, 0x7653)) - 8388736.0f;
    return v;
}

static __device__ __forceinline__ int simt_opaque(int v)
{
    asm volatile("" : "+r"(v));
    return v;
}

static __device__ __forceinline__ float simt_f16_to_f32(uint16_t h) { return __half2float(__ushort_as_half(h)); }
static __device__ __forceinline__ uint16_t simt_f32_to_f16(float f) { return __half_as_ushort(__float2half_rn(f)); }
static __device__ __forceinline__ uint32_t simt_pack_f16(float first, float second)
{
    uint32_t word;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(second), "f"(first));
    return word;
}
static __device__ __forceinline__ uint32_t simt_pack_bf16(float first, float second)
{
    uint32_t word;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(second), "f"(first));
    return word;
}
static __device__ __forceinline__ float simt_exp2_fast(float x)
{
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
static __device__ __forceinline__ void simt_prefetch(const void *p)
{
    asm volatile("prefetch.global.L1 [%0];" ::"l"(p));
}

#include "kernels/simt/gpu.h"

#endif
