/* page.c: what the trials say, as a page: see zoo.h.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "cli/input/message.h"
#include "cli/zoo/zoo.h"

/* Looks differ in brightness, and what was not found has a pattern: nothing is told by colour alone. */
static const char head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>attnfuzz zoo</title>\n<style>\n"
    ":root{color-scheme:light dark;--ink:#1c2024;--dim:#5b636b;--line:#d5dade;--ground:#fff;--bad:#c3241c;"
    "--s0:#123f66;--s1:#2f73a8;--s2:#8fbbdc;--s3:#dbe9f4;--on-dark:#fff;--on-light:#10181f}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e8ebee;--dim:#a7b0b9;--line:#333b42;--ground:#16191c;--bad:#ff6257;"
    "--s0:#d5eaf9;--s1:#7fb6de;--s2:#2f6592;--s3:#1f3a50;--on-dark:#10181f;--on-light:#f0f4f8}}\n"
    "body{font:15px/1.45 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem;color:var(--ink);"
    "background:var(--ground)}\nh1{font-size:1.4rem}.wide{overflow-x:auto}\n"
    "table{border-collapse:separate;border-spacing:2px;font-size:.85rem}th,td{padding:.25rem .6rem;text-align:left;"
    "vertical-align:top}\nthead th{position:sticky;top:0;background:var(--ground)}"
    "tbody tr>*{border-top:1px solid var(--line)}\n"
    "td.s,th.s{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums;min-width:3.5rem}\n"
    ".s0{background:var(--s0);color:var(--on-dark)}.s1{background:var(--s1);color:var(--on-dark)}"
    ".s2{background:var(--s2);color:var(--on-light)}.s3{background:var(--s3);color:var(--on-light)}\n"
    ".never{color:var(--bad);font-weight:600;background:repeating-linear-gradient(45deg,transparent 0 6px,"
    "var(--line) 6px 8px)}.known{color:var(--dim)}.what{min-width:16rem}.what code{font-size:.75rem;"
    "overflow-wrap:anywhere}summary{color:var(--dim);cursor:pointer}\n"
    "</style></head><body>\n";

/* 0: within a second, 1: five, 2: twenty, 3: later. */
static int step_of(int64_t ms) { return ms <= 1000 ? 0 : ms <= 5000 ? 1 : ms <= 20000 ? 2 : 3; }

/* A name may be broken after each of its words. */
static void put_name(FILE *out, const char *name)
{
    char word[64];
    while (*name) {
        const size_t n = strcspn(name, "_"), more = n + (name[n] != 0);
        snprintf(word, sizeof word, "%.*s", (int)more, name);
        cli_xml_text(out, word);
        fputs(name[n] ? "<wbr>" : "", out);
        name += more;
    }
}

static void put_cell(FILE *out, const struct zoo *zoo, const struct zoo_fault *f, const struct zoo_cell *c)
{
    char seconds[32];
    const bool control = f->number == 0;
    if (c->done == 0) {
        fputs("<td></td>", out);
        return;
    }
    zoo_print_seconds(zoo, c, seconds, sizeof seconds);
    if (zoo_median(c) == ZOO_NEVER) {
        fprintf(out, "<td class=\"s %s\">", control || f->equivalent ? "known" : "never");
        cli_xml_text(out, control ? "none" : seconds);
    } else {
        fprintf(out, "<td class=\"s %s%c\">", control ? "never s" : "s", '0' + step_of(zoo_median(c)));
        cli_xml_text(out, seconds);
    }
    fprintf(out, "<br>%d/%d</td>", c->found, c->done);
}

static void put_fault(FILE *out, const struct zoo_fault *f, const struct zoo_cell cell[ZOO_WAY_COUNT],
                      const struct zoo *zoo)
{
    const struct zoo_result *r = cell[ZOO_TARGET].result;
    fputs("<tr><th scope=\"row\">", out);
    put_name(out, f->name);
    fputs("</th>", out);
    for (int way = 0; way < ZOO_WAY_COUNT; way++)
        put_cell(out, zoo, f, &cell[way]);
    fputs("<td class=\"what\">", out);
    cli_xml_text(out, f->what);
    if (f->equivalent) {
        fputs("<br><span class=\"known\">changes nothing: ", out);
        cli_xml_text(out, f->equivalent);
        fputs("</span>", out);
    }
    if (r && r->end == ZOO_END_found)
        fprintf(out, "<br><span class=\"known\">%s by %s</span>", r->property, r->target);
    if (r && r->line && r->end == ZOO_END_found) {
        fputs("<details><summary>the shrunk line</summary><code>", out);
        cli_xml_text(out, r->line);
        fputs("</code></details>", out);
    }
    fputs("</td></tr>\n", out);
}

/* Over a way's column: its name, and how many of the faults it finds in the median. */
static void put_way(FILE *out, const struct zoo *zoo, int way)
{
    static const char *const texts[] = {
#define X(NAME, name, text) text,
        ZOO_WAYS(X)
#undef X
    };
    int faults = 0, found = 0;
    for (int f = 0; f < zoo->n_faults; f++) {
        struct zoo_cell c;
        zoo_read_cell(zoo, f, way, &c);
        const bool is = zoo_median(&c) != ZOO_NEVER;
        if (c.done == 0 || zoo->fault[f].number == 0 || (zoo->fault[f].equivalent && !is))
            continue;
        faults++;
        found += is;
    }
    fprintf(out, "<th scope=\"col\" class=\"s\" title=\"%s\">%s<br>%d of %d</th>", texts[way], zoo_way_name(way), found,
            faults);
}

void zoo_page(FILE *out, const struct zoo *zoo)
{
    fputs(head, out);
    fprintf(out,
            "<h1>attnfuzz zoo</h1>\n<p>CPU seconds until a planted fault is found, from an empty corpus: the median of "
            "%" PRId64 " seeds, at most %" PRId64 ", and below it in how many of them. The darker (in a dark page the "
            "lighter), the sooner: within 1, 5, 20 seconds, later. Striped: not found, or found where nothing is "
            "planted.</p>\n<div class=\"wide\"><table><thead><tr><th scope=\"col\">fault</th>",
            zoo->seeds, zoo->seconds);
    for (int way = 0; way < ZOO_WAY_COUNT; way++)
        put_way(out, zoo, way);
    fputs("<th scope=\"col\">what it breaks</th>", out);
    fputs("</tr></thead><tbody>\n", out);
    for (int f = 0; f < zoo->n_faults; f++) {
        struct zoo_cell cell[ZOO_WAY_COUNT];
        int done = 0;
        for (int way = 0; way < ZOO_WAY_COUNT; way++) {
            zoo_read_cell(zoo, f, way, &cell[way]);
            done += cell[way].done;
        }
        if (done)
            put_fault(out, &zoo->fault[f], cell, zoo);
    }
    fputs("</tbody></table></div></body></html>\n", out);
}
