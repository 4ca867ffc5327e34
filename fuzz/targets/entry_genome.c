/* entry_genome.c: libFuzzer's hooks to the mutator. Linked into the targets whose input is a genome.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/domain/mutate.h"
#include "fuzz/targets/hooks.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    return attn_input_mutate(data, size, data, max_size, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out,
                                 size_t max_size, unsigned int seed)
{
    return attn_input_cross(a, a_size, b, b_size, out, max_size, seed);
}
