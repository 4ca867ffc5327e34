/* session_script.c: session scripts: what is printed reads back as the same, errors name their place, no text is too
 * much.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/session/session.h"
#include "planner/random.h"

static struct attn_session one, two;
static char text[ATTN_SESSION_TEXT_MAX], again[ATTN_SESSION_TEXT_MAX];

static void decode(uint64_t seed)
{
    uint8_t bytes[ATTN_SESSION_BYTES_MAX];
    struct attn_session_limits limits;
    size_t n = attn_session_random(bytes, seed);
    attn_session_limits_for(seed % 3, &limits);
    attn_session_decode(bytes, n, &limits, &one);
}

static void test_round_trip(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        struct attn_session_error error;
        size_t used;
        decode(seed);
        assert_null(attn_session_check(&one));
        size_t n = attn_session_print(&one, text, sizeof text);
        assert_true(n < sizeof text && strlen(text) == n);
        if (!attn_session_parse(text, n, &two, &used, &error))
            fail_msg("%s\n%lld:%zu: %s", text, (long long)error.line, error.column, error.message);
        assert_int_equal(used, n);
        assert_memory_equal(&one, &two, sizeof one);
        assert_int_equal(attn_session_print(&two, again, sizeof again), n);
        assert_string_equal(text, again);
        char cut[20];
        assert_int_equal(attn_session_print(&one, cut, sizeof cut), n);
        assert_int_equal(strlen(cut), sizeof cut - 1);
    }
}

/* The longest session there can be fits, and one event more is an error. */
static void test_longest(void **state)
{
    struct attn_session_error error;
    size_t used;
    (void)state;
    decode(7);
    one.n_layers = ATTN_SESSION_LAYERS_MAX;
    for (int i = 0; i < ATTN_SESSION_LAYERS_MAX; i++) {
        one.layer[i] = (struct attn_session_layer){ .name = "fifteen_letters",
                                                    .d_k = 2048,
                                                    .d_v = 1024,
                                                    .n_head = 1024,
                                                    .n_head_kv = 1024,
                                                    .type_k = ATTN_Q5_1,
                                                    .type_v = ATTN_Q5_1,
                                                    .view = 1,
                                                    .draft = i > 0,
                                                    .sinks = 1,
                                                    .window = 65536,
                                                    .scale = 1.2345678e-20f,
                                                    .softcap = 1.2345678e-20f,
                                                    .max_bias = 1.2345678e-20f };
    }
    one.n_events = ATTN_SESSION_EVENTS_MAX;
    for (int i = 0; i < one.n_events; i++)
        one.event[i] = (struct attn_session_event){
            .op = ATTN_SESSION_DRAFTS, .drafted = 64, .accepted = 64, .branches = 32, .times = 65536
        };
    assert_null(attn_session_check(&one));
    size_t n = attn_session_print(&one, text, sizeof text);
    assert_true(n < sizeof text);
    assert_true(attn_session_parse(text, n, &two, &used, &error));
    assert_memory_equal(&one, &two, sizeof one);
    memcpy(text + n - 2, " clear; }", 10);
    assert_false(attn_session_parse(text, strlen(text), &two, &used, &error));
    assert_non_null(strstr(error.message, "512 events"));
}

static void test_every_statement(void **state)
{
    static const char script[] =
        "session { # a comment; layer\n"
        "  layer a heads=6/2 d=96/64 type=q8_0/f16 window=9 scale=0.25 softcap=30 max_bias=8 sinks;\n"
        "  layer b heads=4/1 d=576/512 view draft; device gfx942~lds/2; split 3; deal mirrored; grain 2; turn 1; "
        "slots 2; cells 99; "
        "cache streams; ubatch 7;\r\n"
        "  pad 32; mask padded=64; rows 8; masks shared; swa full; views narrow; base 3; seed 18446744073709551615; "
        "schedule 5;\n"
        "  slot 1; prefill 4; decode 2; together 3; draft 4 accept 2; drafts 2 accept 0 times 3; checkpoint; restore;\n"
        "  reuse lcp=0.5 prompt=12; reuse lcp=1; reuse lcp=0.05; copy 0; shift keep=0; defrag; clear; mixed 9;\n"
        "  mixed 8 draft 3 accept 1; mixed 8 draft 3 accept 1 branches 2; draft 40 accept 0 branches 9 times 2 "
        "}trailing";
    struct attn_session_error error;
    size_t used;
    (void)state;
    if (!attn_session_parse(script, sizeof script - 1, &one, &used, &error))
        fail_msg("%lld:%zu: %s", (long long)error.line, error.column, error.message);
    assert_string_equal(script + used, "trailing");
    assert_int_equal(one.n_layers, 2);
    assert_int_equal(one.layer[0].d_v, 64);
    assert_int_equal(one.layer[0].type_k, ATTN_Q8_0);
    assert_int_equal(one.layer[0].type_v, ATTN_F16);
    assert_int_equal(one.layer[1].view, 1);
    assert_int_equal(one.layer[1].draft, 1);
    assert_int_equal(one.unified, 0);
    assert_int_equal(one.swa_full, 1);
    assert_int_equal(one.mask, ATTN_SESSION_MASK_PADDED);
    assert_int_equal(one.mask_pad, 64);
    assert_true(one.seed == UINT64_MAX && one.schedule == 5);
    assert_int_equal(one.n_events, 19);
    assert_int_equal(one.narrow, 1);
    assert_true(one.deal == ATTN_SESSION_DEAL_MIRRORED && one.grain == 2 && one.turn == 1);
    assert_int_equal(one.event[17].branches, 2);
    assert_true(one.event[18].drafted == 40 && one.event[18].branches == 9 && one.event[18].times == 2);
    assert_int_equal(one.event[15].drafted, 0);
    assert_int_equal(one.event[16].tokens, 8);
    assert_int_equal(one.event[16].drafted, 3);
    assert_int_equal(one.event[16].accepted, 1);
    assert_int_equal(one.event[5].times, 3);
    assert_int_equal(one.event[8].share, 500);
    assert_int_equal(one.event[9].share, 1000);
    assert_int_equal(one.event[10].share, 50);
}

