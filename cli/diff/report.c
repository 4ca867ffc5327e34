/* report.c: see report.h. What is worse comes first.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/diff/report.h"

#include <inttypes.h>
#include <string.h>

#include "cli/check/reach.h"
#include "cli/input/interrupt.h"
#include "cli/input/message.h"

static void devices_of(const struct diff *diff, uint32_t devices, char *text, size_t cap)
{
    text[0] = 0;
    for (int i = 0; i < diff->side[0].n_devices; i++)
        if (devices >> i & 1)
            snprintf(text + strlen(text), cap - strlen(text), "%s%s", *text ? "," : "", diff->side[0].device[i]);
}

/* The line of a change, with the device that shows it. */
static void line_of(const struct diff *diff, const struct diff_change *c, char line[ATTN_CASE_LINE_MAX])
{
    struct attn_case at = { .problem = c->problem };
    attn_run_default(&at.run);
    for (int row = 0; row < attn_device_count(); row++)
        if (!strcmp(attn_device(row)->name, diff->side[0].device[c->device]))
            at.run.device = row;
    attn_case_print(&at, line, ATTN_CASE_LINE_MAX);
}

static int n_worse(const struct diff *diff)
{
    int n = 0;
    for (int i = 0; i < diff->n_changes; i++)
        n += diff->change[i].worse;
    return n;
}

/* Calls put(out, diff, change) for each change, those that are worse first. */
static void each(FILE *out, const struct diff *diff,
                 void (*put)(FILE *, const struct diff *, const struct diff_change *))
{
    for (int pass = 1; pass >= 0; pass--)
        for (int i = 0; i < diff->n_changes; i++)
            if (diff->change[i].worse == (pass == 1))
                put(out, diff, &diff->change[i]);
}

/* ---- Text ------------------------------------------------------------------------------------------------ */

static void put_text(FILE *out, const struct diff *diff, const struct diff_change *c)
{
    char line[ATTN_CASE_LINE_MAX], devices[512];
    devices_of(diff, c->devices, devices, sizeof devices);
    line_of(diff, c, line);
    fprintf(out, "%s  %s -> %s\n", c->worse ? "WORSE" : "changed", c->words[0], c->words[1]);
    fprintf(out, "    reach:   %s: %s\n    fields:  %s\n", check_reach_name(c->reach), check_reach_meaning(c->reach),
            c->needs);
    fprintf(out, "    calls:   %" PRIu64 "\n    devices: %s\n", c->calls, devices);
    for (int s = 0; s < 2; s++)
        if (*c->answer[s].text)
            fprintf(out, "    %s     %s\n", s ? "new:" : "old:", c->answer[s].text);
    fprintf(out, "    line:    %s\n\n", line);
}

void diff_report_text(FILE *out, const struct diff *diff)
{
    for (int s = 0; s < 2; s++)
        fprintf(out, "%s       %s\n", s ? "new" : "old", diff->side[s].name);
    fprintf(out,
            "calls     %" PRIu64 " (%" PRIu64 " problems) in %.1f s: %.0f/s; %" PRIu64
            " problems that one of them cannot be asked\n",
            diff->calls, diff->problems, diff->seconds, diff->seconds > 0 ? (double)diff->calls / diff->seconds : 0,
            diff->not_legal);
    if (diff->stopped)
        fprintf(out, "stopped   by %s: what was found until then\n", cli_interrupt_name(diff->stopped));
    if (diff->lost)
        fprintf(out, "lost      %" PRIu64 " calls of kinds there is no room for\n", diff->lost);
    fprintf(out, "changes   %d worse, %d others\n\n", n_worse(diff), diff->n_changes - n_worse(diff));
    each(out, diff, put_text);
}

/* Is it the one that each() begins with? */
static bool is_first(const struct diff *diff, const struct diff_change *c)
{
    for (int i = 0; i < diff->n_changes; i++)
        if (diff->change[i].worse || n_worse(diff) == 0)
            return c == &diff->change[i];
    return false;
}

