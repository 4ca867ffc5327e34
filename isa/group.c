/* group.c: a workgroup: its LDS, its waves and who of them runs, its barriers.
 *
 * Orders as the source executor's (kernels/attn_backend.h, ATTN_SCHEDULES): forward and reverse run a wave until it
 * waits; starved runs one wave only when no other can, the others take turns; random draws who, and for how long.
 *
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "isa/machine.h"
#include "planner/random.h"

enum { FORWARD, REVERSE, STARVED, RANDOM };
enum { QUANTUM = 64, POISON = 0xa5, LDS_MOST = 256 * 1024 };

/* ---- Memory ---------------------------------------------------------------------------------------------- */

struct isa_group *isa_group_new(struct isa_machine *m)
{
    struct isa_group *g = calloc(1, sizeof *g);
    if (g)
        g->machine = m;
    return g;
}

static void free_lds(struct isa_group *g)
{
    isa_sparse_free(g->lds, g->cap_lds);
    isa_sparse_free(g->lds_writer, (uint64_t)g->cap_lds * sizeof *g->lds_writer);
    isa_sparse_free(g->lds_reader, (uint64_t)g->cap_lds * sizeof *g->lds_reader);
    isa_sparse_free(g->lds_unknown, g->cap_lds);
    g->lds = g->lds_unknown = NULL;
    g->lds_writer = g->lds_reader = NULL;
    g->cap_lds = 0;
}

void isa_group_free(struct isa_group *g)
{
    if (!g)
        return;
    for (int k = 0; k < ISA_MAX_WAVES; k++) {
        if (!g->wave[k])
            continue;
        isa_sparse_free(g->wave[k]->scratch, g->scratch_bytes[k]);
        isa_sparse_free(g->wave[k]->scratch_written, g->scratch_bytes[k]);
        isa_sparse_free(g->wave[k], sizeof *g->wave[k]);
    }
    free_lds(g);
    free(g);
}

static bool make_lds(struct isa_group *g, uint32_t bytes)
{
    if (bytes > LDS_MOST)
        return false;
    if (bytes <= g->cap_lds)
        return true;
    free_lds(g);
    g->cap_lds = LDS_MOST;
    g->lds = isa_sparse(LDS_MOST);
    g->lds_writer = isa_sparse((uint64_t)LDS_MOST * sizeof *g->lds_writer);
    g->lds_reader = isa_sparse((uint64_t)LDS_MOST * sizeof *g->lds_reader);
    g->lds_unknown = isa_sparse(LDS_MOST);
    if (g->lds && g->lds_writer && g->lds_reader && g->lds_unknown)
        return true;
    free_lds(g);
    return false;
}

static bool make_scratch(struct isa_group *g, uint32_t k, uint64_t bytes)
{
    struct isa_wave *w = g->wave[k];
    if (bytes <= g->scratch_bytes[k])
        return true;
    isa_sparse_free(w->scratch, g->scratch_bytes[k]);
    isa_sparse_free(w->scratch_written, g->scratch_bytes[k]);
    w->scratch = isa_sparse(bytes);
    w->scratch_written = isa_sparse(bytes);
    g->scratch_bytes[k] = bytes;
    if (w->scratch && w->scratch_written)
        return true;
    isa_sparse_free(w->scratch, bytes);
    isa_sparse_free(w->scratch_written, bytes);
    w->scratch = w->scratch_written = NULL;
    g->scratch_bytes[k] = 0;
    return false;
}

bool isa_group_prepare(struct isa_group *g, const struct isa_kernel *kernel, uint32_t n_waves, uint32_t lds_bytes,
                       uint32_t scratch)
{
    g->kernel = kernel;
    g->n_waves = n_waves;
    /* What the last workgroup left is cleaned as far as the next one reaches: the rest here. */
    if (g->any_unknown && g->lds_bytes > lds_bytes)
        memset(g->lds_unknown + lds_bytes, 0, g->lds_bytes - lds_bytes);
    g->lds_bytes = lds_bytes;
    if (n_waves > ISA_MAX_WAVES || !make_lds(g, lds_bytes))
        return false;
    for (uint32_t k = 0; k < n_waves; k++) {
        if (!g->wave[k] && !(g->wave[k] = isa_sparse(sizeof *g->wave[k])))
            return false;
        if (!make_scratch(g, k, (uint64_t)scratch * (uint64_t)kernel->lanes))
            return false;
        g->wave[k]->scratch_bytes = scratch;
    }
    return true;
}

/* What a workgroup finds: nothing that one before it left. */
static void clean(struct isa_group *g)
{
    bool checked = g->machine->options.checked;
    if (!checked && g->lds_bytes)
        memset(g->lds, POISON, g->lds_bytes);
    for (uint32_t k = 0; k < g->n_waves; k++) {
        struct isa_wave *w = g->wave[k];
        size_t bytes = (size_t)w->scratch_bytes * (size_t)w->lanes;
        if (bytes)
            memset(checked ? w->scratch_written : w->scratch, checked ? 0 : POISON, bytes);
    }
    if (g->any_unknown)
        memset(g->lds_unknown, 0, g->lds_bytes);
    g->any_unknown = g->read_unwritten = false;
    g->arrived = g->ended = g->phase = 0;
    memset(g->signalled, 0, sizeof g->signalled);
    memset(g->stored, 0, sizeof g->stored);
}

