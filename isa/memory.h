/* memory.h: what the instruction classes of memory share: what a row says, registers to and from bytes, atomics.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_MEMORY_H
#define ATTN_ISA_MEMORY_H

#include <string.h>

#include "isa/machine.h"
#include "isa/rows/memory.h"

/* ---- Rows ------------------------------------------------------------------------------------------------ */

/* A row's number: bytes of an access (of each, where an instruction has two), what it is, operation of an atomic. */
enum {
    ISA_M_BYTES = 0xff,
    ISA_M_SIGNED = 1 << 8,
    ISA_M_LOW = 1 << 9,   /* d16: the low half, the other is kept */
    ISA_M_HIGH = 1 << 10, /* d16_hi: the high half */
    ISA_M_STORE = 1 << 11,
    ISA_M_ATOMIC = 1 << 12,
    ISA_M_RETURNS = 1 << 13,        /* DS: the form with a result */
    ISA_M_TWO = 1 << 14,            /* DS: two accesses */
    ISA_M_ST64 = 1 << 15,           /* DS: their offsets count in 64 elements */
    ISA_M_COMPARED_FIRST = 1 << 16, /* DS: what is compared comes before the new value */
    ISA_M_PERMUTES = 1 << 17,       /* DS: the data goes from lane to lane */
    ISA_M_SHIFT = 24
};

/* Operations: X(NAME, new value): m is what is in memory, d the data, c the other of a comparison. */
/* clang-format off */
#define ISA_ATOMICS(X)                                    \
    X(SWAP, d)                                            \
    X(CMPSWAP, m == c ? d : m)                            \
    X(ADD, m + d)                                         \
    X(SUB, m - d)                                         \
    X(RSUB, d - m)                                        \
    X(MIN_I, as_signed(m) < as_signed(d) ? m : d)         \
    X(MAX_I, as_signed(m) > as_signed(d) ? m : d)         \
    X(MIN_U, m < d ? m : d)                               \
    X(MAX_U, m > d ? m : d)                               \
    X(AND, m & d)                                          \
    X(OR, m | d)                                          \
    X(XOR, m ^ d)                                         \
    X(MSKOR, (m & ~d) | c)                                \
    X(INC, m >= d ? 0 : m + 1)                            \
    X(DEC, m == 0 || m > d ? d : m - 1)                   \
    X(SUB_CLAMP, m < d ? 0 : m - d)                       \
    X(COND_SUB, m >= d ? m - d : m)                       \
    X(ADD_F, add_float(m, d, bytes))                      \
    X(MIN_F, pick_float(m, d, bytes, false))              \
    X(MAX_F, pick_float(m, d, bytes, true))               \
    X(CMPSWAP_F, same_float(m, c, bytes) ? d : m)         \
    X(PK_ADD_F16, add_halves(m, d, false))                \
    X(PK_ADD_BF16, add_halves(m, d, true))
/* clang-format on */
enum isa_atomic {
#define X(NAME, value) ISA_ATOMIC_##NAME,
    ISA_ATOMICS(X)
#undef X
};
/* The new value of what is in memory. */
uint64_t isa_atomic_value(int operation, int bytes, uint64_t memory, uint64_t data, uint64_t compared);

static inline int isa_m_bytes(const struct isa_instr *i) { return (int)(i->row->op.number & ISA_M_BYTES); }
static inline bool isa_m(const struct isa_instr *i, uint64_t what) { return (i->row->op.number & what) != 0; }
static inline int isa_m_operation(const struct isa_instr *i) { return (int)(i->row->op.number >> ISA_M_SHIFT); }

/* ---- Registers ------------------------------------------------------------------------------------------- */

