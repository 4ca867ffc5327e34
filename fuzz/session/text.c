/* text.c: reader of session scripts. See session.h.
 *
 * A script is words between blanks, statements end with ';' (the last may end with the brace). The reader keeps nothing
 * but the session; an error names the line and column of the word it is about.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fuzz/session/words.h"

/* ---- Reading: words -------------------------------------------------------------------------------------- */

struct word {
    const char *text;
    size_t len;
    int64_t line;
    size_t column;
};

struct reader {
    const char *text, *end, *at;
    int64_t line;
    const char *line_start;
    struct attn_session *s;
    struct attn_session_error *error;
};

static bool fail(const struct reader *r, const struct word *w, const char *message)
{
    struct attn_session_error *e = r->error;
    if (!e)
        return false;
    e->line = w->line;
    e->column = w->column;
    char shown[36];
    size_t n = 0;
    for (size_t i = 0; i < w->len && n + 1 < sizeof shown; i++)
        shown[n++] = w->text[i] >= 0x20 && w->text[i] < 0x7f ? w->text[i] : '?';
    shown[n] = 0;
    if (w->len == 0)
        snprintf(e->message, sizeof e->message, "%s", message);
    else
        snprintf(e->message, sizeof e->message, "%s '%s'%s", message, shown, n < w->len ? "..." : "");
    return false;
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static void skip_blanks(struct reader *r)
{
    for (; r->at < r->end; r->at++) {
        if (*r->at == '#') {
            while (r->at < r->end && *r->at != '\n')
                r->at++;
            if (r->at == r->end)
                return;
        }
        if (!is_blank(*r->at))
            return;
        if (*r->at == '\n') {
            r->line++;
            r->line_start = r->at + 1;
        }
    }
}

/* The next word of the statement: ';', '{' and '}' are words of their own; empty at the end of the text. */
static struct word next_word(struct reader *r)
{
    skip_blanks(r);
    struct word w = { r->at, 0, r->line, (size_t)(r->at - r->line_start) + 1 };
    if (r->at < r->end && strchr(";{}", *r->at) && *r->at) {
        r->at++;
        w.len = 1;
        return w;
    }
    while (r->at < r->end && !is_blank(*r->at) && *r->at != ';' && *r->at != '{' && *r->at != '}' && *r->at != '#')
        r->at++;
    w.len = (size_t)(r->at - w.text);
    return w;
}

static struct word peek_word(const struct reader *r)
{
    struct reader copy = *r;
    return next_word(&copy);
}

static bool word_is(const struct word *w, const char *name)
{
    return strlen(name) == w->len && memcmp(w->text, name, w->len) == 0;
}

static bool ends_statement(const struct word *w) { return w->len == 0 || word_is(w, ";") || word_is(w, "}"); }

static int find_name(const struct word *w, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        if (word_is(w, names[i]))
            return i;
    return -1;
}

/* ---- Reading: values ------------------------------------------------------------------------------------- */

static bool digits(const struct word *w, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < w->len; i++) {
        char c = w->text[i];
        if (c < '0' || c > '9' || *value > (UINT64_MAX - (uint64_t)(c - '0')) / 10)
            return false;
        *value = *value * 10 + (uint64_t)(c - '0');
    }
    return w->len > 0;
}

static bool read_number(struct reader *r, const struct word *w, int64_t low, int64_t high, int32_t *value)
{
    uint64_t n;
    char message[96];
    if (digits(w, &n) && n <= INT32_MAX && (int64_t)n >= low && (int64_t)n <= high) {
        *value = (int32_t)n;
        return true;
    }
    snprintf(message, sizeof message, "a number from %" PRId64 " to %" PRId64 " is needed, not", low, high);
    return fail(r, w, message);
}

/* The part of a word after `key=`; false when it does not begin so. */
static bool after_key(const struct word *w, const char *key, struct word *value)
{
    size_t n = strlen(key);
    if (w->len <= n || memcmp(w->text, key, n) != 0 || w->text[n] != '=')
        return false;
    *value = (struct word){ w->text + n + 1, w->len - n - 1, w->line, w->column + n + 1 };
    return true;
}

/* Cuts a word at its first '/'; false when there is none. */
static bool cut(const struct word *w, char at, struct word *left, struct word *right)
{
    const char *slash = memchr(w->text, at, w->len);
    *left = *w;
    if (!slash)
        return false;
    left->len = (size_t)(slash - w->text);
    *right = (struct word){ slash + 1, w->len - left->len - 1, w->line, w->column + left->len + 1 };
    return true;
}

