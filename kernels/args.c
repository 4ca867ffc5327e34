/* args.c: fills the arguments of one launch from a problem and its plan.
 *
 * A plan may have been made for a larger problem of the same key: everything here goes by the problem's own
 * extents, which the plan's regions are large enough for.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/args.h"

#include <assert.h>
#include <string.h>

#include "planner/arith.h"

/* Strides of extent-1 dimensions mean nothing, so kernels get 0 there. */
static struct attn_view view_of(const struct attn_tensor *t, void *base)
{
    struct attn_view view = { base, 0, 0, 0 };
    if (base) {
        view.nb1 = t->ne[1] > 1 ? t->nb[1] : 0;
        view.nb2 = t->ne[2] > 1 ? t->nb[2] : 0;
        view.nb3 = t->ne[3] > 1 ? t->nb[3] : 0;
    }
    return view;
}

/* Extents of the dense f16 copy of a tensor: what is broadcast is converted once. */
static void copy_extents(const struct attn_tensor *t, int64_t ne[4])
{
    ne[0] = t->ne[0];
    for (int d = 1; d < 4; d++)
        ne[d] = t->ne[d] > 1 && t->nb[d] == 0 ? 1 : t->ne[d];
}

/* The dense f16 copy of a tensor, as kernels read it. */
static struct attn_view copy_view(const struct attn_tensor *t, char *target)
{
    int64_t ne[4];
    copy_extents(t, ne);
    int64_t row = ne[0] * 2;
    struct attn_view view = { target, 0, 0, 0 };
    view.nb1 = ne[1] > 1 ? row : 0;
    view.nb2 = ne[2] > 1 ? row * ne[1] : 0;
    view.nb3 = ne[3] > 1 ? row * ne[1] * ne[2] : 0;
    return view;
}

static char *region(const struct attn_plan *plan, int id, void *workspace)
{
    return plan->region_bytes[id] ? (char *)workspace + plan->region_offset[id] : NULL;
}

/* Keys of a split: equal parts, each a whole number of KV tiles; the last ones may be short or empty. */
static int64_t split_keys(const struct attn_plan *plan, int64_t n_kv)
{
    int64_t tiles = attn_ceil_div(n_kv, plan->kv_tile);
    int64_t per_split = attn_ceil_div(tiles, plan->splits);
    return attn_mul_sat(per_split, plan->kv_tile);
}

static void convert_args(const struct attn_problem *problem, const struct attn_plan *plan, int operand,
                         void *const base[ATTN_OPERAND_COUNT], void *workspace, struct attn_args *args)
{
    const struct attn_tensor *t = &problem->t[operand];
    args->source = view_of(t, base[operand]);
    args->source_type = t->type;
    copy_extents(t, args->source_ne);
    args->target = region(plan, operand == ATTN_K ? ATTN_REGION_K : ATTN_REGION_V, workspace);
}

/* What is worked out below of a plan and a problem holds only if the one was made for the other, or for a larger one of
 * the same key; and regions must hold what kernels will write there. */
static void expect_fit(const struct attn_problem *p, const struct attn_plan *plan)
{
    const struct attn_key *k = &plan->key;
    const int64_t parts = k->n_head * attn_n_q(p) * k->n_seq * plan->splits;
    assert(plan->splits >= 1 && plan->columns >= 1 && plan->kv_tile >= 1);
    assert(attn_d_k(p) == k->d_k && attn_d_v(p) == k->d_v);
    assert(attn_n_head(p) == k->n_head && attn_n_head_kv(p) == k->n_head_kv && attn_n_seq(p) == k->n_seq);
    assert(attn_n_q(p) <= k->n_q && attn_n_kv(p) <= k->n_kv);
    assert(plan->splits == 1 || plan->region_bytes[ATTN_REGION_PARTIAL] >= 4 * parts * k->d_v);
    assert(plan->splits == 1 || plan->region_bytes[ATTN_REGION_META] >= 8 * parts);
    assert(!plan->scan || (p->t[ATTN_MASK].present && plan->scan_q >= 1 && plan->region_bytes[ATTN_REGION_SCAN] > 0));
    (void)k;
    (void)parts;
}

