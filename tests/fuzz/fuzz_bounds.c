/* fuzz_bounds.c: the error bound beside what kernels do. The order of adding that contracts state is the one that
 * kernels have: data whose roundings all go one way come near the bound, and never past it. With data that bear
 * witness a lost or doubled key, tile or split is seen at any length. A suspect result runs with further seeds. With
 * ATTN_LONG lengths go up to 1,048,576 keys.
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
#include "fuzz/properties/properties.h"
#include "planner/arith.h"
#include "reference/attn_reference.h"

static struct attn_case case_of(const char *line)
{
    struct attn_case c;
    struct attn_text_error error;
    if (!attn_case_parse(line, strlen(line), &c, &error))
        fail_msg("%s: column %zu", line, error.column);
    return c;
}

/* ---- The tree ---------------------------------------------------------------------------------------------- */

/* A device with so few compute units that nothing is split. */
static struct attn_device small_device(const char *name)
{
    struct attn_device d = *attn_device_find(name);
    d.n_cu = 1;
    return d;
}

static void set_elements(struct attn_image *image, const struct attn_problem *p, int operand, float even, float odd)
{
    const struct attn_tensor *t = &p->t[operand];
    for (int64_t i2 = 0; i2 < t->ne[2]; i2++)
        for (int64_t i1 = 0; i1 < t->ne[1]; i1++)
            for (int64_t i0 = 0; i0 < t->ne[0]; i0++)
                attn_row_encode(t->type, i1 % 2 ? &odd : &even, 1,
                                (char *)(uintptr_t)attn_image_at(image, p, operand) + i0 * t->nb[0] + i1 * t->nb[1] +
                                    i2 * t->nb[2]);
}

/* Runs the plan and says how near its bound it comes; `judged`: the arithmetic that the bound is told of. */
static double nearness(struct attn_image *image, const struct attn_problem *p, const struct attn_plan *plan,
                       const struct attn_arithmetic *judged)
{
    struct attn_host_options options = { .checked = false };
    struct attn_failure failure = { 0 };
    struct attn_judgement j;
    const void *base[ATTN_OPERAND_COUNT];
    struct attn_backend *host = attn_host_open(&options);
    struct attn_memory *memory = host->ops->alloc(host, p, image, plan->workspace_bytes, &failure);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        base[o] = attn_image_at(image, p, o);
    struct attn_reference *r = attn_reference_compute(p, base);
    assert_non_null(memory);
    assert_non_null(r);
    if (!host->ops->upload(host, memory, image, &failure) || !host->ops->run(host, memory, p, plan, &failure) ||
        !host->ops->download(host, memory, image, &failure))
        fail_msg("%s", failure.text);
    attn_judge(r, judged, attn_image_at(image, p, ATTN_DST), &j);
    attn_reference_free(r);
    host->ops->free(host, memory);
    host->ops->close(host);
    return j.worst;
}

/* The line's problem on a kernel of a device, with the elements of K and V of even and odd keys. */
static double run_elements(const char *line, const char *device, int kernel, const float k[2], const float v[2],
                           int shorten)
{
    const struct attn_case c = case_of(line);
    const struct attn_device d = small_device(device);
    const struct attn_problem *p = &c.problem;
    struct attn_key key;
    struct attn_plan plan;
    struct attn_image image;
    attn_key_of(p, &key);
    if (!attn_plan_kernel(&d, &key, kernel, &plan, NULL))
        return -1.0;
    assert_true(attn_image_create(p, INT64_C(1) << 30, &image));
    set_elements(&image, p, ATTN_Q, 1.0f, 1.0f);
    set_elements(&image, p, ATTN_K, k[0], k[1]);
    set_elements(&image, p, ATTN_V, v[0], v[1]);
    struct attn_arithmetic judged = plan.arithmetic;
    if (shorten > 1) { /* as if there were so many accumulators in place of one */
        judged.values.lanes = shorten * (judged.values.lanes > 1 ? judged.values.lanes : 1);
        judged.weights.lanes = shorten * (judged.weights.lanes > 1 ? judged.weights.lanes : 1);
        judged.dot_chain = judged.dot_chain / shorten;
        judged.values.block = 0;
    }
    const double worst = nearness(&image, p, &plan, &judged);
    attn_image_free(&image);
    return worst;
}

/* Numbers near 1 of which 2^e add up to something that loses nearly half of its last digit with each. */
static float losing(int e) { return 1.0f + 0.49f * ldexpf(1.0f, e - 23); }

