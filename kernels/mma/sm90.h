/* sm90.h: wgmma.mma_async.m64nNk16, the products of Hopper's (sm_90a's) warpgroups, for group.h.
 *
 * A warpgroup, four waves that follow each other, multiplies 64 rows, each wave 16 of them, with one operand B that all
 * read from LDS; operand A is in LDS too (Q) or in registers (weights). Of a wave's operand in registers and of its
 * accumulator the layout is that of mma.m16n8k16, columns after columns (PTX ISA, Register Fragments for
 * wgmma.mma_async.m64nNk16), so that all else is mma_sm80's. All four waves arrive at the same products, whether or not
 * they have columns of their own.
 *
 * Operands in LDS (PTX ISA, Shared Memory Matrix Layout, Strides, Matrix Descriptor Format): panels of 64 elements, a
 * row of a panel is 128 bytes, its 16-byte pieces exchanged within eight rows ("128B swizzle": bits 4..6 of the address
 * are exclusive-or'ed with bits 7..9). Q and K are read along their rows, V across them. The descriptor says where the
 * first row is, how far apart are eight rows and, for V, panels.
 *
 * The copies to LDS are ordinary accesses, wgmma's are of the asynchronous proxy: `publish` orders them, before a
 * barrier. Products run on while other work is done, from `begin` and `commit` to `wait`; until then nothing may touch
 * their accumulator. (The host computes them at once.)
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MMA_SM90_H
#define ATTN_MMA_SM90_H

#include "kernels/mma/sm80.h"

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define SM90_D8(f, o)                                                                                           \
    "+f"(f[o]), "+f"(f[o + 1]), "+f"(f[o + 2]), "+f"(f[o + 3]), "+f"(f[o + 4]), "+f"(f[o + 5]), "+f"(f[o + 6]), \
        "+f"(f[o + 7])
#define SM90_D32(f, o) SM90_D8(f, o), SM90_D8(f, o + 8), SM90_D8(f, o + 16), SM90_D8(f, o + 24)
#define SM90_T32                                                                                                      \
    "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, " \
    "%24, %25, %26, %27, %28, %29, %30, %31"
#define SM90_T48 SM90_T32 ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47"
#define SM90_T64 SM90_T48 ", %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
/* N: columns of B; the rest: operands, and whether the accumulator counts. */
#define SM90_WGMMA(N, TYPE, REGISTERS, A, B, ADD, TRANSPOSED)                                                    \
    "{\n.reg .pred p;\nsetp.ne.b32 p, " ADD ", 0;\nwgmma.mma_async.sync.aligned.m64n" N "k16.f32." TYPE "." TYPE \
    " " REGISTERS "}, " A ", " B ", p, 1, 1, " TRANSPOSED ";\n}\n"
#endif

