/* field.h: the fields of a problem that a hole can be put down to.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_FIELD_H
#define ATTNFUZZ_CHECK_FIELD_H

/* X(name, what copies it): the fields of a problem, as hole.c sees them, in the order in which they are tried. The ones
 * tried last are the ones that a call refused for several reasons is put down to. */
#define CHECK_FIELDS(X)                                                              \
    X(scale, to->scale = from->scale)                                                \
    X(softcap, to->softcap = from->softcap)                                          \
    X(prec, to->prec = from->prec)                                                   \
    X(n_kv_max, to->n_kv_max = from->n_kv_max)                                       \
    X(src5, to->further = from->further)                                             \
    X(sinks, to->sinks = from->sinks)                                                \
    X(mask_heads, to->mask_heads = from->mask_heads)                                 \
    X(heads, (to->head_first = from->head_first, to->head_after = from->head_after)) \
    X(n_seq, (to->n_seq = from->n_seq, to->mask_seqs = from->mask_seqs))             \
    X(mask_seqs, to->mask_seqs = from->mask_seqs)                                    \
    X(n_q, to->n_q = from->n_q)                                                      \
    X(mask_height, to->mask_extra_q = from->mask_extra_q)                            \
    X(mask_width, to->mask_extra_kv = from->mask_extra_kv)                           \
    X(mask_layout, to->contiguous[3] = from->contiguous[3])                          \
    X(v_layout, to->contiguous[2] = from->contiguous[2])                             \
    X(k_layout, to->contiguous[1] = from->contiguous[1])                             \
    X(q_layout, to->contiguous[0] = from->contiguous[0])                             \
    X(n_head_kv, to->n_head_kv = from->n_head_kv)                                    \
    X(types, (to->type_k = from->type_k, to->type_v = from->type_v))                 \
    X(max_bias, to->max_bias = from->max_bias)                                       \
    X(n_kv, to->n_kv = from->n_kv)                                                   \
    X(gqa, to->ratio = from->ratio)                                                  \
    X(mask, to->mask = from->mask)

enum check_field {
#define X(name, copy) CHECK_FIELD_##name,
    CHECK_FIELDS(X)
#undef X
        CHECK_FIELD_COUNT
};
/* "types"; also of CHECK_FIELD_SEVERAL and CHECK_FIELD_HEAD_SIZE; "unknown" for other numbers. */
const char *check_field_name(int field);

#endif
