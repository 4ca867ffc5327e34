/* The component bound: healthy routes of every kind pass, everywhere; useless outputs do not. Numbers of problems
 * can be raised with ATTN_BOUND_PROBLEMS for a long run.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/reference/reference_simulation.h"

#include <stdio.h>

static int problems_to_try(int normally)
{
    const char *text = getenv("ATTN_BOUND_PROBLEMS");
    return text ? atoi(text) : normally;
}

static bool judge(const struct data *d, const struct attn_reference *r, const struct route *route,
                  struct attn_judgement *j)
{
    return attn_judge(r, &route->arithmetic, d->base[ATTN_DST], j);
}

static void assert_healthy(const struct data *d, const struct attn_reference *r, const struct route *route,
                           uint64_t seed, struct attn_judgement *j)
{
    if (!judge(d, r, route, j)) {
        char line[ATTN_LINE_MAX];
        attn_problem_print(&d->problem, line, sizeof line);
        fail_msg("false alarm, seed %llu: %s tile=%d waves=%d splits=%d exp=%d: d=%d h=%d iq=%d s=%d got %.9g want "
                 "%.9g limit %.3g",
                 (unsigned long long)seed, line, route->arithmetic.kv_tile, route->waves, route->splits,
                 route->exponential, (int)j->d, (int)j->h, (int)j->iq, (int)j->s, j->got, j->want, j->limit);
    }
}

struct tally {
    int problems, zero_rejected, gain_rejected;
    int64_t components, unjudged;
    double worst;
};

static bool rejects_scaled(struct data *d, const struct attn_reference *r, const struct route *route, float factor)
{
    for (int64_t s = 0; s < attn_n_seq(&d->problem); s++) {
        for (int64_t iq = 0; iq < attn_n_q(&d->problem); iq++) {
            for (int64_t h = 0; h < attn_n_head(&d->problem); h++) {
                for (int64_t i = 0; i < attn_d_v(&d->problem); i++) {
                    const float value = factor * (float)attn_reference_value(r, i, h, iq, s);
                    memcpy(row_of(d, ATTN_DST, h, iq, s) + 4 * i, &value, 4);
                }
            }
        }
    }
    struct attn_judgement j;
    return !judge(d, r, route, &j);
}

/* Can mma use the types as they are? */
static bool matrix_types(const struct attn_problem *p)
{
    const int k = p->t[ATTN_K].type;
    return k == p->t[ATTN_V].type && (k == ATTN_F16 || k == ATTN_BF16);
}

static void one_problem(uint64_t seed, void (*narrow)(uint64_t *, struct route *), bool of_matrix, struct tally *tally)
{
    uint64_t rng = seed;
    struct attn_problem p = random_problem(&rng);
    while (of_matrix && !matrix_types(&p)) {
        p = random_problem(&rng);
    }
    struct data d = data_of(&p);
    fill_regime(&d, &rng, (enum regime)rng_below(&rng, REGIME_COUNT));
    fill_mask(&d, &rng, (enum mask)rng_below(&rng, MASK_COUNT));
    struct route route = random_route(&rng, &p);
    if (narrow) {
        narrow(&rng, &route);
    }
    struct attn_reference *r = reference_of(&d);
    simulate(&d, &route, FAULT_NONE, seed);
    struct attn_judgement j;
    assert_healthy(&d, r, &route, seed, &j);
    tally->worst = j.worst > tally->worst ? j.worst : tally->worst;
    tally->components += j.components;
    tally->unjudged += j.unjudged;
    bool all_zero = true; /* nothing can be told from zeros where zeros are right */
    for (int64_t i = 0; all_zero && i < j.components; i++) {
        const int64_t d_v = attn_d_v(&p), n_head = attn_n_head(&p), n_q = attn_n_q(&p);
        all_zero =
            attn_reference_value(r, i % d_v, i / d_v % n_head, i / d_v / n_head % n_q, i / d_v / n_head / n_q) == 0.0;
    }
    if (!all_zero) {
        tally->problems++;
        tally->zero_rejected += rejects_scaled(&d, r, &route, 0.0f);
        tally->gain_rejected += rejects_scaled(&d, r, &route, 1.05f);
    }
    attn_reference_free(r);
    data_free(&d);
}

