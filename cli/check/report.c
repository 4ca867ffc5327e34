/* report.c: what was found, as text and JSON. See check.h.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check/check.h"

static double rate(const struct check *check, double seconds)
{
    return seconds > 0 ? (double)(check->calls + check->again) / seconds : 0;
}

void check_line(const struct check *check, const struct check_finding *f, char line[ATTN_CASE_LINE_MAX])
{
    struct attn_case c = { .problem = f->problem };
    attn_run_default(&c.run);
    const char *name = check->subject->device[f->device].name;
    for (int row = 0; row < attn_device_count(); row++)
        if (!strcmp(attn_device(row)->name, name))
            c.run.device = row;
    attn_case_print(&c, line, ATTN_CASE_LINE_MAX);
}

static bool same_group(const struct check_finding *a, const struct check_finding *b)
{
    return a->known == b->known && !strcmp(a->group, b->group);
}

/* Findings are sorted, so a group is a run of them. */
const struct check_finding *check_group(const struct check *check, int number, int *n, uint64_t *calls, int *members)
{
    const struct check_finding *stands = NULL;
    int group = -1;
    *calls = 0;
    *members = 0;
    for (int i = 0; i < check->n_findings; i++) {
        const struct check_finding *f = &check->finding[i];
        if (i == 0 || !same_group(f, f - 1))
            group++;
        if (group != number)
            continue;
        if (!stands || check_simpler(&f->problem, &stands->problem))
            stands = f;
        *calls += f->calls;
        ++*members;
    }
    *n = group + 1;
    return stands;
}

/* Adds a word to a list unless it is there. */
static void add_word(char *list, size_t cap, const char *word)
{
    size_t len = strlen(word), used = strlen(list);
    for (const char *at = list; (at = strstr(at, word)); at += len)
        if ((at == list || at[-1] == ' ') && (at[len] == 0 || at[len] == ' '))
            return;
    if (used + len + 8 < cap)
        snprintf(list + used, cap - used, "%s%s", used ? " " : "", word);
    else if (used < 3 || strcmp(list + used - 3, "..."))
        snprintf(list + used, cap - used, " ...");
}

/* The particulars of a group: its keys' third word and on, each once. */
void check_particulars(const struct check *check, int number, char *heads, char *types, size_t cap)
{
    int group = -1;
    heads[0] = types[0] = 0;
    for (int i = 0; i < check->n_findings; i++) {
        const struct check_finding *f = &check->finding[i];
        if (i == 0 || !same_group(f, f - 1))
            group++;
        if (group != number)
            continue;
        char word[64];
        if (check_head_size(&f->problem) == ATTN_HEAD_SIZE_COUNT)
            snprintf(word, sizeof word, "other");
        else
            snprintf(word, sizeof word, "%d/%d", (int)attn_d_k(&f->problem), (int)attn_d_v(&f->problem));
        add_word(heads, cap, word);
        if (f->kind == CHECK_HOLE && !strcmp(f->field, "types")) {
            snprintf(word, sizeof word, "%s/%s", attn_type_info(f->problem.t[ATTN_K].type)->name,
                     attn_type_info(f->problem.t[ATTN_V].type)->name);
            add_word(types, cap, word);
        }
    }
}

uint32_t check_group_devices(const struct check *check, const struct check_finding *of)
{
    uint32_t devices = 0;
    for (int i = 0; i < check->n_findings; i++)
        if (same_group(&check->finding[i], of))
            devices |= check->finding[i].devices;
    return devices;
}

