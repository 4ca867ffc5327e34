/* panel.c: see panel.h. Cells that look alike are joined to rectangles, in units of cells; what a region is stands in
 * it once as a letter. Looks differ in brightness or pattern, not in colour alone.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/picture/panel.h"

#include <inttypes.h>
#include <string.h>

#include "cli/input/message.h"

enum { BELOW = 17, CELLS_WIDE = 24, CELL_USUAL = 8, CELL_LEAST = 4, CELL_MOST = 14 };

int panel_cell(const struct picture *p)
{
    const int cell = CELLS_WIDE * CELL_USUAL / p->n_q;
    return cell < CELL_LEAST ? CELL_LEAST : cell > CELL_MOST ? CELL_MOST : cell;
}
int panel_width(const struct picture *p) { return PANEL_LEFT + p->n_q * panel_cell(p) + 2; }
int panel_height(const struct picture *p) { return p->n_kv * panel_cell(p) + BELOW; }

/* ---- Style ----------------------------------------------------------------------------------------------- */

/* By the order of the kernels' names: fill, letter; light, dark. Their brightness falls and rises in steps. */
#define LOOKS(X)                                     \
    X(0, "#23527c", "#ffffff", "#3f82bd", "#ffffff") \
    X(1, "#5fb3a1", "#10231f", "#74c4b1", "#10231f") \
    X(2, "#f1dfa2", "#2f2810", "#efe0a8", "#2f2810") \
    X(3, "#b5478c", "#ffffff", "#cc5fa3", "#ffffff") \
    X(4, "#98a3af", "#14181c", "#8b96a3", "#14181c") \
    X(5, "#d98a4a", "#2b1705", "#e0975a", "#2b1705") \
    X(6, "#6a57a5", "#ffffff", "#8f7cc9", "#140d28") \
    X(7, "#b7d57a", "#1d2608", "#bddb80", "#1d2608")
enum { LOOKS_MAX = 8 };