static void print_tally(const char *routes, const struct tally *t)
{
    print_message("%s: %d problems, %lld components, worst %.3f of the limit, %.4f%% unjudged; rejected: zeros %.2f%%, "
                  "5%% gain %.2f%%\n",
                  routes, t->problems, (long long)t->components, t->worst,
                  100.0 * (double)t->unjudged / (double)t->components, 100.0 * t->zero_rejected / t->problems,
                  100.0 * t->gain_rejected / t->problems);
}

/* Problems from a seed on, by routes that `narrow` changes; of_matrix: of types that mma takes as they are. */
static struct tally try_problems(const char *routes, int problems, uint64_t first, bool of_matrix,
                                 void (*narrow)(uint64_t *, struct route *))
{
    struct tally tally = { 0 };
    for (int i = 0; i < problems; i++) {
        one_problem((uint64_t)i + first, narrow, of_matrix, &tally);
    }
    print_tally(routes, &tally);
    return tally;
}

static void assert_zeros_rejected(const struct tally *t) { assert_true(t->zero_rejected >= 0.99 * t->problems); }

static void assert_useless_rejected(const struct tally *t)
{
    assert_zeros_rejected(t);
    assert_true(t->gain_rejected >= 0.99 * t->problems);
}

static void float_routes_pass_and_useless_outputs_do_not(void **state)
{
    (void)state;
    const struct tally tally = try_problems("float routes", problems_to_try(300), 1, false, NULL);
    assert_useless_rejected(&tally);
}

/* Quantised types converted to f16 first. Where scores are large (a worst case of 2^-11 sum |q k| each) and V is
 * zero on average, 5% is less than what a correct conversion may do; zeros are still seen. */
static void convert_quantised(uint64_t *rng, struct route *route)
{
    (void)rng;
    struct attn_arithmetic *a = &route->arithmetic;
    a->k_type = attn_type_info(a->k_type)->block_elems > 1 ? ATTN_F16 : a->k_type;
    a->v_type = attn_type_info(a->v_type)->block_elems > 1 ? ATTN_F16 : a->v_type;
}

static void converting_routes_pass_and_zeros_do_not(void **state)
{
    (void)state;
    const struct tally tally =
        try_problems("converting routes", problems_to_try(200), 2000000, false, convert_quantised);
    assert_zeros_rejected(&tally);
}

/* What matrix cores do to their operands: Q and weights to f16 or bf16, subnormals flushed or not. */
static void narrow_operands(uint64_t *rng, struct route *route)
{
    struct attn_arithmetic *a = &route->arithmetic;
    const uint8_t to = rng_below(rng, 2) ? ATTN_F16 : ATTN_BF16;
    a->q_type = to;
    a->p_type = rng_below(rng, 2) ? to : ATTN_F32;
    a->k_type = to;
    a->v_type = to;
    a->flush = (uint8_t)rng_below(rng, 2);
}

static void narrowing_routes_pass(void **state)
{
    (void)state;
    (void)try_problems("narrowing routes", problems_to_try(200), 1000000, false, narrow_operands);
}

/* mma: f16 or bf16 operands as K and V have them, Q in two parts, weights of bf16 as well, truncating sums. */
static void matrix_operands(uint64_t *rng, struct route *route)
{
    struct attn_arithmetic *a = &route->arithmetic;
    const bool bf16 = a->k_type == ATTN_BF16;
    (void)rng;
    a->matrix = 1;
    a->depth = 16;
    a->dot_chain = 0;
    a->q_type = a->p_type = bf16 ? ATTN_BF16 : ATTN_F16;
    a->q_parts = 2;
    a->q_shift = bf16 ? 0 : 14;
    a->p_parts = bf16 ? 2 : 1;
    a->p_shift = bf16 ? 0 : 15;
}

/* mma in warpgroups: Q's second part first. */
static void matrix_operands_rest_first(uint64_t *rng, struct route *route)
{
    matrix_operands(rng, route);
    route->arithmetic.q_rest_first = 1;
}

/* vec where it multiplies bytes of Q and K. */
static void sixteen_bit_query(uint64_t *rng, struct route *route)
{
    (void)rng;
    route->arithmetic.q_type = ATTN_Q8_0;
    route->arithmetic.q_parts = 2;
}

