/* error.h: errors: the last one of a thread, and what is said on stderr.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_ERROR_H
#define ATTN_NULL_ERROR_H

#include "subjects/null/hip_abi.h"

/* Remembers an error as this thread's last (success and hipErrorNotReady are not), and returns it. */
int null_result(int error);
/* The same with a line on stderr: "null-hip: hipMemcpy: <text>". For what a program does wrong. */
int null_wrong(int error, const char *entry, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* An entry point, or a use of it, that the null runtime does not provide: counted, and said on stderr once a name.
 * Returns hipErrorNotSupported. */
int null_refuse(const char *entry, const char *why);

#endif
