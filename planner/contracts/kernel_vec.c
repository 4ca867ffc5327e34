/* kernel_vec.c: contract, configuration and cost of `vec`, the kernel for decode: few query columns, K and V read
 * once in any type, n_kv split over the device. Kernel: kernels/vec/vec.h.
 *
 * SPDX-License-Identifier: MIT */
#include "planner/contracts/contract.h"

/* Head sizes with an instance, as bits of the table's indices. */
static int64_t instances(void)
{
    int64_t set = 0;
#define X(d) set |= (int64_t)1 << ATTN_HEAD_SIZE_##d##_##d;
    ATTN_VEC_HEAD_SIZES(X)
#undef X
    return set;
}

/* Query columns of a tile: the smallest instance that holds them all, or the largest. */
static int32_t columns_for(const struct attn_device *d, const struct attn_key *k)
{
    int64_t columns = attn_mul_sat(k->n_q, contract_gqa(k));
    return columns <= 1 ? 1 : columns <= 2 ? 2 : columns <= 4 ? 4 : attn_vec_columns_most(d->wave_size, k->d_k);
}

/* Dynamic LDS: each wave's slots, which hold a chunk of K or V. */
static int64_t staged_dynamic_bytes(const struct attn_key *k)
{
    int64_t row_k = attn_row_bytes(k->type_k, k->d_k), row_v = attn_row_bytes(k->type_v, k->d_v);
    return ATTN_VEC_WAVES * ATTN_VEC_SLOTS *
           attn_max(attn_vec_chunk_rows(row_k) * row_k, attn_vec_chunk_rows(row_v) * row_v);
}

/* Bytes of a copy: what starts and lengths of all rows are multiples of. */
static int32_t copy_bytes(int64_t row_bytes, int32_t aligned)
{
    return (int32_t)attn_min(row_bytes & -row_bytes, attn_min(aligned, 16));
}

/* Does the device copy rows to LDS by itself, for lanes that number as many as the staged kernel is written for? */
static bool copies(const struct attn_device *d) { return d->async_copy && d->wave_size == 32; }

/* Types of 16 bits that matrix cores multiply as they are. */
static bool suits_matrix(const struct attn_device *d, const struct attn_key *k)
{
    return attn_matrix_runs(d->matrix, ATTN_MATRIX_MMA_SM80) && k->type_k == k->type_v &&
           (k->type_k == ATTN_F16 || k->type_k == ATTN_BF16);
}

/* Such rows, where they are copied by whole pieces, are multiplied by matrix cores. */
static bool on_matrix(const struct attn_device *d, const struct attn_key *k, const struct attn_plan *p)
{
    return suits_matrix(d, k) && p->stage_k == 16 && p->stage_v == 16;
}

/* Takes rows through LDS where the device copies by itself, rows are multiples of 4 bytes, and there is room. */
static bool stage(const struct attn_device *d, const struct attn_key *k, struct attn_plan *p)
{
    if (!copies(d) || k->d_k > ATTN_VEC_STAGED_MOST || p->load_k < 4 || p->load_v < 4)
        return false;
    int64_t fixed = attn_vec_staged_lds(k->d_k, p->columns), slots = staged_dynamic_bytes(k);
    if (fixed > contract_lds_limit(d) || fixed + slots > d->lds_bytes)
        return false;
    p->stage_k = copy_bytes(attn_row_bytes(k->type_k, k->d_k), p->load_k);
    p->stage_v = copy_bytes(attn_row_bytes(k->type_v, k->d_v), p->load_v);
    if (k->type_k == ATTN_Q8_0 &&
        attn_matrix_runs(d->matrix, ATTN_MATRIX_MMA_SM80)) { /* which multiplies bytes as well */
        p->arithmetic.q_type = ATTN_Q8_0;
        p->arithmetic.q_parts = ATTN_VEC_Q8_PARTS;
    }
    if (on_matrix(d, k, p))
        contract_operands(p, d, k->type_k == ATTN_BF16, ATTN_MMA_Q_PARTS);
    return true;
}

