/* text.c: a case as one line: the problem as the planner writes it, then '|' and the run. See attn_case.h.
 *
 * The run part is words `key=value` between blanks (space, tab), each key at most once, in any order; a line may end in
 * "\n" or "\r\n". Numbers are decimal. What is left out has its default.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fuzz/case/attn_case.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof(a)[0]))

static const char *const data_names[] = {
#define X(NAME, name, text) #name,
    ATTN_DATA_PROFILES(X)
#undef X
};
static const char *const mask_names[] = {
#define X(NAME, name, text) #name,
    ATTN_MASK_CONTENTS(X)
#undef X
};

static const char *const twin_names[] = {
#define X(NAME, name, text) #name,
    ATTN_TWINS(X)
#undef X
};

/* The keys, in the order in which they are printed. */
#define KEYS(X)           \
    X(DEV, dev)           \
    X(KERNEL, kernel)     \
    X(DATA, data)         \
    X(MASK, mask)         \
    X(DEAD, dead)         \
    X(SEED, seed)         \
    X(SCHEDULE, schedule) \
    X(AGAIN, again)       \
    X(TWIN, twin)

enum key {
#define X(NAME, name) KEY_##NAME,
    KEYS(X)
#undef X
        KEY_COUNT
};
static const char *const key_names[KEY_COUNT] = {
#define X(NAME, name) #name,
    KEYS(X)
#undef X
};

/* ---- Reading --------------------------------------------------------------------------------------------- */

struct word {
    const char *text;
    size_t len;
    size_t column; /* of its first character, from 1 */
};

static bool fail(struct attn_text_error *error, size_t column, const char *message, const struct word *word)
{
    if (!error)
        return false;
    error->column = column;
    if (!word) {
        snprintf(error->message, sizeof error->message, "%s", message);
        return false;
    }
    char shown[36];
    size_t n = 0;
    for (size_t i = 0; i < word->len && n + 1 < sizeof shown; i++)
        shown[n++] = word->text[i] >= 0x20 && word->text[i] < 0x7f ? word->text[i] : '?';
    shown[n] = 0;
    snprintf(error->message, sizeof error->message, "%s '%s'%s", message, shown, n < word->len ? "..." : "");
    return false;
}

static bool word_is(const struct word *word, const char *name)
{
    return strlen(name) == word->len && memcmp(word->text, name, word->len) == 0;
}

static int find_name(const struct word *word, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        if (word_is(word, names[i]))
            return i;
    return -1;
}

static bool read_u64(const struct word *word, uint64_t *value)
{
    *value = 0;
    if (word->len == 0)
        return false;
    for (size_t i = 0; i < word->len; i++) {
        char c = word->text[i];
        if (c < '0' || c > '9' || *value > (UINT64_MAX - (uint64_t)(c - '0')) / 10)
            return false;
        *value = *value * 10 + (uint64_t)(c - '0');
    }
    return true;
}

static bool read_device(const struct word *word, struct attn_run *run, struct attn_text_error *error)
{
    int row, weakening;
    const bool good = attn_device_named(word->text, word->len, &row, &weakening);
    run->device = row;
    run->weakening = weakening;
    if (good)
        return true;
    const char *tilde = memchr(word->text, '~', word->len);
    const size_t own = tilde ? (size_t)(tilde - word->text) : word->len;
    if (row < 0)
        return fail(error, word->column, "unknown device", &(struct word){ word->text, own, word->column });
    const struct word what = { tilde + 1, word->len - own - 1, word->column + own + 1 };
    return fail(error, what.column, "this device has no weakening", &what);
}

static bool read_number(const struct word *word, uint64_t *value, const char *message, struct attn_text_error *error)
{
    return read_u64(word, value) || fail(error, word->column, message, word);
}

static bool read_value(enum key key, const struct word *value, struct attn_run *run, struct attn_text_error *error)
{
    switch (key) {
    case KEY_DEV: return read_device(value, run, error);
    case KEY_KERNEL:
        for (int i = 0; i < ATTN_KERNEL_COUNT; i++)
            if (word_is(value, attn_kernel(i)->name)) {
                run->kernel = i;
                return true;
            }
        return fail(error, value->column, "unknown kernel", value);
    case KEY_DATA:
        run->data = find_name(value, data_names, COUNT(data_names));
        return run->data >= 0 || fail(error, value->column, "unknown data profile", value);
    case KEY_MASK:
        run->mask = find_name(value, mask_names, COUNT(mask_names));
        return run->mask >= 0 || fail(error, value->column, "unknown mask content", value);
    case KEY_DEAD:
        if (!word_is(value, "0") && !word_is(value, "1"))
            return fail(error, value->column, "dead must be 0 or 1, not", value);
        run->dead = value->text[0] == '1';
        return true;
    case KEY_SEED: return read_number(value, &run->seed, "seed must be a number from 0 to 2^64 - 1, not", error);
    case KEY_SCHEDULE:
        return read_number(value, &run->schedule, "schedule must be a number from 0 to 2^64 - 1, not", error);
    case KEY_AGAIN: return read_number(value, &run->again, "again must be a number from 0 to 2^64 - 1, not", error);
    case KEY_TWIN:
        run->twin = find_name(value, twin_names, COUNT(twin_names));
        return run->twin >= 0 || fail(error, value->column, "unknown twin", value);
    case KEY_COUNT: break;
    }
    return false;
}

