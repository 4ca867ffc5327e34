/* fuzz_twins.c: P8 and P10 of every kernel: each twin of a case agrees with it, a result that differs from a twin's is
 * found, and no kind of schedule changes a bit, with waves of either size.
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

#include "fuzz/properties/trial.h"

enum { WORK = 4000000, BYTES = 1 << 24 };

static const char *const devices[] = { "gfx942", "gfx1100" };
enum { DEVICES = sizeof devices / sizeof devices[0] };

static struct attn_backend *open_host(void)
{
    static const struct attn_host_options options = { .schedule = 0, .checked = true, .budget = 0 };
    struct attn_backend *backend = attn_host_open(&options);
    assert_non_null(backend);
    return backend;
}

static struct attn_case read_case(const char *line)
{
    struct attn_case c;
    struct attn_text_error error;
    if (!attn_case_parse(line, strlen(line), &c, &error))
        fail_msg("%s: column %zu: %s", line, error.column, error.message);
    assert_int_equal(attn_problem_check(&c.problem, NULL), ATTN_E_OK);
    return c;
}

/* Several of everything that a twin can have less of. */
static struct attn_case case_of(int type, int device, int64_t n_kv, bool more)
{
    char line[ATTN_CASE_LINE_MAX];
    const char *t = attn_type_info(type)->name;
    snprintf(
        line, sizeof line,
        "fa1 q=f32[64,3,4,2] k=%s[64,%d,2,2] v=%s[64,%d,2,2] mask=f16[%d,4,%d,%d]%s scale=0.125 | dev=%s data=rising "
        "mask=random seed=%d",
        t, (int)n_kv, t, (int)n_kv, (int)n_kv + 3, more ? 4 : 1, more ? 2 : 1,
        more ? " sinks max_bias=8 heads=2/8" : "", devices[device], type + 1);
    return read_case(line);
}

static void must_hold(struct attn_backend *backend, const struct attn_case *c, const struct attn_run_limits *limits,
                      struct attn_outcome *outcome)
{
    struct attn_finding finding;
    if (attn_check_run(backend, c, limits, outcome, &finding) == ATTN_OUTCOME_HELD)
        return;
    if (outcome->status == ATTN_OUTCOME_FAILED)
        attn_finding_print(stderr, &finding);
    fail_msg("%s", outcome->skipped ? outcome->skipped : "failed");
}

static void every_twin_of_every_kernel_and_type_agrees(void **state)
{
    (void)state;
    struct attn_backend *backend = open_host();
    const struct attn_run_limits limits = { .work = WORK, .bytes = BYTES, .twins = ATTN_RUN_ALL_TWINS };
    uint32_t held[ATTN_KERNEL_COUNT] = { 0 }, same[ATTN_KERNEL_COUNT] = { 0 };
    for (int type = 0; type < ATTN_TYPE_COUNT; type++)
        for (int device = 0; device < DEVICES; device++) {
            struct attn_case c = case_of(type, device, 37 + 30 * (type & 1), type & 2);
            struct attn_outcome outcome;
            must_hold(backend, &c, &limits, &outcome);
            for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
                /* Another device, or a mask for each head, can be what the kernel is not able to do. */
                const uint32_t few = ATTN_RUN_ALL_TWINS & ~(1u << ATTN_TWIN_WAVE);
                if (outcome.kernel[k].ran && (outcome.kernel[k].twins & few) != few)
                    fail_msg("%s, %s: twins %x", attn_type_info(type)->name, attn_kernel(k)->name,
                             outcome.kernel[k].twins);
                held[k] |= outcome.kernel[k].twins;
                same[k] |= outcome.kernel[k].same_twins;
            }
        }
    /* Another GQA ratio is other columns for most kernels. */
    const uint32_t bits =
        1u << ATTN_TWIN_HEADS | 1u << ATTN_TWIN_LAYOUT | 1u << ATTN_TWIN_SEQUENCE | 1u << ATTN_TWIN_ROWS;
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
        /* Padding moves where vec's waves share the keys out. */
        const uint32_t wanted = k == ATTN_KERNEL_vec ? bits : bits | 1u << ATTN_TWIN_PADDED;
        if (held[k] != ATTN_RUN_ALL_TWINS || (same[k] & wanted) != wanted)
            fail_msg("%s: twins %x, to the bit %x", attn_kernel(k)->name, held[k], same[k]);
    }
    assert_true(same[ATTN_KERNEL_naive] >> ATTN_TWIN_PLANES & 1);
    backend->ops->close(backend);
}

/* A trial of the case as the runner has one when it has come to P8. */
struct bench {
    struct attn_case c;
    struct attn_device device;
    struct attn_run_limits limits;
    struct attn_plan plan;
    struct attn_runner runner;
    struct attn_kernel_outcome outcome;
    struct trial trial;
    struct attn_reference *reference;
};

static bool accept(const void *what, const struct attn_problem *problem, const struct attn_arithmetic *arithmetic,
                   const void *dst, struct attn_judgement *judgement)
{
    (void)what;
    (void)problem;
    (void)arithmetic;
    (void)dst;
    memset(judgement, 0, sizeof *judgement);
    return true;
}

