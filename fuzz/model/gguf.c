/* gguf.c: reads the metadata of GGUF files. See gguf.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/model/gguf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Types of values (docs/gguf.md, gguf_metadata_value_type). X(NAME, number, bytes: 0 where the value says it) */
#define VALUE_TYPES(X) \
    X(U8, 0, 1)        \
    X(I8, 1, 1)        \
    X(U16, 2, 2)       \
    X(I16, 3, 2)       \
    X(U32, 4, 4)       \
    X(I32, 5, 4)       \
    X(F32, 6, 4)       \
    X(BOOL, 7, 1)      \
    X(STRING, 8, 0)    \
    X(ARRAY, 9, 0)     \
    X(U64, 10, 8)      \
    X(I64, 11, 8)      \
    X(F64, 12, 8)

enum value_type {
#define X(NAME, number, bytes) NAME = number,
    VALUE_TYPES(X)
#undef X
};

/* A key is at most 2^16 - 1 bytes long; the rest are far beyond any model there is. */
enum { BUFFER_BYTES = 8192, KEY_BYTES_MAX = 65535, DIMENSIONS_MAX = 8 };
static const uint64_t string_bytes_max = UINT64_C(1) << 30, array_max = UINT64_C(1) << 32;

struct reader {
    attn_gguf_source *source;
    void *context;
    struct attn_gguf *gguf;
    struct attn_gguf_error *error;
    bool failed, ended; /* ended: the file did */
    bool swap;          /* it is of the other byte order */
    uint64_t at;        /* bytes taken */
    size_t next, end;   /* unread part of the buffer */
    unsigned char buffer[BUFFER_BYTES];
};

/* ---- Bytes ----------------------------------------------------------------------------------------------- */

static bool fail(struct reader *r, uint64_t at, const char *text)
{
    if (!r->failed) {
        r->failed = true;
        r->error->at = at;
        snprintf(r->error->text, sizeof r->error->text, "%s", text);
    }
    return false;
}

/* Takes n bytes; to == NULL: reads past them. False at the end of the file. */
static bool take(struct reader *r, void *to, uint64_t n)
{
    unsigned char *out = to;
    const uint64_t begin = r->at;
    while (n) {
        if (r->next == r->end) {
            r->next = 0;
            r->end = r->failed ? 0 : r->source(r->context, r->buffer, sizeof r->buffer);
            r->ended |= r->end == 0 && !r->failed;
            if (r->end == 0)
                return fail(r, begin, "the file ends inside its metadata");
        }
        size_t some = r->end - r->next;
        some = n < some ? (size_t)n : some;
        if (out) {
            memcpy(out, r->buffer + r->next, some);
            out += some;
        }
        r->next += some;
        r->at += some;
        n -= some;
    }
    return true;
}

/* A number of so many bytes; 0 when it failed. */
static uint64_t number(struct reader *r, int bytes)
{
    unsigned char raw[8] = { 0 };
    uint64_t value = 0;
    if (!take(r, raw, (uint64_t)bytes))
        return 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint64_t)raw[r->swap ? bytes - 1 - i : i] << (8 * i);
    return value;
}

/* A string: its first cap - 1 bytes, what is not printable as '?'. Returns its whole length; false in r->failed. */
static uint64_t string(struct reader *r, char *to, size_t cap, uint64_t most, const char *what)
{
    char text[96];
    uint64_t at = r->at, n = number(r, 8);
    if (to)
        to[0] = 0;
    if (n > most) {
        snprintf(text, sizeof text, "%s of %" PRIu64 " bytes", what, n);
        fail(r, at, text);
    }
    if (r->failed)
        return 0;
    size_t kept = to ? n < cap ? (size_t)n : cap - 1 : 0;
    if (!take(r, to, kept) || !take(r, NULL, n - kept)) {
        if (to)
            to[0] = 0;
        return 0;
    }
    if (to) {
        to[kept] = 0;
        for (size_t i = 0; i < kept; i++)
            if ((unsigned char)to[i] < 0x20 || (unsigned char)to[i] >= 0x7f)
                to[i] = '?';
    }
    return n;
}

/* ---- Values ---------------------------------------------------------------------------------------------- */

/* Bytes of a value of that type; 0: it says so itself; -1: there is no such type. */
static int bytes_of(uint64_t type)
{
    switch (type) {
#define X(NAME, number, bytes) \
    case NAME: return bytes;
        VALUE_TYPES(X)
#undef X
    default: return -1;
    }
}

