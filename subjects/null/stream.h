/* stream.h: streams, and what is submitted to them.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_STREAM_H
#define ATTN_NULL_STREAM_H

#include <stdbool.h>

#include "subjects/null/handle.h"
#include "subjects/null/operation.h"

struct null_graph;

struct null_stream {
    struct null_handle handle;
    int device, priority;
    unsigned flags;
    struct null_graph *capture; /* the graph it captures into; NULL: none */
    bool origin;                /* the capture was begun in this stream; else it joined by an event */
    bool joined;                /* a stream of the capture waits for all it has captured */
};

/* *stream gets the object of a hipStream_t, NULL for the null stream (also hipStreamLegacy, hipStreamPerThread).
 * False when the handle is none. Locked. */
bool null_stream_get(void *handle, struct null_stream **stream);

/* Runs an operation, or puts it into the graph that the stream captures into. Returns a HIP error. Locked; the lock is
 * released while a host function runs. */
int null_submit(struct null_stream *stream, const struct null_op *op);

/* Does a capture forbid calls that may wait, and so every operation in the null stream, in this thread? Locked. */
bool null_stream_barred(void);

#endif
