/* corpus.h: cases out of a corpus: lines read, parsed and checked for legality, errors reported with their place.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CORPUS_H
#define ATTNFUZZ_CORPUS_H

#include "cli.h"
#include "lines.h"

/* Longest line of a corpus; a problem's canonical line is at most ATTN_CASE_LINE_MAX. */
enum { CORPUS_LINE_MAX = 4096, CORPUS_ERRORS_MAX = 20 };

struct corpus {
    struct lines lines;
    int errors; /* reported so far */
};

/* Opens the arguments a verb was given; false with a message when there are none or they cannot be listed. */
bool corpus_open(struct corpus *corpus, int n, char **arguments);
/* The next legal case. Lines that cannot be read or are not legal are reported on stderr as FILE:LINE:COLUMN: why,
 * and counted; after CORPUS_ERRORS_MAX of them reading stops. False at the end. */
bool corpus_next(struct corpus *corpus, struct attn_case *c);
/* The place of the case last returned, as FILE:LINE. */
void corpus_place(const struct corpus *corpus, char *text, size_t cap);
/* Exit code for what was read: CLI_USAGE when a line was unreadable, else code. */
int corpus_close(struct corpus *corpus, int code);

#endif
