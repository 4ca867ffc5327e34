/* shapes.c: calls whose tensors stand with their extents, whatever a fork puts around them. What is read are names of
 * tensors (Q, K, V, mask, sinks, dst; src0 to src4 of an attention node) and behind each a list of extents, of strides,
 * and a type. Forms seen:
 *
 *   ggml_cuda_flash_attn_ext: Q = 512 x 2048 x 64 x 1. K = 512 x 2304 x 1 x 1 V = ... mask = ...   (ik_llama.cpp)
 *   ggml_sycl MKL path: Q ne=[128,1,32,1] nb=[4,16384,512,16384] type=0, then lines for K, V       (a SYCL fork)
 *   [SYCL][OP] call ggml_sycl_flash_attn_ext: dst='x':type=f32;ne=[..];nb=[..] src0=...            (ggml-sycl)
 *   ggml_vk_flash_attn((0x.., name=.., type=0, ne0=.., ne1=.., .., nb3=..), (..), ..))             (ggml-vulkan)
 *   node_24 = (f32) FLASH_ATTN_EXT(Qcur-0{128, 6, 28, 1}, cache_k_l0{..}}) = {128, 28, 6, 1} (llama-eval-callback)
 *   flash_attn: q[n0=128,n1=1,..,nb1=..,type=0] k[..] v[..] dst[..] mask=0x0                       (ggml-hexagon)
 *   node[ 12] - FLASH_ATTN_EXT, then lines for src0 - f32 [128, 1, 32, 1] [4, ..], 1, Qcur         (ggml-metal)
 *   Kshape=[..] Knb=[..] type_K=f16
 *
 * What a line does not say is taken as llama.cpp has it, and said to be so: Q, K and V are views of [D, heads, tokens],
 * V is as K, there is a mask of n_kv x n_q, the scale is 1/sqrt(D_K).
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/import/format.h"
#include "planner/arith.h"

enum list_kind { EXTENTS, STRIDES, TYPE };

struct scan {
    const char *s;
    size_t len, i;
    struct import_shapes *out;
    const struct attn_foreign_types *types; /* of the subject; may be NULL */
    int current;                            /* operand that lists are of; -1: none */
    enum list_kind kind;                    /* what its next list is */
    bool attention;                         /* the line names attention */
    int group;                              /* of operands without names: how many there were; -1: they have names */
    bool braces;                            /* groups are {..}, else (0x..) */
};

/* ---- Words ----------------------------------------------------------------------------------------------- */

static int operand_of(const char *word, size_t len, bool attention)
{
    static const struct {
        const char *name;
        int operand;
    } names[] = {
        { "Q", ATTN_Q },         { "K", ATTN_K },       { "V", ATTN_V },          { "q", ATTN_Q },
        { "k", ATTN_K },         { "v", ATTN_V },       { "query", ATTN_Q },      { "key", ATTN_K },
        { "value", ATTN_V },     { "mask", ATTN_MASK }, { "KQ_mask", ATTN_MASK }, { "kq_mask", ATTN_MASK },
        { "sinks", ATTN_SINKS }, { "dst", ATTN_DST },   { "KQV", ATTN_DST },      { "src0", ATTN_Q },
        { "src1", ATTN_K },      { "src2", ATTN_V },    { "src3", ATTN_MASK },    { "src4", ATTN_SINKS },
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i].name) == len && !memcmp(names[i].name, word, len))
            return len == 4 && !memcmp(word, "src", 3) && !attention ? -1 : names[i].operand;
    return -1;
}

