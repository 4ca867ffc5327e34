/* session_results.c: sessions of every kind, each step run by every able kernel, under two schedules, and judged by the
 * logical history.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fuzz/session_held.h"

static void test_results(void **state)
{
    static const char *const scripts[] = {
        /* a window beside a full cache, a checkpoint that is restored, drafts rolled back, three slots */
        "session { layer w heads=4/2 d=64 window=12; layer f heads=4/1 d=128; layer m heads=2/2 d=64 draft; "
        "slots 3; cells 96; ubatch 16;"
        "prefill 30; checkpoint; draft 5 accept 2; slot 1; prefill 20; decode 2; slot 0; decode 20; "
        "reuse lcp=0.5 prompt=50;"
        "drafts 3 accept 1; together 2; slot 2; prefill 4; together 2; }",
        /* streams, quantised, split over three devices, cells that begin anywhere */
        "session { layer a heads=6/3 d=64 type=q8_0/q4_0; slots 3; cells 48; cache streams; split 3; base 5; "
        "pad 32; mask padded=64; rows 8;"
        "prefill 9; slot 1; prefill 12; together 3; slot 2; prefill 3; drafts 4 accept 1; copy 0; together 2; }",
        /* prompt rows of one slot beside the rows of others, in one stream of cells and in one each */
        "session { layer w heads=4/2 d=64 window=12; layer f heads=4/1 d=128; layer m heads=2/2 d=64 draft; slots 3; "
        "cells 128; ubatch 16; prefill 20; slot 1; prefill 9; slot 2; mixed 30; mixed 9 draft 3 accept 1; slot 0; "
        "mixed 12 draft 2 accept 2; together 1; }",
        "session { layer f heads=4/2 d=64 type=q8_0; slots 3; cells 64; cache streams; ubatch 12; prefill 5; slot 2; "
        "prefill 7; slot 1; mixed 20; mixed 4 draft 2 accept 0; }",
        /* drafters that read the target's cache, one with its own beside them; one KV head over three devices */
        "session { layer w heads=4/2 d=64 window=12; layer f heads=2/1 d=128 type=q8_0; "
        "layer m heads=8/2 d=64 window=12 draft reads=w; layer n heads=5/1 d=128 type=q8_0 sinks draft reads=f; "
        "slots 3; cells 128; ubatch 16; split 3; mask kept; prefill 30; draft 3 accept 1; slot 1; prefill 9; "
        "drafts 2 accept 2; slot 2; mixed 12 draft 3 accept 1; slot 0; checkpoint; decode 14; "
        "reuse lcp=0.5 prompt=40; draft 4 accept 0; shift keep=2; draft 2 accept 1; }",
        "session { layer f heads=4/2 d=64; layer m heads=2/2 d=64 draft; layer n heads=4/2 d=64 draft reads=f; "
        "slots 2; cells 64; cache streams; prefill 9; slot 1; prefill 12; drafts 4 accept 1; slot 0; "
        "draft 2 accept 1; }",
        /* keys from the beginning, padded with zeros that are attended to */
        "session { layer f heads=2/1 d=64; layer x heads=4/2 d=64 cross=3; "
        "layer y heads=2/1 d=96/64 type=q8_0 view sinks cross=257; slots 2; cells 32; base 3; split 2; prefill 4; "
        "slot 1; prefill 2; together 1; draft 2 accept 1; }",
        "session { layer f heads=2/1 d=64; layer x heads=4/2 d=64 cross=3; slots 2; cells 32; cache streams; "
        "prefill 4; slot 1; prefill 2; together 1; }",
        /* drafts that are trees: several slots' in one batch, over two ubatches, with drafters of either kind, beside a
         * prompt; one is the first thing that a slot has */
        "session { layer w heads=4/2 d=64 window=9; layer f heads=4/1 d=128 type=q8_0; layer m heads=2/2 d=64 draft; "
        "layer n heads=4/1 d=128 type=q8_0 draft reads=f; slots 3; cells 160; ubatch 16; split 2; mask kept; "
        "prefill 20; draft 7 accept 2 branches 3; slot 1; prefill 9; drafts 12 accept 3 branches 4 times 2; slot 2; "
        "mixed 20 draft 5 accept 2 branches 2; slot 0; checkpoint; decode 9; reuse lcp=0.5 prompt=40; "
        "draft 9 accept 9 branches 2; shift keep=2; draft 6 accept 1 branches 6; }",
        "session { layer w heads=4/2 d=64 window=3; layer f heads=2/2 d=64 max_bias=8; slots 3; cells 96; "
        "cache streams; swa full; masks shared; ubatch 4; prefill 20; copy 1; drafts 12 accept 3 branches 4 times "
        "2; decode 2; "
        "slot 2; draft 5 accept 1 branches 2; mixed 9 draft 5 accept 2 branches 2; together 2; }",
        /* views of what windows see: slots between each other, a ring, streams, drafters, wide masks */
        "session { layer w heads=4/2 d=64 window=9; layer f heads=2/1 d=64; layer m heads=2/2 d=64 window=9 draft "
        "reads=w; "
        "slots 3; cells 128; ubatch 12; pad 4; views narrow; mask kept; prefill 40; slot 1; prefill 9; together 9; "
        "draft 6 accept 2 branches 3; slot 0; clear; slot 2; prefill 14; drafts 3 accept 1; reuse lcp=0.5 prompt=20; }",
        "session { layer w heads=4/2 d=64 window=7 type=q8_0/q4_0; slots 3; cells 96; cache streams; base 1; swa full; "
        "views narrow; pad 8; mask padded=32; prefill 30; slot 1; prefill 12; together 5; slot 2; prefill 3; "
        "together 2; }",
        /* heads dealt out in other ways */
        "session { layer a heads=10/5 d=64 type=q8_0; layer b heads=7/1 d=64 sinks; layer m heads=5/5 d=64 "
        "type=q8_0 draft "
        "reads=a; split 3; deal mirrored; turn 1; cells 48; base 3; prefill 12; draft 2 accept 1; }",
        "session { layer a heads=12/2 d=64 max_bias=8; layer b heads=5/1 d=64; layer m heads=2/2 d=64 draft reads=a; "
        "split 5; deal repeated; cells 48; prefill 12; draft 2 accept 1; }",
        "session { layer a heads=12/6 d=64; layer b heads=5/1 d=64; split 4; deal nearest; grain 2; weights 1/0/2/4; "
        "cells 48; prefill 12; decode 2; }",
        "session { layer a heads=12/6 d=64; layer b heads=5/1 d=64; split 4; deal single; turn 3; cells 48; prefill "
        "12; }",
        /* keys that are rounded again by each shift: in blocks, in halves; copied, moved, saved and given back, the
         * drafter's with them */
        "session { layer f heads=2/1 d=64 type=q4_0; layer g heads=2/1 d=63 type=bf16; "
        "layer m heads=2/1 d=96 type=q5_1/iq4_nl draft; slots 2; cells 96; prefill 40; draft 3 accept 1; shift keep=4; "
        "decode 3; draft 3 accept 1; shift keep=2; copy 1; slot 1; decode 2; slot 0; clear; defrag; slot 1; decode 1; "
        "draft 2 accept 0; reuse lcp=0.9; }",
        "session { layer w heads=2/1 d=64 type=q8_0 window=40; layer f heads=2/1 d=576/512 type=q8_0 view; swa full; "
        "cells 96; prefill 36; shift keep=4; checkpoint; decode 3; restore; decode 2; shift keep=2; decode 9; }",
        /* devices that have unequal shares of the heads, one of them none */
        "session { layer a heads=10/5 d=64 max_bias=8 sinks; layer b heads=7/1 d=64; split 3; weights 1/0/2; cells 48; "
        "prefill 12; decode 2; }",
        /* MLA, ALiBi, sinks, softcap; shift and defragmentation */
        "session { layer mla heads=2/1 d=576/512 view; cells 24; prefill 10; shift keep=2; decode 4; }",
        "session { layer x heads=5/1 d=80 max_bias=8 softcap=20 sinks scale=0.1; slots 2; cells 64; schedule 3; "
        "prefill 20; slot 1; prefill 7; slot 0;"
        "shift keep=3; decode 2; clear; defrag; slot 1; decode 2; }",
    };
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct attn_session_options options = options_of(host);
        struct attn_session_outcome outcome;
        options.limits.schedules = true;
        read_script(scripts[i], &session);
        must_hold(&options, &outcome);
        assert_int_equal(outcome.skipped, 0);
        assert_int_equal(outcome.ran, outcome.planned);
        if (outcome.counts.refused)
            fail_msg("%s: %" PRId64 " batches without cells", scripts[i], outcome.counts.refused);
        int64_t components = 0, unjudged = 0;
        for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
            components += outcome.kernels.kernel[k].judgement.components;
            unjudged += outcome.kernels.kernel[k].judgement.unjudged;
        }
        assert_true(outcome.kernels.kernel[ATTN_KERNEL_naive].ran && components > 1000);
        assert_true(unjudged * 100 < components);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_results) };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
