/* nodes.h: graphs as data: their nodes in order, and the captures that make them. Everything here is locked.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_NODES_H
#define ATTN_NULL_NODES_H

#include <pthread.h>

#include "subjects/null/stream.h"

struct null_node {
    struct null_handle handle;
    int type;
    struct null_op op;
};

struct null_graph {
    struct null_handle handle; /* NULL_GRAPH, or NULL_EXEC for an instantiated one */
    struct null_node **nodes;
    size_t n, cap;
    int mode; /* of the capture that makes it */
    pthread_t thread;
    unsigned long long id;
};

/* Appends an operation as a node. NULL when memory runs out. */
struct null_node *null_graph_add(struct null_graph *graph, int type, const struct null_op *op);
struct null_graph *null_graph_new(void);
void null_graph_free(struct null_graph *graph);

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