/* Kshape, q_ne, Vnb, mask_nb, type_K: an operand and what of it follows. False when the word is none of these. */
static bool compound(const char *word, size_t len, int *operand, enum list_kind *kind)
{
    static const struct {
        const char *name;
        enum list_kind kind;
    } parts[] = { { "shape", EXTENTS },  { "ne", EXTENTS },      { "dims", EXTENTS }, { "nb", STRIDES },
                  { "stride", STRIDES }, { "strides", STRIDES }, { "type", TYPE } };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        size_t n = strlen(parts[i].name);
        if (len <= n)
            continue;
        size_t rest = len - n;
        *kind = parts[i].kind;
        if (!memcmp(word + rest, parts[i].name, n)) {
            *operand = operand_of(word, word[rest - 1] == '_' ? rest - 1 : rest, false);
            if (*operand >= 0)
                return true;
        }
        if (!memcmp(word, parts[i].name, n) && word[n] == '_') {
            *operand = operand_of(word + n + 1, rest - 1, false);
            if (*operand >= 0)
                return true;
        }
    }
    return false;
}

static bool word_is(const char *word, size_t len, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) == len && !strncasecmp(*words, word, len))
            return true;
    return false;
}

static size_t past_blanks(const struct scan *c, size_t i)
{
    while (i < c->len && (c->s[i] == ' ' || c->s[i] == '\t'))
        i++;
    return i;
}

static char before(const struct scan *c, size_t at)
{
    while (at && c->s[at - 1] == ' ')
        at--;
    return at ? c->s[at - 1] : 0;
}

/* NULL: a type that does not exist here. */
static void set_type(struct scan *c, const struct attn_tensor *as, const char *name, size_t len)
{
    if (c->current < 0 || c->out->has_type[c->current])
        return;
    c->out->has_type[c->current] = true;
    if (as)
        c->out->as[c->current] = *as;
    else
        snprintf(c->out->type_name, sizeof c->out->type_name, "%.*s", (int)len, name);
}

static void assign(struct scan *c, const int64_t *values, int n)
{
    struct import_shapes *out = c->out;
    int op = c->current;
    bool *has = op < 0 ? NULL : c->kind == STRIDES ? &out->has_nb[op] : &out->has_ne[op];
    enum list_kind kind = c->kind;
    c->kind = EXTENTS;
    if (has && *has && kind == EXTENTS && c->s[c->i] == '[' && n == 4 && before(c, c->i) == ']') {
        kind = STRIDES; /* [extents] [strides] */
        has = &out->has_nb[op];
    }
    if (!has || *has || n < 2 || kind == TYPE || (kind == STRIDES && n < 4))
        return;
    *has = true;
    for (int i = 0; i < 4; i++)
        (kind == STRIDES ? out->nb : out->ne)[op][i] = i < n ? values[i] : 1;
}

/* ---- Numbers and lists ----------------------------------------------------------------------------------- */

static bool number(const struct scan *c, size_t *at, int64_t *value)
{
    size_t i = *at;
    *value = 0;
    for (; i < c->len && c->s[i] >= '0' && c->s[i] <= '9'; i++)
        if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, c->s[i] - '0', value))
            return false;
    bool some = i > *at;
    *at = i;
    return some;
}

/* N x N x N: how many, and *end behind the last. */
static int crossed(const struct scan *c, int64_t values[4], size_t *end)
{
    size_t i = c->i;
    int n = 0;
    while (n < 4 && number(c, &i, &values[n])) {
        n++;
        *end = i;
        i = past_blanks(c, i);
        if (i == c->len || (c->s[i] != 'x' && c->s[i] != '*'))
            break;
        i = past_blanks(c, i + 1);
    }
    return n;
}

/* [N, N, N] in brackets of any kind: how many, and *end behind the bracket; 0 when it is no such list. */
static int bracketed(const struct scan *c, int64_t values[4], size_t *end)
{
    char close = c->s[c->i] == '[' ? ']' : c->s[c->i] == '{' ? '}' : ')';
    size_t i = past_blanks(c, c->i + 1);
    int n = 0;
    while (n < 4 && number(c, &i, &values[n])) {
        n++;
        i = past_blanks(c, i);
        if (i < c->len && (c->s[i] == ',' || c->s[i] == 'x'))
            i = past_blanks(c, i + 1);
    }
    *end = i + 1;
    return i < c->len && c->s[i] == close ? n : 0;
}

