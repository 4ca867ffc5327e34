/* planner_api_check.c: attn_problem_check says legal exactly for legal problems, and of an illegal one it names a
 * broken rule with the values that broke it. Each rule has a problem that breaks it by one and a near miss that
 * does not; a second, slow judge in 128-bit arithmetic decides about random ones.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/planner/planner_api.h"

/* ---- Off by one ------------------------------------------------------------------------------------------ */

#define Q " q=f32[64,3,8,2]"
#define K " k=f16[64,7,4,2]"
#define V " v=f16[32,7,4,2]"
#define M " mask=f16[7,3,8,2]"
#define BASE "fa1" Q K V M " sinks"

struct near_miss {
    const char *legal, *illegal;
    struct attn_error error;
};

static const struct near_miss near_misses[] = {
    { BASE, "fa1 q=f32[64,0,8,2]" K V M, { ATTN_E_EXTENT, ATTN_Q, 1, 0, 0 } },
    { BASE, "fa1" Q K V " mask=f16[7,3,8,0]", { ATTN_E_EXTENT, ATTN_MASK, 3, 0, 0 } },
    { BASE, "fa1" Q " k=f16[64,-1,4,2]" V, { ATTN_E_EXTENT, ATTN_K, 1, -1, 0 } },
    { BASE, "fa1" Q K V " dst=f32[0,8,3,2]", { ATTN_E_EXTENT, ATTN_DST, 0, 0, 0 } },
    { BASE, "fa1 q=f16[64,3,8,2]" K V, { ATTN_E_TYPE, ATTN_Q, 0, ATTN_F16, 0 } },
    { BASE, "fa1" Q K V " mask=f32[7,3,8,2]", { ATTN_E_TYPE, ATTN_MASK, 0, ATTN_F32, 0 } },
    { BASE, "fa1" Q K V " sinks=f16[8,1,1,1]", { ATTN_E_TYPE, ATTN_SINKS, 0, ATTN_F16, 0 } },
    { BASE, "fa1" Q K V " dst=bf16[32,8,3,2]", { ATTN_E_TYPE, ATTN_DST, 0, ATTN_BF16, 0 } },
    { BASE, "fa1" Q " k=f16[65,7,4,2]" V, { ATTN_E_D_K, ATTN_K, 0, 65, 64 } },
    { BASE, "fa1" Q K " v=f16[32,8,4,2]", { ATTN_E_N_KV, ATTN_V, 1, 8, 7 } },
    { BASE, "fa1" Q K " v=f16[32,7,5,2]", { ATTN_E_N_HEAD_KV, ATTN_V, 2, 5, 4 } },
    { BASE, "fa1" Q " k=f16[64,7,4,1]" V, { ATTN_E_N_SEQ, ATTN_K, 3, 1, 2 } },
    { BASE, "fa1" Q K " v=f16[32,7,4,3]", { ATTN_E_N_SEQ, ATTN_V, 3, 3, 2 } },
    { BASE, "fa1" Q " k=f16[64,7,3,2] v=f16[32,7,3,2]", { ATTN_E_GQA, ATTN_Q, 2, 8, 3 } },
    { "fa1" Q " k=f16[64,7,8,2] v=f16[32,7,8,2]",
      "fa1" Q " k=f16[64,7,9,2] v=f16[32,7,9,2]",
      { ATTN_E_GQA, ATTN_Q, 2, 8, 9 } },
    { BASE, "fa1" Q K V " mask=f16[6,3,8,2]", { ATTN_E_MASK_KV, ATTN_MASK, 0, 6, 7 } },
    { BASE, "fa1" Q K V " mask=f16[7,2,8,2]", { ATTN_E_MASK_Q, ATTN_MASK, 1, 2, 3 } },
    { "fa1" Q K V " mask=f16[8,4,4,1]", "fa1" Q K V " mask=f16[8,4,5,1]", { ATTN_E_MASK_HEADS, ATTN_MASK, 2, 5, 8 } },
    { BASE, "fa1" Q K V " mask=f16[7,3,16,2]", { ATTN_E_MASK_HEADS, ATTN_MASK, 2, 16, 8 } },
    { BASE, "fa1" Q K V " mask=f16[7,3,8,3]", { ATTN_E_MASK_SEQ, ATTN_MASK, 3, 3, 2 } },
    { BASE, "fa1" Q K V " sinks=f32[7,1,1,1]", { ATTN_E_SINKS_SHAPE, ATTN_SINKS, 0, 7, 8 } },
    { BASE, "fa1" Q K V " sinks=f32[8,1,2,1]", { ATTN_E_SINKS_SHAPE, ATTN_SINKS, 2, 2, 1 } },
    { "fa1" Q K V " dst=f32[32,8,3,2]", "fa1" Q K V " dst=f32[33,8,3,2]", { ATTN_E_DST_SHAPE, ATTN_DST, 0, 33, 32 } },
    { "fa1" Q K V " dst=f32[32,8,3,2]", "fa1" Q K V " dst=f32[32,3,8,2]", { ATTN_E_DST_SHAPE, ATTN_DST, 1, 3, 8 } },
    { "fa1" Q " k=q4_0[64,7,4,2]" V, "fa1 q=f32[63,3,8,2] k=q4_0[63,7,4,2]" V, { ATTN_E_BLOCK, ATTN_K, 0, 63, 32 } },
    { "fa1" Q K " v=q8_0[32,7,4,2]", "fa1" Q K " v=q8_0[31,7,4,2]", { ATTN_E_BLOCK, ATTN_V, 0, 31, 32 } },
    { "fa1" Q K "+2" V, "fa1" Q K "+1" V, { ATTN_E_OFFSET, ATTN_K, 0, 1, 2 } },
    { "fa1" Q K " v=q5_0[32,7,4,2]+22", "fa1" Q K " v=q5_0[32,7,4,2]+20", { ATTN_E_OFFSET, ATTN_V, 0, 20, 22 } },
    { "fa1" Q K V " mask=f16[7,3,8,2]+2", "fa1" Q K V " mask=f16[7,3,8,2]+-2", { ATTN_E_OFFSET, ATTN_MASK, 0, -2, 2 } },
    { "fa1" Q K ":128,896,3586" V, "fa1" Q K ":128,896,3585" V, { ATTN_E_STRIDE, ATTN_K, 3, 3585, 2 } },
    { "fa1" Q K " v=q8_0[32,7,4,2]:34,238,952",
      "fa1" Q K " v=q8_0[32,7,4,2]:36,238,952",
      { ATTN_E_STRIDE, ATTN_V, 1, 36, 34 } },
    { "fa1" Q ":256,768,0" K V, "fa1" Q ":256,768,-4" K V, { ATTN_E_STRIDE, ATTN_Q, 3, -4, 4 } },
    { "fa1" Q ":0,0,0" K ":0,0,0" V ":0,0,0" M ":0,0,0",
      "fa1" Q K V " dst=f32[32,8,3,2]:128,0,3072",
      { ATTN_E_BROADCAST, ATTN_DST, 2, 0, 0 } },
    { "fa1" Q K V " dst=f32[32,8,3,2]:128,1024,3072",
      "fa1" Q K V " dst=f32[32,8,3,2]:128,1024,3068",
      { ATTN_E_OVERLAP, ATTN_DST, 3, 3068, 3072 } },
    { "fa1" Q K ":128,896,3584" V, "fa1" Q K ":126,896,3584" V, { ATTN_E_OVERLAP, ATTN_K, 1, 126, 128 } },
    { "fa1" Q K ":512,128,3584" V, "fa1" Q K ":510,128,3584" V, { ATTN_E_OVERLAP, ATTN_K, 1, 510, 512 } },
    /* a gap at each row's end may hold another dimension: rows of 128 at 0, 256, ..., the second head between them */
    { "fa1" Q " k=f16[64,7,2,2]:256,128,1792 v=f16[32,7,2,2]",
      "fa1" Q " k=f16[64,7,2,2]:254,128,1792 v=f16[32,7,2,2]",
      { ATTN_E_OVERLAP, ATTN_K, 1, 254, 256 } },
    /* 2^61 f32 are 2^63 bytes: one too many */
    { "fa1 q=f32[1,2305843009213693951,1,1]:4,0,0 k=f16[1,1,1,1] v=f16[1,1,1,1] dst=f32[1,1,2305843009213693951,1]:0,4,0",
      "fa1 q=f32[1,2305843009213693952,1,1]:4,0,0 k=f16[1,1,1,1] v=f16[1,1,1,1] dst=f32[1,1,2305843009213693952,1]:0,4,0",
      { ATTN_E_OVERFLOW, ATTN_Q, 1, INT64_C(2305843009213693952), 4 } },
    { "fa1 q=f32[2305843009213693951,1,1,1] k=f16[2305843009213693951,1,1,1] v=f16[1,1,1,1]",
      "fa1 q=f32[2305843009213693952,1,1,1] k=f16[2305843009213693952,1,1,1] v=f16[1,1,1,1]",
      { ATTN_E_OVERFLOW, ATTN_Q, 0, INT64_C(2305843009213693952), 4 } },
    { "fa1 q=f32[1,1,1,1] k=f16[1,1,1,1] v=f16[1,1,1,1]+9223372036854775804",
      "fa1 q=f32[1,1,1,1] k=f16[1,1,1,1] v=f16[1,1,1,1]+9223372036854775806",
      { ATTN_E_OVERFLOW, ATTN_V, 0, INT64_C(9223372036854775806), 2 } },
    /* q has 2304 floats in all, dst as many bytes at its end */
    { "fa1 q=f32[64,3,4,1]@a k=f16[64,7,4,1] v=f16[64,7,4,1] dst=f32[64,4,3,1]@a+3072",
      "fa1 q=f32[64,3,4,1]@a k=f16[64,7,4,1] v=f16[64,7,4,1] dst=f32[64,4,3,1]@a+3068",
      { ATTN_E_ALIAS_DST, ATTN_Q, 0, 3068, 3072 } },
    { "fa1 q=f32[64,3,4,1] k=f16[64,7,4,1] v=f16[64,7,4,1]@b dst=f32[64,4,3,1]@a",
      "fa1 q=f32[64,3,4,1] k=f16[64,7,4,1] v=f16[64,7,4,1]@a dst=f32[64,4,3,1]@a",
      { ATTN_E_ALIAS_DST, ATTN_V, 0, 0, 3072 } },
    { "fa1 q=f32[64,3,4,1]@a k=f16[64,7,4,1]@a+3072 v=f16[64,7,4,1]@a+3072",
      "fa1 q=f32[64,3,4,1]@a k=f16[64,7,4,1]@a+3070 v=f16[64,7,4,1]@a+3072",
      { ATTN_E_ALIAS_INPUT, ATTN_K, 0, 3070, 3072 } },
    { "fa1 q=f32[64,3,4,1]@a k=f32[64,7,4,1]@a v=f32[64,7,4,1]@a+256 mask=f16[7,3,1,1]@b",
      "fa1 q=f32[64,3,4,1]@a k=f32[64,7,4,1]@a v=bf16[64,7,4,1]@a mask=f16[7,3,1,1]@b",
      { ATTN_E_ALIAS_INPUT, ATTN_V, 0, 0, 3072 } },
    { "fa1 q=f32[64,3,4,1] k=f16[64,7,4,1]@c v=f16[64,7,4,1] mask=f16[7,3,1,1]@c+3584",
      "fa1 q=f32[64,3,4,1] k=f16[64,7,4,1]@c v=f16[64,7,4,1] mask=f16[7,3,1,1]@c+3582",
      { ATTN_E_ALIAS_INPUT, ATTN_MASK, 0, 3582, 3584 } },
    { BASE " scale=3.4028235e38", BASE " scale=inf", { ATTN_E_SCALE, 0, 0, 0, 0 } },
    { BASE " scale=-1", BASE " scale=nan", { ATTN_E_SCALE, 0, 0, 0, 0 } },
    { BASE " softcap=-0", BASE " softcap=-1e-45", { ATTN_E_SOFTCAP, 0, 0, 0, 0 } },
    { BASE " softcap=1e-45", BASE " softcap=inf", { ATTN_E_SOFTCAP, 0, 0, 0, 0 } },
    { BASE " max_bias=1e-45", BASE " max_bias=-1e-45", { ATTN_E_MAX_BIAS, 0, 0, 0, 0 } },
    { BASE " max_bias=-0", BASE " max_bias=nan", { ATTN_E_MAX_BIAS, 0, 0, 0, 0 } },
    { "fa1" Q K V " max_bias=0", "fa1" Q K V " max_bias=1e-45", { ATTN_E_MAX_BIAS_MASK, ATTN_MASK, 0, 0, 0 } },
    { BASE " heads=4/12", BASE " heads=4/11", { ATTN_E_HEADS, 0, 0, 4, 11 } },
    { BASE " heads=0/8", BASE " heads=-1/8", { ATTN_E_HEADS, 0, 0, -1, 8 } },
    { BASE " heads=9223372036854775799/9223372036854775807",
      BASE " heads=9223372036854775800/9223372036854775807",
      { ATTN_E_HEADS, 0, 0, INT64_C(9223372036854775800), INT64_MAX } },
};

