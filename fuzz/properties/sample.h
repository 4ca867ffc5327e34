/* sample.h: which rows of dst are run of a case that is too much work to be run whole.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_PROPERTIES_SAMPLE_H
#define ATTN_PROPERTIES_SAMPLE_H

#include "fuzz/properties/properties.h"

/* A single column tile, which is the least that a plan can be run of, may be so many times the limit's work. */
enum { ATTN_SAMPLE_TILE_MORE = 16 };
/* All tiles of a plan together may be so many times the limit's work: where they are no more, all are run. */
enum { ATTN_SAMPLE_TILES_MORE = 4 };

/* Multiply-adds of one of the plan's column tiles. */
int64_t attn_sample_tile_work(const struct attn_problem *problem, const struct attn_plan *plan);

/* Chooses rows of as many column tiles as the limits pay for, some of each, and adds what these plans need for them:
 * the last row's tile, the first one's, and tiles drawn by the data's seed; with larger limits the same ones and more.
 * Where that is all rows there is nothing to sample, and sample->n_rows is 0. NULL, or why not even one row can be run.
 */
const char *attn_sample_choose(const struct attn_case *c, const struct attn_run_limits *limits,
                               const struct attn_plan *plans, int n_plans, struct attn_sample *sample);

#endif
