/* kernel_tile.c: contract, configuration and cost of `tile`, the kernel for every known head size: LDS tiles, no
 * matrix core. Kernel: kernels/tile.h.
 *
 * SPDX-License-Identifier: MIT */
#include "planner/contracts/contract.h"

enum {
    RATE = 40,   /* multiply-adds a ns and compute unit */
    DECODED = 4, /* elements of blocks that a compute unit decodes, and the ns that takes it (an H200) */
    DECODE_NS = 3,
    KEYS_MIN = 128 /* of a split */
};

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

/* Decoding a block once per column tile costs more than one pass that writes it as f16, from a few tiles on, where keys
 * are many enough to be worth a launch. */
static bool converts(const struct attn_key *k, int64_t columns, int type)
{
    return attn_type_info(type)->block_elems > 1 && k->n_kv > KEYS_MIN && contract_row_tiles(k, columns) >= 4;
}

static bool many_columns(const struct attn_device *d, const struct attn_key *k)
{
    (void)d;
    return attn_mul_sat(k->n_q, contract_gqa(k)) > ATTN_TILE_COLUMNS_FEW;
}

/* Columns of a workgroup: few, where the problem has no more or the device cannot run more. */
static int32_t columns_on(const struct attn_device *d, const struct attn_key *k)
{
    const int32_t columns = attn_tile_columns_most(contract_size(k, instances).d_k);
    if (!many_columns(d, k) || lds_of(k, columns) > contract_lds_limit(d) ||
        attn_tile_threads(columns) > d->max_threads)
        return ATTN_TILE_COLUMNS_FEW;
    return columns;
}

/* Elements of blocks that each column tile decodes by itself. */
static int64_t decoded(const struct attn_key *k, int32_t columns)
{
    const int64_t rows = attn_mul_sat(attn_mul_sat(k->n_kv, k->n_head_kv), k->n_seq);
    const bool of_k = attn_type_info(k->type_k)->block_elems > 1 && !converts(k, columns, k->type_k);
    const bool of_v = attn_type_info(k->type_v)->block_elems > 1 && !converts(k, columns, k->type_v);
    return attn_mul_sat(rows, (of_k ? k->d_k : 0) + (of_v ? k->d_v : 0));
}

/* Of the main launch, where it fills the device. */
static int64_t main_cost(const struct attn_device *d, const struct attn_key *k, const struct attn_plan *p)
{
    const struct attn_head_size *size = attn_head_size(p->head_size);
    int64_t once = contract_kv_bytes(k), tiles = contract_row_tiles(k, p->columns);
    /* Decoding through LDS, with barriers, reads at a third of the rate at best (measured on an H200, decode). */
    int64_t bytes = attn_mul_sat(attn_add_sat(once, attn_mul_sat(once / 4, tiles - 1)), 3);
    const int64_t cost =
        attn_max(cost_bytes(d, bytes), cost_madds(d, contract_madds(k, p->columns, size->d_k, size->d_v), RATE));
    return attn_max(cost, cost_madds(d, attn_mul_sat(attn_mul_sat(decoded(k, p->columns), tiles), DECODE_NS), DECODED));
}

static void configure(const struct attn_device *d, const struct attn_key *k, struct attn_plan *p)
{
    p->head_size = attn_head_size_instance(k->d_k, k->d_v, instances);
    const int32_t columns = columns_on(d, k);
    int32_t threads = attn_tile_threads(columns);
    int64_t work = contract_work(k, columns);
    contract_columns(p, k, columns);
    p->kv_tile = attn_tile_kv_tile(columns);
    p->waves = (int32_t)attn_ceil_div(threads, d->wave_size);

    if (converts(k, columns, k->type_k))
        contract_convert(p, ATTN_STEP_CONVERT_K, ATTN_REGION_K, d, k);
    if (converts(k, columns, k->type_v))
        contract_convert(p, ATTN_STEP_CONVERT_V, ATTN_REGION_V, d, k);
    p->load_k = p->convert_k >= 0 ? 16 : 1 << k->align_k;
    p->load_v = p->convert_v >= 0 ? 16 : 1 << k->align_v;

    contract_scan(p, d, k);
    int64_t splits = contract_splits(d, k, KEYS_MIN, contract_fill(d, work, 2));
    if (splits > 1)
        splits = contract_splits_that_pay(d, k, splits, work, main_cost(d, k, p));
    contract_split(p, d, k, KEYS_MIN, splits);
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
    int64_t main = cost_idle(d, main_cost(d, k, p), attn_mul_sat(contract_work(k, p->columns), p->splits));
    return (uint64_t)attn_add_sat(main, cost_helpers(d, k, p));
}

static bool converts_any(const struct attn_device *d, const struct attn_key *k)
{
    const int32_t columns = columns_on(d, k);
    return converts(k, columns, k->type_k) || converts(k, columns, k->type_v);
}

static const struct attn_cost_step steps[] = {
    { "converts",
      "K and V of blocks are each copied to f16 by a launch of its own, once four column tiles read them; where keys "
      "are few, launches are most of what it costs",
      4, converts_any },
};

const struct attn_kernel attn_kernel_tile = {
    .name = "tile",
    .purpose = "every known head size, no matrix core needed",
    .rules = rules,
    .n_rules = sizeof rules / sizeof rules[0],
    .steps = steps,
    .n_steps = sizeof steps / sizeof steps[0],
    .configure = configure,
    .cost = cost,
};