static void test_errors(void **state)
{
#define A "session { layer a heads=2/1 d=64; "
    static const struct {
        const char *script;
        int64_t line;
        size_t column;
        const char *part;
    } wrong[] = {
        { "", 1, 1, "begins with session" },
        { "sessions {", 1, 1, "begins with session" },
        { "session layer", 1, 9, "brace" },
        { "session {", 1, 10, "closing brace" },
        { "session { }", 1, 1, "1 to 4 layers" },
        { "session {\n\n  prefil 3; }", 3, 3, "no statement 'prefil'" },
        { "session { layer a heads=2 d=64; }", 1, 25, "query heads/KV heads" },
        { "session { layer a heads=3/2 d=64; }", 1, 1, "multiple" },
        { "session { layer a heads=2/1; }", 1, 17, "missing" },
        { "session { layer a heads=2/1 d=60 type=q8_0; }", 1, 1, "block" },
        { "session { layer a heads=2/1 d=64 type=q9; }", 1, 39, "no type 'q9'" },
        { "session { layer a heads=2/1 d=64/128 view; }", 1, 1, "view" },
        { "session { layer a heads=2/1 d=64 draft; }", 1, 1, "not the drafter" },
        { A "split 2; weights 1/2/3; }", 1, 1, "more weights than devices" },
        { A "split 2; weights 0/0; }", 1, 52, "a weight from 1" },
        { A "split 2; weights 1//2; }", 1, 54, "from 0 to 255" },
        { A "layer b heads=2/1 d=64 draft reads=b; }", 1, 70, "none of the name 'b'" },
        { A "layer b heads=2/1 d=64 reads=a; }", 1, 1, "is the drafter's" },
        { A "layer b heads=4/2 d=64 draft reads=a; }", 1, 1, "has its KV heads" },
        { A "layer b heads=4/1 d=64 draft; layer c heads=2/1 d=64 draft reads=b; }", 1, 1, "is the drafter's" },
        { "session { layer a heads=2/1 d=64 colour=3; }", 1, 34, "no 'colour=3'" },
        { "session { layer a_name_of_16_chr heads=2/1 d=64; }", 1, 17, "name" },
        { "session { layer a heads=1/1 d=64 scale=nan; }", 1, 40, "number" },
        { A "device gfx999; }", 1, 42, "no device 'gfx999'" },
        { A "device gfx906~wings; }", 1, 49, "no weakening 'wings'" },
        { A "cells 0; }", 1, 41, "from 1 to 65536" },
        { A "cells 99999999999999999999; }", 1, 41, "from 1 to 65536" },
        { A "cells 5; cells 5; }", 1, 44, "a second 'cells'" },
        { A "cache paged; }", 1, 41, "two words" },
        { A "mask wide; }", 1, 40, "exact, padded=N or kept" },
        { A "prefill 4; cells 9; }", 1, 46, "only events" },
        { A "prefill; }", 1, 42, "number" },
        { A "prefill 4 5; }", 1, 45, "semicolon" },
        { A "draft 65 accept 1; }", 1, 41, "from 1 to 64" },
        { A "draft 4 accept 1 branches 1; }", 1, 61, "from 2 to 32" },
        { A "draft 4 accept 1 times 2 branches 2; }", 1, 60, "semicolon" },
        { A "split 2; deal out; }", 1, 49, "down, nearest, single, repeated or mirrored" },
        { A "split 2; turn 8; }", 1, 49, "from 0 to 7" },
        { A "grain 0; }", 1, 41, "from 1 to 1024" },
        { A "views wide; }", 1, 41, "two words" },
        { A "draft 4 accept 5; }", 1, 50, "from 0 to 4" },
        { A "draft 4 of 5; }", 1, 43, "accept" },
        { A "reuse; }", 1, 40, "lcp" },
        { A "reuse lcp=1.5; }", 1, 45, "share" },
        { A "reuse lcp=0.1234; }", 1, 45, "share" },
        { A "slot 1; }", 1, 1, "slot that is not there" },
        { A "seed -1; }", 1, 40, "number" },
        { A "\x01\x02; }", 1, 35, "no statement" },
    };
#undef A
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct attn_session_error e = { 0 };
        size_t used;
        assert_false(attn_session_parse(wrong[i].script, strlen(wrong[i].script), &one, &used, &e));
        if (e.line != wrong[i].line || e.column != wrong[i].column || !strstr(e.message, wrong[i].part))
            fail_msg("%s\nis said to be wrong at %lld:%zu: %s, not %lld:%zu: %s", wrong[i].script, (long long)e.line,
                     e.column, e.message, (long long)wrong[i].line, wrong[i].column, wrong[i].part);
    }
}

