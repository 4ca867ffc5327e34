/* loop.h: problems, calls, feedback: where attnfuzz check spends its time.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_LOOP_H
#define ATTNFUZZ_CHECK_LOOP_H

#include <stdbool.h>

#include "cli/check/state.h"

/* Generates and calls until a limit is reached; or asks about what given() gives until it says false, where it is not
 * NULL. `progress` is called now and then. */
void check_run(struct check *check, bool (*given)(void *, struct attn_problem *), void *context,
               void (*progress)(const struct check *));

#endif
