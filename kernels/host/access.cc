/* access.cc: the memory access callbacks and what they check.
 *
 * The checked build of the kernels calls one of these before every load, store and block copy (kernels/CMakeLists.txt
 * has the compiler flags). An address is LDS, global memory, or the running thread's own stack; constants of the
 * program may be read; anything else is out of bounds.
 *
 * LDS. Every aligned 4-byte granule has two tags: the last write, and the reads since. A tag is (clock << 12 | who).
 * The clock counts operations of the executor; a thread's accesses carry the clock value of its wave's last
 * operation (barrier or wave operation), so that of an earlier access with tag t
 *      t < block_start             it was in another block: the byte counts as unwritten
 *      t < block_sync              a barrier lies between
 *      same wave, clock < now      a wave operation of that wave lies between
 *      same thread                 program order lies between
 * and otherwise nothing orders it before this one: a race when one of the two writes. `who` is a thread, or several
 * lanes of one wave (1024 + wave), or several waves (2047); bit 11 marks atomics, which do not race with each other.
 * That is exact for any number of readers: later comparisons only ask whether all of them are ordered before.
 * Accesses of part of a granule split it: its four bytes then have tags of their own, until a barrier has made
 * them all the same again.
 *
 * Global. Inputs need their class only. Bytes of dst and workspace have a tag (serial number of the block << 1 |
 * wrote); launch << 1 is "several blocks read", launch << 1 | 1 "atomics wrote".
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/host/executor.h"

#include <string.h>
#include <sys/mman.h>
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

enum : uint32_t {
    WHO_WAVE = SIMT_MAX_THREADS,
    WHO_ALL = 2047,
    WHO_ATOMIC = 2048,
    WHO_MASK = 4095,
    CLOCK_LIMIT = (1u << 19) - 2,
    SPLIT = 0x7FFFFFFFu /* as a granule's write tag: its bytes have tags of their own */
};

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define HOT SIMT_HOT_FUNCTION
#define COLD SIMT_HOT_FUNCTION __attribute__((noinline))

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
        int64_t pair __attribute__((ext_vector_type(2)));
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

/* ---- LDS: order ------------------------------------------------------------------------------------------ */

/* The wave that a tag's accesses were made by; none when by several. */
HOT static inline uint32_t wave_of(const struct simt_executor *ex, uint32_t who)
{
    who &= WHO_MASK & ~WHO_ATOMIC;
    if (who == WHO_ALL)
        return ~0u;
    return who >= WHO_WAVE ? who - WHO_WAVE : ex->fiber[who].wave->number;
}

/* Are the accesses that a tag of this block stands for ordered before the running thread's next? */
HOT static inline bool ordered(const struct simt_hot *hot, uint32_t tag)
{
    if (tag < hot->block_sync)
        return true;
    const struct simt_fiber *me = hot->fiber;
    if ((tag & (WHO_MASK & ~WHO_ATOMIC)) == me->thread)
        return true;
    return wave_of(hot->executor, tag & WHO_MASK) == me->wave->number && tag >> 12 < me->wave->sync;
}

/* The tag of the accesses of `tag` and the running thread's together. atomic: WHO_ATOMIC or 0. */
HOT static inline uint32_t joined(const struct simt_hot *hot, uint32_t tag, uint32_t atomic)
{
    const uint32_t mine = hot->tag | atomic, many = hot->many | atomic;
    if (tag == mine || tag == many || tag < hot->block_sync)
        return tag == many ? many : mine;
    const struct simt_fiber *me = hot->fiber;
    if (wave_of(hot->executor, tag & WHO_MASK) != me->wave->number)
        return mine | WHO_ALL;
    return tag >> 12 < me->wave->sync ? mine : many;
}

/* A thread that a tag stands for, for messages: of several, the first of the wave (of the block). */
HOT static uint32_t thread_of(const struct simt_executor *ex, uint32_t tag)
{
    const uint32_t who = tag & (WHO_MASK & ~WHO_ATOMIC);
    if (who < WHO_WAVE)
        return who;
    return who == WHO_ALL ? 0 : ex->wave[who - WHO_WAVE].first;
}

/* ---- LDS: one granule or byte ---------------------------------------------------------------------------- */

enum access : int { READ, WRITE, ATOMIC };

