/* feedback.c: see feedback.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/targets/feedback.h"

#include <string.h>

#include "fuzz/targets/execution.h"
#include "planner/hash.h"

enum {
    TABLE_BITS = 18,   /* pairs that are counted; two of one place count as one */
    COUNTER_BITS = 16, /* of the engine's */
    GUARD_BITS = 14,   /* of AFL++'s map */
    CHECK_EVERY = 4,   /* of plans that show nothing new, so many run with all checks, */
    ALL_EVERY = 16     /* and of so many cases every able kernel */
};

/* From so much rarity on, a class that was run some three times at most, it decides. */
#define RARE 0.25
#define RARE_WORTH 1e6

static uint8_t ran[1 << TABLE_BITS], checked[1 << TABLE_BITS]; /* runs of pairs, up to 255 */
static uint64_t runs[ATTN_TRAIT_COUNT][32];
static uint64_t counts[2];
static bool watches, run_all;

/* ---- Pairs ----------------------------------------------------------------------------------------------- */

/* A number for the class of each trait, in the code that the plan runs: of its kernel, columns and kind of device. */
struct keys {
    uint32_t of[ATTN_TRAIT_COUNT];
};

static void keys_of(const struct attn_route *route, const struct attn_plan *plan, struct keys *keys)
{
    uint64_t base = attn_hash_u64(ATTN_HASH_START, (uint64_t)plan->kernel << 16 | (uint64_t)plan->columns << 8 |
                                                       (uint64_t)plan->wave_size);
    /* Where the plan is for instructions that only some devices have, each kind has code of its own. */
    if (plan->arithmetic.matrix || plan->stage_k > 0)
        base = attn_hash_u64(base, (uint64_t)plan->device.matrix);
    for (uint32_t t = 0; t < ATTN_TRAIT_COUNT; t++)
        keys->of[t] = (uint32_t)(attn_hash_u64(base, t << 8 | route->class[t]) >> 32);
}

static uint32_t place(uint32_t a, uint32_t b, int bits)
{
    return (a * UINT32_C(0x9e3779b1) ^ b * UINT32_C(0x85ebca77)) * UINT32_C(0xc2b2ae3d) >> (32 - bits);
}

/* Calls for each pair of traits that are known before a run (all but the last, `near`). */
#define EACH_PAIR(keys, at)                                                                                         \
    for (int a_ = 1; a_ < ATTN_TRAIT_near; a_++)                                                                    \
        for (uint32_t b_ = 0, at; b_ < (uint32_t)a_ && (at = place((keys)->of[a_], (keys)->of[b_], TABLE_BITS), 1); \
             b_++)

/* What there is to learn from a plan: of a pair that was run n times 1 / (1 + n). */
static double gain_of(const struct attn_case *c, const struct attn_plan *plan)
{
    struct attn_route route;
    struct keys keys;
    float gain = 0;
    attn_route_of(c, plan, &route);
    keys_of(&route, plan, &keys);
    EACH_PAIR(&keys, at) gain += 1.0f / (float)(1 + ran[at]);
    return (double)gain;
}

/* What a run costs, about, in microseconds of a core: data and reference by the problem, threads that begin by the
 * launch, and what they do by tiles, most of it on emulated matrix cores. As measured, within a factor of two. */
static double cost_of(const struct attn_case *c, const struct attn_plan *plan)
{
    enum { SAMPLED = 2500 }; /* tiles in proportion to the limits, whatever the problem's size; memory of its own */
    const struct attn_launch *launch = &plan->launch[ATTN_STEP_MAIN];
    if (execution_sampled(c))
        return SAMPLED;
    const double threads = (double)launch->grid[0] * launch->grid[1] * launch->block[0];
    const double tiles = (double)attn_n_kv(&c->problem) / plan->kv_tile / plan->splits + 1;
    const double each = plan->arithmetic.matrix ? 1.3 + (double)plan->key.d_k / 1000 : 0.125;
    return 800 + (double)attn_problem_work(&c->problem) / 800 + (double)attn_image_bytes(&c->problem) / 300 +
           threads * (0.7 + tiles * each);
}

static double worth_of(const struct attn_case *c, const struct attn_plan *plan)
{
    return gain_of(c, plan) / cost_of(c, plan);
}

