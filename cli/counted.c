/* counted.c: see counted.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/counted.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench/machine.h"
#include "cli/check/execute.h"
#include "cli/check/open.h"
#include "cli/input/message.h"

static int number_of(const struct attn_subject *subject, const char *device)
{
    for (int i = 0; i < subject->n_devices; i++)
        if (!strcmp(subject->device[i].name, device))
            return i;
    return -1;
}

/* Computes the call; false after a message. */
static bool compute(struct attn_subject *subject, int device, const struct attn_problem *p,
                    const struct attn_image *image, struct attn_subject_ran *ran)
{
    const struct attn_subject_data data = check_execute_data(p, image);
    struct attn_subject_answer answer;
    const char *why;
    if (!attn_subject_legal(subject, p, &why)) {
        cli_error("the subject's callers cannot make this problem: %s", why);
        return false;
    }
    attn_subject_compute(subject, device, p, &data, &answer, ran);
    if (answer.status != ATTN_SUBJECT_YES || ran->stopped || ran->unsupported) {
        cli_error("%s", *ran->text        ? ran->text
                        : *answer.message ? answer.message
                                          : attn_subject_status_name(answer.status));
        return false;
    }
    return true;
}

int bench_counted(const char *name, char **argv, const struct attn_case *c, const struct attn_device *device,
                  const struct attn_image *image, bool json)
{
    const struct check_subject_options options = { .subject = name };
    struct attn_subject *subject;
    struct attn_subject_ran ran;
    uint64_t read, written;
    int code = check_open(&options, argv, &subject);
    if (code != CLI_GOOD)
        return code;
    const int number = number_of(subject, device->name);
    if (number < 0 || !attn_subject_computes(subject)) {
        cli_error("%s computes nothing for %s", name, device->name);
        return CLI_USAGE;
    }
    if (!compute(subject, number, &c->problem, image, &ran))
        return CLI_BROKEN;
    bench_machine_least(&c->problem, &read, &written);
    if (json) {
        printf("{\"device\":\"%s\",\"least_read\":%" PRIu64 ",\"least_written\":%" PRIu64 ",", device->name, read,
               written);
        cli_json_text(stdout, "subject", subject->name);
        fputs(",\"launches\":{", stdout);
        bench_machine_put_json("all", &ran.counts, "");
        puts("}}");
    } else {
        printf("%s on %s, least bytes read %" PRIu64 ", written %" PRIu64 "\n", subject->name, device->name, read,
               written);
        bench_machine_put("all", &ran.counts, read, written);
    }
    fflush(stdout);
    _Exit(CLI_GOOD); /* a foreign library's end is not waited for */
}
