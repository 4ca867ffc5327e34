/* planner_foreign.c: types that a library alone knows, and what only a node of ggml says: read where their names are
 * known and refused elsewhere, printed, laid out and judged by their description, planned by nobody.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "planner/attn_planner.h"

static const struct attn_foreign_type known[] = {
    { .info = { "tq4_x", "(enum ggml_type)42", 42, 128, 68, 1 }, .number = ATTN_TYPE_FOREIGN, .kv = true },
    { .info = { "i32", "(enum ggml_type)26", 26, 1, 4, 1 }, .number = ATTN_TYPE_FOREIGN + 1 },
};
static const struct attn_foreign_types types = { known, 2 };

#define LINE "fa1 q=f32[256,3,4,1] k=tq4_x[256,100,2,1] v=f16[256,100,2,1]"
#define EXTRAS " prec=default n_kv_max=7 src5=i32[64,3,1,1]"

static struct attn_problem parse(const char *text)
{
    struct attn_problem p;
    struct attn_text_error error;
    size_t used;
    if (!attn_problem_parse_types(text, strlen(text), &types, &p, &used, &error))
        fail_msg("%s: column %zu: %s", text, error.column, error.message);
    return p;
}

static void test_lines(void **state)
{
    static const char *const lines[] = {
        LINE,
        LINE EXTRAS,
        "fa1 q=f32[128,1,1,1] k=tq4_x[128,9,1,1]@a+68:136,1224,1224 v=tq4_x[128,9,1,1]@a:136,1224,1224",
        "fa1 q=f32[64,1,1,1] k=f16[64,1,1,1] v=f16[64,1,1,1] prec=f32",
        "fa1 q=f32[64,1,1,1] k=f16[64,1,1,1] v=f16[64,1,1,1] src5=f32[3,1,1,1]",
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[ATTN_LINE_MAX];
        struct attn_problem p = parse(lines[i]);
        struct attn_error error;
        attn_problem_print(&p, text, sizeof text);
        assert_string_equal(text, lines[i]);
        assert_int_equal(attn_problem_check(&p, &error), ATTN_E_OK);
        struct attn_problem again = parse(text);
        assert_true(attn_problem_equal(&p, &again));
        assert_int_equal(attn_problem_hash(&p), attn_problem_hash(&again));
    }
}

static void test_refused_elsewhere(void **state)
{
    struct attn_problem p;
    struct attn_text_error error;
    size_t used;
    (void)state;
    assert_false(attn_problem_parse(LINE, strlen(LINE), &p, &used, &error));
    assert_int_equal(error.column, sizeof "fa1 q=f32[256,3,4,1] k=");
    assert_non_null(strstr(error.message, "unknown type 'tq4_x'"));
    static const struct {
        const char *text, *what;
    } wrong[] = {
        { LINE " prec=f16", "unknown prec" },
        { LINE " n_kv_max=-1", "n_kv_max is from 0" },
        { LINE " n_kv_max=2147483648", "n_kv_max is from 0" },
        { LINE " src5=tq5_x[1,1,1,1]", "unknown type" },
        { LINE " src6=i32[1,1,1,1]", "unknown key" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(attn_problem_parse_types(wrong[i].text, strlen(wrong[i].text), &types, &p, &used, &error));
        assert_non_null(strstr(error.message, wrong[i].what));
    }
}

static void check_one(struct attn_problem p, int code, int operand)
{
    struct attn_error error;
    char text[256];
    assert_int_equal(attn_problem_check(&p, &error), code);
    assert_int_equal(error.operand, operand);
    attn_error_text(&error, text, sizeof text);
    assert_null(strchr(text, '?'));
}

static void test_legality(void **state)
{
    (void)state;
    check_one(parse("fa1 q=f32[64,3,4,1] k=tq4_x[64,100,2,1] v=f16[64,100,2,1]"), ATTN_E_BLOCK, ATTN_K);
    check_one(parse("fa1 q=f32[128,1,1,1] k=tq4_x[128,9,1,1]+66 v=f16[128,9,1,1]"), ATTN_E_OFFSET, ATTN_K);
    check_one(parse("fa1 q=tq4_x[128,1,1,1] k=f16[128,9,1,1] v=f16[128,9,1,1]"), ATTN_E_TYPE, ATTN_Q);
    check_one(parse(LINE " src5=i32[0,1,1,1]"), ATTN_E_EXTENT, ATTN_FURTHER);
    check_one(parse(LINE " src5=i32[4,1,1,1]+2"), ATTN_E_OFFSET, ATTN_FURTHER);
    struct attn_problem p = parse(LINE);
    p.t[ATTN_K].foreign = NULL; /* a number without a description is no type */
    check_one(p, ATTN_E_TYPE, ATTN_K);
    p = parse(LINE);
    p.n_kv_max = -1;
    check_one(p, ATTN_E_N_KV_MAX, ATTN_MASK);
    p = parse(LINE);
    p.prec = ATTN_PREC_COUNT;
    check_one(p, ATTN_E_PREC, ATTN_Q);
}

