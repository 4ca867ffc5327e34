/* fuzz_far.c: generated problems whose strides and offsets pass 2^31, 2^32 and 2^40 bytes are run, not only planned, on
 * memory in proportion to their rows.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "fuzz/domain/domain.h"
#include "fuzz/domain/mutate.h"
#include "fuzz/properties/properties.h"

enum { PROBLEMS = 250, POWERS = 3 };
static const struct attn_domain_limits limits = { 20000, 393216, 4096, ATTN_REACH_MOST };
static const struct attn_run_limits run_limits = { .work = 20000, .bytes = 16 << 20, .schedules = true };
static const int powers[POWERS] = { 31, 32, 40 };

static int64_t most_kilobytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* What of a problem lies furthest away: a stride, or an offset. */
static int64_t furthest(const struct attn_problem *p)
{
    int64_t far = 0;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        const struct attn_tensor *t = &p->t[o];
        if (!t->present)
            continue;
        far = t->offset > far ? t->offset : far;
        for (int d = 1; d < 4; d++)
            if (t->ne[d] > 1 && (t->ne[d] - 1) * t->nb[d] > far)
                far = (t->ne[d] - 1) * t->nb[d];
    }
    return far;
}

static void run(struct attn_backend *backend, const struct attn_case *c, int past[POWERS])
{
    struct attn_outcome outcome;
    struct attn_finding finding;
    const int status = attn_check_run(backend, c, &run_limits, &outcome, &finding);
    if (status == ATTN_OUTCOME_FAILED)
        attn_finding_print(stderr, &finding);
    assert_int_equal(status, ATTN_OUTCOME_HELD);
    for (int i = 0; i < POWERS; i++)
        past[i] += furthest(&c->problem) >= INT64_C(1) << powers[i];
}

static void far_problems_run(void **state)
{
    struct attn_host_options options = { .checked = true };
    struct attn_backend *backend = attn_host_open(&options);
    int past[POWERS] = { 0 };
    (void)state;
    assert_non_null(backend);
    const int64_t before = most_kilobytes();
    for (uint64_t seed = 0, n = 0; n < PROBLEMS; seed++) {
        struct attn_genome genome;
        struct attn_case c;
        attn_genome_random(&genome, seed);
        genome.features |= 1u << ATTN_FEATURE_FAR;
        genome.gene[ATTN_GENE_far_what] = 0xe0 | (uint32_t)(seed & 31);
        genome.gene[ATTN_GENE_far_how] = (uint32_t)(seed * 37 >> 2 & 0xff);
        attn_genome_case(&genome, &limits, &c);
        if (furthest(&c.problem) < INT64_C(1) << 31)
            continue;
        run(backend, &c, past);
        n++;
    }
    for (int i = 0; i < POWERS; i++) {
        print_message("%d of %d past 2^%d bytes\n", past[i], PROBLEMS, powers[i]);
        assert_true(past[i] * 10 >= PROBLEMS);
    }
    print_message("%lld KiB\n", (long long)(most_kilobytes() - before));
    assert_true(most_kilobytes() - before < 256 << 10);
    backend->ops->close(backend);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(far_problems_run) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
