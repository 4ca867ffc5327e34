/* history.c: see history.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/targets/history.h"

#include <string.h>

#include "fuzz/targets/feedback.h"
#include "planner/hash.h"

enum { TABLE_BITS = 16, STEP_US = 600, LONG_US = 60000 };

static uint8_t played[1 << TABLE_BITS]; /* sessions that had a pair, up to 255 */
static bool watches;

static int history_bits(int64_t n)
{
    int bits = 0;
    while (n > 0 && bits < 62) {
        n /= 2;
        bits++;
    }
    return bits;
}

enum {
#define X(name, of) TRAIT_##name,
    ATTN_HISTORY_TRAITS(X)
#undef X
        TRAITS,
    /* How often each event is there, up to three; and which came right after which. */
    FIRST_OP = TRAITS,
    TRAITS_AND_OPS = TRAITS + ATTN_SESSION_OP_COUNT,
    KEYS_MAX = TRAITS_AND_OPS
};

struct keys {
    uint32_t of[KEYS_MAX];
    uint8_t after[ATTN_SESSION_OP_COUNT + 1][ATTN_SESSION_OP_COUNT]; /* the last row: the first event */
};

static void keys_of(const struct attn_session *s, enum attn_session_kind kind, struct keys *keys)
{
    const struct attn_session_layer *l = &s->layer[s->n_layers - 1];
    int64_t classes[KEYS_MAX] = {
#define X(name, of) of,
        ATTN_HISTORY_TRAITS(X)
#undef X
    };
    int before = ATTN_SESSION_OP_COUNT;
    memset(keys, 0, sizeof *keys);
    for (int i = 0; i < s->n_events; i++) {
        const int op = s->event[i].op;
        classes[FIRST_OP + op] += classes[FIRST_OP + op] < 3;
        keys->after[before][op] = 1;
        before = op;
    }
    for (uint64_t t = 0; t < KEYS_MAX; t++)
        keys->of[t] =
            (uint32_t)(attn_hash_u64(attn_hash_u64(ATTN_HASH_START, t << 2 | kind), (uint64_t)classes[t]) >> 32);
}

static uint32_t place(uint32_t a, uint32_t b)
{
    return (a * UINT32_C(0x9e3779b1) ^ b * UINT32_C(0x85ebca77)) * UINT32_C(0xc2b2ae3d) >> (32 - TABLE_BITS);
}

/* Calls `visit` for each pair of traits, and for each pair of events that follow each other. */
static float each_pair(const struct keys *keys, float (*visit)(uint32_t at))
{
    enum { FOLLOW_WEIGHT = 4 };
    float sum = 0;
    for (int a = 1; a < KEYS_MAX; a++)
        for (int b = 0; b < a; b++)
            sum += visit(place(keys->of[a], keys->of[b]));
    for (uint32_t a = 0; a <= ATTN_SESSION_OP_COUNT; a++)
        for (uint32_t b = 0; b < ATTN_SESSION_OP_COUNT; b++)
            if (keys->after[a][b])
                sum += FOLLOW_WEIGHT * visit(place(keys->of[TRAIT_unified] ^ a, b));
    return sum;
}

static float gain(uint32_t at) { return 1.0f / (float)(1 + played[at]); }

static float count(uint32_t at)
{
    if (played[at] == 0)
        attn_feedback_show(at);
    played[at] += played[at] < 255;
    return 0;
}

void attn_history_ran(const struct attn_session *session, enum attn_session_kind kind)
{
    struct keys keys;
    watches = true;
    if (attn_feedback_repeats())
        return;
    keys_of(session, kind, &keys);
    each_pair(&keys, count);
}

/* Steps of an event, about. */
static int64_t steps_of(const struct attn_session *s, const struct attn_session_event *e)
{
    switch (e->op) {
    case ATTN_SESSION_PREFILL: return e->tokens / s->ubatch + 1;
    case ATTN_SESSION_REUSE: return e->prompt / s->ubatch + 1;
    case ATTN_SESSION_DECODE:
    case ATTN_SESSION_TOGETHER: return e->tokens;
    case ATTN_SESSION_DRAFT:
    case ATTN_SESSION_DRAFTS: return (int64_t)(e->times > 0 ? e->times : 1) * (e->drafted + 1);
    case ATTN_SESSION_MIXED: return attn_session_mixed_steps(s, e);
    default: return 0;
    }
}

double attn_history_worth(const struct attn_session *session, enum attn_session_kind kind)
{
    struct keys keys;
    int64_t steps = 0;
    for (int i = 0; i < session->n_events; i++)
        steps += steps_of(session, &session->event[i]);
    keys_of(session, kind, &keys);
    const double us = 4000 + (kind == ATTN_SESSION_PLANNED ? (double)steps * 10
                              : kind == ATTN_SESSION_RUN ? (double)steps * session->n_layers * session->split * STEP_US
                                                         : LONG_US); /* its limits, whatever it has */
    return (double)each_pair(&keys, gain) / us;
}

bool attn_history_watches(void) { return watches; }