static bool read_run(const char *line, size_t at, size_t len, struct attn_run *run, struct attn_text_error *error)
{
    uint32_t seen = 0;
    for (;;) {
        while (at < len && attn_is_blank(line[at]))
            at++;
        if (at == len)
            return true;
        size_t end = at, equals;
        while (end < len && !attn_is_blank(line[end]))
            end++;
        for (equals = at; equals < end && line[equals] != '='; equals++) {
        }
        struct word key = { line + at, equals - at, at + 1 };
        int k = find_name(&key, key_names, KEY_COUNT);
        if (k < 0)
            return fail(error, key.column, "unknown key", &key);
        if (seen >> k & 1)
            return fail(error, key.column, "key given twice:", &key);
        seen |= 1u << k;
        if (equals == end)
            return fail(error, end + 1, "expected = after", &key);
        struct word value = { line + equals + 1, end - equals - 1, equals + 2 };
        if (!read_value((enum key)k, &value, run, error))
            return false;
        at = end;
    }
}

bool attn_case_parse(const char *line, size_t len, struct attn_case *out, struct attn_text_error *error)
{
    return attn_case_parse_types(line, len, NULL, out, error);
}

bool attn_case_parse_types(const char *line, size_t len, const struct attn_foreign_types *types, struct attn_case *out,
                           struct attn_text_error *error)
{
    size_t used;
    if (len > 0 && line[len - 1] == '\n')
        len--;
    if (len > 0 && line[len - 1] == '\r')
        len--;
    memset(out, 0, sizeof *out);
    attn_run_default(&out->run);
    if (!attn_problem_parse_types(line, len, types, &out->problem, &used, error))
        return false;
    if (used == len)
        return true;
    if (line[used] != '|')
        return fail(error, used + 1, "expected one line, found the end of one", NULL);
    return read_run(line, used + 1, len, &out->run, error);
}

/* ---- Writing --------------------------------------------------------------------------------------------- */

struct out {
    char *text;
    size_t cap;
    size_t len; /* of the whole text, whether it fits or not */
    bool bar;   /* '|' is written */
};

static void put(struct out *o, const char *text)
{
    for (; *text; text++, o->len++)
        if (o->len + 1 < o->cap)
            o->text[o->len] = *text;
}

static void put_key(struct out *o, enum key key)
{
    put(o, o->bar ? " " : " | ");
    put(o, key_names[key]);
    put(o, "=");
    o->bar = true;
}

static void put_u64(struct out *o, uint64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    put(o, digits);
}

static const char *name_of(const char *const *names, int n, int i) { return i >= 0 && i < n ? names[i] : "unknown"; }

const char *attn_twin_name(int kind) { return name_of(twin_names, COUNT(twin_names), kind); }

size_t attn_case_print(const struct attn_case *c, char *line, size_t cap)
{
    struct attn_run preset;
    const struct attn_run *run = &c->run;
    struct out o = { line, cap, attn_problem_print(&c->problem, line, cap), false };

    attn_run_default(&preset);
    if (run->device >= 0 && attn_device(run->device)) {
        struct attn_device weaker;
        const char *what;
        put_key(&o, KEY_DEV);
        put(&o, attn_device(run->device)->name);
        if (run->weakening >= 0 && attn_device_weaken(attn_device(run->device), run->weakening, &weaker, &what)) {
            put(&o, "~");
            put(&o, what);
        }
    }
    if (run->kernel >= 0 && attn_kernel(run->kernel)) {
        put_key(&o, KEY_KERNEL);
        put(&o, attn_kernel(run->kernel)->name);
    }
    if (run->data != preset.data) {
        put_key(&o, KEY_DATA);
        put(&o, name_of(data_names, COUNT(data_names), run->data));
    }
    if (run->mask != preset.mask) {
        put_key(&o, KEY_MASK);
        put(&o, name_of(mask_names, COUNT(mask_names), run->mask));
    }
    if (run->dead != preset.dead) {
        put_key(&o, KEY_DEAD);
        put(&o, run->dead ? "1" : "0");
    }
    if (run->seed != preset.seed) {
        put_key(&o, KEY_SEED);
        put_u64(&o, run->seed);
    }
    if (run->schedule != preset.schedule) {
        put_key(&o, KEY_SCHEDULE);
        put_u64(&o, run->schedule);
    }
    if (run->again != preset.again) {
        put_key(&o, KEY_AGAIN);
        put_u64(&o, run->again);
    }
    if (run->twin != preset.twin) {
        put_key(&o, KEY_TWIN);
        put(&o, attn_twin_name(run->twin));
    }
    if (cap > 0)
        line[o.len < cap ? o.len : cap - 1] = 0;
    return o.len;
}
