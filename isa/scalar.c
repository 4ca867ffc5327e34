/* scalar.c: runs the scalar ALU's rows. The operations are in rows/scalar.h.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/lanes.h"
#include "isa/rows/scalar.h"

/* What an operation has besides its operands. */
struct scalar {
    struct isa_wave *w;
    int32_t k;
    bool scc, ieee;
    uint64_t exec; /* written back where the row says ISA_WRITES_EXEC */
};
typedef uint64_t scalar_operation(struct scalar *x, const uint64_t s[3]);

/* ---- What rows are written with ---------------------------------------------------------------------------------- */

/* Bits [at, at + width) of a, down at 0. */
static uint64_t field(uint64_t a, unsigned at, unsigned width, bool is_signed)
{
    if (!width)
        return 0;
    const uint64_t part = width >= 64 ? a >> at : a >> at & ((UINT64_C(1) << width) - 1);
    const uint64_t sign = width >= 64 ? 0 : UINT64_C(1) << (width - 1);
    return is_signed ? (part ^ sign) - sign : part;
}

static unsigned within(unsigned a, unsigned most) { return a < most ? a : most; }

static int32_t lowest(uint64_t a) { return a ? __builtin_ctzll(a) : -1; }

/* Zeros above the highest bit that is set, of `width` bits. */
static int32_t highest(uint64_t a, int width) { return a ? __builtin_clzll(a) - (64 - width) : -1; }

static uint64_t replicate(uint32_t a)
{
    uint64_t r = 0;
    for (int bit = 0; bit < 32; bit++)
        r |= (uint64_t)(a >> bit & 1 ? 3 : 0) << 2 * bit;
    return r;
}

/* A bit for each four that are not all 0; and the same with each of the four bits. */
static uint64_t quads(uint64_t a)
{
    uint64_t r = 0;
    for (int quad = 0; quad < 16; quad++)
        r |= (uint64_t)((a >> 4 * quad & 15) != 0) << quad;
    return r;
}

static uint64_t whole_quads(uint64_t a)
{
    uint64_t r = 0;
    for (int quad = 0; quad < 16; quad++)
        r |= (a >> 4 * quad & 15 ? UINT64_C(15) : 0) << 4 * quad;
    return r;
}

static uint32_t absolute(uint32_t a) { return a >> 31 ? 0 - a : a; }

static int32_t add_i32(struct scalar *x, int32_t a, int32_t b)
{
    const int64_t exact = (int64_t)a + b;
    x->scc = exact != (int32_t)exact;
    return (int32_t)exact;
}

static int32_t sub_i32(struct scalar *x, int32_t a, int32_t b)
{
    const int64_t exact = (int64_t)a - b;
    x->scc = exact != (int32_t)exact;
    return (int32_t)exact;
}

static uint32_t add_carry(struct scalar *x, uint32_t a, uint32_t b)
{
    const uint64_t exact = (uint64_t)a + b + x->scc;
    x->scc = exact >> 32;
    return (uint32_t)exact;
}

static uint32_t sub_borrow(struct scalar *x, uint32_t a, uint32_t b)
{
    const uint64_t exact = (uint64_t)a - b - x->scc;
    x->scc = exact >> 63;
    return (uint32_t)exact;
}

static uint64_t nonzero(struct scalar *x, uint64_t v)
{
    x->scc = v != 0;
    return v;
}

/* EXEC becomes v; the result is what it was. */
static uint64_t save_exec(struct scalar *x, uint64_t v)
{
    const uint64_t old = x->exec;
    x->exec = nonzero(x, v);
    return old;
}

static uint64_t write_exec(struct scalar *x, uint64_t v) { return x->exec = nonzero(x, v); }

#define ABS_I32(v) (int32_t)absolute(v)
#define ADD_I32(p, q) add_i32(x, p, q)
#define SUB_I32(p, q) sub_i32(x, p, q)
#define ADD_CARRY(p, q) add_carry(x, p, q)
#define SUB_BORROW(p, q) sub_borrow(x, p, q)
#define NONZERO(T, ...) (ct_##T) nonzero(x, (uint64_t)(ct_##T)(__VA_ARGS__))
#define SAVEEXEC(T, ...) (ct_##T) save_exec(x, (ct_##T)(__VA_ARGS__))
#define WREXEC(T, ...) (ct_##T) write_exec(x, (ct_##T)(__VA_ARGS__))

