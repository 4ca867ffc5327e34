/* one_wave.h: a wave by itself, and instructions given by their text: what the tests of the classes run.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_TESTS_ISA_ONE_WAVE_H
#define ATTN_TESTS_ISA_ONE_WAVE_H

#include "isa/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

enum { MODE_DENORMALS = 0xF0, MODE_IEEE = 1 << 9, MODE_DX10 = 1 << 8 };

/* All lanes active, denormals kept; registers hold what no test expects. Freed with free(). */
static inline struct isa_wave *new_wave(const char *target, int lanes)
{
    struct isa_wave *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->target = isa_target_find(target);
    assert_non_null(w->target);
    w->lanes = lanes;
    w->mode = MODE_DENORMALS | MODE_DX10;
    for (int r = 0; r < ISA_VECTORS; r++)
        for (int l = 0; l < ISA_LANES; l++)
            w->v[r][l] = 0xDEAD0000u + (uint32_t)r;
    return w;
}

static inline void set_exec(struct isa_wave *w, uint64_t exec)
{
    w->exec = exec;
    w->s[ISA_EXEC] = (uint32_t)exec;
    w->s[ISA_EXEC + 1] = (uint32_t)(exec >> 32);
    for (int l = 0; l < ISA_LANES; l++)
        w->mask[l] = l < w->lanes && (exec >> l & 1) ? UINT32_MAX : 0;
}

/* Parses and runs one instruction. */
static inline enum isa_next run_text(struct isa_wave *w, const char *text)
{
    struct isa_instr i, second;
    char error[256];
    memset(&i, 0, sizeof i);
    memset(&second, 0, sizeof second);
    i.second = &second;
    if (!isa_parse(w->target, w->lanes, text, &i, error, sizeof error))
        fail_msg("%s: %s", text, error);
    return i.row->run(w, &i);
}

static inline void run_to_go(struct isa_wave *w, const char *text) { assert_int_equal(run_text(w, text), ISA_GO); }

/* Of no quality, the same everywhere. */
static inline uint32_t draw(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

#endif
