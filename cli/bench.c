/* bench.c: attnfuzz bench: how fast the planner, the executor and the reference are, side by side in one run.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/bench/gpu.h"
#include "cli/bench/machine.h"
#include "cli/bench/occupancy.h"
#include "cli/check/distinct.h"
#include "cli/counted.h"
#include "cli/input/device.h"
#include "cli/input/message.h"
#include "cli/verbs.h"
#include "fuzz/domain/mutate.h"
#include "planner/random.h"

enum bench_option { SECONDS = 1, BACKEND, RANK, SEED, SAVE, MACHINE, SUBJECT, OCCUPANCY, JSON };

static const struct cli_option rows[] = {
    { "seconds", SECONDS, "S", "time for each measurement (default 1)", "options" },
    { "json", JSON, NULL, "one JSON object; of --occupancy one a kernel", NULL },
    { "backend", BACKEND, "hip[:N]", "measure this GPU", "a GPU" },
    { "rank", RANK, "N", "rank the kernels on N shapes, in place of decode and prefill", NULL },
    { "seed", SEED, "SEED", "draws those shapes (default 1)", NULL },
    { "save", SAVE, "DIR", "keep the prefill's data and result there, and the causal one's in DIR_causal", NULL },
    { "machine", MACHINE, NULL, "count what the machine code does (./dev amd builds it)", "AMD machine code" },
    { "subject", SUBJECT, "SUBJECT", "of a library's kernels for the line (attnfuzz check --help); goes with --machine",
      NULL },
    { "occupancy", OCCUPANCY, NULL, "the table of what kernels in libraries need", NULL },
    { NULL, 0, NULL, NULL, NULL },
};

static const struct cli_manual manual = {
    .name = "bench",
    .summary = "how fast planner, executor and reference are",
    .usage = "[options] [LINE]\n--machine [options] [LINE]\n--occupancy [--json] FILE...",
    .brief =
        "Measures, in one process: plans a second, of the line and of generated problems, different ones counted; "
        "multiply-adds a second of the reference, and of each able kernel on the host executor, plain and checked. "
        "Rates of the executor are also given as a ratio to the reference's. Or it measures a GPU, counts what "
        "machine code does, or lists what kernels need.",
    .text =
        "The line is a decode call of 32 heads and 1,024 keys unless one is given; it runs on the device it names, "
        "else on gfx942.\n\n"
        "With --backend hip a GPU is measured, with its own clock: copies on the device; decode of 16 sequences of "
        "32,768 keys by vec; prefill of 8,192 tokens by mma where that is able, else by the planner's choice. With "
        "--rank shapes are drawn, every able kernel is timed on each, and the planner's cost is held against the "
        "clock.\n\n"
        "With --machine the machine code of each able kernel for the AMD GPU is executed on the CPU and counted, by "
        "launch: wave instructions by class, bytes read and written against the least that the problem needs, "
        "passes of the LDS banks against those without conflicts, lanes that are active; and how fast it is "
        "executed, without checks and with, in CPU time.\n\n"
        "With --occupancy nothing is measured: of each kernel in the GPU code of the files (libraries with HIP code, "
        "bundles, code objects) registers, LDS, scratch, spills, and how many waves of a SIMD and workgroups of a "
        "compute unit (gfx10 and later: of a workgroup processor) they leave room for, for workgroups as large as the "
        "kernel takes.",
    .options = rows,
    .examples = { { "bench", "the rates of this machine" },
                  { "bench --occupancy libggml-hip.so", "registers, LDS and spills of each kernel in a library" },
                  { "bench --machine 'fa1 ... | dev=gfx1100'", "what the machine code does for one call" } },
};

static const char default_line[] =
    "fa1 q=f32[128,4,32,1] k=f16[128,1024,8,1] v=f16[128,1024,8,1] mask=f16[1024,4,1,1] scale=0.088388346";

struct bench {
    struct attn_case c;
    struct attn_device device;
    double seconds;
    bool json, machine;
    const char *subject; /* bench --machine of another's kernels; NULL: ours */
    char **argv;
    struct attn_image image;
    double reference_rate; /* multiply-adds a second */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Repetitions a second of step(); negative when it failed. */
static double rate(const struct bench *bench, bool (*step)(const struct bench *, void *), void *context)
{
    int64_t n = 0, batch = 1;
    double begin = now(), took;
    do {
        for (int64_t i = 0; i < batch; i++)
            if (!step(bench, context))
                return -1;
        n += batch;
        took = now() - begin;
        if (took < bench->seconds / 16)
            batch *= 2;
    } while (took < bench->seconds);
    return (double)n / took;
}

