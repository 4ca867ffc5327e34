/* host.h: simt.h on the CPU: threads are fibers of the executor (kernels/host), collectives are rendezvous.
 * Included by simt.h only, which documents the interface.
 *
 * Kernels are compiled as C++ by clang, once with the compiler's memory access callbacks (checked) and once
 * without (plain); nothing here depends on which.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SIMT_HOST_H
#define ATTN_SIMT_HOST_H

#include <math.h>
#include <stddef.h>

typedef uint32_t simt_u32x2 __attribute__((ext_vector_type(2), may_alias));
typedef uint32_t simt_u32x4 __attribute__((ext_vector_type(4), may_alias));
typedef float simt_f32x2 __attribute__((ext_vector_type(2), may_alias));
typedef float simt_f32x4 __attribute__((ext_vector_type(4), may_alias));

struct dim3 {
    uint32_t x, y, z;
};

/* ---- The executor's side: kernels/host/collective.cc ----------------------------------------------------- */

enum simt_operation {
    SIMT_OP_NONE,
    SIMT_OP_BARRIER,
    SIMT_OP_WAVE_SYNC,
    SIMT_OP_SHFL,
    SIMT_OP_SHFL_XOR,
    SIMT_OP_BALLOT,
    SIMT_OP_ADD,
    SIMT_OP_MAX,
    SIMT_OP_OR,     /* barrier with a predicate */
    SIMT_OP_MATRIX, /* matrix.h */
    SIMT_OP_WGMMA,
    SIMT_OP_MATRIX_S8,
    SIMT_OP_COUNT
};

extern "C" {
/* These are constant for the life of a thread, so the compiler may keep their results. */
struct dim3 simt_host_thread(void) __attribute__((const));
struct dim3 simt_host_block(void) __attribute__((const));
struct dim3 simt_host_block_dim(void) __attribute__((const));
struct dim3 simt_host_grid_dim(void) __attribute__((const));

/* Every rendezvous names its operation, the wave size or width it was built for, and its source line: lanes that
 * arrive with different ones are divergent. */
void simt_host_barrier(int line) __attribute__((noduplicate));
int simt_host_barrier_or(int pred, int line) __attribute__((noduplicate));
void simt_host_wave_sync(int wave, int line) __attribute__((noduplicate));
uint64_t simt_host_shfl(uint64_t bits, int lane, int wave, int line) __attribute__((noduplicate));
uint64_t simt_host_shfl_xor(uint64_t bits, int mask, int wave, int line) __attribute__((noduplicate));
uint64_t simt_host_ballot(int pred, int wave, int line) __attribute__((noduplicate));
/* n values of every lane, packed into vectors of four; the first is returned, the others are fetched after. */
simt_f32x4 simt_host_reduce(int op, int width, int n, int line, simt_f32x4 a, simt_f32x4 b, simt_f32x4 c, simt_f32x4 d)
    __attribute__((noduplicate));
simt_f32x4 simt_host_fetch(int index);
simt_u32x4 simt_host_matrix_s8(simt_u32x4 a, simt_u32x2 b, int line) __attribute__((noduplicate));

/* Copies to LDS that have been started: to, from (NULL: zeros) and size. */
struct simt_host_copy_of {
    void *to;
    const void *from;
    uint32_t bytes, group;
};
void simt_host_copy_start(void *to, const void *from, uint32_t bytes);
void simt_host_copy_commit(void);
/* Takes the next copy that is to be made out of the queue; see simt_host_copy_wait. */
bool simt_host_copy_next(int left, struct simt_host_copy_of *copy);

/* Of a launch that is run in some items alone: the next that is, or `end`; and whether one is. */
int64_t simt_host_next_item(int64_t item, int64_t step, int64_t end);
bool simt_host_is_item(int64_t item);

void *simt_host_lds(size_t bytes, size_t align);
void *simt_host_lds_dynamic(size_t align);
void simt_host_misaligned(const void *p, size_t bytes, int write) __attribute__((cold));

int32_t simt_host_atomic_add_i32(int32_t *p, int32_t v);
uint32_t simt_host_atomic_add_u32(uint32_t *p, uint32_t v);
float simt_host_atomic_add_f32(float *p, float v);
int32_t simt_host_atomic_max_i32(int32_t *p, int32_t v);
uint32_t simt_host_atomic_max_u32(uint32_t *p, uint32_t v);
uint32_t simt_host_atomic_or_u32(uint32_t *p, uint32_t v);
}

