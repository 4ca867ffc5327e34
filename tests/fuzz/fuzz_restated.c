/* fuzz_restated.c: the planner says what is said a second time (fuzz/restated), and what says otherwise in one place is
 * found out, within a number of tries that a target makes in a fraction of a second.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz/domain/mutate.h"
#include "fuzz/restated/restated.h"

/* All checks on one random problem; false with the fault. */
static bool restate(const struct attn_restated *said, uint64_t seed, struct attn_restated_fault *fault)
{
    static const struct attn_domain_limits limits = ATTN_DOMAIN_UNLIMITED;
    struct attn_genome genome;
    struct attn_case c;
    struct attn_plan plan;
    attn_genome_random(&genome, seed);
    attn_genome_case(&genome, &limits, &c);
    const int device = c.run.device < 0 ? 0 : c.run.device;
    assert_true(attn_plan(attn_device(device), &c.problem, &plan, NULL) >= 0);
    return attn_restate_routes(said, attn_device(device), &c.problem, seed, fault) &&
           attn_restate_image(said, &c.problem, fault) && attn_restate_number(said, seed, fault) &&
           attn_restate_line(said, &c.problem, seed, fault) && attn_restate_legality(said, &c.problem, seed, fault) &&
           attn_restate_key(said, &c.problem, fault) && attn_restate_device(said, seed, fault) &&
           attn_restate_plan(said, &c.problem, &plan, seed, fault);
}

/* The seed at which it is found out that somebody else says otherwise; none up to `tries`: -1. */
static int found_out(const struct attn_restated *said, int tries)
{
    struct attn_restated_fault fault;
    for (int seed = 0; seed < tries; seed++)
        if (!restate(said, (uint64_t)seed, &fault))
            return seed;
    return -1;
}

static void the_planner_says_the_same(void **state)
{
    (void)state;
    struct attn_restated_fault fault = { "" };
    for (uint64_t seed = 0; seed < 20000; seed++)
        if (!restate(&attn_restated_planner, seed, &fault))
            fail_msg("seed %d: %s", (int)seed, fault.text);
}

/* ---- Others, each wrong in one place -------------------------------------------------------------------------- */

static size_t one_digit_more(float value, char *text, size_t cap)
{
    size_t length = attn_float_print(value, text, cap);
    if (value == 0.5f)
        length = (size_t)snprintf(text, cap, "0.50");
    return length;
}

/* Ties away from zero. */
static size_t rounds_up(const char *text, size_t len, float *value)
{
    char copy[600];
    size_t used = attn_float_parse(text, len, value);
    memcpy(copy, text, used);
    copy[used] = 0;
    const double exact = strtod(copy, NULL);
    float next = *value;
    uint32_t bits;
    memcpy(&bits, &next, sizeof bits);
    bits++;
    memcpy(&next, &bits, sizeof next);
    if (used > 20 && exact > 0 && exact - (double)*value == (double)next - exact && exact != (double)*value)
        *value = next;
    return used;
}

static bool takes_any_buffer(const char *text, size_t len, struct attn_problem *p, size_t *used,
                             struct attn_text_error *error)
{
    char copy[4096];
    memcpy(copy, text, len);
    for (size_t i = 0; i + 1 < len; i++)
        if (copy[i] == '@' && copy[i + 1] == '{')
            copy[i + 1] = 'z';
    return attn_problem_parse(copy, len, p, used, error);
}

static bool another_column(const char *text, size_t len, struct attn_problem *p, size_t *used,
                           struct attn_text_error *error)
{
    const bool good = attn_problem_parse(text, len, p, used, error);
    if (!good && error && strstr(error->message, "extent"))
        error->column++;
    return good;
}

static size_t without_heads(const struct attn_problem *p, char *text, size_t cap)
{
    struct attn_problem same = *p;
    same.head_first = 0;
    same.head_total = attn_n_head(p);
    return attn_problem_print(&same, text, cap);
}

static int one_mask_head_too_many(const struct attn_problem *p, struct attn_error *error)
{
    const int code = attn_problem_check(p, error);
    return code == ATTN_E_MASK_SEQ ? ATTN_E_OK : code;
}

static int another_dimension(const struct attn_problem *p, struct attn_error *error)
{
    const int code = attn_problem_check(p, error);
    if (error && code == ATTN_E_MASK_Q)
        error->dim = 2;
    return code;
}

