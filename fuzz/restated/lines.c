/* lines.c: problem lines by another hand: what is printed, and what lines written otherwise are read as. See
 * restated.h.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fuzz/restated/lines.h"
#include "planner/random.h"

/* ---- Problems that a line can say --------------------------------------------------------------------------- */

static int64_t draw_number(uint64_t *state)
{
    static const int64_t edges[] = { 0, 1, -1, INT64_MAX, INT64_MIN, INT64_MAX - 1, INT64_MIN + 1, 10 };
    switch (attn_random_below(state, 4)) {
    case 0: return edges[attn_random_below(state, 8)];
    case 1: return (int64_t)attn_random(state);
    default: return (int64_t)attn_random_below(state, 3000);
    }
}

static float draw_float(uint64_t *state)
{
    static const float presets[] = { 0.0f, 1.0f, -0.0f, 0.5f };
    float value;
    const uint32_t bits = (uint32_t)attn_random(state);
    if (attn_random_below(state, 2))
        return presets[attn_random_below(state, 4)];
    memcpy(&value, &bits, sizeof value);
    return value != value ? 1.0f : value; /* which nan it was no text says */
}

/* Strides of a contiguous tensor; the largest that there may be in place of larger ones. */
static void contiguous(const struct attn_tensor *t, int64_t nb[4])
{
    const struct attn_type_info *type = attn_type_info(t->type);
    const uint64_t most = INT64_MAX / (uint64_t)type->block_bytes * (uint64_t)type->block_bytes;
    uint64_t bytes = (uint64_t)type->block_bytes, n = (uint64_t)(t->ne[0] / type->block_elems);
    nb[0] = type->block_bytes;
    for (int d = 1; d < 4; n = (uint64_t)t->ne[d], d++) {
        bytes = bytes > 0 && n > most / bytes ? most : bytes * n;
        nb[d] = (int64_t)bytes;
    }
}

static void change_tensor(struct attn_tensor *t, uint64_t *state)
{
    switch (attn_random_below(state, 6)) {
    case 0: t->ne[attn_random_below(state, 4)] = draw_number(state); break;
    case 1: t->nb[1 + attn_random_below(state, 3)] = draw_number(state); return;
    case 2: t->offset = draw_number(state); break;
    case 3: t->buffer = (uint8_t)(attn_random_below(state, 2) ? attn_random_below(state, 27) : 26); break;
    case 4: t->type = (uint8_t)attn_random_below(state, ATTN_TYPE_COUNT); break;
    default: break;
    }
    contiguous(t, t->nb);
}

/* A tensor that is left out, or the one that stands for it. */
static struct attn_tensor preset(const struct attn_problem *p, int operand)
{
    struct attn_tensor t = { .ne = { p->t[ATTN_Q].ne[2], 1, 1, 1 }, .type = ATTN_F32, .present = 1 };
    if (operand == ATTN_DST) {
        const int64_t ne[4] = { p->t[ATTN_V].ne[0], p->t[ATTN_Q].ne[2], p->t[ATTN_Q].ne[1], p->t[ATTN_Q].ne[3] };
        memcpy(t.ne, ne, sizeof ne);
    }
    contiguous(&t, t.nb);
    return t;
}

