/* loop.c: problems, calls, properties, feedback.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check/call.h"
#include "cli/check/coverage.h"
#include "cli/check/execute.h"
#include "cli/check/foreign.h"
#include "cli/check/graphs.h"
#include "cli/check/loop.h"
#include "cli/check/note.h"
#include "cli/check/order.h"
#include "cli/check/problem.h"
#include "cli/check/word.h"
#include "cli/input/clock.h"
#include "cli/input/interrupt.h"
#include "fuzz/domain/mutate.h"
#include "planner/hash.h"
#include "planner/random.h"

enum {
    CORPUS_MAX = 4096,
    RECENT = 1 << 17,  /* problems that are remembered, so that none is asked soon again; a power of two */
    PURE_EVERY = 4,    /* of so many problems one is asked twice, and all whose strides have something to hide: each
                          on one device, by turns */
    LARGE_EVERY = 16,  /* of so many problems one may be large */
    KERNELS = 1 << 14, /* a power of two, many more than a library has for attention */
    IN_VAIN = 1 << 16, /* problems in a row, none legal for the subject and new: there are no more to be had */
};
static const struct attn_domain_limits small = { INT64_MAX, INT64_C(1) << 27, INT64_C(1) << 22, 0 };
static const struct attn_domain_limits executed = { CHECK_EXECUTE_WORK, INT64_C(1) << 22, INT64_C(1) << 16, 0 };
static const struct attn_domain_limits alone = { CHECK_ALONE_WORK, INT64_C(1) << 23, INT64_C(1) << 18, 0 };
#define EXECUTE_SHARE 0.85 /* of the time of a check that computes */
static const struct attn_domain_limits large = { INT64_MAX, INT64_C(1) << 32, INT64_C(1) << 26, 0 };

/* What is made of a kernel's name, once. */
struct kernel {
    const void *id; /* NULL: free */
    uint16_t
        seen[ATTN_SUBJECT_DEVICES_MAX]; /* on each device: bit set of how many launches came with it, 15 the most */
    char name[64];
};

struct loop {
    struct check *check;
    void (*progress)(const struct check *);
    uint64_t state; /* random numbers */
    struct attn_genome *corpus;
    uint64_t *corpus_draw; /* what each of the corpus has beyond its genome */
    int n_corpus;
    uint64_t *recent;      /* hashes of problems, the last of each slot */
    struct kernel *kernel; /* KERNELS */
    size_t n_kernels;
    double begun, told, cpu_begun;
    uint64_t turns; /* of the loop */
    bool given;     /* problems are the user's */
};

static struct kernel *kernel_of(struct loop *l, const struct attn_subject_launch *launch)
{
    size_t at = (size_t)(attn_mix((uint64_t)(uintptr_t)launch->id) & (KERNELS - 1));
    while (l->kernel[at].id && l->kernel[at].id != launch->id)
        at = (at + 1) & (KERNELS - 1);
    struct kernel *k = &l->kernel[at];
    if (!k->id) {
        if (l->n_kernels < KERNELS / 2) {
            l->n_kernels++;
            k->id = launch->id;
        } /* else the slot serves this once */
        check_kernel_name(launch->kernel, k->name, sizeof k->name);
    }
    return k;
}

/* ---- Feedback -------------------------------------------------------------------------------------------- */

/* Is a kernel new on a device, or with so many launches beside it? */
static bool is_new(struct check *check, struct kernel *kernel, int device, size_t n_launches)
{
    const uint16_t bit = (uint16_t)(1u << (n_launches < 15 ? n_launches : 15));
    if (kernel->seen[device] & bit)
        return false;
    check->pairs += kernel->seen[device] == 0;
    kernel->seen[device] |= bit;
    return true;
}

