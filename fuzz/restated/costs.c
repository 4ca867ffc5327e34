/* costs.c: what plans of naive, vec and tile are said to cost, after the model that their contracts describe. See
 * restated.h.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "fuzz/restated/say.h"
#include "planner/contracts/shapes.h"

__extension__ typedef __int128 wide;

/* In 1/16 ns. */
enum { LAUNCH = 5 * 16000 };

static wide ceil_div(wide a, wide b) { return (a + b - 1) / b; }
static wide larger(wide a, wide b) { return a > b ? a : b; }
static wide smaller(wide a, wide b) { return a < b ? a : b; }

/* How a kernel reads and computes. */
struct model {
    wide bytes;    /* from memory: every column tile reads K and V, from the second on mostly out of the cache, at four
                      times the rate */
    wide rate;     /* multiply-adds of a compute unit in a ns */
    wide d_k, d_v; /* of the heads that it computes with */
};

static struct model model_of(const struct attn_plan *p, wide once, wide tiles)
{
    const struct attn_key *k = &p->key;
    struct model m = { once + once / 4 * (tiles - 1), 40, k->d_k, k->d_v };
    if (p->kernel == ATTN_KERNEL_naive) {
        m.bytes = 0; /* single threads read rows, uncoalesced: a multiply-add a ns is all */
        m.rate = 1;
        m.d_v = larger(128, k->d_v);
        m.d_k *= is_quantised(k->type_k) ? 2 : 1; /* decoding is as much work again */
        m.d_v *= is_quantised(k->type_v) ? 2 : 1;
    } else if (p->kernel == ATTN_KERNEL_tile) {
        m.bytes *= 3; /* through LDS, with barriers, at a third of the rate */
        m.d_k = attn_head_size(p->head_size)->d_k;
        m.d_v = attn_head_size(p->head_size)->d_v;
    } else if (p->stage_k) {
        const bool small = p->stage_k + p->stage_v < 32; /* copies, at four fifths of the rate */
        m.bytes += small ? m.bytes / 4 : 0;
        m.rate = p->arithmetic.matrix ? 256 : p->arithmetic.q_type == ATTN_Q8_0 ? 64 : 40;
    } else {
        m.bytes *= p->load_k + p->load_v < 32 ? 2 : 1; /* small loads read at half of it */
        m.rate = 32;
    }
    return m;
}

/* Where a workgroup of tile reads blocks itself, each column tile decodes an element in three quarters of a ns of a
 * compute unit; head: elements of a row. */
static wide decoding(const struct attn_plan *p, wide head)
{
    const wide rows = (wide)p->key.n_kv * p->key.n_head_kv * p->key.n_seq;
    const wide tiles = ceil_div((wide)p->key.n_q * (p->key.n_head / p->key.n_head_kv), p->columns);
    return rows * head * tiles * 3 / (p->device.n_cu * 4) * 16;
}

bool attn_restated_decodes_once(const struct attn_plan *p, int64_t head)
{
    const struct attn_key *k = &p->key;
    const wide n_cu = p->device.n_cu, planes = (wide)k->n_head_kv * k->n_seq;
    const wide work = planes * ceil_div((wide)k->n_q * (k->n_head / k->n_head_kv), p->columns);
    wide splits = larger(1, 2 * n_cu / work);
    splits = smaller(splits, smaller(ceil_div(k->n_kv, 128), smaller(1024, p->device.max_grid[1])));
    const wide blocks = work * splits, each = decoding(p, head);
    return (blocks < n_cu ? each / blocks * n_cu : each) > LAUNCH + k->n_kv * planes * head * 8 / n_cu;
}

/* Bytes that helpers move, and their launches. */
static wide helpers(const struct attn_plan *p)
{
    const struct attn_key *k = &p->key;
    wide moved = (wide)p->region_bytes[ATTN_REGION_K] + p->region_bytes[ATTN_REGION_V] +
                 (wide)2 * p->region_bytes[ATTN_REGION_PARTIAL];
    moved += p->scan ? (wide)2 * k->mask_heads * k->mask_seqs * k->n_q * k->n_kv : 0;
    wide launches = 0;
    for (uint32_t steps = p->steps; steps; steps /= 2)
        launches += steps % 2;
    return launches * LAUNCH + moved / p->device.n_cu;
}

/* Of so many splits as give each compute unit two workgroups at most, and have 128 keys each: those that pay. Half as
 * many, and half of that, where writing their results and reading them again makes it half as long again as one split.
 */
static wide splits_of_tile(const struct attn_plan *p, wide busy, wide work)
{
    const wide n_cu = p->device.n_cu, whole = work < n_cu ? busy / work * n_cu : busy;
    const wide results = (wide)p->key.n_head * p->key.n_q * p->key.n_seq * p->key.d_v * 2 * 4;
    const wide keys = ceil_div(p->key.n_kv, 128), most = p->device.max_grid[1] < 1024 ? p->device.max_grid[1] : 1024;
    const wide tiles = ceil_div(p->key.n_kv, p->kv_tile);
    wide splits = larger(1, 2 * n_cu / work);
    splits = splits > keys ? keys : splits;
    for (splits = splits > most ? most : splits; splits > 1; splits /= 2) {
        const wide blocks = work * splits, main = blocks < n_cu ? busy / blocks * n_cu : busy;
        if (2 * (main + results * splits / n_cu) <= 2 * whole + whole / 2 * 2)
            break;
    }
    /* Whole tiles, as many in each: so many splits have one. */
    return splits > 1 ? ceil_div(tiles, ceil_div(tiles, splits)) : 1;
}

bool attn_restated_cost(const struct attn_plan *p, struct attn_restated_fault *fault)
{
    const struct attn_key *k = &p->key;
    const wide n_cu = p->device.n_cu, planes = (wide)k->n_head_kv * k->n_seq;
    const wide tiles = ceil_div((wide)k->n_q * (k->n_head / k->n_head_kv), p->columns), work = tiles * planes;
    const wide rows = (wide)attn_row_bytes(k->type_k, k->d_k) + attn_row_bytes(k->type_v, k->d_v);
    const struct model m = model_of(p, k->n_kv * planes * rows, tiles);
    const wide madds = work * p->columns * k->n_kv * (m.d_k + m.d_v);
    wide decoded = 0;
    if (p->kernel == ATTN_KERNEL_tile) {
        decoded += is_quantised(k->type_k) && p->convert_k < 0 ? k->d_k : 0;
        decoded += is_quantised(k->type_v) && p->convert_v < 0 ? k->d_v : 0;
    }
    const wide busy = larger(decoding(p, decoded), larger(m.bytes / n_cu, madds / (n_cu * m.rate) * 16));
    const wide blocks = work * p->splits, main = blocks < n_cu ? busy / blocks * n_cu : busy;
    const wide want = main + helpers(p);
    if (madds > INT64_MAX || m.bytes > INT64_MAX || want > INT64_MAX / 64) /* something may have saturated */
        return true;
    const wide results = (wide)k->n_head * k->n_q * k->n_seq * k->d_v * p->splits;
    if (p->kernel == ATTN_KERNEL_tile && results < INT64_C(1) << 32 && p->splits != splits_of_tile(p, busy, work))
        return attn_differs(fault, "a plan of tile on %s has %d splits, not %d", p->device.name, p->splits,
                            (int)splits_of_tile(p, busy, work));
    if ((wide)p->cost == want)
        return true;
    return attn_differs(fault, "a plan of %s on %s is said to cost %" PRIu64 " sixteenths of a ns, not %" PRId64,
                        attn_kernel(p->kernel)->name, p->device.name, p->cost, (int64_t)want);
}
