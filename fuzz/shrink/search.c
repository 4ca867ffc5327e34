/* search.c: the search for a smaller case that fails: what is offered is asked about, taken, or neither; numbers are
 * lowered. See search.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/shrink/search.h"

bool shrink_tired(const struct search *s) { return s->tries >= s->max_tries; }

bool shrink_offer(struct search *s, const struct attn_case *candidate)
{
    struct attn_shrink_size size;
    if (shrink_tired(s) || attn_problem_check(&candidate->problem, NULL) != ATTN_E_OK)
        return false;
    attn_shrink_measure(candidate, &size);
    if (attn_shrink_compare(&size, &s->size) >= 0)
        return false;
    uint64_t hash = attn_case_hash(candidate), *seen = &s->seen[hash & (SHRINK_SEEN - 1)];
    hash += hash == 0; /* 0: none */
    if (*seen == hash)
        return false;
    *seen = hash;
    s->tries++;
    if (!s->fails(candidate, s->context))
        return false;
    s->best = *candidate;
    s->size = size;
    s->steps++;
    return true;
}

bool shrink_offer_number(struct search *s, shrink_set *set, int which, int64_t value)
{
    struct attn_case c = s->best;
    set(&c, value, which);
    return shrink_offer(s, &c);
}

bool shrink_lower(struct search *s, shrink_set *set, int which, int64_t value, int64_t low, int64_t unit)
{
    static const int32_t edges[] = { 2,  3,  4,  5,   7,   8,   9,   15,  16,  17,  31,  32,  33,   48,   63,
                                     64, 65, 96, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025 };
    if (value <= low)
        return false;
    if (shrink_offer_number(s, set, which, low))
        return true;
    int64_t good = low / unit, bad = value / unit;
    bool any = false;
    while (bad - good > 1 && !shrink_tired(s)) {
        int64_t middle = good + (bad - good) / 2;
        if (shrink_offer_number(s, set, which, middle * unit)) {
            any = true;
            bad = middle;
        } else {
            good = middle;
        }
    }
    /* What is left of a division by a tile may be what matters: off by powers of two. */
    for (int64_t step = INT64_C(1) << 62; step > 0; step /= 2)
        while (step < bad && (bad - step) * unit >= low && shrink_offer_number(s, set, which, (bad - step) * unit)) {
            any = true;
            bad -= step;
        }
    for (size_t i = 0; i < sizeof edges / sizeof edges[0] && edges[i] * unit < bad * unit; i++)
        if (edges[i] * unit > low && shrink_offer_number(s, set, which, edges[i] * unit))
            return true;
    return any;
}
