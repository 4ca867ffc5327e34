/* figures.c: see figures.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/map/figures.h"

#include <stdlib.h>

#include "cli/map/ask.h"
#include "cli/picture/page.h"

enum { WHATS = 8, SECONDS = 5 };

void map_figures(FILE *out, struct diff *diff)
{
    const struct map_options options = { .n_subjects = 2, .seconds = SECONDS };
    struct picture *p = calloc(1, sizeof *p);
    if (!p)
        return;
    for (int worse = 1; worse >= 0; worse--)
        for (int i = 0; i < diff->n_changes; i++) {
            struct picture_what what;
            picture_what_of(&diff->change[i].problem, &what);
            if (diff->change[i].worse == (worse == 1))
                picture_what_add(p, &what, WHATS);
        }
    p->kv_heads = 8;
    picture_axes(p);
    snprintf(p->title, sizeof p->title, "Which kernel is chosen: what changed");
    if (p->n_whats > 0 && map_describe(&options, diff->side, p) && picture_open(p)) {
        map_ask(&options, diff->side, p);
        picture_letters(p);
        page_picture(
            out, p,
            "Of the head sizes, GQA ratios, types and other features of the changes, those that are worse first, "
            "and plain otherwise: n_q to the right, n_kv upwards, 8 KV heads. Devices that are the same share a "
            "panel.");
    }
    picture_close(p);
    free(p);
}
