/* ggml.c: case strings of ggml's test-backend-ops as problems.
 *
 *   FLASH_ATTN_EXT(hsk=128,hsv=128,nh=4,nr23=[4,1],kv=512,nb=32,mask=1,sinks=0,max_bias=0.000000,
 *                  logit_softcap=0.000000,prec=f32,type_K=f16,type_V=f16,permute=[0,1,2,3],kv_view=1,v_is_view_of_k=0)
 *
 * What a case builds is read off test_flash_attn_ext in tests/test-backend-ops.cpp (ggml 0.21.0, commit d99724f2), for
 * older forms off the version that printed them:
 *   - head sizes are padded to the blocks of the types, the scale is 1/sqrt of the unpadded one;
 *   - Q, K, V are allocated with their extents permuted, then permuted back: strides show the order;
 *   - kv_view: K and V are the first half of a buffer with twice as many rows. Without the key: since the form that has
 *     `sinks` (2025-07) they always were, before that they never were;
 *   - v_is_view_of_k: V is the first hsv elements of each of K's rows. Without the key: for 576/512 since 2026-01;
 *   - the mask has nb rows; before 2025-12 their number was padded to GGML_KQ_MASK_PAD, 64 (32 before 2025-02);
 *   - prec=f32 is what is taken where a line says none; q_range says what the data are: they are read past.
 * The parameters also stand alone, as the field op_params of its csv and sql output, or with blanks for commas where a
 * web page has eaten them. Keys of forks that are not known here are read past, and said.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "cli/import/format.h"
#include "planner/arith.h"

struct ggml_case {
    int64_t hsk, hsv, nh, nr[2], kv, nb, mask, sinks, kv_view, v_is_view_of_k;
    float max_bias, softcap;
    struct attn_tensor type_k, type_v; /* the type alone */
    int64_t n_kv_max;
    bool prec_default;
    int64_t permute[4];
    bool has_sinks, has_view, has_v_view, has_prec;
};

/* A tensor as create_permuted makes it: extents ne, allocated in the order `permute` gives, then permuted back. */
static bool permuted_tensor(const int64_t permute[4], bool view, struct attn_tensor *t)
{
    struct attn_tensor whole = *t;
    int64_t elements;
    for (int i = 0; i < 4; i++)
        whole.ne[permute[i]] = t->ne[i];
    if (!import_product(whole.ne[1], view ? 2 : 1, &whole.ne[1]) ||
        !import_product(whole.ne[0], whole.ne[1], &elements) || !import_product(elements, whole.ne[2], &elements) ||
        !import_product(elements, whole.ne[3], &elements) ||
        !import_product(elements, attn_tensor_info(t)->block_bytes, &elements))
        return false;
    attn_tensor_contiguous(&whole);
    /* ggml_permute: axis i of the allocated tensor becomes axis permute[i]. */
    int64_t ne[4];
    for (int i = 0; i < 4; i++) {
        ne[permute[i]] = i == 1 && view ? whole.ne[1] / 2 : whole.ne[i];
        t->nb[permute[i]] = whole.nb[i];
    }
    memcpy(t->ne, ne, sizeof ne);
    return true;
}

static bool build(const struct ggml_case *g, struct attn_problem *p)
{
    const int64_t d_k = attn_round_up(g->hsk, attn_tensor_info(&g->type_k)->block_elems);
    const int64_t d_v = attn_round_up(g->hsv, attn_tensor_info(&g->type_v)->block_elems);
    int64_t heads;
    memset(p, 0, sizeof *p);
    if (!import_product(g->nh, g->nr[0], &heads))
        return false;
    struct attn_tensor *q = &p->t[ATTN_Q], *k = &p->t[ATTN_K], *v = &p->t[ATTN_V];
    bool view = g->has_view ? g->kv_view != 0 : g->has_sinks;
    attn_tensor_set(q, ATTN_F32, d_k, g->nb, heads, g->nr[1]);
    attn_tensor_set(k, ATTN_F16, d_k, g->kv, g->nh, g->nr[1]);
    attn_tensor_set(v, ATTN_F16, d_v, g->kv, g->nh, g->nr[1]);
    attn_tensor_retype(k, &g->type_k);
    attn_tensor_retype(v, &g->type_v);
    if (!permuted_tensor(g->permute, false, q) || !permuted_tensor(g->permute, view, k) ||
        !permuted_tensor(g->permute, view, v))
        return false;
    bool mla = g->has_sinks && d_k == 576 && d_v == 512 && g->type_k.type == g->type_v.type;
    bool v_in_k = g->has_v_view ? g->v_is_view_of_k != 0 : mla;
    if (v_in_k) {
        if (g->type_k.type != g->type_v.type || d_v > d_k)
            return false;
        memcpy(v->nb, k->nb, sizeof v->nb);
        k->buffer = v->buffer = 1;
    }
    if (g->mask) {
        int64_t rows = g->has_sinks ? g->nb : attn_round_up(g->nb, g->has_prec ? 64 : 32);
        const int64_t in_order[4] = { 0, 1, 2, 3 };
        attn_tensor_set(&p->t[ATTN_MASK], ATTN_F16, g->kv, rows, 1, g->nr[1]);
        if (!permuted_tensor(in_order, false, &p->t[ATTN_MASK]))
            return false;
    }
    if (g->sinks) {
        attn_tensor_set(&p->t[ATTN_SINKS], ATTN_F32, heads, 1, 1, 1);
    }
    attn_tensor_set(&p->t[ATTN_DST], ATTN_F32, d_v, heads, g->nb, g->nr[1]);
    const int64_t in_order[4] = { 0, 1, 2, 3 };
    if (!permuted_tensor(in_order, false, &p->t[ATTN_DST]))
        return false;
    p->scale = 1.0f / sqrtf((float)g->hsk);
    p->softcap = g->softcap;
    p->max_bias = g->max_bias;
    p->head_total = heads;
    p->prec = g->prec_default ? ATTN_PREC_DEFAULT : ATTN_PREC_UNSAID;
    p->n_kv_max = (int32_t)g->n_kv_max;
    return true;
}

