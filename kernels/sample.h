/* sample.h: some rows of dst of a problem that is too large to be run whole, and what of it they need. The host
 * executor runs the blocks of a launch alone that compute them, and of their work that part (host/sample.cc).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SAMPLE_H
#define ATTN_SAMPLE_H

#include "planner/attn_planner.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A row of dst by its number, (seq * n_q + iq) * n_head + head, taken apart. */
struct attn_sample_row {
    int64_t seq, iq, head;
};
struct attn_sample_row attn_sample_row_at(const struct attn_problem *problem, int64_t number);

/* What a plan reads and writes to compute a row: of one KV head of one sequence all keys, and of Q, dst and sinks the
 * rows row[0] <= iq < row[1] of the query heads head[0] <= h < head[1], which share a column tile; of the mask those of
 * the scan's blocks too. */
struct attn_sample_part {
    int64_t seq, kv_head;
    int64_t first; /* column of the tile */
    int64_t row[2], head[2];
    int64_t mask_row[2], mask_head[2]; /* heads of the problem: several may share a mask head */
};

enum { ATTN_SAMPLE_ROWS_MAX = 32, ATTN_SAMPLE_PARTS_MAX = ATTN_SAMPLE_ROWS_MAX * ATTN_KERNEL_COUNT };

struct attn_sample {
    int n_rows, n_parts;
    int64_t row[ATTN_SAMPLE_ROWS_MAX]; /* numbers, ascending, each once */
    struct attn_sample_part part[ATTN_SAMPLE_PARTS_MAX];
};

/* Rows of an operand: those of indices first[d] <= i < end[d], d from 1 to 3; of the sinks elements, d = 0. */
struct attn_box {
    int64_t first[4], end[4];
};
enum { ATTN_SAMPLE_BOXES_MAX = 2 * ATTN_SAMPLE_PARTS_MAX };

/* The part that a plan of the problem needs for a row of dst. */
struct attn_sample_part attn_sample_part_of(const struct attn_problem *problem, const struct attn_plan *plan,
                                            int64_t number);
/* Adds what a plan needs for the sample's rows, each part once. */
void attn_sample_add(struct attn_sample *sample, const struct attn_problem *problem, const struct attn_plan *plan);

/* The places of an operand that the sample's parts touch, each box once; what is broadcast has index 0. A sample that
 * is NULL is all of the problem. Returns how many boxes there are. */
int attn_sample_boxes(const struct attn_sample *sample, const struct attn_problem *problem, int operand,
                      struct attn_box box[ATTN_SAMPLE_BOXES_MAX]);
/* A box as a tensor of its own in the operand's buffer. */
struct attn_tensor attn_box_tensor(const struct attn_tensor *tensor, const struct attn_box *box);

#ifdef __cplusplus
}
#endif
#endif
