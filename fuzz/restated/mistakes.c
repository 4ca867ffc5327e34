/* mistakes.c: problem lines with one thing wrong in them, of which it is known where a reader must stop and what it has
 * to say. See restated.h.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "fuzz/restated/lines.h"
#include "planner/random.h"

struct mistake {
    size_t column; /* from 1 */
    char message[512];
};

/* ---- Words ---------------------------------------------------------------------------------------------------- */

static const char *key(int i)
{
    static const char *const more[] = { "scale", "softcap", "max_bias", "heads", "prec", "n_kv_max", "src5", NULL };
    return i < ATTN_OPERAND_COUNT ? attn_operand_name(i) : more[i - ATTN_OPERAND_COUNT];
}

static const char *type(int i) { return i < ATTN_TYPE_COUNT ? attn_type_info(i)->name : NULL; }

static int least(int a, int b) { return a < b ? a : b; }

/* Inserted, deleted, replaced characters and swapped neighbours between the ends of two words, from a[i], b[j] on; more
 * than `most` are not counted. */
static int changes(const char *a, const char *b, int most)
{
    if (!*a || !*b)
        return (int)(strlen(a) + strlen(b));
    if (*a == *b)
        return changes(a + 1, b + 1, most);
    if (most == 0)
        return 1;
    int best = least(changes(a + 1, b, most - 1), changes(a, b + 1, most - 1));
    best = least(best, changes(a + 1, b + 1, most - 1));
    if (a[1] && b[1] && a[0] == b[1] && a[1] == b[0])
        best = least(best, changes(a + 2, b + 2, most - 1));
    return best + 1;
}

/* Is a word one of the names? */
static bool is_name(const char *word, const char *(*name)(int))
{
    for (int i = 0; name(i); i++)
        if (strcmp(word, name(i)) == 0)
            return true;
    return false;
}

static void say_unknown(const char *what, const char *word, const char *(*name)(int), char *message, size_t cap)
{
    const int length = (int)strlen(word);
    const char *nearest = NULL;
    int fewest = length > 3 ? 3 : length == 3 ? 2 : 1;
    for (int i = 0; length <= 12 && name(i); i++) {
        const int n = changes(word, name(i), fewest);
        if (n < fewest) {
            fewest = n;
            nearest = name(i);
        }
    }
    size_t at = (size_t)snprintf(message, cap, "unknown %s '%.16s%s'", what, word, length > 16 ? "..." : "");
    at += nearest ? (size_t)snprintf(message + at, cap - at, ", did you mean %s?", nearest)
                  : (size_t)snprintf(message + at, cap - at, ", expected one of");
    for (int i = 0; !nearest && name(i); i++)
        at += (size_t)snprintf(message + at, cap - at, " %s", name(i));
}

/* A word with some characters other than those it had. */
static void misspell(char *word, size_t cap, uint64_t *state)
{
    static const char letters[] = "abcdefghklmnqsvxyz0149_AQ";
    for (uint64_t n = 1 + attn_random_below(state, 3); n; n--) {
        const size_t length = strlen(word), at = attn_random_below(state, length ? length : 1);
        const char letter = letters[attn_random_below(state, sizeof letters - 1)];
        switch (attn_random_below(state, 5)) {
        case 0:
            if (length > 1)
                memmove(word + at, word + at + 1, length - at);
            break;
        case 1:
            if (length + 2 < cap) {
                memmove(word + at + 1, word + at, length - at + 1);
                word[at] = letter;
            }
            break;
        case 2:
            if (at + 1 < length) {
                const char first = word[at];
                word[at] = word[at + 1];
                word[at + 1] = first;
            }
            break;
        case 3:
            if (attn_random_below(state, 8) == 0)
                snprintf(word, cap, "%s", &"abcdefghijklmnopqrstu"[attn_random_below(state, 12)]);
            break;
        default: word[at] = letter;
        }
    }
}

