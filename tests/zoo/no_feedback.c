/* no_feedback.c: in place of fuzz/targets/feedback.c and history.c, for what found faults are compared with: nothing of
 * routes is shown to an engine, and every able kernel is run with all checks.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/targets/feedback.h"
#include "fuzz/targets/history.h"

const struct attn_run_watch *attn_feedback_watch(void) { return NULL; }

bool attn_feedback_watches(void) { return false; }

void attn_feedback_run_all(void) {}

bool attn_feedback_may_repeat(void) { return false; }

bool attn_feedback_begin(const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    return false;
}

uint64_t attn_feedback_runs(int trait, int class)
{
    (void)trait;
    (void)class;
    return 0;
}

uint64_t attn_feedback_count(bool checked)
{
    (void)checked;
    return 0;
}

void attn_history_ran(const struct attn_session *session, enum attn_session_kind kind)
{
    (void)session;
    (void)kind;
}