/* ---- Values and bits --------------------------------------------------------------------------------------------- */

#define value_NONE(u) 0
#define value_B32(u) (uint32_t)(u)
#define value_U32(u) (uint32_t)(u)
#define value_I32(u) (int32_t)(uint32_t)(u)
#define value_B64(u) (u)
#define value_U64(u) (u)
#define value_I64(u) (int64_t)(u)
#define value_F32(u) from_F32((uint32_t)(u))
#define value_F16(u) from_F16((uint16_t)(u))
#define result_NONE(v) ((void)(v), 0)
#define result_B32(v) (uint32_t)(v)
#define result_U32(v) (uint32_t)(v)
#define result_I32(v) (uint32_t)(v)
#define result_B64(v) (v)
#define result_U64(v) (v)
#define result_I64(v) (uint64_t)(v)
#define result_F32(v) bits_F32(v)
#define result_F16(v) bits_F16(v)

#define scc x->scc
#define exec x->exec
#define OPERATION(name, D, A, B, C, flags, ...)                      \
    static uint64_t op_##name(struct scalar *x, const uint64_t s[3]) \
    {                                                                \
        const ct_##A a = value_##A(s[0]);                            \
        const ct_##B b = value_##B(s[1]);                            \
        const ct_##C c = value_##C(s[2]);                            \
        const int32_t k = x->k;                                      \
        const bool ieee = x->ieee;                                   \
        (void)a, (void)b, (void)c, (void)k, (void)ieee, (void)s;     \
        return result_##D((__VA_ARGS__));                            \
    }
ISA_ROWS_SCALAR(OPERATION)
#undef scc
#undef exec

/* ---- Running ----------------------------------------------------------------------------------------------------- */

static bool is_wide(int type) { return type == ISA_T_B64 || type == ISA_T_U64 || type == ISA_T_I64; }

/* A subnormal that MODE does not let in or out, as zero. `bit` is of MODE's two: 1 in, 2 out. */
static uint64_t flushed(const struct isa_wave *w, int type, uint64_t u, unsigned bit)
{
    if (type == ISA_T_F32 && !(w->mode >> 4 & bit))
        return bits_F32(ftz(from_F32((uint32_t)u)));
    if (type == ISA_T_F16 && !(w->mode >> 6 & bit) && !(u & 0x7c00))
        return u & 0x8000;
    return u;
}

static enum isa_next run_scalar(struct isa_wave *w, const struct isa_instr *i)
{
    const struct isa_row *row = i->row;
    struct scalar x = { .w = w,
                        .k = (int16_t)i->immediate,
                        .scc = w->s[ISA_SCC] & 1,
                        .ieee = w->target->generation < ISA_GFX12 && w->mode >> 9 & 1,
                        .exec = w->exec };
    uint64_t s[3] = { 0, 0, 0 };
    for (int k = 0; k < 3 && row->src[k]; k++)
        s[k] = flushed(w, row->src[k], isa_scalar_source(w, i, k), 1);
    const uint64_t r = flushed(w, row->dst[0], ((scalar_operation *)row->op.any)(&x, s), 2);
    w->s[ISA_SCC] = x.scc;
    if (row->flags & ISA_WRITES_EXEC)
        isa_set_scalar(w, ISA_EXEC, is_wide(row->dst[0]) ? 2 : 1, x.exec);
    if (row->dst[0])
        isa_set_scalar(w, i->dst[0].reg, is_wide(row->dst[0]) ? 2 : 1, r);
    return ISA_GO;
}

#define ROW(mnemonic, D, A, B, C, row_flags, ...) \
    { .name = #mnemonic,                          \
      .class = ISA_CLASS_SCALAR,                  \
      .dst = { ISA_T_##D },                       \
      .src = { ISA_T_##A, ISA_T_##B, ISA_T_##C }, \
      .flags = (row_flags),                       \
      .run = run_scalar,                          \
      .op.any = (void (*)(void))op_##mnemonic },
static const struct isa_row rows[] = { ISA_ROWS_SCALAR(ROW) };
const struct isa_row_set isa_rows_scalar = { rows, sizeof rows / sizeof rows[0] };
