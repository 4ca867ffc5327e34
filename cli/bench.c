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
#include "cli/counted.h"
#include "cli/input/device.h"
#include "cli/input/message.h"
#include "cli/input/place.h"
#include "cli/speed.h"
#include "cli/verbs.h"

enum bench_option {
    SECONDS = 1,
    AS,
    BACKEND,
    RANK,
    SEED,
    SAVE,
    MACHINE,
    SUBJECT,
    OCCUPANCY,
    JSON,
    KERNEL,
    TARGET,
    SORT,
    MAX_VGPRS,
    MAX_LDS,
    MAX_SCRATCH,
    MAX_SPILLS,
    MIN_WAVES
};

static const struct cli_option rows[] = {
    { "seconds", SECONDS, "S", "time for each measurement (default 1)", "options" },
    { "json", JSON, NULL, "one JSON object; of --occupancy one a kernel", NULL },
    { "as", AS, "FORM", "markdown: a table, as in docs/results.md; reference: rows of cli/speed_reference.h", NULL },
    { "backend", BACKEND, "hip[:N]", "measure this GPU", "a GPU" },
    { "rank", RANK, "N", "rank the kernels on N shapes, in place of decode and prefill", NULL },
    { "seed", SEED, "SEED", "draws those shapes (default 1)", NULL },
    { "save", SAVE, "DIR", "keep the prefill's data and result there, and the causal one's in DIR_causal", NULL },
    { "machine", MACHINE, NULL, "count what the machine code does (./dev amd builds it)", "AMD machine code" },
    { "subject", SUBJECT, "SUBJECT", "of a library's kernels for the line (attnfuzz check --help); goes with --machine",
      NULL },
    { "occupancy", OCCUPANCY, NULL, "the table of what kernels in libraries need", "what kernels need" },
    { "kernel", KERNEL, "PATTERN", "those kernels alone: a pattern (* ? []) of the plain or the mangled name", NULL },
    { "target", TARGET, "PATTERN", "of those targets alone: gfx11*", NULL },
    { "sort", SORT, "COLUMN",
      "the most of it first, with - before it the least: block, wave, vgprs, agprs, sgprs, lds, scratch, vspill, "
      "sspill, spills, code, waves, wgs",
      NULL },
    { "max-vgprs", MAX_VGPRS, "N", "exit code 1 when a kernel has more vector registers than that", NULL },
    { "max-lds", MAX_LDS, "BYTES", "or more static LDS", NULL },
    { "max-scratch", MAX_SCRATCH, "BYTES", "or more scratch", NULL },
    { "max-spills", MAX_SPILLS, "N", "or more spilled registers, vector and scalar", NULL },
    { "min-waves", MIN_WAVES, "N", "or leaves room for fewer waves of a SIMD, or nobody knows for how many", NULL },
    { NULL, 0, NULL, NULL, NULL },
};

