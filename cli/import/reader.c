/* reader.c: lines of other people's text, cleaned and joined.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/import/reader.h"

#include <stdlib.h>
#include <string.h>

#include "cli/import/format.h"
#include "cli/input/message.h"

/* A case is 250 bytes long; one that goes on after so many lines or bytes is none. */
enum { JOINED_MAX = 16, JOINED_BYTES_MAX = 4096 };

/* ---- Cleaning -------------------------------------------------------------------------------------------- */

/* Bytes of the escape sequence that text begins with; 0: none. Also as programs print it that do not send it. */
static size_t escape(const char *text, size_t len)
{
    static const char *const starts[] = { "\x1b[", "\\x1b[", "\\033[", "\\e[", "\\u001b[", "^[[", "\xe2\x90\x9b[" };
    for (size_t k = 0; k < sizeof starts / sizeof starts[0]; k++) {
        size_t n = strlen(starts[k]);
        if (len < n || memcmp(text, starts[k], n))
            continue;
        while (n < len && ((text[n] >= '0' && text[n] <= '9') || text[n] == ';' || text[n] == '?'))
            n++;
        return n < len && text[n] >= 0x40 && text[n] <= 0x7e ? n + 1 : n;
    }
    if (len >= 2 && text[0] == 0x1b && text[1] == ']') { /* a title or a link: up to BEL or ESC \ */
        size_t n = 2;
        while (n < len && text[n] != 7 && text[n] != 0x1b)
            n++;
        return n < len && text[n] == 0x1b ? n + 2 < len ? n + 2 : len : n < len ? n + 1 : n;
    }
    return text[0] == 0x1b ? 1 : 0;
}

/* Characters that stand for one of ASCII. */
static size_t stands_for(const char *text, size_t len, char *byte)
{
    static const struct {
        const char *bytes;
        char byte; /* 0: nothing */
    } known[] = {
        { "\xc3\x97", 'x' },     { "\xc2\xa0", ' ' },      { "\xe2\x80\x8b", 0 },
        { "\xef\xbb\xbf", 0 },   { "\xe2\x80\x98", '\'' }, { "\xe2\x80\x99", '\'' },
        { "\xe2\x80\x9c", '"' }, { "\xe2\x80\x9d", '"' },  { "\xe2\x88\x92", '-' },
    };
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        size_t n = strlen(known[k].bytes);
        if (len >= n && !memcmp(text, known[k].bytes, n)) {
            *byte = known[k].byte;
            return n;
        }
    }
    return 0;
}

static void clean(const char *from, size_t len, struct reader_line *line)
{
    line->len = 0;
    line->changed = false;
    for (size_t i = 0; i < len;) {
        char byte = from[i];
        size_t n = byte == 0x1b || byte == '\\' || byte == '^' || byte == (char)0xe2 ? escape(from + i, len - i) : 0;
        if (n == 0 && (unsigned char)byte >= 0x80 && (n = stands_for(from + i, len - i, &byte)) && byte)
            line->text[line->len++] = byte;
        line->changed |= n > 0;
        if (n == 0) {
            bool blank = byte == 0 || byte == '\r' || byte == '\t';
            line->text[line->len++] = blank ? ' ' : byte;
            n = 1;
        }
        i += n;
    }
}

/* ---- Joining --------------------------------------------------------------------------------------------- */

/* Where the first key=value of the text begins, behind what a log or a quotation puts before each line; len: nowhere.
 */
static size_t first_key(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '=')
            continue;
        size_t begin = i;
        while (begin && import_is_word(text[begin - 1]))
            begin--;
        if (begin < i)
            return begin;
    }
    return len;
}

/* Does the text begin with one of a case's keys? */
static bool is_key(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && import_is_word(text[n]))
        n++;
    return n < len && text[n] == '=' && import_ggml_key(text, n);
}

/* Does the line ahead go on with the case that `now` ends inside? *skip: bytes of it that do not belong to it; *gap: a
 * blank stands between the two. */
