/* fuzz_witness.c: data that bear witness. At any length each witness moves a component of its own; scores are as deep
 * as their profile says; a mask of the lowest finite number leaves rows live; V cancels; maxima rise once a stair.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz/case/attn_case.h"
#include "reference/attn_reference.h"

/* A line's data, and the scores and V of one row of its first head in double. */
struct row {
    struct attn_case c;
    struct attn_image image;
    int64_t n_kv, d_v;
    double *score, max, sum, *v, *value, *magnitude; /* v: [key * d_v + d]; value, magnitude: sum w V, sum w |V| */
};

static void open_row(const char *line, int64_t iq, struct row *r)
{
    struct attn_text_error error;
    assert_true(attn_case_parse(line, strlen(line), &r->c, &error));
    const struct attn_problem *p = &r->c.problem;
    assert_true(attn_image_create(p, INT64_C(1) << 28, &r->image));
    attn_data_fill(&r->c, &r->image);
    const char *base[ATTN_OPERAND_COUNT];
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        base[o] = attn_image_at(&r->image, p, o);
    const int64_t d_k = attn_d_k(p);
    const float *q = (const float *)(const void *)(base[ATTN_Q] + iq * p->t[ATTN_Q].nb[1]);
    float *x = malloc((size_t)(d_k > attn_d_v(p) ? d_k : attn_d_v(p)) * sizeof *x);
    r->n_kv = attn_n_kv(p);
    r->d_v = attn_d_v(p);
    r->score = malloc((size_t)r->n_kv * sizeof(double));
    r->v = malloc((size_t)(r->n_kv * r->d_v) * sizeof(double));
    r->value = calloc((size_t)r->d_v, sizeof(double));
    r->magnitude = calloc((size_t)r->d_v, sizeof(double));
    assert_true(x && r->score && r->v && r->value && r->magnitude);
    r->max = -INFINITY;
    r->sum = 0;
    for (int64_t k = 0; k < r->n_kv; k++) {
        double dot = 0;
        uint16_t bias = 0;
        attn_row_decode(p->t[ATTN_K].type, base[ATTN_K] + k * p->t[ATTN_K].nb[1], d_k, x);
        for (int64_t d = 0; d < d_k; d++)
            dot += (double)q[d] * (double)x[d];
        if (base[ATTN_MASK])
            memcpy(&bias, base[ATTN_MASK] + iq * p->t[ATTN_MASK].nb[1] + 2 * k, 2);
        r->score[k] = (double)p->scale * dot;
        if (p->softcap > 0)
            r->score[k] = (double)p->softcap * tanh(r->score[k] / (double)p->softcap);
        r->score[k] += (double)attn_f16_to_f32(bias);
        r->max = fmax(r->max, r->score[k]);
        attn_row_decode(p->t[ATTN_V].type, base[ATTN_V] + k * p->t[ATTN_V].nb[1], r->d_v, x);
        for (int64_t d = 0; d < r->d_v; d++)
            r->v[k * r->d_v + d] = (double)x[d];
    }
    for (int64_t k = 0; k < r->n_kv; k++) {
        const double w = exp(r->score[k] - r->max);
        r->sum += w;
        for (int64_t d = 0; d < r->d_v && w > 0; d++) {
            r->value[d] += w * r->v[k * r->d_v + d];
            r->magnitude[d] += w * fabs(r->v[k * r->d_v + d]);
        }
    }
    free(x);
}

static void close_row(struct row *r)
{
    attn_image_free(&r->image);
    free(r->score);
    free(r->v);
    free(r->value);
    free(r->magnitude);
}

/* The largest change of a component, in units of sum p |V| of it, when the key's weight is multiplied by `times`. */
static double moved_by(const struct row *r, int64_t key, double times)
{
    const double more = (times - 1) * exp(r->score[key] - r->max);
    double most = 0;
    for (int64_t d = 0; d < r->d_v; d++) {
        const double now = r->value[d] / r->sum, then = (r->value[d] + more * r->v[key * r->d_v + d]) / (r->sum + more);
        if (r->magnitude[d] > 0)
            most = fmax(most, fabs(then - now) / (r->magnitude[d] / r->sum));
    }
    return most;
}