#define ISA_EACH_LANE(lane, mask)                                                      \
    for (uint64_t lanes_##lane = (mask), lane##_once = 1; lanes_##lane && lane##_once; \
         lanes_##lane &= lanes_##lane - 1)                                             \
        for (int lane = __builtin_ctzll(lanes_##lane), once_##lane = 1; once_##lane; once_##lane = 0)

/* Bytes that were loaded, to a lane's registers. */
static inline void isa_deliver(struct isa_wave *w, const struct isa_instr *i, int reg, int lane, const uint8_t *from)
{
    uint64_t what = i->row->op.number;
    int bytes = (int)(what & ISA_M_BYTES);
    uint32_t *to = &w->v[reg][lane];
    if (bytes >= 4) {
        for (int k = 0; k < bytes / 4; k++)
            memcpy(&w->v[reg + k][lane], from + 4 * k, 4);
        return;
    }
    uint32_t value = bytes == 1 ? from[0] : (uint32_t)(from[0] | from[1] << 8);
    if (what & ISA_M_SIGNED)
        value = bytes == 1 ? (uint32_t)(int32_t)(int8_t)value : (uint32_t)(int32_t)(int16_t)value;
    bool high = (what & ISA_M_HIGH) || i->dst[0].half == ISA_HIGH;
    if (high)
        *to = (*to & 0xffff) | value << 16;
    else if (what & ISA_M_LOW)
        *to = (*to & 0xffff0000) | (value & 0xffff);
    else
        *to = value;
}

/* A lane's registers to the bytes that are stored. */
static inline void isa_collect(const struct isa_wave *w, const struct isa_instr *i, const struct isa_operand *o,
                               int lane, int bytes, uint8_t *to)
{
    if (bytes >= 4) {
        for (int k = 0; k < bytes / 4; k++)
            memcpy(to + 4 * k, &w->v[o->reg + k][lane], 4);
        return;
    }
    uint32_t value = w->v[o->reg][lane];
    if ((i->row->op.number & ISA_M_HIGH) || o->half == ISA_HIGH)
        value >>= 16;
    memcpy(to, &value, (size_t)bytes);
}

/* 4 or 8 bytes of a lane's registers, from word `word` of an operand on. */
static inline uint64_t isa_words(const struct isa_wave *w, const struct isa_operand *o, int word, int lane, int bytes)
{
    uint64_t low = w->v[o->reg + word][lane];
    return bytes == 8 ? low | (uint64_t)w->v[o->reg + word + 1][lane] << 32 : low;
}

/* An atomic's data: its operand, and where what is compared lies, as words of it. */
static inline bool isa_compares(int operation)
{
    return operation == ISA_ATOMIC_CMPSWAP || operation == ISA_ATOMIC_CMPSWAP_F;
}

static inline void isa_count_global(const struct isa_wave *w, bool reads, bool writes, int bytes)
{
    if (!w->machine->counts)
        return;
    uint64_t all = (uint64_t)__builtin_popcountll(w->exec) * (uint64_t)bytes;
    if (reads)
        w->machine->counts->global_read += all;
    if (writes)
        w->machine->counts->global_written += all;
}

/* One lane's atomic on memory that was checked: puts the new value there and gives back the old one. */
uint64_t isa_atomic_at(const struct isa_wave *w, const struct isa_instr *i, const struct isa_operand *data, int lane,
                       int bytes, void *at);

/* One lane's atomic in global memory, checked; the old value goes to dst[0] where there is one. */
bool isa_global_atomic(struct isa_wave *w, const struct isa_instr *i, int lane, uint64_t address,
                       const struct isa_operand *data);

/* Bytes of LDS that are not known, which a lane has loaded to dst[0] from `word` of it on. */
void isa_lds_learn(struct isa_wave *w, const struct isa_instr *i, int lane, uint32_t address, int word);

/* Instructions on caches: on this machine there are none. */
isa_run isa_run_cache;

/* Scratch of the lanes: addresses are bytes of the lane's own (memory_scratch.c). */
enum isa_next isa_scratch_access(struct isa_wave *w, const struct isa_instr *i, const uint32_t address[ISA_LANES],
                                 uint64_t lanes, const struct isa_operand *data);

#endif
