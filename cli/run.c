/* run.c: attnfuzz run: replays a corpus. Options, the corpus in memory, the tasks it makes.
 *
 * SPDX-License-Identifier: MIT */
#include "run.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "corpus.h"

static const char help[] =
    "usage: attnfuzz run [options] FILE|DIR|LINE|-...\n\n"
    "Replays problem lines. Each is planned on every device of the table and every weakening of one, and the plans are\n"
    "checked (P1 total, P3 explained, P5 pure, P6 monotone). Then it is run by every able kernel on the host backend:\n"
    "no access outside the tensors (P9), every result within the error bound of its route (P2), and with --schedules\n"
    "the same bits under another schedule (P10). A line runs on the device it names (dev=), or on those of --device;\n"
    "else on one device, chosen by a hash of the line so that a corpus covers all of them and both wave sizes.\n"
    "Lines with more than 20,000,000 multiply-adds are planned and counted as skipped. When a line cannot be read,\n"
    "nothing is run.\n\n"
    "options:\n"
    "  --backend host    where plans run\n"
    "  --device NAME     run on this device, also for lines that name one; NAME~WEAKENING, several with commas, all,\n"
    "                    or waves: two devices a line, one of each wave size\n"
    "  --kernel NAME     run only this kernel, where it is able\n"
    "  --jobs N          worker processes (default: the processors there are)\n"
    "  --shard I/N       only every N-th line, beginning with line I\n"
    "  --timeout S       seconds for one problem on one device (default 300, 0: no limit)\n"
    "  --schedule SEED   order of threads between barriers, for lines that name none (default 0: in order)\n"
    "  --schedules       check P10: run each kernel under a second schedule too\n"
    "  --work N          skip lines with more than N multiply-adds instead\n"
    "  --json FILE       results as one JSON object; - for standard output\n"
    "  --junit FILE      results as JUnit XML; - for standard output\n"
    "  --list            print what would run, one problem and device a line\n"
    "  --help            this text\n";

/* ---- Tasks ------------------------------------------------------------------------------------------------- */

void run_task_case(const struct run_job *job, const struct run_task *task, struct attn_case *c)
{
    const struct run_options *options = job->options;
    *c = job->problem[task->problem].c;
    c->run.device = task->row;
    c->run.weakening = task->weakening;
    if (options->kernel >= 0)
        c->run.kernel = options->kernel;
    if (options->schedule >= 0 && c->run.schedule == 0)
        c->run.schedule = (uint64_t)options->schedule;
}

void run_task_place(const struct run_job *job, const struct run_task *task, char *text, size_t cap)
{
    const struct run_problem *problem = &job->problem[task->problem];
    snprintf(text, cap, "%s:%" PRId64, lines_name(job->lines, problem->source), problem->line);
}

/* FNV-1a over the canonical line: the same line gets the same device in every corpus. */
static uint64_t hash_of_case(const struct attn_case *c)
{
    char line[ATTN_CASE_LINE_MAX];
    uint64_t h = UINT64_C(14695981039346656037);
    attn_case_print(c, line, sizeof line);
    for (const char *s = line; *s; s++)
        h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
    return h ^ h >> 32;
}

/* Row of the device table with that wave size that number `pick` falls on. */
static int row_of_wave(int wave_size, uint64_t pick)
{
    uint64_t n = 0;
    for (int row = 0; row < attn_device_count(); row++)
        n += attn_device(row)->wave_size == wave_size;
    pick %= n;
    for (int row = 0;; row++)
        if (attn_device(row)->wave_size == wave_size && pick-- == 0)
            return row;
}

static void devices_of(const struct run_options *options, const struct attn_case *c, struct cli_devices *devices)
{
    if (options->mode == RUN_DEVICES_GIVEN) {
        *devices = options->devices;
        return;
    }
    devices->n = 1;
    devices->at[0].row = (int16_t)c->run.device;
    devices->at[0].weakening = (int16_t)c->run.weakening;
    if (c->run.device >= 0)
        return;
    uint64_t h = hash_of_case(c);
    int first = h & 1 ? 64 : 32;
    devices->at[0].row = (int16_t)row_of_wave(first, h >> 1);
    devices->at[0].weakening = -1;
    if (options->mode == RUN_DEVICES_WAVES) {
        devices->n = 2;
        devices->at[1].row = (int16_t)row_of_wave(96 - first, h >> 1);
        devices->at[1].weakening = -1;
    }
}