/* Each component has its share of the witnesses, and one of them is about so much of it. */
static void each_witness_moves_a_component(void **state)
{
    static const char *const lines[] = {
        "fa1 q=f32[64,1,1,1] k=f16[64,2,1,1] v=f16[64,2,1,1] scale=0.125 | data=witness",
        "fa1 q=f32[64,1,1,1] k=f16[64,33,1,1] v=f16[64,33,1,1] scale=0.125 | data=witness seed=1",
        "fa1 q=f32[128,1,1,1] k=q8_0[128,500,1,1] v=q8_0[128,500,1,1] scale=0.0884 | data=witness seed=2",
        "fa1 q=f32[128,1,1,1] k=bf16[128,4096,1,1] v=bf16[128,4096,1,1] scale=0.0884 softcap=50 | data=witness seed=3",
        "fa1 q=f32[64,1,1,1] k=q4_0[64,5000,1,1] v=q4_0[64,5000,1,1] scale=-0.125 | data=witness seed=4",
        "fa1 q=f32[576,1,1,1] k=f16[576,3000,1,1]@a v=f16[512,3000,1,1]@a:1152,0,0 scale=0.0417 | data=witness seed=5",
        "fa1 q=f32[64,1,1,1] k=f16[64,6000,1,1] v=f16[64,6000,1,1] scale=0 | data=witness seed=6",
        "fa1 q=f32[64,1,1,1] k=f16[64,6000,1,1] v=f16[64,6000,1,1] scale=0.125 softcap=1 | data=witness seed=7",
        "fa1 q=f32[64,1,1,1] k=f16[64,6000,1,1]:0,128,128 v=f16[64,6000,1,1] scale=0.125 | data=witness seed=8",
        "fa1 q=f32[8,1,1,1] k=f16[8,1048576,1,1] v=f16[8,1048576,1,1] scale=0.35 | data=witness seed=9",
        "fa1 q=f32[1,1,1,1] k=f32[1,70000,1,1] v=f32[3,70000,1,1] scale=1e-6 | data=witness seed=10",
    };
    enum { CAP = 400 };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct row r;
        int64_t keys[CAP];
        double least;
        open_row(lines[i], 0, &r);
        const int n = attn_data_witnesses(&r.c, keys, CAP, &least);
        const int64_t runs = (r.n_kv + 31) / 32, components = r.d_v < 8 ? r.d_v : 8;
        assert_true(n >= (runs < 370 ? runs : 370));
        assert_true(keys[0] == 0);
        assert_true(r.n_kv == 1 || keys[1] == r.n_kv - 1);
        for (int k = 0; k < n; k++) {
            const double share = fmax(1.0 / (1.0 + (double)runs / (double)components), 1.0 / 256);
            assert_true(keys[k] >= 0 && keys[k] < r.n_kv);
            if (exp(r.score[keys[k]] - r.max) / r.sum < least)
                fail_msg("%s: key %lld has a weight of only %g", lines[i], (long long)keys[k],
                         exp(r.score[keys[k]] - r.max) / r.sum);
            if (moved_by(&r, keys[k], 0) < share / 8 || moved_by(&r, keys[k], 2) < share / 8)
                fail_msg("%s: key %lld moves no component by more than %g of %g", lines[i], (long long)keys[k],
                         moved_by(&r, keys[k], 0), share);
        }
        close_row(&r);
    }
}

/* Does a judge of the plan accept the row with the weights of keys from `first` to before `end` multiplied by `times`?
 */