void panel_style(FILE *out)
{
    fputs(":root{color-scheme:light dark;--mp-ink:#1c2024;--mp-dim:#5b636b;--mp-ground:#ffffff;--mp-frame:#9aa2aa;"
          "--mp-bad:#c3241c;--mp-black:#111417;--mp-white:#ffffff;--mp-good:#1a7f37;--mp-unasked:#e6e9ec}\n",
          out);
#define X(i, fill, letter, dark, dark_letter) fputs(".mp-k" #i "{fill:" fill "}.mp-t" #i "{fill:" letter "}\n", out);
    LOOKS(X)
#undef X
    fputs(".mp-s3{fill:url(#mp-stripes)}.mp-blank{fill:var(--mp-unasked)}.mp-large{fill:url(#mp-dots)}\n"
          ".mp-unreached{fill:var(--mp-ground)}\n"
          ".mp-hole{fill:url(#mp-hole);stroke:var(--mp-bad);stroke-width:1.5;vector-effect:non-scaling-stroke}\n"
          ".mp-stub{fill:url(#mp-stub);stroke:var(--mp-ink);stroke-width:1.5;vector-effect:non-scaling-stroke}\n"
          ".mp-fails{fill:var(--mp-black);stroke:var(--mp-bad);stroke-width:1.5;vector-effect:non-scaling-stroke}\n"
          ".mp-cells rect{shape-rendering:crispEdges}.mp-wrong{fill:url(#mp-wrong)}\n"
          ".mp-cliff{fill:var(--mp-ground);stroke:var(--mp-ink);stroke-width:.7;"
          "vector-effect:non-scaling-stroke}\n"
          ".mp-same{opacity:.28}.mp-launch{fill:url(#mp-launch)}\n"
          ".mp-moved{stroke:var(--mp-ink);stroke-width:2;vector-effect:non-scaling-stroke}\n"
          ".mp-better{stroke:var(--mp-good);stroke-width:2.5;vector-effect:non-scaling-stroke}\n"
          ".mp text{font-family:system-ui,sans-serif;fill:var(--mp-ink)}.mp text.mp-dim{fill:var(--mp-dim)}"
          ".mp text.mp-l{font-weight:700;text-anchor:middle}.mp text.mp-halo{paint-order:stroke;"
          "stroke:var(--mp-ground);stroke-width:5px;stroke-linejoin:round}\n"
          ".mp text.mp-on-black{fill:var(--mp-white)}.mp text.mp-on-bad{fill:var(--mp-ground);paint-order:stroke;"
          "stroke:var(--mp-bad);stroke-width:5px;stroke-linejoin:round}.mp-ground{fill:var(--mp-ground)}"
          ".mp-frame{fill:none;stroke:var(--mp-frame)}\n",
          out);
#define X(i, fill, letter, dark, dark_letter) fputs(".mp text.mp-t" #i "{fill:" letter "}", out);
    LOOKS(X)
#undef X
    fputs(".mp text.mp-t3{paint-order:stroke;stroke:#b5478c;stroke-width:5px;stroke-linejoin:round}",
          out); /* stripes */
    fputs("\n@media(prefers-color-scheme:dark){.mp text.mp-t3{stroke:#cc5fa3}:root{--mp-ink:#e8ebee;--mp-dim:#a7b0b9;"
          "--mp-ground:#16191c;--mp-frame:#5d666f;--mp-bad:#ff6257;--mp-black:#f4f6f8;--mp-white:#111417;"
          "--mp-good:#56d27b;--mp-unasked:#2a3036}\n",
          out);
#define X(i, fill, letter, dark, dark_letter) \
    fputs(".mp-k" #i "{fill:" dark "}.mp text.mp-t" #i "{fill:" dark_letter "}", out);
    LOOKS(X)
#undef X
    fputs("}\n", out);
}

/* In units of cells. */
void panel_patterns(FILE *out)
{
    static const char *const patterns[] = {
        /* name, side, what is in it */
        "mp-stripes\" width=\".9\" height=\".9\" patternTransform=\"rotate(45)",
        "<rect class=\"mp-ground\" width=\".2\" height=\".9\"/>",
        "mp-hole\" width=\".7\" height=\".7\" patternTransform=\"rotate(45)",
        "<rect class=\"mp-ground\" width=\".7\" height=\".7\"/><path fill=\"var(--mp-bad)\" d=\"M0 0h.7v.14h-.7z"
        "M0 0h.14v.7h-.14z\"/>",
        "mp-stub\" width=\".8\" height=\".8\" patternTransform=\"rotate(-45)",
        "<rect class=\"mp-ground\" width=\".8\" height=\".8\"/><rect fill=\"var(--mp-ink)\" width=\".34\" "
        "height=\".8\"/>",
        "mp-wrong\" width=\".8\" height=\".8",
        "<rect fill=\"var(--mp-bad)\" width=\".8\" height=\".8\"/><circle class=\"mp-ground\" cx=\".4\" cy=\".4\" "
        "r=\".13\"/>",
        "mp-dots\" width=\".5\" height=\".5",
        "<circle cx=\".25\" cy=\".25\" r=\".1\" fill=\"var(--mp-dim)\"/>",
        "mp-launch\" width=\"1\" height=\"1",
        "<path d=\"M.15 .6q.18 -.3 .35 -.1t.35 -.1\" fill=\"none\" stroke=\"var(--mp-ink)\" stroke-width=\".14\"/>",
    };
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i += 2)
        fprintf(out, "<pattern id=\"%s\" patternUnits=\"userSpaceOnUse\">%s</pattern>\n", patterns[i], patterns[i + 1]);
}

void panel_kernel_class(const struct picture *p, int kernel, char *text, size_t cap)
{
    snprintf(text, cap, "mp-k%d", kernel < p->n_names ? picture_look(p, kernel, LOOKS_MAX) : LOOKS_MAX - 1);
}

/* ---- Regions --------------------------------------------------------------------------------------------- */

enum { AREA_MAX = PICTURE_SIDE_MAX * PICTURE_SIDE_MAX };

struct box {
    int q, kv, w, h; /* lowest n_q, highest n_kv: its upper left cell */
    int region;
};

struct plane {
    const struct picture *p;
    const struct picture_cell *cell;
    int look[AREA_MAX], region[AREA_MAX]; /* by row from above, then column */
    int n_boxes;
    struct box box[AREA_MAX];
};

static const struct picture_cell *cell_at(const struct plane *a, int row, int q)
{
    return a->cell + (int64_t)(a->p->n_kv - 1 - row) * a->p->n_q + q;
}

