/* fuzz_foreign.c: calls with types that a library alone knows: what is drawn is legal and repeatable, their data are
 * written and read by the library's own functions, and the reference is that of the values they read as; masks keep
 * what n_kv_max promises.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz/case/attn_case.h"
#include "fuzz/domain/domain.h"
#include "fuzz/domain/foreign.h"
#include "fuzz/domain/mutate.h"
#include "planner/random.h"
#include "reference/attn_reference.h"

static int writes, reads;

static void write_q8(const float *x, void *to, int64_t n)
{
    writes++;
    attn_row_encode(ATTN_Q8_0, x, n, to);
}
static void read_q8(const void *from, float *x, int64_t n)
{
    reads++;
    attn_row_decode(ATTN_Q8_0, from, n, x);
}

/* q8_0 by another name; one of large blocks that nobody can read; one that nobody can write. */
static const struct attn_foreign_type known[] = {
    { { "eight", "", 40, 32, 34, 1 }, ATTN_TYPE_FOREIGN, true, read_q8, write_q8 },
    { { "large", "", 41, 256, 84, 1 }, ATTN_TYPE_FOREIGN + 1, true, NULL, NULL },
    { { "fixed", "", 42, 32, 34, 1 }, ATTN_TYPE_FOREIGN + 2, true, read_q8, NULL },
};
static const struct attn_foreign_type integers = {
    { "i32", "", 26, 1, 4, 4 }, ATTN_TYPE_FOREIGN + 3, false, NULL, NULL
};
static const struct attn_foreign_draw everything = {
    { &known[0], &known[1], &known[2] },
    3,
    true,
    true,
    { { .type = ATTN_F32, .forms = 1 << ATTN_FURTHER_HEADS | 1 << ATTN_FURTHER_MATRIX },
      { .type = ATTN_TYPE_FOREIGN + 3, .forms = 1 << ATTN_FURTHER_SCORES, .foreign = &integers } },
    2,
};

static void generate(uint64_t seed, const struct attn_domain_limits *limits, struct attn_case *c)
{
    struct attn_genome genome;
    attn_genome_random(&genome, seed);
    attn_genome_case(&genome, limits, c);
}

static void test_draws(void **state)
{
    const struct attn_domain_limits limits = { INT64_MAX, INT64_C(1) << 40, INT64_MAX, 0 };
    int types = 0, mixed = 0, precs = 0, keys = 0, further[2] = { 0 };
    (void)state;
    for (uint64_t seed = 0; seed < 20000; seed++) {
        struct attn_case c;
        struct attn_error error;
        generate(seed, &limits, &c);
        const struct attn_problem before = c.problem;
        struct attn_problem again = c.problem;
        attn_foreign_apply(&everything, seed, &c.problem);
        attn_foreign_apply(&everything, seed, &again);
        assert_int_equal(attn_problem_check(&c.problem, &error), ATTN_E_OK);
        assert_true(attn_problem_equal(&again, &c.problem));
        types += attn_problem_is_foreign(&c.problem);
        mixed += c.problem.t[ATTN_K].type != c.problem.t[ATTN_V].type && attn_problem_is_foreign(&c.problem);
        precs += c.problem.prec != ATTN_PREC_UNSAID;
        keys += c.problem.n_kv_max > 0;
        assert_true(c.problem.n_kv_max <= attn_n_kv(&c.problem));
        const struct attn_tensor *f = &c.problem.further;
        if (f->present) {
            further[f->type != ATTN_F32]++;
            assert_true(f->type == ATTN_F32 ? f->ne[0] == attn_n_head(&c.problem) || f->ne[0] == attn_d_k(&c.problem)
                                            : f->foreign == &integers && f->ne[0] == attn_n_kv(&c.problem) &&
                                                  f->ne[1] == attn_n_q(&c.problem));
        }
        /* Nothing to draw: as it was. */
        again = before;
        attn_foreign_apply(&(struct attn_foreign_draw){ .n_types = 0 }, seed, &again);
        assert_true(attn_problem_equal(&again, &before));
    }
    assert_in_range(types, 4000, 6000);
    assert_true(mixed > 1000);
    assert_in_range(precs, 2000, 3000);
    assert_in_range(keys, 200, 1500);
    assert_in_range(further[0], 200, 450);
    assert_in_range(further[1], 200, 450);
}

/* The reference of one problem, of its own data. */
static struct attn_reference *reference_of(const struct attn_case *c, struct attn_image *image)
{
    const void *base[ATTN_OPERAND_COUNT] = { NULL };
    assert_true(attn_image_create(&c->problem, INT64_C(1) << 26, image));
    attn_data_fill(c, image);
    for (int o = 0; o < ATTN_DST; o++)
        base[o] = attn_image_at(image, &c->problem, o);
    struct attn_reference *r = attn_reference_compute(&c->problem, base);
    assert_non_null(r);
    return r;
}

