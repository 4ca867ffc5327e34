/* planner_api_judge.c: a second, slow judge of legality in 128-bit arithmetic, which decides about random problems as
 * attn_problem_check does; and what legal tensors promise.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/planner/planner_api.h"

__extension__ typedef __int128 wide;

/* Layout rules of one tensor, as the header and the design state them. *first and *end: the bytes it covers. */
static bool layout_is_legal(const struct attn_tensor *t, bool may_broadcast, wide *first, wide *end)
{
    const struct attn_type_info *type = attn_type_info(t->type);
    wide block = type->block_bytes, row = (wide)t->ne[0] / type->block_elems * block, last = row;
    if (t->nb[0] != block || t->offset < 0 || t->offset % block != 0)
        return false;
    for (int d = 1; d < 4; d++) {
        if (t->ne[d] == 1)
            continue;
        if (t->nb[d] < 0 || t->nb[d] % block != 0 || (t->nb[d] == 0 && !may_broadcast))
            return false;
        /* A dimension steps over everything that dimensions of smaller strides reach. */
        wide inner = row;
        for (int e = 1; e < 4; e++) {
            if (e == d || t->ne[e] == 1 || t->nb[e] == 0 || t->nb[d] == 0)
                continue;
            if (t->nb[e] == t->nb[d])
                return false;
            if (t->nb[e] < t->nb[d])
                inner += ((wide)t->ne[e] - 1) * t->nb[e];
        }
        if (t->nb[d] != 0 && t->nb[d] < inner)
            return false;
        last += ((wide)t->ne[d] - 1) * t->nb[d];
    }
    *first = t->offset;
    *end = *first + last;
    return *end <= INT64_MAX;
}

static bool finite_at_least_zero(float f) { return f >= 0.0f && f <= 3.4028234663852886e38f; }

static const struct attn_tensor *tensor_of(const struct attn_problem *p, int operand)
{
    return operand == ATTN_FURTHER ? &p->further : &p->t[operand];
}

static bool is_legal(const struct attn_problem *p)
{
    wide first[ATTN_FURTHER + 1], end[ATTN_FURTHER + 1];
    for (int o = 0; o <= ATTN_FURTHER; o++) {
        const struct attn_tensor *t = tensor_of(p, o);
        bool optional = o == ATTN_MASK || o == ATTN_SINKS || o == ATTN_FURTHER;
        if (!t->present) {
            if (!optional)
                return false;
            continue;
        }
        int only = o == ATTN_MASK ? ATTN_F16 : ATTN_F32;
        if (o == ATTN_K || o == ATTN_V || o == ATTN_FURTHER ? t->type >= ATTN_TYPE_COUNT : t->type != only)
            return false;
        if (t->buffer > 26)
            return false;
        for (int d = 0; d < 4; d++)
            if (t->ne[d] < 1)
                return false;
        if (t->ne[0] % attn_type_info(t->type)->block_elems != 0)
            return false;
        if (!layout_is_legal(t, o != ATTN_DST && o != ATTN_SINKS, &first[o], &end[o]))
            return false;
    }
    const int64_t *q = p->t[ATTN_Q].ne, *k = p->t[ATTN_K].ne, *v = p->t[ATTN_V].ne, *m = p->t[ATTN_MASK].ne;
    const int64_t *s = p->t[ATTN_SINKS].ne, *dst = p->t[ATTN_DST].ne;
    if (k[0] != q[0] || v[1] != k[1] || v[2] != k[2] || k[3] != q[3] || v[3] != q[3] || q[2] % k[2] != 0)
        return false;
    if (p->t[ATTN_MASK].present && (m[0] < k[1] || m[1] < q[1] || q[2] % m[2] != 0 || q[3] % m[3] != 0))
        return false;
    if (p->t[ATTN_SINKS].present && (s[0] != q[2] || s[1] != 1 || s[2] != 1 || s[3] != 1))
        return false;
    if (dst[0] != v[0] || dst[1] != q[2] || dst[2] != q[1] || dst[3] != q[3])
        return false;
    for (int a = 0; a < ATTN_OPERAND_COUNT; a++) {
        for (int b = a + 1; b < ATTN_OPERAND_COUNT; b++) {
            const struct attn_tensor *x = &p->t[a], *y = &p->t[b];
            if (!x->present || !y->present || x->buffer == 0 || x->buffer != y->buffer || end[a] <= first[b] ||
                end[b] <= first[a])
                continue;
            if (b > ATTN_V || x->type != y->type)
                return false;
        }
    }
    if (!(finite_at_least_zero(p->scale) || finite_at_least_zero(-p->scale)) || !finite_at_least_zero(p->softcap) ||
        !finite_at_least_zero(p->max_bias) || (p->max_bias > 0 && !p->t[ATTN_MASK].present))
        return false;
    if (p->n_kv_max < 0 || p->prec > ATTN_PREC_F32)
        return false;
    return p->head_first >= 0 && (wide)p->head_first + q[2] <= p->head_total;
}

