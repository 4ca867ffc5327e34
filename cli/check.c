/* check.c: attnfuzz check: fuzzes a subject and lists what it owes its callers.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/check/baseline.h"
#include "cli/check/finding.h"
#include "cli/check/loop.h"
#include "cli/check/open.h"
#include "cli/check/report.h"
#include "cli/check/snippet.h"
#include "cli/input/device.h"
#include "cli/input/interrupt.h"
#include "cli/input/lines.h"
#include "cli/input/message.h"
#include "cli/input/output.h"
#include "cli/verbs.h"
#include "fuzz/case/attn_case.h"

static const char help[] =
    "usage: attnfuzz check --subject SUBJECT [options] [FILE|DIR|LINE|-...]\n\n"
    "Asks a planner about generated calls on each of its devices and lists, shrunk and each once, where it breaks\n"
    "what it owes its callers: a legal call is supported or refused, and never aborts, crashes or hangs after it was\n"
    "said to be supported; a supported call launches an attention kernel; every launch can run on its device; the\n"
    "same call is answered the same way. Legal calls that are refused are listed by the fields that matter. With\n"
    "problem lines given it asks about those and generates none.\n\n"
    "subjects:\n";

static const char help_after[] =
    "\noptions:\n"
    "  --execute      run the kernels too: the library's code for each device is executed on the CPU, every access,\n"
    "                 wait and barrier checked, and the result of calls of up to 300,000 multiply-adds (of lines\n"
    "                 given: 20,000,000) held against a reference in double precision\n"
    "  --device NAME  check these devices only, several with commas; default: every device that it has GPU code for\n"
    "  --seconds N    stop after N seconds (default 60)\n"
    "  --calls N      stop after N calls (one problem on one device); with it a run is repeatable\n"
    "  --seed N       of what is generated (default 1)\n"
    "  --baseline F   findings that are known: patterns of keys, one a line; only others fail\n"
    "  --json F       write the report as JSON (- is standard output)\n"
    "  --html F       write it as a page\n"
    "  --snippets DIR write a C program for each group of findings\n"
    "  --prec-default nodes keep ggml's default precision; without it GGML_PREC_F32, as llama.cpp sets it\n"
    "  --no-code      do not read the library's GPU code\n"
    "  --null-runtime DIR  where the null HIP runtime is, when it is not beside the command\n"
    "  --cache DIR    where ggml=debian keeps what it downloads\n"
    "  --help         this text\n\n"
    "exit codes: 0 nothing that is not known, 1 findings, 2 usage or a library that is none, 3 something is missing\n"
    "here; 130, 143, 129 when Ctrl-C, SIGTERM or SIGHUP ended it: what is known is printed and every report written\n";

static void help_subjects(void) { check_subject_list(stdout); }

struct options {
    struct check_subject_options subject;
    const char *baseline, *json, *html, *snippets;
    struct cli_devices devices;
    int64_t seconds, calls, seed;
    bool execute;
    char **given; /* arguments: lines, files, folders */
    int n_given;
};

static bool number(const char *name, const char *text, int64_t low, int64_t *value)
{
    if (cli_number(text, low, INT64_MAX, value))
        return true;
    cli_error("--%s is a whole number from %" PRId64 " up, got '%s'", name, low, text);
    return false;
}

