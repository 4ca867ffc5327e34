/* run.c: attnfuzz run: replays a corpus, or problems it generates, on a backend. Options and reports.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/input/corpus.h"
#include "cli/input/interrupt.h"
#include "cli/input/message.h"
#include "cli/input/output.h"
#include "cli/run/pool.h"
#include "cli/run/report.h"
#include "cli/run/tasks.h"
#include "cli/verbs.h"

/* A GPU's memory is the limit there; a problem of this size on the host fills a machine's. */
#define DEVICE_BYTES_LIMIT (INT64_C(16) << 30)
/* What the machine executes in about a second, with checks. */
#define MACHINE_WORK INT64_C(2000000)
#define GENERATE_WORK INT64_C(1000000)
#define SHRINK 3

static void list(const struct run_job *job)
{
    char line[ATTN_CASE_LINE_MAX];
    for (int64_t t = 0; t < job->n_tasks; t++) {
        struct attn_case c;
        run_task_case(job, t, &c);
        puts(run_task_line(job, t, &c, line));
    }
}

/* ---- Reports --------------------------------------------------------------------------------------------- */

typedef void report_writer(FILE *, const struct run_job *, const struct run_total *);

struct report {
    const char *path; /* NULL: not wanted */
    report_writer *write;
    struct cli_output output;
};

static void write_failures(FILE *out, const struct run_job *job, const struct run_total *total)
{
    (void)total;
    for (int64_t t = 0; t < job->n_tasks; t++)
        run_report_failure_lines(out, job, t);
}

static int replay(struct run_job *job)
{
    const struct run_options *options = job->options;
    struct report report[] = { { .path = options->json, .write = run_report_json },
                               { .path = options->junit, .write = run_report_junit },
                               { .path = options->html, .write = run_report_html },
                               { .path = options->failures, .write = write_failures } };
    enum { REPORTS = sizeof report / sizeof report[0], FAILURES = REPORTS - 1 };
    struct cli_output *early = &report[FAILURES].output; /* failures as they are found */
    struct run_journal *journal = NULL;
    struct run_total total;
    bool to_stdout = false, written = true;
    if (!run_pool_memory(job))
        return CLI_LACKS;
    if (options->resume && !(journal = run_journal_open(options->resume, job)))
        return CLI_USAGE;
    for (int i = 0; i < REPORTS; i++) { /* a path that cannot be written is no news for the end of the run */
        written &= !report[i].path || cli_output_try(report[i].path);
        to_stdout |= report[i].path && !strcmp(report[i].path, "-");
    }
    if (written && options->failures && strcmp(options->failures, "-"))
        written = cli_output_begin(early, options->failures);
    cli_interrupt_keep();
    /* What is written directly, a pipe or a device, cannot be begun again at the end: it gets all of it then. */
    int code = written ? run_pool(job, journal, early->part ? early->file : NULL) : CLI_USAGE;
    run_journal_close(journal);
    /* Not even one was run: the message says why. */
    if (!written || (code == CLI_LACKS && job->left == job->n_tasks)) {
        cli_output_drop(early);
        return written ? code : CLI_USAGE;
    }
    run_add_up(job, &total);
    if (early->part) { /* in the order in which they were found so far; now in that of the input */
        rewind(early->file);
        if (ftruncate(fileno(early->file), 0)) {
            cli_error("%s: %s", options->failures, strerror(errno));
            written = false;
        }
    }
    for (int i = 0; i < REPORTS; i++) {
        if (!report[i].path || (!report[i].output.file && !cli_output_begin(&report[i].output, report[i].path))) {
            written &= !report[i].path;
            continue;
        }
        report[i].write(report[i].output.file, job, &total);
        written &= cli_output_end(&report[i].output);
    }
    run_report_text(to_stdout ? stderr : stdout, job, &total);
    bool broken = total.failed || (options->strict && (total.blind || total.suspect || total.unsupported));
    code = !written ? CLI_USAGE : code != CLI_GOOD ? code : broken ? CLI_BROKEN : CLI_GOOD;
    return job->stopped ? 128 + job->stopped : code;
}

/* ---- Options --------------------------------------------------------------------------------------------- */

enum run_option {
    BACKEND = 1,
    DEVICE,
    KERNEL,
    JOBS,
    SHARD,
    SECONDS,
    TIMEOUT,
    SCHEDULE,
    SCHEDULES,
    PERTURB,
    TWINS,
    WORK,
    JSON,
    JUNIT,
    LIST,
    GENERATE,
    SEED,
    GENERATE_SIZE,
    INPUTS,
    HOST_WORK,
    CONSTANT_V,
    RESUME,
    FAILURE_LINES,
    HTML,
    SHRUNK,
    STRICT
};