static void expect_same(const struct attn_case *a, const struct attn_case *b)
{
    struct attn_image image_a, image_b;
    struct attn_reference *ra = reference_of(a, &image_a), *rb = reference_of(b, &image_b);
    const struct attn_tensor *dst = &a->problem.t[ATTN_DST];
    for (int64_t s = 0; s < dst->ne[3]; s++)
        for (int64_t iq = 0; iq < dst->ne[2]; iq++)
            for (int64_t h = 0; h < dst->ne[1]; h++)
                for (int64_t d = 0; d < dst->ne[0]; d++) {
                    const double x = attn_reference_value(ra, d, h, iq, s), y = attn_reference_value(rb, d, h, iq, s);
                    assert_true(isfinite(x) && x == y);
                }
    attn_reference_free(ra);
    attn_reference_free(rb);
    attn_image_free(&image_a);
    attn_image_free(&image_b);
}

/* A type that is q8_0 in all but its name gives q8_0's reference, to the last bit. */
static void test_reference(void **state)
{
    const struct attn_domain_limits limits = { 200000, INT64_C(1) << 22, 1 << 14, 0 };
    int compared = 0;
    (void)state;
    writes = reads = 0;
    for (uint64_t seed = 0; compared < 60; seed++) {
        struct attn_case own, foreign;
        generate(seed, &limits, &own);
        if (own.problem.t[ATTN_K].type != ATTN_Q8_0 && own.problem.t[ATTN_V].type != ATTN_Q8_0)
            continue;
        foreign = own;
        foreign.run.dead = 0; /* dead cells hold other bits, which nobody may read */
        for (int o = ATTN_K; o <= ATTN_V; o++)
            if (own.problem.t[o].type == ATTN_Q8_0) {
                foreign.problem.t[o].type = known[0].number;
                foreign.problem.t[o].foreign = &known[0];
            }
        assert_int_equal(attn_problem_check(&foreign.problem, NULL), ATTN_E_OK);
        expect_same(&own, &foreign);
        foreign.run.dead = 1;
        expect_same(&own, &foreign);
        compared++;
    }
    assert_true(writes > 1000 && reads > 1000);
}

/* What nobody can write reads as ordinary numbers. */
static void test_drawn_bits(void **state)
{
    struct attn_case c;
    struct attn_image image;
    float x[64];
    (void)state;
    memset(&c, 0, sizeof c);
    attn_run_default(&c.run);
    attn_tensor_set(&c.problem.t[ATTN_Q], ATTN_F32, 64, 1, 1, 1);
    attn_tensor_set(&c.problem.t[ATTN_DST], ATTN_F32, 64, 1, 1, 1);
    for (int o = ATTN_K; o <= ATTN_V; o++) {
        attn_tensor_set(&c.problem.t[o], ATTN_F16, 64, 200, 1, 1);
        attn_tensor_retype(&c.problem.t[o], &(struct attn_tensor){ .type = known[2].number, .foreign = &known[2] });
    }
    c.problem.scale = 0.125f;
    c.problem.head_total = 1;
    attn_reference_free(reference_of(&c, &image));
    bool moves = false;
    for (int64_t key = 0; key < 200; key++) {
        const struct attn_tensor *k = &c.problem.t[ATTN_K];
        read_q8((const char *)attn_image_at(&image, &c.problem, ATTN_K) + key * k->nb[1], x, 64);
        for (int d = 0; d < 64; d++) {
            assert_true(fabsf(x[d]) <= 64);
            moves |= x[d] != 0;
        }
    }
    assert_true(moves);
    attn_image_free(&image);
}

static void test_promise(void **state)
{
    const struct attn_domain_limits limits = { 100000, INT64_C(1) << 22, 1 << 14, 0 };
    int rows = 0;
    (void)state;
    for (uint64_t seed = 0; rows < 2000; seed++) {
        struct attn_case c;
        struct attn_image image;
        generate(seed, &limits, &c);
        const struct attn_tensor *mask = &c.problem.t[ATTN_MASK];
        if (!mask->present || attn_n_kv(&c.problem) < 2)
            continue;
        c.problem.n_kv_max = (int32_t)(1 + seed % (uint64_t)attn_n_kv(&c.problem));
        assert_true(attn_image_create(&c.problem, INT64_C(1) << 26, &image));
        attn_data_fill(&c, &image);
        const char *first = attn_image_at(&image, &c.problem, ATTN_MASK);
        for (int64_t iq = 0; iq < attn_n_q(&c.problem); iq++, rows++) {
            int64_t finite = 0;
            for (int64_t key = 0; key < attn_n_kv(&c.problem); key++) {
                uint16_t bits;
                memcpy(&bits, first + iq * mask->nb[1] + 2 * key, sizeof bits);
                finite += bits != 0xfc00;
            }
            assert_true(finite <= c.problem.n_kv_max);
        }
        attn_image_free(&image);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_draws), cmocka_unit_test(test_reference),
                                        cmocka_unit_test(test_drawn_bits), cmocka_unit_test(test_promise) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