/* The recorded values are the problem's and break the named rule: evaluated here once more. */
static bool error_is_true(const struct attn_problem *p, const struct attn_error *e)
{
    const struct attn_tensor *t = tensor_of(p, e->operand);
    const int64_t *q = p->t[ATTN_Q].ne, *k = p->t[ATTN_K].ne, *v = p->t[ATTN_V].ne, *m = p->t[ATTN_MASK].ne;
    const int64_t a = e->a, b = e->b;
    const struct attn_type_info *type = attn_type_info(t->type);
    switch (e->code) {
    case ATTN_E_ABSENT: return !t->present && e->operand != ATTN_MASK && e->operand != ATTN_SINKS;
    case ATTN_E_EXTENT: return a == t->ne[e->dim] && a < 1;
    case ATTN_E_TYPE: return a == t->type;
    case ATTN_E_BUFFER: return a == t->buffer && a > 26;
    case ATTN_E_D_K: return a == k[0] && b == q[0] && a != b;
    case ATTN_E_N_KV: return a == v[1] && b == k[1] && a != b;
    case ATTN_E_N_HEAD_KV: return a == v[2] && b == k[2] && a != b;
    case ATTN_E_N_SEQ: return a == t->ne[3] && b == q[3] && a != b;
    case ATTN_E_GQA: return a == q[2] && b == k[2] && a % b != 0;
    case ATTN_E_MASK_KV: return a == m[0] && b == k[1] && a < b;
    case ATTN_E_MASK_Q: return a == m[1] && b == q[1] && a < b;
    case ATTN_E_MASK_HEADS: return a == m[2] && b == q[2] && b % a != 0;
    case ATTN_E_MASK_SEQ: return a == m[3] && b == q[3] && b % a != 0;
    case ATTN_E_SINKS_SHAPE: return e->operand == ATTN_SINKS && a == t->ne[e->dim] && a != b;
    case ATTN_E_DST_SHAPE: return e->operand == ATTN_DST && a == t->ne[e->dim] && a != b;
    case ATTN_E_BLOCK: return a == t->ne[0] && b == type->block_elems && a % b != 0;
    case ATTN_E_ROW_DENSE: return a == t->nb[0] && b == type->block_bytes && a != b;
    case ATTN_E_OFFSET: return a == t->offset && b == type->block_bytes && (a < 0 || a % b != 0);
    case ATTN_E_STRIDE:
        return t->ne[e->dim] > 1 && a == t->nb[e->dim] && b == type->block_bytes && (a < 0 || a % b != 0);
    case ATTN_E_BROADCAST:
        return t->ne[e->dim] > 1 && t->nb[e->dim] == 0 && (e->operand == ATTN_DST || e->operand == ATTN_SINKS);
    case ATTN_E_OVERLAP: return t->ne[e->dim] > 1 && a == t->nb[e->dim] && a > 0 && a < b;
    case ATTN_E_OVERFLOW: return a > 0 && b > 0 && (wide)a * b + t->offset > INT64_MAX / 2;
    case ATTN_E_ALIAS_DST: return e->operand < ATTN_DST && t->buffer == p->t[ATTN_DST].buffer && t->buffer && a < b;
    case ATTN_E_ALIAS_INPUT: return e->operand > ATTN_Q && e->operand < ATTN_DST && t->buffer && a < b;
    case ATTN_E_SCALE: return !(p->scale - p->scale == 0);
    case ATTN_E_SOFTCAP: return !finite_at_least_zero(p->softcap);
    case ATTN_E_MAX_BIAS: return !finite_at_least_zero(p->max_bias);
    case ATTN_E_MAX_BIAS_MASK: return p->max_bias > 0 && !p->t[ATTN_MASK].present;
    case ATTN_E_N_KV_MAX: return a == p->n_kv_max && a < 0;
    case ATTN_E_PREC: return a == p->prec && a > ATTN_PREC_F32;
    case ATTN_E_HEADS: return a == p->head_first && b == p->head_total && (a < 0 || (wide)a + q[2] > b);
    default: return false;
    }
}

