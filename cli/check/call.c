/* call.c: one call of a subject, and what it broke.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/check/call.h"

#include <stdio.h>
#include <string.h>

#include "cli/check/execute.h"
#include "cli/check/problem.h"
#include "cli/check/word.h"
#include "planner/hash.h"

static void call_once(struct check *check, int device, const struct attn_problem *p, struct check_verdict *v)
{
    struct attn_subject *s = check->subject;
    struct attn_subject_answer answer;
    v->kind = -1;
    v->unfit = ATTN_UNFIT_NOT;
    v->supported = v->too_big = v->beyond = false;
    v->main = NULL;
    v->all = NULL;
    v->n_launches = 0;
    v->launched = v->bits = 0;
    v->message[0] = 0;
    v->impure = (struct check_impure){ .strides = false };
    v->why = (struct attn_subject_why){ .reason = ATTN_SUBJECT_NO_REASON };
    v->said = 0;
    v->explained = false;
    v->before = 0;
    v->detail[0] = v->source[0] = 0;
    v->number = 0;
    v->bad.kernel = NULL;
    attn_subject_supports(s, device, p, &answer);
    if (answer.status == ATTN_SUBJECT_NO) {
        v->kind = CHECK_HOLE;
        return;
    }
    if (answer.status != ATTN_SUBJECT_YES) {
        v->kind = CHECK_ASK;
        check_take_words(v, &answer);
        return;
    }
    v->supported = true;
    attn_subject_dispatch(s, device, p, &answer);
    v->all = answer.launch;
    v->n_launches = answer.n_launches;
    check_take_answer(v, &answer);
    if (answer.status != ATTN_SUBJECT_YES)
        return;
    v->launched = check_launches(check, &answer);
    for (size_t i = 0; i < answer.n_launches; i++) {
        const struct attn_subject_launch *launch = &answer.launch[i];
        if (!v->main && attn_subject_is_attention(s, launch->kernel))
            v->main = launch;
        if (v->kind < 0 && (v->unfit = attn_subject_unfit(s, device, launch, v->message, sizeof v->message)) != 0) {
            v->kind = CHECK_UNFIT;
            v->bad = *launch;
        }
    }
    if (!v->main && !s->alone)
        v->kind = CHECK_SILENT;
}

/* The second time it is asked with the strides of extent-1 dimensions as they usually are. */
void check_call_again(struct check *check, int device, const struct attn_problem *p, struct check_verdict *v)
{
    struct attn_problem same = *p;
    struct check_verdict second;
    char first[96] = "refused", other[96] = "refused";
    if (v->main)
        check_kernel_name(v->main->kernel, first, sizeof first);
    check_plain_strides(&same);
    bool changed = !attn_problem_equal(&same, p);
    call_once(check, device, &same, &second);
    if (second.too_big || second.kind != v->kind || second.supported != v->supported ||
        second.launched != v->launched) {
        if (second.main)
            check_kernel_name(second.main->kernel, other, sizeof other);
        bool hole = v->kind == CHECK_HOLE || second.kind == CHECK_HOLE;
        if (second.too_big || (!hole && (second.kind >= 0 || v->kind >= 0)))
            return; /* what it is, is a finding of its own */
        if (changed && !hole && !strcmp(first, other))
            return; /* the kernel is the same; helpers may take a shorter way where they see contiguous memory */
        v->kind = CHECK_IMPURE;
        v->impure = (struct check_impure){ .strides = changed, .refused = hole };
        v->impure.answers = attn_hash_text(attn_hash_text(ATTN_HASH_START, first), other);
        snprintf(v->message, sizeof v->message, "%s; %s: %s%s", first,
                 changed ? "with the usual strides of dimensions of extent 1" : "asked again", other,
                 !hole && !strcmp(first, other) ? ", launched otherwise" : "");
    }
    v->main = v->all = NULL; /* its text was of the first call */
}

void check_call(struct check *check, int device, const struct attn_problem *p, bool pure, bool execute,
                struct check_verdict *v)
{
    call_once(check, device, p, v);
    if (execute && check_can_execute(check, v))
        check_execute(check, device, p, v);
    if (pure && !v->too_big && (v->kind < 0 || v->kind == CHECK_HOLE))
        check_call_again(check, device, p, v);
}
