/* lines.h: text lines out of files, directories, standard input and arguments, one at a time.
 *
 * Whatever the input holds, memory is bounded by the longest line allowed and time is linear in the bytes read.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_LINES_H
#define ATTNFUZZ_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/input/encoding.h"

struct lines_source {
    char *name;       /* for messages: the path, "-", "argument 2" */
    const char *text; /* not NULL: the line itself, from the command line */
    bool met;         /* in a folder, not named itself: passed over when it cannot be read */
};

struct lines {
    struct lines_source *source;
    int n_sources, cap_sources;
    int next;         /* source to open next */
    int current;      /* source of the line last returned */
    int64_t number;   /* its number in that source, from 1 */
    const char *text; /* its bytes, without the newline and a carriage return before it; not terminated */
    size_t len;
    bool cut;       /* no newline ends the line: the source may be cut off */
    bool decode;    /* set by who opened it: UTF-16 and byte order marks are read, as UTF-8 without a mark */
    int unreadable; /* files and folders met in folders that could not be read: named and passed over */
    FILE *file;     /* open source, NULL: none */
    bool begun;     /* bytes of it were read */
    struct encoding_state state;
    size_t max;     /* longest line, bytes */
    char *line;     /* max bytes */
    char *chunk;    /* read ahead */
    size_t at, end; /* unread part of chunk */
};

enum lines_result {
    LINES_END,       /* no more lines in any source */
    LINES_LINE,      /* text, len, number, current, cut are set; the last line of a source needs no newline */
    LINES_TOO_LONG,  /* the line has more than max bytes; it was read past, text and len are its first max bytes */
    LINES_ENCODED,   /* the source is UTF-16, which is not read without `decode`: state says which; the next follows */
    LINES_UNREADABLE /* the source could not be opened or read: errno says why; the next one follows */
};

/* Takes n arguments: "-" is standard input; a directory is every *.txt file below it, in sorted order; one that
 * starts with one of `prefixes` (ends with NULL; NULL: none does) and is no file's name is a line itself; the rest are
 * files. What is met in a directory and is no file, or cannot be read, is named and passed over. False, with a message,
 * when a directory that was named cannot be listed or memory runs out. */
bool lines_open(struct lines *lines, int n, char **arguments, const char *const *prefixes, size_t max);
enum lines_result lines_next(struct lines *lines);
/* The line without blanks around it: true when it holds something other than a comment, which '#' begins. */
bool lines_content(const struct lines *lines, const char **text, size_t *len);
const char *lines_name(const struct lines *lines, int source);
void lines_close(struct lines *lines);

#endif
