/* access.cc: the memory access callbacks and what they check.
 *
 * The checked build of the kernels calls one of these before every load, store and block copy (kernels/CMakeLists.txt
 * has the compiler flags). An address is LDS, global memory, or the running thread's own stack; constants of the
 * program may be read; anything else is out of bounds.
 *
 * The usual cases are decided here, all others in lds.cc and global.cc, which say what tags are.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/host/shadow.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#if SIMT_ASAN
#include <sanitizer/asan_interface.h>
extern "C" {
void __asan_loadN(uintptr_t, size_t);
void __asan_storeN(uintptr_t, size_t);
}
#endif

/* Four tags, compared as signed numbers: all tags are below 2^31. */
typedef int32_t tags __attribute__((ext_vector_type(4)));

HOT static inline tags same_tags(uint32_t tag) { return tags(static_cast<int32_t>(tag)); }

/* N tags; a pair is loaded twice. */
template <int N = 4> HOT static inline tags load_tags(const uint32_t *from)
{
    tags t;
    if constexpr (N == 4) {
        __builtin_memcpy(&t, from, sizeof t);
    } else {
        typedef int64_t two __attribute__((ext_vector_type(2)));
        two pair;
        __builtin_memcpy(&pair, from, 8);
        pair.y = pair.x;
        __builtin_memcpy(&t, &pair, sizeof t);
    }
    return t;
}

HOT static inline bool all_true(tags comparison)
{
#if defined(__SSE2__)
    return _mm_movemask_epi8(reinterpret_cast<__m128i>(comparison)) == 0xFFFF;
#else
    return __builtin_reduce_and(comparison) != 0;
#endif
}

/* The tags of S bytes, four to a vector: are all of them what a block that comes back to its own bytes sees? */
template <unsigned S> HOT static inline bool settled_read(const struct simt_hot *hot, size_t at)
{
    tags all = same_tags(0) == 0;
    for (unsigned i = 0; i < S; i += 4) {
        const tags t = load_tags(hot->global_tag + at + i);
        all &= (t == same_tags(hot->mine)) | (t == same_tags(hot->mine | 1)) | (t == same_tags(hot->launch));
    }
    return all_true(all);
}

/* A write to bytes that nothing touched in this launch, or that this block wrote: the usual write. */
template <unsigned S> HOT static inline bool plain_write(const struct simt_hot *hot, size_t at)
{
    const tags wrote = same_tags(hot->mine | 1);
    tags all = same_tags(0) == 0;
    for (unsigned i = 0; i < S; i += 4) {
        const tags t = load_tags(hot->global_tag + at + i);
        all &= (t < same_tags(hot->launch)) | (t == wrote);
    }
    if (!all_true(all))
        return false;
    for (unsigned i = 0; i < S; i += 4)
        __builtin_memcpy(hot->global_tag + at + i, &wrote, sizeof wrote);
    return true;
}

/* ---- Neither --------------------------------------------------------------------------------------------- */

COLD static void other_access(const struct simt_hot *hot, uintptr_t address, size_t bytes, enum access access)
{
    if (address - hot->stack < hot->stack_bytes && bytes <= hot->stack_bytes - (address - hot->stack))
        return;
    const struct simt_executor *ex = hot->executor;
    if (access == READ && address >= ex->image_low && address < ex->image_high && bytes <= ex->image_high - address)
        return;
    if (address + SIMT_LDS_GUARD >= hot->lds && address < hot->lds)
        simt_fail(ATTN_F_LDS_BOUNDS, -static_cast<int64_t>(hot->lds - address), static_cast<int>(bytes), 0,
                  "%s %zu+%zu bytes before its start", access == READ ? "reads" : "writes",
                  static_cast<size_t>(hot->lds - address), bytes);
    simt_fail(ATTN_F_GLOBAL_BOUNDS, 0, static_cast<int>(bytes), 0,
              "%s %zu bytes at an address that is in no buffer and not the thread's own",
              access == READ ? "reads" : "writes", bytes);
}

