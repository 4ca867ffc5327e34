/* beside.h: files that lie in the folder of the running program, or where an installed one has them.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_BESIDE_H
#define ATTN_BESIDE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The path of the file of that name beside the running program, or in ../lib/attnfuzz/kernels from there where it is
 * only there; false when that cannot be known, or has no room. Where there is none it is the path beside the program.
 */
bool attn_beside(const char *name, char *path, size_t cap);

#ifdef __cplusplus
}
#endif
#endif
