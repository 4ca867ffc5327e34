/* manual.h: what there is to know of a verb, once: its options are read by this table, and --help, the manual page, the
 * reference and the shell's completion are printed from it (cli/page).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_MANUAL_H
#define ATTNFUZZ_MANUAL_H

#include <getopt.h> /* optarg, optind */
#include <stdbool.h>
#include <stdint.h>

/* One option. A table ends with a row without a name. */
struct cli_option {
    const char *name;  /* "device", for --device */
    int id;            /* what reading it returns; above 0 */
    const char *value; /* what it takes, "NAME"; NULL: nothing */
    const char *text;  /* what it is for, plain text; NULL: an older name, taken and not listed */
    const char *group; /* heads a group of options: on the first of it; NULL: as the one before */
};

struct cli_example {
    const char *command; /* after "attnfuzz " */
    const char *text;    /* what it does */
};

enum { CLI_EXAMPLES = 4 };

struct cli_manual {
    const char *name, *summary; /* of the verb; one line */
    const char *usage;          /* after the name; more forms each on a line */
    const char *brief;          /* what it does, in a few sentences: --help */
    const struct cli_option *options;
    struct cli_example examples[CLI_EXAMPLES];
    const char *codes;   /* what exit codes mean here beside or in place of the usual; NULL: as usual */
    const char *text;    /* the rest, for who reads on; empty lines part paragraphs. NULL: none */
    const char *heading; /* of the table */
    void (*table)(void); /* prints one that code has (kept as it is printed); NULL: none */
    bool stops;          /* options end at the first word that is none: what follows is a command */
};

/* The next option of the command line: its id, with optarg as getopt has it; -1 at the end, optind says where; '?' when
 * it is none or lacks its value, and where help is has been said. */
int cli_option_next(const struct cli_manual *m, int argc, char **argv);
/* The name that the table lists for the option. */
const char *cli_option_name(const struct cli_manual *m, int id);
/* optarg as a whole number in [low, high]; false with a message that names the option. */
bool cli_option_number(const struct cli_manual *m, int id, const char *text, int64_t low, int64_t high, int64_t *value);

#endif