/* ---- HIP's names ----------------------------------------------------------------------------------------- */

/* Kernels are compiled twice and both builds are linked into one program: no function of theirs may have a name
 * that the linker sees, else instances of the two would be merged. */
#define __global__ __attribute__((internal_linkage))
#define __device__ __attribute__((internal_linkage))
#define __host__
#define __launch_bounds__(...)
#undef __forceinline__
#define __forceinline__ inline __attribute__((always_inline))

#define threadIdx (simt_host_thread())
#define blockIdx (simt_host_block())
#define blockDim (simt_host_block_dim())
#define gridDim (simt_host_grid_dim())

#define __syncthreads() simt_host_barrier(__LINE__)
#define simt_syncthreads_or(pred) (simt_host_barrier_or((pred) ? 1 : 0, __LINE__) != 0)

#define SIMT_LDS(T, name) T &name = *static_cast<T *>(simt_host_lds(sizeof(T), alignof(T)))
#define SIMT_LDS_DYNAMIC(T, name) T *name = static_cast<T *>(simt_host_lds_dynamic(alignof(T)))
#define SIMT_LDS_DYNAMIC_ALIGNED(T, name, bytes) T *name = static_cast<T *>(simt_host_lds_dynamic(bytes))
#define SIMT_UNROLL
#define SIMT_GPU_INLINE
#define SIMT_OUTLINE __attribute__((noinline, regcall)) /* results in registers, which are not traced */
#define SIMT_INFINITY __builtin_inff()

static __forceinline__ int64_t simt_next_item(int64_t item, int64_t step, int64_t end)
{
    return simt_host_next_item(item, step, end);
}
static __forceinline__ bool simt_is_item(int64_t item) { return simt_host_is_item(item); }

static inline int32_t atomicAdd(int32_t *p, int32_t v) { return simt_host_atomic_add_i32(p, v); }
static inline uint32_t atomicAdd(uint32_t *p, uint32_t v) { return simt_host_atomic_add_u32(p, v); }
static inline float atomicAdd(float *p, float v) { return simt_host_atomic_add_f32(p, v); }
static inline int32_t atomicMax(int32_t *p, int32_t v) { return simt_host_atomic_max_i32(p, v); }
static inline uint32_t atomicMax(uint32_t *p, uint32_t v) { return simt_host_atomic_max_u32(p, v); }
static inline uint32_t atomicOr(uint32_t *p, uint32_t v) { return simt_host_atomic_or_u32(p, v); }

/* ---- Wave operations ------------------------------------------------------------------------------------- */

template <class T> static __forceinline__ uint64_t simt_host_bits(T v)
{
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "a shuffle moves 4 or 8 bytes");
    if constexpr (sizeof(T) == 4)
        return __builtin_bit_cast(uint32_t, v);
    else
        return __builtin_bit_cast(uint64_t, v);
}

template <class T> static __forceinline__ T simt_host_value(uint64_t bits)
{
    if constexpr (sizeof(T) == 4)
        return __builtin_bit_cast(T, (uint32_t)bits);
    else
        return __builtin_bit_cast(T, bits);
}

template <int WAVE> static __forceinline__ void simt_wave_sync(int line = __builtin_LINE())
{
    simt_host_wave_sync(WAVE, line);
}

template <int WAVE, class T> static __forceinline__ T simt_shfl(T v, int lane, int line = __builtin_LINE())
{
    return simt_host_value<T>(simt_host_shfl(simt_host_bits(v), lane, WAVE, line));
}

template <int WAVE, class T> static __forceinline__ T simt_shfl_xor(T v, int mask, int line = __builtin_LINE())
{
    return simt_host_value<T>(simt_host_shfl_xor(simt_host_bits(v), mask, WAVE, line));
}

