/* executor_failures.c: every named failure of the executor is found by a small kernel that commits it, under its name
 * and at its place, in every schedule; near misses are not reported; and the executor works on afterwards.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/kernels/executor_support.h"

#include <stdio.h>

static const uint64_t schedules[] = { 0, 1, 2, 3, 0x9E3779B97F4A7C15u };
enum { SCHEDULES = sizeof schedules / sizeof schedules[0] };

static void run_case(struct bench *b, const struct executor_case *c, uint64_t schedule, struct attn_failure *failure)
{
    attn_host_schedule(b->backend, schedule);
    if (!c->after_previous)
        attn_host_begin(b->memory, &b->regions);
    bool ok = bench_launch(b, c->entry, c->blocks, 64, c->lds_bytes, failure);
    assert_int_equal(ok, failure->code == ATTN_F_NONE);
    if (ok && c->expected == ATTN_F_DST_UNWRITTEN)
        assert_false(attn_host_dst_whole(b->memory, failure));
}

static void check_case(const struct executor_case *c, uint64_t schedule, const struct attn_failure *failure)
{
    if (failure->code != c->expected)
        fail_msg("%s, schedule %llu: expected %s, got %s: %s", c->name, (unsigned long long)schedule,
                 attn_failure_name(c->expected), attn_failure_name(failure->code), failure->text);
    if (c->expected == ATTN_F_NONE)
        return;
    assert_true(strlen(failure->text) > 0);
    if (c->expected != ATTN_F_LDS_SIZE && !strstr(failure->text, attn_failure_name(c->expected)))
        fail_msg("%s: the text does not begin with the name: %s", c->name, failure->text);
    assert_int_equal(failure->operand, c->operand);
    assert_int_equal(failure->step, ATTN_STEP_MAIN);
    if (schedule != 0)
        return;
    if (c->says && !strstr(failure->text, c->says))
        fail_msg("%s: the text should say \"%s\": %s", c->name, c->says, failure->text);
    if (c->thread >= 0 && failure->thread != (uint32_t)c->thread)
        fail_msg("%s: should name thread %d: %s", c->name, c->thread, failure->text);
    if (c->offset != -1 && failure->offset != c->offset)
        fail_msg("%s: should be at %lld, is at %lld: %s", c->name, (long long)c->offset, (long long)failure->offset,
                 failure->text);
}

static void run_all(uint32_t clock_limit)
{
    struct attn_host_options options = { 0, true, 200000 };
    struct bench b;
    bench_open(&b, &options);
    if (clock_limit)
        attn_host_clock_limit(b.backend, clock_limit);
    for (int s = 0; s < SCHEDULES; s++)
        for (int i = 0; executor_case(i); i++) {
            struct attn_failure failure;
            run_case(&b, executor_case(i), schedules[s], &failure);
            check_case(executor_case(i), schedules[s], &failure);
        }
    bench_close(&b);
}

static void every_failure_is_named_and_near_misses_are_not(void **state)
{
    (void)state;
    run_all(0);
}

static void the_clock_may_restart_at_any_time(void **state)
{
    (void)state;
    for (uint32_t limit = 8; limit < 24; limit++)
        run_all(limit);
}

/* Each code that the executor can give on its own has a case. */
static void no_failure_kind_is_left_out(void **state)
{
    (void)state;
    for (int code = ATTN_F_NONE; code < ATTN_FAILURE_COUNT; code++) {
        bool found = code == ATTN_F_LIMIT_THREADS || code == ATTN_F_LIMIT_LDS || code == ATTN_F_LIMIT_GRID ||
                     code == ATTN_F_NO_INSTANCE || code == ATTN_F_RUNTIME || /* below */
                     code == ATTN_F_DEVICE_LOST ||                           /* only a device can be */
                     code == ATTN_F_SCRATCH_BOUNDS || code == ATTN_F_REGISTER || code == ATTN_F_HAZARD ||
                     code == ATTN_F_TRAP || code == ATTN_F_CODE || code == ATTN_F_UNSUPPORTED; /* of machine code */
        for (int i = 0; executor_case(i); i++)
            found = found || executor_case(i)->expected == code;
        if (!found)
            fail_msg("no case for %s", attn_failure_name(code));
    }
}

/* What failed leaves nothing behind: the same good kernel gives the same result after each failure. */
static void failures_leave_nothing_behind(void **state)
{
    (void)state;
    struct attn_host_options options = { 0, true, 200000 };
    struct bench b;
    bench_open(&b, &options);
    struct attn_failure failure;
    const struct executor_case *good = NULL;
    for (int i = 0; executor_case(i); i++)
        if (strcmp(executor_case(i)->name, "atomics") == 0)
            good = executor_case(i);
    assert_non_null(good);
    for (int i = 0; executor_case(i); i++) {
        run_case(&b, executor_case(i), 0, &failure);
        run_case(&b, good, 0, &failure);
        check_case(good, 0, &failure);
        assert_true(attn_host_dst_whole(b.memory, &failure));
        struct attn_image *image = &b.image;
        assert_true(b.backend->ops->download(b.backend, b.memory, image, &failure));
        const struct attn_buffer *dst = &image->buffer[image->buffer_of[ATTN_DST]];
        for (int64_t at = 0; at < dst->size; at += 4) {
            uint32_t bits;
            memcpy(&bits, dst->bytes + at, 4);
            assert_int_equal(bits, dst->role[at] == ATTN_ROLE_DST ? 0x3F800000u : 0xFFFFFFFFu);
        }
    }
    bench_close(&b);
}

