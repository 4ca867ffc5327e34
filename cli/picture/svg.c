/* svg.c: see svg.h. Readable without scripts and without anything from elsewhere, in light and in dark.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/picture/svg.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "cli/input/message.h"
#include "cli/picture/legend.h"
#include "cli/picture/panel.h"

enum { MARGIN = 20, GAP = 14, ABOVE = 4, HEADING_LINE = 14, WIDTH_MOST = 1010, LINE = 20, COLUMN = 310 };

/* ---- What is said beside the panels ---------------------------------------------------------------------- */

static void put_text(FILE *out, const char *more, int size, int x, int y, const char *text)
{
    fprintf(out, "<text %s font-size=\"%d\" x=\"%d\" y=\"%d\">", more, size, x, y);
    cli_xml_text(out, text);
    fputs("</text>\n", out);
}

struct legend {
    FILE *out; /* NULL: only counted */
    int n, columns, y;
};

static void put_entry(void *context, const struct legend_entry *e)
{
    struct legend *l = context;
    const int x = MARGIN + l->n % l->columns * COLUMN, y = l->y + l->n / l->columns * LINE;
    l->n++;
    if (!l->out)
        return;
    legend_swatch(l->out, e, x, y);
    put_text(l->out, "", 11, x + LEGEND_WIDTH + 8, y + 11, e->text);
}

/* ---- Where panels are ------------------------------------------------------------------------------------ */

struct flow {
    const struct picture *p;
    int columns, column, row, rows;
    int lines; /* over a panel */
};

/* Bytes of the next line of a list over a panel: whole words between commas, one at least. */
static int line_of(const struct picture *p, const char *list, int pixels)
{
    const int most = (panel_width(p) - PANEL_LEFT + MARGIN) / pixels, n = (int)strlen(list);
    int cut = 0;
    if (n <= most)
        return n;
    for (int i = 0; i < n && (i < most || !cut); i++)
        if (list[i] == ',')
            cut = i + 1;
    return cut ? cut : n;
}

/* What a panel is of, bold, and below it its devices; with out NULL the lines are counted. */
static int put_lines(FILE *out, const struct picture *p, const char *list, bool bold, int x, int y)
{
    int n = 0;
    for (const char *at = list; *at; at += strspn(at, " ")) {
        char text[128];
        const int bytes = line_of(p, at, bold ? 7 : 6);
        snprintf(text, sizeof text, "%.*s", bytes, at);
        if (out)
            put_text(out, bold ? "font-weight=\"600\"" : "class=\"mp-dim\"", bold ? 12 : 11, x + PANEL_LEFT,
                     y + n * HEADING_LINE, text);
        at += bytes;
        n++;
    }
    return n;
}

static int put_heading(FILE *out, const struct picture *p, int what, uint32_t group, int x, int y)
{
    char text[128], devices[512];
    picture_what_text(&p->what[what], text, sizeof text);
    picture_devices_short(p, group, devices, sizeof devices);
    const int n = put_lines(out, p, text, true, x, y + HEADING_LINE - 3);
    return n + put_lines(out, p, devices, false, x, y + (n + 1) * HEADING_LINE - 3);
}

/* The place of the next panel. One column's panels are not torn apart where they fit in a row. */
static void step(struct flow *f, int follow)
{
    const bool fits = f->column + follow <= f->columns;
    if (f->column == f->columns || (f->column > 0 && follow > 0 && !fits)) {
        f->column = 0;
        f->row++;
    }
    f->rows = f->row + 1;
}

static void put_panel(FILE *out, const struct flow *f, int device, int what, uint32_t group, int top)
{
    const struct picture *p = f->p;
    const int x = MARGIN + f->column * (panel_width(p) + GAP);
    const int above = ABOVE + f->lines * HEADING_LINE;
    const int y = top + f->row * (above + panel_height(p) + GAP);
    char devices[512], head[128], summary[640];
    picture_devices(p, group, devices, sizeof devices);
    picture_what_text(&p->what[what], head, sizeof head);
    panel_summary(p, device, what, summary, sizeof summary);
    fprintf(out, "<g role=\"img\" class=\"mp-panel\" data-devices=\"");
    cli_xml_text(out, devices);
    fprintf(out, "\" data-what=\"%s\" aria-label=\"", head);
    cli_xml_text(out, head);
    fputs(" on ", out);
    cli_xml_text(out, devices);
    fputs(": ", out);
    cli_xml_text(out, summary);
    fputs("\">\n<title>", out);
    cli_xml_text(out, head);
    fputs(" on ", out);
    cli_xml_text(out, devices);
    fputs("</title>\n", out);
    const int lines = put_heading(NULL, p, what, group, 0, 0);
    put_heading(out, p, what, group, x, y + (f->lines - lines) * HEADING_LINE);
    panel_draw(out, p, device, what, x, y + above);
    fputs("</g>\n", out);
}

