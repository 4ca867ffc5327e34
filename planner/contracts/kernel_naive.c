/* kernel_naive.c: contract, configuration and cost of `naive`, the last resort that runs every legal problem.
 * Its rules hold on every device that attn_device_check lets through. Kernel: kernels/naive.hip.
 *
 * SPDX-License-Identifier: MIT */
#include "planner/contracts/contract.h"

static void rule_threads(const struct attn_device *d, const struct attn_key *k, int64_t *lhs, int64_t *rhs)
{
    (void)k;
    *lhs = ATTN_NAIVE_THREADS;
    *rhs = d->max_threads;
}

static void rule_lds(const struct attn_device *d, const struct attn_key *k, int64_t *lhs, int64_t *rhs)
{
    (void)k;
    *lhs = ATTN_NAIVE_LDS;
    *rhs = contract_lds_limit(d);
}

static const struct attn_rule rules[] = {
    { "threads", "the workgroup's threads fit the device", ATTN_REL_LE, ATTN_UNIT_THREADS, 0, rule_threads },
    { "lds", "its LDS fits the device", ATTN_REL_LE, ATTN_UNIT_BYTES, 0, rule_lds },
};

static void configure(const struct attn_device *d, const struct attn_key *k, struct attn_plan *p)
{
    p->head_size = -1;
    contract_columns(p, k, 1);
    p->kv_tile = ATTN_NAIVE_THREADS;
    p->waves = (int32_t)attn_ceil_div(ATTN_NAIVE_THREADS, d->wave_size);
    p->load_k = (int32_t)attn_type_info(k->type_k)->align_bytes;
    p->load_v = (int32_t)attn_type_info(k->type_v)->align_bytes;
    p->splits = 1;
    contract_launch(p, ATTN_STEP_MAIN, contract_grid_x(d, contract_rows(k)), 1, ATTN_NAIVE_THREADS, ATTN_NAIVE_LDS);
    p->arithmetic.kv_tile = ATTN_NAIVE_THREADS;
    /* A thread has a key's whole score; every thread adds up all weights, and its own elements of the output. */
    p->arithmetic.dot_chain = (int32_t)attn_min(k->d_k, INT32_MAX);
    p->arithmetic.values.block = 1;
}

static uint64_t cost(const struct attn_device *d, const struct attn_key *k, const struct attn_plan *p)
{
    /* One multiply-add a ns and compute unit, a fortieth of `tile`: rows are read by single threads, uncoalesced, and
     * every row of dst reads all of K and V again. Of V a workgroup reads one key's row after another, eight elements
     * a thread: short rows take as long as those of 128. To decode an element of a block is as much work again. */
    const int64_t d_k = k->d_k * (quantised(k->type_k) ? 2 : 1);
    const int64_t d_v = attn_max(k->d_v, 128) * (quantised(k->type_v) ? 2 : 1);
    int64_t main = cost_madds(d, contract_madds(k, 1, d_k, d_v), 1);
    return (uint64_t)attn_add_sat(cost_idle(d, main, contract_rows(k)), cost_helpers(d, k, p));
}

static bool unknown_size(const struct attn_device *d, const struct attn_key *k)
{
    (void)d;
    return !attn_head_size_known(k->d_k, k->d_v);
}

static const struct attn_cost_step steps[] = {
    { "head_size", "no other kernel has an instance for head sizes that are not known ones", 0, unknown_size },
};

const struct attn_kernel attn_kernel_naive = {
    .name = "naive",
    .purpose = "every legal problem: any head size, stride, offset and type",
    .rules = rules,
    .n_rules = sizeof rules / sizeof rules[0],
    .steps = steps,
    .n_steps = sizeof steps / sizeof steps[0],
    .configure = configure,
    .cost = cost,
};
