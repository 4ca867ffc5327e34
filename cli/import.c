/* import.c: attnfuzz import: problem lines out of other people's text.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/check/open.h"
#include "cli/import/format.h"
#include "cli/import/gguf.h"
#include "cli/import/reader.h"
#include "cli/import/tally.h"
#include "cli/input/lines.h"
#include "cli/input/message.h"
#include "cli/input/place.h"
#include "cli/verbs.h"
#include "fuzz/case/attn_case.h"
#include "fuzz/session/session.h"
#include "planner/hash.h"

enum import_option { UNIQUE = 1, VARY, STRICT, SUBJECT, NULL_RUNTIME, GGUF, CELLS, TYPE };

static const struct cli_option rows[] = {
    { "unique", UNIQUE, NULL, "leave out lines that repeat a problem above", "text" },
    { "vary", VARY, NULL,
      "give each line a run part: data profile, mask content and seed, chosen by a hash of the problem", NULL },
    { "strict", STRICT, NULL, "exit 2 when a line was left out or a parameter dropped that is not known here", NULL },
    { "subject", SUBJECT, "SUBJECT", "a library, as attnfuzz check names it, whose own types of K and V are known",
      NULL },
    { "null-runtime", NULL_RUNTIME, "DIR", "where the null HIP runtime is, when it is not beside the command", NULL },
    { "gguf", GGUF, "FILE", "a model in GGUF; - for standard input", "a model" },
    { "cells", CELLS, "N", "its session's context at most (default 4096, at most 65536)", NULL },
    { "type", TYPE, "K[/V]", "types of its cache (default f16)", NULL },
    { NULL, 0, NULL, NULL, NULL },
};

static const struct cli_manual manual = {
    .name = "import",
    .summary = "problem lines out of logs, test-backend-ops cases and models",
    .usage = "[options] FILE|DIR|-...\n--gguf FILE|- [--cells N] [--type TYPE[/TYPE]]",
    .brief =
        "Prints problem lines for what it finds in other people's text, after a comment that counts them: cases of "
        "test-backend-ops, debug and abort lines of ggml and its forks, extents by their names. With --gguf the "
        "attention of a model, layer by layer, as a session of a server and as the lines of its steps.",
    .text =
        "What is understood:\n"
        "case strings of ggml's test-backend-ops, FLASH_ATTN_EXT(hsk=128,...), also older forms (hs, type_KV), wrapped "
        "over lines, with blanks for commas, and as its csv and sql output;\n"
        "route-debug lines, CUDA_FA_ROUTE_PLAN device=0 Q=[...] Kraw=..., of the llama.cpp fork that prints them;\n"
        "debug lines of ggml and its forks that say the tensors' extents, in one line or one each: Q = 512 x 2048 "
        "x 64 x 1. K = ..., Q ne=[...] nb=[...] type=..., src0='q':type=f32;ne=[...], ggml_vk_flash_attn((...), "
        "llama-eval-callback's FLASH_ATTN_EXT(Qcur-0{128, 1, 32, 1}, ...);\n"
        "extents by their names: L_q:4096 L_k:77 n_head:8 d_head:64, D=128 n_q=32 n_kv=512 n_qh=32 n_kvh=8;\n"
        "problem lines that a program printed (include/attnfuzz_line.h).\n\n"
        "They may stand anywhere in a line, among times and colour codes; text may be UTF-8 with a byte order mark, or "
        "UTF-16. What a text does not say is taken as llama.cpp has it, and the comment says what was. Parameters that "
        "are not known here are dropped, and said. Cases whose K or V type does not exist here are counted by type. "
        "Lines that begin with '#' are kept. Other lines are counted by why they were left out, and the first of each "
        "reason shown, on standard error.\n\n"
        "Of a model the metadata say heads, head sizes, windows, softcap, ALiBi, sinks and MTP layers. The file's "
        "beginning is enough, its weights are not read.",
    .options = rows,
    .examples = { { "import --unique server.log", "the calls that a log mentions" },
                  { "import --gguf model.gguf | attnfuzz plan --device gfx1100 -", "the routes of one's own model" } },
    .codes = "0  something was found\n2  a case could not be read, or nothing was found",
};

/* So many lines of others may stand between those of one call. */
enum { BETWEEN_MAX = 4 };

enum { IMPORT_LINE_MAX = 65536, COMMENT_MAX = 256, SHOWN_MAX = 10, SHOWN_BYTES = 160 };

static const char NOTHING[] = "nothing about attention that is understood";

