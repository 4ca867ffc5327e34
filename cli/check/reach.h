/* reach.h: how near a call is to what people run: what is put in front of a reader first.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_REACH_H
#define ATTNFUZZ_CHECK_REACH_H

#include <stdbool.h>

#include "planner/attn_planner.h"

/* X(NAME, name, which calls), from the nearest on. What is no farther than server is within its limits. */
#define CHECK_REACHES(X)                                                            \
    X(MODEL, model, "a shape of a known model, or of ggml's own tests")             \
    X(STEP, model, "one step from a shape of a known model or of ggml's own tests") \
    X(SERVER, server, "extents that a server makes")                                \
    X(FAR, far, "beyond what a server makes")

enum check_reach {
#define X(NAME, name, text) CHECK_REACH_##NAME,
    CHECK_REACHES(X)
#undef X
        CHECK_REACH_COUNT
};
const char *check_reach_name(int reach);
const char *check_reach_meaning(int reach);
/* The farthest of that name; -1: none. */
int check_reach_find(const char *name);

/* The limits of SERVER; head sizes are those of the planner's table, and no tensor spans more bytes than the largest
 * cache of these extents. */
enum { CHECK_SERVER_HEADS = 512, CHECK_SERVER_SEQS = 256, CHECK_SERVER_KEYS = 1 << 20 };
#define CHECK_SERVER_BYTES (INT64_C(1) << 40)

/* The reach of a legal problem. A shape is head sizes, heads, KV heads (or what a tensor split over up to 16 devices
 * leaves of them), whether there is a mask, sinks, softcap, ALiBi, no further source, and rows laid out whole; those of
 * corpus/seeds are known. A step is one of these changed, a number of heads by half, double or one. */
int check_reach(const struct attn_problem *problem);
/* Is problem a the better example: of nearer reach, or of the same and simpler (problem.h)? */
bool check_nearer(const struct attn_problem *a, const struct attn_problem *b);

#endif