void attn_line_draw(const struct attn_problem *legal, uint64_t *state, struct attn_problem *p)
{
    *p = *legal;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        struct attn_tensor *t = &p->t[o];
        if (!t->present && attn_random_below(state, 2)) {
            memset(t, 0, sizeof *t);
            continue;
        }
        if (!t->present || (o >= ATTN_SINKS && attn_random_below(state, 2)))
            *t = preset(p, o);
        for (uint64_t n = attn_random_below(state, 3); n; n--)
            change_tensor(t, state);
        t->nb[0] = attn_type_info(t->type)->block_bytes;
    }
    for (int o = ATTN_SINKS; o < ATTN_OPERAND_COUNT; o++) /* q or v may have changed since */
        if (p->t[o].present && attn_random_below(state, 2))
            p->t[o] = preset(p, o);
    p->scale = draw_float(state);
    p->softcap = draw_float(state);
    p->max_bias = draw_float(state);
    p->head_first = attn_random_below(state, 2) ? 0 : draw_number(state);
    p->head_total = attn_random_below(state, 2) ? p->t[ATTN_Q].ne[2] : draw_number(state);
    p->prec = (uint8_t)attn_random_below(state, ATTN_PREC_COUNT);
    p->n_kv_max = attn_random_below(state, 2) ? 0 : (int32_t)(draw_number(state) & INT32_MAX);
    memset(&p->further, 0, sizeof p->further);
    if (attn_random_below(state, 4) == 0) {
        p->further = preset(p, ATTN_SINKS);
        for (uint64_t n = attn_random_below(state, 3); n; n--)
            change_tensor(&p->further, state);
        p->further.nb[0] = attn_type_info(p->further.type)->block_bytes;
    }
}

bool attn_line_same_tensor(const struct attn_tensor *a, const struct attn_tensor *b)
{
    if (!a->present || !b->present)
        return a->present == b->present;
    return memcmp(a->ne, b->ne, sizeof a->ne) == 0 && memcmp(a->nb, b->nb, sizeof a->nb) == 0 &&
           a->offset == b->offset && a->type == b->type && a->buffer == b->buffer;
}

static bool same_float(float a, float b) { return memcmp(&a, &b, sizeof a) == 0; }

bool attn_line_same(const struct attn_problem *a, const struct attn_problem *b)
{
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        if (!attn_line_same_tensor(&a->t[o], &b->t[o]))
            return false;
    return same_float(a->scale, b->scale) && same_float(a->softcap, b->softcap) &&
           same_float(a->max_bias, b->max_bias) && a->head_first == b->head_first && a->head_total == b->head_total &&
           a->prec == b->prec && a->n_kv_max == b->n_kv_max && attn_line_same_tensor(&a->further, &b->further);
}

/* ---- Writing ------------------------------------------------------------------------------------------------ */

static uint64_t below(struct attn_line *l, uint64_t n) { return l->loose ? attn_random_below(l->state, n) : 0; }

__attribute__((format(printf, 4, 5))) static void put(struct attn_line *l, int kind, const char *what,
                                                      const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct attn_line_piece *piece = &l->piece[l->n_pieces];
    const int n = vsnprintf(l->text + l->n, sizeof l->text - l->n, format, args);
    va_end(args);
    if (l->n_pieces + 1 >= ATTN_LINE_PIECES || l->n + (size_t)n >= sizeof l->text)
        return;
    *piece = (struct attn_line_piece){ kind, l->n, (size_t)n, what };
    l->n += (size_t)n;
    l->n_pieces++;
}

static void put_blanks(struct attn_line *l, bool needed)
{
    static const char *const blanks[] = { " ", "  ", "\t", " \t ", "    " };
    if (needed || below(l, 3) == 1)
        put(l, ATTN_PIECE_BLANK, NULL, "%s", blanks[below(l, 5)]);
}

static void put_number(struct attn_line *l, const char *what, int64_t value)
{
    if (below(l, 12) == 1 && value >= 0)
        put(l, ATTN_PIECE_NUMBER, what, "%s0%" PRId64, value == 0 ? "-" : "00", value);
    else
        put(l, ATTN_PIECE_NUMBER, what, "%" PRId64, value);
}

