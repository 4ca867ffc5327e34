/* corpus.c: cases and sessions out of a corpus.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/input/corpus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/input/message.h"

bool corpus_open(struct corpus *corpus, int n, char **arguments)
{
    memset(corpus, 0, sizeof *corpus);
    if (n == 0) {
        cli_error("no input: name a FILE, a DIR, a LINE or - for standard input");
        return false;
    }
    static const char *const prefixes[] = { "fa1", "session", NULL };
    corpus->script = malloc(CORPUS_LINE_MAX);
    corpus->session = malloc(sizeof *corpus->session);
    if (!corpus->script || !corpus->session)
        return cli_out_of_memory();
    return lines_open(&corpus->lines, n, arguments, prefixes, CORPUS_LINE_MAX);
}

/* Where `key=` (or `key` alone) stands in the line; 1 when it is not there. */
static size_t column_of(const char *text, size_t len, const char *key)
{
    size_t n = strlen(key);
    for (size_t i = 0; i + n <= len; i++) {
        bool starts = i == 0 || attn_is_blank(text[i - 1]);
        bool ends = i + n == len || text[i + n] == '=' || attn_is_blank(text[i + n]);
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
    return known ? attn_operand_name(error->operand) : "fa1";
}

static void report(struct corpus *corpus, size_t column, const char *message)
{
    const struct lines *lines = &corpus->lines;
    cli_error_at(lines_name(lines, lines->current), lines->number, column, "%s", message);
    corpus->errors++;
}

const char *corpus_type_words(const char *text, size_t len, const struct attn_text_error *error)
{
    size_t at = error->column - 1, end = at;
    while (end < len && (attn_is_blank(text[end]) ? 0 : text[end] != '[' && text[end] != '='))
        end++;
    const bool is_type =
        error->column > 1 && at < len && end > at && end < len && text[end] == '[' && text[at - 1] == '=';
    return is_type ? "a library's own types are known where it is the subject: attnfuzz check, diff, import --subject"
                   : NULL;
}

/* One line with something on it: true when it holds a legal case. */
static bool take(struct corpus *corpus, const char *text, size_t len, struct attn_case *c)
{
    struct attn_text_error where;
    struct attn_error error;
    char message[512], values[384];
    if (!attn_case_parse_types(text, len, corpus->types, c, &where)) {
        const char *words = encoding_words(text, len);
        if (!words && !corpus->types)
            words = corpus_type_words(text, len, &where);
        if (!words && corpus->lines.cut)
            words = "the file ends here without a newline, it may be cut off";
        snprintf(message, sizeof message, "%s%s%s%s", where.message, words ? " (" : "", words ? words : "",
                 words ? ")" : "");
        report(corpus, where.column, message);
        return false;
    }
    if (attn_problem_check(&c->problem, &error) != ATTN_E_OK) {
        attn_error_text(&error, values, sizeof values);
        snprintf(message, sizeof message, "not legal (%s): %s", attn_error_name(error.code), values);
        report(corpus, column_of(text, len, key_of(&error)), message);
        return false;
    }
    if (!corpus->types && c->problem.further.present) {
        report(corpus, column_of(text, len, "src5"), "src5 has a meaning for a library alone: attnfuzz check asks one");
        return false;
    }
    return true;
}

/* ---- Sessions -------------------------------------------------------------------------------------------- */

static bool begins_session(const char *text, size_t len)
{
    static const char word[] = "session";
    size_t n = sizeof word - 1;
    return len >= n && !memcmp(text, word, n) &&
           (len == n || attn_is_blank(text[n]) || text[n] == '{' || text[n] == '#');
}

/* Where the closing brace of the line stands, outside a comment; len when there is none. */
static size_t find_brace(const char *text, size_t len)
{
    for (size_t i = 0; i < len && text[i] != '#'; i++)
        if (text[i] == '}')
            return i;
    return len;
}

/* Takes a line into the script; *closed says whether it ended there. False with a report when it has become too long.
 */
static bool add_to_script(struct corpus *corpus, bool *closed)
{
    const struct lines *lines = &corpus->lines;
    if (lines->len + 1 > CORPUS_LINE_MAX - corpus->script_len) {
        report(corpus, 1, "the session's script has more than 65536 bytes");
        return false;
    }
    memcpy(corpus->script + corpus->script_len, lines->text, lines->len);
    corpus->script_len += lines->len;
    corpus->script[corpus->script_len++] = '\n';
    size_t brace = find_brace(lines->text, lines->len);
    *closed = brace < lines->len;
    for (size_t i = brace + 1; i < lines->len && lines->text[i] != '#'; i++)
        if (!attn_is_blank(lines->text[i])) {
            report(corpus, i + 1, "a session's closing brace ends its line");
            return false;
        }
    return true;
}

/* Reads the session whose first line was just read. False with a report when that is not one. */
static bool read_session(struct corpus *corpus)
{
    struct attn_session_error error;
    size_t used;
    bool closed;
    corpus->script_len = 0;
    for (;;) {
        if (!add_to_script(corpus, &closed))
            return false;
        if (closed)
            break;
        enum lines_result result = lines_next(&corpus->lines);
        if (result != LINES_LINE) {
            cli_error_at(lines_name(&corpus->lines, corpus->lines.current), corpus->number, 1, "%s",
                         "the session has no closing brace before its file ends, or a line that cannot be read");
            corpus->errors++;
            return false;
        }
    }
    if (attn_session_parse(corpus->script, corpus->script_len, corpus->session, &used, &error))
        return true;
    cli_error_at(lines_name(&corpus->lines, corpus->lines.current), corpus->number + error.line - 1, error.column, "%s",
                 error.message);
    corpus->errors++;
    return false;
}

/* ---- Items ----------------------------------------------------------------------------------------------- */

bool corpus_next_item(struct corpus *corpus, struct attn_case *c, const struct attn_session **session)
{
    struct lines *lines = &corpus->lines;
    char message[128];
    *session = NULL;
    while (corpus->errors < CORPUS_ERRORS_MAX) {
        enum lines_result result = lines_next(lines);
        corpus->number = lines->number;
        switch (result) {
        case LINES_END: return false;
        case LINES_UNREADABLE:
            cli_error("%s: %s", lines_name(lines, lines->current), strerror(errno));
            corpus->errors++;
            continue;
        case LINES_TOO_LONG:
            snprintf(message, sizeof message, "the line has more than %zu bytes", lines->max);
            report(corpus, lines->max + 1, message);
            continue;
        case LINES_ENCODED:
            lines->number = 1;
            snprintf(message, sizeof message, "the file is %s: save it as UTF-8 without a byte order mark",
                     encoding_name(lines->state.encoding));
            report(corpus, 1, message);
            continue;
        case LINES_LINE: break;
        }
        const char *text;
        size_t len;
        if (!lines_content(lines, &text, &len))
            continue;
        if (begins_session(text, len)) {
            if (!read_session(corpus))
                continue;
            *session = corpus->session;
            return true;
        }
        /* From the line's beginning: columns are counted from there. */
        if (take(corpus, lines->text, (size_t)(text - lines->text) + len, c))
            return true;
    }
    cli_error("%d errors: reading stopped", corpus->errors);
    return false;
}

/* ---- A session's problems as cases ----------------------------------------------------------------------- */

struct expansion {
    struct corpus *corpus;
    int32_t *place; /* 2 * CORPUS_EXPANDED_MAX places: index of a case, by a hash of its problem; -1: none */
    bool full;
};

static bool expand_one(void *context, const struct attn_player *player, const struct attn_session_at *at,
                       const struct attn_problem *problem)
{
    struct expansion *e = context;
    struct corpus *corpus = e->corpus;
    const struct attn_session *s = corpus->session;
    const int64_t places = 2 * (int64_t)CORPUS_EXPANDED_MAX;
    int64_t i = (int64_t)(attn_problem_hash(problem) % (uint64_t)places);
    (void)player;
    while (e->place[i] >= 0) {
        if (attn_problem_equal(&corpus->expanded[e->place[i]].problem, problem))
            return true;
        i = (i + 1) % places;
    }
    if (corpus->n_expanded == CORPUS_EXPANDED_MAX) {
        e->full = true;
        return false;
    }
    struct attn_case *c = &corpus->expanded[corpus->n_expanded];
    e->place[i] = (int32_t)corpus->n_expanded++;
    c->problem = *problem;
    attn_run_default(&c->run);
    c->run.device = s->device;
    c->run.weakening = s->weakening;
    c->run.mask = s->layer[at->layer].window ? ATTN_MASK_WINDOW : ATTN_MASK_CAUSAL;
    c->run.seed = s->seed;
    return true;
}

/* The problems of the session just read, as cases. False, with a message, when they cannot be had. */
static bool expand(struct corpus *corpus)
{
    struct expansion e = { .corpus = corpus, .place = malloc(2 * (size_t)CORPUS_EXPANDED_MAX * sizeof *e.place) };
    struct attn_player *player = attn_player_open(corpus->session, false, 0);
    corpus->n_expanded = corpus->next = 0;
    corpus->expanded = malloc((size_t)CORPUS_EXPANDED_MAX * sizeof *corpus->expanded);
    bool good = e.place && player && corpus->expanded;
    if (good) {
        memset(e.place, 0xff, 2 * (size_t)CORPUS_EXPANDED_MAX * sizeof *e.place);
        attn_player_play(player, expand_one, &e);
        if (e.full) {
            report(corpus, 1, "the session has more than 65536 different problems");
            good = false;
        }
    } else {
        report(corpus, 1, "out of memory for the session");
    }
    attn_player_close(player);
    free(e.place);
    return good;
}

bool corpus_next(struct corpus *corpus, struct attn_case *c)
{
    const struct attn_session *session;
    for (;;) {
        if (corpus->next < corpus->n_expanded) {
            *c = corpus->expanded[corpus->next++];
            return true;
        }
        free(corpus->expanded);
        corpus->expanded = NULL;
        corpus->n_expanded = corpus->next = 0;
        if (!corpus_next_item(corpus, c, &session))
            return false;
        if (!session)
            return true;
        if (!expand(corpus))
            corpus->n_expanded = 0;
    }
}

void corpus_place(const struct corpus *corpus, char *text, size_t cap)
{
    snprintf(text, cap, "%s:%" PRId64, lines_name(&corpus->lines, corpus->lines.current), corpus->number);
}

int corpus_none(const char *asked)
{
    if (asked)
        cli_error("no problem in the input that %s can be asked", asked);
    else
        cli_error("no problem line in the input");
    return CLI_USAGE;
}

int corpus_close(struct corpus *corpus, int code)
{
    bool unreadable = corpus->lines.unreadable > 0;
    lines_close(&corpus->lines);
    free(corpus->script);
    free(corpus->session);
    free(corpus->expanded);
    return corpus->errors || (unreadable && code == CLI_GOOD) ? CLI_USAGE : code;
}