template <int WAVE> static __forceinline__ uint64_t simt_ballot(bool pred, int line = __builtin_LINE())
{
    return simt_host_ballot(pred ? 1 : 0, WAVE, line);
}

template <int WIDTH> constexpr bool simt_host_width()
{
    return WIDTH == 1 || WIDTH == 2 || WIDTH == 4 || WIDTH == 8 || WIDTH == 16 || WIDTH == 32 || WIDTH == 64;
}

template <int WIDTH, int N> static __forceinline__ void simt_host_reduce_array(int op, float (&v)[N], int line)
{
    static_assert(N <= 16, "at most 16 values a lane");
    static_assert(simt_host_width<WIDTH>(), "a group is a power of two up to the wave size");
    simt_f32x4 in[4];
#pragma unroll
    for (int i = 0; i < 16; i++)
        in[i / 4][i % 4] = i < N ? v[i < N ? i : 0] : 0.0f;
    simt_f32x4 out = simt_host_reduce(op, WIDTH, N, line, in[0], in[1], in[2], in[3]);
#pragma unroll
    for (int i = 0; i < N; i++) {
        if (i > 0 && i % 4 == 0)
            out = simt_host_fetch(i / 4);
        v[i] = out[i % 4];
    }
}

template <int WIDTH, int N> static __forceinline__ void simt_reduce_add(float (&v)[N], int line = __builtin_LINE())
{
    simt_host_reduce_array<WIDTH>(SIMT_OP_ADD, v, line);
}

template <int WIDTH, int N>
static __forceinline__ void simt_reduce_add_apart(float (&v)[N], int line = __builtin_LINE())
{
    static_assert((N & (N - 1)) == 0 && simt_host_width<WIDTH>(), "powers of two");
    constexpr int EACH = N > WIDTH ? N / WIDTH : 1, COPIES = N > WIDTH ? 1 : WIDTH / N, PART = N < 16 ? N : 16;
    static_assert(EACH <= 16, "they lie in one part");
    const int first = (int)(simt_host_thread().x % WIDTH) / COPIES * EACH;
    float kept[EACH];
#pragma unroll
    for (int at = 0; at < N; at += PART) {
        simt_f32x4 in[4];
#pragma unroll
        for (int i = 0; i < 16; i++)
            in[i / 4][i % 4] = i < PART ? v[i < PART ? at + i : 0] : 0.0f;
        simt_host_reduce(SIMT_OP_ADD, WIDTH, PART, line, in[0], in[1], in[2], in[3]);
        if (PART == N || first / PART * PART == at)
#pragma unroll
            for (int e = 0; e < EACH; e++)
                kept[e] = simt_host_fetch((first - at + e) / 4)[(first + e) % 4];
    }
#pragma unroll
    for (int e = 0; e < EACH; e++)
        v[e] = kept[e];
}

template <int WIDTH, int N> static __forceinline__ void simt_reduce_max(float (&v)[N], int line = __builtin_LINE())
{
    simt_host_reduce_array<WIDTH>(SIMT_OP_MAX, v, line);
}

template <int WIDTH> static __forceinline__ float simt_reduce_add(float v, int line = __builtin_LINE())
{
    static_assert(simt_host_width<WIDTH>(), "a group is a power of two up to the wave size");
    const simt_f32x4 in = { v, 0.0f, 0.0f, 0.0f };
    return simt_host_reduce(SIMT_OP_ADD, WIDTH, 1, line, in, in, in, in).x;
}

template <int WIDTH> static __forceinline__ float simt_reduce_max(float v, int line = __builtin_LINE())
{
    static_assert(simt_host_width<WIDTH>(), "a group is a power of two up to the wave size");
    const simt_f32x4 in = { v, 0.0f, 0.0f, 0.0f };
    return simt_host_reduce(SIMT_OP_MAX, WIDTH, 1, line, in, in, in, in).x;
}

/* ---- Memory ---------------------------------------------------------------------------------------------- */

/* Volatile: one access of all sizeof(T) bytes, as the source says, even if only some of them are used. */

