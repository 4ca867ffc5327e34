/* field.c: key=value lists as other people's logs have them.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <strings.h>

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
    field->key_len = i - key;
    while (i < len && text[i] == ' ')
        i++;
    if (i == len || text[i] != '=' || field->key_len == 0)
        return false;
    field->key = text + key;
    i++;
    while (i < len && text[i] == ' ')
        i++;
    field->value = text + i;
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

static bool is_gap(char c) { return c == ',' || c == ' ' || c == '\t'; }

bool import_list(const struct import_field *field, int n, int64_t *values)
{
    const char *s = field->value, *end = s + field->value_len;
    if (s == end || *s++ != '[')
        return false;
    for (int i = 0; i < n; i++) {
        const char *gap = s;
        while (s < end && is_gap(*s))
            s++;
        if ((i && s == gap) || !read_integer(&s, end, &values[i]))
            return false;
    }
    while (s < end && is_gap(*s))
        s++;
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
        if (strlen(name) == field->value_len && !strncasecmp(name, field->value, field->value_len))
            return type;
    }
    size_t n = field->value_len < sizeof found->type - 1 ? field->value_len : sizeof found->type - 1;
    memcpy(found->type, field->value, n);
    found->type[n] = 0;
    return -1;
}

bool import_type_of(const struct import_field *field, struct import_found *found, struct attn_tensor *as)
{
    const int own = import_type(field, found);
    *as = (struct attn_tensor){ .type = (uint8_t)(own < 0 ? 0 : own) };
    for (int i = 0; own < 0 && found->types && i < found->types->n; i++) {
        const struct attn_foreign_type *t = &found->types->type[i];
        if (strlen(t->info.name) == field->value_len && !strncasecmp(t->info.name, field->value, field->value_len)) {
            *as = (struct attn_tensor){ .type = t->number, .foreign = t };
            return true;
        }
    }
    return own >= 0;
}

bool import_type_number(int64_t number, const struct attn_foreign_types *types, struct attn_tensor *as)
{
    for (int type = 0; type < ATTN_TYPE_COUNT; type++)
        if (attn_type_info(type)->ggml == number) {
            *as = (struct attn_tensor){ .type = (uint8_t)type };
            return true;
        }
    for (int i = 0; types && i < types->n; i++)
        if (types->type[i].info.ggml == number) {
            *as = (struct attn_tensor){ .type = types->type[i].number, .foreign = &types->type[i] };
            return true;
        }
    return false;
}

void import_drop(struct import_found *found, const char *key, size_t len, bool unknown)
{
    char name[IMPORT_NAME_MAX];
    snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), key);
    if (found->n_dropped == IMPORT_DROPPED_MAX)
        return;
    int at = found->n_dropped++;
    if (unknown && at > found->n_unknown)
        memcpy(found->dropped[at], found->dropped[found->n_unknown], sizeof name);
    at = unknown ? found->n_unknown++ : at;
    memcpy(found->dropped[at], name, sizeof name);
}

enum import_result import_left(struct import_found *found, const char *why)
{
    snprintf(found->why, sizeof found->why, "%s", why);
    return IMPORT_LEFT;
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

bool import_tensor(struct attn_tensor *t, int type, const int64_t ne[4], const int order[4])
{
    const struct attn_tensor as = { .type = (uint8_t)type };
    return import_tensor_as(t, &as, ne, order);
}

bool import_tensor_as(struct attn_tensor *t, const struct attn_tensor *as, const int64_t ne[4], const int order[4])
{
    int64_t bytes = attn_tensor_info(as)->block_bytes;
    *t = (struct attn_tensor){ .type = as->type, .foreign = as->foreign, .present = 1 };
    memcpy(t->ne, ne, sizeof t->ne);
    for (int i = 0; i < 4; i++)
        if (ne[i] < 1 || !import_product(bytes, ne[i], &bytes))
            return false;
    attn_tensor_contiguous(t);
    if (!order)
        return true;
    int64_t step = attn_tensor_row_bytes(t);
    for (int i = 1; i < 4; i++) {
        if (ne[order[i]] > 1) /* else it says nothing, and the contiguous one is left out of the line */
            t->nb[order[i]] = step;
        step *= ne[order[i]];
    }
    return true;
}

bool import_is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
