/* say.h: how a check of this room says what differs.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_RESTATED_SAY_H
#define ATTN_RESTATED_SAY_H

#include "fuzz/restated/restated.h"

/* Fills the fault's sentence; false. */
__attribute__((format(printf, 2, 3))) bool attn_differs(struct attn_restated_fault *fault, const char *format, ...);

#endif
