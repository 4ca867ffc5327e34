/* filler.h: what the parts of data.c share: data_rows.c makes the values of Q, K and V, data_mask.c those of the mask
 * and the sinks, data.c writes them where they belong.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_FILLER_H
#define ATTN_FILLER_H

#include "fuzz/case/attn_case.h"
#include "planner/random.h"

enum { ATTN_F16_INF = 0x7c00, ATTN_F16_MINUS_INF = 0xfc00, ATTN_F16_LOWEST = 0xfbff };

struct filler {
    const struct attn_case *c;
    const struct attn_problem *p;
    const struct attn_image *image;
    const struct attn_sample *sample; /* what is filled; NULL: all */
    float q, k, v, sink;              /* magnitudes */
    float sink_apart;                 /* DEEP: sinks are above or below all scores by this part of them */
    float k_sign;                     /* of K's elements: gives scores their sign whatever that of scale */
    float level;                      /* WITNESS, DEEP, STAIRS: K's elements for a score of 1 (DEEP: of its level) */
    float single; /* WITNESS: score of a single witness, and the size of its V: the sum's part is another's */
    float single_v;
    int64_t run;   /* WITNESS: keys of which one is a witness */
    float far;     /* WITNESS: how far below 0 the other keys' scores are */
    float base;    /* STAIRS: what all scores are higher by */
    bool flat;     /* WITNESS: scores cannot be told apart: what keeps other keys out is a V of zeros; */
    bool biased;   /* or of little, where distances (ALiBi) may leave a row none but such keys */
    int64_t view;  /* V is K's rows from this element on; -1: it has bytes of its own */
    float *row;    /* one row, before it is encoded */
    uint8_t *live; /* of each (mask sequence, mask head, key): does a row see it; NULL without a mask */
};

/* Random numbers: a state of its own for each place. */
static inline uint64_t data_place(uint64_t seed, int what, int64_t a, int64_t b, int64_t c)
{
    uint64_t state = attn_mix(seed + ATTN_RANDOM_STEP * (uint64_t)(what + 1));
    state = attn_mix(state ^ (uint64_t)a * UINT64_C(0xd6e8feb86659fd93));
    state = attn_mix(state ^ (uint64_t)b * UINT64_C(0xa0761d6478bd642f));
    return attn_mix(state ^ (uint64_t)c * UINT64_C(0xe7037ed1a0b428db));
}
static inline float data_signed_unit(uint64_t bits) { return (float)(int32_t)(bits >> 40) * 0x1p-23f - 1.0f; }
static inline float data_unit(uint64_t bits) { return (float)(int32_t)(bits >> 40) * 0x1p-24f; }

/* ---- filler.c */

/* The row of an operand at these indices. */
char *data_at(const struct filler *f, int operand, int64_t i1, int64_t i2, int64_t i3);
/* Rows of independent numbers. */
void data_fill_uniform(float *row, int64_t n, uint64_t state, float magnitude);
void data_fill_positive(float *row, int64_t n, uint64_t state, float magnitude);

/* ---- data_rows.c */

/* Sets the magnitudes: scores get the size that the profile wants, whatever scale and D_K are. */
void data_choose_magnitudes(struct filler *f);
/* A row of Q, K or V into f->row. */
void data_make_row(const struct filler *f, int operand, int64_t i1, int64_t i2, int64_t i3);

/* ---- data_profiles.c: profiles that follow a plan over all of n_kv */

bool data_is_planned(int profile);
/* Their magnitudes; scores are this for Q, K positive, about 1 in size: mean * q * k. */
void data_plan(struct filler *f, double mean);
/* A row of K or V of such a profile into f->row. */
void data_make_planned_row(const struct filler *f, int operand, int64_t i1, int64_t i2, int64_t i3);

/* Single witnesses of the profile `witness`; the key of number i of those that are drawn (all but the first and the
 * last key); keys of a run, of which one is a witness; the witness of a run. */
enum { DATA_WITNESS_SINGLES = 16, DATA_STATE_RUN = 121 /* of data_place: which key of a run, and which runs */ };
int64_t data_witness_single(uint64_t seed, int64_t n_kv, int64_t i);
int64_t data_witness_run(const struct attn_problem *problem);
int64_t data_witness_of_run(uint64_t seed, int64_t n_kv, int64_t keys, int64_t run);

/* ---- data_mask.c */

void data_fill_mask(const struct filler *f);
void data_fill_sinks(const struct filler *f);
/* Sets f->live: which keys does a mask head of a mask sequence let any row see? Read back from memory. */
void data_find_live(struct filler *f);

#endif
