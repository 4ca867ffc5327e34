/* legality.c: what a legal problem is, after its definition in attn_problem.h, in integers that hold every sum and
 * product. See restated.h.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "fuzz/restated/say.h"
#include "planner/random.h"

__extension__ typedef __int128 wide;

/* ---- The rules, in the order in which they are tried --------------------------------------------------------- */

static bool broken(struct attn_error *e, int code, int operand, int dim, int64_t a, int64_t b)
{
    *e = (struct attn_error){ code, operand, dim, a, b };
    return true;
}

static bool form_is_broken(const struct attn_problem *p, int o, struct attn_error *e)
{
    static const uint8_t only[ATTN_OPERAND_COUNT] = {
        [ATTN_Q] = ATTN_F32, [ATTN_MASK] = ATTN_F16, [ATTN_SINKS] = ATTN_F32, [ATTN_DST] = ATTN_F32
    };
    const struct attn_tensor *t = &p->t[o];
    if (!t->present)
        return o != ATTN_MASK && o != ATTN_SINKS && broken(e, ATTN_E_ABSENT, o, 0, 0, 0);
    const bool any = o == ATTN_K || o == ATTN_V;
    if (!(any && t->type < ATTN_TYPE_COUNT) && !(!any && t->type == only[o]))
        return broken(e, ATTN_E_TYPE, o, 0, t->type, 0);
    if (t->buffer >= 27)
        return broken(e, ATTN_E_BUFFER, o, 0, t->buffer, 0);
    for (int d = 0; d < 4; d++)
        if (t->ne[d] <= 0)
            return broken(e, ATTN_E_EXTENT, o, d, t->ne[d], 0);
    const int64_t elements = attn_type_info(t->type)->block_elems;
    return t->ne[0] % elements && broken(e, ATTN_E_BLOCK, o, 0, t->ne[0], elements);
}

/* One extent that has to have a value: to be it (0), at least it (1), or divide it (2). */
struct extent {
    int operand, dim, relation, code;
    int64_t want;
};

static bool extents_are_broken(const struct attn_problem *p, const struct extent *want, int n, struct attn_error *e)
{
    for (int i = 0; i < n; i++) {
        const int64_t has = p->t[want[i].operand].ne[want[i].dim];
        const bool good = want[i].relation == 0   ? has == want[i].want
                          : want[i].relation == 1 ? has >= want[i].want
                                                  : want[i].want % has == 0;
        if (!good)
            return broken(e, want[i].code, want[i].operand, want[i].dim, has, want[i].want);
    }
    return false;
}

static bool shape_is_broken(const struct attn_problem *p, struct attn_error *e)
{
    const int64_t *q = p->t[ATTN_Q].ne, *k = p->t[ATTN_K].ne, *v = p->t[ATTN_V].ne;
    const struct extent inputs[] = { { ATTN_K, 0, 0, ATTN_E_D_K, q[0] },
                                     { ATTN_V, 1, 0, ATTN_E_N_KV, k[1] },
                                     { ATTN_V, 2, 0, ATTN_E_N_HEAD_KV, k[2] },
                                     { ATTN_K, 3, 0, ATTN_E_N_SEQ, q[3] },
                                     { ATTN_V, 3, 0, ATTN_E_N_SEQ, q[3] } };
    const struct extent mask[] = { { ATTN_MASK, 0, 1, ATTN_E_MASK_KV, k[1] },
                                   { ATTN_MASK, 1, 1, ATTN_E_MASK_Q, q[1] },
                                   { ATTN_MASK, 2, 2, ATTN_E_MASK_HEADS, q[2] },
                                   { ATTN_MASK, 3, 2, ATTN_E_MASK_SEQ, q[3] } };
    const int64_t of_sinks[4] = { q[2], 1, 1, 1 }, of_dst[4] = { v[0], q[2], q[1], q[3] };
    if (extents_are_broken(p, inputs, 5, e))
        return true;
    if (q[2] % k[2])
        return broken(e, ATTN_E_GQA, ATTN_Q, 2, q[2], k[2]);
    if (p->t[ATTN_MASK].present && extents_are_broken(p, mask, 4, e))
        return true;
    for (int d = 0; d < 4 && p->t[ATTN_SINKS].present; d++)
        if (p->t[ATTN_SINKS].ne[d] != of_sinks[d])
            return broken(e, ATTN_E_SINKS_SHAPE, ATTN_SINKS, d, p->t[ATTN_SINKS].ne[d], of_sinks[d]);
    for (int d = 0; d < 4; d++)
        if (p->t[ATTN_DST].ne[d] != of_dst[d])
            return broken(e, ATTN_E_DST_SHAPE, ATTN_DST, d, p->t[ATTN_DST].ne[d], of_dst[d]);
    return false;
}

