/* session_model.c: the model of the cache and the scheduler does what the servers it is a model of are documented to
 * do, in numbers worked out by hand.
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

/* The report's "pos_min = 271, pos_max = 1806": 1807 tokens through a sliding-window cache of 1024 + 512 cells. */
static void test_the_reports_checkpoint(void **state)
{
    (void)state;
    struct attn_player *p =
        play("session { layer s heads=32/16 d=256 window=1024; layer f heads=32/4 d=512; cells 32768;"
             "pad 256; split 2; prefill 1807; checkpoint; }");
    assert_int_equal(p->cache[SESSION_SWA].n_cells, 1536);
    assert_int_equal(session_cache_first(&p->cache[SESSION_SWA], 0), 271);
    assert_int_equal(session_cache_last(&p->cache[SESSION_SWA], 0), 1806);
    assert_int_equal(session_cache_first(&p->cache[SESSION_FULL], 0), 0);
    assert_int_equal(p->slot[0].checkpoint[0].first, 271);
    assert_int_equal(p->slot[0].checkpoint[0].n, 1536);
    /* Four ubatches of up to 512, two layers, two devices. */
    assert_int_equal(p->counts.steps, 4);
    assert_int_equal(seen.n, 16);
    /* The last ubatch, sliding layer, second device: 8 of 16 KV heads, all 1536 cells. */
    const struct attn_problem *last = &seen.problem[13];
    assert_int_equal(seen.at[13].share, 1);
    assert_tensor(&last->t[ATTN_Q], (int64_t[]){ 256, 271, 16, 1 }, (int64_t[]){ 4, 16384, 1024, 16384 * 271 }, 0);
    assert_tensor(&last->t[ATTN_K], (int64_t[]){ 256, 1536, 8, 1 }, (int64_t[]){ 2, 4096, 512, 4096 * 1536 }, 0);
    assert_int_equal(last->head_first, 16);
    assert_int_equal(last->head_total, 32);
    attn_player_close(p);
}

/* A slot keeps a prefix; what the window lost comes back from the checkpoint, or all is evaluated again. */
static void test_reuse(void **state)
{
    (void)state;
    static const char model[] =
        "session { layer s heads=1/1 d=64 window=16; layer f heads=1/1 d=64; cells 256; ubatch 8; ";
    char script[512];
    /* 40 tokens, then 30 more: the window's cache has 16 + 8 cells. The prompt shares 35 tokens. */
    snprintf(script, sizeof script, "%sprefill 40; checkpoint; decode 30; reuse lcp=0.7 prompt=50; }", model);
    struct attn_player *p = play(script);
    assert_int_equal(p->counts.restored, 1);
    assert_int_equal(p->counts.tokens, 40 + 30 + 15);
    assert_int_equal(attn_player_length(p, 0), 50);
    assert_int_equal(session_cache_last(&p->cache[SESSION_SWA], 0), 49);
    attn_player_close(p);
    /* Without the checkpoint it begins again at 0. */
    snprintf(script, sizeof script, "%sprefill 40; decode 30; reuse lcp=0.7 prompt=50; }", model);
    p = play(script);
    assert_int_equal(p->counts.restored, 0);
    assert_int_equal(p->counts.tokens, 40 + 30 + 50);
    attn_player_close(p);
    /* The whole slot and a little more: nothing is lost, only new tokens are evaluated. */
    snprintf(script, sizeof script, "%sprefill 40; decode 30; reuse lcp=1 prompt=70; reuse lcp=0.7; }", model);
    p = play(script);
    assert_int_equal(p->counts.tokens, 40 + 30 + 1 + 30);
    attn_player_close(p);
}

static void test_drafts(void **state)
{
    (void)state;
    struct attn_player *p = play("session { layer f heads=2/1 d=64; layer m heads=2/1 d=64 draft; cells 64; prefill 10;"
                                 "draft 4 accept 2; draft 4 accept 4; }");
    /* prefill; drafter: 10 tokens it lacks, 4 drafts; verify 5; drafter: 13 - 13 = 0 lacking (it has 10 + 3), 4;
     * verify 5. */
    static const struct {
        int32_t n_q, n_kv;
        bool draft;
    } want[] = {
        { 10, 10, false }, { 10, 10, true }, { 1, 11, true }, { 1, 12, true }, { 1, 13, true }, { 1, 14, true },
        { 5, 15, false },  { 1, 14, true },  { 1, 15, true }, { 1, 16, true }, { 1, 17, true }, { 5, 18, false },
    };
    assert_int_equal(seen.n, sizeof want / sizeof want[0]);
    for (int64_t i = 0; i < seen.n; i++) {
        assert_int_equal(attn_n_q(&seen.problem[i]), want[i].n_q);
        assert_int_equal(attn_n_kv(&seen.problem[i]), want[i].n_kv);
        assert_int_equal(seen.at[i].draft, want[i].draft);
    }
    assert_int_equal(attn_player_length(p, 0), 18);
    attn_player_close(p);
}