static void expect_launch(struct bench *b, attn_entry entry, uint32_t blocks, uint32_t threads, uint32_t lds_bytes,
                          int expected, const char *says)
{
    struct attn_failure failure;
    attn_host_begin(b->memory, &b->regions);
    bool ok = bench_launch(b, entry, blocks, threads, lds_bytes, &failure);
    assert_int_equal(failure.code, expected);
    assert_int_equal(ok, expected == ATTN_F_NONE);
    if (says && !strstr(failure.text, says))
        fail_msg("should say \"%s\": %s", says, failure.text);
}

static void limits_of_the_device_hold(void **state)
{
    (void)state;
    struct attn_host_options options = { 0, true, 0 };
    struct bench b;
    bench_open(&b, &options);
    const struct executor_case *c = NULL;
    for (int i = 0; executor_case(i); i++)
        if (strcmp(executor_case(i)->name, "broadcast_read") == 0)
            c = executor_case(i);
    assert_non_null(c);
    expect_launch(&b, c->entry, 2, 64, 256, ATTN_F_NONE, NULL);
    b.device.max_threads = 64;
    expect_launch(&b, c->entry, 2, 64, 256, ATTN_F_NONE, NULL);
    expect_launch(&b, c->entry, 2, 65, 256, ATTN_F_LIMIT_THREADS, "65 threads");
    expect_launch(&b, c->entry, 2, 0, 256, ATTN_F_LIMIT_THREADS, "0 threads");
    b.device.max_grid[0] = 2;
    expect_launch(&b, c->entry, 2, 64, 256, ATTN_F_NONE, NULL);
    expect_launch(&b, c->entry, 3, 64, 256, ATTN_F_LIMIT_GRID, "grid[0] is 3");
    expect_launch(&b, c->entry, 0, 64, 256, ATTN_F_LIMIT_GRID, "grid[0] is 0");
    b.device.lds_bytes = b.device.lds_static_bytes = 256;
    expect_launch(&b, c->entry, 2, 64, 256, ATTN_F_NONE, NULL);
    b.device.lds_static_bytes = 255;
    expect_launch(&b, c->entry, 2, 64, 256, ATTN_F_LIMIT_LDS, "256");
    b.device.lds_bytes = 255;
    b.device.lds_static_bytes = 256;
    expect_launch(&b, c->entry, 2, 64, 256, ATTN_F_LIMIT_LDS, "255");
    b.device.lds_bytes = b.device.lds_static_bytes = INT32_MAX;
    expect_launch(&b, c->entry, 2, 64, INT32_MAX, ATTN_F_RUNTIME, "the host executor");
    expect_launch(&b, NULL, 2, 64, 256, ATTN_F_NO_INSTANCE, NULL);
    b.device.max_threads = INT32_MAX;
    expect_launch(&b, c->entry, 2, 1 << 20, 256, ATTN_F_RUNTIME, "the host executor");
    b.device.wave_size = 48;
    expect_launch(&b, c->entry, 2, 64, 256, ATTN_F_WAVE_SIZE, "48");
    bench_close(&b);
}

static void memory_that_cannot_be_had_is_a_failure(void **state)
{
    (void)state;
    struct attn_host_options options = { 0, true, 0 };
    struct bench b;
    bench_open(&b, &options);
    struct attn_failure failure;
    assert_null(b.backend->ops->alloc(b.backend, &b.problem, &b.image, INT64_MAX, &failure));
    assert_int_equal(failure.code, ATTN_F_RUNTIME);
    assert_null(b.backend->ops->alloc(b.backend, &b.problem, &b.image, ((int64_t)1 << 40) + 1, &failure));
    assert_null(b.backend->ops->alloc(b.backend, &b.problem, &b.image, -1, &failure));
    struct attn_memory *more = b.backend->ops->alloc(b.backend, &b.problem, &b.image, (int64_t)1 << 28, &failure);
    assert_non_null(more);
    b.backend->ops->free(b.backend, more);
    bench_close(&b);
}

/* Buffers begin where the interface says, and at no better address. */
static void buffers_are_no_better_aligned_than_promised(void **state)
{
    (void)state;
    struct attn_host_options options = { 0, true, 0 };
    struct bench b;
    bench_open(&b, &options);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        void *at = attn_host_at(b.memory, o);
        if (o == ATTN_MASK || o == ATTN_SINKS)
            assert_null(at);
        else
            assert_int_equal((uintptr_t)at % 512, 256);
    }
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failure_is_named_and_near_misses_are_not),
        cmocka_unit_test(the_clock_may_restart_at_any_time),
        cmocka_unit_test(no_failure_kind_is_left_out),
        cmocka_unit_test(failures_leave_nothing_behind),
        cmocka_unit_test(limits_of_the_device_hold),
        cmocka_unit_test(memory_that_cannot_be_had_is_a_failure),
        cmocka_unit_test(buffers_are_no_better_aligned_than_promised),
    };
    return cmocka_run_group_tests_name("executor failures", tests, NULL, NULL);
}
