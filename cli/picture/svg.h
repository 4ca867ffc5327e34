/* svg.h: a picture as SVG.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_PICTURE_SVG_H
#define ATTNFUZZ_PICTURE_SVG_H

#include <stdio.h>

#include "cli/picture/picture.h"

/* The whole picture as a file of its own. */
void picture_svg(FILE *out, const struct picture *picture);

#endif
