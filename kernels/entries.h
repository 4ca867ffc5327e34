/* entries.h: the kernel function of a launch, in each of the builds of the kernels that a program links.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ENTRIES_H
#define ATTN_ENTRIES_H

#include "kernels/args.h"

#ifdef __cplusplus
extern "C" {
#endif

/* attn_entry_find (args.h) of the host's two builds: with and without memory access callbacks. */
attn_entry attn_entry_find_checked(const struct attn_plan *plan, int step);
attn_entry attn_entry_find_plain(const struct attn_plan *plan, int step);

#ifdef __cplusplus
}
#endif
#endif
