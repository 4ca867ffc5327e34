/* operand.c: what instructions read and write: scalars and their special registers, vector sources with modifiers,
 * results put away under EXEC.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "isa/internal.h"

/* ---- Scalars ----------------------------------------------------------------------------------------------------- */

static const uint8_t type_bytes[ISA_TYPE_COUNT] = {
#define X(NAME, bytes, is_float) bytes,
    ISA_TYPES(X)
#undef X
};
static const bool type_float[ISA_TYPE_COUNT] = {
#define X(NAME, bytes, is_float) is_float,
    ISA_TYPES(X)
#undef X
};

/* Bits of a mask as lanes: four at a time. */
static void spread(uint64_t bits, uint32_t to[ISA_LANES])
{
    static const uint32_t four[16][4] = {
#define L(n, b) (n >> b & 1 ? UINT32_MAX : 0)
#define F(n) { L(n, 0), L(n, 1), L(n, 2), L(n, 3) }
        F(0), F(1), F(2), F(3), F(4), F(5), F(6), F(7), F(8), F(9), F(10), F(11), F(12), F(13), F(14), F(15),
#undef F
#undef L
    };
    for (int k = 0; k < ISA_LANES / 4; k++)
        memcpy(to + 4 * k, four[bits >> 4 * k & 15], sizeof four[0]);
}

void isa_exec_changed(struct isa_wave *w)
{
    if (w->lanes == 32)
        w->s[ISA_EXEC + 1] = 0;
    w->exec = isa_s64(w, ISA_EXEC);
    spread(w->exec, w->mask);
}

void isa_set_scalar(struct isa_wave *w, int reg, int words, uint64_t value)
{
    if (reg == ISA_NULL)
        return;
    for (int k = 0; k < words && reg + k < ISA_SCALARS; k++)
        w->s[reg + k] = (uint32_t)(value >> 32 * k);
    if (reg <= ISA_EXEC + 1 && reg + words > ISA_EXEC)
        isa_exec_changed(w);
}

uint64_t isa_lane_mask(const struct isa_wave *w, int reg)
{
    if (reg == ISA_NULL)
        return 0;
    return w->lanes == 64 && reg + 1 < ISA_SCALARS ? isa_s64(w, reg) : w->s[reg];
}

void isa_set_lane_mask(struct isa_wave *w, int reg, uint64_t value)
{
    isa_set_scalar(w, reg, w->lanes == 64 && reg != ISA_NULL ? 2 : 1, value);
}

static uint64_t read_scalar(const struct isa_wave *w, int reg, int words)
{
    switch (reg) {
    case ISA_NULL: return 0;
    case ISA_SCC: return w->s[ISA_SCC] & 1;
    case ISA_VCCZ: return isa_lane_mask(w, ISA_VCC) == 0;
    case ISA_EXECZ: return w->exec == 0;
    default: return words == 2 && reg + 1 < ISA_SCALARS ? isa_s64(w, reg) : w->s[reg];
    }
}

uint64_t isa_scalar_source(const struct isa_wave *w, const struct isa_instr *i, int k)
{
    const struct isa_operand *o = &i->src[k];
    const int type = i->row->src[k];
    if (o->place == ISA_P_CONSTANT)
        return type_bytes[type] == 8 ? o->value : (uint32_t)o->value;
    if (o->place != ISA_P_SCALAR)
        return 0;
    if (type == ISA_T_MASK)
        return isa_lane_mask(w, o->reg);
    return read_scalar(w, o->reg, type_bytes[type] == 8 ? 2 : 1);
}

/* ---- Vector sources ---------------------------------------------------------------------------------------------- */

/* MODE's denormal bits for a type: bit 0, subnormals may come in, bit 1, and go out. */
static unsigned denormals(const struct isa_wave *w, int type)
{
    return type == ISA_T_F32 ? w->mode >> 4 & 3 : type == ISA_T_F16 || type == ISA_T_F64 ? w->mode >> 6 & 3 : 3;
}

static void fill(uint32_t to[ISA_LANES], uint32_t value)
{
    for (int l = 0; l < ISA_LANES; l++)
        to[l] = value;
}

/* Word `word` of an operand, for all lanes. */
static const uint32_t *word_of(const struct isa_wave *w, const struct isa_operand *o, int type, int word, uint32_t *tmp)
{
    if (o->place == ISA_P_VECTOR)
        return w->v[(o->reg + word) % ISA_VECTORS];
    if (o->place == ISA_P_CONSTANT && o->row)
        return o->row + (size_t)word * ISA_LANES;
    const uint64_t value = o->place == ISA_P_CONSTANT ? o->value
                           : o->place == ISA_P_SCALAR ? read_scalar(w, o->reg, type_bytes[type] == 8 ? 2 : 1)
                                                      : 0;
    fill(tmp, (uint32_t)(value >> 32 * word));
    return tmp;
}

/* The high half of a 16-bit operand: by its name (v5.h), or by op_sel. */
static bool high_half(const struct isa_instr *i, const struct isa_operand *o, int k, int type)
{
    if (type_bytes[type] != 2 || o->place == ISA_P_CONSTANT)
        return false;
    return o->half != ISA_WHOLE ? o->half == ISA_HIGH : i->op_sel >> k & 1;
}