COLD static void runaway(void)
{
    simt_hot.budget = 0;
    simt_fail(ATTN_F_RUNAWAY, 0, 0, 0, "the launch's budget of accesses and wave operations is used up");
}

/* ---- Accesses of fixed size ------------------------------------------------------------------------------ */

template <unsigned S> struct simt_word;
template <> struct simt_word<1> {
    typedef uint8_t type;
};
template <> struct simt_word<2> {
    typedef uint16_t type;
};
template <> struct simt_word<4> {
    typedef uint32_t type;
};
template <> struct simt_word<8> {
    typedef uint64_t type;
};

template <unsigned S> HOT static inline bool all_of_kind(const uint8_t *kind, uint8_t value)
{
    if constexpr (S == 16) {
        return all_of_kind<8>(kind, value) && all_of_kind<8>(kind + 8, value);
    } else {
        typedef typename simt_word<S>::type word;
        word w;
        __builtin_memcpy(&w, kind, S);
        return w == static_cast<word>(UINT64_C(0x0101010101010101) * value);
    }
}

/* The usual LDS read: written before the last barrier, and already noted as read by this thread or its wave, or since
 * that barrier by several waves: when, and by which, makes no difference then (lds.cc, ordered and joined). */
template <unsigned S> HOT static inline bool settled_lds_read(const struct simt_hot *hot, size_t granule)
{
    if constexpr (S == 4) {
        const uint32_t w = hot->lds_write[granule], r = hot->lds_read[granule];
        return w - hot->block_start < hot->block_sync - hot->block_start &&
               (r == hot->many || r == hot->tag || (r >= hot->block_sync && (r & WHO_MASK) == WHO_ALL));
    } else {
        const tags w = load_tags<S / 4>(hot->lds_write + granule), r = load_tags<S / 4>(hot->lds_read + granule);
        return all_true((w >= same_tags(hot->block_start)) & (w < same_tags(hot->block_sync)) &
                        ((r == same_tags(hot->many)) | (r == same_tags(hot->tag)) |
                         ((r >= same_tags(hot->block_sync)) & ((r & same_tags(WHO_MASK)) == same_tags(WHO_ALL)))));
    }
}

/* The usual LDS write: nobody touched it since the last barrier. */
template <unsigned S> HOT static inline bool plain_lds_write(const struct simt_hot *hot, size_t granule)
{
    for (unsigned i = 0; i < S / 4; i++)
        if (hot->lds_write[granule + i] >= hot->block_sync || hot->lds_read[granule + i] >= hot->block_sync)
            return false;
    for (unsigned i = 0; i < S / 4; i++)
        hot->lds_write[granule + i] = hot->tag;
    return true;
}

/* The thread's own stack and constants are AddressSanitizer's to check. Its shadow byte of a whole group of eight
 * good bytes is 0 (AddressSanitizer: A Fast Address Sanity Checker, section 3.1): the usual case, looked up here. */
#if SIMT_ASAN
HOT static inline bool asan_good(uintptr_t address, size_t bytes)
{
    const size_t scale = simt_hot.asan_scale, offset = simt_hot.asan_offset;
    if (scale == 0 || bytes > (address % 8 == 0 ? 16 : 9)) /* first and last group are all it has */
        return false;
    const uint8_t *first = reinterpret_cast<const uint8_t *>((address >> scale) + offset);
    const uint8_t *last = reinterpret_cast<const uint8_t *>(((address + bytes - 1) >> scale) + offset);
    return (*first | *last) == 0;
}
#define ASAN_CHECK(address, bytes, call) \
    do                                   \
        if (!asan_good(address, bytes))  \
            call(address, bytes);        \
    while (0)
#else
#define ASAN_CHECK(address, bytes, call) (void)0
#endif

