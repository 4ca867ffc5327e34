/* import.c: attnfuzz import: problem lines out of other people's text.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/import/format.h"
#include "cli/input/lines.h"
#include "cli/input/message.h"
#include "cli/verbs.h"
#include "fuzz/case/attn_case.h"
#include "planner/hash.h"

static const char help[] =
    "usage: attnfuzz import [options] FILE|DIR|-...\n\n"
    "Prints problem lines for what it finds in other people's text, after a comment that counts them:\n"
    "  - case strings of ggml's test-backend-ops, FLASH_ATTN_EXT(hsk=128,...), also older forms (hs, type_KV);\n"
    "  - route-debug lines, CUDA_FA_ROUTE_PLAN device=0 Q=[...] Kraw=..., of the llama.cpp fork that prints them.\n"
    "Both may stand anywhere in a line. Cases whose K or V type does not exist here are counted by type. Lines that\n"
    "begin with '#' are kept. Other lines are counted, and the first of them shown, on standard error.\n\n"
    "options:\n"
    "  --unique   leave out lines that repeat a problem above\n"
    "  --vary     give each line a run part: data profile, mask content and seed, chosen by a hash of the problem\n"
    "  --strict   exit 2 when a line was not understood\n"
    "  --help     this text\n\n"
    "Exit code 2: a case could not be read, or nothing was found.\n";

enum { IMPORT_LINE_MAX = 65536, COMMENT_MAX = 256, SHOWN_MAX = 10, TYPES_MAX = 32 };

struct tally {
    char name[72];
    int64_t n;
};

struct import {
    bool unique, vary;
    FILE *spool; /* lines found, until the comment above them can be written */
    int64_t read, written, repeated, other, bad;
    struct tally kinds[TYPES_MAX * TYPES_MAX]; /* "f16", "f16/q8_0": written */
    struct tally missing[TYPES_MAX];           /* types that do not exist here */
    int n_kinds, n_missing;
    struct attn_problem **seen; /* hash table, for --unique */
    size_t n_seen, cap_seen;
};

static void count(struct tally *tallies, int *n, int cap, const char *name)
{
    for (int i = 0; i < *n; i++)
        if (!strcmp(tallies[i].name, name)) {
            tallies[i].n++;
            return;
        }
    if (*n == cap)
        name = "others";
    else
        ++*n;
    snprintf(tallies[*n - 1].name, sizeof tallies->name, "%s", name);
    tallies[*n - 1].n++;
}

static int more_first(const void *a, const void *b)
{
    const struct tally *x = a, *y = b;
    return x->n != y->n ? (x->n < y->n ? 1 : -1) : strcmp(x->name, y->name);
}

/* ---- Repeats --------------------------------------------------------------------------------------------- */

static size_t find_problem(const struct import *import, const struct attn_problem *problem)
{
    size_t i = attn_problem_hash(problem) & (import->cap_seen - 1);
    while (import->seen[i] && !attn_problem_equal(import->seen[i], problem))
        i = (i + 1) & (import->cap_seen - 1);
    return i;
}

static bool grow(struct import *import)
{
    size_t cap = import->cap_seen;
    struct attn_problem **old = import->seen;
    struct attn_problem **grown = calloc(cap ? 2 * cap : 1024, sizeof *grown);
    if (!grown)
        return false;
    import->seen = grown;
    import->cap_seen = cap ? 2 * cap : 1024;
    for (size_t i = 0; i < cap; i++)
        if (old[i])
            grown[find_problem(import, old[i])] = old[i];
    free(old);
    return true;
}

/* Remembers a problem; true when it was there before. */
static bool repeats(struct import *import, const struct attn_problem *problem, bool *good)
{
    *good = 2 * import->n_seen < import->cap_seen || grow(import);
    if (!*good)
        return false;
    size_t at = find_problem(import, problem);
    if (import->seen[at])
        return true;
    import->seen[at] = malloc(sizeof *problem);
    *good = import->seen[at] != NULL;
    if (*good)
        *import->seen[at] = *problem;
    import->n_seen += *good;
    return false;
}