/* neg and abs of the word that holds the sign, at bit `sign`. */
static const uint32_t *signs(const struct isa_operand *o, const uint32_t *from, uint32_t *tmp, int sign)
{
    const uint32_t bit = UINT32_C(1) << sign, keep = o->abs ? ~bit : UINT32_MAX, flip = o->neg ? bit : 0;
    for (int l = 0; l < ISA_LANES; l++)
        tmp[l] = (from[l] & keep) ^ flip;
    return tmp;
}

static const uint32_t *flush(const uint32_t *from, uint32_t *tmp, uint32_t exponent, uint32_t sign)
{
    for (int l = 0; l < ISA_LANES; l++)
        tmp[l] = from[l] & (from[l] & exponent ? UINT32_MAX : sign);
    return tmp;
}

static const uint32_t *modified(struct isa_wave *w, const struct isa_instr *i, int k, const uint32_t *from,
                                uint32_t tmp[ISA_LANES])
{
    const struct isa_operand *o = &i->src[k];
    const int type = i->row->src[k];
    if (i->dpp && k == 0) {
        uint32_t copy[ISA_LANES];
        if (from == tmp)
            from = memcpy(copy, tmp, sizeof copy);
        isa_dpp_source(w, i, from, tmp);
        from = tmp;
    }
    if (i->sdwa && (o->sel != ISA_DWORD || o->sext)) {
        isa_sdwa_source(o, from, tmp);
        from = tmp;
    } else if (high_half(i, o, k, type)) {
        for (int l = 0; l < ISA_LANES; l++)
            tmp[l] = from[l] >> 16;
        from = tmp;
    }
    if (!(denormals(w, type) & 1))
        from = type == ISA_T_F32 ? flush(from, tmp, UINT32_C(0x7f800000), UINT32_C(0x80000000))
                                 : flush(from, tmp, 0x7c00, 0x8000);
    if (o->neg || o->abs)
        from = signs(o, from, tmp, type_bytes[type] == 2 ? 15 : 31);
    return from;
}

const uint32_t *isa_source(struct isa_wave *w, const struct isa_instr *i, int k, uint32_t tmp[ISA_LANES])
{
    const struct isa_operand *o = &i->src[k];
    const int type = i->row->src[k];
    if (type == ISA_T_MASK) {
        if (o->place == ISA_P_SCALAR && o->reg == ISA_EXEC)
            return w->mask;
        spread(o->place == ISA_P_SCALAR ? isa_lane_mask(w, o->reg) : o->value, tmp);
        return tmp;
    }
    const uint32_t *from = word_of(w, o, type, 0, tmp);
    if (!i->dpp && !i->sdwa && !o->neg && !o->abs && !(type_bytes[type] == 2 && (i->op_sel || o->half)) &&
        denormals(w, type) & 1)
        return from;
    return modified(w, i, k, from, tmp);
}

void isa_source_pair(struct isa_wave *w, const struct isa_instr *i, int k, uint32_t tmp[2][ISA_LANES],
                     const uint32_t *out[2])
{
    const struct isa_operand *o = &i->src[k];
    const int type = i->row->src[k];
    for (int word = 0; word < 2; word++) {
        out[word] = word_of(w, o, type, word, tmp[word]);
        if (i->dpp && k == 0) {
            uint32_t copy[ISA_LANES];
            memcpy(copy, out[word], sizeof copy);
            isa_dpp_source(w, i, copy, tmp[word]);
            out[word] = tmp[word];
        }
    }
    if (type == ISA_T_F64 && !(denormals(w, type) & 1)) {
        for (int l = 0; l < ISA_LANES; l++) {
            const uint32_t low = out[0][l], high = out[1][l], normal = high & UINT32_C(0x7ff00000) ? UINT32_MAX : 0;
            tmp[0][l] = low & normal;
            tmp[1][l] = high & (normal | UINT32_C(0x80000000));
        }
        out[0] = tmp[0], out[1] = tmp[1];
    }
    if (o->neg || o->abs)
        out[1] = signs(o, out[1], tmp[1], 31);
}

/* ---- Results ----------------------------------------------------------------------------------------------------- */

/* omod is ignored with MODE.ieee and where subnormals may go out. */
static unsigned omod_of(const struct isa_wave *w, const struct isa_instr *i, int type)
{
    const bool ieee = w->target->generation < ISA_GFX12 && w->mode >> 9 & 1;
    return ieee || denormals(w, type) & 2 ? 0 : i->omod;
}

static double clamped(const struct isa_wave *w, double x)
{
    const bool dx10 = w->target->generation >= ISA_GFX12 || w->mode >> 8 & 1;
    if (x != x)
        return dx10 ? 0 : x;
    return x > 0 ? x < 1 ? x : 1 : 0;
}

