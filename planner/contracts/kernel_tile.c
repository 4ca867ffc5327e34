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

/* Elements of K or V. */
static int64_t elements_of(const struct attn_key *k, int64_t head)
{
    return attn_mul_sat(attn_mul_sat(k->n_kv, head), attn_mul_sat(k->n_head_kv, k->n_seq));
}

/* Of so many elements of blocks, where each column tile decodes them by itself. */
static int64_t decode_cost(const struct attn_device *d, const struct attn_key *k, int32_t columns, int64_t elements)
{
    const int64_t decoded = attn_mul_sat(elements, contract_row_tiles(k, columns));
    return cost_madds(d, attn_mul_sat(decoded, DECODE_NS), DECODED);
}

/* Is K or V, of heads so large, better decoded once, into a copy of f16? That is a launch, and two bytes of each
 * element are written and, through LDS, read at a third of the rate. */
static bool converts(const struct attn_device *d, const struct attn_key *k, int32_t columns, int type, int64_t head)
{
    if (attn_type_info(type)->block_elems == 1)
        return false;
    const int64_t work = contract_work(k, columns), elements = elements_of(k, head);
    const int64_t blocks = attn_mul_sat(work, contract_splits(d, k, KEYS_MIN, contract_fill(d, work, 2)));
    return cost_idle(d, decode_cost(d, k, columns, elements), blocks) >
           attn_add_sat(COST_LAUNCH, cost_bytes(d, attn_mul_sat(elements, 2 + 2 * 3)));
}

/* Elements of blocks that the plan has no copies of. */
static int64_t decoded(const struct attn_key *k, const struct attn_plan *p)
{
    const bool of_k = quantised(k->type_k) && p->convert_k < 0;
    const bool of_v = quantised(k->type_v) && p->convert_v < 0;
    return elements_of(k, (of_k ? k->d_k : 0) + (of_v ? k->d_v : 0));
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
    return attn_max(cost, decode_cost(d, k, p->columns, decoded(k, p)));
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

    if (converts(d, k, columns, k->type_k, k->d_k))
        contract_convert(p, ATTN_STEP_CONVERT_K, ATTN_REGION_K, d, k);
    if (converts(d, k, columns, k->type_v, k->d_v))
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

const struct attn_kernel attn_kernel_tile = {
    .name = "tile",
    .purpose = "every known head size, no matrix core needed",
    .rules = rules,
    .n_rules = sizeof rules / sizeof rules[0],
    .configure = configure,
    .cost = cost,
};