/* Cells of one look that touch have the number of the region's first. */
static void find_regions(struct plane *a)
{
    const int w = a->p->n_q, n = w * a->p->n_kv;
    for (int i = 0; i < n; i++) {
        a->look[i] = picture_cell_look(a->p, cell_at(a, i / w, i % w));
        a->region[i] = i;
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (int turn = 0; turn < 2 * n; turn++) {
            const int i = turn < n ? turn : 2 * n - 1 - turn;
            const int other[] = { i % w ? i - 1 : -1, i >= w ? i - w : -1, i % w + 1 < w ? i + 1 : -1,
                                  i + w < n ? i + w : -1 };
            for (int k = 0; k < 4; k++)
                if (other[k] >= 0 && a->look[other[k]] == a->look[i] && a->region[other[k]] < a->region[i]) {
                    a->region[i] = a->region[other[k]];
                    changed = true;
                }
        }
    }
}

static void find_boxes(struct plane *a)
{
    const int w = a->p->n_q, n = w * a->p->n_kv;
    bool done[AREA_MAX] = { false };
    a->n_boxes = 0;
    for (int i = 0; i < n; i++) {
        if (done[i])
            continue;
        struct box *b = &a->box[a->n_boxes++];
        *b = (struct box){ .q = i % w, .kv = i / w, .w = 1, .h = 1, .region = a->region[i] };
        while (b->q + b->w < w && !done[i + b->w] && a->look[i + b->w] == a->look[i])
            b->w++;
        for (bool more = true; more && b->kv + b->h < a->p->n_kv;) {
            for (int k = 0; k < b->w; k++)
                more &= !done[i + b->h * w + k] && a->look[i + b->h * w + k] == a->look[i];
            b->h += more;
        }
        for (int k = 0; k < b->w * b->h; k++)
            done[i + k / b->w * w + k % b->w] = true;
    }
}

/* ---- Drawing --------------------------------------------------------------------------------------------- */

static const char *class_of(const struct picture *p, const struct picture_cell *c, char class[48])
{
    static const char *const states[PICTURE_STATE_COUNT] = {
        [PICTURE_UNREACHED] = "mp-unreached", [PICTURE_BLANK] = "mp-blank", [PICTURE_LARGE] = "mp-large",
        [PICTURE_HOLE] = "mp-hole",           [PICTURE_STUB] = "mp-stub",   [PICTURE_FAILS] = "mp-fails",
    };
    char kernel[16];
    panel_kernel_class(p, c->kernel, kernel, sizeof kernel);
    const char *base = c->mark & (PICTURE_NAIVE | PICTURE_STEEP) ? "mp-wrong"
                       : c->state == PICTURE_RUNS                ? kernel
                                                                 : states[c->state];
    static const char *const changes[] = { " mp-same", " mp-same", " mp-moved", " mp-better", "" };
    snprintf(class, 48, "%s%s", base, p->diff ? changes[c->change] : "");
    return class;
}

static const char *name_of(const struct picture *p, int state, int kernel)
{
    return state != PICTURE_RUNS ? picture_state_word(state) : kernel < p->n_names ? p->name[kernel] : "a kernel";
}

static void put_title(FILE *out, const struct plane *a, const struct box *b, const struct picture_cell *c)
{
    const struct picture *p = a->p;
    fputs("<title>", out);
    if (p->diff && c->change >= PICTURE_KERNEL) {
        cli_xml_text(out, name_of(p, c->old_state, c->old_kernel));
        fputs(" before, now ", out);
    }
    cli_xml_text(out, name_of(p, c->state, c->kernel));
    fprintf(out, "%s: n_q %" PRId64 " to %" PRId64 ", n_kv %" PRId64 " to %" PRId64 "</title>",
            c->mark & PICTURE_NAIVE     ? ", for a known head size"
            : c->mark & PICTURE_STEEP   ? ", a cliff that no contract names"
            : c->change == PICTURE_SAME ? ""
            : p->diff                   ? c->change == PICTURE_LAUNCH ? ", launched otherwise" : ""
                                        : "",
            p->q[b->q], p->q[b->q + b->w - 1], p->kv[p->n_kv - b->kv - b->h], p->kv[p->n_kv - 1 - b->kv]);
}

