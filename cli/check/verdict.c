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

static uint64_t hash_launch(const struct attn_subject_launch *launch, bool by_name)
{
    uint64_t h = by_name ? attn_hash_text(ATTN_HASH_START, launch->kernel) : (uint64_t)(uintptr_t)launch->id;
    for (int i = 0; i < 3; i++)
        h = attn_mix(h ^ ((uint64_t)launch->grid[i] << 32 | launch->block[i]));
    return attn_mix(h ^ launch->lds_dynamic_bytes);
}

uint64_t check_launches(const struct check *check, const struct attn_subject_answer *answer)
{
    uint64_t launched = 0;
    for (size_t i = 0; i < answer->n_launches; i++)
        launched = attn_mix(launched ^ hash_launch(&answer->launch[i], check->by_name));
    return launched;
}