struct import {
    bool unique, vary;
    const struct attn_foreign_types *types; /* of the subject that was named; NULL: none */
    FILE *spool;                            /* lines found, until the comment above them can be written */
    int64_t read, written, repeated, bad;
    struct tally kinds;         /* "f16", "f16/q8_0": written */
    struct tally missing;       /* types that do not exist here */
    struct tally given;         /* what the text does not say and was taken */
    struct tally dropped;       /* parameters that were read past, and may say something of the problem */
    struct tally said;          /* parameters that were read past, and say nothing of it */
    struct tally left;          /* lines left out, by reason */
    struct attn_problem **seen; /* hash table, for --unique */
    size_t n_seen, cap_seen;
    struct reader reader;
    struct import_shapes shapes; /* of lines that belong together, since `begun` */
    bool has_shapes;
    struct reader_line begun; /* its text is `first` */
    int since;                /* lines since one of a call that is being read */
    bool named;               /* the last line without shapes names an attention node */
    char first[SHOWN_BYTES];
};

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
    const char *k = attn_tensor_info(&problem->t[ATTN_K])->name, *v = attn_tensor_info(&problem->t[ATTN_V])->name;
    snprintf(kind, sizeof kind, "%s%s%s", k, strcmp(k, v) ? "/" : "", strcmp(k, v) ? v : "");
    tally_count(&import->kinds, kind);
    import->written++;
    return good && fprintf(import->spool, "%s\n", line) > 0;
}

/* The line's place and what is said of it; the column is left out where it is none in the file. */
static void say(const struct import *import, const struct reader_line *line, size_t column, const char *what)
{
    cli_error_at(lines_name(import->reader.lines, line->source), line->number, line->changed ? 0 : column, "%s", what);
}

/* A line that holds no problem: counted by why, the first of each reason shown. */
static void leave(struct import *import, const struct reader_line *line, const char *why)
{
    char text[SHOWN_BYTES + 224];
    snprintf(text, sizeof text, "not understood: %.*s", (int)(line->len < SHOWN_BYTES ? line->len : SHOWN_BYTES),
             line->text);
    if (strcmp(why, NOTHING))
        snprintf(text, sizeof text, "left out, %s: %.*s", why, (int)(line->len < SHOWN_BYTES ? line->len : SHOWN_BYTES),
                 line->text);
    if (tally_count(&import->left, why) <= SHOWN_MAX)
        say(import, line, 0, text);
}

static void note(struct import *import, const struct reader_line *line, const struct import_found *found)
{
    static const char *const given[] = {
#define X(NAME, text) text,
        IMPORT_GIVEN(X)
#undef X
    };
    char text[128];
    for (int i = 0; i < IMPORT_GIVEN_COUNT; i++)
        if (found->given >> i & 1)
            tally_count(&import->given, given[i]);
    for (int i = 0; i < found->n_dropped; i++) {
        bool unknown = i < found->n_unknown;
        int64_t times = tally_count(unknown ? &import->dropped : &import->said, found->dropped[i]);
        snprintf(text, sizeof text, "%s is not known here and is dropped", found->dropped[i]);
        if (unknown && times == 1)
            say(import, line, 0, text);
    }
}

/* What one format made of a line; false when it cannot go on. */
static bool take_found(struct import *import, const struct reader_line *line, enum import_result result,
                       const struct import_found *found)
{
    struct attn_error error;
    char values[384], text[512];
    import->read += result != IMPORT_LEFT;
    switch (result) {
    case IMPORT_LEFT: leave(import, line, found->why); return true;
    case IMPORT_TYPE: tally_count(&import->missing, found->type); return true;
    case IMPORT_BAD:
        if (import->bad++ < SHOWN_MAX)
            say(import, line, found->column, found->why);
        return true;
    default: break;
    }
    if (attn_problem_check(&found->problem, &error) != ATTN_E_OK) {
        attn_error_text(&error, values, sizeof values);
        snprintf(text, sizeof text, "not legal (%s): %s", attn_error_name(error.code), values);
        if (import->bad++ < SHOWN_MAX)
            say(import, line, 1, text);
        return true;
    }
    note(import, line, found);
    if (write_line(import, &found->problem))
        return true;
    cli_error("%s", strerror(errno ? errno : ENOMEM));
    return false;
}

/* Shapes that no further line belongs to. */
static bool flush_shapes(struct import *import)
{
    struct import_found found = { .column = 0 };
    size_t from = 0;
    if (!import->has_shapes)
        return true;
    import->has_shapes = false;
    enum import_result result = import_shapes_finish(&import->shapes, &found);
    if (result == IMPORT_OTHER)
        result = import_mention(import->first, import->begun.len, &from, &found);
    if (result != IMPORT_OTHER)
        return take_found(import, &import->begun, result, &found);
    leave(import, &import->begun, NOTHING);
    return true;
}

