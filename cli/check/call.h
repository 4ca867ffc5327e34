/* call.h: one call of a subject, and what it broke.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_CALL_H
#define ATTNFUZZ_CHECK_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/check/state.h"

/* What one call showed. */
struct check_verdict {
    int32_t kind;  /* enum check_kind, -1: nothing is wrong */
    int32_t unfit; /* kind UNFIT */
    bool supported, too_big;
    bool beyond;                            /* launched alone: it is larger than what is computed here */
    const struct attn_subject_launch *main; /* the attention launch, NULL: none; valid until the next call */
    struct attn_subject_launch bad;         /* kinds UNFIT, STOPPED; WRONG, LOOSE: the attention launch */
    uint64_t number;                        /* kind STOPPED: which of the call's launches that is, from 1 */
    char source[ATTN_SUBJECT_SOURCE_MAX];   /* kind STOPPED: of the instruction; "" where it is not known */
    const struct attn_subject_launch *all;  /* all launches; valid until the next call */
    size_t n_launches;
    uint64_t launched;           /* hash of all launches */
    uint64_t bits;               /* hash of what it computed; 0: nothing that was judged */
    struct check_impure impure;  /* kind IMPURE */
    int32_t before;              /* kind STATE: the call before it (order.h) */
    struct attn_subject_why why; /* what the subject's answer says; compared with `said`, which has the rest */
    char detail[128];            /* kinds STOPPED to STATE: how, and the kernel: words of the key */
    bool explained;              /* kind LOOSE: by the data (execute.c) */
    uint64_t said;               /* hash of its own words: they are not read, but others are another trouble */
    char message[ATTN_SUBJECT_MESSAGE_MAX];
};
/* Hash of an answer's launches. */
uint64_t check_launches(const struct check *check, const struct attn_subject_answer *answer);
/* An answer's why and message. */
void check_take_words(struct check_verdict *verdict, const struct attn_subject_answer *answer);
/* An answer that is not YES: kind (-1 for a call that is too big), why, message. */
void check_take_answer(struct check_verdict *verdict, const struct attn_subject_answer *answer);
/* Can what the call computes be judged? */
static inline bool check_can_execute(const struct check *check, const struct check_verdict *v)
{
    return v->kind < 0 && v->supported && !v->too_big && (v->main || check->subject->alone);
}
/* One call of a legal problem on a device, all properties checked but P5 where `pure` is false; computed where
 * `execute` is true (execute.h). */
void check_call(struct check *check, int device, const struct attn_problem *p, bool pure, bool execute,
                struct check_verdict *verdict);
/* The second call of `pure`, where the first has been made. */
void check_call_again(struct check *check, int device, const struct attn_problem *p, struct check_verdict *verdict);

#endif