static bool skip(struct reader *r, uint64_t type)
{
    char text[64];
    int bytes = bytes_of(type);
    if (bytes > 0)
        return take(r, NULL, (uint64_t)bytes);
    if (type == STRING) {
        string(r, NULL, 0, string_bytes_max, "a string");
        return !r->failed;
    }
    uint64_t at = r->at, of = number(r, 4), n = number(r, 8);
    if (r->failed)
        return false;
    if (of == ARRAY || bytes_of(of) < 0 || n > array_max) {
        snprintf(text, sizeof text, "an array of %" PRIu64 " values of type %" PRIu64, n, of);
        return fail(r, at, text);
    }
    if (of != STRING)
        return take(r, NULL, n * (uint64_t)bytes_of(of));
    for (uint64_t i = 0; i < n && !r->failed; i++)
        string(r, NULL, 0, string_bytes_max, "a string");
    return !r->failed;
}

static bool wrong(struct reader *r, uint64_t at, enum attn_gguf_field field, const char *what)
{
    char text[128];
    snprintf(text, sizeof text, "%s %s", attn_gguf_key(field), what);
    return fail(r, at, text);
}

/* A number of any type but text, as it stands in the file. */
static bool scalar(struct reader *r, uint64_t type, enum attn_gguf_field field, double *value)
{
    uint64_t at = r->at, raw;
    int bytes = bytes_of(type);
    if (bytes <= 0)
        return wrong(r, at, field, "is no number");
    raw = number(r, bytes);
    switch (type) {
    case I8: *value = (int8_t)raw; break;
    case I16: *value = (int16_t)raw; break;
    case I32: *value = (int32_t)raw; break;
    case I64: *value = (double)(int64_t)raw; break;
    case F32: {
        uint32_t bits = (uint32_t)raw;
        float single;
        memcpy(&single, &bits, sizeof single);
        *value = (double)single;
        break;
    }
    case F64: memcpy(value, &raw, sizeof raw); break;
    default: *value = (double)raw;
    }
    return !r->failed;
}

static bool is_real(enum attn_gguf_field field)
{
    enum { WHOLE, REAL };
    static const bool real[] = {
#define X(NAME, key, kind) kind == REAL,
        ATTN_GGUF_FIELDS(X)
#undef X
    };
    return real[field];
}

/* One number of a field. */
static bool element(struct reader *r, uint64_t type, enum attn_gguf_field field, int32_t i)
{
    struct attn_gguf_value *v = &r->gguf->value[field];
    uint64_t at = r->at;
    double value;
    if (!scalar(r, type, field, &value))
        return false;
    if (is_real(field)) {
        if (!(value >= 0 && value <= 1e30)) /* NaN too */
            return wrong(r, at, field, "is no number from 0 to 1e30");
        v->real = (float)value;
        return true;
    }
    if (!(value >= 0 && value <= INT32_MAX) || type == F32 || type == F64)
        return wrong(r, at, field, "is no whole number from 0 to 2^31 - 1");
    v->whole[i] = (int32_t)value;
    return true;
}

static bool read_field(struct reader *r, uint64_t type, enum attn_gguf_field field)
{
    struct attn_gguf_value *v = &r->gguf->value[field];
    uint64_t at = r->at;
    if (v->n)
        return wrong(r, at, field, "is there twice");
    if (type != ARRAY) {
        v->n = 1;
        return element(r, type, field, 0);
    }
    uint64_t of = number(r, 4), n = number(r, 8);
    if (r->failed)
        return false;
    if (n == 0 || n > ATTN_GGUF_LAYERS_MAX || is_real(field))
        return wrong(r, at, field, "has no or more than 1024 values, or more than the one it may have");
    v->n = (int32_t)n;
    v->array = true;
    for (int32_t i = 0; i < v->n; i++)
        if (!element(r, of, field, i))
            return false;
    return true;
}

/* ---- Keys and tensors ------------------------------------------------------------------------------------ */

const char *attn_gguf_key(enum attn_gguf_field field)
{
    static const char *const keys[] = {
#define X(NAME, key, kind) key,
        ATTN_GGUF_FIELDS(X)
#undef X
    };
    return keys[field];
}

/* The field that a key is of: behind the architecture's name. -1: none. */
static int field_of(const struct attn_gguf *gguf, const char *key)
{
    size_t n = strlen(gguf->architecture);
    if (n == 0 || strncmp(key, gguf->architecture, n) || key[n] != '.')
        return -1;
    for (int i = 0; i < ATTN_GGUF_FIELD_COUNT; i++)
        if (!strcmp(key + n + 1, attn_gguf_key(i)))
            return i;
    return -1;
}

