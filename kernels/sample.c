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
                                     .first = first,
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

/* ---- Places ---------------------------------------------------------------------------------------------- */

static void set(struct attn_box *box, int d, int64_t first, int64_t end)
{
    box->first[d] = first;
    box->end[d] = end;
}

/* Adds a box unless it is there. What is broadcast is one place. */
static int add(const struct attn_tensor *t, struct attn_box *boxes, int n, struct attn_box box)
{
    for (int d = 1; d < 4; d++)
        if (t->ne[d] == 1 || t->nb[d] == 0)
            set(&box, d, 0, 1);
    for (int i = 0; i < n; i++)
        if (memcmp(&boxes[i], &box, sizeof box) == 0)
            return n;
    boxes[n] = box;
    return n + 1;
}

/* Heads of the mask repeat: the part's can be all of them, or its last and its first ones. */
static int add_mask(const struct attn_tensor *t, const struct attn_sample_part *part, struct attn_box *boxes, int n,
                    struct attn_box box)
{
    const int64_t heads = part->mask_head[1] - part->mask_head[0], first = part->mask_head[0] % t->ne[2];
    set(&box, 1, part->mask_row[0], part->mask_row[1]);
    set(&box, 3, part->seq % t->ne[3], part->seq % t->ne[3] + 1);
    if (heads >= t->ne[2]) {
        set(&box, 2, 0, t->ne[2]);
        return add(t, boxes, n, box);
    }
    set(&box, 2, first, attn_min(first + heads, t->ne[2]));
    n = add(t, boxes, n, box);
    if (first + heads > t->ne[2]) {
        set(&box, 2, 0, first + heads - t->ne[2]);
        n = add(t, boxes, n, box);
    }
    return n;
}

static int add_part(const struct attn_problem *p, const struct attn_sample_part *part, int operand,
                    struct attn_box *boxes, int n)
{
    const struct attn_tensor *t = &p->t[operand];
    struct attn_box box = { .end = { t->ne[0], 1, 1, part->seq + 1 }, .first = { 0, 0, 0, part->seq } };
    switch (operand) {
    case ATTN_K:
    case ATTN_V:
        set(&box, 1, 0, t->ne[1]);
        set(&box, 2, part->kv_head, part->kv_head + 1);
        break;
    case ATTN_Q:
        set(&box, 1, part->row[0], part->row[1]);
        set(&box, 2, part->head[0], part->head[1]);
        break;
    case ATTN_DST:
        set(&box, 1, part->head[0], part->head[1]);
        set(&box, 2, part->row[0], part->row[1]);
        break;
    case ATTN_SINKS: set(&box, 0, part->head[0], part->head[1]); break;
    default: return add_mask(t, part, boxes, n, box);
    }
    return add(t, boxes, n, box);
}

int attn_sample_boxes(const struct attn_sample *sample, const struct attn_problem *problem, int operand,
                      struct attn_box box[ATTN_SAMPLE_BOXES_MAX])
{
    const struct attn_tensor *t = &problem->t[operand];
    int n = 0;
    if (!sample)
        return add(t, box, 0, (struct attn_box){ .end = { t->ne[0], t->ne[1], t->ne[2], t->ne[3] } });
    for (int i = 0; i < sample->n_parts; i++)
        n = add_part(problem, &sample->part[i], operand, box, n);
    return n;
}

struct attn_tensor attn_box_tensor(const struct attn_tensor *tensor, const struct attn_box *box)
{
    struct attn_tensor t = *tensor;
    t.ne[0] = box->end[0] - box->first[0];
    t.offset += box->first[0] * t.nb[0]; /* 0 but for sinks, whose elements stand alone */
    for (int d = 1; d < 4; d++) {
        t.ne[d] = box->end[d] - box->first[d];
        t.offset += box->first[d] ? box->first[d] * t.nb[d] : 0;
    }
    return t;
}