static bool read_float(struct reader *r, const struct word *w, float *value)
{
    size_t n = attn_float_parse(w->text, w->len, value);
    if (n == 0 || n != w->len || !(*value >= 0.0f && *value <= 1e30f))
        return fail(r, w, "a number from 0 is needed, not");
    return true;
}

static bool read_type(struct reader *r, const struct word *w, uint8_t *type)
{
    for (int t = 0; t < ATTN_TYPE_COUNT; t++)
        if (word_is(w, attn_type_info(t)->name)) {
            *type = (uint8_t)t;
            return true;
        }
    return fail(r, w, "there is no type");
}

static bool read_device(struct reader *r, const struct word *w)
{
    struct word name, what;
    int row, weakening;
    const bool good = attn_device_named(w->text, w->len, &row, &weakening);
    r->s->device = row;
    r->s->weakening = weakening;
    cut(w, '~', &name, &what);
    return good || (row < 0 ? fail(r, &name, "there is no device") : fail(r, &what, "this device has no weakening"));
}

/* N/N/..., one a device. */
static bool read_weights(struct reader *r, const struct word *w)
{
    struct word one, rest = *w;
    bool more = true, any = false;
    for (int i = 0; more; i++) {
        const struct word all = rest;
        int32_t weight;
        if (i == ATTN_SESSION_SPLIT_MAX)
            return fail(r, &all, "more weights than devices there can be:");
        more = cut(&all, '/', &one, &rest);
        if (!read_number(r, &one, 0, 255, &weight))
            return false;
        r->s->weight[i] = (uint8_t)weight;
        any |= weight > 0;
    }
    return any || fail(r, w, "a weight from 1 is needed, not");
}

/* ---- Reading: statements --------------------------------------------------------------------------------- */

static bool read_layer_word(struct reader *r, const struct word *w, struct attn_session_layer *l)
{
    struct word value, left, right;
    if (after_key(w, "heads", &value)) {
        if (!cut(&value, '/', &left, &right))
            return fail(r, &value, "heads are given as query heads/KV heads, not");
        return read_number(r, &left, 1, ATTN_SESSION_HEADS_MAX, &l->n_head) &&
               read_number(r, &right, 1, ATTN_SESSION_HEADS_MAX, &l->n_head_kv);
    }
    if (after_key(w, "d", &value)) {
        bool two = cut(&value, '/', &left, &right);
        return read_number(r, &left, 1, ATTN_SESSION_HEAD_SIZE_MAX, &l->d_k) &&
               read_number(r, two ? &right : &left, 1, ATTN_SESSION_HEAD_SIZE_MAX, &l->d_v);
    }
    if (after_key(w, "type", &value)) {
        bool two = cut(&value, '/', &left, &right);
        return read_type(r, &left, &l->type_k) && read_type(r, two ? &right : &left, &l->type_v);
    }
    if (after_key(w, "window", &value))
        return read_number(r, &value, 1, ATTN_SESSION_CELLS_MAX, &l->window);
    if (after_key(w, "cross", &value))
        return read_number(r, &value, 1, ATTN_SESSION_CELLS_MAX, &l->cross);
    if (after_key(w, "scale", &value))
        return read_float(r, &value, &l->scale);
    if (after_key(w, "softcap", &value))
        return read_float(r, &value, &l->softcap);
    if (after_key(w, "max_bias", &value))
        return read_float(r, &value, &l->max_bias);
    if (after_key(w, "reads", &value)) {
        for (int i = 0; i + 1 < r->s->n_layers && l->reads == 0; i++)
            l->reads = word_is(&value, r->s->layer[i].name) ? (uint8_t)(i + 1) : 0;
        return l->reads > 0 || fail(r, &value, "before this layer there is none of the name");
    }
    if (word_is(w, "sinks"))
        return l->sinks = 1, true;
    if (word_is(w, "view"))
        return l->view = 1, true;
    if (word_is(w, "draft"))
        return l->draft = 1, true;
    return fail(r, w, "a layer has no");
}

static bool read_layer(struct reader *r, const struct word *statement)
{
    struct attn_session *s = r->s;
    if (s->n_layers == ATTN_SESSION_LAYERS_MAX)
        return fail(r, statement, "more than 4 of");
    struct attn_session_layer *l = &s->layer[s->n_layers++];
    struct word name = next_word(r), w;
    *l = (struct attn_session_layer){ .type_k = ATTN_F16, .type_v = ATTN_F16, .scale = 1.0f };
    if (ends_statement(&name) || name.len >= sizeof l->name || memchr(name.text, '=', name.len))
        return fail(r, &name, "a layer's name has 1 to 15 characters and no '=', not");
    for (size_t i = 0; i < name.len; i++)
        if (name.text[i] <= 0x20 || name.text[i] >= 0x7f)
            return fail(r, &name, "a layer's name is printable ASCII, not");
    memcpy(l->name, name.text, name.len);
    for (w = peek_word(r); !ends_statement(&w); w = peek_word(r)) {
        next_word(r);
        if (!read_layer_word(r, &w, l))
            return false;
    }
    if (l->n_head == 0 || l->d_k == 0)
        return fail(r, &name, "heads= and d= are missing of layer");
    return true;
}