/* Does the key look like one of a field of some architecture? */
static bool is_of_a_model(const char *key)
{
    const char *dot = strchr(key, '.');
    for (int i = 0; dot && i < ATTN_GGUF_FIELD_COUNT; i++)
        if (!strcmp(dot + 1, attn_gguf_key(i)))
            return true;
    return false;
}

static bool read_key(struct reader *r)
{
    char key[192], text[96];
    struct attn_gguf *gguf = r->gguf;
    uint64_t at = r->at;
    string(r, key, sizeof key, KEY_BYTES_MAX, "a key");
    uint64_t type = number(r, 4);
    if (r->failed)
        return false;
    if (bytes_of(type) < 0) {
        snprintf(text, sizeof text, "the value of key number %" PRIu64 " has type %" PRIu64, gguf->keys + 1, type);
        return fail(r, at, text);
    }
    if (type == STRING && !strcmp(key, "general.architecture")) {
        if (gguf->architecture[0])
            return fail(r, at, "general.architecture is there twice");
        string(r, gguf->architecture, sizeof gguf->architecture, sizeof gguf->architecture - 1,
               "an architecture's name");
        return !r->failed && (gguf->architecture[0] || fail(r, at, "general.architecture is empty"));
    }
    if (type == STRING && !strcmp(key, "general.name")) {
        string(r, gguf->name, sizeof gguf->name, string_bytes_max, "a name");
        return !r->failed;
    }
    if (type == U16 && !strcmp(key, "split.count")) {
        gguf->parts = (int32_t)number(r, 2);
        return !r->failed;
    }
    int field = field_of(gguf, key);
    if (field >= 0)
        return read_field(r, type, field);
    if (!gguf->architecture[0] && is_of_a_model(key))
        return fail(r, at, "general.architecture does not come before the model's keys");
    return skip(r, type);
}

/* blk.N.attn_sinks.weight, or without .weight */
static void note_tensor(struct attn_gguf *gguf, const char *name)
{
    int layer, used = 0;
    if (sscanf(name, "blk.%4d.attn_sinks%n", &layer, &used) == 1 && used && layer >= 0 &&
        layer < ATTN_GGUF_LAYERS_MAX && (name[used] == 0 || name[used] == '.'))
        gguf->sinks[layer] = true;
}

static bool read_tensor(struct reader *r)
{
    char name[128];
    uint64_t at = r->at;
    string(r, name, sizeof name, KEY_BYTES_MAX, "a tensor's name");
    uint64_t dimensions = number(r, 4);
    if (!r->failed && dimensions > DIMENSIONS_MAX)
        return fail(r, at, "a tensor with more than 8 dimensions");
    if (r->failed || !take(r, NULL, dimensions * 8 + 4 + 8))
        return false;
    note_tensor(r->gguf, name);
    return true;
}

static bool read_head(struct reader *r)
{
    char magic[4], text[96];
    if (!take(r, magic, sizeof magic) || memcmp(magic, "GGUF", 4)) {
        r->failed = false;
        return fail(r, 0, "no GGUF file: it does not begin with GGUF");
    }
    uint32_t version = (uint32_t)number(r, 4);
    r->swap = version && !(version & 0xffff); /* the versions there are fit in 16 bits */
    version = r->swap ? __builtin_bswap32(version) : version;
    if (!r->failed && version != 2 && version != 3) {
        snprintf(text, sizeof text, "GGUF version %" PRIu32 ": 2 and 3 are read", version);
        return fail(r, 4, text);
    }
    r->gguf->tensors = number(r, 8);
    return !r->failed;
}

bool attn_gguf_read(attn_gguf_source *source, void *context, struct attn_gguf *gguf, struct attn_gguf_error *error)
{
    struct reader r = { .source = source, .context = context, .gguf = gguf, .error = error };
    memset(gguf, 0, sizeof *gguf);
    error->at = 0;
    error->text[0] = 0;
    if (!read_head(&r))
        return false;
    for (uint64_t n = number(&r, 8); gguf->keys < n && !r.failed; gguf->keys++)
        if (!read_key(&r))
            return false;
    if (r.failed)
        return false;
    if (!gguf->architecture[0])
        return fail(&r, r.at, "there is no general.architecture");
    uint64_t tensors = 0;
    while (tensors < gguf->tensors && read_tensor(&r))
        tensors++;
    /* The beginning of a file is enough, as one fetches it of a large one. */
    gguf->cut = r.ended;
    return !r.failed || gguf->cut;
}
