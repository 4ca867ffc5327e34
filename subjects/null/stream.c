/* stream.c: streams, events, and what they do with operations. Nothing is ever in flight: an operation is done when
 * the call that submits it returns, in any stream, so that every stream is always ready and every order that a program
 * asks for is kept. While a stream captures, operations go into its graph instead.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>
#include <time.h>

#include "subjects/null/entries.h"
#include "subjects/null/graph.h"
#include "subjects/null/state.h"

struct null_event {
    struct null_handle handle;
    unsigned flags;
    bool recorded;
    struct timespec at;         /* when it was recorded */
    struct null_graph *capture; /* recorded in a capturing stream; NULL: not */
    struct null_stream *from;   /* which one */
};

enum { EVENT_DISABLE_TIMING = 2 };

/* ---- Handles --------------------------------------------------------------------------------------------- */

bool null_stream_get(void *handle, struct null_stream **stream)
{
    *stream = NULL;
    if ((uintptr_t)handle <= 2) /* NULL, hipStreamLegacy 1, hipStreamPerThread 2 */
        return true;
    *stream = null_handle_get(handle, NULL_STREAM);
    return *stream != NULL;
}

/* The graph whose capture forbids an operation in the null stream of this thread; NULL: none does. */
static bool null_stream_barred(void)
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

static void fill(const struct null_op *op)
{
    for (size_t y = 0; y < op->fill.height; y++) {
        char *row = op->fill.to + y * op->fill.pitch;
        if (op->fill.element_bytes == 1)
            memset(row, (int)(op->fill.value & 0xff), op->fill.width);
        for (size_t x = 0; op->fill.element_bytes == 2 && x < op->fill.width; x++)
            memcpy(row + 2 * x, &(uint16_t){ (uint16_t)op->fill.value }, 2);
        for (size_t x = 0; op->fill.element_bytes == 4 && x < op->fill.width; x++)
            memcpy(row + 4 * x, &op->fill.value, 4);
    }
}

int null_run(const struct null_op *op, uint32_t flags, const void *stream)
{
    switch (op->kind) {
    case NULL_OP_LAUNCH: {
        struct null_hip_launch launch = op->launch;
        launch.flags |= flags;
        launch.stream = stream;
        null_record(&launch);
        break;
    }
    case NULL_OP_COPY:
        for (size_t y = 0; !null_runtime.still && y < op->copy.height; y++) /* a program may copy onto itself */
            memmove(op->copy.to + y * op->copy.to_pitch, op->copy.from + y * op->copy.from_pitch, op->copy.width);
        break;
    case NULL_OP_FILL:
        if (!null_runtime.still)
            fill(op);
        break;
    case NULL_OP_HOST:
        null_unlock();
        op->host.function(op->host.data);
        null_lock();
        break;
    case NULL_OP_NOTHING: break;
    }
    return hipSuccess;
}