/* ---- One thing wrong ------------------------------------------------------------------------------------------ */

/* Puts a text in place of n bytes of the line, as a terminated copy. */
static void replace(struct attn_line *l, size_t at, size_t n, const char *text)
{
    const size_t length = strlen(text);
    if (l->n - n + length + 1 >= sizeof l->text)
        return;
    memmove(l->text + at + length, l->text + at + n, l->n - at - n + 1);
    memcpy(l->text + at, text, length);
    l->n += length - n;
}

static bool ends(char c) { return c == 0 || c == '\n' || c == '|'; }

static void say_expected(const char *what, char found, struct mistake *m)
{
    const unsigned char c = (unsigned char)found;
    if (ends(found))
        snprintf(m->message, sizeof m->message, "expected %s, found the end of the problem", what);
    else
        snprintf(m->message, sizeof m->message,
                 c < 32 || c >= 127 ? "expected %s, found '\\x%02x'" : "expected %s, found '%c'", what, c);
}

/* A character that no word, number or mark is made of; 0: the line ends. */
static char draw_stranger(uint64_t *state)
{
    static const char strangers[] = "?*~\x1f\x7f\xff\x80`{!\"#.\n|";
    return strangers[attn_random_below(state, sizeof strangers)];
}

/* Puts such a character in the place of n bytes. Does the problem end there? */
static bool put_stranger(struct attn_line *l, size_t at, size_t n, const char *what, struct mistake *m)
{
    const char c = draw_stranger(l->state);
    say_expected(what, c, m);
    m->column = at + 1;
    if (c)
        replace(l, at, n, (char[]){ c, 0 });
    else
        l->text[l->n = at] = 0;
    return ends(c);
}

static bool wrong_word(struct attn_line *l, const struct attn_line_piece *piece, struct mistake *m)
{
    const bool is_key = piece->kind == ATTN_PIECE_KEY;
    char word[40];
    if (attn_random_below(l->state, 8) == 0) {
        const char *what = is_key ? "a key, as in q=f32[128,1,32,1]" : "a type, as in f16[128,512,8,1]";
        return !put_stranger(l, piece->at, piece->n, what, m) || !is_key; /* before a key a line may end */
    }
    snprintf(word, sizeof word, "%.*s", (int)piece->n, l->text + piece->at);
    misspell(word, sizeof word, l->state);
    if (is_name(word, is_key ? key : type))
        return false;
    say_unknown(is_key ? "key" : "type", word, is_key ? key : type, m->message, sizeof m->message);
    m->column = piece->at + 1;
    replace(l, piece->at, piece->n, word);
    return true;
}

static void wrong_number(struct attn_line *l, const struct attn_line_piece *piece, struct mistake *m)
{
    static const char *const long_ones[] = { "9223372036854775808", "-9223372036854775809", "9223372036854775809",
                                             "99999999999999999999", "-92233720368547758080" };
    if (attn_random_below(l->state, 2)) {
        put_stranger(l, piece->at, piece->n, piece->what, m);
        return;
    }
    snprintf(m->message, sizeof m->message, "integer does not fit in 64 bits");
    m->column = piece->at + 1;
    replace(l, piece->at, piece->n, long_ones[attn_random_below(l->state, 5)]);
}

static void wrong_version(struct attn_line *l, const struct attn_line_piece *piece, struct mistake *m)
{
    static const char *const versions[] = { "fa2", "fa0", "fa12", "fb1", "f", "Fa1", "q=fa1" };
    const uint64_t which = attn_random_below(l->state, 7);
    snprintf(m->message, sizeof m->message,
             which < 2 ? "unknown version, this reads fa1" : "expected fa1, which starts every problem");
    m->column = piece->at + 1;
    replace(l, piece->at, piece->n, versions[which]);
}

