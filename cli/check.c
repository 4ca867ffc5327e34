/* check.c: attnfuzz check: fuzzes a subject and lists what it owes its callers.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/check/baseline.h"
#include "cli/check/coverage.h"
#include "cli/check/finding.h"
#include "cli/check/loop.h"
#include "cli/check/order.h"
#include "cli/check/open.h"
#include "cli/check/report.h"
#include "cli/check/snippet.h"
#include "cli/input/corpus.h"
#include "cli/input/device.h"
#include "cli/input/interrupt.h"
#include "cli/input/message.h"
#include "cli/input/output.h"
#include "cli/input/place.h"
#include "cli/verbs.h"
#include "fuzz/case/attn_case.h"

enum check_option {
    SUBJECT = 1,
    DEVICE,
    EXECUTE,
    SECONDS,
    CALLS,
    SEED,
    BASELINE,
    SAVE_BASELINE,
    REACH,
    JSON,
    HTML,
    SNIPPETS,
    PREC,
    NO_CODE,
    NULL_RUNTIME,
    CACHE,
    GRAPHS,
    RUNTIME
};

static const struct cli_option rows[] = {
    { "subject", SUBJECT, "SUBJECT", "what to check", "what" },
    { "device", DEVICE, "DEVICE",
      "check these devices only, several with commas; default: every device that it has GPU "
      "code for",
      NULL },
    { "execute", EXECUTE, NULL,
      "run the kernels too: the library's code for each device is executed on the CPU, every access, wait and barrier "
      "checked, and the result of calls of up to 300,000 multiply-adds (of lines given: 20,000,000) held against a "
      "reference in double precision",
      NULL },
    { "graphs", GRAPHS, NULL,
      "compute each call again with other values in its tensors, as a server does that has its graphs captured and "
      "replayed",
      NULL },
    { "seconds", SECONDS, "N", "stop after N seconds (default 60)", NULL },
    { "calls", CALLS, "N", "stop after N calls (one problem on one device); with it a run is repeatable", NULL },
    { "seed", SEED, "SEED", "of what is generated (default 1)", NULL },
    { "prec-default", PREC, NULL, "nodes keep ggml's default precision; without it GGML_PREC_F32, as llama.cpp sets it",
      NULL },
    { "no-code", NO_CODE, NULL, "do not read the library's GPU code", NULL },
    { "runtime", RUNTIME, "NAME",
      "null: a HIP library runs on the null HIP runtime (default); real: on the machine's own and its GPUs, where its "
      "launches are not seen",
      NULL },
    { "null-runtime", NULL_RUNTIME, "DIR", "where the null HIP runtime is, when it is not beside the command", NULL },
    { "cache", CACHE, "DIR", "where ggml=debian keeps what it downloads", NULL },
    { "baseline", BASELINE, "FILE",
      "findings that are known: patterns of their ids, one a line, and behind \" @ \" the devices; only others fail, "
      "and what is known and not met any more is said",
      "results" },
    { "save-baseline", SAVE_BASELINE, "FILE", "write what is found as one", NULL },
    { "reach", REACH, "REACH",
      "leave out what is farther than model (shapes of known models and of ggml's tests, and one step from them) or "
      "server (up to 512 heads, 256 sequences, 1 M keys); default far: everything",
      NULL },
    { "json", JSON, "FILE", "write the report as JSON (- is standard output)", NULL },
    { "html", HTML, "FILE", "write it as a page", NULL },
    { "snippets", SNIPPETS, "DIR", "write a C program for each group of findings", NULL },
    { NULL, 0, NULL, NULL, NULL },
};

static void put_subjects(void) { check_subject_list(stdout); }

static const struct cli_manual manual = {
    .name = "check",
    .summary = "fuzz a planner, ours or ggml's, and list its holes",
    .usage = "--subject SUBJECT [options] [FILE|DIR|LINE|-...]",
    .brief =
        "Asks a planner about generated calls on each of its devices and lists, shrunk and each once, where it "
        "breaks what it owes its callers: a legal call is supported or refused, and never aborts, crashes or hangs "
        "after it was said to be supported; a supported call launches an attention kernel; every launch can run on "
        "its device; the same call is answered the same way.",
    .text =
        "Legal calls that are refused are listed by the fields that matter. With problem lines given it asks about "
        "those and generates none. When a signal ends it, what is known is printed and every report written.\n\n"
        "The library is loaded and its own code runs, in the process of the check and with your rights: as with any "
        "program, only check one that you would run.",
    .options = rows,
    .heading = "subjects",
    .table = put_subjects,
    .examples = { { "check --subject ggml=debian", "the newest ggml that Debian ships" },
                  { "check --subject ggml=build/bin/libggml-hip.so --execute --html check.html",
                    "your own build, its kernels run and judged" } },
    .codes = "0  nothing that is not known\n1  findings\n2  wrong usage, or a library that is none\n3  something is "
             "missing here\n130, 143, 129  ended by Ctrl-C, SIGTERM, SIGHUP",
};

struct options {
    struct check_subject_options subject;
    const char *baseline, *save_baseline, *json, *html, *snippets;
    int reach; /* enum check_reach */
    struct cli_devices devices;
    int64_t seconds, calls, seed;
    bool execute, graphs;
    char **given; /* arguments: lines, files, folders */
    int n_given;
};

