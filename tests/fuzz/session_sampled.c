/* session_sampled.c: steps beyond the limit of the work are run and judged in some rows; what is suspect in a session
 * is asked about with further seeds.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz/session/play.h"
#include "tests/fuzz/session_support.h"

static struct attn_session session;
static struct attn_fleet fleet;
static struct attn_session_memo memo;

/* ---- A host whose results of some runs are a little too large --------------------------------------------------- */

static struct attn_backend_ops host_ops, wrong_ops;
static int downloads, wrong_from, wrong_until;
static float wrong_by;

static bool download_wrong(struct attn_backend *backend, struct attn_memory *memory, struct attn_image *image,
                           struct attn_failure *failure)
{
    const bool good = host_ops.download(backend, memory, image, failure);
    const struct attn_buffer *dst = &image->buffer[image->buffer_of[ATTN_DST]];
    const bool wrong = downloads >= wrong_from && downloads < wrong_until;
    for (int64_t at = 0; wrong && at < dst->size; at += 4) {
        float x;
        if (dst->role[at] != ATTN_ROLE_DST)
            continue;
        memcpy(&x, dst->bytes + at, sizeof x);
        x *= wrong_by;
        memcpy(dst->bytes + at, &x, sizeof x);
    }
    downloads++;
    return good;
}

/* Plays the session with the results from run number `from` to before `until` too large. */
static bool play(struct attn_session_options *options, int from, int until, float by,
                 struct attn_session_outcome *outcome, struct attn_session_finding *f)
{
    const struct attn_host_options checked = { .checked = true };
    options->backend = attn_host_open(&checked);
    assert_non_null(options->backend);
    host_ops = wrong_ops = *options->backend->ops;
    wrong_ops.download = download_wrong;
    options->backend->ops = &wrong_ops;
    downloads = 0;
    wrong_from = from;
    wrong_until = until;
    wrong_by = by;
    const bool held = attn_session_run(&session, options, outcome, f);
    host_ops.close(options->backend);
    return held;
}

static struct attn_session_options options_of(int64_t work)
{
    return (struct attn_session_options){ .fleet = &fleet,
                                          .memo = &memo,
                                          .kernel = -1,
                                          .cache_bytes = 1 << 26,
                                          .limits = { .work = work, .sample_work = work, .bytes = 1 << 26 } };
}

static int64_t judged(const struct attn_session_outcome *o)
{
    int64_t components = 0;
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++)
        components += o->kernels.kernel[k].judgement.components;
    return components;
}

/* ---- Steps beyond the limit --------------------------------------------------------------------------------- */

/* Prompts of several slots and decoding behind them, every step more work than the limit: each is run in some rows, and
 * each run is looked at. */
static void large_steps_are_sampled(void **state)
{
    static const char *const scripts[] = {
        "session { layer f heads=8/2 d=64; slots 2; cells 700; ubatch 192; pad 32; prefill 300; slot 1; prefill 40; "
        "slot 0; decode 1; together 1; draft 3 accept 1; }",
        "session { layer w heads=6/3 d=40 window=100 sinks; layer mla heads=4/1 d=96/64 view; slots 2; cells 300; "
        "cache streams; ubatch 128; mask padded=64; prefill 200; slot 1; prefill 130; together 1; }",
    };
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct attn_session_options options = options_of(40000);
        struct attn_session_outcome outcome;
        struct attn_session_finding f;
        read_script(scripts[i], &session);
        if (!play(&options, 0, 0, 1.0f, &outcome, &f))
            fail_msg("%s", f.finding.text);
        const int runs = downloads;
        print_message("%lld of %lld problems run, %lld of %lld rows, %lld components, %d runs\n",
                      (long long)outcome.ran, (long long)outcome.planned, (long long)outcome.kernels.rows,
                      (long long)outcome.kernels.all_rows, (long long)judged(&outcome), runs);
        assert_int_equal(outcome.ran, outcome.planned);
        assert_true(outcome.kernels.rows > 0 && outcome.kernels.rows * 4 < outcome.kernels.all_rows);
        assert_true(judged(&outcome) > 0);
        for (int run = 0; run < runs; run++) {
            assert_false(play(&options, run, run + 1, 1.05f, &outcome, &f));
            assert_int_equal(f.finding.property, ATTN_P_SOUND);
            assert_int_equal(downloads, run + 1);
        }
    }
}

