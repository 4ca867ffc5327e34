/* executor_wgmma.c: the executor multiplies in warpgroups as the PTX ISA says, in every schedule, and names what that
 * leaves undefined.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/kernels/executor_support.h"
#include "tests/kernels/executor_wgmma.h"

static bool launch(struct bench *b, const struct wgmma_case *c, struct attn_failure *failure)
{
    attn_host_begin(b->memory, &b->regions);
    return bench_launch(b, c->entry, 1, c->threads, WGMMA_LDS_BYTES, failure);
}

static void every_case_is_as_it_must_be(void **state)
{
    (void)state;
    const struct attn_host_options options = { 0, true, 2000000 };
    struct bench b;
    bench_open(&b, &options);
    b.device = *attn_device_find("sm_90");
    for (uint64_t schedule = 0; schedule < 4; schedule++) {
        attn_host_schedule(b.backend, schedule);
        for (int i = 0; wgmma_case(i); i++) {
            const struct wgmma_case *c = wgmma_case(i);
            struct attn_failure failure;
            const bool good = launch(&b, c, &failure);
            if (good != !c->says || (c->says && !strstr(failure.text, c->says)))
                fail_msg("%s, schedule %d: should say \"%s\", says \"%s\"", c->name, (int)schedule,
                         c->says ? c->says : "nothing", good ? "nothing" : failure.text);
        }
    }
    bench_close(&b);
}

/* The LDS clock starts again in the middle of things. */
static void what_was_passed_on_stays_so(void **state)
{
    (void)state;
    const struct attn_host_options options = { 0, true, 2000000 };
    struct bench b;
    struct attn_failure failure;
    bench_open(&b, &options);
    b.device = *attn_device_find("sm_90");
    attn_host_clock_limit(b.backend, 8);
    for (int i = 0; i < 2; i++)
        if (!launch(&b, wgmma_case(i), &failure))
            fail_msg("%s: %s", wgmma_case(i)->name, failure.text);
    bench_close(&b);
}

static void other_devices_have_no_such_instruction(void **state)
{
    (void)state;
    static const char *const others[] = { "sm_80", "gfx1100", "gfx1030" };
    const struct attn_host_options options = { 0, true, 2000000 };
    struct bench b;
    bench_open(&b, &options);
    for (int i = 0; i < 3; i++) {
        struct attn_failure failure;
        b.device = *attn_device_find(others[i]);
        assert_false(launch(&b, wgmma_case(0), &failure));
        assert_int_equal(failure.code, ATTN_F_MATRIX);
        assert_non_null(strstr(failure.text, others[i]));
    }
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_is_as_it_must_be),
        cmocka_unit_test(what_was_passed_on_stays_so),
        cmocka_unit_test(other_devices_have_no_such_instruction),
    };
    return cmocka_run_group_tests_name("wgmma", tests, NULL, NULL);
}
