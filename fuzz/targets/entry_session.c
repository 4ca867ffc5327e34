/* entry_session.c: libFuzzer's hooks to the mutator of sessions. Linked into the target whose input is a session, which
 * gets, of several that it might play next, the one that is worth most.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "fuzz/session/session.h"
#include "fuzz/targets/history.h"
#include "fuzz/targets/hooks.h"
#include "planner/random.h"

enum { OFFERS = 8 };

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    static struct attn_session session;
    uint8_t one[ATTN_SESSION_BYTES_MAX], best[ATTN_SESSION_BYTES_MAX];
    const size_t cap = max_size < sizeof one ? max_size : sizeof one;
    size_t best_size = 0;
    double most = -1;
    uint64_t state = seed;
    if (!attn_history_watches())
        return attn_session_mutate(data, size, data, max_size, seed);
    for (int i = 0; i < OFFERS; i++) {
        struct attn_session_limits limits;
        const size_t n = attn_session_mutate(data, size, one, cap, attn_random(&state));
        const enum attn_session_kind kind = attn_session_bytes_kind(one, n);
        attn_session_limits_for(kind, &limits);
        attn_session_decode(one, n, &limits, &session);
        const double worth = attn_history_worth(&session, kind);
        if (worth > most) {
            most = worth;
            best_size = n;
            memcpy(best, one, n);
        }
    }
    memcpy(data, best, best_size);
    return best_size;
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out,
                                 size_t max_size, unsigned int seed)
{
    return attn_session_cross(a, a_size, b, b_size, out, max_size, seed);
}