/* Workgroups that a compute unit holds at once, by registers (the launch bounds in kernels/vec/vec.h and
 * kernels/vec/staged.h; AMD: about as many) and, where that is much, by LDS. A workgroup takes 1 KiB more than it asks
 * for (CUDA C++ Programming Guide, "Technical Specifications per Compute Capability", 9.0: 228 KiB a multiprocessor,
 * 227 a block). */
static int64_t resident(const struct attn_device *d, const struct attn_plan *p, int64_t lds)
{
    const enum attn_vec_staged by = p->arithmetic.matrix                ? ATTN_VEC_BY_MATRIX
                                    : p->arithmetic.q_type == ATTN_Q8_0 ? ATTN_VEC_BY_BYTES
                                                                        : ATTN_VEC_BY_LANES;
    const int64_t by_registers = attn_vec_resident(by, p->key.d_k, p->columns);
    return p->stage_k ? attn_max(1, attn_min(by_registers, attn_div((int64_t)d->lds_bytes + 1024, lds + 1024)))
                      : by_registers;
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
    *lhs = (int64_t)ATTN_VEC_WAVES * d->wave_size;
    *rhs = d->max_threads;
}

static void rule_lds(const struct attn_device *d, const struct attn_key *k, int64_t *lhs, int64_t *rhs)
{
    /* Every rule is evaluated for every head size when all are asked for: clipped, no size overflows. */
    *lhs = attn_vec_lds(d->wave_size, attn_min(k->d_v, INT32_MAX), 1);
    *rhs = contract_lds_limit(d);
}

static const struct attn_rule rules[] = {
    { "head_size", "an instance exists for the head sizes", ATTN_REL_MEMBER, ATTN_UNIT_HEAD_SIZE, 1, rule_head_size },
    { "threads", "the workgroup's threads fit the device", ATTN_REL_LE, ATTN_UNIT_THREADS, 0, rule_threads },
    { "lds", "the LDS of one column fits the device", ATTN_REL_LE, ATTN_UNIT_BYTES, 0, rule_lds },
};

/* A lane has eight elements of a row, or pieces of as many; those that have one row together add up their parts of its
 * score, and groups of them take rows by turns. Where bytes are multiplied, blocks of 32 are exact and what follows is
 * a conversion and two factors. Of 16-bit matrices there are two sums of a score, and of either the two parts' of Q.
 * The weight of a key is in one lane, or, where rows are staged, in one of those that work for its column. At the end
 * lanes are added up by halves, groups and waves one after the other. */
static void state_sums(const struct attn_device *d, const struct attn_key *k, struct attn_plan *p)
{
    struct attn_arithmetic *a = &p->arithmetic;
    const int32_t d_k = (int32_t)k->d_k, lanes = (int32_t)attn_min(d_k / 8, d->wave_size);
    const int32_t groups = d->wave_size / lanes;
    a->kv_tile = p->kv_tile;
    a->splits = p->splits;
    a->waves = ATTN_VEC_WAVES;
    a->merges = 1;
    a->dot_chain = a->matrix ? d_k / ATTN_MMA_STEP : a->q_type == ATTN_Q8_0 ? d_k / 32 : 8;
    a->dot_joins = a->matrix ? 2 : a->q_type == ATTN_Q8_0 ? 3 : d_k / (8 * lanes) + contract_levels(lanes);
    a->weights.lanes = p->stage_k ? d->wave_size / p->columns : d->wave_size;
    a->weights.joins = contract_levels(d->wave_size) + ATTN_VEC_WAVES;
    a->values.lanes = a->matrix ? 1 : groups;
    a->values.joins = a->matrix ? 1 + ATTN_VEC_WAVES : groups + ATTN_VEC_WAVES;
}

