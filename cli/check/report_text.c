/* report_text.c: what was found, as text.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check/baseline.h"
#include "cli/check/foreign.h"
#include "cli/check/group.h"
#include "cli/check/report.h"
#include "cli/check/word.h"
#include "cli/input/interrupt.h"

/* The finding's id, with its devices where the baseline has it on others. */
static void put_id(FILE *out, const struct check *check, const struct check_finding *f)
{
    char devices[192];
    fprintf(out, "    id:         %s", f->id);
    if (f->fresh && f->fresh != f->devices) {
        check_device_list(check, f->fresh, devices, sizeof devices);
        fprintf(out, "   (not known on %s)", devices);
    }
    putc('\n', out);
}

static void group_text(FILE *out, const struct check *check, int number)
{
    char line[ATTN_CASE_LINE_MAX], devices[192];
    struct check_group group;
    if (!check_group_get(check, number, &group))
        return;
    const struct check_finding *f = group.stands;
    check_device_list(check, group.devices, devices, sizeof devices);
    check_line(check, f, line);
    fprintf(out, "%2d. %s%s\n    %s\n", number + 1, f->group, f->known ? "   (known: in the baseline)" : "",
            check_kind_meaning(f->kind));
    fprintf(out, "    reach:      %s: %s\n", check_reach_name(f->reach), check_reach_meaning(f->reach));
    if (group.needs[0])
        fprintf(out, "    fields:     %s\n", group.needs);
    fprintf(out, "    calls:      %" PRIu64 " of %" PRIu64 "; %d distinct\n", group.calls, check->calls, group.members);
    fprintf(out, "    devices:    %s\n    head sizes: %s\n", devices, group.heads);
    if (group.types[0])
        fprintf(out, "    types K/V:  %s\n", group.types);
    if (f->message[0])
        fprintf(out, "    message:    %s\n", f->message);
    if (f->source[0])
        fprintf(out, "    source:     %s\n", f->source);
    if (f->launch.kernel)
        fprintf(out, "    launch:     %s grid %u x %u x %u, block %u x %u x %u, %u bytes of dynamic LDS\n",
                f->launch.kernel, f->launch.grid[0], f->launch.grid[1], f->launch.grid[2], f->launch.block[0],
                f->launch.block[1], f->launch.block[2], f->launch.lds_dynamic_bytes);
    fprintf(out, "    line:       %s\n", line);
    if (f->has_before) {
        char text[ATTN_LINE_MAX];
        attn_problem_print(&f->before, text, sizeof text);
        fprintf(out, "    after:      %s\n", text);
    }
    if (f->has_neighbour) {
        char text[ATTN_LINE_MAX];
        attn_problem_print(&f->neighbour, text, sizeof text);
        fprintf(out, "    supported:  %s\n", text);
        fprintf(out, "                (any one of these fields makes it so: %s)\n", f->fields);
    }
    if (!f->known)
        for (int i = 0; i < group.members; i++)
            put_id(out, check, &group.first[i]);
}

static void differences_text(FILE *out, const struct check *check)
{
    if (!check->n_differences)
        return;
    fprintf(out, "Within a family of architectures (information):\n");
    for (int i = 0; i < check->n_differences; i++) {
        const struct check_difference *d = &check->difference[i];
        char line[ATTN_LINE_MAX];
        attn_problem_print(&d->problem, line, sizeof line);
        fprintf(out, "  %s: %s, %s: %s (%" PRIu64 " problems)\n    %s\n", check->subject->device[d->a].name,
                d->kernel_a, check->subject->device[d->b].name, d->kernel_b, d->calls, line);
    }
}