template <class T> static __forceinline__ T simt_load(const void *p)
{
    static_assert(sizeof(T) <= 16 && (sizeof(T) & (sizeof(T) - 1)) == 0, "1, 2, 4, 8 or 16 bytes");
    if (__builtin_expect((reinterpret_cast<uintptr_t>(p) & (sizeof(T) - 1)) != 0, 0))
        simt_host_misaligned(p, sizeof(T), 0);
    typedef T word __attribute__((may_alias));
    return *static_cast<const volatile word *>(p);
}

template <class T> static __forceinline__ void simt_store(void *p, T v)
{
    static_assert(sizeof(T) <= 16 && (sizeof(T) & (sizeof(T) - 1)) == 0, "1, 2, 4, 8 or 16 bytes");
    if (__builtin_expect((reinterpret_cast<uintptr_t>(p) & (sizeof(T) - 1)) != 0, 0))
        simt_host_misaligned(p, sizeof(T), 1);
    typedef T word __attribute__((may_alias));
    *static_cast<volatile word *>(p) = v;
}

static __forceinline__ void simt_matrix_s8(int32_t (&product)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                                           int line = __builtin_LINE())
{
    const simt_u32x4 out = simt_host_matrix_s8(simt_u32x4{ a[0], a[1], a[2], a[3] }, simt_u32x2{ b[0], b[1] }, line);
#pragma unroll
    for (int i = 0; i < 4; i++)
        product[i] = (int32_t)out[i];
}

/* ---- Copies ---------------------------------------------------------------------------------------------- */

template <int BYTES> struct simt_host_copied;
template <> struct simt_host_copied<4> {
    typedef uint32_t type;
};
template <> struct simt_host_copied<8> {
    typedef simt_u32x2 type;
};
template <> struct simt_host_copied<16> {
    typedef simt_u32x4 type;
};

/* Hardware may copy at any time between the start and the wait. Here the place is written to at the start, which is
 * when it must be free, and holds NaN patterns until the wait, which is when the data must be there. */
template <int BYTES> static __forceinline__ void simt_copy_async_or_zero(void *lds, const void *from, bool exists)
{
    typename simt_host_copied<BYTES>::type nothing;
    __builtin_memset(&nothing, 0xFF, sizeof nothing);
    simt_store(lds, nothing);
    simt_host_copy_start(lds, exists ? from : nullptr, BYTES);
}
template <int BYTES> static __forceinline__ void simt_copy_async(void *lds, const void *from)
{
    simt_copy_async_or_zero<BYTES>(lds, from, true);
}
template <int BYTES> static __forceinline__ void simt_host_copy(const struct simt_host_copy_of *c)
{
    typedef typename simt_host_copied<BYTES>::type word;
    simt_store(c->to, c->from ? simt_load<word>(c->from) : word{});
}
/* Makes the thread's copies, but those of its last `left` groups; -1: those of no group too. */
static inline void simt_host_copy_wait(int left)
{
    struct simt_host_copy_of c;
    while (simt_host_copy_next(left, &c))
        if (c.bytes == 16)
            simt_host_copy<16>(&c);
        else if (c.bytes == 8)
            simt_host_copy<8>(&c);
        else
            simt_host_copy<4>(&c);
}
static __forceinline__ void simt_copy_commit() { simt_host_copy_commit(); }
template <int N> static __forceinline__ void simt_copy_wait() { simt_host_copy_wait(N); }
static __forceinline__ void simt_copy_wait_all() { simt_host_copy_wait(-1); }

static __forceinline__ int simt_opaque(int v) { return v; }
static __forceinline__ bool simt_rarely(bool so) { return so; }

static __forceinline__ simt_f32x4 simt_make_f32x4(float a, float b, float c, float d)
{
    return simt_f32x4{ a, b, c, d };
}
static __forceinline__ simt_f32x4 simt_splat_f32x4(float a) { return simt_f32x4{ a, a, a, a }; }
static __forceinline__ simt_f32x4 simt_fma(simt_f32x4 a, simt_f32x4 b, simt_f32x4 c) { return a * b + c; }
static __forceinline__ simt_f32x4 simt_fma(simt_f32x4 a, float b, simt_f32x4 c) { return a * b + c; }
static __forceinline__ simt_f32x4 simt_mul(simt_f32x4 a, simt_f32x4 b) { return a * b; }
static __forceinline__ simt_f32x4 simt_mul(simt_f32x4 a, float b) { return a * b; }

