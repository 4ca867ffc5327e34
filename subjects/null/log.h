/* log.h: the log of launches that a process with the null runtime writes (ATTN_NULL_HIP_LOG: a file, or a FIFO that
 * somebody reads) and `attnfuzz null-hip` prints. A line an event, words separated by one space:
 *
 *     launch DEVICE GX GY GZ BX BY BZ LDS FLAGS STREAM KERNEL
 *     refused ENTRY
 *
 * DEVICE by the planner's name; G grid in workgroups, B block in threads, LDS dynamic bytes, FLAGS NULL_HIP_* in
 * decimal; STREAM in hexadecimal, 0 the null stream; KERNEL as registered (mangled), to the end of the line.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_LOG_H
#define ATTN_NULL_LOG_H

#include <stdbool.h>
#include <stddef.h>

#define NULL_LOG_VARIABLE "ATTN_NULL_HIP_LOG"
#define NULL_DEVICES_VARIABLE "ATTN_NULL_HIP_DEVICES"
#define NULL_EXECUTE_VARIABLE "ATTN_NULL_HIP_EXECUTE"

/* Longest line with its newline; PIPE_BUF is 4096 on Linux, and a longer name is cut. */
enum { NULL_LOG_LINE = 4096 };

/* In the runtime (log.c): opens the log when the environment names one, once, at the runtime's start; says whether
 * there is one; and writes a line of at most NULL_LOG_LINE bytes with its newline, when there is. */
void null_log_open(void);
bool null_log_is_open(void);
void null_log_line(const char *line, size_t len);

#endif
