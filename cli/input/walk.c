/* walk.c: every case of the input on every device wanted for it.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/input/walk.h"

#include <stdio.h>

#include "cli/input/corpus.h"
#include "cli/input/message.h"
#include "fuzz/properties/properties.h"

void walk_put_json(const struct walk_step *at)
{
    fputs("{\"line\":", stdout);
    cli_json_string(stdout, at->line);
    cli_json_text(stdout, "at", at->place);
    cli_json_text(stdout, "on", at->device_name);
}

void walk_put_text(const struct walk_step *at)
{
    if (at->first)
        printf("%s: %s\n", at->place, at->line);
    if (at->weakened)
        printf("  %s:\n", at->device_name);
}

struct walk_options {
    struct cli_devices devices;
    bool json, flag;
};

static bool read_options(const struct walk_verb *verb, int argc, char **argv, struct walk_options *o)
{
    for (int c; (c = cli_option_next(verb->manual, argc, argv)) != -1;) {
        if (c == '?' || (c == WALK_DEVICE && !cli_devices_add(&o->devices, optarg)))
            return false;
        o->json |= c == WALK_JSON;
        o->flag |= c == WALK_FLAG;
    }
    return true;
}

static bool walk_case(const struct walk_verb *verb, const struct walk_options *o, struct walk_step *at)
{
    struct cli_devices devices;
    bool good = true;
    cli_devices_wanted(&o->devices, at->c->run.device, at->c->run.weakening, &devices);
    for (int i = 0; i < devices.n; i++) {
        at->first = i == 0;
        at->weakened = devices.at[i].weakening >= 0;
        cli_device_get(devices.at[i].row, devices.at[i].weakening, &at->device);
        cli_device_name(devices.at[i].row, devices.at[i].weakening, at->device_name, sizeof at->device_name);
        if (verb->step(at, o->json, o->flag))
            continue;
        cli_error("P%d %s: no kernel is able on %s for %s", ATTN_P_TOTAL, attn_property_name(ATTN_P_TOTAL),
                  at->device_name, at->place);
        good = false;
    }
    return good;
}

int walk(const struct walk_verb *verb, int argc, char **argv)
{
    struct walk_options options = { .json = false };
    struct corpus corpus;
    struct attn_case c;
    char line[ATTN_CASE_LINE_MAX], place[4096];
    int code = CLI_GOOD;
    bool any = false;
    if (!read_options(verb, argc, argv, &options) || !corpus_open(&corpus, argc - optind, argv + optind))
        return CLI_USAGE;
    while (corpus_next(&corpus, &c)) {
        struct walk_step at = { .c = &c, .line = line, .place = place };
        any = true;
        attn_case_print(&c, line, sizeof line);
        corpus_place(&corpus, place, sizeof place);
        if (!walk_case(verb, &options, &at))
            code = CLI_BROKEN;
    }
    if (!any && !corpus.errors)
        code = corpus_none(NULL);
    return corpus_close(&corpus, code);
}
