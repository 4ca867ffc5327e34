/* place.h: where the command and what belongs to it lie.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_PLACE_H
#define ATTNFUZZ_PLACE_H

#include <stdbool.h>
#include <stddef.h>

/* Set by the command where it starts itself anew through another loader: its own file. */
#define CLI_SELF_VARIABLE "ATTNFUZZ_SELF"

/* The command's own file, also when a loader was started for it. */
bool cli_own_path(char *path, size_t cap);
/* The words of a command line as they came: getopt moves them about. To be freed; NULL after a message. */
char **cli_words(int n, char *const *word);
/* The folder of the null HIP runtime, which has that library: in lib beside the folder of the command, or in its own
 * folder. False when it is in neither. */
bool cli_null_runtime(const char *library, char *folder, size_t cap);

#endif