template <unsigned S> HOT static inline void on_load(uintptr_t address)
{
    struct simt_hot *hot = &simt_hot;
    if (UNLIKELY(hot->budget-- == 0))
        runaway();
    size_t at = address - hot->lds;
    if (at < hot->lds_span) {
        if constexpr (S >= 4)
            if (LIKELY(at % 4 == 0 && at + S <= hot->lds_bytes) && settled_lds_read<S>(hot, at / 4))
                return;
        simt_lds_access(hot, at, S, READ);
        return;
    }
    at = address - hot->global;
    if (at < hot->global_span) {
        const uint8_t *kind = hot->kind + at;
        if (LIKELY(all_of_kind<S>(kind, SIMT_INPUT)))
            return;
        if constexpr (S >= 4)
            if (all_of_kind<S>(kind, SIMT_WORKSPACE) && settled_read<S>(hot, at))
                return;
        simt_global_access(hot, at, S, READ);
        return;
    }
    if (UNLIKELY(address - hot->stack >= hot->stack_bytes))
        other_access(hot, address, S, READ);
    ASAN_CHECK(address, S, __asan_loadN);
}

template <unsigned S> HOT static inline void on_store(uintptr_t address)
{
    struct simt_hot *hot = &simt_hot;
    if (UNLIKELY(hot->budget-- == 0))
        runaway();
    size_t at = address - hot->lds;
    if (at < hot->lds_span) {
        if constexpr (S >= 4)
            if (LIKELY(at % 4 == 0 && at + S <= hot->lds_bytes) && plain_lds_write<S>(hot, at / 4))
                return;
        simt_lds_access(hot, at, S, WRITE);
        return;
    }
    at = address - hot->global;
    if (at < hot->global_span) {
        const uint8_t *kind = hot->kind + at;
        if constexpr (S >= 4)
            if ((all_of_kind<S>(kind, SIMT_DST) || all_of_kind<S>(kind, SIMT_WORKSPACE)) && plain_write<S>(hot, at))
                return;
        simt_global_access(hot, at, S, WRITE);
        return;
    }
    if (UNLIKELY(address - hot->stack >= hot->stack_bytes))
        other_access(hot, address, S, WRITE);
    ASAN_CHECK(address, S, __asan_storeN);
}

/* Accesses of any size: unusual sizes, unaligned ones, block copies. */
HOT static void on_range(uintptr_t address, size_t bytes, enum access access)
{
    struct simt_hot *hot = &simt_hot;
    if (bytes == 0)
        return;
    if (UNLIKELY(hot->budget-- == 0))
        runaway();
    size_t at = address - hot->lds;
    if (at < hot->lds_span) {
        simt_lds_access(hot, at, bytes, access);
        return;
    }
    at = address - hot->global;
    if (at < hot->global_span) {
        simt_global_access(hot, at, bytes, access);
        return;
    }
    other_access(hot, address, bytes, access);
    if (access == READ)
        ASAN_CHECK(address, bytes, __asan_loadN);
    else
        ASAN_CHECK(address, bytes, __asan_storeN);
}

/* The compiler calls these under the name that kernels/CMakeLists.txt gives it; with the suffix where errors are
 * recoverable, which is what kernel mode always says. */
#define CALLBACKS(S)                                                                         \
    extern "C" HOT void __simt_load##S(uintptr_t address) { on_load<S>(address); }           \
    extern "C" HOT void __simt_store##S(uintptr_t address) { on_store<S>(address); }         \
    extern "C" HOT void __simt_load##S##_noabort(uintptr_t address) { on_load<S>(address); } \
    extern "C" HOT void __simt_store##S##_noabort(uintptr_t address) { on_store<S>(address); }

CALLBACKS(1)
CALLBACKS(2)
CALLBACKS(4)
CALLBACKS(8)
CALLBACKS(16)

HOT static inline void on_small_range(uintptr_t address, size_t bytes, bool write)
{
    /* Unaligned accesses of the usual sizes (rows of quantised blocks) are as common as aligned ones. */
    switch (bytes) {
    case 2: return write ? on_store<2>(address) : on_load<2>(address);
    case 4: return write ? on_store<4>(address) : on_load<4>(address);
    case 8: return write ? on_store<8>(address) : on_load<8>(address);
    case 16: return write ? on_store<16>(address) : on_load<16>(address);
    default: return on_range(address, bytes, write ? WRITE : READ);
    }
}