static const struct cli_option rows[] = {
    { "backend", BACKEND, "NAME",
      "host; amd:TARGET, several with commas, or amd:all; hip (GPU 0), hip:N, hip:N,M,... or hip:all, one process for "
      "each GPU",
      "where" },
    { "device", DEVICE, "DEVICE",
      "host: run on this device, also for lines that name one; NAME~WEAKENING, several with commas, all, or waves: two "
      "devices a line, one of each wave size",
      NULL },
    { "jobs", JOBS, "N", "worker processes (default: the processors there are; with hip one for each GPU)", NULL },
    { "timeout", TIMEOUT, "S", "seconds for one problem on one device (default 300, 0: no limit)", NULL },
    { "generate", GENERATE, "N", "N generated problems after those of the input, which may then be absent", "what" },
    { "seed", SEED, "SEED", "of them (default 0); number i of a seed is the same in every run", NULL },
    { "generate-work", GENERATE_SIZE, "N",
      "multiply-adds of the largest run whole (default 1,000,000; GPUs can do more)", NULL },
    { "inputs", INPUTS, "DIR",
      "a problem from each fuzzing input below DIR (a corpus or crash files of fuzz_kernel, fuzz_plan)", NULL },
    { "shard", SHARD, "I/N", "only every N-th problem, beginning with number I", NULL },
    { "seconds", SECONDS, "N",
      "begin no more after N seconds, in an order that the seed draws; what is left is counted", NULL },
    { "kernel", KERNEL, "KERNEL", "run only this kernel, where it is able", NULL },
    { "max-work", WORK, "N",
      "sample lines with more than N multiply-adds (default: 20,000,000; amd: skip them, default: 2,000,000; hip: skip "
      "them, default: no limit)",
      NULL },
    { "work", WORK, "N", NULL, NULL },
    { "list", LIST, NULL, "print what would run, one problem and device a line", NULL },
    { "schedule", SCHEDULE, "SEED",
      "host: order of threads between barriers, for lines that name none (default 0: in "
      "order)",
      "what is asked" },
    { "all-schedules", SCHEDULES, NULL,
      "check P10 of every line: on the host under schedules of each other kind (forward, reverse, one wave starved, "
      "random), so four runs; hip (always): twice",
      NULL },
    { "schedules", SCHEDULES, NULL, NULL, NULL },
    { "all-twins", TWINS, NULL,
      "check P8 of every line: against each of the problems that must have the same result, such as with the keys in "
      "another order, some heads or rows alone, or elsewhere in memory",
      NULL },
    { "twins", TWINS, NULL, NULL, NULL },
    { "constant-v", CONSTANT_V, NULL, "run each problem again with a constant V (hip: always)", NULL },
    { "perturb", PERTURB, "SEED", "amd: exp, log, reciprocals and roots are off within what is documented, by the seed",
      NULL },
    { "host-work", HOST_WORK, "N",
      "amd, hip: compare with the host executor up to N multiply-adds (default 20,000,000; 0: never)", NULL },
    { "strict", STRICT, NULL, "exit code 1 for blind, suspect and unsupported problems too", "results" },
    { "shrink", SHRUNK, "N", "make the first N findings of each property and kernel smaller (default 3)", NULL },
    { "resume", RESUME, "FILE",
      "journal: when FILE has results of this very run (program, options, problems), go on from "
      "there",
      NULL },
    { "failures", FAILURE_LINES, "FILE",
      "failing lines, each below comments that say why: a file for attnfuzz run; while the run lasts FILE.part has "
      "those found so far",
      NULL },
    { "json", JSON, "FILE", "results as one JSON object; - for standard output", NULL },
    { "junit", JUNIT, "FILE", "results as JUnit XML; - for standard output", NULL },
    { "html", HTML, "FILE", "results as one page", NULL },
    { NULL, 0, NULL, NULL, NULL },
};

