/* legend.c: see legend.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/picture/legend.h"

#include <string.h>

#include "cli/picture/panel.h"

void legend_swatch(FILE *out, const struct legend_entry *e, int x, int y)
{
    const bool kernel = !strncmp(e->class, "mp-k", 4), cliff = !strcmp(e->class, "mp-cliff");
    const char *on = !strcmp(e->class, "mp-fails")   ? "mp-on-black"
                     : !strcmp(e->class, "mp-wrong") ? "mp-on-bad"
                                                     : "mp-halo";
    fprintf(out, "<g transform=\"translate(%d %d) scale(8)\"><rect class=\"%s\" width=\"3\" height=\"1.75\"/>", x, y,
            cliff ? "mp-blank" : e->class);
    if (!strcmp(e->class, "mp-k3"))
        fputs("<rect class=\"mp-s3\" width=\"3\" height=\"1.75\"/>", out);
    if (cliff)
        fputs("<path class=\"mp-cliff\" d=\"M.2 1.15l.3 -.5l.3 .5zM1.2 1.15l.3 -.5l.3 .5zM2.2 1.15l.3 -.5l.3 .5z\"/>",
              out);
    fputs("</g>", out);
    if (e->letter)
        fprintf(out, "<text class=\"mp-l %s%s\" font-size=\"11\" x=\"%d\" y=\"%d\">%c</text>", kernel ? "mp-t" : on,
                kernel ? e->class + 4 : "", x + 12, y + 11, e->letter);
}

void legend_each(const struct picture *p, void (*put)(void *, const struct legend_entry *), void *context)
{
    struct picture_count count;
    picture_count(p, 0, -1, &count);
    for (int i = 0; i < p->n_names; i++) {
        char class[32], text[PICTURE_NAME_MAX + 32];
        panel_kernel_class(p, i, class, sizeof class);
        snprintf(text, sizeof text, "%s%s", p->name[i], p->diff ? " (pale: no change)" : "");
        put(context, &(struct legend_entry){ class, p->letter[i], text });
    }
    const struct {
        bool shown;
        struct legend_entry entry;
    } others[] = {
        { p->diff, { "mp-blank mp-moved", 0, "outlined: another kernel, the old one's letter first" } },
        { p->diff, { "mp-launch", 0, "the same kernel, launched otherwise" } },
        { p->diff, { "mp-blank mp-better", 0, "better: it did not run, or failed" } },
        { !p->diff || count.state[PICTURE_HOLE], { "mp-hole", 'H', "hole: refused, no kernel is able" } },
        { !p->diff || count.state[PICTURE_STUB], { "mp-stub", 'S', "stub: a launch that cannot run" } },
        { !p->diff || count.state[PICTURE_FAILS], { "mp-fails", 'F', "fails: abort, crash, error after a yes" } },
        { p->priced, { "mp-cliff", 0, "cliff: a neighbour costs below a third" } },
        { p->priced || count.naive, { "mp-wrong", '!', "naive or a cliff where none may be (P11)" } },
        { count.state[PICTURE_LARGE] > 0, { "mp-large", '?', "too large to be asked" } },
        { count.state[PICTURE_UNREACHED] > 0, { "mp-unreached", '-', "not reached: asking ended before" } },
        { count.state[PICTURE_BLANK] > 0, { "mp-blank", 0, "not asked: there is no such call" } },
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i].shown)
            put(context, &others[i].entry);
}
