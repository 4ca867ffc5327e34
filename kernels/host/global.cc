/* global.cc: accesses to global memory and their shadow.
 *
 * Inputs need their class only. Bytes of dst and workspace have a tag (serial number of the block << 1 | wrote);
 * launch << 1 is "several blocks read", launch << 1 | 1 "atomics wrote".
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/host/shadow.h"

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
COLD void simt_global_access(const struct simt_hot *hot, size_t at, size_t bytes, enum access access)
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
