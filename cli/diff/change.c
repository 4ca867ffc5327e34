/* change.c: see change.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/diff/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check/identity.h"
#include "cli/check/problem.h"
#include "cli/check/reach.h"
#include "cli/input/interrupt.h"
#include "fuzz/shrink/shrink.h"

enum { SHRINK_TRIES = 400, TOO_LARGE = -2, RUNS = -1 };

int diff_match_devices(struct diff *diff)
{
    int n = 0;
    for (int i = 0; i < diff->side[0].n_devices; i++) {
        diff->other[i] = -1;
        for (int k = 0; k < diff->side[1].n_devices; k++)
            if (!strcmp(diff->side[0].device[i], diff->side[1].device[k]))
                diff->other[i] = k;
        n += diff->other[i] >= 0;
    }
    return n;
}

/* "runs flash_attn_tile", "hole", "unfit flash_attn_vec" */
static void word_of(const struct diff_answer *a, char *word, size_t cap)
{
    snprintf(word, cap, "%s%s%s", a->kind == RUNS ? "runs" : check_kind_name(a->kind), *a->kernel ? " " : "",
             a->kernel);
}

/* How bad an answer is: worse is what is more. A refused call can go elsewhere; what breaks after it was said to be
 * supported cannot. The last resort of a planner of ours is as bad as a refusal where a head size is known (P1). */
static int badness(const struct diff_answer *a, const struct attn_problem *p)
{
    const bool last_resort = a->last_resort && attn_head_size_known(attn_d_k(p), attn_d_v(p));
    return a->kind == RUNS ? last_resort : a->kind == CHECK_HOLE ? 1 : 2;
}

static bool differ(const struct diff_answer *a, const struct diff_answer *b)
{
    if (a->kind == TOO_LARGE || b->kind == TOO_LARGE)
        return false;
    return a->kind != b->kind || strcmp(a->kernel, b->kernel) || (a->kind == RUNS && a->launch != b->launch);
}

/* The words of both, where only launches differ: said so. */
static void words_of(const struct diff_answer *a, const struct diff_answer *b, char words[2][DIFF_KERNEL_MAX + 40])
{
    word_of(a, words[0], sizeof words[0]);
    word_of(b, words[1], sizeof words[1]);
    if (!strcmp(words[0], words[1])) {
        const size_t used = strlen(words[1]);
        snprintf(words[1] + used, sizeof words[1] - used, ", launched otherwise");
    }
}

/* Calls that differ in it may be worse for different reasons. */
static uint32_t sign_of(const struct attn_problem *p)
{
    const struct attn_tensor *k = &p->t[ATTN_K], *v = &p->t[ATTN_V];
    return (uint32_t)p->t[ATTN_MASK].present | (uint32_t)p->t[ATTN_SINKS].present << 1 |
           (uint32_t)(p->softcap > 0) << 2 | (uint32_t)(p->max_bias > 0) << 3 | (uint32_t)(k->type != ATTN_F16) << 4 |
           (uint32_t)(v->type != ATTN_F16) << 5;
}

static bool same_kind(const struct diff_change *a, const struct diff_change *b)
{
    return a->worse == b->worse && a->sign == b->sign && !strcmp(a->words[0], b->words[0]) &&
           !strcmp(a->words[1], b->words[1]);
}

/* Adds a change to one of its kind: the better example stands. */
static void join(struct diff_change *to, const struct diff_change *c)
{
    const uint64_t calls = to->calls + c->calls;
    const uint32_t devices = to->devices | c->devices;
    if (c->reach < to->reach || (c->reach == to->reach && check_simpler(&c->problem, &to->problem)))
        *to = *c;
    to->calls = calls;
    to->devices = devices;
}

static void note(struct diff *diff, int device, const struct attn_problem *p, const struct diff_answer *a,
                 const struct diff_answer *b)
{
    struct diff_change now = {
        .devices = 1u << device, .calls = 1, .problem = *p, .device = device, .answer = { *a, *b }
    };
    words_of(a, b, now.words);
    now.worse = badness(b, p) > badness(a, p);
    now.sign = now.worse ? sign_of(p) : 0;
    now.reach = check_reach(p);
    for (int i = 0; i < diff->n_changes; i++)
        if (same_kind(&diff->change[i], &now)) {
            join(&diff->change[i], &now);
            return;
        }
    if (diff->n_changes == DIFF_CHANGES_MAX)
        diff->lost++;
    else
        diff->change[diff->n_changes++] = now;
}

