/* walk.c: every case of the input on every device wanted for it.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/input/walk.h"

#include "cli/input/corpus.h"
#include "cli/input/message.h"

int walk_cases(int n, char **arguments, const struct cli_devices *asked, bool (*step)(const struct walk_step *, void *),
               void *context)
{
    struct corpus corpus;
    struct attn_case c;
    char line[ATTN_CASE_LINE_MAX], place[4096];
    int code = CLI_GOOD;
    bool any = false;
    if (!corpus_open(&corpus, n, arguments))
        return CLI_USAGE;
    while (corpus_next(&corpus, &c)) {
        struct cli_devices devices = *asked;
        if (devices.n == 0 && c.run.device >= 0) {
            devices.n = 1;
            devices.at[0].row = (int16_t)c.run.device;
            devices.at[0].weakening = (int16_t)c.run.weakening;
        } else if (devices.n == 0) {
            cli_devices_all(&devices);
        }
        any = true;
        attn_case_print(&c, line, sizeof line);
        corpus_place(&corpus, place, sizeof place);
        for (int i = 0; i < devices.n; i++) {
            struct walk_step at = { .c = &c, .line = line, .place = place, .first = i == 0 };
            cli_device_get(devices.at[i].row, devices.at[i].weakening, &at.device);
            cli_device_name(devices.at[i].row, devices.at[i].weakening, at.device_name, sizeof at.device_name);
            if (!step(&at, context))
                code = CLI_BROKEN;
        }
    }
    if (!any && !corpus.errors) {
        cli_error("no problem line in the input");
        code = CLI_USAGE;
    }
    return corpus_close(&corpus, code);
}
