/* finding.c: from calls that broke something to findings: each kind of trouble once, with the smallest problem that
 * shows it.
 *
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cli/check/call.h"
#include "cli/check/finding.h"
#include "cli/check/hole.h"
#include "cli/check/problem.h"
#include "cli/check/word.h"
#include "cli/input/interrupt.h"
#include "fuzz/shrink/shrink.h"

enum {
    SHRINK_TRIES = 600,
    SHRINK_TRIES_HANG = 8, /* each takes seconds */
    LOOK_MS = 700,         /* after an interruption: findings are still looked at, though not shrunk */
};

/* What the subject said of it as one word: where in its source, and its own words with blanks as '_'. */
static void answer_word(const struct check_finding *f, char *word, size_t cap)
{
    size_t n = 0;
    word[0] = 0;
    if (f->why.file[0])
        n = (size_t)snprintf(word, cap, "%s:%d:_", f->why.file, (int)f->why.line);
    for (const char *c = f->message + f->why.words; *c && n + 1 < cap; c++)
        word[n++] = strchr(" *?[\\", *c) ? '_' : *c;
    if (n < cap)
        word[n] = 0;
}

/* What the smallest problem has that a plain call has not: "gqa+mask"; "plain" when nothing. */
static void feature_word(const struct attn_problem *p, char *word, size_t cap)
{
    const struct {
        bool has;
        const char *name;
    } features[] = {
        { attn_n_q(p) > 1, "n_q" },
        { attn_n_kv(p) > 1, "n_kv" },
        { attn_n_head(p) > attn_n_head_kv(p), "gqa" },
        { attn_n_head_kv(p) > 1, "kv_heads" },
        { attn_n_seq(p) > 1, "n_seq" },
        { p->t[ATTN_MASK].present, "mask" },
        { p->t[ATTN_SINKS].present, "sinks" },
        { p->softcap > 0, "softcap" },
        { p->max_bias > 0, "max_bias" },
        { p->t[ATTN_K].type != ATTN_F16, attn_type_info(p->t[ATTN_K].type)->name },
        { p->t[ATTN_V].type != ATTN_F16 && p->t[ATTN_V].type != p->t[ATTN_K].type,
          attn_type_info(p->t[ATTN_V].type)->name },
        { p->t[ATTN_K].buffer != 0, "alias" },
    };
    size_t used = 0;
    snprintf(word, cap, "plain");
    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++)
        if (features[i].has && used < cap)
            used += (size_t)snprintf(word + used, cap - used, "%s%s", used ? "+" : "", features[i].name);
}

/* Is it about what a call computed? */
static bool computed(int kind) { return kind == CHECK_STOPPED || kind == CHECK_WRONG || kind == CHECK_LOOSE; }

/* Names the finding: kind, what it is about, and the particulars head size and devices. */
static void name_finding(const struct check *check, struct check_finding *f, int unfit)
{
    char head[32], devices[160], word[192] = "-", features[96];
    feature_word(&f->problem, features, sizeof features);
    check_head_word(&f->problem, head, sizeof head);
    check_device_list(check, f->devices, devices, sizeof devices);
    if (f->kind == CHECK_UNFIT) {
        char kernel[80];
        check_kernel_name(f->launch.kernel, kernel, sizeof kernel);
        if (unfit == ATTN_UNFIT_NO_DEVICE)
            snprintf(word, sizeof word, "%s - -", attn_unfit_name(unfit));
        else
            snprintf(word, sizeof word, "%s %s %s", attn_unfit_name(unfit), kernel, features);
        if (unfit == ATTN_UNFIT_NO_DEVICE)
            snprintf(head, sizeof head, "-");
    } else if (computed(f->kind)) {
        snprintf(word, sizeof word, "%s %s", f->detail, features);
    } else if (f->kind != CHECK_SILENT && f->kind != CHECK_IMPURE) {
        char message[96];
        answer_word(f, message, sizeof message);
        snprintf(word, sizeof word, "%s %s", message, features);
    } else if (f->kind == CHECK_IMPURE) {
        snprintf(word, sizeof word, "%s %s", f->impure.strides ? "strides_of_extent_1" : "asked_again",
                 f->impure.refused ? "refused" : "kernel");
    }
    snprintf(f->group, sizeof f->group, "%s %s", check_kind_name(f->kind), word);
    snprintf(f->key, sizeof f->key, "%s %s %s %s", check_kind_name(f->kind), word, head, devices);
}

/* ---- Shrinking ------------------------------------------------------------------------------------------- */

struct same {
    struct check *check;
    int device, kind, head;
    bool pure;
    struct check_verdict first; /* of the problem as it was noted */
    char kernel[96];            /* kind UNFIT: the one of that launch */
};

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

