/* session_checks.c: what is checked of a session: plans that are kept, results against the logical history, two orders
 * of the same requests. With a number as argument: plans so many steps of random sessions and says how fast.
 *
 * SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/fuzz/session_held.h"

/* ---- Keys ------------------------------------------------------------------------------------------------ */

/* 1,000 decode steps of one slot: at most twice as many keys as n_kv has buckets on the way. */
static void test_keys_are_coarse(void **state)
{
    static const int pads[] = { 1, 32, 256 };
    (void)state;
    for (size_t i = 0; i < sizeof pads / sizeof pads[0]; i++) {
        struct attn_session_options options = options_of(NULL);
        struct attn_session_outcome outcome;
        char script[256];
        int buckets = 0;
        int64_t last = 0;
        snprintf(script, sizeof script, "session { layer f heads=32/8 d=128; cells 4096; pad %d; decode 1000; }",
                 pads[i]);
        read_script(script, &session);
        must_hold(&options, &outcome);
        for (int64_t n = 1; n <= 1000; n++) {
            int64_t n_kv = (n + pads[i] - 1) / pads[i] * pads[i], bucket = attn_bucket_n_kv(n_kv);
            buckets += bucket != last;
            last = bucket;
        }
        assert_int_equal(outcome.planned, 1000);
        assert_int_equal(outcome.keys + outcome.reused, 1000);
        assert_true(outcome.keys <= 2 * buckets);
        print_message("pad %d: %" PRId64 " keys, %d buckets\n", pads[i], outcome.keys, buckets);
    }
}

static struct attn_problem problem_of(const char *line)
{
    struct attn_problem p;
    size_t used;
    assert_true(attn_problem_parse(line, strlen(line), &p, &used, NULL));
    assert_int_equal(attn_problem_check(&p, NULL), ATTN_E_OK);
    return p;
}

/* A plan serves the problem it was made for and others of its key; what differs in anything a kernel goes by is
 * noticed, key or no key. */
static void test_what_a_plan_serves(void **state)
{
#define LINE(kv, q, rest) "fa1 q=f32[64," #q ",4,1] k=" kv " v=" kv " mask=f16[512," #q ",1,1]" rest
    static const char base[] = LINE("q8_0[64,300,2,1]", 20, ""),
                      base_f16[] = LINE("f16[64,300,2,1]+512:256,128,262144", 1, "");
    static const struct {
        const char *line;
        bool f16;
        const char *part;
    } other[] = {
        { LINE("q8_0[64,310,2,1]", 20, ""), false, NULL },
        { LINE("q8_0[64,257,2,1]", 19, ""), false, NULL },
        { LINE("q8_0[64,321,2,1]", 20, ""), false, "larger" },
        { LINE("q8_0[64,300,2,1]", 33, ""), false, "larger" },
        { LINE("q8_0[64,300,1,1]", 20, ""), false, "heads" },
        { LINE("q4_0[64,300,2,1]", 20, ""), false, "type" },
        { LINE("q8_0[64,300,2,1]", 20, " softcap=3"), false, "softcap" },
        { LINE("q8_0[64,300,2,1]", 20, " sinks"), false, "sinks" },
        { LINE("q8_0[64,300,2,1]", 20, " max_bias=8"), false, "ALiBi" },
        { LINE("f16[64,300,2,1]+1024:256,128,262144", 1, ""), true, NULL },
        { LINE("f16[64,300,2,1]+2:256,128,262144", 1, ""), true, "aligned" },
        { LINE("f16[64,300,2,1]+512:258,128,262144", 1, ""), true, "aligned" },
        { LINE("bf16[64,300,2,1]+512:256,128,262144", 1, ""), true, "type" },
    };
#undef LINE
    struct attn_problem p = problem_of(base), q = problem_of(base_f16);
    struct attn_plan plan, plan_f16;
    (void)state;
    assert_true(attn_plan(attn_device_find("gfx906"), &p, &plan, NULL) >= 0);
    assert_true(attn_plan(attn_device_find("gfx906"), &q, &plan_f16, NULL) >= 0);
    assert_null(attn_plan_serves(&plan, &p));
    assert_null(attn_plan_serves(&plan_f16, &q));
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        struct attn_problem o = problem_of(other[i].line);
        const char *wrong = attn_plan_serves(other[i].f16 ? &plan_f16 : &plan, &o);
        if (!wrong != !other[i].part || (wrong && !strstr(wrong, other[i].part)))
            fail_msg("%s: %s", other[i].line, wrong ? wrong : "served");
    }
    /* Workspaces, whatever the key says. */
    static const int regions[] = { ATTN_REGION_K, ATTN_REGION_V, ATTN_REGION_PARTIAL, ATTN_REGION_META };
    int tried = 0;
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++)
        for (int f16 = 0; f16 < 2; f16++) {
            struct attn_plan small = f16 ? plan_f16 : plan;
            if (small.region_bytes[regions[i]] == 0)
                continue;
            small.region_bytes[regions[i]] /= 2;
            assert_non_null(attn_plan_serves(&small, f16 ? &q : &p));
            tried++;
        }
    assert_true(tried >= 2);
}