/* A line with shapes: kept until it is known which of the following ones belong to it. */
static bool take_shapes(struct import *import, const struct reader_line *line, const struct import_shapes *shapes)
{
    if (import->has_shapes && import_shapes_join(&import->shapes, shapes))
        return true;
    if (!flush_shapes(import))
        return false;
    import->has_shapes = true;
    import->shapes = *shapes;
    import->begun = *line;
    import->begun.text = import->first;
    import->begun.len = line->len < SHOWN_BYTES ? line->len : SHOWN_BYTES;
    memcpy(import->first, line->text, import->begun.len);
    return true;
}

/* One line of input; false when it cannot go on. */
static bool take(struct import *import, const struct reader_line *line)
{
    static import_format *const formats[] = { import_line, import_ggml, import_route, import_extents };
    struct import_found found;
    struct import_shapes shapes;
    bool any = false;
    if (line->number == 1 && line->len >= 4 && !memcmp(line->text, "GGUF", 4)) {
        say(import, line, 0, "a model's file: attnfuzz import --gguf reads it");
        return false;
    }
    for (size_t i = 0; i < sizeof formats / sizeof formats[0] && !any; i++)
        for (size_t from = 0; from < line->len;) {
            memset(&found, 0, sizeof found);
            found.types = import->types;
            enum import_result result = formats[i](line->text, line->len, &from, &found);
            if (result == IMPORT_OTHER)
                break;
            if (!any && !flush_shapes(import))
                return false;
            any = true;
            if (!take_found(import, line, result, &found))
                return false;
        }
    if (any)
        return true;
    bool near = import->since++ < BETWEEN_MAX;
    if (import_shapes_read(line->text, line->len, import->named, import->types, &shapes)) {
        import->since = 0;
        return take_shapes(import, line, &shapes);
    }
    size_t from = 0;
    bool mentions = import_mention(line->text, line->len, &from, &found) == IMPORT_LEFT;
    if ((!near || import_shapes_whole(&import->shapes)) && !flush_shapes(import))
        return false;
    import->named = import_mark(line->text, line->len, "FLASH_ATTN_EXT") != NULL;
    if (mentions)
        leave(import, line, found.why);
    else
        leave(import, line, line->result == LINES_TOO_LONG ? "a line of more than 65536 bytes" : NOTHING);
    return true;
}

/* Blank lines are read past, comments kept; true when the line is one of them. */
static bool pass(struct import *import, const char *text, size_t len)
{
    size_t at = 0;
    while (at < len && text[at] == ' ')
        at++;
    if (at < len && text[at] != '#')
        return false;
    if (at < len) {
        cli_put_clean(import->spool, text + at, len - at < COMMENT_MAX ? len - at : COMMENT_MAX);
        putc('\n', import->spool);
    }
    return true;
}

static bool take_all(struct import *import)
{
    struct reader *reader = &import->reader;
    for (;;) {
        switch (reader_next(reader)) {
        case LINES_END: return flush_shapes(import);
        case LINES_UNREADABLE:
            cli_error("%s: %s", lines_name(reader->lines, reader->now.source), strerror(errno));
            return false;
        default:
            if (!pass(import, reader->now.text, reader->now.len) && !take(import, &reader->now))
                return false;
        }
    }
}

/* ---- Result ---------------------------------------------------------------------------------------------- */

static bool put_result(struct import *import)
{
    printf("# attnfuzz import: %" PRId64 " cases read: %" PRId64 " lines here", import->read, import->written);
    if (import->unique)
        printf(", %" PRId64 " repeat one of them", import->repeated);
    printf(", %" PRId64 " have a type that does not exist here", import->missing.total);
    if (import->bad)
        printf(", %" PRId64 " unreadable", import->bad);
    putchar('\n');
    tally_put(stdout, "Lines by type of K and V", &import->kinds);
    tally_put(stdout, "Cases of types that do not exist here", &import->missing);
    tally_put(stdout, "Not in the text, so taken as given", &import->given);
    tally_put(stdout, "Parameters that are not known here, and dropped", &import->dropped);
    char chunk[4096];
    rewind(import->spool);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, import->spool));)
        fwrite(chunk, 1, n, stdout);
    if (ferror(import->spool)) {
        cli_error("%s", strerror(errno));
        return false;
    }
    tally_put(stderr, "Parameters that say nothing of the problem, and dropped", &import->said);
    tally_put(stderr, "Lines left out", &import->left);
    fprintf(stderr,
            "%" PRId64 " cases read, %" PRId64 " lines written, %" PRId64
            " of a type that does not exist here, %" PRId64 " unreadable, %" PRId64 " lines not understood\n",
            import->read, import->written, import->missing.total, import->bad, import->left.total);
    return true;
}

