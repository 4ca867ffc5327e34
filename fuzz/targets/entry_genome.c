/* entry_genome.c: libFuzzer's hooks to the mutator. Linked into the targets whose input is a genome.
 *
 * A target that runs kernels gets, of several inputs that it might run next, the one that is worth most: to plan one
 * costs a hundredth of running it.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "fuzz/domain/mutate.h"
#include "fuzz/targets/execution.h"
#include "fuzz/targets/feedback.h"
#include "fuzz/targets/hooks.h"
#include "planner/random.h"

/* Of so many inputs one is taken; once in so many times of more, the rarest one, whatever it costs. */
enum { OFFERS = 12, RARE_EVERY = 16, RARE_OFFERS = 160 };

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    if (!attn_feedback_watches())
        return attn_input_mutate(data, size, data, max_size, seed);
    struct attn_genome from, best = { 0 };
    double most = -1;
    uint64_t state = seed;
    attn_genome_decode(data, size, &from);
    const bool rare = attn_random_below(&state, RARE_EVERY) == 0;
    for (int i = 0; i < (rare ? RARE_OFFERS : OFFERS); i++) {
        struct attn_genome one = from;
        const uint64_t drawn = attn_random(&state);
        if (i & 1)
            attn_genome_random(&one, drawn);
        else
            attn_genome_mutate(&one, drawn);
        const struct attn_domain_limits limits = execution_limits(&one);
        const double worth = attn_feedback_worth(&one, &limits, rare);
        if (worth > most) {
            most = worth;
            best = one;
        }
    }
    uint8_t bytes[ATTN_GENOME_BYTES_MAX];
    size = attn_genome_encode(&best, bytes);
    size = size < max_size ? size : max_size;
    memcpy(data, bytes, size);
    return size;
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out,
                                 size_t max_size, unsigned int seed)
{
    return attn_input_cross(a, a_size, b, b_size, out, max_size, seed);
}
