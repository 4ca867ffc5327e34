/* fuzz_shrink.c: failures of a known kind, wherever they are met, shrink to the one line that is their smallest; twice
 * the same way; never to another failure.
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

#include "fuzz/domain/domain.h"
#include "fuzz/domain/mutate.h"
#include "fuzz/shrink/shrink.h"
#include "planner/hash.h"

/* ---- Faults ---------------------------------------------------------------------------------------------- */

/* What a planted fault would fail on, and the smallest line that it fails on. The line says dev=gfx906, the first row
 * of the table, where the start named a device. */
#define P const struct attn_problem *p = &c->problem
static const struct attn_tensor *tensor(const struct attn_case *c, int o) { return &c->problem.t[o]; }

static bool exact_mask(const struct attn_case *c)
{
    P; /* the project's seed: D=256 f16 and a mask that is not exactly as wide as K is long, n_q above 8 */
    return attn_d_k(p) == 256 && attn_d_v(p) == 256 && tensor(c, ATTN_K)->type == ATTN_F16 && attn_n_q(p) > 8 &&
           tensor(c, ATTN_MASK)->present && tensor(c, ATTN_MASK)->ne[0] != attn_n_kv(p);
}
static bool ratio_three(const struct attn_case *c)
{
    P;
    return attn_n_head(p) / attn_n_head_kv(p) % 3 == 0;
}
static bool second_tile(const struct attn_case *c)
{
    P;
    return attn_n_kv(p) > 64 && attn_n_q(p) > 1;
}
static bool ragged_tile(const struct attn_case *c)
{
    P;
    return attn_n_kv(p) > 64 && attn_n_kv(p) % 32 == 7;
}
static bool sink(const struct attn_case *c)
{
    P;
    return tensor(c, ATTN_SINKS)->present && attn_n_head(p) > 5;
}
static bool alibi_subset(const struct attn_case *c)
{
    P;
    return p->max_bias > 0 && p->head_first > 0;
}
static bool softcap_two_seqs(const struct attn_case *c)
{
    P;
    return p->softcap > 0 && attn_n_seq(p) > 1;
}
static bool v_type(const struct attn_case *c) { return tensor(c, ATTN_V)->type != tensor(c, ATTN_K)->type; }
static bool q5_1(const struct attn_case *c)
{
    P;
    return tensor(c, ATTN_K)->type == ATTN_Q5_1 && attn_n_head_kv(p) > 1;
}
static bool odd_rows(const struct attn_case *c)
{
    P;
    return attn_n_kv(p) > 1 && tensor(c, ATTN_K)->nb[1] % 16 != 0 && tensor(c, ATTN_K)->type == ATTN_F16 &&
           attn_d_k(p) % 8 == 0;
}
static bool heads_first(const struct attn_case *c)
{
    P;
    return attn_n_kv(p) > 1 && attn_n_head_kv(p) > 1 && tensor(c, ATTN_K)->nb[2] < tensor(c, ATTN_K)->nb[1];
}
static bool broadcast_q(const struct attn_case *c)
{
    P;
    return attn_n_head(p) > 1 && tensor(c, ATTN_Q)->nb[2] == 0;
}
static bool offset_v(const struct attn_case *c) { return tensor(c, ATTN_V)->offset % 16 != 0; }
static bool view_of_k(const struct attn_case *c)
{
    const struct attn_tensor *k = tensor(c, ATTN_K), *v = tensor(c, ATTN_V);
    return k->buffer && k->buffer == v->buffer && k->offset < v->offset + attn_tensor_span(v) &&
           v->offset < k->offset + attn_tensor_span(k);
}
static bool mask_planes(const struct attn_case *c)
{
    P;
    return tensor(c, ATTN_MASK)->present && tensor(c, ATTN_MASK)->ne[2] > 1 &&
           tensor(c, ATTN_MASK)->ne[2] < attn_n_head(p);
}
static bool dst_padded(const struct attn_case *c)
{
    P;
    return attn_n_q(p) > 1 && attn_n_head(p) == 1 && tensor(c, ATTN_DST)->nb[2] != 4 * attn_d_v(p);
}
static bool weakened(const struct attn_case *c)
{
    P;
    return c->run.weakening >= 0 && attn_d_k(p) > 128;
}
static bool peaked_rows(const struct attn_case *c)
{
    return c->run.data == ATTN_DATA_PEAK && c->run.mask == ATTN_MASK_ROWS && tensor(c, ATTN_MASK)->present;
}
static bool seed_bit(const struct attn_case *c) { return c->run.seed & 8 && c->run.schedule > 100; }
static bool unknown_size(const struct attn_case *c)
{
    P;
    return attn_head_size_find(attn_d_k(p), attn_d_v(p)) < 0 && attn_d_k(p) > 16 && attn_d_v(p) > attn_d_k(p);
}