/* Prompt rows of one slot and decode or draft rows of others in one ubatch: what generates comes first, the prompt
 * fills it. */
static void test_mixed_batches(void **state)
{
    static const int32_t slots[][10] = { { 0, 1, 2, 2, 2, 2 }, { 0, 1, 2, 2, 2 }, { 0, 0, 0, 1, 1, 1 } };
    (void)state;
    struct attn_player *p = play("session { layer f heads=2/1 d=64; slots 3; cells 64; ubatch 6; prefill 5; slot 1; "
                                 "prefill 3; slot 2; mixed 7; mixed 2 draft 2 accept 1; }");
    /* 5; 3; a token each of slots 0 and 1 and 4 of the prompt; as many and 3; then 3 each of slots 0 and 1, and one of
     * the prompt, twice; the third token of each is rolled back, and the next ones take its cell. */
    static const int32_t n_q[] = { 5, 3, 6, 5, 6, 1, 6, 1 }, n_kv[] = { 5, 8, 14, 19, 25, 26, 30, 31 };
    assert_int_equal(seen.n, sizeof n_q / sizeof n_q[0]);
    for (int64_t i = 0; i < seen.n; i++) {
        assert_int_equal(attn_n_q(&seen.problem[i]), n_q[i]);
        assert_int_equal(attn_n_kv(&seen.problem[i]), n_kv[i]);
        for (int32_t r = 0; i >= 2 && i < 5 && r < n_q[i]; r++)
            assert_int_equal(seen.row_slot[i][r], slots[i - 2][r]);
    }
    /* Of three tokens two stay. */
    assert_int_equal(attn_player_length(p, 0), 5 + 2 + 2 * 2);
    assert_int_equal(attn_player_length(p, 1), 3 + 2 + 2 * 2);
    assert_int_equal(attn_player_length(p, 2), 9);
    attn_player_close(p);
    /* A stream a slot: of the batch 0, 2, 1 the streams 0 and 1 are together, then 2, then the rest of the prompt. */
    p = play(
        "session { layer f heads=2/1 d=64; slots 3; cells 64; cache streams; prefill 5; slot 2; prefill 3; slot 1; "
        "mixed 7; }");
    static const int32_t seqs[] = { 1, 1, 2, 1, 1 }, rows[] = { 5, 3, 1, 1, 6 };
    assert_int_equal(seen.n, sizeof seqs / sizeof seqs[0]);
    for (int64_t i = 0; i < seen.n; i++) {
        assert_int_equal(attn_n_seq(&seen.problem[i]), seqs[i]);
        assert_int_equal(attn_n_q(&seen.problem[i]), rows[i]);
    }
    attn_player_close(p);
}

/* A drafter that reads the target's cache evaluates nothing before, writes nothing, and has each of its tokens at the
 * position of the first; beside it, one with a cache of its own. */
static void test_readers(void **state)
{
    static const struct {
        int32_t n_q, n_kv, layer;
    } want[] = {
        { 30, 30, 0 }, { 30, 14, 1 }, { 1, 30, 2 }, { 1, 14, 3 },
        { 1, 30, 2 },  { 1, 14, 3 },  { 3, 33, 0 }, { 3, 14, 1 },
    };
    (void)state;
    struct attn_player *p =
        play("session { layer f heads=4/2 d=64; layer w heads=2/1 d=128 window=8; layer m heads=6/2 d=64 draft reads=f;"
             "layer n heads=1/1 d=128 window=8 reads=w draft; cells 64; ubatch 6; split 3; slots 2; cache streams;"
             "slot 1; draft 1 accept 0; clear; slot 0; prefill 2; clear; }");
    /* Before there is a token there is nothing to be read. */
    for (int64_t i = 0; i < seen.n; i++)
        assert_false(seen.at[i].draft);
    attn_player_close(p);
    p = play("session { layer f heads=4/2 d=64; layer w heads=2/1 d=128 window=8; layer m heads=6/2 d=64 draft reads=f;"
             "layer n heads=1/1 d=128 window=8 reads=w draft; cells 64; ubatch 6; prefill 30; draft 2 accept 1; }");
    assert_int_equal(p->cache[SESSION_DRAFTER].n_cells, 0);
    assert_int_equal(seen.n, 5 * 2 + 3 * 2);
    for (int i = 0; i < 6; i++) {
        const struct attn_problem *q = &seen.problem[10 + i];
        assert_int_equal(attn_n_q(q), want[2 + i].n_q);
        assert_int_equal(attn_n_kv(q), want[2 + i].n_kv);
        assert_int_equal(seen.at[10 + i].layer, want[2 + i].layer);
    }
    assert_int_equal(attn_n_head(&seen.problem[10]), 6);
    assert_int_equal(attn_n_head_kv(&seen.problem[10]), 2);
    assert_int_equal(attn_player_length(p, 0), 32);
    attn_player_close(p);
}