/* ---- Results --------------------------------------------------------------------------------------------- */

/* The host executor, which spoils the first value of dst from some run on, and says how many there were. */
struct late {
    struct attn_backend base; /* first: callers see this */
    const struct attn_problem *problem;
    int64_t runs, good; /* runs that are not spoilt */
    int swapped;        /* operand whose first two heads are taken for each other; ATTN_DST: none */
    bool uploaded;      /* since the last allocation */
    int64_t swaps;
};

static void swap_heads(const struct attn_tensor *t, char *at)
{
    const int64_t bytes = attn_row_bytes(t->type, t->ne[0]);
    for (int64_t s = 0; s < t->ne[3]; s++)
        for (int64_t row = 0; row < t->ne[1]; row++) {
            char *one = at + s * t->nb[3] + row * t->nb[1], *two = one + t->nb[2];
            for (int64_t i = 0; i < bytes; i++) {
                const char kept = one[i];
                one[i] = two[i];
                two[i] = kept;
            }
        }
}

static bool late_describe(struct attn_backend *b, struct attn_device *device)
{
    (void)b;
    (void)device;
    return false;
}

static struct attn_memory *late_alloc(struct attn_backend *b, const struct attn_problem *p,
                                      const struct attn_image *image, int64_t workspace, struct attn_failure *failure)
{
    struct late *late = (struct late *)b;
    late->problem = p;
    late->uploaded = false;
    return host->ops->alloc(host, p, image, workspace, failure);
}

static bool late_upload(struct attn_backend *b, struct attn_memory *m, const struct attn_image *image,
                        struct attn_failure *failure)
{
    struct late *late = (struct late *)b;
    const struct attn_problem *p = late->problem;
    const bool first = !late->uploaded;
    late->uploaded = true;
    if (first && late->swapped < ATTN_DST && p->t[late->swapped].ne[2] > 1) {
        swap_heads(&p->t[late->swapped],
                   (char *)image->buffer[image->buffer_of[late->swapped]].bytes + p->t[late->swapped].offset);
        late->swaps++;
    }
    return host->ops->upload(host, m, image, failure);
}

static bool late_run(struct attn_backend *b, struct attn_memory *m, const struct attn_problem *p,
                     const struct attn_plan *plan, struct attn_failure *failure)
{
    struct late *late = (struct late *)b;
    late->problem = p;
    late->runs++;
    return host->ops->run(host, m, p, plan, failure);
}

static bool late_download(struct attn_backend *b, struct attn_memory *m, struct attn_image *image,
                          struct attn_failure *failure)
{
    const struct late *late = (struct late *)b;
    float value;
    if (!host->ops->download(host, m, image, failure))
        return false;
    void *dst = attn_image_at(image, late->problem, ATTN_DST);
    memcpy(&value, dst, sizeof value);
    value += late->runs > late->good ? 1.0f : 0.0f;
    memcpy(dst, &value, sizeof value);
    return true;
}

static void late_free(struct attn_backend *b, struct attn_memory *m)
{
    (void)b;
    host->ops->free(host, m);
}