static void put(const struct bench *bench, const char *what, const char *unit, double value)
{
    static const char *const comma = ",";
    if (bench->json)
        printf("%s\"%s\":%.6g", comma, what, value);
    else
        printf("%-24s %10.3f M %s", what, value / 1e6, unit);
}

static bool plan_once(const struct bench *bench, void *context)
{
    int *sum = context;
    struct attn_plan plan;
    *sum += attn_plan(&bench->device, &bench->c.problem, &plan, NULL);
    return *sum >= 0;
}

/* Plans generated problems, as many different ones as it can, for its time: how many different ones a second, what
 * generating them takes included. */
static double different_rate(const struct bench *bench)
{
    static const struct attn_domain_limits limits = { INT64_MAX, INT64_C(1) << 27, INT64_C(1) << 22, 0 };
    struct distinct *distinct = calloc(1, sizeof *distinct);
    uint64_t state = 1;
    int sum = 0;
    const double begin = now();
    double took = 0;
    for (int64_t i = 0; distinct && took < bench->seconds; i++) {
        struct attn_genome genome;
        struct attn_case c;
        attn_genome_random(&genome, attn_random(&state));
        attn_genome_case(&genome, &limits, &c);
        if (attn_problem_check(&c.problem, NULL) == ATTN_E_OK) {
            struct attn_plan plan;
            sum += attn_plan(&bench->device, &c.problem, &plan, NULL);
            distinct_add(distinct, attn_problem_hash(&c.problem));
        }
        if (i % 64 == 63)
            took = now() - begin;
    }
    const double different = distinct && sum >= 0 ? (double)distinct_count(distinct) / took : -1;
    free(distinct);
    return different;
}

static bool refer_once(const struct bench *bench, void *context)
{
    const void *base[ATTN_OPERAND_COUNT];
    (void)context;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        base[o] = o == ATTN_DST ? NULL : attn_image_at(&bench->image, &bench->c.problem, o);
    struct attn_reference *r = attn_reference_compute(&bench->c.problem, base);
    bool good = r != NULL;
    attn_reference_free(r);
    return good;
}

struct execution {
    struct attn_backend *backend;
    struct attn_memory *memory;
    const struct attn_plan *plan;
    struct attn_failure failure;
};

static bool execute_once(const struct bench *bench, void *context)
{
    struct execution *e = context;
    return e->backend->ops->upload(e->backend, e->memory, &bench->image, &e->failure) &&
           e->backend->ops->run(e->backend, e->memory, &bench->c.problem, e->plan, &e->failure);
}

/* One kernel, plain or checked; false when it cannot run. */
static bool kernel_rate(const struct bench *bench, const struct attn_plan *plan, bool checked)
{
    const struct attn_host_options options = { .checked = checked };
    struct execution e = { .plan = plan };
    char what[64];
    double runs = -1;
    snprintf(what, sizeof what, "%s_%s", attn_kernel(plan->kernel)->name, checked ? "checked" : "plain");
    e.backend = attn_host_open(&options);
    if (e.backend)
        e.memory =
            e.backend->ops->alloc(e.backend, &bench->c.problem, &bench->image, plan->workspace_bytes, &e.failure);
    if (e.memory)
        runs = rate(bench, execute_once, &e);
    if (runs < 0) {
        cli_error("%s: %s", what, e.backend ? e.failure.text : "out of memory");
    } else {
        double madds = runs * (double)attn_problem_work(&bench->c.problem);
        put(bench, what, "multiply-adds/s", madds);
        if (!bench->json)
            printf("  %.2f of the reference\n", madds / bench->reference_rate);
    }
    if (e.memory)
        e.backend->ops->free(e.backend, e.memory);
    if (e.backend)
        e.backend->ops->close(e.backend);
    return runs >= 0;
}

static int measure(struct bench *bench)
{
    int sum = 0, code = CLI_GOOD;
    struct attn_key key;
    if (bench->json) {
        char line[ATTN_CASE_LINE_MAX];
        attn_case_print(&bench->c, line, sizeof line);
        fputs("{\"line\":", stdout);
        cli_json_string(stdout, line);
        printf(",\"device\":\"%s\",\"multiply_adds\":%" PRId64, bench->device.name,
               attn_problem_work(&bench->c.problem));
    }
    put(bench, "plans", "plans/s", rate(bench, plan_once, &sum));
    if (!bench->json)
        putchar('\n');
    put(bench, "plans_different", "generated plans/s", different_rate(bench));
    if (!bench->json)
        putchar('\n');
    bench->reference_rate = rate(bench, refer_once, NULL) * (double)attn_problem_work(&bench->c.problem);
    put(bench, "reference", "multiply-adds/s", bench->reference_rate);
    if (!bench->json)
        putchar('\n');
    attn_key_of(&bench->c.problem, &key);
    for (int kernel = 0; kernel < ATTN_KERNEL_COUNT; kernel++) {
        struct attn_plan plan;
        if (!attn_plan_kernel(&bench->device, &key, kernel, &plan, NULL))
            continue;
        if (!kernel_rate(bench, &plan, false) || !kernel_rate(bench, &plan, true))
            code = CLI_BROKEN;
    }
    if (bench->json)
        puts("}");
    return code;
}

