/* fuzz_api.c: what plans rest on, held against what is said of it a second time (fuzz/restated): which problems are
 * legal, keys, devices, head sizes, equality and hashes, what keeps a plan in order.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/domain/domain.h"
#include "fuzz/restated/restated.h"
#include "fuzz/targets/genome_line.h"
#include "fuzz/targets/target.h"
#include "planner/hash.h"

/* An input's problem alone is no replay: what is drawn goes by all of its bytes. */
ATTN_TARGET("fuzz_api")

enum { TRIES = 8 }; /* of each input */

/* A plan of the problem, of any kernel that is able; false: none is (P1). */
static bool plan_of(const struct attn_device *device, const struct attn_problem *problem, uint64_t drawn,
                    struct attn_plan *plan)
{
    struct attn_key key;
    attn_key_of(problem, &key);
    for (uint64_t i = 0; i < ATTN_KERNEL_COUNT; i++)
        if (attn_plan_kernel(device, &key, (int)((drawn + i) % ATTN_KERNEL_COUNT), plan, NULL))
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct attn_restated *said = &attn_restated_planner;
    uint64_t seed = attn_hash(ATTN_HASH_START, data, size);
    struct attn_restated_fault fault;
    struct attn_plan plan;
    struct attn_case c;

    attn_crash_begin(data, size);
    genome_case(data, size, &c);
    const struct attn_device *device = attn_device(c.run.device < 0 ? 0 : c.run.device);
    bool same = attn_restate_key(said, &c.problem, &fault) && attn_restate_image(said, &c.problem, &fault);
    for (int tries = 0; tries < TRIES && same; tries++) {
        if (!plan_of(device, &c.problem, attn_random(&seed) >> 8, &plan))
            abort();
        same = attn_restate_legality(said, &c.problem, attn_random(&seed), &fault) &&
               attn_restate_device(said, attn_random(&seed), &fault) &&
               attn_restate_routes(said, device, &c.problem, attn_random(&seed), &fault) &&
               attn_restate_plan(said, &c.problem, &plan, attn_random(&seed), &fault);
    }
    if (!same) {
        fprintf(stderr, "fuzz_api: %s\n", fault.text);
        abort();
    }
    stats.plans += TRIES;
    attn_stats_tick(&stats);
    return 0;
}