static const struct attn_backend_ops late_ops = { .name = "late",
                                                  .describe = late_describe,
                                                  .alloc = late_alloc,
                                                  .upload = late_upload,
                                                  .run = late_run,
                                                  .download = late_download,
                                                  .free = late_free };

/* A limit for all of a session leaves out what is large and comes late, and nothing that fuzz_session would run. The
 * first step of the second is past the limit of one and run in some rows. */
static void test_a_limit_for_all(void **state)
{
    static const struct {
        const char *script;
        int64_t ran, skipped;
    } sessions[] = {
        { "session { layer f heads=2/1 d=64; cells 64; prefill 8; decode 5; }", 6, 0 },
        { "session { layer f heads=8/1 d=128; cells 64; ubatch 32; prefill 32; decode 1; prefill 31; }", 2, 1 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof sessions / sizeof sessions[0]; i++) {
        struct attn_session_options options = options_of(host);
        struct attn_session_outcome outcome;
        options.session_work = 1;
        read_script(sessions[i].script, &session);
        must_hold(&options, &outcome);
        assert_int_equal(outcome.ran, sessions[i].ran);
        assert_int_equal(outcome.skipped, sessions[i].skipped);
    }
}

/* Every run of a session is looked at: with one of them spoilt, whichever, it does not hold; and the second order of
 * its requests is run, and looked at, too. */
static void test_every_run_is_judged(void **state)
{
    struct late late = { .base = { &late_ops }, .good = INT64_MAX, .swapped = ATTN_DST };
    struct attn_session_options options = options_of(&late.base);
    struct attn_session_outcome outcome;
    struct attn_session_finding f;
    bool compared;
    (void)state;
    read_script("session { layer f heads=2/1 d=64; slots 2; cells 32; prefill 5; decode 1; slot 1; prefill 4; }",
                &session);
    must_hold(&options, &outcome);
    const int64_t once = late.runs;
    assert_true(once >= 3 * 2); /* three steps, naive and another kernel at least */
    for (int64_t good = 0; good < once; good++) {
        late.runs = 0;
        late.good = good;
        assert_false(attn_session_run(&session, &options, &outcome, &f));
        assert_int_equal(f.finding.property, ATTN_P_SOUND);
        assert_int_equal(late.runs, good + 1);
    }
    late.runs = 0;
    late.good = INT64_MAX;
    assert_true(attn_session_orders(&session, &options, &outcome, &compared, &f));
    assert_true(compared);
    const int64_t twice = late.runs;
    assert_true(twice > once);
    for (int64_t good = once; good < twice; good++) {
        late.runs = 0;
        late.good = good;
        assert_false(attn_session_orders(&session, &options, &outcome, &compared, &f));
        assert_int_equal(f.finding.property, ATTN_P_SOUND);
        assert_false(compared);
    }
    /* Run twice each, the second run that differs is P10's. */
    options.limits.schedules = true;
    late.runs = 0;
    late.good = 1;
    assert_false(attn_session_run(&session, &options, &outcome, &f));
    assert_int_equal(f.finding.property, ATTN_P_SCHEDULE_FREE);
}

/* Heads that are taken for each other give another result, whatever a device has of them: of each share of an uneven
 * split alone, one query head a KV head, several, a single KV head for all. */
static void test_wrong_heads_are_seen(void **state)
{
    static const char *const servers[] = { "weights 1/0/0",
                                           "weights 0/2/1",
                                           "weights 1/2/3",
                                           "weights 1/1/4; turn 1",
                                           "deal nearest; weights 3/1/2",
                                           "deal repeated; split 8",
                                           "deal mirrored",
                                           "deal single; grain 2" };
    (void)state;
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++)
        for (int operand = ATTN_Q; operand <= ATTN_V; operand++) {
            struct late late = { .base = { &late_ops }, .good = INT64_MAX, .swapped = ATTN_DST };
            struct attn_session_options options = options_of(&late.base);
            struct attn_session_outcome outcome;
            struct attn_session_finding f;
            char script[256];
            snprintf(script, sizeof script,
                     "session { layer a heads=24/6 d=64; layer b heads=8/1 d=64; %s %s; cells 32; prefill 5; }",
                     strstr(servers[i], "split") ? "" : "split 3;", servers[i]);
            read_script(script, &session);
            must_hold(&options, &outcome);
            late.swapped = operand;
            const bool held = attn_session_run(&session, &options, &outcome, &f);
            if (operand != ATTN_Q && session.deal == ATTN_SESSION_DEAL_REPEATED) {
                assert_true(held && late.swaps == 0); /* each device has one KV head */
                continue;
            }
            assert_true(!held && late.swaps > 0);
            assert_int_equal(f.finding.property, ATTN_P_SOUND);
        }
}