struct options {
    struct bench bench;
    struct bench_gpu_options gpu;
    bool occupancy;
};

static bool read_options(struct options *o, int argc, char **argv)
{
    int64_t seconds = 1;
    bool good = true;
    for (int c; good && (c = cli_option_next(&manual, argc, argv)) != -1;)
        switch (c) {
        case SECONDS: good = cli_option_number(&manual, c, optarg, 1, 3600, &seconds); break;
        case JSON: o->bench.json = true; break;
        case MACHINE: o->bench.machine = true; break;
        case SUBJECT: o->bench.subject = optarg; break;
        case OCCUPANCY: o->occupancy = true; break;
        case BACKEND: o->gpu.backend = optarg; break;
        case SAVE: o->gpu.save = optarg; break;
        case RANK: good = cli_option_number(&manual, c, optarg, 1, 1000000, &o->gpu.rank); break;
        case SEED: good = cli_option_number(&manual, c, optarg, 0, INT64_MAX, &o->gpu.seed); break;
        default: return false;
        }
    o->bench.seconds = (double)seconds;
    return good;
}

/* Planner, reference and host executor on a line. */
static int bench_line(struct bench *bench, const char *line)
{
    struct attn_text_error where;
    struct attn_error error;
    if (!attn_case_parse(line, strlen(line), &bench->c, &where)) {
        cli_error_at("argument 1", 1, where.column, "%s", where.message);
        return CLI_USAGE;
    }
    if (attn_problem_check(&bench->c.problem, &error) != ATTN_E_OK) {
        char text[384];
        attn_error_text(&error, text, sizeof text);
        cli_error_at("argument 1", 1, 1, "not legal (%s): %s", attn_error_name(error.code), text);
        return CLI_USAGE;
    }
    if (bench->c.run.device >= 0)
        cli_device_get(bench->c.run.device, bench->c.run.weakening, &bench->device);
    else
        bench->device = *attn_device_find("gfx942");
    if (!attn_image_create(&bench->c.problem, ATTN_RUN_BYTES_LIMIT, &bench->image)) {
        cli_error("the problem needs more memory than there is, or more than %" PRId64 " bytes", ATTN_RUN_BYTES_LIMIT);
        return CLI_USAGE;
    }
    attn_data_fill(&bench->c, &bench->image);
    int code = bench->subject
                   ? bench_counted(bench->subject, bench->argv, &bench->c, &bench->device, &bench->image, bench->json)
               : bench->machine ? bench_machine(&bench->c, &bench->device, &bench->image, bench->seconds, bench->json)
                                : measure(bench);
    attn_image_free(&bench->image);
    return code;
}

static int run(int argc, char **argv)
{
    struct options o = { .gpu = { .seed = 1 } };
    char *words[64]; /* getopt moves the arguments about */
    int n_words = 0;
    for (; n_words < argc && n_words < 63; n_words++)
        words[n_words] = argv[n_words];
    words[n_words] = NULL;
    o.bench.argv = words;
    if (!read_options(&o, argc, argv))
        return CLI_USAGE;
    if (o.bench.subject && !o.bench.machine) {
        cli_error("--subject goes with --machine");
        return CLI_USAGE;
    }
    if (o.occupancy)
        return bench_occupancy(argc - optind, argv + optind, o.bench.json);
    if (o.gpu.backend && strcmp(o.gpu.backend, "host")) {
        if (optind < argc) {
            cli_error("--backend %s takes no line", o.gpu.backend);
            return CLI_USAGE;
        }
        o.gpu.json = o.bench.json;
        o.gpu.rates = o.gpu.rank == 0;
        return bench_gpu(&o.gpu);
    }
    if (o.gpu.rank || o.gpu.save) {
        cli_error("--rank and --save need --backend hip");
        return CLI_USAGE;
    }
    if (argc - optind > 1) {
        cli_error("one line at most");
        return CLI_USAGE;
    }
    return bench_line(&o.bench, optind < argc ? argv[optind] : default_line);
}

const struct cli_verb cli_bench = { .manual = &manual, .run = run };
