/* event.c: events. Nothing is ever in flight, so a recorded one has happened.
 *
 * SPDX-License-Identifier: MIT */
#include <time.h>

#include "subjects/null/entries.h"
#include "subjects/null/error.h"
#include "subjects/null/record.h"
#include "subjects/null/runtime.h"
#include "subjects/null/stream.h"

struct null_event {
    struct null_handle handle;
    unsigned flags;
    bool recorded;
    struct timespec at;         /* when it was recorded */
    struct null_graph *capture; /* recorded in a capturing stream; NULL: not */
    struct null_stream *from;   /* which one */
};

enum { EVENT_DISABLE_TIMING = 2 };

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
    if (error == hipErrorCapturedEvent)
        null_record_forbidden("hipEventSynchronize");
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
