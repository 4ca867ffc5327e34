/* contract.h: what the kernels' planner files (kernel_*.c) share: launch geometry, workspace, split and scan
 * decisions, the cost model's units. Included by each of them; everything is static.
 *
 * A configuration is a function of (device, key) alone, and the key holds bucket ceilings: what is sized here
 * serves every problem of the bucket.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_CONTRACT_H
#define ATTN_CONTRACT_H

#include "planner/attn_planner.h"
#include "planner/arith.h"
#include "planner/contracts/shapes.h"

/* A plan's workspace stays below this (1 TiB, past any device's memory): what would need more is not converted,
 * split or scanned beforehand, so that sizes can never keep a kernel from running. */
#define CONTRACT_WORKSPACE_MAX ((int64_t)1 << 40)

/* Blocks stride over their work, so a grid never has to be larger than what fills the device. */
#define CONTRACT_BLOCKS_PER_CU 64

static inline int64_t contract_lds_limit(const struct attn_device *d)
{
    return attn_min(d->lds_bytes, d->lds_static_bytes);
}

/* dst rows: (query row, head, sequence) triples. */
static inline int64_t contract_rows(const struct attn_key *k)
{
    return attn_mul_sat(attn_mul_sat(k->n_head, k->n_q), k->n_seq);
}

static inline int64_t contract_gqa(const struct attn_key *k) { return attn_div(k->n_head, k->n_head_kv); }

/* A key's head sizes as a rule's operand, against bits of instances. */
static inline int64_t contract_head_size(const struct attn_key *k, int64_t instances)
{
    int instance = attn_head_size_instance(k->d_k, k->d_v, instances);
    return instance >= 0 ? instance : attn_head_size_operand(k->d_k, k->d_v);
}

/* The head sizes that an instance computes with. Where there is none (-1), the key's own, clipped: every rule is
 * evaluated for every head size when all are asked for, and no size overflows. */
static inline struct attn_head_size contract_size_of(const struct attn_key *k, int instance)
{
    const struct attn_head_size own = { (int32_t)attn_min(k->d_k, INT32_MAX), (int32_t)attn_min(k->d_v, INT32_MAX) };
    return instance >= 0 ? *attn_head_size(instance) : own;
}

static inline struct attn_head_size contract_size(const struct attn_key *k, int64_t instances)
{
    return contract_size_of(k, attn_head_size_instance(k->d_k, k->d_v, instances));
}

/* Column tiles of one KV head. */
static inline int64_t contract_row_tiles(const struct attn_key *k, int64_t columns)
{
    return attn_ceil_div(attn_mul_sat(k->n_q, contract_gqa(k)), columns);
}

/* Work items of the main launch: column tiles of all KV heads and sequences. */
static inline int64_t contract_work(const struct attn_key *k, int64_t columns)
{
    return attn_mul_sat(attn_mul_sat(contract_row_tiles(k, columns), k->n_head_kv), k->n_seq);
}

static inline uint32_t contract_grid_x(const struct attn_device *d, int64_t work)
{
    int64_t fill = (int64_t)d->n_cu * CONTRACT_BLOCKS_PER_CU;
    return (uint32_t)attn_max(1, attn_min(work, attn_min(fill, d->max_grid[0])));
}

static inline void contract_launch(struct attn_plan *p, int step, uint32_t x, uint32_t y, uint32_t threads,
                                   uint32_t lds_static_bytes)
{
    struct attn_launch *l = &p->launch[step];
    p->steps |= 1u << step;
    l->grid[0] = x;
    l->grid[1] = y;
    l->grid[2] = 1;
    l->block[0] = threads;
    l->block[1] = l->block[2] = 1;
    l->lds_static_bytes = lds_static_bytes;
    l->lds_dynamic_bytes = 0;
}

/* Where a region of so many bytes that begins at `from` ends: its last block of 256 bytes may be cut off below that. */
static inline int64_t contract_region_end(int64_t from, int64_t bytes)
{
    return attn_add_sat(attn_add_sat(from, bytes), 255);
}

/* Elements of a dense copy of K or of V. */
static inline int64_t contract_copy_elements(const struct attn_key *k, bool is_k)
{
    const int64_t *copy = is_k ? k->k_copy : k->v_copy;
    return attn_mul_sat(attn_mul_sat(is_k ? k->d_k : k->d_v, copy[0]), attn_mul_sat(copy[1], copy[2]));
}

/* Gives a region the next part of the workspace; false, and nothing changes, when that would pass the maximum. */
static inline bool contract_region(struct attn_plan *p, int region, int64_t bytes)
{
    int64_t end = contract_region_end(p->workspace_bytes, bytes);
    if (bytes > CONTRACT_WORKSPACE_MAX || end > CONTRACT_WORKSPACE_MAX)
        return false;
    p->region_offset[region] = p->workspace_bytes;
    p->region_bytes[region] = bytes;
    p->workspace_bytes = end & ~(int64_t)255;
    return true;
}