static void note_difference(struct check *check, int a, int b, const char *kernel_a, const char *kernel_b,
                            const struct attn_problem *p)
{
    for (int i = 0; i < check->n_differences; i++) {
        struct check_difference *d = &check->difference[i];
        if (d->a != a || d->b != b || strcmp(d->kernel_a, kernel_a) || strcmp(d->kernel_b, kernel_b))
            continue;
        d->calls++;
        if (check_simpler(p, &d->problem))
            d->problem = *p;
        return;
    }
    if (check->n_differences == CHECK_DIFFERENCES_MAX)
        return;
    struct check_difference *d = &check->difference[check->n_differences++];
    *d = (struct check_difference){ .a = a, .b = b, .calls = 1, .problem = *p };
    snprintf(d->kernel_a, sizeof d->kernel_a, "%s", kernel_a);
    snprintf(d->kernel_b, sizeof d->kernel_b, "%s", kernel_b);
}

static bool same_family(const struct attn_device *a, const struct attn_device *b)
{
    return a->matrix == b->matrix && a->wave_size == b->wave_size;
}

/* ---- Computing ------------------------------------------------------------------------------------------- */

/* What was not seen before is computed, and of the rest as much as nearly fills the time; all that was given. */
static bool execute_now(const struct loop *l, bool fresh)
{
    const double spent = cli_cpu_now() - l->cpu_begun;
    return fresh || l->given || l->check->subject->alone || l->check->execute_seconds < EXECUTE_SHARE * spent;
}

static void execute(struct loop *l, int device, const struct attn_problem *p, struct check_verdict *v)
{
    const double begun = cli_cpu_now();
    check_execute(l->check, device, p, v);
    if (l->check->order && v->bits)
        check_order_next(l->check, device, p, v);
    l->check->execute_seconds += cli_cpu_now() - begun;
}

static void repeat(struct loop *l, int device, const struct attn_problem *p, struct check_verdict *v)
{
    const bool computes = v->bits != 0;
    const double begun = computes ? cli_cpu_now() : 0;
    check_graphs(l->check, device, p, computes, v);
    l->check->execute_seconds += computes ? cli_cpu_now() - begun : 0;
}

/* ---- Problems -------------------------------------------------------------------------------------------- */

/* Brings a legal problem to one that the subject's callers can make, where that takes a change of layout only. */
static bool conform(const struct attn_subject *s, struct attn_problem *p)
{
    const char *why;
    if (attn_subject_legal(s, p, &why))
        return true;
    check_usual_layout(p);
    return attn_problem_check(p, NULL) == ATTN_E_OK && attn_subject_legal(s, p, &why);
}

/* Was exactly the problem of this hash asked not long ago? */
static bool was_asked(struct loop *l, uint64_t hash)
{
    hash |= 1;
    uint64_t *slot = &l->recent[hash >> 32 & (RECENT - 1)];
    const bool asked = *slot == hash;
    *slot = hash;
    return asked;
}

/* Is the call to be made a second time, for P5? */
static bool is_pure(const struct check *check, bool hides, int device)
{
    const uint64_t turn = hides ? check->problems : check->problems / PURE_EVERY;
    if (!hides && check->problems % PURE_EVERY)
        return false;
    const uint32_t before = check->devices & ((1u << device) - 1);
    return turn % (uint64_t)__builtin_popcount(check->devices) == (uint64_t)__builtin_popcount(before);
}

