/* planner_api_plan.c: the planner's promises on random legal problems: total (P1), explained (P3), pure (P5), monotone
 * (P6), within device limits, and a function of the key (P7).
 *
 * SPDX-License-Identifier: MIT */
#include "tests/planner/planner_api.h"

#include <pthread.h>

static void fail_line(const struct attn_problem *p, const struct attn_device *d, const char *why)
{
    char line[ATTN_LINE_MAX];
    attn_problem_print(p, line, sizeof line);
    fail_msg("%s\non %s (wave %d, %d CUs, LDS %d/%d, %d threads, grid %u,%u,%u): %s", line, d->name, d->wave_size,
             d->n_cu, d->lds_bytes, d->lds_static_bytes, d->max_threads, d->max_grid[0], d->max_grid[1], d->max_grid[2],
             why);
}

/* ---- Devices --------------------------------------------------------------------------------------------- */

static void the_table_has_the_twelve_devices(void **state)
{
    (void)state;
    static const char *const names[] = { "gfx906",  "gfx908",  "gfx90a",  "gfx942",  "gfx950", "gfx1030",
                                         "gfx1100", "gfx1151", "gfx1200", "gfx1201", "sm_80",  "sm_90" };
    assert_int_equal(attn_device_count(), 12);
    for (int i = 0; i < 12; i++) {
        const struct attn_device *d = attn_device_find(names[i]);
        assert_non_null(d);
        assert_null(attn_device_check(d));
        assert_int_equal(d->wave_size, names[i][3] == '9' && names[i][0] == 'g' ? 64 : 32);
        assert_true(attn_device_covers(d, d));
    }
    assert_null(attn_device(-1));
    assert_null(attn_device(12));
    assert_null(attn_device_find("gfx94"));
    assert_null(attn_device_find(""));
}

/* Facts that plans rest on, each from the document that device.c cites for it. */
static void the_table_s_facts_are_the_documents(void **state)
{
    (void)state;
    for (int i = 0; i < attn_device_count(); i++) {
        const struct attn_device *d = attn_device(i);
        bool sm_90 = strcmp(d->name, "sm_90") == 0, nvidia = sm_90 || strcmp(d->name, "sm_80") == 0;
        bool gfx950 = strcmp(d->name, "gfx950") == 0, gfx906 = strcmp(d->name, "gfx906") == 0;
        assert_int_equal(d->matrix_flush, strcmp(d->name, "gfx90a") == 0);
        assert_int_equal(d->dot_f16, !nvidia);
        assert_int_equal(d->async_copy, nvidia);
        assert_int_equal(d->lds_bytes, sm_90 ? 227 * 1024 : nvidia ? 163 * 1024 : gfx950 ? 160 * 1024 : 64 * 1024);
        assert_int_equal(d->lds_static_bytes, nvidia ? 48 * 1024 : d->lds_bytes);
        assert_int_equal(d->max_threads, 1024);
        int family = strncmp(d->name, "gfx9", 4) == 0 && !gfx906 ? ATTN_MATRIX_MFMA
                     : strncmp(d->name, "gfx11", 5) == 0         ? ATTN_MATRIX_WMMA_GFX11
                     : strncmp(d->name, "gfx12", 5) == 0         ? ATTN_MATRIX_WMMA_GFX12
                     : sm_90                                     ? ATTN_MATRIX_WGMMA_SM90
                     : nvidia                                    ? ATTN_MATRIX_MMA_SM80
                                                                 : ATTN_MATRIX_NONE;
        assert_int_equal(d->matrix, family);
    }
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

static struct attn_device least_device(int wave_size)
{
    const struct attn_device d = { .name = "least",
                                   .wave_size = wave_size,
                                   .n_cu = 1,
                                   .lds_bytes = 16384,
                                   .lds_static_bytes = 16384,
                                   .max_threads = 256,
                                   .max_grid = { 1024, 1, 1 } };
    return d;
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
    BELOW(lds_bytes, 16383)
    BELOW(lds_static_bytes, 16383)
    BELOW(lds_static_bytes, 16385)
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
            ((unsigned char *)&d)[j] = (unsigned char)rand_u64(&seed);
        attn_device_check(&d);
        random_device(&seed, &d);
        assert_null(attn_device_check(&d));
    }
}

