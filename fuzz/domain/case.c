/* case.c: a genome to a legal case within limits. See domain.h.
 *
 * First the shape (extents), then the layout (strides, offsets, buffers), whose byte count decides whether the shape
 * has to become smaller; types and switches that do not change sizes come last.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "fuzz/domain/shape.h"
#include "planner/arith.h"
#include "planner/random.h"

static const float softcaps[] = { 50.0f, 30.0f, 15.0f, 1.0f, 10.0f, 0.5f, 100.0f };
static const float max_biases[] = { 8.0f, 4.0f, 1.0f, 16.0f, 0.5f, 2.0f };

static int64_t smallest_divisor(int64_t n)
{
    for (int64_t d = 2; d <= 13; d++)
        if (n % d == 0)
            return d;
    return n;
}

static void set_mask(const struct attn_genome *g, const struct domain_shape *s, struct attn_tensor *mask)
{
    static const int32_t extra_kv[12] = { 0, 1, 7, 8, 16, 31, 32, 33, 64, 100, 225, 1024 };
    int64_t heads = 1, mask_seqs = 1, n_kv = s->n_kv, n_q = s->n_q;
    int64_t n_head = attn_mul_sat(s->kv_heads, s->ratio);
    if (domain_on(g, ATTN_FEATURE_MASK_WIDE) && !s->plain_mask) {
        uint32_t kv = GENE(g, mask_extra_kv), q = GENE(g, mask_extra_q);
        n_kv = kv == 0 ? attn_add_sat(n_kv, 256 - n_kv % 256) : attn_add_sat(n_kv, extra_kv[kv]);
        switch (q) {
        case 0: break;
        case 1: n_q = attn_add_sat(n_q, 1); break;
        case 2: n_q = attn_add_sat(n_q, 5); break;
        case 3: n_q = attn_add_sat(n_q, 7 - (n_q - 1) % 8); break;
        case 4: n_q = attn_add_sat(n_q, 31 - (n_q - 1) % 32); break;
        default: n_q = attn_add_sat(n_q, 63 - (n_q - 1) % 64); break;
        }
    }
    if (domain_on(g, ATTN_FEATURE_MASK_MULTI)) {
        switch (GENE(g, mask_heads)) {
        case 0: heads = n_head; break;
        case 1: heads = s->kv_heads; break;
        case 2: heads = s->ratio; break;
        case 3: heads = smallest_divisor(n_head); break;
        default: break;
        }
        switch (GENE(g, mask_seqs)) {
        case 0: mask_seqs = s->seqs; break;
        case 1: mask_seqs = smallest_divisor(s->seqs); break;
        default: break;
        }
    }
    attn_tensor_set(mask, ATTN_F16, n_kv, n_q, heads, mask_seqs);
}

static void set_extents(const struct attn_genome *g, const struct domain_shape *s, struct attn_problem *p)
{
    int64_t n_head = attn_mul_sat(s->kv_heads, s->ratio);
    memset(p, 0, sizeof *p);
    attn_tensor_set(&p->t[ATTN_Q], ATTN_F32, s->d_k, s->n_q, n_head, s->seqs);
    attn_tensor_set(&p->t[ATTN_K], s->type_k, s->d_k, s->n_kv, s->kv_heads, s->seqs);
    attn_tensor_set(&p->t[ATTN_V], s->type_v, s->d_v, s->n_kv, s->kv_heads, s->seqs);
    attn_tensor_set(&p->t[ATTN_DST], ATTN_F32, s->d_v, n_head, s->n_q, s->seqs);
    if (domain_on(g, ATTN_FEATURE_MASK) || domain_on(g, ATTN_FEATURE_ALIBI) || GENE(g, effort) == ATTN_EFFORT_SCAN ||
        domain_dead_tiles(g) || domain_ahead_masked(g))
        set_mask(g, s, &p->t[ATTN_MASK]);
    if (domain_on(g, ATTN_FEATURE_SINKS))
        attn_tensor_set(&p->t[ATTN_SINKS], ATTN_F32, n_head, 1, 1, 1);
}

static void put_junk(const struct attn_genome *g, struct attn_problem *p)
{
    uint64_t state = GENE(g, junk);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        if (!p->t[o].present)
            continue;
        for (int d = 1; d < 4; d++) {
            if (p->t[o].ne[d] != 1)
                continue;
            uint64_t junk = attn_random(&state);
            if (junk >> 63)
                p->t[o].nb[d] = (int64_t)(junk >> (8 + (junk >> 40 & 31)) & 0x7fffffff);
        }
    }
}

/* ---- The rest -------------------------------------------------------------------------------------------- */