static bool grow(void **array, int64_t n, size_t size)
{
    if (n & (n - 1)) /* doubles at every power of two */
        return true;
    void *grown = realloc(*array, (size_t)(n ? 2 * n : 1) * size);
    if (grown)
        *array = grown;
    return grown != NULL;
}

static bool add_tasks(struct run_job *job, int64_t problem)
{
    struct cli_devices devices;
    devices_of(job->options, &job->problem[problem].c, &devices);
    for (int i = 0; i < devices.n; i++) {
        if (!grow((void **)&job->task, job->n_tasks, sizeof *job->task))
            return false;
        job->task[job->n_tasks++] = (struct run_task){ .problem = (int32_t)problem,
                                                       .row = devices.at[i].row,
                                                       .weakening = devices.at[i].weakening,
                                                       .plan = i == 0 };
    }
    return true;
}

/* Reads the whole corpus before anything runs; *read counts all its problems, also those of other shards. */
static bool load(struct run_job *job, struct corpus *corpus, int64_t *read)
{
    const struct run_options *options = job->options;
    struct attn_case c;
    for (*read = 0; corpus_next(corpus, &c); ++*read) {
        if (*read % options->shards != options->shard - 1)
            continue;
        if (job->n_problems == INT32_MAX || !grow((void **)&job->problem, job->n_problems, sizeof *job->problem)) {
            cli_error("out of memory");
            return false;
        }
        job->problem[job->n_problems++] = (struct run_problem){ c, corpus->lines.current, corpus->lines.number };
    }
    for (int64_t p = 0; p < job->n_problems; p++)
        if (!add_tasks(job, p)) {
            cli_error("out of memory");
            return false;
        }
    return true;
}

static void list(const struct run_job *job)
{
    char line[ATTN_CASE_LINE_MAX];
    for (int64_t t = 0; t < job->n_tasks; t++) {
        struct attn_case c;
        run_task_case(job, &job->task[t], &c);
        attn_case_print(&c, line, sizeof line);
        puts(line);
    }
}

/* ---- Reports ----------------------------------------------------------------------------------------------- */

/* Opened before the run: a path that cannot be written is no news for the end of it. */
static bool open_report(const char *path, FILE **file)
{
    if (!path)
        return true;
    *file = strcmp(path, "-") ? fopen(path, "w") : stdout;
    if (!*file)
        cli_error("%s: %s", path, strerror(errno));
    return *file != NULL;
}

static bool close_report(const char *path, FILE *file)
{
    if (!file)
        return true;
    bool good = fflush(file) == 0 && !ferror(file);
    if (file != stdout && fclose(file))
        good = false;
    if (!good)
        cli_error("%s: %s", path, strerror(errno));
    return good;
}

static int replay(struct run_job *job)
{
    const struct run_options *options = job->options;
    FILE *json = NULL, *junit = NULL;
    struct run_total total;
    if (!open_report(options->json, &json) || !open_report(options->junit, &junit))
        return CLI_USAGE;
    if (!run_pool(job))
        return CLI_LACKS;
    run_add_up(job, &total);
    run_report_text(json == stdout || junit == stdout ? stderr : stdout, job, &total);
    if (json)
        run_report_json(json, job, &total);
    if (junit)
        run_report_junit(junit, job, &total);
    bool written = close_report(options->json, json);
    written &= close_report(options->junit, junit);
    return !written ? CLI_USAGE : total.failed ? CLI_BROKEN : CLI_GOOD;
}

/* ---- Options ----------------------------------------------------------------------------------------------- */

enum { BACKEND = 1, DEVICE, KERNEL, JOBS, SHARD, TIMEOUT, SCHEDULE, SCHEDULES, WORK, JSON, JUNIT, LIST };

