/* out.c: a bounded text builder with snprintf's contract: it always counts the whole text, writes what fits
 * and terminates. Not snprintf itself, because what that writes depends on the locale.
 * Part of planner.c.
 *
 * SPDX-License-Identifier: MIT */

struct text {
    char *out;
    size_t cap; /* bytes of out, the terminator included; out is not touched when 0 */
    size_t len; /* of the whole text so far, whether it fitted or not */
};

static void text_char(struct text *t, char c)
{
    if (t->len < t->cap && t->cap - t->len > 1)
        t->out[t->len] = c;
    t->len++;
}

/* Terminates the text and gives its whole length. */
static size_t text_end(struct text *t)
{
    if (t->cap > 0)
        t->out[t->len < t->cap ? t->len : t->cap - 1] = '\0';
    return t->len;
}

static void text_put(struct text *t, const char *s)
{
    while (*s)
        text_char(t, *s++);
}

static void text_u64(struct text *t, uint64_t value)
{
    char digits[20]; /* 2^64 - 1 has 20 digits */
    int n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (n)
        text_char(t, digits[--n]);
}

static void text_i64(struct text *t, int64_t value)
{
    if (value < 0)
        text_char(t, '-');
    text_u64(t, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

static void text_hex_byte(struct text *t, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    text_char(t, digits[byte >> 4]);
    text_char(t, digits[byte & 15]);
}

/* n values in a row, separated by commas. */
static void text_u32s(struct text *t, const uint32_t *values, int n)
{
    for (int i = 0; i < n; i++) {
        if (i)
            text_char(t, ',');
        text_u64(t, values[i]);
    }
}

/* The name of an element type, its number when it is outside the table. */
static void text_type(struct text *t, int64_t type)
{
    const struct attn_type_info *info = type >= 0 && type < ATTN_TYPE_COUNT ? attn_type_info((int)type) : NULL;
    if (info)
        text_put(t, info->name);
    else
        text_i64(t, type);
}