static void configure(const struct attn_device *d, const struct attn_key *k, struct attn_plan *p)
{
    int32_t columns = columns_for(d, k);
    while (columns > 1 && attn_vec_lds(d->wave_size, k->d_v, columns) > contract_lds_limit(d))
        columns /= 2;
    int64_t work = contract_work(k, columns);
    contract_columns(p, k, columns);
    p->kv_tile = d->wave_size;
    p->waves = ATTN_VEC_WAVES;
    p->load_k = 1 << k->align_k;
    p->load_v = 1 << k->align_v;
    bool staged = stage(d, k, p);
    int64_t fixed = staged ? attn_vec_staged_lds(k->d_k, columns) : attn_vec_lds(d->wave_size, k->d_v, columns);
    int64_t dynamic = staged ? staged_dynamic_bytes(k) : 0;
    /* Every wave has keys; and where there are many, as many workgroups as run in whole turns, but no more: on an H200
     * 13 splits in place of 12 cost 7 % of the rate. Four turns even out what masks make of the work. Each costs 10 us
     * there, which tells where rows are staged and four would take 400: one. */
    int64_t turns = staged ? 1 : 4;
    contract_split(p, d, k, (int64_t)ATTN_VEC_WAVES * d->wave_size,
                   contract_fill(d, work, k->n_kv < 8192 ? 4 : resident(d, p, fixed + dynamic) * turns));
    contract_launch(p, ATTN_STEP_MAIN, contract_grid_x(d, work), (uint32_t)p->splits,
                    (uint32_t)(ATTN_VEC_WAVES * d->wave_size), (uint32_t)fixed);
    p->launch[ATTN_STEP_MAIN].lds_dynamic_bytes = (uint32_t)dynamic;
    state_sums(d, k, p);
}

static uint64_t cost(const struct attn_device *d, const struct attn_key *k, const struct attn_plan *p)
{
    /* Every column tile reads K and V again; from the second on mostly out of the cache, at four times the rate. */
    int64_t once = contract_kv_bytes(k), tiles = contract_row_tiles(k, p->columns);
    int64_t bytes = attn_add_sat(once, attn_mul_sat(once / 4, tiles - 1));
    /* Small loads read at half the rate, small copies at four fifths. Multiply-adds of four columns, on an H200, each
     * ns and compute unit: 45 of f16; of rows through LDS 53, of q8_0 whose scores the matrix cores work out 84; of
     * those that they do all of, many more. The model is on the safe side of them, as with the bytes. */
    if (p->stage_k ? p->stage_k < 16 || p->stage_v < 16 : p->load_k < 16 || p->load_v < 16)
        bytes = p->stage_k ? attn_add_sat(bytes, bytes / 4) : attn_mul_sat(bytes, 2);
    int64_t rate = !p->stage_k ? 32 : p->arithmetic.matrix ? 256 : p->arithmetic.q_type == ATTN_Q8_0 ? 64 : 40;
    int64_t main = attn_max(cost_bytes(d, bytes), cost_madds(d, contract_madds(k, p->columns, k->d_k, k->d_v), rate));
    main = cost_idle(d, main, attn_mul_sat(contract_work(k, p->columns), p->splits));
    return (uint64_t)attn_add_sat(main, cost_helpers(d, k, p));
}

static bool no_instance(const struct attn_device *d, const struct attn_key *k)
{
    int64_t size, set;
    rule_head_size(d, k, &size, &set);
    return !attn_relation_holds(ATTN_REL_MEMBER, size, set);
}

static bool no_instance_for_matrix(const struct attn_device *d, const struct attn_key *k)
{
    return no_instance(d, k) && copies(d) && suits_matrix(d, k);
}

static bool many_columns(const struct attn_device *d, const struct attn_key *k) { return columns_for(d, k) > 2; }

static const struct attn_cost_step steps[] = {
    { "head_size", "tile decodes these head sizes, and reads K and V at a third of vec's rate", 4, no_instance },
    { "matrix", "tile takes these head sizes, and its lanes multiply at a sixth of the rate of vec's matrix cores", 7,
      no_instance_for_matrix },
    { "columns",
      "columns of a KV head are taken together, K and V are read once; where n_kv is too short to be split that leaves "
      "compute units idle",
      4, many_columns },
};

const struct attn_kernel attn_kernel_vec = {
    .name = "vec",
    .purpose = "decode: few query columns, every KV type read directly, split over n_kv",
    .rules = rules,
    .n_rules = sizeof rules / sizeof rules[0],
    .steps = steps,
    .n_steps = sizeof steps / sizeof steps[0],
    .configure = configure,
    .cost = cost,
};
