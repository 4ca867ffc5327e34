/* kernel_mma.c: contract, configuration and cost of `mma`, the kernel for prefill, and for drafts and decode where
 * query heads share a KV head: matrix cores. Kernel: kernels/mma/mma.h, group.h and ahead.h.
 *
 * Operands are f16 or bf16, K and V alike. Quantised types are converted to f16 first (where a block's scale is so
 * large that an element passes f16's range, convert saturates it); f32 and bf16 values may lie outside f16's range, so
 * f32, and bf16 beside another type, are for other kernels.
 *
 * SPDX-License-Identifier: MIT */
#include "planner/contracts/contract.h"

enum {
    KEYS_MIN = 128,      /* of a split */
    GROUP_KEYS_MIN = 512 /* of a problem in warpgroups where tiles could be copied ahead */
};

static int32_t threads_of(const struct attn_device *d, struct attn_mma_shape s)
{
    return s.groups * s.split * d->wave_size;
}

/* Head sizes with an instance, as bits of the table's indices. */
static int64_t instances(void)
{
    int64_t set = 0;
#define X(d_k, d_v) set |= (int64_t)1 << ATTN_HEAD_SIZE_##d_k##_##d_v;
    ATTN_MMA_HEAD_SIZES(X)
#undef X
    return set;
}

static bool fits(const struct attn_device *d, struct attn_head_size size, struct attn_mma_shape s)
{
    int64_t limit = attn_mma_dynamic(s) ? d->lds_bytes : contract_lds_limit(d);
    return attn_mma_lds(s, size.d_k, size.d_v) <= limit && threads_of(d, s) <= d->max_threads;
}

/* The instance that a key runs on: of those that hold its heads and whose smallest configuration the device can run
 * (tiles of larger heads have fewer keys, and may take less LDS), the smallest. Where the device can run none, the
 * smallest of all, which the rules about threads and LDS are then about. -1: there is none. */
static int instance_on(const struct attn_device *d, const struct attn_key *k)
{
    int64_t left = instances();
    int first = -1;
    for (int i; (i = attn_head_size_instance(k->d_k, k->d_v, left)) >= 0; left &= ~((int64_t)1 << i)) {
        if (fits(d, *attn_head_size(i), attn_mma_few(attn_head_size(i)->d_k)))
            return i;
        first = first < 0 ? i : first;
    }
    return first;
}

/* Has the device NVIDIA's mma.sync, alone or among others? */
static bool of_sm80(const struct attn_device *d) { return attn_matrix_base(d->matrix) == ATTN_MATRIX_MMA_SM80; }

/* The largest that the problem has columns for and the device can run. */
static struct attn_mma_shape shape_of(const struct attn_device *d, const struct attn_key *k, struct attn_head_size size)
{
    const int64_t d_k = size.d_k;
    const int64_t columns = attn_mul_sat(k->n_q, contract_gqa(k));
    const struct attn_mma_shape warpgroups = attn_mma_group(d_k), many = attn_mma_many(d->matrix, d_k),
                                ahead = attn_mma_ahead(d_k);
    const bool copies_ahead = of_sm80(d) && d->async_copy && d_k > ATTN_MMA_WHOLE_MOST && fits(d, size, ahead);
    if (columns <= ATTN_MMA_COLUMNS)
        return attn_mma_few(d_k);
    /* Warpgroups copy whole rows of their own head size. They take 10 to 20 us longer to begin and end than waves with
     * tiles ahead (an H200), which the problem has to be worth. */
    if (d->matrix == ATTN_MATRIX_WGMMA_SM90 && k->d_k == d_k && d_k <= ATTN_MMA_GROUP_MOST &&
        (!copies_ahead || (columns >= 2 * ATTN_MMA_COLUMNS * warpgroups.groups && k->n_kv >= GROUP_KEYS_MIN)) &&
        fits(d, size, warpgroups))
        return warpgroups;
    if (copies_ahead)
        return ahead;
    return fits(d, size, many) ? many : attn_mma_few(d_k);
}

/* What the row of a device's family says. */
struct family {
    int32_t wave_size, rate;
};

static struct family family_of(const struct attn_device *d)
{
    switch (d->matrix) {
#define X(NAME, name, wave, base, rate, ...) \
    case ATTN_MATRIX_##NAME: return (struct family){ wave, rate };
        ATTN_MATRICES(X)
#undef X
    default: return (struct family){ 32, 1 };
    }
}

/* The types that may go with operands of `type`, as bits. */
static int64_t types_with(int type)
{
    int64_t set = 0;
    for (int t = 0; t < ATTN_TYPE_COUNT; t++)
        if (type == ATTN_BF16 ? t == ATTN_BF16 : t == ATTN_F16 || quantised(t))
            set |= (int64_t)1 << t;
    return set;
}

static void rule_matrix(const struct attn_device *d, const struct attn_key *k, int64_t *lhs, int64_t *rhs)
{
    (void)k;
    *lhs = d->matrix;
    *rhs = ATTN_MATRIX_NONE + 1;
}