/* ---- One problem on one device --------------------------------------------------------------------------- */

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
    if (plan->head_size >= 0 && plan->head_size != attn_head_size_find(k->d_k, k->d_v))
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
            int w = (int)rand_below(&seed, (uint64_t)attn_weakening_count());
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
    for (int h = 0; h < ATTN_HEAD_SIZE_COUNT; h++) {
        for (int type = 0; type < ATTN_TYPE_COUNT; type++) {
            const struct attn_head_size *s = attn_head_size(h);
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
        check_problem(&p, &d);
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
        d = least_device(64);
        d.n_cu = INT32_MAX;
        d.lds_bytes = d.lds_static_bytes = INT32_MAX;
        d.max_threads = INT32_MAX;
        d.max_grid[0] = d.max_grid[1] = d.max_grid[2] = UINT32_MAX;
        assert_null(attn_device_check(&d));
        check_problem(&p, &d);
    }
    assert_in_range(legal, 1000, 30000);
}

/* ---- P5: pure -------------------------------------------------------------------------------------------- */

static void nothing_irrelevant_matters(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int i = 0; i < 10000; i++) {
        struct attn_problem p, other;
        struct attn_plan a, b;
        struct attn_trace ta, tb;
        const struct attn_device *d = attn_device((int)rand_below(&seed, 11));
        random_legal(&seed, true, &p);
        other = p;
        for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
            for (int dim = 1; dim < 4; dim++)
                if (other.t[o].ne[dim] == 1)
                    other.t[o].nb[dim] = (int64_t)rand_u64(&seed);
        memset(&a, 0x55, sizeof a); /* what was in the results' memory before does not show through */
        memset(&b, 0xaa, sizeof b);
        memset(&ta, 0x55, sizeof ta);
        memset(&tb, 0xaa, sizeof tb);
        int x = attn_plan(d, &p, &a, &ta), y = attn_plan(d, &other, &b, &tb);
        if (x != y || memcmp(&a, &b, sizeof a) != 0)
            fail_line(&p, d, "strides of extent-1 dimensions change the plan");
        for (int k = 0; k < ATTN_KERNEL_COUNT; k++)
            if (ta.verdict[k].able != tb.verdict[k].able || ta.verdict[k].rule != tb.verdict[k].rule ||
                ta.verdict[k].lhs != tb.verdict[k].lhs || ta.verdict[k].rhs != tb.verdict[k].rhs ||
                ta.verdict[k].cost != tb.verdict[k].cost)
                fail_line(&p, d, "strides of extent-1 dimensions change the trace");
    }
}

enum { THREADS = 4, PROBLEMS = 3000 };
static struct attn_problem shared_problems[PROBLEMS];
static struct attn_plan thread_plans[THREADS][PROBLEMS];

static void *plan_all(void *argument)
{
    struct attn_plan *plans = argument;
    ptrdiff_t thread = (plans - thread_plans[0]) / PROBLEMS;
    for (int i = 0; i < PROBLEMS; i++) { /* each thread in another order */
        int at = thread % 2 ? PROBLEMS - 1 - i : (i + (int)thread * 701) % PROBLEMS;
        attn_plan(attn_device(at % attn_device_count()), &shared_problems[at], &plans[at], NULL);
    }
    return NULL;
}

static void threads_and_order_do_not_matter(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    uint64_t seed = 6;
    for (int i = 0; i < PROBLEMS; i++)
        random_legal(&seed, true, &shared_problems[i]);
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, plan_all, thread_plans[t]), 0);
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_join(threads[t], NULL), 0);
    for (int t = 1; t < THREADS; t++)
        assert_memory_equal(thread_plans[t], thread_plans[0], sizeof thread_plans[0]);
}

/* ---- P6: monotone ---------------------------------------------------------------------------------------- */

static uint32_t able_kernels(const struct attn_device *d, const struct attn_problem *p)
{
    struct attn_key key;
    uint32_t able = 0;
    attn_key_of(p, &key);
    for (int i = 0; i < ATTN_KERNEL_COUNT; i++)
        able |= (uint32_t)attn_plan_kernel(d, &key, i, NULL, NULL) << i;
    return able;
}