[[noreturn]] COLD static void fail_race(const struct simt_hot *hot, uint32_t tag, bool they_wrote, size_t at, int bytes,
                                        enum access access)
{
    const uint32_t other = thread_of(hot->executor, tag);
    const uint32_t who = tag & (WHO_MASK & ~WHO_ATOMIC);
    simt_fail(ATTN_F_LDS_RACE, static_cast<int64_t>(at), bytes, other,
              "%s %zu+%d which %s %u %s since the last barrier or wave operation between them",
              access == READ ? "reads" : "writes", at, bytes,
              who < WHO_WAVE   ? "thread"
              : who == WHO_ALL ? "several waves, not before thread"
                               : "several lanes of the wave of thread",
              other, they_wrote ? "wrote" : "read");
}

/* Checks an access to what one pair of tags stands for and updates them. at, bytes: the whole access. */
HOT static inline void touch(const struct simt_hot *hot, uint32_t *written, uint32_t *read, size_t at, int bytes,
                             enum access access)
{
    const uint32_t w = *written, r = *read;
    if (access == READ) {
        if (UNLIKELY(w < hot->block_start))
            simt_fail(ATTN_F_LDS_UNWRITTEN, static_cast<int64_t>(at), bytes, 0,
                      "reads %zu+%d which no thread of the block wrote", at, bytes);
        if (UNLIKELY(!ordered(hot, w)))
            fail_race(hot, w, true, at, bytes, access);
        *read = joined(hot, r, 0);
        return;
    }
    if (UNLIKELY(!ordered(hot, r)))
        fail_race(hot, r, false, at, bytes, access);
    if (access == WRITE) {
        if (UNLIKELY(!ordered(hot, w)))
            fail_race(hot, w, true, at, bytes, access);
        *written = hot->tag;
    } else {
        if (UNLIKELY(w < hot->block_start))
            simt_fail(ATTN_F_LDS_UNWRITTEN, static_cast<int64_t>(at), bytes, 0,
                      "an atomic operation on %zu+%d which no thread of the block wrote", at, bytes);
        const bool plain = (w & WHO_ATOMIC) == 0;
        if (UNLIKELY(plain && !ordered(hot, w)))
            fail_race(hot, w, true, at, bytes, access);
        /* What others must still be ordered after: the plain write if it was not, else the atomics. */
        *written = joined(hot, plain ? 0 : w, WHO_ATOMIC);
    }
}

HOT static void split(struct simt_executor *ex, size_t granule)
{
    for (size_t b = 4 * granule; b < 4 * granule + 4; b++) {
        ex->lds_byte_write[b] = ex->lds_write[granule];
        ex->lds_byte_read[b] = ex->lds_read[granule];
    }
    ex->lds_write[granule] = SPLIT;
    if (ex->splits < SIMT_LDS_CAPACITY / 4)
        ex->split[ex->splits++] = static_cast<uint32_t>(granule);
}

/* Gives a split granule one pair of tags again where its bytes have become alike. */
HOT static void unsplit(const struct simt_hot *hot, size_t granule)
{
    struct simt_executor *ex = hot->executor;
    const uint32_t *w = ex->lds_byte_write + 4 * granule, *r = ex->lds_byte_read + 4 * granule;
    bool same = true, settled = true;
    for (int i = 0; i < 4; i++) {
        same = same && w[i] == w[0] && r[i] == r[0];
        settled = settled && w[i] >= hot->block_start && w[i] < hot->block_sync && r[i] < hot->block_sync;
    }
    if (!same && !settled)
        return;
    ex->lds_write[granule] = w[0];
    ex->lds_read[granule] = r[0];
}

/* Any LDS access: whole granules by their tags, parts of granules byte by byte. */
COLD static void lds_access(const struct simt_hot *hot, size_t at, size_t bytes, enum access access)
{
    struct simt_executor *ex = hot->executor;
    if (at > hot->lds_bytes || bytes > hot->lds_bytes - at)
        simt_fail(ATTN_F_LDS_BOUNDS, static_cast<int64_t>(at), static_cast<int>(bytes), 0,
                  "%s %zu+%zu, the block has %zu bytes", access == READ ? "reads" : "writes", at, bytes,
                  hot->lds_bytes);
    const size_t end = at + bytes;
    const int size = static_cast<int>(bytes);
    for (size_t i = at; i < end;) {
        const size_t granule = i / 4;
        const bool whole = i % 4 == 0 && end - i >= 4;
        if (ex->lds_write[granule] == SPLIT)
            unsplit(hot, granule);
        if (whole && ex->lds_write[granule] != SPLIT) {
            touch(hot, &ex->lds_write[granule], &ex->lds_read[granule], at, size, access);
            i += 4;
            continue;
        }
        if (ex->lds_write[granule] != SPLIT)
            split(ex, granule);
        for (; i < end && i / 4 == granule; i++)
            touch(hot, &ex->lds_byte_write[i], &ex->lds_byte_read[i], at, size, access);
        unsplit(hot, granule);
    }
}

