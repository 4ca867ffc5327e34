/* extents.c: calls whose extents stand under names, with '=' or ':' and nothing around them:
 *
 *   attention_ext L_q:576 L_k:77 n_head:20 C:1280 d_head:64 N:1              (stable-diffusion.cpp, ggml_extend.hpp)
 *   [MKL-FA] #1 D=128 DV=128 n_q=32 n_kv=512 n_qh=32 n_kvh=8 batch=1 K=f16 V=f16       (a fork's SYCL backend)
 *   batch_size=2 seqlen_q=1 seqlen_k=4096 num_heads=32 num_heads_k=8 head_size=128              (flash-attention)
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "cli/import/format.h"

enum extent { D_K, D_V, N_Q, N_KV, HEADS, HEADS_KV, SEQUENCES, TYPE_K, TYPE_V, EXTENTS };

static int extent_of(const char *name, size_t len)
{
    static const struct {
        const char *name;
        enum extent extent;
    } names[] = {
        { "d_head", D_K },
        { "head_dim", D_K },
        { "head_size", D_K },
        { "D", D_K },
        { "DK", D_K },
        { "d_k", D_K },
        { "n_embd_head_k", D_K },
        { "DV", D_V },
        { "d_v", D_V },
        { "n_embd_head_v", D_V },
        { "L_q", N_Q },
        { "n_q", N_Q },
        { "n_queries", N_Q },
        { "q_len", N_Q },
        { "seqlen_q", N_Q },
        { "n_tokens", N_Q },
        { "L_k", N_KV },
        { "n_kv", N_KV },
        { "kv_len", N_KV },
        { "seqlen_k", N_KV },
        { "n_head", HEADS },
        { "n_heads", HEADS },
        { "n_qh", HEADS },
        { "num_heads", HEADS },
        { "n_head_q", HEADS },
        { "n_q_heads", HEADS },
        { "n_kvh", HEADS_KV },
        { "n_head_kv", HEADS_KV },
        { "n_kv_head", HEADS_KV },
        { "n_kv_heads", HEADS_KV },
        { "n_heads_kv", HEADS_KV },
        { "num_kv_heads", HEADS_KV },
        { "num_heads_k", HEADS_KV },
        { "N", SEQUENCES },
        { "batch", SEQUENCES },
        { "batch_size", SEQUENCES },
        { "n_seq", SEQUENCES },
        { "n_seqs", SEQUENCES },
        { "K", TYPE_K },
        { "type_K", TYPE_K },
        { "type_k", TYPE_K },
        { "V", TYPE_V },
        { "type_V", TYPE_V },
        { "type_v", TYPE_V },
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i].name) == len && !memcmp(names[i].name, name, len))
            return names[i].extent;
    return -1;
}

struct extents {
    int64_t value[EXTENTS];
    bool has[EXTENTS], type_missing;
    struct attn_tensor as_k, as_v;
};

/* Does a sign follow, so that what stands before it is a name? */
static bool is_name(const char *text, size_t len, size_t i)
{
    while (i < len && text[i] == ' ')
        i++;
    return i < len && (text[i] == '=' || text[i] == ':');
}

/* Takes name=value or name:value from text[*at..); false at the end. Words before a colon have no value where a name
 * follows: "no kernel: L_q:2" says L_q. */
static bool next(const char *text, size_t len, size_t *at, struct import_field *field)
{
    size_t i = *at;
    for (;;) {
        while (i < len && !import_is_word(text[i]))
            i++;
        size_t key = i;
        while (i < len && import_is_word(text[i]))
            i++;
        field->key = text + key;
        field->key_len = i - key;
        if (key == len)
            return false;
        while (i < len && text[i] == ' ')
            i++;
        if (i == len || (text[i] != '=' && text[i] != ':'))
            continue;
        i++;
        while (i < len && text[i] == ' ')
            i++;
        size_t value = i;
        while (i < len && import_is_word(text[i]))
            i++;
        field->value = text + value;
        field->value_len = i - value;
        if (is_name(text, len, i) &&
            (extent_of(field->key, field->key_len) < 0 || extent_of(field->value, field->value_len) >= 0)) {
            i = value;
            continue;
        }
        *at = i;
        if (field->value_len)
            return true;
    }
}

static bool build(const struct extents *e, struct import_found *found)
{
    struct attn_problem *p = &found->problem;
    const int64_t *x = e->value, sequences = e->has[SEQUENCES] ? x[SEQUENCES] : 1;
    const int64_t heads_kv = e->has[HEADS_KV] ? x[HEADS_KV] : x[HEADS], d_v = e->has[D_V] ? x[D_V] : x[D_K];
    const int64_t q[4] = { x[D_K], x[N_Q], x[HEADS], sequences }, k[4] = { x[D_K], x[N_KV], heads_kv, sequences };
    const int64_t v[4] = { d_v, x[N_KV], heads_kv, sequences }, dst[4] = { d_v, x[HEADS], x[N_Q], sequences };
    memset(p, 0, sizeof *p);
    p->scale = 1.0f / sqrtf((float)x[D_K]);
    p->head_total = x[HEADS];
    found->given = 1u << IMPORT_GIVEN_DENSE | 1u << IMPORT_GIVEN_SCALE | 1u << IMPORT_GIVEN_NO_MASK |
                   (e->has[HEADS_KV] ? 0u : 1u << IMPORT_GIVEN_HEADS_KV) |
                   (e->has[TYPE_K] && e->has[TYPE_V] ? 0u : 1u << IMPORT_GIVEN_TYPES);
    return import_tensor(&p->t[ATTN_Q], ATTN_F32, q, NULL) && import_tensor_as(&p->t[ATTN_K], &e->as_k, k, NULL) &&
           import_tensor_as(&p->t[ATTN_V], &e->as_v, v, NULL) && import_tensor(&p->t[ATTN_DST], ATTN_F32, dst, NULL);
}

enum import_result import_extents(const char *text, size_t len, size_t *from, struct import_found *found)
{
    struct extents e = { .as_k = { .type = ATTN_F16 }, .as_v = { .type = ATTN_F16 } };
    struct import_field field;
    bool begun = false;
    const char *start = text + *from;
    for (size_t at = *from; next(text, len, &at, &field);) {
        int extent = extent_of(field.key, field.key_len);
        int64_t number;
        if (extent == TYPE_K || extent == TYPE_V) {
            e.has[extent] = import_type_of(&field, found, extent == TYPE_K ? &e.as_k : &e.as_v);
            e.type_missing |= !e.has[extent];
        } else if (import_integer(&field, &number) && extent >= 0) {
            if (!begun)
                start = field.key;
            begun = true;
            e.has[extent] = true;
            e.value[extent] = number;
        } else if (begun) {
            import_drop(found, field.key, field.key_len, true);
        }
    }
    bool whole = e.has[D_K] && e.has[N_Q] && e.has[N_KV] && e.has[HEADS];
    if (!whole) {
        found->n_dropped = found->n_unknown = 0;
        return IMPORT_OTHER;
    }
    *from = len;
    if (e.type_missing)
        return IMPORT_TYPE;
    for (int i = 0; i < TYPE_K; i++)
        if (e.has[i] && (e.value[i] < 1 || e.value[i] > INT32_MAX))
            return import_bad(found, text, start, "an extent is 0 or too large");
    if (!build(&e, found))
        return import_bad(found, text, start, "such a call is too large");
    return IMPORT_FOUND;
}