static void rule_wave(const struct attn_device *d, const struct attn_key *k, int64_t *lhs, int64_t *rhs)
{
    (void)k;
    *lhs = d->wave_size;
    *rhs = family_of(d).wave_size;
}

static void rule_head_size(const struct attn_device *d, const struct attn_key *k, int64_t *lhs, int64_t *rhs)
{
    (void)d;
    *lhs = contract_head_size(k, instances());
    *rhs = instances();
}

static void rule_type_k(const struct attn_device *d, const struct attn_key *k, int64_t *lhs, int64_t *rhs)
{
    (void)d;
    *lhs = k->type_k;
    *rhs = types_with(ATTN_F16) | types_with(ATTN_BF16);
}

static void rule_type_v(const struct attn_device *d, const struct attn_key *k, int64_t *lhs, int64_t *rhs)
{
    (void)d;
    *lhs = k->type_v;
    *rhs = types_with(k->type_k);
}

static void rule_threads(const struct attn_device *d, const struct attn_key *k, int64_t *lhs, int64_t *rhs)
{
    *lhs = threads_of(d, attn_mma_few(contract_size_of(k, instance_on(d, k)).d_k));
    *rhs = d->max_threads;
}

static void rule_lds(const struct attn_device *d, const struct attn_key *k, int64_t *lhs, int64_t *rhs)
{
    const struct attn_head_size size = contract_size_of(k, instance_on(d, k));
    *lhs = attn_mma_lds(attn_mma_few(size.d_k), size.d_k, size.d_v);
    *rhs = contract_lds_limit(d);
}

/* The end of the workspace's regions of converted K and V. */
static int64_t copies_end(const struct attn_key *k)
{
    int64_t end = 0;
    for (int i = 0; i < 2; i++)
        if (quantised(i ? k->type_v : k->type_k))
            end = contract_region_end(end & ~(int64_t)255, attn_mul_sat(contract_copy_elements(k, i == 0), 2));
    return end;
}

static void rule_workspace(const struct attn_device *d, const struct attn_key *k, int64_t *lhs, int64_t *rhs)
{
    (void)d;
    *lhs = copies_end(k);
    *rhs = CONTRACT_WORKSPACE_MAX;
}

static const struct attn_rule rules[] = {
    { "matrix", "the device has matrix cores", ATTN_REL_GE, ATTN_UNIT_COUNT_OF, 1, rule_matrix },
    { "wave", "the waves are those of the matrix cores' instructions", ATTN_REL_EQ, ATTN_UNIT_COUNT_OF, 1, rule_wave },
    { "head_size", "an instance exists for the head sizes", ATTN_REL_MEMBER, ATTN_UNIT_HEAD_SIZE, 1, rule_head_size },
    { "type_k", "K is of 16 bits or quantised", ATTN_REL_MEMBER, ATTN_UNIT_TYPE, 1, rule_type_k },
    { "type_v", "V's type becomes the same operand as K's", ATTN_REL_MEMBER, ATTN_UNIT_TYPE, 1, rule_type_v },
    { "threads", "the threads of the smallest configuration fit the device", ATTN_REL_LE, ATTN_UNIT_THREADS, 0,
      rule_threads },
    { "lds", "the LDS of the smallest configuration fits the device", ATTN_REL_LE, ATTN_UNIT_BYTES, 0, rule_lds },
    { "workspace", "the copies of quantised K and V fit the workspace", ATTN_REL_LE, ATTN_UNIT_BYTES, 0,
      rule_workspace },
};

static const struct attn_rule_need needs[] = {
    { "workspace",
      "matrix cores read no quantised type, so that without its copies the kernel has no operands; and what "
      "fails the rule is larger than any memory" },
};

/* Multiply-adds. Groups of waves without a column have none to do, but four waves' time is the least: a compute unit
 * has four SIMDs. */
static int64_t madds(const struct attn_key *k, const struct attn_plan *p, const struct attn_head_size *size)
{
    const int64_t waves_of_group = (int64_t)p->waves * ATTN_MMA_COLUMNS / p->columns;
    const int64_t least = attn_min(p->columns, ATTN_MMA_COLUMNS * attn_max(1, 4 / waves_of_group));
    const int64_t columns = attn_mul_sat(k->n_q, contract_gqa(k)), ragged = columns % p->columns;
    const int64_t filled = attn_add_sat(columns - ragged, attn_round_up(ragged, least));
    const int64_t cells = attn_mul_sat(attn_mul_sat(filled, attn_mul_sat(k->n_head_kv, k->n_seq)), k->n_kv);
    return attn_mul_sat(cells, size->d_k + size->d_v);
}