/* The same with Q's low parts lost, which the bound must see. */
static void high_parts_only(uint64_t *rng, struct route *route)
{
    sixteen_bit_query(rng, route);
    route->low_lost = true;
}

static void routes_with_q_in_16_bits_pass_and_useless_outputs_do_not(void **state)
{
    (void)state;
    const struct tally tally =
        try_problems("routes with Q in 16 bits", problems_to_try(300), 5000000, false, sixteen_bit_query);
    assert_useless_rejected(&tally);
}

/* UNIFORM data of a decode: where the low parts of Q are lost, something is out of the bound. */
static void lost_low_parts_of_q_are_seen(void **state)
{
    (void)state;
    int seen = 0;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        uint64_t rng = seed;
        const struct shape shape = { .d_k = 128,
                                     .n_q = 1,
                                     .n_kv = 200,
                                     .n_head = 4,
                                     .n_head_kv = 1,
                                     .n_seq = 1,
                                     .type_k = ATTN_Q8_0,
                                     .type_v = ATTN_Q8_0 };
        const struct attn_problem p = problem_of(&shape);
        struct data d = data_of(&p);
        fill_regime(&d, &rng, REGIME_UNIFORM);
        fill_mask(&d, &rng, MASK_OPEN);
        struct attn_reference *r = reference_of(&d);
        struct route route = random_route(&rng, &p);
        struct attn_judgement j;
        sixteen_bit_query(&rng, &route);
        simulate(&d, &route, FAULT_NONE, seed);
        assert_true(judge(&d, r, &route, &j));
        high_parts_only(&rng, &route);
        simulate(&d, &route, FAULT_NONE, seed);
        seen += !judge(&d, r, &route, &j);
        attn_reference_free(r);
        data_free(&d);
    }
    print_message("Q without its low parts: seen in %d of 50 problems\n", seen);
    assert_int_equal(seen, 50);
}

/* gfx90a. Small K and V are lost, which may be all there is. */
static void flushing_matrix_operands(uint64_t *rng, struct route *route)
{
    matrix_operands(rng, route);
    route->arithmetic.flush = 1;
}

static void matrix_routes_pass_and_useless_outputs_do_not(void **state)
{
    (void)state;
    const int n = problems_to_try(300);
    const struct tally tally = try_problems("matrix routes", n, 3000000, true, matrix_operands);
    assert_useless_rejected(&tally);
    (void)try_problems("flushing matrix routes", n / 3, 4000000, true, flushing_matrix_operands);
}

static void matrix_routes_with_the_rest_first_pass(void **state)
{
    (void)state;
    const struct tally tally = try_problems("matrix routes, Q's second part first", problems_to_try(300), 6000000, true,
                                            matrix_operands_rest_first);
    assert_useless_rejected(&tally);
}

/* ---- The judge ----------------------------------------------------------------------------------------- */

static struct data small_data(int type)
{
    uint64_t rng = 9;
    const struct shape shape = {
        .d_k = 32, .n_q = 2, .n_kv = 50, .n_head = 3, .n_head_kv = 1, .n_seq = 2, .type_k = type, .type_v = type
    };
    const struct attn_problem p = problem_of(&shape);
    struct data d = data_of(&p);
    fill_regime(&d, &rng, REGIME_UNIFORM);
    return d;
}

static const struct route plain_route = {
    .arithmetic = { .q_type = ATTN_F32, .k_type = ATTN_F16, .v_type = ATTN_F16, .kv_tile = 32, .merges = 1 },
    .waves = 1,
    .splits = 1,
    .lanes = 1
};

/* Q's second part first: between the limit of half as long a chain and, nearer to that, of the whole. */
static void the_rest_first_costs_half(void **state)
{
    (void)state;
    uint64_t rng = 11;
    const struct shape shape = { .d_k = 256,
                                 .n_q = 1,
                                 .n_kv = 200,
                                 .n_head = 1,
                                 .n_head_kv = 1,
                                 .n_seq = 1,
                                 .type_k = ATTN_F16,
                                 .type_v = ATTN_F16 };
    const struct attn_problem p = problem_of(&shape);
    struct data d = data_of(&p);
    fill_regime(&d, &rng, REGIME_UNIFORM);
    struct attn_reference *r = reference_of(&d);
    struct route route = plain_route;
    matrix_operands(&rng, &route);
    struct attn_arithmetic whole = route.arithmetic;
    whole.dot_chain = 2 * 256 / whole.depth;
    struct attn_arithmetic first = whole, half = whole;
    first.q_rest_first = 1;
    half.dot_chain /= 2;
    for (int64_t c = 0; c < 256; c++) {
        const double most = attn_reference_limit(r, &whole, c, 0, 0, 0),
                     between = attn_reference_limit(r, &first, c, 0, 0, 0);
        const double least = attn_reference_limit(r, &half, c, 0, 0, 0);
        assert_true(least < between && between < least + 0.01 * (most - least));
    }
    attn_reference_free(r);
    data_free(&d);
}