/* Converts a quantised K or V to a dense f16 copy before the main launch, if the workspace allows. */
static inline bool contract_convert(struct attn_plan *p, int step, int region, const struct attn_device *d,
                                    const struct attn_key *k)
{
    bool is_k = region == ATTN_REGION_K;
    int64_t elements = contract_copy_elements(k, is_k);
    if (!contract_region(p, region, attn_mul_sat(elements, 2)))
        return false;
    int64_t blocks = attn_ceil_div(elements / 32, ATTN_CONVERT_THREADS);
    contract_launch(p, step, contract_grid_x(d, blocks), 1, ATTN_CONVERT_THREADS, 0);
    if (is_k) {
        p->convert_k = ATTN_F16;
        p->arithmetic.k_type = ATTN_F16;
    } else {
        p->convert_v = ATTN_F16;
        p->arithmetic.v_type = ATTN_F16;
    }
    return true;
}

/* States what Q and the weights become where matrix cores multiply K and V of 16 bits: kernels/mma/element.h. */
static inline void contract_operands(struct attn_plan *p, const struct attn_device *d, bool bf16, uint8_t p_parts)
{
    struct attn_arithmetic *a = &p->arithmetic;
    a->matrix = 1;
    a->flush = d->matrix_flush;
    a->q_type = a->p_type = bf16 ? ATTN_BF16 : ATTN_F16;
    a->q_parts = ATTN_MMA_Q_PARTS;
    a->q_shift = bf16 ? 0 : ATTN_MMA_Q_SHIFT_F16;
    a->p_parts = p_parts;
    a->p_shift = bf16 ? 0 : ATTN_MMA_P_SHIFT_F16;
    a->depth = attn_mma_depth(d->wave_size, bf16);
}

/* Steps in which n values, a power of two, are added up by halves. */
static inline int32_t contract_levels(int32_t n)
{
    int32_t levels = 0;
    while (n > 1) {
        n /= 2;
        levels++;
    }
    return levels;
}

/* Splits with which the compute units have `fill` workgroups each at most: one more than they hold at once would take
 * as long again as all the others. */
static inline int64_t contract_fill(const struct attn_device *d, int64_t work, int64_t fill)
{
    return attn_max(1, attn_div((int64_t)d->n_cu * fill, work));
}

/* Of `want` splits those that n_kv has keys for, keys_min each at least, and the grid places. */
static inline int64_t contract_splits(const struct attn_device *d, const struct attn_key *k, int64_t keys_min,
                                      int64_t want)
{
    return attn_min(want, attn_min(attn_ceil_div(k->n_kv, keys_min), attn_min(1024, d->max_grid[1])));
}

/* Cuts n_kv into `want` splits (below 2: none), no finer than keys_min keys a split. Adds the partial results' regions
 * and the combine launch. */
static inline void contract_split(struct attn_plan *p, const struct attn_device *d, const struct attn_key *k,
                                  int64_t keys_min, int64_t want)
{
    /* Of as many whole tiles each, so many have any of the key's n_kv; of a problem with fewer, the last may have none.
     */
    const int64_t tiles = attn_ceil_div(k->n_kv, p->kv_tile);
    int64_t splits = contract_splits(d, k, keys_min, want);
    if (splits > 1)
        splits = attn_min(splits, attn_ceil_div(tiles, attn_ceil_div(tiles, splits))); /* plain to a proof, too */
    p->splits = 1;
    if (splits < 2)
        return;
    int64_t parts = attn_mul_sat(contract_rows(k), splits);
    int64_t before = p->workspace_bytes;
    if (!contract_region(p, ATTN_REGION_PARTIAL, attn_mul_sat(attn_mul_sat(parts, k->d_v), 4)))
        return;
    if (!contract_region(p, ATTN_REGION_META, attn_mul_sat(parts, 8))) {
        p->workspace_bytes = before;
        p->region_offset[ATTN_REGION_PARTIAL] = p->region_bytes[ATTN_REGION_PARTIAL] = 0;
        return;
    }
    p->splits = (int32_t)splits;
    contract_launch(p, ATTN_STEP_COMBINE,
                    contract_grid_x(d, attn_mul_sat(contract_rows(k), attn_combine_pieces(k->d_v))), 1,
                    ATTN_COMBINE_THREADS, ATTN_COMBINE_LDS);
}

/* Finds fully masked KV tiles beforehand where several heads or sequences share the answer and there is more than
 * one tile to skip. */
