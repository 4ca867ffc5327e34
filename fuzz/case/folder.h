/* folder.h: the files below a folder: corpora of lines and of inputs.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_FOLDER_H
#define ATTN_FOLDER_H

#include <stdbool.h>

enum attn_folder_entry {
    ATTN_FOLDER_FILE,      /* a file that may be read */
    ATTN_FOLDER_OTHER,     /* what is no file: a FIFO, a socket, a device, a link to a folder; `what` says which */
    ATTN_FOLDER_UNREADABLE /* a file or folder that cannot be read; `what` says why */
};

/* One entry; `path` is the folder's with the entry's name. Returns false to stop. */
typedef bool attn_folder_visit(void *context, const char *path, enum attn_folder_entry entry, const char *what);

/* Visits what is below a folder: sorted by the bytes of their names, the same order everywhere, folders in their place
 * and not visited themselves. Hidden entries are left out, and of the rest those that do not end in `suffix` (NULL:
 * none). Links to folders are not followed: they may lead back up. Nothing is opened but folders, so that no FIFO is
 * waited for. False with *what when the folder itself cannot be listed or memory runs out, with *what == NULL when the
 * visitor stopped. */
bool attn_folder_walk(const char *path, const char *suffix, attn_folder_visit *visit, void *context, const char **what);

#endif
