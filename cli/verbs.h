/* verbs.h: the verbs of the attnfuzz command, one file each. Only they and the command itself know them.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_VERBS_H
#define ATTNFUZZ_VERBS_H

struct cli_verb {
    const char *name;
    const char *summary;               /* one line of the overall help */
    const char *help;                  /* what --help prints, up to a table in it where it has one */
    int (*run)(int argc, char **argv); /* argv[0] is the verb; returns an exit code */
    void (*table)(void);               /* prints that table, NULL: there is none */
    const char *help_after;            /* and the help goes on with this */
};

extern const struct cli_verb cli_plan;
extern const struct cli_verb cli_explain;
extern const struct cli_verb cli_run;
extern const struct cli_verb cli_shrink;
extern const struct cli_verb cli_import;
extern const struct cli_verb cli_bench;
extern const struct cli_verb cli_check;
extern const struct cli_verb cli_diff;
extern const struct cli_verb cli_null_hip;
extern const struct cli_verb cli_tight;
extern const struct cli_verb cli_zoo;

#endif
