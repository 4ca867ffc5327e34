/* raw.h: operands as they lie in registers, for classes whose modifiers are their own (packed, lane, matrix).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_RAW_H
#define ATTN_ISA_RAW_H

#include "isa/internal.h"

static inline const uint32_t *isa_spread(uint32_t value, uint32_t tmp[ISA_LANES])
{
    for (int lane = 0; lane < ISA_LANES; lane++)
        tmp[lane] = value;
    return tmp;
}

/* Word `word` of source k in each lane, without any modifier but DPP: the register itself where that is all. */
static inline const uint32_t *isa_raw(const struct isa_wave *w, const struct isa_instr *i, int k, int word,
                                      uint32_t tmp[ISA_LANES])
{
    const struct isa_operand *o = &i->src[k];
    if (o->place == ISA_P_SCALAR)
        return isa_spread((uint32_t)(isa_scalar_source(w, i, k) >> 32 * word), tmp);
    if (o->place != ISA_P_VECTOR)
        return isa_spread((uint32_t)(o->value >> 32 * word), tmp);
    if (k != 0 || i->dpp == ISA_DPP_NONE)
        return w->v[o->reg + word];
    isa_dpp_source(w, i, w->v[o->reg + word], tmp);
    return tmp;
}

/* Puts word `word` of the destination away in the active lanes, those that DPP lets be written. */
static inline void isa_raw_put(struct isa_wave *w, const struct isa_instr *i, int word, const uint32_t *value)
{
    uint32_t *to = w->v[i->dst[0].reg + word];
    if (i->dpp == ISA_DPP_NONE) {
        for (int lane = 0; lane < ISA_LANES; lane++)
            to[lane] = (to[lane] & ~w->mask[lane]) | (value[lane] & w->mask[lane]);
        return;
    }
    const uint64_t written = isa_dpp_written(w, i) & w->exec;
    for (int lane = 0; lane < w->lanes; lane++)
        if (written >> lane & 1)
            to[lane] = value[lane];
}

#endif
