/* finding.c: from calls that broke something to findings: each kind of trouble once, with the smallest problem that
 * shows it.
 *
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cli/check/call.h"
#include "cli/check/finding.h"
#include "cli/check/graphs.h"
#include "cli/check/group.h"
#include "cli/check/hole.h"
#include "cli/check/identity.h"
#include "cli/check/order.h"
#include "cli/check/problem.h"
#include "cli/check/word.h"
#include "cli/input/interrupt.h"
#include "fuzz/shrink/shrink.h"

enum {
    SHRINK_TRIES = 600,
    SHRINK_TRIES_RUN = 150, /* each runs launches on the machine */
    SHRINK_TRIES_HANG = 8,  /* each takes seconds */
    LOOK_MS = 700,          /* after an interruption: findings are still looked at, though not shrunk */
};

/* ---- Shrinking ------------------------------------------------------------------------------------------- */

struct same {
    struct check *check;
    int device, kind, head;
    int reach; /* no farther */
    bool pure, execute;
    const struct attn_problem *before; /* kind STATE */
    struct check_verdict first;        /* of the problem as it was noted */
    char kernel[96];                   /* kind UNFIT: the one of that launch */
};

/* The call that is looked at, made again. */
static void make(const struct same *same, int device, const struct attn_problem *p, struct check_verdict *v)
{
    same->check->shrink_calls++;
    if (same->kind == CHECK_STATE)
        check_order_call(same->check, device, p, same->before, v);
    else
        check_call(same->check, device, p, same->pure, same->execute, v);
    if ((same->kind == CHECK_CAPTURE || same->kind == CHECK_REPLAY) && v->supported && v->kind < 0 && !v->too_big)
        check_graphs(same->check, device, p, v->bits != 0, v);
}

static bool fails(const struct check_verdict *v, const struct same *same)
{
    char kernel[96];
    if (v->kind != same->kind)
        return false;
    if (v->kind == CHECK_UNFIT) {
        check_kernel_name(v->bad.kernel, kernel, sizeof kernel);
        return v->unfit == same->first.unfit && (v->unfit == ATTN_UNFIT_NO_DEVICE || !strcmp(kernel, same->kernel));
    }
    if (v->kind == CHECK_IMPURE)
        return v->impure.strides == same->first.impure.strides;
    return attn_subject_why_equal(&v->why, &same->first.why) && v->said == same->first.said;
}

static bool fails_with(const struct same *same, const struct attn_problem *p)
{
    struct check_verdict v;
    const char *why;
    bool any_head = same->kind == CHECK_UNFIT && same->first.unfit == ATTN_UNFIT_NO_DEVICE;
    if (cli_interrupted() || (!any_head && check_head_size(p) != same->head) ||
        !attn_subject_legal(same->check->subject, p, &why))
        return false;
    make(same, same->device, p, &v);
    return fails(&v, same);
}

/* An example is not made smaller at the price of being farther from what people run. */
static bool fails_the_same(const struct attn_case *c, void *context)
{
    const struct same *same = context;
    return check_reach(&c->problem) <= same->reach && fails_with(same, &c->problem);
}

/* The problem without the features that it fails without as well, whatever its reach. */
static void leave_out(const struct same *same, struct attn_problem *p)
{
    struct attn_problem less = *p;
    less.softcap = 0;
    if (p->softcap > 0 && fails_with(same, &less))
        *p = less;
    less = *p;
    less.max_bias = 0;
    if (p->max_bias > 0 && fails_with(same, &less))
        *p = less;
    less = *p;
    memset(&less.t[ATTN_SINKS], 0, sizeof less.t[ATTN_SINKS]);
    if (p->t[ATTN_SINKS].present && fails_with(same, &less))
        *p = less;
    less = *p;
    memset(&less.t[ATTN_MASK], 0, sizeof less.t[ATTN_MASK]);
    if (p->t[ATTN_MASK].present && p->max_bias == 0 && fails_with(same, &less))
        *p = less;
}

static int shrink_tries(const struct check *check, int kind)
{
    return kind == CHECK_HANG                                    ? SHRINK_TRIES_HANG
           : check_kind_computed(kind) && !check->subject->alone ? SHRINK_TRIES_RUN
                                                                 : SHRINK_TRIES;
}

/* The same of the call before it, where that is what is made smaller. */
struct same_before {
    const struct same *same;
    const struct attn_problem *problem;
};

static bool fails_after(const struct attn_case *c, void *context)
{
    const struct same_before *b = context;
    struct same same = *b->same;
    struct check_verdict v;
    const char *why;
    if (cli_interrupted() || !attn_subject_legal(same.check->subject, &c->problem, &why))
        return false;
    same.before = &c->problem;
    make(&same, same.device, b->problem, &v);
    return fails(&v, &same);
}

static void shrink_before(struct same *same, struct check_finding *f)
{
    struct attn_case c = { .problem = *same->before };
    struct same_before context = { same, &f->problem };
    attn_run_default(&c.run);
    attn_shrink(&c, fails_after, &context, SHRINK_TRIES, NULL);
    f->has_before = true;
    f->before = c.problem;
    same->before = &f->before;
}