static void bench_open(struct bench *b, struct attn_backend *backend, int kernel, int device)
{
    struct attn_finding finding;
    struct attn_key key;
    const void *base[ATTN_OPERAND_COUNT];
    memset(b, 0, sizeof *b);
    b->c = case_of(ATTN_F16, device, 67, true);
    b->device = *attn_device(b->c.run.device);
    b->limits = (struct attn_run_limits){ .work = WORK, .bytes = BYTES };
    attn_key_of(&b->c.problem, &key);
    assert_true(attn_plan_kernel(&b->device, &key, kernel, &b->plan, NULL));
    b->runner = (struct attn_runner){ .backend = backend,
                                      .c = &b->c,
                                      .device = &b->device,
                                      .limits = &b->limits,
                                      .expected = { NULL, accept, NULL, "" } };
    assert_null(attn_runner_image(&b->runner));
    attn_data_fill(&b->c, &b->runner.before);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        base[o] = attn_image_at(&b->runner.before, &b->c.problem, o);
    b->reference = attn_reference_compute(&b->c.problem, base);
    assert_non_null(b->reference);
    assert_null(attn_runner_open(&b->runner, b->plan.workspace_bytes));
    assert_true(attn_runner_try(&b->runner, &b->plan, "", &b->outcome, &finding));
    b->runner.reference = b->reference;
    b->trial = (struct trial){ .r = &b->runner, .plan = &b->plan, .how = "", .outcome = &b->outcome };
}

static void bench_close(struct bench *b)
{
    attn_twins_free(b->runner.twins);
    attn_runner_close(&b->runner);
    attn_reference_free(b->reference);
}

/* Every component a little larger: by one unit of its last place, or so many times. */
static void change(struct bench *b, float times)
{
    struct attn_image *image = &b->runner.after;
    float *dst = attn_image_at(image, &b->c.problem, ATTN_DST);
    const int64_t *ne = b->c.problem.t[ATTN_DST].ne;
    for (int64_t i = 0; i < ne[0] * ne[1] * ne[2] * ne[3]; i++)
        dst[i] = times > 0 ? dst[i] * times : nextafterf(dst[i], INFINITY);
}

static void what_differs_from_a_twin_is_found(void **state)
{
    (void)state;
    struct attn_backend *backend = open_host();
    int n_exact = 0;
    for (int kind = 0; kind < ATTN_TWIN_COUNT; kind++) {
        struct bench b;
        struct attn_finding f;
        char line[ATTN_CASE_LINE_MAX], name[64];
        if (kind == ATTN_TWIN_CONSTANT)
            continue; /* the twin alone says what is right */
        bench_open(&b, backend, ATTN_KERNEL_tile, kind % DEVICES);
        b.limits.twins = 1u << kind;
        assert_true(attn_twins_agree(&b.trial, &f));
        const bool exact = b.outcome.same_twins != 0;
        assert_true(exact || kind != ATTN_TWIN_LAYOUT);
        n_exact += exact;
        change(&b, 0);
        assert_int_equal(attn_twins_agree(&b.trial, &f), !exact);
        change(&b, 1.02f);
        assert_false(attn_twins_agree(&b.trial, &f));
        assert_int_equal(f.property, ATTN_P_METAMORPHIC);
        assert_int_equal(f.at.run.kernel, ATTN_KERNEL_tile);
        attn_case_print(&f.at, line, sizeof line);
        snprintf(name, sizeof name, " twin=%s", attn_twin_name(kind));
        assert_true(strlen(line) > strlen(name) && strcmp(line + strlen(line) - strlen(name), name) == 0);
        bench_close(&b);
    }
    assert_true(n_exact >= 3);
    backend->ops->close(backend);
}

/* The reference is held to its twins too, closer than the kernels are. */
static void what_the_reference_gets_wrong_is_found(void **state)
{
    (void)state;
    static const int kinds[] = { ATTN_TWIN_KEYS, ATTN_TWIN_WAVE };
    struct attn_backend *backend = open_host();
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct bench b, other;
        struct attn_finding f;
        bench_open(&b, backend, ATTN_KERNEL_naive, 0);
        bench_open(&other, backend, ATTN_KERNEL_naive, 0);
        /* The reference of the same problem with a key of V changed by 2%. */
        const void *base[ATTN_OPERAND_COUNT];
        for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
            base[o] = attn_image_at(&other.runner.before, &other.c.problem, o);
        uint16_t *v = attn_image_at(&other.runner.before, &other.c.problem, ATTN_V);
        for (int64_t d = 0; d < 64 * 67; d++)
            v[d] = (v[d] & 0x7c00) == 0x7c00 ? v[d] : attn_f32_to_f16(attn_f16_to_f32(v[d]) * 1.02f);
        struct attn_reference *wrong = attn_reference_compute(&other.c.problem, base);
        assert_non_null(wrong);
        b.runner.reference = wrong;
        b.limits.twins = 1u << kinds[i];
        assert_false(attn_twins_agree(&b.trial, &f));
        assert_non_null(strstr(f.text, "of the reference"));
        attn_reference_free(wrong);
        bench_close(&b);
        bench_close(&other);
    }
    backend->ops->close(backend);
}

