/* open.c: the subject that --subject names.
 *
 * A library from another distribution needs the C library that it was linked against, which is loaded with the process.
 * So the command starts itself anew through that C library's loader, once: ATTNFUZZ_LOADER in its environment says that
 * it has.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/check/open.h"
#include "cli/input/interrupt.h"
#include "cli/input/message.h"
#include "cli/input/place.h"
#include "ggml_debian_script.h"

/* Not paths: fetched first. What the script says: the C library's loader, the folder of libraries, and each of these.
 */
static const struct {
    const char *name, *help;
} debian[] = {
    { "ggml=debian", "the newest one that Debian ships, downloaded into a cache and not installed" },
    { "ggml=debian-cpu", "the same Debian's libggml-cpu, the one for this processor" },
};
enum { DEBIANS = sizeof debian / sizeof debian[0], LINES = 2 + DEBIANS };

static bool cache_folder(const char *said, char *folder, size_t cap)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    size_t n = said            ? (size_t)snprintf(folder, cap, "%s", said)
               : base && *base ? (size_t)snprintf(folder, cap, "%s/attnfuzz/ggml-debian", base)
               : home && *home ? (size_t)snprintf(folder, cap, "%s/.cache/attnfuzz/ggml-debian", home)
                               : cap;
    return n < cap;
}

/* Runs the script that fetches Debian's packages; reads the paths that it prints. */
static int fetch_debian(const char *folder, char path[LINES][PATH_MAX])
{
    int ends[2];
    if (pipe(ends) != 0) {
        cli_error("a pipe: %s", strerror(errno));
        return CLI_LACKS;
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl("/bin/sh", "sh", "-c", ggml_debian_script, "ggml-debian", folder, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    cli_interrupt_group(child);
    FILE *in = child > 0 ? fdopen(ends[0], "r") : NULL;
    int n = 0;
    while (in && n < LINES && fgets(path[n], PATH_MAX, in)) {
        path[n][strcspn(path[n], "\n")] = 0;
        n++;
    }
    if (in)
        fclose(in);
    else
        close(ends[0]);
    int status = -1;
    if (child > 0)
        waitpid(child, &status, 0);
    cli_interrupt_group(0);
    if (n == LINES && status == 0)
        return CLI_GOOD;
    cli_error("Debian's ggml cannot be had here");
    return CLI_LACKS;
}

/* This process, on the C library of that loader, with the same arguments. Returns only when it cannot. */
static int start_anew(const char *loader, const char *libraries, char **argv)
{
    enum { BEFORE = 4 };
    char self[PATH_MAX];
    int n = 0;
    if (!cli_own_path(self, sizeof self)) {
        cli_error("the command's own file cannot be found in /proc");
        return CLI_LACKS;
    }
    while (argv[n])
        n++;
    char **words = calloc((size_t)n + BEFORE + 1, sizeof *words);
    if (!words) {
        cli_out_of_memory();
        return CLI_LACKS;
    }
    memcpy(words + BEFORE, argv, (size_t)n * sizeof *words);
    n = 0;
    words[n++] = (char *)(uintptr_t)loader;
    words[n++] = (char *)(uintptr_t)"--library-path";
    words[n++] = (char *)(uintptr_t)libraries;
    words[n++] = self;
    setenv("ATTNFUZZ_LOADER", loader, 1);
    setenv(CLI_SELF_VARIABLE, self, 1);
    fflush(stdout);
    execv(loader, words);
    cli_error("%s: %s", loader, strerror(errno));
    free(words);
    return CLI_LACKS;
}

static int open_with(const struct check_subject_options *options, const struct attn_subject_opener *opener,
                     const char *argument, struct attn_subject **subject)
{
    char folder[PATH_MAX] = "", error[512];
    bool good = true;
    if (options->null_runtime)
        good = (size_t)snprintf(folder, sizeof folder, "%s", options->null_runtime) < sizeof folder;
    else if (!cli_null_runtime("libamdhip64.so.6", folder, sizeof folder))
        folder[0] = 0; /* whether it is needed the library says */
    if (!good) {
        cli_error("--null-runtime is no folder: its name is too long");
        return CLI_USAGE;
    }
    struct attn_subject_options said = { .argument = argument,
                                         .null_runtime = folder,
                                         .prec_default = options->prec_default,
                                         .no_code = options->no_code,
                                         .real_runtime = options->real_runtime,
                                         .graphs = options->graphs,
                                         .hurry = cli_interrupt_flag() };
    enum attn_subject_open result = opener->open(&said, subject, error, sizeof error);
    if (result == ATTN_SUBJECT_OPENED)
        return CLI_GOOD;
    cli_error("%s: %s", argument ? argument : opener->name, error);
    return result == ATTN_SUBJECT_BAD_FILE ? CLI_USAGE : CLI_LACKS;
}

/* "own[=PATH]", "ggml=PATH" */
static void subject_word(const struct attn_subject_opener *o, char *word, size_t cap)
{
    const char *argument = o->argument ? o->argument : "";
    if (argument[0] == '[')
        snprintf(word, cap, "%s[=%s", o->name, argument + 1);
    else
        snprintf(word, cap, "%s%s%s", o->name, argument[0] ? "=" : "", argument);
}

/* "own[=PATH], ggml=PATH, plugin=PATH, ggml=debian or ggml=debian-cpu" */
void check_subject_names(char *text, size_t cap)
{
    size_t used = 0;
    for (int i = 0; i < attn_subject_opener_count() && used < cap; i++) {
        char word[32];
        subject_word(attn_subject_opener(i), word, sizeof word);
        used += (size_t)snprintf(text + used, cap - used, "%s, ", word);
    }
    for (int i = 0; i < DEBIANS && used >= 2 && used < cap; i++)
        used += (size_t)snprintf(text + used - 2, cap - used + 2, "%s%s, ", i ? " or " : ", ", debian[i].name) - 2;
    if (used >= 2 && used < cap)
        text[used - 2] = 0;
}

void check_subject_list(FILE *out)
{
    for (int i = 0; i < attn_subject_opener_count(); i++) {
        const struct attn_subject_opener *o = attn_subject_opener(i);
        char name[32];
        subject_word(o, name, sizeof name);
        fprintf(out, "  %-14s %s\n", name, o->help);
    }
    for (int i = 0; i < DEBIANS; i++)
        fprintf(out, "  %-14s %s\n", debian[i].name, debian[i].help);
}

int check_open(const struct check_subject_options *options, char **argv, struct attn_subject **subject)
{
    const char *argument;
    const struct attn_subject_opener *opener = attn_subject_opener_find(options->subject, &argument);
    if (!opener) {
        char names[256];
        check_subject_names(names, sizeof names);
        cli_error("--subject is %s, got '%s'", names, options->subject);
        return CLI_USAGE;
    }
    int which = 0;
    while (which < DEBIANS && strcmp(options->subject, debian[which].name))
        which++;
    if (which == DEBIANS)
        return open_with(options, opener, argument, subject);
    char folder[PATH_MAX], path[LINES][PATH_MAX];
    if (!cache_folder(options->cache, folder, sizeof folder)) {
        cli_error("no folder to keep Debian's packages in: --cache FOLDER, or HOME in the environment");
        return CLI_LACKS;
    }
    int code = fetch_debian(folder, path);
    if (code != CLI_GOOD)
        return code;
    const char *running = getenv("ATTNFUZZ_LOADER");
    if (!running || strcmp(running, path[0]))
        return start_anew(path[0], path[1], argv);
    return open_with(options, opener, path[2 + which], subject);
}
