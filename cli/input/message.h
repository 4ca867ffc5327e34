/* message.h: what every verb and what it is made of need: exit codes, messages, numbers, JSON and XML text.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_MESSAGE_H
#define ATTNFUZZ_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    CLI_GOOD = 0,   /* all good */
    CLI_BROKEN = 1, /* a property failed */
    CLI_USAGE = 2,  /* usage, or input that cannot be read */
    CLI_LACKS = 3   /* the environment lacks something, said in one line */
};

/* ---- Messages ---------------------------------------------------------------------------------------- */

/* "attnfuzz: ..." on stderr; bytes that are no printable ASCII come out as \xNN, so that no input can steer a
 * terminal. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "FILE:LINE:COLUMN: ..." on stderr, the same way. Column 0 is left out. */
void cli_error_at(const char *file, int64_t line, size_t column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Says that memory has run out; false. */
bool cli_out_of_memory(void);
/* What getopt_long's '?' and ':' mean, and where help is. Returns CLI_USAGE. */
int cli_usage_error(const char *verb);
/* Standard output must have arrived (a full disk, a closed pipe): CLI_USAGE with a message when not, else code. */
int cli_finish(int code);
/* Prints text with unprintable bytes as \xNN. */
void cli_put_clean(FILE *out, const char *text, size_t len);

/* Prints lines of text to standard output, each after `indent`. */
void cli_put_block(const char *indent, const char *text);

/* A whole number in [low, high]; false when text is not one. */
bool cli_number(const char *text, int64_t low, int64_t high, int64_t *value);
/* Parses "i/n", 1 <= i <= n. */
bool cli_shard(const char *text, int64_t *i, int64_t *n);

/* ---- JSON and XML ------------------------------------------------------------------------------------- */

/* A string in quotes; bytes that are not printable ASCII are escaped as \u00NN. */
void cli_json_string(FILE *out, const char *text);
/* ,"name":"text"; null where text is NULL. */
void cli_json_text(FILE *out, const char *name, const char *text);
/* Text for an XML attribute or element; what XML 1.0 cannot hold becomes '?'. */
void cli_xml_text(FILE *out, const char *text);

#endif
