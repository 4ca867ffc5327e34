/* blas.h: what the stand-ins for hipBLAS and rocBLAS share: handles, and the null runtime's two functions for them.
 * Linear algebra is not done: the calls of the products that attention programs make are recorded like launches, under
 * the entry point's name and with NULL_HIP_LIBRARY; every other one is refused.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_BLAS_H
#define ATTN_NULL_BLAS_H

#include <pthread.h>
#include <stdlib.h>

#include "subjects/null/state.h"

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

static inline struct null_blas *null_blas_new(struct null_blas_handles *handles)
{
    struct null_blas *blas = calloc(1, sizeof *blas);
    pthread_mutex_lock(&handles->lock);
    bool good = blas && null_map_put(&handles->map, blas, blas);
    pthread_mutex_unlock(&handles->lock);
    if (!good)
        free(blas);
    return good ? blas : NULL;
}

/* NULL when it is no handle. */
static inline struct null_blas *null_blas_get(struct null_blas_handles *handles, const void *handle)
{
    pthread_mutex_lock(&handles->lock);
    struct null_blas *blas = null_map_get(&handles->map, handle);
    pthread_mutex_unlock(&handles->lock);
    return blas;
}

/* False when it is no handle. */
static inline bool null_blas_free(struct null_blas_handles *handles, void *handle)
{
    pthread_mutex_lock(&handles->lock);
    struct null_blas *blas = null_map_get(&handles->map, handle);
    null_map_remove(&handles->map, handle);
    pthread_mutex_unlock(&handles->lock);
    free(blas);
    return blas != NULL;
}

#endif