static inline void contract_scan(struct attn_plan *p, const struct attn_device *d, const struct attn_key *k)
{
    if (k->mask_heads == 0 || k->n_q < ATTN_SCAN_Q || k->n_kv < 2 * (int64_t)p->kv_tile)
        return;
    int64_t planes = attn_mul_sat(k->mask_heads, k->mask_seqs);
    if (planes >= attn_mul_sat(k->n_head_kv, k->n_seq))
        return;
    int64_t flags =
        attn_mul_sat(attn_mul_sat(planes, attn_ceil_div(k->n_q, ATTN_SCAN_Q)), attn_ceil_div(k->n_kv, p->kv_tile));
    if (!contract_region(p, ATTN_REGION_SCAN, flags))
        return;
    p->scan = 1;
    p->scan_q = ATTN_SCAN_Q;
    contract_launch(p, ATTN_STEP_SCAN, contract_grid_x(d, flags), 1, ATTN_SCAN_THREADS, 0);
}

static inline void contract_columns(struct attn_plan *p, const struct attn_key *k, int32_t columns)
{
    p->columns = columns;
    int64_t gqa = contract_gqa(k);
    p->columns_gqa = gqa <= columns && columns % gqa == 0  ? (int32_t)gqa
                     : gqa > columns && gqa % columns == 0 ? columns
                                                           : 1;
    p->columns_q = columns / p->columns_gqa;
}

/* ---- Cost, in 1/16 ns ---- */

/* A launch and the gap before it: about 5 us. */
#define COST_LAUNCH 80000

/* Bytes that cross the memory of the whole device: about 16 bytes a ns and compute unit, what the table's cards have
 * within a factor of two (5.3 TB/s over 304, 3.35 TB/s over 132, 1 TB/s over 60). */
static inline int64_t cost_bytes(const struct attn_device *d, int64_t bytes) { return attn_div(bytes, d->n_cu); }

/* Multiply-adds at a given rate a compute unit. */
static inline int64_t cost_madds(const struct attn_device *d, int64_t madds, int64_t per_cu_ns)
{
    return attn_mul_sat(attn_div(madds, d->n_cu * per_cu_ns), 16);
}

/* Stretches a time by the part of the device that `blocks` workgroups leave idle. */
static inline int64_t cost_idle(const struct attn_device *d, int64_t cost, int64_t blocks)
{
    return blocks >= d->n_cu ? cost : attn_mul_sat(attn_div(cost, blocks), d->n_cu);
}

static inline bool quantised(int type) { return attn_type_info(type)->block_elems > 1; }

/* Bytes of all of K and V, each read once. */
static inline int64_t contract_kv_bytes(const struct attn_key *k)
{
    int64_t rows = attn_mul_sat(attn_mul_sat(k->n_kv, k->n_head_kv), k->n_seq);
    return attn_mul_sat(rows, attn_add_sat(attn_row_bytes(k->type_k, k->d_k), attn_row_bytes(k->type_v, k->d_v)));
}

/* Of so many splits those whose partial results do not cost more than half of what n_kv takes in one part: beyond that
 * idle compute units are cheaper. main: what the main launch takes where it fills the device, in `work` workgroups
 * unsplit. */
static inline int64_t contract_splits_that_pay(const struct attn_device *d, const struct attn_key *k, int64_t splits,
                                               int64_t work, int64_t main)
{
    const int64_t whole = cost_idle(d, main, work);
    for (; splits > 1; splits /= 2) {
        const int64_t partial = attn_mul_sat(attn_mul_sat(contract_rows(k), splits), attn_mul_sat(k->d_v, 2 * 4));
        const int64_t split = attn_add_sat(cost_idle(d, main, attn_mul_sat(work, splits)), cost_bytes(d, partial));
        if (split <= attn_add_sat(whole, whole / 2))
            break;
    }
    return splits;
}

/* Launches of a plan beside the main one, at their fixed cost and the bytes they move. */
static inline int64_t cost_helpers(const struct attn_device *d, const struct attn_key *k, const struct attn_plan *p)
{
    int64_t cost = 0;
    for (int s = 0; s < ATTN_STEP_COUNT; s++)
        if (p->steps & 1u << s)
            cost += COST_LAUNCH;
    int64_t moved = attn_add_sat(p->region_bytes[ATTN_REGION_K], p->region_bytes[ATTN_REGION_V]);
    moved = attn_add_sat(moved, attn_mul_sat(p->region_bytes[ATTN_REGION_PARTIAL], 2));
    if (p->scan)
        moved = attn_add_sat(moved, attn_mul_sat(attn_mul_sat(k->mask_heads, k->mask_seqs),
                                                 attn_mul_sat(attn_mul_sat(k->n_q, k->n_kv), 2)));
    return attn_add_sat(cost, cost_bytes(d, moved));
}

/* Multiply-adds of the key's problem with each column tile filled up, of heads so large. */
static inline int64_t contract_madds(const struct attn_key *k, int64_t columns, int64_t d_k, int64_t d_v)
{
    int64_t cells = attn_mul_sat(attn_mul_sat(contract_work(k, columns), columns), k->n_kv);
    return attn_mul_sat(cells, attn_add_sat(d_k, d_v));
}

#endif
