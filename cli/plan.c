/* plan.c: attnfuzz plan: the plan of each line on each device.
 *
 * SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <string.h>

#include "cli/input/message.h"
#include "cli/input/walk.h"
#include "cli/verbs.h"

static const char help[] =
    "usage: attnfuzz plan [options] FILE|DIR|LINE|-...\n\n"
    "Prints the plan of each problem line: the kernel chosen, its configuration, launches, conversions, workspace\n"
    "and plan key. A line is planned on the devices of --device, else on the one it names (dev=), else on every\n"
    "device of the table. A kernel that a line forces (kernel=) is planned where it is able.\n"
    "A session is the problems of its steps, each different one once, in the order they come up.\n\n"
    "session { STATEMENT; ... } over one or more lines; first the server, then what happens:\n"
    "  layer NAME heads=N/M d=D[/DV] [type=T[/TV]] [window=N] [scale=F] [softcap=F] [max_bias=F] [sinks] [view]\n"
    "    [draft]\n"
    "  device NAME[~WEAKENING]  split N  slots N  cells N  cache unified|streams  ubatch N  pad N  base N  rows N\n"
    "  mask exact|padded=N|kept  masks each|shared  swa window|full  seed N  schedule N\n"
    "  slot N  prefill N  decode N  together N  draft N accept M [times K]  drafts N accept M [times K]\n"
    "  checkpoint  restore  reuse lcp=SHARE [prompt=N]  copy N  shift keep=N  defrag  clear\n\n"
    "options:\n"
    "  --device NAME  plan on this device; NAME~WEAKENING for a weakened one, several with commas, or all\n"
    "  --json         one JSON object a line, with at least kernel, device, grid, block, lds_static_bytes,\n"
    "                 lds_dynamic_bytes, workspace_bytes, splits, columns, key, and the line itself\n"
    "  --help         this text\n";

struct options {
    bool json;
};

static bool plan_step(const struct walk_step *at, void *context)
{
    const struct options *options = context;
    struct attn_plan plan;
    char text[8192];
    int forced = at->c->run.kernel;
    struct attn_key key;
    attn_key_of(&at->c->problem, &key);
    bool planned = forced >= 0 ? attn_plan_kernel(&at->device, &key, forced, &plan, NULL)
                               : attn_plan(&at->device, &at->c->problem, &plan, NULL) >= 0;
    if (options->json) {
        fputs("{\"line\":", stdout);
        cli_json_string(stdout, at->line);
        fputs(",\"at\":", stdout);
        cli_json_string(stdout, at->place);
        fputs(",\"on\":", stdout);
        cli_json_string(stdout, at->device_name);
        if (planned) {
            attn_plan_json(&plan, text, sizeof text);
            printf(",%s\n", text + 1);
        } else {
            puts(",\"kernel\":null}");
        }
    } else {
        if (at->first)
            printf("%s: %s\n", at->place, at->line);
        if (strchr(at->device_name, '~'))
            printf("  %s:\n", at->device_name);
        if (planned) {
            attn_plan_text(&plan, text, sizeof text);
            cli_put_block("  ", text);
        } else if (forced >= 0) {
            printf("  %s: %s is not able; attnfuzz explain says why\n", at->device.name, attn_kernel(forced)->name);
        } else {
            printf("  %s: no kernel is able\n", at->device.name);
        }
    }
    if (planned || forced >= 0)
        return true;
    cli_error("P1 total: no kernel is able on %s for %s", at->device_name, at->place);
    return false;
}

static int run(int argc, char **argv)
{
    static const struct option longs[] = { { "device", required_argument, NULL, 'd' },
                                           { "json", no_argument, NULL, 'j' },
                                           { NULL, 0, NULL, 0 } };
    struct cli_devices devices = { .n = 0 };
    struct options options = { .json = false };
    for (int o; (o = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (o == 'd' && !cli_devices_add(&devices, optarg))
            return CLI_USAGE;
        if (o == 'j')
            options.json = true;
        if (o == '?')
            return cli_usage_error("plan");
    }
    return walk_cases(argc - optind, argv + optind, &devices, plan_step, &options);
}

const struct cli_verb cli_plan = {
    .name = "plan", .summary = "the plan of each line on each device", .help = help, .run = run
};