/* One lane's result of a float type, through omod, clamp and the flush of subnormals. */
static uint64_t finish(const struct isa_wave *w, const struct isa_instr *i, int type, unsigned omod, uint64_t bits)
{
    static const float factor[4] = { 1, 2, 4, 0.5f };
    uint32_t u = (uint32_t)bits;
    uint16_t h = (uint16_t)bits;
    float f;
    _Float16 half;
    double d;
    memcpy(&f, &u, sizeof f);
    memcpy(&half, &h, sizeof half);
    memcpy(&d, &bits, sizeof d);
    double x = type == ISA_T_F32 ? (double)f : type == ISA_T_F16 ? (double)(float)half : d;
    if (omod)
        x *= (double)factor[omod];
    if (i->clamp)
        x = clamped(w, x);
    f = (float)x;
    half = (_Float16)f; /* x has at most a half's digits, but for its exponent: the float holds it */
    memcpy(&u, &f, sizeof u);
    memcpy(&h, &half, sizeof h);
    memcpy(&bits, &x, sizeof bits);
    bits = type == ISA_T_F32 ? u : type == ISA_T_F16 ? h : bits;
    const uint64_t exponent = type == ISA_T_F32   ? UINT64_C(0x7f800000)
                              : type == ISA_T_F16 ? UINT64_C(0x7c00)
                                                  : UINT64_C(0x7ff0000000000000);
    const uint64_t sign = type == ISA_T_F32 ? UINT64_C(1) << 31 : type == ISA_T_F16 ? 0x8000 : UINT64_C(1) << 63;
    return denormals(w, type) & 2 || bits & exponent ? bits : bits & sign;
}

static bool has_finish(const struct isa_wave *w, const struct isa_instr *i, int type)
{
    return type_float[type] && type_bytes[type] <= 8 && type != ISA_T_BF16 && type < ISA_T_PK_B16 &&
           (i->clamp || i->omod || !(denormals(w, type) & 2));
}

static const uint32_t *lanes_written(const struct isa_wave *w, const struct isa_instr *i, uint32_t tmp[ISA_LANES])
{
    if (!i->dpp)
        return w->mask;
    spread(w->exec & isa_dpp_written(w, i), tmp);
    return tmp;
}

static void blend(uint32_t *to, const uint32_t *value, const uint32_t *mask)
{
    for (int l = 0; l < ISA_LANES; l++)
        to[l] = (value[l] & mask[l]) | (to[l] & ~mask[l]);
}

/* A 16-bit result in its half of the register. Before gfx10 most instructions made the other half zero; which did not
 * is known from LLVM (GCNSubtarget::zeroesHigh16BitsOfDest), their rows say ISA_PARTIAL. */
static void place_half(const struct isa_wave *w, const struct isa_instr *i, const uint32_t *old, uint32_t *value)
{
    const int half = i->dst[0].half != ISA_WHOLE ? i->dst[0].half : i->op_sel & 8 ? ISA_HIGH : ISA_LOW;
    const bool zeroes = w->target->generation == ISA_GFX9 && !(i->row->flags & ISA_PARTIAL);
    if (half == ISA_HIGH)
        for (int l = 0; l < ISA_LANES; l++)
            value[l] = (old[l] & 0xffff) | value[l] << 16;
    else if (zeroes)
        for (int l = 0; l < ISA_LANES; l++)
            value[l] &= 0xffff;
    else
        for (int l = 0; l < ISA_LANES; l++)
            value[l] = (value[l] & 0xffff) | (old[l] & UINT32_C(0xffff0000));
}

void isa_put(struct isa_wave *w, const struct isa_instr *i, uint32_t value[ISA_LANES])
{
    const struct isa_operand *o = &i->dst[0];
    const int type = i->row->dst[0];
    if (o->place != ISA_P_VECTOR)
        return;
    uint32_t *to = w->v[o->reg % ISA_VECTORS], tmp[ISA_LANES];
    if (has_finish(w, i, type)) {
        const unsigned omod = omod_of(w, i, type);
        for (int l = 0; l < w->lanes; l++)
            value[l] = (uint32_t)finish(w, i, type, omod, value[l]);
    }
    if (i->sdwa && i->dst_sel != ISA_DWORD)
        isa_sdwa_result(i, to, value);
    else if (type_bytes[type] == 2)
        place_half(w, i, to, value);
    blend(to, value, lanes_written(w, i, tmp));
}

void isa_put_pair(struct isa_wave *w, const struct isa_instr *i, uint32_t low[ISA_LANES], uint32_t high[ISA_LANES])
{
    const struct isa_operand *o = &i->dst[0];
    const int type = i->row->dst[0];
    if (o->place != ISA_P_VECTOR)
        return;
    if (has_finish(w, i, type)) {
        const unsigned omod = omod_of(w, i, type);
        for (int l = 0; l < w->lanes; l++) {
            const uint64_t r = finish(w, i, type, omod, low[l] | (uint64_t)high[l] << 32);
            low[l] = (uint32_t)r, high[l] = (uint32_t)(r >> 32);
        }
    }
    uint32_t tmp[ISA_LANES];
    const uint32_t *mask = lanes_written(w, i, tmp);
    blend(w->v[o->reg % ISA_VECTORS], low, mask);
    blend(w->v[(o->reg + 1) % ISA_VECTORS], high, mask);
}
