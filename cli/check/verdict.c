/* verdict.c: what a subject's answer makes of a verdict. See call.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/check/call.h"

#include <string.h>

#include "planner/hash.h"

void check_take_words(struct check_verdict *v, const struct attn_subject_answer *answer)
{
    v->why = answer->why;
    if (!answer->message[0])
        return;
    memcpy(v->message, answer->message, sizeof v->message);
    v->said = attn_hash_text(ATTN_HASH_START, answer->message + answer->why.words);
}

void check_take_answer(struct check_verdict *v, const struct attn_subject_answer *answer)
{
    static const int kinds[ATTN_SUBJECT_STATUS_COUNT] = {
        [ATTN_SUBJECT_YES] = -1,
        [ATTN_SUBJECT_NO] = CHECK_FAILED,
        [ATTN_SUBJECT_ABORTED] = CHECK_ABORT,
        [ATTN_SUBJECT_CRASHED] = CHECK_CRASH,
        [ATTN_SUBJECT_HUNG] = CHECK_HANG,
        [ATTN_SUBJECT_TOO_BIG] = -1,
    };
    v->kind = kinds[answer->status];
    v->too_big = answer->status == ATTN_SUBJECT_TOO_BIG;
    check_take_words(v, answer);
}
