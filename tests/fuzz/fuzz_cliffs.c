/* fuzz_cliffs.c: P11 where costs are steepest. Draws at random meet a cliff seldom; here the steepest steps found so
 * far, of each kernel to each other over each kind of neighbour on each kind of device, are changed a little, and what
 * is steeper is kept. So no step of more than the limit is left that no contract names, and each step that one names is
 * needed: without it the limit would be passed, and by nearly as much as it says. The same of calls for which naive
 * costs least beside what is chosen: for a known head size it must cost more.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz/properties/sweep.h"
#include "planner/random.h"
#include "tests/fuzz/described.h"

enum { EXTENTS = 6, STEPS_MAX = 4 };

/* A call on a device of the fleet, or on one that a caller describes. */
struct call {
    struct attn_device device;
    int64_t d_k, d_v, kv_heads, ratio, n_q, n_kv, n_seq;
    int type_k, type_v;
    int align_k, align_v; /* log2 of the bytes that rows are aligned to at most; 0: as they are where they are dense */
    bool mask;
};

/* The steepest that was met. */
struct cliff {
    double times; /* 0: none */
    struct call call;
    char text[640];
};

static struct {
    struct attn_fleet fleet;
    struct cliff unnamed[ATTN_MATRIX_COUNT][ATTN_KERNEL_COUNT][ATTN_KERNEL_COUNT][ATTN_NEIGHBOURS_MAX];
    struct cliff named[ATTN_KERNEL_COUNT][STEPS_MAX]; /* past the limit that there is without the step */
    struct cliff below[ATTN_KERNEL_COUNT][STEPS_MAX]; /* under it */
    struct cliff naive[ATTN_MATRIX_COUNT]; /* what is chosen for a known head size, in parts of what naive costs */
    uint64_t state;
} climb;

static int64_t below(int64_t n) { return (int64_t)(attn_random(&climb.state) % (uint64_t)n); }

/* Small ones as often as large ones. */
static int64_t extent(int bits) { return 1 + below((int64_t)1 << below(bits)); }

static void draw_device(struct attn_device *d)
{
    *d = climb.fleet.device[below(climb.fleet.n)];
    if (below(2) == 0)
        describe_device(d, &climb.state);
}

static void draw_head_sizes(struct call *c)
{
    const struct attn_head_size *known = attn_head_size((int)below(ATTN_HEAD_SIZE_COUNT));
    c->d_k = below(2) ? known->d_k : 1 + below(600);
    c->d_v = below(4) ? c->d_k : below(2) ? known->d_v : 1 + below(600);
}

/* Something of it anew, or a little otherwise. */
static void change(struct call *c)
{
    int64_t *const extents[EXTENTS] = { &c->n_q, &c->n_kv, &c->kv_heads, &c->ratio, &c->n_seq, &c->d_k };
    static const int bits[EXTENTS] = { 28, 21, 7, 7, 6, 10 };
    const int which = (int)below(EXTENTS), more = (int)below(33) - 16;
    switch (below(9)) {
    case 0: draw_device(&c->device); break;
    case 1: c->device.n_cu = 1 + (int32_t)below(below(2) ? 16 : 400); break;
    case 2: draw_head_sizes(c); break;
    case 3: c->type_k = c->type_v = (int)below(ATTN_TYPE_COUNT); break;
    case 4: c->type_v = (int)below(ATTN_TYPE_COUNT); break;
    case 5: c->mask = !c->mask; break;
    case 6:
        c->align_k = (int)below(5);
        c->align_v = (int)below(5);
        break;
    case 7: *extents[which] = extent(bits[which]); break;
    default: *extents[which] = *extents[which] + more < 1 ? 1 : *extents[which] + more; break;
    }
}

static void draw(struct call *c)
{
    draw_device(&c->device);
    draw_head_sizes(c);
    c->kv_heads = extent(7);
    c->ratio = extent(7);
    c->n_q = extent(28);
    c->n_kv = extent(21);
    c->n_seq = extent(6);
    c->type_k = c->type_v = (int)below(ATTN_TYPE_COUNT);
    c->align_k = below(2) ? (int)below(5) : 0;
    c->align_v = below(2) ? (int)below(5) : 0;
    c->mask = below(2);
}

static int64_t whole_blocks(int64_t d, int type)
{
    const int64_t elements = attn_type_info(type)->block_elems;
    return (d + elements - 1) / elements * elements;
}

/* Rows begin no nearer than what the type's elements or blocks are aligned to. */
static uint8_t aligned(uint8_t dense, int most, int type)
{
    const int least = type == ATTN_F32 ? 2 : 1, kept = most > least ? most : least;
    return most == 0 || kept > dense ? dense : (uint8_t)kept;
}