/* How seldom its classes were run; those that never were count most. */
static double rarity_of(const struct attn_case *c, const struct attn_plan *plan)
{
    struct attn_route route;
    double sum = 0;
    attn_route_of(c, plan, &route);
    for (int t = 0; t < ATTN_TRAIT_near; t++)
        sum += 1.0 / (double)(1 + runs[t][route.class[t]]);
    return sum;
}

/* ---- What an engine sees --------------------------------------------------------------------------------- */

/* libFuzzer takes this section for counters beside its own (LLVM, docs/LibFuzzer.rst, "Extra counters"). */
__attribute__((section("__libfuzzer_extra_counters"), used)) static uint8_t counters[1 << COUNTER_BITS];

/* AFL++ numbers what lies in this section, as guards of edges (LLVM, docs/SanitizerCoverage.rst, "Tracing PCs with
 * guards"), and counts in its map at those numbers. With another engine they stay zero. */
__attribute__((section("__sancov_guards"), used)) static uint32_t guards[1 << GUARD_BITS];
extern uint8_t *__afl_area_ptr __attribute__((weak));

/* A number of AFL++'s map stands for as many pairs as it tells counts apart (AFL, technical_details, section 2): with
 * one each, some hundred inputs had all of them.
 * Single traits each time; pairs to AFL++, which runs an input again to see what of it is stable, each time too, to
 * libFuzzer when they are new: it keeps lists of who has which counter, and hundreds of them an input took half of its
 * time. */
static void show(const struct keys *keys)
{
    enum { SPREAD = TABLE_BITS - GUARD_BITS, BUCKETS = 8 };
    static const uint8_t bucket[BUCKETS] = { 1, 2, 3, 4, 8, 16, 32, 128 };
    for (int a = 0; a < ATTN_TRAIT_COUNT; a++) {
        counters[place(keys->of[a], 0, COUNTER_BITS)] = 1;
        for (int b = 0; b < a; b++) {
            const uint32_t at = place(keys->of[a], keys->of[b], TABLE_BITS);
            const uint32_t guard = guards[at >> SPREAD];
            if (ran[at] == 0)
                counters[at >> (TABLE_BITS - COUNTER_BITS)] = 1;
            if (guard && &__afl_area_ptr)
                __afl_area_ptr[guard] = bucket[at % (1 << SPREAD) % BUCKETS];
        }
    }
}

static void count(const struct keys *keys, bool with_checks)
{
    for (int a = 0; a < ATTN_TRAIT_COUNT; a++) {
        for (int b = 0; b < a; b++) {
            const uint32_t at = place(keys->of[a], keys->of[b], TABLE_BITS);
            ran[at] += ran[at] < 255;
            checked[at] += with_checks && checked[at] < 255;
        }
    }
}

static void show_one(uint32_t what)
{
    const uint32_t guard = guards[what % (1 << GUARD_BITS)];
    counters[what % (1 << COUNTER_BITS)] = 1;
    if (guard && &__afl_area_ptr)
        __afl_area_ptr[guard] = 1;
}

/* ---- The same input again -------------------------------------------------------------------------------- */

/* What was chosen and shown for the input: 64 KiB of each, more than one makes. */
static struct {
    uint64_t hash; /* of the input */
    size_t size;
    bool repeats;
    uint32_t n_how, next_how, n_shown;
    uint8_t how[1 << 16];
    uint32_t shown[1 << 14];
} once;

bool attn_feedback_may_repeat(void) { return &__afl_area_ptr != NULL; }

bool attn_feedback_repeats(void) { return once.repeats; }

bool attn_feedback_begin(const uint8_t *data, size_t size)
{
    if (!&__afl_area_ptr)
        return false;
    const uint64_t hash = attn_hash(ATTN_HASH_START, data, size);
    once.repeats = hash == once.hash && size == once.size;
    once.hash = hash;
    once.size = size;
    once.next_how = 0;
    if (!once.repeats)
        once.n_how = once.n_shown = 0;
    for (uint32_t i = 0; i < once.n_shown; i++)
        show_one(once.shown[i]);
    return once.repeats;
}

void attn_feedback_show(uint32_t what)
{
    if (!once.repeats && once.n_shown < sizeof once.shown / sizeof once.shown[0])
        once.shown[once.n_shown++] = what;
    show_one(what);
}