static bool names_operand(int code)
{
    return code != ATTN_E_SCALE && code != ATTN_E_SOFTCAP && code != ATTN_E_MAX_BIAS && code != ATTN_E_HEADS &&
           code != ATTN_E_GQA;
}

static void check_one(const struct attn_problem *p, const struct attn_error *want, const char *line)
{
    struct attn_error got;
    char got_text[256], want_text[256];
    memset(&got, '#', sizeof got);
    assert_int_equal(attn_problem_check(p, NULL), attn_problem_check(p, &got));
    attn_error_text(&got, got_text, sizeof got_text);
    attn_error_text(want, want_text, sizeof want_text);
    if (got.code != want->code || strcmp(got_text, want_text) != 0 ||
        (names_operand(want->code) && got.operand != want->operand))
        fail_msg("%s\nwanted %s\ngot    %s", line, want_text, got_text);
}

static void each_rule_has_a_legal_neighbour_and_an_illegal_one(void **state)
{
    (void)state;
    const struct attn_error legal = { ATTN_E_OK, 0, 0, 0, 0 };
    uint64_t seen = 0;
    for (size_t i = 0; i < sizeof near_misses / sizeof near_misses[0]; i++) {
        struct attn_problem good = parse(near_misses[i].legal), bad = parse(near_misses[i].illegal);
        check_one(&good, &legal, near_misses[i].legal);
        check_one(&bad, &near_misses[i].error, near_misses[i].illegal);
        seen |= UINT64_C(1) << near_misses[i].error.code;
    }
    /* What a line cannot say. */
    struct attn_problem p = parse(BASE), base = p;
    static const int needed[] = { ATTN_Q, ATTN_K, ATTN_V, ATTN_DST };
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        p = base;
        p.t[needed[i]].present = 0;
        check_one(&p, &(struct attn_error){ ATTN_E_ABSENT, needed[i], 0, 0, 0 }, BASE);
    }
    p = base;
    p.t[ATTN_K].buffer = 26;
    check_one(&p, &legal, BASE);
    p.t[ATTN_K].buffer = 27;
    check_one(&p, &(struct attn_error){ ATTN_E_BUFFER, ATTN_K, 0, 27, 0 }, BASE);
    for (int delta = -1; delta <= 1; delta += 2) {
        p = base;
        p.t[ATTN_V].nb[0] += delta;
        check_one(&p, &(struct attn_error){ ATTN_E_ROW_DENSE, ATTN_V, 0, 2 + delta, 2 }, BASE);
    }
    p = base;
    p.t[ATTN_V].type = ATTN_TYPE_COUNT;
    check_one(&p, &(struct attn_error){ ATTN_E_TYPE, ATTN_V, 0, ATTN_TYPE_COUNT, 0 }, BASE);
    seen |= UINT64_C(1) << ATTN_E_ABSENT | UINT64_C(1) << ATTN_E_BUFFER | UINT64_C(1) << ATTN_E_ROW_DENSE |
            UINT64_C(1) << ATTN_E_OK;
    assert_int_equal(seen, (UINT64_C(1) << ATTN_ERROR_COUNT) - 1); /* no rule was left out */
}

