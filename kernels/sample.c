/* sample.c: what of a problem some rows of dst need. See sample.h.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/sample.h"

#include <string.h>

#include "planner/arith.h"

struct attn_sample_row attn_sample_row_at(const struct attn_problem *problem, int64_t number)
{
    const int64_t heads = attn_n_head(problem), n_q = attn_n_q(problem);
    return (struct attn_sample_row){ .seq = number / heads / n_q, .iq = number / heads % n_q, .head = number % heads };
}

struct attn_sample_part attn_sample_part_of(const struct attn_problem *problem, const struct attn_plan *plan,
                                            int64_t number)
{
    const struct attn_sample_row row = attn_sample_row_at(problem, number);
    const int64_t n_q = attn_n_q(problem), gqa = attn_n_head(problem) / attn_n_head_kv(problem);
    const int64_t kv_head = row.head / gqa, column = row.iq * gqa + row.head % gqa;
    const int64_t first = column / plan->columns * plan->columns;
    const int64_t last = attn_min(first + plan->columns, n_q * gqa) - 1;
    struct attn_sample_part part = { .seq = row.seq,
                                     .kv_head = kv_head,
                                     .row = { first / gqa, last / gqa + 1 },
                                     .head = { kv_head * gqa, (kv_head + 1) * gqa } };
    if (part.row[1] == part.row[0] + 1) {
        part.head[1] = part.head[0] + last % gqa + 1;
        part.head[0] += first % gqa;
    }
    memcpy(part.mask_row, part.row, sizeof part.mask_row);
    memcpy(part.mask_head, part.head, sizeof part.mask_head);
    if (plan->scan) {
        part.mask_row[0] = part.row[0] / plan->scan_q * plan->scan_q;
        part.mask_row[1] = attn_min(attn_round_up(part.row[1], plan->scan_q), n_q);
        part.mask_head[0] = kv_head * gqa;
        part.mask_head[1] = (kv_head + 1) * gqa;
    }
    return part;
}

void attn_sample_add(struct attn_sample *sample, const struct attn_problem *problem, const struct attn_plan *plan)
{
    for (int r = 0; r < sample->n_rows; r++) {
        const struct attn_sample_part part = attn_sample_part_of(problem, plan, sample->row[r]);
        int i = 0;
        while (i < sample->n_parts && memcmp(&sample->part[i], &part, sizeof part) != 0)
            i++;
        if (i == sample->n_parts && i < ATTN_SAMPLE_PARTS_MAX)
            sample->part[sample->n_parts++] = part;
    }
}