static bool read_options(int argc, char **argv, struct options *o)
{
    enum { NULL_RUNTIME = 256, CACHE, PREC, NO_CODE, EXECUTE, SNIPPETS, SEED, BASELINE };
    static const struct option longs[] = {
        { "subject", required_argument, NULL, 's' },
        { "device", required_argument, NULL, 'd' },
        { "seconds", required_argument, NULL, 't' },
        { "calls", required_argument, NULL, 'n' },
        { "seed", required_argument, NULL, SEED },
        { "baseline", required_argument, NULL, BASELINE },
        { "json", required_argument, NULL, 'j' },
        { "html", required_argument, NULL, 'h' },
        { "snippets", required_argument, NULL, SNIPPETS },
        { "prec-default", no_argument, NULL, PREC },
        { "execute", no_argument, NULL, EXECUTE },
        { "no-code", no_argument, NULL, NO_CODE },
        { "null-runtime", required_argument, NULL, NULL_RUNTIME },
        { "cache", required_argument, NULL, CACHE },
        { NULL, 0, NULL, 0 },
    };
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        switch (c) {
        case 's': o->subject.subject = optarg; break;
        case 'd':
            if (!cli_devices_add(&o->devices, optarg))
                return false;
            break;
        case 't':
            if (!number("seconds", optarg, 1, &o->seconds))
                return false;
            break;
        case 'n':
            if (!number("calls", optarg, 1, &o->calls))
                return false;
            break;
        case SEED:
            if (!number("seed", optarg, 0, &o->seed))
                return false;
            break;
        case BASELINE: o->baseline = optarg; break;
        case 'j': o->json = optarg; break;
        case 'h': o->html = optarg; break;
        case SNIPPETS: o->snippets = optarg; break;
        case PREC: o->subject.prec_default = true; break;
        case EXECUTE: o->execute = true; break;
        case NO_CODE: o->subject.no_code = true; break;
        case NULL_RUNTIME: o->subject.null_runtime = optarg; break;
        case CACHE: o->subject.cache = optarg; break;
        default: cli_usage_error("check"); return false;
        }
    }
    o->given = argv + optind;
    o->n_given = argc - optind;
    if (o->subject.subject)
        return true;
    char names[256];
    check_subject_names(names, sizeof names);
    cli_error("--subject says what to check: %s", names);
    return false;
}

/* ---- Lines that were given ------------------------------------------------------------------------------- */

struct given {
    struct lines lines;
    bool unreadable;
};

static bool next_given(void *context, struct attn_problem *p)
{
    struct given *g = context;
    struct attn_case c;
    struct attn_text_error error;
    struct attn_error illegal;
    for (enum lines_result r; (r = lines_next(&g->lines)) != LINES_END;) {
        const char *name = lines_name(&g->lines, g->lines.current);
        const char *text;
        size_t len;
        if (cli_interrupted())
            return false;
        if (r == LINES_UNREADABLE || r == LINES_ENCODED) {
            cli_error("%s: %s", name, r == LINES_ENCODED ? encoding_name(g->lines.state.encoding) : strerror(errno));
            g->unreadable = true;
            continue;
        }
        if (!lines_content(&g->lines, &text, &len))
            continue;
        if (r == LINES_TOO_LONG || !attn_case_parse(g->lines.text, g->lines.len, &c, &error)) {
            cli_error_at(name, g->lines.number, r == LINES_TOO_LONG ? 0 : error.column, "%s",
                         r == LINES_TOO_LONG ? "the line is too long" : error.message);
            g->unreadable = true;
        } else if (attn_problem_check(&c.problem, &illegal) != ATTN_E_OK) {
            char values[256];
            attn_error_text(&illegal, values, sizeof values);
            cli_error_at(name, g->lines.number, 0, "not legal: %s", values);
            g->unreadable = true;
        } else {
            *p = c.problem;
            return true;
        }
    }
    return false;
}

static bool choose_devices(const struct options *o, struct check *check)
{
    if (o->devices.n == 0) {
        for (int i = 0; i < check->subject->n_devices; i++)
            if (attn_subject_has_code(check->subject, i))
                check->devices |= 1u << i;
        if (check->devices == 0)
            cli_error("the subject has code for none of its devices; --device NAME asks it all the same");
        return check->devices != 0;
    }
    for (int i = 0; i < o->devices.n; i++) {
        const char *name = attn_device(o->devices.at[i].row)->name;
        int at = 0;
        while (at < check->subject->n_devices && strcmp(check->subject->device[at].name, name))
            at++;
        if (at == check->subject->n_devices || o->devices.at[i].weakening >= 0) {
            cli_error("the subject has no device %s%s", name,
                      o->devices.at[i].weakening >= 0 ? " that is weakened" : "");
            return false;
        }
        check->devices |= 1u << at;
    }
    return true;
}

static void progress(const struct check *check)
{
    if (!isatty(STDERR_FILENO))
        return;
    fprintf(stderr,
            "\r\033[K%5.0f s   %" PRIu64 " calls, %.0f/s   %" PRIu64 " attention kernels x devices, %" PRIu64
            " kinds of trouble",
            check->elapsed_seconds, check->calls, (double)check->calls / check->elapsed_seconds, check->pairs,
            check->n_signs);
}