static const struct cli_manual manual = {
    .name = "run",
    .summary = "replay: plan, run on a backend, check the properties",
    .usage = "[options] FILE|DIR|LINE|-...",
    .brief =
        "Replays problem lines. Each is planned on every device of the table and every weakening of one, and the "
        "plans are checked; then it is run by every able kernel on the backend, and access, results, repeatability "
        "and what a problem made from it says are checked. A line runs on the device it names (dev=), or on those "
        "of --device; else on one device, chosen by a hash of the line.",
    .text =
        "Of the plans: P1 total, P3 explained, P5 pure, P6 monotone, P11 priced. Of the runs: no access outside the "
        "tensors (P9), every result within the error bound of its route (P2), the same bits under another schedule "
        "(P10) and what a problem made from it says (P8), the last two of one line in eight, or as the options "
        "say. When a line cannot be read, nothing is run.\n\n"
        "Lines with more than 20,000,000 multiply-adds are sampled: run, by the same launches, in some blocks and "
        "judged in the rows of dst that these complete, the first and last one and rows drawn by seed=, for an "
        "eighth of that limit a kernel; a kernel of which one column tile alone is more takes part in one such "
        "line in 64, up to twice the limit, or where all are. Where one tile is 16 times the limit, or one row "
        "reads more than 288 MiB, the plans are all that is checked: such lines are skipped. So are those whose "
        "rows take more than 288 MiB or reach further than 2^42 bytes; what lies between rows far apart takes "
        "nothing.\n\n"
        "A session { ... } (see attnfuzz plan --help) is played step by step with the plans that were kept under their "
        "keys (P7), each step is run on the bytes that the cache has and judged by the tokens that its sequences hold; "
        "then once more with the slots' turns in another order. Steps with more than 2,000,000 multiply-adds are "
        "sampled, by the kernel of the plan that was kept and one other: about as many steps as 30,000,000 in all pay "
        "for, spread over the session. The rest of them, steps with more than 600,000 after 30,000,000 in all, and all "
        "of a session whose caches take more than 1 GiB are planned only.\n\n"
        "With --backend amd:TARGET lines run on the CPU by the machine code of the kernels for that AMD GPU (amd:all: "
        "for each target that attn_amd.so has code for; ./dev amd builds it): every access, wait and barrier is "
        "checked, each kernel runs under two orders of waves, and beside it, where --host-work allows, the source "
        "on the host executor. An instruction that the machine does not execute makes a kernel unsupported there: "
        "no verdict, counted apart.\n\n"
        "With --backend hip lines run on a GPU, whatever device they name; where that is a weakened one "
        "(gfx942~lds/2), they are planned for the GPU with the same weakening, if it has what that takes away. None "
        "has too much work; those whose rows take more than 16 GiB are skipped, what lies between rows far apart "
        "takes nothing. Each able kernel runs twice and must give the same bits, every problem is run once more with "
        "a constant V, and where the host executor's limit allows, the same plan runs there too and must not be "
        "further away than both error bounds. "
        "Problems run in child processes. One that dies, hangs or loses its device costs the problem it was at, which "
        "has failed, and is replaced. When no device can be opened any more the run ends with exit code 3 and says "
        "what is left.\n\n"
        "A problem is blind when more than 1% of its rows would be accepted as zeros, 1.05 times as large, or without "
        "one of the keys that data=witness sets; suspect when a result is further off than is accepted at once, though "
        "not proven wrong. Neither has passed; both are counted apart, with their lines, and end the run with exit "
        "code 1 under --strict.\n\n"
        "Ctrl-C, SIGTERM and SIGHUP end a run within two seconds: what is known is printed, and every report that was "
        "asked for is written. A report replaces an older one when it is whole.",
    .options = rows,
    .examples = { { "run corpus", "every line of a folder, each on one device" },
                  { "run --backend amd:gfx1100 --generate 100 --seed 1", "generated problems, by AMD machine code" },
                  { "run --strict --failures failing.txt --html run.html corpus/regress", "with reports" } },
};

/* The options that are a whole number, and where it goes. */
static int64_t *number_of(struct run_options *o, int option, int64_t *low, int64_t *high)
{
    *low = 0;
    *high = INT64_MAX;
    switch (option) {
    case JOBS:
        *low = 1;
        *high = RUN_JOBS_MAX;
        return &o->jobs;
    case SECONDS:
        *low = 1;
        *high = 1000000;
        return &o->seconds;
    case TIMEOUT: *high = 1000000; return &o->timeout_s;
    case SCHEDULE: return &o->schedule;
    case WORK: return &o->limits.work;
    case HOST_WORK: return &o->limits.beside_work;
    case GENERATE:
        *low = 1;
        *high = RUN_GENERATE_MAX;
        return &o->generate;
    case GENERATE_SIZE:
        *low = 4096;
        *high = INT64_C(1) << 40;
        return &o->generate_work;
    case SEED: return &o->seed;
    case PERTURB: *low = 1; return &o->perturb;
    case SHRUNK: *high = 1000; return &o->shrink;
    default: return NULL;
    }
}

static const char **path_of(struct run_options *o, int option)
{
    switch (option) {
    case JSON: return &o->json;
    case JUNIT: return &o->junit;
    case HTML: return &o->html;
    case FAILURE_LINES: return &o->failures;
    case RESUME: return &o->resume;
    case INPUTS: return &o->inputs;
    default: return NULL;
    }
}