/* ---- Lines ----------------------------------------------------------------------------------------------- */

/* By a hash of the line: what an earlier version gave a problem, this one gives it too. */
static void vary(struct attn_case *c, const char *line)
{
    uint64_t h = attn_hash_text(ATTN_HASH_START, line);
    h ^= h >> 29;
    c->run.data = (int32_t)(h % ATTN_DATA_COUNT);
    h /= ATTN_DATA_COUNT;
    if (c->problem.t[ATTN_MASK].present)
        c->run.mask = (int32_t)(h % ATTN_MASK_CONTENT_COUNT);
    h /= ATTN_MASK_CONTENT_COUNT;
    c->run.seed = h % 10000;
}

/* Writes a problem's line to the spool; false when memory or the disk is full. */
static bool write_line(struct import *import, const struct attn_problem *problem)
{
    struct attn_case c = { .problem = *problem };
    char line[ATTN_CASE_LINE_MAX], kind[72];
    bool good = true;
    attn_run_default(&c.run);
    attn_case_print(&c, line, sizeof line);
    if (import->unique && repeats(import, problem, &good)) {
        import->repeated++;
        return true;
    }
    if (import->vary) {
        vary(&c, line);
        attn_case_print(&c, line, sizeof line);
    }
    const char *k = attn_type_info(problem->t[ATTN_K].type)->name, *v = attn_type_info(problem->t[ATTN_V].type)->name;
    snprintf(kind, sizeof kind, "%s%s%s", k, strcmp(k, v) ? "/" : "", strcmp(k, v) ? v : "");
    count(import->kinds, &import->n_kinds, TYPES_MAX * TYPES_MAX, kind);
    import->written++;
    return good && fprintf(import->spool, "%s\n", line) > 0;
}

/* One line of input; false when it cannot go on. */
static bool take(struct import *import, const struct lines *lines)
{
    static enum import_result (*const formats[])(const char *, size_t, struct import_found *) = { import_ggml,
                                                                                                  import_route };
    const char *name = lines_name(lines, lines->current);
    struct import_found found;
    enum import_result result = IMPORT_OTHER;
    struct attn_error error;
    char values[384];
    for (size_t i = 0; i < sizeof formats / sizeof formats[0] && result == IMPORT_OTHER; i++)
        result = formats[i](lines->text, lines->len, &found);
    import->read += result != IMPORT_OTHER;
    switch (result) {
    case IMPORT_OTHER:
        if (import->other++ < SHOWN_MAX)
            cli_error_at(name, lines->number, 0, "not understood: %.*s", (int)(lines->len < 160 ? lines->len : 160),
                         lines->text);
        return true;
    case IMPORT_TYPE: count(import->missing, &import->n_missing, TYPES_MAX, found.type); return true;
    case IMPORT_BAD:
        if (import->bad++ < SHOWN_MAX)
            cli_error_at(name, lines->number, found.column, "%s", found.why);
        return true;
    case IMPORT_FOUND: break;
    }
    if (attn_problem_check(&found.problem, &error) != ATTN_E_OK) {
        attn_error_text(&error, values, sizeof values);
        if (import->bad++ < SHOWN_MAX)
            cli_error_at(name, lines->number, 1, "not legal (%s): %s", attn_error_name(error.code), values);
        return true;
    }
    if (write_line(import, &found.problem))
        return true;
    cli_error("%s", strerror(errno ? errno : ENOMEM));
    return false;
}

/* Blank lines are read past, comments kept; true when the line is one of them. */
static bool pass(struct import *import, const char *text, size_t len)
{
    size_t at = 0;
    while (at < len && (text[at] == ' ' || text[at] == '\t'))
        at++;
    if (at < len && text[at] != '#')
        return false;
    if (at < len) {
        cli_put_clean(import->spool, text + at, len - at < COMMENT_MAX ? len - at : COMMENT_MAX);
        putc('\n', import->spool);
    }
    return true;
}

