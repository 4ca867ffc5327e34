/* items.cc: which items of each launch some rows of dst need. The numbers are those that kernels take apart again:
 * work.h, helpers/scanned.h, helpers/convert.hip.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/host/items.h"

#include <stdlib.h>

#include "kernels/helpers/scanned.h"
#include "kernels/work.h"
#include "planner/contracts/shapes.h"

static void add(struct simt_items *items, int64_t begin, int64_t n)
{
    if (items->n == items->room) {
        const int64_t room = items->room ? 2 * items->room : 64;
        void *grown = realloc(items->range, static_cast<size_t>(room) * sizeof *items->range);
        if (!grown) {
            items->failed = true;
            return;
        }
        items->range = static_cast<struct simt_range *>(grown);
        items->room = room;
    }
    items->range[items->n++] = { begin, begin + n };
}

static int compare(const void *x, const void *y)
{
    const int64_t a = static_cast<const struct simt_range *>(x)->begin;
    const int64_t b = static_cast<const struct simt_range *>(y)->begin;
    return (a > b) - (a < b);
}

/* Sorts; what overlaps or touches becomes one. */
static void settle(struct simt_items *items)
{
    if (items->n == 0)
        return;
    qsort(items->range, static_cast<size_t>(items->n), sizeof *items->range, compare);
    int64_t last = 0;
    for (int64_t i = 1; i < items->n; i++) {
        struct simt_range *to = &items->range[last];
        if (items->range[i].begin <= to->end)
            to->end = items->range[i].end > to->end ? items->range[i].end : to->end;
        else
            items->range[++last] = items->range[i];
    }
    items->n = last + 1;
}

/* ---- By step --------------------------------------------------------------------------------------------- */

static void add_main(const struct attn_args *a, const struct attn_plan *plan, const struct attn_sample_part &part,
                     struct simt_items *items)
{
    const attn_work work = { part.first, part.kv_head, part.seq };
    add(items, attn_work_number(*a, work, plan->columns), 1);
}

/* The flags of all KV tiles, as attn_scanned_tile looks at them. */
static void add_scan(const struct attn_args *a, const struct attn_sample_part &part, struct simt_items *items)
{
    const int64_t heads = a->gqa < a->mask_heads ? a->gqa : a->mask_heads;
    const int64_t first = part.row[0] / a->scan_q, last = (part.row[1] - 1) / a->scan_q;
    for (int64_t h = 0; h < heads && !items->failed; h++) {
        const int64_t plane = part.seq % a->mask_seqs * a->mask_heads + (part.kv_head * a->gqa + h) % a->mask_heads;
        add(items, attn_scanned_at(*a, plane, first, 0), (last + 1 - first) * a->scan_kv_tiles);
    }
}

/* Pieces of the rows of one head; what is broadcast is there once. */
static void add_convert(const struct attn_args *a, const struct attn_sample_part &part, struct simt_items *items)
{
    const int64_t pieces = a->source_ne[0] / 8 * a->source_ne[1];
    const int64_t head = a->source_ne[2] == 1 ? 0 : part.kv_head, seq = a->source_ne[3] == 1 ? 0 : part.seq;
    add(items, (seq * a->source_ne[2] + head) * pieces, pieces);
}

void simt_items_of(const struct attn_args *args, const struct attn_plan *plan, int step,
                   const struct attn_problem *problem, const struct attn_sample *sample, struct simt_items *items)
{
    const int64_t threads = plan->launch[step].block[0];
    *items = {};
    items->side = step == ATTN_STEP_SCAN ? threads / ATTN_SCAN_LANES : 1;
    items->block = step == ATTN_STEP_CONVERT_K || step == ATTN_STEP_CONVERT_V ? threads : items->side;
    for (int i = 0; i < sample->n_rows && !items->failed; i++) {
        const struct attn_sample_part part = attn_sample_part_of(problem, plan, sample->row[i]);
        switch (step) {
        case ATTN_STEP_MAIN: add_main(args, plan, part, items); break;
        case ATTN_STEP_COMBINE: {
            const int64_t pieces = attn_combine_pieces(args->d_v);
            add(items, sample->row[i] * pieces, pieces);
            break;
        }
        case ATTN_STEP_SCAN: add_scan(args, part, items); break;
        default: add_convert(args, part, items); break;
        }
    }
    settle(items);
}