static void no_number_fails_always(void **state)
{
    (void)state;
    struct data d = small_data(ATTN_F16);
    struct attn_reference *r = reference_of(&d);
    struct route route = plain_route;
    const float bad[] = { NAN, -NAN, INFINITY, -INFINITY };
    for (int unknown = 0; unknown < 2; unknown++) {
        route.arithmetic.v_type = unknown ? ATTN_Q4_0 : ATTN_F16; /* a type without a bound: everything unjudged */
        for (int i = 0; i < 4; i++) {
            struct attn_judgement j;
            simulate(&d, &plain_route, FAULT_NONE, 1);
            assert_true(judge(&d, r, &route, &j));
            assert_true(j.unjudged == (unknown ? j.components : 0) && j.components == 32 * 2 * 3 * 2);
            memcpy(row_of(&d, ATTN_DST, 2, 1, 1) + 4 * 31, &bad[i], 4);
            assert_false(judge(&d, r, &route, &j));
            assert_true(j.failed == 1 && j.d == 31 && j.h == 2 && j.iq == 1 && j.s == 1 && j.worst == INFINITY);
        }
    }
    attn_reference_free(r);
    data_free(&d);
}

static void the_judge_follows_dst_strides(void **state)
{
    (void)state;
    struct data d = small_data(ATTN_F16);
    struct attn_tensor *t = &d.problem.t[ATTN_DST];
    t->nb[3] = t->ne[0] * 4 + 4; /* sequences innermost, with a gap; then rows, then heads */
    t->nb[2] = t->nb[3] * t->ne[3];
    t->nb[1] = t->nb[2] * t->ne[2] + 8;
    free(d.base[ATTN_DST]);
    const size_t bytes = (size_t)attn_tensor_span(t); /* exactly: a byte more is a heap overflow */
    d.base[ATTN_DST] = malloc(bytes);
    memset(d.base[ATTN_DST], 0xFF, bytes);
    struct attn_reference *r = reference_of(&d);
    simulate(&d, &plain_route, FAULT_NONE, 1);
    struct attn_judgement j;
    assert_true(judge(&d, r, &plain_route, &j));
    assert_true(j.worst > 0.0 && j.worst <= 1.0);
    attn_reference_free(r);
    data_free(&d);
}

/* A route that rounds more, or in longer chains, never gets a narrower limit. */
static void limits_grow_with_every_rounding(void **state)
{
    (void)state;
    struct data d = small_data(ATTN_Q8_0);
    struct attn_reference *r = reference_of(&d);
    const struct attn_arithmetic least = {
        .q_type = ATTN_F32, .k_type = ATTN_Q8_0, .v_type = ATTN_Q8_0, .p_type = ATTN_F32, .kv_tile = 256, .merges = 1
    };
    struct attn_arithmetic more[13];
    for (int i = 0; i < 13; i++) {
        more[i] = least;
    }
    more[0].q_type = ATTN_F16;
    more[1].q_type = ATTN_Q8_0;
    more[2].k_type = ATTN_F16;
    more[3].v_type = ATTN_F16;
    more[4].v_type = ATTN_BF16;
    more[5].p_type = ATTN_F16;
    more[6].kv_tile = 8;
    more[7].merges = 16;
    more[10] = least;
    more[10].dot_joins = 4;
    more[11] = least;
    more[11].weights.joins = 4;
    more[12] = least;
    more[12].values.joins = 4;
    more[8] = more[2];
    more[8].flush = 1;
    more[9] = more[1];
    more[9].q_parts = 2;
    for (int i = 0; i < 13; i++) {
        const struct attn_arithmetic *less = i == 8 ? &more[2] : &least;
        for (int64_t c = 0; c < 32; c++) {
            const double wide = attn_reference_limit(r, &more[i], c, 1, 1, 1);
            const double narrow = attn_reference_limit(r, less, c, 1, 1, 1);
            assert_true(i == 8 ? wide >= narrow : wide > narrow); /* flushing loses only what is small */
        }
    }
    attn_reference_free(r);
    data_free(&d);
}

