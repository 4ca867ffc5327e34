/* blas.h: what the stand-ins for hipBLAS and rocBLAS share: handles, and the null runtime's two functions for them.
 * Linear algebra is not done: the calls of the products that attention programs make are recorded like launches, under
 * the entry point's name and with NULL_HIP_LIBRARY; every other one is refused.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_BLAS_H
#define ATTN_NULL_BLAS_H

#include <pthread.h>
#include <stdlib.h>

#include "subjects/null/map.h"

/* Exported by libamdhip64: a call recorded as a launch, a HIP error; and a call refused (null_refuse). */
int null_hip_library_call(const char *name, void *stream);
int null_hip_refuse(const char *name);

struct null_blas {
    void *stream;
    int pointer_mode;
};

struct null_blas_handles {
    pthread_mutex_t lock;
    struct null_map map;
};
#define NULL_BLAS_HANDLES { .lock = PTHREAD_MUTEX_INITIALIZER }

/* What came of a call; each library has a table of the statuses that it calls these by. */
enum null_blas_result { BLAS_GOOD, BLAS_NO_HANDLE, BLAS_NO_POINTER, BLAS_NO_MEMORY, BLAS_NOT_LAUNCHED, BLAS_RESULTS };

static inline enum null_blas_result null_blas_create(struct null_blas_handles *handles, void **handle)
{
    if (!handle)
        return BLAS_NO_POINTER;
    struct null_blas *blas = calloc(1, sizeof *blas);
    pthread_mutex_lock(&handles->lock);
    bool good = blas && null_map_put(&handles->map, blas, blas);
    pthread_mutex_unlock(&handles->lock);
    if (!good)
        free(blas);
    *handle = good ? blas : NULL;
    return good ? BLAS_GOOD : BLAS_NO_MEMORY;
}

static inline enum null_blas_result null_blas_destroy(struct null_blas_handles *handles, void *handle)
{
    pthread_mutex_lock(&handles->lock);
    struct null_blas *blas = null_map_get(&handles->map, handle);
    null_map_remove(&handles->map, handle);
    pthread_mutex_unlock(&handles->lock);
    free(blas);
    return blas ? BLAS_GOOD : BLAS_NO_HANDLE;
}

/* NULL when it is no handle. */
static inline struct null_blas *null_blas_get(struct null_blas_handles *handles, const void *handle)
{
    pthread_mutex_lock(&handles->lock);
    struct null_blas *blas = null_map_get(&handles->map, handle);
    pthread_mutex_unlock(&handles->lock);
    return blas;
}

static inline enum null_blas_result null_blas_set_stream(struct null_blas_handles *handles, void *handle, void *stream)
{
    struct null_blas *blas = null_blas_get(handles, handle);
    if (blas)
        blas->stream = stream;
    return blas ? BLAS_GOOD : BLAS_NO_HANDLE;
}

static inline enum null_blas_result null_blas_get_stream(struct null_blas_handles *handles, void *handle, void **stream)
{
    const struct null_blas *blas = null_blas_get(handles, handle);
    if (blas && stream)
        *stream = blas->stream;
    return !blas ? BLAS_NO_HANDLE : stream ? BLAS_GOOD : BLAS_NO_POINTER;
}

/* A product, recorded under the entry point's name. */
static inline enum null_blas_result null_blas_record(struct null_blas_handles *handles, void *handle, const char *name)
{
    const struct null_blas *blas = null_blas_get(handles, handle);
    return !blas ? BLAS_NO_HANDLE : null_hip_library_call(name, blas->stream) ? BLAS_NOT_LAUNCHED : BLAS_GOOD;
}

/* Its entry point. The arguments after the handle are numbers in registers and on the stack that nobody reads. */
#define NULL_BLAS_RECORD(name) \
    int name(void *handle) { return status[null_blas_record(&handles, handle, #name)]; }

#endif
