/* mutate.c: inputs of sessions out of others, and out of nothing. See session.h and bytes.h.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "fuzz/session/bytes.h"
#include "planner/random.h"

/* An input with its header whole, and how many events it has. */
struct draft {
    uint8_t bytes[ATTN_SESSION_BYTES_MAX];
    uint64_t events;
};

enum { EVENTS_MAX = (ATTN_SESSION_BYTES_MAX - ATTN_SESSION_HEADER) / ATTN_SESSION_EVENT_BYTES };

static uint8_t *event_at(struct draft *d, uint64_t i)
{
    return d->bytes + ATTN_SESSION_HEADER + i * ATTN_SESSION_EVENT_BYTES;
}

static void take(struct draft *d, const uint8_t *in, size_t size)
{
    memset(d, 0, sizeof *d);
    size = size < sizeof d->bytes ? size : sizeof d->bytes;
    memcpy(d->bytes, in, size);
    if (size > ATTN_SESSION_HEADER)
        d->events = (size - ATTN_SESSION_HEADER) / ATTN_SESSION_EVENT_BYTES;
}

static size_t give(const struct draft *d, uint8_t *out, size_t cap)
{
    size_t size = ATTN_SESSION_HEADER + d->events * ATTN_SESSION_EVENT_BYTES;
    size = size < cap ? size : cap;
    memcpy(out, d->bytes, size);
    return size;
}

static void draw_event(struct draft *d, uint64_t i, uint64_t *state)
{
    uint64_t x = attn_random(state);
    memcpy(event_at(d, i), &x, ATTN_SESSION_EVENT_BYTES);
}

static void insert_event(struct draft *d, uint64_t i, uint64_t *state, bool copy)
{
    if (d->events == EVENTS_MAX)
        return;
    memmove(event_at(d, i) + ATTN_SESSION_EVENT_BYTES, event_at(d, i),
            (d->events - i) * (size_t)ATTN_SESSION_EVENT_BYTES);
    d->events++;
    if (copy && d->events > 1)
        memmove(event_at(d, i), event_at(d, attn_random_below(state, d->events)), ATTN_SESSION_EVENT_BYTES);
    else
        draw_event(d, i, state);
}

static void change_once(struct draft *d, uint64_t *state)
{
    uint64_t at = d->events ? attn_random_below(state, d->events) : 0;
    switch (attn_random_below(state, 12)) {
    case 0:
    case 1: {
        const int feature = (int)attn_random_below(state, N_FEATURES);
        d->bytes[feature_byte(feature)] ^= (uint8_t)(1u << feature % 8);
        break;
    }
    case 2:
    case 3: d->bytes[drawn_byte(attn_random_below(state, DRAWN_BYTES))] = (uint8_t)attn_random(state); break;
    case 4:
    case 5: insert_event(d, at, state, false); break;
    case 6: insert_event(d, at, state, true); break;
    case 7:
        if (d->events > 1) {
            memmove(event_at(d, at), event_at(d, at) + ATTN_SESSION_EVENT_BYTES,
                    (d->events - at - 1) * (size_t)ATTN_SESSION_EVENT_BYTES);
            d->events--;
        }
        break;
    case 8:
        if (d->events > 1) {
            uint8_t kept[ATTN_SESSION_EVENT_BYTES];
            uint8_t *other = event_at(d, attn_random_below(state, d->events));
            memcpy(kept, event_at(d, at), sizeof kept);
            memmove(event_at(d, at), other, sizeof kept);
            memcpy(other, kept, sizeof kept);
        }
        break;
    default:
        if (d->events)
            event_at(d, at)[attn_random_below(state, ATTN_SESSION_EVENT_BYTES)] = (uint8_t)attn_random(state);
        else
            insert_event(d, 0, state, false);
    }
}

size_t attn_session_random(uint8_t out[ATTN_SESSION_BYTES_MAX], uint64_t seed)
{
    uint64_t state = seed;
    struct draft d = { .events = 1 + attn_random_below(&state, 24) };
    /* How many features are on differs from one to the next. */
    uint64_t share = 1 + attn_random_below(&state, 8);
    for (int i = 0; i < N_FEATURES; i++)
        if (attn_random_below(&state, 16) < share)
            d.bytes[feature_byte(i)] |= (uint8_t)(1u << i % 8);
    for (uint64_t i = 0; i < DRAWN_BYTES; i++)
        d.bytes[drawn_byte(i)] = (uint8_t)attn_random(&state);
    if (attn_random_below(&state, 2)) /* as servers do when nothing is said */
        d.bytes[AT_MORE] |= 1u << HAS_BESIDE % 8;
    if (attn_random_below(&state, 3) == 0)
        d.bytes[AT_MORE] |= 1u << HAS_TREES % 8;
    if (attn_random_below(&state, 2)) /* shows in few: those with a window */
        d.bytes[AT_MORE] |= 1u << HAS_NARROW % 8;
    for (uint64_t i = 0; i < d.events; i++)
        draw_event(&d, i, &state);
    return give(&d, out, ATTN_SESSION_BYTES_MAX);
}

size_t attn_session_mutate(const uint8_t *in, size_t size, uint8_t *out, size_t cap, uint64_t seed)
{
    static const uint8_t changes[8] = { 1, 1, 1, 2, 2, 3, 4, 8 };
    uint64_t state = seed;
    struct draft d;
    if (attn_random_below(&state, 4) == 0) { /* a new one: small changes of a session rarely make a long one */
        uint8_t drawn[ATTN_SESSION_BYTES_MAX];
        size_t n = attn_session_random(drawn, attn_random(&state));
        n = n < cap ? n : cap;
        memcpy(out, drawn, n);
        return n;
    }
    take(&d, in, size);
    for (int n = changes[attn_random_below(&state, 8)]; n > 0; n--)
        change_once(&d, &state);
    return give(&d, out, cap);
}

/* The server of one parent (with single bytes of the other's), the beginning of one's events and the end of the
 * other's. */
size_t attn_session_cross(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out, size_t cap,
                          uint64_t seed)
{
    uint64_t state = seed;
    struct draft one, two;
    take(&one, a, a_size);
    take(&two, b, b_size);
    for (int i = 0; i < AT_END; i++)
        if (attn_random_below(&state, 4) == 0)
            one.bytes[i] = two.bytes[i];
    uint64_t keep = attn_random_below(&state, one.events + 1), from = attn_random_below(&state, two.events + 1);
    for (one.events = keep; from < two.events && one.events < EVENTS_MAX; from++)
        memcpy(event_at(&one, one.events++), event_at(&two, from), ATTN_SESSION_EVENT_BYTES);
    return give(&one, out, cap);
}
