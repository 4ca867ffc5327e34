/* planner_api_device.c: the device table says what the documents say, and weakenings of its rows are valid and weaker.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/planner/planner_api.h"

/* Facts that plans rest on, each from the document that tables.h cites for it. */
static const struct fact {
    const char *name;
    int wave_size, n_cu, lds_kib, lds_static_kib, matrix;
    bool dot_f16, matrix_flush, async_copy;
} facts[] = {
    { "gfx906", 64, 60, 64, 64, ATTN_MATRIX_NONE, true, false, false },
    { "gfx908", 64, 120, 64, 64, ATTN_MATRIX_MFMA, true, false, false },
    { "gfx90a", 64, 104, 64, 64, ATTN_MATRIX_MFMA, true, true, false },
    { "gfx942", 64, 304, 64, 64, ATTN_MATRIX_MFMA, true, false, false },
    { "gfx950", 64, 256, 160, 160, ATTN_MATRIX_MFMA, true, false, false },
    { "gfx1030", 32, 80, 64, 64, ATTN_MATRIX_NONE, true, false, false },
    { "gfx1100", 32, 96, 64, 64, ATTN_MATRIX_WMMA_GFX11, true, false, false },
    { "gfx1151", 32, 40, 64, 64, ATTN_MATRIX_WMMA_GFX11, true, false, false },
    { "gfx1200", 32, 32, 64, 64, ATTN_MATRIX_WMMA_GFX12, true, false, false },
    { "gfx1201", 32, 64, 64, 64, ATTN_MATRIX_WMMA_GFX12, true, false, false },
    { "sm_80", 32, 108, 163, 48, ATTN_MATRIX_MMA_SM80, false, false, true },
    { "sm_90", 32, 132, 227, 48, ATTN_MATRIX_WGMMA_SM90, false, false, true },
};

static void the_table_s_facts_are_the_documents(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        const struct fact *f = &facts[i];
        const struct attn_device *d = attn_device_find(f->name);
        assert_non_null(d);
        assert_int_equal(d->wave_size, f->wave_size);
        assert_int_equal(d->n_cu, f->n_cu);
        assert_int_equal(d->lds_bytes, f->lds_kib * 1024);
        assert_int_equal(d->lds_static_bytes, f->lds_static_kib * 1024);
        assert_int_equal(d->max_threads, 1024);
        assert_int_equal(d->max_grid[0], INT32_MAX);
        assert_int_equal(d->max_grid[1], 65535);
        assert_int_equal(d->max_grid[2], 65535);
        assert_int_equal(d->matrix, f->matrix);
        assert_int_equal(d->dot_f16, f->dot_f16);
        assert_int_equal(d->matrix_flush, f->matrix_flush);
        assert_int_equal(d->async_copy, f->async_copy);
    }
}

/* Of rows that no fact is stated for here as well. */
static void rows_of_the_table_are_valid_and_found_by_name(void **state)
{
    (void)state;
    assert_in_range(attn_device_count(), sizeof facts / sizeof facts[0], 1000);
    for (int i = 0; i < attn_device_count(); i++) {
        const struct attn_device *d = attn_device(i);
        assert_ptr_equal(attn_device_find(d->name), d);
        assert_null(attn_device_check(d));
        assert_true(attn_device_covers(d, d));
    }
    assert_null(attn_device(-1));
    assert_null(attn_device(attn_device_count()));
    assert_null(attn_device_find("gfx94"));
    assert_null(attn_device_find(""));
}

static void weakenings_are_valid_and_weaker(void **state)
{
    (void)state;
    for (int i = 0; i < attn_device_count(); i++) {
        int n = 0;
        for (int w = 0; w < attn_weakening_count(); w++) {
            struct attn_device weak;
            const char *what = NULL;
            if (!attn_device_weaken(attn_device(i), w, &weak, &what))
                continue;
            n++;
            assert_non_null(what);
            assert_null(attn_device_check(&weak));
            assert_true(attn_device_covers(attn_device(i), &weak));
            assert_false(attn_device_covers(&weak, attn_device(i)));
        }
        assert_in_range(n, 6, attn_weakening_count());
        struct attn_device weak;
        assert_false(attn_device_weaken(attn_device(i), -1, &weak, NULL));
        assert_false(attn_device_weaken(attn_device(i), attn_weakening_count(), &weak, NULL));
    }
}

static void a_device_is_found_by_its_name(void **state)
{
    int row, weakening;
    char name[64];
    (void)state;
    for (int i = 0; i < attn_device_count(); i++)
        for (int w = -1; w < attn_weakening_count(); w++) {
            struct attn_device weak;
            const char *what = "";
            bool there = w < 0 || attn_device_weaken(attn_device(i), w, &weak, &what);
            int n = snprintf(name, sizeof name, "%s%s%s,", attn_device(i)->name, w < 0 ? "" : "~", what);
            assert_true(attn_device_named(name, (size_t)n - 1, &row, &weakening) == there);
            assert_int_equal(row, i);
            assert_int_equal(weakening, there ? w : -1);
            assert_false(attn_device_named(name, (size_t)n, &row, &weakening));
        }
    assert_false(attn_device_named("gfx94", 5, &row, &weakening));
    assert_int_equal(row, -1);
    assert_false(attn_device_named("gfx942~", 7, &row, &weakening));
    assert_true(row >= 0 && weakening == -1);
    assert_false(attn_device_named("", 0, &row, &weakening));
    assert_false(attn_device_named("~lds/2", 6, &row, &weakening));
}

static void the_least_device_is_valid_and_nothing_below_it(void **state)
{
    (void)state;
    const struct attn_device least = least_device(32);
    struct attn_device d = least;
    assert_null(attn_device_check(&d));
#define BELOW(field, value) \
    d = least;              \
    d.field = value;        \
    assert_non_null(attn_device_check(&d));
    BELOW(wave_size, 16)
    BELOW(wave_size, 33)
    BELOW(wave_size, 0)
    BELOW(n_cu, 0)
    BELOW(n_cu, INT32_MIN)
    BELOW(lds_bytes, 20479)
    BELOW(lds_static_bytes, 20479)
    BELOW(lds_static_bytes, 20481)
    BELOW(max_threads, 255)
    BELOW(max_grid[0], 1023)
    BELOW(max_grid[1], 0)
    BELOW(max_grid[2], 0)
    BELOW(matrix, ATTN_MATRIX_COUNT)
    BELOW(matrix, -1)
    BELOW(dot_f16, 2)
    BELOW(async_copy, 2)
    BELOW(name[0], '\0')
    BELOW(name[2], '"')
#undef BELOW
    memset(d.name, 'x', sizeof d.name);
    assert_non_null(attn_device_check(&d));
    uint64_t seed = 1;
    for (int i = 0; i < 100000; i++) {
        for (size_t j = 0; j < sizeof d; j++)
            ((unsigned char *)&d)[j] = (unsigned char)attn_random(&seed);
        attn_device_check(&d);
        random_device(&seed, &d);
        assert_null(attn_device_check(&d));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_s_facts_are_the_documents),
        cmocka_unit_test(rows_of_the_table_are_valid_and_found_by_name),
        cmocka_unit_test(weakenings_are_valid_and_weaker),
        cmocka_unit_test(a_device_is_found_by_its_name),
        cmocka_unit_test(the_least_device_is_valid_and_nothing_below_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
