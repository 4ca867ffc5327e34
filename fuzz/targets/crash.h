/* crash.h: names what a target was at when it ends over something that no property of ours names: a report of ASan or
 * UBSan, a signal, a failed assertion. As of every finding: the line, kernel and device, and the command that replays
 * it.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_CRASH_H
#define ATTN_CRASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The line or script of an input, zero-terminated, in memory of its own; what is no line but text or bytes begins with
 * '#'. Called where a process is about to end: it takes no memory and little stack. */
typedef const char *attn_crash_line(const uint8_t *data, size_t size);

/* Once: the target's name and what makes lines of its inputs; NULL: they are bytes. Does it run kernels, on stacks of
 * their own? */
void attn_crash_target(const char *name, attn_crash_line *line, bool fibers);
/* An input begins; the first time handlers are installed, over those of an engine and a sanitizer, which come after
 * them. A fault of a kernel that runs without checks is the executor's (attn_host_fault). */
void attn_crash_begin(const uint8_t *data, size_t size);
/* For attn_run_limits.trying: a kernel of that number is run next. */
void attn_crash_trying(void *context, int kernel);
/* What is wrong has been said: the process ends over it. */
void attn_crash_named(void);
/* The line of an input; for replays that print it. */
const char *attn_crash_line_of(const uint8_t *data, size_t size);

#endif