static bool read_options(int argc, char **argv, struct options *o)
{
    for (int c; (c = cli_option_next(&manual, argc, argv)) != -1;) {
        switch (c) {
        case SUBJECT: o->subject.subject = optarg; break;
        case DEVICE:
            if (!cli_devices_add(&o->devices, optarg))
                return false;
            break;
        case SECONDS:
            if (!cli_option_number(&manual, c, optarg, 1, INT64_MAX, &o->seconds))
                return false;
            break;
        case CALLS:
            if (!cli_option_number(&manual, c, optarg, 1, INT64_MAX, &o->calls))
                return false;
            break;
        case SEED:
            if (!cli_option_number(&manual, c, optarg, 0, INT64_MAX, &o->seed))
                return false;
            break;
        case BASELINE: o->baseline = optarg; break;
        case SAVE_BASELINE: o->save_baseline = optarg; break;
        case REACH:
            if ((o->reach = check_reach_find(optarg)) < 0) {
                cli_error("--reach is model, server or far, got '%s'", optarg);
                return false;
            }
            break;
        case JSON: o->json = optarg; break;
        case HTML: o->html = optarg; break;
        case SNIPPETS: o->snippets = optarg; break;
        case PREC: o->subject.prec_default = true; break;
        case EXECUTE: o->execute = true; break;
        case GRAPHS: o->subject.graphs = o->graphs = true; break;
        case RUNTIME:
            o->subject.real_runtime = !strcmp(optarg, "real");
            if (!o->subject.real_runtime && strcmp(optarg, "null")) {
                cli_error("--runtime is null or real, got '%s'", optarg);
                return false;
            }
            break;
        case NO_CODE: o->subject.no_code = true; break;
        case NULL_RUNTIME: o->subject.null_runtime = optarg; break;
        case CACHE: o->subject.cache = optarg; break;
        default: return false;
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

/* A session is the problems of its steps. */
static bool next_given(void *context, struct attn_problem *p)
{
    struct attn_case c;
    if (cli_interrupted() || !corpus_next(context, &c))
        return false;
    *p = c.problem;
    return true;
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

static int find_and_report(const struct options *o, struct check *check, struct check_baseline *baseline)
{
    struct corpus given = { .errors = 0 };
    const bool lines = o->n_given > 0;
    if (lines && !corpus_open(&given, o->n_given, o->given))
        return CLI_USAGE;
    given.types = &check->subject->types;
    /* A path that cannot be written is no news for the end. */
    if ((o->json && !cli_output_try(o->json)) || (o->html && !cli_output_try(o->html)) ||
        (o->save_baseline && !cli_output_try(o->save_baseline)))
        return lines ? corpus_close(&given, CLI_USAGE) : CLI_USAGE;
    cli_interrupt_keep();
    check_run(check, lines ? next_given : NULL, &given, progress);
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    check_find(check);
    check->stopped = cli_interrupted();
    check_baseline_apply(baseline, check);
    bool saved = write_report(o->save_baseline, check, check_baseline_write);
    int code = check_leave_beyond(check) ? CLI_BROKEN : CLI_GOOD;
    if (lines && check->calls == 0 && !given.errors && !check->stopped)
        code = corpus_none(check->not_legal ? check->subject->name : NULL);
    if (lines)
        code = corpus_close(&given, code);
    if (!saved || !write_report(o->json, check, check_report_json) ||
        !write_report(o->html, check, check_report_html) || (o->snippets && !check_snippets_write(o->snippets, check)))
        code = CLI_USAGE;
    if (!o->json || strcmp(o->json, "-"))
        check_report_text(stdout, check);
    return check->stopped ? 128 + check->stopped : code;
}

static int run(int argc, char **argv)
{
    struct options o = { .seed = 1, .reach = CHECK_REACH_FAR };
    struct check_baseline baseline = { .n = 0 };
    /* The command's arguments from the verb on: a subject may have the command start itself anew with them. */
    char **words = cli_words(argc, argv);
    if (!words)
        return CLI_LACKS;
    if (!read_options(argc, argv, &o)) {
        free(words);
        return CLI_USAGE;
    }
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
        check->most_reach = o.reach;
        check->baseline = &baseline;
        check->graphs = o.graphs;
        check->prec_default = o.subject.prec_default;
    }
    if (code == CLI_GOOD && (!check || !check->sign || !check->finding)) {
        cli_out_of_memory();
        code = CLI_LACKS;
    }
    if (code == CLI_GOOD)
        code = check_open(&o.subject, words, &check->subject);
    free(words);
    if (code == CLI_GOOD && check->subject->alone)
        check->execute = true;
    if (code == CLI_GOOD && !choose_devices(&o, check))
        code = CLI_USAGE;
    if (code == CLI_GOOD && o.execute && !attn_subject_computes(check->subject)) {
        cli_error("--execute: %s computes nothing", o.subject.subject);
        code = CLI_USAGE;
    }
    if (code == CLI_GOOD && o.html && !check_coverage_open(check))
        code = CLI_LACKS;
    if (code == CLI_GOOD)
        code = find_and_report(&o, check, &baseline);
    if (check) {
        attn_subject_close(check->subject);
        check_order_free(check->order);
        free(check->sign);
        free(check->finding);
        free(check->coverage);
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

const struct cli_verb cli_check = { .manual = &manual, .run = run };
