/* place.c: where the command and what belongs to it lie.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/input/message.h"
#include "cli/input/place.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool cli_own_path(char *path, size_t cap)
{
    const char *said = getenv(CLI_SELF_VARIABLE);
    if (said)
        return (size_t)snprintf(path, cap, "%s", said) < cap;
    ssize_t n = readlink("/proc/self/exe", path, cap - 1);
    if (n <= 0)
        return false;
    path[n] = 0;
    return true;
}

char **cli_words(int n, char *const *word)
{
    char **copy = calloc((size_t)n + 1, sizeof *copy);
    if (copy)
        memcpy(copy, word, (size_t)n * sizeof *copy);
    else
        cli_out_of_memory();
    return copy;
}

bool cli_null_runtime(const char *library, char *folder, size_t cap)
{
    static const char *const places[] = { "/../lib/attnfuzz-null", "/../lib/attnfuzz/null", "/attnfuzz-null" };
    char self[PATH_MAX], path[PATH_MAX + 64];
    if (!cli_own_path(self, sizeof self))
        return false;
    char *slash = strrchr(self, '/');
    if (!slash)
        return false;
    *slash = 0;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        snprintf(path, sizeof path, "%s%s/%s", self, places[i], library);
        if (access(path, R_OK) == 0)
            return (size_t)snprintf(folder, cap, "%s%s", self, places[i]) < cap;
    }
    return false;
}