/* Unified or a stream each, the slots' turns in another order: the same tokens, the same answers. Requests that have to
 * do with each other are not compared. */
static void test_orders(void **state)
{
    (void)state;
    for (int unified = 0; unified < 2; unified++) {
        struct attn_session_options options = options_of(host);
        struct attn_session_finding f;
        struct attn_session_outcome outcome;
        bool compared;
        char script[512];
        snprintf(script, sizeof script,
                 "session { layer w heads=2/1 d=64 window=10; layer f heads=2/1 d=64; slots 3; cells 200; ubatch 8; "
                 "cache %s;"
                 "prefill 20; slot 2; prefill 9; checkpoint; slot 0; draft 3 accept 1; slot 1; prefill 14; slot 2; "
                 "decode 12; slot 0;"
                 "decode 5; slot 2; reuse lcp=0.8 prompt=12; }",
                 unified ? "unified" : "streams");
        read_script(script, &session);
        if (!attn_session_orders(&session, &options, &outcome, &compared, &f))
            fail_msg("%s", f.finding.text);
        assert_true(compared);
    }
    struct attn_session_options options = options_of(host);
    struct attn_session_finding f;
    struct attn_session_outcome outcome;
    bool compared;
    read_script("session { layer f heads=1/1 d=64; slots 2; cells 64; prefill 3; slot 1; prefill 3; together 2; }",
                &session);
    assert_true(attn_session_orders(&session, &options, &outcome, &compared, &f));
    assert_false(compared);
}

/* ---- Planning -------------------------------------------------------------------------------------------- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void plan_steps(int64_t wanted)
{
    struct attn_session_options options = options_of(NULL);
    struct attn_session_limits limits;
    int64_t steps = 0, planned = 0, keys = 0, sessions = 0;
    double began = now();
    attn_session_limits_for(ATTN_SESSION_PLANNED, &limits);
    for (uint64_t seed = 0; steps < wanted; seed++, sessions++) {
        uint8_t bytes[ATTN_SESSION_BYTES_MAX];
        struct attn_session_outcome outcome;
        attn_session_decode(bytes, attn_session_random(bytes, seed), &limits, &session);
        must_hold(&options, &outcome);
        steps += outcome.counts.steps;
        planned += outcome.planned;
        keys += outcome.keys;
    }
    double seconds = now() - began;
    print_message("%" PRId64 " sessions, %" PRId64 " steps, %" PRId64 " problems planned, %" PRId64
                  " keys, %.1f s, %.0f steps/s\n",
                  sessions, steps, planned, keys, seconds, (double)steps / seconds);
}

static void test_planning(void **state)
{
    (void)state;
    plan_steps(100000);
}

static int set_up(void **state)
{
    static const struct attn_host_options options = { .checked = true, .budget = 100000000 };
    (void)state;
    attn_fleet_init(&fleet);
    host = attn_host_open(&options);
    return host ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    host->ops->close(host);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_are_coarse),
        cmocka_unit_test(test_what_a_plan_serves),
        cmocka_unit_test(test_a_limit_for_all),
        cmocka_unit_test(test_every_run_is_judged),
        cmocka_unit_test(test_wrong_heads_are_seen),
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_planning),
    };
    if (argc == 2) {
        set_up(NULL);
        plan_steps(strtoll(argv[1], NULL, 10));
        return tear_down(NULL);
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