/* Asks about one problem, whose hash is known, on every device; true when something was new. */
static bool ask(struct loop *l, const struct attn_problem *p, uint64_t problem_hash)
{
    struct check *check = l->check;
    struct attn_problem usual = *p;
    check_plain_strides(&usual);
    const bool hides = !attn_problem_equal(&usual, p);
    const uint64_t hash = hides ? attn_problem_hash(&usual) : problem_hash;
    bool fresh = false, plain = check_is_plain(p);
    uint32_t holes = 0;
    struct check_verdict hole;
    int head = check_head_size(p);
    const char *kernel[ATTN_SUBJECT_DEVICES_MAX] = { NULL }; /* chosen: a name, or "refused" */
    check->problems++;
    for (int device = 0; device < check->subject->n_devices; device++) {
        struct check_verdict v;
        if (!(check->devices >> device & 1))
            continue;
        if (check->max_calls && check->calls >= (uint64_t)check->max_calls)
            return fresh;
        check_call(check, device, p, false, false, &v);
        if (cli_interrupted()) /* it may have been left for that alone */
            return fresh;
        check->calls++;
        distinct_add(&check->distinct, attn_hash_u64(hash, (uint64_t)device));
        check->supported += v.supported;
        check->refused += v.kind == CHECK_HOLE;
        check->launches += v.n_launches;
        if (v.too_big) {
            check->too_big++;
            if (v.message[0])
                memcpy(check->too_big_text, v.message, sizeof check->too_big_text);
            continue;
        }
        if (v.main) {
            struct kernel *known = kernel_of(l, v.main);
            fresh = is_new(check, known, device, v.n_launches) || fresh;
            kernel[device] = known->name;
        } else if (v.kind == CHECK_HOLE) {
            kernel[device] = "refused";
        }
        const char *launched = v.main ? kernel[device] : NULL;
        bool fine = v.supported && (v.kind < 0 || (v.kind == CHECK_UNFIT && v.unfit == ATTN_UNFIT_NO_DEVICE));
        if (fine && plain && (!check->has_works[head][device] || check_simpler(p, &check->works[head][device]))) {
            check->has_works[head][device] = true;
            check->works[head][device] = *p;
        }
        bool refused = v.kind == CHECK_HOLE;
        if (check->execute && check_can_execute(check, &v) && execute_now(l, fresh))
            execute(l, device, p, &v);
        check->beyond += v.beyond;
        if (check->graphs && v.supported && v.kind < 0 && !v.too_big)
            repeat(l, device, p, &v);
        if (v.too_big) {
            check->too_big++;
            continue;
        }
        if ((v.kind < 0 || refused) && is_pure(check, hides, device)) {
            check_call_again(check, device, p, &v);
            check->again++;
        }
        check_coverage_note(check, device, p, launched, &v);
        if (refused) {
            holes |= 1u << device;
            hole = v;
        }
        if (v.kind >= 0 && v.kind != CHECK_HOLE)
            check_note(check, device, 1u << device, p, &v);
    }
    if (holes) {
        hole.kind = CHECK_HOLE;
        check_note(check, __builtin_ctz(holes), holes, p, &hole);
    }
    for (int b = 1; b < check->subject->n_devices; b++)
        for (int a = b - 1; a >= 0; a--)
            if (kernel[a] && kernel[b] && same_family(&check->subject->device[a], &check->subject->device[b])) {
                if (kernel[a] != kernel[b] && strcmp(kernel[a], kernel[b]))
                    note_difference(check, a, b, kernel[a], kernel[b], p);
                break; /* with the nearest of the family */
            }
    return fresh;
}

static bool over(struct loop *l)
{
    struct check *check = l->check;
    if (cli_interrupted())
        return true;
    if (check->max_calls && check->calls >= (uint64_t)check->max_calls)
        return true;
    if (l->turns++ % 32)
        return false;
    double now = cli_now();
    check->elapsed_seconds = now - l->begun;
    if (l->progress && now - l->told >= 1) {
        l->told = now;
        l->progress(check);
    }
    return check->seconds > 0 && check->elapsed_seconds >= check->seconds;
}

static void ask_plain(struct loop *l)
{
    struct attn_problem p;
    const char *why;
    for (int i = 0; i < CHECK_PLAIN_CALLS && !over(l); i++)
        if (check_plain_call(i, &p) && attn_subject_legal(l->check->subject, &p, &why) &&
            (!l->check->subject->alone || attn_problem_work(&p) <= CHECK_EXECUTE_WORK))
            ask(l, &p, attn_problem_hash(&p));
    bool legal;
    for (int i = 0; !over(l) && check_foreign_call(l->check, i, &p, &legal); i++)
        if (legal && (!l->check->subject->alone || attn_problem_work(&p) <= CHECK_EXECUTE_WORK))
            ask(l, &p, attn_problem_hash(&p));
}

