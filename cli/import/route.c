/* route.c: route-debug lines of the fork in the seed as problems.
 *
 * GGML_CUDA_FA_ROUTE_DEBUG=1 makes that fork (Anbeeld/beellama.cpp, ggml_cuda_fattn_make_route_plan in
 * ggml/src/ggml-cuda/fattn.cu) print, in one line,
 *
 *   CUDA_FA_ROUTE_PLAN device=0 Q=[256,1,32,1] Kraw=f16 Vraw=f16 Kshape=[..] Vshape=[..] Keff=f16 Veff=f16 ...
 *   kernel=TILE need_f16_K=0 need_f16_V=0 Knb=[..] Vnb=[..] Keff_nb=[..] Veff_nb=[..]
 *
 * What such a line does not say is taken to be as llama.cpp has it: Q is the permuted view that build_attn_mha makes
 * of a [D, n_head, n_q] tensor, the scale is 1/sqrt(D_K), and there is a mask of n_kv x n_q, one for all heads. The
 * seed's change adds the mask's shape and strides: mask=[..] (or Mshape=[..]) and mask_nb=[..] (or Mnb=[..]) are read
 * where they are there. Keys that say nothing of the problem are read past.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "cli/import/format.h"

enum { Q_SHAPE, K_SHAPE, V_SHAPE, K_STRIDES, V_STRIDES, MASK_SHAPE, MASK_STRIDES, N_LISTS };

static int list_of(const struct import_field *f)
{
    static const struct {
        const char *key;
        int list;
    } keys[] = {
        { "Q", Q_SHAPE },         { "Kshape", K_SHAPE },       { "Vshape", V_SHAPE },
        { "Knb", K_STRIDES },     { "Vnb", V_STRIDES },        { "mask", MASK_SHAPE },
        { "Mshape", MASK_SHAPE }, { "mask_nb", MASK_STRIDES }, { "Mnb", MASK_STRIDES },
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (import_key_is(f, keys[i].key))
            return keys[i].list;
    return -1;
}

static bool set_tensor(struct attn_tensor *t, const struct attn_tensor *as, const int64_t ne[4], const int64_t nb[4])
{
    if (!import_tensor_as(t, as, ne, NULL))
        return false;
    if (nb)
        memcpy(t->nb, nb, sizeof t->nb);
    return true;
}

static bool build(const struct attn_tensor *as_k, const struct attn_tensor *as_v, const bool has[N_LISTS],
                  int64_t lists[N_LISTS][4], struct attn_problem *p)
{
    static const struct attn_tensor f32 = { .type = ATTN_F32 }, f16 = { .type = ATTN_F16 };
    const int64_t *q = lists[Q_SHAPE], *v = lists[V_SHAPE];
    memset(p, 0, sizeof *p);
    const int64_t q_nb[4] = { 4, 4 * q[0] * q[2], 4 * q[0], 4 * q[0] * q[1] * q[2] };
    const int64_t mask[4] = { lists[K_SHAPE][1], q[1], 1, 1 };
    const int64_t dst[4] = { v[0], q[2], q[1], q[3] };
    for (int i = 0; i < 4; i++)
        if (q[i] < 1 || q[i] > INT16_MAX * INT64_C(64))
            return false;
    if (!set_tensor(&p->t[ATTN_Q], &f32, q, q_nb) ||
        !set_tensor(&p->t[ATTN_K], as_k, lists[K_SHAPE], has[K_STRIDES] ? lists[K_STRIDES] : NULL) ||
        !set_tensor(&p->t[ATTN_V], as_v, v, has[V_STRIDES] ? lists[V_STRIDES] : NULL) ||
        !set_tensor(&p->t[ATTN_MASK], &f16, has[MASK_SHAPE] ? lists[MASK_SHAPE] : mask,
                    has[MASK_STRIDES] ? lists[MASK_STRIDES] : NULL) ||
        !set_tensor(&p->t[ATTN_DST], &f32, dst, NULL))
        return false;
    p->scale = 1.0f / sqrtf((float)q[0]);
    p->head_total = q[2];
    return true;
}

enum import_result import_route(const char *text, size_t len, size_t *from, struct import_found *found)
{
    static const char mark[] = "CUDA_FA_ROUTE_PLAN ";
    const char *start = import_mark(text + *from, len - *from, mark);
    *from = len;
    if (!start)
        return IMPORT_OTHER;
    start += sizeof mark - 1;
    int64_t lists[N_LISTS][4];
    bool has[N_LISTS] = { false };
    struct attn_tensor as_k, as_v;
    bool has_k = false, has_v = false, type_missing = false;
    size_t at = 0, end = (size_t)(text + len - start);
    struct import_field field;
    while (import_field_next(start, end, &at, " \t", &field)) {
        int list = list_of(&field);
        bool is_k = import_key_is(&field, "Kraw"), is_v = import_key_is(&field, "Vraw");
        if (list >= 0) {
            if (!import_list(&field, 4, lists[list]))
                return import_bad(found, text, field.value, "four numbers in brackets expected");
            has[list] = true;
        } else if (is_k || is_v) {
            type_missing |= !import_type_of(&field, found, is_k ? &as_k : &as_v);
            *(is_k ? &has_k : &has_v) = true;
        }
    }
    if (at < end)
        return import_bad(found, text, start + at, "key=value expected");
    if (type_missing)
        return IMPORT_TYPE;
    if (!has[Q_SHAPE] || !has[K_SHAPE] || !has[V_SHAPE] || !has_k || !has_v)
        return import_bad(found, text, start, "Q, Kraw, Vraw, Kshape or Vshape is missing");
    if (!build(&as_k, &as_v, has, lists, &found->problem))
        return import_bad(found, text, start, "an extent is 0 or too large");
    found->given = 1u << IMPORT_GIVEN_SCALE | (has[MASK_SHAPE] ? 0u : 1u << IMPORT_GIVEN_MASK);
    return IMPORT_FOUND;
}
