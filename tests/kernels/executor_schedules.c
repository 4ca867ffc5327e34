/* executor_schedules.c: the kinds of schedule are what they are said to be, and each finds a fault that no other does,
 * with waves of either size.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/kernels/executor_support.h"

enum { WAVES = 4, SEEDS = 16, BLOCKS = 7 };

static void seeds_have_the_kinds_that_are_stated(void **state)
{
    (void)state;
    int seen[ATTN_SCHEDULE_KINDS] = { 0 };
    assert_int_equal(attn_schedule_kind(0), ATTN_SCHEDULE_FORWARD);
    for (uint64_t seed = 0; seed < 800; seed++)
        seen[attn_schedule_kind(seed)]++;
#define X(NAME, name, share, text)                               \
    assert_int_equal(seen[ATTN_SCHEDULE_##NAME], 100 * (share)); \
    assert_string_equal(attn_schedule_name(ATTN_SCHEDULE_##NAME), #name);
    ATTN_SCHEDULES(X)
#undef X
    for (int kind = 0; kind < ATTN_SCHEDULE_KINDS; kind++)
        for (uint64_t seed = 0; seed < 100; seed++) {
            const uint64_t schedule = attn_schedule_of(kind, seed);
            assert_true(schedule != 0 && attn_schedule_kind(schedule) == kind);
            assert_true(seed == 0 || schedule != attn_schedule_of(kind, seed - 1));
        }
}

static float run(struct bench *b, attn_entry entry, uint64_t schedule)
{
    struct attn_failure failure;
    float value;
    attn_host_schedule(b->backend, schedule);
    attn_host_begin(b->memory, &b->regions);
    if (!bench_launch(b, entry, 1, (uint32_t)(WAVES * b->device.wave_size), 0, &failure))
        fail_msg("schedule %llu: %s", (unsigned long long)schedule, failure.text);
    memcpy(&value, (const char *)b->args.partial + 4 * 64, sizeof value);
    assert_true(value >= 0.5f && value <= 2.0f);
    return value;
}

/* In how many of so many schedules of a kind the kernel is wrong. */
static int times_wrong(struct bench *b, int which, int kind)
{
    int wrong = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        wrong += run(b, executor_order_entry(which, b->device.wave_size), attn_schedule_of(kind, seed)) != 1.0f;
    return wrong;
}

static void each_kind_finds_what_no_other_does(void **state)
{
    (void)state;
    for (int wave = 32; wave <= 64; wave *= 2) {
        struct attn_host_options options = { 0, true, 0 };
        struct bench b;
        bench_open(&b, &options);
        b.device.wave_size = wave;
        for (int which = 0; which < ATTN_SCHEDULE_KINDS; which++)
            for (int kind = 0; kind < ATTN_SCHEDULE_KINDS; kind++)
                if ((times_wrong(&b, which, kind) > 0) != (kind == which))
                    fail_msg("waves of %d: what is wrong in order %s alone: order %s says otherwise", wave,
                             attn_schedule_name(which), attn_schedule_name(kind));
        bench_close(&b);
    }
}

/* Accesses to the workspace within a block are not checked for races: the order alone shows them. */
static void what_is_right_in_order_is_wrong_in_others(void **state)
{
    (void)state;
    static const struct {
        int which;
        uint8_t wrong[ATTN_SCHEDULE_KINDS];
    } rows[] = { { EXECUTOR_BARRIER_MISSING, { 0, 1, 1, 1 } }, { EXECUTOR_SYNC_FOR_BARRIER, { 0, 1, 1, 1 } } };
    for (int wave = 32; wave <= 64; wave *= 2) {
        struct attn_host_options options = { 0, true, 0 };
        struct bench b;
        bench_open(&b, &options);
        b.device.wave_size = wave;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
            for (int kind = 0; kind < ATTN_SCHEDULE_KINDS; kind++)
                assert_int_equal(times_wrong(&b, rows[i].which, kind) > 0, rows[i].wrong[kind]);
        bench_close(&b);
    }
}

static void blocks_run_in_the_order_of_the_kind(void **state)
{
    (void)state;
    struct attn_host_options options = { 0, true, 0 };
    struct bench b;
    bench_open(&b, &options);
    int drawn = 0;
    for (int kind = 0; kind < ATTN_SCHEDULE_KINDS; kind++)
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            struct attn_failure failure;
            uint32_t turn[BLOCKS], out_of_place = 0;
            attn_host_schedule(b.backend, attn_schedule_of(kind, seed));
            attn_host_begin(b.memory, &b.regions);
            assert_true(bench_launch(&b, executor_blocks_entry(true), 1, 64, 0, &failure));
            assert_true(bench_launch(&b, executor_blocks_entry(false), BLOCKS, 64, 0, &failure));
            memcpy(turn, b.args.partial, sizeof turn);
            for (uint32_t i = 0; i < BLOCKS; i++)
                out_of_place += turn[i] != (kind == ATTN_SCHEDULE_REVERSE ? BLOCKS - 1 - i : i);
            if (kind == ATTN_SCHEDULE_FORWARD || kind == ATTN_SCHEDULE_REVERSE)
                assert_int_equal(out_of_place, 0);
            for (uint32_t i = 0, last = 0; kind == ATTN_SCHEDULE_STARVED && i < BLOCKS; i++) {
                last |= turn[i] == BLOCKS - 1;
                assert_true(turn[i] == BLOCKS - 1 || turn[i] == i - last);
            }
            drawn += kind >= ATTN_SCHEDULE_STARVED && out_of_place > 0;
        }
    assert_true(drawn > SEEDS);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeds_have_the_kinds_that_are_stated),
        cmocka_unit_test(each_kind_finds_what_no_other_does),
        cmocka_unit_test(what_is_right_in_order_is_wrong_in_others),
        cmocka_unit_test(blocks_run_in_the_order_of_the_kind),
    };
    return cmocka_run_group_tests_name("executor schedules", tests, NULL, NULL);
}
