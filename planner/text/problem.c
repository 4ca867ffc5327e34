/* problem.c: the left part of a problem line, read and written. The grammar is in attn_problem.h.
 *
 * What the grammar leaves open: blanks (space, tab) separate words, any number of them, also before the first word;
 * a carriage return counts as one where the line ends after it. Every other byte that no word can hold, NUL
 * included, is an error where it stands. Names and keys are lower case. Integers are decimal with an optional
 * '-', because an illegal problem has to be written down too. nb[0] has no text: rows are dense.
 * Part of planner.c.
 *
 * SPDX-License-Identifier: MIT */

/* What `sinks` alone and a dst left out stand for, given the other tensors. */
static void sinks_default(const struct attn_problem *p, struct attn_tensor *t)
{
    attn_tensor_set(t, operand_types[ATTN_SINKS], attn_n_head(p), 1, 1, 1);
}

static void dst_default(const struct attn_problem *p, struct attn_tensor *t)
{
    attn_tensor_set(t, operand_types[ATTN_DST], attn_d_v(p), attn_n_head(p), attn_n_q(p), attn_n_seq(p));
}

/* ---- Printing ---------------------------------------------------------------------------------------- */

static void print_tensor(struct text *t, const struct attn_tensor *tensor)
{
    const struct attn_type_info *type = attn_tensor_info(tensor);
    if (type)
        text_put(t, type->name);
    else
        text_i64(t, tensor->type);
    for (int i = 0; i < 4; i++) {
        text_char(t, i ? ',' : '[');
        text_i64(t, tensor->ne[i]);
    }
    text_char(t, ']');
    if (tensor->buffer) {
        text_char(t, '@');
        if (tensor->buffer <= 26)
            text_char(t, (char)('a' + tensor->buffer - 1));
        else
            text_u64(t, tensor->buffer);
    }
    if (tensor->offset) {
        text_char(t, '+');
        text_i64(t, tensor->offset);
    }
    if (attn_tensor_has_default_strides(tensor))
        return;
    for (int i = 1; i < 4; i++) {
        text_char(t, i == 1 ? ':' : ',');
        text_i64(t, tensor->nb[i]);
    }
}

static void print_float(struct text *t, const char *key, float value, float preset)
{
    if (attn_float_bits(value) == attn_float_bits(preset))
        return;
    text_char(t, ' ');
    text_put(t, key);
    text_char(t, '=');
    text_float(t, value);
}

static const char *prec_name(int i)
{
    static const char *const names[] = {
#define X(NAME, name) #name,
        ATTN_PRECS(X)
#undef X
    };
    return i < ATTN_PREC_COUNT - 1 ? names[i] : NULL;
}

/* What a node of ggml says besides. */
static void print_node(struct text *t, const struct attn_problem *p)
{
    if (p->prec != ATTN_PREC_UNSAID) {
        text_put(t, " prec=");
        if (p->prec < ATTN_PREC_COUNT)
            text_put(t, prec_name(p->prec - 1));
        else
            text_u64(t, p->prec);
    }
    if (p->n_kv_max != 0) {
        text_put(t, " n_kv_max=");
        text_i64(t, p->n_kv_max);
    }
    if (p->further.present) {
        text_put(t, " src5=");
        print_tensor(t, &p->further);
    }
}

size_t attn_problem_print(const struct attn_problem *p, char *out, size_t cap)
{
    struct text t = { out, cap, 0 };
    struct attn_tensor sinks, dst;
    sinks_default(p, &sinks);
    dst_default(p, &dst);
    text_put(&t, "fa1");
    for (int i = 0; i < ATTN_OPERAND_COUNT; i++) {
        const struct attn_tensor *tensor = &p->t[i];
        if (!tensor->present || (i == ATTN_DST && attn_tensor_equal(tensor, &dst)))
            continue;
        text_char(&t, ' ');
        text_put(&t, attn_operand_name(i));
        if (i == ATTN_SINKS && attn_tensor_equal(tensor, &sinks))
            continue;
        text_char(&t, '=');
        print_tensor(&t, tensor);
    }
    print_float(&t, "scale", p->scale, 1.0f);
    print_float(&t, "softcap", p->softcap, 0.0f);
    print_float(&t, "max_bias", p->max_bias, 0.0f);
    if (p->head_first != 0 || p->head_total != attn_n_head(p)) {
        text_put(&t, " heads=");
        text_i64(&t, p->head_first);
        text_char(&t, '/');
        text_i64(&t, p->head_total);
    }
    print_node(&t, p);
    return text_end(&t);
}

