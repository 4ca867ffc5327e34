/* stream.c: streams, and what they do with operations. Nothing is ever in flight: an operation is done when
 * the call that submits it returns, in any stream, so that every stream is always ready and every order that a program
 * asks for is kept. While a stream captures, operations go into its graph instead.
 *
 * SPDX-License-Identifier: MIT */
#include "subjects/null/entries.h"
#include "subjects/null/error.h"
#include "subjects/null/nodes.h"
#include "subjects/null/record.h"
#include "subjects/null/runtime.h"
#include "subjects/null/stream.h"

/* ---- Handles --------------------------------------------------------------------------------------------- */

bool null_stream_get(void *handle, struct null_stream **stream)
{
    *stream = NULL;
    if ((uintptr_t)handle <= 2) /* NULL, hipStreamLegacy 1, hipStreamPerThread 2 */
        return true;
    *stream = null_handle_get(handle, NULL_STREAM);
    return *stream != NULL;
}

bool null_stream_barred(void)
{
    const struct null_map *map = &null_runtime.handles;
    for (size_t i = 0; null_graph_captures() && i < map->cap; i++) {
        const struct null_stream *s = map->slots[i].value;
        if (s && s->handle.kind == NULL_STREAM && s->capture && s->origin && null_graph_bars(s->capture))
            return true;
    }
    return false;
}

/* ---- Operations ------------------------------------------------------------------------------------------ */

int null_submit(struct null_stream *stream, const struct null_op *op)
{
    static const char *const entry[] = { [NULL_OP_LAUNCH] = "hipLaunchKernel",
                                         [NULL_OP_COPY] = "hipMemcpy",
                                         [NULL_OP_FILL] = "hipMemset",
                                         [NULL_OP_HOST] = "hipLaunchHostFunc",
                                         [NULL_OP_NOTHING] = "an operation" };
    if (!stream && null_stream_barred()) {
        null_record_forbidden(entry[op->kind]);
        return hipErrorStreamCaptureImplicit;
    }
    if (!stream || !stream->capture)
        return null_run(op, 0, stream);
    static const int node_type[] = { [NULL_OP_LAUNCH] = HIP_NODE_KERNEL,
                                     [NULL_OP_COPY] = HIP_NODE_COPY,
                                     [NULL_OP_FILL] = HIP_NODE_FILL,
                                     [NULL_OP_HOST] = HIP_NODE_HOST,
                                     [NULL_OP_NOTHING] = HIP_NODE_EMPTY };
    stream->joined = false;
    return null_graph_add(stream->capture, node_type[op->kind], op) ? hipSuccess : hipErrorOutOfMemory;
}

/* ---- Streams --------------------------------------------------------------------------------------------- */

static int create(void **stream, unsigned flags, int priority)
{
    if (!stream || flags & ~1u)
        return null_result(hipErrorInvalidValue);
    null_lock();
    struct null_stream *s = null_handle_new(NULL_STREAM, sizeof *s);
    if (s) {
        s->device = null_current();
        s->flags = flags;
        s->priority = priority;
    }
    null_unlock();
    *stream = s;
    return null_result(s ? hipSuccess : hipErrorOutOfMemory);
}

int hipStreamCreate(void **stream) { return create(stream, 0, 0); }
int hipStreamCreateWithFlags(void **stream, unsigned flags) { return create(stream, flags, 0); }
/* A priority outside the range is clamped into it (HIP, hipStreamCreateWithPriority), and the range is 0 to 0. */
int hipStreamCreateWithPriority(void **stream, unsigned flags, int priority)
{
    (void)priority;
    return create(stream, flags, 0);
}

int hipStreamDestroy(void *stream)
{
    struct null_stream *s;
    null_lock();
    bool good = null_stream_get(stream, &s) && s;
    if (good && s->capture && s->origin)
        null_graph_free(null_capture_end(s));
    if (good)
        null_handle_free(s);
    null_unlock();
    return null_result(good ? hipSuccess : hipErrorInvalidHandle);
}

/* For the entry points that only need a stream that is one. entry: what a capturing stream forbids; NULL: it does not.
 */
static int check(void *stream, struct null_stream **s, const char *entry)
{
    null_lock();
    int error = null_stream_get(stream, s) ? hipSuccess : hipErrorInvalidHandle;
    if (!error && *s && (*s)->capture && entry) {
        null_record_forbidden(entry);
        error = hipErrorStreamCaptureUnsupported;
    }
    null_unlock();
    return null_result(error);
}