static void put_tensor(struct attn_line *l, const struct attn_tensor *t)
{
    int64_t nb[4];
    put(l, ATTN_PIECE_TYPE, NULL, "%s", attn_type_info(t->type)->name);
    for (int d = 0; d < 4; d++) {
        put(l, ATTN_PIECE_MARK, d ? "',' and the next of four extents" : "'[' and four extents", d ? "," : "[");
        put_number(l, "an extent", t->ne[d]);
    }
    put(l, ATTN_PIECE_MARK, "']' after four extents", "]");
    if (t->buffer) {
        put(l, ATTN_PIECE_AFTER, NULL, "@");
        put(l, ATTN_PIECE_BUFFER, "a buffer, one letter a to z", "%c", 'a' + t->buffer - 1);
    }
    if (t->offset || below(l, 4) == 1) {
        put(l, ATTN_PIECE_AFTER, NULL, "+");
        put_number(l, "an offset in bytes", t->offset);
    }
    contiguous(t, nb);
    if (memcmp(nb, t->nb, sizeof nb) == 0 && below(l, 4) != 1)
        return;
    for (int d = 1; d < 4; d++) {
        put(l, d == 1 ? ATTN_PIECE_AFTER : ATTN_PIECE_MARK, d == 1 ? NULL : "',' and the next of three strides",
            d == 1 ? ":" : ",");
        put_number(l, "a stride in bytes", t->nb[d]);
    }
}

static void put_float(struct attn_line *l, const char *key, float value, float preset_value)
{
    char text[40];
    if (same_float(value, preset_value) && below(l, 4) != 1)
        return;
    put_blanks(l, true);
    put(l, ATTN_PIECE_KEY, NULL, "%s", key);
    put(l, ATTN_PIECE_EQUALS, "'=' and a value", "=");
    attn_restated_planner.float_print(value, text, sizeof text); /* numbers.c judges it */
    if (below(l, 3) == 1)
        put(l, ATTN_PIECE_FLOAT, "a number", "%a", (double)value);
    else
        put(l, ATTN_PIECE_FLOAT, "a number", "%s", text);
}

static void put_operand(struct attn_line *l, const struct attn_problem *p, int o)
{
    const struct attn_tensor standing = preset(p, o);
    const bool is_preset = o >= ATTN_SINKS && attn_line_same_tensor(&p->t[o], &standing);
    if (!p->t[o].present || (o == ATTN_DST && is_preset && below(l, 4) != 1))
        return;
    put_blanks(l, true);
    put(l, ATTN_PIECE_KEY, NULL, "%s", attn_operand_name(o));
    if (o == ATTN_SINKS && is_preset && below(l, 4) != 1)
        return;
    put(l, o == ATTN_SINKS ? ATTN_PIECE_AFTER : ATTN_PIECE_EQUALS, "'=' and a value", "=");
    put_tensor(l, &p->t[o]);
}

static void put_heads(struct attn_line *l, const struct attn_problem *p)
{
    if (p->head_first == 0 && p->head_total == p->t[ATTN_Q].ne[2] && below(l, 4) != 1)
        return;
    put_blanks(l, true);
    put(l, ATTN_PIECE_KEY, NULL, "heads");
    put(l, ATTN_PIECE_EQUALS, "'=' and a value", "=");
    put_number(l, "the first head, as in heads=0/128", p->head_first);
    put(l, ATTN_PIECE_MARK, "'/' and the total of heads", "/");
    put_number(l, "the total of heads", p->head_total);
}

/* What only a node of ggml says: number 0, 1, 2 of it. */
static void put_node(struct attn_line *l, const struct attn_problem *p, int which)
{
    static const char *const keys[] = { "prec", "n_kv_max", "src5" };
    const bool said[] = { p->prec != ATTN_PREC_UNSAID, p->n_kv_max != 0 || below(l, 4) == 1, p->further.present };
    if (!said[which])
        return;
    put_blanks(l, true);
    put(l, ATTN_PIECE_KEY, NULL, "%s", keys[which]);
    put(l, ATTN_PIECE_EQUALS, "'=' and a value", "=");
    if (which == 0)
        put(l, ATTN_PIECE_FLOAT, "default or f32", "%s", p->prec == ATTN_PREC_F32 ? "f32" : "default");
    else if (which == 1)
        put_number(l, "a number of keys", p->n_kv_max);
    else
        put_tensor(l, &p->further);
}

