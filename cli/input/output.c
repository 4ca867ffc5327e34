/* output.c: see output.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/input/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/input/message.h"

static bool complain(const char *path)
{
    cli_error("%s: %s", path, strerror(errno));
    return false;
}

/* A name under which this process's own descriptors stand is no file to be replaced. */
static bool names_a_descriptor(const char *path) { return !strncmp(path, "/dev/", 5) || !strncmp(path, "/proc/", 6); }

static void forget(struct cli_output *o)
{
    free(o->target);
    free(o->part);
    *o = (struct cli_output){ .path = o->path };
}

/* The names of what is to be replaced and of what replaces it; none when it is written directly. */
static bool set_names(struct cli_output *o, const char *path, struct stat *old)
{
    static const char suffix[] = ".part";
    *o = (struct cli_output){ .path = path };
    bool there = stat(path, old) == 0;
    if (!there)
        old->st_mode = 0;
    if (names_a_descriptor(path) || (there && !S_ISREG(old->st_mode)))
        return true;
    o->target = there ? realpath(path, NULL) : strdup(path);
    if (!o->target)
        return there ? complain(path) : cli_out_of_memory();
    size_t n = strlen(o->target);
    o->part = malloc(n + sizeof suffix);
    if (!o->part) {
        forget(o);
        return cli_out_of_memory();
    }
    memcpy(o->part, o->target, n);
    memcpy(o->part + n, suffix, sizeof suffix);
    return true;
}

bool cli_output_begin(struct cli_output *o, const char *path)
{
    struct stat old;
    if (!strcmp(path, "-")) {
        *o = (struct cli_output){ .path = path, .file = stdout };
        return true;
    }
    if (!set_names(o, path, &old))
        return false;
    o->file = fopen(o->part ? o->part : path, "we");
    if (!o->file) {
        complain(path);
        forget(o);
        return false;
    }
    if (o->part && old.st_mode && fchmod(fileno(o->file), old.st_mode & 07777))
        errno = 0; /* another's file: it is replaced by one of ours */
    return true;
}

bool cli_output_end(struct cli_output *o)
{
    if (!o->file)
        return true;
    if (o->file == stdout) {
        bool arrived = fflush(stdout) == 0 && !ferror(stdout);
        o->file = NULL;
        return arrived || complain(o->path);
    }
    bool good = fflush(o->file) == 0 && !ferror(o->file);
    if (good && o->part)
        good = fsync(fileno(o->file)) == 0;
    if (fclose(o->file))
        good = false;
    o->file = NULL;
    if (good && o->part)
        good = rename(o->part, o->target) == 0;
    if (!good) {
        complain(o->path);
        if (o->part)
            unlink(o->part);
    }
    forget(o);
    return good;
}

void cli_output_drop(struct cli_output *o)
{
    if (o->file && o->file != stdout)
        fclose(o->file);
    if (o->file && o->part)
        unlink(o->part);
    o->file = NULL;
    forget(o);
}

bool cli_output_try(const char *path)
{
    struct stat info;
    struct cli_output o;
    if (names_a_descriptor(path) || (stat(path, &info) == 0 && !S_ISREG(info.st_mode)))
        return !strcmp(path, "-") || access(path, W_OK) == 0 || complain(path);
    if (!cli_output_begin(&o, path))
        return false;
    cli_output_drop(&o);
    return true;
}
