/* atomic.c: what atomics make of memory, one expression each (memory.h: ISA_ATOMICS).
 *
 * Sources: AMD, "Instinct MI300 Instruction Set Architecture" and "RDNA 3 Instruction Set Architecture", "DS
 * Instructions", "FLAT, Scratch and Global Instructions".
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "isa/memory.h"
#include "isa/narrow.h"

static uint64_t add_float(uint64_t m, uint64_t d, int bytes)
{
    return bytes == 8 ? isa_f64_bits(isa_f64(m) + isa_f64(d))
                      : isa_f32_bits(isa_f32((uint32_t)m) + isa_f32((uint32_t)d));
}

/* The number beside a NaN; of two zeros the negative one is smaller. */
static uint64_t pick_float(uint64_t m, uint64_t d, int bytes, bool greater)
{
    double x = bytes == 8 ? isa_f64(m) : isa_f32((uint32_t)m), y = bytes == 8 ? isa_f64(d) : isa_f32((uint32_t)d);
    if (isnan(x))
        return d;
    if (isnan(y))
        return m;
    bool less = x < y || (x == y && signbit(x) && !signbit(y));
    return less == greater ? d : m;
}

static bool same_float(uint64_t m, uint64_t c, int bytes)
{
    return bytes == 8 ? isa_f64(m) == isa_f64(c) : isa_f32((uint32_t)m) == isa_f32((uint32_t)c);
}

static uint64_t add_halves(uint64_t m, uint64_t d, bool bf16)
{
    uint64_t sum = 0;
    for (int shift = 0; shift < 32; shift += 16) {
        uint32_t a = (uint16_t)(m >> shift), b = (uint16_t)(d >> shift);
        uint32_t s = bf16 ? isa_f32_to_bf16(isa_bf16_to_f32(a) + isa_bf16_to_f32(b))
                          : isa_f32_to_f16(isa_f16_to_f32(a) + isa_f16_to_f32(b));
        sum |= (uint64_t)(s & 0xffff) << shift;
    }
    return sum;
}

uint64_t isa_atomic_value(int operation, int bytes, uint64_t m, uint64_t d, uint64_t c)
{
#define as_signed(x) (bytes == 8 ? (int64_t)(x) : (int64_t)(int32_t)(x))
    switch (operation) {
#define X(NAME, value) \
    case ISA_ATOMIC_##NAME: return value;
        ISA_ATOMICS(X)
#undef X
    default: return m;
    }
#undef as_signed
}

uint64_t isa_atomic_at(const struct isa_wave *w, const struct isa_instr *i, const struct isa_operand *data, int lane,
                       int bytes, void *at)
{
    int operation = isa_m_operation(i);
    uint64_t old = 0, d = isa_words(w, data, 0, lane, bytes), c = 0;
    if (isa_compares(operation)) /* the new value, then what is compared */
        c = isa_words(w, data, bytes / 4, lane, bytes);
    memcpy(&old, at, (size_t)bytes);
    uint64_t value = isa_atomic_value(operation, bytes, old, d, c);
    memcpy(at, &value, (size_t)bytes);
    return old;
}