/* What absent tensors hold does not matter. */
static void absent_tensors_are_not_looked_at(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 1000; i++) {
        struct attn_problem p = parse("fa1" Q K V);
        for (int o = ATTN_MASK; o <= ATTN_SINKS; o++) {
            for (size_t j = 0; j < sizeof p.t[o]; j++)
                ((unsigned char *)&p.t[o])[j] = (unsigned char)rand_u64(&seed);
            p.t[o].present = 0;
        }
        assert_int_equal(attn_problem_check(&p, NULL), ATTN_E_OK);
    }
}

/* ---- A second judge -------------------------------------------------------------------------------------- */

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

static bool is_legal(const struct attn_problem *p)
{
    wide first[ATTN_OPERAND_COUNT], end[ATTN_OPERAND_COUNT];
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        const struct attn_tensor *t = &p->t[o];
        bool optional = o == ATTN_MASK || o == ATTN_SINKS;
        if (!t->present) {
            if (!optional)
                return false;
            continue;
        }
        int only = o == ATTN_MASK ? ATTN_F16 : ATTN_F32;
        if (o == ATTN_K || o == ATTN_V ? t->type >= ATTN_TYPE_COUNT : t->type != only)
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
    return p->head_first >= 0 && (wide)p->head_first + q[2] <= p->head_total;
}

