/* report_html.c: what was found, as one page that needs nothing else.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check/baseline.h"
#include "cli/check/coverage.h"
#include "cli/check/group.h"
#include "cli/check/report.h"
#include "cli/check/snippet.h"
#include "cli/check/word.h"
#include "cli/input/message.h"

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>attnfuzz check</title>\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<style>\n"
    "body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:72em;padding:0 1em;color:#1c2024;"
    "background:#fff}\n"
    "h1{font-size:1.5em;margin:0 0 .2em}h2{font-size:1.15em;margin:2em 0 .5em}p{margin:.4em 0}\n"
    "table{border-collapse:collapse;margin:.6em 0}td,th{padding:.25em .9em .25em 0;text-align:left;"
    "vertical-align:top}\n"
    "th{font-weight:600;color:#555;border-bottom:1px solid #ccc}td.n{text-align:right;"
    "font-variant-numeric:tabular-nums}\n"
    "article{border:1px solid #d5d9de;border-left:4px solid #b3261e;border-radius:4px;padding:.7em 1em;margin:1em 0}\n"
    "article.known{border-left-color:#8a929a}article.hole{border-left-color:#b26a00}"
    "article.known.hole{border-left-color:#8a929a}\n"
    "article h3{font-size:1em;margin:0 0 .3em}code,pre{font:12.5px/1.4 ui-monospace,monospace}\n"
    "pre{background:#f4f6f8;padding:.6em .8em;overflow-x:auto;border-radius:3px;margin:.4em 0;white-space:pre-wrap;"
    "overflow-wrap:anywhere}pre.c{white-space:pre}\n"
    "dl{display:grid;grid-template-columns:9em 1fr;gap:.15em .8em;margin:.4em 0}dt{color:#555}dd{margin:0;"
    "overflow-wrap:anywhere}\n"
    "summary{cursor:pointer;color:#0b57d0}.badge{font-size:.85em;color:#555}\n"
    "@media(prefers-color-scheme:dark){body{background:#16191c;color:#e3e6e9}pre{background:#22272b}"
    "article{border-color:#3a4147;border-left-color:#ff6257}article.hole{border-left-color:#e0a040}"
    "article.known,article.known.hole{border-left-color:#8a929a}"
    "th,dt,.badge{color:#a5adb5}summary{color:#8ab4f8}}\n"
    "</style></head><body>\n";

static void text(FILE *out, const char *name, const char *value)
{
    fprintf(out, "<dt>%s</dt><dd>", name);
    cli_xml_text(out, value);
    fputs("</dd>\n", out);
}

static void code(FILE *out, const char *name, const char *value)
{
    fprintf(out, "<p class=\"badge\">%s</p><pre>", name);
    cli_xml_text(out, value);
    fputs("</pre>\n", out);
}

/* A snippet has lines of its own. */
static void program(FILE *out, const struct check *check, const struct check_finding *f)
{
    char *snippet = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&snippet, &size);
    if (!memory)
        return;
    check_snippet(memory, check, f);
    fclose(memory);
    fputs("<details><summary>C program that shows it</summary><pre class=\"c\">", out);
    for (char *line = snippet, *end; line && *line; line = end) {
        end = line + strcspn(line, "\n");
        bool more = *end;
        *end = 0;
        cli_xml_text(out, line);
        putc('\n', out);
        end += more;
    }
    fputs("</pre></details>\n", out);
    free(snippet);
}

static void group(FILE *out, const struct check *check, int number)
{
    char line[ATTN_CASE_LINE_MAX], devices[192], value[640];
    struct check_group g;
    if (!check_group_get(check, number, &g))
        return;
    const struct check_finding *f = g.stands;
    check_device_list(check, g.devices, devices, sizeof devices);
    check_line(check, f, line);
    fprintf(out, "<article id=\"f%d\" class=\"%s%s\"><h3>%d. ", number + 1, check_kind_name(f->kind),
            f->known ? " known" : "", number + 1);
    cli_xml_text(out, f->group);
    fprintf(out, " <span class=\"badge\">%s%s</span></h3><p>%s</p>\n<dl>", check_reach_name(f->reach),
            f->known ? "; known: in the baseline" : "", check_kind_meaning(f->kind));
    text(out, "reach", check_reach_meaning(f->reach));
    if (g.needs[0])
        text(out, "fields", g.needs);
    snprintf(value, sizeof value, "%" PRIu64 " of %" PRIu64 ", %d distinct", g.calls, check->calls, g.members);
    text(out, "calls", value);
    text(out, "devices", devices);
    text(out, "head sizes", g.heads);
    if (g.types[0])
        text(out, "types K/V", g.types);
    if (f->message[0])
        text(out, "message", f->message);
    if (f->source[0])
        text(out, "source", f->source);
    if (f->launch.kernel) {
        snprintf(value, sizeof value, "%.400s, grid %u x %u x %u, block %u x %u x %u, %u bytes of dynamic LDS",
                 f->launch.kernel, f->launch.grid[0], f->launch.grid[1], f->launch.grid[2], f->launch.block[0],
                 f->launch.block[1], f->launch.block[2], f->launch.lds_dynamic_bytes);
        text(out, "launch", value);
    }
    fputs("</dl>\n", out);
    code(out, "smallest call", line);
    if (f->has_neighbour) {
        char supported[ATTN_LINE_MAX];
        attn_problem_print(&f->neighbour, supported, sizeof supported);
        snprintf(value, sizeof value, "nearest supported call; any one of these fields makes it so: %s", f->fields);
        code(out, value, supported);
    }
    program(out, check, f);
    fprintf(out, "<details><summary>%d id%s for a baseline</summary><pre class=\"c\">", g.members,
            g.members == 1 ? "" : "s");
    for (int i = 0; i < g.members; i++) {
        cli_xml_text(out, g.first[i].id);
        putc('\n', out);
    }
    fputs("</pre></details></article>\n", out);
}