static bool is_accepted(const struct row *r, const struct attn_reference *reference, const struct attn_plan *plan,
                        int64_t first, int64_t end, double times)
{
    struct attn_judgement j;
    float *dst = malloc((size_t)r->d_v * sizeof *dst);
    double *value = malloc((size_t)r->d_v * sizeof *value), sum = r->sum;
    assert_true(dst && value);
    memcpy(value, r->value, (size_t)r->d_v * sizeof *value);
    for (int64_t k = first; k < end; k++) {
        const double more = (times - 1) * exp(r->score[k] - r->max);
        sum += more;
        for (int64_t d = 0; d < r->d_v && more != 0; d++)
            value[d] += more * r->v[k * r->d_v + d];
    }
    for (int64_t d = 0; d < r->d_v; d++)
        dst[d] = (float)(value[d] / sum);
    attn_judge(reference, &plan->arithmetic, dst, &j);
    free(dst);
    free(value);
    return j.failed + j.suspect == 0;
}

static void check_losses(const char *line, const struct row *r, const struct attn_reference *reference,
                         const struct attn_plan *plan)
{
    enum { CAP = 60, TILE = 32 };
    const int64_t splits = plan->splits > 1 ? plan->splits : 4;
    int64_t keys[CAP];
    double least;
    const int n = attn_data_witnesses(&r->c, keys, CAP, &least);
    if (!is_accepted(r, reference, plan, 0, 0, 0))
        fail_msg("%s, %s: the truth is not accepted", line, attn_kernel(plan->kernel)->name);
    for (int i = 0; i < n; i++) {
        const int64_t k = keys[i], tile = k / TILE * TILE, end = tile + TILE < r->n_kv ? tile + TILE : r->n_kv;
        if (is_accepted(r, reference, plan, k, k + 1, 0) || is_accepted(r, reference, plan, k, k + 1, 2) ||
            is_accepted(r, reference, plan, tile, end, 0))
            fail_msg("%s, %s: key %lld lost, doubled or its tile lost is accepted", line,
                     attn_kernel(plan->kernel)->name, (long long)k);
    }
    for (int64_t s = 0; s < splits; s++)
        assert_false(is_accepted(r, reference, plan, r->n_kv * s / splits, r->n_kv * (s + 1) / splits, 0));
}

/* Of every kernel, on devices with matrix cores that truncate, that flush, and with none. */
static void a_lost_key_tile_or_split_is_seen_at_any_length(void **state)
{
    static const char *const lines[] = {
        "fa1 q=f32[64,1,1,1] k=f16[64,4096,1,1] v=f16[64,4096,1,1] scale=0.125 | data=witness seed=1",
        "fa1 q=f32[64,1,1,1] k=bf16[64,4097,1,1] v=bf16[64,4097,1,1] scale=0.125 | data=witness seed=2",
        "fa1 q=f32[128,1,1,1] k=q8_0[128,16384,1,1] v=q8_0[128,16384,1,1] scale=0.0884 | data=witness seed=3",
        "fa1 q=f32[64,1,1,1] k=f16[64,131072,1,1] v=f16[64,131072,1,1] scale=0.125 | data=witness seed=4",
        "fa1 q=f32[32,1,1,1] k=q8_0[32,262144,1,1] v=q8_0[32,262144,1,1] scale=0.177 | data=witness seed=5",
        "fa1 q=f32[8,1,1,1] k=f16[8,1048576,1,1] v=f16[8,1048576,1,1] scale=0.35 | data=witness seed=6",
        "fa1 q=f32[8,1,1,1] k=bf16[8,1048576,1,1] v=bf16[8,1048576,1,1] scale=0.35 | data=witness seed=7",
    };
    static const char *const devices[] = { "gfx906", "gfx90a", "gfx1201", "sm_90" };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct row r;
        const void *base[ATTN_OPERAND_COUNT];
        open_row(lines[i], 0, &r);
        for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
            base[o] = attn_image_at(&r.image, &r.c.problem, o);
        struct attn_reference *reference = attn_reference_compute(&r.c.problem, base);
        assert_non_null(reference);
        for (size_t d = 0; d < sizeof devices / sizeof devices[0]; d++)
            for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
                struct attn_key key;
                struct attn_plan plan;
                attn_key_of(&r.c.problem, &key);
                if (attn_plan_kernel(attn_device_find(devices[d]), &key, k, &plan, NULL))
                    check_losses(lines[i], &r, reference, &plan);
            }
        attn_reference_free(reference);
        close_row(&r);
    }
}