/* Whatever legal numbers come: a limit is a number or infinite, at least 0, and the exact result passes. */
static void limits_are_never_nan(void **state)
{
    (void)state;
    static const float extreme[] = {
        0.0f, -0.0f, 0x1p-149f, 1e-38f, 1e-20f, 1.0f, -1.0f, 1e5f, 1e19f, -3e38f, 3.3e38f
    }; /* all finite as bf16, too */
    uint64_t rng = 11;
    for (int round = 0; round < 3000; round++) {
        const struct shape shape = { .d_k = 1 + rng_below(&rng, 3),
                                     .n_q = 2,
                                     .n_kv = 1 + rng_below(&rng, 3),
                                     .type_k = ATTN_F32,
                                     .type_v = rng_below(&rng, 2) ? ATTN_F32 : ATTN_BF16,
                                     .sinks = rng_below(&rng, 2) != 0,
                                     .mask_heads = 1 };
        struct attn_problem p = problem_of(&shape);
        p.scale = extreme[rng_below(&rng, 11)];
        p.softcap = rng_below(&rng, 2) ? fabsf(extreme[rng_below(&rng, 11)]) : 0.0f;
        p.max_bias = rng_below(&rng, 2) ? fabsf(extreme[rng_below(&rng, 11)]) : 0.0f;
        struct data d = data_of(&p);
        static const int filled[] = { ATTN_Q, ATTN_K, ATTN_V, ATTN_SINKS };
        for (int o = 0; o < 4; o++) {
            const struct attn_tensor *t = &p.t[filled[o]];
            for (int64_t i = 0; t->present && i < t->ne[0] * t->ne[1]; i++) { /* one head, contiguous */
                const float x = rng_below(&rng, 3) ? extreme[rng_below(&rng, 9)] : extreme[rng_below(&rng, 11)];
                attn_row_encode(t->type, &x, 1, d.base[filled[o]] + i * t->nb[0]);
            }
        }
        for (int64_t i = 0; i < shape.n_kv * 2; i++) {
            mask_set(&d, i / 2, i % 2, 0, 0,
                     rng_below(&rng, 3) ? 65504.0f - (float)rng_below(&rng, 131008) : -INFINITY);
        }
        struct attn_reference *r = reference_of(&d);
        struct route route = random_route(&rng, &p);
        if (rng_below(&rng, 2)) {
            narrow_operands(&rng, &route);
        }
        for (int64_t iq = 0; iq < 2; iq++) {
            for (int64_t i = 0; i < shape.d_k; i++) {
                const double value = attn_reference_value(r, i, 0, iq, 0);
                assert_true(isfinite(value) && attn_reference_limit(r, &route.arithmetic, i, 0, iq, 0) >= 0.0);
                const float rounded = (float)value;
                memcpy(row_of(&d, ATTN_DST, 0, iq, 0) + 4 * i, &rounded, 4);
            }
        }
        assert_true(judge(&d, r, &route, NULL));
        attn_reference_free(r);
        data_free(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(float_routes_pass_and_useless_outputs_do_not),
        cmocka_unit_test(converting_routes_pass_and_zeros_do_not),
        cmocka_unit_test(narrowing_routes_pass),
        cmocka_unit_test(routes_with_q_in_16_bits_pass_and_useless_outputs_do_not),
        cmocka_unit_test(lost_low_parts_of_q_are_seen),
        cmocka_unit_test(matrix_routes_pass_and_useless_outputs_do_not),
        cmocka_unit_test(matrix_routes_with_the_rest_first_pass),
        cmocka_unit_test(the_rest_first_costs_half),
        cmocka_unit_test(no_number_fails_always),
        cmocka_unit_test(the_judge_follows_dst_strides),
        cmocka_unit_test(limits_grow_with_every_rounding),
        cmocka_unit_test(limits_are_never_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
