/* lds.cc: LDS and its shadow: who touched what since when, block after block.
 *
 * Every aligned 4-byte granule has two tags: the last write, and the reads since. A tag is (clock << 12 | who).
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
 * SPDX-License-Identifier: MIT */
#include "kernels/host/shadow.h"

#include <sys/mman.h>

enum : uint32_t {
    WHO_WAVE = SIMT_MAX_THREADS,
    CLOCK_LIMIT = (1u << 19) - 2,
    SPLIT = 0x7FFFFFFFu /* as a granule's write tag: its bytes have tags of their own */
};

/* ---- Order ------------------------------------------------------------------------------------------ */

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

/* ---- One granule or byte ---------------------------------------------------------------------------- */

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
COLD void simt_lds_access(const struct simt_hot *hot, size_t at, size_t bytes, enum access access)
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

/* ---- Blocks and clock ------------------------------------------------------------------------------- */

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
