/* planner_api_key.c: the plan key is coarse where a server's steps differ (P7) and blind to what does not matter (P5);
 * its buckets are what attn_planner.h says.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/planner/planner_api.h"

/* ---- Buckets --------------------------------------------------------------------------------------------- */

static void check_bucket(int64_t (*bucket)(int64_t), int64_t n, int64_t exact_to)
{
    int64_t up = bucket(n), next = bucket(n < INT64_MAX ? n + 1 : n);
    assert_true(up >= n);
    assert_true(next >= up);
    assert_int_equal(bucket(up), up);
    assert_true(next == up || up == n); /* a new bucket starts only behind a ceiling */
    if (n > exact_to)
        assert_true(up - n < n / 4 + 1); /* four an octave: the ceiling is at most a quarter away */
}

static void ceilings_hold_their_bucket(void **state)
{
    (void)state;
    for (int64_t n = 1; n < 70000; n++) {
        check_bucket(attn_bucket_n_q, n, 8);
        check_bucket(attn_bucket_n_kv, n, 256);
        if (n <= 8)
            assert_int_equal(attn_bucket_n_q(n), n);
        if (n <= 256)
            assert_int_equal(attn_bucket_n_kv(n), (n + 31) / 32 * 32);
    }
    uint64_t seed = 1;
    for (int i = 0; i < 200000; i++) {
        int64_t n = 1 + (int64_t)(attn_random(&seed) >> 1 >> attn_random_below(&seed, 63));
        if (n < 1)
            n = INT64_MAX;
        check_bucket(attn_bucket_n_q, n, 8);
        check_bucket(attn_bucket_n_kv, n, 256);
    }
}

static void buckets_are_four_an_octave(void **state)
{
    (void)state;
    int64_t (*const bucket[2])(int64_t) = { attn_bucket_n_q, attn_bucket_n_kv };
    for (int b = 0; b < 2; b++) {
        for (int64_t octave = b ? 256 : 8; octave < INT64_C(1) << 61; octave *= 2)
            for (int64_t quarter = 1; quarter <= 4; quarter++) {
                int64_t ceiling = octave + quarter * (octave / 4), floor = ceiling - octave / 4 + 1;
                assert_int_equal(bucket[b](ceiling), ceiling);
                assert_int_equal(bucket[b](floor), ceiling);
            }
        assert_int_equal(bucket[b](INT64_MAX), INT64_MAX);
        assert_int_equal(bucket[b]((INT64_C(7) << 60) + 1), INT64_MAX);
        assert_int_equal(bucket[b](INT64_C(7) << 60), INT64_C(7) << 60);
    }
}

/* ---- The key --------------------------------------------------------------------------------------------- */

static bool same_key(const struct attn_problem *a, const struct attn_problem *b)
{
    struct attn_key x, y;
    memset(&x, 0x55, sizeof x); /* all bytes are defined, whatever was there */
    memset(&y, 0xaa, sizeof y);
    attn_key_of(a, &x);
    attn_key_of(b, &y);
    return memcmp(&x, &y, sizeof x) == 0;
}

static void what_does_not_matter_does_not_enter(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int i = 0; i < 20000; i++) {
        struct attn_problem p, other;
        random_legal(&seed, true, &p);
        other = p;
        for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
            struct attn_tensor *t = &other.t[o];
            for (int d = 1; d < 4; d++)
                if (t->ne[d] == 1)
                    t->nb[d] = (int64_t)attn_random(&seed);
            t->buffer = (uint8_t)(o + 1);
            t->offset += (int64_t)attn_random_below(&seed, 8) * 272 * 16; /* whole blocks of every type, and 16 bytes */
            if (!t->present)
                for (size_t j = 0; j < offsetof(struct attn_tensor, present); j++)
                    ((unsigned char *)t)[j] = (unsigned char)attn_random(&seed);
        }
        if (other.t[ATTN_Q].ne[1] > 1 || other.t[ATTN_Q].ne[2] > 1)
            random_layout(&seed, &other.t[ATTN_Q], true);
        random_layout(&seed, &other.t[ATTN_DST], false);
        other.scale = attn_float_of_bits((uint32_t)attn_random_below(&seed, 0x7f800000));
        other.softcap = p.softcap > 0 ? 1e-30f : -0.0f;
        other.max_bias = p.max_bias > 0 ? 1e-30f : -0.0f;
        other.head_first = 3;
        other.head_total = INT64_MAX;
        if (!same_key(&p, &other))
            fail_msg("problem %d", i);
    }
}