static void no_kind_of_schedule_changes_a_bit(void **state)
{
    (void)state;
    struct attn_backend *backend = open_host();
    const struct attn_run_limits limits = { .work = WORK, .bytes = BYTES, .schedules = ATTN_RUN_ALL_SCHEDULES };
    for (int device = 0; device < DEVICES; device++) {
        uint32_t ran = 0;
        for (int kind = 0; kind < ATTN_SCHEDULE_KINDS; kind++) {
            struct attn_case c = case_of(kind & 1 ? ATTN_Q8_0 : ATTN_F16, device, 67, kind & 2);
            struct attn_outcome outcome;
            c.run.schedule = attn_schedule_of(kind, 1);
            must_hold(backend, &c, &limits, &outcome);
            for (int k = 0; k < ATTN_KERNEL_COUNT; k++)
                ran |= (uint32_t)outcome.kernel[k].ran << k;
        }
        assert_int_equal(ran, (1u << ATTN_KERNEL_COUNT) - 1);
    }
    backend->ops->close(backend);
}

/* The host executor, whose every second result has another bit. */
static const struct attn_backend_ops *host_ops;
static int downloads;

static bool download_another(struct attn_backend *backend, struct attn_memory *memory, struct attn_image *image,
                             struct attn_failure *failure)
{
    const bool good = host_ops->download(backend, memory, image, failure);
    for (int i = 0; i < image->n_buffers && downloads % 2; i++) {
        uint8_t *element = memchr(image->buffer[i].role, ATTN_ROLE_DST, (size_t)image->buffer[i].size);
        if (element)
            image->buffer[i].bytes[element - image->buffer[i].role] ^= 1;
    }
    downloads++;
    return good;
}

/* The line of the finding names both schedules, and fails again in the same way. */
static void a_result_of_another_schedule_is_named_by_its_line(void **state)
{
    (void)state;
    struct attn_backend *backend = open_host();
    struct attn_backend_ops another = *(host_ops = backend->ops);
    struct attn_run_limits limits = { .work = WORK, .bytes = BYTES, .schedules = 1 };
    struct attn_case c = case_of(ATTN_F16, 0, 33, false);
    struct attn_outcome outcome;
    struct attn_finding f, again;
    another.download = download_another;
    backend->ops = &another;
    assert_int_equal(attn_check_run(backend, &c, &limits, &outcome, &f), ATTN_OUTCOME_FAILED);
    assert_int_equal(f.property, ATTN_P_SCHEDULE_FREE);
    assert_true(f.at.run.again != 0 && attn_schedule_kind(f.at.run.again) != attn_schedule_kind(f.at.run.schedule));
    limits.schedules = 0;
    assert_int_equal(attn_check_run(backend, &f.at, &limits, &outcome, &again), ATTN_OUTCOME_FAILED);
    assert_string_equal(again.text, f.text);
    assert_true(attn_case_equal(&again.at, &f.at));
    backend->ops = host_ops;
    backend->ops->close(backend);
}

static void a_line_says_twin_and_second_schedule(void **state)
{
    (void)state;
    static const char line[] = "fa1 q=f32[8,1,1,1] k=f16[8,1,1,1] v=f16[8,1,1,1] | dev=gfx906 again=12 twin=padded";
    char text[ATTN_CASE_LINE_MAX];
    struct attn_case c = read_case(line), other = c;
    struct attn_text_error error;
    assert_true(c.run.again == 12 && c.run.twin == ATTN_TWIN_PADDED);
    attn_case_print(&c, text, sizeof text);
    assert_string_equal(text, line);
    other.run.twin = ATTN_TWIN_KEYS;
    assert_false(attn_case_equal(&c, &other) || attn_case_hash(&c) == attn_case_hash(&other));
    other = c;
    other.run.again = 13;
    assert_false(attn_case_equal(&c, &other) || attn_case_hash(&c) == attn_case_hash(&other));
    for (int kind = 0; kind < ATTN_TWIN_COUNT; kind++) {
        c.run.twin = kind;
        attn_case_print(&c, text, sizeof text);
        other = read_case(text);
        assert_true(attn_case_equal(&c, &other));
    }
    static const char wrong[] = "fa1 q=f32[8,1,1,1] k=f16[8,1,1,1] v=f16[8,1,1,1] | twin=cousin";
    assert_false(attn_case_parse(wrong, strlen(wrong), &c, &error));
    assert_int_equal(error.column, strlen(wrong) - strlen("cousin") + 1);
    assert_string_equal(error.message, "unknown twin 'cousin'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_twin_of_every_kernel_and_type_agrees),
        cmocka_unit_test(what_differs_from_a_twin_is_found),
        cmocka_unit_test(what_the_reference_gets_wrong_is_found),
        cmocka_unit_test(no_kind_of_schedule_changes_a_bit),
        cmocka_unit_test(a_result_of_another_schedule_is_named_by_its_line),
        cmocka_unit_test(a_line_says_twin_and_second_schedule),
    };
    return cmocka_run_group_tests_name("fuzz twins", tests, NULL, NULL);
}