static void group_text(FILE *out, const struct check *check, int number)
{
    char line[ATTN_CASE_LINE_MAX], devices[192], heads[512], types[512];
    uint64_t calls;
    int n, members;
    const struct check_finding *f = check_group(check, number, &n, &calls, &members);
    check_device_list(check, check_group_devices(check, f), devices, sizeof devices);
    check_particulars(check, number, heads, types, sizeof heads);
    check_line(check, f, line);
    fprintf(out, "%2d. %s%s\n    %s\n", number + 1, f->group, f->known ? "   (known: in the baseline)" : "",
            check_kind_meaning(f->kind));
    fprintf(out, "    calls:      %" PRIu64 " of %" PRIu64 "; %d distinct\n", calls, check->calls, members);
    fprintf(out, "    devices:    %s\n    head sizes: %s\n", devices, heads);
    if (types[0])
        fprintf(out, "    types K/V:  %s\n", types);
    if (f->message[0])
        fprintf(out, "    message:    %s\n", f->message);
    if (f->kind == CHECK_UNFIT)
        fprintf(out, "    launch:     %s grid %u x %u x %u, block %u x %u x %u, %u bytes of dynamic LDS\n",
                f->launch.kernel, f->launch.grid[0], f->launch.grid[1], f->launch.grid[2], f->launch.block[0],
                f->launch.block[1], f->launch.block[2], f->launch.lds_dynamic_bytes);
    fprintf(out, "    line:       %s\n", line);
    if (f->has_neighbour) {
        char text[ATTN_LINE_MAX];
        attn_problem_print(&f->neighbour, text, sizeof text);
        fprintf(out, "    supported:  %s\n", text);
        fprintf(out, "                (any one of these fields makes it so: %s)\n", f->fields);
    }
    if (!f->known)
        for (int i = 0; i < check->n_findings; i++)
            if (same_group(&check->finding[i], f))
                fprintf(out, "    key:        %s\n", check->finding[i].key);
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

void check_report_text(FILE *out, const struct check *check, const struct check_baseline *baseline)
{
    char devices[256];
    uint64_t calls;
    int n, members, unknown = 0;
    check_group(check, -1, &n, &calls, &members);
    for (int i = 0; i < check->n_findings; i++)
        unknown += !check->finding[i].known;
    devices[0] = 0;
    for (int i = 0; i < check->subject->n_devices; i++)
        if (check->devices >> i & 1)
            snprintf(devices + strlen(devices), sizeof devices - strlen(devices), "%s%s", devices[0] ? "," : "",
                     check->subject->device[i].name);
    fprintf(out, "subject   %s\ndevices   %s\n", check->subject->name, devices);
    fprintf(out,
            "calls     %" PRIu64 " (%" PRIu64 " problems), %" PRIu64 " of them made twice, in %.1f s: %.0f/s, "
            "%.0f for a second of one core; seed %" PRIu64 "\n",
            check->calls, check->problems, check->again, check->elapsed_seconds, rate(check, check->elapsed_seconds),
            rate(check, check->cpu_seconds), check->seed);
    fprintf(out,
            "          %" PRIu64 " supported, %" PRIu64 " refused, %" PRIu64
            " launches; attention kernels x devices: %" PRIu64 "\n",
            check->supported, check->refused, check->launches, check->pairs);
    if (check->too_big)
        fprintf(out, "          %" PRIu64 " supported, but larger than the memory there is, and not judged%s%s\n",
                check->too_big, check->too_big_text[0] ? ": " : "", check->too_big_text);
    if (check->not_legal)
        fprintf(out, "          %" PRIu64 " problems that the subject's callers cannot make were left out%s%s\n",
                check->not_legal, check->not_legal_text[0] ? ": " : "", check->not_legal_text);
    if (check->lost_signs || check->lost_findings)
        fprintf(out,
                "          more kinds of trouble than there is room for: %" PRIu64 " calls are not accounted for\n",
                check->lost_signs + check->lost_findings);
    fprintf(out, "findings  %d not known, %d known, in %d groups\n\n", unknown, check->n_findings - unknown, n);
    for (int i = 0; i < n; i++) {
        group_text(out, check, i);
        putc('\n', out);
    }
    differences_text(out, check);
    for (int e = 0; baseline && e < baseline->n; e++)
        if (!baseline->entry[e].used)
            fprintf(out, "baseline line %" PRId64 " was not met: %s\n", baseline->entry[e].line,
                    baseline->entry[e].pattern);
}

/* ---- JSON ------------------------------------------------------------------------------------------------ */

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

static void json_text(FILE *out, const char *name, const char *text)
{
    fprintf(out, ",\"%s\":", name);
    cli_json_string(out, text);
}

static void json_finding(FILE *out, const struct check *check, const struct check_finding *f)
{
    char line[ATTN_CASE_LINE_MAX];
    check_line(check, f, line);
    fputs("{\"kind\":", out);
    cli_json_string(out, check_kind_name(f->kind));
    json_text(out, "key", f->key);
    json_text(out, "group", f->group);
    json_text(out, "meaning", check_kind_meaning(f->kind));
    fprintf(out, ",\"known\":%s,\"calls\":%" PRIu64, f->known ? "true" : "false", f->calls);
    json_text(out, "device", check->subject->device[f->device].name);
    fputs(",\"devices\":", out);
    json_devices(out, check, f->devices);
    json_text(out, "line", line);
    json_text(out, "message", f->message);
    if (f->kind == CHECK_UNFIT) {
        fputs(",\"launch\":{\"kernel\":", out);
        cli_json_string(out, f->launch.kernel);
        fprintf(out, ",\"grid\":[%u,%u,%u],\"block\":[%u,%u,%u],\"lds_dynamic_bytes\":%u}", f->launch.grid[0],
                f->launch.grid[1], f->launch.grid[2], f->launch.block[0], f->launch.block[1], f->launch.block[2],
                f->launch.lds_dynamic_bytes);
    }
    if (f->has_neighbour) {
        char text[ATTN_LINE_MAX];
        attn_problem_print(&f->neighbour, text, sizeof text);
        json_text(out, "field", f->field);
        json_text(out, "fields", f->fields);
        json_text(out, "supported", text);
    }
    char *snippet = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&snippet, &size);
    if (memory) {
        check_snippet(memory, check, f);
        fclose(memory);
        json_text(out, "snippet", snippet);
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
    fprintf(out, ",\"again\":%" PRIu64 ",\"calls_per_cpu_second\":%.0f", check->again, rate(check, check->cpu_seconds));
    fprintf(out,
            ",\"seed\":%" PRIu64 ",\"calls\":%" PRIu64 ",\"problems\":%" PRIu64 ",\"supported\":%" PRIu64
            ",\"refused\":%" PRIu64 ",\"launches\":%" PRIu64 ",\"too_big\":%" PRIu64 ",\"not_legal\":%" PRIu64
            ",\"pairs\":%" PRIu64 ",\"seconds\":%.3f,\"calls_per_second\":%.0f,\n\"findings\":[",
            check->seed, check->calls, check->problems, check->supported, check->refused, check->launches,
            check->too_big, check->not_legal, check->pairs, check->elapsed_seconds,
            rate(check, check->elapsed_seconds));
    for (int i = 0; i < check->n_findings; i++) {
        fputs(i ? ",\n" : "\n", out);
        json_finding(out, check, &check->finding[i]);
    }
    fputs("],\n\"differences\":[", out);
    for (int i = 0; i < check->n_differences; i++) {
        const struct check_difference *d = &check->difference[i];
        char line[ATTN_LINE_MAX];
        attn_problem_print(&d->problem, line, sizeof line);
        fprintf(out, "%s{\"a\":", i ? ",\n" : "\n");
        cli_json_string(out, check->subject->device[d->a].name);
        json_text(out, "b", check->subject->device[d->b].name);
        json_text(out, "kernel_a", d->kernel_a);
        json_text(out, "kernel_b", d->kernel_b);
        json_text(out, "line", line);
        fprintf(out, ",\"problems\":%" PRIu64 "}", d->calls);
    }
    fputs("]}\n", out);
}
