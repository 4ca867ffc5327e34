/* catalogue.h: every name that a report may print, out of the tables that name it.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CATALOGUE_H
#define ATTNFUZZ_CATALOGUE_H

/* Prints it to standard output, in Markdown: docs/catalogue.md. */
void cli_catalogue(void);

#endif