static void chains_of_v_are_as_long_as_stated(void **state)
{
    static const char *const lines[] = {
        "fa1 q=f32[64,1,2,1] k=f32[64,8192,2,1] v=f32[64,8192,2,1] scale=0",
        "fa1 q=f32[64,1,2,1] k=f16[64,32768,2,1] v=f16[64,32768,2,1] scale=0",
        "fa1 q=f32[256,1,8,1] k=f32[256,4096,8,1] v=f32[256,4096,8,1] scale=0", /* so many heads that vec splits none */
    };
    static const char *const devices[] = { "gfx942", "gfx1100", "gfx1200", "sm_90" };
    static const float none[2] = { 0.0f, 0.0f };
    /* Of f32; 0: it does not take it. naive's sum of weights is as long, and exact here. Matrix cores may lose twice as
     * much with each product, and more where sums are formed, than the executor's, which round to nearest; f16 has few
     * numbers to choose from. */
    static const double least[ATTN_KERNEL_COUNT] = { [ATTN_KERNEL_vec] = 0.2,
                                                     [ATTN_KERNEL_tile] = 0.2,
                                                     [ATTN_KERNEL_naive] = 0.1 };
    (void)state;
    for (int kernel = 0; kernel < ATTN_KERNEL_COUNT; kernel++)
        for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
            double most = 0.0, wrong = 0.0;
            for (int e = kernel == ATTN_KERNEL_vec ? 7 : 12; e <= (kernel == ATTN_KERNEL_vec ? 9 : 12); e++) {
                const float v[2] = { losing(e), losing(e) };
                const char *line = lines[kernel == ATTN_KERNEL_vec ? 2 : 0];
                most = fmax(most, run_elements(line, devices[i], kernel, none, v, 1));
                wrong = fmax(wrong, run_elements(line, devices[i], kernel, none, v, 32));
            }
            if (kernel == ATTN_KERNEL_mma) {
                const float v[2] = { 1.0f + 0x1p-10f, 1.0f + 0x1p-10f };
                most = run_elements(lines[1], devices[i], kernel, none, v, 1);
            }
            print_message("%-5s on %-7s: %.3f of the limit, %.3f with a chain of a 32nd\n", attn_kernel(kernel)->name,
                          devices[i], most, wrong);
            assert_true(most <= 1.0);
            if (least[kernel] > 0.0)
                assert_true(most >= least[kernel] && wrong > 1.0);
        }
}

/* Even keys lose something of their scores with each element, odd ones nothing; V tells them apart. */
static void chains_of_scores_are_as_long_as_stated(void **state)
{
    static const char line[] = "fa1 q=f32[512,1,2,1] k=f32[512,64,2,1] v=f32[512,64,2,1] scale=0.001";
    static const float k[2] = { 1.0f + 0.49f * 0x1p-15f, 1.0f }, v[2] = { 1.0f, -1.0f };
    (void)state;
    for (int kernel = ATTN_KERNEL_vec; kernel < ATTN_KERNEL_COUNT; kernel++) {
        const double right = run_elements(line, "gfx942", kernel, k, v, 1);
        const double wrong = run_elements(line, "gfx942", kernel, k, v, 64);
        print_message("%-5s: %.3f of the limit, %.3f with a chain of a 64th\n", attn_kernel(kernel)->name, right,
                      wrong);
        assert_true(right <= 1.0);
        if (kernel != ATTN_KERNEL_vec)
            assert_true(right >= 0.1 && wrong > right * 3.0);
    }
}

/* ---- Losses ------------------------------------------------------------------------------------------------ */

/* One row, its scores, and what is left of it. */
struct loss {
    struct attn_case c;
    struct attn_image image;
    struct attn_reference *r;
    double *weight, sum, value[64];
    int64_t n_kv;
    float v[64];
};