/* The dimension, of those not yet taken, with the least stride; the lowest of equals. */
static int next_dimension(const struct attn_tensor *t, const bool taken[4])
{
    int best = 0;
    for (int d = 1; d < 4; d++)
        if (!taken[d] && (best == 0 || t->nb[d] < t->nb[best]))
            best = d;
    return best;
}

static bool layout_is_broken(const struct attn_problem *p, int o, int64_t *end, struct attn_error *e)
{
    const struct attn_tensor *t = &p->t[o];
    const struct attn_type_info *type = attn_type_info(t->type);
    const int64_t block = type->block_bytes;
    bool taken[4] = { false };
    if (t->nb[0] != block)
        return broken(e, ATTN_E_ROW_DENSE, o, 0, t->nb[0], block);
    if (t->offset < 0 || t->offset % block)
        return broken(e, ATTN_E_OFFSET, o, 0, t->offset, block);
    for (int d = 1; d < 4; d++) {
        if (t->ne[d] == 1)
            continue;
        if (t->nb[d] < 0 || t->nb[d] % block)
            return broken(e, ATTN_E_STRIDE, o, d, t->nb[d], block);
        if (t->nb[d] == 0 && (o == ATTN_SINKS || o == ATTN_DST))
            return broken(e, ATTN_E_BROADCAST, o, d, 0, 0);
    }
    wide span = (wide)(t->ne[0] / type->block_elems) * block;
    if (span > INT64_MAX)
        return broken(e, ATTN_E_OVERFLOW, o, 0, t->ne[0], block);
    for (int i = 0; i < 3; i++) {
        const int d = next_dimension(t, taken);
        taken[d] = true;
        if (t->ne[d] == 1 || t->nb[d] == 0)
            continue;
        if (t->nb[d] < span)
            return broken(e, ATTN_E_OVERLAP, o, d, t->nb[d], (int64_t)span);
        span += (wide)(t->ne[d] - 1) * t->nb[d];
        if (span > INT64_MAX)
            return broken(e, ATTN_E_OVERFLOW, o, d, t->ne[d], t->nb[d]);
    }
    if (span + t->offset > INT64_MAX)
        return broken(e, ATTN_E_OVERFLOW, o, 0, t->offset, (int64_t)span);
    *end = (int64_t)span + t->offset;
    return false;
}

static bool sharing_is_broken(const struct attn_problem *p, const int64_t *end, struct attn_error *e)
{
    for (int b = 0; b < ATTN_OPERAND_COUNT; b++)
        for (int a = 0; a < b; a++) {
            const struct attn_tensor *first = &p->t[a], *second = &p->t[b];
            if (!first->present || !second->present || !first->buffer || first->buffer != second->buffer)
                continue;
            const int64_t from = first->offset > second->offset ? first->offset : second->offset;
            const int64_t to = end[a] < end[b] ? end[a] : end[b];
            if (to <= from)
                continue;
            if (b == ATTN_DST)
                return broken(e, ATTN_E_ALIAS_DST, a, 0, from, to);
            if (b == ATTN_MASK || b == ATTN_SINKS || first->type != second->type)
                return broken(e, ATTN_E_ALIAS_INPUT, b, 0, from, to);
        }
    return false;
}

static bool scalars_are_broken(const struct attn_problem *p, struct attn_error *e)
{
    const int64_t heads = p->t[ATTN_Q].ne[2];
    if (!isfinite(p->scale))
        return broken(e, ATTN_E_SCALE, ATTN_Q, 0, 0, 0);
    if (!isfinite(p->softcap) || p->softcap < 0)
        return broken(e, ATTN_E_SOFTCAP, ATTN_Q, 0, 0, 0);
    if (!isfinite(p->max_bias) || p->max_bias < 0)
        return broken(e, ATTN_E_MAX_BIAS, ATTN_Q, 0, 0, 0);
    if (p->max_bias != 0 && !p->t[ATTN_MASK].present)
        return broken(e, ATTN_E_MAX_BIAS_MASK, ATTN_MASK, 0, 0, 0);
    if (p->head_first < 0 || (wide)p->head_first + heads > p->head_total)
        return broken(e, ATTN_E_HEADS, ATTN_Q, 2, p->head_first, p->head_total);
    if (p->n_kv_max < 0)
        return broken(e, ATTN_E_N_KV_MAX, ATTN_MASK, 0, p->n_kv_max, 0);
    return p->prec > ATTN_PREC_F32 && broken(e, ATTN_E_PREC, ATTN_Q, 0, p->prec, 0);
}

static struct attn_error verdict(const struct attn_problem *p)
{
    struct attn_error e = { ATTN_E_OK, 0, 0, 0, 0 };
    int64_t end[ATTN_OPERAND_COUNT] = { 0 };
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        if (form_is_broken(p, o, &e))
            return e;
    if (shape_is_broken(p, &e))
        return e;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        if (p->t[o].present && layout_is_broken(p, o, &end[o], &e))
            return e;
    if (!sharing_is_broken(p, end, &e))
        scalars_are_broken(p, &e);
    return e;
}

