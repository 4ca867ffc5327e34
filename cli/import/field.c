/* field.c: key=value lists as other people's logs have them.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli/import/field.h"
#include "planner/arith.h"

bool import_field_next(const char *text, size_t len, size_t *at, const char *ends, struct import_field *field)
{
    size_t i = *at;
    while (i < len && text[i] && strchr(ends, text[i]))
        i++;
    *at = i;
    size_t key = i;
    while (i < len && text[i] != '=' && !(text[i] && strchr(ends, text[i])))
        i++;
    if (i == len || text[i] != '=' || i == key)
        return false;
    field->key = text + key;
    field->key_len = i - key;
    field->value = text + ++i;
    bool inside = false;
    for (; i < len && (inside || !(text[i] && strchr(ends, text[i]))); i++)
        inside = text[i] == '[' || (inside && text[i] != ']');
    field->value_len = (size_t)(text + i - field->value);
    *at = i < len ? i + 1 : i;
    return true;
}

bool import_key_is(const struct import_field *field, const char *key)
{
    return strlen(key) == field->key_len && !memcmp(key, field->key, field->key_len);
}

/* Reads digits from *s up to end. */
static bool read_integer(const char **s, const char *end, int64_t *value)
{
    const char *start = *s;
    *value = 0;
    for (; *s < end && **s >= '0' && **s <= '9'; ++*s)
        if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, **s - '0', value))
            return false;
    return *s > start;
}

bool import_integer(const struct import_field *field, int64_t *value)
{
    const char *s = field->value, *end = s + field->value_len;
    return read_integer(&s, end, value) && s == end;
}

bool import_list(const struct import_field *field, int n, int64_t *values)
{
    const char *s = field->value, *end = s + field->value_len;
    for (int i = 0; i < n; i++) {
        if (s == end || *s++ != (i ? ',' : '['))
            return false;
        if (!read_integer(&s, end, &values[i]))
            return false;
    }
    return s + 1 == end && *s == ']';
}

bool import_float(const struct import_field *field, float *value)
{
    return field->value_len && attn_float_parse(field->value, field->value_len, value) == field->value_len;
}

int import_type(const struct import_field *field, struct import_found *found)
{
    for (int type = 0; type < ATTN_TYPE_COUNT; type++) {
        const char *name = attn_type_info(type)->name;
        if (strlen(name) == field->value_len && !memcmp(name, field->value, field->value_len))
            return type;
    }
    size_t n = field->value_len < sizeof found->type - 1 ? field->value_len : sizeof found->type - 1;
    memcpy(found->type, field->value, n);
    found->type[n] = 0;
    return -1;
}

enum import_result import_bad(struct import_found *found, const char *text, const char *place, const char *why)
{
    found->column = (size_t)(place - text) + 1;
    snprintf(found->why, sizeof found->why, "%s", why);
    return IMPORT_BAD;
}

const char *import_mark(const char *text, size_t len, const char *mark)
{
    size_t n = strlen(mark);
    for (size_t i = 0; i + n <= len; i++)
        if (!memcmp(text + i, mark, n))
            return text + i;
    return NULL;
}

bool import_product(int64_t a, int64_t b, int64_t *product)
{
    return attn_mul(a, b, product) && *product <= INT64_C(1) << 62;
}