static bool goes_on(const struct reader_line *now, const struct reader_line *ahead, size_t *skip, bool *gap)
{
    const char *text = ahead->text;
    size_t len = ahead->len, blank = 0;
    if (ahead->result != LINES_LINE || import_mark(text, len, "FLASH_ATTN_EXT("))
        return false;
    while (blank < len && text[blank] == ' ')
        blank++;
    char last = now->len ? now->text[now->len - 1] : 0;
    const char *open = NULL;
    for (size_t i = now->len; i && !open && now->text[i - 1] != ']'; i--)
        open = now->text[i - 1] == '[' ? now->text + i - 1 : NULL;
    size_t key = first_key(text, len), run = blank;
    while (run < len && (import_is_word(text[run]) || strchr(".=[]", text[run])))
        run++;
    bool closes = blank < len && text[blank] == ')';
    bool word_goes_on = !blank && run && !is_key(text, len) && (run == len || strchr(",) ", text[run]));
    /* Whole parameters stand in it, behind a time or a mark of quotation; or the line was cut anywhere, and a number,
     * a word or a list goes on. */
    *gap = !open && !closes && last != '=' && (last == ',' || !word_goes_on);
    *skip = *gap ? key : blank;
    return *gap ? key < len : run > blank || open || closes;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* May it end inside extents? */
static bool may_go_on(const struct reader_line *now)
{
    size_t end = now->len;
    while (end && now->text[end - 1] == ' ')
        end--;
    return end && (is_digit(now->text[end - 1]) || now->text[end - 1] == 'x' || now->text[end - 1] == ',');
}

/* Does `now` end inside extents, N x N x or [N, N, and `ahead` begin with the rest of them? */
static bool extents_go_on(const struct reader_line *now, const struct reader_line *ahead, size_t *skip)
{
    size_t end = now->len, begin = 0, numbers = 0;
    while (end && now->text[end - 1] == ' ')
        end--;
    while (begin < ahead->len && ahead->text[begin] == ' ')
        begin++;
    if (!end || begin == ahead->len || ahead->result != LINES_LINE)
        return false;
    *skip = begin;
    char last = now->text[end - 1], next = ahead->text[begin];
    size_t i = end - (last == 'x');
    for (bool number = false; i && (is_digit(now->text[i - 1]) || strchr(" x", now->text[i - 1])); i--) {
        numbers += is_digit(now->text[i - 1]) && !number;
        number = is_digit(now->text[i - 1]);
    }
    if (numbers && numbers < 4 && (last == 'x' ? is_digit(next) : is_digit(last) && next == 'x'))
        return true;
    for (i = end; i && (is_digit(now->text[i - 1]) || strchr(" ,", now->text[i - 1])); i--)
        ;
    bool list = i && strchr("[{(", now->text[i - 1]) && (last == ',' || is_digit(last) || i == end);
    return list && (is_digit(next) || strchr(",]})", next)) && i < end;
}

static void fetch(struct reader *reader, struct reader_line *line)
{
    struct lines *lines = reader->lines;
    line->result = lines_next(lines);
    line->source = lines->current;
    line->number = lines->number;
    line->len = 0;
    if (line->result == LINES_LINE || line->result == LINES_TOO_LONG)
        clean(lines->text, lines->len, line);
}

bool reader_open(struct reader *reader, struct lines *lines)
{
    memset(reader, 0, sizeof *reader);
    reader->lines = lines;
    lines->decode = true;
    reader->now.text = malloc(lines->max + JOINED_BYTES_MAX);
    reader->ahead.text = malloc(lines->max + JOINED_BYTES_MAX);
    return (reader->now.text && reader->ahead.text) || cli_out_of_memory();
}

enum lines_result reader_next(struct reader *reader)
{
    struct reader_line *now = &reader->now, *ahead = &reader->ahead;
    if (reader->has_ahead) {
        struct reader_line taken = *ahead;
        *ahead = *now;
        *now = taken;
        reader->has_ahead = false;
    } else {
        fetch(reader, now);
    }
    size_t joined = 0, skip;
    for (int i = 0; i < JOINED_MAX && now->result == LINES_LINE; i++) {
        bool open = import_ggml_open(now->text, now->len), gap = true;
        if (!open && !may_go_on(now))
            break;
        fetch(reader, ahead);
        reader->has_ahead = true;
        if (ahead->source != now->source || joined + ahead->len + 1 > JOINED_BYTES_MAX ||
            !(open ? goes_on(now, ahead, &skip, &gap) : extents_go_on(now, ahead, &skip)))
            break;
        if (gap)
            now->text[now->len++] = ' ';
        memcpy(now->text + now->len, ahead->text + skip, ahead->len - skip);
        now->len += ahead->len - skip;
        joined += ahead->len + 1;
        now->changed = true;
        reader->has_ahead = false;
    }
    return now->result;
}

void reader_close(struct reader *reader)
{
    free(reader->now.text);
    free(reader->ahead.text);
    memset(reader, 0, sizeof *reader);
}
