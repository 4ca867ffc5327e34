/* args.h: what every kernel is given, and which function a launch runs. Shared by all backends.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ARGS_H
#define ATTN_ARGS_H

#include "planner/attn_planner.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A tensor as kernels see it: the first element and the byte strides of dims 1..3. Pointers are device memory. */
struct attn_view {
    char *data;
    int64_t nb1, nb2, nb3;
};

/* One struct for all kernels, passed by value. Sizes are the problem's own, not the key's buckets. K and V
 * are the converted copies where the plan converts. */
struct attn_args {
    struct attn_view q, k, v, mask, dst; /* mask.data NULL: no mask */
    const float *sinks;                  /* NULL: none */
    int64_t n_q, n_kv, n_head, n_head_kv, n_seq;
    int64_t gqa; /* n_head / n_head_kv */
    int64_t d_k, d_v;
    int64_t mask_heads, mask_seqs;
    int64_t row_tiles;  /* column tiles of one KV head: ceil(n_q * gqa / columns) */
    int64_t work;       /* row_tiles * n_head_kv * n_seq; blocks stride over it (gridDim.x) */
    int64_t split_keys; /* keys of a split, a multiple of kv_tile (gridDim.y splits) */
    int32_t splits;
    int32_t type_k, type_v;   /* enum attn_type of k and v as the main launch reads them */
    int32_t load_k, load_v;   /* bytes that may be loaded at once from a row of k, v */
    int32_t stage_k, stage_v; /* as the plan has them */
    float scale, softcap;
    float alibi_scale; /* max_bias / n, n as in attn_alibi_exponent; 0: slope 1 */
    int64_t alibi_n, head_first;
    const uint8_t *scan; /* NULL: none; attn_scanned[mask_seq][mask_head][q block][KV tile] */
    uint8_t *scan_out;   /* the same, for the scan launch */
    int64_t scan_q, scan_q_blocks, scan_kv_tiles;
    int32_t kv_tile;
    float *partial, *meta; /* NULL when splits == 1; row r = (s * n_q + iq) * n_head + h:
                              partial[(r * splits + split) * d_v + d], meta[(r * splits + split) * 2] */
    /* convert launches */
    struct attn_view source; /* the quantised tensor */
    int32_t source_type;
    int64_t source_ne[4]; /* extents to convert; 1 where broadcast */
    char *target;         /* dense f16 [ne0, ne1, ne2, ne3] */
};

/* Fills the arguments of one launch. base[o]: device address of operand o's first element (NULL when absent);
 * workspace: device address, may be NULL when the plan needs none. */
void attn_args_build(const struct attn_problem *problem, const struct attn_plan *plan, int step,
                     void *const base[ATTN_OPERAND_COUNT], void *workspace, struct attn_args *args);

/* The kernel function of a launch: void (*)(struct attn_args), as a pointer that the backend's runtime launches;
 * NULL when no instance was built. `wave_size` of the instance is that of the plan's device. */
typedef void (*attn_entry)(struct attn_args);
attn_entry attn_entry_find(const struct attn_plan *plan, int step);

#ifdef __cplusplus
}
#endif
#endif