static void compare_judges(const struct attn_problem *p, uint64_t *codes)
{
    struct attn_error error;
    int code = attn_problem_check(p, &error);
    char line[ATTN_LINE_MAX], text[256];
    assert_int_equal(code, error.code);
    assert_in_range(code, 0, ATTN_ERROR_COUNT - 1);
    if ((code == ATTN_E_OK) != is_legal(p) || (code != ATTN_E_OK && !error_is_true(p, &error))) {
        attn_problem_print(p, line, sizeof line);
        attn_error_text(&error, text, sizeof text);
        fail_msg("%s\nis %s, but the check says: %s", line, is_legal(p) ? "legal" : "illegal", text);
    }
    if (codes)
        *codes |= UINT64_C(1) << code;
}

static void problems_made_legal_are_legal(void **state)
{
    (void)state;
    uint64_t seed = 2, codes = 0;
    for (int i = 0; i < 100000; i++) {
        struct attn_problem p;
        random_legal(&seed, true, &p);
        compare_judges(&p, &codes);
    }
    assert_int_equal(codes, 1);
}

static int64_t nudge(uint64_t *seed, int64_t value)
{
    static const int64_t edges[] = {
        0, 1, -1, 2, 31, 32, 33, INT64_MAX, INT64_MIN, INT64_C(1) << 61, (INT64_C(1) << 61) - 1, INT64_C(1) << 31
    };
    switch (attn_random_below(seed, 6)) {
    case 0: return edges[attn_random_below(seed, sizeof edges / sizeof edges[0])];
    case 1: return (int64_t)((uint64_t)value * 2);
    case 2: return value / 2;
    case 3: return (int64_t)(attn_random(seed) >> attn_random_below(seed, 64));
    default: return (int64_t)((uint64_t)value + attn_random_below(seed, 9) - 4);
    }
}