/* ---- LDS: blocks and clock ------------------------------------------------------------------------------- */

/* Restarts the clock when it is about to run out. All that tags are asked is how they compare with block_start,
 * block_sync and their wave's last operation, so four values are enough to keep the answers. */
static void renew_clock(struct simt_executor *ex)
{
    const auto renewed = [ex](uint32_t tag) -> uint32_t {
        const uint32_t who = tag & WHO_MASK;
        if (tag == SPLIT)
            return tag;
        if (tag < simt_hot.block_start)
            return 0;
        if (tag < simt_hot.block_sync)
            return simt_lds_tag(1, who);
        const uint32_t wave = wave_of(ex, who);
        const bool before = wave != ~0u && tag >> 12 < ex->wave[wave].sync;
        return simt_lds_tag(before ? 2 : 3, who);
    };
    for (size_t g = 0; g < ex->lds_high; g++) {
        if (ex->lds_write[g] == SPLIT)
            for (size_t b = 4 * g; b < 4 * g + 4; b++) {
                ex->lds_byte_write[b] = renewed(ex->lds_byte_write[b]);
                ex->lds_byte_read[b] = renewed(ex->lds_byte_read[b]);
            }
        ex->lds_write[g] = renewed(ex->lds_write[g]);
        ex->lds_read[g] = renewed(ex->lds_read[g]);
    }
    for (uint32_t w = 0; w < ex->waves; w++)
        ex->wave[w].sync = 3;
    for (uint32_t t = 0; t < ex->threads; t++)
        ex->published[t] = 3; /* what was passed on stays so */
    simt_hot.block_start = simt_lds_tag(1, 0);
    simt_hot.block_sync = simt_lds_tag(2, 0);
    ex->clock = 3;
}

HOT uint32_t simt_lds_written(const struct simt_executor *ex, size_t at)
{
    const uint32_t tag = ex->lds_write[at / 4];
    return tag == SPLIT ? ex->lds_byte_write[at] : tag;
}

uint32_t simt_lds_tick(struct simt_executor *ex)
{
    if (UNLIKELY(ex->clock >= ex->clock_limit))
        renew_clock(ex);
    return ++ex->clock;
}

void simt_lds_block(struct simt_executor *ex)
{
    const size_t granules = (simt_hot.lds_bytes + 3) / 4;
    if (granules > ex->lds_high)
        ex->lds_high = granules;
    if (ex->splits == SIMT_LDS_CAPACITY / 4) {
        for (size_t g = 0; g < ex->lds_high; g++)
            if (ex->lds_write[g] == SPLIT)
                ex->lds_write[g] = ex->lds_read[g] = 0;
    } else {
        for (uint32_t i = 0; i < ex->splits; i++)
            if (ex->lds_write[ex->split[i]] == SPLIT)
                ex->lds_write[ex->split[i]] = ex->lds_read[ex->split[i]] = 0;
    }
    ex->splits = 0;
    const uint32_t now = simt_lds_tick(ex);
    simt_hot.block_start = simt_hot.block_sync = simt_lds_tag(now, 0);
}

/* One mapping: the LDS between its guards, then the shadow. Pages that are never touched cost nothing. */
static size_t lds_map_bytes(void)
{
    return 2 * SIMT_LDS_GUARD + SIMT_LDS_CAPACITY + SIMT_LDS_CAPACITY * (1 + 1 + 1 + 4 + 4);
}

