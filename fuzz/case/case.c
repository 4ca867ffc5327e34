/* case.c: a case as a value: its defaults, equality, hash. See attn_case.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/case/attn_case.h"
#include "planner/hash.h"

void attn_run_default(struct attn_run *run)
{
    *run = (struct attn_run){ .device = -1,
                              .weakening = -1,
                              .kernel = -1,
                              .data = ATTN_DATA_UNIFORM,
                              .mask = ATTN_MASK_CAUSAL,
                              .dead = 1,
                              .seed = 0,
                              .schedule = 0,
                              .again = 0,
                              .twin = -1 };
}

bool attn_case_equal(const struct attn_case *a, const struct attn_case *b)
{
    const struct attn_run *r = &a->run, *s = &b->run;
    return r->device == s->device && r->weakening == s->weakening && r->kernel == s->kernel && r->data == s->data &&
           r->mask == s->mask && r->dead == s->dead && r->seed == s->seed && r->schedule == s->schedule &&
           r->again == s->again && r->twin == s->twin && attn_problem_equal(&a->problem, &b->problem);
}

uint64_t attn_case_hash(const struct attn_case *c)
{
    const struct attn_run *r = &c->run;
    const int32_t choices[] = { r->device, r->weakening, r->kernel, r->data, r->mask, r->dead };
    uint64_t h = attn_problem_hash(&c->problem);
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++)
        h = attn_hash_u64(h, (uint64_t)choices[i]);
    h = attn_hash_u64(attn_hash_u64(h, r->seed), r->schedule);
    /* Lines that do not say them have the hashes that they had before there were any. */
    if (r->again != 0)
        h = attn_hash_u64(h, r->again);
    return r->twin < 0 ? h : attn_hash_u64(h, (uint64_t)r->twin);
}