static const struct fault {
    const char *name;
    bool (*fails)(const struct attn_case *);
    const char *smallest;
} faults[] = {
    { "exact_mask", exact_mask,
      "fa1 q=f32[256,9,1,1] k=f16[256,1,1,1] v=f16[256,1,1,1] mask=f16[2,9,1,1] | dev=gfx906" },
    { "ratio_three", ratio_three, "fa1 q=f32[1,1,3,1] k=f16[1,1,1,1] v=f16[1,1,1,1] | dev=gfx906" },
    { "second_tile", second_tile, "fa1 q=f32[1,2,1,1] k=f16[1,65,1,1] v=f16[1,65,1,1] | dev=gfx906" },
    { "ragged_tile", ragged_tile, "fa1 q=f32[1,1,1,1] k=f16[1,71,1,1] v=f16[1,71,1,1] | dev=gfx906" },
    { "sink", sink, "fa1 q=f32[1,1,6,1] k=f16[1,1,1,1] v=f16[1,1,1,1] sinks | dev=gfx906" },
    { "alibi_subset", alibi_subset,
      "fa1 q=f32[1,1,1,1] k=f16[1,1,1,1] v=f16[1,1,1,1] mask=f16[1,1,1,1] max_bias=1 heads=1/2 | dev=gfx906" },
    { "softcap_two_seqs", softcap_two_seqs, "fa1 q=f32[1,1,1,2] k=f16[1,1,1,2] v=f16[1,1,1,2] softcap=1 | dev=gfx906" },
    { "v_type", v_type, "fa1 q=f32[1,1,1,1] k=f16[1,1,1,1] v=f32[1,1,1,1] | dev=gfx906" },
    { "q5_1", q5_1, "fa1 q=f32[32,1,2,1] k=q5_1[32,1,2,1] v=f16[1,1,2,1] | dev=gfx906" },
    { "odd_rows", odd_rows, "fa1 q=f32[8,1,1,1] k=f16[8,2,1,1]:18,36,36 v=f16[1,2,1,1] | dev=gfx906" },
    { "heads_first", heads_first, "fa1 q=f32[1,1,2,1] k=f16[1,2,2,1]:4,2,8 v=f16[1,2,2,1] | dev=gfx906" },
    { "broadcast_q", broadcast_q, "fa1 q=f32[1,1,2,1]:4,0,4 k=f16[1,1,1,1] v=f16[1,1,1,1] | dev=gfx906" },
    { "offset_v", offset_v, "fa1 q=f32[1,1,1,1] k=f16[1,1,1,1] v=f16[1,1,1,1]+2 | dev=gfx906" },
    { "view_of_k", view_of_k, "fa1 q=f32[1,1,1,1] k=f16[1,1,1,1]@a v=f16[1,1,1,1]@a | dev=gfx906" },
    { "mask_planes", mask_planes, "fa1 q=f32[1,1,4,1] k=f16[1,1,1,1] v=f16[1,1,1,1] mask=f16[1,1,2,1] | dev=gfx906" },
    { "dst_padded", dst_padded,
      "fa1 q=f32[1,2,1,1] k=f16[1,1,1,1] v=f16[1,1,1,1] dst=f32[1,1,2,1]:4,8,16 | dev=gfx906" },
    { "weakened", weakened, "fa1 q=f32[129,1,1,1] k=f16[129,1,1,1] v=f16[1,1,1,1] | dev=gfx906~" },
    { "peaked_rows", peaked_rows,
      "fa1 q=f32[1,1,1,1] k=f16[1,1,1,1] v=f16[1,1,1,1] mask=f16[1,1,1,1] | dev=gfx906 data=peak mask=rows" },
    { "seed_bit", seed_bit, "fa1 q=f32[1,1,1,1] k=f16[1,1,1,1] v=f16[1,1,1,1] | dev=gfx906 seed=8 schedule=101" },
    { "unknown_size", unknown_size, "fa1 q=f32[17,1,1,1] k=f16[17,1,1,1] v=f16[18,1,1,1] | dev=gfx906" },
};
enum { FAULTS = sizeof faults / sizeof faults[0], STARTS = 12 };