/* A key that is there already, once more at the end. */
static bool key_again(struct attn_line *l, const struct attn_line_piece *piece, struct mistake *m)
{
    char word[40];
    snprintf(word, sizeof word, " %.*s=1", (int)piece->n, l->text + piece->at);
    snprintf(m->message, sizeof m->message, "this key was given before");
    m->column = l->n + 2;
    replace(l, l->n, 0, word);
    return true;
}

/* Something behind a value. */
static bool no_blank(struct attn_line *l, const struct attn_line_piece *piece, struct mistake *m)
{
    const char c = draw_stranger(l->state);
    if (piece->at == 0 || ends(c) || c == '.')
        return false; /* a point may go on with a number */
    say_expected("a blank after this", c, m);
    m->column = piece->at + 1;
    replace(l, piece->at, 0, (char[]){ c, 0 });
    return true;
}

/* Makes one thing wrong; false: that would not be wrong. */
static bool make_wrong(struct attn_line *l, struct mistake *m)
{
    const struct attn_line_piece *piece = &l->piece[attn_random_below(l->state, (uint64_t)l->n_pieces)];
    switch (piece->kind) {
    case ATTN_PIECE_VERSION: wrong_version(l, piece, m); return true;
    case ATTN_PIECE_BLANK: return no_blank(l, piece, m);
    case ATTN_PIECE_KEY: return attn_random_below(l->state, 4) ? wrong_word(l, piece, m) : key_again(l, piece, m);
    case ATTN_PIECE_TYPE: return wrong_word(l, piece, m);
    case ATTN_PIECE_NUMBER: wrong_number(l, piece, m); return true;
    case ATTN_PIECE_EQUALS:
    case ATTN_PIECE_MARK:
    case ATTN_PIECE_BUFFER:
    case ATTN_PIECE_FLOAT: put_stranger(l, piece->at, piece->n, piece->what, m); return true;
    default: return false;
    }
}

/* One of q, k, v left out: what is missing is said at the end. */
static void leave_out(struct attn_line *l, const struct attn_problem *p, struct mistake *m)
{
    struct attn_problem less = *p;
    const int operand = (int)attn_random_below(l->state, 3);
    less.t[operand].present = 0;
    if (attn_random_below(l->state, 2) && operand < 2)
        less.t[operand + 1].present = 0;
    attn_line_write(l, &less);
    snprintf(m->message, sizeof m->message, "%s is missing", attn_operand_name(operand));
    m->column = l->n + 1;
}

/* The line with one thing wrong: is it refused there, and for that? */
static bool check_mistake(const struct attn_restated *said, const struct attn_problem *p, uint64_t *state,
                          struct attn_restated_fault *fault)
{
    struct attn_line l = { .loose = true, .state = state };
    struct mistake m = { 0, "" };
    struct attn_text_error error = { 0, "" };
    struct attn_problem got;
    if (attn_random_below(state, 16) == 0) {
        leave_out(&l, p, &m);
    } else {
        attn_line_write(&l, p);
        if (!make_wrong(&l, &m))
            return true;
    }
    if (said->problem_parse(l.text, l.n, &got, NULL, NULL))
        return attn_differs(fault, "'%s' is read, and nobody asks for an error", l.text);
    if (said->problem_parse(l.text, l.n, &got, NULL, &error))
        return attn_differs(fault, "'%s' is read, though %zu: %s", l.text, m.column, m.message);
    m.message[sizeof error.message - 1] = 0;
    if (error.column != m.column || strcmp(error.message, m.message) != 0)
        return attn_differs(fault, "'%s' is refused with %zu: %s, not %zu: %s", l.text, error.column, error.message,
                            m.column, m.message);
    return true;
}

bool attn_restate_line(const struct attn_restated *said, const struct attn_problem *legal, uint64_t seed,
                       struct attn_restated_fault *fault)
{
    struct attn_problem p;
    attn_line_draw(legal, &seed, &p);
    return attn_line_printed(said, &p, &seed, fault) && attn_line_read(said, &p, &seed, fault) &&
           check_mistake(said, &p, &seed, fault);
}
