/* fuzz_watch.c: who watches runs says how each plan is run, and is told of it (attn_run_watch); classes of routes.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz/domain/domain.h"
#include "fuzz/domain/mutate.h"
#include "fuzz/properties/properties.h"
#include "fuzz/properties/route.h"

static const char line[] =
    "fa1 q=f32[64,5,4,1] k=f16[64,70,2,1] v=f16[64,70,2,1] mask=f16[70,5,1,1] | dev=gfx942 seed=3";

struct seen {
    int how[ATTN_KERNEL_COUNT]; /* said of each kernel */
    int told[ATTN_KERNEL_COUNT];
    int64_t components;
};

static void choose(void *context, const struct attn_case *c, const struct attn_plan *const *plan, int n, uint8_t *how)
{
    struct seen *seen = context;
    (void)c;
    for (int i = 0; i < n; i++) {
        assert_int_equal(how[i], ATTN_RUN_CHECKED);
        how[i] = (uint8_t)seen->how[plan[i]->kernel];
    }
}

static void ran(void *context, const struct attn_case *c, const struct attn_plan *plan, int how,
                const struct attn_judgement *judgement)
{
    struct seen *seen = context;
    (void)c;
    seen->told[plan->kernel] = how;
    seen->components += judgement->components;
}

static void each_plan_is_run_as_said(void **state)
{
    const struct attn_host_options options = { .checked = true };
    struct attn_backend *backend = attn_host_open(&options);
    struct seen seen = { .how = { [ATTN_KERNEL_mma] = ATTN_RUN_UNCHECKED,
                                  [ATTN_KERNEL_vec] = ATTN_RUN_NOT,
                                  [ATTN_KERNEL_tile] = ATTN_RUN_UNCHECKED,
                                  [ATTN_KERNEL_naive] = ATTN_RUN_CHECKED } };
    const struct attn_run_watch watch = { &seen, choose, ran };
    struct attn_run_limits limits = { .work = ATTN_RUN_WORK_LIMIT, .bytes = ATTN_RUN_BYTES_LIMIT, .watch = &watch };
    struct attn_text_error error;
    struct attn_outcome outcome;
    struct attn_finding finding;
    struct attn_case c;
    (void)state;
    assert_non_null(backend);
    assert_true(attn_case_parse(line, strlen(line), &c, &error));
    assert_int_equal(attn_check_run(backend, &c, &limits, &outcome, &finding), ATTN_OUTCOME_HELD);
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
        assert_true(outcome.kernel[k].able);
        assert_int_equal(seen.told[k], seen.how[k]);
        assert_int_equal(outcome.kernel[k].ran, seen.how[k] != ATTN_RUN_NOT);
    }
    /* What ran without checks was judged too: three kernels, all of dst. */
    assert_int_equal(seen.components, 3 * 64 * 5 * 4);
    /* Two runs under two schedules are made with checks. */
    limits.schedules = true;
    assert_int_equal(attn_check_run(backend, &c, &limits, &outcome, &finding), ATTN_OUTCOME_HELD);
    assert_int_equal(seen.told[ATTN_KERNEL_mma], ATTN_RUN_CHECKED);
    backend->ops->close(backend);
}

/* Classes are below their trait's count, for whatever is drawn; a run's near misses too. */
static void classes_are_of_their_trait(void **state)
{
    const struct attn_domain_limits limits = ATTN_DOMAIN_UNLIMITED;
    struct attn_judgement judgement = { .worst = 0 };
    (void)state;
    for (uint64_t seed = 0; seed < 4000; seed++) {
        struct attn_genome genome;
        struct attn_case c;
        struct attn_key key;
        attn_genome_random(&genome, seed);
        attn_genome_case(&genome, &limits, &c);
        attn_key_of(&c.problem, &key);
        for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
            struct attn_plan plan;
            struct attn_route route;
            if (!attn_plan_kernel(attn_device(c.run.device), &key, k, &plan, NULL))
                continue;
            judgement.worst = judgement.worst > 2 ? 0 : judgement.worst * 1.5 + 0.001;
            attn_route_of(&c, &plan, &route);
            attn_route_ran(&route, &judgement);
            for (int t = 0; t < ATTN_TRAIT_COUNT; t++)
                assert_in_range(route.class[t], 0, attn_trait_info(t)->classes - 1);
        }
    }
    assert_null(attn_trait_info(ATTN_TRAIT_COUNT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_plan_is_run_as_said),
        cmocka_unit_test(classes_are_of_their_trait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