static float choose_scale(const struct attn_genome *g, int64_t d_k)
{
    float usual = (float)(1.0 / sqrt((double)d_k));
    if (!domain_on(g, ATTN_FEATURE_SCALE))
        return usual;
    switch (GENE(g, scale)) {
    case 0: return 1.0f;
    case 1: return 0.0625f;
    case 2: return 0.125f;
    case 3: return 0.0f;
    case 4: return -usual;
    case 5: return 0.0417f;
    case 6: return 0.0009765625f;
    case 7: return 8.0f;
    case 8: return 1.0f / (float)d_k;
    case 9: return 1e-6f;
    case 10: return 100.0f;
    default: return 1e20f;
    }
}

/* That takes away asynchronous copies, of a device that has them. */
static int without_copies(const struct attn_device *device)
{
    struct attn_device weaker;
    for (int w = 0; w < attn_weakening_count(); w++)
        if (attn_device_weaken(device, w, &weaker, NULL) && !weaker.async_copy)
            return w;
    return -1;
}

static void choose_run(const struct attn_genome *g, struct attn_run *run)
{
    attn_run_default(run);
    run->device = domain_device(g);
    if (domain_on(g, ATTN_FEATURE_WEAKENED) && !domain_ahead(g)) {
        struct attn_device weaker;
        int w = (int)(GENE(g, weakening) % (uint32_t)attn_weakening_count());
        if (attn_device_weaken(attn_device(run->device), w, &weaker, NULL))
            run->weakening = w;
    }
    if (domain_groups(g))
        run->weakening = without_copies(attn_device(run->device));
    if (domain_on(g, ATTN_FEATURE_MASK) || domain_ahead_masked(g))
        run->mask = (int32_t)GENE(g, mask_content);
    if (domain_dead_tiles(g))
        run->mask = ATTN_MASK_TILES;
    if (domain_on(g, ATTN_FEATURE_DATA)) {
        run->data = (int32_t)GENE(g, profile);
        run->dead = GENE(g, live) != 3;
    }
    run->seed = GENE(g, seed);
    run->schedule = GENE(g, schedule);
}

/* Is the problem, laid out in so many bytes, within the limits? One with huge extents that is run in some rows alone
 * needs only addresses for the others. */
static bool is_within(const struct attn_domain_limits *limits, const struct domain_shape *s,
                      const struct attn_problem *p, int64_t bytes)
{
    const int64_t *dst = p->t[ATTN_DST].ne;
    if (s->sampled && domain_is_huge(s))
        return bytes <= limits->reach;
    return bytes <= limits->bytes && bytes < INT64_MAX && attn_problem_work(p) <= limits->work &&
           attn_mul_sat(attn_mul_sat(dst[0], dst[1]), attn_mul_sat(dst[2], dst[3])) <= limits->components;
}

/* Fewer keys, until a column tile with as many columns as kernels take together is within the limit. */
static void shorten(struct domain_shape *s)
{
    enum { COLUMNS = 64 };
    while (s->sampled && domain_is_huge(s) &&
           attn_mul_sat(s->n_kv * (s->d_k + s->d_v), attn_min(COLUMNS, attn_mul_sat(s->n_q, s->ratio))) > s->sampled &&
           domain_shorten(s))
        domain_settle(s);
}

void attn_genome_case(const struct attn_genome *g, const struct attn_domain_limits *limits, struct attn_case *c)
{
    attn_genome_case_sampled(g, limits, 0, c);
}

void attn_genome_case_sampled(const struct attn_genome *g, const struct attn_domain_limits *limits, int64_t tile_work,
                              struct attn_case *c)
{
    struct attn_problem *p = &c->problem;
    struct domain_shape s;

    memset(c, 0, sizeof *c);
    domain_choose_shape(g, limits, tile_work, &s);
    for (int round = 0;; round++) {
        shorten(&s);
        set_extents(g, &s, p);
        if (is_within(limits, &s, p, domain_lay_out(g, limits, &s, p)))
            break;
        if (!domain_shrink(&s, GENE(g, squeeze), round)) {
            if (s.plain_mask && s.near)
                break;
            s.near = s.plain_mask;
            s.plain_mask = true;
        }
        domain_settle(&s);
    }
    if (domain_on(g, ATTN_FEATURE_JUNK))
        put_junk(g, p);

    p->scale = choose_scale(g, s.d_k);
    p->softcap = domain_on(g, ATTN_FEATURE_SOFTCAP) ? softcaps[GENE(g, softcap)] : 0.0f;
    p->max_bias = domain_on(g, ATTN_FEATURE_ALIBI) ? max_biases[GENE(g, max_bias)] : 0.0f;
    p->head_first = domain_on(g, ATTN_FEATURE_SUBSET) ? GENE(g, head_first) : 0;
    p->head_total = attn_n_head(p) + p->head_first + (domain_on(g, ATTN_FEATURE_SUBSET) ? GENE(g, head_rest) : 0);
    choose_run(g, &c->run);
}
