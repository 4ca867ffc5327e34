/* legend.h: what a picture's looks mean.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_PICTURE_LEGEND_H
#define ATTNFUZZ_PICTURE_LEGEND_H

#include <stdio.h>

#include "cli/picture/picture.h"

/* An entry: the class of its rectangle (panel.h), the letter in it (0: none) and what it means. */
struct legend_entry {
    const char *class;
    char letter;
    const char *text;
};
enum { LEGEND_ENTRIES_MAX = PICTURE_NAMES_MAX + 12, LEGEND_WIDTH = 24, LEGEND_HEIGHT = 14 };

/* Calls put for each thing that the picture shows, and for what would stand out in it. */
void legend_each(const struct picture *picture, void (*put)(void *, const struct legend_entry *), void *context);
/* The rectangle of an entry, LEGEND_WIDTH x LEGEND_HEIGHT pixels. */
void legend_swatch(FILE *out, const struct legend_entry *entry, int x, int y);

#endif