/* Everything that a kernel may look at, changed by the least that counts. */
static void what_matters_enters(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "fa1 q=f32[64,3,8,2] k=f16[64,300,4,2] v=f16[64,300,4,2] mask=f16[300,3,8,2]",
        "fa1 q=f32[64,4,8,2] k=f16[64,300,4,2] v=f16[64,300,4,2] mask=f16[300,4,8,2]",
        "fa1 q=f32[64,3,8,2] k=f16[64,321,4,2] v=f16[64,321,4,2] mask=f16[321,3,8,2]",
        "fa1 q=f32[80,3,8,2] k=f16[80,300,4,2] v=f16[64,300,4,2] mask=f16[300,3,8,2]",
        "fa1 q=f32[64,3,8,2] k=f16[64,300,4,2] v=f16[80,300,4,2] mask=f16[300,3,8,2]",
        "fa1 q=f32[64,3,16,2] k=f16[64,300,4,2] v=f16[64,300,4,2] mask=f16[300,3,8,2]",
        "fa1 q=f32[64,3,8,2] k=f16[64,300,8,2] v=f16[64,300,8,2] mask=f16[300,3,8,2]",
        "fa1 q=f32[64,3,8,4] k=f16[64,300,4,4] v=f16[64,300,4,4] mask=f16[300,3,8,2]",
        "fa1 q=f32[64,3,8,2] k=f16[64,300,4,2] v=f16[64,300,4,2]",
        "fa1 q=f32[64,3,8,2] k=f16[64,300,4,2] v=f16[64,300,4,2] mask=f16[300,3,4,2]",
        "fa1 q=f32[64,3,8,2] k=f16[64,300,4,2] v=f16[64,300,4,2] mask=f16[300,3,8,1]",
        "fa1 q=f32[64,3,8,2] k=bf16[64,300,4,2] v=f16[64,300,4,2] mask=f16[300,3,8,2]",
        "fa1 q=f32[64,3,8,2] k=f16[64,300,4,2] v=f32[64,300,4,2] mask=f16[300,3,8,2]",
        "fa1 q=f32[64,3,8,2] k=f16[64,300,4,2]+2 v=f16[64,300,4,2] mask=f16[300,3,8,2]",
        "fa1 q=f32[64,3,8,2] k=f16[64,300,4,2]+8 v=f16[64,300,4,2] mask=f16[300,3,8,2]",
        "fa1 q=f32[64,3,8,2] k=f16[64,300,4,2] v=f16[64,300,4,2]:132,39600,158400 mask=f16[300,3,8,2]",
        "fa1 q=f32[64,3,8,2] k=f16[64,300,4,2] v=f16[64,300,4,2]:128,38400,153602 mask=f16[300,3,8,2]",
        "fa1 q=f32[64,3,8,2] k=f16[64,300,4,2]:0,128,512 v=f16[64,300,4,2] mask=f16[300,3,8,2]",
        "fa1 q=f32[64,3,8,2] k=f16[64,300,4,2]:128,38400,0 v=f16[64,300,4,2] mask=f16[300,3,8,2]",
        "fa1 q=f32[64,3,8,2] k=f16[64,300,4,2] v=f16[64,300,4,2]:128,0,38400 mask=f16[300,3,8,2]",
        "fa1 q=f32[64,3,8,2] k=f16[64,300,4,2] v=f16[64,300,4,2] mask=f16[300,3,8,2] sinks",
        "fa1 q=f32[64,3,8,2] k=f16[64,300,4,2] v=f16[64,300,4,2] mask=f16[300,3,8,2] softcap=1",
        "fa1 q=f32[64,3,8,2] k=f16[64,300,4,2] v=f16[64,300,4,2] mask=f16[300,3,8,2] max_bias=1",
    };
    enum { N = sizeof lines / sizeof lines[0] };
    for (size_t a = 0; a < N; a++)
        for (size_t b = 0; b <= a; b++) {
            struct attn_problem x = parse(lines[a]), y = parse(lines[b]);
            assert_int_equal(attn_problem_check(&x, NULL), ATTN_E_OK);
            if (same_key(&x, &y) != (a == b))
                fail_msg("%s\n%s", lines[a], lines[b]);
        }
}

