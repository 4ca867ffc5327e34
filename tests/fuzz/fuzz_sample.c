/* fuzz_sample.c: rows of a problem that are run alone: they have the bits that they have when all of it is run,
 * whatever the plan splits, scans and converts, and nothing else is written but what shares their tiles.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz/properties/sample.h"
#include "fuzz/targets/execution.h"

/* A problem in the host backend's memory. */
struct setup {
    struct attn_case c;
    struct attn_device device;
    struct attn_key key;
    struct attn_backend *backend;
    struct attn_image image, whole, some;
    struct attn_memory *memory;
};

static void copy_of(const struct attn_image *image, struct attn_image *copy)
{
    *copy = *image;
    for (int b = 0; b < copy->n_buffers; b++) {
        copy->buffer[b].bytes = malloc((size_t)copy->buffer[b].size);
        assert_non_null(copy->buffer[b].bytes);
    }
}

static void begin(const char *line, struct setup *s)
{
    struct attn_host_options options = { .checked = true };
    struct attn_failure failure;
    memset(s, 0, sizeof *s);
    assert_true(attn_case_parse(line, strlen(line), &s->c, NULL));
    assert_int_equal(attn_problem_check(&s->c.problem, NULL), ATTN_E_OK);
    s->device = *attn_device(s->c.run.device);
    attn_key_of(&s->c.problem, &s->key);
    s->backend = attn_host_open(&options);
    assert_non_null(s->backend);
    assert_true(attn_image_create(&s->c.problem, 1 << 28, &s->image));
    attn_data_fill(&s->c, &s->image);
    copy_of(&s->image, &s->whole);
    copy_of(&s->image, &s->some);
    s->memory = s->backend->ops->alloc(s->backend, &s->c.problem, &s->image, 1 << 26, &failure);
    assert_non_null(s->memory);
}

static void end(struct setup *s)
{
    s->backend->ops->free(s->backend, s->memory);
    s->backend->ops->close(s->backend);
    for (int b = 0; b < s->image.n_buffers; b++) {
        free(s->whole.buffer[b].bytes);
        free(s->some.buffer[b].bytes);
    }
    attn_image_free(&s->image);
}

static void run(struct setup *s, const struct attn_plan *plan, const struct attn_sample *sample, struct attn_image *out)
{
    const struct attn_backend_ops *ops = s->backend->ops;
    struct attn_failure failure;
    attn_host_sample(s->backend, sample);
    assert_true(ops->upload(s->backend, s->memory, &s->image, &failure));
    if (!ops->run(s->backend, s->memory, &s->c.problem, plan, &failure))
        fail_msg("%s: %s", attn_kernel(plan->kernel)->name, failure.text);
    assert_true(ops->download(s->backend, s->memory, out, &failure));
}

static const char *row_at(const struct setup *s, const struct attn_image *image, int64_t number)
{
    const struct attn_tensor *dst = &s->c.problem.t[ATTN_DST];
    const struct attn_sample_row row = attn_sample_row_at(&s->c.problem, number);
    return (const char *)attn_image_at(image, &s->c.problem, ATTN_DST) + row.head * dst->nb[1] + row.iq * dst->nb[2] +
           row.seq * dst->nb[3];
}

static bool is_inside(const struct setup *s, const struct attn_sample *sample, int64_t number)
{
    const struct attn_sample_row row = attn_sample_row_at(&s->c.problem, number);
    for (int i = 0; i < sample->n_parts; i++) {
        const struct attn_sample_part *p = &sample->part[i];
        if (p->seq == row.seq && p->row[0] <= row.iq && row.iq < p->row[1] && p->head[0] <= row.head &&
            row.head < p->head[1])
            return true;
    }
    return false;
}