/* False where it is no legal call, or no device. */
static bool key_of(const struct call *c, struct attn_key *key, char line[static 400])
{
    struct attn_case of;
    char mask[80] = "";
    const int64_t d_k = whole_blocks(c->d_k, c->type_k), d_v = whole_blocks(c->d_v, c->type_v);
    if (c->mask)
        snprintf(mask, sizeof mask, " mask=f16[%" PRId64 ",%" PRId64 ",1,1]", c->n_kv, c->n_q);
    snprintf(line, 400,
             "fa1 q=f32[%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "] k=%s[%" PRId64 ",%" PRId64 ",%" PRId64
             ",%" PRId64 "] v=%s[%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "]%s",
             d_k, c->n_q, c->kv_heads * c->ratio, c->n_seq, attn_type_info(c->type_k)->name, d_k, c->n_kv, c->kv_heads,
             c->n_seq, attn_type_info(c->type_v)->name, d_v, c->n_kv, c->kv_heads, c->n_seq, mask);
    if (attn_device_check(&c->device) || !attn_case_parse(line, strlen(line), &of, NULL) ||
        attn_problem_check(&of.problem, NULL) != ATTN_E_OK)
        return false;
    attn_key_of(&of.problem, key);
    key->align_k = aligned(key->align_k, c->align_k, c->type_k);
    key->align_v = aligned(key->align_v, c->align_v, c->type_v);
    return true;
}

static void keep(struct cliff *cliff, double times, const struct call *call, const char *text)
{
    if (times <= cliff->times)
        return;
    cliff->times = times;
    cliff->call = *call;
    snprintf(cliff->text, sizeof cliff->text, "%s", text);
}

/* The most that a step down to the neighbour may be by what is named, and by what is named elsewhere; the step that
 * says the first. UINT32_MAX: any. */
struct allowed {
    uint32_t most, otherwise;
    int kernel, step;
};

static struct allowed allowed_by(const struct attn_device *d, const struct attn_key *key, const struct attn_key *than)
{
    const uint32_t unnamed = attn_price_limit(d, than, than);
    struct allowed a = { unnamed, unnamed, -1, -1 };
    for (int id = 0; id < ATTN_KERNEL_COUNT; id++)
        for (int i = 0; i < attn_kernel(id)->n_steps; i++) {
            const struct attn_cost_step *step = &attn_kernel(id)->steps[i];
            const uint32_t times = step->times_max ? step->times_max : UINT32_MAX;
            if (!step->dear(d, key) || step->dear(d, than) || times <= a.otherwise)
                continue;
            a.otherwise = times < a.most ? times : a.most;
            if (times > a.most)
                a = (struct allowed){ times, a.most, id, i };
        }
    return a;
}

static void look_at_naive(const struct call *c, const struct attn_key *key, const struct attn_plan *plan,
                          const char *line)
{
    struct attn_plan naive;
    char text[640];
    if (!attn_head_size_known(key->d_k, key->d_v) || plan->cost >= ATTN_PRICED_MOST ||
        !attn_plan_kernel(&c->device, key, ATTN_KERNEL_naive, &naive, NULL))
        return;
    snprintf(text, sizeof text, "%s: %s, %.3f us; naive, %.3f us; %s, %d CUs", line, attn_kernel(plan->kernel)->name,
             (double)plan->cost / 16e3, (double)naive.cost / 16e3, c->device.name, c->device.n_cu);
    if (plan->kernel == ATTN_KERNEL_naive)
        fail_msg("naive is chosen for a known head size: %s", text);
    keep(&climb.naive[c->device.matrix], (double)plan->cost / (double)naive.cost, c, text);
}

/* All neighbours of a call. */
static void look(const struct call *c)
{
    struct attn_key key;
    struct attn_plan plan, other;
    struct attn_neighbour neighbour[ATTN_NEIGHBOURS_MAX];
    char line[400], text[640];
    if (!key_of(c, &key, line))
        return;
    const int chosen = attn_plan_key(&c->device, &key, &plan, NULL), n = attn_neighbours(&key, neighbour);
    if (chosen >= 0)
        look_at_naive(c, &key, &plan, line);
    for (int i = 0; i < n && chosen >= 0 && plan.cost < ATTN_PRICED_MOST; i++) {
        const int its = attn_plan_key(&c->device, &neighbour[i].key, &other, NULL);
        if (its < 0 || other.cost >= plan.cost)
            continue;
        const double times = (double)plan.cost / (double)other.cost;
        const struct allowed a = allowed_by(&c->device, &key, &neighbour[i].key);
        snprintf(text, sizeof text,
                 "%s, rows aligned to %d and %d: %s, %.3f us; with %s %s, %.3f us; "
                 "%s, %d CUs, %d of LDS, %d static, %d threads",
                 line, 1 << key.align_k, 1 << key.align_v, attn_kernel(chosen)->name, (double)plan.cost / 16e3,
                 neighbour[i].step, attn_kernel(its)->name, (double)other.cost / 16e3, c->device.name, c->device.n_cu,
                 c->device.lds_bytes, c->device.lds_static_bytes, c->device.max_threads);
        assert_true(attn_price_limit(&c->device, &key, &neighbour[i].key) == (a.most == UINT32_MAX ? 0 : a.most));
        if (a.most < UINT32_MAX && times > a.most)
            fail_msg("%.3f times, and %" PRIu32 " are allowed: %s", times, a.most, text);
        if (a.step < 0)
            keep(&climb.unnamed[c->device.matrix][chosen][its][i], times, c, text);
        else if (times > a.otherwise)
            keep(&climb.named[a.kernel][a.step], times, c, text);
        else
            keep(&climb.below[a.kernel][a.step], times, c, text);
    }
}