static void a_stronger_device_loses_no_kernel(void **state)
{
    (void)state;
    uint64_t seed = 7;
    int differ = 0;
    for (int i = 0; i < 100000; i++) {
        struct attn_problem p;
        struct attn_device weak, strong;
        random_legal(&seed, one_in(&seed, 2), &p);
        random_device(&seed, &weak);
        strong = weak;
        for (int n = 1 + (int)rand_below(&seed, 4); n > 0; n--)
            switch (rand_below(&seed, 9)) {
            case 0: strong.lds_bytes += (int32_t)rand_below(&seed, 100000); break;
            case 1:
                strong.lds_static_bytes +=
                    (int32_t)rand_below(&seed, (uint64_t)(strong.lds_bytes - strong.lds_static_bytes) + 1);
                break;
            case 2: strong.max_threads += (int32_t)rand_below(&seed, 800); break;
            case 3: strong.n_cu += (int32_t)rand_below(&seed, 300); break;
            case 4: strong.max_grid[rand_below(&seed, 3)] += (uint32_t)rand_below(&seed, 70000); break;
            case 5: strong.dot_f16 = 1; break;
            case 7: strong.async_copy = 1; break;
            case 6: strong.matrix_flush = (uint8_t)rand_below(&seed, 2); break;
            default:
                if (weak.matrix == ATTN_MATRIX_NONE)
                    strong.matrix = (int32_t)rand_below(&seed, ATTN_MATRIX_COUNT);
            }
        assert_null(attn_device_check(&strong));
        assert_true(attn_device_covers(&strong, &weak));
        uint32_t a = able_kernels(&weak, &p), b = able_kernels(&strong, &p);
        if (a & ~b)
            fail_line(&p, &weak, "a stronger device loses a kernel");
        differ += a != b;
    }
    assert_in_range(differ, 100, 100000); /* the pairs did straddle limits */
}

static void better_alignment_loses_no_kernel(void **state)
{
    (void)state;
    uint64_t seed = 8;
    for (int i = 0; i < 50000; i++) {
        struct attn_problem p;
        struct attn_device d;
        struct attn_key key, better;
        random_legal(&seed, one_in(&seed, 2), &p);
        random_device(&seed, &d);
        attn_key_of(&p, &key);
        better = key;
        better.align_k = (uint8_t)(key.align_k + rand_below(&seed, 5u - key.align_k));
        better.align_v = (uint8_t)(key.align_v + rand_below(&seed, 5u - key.align_v));
        for (int k = 0; k < ATTN_KERNEL_COUNT; k++)
            if (attn_plan_kernel(&d, &key, k, NULL, NULL) && !attn_plan_kernel(&d, &better, k, NULL, NULL))
                fail_line(&p, &d, "better alignment loses a kernel");
    }
}

/* ---- P7: reusable ---------------------------------------------------------------------------------------- */

static void problems_of_one_key_share_the_plan(void **state)
{
    (void)state;
    uint64_t seed = 9;
    int shared = 0;
    for (int i = 0; i < 20000; i++) {
        struct attn_problem p, grown;
        struct attn_key a, b;
        struct attn_plan x, y;
        const struct attn_device *d = attn_device((int)rand_below(&seed, 11));
        random_legal(&seed, true, &p);
        grown = p;
        int64_t more = (int64_t)rand_below(&seed, 20); /* views of a cache: n_kv grows, the strides stay */
        grown.t[ATTN_K].ne[1] += more;
        grown.t[ATTN_V].ne[1] += more;
        grown.t[ATTN_MASK].ne[0] += more;
        attn_key_of(&p, &a);
        attn_key_of(&grown, &b);
        if (memcmp(&a, &b, sizeof a) != 0)
            continue;
        shared += more > 0;
        attn_plan(d, &p, &x, NULL);
        attn_plan(d, &grown, &y, NULL);
        if (memcmp(&x, &y, sizeof x) != 0)
            fail_line(&p, d, "another plan under the same key");
    }
    assert_in_range(shared, 1000, 20000);
}

