/* diff.c: attnfuzz diff: the same calls to two subjects, and what they answer differently.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check/open.h"
#include "cli/check/problem.h"
#include "cli/diff/change.h"
#include "cli/diff/report.h"
#include "cli/input/clock.h"
#include "cli/input/corpus.h"
#include "cli/input/interrupt.h"
#include "cli/input/message.h"
#include "cli/input/output.h"
#include "cli/input/place.h"
#include "cli/map/figures.h"
#include "cli/verbs.h"
#include "fuzz/domain/domain.h"
#include "fuzz/domain/mutate.h"
#include "planner/random.h"

enum diff_option { SUBJECT = 1, SECONDS, CALLS, SEED, JSON, HTML, PREC, NO_CODE, RUNTIME, EXECUTE, ANSWER };

static const struct cli_option rows[] = {
    { "subject", SUBJECT, "SUBJECT", "what to ask: the old one, then the new one", "what" },
    { "seconds", SECONDS, "N", "stop after N seconds (default 30)", NULL },
    { "calls", CALLS, "N",
      "stop after N calls (one problem on one device), the last problem asked on all of them; a run is then repeatable",
      NULL },
    { "seed", SEED, "SEED", "of what is generated (default 1)", NULL },
    { "execute", EXECUTE, NULL, "compute the calls too (attnfuzz check --help)", NULL },
    { "prec-default", PREC, NULL, "nodes keep ggml's default precision; without it GGML_PREC_F32, as llama.cpp sets it",
      NULL },
    { "no-code", NO_CODE, NULL, "do not read the libraries' GPU code", NULL },
    { "null-runtime", RUNTIME, "DIR", "where the null HIP runtime is, when it is not beside the command", NULL },
    { "json", JSON, "FILE", "write the report as JSON (- is standard output)", "results" },
    { "html", HTML, "FILE", "write it as a page", NULL },
    { "answer", ANSWER, NULL, NULL, NULL }, /* the process of one side */
    { NULL, 0, NULL, NULL, NULL },
};

static void put_subjects(void) { check_subject_list(stdout); }

static const struct cli_manual manual = {
    .name = "diff",
    .summary = "what two planners answer differently",
    .usage = "--subject OLD --subject NEW [options] [FILE|DIR|LINE|-...]",
    .brief =
        "Asks two planners about the same calls on the devices that both have code for, and lists what they answer "
        "differently, each kind once with the smallest call that shows it: supported or not, another kernel, "
        "another launch, another verdict. With problem lines given it asks about those and generates none.",
    .text = "Worse is what NEW breaks and OLD did not: a refusal, an abort, a launch that cannot run, with --execute a "
            "wrong result; the rest only changed. Each subject runs in a process of its own.",
    .options = rows,
    .heading = "subjects",
    .table = put_subjects,
    .examples = { { "diff --subject ggml=old/libggml-hip.so --subject ggml=new/libggml-hip.so",
                    "before a pull request that touches routing" },
                  { "diff --subject ggml=old/libggml-hip.so --subject ggml=new/libggml-hip.so --execute corpus",
                    "given lines, computed by both" } },
    .codes = "0  nothing is worse\n1  something is\n2  wrong usage, or a library that is none\n3  something is missing "
             "here\n130, 143, 129  ended by Ctrl-C, SIGTERM, SIGHUP",
};

struct options {
    const char *subject[2], *null_runtime, *json, *html;
    int n_subjects;
    int64_t seconds, calls, seed;
    bool prec_default, no_code, execute, answer;
};

static bool read_options(int argc, char **argv, struct options *o)
{
    bool good = true;
    for (int c; good && (c = cli_option_next(&manual, argc, argv)) != -1;)
        switch (c) {
        case SUBJECT:
            if (o->n_subjects < 2)
                o->subject[o->n_subjects] = optarg;
            o->n_subjects++;
            break;
        case SECONDS: good = cli_option_number(&manual, c, optarg, 1, INT64_MAX, &o->seconds); break;
        case CALLS: good = cli_option_number(&manual, c, optarg, 1, INT64_MAX, &o->calls); break;
        case SEED: good = cli_option_number(&manual, c, optarg, 0, INT64_MAX, &o->seed); break;
        case JSON: o->json = optarg; break;
        case HTML: o->html = optarg; break;
        case PREC: o->prec_default = true; break;
        case NO_CODE: o->no_code = true; break;
        case RUNTIME: o->null_runtime = optarg; break;
        case EXECUTE: o->execute = true; break;
        case ANSWER: o->answer = true; break;
        default: return false;
        }
    if (good && o->n_subjects != (o->answer ? 1 : 2)) {
        cli_error("--subject is said twice: the old one, then the new one");
        good = false;
    }
    return good;
}