static bool write_report(const char *path, const struct check *check, void (*report)(FILE *, const struct check *))
{
    if (!path)
        return true;
    struct cli_output out;
    if (!cli_output_begin(&out, path))
        return false;
    report(out.file, check);
    return cli_output_end(&out);
}

static int run(int argc, char **argv)
{
    struct options o = { .seed = 1 };
    struct check_baseline baseline = { .n = 0 };
    /* The command's arguments from the verb on: a subject may have the command start itself anew with them. */
    char **again = argv;
    char *words[256];
    int n_words = 0;
    for (; n_words < argc && n_words < 255; n_words++)
        words[n_words] = again[n_words];
    words[n_words] = NULL;
    if (!read_options(argc, argv, &o))
        return CLI_USAGE;
    cli_interrupt_catch();
    if (!o.seconds && !o.calls && !o.n_given)
        o.seconds = 60;
    int code = o.baseline ? check_baseline_read(o.baseline, &baseline) : CLI_GOOD;
    struct check *check = calloc(1, sizeof *check);
    if (check) {
        check->sign = calloc(CHECK_SIGNS, sizeof *check->sign);
        check->finding = calloc(CHECK_FINDINGS_MAX, sizeof *check->finding);
        check->seed = (uint64_t)o.seed;
        check->max_calls = o.calls;
        check->seconds = (double)o.seconds;
        check->execute = o.execute;
    }
    if (code == CLI_GOOD && (!check || !check->sign || !check->finding)) {
        cli_out_of_memory();
        code = CLI_LACKS;
    }
    if (code == CLI_GOOD)
        code = check_open(&o.subject, words, &check->subject);
    if (code == CLI_GOOD && !choose_devices(&o, check))
        code = CLI_USAGE;
    if (code == CLI_GOOD && o.execute && !attn_subject_computes(check->subject)) {
        cli_error("--execute: %s computes nothing", o.subject.subject);
        code = CLI_USAGE;
    }
    struct given given = { .unreadable = false };
    bool lines = code == CLI_GOOD && o.n_given > 0;
    static const char *const prefixes[] = { "fa1", NULL };
    if (lines && !lines_open(&given.lines, o.n_given, o.given, prefixes, ATTN_CASE_LINE_MAX))
        code = CLI_USAGE;
    /* A path that cannot be written is no news for the end. */
    if (code == CLI_GOOD && ((o.json && !cli_output_try(o.json)) || (o.html && !cli_output_try(o.html))))
        code = CLI_USAGE;
    if (code == CLI_GOOD) {
        cli_interrupt_keep();
        check_run(check, lines ? next_given : NULL, &given, progress);
        if (isatty(STDERR_FILENO))
            fputs("\r\033[K", stderr);
        check_find(check);
        check->stopped = cli_interrupted();
        int unknown = check_baseline_apply(&baseline, check);
        code = given.unreadable ? CLI_USAGE : unknown ? CLI_BROKEN : CLI_GOOD;
        if (!write_report(o.json, check, check_report_json) || !write_report(o.html, check, check_report_html) ||
            (o.snippets && !check_snippets_write(o.snippets, check)))
            code = CLI_USAGE;
        if (!o.json || strcmp(o.json, "-"))
            check_report_text(stdout, check, &baseline);
        code = check->stopped ? 128 + check->stopped : code;
    }
    if (lines)
        lines_close(&given.lines);
    if (check) {
        attn_subject_close(check->subject);
        free(check->sign);
        free(check->finding);
        free(check);
    }
    check_baseline_free(&baseline);
    const char *library;
    const struct attn_subject_opener *opener = attn_subject_opener_find(o.subject.subject, &library);
    if (!opener || !library)
        return code;
    /* What a foreign library does when the process ends (destructors, on state that trapped calls left half made) is
     * not waited for. */
    code = cli_finish(code);
    fflush(stderr);
    _exit(code);
}

const struct cli_verb cli_check = { .name = "check",
                                    .summary = "fuzz a planner, ours or ggml's, and list its holes",
                                    .help = help,
                                    .run = run,
                                    .table = help_subjects,
                                    .help_after = help_after };
