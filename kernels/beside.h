/* beside.h: files that lie in the folder of the running program.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_BESIDE_H
#define ATTN_BESIDE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The path of the file of that name beside the running program; false when that cannot be known, or has no room.
 * Whether there is one is not looked at. */
bool attn_beside(const char *name, char *path, size_t cap);

#ifdef __cplusplus
}
#endif
#endif