/* ---- Problems near the legal ones ----------------------------------------------------------------------------- */

static int64_t near(int64_t value, uint64_t *state)
{
    static const int64_t edges[] = { 0, 1, -1, 2, INT64_MAX, INT64_MIN, INT64_C(1) << 40, 17 };
    switch (attn_random_below(state, 6)) {
    case 0: return edges[attn_random_below(state, 8)];
    case 1: return (int64_t)((uint64_t)value + 1);
    case 2: return (int64_t)((uint64_t)value - 1);
    case 3: return (int64_t)((uint64_t)value * 2);
    case 4: return value / 2;
    default: return (int64_t)((uint64_t)value + 2 * attn_random_below(state, 64));
    }
}

/* An extent, where it is the same in several tensors in some of them: one alone breaks a rule, all do not. */
static void change_extent(struct attn_problem *p, int o, uint64_t *state)
{
    const int dim = (int)attn_random_below(state, 4);
    const int64_t old = p->t[o].ne[dim], value = near(old, state);
    for (int i = 0; i < ATTN_OPERAND_COUNT; i++)
        for (int d = 0; d < 4; d++)
            if ((i == o && d == dim) || (p->t[i].ne[d] == old && attn_random_below(state, 2)))
                p->t[i].ne[d] = value;
}

/* Several tensors into one buffer, near each other or not. */
static void share_buffer(struct attn_problem *p, uint64_t *state)
{
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        if (p->t[o].present && attn_random_below(state, 3)) {
            p->t[o].buffer = 3;
            if (attn_random_below(state, 2))
                p->t[o].offset = (int64_t)attn_random_below(state, 3) * 1088;
        }
    const int a = (int)attn_random_below(state, ATTN_OPERAND_COUNT), b = (a + 1) % ATTN_OPERAND_COUNT;
    if (attn_random_below(state, 2)) /* one begins about where the other ends */
        p->t[b].offset = (int64_t)((uint64_t)p->t[a].offset + (uint64_t)p->t[a].ne[1] * (uint64_t)p->t[a].nb[1]);
}

static void change(struct attn_problem *p, uint64_t *state)
{
    static const float floats[] = { 0.0f, -0.0f, 1.0f, -1.0f, INFINITY, -INFINITY, NAN, 0x1p-149f, -0x1p-149f };
    const int o = (int)attn_random_below(state, ATTN_OPERAND_COUNT), d = (int)attn_random_below(state, 4);
    struct attn_tensor *t = &p->t[o];
    float *const scalar[] = { &p->scale, &p->softcap, &p->max_bias };
    switch (attn_random_below(state, 10)) {
    case 0:
    case 1: change_extent(p, o, state); break;
    case 2: t->nb[d] = near(t->nb[d], state); break;
    case 3: t->offset = near(t->offset, state); break;
    case 4: t->type = (uint8_t)attn_random_below(state, ATTN_TYPE_COUNT + 2); break;
    case 5:
        if (attn_random_below(state, 2))
            t->present = !t->present;
        else
            t->buffer = (uint8_t)(25 + attn_random_below(state, 3));
        break;
    case 6: share_buffer(p, state); break;
    case 7: *scalar[attn_random_below(state, 3)] = floats[attn_random_below(state, 9)]; break;
    case 8:
        p->n_kv_max = (int32_t)near(p->n_kv_max, state);
        p->prec = (uint8_t)attn_random_below(state, ATTN_PREC_COUNT + 1);
        break;
    default:
        p->head_first = near(p->head_first, state);
        p->head_total = attn_random_below(state, 2) ? near(p->head_total, state) : p->head_total;
    }
    if (attn_random_below(state, 3) == 0)
        attn_tensor_contiguous(t);
}

bool attn_restate_legality(const struct attn_restated *said, const struct attn_problem *legal, uint64_t seed,
                           struct attn_restated_fault *fault)
{
    struct attn_problem p = *legal;
    for (uint64_t n = attn_random_below(&seed, 4); n; n--)
        change(&p, &seed);
    const struct attn_error want = verdict(&p);
    struct attn_error got = { -1, -1, -1, -1, -1 };
    const int code = said->problem_check(&p, &got);
    if (code == want.code && said->problem_check(&p, NULL) == code && got.code == code && got.operand == want.operand &&
        got.dim == want.dim && got.a == want.a && got.b == want.b)
        return true;
    char line[ATTN_LINE_MAX];
    attn_problem_print(&p, line, sizeof line);
    return attn_differs(fault,
                        "'%s' is %s: operand %d, dimension %d, %" PRId64 ", %" PRId64
                        "; worked out again: %s: operand %d, dimension %d, %" PRId64 ", %" PRId64,
                        line, attn_error_name(code), got.operand, got.dim, got.a, got.b, attn_error_name(want.code),
                        want.operand, want.dim, want.a, want.b);
}
