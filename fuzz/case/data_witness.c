/* data_witness.c: which keys bear witness (data_profiles.c). See attn_case.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/case/filler.h"

static int add_key(int64_t *keys, int n, int64_t key)
{
    for (int i = 0; i < n; i++)
        if (keys[i] == key)
            return n;
    keys[n] = key;
    return n + 1;
}

int attn_data_witnesses(const struct attn_case *c, int64_t *keys, int cap, double *least)
{
    const struct attn_tensor *v = &c->problem.t[ATTN_V];
    const uint64_t seed = c->run.seed;
    const int64_t n_kv = attn_n_kv(&c->problem), in_run = data_witness_run(&c->problem),
                  runs = (n_kv + in_run - 1) / in_run;
    struct filler f = { .c = c, .p = &c->problem };
    int n = 0;
    if (c->run.data != ATTN_DATA_WITNESS || (v->ne[1] > 1 && v->nb[1] == 0))
        return 0; /* where all keys have one V none is missed */
    /* Less than half of what it is to have beside as many others: a bias took it. Where scores cannot be told apart all
     * keys have about the same, but for what distances make of it. */
    data_choose_magnitudes(&f);
    *least = 0.25 / (double)(f.flat && !f.biased ? n_kv : runs + DATA_WITNESS_SINGLES);
    for (int64_t i = -2; i < DATA_WITNESS_SINGLES - 2 && n < cap; i++) {
        const int64_t key = i == -2 ? 0 : i == -1 ? n_kv - 1 : data_witness_single(seed, n_kv, i);
        if (key < n_kv)
            n = add_key(keys, n, key);
    }
    /* One run of each of as many equal parts as there is room for. */
    const int64_t room = cap - n < runs ? cap - n : runs;
    for (int64_t i = 0; i < room; i++) {
        const int64_t begin = runs / room * i + runs % room * i / room;
        const int64_t end = runs / room * (i + 1) + runs % room * (i + 1) / room;
        const int64_t run = begin + (int64_t)(data_place(seed, DATA_STATE_RUN, -1 - i, 0, 0) % (uint64_t)(end - begin));
        n = add_key(keys, n, data_witness_of_run(seed, n_kv, in_run, run));
    }
    return n;
}
