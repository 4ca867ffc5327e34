/* canary.c: fuzz_canary: a target that fails on purpose, which a fuzzing run must find: else its engine runs nothing,
 * sees no coverage, or what is found is lost on the way. `./dev fuzz` runs it first.
 *
 * It fails at one problem in some hundred thousand: a softcap, sinks, a group of queries that is no power of two, a
 * mask wider than n_kv, types of K and V that differ. ATTNFUZZ_CANARY in the environment says how: abort (a finding of
 * its own), assert, address, undefined, signal.
 *
 * SPDX-License-Identifier: MIT */
#include <assert.h>
#include <string.h>

#include "fuzz/targets/genome_line.h"
#include "fuzz/targets/target.h"

ATTN_TARGET_OF("fuzz_canary", genome_line)

/* One thing after another, for an engine to come nearer by. */
static bool is_it(const struct attn_problem *p)
{
    const int64_t ratio = attn_n_head(p) / attn_n_head_kv(p);
    if (!(p->softcap > 0))
        return false;
    if (!p->t[ATTN_SINKS].present)
        return false;
    if ((ratio & (ratio - 1)) == 0)
        return false;
    if (!p->t[ATTN_MASK].present || p->t[ATTN_MASK].ne[0] <= attn_n_kv(p))
        return false;
    return p->t[ATTN_K].type != p->t[ATTN_V].type && attn_n_q(p) > 1;
}

static void fail(const char *how, const char *line)
{
    static volatile int32_t most = INT32_MAX;
    volatile char *some = malloc(16), *none = NULL;
    if (!some)
        abort();
    if (strcmp(how, "address") == 0)
        some[16 + (most < 0)] = 1;
    if (strcmp(how, "undefined") == 0)
        most = most + 1;
    if (strcmp(how, "signal") == 0)
        none[most < 0] = 1;
    if (strcmp(how, "assert") == 0)
        assert(most < 0);
    fprintf(stderr, "the canary is found\n  line:   %s\n", line);
    attn_crash_named();
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct attn_case c;
    const char *how = getenv("ATTNFUZZ_CANARY");
    attn_crash_begin(data, size);
    genome_case(data, size, &c);
    attn_stats_tick(&stats);
    if (is_it(&c.problem))
        fail(how ? how : "abort", genome_line(data, size));
    return 0;
}