static bool choose_again(int n, uint8_t *how)
{
    if (!once.repeats || once.next_how + (uint32_t)n > once.n_how)
        return false;
    memcpy(how, once.how + once.next_how, (size_t)n);
    once.next_how += (uint32_t)n;
    return true;
}

static void remember_choice(int n, const uint8_t *how)
{
    if (once.repeats || once.n_how + (uint32_t)n > sizeof once.how)
        return;
    memcpy(once.how + once.n_how, how, (size_t)n);
    once.n_how += (uint32_t)n;
}

/* ---- The watch ------------------------------------------------------------------------------------------- */

/* Are there pairs that no run with checks has had? */
static bool unchecked_before(const struct attn_case *c, const struct attn_plan *plan)
{
    struct attn_route route;
    struct keys keys;
    attn_route_of(c, plan, &route);
    keys_of(&route, plan, &keys);
    EACH_PAIR(&keys, at) if (checked[at] == 0) return true;
    return false;
}

/* The plan that is worth most, and now and then all; with checks what is new, and a part of what is not. */
static void choose(void *context, const struct attn_case *c, const struct attn_plan *const *plan, int n, uint8_t *how)
{
    const uint64_t drawn = attn_case_hash(c);
    double most = -1;
    int best = 0;
    (void)context;
    if (run_all || choose_again(n, how))
        return;
    for (int i = 0; i < n; i++) {
        const double rarity = rarity_of(c, plan[i]);
        const double worth = rarity > RARE ? RARE_WORTH * rarity : worth_of(c, plan[i]);
        if (worth > most) {
            most = worth;
            best = i;
        }
    }
    for (int i = 0; i < n; i++) {
        const bool run = i == best || drawn % ALL_EVERY == 0;
        const bool checks = drawn / ALL_EVERY % CHECK_EVERY == 0 || unchecked_before(c, plan[i]);
        how[i] = !run ? ATTN_RUN_NOT : checks ? ATTN_RUN_CHECKED : ATTN_RUN_UNCHECKED;
    }
    remember_choice(n, how);
}

static void was_run(void *context, const struct attn_case *c, const struct attn_plan *plan, int how,
                    const struct attn_judgement *judgement)
{
    struct attn_route route;
    struct keys keys;
    (void)context;
    attn_route_of(c, plan, &route);
    attn_route_ran(&route, judgement);
    keys_of(&route, plan, &keys);
    show(&keys);
    if (once.repeats)
        return;
    count(&keys, how == ATTN_RUN_CHECKED);
    counts[how == ATTN_RUN_CHECKED]++;
    for (int t = 0; t < ATTN_TRAIT_COUNT; t++)
        runs[t][route.class[t] & 31]++;
}

const struct attn_run_watch *attn_feedback_watch(void)
{
    static const struct attn_run_watch watch = { NULL, choose, was_run };
    watches = true;
    return &watch;
}

bool attn_feedback_watches(void) { return watches; }

void attn_feedback_run_all(void) { run_all = true; }

/* ---- Inputs ---------------------------------------------------------------------------------------------- */

/* Plans of a genome's case: which are able, on its device. Returns how many. */
static int plans_of(const struct attn_genome *genome, const struct attn_domain_limits *limits, struct attn_case *c,
                    struct attn_plan plan[ATTN_KERNEL_COUNT])
{
    struct attn_device device;
    struct attn_key key;
    int n = 0;
    execution_case(genome, limits, c);
    if (c->run.weakening < 0 || !attn_device_weaken(attn_device(c->run.device), c->run.weakening, &device, NULL))
        device = *attn_device(c->run.device);
    attn_key_of(&c->problem, &key);
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++)
        n += attn_plan_kernel(&device, &key, k, &plan[n], NULL);
    return n;
}

double attn_feedback_worth(const struct attn_genome *genome, const struct attn_domain_limits *limits, bool rare)
{
    struct attn_case c;
    struct attn_plan plan[ATTN_KERNEL_COUNT];
    double most = 0;
    const int n = plans_of(genome, limits, &c, plan);
    for (int i = 0; i < n; i++) {
        const double worth = rare ? rarity_of(&c, &plan[i]) : worth_of(&c, &plan[i]);
        most = worth > most ? worth : most;
    }
    return most;
}

uint64_t attn_feedback_runs(int trait, int class) { return runs[trait][class]; }

uint64_t attn_feedback_count(bool checks) { return counts[checks]; }
