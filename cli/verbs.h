/* verbs.h: the verbs of the attnfuzz command, one file each. Only they and the command itself know them.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_VERBS_H
#define ATTNFUZZ_VERBS_H

#include "cli/input/manual.h"

struct cli_verb {
    const struct cli_manual *manual;   /* its name, options and all that is said of it */
    int (*run)(int argc, char **argv); /* argv[0] is the verb; returns an exit code */
};

/* X(name): in the order in which --help lists them */
#define CLI_VERBS(X) \
    X(plan) X(explain) X(map) X(run) X(shrink) X(import) X(bench) X(check) X(diff) X(tight) X(null_hip) X(zoo)

#define X(name) extern const struct cli_verb cli_##name;
CLI_VERBS(X)
#undef X

#endif
