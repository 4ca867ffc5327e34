/* lines.c: text lines out of files, directories, standard input and arguments.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/input/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/input/folder.h"
#include "cli/input/message.h"
#include "fuzz/case/attn_case.h"

enum { CHUNK_BYTES = 65536, DEPTH_MAX = 32 };

/* ---- Sources ------------------------------------------------------------------------------------------- */

static bool add_source(struct lines *lines, const char *name, const char *text)
{
    if (lines->n_sources == lines->cap_sources) {
        int cap = lines->cap_sources ? 2 * lines->cap_sources : 16;
        struct lines_source *grown = realloc(lines->source, (size_t)cap * sizeof *grown);
        if (!grown)
            return cli_out_of_memory();
        lines->source = grown;
        lines->cap_sources = cap;
    }
    char *copy = strdup(name);
    if (!copy)
        return cli_out_of_memory();
    lines->source[lines->n_sources++] = (struct lines_source){ .name = copy, .text = text };
    return true;
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n > m && !strcmp(name + n - m, end);
}

static bool add_directory(struct lines *lines, const char *path, int depth)
{
    if (depth > DEPTH_MAX) {
        cli_error("%s: directories more than %d deep", path, DEPTH_MAX);
        return false;
    }
    char **names;
    size_t n;
    bool good = cli_folder_names(path, &names, &n);
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(path) + strlen(names[i]) + 2;
        char *child = good ? malloc(len) : NULL;
        if (good && !child)
            good = cli_out_of_memory();
        if (good) {
            bool slash = ends_with(path, "/");
            snprintf(child, len, "%s%s%s", path, slash ? "" : "/", names[i]);
            struct stat link, target;
            bool known = lstat(child, &link) == 0 && stat(child, &target) == 0;
            /* A link to a directory is not followed: it may lead back up. */
            if (known && S_ISDIR(link.st_mode))
                good = add_directory(lines, child, depth + 1);
            else if (known && S_ISREG(target.st_mode) && ends_with(names[i], ".txt"))
                good = add_source(lines, child, NULL);
        }
        free(child);
        free(names[i]);
    }
    free(names);
    return good;
}

static bool starts_with_one(const char *text, const char *const *prefixes)
{
    for (; prefixes && *prefixes; prefixes++)
        if (!strncmp(text, *prefixes, strlen(*prefixes)))
            return true;
    return false;
}

bool lines_open(struct lines *lines, int n, char **arguments, const char *const *prefixes, size_t max)
{
    memset(lines, 0, sizeof *lines);
    lines->max = max;
    lines->line = malloc(max);
    lines->chunk = malloc(CHUNK_BYTES);
    if (!lines->line || !lines->chunk)
        return cli_out_of_memory();
    for (int i = 0; i < n; i++) {
        const char *argument = arguments[i];
        struct stat status;
        bool exists = strcmp(argument, "-") && stat(argument, &status) == 0;
        bool good;
        if (exists && S_ISDIR(status.st_mode)) {
            good = add_directory(lines, argument, 0);
        } else if (!exists && starts_with_one(argument, prefixes)) {
            char name[32];
            snprintf(name, sizeof name, "argument %d", i + 1);
            good = add_source(lines, name, argument);
        } else {
            good = add_source(lines, argument, NULL);
        }
        if (!good)
            return false;
    }
    return true;
}

bool lines_content(const struct lines *lines, const char **text, size_t *len)
{
    size_t begin = 0, end = lines->len;
    while (end && attn_is_blank(lines->text[end - 1]))
        end--;
    while (begin < end && attn_is_blank(lines->text[begin]))
        begin++;
    *text = lines->text + begin;
    *len = end - begin;
    return begin < end && lines->text[begin] != '#';
}

const char *lines_name(const struct lines *lines, int source) { return lines->source[source].name; }

/* ---- Lines ---------------------------------------------------------------------------------------------- */

static void close_source(struct lines *lines)
{
    if (lines->file && lines->file != stdin)
        fclose(lines->file);
    lines->file = NULL;
    lines->at = lines->end = 0;
}

void lines_close(struct lines *lines)
{
    close_source(lines);
    for (int i = 0; i < lines->n_sources; i++)
        free(lines->source[i].name);
    free(lines->source);
    free(lines->line);
    free(lines->chunk);
    memset(lines, 0, sizeof *lines);
}

static void trim_return(struct lines *lines)
{
    if (lines->len && lines->text[lines->len - 1] == '\r')
        lines->len--;
}

/* A line given on the command line: one source, one line. */
static enum lines_result argument_line(struct lines *lines, const char *text)
{
    size_t len = strlen(text);
    lines->number = 1;
    lines->text = text;
    lines->len = len < lines->max ? len : lines->max;
    return len > lines->max ? LINES_TOO_LONG : LINES_LINE;
}

/* Next line of the open file; LINES_END at its end. */
static enum lines_result file_line(struct lines *lines)
{
    size_t len = 0; /* of the line so far, counted past max too */
    lines->text = lines->line;
    for (;;) {
        if (lines->at == lines->end) {
            lines->at = 0;
            errno = 0;
            lines->end = fread(lines->chunk, 1, CHUNK_BYTES, lines->file);
            if (lines->end == 0) {
                if (ferror(lines->file))
                    return LINES_UNREADABLE;
                if (len == 0)
                    return LINES_END;
                lines->number++;
                lines->len = len < lines->max ? len : lines->max;
                return len > lines->max ? LINES_TOO_LONG : LINES_CUT;
            }
        }
        const char *from = lines->chunk + lines->at;
        size_t left = lines->end - lines->at;
        const char *newline = memchr(from, '\n', left);
        size_t part = newline ? (size_t)(newline - from) : left;
        if (len < lines->max) {
            size_t room = lines->max - len;
            memcpy(lines->line + len, from, part < room ? part : room);
        }
        len += part;
        lines->at += part + (newline ? 1 : 0);
        if (newline) {
            lines->number++;
            lines->len = len < lines->max ? len : lines->max;
            if (len > lines->max)
                return LINES_TOO_LONG;
            trim_return(lines);
            return LINES_LINE;
        }
    }
}

enum lines_result lines_next(struct lines *lines)
{
    for (;;) {
        if (!lines->file) {
            if (lines->next == lines->n_sources)
                return LINES_END;
            lines->current = lines->next++;
            lines->number = 0;
            const struct lines_source *source = &lines->source[lines->current];
            if (source->text)
                return argument_line(lines, source->text);
            bool standard = !strcmp(source->name, "-");
            lines->file = standard ? stdin : fopen(source->name, "rb");
            if (!lines->file)
                return LINES_UNREADABLE;
            if (!standard)
                setvbuf(lines->file, NULL, _IONBF, 0); /* chunk is the buffer */
        }
        enum lines_result result = file_line(lines);
        if (result == LINES_LINE || (result == LINES_TOO_LONG))
            return result;
        int error = errno;
        close_source(lines);
        errno = error;
        if (result != LINES_END)
            return result;
    }
}