/* ---- Small parts ----------------------------------------------------------------------------------------- */

static void relations_are_what_they_are_called(void **state)
{
    (void)state;
    assert_true(attn_relation_holds(ATTN_REL_EQ, INT64_MIN, INT64_MIN));
    assert_false(attn_relation_holds(ATTN_REL_EQ, 1, 2));
    assert_true(attn_relation_holds(ATTN_REL_LE, 2, 2));
    assert_false(attn_relation_holds(ATTN_REL_LE, 3, 2));
    assert_true(attn_relation_holds(ATTN_REL_GE, 2, 2));
    assert_false(attn_relation_holds(ATTN_REL_GE, 1, 2));
    assert_true(attn_relation_holds(ATTN_REL_MEMBER, 0, 1));
    assert_true(attn_relation_holds(ATTN_REL_MEMBER, 62, INT64_C(1) << 62));
    assert_false(attn_relation_holds(ATTN_REL_MEMBER, 62, INT64_MAX >> 1));
    assert_false(attn_relation_holds(ATTN_REL_MEMBER, 63, -1));
    assert_false(attn_relation_holds(ATTN_REL_MEMBER, -1, -1));
    assert_false(attn_relation_holds(ATTN_REL_MEMBER, INT64_MIN, -1));
    assert_false(attn_relation_holds(ATTN_REL_MEMBER, INT64_MAX, -1));
    assert_false(attn_relation_holds(ATTN_REL_COUNT, 0, 0));
    assert_false(attn_relation_holds(-1, 0, 0));
}

static void kernels_types_and_head_sizes_are_found_by_name_and_number(void **state)
{
    (void)state;
    for (int i = 0; i < ATTN_KERNEL_COUNT; i++) {
        const struct attn_kernel *k = attn_kernel(i);
        assert_int_equal(attn_kernel_find(k->name), i);
        for (int a = 0; a < k->n_rules; a++)
            for (int b = 0; b < a; b++)
                assert_string_not_equal(k->rules[a].name, k->rules[b].name);
    }
    assert_string_equal(attn_kernel(ATTN_KERNEL_COUNT - 1)->name, "naive");
    assert_null(attn_kernel(-1));
    assert_null(attn_kernel(ATTN_KERNEL_COUNT));
    assert_int_equal(attn_kernel_find("nave"), -1);
    assert_null(attn_type_info(-1));
    assert_null(attn_type_info(ATTN_TYPE_COUNT));
    assert_int_equal(attn_type_info(ATTN_Q5_1)->block_bytes, 24);
    assert_int_equal(ATTN_HEAD_SIZE_COUNT, 13);
    assert_null(attn_head_size(-1));
    assert_null(attn_head_size(ATTN_HEAD_SIZE_COUNT));
    assert_int_equal(attn_head_size_find(128, 192), -1);
    for (int64_t d_k = 1; d_k < 700; d_k += 13)
        for (int64_t d_v = 1; d_v < 700; d_v += 11) {
            int64_t operand = attn_head_size_operand(d_k, d_v);
            assert_true((operand >= 0) == (attn_head_size_find(d_k, d_v) >= 0));
            assert_int_equal(attn_head_size_pair(operand).d_k, d_k);
            assert_int_equal(attn_head_size_pair(operand).d_v, d_v);
        }
    assert_int_equal(attn_head_size_pair(attn_head_size_operand(INT64_MAX, 5)).d_k, INT32_MAX);
    assert_int_equal(attn_head_size_pair(attn_head_size_operand(5, INT64_MAX)).d_v, INT32_MAX);
}