static void differences(FILE *out, const struct check *check)
{
    fputs("<h2>Within a family of architectures</h2><p>The same call on two devices with the same matrix cores and "
          "wave size was given different kernels. Information, not a finding.</p>\n"
          "<table><tr><th>device</th><th>kernel</th><th>device</th><th>kernel</th><th>problems</th><th>example</th>"
          "</tr>\n",
          out);
    for (int i = 0; i < check->n_differences; i++) {
        const struct check_difference *d = &check->difference[i];
        char line[ATTN_LINE_MAX];
        attn_problem_print(&d->problem, line, sizeof line);
        fprintf(out, "<tr><td>%s</td><td><code>", check->subject->device[d->a].name);
        cli_xml_text(out, d->kernel_a);
        fprintf(out, "</code></td><td>%s</td><td><code>", check->subject->device[d->b].name);
        cli_xml_text(out, d->kernel_b);
        fprintf(out, "</code></td><td class=\"n\">%" PRIu64 "</td><td><details><summary>line</summary><pre>", d->calls);
        cli_xml_text(out, line);
        fputs("</pre></details></td></tr>\n", out);
    }
    fputs("</table>\n", out);
}

static void gone(FILE *out, const struct check_baseline *baseline)
{
    int n = 0;
    for (int i = 0; i < baseline->n; i++) {
        if (baseline->entry[i].used)
            continue;
        fputs(n++ ? "" : "<h2>Of the baseline, not met</h2>\n<ul>\n", out);
        fputs("<li><code>", out);
        cli_xml_text(out, baseline->entry[i].pattern);
        fputs("</code></li>\n", out);
    }
    if (n)
        fputs("</ul>\n", out);
}

void check_report_html(FILE *out, const struct check *check)
{
    int n = check_group_count(check), unknown = 0;
    for (int i = 0; i < check->n_findings; i++)
        unknown += !check->finding[i].known;
    fputs(head, out);
    fputs("<h1>attnfuzz check</h1><p>", out);
    cli_xml_text(out, check->subject->name);
    fprintf(out,
            "</p>\n<table><tr><td class=\"n\">%" PRIu64 "</td><td>calls of %" PRIu64
            " problems, some made twice, in %.1f s (%.0f/s), seed %" PRIu64 "</td></tr>\n",
            check->calls, check->problems, check->elapsed_seconds,
            check->elapsed_seconds > 0 ? (double)(check->calls + check->again) / check->elapsed_seconds : 0.0,
            check->seed);
    fprintf(out,
            "<tr><td class=\"n\">%" PRIu64 "</td><td>supported</td></tr><tr><td class=\"n\">%" PRIu64
            "</td><td>refused</td></tr>\n",
            check->supported, check->refused);
    fprintf(out, "<tr><td class=\"n\">%" PRIu64 "</td><td>attention kernels &times; devices launched</td></tr>\n",
            check->pairs);
    fprintf(out, "<tr><td class=\"n\">%d</td><td>findings that are not known, %d known, in %d groups</td></tr>\n",
            unknown, check->n_findings - unknown, n);
    if (check->n_beyond)
        fprintf(out, "<tr><td class=\"n\">%d</td><td>farther than --reach %s, left out</td></tr>\n", check->n_beyond,
                check_reach_name(check->most_reach));
    fputs("</table>\n<p>", out);
    for (int i = 0; i < check->subject->n_devices; i++)
        if (check->devices >> i & 1)
            fprintf(out, "%s ", check->subject->device[i].name);
    fputs("</p>\n<h2>Findings</h2>\n", out);
    if (n == 0)
        fputs("<p>None.</p>\n", out);
    for (int i = 0, far = -1; i < n; i++) {
        if (check_group_far(check, i) != far && (far = check_group_far(check, i)))
            fprintf(out, "<h2>Far, %s</h2>\n", check_reach_meaning(CHECK_REACH_FAR));
        group(out, check, i);
    }
    gone(out, check->baseline);
    if (check->n_differences)
        differences(out, check);
    check_report_pictures(out, check);
    fputs("</body></html>\n", out);
}