/* ---- Problems -------------------------------------------------------------------------------------------- */

static bool over(const struct diff *diff, const struct options *o, double begun)
{
    return cli_interrupted() || (o->calls && diff->calls >= (uint64_t)o->calls) ||
           (o->seconds && cli_now() - begun >= (double)o->seconds);
}

/* Problems that are asked about together: as many as take about a twentieth of a second. */
struct batch {
    int n, size;
    struct attn_problem problem[DIFF_BATCH_MAX];
};

/* As many as the number of calls leaves room for; 0: none. */
static int room(const struct diff *diff, const struct options *o, const struct batch *b)
{
    if (!o->calls)
        return b->size;
    const uint64_t left = diff->calls < (uint64_t)o->calls ? (uint64_t)o->calls - diff->calls : 0;
    const uint64_t devices = (uint64_t)diff->n_devices, problems = (left + devices - 1) / devices;
    return problems < (uint64_t)b->size ? (int)problems : b->size;
}

/* Asks about what it has; true when something of it was a problem of both. */
static bool ask(struct diff *diff, struct batch *b)
{
    if (b->n == 0)
        return false;
    const double begun = cli_now();
    const int legal = diff_ask(diff, b->problem, b->n);
    const double took = cli_now() - begun;
    if (took < 0.05 && b->n == b->size && b->size < DIFF_BATCH_MAX)
        b->size *= 2;
    else if (took > 0.1 && b->size > 1)
        b->size /= 2;
    b->n = 0;
    return legal > 0;
}

static void ask_generated(struct diff *diff, const struct options *o, struct batch *b)
{
    static const struct attn_domain_limits plain = { INT64_MAX, INT64_C(1) << 27, INT64_C(1) << 22, 0 },
                                           executed = { 300000, INT64_C(1) << 22, INT64_C(1) << 16, 0 };
    uint64_t state = attn_mix((uint64_t)o->seed);
    const double begun = cli_now();
    int in_vain = 0;
    for (int i = 0; i < CHECK_PLAIN_CALLS && !over(diff, o, begun); i++) {
        b->n += check_plain_call(i, &b->problem[b->n]);
        if (b->n >= room(diff, o, b))
            ask(diff, b);
    }
    while (!over(diff, o, begun) && in_vain < 1000) {
        struct attn_genome genome;
        struct attn_case c;
        attn_genome_random(&genome, attn_random(&state));
        attn_genome_case(&genome, o->execute ? &executed : &plain, &c);
        check_usual_layout(&c.problem);
        attn_foreign_apply(&diff->draw, attn_random(&state), &c.problem);
        if (attn_problem_check(&c.problem, NULL) == ATTN_E_OK)
            b->problem[b->n++] = c.problem;
        if (b->n >= room(diff, o, b))
            in_vain = ask(diff, b) ? 0 : in_vain + 1;
    }
    diff->seconds = cli_now() - begun;
}

static int ask_given(struct diff *diff, const struct options *o, int n, char **given, struct batch *b)
{
    struct corpus corpus = { .errors = 0 };
    struct attn_case c;
    const double begun = cli_now();
    if (!corpus_open(&corpus, n, given))
        return CLI_USAGE;
    corpus.types = &diff->types.list;
    int code = CLI_GOOD;
    while (!over(diff, o, begun) && corpus_next(&corpus, &c)) {
        b->problem[b->n++] = c.problem;
        if (b->n >= room(diff, o, b))
            ask(diff, b);
    }
    ask(diff, b);
    diff->seconds = cli_now() - begun;
    if (diff->calls == 0 && !corpus.errors && !cli_interrupted())
        code = corpus_none(diff->not_legal ? "both" : NULL);
    return corpus_close(&corpus, code);
}