/* attn_plan_check is a guard of its own: it must see a plan that was tampered with. */
static void a_plan_beyond_its_device_is_noticed(void **state)
{
    (void)state;
    struct attn_problem p =
        parse("fa1 q=f32[96,600,4,1] k=q4_0[96,1000,4,1] v=q8_0[96,1000,4,1] mask=f16[1000,600,1,1]");
    struct attn_key key;
    struct attn_plan good, bad;
    attn_key_of(&p, &key);
    assert_true(attn_plan_kernel(attn_device_find("sm_90"), &key, ATTN_KERNEL_tile, &good, NULL));
    assert_null(attn_plan_check(&good));
    assert_true(good.splits > 1 && good.scan && good.convert_k >= 0 && good.convert_v >= 0); /* every region is used */
#define SPOILT(change)                 \
    bad = good;                        \
    change;                            \
    if (attn_plan_check(&bad) == NULL) \
        fail_msg("not noticed: %s", #change);
    struct attn_launch *m = &bad.launch[ATTN_STEP_MAIN];
    SPOILT(bad.kernel = -1)
    SPOILT(bad.kernel = ATTN_KERNEL_COUNT)
    SPOILT(bad.steps &= ~(1u << ATTN_STEP_MAIN))
    SPOILT(bad.steps &= ~(1u << ATTN_STEP_COMBINE))
    SPOILT(bad.steps |= 1u << ATTN_STEP_COUNT)
    SPOILT(bad.splits = 0)
    SPOILT(bad.splits = 1)
    SPOILT(m->grid[0] = 0)
    SPOILT(m->grid[2] = 0)
    SPOILT(m->grid[1] = bad.device.max_grid[1] + 1)
    SPOILT(m->block[1] = 0)
    SPOILT(m->block[0] = 1025)
    SPOILT(m->block[1] = 1024)
    SPOILT(m->lds_static_bytes = (uint32_t)bad.device.lds_static_bytes + 1)
    SPOILT(m->lds_dynamic_bytes = (uint32_t)bad.device.lds_bytes - m->lds_static_bytes + 1)
    SPOILT(m->lds_dynamic_bytes = UINT32_MAX)
    SPOILT(bad.launch[ATTN_STEP_COMBINE].block[0] = 0)
    SPOILT(bad.workspace_bytes -= 256)
    SPOILT(bad.region_bytes[ATTN_REGION_K] += 256)
    SPOILT(bad.region_bytes[ATTN_REGION_META] = -1)
    SPOILT(bad.region_offset[ATTN_REGION_V] += 1)
    SPOILT(bad.region_offset[ATTN_REGION_V] = -256)
    SPOILT(bad.region_offset[ATTN_REGION_META] = INT64_MAX - 255)
    SPOILT(bad.region_offset[ATTN_REGION_PARTIAL] = bad.region_offset[ATTN_REGION_SCAN])
#undef SPOILT
    bad = good;
    m->lds_dynamic_bytes = (uint32_t)bad.device.lds_bytes - m->lds_static_bytes;
    assert_null(attn_plan_check(&bad)); /* the limits themselves are within the limits */
    uint64_t seed = 10;
    for (int i = 0; i < 200000; i++) { /* and any bits are judged without harm */
        bad = good;
        for (int n = 0; n < (i % 2 ? 3 : 200); n++)
            ((unsigned char *)&bad)[rand_below(&seed, sizeof bad)] = (unsigned char)rand_u64(&seed);
        attn_plan_check(&bad);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_has_the_twelve_devices),
        cmocka_unit_test(the_table_s_facts_are_the_documents),
        cmocka_unit_test(weakenings_are_valid_and_weaker),
        cmocka_unit_test(the_least_device_is_valid_and_nothing_below_it),
        cmocka_unit_test(known_head_sizes_never_need_naive),
        cmocka_unit_test(every_head_size_device_weakening_and_type_has_a_kernel),
        cmocka_unit_test(any_legal_problem_has_a_kernel_on_any_valid_device),
        cmocka_unit_test(the_largest_legal_problems_are_planned),
        cmocka_unit_test(nothing_irrelevant_matters),
        cmocka_unit_test(threads_and_order_do_not_matter),
        cmocka_unit_test(a_stronger_device_loses_no_kernel),
        cmocka_unit_test(better_alignment_loses_no_kernel),
        cmocka_unit_test(problems_of_one_key_share_the_plan),
        cmocka_unit_test(relations_are_what_they_are_called),
        cmocka_unit_test(kernels_types_and_head_sizes_are_found_by_name_and_number),
        cmocka_unit_test(a_plan_beyond_its_device_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