static void test_padding(void **state)
{
    static const struct {
        int pad, cells, tokens, n_kv;
    } want[] = {
        { 1, 300, 33, 33 }, { 32, 300, 33, 64 }, { 256, 300, 33, 256 }, { 256, 300, 257, 300 }, { 32, 300, 299, 300 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        char script[256];
        snprintf(script, sizeof script,
                 "session { layer f heads=1/1 d=64; pad %d; cells %d; mask padded=64; rows 8; prefill %d; }",
                 want[i].pad, want[i].cells, want[i].tokens);
        struct attn_player *p = play(script);
        const struct attn_problem *q = &seen.problem[0];
        assert_int_equal(attn_n_kv(q), want[i].n_kv);
        assert_int_equal(q->t[ATTN_MASK].ne[0], (want[i].n_kv + 63) / 64 * 64);
        assert_int_equal(q->t[ATTN_MASK].ne[1], (want[i].tokens + 7) / 8 * 8);
        attn_player_close(p);
    }
}

/* A stream of cells a slot: slots whose numbers follow one another are one problem, as many tokens of each. */
static void test_streams(void **state)
{
    (void)state;
    struct attn_player *p = play(
        "session { layer f heads=4/2 d=64 type=q8_0; cells 100; slots 4; cache streams; base 3;"
        "slot 1; prefill 5; slot 2; prefill 9; together 1; slot 0; prefill 2; slot 3; prefill 1; drafts 2 accept 0; }");
    const struct attn_problem *q = &seen.problem[2];
    assert_int_equal(attn_n_seq(q), 2);
    assert_int_equal(attn_n_q(q), 1);
    assert_int_equal(attn_n_kv(q), 10);
    /* A row of q8_0 has 2 blocks of 34 bytes a head; the view begins 3 blocks in, at the second stream. */
    assert_tensor(&q->t[ATTN_K], (int64_t[]){ 64, 10, 2, 2 }, (int64_t[]){ 34, 136, 68, 13600 }, 3 * 34 + 13600);
    assert_int_equal(q->t[ATTN_MASK].ne[3], 2);
    assert_int_equal(attn_n_seq(&seen.problem[5]), 4);
    assert_int_equal(attn_n_q(&seen.problem[5]), 3);
    attn_player_close(p);
    /* Sequences with the same cells at the same positions can share a mask; others cannot. */
    p = play("session { layer f heads=1/1 d=64; cells 32; slots 2; cache streams; masks shared; prefill 3; copy 1; "
             "together 1;"
             "slot 1; decode 1; together 1; }");
    assert_int_equal(seen.problem[1].t[ATTN_MASK].ne[3], 1);
    assert_int_equal(seen.problem[3].t[ATTN_MASK].ne[3], 2);
    attn_player_close(p);
}

/* Views of a layer with a window from the first to the last cell that a row sees, in whole paddings: of one sequence,
 * of two whose cells lie between each other, of a ring that has begun anew. */
static void test_narrow_views(void **state)
{
    (void)state;
    struct attn_player *p =
        play("session { layer w heads=2/1 d=64 window=9; layer f heads=2/1 d=64; slots 2; cells 96; "
             "swa full; views narrow; pad 4; prefill 42; decode 1; slot 1; prefill 2; together 6; }");
    /* 43 tokens: the last sees positions 34 to 42: cells 32 to 44. */
    assert_tensor(&seen.problem[2].t[ATTN_K], (int64_t[]){ 64, 12, 1, 1 }, (int64_t[]){ 2, 128, 128, 128 * 96 },
                  32 * 128);
    assert_int_equal(seen.problem[2].t[ATTN_MASK].ne[0], 12);
    assert_int_equal(attn_n_kv(&seen.problem[3]), 44);
    assert_int_equal(seen.problem[3].t[ATTN_K].offset, 0);
    /* Slot 1 begins at cell 43; behind it both have every other cell: of slot 0 positions 40 to 48 are cells 40 to 55,
     * of slot 1 all, from 43 on. */
    const struct attn_problem *last = &seen.problem[seen.n - 2];
    assert_int_equal(last->t[ATTN_K].offset, 40 * 128);
    assert_int_equal(attn_n_kv(last), 60 - 40);
    attn_player_close(p);
    /* A ring of 8 + 4 cells: position 22 sees 15 to 22, of which 15 to 23 - 1 lie in cells 3 to 10. */
    p = play("session { layer w heads=2/1 d=64 window=8; layer f heads=2/1 d=64; cells 96; ubatch 4; views narrow; "
             "prefill 20; decode 3; }");
    last = &seen.problem[seen.n - 2];
    assert_int_equal(p->cache[SESSION_SWA].n_cells, 12);
    assert_int_equal(last->t[ATTN_K].offset, 3 * 128);
    assert_int_equal(attn_n_kv(last), 8);
    attn_player_close(p);
}

/* A tree of drafts: each token once, in the order of their depths, at the position of its depth; the drafter evaluates
 * those that another comes after, a depth a step; what is accepted stays where it is. */
static void test_trees(void **state)
{
    (void)state;
    struct attn_player *p = play("session { layer f heads=2/1 d=64; layer m heads=2/1 d=64 draft; cells 64; prefill 10;"
                                 "draft 9 accept 2 branches 3; decode 1; }");
    const struct session_tree *tree = &p->tree[0];
    int32_t depths = 0, parents = 0;
    assert_int_equal(tree->n, 10);
    assert_int_equal(tree->leaves, 3);
    assert_int_equal(tree->root, 10);
    for (int32_t i = 1; i < tree->n; i++) {
        assert_true(tree->node[i].parent < i);
        assert_int_equal(tree->node[i].depth, tree->node[tree->node[i].parent].depth + 1);
        assert_true(tree->node[i].depth >= tree->node[i - 1].depth);
        assert_int_equal(tree->node[i].branches & ~tree->node[tree->node[i].parent].branches, 0);
    }
    for (; tree->open[depths]; depths++)
        parents += tree->open[depths];
    assert_int_equal(tree->node[0].branches, 7);
    assert_int_equal(depths, tree->node[9].depth);
    /* prefill, drafter: 10 tokens it lacks, then a step a depth; the tree; a token, behind 13 that stay. */
    assert_int_equal(seen.n, 2 + depths + 2);
    int32_t n_kv = 10;
    for (int32_t k = 0; k < depths; k++) {
        n_kv += tree->open[k];
        assert_int_equal(attn_n_q(&seen.problem[2 + k]), tree->open[k]);
        assert_int_equal(attn_n_kv(&seen.problem[2 + k]), n_kv);
    }
    assert_int_equal(n_kv, 10 + parents);
    assert_int_equal(attn_n_q(&seen.problem[2 + depths]), 10);
    assert_int_equal(attn_n_kv(&seen.problem[2 + depths]), 20);
    assert_int_equal(attn_player_length(p, 0), 14);
    const struct session_stream *stream = &p->cache[SESSION_FULL].stream[0];
    assert_int_equal(stream->used, 14);
    for (int32_t i = 0; i < stream->end; i++)
        if (stream->cell[i].pos >= 0) {
            assert_int_equal(stream->cell[i].branches, 0);
            assert_int_equal(stream->cell[i].token, attn_player_token(p, 0, stream->cell[i].pos));
        }
    attn_player_close(p);
    /* Where a cache is full the tree is given up, whole. */
    p = play("session { layer f heads=2/1 d=64; cells 24; ubatch 4; prefill 20; draft 20 accept 3 branches 4; }");
    assert_true(p->counts.refused > 0);
    assert_int_equal(attn_player_length(p, 0), 20);
    assert_int_equal(p->cache[SESSION_FULL].stream[0].used, 20);
    attn_player_close(p);
}

/* Keys that are there from the beginning: a padded number of them and no mask, whatever the cache holds. */
static void test_cross(void **state)
{
    (void)state;
    struct attn_player *p =
        play("session { layer f heads=2/2 d=64; layer x heads=2/2 d=64 cross=300; slots 2; cells 64; "
             "cache streams; prefill 4; slot 1; prefill 4; together 1; }");
    assert_int_equal(seen.n, 6);
    for (int i = 1; i < 6; i += 2) {
        assert_int_equal(attn_n_kv(&seen.problem[i]), 512);
        assert_false(seen.problem[i].t[ATTN_MASK].present);
        assert_int_equal(seen.problem[i].t[ATTN_K].ne[3], 1);
    }
    /* Of two slots' streams the rows are one sequence's. */
    assert_int_equal(attn_n_seq(&seen.problem[4]), 2);
    assert_int_equal(attn_n_seq(&seen.problem[5]), 1);
    assert_int_equal(attn_n_q(&seen.problem[5]), 2);
    attn_player_close(p);
}

static void test_shift_copy_defrag(void **state)
{
    (void)state;
    struct attn_player *p =
        play("session { layer f heads=1/1 d=64; cells 40; slots 3; prefill 20; slot 1; prefill 6; slot 0; shift keep=4;"
             "slot 2; prefill 3; slot 0; clear; defrag; slot 1; copy 0; slot 0; decode 1; shift keep=0; }");
    /* 20 - (20 - 4) / 2 = 12; 6; 3. After the defragmentation the 9 that are left are in the first cells. */
    const struct session_stream *stream = &p->cache[SESSION_FULL].stream[0];
    assert_int_equal(attn_player_length(p, 0),
                     7); /* a copy of slot 1 and one more; it shares cells and is not shifted */
    assert_int_equal(stream->used, 10);
    assert_int_equal(stream->end, 10);
    for (int i = 0; i < 6; i++)
        assert_int_equal(attn_player_token(p, 0, i), attn_player_token(p, 1, i));
    attn_player_close(p);
}

static void test_a_full_cache(void **state)
{
    (void)state;
    struct attn_player *p =
        play("session { layer f heads=1/1 d=64; cells 16; slots 2; prefill 12; slot 1; prefill 8; decode 3; slot 0; "
             "decode 9; }");
    assert_true(p->counts.refused > 0);
    for (int slot = 0; slot < 2; slot++)
        assert_int_equal(attn_player_length(p, slot), session_cache_last(&p->cache[SESSION_FULL], slot) + 1);
    attn_player_close(p);
}

/* ---- The seed ---- */

struct counts {
    int64_t wide[10], drafts[10]; /* problems, by request */
    int32_t requests;
    int64_t steps;
};

static bool count(void *context, const struct attn_player *player, const struct attn_session_at *at,
                  const struct attn_problem *p)
{
    struct counts *c = context;
    (void)player;
    assert_in_range(at->request, 1, 9);
    c->drafts[at->request] += at->draft;
    if (p->t[ATTN_MASK].ne[0] != attn_n_kv(p)) {
        assert_true(at->draft);
        c->wide[at->request]++;
    }
    c->requests = at->request;
    c->steps = at->step;
    return true;
}

/* Only a drafter's masks, only after a context was reused, are wider than n_kv: what the seed's fault needed. */
static void test_kept_masks_need_history(void **state)
{
    static char script[ATTN_SESSION_TEXT_MAX];
    struct counts c = { .steps = 0 };
    int64_t later = 0;
    (void)state;
    FILE *file = fopen("corpus/sessions/seed-gemma4-31b.txt", "r");
    assert_non_null(file);
    script[fread(script, 1, sizeof script - 1, file)] = 0;
    fclose(file);
    const char *start = strstr(script, "\nsession {");
    assert_non_null(start);
    read_script(start + 1, &session);
    struct attn_player *p = attn_player_open(&session, false, 0);
    assert_non_null(p);
    assert_true(attn_player_play(p, count, &c));
    assert_true(p->counts.restored > 0 && p->counts.refused == 0);
    attn_player_close(p);
    for (int i = 2; i <= 8; i++)
        later += c.wide[i];
    assert_int_equal(c.requests, 8);
    assert_int_equal(c.wide[1], 0);
    assert_true(c.drafts[1] > 100);
    assert_true(later > 100);
    assert_true(c.steps > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_reports_checkpoint),
        cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_drafts),
        cmocka_unit_test(test_mixed_batches),
        cmocka_unit_test(test_readers),
        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_narrow_views),
        cmocka_unit_test(test_trees),
        cmocka_unit_test(test_cross),
        cmocka_unit_test(test_shift_copy_defrag),
        cmocka_unit_test(test_a_full_cache),
        cmocka_unit_test(test_kept_masks_need_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