int null_submit(struct null_stream *stream, const struct null_op *op)
{
    if (!stream && null_stream_barred())
        return hipErrorStreamCaptureImplicit;
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

/* For the entry points that only need a stream that is one. capture: may it be capturing? */
static int check(void *stream, struct null_stream **s, bool capture)
{
    null_lock();
    int error = null_stream_get(stream, s) ? hipSuccess : hipErrorInvalidHandle;
    if (!error && *s && (*s)->capture && !capture)
        error = hipErrorStreamCaptureUnsupported;
    null_unlock();
    return null_result(error);
}

int hipStreamSynchronize(void *stream)
{
    struct null_stream *s;
    return check(stream, &s, false);
}

int hipStreamQuery(void *stream)
{
    struct null_stream *s;
    return check(stream, &s, false);
}

int hipDeviceSynchronize(void)
{
    null_lock();
    bool barred = null_stream_barred();
    null_unlock();
    return null_result(barred ? hipErrorStreamCaptureUnsupported : hipSuccess);
}

int hipStreamGetFlags(void *stream, unsigned *flags)
{
    struct null_stream *s;
    int error = flags ? check(stream, &s, true) : null_result(hipErrorInvalidValue);
    if (!error)
        *flags = s ? s->flags : 0;
    return error;
}

int hipStreamGetPriority(void *stream, int *priority)
{
    struct null_stream *s;
    int error = priority ? check(stream, &s, true) : null_result(hipErrorInvalidValue);
    if (!error)
        *priority = s ? s->priority : 0;
    return error;
}

int hipStreamGetDevice(void *stream, int *device)
{
    struct null_stream *s;
    int error = device ? check(stream, &s, true) : null_result(hipErrorInvalidValue);
    if (!error)
        *device = s ? s->device : null_current();
    return error;
}

int hipLaunchHostFunc(void *stream, void (*function)(void *), void *data)
{
    struct null_stream *s;
    const struct null_op op = { NULL_OP_HOST, .host = { function, data } };
    int error = function ? check(stream, &s, true) : null_result(hipErrorInvalidValue);
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
    int error = callback && !flags ? check(stream, &s, false) : null_result(hipErrorInvalidValue);
    if (!error)
        callback(stream, hipSuccess, data);
    return error;
}

/* ---- Events ---------------------------------------------------------------------------------------------- */

int hipEventCreateWithFlags(void **event, unsigned flags)
{
    if (!event || flags & 0x0fffffffu & ~7u)
        return null_result(hipErrorInvalidValue);
    null_lock();
    struct null_event *e = null_handle_new(NULL_EVENT, sizeof *e);
    if (e)
        e->flags = flags;
    null_unlock();
    *event = e;
    return null_result(e ? hipSuccess : hipErrorOutOfMemory);
}

int hipEventCreate(void **event) { return hipEventCreateWithFlags(event, 0); }

int hipEventDestroy(void *event)
{
    null_lock();
    struct null_event *e = null_handle_get(event, NULL_EVENT);
    if (e)
        null_handle_free(e);
    null_unlock();
    return null_result(e ? hipSuccess : hipErrorInvalidHandle);
}

int hipEventRecord(void *event, void *stream)
{
    struct null_stream *s;
    null_lock();
    struct null_event *e = null_handle_get(event, NULL_EVENT);
    bool good = e && null_stream_get(stream, &s);
    if (good) {
        e->recorded = true;
        e->capture = s ? s->capture : NULL;
        e->from = s;
        clock_gettime(CLOCK_MONOTONIC, &e->at);
    }
    null_unlock();
    return null_result(good ? hipSuccess : hipErrorInvalidHandle);
}

int hipEventRecordWithFlags(void *event, void *stream, unsigned flags)
{
    return flags ? null_refuse("hipEventRecordWithFlags", "only flags 0 are provided by the null runtime")
                 : hipEventRecord(event, stream);
}

/* Is it an event whose state can be asked for? Locked. */
static int event_error(const struct null_event *e)
{
    return !e ? hipErrorInvalidHandle : e->capture ? hipErrorCapturedEvent : hipSuccess;
}

int hipEventSynchronize(void *event)
{
    null_lock();
    int error = event_error(null_handle_get(event, NULL_EVENT));
    null_unlock();
    return null_result(error);
}

int hipEventQuery(void *event) { return hipEventSynchronize(event); }

/* The host's time between the two calls that recorded them: no kernel ran in it. */
int hipEventElapsedTime(float *ms, void *start, void *stop)
{
    if (!ms)
        return null_result(hipErrorInvalidValue);
    null_lock();
    const struct null_event *a = null_handle_get(start, NULL_EVENT), *b = null_handle_get(stop, NULL_EVENT);
    int error = event_error(a) ? event_error(a) : event_error(b);
    if (!error && (!a->recorded || !b->recorded || ((a->flags | b->flags) & EVENT_DISABLE_TIMING)))
        error = hipErrorInvalidHandle;
    if (!error)
        *ms = (float)((double)(b->at.tv_sec - a->at.tv_sec) * 1e3 + (double)(b->at.tv_nsec - a->at.tv_nsec) / 1e6);
    null_unlock();
    return null_result(error);
}

int hipStreamWaitEvent(void *stream, void *event, unsigned flags)
{
    struct null_stream *s;
    if (flags)
        return null_result(hipErrorInvalidValue);
    null_lock();
    const struct null_event *e = null_handle_get(event, NULL_EVENT);
    int error = e && null_stream_get(stream, &s) ? hipSuccess : hipErrorInvalidHandle;
    if (!error && e->capture && !s)
        error = hipErrorStreamCaptureImplicit;
    else if (!error && e->capture) {
        struct null_stream *from = null_handle_get(e->from, NULL_STREAM);
        if (!from || from->capture != e->capture || (s->capture && s->capture != e->capture))
            error = hipErrorCapturedEvent; /* that capture has ended, or is another one */
        else if (s != from) {
            from->joined = true;
            if (!s->capture) {
                s->capture = e->capture;
                s->origin = false;
            }
            s->joined = false;
        }
    }
    null_unlock();
    return null_result(error);
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
    int error = status ? check(stream, &s, true) : null_result(hipErrorInvalidValue);
    if (!error)
        *status = s && s->capture ? HIP_CAPTURE_ACTIVE : HIP_CAPTURE_NONE;
    return error;
}

int hipStreamGetCaptureInfo(void *stream, int *status, unsigned long long *id)
{
    struct null_stream *s;
    int error = status ? check(stream, &s, true) : null_result(hipErrorInvalidValue);
    if (error)
        return error;
    *status = s && s->capture ? HIP_CAPTURE_ACTIVE : HIP_CAPTURE_NONE;
    if (id)
        *id = s && s->capture ? null_graph_id(s->capture) : 0;
    return hipSuccess;
}