static void shrink(struct check *check, const struct check_sign *sign, struct check_finding *f)
{
    struct same same = { .check = check,
                         .device = sign->device,
                         .kind = sign->kind,
                         .reach = sign->reach,
                         .pure = sign->kind == CHECK_IMPURE };
    struct check_verdict v;
    struct attn_case c = { .problem = sign->problem };
    attn_run_default(&c.run);
    same.head = check_head_size(&c.problem);
    same.execute = (check->execute && check_kind_computed(same.kind)) || check->subject->alone;
    same.before = check_order_before(check, sign->before);
    make(&same, sign->device, &c.problem, &v);
    same.first = v;
    if (v.kind == CHECK_UNFIT)
        check_kernel_name(v.bad.kernel, same.kernel, sizeof same.kernel);
    if (v.kind == sign->kind)
        attn_shrink(&c, fails_the_same, &same, shrink_tries(check, v.kind), NULL);
    f->problem = c.problem;
    if (v.kind == sign->kind && same.before)
        shrink_before(&same, f);
    f->impure = same.first.impure;
    f->why = same.first.why;
    memcpy(f->detail, same.first.detail, sizeof f->detail);
    for (int device = 0; device < check->subject->n_devices; device++) {
        if (!(check->devices >> device & 1))
            continue;
        make(&same, device, &c.problem, &v);
        if (!fails(&v, &same))
            continue;
        bool shown = f->devices != 0;
        f->devices |= 1u << device;
        if (device == sign->device || !shown) {
            memcpy(f->message, v.message, sizeof f->message);
            f->impure = v.impure;
            f->launch = v.bad;
            f->launch_number = v.number;
            memcpy(f->source, v.source, sizeof f->source);
        }
    }
    if (f->devices == 0) { /* it did not show again: said as it is, on the problem as it was */
        f->kind = CHECK_IMPURE;
        f->devices = 1u << sign->device;
        snprintf(f->message, sizeof f->message, "asked again: no %s any more (%.400s)", check_kind_name(sign->kind),
                 same.first.message);
    }
    struct attn_problem needed = f->problem;
    if (f->kind == sign->kind && f->kind != CHECK_HANG)
        leave_out(&same, &needed);
    check_identity(check, f, same.first.unfit, &needed);
}

/* There is no time to look at it again: it is said as it was noted. */
static void leave_as_noted(const struct check *check, const struct check_sign *sign, struct check_finding *f)
{
    f->problem = sign->problem;
    f->devices = 1u << sign->device;
    f->field = CHECK_FIELD_SEVERAL;
    snprintf(f->message, sizeof f->message, "interrupted by %s before it was looked at again",
             cli_interrupt_name(cli_interrupted()));
    check_identity_noted(check, f);
}

/* What is known comes last, before that what is far; then by verdict, reach, cause. */
static int in_order(const void *a, const void *b)
{
    const struct check_finding *x = a, *y = b;
    const int order[] = { x->known - y->known,        (x->reach == CHECK_REACH_FAR) - (y->reach == CHECK_REACH_FAR),
                          x->kind - y->kind,          x->group_reach - y->group_reach,
                          strcmp(x->group, y->group), x->reach - y->reach,
                          strcmp(x->id, y->id) };
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (order[i])
            return order[i];
    return 0;
}

void check_sort(struct check *check)
{
    for (int i = 0; i < check->n_findings; i++) {
        struct check_finding *f = &check->finding[i];
        f->group_reach = f->reach;
        for (int k = 0; k < check->n_findings; k++)
            if (check_group_same(f, &check->finding[k]) && check->finding[k].reach < f->group_reach)
                f->group_reach = check->finding[k].reach;
    }
    qsort(check->finding, (size_t)check->n_findings, sizeof *check->finding, in_order);
}

int check_leave_beyond(struct check *check)
{
    int kept = 0, unknown = 0;
    for (int i = 0; i < check->n_findings; i++)
        if (check->finding[i].reach <= check->most_reach)
            check->finding[kept++] = check->finding[i];
    check->n_beyond = check->n_findings - kept;
    check->n_findings = kept;
    for (int i = 0; i < kept; i++)
        unknown += !check->finding[i].known;
    return unknown;
}

/* Adds it to what is there of its id: the better example stands. */
static void add_finding(struct check *check, const struct check_finding *f)
{
    int at = 0;
    while (at < check->n_findings &&
           (strcmp(check->finding[at].id, f->id) || strcmp(check->finding[at].group, f->group)))
        at++;
    if (at == CHECK_FINDINGS_MAX) {
        check->lost_findings++;
        return;
    }
    struct check_finding *there = &check->finding[at];
    if (at == check->n_findings) {
        check->finding[check->n_findings++] = *f;
        return;
    }
    const uint64_t calls = there->calls + f->calls;
    const uint32_t devices = there->devices | f->devices;
    if (f->reach < there->reach || (f->reach == there->reach && check_simpler(&f->problem, &there->problem)))
        *there = *f;
    there->calls = calls;
    there->devices = devices;
}

void check_find(struct check *check)
{
    for (size_t i = 0; i < CHECK_SIGNS; i++) {
        const struct check_sign *sign = &check->sign[i];
        if (!sign->hash)
            continue;
        struct check_finding f;
        memset(&f, 0, sizeof f);
        f.kind = sign->kind;
        f.device = sign->device;
        f.calls = sign->calls;
        if (cli_interrupted() && (f.kind == CHECK_HANG || cli_interrupt_age_ms() > LOOK_MS))
            leave_as_noted(check, sign, &f);
        else if (f.kind == CHECK_HOLE)
            check_hole(check, sign, &f);
        else
            shrink(check, sign, &f);
        f.reach = check_reach(&f.problem);
        add_finding(check, &f);
    }
    check_identity_number(check);
    check_sort(check);
}
