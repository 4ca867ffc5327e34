/* node.c: see node.h.
 *
 * SPDX-License-Identifier: MIT */
#include "subjects/ggml/node.h"

#include <string.h>

#include "planner/arith.h"

static bool is_plain_source(const struct attn_tensor *t)
{
    return t->offset == 0 && t->buffer == 0 && attn_tensor_is_contiguous(t) &&
           attn_tensor_span(t) <= GGML_NODE_BYTES_MAX;
}

bool ggml_node_legal(const struct ggml_abi *abi, const struct attn_problem *p, const char **why)
{
    *why = "";
    for (int o = 0; o < ATTN_DST; o++) {
        const struct attn_tensor *t = &p->t[o];
        if (!t->present)
            continue;
        if (ggml_abi_type(abi, t) < 0)
            return *why = "a type that this ggml does not have", false;
        if (t->offset > GGML_NODE_BYTES_MAX || attn_tensor_span(t) > GGML_NODE_BYTES_MAX)
            return *why = "a tensor larger than a device's memory", false;
        for (int d = 1; d < 4; d++)
            if (t->ne[d] > 1 && t->nb[d] == 0)
                return *why = "a broadcast by a stride of zero", false;
    }
    if (p->t[ATTN_MASK].present && !attn_tensor_is_contiguous(&p->t[ATTN_MASK]))
        return *why = "a mask that is not contiguous", false;
    if (!attn_tensor_is_contiguous(&p->t[ATTN_DST]))
        return *why = "a dst that is not contiguous", false;
    if (p->t[ATTN_DST].buffer != 0 || p->t[ATTN_DST].offset != 0)
        return *why = "a dst at a place of its caller's choice", false;
    if (p->max_bias > 0 && (p->head_first != 0 || p->head_total != attn_n_head(p)))
        return *why = "ALiBi on a head subset", false;
    if (p->t[ATTN_SINKS].present && !abi->flash_attn_ext_add_sinks)
        return *why = "sinks, which this ggml does not have", false;
    if (p->prec != ATTN_PREC_UNSAID && !ggml_abi_says_prec(abi))
        return *why = "prec, which this ggml does not have", false;
    if (p->n_kv_max > 0 && !abi->flash_attn_ext_set_n_kv_max)
        return *why = "n_kv_max, which this ggml does not have", false;
    if (p->further.present &&
        (!abi->sources_at || !is_plain_source(&p->further) || ggml_abi_type(abi, &p->further) < 0))
        return *why = "a further source that is not contiguous, in memory of its own, or not of this ggml", false;
    return true;
}

int ggml_node_base_of(const struct attn_problem *p, int o)
{
    if (o > ATTN_V || p->t[o].buffer == 0)
        return o;
    for (int other = 0; other < o; other++)
        if (p->t[other].buffer == p->t[o].buffer && p->t[other].type == p->t[o].type)
            return other;
    return o;
}

bool ggml_node_is_plain(const struct attn_problem *p, int o)
{
    const struct attn_tensor *t = &p->t[o];
    if (t->offset != 0 || !attn_tensor_has_default_strides(t) || ggml_node_base_of(p, o) != o)
        return false;
    for (int other = o + 1; other <= ATTN_V; other++)
        if (ggml_node_base_of(p, other) == o)
            return false;
    return true;
}

int64_t ggml_node_base_bytes(const struct attn_problem *p, int o)
{
    int64_t end = p->t[o].offset + attn_tensor_span(&p->t[o]);
    for (int other = o + 1; other <= ATTN_V; other++)
        if (ggml_node_base_of(p, other) == o && p->t[other].offset + attn_tensor_span(&p->t[other]) > end)
            end = p->t[other].offset + attn_tensor_span(&p->t[other]);
    int64_t block = attn_tensor_info(&p->t[o])->block_bytes;
    return attn_round_up(end, block);
}

/* No function of any version that is known here sets it: it is put where the node has it. */
static void add_further(const struct ggml_abi *abi, struct ggml_context *ctx, const struct attn_problem *p,
                        struct ggml_node *node)
{
    const struct attn_tensor *t = &p->further;
    struct ggml_tensor *further =
        abi->new_tensor_4d(ctx, ggml_abi_type(abi, t), t->ne[0], t->ne[1], t->ne[2], t->ne[3]);
    node->base[GGML_NODE_FURTHER] = further;
    node->bytes[GGML_NODE_FURTHER] = attn_tensor_span(t);
    memcpy((char *)node->node + abi->sources_at + GGML_NODE_FURTHER * sizeof further, &further, sizeof further);
}

void ggml_node_build(const struct ggml_abi *abi, struct ggml_context *ctx, const struct attn_problem *p, bool prec_f32,
                     struct ggml_node *node)
{
    memset(node, 0, sizeof *node);
    for (int o = 0; o < ATTN_DST; o++) {
        const struct attn_tensor *t = &p->t[o];
        if (!t->present)
            continue;
        int type = ggml_abi_type(abi, t);
        if (ggml_node_is_plain(p, o)) {
            node->tensor[o] = node->base[o] = abi->new_tensor_4d(ctx, type, t->ne[0], t->ne[1], t->ne[2], t->ne[3]);
            node->bytes[o] = attn_tensor_span(t);
            continue;
        }
        int at = ggml_node_base_of(p, o);
        const struct attn_type_info *info = attn_tensor_info(t);
        if (at == o) {
            node->bytes[o] = ggml_node_base_bytes(p, o);
            node->base[o] = abi->new_tensor_1d(ctx, type, node->bytes[o] / info->block_bytes * info->block_elems);
        }
        node->view[o] = true;
        node->tensor[o] = abi->view_4d(ctx, node->base[at], t->ne[0], t->ne[1], t->ne[2], t->ne[3], (size_t)t->nb[1],
                                       (size_t)t->nb[2], (size_t)t->nb[3], (size_t)t->offset);
    }
    node->node = abi->flash_attn_ext(ctx, node->tensor[ATTN_Q], node->tensor[ATTN_K], node->tensor[ATTN_V],
                                     node->tensor[ATTN_MASK], p->scale, p->max_bias, p->softcap);
    const int prec =
        p->prec == ATTN_PREC_F32 || (p->prec == ATTN_PREC_UNSAID && prec_f32) ? abi->prec_f32 : GGML_PREC_DEFAULT_VALUE;
    if (abi->prec_set_acc)
        abi->prec_set_acc(node->node, prec);
    else if (abi->flash_attn_ext_set_prec)
        abi->flash_attn_ext_set_prec(node->node, prec);
    if (p->n_kv_max > 0)
        abi->flash_attn_ext_set_n_kv_max(node->node, p->n_kv_max);
    if (node->tensor[ATTN_SINKS])
        abi->flash_attn_ext_add_sinks(node->node, node->tensor[ATTN_SINKS]);
    if (p->further.present)
        add_further(abi, ctx, p, node);
}