static const struct cli_manual manual = {
    .name = "bench",
    .summary = "how fast planner, executor and reference are",
    .usage = "[options] [LINE]\n--machine [options] [LINE]\n--occupancy [options] FILE...",
    .brief = "Measures, in one process and in CPU time: plans a second, calls checked, problems judged, "
             "multiply-adds of the reference and of each able kernel on the host executor, wave instructions of their "
             "machine code. Each rate is given beside that of a reference run, both as ratios to a calibration loop, "
             "so that a slow machine is no regression. Or it measures a GPU, counts what machine code does, or lists "
             "what kernels need.",
    .text =
        "The line is a decode call of 32 heads and 1,024 keys unless one is given; it runs on the device it names, "
        "else on gfx942.\n\n"
        "With --backend hip a GPU is measured, with its own clock: copies on the device; decode of 16 sequences of "
        "32,768 keys by vec; prefill of 8,192 tokens by mma where that is able, else by the planner's choice; prefill "
        "of larger heads, with a causal mask and without, MLA decode, eleven rows. With --rank shapes are drawn, every "
        "able kernel is timed on each, and the planner's cost is held against the clock.\n\n"
        "With --machine the machine code of each able kernel for the AMD GPU is executed on the CPU and counted, by "
        "launch: wave instructions by class, bytes read and written against the least that the problem needs, "
        "passes of the LDS banks against those without conflicts, lanes that are active; and how fast it is "
        "executed, without checks and with, in CPU time.\n\n"
        "With --occupancy nothing is measured: of each kernel in the GPU code of the files (libraries with HIP code, "
        "bundles, code objects) registers, LDS, scratch, spills, and how many waves of a SIMD and workgroups of a "
        "compute unit (gfx10 and later: of a workgroup processor) they leave room for, for workgroups as large as the "
        "kernel takes. With limits it is a gate for builds: kernels beyond one are marked.",
    .options = rows,
    .codes = "0  all is within the limits\n1  a kernel fails, or is beyond a limit\n2  wrong usage\n3  something is "
             "missing here",
    .examples = { { "bench", "the rates of this machine" },
                  { "bench --occupancy libggml-hip.so", "registers, LDS and spills of each kernel in a library" },
                  { "bench --occupancy --kernel 'flash_attn*' --max-spills 0 --sort scratch libggml-hip.so",
                    "fails where an attention kernel spills" },
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
    int form; /* enum speed_form */
};

struct options {
    struct bench bench;
    struct bench_gpu_options gpu;
    bool occupancy, of_occupancy; /* said; something of it was */
    struct bench_occupancy_options table;
};

static bool read_form(const char *text, int *form)
{
    *form = strcmp(text, "markdown") == 0 ? SPEED_MARKDOWN : strcmp(text, "reference") == 0 ? SPEED_REFERENCE : -1;
    if (*form < 0)
        cli_error("--as %s: markdown or reference", text);
    return *form >= 0;
}

static bool read_column(const char *text, struct bench_occupancy_options *o)
{
    o->ascending = *text == '-';
    o->sort = bench_column_find(text + o->ascending);
    if (o->sort >= 0)
        return true;
    cli_error("--sort %s: there is no such column", text);
    return false;
}

/* An option of --occupancy. */
static bool read_table(struct options *o, int c, const char *text)
{
    struct bench_occupancy_options *t = &o->table;
    o->of_occupancy = true;
    switch (c) {
    case KERNEL: t->kernel = text; return true;
    case TARGET: t->target = text; return true;
    case SORT: return read_column(text, t);
    case MAX_VGPRS: return cli_option_number(&manual, c, text, 0, INT64_MAX, &t->most[BENCH_COLUMN_VGPRS]);
    case MAX_LDS: return cli_option_number(&manual, c, text, 0, INT64_MAX, &t->most[BENCH_COLUMN_LDS]);
    case MAX_SCRATCH: return cli_option_number(&manual, c, text, 0, INT64_MAX, &t->most[BENCH_COLUMN_SCRATCH]);
    case MAX_SPILLS: return cli_option_number(&manual, c, text, 0, INT64_MAX, &t->most[BENCH_COLUMN_SPILLS]);
    default: return cli_option_number(&manual, c, text, 0, INT64_MAX, &t->least[BENCH_COLUMN_WAVES]);
    }
}

static bool read_options(struct options *o, int argc, char **argv)
{
    int64_t seconds = 1;
    bool good = true;
    for (int c; good && (c = cli_option_next(&manual, argc, argv)) != -1;)
        switch (c) {
        case SECONDS: good = cli_option_number(&manual, c, optarg, 1, 3600, &seconds); break;
        case JSON: o->bench.json = true; break;
        case AS: good = read_form(optarg, &o->bench.form); break;
        case MACHINE: o->bench.machine = true; break;
        case SUBJECT: o->bench.subject = optarg; break;
        case OCCUPANCY: o->occupancy = true; break;
        case BACKEND: o->gpu.backend = optarg; break;
        case SAVE: o->gpu.save = optarg; break;
        case RANK: good = cli_option_number(&manual, c, optarg, 1, 1000000, &o->gpu.rank); break;
        case SEED: good = cli_option_number(&manual, c, optarg, 0, INT64_MAX, &o->gpu.seed); break;
        case KERNEL:
        case TARGET:
        case SORT:
        case MAX_VGPRS:
        case MAX_LDS:
        case MAX_SCRATCH:
        case MAX_SPILLS:
        case MIN_WAVES: good = read_table(o, c, optarg); break;
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
    const struct speed_options speed = { .c = &bench->c,
                                         .device = &bench->device,
                                         .image = &bench->image,
                                         .seconds = bench->seconds,
                                         .form = bench->json ? SPEED_JSON : bench->form };
    int code = bench->subject
                   ? bench_counted(bench->subject, bench->argv, &bench->c, &bench->device, &bench->image, bench->json)
               : bench->machine ? bench_machine(&bench->c, &bench->device, &bench->image, bench->seconds, bench->json)
                                : speed_measure(&speed);
    attn_image_free(&bench->image);
    return code;
}

static int run_with(struct options *o, int argc, char **argv)
{
    bench_occupancy_defaults(&o->table);
    if (!read_options(o, argc, argv))
        return CLI_USAGE;
    if (o->bench.subject && !o->bench.machine) {
        cli_error("--subject goes with --machine");
        return CLI_USAGE;
    }
    if (o->of_occupancy && !o->occupancy) {
        cli_error("--kernel, --target, --sort and limits go with --occupancy");
        return CLI_USAGE;
    }
    o->table.json = o->bench.json;
    if (o->occupancy)
        return bench_occupancy(&o->table, argc - optind, argv + optind);
    if (o->gpu.backend && strcmp(o->gpu.backend, "host")) {
        if (optind < argc) {
            cli_error("--backend %s takes no line", o->gpu.backend);
            return CLI_USAGE;
        }
        o->gpu.json = o->bench.json;
        o->gpu.rates = o->gpu.rank == 0;
        return bench_gpu(&o->gpu);
    }
    if (o->gpu.rank || o->gpu.save) {
        cli_error("--rank and --save need --backend hip");
        return CLI_USAGE;
    }
    if (argc - optind > 1) {
        cli_error("one line at most");
        return CLI_USAGE;
    }
    return bench_line(&o->bench, optind < argc ? argv[optind] : default_line);
}

static int run(int argc, char **argv)
{
    struct options o = { .gpu = { .seed = 1 }, .bench = { .argv = cli_words(argc, argv) } };
    const int code = o.bench.argv ? run_with(&o, argc, argv) : CLI_LACKS;
    free(o.bench.argv);
    return code;
}

const struct cli_verb cli_bench = { .manual = &manual, .run = run };
