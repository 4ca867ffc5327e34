/* serves.c: does a kept plan serve a problem? See session.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/session/session.h"
#include "planner/arith.h"

static int64_t align_of(const struct attn_tensor *t)
{
    uint64_t bits = (uint64_t)t->offset | 256;
    for (int d = 1; d < 4; d++)
        if (t->ne[d] > 1)
            bits |= (uint64_t)t->nb[d];
    return (int64_t)(bits & (~bits + 1));
}

/* Bytes of a dense f16 copy; what is broadcast is in it once. */
static int64_t copy_bytes(const struct attn_tensor *t)
{
    int64_t n = 2 * t->ne[0];
    for (int d = 1; d < 4; d++)
        n *= t->ne[d] > 1 && t->nb[d] == 0 ? 1 : t->ne[d];
    return n;
}

static const char *serves_data(const struct attn_plan *plan, const struct attn_problem *p)
{
    const int64_t rows = attn_n_head(p) * attn_n_q(p) * attn_n_seq(p);
    const struct attn_tensor *mask = &p->t[ATTN_MASK];
    if (plan->convert_k < 0 && align_of(&p->t[ATTN_K]) % plan->load_k)
        return "K's rows are not aligned to the plan's loads";
    if (plan->convert_v < 0 && align_of(&p->t[ATTN_V]) % plan->load_v)
        return "V's rows are not aligned to the plan's loads";
    if (plan->convert_k >= 0 && plan->region_bytes[ATTN_REGION_K] < copy_bytes(&p->t[ATTN_K]))
        return "the copy of K is larger than the plan's workspace for it";
    if (plan->convert_v >= 0 && plan->region_bytes[ATTN_REGION_V] < copy_bytes(&p->t[ATTN_V]))
        return "the copy of V is larger than the plan's workspace for it";
    if (plan->splits > 1 && plan->region_bytes[ATTN_REGION_PARTIAL] < 4 * attn_d_v(p) * plan->splits * rows)
        return "the splits' results are larger than the plan's workspace for them";
    if (plan->splits > 1 && plan->region_bytes[ATTN_REGION_META] < 8 * plan->splits * rows)
        return "the splits' sums are larger than the plan's workspace for them";
    if (plan->scan && (!mask->present || plan->region_bytes[ATTN_REGION_SCAN] <
                                             mask->ne[2] * mask->ne[3] * attn_ceil_div(attn_n_q(p), plan->scan_q) *
                                                 attn_ceil_div(attn_n_kv(p), plan->kv_tile)))
        return "the mask's tiles are more than the plan's workspace for them";
    return NULL;
}

const char *attn_plan_serves(const struct attn_plan *plan, const struct attn_problem *p)
{
    const struct attn_tensor *mask = &p->t[ATTN_MASK];
    if (plan->key.d_k != attn_d_k(p) || plan->key.d_v != attn_d_v(p))
        return "it was made for another head size";
    if ((plan->convert_k < 0 ? p->t[ATTN_K].type : plan->convert_k) != plan->arithmetic.k_type ||
        (plan->convert_v < 0 ? p->t[ATTN_V].type : plan->convert_v) != plan->arithmetic.v_type)
        return "K or V has another type";
    if (plan->key.type_k != p->t[ATTN_K].type || plan->key.type_v != p->t[ATTN_V].type)
        return "K or V has another type than the plan was made for";
    if (plan->key.n_head != attn_n_head(p) || plan->key.n_head_kv != attn_n_head_kv(p) ||
        plan->key.n_seq != attn_n_seq(p))
        return "it has other heads or sequences";
    if (attn_n_q(p) > plan->key.n_q || attn_n_kv(p) > plan->key.n_kv)
        return "it is larger than what the plan was made for";
    if ((plan->key.softcap != 0) != (p->softcap > 0) || (plan->key.alibi != 0) != (p->max_bias > 0) ||
        (plan->key.sinks != 0) != (p->t[ATTN_SINKS].present != 0))
        return "it has softcap, ALiBi or sinks and the plan has not, or the other way round";
    if ((mask->present ? mask->ne[2] : 0) != plan->key.mask_heads ||
        (mask->present ? mask->ne[3] : 0) != plan->key.mask_seqs)
        return "its mask has other heads or sequences";
    return serves_data(plan, p);
}
