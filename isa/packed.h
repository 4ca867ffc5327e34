/* packed.h: lane functions of packed instructions, between the class that runs them (packed.c) and the file that holds
 * them (lanes_packed.c), which is compiled twice (level.h).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_PACKED_H
#define ATTN_ISA_PACKED_H

#include "isa/internal.h"
#include "isa/level.h"
#include "isa/narrow.h"
#include "isa/rows/packed.h"

/* What an expression may ask of its instruction. */
struct isa_packed_how {
    bool ieee;
    int clamp; /* 1: a signed result saturates, 2: an unsigned one */
    int neg;   /* neg_lo */
};
/* Whole arrays of ISA_LANES words. */
typedef void isa_packed_lanes(const struct isa_packed_how *how, const uint32_t *as, const uint32_t *bs,
                              const uint32_t *cs, uint32_t *to);

/* All that have a function; a row's op.number is its place here. */
#define ISA_PACKED_ALL(X) ISA_PACKED_F16(X) ISA_PACKED_INTEGER(X) ISA_PACKED_F32(X) ISA_DOT(X) ISA_DOT_HALF(X)
enum isa_packed_number {
#define X(name, ...) ISA_PACKED_##name,
    ISA_PACKED_ALL(X)
#undef X
        ISA_PACKED_FUSED /* v_fma_mix: a fused multiply-add of f32 */
};
extern isa_packed_lanes *const isa_packed_base[], *const isa_packed_v3[];

static inline isa_packed_lanes *isa_packed_of(uint64_t number)
{
    return (isa_wide() ? isa_packed_v3 : isa_packed_base)[number];
}

static inline bool isa_nan_f16(uint32_t half) { return (half & 0x7FFF) > 0x7C00; }
static inline uint32_t isa_flush_f32(uint32_t x) { return x & 0x7F800000 ? x : x & 0x80000000; }
static inline uint32_t isa_flush_f16(uint32_t half) { return half & 0x7C00 ? half : half & 0x8000; }

#endif