/* What a kernel takes from the key holds for each problem of it: every row of K and V starts on that boundary. */
static void alignment_is_that_of_every_row(void **state)
{
    (void)state;
    uint64_t seed = 3;
    bool seen[5] = { false };
    for (int i = 0; i < 20000; i++) {
        struct attn_problem p;
        struct attn_key key;
        random_legal(&seed, true, &p);
        attn_key_of(&p, &key);
        for (int o = ATTN_K; o <= ATTN_V; o++) {
            const struct attn_tensor *t = &p.t[o];
            uint64_t bits = 16;
            for (int corner = 0; corner < 8; corner++) {
                uint64_t at = (uint64_t)t->offset;
                for (int d = 1; d < 4; d++)
                    if (corner >> (d - 1) & 1 && t->ne[d] > 1)
                        at += (uint64_t)t->nb[d];
                bits |= at;
            }
            int log2 = 0;
            while (!(bits >> log2 & 1))
                log2++;
            assert_int_equal(o == ATTN_K ? key.align_k : key.align_v, log2);
            assert_true(1 << log2 >= attn_type_info(t->type)->align_bytes);
            seen[log2] = true;
        }
    }
    assert_true(seen[1] && seen[2] && seen[3] && seen[4]);
}

/* A thousand decode steps over a server's cache: as many keys as n_kv has buckets (P7 allows twice that). */
static void decode_steps_share_keys(void **state)
{
    (void)state;
    static const int64_t starts[] = { 1, 100, 777, 4000, 32000 };
    for (size_t s = 0; s < sizeof starts / sizeof starts[0]; s++) {
        int keys = 0, buckets = 0;
        struct attn_problem last;
        int64_t last_bucket = 0;
        for (int64_t n_kv = starts[s]; n_kv < starts[s] + 1000; n_kv++) {
            char line[256];
            snprintf(line, sizeof line,
                     "fa1 q=f32[128,1,32,1] k=f16[128,%lld,8,1]@a:2048,256,67108864 "
                     "v=f16[128,%lld,8,1]@b:2048,256,67108864 mask=f16[%lld,1,1,1]",
                     (long long)n_kv, (long long)n_kv, (long long)(n_kv + 255) / 256 * 256);
            struct attn_problem p = parse(line);
            assert_int_equal(attn_problem_check(&p, NULL), ATTN_E_OK);
            keys += n_kv == starts[s] || !same_key(&p, &last);
            buckets += attn_bucket_n_kv(n_kv) != last_bucket;
            last = p;
            last_bucket = attn_bucket_n_kv(n_kv);
        }
        assert_int_equal(keys, buckets);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ceilings_hold_their_bucket),          cmocka_unit_test(buckets_are_four_an_octave),
        cmocka_unit_test(what_does_not_matter_does_not_enter), cmocka_unit_test(what_matters_enters),
        cmocka_unit_test(alignment_is_that_of_every_row),      cmocka_unit_test(decode_steps_share_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