static const struct cliff *one_of_them(void)
{
    const int from = (int)below(ATTN_KERNEL_COUNT), to = (int)below(ATTN_KERNEL_COUNT), step = (int)below(STEPS_MAX);
    switch (below(8)) {
    default: return &climb.unnamed[below(ATTN_MATRIX_COUNT)][from][to][below(ATTN_NEIGHBOURS_MAX)];
    case 1: return &climb.named[from][step];
    case 2: return &climb.below[from][step];
    case 3: return &climb.naive[below(ATTN_MATRIX_COUNT)];
    }
}

/* What the climb begins with: a cliff of each step, that draws of some seconds need not come to. */
static void look_at_known_ones(void)
{
    static const struct {
        const char *device;
        int n_cu, lds, lds_static; /* 0: the device's */
        int64_t d, kv_heads, ratio, n_q, n_kv, n_seq;
        int type;
    } known[] = {
        { "gfx90a", 1, 0, 0, 504, 4, 5, 1, 464264, 2, ATTN_F32 },
        { "sm_90", 0, 0, 24576, 120, 30, 25, 768, 128, 8, ATTN_F16 },
        { "gfx950", 325, 38912, 38912, 256, 29, 11, 1, 237, 1, ATTN_Q4_0 },
        { "gfx1201", 129, 0, 0, 32, 1, 13, 4, 135, 10, ATTN_Q4_0 },
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct call c = { .device = *attn_device_find(known[i].device),
                          .d_k = known[i].d,
                          .d_v = known[i].d,
                          .kv_heads = known[i].kv_heads,
                          .ratio = known[i].ratio,
                          .n_q = known[i].n_q,
                          .n_kv = known[i].n_kv,
                          .n_seq = known[i].n_seq,
                          .type_k = known[i].type,
                          .type_v = known[i].type };
        if (known[i].n_cu)
            c.device.n_cu = known[i].n_cu;
        if (known[i].lds)
            c.device.lds_bytes = known[i].lds;
        if (known[i].lds_static)
            c.device.lds_static_bytes = known[i].lds_static;
        look(&c);
    }
}

static void no_cliff_is_unnamed(void **unused)
{
    (void)unused;
    look_at_known_ones();
    const long tries = getenv("ATTN_LONG") ? 20000000 : 400000;
    for (long i = 0; i < tries; i++) {
        const struct cliff *cliff = one_of_them();
        struct call c;
        if (cliff->times > 0 && below(8)) {
            c = cliff->call;
            for (int64_t n = 1 + below(3); n > 0; n--)
                change(&c);
        } else {
            draw(&c);
        }
        look(&c);
    }
}

static void each_named_step_is_needed(void **unused)
{
    (void)unused;
    for (int id = 0; id < ATTN_KERNEL_COUNT; id++) {
        assert_in_range(attn_kernel(id)->n_steps, 0, STEPS_MAX);
        for (int i = 0; i < attn_kernel(id)->n_steps; i++) {
            const struct attn_cost_step *step = &attn_kernel(id)->steps[i];
            const struct cliff *cliff = &climb.named[id][i];
            printf("%s.%s: %.3f times of %" PRIu32 ": %s\n", attn_kernel(id)->name, step->name, cliff->times,
                   step->times_max, cliff->text);
            if (cliff->times <= (step->times_max ? step->times_max - 1 : 8))
                fail_msg("%s.%s is not needed, or allows more than is; the steepest without need is %.3f: %s",
                         attn_kernel(id)->name, step->name, climb.below[id][i].times, climb.below[id][i].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_cliff_is_unnamed),
        cmocka_unit_test(each_named_step_is_needed),
    };
    attn_fleet_init(&climb.fleet);
    climb.state = 7;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