/* What is run in some rows has as much work in all as what is run whole; the rest is counted. */
static void all_of_it_has_a_limit(void **state)
{
    struct attn_session_options options = options_of(20000);
    struct attn_session_outcome few, many;
    struct attn_session_finding f;
    (void)state;
    read_script("session { layer f heads=4/2 d=64; cells 400; prefill 300; decode 40; }", &session);
    options.session_work = 20000000;
    assert_true(play(&options, 0, 0, 1.0f, &many, &f));
    options.session_work = 2000000;
    assert_true(play(&options, 0, 0, 1.0f, &few, &f));
    print_message("%lld, %lld of %lld\n", (long long)few.ran, (long long)many.ran, (long long)many.planned);
    assert_true(many.ran > few.ran && few.ran > 1 && few.ran + few.skipped == few.planned);
}

/* Answers of steps that were run in some rows are compared where both orders have them. */
static void two_orders_of_large_steps_agree(void **state)
{
    const struct attn_host_options checked = { .checked = true };
    struct attn_session_options options = options_of(20000);
    struct attn_session_outcome outcome;
    struct attn_session_finding f;
    bool compared;
    (void)state;
    read_script("session { layer f heads=4/2 d=64; slots 2; cells 400; prefill 100; slot 1; prefill 90; slot 0; "
                "decode 3; }",
                &session);
    options.backend = attn_host_open(&checked);
    if (!attn_session_orders(&session, &options, &outcome, &compared, &f))
        fail_msg("%s", f.finding.text);
    assert_true(compared && outcome.kernels.all_rows > 0);
    options.backend->ops->close(options.backend);
}

/* ---- Suspect results ---------------------------------------------------------------------------------------- */

/* Of a session whose last run is a little off, so that it is suspect: four further seeds are run of that step, and if
 * one of those is suspect too, it has failed. */
static void ask_of_last_run(struct attn_session_options *options)
{
    struct attn_session_outcome outcome;
    struct attn_session_finding f;
    assert_true(play(options, 0, 0, 1.0f, &outcome, &f));
    const int runs = downloads;
    float by = 1.0f + 0x1p-20f;
    bool held = true;
    do {
        by = 1.0f + 1.5f * (by - 1.0f);
        held = play(options, runs - 1, runs, by, &outcome, &f);
    } while (held && outcome.kernels.kernel[options->kernel].judgement.suspect == 0);
    assert_true(held); /* nothing between what is likely and what is proven: no session for this test */
    assert_int_equal(downloads, runs + ATTN_FURTHER_SEEDS);
    assert_true(outcome.kernels.kernel[options->kernel].judgement.unlikely > 1.0);
    for (int more = 1; more <= ATTN_FURTHER_SEEDS; more++) {
        assert_false(play(options, runs - 1, runs + more, 1.0f + 4.0f * (by - 1.0f), &outcome, &f));
        assert_int_equal(downloads, runs + 1);
        assert_int_equal(f.finding.property, ATTN_P_SOUND);
        assert_int_equal(f.finding.kernel, options->kernel);
        assert_non_null(strstr(f.finding.text, "with the further seed"));
    }
    print_message("%s\n", f.finding.text);
}

static void what_is_suspect_twice_has_failed(void **state)
{
    (void)state;
    read_script(
        "session { layer f heads=1/1 d=8 scale=0.35; cells 8192; ubatch 2048; seed 7; prefill 8191; decode 1; }",
        &session);
    struct attn_session_options options = options_of(200000);
    options.kernel = ATTN_KERNEL_naive;
    options.session_work = 1; /* of the prompt's steps none but the first */
    ask_of_last_run(&options);
    options.limits.work = options.limits.sample_work = 100000; /* and with the last one in some rows */
    options.session_work = 0;
    read_script(
        "session { layer f heads=2/1 d=8 scale=0.35; cells 8192; ubatch 2048; seed 7; prefill 8191; decode 1; }",
        &session);
    ask_of_last_run(&options);
}

static int open_fleet(void **state)
{
    (void)state;
    attn_fleet_init(&fleet);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_steps_are_sampled),
        cmocka_unit_test(all_of_it_has_a_limit),
        cmocka_unit_test(two_orders_of_large_steps_agree),
        cmocka_unit_test(what_is_suspect_twice_has_failed),
    };
    return cmocka_run_group_tests(tests, open_fleet, NULL);
}