static void take_number(struct scan *c)
{
    int64_t values[4];
    size_t end = c->i + 1;
    if (c->s[c->i] == '0' && c->i + 1 < c->len && (c->s[c->i + 1] | 0x20) == 'x') { /* an address */
        size_t i = c->i + 2;
        bool zero = true;
        for (; i < c->len && import_is_word(c->s[i]); i++)
            zero &= c->s[i] == '0';
        c->out->no_mask |= zero && c->current == ATTN_MASK;
        if (c->group >= 0 && !c->braces && before(c, c->i) == '(') {
            static const int order[] = { ATTN_Q, ATTN_K, ATTN_V, ATTN_DST, ATTN_SINKS };
            c->current = c->group < 5 ? order[c->group] : -1;
            c->group++;
        }
        c->i = i;
        return;
    }
    int n = crossed(c, values, &end);
    if (n == 1 && c->kind == TYPE) {
        struct attn_tensor as;
        const bool known = import_type_number(values[0], c->types, &as);
        set_type(c, known ? &as : NULL, c->s + c->i, end - c->i);
        c->kind = EXTENTS;
    } else if (n > 1) {
        assign(c, values, n);
    }
    c->i = end;
    while (c->i < c->len && import_is_word(c->s[c->i]))
        c->i++;
}

static void take_bracket(struct scan *c)
{
    int64_t values[4];
    size_t end;
    int n = bracketed(c, values, &end);
    if (n > 1 && c->braces && c->s[c->i] == '{') {
        c->current = before(c, c->i) == '=' ? ATTN_DST : c->group == 0 ? ATTN_Q : c->group == 1 ? ATTN_K : -1;
        c->group++;
        c->kind = EXTENTS;
    }
    if (n > 1)
        assign(c, values, n);
    c->i = n ? end : c->i + 1;
}

/* ---- A line ---------------------------------------------------------------------------------------------- */

/* ne0=5, n0=5, nb0=5: true when the word is one of these. */
static bool take_component(struct scan *c, const char *word, size_t n)
{
    bool stride = n == 3 && !memcmp(word, "nb", 2),
         extent = (n == 3 && !memcmp(word, "ne", 2)) || (n == 2 && *word == 'n');
    int d = word[n - 1] - '0';
    if ((!stride && !extent) || d < 0 || d > 3)
        return false;
    size_t i = past_blanks(c, c->i);
    int64_t value;
    if (i == c->len || c->s[i] != '=' || c->current < 0)
        return true;
    i = past_blanks(c, i + 1);
    if (!number(c, &i, &value))
        return true;
    int64_t (*to)[4] = stride ? c->out->nb : c->out->ne;
    bool *has = stride ? &c->out->has_nb[c->current] : &c->out->has_ne[c->current];
    to[c->current][d] = value;
    *has |= d == 3;
    c->i = i;
    return true;
}

static void take_word(struct scan *c)
{
    static const char *const extents[] = { "ne", "shape", "dims", "dim", "size", "extents", NULL };
    static const char *const strides[] = { "nb", "strides", "stride", NULL };
    static const char *const types[] = { "type", "dtype", NULL };
    static const char *const nothing[] = { "null", "nullptr", "none", "nil", NULL };
    static const char *const torch[] = { "torch", NULL };
    size_t at = c->i;
    while (c->i < c->len && import_is_word(c->s[c->i]))
        c->i++;
    const char *word = c->s + at;
    size_t n = c->i - at;
    enum list_kind kind = EXTENTS;
    int operand = operand_of(word, n, c->attention);
    if (operand < 0 && !compound(word, n, &operand, &kind))
        operand = -1;
    char sign = before(c, at), after = c->i < c->len ? c->s[c->i] : 0;
    if (operand >= 0 && sign != '=') {
        c->current = operand;
        c->kind = kind;
    } else if (word_is(word, n, nothing)) {
        c->out->no_mask |= c->current == ATTN_MASK;
    } else if (word_is(word, n, torch)) {
        c->out->torch = true;
    } else if (word_is(word, n, extents)) {
        c->kind = EXTENTS;
    } else if (word_is(word, n, strides)) {
        c->kind = STRIDES;
    } else if (word_is(word, n, types)) {
        c->kind = TYPE;
    } else if (n == 4 && !memcmp(word, "name", 4) && after == '=') {
        while (c->i < c->len && c->s[c->i] != ',')
            c->i++;
    } else if (!take_component(c, word, n) && c->current >= 0) {
        struct import_field field = { .value = word, .value_len = n };
        struct import_found found = { .types = c->types };
        struct attn_tensor as;
        const bool known = import_type_of(&field, &found, &as);
        size_t next = past_blanks(c, c->i);
        bool named = c->kind == TYPE && (sign == '=' || sign == ':');
        after = next < c->len ? c->s[next] : 0;
        if (named || (known && (c->kind == TYPE || after == '[' || (sign && strchr("=:([", sign))))) {
            set_type(c, known ? &as : NULL, word, n);
            c->kind = EXTENTS;
        }
    }
}