static void mutate(uint64_t *seed, struct attn_problem *p)
{
    static const uint32_t floats[] = { 0,          0x80000000, 1,          0x80000001, 0x7f7fffff,
                                       0x7f800000, 0xff800000, 0x7fc00000, 0xbf800000 };
    struct attn_tensor *t = &p->t[attn_random_below(seed, ATTN_OPERAND_COUNT)];
    float f = attn_float_of_bits(floats[attn_random_below(seed, sizeof floats / sizeof floats[0])]);
    int d = (int)attn_random_below(seed, 4);
    switch (attn_random_below(seed, 14)) {
    case 0: t->present = (uint8_t)attn_random_below(seed, 3); break;
    case 1: t->type = (uint8_t)(one_in(seed, 20) ? attn_random(seed) : attn_random_below(seed, ATTN_TYPE_COUNT)); break;
    case 2: t->buffer = (uint8_t)(one_in(seed, 20) ? attn_random(seed) : attn_random_below(seed, 2)); break;
    case 3: t->offset = nudge(seed, t->offset); break;
    case 4: t->nb[d] = nudge(seed, t->nb[d]); break;
    case 5: t->ne[d] = nudge(seed, t->ne[d]); break;
    case 6: *(one_in(seed, 2) ? &p->head_first : &p->head_total) = nudge(seed, p->head_total); break;
    case 7: *(one_in(seed, 3) ? &p->scale : one_in(seed, 2) ? &p->softcap : &p->max_bias) = f; break;
    case 8: { /* one extent, wherever it appears */
        static const int where[7][4][2] = {
            { { ATTN_Q, 0 }, { ATTN_K, 0 }, { -1, 0 }, { -1, 0 } },
            { { ATTN_V, 0 }, { ATTN_DST, 0 }, { -1, 0 }, { -1, 0 } },
            { { ATTN_K, 1 }, { ATTN_V, 1 }, { ATTN_MASK, 0 }, { -1, 0 } },
            { { ATTN_K, 2 }, { ATTN_V, 2 }, { -1, 0 }, { -1, 0 } },
            { { ATTN_Q, 1 }, { ATTN_DST, 2 }, { ATTN_MASK, 1 }, { -1, 0 } },
            { { ATTN_Q, 2 }, { ATTN_DST, 1 }, { ATTN_SINKS, 0 }, { -1, 0 } },
            { { ATTN_Q, 3 }, { ATTN_K, 3 }, { ATTN_V, 3 }, { ATTN_DST, 3 } },
        };
        const int (*w)[2] = where[attn_random_below(seed, 7)];
        int64_t value = nudge(seed, p->t[w[0][0]].ne[w[0][1]]);
        for (int i = 0; i < 4 && w[i][0] >= 0; i++)
            p->t[w[i][0]].ne[w[i][1]] = value;
        if (one_in(seed, 2))
            for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
                attn_tensor_contiguous(&p->t[o]);
        break;
    }
    case 9: /* two tensors of one buffer, end to end or nearly */
        t->buffer = 1;
        p->t[d].buffer = 1;
        t->offset = (int64_t)((uint64_t)attn_type_info(t->type < ATTN_TYPE_COUNT ? t->type : 0)->block_bytes *
                              attn_random_below(seed, 500));
        break;
    case 12:
        p->n_kv_max = (int32_t)attn_random_below(seed, 3) - 1;
        p->prec = (uint8_t)attn_random_below(seed, ATTN_PREC_COUNT + 1);
        break;
    case 13: /* a further source, of any tensor's shape */
        p->further = *t;
        p->further.present = 1;
        break;
    case 10: t->nb[1 + attn_random_below(seed, 3)] = t->nb[1 + attn_random_below(seed, 3)]; break;
    default: t->nb[1 + attn_random_below(seed, 3)] = 0; break;
    }
}

static void both_judges_agree_on_mutated_problems(void **state)
{
    (void)state;
    uint64_t seed = 3, codes = 0;
    for (int i = 0; i < 300000; i++) {
        struct attn_problem p;
        random_legal(&seed, true, &p);
        for (uint64_t n = 1 + attn_random_below(&seed, 4); n > 0; n--)
            mutate(&seed, &p);
        compare_judges(&p, &codes);
    }
    assert_int_equal(codes,
                     (UINT64_C(1) << ATTN_ERROR_COUNT) - 1); /* every rule was the first broken one at least once */
}

