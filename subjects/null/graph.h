/* graph.h: graphs, and captures into them. Part of state.h for streams. Everything here is locked.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_GRAPH_H
#define ATTN_NULL_GRAPH_H

#include "subjects/null/state.h"

/* Begins a capture with that stream as its origin; a HIP error. mode: hipStreamCaptureMode. */
int null_capture_begin(struct null_stream *origin, int mode);
/* Has every stream that joined the capture been waited for? */
bool null_capture_joined(const struct null_stream *origin);
/* Ends the capture in all its streams; the graph is the caller's. */
struct null_graph *null_capture_end(struct null_stream *origin);
/* How many captures there are now. */
size_t null_graph_captures(void);
/* Does the capture into that graph forbid calls that may wait, in this thread (mode global, or thread-local in the
 * thread that began it)? */
bool null_graph_bars(const struct null_graph *graph);
/* The number of a capture, from 1, never again in this process. */
unsigned long long null_graph_id(const struct null_graph *graph);

#endif
