/* bits.h: a float's bits, and back.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_BITS_H
#define ATTN_BITS_H

#include <stdint.h>
#include <string.h>

static inline uint32_t attn_float_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float attn_float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
