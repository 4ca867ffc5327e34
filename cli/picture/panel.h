/* panel.h: one panel of a picture, as SVG, and what all panels share.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_PICTURE_PANEL_H
#define ATTNFUZZ_PICTURE_PANEL_H

#include <stdio.h>

#include "cli/picture/picture.h"

enum { PANEL_LEFT = 34 }; /* pixels left of the cells, for n_kv */
/* Pixels of a cell's side, and of a panel with its axes, below what is written over it. */
int panel_cell(const struct picture *picture);
int panel_width(const struct picture *picture);
int panel_height(const struct picture *picture);

/* The style's rules, light and dark; without the element. */
void panel_style(FILE *out);
/* Patterns that the rules fill with; without the element. */
void panel_patterns(FILE *out);
/* A panel with its upper left corner at x, y. */
void panel_draw(FILE *out, const struct picture *picture, int device, int what, int x, int y);
/* What is in it, in a sentence: "tile 62%, vec 38%; 3 holes". */
void panel_summary(const struct picture *picture, int device, int what, char *text, size_t cap);
/* The class of a kernel's rectangles. */
void panel_kernel_class(const struct picture *picture, int kernel, char *text, size_t cap);

#endif