/* The rest of the problem says the same whether they are there or not, but for equality and hash. */
static void test_what_they_change(void **state)
{
    struct attn_problem plain = parse("fa1 q=f32[64,1,1,1] k=f16[64,1,1,1] v=f16[64,1,1,1]");
    static const char *const extras[] = { " prec=default", " prec=f32", " n_kv_max=1", " src5=i32[1,1,1,1]" };
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char text[256];
        strcpy(text, "fa1 q=f32[64,1,1,1] k=f16[64,1,1,1] v=f16[64,1,1,1]");
        strcat(text, extras[i]);
        struct attn_problem p = parse(text);
        assert_false(attn_problem_equal(&plain, &p));
        assert_int_not_equal(attn_problem_hash(&plain), attn_problem_hash(&p));
        assert_int_equal(attn_problem_is_foreign(&p), i == 3);
        assert_int_equal(attn_supports(attn_device(0), &p), i != 3);
    }
}

static void test_nobody_plans_it(void **state)
{
    struct attn_problem p = parse(LINE);
    struct attn_plan plan;
    struct attn_trace trace;
    (void)state;
    assert_true(attn_problem_is_foreign(&p));
    for (int i = 0; i < attn_device_count(); i++) {
        assert_int_equal(attn_plan(attn_device(i), &p, &plan, &trace), -1);
        assert_int_equal(trace.chosen, -1);
        for (int k = 0; k < ATTN_KERNEL_COUNT; k++)
            assert_int_equal(trace.verdict[k].able, 0);
    }
}

static void test_layout(void **state)
{
    struct attn_problem p = parse(LINE), f16 = parse("fa1 q=f32[256,3,4,1] k=f16[256,100,2,1]+512:1024,102400,204800 "
                                                     "v=f16[256,100,2,1]");
    struct attn_tensor t = f16.t[ATTN_K];
    (void)state;
    assert_int_equal(attn_tensor_row_bytes(&p.t[ATTN_K]), 136);
    assert_int_equal(attn_tensor_span(&p.t[ATTN_K]), 136 * 200);
    assert_string_equal(attn_tensor_info(&p.t[ATTN_K])->name, "tq4_x");
    assert_true(attn_tensor_recount(&t, &p.t[ATTN_K])); /* 512 elements a row: four blocks */
    assert_int_equal(t.nb[0], 68);
    assert_int_equal(t.nb[1], 4 * 68);
    assert_int_equal(t.nb[2], 400 * 68);
    assert_int_equal(t.offset, 2 * 68);
    t.nb[1] += 68;
    assert_true(attn_tensor_recount(&t, &f16.t[ATTN_K]));
    assert_int_equal(t.nb[1], 5 * 256);
    t.nb[1] += 2; /* 641 elements: no whole blocks */
    assert_false(attn_tensor_recount(&t, &p.t[ATTN_K]));
    attn_tensor_retype(&t, &p.t[ATTN_V]);
    assert_true(attn_tensor_has_default_strides(&t));
    assert_int_equal(t.type, ATTN_F16);
    assert_null(t.foreign);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),           cmocka_unit_test(test_refused_elsewhere),
        cmocka_unit_test(test_legality),        cmocka_unit_test(test_what_they_change),
        cmocka_unit_test(test_nobody_plans_it), cmocka_unit_test(test_layout)
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
