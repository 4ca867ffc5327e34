/* note.h: calls that broke something, those of one sign counted together.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_NOTE_H
#define ATTNFUZZ_CHECK_NOTE_H

#include <stdint.h>

#include "cli/check/call.h"
#include "cli/check/state.h"

/* Notes a call that broke something on these devices (the first of them is `device`); what it was is found out later.
 */
void check_note(struct check *check, int device, uint32_t devices, const struct attn_problem *p,
                const struct check_verdict *verdict);

#endif