bool simt_lds_create(struct simt_executor *ex)
{
    void *map =
        mmap(nullptr, lds_map_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        return false;
    ex->lds = static_cast<uint8_t *>(map) + SIMT_LDS_GUARD;
    uint32_t *shadow = reinterpret_cast<uint32_t *>(ex->lds + SIMT_LDS_CAPACITY + SIMT_LDS_GUARD);
    const size_t granules = SIMT_LDS_CAPACITY / 4;
    ex->lds_write = shadow;
    ex->lds_read = shadow + granules;
    ex->split = shadow + 2 * granules;
    ex->lds_byte_write = shadow + 3 * granules;
    ex->lds_byte_read = shadow + 7 * granules;
    ex->clock_limit = CLOCK_LIMIT;
    return true;
}

void simt_lds_destroy(struct simt_executor *ex) { munmap(ex->lds - SIMT_LDS_GUARD, lds_map_bytes()); }

void *simt_host_lds(size_t bytes, size_t align)
{
    struct simt_executor *ex = simt_hot.executor;
    const uint32_t declared = ex->launch->shape.lds_static_bytes;
    if (bytes != declared)
        simt_fail(ATTN_F_LDS_SIZE, 0, static_cast<int>(bytes), 0, "the kernel declares %zu bytes, the launch says %u",
                  bytes, declared);
    if (align > SIMT_LDS_GUARD)
        simt_fail(ATTN_F_LDS_SIZE, 0, static_cast<int>(bytes), 0, "LDS cannot be aligned to %zu bytes", align);
    ex->lds_declared = true;
    return ex->lds;
}

void *simt_host_lds_dynamic(size_t align)
{
    struct simt_executor *ex = simt_hot.executor;
    const size_t start = (ex->launch->shape.lds_static_bytes + align - 1) / align * align;
    return ex->lds + start;
}

/* ---- Global memory --------------------------------------------------------------------------------------- */

/* Checks one byte of dst or workspace and updates its tag. */
HOT static inline void touch_global(const struct simt_hot *hot, size_t byte, size_t at, size_t bytes,
                                    enum access access)
{
    uint32_t *tag = &hot->global_tag[byte];
    const uint32_t t = *tag, mine = hot->mine, many = hot->launch;
    const uint32_t other = 0;
    const int size = static_cast<int>(bytes);
    if (access == READ) {
        if (t == mine || t == (mine | 1) || t == many)
            return;
        if (UNLIKELY(t < hot->run))
            simt_fail_global(ATTN_F_GLOBAL_UNWRITTEN, at, size, other, false);
        if (t < many)
            *tag = mine;
        else if (t & 1)
            simt_fail_global(ATTN_F_GLOBAL_RACE, at, size, other, false);
        else
            *tag = many;
        return;
    }
    if (access == ATOMIC) {
        if (UNLIKELY(t < hot->run))
            simt_fail_global(ATTN_F_GLOBAL_UNWRITTEN, at, size, other, true);
        if (t >= many && t != (many | 1) && (t | 1) != (mine | 1))
            simt_fail_global(ATTN_F_GLOBAL_RACE, at, size, other, true);
        *tag = many | 1;
        return;
    }
    if (t < many || (t | 1) == (mine | 1))
        *tag = mine | 1;
    else
        simt_fail_global(ATTN_F_GLOBAL_RACE, at, size, other, true);
}

/* Any global access that is not a read of inputs alone. */
COLD static void global_access(const struct simt_hot *hot, size_t at, size_t bytes, enum access access)
{
    if (bytes > hot->global_span - at)
        simt_fail_global(ATTN_F_GLOBAL_BOUNDS, at, static_cast<int>(bytes), 0, access != READ);
    for (size_t i = at; i < at + bytes; i++) {
        const uint8_t kind = hot->kind[i];
        if (UNLIKELY(kind == SIMT_GAP))
            simt_fail_global(ATTN_F_GLOBAL_BOUNDS, at, static_cast<int>(bytes), 0, access != READ);
        if (kind & SIMT_WRITABLE)
            touch_global(hot, i, at, bytes, access);
        else if (UNLIKELY(access != READ))
            simt_fail_global(ATTN_F_GLOBAL_READONLY, at, static_cast<int>(bytes), 0, true);
    }
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

/* The usual LDS read: written before the last barrier, and already noted as read by this thread or its wave. */
template <unsigned S> HOT static inline bool settled_lds_read(const struct simt_hot *hot, size_t granule)
{
    if constexpr (S == 4) {
        const uint32_t w = hot->lds_write[granule], r = hot->lds_read[granule];
        return w - hot->block_start < hot->block_sync - hot->block_start && (r == hot->many || r == hot->tag);
    } else {
        const tags w = load_tags<S / 4>(hot->lds_write + granule), r = load_tags<S / 4>(hot->lds_read + granule);
        return all_true((w >= same_tags(hot->block_start)) & (w < same_tags(hot->block_sync)) &
                        ((r == same_tags(hot->many)) | (r == same_tags(hot->tag))));
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
        lds_access(hot, at, S, READ);
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
        global_access(hot, at, S, READ);
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
        lds_access(hot, at, S, WRITE);
        return;
    }
    at = address - hot->global;
    if (at < hot->global_span) {
        const uint8_t *kind = hot->kind + at;
        if constexpr (S >= 4)
            if ((all_of_kind<S>(kind, SIMT_DST) || all_of_kind<S>(kind, SIMT_WORKSPACE)) && plain_write<S>(hot, at))
                return;
        global_access(hot, at, S, WRITE);
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
        lds_access(hot, at, bytes, access);
        return;
    }
    at = address - hot->global;
    if (at < hot->global_span) {
        global_access(hot, at, bytes, access);
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
