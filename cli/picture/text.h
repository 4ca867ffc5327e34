/* text.h: a picture as text: a letter a cell, in colour where it is a terminal's.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_PICTURE_TEXT_H
#define ATTNFUZZ_PICTURE_TEXT_H

#include <stdio.h>

#include "cli/picture/picture.h"

/* Panels side by side in so many columns, then what the letters mean, and what stands out with a line that shows it. */
void picture_text(FILE *out, const struct picture *picture, int columns, bool colour);

#endif
