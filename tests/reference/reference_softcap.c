/* What a rounded Q does behind a softcap: as much as its slope lets through there, and no less is allowed.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/reference/reference_support.h"

enum { D = 64, KEYS = 24 };
static const float CAP = 2.0f;

/* Q rounded in two parts of 8 bits, in one, and to f16, where its elements are subnormal numbers. */
static const struct way {
    uint8_t type, parts;
    float q_max, off; /* the largest element; what each may be off by, of that */
} ways[] = { { ATTN_Q8_0, 2, 3.0f, 0.5f / 32639.0f },
             { ATTN_Q8_0, 1, 3.0f, 0.5f / 127.0f },
             { ATTN_F16, 1, 0x1p-16f, 0x1p-9f },
             { ATTN_F16, 1, 0x1p-14f, 0x1p-11f } };

static struct attn_arithmetic arithmetic_of(int q_type, int parts)
{
    return (struct attn_arithmetic){ .q_type = (uint8_t)q_type,
                                     .q_parts = (uint8_t)parts,
                                     .k_type = ATTN_F32,
                                     .v_type = ATTN_F32,
                                     .p_type = ATTN_F32,
                                     .kv_tile = KEYS };
}

static void set(struct data *d, int operand, int64_t row, int64_t i, float x)
{
    memcpy(row_of(d, operand, row, 0, 0) + 4 * i, &x, 4);
}

static float get(const struct data *d, int operand, int64_t row, int64_t i)
{
    float x;
    memcpy(&x, row_of(d, operand, row, 0, 0) + 4 * i, 4);
    return x;
}

/* Scores of about `size` times the cap. One key in three has the other sign; one in four elements of Q too, so that
 * sums cancel in part. small: what all elements of Q but the largest are in proportion to it, which meets small ones of
 * K: then what rounding Q may do is large beside the score. */
static struct data make(uint64_t *rng, float q_max, float size, float small)
{
    const struct shape shape = { .d_k = D,
                                 .n_q = 1,
                                 .n_kv = KEYS,
                                 .type_k = ATTN_F32,
                                 .type_v = ATTN_F32,
                                 .scale = size * CAP / (small * q_max * D * 0.15f),
                                 .softcap = CAP };
    const struct attn_problem p = problem_of(&shape);
    struct data d = data_of(&p);
    for (int64_t i = 0; i < D; i++) {
        set(&d, ATTN_Q, 0, i, (i % 4 == 0 ? -q_max : q_max) * (i == 1 ? 1.0f : small * rng_float(rng, 0.2f, 1.0f)));
    }
    for (int64_t key = 0; key < KEYS; key++) {
        for (int64_t i = 0; i < D; i++) {
            set(&d, ATTN_K, key, i,
                (key % 3 == 0 ? -1.0f : 1.0f) * (i == 1 ? small : 1.0f) * rng_float(rng, 0.1f, 1.0f));
            set(&d, ATTN_V, key, i, rng_float(rng, -1.0f, 1.0f));
        }
    }
    return d;
}

/* Moves Q as far as it may be off, in the direction that makes the score of one key larger, or smaller. */
static void move_q(struct data *d, const float *q, float off, int64_t key, float sign)
{
    for (int64_t i = 0; i < D; i++) {
        set(d, ATTN_Q, 0, i, q[i] + sign * (get(d, ATTN_K, key, i) > 0.0f ? off : -off));
    }
}

/* The largest effect of that on a component, in units of its limit and of the limit for a Q that is not rounded. */
static void effect(struct data *d, const struct way *way, double *of_limit, double *of_exact)
{
    const struct attn_arithmetic rounded = arithmetic_of(way->type, way->parts), exact = arithmetic_of(ATTN_F32, 0);
    struct attn_reference *r = reference_of(d);
    float q[D];
    memcpy(q, d->base[ATTN_Q], sizeof q);
    *of_limit = *of_exact = 0.0;
    for (int64_t key = 0; key < KEYS; key++) {
        move_q(d, q, way->off * way->q_max, key, key % 2 ? 1.0f : -1.0f);
        struct attn_reference *moved = reference_of(d);
        for (int64_t i = 0; i < D; i++) {
            const double off = fabs(attn_reference_value(moved, i, 0, 0, 0) - attn_reference_value(r, i, 0, 0, 0));
            *of_limit = fmax(*of_limit, off / attn_reference_limit(r, &rounded, i, 0, 0, 0));
            *of_exact = fmax(*of_exact, off / attn_reference_limit(r, &exact, i, 0, 0, 0));
        }
        attn_reference_free(moved);
    }
    attn_reference_free(r);
    memcpy(d->base[ATTN_Q], q, sizeof q);
}

static void what_rounding_q_does_is_within_the_limit(void **state)
{
    static const float sizes[] = { 0.05f, 0.3f, 1.0f, 2.0f, 4.0f, 8.0f, 40.0f, 1000.0f, 30000.0f };
    (void)state;
    uint64_t rng = 1;
    for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
        double seen = 0.0;
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            for (int n = 0; n < 4; n++) {
                struct data d = make(&rng, ways[w].q_max, sizes[i], n % 2 ? 1.0f : 0.004f);
                double of_limit, of_exact;
                effect(&d, &ways[w], &of_limit, &of_exact);
                assert_true(of_limit <= 1.0);
                seen = fmax(seen, of_exact);
                data_free(&d);
            }
        }
        assert_true(seen > 1.0); /* more than other roundings may do */
    }
}

/* Where all scores are at the cap, rounding Q changes nothing, and is allowed nothing. */
static void a_softcap_that_saturates_leaves_nothing_of_it(void **state)
{
    (void)state;
    uint64_t rng = 2;
    const struct attn_arithmetic rounded = arithmetic_of(ATTN_Q8_0, 2), exact = arithmetic_of(ATTN_F32, 0);
    for (int n = 0; n < 2; n++) {
        struct data d = make(&rng, 3.0f, n ? 1.0f : 60.0f, 1.0f);
        struct attn_reference *r = reference_of(&d);
        for (int64_t i = 0; i < D; i++) {
            const double with = attn_reference_limit(r, &rounded, i, 0, 0, 0);
            const double without = attn_reference_limit(r, &exact, i, 0, 0, 0);
            assert_true(n ? with > 2.0 * without : with < 1.02 * without);
        }
        attn_reference_free(r);
        data_free(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_rounding_q_does_is_within_the_limit),
                                        cmocka_unit_test(a_softcap_that_saturates_leaves_nothing_of_it) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
