/* lines.c: text lines out of files, directories, standard input and arguments.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/input/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/input/message.h"
#include "fuzz/case/attn_case.h"
#include "fuzz/case/folder.h"

/* Of UTF-16 so much is read at once that its UTF-8 has room before it in the same chunk. */
enum { CHUNK_BYTES = 65536, PIECE_BYTES = 21840 };

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

/* What was met in a folder, without an exit code for what is no file. */
static bool take_met(void *context, const char *path, enum attn_folder_entry entry, const char *what)
{
    struct lines *lines = context;
    if (entry == ATTN_FOLDER_FILE) {
        bool good = add_source(lines, path, NULL);
        if (good)
            lines->source[lines->n_sources - 1].met = true;
        return good;
    }
    cli_error("%s: %s: passed over", path, what);
    lines->unreadable += entry == ATTN_FOLDER_UNREADABLE;
    return true;
}

static bool add_directory(struct lines *lines, const char *path)
{
    const char *what;
    bool good = attn_folder_walk(path, ".txt", take_met, lines, &what);
    if (!good && what)
        cli_error("%s: %s", path, what);
    return good;
}

static bool starts_with_one(const char *text, const char *const *prefixes)
{
    size_t mark;
    encoding_of(text, strlen(text), &mark); /* pasted with the line: said where it is read */
    text += mark;
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
            good = add_directory(lines, argument);
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
    lines->begun = false;
    lines->state = (struct encoding_state){ .encoding = ENCODING_BYTES };
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
    lines->cut = false;
    lines->text = text;
    lines->len = len < lines->max ? len : lines->max;
    return len > lines->max ? LINES_TOO_LONG : LINES_LINE;
}

/* Reads on: chunk[at..end) is new, empty at the end of the file. LINES_LINE, or why there is nothing. */
static enum lines_result read_chunk(struct lines *lines)
{
    bool wide = lines->state.encoding == ENCODING_UTF16_LITTLE || lines->state.encoding == ENCODING_UTF16_BIG;
    char *piece = lines->chunk + CHUNK_BYTES - PIECE_BYTES;
    lines->at = 0;
    do {
        errno = 0;
        size_t n = wide ? fread(piece, 1, PIECE_BYTES, lines->file)
                        : fread(lines->chunk, 1, lines->begun ? CHUNK_BYTES : PIECE_BYTES, lines->file);
        lines->end = n;
        if (n == 0)
            return ferror(lines->file) ? LINES_UNREADABLE : LINES_LINE;
        if (!lines->begun) {
            size_t mark;
            lines->begun = true;
            lines->state.encoding = encoding_of(lines->chunk, n, &mark);
            wide = lines->state.encoding == ENCODING_UTF16_LITTLE || lines->state.encoding == ENCODING_UTF16_BIG;
            if (wide && !lines->decode)
                return LINES_ENCODED;
            lines->at = lines->decode && !wide ? mark : 0;
            n = wide ? n - mark : n;
            if (wide)
                memmove(piece, lines->chunk + mark, n);
        }
        if (wide)
            lines->end = encoding_to_utf8(&lines->state, piece, n, lines->chunk);
    } while (lines->at == lines->end); /* half a character, or a byte order mark alone */
    return LINES_LINE;
}

/* Next line of the open file; LINES_END at its end. */
static enum lines_result file_line(struct lines *lines)
{
    size_t len = 0; /* of the line so far, counted past max too */
    lines->text = lines->line;
    lines->cut = false;
    for (;;) {
        if (lines->at == lines->end) {
            enum lines_result result = read_chunk(lines);
            if (result != LINES_LINE)
                return result;
            if (lines->end == 0) {
                if (len == 0)
                    return LINES_END;
                lines->number++;
                lines->cut = true;
                lines->len = len < lines->max ? len : lines->max;
                return len > lines->max ? LINES_TOO_LONG : LINES_LINE;
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
            if (!lines->file && source->met) {
                cli_error("%s: %s: passed over", source->name, strerror(errno));
                lines->unreadable++;
                continue;
            }
            if (!lines->file)
                return LINES_UNREADABLE;
            if (!standard)
                setvbuf(lines->file, NULL, _IONBF, 0); /* chunk is the buffer */
        }
        enum lines_result result = file_line(lines);
        if (result == LINES_LINE || (result == LINES_TOO_LONG))
            return result;
        int error = errno;
        enum encoding encoding = lines->state.encoding;
        close_source(lines);
        lines->state.encoding = encoding;
        errno = error;
        if (result != LINES_END)
            return result;
    }
}