/* ---- What they write ------------------------------------------------------------------------------------- */

static void add_bytes(const struct simt_items *items, int64_t bytes, struct simt_items *region)
{
    for (int64_t i = 0; i < items->n && !region->failed; i++)
        add(region, items->range[i].begin * bytes, (items->range[i].end - items->range[i].begin) * bytes);
}

/* Partial results of a tile's columns, of all splits. */
static void add_parts(const struct attn_args *a, const struct attn_sample_part &part, int64_t bytes,
                      struct simt_items *region)
{
    for (int64_t iq = part.row[0]; iq < part.row[1] && !region->failed; iq++) {
        const int64_t first = (part.seq * a->n_q + iq) * a->n_head + part.head[0];
        add(region, first * a->splits * bytes, (part.head[1] - part.head[0]) * a->splits * bytes);
    }
}

void simt_items_write(const struct attn_args *args, const struct attn_plan *plan, int step,
                      const struct attn_problem *problem, const struct attn_sample *sample,
                      const struct simt_items *items, struct simt_items region[ATTN_REGION_COUNT])
{
    enum { PIECE = 16 }; /* bytes of eight elements of a copy */
    switch (step) {
    case ATTN_STEP_CONVERT_K: add_bytes(items, PIECE, &region[ATTN_REGION_K]); break;
    case ATTN_STEP_CONVERT_V: add_bytes(items, PIECE, &region[ATTN_REGION_V]); break;
    case ATTN_STEP_SCAN: add_bytes(items, 1, &region[ATTN_REGION_SCAN]); break;
    case ATTN_STEP_MAIN:
        for (int i = 0; i < sample->n_rows && args->splits > 1; i++) {
            const struct attn_sample_part part = attn_sample_part_of(problem, plan, sample->row[i]);
            add_parts(args, part, 4 * args->d_v, &region[ATTN_REGION_PARTIAL]);
            add_parts(args, part, 8, &region[ATTN_REGION_META]);
        }
        break;
    default: break;
    }
}

void simt_items_free(struct simt_items *items) { free(items->range); }

/* ---- Asked --------------------------------------------------------------------------------------------- */

/* The first range that ends after `item`; n: none. */
static int64_t range_after(const struct simt_items *items, int64_t item)
{
    int64_t low = 0, high = items->n;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (items->range[middle].end <= item)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int64_t simt_items_next(const struct simt_items *items, int64_t item, int64_t step, int64_t end)
{
    while (item < end) {
        const int64_t at = range_after(items, item);
        if (at == items->n)
            return end;
        const int64_t first = items->range[at].begin - items->side + 1; /* the least that has it at its side */
        if (item >= first)
            return item;
        item += (first - item + step - 1) / step * step;
    }
    return item;
}

bool simt_items_has(const struct simt_items *items, int64_t item)
{
    const int64_t at = range_after(items, item);
    return at < items->n && item >= items->range[at].begin;
}

uint32_t *simt_items_blocks(const struct simt_items *items, uint32_t blocks, uint32_t *n)
{
    uint8_t *has = static_cast<uint8_t *>(calloc(blocks, 1));
    uint32_t *number = static_cast<uint32_t *>(malloc(blocks * sizeof *number));
    *n = 0;
    if (!has || !number) {
        free(has);
        free(number);
        return nullptr;
    }
    for (int64_t r = 0; r < items->n; r++) {
        const int64_t first = items->range[r].begin / items->block, last = (items->range[r].end - 1) / items->block;
        for (int64_t i = first; i <= last && i < first + blocks; i++)
            has[i % blocks] = 1;
    }
    for (uint32_t b = 0; b < blocks; b++)
        if (has[b])
            number[(*n)++] = b;
    free(has);
    return number;
}