/* Runs some rows and holds all of dst against the whole run's, and against what was there before. */
static void check(struct setup *s, const struct attn_plan *plan, struct attn_sample *sample)
{
    const struct attn_problem *p = &s->c.problem;
    const int64_t rows = attn_n_head(p) * attn_n_q(p) * attn_n_seq(p);
    const size_t bytes = (size_t)attn_d_v(p) * sizeof(float);
    attn_sample_add(sample, p, plan);
    run(s, plan, sample, &s->some);
    for (int64_t r = 0, at = 0; r < rows; r++) {
        const bool chosen = at < sample->n_rows && sample->row[at] == r;
        const char *got = row_at(s, &s->some, r);
        at += chosen;
        if (memcmp(got, row_at(s, &s->whole, r), bytes) == 0)
            continue; /* with NaN patterns before, a row that was not written is not by chance as it should be */
        assert_false(chosen);
        assert_memory_equal(got, row_at(s, &s->image, r), bytes);
    }
    for (int64_t r = 0; r < rows; r++)
        if (memcmp(row_at(s, &s->some, r), row_at(s, &s->image, r), bytes) != 0)
            assert_true(is_inside(s, sample, r));
}

/* Of each plan the line says what it must have; kernels beside those named are run when they are able. */
static const struct {
    const char *line;
    int kernel;
    uint32_t steps;
} cases[] = {
    { "fa1 q=f32[64,3,4,2] k=f16[64,70,2,2] v=f16[64,70,2,2] mask=f16[70,3,1,1] | dev=gfx906 mask=random",
      ATTN_KERNEL_tile, 0 },
    { "fa1 q=f32[64,3,4,2] k=f16[64,70,2,2] v=f16[64,70,2,2] | dev=gfx942", ATTN_KERNEL_mma, 0 },
    { "fa1 q=f32[128,2,6,1] k=q8_0[128,1030,2,1] v=q8_0[128,1030,2,1] mask=f16[1030,2,1,1] sinks | dev=gfx1100",
      ATTN_KERNEL_vec, 1u << ATTN_STEP_COMBINE },
    { "fa1 q=f32[64,37,4,1] k=q4_0[64,300,2,1] v=q4_1[64,300,2,1] mask=f16[300,37,1,1] | dev=sm_90 mask=tiles",
      ATTN_KERNEL_mma, 1u << ATTN_STEP_CONVERT_K | 1u << ATTN_STEP_CONVERT_V | 1u << ATTN_STEP_SCAN },
    { "fa1 q=f32[72,33,3,2] k=f16[72,200,3,2] v=f16[72,200,3,2] mask=f16[200,33,3,1] | dev=gfx90a mask=window",
      ATTN_KERNEL_tile, 1u << ATTN_STEP_SCAN },
    { "fa1 q=f32[64,36,14,1] k=f16[64,40,1,1] v=f16[64,40,1,1] | dev=gfx908", ATTN_KERNEL_mma, 0 },
    { "fa1 q=f32[7,5,2,2] k=f32[7,9,1,2] v=f32[5,9,1,2] | dev=gfx1201", ATTN_KERNEL_naive, 0 },
};

static bool plan_of(const struct setup *s, int kernel, struct attn_plan *plan)
{
    return attn_plan_kernel(&s->device, &s->key, kernel, plan, NULL) && plan->workspace_bytes <= 1 << 26;
}

static void each_row_alone_is_as_in_the_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct setup s;
        struct attn_plan plan;
        begin(cases[i].line, &s);
        const struct attn_problem *p = &s.c.problem;
        const int64_t rows = attn_n_head(p) * attn_n_q(p) * attn_n_seq(p);
        assert_true(plan_of(&s, cases[i].kernel, &plan));
        assert_int_equal(plan.steps & cases[i].steps, cases[i].steps);
        for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
            if (!plan_of(&s, k, &plan))
                continue;
            run(&s, &plan, NULL, &s.whole);
            const int64_t step = rows > 24 ? rows / 8 - 1 : 1; /* of many rows some, the last one among them */
            for (int64_t r = rows - 1; r >= 0; r -= step) {
                struct attn_sample one = { .n_rows = 1, .row = { r } };
                check(&s, &plan, &one);
            }
        }
        end(&s);
    }
}

