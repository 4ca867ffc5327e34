/* record.h: the launches that are recorded. Locked, all of it.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_RECORD_H
#define ATTN_NULL_RECORD_H

#include "subjects/null/null_hip.h"

void null_record(const struct null_hip_launch *launch);
/* Counts an entry point that was refused, and writes a line about it into the log. */
void null_record_refusal(const char *entry);

/* Counts a call that a capture forbids (null_hip_captured). Locked. */
void null_record_forbidden(const char *entry);

#endif
