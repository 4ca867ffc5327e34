/* vector.h: lane functions, between the classes that run vector rows (vector.c, compare.c) and the files that hold the
 * functions (lanes_*.c). Those are compiled once for any x86-64 and once for x86-64-v3 (AVX2, FMA, F16C); the choice is
 * made where a function is called, by what the processor has.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_VECTOR_H
#define ATTN_ISA_VECTOR_H

#include "isa/internal.h"
#include "isa/rows/compare.h"
#include "isa/rows/vector_convert.h"
#include "isa/rows/vector_float.h"
#include "isa/rows/vector_integer.h"
#include "isa/rows/vector_special.h"

/* What a lane function works on. Sources are whole arrays of ISA_LANES words, [1] the high words of 8-byte types. A
 * destination may be a source's own array (each lane is read before it is written). */
struct isa_vector {
    uint32_t *d[2];
    uint32_t *carry; /* 0 or 1 a lane: the second destination, a mask */
    const uint32_t *s[ISA_SOURCES][2];
    int lanes; /* 32 or 64 */
    bool ieee; /* MODE.ieee; never on gfx12 */
    bool clamp;
    uint32_t table; /* of v_bitop3 */
    uint32_t byte;  /* of 8-bit floats: which of the register's */
    bool fnuz;      /* their kind (narrow.h) */
    bool saturates; /* MODE.fp16_ovfl: what is too large becomes the largest */
};
typedef void isa_lanes(const struct isa_vector *x);

/* The sets of lane functions: X(SET, set, rows). A row's op.number is set << 16 | number in it. */
#define ISA_LANE_SETS(X)                         \
    X(FLOAT, float, ISA_ROWS_VECTOR_FLOAT)       \
    X(INTEGER, integer, ISA_ROWS_VECTOR_INTEGER) \
    X(CONVERT, convert, ISA_ROWS_VECTOR_CONVERT) \
    X(SPECIAL, special, ISA_ROWS_VECTOR_SPECIAL) \
    X(COMPARE, compare, ISA_ROWS_COMPARE)
enum isa_lane_set {
#define X(SET, set, rows) ISA_LANES_##SET,
    ISA_LANE_SETS(X)
#undef X
        ISA_LANE_SET_COUNT
};
#define ISA_LANE_NUMBER(name, ...) ISA_LANE_##name,
enum isa_lanes_float { ISA_ROWS_VECTOR_FLOAT(ISA_LANE_NUMBER) ISA_LANE_FLOAT_COUNT };
enum isa_lanes_integer { ISA_ROWS_VECTOR_INTEGER(ISA_LANE_NUMBER) ISA_LANE_INTEGER_COUNT };
enum isa_lanes_convert { ISA_ROWS_VECTOR_CONVERT(ISA_LANE_NUMBER) ISA_LANE_CONVERT_COUNT };
enum isa_lanes_special { ISA_ROWS_VECTOR_SPECIAL(ISA_LANE_NUMBER) ISA_LANE_SPECIAL_COUNT };
enum isa_lanes_compare { ISA_ROWS_COMPARE(ISA_LANE_NUMBER) ISA_LANE_COMPARE_COUNT };
#define X(SET, set, rows) extern isa_lanes *const isa_lanes_##set##_base[], *const isa_lanes_##set##_v3[];
ISA_LANE_SETS(X)
#undef X

/* The lane function of a row, for this processor. */
isa_lanes *isa_lanes_of(const struct isa_row *row);
/* Fetches all sources of i, with their modifiers, into x (buffers in tmp), calls the row's lane function. Results go to
 * d; where d[0] is NULL it is set to tmp's. */
struct isa_vector_buffers {
    uint32_t source[ISA_SOURCES][2][ISA_LANES], result[2][ISA_LANES], carry[ISA_LANES];
};
void isa_vector_compute(struct isa_wave *w, const struct isa_instr *i, struct isa_vector *x,
                        struct isa_vector_buffers *tmp);

#endif