/* Does the text name attention? In small or large letters. */
static bool names_attention(const char *text, size_t len)
{
    for (size_t i = 0; i + 4 <= len; i++)
        if (!strncasecmp(text + i, "attn", 4) || !strncasecmp(text + i, "flas", 4) || !strncasecmp(text + i, "FA k", 4))
            return true;
    return false;
}

bool import_shapes_read(const char *text, size_t len, bool attention, const struct attn_foreign_types *types,
                        struct import_shapes *shapes)
{
    memset(shapes, 0, sizeof *shapes);
    struct scan c = { .s = text, .len = len, .out = shapes, .types = types, .current = -1, .group = -1 };
    c.attention = attention || names_attention(text, len);
    c.braces = import_mark(text, len, "FLASH_ATTN_EXT(") != NULL;
    if (c.braces || import_mark(text, len, "flash_attn(("))
        c.group = 0;
    while (c.i < len) {
        char byte = text[c.i];
        if (byte >= '0' && byte <= '9') {
            take_number(&c);
        } else if (import_is_word(byte)) {
            take_word(&c);
        } else if (byte == '[' || byte == '{' || byte == '(') {
            take_bracket(&c);
        } else if (byte == '\'' && c.i && text[c.i - 1] == '=') { /* a tensor's name */
            const char *close = memchr(text + c.i + 1, '\'', len - c.i - 1);
            c.i = close ? (size_t)(close - text) + 1 : c.i + 1;
        } else {
            c.i++;
        }
    }
    for (int op = 0; op < ATTN_OPERAND_COUNT; op++)
        shapes->any |= shapes->has_ne[op] || shapes->has_nb[op]; /* types alone are those of a cache, or of an abort */
    return shapes->any;
}

bool import_shapes_whole(const struct import_shapes *s)
{
    return s->has_ne[ATTN_Q] && s->has_ne[ATTN_K] && s->has_ne[ATTN_V];
}

bool import_shapes_join(struct import_shapes *shapes, const struct import_shapes *more)
{
    for (int op = 0; op < ATTN_OPERAND_COUNT; op++)
        if ((shapes->has_ne[op] && more->has_ne[op]) || (shapes->has_nb[op] && more->has_nb[op]) ||
            (shapes->has_type[op] && more->has_type[op]))
            return false;
    for (int op = 0; op < ATTN_OPERAND_COUNT; op++) {
        if (more->has_ne[op])
            memcpy(shapes->ne[op], more->ne[op], sizeof more->ne[op]);
        if (more->has_nb[op])
            memcpy(shapes->nb[op], more->nb[op], sizeof more->nb[op]);
        if (more->has_type[op])
            shapes->as[op] = more->as[op];
        shapes->has_ne[op] |= more->has_ne[op];
        shapes->has_nb[op] |= more->has_nb[op];
        shapes->has_type[op] |= more->has_type[op];
    }
    if (*more->type_name)
        memcpy(shapes->type_name, more->type_name, sizeof more->type_name);
    shapes->no_mask |= more->no_mask;
    shapes->torch |= more->torch;
    return true;
}

/* ---- A call ---------------------------------------------------------------------------------------------- */