static void put_box(FILE *out, const struct plane *a, const struct box *b)
{
    const struct picture_cell *c = cell_at(a, b->kv, b->q);
    char class[48], geometry[96];
    snprintf(geometry, sizeof geometry, "x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"", b->q, b->kv, b->w, b->h);
    class_of(a->p, c, class);
    fprintf(out, "<rect class=\"%s\" data-is=\"", class);
    cli_xml_text(out, name_of(a->p, c->state, c->kernel));
    putc('"', out);
    if (a->p->diff && c->change)
        fprintf(out, " data-change=\"%s\"", picture_change_word(c->change));
    fprintf(out, " %s>", geometry);
    put_title(out, a, b, c);
    fputs("</rect>", out);
    if (!strncmp(class, "mp-k3", 5))
        fprintf(out, "<rect class=\"mp-s3\" %s/>", geometry);
    if (a->p->diff && c->change == PICTURE_LAUNCH)
        fprintf(out, "<rect class=\"mp-launch\" %s/>", geometry);
    putc('\n', out);
}

static bool on_cliff(const struct plane *a, int row, int q)
{
    return row >= 0 && q >= 0 && row < a->p->n_kv && q < a->p->n_q && cell_at(a, row, q)->mark & PICTURE_CLIFF;
}

/* A small roof in cells on the dear side of a cliff: at its edge in each, inside in every other one. */
static void put_cliffs(FILE *out, const struct plane *a)
{
    bool any = false;
    for (int row = 0; row < a->p->n_kv; row++)
        for (int q = 0; q < a->p->n_q; q++)
            if (on_cliff(a, row, q) && ((row + q) % 2 || !on_cliff(a, row, q - 1) || !on_cliff(a, row, q + 1) ||
                                        !on_cliff(a, row - 1, q) || !on_cliff(a, row + 1, q))) {
                fputs(any ? "" : "<path class=\"mp-cliff\" d=\"", out);
                fprintf(out, "M%d.2 %d.75l.3 -.5l.3 .5z", q, row);
                any = true;
            }
    fputs(any ? "\"/>\n" : "", out);
}

static bool is_largest(const struct plane *a, int i)
{
    const int area = a->box[i].w * a->box[i].h;
    for (int k = 0; k < a->n_boxes; k++) {
        const int other = a->box[k].w * a->box[k].h;
        if (k != i && a->box[k].region == a->box[i].region && (other > area || (other == area && k < i)))
            return false;
    }
    return true;
}

/* What stands in a region: a letter; of what changed the old one's and the new one's where there is room. */
static void region_word(const struct plane *a, const struct picture_cell *c, bool room, char word[16])
{
    const struct picture *p = a->p;
    struct picture_cell plain = *c; /* that there are cliffs is drawn, and what changed */
    plain.mark &= (uint8_t)~PICTURE_CLIFF;
    plain.change = PICTURE_KERNEL;
    const char new = picture_cell_letter(p, &plain);
    plain.state = c->old_state;
    plain.kernel = c->old_kernel;
    plain.mark = 0;
    if (p->diff && c->change >= PICTURE_KERNEL && room)
        snprintf(word, 16, "%c\xe2\x86\x92%c", picture_cell_letter(p, &plain), new);
    else
        snprintf(word, 16, "%c", new);
}

/* In the largest box of each region. */
static void put_letters(FILE *out, const struct plane *a)
{
    const int cell = panel_cell(a->p);
    for (int i = 0; i < a->n_boxes; i++) {
        const struct box *b = &a->box[i];
        const struct picture_cell *c = cell_at(a, b->kv, b->q);
        if (!is_largest(a, i) || c->state == PICTURE_BLANK || (a->p->diff && c->change == PICTURE_LAUNCH))
            continue;
        char class[48], kernel[16], word[16];
        class_of(a->p, c, class);
        panel_kernel_class(a->p, c->kernel, kernel, sizeof kernel);
        const bool pale = a->p->diff && c->change < PICTURE_KERNEL;
        const bool on_kernel = !strncmp(class, "mp-k", 4) && !pale;
        const char *on = !strncmp(class, "mp-fails", 8)   ? "mp-on-black"
                         : !strncmp(class, "mp-wrong", 8) ? "mp-on-bad"
                                                          : "mp-halo";
        const int least = (b->w < b->h ? b->w : b->h) * cell;
        const int size = least >= 12 ? 11 : least >= 8 ? 8 : 6;
        region_word(a, c, b->w * cell >= 3 * size, word);
        fprintf(out, "<text class=\"mp-l %s%s\" font-size=\"%d\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
                pale        ? "mp-dim"
                : on_kernel ? "mp-t"
                            : on,
                on_kernel ? kernel + 4 : "", size, (b->q + b->w / 2.0) * cell,
                (b->kv + b->h / 2.0) * cell + size * 0.36, word);
    }
}

static void put_axes(FILE *out, const struct picture *p)
{
    const int cell = panel_cell(p), bottom = p->n_kv * cell;
    char number[24];
    for (int kv = 0, next = -1; kv < p->n_kv; kv++) {
        const int y = bottom - kv * cell - cell / 2;
        if (next >= 0 && y > next)
            continue;
        picture_number(p->kv[kv], number, sizeof number);
        fprintf(out, "<text class=\"mp-dim\" font-size=\"9\" text-anchor=\"end\" x=\"-4\" y=\"%d\">%s</text>", y + 3,
                number);
        next = y - 22;
    }
    for (int q = 0, next = -1; q < p->n_q; q++) {
        const int x = q * cell + cell / 2;
        picture_number(p->q[q], number, sizeof number);
        if (x < next || (q && p->n_q > 12 && (p->q[q] & (p->q[q] - 1))))
            continue;
        fprintf(out, "<text class=\"mp-dim\" font-size=\"9\" text-anchor=\"middle\" x=\"%d\" y=\"%d\">%s</text>", x,
                bottom + 11, number);
        next = x + 28;
    }
    putc('\n', out);
}

static void add(char *text, size_t cap, const char *format, int64_t n, const char *what)
{
    const size_t used = strlen(text);
    if (n && used < cap)
        snprintf(text + used, cap - used, format, used ? ", " : "", n, what);
}

void panel_summary(const struct picture *p, int device, int what, char *text, size_t cap)
{
    struct picture_count count;
    picture_count(p, device, what, &count);
    text[0] = 0;
    if (p->diff)
        for (int i = PICTURE_CHANGE_COUNT - 1; i >= 0; i--)
            add(text, cap, "%s%" PRId64 " cells %s", count.change[i], picture_change_word(i));
    for (int i = 0; i < p->n_names; i++)
        add(text, cap, "%s%" PRId64 "%% %s", (100 * count.kernel[i] + count.cells / 2) / count.cells, p->name[i]);
    for (int i = 0; i < PICTURE_STATE_COUNT; i++)
        if (i != PICTURE_RUNS)
            add(text, cap, "%s%" PRId64 " cells %s", count.state[i], picture_state_word(i));
    add(text, cap, "%s%" PRId64 " cells %s", count.naive, "naive for a known head size");
    add(text, cap, "%s%" PRId64 " cells %s", count.steep, "on a cliff that no contract names");
    add(text, cap, "%s%" PRId64 " cells %s", count.cliff, "on a cliff that a contract names");
}

void panel_draw(FILE *out, const struct picture *p, int device, int what, int x, int y)
{
    struct plane a = { .p = p, .cell = picture_panel(p, device, what) };
    const int cell = panel_cell(p);
    find_regions(&a);
    find_boxes(&a);
    fprintf(out, "<g transform=\"translate(%d %d)\">\n<g class=\"mp-cells\" transform=\"scale(%d)\">\n", x + PANEL_LEFT,
            y, cell);
    for (int changed = 0; changed < 2; changed++) /* outlines lie above what has none */
        for (int i = 0; i < a.n_boxes; i++) {
            const struct picture_cell *c = cell_at(&a, a.box[i].kv, a.box[i].q);
            if ((picture_is_trouble(c->state) || c->change >= PICTURE_KERNEL) == (changed == 1))
                put_box(out, &a, &a.box[i]);
        }
    put_cliffs(out, &a);
    fputs("</g>\n", out);
    fprintf(out, "<rect class=\"mp-frame\" width=\"%d\" height=\"%d\"/>\n", p->n_q * cell, p->n_kv * cell);
    put_letters(out, &a);
    put_axes(out, p);
    fputs("</g>\n", out);
}