static void several_rows_are_as_in_the_whole_under_any_schedule(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct setup s;
        struct attn_plan plan;
        begin(cases[i].line, &s);
        const struct attn_problem *p = &s.c.problem;
        const int64_t rows = attn_n_head(p) * attn_n_q(p) * attn_n_seq(p);
        assert_true(plan_of(&s, cases[i].kernel, &plan));
        run(&s, &plan, NULL, &s.whole);
        for (uint64_t schedule = 0; schedule < 3; schedule++) {
            struct attn_sample some = { .n_rows = 3, .row = { 0, rows / 2, rows - 1 } };
            attn_host_schedule(s.backend, schedule);
            check(&s, &plan, &some);
        }
        end(&s);
    }
}

/* What a launch that was left out would have written is missed. */
static void what_is_left_out_is_a_failure(void **state)
{
    (void)state;
    struct setup s;
    struct attn_plan plan;
    struct attn_failure failure;
    begin(cases[3].line, &s);
    assert_true(plan_of(&s, cases[3].kernel, &plan));
    struct attn_sample one = { .n_rows = 1, .row = { 5 } };
    attn_host_sample(s.backend, &one);
    assert_true(s.backend->ops->upload(s.backend, s.memory, &s.image, &failure));
    plan.steps &= ~(1u << ATTN_STEP_CONVERT_V);
    assert_false(s.backend->ops->run(s.backend, s.memory, &s.c.problem, &plan, &failure));
    assert_int_equal(failure.code, ATTN_F_GLOBAL_BOUNDS); /* of the copy nothing counts as an element */
    end(&s);
}

/* What a sample's image holds is what the whole one holds there. Lines without dead cells, which a sample has none of.
 */
static void data_of_a_sample_are_those_of_the_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct setup s;
        struct attn_plan plan;
        struct attn_image some;
        begin(cases[i].line, &s);
        s.c.run.dead = 0;
        attn_data_fill(&s.c, &s.image);
        assert_true(plan_of(&s, cases[i].kernel, &plan));
        struct attn_sample sample = { .n_rows = 2, .row = { 1, 4 } };
        attn_sample_add(&sample, &s.c.problem, &plan);
        assert_true(attn_image_create_sample(&s.c.problem, &sample, 1 << 28, &some));
        attn_data_fill_sample(&s.c, &sample, &some);
        for (int b = 0; b < some.n_buffers; b++)
            for (int64_t at = 0; at < some.buffer[b].size; at++)
                if (some.buffer[b].role[at] != ATTN_ROLE_GAP) {
                    assert_int_equal(some.buffer[b].role[at], s.image.buffer[b].role[at]);
                    assert_int_equal(some.buffer[b].bytes[at], s.image.buffer[b].bytes[at]);
                }
        attn_image_free(&some);
        end(&s);
    }
}

/* Heads side by side: a row of dst reads one of them, and what lies in the pages between takes no memory. A read of
 * another head is one of no element, in the page of this one as in the next. */
