/* route.c: the classes of a plan and its run. See route.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/properties/route.h"

#include <string.h>

#include "planner/arith.h"

static const struct attn_trait_info infos[] = {
#define X(name, classes, text) { #name, text, classes },
    ATTN_TRAITS(X)
#undef X
};

const struct attn_trait_info *attn_trait_info(int trait)
{
    return trait >= 0 && trait < ATTN_TRAIT_COUNT ? &infos[trait] : NULL;
}

/* Logarithm of two, rounded up. */
static int bits_of(int64_t n)
{
    int bits = 0;
    while (bits < 62 && (int64_t)1 << bits < n)
        bits++;
    return bits;
}

/* The class of a number among `most` and fewer upper ends of classes; above all of them: how many there are. */
static int class_of(int64_t n, const int32_t *ends, int most)
{
    int at = 0;
    while (at < most && n > ends[at])
        at++;
    return at;
}
#define CLASS(n, ...) \
    class_of(n, (const int32_t[]){ __VA_ARGS__ }, (int)(sizeof((int32_t[]){ __VA_ARGS__ }) / sizeof(int32_t)))

static int ragged(int64_t used, int64_t columns)
{
    if (used <= columns)
        return used == columns ? 2 : used == 1 ? 0 : 1;
    return used % columns == 0 ? 3 : used % columns == 1 ? 4 : 5;
}

static int ratio_class(int64_t ratio)
{
    return ratio <= 2 ? (int)ratio - 1 : (ratio & (ratio - 1)) == 0 ? 2 : ratio % 2 ? 3 : 4;
}

static int tail(int64_t n_kv, int64_t tile)
{
    int64_t last = n_kv % tile;
    if (n_kv == 1)
        return 6;
    return last == 0 ? 0 : last == 1 ? 1 : last == tile - 1 ? 2 : last % 8 == 0 ? 3 : last % 2 == 0 ? 4 : 5;
}

static int far_class(int64_t reach) { return reach >> 40 > 0 ? 3 : reach >> 32 > 0 ? 2 : reach >> 31 > 0; }

static bool is_far(const struct attn_tensor *t) { return t->present && attn_tensor_span(t) >> 32 > 0; }

static int far_rows(const struct attn_problem *p)
{
    const bool rows = is_far(&p->t[ATTN_Q]) || is_far(&p->t[ATTN_DST]);
    const bool keys = is_far(&p->t[ATTN_K]) || is_far(&p->t[ATTN_V]);
    const bool mask = is_far(&p->t[ATTN_MASK]);
    return rows + keys + mask > 1 ? 4 : rows + 2 * keys + 3 * mask;
}

/* Keys of a split as kernels/args.c cuts them, in whole tiles. */
static void split_classes(int64_t n_kv, const struct attn_plan *plan, struct attn_route *r)
{
    int64_t tiles = attn_ceil_div(n_kv, plan->kv_tile), each = attn_ceil_div(tiles, plan->splits);
    int64_t before = attn_mul_sat(attn_mul_sat(each, plan->kv_tile), plan->splits - 1), last = n_kv - before;
    r->class[ATTN_TRAIT_tiles] =
        (uint8_t)CLASS(attn_ceil_div(each, attn_max(1, plan->arithmetic.waves)), 1, 2, 3, 7, 15);
    r->class[ATTN_TRAIT_splits] = (uint8_t)attn_min(bits_of(plan->splits), 8);
    r->class[ATTN_TRAIT_last_split] = (uint8_t)(last <= 0                                         ? 3
                                                : last == 1                                       ? 2
                                                : last < each * plan->kv_tile && plan->splits > 1 ? 1
                                                                                                  : 0);
}

static int layout(const struct attn_tensor *t)
{
    int64_t dense = attn_row_bytes(t->type, t->ne[0]), before = 0;
    int class = 0;
    for (int d = 1; t->present && d < 4; d++) {
        if (t->ne[d] <= 1)
            continue;
        if (t->nb[d] == 0)
            return 3;
        if (t->nb[d] < before)
            class = 2;
        else if (class == 0 && t->nb[d] != dense)
            class = 1;
        before = t->nb[d];
        dense = attn_mul_sat(t->nb[d], t->ne[d]);
    }
    return class;
}

static void mask_classes(const struct attn_case *c, const struct attn_plan *plan, struct attn_route *r)
{
    const struct attn_tensor *mask = &c->problem.t[ATTN_MASK];
    r->class[ATTN_TRAIT_content] = ATTN_MASK_CONTENT_COUNT;
    if (!mask->present)
        return;
    int64_t more = mask->ne[0] - attn_n_kv(&c->problem);
    r->class[ATTN_TRAIT_content] = (uint8_t)c->run.mask;
    r->class[ATTN_TRAIT_planes] = (uint8_t)((mask->ne[2] > 1) | (mask->ne[3] > 1) << 1);
    r->class[ATTN_TRAIT_wider] = (uint8_t)(more == 0 ? 0 : more < plan->kv_tile ? 1 : 2);
    r->class[ATTN_TRAIT_layout_mask] = (uint8_t)layout(mask);
}

