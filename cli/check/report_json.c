/* report_json.c: what was found, as JSON.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check/field.h"
#include "cli/check/baseline.h"
#include "cli/check/report.h"
#include "cli/check/snippet.h"
#include "cli/check/word.h"
#include "cli/input/message.h"

static void json_devices(FILE *out, const struct check *check, uint32_t devices)
{
    putc('[', out);
    for (int i = 0, first = 1; i < check->subject->n_devices; i++)
        if (devices >> i & 1) {
            if (!first)
                putc(',', out);
            cli_json_string(out, check->subject->device[i].name);
            first = 0;
        }
    putc(']', out);
}

static void json_finding(FILE *out, const struct check *check, const struct check_finding *f)
{
    char line[ATTN_CASE_LINE_MAX];
    check_line(check, f, line);
    fputs("{\"kind\":", out);
    cli_json_string(out, check_kind_name(f->kind));
    cli_json_text(out, "id", f->id);
    cli_json_text(out, "reach", check_reach_name(f->reach));
    cli_json_text(out, "reach_meaning", check_reach_meaning(f->reach));
    cli_json_text(out, "group", f->group);
    cli_json_text(out, "needs", f->needs);
    cli_json_text(out, "meaning", check_kind_meaning(f->kind));
    fprintf(out, ",\"known\":%s,\"calls\":%" PRIu64, f->known ? "true" : "false", f->calls);
    cli_json_text(out, "device", check->subject->device[f->device].name);
    fputs(",\"devices\":", out);
    json_devices(out, check, f->devices);
    fputs(",\"not_known_on\":", out);
    json_devices(out, check, f->fresh);
    cli_json_text(out, "line", line);
    cli_json_text(out, "message", f->message);
    if (f->launch.kernel) {
        fputs(",\"launch\":{\"kernel\":", out);
        cli_json_string(out, f->launch.kernel);
        fprintf(out, ",\"grid\":[%u,%u,%u],\"block\":[%u,%u,%u],\"lds_dynamic_bytes\":%u}", f->launch.grid[0],
                f->launch.grid[1], f->launch.grid[2], f->launch.block[0], f->launch.block[1], f->launch.block[2],
                f->launch.lds_dynamic_bytes);
        if (f->launch_number)
            fprintf(out, ",\"launch_number\":%" PRIu64, f->launch_number);
    }
    if (f->has_before) {
        char text[ATTN_LINE_MAX];
        attn_problem_print(&f->before, text, sizeof text);
        cli_json_text(out, "after", text);
    }
    if (f->source[0])
        cli_json_text(out, "source", f->source);
    if (f->has_neighbour) {
        char text[ATTN_LINE_MAX];
        attn_problem_print(&f->neighbour, text, sizeof text);
        cli_json_text(out, "field", check_field_name(f->field));
        cli_json_text(out, "fields", f->fields);
        cli_json_text(out, "supported", text);
    }
    char *snippet = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&snippet, &size);
    if (memory) {
        check_snippet(memory, check, f);
        fclose(memory);
        cli_json_text(out, "snippet", snippet);
        free(snippet);
    }
    putc('}', out);
}

void check_report_json(FILE *out, const struct check *check)
{
    fputs("{\"subject\":", out);
    cli_json_string(out, check->subject->name);
    fputs(",\"devices\":", out);
    json_devices(out, check, check->devices);
    fprintf(out, ",\"blind\":%" PRIu64 ",\"own_types\":[", check->blind);
    for (int i = 0; i < check->draw.n_types; i++) {
        fputs(i ? "," : "", out);
        cli_json_string(out, check->draw.type[i]->info.name);
    }
    fprintf(out, "],\"again\":%" PRIu64 ",\"different\":%" PRIu64 ",\"calls_per_cpu_second\":%.0f", check->again,
            check_distinct(check), check_rate(check, check->cpu_seconds));
    fprintf(out, ",\"different_per_cpu_second\":%.0f", check_distinct_rate(check));
    fprintf(out,
            ",\"repeated\":%" PRIu64 ",\"replays\":%" PRIu64 ",\"seed\":%" PRIu64 ",\"calls\":%" PRIu64
            ",\"problems\":%" PRIu64 ",\"supported\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"launches\":%" PRIu64
            ",\"too_big\":%" PRIu64 ",\"beyond\":%" PRIu64 ",\"not_legal\":%" PRIu64 ",\"executed\":%" PRIu64
            ",\"executed_launches\":%" PRIu64 ",\"unsupported_launches\":%" PRIu64 ",\"pairs\":%" PRIu64
            ",\"stopped\":%d,\"seconds\":%.3f,\"calls_per_second\":%.0f,\n\"findings\":[",
            check->repeated, check->replays, check->seed, check->calls, check->problems, check->supported,
            check->refused, check->launches, check->too_big, check->beyond, check->not_legal, check->executed,
            check->executed_launches, check->unsupported_launches, check->pairs, check->stopped, check->elapsed_seconds,
            check_rate(check, check->elapsed_seconds));
    for (int i = 0; i < check->n_findings; i++) {
        fputs(i ? ",\n" : "\n", out);
        json_finding(out, check, &check->finding[i]);
    }
    fprintf(out, "],\"most_reach\":\"%s\",\"beyond\":%d,\n\"gone\":[", check_reach_name(check->most_reach),
            check->n_beyond);
    for (int i = 0, any = 0; i < check->baseline->n; i++)
        if (!check->baseline->entry[i].used) {
            fputs(any++ ? "," : "", out);
            cli_json_string(out, check->baseline->entry[i].pattern);
        }
    fputs("],\n\"differences\":[", out);
    for (int i = 0; i < check->n_differences; i++) {
        const struct check_difference *d = &check->difference[i];
        char line[ATTN_LINE_MAX];
        attn_problem_print(&d->problem, line, sizeof line);
        fprintf(out, "%s{\"a\":", i ? ",\n" : "\n");
        cli_json_string(out, check->subject->device[d->a].name);
        cli_json_text(out, "b", check->subject->device[d->b].name);
        cli_json_text(out, "kernel_a", d->kernel_a);
        cli_json_text(out, "kernel_b", d->kernel_b);
        cli_json_text(out, "line", line);
        fprintf(out, ",\"problems\":%" PRIu64 "}", d->calls);
    }
    fputs("]}\n", out);
}
