/* session_split.c: which heads each device of a split has, in all the ways that servers deal them out, in numbers
 * worked out by hand.
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

#include "tests/fuzz/session_played.h"

static void test_views_and_splits(void **state)
{
    (void)state;
    struct attn_player *p = play(
        "session { layer mla heads=20/1 d=576/512 view; layer gqa heads=24/8 d=64; split 3; cells 64; prefill 4; }");
    /* 20 query heads of one KV head: 6, 7, 7; 8 KV heads of ratio 3: 2, 3, 3. The middle one's shapes are the last
     * one's too. */
    assert_int_equal(p->share[0][0].n_head + p->share[0][1].n_head + p->share[0][2].n_head, 20);
    assert_int_equal(p->share[0][2].n_head, 7);
    assert_int_equal(p->share[0][2].n_head_kv, 1);
    assert_int_equal(p->share[1][0].n_head_kv, 2);
    assert_int_equal(p->share[1][2].first, 15);
    assert_int_equal(p->share[1][2].n_head, 9);
    const struct attn_problem *mla = &seen.problem[0];
    assert_int_equal(mla->t[ATTN_V].buffer, mla->t[ATTN_K].buffer);
    assert_true(mla->t[ATTN_V].buffer != 0);
    assert_tensor(&mla->t[ATTN_V], (int64_t[]){ 512, 4, 1, 1 }, (int64_t[]){ 2, 1152, 1152, 1152 * 64 }, 0);
    attn_player_close(p);
    p = play("session { layer gqa heads=6/3 d=64; split 8; cells 64; prefill 4; }");
    int heads = 0;
    for (int i = 0; i < 8; i++)
        heads += p->share[0][i].n_head;
    assert_int_equal(heads, 6);
    attn_player_close(p);
}

/* -ts 1,3,0,4: boundaries of whole KV heads, rounded down; a device may have none. */
static void test_uneven_split(void **state)
{
    static const int32_t gqa[] = { 0, 3, 0, 4 }, mqa[] = { 2, 8, 0, 10 };
    (void)state;
    struct attn_player *p = play("session { layer gqa heads=21/7 d=64; layer mqa heads=20/1 d=64; split 4; "
                                 "weights 1/3/0/4; cells 64; prefill 4; }");
    int32_t first = 0, first_mqa = 0;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(p->share[0][i].first_kv, first);
        assert_int_equal(p->share[0][i].n_head_kv, gqa[i]);
        assert_int_equal(p->share[0][i].n_head, 3 * gqa[i]);
        assert_int_equal(p->share[1][i].first, first_mqa);
        assert_int_equal(p->share[1][i].n_head, mqa[i]);
        first += gqa[i];
        first_mqa += mqa[i];
    }
    assert_int_equal(seen.n, 2 + 3);
    attn_player_close(p);
}

/* llama.cpp's rotation: the sizes are those of the devices after turn, heads stay in the devices' order; bounds in
 * whole multiples of the grain; ik_llama.cpp's rounding to the nearest; and a single KV head, shared or not. */
static void test_deals(void **state)
{
    static const struct {
        const char *server;
        int32_t heads, kv_heads;
        int32_t n_head[4], first_kv[4], n_head_kv[4];
    } want[] = {
        { "weights 1/3/0/4", 21, 7, { 0, 9, 0, 12 }, { 0, 0, 3, 3 }, { 0, 3, 0, 4 } },
        /* 0/4/1/3 of 7: bounds at 0, 3, 4 */
        { "weights 1/3/0/4; turn 2", 21, 7, { 3, 9, 0, 9 }, { 0, 1, 4, 4 }, { 1, 3, 0, 3 } },
        { "", 7, 7, { 1, 2, 2, 2 }, { 0, 1, 3, 5 }, { 1, 2, 2, 2 } },
        { "turn 1", 7, 7, { 2, 1, 2, 2 }, { 0, 2, 3, 5 }, { 2, 1, 2, 2 } },
        { "grain 4", 20, 10, { 0, 8, 0, 12 }, { 0, 0, 4, 4 }, { 0, 4, 0, 6 } },
        { "grain 4", 40, 1, { 8, 12, 8, 12 }, { 0, 0, 0, 0 }, { 1, 1, 1, 1 } },
        { "deal nearest; weights 1/3/0/4", 21, 7, { 3, 9, 0, 9 }, { 0, 1, 4, 4 }, { 1, 3, 0, 3 } },
        { "deal nearest; turn 3", 5, 5, { 1, 1, 1, 2 }, { 0, 1, 2, 3 }, { 1, 1, 1, 2 } },
        { "deal nearest; grain 2; weights 1/1/1/5", 32, 8, { 0, 0, 8, 24 }, { 0, 0, 0, 2 }, { 0, 0, 2, 6 } },
        { "deal single", 6, 1, { 0, 0, 0, 6 }, { 0, 0, 0, 0 }, { 0, 0, 0, 1 } },
        { "deal single; turn 2", 6, 1, { 0, 6, 0, 0 }, { 0, 0, 1, 1 }, { 0, 1, 0, 0 } },
        { "deal repeated", 21, 3, { 3, 4, 7, 7 }, { 0, 0, 1, 2 }, { 1, 1, 1, 1 } },
        { "deal repeated", 2, 2, { 0, 1, 0, 1 }, { 0, 0, 1, 1 }, { 1, 1, 1, 1 } },
        { "deal repeated", 16, 8, { 4, 4, 4, 4 }, { 0, 2, 4, 6 }, { 2, 2, 2, 2 } },
        { "deal mirrored", 16, 8, { 4, 4, 4, 4 }, { 0, 2, 4, 6 }, { 2, 2, 2, 2 } },
    };
    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        char script[256];
        int32_t first = 0;
        snprintf(script, sizeof script, "session { layer a heads=%d/%d d=64; split 4; %s; cells 64; prefill 4; }",
                 want[i].heads, want[i].kv_heads, want[i].server);
        struct attn_player *p = play(script);
        for (int device = 0; device < 4; device++) {
            const struct session_share *share = &p->share[0][device];
            assert_int_equal(share->n_head, want[i].n_head[device]);
            assert_int_equal(share->n_head_kv, want[i].n_head_kv[device]);
            if (share->n_head_kv > 0)
                assert_int_equal(share->first_kv, want[i].first_kv[device]);
            assert_int_equal(share->first, first);
            first += share->n_head;
            if (share->n_head > 0) /* each query head reads the KV head that it reads in the whole layer */
                for (int32_t h = 0; h < share->n_head; h++)
                    assert_int_equal((share->first + h) / (want[i].heads / want[i].kv_heads),
                                     share->first_kv + h / (share->n_head / share->n_head_kv));
        }
        assert_int_equal(first, want[i].heads);
        attn_player_close(p);
    }
    /* Rows of all KV heads, views of the device's own in them. */
    struct attn_player *p =
        play("session { layer a heads=16/8 d=64 type=q8_0; split 4; deal mirrored; cells 64; base 3; "
             "prefill 4; }");
    assert_int_equal(seen.n, 4);
    assert_tensor(&seen.problem[2].t[ATTN_K], (int64_t[]){ 64, 4, 2, 1 }, (int64_t[]){ 34, 544, 68, 544 * 64 },
                  3 * 34 + 4 * 68);
    attn_player_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_views_and_splits),
        cmocka_unit_test(test_uneven_split),
        cmocka_unit_test(test_deals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