/* ---- Barriers -------------------------------------------------------------------------------------------- */

/* When all have come, those that wait go on. Hardware does not wait for a wave that has ended; checked, that it never
 * came is a fault. */
static void complete(struct isa_group *g)
{
    const struct isa_options *options = &g->machine->options;
    uint32_t came = g->arrived + (options->checked && !options->ended_arrive ? 0 : g->ended);
    if (g->arrived == 0 || came < g->n_waves)
        return;
    g->arrived = 0;
    g->phase++;
    memset(g->signalled, 0, sizeof g->signalled);
    for (uint32_t k = 0; k < g->n_waves; k++)
        if (g->wave[k]->state == ISA_BARRIER)
            g->wave[k]->state = ISA_GO;
    if (g->machine->options.checked)
        isa_stamp_next(g->machine);
}

enum isa_next isa_barrier_signal(struct isa_wave *w, const struct isa_instr *i)
{
    struct isa_group *g = w->group;
    /* Others may read behind the barrier what is not there yet. */
    if (w->checked && g->stored[w->number] > w->done[ISA_C_DS])
        return isa_fail(w, i, ISA_STOP_HAZARD, -1, "a store to LDS that was not waited for, at a barrier");
    if (g->signalled[w->number])
        return isa_fail(w, i, ISA_STOP_BARRIER, -1, "signalled twice, with no wait between");
    g->signalled[w->number] = true;
    g->signalled_phase[w->number] = g->phase;
    g->arrived++;
    complete(g);
    return ISA_GO;
}

enum isa_next isa_barrier_wait(struct isa_wave *w, const struct isa_instr *i)
{
    (void)i;
    struct isa_group *g = w->group;
    if (g->phase != g->signalled_phase[w->number])
        return ISA_GO;
    w->state = ISA_BARRIER;
    return ISA_BARRIER;
}

enum isa_next isa_barrier(struct isa_wave *w, const struct isa_instr *i)
{
    enum isa_next next = isa_barrier_signal(w, i);
    return next == ISA_GO ? isa_barrier_wait(w, i) : next;
}

/* ---- Turns ----------------------------------------------------------------------------------------------- */

static bool runs(const struct isa_group *g, uint32_t k) { return g->wave[k]->state == ISA_GO; }

/* The next runnable wave from `from` on, upward or downward, round the workgroup; -1: none. `but` is passed over. */
static int following(const struct isa_group *g, uint32_t from, bool down, int but)
{
    for (uint32_t n = 0; n < g->n_waves; n++) {
        uint32_t k = (down ? from + g->n_waves - n : from + n) % g->n_waves;
        if (runs(g, k) && (int)k != but)
            return (int)k;
    }
    return -1;
}

static int choose(struct isa_group *g, int last, bool yielded)
{
    uint32_t n = g->n_waves, after = last < 0 ? 0 : ((uint32_t)last + 1) % n;
    int k;
    switch (g->order) {
    case REVERSE: return following(g, yielded ? ((uint32_t)last + n - 1) % n : n - 1, true, -1);
    case STARVED: k = following(g, after, false, (int)g->starved); return k >= 0 ? k : following(g, 0, false, -1);
    case RANDOM: return following(g, (uint32_t)(attn_random(&g->random) % n), false, -1);
    default: return following(g, yielded ? after : 0, false, -1);
    }
}

/* Nobody can run, and not all have ended: somebody waits at a barrier for one that has. */
static bool stuck(struct isa_group *g)
{
    for (uint32_t k = 0; k < g->n_waves; k++) {
        struct isa_wave *w = g->wave[k];
        if (w->state == ISA_BARRIER) {
            isa_fail(w, isa_code_instr(w->code, w->next), ISA_STOP_BARRIER, -1,
                     "waits at the barrier before this; %u of %u waves have ended", g->ended, g->n_waves);
            return false;
        }
    }
    return true;
}

bool isa_group_run(struct isa_group *g)
{
    int last = -1;
    bool yielded = false;
    clean(g);
    g->starved = (uint32_t)(attn_random(&g->random) % g->n_waves);
    while (g->ended < g->n_waves) {
        int k = choose(g, last, yielded);
        if (k < 0)
            return stuck(g);
        struct isa_wave *w = g->wave[k];
        uint32_t quantum = g->order == RANDOM ? 1 + (uint32_t)(attn_random(&g->random) % QUANTUM) : UINT32_MAX;
        enum isa_next next = isa_wave_run(w, g->n_waves > 1 ? quantum : UINT32_MAX, g->order == STARVED);
        yielded = next == ISA_YIELD;
        last = k;
        if (next == ISA_FAIL)
            return false;
        if (next == ISA_END) {
            w->state = ISA_END;
            g->ended++;
            complete(g);
        }
    }
    return true;
}