static bool take_all(struct import *import, struct lines *lines)
{
    for (;;) {
        switch (lines_next(lines)) {
        case LINES_END: return true;
        case LINES_UNREADABLE: cli_error("%s: %s", lines_name(lines, lines->current), strerror(errno)); return false;
        case LINES_ENCODED:
        case LINES_TOO_LONG:
        case LINES_LINE:
            if (!pass(import, lines->text, lines->len) && !take(import, lines))
                return false;
        }
    }
}

/* ---- Result ---------------------------------------------------------------------------------------------- */

static void put_tallies(const char *what, struct tally *tallies, int n)
{
    if (n == 0)
        return;
    qsort(tallies, (size_t)n, sizeof *tallies, more_first);
    int column = printf("# %s:", what);
    for (int i = 0; i < n; i++) {
        if (column > 100)
            column = printf("\n#  ") - 1;
        putchar(' ');
        for (const char *s = tallies[i].name; *s; s++) /* a type's name is other people's text */
            putchar(*s > ' ' && *s < 0x7f ? *s : '?');
        column += (int)strlen(tallies[i].name) + printf(" %" PRId64 "%s", tallies[i].n, i + 1 < n ? "," : "");
    }
    putchar('\n');
}

static bool put_result(struct import *import)
{
    int64_t missing = 0;
    for (int i = 0; i < import->n_missing; i++)
        missing += import->missing[i].n;
    printf("# attnfuzz import: %" PRId64 " cases read: %" PRId64 " lines here", import->read, import->written);
    if (import->unique)
        printf(", %" PRId64 " repeat one of them", import->repeated);
    printf(", %" PRId64 " have a type that does not exist here", missing);
    if (import->bad)
        printf(", %" PRId64 " unreadable", import->bad);
    putchar('\n');
    put_tallies("Lines by type of K and V", import->kinds, import->n_kinds);
    put_tallies("Cases of types that do not exist here", import->missing, import->n_missing);
    char chunk[4096];
    rewind(import->spool);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, import->spool));)
        fwrite(chunk, 1, n, stdout);
    if (ferror(import->spool)) {
        cli_error("%s", strerror(errno));
        return false;
    }
    fprintf(stderr,
            "%" PRId64 " cases read, %" PRId64 " lines written, %" PRId64
            " of a type that does not exist here, %" PRId64 " unreadable, %" PRId64 " lines not understood\n",
            import->read, import->written, missing, import->bad, import->other);
    return true;
}

static int run(int argc, char **argv)
{
    static const struct option longs[] = { { "unique", no_argument, NULL, 'u' },
                                           { "vary", no_argument, NULL, 'v' },
                                           { "strict", no_argument, NULL, 's' },
                                           { NULL, 0, NULL, 0 } };
    struct import *import = calloc(1, sizeof *import);
    if (!import) {
        cli_out_of_memory();
        return CLI_USAGE;
    }
    bool strict = false, good = true;
    struct lines lines = { .n_sources = 0 };
    for (int o; good && (o = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        import->unique |= o == 'u';
        import->vary |= o == 'v';
        strict |= o == 's';
        if (o == '?') {
            cli_usage_error("import");
            good = false;
        }
    }
    if (good && optind == argc) {
        cli_error("no input: name a FILE, a DIR or - for standard input");
        good = false;
    }
    if (good && !(import->spool = tmpfile())) {
        cli_error("a temporary file: %s", strerror(errno));
        good = false;
    }
    good = good && lines_open(&lines, argc - optind, argv + optind, NULL, IMPORT_LINE_MAX) &&
           take_all(import, &lines) && put_result(import);
    int code = good && import->bad == 0 && import->read > 0 && !(strict && import->other) ? CLI_GOOD : CLI_USAGE;
    if (good && import->read == 0)
        cli_error("nothing found to import");
    lines_close(&lines);
    if (import->spool)
        fclose(import->spool);
    for (size_t i = 0; i < import->cap_seen; i++)
        free(import->seen[i]);
    free(import->seen);
    free(import);
    return code;
}

const struct cli_verb cli_import = {
    .name = "import", .summary = "problem lines out of logs and test-backend-ops cases", .help = help, .run = run
};
