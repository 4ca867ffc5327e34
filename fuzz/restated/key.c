/* key.c: the key of a problem, after its definition in attn_planner.h. See restated.h.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "fuzz/restated/say.h"

/* The least number that is not below n of those that divide an octave, 2^e .. 2^(e + 1), into four. */
static int64_t quarter_of_octave(int64_t n)
{
    uint64_t top = 1;
    while (top < (uint64_t)n)
        top *= 2;
    for (uint64_t ceiling = top / 2;; ceiling += top / 8)
        if (ceiling >= (uint64_t)n)
            return ceiling > INT64_MAX ? INT64_MAX : (int64_t)ceiling;
}

static int64_t ceiling_of(int64_t n, int64_t exact, int64_t step)
{
    if (n > exact)
        return quarter_of_octave(n);
    while (n % step)
        n++;
    return n;
}

/* log2 of the bytes that all rows begin on a multiple of, at most 4. */
static uint8_t alignment(const struct attn_tensor *t)
{
    for (uint8_t log2 = 4; log2 > 0; log2--) {
        const int64_t bytes = INT64_C(1) << log2;
        bool all = t->offset % bytes == 0;
        for (int d = 1; d < 4; d++)
            all = all && (t->ne[d] == 1 || t->nb[d] % bytes == 0);
        if (all)
            return log2;
    }
    return 0;
}

static void copied(const struct attn_tensor *t, int64_t n_kv, int64_t extents[3])
{
    const int64_t whole[3] = { n_kv, t->ne[2], t->ne[3] };
    for (int i = 0; i < 3; i++)
        extents[i] = t->nb[i + 1] == 0 && t->ne[i + 1] > 1 ? 1 : whole[i];
}

bool attn_restate_key(const struct attn_restated *said, const struct attn_problem *p, struct attn_restated_fault *fault)
{
    const struct attn_tensor *q = &p->t[ATTN_Q], *k = &p->t[ATTN_K], *v = &p->t[ATTN_V], *mask = &p->t[ATTN_MASK];
    struct attn_key want, got;
    memset(&want, 0, sizeof want);
    memset(&got, 0x5a, sizeof got);
    want.n_q = ceiling_of(q->ne[1], 8, 1);
    want.n_kv = ceiling_of(k->ne[1], 256, 32);
    want.d_k = q->ne[0];
    want.d_v = v->ne[0];
    want.n_head = q->ne[2];
    want.n_head_kv = k->ne[2];
    want.n_seq = q->ne[3];
    want.mask_heads = mask->present ? mask->ne[2] : 0;
    want.mask_seqs = mask->present ? mask->ne[3] : 0;
    copied(k, want.n_kv, want.k_copy);
    copied(v, want.n_kv, want.v_copy);
    want.type_k = k->type;
    want.type_v = v->type;
    want.align_k = alignment(k);
    want.align_v = alignment(v);
    want.softcap = p->softcap != 0;
    want.alibi = p->max_bias != 0;
    want.sinks = p->t[ATTN_SINKS].present;
    said->key_of(p, &got);
    if (memcmp(&want, &got, sizeof want) == 0)
        return true;
    char line[ATTN_LINE_MAX], text[2][160];
    attn_problem_print(p, line, sizeof line);
    attn_key_text(&got, text[0], sizeof text[0]);
    attn_key_text(&want, text[1], sizeof text[1]);
    return attn_differs(fault, "the key of '%s' is %s; worked out again: %s", line, text[0], text[1]);
}