/* The recorded values are the problem's and break the named rule: evaluated here once more. */
static bool error_is_true(const struct attn_problem *p, const struct attn_error *e)
{
    const struct attn_tensor *t = &p->t[e->operand];
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
    switch (rand_below(seed, 6)) {
    case 0: return edges[rand_below(seed, sizeof edges / sizeof edges[0])];
    case 1: return (int64_t)((uint64_t)value * 2);
    case 2: return value / 2;
    case 3: return (int64_t)(rand_u64(seed) >> rand_below(seed, 64));
    default: return (int64_t)((uint64_t)value + rand_below(seed, 9) - 4);
    }
}

static void mutate(uint64_t *seed, struct attn_problem *p)
{
    static const uint32_t floats[] = { 0,          0x80000000, 1,          0x80000001, 0x7f7fffff,
                                       0x7f800000, 0xff800000, 0x7fc00000, 0xbf800000 };
    struct attn_tensor *t = &p->t[rand_below(seed, ATTN_OPERAND_COUNT)];
    float f = float_from(floats[rand_below(seed, sizeof floats / sizeof floats[0])]);
    int d = (int)rand_below(seed, 4);
    switch (rand_below(seed, 12)) {
    case 0: t->present = (uint8_t)rand_below(seed, 3); break;
    case 1: t->type = (uint8_t)(one_in(seed, 20) ? rand_u64(seed) : rand_below(seed, ATTN_TYPE_COUNT)); break;
    case 2: t->buffer = (uint8_t)(one_in(seed, 20) ? rand_u64(seed) : rand_below(seed, 2)); break;
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
        const int (*w)[2] = where[rand_below(seed, 7)];
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
                              rand_below(seed, 500));
        break;
    case 10: t->nb[1 + rand_below(seed, 3)] = t->nb[1 + rand_below(seed, 3)]; break;
    default: t->nb[1 + rand_below(seed, 3)] = 0; break;
    }
}

