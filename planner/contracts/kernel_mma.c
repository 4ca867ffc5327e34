/* kernel_mma.c: contract, configuration and cost of `mma`, the kernel for prefill, and for drafts and decode where
 * query heads share a KV head: matrix cores. Kernel: kernels/mma/mma.h, with the same numbers in struct mma_shape and
 * kernels/mma/instances.h.
 *
 * Operands are f16 or bf16, K and V alike. Quantised types are converted to f16 first (where a block's scale is so
 * large that an element passes f16's range, convert saturates it); f32 and bf16 values may lie outside f16's range, so
 * f32, and bf16 beside another type, are for other kernels.
 *
 * SPDX-License-Identifier: MIT */
#include "planner/contracts/contract.h"

enum { COLUMNS_FEW = 16, Q_PARTS = 2, Q_SHIFT_F16 = 14, P_SHIFT_F16 = 15, P_PARTS_BF16 = 2 };

/* An instance: groups of 16 columns, waves that each group's head is split over, keys of a tile; warpgroups:
 * kernels/mma/group.h, with dynamic LDS. */
struct shape {
    int32_t groups, split, kv_tile;
    bool warpgroups;
};

static struct shape shape_few(int64_t d_k)
{
    return d_k > 256 ? (struct shape){ 1, 8, 16, false } : (struct shape){ 1, 4, 32, false };
}

static struct shape shape_many(const struct attn_device *d, int64_t d_k)
{
    bool rdna = d->matrix == ATTN_MATRIX_WMMA_GFX11 || d->matrix == ATTN_MATRIX_WMMA_GFX12;
    if (d_k > 256)
        return shape_few(d_k);
    if (d_k > 128)
        return rdna ? (struct shape){ 2, 4, 16, false } : (struct shape){ 2, 2, 32, false };
    if (attn_matrix_runs(d->matrix, ATTN_MATRIX_MMA_SM80))
        return (struct shape){ 8, 1, 64, false };
    return (struct shape){ 4, rdna ? 2 : 1, 32, false };
}

static int32_t threads_of(const struct attn_device *d, struct shape s) { return s.groups * s.split * d->wave_size; }

static int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

/* LDS of an instance. Of waves (struct mma_lds, static): K and V with rows padded by eight elements, V's to a multiple
 * of 32 first; the waves' parts of the scores; the keys that live for each wave. Of warpgroups (struct mma_group_lds,
 * dynamic): Q in its parts, two tiles of K and of V, all in panels of 64 elements; a number for each column; those
 * keys. */
static int64_t lds_bytes(struct shape s, int64_t d_k, int64_t d_v)
{
    int64_t waves = (int64_t)s.groups * s.split;
    if (s.warpgroups) {
        int64_t q = Q_PARTS * 16 * s.groups * round_up(d_k, 64),
                kv = 2 * s.kv_tile * (round_up(d_k, 64) + round_up(d_v, 64));
        return round_up(2 * (q + kv) + 4 * 16 * s.groups + 8 * waves, 1024);
    }
    int64_t rows = d_k + 8 + round_up(d_v, 32) + 8;
    int64_t parts = s.split > 1 ? waves * s.kv_tile * 16 : 4;
    return 2 * s.kv_tile * rows + 4 * parts + 8 * ((waves + 1) / 2 * 2);
}

static bool fits(const struct attn_device *d, const struct attn_key *k, struct shape s)
{
    int64_t limit = s.warpgroups ? d->lds_bytes : contract_lds_limit(d);
    return lds_bytes(s, k->d_k, k->d_v) <= limit && threads_of(d, s) <= d->max_threads;
}

/* The largest that the problem has columns for and the device can run. */
static struct shape shape_of(const struct attn_device *d, const struct attn_key *k)
{
    const struct shape warpgroups = { 8, 1, 64, true }, many = shape_many(d, k->d_k);
    if (attn_mul_sat(k->n_q, contract_gqa(k)) <= COLUMNS_FEW)
        return shape_few(k->d_k);
    if (d->matrix == ATTN_MATRIX_WGMMA_SM90 && k->d_k <= 128 && fits(d, k, warpgroups))
        return warpgroups;
    return fits(d, k, many) ? many : shape_few(k->d_k);
}

/* Head sizes with an instance, as bits of the known head size's index. */
static int64_t instances(void)
{
    int64_t set = 0;
    for (int i = 0; i < ATTN_HEAD_SIZE_COUNT; i++)
        if (attn_head_size(i)->d_k % 16 == 0 && attn_head_size(i)->d_k >= 64)
            set |= (int64_t)1 << i;
    return set;
}

static bool quantised(int type) { return attn_type_info(type)->block_elems > 1; }

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
    *rhs = d->matrix == ATTN_MATRIX_MFMA ? 64 : 32;
}

