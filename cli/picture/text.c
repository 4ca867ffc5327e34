/* text.c: see text.h. Colours are those of the 256 that every terminal has; nothing is told by them alone.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/picture/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "cli/input/message.h"
#include "fuzz/case/attn_case.h"

enum { LABEL = 5, GAP = 3, NARROWEST = 18 /* columns of a panel, for what is said over it */ };

/* ---- Panels ---------------------------------------------------------------------------------------------- */

/* What is written before a cell; NULL: nothing. Backgrounds as in svg.c, dark on light or light on dark. */
static const char *style_of(const struct picture *p, const struct picture_cell *c)
{
    static const char *const kernels[] = { "\033[48;5;24;97m", "\033[48;5;73;30m",  "\033[48;5;186;30m",
                                           "\033[48;5;96;97m", "\033[48;5;145;30m", "\033[48;5;173;30m" };
    enum { KERNELS = sizeof kernels / sizeof kernels[0] };
    if (p->diff && c->change == PICTURE_SAME)
        return "\033[2m";
    if (picture_is_trouble(c->state) || c->mark & (PICTURE_NAIVE | PICTURE_STEEP))
        return "\033[1;48;5;160;97m";
    if (c->state != PICTURE_RUNS || (p->diff && c->change == PICTURE_LAUNCH))
        return "\033[2m";
    return c->kernel < p->n_names ? kernels[picture_look(p, c->kernel, KERNELS)] : NULL;
}

static void put_row(FILE *out, const struct picture *p, int device, int what, int kv, bool colour)
{
    const char *before = NULL;
    char number[24];
    picture_number(p->kv[kv], number, sizeof number);
    fprintf(out, "%*s ", LABEL, number);
    for (int q = 0; q < p->n_q; q++) {
        const struct picture_cell *c = picture_cell(p, device, what, q, kv);
        const char *style = colour ? style_of(p, c) : NULL;
        if (style != before)
            fprintf(out, "%s%s", before ? "\033[0m" : "", style ? style : "");
        before = style;
        putc(picture_cell_letter(p, c), out);
    }
    if (before)
        fputs("\033[0m", out);
}

/* n_q below the columns, as many as there is room for. */
static void put_axis(FILE *out, const struct picture *p)
{
    char line[PICTURE_SIDE_MAX + 1];
    int until = 0; /* next free column */
    memset(line, ' ', sizeof line);
    for (int q = 0; q < p->n_q; q++) {
        char number[24];
        picture_number(p->q[q], number, sizeof number);
        const int n = (int)strlen(number);
        bool round = (p->q[q] & (p->q[q] - 1)) == 0; /* not all of them: 1, 4, 16, ... */
        if (q < until || q + n > p->n_q || !round)
            continue;
        memcpy(line + q, number, (size_t)n);
        until = q + n + 3;
    }
    fprintf(out, "%*s %.*s", LABEL, "", p->n_q, line);
}

static int panel_columns(const struct picture *p) { return p->n_q < NARROWEST ? NARROWEST : p->n_q; }
static int panel_width(const struct picture *p) { return LABEL + 1 + panel_columns(p); }

/* A panel's place in the row under way. */
struct slot {
    int device, what;
    char list[2][512]; /* what is said over it: what it is of, its devices */
    const char *rest;  /* of one of them */
};

/* The next line of a list: as many words between commas as fit, one at least. */
static void put_list(FILE *out, struct slot *slot, int width, bool last)
{
    const char *at = slot->rest, *cut = at + strlen(at);
    if ((int)strlen(at) > width)
        for (const char *comma = at; (comma = strchr(comma, ',')) && (comma - at < width || *cut == 0); comma++)
            cut = comma + 1;
    fprintf(out, "%*s%-*.*s", LABEL + 1, "", last ? 0 : width, (int)(cut - at), at);
    slot->rest = cut + strspn(cut, " ");
}

