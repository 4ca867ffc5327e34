/* zoo.c: attnfuzz zoo: plants each known fault and reports how it is found.
 *
 * SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/input/interrupt.h"
#include "cli/input/message.h"
#include "cli/verbs.h"
#include "cli/zoo/zoo.h"

static const char help[] =
    "usage: attnfuzz zoo --build DIR [options] [NAME...]\n\n"
    "Plants known faults (tests/faults, or mutants of planner and kernels), one at a time, and looks for each from\n"
    "an empty corpus until it is found or the CPU seconds are used up. DIR is a woven build's bin, which\n"
    "tests/zoo/build.sh makes. For each fault: was the planted place reached, did it make a difference there, which\n"
    "property of which target found it, after how many CPU seconds (user and system; the median of the seeds), and\n"
    "the shrunk line, which was run with the fault and without it. NAME: only faults whose names contain it.\n\n"
    "options:\n"
    "  --seconds N      CPU seconds of a trial at most (default 60)\n"
    "  --seeds N        trials of each fault (default 3)\n"
    "  --ways LIST      how faults are looked for, with commas (default all):\n"
    "                     target   its fuzz targets, as they are\n"
    "                     raw      the same without the mutator: libFuzzer alone\n"
    "                     uniform  the same on uniformly random bytes\n"
    "                     grid     the cases of test-backend-ops, judged by a tensor's NMSE 5e-4\n"
    "  --resume FILE    go on from FILE, which keeps what each trial has shown\n"
    "  --fresh          what FILE has of another commit is done again\n"
    "  --shard I/N      part I of N of the trials\n"
    "  --jobs N         trials at once (default: as many as there are cores)\n"
    "  --report         run nothing: print what FILE has\n"
    "  --json           one JSON object a fault\n"
    "  --markdown       a table, as in docs/results.md\n"
    "  --equivalent FILE  mutants that change nothing that can be told: a name and the reason, a line each\n"
    "  --help           this text\n\n"
    "exit codes: 0 every fault is found in the median of its seeds, by lines that hold without it, and nothing is\n"
    "found where no fault is planted; 1 one is not; 2 usage or unreadable input; 3 something is lacking; 130, 143,\n"
    "129 when interrupted: what is known until then is printed, and kept in FILE\n";

struct options {
    const char *build;
    int64_t seconds, seeds, shard, shards, jobs;
    unsigned ways;
    const char *resume, *equivalent;
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

/* A number's option; false with a message. */
static bool number(const char *option, const char *text, int64_t low, int64_t high, int64_t *value)
{
    if (cli_number(text, low, high, value))
        return true;
    cli_error("zoo: --%s '%s': not a number from %lld to %lld", option, text, (long long)low, (long long)high);
    return false;
}

static int read_options(int argc, char **argv, struct options *o)
{
    static const struct option list[] = {
        { "build", 1, NULL, 'b' },      { "seconds", 1, NULL, 's' }, { "seeds", 1, NULL, 'n' },
        { "ways", 1, NULL, 'w' },       { "resume", 1, NULL, 'r' },  { "fresh", 0, NULL, 'f' },
        { "shard", 1, NULL, 'i' },      { "jobs", 1, NULL, 'j' },    { "report", 0, NULL, 'p' },
        { "equivalent", 1, NULL, 'e' }, { "json", 0, NULL, 'J' },    { "markdown", 0, NULL, 'm' },
        { NULL, 0, NULL, 0 },
    };
    *o = (struct options){ .seconds = 60, .seeds = 3, .shard = 1, .shards = 1, .ways = (1u << ZOO_WAY_COUNT) - 1 };
    o->jobs = sysconf(_SC_NPROCESSORS_ONLN) > 0 ? sysconf(_SC_NPROCESSORS_ONLN) : 1;
    bool good = true;
    for (int c; good && (c = getopt_long(argc, argv, "", list, NULL)) != -1;)
        switch (c) {
        case 'b': o->build = optarg; break;
        case 's': good = number("seconds", optarg, 1, 86400, &o->seconds); break;
        case 'n': good = number("seeds", optarg, 1, ZOO_SEEDS_MAX, &o->seeds); break;
        case 'j': good = number("jobs", optarg, 1, 1024, &o->jobs); break;
        case 'w': good = read_ways(optarg, &o->ways); break;
        case 'r': o->resume = optarg; break;
        case 'f': o->fresh = true; break;
        case 'i':
            good = cli_shard(optarg, &o->shard, &o->shards);
            if (!good)
                cli_error("zoo: --shard '%s': not I/N, I from 1 to N", optarg);
            break;
        case 'p': o->report = true; break;
        case 'e': o->equivalent = optarg; break;
        case 'J': o->format = ZOO_JSON; break;
        case 'm': o->format = ZOO_MARKDOWN; break;
        default: return cli_usage_error("zoo");
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

static int run_zoo(int argc, char **argv)
{
    struct options o;
    struct zoo zoo;
    int code = read_options(argc, argv, &o);
    if (code != CLI_GOOD)
        return code;
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
        code = cli_interrupt_code(code ? code : wrong ? CLI_BROKEN : CLI_GOOD);
    }
    zoo_free(&zoo);
    return code;
}

const struct cli_verb cli_zoo = {
    .name = "zoo",
    .summary = "plant each known fault: reached, triggered, found by, CPU seconds",
    .help = help,
    .run = run_zoo,
};
