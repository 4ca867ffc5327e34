/* library.c: the one symbol of libattn_planner.so. See library.h.
 *
 * SPDX-License-Identifier: MIT */
#include "planner/library.h"

extern const struct attn_planner_library attn_planner_library;

__attribute__((visibility("default"))) const struct attn_planner_library attn_planner_library =
    ATTN_PLANNER_LIBRARY_HERE;