/* A statement about the server; *known is false when there is none of that name. */
static bool read_setting(struct reader *r, const struct word *statement, uint64_t *seen, bool *known)
{
    struct attn_session *s = r->s;
    struct word value;
    int bit = 0;
    *known = true;
    for (int i = 0; i < N_NUMBERS; i++, bit++)
        if (word_is(statement, numbers[i].name)) {
            value = next_word(r);
            if (*seen >> bit & 1)
                return fail(r, statement, "a second");
            *seen |= UINT64_C(1) << bit;
            return read_number(r, &value, numbers[i].low, numbers[i].high, field(s, i));
        }
    for (int i = 0; i < N_CHOICES; i++, bit++)
        if (word_is(statement, choices[i].name)) {
            value = next_word(r);
            if (*seen >> bit & 1)
                return fail(r, statement, "a second");
            *seen |= UINT64_C(1) << bit;
            *choice(s, i) = word_is(&value, choices[i].one);
            return *choice(s, i) || word_is(&value, choices[i].zero) ||
                   fail(r, &value, "not one of the two words there are:");
        }
    enum { DEVICE, MASK, DEAL, SEED, SCHEDULE, WEIGHTS, N_OTHERS };
    static const char *const others[N_OTHERS] = { "device", "mask", "deal", "seed", "schedule", "weights" };
    int other = find_name(statement, others, N_OTHERS);
    if (other < 0) {
        *known = false;
        return true;
    }
    if (*seen >> (bit + other) & 1)
        return fail(r, statement, "a second");
    *seen |= UINT64_C(1) << (bit + other);
    value = next_word(r);
    if (other == DEVICE)
        return read_device(r, &value);
    if (other == WEIGHTS)
        return read_weights(r, &value);
    if (other == DEAL) {
        s->deal = find_name(&value, deal_names, ATTN_SESSION_DEAL_COUNT);
        return s->deal >= 0 || fail(r, &value, "heads are dealt out down, nearest, single, repeated or mirrored, not");
    }
    if (other == MASK) {
        struct word pad;
        if (after_key(&value, "padded", &pad)) {
            s->mask = ATTN_SESSION_MASK_PADDED;
            return read_number(r, &pad, 1, 1024, &s->mask_pad);
        }
        s->mask = find_name(&value, mask_names, ATTN_SESSION_MASK_COUNT);
        return (s->mask >= 0 && s->mask != ATTN_SESSION_MASK_PADDED) ||
               fail(r, &value, "a mask is exact, padded=N or kept, not");
    }
    return digits(&value, other == SEED ? &s->seed : &s->schedule) || fail(r, &value, "a number is needed, not");
}

/* 0.995 as 995: a share from 0 to 1 with at most three places. */
static bool read_share(struct reader *r, const struct word *w, int32_t *share)
{
    static const char *const one[] = { "1", "1.0", "1.00", "1.000" };
    *share = 1000;
    if (find_name(w, one, sizeof one / sizeof one[0]) >= 0)
        return true;
    *share = 0;
    if (word_is(w, "0"))
        return true;
    if (w->len < 3 || w->len > 5 || w->text[0] != '0' || w->text[1] != '.')
        return fail(r, w, "a share from 0 to 1 with up to three places is needed, not");
    for (size_t i = 2, unit = 100; i < w->len; i++, unit /= 10) {
        if (w->text[i] < '0' || w->text[i] > '9')
            return fail(r, w, "a share from 0 to 1 with up to three places is needed, not");
        *share += (int32_t)((size_t)(w->text[i] - '0') * unit);
    }
    return true;
}

/* N accept M [branches B] */
static bool read_accepted(struct reader *r, struct attn_session_event *e)
{
    struct word w = next_word(r);
    if (!read_number(r, &w, 1, ATTN_SESSION_DRAFT_MAX, &e->drafted))
        return false;
    w = next_word(r);
    if (!word_is(&w, "accept"))
        return fail(r, &w, "accept N is needed, not");
    w = next_word(r);
    if (!read_number(r, &w, 0, e->drafted, &e->accepted))
        return false;
    w = peek_word(r);
    if (!word_is(&w, "branches"))
        return true;
    next_word(r);
    w = next_word(r);
    return read_number(r, &w, 2, ATTN_SESSION_BRANCHES_MAX, &e->branches);
}

