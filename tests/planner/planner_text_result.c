/* planner_text_result.c: errors, rules, keys, traces and plans as text and JSON: made of the data alone, the values in
 * them, valid for any bits, within any capacity.
 *
 * SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L /* popen */
#include "tests/planner/planner_api.h"

static void random_bits(uint64_t *seed, void *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((unsigned char *)out)[i] = (unsigned char)attn_random(seed);
}

/* ---- Errors ---------------------------------------------------------------------------------------------- */

static void error_texts_hold_tensor_dimension_and_values(void **state)
{
    (void)state;
    static const struct {
        struct attn_error error;
        const char *text;
    } cases[] = {
        { { ATTN_E_OK, 0, 0, 0, 0 }, "legal" },
        { { ATTN_E_ABSENT, ATTN_V, 0, 0, 0 }, "v is missing" },
        { { ATTN_E_EXTENT, ATTN_MASK, 2, -7, 0 }, "mask.ne[2] is -7, must be at least 1" },
        { { ATTN_E_TYPE, ATTN_MASK, 0, ATTN_Q4_0, 0 }, "mask has type q4_0, not allowed there" },
        { { ATTN_E_TYPE, ATTN_K, 0, 200, 0 }, "k has type 200, not allowed there" },
        { { ATTN_E_GQA, ATTN_Q, 2, 7, 2 }, "n_head 7 is no multiple of n_head_kv 2" },
        { { ATTN_E_OVERFLOW, ATTN_DST, 3, INT64_MAX, INT64_MIN },
          "dst does not fit in 63 bits of bytes (dimension 3: 9223372036854775807 x -9223372036854775808)" },
        { { ATTN_E_HEADS, 0, 0, 4, 6 }, "heads=4/6: first must be at least 0 and first + n_head at most total" },
        { { ATTN_E_ABSENT, 99, 0, 0, 0 }, "? is missing" },
        { { -1, 0, 0, 0, 0 }, "unknown error -1" },
        { { ATTN_ERROR_COUNT, 0, 0, 0, 0 }, "unknown error 31" },
    };
    char text[256], last[64];
    for (size_t i = 0; i + 1 < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(attn_error_text(&cases[i].error, text, sizeof text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
    snprintf(last, sizeof last, "unknown error %d", ATTN_ERROR_COUNT);
    attn_error_text(&cases[sizeof cases / sizeof cases[0] - 1].error, text, sizeof text);
    assert_string_equal(text, last);
}

static void every_error_has_a_name_and_a_text_without_braces(void **state)
{
    (void)state;
    for (int code = 0; code < ATTN_ERROR_COUNT; code++) {
        const struct attn_error error = { code, ATTN_K, 1, 123456789, 987654321 };
        char text[256];
        assert_in_range(attn_error_text(&error, text, sizeof text), 1, sizeof text - 1);
        assert_null(strchr(text, '{'));
        assert_null(strchr(text, '}'));
        for (int other = 0; other < code; other++)
            assert_string_not_equal(attn_error_name(code), attn_error_name(other));
    }
    assert_string_equal(attn_error_name(ATTN_E_MASK_KV), "mask_kv");
    assert_string_equal(attn_error_name(-1), "unknown");
    assert_string_equal(attn_error_name(ATTN_ERROR_COUNT), "unknown");
}

/* ---- Rules ----------------------------------------------------------------------------------------------- */

static int rule_index(int kernel, const char *name)
{
    const struct attn_kernel *k = attn_kernel(kernel);
    for (int i = 0; i < k->n_rules; i++)
        if (strcmp(k->rules[i].name, name) == 0)
            return i;
    fail_msg("%s has no rule %s", k->name, name);
    return -1;
}

static void check_rule(int kernel, const char *rule, bool holds, int64_t lhs, int64_t rhs, const char *want)
{
    char text[512];
    attn_rule_text(kernel, rule_index(kernel, rule), holds, lhs, rhs, text, sizeof text);
    assert_string_equal(text, want);
}

static void rule_texts_name_rule_values_units_and_members(void **state)
{
    (void)state;
    const int vec = attn_kernel_find("vec");
    int64_t set = 0;
    static const int sizes[] = { 64, 128, 256, 512 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        set |= INT64_C(1) << attn_head_size_find(sizes[i], sizes[i]);
    check_rule(vec, "head_size", false, attn_head_size_operand(80, 80), set,
               "vec.head_size: 80/80 is none of 64, 128, 256, 512");
    check_rule(vec, "head_size", false, attn_head_size_operand(192, 128), set,
               "vec.head_size: 192/128 is none of 64, 128, 256, 512");
    check_rule(vec, "head_size", false, attn_head_size_operand(7, 9), set,
               "vec.head_size: 7/9 is none of 64, 128, 256, 512");
    check_rule(vec, "head_size", true, attn_head_size_operand(256, 256), set,
               "vec.head_size: 256/256 is one of 64, 128, 256, 512");
    check_rule(vec, "head_size", false, attn_head_size_operand(64, 64), INT64_C(1) << attn_head_size_find(576, 512),
               "vec.head_size: 64/64 is none of 576/512");
    check_rule(vec, "head_size", false, attn_head_size_operand(64, 64), 0, "vec.head_size: 64/64 is none of nothing");
    check_rule(vec, "threads", false, 256, 128, "vec.threads: 256 threads is more than 128 threads");
    check_rule(vec, "lds", true, 1024, 65536, "vec.lds: 1024 bytes <= 65536 bytes");
    check_rule(vec, "lds", false, INT64_MAX, INT64_MIN,
               "vec.lds: 9223372036854775807 bytes is more than -9223372036854775808 bytes");
}

static void any_rule_number_and_operands_give_a_text(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 50000; i++) {
        char text[2048];
        int64_t lhs = (int64_t)(attn_random(&seed) >> attn_random_below(&seed, 64)), rhs = (int64_t)attn_random(&seed);
        int kernel = (int)attn_random_below(&seed, 8) - 2, rule = (int)attn_random_below(&seed, 12) - 2;
        if (i % 100 == 0)
            kernel = rule = INT32_MIN;
        bool holds = i & 1;
        assert_in_range(attn_rule_text(kernel, rule, holds, i & 2 ? lhs : -lhs, rhs, text, sizeof text), 5,
                        sizeof text - 1);
        const struct attn_kernel *k = attn_kernel(kernel);
        if (k)
            assert_memory_equal(text, k->name, strlen(k->name));
        if (k && rule >= 0 && rule < k->n_rules)
            assert_memory_equal(text + strlen(k->name) + 1, k->rules[rule].name, strlen(k->rules[rule].name));
    }
}

/* ---- Keys ------------------------------------------------------------------------------------------------ */

static void check_key_alphabet(const char *text)
{
    for (const char *c = text; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || strchr("._-/", *c)))
            fail_msg("'%c' in the key's text %s", *c, text);
}

static void keys_are_readable_tokens(void **state)
{
    (void)state;
    static const struct {
        const char *line, *text;
    } cases[] = {
        { "fa1 q=f32[96,3,8,1] k=q8_0[96,300,2,1] v=f16[80,300,2,1]", "q3.kv320.d96/80.h8/2.s1.kq8_0-1.vf16-4" },
        { "fa1 q=f32[64,1,8,2] k=f32[64,300,2,2]:0,256,0 v=f16[64,300,2,2]+2:0,0,0 mask=f16[320,1,1,2] sinks "
          "softcap=1 max_bias=1",
          "q1.kv320.d64/64.h8/2.s2.m1/2.kf32-4-b13.vf16-1-b123.softcap.alibi.sinks" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct attn_problem p = parse(cases[i].line);
        struct attn_error error;
        struct attn_key key;
        char text[160];
        assert_int_equal(attn_problem_check(&p, &error), ATTN_E_OK);
        attn_key_of(&p, &key);
        assert_int_equal(attn_key_text(&key, text, sizeof text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
}

static void a_key_of_no_legal_problem_shows_its_numbers(void **state)
{
    (void)state;
    struct attn_key key;
    char text[512];
    memset(&key, 0, sizeof key);
    key.n_kv = key.k_copy[0] = 64;
    key.k_copy[1] = -5;
    key.k_copy[2] = 7;
    key.type_v = 200;
    attn_key_text(&key, text, sizeof text);
    assert_string_equal(text, "q0.kv64.d0/0.h0/0.s0.kf32-0-64/-5/7.v200-0-0/0/0");
}

static void keys_of_the_largest_legal_problems_fit_the_stated_maximum(void **state)
{
    (void)state;
    uint64_t seed = 2;
    int legal = 0;
    size_t longest = 0;
    for (int i = 0; i < 100000; i++) {
        struct attn_problem p;
        struct attn_key key;
        char text[160];
        if (!huge_problem(&seed, &p))
            continue;
        legal++;
        attn_key_of(&p, &key);
        size_t len = attn_key_text(&key, text, sizeof text);
        assert_in_range(len, 1, 159);
        check_key_alphabet(text);
        longest = len > longest ? len : longest;
    }
    assert_in_range(legal, 10000, 100000);
    assert_in_range(longest, 120, 159); /* the sample did reach for the limit */
}

/* A plan is kept under the key: two keys must not share a text. */
static void keys_that_differ_in_one_field_differ_in_text(void **state)
{
    (void)state;
    static const struct {
        size_t offset, size;
    } fields[] = {
#define F(name) { offsetof(struct attn_key, name), sizeof((struct attn_key *)0)->name }
        F(n_q),       F(n_kv),      F(d_k),       F(d_v),       F(n_head),    F(n_head_kv), F(n_seq),     F(mask_heads),
        F(mask_seqs), F(k_copy[0]), F(k_copy[1]), F(k_copy[2]), F(v_copy[0]), F(v_copy[1]), F(v_copy[2]), F(type_k),
        F(type_v),    F(align_k),   F(align_v),   F(softcap),   F(alibi),     F(sinks),
#undef F
    };
    uint64_t seed = 3;
    for (int i = 0; i < 2000; i++) {
        struct attn_problem p;
        struct attn_key key, other;
        char text[512], changed[512];
        if (!huge_problem(&seed, &p))
            continue;
        if (i % 2) {
            p.t[ATTN_MASK].present = 0;
            p.max_bias = 0;
        }
        if (i % 3 == 0)
            p.softcap = 0;
        attn_key_of(&p, &key);
        attn_key_text(&key, text, sizeof text);
        for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++) {
            other = key;
            unsigned char *at = (unsigned char *)&other + fields[f].offset;
            bool flag = fields[f].offset >= offsetof(struct attn_key, softcap);
            at[0] = (unsigned char)(flag ? !at[0] : at[0] ^ (1 + attn_random_below(&seed, 7)));
            attn_key_text(&other, changed, sizeof changed);
            if (strcmp(text, changed) == 0)
                fail_msg("field %zu does not enter the text %s", f, text);
        }
    }
}

/* ---- Plans and traces ------------------------------------------------------------------------------------ */

static void a_plan_text_says_what_a_launch_needs(void **state)
{
    (void)state;
    struct attn_problem p =
        parse("fa1 q=f32[96,600,4,1] k=q4_0[96,1000,4,1] v=f16[96,1000,4,1] mask=f16[1000,600,1,1]");
    const struct attn_device *device = attn_device_find("gfx942");
    struct attn_plan plan;
    struct attn_trace trace;
    char text[4096], part[256];
    assert_true(attn_plan(device, &p, &plan, &trace) >= 0);
    assert_in_range(attn_plan_text(&plan, text, sizeof text), 1, sizeof text - 1);
    const struct attn_launch *main_launch = &plan.launch[ATTN_STEP_MAIN];
    snprintf(part, sizeof part, "gfx942: %s, head size 96/96, columns %d ", attn_kernel(plan.kernel)->name,
             plan.columns);
    assert_memory_equal(text, part, strlen(part));
    snprintf(part, sizeof part, "launch main: grid %u,%u,%u, block %u,%u,%u, LDS %u+%u bytes\n", main_launch->grid[0],
             main_launch->grid[1], main_launch->grid[2], main_launch->block[0], main_launch->block[1],
             main_launch->block[2], main_launch->lds_static_bytes, main_launch->lds_dynamic_bytes);
    assert_non_null(strstr(text, part));
    snprintf(part, sizeof part, "workspace: %lld bytes", (long long)plan.workspace_bytes);
    assert_non_null(strstr(text, part));
    assert_int_equal(text[strlen(text) - 1], '\n');

    assert_in_range(attn_trace_text(device, &trace, text, sizeof text), 1, sizeof text - 1);
    for (int i = 0; i < ATTN_KERNEL_COUNT; i++) {
        const struct attn_verdict *v = &trace.verdict[i];
        if (v->able) {
            snprintf(part, sizeof part, "  %s: %s, cost %llu.%03llu us\n", attn_kernel(i)->name,
                     i == trace.chosen ? "chosen" : "able", (unsigned long long)v->cost / 16000,
                     (unsigned long long)v->cost / 16 % 1000);
        } else {
            size_t len = (size_t)snprintf(part, sizeof part, "  ");
            const struct attn_rule *rule = &attn_kernel(i)->rules[v->rule];
            len += attn_rule_text(i, v->rule, false, v->lhs, v->rhs, part + len, sizeof part - len);
            snprintf(part + len, sizeof part - len, " (%sneeds: %s)\n", rule->structural ? "structural; " : "",
                     rule->meaning);
        }
        if (strstr(text, part) == NULL)
            fail_msg("no '%s' in\n%s", part, text);
    }
}

static void a_trace_without_an_able_kernel_says_so(void **state)
{
    (void)state;
    struct attn_trace trace;
    char text[1024];
    memset(&trace, 0, sizeof trace);
    trace.chosen = -1;
    attn_trace_text(attn_device(0), &trace, text, sizeof text);
    assert_non_null(strstr(text, "no kernel is able"));
    attn_trace_json(attn_device(0), &trace, text, sizeof text);
    assert_non_null(strstr(text, "\"chosen\":null"));
}

/* What capacities are tried with: one of each function, on hostile data. */
static struct attn_plan hostile_plan;
static struct attn_trace hostile_trace;
static size_t print_plan_text(const void *p, char *t, size_t cap) { return attn_plan_text(p, t, cap); }
static size_t print_plan_json(const void *p, char *t, size_t cap) { return attn_plan_json(p, t, cap); }
static size_t print_trace_text(const void *p, char *t, size_t cap)
{
    return attn_trace_text(p, &hostile_trace, t, cap);
}
static size_t print_trace_json(const void *p, char *t, size_t cap)
{
    return attn_trace_json(p, &hostile_trace, t, cap);
}
static size_t print_key(const void *p, char *t, size_t cap) { return attn_key_text(p, t, cap); }
static size_t print_error_text(const void *p, char *t, size_t cap) { return attn_error_text(p, t, cap); }
static size_t print_rule(const void *p, char *t, size_t cap)
{
    return attn_rule_text(0, 0, p == NULL, -1, INT64_MAX, t, cap);
}

static void every_capacity_is_respected(void **state)
{
    (void)state;
    uint64_t seed = 4;
    for (int i = 0; i < 5; i++) {
        struct attn_error error = { i % ATTN_ERROR_COUNT, ATTN_SINKS, 3, INT64_MIN, INT64_MIN };
        random_bits(&seed, &hostile_plan, sizeof hostile_plan);
        random_bits(&seed, &hostile_trace, sizeof hostile_trace);
        memset(hostile_plan.device.name, 'x' + i, sizeof hostile_plan.device.name); /* not terminated */
        check_capacities(print_plan_text, &hostile_plan);
        check_capacities(print_plan_json, &hostile_plan);
        check_capacities(print_trace_text, &hostile_plan.device);
        check_capacities(print_trace_json, &hostile_plan.device);
        check_capacities(print_key, &hostile_plan.key);
        check_capacities(print_error_text, &error);
        check_capacities(print_rule, &error);
    }
}

/* ---- JSON, read by another's reader ---------------------------------------------------------------------- */

/* Python's json reads each line of standard input strictly: no NaN, no key twice, the promised keys. */
static const char reader[] =
    "python3 -c '\n"
    "import json, sys\n"
    "def unique(pairs):\n"
    "    assert len(dict(pairs)) == len(pairs), pairs\n"
    "    return dict(pairs)\n"
    "def refuse(name):\n"
    "    raise ValueError(name)\n"
    "plans = traces = 0\n"
    "for line in sys.stdin.buffer:\n"
    "    o = json.loads(line.decode(\"ascii\"), object_pairs_hook=unique, parse_constant=refuse)\n"
    "    assert isinstance(o[\"device\"], str)\n"
    "    if \"kernels\" in o:\n"
    "        traces += 1\n"
    "        for k in o[\"kernels\"]:\n"
    "            assert k[\"able\"] is True and k[\"cost_ns\"] >= 0 or k[\"able\"] is False and k[\"text\"]\n"
    "    else:\n"
    "        plans += 1\n"
    "        assert len(o[\"grid\"]) == 3 and len(o[\"block\"]) == 3\n"
    "        for key in \"lds_static_bytes lds_dynamic_bytes workspace_bytes splits columns\".split():\n"
    "            assert isinstance(o[key], int), key\n"
    "        assert isinstance(o[\"key\"], str) and \"kernel\" in o and o[\"cost_ns\"] >= 0\n"
    "        assert o[\"launches\"] is not None and o[\"arithmetic\"][\"kv_tile\"] is not None\n"
    "assert plans == int(sys.argv[1]) and traces == plans, (plans, traces)\n"
    "' ";

static void json_is_valid_for_any_bits(void **state)
{
    (void)state;
    enum { N = 3000 };
    char command[sizeof reader + 16], text[8192];
    snprintf(command, sizeof command, "%s%d", reader, N);
    if (system("python3 -c ''") != 0) {
        print_message("python3 is not there to read the JSON\n");
        skip();
    }
    FILE *python = popen(command, "w");
    assert_non_null(python);
    uint64_t seed = 5;
    for (int i = 0; i < N; i++) {
        struct attn_plan plan;
        struct attn_trace trace;
        struct attn_problem p = parse("fa1 q=f32[128,3,8,1] k=q8_0[128,300,2,1] v=f16[128,300,2,1] sinks");
        struct attn_device device = *attn_device(i % attn_device_count());
        assert_true(attn_plan(&device, &p, &plan, &trace) >= 0);
        random_bits(&seed, plan.device.name, sizeof plan.device.name);
        if (i % 3 == 0) {
            random_bits(&seed, &plan, sizeof plan);
            random_bits(&seed, &trace, sizeof trace);
        } else if (i % 3 == 1) { /* flip a few bits */
            for (int j = 0; j < 20; j++) {
                ((unsigned char *)&plan)[attn_random_below(&seed, sizeof plan)] ^=
                    (unsigned char)(1u << attn_random_below(&seed, 8));
                ((unsigned char *)&trace)[attn_random_below(&seed, sizeof trace)] ^=
                    (unsigned char)(1u << attn_random_below(&seed, 8));
            }
        }
        assert_in_range(attn_plan_json(&plan, text, sizeof text), 1, sizeof text - 1);
        assert_null(strchr(text, '\n'));
        fprintf(python, "%s\n", text);
        assert_in_range(attn_trace_json(&plan.device, &trace, text, sizeof text), 1, sizeof text - 1);
        assert_null(strchr(text, '\n'));
        fprintf(python, "%s\n", text);
    }
    assert_int_equal(pclose(python), 0);
}

static void json_values_are_the_plan_s(void **state)
{
    (void)state;
    struct attn_problem p =
        parse("fa1 q=f32[576,3,128,1] k=q8_0[576,113,1,1]@a v=q8_0[512,113,1,1]@a:612,612,69156 sinks");
    const struct attn_device *device = attn_device_find("gfx1100");
    struct attn_plan plan;
    char text[4096], part[512], key[160];
    assert_true(attn_plan(device, &p, &plan, NULL) >= 0);
    attn_plan_json(&plan, text, sizeof text);
    const struct attn_launch *l = &plan.launch[ATTN_STEP_MAIN];
    attn_key_text(&plan.key, key, sizeof key);
    snprintf(part, sizeof part, "{\"kernel\":\"%s\",\"device\":\"gfx1100\",", attn_kernel(plan.kernel)->name);
    assert_memory_equal(text, part, strlen(part));
    snprintf(part, sizeof part,
             ",\"grid\":[%u,%u,%u],\"block\":[%u,%u,%u],\"lds_static_bytes\":%u,\"lds_dynamic_bytes\":%u,", l->grid[0],
             l->grid[1], l->grid[2], l->block[0], l->block[1], l->block[2], l->lds_static_bytes, l->lds_dynamic_bytes);
    assert_non_null(strstr(text, part));
    snprintf(part, sizeof part, "\"workspace_bytes\":%lld,\"splits\":%d,\"columns\":%d,",
             (long long)plan.workspace_bytes, plan.splits, plan.columns);
    assert_non_null(strstr(text, part));
    snprintf(part, sizeof part, ",\"key\":\"%s\"}", key);
    assert_non_null(strstr(text, part));
    plan.cost = 16 * 1234 + 5;
    attn_plan_json(&plan, text, sizeof text);
    assert_non_null(strstr(text, "\"cost_ns\":1234.3125,"));
    plan.cost = UINT64_MAX;
    attn_plan_json(&plan, text, sizeof text);
    assert_non_null(strstr(text, "\"cost_ns\":1152921504606846975.9375,"));
    memcpy(plan.device.name, "a\"b\\c\n\xff", 8);
    attn_plan_json(&plan, text, sizeof text);
    assert_non_null(strstr(text, "\"device\":\"a\\\"b\\\\c\\u000a\\u00ff\","));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_texts_hold_tensor_dimension_and_values),
        cmocka_unit_test(every_error_has_a_name_and_a_text_without_braces),
        cmocka_unit_test(rule_texts_name_rule_values_units_and_members),
        cmocka_unit_test(any_rule_number_and_operands_give_a_text),
        cmocka_unit_test(keys_are_readable_tokens),
        cmocka_unit_test(a_key_of_no_legal_problem_shows_its_numbers),
        cmocka_unit_test(keys_of_the_largest_legal_problems_fit_the_stated_maximum),
        cmocka_unit_test(keys_that_differ_in_one_field_differ_in_text),
        cmocka_unit_test(a_plan_text_says_what_a_launch_needs),
        cmocka_unit_test(a_trace_without_an_able_kernel_says_so),
        cmocka_unit_test(every_capacity_is_respected),
        cmocka_unit_test(json_is_valid_for_any_bits),
        cmocka_unit_test(json_values_are_the_plan_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
