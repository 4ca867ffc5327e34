/* gpu.h: the part of simt.h that AMD and NVIDIA share: reductions, helpers of vectors and numbers. Included by
 * hip.h and cuda.h, after simt_shfl_xor_bits_.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SIMT_GPU_H
#define ATTN_SIMT_GPU_H

#define SIMT_LDS(T, name) __shared__ T name
/* The static object's size is rounded up to it. */
#define SIMT_LDS_DYNAMIC_ALIGNED(T, name, bytes)                                                   \
    extern __shared__ __attribute__((aligned(bytes))) unsigned char simt_dynamic_lds_##bytes##_[]; \
    T *name = reinterpret_cast<T *>(simt_dynamic_lds_##bytes##_)
#define SIMT_LDS_DYNAMIC(T, name) SIMT_LDS_DYNAMIC_ALIGNED(T, name, 16)
#define SIMT_UNROLL _Pragma("unroll")
#define SIMT_GPU_INLINE __forceinline__
#define SIMT_OUTLINE __forceinline__
#define SIMT_INFINITY (__builtin_huge_valf())

static __device__ __forceinline__ bool simt_rarely(bool so) { return __builtin_expect(so, 0); }

/* All of a launch is run. */
static __device__ __forceinline__ int64_t simt_next_item(int64_t item, int64_t, int64_t) { return item; }
static __device__ __forceinline__ bool simt_is_item(int64_t) { return true; }

#define simt_syncthreads_or(pred) (__syncthreads_or((pred) ? 1 : 0) != 0)

template <int WAVE, class T> static __device__ __forceinline__ T simt_shfl_xor(T v, int mask)
{
    return simt_shfl_xor_width_<WAVE>(v, mask);
}

/* Steps WIDTH/2 ... 1, as on the host: lane l combines with l ^ step. */
template <int WIDTH, int N> static __device__ __forceinline__ void simt_reduce_add(float (&v)[N])
{
#pragma unroll
    for (int step = WIDTH / 2; step > 0; step /= 2)
#pragma unroll
        for (int i = 0; i < N; i++)
            v[i] = v[i] + simt_shfl_xor_width_<WIDTH>(v[i], step);
}

template <int WIDTH, int N> static __device__ __forceinline__ void simt_reduce_max(float (&v)[N])
{
#pragma unroll
    for (int step = WIDTH / 2; step > 0; step /= 2)
#pragma unroll
        for (int i = 0; i < N; i++) {
            const float other = simt_shfl_xor_width_<WIDTH>(v[i], step);
            v[i] = fmaxf(v[i], other);
        }
}

/* Each step halves what a lane still adds up, down to one value, in place of all lanes adding up everything. */
template <int WIDTH, int STEP, int LEFT, int N>
static __device__ __forceinline__ void simt_reduce_apart_(float (&v)[N], int lane)
{
    if constexpr (STEP > 0 && LEFT > 1) {
        constexpr int HALF = LEFT / 2;
        const bool upper = (lane & STEP) != 0;
#pragma unroll
        for (int n = 0; n < HALF; n++) {
            const float given = upper ? v[n] : v[n + HALF], kept = upper ? v[n + HALF] : v[n];
            v[n] = kept + simt_shfl_xor_width_<WIDTH>(given, STEP);
        }
        simt_reduce_apart_<WIDTH, STEP / 2, HALF>(v, lane);
    } else if constexpr (STEP > 0) {
        v[0] = v[0] + simt_shfl_xor_width_<WIDTH>(v[0], STEP);
        simt_reduce_apart_<WIDTH, STEP / 2, 1>(v, lane);
    }
}

template <int WIDTH, int N> static __device__ __forceinline__ void simt_reduce_add_apart(float (&v)[N])
{
    static_assert((N & (N - 1)) == 0, "a power of two");
    simt_reduce_apart_<WIDTH, WIDTH / 2, N>(v, (int)threadIdx.x);
}

template <int WIDTH> static __device__ __forceinline__ float simt_reduce_add(float v)
{
    float one[1] = { v };
    simt_reduce_add<WIDTH>(one);
    return one[0];
}

template <int WIDTH> static __device__ __forceinline__ float simt_reduce_max(float v)
{
    float one[1] = { v };
    simt_reduce_max<WIDTH>(one);
    return one[0];
}

static __device__ __forceinline__ simt_f32x4 simt_make_f32x4(float a, float b, float c, float d)
{
    simt_f32x4 v;
    v.x = a;
    v.y = b;
    v.z = c;
    v.w = d;
    return v;
}
static __device__ __forceinline__ simt_f32x4 simt_splat_f32x4(float a) { return simt_make_f32x4(a, a, a, a); }
static __device__ __forceinline__ float simt_fma(float a, float b, float c) { return fmaf(a, b, c); }
static __device__ __forceinline__ simt_f32x4 simt_fma(simt_f32x4 a, simt_f32x4 b, simt_f32x4 c)
{
    return simt_make_f32x4(fmaf(a.x, b.x, c.x), fmaf(a.y, b.y, c.y), fmaf(a.z, b.z, c.z), fmaf(a.w, b.w, c.w));
}
static __device__ __forceinline__ simt_f32x4 simt_fma(simt_f32x4 a, float b, simt_f32x4 c)
{
    return simt_make_f32x4(fmaf(a.x, b, c.x), fmaf(a.y, b, c.y), fmaf(a.z, b, c.z), fmaf(a.w, b, c.w));
}
static __device__ __forceinline__ simt_f32x4 simt_mul(simt_f32x4 a, simt_f32x4 b)
{
    return simt_make_f32x4(a.x * b.x, a.y * b.y, a.z * b.z, a.w * b.w);
}
static __device__ __forceinline__ simt_f32x4 simt_mul(simt_f32x4 a, float b)
{
    return simt_make_f32x4(a.x * b, a.y * b, a.z * b, a.w * b);
}

static __device__ __forceinline__ float simt_dot(simt_f32x4 a, simt_f32x4 b, simt_f32x4 x, simt_f32x4 y)
{
    float sum = a.x * x.x;
    sum = fmaf(a.y, x.y, sum);
    sum = fmaf(a.z, x.z, sum);
    sum = fmaf(a.w, x.w, sum);
    sum = fmaf(b.x, y.x, sum);
    sum = fmaf(b.y, y.y, sum);
    sum = fmaf(b.z, y.z, sum);
    return fmaf(b.w, y.w, sum);
}

static __device__ __forceinline__ float simt_bf16_to_f32(uint16_t h)
{
    return __uint_as_float(static_cast<uint32_t>(h) << 16);
}

/* The number of the lowest bit that is set; some bit is. */
static __device__ __forceinline__ int simt_first_bit(uint64_t bits) { return __ffsll((long long)bits) - 1; }

static __device__ __forceinline__ float simt_exp(float x) { return expf(x); }
static __device__ __forceinline__ float simt_exp2(float x) { return exp2f(x); }
static __device__ __forceinline__ float simt_log(float x) { return logf(x); }
static __device__ __forceinline__ float simt_tanh(float x) { return tanhf(x); }
static __device__ __forceinline__ float simt_abs(float x) { return fabsf(x); }
static __device__ __forceinline__ float simt_max(float a, float b) { return fmaxf(a, b); }
static __device__ __forceinline__ float simt_min(float a, float b) { return a < b ? a : b; }

#endif