/* ---- Shrinking ------------------------------------------------------------------------------------------- */

struct watch {
    const struct fault *fault;
    int64_t asked;
    uint64_t order; /* hash of what was asked, in order */
};

static bool ask(const struct attn_case *c, void *context)
{
    struct watch *w = context;
    char line[ATTN_CASE_LINE_MAX];
    struct attn_case read;
    struct attn_text_error error;
    size_t len = attn_case_print(c, line, sizeof line);
    assert_int_equal(attn_problem_check(&c->problem, NULL), ATTN_E_OK);
    assert_true(attn_case_parse(line, len, &read, &error));
    w->asked++;
    w->order = attn_hash(w->order, line, len);
    bool fails = w->fault->fails(c);
    assert_int_equal(w->fault->fails(&read), fails); /* the line is the case */
    return fails;
}

/* A random case that the fault fails on, within limits. */
static bool start(const struct fault *fault, uint64_t *seed, struct attn_case *c)
{
    static const struct attn_domain_limits limits[2] = { { 1 << 20, 1 << 22, 1 << 16, 0 }, ATTN_DOMAIN_UNLIMITED };
    for (int tries = 0; tries < 400000; tries++) {
        struct attn_genome genome;
        attn_genome_random(&genome, ++*seed);
        attn_genome_case(&genome, &limits[*seed & 1], c);
        if (fault->fails(c))
            return true;
    }
    return false;
}

static void smallest_is_found(void **state)
{
    double features = 0, extents = 0, length = 0, tries = 0;
    int starts = 0, wrong = 0;
    (void)state;
    for (size_t f = 0; f < FAULTS; f++) {
        uint64_t seed = 1000 * f;
        for (int i = 0; i < STARTS; i++) {
            struct attn_case first, second;
            struct attn_shrink_report report, again;
            struct watch w = { .fault = &faults[f], .order = ATTN_HASH_START }, v = w;
            char line[ATTN_CASE_LINE_MAX];
            assert_true(start(&faults[f], &seed, &first));
            second = first;
            assert_true(attn_shrink(&first, ask, &w, ATTN_SHRINK_TRIES, &report));
            assert_true(attn_shrink(&second, ask, &v, ATTN_SHRINK_TRIES, &again));
            assert_int_equal(w.order, v.order);
            assert_int_equal(w.asked, report.tries);
            assert_memory_equal(&first, &second, sizeof first);
            assert_true(report.minimal);
            assert_true(faults[f].fails(&first));
            attn_case_print(&first, line, sizeof line);
            /* The fault that needs a weakening needs any, and gfx906 has several. */
            size_t end = strlen(faults[f].smallest), len = faults[f].smallest[end - 1] == '~' ? end : strlen(line);
            if (len != end || strncmp(line, faults[f].smallest, len) != 0) {
                print_error("%s: %s\n  must be %s\n", faults[f].name, line, faults[f].smallest);
                wrong++;
            }
            starts++;
            features += (double)report.before.features - report.after.features;
            extents += log10((double)report.before.extents / (double)report.after.extents);
            length += (double)report.after.length / report.before.length;
            tries += (double)report.tries;
        }
    }
    print_message("%d starts of %d faults: on average %.1f features fewer, extents %.3g times smaller (geometric), "
                  "lines %.0f%% as long, "
                  "%.0f tries\n",
                  starts, FAULTS, features / starts, pow(10, extents / starts), 100 * length / starts, tries / starts);
    assert_int_equal(wrong, 0);
}

static bool never(const struct attn_case *c)
{
    (void)c;
    return false;
}
static bool always(const struct attn_case *c)
{
    (void)c;
    return true;
}

static void what_holds_is_left_alone(void **state)
{
    static const struct fault none = { "never", never, "" };
    struct watch w = { .fault = &none };
    struct attn_genome genome;
    struct attn_case c, before;
    struct attn_shrink_report report;
    const struct attn_domain_limits limits = ATTN_DOMAIN_UNLIMITED;
    (void)state;
    attn_genome_random(&genome, 7);
    attn_genome_case(&genome, &limits, &c);
    before = c;
    assert_false(attn_shrink(&c, ask, &w, 100, &report));
    assert_int_equal(report.tries, 1);
    assert_memory_equal(&c, &before, sizeof c);
}

