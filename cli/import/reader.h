/* reader.h: lines of other people's text as what was printed: without colour codes and what a web page or a terminal
 * has made of it, a case that was wrapped in one piece again.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_IMPORT_READER_H
#define ATTNFUZZ_IMPORT_READER_H

#include "cli/input/lines.h"

/* A cleaned line. */
struct reader_line {
    enum lines_result result;
    char *text;
    size_t len;
    int source;
    int64_t number;
    bool changed; /* it is not byte for byte the file's line: columns of it are not columns there */
};

struct reader {
    struct lines *lines;
    struct reader_line now, ahead; /* ahead: read to see whether `now` goes on in it */
    bool has_ahead;
};

/* Begins to read opened lines. False, with a message, when memory runs out. */
bool reader_open(struct reader *reader, struct lines *lines);
/* The next line, in reader->now: LINES_LINE, LINES_TOO_LONG with its beginning, LINES_UNREADABLE, LINES_END. */
enum lines_result reader_next(struct reader *reader);
void reader_close(struct reader *reader);

#endif