static void both_judges_agree_on_mutated_problems(void **state)
{
    (void)state;
    uint64_t seed = 3, codes = 0;
    for (int i = 0; i < 300000; i++) {
        struct attn_problem p;
        random_legal(&seed, true, &p);
        for (uint64_t n = 1 + rand_below(&seed, 4); n > 0; n--)
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
            ((unsigned char *)&p)[j] = (unsigned char)rand_u64(&seed);
        compare_judges(&p, NULL);
        random_legal(&seed, true, &p);
        for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
            for (int d = 0; d < 4; d++) {
                if (one_in(&seed, 3))
                    p.t[o].ne[d] = fills[rand_below(&seed, sizeof fills / sizeof fills[0])];
                if (one_in(&seed, 3))
                    p.t[o].nb[d] = fills[rand_below(&seed, sizeof fills / sizeof fills[0])];
            }
            if (one_in(&seed, 3))
                p.t[o].offset = fills[rand_below(&seed, sizeof fills / sizeof fills[0])];
        }
        compare_judges(&p, NULL);
    }
    for (size_t i = 0; i < sizeof fills / sizeof fills[0]; i++) {
        struct attn_problem p = parse(BASE);
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
                    p.t[o].nb[d] = (int64_t)rand_below(&seed, 60) * attn_type_info(p.t[o].type)->block_bytes *
                                   (one_in(&seed, 2) ? 1 : 32 / attn_type_info(p.t[o].type)->block_elems);
        if (attn_problem_check(&p, NULL) != ATTN_E_OK)
            continue;
        for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
            const struct attn_tensor *t = &p.t[o];
            if (!t->present)
                continue;
            const struct attn_type_info *type = attn_type_info(t->type);
            int64_t row = t->ne[0] / type->block_elems * type->block_bytes, end = 0;
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

static void work_saturates_instead_of_wrapping(void **state)
{
    (void)state;
    struct attn_problem p = parse("fa1 q=f32[64,3,8,2] k=f16[64,7,4,2] v=f16[32,7,4,2]");
    assert_int_equal(attn_problem_work(&p), 3 * 7 * 8 * 2 * 96);
    p = parse("fa1 q=f32[1,2147483648,1,1] k=f16[1,2147483647,1,1] v=f16[1,2147483647,1,1]");
    assert_int_equal(attn_problem_work(&p), INT64_C(2147483648) * 2147483647 * 2);
    p = parse("fa1 q=f32[1,2147483648,1,1] k=f16[1,2147483648,1,1] v=f16[1,2147483648,1,1]");
    assert_int_equal(attn_problem_work(&p), INT64_MAX); /* 2^63 exactly */
    p = parse("fa1 q=f32[1,1,1,1] k=f16[1,9223372036854775807,1,1]:0,0,0 v=f16[1,9223372036854775807,1,1]:0,0,0");
    assert_int_equal(attn_problem_check(&p, NULL), ATTN_E_OK);
    assert_int_equal(attn_problem_work(&p), INT64_MAX);
}

/* ALiBi's slopes of the published head counts (Press et al., "Train Short, Test Long", and its code): for 8 heads
 * 2^-1 .. 2^-8; for 12 the eight, then 2^-0.5, 2^-1.5, 2^-2.5, 2^-3.5. */
static void alibi_exponents_are_the_published_ones(void **state)
{
    (void)state;
    struct attn_problem p = parse("fa1 q=f32[64,1,8,1] k=f16[64,1,8,1] v=f16[64,1,8,1] mask=f16[1,1,1,1] max_bias=8");
    for (int h = 0; h < 8; h++)
        assert_true(attn_alibi_exponent(&p, h) == h + 1.0);
    p.head_total = 12;
    for (int h = 0; h < 12; h++)
        assert_true(attn_alibi_exponent(&p, h) == (h < 8 ? h + 1.0 : h - 8 + 0.5));
    p.head_total = 1;
    assert_true(attn_alibi_exponent(&p, 0) == 8.0);
    p.head_total = 71; /* Falcon-7B: n is 64 */
    assert_true(attn_alibi_exponent(&p, 63) == 8.0);
    assert_true(attn_alibi_exponent(&p, 64) == 8.0 / 128);
    assert_true(attn_alibi_exponent(&p, 70) == 8.0 * 13 / 128);
    p.head_total = INT64_MAX;
    assert_true(attn_alibi_exponent(&p, 0) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_has_a_legal_neighbour_and_an_illegal_one),
        cmocka_unit_test(absent_tensors_are_not_looked_at),
        cmocka_unit_test(problems_made_legal_are_legal),
        cmocka_unit_test(both_judges_agree_on_mutated_problems),
        cmocka_unit_test(garbage_is_judged_without_harm),
        cmocka_unit_test(elements_of_legal_tensors_do_not_overlap),
        cmocka_unit_test(work_saturates_instead_of_wrapping),
        cmocka_unit_test(alibi_exponents_are_the_published_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