static bool no_buffers(const struct attn_problem *a, const struct attn_problem *b)
{
    struct attn_problem x = *a, y = *b;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        x.t[o].buffer = y.t[o].buffer = 0;
    return attn_problem_equal(&x, &y);
}

static uint64_t no_offsets(const struct attn_problem *p)
{
    struct attn_problem x = *p;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        x.t[o].offset = 0;
    return attn_problem_hash(&x);
}

static bool strides_of_one(const struct attn_tensor *t)
{
    return attn_tensor_has_default_strides(t); /* those of extent 1 too */
}

static void coarse_key(const struct attn_problem *p, struct attn_key *key)
{
    attn_key_of(p, key);
    if (attn_n_kv(p) == 256)
        key->n_kv = 320;
}

static bool keys_without_sinks(const struct attn_key *a, const struct attn_key *b)
{
    struct attn_key x = *a;
    x.sinks = b->sinks;
    return attn_key_equal(&x, b);
}

static uint64_t hash_without_softcap(const struct attn_key *key)
{
    struct attn_key x = *key;
    x.softcap = 0;
    return attn_key_hash(&x);
}

static const char *no_compute_units(const struct attn_device *d)
{
    struct attn_device x = *d;
    x.n_cu = x.n_cu == 0 ? 1 : x.n_cu;
    return attn_device_check(&x);
}

static bool without_grid_z(const struct attn_device *a, const struct attn_device *b)
{
    struct attn_device x = *b;
    x.max_grid[2] = a->max_grid[2];
    return attn_device_covers(a, &x);
}

static bool weakening_before_the_first(const struct attn_device *d, int index, struct attn_device *out,
                                       const char **what)
{
    return index >= 1 && attn_device_weaken(d, index, out, what);
}

static const struct attn_device *all_but_the_first(const char *name)
{
    return strcmp(name, attn_device(0)->name) == 0 ? NULL : attn_device_find(name);
}

static bool prefix_of_a_name(const char *text, size_t len, int *row, int *weakening)
{
    return attn_device_named(text, len, row, weakening) ||
           (len > 3 && attn_device_named(text, len - 1, row, weakening));
}

static bool known_up_to_512(int64_t d_k, int64_t d_v) { return d_k <= 512 && attn_head_size_known(d_k, d_v); }

static int never_its_own(int64_t d_k, int64_t d_v, int64_t instances)
{
    return attn_head_size_instance(d_k + (d_k < 64), d_v + (d_k < 64), instances);
}

static int64_t clipped(int64_t d_k, int64_t d_v) { return attn_head_size_operand(d_k, d_v & ~INT64_C(8)); }

static struct attn_head_size no_pair(int64_t operand)
{
    return operand >= 0 ? (struct attn_head_size){ 0, 0 } : attn_head_size_pair(operand);
}

static const char *no_kernel(const struct attn_plan *plan)
{
    struct attn_plan x = *plan;
    x.kernel = x.kernel < 0 ? 0 : x.kernel;
    return attn_plan_check(&x);
}

static const char *regions_of_one_byte(const struct attn_plan *plan)
{
    struct attn_plan x = *plan;
    for (int a = 0; a < ATTN_REGION_COUNT; a++)
        x.region_bytes[a] = x.region_bytes[a] > 256 ? 256 : x.region_bytes[a];
    return attn_plan_check(&x);
}

static bool plans_without_depth(const struct attn_plan *a, const struct attn_plan *b)
{
    struct attn_plan x = *a;
    x.arithmetic.depth = b->arithmetic.depth;
    return attn_plan_equal(&x, b);
}

static bool mma_without_f16(const struct attn_device *d, const struct attn_key *key, int kernel, struct attn_plan *plan,
                            struct attn_verdict *verdict)
{
    return !(kernel == ATTN_KERNEL_mma && key->type_k == ATTN_F16) && attn_plan_kernel(d, key, kernel, plan, verdict);
}

static bool never_scans(const struct attn_device *d, const struct attn_key *key, int kernel, struct attn_plan *plan,
                        struct attn_verdict *verdict)
{
    const bool able = attn_plan_kernel(d, key, kernel, plan, verdict);
    if (plan)
        plan->scan = 0;
    return able;
}

