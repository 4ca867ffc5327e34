/* sample.c: see sample.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/properties/sample.h"

#include <string.h>

#include "planner/arith.h"
#include "planner/random.h"

enum {
    COLUMNS_A_ROW = 16, /* of so many columns of a tile one is judged, */
    ROWS_LEAST = 2,     /* and of fewer two: what is wrong with odd ones alone is met */
};

int64_t attn_sample_tile_work(const struct attn_problem *p, const struct attn_plan *plan)
{
    const int64_t columns = attn_n_q(p) * (attn_n_head(p) / attn_n_head_kv(p));
    return attn_mul_sat(attn_mul_sat(attn_min(plan->columns, columns), attn_n_kv(p)), attn_d_k(p) + attn_d_v(p));
}

/* Adds a row where it belongs, unless it is there. */
static void add(struct attn_sample *sample, int64_t row)
{
    int at = sample->n_rows;
    for (int i = 0; i < sample->n_rows; i++)
        if (sample->row[i] == row)
            return;
    for (; at > 0 && sample->row[at - 1] > row; at--)
        sample->row[at] = sample->row[at - 1];
    sample->row[at] = row;
    sample->n_rows++;
}

/* What is chosen from: so many tiles, of each so many rows. */
struct choice {
    const struct attn_plan *widest; /* of the plans, whose tiles these are */
    int tiles, rows;
};

/* A tile that comes into the sample costs all of its columns, and the reference its rows alone: some of them are worth
 * it. */
static void add_tile(const struct attn_case *c, const struct choice *choice, int64_t row, uint64_t seed,
                     struct attn_sample *sample)
{
    const struct attn_problem *p = &c->problem;
    const struct attn_sample_part part = attn_sample_part_of(p, choice->widest, row);
    const int64_t heads = part.head[1] - part.head[0], columns = heads * (part.row[1] - part.row[0]);
    add(sample, row);
    for (int i = 1; i < choice->rows; i++) {
        const int64_t column = (int64_t)(attn_mix(seed + (uint64_t)i * ATTN_RANDOM_STEP) % (uint64_t)columns);
        const int64_t iq = part.row[0] + column / heads, head = part.head[0] + column % heads;
        add(sample, (part.seq * attn_n_q(p) + iq) * attn_n_head(p) + head);
    }
}

/* In the order in which tiles are taken: the last row's first or, of every other seed, second, so that what is wrong
 * with large numbers alone is met even if one tile is all that can be run; then the very first row's. */
static void choose(const struct attn_case *c, const struct choice *choice, int64_t rows, struct attn_sample *sample)
{
    const uint64_t seed = attn_mix(c->run.seed + ATTN_RANDOM_STEP);
    const int last = (int)(seed >> 63);
    *sample = (struct attn_sample){ .n_rows = 0 };
    for (int i = 0; i < choice->tiles; i++) {
        const uint64_t drawn = attn_mix(seed + (uint64_t)(i + 1) * ATTN_RANDOM_STEP);
        add_tile(c, choice, i == last ? rows - 1 : i == 2 ? 0 : (int64_t)(drawn % (uint64_t)rows), drawn, sample);
    }
}

const char *attn_sample_choose(const struct attn_case *c, const struct attn_run_limits *limits,
                               const struct attn_plan *plans, int n_plans, struct attn_sample *sample)
{
    const int64_t rows = attn_n_head(&c->problem) * attn_n_q(&c->problem) * attn_n_seq(&c->problem);
    struct choice choice = { .widest = &plans[0] };
    for (int i = 1; i < n_plans; i++)
        if (plans[i].columns > choice.widest->columns)
            choice.widest = &plans[i];
    const int64_t work =
        limits->sample_work > 0 ? limits->sample_work : attn_mul_sat(limits->work, ATTN_SAMPLE_TILES_MORE);
    const int64_t tiles = work / attn_sample_tile_work(&c->problem, choice.widest);
    choice.rows = (int)attn_min(choice.widest->columns, attn_max(ROWS_LEAST, choice.widest->columns / COLUMNS_A_ROW));
    choice.rows = (int)attn_min(choice.rows, ATTN_SAMPLE_ROWS_MAX);
    choice.tiles = (int)attn_max(1, attn_min(tiles, ATTN_SAMPLE_ROWS_MAX / choice.rows));
    if (tiles >= rows) {
        *sample = (struct attn_sample){ .n_rows = 0 };
        return NULL;
    }
    for (;; choice.tiles /= 2) {
        choose(c, &choice, rows, sample);
        for (int i = 0; i < n_plans; i++)
            attn_sample_add(sample, &c->problem, &plans[i]);
        if (attn_image_bytes_sample(&c->problem, sample) <= limits->bytes)
            return NULL;
        if (choice.tiles == 1)
            return "one row has more bytes than the limit";
    }
}