static void open_loss(struct loss *l, int64_t n_kv, const char *type, uint64_t seed)
{
    char line[256];
    const void *base[ATTN_OPERAND_COUNT];
    float q[64], k[64];
    snprintf(line, sizeof line,
             "fa1 q=f32[64,1,1,1] k=%s[64,%lld,1,1] v=%s[64,%lld,1,1] scale=0.125 | data=witness seed=%llu", type,
             (long long)n_kv, type, (long long)n_kv, (unsigned long long)seed);
    l->c = case_of(line);
    l->n_kv = n_kv;
    assert_true(attn_image_create(&l->c.problem, INT64_C(1) << 31, &l->image));
    attn_data_fill(&l->c, &l->image);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        base[o] = attn_image_at(&l->image, &l->c.problem, o);
    assert_non_null(l->r = attn_reference_compute(&l->c.problem, base));
    assert_non_null(l->weight = malloc((size_t)n_kv * sizeof *l->weight));
    const struct attn_tensor *t = l->c.problem.t;
    double max = -INFINITY;
    memcpy(q, base[ATTN_Q], sizeof q);
    for (int64_t key = 0; key < n_kv; key++) {
        double dot = 0.0;
        attn_row_decode(t[ATTN_K].type, (const char *)base[ATTN_K] + key * t[ATTN_K].nb[1], 64, k);
        for (int d = 0; d < 64; d++)
            dot += (double)q[d] * (double)k[d];
        l->weight[key] = 0.125 * dot;
        max = fmax(max, l->weight[key]);
    }
    l->sum = 0.0;
    for (int64_t key = 0; key < n_kv; key++)
        l->sum += l->weight[key] = exp(l->weight[key] - max);
    for (int d = 0; d < 64; d++)
        l->value[d] = attn_reference_value(l->r, d, 0, 0, 0) * l->sum;
}

static void close_loss(struct loss *l)
{
    attn_reference_free(l->r);
    attn_image_free(&l->image);
    free(l->weight);
}

/* The row with `times` more of these keys (-1: without them), judged. */
static bool is_seen(struct loss *l, const struct attn_arithmetic *a, int64_t first, int64_t n, double times)
{
    const struct attn_tensor *t = &l->c.problem.t[ATTN_V];
    const char *rows = attn_image_at(&l->image, &l->c.problem, ATTN_V);
    double sum = l->sum, value[64];
    float out[64];
    struct attn_judgement j;
    memcpy(value, l->value, sizeof value);
    for (int64_t key = first; key < first + n && key < l->n_kv; key++) {
        attn_row_decode(t->type, rows + key * t->nb[1], 64, l->v);
        sum += times * l->weight[key];
        for (int d = 0; d < 64; d++)
            value[d] += times * l->weight[key] * (double)l->v[d];
    }
    for (int d = 0; d < 64; d++)
        out[d] = (float)(value[d] / sum);
    attn_judge(l->r, a, out, &j);
    return j.failed > 0 || j.suspect > 0;
}

struct losses {
    int tried, missed, of_kernel[ATTN_KERNEL_COUNT];
};

static void try_loss(struct loss *l, const struct attn_plan *plan, int64_t first, int64_t n, struct losses *all)
{
    for (double times = -1.0; times <= 1.0; times += 2.0) {
        all->tried++;
        if (is_seen(l, &plan->arithmetic, first, n, times))
            continue;
        all->of_kernel[plan->kernel]++;
        if (all->missed++ < 20)
            print_message("missed: %s on %s, %lld %s keys, %d splits: keys %lld .. %lld %s\n",
                          attn_kernel(plan->kernel)->name, plan->device.name, (long long)l->n_kv,
                          attn_type_info(plan->key.type_k)->name, plan->splits, (long long)first,
                          (long long)(first + n - 1), times < 0.0 ? "lost" : "doubled");
    }
}

static void try_losses(struct loss *l, const struct attn_plan *plan, struct losses *all)
{
    enum { KEYS = 32 };
    int64_t keys[KEYS];
    double least;
    const int n = attn_data_witnesses(&l->c, keys, KEYS, &least);
    const int64_t tile = plan->kv_tile, tiles = attn_ceil_div(l->n_kv, tile),
                  split = attn_ceil_div(tiles, plan->splits);
    for (int i = 0; i < n; i++) {
        if (l->weight[keys[i]] < least * l->sum)
            continue;
        try_loss(l, plan, keys[i], 1, all);
        if (i % 6 == 0) /* beyond some length a tile has a witness with some seeds only */
            try_loss(l, plan, keys[i] / tile * tile, tile, all);
    }
    for (int64_t i = 0; i < 5 && plan->splits > 1; i++)
        try_loss(l, plan, (attn_ceil_div(tiles, split) - 1) * i / 4 * split * tile, split * tile, all);
}

