/* hip.h: simt.h for AMD GPUs, on HIP's own headers. Included by simt.h only, which documents the interface.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SIMT_HIP_H
#define ATTN_SIMT_HIP_H

#include <hip/hip_runtime.h>

typedef uint32_t simt_u32x2 __attribute__((ext_vector_type(2), may_alias));
typedef uint32_t simt_u32x4 __attribute__((ext_vector_type(4), may_alias));
typedef float simt_f32x2 __attribute__((ext_vector_type(2), may_alias));
typedef float simt_f32x4 __attribute__((ext_vector_type(4), may_alias));

/* Lanes of a wave run in step; the compiler must keep memory accesses on their side, and those of other lanes
 * must have arrived: a release and an acquire at wave scope (LLVM, "User Guide for AMDGPU Backend", Memory Model). */
template <int WAVE> static __device__ __forceinline__ void simt_wave_sync()
{
    __builtin_amdgcn_fence(__ATOMIC_RELEASE, "wavefront");
    __builtin_amdgcn_wave_barrier();
    __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "wavefront");
}

template <int WAVE, class T> static __device__ __forceinline__ T simt_shfl(T v, int lane)
{
    return __shfl(v, lane, WAVE);
}

template <int WIDTH, class T> static __device__ __forceinline__ T simt_shfl_xor_width_(T v, int mask)
{
    return __shfl_xor(v, mask, WIDTH);
}

template <int WAVE> static __device__ __forceinline__ uint64_t simt_ballot(bool pred) { return __ballot(pred ? 1 : 0); }

template <class T> static __device__ __forceinline__ T simt_load(const void *p)
{
    static_assert(sizeof(T) <= 16 && (sizeof(T) & (sizeof(T) - 1)) == 0, "1, 2, 4, 8 or 16 bytes");
    T v;
    __builtin_memcpy(&v, __builtin_assume_aligned(p, sizeof(T)), sizeof(T));
    return v;
}

template <class T> static __device__ __forceinline__ void simt_store(void *p, T v)
{
    static_assert(sizeof(T) <= 16 && (sizeof(T) & (sizeof(T) - 1)) == 0, "1, 2, 4, 8 or 16 bytes");
    __builtin_memcpy(__builtin_assume_aligned(p, sizeof(T)), &v, sizeof(T));
}

/* The device does not copy by itself: no plan asks it to. What is asked for all the same is done at once. */
template <int BYTES>
static __device__ __forceinline__ void simt_copy_async_or_zero(void *lds, const void *from, bool exists)
{
    struct __attribute__((aligned(BYTES))) piece {
        unsigned char bytes[BYTES];
    };
    simt_store(lds, exists ? simt_load<piece>(from) : piece{});
}
template <int BYTES> static __device__ __forceinline__ void simt_copy_async(void *lds, const void *from)
{
    simt_copy_async_or_zero<BYTES>(lds, from, true);
}
static __device__ __forceinline__ void simt_copy_commit() {}
template <int N> static __device__ __forceinline__ void simt_copy_wait() {}
static __device__ __forceinline__ void simt_copy_wait_all() {}

static __device__ __forceinline__ int simt_opaque(int v)
{
    asm volatile("" : "+v"(v));
    return v;
}

static __device__ __forceinline__ float simt_f16_to_f32(uint16_t h)
{
    return static_cast<float>(__builtin_bit_cast(_Float16, h));
}
static __device__ __forceinline__ uint16_t simt_f32_to_f16(float f)
{
    return __builtin_bit_cast(uint16_t, static_cast<_Float16>(f));
}
/* To nearest even; finite numbers. */
static __device__ __forceinline__ uint32_t simt_f32_to_bf16(float f)
{
    const uint32_t bits = __builtin_bit_cast(uint32_t, f);
    return (bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16;
}
static __device__ __forceinline__ uint32_t simt_pack_f16(float first, float second)
{
    return (uint32_t)simt_f32_to_f16(first) | (uint32_t)simt_f32_to_f16(second) << 16;
}
static __device__ __forceinline__ uint32_t simt_pack_bf16(float first, float second)
{
    return simt_f32_to_bf16(first) | simt_f32_to_bf16(second) << 16;
}
static __device__ __forceinline__ float simt_exp2_fast(float x) { return __builtin_amdgcn_exp2f(x); }
static __device__ __forceinline__ void simt_prefetch(const void *) {}

#include "kernels/simt/gpu.h"

#endif