static void tries_are_bounded(void **state)
{
    (void)state;
    for (int most = 1; most < 60; most++) {
        struct watch w = { .fault = &faults[0] };
        struct attn_case c;
        struct attn_shrink_report report;
        uint64_t seed = 77;
        assert_true(start(w.fault, &seed, &c));
        assert_true(attn_shrink(&c, ask, &w, most, &report));
        assert_true(w.asked <= most && report.tries == w.asked);
        assert_true(w.fault->fails(&c));
        assert_true(attn_shrink_compare(&report.after, &report.before) <= 0);
    }
}

/* Everything shrinks to the simplest call, from anywhere. */
static void everything_shrinks(void **state)
{
    static const struct fault all = { "always", always, "" };
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        static const struct attn_domain_limits limits = ATTN_DOMAIN_UNLIMITED;
        struct watch w = { .fault = &all };
        struct attn_genome genome;
        struct attn_case c;
        char line[ATTN_CASE_LINE_MAX];
        attn_genome_random(&genome, seed);
        attn_genome_case(&genome, &limits, &c);
        assert_true(attn_shrink(&c, ask, &w, ATTN_SHRINK_TRIES, NULL));
        attn_case_print(&c, line, sizeof line);
        assert_string_equal(line, "fa1 q=f32[1,1,1,1] k=f16[1,1,1,1] v=f16[1,1,1,1] | dev=gfx906");
        assert_true(w.asked < 200);
    }
}

/* ---- What only a sample shows ---------------------------------------------------------------------------- */

enum { SAMPLED_FROM = 1024 };

/* The host backend, but that heads of K are found half as far away. With one key its scores do not matter, so that
 * nothing sees it but a run in which the head that is read is nobody's: its bytes belong to no row. */
static const struct attn_backend_ops *host_ops;
static bool reads_another_head(struct attn_backend *backend, struct attn_memory *memory, const struct attn_problem *p,
                               const struct attn_plan *plan, struct attn_failure *failure)
{
    struct attn_problem wrong = *p;
    wrong.t[ATTN_K].nb[2] /= 2;
    return host_ops->run(backend, memory, &wrong, plan, failure);
}

/* A line that was found by a run of some rows is one that fails when others run its line, whole or in more rows; if
 * the first one is not, smaller ones need not be. */
static void what_a_sample_shows_repeats(void **state)
{
    static const struct {
        const char *line;
        bool repeats;
    } starts[] = {
        { "fa1 q=f32[8,1,400000,1] k=f16[8,64,400000,1] v=f16[8,64,400000,1] | dev=gfx906 kernel=naive", true },
        { "fa1 q=f32[8,1,400,1] k=f16[8,1,400,1] v=f16[8,1,400,1] | dev=gfx906 kernel=naive", false },
    };
    const struct attn_run_limits tool = { .work = ATTN_RUN_WORK_LIMIT, .bytes = ATTN_RUN_BYTES_LIMIT };
    const struct attn_host_options options = { .checked = true };
    struct attn_backend *backend = attn_host_open(&options);
    (void)state;
    assert_non_null(backend);
    host_ops = backend->ops;
    struct attn_backend_ops ops = *host_ops;
    ops.run = reads_another_head;
    backend->ops = &ops;
    const struct attn_shrink_how how = { .backend = backend,
                                         .limits = { .work = SAMPLED_FROM, .bytes = INT64_C(1) << 26 } };
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        struct attn_case c;
        struct attn_text_error error;
        struct attn_outcome outcome;
        struct attn_finding finding, again;
        assert_true(attn_case_parse(starts[i].line, strlen(starts[i].line), &c, &error));
        assert_int_equal(attn_check_run(backend, &c, &how.limits, &outcome, &finding), ATTN_OUTCOME_FAILED);
        assert_int_equal(finding.property, ATTN_P_CONTAINED);
        assert_true(attn_shrink_finding(&how, &finding, NULL));
        assert_true(attn_n_head(&finding.at.problem) < attn_n_head(&c.problem));
        const bool fails = attn_check_run(backend, &finding.at, &tool, &outcome, &again) == ATTN_OUTCOME_FAILED;
        assert_int_equal(fails && attn_finding_same(&again, &finding), starts[i].repeats);
    }
    backend->ops = host_ops;
    backend->ops->close(backend);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_sample_shows_repeats), cmocka_unit_test(smallest_is_found),
        cmocka_unit_test(what_holds_is_left_alone),    cmocka_unit_test(tries_are_bounded),
        cmocka_unit_test(everything_shrinks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