static void deep_scores_are_deep_and_one_stands_out(void **state)
{
    int near = 0, past = 0;
    (void)state;
    for (int seed = 0; seed < 24; seed++) {
        char line[160];
        struct row r;
        snprintf(line, sizeof line,
                 "fa1 q=f32[128,1,1,1] k=f16[128,%d,1,1] v=f16[128,%d,1,1] scale=1 | data=deep seed=%d", 1 + 97 * seed,
                 1 + 97 * seed, seed);
        open_row(line, 0, &r);
        double next = -INFINITY;
        for (int64_t k = 0; k < r.n_kv; k++)
            if (r.score[k] < r.max)
                next = fmax(next, r.score[k]);
        near += r.max < -25000 && r.max > -40000;
        past += r.max < -60000;
        assert_true(r.max < -25000 && r.max > -150000);
        assert_true(next < r.max - 100);
        assert_true(r.sum < 1.0001); /* its weight, and nothing else */
        close_row(&r);
    }
    assert_true(near > 3 && past > 3);
}

static void maxima_rise_once_a_stair(void **state)
{
    struct row r;
    (void)state;
    open_row("fa1 q=f32[64,1,1,1] k=f16[64,1000,1,1] v=f16[64,1000,1,1] scale=0.125 | data=stairs seed=1", 0, &r);
    int rises = 0;
    double max = -INFINITY;
    for (int64_t from = 0; from < r.n_kv; from += 32) {
        double here = -INFINITY;
        for (int64_t k = from; k < r.n_kv && k < from + 32; k++)
            here = fmax(here, r.score[k]);
        rises += here > max + 0.1;
        max = fmax(max, here);
    }
    assert_true(rises >= 31);
    close_row(&r);
}

static void v_cancels_in_some_components_and_not_in_all(void **state)
{
    struct row r;
    int much = 0, little = 0;
    (void)state;
    open_row("fa1 q=f32[64,1,1,1] k=f16[64,1000,1,1] v=f16[64,1000,1,1] scale=0.125 | data=cancel seed=1", 0, &r);
    for (int64_t d = 0; d < 64; d++) {
        much += fabs(r.value[d]) < 0.01 * r.magnitude[d];
        little += fabs(r.value[d]) > 0.3 * r.magnitude[d];
    }
    assert_true(much > 4 && little > 4);
    close_row(&r);
}

/* Rows of the lowest number alone, of one key that has it, of others beside it: all of them live. */
static void a_mask_of_the_lowest_finite_number_leaves_rows_live(void **state)
{
    int lowest_alone = 0, single = 0, beside = 0;
    (void)state;
    for (int64_t iq = 0; iq < 60; iq++) {
        struct row r;
        int low = 0, zero = 0, out = 0;
        open_row("fa1 q=f32[8,60,1,1] k=f16[8,90,1,1] v=f16[8,90,1,1] mask=f16[90,60,1,1] | mask=finite seed=3", iq,
                 &r);
        for (int64_t k = 0; k < r.n_kv; k++) {
            low += r.score[k] < -60000 && r.score[k] > -70000;
            zero += r.score[k] > -1000;
            out += isinf(r.score[k]) != 0;
        }
        assert_true(low + zero > 0);
        lowest_alone += zero == 0 && out == 0;
        single += low == 1 && zero == 0;
        beside += low > 0 && zero > 0;
        close_row(&r);
    }
    assert_true(lowest_alone > 1 && single > 1 && beside > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_witness_moves_a_component),
        cmocka_unit_test(a_lost_key_tile_or_split_is_seen_at_any_length),
        cmocka_unit_test(deep_scores_are_deep_and_one_stands_out),
        cmocka_unit_test(maxima_rise_once_a_stair),
        cmocka_unit_test(v_cancels_in_some_components_and_not_in_all),
        cmocka_unit_test(a_mask_of_the_lowest_finite_number_leaves_rows_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
