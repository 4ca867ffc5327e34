/* page.c: see page.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/picture/page.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/input/message.h"
#include "cli/picture/legend.h"
#include "cli/picture/panel.h"
#include "cli/picture/text.h"

/* ---- A picture ------------------------------------------------------------------------------------------- */

static void put_style(FILE *out)
{
    fputs("<style>\n", out);
    panel_style(out);
    fputs(".mp-flow{display:flex;flex-wrap:wrap;align-items:flex-end;gap:1rem 1.2rem;margin:1rem 0}\n"
          ".mp-flow figure{margin:0;max-width:100%}\n"
          ".mp-flow figcaption{padding-left:34px;font-size:.8rem;line-height:1.35;max-width:12rem}\n"
          ".mp-flow figcaption span{color:var(--mp-dim)}.mp-flow svg{display:block;max-width:100%;height:auto}\n"
          ".mp-legend{display:flex;flex-wrap:wrap;gap:.3rem 1.4rem;list-style:none;margin:.6rem 0;padding:0;"
          "font-size:.85rem}\n.mp-legend li{display:flex;align-items:center;gap:.45rem}\n"
          ".mp-text{overflow-x:auto}.mp-text pre{white-space:pre;width:max-content}\n"
          "</style>\n<svg width=\"0\" height=\"0\" style=\"position:absolute\" aria-hidden=\"true\"><defs>\n",
          out);
    panel_patterns(out);
    fputs("</defs></svg>\n", out);
}

static void put_entry(void *context, const struct legend_entry *e)
{
    FILE *out = context;
    fprintf(out, "<li><svg class=\"mp\" width=\"%d\" height=\"%d\" aria-hidden=\"true\">", LEGEND_WIDTH, LEGEND_HEIGHT);
    legend_swatch(out, e, 0, 0);
    fputs("</svg>", out);
    if (e->letter)
        fprintf(out, "<span>%c: ", e->letter);
    else
        fputs("<span>", out);
    cli_xml_text(out, e->text);
    fputs("</span></li>\n", out);
}

static void put_figure(FILE *out, const struct picture *p, int device, int what, uint32_t group)
{
    char devices[512], shown[512], head[128], summary[640];
    enum { EDGE = 2 }; /* a frame's line */
    picture_devices(p, group, devices, sizeof devices);
    picture_what_text(&p->what[what], head, sizeof head);
    panel_summary(p, device, what, summary, sizeof summary);
    picture_devices_short(p, group, shown, sizeof shown);
    fprintf(out, "<figure><figcaption><b>%s</b><br/><span>", head);
    cli_xml_text(out, shown);
    fprintf(out, "</span></figcaption><svg class=\"mp\" role=\"img\" viewBox=\"0 0 %d %d\" width=\"%d\" aria-label=\"",
            panel_width(p) + EDGE, panel_height(p) + EDGE, panel_width(p) + EDGE);
    cli_xml_text(out, head);
    fputs(" on ", out);
    cli_xml_text(out, devices);
    fputs(": ", out);
    cli_xml_text(out, summary);
    fputs("\">\n", out);
    panel_draw(out, p, device, what, 0, EDGE);
    fputs("</svg></figure>\n", out);
}

static void put_as_text(FILE *out, const struct picture *p)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        return;
    picture_text(memory, p, 112, false);
    fclose(memory);
    fputs("<details><summary>the same as text</summary><div class=\"mp-text\"><pre>", out);
    for (char *rest = text, *line; rest && (line = strsep(&rest, "\n"));) {
        cli_xml_text(out, line);
        putc('\n', out);
    }
    fputs("</pre></div></details>\n", out);
    free(text);
}

void page_picture(FILE *out, const struct picture *p, const char *about)
{
    put_style(out);
    fputs("<section><h2>", out);
    cli_xml_text(out, p->title);
    fputs("</h2>\n<p>", out);
    cli_xml_text(out, about);
    fputs("</p>\n<ul class=\"mp-legend\">\n", out);
    legend_each(p, put_entry, out);
    fputs("</ul>\n<div class=\"mp-flow\">\n", out);
    for (int what = 0; what < p->n_whats; what++)
        for (int device = 0; device < p->n_devices; device++) {
            const uint32_t group = picture_group(p, device, what);
            if (group)
                put_figure(out, p, device, what, group);
        }
    fputs("</div>\n", out);
    put_as_text(out, p);
    fputs("</section>\n", out);
}

/* ---- A heat map ------------------------------------------------------------------------------------------ */

