/* shrink.h: the smallest case that still fails.
 *
 * A shrinker over whole cases: it makes one thing smaller or simpler, asks the caller whether the case still fails in
 * the same way, and keeps the change if so, until nothing that it can do is accepted. What "the same way" is, is the
 * caller's to say; attn_shrink_finding is the one for our own properties. It is deterministic: the same case and the
 * same answers give the same result. Candidates are always legal problems.
 *
 * What "smaller" means (struct attn_shrink_size, compared from the first field to the last; every accepted step makes
 * it smaller, so that shrinking ends):
 *   1. features: how many things the line says that a plain call would not: mask, sinks, softcap, max_bias, a head
 *      subset, a type of K and one of V other than f16, strides that are not contiguous (one a tensor, one more a
 *      dimension that is broadcast), an offset, a shared buffer, a mask larger than it must be or with planes of its
 * own, a scale other than 1, prec, n_kv_max, a further source, a weakening, a data profile, a mask content, dead
 * cells spared, a schedule, a second one,
 * a twin.
 *   2. extents: the sum of those of Q, K, V and mask (saturating).
 *   3. length of the line, its dev= apart.
 *   4. rest: the sum of seeds, offsets, strides, of the numbers (rows in their tables) of device, weakening, types,
 *      profile and content, and of how far scale, softcap and max_bias are from 1.
 * A line's kernel= is never changed: it is part of what fails.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SHRINK_H
#define ATTN_SHRINK_H

#include "fuzz/case/attn_case.h"
#include "fuzz/properties/properties.h"

struct attn_shrink_size {
    uint32_t features;
    uint64_t extents;
    uint32_t length; /* of the canonical line without dev=, characters */
    uint64_t rest;
};
void attn_shrink_measure(const struct attn_case *c, struct attn_shrink_size *size);
/* Less than 0, 0, more than 0: a is smaller, as small, larger. */
int attn_shrink_compare(const struct attn_shrink_size *a, const struct attn_shrink_size *b);

/* Does the legal case fail in the way that is looked for? */
typedef bool attn_shrink_fails(const struct attn_case *c, void *context);

struct attn_shrink_report {
    int64_t tries; /* calls of the predicate */
    int64_t steps; /* candidates accepted */
    bool minimal;  /* nothing that the shrinker can do makes it smaller; false: it ran out of tries */
    struct attn_shrink_size before, after;
};

/* Makes *c, a legal case, smaller while fails() says true, with at most max_tries calls of it (the first asks about *c
 * itself). False when *c itself does not fail: then nothing was changed. report may be NULL. Memory: some 200 KiB,
 * freed on return; false with report->tries 0 when it cannot be had. */
bool attn_shrink(struct attn_case *c, attn_shrink_fails *fails, void *context, int64_t max_tries,
                 struct attn_shrink_report *report);

/* ---- Findings of our own properties ---------------------------------------------------------------------- */

/* Are two findings the same failure: property, kernel, rule and failure code? */
bool attn_finding_same(const struct attn_finding *a, const struct attn_finding *b);

/* How a finding came about, so that it can be asked for again. */
struct attn_shrink_how {
    const struct attn_fleet *fleet; /* plan properties: where plans are checked */
    struct attn_backend *backend;   /* run properties; may be NULL when the finding is about plans */
    struct attn_run_limits limits;  /* of a run */
    int64_t max_tries;              /* 0: ATTN_SHRINK_TRIES */
    /* Told of each smaller finding, as soon as there is one; NULL: nobody. */
    void (*smaller)(void *context, const struct attn_finding *finding);
    void *context;
};
#define ATTN_SHRINK_TRIES INT64_C(4000)

/* A finding of a run property that is looked for again, in its own case and in smaller ones. */
struct attn_again {
    struct attn_backend *backend;
    struct attn_run_limits limits;
    const struct attn_finding *wanted; /* the caller's, as long as this is used */
    bool by_others;                    /* asked under the limits of a tool for people, too */
};

/* Runs nothing but where these limits let some rows of the wanted case run and the wanted failure is one of P9: which
 * bytes belong to a sample depends on how many rows it has, so such a case fails here and may hold when others run its
 * line, whole or in more rows. If the wanted one fails there as well, smaller ones have to. Whatever else a sample
 * shows, the rows and blocks that show it are run there too (sample.h). */
void attn_again_begin(struct attn_again *again, struct attn_backend *backend, const struct attn_run_limits *limits,
                      const struct attn_finding *wanted);
/* Does the case fail in the same way? *found says how. */
bool attn_again_fails(const struct attn_again *again, const struct attn_case *c, struct attn_finding *found);

/* Is the property one of plans (checked without running anything)? */
bool attn_property_is_plan(int number);

/* Shrinks finding->at with property, kernel, rule and failure held fixed. On success *finding is that of the smaller
 * case, text and all. False when finding->at does not fail in that way when it is tried again (*finding is unchanged).
 */
bool attn_shrink_finding(const struct attn_shrink_how *how, struct attn_finding *finding,
                         struct attn_shrink_report *report);

/* For a fuzz target about to abort: shrinks and prints finding and step count on `out`, or why there is no smaller one.
 */
void attn_shrink_print(FILE *out, const struct attn_shrink_how *how, const struct attn_finding *finding);

#endif