static void heads_side_by_side_take_the_pages_of_one(void **state)
{
    static const char line[] = "fa1 q=f32[64,8,128,1] k=f16[64,16384,64,1]:8192,128,134217728 "
                               "v=f16[64,16384,64,1]:128,2097152,134217728 | dev=gfx942 kernel=naive";
    enum { HEAD = 62, PAGES = 16384 * 4096 }; /* of KV head 31, the last one in its page */
    const struct attn_run_limits limits = { .work = 1 << 22, .bytes = PAGES + (4 << 20) };
    struct setup s = { .backend = attn_host_open(&(struct attn_host_options){ .checked = true }) };
    struct attn_outcome outcome;
    struct attn_finding finding;
    struct attn_failure failure;
    struct attn_plan plan;
    (void)state;
    assert_non_null(s.backend);
    assert_true(attn_case_parse(line, strlen(line), &s.c, NULL));
    if (attn_check_run(s.backend, &s.c, &limits, &outcome, &finding) != ATTN_OUTCOME_HELD)
        fail_msg("%s", outcome.skipped ? outcome.skipped : finding.text);
    assert_true(outcome.rows > 0);

    const struct attn_backend_ops *ops = s.backend->ops;
    struct attn_sample one = { .n_rows = 1, .row = { HEAD } };
    s.device = *attn_device(s.c.run.device);
    attn_key_of(&s.c.problem, &s.key);
    assert_true(plan_of(&s, ATTN_KERNEL_naive, &plan));
    attn_sample_add(&one, &s.c.problem, &plan);
    assert_in_range(attn_image_bytes_sample(&s.c.problem, &one), PAGES, limits.bytes);
    assert_true(attn_image_create_sample(&s.c.problem, &one, limits.bytes, &s.image));
    attn_data_fill_sample(&s.c, &one, &s.image);
    assert_non_null(s.memory = ops->alloc(s.backend, &s.c.problem, &s.image, 0, &failure));
    assert_true(ops->upload(s.backend, s.memory, &s.image, &failure));
    for (int64_t head = HEAD + 2; head >= HEAD - 2; head -= 2) {
        struct attn_sample other = { .n_rows = 1, .row = { head } };
        attn_sample_add(&other, &s.c.problem, &plan);
        attn_host_sample(s.backend, &other);
        assert_int_equal(ops->run(s.backend, s.memory, &s.c.problem, &plan, &failure), head == HEAD);
        assert_int_equal(failure.code, head == HEAD ? ATTN_F_NONE : ATTN_F_GLOBAL_BOUNDS);
    }
    ops->free(s.backend, s.memory);
    ops->close(s.backend);
    attn_image_free(&s.image);
}

/* The same rows are run again, more of them with a larger limit, and the very last one is among the first two. */
static void rows_are_drawn_by_the_seed_and_kept_by_larger_limits(void **state)
{
    static const char line[] = "fa1 q=f32[64,640,40,1] k=f16[64,4096,8,1] v=f16[64,4096,8,1] | dev=gfx942";
    (void)state;
    int64_t before = -1;
    int with_last = 0, same = 0;
    for (uint64_t seed = 0; seed < 16; seed++) {
        struct attn_case c;
        struct attn_key key;
        struct attn_plan plan;
        struct attn_sample few, more;
        assert_true(attn_case_parse(line, strlen(line), &c, NULL));
        c.run.seed = seed;
        attn_key_of(&c.problem, &key);
        assert_true(attn_plan_kernel(attn_device(c.run.device), &key, ATTN_KERNEL_mma, &plan, NULL));
        const int64_t rows = 640 * 40, tile = attn_sample_tile_work(&c.problem, &plan);
        struct attn_run_limits limits = { .work = tile / 4, .bytes = 1 << 28 };
        assert_null(attn_sample_choose(&c, &limits, &plan, 1, &few));
        limits.work = tile;
        assert_null(attn_sample_choose(&c, &limits, &plan, 1, &more));
        assert_true(0 < few.n_rows && few.n_rows < more.n_rows);
        for (int i = 0, j = 0; i < few.n_rows; i++) {
            while (more.row[j] != few.row[i])
                assert_true(++j < more.n_rows);
        }
        assert_true(more.row[0] == 0 && more.row[more.n_rows - 1] == rows - 1);
        with_last += few.row[few.n_rows - 1] == rows - 1;
        same += few.row[0] == before;
        before = few.row[0];
        limits.bytes = 1 << 16;
        assert_non_null(attn_sample_choose(&c, &limits, &plan, 1, &few));
    }
    assert_in_range(with_last, 4, 12);
    assert_in_range(same, 0, 8);
}

