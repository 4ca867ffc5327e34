/* folder.c: the files below a folder.
 *
 * SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "fuzz/case/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 32 };

struct walk {
    const char *suffix;
    attn_folder_visit *visit;
    void *context;
    const char *what; /* of a failure that ends the walk */
};

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static int not_hidden(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = end ? strlen(end) : 0;
    return m == 0 || (n > m && !strcmp(name + n - m, end));
}

static const char *kind_of(mode_t mode)
{
    if (S_ISFIFO(mode))
        return "a FIFO";
    if (S_ISSOCK(mode))
        return "a socket";
    return S_ISDIR(mode) ? "a link to a folder" : "a device";
}

static bool walk_folder(struct walk *w, const char *path, int depth);

static bool walk_entry(struct walk *w, const char *path, const char *name, int depth)
{
    struct stat link, target;
    bool is_link = lstat(path, &link) == 0 && S_ISLNK(link.st_mode), known = stat(path, &target) == 0;
    const char *why = known ? NULL : strerror(errno);
    if (known && S_ISDIR(target.st_mode) && !is_link)
        return walk_folder(w, path, depth + 1);
    if (!ends_with(name, w->suffix) && !(known && S_ISDIR(target.st_mode)))
        return true;
    if (known && !S_ISREG(target.st_mode))
        return w->visit(w->context, path, ATTN_FOLDER_OTHER, kind_of(target.st_mode));
    if (known && access(path, R_OK) != 0)
        why = strerror(errno);
    return w->visit(w->context, path, why ? ATTN_FOLDER_UNREADABLE : ATTN_FOLDER_FILE, why);
}

static bool walk_folder(struct walk *w, const char *path, int depth)
{
    struct dirent **entry;
    errno = 0;
    int n = depth > DEPTH_MAX ? -1 : scandir(path, &entry, not_hidden, by_name);
    if (n < 0) {
        const char *why = depth > DEPTH_MAX ? "folders more than 32 deep" : strerror(errno);
        if (depth)
            return w->visit(w->context, path, ATTN_FOLDER_UNREADABLE, why);
        w->what = why;
        return false;
    }
    bool good = true;
    for (int i = 0; i < n; i++) {
        size_t len = strlen(path) + strlen(entry[i]->d_name) + 2;
        char *child = good ? malloc(len) : NULL;
        if (good && !child) {
            w->what = strerror(ENOMEM);
            good = false;
        }
        if (good) {
            bool slash = *path && path[strlen(path) - 1] == '/';
            snprintf(child, len, "%s%s%s", path, slash ? "" : "/", entry[i]->d_name);
            good = walk_entry(w, child, entry[i]->d_name, depth);
        }
        free(child);
        free(entry[i]);
    }
    free(entry);
    return good;
}

bool attn_folder_walk(const char *path, const char *suffix, attn_folder_visit *visit, void *context, const char **what)
{
    struct walk w = { .suffix = suffix, .visit = visit, .context = context };
    bool good = walk_folder(&w, path, 0);
    *what = w.what;
    return good;
}
