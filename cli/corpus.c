/* corpus.c: cases out of a corpus.
 *
 * SPDX-License-Identifier: MIT */
#include "corpus.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char *const operand_key[ATTN_OPERAND_COUNT] = { "q", "k", "v", "mask", "sinks", "dst" };

bool corpus_open(struct corpus *corpus, int n, char **arguments)
{
    memset(corpus, 0, sizeof *corpus);
    if (n == 0) {
        cli_error("no input: name a FILE, a DIR, a LINE or - for standard input");
        return false;
    }
    return lines_open(&corpus->lines, n, arguments, "fa1", CORPUS_LINE_MAX);
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* Where `key=` (or `key` alone) stands in the line; 1 when it is not there. */
static size_t column_of(const char *text, size_t len, const char *key)
{
    size_t n = strlen(key);
    for (size_t i = 0; i + n <= len; i++) {
        bool starts = i == 0 || is_blank(text[i - 1]);
        bool ends = i + n == len || text[i + n] == '=' || is_blank(text[i + n]);
        if (starts && ends && !memcmp(text + i, key, n))
            return i + 1;
    }
    return 1;
}

/* The key of the line that an error of legality is about. */
static const char *key_of(const struct attn_error *error)
{
    switch (error->code) {
    case ATTN_E_SCALE: return "scale";
    case ATTN_E_SOFTCAP: return "softcap";
    case ATTN_E_MAX_BIAS:
    case ATTN_E_MAX_BIAS_MASK: return "max_bias";
    case ATTN_E_HEADS: return "heads";
    default: break;
    }
    bool known = error->operand >= 0 && error->operand < ATTN_OPERAND_COUNT;
    return known ? operand_key[error->operand] : "fa1";
}

static void report(struct corpus *corpus, size_t column, const char *message)
{
    const struct lines *lines = &corpus->lines;
    cli_error_at(lines_name(lines, lines->current), lines->number, column, "%s", message);
    corpus->errors++;
}

/* One line with something on it: true when it holds a legal case. */
static bool take(struct corpus *corpus, const char *text, size_t len, struct attn_case *c)
{
    struct attn_text_error where;
    struct attn_error error;
    char message[512], values[384];
    if (!attn_case_parse(text, len, c, &where)) {
        report(corpus, where.column, where.message);
        return false;
    }
    if (attn_problem_check(&c->problem, &error) != ATTN_E_OK) {
        attn_error_text(&error, values, sizeof values);
        snprintf(message, sizeof message, "not legal (%s): %s", attn_error_name(error.code), values);
        report(corpus, column_of(text, len, key_of(&error)), message);
        return false;
    }
    return true;
}

bool corpus_next(struct corpus *corpus, struct attn_case *c)
{
    struct lines *lines = &corpus->lines;
    char message[128];
    while (corpus->errors < CORPUS_ERRORS_MAX) {
        enum lines_result result = lines_next(lines);
        switch (result) {
        case LINES_END:
            return false;
        case LINES_UNREADABLE:
            cli_error("%s: %s", lines_name(lines, lines->current), strerror(errno));
            corpus->errors++;
            continue;
        case LINES_TOO_LONG:
            snprintf(message, sizeof message, "the line has more than %zu bytes", lines->max);
            report(corpus, lines->max + 1, message);
            continue;
        case LINES_CUT:
            report(corpus, lines->len + 1, "the file ends inside a line: no newline at its end, it may be cut off");
            continue;
        case LINES_LINE:
            break;
        }
        const char *text = lines->text;
        size_t len = lines->len, start = 0;
        while (len && is_blank(text[len - 1]))
            len--;
        while (start < len && is_blank(text[start]))
            start++;
        if (start == len || text[start] == '#')
            continue;
        if (take(corpus, text, len, c))
            return true;
    }
    cli_error("%d errors: reading stopped", corpus->errors);
    return false;
}

void corpus_place(const struct corpus *corpus, char *text, size_t cap)
{
    snprintf(text, cap, "%s:%" PRId64, lines_name(&corpus->lines, corpus->lines.current), corpus->lines.number);
}

int corpus_close(struct corpus *corpus, int code)
{
    lines_close(&corpus->lines);
    return corpus->errors ? CLI_USAGE : code;
}
