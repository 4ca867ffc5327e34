/* attnfuzz.c: the command: a table of verbs, overall help, and the choice of one.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/catalogue.h"
#include "cli/input/message.h"
#include "cli/page/page.h"
#include "cli/verbs.h"

#if !defined ATTNFUZZ_VERSION || !defined ATTNFUZZ_DATE
#error "the build says the version and its date: -DATTNFUZZ_VERSION=\"x.y.z\" -DATTNFUZZ_DATE=\"Month D, YYYY\""
#endif

#define X(name) &cli_##name,
static const struct cli_verb *const verbs[] = { CLI_VERBS(X) };
#undef X
enum { N_VERBS = sizeof verbs / sizeof verbs[0] };

static const char text[] =
    "Input is problem lines (fa1 q=... k=... v=...) and sessions: in a FILE, in every *.txt file below a DIR, as a "
    "LINE on the command line, or on standard input with -. '#' starts a comment line.";

static const char codes[] =
    "0  all good\n1  a property failed, or there are findings\n2  wrong usage or unreadable input\n"
    "3  something is missing here\n130, 143, 129  ended by Ctrl-C, SIGTERM, SIGHUP";

static const struct cli_verb *find(const char *word)
{
    for (int i = 0; i < N_VERBS; i++)
        if (strcmp(word, verbs[i]->manual->name) == 0)
            return verbs[i];
    cli_error("there is no verb '%s'; attnfuzz --help lists them", word);
    return NULL;
}

/* All pages and the completion as files in a folder, as they are installed. */
static int write_pages(const struct page_command *command, const char *folder)
{
    char path[4096];
    for (int i = -2; i < N_VERBS; i++) {
        const char *verb = i < 0 ? "" : verbs[i]->manual->name;
        snprintf(path, sizeof path, "%s/attnfuzz%s%s.%s", folder, i < 0 ? "" : "-", verb, i == -2 ? "bash" : "1");
        if (!freopen(path, "w", stdout)) {
            cli_error("%s: %s", path, strerror(errno));
            return CLI_USAGE;
        }
        if (i == -2)
            page_bash(command);
        else
            page_man(command, i < 0 ? NULL : verbs[i]->manual);
    }
    return CLI_GOOD;
}

/* attnfuzz help [--man|--markdown|--catalogue|--bash] [VERB], help --pages DIR */
static int help(const struct page_command *command, int argc, char **argv)
{
    const char *form = argc > 1 && argv[1][0] == '-' ? argv[1] : "";
    const int at = *form ? 2 : 1;
    if (strcmp(form, "--pages") == 0 && argc == 3)
        return write_pages(command, argv[2]);
    const struct cli_verb *verb = at < argc ? find(argv[at]) : NULL;
    const struct cli_manual *m = verb ? verb->manual : NULL;
    if (at < argc && !verb)
        return CLI_USAGE;
    if (at + 1 < argc) {
        cli_error("help is about one verb");
        return CLI_USAGE;
    }
    if (strcmp(form, "--man") == 0) {
        page_man(command, m);
    } else if (strcmp(form, "--markdown") == 0 && !m) {
        page_markdown(command);
    } else if (strcmp(form, "--catalogue") == 0 && !m) {
        cli_catalogue();
    } else if (strcmp(form, "--bash") == 0 && !m) {
        page_bash(command);
    } else if (*form) {
        cli_error("help [VERB], help --man [VERB], help --markdown, help --catalogue, help --bash, help --pages DIR");
        return CLI_USAGE;
    } else if (m) {
        page_help(command, m, 1);
    } else {
        page_overview(command);
    }
    return CLI_GOOD;
}

int main(int argc, char **argv)
{
    const struct cli_manual *manuals[N_VERBS];
    for (int i = 0; i < N_VERBS; i++)
        manuals[i] = verbs[i]->manual;
    const struct page_command command = { .name = "attnfuzz",
                                          .summary = "find and explain holes in attention kernel routing",
                                          .version = ATTNFUZZ_VERSION,
                                          .date = ATTNFUZZ_DATE,
                                          .text = text,
                                          .codes = codes,
                                          .verb = manuals,
                                          .n_verbs = N_VERBS };
    const char *word = argc > 1 ? argv[1] : "";
    if (!*word) {
        cli_error("no verb; attnfuzz --help lists them");
        return CLI_USAGE;
    }
    if (!strcmp(word, "help"))
        return cli_finish(help(&command, argc - 1, argv + 1));
    if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
        page_overview(&command);
        return cli_finish(CLI_GOOD);
    }
    if (!strcmp(word, "--version")) {
        puts("attnfuzz " ATTNFUZZ_VERSION);
        return cli_finish(CLI_GOOD);
    }
    const struct cli_verb *verb = find(word);
    if (!verb)
        return CLI_USAGE;
    for (int a = 2; a < argc && strcmp(argv[a], "--"); a++)
        if (!strcmp(argv[a], "--help") || !strcmp(argv[a], "-h")) {
            page_help(&command, verb->manual, 0);
            return cli_finish(CLI_GOOD);
        }
    return cli_finish(verb->run(argc - 1, argv + 1));
}