/* Any bytes: read or refused with a place inside the text; what is read can be played and prints. */
static void test_any_bytes(void **state)
{
    uint64_t random = 1, x = 1;
    int read = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 4000; seed++) {
        struct attn_session_error e = { 0 };
        size_t used, n;
        decode(seed);
        n = attn_session_print(&one, text, sizeof text);
        for (uint64_t changes = seed % 4; changes > 0; changes--) {
            x = attn_random(&random);
            text[(x >> 33) % n] = "; {}=/0129#\nlq\xff"[(x >> 20) % 15];
        }
        n = seed % 3 ? n : (x >> 33) % n;
        char *exact = malloc(n ? n : 1); /* a read past its end is seen */
        assert_non_null(exact);
        memcpy(exact, text, n);
        if (attn_session_parse(exact, n, &two, &used, &e)) {
            read++;
            assert_null(attn_session_check(&two));
            assert_true(used <= n);
            assert_true(attn_session_print(&two, again, sizeof again) < sizeof again);
        } else {
            assert_true(e.line >= 1 && e.column >= 1 && e.column <= n + 1 && e.message[0]);
        }
        free(exact);
    }
    assert_true(read > 700);
}

/* Every event, feature and value comes up in decoded sessions, and mutants stay within the bytes allowed. */
static void test_decoding_reaches(void **state)
{
    int op[ATTN_SESSION_OP_COUNT] = { 0 }, deal[ATTN_SESSION_DEAL_COUNT] = { 0 }, trees = 0, narrow = 0, turned = 0,
        views = 0, drafters = 0, windows = 0, streams = 0, split = 0, quantised = 0, kept = 0;
    uint8_t bytes[ATTN_SESSION_BYTES_MAX], other[ATTN_SESSION_BYTES_MAX], child[ATTN_SESSION_BYTES_MAX];
    struct attn_session_limits limits;
    size_t n = 0;
    (void)state;
    attn_session_limits_for(ATTN_SESSION_RUN, &limits);
    attn_session_decode(bytes, 0, &limits, &one);
    assert_int_equal(one.n_layers, 1);
    assert_int_equal(one.n_events, 1);
    for (uint64_t seed = 0; seed < 4000; seed++) {
        n = attn_session_mutate(bytes, n, bytes, sizeof bytes, seed);
        size_t m = attn_session_random(other, seed);
        size_t cap = seed % 7 ? sizeof child : seed % sizeof child;
        size_t k = attn_session_cross(bytes, n, other, m, child, cap, seed);
        assert_true(n <= sizeof bytes && m <= sizeof other && k <= cap);
        attn_session_limits_for(seed % 3, &limits);
        attn_session_decode(child, k, &limits, &one);
        assert_null(attn_session_check(&one));
        for (int i = 0; i < one.n_events; i++)
            op[one.event[i].op]++;
        for (int i = 0; i < one.n_events; i++)
            trees += one.event[i].branches > 1;
        for (int i = 0; i < one.n_layers; i++) {
            views += one.layer[i].view;
            drafters += one.layer[i].draft;
            windows += one.layer[i].window > 0;
            quantised += attn_type_info(one.layer[i].type_k)->block_elems > 1;
        }
        streams += !one.unified && one.slots > 1;
        split += one.split > 1;
        deal[one.deal] += one.split > 1;
        turned += one.turn > 0 && one.grain > 1;
        narrow += one.narrow;
        kept += one.mask == ATTN_SESSION_MASK_KEPT;
    }
    for (int i = 0; i < ATTN_SESSION_OP_COUNT; i++)
        assert_true(op[i] > 200);
    for (int i = 0; i < ATTN_SESSION_DEAL_COUNT; i++)
        assert_true(deal[i] > 40);
    assert_true(trees > 400 && narrow > 100 && turned > 40);
    assert_true(views > 40 && drafters > 400 && windows > 400 && streams > 200 && split > 400 && quantised > 200 &&
                kept > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_longest),   cmocka_unit_test(test_every_statement),
        cmocka_unit_test(test_errors),     cmocka_unit_test(test_any_bytes), cmocka_unit_test(test_decoding_reaches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
