/* zoo.c: attnfuzz zoo: plants each known fault and reports how it is found.
 *
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/input/interrupt.h"
#include "cli/input/message.h"
#include "cli/input/output.h"
#include "cli/verbs.h"
#include "cli/zoo/zoo.h"

enum zoo_option {
    BUILD = 1,
    SECONDS,
    SEEDS,
    WAYS,
    RESUME,
    FRESH,
    SHARD,
    JOBS,
    REPORT,
    JSON,
    MARKDOWN,
    HTML,
    EQUIVALENT
};

static const struct cli_option rows[] = {
    { "build", BUILD, "DIR", "a woven build's bin, which tests/zoo/build.sh makes", "what" },
    { "ways", WAYS, "LIST", "how faults are looked for, with commas (default all)", NULL },
    { "seconds", SECONDS, "N", "CPU seconds of a trial at most (default 60)", NULL },
    { "seeds", SEEDS, "N", "trials of each fault (default 3)", NULL },
    { "shard", SHARD, "I/N", "part I of N of the trials", NULL },
    { "jobs", JOBS, "N", "trials at once (default: as many as there are cores)", NULL },
    { "resume", RESUME, "FILE", "go on from FILE, which keeps what each trial has shown", "results" },
    { "fresh", FRESH, NULL, "what FILE has of another commit is done again", NULL },
    { "equivalent", EQUIVALENT, "FILE",
      "mutants that change nothing that can be told: a name and the reason, a line each", NULL },
    { "report", REPORT, NULL, "run nothing: print what FILE has", NULL },
    { "json", JSON, NULL, "one JSON object a fault", NULL },
    { "html", HTML, "FILE", "write a page too", NULL },
    { "markdown", MARKDOWN, NULL, "a table, as in docs/results.md", NULL },
    { NULL, 0, NULL, NULL, NULL },
};

static void put_ways(void)
{
#define X(NAME, name, text) printf("  %-8s  %s\n", #name, text);
    ZOO_WAYS(X)
#undef X
}

static const struct cli_manual manual = {
    .name = "zoo",
    .summary = "plant each known fault: reached, triggered, found by, CPU seconds",
    .usage = "--build DIR [options] [NAME...]",
    .brief = "Plants known faults (tests/faults, or mutants of planner and kernels), one at a time, and looks for each "
             "from an empty corpus until it is found or the CPU seconds are used up. NAME: only faults whose names "
             "contain it.",
    .text = "For each fault: was the planted place reached, did it make a difference there, which property of which "
            "target found it, after how many CPU seconds (user and system; the median of the seeds), and the shrunk "
            "line, which was run with the fault and without it. When it is interrupted, what is known until then is "
            "printed, and kept in FILE.",
    .options = rows,
    .heading = "ways",
    .table = put_ways,
    .examples = { { "zoo --build build/zoo/bin --resume zoo.json", "every fault in every way; a second call goes on" },
                  { "zoo --build build/zoo/bin --ways target --seeds 1 mask", "faults about masks, once" } },
    .codes = "0  every fault is found in the median of its seeds, by lines that hold without it, and nothing is found "
             "where no fault is planted\n1  one is not\n2  wrong usage or unreadable input\n3  something is missing "
             "here\n130, 143, 129  ended by Ctrl-C, SIGTERM, SIGHUP",
};

struct options {
    const char *build;
    int64_t seconds, seeds, shard, shards, jobs;
    unsigned ways;
    const char *resume, *equivalent, *html;
    bool fresh, report;
    int format;
};

static bool read_ways(char *text, unsigned *ways)
{
    char *rest = NULL;
    *ways = 0;
    for (char *word = strtok_r(text, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        int way = zoo_way_find(word);
        if (way < 0) {
            cli_error("zoo: there is no way '%s'", word);
            return false;
        }
        *ways |= 1u << way;
    }
    return *ways != 0;
}

static int read_options(int argc, char **argv, struct options *o)
{
    *o = (struct options){ .seconds = 60, .seeds = 3, .shard = 1, .shards = 1, .ways = (1u << ZOO_WAY_COUNT) - 1 };
    o->jobs = sysconf(_SC_NPROCESSORS_ONLN) > 0 ? sysconf(_SC_NPROCESSORS_ONLN) : 1;
    bool good = true;
    for (int c; good && (c = cli_option_next(&manual, argc, argv)) != -1;)
        switch (c) {
        case BUILD: o->build = optarg; break;
        case SECONDS: good = cli_option_number(&manual, c, optarg, 1, 86400, &o->seconds); break;
        case SEEDS: good = cli_option_number(&manual, c, optarg, 1, ZOO_SEEDS_MAX, &o->seeds); break;
        case JOBS: good = cli_option_number(&manual, c, optarg, 1, 1024, &o->jobs); break;
        case WAYS: good = read_ways(optarg, &o->ways); break;
        case RESUME: o->resume = optarg; break;
        case FRESH: o->fresh = true; break;
        case SHARD:
            good = cli_shard(optarg, &o->shard, &o->shards);
            if (!good)
                cli_error("zoo: --shard '%s': not I/N, I from 1 to N", optarg);
            break;
        case REPORT: o->report = true; break;
        case EQUIVALENT: o->equivalent = optarg; break;
        case JSON: o->format = ZOO_JSON; break;
        case HTML: o->html = optarg; break;
        case MARKDOWN: o->format = ZOO_MARKDOWN; break;
        default: return CLI_USAGE;
        }
    if (good && !o->build) {
        cli_error("zoo: --build DIR is missing");
        good = false;
    }
    if (good && o->report && !o->resume) {
        cli_error("zoo: --report wants --resume FILE, which it prints");
        good = false;
    }
    return good ? CLI_GOOD : CLI_USAGE;
}

static bool write_page(const char *path, const struct zoo *zoo)
{
    struct cli_output out;
    if (!cli_output_begin(&out, path))
        return false;
    zoo_page(out.file, zoo);
    return cli_output_end(&out);
}

static int run_zoo(int argc, char **argv)
{
    struct options o;
    struct zoo zoo;
    int code = read_options(argc, argv, &o);
    if (code != CLI_GOOD)
        return code;
    if (o.html && !cli_output_try(o.html))
        return CLI_USAGE;
    cli_interrupt_catch();
    code = zoo_read_list(&zoo, o.build, argv + optind, argc - optind);
    if (code == CLI_GOOD && !zoo_make_trials(&zoo, o.ways, o.seeds, o.seconds))
        code = CLI_LACKS;
    if (code == CLI_GOOD && o.equivalent && !zoo_read_equivalent(&zoo, o.equivalent))
        code = CLI_USAGE;
    if (code == CLI_GOOD && o.resume && !zoo_take_records(&zoo, o.resume, o.fresh))
        code = CLI_USAGE;
    if (code == CLI_GOOD && !o.report) {
        const struct zoo_how how = { (int)o.jobs, o.shard - 1, o.shards, o.resume, cli_interrupt_flag() };
        cli_interrupt_keep();
        code = zoo_run(&zoo, &how);
    }
    if (code != CLI_USAGE && zoo.n_trials > 0) {
        int wrong = zoo_report(&zoo, o.format);
        if (o.html && !write_page(o.html, &zoo))
            code = CLI_USAGE;
        code = cli_interrupt_code(code ? code : wrong ? CLI_BROKEN : CLI_GOOD);
    }
    zoo_free(&zoo);
    return code;
}

const struct cli_verb cli_zoo = { .manual = &manual, .run = run_zoo };