static void ask_generated(struct loop *l)
{
    struct check *check = l->check;
    for (int in_vain = 0; !over(l) && in_vain < IN_VAIN; in_vain++) {
        struct attn_genome genome;
        struct attn_case c;
        uint64_t how = attn_random(&l->state), draw = attn_mix(how ^ UINT64_C(0x9e3779b97f4a7c15));
        if (l->n_corpus == 0 || how % 8 == 0) {
            attn_genome_random(&genome, attn_random(&l->state));
        } else if (how % 8 == 1) {
            attn_genome_cross(&l->corpus[attn_random(&l->state) % (uint64_t)l->n_corpus],
                              &l->corpus[attn_random(&l->state) % (uint64_t)l->n_corpus], attn_random(&l->state),
                              &genome);
        } else {
            const uint64_t from = attn_random(&l->state) % (uint64_t)l->n_corpus;
            genome = l->corpus[from];
            draw = how >> 48 & 1 ? l->corpus_draw[from] : draw;
            attn_genome_mutate(&genome, attn_random(&l->state));
        }
        const struct attn_domain_limits *most = how >> 32 & (LARGE_EVERY - 1) ? &small : &large;
        if (check->subject->alone)
            most = how >> 40 & 15 ? &executed : &alone;
        else if (check->execute && how >> 40 & 3)
            most = &executed;
        attn_genome_case(&genome, most, &c);
        attn_foreign_apply(&check->draw, draw, &c.problem);
        if (!conform(check->subject, &c.problem)) {
            check->not_legal++;
            check->problems++;
            continue;
        }
        const uint64_t hash = attn_problem_hash(&c.problem);
        if (was_asked(l, hash))
            continue;
        in_vain = -1;
        if (ask(l, &c.problem, hash)) {
            int at = l->n_corpus < CORPUS_MAX ? l->n_corpus++ : (int)(attn_random(&l->state) % CORPUS_MAX);
            l->corpus[at] = genome;
            l->corpus_draw[at] = draw;
        }
    }
}

void check_run(struct check *check, bool (*given)(void *, struct attn_problem *), void *context,
               void (*progress)(const struct check *))
{
    struct attn_problem p;
    const char *why;
    struct loop l = { .check = check, .progress = progress, .state = attn_mix(check->seed) };
    l.corpus = calloc(CORPUS_MAX, sizeof *l.corpus);
    l.corpus_draw = calloc(CORPUS_MAX, sizeof *l.corpus_draw);
    l.recent = calloc(RECENT, sizeof *l.recent);
    l.kernel = calloc(KERNELS, sizeof *l.kernel);
    if (check->execute)
        check->order = check_order_new(check->seed);
    l.cpu_begun = cli_cpu_now();
    l.given = given != NULL;
    check_foreign_choose(check);
    check->execute_work = given ? CHECK_EXECUTE_GIVEN : check->subject->alone ? CHECK_ALONE_WORK : CHECK_EXECUTE_WORK;
    l.begun = l.told = cli_now();
    const bool memory = l.corpus && l.corpus_draw && l.recent && l.kernel;
    if (memory && given) {
        while (!over(&l) && given(context, &p)) {
            if (attn_subject_legal(check->subject, &p, &why)) {
                ask(&l, &p, attn_problem_hash(&p));
            } else {
                check->not_legal++;
                snprintf(check->not_legal_text, sizeof check->not_legal_text, "%s", why);
            }
        }
    } else if (memory) {
        ask_plain(&l);
        ask_generated(&l);
    }
    check->elapsed_seconds = cli_now() - l.begun;
    check->cpu_seconds = cli_cpu_now() - l.cpu_begun;
    free(l.corpus);
    free(l.corpus_draw);
    free(l.recent);
    free(l.kernel);
}
