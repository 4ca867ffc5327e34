/* lanes_matrix.c: multiplies matrices whose elements f32 holds. Compiled once for any x86-64 and once for x86-64-v3.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/matrix.h"
#include "isa/narrow.h"

#include <math.h>

/* f32 with 10 bits of mantissa, to nearest, ties to even. */
static inline float to_xf32(uint32_t bits)
{
    const uint32_t rounded = (bits + 0xFFF + (bits >> 13 & 1)) & ~0x1FFFu;
    return isa_f32((bits & 0x7F800000) == 0x7F800000 ? bits : rounded);
}

/* A loop for each type: the choice is made outside of it. */
#define EACH(expression)                   \
    for (uint32_t n = 0; n < count; n++) { \
        const uint32_t x = bits[n];        \
        to[n] = (expression);              \
    }                                      \
    break

static void widen(const struct isa_matrix_product *p, enum isa_matrix_element type, uint32_t neg, const uint32_t *bits,
                  float *to)
{
    const uint32_t count = p->blocks * p->depth * p->edge;
    /* Of a subnormal the sign alone is kept where it counts as zero. */
    const uint32_t subnormal = !p->flush ? 0 : type == ISA_E_F16 ? 0x7C00 : 0x7F80;
    const bool fnuz = p->fnuz;
    switch (type) {
    case ISA_E_F16: EACH(isa_f16_to_f32((x & subnormal) == 0 && subnormal ? x & 0x8000u : x));
    case ISA_E_BF16: EACH(isa_bf16_to_f32((x & subnormal) == 0 && subnormal ? x & 0x8000u : x));
    case ISA_E_F8: EACH(isa_f8_to_f32(x, 3, fnuz));
    case ISA_E_BF8: EACH(isa_f8_to_f32(x, 2, fnuz));
    case ISA_E_XF32: EACH(to_xf32(x));
    default: EACH(isa_f32(x));
    }
    for (uint32_t n = 0; neg && n < count; n++)
        if (neg >> (n / p->edge % p->depth % 2) & 1)
            to[n] = -to[n];
}

static void read_c(const struct isa_matrix_product *p, const uint32_t *bits, float *to)
{
    const uint32_t count = p->edge;
    switch (p->result) {
    case ISA_E_F16: EACH(isa_f16_to_f32(x));
    case ISA_E_BF16: EACH(isa_bf16_to_f32(x));
    default: EACH(isa_f32(x));
    }
    for (uint32_t n = 0; (p->c_abs || p->c_neg) && n < count; n++) {
        to[n] = p->c_abs ? fabsf(to[n]) : to[n];
        to[n] = p->c_neg ? -to[n] : to[n];
    }
}

static void write_d(const struct isa_matrix_product *p, const float *from, uint32_t *to)
{
    for (uint32_t n = 0; n < p->edge; n++)
        to[n] = p->result == ISA_E_F16    ? isa_f32_to_f16(from[n])
                : p->result == ISA_E_BF16 ? isa_f32_to_bf16(from[n])
                                          : isa_f32_bits(from[n]);
}

/* A row of the product: of A a column apart from each other, of B whole rows. */
static inline void row_of(uint32_t edge, uint32_t depth, bool fused, const float *a, const float *b, float *c)
{
    for (uint32_t k = 0; k < depth; k++) {
        const float x = a[k * edge], *y = b + k * edge;
        if (fused)
            for (uint32_t n = 0; n < edge; n++)
                c[n] = fmaf(x, y[n], c[n]);
        else
            for (uint32_t n = 0; n < edge; n++)
                c[n] += x * y[n];
    }
}

#define LEVEL_(name, level) name##_##level
#define LEVEL(name, level) LEVEL_(name, level)
void LEVEL(isa_matrix_multiply, ISA_LEVEL)(struct isa_matrix_product *p)
{
    const bool fused = p->a_type == ISA_E_F32;
    float a[ISA_MATRIX_INPUTS], b[ISA_MATRIX_INPUTS], c[32];
    widen(p, p->a_type, p->a_neg, p->a[0], a);
    widen(p, p->b_type, p->b_neg, p->b[0], b);
    for (uint32_t block = 0; block < p->blocks; block++) {
        const float *ours = a + isa_matrix_block(p, block) * p->depth * p->edge;
        const float *theirs = b + block * p->depth * p->edge;
        for (uint32_t row = 0; row < p->edge; row++) {
            uint32_t *to = p->c[0] + (block * p->edge + row) * p->edge;
            read_c(p, to, c);
            if (p->edge == 16) /* a constant: vectors without ends */
                row_of(16, p->depth, fused, ours + row, theirs, c);
            else
                row_of(p->edge, p->depth, fused, ours + row, theirs, c);
            write_d(p, c, to);
        }
    }
}