enum outcome { TAKEN, WRONG, UNKNOWN_KEY, UNKNOWN_TYPE };

static enum outcome take_type(const struct import_field *f, struct attn_tensor *type, struct import_found *found)
{
    return import_type_of(f, found, type) ? TAKEN : UNKNOWN_TYPE;
}

static enum outcome take(struct ggml_case *g, const struct import_field *f, struct import_found *found)
{
    static const char *const read_past[] = { "prec", "q_range" };
    const struct {
        const char *key;
        int64_t *to;
    } numbers[] = {
        { "hsk", &g->hsk },
        { "hsv", &g->hsv },
        { "nh", &g->nh },
        { "nr", &g->nr[0] },
        { "kv", &g->kv },
        { "nb", &g->nb },
        { "mask", &g->mask },
        { "sinks", &g->sinks },
        { "kv_view", &g->kv_view },
        { "v_is_view_of_k", &g->v_is_view_of_k },
        { "n_kv_max", &g->n_kv_max },
    };
    g->has_sinks |= import_key_is(f, "sinks");
    g->has_view |= import_key_is(f, "kv_view");
    g->has_v_view |= import_key_is(f, "v_is_view_of_k");
    g->has_prec |= import_key_is(f, "prec");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (import_key_is(f, numbers[i].key))
            return import_integer(f, numbers[i].to) && *numbers[i].to <= INT32_MAX ? TAKEN : WRONG;
    if (import_key_is(f, "prec") && f->value_len >= 3 && !memcmp(f->value, "def", 3)) {
        g->prec_default = true;
        return TAKEN;
    }
    for (size_t i = 0; i < sizeof read_past / sizeof read_past[0]; i++)
        if (import_key_is(f, read_past[i])) {
            import_drop(found, f->key, f->key_len, false);
            return TAKEN;
        }
    if (import_key_is(f, "hs")) {
        bool good = import_integer(f, &g->hsk) && g->hsk <= INT32_MAX;
        g->hsv = g->hsk;
        return good ? TAKEN : WRONG;
    }
    if (import_key_is(f, "nr23"))
        return import_list(f, 2, g->nr) && g->nr[0] <= INT32_MAX && g->nr[1] <= INT32_MAX ? TAKEN : WRONG;
    if (import_key_is(f, "permute")) {
        unsigned seen = 0;
        if (!import_list(f, 4, g->permute))
            return WRONG;
        for (int i = 0; i < 4; i++)
            seen |= g->permute[i] < 4 ? 1u << g->permute[i] : 0;
        return seen == 15 && g->permute[0] == 0 ? TAKEN : WRONG;
    }
    if (import_key_is(f, "max_bias"))
        return import_float(f, &g->max_bias) ? TAKEN : WRONG;
    if (import_key_is(f, "logit_softcap"))
        return import_float(f, &g->softcap) ? TAKEN : WRONG;
    if (import_key_is(f, "type_K"))
        return take_type(f, &g->type_k, found);
    if (import_key_is(f, "type_V"))
        return take_type(f, &g->type_v, found);
    if (import_key_is(f, "type_KV")) {
        enum outcome outcome = take_type(f, &g->type_k, found);
        g->type_v = g->type_k;
        return outcome;
    }
    return UNKNOWN_KEY;
}

