/* own.h: a picture of our own planner.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_PICTURE_OWN_H
#define ATTNFUZZ_PICTURE_OWN_H

#include "cli/picture/picture.h"

/* Asks the planner about every cell of a device of the picture, which is `as`; with costs of neighbours, so that
 * cliffs are marked. False where `heed` is true and a signal has come. */
bool picture_ask_own(struct picture *picture, int device, const struct attn_device *as, bool heed);

#endif
