/* simt_cuda.h: simt.h for NVIDIA GPUs, on CUDA itself. Included by simt.h only, which documents the interface.
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
template <> struct simt_access_<1> { typedef uint8_t type; };
template <> struct simt_access_<2> { typedef uint16_t type; };
template <> struct simt_access_<4> { typedef uint32_t type; };
template <> struct simt_access_<8> { typedef uint2 type; };
template <> struct simt_access_<16> { typedef uint4 type; };

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
static __device__ __forceinline__ void simt_prefetch(const void *p) { asm volatile("prefetch.global.L1 [%0];" ::"l"(p)); }

#include "simt_gpu.h"

#endif
