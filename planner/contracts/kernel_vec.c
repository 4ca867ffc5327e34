/* kernel_vec.c: contract, configuration and cost of `vec`, the kernel for decode: few query columns, K and V read
 * once in any type, n_kv split over the device. Kernel: kernels/vec/vec.hip.
 *
 * SPDX-License-Identifier: MIT */
#include "planner/contracts/contract.h"

enum {
    WAVES = 4,
    SLOTS = 2, /* chunks of a wave that are on their way or in use */
    SLOT_BYTES = 32 * 8 * 34
};

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

/* Static LDS of an instance (struct vec_lds in kernels/vec/vec.h): maximum and sum of each wave and column; then for
 * each wave the weights of two tiles or, later, its part of the output of one or two columns. A wave has at least 8
 * elements of the output for each lane: short rows are held several times. */
static int64_t lds_bytes(int64_t wave_size, int64_t d_v, int64_t columns)
{
    int64_t weights = 2 * wave_size * columns;
    int64_t output = attn_min(columns, 2) * attn_max(8 * wave_size, d_v);
    return 4 * (2 * WAVES * columns + WAVES * attn_max(weights, output));
}

/* Rows of a chunk that is copied to LDS at once, as kernels/vec/stage.h has them. */
static int64_t chunk_rows(int64_t row_bytes)
{
    int64_t rows = 32;
    while (rows * row_bytes > SLOT_BYTES)
        rows /= 2;
    return rows;
}

/* Static LDS of an instance that stages its rows (struct vec_staged_lds in kernels/vec/staged.h): of each wave and
 * column maximum, sum, and one number for each key of two tiles; for each column Q in 16 bits (struct q8_query), which
 * is eight words of either part and a step for each block of 32, a slope and a pointer. */
static int64_t staged_static_bytes(int64_t d, int64_t columns)
{
    int64_t words = columns * (2 * WAVES + WAVES * 2 * 32 + d / 32 * (2 * 8 + 1) + 1);
    int64_t bytes = (4 * words + 7) / 8 * 8 + 8 * columns;
    return (bytes + 15) / 16 * 16;
}

/* The dynamic part: each wave's slots, which hold a chunk of K or V. */
static int64_t staged_dynamic_bytes(const struct attn_key *k)
{
    int64_t row_k = contract_row_bytes(k->type_k, k->d_k), row_v = contract_row_bytes(k->type_v, k->d_v);
    return WAVES * SLOTS * attn_max(chunk_rows(row_k) * row_k, chunk_rows(row_v) * row_v);
}

/* Bytes of a copy: what starts and lengths of all rows are multiples of. */
static int32_t copy_bytes(int64_t row_bytes, int32_t aligned)
{
    return (int32_t)attn_min(row_bytes & -row_bytes, attn_min(aligned, 16));
}

/* Takes rows through LDS where the device copies by itself, rows are multiples of 4 bytes, and there is room. */
static bool stage(const struct attn_device *d, const struct attn_key *k, struct attn_plan *p)
{
    if (!d->async_copy || d->wave_size != 32 || k->d_k > 256 || p->load_k < 4 || p->load_v < 4)
        return false;
    int64_t fixed = staged_static_bytes(k->d_k, p->columns), slots = staged_dynamic_bytes(k);
    if (fixed > contract_lds_limit(d) || fixed + slots > d->lds_bytes)
        return false;
    p->stage_k = copy_bytes(contract_row_bytes(k->type_k, k->d_k), p->load_k);
    p->stage_v = copy_bytes(contract_row_bytes(k->type_v, k->d_v), p->load_v);
    if (k->type_k == ATTN_Q8_0 &&
        attn_matrix_runs(d->matrix, ATTN_MATRIX_MMA_SM80)) { /* which multiplies bytes as well */
        p->arithmetic.q_type = ATTN_Q8_0;
        p->arithmetic.q_parts = 2;
    }
    return true;
}

/* Workgroups that a compute unit holds at once, by registers (the launch bounds in kernels/vec/vec.h and
 * kernels/vec/staged.h; AMD: about as many) and, where that is much, by LDS. A workgroup takes 1 KiB more than it asks
 * for (CUDA C++ Programming Guide, "Technical Specifications per Compute Capability", 9.0: 228 KiB a multiprocessor,
 * 227 a block). */
static int64_t resident(const struct attn_device *d, const struct attn_plan *p, int64_t lds)
{
    int64_t by_registers = p->arithmetic.q_parts == 2 && p->columns <= 4 ? 4 : 3;
    return p->stage_k ? attn_max(1, attn_min(by_registers, (d->lds_bytes + 1024) / (lds + 1024))) : by_registers;
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
    bool staged = stage(d, k, p);
    int64_t fixed = staged ? staged_static_bytes(k->d_k, columns) : lds_bytes(d->wave_size, k->d_v, columns);
    int64_t dynamic = staged ? staged_dynamic_bytes(k) : 0;
    /* Every wave has keys; and where there are many, as many workgroups as run in whole turns, but no more: on an H200
     * 13 splits in place of 12 cost 7 % of the rate. Four turns even out what masks make of the work. Each costs 10 us
     * there, which tells where rows are staged and four would take 400: one. */
    int64_t turns = staged ? 1 : 4;
    contract_split(p, d, k, (int64_t)WAVES * d->wave_size,
                   k->n_kv < 8192 ? contract_fill(d, work, 4)
                                  : d->n_cu * resident(d, p, fixed + dynamic) * turns / work);
    contract_launch(p, ATTN_STEP_MAIN, contract_grid_x(d, work), (uint32_t)p->splits, (uint32_t)(WAVES * d->wave_size),
                    (uint32_t)fixed);
    p->launch[ATTN_STEP_MAIN].lds_dynamic_bytes = (uint32_t)dynamic;
    p->arithmetic.kv_tile = p->kv_tile;
    p->arithmetic.merges = WAVES + p->splits;
}

static uint64_t cost(const struct attn_device *d, const struct attn_key *k, const struct attn_plan *p)
{
    /* Every column tile reads K and V again; from the second on mostly out of the cache, at four times the rate. */
    int64_t once = contract_kv_bytes(k), tiles = contract_row_tiles(k, p->columns);
    int64_t bytes = attn_add_sat(once, attn_mul_sat(once / 4, tiles - 1));
    /* Small loads read at half the rate, small copies at four fifths. Multiply-adds of four columns, on an H200, each
     * ns and compute unit: 45 of f16; of rows through LDS 53, and of q8_0 whose scores the matrix cores work out 84.
     * The model is on the safe side of them, as with the bytes. */
    if (p->stage_k ? p->stage_k < 16 || p->stage_v < 16 : p->load_k < 16 || p->load_v < 16)
        bytes = p->stage_k ? attn_add_sat(bytes, bytes / 4) : attn_mul_sat(bytes, 2);
    int64_t rate = !p->stage_k ? 32 : p->arithmetic.q_parts == 2 ? 64 : 40;
    int64_t main = attn_max(cost_bytes(d, bytes), cost_madds(d, contract_madds(k, p->columns), rate));
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
