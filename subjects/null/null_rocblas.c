/* null_rocblas.c: librocblas. Names and status numbers: rocBLAS 6.4.4 and 7.2.4, rocblas.h and rocblas-types.h.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "subjects/null/blas.h"

enum { SUCCESS = 0, INVALID_HANDLE = 1, INVALID_POINTER = 3, INVALID_SIZE = 4, MEMORY_ERROR = 5, INTERNAL_ERROR = 6 };

static const int status[BLAS_RESULTS] = {
    [BLAS_GOOD] = SUCCESS,           [BLAS_NO_HANDLE] = INVALID_HANDLE,    [BLAS_NO_POINTER] = INVALID_POINTER,
    [BLAS_NO_MEMORY] = MEMORY_ERROR, [BLAS_NOT_LAUNCHED] = INTERNAL_ERROR,
};
static struct null_blas_handles handles = NULL_BLAS_HANDLES;
static const char version[] = "0.0.0.attnfuzz-null";

/* Loads the library's kernels beforehand: there are none. */
void rocblas_initialize(void) {}

int rocblas_get_version_string_size(size_t *bytes)
{
    if (!bytes)
        return INVALID_POINTER;
    *bytes = sizeof version;
    return SUCCESS;
}

int rocblas_get_version_string(char *text, size_t bytes)
{
    if (!text)
        return INVALID_POINTER;
    if (bytes < sizeof version)
        return INVALID_SIZE;
    memcpy(text, version, sizeof version);
    return SUCCESS;
}

int rocblas_create_handle(void **handle) { return status[null_blas_create(&handles, handle)]; }
int rocblas_destroy_handle(void *handle) { return status[null_blas_destroy(&handles, handle)]; }
int rocblas_set_stream(void *handle, void *stream) { return status[null_blas_set_stream(&handles, handle, stream)]; }
int rocblas_get_stream(void *handle, void **stream) { return status[null_blas_get_stream(&handles, handle, stream)]; }

NULL_BLAS_RECORD(rocblas_sgemm)
NULL_BLAS_RECORD(rocblas_hgemm)
NULL_BLAS_RECORD(rocblas_dgemm)
NULL_BLAS_RECORD(rocblas_gemm_ex)
NULL_BLAS_RECORD(rocblas_gemm_batched_ex)
NULL_BLAS_RECORD(rocblas_gemm_strided_batched_ex)