/* ---- JSON ------------------------------------------------------------------------------------------------ */

static void put_json(FILE *out, const struct diff *diff, const struct diff_change *c)
{
    char line[ATTN_CASE_LINE_MAX], devices[512];
    devices_of(diff, c->devices, devices, sizeof devices);
    line_of(diff, c, line);
    fprintf(out, "%s\n  {\"worse\":%s,\"calls\":%" PRIu64, is_first(diff, c) ? "" : ",", c->worse ? "true" : "false",
            c->calls);
    cli_json_text(out, "reach", check_reach_name(c->reach));
    cli_json_text(out, "needs", c->needs);
    cli_json_text(out, "old", c->words[0]);
    cli_json_text(out, "new", c->words[1]);
    cli_json_text(out, "old_text", c->answer[0].text);
    cli_json_text(out, "new_text", c->answer[1].text);
    cli_json_text(out, "devices", devices);
    cli_json_text(out, "line", line);
    fputs("}", out);
}

void diff_report_json(FILE *out, const struct diff *diff)
{
    fprintf(out, "{\"calls\":%" PRIu64 ",\"problems\":%" PRIu64 ",\"worse\":%d,\"seconds\":%.3f", diff->calls,
            diff->problems, n_worse(diff), diff->seconds);
    cli_json_text(out, "old", diff->side[0].name);
    cli_json_text(out, "new", diff->side[1].name);
    fputs(",\"changes\":[", out);
    each(out, diff, put_json);
    fputs("]}\n", out);
}

/* ---- A page ---------------------------------------------------------------------------------------------- */

static void put_html(FILE *out, const struct diff *diff, const struct diff_change *c)
{
    char line[ATTN_CASE_LINE_MAX], devices[512];
    devices_of(diff, c->devices, devices, sizeof devices);
    line_of(diff, c, line);
    fprintf(out, "<tr class=\"%s\"><td>%s</td><td>", c->worse ? "bad" : "", c->worse ? "worse" : "changed");
    cli_xml_text(out, c->words[0]);
    fputs("</td><td>", out);
    cli_xml_text(out, c->words[1]);
    fprintf(out, "</td><td>%s</td><td>", check_reach_name(c->reach));
    cli_xml_text(out, c->needs);
    fprintf(out, "</td><td>%" PRIu64 "</td><td>", c->calls);
    cli_xml_text(out, devices);
    fputs("</td><td><code>", out);
    cli_xml_text(out, line);
    fputs("</code><br>", out);
    cli_xml_text(out, c->answer[1].text);
    fputs("</td></tr>\n", out);
}

void diff_report_html(FILE *out, const struct diff *diff)
{
    fputs(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>attnfuzz diff</title>\n<style>"
        ":root{color-scheme:light dark}body{font:15px/1.4 sans-serif;margin:2em;max-width:90em}"
        "table{border-collapse:collapse}td,th{text-align:left;vertical-align:top;padding:.3em .7em;"
        "border-bottom:1px solid #8884}td:nth-child(5),td:nth-child(7){overflow-wrap:anywhere;min-width:5em}"
        ".bad td:first-child{color:#d33;font-weight:bold}code{overflow-wrap:anywhere;font-size:.85em}"
        "@media(prefers-color-scheme:dark){.bad td:first-child{color:#ff6257}}"
        "</style></head><body>\n<h1>attnfuzz diff</h1>\n<p>old: ",
        out);
    cli_xml_text(out, diff->side[0].name);
    fputs("<br>new: ", out);
    cli_xml_text(out, diff->side[1].name);
    fprintf(out,
            "</p>\n<p>%" PRIu64 " calls, %d kinds of change are worse, %d others.</p>\n<table><tr><th></th><th>old</th>"
            "<th>new</th><th>reach</th><th>fields</th><th>calls</th><th>devices</th><th>smallest call</th></tr>\n",
            diff->calls, n_worse(diff), diff->n_changes - n_worse(diff));
    each(out, diff, put_html);
    fputs("</table>\n", out);
}
