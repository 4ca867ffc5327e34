/* attnfuzz.c: the command: a table of verbs, overall help, and the choice of one.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli/input/message.h"
#include "cli/verbs.h"

#ifndef ATTNFUZZ_VERSION
#error "the build says the version: -DATTNFUZZ_VERSION=\"x.y.z\""
#endif

static const struct cli_verb *const verbs[] = { &cli_plan,   &cli_explain,  &cli_run,   &cli_shrink,
                                                &cli_import, &cli_bench,    &cli_check, &cli_diff,
                                                &cli_tight,  &cli_null_hip, &cli_zoo };
enum { N_VERBS = sizeof verbs / sizeof verbs[0] };

static void help_of(const struct cli_verb *verb)
{
    fputs(verb->help, stdout);
    if (!verb->table)
        return;
    verb->table();
    fputs(verb->help_after, stdout);
}

static void help(FILE *out)
{
    fputs("usage: attnfuzz VERB [options] [FILE|DIR|LINE...]\n\n"
          "Finds and explains holes in attention kernel routing.\n\nverbs:\n",
          out);
    for (int i = 0; i < N_VERBS; i++)
        fprintf(out, "  %-8s %s\n", verbs[i]->name, verbs[i]->summary);
    fputs(
        "\nInput is problem lines (fa1 q=... k=... v=...): in a FILE, in every *.txt file below a DIR, as a LINE on\n"
        "the command line, or on standard input with -. '#' starts a comment line.\n\n"
        "options:\n"
        "  --help     this text; attnfuzz VERB --help: that verb's\n"
        "  --version  the version\n\n"
        "exit codes: 0 all good, 1 a property failed, 2 usage or unreadable input, 3 the environment lacks something\n",
        out);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return CLI_USAGE;
    }
    const char *word = argv[1];
    if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help")) {
        help(stdout);
        return cli_finish(CLI_GOOD);
    }
    if (!strcmp(word, "--version")) {
        puts("attnfuzz " ATTNFUZZ_VERSION);
        return cli_finish(CLI_GOOD);
    }
    for (int i = 0; i < N_VERBS; i++) {
        if (strcmp(word, verbs[i]->name))
            continue;
        for (int a = 2; a < argc && strcmp(argv[a], "--"); a++)
            if (!strcmp(argv[a], "--help") || !strcmp(argv[a], "-h")) {
                help_of(verbs[i]);
                return cli_finish(CLI_GOOD);
            }
        return cli_finish(verbs[i]->run(argc - 1, argv + 1));
    }
    cli_error("there is no verb '%s'; attnfuzz --help lists them", word);
    return CLI_USAGE;
}
