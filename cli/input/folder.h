/* folder.h: what is in a folder.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_FOLDER_H
#define ATTNFUZZ_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

/* Names of a folder's entries but hidden ones, sorted by bytes: the same order everywhere. False with a message when it
 * cannot be read or memory runs out. The names read until then are the caller's to free, and so is their array. */
bool cli_folder_names(const char *path, char ***names, size_t *n);

#endif
