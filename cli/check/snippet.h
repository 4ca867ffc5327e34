/* snippet.h: a finding as a C program that shows it.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_SNIPPET_H
#define ATTNFUZZ_CHECK_SNIPPET_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/check/state.h"

/* A complete C program against ggml's public headers. */
void check_snippet(FILE *out, const struct check *check, const struct check_finding *finding);
/* Writes one file a group of findings into a folder: NUMBER-KIND.c; false with a message. */
bool check_snippets_write(const char *folder, const struct check *check);

#endif
