/* regions.c: see regions.h. What kernels address is in kernels/args.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/properties/regions.h"

#include "planner/arith.h"

static int64_t product(const int64_t *factor, int n)
{
    int64_t result = 1;
    for (int i = 0; i < n; i++)
        result = attn_mul_sat(result, factor[i]);
    return result;
}

static bool has(const struct attn_plan *p, int step) { return p->steps >> step & 1; }

/* Every split of the main launch, blockIdx.y, leaves d_v floats for every row of dst; and a maximum and a sum. */
static int64_t parts(const struct attn_plan *p, int64_t floats)
{
    const struct attn_key *k = &p->key;
    const int64_t factor[] = { k->n_q, k->n_head, k->n_seq, p->launch[ATTN_STEP_MAIN].grid[1], floats, sizeof(float) };
    return has(p, ATTN_STEP_COMBINE) ? product(factor, sizeof factor / sizeof factor[0]) : 0;
}

/* A flag for each tile of keys and each block of query rows of every mask. */
static int64_t flags(const struct attn_plan *p)
{
    const struct attn_key *k = &p->key;
    if (!has(p, ATTN_STEP_SCAN))
        return 0;
    const int64_t factor[] = { k->mask_heads, k->mask_seqs, attn_ceil_div(k->n_q, p->scan_q),
                               attn_ceil_div(k->n_kv, p->kv_tile) };
    return product(factor, sizeof factor / sizeof factor[0]);
}

/* A dense copy of all that is not broadcast. */
static int64_t copy(const struct attn_plan *p, int step, int32_t type, int64_t row, const int64_t extent[3])
{
    if (!has(p, step))
        return 0;
    const int64_t factor[] = { attn_row_bytes(type, row), extent[0], extent[1], extent[2] };
    return product(factor, sizeof factor / sizeof factor[0]);
}

static int64_t needs(const struct attn_plan *p, int region)
{
    const struct attn_key *k = &p->key;
    switch (region) {
    case ATTN_REGION_K: return copy(p, ATTN_STEP_CONVERT_K, p->convert_k, k->d_k, k->k_copy);
    case ATTN_REGION_V: return copy(p, ATTN_STEP_CONVERT_V, p->convert_v, k->d_v, k->v_copy);
    case ATTN_REGION_PARTIAL: return parts(p, k->d_v);
    case ATTN_REGION_META: return parts(p, 2);
    case ATTN_REGION_SCAN: return flags(p);
    default: return 0;
    }
}

bool attn_regions_fit(const struct attn_plan *plan, struct attn_region_size *wrong)
{
    for (int r = 0; r < ATTN_REGION_COUNT; r++) {
        *wrong = (struct attn_region_size){ r, plan->region_bytes[r], needs(plan, r) };
        if (wrong->has != wrong->needs)
            return false;
    }
    return true;
}
