/* output.h: files that the command writes: whole, or left as they were.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_OUTPUT_H
#define ATTNFUZZ_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

/* A file under way: PATH.part beside it, which takes its place when it is whole. "-" is standard output; what is no
 * regular file (a pipe, a device) is written directly. */
struct cli_output {
    const char *path; /* as it was said */
    FILE *file;       /* NULL: not open */
    char *target;     /* where a link leads; NULL: written directly */
    char *part;
};

/* Can it be written? False, with a message, when not. Changes nothing. */
bool cli_output_try(const char *path);
/* Begins it. False, with a message, when it cannot be. */
bool cli_output_begin(struct cli_output *output, const char *path);
/* Puts it in its place. False, with a message, when it could not be written: the old one is still there. Does nothing
 * where none was begun. */
bool cli_output_end(struct cli_output *output);
/* Takes it back. */
void cli_output_drop(struct cli_output *output);

#endif