/* 0: never; then a step a power of ten. */
static int level_of(int64_t n)
{
    int level = 0;
    for (; n > 0 && level < 5; n /= 10)
        level++;
    return level;
}

static const char heat_style[] =
    "<style>\n"
    ":root{--mh-0:#fff;--mh-1:#e3eef7;--mh-2:#b5d2e8;--mh-3:#74a9d0;--mh-4:#2f73a8;--mh-5:#123f66;--mh-dark:#10181f;"
    "--mh-light:#fff;--mh-none:#868e96;--mh-edge:#d5dade}\n"
    "@media(prefers-color-scheme:dark){:root{--mh-0:#16191c;--mh-1:#1c2c3a;--mh-2:#244a69;--mh-3:#3b7bab;"
    "--mh-4:#7fb6de;--mh-5:#d5eaf9;--mh-dark:#10181f;--mh-light:#f0f4f8;--mh-none:#868f98;--mh-edge:#333b42}}\n"
    ".mh{overflow-x:auto}.mh table{border-collapse:separate;border-spacing:2px;font-size:.8rem}\n"
    ".mh th,.mh td{border:0;padding:.15rem .45rem;white-space:nowrap}.mh th{font-weight:400;text-align:left}\n"
    ".mh thead th{text-align:right;font-weight:600}.mh th.g{font-weight:600;padding-top:.7rem}\n"
    ".mh td{text-align:right;font-variant-numeric:tabular-nums;min-width:3.2rem}\n"
    ".mh .h0{background:var(--mh-0);color:var(--mh-none);outline:1px dashed var(--mh-edge);outline-offset:-1px}\n"
    ".mh .h1{background:var(--mh-1)}.mh .h2{background:var(--mh-2)}.mh .h3{background:var(--mh-3)}"
    ".mh .h4{background:var(--mh-4)}.mh .h5{background:var(--mh-5)}\n"
    ".mh .h1,.mh .h2,.mh .h3{color:var(--mh-dark)}.mh .h4,.mh .h5{color:var(--mh-light)}\n"
    "@media(prefers-color-scheme:dark){.mh .h1,.mh .h2,.mh .h3{color:var(--mh-light)}"
    ".mh .h4,.mh .h5{color:var(--mh-dark)}}\n"
    "</style>\n";

static void put_row(FILE *out, const struct heat *h, const struct heat_row *row)
{
    fputs("<tr><th scope=\"row\"", out);
    if (row->meaning) {
        fputs(" title=\"", out);
        cli_xml_text(out, row->meaning);
        putc('"', out);
    }
    putc('>', out);
    cli_xml_text(out, row->name);
    fputs("</th>", out);
    for (int i = 0; i < h->n_devices; i++)
        if (h->total[i])
            fprintf(out, "<td class=\"h%d\">%" PRId64 "</td>", level_of(row->n[i]), row->n[i]);
    fputs("</tr>\n", out);
}

static int heat_row_of_group(const struct heat *h, const char *group)
{
    int i = 0;
    while (strcmp(h->row[i].group, group))
        i++;
    return i;
}

static void put_group(FILE *out, const struct heat *h, int first, int columns)
{
    const char *group = h->row[first].group;
    fprintf(out, "<tbody><tr><th scope=\"rowgroup\" class=\"g\" colspan=\"%d\">", columns + 1);
    cli_xml_text(out, group);
    fputs("</th></tr>\n", out);
    for (int i = first; i < h->n_rows; i++)
        if (!strcmp(h->row[i].group, group))
            put_row(out, h, &h->row[i]);
    fputs("</tbody>\n", out);
}

void page_heat(FILE *out, const struct heat *h, const char *title, const char *about)
{
    int columns = 0;
    for (int i = 0; i < h->n_devices; i++)
        columns += h->total[i] > 0;
    if (columns == 0)
        return;
    fputs(heat_style, out);
    fputs("<section><h2>", out);
    cli_xml_text(out, title);
    fputs("</h2>\n<p>", out);
    cli_xml_text(out, about);
    fputs("</p>\n<div class=\"mh\"><table><thead><tr><td></td>", out);
    for (int i = 0; i < h->n_devices; i++)
        if (h->total[i]) {
            fputs("<th scope=\"col\">", out);
            cli_xml_text(out, h->device[i]);
            fputs("</th>", out);
        }
    fputs("</tr></thead>\n", out);
    for (int i = 0; i < h->n_rows; i++)
        if (heat_row_of_group(h, h->row[i].group) == i)
            put_group(out, h, i, columns);
    fputs("</table></div></section>\n", out);
}
