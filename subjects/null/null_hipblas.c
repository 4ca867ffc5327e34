/* null_hipblas.c: libhipblas. Names and status numbers: hipBLAS 6.4.4 and 7.2.4, hipblas.h and hipblas-common.h.
 *
 * SPDX-License-Identifier: MIT */
#include "subjects/null/blas.h"

enum { SUCCESS = 0, NOT_INITIALIZED = 1, ALLOC_FAILED = 2, INVALID_VALUE = 3, EXECUTION_FAILED = 5, NOT_SUPPORTED = 7 };

static struct null_blas_handles handles = { .lock = PTHREAD_MUTEX_INITIALIZER };

int hipblasCreate(void **handle)
{
    if (!handle)
        return INVALID_VALUE;
    *handle = null_blas_new(&handles);
    return *handle ? SUCCESS : ALLOC_FAILED;
}

int hipblasDestroy(void *handle) { return null_blas_free(&handles, handle) ? SUCCESS : NOT_INITIALIZED; }

int hipblasSetStream(void *handle, void *stream)
{
    struct null_blas *blas = null_blas_get(&handles, handle);
    if (blas)
        blas->stream = stream;
    return blas ? SUCCESS : NOT_INITIALIZED;
}

int hipblasGetStream(void *handle, void **stream)
{
    const struct null_blas *blas = null_blas_get(&handles, handle);
    if (blas && stream)
        *stream = blas->stream;
    return !blas ? NOT_INITIALIZED : stream ? SUCCESS : INVALID_VALUE;
}

int hipblasSetPointerMode(void *handle, int mode)
{
    struct null_blas *blas = null_blas_get(&handles, handle);
    if (blas)
        blas->pointer_mode = mode;
    return blas ? SUCCESS : NOT_INITIALIZED;
}

int hipblasGetPointerMode(void *handle, int *mode)
{
    const struct null_blas *blas = null_blas_get(&handles, handle);
    if (blas && mode)
        *mode = blas->pointer_mode;
    return !blas ? NOT_INITIALIZED : mode ? SUCCESS : INVALID_VALUE;
}

/* The arguments after the handle are numbers in registers and on the stack that nobody reads. */
#define RECORD(name)                                                                                              \
    int name(void *handle)                                                                                        \
    {                                                                                                             \
        const struct null_blas *blas = null_blas_get(&handles, handle);                                           \
        return !blas ? NOT_INITIALIZED : null_hip_library_call(#name, blas->stream) ? EXECUTION_FAILED : SUCCESS; \
    }
RECORD(hipblasSgemm)
RECORD(hipblasDgemm)
RECORD(hipblasHgemm)
RECORD(hipblasGemmEx)
RECORD(hipblasGemmEx_v2)
RECORD(hipblasSgemmBatched)
RECORD(hipblasHgemmBatched)
RECORD(hipblasGemmBatchedEx)
RECORD(hipblasGemmBatchedEx_v2)
RECORD(hipblasSgemmStridedBatched)
RECORD(hipblasHgemmStridedBatched)
RECORD(hipblasGemmStridedBatchedEx)
RECORD(hipblasGemmStridedBatchedEx_v2)
RECORD(hipblasStrsm)
RECORD(hipblasStrsmBatched)
