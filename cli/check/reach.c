/* reach.c: see reach.h. The table of shapes is made from corpus/seeds when the build is configured (shapes.cmake).
 *
 * SPDX-License-Identifier: MIT */
#include "cli/check/reach.h"

#include <string.h>

#include "cli/check/problem.h"
#include "model_shapes.h"

enum { SPLIT_MOST = 16 };

struct shape {
    int16_t d_k, d_v, n_head, n_head_kv;
    bool mask, sinks, softcap, max_bias;
};
static const struct shape known[] = { { .d_k = 0 }, /* none: where there is no corpus there is a table all the same */
#define X(...) { __VA_ARGS__ },
                                      MODEL_SHAPES(X)
#undef X
};

const char *check_reach_name(int reach)
{
    static const char *const names[] = {
#define X(NAME, name, text) #name,
        CHECK_REACHES(X)
#undef X
    };
    return reach >= 0 && reach < CHECK_REACH_COUNT ? names[reach] : "unknown";
}

const char *check_reach_meaning(int reach)
{
    static const char *const texts[] = {
#define X(NAME, name, text) text,
        CHECK_REACHES(X)
#undef X
    };
    return reach >= 0 && reach < CHECK_REACH_COUNT ? texts[reach] : "unknown";
}

int check_reach_find(const char *name)
{
    int reach = CHECK_REACH_COUNT - 1;
    while (reach >= 0 && strcmp(check_reach_name(reach), name))
        reach--;
    return reach;
}

/* ---- Server ---------------------------------------------------------------------------------------------- */

static bool within_server(const struct attn_problem *p)
{
    if (attn_n_head(p) > CHECK_SERVER_HEADS || attn_n_seq(p) > CHECK_SERVER_SEQS || attn_n_kv(p) > CHECK_SERVER_KEYS ||
        attn_n_q(p) > CHECK_SERVER_KEYS || p->head_total > CHECK_SERVER_HEADS ||
        !attn_head_size_known(attn_d_k(p), attn_d_v(p)))
        return false;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        if (p->t[o].present && (p->t[o].offset > CHECK_SERVER_BYTES || attn_tensor_span(&p->t[o]) > CHECK_SERVER_BYTES))
            return false;
    return true;
}

/* ---- Models ---------------------------------------------------------------------------------------------- */

/* Whole rows in any order: strides that are multiples of a row, also of K's for a V that is a part of it, as views of
 * caches and of fused projections have them. */
static bool rows_are_whole(const struct attn_problem *p)
{
    const int64_t k_row = attn_tensor_row_bytes(&p->t[ATTN_K]);
    for (int o = ATTN_Q; o <= ATTN_MASK; o++) {
        const struct attn_tensor *t = &p->t[o];
        const int64_t row = t->present ? attn_tensor_row_bytes(t) : 0;
        if (!row)
            continue;
        for (int d = 1; d < 4; d++)
            if (t->nb[d] <= 0 || (t->nb[d] % row && (o != ATTN_V || t->nb[d] % k_row)))
                return false;
    }
    return true;
}

/* Is n one of the parts that `of` heads are dealt out in, to so many devices? */
static bool is_share(int64_t n, int64_t of)
{
    for (int64_t devices = 1; devices <= SPLIT_MOST; devices++)
        if (n == of / devices || n == (of + devices - 1) / devices)
            return true;
    return false;
}

static bool is_step(int64_t n, int64_t of) { return n == 2 * of || 2 * n == of || n == of + 1 || n == of - 1; }

/* How many steps the heads are from a shape's; 2 stands for more. */
static int steps_of_heads(int64_t heads, int64_t kv_heads, const struct shape *s)
{
    const int64_t ratio = heads / kv_heads, of = s->n_head / s->n_head_kv;
    if (s->n_head_kv == 1 && kv_heads == 1) /* one KV head is on every device, the query heads are dealt out */
        return is_share(heads, s->n_head) ? 0 : is_step(heads, s->n_head) ? 1 : 2;
    const bool same_ratio = ratio == of, share = is_share(kv_heads, s->n_head_kv);
    return same_ratio && share                             ? 0
           : same_ratio && is_step(kv_heads, s->n_head_kv) ? 1
           : share && is_step(ratio, of)                   ? 1
                                                           : 2;
}

/* How many steps the problem is from the nearest known shape; 2 stands for more. */
static int steps_of(const struct attn_problem *p)
{
    const int64_t d_k = attn_d_k(p), d_v = attn_d_v(p);
    const bool mask = p->t[ATTN_MASK].present, sinks = p->t[ATTN_SINKS].present;
    const int odd = !rows_are_whole(p) + (mask && p->t[ATTN_MASK].ne[2] > 1) + p->further.present;
    int least = 2;
    for (size_t i = 0; odd < least && i < sizeof known / sizeof known[0]; i++) {
        const struct shape *s = &known[i];
        if (s->d_k != d_k || s->d_v != d_v)
            continue;
        int steps = odd + (s->mask != mask) + (s->sinks != sinks) + (s->softcap != (p->softcap > 0)) +
                    (s->max_bias != (p->max_bias > 0));
        if (steps < least)
            steps += steps_of_heads(attn_n_head(p), attn_n_head_kv(p), s);
        if (steps < least)
            least = steps;
    }
    return least;
}

int check_reach(const struct attn_problem *p)
{
    static const int reach[] = { CHECK_REACH_MODEL, CHECK_REACH_STEP, CHECK_REACH_SERVER };
    return within_server(p) ? reach[steps_of(p)] : CHECK_REACH_FAR;
}

bool check_nearer(const struct attn_problem *a, const struct attn_problem *b)
{
    const int reach_a = check_reach(a), reach_b = check_reach(b);
    return reach_a != reach_b ? reach_a < reach_b : check_simpler(a, b);
}
