/* proof.h: what the proofs are about, any device and any call, and how they say what holds.
 *
 * A proof is a function without arguments that is compiled in one of three ways:
 *   PROOF_ALL     for the solver: any device, any key that is_key lets through, and more calls than are legal. What
 * holds of all of these holds of legal calls on valid devices. PROOF_FIND    for the solver, after that has failed: a
 * legal call and a device of the table (or a weakening of one), so that what fails can be written as a line. Arithmetic
 * is the planner's own. PROOF_REPLAY  for a compiler: a line, to see it fail where no solver is involved.
 * proof/replay.c
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_PROOF_H
#define ATTN_PROOF_H

#include "planner/attn_planner.h"
#if defined(PROOF_CASE)
#include "proof/head_size.h"
#endif

#if defined(PROOF_REPLAY)
void proof_assume(bool holds);
void proof_assert(bool holds, const char *what);
#else
#define proof_assume(holds) __CPROVER_assume(holds)
#define proof_assert(holds, what) __CPROVER_assert(holds, what)
#endif

/* What every key of a legal problem is (proof/legal.c): each extent is at least 1 and may be as large as its type. */
static inline bool proof_is_key(const struct attn_key *k)
{
    if (k->n_q < 1 || k->n_kv < 1 || k->d_k < 1 || k->d_v < 1 || k->n_head_kv < 1 || k->n_head < k->n_head_kv ||
        k->n_seq < 1)
        return false;
    if (k->mask_heads < 0 || k->mask_seqs < 0 || (k->mask_heads == 0) != (k->mask_seqs == 0))
        return false;
    for (int i = 0; i < 3; i++)
        if (k->k_copy[i] < 1 || k->v_copy[i] < 1)
            return false;
    if (k->type_k >= ATTN_TYPE_COUNT || k->type_v >= ATTN_TYPE_COUNT || k->align_k > 4 || k->align_v > 4)
        return false;
    return k->d_k >= attn_type_info(k->type_k)->block_elems && k->d_v >= attn_type_info(k->type_v)->block_elems;
}

/* A row of the table, or a weakening of it where that is not -1. */
static inline struct attn_device proof_device_of(int row, int weakening)
{
    struct attn_device device = *attn_device(row);
    if (weakening >= 0)
        proof_assume(attn_device_weaken(attn_device(row), weakening, &device, NULL));
    return device;
}

/* One of 0 to n - 1: any; where a line is replayed each, one after the other. */
#if defined(PROOF_REPLAY)
int proof_choice(int n);
#else
int nondet_choice(void);
static inline int proof_choice(int n)
{
    const int choice = nondet_choice();
    proof_assume(choice >= 0 && choice < n);
    return choice;
}
#endif

#if defined(PROOF_REPLAY)
struct attn_device proof_device(void);
struct attn_problem proof_problem(void);
#elif defined(PROOF_FIND)
/* What a counterexample is read from. */
int proof_found_row, proof_found_weakening;
struct attn_problem proof_found;

/* Row PROOF_ROW of the table as it is; where that is -1 any, weakened or not. That what rules ask first is a number,
 * and no row's, saves a solver the kernels that are out. */
static inline struct attn_device proof_device(void)
{
    struct attn_device device;
    int row = 0;
    if (PROOF_ROW < 0) {
        proof_found_row = proof_choice(attn_device_count());
        proof_found_weakening = proof_choice(attn_weakening_count() + 1) - 1;
        return proof_device_of(proof_found_row, proof_found_weakening);
    }
    proof_found_row = PROOF_ROW;
    proof_found_weakening = -1;
    device = *attn_device(PROOF_ROW);
#define X(name, wave, cus, lds, lds_static, threads, family, dot, flush, copy) \
    if (row++ == PROOF_ROW) {                                                  \
        device.wave_size = wave;                                               \
        device.matrix = ATTN_MATRIX_##family;                                  \
        device.async_copy = copy;                                              \
    }
    ATTN_DEVICES(X)
#undef X
    return device;
}

static inline int64_t proof_extent(int64_t most)
{
    const int64_t extent = 1 + proof_choice(PROOF_FIND);
    proof_assume(extent <= most);
    return extent;
}

/* A problem of contiguous tensors with extents of PROOF_FIND at most, K and V at any offset: legal, as long as its
 * sizes fit; replay.c looks at that. */
static inline struct attn_problem proof_problem(void)
{
    struct attn_problem p = { .scale = 1.0f };
    const int64_t d_k = proof_extent(1024), d_v = proof_extent(1024), n_q = proof_extent(INT64_MAX);
    const int64_t n_kv = proof_extent(INT64_MAX), n_head_kv = proof_extent(64), n_seq = proof_extent(64);
    const int64_t n_head = n_head_kv * proof_extent(32);
    const int type_k = proof_choice(ATTN_TYPE_COUNT), type_v = proof_choice(ATTN_TYPE_COUNT);
    proof_assume(d_k % 32 == 0 || attn_type_info(type_k)->block_elems == 1);
    proof_assume(d_v % 32 == 0 || attn_type_info(type_v)->block_elems == 1);
    attn_tensor_set(&p.t[ATTN_Q], ATTN_F32, d_k, n_q, n_head, n_seq);
    attn_tensor_set(&p.t[ATTN_K], type_k, d_k, n_kv, n_head_kv, n_seq);
    attn_tensor_set(&p.t[ATTN_V], type_v, d_v, n_kv, n_head_kv, n_seq);
    attn_tensor_set(&p.t[ATTN_DST], ATTN_F32, d_v, n_head, n_q, n_seq);
    p.t[ATTN_K].offset = (int64_t)attn_type_info(type_k)->block_bytes * proof_choice(16);
    p.t[ATTN_V].offset = (int64_t)attn_type_info(type_v)->block_bytes * proof_choice(16);
    if (proof_choice(2)) {
        attn_tensor_set(&p.t[ATTN_MASK], ATTN_F16, n_kv + proof_choice(64), n_q, proof_choice(2) ? n_head : 1,
                        proof_choice(2) ? n_seq : 1);
    }
    p.head_total = n_head;
    proof_found = p;
    return p;
}
#else
static inline struct attn_device proof_device(void)
{
    struct attn_device device; /* any bits */
    proof_assume(attn_device_check(&device) == NULL);
    return device;
}

/* Any bits, but for the key: legal problems, and others. */
static inline struct attn_problem proof_problem(void)
{
    struct attn_problem p;
    struct attn_key key;
    proof_assume(!attn_problem_is_foreign(&p));
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        for (int d = 0; d < 4; d++)
            proof_assume(p.t[o].ne[d] >= 1);
    attn_key_of(&p, &key);
    proof_assume(proof_is_key(&key));
    return p;
}
#endif

static inline struct attn_key proof_key(void)
{
    struct attn_key key;
#if defined(PROOF_ALL)
    __CPROVER_assume(proof_is_key(&key));
#if defined(PROOF_CASE)
    proof_is_of_class(&key);
#endif
#else
    const struct attn_problem p = proof_problem();
    attn_key_of(&p, &key);
#endif
    return key;
}

#endif