/* N [draft K accept M [branches B]] */
static bool read_mixed(struct reader *r, struct attn_session_event *e)
{
    struct word w = next_word(r);
    if (!read_number(r, &w, 1, ATTN_SESSION_CELLS_MAX, &e->tokens))
        return false;
    w = peek_word(r);
    if (!word_is(&w, "draft"))
        return true;
    next_word(r);
    return read_accepted(r, e);
}

/* N accept M [branches B] [times K] */
static bool read_draft(struct reader *r, struct attn_session_event *e)
{
    struct word w;
    if (!read_accepted(r, e))
        return false;
    w = peek_word(r);
    if (!word_is(&w, "times"))
        return true;
    next_word(r);
    w = next_word(r);
    return read_number(r, &w, 2, ATTN_SESSION_CELLS_MAX, &e->times);
}

static bool read_event(struct reader *r, const struct word *statement, int op)
{
    struct attn_session *s = r->s;
    struct word w, value;
    if (s->n_events == ATTN_SESSION_EVENTS_MAX)
        return fail(r, statement, "more than " ATTN_SESSION_DIGITS(ATTN_SESSION_EVENTS_MAX) " events, here");
    struct attn_session_event *e = &s->event[s->n_events++];
    *e = (struct attn_session_event){ .op = op };
    switch (op) {
    case ATTN_SESSION_SLOT:
    case ATTN_SESSION_COPY: w = next_word(r); return read_number(r, &w, 0, ATTN_SESSION_SLOTS_MAX - 1, &e->slot);
    case ATTN_SESSION_PREFILL:
    case ATTN_SESSION_DECODE:
    case ATTN_SESSION_TOGETHER: w = next_word(r); return read_number(r, &w, 1, ATTN_SESSION_CELLS_MAX, &e->tokens);
    case ATTN_SESSION_DRAFT:
    case ATTN_SESSION_DRAFTS: return read_draft(r, e);
    case ATTN_SESSION_MIXED: return read_mixed(r, e);
    case ATTN_SESSION_REUSE:
        w = next_word(r);
        if (!after_key(&w, "lcp", &value))
            return fail(r, &w, "lcp=SHARE is needed, not");
        if (!read_share(r, &value, &e->share))
            return false;
        w = peek_word(r);
        if (!after_key(&w, "prompt", &value))
            return true;
        next_word(r);
        return read_number(r, &value, 1, ATTN_SESSION_CELLS_MAX, &e->prompt);
    case ATTN_SESSION_SHIFT:
        w = next_word(r);
        if (!after_key(&w, "keep", &value))
            return fail(r, &w, "keep=N is needed, not");
        return read_number(r, &value, 0, ATTN_SESSION_CELLS_MAX, &e->keep);
    default: return true;
    }
}

static bool read_statement(struct reader *r, const struct word *statement, uint64_t *seen)
{
    bool known;
    int op = find_name(statement, op_names, ATTN_SESSION_OP_COUNT);
    if (op >= 0)
        return read_event(r, statement, op);
    if (r->s->n_events > 0)
        return fail(r, statement, "after the first event there are only events, not");
    if (word_is(statement, "layer"))
        return read_layer(r, statement);
    if (!read_setting(r, statement, seen, &known))
        return false;
    return known || fail(r, statement, "there is no statement");
}

bool attn_session_parse(const char *text, size_t len, struct attn_session *session, size_t *used,
                        struct attn_session_error *error)
{
    struct reader r = { text, text + len, text, 1, text, session, error };
    struct word first = next_word(&r), brace, w;
    uint64_t seen = 0;
    attn_session_default(session);
    *used = 0;
    if (!word_is(&first, "session"))
        return fail(&r, &first, "a script begins with session, not");
    brace = next_word(&r);
    if (!word_is(&brace, "{"))
        return fail(&r, &brace, "a brace { is needed after session, not");
    if (len > ATTN_SESSION_TEXT_MAX)
        return fail(&r, &first, "more than 65536 bytes of");
    for (;;) {
        w = next_word(&r);
        if (word_is(&w, "}"))
            break;
        if (w.len == 0)
            return fail(&r, &w, "the script ends without a closing brace");
        if (word_is(&w, ";"))
            continue;
        if (!read_statement(&r, &w, &seen))
            return false;
        w = peek_word(&r);
        if (!ends_statement(&w))
            return fail(&r, &w, "a semicolon is needed before");
    }
    const char *wrong = attn_session_check(session);
    if (wrong)
        return fail(&r, &(struct word){ "", 0, first.line, first.column }, wrong);
    *used = (size_t)(r.at - text);
    return true;
}