void attn_line_write(struct attn_line *l, const struct attn_problem *p)
{
    enum { FLOATS = ATTN_OPERAND_COUNT, KEYS = FLOATS + 7 };
    int order[KEYS];
    l->n = 0;
    l->n_pieces = 0;
    l->text[0] = 0;
    for (int i = 0; i < KEYS; i++) { /* shuffled where the writing is loose */
        const int at = l->loose ? (int)below(l, (uint64_t)i + 1) : i;
        order[i] = order[at];
        order[at] = i;
    }
    put_blanks(l, false);
    put(l, ATTN_PIECE_VERSION, NULL, "fa1");
    for (int i = 0; i < KEYS; i++)
        switch (order[i]) {
        case FLOATS: put_float(l, "scale", p->scale, 1.0f); break;
        case FLOATS + 1: put_float(l, "softcap", p->softcap, 0.0f); break;
        case FLOATS + 2: put_float(l, "max_bias", p->max_bias, 0.0f); break;
        case FLOATS + 3: put_heads(l, p); break;
        case FLOATS + 4:
        case FLOATS + 5:
        case FLOATS + 6: put_node(l, p, order[i] - FLOATS - 4); break;
        default: put_operand(l, p, order[i]);
        }
    put_blanks(l, false);
}

/* ---- The check ---------------------------------------------------------------------------------------------- */

bool attn_line_printed(const struct attn_restated *said, const struct attn_problem *p, uint64_t *state,
                       struct attn_restated_fault *fault)
{
    struct attn_line canonical = { .loose = false };
    char got[ATTN_LINE_MAX];
    attn_line_write(&canonical, p);
    const size_t length = said->problem_print(p, got, sizeof got);
    if (length != canonical.n || strcmp(got, canonical.text) != 0)
        return attn_differs(fault, "a problem is printed as '%s', not '%s'", got, canonical.text);
    const size_t cap = attn_random_below(state, 2) ? 0 : attn_random_below(state, length + 2);
    const size_t kept = length < cap ? length : cap ? cap - 1 : 0;
    memset(got, '~', sizeof got);
    if (said->problem_print(p, got, cap) != length || memcmp(got, canonical.text, kept) != 0 ||
        (cap && got[kept] != 0) || (cap < sizeof got && got[cap] != '~'))
        return attn_differs(fault, "'%s' is printed wrong into %zu bytes", canonical.text, cap);
    return true;
}

/* What ends the problem: the text, a '|', a newline. */
static size_t put_end(struct attn_line *l)
{
    static const char *const ends[] = { "", "\r", "\n", "\r\n", "| x=1\r\n", "|", "\nfa1\r" };
    const size_t end = attn_random_below(l->state, 7);
    const size_t used = l->n + (ends[end][0] == '\r');
    l->n += (size_t)snprintf(l->text + l->n, sizeof l->text - l->n, "%s", ends[end]);
    return used;
}

bool attn_line_read(const struct attn_restated *said, const struct attn_problem *p, uint64_t *state,
                    struct attn_restated_fault *fault)
{
    struct attn_line l = { .loose = true, .state = state };
    struct attn_text_error error = { 0, "" };
    struct attn_problem got;
    size_t used = 0;
    attn_line_write(&l, p);
    const size_t end = put_end(&l);
    if (!said->problem_parse(l.text, l.n, &got, &used, &error))
        return attn_differs(fault, "'%s' is not read: %zu: %s", l.text, error.column, error.message);
    if (!attn_line_same(p, &got))
        return attn_differs(fault, "'%s' is read as another problem", l.text);
    if (used != end)
        return attn_differs(fault, "of '%s' %zu bytes are the problem, not %zu", l.text, end, used);
    return true;
}
