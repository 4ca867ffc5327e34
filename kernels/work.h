/* work.h: which part of a launch a workgroup computes: blockIdx.y is a split of the keys; blockIdx.x, and with steps of
 * gridDim.x further ones, are column tiles. For all kernels but the helpers.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_WORK_H
#define ATTN_WORK_H

#include "kernels/row.h"

/* A launch's items, column tiles or rows, are dealt out to workgroups in turn: the first of this one, and its next. */
static __device__ __forceinline__ int64_t attn_first_item(int64_t items)
{
    return simt_next_item(blockIdx.x, gridDim.x, items);
}
static __device__ __forceinline__ int64_t attn_next_item(int64_t item, int64_t items)
{
    return simt_next_item(item + gridDim.x, gridDim.x, items);
}

/* The keys of the workgroup's split: whole KV tiles, but for the last; none where begin >= end. */
struct attn_keys {
    int64_t split, begin, end;

    __device__ __forceinline__ bool empty() const { return begin >= end; }
};

static __device__ __forceinline__ attn_keys attn_keys_of_split(const attn_args &a)
{
    attn_keys keys;
    keys.split = blockIdx.y;
    keys.begin = keys.split * a.split_keys;
    keys.end = keys.begin + a.split_keys < a.n_kv ? keys.begin + a.split_keys : a.n_kv;
    return keys;
}

/* A column tile: `first` is its first column in that KV head of that sequence. */
struct attn_work {
    int64_t first, kv_head, seq;
};

/* Number `number` of a.work, of tiles of so many columns. */
static __device__ __forceinline__ attn_work attn_work_at(const attn_args &a, int64_t number, int columns)
{
    attn_work work;
    int64_t tile, rest;
    attn_divide(number, a.row_tiles, rest, tile);
    attn_divide(rest, a.n_head_kv, work.seq, work.kv_head);
    work.first = tile * columns;
    return work;
}

/* The other way round: which number has the tile that begins there. */
static __device__ __forceinline__ int64_t attn_work_number(const attn_args &a, const attn_work &work, int columns)
{
    return (work.seq * a.n_head_kv + work.kv_head) * a.row_tiles + work.first / columns;
}

/* All columns of a KV head. */
static __device__ __forceinline__ int64_t attn_columns(const attn_args &a) { return a.n_q * a.gqa; }

/* The row of key 0 in the work's KV head, of K or V. */
static __device__ __forceinline__ const char *attn_head_rows(const attn_view &view, const attn_work &work)
{
    return view.data + work.kv_head * view.nb2 + work.seq * view.nb3;
}

/* A row of dst, for kernels that take one after another. */
struct attn_row {
    attn_column at;
    int64_t seq;
};

static __device__ __forceinline__ int64_t attn_rows(const attn_args &a) { return a.n_seq * a.n_q * a.n_head; }
static __device__ __forceinline__ attn_row attn_row_at(const attn_args &a, int64_t number)
{
    attn_row row;
    int64_t rest;
    attn_divide(number, a.n_head, rest, row.at.head);
    attn_divide(rest, a.n_q, row.seq, row.at.iq);
    return row;
}

#endif