/* ---- The verb -------------------------------------------------------------------------------------------- */

static bool write_report(const char *path, const struct diff *diff, void (*report)(FILE *, const struct diff *))
{
    struct cli_output out;
    if (!path)
        return true;
    if (!cli_output_begin(&out, path))
        return false;
    report(out.file, diff);
    return cli_output_end(&out);
}

static bool write_page(const char *path, struct diff *diff)
{
    struct cli_output out;
    if (!path)
        return true;
    if (!cli_output_begin(&out, path))
        return false;
    diff_report_html(out.file, diff);
    if (!diff->stopped)
        map_figures(out.file, diff);
    fputs("</body></html>\n", out.file);
    return cli_output_end(&out);
}

static int compare(struct diff *diff, const struct options *o, int n, char **given)
{
    int code = CLI_GOOD;
    for (int s = 0; s < 2; s++) {
        const struct check_subject_options subject = { .subject = o->subject[s],
                                                       .null_runtime = o->null_runtime,
                                                       .prec_default = o->prec_default,
                                                       .no_code = o->no_code };
        code = diff_side_prepare(&diff->side[s], &subject, o->execute);
        if (code == CLI_GOOD)
            code = diff_side_start(&diff->side[s]);
        if (code != CLI_GOOD)
            return code;
    }
    diff_types_join(&diff->side[0].types, &diff->side[1].types, &diff->types, &diff->draw);
    diff->n_devices = diff_match_devices(diff);
    if (diff->n_devices == 0) {
        cli_error("there is no device that both have code for");
        return CLI_USAGE;
    }
    struct batch *batch = calloc(1, sizeof *batch);
    if (!batch) {
        cli_out_of_memory();
        return CLI_LACKS;
    }
    batch->size = o->execute ? 1 : 8; /* more as soon as they turn out to be quick */
    if (n > 0)
        code = ask_given(diff, o, n, given, batch);
    else
        ask_generated(diff, o, batch);
    free(batch);
    diff_shrink(diff);
    diff->stopped = cli_interrupted();
    bool worse = false;
    for (int i = 0; i < diff->n_changes; i++)
        worse |= diff->change[i].worse;
    if (!o->json || strcmp(o->json, "-"))
        diff_report_text(stdout, diff);
    if (!write_report(o->json, diff, diff_report_json) || !write_page(o->html, diff))
        code = CLI_USAGE;
    return diff->stopped ? 128 + diff->stopped : code != CLI_GOOD ? code : worse ? CLI_BROKEN : CLI_GOOD;
}

static int run(int argc, char **argv)
{
    struct options o = { .seed = 1 };
    char **words = cli_words(argc, argv);
    if (!words)
        return CLI_LACKS;
    const bool good = read_options(argc, argv, &o);
    const struct check_subject_options side = {
        .subject = o.subject[0], .null_runtime = o.null_runtime, .prec_default = o.prec_default, .no_code = o.no_code
    };
    const int answered = !good ? CLI_USAGE : o.answer ? diff_answer_all(&side, o.execute, words) : CLI_GOOD;
    free(words);
    if (!good || o.answer)
        return answered;
    if ((o.json && !cli_output_try(o.json)) || (o.html && !cli_output_try(o.html)))
        return CLI_USAGE;
    if (!o.seconds && !o.calls && optind == argc)
        o.seconds = 30;
    struct diff *diff = calloc(1, sizeof *diff);
    if (diff)
        diff->change = calloc(DIFF_CHANGES_MAX, sizeof *diff->change);
    if (diff)
        diff->reply = calloc(2 * DIFF_BATCH_MAX, sizeof *diff->reply);
    if (!diff || !diff->change || !diff->reply) {
        cli_out_of_memory();
        if (diff)
            free(diff->change);
        free(diff);
        return CLI_LACKS;
    }
    signal(SIGPIPE, SIG_IGN); /* a side that ends is an answer */
    cli_interrupt_catch();
    cli_interrupt_keep();
    int code = compare(diff, &o, argc - optind, argv + optind);
    for (int s = 0; s < 2; s++)
        diff_side_stop(&diff->side[s]);
    free(diff->change);
    free(diff->reply);
    free(diff);
    return code;
}

const struct cli_verb cli_diff = { .manual = &manual, .run = run };
