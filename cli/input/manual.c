/* manual.c: options are read by the table that describes them.
 *
 * SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <inttypes.h>
#include <stddef.h>

#include "cli/input/manual.h"
#include "cli/input/message.h"

enum { OPTIONS_MAX = 64 };

int cli_option_next(const struct cli_manual *m, int argc, char **argv)
{
    struct option longs[OPTIONS_MAX + 1] = { { 0 } };
    for (int i = 0; i < OPTIONS_MAX && m->options[i].name; i++)
        longs[i] = (struct option){ .name = m->options[i].name,
                                    .has_arg = m->options[i].value ? required_argument : no_argument,
                                    .val = m->options[i].id };
    const int found = getopt_long(argc, argv, m->stops ? "+" : "", longs, NULL);
    if (found == '?')
        cli_usage_error(m->name);
    return found;
}

const char *cli_option_name(const struct cli_manual *m, int id)
{
    for (const struct cli_option *o = m->options; o->name; o++)
        if (o->id == id && o->text)
            return o->name;
    return "";
}

bool cli_option_number(const struct cli_manual *m, int id, const char *text, int64_t low, int64_t high, int64_t *value)
{
    if (cli_number(text, low, high, value))
        return true;
    if (high == INT64_MAX)
        cli_error("--%s %s: a number from %" PRId64, cli_option_name(m, id), text, low);
    else
        cli_error("--%s %s: a number from %" PRId64 " to %" PRId64, cli_option_name(m, id), text, low, high);
    return false;
}