/* Rows, column tiles, flags of the scan, pieces of a copy: each past 2^31. */
static void products_past_2_31_are_run(void **state)
{
    static const char flags[] = "fa1 q=f32[64,1073741824,2,1] k=f16[64,4096,2,1] v=f16[64,4096,2,1] "
                                "mask=f16[4096,1073741824,1,1]:0,0,0 | dev=gfx1030~lds/2 mask=tiles";
    static const char *const lines[] = {
        "fa1 q=f32[64,1024,4096,1024] k=f16[64,100,4096,1024] v=f16[64,100,4096,1024] | dev=gfx942",
        "fa1 q=f32[64,1,4096,524389] k=f16[64,10,4096,524389]:128,0,0 v=f16[64,10,4096,524389]:128,0,0 | dev=gfx1100",
        "fa1 q=f32[64,1024,4096,256] k=q4_0[64,512,2048,256] v=q4_0[64,512,2048,256] | dev=sm_90",
        flags,
    };
    struct attn_host_options options = { .checked = true };
    struct attn_backend *backend = attn_host_open(&options);
    const struct attn_run_limits limits = { .work = 3000000, .bytes = 1 << 24, .schedules = true };
    (void)state;
    assert_non_null(backend);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct attn_case c;
        struct attn_outcome outcome;
        struct attn_finding finding;
        assert_true(attn_case_parse(lines[i], strlen(lines[i]), &c, NULL));
        if (attn_check_run(backend, &c, &limits, &outcome, &finding) != ATTN_OUTCOME_HELD)
            fail_msg("%s: %s", lines[i], outcome.skipped ? outcome.skipped : finding.text);
        assert_true(outcome.rows > 0);
        assert_int_equal(outcome.all_rows, attn_n_head(&c.problem) * attn_n_q(&c.problem) * attn_n_seq(&c.problem));
        for (int k = 0; k < ATTN_KERNEL_COUNT; k++)
            assert_int_equal(outcome.kernel[k].ran, outcome.kernel[k].able);
    }
    backend->ops->close(backend);
}

/* One column, of a context that is as long as fuzz_kernel draws them: fuzzing took it for a runaway. */
static void a_long_tile_is_no_runaway(void **state)
{
    static const char line[] = "fa1 q=f32[32,1,6,1] k=q4_0[32,131087,6,1]:0,0,18 v=q4_0[32,131087,6,1]:0,0,18 "
                               "mask=f16[131120,6,1,1] sinks | dev=gfx950 kernel=mma mask=all";
    const struct attn_run_limits limits = { .work = EXEC_WORK * EXEC_SPLITS, .bytes = EXEC_WORKSPACE };
    struct attn_host_options options = { .checked = true, .budget = 100000 };
    struct attn_backend *backend = attn_host_open(&options);
    struct attn_case c;
    struct attn_outcome outcome;
    struct attn_finding finding;
    (void)state;
    assert_non_null(backend);
    assert_true(attn_case_parse(line, strlen(line), &c, NULL));
    assert_true(execution_sampled(&c));
    assert_int_equal(attn_check_run(backend, &c, &limits, &outcome, &finding), ATTN_OUTCOME_FAILED);
    assert_int_equal(finding.failure, ATTN_F_RUNAWAY);
    attn_host_budget(backend, EXEC_SAMPLED_STEPS);
    assert_int_equal(attn_check_run(backend, &c, &limits, &outcome, &finding), ATTN_OUTCOME_HELD);
    backend->ops->close(backend);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_alone_is_as_in_the_whole),
        cmocka_unit_test(several_rows_are_as_in_the_whole_under_any_schedule),
        cmocka_unit_test(what_is_left_out_is_a_failure),
        cmocka_unit_test(data_of_a_sample_are_those_of_the_whole),
        cmocka_unit_test(products_past_2_31_are_run),
        cmocka_unit_test(a_long_tile_is_no_runaway),
        cmocka_unit_test(heads_side_by_side_take_the_pages_of_one),
        cmocka_unit_test(rows_are_drawn_by_the_seed_and_kept_by_larger_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