template <class E> struct mma_sm90 : mma_sm80<E> {
    static constexpr int GROUP = 4; /* waves */
    using operand = typename mma_sm80<E>::operand;

    enum { PANEL = 64, ROW_BYTES = 2 * PANEL, EIGHT_ROWS = 8 * ROW_BYTES };

    /* An operand that begins at a multiple of 16 bytes, with panels so many bytes apart. */
    static __device__ __forceinline__ uint64_t descriptor(const uint16_t *first, int panel_bytes)
    {
#if SIMT_HOST
        const uint32_t at = simt_host_lds_offset(first);
#elif defined(__CUDA_ARCH__)
        const uint32_t at = (uint32_t)__cvta_generic_to_shared(first);
#else
        const uint32_t at = 0;
        (void)first;
#endif
        return (uint64_t)((at & 0x3FFFFu) >> 4) | (uint64_t)(panel_bytes >> 4) << 16 |
               (uint64_t)(EIGHT_ROWS >> 4) << 32 | (uint64_t)1 << 62; /* 128B swizzle */
    }

    /* An operand that begins so many elements further on in the same object: less work than another descriptor. */
    static __device__ __forceinline__ uint64_t further(uint64_t descriptor, int elements)
    {
        return (descriptor & 0xFFFFFFFF00000000u) | (uint32_t)((uint32_t)descriptor + (uint32_t)(elements / 8));
    }

    /* Makes this thread's writes to LDS seen by wgmma, after the next barrier. */
    static __device__ __forceinline__ void publish()
    {
#if SIMT_HOST
        simt_host_publish();
#elif defined(__CUDA_ARCH_FEAT_SM90_ALL)
        asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
    }
    static __device__ __forceinline__ void begin()
    {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
        asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#endif
    }
    static __device__ __forceinline__ void commit()
    {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
        asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#endif
    }
    /* For all that was committed. */
    static __device__ __forceinline__ void wait()
    {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
        asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
#endif
    }

#if SIMT_HOST
    /* This lane's part of operand B of 16 x N elements: the wave reads it together. */
    template <int N>
    static __device__ __forceinline__ void read_b(uint64_t b, bool transposed, int lane, uint32_t (&words)[N / 4])
    {
        for (int i = 0; i < N / 16; i++) {
            const simt_u32x4 piece = simt_load<simt_u32x4>(simt_host_wgmma_piece(b, transposed, N, lane + 32 * i));
            for (int j = 0; j < 4; j++)
                words[4 * i + j] = piece[j];
        }
    }
#endif

    /* score = Q K^T or, ADD, more of it: 64 rows and 16 elements of each. */
    template <int N, bool ADD>
    static __device__ __forceinline__ void multiply_rows(float *c, uint64_t a, uint64_t b, int lane)
    {
#if SIMT_HOST
        const simt_u32x4 own = simt_load<simt_u32x4>(simt_host_wgmma_row(a, lane));
        const uint32_t rows[4] = { own.x, own.y, own.z, own.w };
        uint32_t words[N / 4];
        read_b<N>(b, false, lane, words);
        if (!ADD)
            for (int i = 0; i < N / 2; i++)
                c[i] = 0.0f;
        simt_host_wgmma(E::BF16, false, N, a, b, rows, words, c, __LINE__);
#elif defined(__CUDA_ARCH_FEAT_SM90_ALL)
        (void)lane;
        static_assert(N == 64, "an instruction for it");
        if constexpr (E::BF16)
            asm volatile(SM90_WGMMA("64", "bf16", SM90_T32, "%32", "%33", "%34", "0, 0")
                         : SM90_D32(c, 0)
                         : "l"(a), "l"(b), "n"(ADD ? 1 : 0));
        else
            asm volatile(SM90_WGMMA("64", "f16", SM90_T32, "%32", "%33", "%34", "0, 0")
                         : SM90_D32(c, 0)
                         : "l"(a), "l"(b), "n"(ADD ? 1 : 0));
#else
        (void)c; /* no kernel for this architecture is ever asked for: mma.hip */
        (void)a;
        (void)b;
        (void)lane;
#endif
    }

    /* acc += weights V: 16 keys, N elements of V. */
    template <int N>
    static __device__ __forceinline__ void multiply_weights(float *c, const operand &a, uint64_t b, int lane)
    {
#if SIMT_HOST
        uint32_t words[N / 4];
        read_b<N>(b, true, lane, words);
        simt_host_wgmma(E::BF16, true, N, 0, b, a.w, words, c, __LINE__);
#elif defined(__CUDA_ARCH_FEAT_SM90_ALL)
        (void)lane;
        static_assert(N == 64 || N == 96 || N == 128, "an instruction for it");
#define SM90_CASE(COLUMNS, NAME, REGISTERS, A, B, ADD, ...)                                 \
    if constexpr (N == COLUMNS && E::BF16)                                                  \
        asm volatile(SM90_WGMMA(NAME, "bf16", REGISTERS, A, B, ADD, "1")                    \
                     : __VA_ARGS__                                                          \
                     : "r"(a.w[0]), "r"(a.w[1]), "r"(a.w[2]), "r"(a.w[3]), "l"(b), "n"(1)); \
    else if constexpr (N == COLUMNS)                                                        \
    asm volatile(SM90_WGMMA(NAME, "f16", REGISTERS, A, B, ADD, "1")                         \
                 : __VA_ARGS__                                                              \
                 : "r"(a.w[0]), "r"(a.w[1]), "r"(a.w[2]), "r"(a.w[3]), "l"(b), "n"(1))
        SM90_CASE(64, "64", SM90_T32, "{%32, %33, %34, %35}", "%36", "%37", SM90_D32(c, 0));
        SM90_CASE(96, "96", SM90_T48, "{%48, %49, %50, %51}", "%52", "%53", SM90_D32(c, 0), SM90_D8(c, 32),
                  SM90_D8(c, 40));
        SM90_CASE(128, "128", SM90_T64, "{%64, %65, %66, %67}", "%68", "%69", SM90_D32(c, 0), SM90_D32(c, 32));
#undef SM90_CASE
#else
        (void)c;
        (void)a;
        (void)b;
        (void)lane;
#endif
    }
};

#endif