extern "C" {
HOT void __simt_loadN(uintptr_t address, size_t bytes) { on_small_range(address, bytes, false); }
HOT void __simt_storeN(uintptr_t address, size_t bytes) { on_small_range(address, bytes, true); }
HOT void __simt_loadN_noabort(uintptr_t address, size_t bytes) { on_small_range(address, bytes, false); }
HOT void __simt_storeN_noabort(uintptr_t address, size_t bytes) { on_small_range(address, bytes, true); }

HOT void *__simt_memcpy(void *to, const void *from, size_t bytes)
{
    on_range(reinterpret_cast<uintptr_t>(from), bytes, READ);
    on_range(reinterpret_cast<uintptr_t>(to), bytes, WRITE);
    return memcpy(to, from, bytes);
}

HOT void *__simt_memmove(void *to, const void *from, size_t bytes)
{
    on_range(reinterpret_cast<uintptr_t>(from), bytes, READ);
    on_range(reinterpret_cast<uintptr_t>(to), bytes, WRITE);
    return memmove(to, from, bytes);
}

HOT void *__simt_memset(void *to, int value, size_t bytes)
{
    on_range(reinterpret_cast<uintptr_t>(to), bytes, WRITE);
    return memset(to, value, bytes);
}
}

/* ---- Alignment and atomics ------------------------------------------------------------------------------- */

void simt_host_misaligned(const void *p, size_t bytes, int write)
{
    const struct simt_hot *hot = &simt_hot;
    const uintptr_t address = reinterpret_cast<uintptr_t>(p);
    if (!hot->executor)
        return;
    if (hot->executor->memory && address - hot->global < hot->global_span)
        simt_fail_global(ATTN_F_ALIGNMENT, address - hot->global, static_cast<int>(bytes), 0, write != 0);
    simt_fail(ATTN_F_ALIGNMENT, static_cast<int64_t>(address - hot->lds), static_cast<int>(bytes), 0,
              "%s %zu bytes at LDS %td, no multiple of %zu", write ? "stores" : "loads", bytes,
              static_cast<ptrdiff_t>(address - hot->lds), bytes);
}

/* Threads of a block run one at a time, blocks one after another: an atomic is an access. */
template <class T, class F> static inline T atomic(T *p, F change)
{
    if (reinterpret_cast<uintptr_t>(p) % sizeof(T) != 0)
        simt_host_misaligned(p, sizeof(T), 1);
    if (simt_hot.executor && simt_hot.executor->options.checked)
        on_range(reinterpret_cast<uintptr_t>(p), sizeof(T), ATOMIC);
    const T before = *p;
    *p = change(before);
    return before;
}

int32_t simt_host_atomic_add_i32(int32_t *p, int32_t v)
{
    return atomic(p,
                  [v](int32_t x) { return static_cast<int32_t>(static_cast<uint32_t>(x) + static_cast<uint32_t>(v)); });
}
uint32_t simt_host_atomic_add_u32(uint32_t *p, uint32_t v)
{
    return atomic(p, [v](uint32_t x) { return x + v; });
}
float simt_host_atomic_add_f32(float *p, float v)
{
    return atomic(p, [v](float x) { return x + v; });
}
int32_t simt_host_atomic_max_i32(int32_t *p, int32_t v)
{
    return atomic(p, [v](int32_t x) { return x > v ? x : v; });
}
uint32_t simt_host_atomic_max_u32(uint32_t *p, uint32_t v)
{
    return atomic(p, [v](uint32_t x) { return x > v ? x : v; });
}
uint32_t simt_host_atomic_or_u32(uint32_t *p, uint32_t v)
{
    return atomic(p, [v](uint32_t x) { return x | v; });
}
