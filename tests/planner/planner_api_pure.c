/* planner_api_pure.c: a plan is a pure function (P5) of the device, in which it is monotone (P6), and of the key (P7).
 *
 * SPDX-License-Identifier: MIT */
#include "tests/planner/planner_api.h"

#include <pthread.h>

/* ---- P5: pure -------------------------------------------------------------------------------------------- */

static void nothing_irrelevant_matters(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int i = 0; i < 10000; i++) {
        struct attn_problem p, other;
        struct attn_plan a, b;
        struct attn_trace ta, tb;
        const struct attn_device *d = attn_device((int)attn_random_below(&seed, (uint64_t)attn_device_count()));
        random_legal(&seed, true, &p);
        other = p;
        for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
            for (int dim = 1; dim < 4; dim++)
                if (other.t[o].ne[dim] == 1)
                    other.t[o].nb[dim] = (int64_t)attn_random(&seed);
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
        for (int n = 1 + (int)attn_random_below(&seed, 4); n > 0; n--)
            switch (attn_random_below(&seed, 9)) {
            case 0: strong.lds_bytes += (int32_t)attn_random_below(&seed, 100000); break;
            case 1:
                strong.lds_static_bytes +=
                    (int32_t)attn_random_below(&seed, (uint64_t)(strong.lds_bytes - strong.lds_static_bytes) + 1);
                break;
            case 2: strong.max_threads += (int32_t)attn_random_below(&seed, 800); break;
            case 3: strong.n_cu += (int32_t)attn_random_below(&seed, 300); break;
            case 4: strong.max_grid[attn_random_below(&seed, 3)] += (uint32_t)attn_random_below(&seed, 70000); break;
            case 5: strong.dot_f16 = 1; break;
            case 7: strong.async_copy = 1; break;
            case 6: strong.matrix_flush = (uint8_t)attn_random_below(&seed, 2); break;
            default:
                if (weak.matrix == ATTN_MATRIX_NONE)
                    strong.matrix = (int32_t)attn_random_below(&seed, ATTN_MATRIX_COUNT);
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
        better.align_k = (uint8_t)(key.align_k + attn_random_below(&seed, 5u - key.align_k));
        better.align_v = (uint8_t)(key.align_v + attn_random_below(&seed, 5u - key.align_v));
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
        const struct attn_device *d = attn_device((int)attn_random_below(&seed, (uint64_t)attn_device_count()));
        random_legal(&seed, true, &p);
        grown = p;
        int64_t more = (int64_t)attn_random_below(&seed, 20); /* views of a cache: n_kv grows, the strides stay */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_irrelevant_matters),         cmocka_unit_test(threads_and_order_do_not_matter),
        cmocka_unit_test(a_stronger_device_loses_no_kernel),  cmocka_unit_test(better_alignment_loses_no_kernel),
        cmocka_unit_test(problems_of_one_key_share_the_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
