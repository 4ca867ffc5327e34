/* folder.c: what is in a folder.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/input/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/input/message.h"

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool add_name(char ***names, size_t *n, size_t *cap, const char *name)
{
    if (*n == *cap) {
        size_t more = *cap ? 2 * *cap : 32;
        char **grown = realloc(*names, more * sizeof *grown);
        if (!grown)
            return cli_out_of_memory();
        *names = grown;
        *cap = more;
    }
    char *copy = strdup(name);
    if (!copy)
        return cli_out_of_memory();
    (*names)[(*n)++] = copy;
    return true;
}

bool cli_folder_names(const char *path, char ***names, size_t *n)
{
    size_t cap = 0;
    bool good = true;
    *names = NULL;
    *n = 0;
    DIR *dir = opendir(path);
    if (!dir) {
        cli_error("%s: %s", path, strerror(errno));
        return false;
    }
    for (struct dirent *entry; good && (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            good = add_name(names, n, &cap, entry->d_name);
    closedir(dir);
    if (*n)
        qsort(*names, *n, sizeof **names, by_name);
    return good;
}
