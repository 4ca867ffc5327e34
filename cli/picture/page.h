/* page.h: a picture and a heat map as parts of an HTML page, which needs no script and nothing from elsewhere.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_PICTURE_PAGE_H
#define ATTNFUZZ_PICTURE_PAGE_H

#include <stdio.h>

#include "cli/picture/heat.h"
#include "cli/picture/picture.h"

/* A section: heading (the picture's title), a sentence about it, the legend, a figure for each panel, and all of it as
 * text. Once in a page. */
void page_picture(FILE *out, const struct picture *picture, const char *about);
/* A section: heading, a sentence, a table whose cells are the darker the more they count. Once in a page. */
void page_heat(FILE *out, const struct heat *heat, const char *title, const char *about);

#endif
