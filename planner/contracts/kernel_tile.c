/* kernel_tile.c: contract, configuration and cost of `tile`, the kernel for every known head size: LDS tiles, no
 * matrix core. Kernel: kernels/tile.h.
 *
 * SPDX-License-Identifier: MIT */
#include "planner/contracts/contract.h"

/* All of the table. */
static const int64_t instances = ((int64_t)1 << ATTN_HEAD_SIZE_COUNT) - 1;

static int64_t lds_of(const struct attn_key *k, int64_t columns)
{
    const struct attn_head_size size = contract_size(k, instances);
    return attn_tile_lds(size.d_k, size.d_v, columns);
}

static void rule_head_size(const struct attn_device *d, const struct attn_key *k, int64_t *lhs, int64_t *rhs)
{
    (void)d;
    *lhs = contract_head_size(k, instances);
    *rhs = instances;
}

static void rule_threads(const struct attn_device *d, const struct attn_key *k, int64_t *lhs, int64_t *rhs)
{
    (void)k;
    *lhs = attn_tile_threads(ATTN_TILE_COLUMNS_FEW);
    *rhs = d->max_threads;
}

static void rule_lds(const struct attn_device *d, const struct attn_key *k, int64_t *lhs, int64_t *rhs)
{
    *lhs = lds_of(k, ATTN_TILE_COLUMNS_FEW);
    *rhs = contract_lds_limit(d);
}

static const struct attn_rule rules[] = {
    { "head_size", "an instance exists for the head sizes", ATTN_REL_MEMBER, ATTN_UNIT_HEAD_SIZE, 1, rule_head_size },
    { "threads", "the threads of the smallest configuration fit the device", ATTN_REL_LE, ATTN_UNIT_THREADS, 0,
      rule_threads },
    { "lds", "the LDS of the smallest configuration fits the device", ATTN_REL_LE, ATTN_UNIT_BYTES, 0, rule_lds },
};

static void configure(const struct attn_device *d, const struct attn_key *k, struct attn_plan *p)
{
    p->head_size = attn_head_size_instance(k->d_k, k->d_v, instances);
    int32_t columns = attn_tile_columns_most(attn_head_size(p->head_size)->d_k);
    bool few = attn_mul_sat(k->n_q, contract_gqa(k)) <= ATTN_TILE_COLUMNS_FEW;
    if (few || lds_of(k, columns) > contract_lds_limit(d) || attn_tile_threads(columns) > d->max_threads)
        columns = ATTN_TILE_COLUMNS_FEW;
    int32_t threads = attn_tile_threads(columns);
    int64_t work = contract_work(k, columns);
    contract_columns(p, k, columns);
    p->kv_tile = attn_tile_kv_tile(columns);
    p->waves = (int32_t)attn_ceil_div(threads, d->wave_size);

    /* Decoding a block once per column tile costs more than one pass that writes it as f16, from a few tiles on. */
    bool often = contract_row_tiles(k, columns) >= 4;
    if (often && attn_type_info(k->type_k)->block_elems > 1)
        contract_convert(p, ATTN_STEP_CONVERT_K, ATTN_REGION_K, d, k);
    if (often && attn_type_info(k->type_v)->block_elems > 1)
        contract_convert(p, ATTN_STEP_CONVERT_V, ATTN_REGION_V, d, k);
    p->load_k = p->convert_k >= 0 ? 16 : 1 << k->align_k;
    p->load_v = p->convert_v >= 0 ? 16 : 1 << k->align_v;

    contract_scan(p, d, k);
    contract_split(p, d, k, 128, contract_fill(d, work, 2));
    contract_launch(p, ATTN_STEP_MAIN, contract_grid_x(d, work), (uint32_t)p->splits, (uint32_t)threads,
                    (uint32_t)lds_of(k, columns));
    p->arithmetic.kv_tile = p->kv_tile;
    /* A thread has a key's whole score, the weights of its own keys, and its elements of the output over all keys. */
    p->arithmetic.splits = p->splits;
    p->arithmetic.dot_chain = attn_head_size(p->head_size)->d_k;
    p->arithmetic.weights.lanes = ATTN_TILE_LANES;
    p->arithmetic.weights.joins = contract_levels(ATTN_TILE_LANES);
    p->arithmetic.values.block = 1;
}

static uint64_t cost(const struct attn_device *d, const struct attn_key *k, const struct attn_plan *p)
{
    const struct attn_head_size *size = attn_head_size(p->head_size);
    int64_t once = contract_kv_bytes(k), tiles = contract_row_tiles(k, p->columns);
    /* Decoding through LDS, with barriers, reads at a third of the rate at best (measured on an H200, decode). */
    int64_t bytes = attn_mul_sat(attn_add_sat(once, attn_mul_sat(once / 4, tiles - 1)), 3);
    int64_t main =
        attn_max(cost_bytes(d, bytes), cost_madds(d, contract_madds(k, p->columns, size->d_k, size->d_v), 40));
    main = cost_idle(d, main, attn_mul_sat(contract_work(k, p->columns), p->splits));
    return (uint64_t)attn_add_sat(main, cost_helpers(d, k, p));
}

const struct attn_kernel attn_kernel_tile = {
    .name = "tile",
    .purpose = "every known head size, no matrix core needed",
    .rules = rules,
    .n_rules = sizeof rules / sizeof rules[0],
    .configure = configure,
    .cost = cost,
};