void check_report_text(FILE *out, const struct check *check)
{
    char devices[256], types[2048];
    int n = check_group_count(check), unknown = 0;
    for (int i = 0; i < check->n_findings; i++)
        unknown += !check->finding[i].known;
    devices[0] = 0;
    for (int i = 0; i < check->subject->n_devices; i++)
        if (check->devices >> i & 1)
            snprintf(devices + strlen(devices), sizeof devices - strlen(devices), "%s%s", devices[0] ? "," : "",
                     check->subject->device[i].name);
    fprintf(out, "subject   %s\ndevices   %s\n", check->subject->name, devices);
    fprintf(out,
            "calls     %" PRIu64 " (%" PRIu64 " problems), about %" PRIu64 " different ones, and %" PRIu64
            " made again, in %.1f s: %.0f different ones a second of a core, %.0f with all; seed %" PRIu64 "\n",
            check->calls, check->problems, check_distinct(check), check->again, check->elapsed_seconds,
            check_distinct_rate(check), check_rate(check, check->cpu_seconds), check->seed);
    fprintf(out,
            "          %" PRIu64 " supported, %" PRIu64 " refused, %" PRIu64
            " launches; attention kernels x devices: %" PRIu64 "\n",
            check->supported, check->refused, check->launches, check->pairs);
    if (check->execute)
        fprintf(out,
                "executed  %" PRIu64 " calls, %.1f a second of a core; %" PRIu64
                " launches, %.2f%% of them to an end; unsupported %" PRIu64 "%s%s\n",
                check->executed, check->execute_seconds > 0 ? (double)check->executed / check->execute_seconds : 0,
                check->executed_launches,
                check->executed_launches
                    ? 100 - 100 * (double)check->unsupported_launches / (double)check->executed_launches
                    : 0,
                check->unsupported, check->unsupported_text[0] ? ": " : "", check->unsupported_text);
    if (check->beyond)
        fprintf(out,
                "          %" PRIu64
                " of the supported are larger than what is executed here: launches alone are judged\n",
                check->beyond);
    if (check->blind)
        fprintf(out, "          %" PRIu64 " of them blind: of a type or a source that nobody here can read\n",
                check->blind);
    if (check_foreign_text(check, types, sizeof types))
        fprintf(out, "types     of its own: %s\n", types);
    if (check->graphs)
        fprintf(out, "graphs    %" PRIu64 " calls made again at the same place, %" PRIu64 " graphs replayed%s\n",
                check->repeated, check->replays, check->replays || check->subject->alone ? "" : ": none was captured");
    if (check->too_big)
        fprintf(out, "          %" PRIu64 " supported, but larger than %s, and not judged%s%s\n", check->too_big,
                check->subject->alone ? "what is computed here" : "the memory there is",
                check->too_big_text[0] ? ": " : "", check->too_big_text);
    if (check->not_legal)
        fprintf(out, "          %" PRIu64 " problems that the subject's callers cannot make were left out%s%s\n",
                check->not_legal, check->not_legal_text[0] ? ": " : "", check->not_legal_text);
    if (check->lost_signs || check->lost_findings)
        fprintf(out,
                "          more kinds of trouble than there is room for: %" PRIu64 " calls are not accounted for\n",
                check->lost_signs + check->lost_findings);
    if (check->stopped)
        fprintf(out, "stopped   by %s: what was found until then\n", cli_interrupt_name(check->stopped));
    fprintf(out, "findings  %d not known, %d known, in %d groups", unknown, check->n_findings - unknown, n);
    if (check->n_beyond)
        fprintf(out, "; %d farther than --reach %s are left out", check->n_beyond, check_reach_name(check->most_reach));
    fputs("\n\n", out);
    for (int i = 0, far = -1; i < n; i++) {
        if (check_group_far(check, i) != far && (far = check_group_far(check, i)))
            fprintf(out, "Far, %s:\n\n", check_reach_meaning(CHECK_REACH_FAR));
        group_text(out, check, i);
        putc('\n', out);
    }
    differences_text(out, check);
    for (int e = 0; e < check->baseline->n; e++)
        if (!check->baseline->entry[e].used)
            fprintf(out, "baseline line %" PRId64 " was not met: %s\n", check->baseline->entry[e].line,
                    check->baseline->entry[e].pattern);
}
