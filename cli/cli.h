/* cli.h: what the verbs of the attnfuzz command share: exit codes, the verb table's row, messages, devices.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CLI_H
#define ATTNFUZZ_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "fuzz/case/attn_case.h"
#include "planner/attn_planner.h"
#include "fuzz/properties/properties.h"

enum {
    CLI_GOOD = 0,   /* all good */
    CLI_BROKEN = 1, /* a property failed */
    CLI_USAGE = 2,  /* usage, or input that cannot be read */
    CLI_LACKS = 3   /* the environment lacks something, said in one line */
};

/* ---- Verbs ------------------------------------------------------------------------------------------- */

struct cli_verb {
    const char *name;
    const char *summary;               /* one line of the overall help */
    const char *help;                  /* what --help prints */
    int (*run)(int argc, char **argv); /* argv[0] is the verb; returns an exit code */
};

extern const struct cli_verb cli_plan;
extern const struct cli_verb cli_explain;
extern const struct cli_verb cli_run;
extern const struct cli_verb cli_shrink;
extern const struct cli_verb cli_import;
extern const struct cli_verb cli_bench;
extern const struct cli_verb cli_check;
extern const struct cli_verb cli_null_hip;

/* ---- Messages ---------------------------------------------------------------------------------------- */

/* "attnfuzz: ..." on stderr; bytes that are no printable ASCII come out as \xNN, so that no input can steer a
 * terminal. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "FILE:LINE:COLUMN: ..." on stderr, the same way. Column 0 is left out. */
void cli_error_at(const char *file, int64_t line, size_t column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* What getopt_long's '?' and ':' mean, and where help is. Returns CLI_USAGE. */
int cli_usage_error(const struct cli_verb *verb);
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
/* Text for an XML attribute or element; what XML 1.0 cannot hold becomes '?'. */
void cli_xml_text(FILE *out, const char *text);

/* ---- Devices ------------------------------------------------------------------------------------------ */

struct cli_devices {
    int n;
    struct {
        int16_t row, weakening;
    } at[ATTN_FLEET_MAX];
};

/* Adds what a --device argument names: NAME, NAME~WEAKENING, several with commas between, or "all" (every row of the
 * table). False, with a message, when there is no such device. */
bool cli_devices_add(struct cli_devices *devices, const char *text);
/* Every row of the table. */
void cli_devices_all(struct cli_devices *devices);
/* The device of a row and weakening (-1: none), and its name as in a line's dev=. */
void cli_device_get(int row, int weakening, struct attn_device *device);
void cli_device_name(int row, int weakening, char *text, size_t cap);

#endif