static void losses_are_seen_at_every_length(void **state)
{
    static const char *const types[] = { "f16", "bf16", "q8_0" };
    static const int64_t lengths[] = { 4096, 65536, 262144, 1048576 };
    (void)state;
    struct losses all = { .tried = 0 };
    const size_t n_lengths = getenv("ATTN_LONG") ? 4 : 2;
    for (size_t i = 0; i < n_lengths; i++)
        for (int type = 0; type < 3; type++) {
            struct loss l;
            struct attn_key key;
            open_loss(&l, lengths[i], types[type], i + 10);
            attn_key_of(&l.c.problem, &key);
            for (int d = 0; attn_device(d); d++)
                for (int kernel = 0; kernel < ATTN_KERNEL_COUNT; kernel++) {
                    struct attn_plan plan;
                    if (attn_plan_kernel(attn_device(d), &key, kernel, &plan, NULL))
                        try_losses(&l, &plan, &all);
                }
            close_loss(&l);
            for (int kernel = 0; kernel < ATTN_KERNEL_COUNT; kernel++)
                if (all.of_kernel[kernel] > 0)
                    print_message("%lld %s keys: %d losses missed of %s\n", (long long)lengths[i], types[type],
                                  all.of_kernel[kernel], attn_kernel(kernel)->name);
            memset(all.of_kernel, 0, sizeof all.of_kernel);
        }
    print_message("%d losses, %d missed\n", all.tried, all.missed);
    assert_int_equal(all.missed, 0);
}

/* ---- Suspect results --------------------------------------------------------------------------------------- */

static struct attn_backend_ops host_ops, wrong_ops;
static int downloads, wrong_until;

/* The host, whose results are a little too large: more than is likely, less than is proven. */
static bool download_wrong(struct attn_backend *backend, struct attn_memory *memory, struct attn_image *image,
                           struct attn_failure *failure)
{
    const bool good = host_ops.download(backend, memory, image, failure);
    struct attn_buffer *dst = &image->buffer[image->buffer_of[ATTN_DST]];
    for (int64_t at = 0; at < dst->size && downloads < wrong_until; at += 4) {
        float x;
        if (dst->role[at] != ATTN_ROLE_DST)
            continue;
        memcpy(&x, dst->bytes + at, sizeof x);
        x *= 1.002f;
        memcpy(dst->bytes + at, &x, sizeof x);
    }
    downloads++;
    return good;
}

static int run_wrong(const struct attn_case *c, int until, struct attn_outcome *outcome, struct attn_finding *f)
{
    struct attn_host_options options = { .checked = false };
    const struct attn_run_limits limits = { .work = ATTN_RUN_WORK_LIMIT, .bytes = ATTN_RUN_BYTES_LIMIT };
    struct attn_backend *host = attn_host_open(&options);
    host_ops = wrong_ops = *host->ops;
    wrong_ops.download = download_wrong;
    host->ops = &wrong_ops;
    downloads = 0;
    wrong_until = until;
    const int status = attn_check_run(host, c, &limits, outcome, f);
    host_ops.close(host);
    return status;
}

static void what_is_suspect_twice_has_failed(void **state)
{
    const struct attn_case c = case_of("fa1 q=f32[8,1,1,1] k=f16[8,65536,1,1] v=f16[8,65536,1,1] scale=0.35 | "
                                       "dev=gfx942 kernel=naive seed=5");
    struct attn_outcome outcome;
    struct attn_finding f;
    (void)state;
    assert_int_equal(run_wrong(&c, 0, &outcome, &f), ATTN_OUTCOME_HELD);
    assert_true(downloads == 1 && outcome.kernel[ATTN_KERNEL_naive].judgement.suspect == 0);
    assert_int_equal(run_wrong(&c, 1, &outcome, &f), ATTN_OUTCOME_HELD);
    assert_int_equal(downloads, 1 + ATTN_FURTHER_SEEDS);
    assert_true(outcome.kernel[ATTN_KERNEL_naive].judgement.suspect > 0);
    assert_true(outcome.kernel[ATTN_KERNEL_naive].judgement.failed == 0);
    assert_int_equal(run_wrong(&c, 2, &outcome, &f), ATTN_OUTCOME_FAILED);
    assert_int_equal(downloads, 2);
    print_message("%s\n", f.text);
    assert_true(f.property == ATTN_P_SOUND && f.kernel == ATTN_KERNEL_naive && attn_case_equal(&f.at, &c));
    for (int i = 0; i < ATTN_FURTHER_SEEDS; i++)
        for (int k = 0; k < i; k++)
            assert_true(attn_further_seed(5, i) != attn_further_seed(5, k) && attn_further_seed(5, i) != 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_of_v_are_as_long_as_stated),
        cmocka_unit_test(chains_of_scores_are_as_long_as_stated),
        cmocka_unit_test(losses_are_seen_at_every_length),
        cmocka_unit_test(what_is_suspect_twice_has_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
