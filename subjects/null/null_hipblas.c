/* null_hipblas.c: libhipblas. Names and status numbers: hipBLAS 6.4.4 and 7.2.4, hipblas.h and hipblas-common.h.
 *
 * SPDX-License-Identifier: MIT */
#include "subjects/null/blas.h"

enum { SUCCESS = 0, NOT_INITIALIZED = 1, ALLOC_FAILED = 2, INVALID_VALUE = 3, EXECUTION_FAILED = 5 };

static const int status[BLAS_RESULTS] = {
    [BLAS_GOOD] = SUCCESS,           [BLAS_NO_HANDLE] = NOT_INITIALIZED,     [BLAS_NO_POINTER] = INVALID_VALUE,
    [BLAS_NO_MEMORY] = ALLOC_FAILED, [BLAS_NOT_LAUNCHED] = EXECUTION_FAILED,
};
static struct null_blas_handles handles = NULL_BLAS_HANDLES;

int hipblasCreate(void **handle) { return status[null_blas_create(&handles, handle)]; }
int hipblasDestroy(void *handle) { return status[null_blas_destroy(&handles, handle)]; }
int hipblasSetStream(void *handle, void *stream) { return status[null_blas_set_stream(&handles, handle, stream)]; }
int hipblasGetStream(void *handle, void **stream) { return status[null_blas_get_stream(&handles, handle, stream)]; }

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

NULL_BLAS_RECORD(hipblasSgemm)
NULL_BLAS_RECORD(hipblasDgemm)
NULL_BLAS_RECORD(hipblasHgemm)
NULL_BLAS_RECORD(hipblasGemmEx)
NULL_BLAS_RECORD(hipblasGemmEx_v2)
NULL_BLAS_RECORD(hipblasSgemmBatched)
NULL_BLAS_RECORD(hipblasHgemmBatched)
NULL_BLAS_RECORD(hipblasGemmBatchedEx)
NULL_BLAS_RECORD(hipblasGemmBatchedEx_v2)
NULL_BLAS_RECORD(hipblasSgemmStridedBatched)
NULL_BLAS_RECORD(hipblasHgemmStridedBatched)
NULL_BLAS_RECORD(hipblasGemmStridedBatchedEx)
NULL_BLAS_RECORD(hipblasGemmStridedBatchedEx_v2)
NULL_BLAS_RECORD(hipblasStrsm)
NULL_BLAS_RECORD(hipblasStrsmBatched)