void attn_args_build(const struct attn_problem *problem, const struct attn_plan *plan, int step,
                     void *const base[ATTN_OPERAND_COUNT], void *workspace, struct attn_args *args)
{
    const struct attn_tensor *t = problem->t;
    expect_fit(problem, plan);
    memset(args, 0, sizeof *args);

    args->q = view_of(&t[ATTN_Q], base[ATTN_Q]);
    args->dst = view_of(&t[ATTN_DST], base[ATTN_DST]);
    args->mask = view_of(&t[ATTN_MASK], t[ATTN_MASK].present ? base[ATTN_MASK] : NULL);
    args->sinks = t[ATTN_SINKS].present ? base[ATTN_SINKS] : NULL;

    bool convert_k = plan->convert_k >= 0;
    bool convert_v = plan->convert_v >= 0;
    args->k =
        convert_k ? copy_view(&t[ATTN_K], region(plan, ATTN_REGION_K, workspace)) : view_of(&t[ATTN_K], base[ATTN_K]);
    args->v =
        convert_v ? copy_view(&t[ATTN_V], region(plan, ATTN_REGION_V, workspace)) : view_of(&t[ATTN_V], base[ATTN_V]);
    args->type_k = convert_k ? plan->convert_k : t[ATTN_K].type;
    args->type_v = convert_v ? plan->convert_v : t[ATTN_V].type;
    args->load_k = plan->load_k;
    args->load_v = plan->load_v;
    args->stage_k = plan->stage_k;
    args->stage_v = plan->stage_v;

    args->n_q = attn_n_q(problem);
    args->n_kv = attn_n_kv(problem);
    args->n_head = attn_n_head(problem);
    args->n_head_kv = attn_n_head_kv(problem);
    args->n_seq = attn_n_seq(problem);
    args->gqa = args->n_head / args->n_head_kv;
    args->d_k = attn_d_k(problem);
    args->d_v = attn_d_v(problem);
    args->mask_heads = t[ATTN_MASK].present ? t[ATTN_MASK].ne[2] : 1;
    args->mask_seqs = t[ATTN_MASK].present ? t[ATTN_MASK].ne[3] : 1;

    /* No overflow: dst has n_q * n_head * n_seq rows that do not overlap. */
    args->row_tiles = attn_ceil_div(args->n_q * args->gqa, plan->columns);
    args->work = args->row_tiles * args->n_head_kv * args->n_seq;
    args->splits = plan->splits;
    args->split_keys = split_keys(plan, args->n_kv);
    args->kv_tile = plan->kv_tile;

    args->scale = problem->scale;
    args->softcap = problem->softcap;
    if (problem->max_bias > 0) {
        int64_t n = 1;
        while (n <= problem->head_total / 2)
            n *= 2;
        args->alibi_n = n;
        args->alibi_scale = (float)((double)problem->max_bias / (double)n);
    }
    args->head_first = problem->head_first;

    if (plan->scan) {
        args->scan_q = plan->scan_q;
        args->scan_q_blocks = attn_ceil_div(args->n_q, plan->scan_q);
        args->scan_kv_tiles = attn_ceil_div(args->n_kv, plan->kv_tile);
        args->scan_out = (uint8_t *)region(plan, ATTN_REGION_SCAN, workspace);
        args->scan = args->scan_out;
    }
    if (plan->splits > 1) {
        args->partial = (float *)(void *)region(plan, ATTN_REGION_PARTIAL, workspace);
        args->meta = (float *)(void *)region(plan, ATTN_REGION_META, workspace);
    }

    if (step == ATTN_STEP_CONVERT_K)
        convert_args(problem, plan, ATTN_K, base, workspace, args);
    else if (step == ATTN_STEP_CONVERT_V)
        convert_args(problem, plan, ATTN_V, base, workspace, args);
}