/* Of the main launch, where it fills the device. */
static int64_t main_cost(const struct attn_device *d, const struct attn_key *k, const struct attn_plan *p,
                         struct attn_mma_shape s)
{
    /* What passes through LDS, with barriers, comes a quarter slower than what vec reads. Multiply-adds a ns and
     * compute unit as an H200 took: in warpgroups 8,192 tokens, D=128; with tiles ahead 4,096, D=256, and 2,048, D=512
     * (620 and 470); heads of that size without tiles ahead, where LDS is short, are no faster. */
    const bool large = of_sm80(d) && attn_head_size(p->head_size)->d_k > ATTN_MMA_WHOLE_MOST;
    const int32_t rate = s.warpgroups ? 1040 : attn_mma_is_ahead(s) ? 500 : large ? 420 : family_of(d).rate;
    const struct attn_head_size *size = attn_head_size(p->head_size);
    int64_t once = contract_kv_bytes(k), tiles = contract_row_tiles(k, p->columns);
    int64_t bytes = attn_add_sat(attn_add_sat(once, once / 4), attn_mul_sat(once / 4, tiles - 1));
    return attn_max(cost_bytes(d, bytes), cost_madds(d, madds(k, p, size), rate));
}

/* Workgroups that a compute unit has at most where keys are split: as many as are there at once where registers (of
 * warpgroups) or LDS (where tiles are copied ahead) let in few. */
static int64_t resident(const struct attn_device *d, struct attn_mma_shape s, int64_t lds)
{
    return s.warpgroups ? 1 : s.stages == 0 ? 2 : attn_max(1, attn_min(2, attn_div(d->lds_bytes, lds)));
}

static void configure(const struct attn_device *d, const struct attn_key *k, struct attn_plan *p)
{
    p->head_size = instance_on(d, k);
    const struct attn_head_size size = *attn_head_size(p->head_size);
    const struct attn_mma_shape s = shape_of(d, k, size);
    uint32_t lds = (uint32_t)attn_mma_lds(s, size.d_k, size.d_v);
    int32_t columns = ATTN_MMA_COLUMNS * s.groups;
    int64_t work = contract_work(k, columns);
    contract_columns(p, k, columns);
    p->kv_tile = s.kv_tile;
    p->waves = s.groups * s.split;

    if (quantised(k->type_k))
        contract_convert(p, ATTN_STEP_CONVERT_K, ATTN_REGION_K, d, k);
    if (quantised(k->type_v))
        contract_convert(p, ATTN_STEP_CONVERT_V, ATTN_REGION_V, d, k);
    p->load_k = p->convert_k >= 0 ? 16 : 1 << k->align_k;
    p->load_v = p->convert_v >= 0 ? 16 : 1 << k->align_v;

    contract_scan(p, d, k);
    const bool dynamic = attn_mma_dynamic(s);
    int64_t splits = contract_splits(d, k, KEYS_MIN, contract_fill(d, work, resident(d, s, lds)));
    if (splits > 1)
        splits = contract_splits_that_pay(d, k, splits, work, main_cost(d, k, p, s));
    contract_split(p, d, k, KEYS_MIN, splits);
    contract_launch(p, ATTN_STEP_MAIN, contract_grid_x(d, work), (uint32_t)p->splits, (uint32_t)threads_of(d, s),
                    dynamic ? 0 : lds);
    p->launch[ATTN_STEP_MAIN].lds_dynamic_bytes = dynamic ? lds : 0;

    bool bf16 = k->type_k == ATTN_BF16;
    p->arithmetic.mask_asked = attn_mma_is_ahead(s) && k->mask_heads > 0;
    p->arithmetic.q_rest_first = s.warpgroups;
    p->arithmetic.kv_tile = p->kv_tile;
    p->arithmetic.splits = p->splits;
    contract_operands(p, d, bf16, bf16 ? ATTN_MMA_P_PARTS_BF16 : 1);

    /* The waves of a group share out a head's steps, and the elements of the output; lanes share a column's weights. */
    p->arithmetic.dot_chain = (int32_t)attn_ceil_div(attn_ceil_div(size.d_k, ATTN_MMA_STEP), s.split) *
                              (ATTN_MMA_STEP / p->arithmetic.depth) * ATTN_MMA_Q_PARTS;
    p->arithmetic.dot_joins = s.split > 1 ? contract_levels(s.split) + 1 : 0;
    p->arithmetic.weights.lanes = attn_mma_share(d->matrix);
    p->arithmetic.weights.joins = contract_levels(attn_mma_share(d->matrix));
    p->arithmetic.values.block = ATTN_MMA_STEP;
}

static uint64_t cost(const struct attn_device *d, const struct attn_key *k, const struct attn_plan *p)
{
    int64_t main = main_cost(d, k, p, shape_of(d, k, *attn_head_size(p->head_size)));
    main = cost_idle(d, main, attn_mul_sat(contract_work(k, p->columns), p->splits));
    return (uint64_t)attn_add_sat(main, cost_helpers(d, k, p));
}

const struct attn_kernel attn_kernel_mma = {
    .name = "mma",
    .purpose = "prefill, drafts and decode with shared KV heads: matrix cores, f16 or bf16",
    .rules = rules,
    .n_rules = sizeof rules / sizeof rules[0],
    .needs = needs,
    .n_needs = sizeof needs / sizeof needs[0],
    .configure = configure,
    .cost = cost,
};