static bool any_rest(const struct slot *slot, int n)
{
    for (int i = 0; i < n; i++)
        if (*slot[i].rest)
            return true;
    return false;
}

static void put_panels(FILE *out, const struct picture *p, struct slot *slot, int n, bool colour)
{
    for (int list = 0; list < 2; list++) {
        for (int i = 0; i < n; i++)
            slot[i].rest = slot[i].list[list];
        while (any_rest(slot, n)) {
            for (int i = 0; i < n; i++) {
                fprintf(out, "%*s", i ? GAP : 0, "");
                put_list(out, &slot[i], panel_columns(p), i + 1 == n);
            }
            putc('\n', out);
        }
    }
    for (int kv = p->n_kv - 1; kv >= 0; kv--) {
        for (int i = 0; i < n; i++) {
            fprintf(out, "%*s", i ? GAP : 0, "");
            put_row(out, p, slot[i].device, slot[i].what, kv, colour);
            fprintf(out, "%*s", i + 1 == n ? 0 : panel_columns(p) - p->n_q, "");
        }
        putc('\n', out);
    }
    for (int i = 0; i < n; i++) {
        fprintf(out, "%*s", i ? GAP : 0, "");
        put_axis(out, p);
        fprintf(out, "%*s", i + 1 == n ? 0 : panel_columns(p) - p->n_q, "");
    }
    fputs("\n\n", out);
}

enum { SLOTS = 8 };

/* All panels, column by column, n in a row: one column's are not torn apart where they fit. */
static void put_all(FILE *out, const struct picture *p, int n, bool colour)
{
    struct slot slot[SLOTS];
    int used = 0;
    for (int what = 0; what < p->n_whats; what++) {
        int groups = 0;
        for (int device = 0; device < p->n_devices; device++)
            groups += picture_group(p, device, what) != 0;
        if (used > 0 && used + groups > n) {
            put_panels(out, p, slot, used, colour);
            used = 0;
        }
        for (int device = 0; device < p->n_devices; device++) {
            const uint32_t group = picture_group(p, device, what);
            if (!group)
                continue;
            slot[used] = (struct slot){ .device = device, .what = what };
            picture_what_text(&p->what[what], slot[used].list[0], sizeof slot[used].list[0]);
            picture_devices(p, group, slot[used].list[1], sizeof slot[used].list[1]);
            if (++used == n) {
                put_panels(out, p, slot, used, colour);
                used = 0;
            }
        }
    }
    if (used > 0)
        put_panels(out, p, slot, used, colour);
}

/* ---- What it means --------------------------------------------------------------------------------------- */

static void put_line(FILE *out, const struct picture *p, const struct picture_place *at)
{
    struct attn_case c;
    char line[ATTN_CASE_LINE_MAX];
    if (!picture_problem(p, at->what, at->q, at->kv, &c.problem))
        return;
    attn_run_default(&c.run);
    int row, weakening;
    if (attn_device_named(p->device[at->device], strlen(p->device[at->device]), &row, &weakening)) {
        c.run.device = row;
        c.run.weakening = weakening;
    }
    attn_case_print(&c, line, sizeof line);
    fprintf(out, "      %s\n", line);
}

static bool is_state(const struct picture_cell *c, int state) { return c->state == state; }
static bool has_mark(const struct picture_cell *c, int mark) { return (c->mark & mark) != 0; }
static bool has_change(const struct picture_cell *c, int change) { return c->change == change; }

static void put_stands_out(FILE *out, const struct picture *p, const char *letter, int64_t n, const char *text,
                           bool (*is)(const struct picture_cell *, int), int argument)
{
    struct picture_place at;
    if (n == 0)
        return;
    fprintf(out, "  %-4s %7" PRId64 "  %s\n", letter, n, text);
    if (picture_find(p, is, argument, &at))
        put_line(out, p, &at);
}

