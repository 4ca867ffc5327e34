/* page.h: a verb's manual in each form that it is read in. All of them are printed to standard output.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_PAGE_H
#define ATTNFUZZ_PAGE_H

#include <stddef.h>

#include "cli/input/manual.h"

/* What every verb is part of. */
struct page_command {
    const char *name, *summary, *version, *date; /* "November 30, 2026" */
    const char *text;                            /* paragraphs of the command's own page */
    const char *codes;                           /* the usual exit codes, a line each: "0  all good" */
    const struct cli_manual *const *verb;
    size_t n_verbs;
};

/* Plain text for a terminal. whole: with everything that the manual page has. */
void page_help(const struct page_command *command, const struct cli_manual *m, int whole);
/* All verbs in a line each. */
void page_overview(const struct page_command *command);
/* A manual page in mdoc(7); m NULL: the command's own. */
void page_man(const struct page_command *command, const struct cli_manual *m);
/* Markdown: all verbs, for docs/reference.md. */
void page_markdown(const struct page_command *command);
/* Completion for bash. */
void page_bash(const struct page_command *command);

#endif