/* One option; an exit code when it is wrong, else CLI_GOOD. */
static int take(struct run_options *options, int option, const char *value)
{
    int64_t low, high, *number = number_of(options, option, &low, &high);
    const char **path = path_of(options, option);
    if (number)
        return cli_option_number(&manual, option, value, low, high, number) ? CLI_GOOD : CLI_USAGE;
    if (path) {
        *path = value;
        return CLI_GOOD;
    }
    switch (option) {
    case BACKEND: return cli_backend_parse(value, &options->backend) ? CLI_GOOD : CLI_USAGE;
    case DEVICE:
        if (!strcmp(value, "waves")) {
            options->mode = RUN_DEVICES_WAVES;
            return CLI_GOOD;
        }
        options->mode = RUN_DEVICES_GIVEN;
        return cli_devices_add(&options->devices, value) ? CLI_GOOD : CLI_USAGE;
    case KERNEL:
        if ((options->kernel = attn_kernel_find(value)) >= 0)
            return CLI_GOOD;
        cli_error("there is no kernel '%s'", value);
        return CLI_USAGE;
    case SHARD:
        if (cli_shard(value, &options->shard, &options->shards))
            return CLI_GOOD;
        cli_error("--shard %s: I/N with 1 <= I <= N", value);
        return CLI_USAGE;
    case SCHEDULES: options->limits.schedules = ATTN_RUN_ALL_SCHEDULES; return CLI_GOOD;
    case TWINS: options->limits.twins = ATTN_RUN_ALL_TWINS; return CLI_GOOD;
    case CONSTANT_V: options->constant_v = true; return CLI_GOOD;
    case LIST: options->list = true; return CLI_GOOD;
    case STRICT: options->strict = true; return CLI_GOOD;
    default: return CLI_USAGE;
    }
}

/* What the backend decides where no option does. */
static int complete(struct run_options *options)
{
    char error[256];
    const bool device = options->backend.device, machine = options->backend.machine;
    if ((device || machine) && options->mode != RUN_DEVICES_AUTO) {
        cli_error("--device goes with --backend host: %s", device ? "a GPU runs what it is" : "amd: names its targets");
        return CLI_USAGE;
    }
    if (options->html && !strcmp(options->html, "-")) {
        cli_error("--html needs a file");
        return CLI_USAGE;
    }
    options->work_said = options->limits.work >= 0;
    if (!options->work_said)
        options->limits.work = device ? INT64_MAX : machine ? MACHINE_WORK : ATTN_RUN_WORK_LIMIT;
    options->limits.bytes = device ? DEVICE_BYTES_LIMIT : ATTN_RUN_BYTES_LIMIT;
    if ((device || machine) && options->limits.schedules == 0)
        options->limits.schedules = 1;
    options->constant_v |= device;
    options->beside = (device || machine) && options->limits.beside_work > 0;
    if (machine) {
        options->mode = RUN_DEVICES_GIVEN;
        options->devices = options->backend.devices;
    }
    if (machine && options->backend.all && !cli_backend_targets(&options->devices, error, sizeof error)) {
        cli_error("%s", error);
        return CLI_LACKS;
    }
    if (device && options->backend.all && !options->list &&
        !cli_backend_count(&options->backend, error, sizeof error)) {
        cli_error("%s", *error ? error : "no GPU");
        return CLI_LACKS;
    }
    return CLI_GOOD;
}

static int run(int argc, char **argv)
{
    struct run_options options = { .kernel = -1,
                                   .shard = 1,
                                   .shards = 1,
                                   .timeout_s = RUN_TIMEOUT_S,
                                   .schedule = -1,
                                   .generate_work = GENERATE_WORK,
                                   .shrink = SHRINK };
    options.limits.work = -1;
    options.limits.beside_work = ATTN_RUN_WORK_LIMIT;
    cli_backend_parse("host", &options.backend);
    int code = CLI_GOOD;
    for (int o; code == CLI_GOOD && (o = cli_option_next(&manual, argc, argv)) != -1;)
        code = take(&options, o, optarg);
    if (code == CLI_GOOD)
        code = complete(&options);
    if (code != CLI_GOOD)
        return code;
    cli_interrupt_catch();
    struct corpus corpus = { .errors = 0 };
    struct run_job job = { .options = &options, .lines = &corpus.lines };
    bool others = options.generate || options.inputs;
    if ((argc > optind || !others) && !corpus_open(&corpus, argc - optind, argv + optind))
        return CLI_USAGE;
    if (!run_tasks_load(&job, &corpus)) {
        code = CLI_USAGE;
    } else if (corpus.errors) {
        cli_error("nothing was run");
    } else if (job.n_read == 0) {
        code = corpus_none(NULL);
    } else if (options.list) {
        list(&job);
    } else {
        code = replay(&job);
    }
    run_tasks_free(&job);
    return corpus_close(&corpus, code);
}

const struct cli_verb cli_run = { .manual = &manual, .run = run };
