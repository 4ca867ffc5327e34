/* open.h: the subject that --subject names.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_OPEN_H
#define ATTNFUZZ_CHECK_OPEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "subjects/attn_subject.h"

struct check_subject_options {
    const char *subject;      /* a row of ATTN_SUBJECTS, or ggml=debian */
    const char *null_runtime; /* folder; NULL: beside the command */
    const char *cache;        /* folder for ggml=debian; NULL: the user's cache */
    bool prec_default, no_code;
    bool real_runtime, graphs; /* struct attn_subject_options */
};
/* "own[=PATH], ggml=PATH or ggml=debian": what --subject may be. */
void check_subject_names(char *text, size_t cap);
/* A line for each of them: what it is. */
void check_subject_list(FILE *out);
/* Opens it, or replaces this process by one that runs on the C library that the subject needs (argv: its arguments).
 * CLI_GOOD, or an exit code after a message. */
int check_open(const struct check_subject_options *options, char **argv, struct attn_subject **subject);

#endif