/* Any bits: no crash, no signed overflow (UBSan), and still the right answer. */
static void garbage_is_judged_without_harm(void **state)
{
    (void)state;
    uint64_t seed = 4;
    static const int64_t fills[] = { INT64_MAX,        INT64_MIN,     -1,           0, 1, INT64_C(1) << 62,
                                     INT64_C(1) << 32, INT64_MAX - 1, INT64_MAX / 2 };
    for (int i = 0; i < 100000; i++) {
        struct attn_problem p;
        for (size_t j = 0; j < sizeof p; j++)
            ((unsigned char *)&p)[j] = (unsigned char)attn_random(&seed);
        for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
            p.t[o].foreign = NULL;
        p.further.foreign = NULL;
        compare_judges(&p, NULL);
        random_legal(&seed, true, &p);
        for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
            for (int d = 0; d < 4; d++) {
                if (one_in(&seed, 3))
                    p.t[o].ne[d] = fills[attn_random_below(&seed, sizeof fills / sizeof fills[0])];
                if (one_in(&seed, 3))
                    p.t[o].nb[d] = fills[attn_random_below(&seed, sizeof fills / sizeof fills[0])];
            }
            if (one_in(&seed, 3))
                p.t[o].offset = fills[attn_random_below(&seed, sizeof fills / sizeof fills[0])];
        }
        compare_judges(&p, NULL);
    }
    for (size_t i = 0; i < sizeof fills / sizeof fills[0]; i++) {
        struct attn_problem p = parse("fa1 q=f32[64,3,8,2] k=f16[64,7,4,2] v=f16[32,7,4,2] mask=f16[7,3,8,2] sinks");
        for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
            for (int d = 0; d < 4; d++)
                p.t[o].ne[d] = p.t[o].nb[d] = p.t[o].offset = fills[i];
        p.head_first = p.head_total = fills[i];
        compare_judges(&p, NULL);
    }
}

/* ---- Legal means what it promises ------------------------------------------------------------------------ */

/* No byte belongs to two elements of a legal tensor, broadcasts apart; and the span ends where they end. */
static void elements_of_legal_tensors_do_not_overlap(void **state)
{
    (void)state;
    enum { BYTES = 1 << 16 };
    static unsigned char owner[BYTES];
    uint64_t seed = 5;
    int tensors = 0;
    for (int i = 0; i < 400000 && tensors < 4000; i++) {
        struct attn_problem p = parse("fa1 q=f32[32,3,4,2] k=f16[32,5,2,2] v=q8_0[32,5,2,2]");
        for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
            for (int d = 1; d < 4; d++)
                if (one_in(&seed, 3))
                    p.t[o].nb[d] = (int64_t)attn_random_below(&seed, 60) * attn_type_info(p.t[o].type)->block_bytes *
                                   (one_in(&seed, 2) ? 1 : 32 / attn_type_info(p.t[o].type)->block_elems);
        if (attn_problem_check(&p, NULL) != ATTN_E_OK)
            continue;
        for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
            const struct attn_tensor *t = &p.t[o];
            if (!t->present)
                continue;
            int64_t row = attn_row_bytes(t->type, t->ne[0]), end = 0;
            memset(owner, 0, sizeof owner);
            for (int64_t r = 0; r < t->ne[1] * t->ne[2] * t->ne[3]; r++) {
                int64_t i1 = r % t->ne[1], i2 = r / t->ne[1] % t->ne[2], i3 = r / t->ne[1] / t->ne[2];
                if ((i1 && !t->nb[1]) || (i2 && !t->nb[2]) || (i3 && !t->nb[3]))
                    continue; /* the same elements again */
                int64_t at = i1 * t->nb[1] + i2 * t->nb[2] + i3 * t->nb[3];
                assert_true(at + row <= BYTES);
                for (int64_t b = at; b < at + row; b++)
                    assert_int_equal(owner[b]++, 0);
                end = at + row > end ? at + row : end;
            }
            assert_int_equal(attn_tensor_span(t), end);
            tensors++;
        }
    }
    assert_in_range(tensors, 4000, 4010);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(problems_made_legal_are_legal),
        cmocka_unit_test(both_judges_agree_on_mutated_problems),
        cmocka_unit_test(garbage_is_judged_without_harm),
        cmocka_unit_test(elements_of_legal_tensors_do_not_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
