/* planner_api_plan.c: the planner's promises on random legal problems: total (P1), explained (P3), the cheapest able
 * kernel, within device limits.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/planner/planner_api.h"

static bool contains_number(const char *text, int64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)value);
    return strstr(text, digits) != NULL;
}

/* P3: one cause for each kernel that is out, false when evaluated again, the same in both modes, named in the text. */
static void check_explained(const struct attn_problem *p, const struct attn_device *d, const struct attn_key *key,
                            const struct attn_trace *trace)
{
    for (int id = 0; id < ATTN_KERNEL_COUNT; id++) {
        const struct attn_verdict *v = &trace->verdict[id];
        const struct attn_kernel *kernel = attn_kernel(id);
        struct attn_rule_result results[64];
        int n = attn_explain(d, key, id, results, 64), first = -1;
        if (n != kernel->n_rules || n > 64)
            fail_line(p, d, "explain counts other rules");
        for (int r = n - 1; r >= 0; r--) {
            if (results[r].holds != attn_relation_holds(kernel->rules[r].relation, results[r].lhs, results[r].rhs))
                fail_line(p, d, "a rule's result is not its operands'");
            if (!results[r].holds)
                first = r;
        }
        if (v->able != (first < 0) || v->rule != first)
            fail_line(p, d, "the trace and explain disagree");
        if (v->able)
            continue;
        const struct attn_rule *rule = &kernel->rules[v->rule];
        char text[512], name[64];
        if (v->lhs != results[first].lhs || v->rhs != results[first].rhs ||
            attn_relation_holds(rule->relation, v->lhs, v->rhs))
            fail_line(p, d, "the recorded operands do not break the rule");
        attn_rule_text(id, v->rule, false, v->lhs, v->rhs, text, sizeof text);
        snprintf(name, sizeof name, "%s.%s: ", kernel->name, rule->name);
        bool named = strncmp(text, name, strlen(name)) == 0;
        if (rule->unit == ATTN_UNIT_HEAD_SIZE) /* which an operand clips */
            named = named && contains_number(text, attn_d_k(p) < INT32_MAX ? attn_d_k(p) : INT32_MAX) &&
                    contains_number(text, attn_d_v(p) < INT32_MAX ? attn_d_v(p) : INT32_MAX);
        else if (rule->unit != ATTN_UNIT_TYPE)
            named = named && contains_number(text, v->lhs) &&
                    (rule->relation == ATTN_REL_MEMBER || contains_number(text, v->rhs));
        if (!named)
            fail_line(p, d, text);
    }
}