static void rule_head_size(const struct attn_device *d, const struct attn_key *k, int64_t *lhs, int64_t *rhs)
{
    (void)d;
    *lhs = attn_head_size_operand(k->d_k, k->d_v);
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
    *lhs = threads_of(d, shape_few(k->d_k));
    *rhs = d->max_threads;
}

static void rule_lds(const struct attn_device *d, const struct attn_key *k, int64_t *lhs, int64_t *rhs)
{
    /* Every rule is evaluated for every head size when all are asked for: clipped, no size overflows. */
    *lhs = lds_bytes(shape_few(k->d_k), attn_min(k->d_k, INT32_MAX), attn_min(k->d_v, INT32_MAX));
    *rhs = contract_lds_limit(d);
}

/* The end of the workspace's regions of converted K and V, as contract_region reckons it. */
static int64_t copies_end(const struct attn_key *k)
{
    int64_t end = 0;
    for (int i = 0; i < 2; i++) {
        const int64_t *copy = i ? k->v_copy : k->k_copy;
        int64_t elements = attn_mul_sat(attn_mul_sat(i ? k->d_v : k->d_k, copy[0]), attn_mul_sat(copy[1], copy[2]));
        if (quantised(i ? k->type_v : k->type_k))
            end = attn_add_sat(attn_add_sat(end & ~(int64_t)255, attn_mul_sat(elements, 2)), 255);
    }
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

static void configure(const struct attn_device *d, const struct attn_key *k, struct attn_plan *p)
{
    struct shape s = shape_of(d, k);
    uint32_t lds = (uint32_t)lds_bytes(s, k->d_k, k->d_v);
    int32_t columns = 16 * s.groups;
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
    contract_split(p, d, k, 128, contract_fill(d, work, 2));
    contract_launch(p, ATTN_STEP_MAIN, contract_grid_x(d, work), (uint32_t)p->splits, (uint32_t)threads_of(d, s),
                    s.warpgroups ? 0 : lds);
    p->launch[ATTN_STEP_MAIN].lds_dynamic_bytes = s.warpgroups ? lds : 0;

    bool bf16 = k->type_k == ATTN_BF16;
    p->arithmetic.kv_tile = p->kv_tile;
    p->arithmetic.merges = p->splits;
    p->arithmetic.matrix = 1;
    p->arithmetic.flush = d->matrix_flush;
    p->arithmetic.q_type = p->arithmetic.p_type = bf16 ? ATTN_BF16 : ATTN_F16;
    p->arithmetic.q_parts = Q_PARTS;
    p->arithmetic.q_shift = bf16 ? 0 : Q_SHIFT_F16;
    p->arithmetic.p_parts = bf16 ? P_PARTS_BF16 : 1;
    p->arithmetic.p_shift = bf16 ? 0 : P_SHIFT_F16;
}

/* Multiply-adds a ns and compute unit, about a third of what the matrix cores can do (data sheets of the table's
 * cards): Q K^T is done twice, and there is more to do than multiply. In warpgroups: as an H200 took, 8,192 tokens,
 * D=128. */
static int64_t rate(const struct attn_plan *p)
{
    if (p->launch[ATTN_STEP_MAIN].lds_dynamic_bytes > 0)
        return 1040;
    switch (p->device.matrix) {
    case ATTN_MATRIX_WMMA_GFX11: return 200;
    case ATTN_MATRIX_WMMA_GFX12: return 400;
    case ATTN_MATRIX_MMA_SM80:
    case ATTN_MATRIX_WGMMA_SM90: return 900;
    default: return 500;
    }
}

static uint64_t cost(const struct attn_device *d, const struct attn_key *k, const struct attn_plan *p)
{
    /* What passes through LDS, with barriers, comes a quarter slower than what vec reads. */
    int64_t once = contract_kv_bytes(k), tiles = contract_row_tiles(k, p->columns);
    int64_t bytes = attn_add_sat(attn_add_sat(once, once / 4), attn_mul_sat(once / 4, tiles - 1));
    int64_t main = attn_max(cost_bytes(d, bytes), cost_madds(d, contract_madds(k, p->columns), rate(p)));
    main = cost_idle(d, main, attn_mul_sat(contract_work(k, p->columns), p->splits));
    return (uint64_t)attn_add_sat(main, cost_helpers(d, k, p));
}

const struct attn_kernel attn_kernel_mma = {
    .name = "mma",
    .purpose = "prefill, drafts and decode with shared KV heads: matrix cores, f16 or bf16",
    .rules = rules,
    .n_rules = sizeof rules / sizeof rules[0],
    .configure = configure,
    .cost = cost,
};
