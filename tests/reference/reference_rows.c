/* The inner loops with the sanitizers on (the library's own build of them has none), against plain sums, on arrays
 * of exactly the size they may touch.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/reference/reference_support.h"

/* The names of this copy must not meet the library's. */
#define attn_rows_dot checked_dot
#define attn_rows_add checked_add
#define attn_rows_peak checked_peak
#define attn_rows_scale checked_scale
#include "reference/rows.c"

static double *doubles(uint64_t *rng, int64_t n)
{
    double *x = malloc((size_t)n * sizeof *x);
    for (int64_t i = 0; i < n; i++) {
        x[i] = (double)rng_float(rng, -1.0f, 1.0f);
    }
    return x;
}

static float *floats(const double *x, int64_t n)
{
    float *y = malloc((size_t)n * sizeof *y);
    for (int64_t i = 0; i < n; i++) {
        y[i] = (float)x[i];
    }
    return y;
}

static void dot_sums_products_and_magnitudes(void **state)
{
    (void)state;
    uint64_t rng = 1;
    for (int64_t n = ATTN_ROWS_LANES; n <= 40; n += ATTN_ROWS_LANES) {
        double *q = doubles(&rng, n), *k = doubles(&rng, n), dot, gauge, want = 0.0, magnitude = 0.0;
        float *q_float = floats(q, n), *k_float = floats(k, n);
        for (int64_t i = 0; i < n; i++) {
            want += q[i] * k[i];
            magnitude += fabs(q[i] * k[i]);
        }
        checked_dot(n, q, q_float, k, k_float, &dot, &gauge);
        assert_true(fabs(dot - want) < 1e-14 && fabs(gauge - magnitude) < 1e-5);
        free(q);
        free(k);
        free(q_float);
        free(k_float);
    }
}

static void add_weights_the_listed_keys(void **state)
{
    (void)state;
    uint64_t rng = 2;
    for (int64_t d_v = 1; d_v <= 35; d_v++) {
        enum { KEYS = 5, USED = 3 };
        const int32_t key[USED] = { 0, 3, 4 };
        const int64_t n = KEYS * d_v;
        double *v = doubles(&rng, n), *weight = doubles(&rng, USED), *value = doubles(&rng, d_v);
        double *square = doubles(&rng, d_v), *was_value = malloc((size_t)d_v * 8),
               *was_square = malloc((size_t)d_v * 8);
        float *v_float = floats(v, n), *magnitude = floats(value, d_v), *was_magnitude = floats(value, d_v);
        memcpy(was_value, value, (size_t)d_v * 8);
        memcpy(was_square, square, (size_t)d_v * 8);
        checked_add(USED, weight, key, v, v_float, d_v, d_v, value, square, magnitude);
        for (int64_t d = 0; d < d_v; d++) {
            double first = was_value[d], second = was_square[d], absolute = (double)was_magnitude[d];
            for (int i = 0; i < USED; i++) {
                const double x = v[key[i] * d_v + d];
                first += weight[i] * x;
                second += weight[i] * x * x;
                absolute += weight[i] * fabs(x);
            }
            assert_true(fabs(value[d] - first) < 1e-14 && fabs(square[d] - second) < 1e-14);
            assert_true(fabs((double)magnitude[d] - absolute) < 1e-5);
        }
        float *prefix = calloc((size_t)d_v, sizeof *prefix);
        checked_peak(d_v, value, prefix);
        for (int64_t d = 0; d < d_v; d++) {
            assert_true(prefix[d] == (float)fabs(value[d]));
        }
        checked_scale(0.5, d_v, value, square, magnitude, prefix);
        checked_peak(d_v, value, prefix); /* the same again: what is largest so far stays */
        for (int64_t d = 0; d < d_v; d++) {
            assert_true(prefix[d] == (float)fabs(value[d]));
            value[d] = 0.0;
        }
        checked_peak(d_v, value, prefix);
        checked_scale(2.0, d_v, value, square, magnitude, prefix);
        for (int64_t d = 0; d < d_v; d++) {
            assert_true(prefix[d] > 0.0f && value[d] == 0.0);
        }
        free(prefix);
        checked_add(0, weight, key, v, v_float, d_v, d_v, value, square, magnitude);
        free(v);
        free(weight);
        free(value);
        free(square);
        free(was_value);
        free(was_square);
        free(v_float);
        free(magnitude);
        free(was_magnitude);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dot_sums_products_and_magnitudes),
        cmocka_unit_test(add_weights_the_listed_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