static void put_kernels(FILE *out, const struct picture *p, const struct picture_count *count)
{
    for (int i = 0; i < p->n_names; i++) {
        fprintf(out, "  %c    %7" PRId64 "  ", p->letter[i], count->kernel[i]);
        cli_put_clean(out, p->name[i], strlen(p->name[i]));
        putc('\n', out);
    }
}

static void put_states(FILE *out, const struct picture *p, const struct picture_count *count)
{
    for (int state = PICTURE_STATE_COUNT - 1; state >= 0; state--) {
        const char letter[] = { picture_cell_letter(p, &(struct picture_cell){ .state = (uint8_t)state,
                                                                               .change = PICTURE_KERNEL,
                                                                               .kernel = PICTURE_NO_KERNEL }),
                                0 };
        char text[128];
        snprintf(text, sizeof text, "%s: %s", picture_state_word(state), picture_state_text(state));
        if ((state == PICTURE_BLANK || state == PICTURE_UNREACHED) && count->state[state])
            fprintf(out, "  %-4s %7" PRId64 "  %s\n", state == PICTURE_BLANK ? "." : letter, count->state[state], text);
        else if (state != PICTURE_RUNS)
            put_stands_out(out, p, letter, count->state[state], text, is_state, state);
    }
}

static void put_meaning(FILE *out, const struct picture *p)
{
    struct picture_count count;
    picture_count(p, 0, -1, &count);
    fprintf(out, "cells: n_q to the right, n_kv upwards; %" PRId64 " of them on %d device%s\n", count.cells,
            p->n_devices, p->n_devices == 1 ? "" : "s");
    fputs("n_q:", out);
    for (int q = 0; q < p->n_q; q++)
        fprintf(out, " %" PRId64, p->q[q]);
    putc('\n', out);
    if (p->diff) {
        fprintf(out, "  .    %7" PRId64 "  the same\n", count.change[PICTURE_SAME]);
        put_stands_out(out, p, "~", count.change[PICTURE_LAUNCH], "the same kernel, launched otherwise", has_change,
                       PICTURE_LAUNCH);
        put_stands_out(out, p, "a-z", count.change[PICTURE_KERNEL], "another kernel, by the new one's letter",
                       has_change, PICTURE_KERNEL);
        put_stands_out(out, p, "+", count.change[PICTURE_BETTER], "better: it did not run, or is refused and failed",
                       has_change, PICTURE_BETTER);
        put_stands_out(out, p, "HSF!", count.change[PICTURE_WORSE], "worse: it ran before, or was only refused",
                       has_change, PICTURE_WORSE);
        fputs("kernels of the new one, and what does not run there:\n", out);
    }
    put_kernels(out, p, &count);
    put_states(out, p, &count);
    put_stands_out(out, p, "!", count.naive, "naive for a known head size (P11)", has_mark, PICTURE_NAIVE);
    put_stands_out(
        out, p, "A-Z", count.cliff,
        "a kernel's capital, cliff: over 3 times as dear as a neighbour with no less to do; contracts say why",
        has_mark, PICTURE_CLIFF);
    put_stands_out(out, p, "!", count.steep, "cliffs that no contract names (P11)", has_mark, PICTURE_STEEP);
    if (!p->diff && !p->priced)
        fputs("  cliffs are not marked: only our own planner says what a kernel costs\n", out);
}

void picture_text(FILE *out, const struct picture *p, int columns, bool colour)
{
    int n = (columns + GAP) / (panel_width(p) + GAP);
    n = n < 1 ? 1 : n > SLOTS ? SLOTS : n;
    fprintf(out, "%s", p->diff ? "old: " : "");
    if (p->diff) {
        cli_put_clean(out, p->old, strlen(p->old));
        fputs("\nnew: ", out);
    }
    cli_put_clean(out, p->subject, strlen(p->subject));
    fputs("\n\n", out);
    put_all(out, p, n, colour);
    put_meaning(out, p);
}
