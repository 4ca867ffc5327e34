/* graphs.h: a call computed again and again at the same place, as a server does: its launches are captured into a graph
 * that is replayed.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_GRAPHS_H
#define ATTNFUZZ_CHECK_GRAPHS_H

#include "cli/check/call.h"

/* Makes a supported call that broke nothing several times more with the node where it is, and computes it with other
 * values each time where `execute` is true: v->kind becomes CAPTURE or REPLAY, with what it was in v->message,
 * v->detail and v->said; or stays. With `execute` other calls take its place after that, which are no replays of it.
 * Counts in *check. */
void check_graphs(struct check *check, int device, const struct attn_problem *p, bool execute, struct check_verdict *v);

#endif
