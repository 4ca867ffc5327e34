/* afl_mutator.c: a mutator as AFL++'s custom mutator library (AFL_CUSTOM_MUTATOR_LIBRARY). The interface is that of
 * AFL++, docs/custom_mutators.md; of afl_state_t nothing is read.
 *
 * SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What entry_INPUT.c, linked with this, makes of the hooks says what an input is. */
#include "fuzz/targets/hooks.h"
#include "planner/random.h"

enum { OUT_BYTES = 512 };

struct mutator {
    uint64_t state;
    uint8_t out[OUT_BYTES];
    char described[32];
    bool crossed;
};

void *afl_custom_init(void *afl, unsigned int seed);
void afl_custom_deinit(void *data);
size_t afl_custom_fuzz(void *data, uint8_t *in, size_t size, uint8_t **out, uint8_t *other, size_t other_size,
                       size_t max_size);
const char *afl_custom_describe(void *data, size_t max_length);

void *afl_custom_init(void *afl, unsigned int seed)
{
    struct mutator *m = calloc(1, sizeof *m);
    (void)afl;
    if (m)
        m->state = seed;
    return m;
}

void afl_custom_deinit(void *data) { free(data); }

size_t afl_custom_fuzz(void *data, uint8_t *in, size_t size, uint8_t **out, uint8_t *other, size_t other_size,
                       size_t max_size)
{
    struct mutator *m = data;
    size_t cap = max_size < sizeof m->out ? max_size : sizeof m->out;
    uint64_t seed = attn_random(&m->state);
    m->crossed = other && (seed >> 33 & 3) == 0;
    size_t made;
    if (m->crossed) {
        made = LLVMFuzzerCustomCrossOver(in, size, other, other_size, m->out, cap, (unsigned int)(seed >> 32));
    } else {
        size_t n = size < cap ? size : cap;
        memcpy(m->out, in, n);
        made = LLVMFuzzerCustomMutator(m->out, n, cap, (unsigned int)(seed >> 32));
    }
    *out = m->out;
    /* An input of no bytes is not one to AFL++; a zero byte decodes to the same case. */
    if (made == 0 && cap > 0) {
        m->out[0] = 0;
        made = 1;
    }
    return made;
}

const char *afl_custom_describe(void *data, size_t max_length)
{
    struct mutator *m = data;
    snprintf(m->described, sizeof m->described, "%.*s", (int)(max_length < 16 ? max_length : 16),
             m->crossed ? "cross" : "change");
    return m->described;
}