/* How many panels a column of the picture has. */
static int groups_of(const struct picture *p, int what)
{
    int n = 0;
    for (int device = 0; device < p->n_devices; device++)
        n += picture_group(p, device, what) != 0;
    return n;
}

/* Draws, or with out NULL counts rows and the lines over a panel. */
static void put_panels(FILE *out, struct flow *f, int top)
{
    const struct picture *p = f->p;
    f->column = f->row = 0;
    for (int what = 0; what < p->n_whats; what++) {
        int follow = groups_of(p, what);
        for (int device = 0; device < p->n_devices; device++) {
            const uint32_t group = picture_group(p, device, what);
            if (!group)
                continue;
            step(f, follow);
            follow = 0;
            const int lines = put_heading(NULL, p, what, group, 0, 0);
            if (lines > f->lines)
                f->lines = lines;
            if (out)
                put_panel(out, f, device, what, group, top);
            f->column++;
        }
    }
}

/* ---- The file -------------------------------------------------------------------------------------------- */

static void put_extents(FILE *out, const char *name, const int64_t *extent, int n)
{
    fprintf(out, " %s=\"", name);
    for (int i = 0; i < n; i++)
        fprintf(out, "%s%" PRId64, i ? " " : "", extent[i]);
    putc('"', out);
}

static void put_head(FILE *out, const struct picture *p, int width, int height)
{
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"mp\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
            "role=\"group\" aria-labelledby=\"mp-title mp-desc\" style=\"background:var(--mp-ground)\"",
            width, height, width, height);
    put_extents(out, "data-n-q", p->q, p->n_q);
    put_extents(out, "data-n-kv", p->kv, p->n_kv);
    fputs(">\n<title id=\"mp-title\">", out);
    cli_xml_text(out, p->title);
    fputs(": ", out);
    cli_xml_text(out, p->subject);
    fputs("</title>\n<desc id=\"mp-desc\">A panel for each head size, GQA ratio, type and device: n_q grows to the "
          "right, n_kv upwards, both in octaves. attnfuzz map prints the same as text.</desc>\n<style>\n",
          out);
    panel_style(out);
    fputs("</style>\n<defs>\n", out);
    panel_patterns(out);
    fprintf(out, "</defs>\n<rect class=\"mp-ground\" width=\"%d\" height=\"%d\"/>\n", width, height);
}

void picture_svg(FILE *out, const struct picture *p)
{
    const int step_x = panel_width(p) + GAP;
    const int columns = WIDTH_MOST / step_x < 1 ? 1 : WIDTH_MOST / step_x;
    struct flow flow = { .p = p, .columns = columns };
    put_panels(NULL, &flow, 0);
    const int across = flow.rows > 1 ? columns : flow.column;
    const int wide = 2 * MARGIN + across * step_x - GAP, least = 2 * MARGIN + COLUMN;
    const int width = wide < least ? least : wide;
    struct legend legend = { .columns = (width - 2 * MARGIN + 40) / COLUMN, .y = p->diff ? 86 : 70 };
    char text[256];
    if (legend.columns < 1)
        legend.columns = 1;
    legend_each(p, put_entry, &legend);
    const int top = legend.y + (legend.n + legend.columns - 1) / legend.columns * LINE + 14;
    const int row = ABOVE + flow.lines * HEADING_LINE + panel_height(p) + GAP;
    put_head(out, p, width, top + flow.rows * row + MARGIN - GAP);
    put_text(out, "font-weight=\"600\"", 16, MARGIN, 30, p->title);
    if (p->diff) {
        snprintf(text, sizeof text, "old: %.200s", p->old);
        put_text(out, "", 12, MARGIN, 48, text);
        snprintf(text, sizeof text, "new: %.200s", p->subject);
        put_text(out, "", 12, MARGIN, 63, text);
    } else {
        put_text(out, "", 12, MARGIN, 48, p->subject);
    }
    put_text(out, "class=\"mp-dim\"", 11, MARGIN, legend.y - 9, "n_q to the right, n_kv upwards");
    legend.out = out;
    legend.n = 0;
    legend_each(p, put_entry, &legend);
    put_panels(out, &flow, top);
    fputs("</svg>\n", out);
}
