/* copies.cc: copies from memory to LDS that the device makes by itself (simt_copy_async): started, and made when they
 * are waited for. kernels/simt/host.h writes NaN patterns where one has been started, so that who reads too early gets
 * those.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/host/executor.h"

static struct simt_copies *own_copies(void) { return &simt_hot.executor->copies[simt_hot.fiber->thread]; }

SIMT_HOT_FUNCTION void simt_host_copy_start(void *to, const void *from, uint32_t bytes)
{
    struct simt_copies *c = own_copies();
    if (c->count == SIMT_COPIES_MAX)
        simt_fail(ATTN_F_RUNTIME, 0, 0, 0, "a thread has more than %d copies to LDS under way", SIMT_COPIES_MAX);
    c->ring[(c->first + c->count++) % SIMT_COPIES_MAX] = { to, from, bytes, c->group };
}

SIMT_HOT_FUNCTION void simt_host_copy_commit(void) { own_copies()->group++; }

SIMT_HOT_FUNCTION bool simt_host_copy_next(int left, struct simt_host_copy_of *copy)
{
    struct simt_copies *c = own_copies();
    if (c->count == 0)
        return false;
    const struct simt_host_copy_of *oldest = &c->ring[c->first % SIMT_COPIES_MAX];
    if (left >= 0 && c->group - oldest->group <= static_cast<uint32_t>(left))
        return false;
    *copy = *oldest;
    c->first = (c->first + 1) % SIMT_COPIES_MAX;
    c->count--;
    return true;
}