/* A plan's own numbers fit together and serve the problem. */
static void check_plan(const struct attn_problem *p, const struct attn_device *d, int id, const struct attn_plan *plan)
{
    const struct attn_key *k = &plan->key;
    const char *wrong = attn_plan_check(plan);
    if (wrong)
        fail_line(p, d, wrong);
    const struct attn_launch *m = &plan->launch[ATTN_STEP_MAIN];
    uint64_t threads = (uint64_t)m->block[0] * m->block[1] * m->block[2];
    if (plan->kernel != id || memcmp(&plan->device, d, sizeof *d) != 0)
        fail_line(p, d, "the plan is another kernel's or device's");
    if (plan->columns != plan->columns_q * plan->columns_gqa || plan->columns < 1 || plan->kv_tile < 1)
        fail_line(p, d, "columns or KV tile");
    if (plan->wave_size != d->wave_size || (uint64_t)plan->waves * (uint64_t)plan->wave_size < threads ||
        plan->waves < 1)
        fail_line(p, d, "waves");
    const struct attn_head_size *size = attn_head_size(plan->head_size);
    if (size && (!attn_head_size_known(k->d_k, k->d_v) || size->d_k < k->d_k || size->d_v < k->d_v ||
                 (plan->kernel == ATTN_KERNEL_tile && attn_head_size_find(k->d_k, k->d_v) >= 0 &&
                  plan->head_size != attn_head_size_find(k->d_k, k->d_v))))
        fail_line(p, d, "head size");
    if (plan->load_k < 1 || plan->load_k > 16 || plan->load_v < 1 || plan->load_v > 16 ||
        (plan->convert_k < 0 && plan->load_k > 1 << k->align_k) ||
        (plan->convert_v < 0 && plan->load_v > 1 << k->align_v))
        fail_line(p, d, "a load is wider than rows are aligned");
    if ((plan->stage_k > 0) != (plan->stage_v > 0) || plan->stage_k > plan->load_k || plan->stage_v > plan->load_v ||
        (plan->stage_k > 0 && (!d->async_copy || plan->stage_k < 4 || plan->stage_v < 4)))
        fail_line(p, d, "rows are staged that the device cannot copy so");
    if ((plan->convert_k >= 0) != (plan->steps >> ATTN_STEP_CONVERT_K & 1) ||
        (plan->convert_v >= 0) != (plan->steps >> ATTN_STEP_CONVERT_V & 1) ||
        (plan->scan != 0) != (plan->steps >> ATTN_STEP_SCAN & 1) ||
        (plan->splits > 1) != (plan->steps >> ATTN_STEP_COMBINE & 1))
        fail_line(p, d, "a step without its use, or the other way round");
    /* f32 and bf16 values may lie outside f16's range: no route narrows them. */
    if ((plan->convert_k == ATTN_F16 || plan->arithmetic.k_type == ATTN_F16) &&
        (k->type_k == ATTN_F32 || k->type_k == ATTN_BF16))
        fail_line(p, d, "k is narrowed to f16");
    if ((plan->convert_v == ATTN_F16 || plan->arithmetic.v_type == ATTN_F16) &&
        (k->type_v == ATTN_F32 || k->type_v == ATTN_BF16))
        fail_line(p, d, "v is narrowed to f16");

    /* Regions: as large as the header says; in doubles, which hold these products well enough. */
    double rows = (double)k->n_head * (double)k->n_q * (double)k->n_seq;
    double want[ATTN_REGION_COUNT] = { 0 };
    if (plan->convert_k >= 0)
        want[ATTN_REGION_K] = 2.0 * (double)k->d_k * (double)k->k_copy[0] * (double)k->k_copy[1] * (double)k->k_copy[2];
    if (plan->convert_v >= 0)
        want[ATTN_REGION_V] = 2.0 * (double)k->d_v * (double)k->v_copy[0] * (double)k->v_copy[1] * (double)k->v_copy[2];
    if (plan->splits > 1) {
        want[ATTN_REGION_PARTIAL] = 4.0 * (double)k->d_v * plan->splits * rows;
        want[ATTN_REGION_META] = 8.0 * plan->splits * rows;
    }
    if (plan->scan)
        want[ATTN_REGION_SCAN] = (double)k->mask_seqs * (double)k->mask_heads *
                                 (double)((k->n_q + plan->scan_q - 1) / plan->scan_q) *
                                 (double)((k->n_kv + plan->kv_tile - 1) / plan->kv_tile);
    for (int r = 0; r < ATTN_REGION_COUNT; r++)
        if ((double)plan->region_bytes[r] != want[r])
            fail_line(p, d, "a workspace region has another size than its contents");
}

/* Plans every kernel, and checks the choice. Returns the bit set of able kernels. */
static uint32_t check_problem(const struct attn_problem *p, const struct attn_device *d)
{
    struct attn_key key;
    struct attn_plan chosen, same, plan;
    struct attn_trace trace;
    uint32_t able = 0;
    int best = -1;
    uint64_t least = 0;
    attn_key_of(p, &key);
    int id = attn_plan(d, p, &chosen, &trace);
    for (int i = 0; i < ATTN_KERNEL_COUNT; i++) {
        struct attn_verdict verdict;
        bool is_able = attn_plan_kernel(d, &key, i, &plan, &verdict);
        if (is_able != attn_plan_kernel(d, &key, i, NULL, NULL) ||
            memcmp(&verdict, &trace.verdict[i], sizeof verdict) != 0)
            fail_line(p, d, "planning one kernel gives another verdict than the trace");
        if (!is_able)
            continue;
        able |= 1u << i;
        check_plan(p, d, i, &plan);
        if (plan.cost != verdict.cost)
            fail_line(p, d, "the plan's cost is not the verdict's");
        if (best < 0 || plan.cost < least) {
            best = i;
            least = plan.cost;
        }
        if (i == id && memcmp(&plan, &chosen, sizeof plan) != 0)
            fail_line(p, d, "planning the chosen kernel gives another plan");
    }
    if (id != best || trace.chosen != best || id < 0)
        fail_line(p, d, "the choice is not the cheapest able kernel, first in the list");
    if (!attn_supports(d, p) || attn_plan(d, p, NULL, NULL) != id || attn_plan_key(d, &key, &same, NULL) != id ||
        memcmp(&same, &chosen, sizeof same) != 0)
        fail_line(p, d, "supports, plan and plan_key disagree");
    check_explained(p, d, &key, &trace);
    return able;
}

