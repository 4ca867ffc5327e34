/* attn_reference.h: attention in double precision, the KV formats, and the error bound.
 *
 * The reference computes the definition in attn_problem.h (struct attn_problem) from the *dequantised* inputs
 * and, beside every component, the gauge that the bound needs; attn_judge then holds a result against a
 * limit derived from the arithmetic of the route that made it. All functions are thread safe.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_REFERENCE_H
#define ATTN_REFERENCE_H

#include "planner/attn_planner.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- KV formats (ggml block layouts, bit-exact) ---------------------------------------------------- */

/* IEEE binary16 and bfloat16: exact widening; narrowing rounds to nearest even, overflow to inf, NaN kept. */
float attn_f16_to_f32(uint16_t h);
uint16_t attn_f32_to_f16(float f);
float attn_bf16_to_f32(uint16_t b);
uint16_t attn_f32_to_bf16(float f);

/* Decodes / encodes one dense row of n elements (n a multiple of the type's block). Encoding follows ggml's
 * reference quantisers (quantize_row_*_ref) bit for bit on finite input. src and dst need no alignment. */
void attn_row_decode(int type, const void *src, int64_t n, float *dst);
void attn_row_encode(int type, const float *src, int64_t n, void *dst);

/* The same for a tensor's type, one that only its library knows too: with that library's own functions. What nobody can
 * read (to_float NULL) is NaN; what nobody can write is left as it was, false. */
void attn_tensor_decode(const struct attn_tensor *tensor, const void *src, int64_t n, float *dst);
bool attn_tensor_encode(const struct attn_tensor *tensor, const float *src, int64_t n, void *dst);

/* ---- Reference --------------------------------------------------------------------------------------- */

struct attn_reference; /* results and gauges of one problem and its data */

/* Computes the reference of a legal problem. base[o] points at the first byte of operand o's first element
 * (buffer start + offset; dst not needed; NULL for absent operands). Returns NULL when memory runs out, or
 * there are more than 2^28 components or elements of a row.
 * Cells of K and V that no row of any head of their sequence attends to are never read. Free with
 * attn_reference_free. */
struct attn_reference *attn_reference_compute(const struct attn_problem *problem,
                                              const void *const base[ATTN_OPERAND_COUNT]);
void attn_reference_free(struct attn_reference *reference);

/* Keys whose loss the judge must see: a row is blind, too, when it would be accepted without one of them that has a
 * weight of at least `least` in it. */
struct attn_watch {
    const int64_t *key; /* below n_kv, each once */
    int n;
    double least;
};

/* The same for some rows (query row, head, sequence) only, where all would cost more than `work` multiply-adds: as many
 * as that pays for, at least 16, one drawn by the seed from each of so many equal parts of all rows in their order in
 * dst, and the very first and last row among them. Only components of these rows count against the limit of
 * attn_reference_compute. attn_judge leaves the other rows out, and counts them.
 * watch: NULL, or keys that are watched. */
struct attn_reference *attn_reference_compute_some(const struct attn_problem *problem,
                                                   const void *const base[ATTN_OPERAND_COUNT], int64_t work,
                                                   uint64_t seed, const struct attn_watch *watch);

/* The same for these rows alone: their numbers (s * n_q + query row) * n_head + head, ascending. */
struct attn_reference *attn_reference_compute_rows(const struct attn_problem *problem,
                                                   const void *const base[ATTN_OPERAND_COUNT], const int64_t *rows,
                                                   int64_t n_rows, const struct attn_watch *watch);

/* Whoever is judged gets the same keys in another order (a cache's cells, say): limits no longer go by the order. */
void attn_reference_shuffle(struct attn_reference *reference);

/* The value of component d of query row iq, head h, sequence s; NaN for a row that was left out. */
double attn_reference_value(const struct attn_reference *r, int64_t d, int64_t h, int64_t iq, int64_t s);

/* How far a result computed by `arithmetic` may be from that value; infinitely for a row that was left out. Derivation:
 * reference/bound.c. */
double attn_reference_limit(const struct attn_reference *r, const struct attn_arithmetic *arithmetic, int64_t d,
                            int64_t h, int64_t iq, int64_t s);

/* The same for all components of a row, limit[d_v]; false for a row that was left out, limit is as it was. */
bool attn_reference_row_limits(const struct attn_reference *r, const struct attn_arithmetic *arithmetic, int64_t h,
                               int64_t iq, int64_t s, double *limit);

struct attn_judgement {
    int64_t components;      /* judged and unjudged */
    int64_t left_out;        /* in no sense judged: of rows that the reference does not have */
    int64_t failed;          /* beyond their limit, or not finite */
    int64_t unjudged;        /* limit so wide that plain zero would pass, though the value is not zero */
    int64_t suspect;         /* within the proven limit, but beyond what is accepted without further seeds */
    int64_t rows;            /* judged rows that have a live key and, in some component, a value other than zero */
    int64_t blind;           /* of which a row of zeros, or of values 1.05 times as large, or the row without one of its
                                watched keys, would be accepted */
    double unlikely;         /* of suspect ones the largest |got - want| / what is accepted; 0: none is */
    double worst;            /* largest |got - want| / limit */
    int64_t d, h, iq, s;     /* the component it was at */
    double got, want, limit; /* its values */
};

/* Judges dst (base: its first element; strides from the problem). True when no component failed. */
bool attn_judge(const struct attn_reference *r, const struct attn_arithmetic *arithmetic, const void *dst,
                struct attn_judgement *judgement);

/* Blind: what was computed could not be judged, as for more than 1% of its rows a wrong result would be accepted. It is
 * neither good nor failed. */
bool attn_judgement_blind(const struct attn_judgement *judgement);

#ifdef __cplusplus
}
#endif
#endif