/* ---- Reading ----------------------------------------------------------------------------------------- */

struct reader {
    const char *text;
    size_t len; /* of the problem's part: up to a '|', the line's end or the text's */
    size_t at;
    struct attn_text_error *error;          /* may be NULL */
    const struct attn_foreign_types *types; /* may be NULL */
};

/* The byte at the reader's place, -1 at the end. */
static int peek(const struct reader *r) { return r->at < r->len ? (unsigned char)r->text[r->at] : -1; }

static bool is_blank(int c) { return c == ' ' || c == '\t'; }

static void skip_blanks(struct reader *r)
{
    while (is_blank(peek(r)))
        r->at++;
}

/* A stretch of the text in quotes, cut to a length that leaves room for the message; odd bytes as \xx. */
static void text_quote(struct text *t, const char *s, size_t len)
{
    text_char(t, '\'');
    for (size_t i = 0; i < len && i < 16; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 32 && c < 127) {
            text_char(t, (char)c);
        } else {
            text_put(t, "\\x");
            text_hex_byte(t, c);
        }
    }
    if (len > 16)
        text_put(t, "...");
    text_char(t, '\'');
}

static bool fail_at(struct reader *r, size_t at, const char *message)
{
    if (r->error) {
        struct text t = { r->error->message, sizeof r->error->message, 0 };
        r->error->column = at + 1;
        text_put(&t, message);
        text_end(&t);
    }
    return false;
}

/* "expected WHAT, found 'x'" at the reader's place. */
static bool fail_expected(struct reader *r, const char *what)
{
    if (r->error) {
        struct text t = { r->error->message, sizeof r->error->message, 0 };
        r->error->column = r->at + 1;
        text_put(&t, "expected ");
        text_put(&t, what);
        text_put(&t, ", found ");
        if (peek(r) < 0)
            text_put(&t, "the end of the problem");
        else
            text_quote(&t, r->text + r->at, 1);
        text_end(&t);
    }
    return false;
}