/* What a side says whose process ended over the call. */
static void died(struct diff_answer answer[DIFF_DEVICES_MAX])
{
    for (int i = 0; i < DIFF_DEVICES_MAX; i++)
        answer[i] = (struct diff_answer){ .kind = CHECK_CRASH, .text = "the process ended" };
}

/* Both have said something of the problem, if only that their process ended. */
static bool both_said(struct diff_reply *const reply[2], int i)
{
    for (int s = 0; s < 2; s++)
        if (reply[s][i].said < 0)
            died(reply[s][i].answer);
    return reply[0][i].said && reply[1][i].said;
}

int diff_ask(struct diff *diff, const struct attn_problem *p, int n)
{
    struct diff_reply *const reply[2] = { diff->reply, diff->reply + DIFF_BATCH_MAX };
    int legal = 0;
    diff_sides_ask(diff->side, p, n, reply);
    for (int i = 0; i < n; i++) {
        if (!both_said(reply, i)) {
            diff->not_legal++;
            continue;
        }
        legal++;
        diff->problems++;
        for (int d = 0; d < diff->side[0].n_devices; d++) {
            if (diff->other[d] < 0)
                continue;
            const struct diff_answer *a = &reply[0][i].answer[d], *b = &reply[1][i].answer[diff->other[d]];
            diff->calls++;
            if (differ(a, b))
                note(diff, d, &p[i], a, b);
        }
    }
    return legal;
}

struct same {
    struct diff *diff;
    struct diff_change *change;
};

static bool still(const struct attn_case *c, void *context)
{
    struct same *same = context;
    struct diff_reply *const reply[2] = { same->diff->reply, same->diff->reply + DIFF_BATCH_MAX };
    char words[2][DIFF_KERNEL_MAX + 40];
    const int device = same->change->device;
    if (cli_interrupted() || check_reach(&c->problem) > same->change->reach)
        return false;
    diff_sides_ask(same->diff->side, &c->problem, 1, reply);
    if (!both_said(reply, 0))
        return false;
    const struct diff_answer *a = &reply[0]->answer[device], *b = &reply[1]->answer[same->diff->other[device]];
    if (!differ(a, b))
        return false;
    words_of(a, b, words);
    if (strcmp(words[0], same->change->words[0]) || strcmp(words[1], same->change->words[1]) ||
        same->change->worse != (badness(b, &c->problem) > badness(a, &c->problem)))
        return false;
    same->change->answer[0] = *a;
    same->change->answer[1] = *b;
    return true;
}

static int in_order(const void *a, const void *b)
{
    const struct diff_change *x = a, *y = b;
    const int order[] = { y->worse - x->worse, x->reach - y->reach, strcmp(x->words[0], y->words[0]),
                          strcmp(x->words[1], y->words[1]), strcmp(x->needs, y->needs) };
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (order[i])
            return order[i];
    return 0;
}

void diff_shrink(struct diff *diff)
{
    int kept = 0;
    for (int i = 0; i < diff->n_changes; i++) {
        struct diff_change *change = &diff->change[i];
        struct same same = { diff, change };
        struct attn_case c = { .problem = change->problem };
        attn_run_default(&c.run);
        if (!cli_interrupted() && attn_shrink(&c, still, &same, SHRINK_TRIES, NULL))
            change->problem = c.problem;
        change->reach = check_reach(&change->problem);
        check_needs(&change->problem, true, change->needs, sizeof change->needs);
        change->sign = 0; /* what the smallest call needs is told apart from here on */
        int same_as = 0;
        while (same_as < kept && !(same_kind(&diff->change[same_as], change) &&
                                   (!change->worse || !strcmp(diff->change[same_as].needs, change->needs))))
            same_as++;
        if (same_as < kept)
            join(&diff->change[same_as], change);
        else
            diff->change[kept++] = *change;
    }
    diff->n_changes = kept;
    qsort(diff->change, (size_t)kept, sizeof *diff->change, in_order);
}