static void known_head_sizes_never_need_naive(void **state)
{
    (void)state;
    const uint32_t naive = 1u << ATTN_KERNEL_naive;
    uint64_t seed = 2;
    for (int i = 0; i < 3000; i++) {
        struct attn_problem p;
        struct attn_device weak;
        random_legal(&seed, false, &p);
        assert_int_equal(attn_problem_check(&p, NULL), ATTN_E_OK);
        for (int d = 0; d < attn_device_count(); d++) {
            if (!(check_problem(&p, attn_device(d)) & ~naive))
                fail_line(&p, attn_device(d), "only naive is able");
            int w = (int)attn_random_below(&seed, (uint64_t)attn_weakening_count());
            if (attn_device_weaken(attn_device(d), w, &weak, NULL) && !(check_problem(&p, &weak) & ~naive))
                fail_line(&p, &weak, "only naive is able");
        }
    }
}

/* Each known pair, on each device and each weakening, both at one row and at many, with each type. */
static void every_head_size_device_weakening_and_type_has_a_kernel(void **state)
{
    (void)state;
    const uint32_t naive = 1u << ATTN_KERNEL_naive;
    for (int h = 0; h < ATTN_HEAD_SIZE_COUNT + 72; h++) {
        for (int type = 0; type < ATTN_TYPE_COUNT; type++) {
            const int32_t padded = 8 * (h - ATTN_HEAD_SIZE_COUNT + 1);
            const struct attn_head_size alike = { padded, padded }, *own = attn_head_size(h), *s = own ? own : &alike;
            int block = attn_type_info(type)->block_elems;
            if (s->d_k % block != 0 || s->d_v % block != 0)
                continue;
            for (int n_q = 1; n_q <= 600; n_q += 599) {
                char line[256];
                const char *name = attn_type_info(type)->name;
                snprintf(line, sizeof line,
                         "fa1 q=f32[%d,%d,24,1] k=%s[%d,1031,8,1] v=%s[%d,1031,8,1] mask=f16[1280,600,1,1]", s->d_k,
                         n_q, name, s->d_k, name, s->d_v);
                struct attn_problem p = parse(line);
                assert_int_equal(attn_problem_check(&p, NULL), ATTN_E_OK);
                for (int d = 0; d < attn_device_count(); d++) {
                    for (int w = -1; w < attn_weakening_count(); w++) {
                        struct attn_device device = *attn_device(d);
                        if (w >= 0 && !attn_device_weaken(attn_device(d), w, &device, NULL))
                            continue;
                        if (!(check_problem(&p, &device) & ~naive))
                            fail_line(&p, &device, "only naive is able");
                    }
                }
            }
        }
    }
}

static void any_legal_problem_has_a_kernel_on_any_valid_device(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int i = 0; i < 30000; i++) {
        struct attn_problem p;
        struct attn_device d;
        random_legal(&seed, true, &p);
        random_device(&seed, &d);
        if (!(check_problem(&p, &d) & 1u << ATTN_KERNEL_naive))
            fail_line(&p, &d, "naive is not able");
        d = least_device(one_in(&seed, 2) ? 32 : 64);
        if (!(check_problem(&p, &d) & ~(1u << ATTN_KERNEL_naive)) && attn_head_size_known(attn_d_k(&p), attn_d_v(&p)))
            fail_line(&p, &d, "only naive is able");
    }
}

static void the_largest_legal_problems_are_planned(void **state)
{
    (void)state;
    uint64_t seed = 4;
    int legal = 0;
    for (int i = 0; i < 30000; i++) {
        struct attn_problem p;
        struct attn_device d;
        if (!huge_problem(&seed, &p))
            continue;
        legal++;
        if (one_in(&seed, 2)) { /* known head sizes, where that is still legal */
            struct attn_problem known = p;
            random_head_size(&seed, false, &known.t[ATTN_Q].ne[0], &known.t[ATTN_V].ne[0]);
            known.t[ATTN_K].ne[0] = known.t[ATTN_Q].ne[0];
            known.t[ATTN_DST].ne[0] = known.t[ATTN_V].ne[0];
            attn_tensor_contiguous(&known.t[ATTN_DST]);
            if (attn_problem_check(&known, NULL) == ATTN_E_OK)
                p = known;
        }
        random_device(&seed, &d);
        check_problem(&p, &d);
        d = least_device(one_in(&seed, 2) ? 32 : 64);
        d.n_cu = INT32_MAX;
        d.lds_bytes = d.lds_static_bytes = INT32_MAX;
        d.max_threads = INT32_MAX;
        d.async_copy = (uint8_t)attn_random_below(&seed, 2);
        d.max_grid[0] = d.max_grid[1] = d.max_grid[2] = UINT32_MAX;
        assert_null(attn_device_check(&d));
        check_problem(&p, &d);
    }
    assert_in_range(legal, 1000, 30000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_head_sizes_never_need_naive),
        cmocka_unit_test(every_head_size_device_weakening_and_type_has_a_kernel),
        cmocka_unit_test(any_legal_problem_has_a_kernel_on_any_valid_device),
        cmocka_unit_test(the_largest_legal_problems_are_planned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
