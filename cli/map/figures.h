/* figures.h: what a diff found, as pictures for its page.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_MAP_FIGURES_H
#define ATTNFUZZ_MAP_FIGURES_H

#include <stdio.h>

#include "cli/diff/change.h"

/* What changed over n_q and n_kv, for the head sizes, ratios and types of the changes, those that are worse first. The
 * two sides are asked now, for a few seconds at most. */
void map_figures(FILE *out, struct diff *diff);

#endif
