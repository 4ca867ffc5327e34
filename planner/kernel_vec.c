/* kernel_vec.c: contract, configuration and cost of `vec`, the kernel for decode: few query columns, K and V read
 * once in any type, n_kv split over the device. Kernel: kernels/vec.hip.
 *
 * SPDX-License-Identifier: MIT */
#include "contract.h"

enum { WAVES = 4 };

/* Head sizes with an instance, as bits of the known head size's index. */
static int64_t instances(void)
{
    int64_t set = 0;
    for (int i = 0; i < ATTN_HEAD_SIZE_COUNT; i++) {
        const struct attn_head_size *s = attn_head_size(i);
        if (s->d_k == s->d_v && (s->d_k == 64 || s->d_k == 128 || s->d_k == 256 || s->d_k == 512))
            set |= (int64_t)1 << i;
    }
    return set;
}

/* Query columns of a tile: the smallest instance that holds them all, at most 8; 4 where a row of K has 16 elements
 * for each lane, or there would be no registers left. */
static int32_t columns_for(const struct attn_device *d, const struct attn_key *k)
{
    int64_t columns = attn_mul_sat(k->n_q, contract_gqa(k));
    int32_t most = k->d_k > 8 * (int64_t)d->wave_size ? 4 : 8;
    return columns <= 1 ? 1 : columns <= 2 ? 2 : columns <= 4 ? 4 : most;
}

/* Static LDS of an instance (struct vec_lds in kernels/vec.h): maximum and sum of each wave and column; then for each
 * wave the weights of two tiles or, later, its part of the output of one or two columns. A wave has at least 8
 * elements of the output for each lane: short rows are held several times. */
static int64_t lds_bytes(int64_t wave_size, int64_t d_v, int64_t columns)
{
    int64_t weights = 2 * wave_size * columns;
    int64_t output = attn_min(columns, 2) * attn_max(8 * wave_size, d_v);
    return 4 * (2 * WAVES * columns + WAVES * attn_max(weights, output));
}

static void rule_head_size(const struct attn_device *d, const struct attn_key *k, int64_t *lhs, int64_t *rhs)
{
    (void)d;
    *lhs = attn_head_size_operand(k->d_k, k->d_v);
    *rhs = instances();
}

static void rule_threads(const struct attn_device *d, const struct attn_key *k, int64_t *lhs, int64_t *rhs)
{
    (void)k;
    *lhs = (int64_t)WAVES * d->wave_size;
    *rhs = d->max_threads;
}

static void rule_lds(const struct attn_device *d, const struct attn_key *k, int64_t *lhs, int64_t *rhs)
{
    /* Every rule is evaluated for every head size when all are asked for: clipped, no size overflows. */
    *lhs = lds_bytes(d->wave_size, attn_min(k->d_v, INT32_MAX), 1);
    *rhs = contract_lds_limit(d);
}

static const struct attn_rule rules[] = {
    { "head_size", "an instance exists for the head sizes", ATTN_REL_MEMBER, ATTN_UNIT_HEAD_SIZE, 1, rule_head_size },
    { "threads", "the workgroup's threads fit the device", ATTN_REL_LE, ATTN_UNIT_THREADS, 0, rule_threads },
    { "lds", "the LDS of one column fits the device", ATTN_REL_LE, ATTN_UNIT_BYTES, 0, rule_lds },
};

static void configure(const struct attn_device *d, const struct attn_key *k, struct attn_plan *p)
{
    int32_t columns = columns_for(d, k);
    while (columns > 1 && lds_bytes(d->wave_size, k->d_v, columns) > contract_lds_limit(d))
        columns /= 2;
    int64_t work = contract_work(k, columns);
    contract_columns(p, k, columns);
    p->kv_tile = d->wave_size;
    p->waves = WAVES;
    p->load_k = 1 << k->align_k;
    p->load_v = 1 << k->align_v;
    /* Every wave has keys; and where there are many, as many workgroups as run in whole turns, but no more. 12 for a compute
     * unit are four turns of three (sm_90) or three of four; one split more would be a turn more, mostly empty: on an H200
     * 13 splits in place of 12 cost 7 % of the rate. */
    contract_split(p, d, k, (int64_t)WAVES * d->wave_size,
                   k->n_kv < 8192 ? contract_fill(d, work, 4) : (int64_t)d->n_cu * 12 / work);
    contract_launch(p, ATTN_STEP_MAIN, contract_grid_x(d, work), (uint32_t)p->splits, (uint32_t)(WAVES * d->wave_size),
                    (uint32_t)lds_bytes(d->wave_size, k->d_v, columns));
    p->arithmetic.kv_tile = p->kv_tile;
    p->arithmetic.merges = WAVES + p->splits;
}

static uint64_t cost(const struct attn_device *d, const struct attn_key *k, const struct attn_plan *p)
{
    /* Every column tile reads K and V again; from the second on mostly out of the cache, at four times the rate. */
    int64_t once = contract_kv_bytes(k), tiles = contract_row_tiles(k, p->columns);
    int64_t bytes = attn_add_sat(once, attn_mul_sat(once / 4, tiles - 1));
    if (p->load_k < 16 || p->load_v < 16)
        bytes = attn_mul_sat(bytes, 2);
    int64_t main = attn_max(cost_bytes(d, bytes), cost_madds(d, contract_madds(k, p->columns), 32));
    main = cost_idle(d, main, attn_mul_sat(contract_work(k, p->columns), p->splits));
    return (uint64_t)attn_add_sat(main, cost_helpers(d, k, p));
}

const struct attn_kernel attn_kernel_vec = {
    .name = "vec",
    .purpose = "decode: few query columns, every KV type read directly, split over n_kv",
    .rules = rules,
    .n_rules = sizeof rules / sizeof rules[0],
    .configure = configure,
    .cost = cost,
};