int hipStreamSynchronize(void *stream)
{
    struct null_stream *s;
    return check(stream, &s, "hipStreamSynchronize");
}

int hipStreamQuery(void *stream)
{
    struct null_stream *s;
    return check(stream, &s, "hipStreamQuery");
}

int hipDeviceSynchronize(void)
{
    null_lock();
    bool barred = null_stream_barred();
    if (barred)
        null_record_forbidden("hipDeviceSynchronize");
    null_unlock();
    return null_result(barred ? hipErrorStreamCaptureUnsupported : hipSuccess);
}

int hipStreamGetFlags(void *stream, unsigned *flags)
{
    struct null_stream *s;
    int error = flags ? check(stream, &s, NULL) : null_result(hipErrorInvalidValue);
    if (!error)
        *flags = s ? s->flags : 0;
    return error;
}

int hipStreamGetPriority(void *stream, int *priority)
{
    struct null_stream *s;
    int error = priority ? check(stream, &s, NULL) : null_result(hipErrorInvalidValue);
    if (!error)
        *priority = s ? s->priority : 0;
    return error;
}

int hipStreamGetDevice(void *stream, int *device)
{
    struct null_stream *s;
    int error = device ? check(stream, &s, NULL) : null_result(hipErrorInvalidValue);
    if (!error)
        *device = s ? s->device : null_current();
    return error;
}

int hipLaunchHostFunc(void *stream, void (*function)(void *), void *data)
{
    struct null_stream *s;
    const struct null_op op = { NULL_OP_HOST, .host = { function, data } };
    int error = function ? check(stream, &s, NULL) : null_result(hipErrorInvalidValue);
    if (error)
        return error;
    null_lock();
    error = null_submit(s, &op);
    null_unlock();
    return null_result(error);
}

int hipStreamAddCallback(void *stream, void (*callback)(void *, int, void *), void *data, unsigned flags)
{
    struct null_stream *s;
    int error = callback && !flags ? check(stream, &s, "hipStreamAddCallback") : null_result(hipErrorInvalidValue);
    if (!error)
        callback(stream, hipSuccess, data);
    return error;
}

/* ---- Capture --------------------------------------------------------------------------------------------- */

int hipStreamBeginCapture(void *stream, int mode)
{
    struct null_stream *s;
    if (mode < 0 || mode > 2)
        return null_result(hipErrorInvalidValue);
    null_lock();
    int error = null_stream_get(stream, &s) ? hipSuccess : hipErrorInvalidHandle;
    if (!error && !s)
        error = hipErrorStreamCaptureUnsupported; /* the null stream cannot capture */
    else if (!error && s->capture)
        error = hipErrorIllegalState;
    else if (!error)
        error = null_capture_begin(s, mode);
    null_unlock();
    return null_result(error);
}

int hipStreamEndCapture(void *stream, void **graph)
{
    struct null_stream *s;
    if (!graph)
        return null_result(hipErrorInvalidValue);
    *graph = NULL;
    null_lock();
    int error = null_stream_get(stream, &s) && s ? hipSuccess : hipErrorInvalidHandle;
    if (!error && !s->capture)
        error = hipErrorIllegalState;
    else if (!error && !s->origin)
        error = hipErrorStreamCaptureUnmatched;
    else if (!error && !null_capture_joined(s)) {
        null_graph_free(null_capture_end(s));
        error = hipErrorStreamCaptureUnjoined;
    } else if (!error)
        *graph = null_capture_end(s);
    null_unlock();
    return null_result(error);
}

int hipStreamIsCapturing(void *stream, int *status)
{
    struct null_stream *s;
    int error = status ? check(stream, &s, NULL) : null_result(hipErrorInvalidValue);
    if (!error)
        *status = s && s->capture ? HIP_CAPTURE_ACTIVE : HIP_CAPTURE_NONE;
    return error;
}

int hipStreamGetCaptureInfo(void *stream, int *status, unsigned long long *id)
{
    struct null_stream *s;
    int error = status ? check(stream, &s, NULL) : null_result(hipErrorInvalidValue);
    if (error)
        return error;
    *status = s && s->capture ? HIP_CAPTURE_ACTIVE : HIP_CAPTURE_NONE;
    if (id)
        *id = s && s->capture ? null_graph_id(s->capture) : 0;
    return hipSuccess;
}