static void plan_classes(const struct attn_case *c, const struct attn_plan *plan, struct attn_route *r)
{
    const struct attn_key *key = &plan->key;
    const struct attn_head_size *size = attn_head_size(plan->head_size);
    int64_t flags = plan->region_bytes[ATTN_REGION_SCAN];
    r->class[ATTN_TRAIT_kernel] = (uint8_t)plan->kernel;
    r->class[ATTN_TRAIT_cores] = (uint8_t)plan->device.matrix;
    r->class[ATTN_TRAIT_wave] = plan->wave_size == 64;
    r->class[ATTN_TRAIT_weakened] = c->run.weakening >= 0;
    r->class[ATTN_TRAIT_instance] = (uint8_t)(size ? plan->head_size : ATTN_HEAD_SIZE_COUNT);
    r->class[ATTN_TRAIT_padded] = size && (size->d_k != key->d_k || size->d_v != key->d_v);
    r->class[ATTN_TRAIT_columns] = (uint8_t)attn_min(bits_of(plan->columns), 7);
    r->class[ATTN_TRAIT_scan] = (uint8_t)(flags == 0 ? 0 : 1 + CLASS(flags, 4, 16));
    r->class[ATTN_TRAIT_regions] =
        (uint8_t)((plan->region_bytes[ATTN_REGION_K] > 0) | (plan->region_bytes[ATTN_REGION_V] > 0) << 1 |
                  (flags > 0) << 2 | (plan->region_bytes[ATTN_REGION_PARTIAL] > 0) << 3);
    r->class[ATTN_TRAIT_load_k] = (uint8_t)CLASS(plan->load_k, 2, 4, 8);
    r->class[ATTN_TRAIT_load_v] = (uint8_t)CLASS(plan->load_v, 2, 4, 8);
    r->class[ATTN_TRAIT_stage_k] = (uint8_t)CLASS(plan->stage_k, 0, 4, 8);
    r->class[ATTN_TRAIT_stage_v] = (uint8_t)CLASS(plan->stage_v, 0, 4, 8);
}

static void problem_classes(const struct attn_problem *p, const struct attn_plan *plan, struct attn_route *r)
{
    int64_t gqa = attn_n_head(p) / attn_n_head_kv(p);
    r->class[ATTN_TRAIT_head_bits] = (uint8_t)CLASS(attn_d_k(p), 8, 16, 32, 64, 128, 256, 512);
    r->class[ATTN_TRAIT_ragged] = (uint8_t)ragged(attn_mul_sat(attn_n_q(p), gqa), plan->columns);
    r->class[ATTN_TRAIT_ratio] = (uint8_t)ratio_class(gqa);
    r->class[ATTN_TRAIT_rows] = (uint8_t)CLASS(attn_n_q(p), 1, 4, 8, 16, 64);
    r->class[ATTN_TRAIT_heads] = (uint8_t)CLASS(attn_n_head_kv(p), 1, 2);
    r->class[ATTN_TRAIT_sequences] = (uint8_t)CLASS(attn_n_seq(p), 1, 2);
    r->class[ATTN_TRAIT_tail] = (uint8_t)tail(attn_n_kv(p), plan->kv_tile);
    r->class[ATTN_TRAIT_type_k] = (uint8_t)p->t[ATTN_K].type;
    r->class[ATTN_TRAIT_type_v] = (uint8_t)p->t[ATTN_V].type;
    r->class[ATTN_TRAIT_terms] = (uint8_t)((p->softcap > 0) | (p->max_bias > 0) << 1 | p->t[ATTN_SINKS].present << 2 |
                                           (p->head_total != attn_n_head(p)) << 3);
    r->class[ATTN_TRAIT_layout_q] = (uint8_t)layout(&p->t[ATTN_Q]);
    r->class[ATTN_TRAIT_layout_k] = (uint8_t)layout(&p->t[ATTN_K]);
    r->class[ATTN_TRAIT_layout_v] = (uint8_t)layout(&p->t[ATTN_V]);
    r->class[ATTN_TRAIT_layout_dst] = (uint8_t)layout(&p->t[ATTN_DST]);
    r->class[ATTN_TRAIT_far] = (uint8_t)far_class(attn_image_reach(p));
    r->class[ATTN_TRAIT_far_rows] = (uint8_t)far_rows(p);
    r->class[ATTN_TRAIT_shared] = p->t[ATTN_K].buffer > 0 && p->t[ATTN_K].buffer == p->t[ATTN_V].buffer;
}

void attn_route_of(const struct attn_case *c, const struct attn_plan *plan, struct attn_route *r)
{
    memset(r, 0, sizeof *r);
    plan_classes(c, plan, r);
    problem_classes(&c->problem, plan, r);
    split_classes(attn_n_kv(&c->problem), plan, r);
    mask_classes(c, plan, r);
    r->class[ATTN_TRAIT_profile] = (uint8_t)c->run.data;
    r->class[ATTN_TRAIT_dead] = c->run.dead != 0;
    r->class[ATTN_TRAIT_scheduled] = c->run.schedule != 0;
    r->class[ATTN_TRAIT_work] =
        (uint8_t)CLASS(attn_problem_work(&c->problem), 1 << 8, 1 << 11, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 3 << 19);
}

void attn_route_ran(struct attn_route *r, const struct attn_judgement *j)
{
    int class = j->worst > 0;
    for (double end = 1.0 / 64; class > 0 && class < 7 && j->worst > end; end *= 2)
        class++;
    r->class[ATTN_TRAIT_near] = (uint8_t)class;
}
