/* hole.h: legal and refused: which fields matter.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_HOLE_H
#define ATTNFUZZ_CHECK_HOLE_H

#include "cli/check/state.h"

/* Brings a refused problem as close to check->works as it goes while it stays refused: what is left different is what
 * matters. Fills problem, neighbour, fields, devices, key and group of *finding (whose device is set). */
void check_hole(struct check *check, const struct check_sign *sign, struct check_finding *finding);

#endif