static bool copies_of_8_bytes(const struct attn_device *d, const struct attn_key *key, int kernel,
                              struct attn_plan *plan, struct attn_verdict *verdict)
{
    const bool able = attn_plan_kernel(d, key, kernel, plan, verdict);
    if (plan && plan->stage_k == 16)
        plan->stage_k = 8;
    return able;
}

static bool too_few_joins(const struct attn_device *d, const struct attn_key *key, int kernel, struct attn_plan *plan,
                          struct attn_verdict *verdict)
{
    const bool able = attn_plan_kernel(d, key, kernel, plan, verdict);
    if (plan && kernel == ATTN_KERNEL_vec)
        plan->arithmetic.dot_joins = 3;
    return able;
}

static bool cheaper_tile(const struct attn_device *d, const struct attn_key *key, int kernel, struct attn_plan *plan,
                         struct attn_verdict *verdict)
{
    const bool able = attn_plan_kernel(d, key, kernel, plan, verdict);
    if (plan && kernel == ATTN_KERNEL_tile && key->n_kv > 1024)
        plan->cost -= plan->cost / 32;
    return able;
}

static bool half_the_splits(const struct attn_device *d, const struct attn_key *key, int kernel, struct attn_plan *plan,
                            struct attn_verdict *verdict)
{
    const bool able = attn_plan_kernel(d, key, kernel, plan, verdict);
    if (plan && kernel == ATTN_KERNEL_tile && plan->splits > 2)
        plan->splits /= 2;
    return able;
}

static const char *no_first_failure(int code) { return code == 0 ? "unknown" : attn_failure_name(code); }

static bool no_mirror(const struct attn_image *image, struct attn_image *mirror)
{
    (void)image;
    (void)mirror;
    return false;
}

/* All that lies between the first row and the last. */
static int64_t with_gaps(const struct attn_problem *p) { return attn_image_reach(p); }

static void what_says_otherwise_is_found_out(void **state)
{
    (void)state;
#define WRONG(name, function)                                                       \
    {                                                                               \
        #function, offsetof(struct attn_restated, name), (void (*)(void))(function) \
    }
    static const struct {
        const char *name;
        size_t at;
        void (*function)(void);
    } wrong[] = {
        WRONG(float_print, one_digit_more),
        WRONG(float_parse, rounds_up),
        WRONG(problem_parse, takes_any_buffer),
        WRONG(problem_parse, another_column),
        WRONG(problem_print, without_heads),
        WRONG(problem_check, one_mask_head_too_many),
        WRONG(problem_check, another_dimension),
        WRONG(problem_equal, no_buffers),
        WRONG(problem_hash, no_offsets),
        WRONG(tensor_is_contiguous, strides_of_one),
        WRONG(key_of, coarse_key),
        WRONG(key_equal, keys_without_sinks),
        WRONG(key_hash, hash_without_softcap),
        WRONG(device_check, no_compute_units),
        WRONG(device_covers, without_grid_z),
        WRONG(device_weaken, weakening_before_the_first),
        WRONG(device_find, all_but_the_first),
        WRONG(device_named, prefix_of_a_name),
        WRONG(head_size_known, known_up_to_512),
        WRONG(head_size_instance, never_its_own),
        WRONG(head_size_operand, clipped),
        WRONG(head_size_pair, no_pair),
        WRONG(plan_check, no_kernel),
        WRONG(plan_check, regions_of_one_byte),
        WRONG(plan_equal, plans_without_depth),
        WRONG(plan_kernel, mma_without_f16),
        WRONG(plan_kernel, never_scans),
        WRONG(plan_kernel, copies_of_8_bytes),
        WRONG(plan_kernel, too_few_joins),
        WRONG(plan_kernel, cheaper_tile),
        WRONG(plan_kernel, half_the_splits),
        WRONG(failure_name, no_first_failure),
        WRONG(image_mirror, no_mirror),
        WRONG(image_bytes, with_gaps),
    };
#undef WRONG
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct attn_restated said = attn_restated_planner;
        memcpy((char *)&said + wrong[i].at, &wrong[i].function, sizeof wrong[i].function);
        const int at = found_out(&said, 20000);
        print_message("%s: %d\n", wrong[i].name, at);
        if (at < 0)
            fail_msg("%s is not found out", wrong[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_planner_says_the_same),
        cmocka_unit_test(what_says_otherwise_is_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