static const struct option longs[] = {
    { "backend", required_argument, NULL, BACKEND },   { "device", required_argument, NULL, DEVICE },
    { "kernel", required_argument, NULL, KERNEL },     { "jobs", required_argument, NULL, JOBS },
    { "shard", required_argument, NULL, SHARD },       { "timeout", required_argument, NULL, TIMEOUT },
    { "schedule", required_argument, NULL, SCHEDULE }, { "schedules", no_argument, NULL, SCHEDULES },
    { "work", required_argument, NULL, WORK },         { "json", required_argument, NULL, JSON },
    { "junit", required_argument, NULL, JUNIT },       { "list", no_argument, NULL, LIST },
    { NULL, 0, NULL, 0 },
};

/* One option; an exit code when it is wrong, else CLI_GOOD. */
static int take(struct run_options *options, int option, const char *value)
{
    switch (option) {
    case BACKEND:
        if (!strcmp(value, "host"))
            return CLI_GOOD;
        if (!strncmp(value, "hip", 3) && (value[3] == 0 || value[3] == ':')) {
            cli_error("no GPU backend in this build: --backend %s is not there", value);
            return CLI_LACKS;
        }
        cli_error("--backend %s: there is host", value);
        return CLI_USAGE;
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
    case JOBS:
        if (cli_number(value, 1, 256, &options->jobs))
            return CLI_GOOD;
        cli_error("--jobs %s: a number from 1 to 256", value);
        return CLI_USAGE;
    case SHARD:
        if (cli_shard(value, &options->shard, &options->shards))
            return CLI_GOOD;
        cli_error("--shard %s: I/N with 1 <= I <= N", value);
        return CLI_USAGE;
    case TIMEOUT:
        if (cli_number(value, 0, 1000000, &options->timeout_s))
            return CLI_GOOD;
        cli_error("--timeout %s: seconds from 0 to 1000000", value);
        return CLI_USAGE;
    case SCHEDULE:
        if (cli_number(value, 0, INT64_MAX, &options->schedule))
            return CLI_GOOD;
        cli_error("--schedule %s: a number from 0", value);
        return CLI_USAGE;
    case SCHEDULES: options->limits.schedules = true; return CLI_GOOD;
    case WORK:
        if (cli_number(value, 0, INT64_MAX, &options->limits.work))
            return CLI_GOOD;
        cli_error("--work %s: a number from 0", value);
        return CLI_USAGE;
    case JSON: options->json = value; return CLI_GOOD;
    case JUNIT: options->junit = value; return CLI_GOOD;
    case LIST: options->list = true; return CLI_GOOD;
    default: return cli_usage_error(&cli_run);
    }
}

static int run(int argc, char **argv)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct run_options options = { .kernel = -1, .shard = 1, .shards = 1, .timeout_s = 300, .schedule = -1 };
    options.jobs = processors > 0 ? processors : 1;
    options.limits.work = ATTN_RUN_WORK_LIMIT;
    options.limits.bytes = ATTN_RUN_BYTES_LIMIT;
    for (int o; (o = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        int code = take(&options, o, optarg);
        if (code != CLI_GOOD)
            return code;
    }
    struct corpus corpus;
    struct run_job job = { .options = &options, .lines = &corpus.lines };
    int64_t read = 0;
    if (!corpus_open(&corpus, argc - optind, argv + optind))
        return CLI_USAGE;
    int code = CLI_GOOD;
    if (!load(&job, &corpus, &read)) {
        code = CLI_USAGE;
    } else if (corpus.errors) {
        cli_error("nothing was run");
    } else if (read == 0) {
        cli_error("no problem line in the input");
        code = CLI_USAGE;
    } else if (options.list) {
        list(&job);
    } else {
        code = replay(&job);
    }
    free(job.problem);
    free(job.task);
    return corpus_close(&corpus, code);
}

const struct cli_verb cli_run = { "run", "replay: plan, run on a backend, check the properties", help, run };