/* ---- The case in its line -------------------------------------------------------------------------------- */

/* Where a case's parameters stand: between parentheses, in a field of csv or sql in quotes, or bare up to what is no
 * parameter. */
struct place {
    const char *begin, *end;
    bool whole; /* between parentheses */
    bool bare;
};

enum { SEPARATORS_MAX = 8 };

/* The parameters that `start`, behind the operation's name, goes on with. False when there are none; *open says whether
 * they begin there and have no end. */
static bool find_parameters(const char *start, const char *end, struct place *place, bool *open)
{
    const char *s = start;
    *open = false;
    if (s < end && *s == '(') {
        const char *key = s + 1;
        while (key < end && *key == ' ')
            key++;
        const char *sign = key;
        while (sign < end && (import_is_word(*sign) || *sign == ' '))
            sign++;
        if (sign == key || (sign < end && *sign != '='))
            return false; /* operands of a node, say */
        place->begin = s + 1;
        place->end = memchr(s, ')', (size_t)(end - s));
        place->whole = true;
        place->bare = false;
        *open = !place->end;
        return place->end != NULL;
    }
    while (s < end && s - start < SEPARATORS_MAX && strchr("\"'`,;:| \t", *s))
        s++;
    if (s == start || end - s < 3 || (memcmp(s, "hs=", 3) && (end - s < 4 || memcmp(s, "hsk=", 4))))
        return false;
    const char *quote = strchr("\"'`", s[-1]) ? memchr(s, s[-1], (size_t)(end - s)) : NULL;
    *place = (struct place){ .begin = s, .end = quote ? quote : end, .whole = false, .bare = !quote };
    return true;
}

static enum import_result read_case(const char *text, struct place *place, struct import_found *found)
{
    struct ggml_case g = { .nr = { 1, 1 }, .mask = 1, .permute = { 0, 1, 2, 3 } };
    const char *start = place->begin;
    size_t at = 0, end = (size_t)(place->end - start);
    struct import_field field;
    bool type_missing = false;
    g.type_k = g.type_v = (struct attn_tensor){ .type = ATTN_F16 };
    while (at < end) {
        size_t before = at;
        if (!import_field_next(start, end, &at, ", \t;", &field)) {
            if (at == end)
                break;
            if (!place->bare)
                return import_bad(found, text, start + at, "key=value expected");
            place->end = start + before;
            break;
        }
        switch (take(&g, &field, found)) {
        case TAKEN: break;
        case UNKNOWN_TYPE: type_missing = true; break;
        case WRONG: return import_bad(found, text, field.value, "this value cannot be");
        case UNKNOWN_KEY: import_drop(found, field.key, field.key_len, true); break;
        }
    }
    if (type_missing)
        return IMPORT_TYPE;
    if (!g.hsk || !g.hsv || !g.nh || !g.nr[0] || !g.nr[1] || !g.kv || !g.nb) {
        if (!place->whole)
            return import_left(found, "some of a case's parameters alone");
        return import_bad(found, text, start, "a head size, nh, nr, kv or nb is missing or 0");
    }
    if (!build(&g, &found->problem))
        return import_bad(found, text, start, "such a case cannot be built: it is too large, or V is no part of K");
    return IMPORT_FOUND;
}

static const char mark[] = "FLASH_ATTN_EXT";

bool import_ggml_open(const char *text, size_t len)
{
    const char *last = NULL;
    for (const char *s = text; (s = import_mark(s, (size_t)(text + len - s), mark)); s += sizeof mark - 1)
        last = s;
    return last && last + sizeof mark - 1 < text + len && last[sizeof mark - 1] == '(' &&
           !memchr(last, ')', (size_t)(text + len - last));
}

bool import_ggml_key(const char *text, size_t len)
{
    struct import_found found = { .n_dropped = 0 };
    struct ggml_case g = { .hsk = 0 };
    struct import_field field = { .key = text, .key_len = len, .value = "", .value_len = 0 };
    return take(&g, &field, &found) != UNKNOWN_KEY;
}

enum import_result import_ggml(const char *text, size_t len, size_t *from, struct import_found *found)
{
    const char *end = text + len;
    bool open = false;
    for (const char *s = text + *from; (s = import_mark(s, (size_t)(end - s), mark));) {
        struct place place;
        s += sizeof mark - 1;
        *from = (size_t)(s - text);
        if (find_parameters(s, end, &place, &open)) {
            enum import_result result = read_case(text, &place, found);
            *from = (size_t)(place.end - text);
            return result;
        }
        if (open) {
            *from = len;
            return import_bad(found, text, end, "the case has no closing parenthesis");
        }
    }
    return IMPORT_OTHER;
}