static __forceinline__ float simt_dot(simt_f32x4 a, simt_f32x4 b, simt_f32x4 x, simt_f32x4 y)
{
    const simt_f32x4 sums = b * y + a * x;
    return sums.x + sums.y + (sums.z + sums.w);
}

typedef int8_t simt_host_bytes __attribute__((ext_vector_type(4)));

static __forceinline__ simt_f32x4 simt_bytes_to_f32x4(uint32_t bytes)
{
    return __builtin_convertvector(__builtin_bit_cast(simt_host_bytes, bytes), simt_f32x4);
}

/* ---- Numbers --------------------------------------------------------------------------------------------- */

/* binary16 and binary32: IEEE 754-2008, 3.6. The product is exact: 2^112 moves the exponent bias from 15 to 127. */
static __forceinline__ float simt_f16_to_f32(uint16_t h)
{
    const uint32_t magnitude = (uint32_t)(h & 0x7FFFu) << 13;
    const float scaled = __builtin_bit_cast(float, magnitude) * 0x1p112f;
    uint32_t bits = __builtin_bit_cast(uint32_t, scaled);
    bits = (h & 0x7C00u) == 0x7C00u ? magnitude | 0x7F800000u : bits;
    return __builtin_bit_cast(float, bits | (uint32_t)(h & 0x8000u) << 16);
}

static __forceinline__ uint16_t simt_f32_to_f16(float f)
{
    const uint32_t bits = __builtin_bit_cast(uint32_t, f);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000u);
    const uint32_t magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u) /* NaN stays one */
        return (uint16_t)(sign | 0x7E00u | (magnitude >> 13 & 0x1FFu));
    if (magnitude >= 0x477FF000u) /* 65520 and above round to infinity */
        return (uint16_t)(sign | 0x7C00u);
    if (magnitude < 0x38800000u) { /* below 2^-14: adding 0.5 rounds to a multiple of 2^-24, ties to even */
        const float rounded = __builtin_bit_cast(float, magnitude) + 0.5f;
        return (uint16_t)(sign | (__builtin_bit_cast(uint32_t, rounded) - 0x3F000000u));
    }
    const uint32_t even = magnitude >> 13 & 1u;
    return (uint16_t)(sign | (magnitude - 0x38000000u + 0xFFFu + even) >> 13);
}

static __forceinline__ float simt_bf16_to_f32(uint16_t h) { return __builtin_bit_cast(float, (uint32_t)h << 16); }

/* To nearest even; finite numbers. */
static __forceinline__ uint32_t simt_f32_to_bf16(float f)
{
    const uint32_t bits = __builtin_bit_cast(uint32_t, f);
    return (bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16;
}
static __forceinline__ uint32_t simt_pack_f16(float first, float second)
{
    return (uint32_t)simt_f32_to_f16(first) | (uint32_t)simt_f32_to_f16(second) << 16;
}
static __forceinline__ uint32_t simt_pack_bf16(float first, float second)
{
    return simt_f32_to_bf16(first) | simt_f32_to_bf16(second) << 16;
}
static __forceinline__ float simt_exp2_fast(float x) { return exp2f(x); }
static __forceinline__ void simt_prefetch(const void *) {}
static __forceinline__ int simt_first_bit(uint64_t bits) { return __builtin_ctzll(bits); }
static __forceinline__ float simt_exp(float x) { return expf(x); }
static __forceinline__ float simt_exp2(float x) { return exp2f(x); }
static __forceinline__ float simt_log(float x) { return logf(x); }
static __forceinline__ float simt_tanh(float x) { return tanhf(x); }
static __forceinline__ float simt_fma(float a, float b, float c) { return a * b + c; }
static __forceinline__ float simt_abs(float x) { return __builtin_fabsf(x); }
static __forceinline__ float simt_max(float a, float b) { return a > b ? a : b; }
static __forceinline__ float simt_min(float a, float b) { return a < b ? a : b; }

#endif