/* Changes (insert, delete, replace, swap neighbours) that make word out of s, at most `limit` + 1. */
static int word_distance(const char *s, size_t len, const char *word, int limit)
{
    enum { LONGEST = 12 };
    size_t n = strlen(word);
    if (len > LONGEST || n > LONGEST)
        return limit + 1;
    int row[3][LONGEST + 1]; /* the last three rows of the table of distances between prefixes */
    for (size_t j = 0; j <= n; j++)
        row[0][j] = (int)j;
    for (size_t i = 1; i <= len; i++) {
        int *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = (int)i;
        for (size_t j = 1; j <= n; j++) {
            int best = last[j - 1] + (s[i - 1] != word[j - 1]);
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && s[i - 1] == word[j - 2] && s[i - 2] == word[j - 1] && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[len % 3][n];
}

static const char *type_name(int i) { return i < ATTN_TYPE_COUNT ? type_table[i].name : NULL; }

enum key {
    KEY_SCALE = ATTN_OPERAND_COUNT,
    KEY_SOFTCAP,
    KEY_MAX_BIAS,
    KEY_HEADS,
    KEY_PREC,
    KEY_N_KV_MAX,
    KEY_FURTHER,
    KEY_COUNT
};

static const char *key_name(int i)
{
    static const char *const names[] = { "scale", "softcap", "max_bias", "heads", "prec", "n_kv_max", "src5" };
    if (i < ATTN_OPERAND_COUNT)
        return attn_operand_name(i);
    return i < KEY_COUNT ? names[i - ATTN_OPERAND_COUNT] : NULL;
}

/* Which of the names the word from `first` to the reader's place is; -1, with the error, when none. */
static int choose(struct reader *r, size_t first, const char *what, const char *(*name)(int))
{
    const char *word = r->text + first;
    size_t len = r->at - first;
    const char *near = NULL;
    int nearest = len > 3 ? 3 : len == 3 ? 2 : 1; /* short words are close to everything */
    for (int i = 0; name(i); i++) {
        if (strlen(name(i)) == len && memcmp(word, name(i), len) == 0)
            return i;
        int distance = word_distance(word, len, name(i), nearest);
        if (distance < nearest) {
            nearest = distance;
            near = name(i);
        }
    }
    if (r->error == NULL)
        return -1;
    struct text t = { r->error->message, sizeof r->error->message, 0 };
    r->error->column = first + 1;
    text_put(&t, "unknown ");
    text_put(&t, what);
    text_char(&t, ' ');
    text_quote(&t, word, len);
    if (near) {
        text_put(&t, ", did you mean ");
        text_put(&t, near);
        text_char(&t, '?');
    } else {
        text_put(&t, ", expected one of");
        for (int i = 0; name(i); i++) {
            text_char(&t, ' ');
            text_put(&t, name(i));
        }
    }
    text_end(&t);
    return -1;
}

static bool is_word(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool read_char(struct reader *r, char c, const char *what)
{
    if (peek(r) != c)
        return fail_expected(r, what);
    r->at++;
    return true;
}

static bool read_i64(struct reader *r, const char *what, int64_t *value)
{
    size_t first = r->at;
    bool negative = peek(r) == '-';
    if (negative)
        r->at++;
    if (peek(r) < '0' || peek(r) > '9')
        return fail_expected(r, what);
    int64_t v = 0; /* minus the number, because INT64_MIN has no positive counterpart */
    for (; peek(r) >= '0' && peek(r) <= '9'; r->at++) {
        int digit = peek(r) - '0';
        if (v < (INT64_MIN + digit) / 10)
            return fail_at(r, first, "integer does not fit in 64 bits");
        v = v * 10 - digit;
    }
    if (!negative && v == INT64_MIN)
        return fail_at(r, first, "integer does not fit in 64 bits");
    *value = negative ? v : -v;
    return true;
}

/* The foreign type of that name; NULL when there is none. */
static const struct attn_foreign_type *foreign_named(const struct reader *r, const char *word, size_t len)
{
    for (int i = 0; r->types && i < r->types->n; i++)
        if (strlen(r->types->type[i].info.name) == len && memcmp(r->types->type[i].info.name, word, len) == 0)
            return &r->types->type[i];
    return NULL;
}

/* The word from `first` to the reader's place as a type. */
static bool take_type(struct reader *r, size_t first, struct attn_tensor *t)
{
    const char *word = r->text + first;
    for (int i = 0; i < ATTN_TYPE_COUNT; i++)
        if (strlen(type_name(i)) == r->at - first && memcmp(type_name(i), word, r->at - first) == 0) {
            t->type = (uint8_t)i;
            return true;
        }
    t->foreign = foreign_named(r, word, r->at - first);
    if (t->foreign)
        t->type = t->foreign->number;
    return t->foreign != NULL || choose(r, first, "type", type_name) >= 0;
}

/* type[ne0,ne1,ne2,ne3]@buffer+offset:nb1,nb2,nb3 */
static bool read_tensor(struct reader *r, struct attn_tensor *t)
{
    size_t first = r->at;
    while (is_word(peek(r)))
        r->at++;
    if (r->at == first)
        return fail_expected(r, "a type, as in f16[128,512,8,1]");
    memset(t, 0, sizeof *t);
    t->present = 1;
    if (!take_type(r, first, t))
        return false;
    if (!read_char(r, '[', "'[' and four extents"))
        return false;
    for (int i = 0; i < 4; i++) {
        if (i && !read_char(r, ',', "',' and the next of four extents"))
            return false;
        if (!read_i64(r, "an extent", &t->ne[i]))
            return false;
    }
    if (!read_char(r, ']', "']' after four extents"))
        return false;
    attn_tensor_contiguous(t);
    if (peek(r) == '@') {
        r->at++;
        if (peek(r) < 'a' || peek(r) > 'z')
            return fail_expected(r, "a buffer, one letter a to z");
        t->buffer = (uint8_t)(peek(r) - 'a' + 1);
        r->at++;
    }
    if (peek(r) == '+') {
        r->at++;
        if (!read_i64(r, "an offset in bytes", &t->offset))
            return false;
    }
    if (peek(r) == ':') {
        for (int i = 1; i < 4; i++) {
            if (!read_char(r, i == 1 ? ':' : ',', "',' and the next of three strides"))
                return false;
            if (!read_i64(r, "a stride in bytes", &t->nb[i]))
                return false;
        }
    }
    return true;
}

static bool read_float(struct reader *r, float *value)
{
    size_t used = attn_float_parse(r->text + r->at, r->len - r->at, value);
    if (used == 0)
        return fail_expected(r, "a number");
    r->at += used;
    return true;
}

static bool read_prec(struct reader *r, uint8_t *prec)
{
    const size_t first = r->at;
    while (is_word(peek(r)))
        r->at++;
    if (r->at == first)
        return fail_expected(r, "default or f32");
    const int which = choose(r, first, "prec", prec_name);
    *prec = (uint8_t)(which + 1);
    return which >= 0;
}

static bool read_n_kv_max(struct reader *r, int32_t *value)
{
    const size_t first = r->at;
    int64_t n;
    if (!read_i64(r, "a number of keys", &n))
        return false;
    if (n < 0 || n > INT32_MAX)
        return fail_at(r, first, "n_kv_max is from 0 to 2147483647");
    *value = (int32_t)n;
    return true;
}

/* KEY=VALUE, or `sinks` alone (*bare). The key's bit in *seen says that it has been there. */
static bool read_word(struct reader *r, struct attn_problem *p, uint32_t *seen, bool *bare_sinks)
{
    size_t first = r->at;
    while (is_word(peek(r)))
        r->at++;
    if (r->at == first)
        return fail_expected(r, "a key, as in q=f32[128,1,32,1]");
    int key = choose(r, first, "key", key_name);
    if (key < 0)
        return false;
    if (*seen >> key & 1)
        return fail_at(r, first, "this key was given before");
    *seen |= 1u << key;
    if (key == ATTN_SINKS && peek(r) != '=') {
        *bare_sinks = true;
        return true;
    }
    if (!read_char(r, '=', "'=' and a value"))
        return false;
    switch (key) {
    case KEY_SCALE: return read_float(r, &p->scale);
    case KEY_SOFTCAP: return read_float(r, &p->softcap);
    case KEY_MAX_BIAS: return read_float(r, &p->max_bias);
    case KEY_HEADS:
        return read_i64(r, "the first head, as in heads=0/128", &p->head_first) &&
               read_char(r, '/', "'/' and the total of heads") && read_i64(r, "the total of heads", &p->head_total);
    case KEY_PREC: return read_prec(r, &p->prec);
    case KEY_N_KV_MAX: return read_n_kv_max(r, &p->n_kv_max);
    case KEY_FURTHER: return read_tensor(r, &p->further);
    default: return read_tensor(r, &p->t[key]);
    }
}

/* Where the problem's part of a text ends. */
static size_t problem_end(const char *text, size_t len)
{
    size_t end = 0;
    while (end < len && text[end] != '|' && text[end] != '\n')
        end++;
    return end;
}

bool attn_problem_parse(const char *text, size_t len, struct attn_problem *p, size_t *used,
                        struct attn_text_error *error)
{
    return attn_problem_parse_types(text, len, NULL, p, used, error);
}

bool attn_problem_parse_types(const char *text, size_t len, const struct attn_foreign_types *types,
                              struct attn_problem *p, size_t *used, struct attn_text_error *error)
{
    struct reader r = { text, problem_end(text, len), 0, error, types };
    size_t end = r.len;
    bool line_end = end == len || text[end] == '\n';
    if (line_end && r.len > 0 && text[r.len - 1] == '\r')
        r.len--;

    memset(p, 0, sizeof *p);
    p->scale = 1.0f;
    uint32_t seen = 0;
    bool bare_sinks = false;
    skip_blanks(&r);
    size_t first = r.at;
    while (is_word(peek(&r)))
        r.at++;
    if (r.at - first != 3 || memcmp(text + first, "fa1", 3) != 0)
        return fail_at(&r, first,
                       r.at - first == 3 && memcmp(text + first, "fa", 2) == 0
                           ? "unknown version, this reads fa1"
                           : "expected fa1, which starts every problem");
    for (;;) {
        size_t gap = r.at;
        skip_blanks(&r);
        if (r.at == r.len)
            break;
        if (r.at == gap)
            return fail_expected(&r, "a blank after this");
        if (!read_word(&r, p, &seen, &bare_sinks))
            return false;
    }
    if (!(seen >> ATTN_Q & 1))
        return fail_at(&r, r.len, "q is missing");
    if (!(seen >> ATTN_K & 1))
        return fail_at(&r, r.len, "k is missing");
    if (!(seen >> ATTN_V & 1))
        return fail_at(&r, r.len, "v is missing");
    if (bare_sinks)
        sinks_default(p, &p->t[ATTN_SINKS]);
    if (!(seen >> ATTN_DST & 1))
        dst_default(p, &p->t[ATTN_DST]);
    if (!(seen >> KEY_HEADS & 1))
        p->head_total = attn_n_head(p);
    if (used)
        *used = end;
    return true;
}
