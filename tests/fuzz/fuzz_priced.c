/* P11 on devices that a caller describes, of any size from 20 KiB of LDS on (below that P1 does not promise a kernel
 * other than naive), not the table's alone. And what a neighbour is: one step away, legal, and with no less to do.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz/domain/domain.h"
#include "fuzz/properties/sweep.h"
#include "planner/arith.h"
#include "planner/random.h"
#include "tests/fuzz/described.h"

static uint64_t state = 5;

static int64_t below(int64_t n) { return (int64_t)(attn_random(&state) % (uint64_t)n); }

static void draw_device(struct attn_device *d)
{
    *d = *attn_device((int)below(attn_device_count()));
    strcpy(d->name, "described");
    describe_device(d, &state);
    assert_null(attn_device_check(d));
}

static void draw_case(struct attn_case *c)
{
    static const struct attn_domain_limits limits = ATTN_DOMAIN_UNLIMITED;
    uint8_t bytes[ATTN_GENOME_BYTES_MAX];
    struct attn_genome genome;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)attn_random(&state);
    attn_genome_decode(bytes, sizeof bytes, &genome);
    attn_genome_case(&genome, &limits, c);
}

/* A fleet of one. */
static void prices_hold_on_devices_that_a_caller_describes(void **unused)
{
    (void)unused;
    struct attn_fleet *fleet = calloc(1, sizeof *fleet);
    struct attn_sweep *sweep = malloc(sizeof *sweep);
    const long tries = getenv("ATTN_LONG") ? 3000000 : 20000;
    assert_non_null(fleet);
    assert_non_null(sweep);
    fleet->n = 1;
    fleet->weakening[0] = -1;
    for (long i = 0; i < tries; i++) {
        struct attn_finding finding;
        struct attn_case c;
        draw_device(&fleet->device[0]);
        draw_case(&c);
        c.run.device = 0;
        c.run.weakening = -1;
        if (attn_check_plan(fleet, &c, true, sweep, &finding))
            continue;
        attn_finding_print(stdout, &finding);
        const struct attn_device *d = &fleet->device[0];
        fail_msg("on %d CUs, %d of LDS, %d threads, wave %d, %s, grid %u: %s", d->n_cu, d->lds_static_bytes,
                 d->max_threads, d->wave_size, attn_matrix_name(d->matrix), d->max_grid[1], finding.text);
    }
    free(fleet);
    free(sweep);
}

static int64_t rows(const struct attn_key *k) { return attn_mul_sat(attn_mul_sat(k->n_q, k->n_head), k->n_seq); }

static int64_t bytes(const struct attn_key *k)
{
    const int64_t row = attn_row_bytes(k->type_k, k->d_k) + attn_row_bytes(k->type_v, k->d_v);
    return attn_mul_sat(attn_mul_sat(row, k->n_kv), attn_mul_sat(k->n_head_kv, k->n_seq));
}

static void neighbours_have_no_less_to_do(void **unused)
{
    (void)unused;
    for (int i = 0; i < 5000; i++) {
        struct attn_neighbour neighbour[ATTN_NEIGHBOURS_MAX];
        struct attn_case c;
        struct attn_key key;
        draw_case(&c);
        attn_key_of(&c.problem, &key);
        const int n = attn_neighbours(&key, neighbour);
        assert_in_range(n, 0, ATTN_NEIGHBOURS_MAX);
        for (int j = 0; j < n; j++) {
            const struct attn_key *k = &neighbour[j].key;
            if (attn_key_equal(k, &key))
                fail_msg("%s changes nothing", neighbour[j].step);
            if (rows(k) < rows(&key) || bytes(k) < bytes(&key) || k->n_kv < key.n_kv ||
                k->d_k + k->d_v < key.d_k + key.d_v || k->mask_heads < key.mask_heads)
                fail_msg("%s has less to do", neighbour[j].step);
            if (k->n_head % k->n_head_kv || (k->mask_heads && (k->n_head % k->mask_heads || k->n_seq % k->mask_seqs)))
                fail_msg("%s is not legal", neighbour[j].step);
            assert_int_equal(k->n_q, attn_bucket_n_q(k->n_q));
            assert_int_equal(k->n_kv, attn_bucket_n_kv(k->n_kv));
        }
    }
}

/* A step that is named allows what it says, in its direction alone. */
static void a_named_step_is_a_limit_of_its_own(void **unused)
{
    (void)unused;
    struct attn_key dear = { .n_q = 1, .n_kv = 64, .d_k = 71, .d_v = 71, .n_head = 1, .n_head_kv = 1, .n_seq = 1 };
    struct attn_key cheap = dear;
    cheap.d_k = cheap.d_v = 72;
    const struct attn_device *d = attn_device(0);
    assert_int_equal(attn_price_limit(d, &dear, &cheap), 0); /* naive.head_size */
    assert_int_equal(attn_price_limit(d, &cheap, &dear), 3);
    assert_int_equal(attn_price_limit(d, &dear, &dear), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_have_no_less_to_do),
        cmocka_unit_test(a_named_step_is_a_limit_of_its_own),
        cmocka_unit_test(prices_hold_on_devices_that_a_caller_describes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