struct options {
    bool unique, vary, strict;
    struct check_subject_options subject; /* whose own types are known; none: NULL */
    struct import_gguf_options gguf;      /* no path: none */
    bool of_gguf;                         /* one of its options was given */
};

static bool take_types(const char *text, struct import_gguf_options *o)
{
    const char *slash = strchr(text, '/');
    struct import_found found;
    struct import_field k = { .value = text, .value_len = slash ? (size_t)(slash - text) : strlen(text) };
    struct import_field v = { .value = slash ? slash + 1 : text, .value_len = strlen(slash ? slash + 1 : text) };
    o->type_k = import_type(&k, &found);
    o->type_v = import_type(&v, &found);
    if (o->type_k >= 0 && o->type_v >= 0)
        return true;
    cli_error("--type %s: one or two names of types, as f16 or q8_0/f16", text);
    return false;
}

static bool read_options(int argc, char **argv, struct options *o)
{
    int64_t cells;
    for (int c; (c = cli_option_next(&manual, argc, argv)) != -1;) {
        o->of_gguf |= c == CELLS || c == TYPE;
        switch (c) {
        case UNIQUE: o->unique = true; break;
        case VARY: o->vary = true; break;
        case STRICT: o->strict = true; break;
        case SUBJECT: o->subject.subject = optarg; break;
        case NULL_RUNTIME: o->subject.null_runtime = optarg; break;
        case GGUF: o->gguf.path = optarg; break;
        case CELLS:
            if (!cli_option_number(&manual, c, optarg, 1, ATTN_SESSION_CELLS_MAX, &cells))
                return false;
            o->gguf.cells = (int32_t)cells;
            break;
        case TYPE:
            if (!take_types(optarg, &o->gguf))
                return false;
            break;
        default: return false;
        }
    }
    if (o->gguf.path ? optind < argc || o->unique || o->vary || o->strict : o->of_gguf) {
        cli_error(o->gguf.path ? "--gguf goes with --cells and --type alone" : "--cells and --type go with --gguf");
        return false;
    }
    if (!o->gguf.path && optind == argc)
        cli_error("no input: name a FILE, a DIR or - for standard input");
    return o->gguf.path || optind < argc;
}

static int import_text(const struct options *o, const struct attn_foreign_types *types, int n, char **arguments)
{
    struct import *import = calloc(1, sizeof *import);
    struct lines lines = { .n_sources = 0 };
    if (!import) {
        cli_out_of_memory();
        return CLI_USAGE;
    }
    import->types = types;
    import->unique = o->unique;
    import->vary = o->vary;
    import->spool = tmpfile();
    import->since = BETWEEN_MAX;
    if (!import->spool)
        cli_error("a temporary file: %s", strerror(errno));
    bool good = import->spool && lines_open(&lines, n, arguments, NULL, IMPORT_LINE_MAX) &&
                reader_open(&import->reader, &lines) && take_all(import) && put_result(import);
    bool whole = import->left.total == 0 && import->dropped.total == 0;
    int code = good && import->bad == 0 && import->read > 0 && (whole || !o->strict) && !lines.unreadable ? CLI_GOOD
                                                                                                          : CLI_USAGE;
    if (good && import->read == 0)
        cli_error("nothing found to import");
    reader_close(&import->reader);
    lines_close(&lines);
    if (import->spool)
        fclose(import->spool);
    for (size_t i = 0; i < import->cap_seen; i++)
        free(import->seen[i]);
    free(import->seen);
    free(import);
    return code;
}

static int run(int argc, char **argv)
{
    struct options o = { .gguf = { .type_k = ATTN_F16, .type_v = ATTN_F16, .cells = 4096 },
                         .subject = { .no_code = true } };
    char **words = cli_words(argc, argv); /* a subject may have the command start itself anew with them */
    if (!words)
        return CLI_LACKS;
    const bool good = read_options(argc, argv, &o);
    struct attn_subject *subject;
    int code = CLI_USAGE;
    if (good && o.gguf.path)
        code = import_gguf(&o.gguf);
    else if (good && !o.subject.subject)
        code = import_text(&o, NULL, argc - optind, argv + optind);
    else if (good)
        code = check_open(&o.subject, words, &subject);
    free(words);
    if (code != CLI_GOOD || o.gguf.path || !o.subject.subject)
        return code;
    code = cli_finish(import_text(&o, &subject->types, argc - optind, argv + optind));
    fflush(stderr);
    _exit(code); /* a foreign library's end is not waited for */
}

const struct cli_verb cli_import = { .manual = &manual, .run = run };