/* A tensor as the text has it; where it says no strides, in the order given. */
static bool set(const struct import_shapes *s, int op, const struct attn_tensor *as, const int64_t ne[4],
                const int *order, struct attn_problem *p)
{
    if (!import_tensor_as(&p->t[op], as, ne, order))
        return false;
    if (s->has_nb[op])
        memcpy(p->t[op].nb, s->nb[op], sizeof s->nb[op]);
    return true;
}

static bool build(const struct import_shapes *s, struct import_found *found)
{
    static const int view[4] = { 0, 2, 1, 3 };
    static const struct attn_tensor f32 = { .type = ATTN_F32 }, f16 = { .type = ATTN_F16 };
    struct attn_problem *p = &found->problem;
    const int64_t *q = s->ne[ATTN_Q], *k = s->ne[ATTN_K];
    const int64_t d_v = s->has_ne[ATTN_V] ? s->ne[ATTN_V][0] : s->has_ne[ATTN_DST] ? s->ne[ATTN_DST][0] : k[0];
    const int64_t as_k[4] = { d_v, k[1], k[2], k[3] }, mask[4] = { k[1], q[1], 1, 1 };
    const int64_t dst[4] = { d_v, q[2], q[1], q[3] };
    const struct attn_tensor *type_k = s->has_type[ATTN_K] ? &s->as[ATTN_K] : &f16;
    const struct attn_tensor *type_v = s->has_type[ATTN_V] ? &s->as[ATTN_V] : s->has_ne[ATTN_V] ? &f16 : type_k;
    bool given_mask = !s->has_ne[ATTN_MASK] && !s->no_mask;
    memset(p, 0, sizeof *p);
    p->scale = 1.0f / sqrtf((float)q[0]);
    p->head_total = q[2];
    found->given = 1u << IMPORT_GIVEN_SCALE | (given_mask ? 1u << IMPORT_GIVEN_MASK : 0) |
                   (s->has_ne[ATTN_V] ? 0u : 1u << IMPORT_GIVEN_V);
    if (!s->has_nb[ATTN_Q] || !s->has_nb[ATTN_K] || (s->has_ne[ATTN_V] && !s->has_nb[ATTN_V]))
        found->given |= 1u << IMPORT_GIVEN_VIEWS;
    if (!s->has_type[ATTN_K] || (s->has_ne[ATTN_V] && !s->has_type[ATTN_V]))
        found->given |= 1u << IMPORT_GIVEN_TYPES;
    bool good = set(s, ATTN_Q, &f32, q, view, p) && set(s, ATTN_K, type_k, k, view, p) &&
                set(s, ATTN_V, type_v, s->has_ne[ATTN_V] ? s->ne[ATTN_V] : as_k, view, p) &&
                set(s, ATTN_DST, &f32, dst, NULL, p);
    if (good && !s->no_mask)
        good = set(s, ATTN_MASK, &f16, given_mask ? mask : s->ne[ATTN_MASK], NULL, p);
    if (good && s->has_ne[ATTN_SINKS])
        good = set(s, ATTN_SINKS, &f32, s->ne[ATTN_SINKS], NULL, p);
    return good;
}

enum import_result import_shapes_finish(const struct import_shapes *s, struct import_found *found)
{
    if (s->torch)
        return import_left(found, "shapes in torch's order, which does not say what each extent is of");
    if (!s->has_ne[ATTN_Q] || !s->has_ne[ATTN_K])
        return IMPORT_OTHER;
    if (*s->type_name) {
        memcpy(found->type, s->type_name, sizeof found->type);
        return IMPORT_TYPE;
    }
    if ((s->has_type[ATTN_Q] && s->as[ATTN_Q].type != ATTN_F32) ||
        (s->has_type[ATTN_MASK] && s->as[ATTN_MASK].type != ATTN_F16))
        return import_left(found, "Q is not f32, or the mask is not f16");
    if (build(s, found))
        return IMPORT_FOUND;
    found->column = 1;
    snprintf(found->why, sizeof found->why, "an extent is 0 or the call is too large");
    return IMPORT_BAD;
}