static bool fails_the_same(const struct attn_case *c, void *context)
{
    struct same *same = context;
    struct check_verdict v;
    const char *why;
    bool any_head = same->kind == CHECK_UNFIT && same->first.unfit == ATTN_UNFIT_NO_DEVICE;
    if (cli_interrupted() || (!any_head && check_head_size(&c->problem) != same->head) ||
        !attn_subject_legal(same->check->subject, &c->problem, &why))
        return false;
    same->check->shrink_calls++;
    check_call(same->check, same->device, &c->problem, same->pure, computed(same->kind), &v);
    return fails(&v, same);
}

static void shrink(struct check *check, const struct check_sign *sign, struct check_finding *f)
{
    struct same same = {
        .check = check, .device = sign->device, .kind = sign->kind, .pure = sign->kind == CHECK_IMPURE
    };
    struct check_verdict v;
    struct attn_case c = { .problem = sign->problem };
    attn_run_default(&c.run);
    same.head = check_head_size(&c.problem);
    check_call(check, sign->device, &c.problem, same.pure, computed(same.kind), &v);
    same.first = v;
    if (v.kind == CHECK_UNFIT)
        check_kernel_name(v.bad.kernel, same.kernel, sizeof same.kernel);
    if (v.kind == sign->kind)
        attn_shrink(&c, fails_the_same, &same, v.kind == CHECK_HANG ? SHRINK_TRIES_HANG : SHRINK_TRIES, NULL);
    f->problem = c.problem;
    f->impure = same.first.impure;
    f->why = same.first.why;
    memcpy(f->detail, same.first.detail, sizeof f->detail);
    for (int device = 0; device < check->subject->n_devices; device++) {
        if (!(check->devices >> device & 1))
            continue;
        check_call(check, device, &c.problem, same.pure, computed(same.kind), &v);
        check->shrink_calls++;
        if (!fails(&v, &same))
            continue;
        bool shown = f->devices != 0;
        f->devices |= 1u << device;
        if (device == sign->device || !shown) {
            memcpy(f->message, v.message, sizeof f->message);
            f->impure = v.impure;
            if (v.kind == CHECK_UNFIT)
                f->launch = v.bad;
        }
    }
    if (f->devices == 0) { /* it did not show again: said as it is, on the problem as it was */
        f->kind = CHECK_IMPURE;
        f->devices = 1u << sign->device;
        snprintf(f->message, sizeof f->message, "asked again: no %s any more (%.400s)", check_kind_name(sign->kind),
                 same.first.message);
    }
    name_finding(check, f, same.first.unfit);
}

/* There is no time to look at it again: it is said as it was noted. */
static void leave_as_noted(const struct check *check, const struct check_sign *sign, struct check_finding *f)
{
    char head[32], devices[160];
    f->problem = sign->problem;
    f->devices = 1u << sign->device;
    f->field = CHECK_FIELD_SEVERAL;
    snprintf(f->message, sizeof f->message, "interrupted by %s before it was looked at again",
             cli_interrupt_name(cli_interrupted()));
    check_head_word(&f->problem, head, sizeof head);
    check_device_list(check, f->devices, devices, sizeof devices);
    snprintf(f->group, sizeof f->group, "%s as_noted", check_kind_name(f->kind));
    snprintf(f->key, sizeof f->key, "%s %s %s", f->group, head, devices);
}

static int by_key(const void *a, const void *b)
{
    const struct check_finding *x = a, *y = b;
    if (x->known != y->known)
        return x->known - y->known;
    if (x->kind != y->kind)
        return x->kind - y->kind;
    int group = strcmp(x->group, y->group);
    return group ? group : strcmp(x->key, y->key);
}

void check_sort(struct check *check)
{
    qsort(check->finding, (size_t)check->n_findings, sizeof *check->finding, by_key);
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
        if (cli_interrupted() && (f.kind == CHECK_HANG || cli_interrupt_age_ms() > LOOK_MS))
            leave_as_noted(check, sign, &f);
        else if (f.kind == CHECK_HOLE)
            check_hole(check, sign, &f);
        else
            shrink(check, sign, &f);
        int at = 0;
        while (at < check->n_findings && strcmp(check->finding[at].key, f.key))
            at++;
        if (at == CHECK_FINDINGS_MAX) {
            check->lost_findings++;
            continue;
        }
        if (at == check->n_findings) {
            check->finding[check->n_findings++] = f;
        } else if (check_simpler(&f.problem, &check->finding[at].problem)) {
            f.calls = check->finding[at].calls;
            check->finding[at] = f;
        }
        check->finding[at].calls += sign->calls;
    }
    check_sort(check);
}
