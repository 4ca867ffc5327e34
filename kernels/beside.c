/* beside.c: see beside.h.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/beside.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool attn_beside(const char *name, char *path, size_t cap)
{
    ssize_t n = readlink("/proc/self/exe", path, cap);
    if (n <= 0 || (size_t)n >= cap)
        return false;
    path[n] = 0;
    char *slash = strrchr(path, '/');
    if (!slash || (size_t)(slash + 1 - path) + strlen(name) + 1 > cap)
        return false;
    strcpy(slash + 1, name);
    if (access(path, F_OK) == 0)
        return true;
    const size_t at = (size_t)(slash - path), room = cap - at;
    if ((size_t)snprintf(slash, room, "/../lib/attnfuzz/kernels/%s", name) < room && access(path, F_OK) == 0)
        return true;
    path[at] = 0;
    return (size_t)snprintf(slash, room, "/%s", name) < room;
}
